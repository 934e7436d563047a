//! Loads the parts of many records at once, and objects by their ids.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, Select,
    sea_query::{Expr, Query},
};
use uuid::Uuid;
use wayin_entity::{
    challenge_faced, condition_changed, entry_point_taken, funding_term, initiative, initiative_source,
    source,
};

use super::parts::ChallengeFaced;
use crate::graphql::{
    error::SharedError,
    loader::{LoaderContext, RowLoaderKey},
};
use crate::initiative::{select_visible, select_visible_funding_terms, visible_condition};
use crate::store::whole_records::{load_parts, load_reasons, load_sources};

macro_rules! load_parts {
    ($($key:ident: $table:ident;)+) => {$(
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $key(pub Uuid);

        impl Loader<$key> for LoaderContext {
            type Value = Vec<$table::Model>;
            type Error = SharedError;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Self::Value>, SharedError> {
                let parts = load_parts::<$table::Entity>(&self.db, keys.iter().map(|key| key.0)).await?;
                Ok(parts.into_iter().map(|(id, rows)| ($key(id), rows)).collect())
            }
        }
    )+};
}

load_parts! {
    EntryPointsByInitiative: entry_point_taken;
    ConditionsByInitiative: condition_changed;
    FundingTermsByInitiative: funding_term;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChallengesByInitiative(pub Uuid);

impl Loader<ChallengesByInitiative> for LoaderContext {
    type Value = Vec<ChallengeFaced>;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[ChallengesByInitiative],
    ) -> Result<HashMap<ChallengesByInitiative, Vec<ChallengeFaced>>, SharedError> {
        let ids = keys.iter().map(|key| key.0);
        let challenges = load_parts::<challenge_faced::Entity>(&self.db, ids).await?;
        let ids = challenges.values().flatten().map(|row| row.id);
        let mut reasons = load_reasons(&self.db, ids).await?;
        let mut with_reasons = |row: challenge_faced::Model| ChallengeFaced {
            reasons: reasons.remove(&row.id).unwrap_or_default(),
            row,
        };
        Ok(challenges
            .into_iter()
            .map(|(id, rows)| {
                (
                    ChallengesByInitiative(id),
                    rows.into_iter().map(&mut with_reasons).collect(),
                )
            })
            .collect())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourcesByInitiative(pub Uuid);

impl Loader<SourcesByInitiative> for LoaderContext {
    type Value = Vec<source::Model>;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[SourcesByInitiative],
    ) -> Result<HashMap<SourcesByInitiative, Vec<source::Model>>, SharedError> {
        let sources = load_sources(&self.db, keys.iter().map(|key| key.0)).await?;
        Ok(sources
            .into_iter()
            .map(|(id, rows)| (SourcesByInitiative(id), rows))
            .collect())
    }
}

/// Loads an initiative that the reader can read at least partly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InitiativeById(pub Uuid);

impl RowLoaderKey for InitiativeById {
    type Table = initiative::Entity;
    const ID: initiative::Column = initiative::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }

    fn select_rows(loads: &LoaderContext) -> Result<Select<initiative::Entity>, SharedError> {
        Ok(select_visible(loads.reader()?, true))
    }
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
