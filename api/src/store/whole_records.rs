//! Loads the rows of whole records: the parts of many initiatives in a fixed number of queries.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, Iterable as _, ModelTrait as _,
    PrimaryKeyToColumn as _, QueryFilter, QueryOrder as _, sea_query::ValueType,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    ChallengeReason, challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term,
    initiative, initiative_source, organisation, place, source,
};

use super::funding_terms;
use super::record_cache::{CachedRow, RowKind, heap_size};
use crate::database::is_in;
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

    /// The initiative that a row belongs to.
    fn initiative_id(row: &Self::Model) -> Uuid;

    /// Sorts the rows of one initiative in the order of its record.
    fn sort(rows: &mut [Self::Model]);
}

macro_rules! parts {
    ($($table:ident by $key:expr;)+) => {$(
        impl Part for $table::Entity {
            const INITIATIVE_ID: Self::Column = $table::Column::InitiativeId;

            fn initiative_id(row: &Self::Model) -> Uuid {
                row.initiative_id
            }

            fn sort(rows: &mut [Self::Model]) {
                let key: fn(&Self::Model) -> _ = $key;
                rows.sort_by_key(key);
            }
        }
    )+};
}

parts! {
    entry_point_taken by |row| (row.perspective, row.position);
    challenge_faced by |row| row.challenge;
    condition_changed by |row| row.condition;
    funding_term by |row| row.position;
    initiative_source by |row| row.source_id;
}

/// The parts of some initiatives, by initiative, in the order of the record.
pub type PartsByInitiative<P> = HashMap<Uuid, Vec<<P as EntityTrait>::Model>>;

pub async fn load_parts<P: Part>(
    db: &impl ConnectionTrait,
    initiatives: impl IntoIterator<Item = Uuid>,
) -> Result<PartsByInitiative<P>, DbErr> {
    let of_initiatives = is_in(db, P::INITIATIVE_ID.into_expr(), initiatives);
    let rows = P::find().filter(of_initiatives).all(db).await?;
    let mut parts: PartsByInitiative<P> = HashMap::new();
    for row in rows {
        parts.entry(P::initiative_id(&row)).or_default().push(row);
    }
    parts.values_mut().for_each(|rows| P::sort(rows));
    Ok(parts)
}

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

/// Loads the challenges of initiatives with their reasons, by initiative, in the order of the record.
pub async fn load_challenges(
    db: &impl ConnectionTrait,
    initiatives: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Vec<ChallengeRow>>, DbErr> {
    let initiative_id = challenge_faced::Column::InitiativeId.into_expr();
    let rows = challenge_faced::Entity::find()
        .filter(is_in(db, initiative_id, initiatives))
        .find_with_related(challenge_reason::Entity)
        .all(db)
        .await?;
    let mut challenges: HashMap<Uuid, Vec<ChallengeRow>> = HashMap::new();
    for (row, reasons) in rows {
        let mut reasons: Vec<ChallengeReason> = reasons.into_iter().map(|row| row.reason).collect();
        reasons.sort_unstable();
        let of_initiative = challenges.entry(row.initiative_id).or_default();
        of_initiative.push(ChallengeRow { row, reasons });
    }
    for rows in challenges.values_mut() {
        rows.sort_by_key(|challenge| challenge.row.challenge);
    }
    Ok(challenges)
}

/// Loads the sources of initiatives, by initiative, in the order of their titles.
pub async fn load_sources(
    db: &impl ConnectionTrait,
    initiatives: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Vec<source::Model>>, DbErr> {
    let initiative_id = initiative_source::Column::InitiativeId.into_expr();
    let rows = initiative_source::Entity::find()
        .filter(is_in(db, initiative_id, initiatives))
        .find_also_related(source::Entity)
        .order_by_asc(source::Column::Title)
        .order_by_asc(source::Column::Id)
        .all(db)
        .await?;
    let mut sources: HashMap<Uuid, Vec<source::Model>> = HashMap::new();
    for (link, source) in rows {
        sources.entry(link.initiative_id).or_default().extend(source);
    }
    Ok(sources)
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
    /// Loads the parts of initiatives in five queries at once.
    pub async fn load(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, Self>, DbErr> {
        let each = || ids.iter().copied();
        let (mut entry_points, mut challenges, mut conditions, mut funding_terms, mut sources) = futures_util::try_join!(
            load_parts::<entry_point_taken::Entity>(db, each()),
            load_challenges(db, each()),
            load_parts::<condition_changed::Entity>(db, each()),
            load_parts::<funding_term::Entity>(db, each()),
            load_sources(db, each()),
        )?;
        let mut take_parts = |id: &Uuid| Self {
            entry_points: take_rows(&mut entry_points, id),
            challenges: take_rows(&mut challenges, id),
            conditions: take_rows(&mut conditions, id),
            funding_terms: take_rows(&mut funding_terms, id),
            sources: take_rows(&mut sources, id),
        };
        Ok(ids.iter().map(|id| (*id, take_parts(id))).collect())
    }
}

fn take_rows<M>(rows: &mut HashMap<Uuid, Vec<M>>, initiative: &Uuid) -> Vec<Arc<M>> {
    let rows = rows.remove(initiative).unwrap_or_default();
    rows.into_iter().map(Arc::new).collect()
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
pub async fn load_by_id<E: EntityTrait>(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, E::Model>, DbErr> {
    let Some(key) = E::PrimaryKey::iter().next() else {
        return Ok(HashMap::new());
    };
    let key = key.into_column();
    // Many initiatives name the same organisation.
    let ids: BTreeSet<Uuid> = ids.into_iter().collect();
    let rows = E::find().filter(is_in(db, key.into_expr(), ids)).all(db).await?;
    let with_id = rows.into_iter().map(|row| {
        let id = <Uuid as ValueType>::try_from(row.get(key));
        Ok((id.map_err(|_| DbErr::Type("an id is not a UUID".into()))?, row))
    });
    with_id.collect()
}

/// The funding terms of some initiatives, with the rows that they and their initiatives refer to.
pub struct FundingRows {
    terms: PartsByInitiative<funding_term::Entity>,
    sources: HashMap<Uuid, Vec<source::Model>>,
    organisations: HashMap<Uuid, organisation::Model>,
    places: HashMap<Uuid, place::Model>,
}

impl FundingRows {
    /// Loads them in four queries.
    pub async fn load(db: &impl ConnectionTrait, initiatives: &[initiative::Model]) -> Result<Self> {
        let ids = || initiatives.iter().map(|one| one.id);
        let terms = load_parts::<funding_term::Entity>(db, ids()).await?;
        let leads = initiatives.iter().map(|one| one.lead_organisation_id);
        let named = leads.chain(terms.values().flatten().map(|term| term.funder_id));
        let organisations = load_by_id::<organisation::Entity>(db, named).await?;
        let places = initiatives.iter().filter_map(|one| one.place_id);
        Ok(Self {
            sources: load_sources(db, ids()).await?,
            places: load_by_id::<place::Entity>(db, places).await?,
            organisations,
            terms,
        })
    }

    /// The funding terms of an initiative, in order.
    pub fn terms(&self, id: Uuid) -> &[funding_term::Model] {
        find_rows(&self.terms, id)
    }

    /// The sources of an initiative.
    pub fn sources(&self, id: Uuid) -> &[source::Model] {
        find_rows(&self.sources, id)
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
}

/// Part of a record, or a description of what the tables lack.
pub type RebuildResult<T> = std::result::Result<T, String>;

/// All rows of some initiatives.
pub struct WholeRecords {
    pub funding: FundingRows,
    entry_points: PartsByInitiative<entry_point_taken::Entity>,
    challenges: HashMap<Uuid, Vec<ChallengeRow>>,
    conditions: PartsByInitiative<condition_changed::Entity>,
}

impl WholeRecords {
    /// Loads them in seven queries.
    pub async fn load(db: &impl ConnectionTrait, initiatives: &[initiative::Model]) -> Result<Self> {
        let ids = || initiatives.iter().map(|one| one.id);
        Ok(Self {
            funding: FundingRows::load(db, initiatives).await?,
            entry_points: load_parts::<entry_point_taken::Entity>(db, ids()).await?,
            challenges: load_challenges(db, ids()).await?,
            conditions: load_parts::<condition_changed::Entity>(db, ids()).await?,
        })
    }

    /// The entry points of an initiative, in order within each perspective.
    pub fn entry_points(&self, id: Uuid) -> &[entry_point_taken::Model] {
        find_rows(&self.entry_points, id)
    }

    /// The reference of a record to an organisation.
    pub fn build_reference(&self, organisation: Uuid) -> RebuildResult<OrganisationReference> {
        Ok(organisation_reference(self.funding.organisation(organisation)?))
    }

    /// Builds the record of an initiative. Its lists are in the order of [`Part::sort`].
    pub fn record(&self, row: &initiative::Model) -> RebuildResult<InitiativeRecord> {
        let source = match self.funding.sources(row.id) {
            [one] => one,
            several => return Err(format!("it has {} sources instead of one", several.len())),
        };
        let sharing = SharingConsent {
            confirmed_by: row.sharing_confirmed_by.clone(),
            confirmed_on: row.sharing_confirmed_on,
            basis: row.sharing_basis.clone(),
            licence: row.sharing_licence.clone(),
        };
        let terms = self.funding.terms(row.id).iter();
        Ok(InitiativeRecord {
            external_ref: row.external_ref.clone(),
            title: row.title.clone(),
            summary: row.summary.clone(),
            place: self.funding.place(row)?.map(place_reference),
            lead_organisation: self.build_reference(row.lead_organisation_id)?,
            started_on: row.started_on,
            ended_on: row.ended_on,
            ongoing: row.ongoing,
            visibility: row.visibility,
            shared_with_funders: row.shared_with_funders,
            illustrative: row.illustrative,
            entry_points: convert(self.entry_points(row.id), rebuild_entry_point)?,
            challenges_faced: convert(find_rows(&self.challenges, row.id), rebuild_challenge)?,
            conditions_changed: convert(find_rows(&self.conditions, row.id), condition)?,
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

fn find_rows<M>(parts: &HashMap<Uuid, Vec<M>>, id: Uuid) -> &[M] {
    parts.get(&id).map_or(&[], Vec::as_slice)
}

fn convert<M, T>(rows: &[M], convert: impl Fn(&M) -> RebuildResult<T>) -> RebuildResult<Vec<T>> {
    rows.iter().map(convert).collect()
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
