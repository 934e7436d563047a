//! Loads places for many objects of a response at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder,
    sea_query::{Expr, Query, SelectStatement},
};
use uuid::Uuid;
use wayin_entity::{place, place_within};

use super::PlaceOrdering;
use crate::graphql::{
    error::Shared,
    loader::{self, Loads},
};
use crate::paging::{self, Page, PageRequest};

/// Loads a place by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaceById(pub Uuid);

impl Loader<PlaceById> for Loads {
    type Value = place::Model;
    type Error = Shared;

    async fn load(&self, keys: &[PlaceById]) -> Result<HashMap<PlaceById, place::Model>, Shared> {
        let ids = keys.iter().map(|key| key.0);
        let places = place::Entity::find()
            .filter(place::Column::Id.is_in(ids))
            .all(&self.db)
            .await?;
        Ok(places
            .into_iter()
            .map(|place| (PlaceById(place.id), place))
            .collect())
    }
}

/// Loads the places that a place lies directly within, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlacesAround(pub Uuid);

impl Loader<PlacesAround> for Loads {
    type Value = Vec<place::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[PlacesAround]) -> Result<HashMap<PlacesAround, Vec<place::Model>>, Shared> {
        let ids = keys.iter().map(|key| key.0);
        let links = place_within::Entity::find()
            .filter(place_within::Column::PlaceId.is_in(ids))
            .all(&self.db)
            .await?;
        let larger = links.iter().map(|link| link.within_id);
        let places = place::Entity::find()
            .filter(place::Column::Id.is_in(larger))
            .order_by_asc(place::Column::NameFolded)
            .order_by_asc(place::Column::Id)
            .all(&self.db)
            .await?;
        let around = |smaller: Uuid| {
            let larger = |place: &&place::Model| {
                links
                    .iter()
                    .any(|link| link.place_id == smaller && link.within_id == place.id)
            };
            places.iter().filter(larger).cloned().collect()
        };
        Ok(keys.iter().map(|key| (*key, around(key.0))).collect())
    }
}

/// Loads a page of the places in use that lie directly within a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlacesIn {
    /// The larger place.
    pub place: Uuid,
    /// Which page.
    pub request: Arc<PageRequest<PlaceOrdering>>,
}

fn current_places() -> sea_orm::Select<place::Entity> {
    place::Entity::find().filter(place::Column::SuccessorId.is_null())
}

fn contained_in(places: impl IntoIterator<Item = Uuid>) -> SelectStatement {
    let mut links = Query::select();
    links
        .expr_as(Expr::col(place_within::Column::WithinId), "parent")
        .expr_as(Expr::col(place_within::Column::PlaceId), "child")
        .from(place_within::Entity)
        .and_where(Expr::col(place_within::Column::WithinId).is_in(places));
    links
}

impl Loader<PlacesIn> for Loads {
    type Value = Page<place::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[PlacesIn]) -> Result<HashMap<PlacesIn, Page<place::Model>>, Shared> {
        let mut loaded = HashMap::new();
        for (request, places) in loader::by_request(keys.iter().map(|key| (&key.request, key.place))) {
            let links = contained_in(places);
            for (place, page) in paging::pages_by_parent(&self.db, current_places(), links, &request).await? {
                loaded.insert(
                    PlacesIn {
                        place,
                        request: Arc::clone(&request),
                    },
                    page,
                );
            }
        }
        Ok(loaded)
    }
}

/// Counts the places in use that lie directly within a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CountOfPlacesIn(pub Uuid);

impl Loader<CountOfPlacesIn> for Loads {
    type Value = u64;
    type Error = Shared;

    async fn load(&self, keys: &[CountOfPlacesIn]) -> Result<HashMap<CountOfPlacesIn, u64>, Shared> {
        let links = contained_in(keys.iter().map(|key| key.0));
        let counts = paging::counts_by_parent(&self.db, current_places(), links).await?;
        Ok(counts
            .into_iter()
            .map(|(place, count)| (CountOfPlacesIn(place), count))
            .collect())
    }
}
