//! Writes what is ready to be published into the tables.

use std::collections::{HashMap, HashSet};

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;
use wayin_entity::{
    ChangeKind, ChangeSubject, SourceKind, Visibility, funding_term, initiative, revision, source,
};

use super::Ready;
use super::parts::{KeptIds, Parts, delete_all_parts};
use crate::base::DisclosureKeys;
use crate::change::{Act, Entry};
use crate::database::{insert_all, is_one_of};
use crate::error::Result;
use crate::locks::{AdvisoryLock, LockMode, lock};
use crate::store::revisions::newest_documents;
use crate::store::whole_records::delete_parts;
use wayin_records::record::{InitiativeRecord, Source};
use wayin_records::spelling::fold;

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
    delete_all_parts(db, &altered).await?;
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
    let mut documents = newest_documents(db, found.iter().map(|row| row.id)).await?;
    for before in found {
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
        let document = documents.remove(&row.id).unwrap_or_default();
        let revision = revision::Model {
            reason: reason.to_owned(),
            ..revision_row(act, row.id, row.version, document)
        };
        revision.into_active_model().insert(db).await?;
        row.into_active_model().reset_all().update(db).await?;
    }
    delete_parts::<funding_term::Entity>(db, &ids).await?;
    Ok(entries)
}

/// The id of each record's source: the same source stands once, however many records it supports.
async fn sources_of(db: &impl ConnectionTrait, act: &Act<'_>, ready: &[Ready]) -> Result<Vec<Uuid>> {
    let mut ids = standing_sources(db, ready).await?;
    if ready.iter().any(|one| !ids.contains_key(&one.record.source)) {
        lock(db, LockMode::Exclusive, AdvisoryLock::Sources).await?;
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
