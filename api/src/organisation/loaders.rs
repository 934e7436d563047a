//! Loads organisations for many objects of a response at once.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::organisation;

use super::former;
use crate::graphql::{error::Shared, loader::Loads};
use crate::initiative::organisations_visible_to;

/// Loads an organisation by its id, where something that the reader may read names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationById(pub Uuid);

impl Loader<OrganisationById> for Loads {
    type Value = organisation::Model;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[OrganisationById],
    ) -> Result<HashMap<OrganisationById, organisation::Model>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = super::by_ids(&self.db, &ids).await?;
        Ok(found
            .into_iter()
            .map(|one| (OrganisationById(one.id), one))
            .collect())
    }
}

/// Loads an organisation by its id, where the reader may know of it; one that was merged leads to the one
/// that it was merged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KnownOrganisation(pub Uuid);

impl Loader<KnownOrganisation> for Loads {
    type Value = organisation::Model;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[KnownOrganisation],
    ) -> Result<HashMap<KnownOrganisation, organisation::Model>, Shared> {
        let led_on = former::led_on(&self.db, keys.iter().map(|key| key.0)).await?;
        let current = |id: Uuid| led_on.get(&id).copied().unwrap_or(id);
        let these = organisation::Column::Id.is_in(keys.iter().map(|key| current(key.0)));
        let found: HashMap<Uuid, organisation::Model> = organisations_visible_to(self.reader()?)
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
