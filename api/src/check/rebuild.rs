//! Rebuilds records from the tables: the way back from what publication writes.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    Reason, challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term,
    initiative, initiative_source, organisation, place, source,
};

use crate::error::Result;
use crate::place::reference_to;
use wayin_records::missing::{Answer, Missing};
use wayin_records::record::{
    ChallengeFaced, ConditionChanged, EntryPointTaken, FundingTerm, InitiativeRecord, OrganisationReference,
    Sharing, Source,
};

/// Something put together again, or what is missing of it.
type Rebuilt<T> = std::result::Result<T, String>;

/// Everything that the tables hold of some initiatives.
pub(super) struct Parts {
    entry_points: HashMap<Uuid, Vec<entry_point_taken::Model>>,
    challenges: HashMap<Uuid, Vec<challenge_faced::Model>>,
    reasons: HashMap<Uuid, Vec<Reason>>,
    conditions: HashMap<Uuid, Vec<condition_changed::Model>>,
    terms: HashMap<Uuid, Vec<funding_term::Model>>,
    sources: HashMap<Uuid, Vec<source::Model>>,
    organisations: HashMap<Uuid, organisation::Model>,
    places: HashMap<Uuid, place::Model>,
}

impl Parts {
    /// Reads them.
    pub(super) async fn of(db: &impl ConnectionTrait, initiatives: &[initiative::Model]) -> Result<Self> {
        let ours = || initiatives.iter().map(|one| one.id);
        let entry_points = entry_point_taken::Entity::find()
            .filter(entry_point_taken::Column::InitiativeId.is_in(ours()))
            .order_by_asc(entry_point_taken::Column::Position)
            .all(db)
            .await?;
        let challenges = challenge_faced::Entity::find()
            .filter(challenge_faced::Column::InitiativeId.is_in(ours()))
            .all(db)
            .await?;
        let reasons = challenge_reason::Entity::find()
            .filter(challenge_reason::Column::ChallengeFacedId.is_in(challenges.iter().map(|one| one.id)))
            .all(db)
            .await?;
        let conditions = condition_changed::Entity::find()
            .filter(condition_changed::Column::InitiativeId.is_in(ours()))
            .all(db)
            .await?;
        let terms = funding_term::Entity::find()
            .filter(funding_term::Column::InitiativeId.is_in(ours()))
            .order_by_asc(funding_term::Column::Position)
            .all(db)
            .await?;
        let links = initiative_source::Entity::find()
            .filter(initiative_source::Column::InitiativeId.is_in(ours()))
            .all(db)
            .await?;
        let sources = source::Entity::find()
            .filter(source::Column::Id.is_in(links.iter().map(|link| link.source_id)))
            .all(db)
            .await?;
        let sources: HashMap<Uuid, source::Model> = sources.into_iter().map(|one| (one.id, one)).collect();
        let named = initiatives.iter().map(|one| one.lead_organisation_id);
        let named = named.chain(terms.iter().map(|term| term.funder_id));
        let organisations = organisation::Entity::find()
            .filter(organisation::Column::Id.is_in(named))
            .all(db)
            .await?;
        let places = place::Entity::find()
            .filter(place::Column::Id.is_in(initiatives.iter().filter_map(|one| one.place_id)))
            .all(db)
            .await?;
        Ok(Self {
            entry_points: grouped(entry_points, |one| one.initiative_id),
            challenges: grouped(challenges, |one| one.initiative_id),
            reasons: grouped(reasons, |one| one.challenge_faced_id)
                .into_iter()
                .map(|(id, rows)| (id, rows.into_iter().map(|row| row.reason).collect()))
                .collect(),
            conditions: grouped(conditions, |one| one.initiative_id),
            terms: grouped(terms, |one| one.initiative_id),
            sources: grouped(links, |link| link.initiative_id)
                .into_iter()
                .map(|(id, links)| {
                    let of = links.iter().filter_map(|link| sources.get(&link.source_id));
                    (id, of.cloned().collect())
                })
                .collect(),
            organisations: organisations.into_iter().map(|one| (one.id, one)).collect(),
            places: places.into_iter().map(|one| (one.id, one)).collect(),
        })
    }

    /// The funding terms of an initiative, in order.
    pub(super) fn terms(&self, id: Uuid) -> &[funding_term::Model] {
        self.terms.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The entry points of an initiative, in order within each perspective.
    pub(super) fn entry_points(&self, id: Uuid) -> &[entry_point_taken::Model] {
        self.entry_points.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The record that the tables hold of an initiative, in the [settled](settle) order, or what is missing of one.
    pub(super) fn rebuild(&self, row: &initiative::Model) -> Rebuilt<InitiativeRecord> {
        let place = match row.place_id {
            None => None,
            Some(id) => {
                let place = self.places.get(&id);
                Some(place.ok_or_else(|| format!("its place {id} is not there"))?)
            }
        };
        let source = match self.sources.get(&row.id).map_or(&[][..], Vec::as_slice) {
            [one] => one,
            several => return Err(format!("it has {} sources and not one", several.len())),
        };
        let sharing = Sharing {
            confirmed_by: row.sharing_confirmed_by.clone(),
            confirmed_on: row.sharing_confirmed_on,
            basis: row.sharing_basis.clone(),
            licence: row.sharing_licence.clone(),
        };
        let mut record = InitiativeRecord {
            external_ref: row.external_ref.clone(),
            title: row.title.clone(),
            summary: row.summary.clone(),
            place: place.map(reference_to),
            lead_organisation: self.reference_to(row.lead_organisation_id)?,
            started_on: row.started_on,
            ended_on: row.ended_on,
            ongoing: row.ongoing,
            visibility: row.visibility,
            shared_with_funders: row.shared_with_funders,
            illustrative: row.illustrative,
            entry_points: self
                .entry_points(row.id)
                .iter()
                .map(entry_point)
                .collect::<Rebuilt<_>>()?,
            challenges_faced: self.challenges_faced(row.id)?,
            conditions_changed: self.conditions_changed(row.id)?,
            funding_terms: self
                .terms(row.id)
                .iter()
                .map(|term| funding_term(term, self.reference_to(term.funder_id)?))
                .collect::<Rebuilt<_>>()?,
            source: Source {
                kind: source.kind,
                title: source.title.clone(),
                url: source.url.clone(),
                dated_on: source.dated_on,
                licence: source.licence.clone(),
            },
            sharing: (sharing != Sharing::default()).then_some(sharing),
            missing: said(row.missing.as_ref())?,
        };
        settle(&mut record);
        Ok(record)
    }

    /// How a record names an organisation.
    pub(super) fn reference_to(&self, organisation: Uuid) -> Rebuilt<OrganisationReference> {
        let found = self.organisations.get(&organisation);
        let found = found.ok_or_else(|| format!("its organisation {organisation} is not there"))?;
        Ok(OrganisationReference {
            identifier: found.identifier.clone(),
            name: Some(found.name.clone()),
            kind: found.kind,
        })
    }

    fn challenges_faced(&self, id: Uuid) -> Rebuilt<Vec<ChallengeFaced>> {
        let rows = self.challenges.get(&id).into_iter().flatten();
        rows.map(|row| {
            Ok(ChallengeFaced {
                challenge: row.challenge,
                step: row.step,
                reasons: self.reasons.get(&row.id).cloned().unwrap_or_default(),
                note: row.note.clone(),
                noticed_on: row.noticed_on,
                perspective: row.perspective,
                missing: said(row.missing.as_ref())?,
            })
        })
        .collect()
    }

    fn conditions_changed(&self, id: Uuid) -> Rebuilt<Vec<ConditionChanged>> {
        let rows = self.conditions.get(&id).into_iter().flatten();
        rows.map(|row| {
            Ok(ConditionChanged {
                condition: row.condition,
                change: row.change,
                missing: said(row.missing.as_ref())?,
            })
        })
        .collect()
    }
}

fn entry_point(row: &entry_point_taken::Model) -> Rebuilt<EntryPointTaken> {
    Ok(EntryPointTaken {
        entry_point: row.entry_point,
        perspective: row.perspective,
        taken_on: row.taken_on,
        motivation: row.motivation.clone(),
        missing: said(row.missing.as_ref())?,
    })
}

/// A funding term as a record has it.
fn funding_term(row: &funding_term::Model, funder: OrganisationReference) -> Rebuilt<FundingTerm> {
    Ok(FundingTerm {
        funder,
        grant_identifier: row.grant_identifier.clone(),
        programme: row.programme.clone(),
        currency: row.currency.clone(),
        amount_minor: row.amount_minor,
        awarded_on: row.awarded_on,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        duration_months: row.duration_months,
        intended_focus: row.intended_focus,
        upfront_research: row.upfront_research,
        upfront_research_months: row.upfront_research_months,
        collaboration_resourced: row.collaboration_resourced,
        restriction: row.restriction,
        reporting_frequency: row.reporting_frequency,
        reporting_basis: row.reporting_basis,
        delivery_timeline: row.delivery_timeline,
        renewable: row.renewable,
        missing: said(row.missing.as_ref())?,
    })
}

/// Puts a record's lists into the order that the tables keep: entry points are in order
/// within each perspective, challenges and conditions have none.
pub(super) fn settle(record: &mut InitiativeRecord) {
    record.entry_points.sort_by_key(|taken| taken.perspective);
    record.challenges_faced.sort_by_key(|faced| faced.challenge);
    record
        .challenges_faced
        .iter_mut()
        .for_each(|faced| faced.reasons.sort_unstable());
    record.conditions_changed.sort_by_key(|changed| changed.condition);
    // An empty confirmation says no more than none.
    record.sharing = record
        .sharing
        .take()
        .filter(|sharing| *sharing != Sharing::default());
}

/// Why answers are missing, out of what the tables keep.
fn said<A: Answer>(kept: Option<&Value>) -> Rebuilt<Missing<A>> {
    Missing::of_kept(kept).map_err(|_| "it keeps something else than why answers are missing".to_owned())
}

fn grouped<T>(rows: Vec<T>, key: impl Fn(&T) -> Uuid) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
