//! Publication: records become the published truth, with their revision and the
//! change log, in the caller's transaction.

mod complete;
mod granted;
mod parts;
mod prepare;
mod proposal;
mod standing;
mod write;

pub(crate) use write::says_no_more_than_a_grant;

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;
use wayin_entity::initiative;

use self::prepare::{Batch, Prepared};
pub use self::proposal::{LookedOver, Outcome, Proposal, PublishedGrant};
use self::proposal::{Ready, named_mut};
use self::standing::Standing;
pub use self::write::disclosure_reference;
use crate::base::DisclosureKeys;
use crate::change::{self, Act, Entry};
use crate::error::Result;
use crate::grant_detail::{self, GrantDetail};
use crate::organisation::{Altered, Found, former};
use crate::place::Gazetteer;
use wayin_records::record::{InitiativeRecord, OrganisationReference};
use wayin_records::spelling::fold;
use wayin_records::validate;

/// What publication wrote.
pub(crate) struct Written {
    /// What became of each proposal.
    pub(crate) outcomes: Vec<Outcome>,
    /// What is to be appended to the log.
    pub(crate) changes: Vec<Entry>,
}

/// Publishes a batch of records, one after the other as far as that makes a difference.
///
/// # Errors
/// Only where the database fails: what is wrong with a record is its [`Outcome`].
pub async fn publish_all(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    proposals: Vec<Proposal>,
) -> Result<Vec<Outcome>> {
    let Written { outcomes, changes } = write_all(db, act, places, keys, proposals).await?;
    change::append(db, act, &changes).await?;
    Ok(outcomes)
}

/// The same without the log, to which the caller appends in the same transaction. From then until it ends nobody else
/// can, so that whoever has more to write appends last.
pub(crate) async fn write_all(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    proposals: Vec<Proposal>,
) -> Result<Written> {
    let (mut outcomes, mut changes) = (Vec::with_capacity(proposals.len()), Vec::new());
    let mut ahead = proposals;
    ahead
        .iter_mut()
        .for_each(|proposal| validate::tidy(&mut proposal.record));
    // Two that name one organisation, the one as it was known before, have to do with each other.
    let named = ahead
        .iter_mut()
        .flat_map(|proposal| named_mut(&mut proposal.record));
    former::lead_on(db, named).await?;
    complete::complete(db, &mut ahead).await?;
    let details: Vec<_> = ahead.iter().map(detail_of).collect();
    while !ahead.is_empty() {
        let rest = ahead.split_off(before_repeat(&ahead));
        let written = write_together(db, act, places, keys, ahead).await?;
        outcomes.extend(written.outcomes);
        changes.extend(written.changes);
        ahead = rest;
    }
    let kept = details
        .into_iter()
        .zip(&outcomes)
        .filter_map(|(detail, outcome)| {
            // A refused grant leaves what is kept of an earlier one as it is.
            detail.filter(|_| !matches!(outcome, Outcome::Refused(_)))
        });
    grant_detail::save(db, act, kept.collect()).await?;
    Ok(Written { outcomes, changes })
}

/// What a proposal's grant says beyond its record, with the identifier of the grant.
fn detail_of(proposal: &Proposal) -> Option<(String, GrantDetail)> {
    let grant = proposal.grant.as_ref()?;
    Some((proposal.grant_identifier()?.to_owned(), grant.detail.clone()))
}

/// Withdraws what stands of an initiative, for the reason of the act: it leaves lists and counts,
/// and its revisions stay. Answers the versions before and after; none where nothing stands.
pub async fn withdraw(db: &impl ConnectionTrait, act: &Act<'_>, id: Uuid) -> Result<Option<(i32, i32)>> {
    let standing = initiative::Entity::find_by_id(id).one(db).await?;
    let Some(standing) = standing.filter(|one| one.withdrawn_at.is_none()) else {
        return Ok(None);
    };
    let entries = write::withdraw(db, act, vec![id], act.reason).await?;
    change::append(db, act, &entries).await?;
    Ok(Some((standing.version, standing.version + 1)))
}

/// How many proposals, from the first on, have nothing to do with each other. One that
/// may be the same record as an earlier one, or that names the same grant, has to find
/// that one published.
fn before_repeat(proposals: &[Proposal]) -> usize {
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
            if earlier.iter().any(|one| may_be_one(one, lead)) {
                return index;
            }
            earlier.push(lead);
        }
    }
    proposals.len()
}

/// Whether two references may name one organisation: only the base can tell a name from an identifier.
fn may_be_one(one: &OrganisationReference, other: &OrganisationReference) -> bool {
    match (&one.identifier, &other.identifier) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.name.as_deref().map(fold) == other.name.as_deref().map(fold),
        _ => true,
    }
}

async fn write_together(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    proposals: Vec<Proposal>,
) -> Result<Written> {
    let references = proposals
        .iter()
        .flat_map(|proposal| references_of(&proposal.record));
    let organisations = Found::look_up(db, references).await?;
    let standing = Standing::look_up(db, &organisations, &proposals).await?;
    let mut batch = Batch {
        act,
        places,
        organisations,
        altered: Altered::default(),
        standing,
    };
    let (mut outcomes, mut ready, mut superseded) = (Vec::new(), Vec::new(), HashSet::new());
    for proposal in proposals {
        outcomes.push(match batch.prepare(proposal)? {
            Prepared::Done(outcome) => outcome,
            Prepared::Ready(one, warnings) => {
                superseded.extend(batch.standing.superseded_by(&one));
                let (new, id) = (one.before.is_none(), one.id);
                ready.push(*one);
                if new {
                    Outcome::Published { id, warnings }
                } else {
                    Outcome::Altered { id, warnings }
                }
            }
        });
    }
    let mut changes = batch.altered.write(db, act).await?;
    changes.extend(write::write(db, act, keys, ready, superseded.into_iter().collect()).await?);
    Ok(Written { outcomes, changes })
}

/// Looks [tidy](validate::tidy) records over as publication would, each by itself and what it names included.
pub async fn look_over(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    places: &Gazetteer,
    proposals: &[Proposal],
) -> Result<Vec<LookedOver>> {
    let references = proposals
        .iter()
        .flat_map(|proposal| references_of(&proposal.record));
    let organisations = Found::look_up(db, references).await?;
    let standing = Standing::look_up(db, &organisations, proposals).await?;
    let batch = Batch {
        act,
        places,
        organisations,
        altered: Altered::default(),
        standing,
    };
    Ok(proposals
        .iter()
        .map(|proposal| batch.looked_over(proposal))
        .collect())
}

fn references_of(record: &InitiativeRecord) -> impl Iterator<Item = &OrganisationReference> {
    std::iter::once(&record.lead_organisation).chain(record.funding_terms.iter().map(|term| &term.funder))
}
