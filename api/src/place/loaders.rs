//! Loads places for many objects of a response at once.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select, sea_query::SelectStatement};
use uuid::Uuid;
use wayin_entity::{place, place_parent};

use crate::graphql::{
    error::SharedError,
    list::{ChildList, select_parent_links},
    loader::LoaderContext,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaceById(pub Uuid);

impl Loader<PlaceById> for LoaderContext {
    type Value = place::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[PlaceById]) -> Result<HashMap<PlaceById, place::Model>, SharedError> {
        let load = async |ids: &[Uuid]| {
            let listed = place::Column::Id.is_in(ids.iter().copied());
            let rows = place::Entity::find()
                .filter(listed)
                .all(&self.db)
                .await?
                .into_iter();
            Ok(rows.map(|row| (row.id, row)).collect())
        };
        let ids = keys.iter().map(|key| key.0);
        let rows = self.load_through_cache(ids, |_| true, load).await?.into_iter();
        Ok(rows
            .map(|(id, row)| (PlaceById(id), place::Model::clone(&row)))
            .collect())
    }
}

/// Loads the parents of a place, sorted by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParentPlaces(pub Uuid);

impl Loader<ParentPlaces> for LoaderContext {
    type Value = Vec<place::Model>;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[ParentPlaces],
    ) -> Result<HashMap<ParentPlaces, Vec<place::Model>>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let links = place_parent::Entity::find()
            .filter(place_parent::Column::PlaceId.is_in(ids))
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
