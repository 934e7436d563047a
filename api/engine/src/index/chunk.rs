//! The rows of the index: as one initiative reads, and as a chunk keeps them.
//!
//! A chunk is a few thousand initiatives in the order of their ids: numbers as
//! columns as narrow as they can be, closed vocabularies as one set of rows for
//! each code; the funding terms of one initiative stand together, with offsets as
//! in a sparse matrix. Chunks are never changed: one that has to change is unpacked
//! into rows and packed anew.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, EntryPoint, MissingReason,
    Perspective, Visibility,
};

use super::bitmap::{Bitmap, TruthBitmaps};
use super::code_bitmaps::{CodeBitmaps, CodeSet};
use super::column::Column;
use super::missing_column;
use super::missing_column::{IndexedField, MissingColumn, MissingField};
use wayin_records::fields::FundingTermField;
use wayin_records::fields::funding_term::FundingChoice;

/// The most rows that a chunk holds.
pub const CHUNK_ROWS: usize = 4096;

/// How many perspectives, challenges and conditions for change there are.
pub const PERSPECTIVE_COUNT: usize = Perspective::ALL.len();
/// How many challenges there are.
pub const CHALLENGE_COUNT: usize = Challenge::ALL.len();
/// How many conditions for change there are.
pub const CONDITION_COUNT: usize = Condition::ALL.len();

/// The entry points of one perspective: which came first, and which came after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerspectiveEntryPoints {
    /// The way in; none where nothing is recorded.
    pub way_in: Option<EntryPoint>,
    /// The later ones.
    pub later: CodeSet,
}

/// One initiative as the index sees it. Places and organisations are numbers in the index's dictionaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedInitiative {
    /// Its id.
    pub id: Uuid,
    /// Its share of a cell's key under disclosure control.
    pub cell_key: u8,
    /// Its place.
    pub place: Option<u32>,
    /// The organisation that leads it.
    pub lead: u32,
    /// Its title in lower case.
    pub title: Box<str>,
    /// The day it started.
    pub started_on: Option<NaiveDate>,
    /// The day it ended.
    pub ended_on: Option<NaiveDate>,
    /// Whether it goes on.
    pub ongoing: Option<bool>,
    /// Who may read it.
    pub visibility: Visibility,
    /// Whether its funders may read it whole.
    pub shared_with_funders: bool,
    /// Whether it was made up to show how Wayin works.
    pub illustrative: bool,
    /// Its entry points, by perspective.
    pub entry_points: [PerspectiveEntryPoints; PERSPECTIVE_COUNT],
    /// What became of each challenge's step.
    pub steps: [Option<ChallengeStep>; CHALLENGE_COUNT],
    /// Why, by challenge; 0 where no reason is given.
    pub reasons: [CodeSet; CHALLENGE_COUNT],
    /// What became of each condition for change.
    pub changes: [Option<ChangeExtent>; CONDITION_COUNT],
    /// The terms that its money came with.
    pub terms: Vec<IndexedFundingTerm>,
    /// Why answers are missing of those fields that conditions look at; in order.
    pub missing: Vec<MissingField<IndexedField>>,
    /// The same of its terms, each told by its place among them; in order.
    pub missing_in_terms: Vec<(u32, FundingTermField, MissingReason)>,
}

#[cfg(test)]
impl IndexedInitiative {
    /// An open record that says nothing.
    pub(crate) fn open_without_answers(id: u128) -> Self {
        Self {
            id: Uuid::from_u128(id),
            cell_key: 0,
            place: None,
            lead: 0,
            title: "A title".into(),
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

/// For each [`FundingChoice`] the number of its answer; none where it is not known.
pub type FundingChoices = [Option<u8>; FundingChoice::ALL.len()];

/// One funding term as the index sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexedFundingTerm {
    /// The organisation that gave the money.
    pub funder: u32,
    /// The length in months.
    pub duration_months: Option<i32>,
    /// The amount in the currency's minor unit; never negative.
    pub amount_minor: Option<i64>,
    /// The currency's three letters, in lower case.
    pub currency: Option<[u8; 3]>,
    /// The planned first day.
    pub starts_on: Option<NaiveDate>,
    /// The answers to its choices, by their numbers.
    pub choices: FundingChoices,
}

/// Days are counted from this one, so that those of our times fit 16 bits.
const DAY_NUMBER_EPOCH: i64 = 730_120; // 1 January 2000, in days of the common era

/// A day as a column holds it: days since 1 January 2000.
pub fn to_day_number(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce()) - DAY_NUMBER_EPOCH
}

fn from_day_number(number: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(number + DAY_NUMBER_EPOCH).ok()?)
}

fn pack_days<'a, T: 'a>(of: impl Iterator<Item = &'a T>, day: impl Fn(&T) -> Option<NaiveDate>) -> Column {
    Column::pack(of.map(|one| day(one).map(to_day_number)))
}

fn decode_code<T: Copy>(all: &[T], code: Option<u8>) -> Option<T> {
    code.and_then(|code| all.get(usize::from(code))).copied()
}

/// The codes of a column of yes and no: `false` is 0, `true` is 1.
fn pack_flags(rows: usize, flag: impl Fn(usize) -> Option<bool>) -> CodeBitmaps {
    CodeBitmaps::from_codes(rows, 2, |row| flag(row).map(u8::from))
}

fn read_flag(planes: &CodeBitmaps, row: usize) -> Option<bool> {
    decode_code(&[false, true], planes.code_at(row))
}

/// Tells one chunk from every other of the process, so that what was worked out for it can be kept.
fn next_chunk_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Initiatives in the order of their ids, as columns and sets of rows.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Told apart by this from every other chunk of the process.
    pub serial: u64,
    ids: Box<[Uuid]>,
    cell_keys: Box<[u8]>,
    /// The rows that have each bit of their share of a cell's key.
    pub cell_key_bits: CodeBitmaps,
    /// The place, by its number.
    pub places: Column,
    /// The lead organisation, by its number.
    pub leads: Box<[u32]>,
    titles: Box<str>,
    /// Where each title ends.
    title_ends: Box<[u32]>,
    /// The day it started, as [`to_day_number`] counts.
    pub started_on: Column,
    /// The day it ended, as [`to_day_number`] counts.
    pub ended_on: Column,
    /// Whether it goes on: 0 no, 1 yes.
    pub ongoing: CodeBitmaps,
    /// Who may read it.
    pub visibility: CodeBitmaps,
    /// Which its funders may read whole.
    pub shared_with_funders: Bitmap,
    /// Which were made up.
    pub illustrative: Bitmap,
    /// The way in, by perspective.
    pub ways_in: [CodeBitmaps; PERSPECTIVE_COUNT],
    /// The entry points after it, by perspective.
    pub later: [CodeBitmaps; PERSPECTIVE_COUNT],
    /// What became of each challenge's step.
    pub steps: [CodeBitmaps; CHALLENGE_COUNT],
    /// Why, by challenge.
    pub reasons: [CodeBitmaps; CHALLENGE_COUNT],
    /// What became of each condition for change.
    pub changes: [CodeBitmaps; CONDITION_COUNT],
    /// Where each initiative's terms end.
    term_ends: Box<[u32]>,
    /// The funder of each term, by its number; always known.
    pub funders: Column,
    /// The length of each term in months.
    pub duration_months: Column,
    /// The amount of each term in the currency's minor unit.
    pub amount_minor: Column,
    currencies: Box<[[u8; 3]]>,
    /// The planned first day of each term, as [`to_day_number`] counts.
    pub starts_on: Column,
    /// The answers to the choices of each term.
    pub choices: [CodeBitmaps; FundingChoice::ALL.len()],
    /// Why answers of the initiatives are missing.
    pub missing: MissingColumn<IndexedField>,
    /// Why answers of the terms are missing.
    pub missing_in_terms: MissingColumn<FundingTermField>,
}

impl Chunk {
    /// Packs rows, which are in the order of their ids.
    pub fn pack(rows: &[IndexedInitiative]) -> Self {
        debug_assert!(
            rows.is_sorted_by(|a, b| a.id < b.id),
            "rows in the order of their ids"
        );
        let terms: Vec<&IndexedFundingTerm> = rows.iter().flat_map(|row| &row.terms).collect();
        let ends = |length: &dyn Fn(&IndexedInitiative) -> usize| {
            rows.iter()
                .scan(0, |end, row| {
                    *end += length(row);
                    Some(u32::try_from(*end).unwrap_or(u32::MAX))
                })
                .collect::<Box<[u32]>>()
        };
        let codes = |all: usize, code: &dyn Fn(&IndexedInitiative) -> Option<u8>| {
            CodeBitmaps::from_codes(rows.len(), all, |row| code(&rows[row]))
        };
        let sets = |all: usize, set: &dyn Fn(&IndexedInitiative) -> CodeSet| {
            CodeBitmaps::from_sets(rows.len(), all, |row| set(&rows[row]))
        };
        let (points, steps) = (EntryPoint::ALL.len(), ChallengeStep::ALL.len());
        Self {
            serial: next_chunk_serial(),
            ids: rows.iter().map(|row| row.id).collect(),
            cell_keys: rows.iter().map(|row| row.cell_key).collect(),
            cell_key_bits: sets(8, &|row| row.cell_key.into()),
            places: Column::pack(rows.iter().map(|row| row.place.map(i64::from))),
            leads: rows.iter().map(|row| row.lead).collect(),
            titles: rows.iter().map(|row| &*row.title).collect::<String>().into(),
            title_ends: ends(&|row| row.title.len()),
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
            changes: std::array::from_fn(|of| {
                codes(ChangeExtent::ALL.len(), &|row| {
                    row.changes[of].map(|code| code as u8)
                })
            }),
            term_ends: ends(&|row| row.terms.len()),
            funders: Column::pack(terms.iter().map(|term| Some(term.funder.into()))),
            duration_months: Column::pack(terms.iter().map(|term| term.duration_months.map(i64::from))),
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
        for (row, said) in self.missing.iter() {
            rows[row].missing.push(said);
        }
        for (term, said) in self.missing_in_terms.iter() {
            let row = self.find_row_of_term(term);
            rows[row]
                .missing_in_terms
                .push(self.locate_term_reason(row, term, said));
        }
        rows.iter_mut()
            .for_each(|row| row.missing_in_terms.sort_unstable());
        rows
    }

    /// Everything about one initiative.
    pub fn unpack_row(&self, row: usize) -> IndexedInitiative {
        let own = self.missing.iter().filter(|(at, _)| *at == row);
        let terms = self.term_range(row);
        let of_terms = self
            .missing_in_terms
            .iter()
            .filter(|(term, _)| terms.contains(term));
        let mut found = IndexedInitiative {
            missing: own.map(|(_, said)| said).collect(),
            missing_in_terms: of_terms
                .map(|(term, said)| self.locate_term_reason(row, term, said))
                .collect(),
            ..self.unpack_without_reasons(row)
        };
        found.missing_in_terms.sort_unstable();
        found
    }

    /// What is said of a term, told by the term's place among those of its initiative.
    fn locate_term_reason(
        &self,
        row: usize,
        term: usize,
        (field, why): MissingField<FundingTermField>,
    ) -> (u32, FundingTermField, MissingReason) {
        let place = term - self.term_range(row).start;
        (u32::try_from(place).unwrap_or(u32::MAX), field, why)
    }

    /// One initiative, without why answers are missing.
    fn unpack_without_reasons(&self, row: usize) -> IndexedInitiative {
        let number = |column: &Column| column.get(row).and_then(|number| u32::try_from(number).ok());
        IndexedInitiative {
            id: self.ids[row],
            cell_key: self.cell_keys[row],
            place: number(&self.places),
            lead: self.leads[row],
            title: self.title(row).into(),
            started_on: self.started_on.get(row).and_then(from_day_number),
            ended_on: self.ended_on.get(row).and_then(from_day_number),
            ongoing: read_flag(&self.ongoing, row),
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
            funder: self
                .funders
                .get(term)
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or_default(),
            duration_months: self
                .duration_months
                .get(term)
                .and_then(|months| i32::try_from(months).ok()),
            amount_minor: self.amount_minor.get(term),
            currency: self.currency(term),
            starts_on: self.starts_on.get(term).and_then(from_day_number),
            choices: std::array::from_fn(|choice| self.choices[choice].code_at(term)),
        }
    }

    /// How many initiatives it holds.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many funding terms it holds.
    pub fn term_count(&self) -> usize {
        self.currencies.len()
    }

    /// The funding terms of one initiative.
    pub fn term_range(&self, row: usize) -> std::ops::Range<usize> {
        let start = row.checked_sub(1).map_or(0, |before| self.term_ends[before]);
        start as usize..self.term_ends[row] as usize
    }

    /// The initiative that a funding term belongs to.
    pub fn find_row_of_term(&self, term: usize) -> usize {
        self.term_ends.partition_point(|end| *end as usize <= term)
    }

    /// The ids, in order.
    pub fn ids(&self) -> &[Uuid] {
        &self.ids
    }

    /// The rows' shares of a cell's key.
    pub fn cell_keys(&self) -> &[u8] {
        &self.cell_keys
    }

    /// The title in lower case.
    pub fn title(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.title_ends[before]);
        &self.titles[start as usize..self.title_ends[row] as usize]
    }

    /// The currency of a term, its three letters in lower case.
    pub fn currency(&self, term: usize) -> Option<[u8; 3]> {
        (self.currencies[term] != [0; 3]).then_some(self.currencies[term])
    }

    /// Tells of initiatives what is so of their funding terms: TRUE by one term that is,
    /// else UNKNOWN by one that may be, or where there is none.
    pub fn any_term(&self, of_terms: &TruthBitmaps) -> TruthBitmaps {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        let mut start = 0;
        for block in self.term_ends.chunks(64) {
            let (mut some, mut none) = (0_u64, 0_u64);
            for (bit, end) in block.iter().enumerate() {
                let end = *end as usize;
                let (is, is_not) = if end - start <= 64 {
                    let all = u64::MAX
                        .checked_shr(64 - u32::try_from(end - start).unwrap_or(64))
                        .unwrap_or(0);
                    (
                        of_terms.true_rows.window(start, end) != 0,
                        end > start && of_terms.false_rows.window(start, end) == all,
                    )
                } else {
                    (
                        (start..end).any(|term| of_terms.true_rows.contains(term)),
                        (start..end).all(|term| of_terms.false_rows.contains(term)),
                    )
                };
                some |= u64::from(is) << bit;
                none |= u64::from(is_not) << bit;
                start = end;
            }
            yes.push(some);
            no.push(none);
        }
        TruthBitmaps {
            true_rows: Bitmap::from_words(self.len(), yes.into_iter()),
            false_rows: Bitmap::from_words(self.len(), no.into_iter()),
        }
    }

    /// How many bytes it takes, about.
    pub fn size_in_bytes(&self) -> usize {
        let columns = [
            &self.places,
            &self.started_on,
            &self.ended_on,
            &self.funders,
            &self.duration_months,
            &self.amount_minor,
            &self.starts_on,
        ];
        let planes = [&self.cell_key_bits, &self.ongoing, &self.visibility];
        let planes = planes
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
            + size_of_val(&*self.term_ends)
            + size_of_val(&*self.currencies)
            + size_of_val(self.shared_with_funders.words())
            + size_of_val(self.illustrative.words())
            + self.missing.size_in_bytes()
            + self.missing_in_terms.size_in_bytes()
            + columns.into_iter().map(Column::size_in_bytes).sum::<usize>()
            + planes.map(CodeBitmaps::size_in_bytes).sum::<usize>()
    }
}

// The answers are numbered by their field's position.
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
