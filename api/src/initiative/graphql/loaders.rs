//! Loads the parts of many records at once, and objects by their ids.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, ExprTrait as _, QueryFilter, Select,
    sea_query::{Expr, Query},
};
use uuid::Uuid;
use wayin_engine::visibility::{Reader, VisiblePart};
use wayin_entity::{funding_term, initiative, initiative_source, source};

use crate::database::{is_one_of_ids, json_rows::load_rows};
use crate::error::Result;
use crate::graphql::{
    error::SharedError,
    loader::{LoaderContext, LoaderKey, RowLoaderKey},
};
use crate::initiative::{select_visible, select_visible_funding_terms, visible_condition};
use crate::store::whole_records::InitiativeParts;

/// Loads the parts of an initiative that was loaded for the reader. What the reader may see of them is for the caller to
/// check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartsOfInitiative(pub Uuid);

impl LoaderKey for PartsOfInitiative {
    type Value = Arc<InitiativeParts>;

    fn find_cached(&self, context: &LoaderContext) -> Option<Self::Value> {
        context.find_cached_row(self.0)
    }

    async fn load(
        context: &LoaderContext,
        keys: &[PartsOfInitiative],
    ) -> Result<HashMap<PartsOfInitiative, Arc<InitiativeParts>>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let load = async |ids: &[Uuid]| Ok(InitiativeParts::load(&context.db, ids).await?);
        let parts = context.load_through_cache(ids, |_| true, load).await?;
        let parts = parts.into_iter();
        Ok(parts.map(|(id, parts)| (PartsOfInitiative(id), parts)).collect())
    }
}

/// Loads an initiative that the reader can read at least partly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InitiativeById(pub Uuid);

impl LoaderKey for InitiativeById {
    type Value = Arc<initiative::Model>;

    async fn load(
        context: &LoaderContext,
        keys: &[InitiativeById],
    ) -> Result<HashMap<InitiativeById, Arc<initiative::Model>>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let rows = load_visible(context, VisiblePart::Any, ids).await?.into_iter();
        Ok(rows.map(|(id, row)| (InitiativeById(id), row)).collect())
    }
}

/// Loads an initiative that the reader can read in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WholeInitiativeById(pub Uuid);

impl LoaderKey for WholeInitiativeById {
    type Value = Arc<initiative::Model>;

    async fn load(
        context: &LoaderContext,
        keys: &[WholeInitiativeById],
    ) -> Result<HashMap<WholeInitiativeById, Arc<initiative::Model>>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let rows = load_visible(context, VisiblePart::Whole, ids).await?.into_iter();
        Ok(rows.map(|(id, row)| (WholeInitiativeById(id), row)).collect())
    }
}

/// Loads initiatives by their ids, if the reader can see so much of them.
pub(super) async fn load_visible(
    loads: &LoaderContext,
    required: VisiblePart,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Arc<initiative::Model>>, SharedError> {
    let reader = loads.reader()?;
    // Whether the reader can see it as a funder depends on its terms: the database decides.
    let is_visible = |row: &initiative::Model| {
        let leads = reader.organisation() == Some(row.lead_organisation_id);
        row.withdrawn_at.is_none()
            && reader.can_view_fully(row.visibility, row.shared_with_funders, leads, false)
    };
    let load = async |ids: &[Uuid]| read_visible(&loads.db, reader, required, ids).await;
    loads.load_through_cache(ids, is_visible, load).await
}

/// Reads initiatives from the database, if the reader can see so much of them.
pub(super) async fn read_visible(
    db: &DatabaseConnection,
    reader: Reader,
    required: VisiblePart,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, initiative::Model>> {
    let listed = is_one_of_ids(db, initiative::Column::Id.into_expr(), ids);
    let select = select_visible(reader, required == VisiblePart::Any).filter(listed);
    let rows = load_rows(db, select).await?.into_iter();
    Ok(rows.map(|row| (row.id, row)).collect())
}

/// Loads a funding term that the reader can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FundingTermById(pub Uuid);

impl RowLoaderKey for FundingTermById {
    type Table = funding_term::Entity;
    const ID: funding_term::Column = funding_term::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }

    fn select_rows(loads: &LoaderContext) -> Result<Select<funding_term::Entity>, SharedError> {
        Ok(select_visible_funding_terms(loads.reader()?))
    }
}

/// Loads a source of a record that the reader can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceById(pub Uuid);

impl RowLoaderKey for SourceById {
    type Table = source::Entity;
    const ID: source::Column = source::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }

    fn select_rows(loads: &LoaderContext) -> Result<Select<source::Entity>, SharedError> {
        let mut readable = Query::select();
        readable
            .column((initiative_source::Entity, initiative_source::Column::SourceId))
            .from(initiative_source::Entity)
            .inner_join(
                initiative::Entity,
                Expr::col((initiative::Entity, initiative::Column::Id))
                    .equals((initiative_source::Entity, initiative_source::Column::InitiativeId)),
            )
            .and_where(visible_condition(loads.reader()?, false));
        Ok(source::Entity::find().filter(source::Column::Id.in_subquery(readable)))
    }
}
