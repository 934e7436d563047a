//! Conditions on the index: prepared once against its dictionaries, then worked
//! out chunk by chunk as sets of rows, UNKNOWN carried all the way.
//!
//! Tests of a closed vocabulary stand ready in the chunks. What takes a pass over a
//! column (funding terms, places, dates, titles, who may read) is worked out once for
//! a chunk and [kept](super::truth_cache).

mod unknown_reasons;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use memchr::memmem::Finder;
use uuid::Uuid;
use wayin_vocabulary::{Perspective, Visibility};

pub use self::unknown_reasons::WHYS;
use super::index::{
    Bits, Chunk, Column, Organisation, Organisations, Places, Planes, Snapshot, Truths, day_number,
};
use super::truth_cache::{Asked, Kept, WorkedOut};
use crate::predicate::{
    Comparison, Condition, CrisisPeriod, InitiativeCondition, InitiativeTest, OrganisationCondition,
    OrganisationTest, Quantifier, SetComparison, TermCondition, TermTest, TextComparison, WayInComparison,
};
use crate::three_valued::Truth;
use crate::visibility::Reader;

/// A condition on initiatives, prepared against a snapshot's dictionaries, for
/// chunks that are known by their position.
pub struct Prepared<'a> {
    condition: Condition<Leaf<'a>>,
}

/// One test: what it says of a chunk is worked out at most once.
struct Leaf<'a> {
    test: PreparedTest<'a>,
    keep: Option<Keep>,
}

/// What of a test was worked out before, and what is worked out now.
struct Keep {
    asked: Asked,
    dictionaries: i64,
    before: Option<Arc<WorkedOut>>,
    now: Box<[OnceLock<Arc<Truths>>]>,
}

enum PreparedTest<'a> {
    /// In order.
    Id(Vec<Uuid>),
    /// By place number, whether an initiative there is in it.
    Place(Vec<bool>),
    /// By organisation number.
    Lead(Vec<Truth>),
    ActiveDuring(&'a CrisisPeriod, Option<Vec<bool>>),
    FundingTerms(Quantifier, Condition<PreparedTermTest<'a>>),
    Title(&'a TextComparison),
    ReadableBy(Reader, Option<u32>),
    Plain(&'a InitiativeTest),
}

enum PreparedTermTest<'a> {
    /// By organisation number.
    Funder(Vec<Truth>),
    Plain(&'a TermTest),
}

impl<'a> Prepared<'a> {
    /// Looks up what a condition names in the dictionaries of a snapshot, and what of it
    /// was worked out before, for so many chunks.
    pub fn new(condition: &'a InitiativeCondition, snapshot: &Snapshot, kept: &Kept, chunks: usize) -> Self {
        let leaf = |test: &'a InitiativeTest| {
            let prepared = prepared(test, snapshot);
            let dictionaries = if needs_dictionaries(test) {
                snapshot.dictionaries
            } else {
                0
            };
            // What stands ready, or is as quick to find as to look up, is not kept.
            let keep = !matches!(prepared, PreparedTest::Plain(_) | PreparedTest::Id(_))
                || matches!(test, InitiativeTest::StartedOn(_) | InitiativeTest::EndedOn(_));
            Leaf {
                test: prepared,
                keep: keep.then(|| Keep::new(Asked::Test(test.clone()), dictionaries, kept, chunks)),
            }
        };
        Self {
            condition: mapped(condition, &leaf),
        }
    }

    /// Whether a reader may read initiatives whole.
    pub fn readable_by(reader: Reader, snapshot: &Snapshot, kept: &Kept, chunks: usize) -> Prepared<'static> {
        // An organisation that the index does not know leads and funds nothing.
        let organisation = reader
            .organisation()
            .and_then(|id| snapshot.organisations.number(id));
        let keep = (reader != Reader::Steward).then(|| {
            let asked = Asked::ReadableBy(reader);
            Keep::new(
                asked,
                i64::from(organisation.map_or(-1, u32::cast_signed)),
                kept,
                chunks,
            )
        });
        Prepared {
            condition: Condition::Test(Leaf {
                test: PreparedTest::ReadableBy(reader, organisation),
                keep,
            }),
        }
    }

    /// What the condition says of every initiative of the chunk at a position.
    pub fn of(&self, position: usize, chunk: &Chunk) -> Cow<'_, Truths> {
        joined(&self.condition, chunk.len(), &|leaf| leaf.of(position, chunk))
    }

    /// Keeps what was worked out, for the next who asks.
    pub fn keep(&self, chunks: &[&Chunk], kept: &Kept) {
        self.condition.each_test(&mut |leaf| {
            if let Some(keep) = &leaf.keep {
                keep.keep(chunks, kept);
            }
        });
    }
}

impl Keep {
    fn new(asked: Asked, dictionaries: i64, kept: &Kept, chunks: usize) -> Self {
        Self {
            before: kept.get(&asked, dictionaries),
            asked,
            dictionaries,
            now: std::iter::repeat_with(OnceLock::new).take(chunks).collect(),
        }
    }

    fn get(&self, position: usize, serial: u64, work_out: impl FnOnce() -> Truths) -> &Truths {
        let before = self.before.as_ref().and_then(|before| before.chunks.get(&serial));
        before.unwrap_or_else(|| self.now[position].get_or_init(|| Arc::new(work_out())))
    }

    fn keep(&self, chunks: &[&Chunk], kept: &Kept) {
        if self.now.iter().all(|one| one.get().is_none()) {
            return;
        }
        let before = |serial: u64| self.before.as_ref()?.chunks.get(&serial);
        let all: HashMap<u64, Arc<Truths>> = chunks
            .iter()
            .zip(&self.now)
            .filter_map(|(chunk, now)| {
                Some((
                    chunk.serial,
                    Arc::clone(now.get().or_else(|| before(chunk.serial))?),
                ))
            })
            .collect();
        let worked_out = WorkedOut {
            dictionaries: self.dictionaries,
            chunks: all,
        };
        kept.put(self.asked.clone(), worked_out);
    }
}

impl Leaf<'_> {
    fn of(&self, position: usize, chunk: &Chunk) -> Cow<'_, Truths> {
        match &self.keep {
            Some(keep) => Cow::Borrowed(keep.get(position, chunk.serial, || test_of(&self.test, chunk))),
            None => Cow::Owned(test_of(&self.test, chunk)),
        }
    }
}

fn needs_dictionaries(test: &InitiativeTest) -> bool {
    match test {
        InitiativeTest::PlaceIs(_) | InitiativeTest::PlaceWithin(_) | InitiativeTest::LeadOrganisation(_) => {
            true
        }
        InitiativeTest::ActiveDuring(crisis) => !crisis.places.is_empty(),
        InitiativeTest::FundingTerms(_, terms) => terms.any_test(&|test| matches!(test, TermTest::Funder(_))),
        _ => false,
    }
}

fn prepared<'a>(test: &'a InitiativeTest, snapshot: &Snapshot) -> PreparedTest<'a> {
    match test {
        InitiativeTest::Id(ids) => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            PreparedTest::Id(ids)
        }
        InitiativeTest::PlaceIs(place) => {
            PreparedTest::Place(places_leading_to(&snapshot.places, place.id, false))
        }
        InitiativeTest::PlaceWithin(place) => {
            PreparedTest::Place(places_leading_to(&snapshot.places, place.id, true))
        }
        InitiativeTest::LeadOrganisation(condition) => {
            PreparedTest::Lead(by_organisation(condition, &snapshot.organisations))
        }
        InitiativeTest::ActiveDuring(crisis) => {
            let places = (!crisis.places.is_empty()).then(|| {
                crisis
                    .places
                    .iter()
                    .map(|place| places_leading_to(&snapshot.places, *place, true))
                    .reduce(|a, b| a.iter().zip(&b).map(|(a, b)| *a || *b).collect())
                    .unwrap_or_default()
            });
            PreparedTest::ActiveDuring(crisis, places)
        }
        InitiativeTest::FundingTerms(quantifier, condition) => {
            PreparedTest::FundingTerms(*quantifier, prepared_terms(condition, snapshot))
        }
        InitiativeTest::Title(comparison) => PreparedTest::Title(comparison),
        plain => PreparedTest::Plain(plain),
    }
}

fn mapped<'a, T, P>(condition: &'a Condition<T>, prepare: &impl Fn(&'a T) -> P) -> Condition<P> {
    let all = |parts: &'a [Condition<T>]| parts.iter().map(|part| mapped(part, prepare)).collect();
    match condition {
        Condition::All(parts) => Condition::All(all(parts)),
        Condition::Any(parts) => Condition::Any(all(parts)),
        Condition::Not(part) => mapped(part, prepare).negated(),
        Condition::Test(test) => Condition::Test(prepare(test)),
    }
}

fn joined<'p, T>(
    condition: &'p Condition<T>,
    rows: usize,
    test: &impl Fn(&'p T) -> Cow<'p, Truths>,
) -> Cow<'p, Truths> {
    let parts = |parts: &'p [Condition<T>], join: fn(&Truths, &Truths) -> Truths| {
        parts
            .iter()
            .map(|part| joined(part, rows, test))
            .reduce(|a, b| Cow::Owned(join(&a, &b)))
    };
    match condition {
        Condition::All(all) => {
            parts(all, Truths::and).unwrap_or_else(|| Cow::Owned(Truths::everywhere(rows, true)))
        }
        Condition::Any(any) => {
            parts(any, Truths::or).unwrap_or_else(|| Cow::Owned(Truths::everywhere(rows, false)))
        }
        Condition::Not(part) => Cow::Owned(!joined(part, rows, test).into_owned()),
        Condition::Test(one) => test(one),
    }
}

fn prepared_terms<'a>(condition: &'a TermCondition, snapshot: &Snapshot) -> Condition<PreparedTermTest<'a>> {
    mapped(condition, &|test| match test {
        TermTest::Funder(condition) => {
            PreparedTermTest::Funder(by_organisation(condition, &snapshot.organisations))
        }
        plain => PreparedTermTest::Plain(plain),
    })
}

fn places_leading_to(places: &Places, place: Uuid, and_within: bool) -> Vec<bool> {
    let wanted = places.number(place);
    let leads = |to: &[u32]| wanted.is_some_and(|wanted| to.contains(&wanted));
    places
        .all()
        .iter()
        .map(|place| {
            leads(if and_within {
                &place.within
            } else {
                &place.leads_to
            })
        })
        .collect()
}

fn by_organisation(condition: &OrganisationCondition, organisations: &Organisations) -> Vec<Truth> {
    let of = |organisation: &Organisation| {
        condition.evaluate(&mut |test| match test {
            OrganisationTest::Id(named) => Truth::from(named.iter().any(|one| one.id == organisation.id)),
            OrganisationTest::Name(comparison) => comparison.of(Some(&organisation.name_folded)),
            OrganisationTest::Identifier(comparison) => {
                comparison.of(organisation.identifier_folded.as_deref())
            }
            OrganisationTest::Kind(comparison) => comparison.of(organisation.kind.as_ref()),
        })
    };
    organisations.all().iter().map(of).collect()
}

fn test_of(test: &PreparedTest<'_>, chunk: &Chunk) -> Truths {
    match test {
        PreparedTest::Id(ids) => among_ids(ids, chunk),
        PreparedTest::Place(places) => in_places(places, chunk),
        PreparedTest::Lead(truths) => Truths::of(chunk.len(), |row| {
            truths
                .get(chunk.leads[row] as usize)
                .copied()
                .unwrap_or(Truth::Unknown)
        }),
        PreparedTest::ActiveDuring(crisis, places) => {
            let at_work = at_work_during(crisis, chunk);
            match places {
                Some(places) => at_work.and(&in_places(places, chunk)),
                None => at_work,
            }
        }
        PreparedTest::FundingTerms(quantifier, condition) => funding_terms(*quantifier, condition, chunk),
        PreparedTest::Title(comparison) => titled(comparison, chunk),
        PreparedTest::ReadableBy(reader, organisation) => readable(*reader, *organisation, chunk),
        PreparedTest::Plain(test) => plain_test(test, chunk),
    }
}

fn among_ids(wanted: &[Uuid], chunk: &Chunk) -> Truths {
    let mut yes = Bits::none(chunk.len());
    for id in wanted {
        if let Ok(row) = chunk.ids().binary_search(id) {
            yes.put(row);
        }
    }
    Truths::decided(yes)
}

/// What is so of the places or organisations that a column has the numbers of.
fn of_numbers(column: &Column, rows: usize, truths: &[Truth]) -> Truths {
    let (mut yes, mut no) = (vec![0_u64; rows.div_ceil(64)], vec![0_u64; rows.div_ceil(64)]);
    column.each(|row, number| {
        let number = number.and_then(|number| usize::try_from(number).ok());
        let truth = number
            .and_then(|number| truths.get(number))
            .copied()
            .unwrap_or(Truth::Unknown);
        yes[row / 64] |= u64::from(truth == Truth::True) << (row % 64);
        no[row / 64] |= u64::from(truth == Truth::False) << (row % 64);
    });
    Truths {
        yes: Bits::from_words(rows, yes.into_iter()),
        no: Bits::from_words(rows, no.into_iter()),
    }
}

fn in_places(places: &[bool], chunk: &Chunk) -> Truths {
    let truths: Vec<Truth> = places.iter().map(|is_in| Truth::from(*is_in)).collect();
    of_numbers(&chunk.places, chunk.len(), &truths)
}

/// A start on or after the crisis's first day decides that it had not ended
/// before, an end on or before its last day that it had begun by then, as no
/// initiative ends before it starts.
fn at_work_during(crisis: &CrisisPeriod, chunk: &Chunk) -> Truths {
    let from = day_number(crisis.from);
    let or_certainly = |truths: &Truths, yes: &Bits| Truths {
        yes: truths.yes.or(yes),
        no: truths.no.without(yes),
    };
    let by_end = chunk.ended_on.within(&(from..=i64::MAX));
    let by_start = chunk.started_on.within(&(from..=i64::MAX)).yes;
    let not_over_before = or_certainly(&by_end, &by_start.or(chunk.ongoing.of(1)));
    let Some(to) = crisis.to.map(day_number) else {
        return not_over_before;
    };
    let begun = chunk.started_on.within(&(i64::MIN..=to));
    let ended = chunk.ended_on.within(&(i64::MIN..=to)).yes;
    not_over_before.and(&or_certainly(&begun, &ended))
}

fn titled(comparison: &TextComparison, chunk: &Chunk) -> Truths {
    let each = |wanted: &dyn Fn(&str) -> bool| {
        Truths::decided(Bits::of(chunk.len(), |row| wanted(chunk.title(row))))
    };
    match comparison {
        TextComparison::Contains(part) => {
            let finder = Finder::new(part.as_bytes());
            each(&|title| finder.find(title.as_bytes()).is_some())
        }
        other => each(&|title| other.of(Some(title)) == Truth::True),
    }
}

/// The rule of [`Reader::reads_whole`], on sets of rows.
fn readable(reader: Reader, organisation: Option<u32>, chunk: &Chunk) -> Truths {
    let of = |visibility: Visibility| chunk.visibility.of(visibility as u8);
    Truths::decided(match reader {
        Reader::Steward => Bits::all(chunk.len()),
        Reader::Dashboard => of(Visibility::Open).clone(),
        Reader::Member { .. } => {
            let mut readable = of(Visibility::Open).or(of(Visibility::Members));
            if let Some(ours) = organisation {
                readable.put_all(&Bits::of(chunk.len(), |row| chunk.leads[row] == ours));
                let funded = chunk.funders.within(&(i64::from(ours)..=i64::from(ours)));
                readable.put_all(&chunk.some_term(&funded).yes.and(&chunk.shared_with_funders));
            }
            readable
        }
    })
}

fn plain_test(test: &InitiativeTest, chunk: &Chunk) -> Truths {
    let rows = chunk.len();
    match test {
        InitiativeTest::PlaceKnown(known) => {
            let place = chunk.places.within(&(0..=i64::MAX)).yes;
            decided_as(place, *known)
        }
        InitiativeTest::StartedOn(comparison) => ordered(&chunk.started_on, rows, &by_day(comparison)),
        InitiativeTest::EndedOn(comparison) => ordered(&chunk.ended_on, rows, &by_day(comparison)),
        InitiativeTest::WayIn(perspective, comparison) => {
            let ways_in = of_perspectives(&chunk.ways_in, *perspective);
            match comparison {
                WayInComparison::OneOf(listed) => ways_in.any_of(rows, listed.iter().map(|code| *code as u8)),
                WayInComparison::Known(known) => decided_as(ways_in.known(rows), *known),
            }
        }
        InitiativeTest::EntryPoints(perspective, comparison) => {
            let first = of_perspectives(&chunk.ways_in, *perspective);
            let later = of_perspectives(&chunk.later, *perspective);
            set(&first.or(&later), rows, comparison, |code| code as u8)
        }
        InitiativeTest::Step(challenge, comparison) => coded(
            &chunk.steps[*challenge as usize],
            rows,
            comparison,
            wayin_vocabulary::ChallengeStep::ALL,
            |code| code as u8,
        ),
        InitiativeTest::Reasons(challenge, comparison) => {
            set(&chunk.reasons[*challenge as usize], rows, comparison, |code| {
                code as u8
            })
        }
        InitiativeTest::Change(condition, comparison) => coded(
            &chunk.changes[*condition as usize],
            rows,
            comparison,
            wayin_vocabulary::ChangeExtent::ALL,
            |code| code as u8,
        ),
        InitiativeTest::AnyTermRecorded(recorded) => {
            let some = Bits::of(rows, |row| !chunk.terms_of(row).is_empty());
            decided_as(some, *recorded)
        }
        InitiativeTest::Id(_)
        | InitiativeTest::Title(_)
        | InitiativeTest::PlaceIs(_)
        | InitiativeTest::PlaceWithin(_)
        | InitiativeTest::LeadOrganisation(_)
        | InitiativeTest::ActiveDuring(_)
        | InitiativeTest::FundingTerms(..) => unreachable!("prepared against the dictionaries"),
    }
}

fn decided_as(is_so: Bits, wanted: bool) -> Truths {
    let decided = Truths::decided(is_so);
    if wanted { decided } else { !decided }
}

/// The perspective asked for, or all of them as one.
pub fn of_perspectives(planes: &[Planes], perspective: Option<Perspective>) -> Cow<'_, Planes> {
    match perspective {
        Some(one) => Cow::Borrowed(&planes[one as usize]),
        None => planes
            .iter()
            .map(Cow::Borrowed)
            .reduce(|a, b| Cow::Owned(a.or(&b)))
            .unwrap_or_default(),
    }
}

fn coded<T: Copy + PartialOrd>(
    planes: &Planes,
    rows: usize,
    comparison: &Comparison<T>,
    all: &[T],
    number: impl Fn(T) -> u8,
) -> Truths {
    match comparison {
        Comparison::Known(known) => decided_as(planes.known(rows), *known),
        comparison => {
            let wanted = all.iter().filter(|code| comparison.of(Some(code)) == Truth::True);
            planes.any_of(rows, wanted.map(|code| number(*code)))
        }
    }
}

fn set<T: Copy>(
    planes: &Planes,
    rows: usize,
    comparison: &SetComparison<T>,
    number: impl Fn(T) -> u8,
) -> Truths {
    match comparison {
        SetComparison::Known(known) => decided_as(planes.known(rows), *known),
        SetComparison::IncludesAll(codes) => planes.all_of(rows, codes.iter().map(|code| number(*code))),
        SetComparison::IncludesAny(codes) => planes.any_of(rows, codes.iter().map(|code| number(*code))),
    }
}

fn by_day(comparison: &Comparison<NaiveDate>) -> Comparison<i64> {
    comparison.map(|day| day_number(*day))
}

fn ordered(column: &Column, rows: usize, comparison: &Comparison<i64>) -> Truths {
    let range: RangeInclusive<i64> = match comparison {
        Comparison::Known(known) => return decided_as(column.within(&(i64::MIN..=i64::MAX)).yes, *known),
        Comparison::OneOf(listed) => {
            return listed
                .iter()
                .map(|value| column.within(&(*value..=*value)))
                .reduce(|a, b| a.or(&b))
                .unwrap_or_else(|| Truths::everywhere(rows, false));
        }
        Comparison::Less(bound) => match bound.checked_sub(1) {
            Some(most) => i64::MIN..=most,
            None => return !column.within(&(i64::MIN..=i64::MAX)),
        },
        Comparison::AtMost(bound) => i64::MIN..=*bound,
        Comparison::More(bound) => match bound.checked_add(1) {
            Some(least) => least..=i64::MAX,
            None => return !column.within(&(i64::MIN..=i64::MAX)),
        },
        Comparison::AtLeast(bound) => *bound..=i64::MAX,
    };
    column.within(&range)
}

/// Worked out term by term, all parts of the condition on the same term, then
/// told of the initiative.
fn funding_terms(
    quantifier: Quantifier,
    condition: &Condition<PreparedTermTest<'_>>,
    chunk: &Chunk,
) -> Truths {
    let of_terms = joined(condition, chunk.term_count(), &|test| {
        Cow::Owned(term_truths(test, chunk))
    })
    .into_owned();
    // `every P` is `not some (not P)`, `none P` is `not some P`.
    match quantifier {
        Quantifier::Some => chunk.some_term(&of_terms),
        Quantifier::Every => !chunk.some_term(&!of_terms),
        Quantifier::None => !chunk.some_term(&of_terms),
    }
}

fn term_truths(test: &PreparedTermTest<'_>, chunk: &Chunk) -> Truths {
    match test {
        PreparedTermTest::Funder(truths) => of_numbers(&chunk.funders, chunk.term_count(), truths),
        PreparedTermTest::Plain(test) => term_test(test, chunk),
    }
}

fn term_test(test: &TermTest, chunk: &Chunk) -> Truths {
    let terms = chunk.term_count();
    match test {
        TermTest::DurationMonths(comparison) => ordered(
            &chunk.duration_months,
            terms,
            &comparison.map(|months| i64::from(*months)),
        ),
        TermTest::AmountMinor(comparison) => ordered(&chunk.amount_minor, terms, comparison),
        TermTest::StartsOn(comparison) => ordered(&chunk.starts_on, terms, &by_day(comparison)),
        TermTest::Currency(comparison) => Truths::of(terms, |term| {
            let letters = chunk.currency(term);
            comparison.of(letters
                .as_ref()
                .and_then(|letters| std::str::from_utf8(letters).ok()))
        }),
        TermTest::Choice(choice, comparison) => {
            let answers = (0..).take(choice.answer_count()).collect::<Vec<u8>>();
            coded(
                &chunk.choices[*choice as usize],
                terms,
                comparison,
                &answers,
                |number| number,
            )
        }
        TermTest::Funder(_) => unreachable!("prepared against the dictionaries"),
    }
}
