//! Loads the rows of whole records: the parts of many initiatives in one statement.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, Iterable as _, ModelTrait as _,
    PrimaryKeyToColumn as _, QueryFilter, Select,
    sea_query::{Expr, Query, ValueType},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    ChallengeReason, challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term,
    initiative, initiative_source, organisation, place, source,
};

use super::funding_terms;
use super::record_cache::{CachedRow, RowKind, heap_size};
use crate::database::json_rows::{LoadedTables, TablesQuery, load_rows};
use crate::database::{is_in, is_one_of_ids};
use crate::error::Result;
use crate::id::NodeKind;
use wayin_records::fields::Field;
use wayin_records::missing::MissingReasons;
use wayin_records::record::{
    ChallengeFaced, ConditionChanged, EntryPointTaken, InitiativeRecord, OrganisationReference,
    PlaceReference, SharingConsent, Source,
};

/// A table whose rows are parts of an initiative.
pub trait Part: EntityTrait {
    /// The column that refers to the initiative.
    const INITIATIVE_ID: Self::Column;
}

macro_rules! parts {
    ($($table:ident)+) => {$(
        impl Part for $table::Entity {
            const INITIATIVE_ID: Self::Column = $table::Column::InitiativeId;
        }
    )+};
}

parts! { entry_point_taken challenge_faced condition_changed funding_term initiative_source }

pub async fn delete_parts<P: Part>(db: &impl ConnectionTrait, initiatives: &[Uuid]) -> Result<(), DbErr> {
    let of_initiatives = is_in(db, P::INITIATIVE_ID.into_expr(), initiatives.iter().copied());
    P::delete_many().filter(of_initiatives).exec(db).await?;
    Ok(())
}

/// A challenge with its reasons, in the order of the vocabulary.
#[derive(Clone, Debug)]
pub struct ChallengeRow {
    pub row: challenge_faced::Model,
    pub reasons: Vec<ChallengeReason>,
}

/// The parts of an initiative, in the order of its record.
#[derive(Debug, Default)]
pub struct InitiativeParts {
    pub entry_points: Vec<Arc<entry_point_taken::Model>>,
    pub challenges: Vec<Arc<ChallengeRow>>,
    pub conditions: Vec<Arc<condition_changed::Model>>,
    pub funding_terms: Vec<Arc<funding_term::Model>>,
    /// In the order of their titles.
    pub sources: Vec<Arc<source::Model>>,
}

impl InitiativeParts {
    /// Loads the parts of initiatives in one statement for each 500 of them.
    pub async fn load(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, Self>, DbErr> {
        let mut parts: HashMap<Uuid, Self> = ids.iter().map(|id| (*id, Self::default())).collect();
        for ids in ids.chunks(OWNERS_PER_STATEMENT) {
            let tables = TablesQuery::new(db)
                .add_table(select_parts::<entry_point_taken::Entity>(db, ids))
                .add_table(select_parts::<challenge_faced::Entity>(db, ids))
                .add_table(select_reasons(db, ids))
                .add_table(select_parts::<condition_changed::Entity>(db, ids))
                .add_table(select_parts::<funding_term::Entity>(db, ids))
                .add_table(select_parts::<initiative_source::Entity>(db, ids))
                .add_table(select_sources(db, ids));
            add_parts(&mut parts, &tables.load(db).await?)?;
        }
        parts.values_mut().for_each(Self::shrink_to_fit);
        Ok(parts)
    }

    /// Frees the memory that the lists do not need.
    fn shrink_to_fit(&mut self) {
        self.entry_points.shrink_to_fit();
        self.challenges.shrink_to_fit();
        self.conditions.shrink_to_fit();
        self.funding_terms.shrink_to_fit();
        self.sources.shrink_to_fit();
    }
}

/// The most initiatives whose parts are loaded in one statement. Other work waits while its JSON is read.
const OWNERS_PER_STATEMENT: usize = 500;

fn select_parts<P: Part>(db: &impl ConnectionTrait, initiatives: &[Uuid]) -> Select<P> {
    P::find().filter(is_part_of::<P>(db, initiatives))
}

/// A condition: the row is part of one of the initiatives.
pub fn is_part_of<P: Part>(db: &impl ConnectionTrait, initiatives: &[Uuid]) -> Expr {
    is_one_of_ids(db, P::INITIATIVE_ID.into_expr(), initiatives)
}

fn select_reasons(db: &impl ConnectionTrait, initiatives: &[Uuid]) -> Select<challenge_reason::Entity> {
    let initiative_id = challenge_faced::Column::InitiativeId.into_expr();
    challenge_reason::Entity::find()
        .inner_join(challenge_faced::Entity)
        .filter(is_one_of_ids(db, initiative_id, initiatives))
}

fn select_sources(db: &impl ConnectionTrait, initiatives: &[Uuid]) -> Select<source::Entity> {
    let mut ids = Query::select();
    ids.column((initiative_source::Entity, initiative_source::Column::SourceId))
        .from(initiative_source::Entity)
        .and_where(is_one_of_ids(
            db,
            initiative_source::Column::InitiativeId.into_expr(),
            initiatives,
        ));
    source::Entity::find().filter(source::Column::Id.in_subquery(ids))
}

/// Adds loaded rows to the parts of their initiatives, in the order of the record.
fn add_parts(parts: &mut HashMap<Uuid, InitiativeParts>, tables: &LoadedTables) -> Result<(), DbErr> {
    let mut entry_points = tables.parse_rows::<entry_point_taken::Entity>()?;
    entry_points.sort_by_key(|row| (row.perspective, row.position));
    for row in entry_points {
        let of_initiative = parts.entry(row.initiative_id).or_default();
        of_initiative.entry_points.push(Arc::new(row));
    }
    let mut reasons: HashMap<Uuid, Vec<ChallengeReason>> = HashMap::new();
    for row in tables.parse_rows::<challenge_reason::Entity>()? {
        reasons
            .entry(row.challenge_faced_id)
            .or_default()
            .push(row.reason);
    }
    let mut challenges = tables.parse_rows::<challenge_faced::Entity>()?;
    challenges.sort_by_key(|row| row.challenge);
    for row in challenges {
        let mut reasons = reasons.remove(&row.id).unwrap_or_default();
        reasons.sort_unstable();
        let of_initiative = parts.entry(row.initiative_id).or_default();
        of_initiative
            .challenges
            .push(Arc::new(ChallengeRow { row, reasons }));
    }
    let mut conditions = tables.parse_rows::<condition_changed::Entity>()?;
    conditions.sort_by_key(|row| row.condition);
    for row in conditions {
        let of_initiative = parts.entry(row.initiative_id).or_default();
        of_initiative.conditions.push(Arc::new(row));
    }
    let mut funding_terms = tables.parse_rows::<funding_term::Entity>()?;
    funding_terms.sort_by_key(|row| row.position);
    for row in funding_terms {
        let of_initiative = parts.entry(row.initiative_id).or_default();
        of_initiative.funding_terms.push(Arc::new(row));
    }
    let mut sources = tables.parse_rows::<source::Entity>()?;
    sources.sort_by(|one, other| (&one.title, one.id).cmp(&(&other.title, other.id)));
    let mut owners: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for link in tables.parse_rows::<initiative_source::Entity>()? {
        owners.entry(link.source_id).or_default().push(link.initiative_id);
    }
    for source in sources.into_iter().map(Arc::new) {
        for initiative in owners.remove(&source.id).unwrap_or_default() {
            parts
                .entry(initiative)
                .or_default()
                .sources
                .push(Arc::clone(&source));
        }
    }
    Ok(())
}

impl CachedRow for InitiativeParts {
    const KIND: RowKind = RowKind::InitiativeParts;

    fn size_in_bytes(&self) -> usize {
        /// The counts of references beside a shared row, and the reference.
        const SHARING_BYTES: usize = 3 * size_of::<usize>();
        fn sum<R>(rows: &[Arc<R>], heap_size: impl Fn(&R) -> usize) -> usize {
            let size = |row: &Arc<R>| SHARING_BYTES + size_of::<R>() + heap_size(row);
            rows.iter().map(size).sum()
        }
        size_of::<Self>()
            + sum(&self.entry_points, |row| heap_size!(row: motivation missing))
            + sum(&self.challenges, |ChallengeRow { row, reasons }| {
                size_of_val(&**reasons) + heap_size!(row: note missing)
            })
            + sum(&self.conditions, |row| heap_size!(row: missing))
            + sum(
                &self.funding_terms,
                |row| heap_size!(row: grant_identifier grant_digest programme currency missing),
            )
            + sum(&self.sources, |row| heap_size!(row: title url licence))
    }
}

/// Loads the rows of a table by their ids.
pub async fn load_by_id<E: EntityTrait<Model: DeserializeOwned>>(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, E::Model>, DbErr> {
    let Some(key) = E::PrimaryKey::iter().next() else {
        return Ok(HashMap::new());
    };
    let key = key.into_column();
    // Many initiatives name the same organisation.
    let ids: BTreeSet<Uuid> = ids.into_iter().collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = load_rows(db, E::find().filter(is_one_of_ids(db, key.into_expr(), &ids))).await?;
    let with_id = rows.into_iter().map(|row| {
        let id = <Uuid as ValueType>::try_from(row.get(key));
        Ok((id.map_err(|_| DbErr::Type("an id is not a UUID".into()))?, row))
    });
    with_id.collect()
}

/// Part of a record, or a description of what the tables lack.
pub type RebuildResult<T> = std::result::Result<T, String>;

/// All rows of some initiatives.
pub struct WholeRecords {
    parts: HashMap<Uuid, InitiativeParts>,
    organisations: HashMap<Uuid, organisation::Model>,
    places: HashMap<Uuid, place::Model>,
}

impl WholeRecords {
    /// Loads them: the parts, then the organisations and the places.
    pub async fn load(db: &impl ConnectionTrait, initiatives: &[initiative::Model]) -> Result<Self> {
        let ids: Vec<Uuid> = initiatives.iter().map(|one| one.id).collect();
        let parts = InitiativeParts::load(db, &ids).await?;
        let leads = initiatives.iter().map(|one| one.lead_organisation_id);
        let terms = parts.values().flat_map(|parts| &parts.funding_terms);
        let named = leads.chain(terms.map(|term| term.funder_id));
        let places = initiatives.iter().filter_map(|one| one.place_id);
        Ok(Self {
            organisations: load_by_id::<organisation::Entity>(db, named).await?,
            places: load_by_id::<place::Entity>(db, places).await?,
            parts,
        })
    }

    /// The parts of one of the initiatives.
    ///
    /// # Panics
    /// If the initiative was not loaded.
    pub fn parts(&self, id: Uuid) -> &InitiativeParts {
        &self.parts[&id]
    }

    /// An organisation that leads or funds one of the initiatives. Fails if it is missing.
    pub fn organisation(&self, id: Uuid) -> RebuildResult<&organisation::Model> {
        let found = self.organisations.get(&id);
        found.ok_or_else(|| format!("its organisation {id} does not exist"))
    }

    /// The place of an initiative, if it has one. Fails if it is missing.
    pub fn place(&self, row: &initiative::Model) -> RebuildResult<Option<&place::Model>> {
        row.place_id
            .map(|id| {
                let found = self.places.get(&id);
                found.ok_or_else(|| format!("its place {id} does not exist"))
            })
            .transpose()
    }

    /// The reference of a record to an organisation.
    pub fn build_reference(&self, organisation: Uuid) -> RebuildResult<OrganisationReference> {
        Ok(organisation_reference(self.organisation(organisation)?))
    }

    /// Builds the record of an initiative.
    pub fn record(&self, row: &initiative::Model) -> RebuildResult<InitiativeRecord> {
        let parts = self.parts(row.id);
        let source = match parts.sources.as_slice() {
            [one] => one,
            several => return Err(format!("it has {} sources instead of one", several.len())),
        };
        let sharing = SharingConsent {
            confirmed_by: row.sharing_confirmed_by.clone(),
            confirmed_on: row.sharing_confirmed_on,
            basis: row.sharing_basis.clone(),
            licence: row.sharing_licence.clone(),
        };
        let terms = parts.funding_terms.iter();
        Ok(InitiativeRecord {
            external_ref: row.external_ref.clone(),
            title: row.title.clone(),
            summary: row.summary.clone(),
            place: self.place(row)?.map(place_reference),
            lead_organisation: self.build_reference(row.lead_organisation_id)?,
            started_on: row.started_on,
            ended_on: row.ended_on,
            ongoing: row.ongoing,
            visibility: row.visibility,
            shared_with_funders: row.shared_with_funders,
            illustrative: row.illustrative,
            entry_points: convert(&parts.entry_points, rebuild_entry_point)?,
            challenges_faced: convert(&parts.challenges, rebuild_challenge)?,
            conditions_changed: convert(&parts.conditions, condition)?,
            funding_terms: terms
                .map(|term| funding_terms::record(term, self.build_reference(term.funder_id)?))
                .collect::<RebuildResult<_>>()?,
            source: Source {
                kind: source.kind,
                title: source.title.clone(),
                url: source.url.clone(),
                dated_on: source.dated_on,
                licence: source.licence.clone(),
            },
            sharing: (sharing != SharingConsent::default()).then_some(sharing),
            missing: missing_answers(row.missing.as_ref())?,
        })
    }
}

fn convert<M, T>(rows: &[Arc<M>], convert: impl Fn(&M) -> RebuildResult<T>) -> RebuildResult<Vec<T>> {
    rows.iter().map(|row| convert(row)).collect()
}

fn rebuild_entry_point(row: &entry_point_taken::Model) -> RebuildResult<EntryPointTaken> {
    Ok(EntryPointTaken {
        entry_point: row.entry_point,
        perspective: row.perspective,
        taken_on: row.taken_on,
        motivation: row.motivation.clone(),
        missing: missing_answers(row.missing.as_ref())?,
    })
}

fn rebuild_challenge(ChallengeRow { row, reasons }: &ChallengeRow) -> RebuildResult<ChallengeFaced> {
    Ok(ChallengeFaced {
        challenge: row.challenge,
        step: row.step,
        reasons: reasons.clone(),
        note: row.note.clone(),
        noticed_on: row.noticed_on,
        perspective: row.perspective,
        missing: missing_answers(row.missing.as_ref())?,
    })
}

fn condition(row: &condition_changed::Model) -> RebuildResult<ConditionChanged> {
    Ok(ConditionChanged {
        condition: row.condition,
        change: row.change,
        missing: missing_answers(row.missing.as_ref())?,
    })
}

/// Reads the missing reasons from the column of a row.
pub(super) fn missing_answers<F: Field>(stored: Option<&Value>) -> RebuildResult<MissingReasons<F>> {
    MissingReasons::from_json(stored).map_err(|_| "its missing reasons cannot be read".to_owned())
}

/// The reference of a record to an organisation, with everything that is known of it, so that the record can
/// be read on its own.
pub fn organisation_reference(organisation: &organisation::Model) -> OrganisationReference {
    OrganisationReference {
        identifier: organisation.identifier.clone(),
        name: Some(organisation.name.clone()),
        kind: organisation.kind,
    }
}

/// The reference of a record to a place: its code, or else its id.
pub fn place_reference(place: &place::Model) -> PlaceReference {
    match &place.code {
        Some(code) => PlaceReference {
            code: Some(code.clone()),
            ..PlaceReference::default()
        },
        None => PlaceReference {
            id: Some(NodeKind::Place.encode_id(place.id)),
            ..PlaceReference::default()
        },
    }
}
