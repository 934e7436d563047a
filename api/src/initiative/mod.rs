//! Initiatives: their records, publication, and who can read them.

pub mod changes;
pub mod filter_input;
pub mod graphql;
pub mod own_records;
pub mod place_grants;
pub mod publish;

use sea_orm::{
    EntityTrait, ExprTrait, QueryFilter, Select,
    sea_query::{Expr, Query, SelectStatement},
};
use wayin_entity::{funding_term, initiative, organisation};

use crate::auth::visibility::{fully_visible_condition, partly_visible_condition, published_condition};
use crate::paging::{Paged, SortOrder};
use wayin_engine::visibility::Reader;

/// A condition on the table `initiative`: published and readable in full or, with `parts_too`, at least
/// partly.
pub fn visible_condition(reader: Reader, parts_too: bool) -> Expr {
    published_condition().and(if parts_too {
        partly_visible_condition(reader)
    } else {
        fully_visible_condition(reader)
    })
}

/// Selects the initiatives that a reader can read in full or, with `parts_too`, at least partly.
pub fn select_visible(reader: Reader, parts_too: bool) -> Select<initiative::Entity> {
    initiative::Entity::find().filter(visible_condition(reader, parts_too))
}

/// Selects the ids of the initiatives that a reader can read in full.
fn select_fully_visible_ids(reader: Reader) -> SelectStatement {
    let mut ids = Query::select();
    ids.column((initiative::Entity, initiative::Column::Id))
        .from(initiative::Entity)
        .and_where(visible_condition(reader, false));
    ids
}

/// Selects the organisations that a reader can see: their own, and those that lead or fund a record that they
/// can read. The reader cannot see that an organisation has hidden records.
pub fn select_visible_organisations(reader: Reader) -> Select<organisation::Entity> {
    let all = organisation::Entity::find();
    if reader == Reader::Steward {
        return all;
    }
    let id = || Expr::col((organisation::Entity, organisation::Column::Id));
    let mut leads = Query::select();
    leads
        .column((initiative::Entity, initiative::Column::LeadOrganisationId))
        .from(initiative::Entity)
        .and_where(visible_condition(reader, false));
    let mut funds = Query::select();
    funds
        .column((funding_term::Entity, funding_term::Column::FunderId))
        .from(funding_term::Entity)
        .and_where(
            Expr::col((funding_term::Entity, funding_term::Column::InitiativeId))
                .in_subquery(select_fully_visible_ids(reader)),
        );
    let known = id().in_subquery(leads).or(id().in_subquery(funds));
    all.filter(match reader.organisation() {
        Some(own) => known.or(id().eq(own)),
        None => known,
    })
}

/// Selects the funding terms that a reader can read: those of records that they can read in full, and those
/// that their own organisation gave.
pub fn select_visible_funding_terms(reader: Reader) -> Select<funding_term::Entity> {
    let among = |visible: Expr| {
        let mut ids = Query::select();
        ids.column((initiative::Entity, initiative::Column::Id))
            .from(initiative::Entity)
            .and_where(visible);
        Expr::col((funding_term::Entity, funding_term::Column::InitiativeId)).in_subquery(ids)
    };
    let readable = among(visible_condition(reader, false));
    let readable = match reader.organisation() {
        None => readable,
        Some(organisation) => readable.or(Expr::col((funding_term::Entity, funding_term::Column::FunderId))
            .eq(organisation)
            .and(among(published_condition()))),
    };
    funding_term::Entity::find().filter(readable)
}

impl Paged for funding_term::Entity {
    type Order = ();
    const ID: Self::Column = funding_term::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "starts-",
            column: funding_term::Column::StartsOn,
            descending: true,
        }
    }
}
