//! Loads the parts of many records at once, and objects by their ids.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, Select,
    sea_query::{Expr, Query},
};
use uuid::Uuid;
use wayin_entity::{
    Reason, challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term,
    initiative, initiative_source, source,
};

use super::parts::ChallengeFaced;
use crate::graphql::{
    error::Shared,
    loader::{Loads, RowKey},
};
use crate::initiative::{terms_visible_to, visible_sql, visible_to};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryPointsOf(pub Uuid);

impl Loader<EntryPointsOf> for Loads {
    type Value = Vec<entry_point_taken::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[EntryPointsOf],
    ) -> Result<HashMap<EntryPointsOf, Vec<entry_point_taken::Model>>, Shared> {
        let rows = entry_point_taken::Entity::find()
            .filter(entry_point_taken::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(entry_point_taken::Column::Position)
            .all(&self.db)
            .await?;
        let mut found: HashMap<EntryPointsOf, Vec<entry_point_taken::Model>> = HashMap::new();
        for row in rows {
            found
                .entry(EntryPointsOf(row.initiative_id))
                .or_default()
                .push(row);
        }
        // Perspectives in the vocabulary's order, positions within them.
        found
            .values_mut()
            .for_each(|rows| rows.sort_by_key(|row| (row.perspective, row.position)));
        Ok(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChallengesOf(pub Uuid);

impl Loader<ChallengesOf> for Loads {
    type Value = Vec<ChallengeFaced>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[ChallengesOf],
    ) -> Result<HashMap<ChallengesOf, Vec<ChallengeFaced>>, Shared> {
        let rows = challenge_faced::Entity::find()
            .filter(challenge_faced::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .all(&self.db)
            .await?;
        let mut reasons: HashMap<Uuid, Vec<Reason>> = HashMap::new();
        for row in challenge_reason::Entity::find()
            .filter(challenge_reason::Column::ChallengeFacedId.is_in(rows.iter().map(|row| row.id)))
            .all(&self.db)
            .await?
        {
            reasons
                .entry(row.challenge_faced_id)
                .or_default()
                .push(row.reason);
        }
        let mut found: HashMap<ChallengesOf, Vec<ChallengeFaced>> = HashMap::new();
        for row in rows {
            let mut reasons = reasons.remove(&row.id).unwrap_or_default();
            reasons.sort_unstable();
            found
                .entry(ChallengesOf(row.initiative_id))
                .or_default()
                .push(ChallengeFaced { row, reasons });
        }
        found
            .values_mut()
            .for_each(|faced| faced.sort_by_key(|one| one.row.challenge));
        Ok(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConditionsOf(pub Uuid);

impl Loader<ConditionsOf> for Loads {
    type Value = Vec<condition_changed::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[ConditionsOf],
    ) -> Result<HashMap<ConditionsOf, Vec<condition_changed::Model>>, Shared> {
        let rows = condition_changed::Entity::find()
            .filter(condition_changed::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .all(&self.db)
            .await?;
        let mut found: HashMap<ConditionsOf, Vec<condition_changed::Model>> = HashMap::new();
        for row in rows {
            found
                .entry(ConditionsOf(row.initiative_id))
                .or_default()
                .push(row);
        }
        found
            .values_mut()
            .for_each(|rows| rows.sort_by_key(|row| row.condition));
        Ok(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TermsOf(pub Uuid);

impl Loader<TermsOf> for Loads {
    type Value = Vec<funding_term::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[TermsOf]) -> Result<HashMap<TermsOf, Vec<funding_term::Model>>, Shared> {
        let rows = funding_term::Entity::find()
            .filter(funding_term::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(funding_term::Column::Position)
            .all(&self.db)
            .await?;
        let mut found: HashMap<TermsOf, Vec<funding_term::Model>> = HashMap::new();
        for row in rows {
            found.entry(TermsOf(row.initiative_id)).or_default().push(row);
        }
        Ok(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourcesOf(pub Uuid);

impl Loader<SourcesOf> for Loads {
    type Value = Vec<source::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[SourcesOf]) -> Result<HashMap<SourcesOf, Vec<source::Model>>, Shared> {
        let rows = initiative_source::Entity::find()
            .filter(initiative_source::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .find_also_related(source::Entity)
            .order_by_asc(source::Column::Title)
            .order_by_asc(source::Column::Id)
            .all(&self.db)
            .await?;
        let mut found: HashMap<SourcesOf, Vec<source::Model>> = HashMap::new();
        for (link, source) in rows {
            found
                .entry(SourcesOf(link.initiative_id))
                .or_default()
                .extend(source);
        }
        Ok(found)
    }
}

/// Loads an initiative by its id, where the reader may read at least a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InitiativeById(pub Uuid);

impl RowKey for InitiativeById {
    type Table = initiative::Entity;
    const ID: initiative::Column = initiative::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }

    fn rows(loads: &Loads) -> Result<Select<initiative::Entity>, Shared> {
        Ok(visible_to(loads.reader()?, true))
    }
}

/// Loads a funding term by its id, where the reader may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FundingTermById(pub Uuid);

impl RowKey for FundingTermById {
    type Table = funding_term::Entity;
    const ID: funding_term::Column = funding_term::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }

    fn rows(loads: &Loads) -> Result<Select<funding_term::Entity>, Shared> {
        Ok(terms_visible_to(loads.reader()?))
    }
}

/// Loads a source by its id, where the reader may read a record that it supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceById(pub Uuid);

impl RowKey for SourceById {
    type Table = source::Entity;
    const ID: source::Column = source::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }

    fn rows(loads: &Loads) -> Result<Select<source::Entity>, Shared> {
        let mut readable = Query::select();
        readable
            .column((initiative_source::Entity, initiative_source::Column::SourceId))
            .from(initiative_source::Entity)
            .inner_join(
                initiative::Entity,
                Expr::col((initiative::Entity, initiative::Column::Id))
                    .equals((initiative_source::Entity, initiative_source::Column::InitiativeId)),
            )
            .and_where(visible_sql(loads.reader()?, false));
        Ok(source::Entity::find().filter(source::Column::Id.in_subquery(readable)))
    }
}
