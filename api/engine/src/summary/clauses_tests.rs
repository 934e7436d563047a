//! Every kind of condition, in the words that a reader sees.

use std::collections::HashMap;
use std::fmt::Write as _;

use chrono::NaiveDate;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Choice, Condition as ForChange,
    DeliveryTimeline, EntryPoint, OrganisationKind, Perspective, ReportingBasis, ReportingFrequency,
    Restriction,
};

use super::clauses::{Number, phrase};
use crate::predicate::InitiativeTest::{
    ActiveDuring, AnyTermRecorded, EndedOn, EntryPoints, FundingTerms, LeadOrganisation, PlaceIs, PlaceKnown,
    PlaceWithin, Reasons, StartedOn, Title, WayIn,
};
use crate::predicate::TermTest::{AmountMinor, Currency, DurationMonths, Funder, StartsOn};
use crate::predicate::{
    Comparison, Condition, CrisisPeriod, InitiativeCondition, InitiativeTest, Named, OrganisationCondition,
    OrganisationTest, Quantifier, SetComparison, TermCondition, TermTest, TextComparison, WayInComparison,
};
use crate::three_valued::Truth;

use Comparison::{AtLeast, AtMost, Known, Less, More, OneOf};

fn choice<T: Choice>(choice: FundingChoice, comparison: Comparison<T>) -> TermTest {
    TermTest::choice(choice, &comparison)
}

fn all<T>(parts: impl Into<Vec<Condition<T>>>) -> Condition<T> {
    Condition::All(parts.into())
}

fn any<T>(parts: impl Into<Vec<Condition<T>>>) -> Condition<T> {
    Condition::Any(parts.into())
}

fn not<T>(part: Condition<T>) -> Condition<T> {
    part.negated()
}

fn is<T>(test: T) -> Condition<T> {
    Condition::Test(test)
}

fn some(terms: TermCondition) -> InitiativeCondition {
    is(FundingTerms(Quantifier::Some, terms))
}

fn every(terms: TermCondition) -> InitiativeCondition {
    is(FundingTerms(Quantifier::Every, terms))
}

fn none(terms: TermCondition) -> InitiativeCondition {
    is(FundingTerms(Quantifier::None, terms))
}

fn led_by(organisation: OrganisationCondition) -> InitiativeCondition {
    is(LeadOrganisation(organisation))
}

fn named(name: &str) -> Named {
    Named {
        id: Uuid::nil(),
        name: name.into(),
    }
}

fn text(text: &str) -> String {
    text.into()
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn in_wales() -> InitiativeCondition {
    is(PlaceWithin(named("Wales")))
}

fn step(steps: &[ChallengeStep]) -> InitiativeCondition {
    is(InitiativeTest::Step(
        Challenge::DefiningAmbitions,
        OneOf(steps.to_vec()),
    ))
}

fn way_in(perspective: Option<Perspective>, points: &[EntryPoint]) -> InitiativeCondition {
    is(WayIn(perspective, WayInComparison::OneOf(points.to_vec())))
}

fn up_to(months: i32) -> TermCondition {
    is(DurationMonths(AtMost(months)))
}

fn research(paid: bool) -> TermCondition {
    is(choice(FundingChoice::UpfrontResearch, OneOf(vec![paid])))
}

fn kind(kinds: &[OrganisationKind]) -> OrganisationCondition {
    is(OrganisationTest::Kind(OneOf(kinds.to_vec())))
}

fn called(part: &str) -> OrganisationCondition {
    is(OrganisationTest::Name(TextComparison::Contains(part.into())))
}

fn crisis(places: &[Uuid]) -> CrisisPeriod {
    CrisisPeriod {
        name: "The pandemic".into(),
        from: day(2020, 3, 1),
        to: None,
        places: places.to_vec(),
    }
}

/// Each condition as it is written here, its words, and those of its opposite.
macro_rules! assert_phrases {
    ($number:expr; $($condition:expr;)+) => {{
        let mut phrases = String::new();
        $(
            let condition = $condition;
            let opposite = not(condition.clone());
            let words = [condition, opposite].map(|one| phrase(&one, $number).text);
            let _ = writeln!(phrases, "{}\n    {}\n    {}", stringify!($condition), words[0], words[1]);
        )+
        insta::assert_snapshot!(phrases);
    }};
}

#[test]
fn what_an_initiative_is_and_where_and_when_it_worked() {
    let lead = |id: &str| is(OrganisationTest::Id(vec![named(id)]));
    assert_phrases! { Number::Many;
        is(InitiativeTest::Id(vec![Uuid::nil()]));
        is(InitiativeTest::Id((0..1_200).map(Uuid::from_u128).collect()));
        is(Title(TextComparison::OneOf(vec![text("a"), text("b")])));
        is(Title(TextComparison::Contains(text("a"))));
        is(Title(TextComparison::StartsWith(text("a"))));
        is(Title(TextComparison::Known(true)));
        is(PlaceIs(named("Wigan")));
        in_wales();
        is(PlaceKnown(true));
        is(PlaceKnown(false));
        led_by(lead("Acme"));
        is(StartedOn(OneOf(vec![day(2020, 3, 1)])));
        is(StartedOn(Less(day(2020, 3, 1))));
        is(StartedOn(Known(true)));
        is(EndedOn(OneOf(vec![day(2020, 3, 1), day(2021, 12, 31)])));
        is(EndedOn(AtMost(day(2020, 3, 1))));
        is(EndedOn(More(day(2020, 3, 1))));
        is(EndedOn(AtLeast(day(2020, 3, 1))));
        is(EndedOn(Known(false)));
        is(ActiveDuring(crisis(&[])));
        is(ActiveDuring(crisis(&[Uuid::nil()])));
        is(AnyTermRecorded(true));
        is(AnyTermRecorded(false));
    }
}

#[test]
fn what_an_initiative_went_through() {
    use ChallengeReason::{CollaborationExpected, CompetitionForResources, CrisisResponse, ShortFunding};
    use EntryPoint::{Collaboration, Complexity, RootCauses, SingleOrganisation};
    let points = |comparison| is(EntryPoints(None, comparison));
    let reasons = |comparison| is(Reasons(Challenge::FosteringConditions, comparison));
    let change = |comparison| {
        is(InitiativeTest::Change(
            ForChange::ReportingRequirements,
            comparison,
        ))
    };
    assert_phrases! { Number::Many;
        way_in(None, &[SingleOrganisation]);
        way_in(Some(Perspective::Community), &[Collaboration, RootCauses]);
        is(WayIn(None, WayInComparison::Known(true)));
        is(WayIn(Some(Perspective::Funder), WayInComparison::Known(false)));
        points(SetComparison::IncludesAll(vec![Complexity]));
        points(SetComparison::IncludesAll(vec![Complexity, RootCauses]));
        points(SetComparison::IncludesAll(vec![Complexity, RootCauses, Collaboration]));
        points(SetComparison::IncludesAny(vec![Complexity, RootCauses]));
        points(SetComparison::Known(true));
        is(EntryPoints(Some(Perspective::NationalCharity), SetComparison::IncludesAny(vec![Complexity])));
        step(&[ChallengeStep::Skipped]);
        step(&[ChallengeStep::Skipped, ChallengeStep::Rushed]);
        is(InitiativeTest::Step(Challenge::UnderstandingLocalSystem, OneOf(vec![ChallengeStep::Taken])));
        is(InitiativeTest::Step(Challenge::FosteringConditions, Known(true)));
        is(InitiativeTest::Step(Challenge::DefiningAmbitions, More(ChallengeStep::Taken)));
        is(InitiativeTest::Step(Challenge::DefiningAmbitions, Less(ChallengeStep::Taken)));
        reasons(SetComparison::IncludesAll(vec![ShortFunding, ShortFunding]));
        reasons(SetComparison::IncludesAll(vec![ShortFunding, CrisisResponse]));
        reasons(SetComparison::IncludesAny(vec![ShortFunding, CollaborationExpected]));
        reasons(SetComparison::IncludesAll(vec![CompetitionForResources]));
        reasons(SetComparison::Known(false));
        change(OneOf(vec![ChangeExtent::Altered]));
        change(OneOf(vec![ChangeExtent::Unchanged, ChangeExtent::Partly]));
        change(Known(true));
    }
}

#[test]
fn one_initiative_is_spoken_of_as_one() {
    let step = |comparison| is(InitiativeTest::Step(Challenge::DefiningAmbitions, comparison));
    let entry_points = EntryPoints(None, SetComparison::Known(true));
    let reasons = Reasons(Challenge::DefiningAmbitions, SetComparison::Known(true));
    assert_phrases! { Number::One;
        is(InitiativeTest::Id(vec![Uuid::nil()]));
        led_by(is(OrganisationTest::Id(vec![named("Acme")])));
        is(ActiveDuring(crisis(&[])));
        is(PlaceKnown(true));
        is(StartedOn(Known(true)));
        is(EndedOn(Known(true)));
        is(WayIn(None, WayInComparison::Known(true)));
        is(entry_points);
        step(OneOf(vec![ChallengeStep::Rushed]));
        step(Known(true));
        is(reasons);
        is(AnyTermRecorded(true));
        every(up_to(18));
        all([]);
    }
}

/// Likewise, for "some funding" that each test of a term, and its opposite, is true of.
macro_rules! assert_funding_phrases {
    ($($test:expr;)+) => {{
        let mut phrases = String::new();
        $(
            let words = [is($test), not(is($test))].map(|terms| phrase(&some(terms), Number::Many).text);
            let _ = writeln!(phrases, "{}\n    {}\n    {}", stringify!($test), words[0], words[1]);
        )+
        insta::assert_snapshot!(phrases);
    }};
}

#[test]
fn how_much_money_came_when_and_for_how_long() {
    assert_funding_phrases! {
        DurationMonths(OneOf(vec![1]));
        DurationMonths(OneOf(vec![1, 12, 1_200]));
        DurationMonths(OneOf((1..=11).collect()));
        DurationMonths(Less(18));
        DurationMonths(AtMost(1));
        DurationMonths(More(0));
        DurationMonths(AtLeast(-18));
        DurationMonths(Known(true));
        AmountMinor(OneOf(vec![5, 123_456]));
        AmountMinor(Less(100));
        AmountMinor(AtMost(100));
        AmountMinor(More(-150));
        AmountMinor(AtLeast(1_000_000));
        AmountMinor(Known(false));
        Currency(TextComparison::OneOf(vec![text("gbp"), text("eur")]));
        Currency(TextComparison::Contains(text("g")));
        Currency(TextComparison::StartsWith(text("g")));
        Currency(TextComparison::Known(true));
        StartsOn(Less(day(2021, 4, 1)));
        StartsOn(Known(true));
    }
}

#[test]
fn on_what_terms_the_money_came() {
    use ReportingFrequency::{EndOnly, Monthly, None as Never, Quarterly, TwiceYearly, Yearly};
    let funder = |kinds: &[OrganisationKind]| Funder(kind(kinds));
    assert_funding_phrases! {
        funder(&[OrganisationKind::PublicBody]);
        choice(FundingChoice::UpfrontResearch, OneOf(vec![true]));
        choice(FundingChoice::UpfrontResearch, OneOf(vec![true, false]));
        TermTest::Choice(FundingChoice::UpfrontResearch, Known(true));
        choice(FundingChoice::CollaborationResourced, OneOf(vec![false]));
        TermTest::Choice(FundingChoice::CollaborationResourced, Known(false));
        choice(FundingChoice::IntendedFocus, OneOf(vec![EntryPoint::RootCauses]));
        TermTest::Choice(FundingChoice::IntendedFocus, Known(true));
        choice(FundingChoice::Restriction, OneOf(vec![Restriction::Unrestricted]));
        TermTest::Choice(FundingChoice::Restriction, Known(true));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![Monthly]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![EndOnly, Quarterly]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![Never]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![Never, Yearly]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![Never, Yearly, Monthly, Quarterly, EndOnly]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![TwiceYearly]));
        TermTest::Choice(FundingChoice::ReportingFrequency, Known(true));
        choice(FundingChoice::ReportingBasis, OneOf(vec![ReportingBasis::FixedTargets]));
        TermTest::Choice(FundingChoice::ReportingBasis, Known(true));
        choice(FundingChoice::DeliveryTimeline, OneOf(vec![DeliveryTimeline::Adaptable]));
        TermTest::Choice(FundingChoice::DeliveryTimeline, Known(true));
        choice(FundingChoice::Renewable, OneOf(vec![true]));
        TermTest::Choice(FundingChoice::Renewable, Known(true));
        choice(FundingChoice::MultiSite, OneOf(vec![true]));
        choice(FundingChoice::MultiSite, OneOf(vec![false]));
        TermTest::Choice(FundingChoice::MultiSite, Known(true));
    }
}

#[test]
fn some_all_or_none_of_the_funding() {
    let unrestricted = is(choice(
        FundingChoice::Restriction,
        OneOf(vec![Restriction::Unrestricted]),
    ));
    let pounds = || is(Currency(TextComparison::OneOf(vec![text("gbp")])));
    let mixed = || all([up_to(18), research(false)]);
    assert_phrases! { Number::Many;
        some(up_to(18));
        every(up_to(18));
        none(up_to(18));
        some(not(up_to(18)));
        every(not(up_to(18)));
        none(not(up_to(18)));
        some(not(pounds()));
        every(not(pounds()));
        none(not(pounds()));
        every(research(false));
        every(unrestricted.clone());
        none(unrestricted);
        some(mixed());
        every(mixed());
        none(mixed());
        none(not(any([pounds(), research(true)])));
        some(all([]));
        every(all([]));
        none(all([]));
        some(any([]));
        every(any([]));
        none(any([]));
        some(any([up_to(18), all([research(true), any([])])]));
    }
}

#[test]
fn which_organisations_are_meant() {
    use OrganisationKind::{CommunityGroup, Funder as Funding, NationalCharity, PublicBody};
    let ids = |count: usize| {
        is(OrganisationTest::Id(
            (1..=count).map(|one| named(&format!("Group {one}"))).collect(),
        ))
    };
    let identifier = |comparison| is(OrganisationTest::Identifier(comparison));
    assert_phrases! { Number::Many;
        led_by(ids(2));
        led_by(ids(500));
        led_by(not(ids(1)));
        led_by(called("trust"));
        led_by(is(OrganisationTest::Name(TextComparison::OneOf(vec![text("a")]))));
        led_by(identifier(TextComparison::StartsWith(text("gb-"))));
        led_by(identifier(TextComparison::Known(false)));
        led_by(kind(&[NationalCharity]));
        led_by(kind(&[PublicBody, Funding]));
        led_by(is(OrganisationTest::Kind(Known(true))));
        led_by(all([kind(&[CommunityGroup]), not(called("trust"))]));
        led_by(any([kind(&[CommunityGroup]), all([ids(1), is(OrganisationTest::Kind(Known(true)))])]));
        led_by(all([]));
        led_by(any([]));
        some(is(Funder(not(ids(1)))));
        some(is(Funder(any([]))));
        some(is(Funder(all([called("a"), called("b")]))));
    }
}

#[test]
fn conditions_within_conditions() {
    let skipped = || step(&[ChallengeStep::Skipped]);
    let start = || way_in(None, &[EntryPoint::RootCauses]);
    assert_phrases! { Number::Many;
        not(not(in_wales()));
        all([in_wales(), skipped(), start()]);
        any([in_wales(), all([skipped(), not(start())])]);
        all([in_wales(), all([skipped(), not(any([start(), not(in_wales())]))])]);
        any([all([any([in_wales(), skipped()]), start()]), is(PlaceKnown(false))]);
        all([step(&[ChallengeStep::Skipped, ChallengeStep::Rushed]), in_wales()]);
        all([is(PlaceKnown(true)), skipped()]);
        all([some(up_to(18)), some(research(true)), in_wales()]);
        all([in_wales(), some(all([up_to(18), research(true)]))]);
        all([]);
        any([]);
        all([in_wales(), all([])]);
        all([in_wales(), any([])]);
        any([in_wales(), any([]), not(all([]))]);
        any([in_wales(), all([all([]), not(any([]))])]);
    }
}

#[test]
fn a_phrase_is_said_again_as_it_was_said() {
    let rows = [
        (in_wales(), Number::Many, "did", "did not"),
        (not(in_wales()), Number::One, "did not", "did"),
        (led_by(all([])), Number::One, "was", "was not"),
        (not(led_by(called("a"))), Number::Many, "were not", "were"),
        (is(ActiveDuring(crisis(&[]))), Number::Many, "were", "were not"),
        (is(AnyTermRecorded(true)), Number::One, "has", "has none"),
        (is(AnyTermRecorded(false)), Number::Many, "have none", "have"),
        (some(up_to(18)), Number::Many, "did", "did not"),
        (none(up_to(18)), Number::Many, "had none", "had some"),
        (every(up_to(18)), Number::Many, "did", "did not"),
        (
            all([in_wales(), led_by(called("a"))]),
            Number::Many,
            "did the same",
            "did not do the same",
        ),
        (all([]), Number::One, "is", "is not"),
    ];
    for (condition, number, echo, denied) in rows {
        let phrase = phrase(&condition, number);
        assert_eq!((phrase.echo, phrase.denied), (echo, denied), "{}", phrase.text);
    }
}

#[test]
fn only_a_count_of_one_is_spoken_of_as_one() {
    let of = [0, 1, 2, u64::MAX].map(Number::of);
    assert_eq!(of, [Number::Many, Number::One, Number::Many, Number::Many]);
}

fn pick<T: Clone>(random: &mut StdRng, of: &[T]) -> T {
    of[random.random_range(0..of.len())].clone()
}

fn some_of<T: Clone>(random: &mut StdRng, of: &[T]) -> Vec<T> {
    (0..random.random_range(1..4)).map(|_| pick(random, of)).collect()
}

fn compared<T: Clone>(random: &mut StdRng, of: &[T]) -> Comparison<T> {
    match random.random_range(0..6) {
        0 => OneOf(some_of(random, of)),
        1 => Less(pick(random, of)),
        2 => AtMost(pick(random, of)),
        3 => More(pick(random, of)),
        4 => AtLeast(pick(random, of)),
        _ => Known(random.random()),
    }
}

fn of_text(random: &mut StdRng) -> TextComparison {
    let texts = ["gbp", "harbour", "eur"].map(String::from);
    match random.random_range(0..4) {
        0 => TextComparison::OneOf(some_of(random, &texts)),
        1 => TextComparison::Contains(pick(random, &texts)),
        2 => TextComparison::StartsWith(pick(random, &texts)),
        _ => TextComparison::Known(random.random()),
    }
}

fn of_set<T: Clone>(random: &mut StdRng, of: &[T]) -> SetComparison<T> {
    match random.random_range(0..3) {
        0 => SetComparison::IncludesAll(some_of(random, of)),
        1 => SetComparison::IncludesAny(some_of(random, of)),
        _ => SetComparison::Known(random.random()),
    }
}

/// A condition of up to `depth` levels; lists of parts may be empty.
fn nested<T>(random: &mut StdRng, depth: u32, test: &impl Fn(&mut StdRng) -> T) -> Condition<T> {
    let parts = |random: &mut StdRng| {
        (0..random.random_range(0..4))
            .map(|_| nested(random, depth - 1, test))
            .collect()
    };
    match random.random_range(0..if depth == 0 { 1 } else { 5 }) {
        0 | 1 => is(test(random)),
        2 => Condition::All(parts(random)),
        3 => Condition::Any(parts(random)),
        _ => not(nested(random, depth - 1, test)),
    }
}

fn a_name(random: &mut StdRng) -> Named {
    named(pick(random, &["Wigan", "Harbour Trust", "Leeds"]))
}

fn a_day(random: &mut StdRng) -> Comparison<NaiveDate> {
    compared(random, &[day(2020, 3, 1), day(2021, 12, 31)])
}

fn of_organisation(random: &mut StdRng) -> OrganisationTest {
    match random.random_range(0..4) {
        0 => OrganisationTest::Id((0..random.random_range(1..4)).map(|_| a_name(random)).collect()),
        1 => OrganisationTest::Name(of_text(random)),
        2 => OrganisationTest::Identifier(of_text(random)),
        _ => OrganisationTest::Kind(compared(random, OrganisationKind::ALL)),
    }
}

fn of_term(random: &mut StdRng) -> TermTest {
    match random.random_range(0..13) {
        0 => Funder(nested(random, 2, &of_organisation)),
        1 => DurationMonths(compared(random, &[1, 18, 24])),
        2 => AmountMinor(compared(random, &[0, 1, i64::MIN, i64::MAX])),
        3 => Currency(of_text(random)),
        4 => StartsOn(a_day(random)),
        5 => choice(FundingChoice::UpfrontResearch, compared(random, &[true, false])),
        6 => choice(
            FundingChoice::CollaborationResourced,
            compared(random, &[true, false]),
        ),
        7 => choice(FundingChoice::IntendedFocus, compared(random, EntryPoint::ALL)),
        8 => choice(FundingChoice::Restriction, compared(random, Restriction::ALL)),
        9 => choice(
            FundingChoice::ReportingFrequency,
            compared(random, ReportingFrequency::ALL),
        ),
        10 => choice(
            FundingChoice::ReportingBasis,
            compared(random, ReportingBasis::ALL),
        ),
        11 => choice(
            FundingChoice::DeliveryTimeline,
            compared(random, DeliveryTimeline::ALL),
        ),
        _ => choice(FundingChoice::Renewable, compared(random, &[true, false])),
    }
}

fn of_initiative(random: &mut StdRng) -> InitiativeTest {
    let perspectives = [None, Some(Perspective::Funder), Some(Perspective::Community)];
    match random.random_range(0..16) {
        0 => InitiativeTest::Id((0..random.random_range(1..9)).map(Uuid::from_u128).collect()),
        1 => Title(of_text(random)),
        2 => PlaceIs(a_name(random)),
        3 => PlaceWithin(a_name(random)),
        4 => PlaceKnown(random.random()),
        5 => LeadOrganisation(nested(random, 2, &of_organisation)),
        6 => StartedOn(a_day(random)),
        7 => EndedOn(a_day(random)),
        8 => ActiveDuring(crisis(&vec![Uuid::nil(); random.random_range(0..2)])),
        9 if random.random() => WayIn(
            pick(random, &perspectives),
            WayInComparison::Known(random.random()),
        ),
        9 => WayIn(
            pick(random, &perspectives),
            WayInComparison::OneOf(some_of(random, EntryPoint::ALL)),
        ),
        10 => EntryPoints(pick(random, &perspectives), of_set(random, EntryPoint::ALL)),
        11 => InitiativeTest::Step(pick(random, Challenge::ALL), compared(random, ChallengeStep::ALL)),
        12 => Reasons(pick(random, Challenge::ALL), of_set(random, ChallengeReason::ALL)),
        13 => InitiativeTest::Change(pick(random, ForChange::ALL), compared(random, ChangeExtent::ALL)),
        14 => AnyTermRecorded(random.random()),
        _ => {
            let quantifiers = [Quantifier::Some, Quantifier::Every, Quantifier::None];
            FundingTerms(pick(random, &quantifiers), nested(random, 3, &of_term))
        }
    }
}

/// Whether every bracket is closed, and none before it is opened.
fn is_balanced(text: &str) -> bool {
    let depth = text.chars().try_fold(0_u32, |depth, letter| match letter {
        '(' => Some(depth + 1),
        ')' => depth.checked_sub(1),
        _ => Some(depth),
    });
    depth == Some(0)
}

fn repeats_a_word(text: &str) -> bool {
    let words: Vec<&str> = text.split([' ', '(', ')']).collect();
    words
        .windows(2)
        .any(|pair| pair[0] == pair[1] && !pair[0].is_empty())
}

#[test]
fn any_condition_reads_as_a_phrase() {
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..20_000 {
        let condition = nested(&mut random, 3, &of_initiative);
        for number in [Number::One, Number::Many] {
            let text = phrase(&condition, number).text;
            assert!(!text.is_empty() && text.trim() == text, "{condition:?}");
            assert!(is_balanced(&text), "{text}");
            assert!(!text.contains("  ") && !text.contains("()"), "{text}");
            assert!(!repeats_a_word(&text), "{text}");
            assert!(!text.contains("not not"), "{text}");
            assert!(
                !text.contains("that and ") && !text.contains("that or "),
                "{text}"
            );
        }
    }
}

#[test]
fn one_and_many_differ_in_their_number_alone() {
    let mut random = StdRng::seed_from_u64(8);
    for _ in 0..2_000 {
        let condition = nested(&mut random, 3, &of_initiative);
        let words = |number| phrase(&condition, number).text.split(' ').count();
        assert_eq!(words(Number::One), words(Number::Many), "{condition:?}");
        let one = phrase(&condition, Number::One).text;
        let many = ["their", "they", "were", "are"];
        assert!(
            !one.split(['(', ')', ' ']).any(|word| many.contains(&word)),
            "{one}"
        );
    }
}

/// What an initiative may be: whether it worked in Wales, and what each of its
/// funding terms says of two tests.
fn every_case() -> Vec<(Truth, Vec<[Truth; 2]>)> {
    let truths = [Truth::True, Truth::False, Truth::Unknown];
    let terms: Vec<[Truth; 2]> = truths
        .iter()
        .flat_map(|one| truths.map(|other| [*one, other]))
        .collect();
    let pairs = terms
        .iter()
        .flat_map(|one| terms.iter().map(|other| vec![*one, *other]));
    let lists = [vec![]]
        .into_iter()
        .chain(terms.iter().map(|one| vec![*one]))
        .chain(pairs);
    lists
        .flat_map(|list| truths.map(|wales| (wales, list.clone())))
        .collect()
}

fn holds(condition: &InitiativeCondition, wales: Truth, terms: &[[Truth; 2]]) -> Truth {
    let of_term = |condition: &TermCondition, term: &[Truth; 2]| {
        condition.evaluate(&mut |test| term[usize::from(matches!(test, TermTest::Choice(..)))])
    };
    condition.evaluate(&mut |test| match test {
        FundingTerms(_, _) if terms.is_empty() => Truth::Unknown,
        FundingTerms(quantifier, condition) => {
            let of_terms = terms.iter().map(|term| of_term(condition, term));
            match quantifier {
                Quantifier::Some => Truth::any(of_terms),
                Quantifier::Every => !Truth::any(of_terms.map(|truth| !truth)),
                Quantifier::None => !Truth::any(of_terms),
            }
        }
        _ => wales,
    })
}

#[test]
fn what_is_said_alike_is_so_of_the_same_initiatives() {
    let mut random = StdRng::seed_from_u64(9);
    let term = |random: &mut StdRng| {
        let tests = [
            DurationMonths(AtMost(18)),
            choice(FundingChoice::IntendedFocus, OneOf(vec![EntryPoint::RootCauses])),
        ];
        pick(random, &tests)
    };
    let test = |random: &mut StdRng| {
        let quantifiers = [Quantifier::Some, Quantifier::Every, Quantifier::None];
        let terms = FundingTerms(pick(random, &quantifiers), nested(random, 2, &term));
        pick(random, &[PlaceWithin(named("Wales")), terms])
    };
    let cases = every_case();
    let mut meanings = HashMap::new();
    for _ in 0..5_000 {
        let condition = nested(&mut random, 2, &test);
        let meaning: Vec<Truth> = cases
            .iter()
            .map(|(wales, terms)| holds(&condition, *wales, terms))
            .collect();
        let text = phrase(&condition, Number::Many).text;
        let first = meanings.entry(text.clone()).or_insert_with(|| meaning.clone());
        assert!(
            *first == meaning,
            "{text} is said of {condition:?}, and of what differs from it"
        );
    }
}
