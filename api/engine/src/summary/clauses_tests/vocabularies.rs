//! Renders every word of every vocabulary, and its denial.

use super::*;
use wayin_records::fields::funding_term::{ChoiceKind, FundingCode};

/// Each phrase and that of its negation.
fn render_both(conditions: impl IntoIterator<Item = InitiativePredicate>) -> String {
    let mut phrases = String::new();
    for condition in conditions {
        let affirmed = render_phrase(&condition, GrammaticalNumber::Many).text;
        let denied = render_phrase(&not_predicate(condition), GrammaticalNumber::Many).text;
        let _ = writeln!(phrases, "{affirmed}\n    {denied}");
    }
    phrases
}

/// Every list of some of the values, but not of all.
fn list_subsets<T: Copy>(all: &[T]) -> Vec<Vec<T>> {
    let is_in = |subset: u32, index: usize| (subset >> index) & 1 == 1;
    (1..(1_u32 << all.len()) - 1)
        .map(|subset| {
            let listed = all.iter().enumerate();
            listed
                .filter_map(|(index, value)| is_in(subset, index).then_some(*value))
                .collect()
        })
        .collect()
}

#[test]
fn every_step_and_change_is_phrased() {
    let steps = Challenge::ALL.iter().flat_map(|challenge| {
        let lists = list_subsets(ChallengeStep::ALL).into_iter().map(OneOf);
        let comparisons = lists.chain([Known(true), OneOf(ChallengeStep::ALL.to_vec())]);
        comparisons.map(|comparison| InitiativeTest::Step(*challenge, comparison))
    });
    let changes = ForChange::ALL.iter().flat_map(|condition| {
        let lists = list_subsets(ChangeExtent::ALL).into_iter().map(OneOf);
        let comparisons = lists.chain([Known(true), OneOf(ChangeExtent::ALL.to_vec())]);
        comparisons.map(|comparison| InitiativeTest::Change(*condition, comparison))
    });
    insta::assert_snapshot!(render_both(steps.chain(changes).map(test_predicate)));
}

#[test]
fn every_reason_and_entry_point_is_phrased() {
    let reasons = ChallengeReason::ALL.iter().map(|reason| {
        Reasons(
            Challenge::DefiningAmbitions,
            SetComparison::IncludesAny(vec![*reason]),
        )
    });
    let of_challenges = Challenge::ALL
        .iter()
        .map(|challenge| Reasons(*challenge, SetComparison::Known(true)));
    let perspectives = [None]
        .into_iter()
        .chain(Perspective::ALL.iter().copied().map(Some));
    let views = perspectives.flat_map(|perspective| {
        [
            WayIn(perspective, WayInComparison::OneOf(vec![EntryPoint::Complexity])),
            WayIn(perspective, WayInComparison::Known(true)),
            EntryPoints(
                perspective,
                SetComparison::IncludesAny(vec![EntryPoint::RootCauses]),
            ),
            EntryPoints(perspective, SetComparison::Known(true)),
        ]
    });
    let points = EntryPoint::ALL
        .iter()
        .map(|point| WayIn(None, WayInComparison::OneOf(vec![*point])));
    let tests = reasons.chain(of_challenges).chain(views).chain(points);
    insta::assert_snapshot!(render_both(tests.map(test_predicate)));
}

#[test]
fn every_kind_of_organisation_is_phrased() {
    let lists = list_subsets(OrganisationKind::ALL);
    insta::assert_snapshot!(render_both(
        lists
            .iter()
            .map(|kinds| lead_organisation(organisation_kind(kinds)))
    ));
}

#[test]
fn every_choice_of_funding_is_phrased() {
    let mut conditions = Vec::new();
    for choice in FundingChoice::ALL {
        // The words for how often to report depend on the whole list.
        let lists = match choice.kind() {
            ChoiceKind::Code(FundingCode::ReportingFrequency) => {
                let mut lists = list_subsets(&[0, 1, 2, 3, 4, 5]);
                lists.retain(|list| !(3..5).contains(&list.len()));
                lists
            }
            _ => (0..choice.count_answers())
                .map(|answer| vec![u8::try_from(answer).unwrap()])
                .collect(),
        };
        let comparisons = lists.into_iter().map(OneOf).chain([Known(true)]);
        conditions.extend(
            comparisons
                .map(|comparison| some_term(test_predicate(FundingTermTest::Choice(choice, comparison)))),
        );
    }
    insta::assert_snapshot!(render_both(conditions));
}

#[test]
fn every_quantifier_is_phrased_with_every_choice_of_funding() {
    let answers = FundingChoice::ALL.iter().flat_map(|choice| {
        [0, 1].map(|answer| test_predicate(FundingTermTest::Choice(*choice, OneOf(vec![answer]))))
    });
    insta::assert_snapshot!(render_both(
        answers.flat_map(|answer| [every_term(answer.clone()), no_term(answer)])
    ));
}

#[test]
fn places_take_an_article_where_their_name_needs_it() {
    let places = [
        ("North West", "the North West"),
        ("East of England", "the East of England"),
        ("London", "London"),
        ("Yorkshire and The Humber", "Yorkshire and The Humber"),
        ("Isle of Wight", "the Isle of Wight"),
        ("Shetland Islands", "the Shetland Islands"),
        ("Northern Ireland", "Northern Ireland"),
        ("North Westbury", "North Westbury"),
    ];
    for (name, words) in places {
        let within = test_predicate(PlaceWithin(named_reference(name)));
        let text = render_phrase(&within, GrammaticalNumber::Many).text;
        assert_eq!(text, format!("worked in {words}"));
    }
}

#[test]
fn amounts_are_in_the_currency_beside_them() {
    let pounds = || Currency(TextComparison::OneOf(vec![owned_text("gbp")]));
    let words = |tests: Vec<FundingTermTest>| {
        let terms = all_of(tests.into_iter().map(test_predicate).collect::<Vec<_>>());
        render_phrase(&some_term(terms), GrammaticalNumber::Many).text
    };
    for (code, amount) in [
        ("gbp", "£10,000"),
        ("eur", "€10,000"),
        ("usd", "$10,000"),
        ("chf", "CHF 10,000"),
        ("jpy", "JPY 1,000,000"),
        ("kwd", "KWD 1,000"),
    ] {
        let currency = Currency(TextComparison::OneOf(vec![owned_text(code)]));
        assert_eq!(
            words(vec![currency, AmountMinor(Less(1_000_000))]),
            format!("had some funding under {amount}")
        );
    }
    let two = Currency(TextComparison::OneOf(vec![owned_text("gbp"), owned_text("eur")]));
    for (tests, text) in [
        (
            vec![AmountMinor(AtLeast(1_050)), pounds()],
            "had some funding of £10.50 or more",
        ),
        (
            vec![
                AmountMinor(AtLeast(500_000)),
                AmountMinor(Less(1_000_000)),
                pounds(),
            ],
            "had some funding of £5,000 or more and under £10,000",
        ),
        (
            vec![AmountMinor(More(1_000_000)), two],
            "had some funding over 10,000 in its own currency and in pounds or euros",
        ),
        (
            vec![AmountMinor(Known(true)), pounds()],
            "had some funding of a known amount and in pounds",
        ),
    ] {
        assert_eq!(words(tests), text);
    }
    let none = no_term(any_of([
        not_predicate(test_predicate(pounds())),
        test_predicate(AmountMinor(AtLeast(1_000_000))),
    ]));
    assert_eq!(
        render_phrase(&none, GrammaticalNumber::Many).text,
        "had only funding under £10,000"
    );
}

#[test]
fn two_bounds_are_one_range() {
    let started = |comparison| test_predicate(StartedOn(comparison));
    let range = |from: (i32, u32, u32), to: (i32, u32, u32)| {
        all_of([
            started(AtLeast(date(from.0, from.1, from.2))),
            started(AtMost(date(to.0, to.1, to.2))),
        ])
    };
    for (condition, text) in [
        (range((2020, 1, 1), (2020, 12, 31)), "started in 2020"),
        (range((2020, 2, 1), (2020, 2, 29)), "started in February 2020"),
        (
            range((2020, 4, 1), (2021, 3, 31)),
            "started between 1 April 2020 and 31 March 2021",
        ),
        (range((2020, 4, 1), (2020, 4, 1)), "started on 1 April 2020"),
        (
            all_of([started(More(date(2019, 12, 31))), started(Less(date(2021, 1, 1)))]),
            "started in 2020",
        ),
        (
            not_predicate(range((2020, 1, 1), (2020, 12, 31))),
            "did not start in 2020",
        ),
        (
            range((2021, 1, 1), (2020, 1, 1)),
            "started on or after 1 January 2021 and started on or before 1 January 2020",
        ),
        (
            range((2020, 1, 1), (2020, 12, 31)).and(place_in_wales()),
            "worked in Wales and started in 2020",
        ),
        (
            some_term(all_of([
                test_predicate(DurationMonths(AtLeast(12))),
                test_predicate(DurationMonths(AtMost(24))),
            ])),
            "had some funding of 12 to 24 months",
        ),
    ] {
        assert_eq!(render_phrase(&condition, GrammaticalNumber::Many).text, text);
    }
}
