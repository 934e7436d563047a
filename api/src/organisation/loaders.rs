//! Loads organisations for many objects of a response at once.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::organisation;

use super::alias;
use crate::graphql::{
    error::SharedError,
    loader::{LoaderContext, LoaderKey},
};
use crate::initiative::select_visible_organisations;

/// Loads an organisation that an object names which the reader can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationById(pub Uuid);

impl LoaderKey for OrganisationById {
    type Value = Arc<organisation::Model>;

    fn find_cached(&self, context: &LoaderContext) -> Option<Self::Value> {
        context.find_cached_row(self.0)
    }

    async fn load(context: &LoaderContext, keys: &[Self]) -> Result<HashMap<Self, Self::Value>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let rows = context.load_cached_rows::<organisation::Entity>(ids).await?;
        Ok(rows.into_iter().map(|(id, row)| (Self(id), row)).collect())
    }
}

/// Loads an organisation that the reader can see. The id of a merged organisation leads to the one that it
/// was merged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VisibleOrganisationById(pub Uuid);

impl LoaderKey for VisibleOrganisationById {
    type Value = organisation::Model;

    async fn load(
        context: &LoaderContext,
        keys: &[VisibleOrganisationById],
    ) -> Result<HashMap<VisibleOrganisationById, organisation::Model>, SharedError> {
        let led_on = alias::resolve_ids(&context.db, keys.iter().map(|key| key.0)).await?;
        let current = |id: Uuid| led_on.get(&id).copied().unwrap_or(id);
        let these = organisation::Column::Id.is_in(keys.iter().map(|key| current(key.0)));
        let found: HashMap<Uuid, organisation::Model> = select_visible_organisations(context.reader()?)
            .filter(these)
            .all(&context.db)
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
