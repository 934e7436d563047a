//! Compares initiatives with their newest revisions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait as _, FromQueryResult, QueryFilter, QuerySelect,
    sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, Perspective, change, initiative, revision};

use super::{IntegrityChecker, Invariant};
use crate::error::{Error, Result};
use crate::initiative::publish::is_grant_only;
use crate::instance::DisclosureKeys;
use crate::paging::KeysetScan;
use crate::redaction::REDACTION_MARKER;
use crate::store::revisions::newest_revisions;
use crate::store::whole_records::{InitiativeParts, WholeRecords};
use wayin_records::normalisation::fold_name;
use wayin_records::record::{InitiativeRecord, OrganisationReference, PlaceReference, SharingConsent};
use wayin_records::{diff, validate};

const INITIATIVES_PER_BATCH: u64 = 500;

/// The number and range of the revisions of an initiative.
#[derive(FromQueryResult)]
struct RevisionCountRow {
    initiative_id: Uuid,
    count: i64,
    first: i32,
    last: i32,
}

/// A name in a revision that differs from the tables.
struct NameMismatch {
    initiative: Uuid,
    path: String,
    subject: ChangeSubject,
    id: Uuid,
    /// When the revision was written. A later change explains the difference.
    written: DateTime<Utc>,
}

pub(super) async fn check_initiatives(
    db: &impl ConnectionTrait,
    keys: Option<&DisclosureKeys>,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    let mut walk = KeysetScan::new(
        initiative::Entity::find(),
        initiative::Column::Id,
        INITIATIVES_PER_BATCH,
    );
    while let Some(page) = walk.next_rows(db).await? {
        let counted = count_revisions(db, &page).await?;
        let newest = newest_revisions(db, page.iter().map(|row| row.id)).await?;
        let records = WholeRecords::load(db, &page).await?;
        let mut otherwise = Vec::new();
        for row in &page {
            check_revisions(row, counted.get(&row.id), checking);
            check_columns(row, records.parts(row.id), checking);
            let Some(newest) = newest.get(&row.id) else {
                continue;
            };
            check_record(row, newest, &records, keys, &mut otherwise, checking)?;
        }
        check_name_mismatches(db, otherwise, checking).await?;
        checking.summary.initiatives += page.len() as u64;
        (checking.on_progress)(checking.summary.initiatives);
    }
    Ok(())
}

async fn count_revisions(
    db: &impl ConnectionTrait,
    page: &[initiative::Model],
) -> Result<HashMap<Uuid, RevisionCountRow>> {
    let version = || Expr::col(revision::Column::Version);
    let counted = revision::Entity::find()
        .select_only()
        .column(revision::Column::InitiativeId)
        .column_as(version().count(), "count")
        .column_as(version().min(), "first")
        .column_as(version().max(), "last")
        .filter(revision::Column::InitiativeId.is_in(page.iter().map(|one| one.id)))
        .group_by(revision::Column::InitiativeId)
        .into_model::<RevisionCountRow>()
        .all(db)
        .await?;
    Ok(counted.into_iter().map(|one| (one.initiative_id, one)).collect())
}

fn check_revisions(
    row: &initiative::Model,
    counted: Option<&RevisionCountRow>,
    checking: &mut IntegrityChecker<'_>,
) {
    let Some(RevisionCountRow {
        count, first, last, ..
    }) = counted
    else {
        let sentence = format!("Initiative {} has no revision.", row.id);
        return checking.report(Invariant::Revisions, sentence);
    };
    if *first != 1 || *last != row.version || *count != i64::from(row.version) {
        let sentence = format!(
            "Initiative {} is at version {}, but its revisions are {count}, from version {first} to {last}.",
            row.id, row.version
        );
        checking.report(Invariant::Revisions, sentence);
    }
}

/// Checks the columns that revisions do not contain.
fn check_columns(row: &initiative::Model, parts: &InitiativeParts, checking: &mut IntegrityChecker<'_>) {
    let id = row.id;
    if row.title_folded != fold_name(&row.title) {
        let sentence = format!("Initiative {id} has a lower-case title that does not match its title.");
        checking.report(Invariant::Names, sentence);
    }
    let terms = &parts.funding_terms;
    if row.withdrawn_at.is_some() && !terms.is_empty() {
        let sentence = format!(
            "Initiative {id} was withdrawn, but still has {} funding terms.",
            terms.len()
        );
        checking.report(Invariant::Withdrawn, sentence);
    }
    if row.withdrawn_at.is_some() && row.version < 2 {
        let sentence = format!("Initiative {id} was withdrawn, but its version 1 is the only one.");
        checking.report(Invariant::Withdrawn, sentence);
    }
    if let Some((expected, term)) = (1..)
        .zip(terms)
        .find(|(expected, term)| term.position != *expected)
    {
        let sentence = format!(
            "Funding term {} of initiative {id} is at position {}, and should be at {expected}.",
            term.id, term.position
        );
        checking.report(Invariant::TablesMatchRevisions, sentence);
    }
    for term in terms {
        if term.grant_digest.is_some() && term.grant_identifier.is_none() {
            let sentence = format!(
                "Funding term {} was imported from a grant that it does not name.",
                term.id
            );
            checking.report(Invariant::DerivedValues, sentence);
        }
    }
    for perspective in Perspective::ALL {
        let ours = parts
            .entry_points
            .iter()
            .filter(|taken| taken.perspective == *perspective);
        if let Some((expected, taken)) = (1..)
            .zip(ours)
            .find(|(expected, taken)| taken.position != *expected)
        {
            let sentence = format!(
                "Entry point {} of initiative {id} is at position {}, and should be at {expected}.",
                taken.id, taken.position
            );
            checking.report(Invariant::TablesMatchRevisions, sentence);
        }
    }
}

/// Compares the tables with the newest revision.
fn check_record(
    row: &initiative::Model,
    newest: &revision::Model,
    records: &WholeRecords,
    keys: Option<&DisclosureKeys>,
    otherwise: &mut Vec<NameMismatch>,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    let id = row.id;
    let mut document: InitiativeRecord = match serde_json::from_value(newest.document.clone()) {
        Ok(document) => document,
        Err(cause) => {
            let sentence = format!("The newest revision of initiative {id} is not a record: {cause}.");
            checking.report(Invariant::Revisions, sentence);
            return Ok(());
        }
    };
    if row.made_from_grant != is_grant_only(&document) {
        let sentence = format!(
            "Initiative {id} is marked as {} from a grant alone, which its record is{}.",
            if row.made_from_grant { "made" } else { "not made" },
            if row.made_from_grant { " not" } else { "" }
        );
        checking.report(Invariant::DerivedValues, sentence);
    }
    if let Some(keys) = keys {
        check_disclosure_key(row, &document, records, keys, checking)?;
    }
    if row.withdrawn_at.is_some() {
        // Other records can name the grants of a withdrawn record.
        document.funding_terms.clear();
    }
    sort_lists(&mut document);
    // Both are normalised with today's rules.
    validate::normalise_record(&mut document);
    let mut rebuilt = match records.record(row) {
        Ok(mut rebuilt) => {
            validate::normalise_record(&mut rebuilt);
            rebuilt
        }
        Err(reason) => {
            let sentence = format!("Initiative {id} cannot be read from the tables: {reason}.");
            checking.report(Invariant::TablesMatchRevisions, sentence);
            return Ok(());
        }
    };
    if document
        .external_ref
        .as_ref()
        .is_some_and(|given| given.contains(REDACTION_MARKER))
    {
        // Redaction can have made the reference unique since then.
        rebuilt.external_ref.clone_from(&document.external_ref);
    }
    // A different reference can have been right when the revision was written.
    let mut differs = |path: String, subject: ChangeSubject, named: Uuid| {
        otherwise.push(NameMismatch {
            initiative: id,
            path,
            subject,
            id: named,
            written: newest.created_at,
        });
    };
    if let (Some(ours), Some(theirs), Some(place)) = (&rebuilt.place, &document.place, row.place_id)
        && ours != theirs
    {
        if !is_redacted_place(theirs) {
            differs("place".into(), ChangeSubject::Place, place);
        }
        rebuilt.place.clone_from(&document.place);
    }
    if rebuilt.lead_organisation != document.lead_organisation {
        if !is_redacted(&document.lead_organisation) {
            let lead = row.lead_organisation_id;
            differs("leadOrganisation".into(), ChangeSubject::Organisation, lead);
        }
        rebuilt.lead_organisation = document.lead_organisation.clone();
    }
    let funders = rebuilt.funding_terms.iter_mut().zip(&document.funding_terms);
    for (index, ((ours, theirs), term)) in funders.zip(&records.parts(id).funding_terms).enumerate() {
        if ours.funder != theirs.funder {
            if !is_redacted(&theirs.funder) {
                let path = format!("fundingTerms/{index}/funder");
                differs(path, ChangeSubject::Organisation, term.funder_id);
            }
            ours.funder = theirs.funder.clone();
        }
    }
    for difference in diff::find_differences(&to_document(&document)?, &to_document(&rebuilt)?) {
        let invariant = if row.withdrawn_at.is_some() {
            Invariant::Withdrawn
        } else {
            Invariant::TablesMatchRevisions
        };
        let sentence = format!(
            "The newest revision of initiative {id} and the tables differ in {}.",
            difference.path
        );
        checking.report(invariant, sentence);
    }
    Ok(())
}

/// Sorts a record's lists as the tables do: entry points have an order within each perspective, challenges
/// and conditions have none.
fn sort_lists(record: &mut InitiativeRecord) {
    record.entry_points.sort_by_key(|taken| taken.perspective);
    record.challenges_faced.sort_by_key(|faced| faced.challenge);
    record
        .challenges_faced
        .iter_mut()
        .for_each(|faced| faced.reasons.sort_unstable());
    record.conditions_changed.sort_by_key(|changed| changed.condition);
    // An empty consent is the same as none.
    record.sharing = record
        .sharing
        .take()
        .filter(|sharing| *sharing != SharingConsent::default());
}

fn to_document(record: &InitiativeRecord) -> Result<Value> {
    serde_json::to_value(record).map_err(|cause| Error::Internal(cause.to_string()))
}

/// Whether the text of the reference was redacted.
fn is_redacted(reference: &OrganisationReference) -> bool {
    let texts = [&reference.identifier, &reference.name];
    texts
        .into_iter()
        .flatten()
        .any(|text| text.contains(REDACTION_MARKER))
}

fn is_redacted_place(reference: &PlaceReference) -> bool {
    let texts = [&reference.code, &reference.id, &reference.name];
    texts
        .into_iter()
        .flatten()
        .any(|text| text.contains(REDACTION_MARKER))
}

/// The disclosure key depends on the identifier or name of the lead organisation. The key of a withdrawn
/// record can be outdated.
fn check_disclosure_key(
    row: &initiative::Model,
    document: &InitiativeRecord,
    records: &WholeRecords,
    keys: &DisclosureKeys,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    if is_redacted(&document.lead_organisation) {
        // The old name is not stored any more.
        return Ok(());
    }
    let now = records.build_reference(row.lead_organisation_id).ok();
    let leads = std::iter::once(&document.lead_organisation).chain(&now);
    let grant = document
        .funding_terms
        .iter()
        .find_map(|term| term.grant_identifier.as_deref());
    let reference = document.external_ref.as_deref().or(grant).unwrap_or_default();
    if reference.contains(REDACTION_MARKER) {
        return Ok(());
    }
    for lead in leads {
        let known_by = lead.identifier.as_deref().or(lead.name.as_deref());
        if row.disclosure_key == keys.derive_key(known_by.unwrap_or_default(), reference)? {
            return Ok(());
        }
    }
    let sentence = format!(
        "Initiative {} has a disclosure key that does not match its lead organisation and reference.",
        row.id
    );
    checking.report(Invariant::DerivedValues, sentence);
    Ok(())
}

/// Checks that each organisation or place with a different name was changed after the revision.
async fn check_name_mismatches(
    db: &impl ConnectionTrait,
    otherwise: Vec<NameMismatch>,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    if otherwise.is_empty() {
        return Ok(());
    }
    let altered: Vec<(ChangeSubject, Uuid, DateTime<Utc>)> = change::Entity::find()
        .select_only()
        .columns([change::Column::Subject, change::Column::SubjectId])
        .column_as(Expr::col(change::Column::CreatedAt).max(), "latest")
        .filter(change::Column::Kind.eq(ChangeKind::Altered))
        .filter(change::Column::SubjectId.is_in(otherwise.iter().map(|one| one.id)))
        .group_by(change::Column::Subject)
        .group_by(change::Column::SubjectId)
        .into_tuple()
        .all(db)
        .await?;
    let altered: HashMap<(ChangeSubject, Uuid), DateTime<Utc>> = altered
        .into_iter()
        .map(|(subject, id, latest)| ((subject, id), latest))
        .collect();
    for one in otherwise {
        let latest = altered.get(&(one.subject, one.id));
        if latest.is_some_and(|latest| *latest >= one.written) {
            continue;
        }
        let sentence = format!(
            "The newest revision of initiative {} and the tables differ in {}: {} {} has not changed since.",
            one.initiative,
            one.path,
            one.subject.code().to_lowercase(),
            one.id
        );
        checking.report(Invariant::TablesMatchRevisions, sentence);
    }
    Ok(())
}
