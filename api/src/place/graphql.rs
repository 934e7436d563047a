//! Places over GraphQL: their queries and their order.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use sea_orm::{EntityTrait, QueryFilter};
use wayin_entity::place;

use super::filter_input::PlaceFilter;
use super::{PlaceKey, PlaceOrdering};
use crate::error::Error;
use crate::graphql::{
    app, connection::Connection, decode, filter::Lookup, list::list, order::Direction, reader,
};
use crate::id::NodeKind;
use crate::initiative::filter;
use crate::initiative::graphql::Place;
use crate::paging::PageArguments;

/// What places are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PlaceOrderField {
    /// The name.
    Name,
}

/// The order of a list of places.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct PlaceOrder {
    /// What they are sorted by.
    pub field: PlaceOrderField,
    /// In which direction.
    #[graphql(default)]
    pub direction: Direction,
}

/// The places that the base knows.
#[derive(Default)]
pub struct PlaceQuery;

#[Object]
impl PlaceQuery {
    /// Places, those with retired codes among them unless `current` is asked for.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn places(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<PlaceFilter>,
        #[graphql(desc = "The order; by name where nothing is said.")] order_by: Option<PlaceOrder>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Place>> {
        let db = app(ctx).db.clone();
        let order = PlaceOrdering {
            descending: order_by.is_some_and(|order| order.direction == Direction::Descending),
        };
        let condition = filter
            .unwrap_or_default()
            .condition(Lookup::new(&db, reader(ctx)?), "filter".into())
            .await?;
        let select = place::Entity::find().filter(filter::places(&condition, true));
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, order, page, Place).await
    }

    /// One place, by its id or its GSS code: one of the two. A retired code leads to
    /// the place that took over. Null where there is none.
    async fn place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: Option<ID>,
        #[graphql(desc = "The GSS code.")] code: Option<String>,
    ) -> Result<Option<Place>> {
        let key = match (id, code) {
            (Some(id), None) => PlaceKey::Id(decode(NodeKind::Place, "id", &id)?),
            (None, Some(code)) => PlaceKey::Code(code),
            _ => return Err(Error::bad_input("place", "give either id or code").into()),
        };
        Ok(super::find(&app(ctx).db, &key).await?.map(Place))
    }
}
