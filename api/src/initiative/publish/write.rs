//! Writes resolved proposals to the tables.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;
use wayin_entity::{
    ChangeKind, ChangeSubject, SourceKind, Visibility, funding_term, initiative, revision, source,
};

use super::ResolvedProposal;
use super::parts::{ExistingPartIds, PartRowBuilder, delete_all_parts};
use crate::change_log::{ActionContext, ChangeEntry};
use crate::database::{insert_all, is_in};
use crate::error::Result;
use crate::instance::DisclosureKeys;
use crate::locks::{AdvisoryLock, LockMode, acquire_lock};
use crate::store::revisions::load_newest_documents;
use crate::store::whole_records::delete_parts;
use wayin_records::normalisation::fold_name;
use wayin_records::record::{InitiativeRecord, Source};

/// Writes records with their parts and revisions, and withdraws the initiatives that they supersede. Returns
/// the changes to append to the log.
pub(super) async fn write_records(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    keys: &DisclosureKeys,
    mut ready: Vec<ResolvedProposal>,
    superseded: Vec<Uuid>,
) -> Result<Vec<ChangeEntry>> {
    if ready.is_empty() {
        return Ok(Vec::new());
    }
    let altered: Vec<Uuid> = ready
        .iter()
        .filter(|one| one.before.is_some())
        .map(|one| one.id)
        .collect();
    // A term that moves to another record also keeps its id.
    let replaced: Vec<Uuid> = altered.iter().chain(&superseded).copied().collect();
    let ids = ExistingPartIds::load(db, &replaced).await?;
    let superseded_as = "a record of the lead organisation names this grant";
    let mut entries = withdraw_records(db, act, superseded, superseded_as).await?;
    delete_all_parts(db, &altered).await?;
    let sources = find_or_create_sources(db, act, &ready).await?;
    let keys = ready
        .iter()
        .map(|one| derive_disclosure_key(keys, one))
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
        ChangeEntry::new(kind, ChangeSubject::Initiative, one.id)
    }));
    let rows = ready
        .iter()
        .zip(keys)
        .map(|(one, key)| build_initiative_row(act, one, key));
    let rows: Vec<initiative::Model> = rows.collect();
    let updated_at: Vec<DateTime<Utc>> = rows.iter().map(|row| row.updated_at).collect();
    let (new, altered): (Vec<_>, Vec<_>) = ready.iter().zip(rows).partition(|(one, _)| one.before.is_none());
    for (_, row) in altered {
        row.into_active_model().reset_all().update(db).await?;
    }
    insert_all(db, new.into_iter().map(|(_, row)| row.into_active_model())).await?;
    let parts = PartRowBuilder { act, ids: &ids };
    let faced = parts.build_challenges(&ready);
    insert_all(
        db,
        ready
            .iter()
            .zip(sources)
            .map(|(one, id)| parts.build_source(one, id)),
    )
    .await?;
    insert_all(db, ready.iter().flat_map(|one| parts.build_entry_points(one))).await?;
    insert_all(db, faced.iter().map(|one| parts.build_challenge(one))).await?;
    insert_all(db, faced.iter().flat_map(|one| parts.build_reasons(one))).await?;
    insert_all(db, ready.iter().flat_map(|one| parts.build_conditions(one))).await?;
    insert_all(db, ready.iter().flat_map(|one| parts.build_funding_terms(one))).await?;
    let revisions = ready.iter().zip(updated_at).zip(documents);
    let revisions = revisions.map(|((one, updated_at), document)| {
        build_revision_row(act, one.id, one.version(), updated_at, document).into_active_model()
    });
    insert_all(db, revisions).await?;
    Ok(entries)
}

/// Withdraws initiatives. Their revisions stay, and other records can name their grants. Returns the changes
/// to append to the log.
pub(super) async fn withdraw_records(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    ids: Vec<Uuid>,
    reason: &str,
) -> Result<Vec<ChangeEntry>> {
    let mut entries = Vec::with_capacity(ids.len());
    let found = initiative::Entity::find()
        .filter(is_in(db, initiative::Column::Id.into_expr(), ids.iter().copied()))
        .all(db)
        .await?;
    let mut documents = load_newest_documents(db, found.iter().map(|row| row.id)).await?;
    for before in found {
        let row = initiative::Model {
            version: before.version + 1,
            withdrawn_at: Some(act.now()),
            updated_at: act.now(),
            ..before
        };
        entries.push(ChangeEntry::new(
            ChangeKind::Withdrawn,
            ChangeSubject::Initiative,
            row.id,
        ));
        let document = documents.remove(&row.id).unwrap_or_default();
        let revision = revision::Model {
            reason: reason.to_owned(),
            ..build_revision_row(act, row.id, row.version, row.updated_at, document)
        };
        revision.into_active_model().insert(db).await?;
        row.into_active_model().reset_all().update(db).await?;
    }
    delete_parts::<funding_term::Entity>(db, &ids).await?;
    Ok(entries)
}

/// Returns the id of each record's source. A source has one row, however many records it supports.
async fn find_or_create_sources(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    ready: &[ResolvedProposal],
) -> Result<Vec<Uuid>> {
    let mut ids = find_existing_sources(db, ready).await?;
    if ready.iter().any(|one| !ids.contains_key(&one.record.source)) {
        acquire_lock(db, LockMode::Exclusive, AdvisoryLock::Sources).await?;
        // Another transaction may have added sources before this one held the lock.
        ids = find_existing_sources(db, ready).await?;
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

/// Finds the existing sources of records.
async fn find_existing_sources(
    db: &impl ConnectionTrait,
    ready: &[ResolvedProposal],
) -> Result<HashMap<Source, Uuid>> {
    let titles: HashSet<&str> = ready.iter().map(|one| one.record.source.title.as_str()).collect();
    let current = source::Entity::find()
        .filter(is_in(db, source::Column::Title.into_expr(), titles))
        .all(db)
        .await?;
    let known = current.into_iter().map(|row| {
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

fn derive_disclosure_key(keys: &DisclosureKeys, ready: &ResolvedProposal) -> Result<i64> {
    let ResolvedProposal { record, lead, .. } = ready;
    keys.derive_key(
        lead.identifier.as_deref().unwrap_or(&lead.name),
        disclosure_reference(record),
    )
}

fn build_initiative_row(
    act: &ActionContext<'_>,
    ready: &ResolvedProposal,
    disclosure_key: i64,
) -> initiative::Model {
    let ResolvedProposal {
        record, before, lead, ..
    } = ready;
    let now = act.now();
    let sharing = record.sharing.clone().unwrap_or_default();
    initiative::Model {
        id: ready.id,
        place_id: ready.place,
        lead_organisation_id: lead.id,
        title: record.title.clone(),
        title_folded: fold_name(&record.title),
        summary: record.summary.clone(),
        started_on: record.started_on,
        ended_on: record.ended_on,
        ongoing: record.ongoing,
        visibility: record.visibility,
        shared_with_funders: record.shared_with_funders,
        illustrative: record.illustrative,
        made_from_grant: is_grant_only(record),
        external_ref: record.external_ref.clone(),
        version: ready.version(),
        published_at: before.as_ref().map_or(now, |before| before.published_at),
        withdrawn_at: None,
        disclosure_key,
        sharing_confirmed_by: sharing.confirmed_by,
        sharing_confirmed_on: sharing.confirmed_on,
        sharing_basis: sharing.basis,
        sharing_licence: sharing.licence,
        missing: record.missing.to_json(),
        created_at: before.as_ref().map_or(now, |before| before.created_at),
        updated_at: now,
    }
}

/// The part of the disclosure key that identifies a record within its lead organisation: its own reference,
/// or else its first grant.
pub fn disclosure_reference(record: &InitiativeRecord) -> &str {
    let grant = record
        .funding_terms
        .iter()
        .find_map(|term| term.grant_identifier.as_deref());
    record.external_ref.as_deref().or(grant).unwrap_or_default()
}

/// Whether an initiative comes only from one published grant. Only then can a changed grant rewrite all of
/// it, and can a record that names the grant supersede it.
pub fn is_grant_only(record: &InitiativeRecord) -> bool {
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

/// Builds the revision of an initiative. It has the time at which the initiative was last updated, so that it can be found
/// by this time.
pub(super) fn build_revision_row(
    act: &ActionContext<'_>,
    initiative_id: Uuid,
    version: i32,
    updated_at: DateTime<Utc>,
    document: serde_json::Value,
) -> revision::Model {
    revision::Model {
        id: act.clock.new_id(),
        initiative_id,
        version,
        document,
        member_id: act.member,
        reason: act.reason.to_owned(),
        created_at: updated_at,
        updated_at,
    }
}
