//! The organisation as an object, beside the initiative: each leads to the other.

use async_graphql::{Context, ID, Object, Result};
use wayin_entity::{OrganisationKind, organisation};

use super::{FundingTerm, FundingTermList, Initiative, InitiativeList, InitiativeOrder};
use crate::graphql::{connection::Connection, list::child_list};
use crate::id::NodeKind;
use crate::initiative::InitiativeOrdering;
use crate::keeping::graphql::version;
use crate::paging::PageArguments;

/// An organisation that leads or funds initiatives.
#[derive(Clone, Debug)]
pub struct Organisation(pub organisation::Model);

/// An organisation that leads or funds initiatives.
#[Object]
impl Organisation {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Organisation.id(self.0.id).into()
    }

    /// Counts the times that it was saved. For stewards.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        version(ctx, self.0.id).await
    }

    /// The name in use.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What sort of organisation it is; null where not known.
    async fn kind(&self) -> Option<OrganisationKind> {
        self.0.kind
    }

    /// The org-id identifier, such as GB-CHC-1164883; null where none is known.
    async fn identifier(&self) -> Option<&str> {
        self.0.identifier.as_deref()
    }

    /// Whether what its members send in is published without review. For stewards.
    async fn auto_publish(&self) -> bool {
        self.0.auto_publish
    }

    /// The initiatives that it leads, that you may read.
    async fn initiatives(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order; the newest first where nothing is said.")] order_by: Option<
            InitiativeOrder,
        >,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Initiative>> {
        let order = InitiativeOrdering::of(order_by);
        let page = PageArguments::new(first, after, last, before);
        child_list(ctx, InitiativeList::LedBy, self.0.id, order, page, Initiative).await
    }

    /// The funding terms that it gave, of the initiatives that you may read; the latest start first.
    async fn funding_terms(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<FundingTerm>> {
        let page = PageArguments::new(first, after, last, before);
        child_list(ctx, FundingTermList, self.0.id, (), page, FundingTerm).await
    }
}
