//! Loads places for many objects of a response at once.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select, sea_query::SelectStatement};
use uuid::Uuid;
use wayin_entity::{place, place_parent};

use crate::graphql::{
    error::SharedError,
    list::{ChildList, select_parent_links},
    loader::{LoaderContext, LoaderKey},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaceById(pub Uuid);

impl LoaderKey for PlaceById {
    type Value = Arc<place::Model>;

    fn find_cached(&self, context: &LoaderContext) -> Option<Self::Value> {
        context.find_cached_row(self.0)
    }

    async fn load(context: &LoaderContext, keys: &[Self]) -> Result<HashMap<Self, Self::Value>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let rows = context.load_cached_rows::<place::Entity>(ids).await?;
        Ok(rows.into_iter().map(|(id, row)| (Self(id), row)).collect())
    }
}

/// Loads the parents of a place, sorted by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParentPlaces(pub Uuid);

impl LoaderKey for ParentPlaces {
    type Value = Vec<place::Model>;

    async fn load(
        context: &LoaderContext,
        keys: &[ParentPlaces],
    ) -> Result<HashMap<ParentPlaces, Vec<place::Model>>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let links = place_parent::Entity::find()
            .filter(place_parent::Column::PlaceId.is_in(ids))
            .all(&context.db)
            .await?;
        let larger = links.iter().map(|link| link.parent_id);
        let places = place::Entity::find()
            .filter(place::Column::Id.is_in(larger))
            .order_by_asc(place::Column::NameFolded)
            .order_by_asc(place::Column::Id)
            .all(&context.db)
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

/// The children of a place that are in use.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChildPlaceList;

impl ChildList for ChildPlaceList {
    type Row = place::Entity;

    fn select_rows(self, _: &LoaderContext) -> Result<Select<place::Entity>, SharedError> {
        Ok(place::Entity::find().filter(place::Column::SuccessorId.is_null()))
    }

    fn select_links(self, places: &[Uuid]) -> SelectStatement {
        select_parent_links(
            place_parent::Entity,
            place_parent::Column::ParentId,
            place_parent::Column::PlaceId,
            places,
        )
    }
}
