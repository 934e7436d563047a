//! Publication: records become the published truth, with their revision and the
//! change log, in the caller's transaction.

mod write;

pub(crate) use write::says_no_more_than_a_grant;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter};
use uuid::Uuid;
use wayin_entity::{funding_term, initiative, organisation};

pub use self::write::disclosure_reference;
use super::difference;
use super::missing::Answer;
use super::record::{FundingTerm, InitiativeRecord, OrganisationReference};
use super::revision::{documents_at, newest_documents};
use super::validate::{self, Finding, FindingCode, Findings};
use crate::base::DisclosureKeys;
use crate::change::{self, Act, Entry};
use crate::condition::fold;
use crate::database::{is_one_of, is_one_of_any};
use crate::error::{Error, Result};
use crate::organisation::{Altered, Found, Unclear, former, in_full};
use crate::place::{self, Gazetteer, reference_to};

/// A record that is to be published.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The record.
    pub record: InitiativeRecord,
    /// For one that is made from a published grant, the digest of the grant; the first funding term names it.
    pub grant_digest: Option<String>,
    /// The initiative that it corrects; none where the record itself tells which it is.
    pub corrects: Option<Uuid>,
    /// The version of what is published that it was written from: it replaces no other. None where that does not matter.
    pub written_from: Option<i32>,
}

impl Proposal {
    fn grant_identifier(&self) -> Option<&str> {
        self.record
            .funding_terms
            .iter()
            .find_map(|term| term.grant_identifier.as_deref())
    }
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Published {
        /// The initiative.
        id: Uuid,
        /// What is worth a look.
        warnings: Vec<Finding>,
    },
    /// It took the place of what was published before.
    Altered {
        /// The initiative.
        id: Uuid,
        /// What is worth a look.
        warnings: Vec<Finding>,
    },
    /// It stood so already.
    Unchanged {
        /// The initiative.
        id: Uuid,
    },
    /// It cannot be published, and nothing of it was.
    Refused(Vec<Finding>),
}

/// A proposal of which everything that it names is found.
struct Ready {
    record: InitiativeRecord,
    id: Uuid,
    before: Option<initiative::Model>,
    lead: organisation::Model,
    place: Option<Uuid>,
    funders: Vec<Uuid>,
    grant_digests: Vec<Option<String>>,
    document: serde_json::Value,
}

impl Ready {
    /// The version that it will stand in.
    fn version(&self) -> i32 {
        self.before.as_ref().map_or(1, |before| before.version + 1)
    }
}

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
    while !ahead.is_empty() {
        let rest = ahead.split_off(before_repeat(&ahead));
        let written = write_together(db, act, places, keys, ahead).await?;
        outcomes.extend(written.outcomes);
        changes.extend(written.changes);
        ahead = rest;
    }
    Ok(Written { outcomes, changes })
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

/// What publication would say of a proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookedOver {
    /// What stands against it, and what is worth a look.
    pub findings: Findings,
    /// Whether the record is published so already.
    pub stands_so: bool,
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

fn named_mut(record: &mut InitiativeRecord) -> impl Iterator<Item = &mut OrganisationReference> {
    let funders = record.funding_terms.iter_mut().map(|term| &mut term.funder);
    std::iter::once(&mut record.lead_organisation).chain(funders)
}

/// What is in the base of what a batch of proposals names.
struct Standing {
    /// By lead organisation and external reference.
    by_reference: HashMap<(Uuid, String), initiative::Model>,
    initiatives: HashMap<Uuid, initiative::Model>,
    /// By grant identifier.
    terms: HashMap<String, funding_term::Model>,
    /// The latest published document, by initiative.
    documents: HashMap<Uuid, serde_json::Value>,
    /// Earlier documents that proposals were written from, by initiative and version.
    earlier: HashMap<(Uuid, i32), serde_json::Value>,
}

impl Standing {
    async fn look_up(
        db: &impl ConnectionTrait,
        organisations: &Found,
        proposals: &[Proposal],
    ) -> Result<Self> {
        let leads: HashSet<Uuid> = proposals
            .iter()
            .filter_map(|one| organisations.id_of(&one.record.lead_organisation))
            .collect();
        let references: Vec<String> = proposals
            .iter()
            .filter_map(|one| one.record.external_ref.clone())
            .filter(|text| validate::can_be_held(text))
            .collect();
        let grants: Vec<String> = proposals
            .iter()
            .flat_map(|one| &one.record.funding_terms)
            .filter_map(|term| term.grant_identifier.clone())
            .filter(|text| validate::can_be_held(text))
            .collect();
        let terms: HashMap<String, funding_term::Model> = funding_term::Entity::find()
            .filter(is_one_of(
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
        let led = is_one_of_any(db, initiative::Column::LeadOrganisationId.into_expr(), leads);
        let referred = is_one_of_any(db, initiative::Column::ExternalRef.into_expr(), references);
        let by_reference = led.zip(referred).map(|(led, referred)| led.and(referred));
        let by_id = is_one_of_any(db, initiative::Column::Id.into_expr(), of_terms.chain(corrected));
        let these = Condition::any().add_option(by_reference).add_option(by_id);
        let found = if these.is_empty() {
            Vec::new()
        } else {
            initiative::Entity::find().filter(these).all(db).await?
        };
        let documents = newest_documents(db, found.iter().map(|initiative| initiative.id)).await?;
        let by_reference = found
            .iter()
            .filter_map(|one| Some(((one.lead_organisation_id, one.external_ref.clone()?), one.clone())))
            .collect();
        let written_from: HashSet<i32> = proposals.iter().filter_map(|one| one.written_from).collect();
        let passed: Vec<_> = found
            .iter()
            .filter(|one| written_from.iter().any(|version| *version < one.version))
            .map(|one| one.id)
            .collect();
        let earlier = documents_at(db, passed, written_from).await?;
        let initiatives = found.into_iter().map(|one| (one.id, one)).collect();
        Ok(Self {
            by_reference,
            initiatives,
            terms,
            documents,
            earlier,
        })
    }

    /// What was changed since a proposal was written, where it would replace another version than the one that it was
    /// written from.
    fn stale(&self, initiative: Option<&initiative::Model>, written_from: Option<i32>) -> Option<Finding> {
        let standing = initiative.filter(|standing| standing.withdrawn_at.is_none())?;
        let written_from = written_from.filter(|version| *version != standing.version)?;
        let changed = self.earlier.get(&(standing.id, written_from)).map(|before| {
            let after = self.documents.get(&standing.id).cloned().unwrap_or_default();
            difference::between(before, &after)
        });
        let changed = changed.map_or_else(
            || "There is no such version of it".into(),
            |changed| format!("Changed in between: {}", difference::in_words(&changed)),
        );
        let reason = format!(
            "the published record is at version {now} now; this was written from version {written_from}. {changed}. Take \
             into account what stands, and write {now} here to send it again",
            now = standing.version
        );
        Some(Finding::new(FindingCode::StaleVersion, "version", reason))
    }

    /// For each term of a record, the one in the base that has its grant.
    fn terms_of<'a>(
        &'a self,
        record: &'a InitiativeRecord,
    ) -> impl Iterator<Item = Option<&'a funding_term::Model>> {
        let terms = record.funding_terms.iter();
        terms.map(|term| self.terms.get(term.grant_identifier.as_ref()?))
    }

    /// Whether what is published of an initiative is this record already. What else was
    /// learnt of its organisations meanwhile is no part of that.
    fn says(&self, id: Uuid, record: &InitiativeRecord) -> bool {
        let document = self.documents.get(&id).cloned().unwrap_or_default();
        let published = serde_json::from_value::<InitiativeRecord>(document);
        published.is_ok_and(|published| {
            with_bare_organisations(published) == with_bare_organisations(record.clone())
        })
    }

    /// The initiatives that were only made from grants which this record names.
    fn superseded_by(&self, ready: &Ready) -> Vec<Uuid> {
        self.terms_of(&ready.record)
            .flatten()
            .map(|term| term.initiative_id)
            .filter(|id| *id != ready.id)
            .collect()
    }
}

/// What a proposal comes to before anything is written.
enum Prepared {
    Ready(Box<Ready>, Vec<Finding>),
    Done(Outcome),
}

/// The grant that a proposal is made from.
struct GrantOrigin {
    identifier: String,
    digest: String,
}

/// What a record names, found.
struct Named {
    lead: organisation::Model,
    place: Option<Uuid>,
    funders: Vec<Uuid>,
}

/// A batch while its proposals are prepared.
struct Batch<'a> {
    act: &'a Act<'a>,
    places: &'a Gazetteer,
    organisations: Found,
    altered: Altered,
    standing: Standing,
}

impl Batch<'_> {
    fn looked_over(&self, proposal: &Proposal) -> LookedOver {
        let record = as_grants_say(&self.standing, &proposal.record);
        let mut findings = self.look_over(&record);
        let lead = self.organisations.id_of(&record.lead_organisation);
        let before = self.before(&record, lead).map(|before| before.id);
        let id = before.or(proposal.corrects).unwrap_or_default();
        findings
            .errors
            .extend(grant_clashes(&self.standing, &record, id, lead));
        let stands_so = findings.errors.is_empty() && self.stands_so(id, &record);
        if !stands_so {
            let standing = self.standing.initiatives.get(&id);
            findings
                .errors
                .extend(self.standing.stale(standing, proposal.written_from));
        }
        LookedOver { findings, stands_so }
    }

    /// Whether a record that nothing stands against is published so already.
    fn stands_so(&self, id: Uuid, record: &InitiativeRecord) -> bool {
        let standing = self.standing.initiatives.get(&id);
        if standing.is_none_or(|standing| standing.withdrawn_at.is_some()) {
            return false;
        }
        let mut record = record.clone();
        let place = record.place.as_ref();
        record.place = place
            .and_then(|reference| self.places.resolve(reference).ok())
            .map(reference_to);
        let funders = record.funding_terms.iter_mut().map(|term| &mut term.funder);
        for reference in std::iter::once(&mut record.lead_organisation).chain(funders) {
            match self.organisations.named(reference) {
                Some(known) => *reference = in_full(known),
                None => return false,
            }
        }
        self.standing.says(id, &record)
    }

    fn prepare(&mut self, proposal: Proposal) -> Result<Prepared> {
        let identifier = proposal.grant_identifier().map(ToOwned::to_owned);
        let grant = proposal
            .grant_digest
            .zip(identifier)
            .map(|(digest, identifier)| GrantOrigin { identifier, digest });
        let corrects = proposal.corrects;
        let mut record = match &grant {
            None => with_what_grants_say(&self.standing, proposal.record),
            Some(grant) => match self.grant_taken_up(grant, proposal.record)? {
                Ok(record) => record,
                Err(outcome) => return Ok(Prepared::Done(outcome)),
            },
        };
        let findings = self.look_over(&record);
        if !findings.errors.is_empty() {
            return Ok(Prepared::Done(Outcome::Refused(findings.errors)));
        }
        let lead = self.organisations.id_of(&record.lead_organisation);
        let known = self.before(&record, lead);
        if let (Some(corrected), Some(known)) = (corrects, known)
            && known.id != corrected
        {
            let finding = Finding::new(
                FindingCode::Clash,
                "externalRef",
                "is that of another record of the same organisation",
            );
            return Ok(Prepared::Done(Outcome::Refused(vec![finding])));
        }
        let corrected = corrects.and_then(|id| self.standing.initiatives.get(&id));
        let before = known.or(corrected).cloned();
        let id = before
            .as_ref()
            .map_or_else(|| self.act.clock.new_id(), |before| before.id);
        let clashes = grant_clashes(&self.standing, &record, id, lead);
        if !clashes.is_empty() {
            return Ok(Prepared::Done(Outcome::Refused(clashes)));
        }
        if let Some(stale) = self.standing.stale(before.as_ref(), proposal.written_from)
            && !self.stands_so(id, &record)
        {
            return Ok(Prepared::Done(Outcome::Refused(vec![stale])));
        }
        // Nothing stands against the record any more, so that what it names may be added.
        let Named { lead, place, funders } = self.name_in_full(&mut record)?;
        let stands = before
            .as_ref()
            .is_some_and(|before| before.withdrawn_at.is_none());
        if grant.is_none() && stands && self.standing.says(id, &record) {
            return Ok(Prepared::Done(Outcome::Unchanged { id }));
        }
        let document = serde_json::to_value(&record).map_err(|cause| Error::Internal(cause.to_string()))?;
        let grant_digests = self.grant_digests(&record, grant.as_ref());
        let ready = Ready {
            record,
            id,
            before,
            lead,
            place,
            funders,
            grant_digests,
            document,
        };
        Ok(Prepared::Ready(Box::new(ready), findings.warnings))
    }

    /// A grant that somebody's record names goes into its term there, and no further;
    /// any other makes a record of its own. One that is there already comes to nothing.
    fn grant_taken_up(
        &self,
        grant: &GrantOrigin,
        record: InitiativeRecord,
    ) -> Result<Result<InitiativeRecord, Outcome>> {
        let Some(term) = self.standing.terms.get(&grant.identifier) else {
            return Ok(Ok(record));
        };
        if term.grant_digest.as_ref() == Some(&grant.digest) {
            return Ok(Err(Outcome::Unchanged {
                id: term.initiative_id,
            }));
        }
        let holder = self.standing.initiatives.get(&term.initiative_id);
        let Some(holder) = holder.filter(|holder| !holder.made_from_grant) else {
            return Ok(Ok(record));
        };
        if self.organisations.id_of(&record.lead_organisation) != Some(holder.lead_organisation_id) {
            let reason = "is not the organisation whose record names this grant; which of the two leads is for a \
                          steward to decide";
            let finding = Finding::new(FindingCode::Clash, "leadOrganisation", reason);
            return Ok(Err(Outcome::Refused(vec![finding])));
        }
        with_grant(&self.standing, holder.id, &grant.identifier, &record).map(Ok)
    }

    /// Everything that is wrong with a record, what it names included.
    fn look_over(&self, record: &InitiativeRecord) -> Findings {
        let mut findings = validate::check(record);
        if let Some(Err(unclear)) = record
            .place
            .as_ref()
            .map(|reference| self.places.resolve(reference))
        {
            let code = match unclear {
                place::Unclear::NotOne => FindingCode::Malformed,
                place::Unclear::Several { .. } => FindingCode::Ambiguous,
                _ => FindingCode::NotFound,
            };
            findings
                .errors
                .push(Finding::new(code, "place", unclear.to_string()));
        }
        let funders = record.funding_terms.iter().enumerate();
        let funders = funders.map(|(index, term)| (format!("fundingTerms/{index}/funder"), &term.funder));
        for (path, reference) in
            std::iter::once(("leadOrganisation".into(), &record.lead_organisation)).chain(funders)
        {
            // What has neither identifier nor name was found already.
            if let Err(unclear) = self.organisations.check(reference)
                && unclear != Unclear::Nameless
            {
                let code = match unclear {
                    Unclear::Several(..) => FindingCode::Ambiguous,
                    _ => FindingCode::NotFound,
                };
                findings
                    .errors
                    .push(Finding::new(code, path, unclear.to_string()));
            }
        }
        findings
    }

    /// The initiative whose record this is, where it was published before.
    fn before(&self, record: &InitiativeRecord, lead: Option<Uuid>) -> Option<&initiative::Model> {
        match &record.external_ref {
            Some(reference) => self.standing.by_reference.get(&(lead?, reference.clone())),
            None => self
                .standing
                .terms_of(record)
                .find_map(|term| self.standing.initiatives.get(&term?.initiative_id)),
        }
    }

    /// Finds all that a record names, adds the organisations that are new, and has
    /// the record name each in full, so that its revision can be read on its own.
    fn name_in_full(&mut self, record: &mut InitiativeRecord) -> Result<Named> {
        let place = record
            .place
            .as_ref()
            .and_then(|reference| self.places.resolve(reference).ok());
        record.place = place.map(reference_to);
        let mut resolve = |reference: &mut OrganisationReference| {
            let found = self.organisations.resolve(reference, self.act, &mut self.altered);
            let found = found.map_err(|unclear| Error::Internal(unclear.to_string()))?;
            *reference = in_full(&found);
            Ok::<_, Error>(found)
        };
        let lead = resolve(&mut record.lead_organisation)?;
        let mut funders = Vec::with_capacity(record.funding_terms.len());
        for term in &mut record.funding_terms {
            funders.push(resolve(&mut term.funder)?.id);
        }
        Ok(Named {
            lead,
            place: place.map(|place| place.id),
            funders,
        })
    }

    /// For each term of a record, the digest of its grant as it was last imported.
    fn grant_digests(&self, record: &InitiativeRecord, grant: Option<&GrantOrigin>) -> Vec<Option<String>> {
        let digest = |term: &FundingTerm| {
            let identifier = term.grant_identifier.as_ref()?;
            match grant {
                Some(grant) if grant.identifier == *identifier => Some(grant.digest.clone()),
                _ => self.standing.terms.get(identifier)?.grant_digest.clone(),
            }
        };
        record.funding_terms.iter().map(digest).collect()
    }
}

/// The standing record of an initiative, with what a changed grant says in the term that names it.
fn with_grant(
    standing: &Standing,
    id: Uuid,
    identifier: &str,
    grant: &InitiativeRecord,
) -> Result<InitiativeRecord> {
    let document = standing.documents.get(&id).cloned().unwrap_or_default();
    let mut record: InitiativeRecord = serde_json::from_value(document)
        .map_err(|cause| Error::Internal(format!("revision of {id}: {cause}")))?;
    let ours = record
        .funding_terms
        .iter_mut()
        .find(|term| term.grant_identifier.as_deref() == Some(identifier));
    if let (Some(ours), Some(granted)) = (ours, grant.funding_terms.first()) {
        ours.funder = granted.funder.clone();
        ours.programme.clone_from(&granted.programme);
        ours.currency.clone_from(&granted.currency);
        ours.amount_minor = granted.amount_minor;
        ours.awarded_on = granted.awarded_on;
        ours.starts_on = granted.starts_on;
        ours.ends_on = granted.ends_on;
        ours.duration_months = granted.duration_months;
        // What the grant answers is not missing any more.
        let answered = ours.clone();
        ours.missing.forget(|field| field.is_given(&answered));
    }
    Ok(record)
}

/// What a record leaves out of a term whose grant is published stays as published: the record itself where it
/// names no such grant.
fn as_grants_say<'a>(standing: &Standing, record: &'a InitiativeRecord) -> Cow<'a, InitiativeRecord> {
    if standing.terms_of(record).flatten().next().is_none() {
        return Cow::Borrowed(record);
    }
    Cow::Owned(with_what_grants_say(standing, record.clone()))
}

/// The same of a record that is given up.
fn with_what_grants_say(standing: &Standing, mut record: InitiativeRecord) -> InitiativeRecord {
    for term in &mut record.funding_terms {
        let known = term
            .grant_identifier
            .as_ref()
            .and_then(|identifier| standing.terms.get(identifier));
        let Some(known) = known.filter(|known| known.grant_digest.is_some()) else {
            continue;
        };
        let as_sent = term.clone();
        if term.amount_minor.is_none() && term.currency.is_none() {
            term.amount_minor = known.amount_minor;
            term.currency.clone_from(&known.currency);
        }
        if term.starts_on.is_none() && term.ends_on.is_none() {
            (term.starts_on, term.ends_on) = (known.starts_on, known.ends_on);
        }
        term.programme = term.programme.take().or_else(|| known.programme.clone());
        term.awarded_on = term.awarded_on.or(known.awarded_on);
        term.duration_months = term.duration_months.or(known.duration_months);
        let answered = term.clone();
        term.missing
            .forget(|field| field.is_given(&answered) && !field.is_given(&as_sent));
    }
    record
}

/// A grant has one term: that of another record cannot be taken, nor that of a
/// grant to another organisation, which a steward has to decide.
fn grant_clashes(
    standing: &Standing,
    record: &InitiativeRecord,
    id: Uuid,
    lead: Option<Uuid>,
) -> Vec<Finding> {
    let mut clashes = Vec::new();
    for (index, known) in standing.terms_of(record).enumerate() {
        let Some(known) = known else {
            continue;
        };
        let Some(holder) = standing
            .initiatives
            .get(&known.initiative_id)
            .filter(|holder| holder.id != id)
        else {
            continue;
        };
        let reason = if !holder.made_from_grant {
            "is already a funding term of another record"
        } else if lead != Some(holder.lead_organisation_id) {
            "is a grant to another organisation; which of the two leads is for a steward to decide"
        } else {
            continue;
        };
        clashes.push(Finding::new(
            FindingCode::Clash,
            format!("fundingTerms/{index}/grantIdentifier"),
            reason,
        ));
    }
    clashes
}

/// The record with no more of its organisations than tells which they are.
fn with_bare_organisations(mut record: InitiativeRecord) -> InitiativeRecord {
    for organisation in named_mut(&mut record) {
        organisation.kind = None;
        if organisation.identifier.is_some() {
            organisation.name = None;
        }
    }
    record
}
