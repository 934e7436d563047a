//! Validates proposals and resolves everything that they name.

use uuid::Uuid;
use wayin_entity::{initiative, organisation};

use super::current_state::CurrentState;
use super::grant_merge::{
    find_grant_conflicts, keep_published_grant_terms, merge_grant_terms, update_term_from_grant,
};
use super::{Proposal, PublicationOutcome, ResolvedProposal, ValidatedProposal};
use crate::change_log::ActionContext;
use crate::error::{Error, Result};
use crate::organisation::{AlteredOrganisations, OrganisationLookup, OrganisationReferenceError};
use crate::place::{self, Gazetteer};
use crate::store::whole_records::{organisation_reference, place_reference};
use wayin_records::problem::{Problem, ProblemCode, Problems};
use wayin_records::record::{FundingTerm, InitiativeRecord, OrganisationReference};
use wayin_records::validate;

/// What will happen to a proposal.
pub(super) enum PlannedProposal {
    Ready(Box<ResolvedProposal>, Vec<Problem>),
    Settled(PublicationOutcome),
}

/// The grant that a proposal is made from.
struct GrantOrigin {
    identifier: String,
    digest: String,
}

/// The resolved references of a record.
struct ResolvedReferences {
    lead: organisation::Model,
    place: Option<Uuid>,
    funders: Vec<Uuid>,
}

/// A batch of proposals that are being prepared.
pub(super) struct PublicationBatch<'a> {
    pub(super) act: &'a ActionContext<'a>,
    pub(super) places: &'a Gazetteer,
    pub(super) organisations: OrganisationLookup,
    pub(super) altered: AlteredOrganisations,
    pub(super) current: CurrentState,
}

impl PublicationBatch<'_> {
    pub(super) fn validate_proposal(&self, proposal: &Proposal) -> ValidatedProposal {
        let record = keep_published_grant_terms(&self.current, &proposal.record);
        let mut problems = self.validate(&record);
        let lead = self.organisations.find_id(&record.lead_organisation);
        let before = self.find_published(&record, lead).map(|before| before.id);
        let id = before.or(proposal.corrects).unwrap_or_default();
        problems
            .errors
            .extend(find_grant_conflicts(&self.current, &record, id, lead));
        let stands_so = problems.errors.is_empty() && self.is_unchanged(id, &record);
        if !stands_so {
            let current = self.current.initiatives.get(&id);
            problems
                .errors
                .extend(self.current.find_version_conflict(current, proposal.base_version));
        }
        if !stands_so && proposal.grant.is_none() {
            problems.warnings.extend(self.current.find_cleared(id, &record));
        }
        ValidatedProposal {
            problems,
            is_unchanged: stands_so,
        }
    }

    /// Whether the same record is already published.
    fn is_unchanged(&self, id: Uuid, record: &InitiativeRecord) -> bool {
        let current = self.current.initiatives.get(&id);
        if current.is_none_or(|current| current.withdrawn_at.is_some()) {
            return false;
        }
        let mut record = record.clone();
        let place = record.place.as_ref();
        record.place = place
            .and_then(|reference| self.places.resolve(reference).ok())
            .map(place_reference);
        let funders = record.funding_terms.iter_mut().map(|term| &mut term.funder);
        for reference in std::iter::once(&mut record.lead_organisation).chain(funders) {
            match self.organisations.find(reference) {
                Some(known) => *reference = organisation_reference(known),
                None => return false,
            }
        }
        self.current.is_unchanged(id, &record)
    }

    pub(super) fn plan(&mut self, proposal: Proposal) -> Result<PlannedProposal> {
        let identifier = proposal.grant_identifier().map(ToOwned::to_owned);
        let grant = proposal
            .grant
            .zip(identifier)
            .map(|(grant, identifier)| GrantOrigin {
                identifier,
                digest: grant.digest,
            });
        let corrects = proposal.corrects;
        let mut record = match &grant {
            None => merge_grant_terms(&self.current.terms, proposal.record),
            Some(grant) => match self.plan_grant(grant, proposal.record)? {
                Ok(record) => record,
                Err(outcome) => return Ok(PlannedProposal::Settled(outcome)),
            },
        };
        let mut problems = self.validate(&record);
        if !problems.errors.is_empty() {
            return Ok(PlannedProposal::Settled(PublicationOutcome::Rejected(
                problems.errors,
            )));
        }
        let lead = self.organisations.find_id(&record.lead_organisation);
        let known = self.find_published(&record, lead);
        if let (Some(corrected), Some(known)) = (corrects, known)
            && known.id != corrected
        {
            let problem = Problem::new(
                ProblemCode::Conflict,
                "externalRef",
                "is that of another record of the same organisation",
            );
            return Ok(PlannedProposal::Settled(PublicationOutcome::Rejected(vec![
                problem,
            ])));
        }
        let corrected = corrects.and_then(|id| self.current.initiatives.get(&id));
        let before = known.or(corrected).cloned();
        let id = before
            .as_ref()
            .map_or_else(|| self.act.clock.new_id(), |before| before.id);
        let clashes = find_grant_conflicts(&self.current, &record, id, lead);
        if !clashes.is_empty() {
            return Ok(PlannedProposal::Settled(PublicationOutcome::Rejected(clashes)));
        }
        if let Some(stale) = self
            .current
            .find_version_conflict(before.as_ref(), proposal.base_version)
            && !self.is_unchanged(id, &record)
        {
            return Ok(PlannedProposal::Settled(PublicationOutcome::Rejected(vec![
                stale,
            ])));
        }
        // The record is valid, so the organisations that it names can be added.
        let ResolvedReferences { lead, place, funders } = self.resolve_references(&mut record)?;
        let is_published = before
            .as_ref()
            .is_some_and(|before| before.withdrawn_at.is_none());
        if grant.is_none() && is_published && self.current.is_unchanged(id, &record) {
            return Ok(PlannedProposal::Settled(PublicationOutcome::Unchanged { id }));
        }
        if grant.is_none() {
            problems.warnings.extend(self.current.find_cleared(id, &record));
        }
        let document = serde_json::to_value(&record).map_err(|cause| Error::Internal(cause.to_string()))?;
        let grant_digests = self.grant_digests(&record, grant.as_ref());
        let ready = ResolvedProposal {
            record,
            id,
            before,
            lead,
            place,
            funders,
            grant_digests,
            document,
        };
        Ok(PlannedProposal::Ready(Box::new(ready), problems.warnings))
    }

    /// A grant that a record names updates only the record's term. Any other grant becomes a record of its
    /// own. A grant that is already stored changes nothing.
    fn plan_grant(
        &self,
        grant: &GrantOrigin,
        record: InitiativeRecord,
    ) -> Result<Result<InitiativeRecord, PublicationOutcome>> {
        let Some(term) = self.current.terms.get(&grant.identifier) else {
            return Ok(Ok(record));
        };
        if term.grant_digest.as_ref() == Some(&grant.digest) {
            return Ok(Err(PublicationOutcome::Unchanged {
                id: term.initiative_id,
            }));
        }
        let holder = self.current.initiatives.get(&term.initiative_id);
        let Some(holder) = holder.filter(|holder| !holder.made_from_grant) else {
            return Ok(Ok(record));
        };
        if self.organisations.find_id(&record.lead_organisation) != Some(holder.lead_organisation_id) {
            let reason = "is not the organisation whose record names this grant; a steward must decide which of the two leads";
            let problem = Problem::new(ProblemCode::Conflict, "leadOrganisation", reason);
            return Ok(Err(PublicationOutcome::Rejected(vec![problem])));
        }
        update_term_from_grant(&self.current, holder.id, &grant.identifier, &record).map(Ok)
    }

    /// Finds all problems of a record, with everything that it names.
    fn validate(&self, record: &InitiativeRecord) -> Problems {
        let mut problems = validate::validate_record(record);
        if let Some(Err(unclear)) = record
            .place
            .as_ref()
            .map(|reference| self.places.resolve(reference))
        {
            let code = match unclear {
                place::PlaceReferenceError::NotExactlyOne => ProblemCode::InvalidFormat,
                place::PlaceReferenceError::Ambiguous { .. } => ProblemCode::Ambiguous,
                _ => ProblemCode::NotFound,
            };
            problems
                .errors
                .push(Problem::new(code, "place", unclear.to_string()));
        }
        let funders = record.funding_terms.iter().enumerate();
        let funders = funders.map(|(index, term)| (format!("fundingTerms/{index}/funder"), &term.funder));
        for (path, reference) in
            std::iter::once(("leadOrganisation".into(), &record.lead_organisation)).chain(funders)
        {
            // A reference without identifier and name is already reported.
            if let Err(unclear) = self.organisations.validate(reference)
                && unclear != OrganisationReferenceError::Nameless
            {
                let code = match unclear {
                    OrganisationReferenceError::Ambiguous(..) => ProblemCode::Ambiguous,
                    _ => ProblemCode::NotFound,
                };
                problems
                    .errors
                    .push(Problem::new(code, path, unclear.to_string()));
            }
        }
        problems
    }

    /// Finds the published initiative of a record.
    fn find_published(&self, record: &InitiativeRecord, lead: Option<Uuid>) -> Option<&initiative::Model> {
        match &record.external_ref {
            Some(reference) => self.current.by_reference.get(&(lead?, reference.clone())),
            None => self
                .current
                .find_terms(record)
                .find_map(|term| self.current.initiatives.get(&term?.initiative_id)),
        }
    }

    /// Resolves everything that a record names and adds new organisations. The record then names each
    /// organisation in full, so that its revision can be read on its own.
    fn resolve_references(&mut self, record: &mut InitiativeRecord) -> Result<ResolvedReferences> {
        let place = record
            .place
            .as_ref()
            .and_then(|reference| self.places.resolve(reference).ok());
        record.place = place.map(place_reference);
        let mut resolve = |reference: &mut OrganisationReference| {
            let found = self.organisations.resolve(reference, self.act, &mut self.altered);
            let found = found.map_err(|unclear| Error::Internal(unclear.to_string()))?;
            *reference = organisation_reference(&found);
            Ok::<_, Error>(found)
        };
        let lead = resolve(&mut record.lead_organisation)?;
        let mut funders = Vec::with_capacity(record.funding_terms.len());
        for term in &mut record.funding_terms {
            funders.push(resolve(&mut term.funder)?.id);
        }
        Ok(ResolvedReferences {
            lead,
            place: place.map(|place| place.id),
            funders,
        })
    }

    /// The digest of the last imported grant of each term.
    fn grant_digests(&self, record: &InitiativeRecord, grant: Option<&GrantOrigin>) -> Vec<Option<String>> {
        let digest = |term: &FundingTerm| {
            let identifier = term.grant_identifier.as_ref()?;
            match grant {
                Some(grant) if grant.identifier == *identifier => Some(grant.digest.clone()),
                _ => self.current.terms.get(identifier)?.grant_digest.clone(),
            }
        };
        record.funding_terms.iter().map(digest).collect()
    }
}
