//! The type `Place`. It is here because it and `Initiative` refer to each other.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use wayin_entity::{PlaceKind, place};

use super::{Initiative, InitiativeOrder, load_initiatives};
use crate::graphql::{
    connection::{IndexedConnection, NodeConnection},
    list::load_child_connection,
    loader,
};
use crate::id::NodeKind;
use crate::paging::PageArguments;
use crate::place::PlaceOrdering;
use crate::place::loaders::{ChildPlaceList, ParentPlaces, PlaceById};
use crate::reference_data::graphql::{find_replayed_ids, load_version};
use wayin_engine::predicate::{InitiativeTest, NamedReference, Predicate};

/// A place, from a neighbourhood to the country.
#[derive(Clone, Debug)]
pub struct Place(pub Arc<place::Model>);

/// A place, from a neighbourhood to the country.
#[Object]
impl Place {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Place.encode_id(self.0.id).into()
    }

    /// The version number: 1 at first, one more with every save. Only stewards can read it.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        load_version(ctx, self.0.id).await
    }

    /// The current name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// A kind of place.
    async fn kind(&self) -> PlaceKind {
        self.0.kind
    }

    /// The GSS code, such as E08000025. Null if there is none.
    async fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The place that replaced this one when its code was retired. Null if the code is current.
    async fn successor(&self, ctx: &Context<'_>) -> Result<Option<Self>> {
        let Some(id) = self.0.successor_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(PlaceById(id))
            .await?
            .map(Self))
    }

    /// The places that directly contain it. A place can have several, such as a region and a combined authority.
    async fn parents(&self, ctx: &Context<'_>) -> Result<Vec<Self>> {
        if let Some(ids) = find_replayed_ids(self.0.id, "parents", NodeKind::Place) {
            let places = loader::operation_loader(ctx)
                .load_many(ids.into_iter().map(PlaceById))
                .await?;
            let mut places: Vec<_> = places.into_values().collect();
            places.sort_by(|one, other| (&one.name_folded, one.id).cmp(&(&other.name_folded, other.id)));
            return Ok(places.into_iter().map(Self).collect());
        }
        let places = loader::operation_loader(ctx)
            .load_one(ParentPlaces(self.0.id))
            .await?
            .unwrap_or_default();
        Ok(places.into_iter().map(|row| Self(row.into())).collect())
    }

    /// The current places directly inside it, sorted by name.
    async fn children(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Self>> {
        let order = PlaceOrdering { descending: false };
        let page = PageArguments::new(first, after, last, before);
        load_child_connection(ctx, ChildPlaceList, self.0.id, order, page, |row| {
            Self(Arc::new(row))
        })
        .await
    }

    /// The initiatives that you can read in this place or in any place within it.
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
        let within = Predicate::Test(InitiativeTest::PlaceWithin(NamedReference {
            id: self.0.id,
            name: self.0.name.clone(),
        }));
        let page = PageArguments::new(first, after, last, before);
        Ok(load_initiatives(ctx, within, order_by, page, min_change_number).await?)
    }
}
