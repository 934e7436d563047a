//! Writes the parts of published records and keeps their ids.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, IntoActiveModel};
use uuid::Uuid;
use wayin_entity::{
    Challenge, Condition, Perspective, challenge_faced, challenge_reason, condition_changed,
    entry_point_taken, funding_term, initiative_source,
};

use super::ResolvedProposal;
use crate::change_log::ActionContext;
use crate::error::Result;
use crate::store::funding_terms::{self, RowIdentity};
use crate::store::whole_records::{InitiativeParts, delete_parts};
use wayin_records::record::ChallengeFaced;

/// The ids of the current parts. A part that stays keeps its id.
#[derive(Default)]
pub(super) struct ExistingPartIds {
    entry_points: HashMap<(Uuid, Perspective, i32), (Uuid, DateTime<Utc>)>,
    challenges: HashMap<(Uuid, Challenge), (Uuid, DateTime<Utc>)>,
    conditions: HashMap<(Uuid, Condition), (Uuid, DateTime<Utc>)>,
    granted_terms: HashMap<String, (Uuid, DateTime<Utc>)>,
    other_terms: HashMap<(Uuid, i32), (Uuid, DateTime<Utc>)>,
}

impl ExistingPartIds {
    pub(super) async fn load(db: &impl ConnectionTrait, initiatives: &[Uuid]) -> Result<Self> {
        let mut kept = Self::default();
        if initiatives.is_empty() {
            return Ok(kept);
        }
        for parts in InitiativeParts::load(db, initiatives).await?.into_values() {
            let entry_points = parts.entry_points.iter().map(|row| {
                let key = (row.initiative_id, row.perspective, row.position);
                (key, (row.id, row.created_at))
            });
            kept.entry_points.extend(entry_points);
            let challenges = parts.challenges.iter().map(|challenge| &challenge.row);
            let challenges =
                challenges.map(|row| ((row.initiative_id, row.challenge), (row.id, row.created_at)));
            kept.challenges.extend(challenges);
            let conditions = parts.conditions.iter();
            let conditions =
                conditions.map(|row| ((row.initiative_id, row.condition), (row.id, row.created_at)));
            kept.conditions.extend(conditions);
            for row in parts.funding_terms {
                let existing = (row.id, row.created_at);
                match &row.grant_identifier {
                    Some(identifier) => kept.granted_terms.insert(identifier.clone(), existing),
                    None => kept
                        .other_terms
                        .insert((row.initiative_id, row.position), existing),
                };
            }
        }
        Ok(kept)
    }
}

pub(super) async fn delete_all_parts(db: &impl ConnectionTrait, initiatives: &[Uuid]) -> Result<()> {
    if initiatives.is_empty() {
        return Ok(());
    }
    delete_parts::<entry_point_taken::Entity>(db, initiatives).await?;
    // The database deletes the reasons with the challenges.
    delete_parts::<challenge_faced::Entity>(db, initiatives).await?;
    delete_parts::<condition_changed::Entity>(db, initiatives).await?;
    delete_parts::<funding_term::Entity>(db, initiatives).await?;
    delete_parts::<initiative_source::Entity>(db, initiatives).await?;
    Ok(())
}

pub(super) struct PartRowBuilder<'a> {
    pub(super) act: &'a ActionContext<'a>,
    pub(super) ids: &'a ExistingPartIds,
}

/// A challenge of a record, with the id that its reasons refer to.
pub(super) struct ChallengeRow<'a> {
    id: Uuid,
    created_at: DateTime<Utc>,
    initiative: Uuid,
    challenge: &'a ChallengeFaced,
}

impl PartRowBuilder<'_> {
    fn resolve_identity(&self, kept: Option<&(Uuid, DateTime<Utc>)>) -> (Uuid, DateTime<Utc>) {
        kept.copied()
            .unwrap_or_else(|| (self.act.clock.new_id(), self.act.now()))
    }

    pub(super) fn build_source(
        &self,
        ready: &ResolvedProposal,
        source_id: Uuid,
    ) -> initiative_source::ActiveModel {
        let now = self.act.now();
        initiative_source::Model {
            initiative_id: ready.id,
            source_id,
            created_at: now,
            updated_at: now,
        }
        .into_active_model()
    }

    pub(super) fn build_entry_points<'r>(
        &'r self,
        ready: &'r ResolvedProposal,
    ) -> impl Iterator<Item = entry_point_taken::ActiveModel> + 'r {
        let mut positions: HashMap<Perspective, i32> = HashMap::new();
        ready.record.entry_points.iter().map(move |taken| {
            let position = positions.entry(taken.perspective).or_default();
            *position += 1;
            let kept = self
                .ids
                .entry_points
                .get(&(ready.id, taken.perspective, *position));
            let (id, created_at) = self.resolve_identity(kept);
            entry_point_taken::Model {
                id,
                initiative_id: ready.id,
                position: *position,
                entry_point: taken.entry_point,
                perspective: taken.perspective,
                taken_on: taken.taken_on,
                motivation: taken.motivation.clone(),
                missing: taken.missing.to_json(),
                created_at,
                updated_at: self.act.now(),
            }
            .into_active_model()
        })
    }

    pub(super) fn build_challenges<'r>(&self, ready: &'r [ResolvedProposal]) -> Vec<ChallengeRow<'r>> {
        let faced = ready.iter().flat_map(|one| {
            one.record
                .challenges_faced
                .iter()
                .map(|challenge| (one.id, challenge))
        });
        faced
            .map(|(initiative, challenge)| {
                let (id, created_at) =
                    self.resolve_identity(self.ids.challenges.get(&(initiative, challenge.challenge)));
                ChallengeRow {
                    id,
                    created_at,
                    initiative,
                    challenge,
                }
            })
            .collect()
    }

    pub(super) fn build_challenge(&self, faced: &ChallengeRow<'_>) -> challenge_faced::ActiveModel {
        let challenge = faced.challenge;
        challenge_faced::Model {
            id: faced.id,
            initiative_id: faced.initiative,
            challenge: challenge.challenge,
            step: challenge.step,
            note: challenge.note.clone(),
            noticed_on: challenge.noticed_on,
            perspective: challenge.perspective,
            missing: challenge.missing.to_json(),
            created_at: faced.created_at,
            updated_at: self.act.now(),
        }
        .into_active_model()
    }

    pub(super) fn build_reasons<'r>(
        &self,
        faced: &'r ChallengeRow<'_>,
    ) -> impl Iterator<Item = challenge_reason::ActiveModel> + use<'r> {
        let (id, now) = (faced.id, self.act.now());
        faced
            .challenge
            .reasons
            .iter()
            .map(move |reason| challenge_reason::ActiveModel {
                challenge_faced_id: Set(id),
                reason: Set(*reason),
                created_at: Set(now),
                updated_at: Set(now),
            })
    }

    pub(super) fn build_conditions<'r>(
        &'r self,
        ready: &'r ResolvedProposal,
    ) -> impl Iterator<Item = condition_changed::ActiveModel> + 'r {
        ready.record.conditions_changed.iter().map(|changed| {
            let (id, created_at) =
                self.resolve_identity(self.ids.conditions.get(&(ready.id, changed.condition)));
            condition_changed::Model {
                id,
                initiative_id: ready.id,
                condition: changed.condition,
                change: changed.change,
                missing: changed.missing.to_json(),
                created_at,
                updated_at: self.act.now(),
            }
            .into_active_model()
        })
    }

    pub(super) fn build_funding_terms<'r>(
        &'r self,
        ready: &'r ResolvedProposal,
    ) -> impl Iterator<Item = funding_term::ActiveModel> + 'r {
        let terms = ready
            .record
            .funding_terms
            .iter()
            .zip(&ready.funders)
            .zip(&ready.grant_digests);
        (1..).zip(terms).map(|(position, ((term, funder), digest))| {
            let kept = match &term.grant_identifier {
                Some(identifier) => self.ids.granted_terms.get(identifier),
                None => self.ids.other_terms.get(&(ready.id, position)),
            };
            let (id, created_at) = self.resolve_identity(kept);
            let identity = RowIdentity {
                id,
                initiative_id: ready.id,
                position,
                funder_id: *funder,
                grant_digest: digest.clone(),
                created_at,
                updated_at: self.act.now(),
            };
            funding_terms::row(term, identity).into_active_model()
        })
    }
}
