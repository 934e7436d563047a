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

pub use self::unknown_reasons::MISSING_REASON_COUNT;
use super::index::{
    Bitmap, Chunk, CodeBitmaps, Column, IndexedOrganisation, OrganisationDictionary, PlaceDictionary,
    Snapshot, TruthBitmaps, to_day_number,
};
use super::truth_cache::{CacheEntry, CacheKey, TruthCache};
use crate::predicate::{
    Comparison, CrisisPeriod, FundingTermPredicate, FundingTermTest, InitiativePredicate, InitiativeTest,
    OrganisationPredicate, OrganisationTest, Predicate, Quantifier, SetComparison, TextComparison,
    WayInComparison,
};
use crate::three_valued::Truth;
use crate::visibility::Reader;

/// A condition on initiatives, prepared against a snapshot's dictionaries, for
/// chunks that are known by their position.
pub struct PreparedPredicate<'a> {
    predicate: Predicate<CachedTest<'a>>,
}

/// One test: what it says of a chunk is worked out at most once.
struct CachedTest<'a> {
    test: PreparedTest<'a>,
    cache: Option<TestCache>,
}

/// What of a test was worked out before, and what is worked out now.
struct TestCache {
    key: CacheKey,
    dictionary_version: i64,
    cached: Option<Arc<CacheEntry>>,
    computed: Box<[OnceLock<Arc<TruthBitmaps>>]>,
}

enum PreparedTest<'a> {
    /// In order.
    Id(Vec<Uuid>),
    /// By place number, whether an initiative there is in it.
    Place(Vec<bool>),
    /// By organisation number.
    Lead(Vec<Truth>),
    ActiveDuring(&'a CrisisPeriod, Option<Vec<bool>>),
    FundingTerms(Quantifier, Predicate<PreparedFundingTermTest<'a>>),
    Title(&'a TextComparison),
    VisibleTo(Reader, Option<u32>),
    Unprepared(&'a InitiativeTest),
}

enum PreparedFundingTermTest<'a> {
    /// By organisation number.
    Funder(Vec<Truth>),
    Unprepared(&'a FundingTermTest),
}

impl<'a> PreparedPredicate<'a> {
    /// Looks up what a condition names in the dictionaries of a snapshot, and what of it
    /// was worked out before, for so many chunks.
    pub fn new(
        condition: &'a InitiativePredicate,
        snapshot: &Snapshot,
        kept: &TruthCache,
        chunks: usize,
    ) -> Self {
        let leaf = |test: &'a InitiativeTest| {
            let prepared = prepare_test(test, snapshot);
            let dictionaries = if uses_dictionaries(test) {
                snapshot.dictionary_version
            } else {
                0
            };
            // What stands ready, or is as quick to find as to look up, is not kept.
            let keep = !matches!(prepared, PreparedTest::Unprepared(_) | PreparedTest::Id(_))
                || matches!(test, InitiativeTest::StartedOn(_) | InitiativeTest::EndedOn(_));
            CachedTest {
                test: prepared,
                cache: keep.then(|| TestCache::new(CacheKey::Test(test.clone()), dictionaries, kept, chunks)),
            }
        };
        Self {
            predicate: map_predicate(condition, &leaf),
        }
    }

    /// Whether a reader may read initiatives whole.
    pub fn visible_to(
        reader: Reader,
        snapshot: &Snapshot,
        kept: &TruthCache,
        chunks: usize,
    ) -> PreparedPredicate<'static> {
        // An organisation that the index does not know leads and funds nothing.
        let organisation = reader
            .organisation()
            .and_then(|id| snapshot.organisations.number(id));
        let keep = (reader != Reader::Steward).then(|| {
            let asked = CacheKey::VisibleTo(reader);
            TestCache::new(
                asked,
                i64::from(organisation.map_or(-1, u32::cast_signed)),
                kept,
                chunks,
            )
        });
        PreparedPredicate {
            predicate: Predicate::Test(CachedTest {
                test: PreparedTest::VisibleTo(reader, organisation),
                cache: keep,
            }),
        }
    }

    /// What the condition says of every initiative of the chunk at a position.
    pub fn evaluate(&self, position: usize, chunk: &Chunk) -> Cow<'_, TruthBitmaps> {
        evaluate_predicate(&self.predicate, chunk.len(), &|leaf| {
            leaf.evaluate(position, chunk)
        })
    }

    /// Keeps what was worked out, for the next who asks.
    pub fn cache_results(&self, chunks: &[&Chunk], kept: &TruthCache) {
        self.predicate.for_each_test(&mut |leaf| {
            if let Some(keep) = &leaf.cache {
                keep.store(chunks, kept);
            }
        });
    }
}

impl TestCache {
    fn new(asked: CacheKey, dictionaries: i64, kept: &TruthCache, chunks: usize) -> Self {
        Self {
            cached: kept.get(&asked, dictionaries),
            key: asked,
            dictionary_version: dictionaries,
            computed: std::iter::repeat_with(OnceLock::new).take(chunks).collect(),
        }
    }

    fn get_or_compute(
        &self,
        position: usize,
        serial: u64,
        work_out: impl FnOnce() -> TruthBitmaps,
    ) -> &TruthBitmaps {
        let before = self.cached.as_ref().and_then(|before| before.chunks.get(&serial));
        before.unwrap_or_else(|| self.computed[position].get_or_init(|| Arc::new(work_out())))
    }

    fn store(&self, chunks: &[&Chunk], kept: &TruthCache) {
        if self.computed.iter().all(|one| one.get().is_none()) {
            return;
        }
        let before = |serial: u64| self.cached.as_ref()?.chunks.get(&serial);
        let all: HashMap<u64, Arc<TruthBitmaps>> = chunks
            .iter()
            .zip(&self.computed)
            .filter_map(|(chunk, now)| {
                Some((
                    chunk.serial,
                    Arc::clone(now.get().or_else(|| before(chunk.serial))?),
                ))
            })
            .collect();
        let worked_out = CacheEntry {
            dictionary_version: self.dictionary_version,
            chunks: all,
        };
        kept.store(self.key.clone(), worked_out);
    }
}

impl CachedTest<'_> {
    fn evaluate(&self, position: usize, chunk: &Chunk) -> Cow<'_, TruthBitmaps> {
        match &self.cache {
            Some(keep) => Cow::Borrowed(
                keep.get_or_compute(position, chunk.serial, || evaluate_test(&self.test, chunk)),
            ),
            None => Cow::Owned(evaluate_test(&self.test, chunk)),
        }
    }
}

fn uses_dictionaries(test: &InitiativeTest) -> bool {
    match test {
        InitiativeTest::PlaceIs(_) | InitiativeTest::PlaceWithin(_) | InitiativeTest::LeadOrganisation(_) => {
            true
        }
        InitiativeTest::ActiveDuring(crisis) => !crisis.places.is_empty(),
        InitiativeTest::FundingTerms(_, terms) => {
            terms.has_test(&|test| matches!(test, FundingTermTest::Funder(_)))
        }
        _ => false,
    }
}

fn prepare_test<'a>(test: &'a InitiativeTest, snapshot: &Snapshot) -> PreparedTest<'a> {
    match test {
        InitiativeTest::Id(ids) => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            PreparedTest::Id(ids)
        }
        InitiativeTest::PlaceIs(place) => {
            PreparedTest::Place(find_places_leading_to(&snapshot.places, place.id, false))
        }
        InitiativeTest::PlaceWithin(place) => {
            PreparedTest::Place(find_places_leading_to(&snapshot.places, place.id, true))
        }
        InitiativeTest::LeadOrganisation(condition) => {
            PreparedTest::Lead(evaluate_organisations(condition, &snapshot.organisations))
        }
        InitiativeTest::ActiveDuring(crisis) => {
            let places = (!crisis.places.is_empty()).then(|| {
                crisis
                    .places
                    .iter()
                    .map(|place| find_places_leading_to(&snapshot.places, *place, true))
                    .reduce(|a, b| a.iter().zip(&b).map(|(a, b)| *a || *b).collect())
                    .unwrap_or_default()
            });
            PreparedTest::ActiveDuring(crisis, places)
        }
        InitiativeTest::FundingTerms(quantifier, condition) => {
            PreparedTest::FundingTerms(*quantifier, prepare_term_predicate(condition, snapshot))
        }
        InitiativeTest::Title(comparison) => PreparedTest::Title(comparison),
        plain => PreparedTest::Unprepared(plain),
    }
}

fn map_predicate<'a, T, P>(condition: &'a Predicate<T>, prepare: &impl Fn(&'a T) -> P) -> Predicate<P> {
    let all = |parts: &'a [Predicate<T>]| parts.iter().map(|part| map_predicate(part, prepare)).collect();
    match condition {
        Predicate::All(parts) => Predicate::All(all(parts)),
        Predicate::Any(parts) => Predicate::Any(all(parts)),
        Predicate::Not(part) => map_predicate(part, prepare).negated(),
        Predicate::Test(test) => Predicate::Test(prepare(test)),
    }
}

fn evaluate_predicate<'p, T>(
    condition: &'p Predicate<T>,
    rows: usize,
    test: &impl Fn(&'p T) -> Cow<'p, TruthBitmaps>,
) -> Cow<'p, TruthBitmaps> {
    let parts = |parts: &'p [Predicate<T>], join: fn(&TruthBitmaps, &TruthBitmaps) -> TruthBitmaps| {
        parts
            .iter()
            .map(|part| evaluate_predicate(part, rows, test))
            .reduce(|a, b| Cow::Owned(join(&a, &b)))
    };
    match condition {
        Predicate::All(all) => {
            parts(all, TruthBitmaps::and).unwrap_or_else(|| Cow::Owned(TruthBitmaps::constant(rows, true)))
        }
        Predicate::Any(any) => {
            parts(any, TruthBitmaps::or).unwrap_or_else(|| Cow::Owned(TruthBitmaps::constant(rows, false)))
        }
        Predicate::Not(part) => Cow::Owned(!evaluate_predicate(part, rows, test).into_owned()),
        Predicate::Test(one) => test(one),
    }
}

fn prepare_term_predicate<'a>(
    condition: &'a FundingTermPredicate,
    snapshot: &Snapshot,
) -> Predicate<PreparedFundingTermTest<'a>> {
    map_predicate(condition, &|test| match test {
        FundingTermTest::Funder(condition) => {
            PreparedFundingTermTest::Funder(evaluate_organisations(condition, &snapshot.organisations))
        }
        plain => PreparedFundingTermTest::Unprepared(plain),
    })
}

fn find_places_leading_to(places: &PlaceDictionary, place: Uuid, and_within: bool) -> Vec<bool> {
    let wanted = places.number(place);
    let leads = |to: &[u32]| wanted.is_some_and(|wanted| to.contains(&wanted));
    places
        .all()
        .iter()
        .map(|place| {
            leads(if and_within {
                &place.ancestors
            } else {
                &place.current_numbers
            })
        })
        .collect()
}

fn evaluate_organisations(
    condition: &OrganisationPredicate,
    organisations: &OrganisationDictionary,
) -> Vec<Truth> {
    let of = |organisation: &IndexedOrganisation| {
        condition.evaluate(&mut |test| match test {
            OrganisationTest::Id(named) => Truth::from(named.iter().any(|one| one.id == organisation.id)),
            OrganisationTest::Name(comparison) => comparison.evaluate(Some(&organisation.name_folded)),
            OrganisationTest::Identifier(comparison) => {
                comparison.evaluate(organisation.identifier_folded.as_deref())
            }
            OrganisationTest::Kind(comparison) => comparison.evaluate(organisation.kind.as_ref()),
        })
    };
    organisations.all().iter().map(of).collect()
}

fn evaluate_test(test: &PreparedTest<'_>, chunk: &Chunk) -> TruthBitmaps {
    match test {
        PreparedTest::Id(ids) => match_ids(ids, chunk),
        PreparedTest::Place(places) => match_places(places, chunk),
        PreparedTest::Lead(truths) => TruthBitmaps::from_fn(chunk.len(), |row| {
            truths
                .get(chunk.leads[row] as usize)
                .copied()
                .unwrap_or(Truth::Unknown)
        }),
        PreparedTest::ActiveDuring(crisis, places) => {
            let at_work = match_active_during(crisis, chunk);
            match places {
                Some(places) => at_work.and(&match_places(places, chunk)),
                None => at_work,
            }
        }
        PreparedTest::FundingTerms(quantifier, condition) => {
            evaluate_funding_terms(*quantifier, condition, chunk)
        }
        PreparedTest::Title(comparison) => match_title(comparison, chunk),
        PreparedTest::VisibleTo(reader, organisation) => match_visible_to(*reader, *organisation, chunk),
        PreparedTest::Unprepared(test) => evaluate_unprepared_test(test, chunk),
    }
}

fn match_ids(wanted: &[Uuid], chunk: &Chunk) -> TruthBitmaps {
    let mut yes = Bitmap::empty(chunk.len());
    for id in wanted {
        if let Ok(row) = chunk.ids().binary_search(id) {
            yes.insert(row);
        }
    }
    TruthBitmaps::from_true_rows(yes)
}

/// What is so of the places or organisations that a column has the numbers of.
fn match_numbers(column: &Column, rows: usize, truths: &[Truth]) -> TruthBitmaps {
    let (mut yes, mut no) = (vec![0_u64; rows.div_ceil(64)], vec![0_u64; rows.div_ceil(64)]);
    column.for_each(|row, number| {
        let number = number.and_then(|number| usize::try_from(number).ok());
        let truth = number
            .and_then(|number| truths.get(number))
            .copied()
            .unwrap_or(Truth::Unknown);
        yes[row / 64] |= u64::from(truth == Truth::True) << (row % 64);
        no[row / 64] |= u64::from(truth == Truth::False) << (row % 64);
    });
    TruthBitmaps {
        true_rows: Bitmap::from_words(rows, yes.into_iter()),
        false_rows: Bitmap::from_words(rows, no.into_iter()),
    }
}

fn match_places(places: &[bool], chunk: &Chunk) -> TruthBitmaps {
    let truths: Vec<Truth> = places.iter().map(|is_in| Truth::from(*is_in)).collect();
    match_numbers(&chunk.places, chunk.len(), &truths)
}

/// A start on or after the crisis's first day decides that it had not ended
/// before, an end on or before its last day that it had begun by then, as no
/// initiative ends before it starts.
fn match_active_during(crisis: &CrisisPeriod, chunk: &Chunk) -> TruthBitmaps {
    let from = to_day_number(crisis.from);
    let or_certainly = |truths: &TruthBitmaps, yes: &Bitmap| TruthBitmaps {
        true_rows: truths.true_rows.union(yes),
        false_rows: truths.false_rows.difference(yes),
    };
    let by_end = chunk.ended_on.match_range(&(from..=i64::MAX));
    let by_start = chunk.started_on.match_range(&(from..=i64::MAX)).true_rows;
    let not_over_before = or_certainly(&by_end, &by_start.union(chunk.ongoing.get(1)));
    let Some(to) = crisis.to.map(to_day_number) else {
        return not_over_before;
    };
    let begun = chunk.started_on.match_range(&(i64::MIN..=to));
    let ended = chunk.ended_on.match_range(&(i64::MIN..=to)).true_rows;
    not_over_before.and(&or_certainly(&begun, &ended))
}

fn match_title(comparison: &TextComparison, chunk: &Chunk) -> TruthBitmaps {
    let each = |wanted: &dyn Fn(&str) -> bool| {
        TruthBitmaps::from_true_rows(Bitmap::from_fn(chunk.len(), |row| wanted(chunk.title(row))))
    };
    match comparison {
        TextComparison::Contains(part) => {
            let finder = Finder::new(part.as_bytes());
            each(&|title| finder.find(title.as_bytes()).is_some())
        }
        other => each(&|title| other.evaluate(Some(title)) == Truth::True),
    }
}

/// The rule of [`Reader::can_view_fully`], on sets of rows.
fn match_visible_to(reader: Reader, organisation: Option<u32>, chunk: &Chunk) -> TruthBitmaps {
    let of = |visibility: Visibility| chunk.visibility.get(visibility as u8);
    TruthBitmaps::from_true_rows(match reader {
        Reader::Steward => Bitmap::full(chunk.len()),
        Reader::Dashboard => of(Visibility::Open).clone(),
        Reader::Member { .. } => {
            let mut readable = of(Visibility::Open).union(of(Visibility::Members));
            if let Some(ours) = organisation {
                readable.insert_all(&Bitmap::from_fn(chunk.len(), |row| chunk.leads[row] == ours));
                let funded = chunk.funders.match_range(&(i64::from(ours)..=i64::from(ours)));
                readable.insert_all(
                    &chunk
                        .any_term(&funded)
                        .true_rows
                        .intersection(&chunk.shared_with_funders),
                );
            }
            readable
        }
    })
}

fn evaluate_unprepared_test(test: &InitiativeTest, chunk: &Chunk) -> TruthBitmaps {
    let rows = chunk.len();
    match test {
        InitiativeTest::PlaceKnown(known) => {
            let place = chunk.places.match_range(&(0..=i64::MAX)).true_rows;
            from_decided(place, *known)
        }
        InitiativeTest::StartedOn(comparison) => {
            compare_ordered(&chunk.started_on, rows, &to_day_numbers(comparison))
        }
        InitiativeTest::EndedOn(comparison) => {
            compare_ordered(&chunk.ended_on, rows, &to_day_numbers(comparison))
        }
        InitiativeTest::WayIn(perspective, comparison) => {
            let ways_in = select_perspective(&chunk.ways_in, *perspective);
            match comparison {
                WayInComparison::OneOf(listed) => {
                    ways_in.match_any(rows, listed.iter().map(|code| *code as u8))
                }
                WayInComparison::Known(known) => from_decided(ways_in.known_rows(rows), *known),
            }
        }
        InitiativeTest::EntryPoints(perspective, comparison) => {
            let first = select_perspective(&chunk.ways_in, *perspective);
            let later = select_perspective(&chunk.later, *perspective);
            compare_code_sets(&first.union(&later), rows, comparison, |code| code as u8)
        }
        InitiativeTest::Step(challenge, comparison) => compare_codes(
            &chunk.steps[*challenge as usize],
            rows,
            comparison,
            wayin_vocabulary::ChallengeStep::ALL,
            |code| code as u8,
        ),
        InitiativeTest::Reasons(challenge, comparison) => {
            compare_code_sets(&chunk.reasons[*challenge as usize], rows, comparison, |code| {
                code as u8
            })
        }
        InitiativeTest::Change(condition, comparison) => compare_codes(
            &chunk.changes[*condition as usize],
            rows,
            comparison,
            wayin_vocabulary::ChangeExtent::ALL,
            |code| code as u8,
        ),
        InitiativeTest::FundingTermsRecorded(recorded) => {
            let some = Bitmap::from_fn(rows, |row| !chunk.term_range(row).is_empty());
            from_decided(some, *recorded)
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

fn from_decided(is_so: Bitmap, wanted: bool) -> TruthBitmaps {
    let decided = TruthBitmaps::from_true_rows(is_so);
    if wanted { decided } else { !decided }
}

/// The perspective asked for, or all of them as one.
pub fn select_perspective(planes: &[CodeBitmaps], perspective: Option<Perspective>) -> Cow<'_, CodeBitmaps> {
    match perspective {
        Some(one) => Cow::Borrowed(&planes[one as usize]),
        None => planes
            .iter()
            .map(Cow::Borrowed)
            .reduce(|a, b| Cow::Owned(a.union(&b)))
            .unwrap_or_default(),
    }
}

fn compare_codes<T: Copy + PartialOrd>(
    planes: &CodeBitmaps,
    rows: usize,
    comparison: &Comparison<T>,
    all: &[T],
    number: impl Fn(T) -> u8,
) -> TruthBitmaps {
    match comparison {
        Comparison::Known(known) => from_decided(planes.known_rows(rows), *known),
        comparison => {
            let wanted = all
                .iter()
                .filter(|code| comparison.evaluate(Some(code)) == Truth::True);
            planes.match_any(rows, wanted.map(|code| number(*code)))
        }
    }
}

fn compare_code_sets<T: Copy>(
    planes: &CodeBitmaps,
    rows: usize,
    comparison: &SetComparison<T>,
    number: impl Fn(T) -> u8,
) -> TruthBitmaps {
    match comparison {
        SetComparison::Known(known) => from_decided(planes.known_rows(rows), *known),
        SetComparison::IncludesAll(codes) => planes.match_all(rows, codes.iter().map(|code| number(*code))),
        SetComparison::IncludesAny(codes) => planes.match_any(rows, codes.iter().map(|code| number(*code))),
    }
}

fn to_day_numbers(comparison: &Comparison<NaiveDate>) -> Comparison<i64> {
    comparison.map(|day| to_day_number(*day))
}

fn compare_ordered(column: &Column, rows: usize, comparison: &Comparison<i64>) -> TruthBitmaps {
    let range: RangeInclusive<i64> = match comparison {
        Comparison::Known(known) => {
            return from_decided(column.match_range(&(i64::MIN..=i64::MAX)).true_rows, *known);
        }
        Comparison::OneOf(listed) => {
            return listed
                .iter()
                .map(|value| column.match_range(&(*value..=*value)))
                .reduce(|a, b| a.or(&b))
                .unwrap_or_else(|| TruthBitmaps::constant(rows, false));
        }
        Comparison::Less(bound) => match bound.checked_sub(1) {
            Some(most) => i64::MIN..=most,
            None => return !column.match_range(&(i64::MIN..=i64::MAX)),
        },
        Comparison::AtMost(bound) => i64::MIN..=*bound,
        Comparison::More(bound) => match bound.checked_add(1) {
            Some(least) => least..=i64::MAX,
            None => return !column.match_range(&(i64::MIN..=i64::MAX)),
        },
        Comparison::AtLeast(bound) => *bound..=i64::MAX,
    };
    column.match_range(&range)
}

/// Worked out term by term, all parts of the condition on the same term, then
/// told of the initiative.
fn evaluate_funding_terms(
    quantifier: Quantifier,
    condition: &Predicate<PreparedFundingTermTest<'_>>,
    chunk: &Chunk,
) -> TruthBitmaps {
    let of_terms = evaluate_predicate(condition, chunk.term_count(), &|test| {
        Cow::Owned(evaluate_prepared_term_test(test, chunk))
    })
    .into_owned();
    // `every P` is `not some (not P)`, `none P` is `not some P`.
    match quantifier {
        Quantifier::Some => chunk.any_term(&of_terms),
        Quantifier::Every => !chunk.any_term(&!of_terms),
        Quantifier::None => !chunk.any_term(&of_terms),
    }
}

fn evaluate_prepared_term_test(test: &PreparedFundingTermTest<'_>, chunk: &Chunk) -> TruthBitmaps {
    match test {
        PreparedFundingTermTest::Funder(truths) => match_numbers(&chunk.funders, chunk.term_count(), truths),
        PreparedFundingTermTest::Unprepared(test) => evaluate_term_test(test, chunk),
    }
}

fn evaluate_term_test(test: &FundingTermTest, chunk: &Chunk) -> TruthBitmaps {
    let terms = chunk.term_count();
    match test {
        FundingTermTest::DurationMonths(comparison) => compare_ordered(
            &chunk.duration_months,
            terms,
            &comparison.map(|months| i64::from(*months)),
        ),
        FundingTermTest::AmountMinor(comparison) => compare_ordered(&chunk.amount_minor, terms, comparison),
        FundingTermTest::StartsOn(comparison) => {
            compare_ordered(&chunk.starts_on, terms, &to_day_numbers(comparison))
        }
        FundingTermTest::Currency(comparison) => TruthBitmaps::from_fn(terms, |term| {
            let letters = chunk.currency(term);
            comparison.evaluate(
                letters
                    .as_ref()
                    .and_then(|letters| std::str::from_utf8(letters).ok()),
            )
        }),
        FundingTermTest::Choice(choice, comparison) => {
            let answers = (0..).take(choice.count_answers()).collect::<Vec<u8>>();
            compare_codes(
                &chunk.choices[*choice as usize],
                terms,
                comparison,
                &answers,
                |number| number,
            )
        }
        FundingTermTest::Funder(_) => unreachable!("prepared against the dictionaries"),
    }
}
