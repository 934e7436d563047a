//! Publishes records with their revisions and the change log, in the caller's transaction.

mod current_state;
mod grant_merge;
mod narrowing;
mod omitted_fields;
mod parts;
mod plan;
mod proposal;
mod write;

pub(crate) use grant_merge::keep_own_grant_terms;
pub(crate) use narrowing::narrow_readership;
pub(crate) use proposal::organisation_references_mut;
pub(crate) use write::is_grant_only;

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;
use wayin_entity::initiative;

use self::current_state::CurrentState;
use self::plan::{PlannedProposal, PublicationBatch};
use self::proposal::ResolvedProposal;
pub use self::proposal::{Proposal, PublicationOutcome, PublishedGrant, ValidatedProposal};
pub use self::write::disclosure_reference;
use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::error::Result;
use crate::grant_detail::{self, GrantDetail};
use crate::instance::DisclosureKeys;
use crate::organisation::{AlteredOrganisations, OrganisationLookup, alias};
use crate::place::Gazetteer;
use wayin_records::normalisation::fold_name;
use wayin_records::record::{InitiativeRecord, OrganisationReference};
use wayin_records::validate;

pub(crate) struct PublicationResult {
    /// In the order of the proposals.
    pub(crate) outcomes: Vec<PublicationOutcome>,
    /// The changes to append to the log.
    pub(crate) changes: Vec<ChangeEntry>,
}

/// Publishes a batch of records. Proposals that depend on each other are published one after the other.
///
/// # Errors
/// Only if the database fails. Problems of a record are in its [`PublicationOutcome`].
pub async fn publish_records(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    proposals: Vec<Proposal>,
) -> Result<Vec<PublicationOutcome>> {
    let PublicationResult { outcomes, changes } =
        publish_without_log(db, act, places, keys, proposals).await?;
    change_log::append_changes(db, act, &changes).await?;
    Ok(outcomes)
}

/// Publishes without the change log. The caller appends to the log last in the same transaction: from then
/// until the commit, no other transaction can append.
pub(crate) async fn publish_without_log(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    proposals: Vec<Proposal>,
) -> Result<PublicationResult> {
    let (mut outcomes, mut changes) = (Vec::with_capacity(proposals.len()), Vec::new());
    let mut ahead = proposals;
    ahead
        .iter_mut()
        .for_each(|proposal| validate::normalise_record(&mut proposal.record));
    // Two references to one organisation, one by its alias, depend on each other.
    let named = ahead
        .iter_mut()
        .flat_map(|proposal| organisation_references_mut(&mut proposal.record));
    alias::resolve_aliases(db, named).await?;
    omitted_fields::fill_omitted_fields(db, &mut ahead).await?;
    let details: Vec<_> = ahead.iter().map(extract_grant_detail).collect();
    while !ahead.is_empty() {
        let rest = ahead.split_off(independent_prefix_length(&ahead));
        let written = publish_batch(db, act, places, keys, ahead).await?;
        outcomes.extend(written.outcomes);
        changes.extend(written.changes);
        ahead = rest;
    }
    let kept = details
        .into_iter()
        .zip(&outcomes)
        .filter_map(|(detail, outcome)| {
            // The stored details of an earlier grant stay if the new grant is rejected.
            detail.filter(|_| !matches!(outcome, PublicationOutcome::Rejected(_)))
        });
    grant_detail::save_details(db, act, kept.collect()).await?;
    Ok(PublicationResult { outcomes, changes })
}

/// The details of a proposal's grant with the identifier of the grant.
fn extract_grant_detail(proposal: &Proposal) -> Option<(String, GrantDetail)> {
    let grant = proposal.grant.as_ref()?;
    Some((proposal.grant_identifier()?.to_owned(), grant.detail.clone()))
}

/// Withdraws a published initiative: it disappears from lists and counts, and its revisions stay. Returns the
/// versions before and after. None if it is not published.
pub async fn withdraw_initiative(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    id: Uuid,
) -> Result<Option<(i32, i32)>> {
    let current = initiative::Entity::find_by_id(id).one(db).await?;
    let Some(current) = current.filter(|one| one.withdrawn_at.is_none()) else {
        return Ok(None);
    };
    let entries = write::withdraw_records(db, act, vec![id], act.reason).await?;
    change_log::append_changes(db, act, &entries).await?;
    Ok(Some((current.version, current.version + 1)))
}

/// The number of proposals at the start that do not depend on each other. A proposal that may be the same
/// record as an earlier one, or names the same grant, must find the earlier one published.
fn independent_prefix_length(proposals: &[Proposal]) -> usize {
    let mut leads: HashMap<&str, Vec<&OrganisationReference>> = HashMap::new();
    let mut grants: HashSet<&str> = HashSet::new();
    for (index, Proposal { record, .. }) in proposals.iter().enumerate() {
        let named: HashSet<&str> = record
            .funding_terms
            .iter()
            .filter_map(|term| term.grant_identifier.as_deref())
            .collect();
        if !grants.is_disjoint(&named) {
            return index;
        }
        grants.extend(named);
        if let Some(reference) = &record.external_ref {
            let lead = &record.lead_organisation;
            let earlier = leads.entry(reference).or_default();
            if earlier.iter().any(|one| can_be_same_organisation(one, lead)) {
                return index;
            }
            earlier.push(lead);
        }
    }
    proposals.len()
}

/// Whether two references may name one organisation. Only the database can tell whether a name belongs to an
/// identifier.
fn can_be_same_organisation(one: &OrganisationReference, other: &OrganisationReference) -> bool {
    match (&one.identifier, &other.identifier) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.name.as_deref().map(fold_name) == other.name.as_deref().map(fold_name),
        _ => true,
    }
}

async fn publish_batch(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    proposals: Vec<Proposal>,
) -> Result<PublicationResult> {
    let references = proposals
        .iter()
        .flat_map(|proposal| list_organisation_references(&proposal.record));
    let organisations = OrganisationLookup::load(db, references).await?;
    let current = CurrentState::load(db, &organisations, &proposals).await?;
    let mut batch = PublicationBatch {
        act,
        places,
        organisations,
        altered: AlteredOrganisations::default(),
        current,
    };
    let (mut outcomes, mut ready, mut superseded) = (Vec::new(), Vec::new(), HashSet::new());
    for proposal in proposals {
        outcomes.push(match batch.plan(proposal)? {
            PlannedProposal::Settled(outcome) => outcome,
            PlannedProposal::Ready(one, warnings) => {
                superseded.extend(batch.current.list_superseded(&one));
                let (new, id) = (one.before.is_none(), one.id);
                ready.push(*one);
                if new {
                    PublicationOutcome::Published { id, warnings }
                } else {
                    PublicationOutcome::Updated { id, warnings }
                }
            }
        });
    }
    let mut changes = batch.altered.write(db, act).await?;
    changes.extend(write::write_records(db, act, keys, ready, superseded.into_iter().collect()).await?);
    Ok(PublicationResult { outcomes, changes })
}

/// Validates [normalised](validate::normalise_record) records as publication would, each by itself, with
/// everything that they name.
pub async fn validate_proposals(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    proposals: &[Proposal],
) -> Result<Vec<ValidatedProposal>> {
    let references = proposals
        .iter()
        .flat_map(|proposal| list_organisation_references(&proposal.record));
    let organisations = OrganisationLookup::load(db, references).await?;
    let current = CurrentState::load(db, &organisations, proposals).await?;
    let batch = PublicationBatch {
        act,
        places,
        organisations,
        altered: AlteredOrganisations::default(),
        current,
    };
    Ok(proposals
        .iter()
        .map(|proposal| batch.validate_proposal(proposal))
        .collect())
}

/// The references of a record to organisations.
pub(crate) fn list_organisation_references(
    record: &InitiativeRecord,
) -> impl Iterator<Item = &OrganisationReference> {
    std::iter::once(&record.lead_organisation).chain(record.funding_terms.iter().map(|term| &term.funder))
}
