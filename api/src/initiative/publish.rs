//! Publication: records become the published truth, with their revision and the
//! change log, in the caller's transaction.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder,
};
use uuid::Uuid;
use wayin_entity::{
    Challenge, ChangeKind, ChangeSubject, Condition, Perspective, challenge_faced, challenge_reason,
    condition_changed, entry_point_taken, funding_term, initiative, initiative_source, organisation,
    revision, source,
};

use super::record::{InitiativeRecord, OrganisationReference, Source};
use super::validate::{self, Finding};
use crate::base::DisclosureKeys;
use crate::change::{self, Act, Entry};
use crate::condition::fold;
use crate::error::{Error, Result};
use crate::organisation::{Altered, Found};
use crate::place::{Gazetteer, reference_to};

/// A record that is to be published.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The record.
    pub record: InitiativeRecord,
    /// For one that is made from a published grant, the digest of the grant; the first funding term names it.
    pub grant_digest: Option<String>,
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
        /// What is worth a look.
        warnings: Vec<Finding>,
    },
    /// It took the place of what was published before.
    Altered {
        /// What is worth a look.
        warnings: Vec<Finding>,
    },
    /// It stood so already.
    Unchanged,
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
    let mut outcomes = Vec::with_capacity(proposals.len());
    let mut ahead = proposals;
    ahead
        .iter_mut()
        .for_each(|proposal| validate::tidy(&mut proposal.record));
    while !ahead.is_empty() {
        let rest = ahead.split_off(before_repeat(&ahead));
        outcomes.extend(publish_together(db, act, places, keys, ahead).await?);
        ahead = rest;
    }
    Ok(outcomes)
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

async fn publish_together(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    places: &Gazetteer,
    keys: &DisclosureKeys,
    proposals: Vec<Proposal>,
) -> Result<Vec<Outcome>> {
    let references = proposals.iter().flat_map(|proposal| {
        std::iter::once(&proposal.record.lead_organisation)
            .chain(proposal.record.funding_terms.iter().map(|term| &term.funder))
    });
    let mut organisations = Found::look_up(db, references).await?;
    let standing = Standing::look_up(db, &proposals).await?;
    let mut altered = Altered::default();
    let (mut outcomes, mut ready, mut superseded) = (Vec::new(), Vec::new(), HashSet::new());
    for proposal in proposals {
        let outcome = match prepare(act, places, &mut organisations, &mut altered, &standing, proposal)? {
            Prepared::Ready(one, warnings) => {
                superseded.extend(standing.superseded_by(&one));
                let outcome = if one.before.is_some() {
                    Outcome::Altered { warnings }
                } else {
                    Outcome::Published { warnings }
                };
                ready.push(*one);
                outcome
            }
            Prepared::Done(outcome) => outcome,
        };
        outcomes.push(outcome);
    }
    altered.write(db, act).await?;
    write(db, act, keys, ready, superseded.into_iter().collect()).await?;
    Ok(outcomes)
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
}

impl Standing {
    async fn look_up(db: &impl ConnectionTrait, proposals: &[Proposal]) -> Result<Self> {
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
            .filter(funding_term::Column::GrantIdentifier.is_in(grants))
            .all(db)
            .await?
            .into_iter()
            .filter_map(|term| Some((term.grant_identifier.clone()?, term)))
            .collect();
        let of_terms = terms.values().map(|term| term.initiative_id);
        let found = initiative::Entity::find()
            .filter(
                sea_orm::Condition::any()
                    .add(initiative::Column::ExternalRef.is_in(references))
                    .add(initiative::Column::Id.is_in(of_terms)),
            )
            .all(db)
            .await?;
        let ids: Vec<Uuid> = found.iter().map(|initiative| initiative.id).collect();
        let documents = revision::Entity::find()
            .filter(revision::Column::InitiativeId.is_in(ids))
            .order_by_asc(revision::Column::Version)
            .all(db)
            .await?
            .into_iter()
            .map(|revision| (revision.initiative_id, revision.document))
            .collect();
        let by_reference = found
            .iter()
            .filter_map(|one| Some(((one.lead_organisation_id, one.external_ref.clone()?), one.clone())))
            .collect();
        let initiatives = found.into_iter().map(|one| (one.id, one)).collect();
        Ok(Self {
            by_reference,
            initiatives,
            terms,
            documents,
        })
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

enum Prepared {
    Ready(Box<Ready>, Vec<Finding>),
    Done(Outcome),
}

fn prepare(
    act: &Act<'_>,
    places: &Gazetteer,
    organisations: &mut Found,
    altered: &mut Altered,
    standing: &Standing,
    proposal: Proposal,
) -> Result<Prepared> {
    let grant = proposal
        .grant_digest
        .clone()
        .zip(proposal.grant_identifier().map(ToOwned::to_owned));
    let mut record = proposal.record;
    if let Some((digest, identifier)) = &grant
        && let Some(term) = standing.terms.get(identifier)
    {
        if term.grant_digest.as_ref() == Some(digest) {
            return Ok(Prepared::Done(Outcome::Unchanged));
        }
        let holder = standing.initiatives.get(&term.initiative_id);
        if let Some(holder) = holder.filter(|holder| !holder.made_from_grant) {
            if organisations.id_of(&record.lead_organisation) != Some(holder.lead_organisation_id) {
                let finding = Finding {
                    path: "leadOrganisation".into(),
                    reason: "is not the organisation whose record names this grant; \
                             which of the two leads is for a steward to decide"
                        .into(),
                };
                return Ok(Prepared::Done(Outcome::Refused(vec![finding])));
            }
            // Somebody's record names the grant: what the grant says goes into its term, and no further.
            record = with_grant(standing, holder.id, identifier, &record)?;
        }
    }
    if grant.is_none() {
        fill_from_grants(standing, &mut record);
    }
    let mut findings = validate::check(&record);
    let place = record
        .place
        .as_ref()
        .map(|reference| places.resolve(reference))
        .transpose();
    if let Err(unclear) = &place {
        findings.errors.push(Finding {
            path: "place".into(),
            reason: unclear.to_string(),
        });
    }
    let mut unclear = |path: String, reference: &OrganisationReference| {
        // What has neither identifier nor name was found already.
        if let Err(unclear) = organisations.check(reference)
            && unclear != crate::organisation::Unclear::Nameless
        {
            findings.errors.push(Finding {
                path,
                reason: unclear.to_string(),
            });
        }
    };
    unclear("leadOrganisation".into(), &record.lead_organisation);
    for (index, term) in record.funding_terms.iter().enumerate() {
        unclear(format!("fundingTerms/{index}/funder"), &term.funder);
    }
    if !findings.errors.is_empty() {
        return Ok(Prepared::Done(Outcome::Refused(findings.errors)));
    }
    let place = place.ok().flatten();
    record.place = place.map(reference_to);
    let lead = organisations.id_of(&record.lead_organisation);
    let before = match &record.external_ref {
        Some(reference) => lead.and_then(|lead| standing.by_reference.get(&(lead, reference.clone()))),
        None => standing
            .terms_of(&record)
            .find_map(|term| standing.initiatives.get(&term?.initiative_id)),
    };
    let id = before.map_or_else(|| act.clock.new_id(), |before| before.id);
    let clashes = grant_clashes(standing, &record, id, lead);
    if !clashes.is_empty() {
        return Ok(Prepared::Done(Outcome::Refused(clashes)));
    }
    // Nothing stands against the record any more, so that what it names may be added.
    let internal = |unclear: crate::organisation::Unclear| Error::Internal(unclear.to_string());
    let lead = organisations
        .resolve(&record.lead_organisation, act, altered)
        .map_err(internal)?;
    record.lead_organisation = in_full(&lead);
    let mut funders = Vec::with_capacity(record.funding_terms.len());
    for term in &mut record.funding_terms {
        let funder = organisations
            .resolve(&term.funder, act, altered)
            .map_err(internal)?;
        term.funder = in_full(&funder);
        funders.push(funder.id);
    }
    let document = serde_json::to_value(&record).map_err(|cause| Error::Internal(cause.to_string()))?;
    let stands = before.is_some_and(|before| before.withdrawn_at.is_none());
    if grant.is_none() && stands && standing.says(id, &record) {
        return Ok(Prepared::Done(Outcome::Unchanged));
    }
    let grant_digests = record
        .funding_terms
        .iter()
        .zip(standing.terms_of(&record))
        .map(|(term, known)| match &grant {
            Some((digest, identifier)) if term.grant_identifier.as_ref() == Some(identifier) => {
                Some(digest.clone())
            }
            _ => known.and_then(|known| known.grant_digest.clone()),
        })
        .collect();
    let before = before.cloned();
    let place = place.map(|place| place.id);
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
    }
    Ok(record)
}

/// What a record leaves out of a term whose grant is published stays as published.
fn fill_from_grants(standing: &Standing, record: &mut InitiativeRecord) {
    for term in &mut record.funding_terms {
        let known = term
            .grant_identifier
            .as_ref()
            .and_then(|identifier| standing.terms.get(identifier));
        let Some(known) = known.filter(|known| known.grant_digest.is_some()) else {
            continue;
        };
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
    }
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
        clashes.push(Finding {
            path: format!("fundingTerms/{index}/grantIdentifier"),
            reason: reason.into(),
        });
    }
    clashes
}

fn in_full(organisation: &organisation::Model) -> OrganisationReference {
    OrganisationReference {
        identifier: organisation.identifier.clone(),
        name: Some(organisation.name.clone()),
        kind: organisation.kind,
    }
}

/// The record with no more of its organisations than tells which they are.
fn with_bare_organisations(mut record: InitiativeRecord) -> InitiativeRecord {
    let funders = record.funding_terms.iter_mut().map(|term| &mut term.funder);
    for organisation in std::iter::once(&mut record.lead_organisation).chain(funders) {
        organisation.kind = None;
        if organisation.identifier.is_some() {
            organisation.name = None;
        }
    }
    record
}

/// How many rows one statement inserts: SQLite binds at most 32,766 values.
const ROWS_AT_ONCE: usize = 1_000;

macro_rules! insert_all {
    ($db:expr, $entity:ident, $rows:expr) => {
        let rows: Vec<$entity::ActiveModel> = $rows;
        for piece in rows.chunks(ROWS_AT_ONCE) {
            $entity::Entity::insert_many(piece.to_vec())
                .exec_without_returning($db)
                .await?;
        }
    };
}

async fn write(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    keys: &DisclosureKeys,
    ready: Vec<Ready>,
    superseded: Vec<Uuid>,
) -> Result<()> {
    if ready.is_empty() {
        return Ok(());
    }
    let altered: Vec<Uuid> = ready
        .iter()
        .filter(|one| one.before.is_some())
        .map(|one| one.id)
        .collect();
    // A term that is taken over keeps its id too.
    let ids = KeptIds::of(db, altered.iter().chain(&superseded).copied().collect()).await?;
    let mut entries = withdraw_superseded(db, act, superseded).await?;
    delete_parts(db, &altered).await?;
    let sources = sources_of(db, act, &ready).await?;
    let now = act.now();
    let (mut initiatives, mut revisions, mut links) = (Vec::new(), Vec::new(), Vec::new());
    let (mut taken, mut faced, mut reasons, mut changed, mut terms) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (one, source_id) in ready.into_iter().zip(sources) {
        let row = initiative_row(act, keys, &one)?;
        let kind = match &one.before {
            Some(before) if before.withdrawn_at.is_none() => ChangeKind::Altered,
            _ => ChangeKind::Published,
        };
        entries.push(Entry::new(kind, ChangeSubject::Initiative, one.id));
        revisions.push(revision_row(act, one.id, row.version, one.document.clone()).into_active_model());
        let parts = Parts {
            act,
            ids: &ids,
            id: one.id,
        };
        taken.extend(parts.entry_points(&one.record));
        parts.challenges(&one.record, &mut faced, &mut reasons);
        changed.extend(parts.conditions(&one.record));
        terms.extend(parts.terms(&one));
        links.push(
            initiative_source::Model {
                initiative_id: one.id,
                source_id,
                created_at: now,
                updated_at: now,
            }
            .into_active_model(),
        );
        if one.before.is_some() {
            row.into_active_model().reset_all().update(db).await?;
        } else {
            initiatives.push(row.into_active_model());
        }
    }
    insert_all!(db, initiative, initiatives);
    insert_all!(db, initiative_source, links);
    insert_all!(db, entry_point_taken, taken);
    insert_all!(db, challenge_faced, faced);
    insert_all!(db, challenge_reason, reasons);
    insert_all!(db, condition_changed, changed);
    insert_all!(db, funding_term, terms);
    insert_all!(db, revision, revisions);
    change::append(db, act, &entries).await?;
    Ok(())
}

/// Withdraws initiatives of which nothing but a grant was known, as a record names that grant now.
async fn withdraw_superseded(db: &impl ConnectionTrait, act: &Act<'_>, ids: Vec<Uuid>) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(ids.len());
    let found = initiative::Entity::find()
        .filter(initiative::Column::Id.is_in(ids.iter().copied()))
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
            reason: "a record of the lead organisation names this grant".into(),
            ..revision_row(act, row.id, row.version, document)
        };
        revision.into_active_model().insert(db).await?;
        row.into_active_model().reset_all().update(db).await?;
    }
    funding_term::Entity::delete_many()
        .filter(funding_term::Column::InitiativeId.is_in(ids))
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
            .filter(entry_point_taken::Column::InitiativeId.is_in(ours()))
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
            .filter(challenge_faced::Column::InitiativeId.is_in(ours()))
            .all(db)
            .await?;
        kept.challenges = rows
            .into_iter()
            .map(|row| ((row.initiative_id, row.challenge), (row.id, row.created_at)))
            .collect();
        let rows = condition_changed::Entity::find()
            .filter(condition_changed::Column::InitiativeId.is_in(ours()))
            .all(db)
            .await?;
        kept.conditions = rows
            .into_iter()
            .map(|row| ((row.initiative_id, row.condition), (row.id, row.created_at)))
            .collect();
        let rows = funding_term::Entity::find()
            .filter(funding_term::Column::InitiativeId.is_in(ours()))
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
        .filter(entry_point_taken::Column::InitiativeId.is_in(ours()))
        .exec(db)
        .await?;
    challenge_faced::Entity::delete_many()
        .filter(challenge_faced::Column::InitiativeId.is_in(ours()))
        .exec(db)
        .await?;
    condition_changed::Entity::delete_many()
        .filter(condition_changed::Column::InitiativeId.is_in(ours()))
        .exec(db)
        .await?;
    funding_term::Entity::delete_many()
        .filter(funding_term::Column::InitiativeId.is_in(ours()))
        .exec(db)
        .await?;
    initiative_source::Entity::delete_many()
        .filter(initiative_source::Column::InitiativeId.is_in(ours()))
        .exec(db)
        .await?;
    Ok(())
}

/// The id of each record's source: the same source stands once, however many records it supports.
async fn sources_of(db: &impl ConnectionTrait, act: &Act<'_>, ready: &[Ready]) -> Result<Vec<Uuid>> {
    let titles: HashSet<&str> = ready.iter().map(|one| one.record.source.title.as_str()).collect();
    let known = source::Entity::find()
        .filter(source::Column::Title.is_in(titles))
        .all(db)
        .await?;
    let mut ids: HashMap<Source, Uuid> = known
        .into_iter()
        .map(|row| {
            let source = Source {
                kind: row.kind,
                title: row.title,
                url: row.url,
                dated_on: row.dated_on,
                licence: row.licence,
            };
            (source, row.id)
        })
        .collect();
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
    insert_all!(db, source, new);
    Ok(of_records)
}

fn initiative_row(act: &Act<'_>, keys: &DisclosureKeys, ready: &Ready) -> Result<initiative::Model> {
    let Ready {
        record, before, lead, ..
    } = ready;
    let now = act.now();
    let grant = record
        .funding_terms
        .iter()
        .find_map(|term| term.grant_identifier.as_deref());
    let reference = record.external_ref.as_deref().or(grant).unwrap_or_default();
    let sharing = record.sharing.clone().unwrap_or_default();
    Ok(initiative::Model {
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
        made_from_grant: record.external_ref.is_none(),
        external_ref: record.external_ref.clone(),
        version: before.as_ref().map_or(1, |before| before.version + 1),
        published_at: before.as_ref().map_or(now, |before| before.published_at),
        withdrawn_at: None,
        disclosure_key: keys.key(lead.identifier.as_deref().unwrap_or(&lead.name), reference)?,
        sharing_confirmed_by: sharing.confirmed_by,
        sharing_confirmed_on: sharing.confirmed_on,
        sharing_basis: sharing.basis,
        sharing_licence: sharing.licence,
        created_at: before.as_ref().map_or(now, |before| before.created_at),
        updated_at: now,
    })
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

/// Makes the rows of one record's parts.
struct Parts<'a> {
    act: &'a Act<'a>,
    ids: &'a KeptIds,
    id: Uuid,
}

impl Parts<'_> {
    fn kept(&self, kept: Option<&(Uuid, DateTime<Utc>)>) -> (Uuid, DateTime<Utc>) {
        kept.copied()
            .unwrap_or_else(|| (self.act.clock.new_id(), self.act.now()))
    }

    fn entry_points(&self, record: &InitiativeRecord) -> Vec<entry_point_taken::ActiveModel> {
        let mut positions: HashMap<Perspective, i32> = HashMap::new();
        let row = |taken: &super::record::EntryPointTaken| {
            let position = positions.entry(taken.perspective).or_default();
            *position += 1;
            let kept = self
                .ids
                .entry_points
                .get(&(self.id, taken.perspective, *position));
            let (id, created_at) = self.kept(kept);
            entry_point_taken::Model {
                id,
                initiative_id: self.id,
                position: *position,
                entry_point: taken.entry_point,
                perspective: taken.perspective,
                taken_on: taken.taken_on,
                motivation: taken.motivation.clone(),
                created_at,
                updated_at: self.act.now(),
            }
            .into_active_model()
        };
        record.entry_points.iter().map(row).collect()
    }

    fn challenges(
        &self,
        record: &InitiativeRecord,
        rows: &mut Vec<challenge_faced::ActiveModel>,
        reasons: &mut Vec<challenge_reason::ActiveModel>,
    ) {
        let now = self.act.now();
        for faced in &record.challenges_faced {
            let (id, created_at) = self.kept(self.ids.challenges.get(&(self.id, faced.challenge)));
            let row = challenge_faced::Model {
                id,
                initiative_id: self.id,
                challenge: faced.challenge,
                step: faced.step,
                note: faced.note.clone(),
                noticed_on: faced.noticed_on,
                perspective: faced.perspective,
                created_at,
                updated_at: now,
            };
            rows.push(row.into_active_model());
            reasons.extend(faced.reasons.iter().map(|reason| challenge_reason::ActiveModel {
                challenge_faced_id: Set(id),
                reason: Set(*reason),
                created_at: Set(now),
                updated_at: Set(now),
            }));
        }
    }

    fn conditions(&self, record: &InitiativeRecord) -> Vec<condition_changed::ActiveModel> {
        let row = |changed: &super::record::ConditionChanged| {
            let (id, created_at) = self.kept(self.ids.conditions.get(&(self.id, changed.condition)));
            condition_changed::Model {
                id,
                initiative_id: self.id,
                condition: changed.condition,
                change: changed.change,
                created_at,
                updated_at: self.act.now(),
            }
            .into_active_model()
        };
        record.conditions_changed.iter().map(row).collect()
    }

    fn terms(&self, ready: &Ready) -> Vec<funding_term::ActiveModel> {
        let terms = ready
            .record
            .funding_terms
            .iter()
            .zip(&ready.funders)
            .zip(&ready.grant_digests);
        (1..)
            .zip(terms)
            .map(|(position, ((term, funder), digest))| {
                let kept = match &term.grant_identifier {
                    Some(identifier) => self.ids.granted_terms.get(identifier),
                    None => self.ids.other_terms.get(&(self.id, position)),
                };
                let (id, created_at) = self.kept(kept);
                funding_term::Model {
                    id,
                    initiative_id: self.id,
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
                    created_at,
                    updated_at: self.act.now(),
                }
                .into_active_model()
            })
            .collect()
    }
}
