//! Queries of places, and their order.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use sea_orm::{EntityTrait, QueryFilter};
use wayin_entity::place;

use super::filter::place_condition;
use super::filter_input::PlaceFilter;
use super::{PlaceKey, PlaceOrdering};
use crate::error::Error;
use crate::graphql::{
    app_from_context, connection::NodeConnection, decode_argument, filter::FilterContext,
    list::load_connection, order::Direction, require_member,
};
use crate::id::NodeKind;
use crate::initiative::graphql::Place;
use crate::paging::PageArguments;

/// The fields by which places can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PlaceOrderField {
    /// The name.
    Name,
}

/// The order of a list of places.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct PlaceOrder {
    /// The field to sort by.
    pub field: PlaceOrderField,
    /// The direction of the order.
    #[graphql(default)]
    pub direction: Direction,
}

#[derive(Default)]
pub struct PlaceQuery;

#[Object]
impl PlaceQuery {
    /// Places. Places with retired codes are included, unless you filter by `current`.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn places(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which places to return. By default, all that you can see.")] filter: Option<
            PlaceFilter,
        >,
        #[graphql(desc = "The sort order. By default, names are in alphabetical order.")] order_by: Option<
            PlaceOrder,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Place>> {
        let db = app_from_context(ctx).db.clone();
        let order = PlaceOrdering {
            descending: order_by.is_some_and(|order| order.direction == Direction::Desc),
        };
        let condition = filter
            .unwrap_or_default()
            .into_predicate(
                FilterContext::for_member(&db, require_member(ctx)?),
                "filter".into(),
            )
            .await?;
        let select = place::Entity::find().filter(place_condition(&condition, true));
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, order, page, |row| Place(row.into())).await
    }

    /// Returns one place. Give its ID or its GSS code, but not both. A retired code leads to the place that
    /// replaced it. Null if there is none.
    async fn place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID of the place.")] id: Option<ID>,
        #[graphql(desc = "The GSS code.")] code: Option<String>,
    ) -> Result<Option<Place>> {
        let key = match (id, code) {
            (Some(id), None) => PlaceKey::Id(decode_argument(NodeKind::Place, "id", &id)?),
            (None, Some(code)) => PlaceKey::Code(code),
            _ => return Err(Error::bad_input("place", "give either id or code").into()),
        };
        Ok(super::find_place(&app_from_context(ctx).db, &key)
            .await?
            .map(|row| Place(row.into())))
    }
}
