//! Which records one may read whole or in part, in SQL. [`Reader`] has the same rule on a record.

use sea_orm::{
    ExprTrait,
    sea_query::{Expr, Query},
};
use uuid::Uuid;
use wayin_engine::visibility::Reader;
use wayin_entity::{Visibility, funding_term, initiative};

/// [`Reader::can_view_fully`] in SQL, of the table `initiative`.
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

/// In SQL, of the table `initiative`: which records the reader may read at
/// least in part, as a funder reads title, place and its own terms of what it funds.
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

/// The published records: what stands, and was not withdrawn.
pub fn published_condition() -> Expr {
    Expr::col((initiative::Entity, initiative::Column::WithdrawnAt)).is_null()
}
