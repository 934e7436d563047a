//! Renders every kind of predicate.

mod pairs;
mod vocabularies;

use std::collections::HashMap;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, TimeDelta};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Choice, Condition as ForChange,
    DeliveryTimeline, EntryPoint, OrganisationKind, Perspective, ReportingBasis, ReportingFrequency,
    Restriction,
};

use super::clauses::{GrammaticalNumber, render_phrase};
use crate::predicate::FundingTermTest::{AmountMinor, Currency, DurationMonths, Funder, StartsOn};
use crate::predicate::InitiativeTest::{
    ActiveDuring, EndedOn, EntryPoints, FundingTerms, FundingTermsRecorded, LeadOrganisation, PlaceIs,
    PlaceKnown, PlaceWithin, Reasons, StartedOn, Title, UpdatedAt, WayIn,
};
use crate::predicate::{
    Comparison, CrisisPeriod, FundingTermPredicate, FundingTermTest, InitiativePredicate, InitiativeTest,
    NamedReference, OrganisationPredicate, OrganisationTest, Predicate, Quantifier, SetComparison,
    TextComparison, WayInComparison,
};
use crate::three_valued_logic::Truth;

use Comparison::{AtLeast, AtMost, Known, Less, More, OneOf};

fn choice<T: Choice>(choice: FundingChoice, comparison: Comparison<T>) -> FundingTermTest {
    FundingTermTest::choice(choice, &comparison)
}

fn all_of<T>(parts: impl Into<Vec<Predicate<T>>>) -> Predicate<T> {
    Predicate::All(parts.into())
}

fn any_of<T>(parts: impl Into<Vec<Predicate<T>>>) -> Predicate<T> {
    Predicate::Any(parts.into())
}

fn not_predicate<T>(part: Predicate<T>) -> Predicate<T> {
    part.negated()
}

fn test_predicate<T>(test: T) -> Predicate<T> {
    Predicate::Test(test)
}

fn some_term(terms: FundingTermPredicate) -> InitiativePredicate {
    test_predicate(FundingTerms(Quantifier::Some, terms))
}

fn every_term(terms: FundingTermPredicate) -> InitiativePredicate {
    test_predicate(FundingTerms(Quantifier::Every, terms))
}

fn no_term(terms: FundingTermPredicate) -> InitiativePredicate {
    test_predicate(FundingTerms(Quantifier::None, terms))
}

fn lead_organisation(organisation: OrganisationPredicate) -> InitiativePredicate {
    test_predicate(LeadOrganisation(organisation))
}

fn named_reference(name: &str) -> NamedReference {
    NamedReference {
        id: Uuid::nil(),
        name: name.into(),
    }
}

fn owned_text(text: &str) -> String {
    text.into()
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn place_in_wales() -> InitiativePredicate {
    test_predicate(PlaceWithin(named_reference("Wales")))
}

fn step_is(steps: &[ChallengeStep]) -> InitiativePredicate {
    test_predicate(InitiativeTest::Step(
        Challenge::DefiningAmbitions,
        OneOf(steps.to_vec()),
    ))
}

fn way_in_is(perspective: Option<Perspective>, points: &[EntryPoint]) -> InitiativePredicate {
    test_predicate(WayIn(perspective, WayInComparison::OneOf(points.to_vec())))
}

fn duration_up_to(months: i32) -> FundingTermPredicate {
    test_predicate(DurationMonths(AtMost(months)))
}

fn research_paid(paid: bool) -> FundingTermPredicate {
    test_predicate(choice(FundingChoice::UpfrontResearch, OneOf(vec![paid])))
}

fn organisation_kind(kinds: &[OrganisationKind]) -> OrganisationPredicate {
    test_predicate(OrganisationTest::Kind(OneOf(kinds.to_vec())))
}

fn organisation_named(part: &str) -> OrganisationPredicate {
    test_predicate(OrganisationTest::Name(TextComparison::Contains(part.into())))
}

fn crisis_in_places(places: &[Uuid]) -> CrisisPeriod {
    CrisisPeriod {
        name: "The pandemic".into(),
        from: date(2020, 3, 1),
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
            let opposite = not_predicate(condition.clone());
            let words = [condition, opposite].map(|one| render_phrase(&one, $number).text);
            let _ = writeln!(phrases, "{}\n    {}\n    {}", stringify!($condition), words[0], words[1]);
        )+
        insta::assert_snapshot!(phrases);
    }};
}

#[test]
fn initiative_identity_place_and_dates_are_phrased() {
    let lead = |id: &str| test_predicate(OrganisationTest::Id(vec![named_reference(id)]));
    assert_phrases! { GrammaticalNumber::Many;
        test_predicate(InitiativeTest::Id(vec![Uuid::nil()]));
        test_predicate(InitiativeTest::Id((0..1_200).map(Uuid::from_u128).collect()));
        test_predicate(Title(TextComparison::OneOf(vec![owned_text("a"), owned_text("b")])));
        test_predicate(Title(TextComparison::Contains(owned_text("a"))));
        test_predicate(Title(TextComparison::StartsWith(owned_text("a"))));
        test_predicate(Title(TextComparison::Known(true)));
        test_predicate(PlaceIs(named_reference("Wigan")));
        place_in_wales();
        test_predicate(PlaceKnown(true));
        test_predicate(PlaceKnown(false));
        lead_organisation(lead("Acme"));
        test_predicate(StartedOn(OneOf(vec![date(2020, 3, 1)])));
        test_predicate(StartedOn(Less(date(2020, 3, 1))));
        test_predicate(StartedOn(Known(true)));
        test_predicate(EndedOn(OneOf(vec![date(2020, 3, 1), date(2021, 12, 31)])));
        test_predicate(EndedOn(AtMost(date(2020, 3, 1))));
        test_predicate(EndedOn(More(date(2020, 3, 1))));
        test_predicate(EndedOn(AtLeast(date(2020, 3, 1))));
        test_predicate(EndedOn(Known(false)));
        test_predicate(UpdatedAt(AtLeast(DateTime::UNIX_EPOCH)));
        test_predicate(UpdatedAt(Less(DateTime::UNIX_EPOCH)));
        test_predicate(ActiveDuring(crisis_in_places(&[])));
        test_predicate(ActiveDuring(crisis_in_places(&[Uuid::nil()])));
        test_predicate(FundingTermsRecorded(true));
        test_predicate(FundingTermsRecorded(false));
    }
}

#[test]
fn entry_points_challenges_and_changes_are_phrased() {
    use ChallengeReason::{CollaborationExpected, CompetitionForResources, CrisisResponse, ShortFunding};
    use EntryPoint::{Collaboration, Complexity, RootCauses, SingleOrganisation};
    let points = |comparison| test_predicate(EntryPoints(None, comparison));
    let reasons = |comparison| test_predicate(Reasons(Challenge::FosteringConditions, comparison));
    let change = |comparison| {
        test_predicate(InitiativeTest::Change(
            ForChange::ReportingRequirements,
            comparison,
        ))
    };
    assert_phrases! { GrammaticalNumber::Many;
        way_in_is(None, &[SingleOrganisation]);
        way_in_is(Some(Perspective::Community), &[Collaboration, RootCauses]);
        way_in_is(None, EntryPoint::ALL);
        way_in_is(Some(Perspective::Community), EntryPoint::ALL);
        points(SetComparison::IncludesAny(EntryPoint::ALL.to_vec()));
        reasons(SetComparison::IncludesAny(ChallengeReason::ALL.to_vec()));
        reasons(SetComparison::IncludesAny(vec![ShortFunding, CollaborationExpected, CrisisResponse]));
        test_predicate(WayIn(None, WayInComparison::Known(true)));
        test_predicate(WayIn(Some(Perspective::Funder), WayInComparison::Known(false)));
        points(SetComparison::IncludesAll(vec![Complexity]));
        points(SetComparison::IncludesAll(vec![Complexity, RootCauses]));
        points(SetComparison::IncludesAll(vec![Complexity, RootCauses, Collaboration]));
        points(SetComparison::IncludesAny(vec![Complexity, RootCauses]));
        points(SetComparison::Known(true));
        test_predicate(EntryPoints(Some(Perspective::NationalCharity), SetComparison::IncludesAny(vec![Complexity])));
        step_is(&[ChallengeStep::Skipped]);
        step_is(&[ChallengeStep::Skipped, ChallengeStep::Rushed]);
        test_predicate(InitiativeTest::Step(Challenge::UnderstandingLocalSystem, OneOf(vec![ChallengeStep::Taken])));
        test_predicate(InitiativeTest::Step(Challenge::FosteringConditions, Known(true)));
        test_predicate(InitiativeTest::Step(Challenge::DefiningAmbitions, More(ChallengeStep::Taken)));
        test_predicate(InitiativeTest::Step(Challenge::DefiningAmbitions, Less(ChallengeStep::Taken)));
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
fn singular_phrases_agree_in_number() {
    let step = |comparison| test_predicate(InitiativeTest::Step(Challenge::DefiningAmbitions, comparison));
    let entry_points = EntryPoints(None, SetComparison::Known(true));
    let reasons = Reasons(Challenge::DefiningAmbitions, SetComparison::Known(true));
    assert_phrases! { GrammaticalNumber::One;
        test_predicate(InitiativeTest::Id(vec![Uuid::nil()]));
        lead_organisation(test_predicate(OrganisationTest::Id(vec![named_reference("Acme")])));
        test_predicate(ActiveDuring(crisis_in_places(&[])));
        test_predicate(PlaceKnown(true));
        test_predicate(StartedOn(Known(true)));
        test_predicate(EndedOn(Known(true)));
        test_predicate(WayIn(None, WayInComparison::Known(true)));
        test_predicate(entry_points);
        step(OneOf(vec![ChallengeStep::Rushed]));
        step(Known(true));
        test_predicate(reasons);
        test_predicate(FundingTermsRecorded(true));
        every_term(duration_up_to(18));
        all_of([]);
    }
}

/// Likewise, for "some funding" that each test of a term, and its opposite, is true of.
macro_rules! assert_funding_phrases {
    ($($test:expr;)+) => {{
        let mut phrases = String::new();
        $(
            let words = [test_predicate($test), not_predicate(test_predicate($test))].map(|terms| render_phrase(&some_term(terms), GrammaticalNumber::Many).text);
            let _ = writeln!(phrases, "{}\n    {}\n    {}", stringify!($test), words[0], words[1]);
        )+
        insta::assert_snapshot!(phrases);
    }};
}

#[test]
fn amount_dates_and_duration_are_phrased() {
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
        Currency(TextComparison::OneOf(vec![owned_text("gbp"), owned_text("eur")]));
        Currency(TextComparison::Contains(owned_text("g")));
        Currency(TextComparison::StartsWith(owned_text("g")));
        Currency(TextComparison::Known(true));
        StartsOn(Less(date(2021, 4, 1)));
        StartsOn(Known(true));
    }
}

#[test]
fn funding_conditions_are_phrased() {
    use ReportingFrequency::{EndOnly, Monthly, None as Never, Quarterly, TwiceYearly, Yearly};
    let funder = |kinds: &[OrganisationKind]| Funder(organisation_kind(kinds));
    assert_funding_phrases! {
        funder(&[OrganisationKind::PublicBody]);
        choice(FundingChoice::UpfrontResearch, OneOf(vec![true]));
        choice(FundingChoice::UpfrontResearch, OneOf(vec![true, false]));
        FundingTermTest::Choice(FundingChoice::UpfrontResearch, Known(true));
        choice(FundingChoice::CollaborationResourced, OneOf(vec![false]));
        FundingTermTest::Choice(FundingChoice::CollaborationResourced, Known(false));
        choice(FundingChoice::IntendedFocus, OneOf(vec![EntryPoint::RootCauses]));
        FundingTermTest::Choice(FundingChoice::IntendedFocus, Known(true));
        choice(FundingChoice::Restriction, OneOf(vec![Restriction::Unrestricted]));
        FundingTermTest::Choice(FundingChoice::Restriction, Known(true));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![Monthly]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![EndOnly, Quarterly]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![Never]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![Never, Yearly]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![Never, Yearly, Monthly, Quarterly, EndOnly]));
        choice(FundingChoice::ReportingFrequency, OneOf(vec![TwiceYearly]));
        FundingTermTest::Choice(FundingChoice::ReportingFrequency, Known(true));
        choice(FundingChoice::ReportingBasis, OneOf(vec![ReportingBasis::FixedTargets]));
        FundingTermTest::Choice(FundingChoice::ReportingBasis, Known(true));
        choice(FundingChoice::DeliveryTimeline, OneOf(vec![DeliveryTimeline::Adaptable]));
        FundingTermTest::Choice(FundingChoice::DeliveryTimeline, Known(true));
        choice(FundingChoice::Renewable, OneOf(vec![true]));
        FundingTermTest::Choice(FundingChoice::Renewable, Known(true));
        choice(FundingChoice::MultiSite, OneOf(vec![true]));
        choice(FundingChoice::MultiSite, OneOf(vec![false]));
        FundingTermTest::Choice(FundingChoice::MultiSite, Known(true));
    }
}

#[test]
fn quantifiers_are_phrased() {
    let unrestricted = test_predicate(choice(
        FundingChoice::Restriction,
        OneOf(vec![Restriction::Unrestricted]),
    ));
    let pounds = || test_predicate(Currency(TextComparison::OneOf(vec![owned_text("gbp")])));
    let mixed = || all_of([duration_up_to(18), research_paid(false)]);
    assert_phrases! { GrammaticalNumber::Many;
        some_term(duration_up_to(18));
        every_term(duration_up_to(18));
        no_term(duration_up_to(18));
        some_term(not_predicate(duration_up_to(18)));
        every_term(not_predicate(duration_up_to(18)));
        no_term(not_predicate(duration_up_to(18)));
        some_term(not_predicate(pounds()));
        every_term(not_predicate(pounds()));
        no_term(not_predicate(pounds()));
        every_term(research_paid(false));
        every_term(unrestricted.clone());
        no_term(unrestricted.clone());
        some_term(mixed());
        every_term(mixed());
        no_term(mixed());
        no_term(not_predicate(any_of([pounds(), research_paid(true)])));
        some_term(all_of([mixed(), pounds()]));
        no_term(all_of([mixed(), pounds()]));
        every_term(all_of([mixed(), pounds()]));
        no_term(all_of([duration_up_to(18), unrestricted.clone()]));
        no_term(all_of([mixed(), unrestricted.clone()]));
        no_term(test_predicate(choice(FundingChoice::ReportingFrequency, OneOf(ReportingFrequency::ALL.to_vec()))));
        some_term(test_predicate(choice(FundingChoice::IntendedFocus, OneOf(EntryPoint::ALL.to_vec()))));
        some_term(all_of([]));
        every_term(all_of([]));
        no_term(all_of([]));
        some_term(any_of([]));
        every_term(any_of([]));
        no_term(any_of([]));
        some_term(any_of([duration_up_to(18), all_of([research_paid(true), any_of([])])]));
    }
}

#[test]
fn organisations_are_phrased() {
    use OrganisationKind::{CommunityGroup, Funder as Funding, NationalCharity, PublicBody};
    let ids = |count: usize| {
        test_predicate(OrganisationTest::Id(
            (1..=count)
                .map(|one| named_reference(&format!("Group {one}")))
                .collect(),
        ))
    };
    let identifier = |comparison| test_predicate(OrganisationTest::Identifier(comparison));
    assert_phrases! { GrammaticalNumber::Many;
        lead_organisation(ids(2));
        lead_organisation(ids(500));
        lead_organisation(not_predicate(ids(1)));
        lead_organisation(organisation_named("trust"));
        lead_organisation(test_predicate(OrganisationTest::Name(TextComparison::OneOf(vec![owned_text("a")]))));
        lead_organisation(identifier(TextComparison::StartsWith(owned_text("gb-"))));
        lead_organisation(identifier(TextComparison::Known(false)));
        lead_organisation(organisation_kind(&[NationalCharity]));
        lead_organisation(organisation_kind(&[PublicBody, Funding]));
        lead_organisation(test_predicate(OrganisationTest::Kind(Known(true))));
        lead_organisation(organisation_kind(OrganisationKind::ALL));
        lead_organisation(all_of([organisation_kind(&[Funding]), organisation_named("a"), ids(1)]));
        lead_organisation(all_of([not_predicate(organisation_named("trust")), not_predicate(ids(1))]));
        no_term(test_predicate(Funder(any_of([organisation_named("trust"), organisation_kind(&[Funding])]))));
        no_term(not_predicate(test_predicate(Funder(all_of([organisation_kind(&[Funding]), ids(1)])))));
        lead_organisation(all_of([organisation_kind(&[CommunityGroup]), not_predicate(organisation_named("trust"))]));
        lead_organisation(any_of([organisation_kind(&[CommunityGroup]), all_of([ids(1), test_predicate(OrganisationTest::Kind(Known(true)))])]));
        lead_organisation(all_of([]));
        lead_organisation(any_of([]));
        some_term(test_predicate(Funder(not_predicate(ids(1)))));
        some_term(test_predicate(Funder(any_of([]))));
        some_term(test_predicate(Funder(all_of([organisation_named("a"), organisation_named("b")]))));
    }
}

#[test]
fn nested_predicates_are_phrased() {
    let skipped = || step_is(&[ChallengeStep::Skipped]);
    let start = || way_in_is(None, &[EntryPoint::RootCauses]);
    assert_phrases! { GrammaticalNumber::Many;
        not_predicate(not_predicate(place_in_wales()));
        all_of([place_in_wales(), skipped(), start()]);
        any_of([place_in_wales(), all_of([skipped(), not_predicate(start())])]);
        all_of([place_in_wales(), all_of([skipped(), not_predicate(any_of([start(), not_predicate(place_in_wales())]))])]);
        any_of([all_of([any_of([place_in_wales(), skipped()]), start()]), test_predicate(PlaceKnown(false))]);
        all_of([step_is(&[ChallengeStep::Skipped, ChallengeStep::Rushed]), place_in_wales()]);
        all_of([test_predicate(PlaceKnown(true)), skipped()]);
        all_of([some_term(duration_up_to(18)), some_term(research_paid(true)), place_in_wales()]);
        all_of([place_in_wales(), some_term(all_of([duration_up_to(18), research_paid(true)]))]);
        all_of([]);
        any_of([]);
        all_of([place_in_wales(), all_of([])]);
        all_of([place_in_wales(), any_of([])]);
        any_of([place_in_wales(), any_of([]), not_predicate(all_of([]))]);
        any_of([place_in_wales(), all_of([all_of([]), not_predicate(any_of([]))])]);
    }
}

#[test]
fn phrase_echo_uses_the_same_verb() {
    let rows = [
        (place_in_wales(), GrammaticalNumber::Many, "did", "did not"),
        (
            not_predicate(place_in_wales()),
            GrammaticalNumber::One,
            "did not",
            "did",
        ),
        (
            lead_organisation(all_of([])),
            GrammaticalNumber::One,
            "was",
            "was not",
        ),
        (
            not_predicate(lead_organisation(organisation_named("a"))),
            GrammaticalNumber::Many,
            "were not",
            "were",
        ),
        (
            test_predicate(ActiveDuring(crisis_in_places(&[]))),
            GrammaticalNumber::Many,
            "did",
            "did not",
        ),
        (
            test_predicate(FundingTermsRecorded(true)),
            GrammaticalNumber::One,
            "has",
            "has none",
        ),
        (
            test_predicate(FundingTermsRecorded(false)),
            GrammaticalNumber::Many,
            "have none",
            "have",
        ),
        (
            some_term(duration_up_to(18)),
            GrammaticalNumber::Many,
            "did",
            "did not",
        ),
        (
            no_term(duration_up_to(18)),
            GrammaticalNumber::Many,
            "had none",
            "had some",
        ),
        (
            every_term(duration_up_to(18)),
            GrammaticalNumber::Many,
            "did",
            "did not",
        ),
        (
            all_of([place_in_wales(), lead_organisation(organisation_named("a"))]),
            GrammaticalNumber::Many,
            "did the same",
            "did not do the same",
        ),
        (
            not_predicate(any_of([
                place_in_wales(),
                lead_organisation(organisation_named("a")),
            ])),
            GrammaticalNumber::Many,
            "did the same",
            "did not do the same",
        ),
        (all_of([]), GrammaticalNumber::One, "is", "is not"),
        (any_of([]), GrammaticalNumber::One, "did", "did not"),
    ];
    for (condition, number, echo, denial) in rows {
        let phrase = render_phrase(&condition, number);
        assert_eq!((phrase.echo, phrase.denial), (echo, denial), "{}", phrase.text);
    }
}

#[test]
fn only_a_count_of_one_is_singular() {
    let of = [0, 1, 2, u64::MAX].map(GrammaticalNumber::from_count);
    assert_eq!(
        of,
        [
            GrammaticalNumber::Many,
            GrammaticalNumber::One,
            GrammaticalNumber::Many,
            GrammaticalNumber::Many
        ]
    );
}

fn pick<T: Clone>(random: &mut StdRng, of: &[T]) -> T {
    of[random.random_range(0..of.len())].clone()
}

fn pick_some<T: Clone>(random: &mut StdRng, of: &[T]) -> Vec<T> {
    (0..random.random_range(1..4)).map(|_| pick(random, of)).collect()
}

fn random_comparison<T: Clone>(random: &mut StdRng, of: &[T]) -> Comparison<T> {
    match random.random_range(0..6) {
        0 => OneOf(pick_some(random, of)),
        1 => Less(pick(random, of)),
        2 => AtMost(pick(random, of)),
        3 => More(pick(random, of)),
        4 => AtLeast(pick(random, of)),
        _ => Known(random.random()),
    }
}

fn random_text_comparison(random: &mut StdRng) -> TextComparison {
    let texts = ["gbp", "harbour", "eur"].map(String::from);
    match random.random_range(0..4) {
        0 => TextComparison::OneOf(pick_some(random, &texts)),
        1 => TextComparison::Contains(pick(random, &texts)),
        2 => TextComparison::StartsWith(pick(random, &texts)),
        _ => TextComparison::Known(random.random()),
    }
}

fn random_set_comparison<T: Clone>(random: &mut StdRng, of: &[T]) -> SetComparison<T> {
    match random.random_range(0..3) {
        0 => SetComparison::IncludesAll(pick_some(random, of)),
        1 => SetComparison::IncludesAny(pick_some(random, of)),
        _ => SetComparison::Known(random.random()),
    }
}

/// A condition of up to `depth` levels; lists of parts may be empty.
fn random_predicate<T>(random: &mut StdRng, depth: u32, test: &impl Fn(&mut StdRng) -> T) -> Predicate<T> {
    let parts = |random: &mut StdRng| {
        (0..random.random_range(0..4))
            .map(|_| random_predicate(random, depth - 1, test))
            .collect()
    };
    match random.random_range(0..if depth == 0 { 1 } else { 5 }) {
        0 | 1 => test_predicate(test(random)),
        2 => Predicate::All(parts(random)),
        3 => Predicate::Any(parts(random)),
        _ => not_predicate(random_predicate(random, depth - 1, test)),
    }
}

fn random_reference(random: &mut StdRng) -> NamedReference {
    named_reference(pick(random, &["Wigan", "Harbour Trust", "Leeds"]))
}

fn random_date_comparison(random: &mut StdRng) -> Comparison<NaiveDate> {
    random_comparison(random, &[date(2020, 3, 1), date(2021, 12, 31)])
}

fn random_organisation_test(random: &mut StdRng) -> OrganisationTest {
    match random.random_range(0..4) {
        0 => OrganisationTest::Id(
            (0..random.random_range(1..4))
                .map(|_| random_reference(random))
                .collect(),
        ),
        1 => OrganisationTest::Name(random_text_comparison(random)),
        2 => OrganisationTest::Identifier(random_text_comparison(random)),
        _ => OrganisationTest::Kind(random_comparison(random, OrganisationKind::ALL)),
    }
}

fn random_term_test(random: &mut StdRng) -> FundingTermTest {
    match random.random_range(0..13) {
        0 => Funder(random_predicate(random, 2, &random_organisation_test)),
        1 => DurationMonths(random_comparison(random, &[1, 18, 24])),
        2 => AmountMinor(random_comparison(random, &[0, 1, i64::MIN, i64::MAX])),
        3 => Currency(random_text_comparison(random)),
        4 => StartsOn(random_date_comparison(random)),
        5 => choice(
            FundingChoice::UpfrontResearch,
            random_comparison(random, &[true, false]),
        ),
        6 => choice(
            FundingChoice::CollaborationResourced,
            random_comparison(random, &[true, false]),
        ),
        7 => choice(
            FundingChoice::IntendedFocus,
            random_comparison(random, EntryPoint::ALL),
        ),
        8 => choice(
            FundingChoice::Restriction,
            random_comparison(random, Restriction::ALL),
        ),
        9 => choice(
            FundingChoice::ReportingFrequency,
            random_comparison(random, ReportingFrequency::ALL),
        ),
        10 => choice(
            FundingChoice::ReportingBasis,
            random_comparison(random, ReportingBasis::ALL),
        ),
        11 => choice(
            FundingChoice::DeliveryTimeline,
            random_comparison(random, DeliveryTimeline::ALL),
        ),
        _ => choice(
            FundingChoice::Renewable,
            random_comparison(random, &[true, false]),
        ),
    }
}

fn random_initiative_test(random: &mut StdRng) -> InitiativeTest {
    let perspectives = [None, Some(Perspective::Funder), Some(Perspective::Community)];
    match random.random_range(0..17) {
        0 => InitiativeTest::Id((0..random.random_range(1..9)).map(Uuid::from_u128).collect()),
        1 => Title(random_text_comparison(random)),
        2 => PlaceIs(random_reference(random)),
        3 => PlaceWithin(random_reference(random)),
        4 => PlaceKnown(random.random()),
        5 => LeadOrganisation(random_predicate(random, 2, &random_organisation_test)),
        6 => StartedOn(random_date_comparison(random)),
        7 => EndedOn(random_date_comparison(random)),
        8 => {
            let crisis = crisis_in_places(&vec![Uuid::nil(); random.random_range(0..2)]);
            let tests = [
                ActiveDuring,
                InitiativeTest::StartedDuring,
                InitiativeTest::FundedDuring,
            ];
            tests[random.random_range(0..3)](crisis)
        }
        9 if random.random() => WayIn(
            pick(random, &perspectives),
            WayInComparison::Known(random.random()),
        ),
        9 => WayIn(
            pick(random, &perspectives),
            WayInComparison::OneOf(pick_some(random, EntryPoint::ALL)),
        ),
        10 => EntryPoints(
            pick(random, &perspectives),
            random_set_comparison(random, EntryPoint::ALL),
        ),
        11 => InitiativeTest::Step(
            pick(random, Challenge::ALL),
            random_comparison(random, ChallengeStep::ALL),
        ),
        12 => Reasons(
            pick(random, Challenge::ALL),
            random_set_comparison(random, ChallengeReason::ALL),
        ),
        13 => InitiativeTest::Change(
            pick(random, ForChange::ALL),
            random_comparison(random, ChangeExtent::ALL),
        ),
        14 => FundingTermsRecorded(random.random()),
        15 => {
            let bound = DateTime::UNIX_EPOCH + TimeDelta::seconds(random.random_range(0..2_000_000_000));
            let comparisons = [Less(bound), AtMost(bound), More(bound), AtLeast(bound)];
            UpdatedAt(pick(random, &comparisons))
        }
        _ => {
            let quantifiers = [Quantifier::Some, Quantifier::Every, Quantifier::None];
            FundingTerms(
                pick(random, &quantifiers),
                random_predicate(random, 3, &random_term_test),
            )
        }
    }
}

fn has_repeated_word(text: &str) -> bool {
    let words: Vec<&str> = text.split([' ', ',']).collect();
    words
        .windows(2)
        .any(|pair| pair[0] == pair[1] && !pair[0].is_empty())
}

/// Whether a clause denies twice. "and", "or", "that", "without" and commas part clauses, but not "no funding that".
fn has_double_negation(text: &str) -> bool {
    let text = text.replace("no funding that", "no funding_that");
    let text = text.replace(" without ", ",without ");
    let text = [" and ", " or ", " that "]
        .iter()
        .fold(text, |text, word| text.replace(word, ","));
    text.split(',').any(|clause| {
        let negations = ["not", "no", "never", "neither", "without"];
        let words = clause.split(' ');
        words.filter(|word| negations.contains(word)).count() > 1
    })
}

#[test]
fn every_random_predicate_renders_a_well_formed_phrase() {
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..20_000 {
        let condition = random_predicate(&mut random, 3, &random_initiative_test);
        for number in [GrammaticalNumber::One, GrammaticalNumber::Many] {
            let text = render_phrase(&condition, number).text;
            assert!(!text.is_empty() && text.trim() == text, "{text}");
            assert!(!text.contains(['(', ')']), "{text}");
            for blemish in ["  ", " ,", ",,", ", ,", "not not", "that and ", "that or "] {
                assert!(!text.contains(blemish), "{blemish:?} in: {text}");
            }
            assert!(!has_repeated_word(&text), "{text}");
            assert!(!has_double_negation(&text), "{text}\n{condition:?}");
        }
    }
}

#[test]
fn singular_and_plural_differ_only_in_number() {
    let mut random = StdRng::seed_from_u64(8);
    for _ in 0..2_000 {
        let condition = random_predicate(&mut random, 3, &random_initiative_test);
        let words = |number| render_phrase(&condition, number).text.split(' ').count();
        assert_eq!(
            words(GrammaticalNumber::One),
            words(GrammaticalNumber::Many),
            "{condition:?}"
        );
        let one = render_phrase(&condition, GrammaticalNumber::One).text;
        let many = ["their", "they", "were", "are"];
        assert!(!one.split([',', ' ']).any(|word| many.contains(&word)), "{one}");
    }
}

/// What an initiative may be: whether it worked in Wales, and what each of its
/// funding terms says of two tests.
fn list_cases() -> Vec<(Truth, Vec<[Truth; 2]>)> {
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

fn evaluate_case(condition: &InitiativePredicate, wales: Truth, terms: &[[Truth; 2]]) -> Truth {
    let of_term = |condition: &FundingTermPredicate, term: &[Truth; 2]| {
        condition.evaluate(&mut |test| term[usize::from(matches!(test, FundingTermTest::Choice(..)))])
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
fn equal_phrases_have_equal_truth() {
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
        let terms = FundingTerms(pick(random, &quantifiers), random_predicate(random, 2, &term));
        pick(random, &[PlaceWithin(named_reference("Wales")), terms])
    };
    let cases = list_cases();
    let mut meanings = HashMap::new();
    for _ in 0..5_000 {
        let condition = random_predicate(&mut random, 3, &test);
        let meaning: Vec<Truth> = cases
            .iter()
            .map(|(wales, terms)| evaluate_case(&condition, *wales, terms))
            .collect();
        let text = render_phrase(&condition, GrammaticalNumber::Many).text;
        let first = meanings.entry(text.clone()).or_insert_with(|| meaning.clone());
        assert!(
            *first == meaning,
            "{text} is said of {condition:?}, and of what differs from it"
        );
    }
}

/// The currency, the amount in minor units, the length in months and the first day of a term.
type TermValues = (Option<&'static str>, Option<i64>, Option<i32>, Option<NaiveDate>);

/// Every term of one of two currencies or none, and of one of a few amounts, lengths and start days or none.
fn list_terms_with_values() -> Vec<TermValues> {
    let currencies = [Some("gbp"), Some("eur"), None];
    let amounts = [Some(99), Some(100), Some(101), None];
    let months = [Some(11), Some(12), Some(13), None];
    let days = [Some(date(2019, 12, 31)), Some(date(2020, 1, 1)), None];
    let mut terms = Vec::new();
    for currency in currencies {
        for amount in amounts {
            for length in months {
                terms.extend(days.map(|day| (currency, amount, length, day)));
            }
        }
    }
    terms
}

/// As above, for tests whose words depend on a test beside them.
#[test]
fn equal_phrases_of_amounts_and_ranges_have_equal_truth() {
    let mut random = StdRng::seed_from_u64(10);
    let test = |random: &mut StdRng| {
        let codes = ["gbp", "eur"].map(owned_text);
        match random.random_range(0..4) {
            0 => Currency(TextComparison::OneOf(pick_some(random, &codes))),
            1 => AmountMinor(random_comparison(random, &[100, 101])),
            2 => DurationMonths(random_comparison(random, &[11, 12, 13])),
            _ => StartsOn(random_comparison(random, &[date(2019, 12, 31), date(2020, 1, 1)])),
        }
    };
    let terms = list_terms_with_values();
    let mut meanings = HashMap::new();
    for _ in 0..20_000 {
        let condition = random_predicate(&mut random, 2, &test);
        let of_term = |(currency, amount, length, day): &(Option<&str>, _, _, _)| {
            condition.evaluate(&mut |test| match test {
                Currency(comparison) => comparison.evaluate(*currency),
                AmountMinor(comparison) => comparison.evaluate(Option::as_ref(amount)),
                DurationMonths(comparison) => comparison.evaluate(Option::as_ref(length)),
                StartsOn(comparison) => comparison.evaluate(Option::as_ref(day)),
                _ => Truth::Unknown,
            })
        };
        let meaning: Vec<Truth> = terms.iter().map(of_term).collect();
        let text = render_phrase(&some_term(condition.clone()), GrammaticalNumber::Many).text;
        let first = meanings.entry(text.clone()).or_insert_with(|| meaning.clone());
        assert!(
            *first == meaning,
            "{text} is said of {condition:?}, and of what differs from it"
        );
    }
}

/// Likewise, for tests of a lead organisation.
#[test]
fn equal_phrases_of_organisations_have_equal_truth() {
    let mut random = StdRng::seed_from_u64(11);
    let kinds = [OrganisationKind::CommunityGroup, OrganisationKind::Funder];
    let test = |random: &mut StdRng| match random.random_range(0..3) {
        0 => OrganisationTest::Id(vec![named_reference("Harbour Trust")]),
        1 => OrganisationTest::Name(TextComparison::Contains(owned_text("harbour"))),
        _ => OrganisationTest::Kind(OneOf(pick_some(random, &kinds))),
    };
    let truths = [Truth::True, Truth::False, Truth::Unknown];
    let known_kinds = [kinds[0], kinds[1], OrganisationKind::PublicBody].map(Some);
    let mut organisations = Vec::new();
    for kind in known_kinds.into_iter().chain([None]) {
        for is_named in truths {
            organisations.extend(truths.map(|is_it| (kind, is_named, is_it)));
        }
    }
    let mut meanings = HashMap::new();
    for _ in 0..5_000 {
        let condition = random_predicate(&mut random, 3, &|random| {
            LeadOrganisation(random_predicate(random, 2, &test))
        });
        let of_lead = |(kind, is_named, is_it): &(Option<OrganisationKind>, Truth, Truth)| {
            condition.evaluate(&mut |test| match test {
                LeadOrganisation(organisation) => organisation.evaluate(&mut |test| match test {
                    OrganisationTest::Kind(comparison) => comparison.evaluate(kind.as_ref()),
                    OrganisationTest::Id(_) => *is_it,
                    _ => *is_named,
                }),
                _ => Truth::Unknown,
            })
        };
        let meaning: Vec<Truth> = organisations.iter().map(of_lead).collect();
        let text = render_phrase(&condition, GrammaticalNumber::Many).text;
        let first = meanings.entry(text.clone()).or_insert_with(|| meaning.clone());
        assert!(
            *first == meaning,
            "{text} is said of {condition:?}, and of what differs from it"
        );
    }
}
