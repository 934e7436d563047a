//! Which records a reader can read in full or partly, as SQL conditions. [`Reader`] has the same rules for a
//! record in memory.

use sea_orm::{
    ExprTrait,
    sea_query::{Expr, Query},
};
use uuid::Uuid;
use wayin_engine::visibility::Reader;
use wayin_entity::{Visibility, funding_term, initiative};

/// [`Reader::can_view_fully`] as a condition on the table `initiative`.
pub fn fully_visible_condition(reader: Reader) -> Expr {
    let visibility = Expr::col((initiative::Entity, initiative::Column::Visibility));
    match reader {
        Reader::Steward => Expr::cust("1 = 1"),
        Reader::Dashboard => visibility.eq(Visibility::Open),
        Reader::Member { organisation } => visibility
            .is_in([Visibility::Open, Visibility::Members])
            .or(Expr::col((initiative::Entity, initiative::Column::LeadOrganisationId)).eq(organisation))
            .or(
                Expr::col((initiative::Entity, initiative::Column::SharedWithFunders))
                    .eq(true)
                    .and(funded_by_condition(organisation)),
            ),
    }
}

/// A condition on the table `initiative`: the records that the reader can read at least partly. A funder can
/// read the title, the place and its own terms of a record that it funds.
pub fn partly_visible_condition(reader: Reader) -> Expr {
    match reader {
        Reader::Steward | Reader::Dashboard => fully_visible_condition(reader),
        Reader::Member { organisation } => {
            fully_visible_condition(reader).or(funded_by_condition(organisation))
        }
    }
}

fn funded_by_condition(organisation: Uuid) -> Expr {
    let mut funded = Query::select();
    funded
        .column(funding_term::Column::InitiativeId)
        .from(funding_term::Entity)
        .and_where(Expr::col((funding_term::Entity, funding_term::Column::FunderId)).eq(organisation));
    Expr::col((initiative::Entity, initiative::Column::Id)).in_subquery(funded)
}

/// Records that are published and not withdrawn.
pub fn published_condition() -> Expr {
    Expr::col((initiative::Entity, initiative::Column::WithdrawnAt)).is_null()
}
