//! The current state of everything that proposals name.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter};
use uuid::Uuid;
use wayin_entity::{funding_term, initiative};

use super::{Proposal, ResolvedProposal, organisation_references_mut};
use crate::database::{is_in, is_in_any};
use crate::error::Result;
use crate::organisation::OrganisationLookup;
use crate::store::revisions::{load_documents, load_newest_documents};
use wayin_records::normalisation::is_storable;
use wayin_records::problem::{Problem, ProblemCode};
use wayin_records::record::InitiativeRecord;
use wayin_records::validate;
use wayin_records::{diff, omitted};

/// The current rows and documents that a batch of proposals refers to.
pub(super) struct CurrentState {
    /// By lead organisation and external reference.
    pub(super) by_reference: HashMap<(Uuid, String), initiative::Model>,
    pub(super) initiatives: HashMap<Uuid, initiative::Model>,
    /// By grant identifier.
    pub(super) terms: HashMap<String, funding_term::Model>,
    /// The newest revision, by initiative.
    pub(super) documents: HashMap<Uuid, serde_json::Value>,
    /// The base versions of proposals, by initiative and version.
    pub(super) earlier: HashMap<(Uuid, i32), serde_json::Value>,
}

impl CurrentState {
    pub(super) async fn load(
        db: &impl ConnectionTrait,
        organisations: &OrganisationLookup,
        proposals: &[Proposal],
    ) -> Result<Self> {
        let leads: HashSet<Uuid> = proposals
            .iter()
            .filter_map(|one| organisations.find_id(&one.record.lead_organisation))
            .collect();
        let references: Vec<String> = proposals
            .iter()
            .filter_map(|one| one.record.external_ref.clone())
            .filter(|text| is_storable(text))
            .collect();
        let grants: Vec<String> = proposals
            .iter()
            .flat_map(|one| &one.record.funding_terms)
            .filter_map(|term| term.grant_identifier.clone())
            .filter(|text| is_storable(text))
            .collect();
        let terms: HashMap<String, funding_term::Model> = funding_term::Entity::find()
            .filter(is_in(
                db,
                funding_term::Column::GrantIdentifier.into_expr(),
                grants,
            ))
            .all(db)
            .await?
            .into_iter()
            .filter_map(|term| Some((term.grant_identifier.clone()?, term)))
            .collect();
        let of_terms = terms.values().map(|term| term.initiative_id);
        let corrected = proposals.iter().filter_map(|one| one.corrects);
        let led = is_in_any(db, initiative::Column::LeadOrganisationId.into_expr(), leads);
        let referred = is_in_any(db, initiative::Column::ExternalRef.into_expr(), references);
        let by_reference = led.zip(referred).map(|(led, referred)| led.and(referred));
        let by_id = is_in_any(db, initiative::Column::Id.into_expr(), of_terms.chain(corrected));
        let these = Condition::any().add_option(by_reference).add_option(by_id);
        let found = if these.is_empty() {
            Vec::new()
        } else {
            initiative::Entity::find().filter(these).all(db).await?
        };
        let documents = load_newest_documents(db, found.iter().map(|initiative| initiative.id)).await?;
        let by_reference = found
            .iter()
            .filter_map(|one| Some(((one.lead_organisation_id, one.external_ref.clone()?), one.clone())))
            .collect();
        let written_from: HashSet<i32> = proposals.iter().filter_map(|one| one.base_version).collect();
        let passed: Vec<_> = found
            .iter()
            .filter(|one| written_from.iter().any(|version| *version < one.version))
            .map(|one| one.id)
            .collect();
        let earlier = load_documents(db, passed, written_from).await?;
        let initiatives = found.into_iter().map(|one| (one.id, one)).collect();
        Ok(Self {
            by_reference,
            initiatives,
            terms,
            documents,
            earlier,
        })
    }

    /// Finds the changes since a proposal's base version, if a newer version is published.
    pub(super) fn find_version_conflict(
        &self,
        initiative: Option<&initiative::Model>,
        written_from: Option<i32>,
    ) -> Option<Problem> {
        let current = initiative.filter(|current| current.withdrawn_at.is_none())?;
        let written_from = written_from.filter(|version| *version != current.version)?;
        let changed = self.earlier.get(&(current.id, written_from)).map(|before| {
            let after = self.documents.get(&current.id).cloned().unwrap_or_default();
            diff::find_differences(before, &after)
        });
        let changed = changed.map_or_else(
            || "There is no such version of it".into(),
            |changed| format!("Changed in between: {}", diff::describe_differences(&changed)),
        );
        let reason = format!(
            "the published record is at version {now} now; this is based on version {written_from}. {changed}. Take the published version into account, and write {now} here to send it again",
            now = current.version
        );
        Some(Problem::new(ProblemCode::StaleVersion, "version", reason))
    }

    /// Finds the published values that the new record leaves empty.
    pub(super) fn find_cleared(&self, id: Uuid, record: &InitiativeRecord) -> Vec<Problem> {
        let current = self.initiatives.get(&id);
        if current.is_none_or(|current| current.withdrawn_at.is_some()) {
            return Vec::new();
        }
        let published = self.documents.get(&id);
        let record = serde_json::to_value(record).ok();
        published
            .zip(record)
            .map_or_else(Vec::new, |(published, record)| {
                omitted::find_cleared(published, &record)
            })
    }

    /// Finds the stored funding term for each term of a record with the same grant.
    pub(super) fn find_terms<'a>(
        &'a self,
        record: &'a InitiativeRecord,
    ) -> impl Iterator<Item = Option<&'a funding_term::Model>> {
        let terms = record.funding_terms.iter();
        terms.map(|term| self.terms.get(term.grant_identifier.as_ref()?))
    }

    /// Whether the same record is already published. New details of its organisations do not count.
    pub(super) fn is_unchanged(&self, id: Uuid, record: &InitiativeRecord) -> bool {
        let document = self.documents.get(&id).cloned().unwrap_or_default();
        let published = serde_json::from_value::<InitiativeRecord>(document);
        published.is_ok_and(|mut published| {
            validate::normalise_record(&mut published);
            strip_organisation_details(published) == strip_organisation_details(record.clone())
        })
    }

    /// Lists the initiatives that were made only from grants which this record names.
    pub(super) fn list_superseded(&self, ready: &ResolvedProposal) -> Vec<Uuid> {
        self.find_terms(&ready.record)
            .flatten()
            .map(|term| term.initiative_id)
            .filter(|id| *id != ready.id)
            .collect()
    }
}

/// Reduces the record's organisations to what identifies them.
fn strip_organisation_details(mut record: InitiativeRecord) -> InitiativeRecord {
    for organisation in organisation_references_mut(&mut record) {
        organisation.kind = None;
        if organisation.identifier.is_some() {
            organisation.name = None;
        }
    }
    record
}
