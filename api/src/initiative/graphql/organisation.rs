//! The type `Organisation`. It is here because it and `Initiative` refer to each other.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use wayin_entity::{OrganisationKind, organisation};

use super::{FundingTerm, FundingTermList, Initiative, InitiativeOrder, load_initiatives};
use crate::graphql::{
    connection::{IndexedConnection, NodeConnection},
    list::load_child_connection,
};
use crate::id::NodeKind;
use crate::paging::PageArguments;
use crate::reference_data::graphql::load_version;
use wayin_engine::predicate::{InitiativeTest, NamedReference, OrganisationTest, Predicate};

/// An organisation that leads or funds initiatives.
#[derive(Clone, Debug)]
pub struct Organisation(pub Arc<organisation::Model>);

/// An organisation that leads or funds initiatives.
#[Object]
impl Organisation {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Organisation.encode_id(self.0.id).into()
    }

    /// The version number: 1 at first, one more with every save. Only stewards can read it.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        load_version(ctx, self.0.id).await
    }

    /// The current name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The kind of organisation. Null if not known.
    async fn kind(&self) -> Option<OrganisationKind> {
        self.0.kind
    }

    /// The identifier in the scheme of org-id.guide, such as GB-CHC-1164883. Null if not known.
    async fn identifier(&self) -> Option<&str> {
        self.0.identifier.as_deref()
    }

    /// Whether records that its members submit are published without review. For stewards.
    async fn auto_publish(&self) -> bool {
        self.0.auto_publish
    }

    /// The initiatives that it leads and you can read.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn initiatives(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sort order. By default, the newest publication comes first.")] order_by: Option<
            InitiativeOrder,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Wait until the list includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<IndexedConnection<Initiative>> {
        let own = OrganisationTest::Id(vec![NamedReference {
            id: self.0.id,
            name: self.0.name.clone(),
        }]);
        let led = Predicate::Test(InitiativeTest::LeadOrganisation(Predicate::Test(own)));
        let page = PageArguments::new(first, after, last, before);
        Ok(load_initiatives(ctx, led, order_by, page, min_change_number).await?)
    }

    /// The funding terms that it gave, for the initiatives that you can read, sorted by start date with the
    /// latest first.
    async fn funding_terms(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<FundingTerm>> {
        let page = PageArguments::new(first, after, last, before);
        load_child_connection(ctx, FundingTermList, self.0.id, (), page, |row| {
            FundingTerm(row.into())
        })
        .await
    }
}
