//! Loads initiatives as they were before their last changes, as rows of the index, from their revisions.
//!
//! A publication gives the revision the time at which the initiative was last updated, so this time identifies the
//! version. A change that writes no revision, such as a redaction, has a time of which nothing is found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, JsonValue as Json, QueryFilter};
use serde::Deserialize as _;
use uuid::Uuid;
use wayin_engine::index::missing_column;
use wayin_engine::index::{IndexedFundingTerm, IndexedInitiative, PerspectiveEntryPoints, Snapshot};
use wayin_entity::{Choice, initiative, place, revision};
use wayin_records::fields::funding_term::FundingChoice;
use wayin_records::normalisation::fold_name;
use wayin_records::record::{FundingTerm, InitiativeRecord, OrganisationReference, PlaceReference};

use super::index_rows::to_lower_case_currency;
use crate::database::json_rows::TupleQuery;
use crate::database::{is_in, is_one_of_ids};
use crate::error::Error;
use crate::id::{self, NodeKind};
use crate::initiative::publish::list_organisation_references;
use crate::organisation::OrganisationLookup;

/// The most versions that are loaded at the same time. Other work waits while their documents are read, and SQLite
/// binds a limited number of values, such as the names of their organisations.
const VERSIONS_PER_BATCH: usize = 500;

/// An initiative, and when it was last updated, in microseconds since 1970.
type VersionKey = (Uuid, i64);

/// Loads initiatives as they were when they were last updated at given times, in the order of their ids. Those of which
/// no revision has this time are left out.
///
/// `versions` are initiatives, each with a time in microseconds since 1970. It must not be the time of a withdrawal,
/// whose revision has the record as it was before. Several versions of one initiative come in the order of their times.
///
/// A version is also left out if its document cannot be read, or if it is not certain which place or organisation it
/// names. An organisation that was merged since then is replaced by the one that it was merged into.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn load_old_rows(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    versions: &[(Uuid, i64)],
) -> Result<Vec<IndexedInitiative>, DbErr> {
    let mut versions = versions.to_vec();
    versions.sort_unstable();
    versions.dedup();
    let mut rows = Vec::with_capacity(versions.len());
    for batch in versions.chunks(VERSIONS_PER_BATCH) {
        rows.extend(Box::pin(load_batch(db, snapshot, batch)).await?);
    }
    Ok(rows)
}

/// Loads sorted versions.
async fn load_batch(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    versions: &[VersionKey],
) -> Result<Vec<IndexedInitiative>, DbErr> {
    let records = load_records(db, versions).await?;
    let ids: Vec<Uuid> = records.keys().map(|(id, _)| *id).collect();
    let constants = load_constants(db, &ids).await?;
    let lookup = ReferenceLookup::load(db, snapshot, &records).await?;
    let rows = records.iter().filter_map(|((id, updated_at), record)| {
        let (cell_key, published_at) = *constants.get(id)?;
        let identity = RowIdentity {
            id: *id,
            cell_key,
            published_at,
            updated_at: DateTime::from_timestamp_micros(*updated_at)?,
        };
        let named = lookup.resolve_references(record, identity.updated_at)?;
        Some(build_row(record, &identity, &named))
    });
    Ok(rows.collect())
}

/// Loads the records of sorted versions.
async fn load_records(
    db: &impl ConnectionTrait,
    versions: &[VersionKey],
) -> Result<BTreeMap<VersionKey, InitiativeRecord>, DbErr> {
    use revision::{Column, Entity};
    let initiatives: Vec<Uuid> = versions.iter().map(|(id, _)| *id).collect();
    let of_these = is_one_of_ids(db, Column::InitiativeId.into_expr(), &initiatives);
    let columns = [
        Column::Id,
        Column::InitiativeId,
        Column::CreatedAt,
        Column::Version,
    ];
    let revisions: Vec<(Uuid, Uuid, DateTime<Utc>, i32)> = TupleQuery::new(Entity::find(), &columns, [])
        .filter(of_these)
        .load(db)
        .await?;
    // If several revisions have one time, readers could only see the last.
    let mut newest: BTreeMap<VersionKey, (i32, Uuid)> = BTreeMap::new();
    for (id, initiative_id, created_at, version) in revisions {
        let key = (initiative_id, created_at.timestamp_micros());
        if versions.binary_search(&key).is_ok() {
            let found = newest.entry(key).or_insert((version, id));
            *found = (version, id).max(*found);
        }
    }
    let keys: HashMap<Uuid, VersionKey> = newest.into_iter().map(|(key, (_, id))| (id, key)).collect();
    let ids: Vec<Uuid> = keys.keys().copied().collect();
    let these = is_one_of_ids(db, Column::Id.into_expr(), &ids);
    let columns = [Column::Id, Column::Document];
    let documents: Vec<(Uuid, Json)> = TupleQuery::new(Entity::find(), &columns, [])
        .filter(these)
        .load(db)
        .await?;
    let records = documents.into_iter().filter_map(|(id, document)| {
        // A newer version may have written a document that this one does not know.
        let record = InitiativeRecord::deserialize(document).ok()?;
        Some((*keys.get(&id)?, record))
    });
    Ok(records.collect())
}

/// Loads what the versions of initiatives have in common, also of withdrawn ones: the key for disclosure control, and
/// when they were first published.
async fn load_constants(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, (u8, DateTime<Utc>)>, DbErr> {
    use initiative::{Column, Entity};
    let these = is_one_of_ids(db, Column::Id.into_expr(), ids);
    let columns = [Column::Id, Column::DisclosureKey, Column::PublishedAt];
    let rows: Vec<(Uuid, i64, DateTime<Utc>)> = TupleQuery::new(Entity::find(), &columns, [])
        .filter(these)
        .load(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, disclosure_key, published_at)| (id, (disclosure_key.to_le_bytes()[0], published_at)))
        .collect())
}

/// Finds the numbers of the places and organisations that records name.
struct ReferenceLookup<'a> {
    snapshot: &'a Snapshot,
    organisations: OrganisationLookup,
    /// The ids of places by their codes.
    places: HashMap<String, Uuid>,
}

/// What a record names, as numbers of the dictionaries.
struct RowReferences {
    place: Option<u32>,
    lead: u32,
    /// The funder of each term, in the order of the record.
    funders: Vec<u32>,
}

impl<'a> ReferenceLookup<'a> {
    async fn load(
        db: &impl ConnectionTrait,
        snapshot: &'a Snapshot,
        records: &BTreeMap<VersionKey, InitiativeRecord>,
    ) -> Result<Self, DbErr> {
        let named = records.values().flat_map(list_organisation_references);
        let organisations = OrganisationLookup::load(db, named)
            .await
            .map_err(to_database_error)?;
        let codes = records
            .values()
            .filter_map(|record| record.place.as_ref()?.code.as_deref());
        let codes: BTreeSet<&str> = codes.collect();
        let places = place::Entity::find()
            .filter(is_in(db, place::Column::Code.into_expr(), codes))
            .all(db)
            .await?;
        let places = places
            .into_iter()
            .filter_map(|place| Some((place.code?, place.id)));
        Ok(Self {
            snapshot,
            organisations,
            places: places.collect(),
        })
    }

    /// Finds everything that a record names. None unless all of it is certain.
    fn resolve_references(
        &self,
        record: &InitiativeRecord,
        updated_at: DateTime<Utc>,
    ) -> Option<RowReferences> {
        let place = match &record.place {
            Some(reference) => Some(self.find_place(reference)?),
            None => None,
        };
        let terms = record.funding_terms.iter();
        let funders = terms.map(|term| self.find_organisation(&term.funder, updated_at));
        Some(RowReferences {
            place,
            lead: self.find_organisation(&record.lead_organisation, updated_at)?,
            funders: funders.collect::<Option<_>>()?,
        })
    }

    /// Finds a place. A published record names it by its code, which never changes, or else by its id. If its code is
    /// retired, the record still has this place, and not its successor.
    fn find_place(&self, reference: &PlaceReference) -> Option<u32> {
        let id = match (&reference.code, &reference.id) {
            (Some(code), None) => self.places.get(code).copied(),
            (None, Some(id)) => id::decode_as(NodeKind::Place, id),
            _ => None,
        };
        self.snapshot.places.number(id?)
    }

    /// Finds an organisation that a record names, by its current or a former identifier or name.
    fn find_organisation(&self, reference: &OrganisationReference, updated_at: DateTime<Utc>) -> Option<u32> {
        let found = self.organisations.find(reference)?;
        // One that was added later has the same identifier or name now, but the record named another.
        if found.created_at > updated_at {
            return None;
        }
        self.snapshot.organisations.number(found.id)
    }
}

/// The cause of a failed look-up, as an error of the database.
fn to_database_error(error: Error) -> DbErr {
    match error {
        Error::Database(cause) => cause,
        other => DbErr::Custom(other.to_string()),
    }
}

/// What a row has besides its record and the numbers of what it names.
struct RowIdentity {
    id: Uuid,
    cell_key: u8,
    published_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Builds the row of a record, as it would be loaded from the tables.
fn build_row(record: &InitiativeRecord, identity: &RowIdentity, named: &RowReferences) -> IndexedInitiative {
    let terms = record.funding_terms.iter().zip(&named.funders);
    let mut row = IndexedInitiative {
        id: identity.id,
        cell_key: identity.cell_key,
        place: named.place,
        lead: named.lead,
        title: fold_name(&record.title).into(),
        published_at: identity.published_at,
        updated_at: identity.updated_at,
        started_on: record.started_on,
        ended_on: record.ended_on,
        ongoing: record.ongoing,
        visibility: record.visibility,
        shared_with_funders: record.shared_with_funders,
        illustrative: record.illustrative,
        entry_points: Default::default(),
        steps: Default::default(),
        reasons: Default::default(),
        changes: Default::default(),
        terms: terms.map(|(term, funder)| build_term(term, *funder)).collect(),
        missing: missing_column::list_missing_in_record(&record.missing).collect(),
        missing_in_terms: Vec::new(),
    };
    for taken in &record.entry_points {
        let PerspectiveEntryPoints { way_in, later } = &mut row.entry_points[taken.perspective as usize];
        if way_in.is_none() {
            *way_in = Some(taken.entry_point);
        } else {
            *later |= 1 << taken.entry_point.number();
        }
    }
    for faced in &record.challenges_faced {
        row.steps[faced.challenge as usize] = faced.step;
        for reason in &faced.reasons {
            row.reasons[faced.challenge as usize] |= 1 << reason.number();
        }
        let missing = missing_column::list_missing_in_challenge(faced.challenge, &faced.missing);
        row.missing.extend(missing);
    }
    for changed in &record.conditions_changed {
        row.changes[changed.condition as usize] = changed.change;
        let missing = missing_column::find_missing_in_condition(changed.condition, &changed.missing);
        row.missing.extend(missing);
    }
    for (index, term) in (0_u32..).zip(&record.funding_terms) {
        let missing = missing_column::list_missing_in_term(&term.missing);
        row.missing_in_terms
            .extend(missing.map(|(field, reason)| (index, field, reason)));
    }
    row.missing.sort_unstable();
    row.missing_in_terms.sort_unstable();
    row
}

fn build_term(term: &FundingTerm, funder: u32) -> IndexedFundingTerm {
    IndexedFundingTerm {
        funder,
        duration_months: term.duration_months,
        research_months: term.upfront_research_months,
        amount_minor: term.amount_minor,
        currency: term.currency.as_deref().and_then(to_lower_case_currency),
        starts_on: term.starts_on,
        choices: FundingChoice::ALL.map(|choice| find_answer(term, choice)),
    }
}

/// The number of the answer to a choice. None if it is not known.
fn find_answer(term: &FundingTerm, choice: FundingChoice) -> Option<u8> {
    match choice {
        FundingChoice::IntendedFocus => term.intended_focus.map(Choice::number),
        FundingChoice::UpfrontResearch => term.upfront_research.map(Choice::number),
        FundingChoice::CollaborationResourced => term.collaboration_resourced.map(Choice::number),
        FundingChoice::Restriction => term.restriction.map(Choice::number),
        FundingChoice::ReportingFrequency => term.reporting_frequency.map(Choice::number),
        FundingChoice::ReportingBasis => term.reporting_basis.map(Choice::number),
        FundingChoice::DeliveryTimeline => term.delivery_timeline.map(Choice::number),
        FundingChoice::Renewable => term.renewable.map(Choice::number),
        FundingChoice::MultiSite => term.multi_site.map(Choice::number),
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::DatabaseConnection;
    use sea_orm_migration::MigratorTrait as _;
    use tempfile::TempDir;
    use wayin_entity::organisation;
    use wayin_migration::Migrator;

    use super::*;
    use crate::change_log::ActionContext;
    use crate::clock::SystemClock;
    use crate::database::{begin_write, commit, connect};
    use crate::initiative::publish::{Proposal, PublicationOutcome, publish_records, withdraw_initiative};
    use crate::instance::{DisclosureKeys, ensure_instance};
    use crate::load_sample::load_sample;
    use crate::organisation::merge::{OrganisationMerge, merge_organisations};
    use crate::organisation::{OrganisationDraft, save_organisation};
    use crate::pattern::loader::load_snapshot;
    use crate::place::Gazetteer;
    use crate::reference_data::SaveTarget;

    const RECORD_COUNT: usize = 120;

    const ACT: ActionContext<'static> = ActionContext {
        clock: &SystemClock,
        member: None,
        reason: "a test",
    };

    #[tokio::test]
    async fn old_rows_equal_the_rows_before_the_changes() {
        let (_folder, db, records) = load_base().await;
        let snapshot = load_snapshot([&db, &db], &|_| ()).await.unwrap();
        let before = unpack_all(&snapshot);
        assert_eq!(before.len(), RECORD_COUNT);

        replace_records(&db, &records).await;
        withdraw(&db, before[0].id).await;
        let changed = load_snapshot([&db, &db], &|_| ()).await.unwrap();
        let after = unpack_all(&changed);
        assert_eq!(after.len(), RECORD_COUNT - 1, "one is withdrawn");
        let mut versions = list_versions(&before);
        versions.reverse();
        // No version has this time.
        versions.push((before[1].id, before[1].updated_at.timestamp_micros() - 1));
        let old = load_old_rows(&db, &snapshot, &versions).await.unwrap();
        assert_eq!(old, before);
        let newest = load_old_rows(&db, &changed, &list_versions(&after)).await;
        assert_eq!(newest.unwrap(), after);

        // A former identifier leads to the organisation that had it.
        let lead = snapshot.organisations.get(before[0].lead).id;
        let lead = organisation::Entity::find_by_id(lead).one(&db).await.unwrap();
        let lead = lead.unwrap();
        let former = lead.identifier.unwrap();
        save(&db, Some(lead.id), &lead.name, "XI-WAYIN-CORRECTED").await;
        let old = load_old_rows(&db, &snapshot, &versions).await.unwrap();
        assert_eq!(old, before);

        // Another organisation that has it now is not the one that the records named.
        save(&db, None, "Another organisation", &former).await;
        let newest = load_snapshot([&db, &db], &|_| ()).await.unwrap();
        let certain = before.iter().filter(|row| row.lead != before[0].lead).cloned();
        let certain: Vec<IndexedInitiative> = certain.collect();
        let old = load_old_rows(&db, &newest, &versions).await.unwrap();
        assert_eq!(old, certain);
    }

    #[tokio::test]
    async fn versions_before_and_after_a_merge_are_found() {
        let (_folder, db, _) = load_base().await;
        let snapshot = load_snapshot([&db, &db], &|_| ()).await.unwrap();
        let before = unpack_all(&snapshot);
        let source = before[0].lead;
        let target = before.iter().map(|row| row.lead).find(|lead| *lead != source);
        let draft = OrganisationMerge {
            target: snapshot.organisations.get(target.unwrap()).id,
            target_version: None,
            source: snapshot.organisations.get(source).id,
            source_version: None,
        };
        let keys = DisclosureKeys::load(&db).await.unwrap();
        let transaction = begin_write(&db).await.unwrap();
        let merged = merge_organisations(&transaction, &ACT, &keys, draft)
            .await
            .unwrap();
        assert!(merged.is_ok(), "{merged:?}");
        commit(transaction).await.unwrap();

        let merged = load_snapshot([&db, &db], &|_| ()).await.unwrap();
        let after = unpack_all(&merged);
        let newest = load_old_rows(&db, &merged, &list_versions(&after)).await;
        assert_eq!(newest.unwrap(), after);
        // The source is now the target.
        let old = load_old_rows(&db, &merged, &list_versions(&before))
            .await
            .unwrap();
        let leads = |rows: &[IndexedInitiative]| rows.iter().map(|row| row.lead).collect::<Vec<_>>();
        assert_eq!(leads(&old), leads(&after));
    }

    /// A database with the first records of the demonstration. It is deleted with the folder.
    async fn load_base() -> (TempDir, DatabaseConnection, Vec<InitiativeRecord>) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!(
            "sqlite://{}?mode=rwc",
            folder.path().join("old_rows.db").display()
        );
        let db = connect(&url).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        ensure_instance(&db, &SystemClock).await.unwrap();
        let mut evidence = wayin_sample::generate_evidence();
        evidence.records.truncate(RECORD_COUNT);
        for record in &mut evidence.records {
            // The terms of another record can then replace them.
            for term in &mut record.funding_terms {
                term.grant_identifier = None;
            }
        }
        let records = evidence.records.clone();
        load_sample(&db, &ACT, evidence).await.unwrap();
        (folder, db, records)
    }

    fn unpack_all(snapshot: &Snapshot) -> Vec<IndexedInitiative> {
        snapshot.chunks.iter().flat_map(|chunk| chunk.unpack()).collect()
    }

    fn list_versions(rows: &[IndexedInitiative]) -> Vec<VersionKey> {
        rows.iter()
            .map(|row| (row.id, row.updated_at.timestamp_micros()))
            .collect()
    }

    /// Publishes records again. Each says what the next one said, but keeps its lead organisation and reference.
    async fn replace_records(db: &DatabaseConnection, records: &[InitiativeRecord]) {
        let others = records.iter().cycle().skip(1);
        let proposals = records.iter().zip(others).map(|(record, other)| Proposal {
            record: InitiativeRecord {
                external_ref: record.external_ref.clone(),
                lead_organisation: record.lead_organisation.clone(),
                ..other.clone()
            },
            grant: None,
            corrects: None,
            base_version: None,
            omitted: None,
        });
        let places = Gazetteer::load(db).await.unwrap();
        let keys = DisclosureKeys::load(db).await.unwrap();
        let transaction = begin_write(db).await.unwrap();
        let outcomes = publish_records(&transaction, &ACT, &places, &keys, proposals.collect()).await;
        for outcome in outcomes.unwrap() {
            assert!(
                matches!(outcome, PublicationOutcome::Updated { .. }),
                "{outcome:?}"
            );
        }
        commit(transaction).await.unwrap();
    }

    async fn withdraw(db: &DatabaseConnection, id: Uuid) {
        let transaction = begin_write(db).await.unwrap();
        let versions = withdraw_initiative(&transaction, &ACT, id).await.unwrap();
        assert!(versions.is_some(), "it was published");
        commit(transaction).await.unwrap();
    }

    async fn save(db: &DatabaseConnection, id: Option<Uuid>, name: &str, identifier: &str) {
        let draft = OrganisationDraft {
            target: SaveTarget { id, version: None },
            name: name.into(),
            kind: None,
            identifier: Some(identifier.into()),
            auto_publish: false,
        };
        let transaction = begin_write(db).await.unwrap();
        let saved = save_organisation(&transaction, &ACT, draft).await.unwrap();
        assert!(saved.is_ok(), "{saved:?}");
        commit(transaction).await.unwrap();
    }
}
