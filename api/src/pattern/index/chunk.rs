//! The rows of the index: as one initiative reads, and as a chunk keeps them.
//!
//! A chunk is a few thousand initiatives in the order of their ids, kept as
//! columns of small integers; the funding terms of one initiative stand together,
//! with offsets as in a sparse matrix. Chunks are never changed: one that has to
//! change is unpacked into rows and packed anew.

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;
use wayin_entity::{
    Challenge, Change, Condition, DeliveryTimeline, EntryPoint, Perspective, Reason, ReportingBasis,
    ReportingFrequency, Restriction, Step, Visibility,
};

/// The most rows that a chunk holds.
pub const CHUNK_ROWS: usize = 4096;

/// How many perspectives, challenges and conditions for change there are.
pub const PERSPECTIVES: usize = Perspective::ALL.len();
/// How many challenges there are.
pub const CHALLENGES: usize = Challenge::ALL.len();
/// How many conditions for change there are.
pub const CONDITIONS: usize = Condition::ALL.len();

/// The entry points of one perspective: which came first, and which came after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryPoints {
    /// The way in; none where nothing is recorded.
    pub way_in: Option<EntryPoint>,
    /// The later ones, bit `code as u8`.
    pub later: u8,
}

impl EntryPoints {
    /// All that were taken, bit `code as u8`.
    pub fn taken(self) -> u8 {
        self.later | self.way_in.map_or(0, |way_in| 1 << way_in as u8)
    }

    /// Three bits for the way in (0 = none), four for those after it.
    fn packed(self) -> u8 {
        pack(self.way_in.map(|code| code as u8)) | self.later << 3
    }

    fn unpacked(byte: u8) -> Self {
        Self {
            way_in: unpack(byte & 0b111, EntryPoint::ALL),
            later: byte >> 3,
        }
    }
}

/// One initiative as the index sees it. Places and organisations are numbers in the index's dictionaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: Uuid,
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
    pub entry_points: [EntryPoints; PERSPECTIVES],
    /// What became of each challenge's step.
    pub steps: [Option<Step>; CHALLENGES],
    /// Why, by challenge, bit `reason as u8`; 0 where no reason is given.
    pub reasons: [u8; CHALLENGES],
    /// What became of each condition for change.
    pub changes: [Option<Change>; CONDITIONS],
    /// The terms that its money came with.
    pub terms: Vec<Term>,
}

/// One funding term as the index sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Term {
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
    /// Whether research before the work was paid for.
    pub upfront_research: Option<bool>,
    /// Whether the extra time and resource of working together was paid for.
    pub collaboration_resourced: Option<bool>,
    /// Whether the funding may be renewed.
    pub renewable: Option<bool>,
    /// The entry point that the funder meant to fund.
    pub intended_focus: Option<EntryPoint>,
    /// Whether the money may be used for anything.
    pub restriction: Option<Restriction>,
    /// How often the funder asks for a report.
    pub reporting_frequency: Option<ReportingFrequency>,
    /// What is reported on.
    pub reporting_basis: Option<ReportingBasis>,
    /// Whether the plan may move.
    pub delivery_timeline: Option<DeliveryTimeline>,
}

/// A value that may not be known, as a byte: 0 where it is not.
fn pack(code: Option<u8>) -> u8 {
    code.map_or(0, |code| code + 1)
}

fn unpack<T: Copy>(byte: u8, all: &[T]) -> Option<T> {
    usize::from(byte)
        .checked_sub(1)
        .and_then(|index| all.get(index))
        .copied()
}

fn pack_bool(known: Option<bool>) -> u8 {
    pack(known.map(u8::from))
}

fn unpack_bool(byte: u8) -> Option<bool> {
    unpack(byte, &[false, true])
}

/// Days since the common era began; not known is one that no date has.
const NO_DAY: i32 = i32::MIN;

fn pack_day(day: Option<NaiveDate>) -> i32 {
    day.map_or(NO_DAY, |day| day.num_days_from_ce())
}

fn unpack_day(day: i32) -> Option<NaiveDate> {
    if day == NO_DAY {
        None
    } else {
        NaiveDate::from_num_days_from_ce_opt(day)
    }
}

const NO_PLACE: u32 = u32::MAX;
const NOT_KNOWN: i32 = -1;

/// Initiatives in the order of their ids, as columns.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    ids: Box<[Uuid]>,
    places: Box<[u32]>,
    leads: Box<[u32]>,
    titles: Box<str>,
    /// Where each title ends.
    title_ends: Box<[u32]>,
    started_on: Box<[i32]>,
    ended_on: Box<[i32]>,
    ongoing: Box<[u8]>,
    visibility: Box<[Visibility]>,
    shared_with_funders: Box<[bool]>,
    illustrative: Box<[bool]>,
    entry_points: [Box<[u8]>; PERSPECTIVES],
    steps: [Box<[u8]>; CHALLENGES],
    reasons: [Box<[u8]>; CHALLENGES],
    changes: [Box<[u8]>; CONDITIONS],
    /// Where each initiative's terms end.
    term_ends: Box<[u32]>,
    funders: Box<[u32]>,
    duration_months: Box<[i32]>,
    amount_minor: Box<[i64]>,
    currencies: Box<[[u8; 3]]>,
    starts_on: Box<[i32]>,
    upfront_research: Box<[u8]>,
    collaboration_resourced: Box<[u8]>,
    renewable: Box<[u8]>,
    intended_focus: Box<[u8]>,
    restriction: Box<[u8]>,
    reporting_frequency: Box<[u8]>,
    reporting_basis: Box<[u8]>,
    delivery_timeline: Box<[u8]>,
}

impl Chunk {
    /// Packs rows, which are in the order of their ids.
    pub fn pack(rows: &[Row]) -> Self {
        debug_assert!(
            rows.is_sorted_by(|a, b| a.id < b.id),
            "rows in the order of their ids"
        );
        let column = |of: &dyn Fn(&Row) -> u8| rows.iter().map(of).collect::<Box<[u8]>>();
        let terms = || rows.iter().flat_map(|row| &row.terms);
        let term_column = |of: &dyn Fn(&Term) -> u8| terms().map(of).collect::<Box<[u8]>>();
        let ends = |length: &dyn Fn(&Row) -> usize| {
            rows.iter()
                .scan(0, |end, row| {
                    *end += length(row);
                    Some(u32::try_from(*end).unwrap_or(u32::MAX))
                })
                .collect::<Box<[u32]>>()
        };
        Self {
            ids: rows.iter().map(|row| row.id).collect(),
            places: rows.iter().map(|row| row.place.unwrap_or(NO_PLACE)).collect(),
            leads: rows.iter().map(|row| row.lead).collect(),
            titles: rows.iter().map(|row| &*row.title).collect::<String>().into(),
            title_ends: ends(&|row| row.title.len()),
            started_on: rows.iter().map(|row| pack_day(row.started_on)).collect(),
            ended_on: rows.iter().map(|row| pack_day(row.ended_on)).collect(),
            ongoing: column(&|row| pack_bool(row.ongoing)),
            visibility: rows.iter().map(|row| row.visibility).collect(),
            shared_with_funders: rows.iter().map(|row| row.shared_with_funders).collect(),
            illustrative: rows.iter().map(|row| row.illustrative).collect(),
            entry_points: std::array::from_fn(|which| column(&|row| row.entry_points[which].packed())),
            steps: std::array::from_fn(|which| column(&|row| pack(row.steps[which].map(|code| code as u8)))),
            reasons: std::array::from_fn(|which| column(&|row| row.reasons[which])),
            changes: std::array::from_fn(|which| {
                column(&|row| pack(row.changes[which].map(|code| code as u8)))
            }),
            term_ends: ends(&|row| row.terms.len()),
            funders: terms().map(|term| term.funder).collect(),
            duration_months: terms()
                .map(|term| term.duration_months.unwrap_or(NOT_KNOWN))
                .collect(),
            amount_minor: terms()
                .map(|term| term.amount_minor.unwrap_or(i64::from(NOT_KNOWN)))
                .collect(),
            currencies: terms().map(|term| term.currency.unwrap_or_default()).collect(),
            starts_on: terms().map(|term| pack_day(term.starts_on)).collect(),
            upfront_research: term_column(&|term| pack_bool(term.upfront_research)),
            collaboration_resourced: term_column(&|term| pack_bool(term.collaboration_resourced)),
            renewable: term_column(&|term| pack_bool(term.renewable)),
            intended_focus: term_column(&|term| pack(term.intended_focus.map(|code| code as u8))),
            restriction: term_column(&|term| pack(term.restriction.map(|code| code as u8))),
            reporting_frequency: term_column(&|term| pack(term.reporting_frequency.map(|code| code as u8))),
            reporting_basis: term_column(&|term| pack(term.reporting_basis.map(|code| code as u8))),
            delivery_timeline: term_column(&|term| pack(term.delivery_timeline.map(|code| code as u8))),
        }
    }

    /// Unpacks every row, in the order of the ids.
    pub fn unpack(&self) -> Vec<Row> {
        (0..self.len()).map(|row| self.row(row)).collect()
    }

    fn row(&self, row: usize) -> Row {
        Row {
            id: self.ids[row],
            place: self.place(row),
            lead: self.leads[row],
            title: self.title(row).into(),
            started_on: self.started_on(row),
            ended_on: self.ended_on(row),
            ongoing: self.ongoing(row),
            visibility: self.visibility[row],
            shared_with_funders: self.shared_with_funders[row],
            illustrative: self.illustrative[row],
            entry_points: std::array::from_fn(|which| EntryPoints::unpacked(self.entry_points[which][row])),
            steps: std::array::from_fn(|which| unpack(self.steps[which][row], Step::ALL)),
            reasons: std::array::from_fn(|which| self.reasons[which][row]),
            changes: std::array::from_fn(|which| unpack(self.changes[which][row], Change::ALL)),
            terms: self.terms_of(row).map(|term| self.term(term)).collect(),
        }
    }

    /// Everything about one funding term.
    pub fn term(&self, term: usize) -> Term {
        Term {
            funder: self.funders[term],
            duration_months: self.duration_months(term),
            amount_minor: self.amount_minor(term),
            currency: (self.currencies[term] != [0; 3]).then_some(self.currencies[term]),
            starts_on: unpack_day(self.starts_on[term]),
            upfront_research: self.upfront_research(term),
            collaboration_resourced: unpack_bool(self.collaboration_resourced[term]),
            renewable: unpack_bool(self.renewable[term]),
            intended_focus: self.intended_focus(term),
            restriction: unpack(self.restriction[term], Restriction::ALL),
            reporting_frequency: unpack(self.reporting_frequency[term], ReportingFrequency::ALL),
            reporting_basis: self.reporting_basis(term),
            delivery_timeline: unpack(self.delivery_timeline[term], DeliveryTimeline::ALL),
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
        self.funders.len()
    }

    /// The funding terms of one initiative.
    pub fn terms_of(&self, row: usize) -> std::ops::Range<usize> {
        let start = row.checked_sub(1).map_or(0, |before| self.term_ends[before]);
        start as usize..self.term_ends[row] as usize
    }

    /// The ids, in order.
    pub fn ids(&self) -> &[Uuid] {
        &self.ids
    }

    /// The place, by its number.
    pub fn place(&self, row: usize) -> Option<u32> {
        (self.places[row] != NO_PLACE).then_some(self.places[row])
    }

    /// The lead organisation, by its number.
    pub fn lead(&self, row: usize) -> u32 {
        self.leads[row]
    }

    /// The title in lower case.
    pub fn title(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.title_ends[before]);
        &self.titles[start as usize..self.title_ends[row] as usize]
    }

    /// The day it started.
    pub fn started_on(&self, row: usize) -> Option<NaiveDate> {
        unpack_day(self.started_on[row])
    }

    /// The day it ended.
    pub fn ended_on(&self, row: usize) -> Option<NaiveDate> {
        unpack_day(self.ended_on[row])
    }

    /// Whether it goes on.
    pub fn ongoing(&self, row: usize) -> Option<bool> {
        unpack_bool(self.ongoing[row])
    }

    /// Who may read it.
    pub fn visibility(&self, row: usize) -> Visibility {
        self.visibility[row]
    }

    /// Whether its funders may read it whole.
    pub fn shared_with_funders(&self, row: usize) -> bool {
        self.shared_with_funders[row]
    }

    /// Whether it was made up.
    pub fn illustrative(&self, row: usize) -> bool {
        self.illustrative[row]
    }

    /// The entry points of one perspective.
    pub fn entry_points(&self, perspective: Perspective, row: usize) -> EntryPoints {
        EntryPoints::unpacked(self.entry_points[perspective as usize][row])
    }

    /// What became of a challenge's step.
    pub fn step(&self, challenge: Challenge, row: usize) -> Option<Step> {
        unpack(self.steps[challenge as usize][row], Step::ALL)
    }

    /// Why it did, bit `reason as u8`; 0 where no reason is given.
    pub fn reasons(&self, challenge: Challenge, row: usize) -> u8 {
        self.reasons[challenge as usize][row]
    }

    /// What became of a condition for change.
    pub fn change(&self, condition: Condition, row: usize) -> Option<Change> {
        unpack(self.changes[condition as usize][row], Change::ALL)
    }

    /// The organisation that gave the money, by its number.
    pub fn funder(&self, term: usize) -> u32 {
        self.funders[term]
    }

    /// The length of a term in months.
    pub fn duration_months(&self, term: usize) -> Option<i32> {
        let months = self.duration_months[term];
        (months != NOT_KNOWN).then_some(months)
    }

    /// The amount of a term in the currency's minor unit.
    pub fn amount_minor(&self, term: usize) -> Option<i64> {
        let amount = self.amount_minor[term];
        (amount != i64::from(NOT_KNOWN)).then_some(amount)
    }

    /// Whether research before the work was paid for.
    pub fn upfront_research(&self, term: usize) -> Option<bool> {
        unpack_bool(self.upfront_research[term])
    }

    /// The entry point that the funder meant to fund.
    pub fn intended_focus(&self, term: usize) -> Option<EntryPoint> {
        unpack(self.intended_focus[term], EntryPoint::ALL)
    }

    /// What is reported on.
    pub fn reporting_basis(&self, term: usize) -> Option<ReportingBasis> {
        unpack(self.reporting_basis[term], ReportingBasis::ALL)
    }
}

// The packing relies on how many values each vocabulary has.
const _: () = assert!(EntryPoint::ALL.len() <= 4 && Reason::ALL.len() <= 8);
