//! Evaluates predicates on the index. A predicate is prepared once against the dictionaries, and then evaluated chunk by
//! chunk as [`TruthBitmaps`], in three-valued logic.
//!
//! Chunks have bitmaps for tests of vocabularies. Tests that scan a column (funding terms, places, dates, titles,
//! visibility) are evaluated once for each chunk and [cached](super::predicate_cache).

mod comparisons;
mod unknown_reasons;

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use memchr::memmem::Finder;
use uuid::Uuid;
use wayin_vocabulary::{ChallengeStep, ChangeExtent, Perspective, Visibility};

use self::comparisons::{
    compare_code_sets, compare_codes, compare_ordered, match_known, to_day_numbers, to_microseconds,
};
pub use self::unknown_reasons::MISSING_REASON_COUNT;
use super::index::{
    Bitmap, Chunk, CodeBitmaps, IndexedOrganisation, IndexedPlace, MAX_COMPARED_VALUES,
    OrganisationDictionary, PlaceDictionary, Snapshot, TruthBitmaps, to_day_number,
};
use super::predicate_cache::{CacheEntry, CacheKey, TruthCache};
use crate::predicate::{
    Comparison, CrisisPeriod, FundingTermPredicate, FundingTermTest, InitiativePredicate, InitiativeTest,
    OrganisationPredicate, OrganisationTest, Predicate, Quantifier, TextComparison, WayInComparison,
};
use crate::three_valued_logic::Truth;
use crate::visibility::{Reader, VisiblePart};

/// A predicate on initiatives, prepared against the dictionaries of a snapshot. It is evaluated on chunks, which are
/// numbered by their position.
pub struct PreparedPredicate<'a> {
    predicate: Predicate<CachedTest<'a>>,
}

/// A test that is evaluated at most once for each chunk, unless it is as fast as a look-up.
pub(crate) struct CachedTest<'a> {
    /// Unique in the process.
    serial: u64,
    /// The test as it was asked; none for a test of visibility.
    source: Option<&'a InitiativeTest>,
    test: PreparedTest<'a>,
    cache: Option<TestCache>,
}

fn next_test_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The results of a test: from the truth cache, and from this evaluation.
struct TestCache {
    key: CacheKey,
    dictionary_version: i64,
    cached: Option<Arc<CacheEntry>>,
    computed: Box<[OnceLock<Arc<TruthBitmaps>>]>,
}

enum PreparedTest<'a> {
    /// Sorted.
    Id(Vec<Uuid>),
    /// The places where an initiative matches.
    Place(PlaceSet),
    /// By organisation number.
    Lead(Vec<Truth>),
    ActiveDuring(&'a CrisisPeriod, Option<PlaceSet>),
    StartedDuring(&'a CrisisPeriod, Option<PlaceSet>),
    FundedDuring(&'a CrisisPeriod, Option<PlaceSet>),
    FundingTerms(Quantifier, Predicate<PreparedFundingTermTest<'a>>),
    Title(&'a TextComparison),
    VisibleTo(Reader, VisiblePart, Option<u32>),
    Unprepared(&'a InitiativeTest),
}

enum PreparedFundingTermTest<'a> {
    /// By organisation number.
    Funder(Vec<Truth>),
    Unprepared(&'a FundingTermTest),
}

impl<'a> PreparedPredicate<'a> {
    /// Prepares a predicate for a number of chunks.
    pub fn new(
        predicate: &'a InitiativePredicate,
        snapshot: &Snapshot,
        cache: &TruthCache,
        chunk_count: usize,
    ) -> Self {
        let prepare = |test: &'a InitiativeTest| {
            let prepared = prepare_test(test, snapshot);
            let version = if uses_dictionaries(test) {
                snapshot.dictionary_version
            } else {
                0
            };
            let is_slow = match &prepared {
                PreparedTest::Id(_) | PreparedTest::Place(PlaceSet::Few(_)) => false,
                PreparedTest::Unprepared(test) => {
                    matches!(test, InitiativeTest::StartedOn(_) | InitiativeTest::EndedOn(_))
                }
                _ => true,
            };
            let key = || CacheKey::Test(test.clone());
            CachedTest {
                serial: next_test_serial(),
                source: Some(test),
                test: prepared,
                cache: is_slow.then(|| TestCache::new(key(), version, cache, chunk_count)),
            }
        };
        Self {
            predicate: map_predicate(predicate, &prepare),
        }
    }

    /// The predicate that a reader can see so much of an initiative.
    pub fn visible_to(
        reader: Reader,
        part: VisiblePart,
        snapshot: &Snapshot,
        cache: &TruthCache,
        chunk_count: usize,
    ) -> PreparedPredicate<'static> {
        // An organisation that is not in the index leads and funds nothing.
        let organisation = reader
            .organisation()
            .and_then(|id| snapshot.organisations.number(id));
        let version = i64::from(organisation.map_or(-1, u32::cast_signed));
        let new_cache = || TestCache::new(CacheKey::VisibleTo(reader, part), version, cache, chunk_count);
        PreparedPredicate {
            predicate: Predicate::Test(CachedTest {
                serial: next_test_serial(),
                source: None,
                test: PreparedTest::VisibleTo(reader, part, organisation),
                cache: (reader != Reader::Steward).then(new_cache),
            }),
        }
    }

    /// Whether it tests nothing, and so is TRUE for every initiative.
    pub(crate) fn is_always_true(&self) -> bool {
        matches!(&self.predicate, Predicate::All(parts) if parts.is_empty())
    }

    /// Evaluates the predicate for every initiative of the chunk at a position.
    pub fn evaluate(&self, position: usize, chunk: &Chunk) -> Cow<'_, TruthBitmaps> {
        self.evaluate_with(chunk.len(), &|test| test.evaluate(position, chunk))
    }

    /// Evaluates the predicate for every initiative of a chunk, given the value of each test.
    pub(crate) fn evaluate_with<'p>(
        &'p self,
        row_count: usize,
        evaluate_test: &impl Fn(&'p CachedTest<'a>) -> Cow<'p, TruthBitmaps>,
    ) -> Cow<'p, TruthBitmaps> {
        evaluate_predicate(&self.predicate, row_count, evaluate_test)
    }

    /// Calls `visit` with each test.
    pub(crate) fn for_each_test<'p>(&'p self, visit: &mut impl FnMut(&'p CachedTest<'a>)) {
        self.predicate.for_each_test(visit);
    }

    /// Stores the results in the truth cache.
    pub fn cache_results(&self, chunks: &[&Chunk], cache: &TruthCache) {
        self.predicate.for_each_test(&mut |test| {
            if let Some(results) = &test.cache {
                results.store(chunks, cache);
            }
        });
    }
}

impl TestCache {
    fn new(key: CacheKey, dictionary_version: i64, cache: &TruthCache, chunk_count: usize) -> Self {
        Self {
            cached: cache.get(&key, dictionary_version),
            key,
            dictionary_version,
            computed: std::iter::repeat_with(OnceLock::new).take(chunk_count).collect(),
        }
    }

    fn get_cached(&self, serial: u64) -> Option<&Arc<TruthBitmaps>> {
        self.cached.as_ref()?.chunks.get(&serial)
    }

    fn get_or_compute(
        &self,
        position: usize,
        serial: u64,
        compute: impl FnOnce() -> TruthBitmaps,
    ) -> &TruthBitmaps {
        let cached = self.get_cached(serial);
        cached.unwrap_or_else(|| self.computed[position].get_or_init(|| Arc::new(compute())))
    }

    fn store(&self, chunks: &[&Chunk], cache: &TruthCache) {
        if self.computed.iter().all(|result| result.get().is_none()) {
            return;
        }
        let results = chunks.iter().zip(&self.computed).filter_map(|(chunk, computed)| {
            let truths = computed.get().or_else(|| self.get_cached(chunk.serial))?;
            Some((chunk.serial, Arc::clone(truths)))
        });
        let entry = CacheEntry {
            dictionary_version: self.dictionary_version,
            chunks: results.collect(),
        };
        cache.store(self.key.clone(), entry);
    }
}

impl<'a> CachedTest<'a> {
    /// A number that no other test of the process has.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// The test as it was asked; none for a test of visibility.
    pub(crate) fn source(&self) -> Option<&'a InitiativeTest> {
        self.source
    }

    /// Evaluates the test for every initiative of the chunk at a position.
    pub(crate) fn evaluate(&self, position: usize, chunk: &Chunk) -> Cow<'_, TruthBitmaps> {
        let compute = || evaluate_test(&self.test, chunk);
        match &self.cache {
            Some(cache) => Cow::Borrowed(cache.get_or_compute(position, chunk.serial, compute)),
            None => Cow::Owned(compute()),
        }
    }
}

fn uses_dictionaries(test: &InitiativeTest) -> bool {
    match test {
        InitiativeTest::PlaceIs(_) | InitiativeTest::PlaceWithin(_) | InitiativeTest::LeadOrganisation(_) => {
            true
        }
        InitiativeTest::ActiveDuring(crisis)
        | InitiativeTest::StartedDuring(crisis)
        | InitiativeTest::FundedDuring(crisis) => !crisis.places.is_empty(),
        InitiativeTest::FundingTerms(_, terms) => {
            terms.has_test(&|test| matches!(test, FundingTermTest::Funder(_)))
        }
        _ => false,
    }
}

fn prepare_test<'a>(test: &'a InitiativeTest, snapshot: &Snapshot) -> PreparedTest<'a> {
    let find_affected = |crisis: &CrisisPeriod| {
        let is_limited = !crisis.places.is_empty();
        is_limited.then(|| match_places_within(&snapshot.places, &crisis.places))
    };
    match test {
        InitiativeTest::Id(ids) => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            PreparedTest::Id(ids)
        }
        InitiativeTest::PlaceIs(place) => {
            PreparedTest::Place(match_current_place(&snapshot.places, place.id))
        }
        InitiativeTest::PlaceWithin(place) => {
            PreparedTest::Place(match_places_within(&snapshot.places, &[place.id]))
        }
        InitiativeTest::LeadOrganisation(predicate) => {
            PreparedTest::Lead(evaluate_organisations(predicate, &snapshot.organisations))
        }
        InitiativeTest::ActiveDuring(crisis) => PreparedTest::ActiveDuring(crisis, find_affected(crisis)),
        InitiativeTest::StartedDuring(crisis) => PreparedTest::StartedDuring(crisis, find_affected(crisis)),
        InitiativeTest::FundedDuring(crisis) => PreparedTest::FundedDuring(crisis, find_affected(crisis)),
        InitiativeTest::FundingTerms(quantifier, predicate) => {
            PreparedTest::FundingTerms(*quantifier, prepare_term_predicate(predicate, snapshot))
        }
        InitiativeTest::Title(comparison) => PreparedTest::Title(comparison),
        other => PreparedTest::Unprepared(other),
    }
}

fn map_predicate<'a, T, P>(predicate: &'a Predicate<T>, prepare: &impl Fn(&'a T) -> P) -> Predicate<P> {
    let all = |parts: &'a [Predicate<T>]| parts.iter().map(|part| map_predicate(part, prepare)).collect();
    match predicate {
        Predicate::All(parts) => Predicate::All(all(parts)),
        Predicate::Any(parts) => Predicate::Any(all(parts)),
        Predicate::Not(part) => map_predicate(part, prepare).negated(),
        Predicate::Test(test) => Predicate::Test(prepare(test)),
    }
}

fn evaluate_predicate<'p, T>(
    predicate: &'p Predicate<T>,
    row_count: usize,
    evaluate_test: &impl Fn(&'p T) -> Cow<'p, TruthBitmaps>,
) -> Cow<'p, TruthBitmaps> {
    let join =
        |parts: &'p [Predicate<T>], join: fn(&TruthBitmaps, &TruthBitmaps) -> TruthBitmaps, empty: bool| {
            let truths = parts
                .iter()
                .map(|part| evaluate_predicate(part, row_count, evaluate_test));
            let joined = truths.reduce(|a, b| Cow::Owned(join(&a, &b)));
            joined.unwrap_or_else(|| Cow::Owned(TruthBitmaps::constant(row_count, empty)))
        };
    match predicate {
        Predicate::All(parts) => join(parts, TruthBitmaps::and, true),
        Predicate::Any(parts) => join(parts, TruthBitmaps::or, false),
        Predicate::Not(part) => Cow::Owned(!evaluate_predicate(part, row_count, evaluate_test).into_owned()),
        Predicate::Test(test) => evaluate_test(test),
    }
}

fn prepare_term_predicate<'a>(
    predicate: &'a FundingTermPredicate,
    snapshot: &Snapshot,
) -> Predicate<PreparedFundingTermTest<'a>> {
    map_predicate(predicate, &|test| match test {
        FundingTermTest::Funder(predicate) => {
            PreparedFundingTermTest::Funder(evaluate_organisations(predicate, &snapshot.organisations))
        }
        other => PreparedFundingTermTest::Unprepared(other),
    })
}

/// Some places.
enum PlaceSet {
    /// Their numbers, if they are few.
    Few(Vec<i64>),
    /// By place number: whether the place is in the set.
    Many(Vec<Truth>),
}

impl PlaceSet {
    fn new(places: &PlaceDictionary, contains: impl Fn(&IndexedPlace) -> bool) -> Self {
        let numbered = (0..).zip(places.all());
        let few = numbered
            .filter(|(_, place)| contains(place))
            .map(|(number, _)| number);
        let few: Vec<i64> = few.take(MAX_COMPARED_VALUES + 1).collect();
        if few.len() <= MAX_COMPARED_VALUES {
            return Self::Few(few);
        }
        Self::Many(places.all().iter().map(|place| contains(place).into()).collect())
    }
}

/// The given place, and the retired places whose successor it is.
fn match_current_place(places: &PlaceDictionary, id: Uuid) -> PlaceSet {
    let number = places.number(id);
    PlaceSet::new(places, |place| {
        number.is_some_and(|number| place.current_numbers.contains(&number))
    })
}

/// The places that lie within one of the given ones.
fn match_places_within(places: &PlaceDictionary, ids: &[Uuid]) -> PlaceSet {
    let numbers: Vec<u32> = ids.iter().filter_map(|id| places.number(*id)).collect();
    PlaceSet::new(places, |place| {
        numbers.iter().any(|number| place.ancestors.contains(number))
    })
}

fn evaluate_organisations(
    predicate: &OrganisationPredicate,
    organisations: &OrganisationDictionary,
) -> Vec<Truth> {
    let evaluate = |organisation: &IndexedOrganisation| {
        predicate.evaluate(&mut |test| match test {
            OrganisationTest::Id(listed) => Truth::from(listed.iter().any(|one| one.id == organisation.id)),
            OrganisationTest::Name(comparison) => comparison.evaluate(Some(&organisation.name_folded)),
            OrganisationTest::Identifier(comparison) => {
                comparison.evaluate(organisation.identifier_folded.as_deref())
            }
            OrganisationTest::Kind(comparison) => comparison.evaluate(organisation.kind.as_ref()),
        })
    };
    organisations.all().iter().map(evaluate).collect()
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
            match_affected(match_active_during(crisis, chunk), places.as_ref(), chunk)
        }
        PreparedTest::StartedDuring(crisis, places) => {
            let started = chunk.started_on.match_range(&list_days(crisis));
            match_affected(started, places.as_ref(), chunk)
        }
        PreparedTest::FundedDuring(crisis, places) => {
            let terms = chunk.starts_on.match_range(&list_days(crisis));
            match_affected(chunk.any_term(&terms), places.as_ref(), chunk)
        }
        PreparedTest::FundingTerms(quantifier, predicate) => {
            evaluate_funding_terms(*quantifier, predicate, chunk)
        }
        PreparedTest::Title(comparison) => match_title(comparison, chunk),
        PreparedTest::VisibleTo(reader, part, organisation) => {
            match_visible_to(*reader, *part, *organisation, chunk)
        }
        PreparedTest::Unprepared(test) => evaluate_unprepared_test(test, chunk),
    }
}

fn match_ids(ids: &[Uuid], chunk: &Chunk) -> TruthBitmaps {
    let mut true_rows = Bitmap::empty(chunk.len());
    for row in ids.iter().filter_map(|id| chunk.ids().binary_search(id).ok()) {
        true_rows.insert(row);
    }
    TruthBitmaps::from_true_rows(true_rows)
}

fn match_places(places: &PlaceSet, chunk: &Chunk) -> TruthBitmaps {
    match places {
        PlaceSet::Few(numbers) => chunk.places.match_few(numbers),
        PlaceSet::Many(truths) => chunk.places.look_up_truths(truths),
    }
}

/// Narrows the rows that match a crisis to those in the places that it affected; none if it affected all.
fn match_affected(matching: TruthBitmaps, places: Option<&PlaceSet>, chunk: &Chunk) -> TruthBitmaps {
    match places {
        Some(places) => matching.and(&match_places(places, chunk)),
        None => matching,
    }
}

/// The numbers of the days of a crisis.
fn list_days(crisis: &CrisisPeriod) -> RangeInclusive<i64> {
    to_day_number(crisis.from)..=crisis.to.map_or(i64::MAX, to_day_number)
}

/// An initiative was active if it had not ended before the crisis and had started before the crisis ended. No initiative
/// ends before it starts, so a start during or after the crisis decides the first, and an end before the end of the
/// crisis decides the second.
fn match_active_during(crisis: &CrisisPeriod, chunk: &Chunk) -> TruthBitmaps {
    let from = to_day_number(crisis.from);
    let or_rows = |truths: &TruthBitmaps, rows: &Bitmap| TruthBitmaps {
        true_rows: truths.true_rows.union(rows),
        false_rows: truths.false_rows.difference(rows),
    };
    let ended_since = chunk.ended_on.match_range(&(from..=i64::MAX));
    let started_since = chunk.started_on.match_range(&(from..=i64::MAX)).true_rows;
    let not_over = or_rows(&ended_since, &started_since.union(chunk.ongoing.get(1)));
    let Some(to) = crisis.to.map(to_day_number) else {
        return not_over;
    };
    let started_by = chunk.started_on.match_range(&(i64::MIN..=to));
    let ended_by = chunk.ended_on.match_range(&(i64::MIN..=to)).true_rows;
    not_over.and(&or_rows(&started_by, &ended_by))
}

fn match_title(comparison: &TextComparison, chunk: &Chunk) -> TruthBitmaps {
    let match_rows = |matches: &dyn Fn(&str) -> bool| {
        TruthBitmaps::from_true_rows(Bitmap::from_fn(chunk.len(), |row| matches(chunk.title(row))))
    };
    match comparison {
        TextComparison::Contains(part) => {
            let finder = Finder::new(part.as_bytes());
            match_rows(&|title| finder.find(title.as_bytes()).is_some())
        }
        other => match_rows(&|title| other.evaluate(Some(title)) == Truth::True),
    }
}

/// The rule of [`Reader::can_view_fully`], on bitmaps. A funder sees a part of every record that it funds.
fn match_visible_to(
    reader: Reader,
    part: VisiblePart,
    organisation: Option<u32>,
    chunk: &Chunk,
) -> TruthBitmaps {
    let rows = |visibility: Visibility| chunk.visibility.get(visibility as u8);
    TruthBitmaps::from_true_rows(match reader {
        Reader::Steward => Bitmap::full(chunk.len()),
        Reader::Dashboard => rows(Visibility::Open).clone(),
        Reader::Member { .. } => {
            let mut visible = rows(Visibility::Open).union(rows(Visibility::Members));
            if let Some(own) = organisation {
                visible.insert_all(&Bitmap::from_fn(chunk.len(), |row| chunk.leads[row] == own));
                let funded = chunk.funders.match_range(&(own.into()..=own.into()));
                let funded = chunk.any_term(&funded).true_rows;
                visible.insert_all(&match part {
                    VisiblePart::Whole => funded.intersection(&chunk.shared_with_funders),
                    VisiblePart::Any => funded,
                });
            }
            visible
        }
    })
}

fn evaluate_unprepared_test(test: &InitiativeTest, chunk: &Chunk) -> TruthBitmaps {
    let row_count = chunk.len();
    match test {
        InitiativeTest::PlaceKnown(known) => {
            let with_place = chunk.places.match_range(&(0..=i64::MAX)).true_rows;
            match_known(with_place, *known)
        }
        InitiativeTest::StartedOn(comparison) => {
            compare_ordered(&chunk.started_on, row_count, &to_day_numbers(comparison))
        }
        InitiativeTest::EndedOn(comparison) => {
            compare_ordered(&chunk.ended_on, row_count, &to_day_numbers(comparison))
        }
        InitiativeTest::UpdatedAt(comparison) => {
            compare_ordered(&chunk.updated_at, row_count, &to_microseconds(comparison))
        }
        InitiativeTest::WayIn(perspective, comparison) => {
            let ways_in = select_perspective(&chunk.ways_in, *perspective);
            match comparison {
                WayInComparison::OneOf(listed) => {
                    ways_in.match_any(row_count, listed.iter().map(|code| *code as u8))
                }
                WayInComparison::Known(known) => match_known(ways_in.known_rows(row_count), *known),
            }
        }
        InitiativeTest::EntryPoints(perspective, comparison) => {
            let first = select_perspective(&chunk.ways_in, *perspective);
            let later = select_perspective(&chunk.later, *perspective);
            compare_code_sets(&first.union(&later), row_count, comparison)
        }
        InitiativeTest::Step(challenge, comparison) => compare_codes(
            &chunk.steps[*challenge as usize],
            row_count,
            comparison,
            ChallengeStep::ALL,
        ),
        InitiativeTest::Reasons(challenge, comparison) => {
            compare_code_sets(&chunk.reasons[*challenge as usize], row_count, comparison)
        }
        InitiativeTest::Change(condition, comparison) => compare_codes(
            &chunk.changes[*condition as usize],
            row_count,
            comparison,
            ChangeExtent::ALL,
        ),
        InitiativeTest::FundingTermsRecorded(recorded) => {
            let with_terms = Bitmap::from_fn(row_count, |row| !chunk.term_range(row).is_empty());
            match_known(with_terms, *recorded)
        }
        InitiativeTest::Id(_)
        | InitiativeTest::Title(_)
        | InitiativeTest::PlaceIs(_)
        | InitiativeTest::PlaceWithin(_)
        | InitiativeTest::LeadOrganisation(_)
        | InitiativeTest::ActiveDuring(_)
        | InitiativeTest::StartedDuring(_)
        | InitiativeTest::FundedDuring(_)
        | InitiativeTest::FundingTerms(..) => unreachable!("prepared against the dictionaries"),
    }
}

/// The codes of one perspective, or of all perspectives together.
pub fn select_perspective(codes: &[CodeBitmaps], perspective: Option<Perspective>) -> Cow<'_, CodeBitmaps> {
    match perspective {
        Some(one) => Cow::Borrowed(&codes[one as usize]),
        None => codes
            .iter()
            .map(Cow::Borrowed)
            .reduce(|a, b| Cow::Owned(a.union(&b)))
            .unwrap_or_default(),
    }
}

/// Evaluates a predicate for each funding term, and applies the quantifier to the terms of each initiative.
fn evaluate_funding_terms(
    quantifier: Quantifier,
    predicate: &Predicate<PreparedFundingTermTest<'_>>,
    chunk: &Chunk,
) -> TruthBitmaps {
    let terms = evaluate_predicate(predicate, chunk.term_count(), &|test| {
        Cow::Owned(evaluate_prepared_term_test(test, chunk))
    })
    .into_owned();
    // `every P` is `not some (not P)`, and `none P` is `not some P`.
    match quantifier {
        Quantifier::Some => chunk.any_term(&terms),
        Quantifier::Every => !chunk.any_term(&!terms),
        Quantifier::None => !chunk.any_term(&terms),
    }
}

fn evaluate_prepared_term_test(test: &PreparedFundingTermTest<'_>, chunk: &Chunk) -> TruthBitmaps {
    match test {
        PreparedFundingTermTest::Funder(truths) => chunk.funders.look_up_truths(truths),
        PreparedFundingTermTest::Unprepared(test) => evaluate_term_test(test, chunk),
    }
}

fn evaluate_term_test(test: &FundingTermTest, chunk: &Chunk) -> TruthBitmaps {
    let term_count = chunk.term_count();
    let ordered = |column, comparison: &Comparison<i64>| compare_ordered(column, term_count, comparison);
    match test {
        FundingTermTest::DurationMonths(comparison) => {
            ordered(&chunk.duration_months, &comparison.map(|months| (*months).into()))
        }
        FundingTermTest::AmountMinor(comparison) => ordered(&chunk.amount_minor, comparison),
        FundingTermTest::StartsOn(comparison) => ordered(&chunk.starts_on, &to_day_numbers(comparison)),
        FundingTermTest::Currency(comparison) => TruthBitmaps::from_fn(term_count, |term| {
            let letters = chunk.currency(term);
            comparison.evaluate(
                letters
                    .as_ref()
                    .and_then(|letters| std::str::from_utf8(letters).ok()),
            )
        }),
        FundingTermTest::Choice(choice, comparison) => {
            let codes = &chunk.choices[*choice as usize];
            match comparison {
                Comparison::Known(known) => match_known(codes.known_rows(term_count), *known),
                comparison => {
                    let answers = (0..).take(choice.count_answers());
                    codes.match_any(term_count, answers.filter(|answer| comparison.matches(answer)))
                }
            }
        }
        FundingTermTest::Funder(_) => unreachable!("prepared against the dictionaries"),
    }
}
