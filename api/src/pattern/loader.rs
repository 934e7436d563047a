//! Loads records into the index: all of them once, and then the changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, JsonValue as Json, QueryFilter,
    QueryOrder, QuerySelect, Value,
    sea_query::{CaseStatement, Expr, IntoCondition},
};
use uuid::Uuid;
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, ChangeSubject, Condition, EntryPoint,
    Perspective, Visibility, challenge_faced, challenge_reason, change, condition_changed, entry_point_taken,
    funding_term, initiative, organisation, place, place_parent,
};

use crate::database::{IDS_PER_STATEMENT, is_in, is_in_any};
use crate::store::funding_terms::{choice_column, choice_values};
use crate::store::whole_records::Part;
use wayin_engine::index::missing_column;
use wayin_engine::index::{
    AsOf, CHUNK_ROWS, Chunk, IndexedFundingTerm, IndexedInitiative, IndexedOrganisation,
    OrganisationDictionary, PerspectiveEntryPoints, PlaceDictionary, Snapshot, StoredPlace,
};
use wayin_records::fields::Field;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_records::missing::MissingReasons;
use wayin_records::normalisation::fold_name;

/// The most changes to apply to a snapshot. With more, all records are loaded again.
const MAX_INCREMENTAL_CHANGES: u64 = 20_000;
/// The most gaps in the log's numbers to look up on each read. With more, all records are loaded again.
const MAX_LOG_GAPS: usize = 1_000;

/// Loads all records. `progress` receives the number of initiatives loaded so far. Call it in a transaction that sees
/// the database at one moment.
pub async fn load_snapshot(
    db: &impl ConnectionTrait,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Snapshot, DbErr> {
    let as_of = load_newest_change(db).await?;
    let places = load_places(db, &PlaceDictionary::default()).await?;
    let mut organisations = OrganisationDictionary::default();
    for row in organisation::Entity::find()
        .order_by_asc(organisation::Column::Id)
        .all(db)
        .await?
    {
        organisations.upsert(to_indexed_organisation(row));
    }
    let mut snapshot = Snapshot {
        chunks: Vec::new(),
        places: Arc::new(places),
        organisations: Arc::new(organisations),
        as_of,
        dictionary_version: as_of.change_number,
    };
    let mut after = Uuid::nil();
    let mut read = 0;
    loop {
        let rows = load_rows(
            db,
            &snapshot,
            initiative::Column::Id.gt(after),
            Some(CHUNK_ROWS as u64),
        )
        .await?;
        let Some(last) = rows.last() else {
            return Ok(snapshot);
        };
        after = last.id;
        read += rows.len();
        snapshot.chunks.push(Arc::new(Chunk::pack(&rows)));
        progress(read);
    }
}

/// The result of applying the change log to a snapshot.
pub enum LogUpdate {
    /// The snapshot already includes every change.
    UpToDate,
    /// A new snapshot that includes the changes.
    Updated(Snapshot, ChangeSummary),
    /// The snapshot is from a different log, or the log is too far ahead. All records must be loaded again.
    ReloadRequired,
}

/// The changes that were applied to a snapshot.
#[derive(Debug, Default)]
pub struct ChangeSummary {
    /// Numbers below the newest that are missing from the log: rolled back, or not committed yet.
    pub log_gaps: Vec<i64>,
    /// Everything that was published, changed or withdrawn.
    pub subjects: BTreeSet<Uuid>,
    /// The initiatives among it.
    pub initiatives: Vec<Uuid>,
}

/// Applies every change that the snapshot does not include. `holes` are the gaps that earlier reads found. Call it in
/// a transaction that sees the database at one moment: it loads rows as they are at that moment, so it must apply all
/// changes up to then together.
pub async fn load_changes(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    holes: &[i64],
) -> Result<LogUpdate, DbErr> {
    let seen = snapshot.as_of.change_number;
    let in_order = change::Entity::find()
        .order_by_asc(change::Column::Number)
        .limit(MAX_INCREMENTAL_CHANGES + 1);
    // A separate statement: in one with the newer changes, the database would search the whole log for them.
    let mut found = match is_in_any(db, change::Column::Number.into_expr(), holes.iter().copied()) {
        Some(filled) => in_order.clone().filter(filled).all(db).await?,
        None => Vec::new(),
    };
    // Includes the newest change of the snapshot. If it is missing, this is a different log.
    let newer = in_order.filter(change::Column::Number.gte(seen));
    found.extend(newer.all(db).await?);
    let same_log = seen == 0
        || found
            .iter()
            .any(|one| one.number == seen && Some(one.created_at) == snapshot.as_of.changed_at);
    if !same_log || found.len() as u64 > MAX_INCREMENTAL_CHANGES {
        return Ok(LogUpdate::ReloadRequired);
    }
    let changes: Vec<_> = found.into_iter().filter(|one| one.number != seen).collect();
    let Some(last) = changes.last() else {
        return Ok(LogUpdate::UpToDate);
    };
    let mut next = snapshot.clone();
    if last.number > seen {
        next.as_of = AsOf {
            change_number: last.number,
            changed_at: Some(last.created_at),
        };
    }
    let there: BTreeSet<i64> = changes.iter().map(|one| one.number).collect();
    let mut changed = ChangeSummary {
        log_gaps: holes
            .iter()
            .copied()
            .chain(seen + 1..next.as_of.change_number)
            .filter(|number| !there.contains(number))
            .collect(),
        subjects: changes.iter().map(|change| change.subject_id).collect(),
        initiatives: Vec::new(),
    };
    if changed.log_gaps.len() > MAX_LOG_GAPS {
        return Ok(LogUpdate::ReloadRequired);
    }
    let subjects = |subject: ChangeSubject| -> BTreeSet<Uuid> {
        changes
            .iter()
            .filter(|change| change.subject == subject)
            .map(|change| change.subject_id)
            .collect()
    };
    if !subjects(ChangeSubject::Place).is_empty() {
        next.places = Arc::new(load_places(db, &snapshot.places).await?);
        next.dictionary_version = next.as_of.change_number;
    }
    let organisations: Vec<Uuid> = subjects(ChangeSubject::Organisation).into_iter().collect();
    for ids in organisations.chunks(IDS_PER_STATEMENT) {
        let of_base = Arc::make_mut(&mut next.organisations);
        let these = is_in(db, organisation::Column::Id.into_expr(), ids.iter().copied());
        for row in organisation::Entity::find().filter(these).all(db).await? {
            of_base.upsert(to_indexed_organisation(row));
        }
        next.dictionary_version = next.as_of.change_number;
    }
    let initiatives: Vec<Uuid> = subjects(ChangeSubject::Initiative).into_iter().collect();
    for ids in initiatives.chunks(IDS_PER_STATEMENT) {
        let these = is_in(db, initiative::Column::Id.into_expr(), ids.iter().copied());
        let rows = load_rows(db, &next, these, None).await?;
        let published: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
        let gone = ids.iter().copied().filter(|id| !published.contains(id)).collect();
        next.apply(rows, gone);
    }
    changed.initiatives = initiatives;
    Ok(LogUpdate::Updated(next, changed))
}

/// Loads the number and the time of the newest change. The default if the log is empty.
pub async fn load_newest_change(db: &impl ConnectionTrait) -> Result<AsOf, DbErr> {
    let newest = change::Entity::find()
        .order_by_desc(change::Column::Number)
        .one(db)
        .await?;
    Ok(newest.map_or_else(AsOf::default, |change| AsOf {
        change_number: change.number,
        changed_at: Some(change.created_at),
    }))
}

async fn load_places(db: &impl ConnectionTrait, before: &PlaceDictionary) -> Result<PlaceDictionary, DbErr> {
    let places = place::Entity::find()
        .order_by_asc(place::Column::Id)
        .all(db)
        .await?;
    let within = place_parent::Entity::find().all(db).await?;
    let places: Vec<StoredPlace> = places
        .into_iter()
        .map(|place| StoredPlace {
            id: place.id,
            name: place.name,
            kind: place.kind,
            successor_id: place.successor_id,
        })
        .collect();
    let parents: Vec<(Uuid, Uuid)> = within
        .iter()
        .map(|link| (link.place_id, link.parent_id))
        .collect();
    Ok(PlaceDictionary::build(before, &places, &parents))
}

fn to_indexed_organisation(row: organisation::Model) -> IndexedOrganisation {
    IndexedOrganisation {
        id: row.id,
        name: row.name,
        name_folded: row.name_folded,
        identifier_folded: row.identifier.as_deref().map(fold_name),
        kind: row.kind,
    }
}

/// Loads the published initiatives that meet a condition, in the order of their ids. A `limit` means a page of all
/// initiatives.
async fn load_rows(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    which: impl IntoCondition,
    limit: Option<u64>,
) -> Result<Vec<IndexedInitiative>, DbErr> {
    let coded = initiative_columns();
    let initiatives = initiative::Entity::find()
        .filter(which)
        .filter(initiative::Column::WithdrawnAt.is_null())
        .order_by_asc(initiative::Column::Id)
        .limit(limit)
        .select_only()
        .columns([
            initiative::Column::Id,
            initiative::Column::PlaceId,
            initiative::Column::LeadOrganisationId,
            initiative::Column::TitleFolded,
            initiative::Column::Version,
            initiative::Column::PublishedAt,
            initiative::Column::StartedOn,
            initiative::Column::EndedOn,
            initiative::Column::DisclosureKey,
            initiative::Column::Missing,
        ])
        .expr(coded.to_expression())
        .into_tuple::<(
            Uuid,
            Option<Uuid>,
            Uuid,
            String,
            i32,
            DateTime<Utc>,
            Option<NaiveDate>,
            Option<NaiveDate>,
            i64,
            Option<Json>,
            i32,
        )>()
        .all(db)
        .await?;
    let organisation = |id: Uuid| {
        snapshot
            .organisations
            .number(id)
            .ok_or_else(|| DbErr::Custom(format!("organisation {id} is not in the log")))
    };
    let mut rows = Vec::with_capacity(initiatives.len());
    for (
        id,
        place,
        lead,
        title,
        version,
        published_at,
        started_on,
        ended_on,
        disclosure_key,
        missing,
        codes,
    ) in initiatives
    {
        let [ongoing, visibility, shared_with_funders, illustrative] = coded.unpack(codes);
        rows.push(IndexedInitiative {
            id,
            cell_key: disclosure_key.to_le_bytes()[0],
            place: place.and_then(|place| snapshot.places.number(place)),
            lead: organisation(lead)?,
            title: title.into(),
            version,
            published_at,
            started_on,
            ended_on,
            ongoing: decode_flag(ongoing),
            visibility: decode_code(Visibility::ALL, visibility).unwrap_or(Visibility::AggregateOnly),
            shared_with_funders: decode_flag(shared_with_funders) == Some(true),
            illustrative: decode_flag(illustrative) == Some(true),
            entry_points: Default::default(),
            steps: Default::default(),
            reasons: Default::default(),
            changes: Default::default(),
            terms: Vec::new(),
            missing: missing_column::list_missing_in_record(&parse_missing_reasons(missing)?).collect(),
            missing_in_terms: Vec::new(),
        });
    }
    let (Some(first), Some(last)) = (rows.first().map(|row| row.id), rows.last().map(|row| row.id)) else {
        return Ok(rows);
    };
    // The parts of a page are loaded by the range of its ids, and those of other rows by each id.
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let range = limit.is_some().then_some((first, last));
    let mut parts = IndexRowLoader { db, range, ids, rows };
    parts.load_entry_points().await?;
    parts.load_challenges().await?;
    parts.load_conditions().await?;
    parts.load_funding_terms(organisation).await?;
    for row in &mut parts.rows {
        row.missing.sort_unstable();
        row.missing_in_terms.sort_unstable();
    }
    Ok(parts.rows)
}

/// Loads the parts of some initiatives into their rows.
struct IndexRowLoader<'a, C> {
    db: &'a C,
    /// The first and last id, if the rows are all published initiatives between them.
    range: Option<(Uuid, Uuid)>,
    ids: Vec<Uuid>,
    rows: Vec<IndexedInitiative>,
}

impl<C: ConnectionTrait> IndexRowLoader<'_, C> {
    /// The condition that selects the rows of these initiatives in the table of a part.
    fn belongs_condition<P: Part>(&self) -> Expr {
        let initiative_id = Expr::col((P::default(), P::INITIATIVE_ID));
        match self.range {
            Some((first, last)) => initiative_id.between(first, last),
            None => is_in(self.db, initiative_id, self.ids.iter().copied()),
        }
    }

    fn find_row(&mut self, id: Uuid) -> Option<&mut IndexedInitiative> {
        // Withdrawn initiatives in the range have no row.
        let at = self.ids.binary_search(&id).ok()?;
        self.rows.get_mut(at)
    }

    async fn load_entry_points(&mut self) -> Result<(), DbErr> {
        use entry_point_taken::Column;
        let coded = PackedColumns::new([
            (
                Column::Perspective,
                list_codes(Perspective::ALL, Perspective::code),
            ),
            (Column::EntryPoint, list_codes(EntryPoint::ALL, EntryPoint::code)),
        ]);
        let taken = entry_point_taken::Entity::find()
            .filter(self.belongs_condition::<entry_point_taken::Entity>())
            .select_only()
            .columns([Column::InitiativeId, Column::Position])
            .expr(coded.to_expression())
            .into_tuple::<(Uuid, i32, i32)>()
            .all(self.db)
            .await?;
        for (id, position, codes) in taken {
            let [Some(perspective), Some(entry_point)] = coded.unpack(codes) else {
                continue;
            };
            let Some(row) = self.find_row(id) else { continue };
            let PerspectiveEntryPoints { way_in, later } = &mut row.entry_points[perspective];
            if position == 1 {
                *way_in = EntryPoint::ALL.get(entry_point).copied();
            } else {
                *later |= 1 << entry_point;
            }
        }
        Ok(())
    }

    async fn load_challenges(&mut self) -> Result<(), DbErr> {
        use challenge_faced::Column;
        let challenge = || (Column::Challenge, list_codes(Challenge::ALL, Challenge::code));
        let coded = PackedColumns::new([
            challenge(),
            (Column::Step, list_codes(ChallengeStep::ALL, ChallengeStep::code)),
        ]);
        let faced = challenge_faced::Entity::find()
            .filter(self.belongs_condition::<challenge_faced::Entity>())
            .select_only()
            .columns([Column::InitiativeId, Column::Missing])
            .expr(coded.to_expression())
            .into_tuple::<(Uuid, Option<Json>, i32)>()
            .all(self.db)
            .await?;
        for (id, missing, codes) in faced {
            let [Some(challenge), step] = coded.unpack(codes) else {
                continue;
            };
            let Some(row) = self.find_row(id) else { continue };
            row.steps[challenge] = decode_code(ChallengeStep::ALL, step);
            row.missing.extend(missing_column::list_missing_in_challenge(
                Challenge::ALL[challenge],
                &parse_missing_reasons(missing)?,
            ));
        }
        let (coded, of_reason) = (
            PackedColumns::new([challenge()]),
            PackedColumns::new([(
                challenge_reason::Column::Reason,
                list_codes(ChallengeReason::ALL, ChallengeReason::code),
            )]),
        );
        let reasons = challenge_reason::Entity::find()
            .inner_join(challenge_faced::Entity)
            .filter(self.belongs_condition::<challenge_faced::Entity>())
            .select_only()
            .column(Column::InitiativeId)
            .expr(coded.to_expression())
            .expr(of_reason.to_expression())
            .into_tuple::<(Uuid, i32, i32)>()
            .all(self.db)
            .await?;
        for (id, challenge, reason) in reasons {
            let ([Some(challenge)], [Some(reason)]) = (coded.unpack(challenge), of_reason.unpack(reason))
            else {
                continue;
            };
            let Some(row) = self.find_row(id) else { continue };
            row.reasons[challenge] |= 1 << reason;
        }
        Ok(())
    }

    async fn load_conditions(&mut self) -> Result<(), DbErr> {
        use condition_changed::Column;
        let coded = PackedColumns::new([
            (Column::Condition, list_codes(Condition::ALL, Condition::code)),
            (Column::Change, list_codes(ChangeExtent::ALL, ChangeExtent::code)),
        ]);
        let changed = condition_changed::Entity::find()
            .filter(self.belongs_condition::<condition_changed::Entity>())
            .select_only()
            .columns([Column::InitiativeId, Column::Missing])
            .expr(coded.to_expression())
            .into_tuple::<(Uuid, Option<Json>, i32)>()
            .all(self.db)
            .await?;
        for (id, missing, codes) in changed {
            let [Some(condition), change] = coded.unpack(codes) else {
                continue;
            };
            let Some(row) = self.find_row(id) else { continue };
            row.changes[condition] = decode_code(ChangeExtent::ALL, change);
            row.missing.extend(missing_column::find_missing_in_condition(
                Condition::ALL[condition],
                &parse_missing_reasons(missing)?,
            ));
        }
        Ok(())
    }

    async fn load_funding_terms(
        &mut self,
        organisation: impl Fn(Uuid) -> Result<u32, DbErr>,
    ) -> Result<(), DbErr> {
        use funding_term::Column;
        let coded = funding_term_columns();
        let terms = funding_term::Entity::find()
            .filter(self.belongs_condition::<funding_term::Entity>())
            .order_by_asc(Column::InitiativeId)
            .order_by_asc(Column::Position)
            .select_only()
            .columns([
                Column::InitiativeId,
                Column::FunderId,
                Column::DurationMonths,
                Column::AmountMinor,
                Column::Currency,
                Column::StartsOn,
                Column::Missing,
            ])
            .expr(coded.to_expression())
            .into_tuple::<(
                Uuid,
                Uuid,
                Option<i32>,
                Option<i64>,
                Option<String>,
                Option<NaiveDate>,
                Option<Json>,
                i32,
            )>()
            .all(self.db)
            .await?;
        for (initiative, funder, duration_months, amount_minor, currency, starts_on, missing, codes) in terms
        {
            let funder = organisation(funder)?;
            let Some(row) = self.find_row(initiative) else {
                continue;
            };
            let place = u32::try_from(row.terms.len()).unwrap_or(u32::MAX);
            let reasons = parse_missing_reasons(missing)?;
            let of_term =
                missing_column::list_missing_in_term(&reasons).map(|(field, why)| (place, field, why));
            row.missing_in_terms.extend(of_term);
            row.terms.push(IndexedFundingTerm {
                funder,
                duration_months,
                amount_minor,
                currency: currency
                    .and_then(|currency| currency.to_ascii_lowercase().as_bytes().try_into().ok()),
                starts_on,
                choices: coded
                    .unpack(codes)
                    .map(|number| number.and_then(|number| u8::try_from(number).ok())),
            });
        }
        Ok(())
    }
}

fn parse_missing_reasons<F: Field>(missing: Option<Json>) -> Result<MissingReasons<F>, DbErr> {
    MissingReasons::from_json(missing.as_ref()).map_err(|cause| DbErr::Custom(format!("{cause:?}")))
}

fn initiative_columns() -> PackedColumns<initiative::Column, 4> {
    use initiative::Column;
    PackedColumns::new([
        (Column::Ongoing, flag_values()),
        (Column::Visibility, list_codes(Visibility::ALL, Visibility::code)),
        (Column::SharedWithFunders, flag_values()),
        (Column::Illustrative, flag_values()),
    ])
}

fn funding_term_columns() -> PackedColumns<funding_term::Column, { FundingChoice::ALL.len() }> {
    PackedColumns::new(FundingChoice::ALL.map(|choice| (choice_column(choice), choice_values(choice))))
}

/// Columns of closed vocabularies, packed into one integer. The database then sends one value instead of one text for
/// each column. Sending those texts takes most of the time of a full load.
struct PackedColumns<C, const COLUMNS: usize>([(C, Vec<Value>); COLUMNS]);

fn list_codes<T: Copy>(all: &[T], code: impl Fn(T) -> &'static str) -> Vec<Value> {
    all.iter().map(|one| code(*one).into()).collect()
}

fn flag_values() -> Vec<Value> {
    vec![false.into(), true.into()]
}

fn decode_code<T: Copy>(all: &[T], code: Option<usize>) -> Option<T> {
    code.and_then(|code| all.get(code)).copied()
}

fn decode_flag(code: Option<usize>) -> Option<bool> {
    code.map(|code| code == 1)
}

impl<C: ColumnTrait, const COLUMNS: usize> PackedColumns<C, COLUMNS> {
    const fn new(columns: [(C, Vec<Value>); COLUMNS]) -> Self {
        Self(columns)
    }

    /// The integer, in a mixed radix. Each column is a digit, the first column the lowest. The base of a digit is one
    /// more than the number of its codes, as 0 means not known.
    fn to_expression(&self) -> Expr {
        let digits = self.0.iter().map(|(column, values)| -> (Expr, usize) {
            let mut digit = CaseStatement::new();
            for (code, value) in (1..).zip(values) {
                digit = digit.case(column.eq(value.clone()), Expr::val(code));
            }
            (digit.finally(0).into(), values.len() + 1)
        });
        let number = digits.reduce(|(number, size), (digit, of_digit)| {
            let shift = i32::try_from(size).unwrap_or(i32::MAX);
            (number.add(digit.mul(shift)), size * of_digit)
        });
        number.map_or_else(|| Expr::val(0), |(number, _)| number)
    }

    /// The position of each column's code in its list. None if it is not known.
    fn unpack(&self, number: i32) -> [Option<usize>; COLUMNS] {
        let mut left = usize::try_from(number).unwrap_or(0);
        std::array::from_fn(|column| {
            let size = self.0[column].1.len() + 1;
            let digit = left % size;
            left /= size;
            digit.checked_sub(1)
        })
    }
}
