//! The lists of initiatives and funding terms in other objects. Each list is loaded for all objects of a page
//! at once.

use async_graphql::{Enum, InputObject};
use sea_orm::{Select, sea_query::SelectStatement};
use uuid::Uuid;
use wayin_entity::{funding_term, initiative};

use crate::graphql::{
    error::SharedError,
    list::{ChildList, select_parent_links},
    loader::LoaderContext,
    order::Direction,
};
use crate::initiative::{
    InitiativeOrdering, InitiativeSortField, select_visible, select_visible_funding_terms,
};
use crate::place::hierarchy::select_initiatives_in;

/// The fields by which initiatives can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InitiativeOrderField {
    /// When the initiative was first published.
    Published,
    /// The title.
    Title,
    /// The day the initiative started.
    StartedOn,
    /// The day the initiative ended.
    EndedOn,
}

/// The order of a list of initiatives.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct InitiativeOrder {
    /// The field to sort by.
    pub field: InitiativeOrderField,
    /// The direction of the order.
    #[graphql(default)]
    pub direction: Direction,
}

impl InitiativeOrdering {
    pub(super) fn from_order(order: Option<InitiativeOrder>) -> Self {
        let Some(order) = order else {
            return Self {
                field: InitiativeSortField::Published,
                descending: true,
            };
        };
        let by = match order.field {
            InitiativeOrderField::Published => InitiativeSortField::Published,
            InitiativeOrderField::Title => InitiativeSortField::Title,
            InitiativeOrderField::StartedOn => InitiativeSortField::StartedOn,
            InitiativeOrderField::EndedOn => InitiativeSortField::EndedOn,
        };
        Self {
            field: by,
            descending: order.direction == Direction::Desc,
        }
    }
}

/// A list of initiatives in another object.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum InitiativeList {
    /// The initiatives in a place or in places within it.
    InPlace {
        /// Whether to include initiatives that a funder can read only partly.
        parts_too: bool,
    },
    /// The initiatives that an organisation leads. Funders cannot read who leads a partly visible record.
    LedBy,
}

impl ChildList for InitiativeList {
    type Row = initiative::Entity;

    fn select_rows(self, loads: &LoaderContext) -> Result<Select<initiative::Entity>, SharedError> {
        let parts_too = matches!(self, Self::InPlace { parts_too: true });
        Ok(select_visible(loads.reader()?, parts_too))
    }

    fn select_links(self, parents: &[Uuid]) -> SelectStatement {
        match self {
            Self::InPlace { .. } => select_initiatives_in(parents),
            Self::LedBy => select_parent_links(
                initiative::Entity,
                initiative::Column::LeadOrganisationId,
                initiative::Column::Id,
                parents,
            ),
        }
    }
}

/// The funding terms that an organisation gave.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FundingTermList;

impl ChildList for FundingTermList {
    type Row = funding_term::Entity;

    fn select_rows(self, loads: &LoaderContext) -> Result<Select<funding_term::Entity>, SharedError> {
        Ok(select_visible_funding_terms(loads.reader()?))
    }

    fn select_links(self, funders: &[Uuid]) -> SelectStatement {
        select_parent_links(
            funding_term::Entity,
            funding_term::Column::FunderId,
            funding_term::Column::Id,
            funders,
        )
    }
}
