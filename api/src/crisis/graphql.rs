//! Crises over GraphQL.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Result};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;
use wayin_entity::{crisis, crisis_place};

use crate::graphql::comparison::Date;
use crate::graphql::{
    connection::NodeConnection,
    error::SharedError,
    list::load_connection,
    loader::{self, LoaderContext, LoaderKey, RowLoaderKey},
};
use crate::id::NodeKind;
use crate::initiative::graphql::Place;
use crate::paging::PageArguments;
use crate::place::loaders::PlaceById;
use crate::reference_data::graphql::{find_replayed_ids, load_version};

/// A period that affects the work, such as a pandemic.
#[derive(Clone, Debug)]
pub struct Crisis(pub crisis::Model);

/// A period that affects the work, such as a pandemic.
#[Object]
impl Crisis {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Crisis.encode_id(self.0.id).into()
    }

    /// The version number: 1 at first, one more with every save. Only stewards can read it.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        load_version(ctx, self.0.id).await
    }

    /// The short name, used in filters: `activeDuring: {crisis: "cost-of-living"}`, and `startedDuring` and
    /// `fundedDuring` likewise.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The first day.
    async fn from(&self) -> Date {
        Date(self.0.from_on)
    }

    /// The last day. Null if the crisis is continuing.
    async fn to(&self) -> Option<Date> {
        self.0.to_on.map(Date)
    }

    /// The places that the crisis affects. Empty if it affects all places.
    async fn places(&self, ctx: &Context<'_>) -> Result<Vec<Place>> {
        let ids = match find_replayed_ids(self.0.id, "places", NodeKind::Place) {
            Some(places) => places,
            None => loader::operation_loader(ctx)
                .load_one(CrisisPlaces(self.0.id))
                .await?
                .unwrap_or_default(),
        };
        let places = loader::operation_loader(ctx)
            .load_many(ids.iter().copied().map(PlaceById))
            .await?;
        Ok(ids
            .iter()
            .filter_map(|id| places.get(&PlaceById(*id)))
            .cloned()
            .map(Place)
            .collect())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CrisisById(pub Uuid);

impl RowLoaderKey for CrisisById {
    type Table = crisis::Entity;
    const ID: crisis::Column = crisis::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CrisisPlaces(Uuid);

impl LoaderKey for CrisisPlaces {
    type Value = Vec<Uuid>;

    async fn load(
        context: &LoaderContext,
        keys: &[CrisisPlaces],
    ) -> Result<HashMap<CrisisPlaces, Vec<Uuid>>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let mut places: HashMap<CrisisPlaces, Vec<Uuid>> = HashMap::new();
        for row in crisis_place::Entity::find()
            .filter(crisis_place::Column::CrisisId.is_in(ids))
            .order_by_asc(crisis_place::Column::PlaceId)
            .all(&context.db)
            .await?
        {
            places
                .entry(CrisisPlaces(row.crisis_id))
                .or_default()
                .push(row.place_id);
        }
        Ok(places)
    }
}

#[derive(Default)]
pub struct CrisisQuery;

#[Object]
impl CrisisQuery {
    /// Crises: periods that affect the work, latest first.
    async fn crises(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Crisis>> {
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, crisis::Entity::find(), (), page, Crisis).await
    }
}
