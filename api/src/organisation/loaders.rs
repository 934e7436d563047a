//! Loads organisations for many objects of a response at once.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::organisation;

use super::alias;
use crate::graphql::{error::SharedError, loader::LoaderContext};
use crate::initiative::select_visible_organisations;

/// Loads an organisation that an object names which the reader can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationById(pub Uuid);

impl Loader<OrganisationById> for LoaderContext {
    type Value = organisation::Model;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[OrganisationById],
    ) -> Result<HashMap<OrganisationById, organisation::Model>, SharedError> {
        let load = async |ids: &[Uuid]| {
            let rows = super::load_by_ids(&self.db, ids).await?.into_iter();
            Ok(rows.map(|row| (row.id, row)).collect())
        };
        let ids = keys.iter().map(|key| key.0);
        let rows = self.load_through_cache(ids, |_| true, load).await?.into_iter();
        Ok(rows
            .map(|(id, row)| (OrganisationById(id), organisation::Model::clone(&row)))
            .collect())
    }
}

/// Loads an organisation that the reader can see. The id of a merged organisation leads to the one that it
/// was merged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VisibleOrganisationById(pub Uuid);

impl Loader<VisibleOrganisationById> for LoaderContext {
    type Value = organisation::Model;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[VisibleOrganisationById],
    ) -> Result<HashMap<VisibleOrganisationById, organisation::Model>, SharedError> {
        let led_on = alias::resolve_ids(&self.db, keys.iter().map(|key| key.0)).await?;
        let current = |id: Uuid| led_on.get(&id).copied().unwrap_or(id);
        let these = organisation::Column::Id.is_in(keys.iter().map(|key| current(key.0)));
        let found: HashMap<Uuid, organisation::Model> = select_visible_organisations(self.reader()?)
            .filter(these)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|one| (one.id, one))
            .collect();
        Ok(keys
            .iter()
            .filter_map(|key| Some((*key, found.get(&current(key.0))?.clone())))
            .collect())
    }
}
