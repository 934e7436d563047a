//! Loads places for many objects of a response at once.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select, sea_query::SelectStatement};
use uuid::Uuid;
use wayin_entity::{place, place_within};

use crate::graphql::{
    error::Shared,
    list::{ChildList, links},
    loader::{Loads, RowKey},
};

/// Loads a place by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaceById(pub Uuid);

impl RowKey for PlaceById {
    type Table = place::Entity;
    const ID: place::Column = place::Column::Id;

    fn id(self) -> Uuid {
        self.0
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
        let larger = links.iter().map(|link| link.parent_id);
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
                    .any(|link| link.place_id == smaller && link.parent_id == place.id)
            };
            places.iter().filter(larger).cloned().collect()
        };
        Ok(keys.iter().map(|key| (*key, around(key.0))).collect())
    }
}

/// The places in use that lie directly within a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContainedPlaces;

impl ChildList for ContainedPlaces {
    type Row = place::Entity;

    fn rows(self, _: &Loads) -> Result<Select<place::Entity>, Shared> {
        Ok(place::Entity::find().filter(place::Column::SuccessorId.is_null()))
    }

    fn links(self, places: &[Uuid]) -> SelectStatement {
        links(
            place_within::Entity,
            place_within::Column::ParentId,
            place_within::Column::PlaceId,
            places,
        )
    }
}
