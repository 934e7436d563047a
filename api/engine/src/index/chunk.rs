//! The rows of the index, and the chunks that store them as columns.
//!
//! A chunk has up to [`CHUNK_ROWS`] initiatives in the order of their ids. Numbers are in the narrowest possible columns,
//! and codes of vocabularies are in one bitmap for each code. The funding terms of an initiative are adjacent, with
//! offsets as in a sparse matrix. Chunks are immutable: to change one, unpack its rows and pack a new chunk.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use uuid::Uuid;
use wayin_records::fields::FundingTermField;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, EntryPoint, MissingReason,
    Perspective, Visibility,
};

use super::bitmap::{Bitmap, TruthBitmaps};
use super::code_bitmaps::{CodeBitmaps, CodeSet};
use super::column::Column;
use super::missing_column::{self, IndexedField, MissingColumn, MissingField};
use crate::list::row_order::{RowOrders, SortField, SortKey};

/// The most rows of a chunk.
pub const CHUNK_ROWS: usize = 4096;

/// The number of perspectives.
pub const PERSPECTIVE_COUNT: usize = Perspective::ALL.len();
/// The number of challenges.
pub const CHALLENGE_COUNT: usize = Challenge::ALL.len();
/// The number of conditions for change.
pub const CONDITION_COUNT: usize = Condition::ALL.len();

/// The entry points of one perspective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerspectiveEntryPoints {
    /// The way in; none if nothing is recorded.
    pub way_in: Option<EntryPoint>,
    /// The later entry points.
    pub later: CodeSet,
}

/// An initiative in the index. Places and organisations are numbers in the dictionaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedInitiative {
    /// Its id.
    pub id: Uuid,
    /// Its key for disclosure control. The key of a cell is the sum of these.
    pub cell_key: u8,
    /// Its place.
    pub place: Option<u32>,
    /// Its lead organisation.
    pub lead: u32,
    /// Its title in lower case.
    pub title: Box<str>,
    /// When it was first published.
    pub published_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The day it started.
    pub started_on: Option<NaiveDate>,
    /// The day it ended.
    pub ended_on: Option<NaiveDate>,
    /// Whether it is ongoing.
    pub ongoing: Option<bool>,
    /// Who can see it.
    pub visibility: Visibility,
    /// Whether its funders can see all of it.
    pub shared_with_funders: bool,
    /// Whether it is illustrative.
    pub illustrative: bool,
    /// Its entry points, by perspective.
    pub entry_points: [PerspectiveEntryPoints; PERSPECTIVE_COUNT],
    /// The step of each challenge.
    pub steps: [Option<ChallengeStep>; CHALLENGE_COUNT],
    /// The reasons for the step of each challenge; 0 for none.
    pub reasons: [CodeSet; CHALLENGE_COUNT],
    /// The change of each condition.
    pub changes: [Option<ChangeExtent>; CONDITION_COUNT],
    /// Its funding terms.
    pub terms: Vec<IndexedFundingTerm>,
    /// The missing fields that predicates test, sorted.
    pub missing: Vec<MissingField<IndexedField>>,
    /// The missing fields of its funding terms, each with the index of the term, sorted.
    pub missing_in_terms: Vec<(u32, FundingTermField, MissingReason)>,
}

#[cfg(test)]
impl IndexedInitiative {
    /// An open record without answers.
    pub(crate) fn open_without_answers(id: u128) -> Self {
        Self {
            id: Uuid::from_u128(id),
            cell_key: 0,
            place: None,
            lead: 0,
            title: "A title".into(),
            published_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            started_on: None,
            ended_on: None,
            ongoing: None,
            visibility: Visibility::Open,
            shared_with_funders: false,
            illustrative: false,
            entry_points: Default::default(),
            steps: Default::default(),
            reasons: Default::default(),
            changes: Default::default(),
            terms: Vec::new(),
            missing: Vec::new(),
            missing_in_terms: Vec::new(),
        }
    }
}

/// For each [`FundingChoice`], the number of its answer; none if it is not known.
pub type FundingChoices = [Option<u8>; FundingChoice::ALL.len()];

/// A funding term in the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexedFundingTerm {
    /// The funder.
    pub funder: u32,
    /// The duration in months.
    pub duration_months: Option<i32>,
    /// The months of research before the work; none if they are not known or if it paid for none.
    pub research_months: Option<i32>,
    /// The amount in the currency's minor unit; never negative.
    pub amount_minor: Option<i64>,
    /// The currency's three letters, in lower case.
    pub currency: Option<[u8; 3]>,
    /// The planned first day.
    pub starts_on: Option<NaiveDate>,
    /// The answers to its choices.
    pub choices: FundingChoices,
}

/// 1 January 2000, in days of the common era. Days since then fit 16 bits.
const DAY_NUMBER_EPOCH: i64 = 730_120;

/// A date as a number: days since 1 January 2000.
pub fn to_day_number(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce()) - DAY_NUMBER_EPOCH
}

/// The date of a day number; none if it is out of range.
pub(crate) fn from_day_number(number: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(number + DAY_NUMBER_EPOCH).ok()?)
}

fn pack_days<'a, T: 'a>(of: impl Iterator<Item = &'a T>, day: impl Fn(&T) -> Option<NaiveDate>) -> Column {
    Column::pack(of.map(|one| day(one).map(to_day_number)))
}

fn decode_code<T: Copy>(all: &[T], code: Option<u8>) -> Option<T> {
    code.and_then(|code| all.get(usize::from(code))).copied()
}

/// Packs a column of booleans: `false` is 0, `true` is 1.
fn pack_flags(rows: usize, flag: impl Fn(usize) -> Option<bool>) -> CodeBitmaps {
    CodeBitmaps::from_codes(rows, 2, |row| flag(row).map(u8::from))
}

fn get_as<T: TryFrom<i64>>(column: &Column, row: usize) -> Option<T> {
    T::try_from(column.get(row)?).ok()
}

fn next_chunk_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Initiatives in the order of their ids, as columns and bitmaps.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Unique in the process. The truth cache stores results under it.
    pub serial: u64,
    ids: Box<[Uuid]>,
    cell_keys: Box<[u8]>,
    /// For each bit of the keys, the rows for which it is set.
    pub cell_key_bits: CodeBitmaps,
    /// The number of the place.
    pub places: Column,
    /// The number of the lead organisation.
    pub leads: Box<[u32]>,
    titles: Box<str>,
    /// Where each title ends.
    title_ends: Box<[u32]>,
    /// When each was first published, in microseconds since 1970.
    published_at: Box<[i64]>,
    /// When each last changed, in microseconds since 1970.
    pub updated_at: Column,
    /// The rows in the orders that lists can have.
    pub row_orders: RowOrders,
    /// The start date, as [`to_day_number`].
    pub started_on: Column,
    /// The end date, as [`to_day_number`].
    pub ended_on: Column,
    /// Whether it is ongoing: 0 no, 1 yes.
    pub ongoing: CodeBitmaps,
    /// Who can see it.
    pub visibility: CodeBitmaps,
    /// Initiatives of which the funders can see all.
    pub shared_with_funders: Bitmap,
    /// Illustrative initiatives.
    pub illustrative: Bitmap,
    /// The way in, by perspective.
    pub ways_in: [CodeBitmaps; PERSPECTIVE_COUNT],
    /// The later entry points, by perspective.
    pub later: [CodeBitmaps; PERSPECTIVE_COUNT],
    /// The step of each challenge.
    pub steps: [CodeBitmaps; CHALLENGE_COUNT],
    /// The reasons for the step of each challenge.
    pub reasons: [CodeBitmaps; CHALLENGE_COUNT],
    /// The change of each condition.
    pub changes: [CodeBitmaps; CONDITION_COUNT],
    /// Where the terms of each initiative end.
    term_ends: Box<[u32]>,
    /// The row of each term.
    term_rows: Box<[u16]>,
    /// The last term of each row that has terms.
    last_terms: Bitmap,
    rows_with_terms: Bitmap,
    /// The number of the funder of each term. Always known.
    pub funders: Column,
    /// The duration of each term in months.
    pub duration_months: Column,
    /// The months of research before the work that each term paid for.
    pub research_months: Column,
    /// The amount of each term in the currency's minor unit.
    pub amount_minor: Column,
    currencies: Box<[[u8; 3]]>,
    /// The planned first day of each term, as [`to_day_number`].
    pub starts_on: Column,
    /// The answers to the choices of each term.
    pub choices: [CodeBitmaps; FundingChoice::ALL.len()],
    /// The missing fields of the initiatives.
    pub missing: MissingColumn<IndexedField>,
    /// The missing fields of the terms.
    pub missing_in_terms: MissingColumn<FundingTermField>,
}

impl Chunk {
    /// Packs rows, which must be in the order of their ids.
    pub fn pack(rows: &[IndexedInitiative]) -> Self {
        debug_assert!(
            rows.is_sorted_by(|a, b| a.id < b.id),
            "rows in the order of their ids"
        );
        let terms: Vec<&IndexedFundingTerm> = rows.iter().flat_map(|row| &row.terms).collect();
        let ends = |length: fn(&IndexedInitiative) -> usize| -> Box<[u32]> {
            let ends = rows.iter().scan(0, |end, row| {
                *end += length(row);
                Some(u32::try_from(*end).unwrap_or(u32::MAX))
            });
            ends.collect()
        };
        let codes = |all: usize, code: &dyn Fn(&IndexedInitiative) -> Option<u8>| {
            CodeBitmaps::from_codes(rows.len(), all, |row| code(&rows[row]))
        };
        let sets = |all: usize, set: &dyn Fn(&IndexedInitiative) -> CodeSet| {
            CodeBitmaps::from_sets(rows.len(), all, |row| set(&rows[row]))
        };
        // A chunk has at most 4,096 rows.
        let term_rows: Box<[u16]> = (0_u16..)
            .zip(rows)
            .flat_map(|(number, row)| std::iter::repeat_n(number, row.terms.len()))
            .collect();
        let (points, steps, extents) = (
            EntryPoint::ALL.len(),
            ChallengeStep::ALL.len(),
            ChangeExtent::ALL.len(),
        );
        Self {
            serial: next_chunk_serial(),
            ids: rows.iter().map(|row| row.id).collect(),
            cell_keys: rows.iter().map(|row| row.cell_key).collect(),
            cell_key_bits: sets(8, &|row| row.cell_key.into()),
            places: Column::pack(rows.iter().map(|row| row.place.map(i64::from))),
            leads: rows.iter().map(|row| row.lead).collect(),
            titles: rows.iter().map(|row| &*row.title).collect::<String>().into(),
            title_ends: ends(|row| row.title.len()),
            updated_at: Column::pack(rows.iter().map(|row| Some(row.updated_at.timestamp_micros()))),
            published_at: rows
                .iter()
                .map(|row| row.published_at.timestamp_micros())
                .collect(),
            row_orders: RowOrders::default(),
            started_on: pack_days(rows.iter(), |row| row.started_on),
            ended_on: pack_days(rows.iter(), |row| row.ended_on),
            ongoing: pack_flags(rows.len(), |row| rows[row].ongoing),
            visibility: codes(Visibility::ALL.len(), &|row| Some(row.visibility as u8)),
            shared_with_funders: Bitmap::from_fn(rows.len(), |row| rows[row].shared_with_funders),
            illustrative: Bitmap::from_fn(rows.len(), |row| rows[row].illustrative),
            ways_in: std::array::from_fn(|by| {
                codes(points, &|row| row.entry_points[by].way_in.map(|code| code as u8))
            }),
            later: std::array::from_fn(|by| sets(points, &|row| row.entry_points[by].later)),
            steps: std::array::from_fn(|of| codes(steps, &|row| row.steps[of].map(|code| code as u8))),
            reasons: std::array::from_fn(|of| sets(ChallengeReason::ALL.len(), &|row| row.reasons[of])),
            changes: std::array::from_fn(|of| codes(extents, &|row| row.changes[of].map(|code| code as u8))),
            term_ends: ends(|row| row.terms.len()),
            last_terms: Bitmap::from_fn(term_rows.len(), |term| {
                term_rows.get(term + 1) != Some(&term_rows[term])
            }),
            rows_with_terms: Bitmap::from_fn(rows.len(), |row| !rows[row].terms.is_empty()),
            term_rows,
            funders: Column::pack(terms.iter().map(|term| Some(term.funder.into()))),
            duration_months: Column::pack(terms.iter().map(|term| term.duration_months.map(i64::from))),
            research_months: Column::pack(terms.iter().map(|term| term.research_months.map(i64::from))),
            amount_minor: Column::pack(terms.iter().map(|term| term.amount_minor)),
            currencies: terms
                .iter()
                .map(|term| term.currency.unwrap_or_default())
                .collect(),
            starts_on: pack_days(terms.iter(), |term| term.starts_on),
            choices: FundingChoice::ALL.map(|choice| {
                CodeBitmaps::from_codes(terms.len(), choice.count_answers(), |term| {
                    terms[term].choices[choice as usize]
                })
            }),
            missing: missing_column::pack_rows(rows),
            missing_in_terms: missing_column::pack_terms(rows),
        }
    }

    /// Unpacks every row, in the order of the ids.
    pub fn unpack(&self) -> Vec<IndexedInitiative> {
        let mut rows: Vec<IndexedInitiative> = (0..self.len())
            .map(|row| self.unpack_without_reasons(row))
            .collect();
        for (row, missing) in self.missing.iter() {
            rows[row].missing.push(missing);
        }
        for (term, missing) in self.missing_in_terms.iter() {
            let row = self.find_row_of_term(term);
            rows[row]
                .missing_in_terms
                .push(self.locate_term_reason(row, term, missing));
        }
        rows.iter_mut()
            .for_each(|row| row.missing_in_terms.sort_unstable());
        rows
    }

    /// Unpacks one row.
    pub fn unpack_row(&self, row: usize) -> IndexedInitiative {
        let terms = self.term_range(row);
        let missing = self.missing.iter().filter(|(of, _)| *of == row);
        let missing_in_terms = self
            .missing_in_terms
            .iter()
            .filter(|(term, _)| terms.contains(term));
        let mut unpacked = IndexedInitiative {
            missing: missing.map(|(_, missing)| missing).collect(),
            missing_in_terms: missing_in_terms
                .map(|(term, missing)| self.locate_term_reason(row, term, missing))
                .collect(),
            ..self.unpack_without_reasons(row)
        };
        unpacked.missing_in_terms.sort_unstable();
        unpacked
    }

    /// A missing field of a term, with the index of the term within its initiative.
    fn locate_term_reason(
        &self,
        row: usize,
        term: usize,
        (field, reason): MissingField<FundingTermField>,
    ) -> (u32, FundingTermField, MissingReason) {
        let index = term - self.term_range(row).start;
        (u32::try_from(index).unwrap_or(u32::MAX), field, reason)
    }

    /// Unpacks one row without its missing fields.
    fn unpack_without_reasons(&self, row: usize) -> IndexedInitiative {
        IndexedInitiative {
            id: self.ids[row],
            cell_key: self.cell_keys[row],
            place: get_as(&self.places, row),
            lead: self.leads[row],
            title: self.title(row).into(),
            published_at: DateTime::from_timestamp_micros(self.published_at[row]).unwrap_or_default(),
            updated_at: self
                .updated_at
                .get(row)
                .and_then(DateTime::from_timestamp_micros)
                .unwrap_or_default(),
            started_on: self.started_on.get(row).and_then(from_day_number),
            ended_on: self.ended_on.get(row).and_then(from_day_number),
            ongoing: decode_code(&[false, true], self.ongoing.code_at(row)),
            visibility: decode_code(Visibility::ALL, self.visibility.code_at(row))
                .unwrap_or(Visibility::AggregateOnly),
            shared_with_funders: self.shared_with_funders.contains(row),
            illustrative: self.illustrative.contains(row),
            entry_points: std::array::from_fn(|by| PerspectiveEntryPoints {
                way_in: decode_code(EntryPoint::ALL, self.ways_in[by].code_at(row)),
                later: self.later[by].set_at(row),
            }),
            steps: std::array::from_fn(|of| decode_code(ChallengeStep::ALL, self.steps[of].code_at(row))),
            reasons: std::array::from_fn(|of| self.reasons[of].set_at(row)),
            changes: std::array::from_fn(|of| decode_code(ChangeExtent::ALL, self.changes[of].code_at(row))),
            terms: self.term_range(row).map(|term| self.unpack_term(term)).collect(),
            missing: Vec::new(),
            missing_in_terms: Vec::new(),
        }
    }

    fn unpack_term(&self, term: usize) -> IndexedFundingTerm {
        IndexedFundingTerm {
            funder: get_as(&self.funders, term).unwrap_or_default(),
            duration_months: get_as(&self.duration_months, term),
            research_months: get_as(&self.research_months, term),
            amount_minor: self.amount_minor.get(term),
            currency: self.currency(term),
            starts_on: self.starts_on.get(term).and_then(from_day_number),
            choices: std::array::from_fn(|choice| self.choices[choice].code_at(term)),
        }
    }

    /// The number of initiatives.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no initiatives.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The number of funding terms.
    pub fn term_count(&self) -> usize {
        self.currencies.len()
    }

    /// The funding terms of one initiative.
    pub fn term_range(&self, row: usize) -> std::ops::Range<usize> {
        let start = row.checked_sub(1).map_or(0, |before| self.term_ends[before]);
        start as usize..self.term_ends[row] as usize
    }

    /// The initiative of a funding term.
    pub fn find_row_of_term(&self, term: usize) -> usize {
        self.term_rows[term].into()
    }

    /// The ids, sorted.
    pub fn ids(&self) -> &[Uuid] {
        &self.ids
    }

    /// The keys of the initiatives for disclosure control.
    pub fn cell_keys(&self) -> &[u8] {
        &self.cell_keys
    }

    /// The title in lower case.
    pub fn title(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.title_ends[before]);
        &self.titles[start as usize..self.title_ends[row] as usize]
    }

    /// The value that a list is sorted by.
    pub fn sort_key(&self, field: SortField, row: usize) -> SortKey<&str> {
        match field {
            SortField::Published => SortKey::Number(self.published_at[row]),
            SortField::Title => SortKey::Text(self.title(row)),
            SortField::StartedOn => self.started_on.get(row).into(),
            SortField::EndedOn => self.ended_on.get(row).into(),
            SortField::Updated => self.updated_at.get(row).into(),
        }
    }

    /// The three letters of the currency of a term, in lower case.
    pub fn currency(&self, term: usize) -> Option<[u8; 3]> {
        (self.currencies[term] != [0; 3]).then_some(self.currencies[term])
    }

    /// Whether a predicate on funding terms is TRUE for any term of each initiative: TRUE if it is for one term, otherwise
    /// UNKNOWN if it is UNKNOWN for one term or if there is no term.
    pub fn any_term(&self, terms: &TruthBitmaps) -> TruthBitmaps {
        let not_false = Bitmap::full(self.term_count()).difference(&terms.false_rows);
        TruthBitmaps {
            true_rows: self.find_rows_with(&terms.true_rows),
            false_rows: self.rows_with_terms.difference(&self.find_rows_with(&not_false)),
        }
    }

    /// The rows that have one of some terms.
    fn find_rows_with(&self, terms: &Bitmap) -> Bitmap {
        let mut rows = Bitmap::empty(self.len());
        let last_terms = terms.segments_with_any(&self.last_terms);
        last_terms.for_each(|term| rows.insert(self.term_rows[term].into()));
        rows
    }

    /// The approximate size in bytes.
    pub fn size_in_bytes(&self) -> usize {
        let columns = [
            &self.places,
            &self.started_on,
            &self.ended_on,
            &self.updated_at,
            &self.funders,
            &self.duration_months,
            &self.research_months,
            &self.amount_minor,
            &self.starts_on,
        ];
        let codes = [&self.cell_key_bits, &self.ongoing, &self.visibility];
        let codes = codes
            .into_iter()
            .chain(&self.ways_in)
            .chain(&self.later)
            .chain(&self.steps)
            .chain(&self.reasons)
            .chain(&self.changes)
            .chain(&self.choices);
        size_of::<Self>()
            + size_of_val(&*self.ids)
            + size_of_val(&*self.cell_keys)
            + size_of_val(&*self.leads)
            + self.titles.len()
            + size_of_val(&*self.title_ends)
            + size_of_val(&*self.published_at)
            + self.row_orders.size_in_bytes()
            + size_of_val(&*self.term_ends)
            + size_of_val(&*self.term_rows)
            + size_of_val(self.last_terms.words())
            + size_of_val(self.rows_with_terms.words())
            + size_of_val(&*self.currencies)
            + size_of_val(self.shared_with_funders.words())
            + size_of_val(self.illustrative.words())
            + self.missing.size_in_bytes()
            + self.missing_in_terms.size_in_bytes()
            + columns.into_iter().map(Column::size_in_bytes).sum::<usize>()
            + codes.map(CodeBitmaps::size_in_bytes).sum::<usize>()
    }
}

// Choices index `Chunk::choices`.
const _: () = {
    let mut position = 0;
    while position < FundingChoice::ALL.len() {
        assert!(FundingChoice::ALL[position] as usize == position);
        position += 1;
    }
};

const _: () = {
    let bits = CodeSet::BITS as usize;
    assert!(EntryPoint::ALL.len() <= bits && ChallengeReason::ALL.len() <= bits);
};
