//! Writes what is ready to be published into the tables.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder,
};
use uuid::Uuid;
use wayin_entity::{
    Challenge, ChangeKind, ChangeSubject, Condition, Perspective, SourceKind, Visibility, challenge_faced,
    challenge_reason, condition_changed, entry_point_taken, funding_term, initiative, initiative_source,
    revision, source,
};

use super::Ready;
use crate::base::DisclosureKeys;
use crate::change::{Act, Entry};
use crate::condition::fold;
use crate::database::{Lock, insert_all, is_one_of, lock};
use crate::error::Result;
use crate::initiative::record::{ChallengeFaced, InitiativeRecord, Source};

/// Writes records with their parts and revisions, and withdraws the initiatives that they supersede. Answers what is to be
/// appended to the log.
pub(super) async fn write(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    keys: &DisclosureKeys,
    mut ready: Vec<Ready>,
    superseded: Vec<Uuid>,
) -> Result<Vec<Entry>> {
    if ready.is_empty() {
        return Ok(Vec::new());
    }
    let altered: Vec<Uuid> = ready
        .iter()
        .filter(|one| one.before.is_some())
        .map(|one| one.id)
        .collect();
    // A term that is taken over keeps its id too.
    let ids = KeptIds::of(db, altered.iter().chain(&superseded).copied().collect()).await?;
    let superseded_as = "a record of the lead organisation names this grant";
    let mut entries = withdraw(db, act, superseded, superseded_as).await?;
    delete_parts(db, &altered).await?;
    let sources = sources_of(db, act, &ready).await?;
    let keys = ready
        .iter()
        .map(|one| disclosure_key(keys, one))
        .collect::<Result<Vec<_>>>()?;
    let documents: Vec<_> = ready
        .iter_mut()
        .map(|one| std::mem::take(&mut one.document))
        .collect();
    entries.extend(ready.iter().map(|one| {
        let kind = match &one.before {
            Some(before) if before.withdrawn_at.is_none() => ChangeKind::Altered,
            _ => ChangeKind::Published,
        };
        Entry::new(kind, ChangeSubject::Initiative, one.id)
    }));
    let (new, altered): (Vec<_>, Vec<_>) = ready.iter().zip(keys).partition(|(one, _)| one.before.is_none());
    for (one, key) in altered {
        let row = initiative_row(act, one, key).into_active_model();
        row.reset_all().update(db).await?;
    }
    let new = new.into_iter();
    insert_all(
        db,
        new.map(|(one, key)| initiative_row(act, one, key).into_active_model()),
    )
    .await?;
    let parts = Parts { act, ids: &ids };
    let faced = parts.challenges(&ready);
    insert_all(
        db,
        ready.iter().zip(sources).map(|(one, id)| parts.source(one, id)),
    )
    .await?;
    insert_all(db, ready.iter().flat_map(|one| parts.entry_points(one))).await?;
    insert_all(db, faced.iter().map(|one| parts.challenge(one))).await?;
    insert_all(db, faced.iter().flat_map(|one| parts.reasons(one))).await?;
    insert_all(db, ready.iter().flat_map(|one| parts.conditions(one))).await?;
    insert_all(db, ready.iter().flat_map(|one| parts.terms(one))).await?;
    let revisions = ready.iter().zip(documents);
    let revisions = revisions.map(|(one, document)| revision_row(act, one.id, one.version(), document));
    insert_all(db, revisions.map(IntoActiveModel::into_active_model)).await?;
    Ok(entries)
}

/// Withdraws initiatives: their history stays, and their grants can be named by other records.
/// Answers what is to be appended to the log.
pub(super) async fn withdraw(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    ids: Vec<Uuid>,
    reason: &str,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(ids.len());
    let found = initiative::Entity::find()
        .filter(is_one_of(
            db,
            initiative::Column::Id.into_expr(),
            ids.iter().copied(),
        ))
        .all(db)
        .await?;
    for before in found {
        let last = revision::Entity::find()
            .filter(revision::Column::InitiativeId.eq(before.id))
            .order_by_desc(revision::Column::Version)
            .one(db)
            .await?;
        let row = initiative::Model {
            version: before.version + 1,
            withdrawn_at: Some(act.now()),
            updated_at: act.now(),
            ..before
        };
        entries.push(Entry::new(
            ChangeKind::Withdrawn,
            ChangeSubject::Initiative,
            row.id,
        ));
        let document = last.map(|last| last.document).unwrap_or_default();
        let revision = revision::Model {
            reason: reason.to_owned(),
            ..revision_row(act, row.id, row.version, document)
        };
        revision.into_active_model().insert(db).await?;
        row.into_active_model().reset_all().update(db).await?;
    }
    funding_term::Entity::delete_many()
        .filter(is_one_of(db, funding_term::Column::InitiativeId.into_expr(), ids))
        .exec(db)
        .await?;
    Ok(entries)
}

/// The ids that the parts of altered records had: a part that stays keeps its own.
#[derive(Default)]
struct KeptIds {
    entry_points: HashMap<(Uuid, Perspective, i32), (Uuid, DateTime<Utc>)>,
    challenges: HashMap<(Uuid, Challenge), (Uuid, DateTime<Utc>)>,
    conditions: HashMap<(Uuid, Condition), (Uuid, DateTime<Utc>)>,
    granted_terms: HashMap<String, (Uuid, DateTime<Utc>)>,
    other_terms: HashMap<(Uuid, i32), (Uuid, DateTime<Utc>)>,
}

impl KeptIds {
    async fn of(db: &impl ConnectionTrait, initiatives: Vec<Uuid>) -> Result<Self> {
        let mut kept = Self::default();
        if initiatives.is_empty() {
            return Ok(kept);
        }
        let ours = || initiatives.iter().copied();
        let rows = entry_point_taken::Entity::find()
            .filter(is_one_of(
                db,
                entry_point_taken::Column::InitiativeId.into_expr(),
                ours(),
            ))
            .all(db)
            .await?;
        kept.entry_points = rows
            .into_iter()
            .map(|row| {
                (
                    (row.initiative_id, row.perspective, row.position),
                    (row.id, row.created_at),
                )
            })
            .collect();
        let rows = challenge_faced::Entity::find()
            .filter(is_one_of(
                db,
                challenge_faced::Column::InitiativeId.into_expr(),
                ours(),
            ))
            .all(db)
            .await?;
        kept.challenges = rows
            .into_iter()
            .map(|row| ((row.initiative_id, row.challenge), (row.id, row.created_at)))
            .collect();
        let rows = condition_changed::Entity::find()
            .filter(is_one_of(
                db,
                condition_changed::Column::InitiativeId.into_expr(),
                ours(),
            ))
            .all(db)
            .await?;
        kept.conditions = rows
            .into_iter()
            .map(|row| ((row.initiative_id, row.condition), (row.id, row.created_at)))
            .collect();
        let rows = funding_term::Entity::find()
            .filter(is_one_of(
                db,
                funding_term::Column::InitiativeId.into_expr(),
                ours(),
            ))
            .all(db)
            .await?;
        for row in rows {
            match row.grant_identifier {
                Some(identifier) => {
                    kept.granted_terms.insert(identifier, (row.id, row.created_at));
                }
                None => {
                    kept.other_terms
                        .insert((row.initiative_id, row.position), (row.id, row.created_at));
                }
            }
        }
        Ok(kept)
    }
}

async fn delete_parts(db: &impl ConnectionTrait, initiatives: &[Uuid]) -> Result<()> {
    if initiatives.is_empty() {
        return Ok(());
    }
    let ours = || initiatives.iter().copied();
    // The reasons of a challenge go with it.
    entry_point_taken::Entity::delete_many()
        .filter(is_one_of(
            db,
            entry_point_taken::Column::InitiativeId.into_expr(),
            ours(),
        ))
        .exec(db)
        .await?;
    challenge_faced::Entity::delete_many()
        .filter(is_one_of(
            db,
            challenge_faced::Column::InitiativeId.into_expr(),
            ours(),
        ))
        .exec(db)
        .await?;
    condition_changed::Entity::delete_many()
        .filter(is_one_of(
            db,
            condition_changed::Column::InitiativeId.into_expr(),
            ours(),
        ))
        .exec(db)
        .await?;
    funding_term::Entity::delete_many()
        .filter(is_one_of(
            db,
            funding_term::Column::InitiativeId.into_expr(),
            ours(),
        ))
        .exec(db)
        .await?;
    initiative_source::Entity::delete_many()
        .filter(is_one_of(
            db,
            initiative_source::Column::InitiativeId.into_expr(),
            ours(),
        ))
        .exec(db)
        .await?;
    Ok(())
}

/// The lock that keeps two publications on PostgreSQL from adding one source twice; SQLite has one writer.
const SOURCES: i64 = 0x7761_7969_6e00_0004;

/// The id of each record's source: the same source stands once, however many records it supports.
async fn sources_of(db: &impl ConnectionTrait, act: &Act<'_>, ready: &[Ready]) -> Result<Vec<Uuid>> {
    let mut ids = standing_sources(db, ready).await?;
    if ready.iter().any(|one| !ids.contains_key(&one.record.source)) {
        lock(db, Lock::Alone, SOURCES).await?;
        // Another may have added it before the lock was given.
        ids = standing_sources(db, ready).await?;
    }
    let mut new = Vec::new();
    let mut of_records = Vec::with_capacity(ready.len());
    for one in ready {
        let source = &one.record.source;
        if let Some(id) = ids.get(source) {
            of_records.push(*id);
            continue;
        }
        let id = act.clock.new_id();
        let Source {
            kind,
            title,
            url,
            dated_on,
            licence,
        } = source.clone();
        let (created_at, updated_at) = (act.now(), act.now());
        new.push(
            source::Model {
                id,
                kind,
                title,
                url,
                dated_on,
                licence,
                created_at,
                updated_at,
            }
            .into_active_model(),
        );
        ids.insert(source.clone(), id);
        of_records.push(id);
    }
    insert_all(db, new).await?;
    Ok(of_records)
}

/// The sources that are there of those that records name.
async fn standing_sources(db: &impl ConnectionTrait, ready: &[Ready]) -> Result<HashMap<Source, Uuid>> {
    let titles: HashSet<&str> = ready.iter().map(|one| one.record.source.title.as_str()).collect();
    let standing = source::Entity::find()
        .filter(is_one_of(db, source::Column::Title.into_expr(), titles))
        .all(db)
        .await?;
    let known = standing.into_iter().map(|row| {
        let source = Source {
            kind: row.kind,
            title: row.title,
            url: row.url,
            dated_on: row.dated_on,
            licence: row.licence,
        };
        (source, row.id)
    });
    Ok(known.collect())
}

fn disclosure_key(keys: &DisclosureKeys, ready: &Ready) -> Result<i64> {
    let Ready { record, lead, .. } = ready;
    keys.key(
        lead.identifier.as_deref().unwrap_or(&lead.name),
        disclosure_reference(record),
    )
}

fn initiative_row(act: &Act<'_>, ready: &Ready, disclosure_key: i64) -> initiative::Model {
    let Ready {
        record, before, lead, ..
    } = ready;
    let now = act.now();
    let sharing = record.sharing.clone().unwrap_or_default();
    initiative::Model {
        id: ready.id,
        place_id: ready.place,
        lead_organisation_id: lead.id,
        title: record.title.clone(),
        title_folded: fold(&record.title),
        summary: record.summary.clone(),
        started_on: record.started_on,
        ended_on: record.ended_on,
        ongoing: record.ongoing,
        visibility: record.visibility,
        shared_with_funders: record.shared_with_funders,
        illustrative: record.illustrative,
        made_from_grant: says_no_more_than_a_grant(record),
        external_ref: record.external_ref.clone(),
        version: ready.version(),
        published_at: before.as_ref().map_or(now, |before| before.published_at),
        withdrawn_at: None,
        disclosure_key,
        sharing_confirmed_by: sharing.confirmed_by,
        sharing_confirmed_on: sharing.confirmed_on,
        sharing_basis: sharing.basis,
        sharing_licence: sharing.licence,
        missing: record.missing.kept(),
        created_at: before.as_ref().map_or(now, |before| before.created_at),
        updated_at: now,
    }
}

/// What a record is known by within its lead organisation, for its disclosure key: its own reference, or else
/// the first grant that it names.
pub fn disclosure_reference(record: &InitiativeRecord) -> &str {
    let grant = record
        .funding_terms
        .iter()
        .find_map(|term| term.grant_identifier.as_deref());
    record.external_ref.as_deref().or(grant).unwrap_or_default()
}

/// Whether nothing but one published grant is known of an initiative. Only then may a
/// grant that changed rewrite the whole of it, and a record that names the grant supersede it.
pub fn says_no_more_than_a_grant(record: &InitiativeRecord) -> bool {
    let InitiativeRecord {
        external_ref,
        visibility,
        funding_terms,
        source,
        ..
    } = record;
    external_ref.is_none()
        && *visibility == Visibility::Open
        && source.kind == SourceKind::GrantData
        && matches!(funding_terms.as_slice(), [term] if term.grant_identifier.is_some())
        && record.entry_points.is_empty()
        && record.challenges_faced.is_empty()
        && record.conditions_changed.is_empty()
        && record.started_on.is_none()
        && record.ended_on.is_none()
        && record.ongoing.is_none()
        && record.sharing.is_none()
        && record.missing.is_empty()
        && funding_terms.iter().all(|term| term.missing.is_empty())
}

fn revision_row(
    act: &Act<'_>,
    initiative_id: Uuid,
    version: i32,
    document: serde_json::Value,
) -> revision::Model {
    revision::Model {
        id: act.clock.new_id(),
        initiative_id,
        version,
        document,
        member_id: act.member,
        reason: act.reason.to_owned(),
        created_at: act.now(),
        updated_at: act.now(),
    }
}

/// Makes the rows of records' parts.
struct Parts<'a> {
    act: &'a Act<'a>,
    ids: &'a KeptIds,
}

/// A challenge that a record faced, with the id that its reasons refer to.
struct Faced<'a> {
    id: Uuid,
    created_at: DateTime<Utc>,
    initiative: Uuid,
    said: &'a ChallengeFaced,
}

impl Parts<'_> {
    fn kept(&self, kept: Option<&(Uuid, DateTime<Utc>)>) -> (Uuid, DateTime<Utc>) {
        kept.copied()
            .unwrap_or_else(|| (self.act.clock.new_id(), self.act.now()))
    }

    fn source(&self, ready: &Ready, source_id: Uuid) -> initiative_source::ActiveModel {
        let now = self.act.now();
        initiative_source::Model {
            initiative_id: ready.id,
            source_id,
            created_at: now,
            updated_at: now,
        }
        .into_active_model()
    }

    fn entry_points<'r>(
        &'r self,
        ready: &'r Ready,
    ) -> impl Iterator<Item = entry_point_taken::ActiveModel> + 'r {
        let mut positions: HashMap<Perspective, i32> = HashMap::new();
        ready.record.entry_points.iter().map(move |taken| {
            let position = positions.entry(taken.perspective).or_default();
            *position += 1;
            let kept = self
                .ids
                .entry_points
                .get(&(ready.id, taken.perspective, *position));
            let (id, created_at) = self.kept(kept);
            entry_point_taken::Model {
                id,
                initiative_id: ready.id,
                position: *position,
                entry_point: taken.entry_point,
                perspective: taken.perspective,
                taken_on: taken.taken_on,
                motivation: taken.motivation.clone(),
                missing: taken.missing.kept(),
                created_at,
                updated_at: self.act.now(),
            }
            .into_active_model()
        })
    }

    fn challenges<'r>(&self, ready: &'r [Ready]) -> Vec<Faced<'r>> {
        let faced = ready
            .iter()
            .flat_map(|one| one.record.challenges_faced.iter().map(|said| (one.id, said)));
        faced
            .map(|(initiative, said)| {
                let (id, created_at) = self.kept(self.ids.challenges.get(&(initiative, said.challenge)));
                Faced {
                    id,
                    created_at,
                    initiative,
                    said,
                }
            })
            .collect()
    }

    fn challenge(&self, faced: &Faced<'_>) -> challenge_faced::ActiveModel {
        let said = faced.said;
        challenge_faced::Model {
            id: faced.id,
            initiative_id: faced.initiative,
            challenge: said.challenge,
            step: said.step,
            note: said.note.clone(),
            noticed_on: said.noticed_on,
            perspective: said.perspective,
            missing: said.missing.kept(),
            created_at: faced.created_at,
            updated_at: self.act.now(),
        }
        .into_active_model()
    }

    fn reasons<'r>(
        &self,
        faced: &'r Faced<'_>,
    ) -> impl Iterator<Item = challenge_reason::ActiveModel> + use<'r> {
        let (id, now) = (faced.id, self.act.now());
        faced
            .said
            .reasons
            .iter()
            .map(move |reason| challenge_reason::ActiveModel {
                challenge_faced_id: Set(id),
                reason: Set(*reason),
                created_at: Set(now),
                updated_at: Set(now),
            })
    }

    fn conditions<'r>(
        &'r self,
        ready: &'r Ready,
    ) -> impl Iterator<Item = condition_changed::ActiveModel> + 'r {
        ready.record.conditions_changed.iter().map(|changed| {
            let (id, created_at) = self.kept(self.ids.conditions.get(&(ready.id, changed.condition)));
            condition_changed::Model {
                id,
                initiative_id: ready.id,
                condition: changed.condition,
                change: changed.change,
                missing: changed.missing.kept(),
                created_at,
                updated_at: self.act.now(),
            }
            .into_active_model()
        })
    }

    fn terms<'r>(&'r self, ready: &'r Ready) -> impl Iterator<Item = funding_term::ActiveModel> + 'r {
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
            let (id, created_at) = self.kept(kept);
            funding_term::Model {
                id,
                initiative_id: ready.id,
                position,
                funder_id: *funder,
                grant_identifier: term.grant_identifier.clone(),
                grant_digest: digest.clone(),
                programme: term.programme.clone(),
                currency: term.currency.clone(),
                amount_minor: term.amount_minor,
                awarded_on: term.awarded_on,
                starts_on: term.starts_on,
                ends_on: term.ends_on,
                duration_months: term.duration_months,
                intended_focus: term.intended_focus,
                upfront_research: term.upfront_research,
                upfront_research_months: term.upfront_research_months,
                collaboration_resourced: term.collaboration_resourced,
                restriction: term.restriction,
                reporting_frequency: term.reporting_frequency,
                reporting_basis: term.reporting_basis,
                delivery_timeline: term.delivery_timeline,
                renewable: term.renewable,
                missing: term.missing.kept(),
                created_at,
                updated_at: self.act.now(),
            }
            .into_active_model()
        })
    }
}
