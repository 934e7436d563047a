//! Loads the rows of initiatives for the index.
//!
//! A load of all initiatives reads each table from its beginning to its end, and joins the rows in memory. A join in the
//! database searches for each part: with the rows in random order in the file, SQLite then took three times as long. Two
//! connections read, and other threads join the rows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream, try_join};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, JsonValue as Json, QueryFilter,
    StreamTrait, Value,
    sea_query::{CaseStatement, Expr},
};
use uuid::Uuid;
use wayin_engine::index::missing_column;
use wayin_engine::index::{
    CHUNK_ROWS, Chunk, CodeSet, IndexedFundingTerm, IndexedInitiative, OrganisationDictionary,
    PerspectiveEntryPoints, PlaceDictionary, Snapshot,
};
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, EntryPoint, Perspective, Visibility,
    challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term, initiative,
};
use wayin_records::fields::Field;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_records::missing::MissingReasons;

use crate::database::json_rows::TupleQuery;
use crate::database::{is_one_of_ids, run_blocking};
use crate::store::funding_terms::{choice_column, choice_values};
use crate::store::whole_records::is_part_of;

/// How many chunks are packed at the same time.
const CHUNKS_PACKED_TOGETHER: usize = 2;

/// The columns of an initiative, and its packed codes.
type InitiativeColumns = (
    Uuid,
    Option<Uuid>,
    Uuid,
    String,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<NaiveDate>,
    Option<NaiveDate>,
    i64,
    Option<Json>,
    i32,
);

/// The initiative, the position and the packed codes.
type EntryPointColumns = (Uuid, i32, i32);

/// The challenge faced, the initiative, the missing reasons and the packed codes.
type ChallengeColumns = (Uuid, Uuid, Option<Json>, i32);

/// The challenge faced and the packed code.
type ReasonColumns = (Uuid, i32);

/// The initiative, the missing reasons and the packed codes.
type ConditionColumns = (Uuid, Option<Json>, i32);

/// The columns of a funding term, and its packed codes.
type FundingTermColumns = (
    Uuid,
    i32,
    Uuid,
    Option<i32>,
    Option<i32>,
    Option<i64>,
    Option<String>,
    Option<NaiveDate>,
    Option<Json>,
    i32,
);

/// Loads all published initiatives, with the numbers of the snapshot's dictionaries. Both connections see the database
/// at the same moment; they can be one connection. `progress` receives the number of rows read so far.
pub(super) async fn load_all_chunks<C: ConnectionTrait + StreamTrait>(
    [db, second]: [&C; 2],
    snapshot: &Snapshot,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Arc<Chunk>>, DbErr> {
    let read_count = AtomicUsize::new(0);
    let count = &|rows| progress(read_count.fetch_add(rows, Ordering::Relaxed) + rows);
    let joined = SharedRows(Arc::new(Mutex::new(IndexRows::new(snapshot))));
    try_join!(
        select_initiatives().scan(db, joined.make_adder(IndexRows::add_initiatives), count),
        select_reasons().scan(
            second,
            joined.make_adder(|joined, rows| {
                joined.add_reasons(rows);
                Ok(())
            }),
            count
        ),
    )?;
    let shared = joined.clone();
    run_blocking(move || {
        shared.lock().number_initiatives();
        Ok(())
    })
    .await?;
    let entry_points_and_terms = async {
        let add = joined.make_adder(|joined, rows| {
            joined.add_entry_points(rows);
            Ok(())
        });
        select_entry_points().scan(db, add, count).await?;
        let add = joined.make_adder(IndexRows::add_funding_terms);
        select_funding_terms().scan(db, add, count).await
    };
    let challenges_and_conditions = async {
        let add = joined.make_adder(IndexRows::add_challenges);
        select_challenges().scan(second, add, count).await?;
        let add = joined.make_adder(IndexRows::add_conditions);
        select_conditions().scan(second, add, count).await
    };
    try_join!(entry_points_and_terms, challenges_and_conditions)?;
    let pack = |rows: ChunkRows| run_blocking(move || Ok(Arc::new(Chunk::pack(&rows.join_terms()))));
    let joined = std::mem::take(&mut *joined.lock());
    stream::iter(joined.into_chunks())
        .map(pack)
        .buffered(CHUNKS_PACKED_TOGETHER)
        .try_collect()
        .await
}

/// Loads those of the initiatives that are published, in the order of their ids.
pub(super) async fn load_initiatives(
    db: &impl ConnectionTrait,
    snapshot: &Snapshot,
    ids: &[Uuid],
) -> Result<Vec<IndexedInitiative>, DbErr> {
    let mut rows = IndexRows::new(snapshot);
    let these = is_one_of_ids(db, initiative::Column::Id.into_expr(), ids);
    rows.add_initiatives(select_initiatives().filter(these).load(db).await?)?;
    rows.number_initiatives();
    let of_these = is_part_of::<entry_point_taken::Entity>(db, ids);
    rows.add_entry_points(select_entry_points().filter(of_these).load(db).await?);
    let of_these = is_part_of::<challenge_faced::Entity>(db, ids);
    let challenges = select_challenges().filter(of_these).load(db).await?;
    let faced: Vec<Uuid> = challenges.iter().map(|challenge| challenge.0).collect();
    let of_faced = is_one_of_ids(db, challenge_reason::Column::ChallengeFacedId.into_expr(), &faced);
    rows.add_reasons(select_reasons().filter(of_faced).load(db).await?);
    rows.add_challenges(challenges)?;
    let of_these = is_part_of::<condition_changed::Entity>(db, ids);
    rows.add_conditions(select_conditions().filter(of_these).load(db).await?)?;
    let of_these = is_part_of::<funding_term::Entity>(db, ids);
    rows.add_funding_terms(select_funding_terms().filter(of_these).load(db).await?)?;
    Ok(rows.into_chunks().flat_map(ChunkRows::join_terms).collect())
}

fn select_initiatives() -> TupleQuery<initiative::Entity, InitiativeColumns> {
    use initiative::{Column, Entity};
    let published = Entity::find().filter(Column::WithdrawnAt.is_null());
    let columns = [
        Column::Id,
        Column::PlaceId,
        Column::LeadOrganisationId,
        Column::TitleFolded,
        Column::PublishedAt,
        Column::UpdatedAt,
        Column::StartedOn,
        Column::EndedOn,
        Column::DisclosureKey,
        Column::Missing,
    ];
    TupleQuery::new(published, &columns, [initiative_columns().to_expression()])
}

fn select_entry_points() -> TupleQuery<entry_point_taken::Entity, EntryPointColumns> {
    use entry_point_taken::{Column, Entity};
    let codes = [entry_point_columns().to_expression()];
    TupleQuery::new(Entity::find(), &[Column::InitiativeId, Column::Position], codes)
}

fn select_challenges() -> TupleQuery<challenge_faced::Entity, ChallengeColumns> {
    use challenge_faced::{Column, Entity};
    let columns = [Column::Id, Column::InitiativeId, Column::Missing];
    TupleQuery::new(Entity::find(), &columns, [challenge_columns().to_expression()])
}

fn select_reasons() -> TupleQuery<challenge_reason::Entity, ReasonColumns> {
    use challenge_reason::{Column, Entity};
    let codes = [reason_columns().to_expression()];
    TupleQuery::new(Entity::find(), &[Column::ChallengeFacedId], codes)
}

fn select_conditions() -> TupleQuery<condition_changed::Entity, ConditionColumns> {
    use condition_changed::{Column, Entity};
    let codes = [condition_columns().to_expression()];
    TupleQuery::new(Entity::find(), &[Column::InitiativeId, Column::Missing], codes)
}

fn select_funding_terms() -> TupleQuery<funding_term::Entity, FundingTermColumns> {
    use funding_term::{Column, Entity};
    let columns = [
        Column::InitiativeId,
        Column::Position,
        Column::FunderId,
        Column::DurationMonths,
        Column::UpfrontResearchMonths,
        Column::AmountMinor,
        Column::Currency,
        Column::StartsOn,
        Column::Missing,
    ];
    TupleQuery::new(Entity::find(), &columns, [funding_term_columns().to_expression()])
}

/// Rows that several scans add to.
#[derive(Clone)]
struct SharedRows(Arc<Mutex<IndexRows>>);

impl SharedRows {
    fn lock(&self) -> MutexGuard<'_, IndexRows> {
        // A panic of another thread already fails the load: `run_blocking` returns it as an error.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a function that adds rows of a table.
    fn make_adder<T: 'static>(
        &self,
        add: fn(&mut IndexRows, Vec<T>) -> Result<(), DbErr>,
    ) -> impl Fn(Vec<T>) -> Result<(), DbErr> + Clone + Send + use<T> {
        let shared = self.clone();
        move |rows| add(&mut shared.lock(), rows)
    }
}

/// Builds rows of the index from the rows of the tables, which come in any order.
///
/// A code that this version does not know is left out: a newer version may have migrated the database.
#[derive(Default)]
struct IndexRows {
    places: Arc<PlaceDictionary>,
    organisations: Arc<OrganisationDictionary>,
    /// In the order of their ids, once they are numbered.
    initiatives: Vec<IndexedInitiative>,
    /// The position of each initiative in `initiatives`. Empty until they are numbered.
    numbers: HashMap<Uuid, u32>,
    /// The reasons for the step of each challenge faced.
    reasons: HashMap<Uuid, CodeSet>,
    /// The funding terms of each chunk.
    terms: Vec<Vec<LoadedTerm>>,
}

/// The initiatives of one chunk, and their funding terms before they are joined.
struct ChunkRows {
    initiatives: Vec<IndexedInitiative>,
    terms: Vec<LoadedTerm>,
}

/// A funding term that is not joined with its initiative yet.
struct LoadedTerm {
    /// The row of the initiative in its chunk.
    row: u16,
    position: u32,
    term: IndexedFundingTerm,
}

impl IndexRows {
    fn new(snapshot: &Snapshot) -> Self {
        Self {
            places: Arc::clone(&snapshot.places),
            organisations: Arc::clone(&snapshot.organisations),
            ..Self::default()
        }
    }

    fn find_organisation(&self, id: Uuid) -> Result<u32, DbErr> {
        let number = self.organisations.number(id);
        number.ok_or_else(|| DbErr::Custom(format!("organisation {id} is not in the log")))
    }

    /// Sorts and numbers the initiatives. Call it before parts are added: a part whose initiative has no number is left out.
    fn number_initiatives(&mut self) {
        self.initiatives.sort_unstable_by_key(|row| row.id);
        self.terms
            .resize_with(self.initiatives.len().div_ceil(CHUNK_ROWS), Vec::new);
        self.numbers = (0..)
            .zip(&self.initiatives)
            .map(|(number, row)| (row.id, number))
            .collect();
    }

    /// An initiative. None if it is withdrawn: the tables of parts also have the parts of withdrawn initiatives.
    fn find(&mut self, id: Uuid) -> Option<&mut IndexedInitiative> {
        self.initiatives.get_mut(*self.numbers.get(&id)? as usize)
    }

    fn add_initiatives(&mut self, initiatives: Vec<InitiativeColumns>) -> Result<(), DbErr> {
        let coded = initiative_columns();
        for (
            id,
            place,
            lead,
            title,
            published_at,
            updated_at,
            started_on,
            ended_on,
            disclosure_key,
            missing,
            codes,
        ) in initiatives
        {
            let [ongoing, visibility, shared_with_funders, illustrative] = coded.unpack(codes);
            let row = IndexedInitiative {
                id,
                cell_key: disclosure_key.to_le_bytes()[0],
                place: place.and_then(|place| self.places.number(place)),
                lead: self.find_organisation(lead)?,
                title: title.into(),
                published_at,
                updated_at,
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
            };
            self.initiatives.push(row);
        }
        Ok(())
    }

    fn add_entry_points(&mut self, taken: Vec<EntryPointColumns>) {
        let coded = entry_point_columns();
        for (id, position, codes) in taken {
            let [Some(perspective), Some(entry_point)] = coded.unpack(codes) else {
                continue;
            };
            let Some(row) = self.find(id) else { continue };
            let PerspectiveEntryPoints { way_in, later } = &mut row.entry_points[perspective];
            if position == 1 {
                *way_in = EntryPoint::ALL.get(entry_point).copied();
            } else {
                *later |= 1 << entry_point;
            }
        }
    }

    fn add_reasons(&mut self, reasons: Vec<ReasonColumns>) {
        let coded = reason_columns();
        for (challenge_faced, codes) in reasons {
            if let [Some(reason)] = coded.unpack(codes) {
                *self.reasons.entry(challenge_faced).or_default() |= 1 << reason;
            }
        }
    }

    /// Adds challenges. Their reasons are already added.
    fn add_challenges(&mut self, faced: Vec<ChallengeColumns>) -> Result<(), DbErr> {
        let coded = challenge_columns();
        for (challenge_faced, id, missing, codes) in faced {
            let [Some(challenge), step] = coded.unpack(codes) else {
                continue;
            };
            let reasons = self.reasons.remove(&challenge_faced).unwrap_or_default();
            let Some(row) = self.find(id) else { continue };
            row.reasons[challenge] = reasons;
            row.steps[challenge] = decode_code(ChallengeStep::ALL, step);
            row.missing.extend(missing_column::list_missing_in_challenge(
                Challenge::ALL[challenge],
                &parse_missing_reasons(missing)?,
            ));
        }
        Ok(())
    }

    fn add_conditions(&mut self, changed: Vec<ConditionColumns>) -> Result<(), DbErr> {
        let coded = condition_columns();
        for (id, missing, codes) in changed {
            let [Some(condition), change] = coded.unpack(codes) else {
                continue;
            };
            let Some(row) = self.find(id) else { continue };
            row.changes[condition] = decode_code(ChangeExtent::ALL, change);
            row.missing.extend(missing_column::find_missing_in_condition(
                Condition::ALL[condition],
                &parse_missing_reasons(missing)?,
            ));
        }
        Ok(())
    }

    fn add_funding_terms(&mut self, terms: Vec<FundingTermColumns>) -> Result<(), DbErr> {
        let coded = funding_term_columns();
        for (
            id,
            position,
            funder,
            duration_months,
            research_months,
            amount_minor,
            currency,
            starts_on,
            missing,
            codes,
        ) in terms
        {
            let Some(number) = self.numbers.get(&id).map(|number| *number as usize) else {
                continue;
            };
            let funder = self.find_organisation(funder)?;
            let position = u32::try_from(position).map_err(|_| {
                DbErr::Custom(format!(
                    "a funding term of initiative {id} has the negative position {position}"
                ))
            })?;
            let reasons = parse_missing_reasons(missing)?;
            let missing =
                missing_column::list_missing_in_term(&reasons).map(|(field, why)| (position, field, why));
            self.initiatives[number].missing_in_terms.extend(missing);
            let term = IndexedFundingTerm {
                funder,
                duration_months,
                research_months,
                amount_minor,
                currency: currency.as_deref().and_then(to_lower_case_currency),
                starts_on,
                choices: coded
                    .unpack(codes)
                    .map(|number| number.and_then(|number| u8::try_from(number).ok())),
            };
            self.terms[number / CHUNK_ROWS].push(LoadedTerm {
                row: u16::try_from(number % CHUNK_ROWS).unwrap_or(u16::MAX),
                position,
                term,
            });
        }
        Ok(())
    }

    /// The rows of each chunk, in the order of their ids.
    fn into_chunks(self) -> impl Iterator<Item = ChunkRows> + Send {
        let mut initiatives = self.initiatives.into_iter();
        self.terms.into_iter().map(move |terms| ChunkRows {
            initiatives: initiatives.by_ref().take(CHUNK_ROWS).collect(),
            terms,
        })
    }
}

impl ChunkRows {
    /// Joins the initiatives with their funding terms, in the order of the record.
    fn join_terms(mut self) -> Vec<IndexedInitiative> {
        self.terms.sort_unstable_by_key(|term| (term.row, term.position));
        for terms in self.terms.chunk_by(|one, next| one.row == next.row) {
            let initiative = &mut self.initiatives[usize::from(terms[0].row)];
            initiative.terms = terms.iter().map(|loaded| loaded.term).collect();
            // Until now, a missing reason names its term by its position in the record.
            for (term, ..) in &mut initiative.missing_in_terms {
                let index = terms.partition_point(|loaded| loaded.position < *term);
                *term = u32::try_from(index).unwrap_or(u32::MAX);
            }
        }
        for initiative in &mut self.initiatives {
            initiative.missing.sort_unstable();
            initiative.missing_in_terms.sort_unstable();
        }
        self.initiatives
    }
}

/// The letters of a currency in lower case. None unless there are three.
pub(super) fn to_lower_case_currency(currency: &str) -> Option<[u8; 3]> {
    currency.to_ascii_lowercase().as_bytes().try_into().ok()
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

fn entry_point_columns() -> PackedColumns<entry_point_taken::Column, 2> {
    use entry_point_taken::Column;
    PackedColumns::new([
        (
            Column::Perspective,
            list_codes(Perspective::ALL, Perspective::code),
        ),
        (Column::EntryPoint, list_codes(EntryPoint::ALL, EntryPoint::code)),
    ])
}

fn challenge_columns() -> PackedColumns<challenge_faced::Column, 2> {
    use challenge_faced::Column;
    PackedColumns::new([
        (Column::Challenge, list_codes(Challenge::ALL, Challenge::code)),
        (Column::Step, list_codes(ChallengeStep::ALL, ChallengeStep::code)),
    ])
}

fn reason_columns() -> PackedColumns<challenge_reason::Column, 1> {
    let reasons = list_codes(ChallengeReason::ALL, ChallengeReason::code);
    PackedColumns::new([(challenge_reason::Column::Reason, reasons)])
}

fn condition_columns() -> PackedColumns<condition_changed::Column, 2> {
    use condition_changed::Column;
    PackedColumns::new([
        (Column::Condition, list_codes(Condition::ALL, Condition::code)),
        (Column::Change, list_codes(ChangeExtent::ALL, ChangeExtent::code)),
    ])
}

fn funding_term_columns() -> PackedColumns<funding_term::Column, { FundingChoice::ALL.len() }> {
    PackedColumns::new(FundingChoice::ALL.map(|choice| (choice_column(choice), choice_values(choice))))
}

/// Columns of closed vocabularies, packed into one integer. The database then sends one value instead of one text for
/// each column. Without this, sending the texts took most of the time of a full load.
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
