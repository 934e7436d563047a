//! Summaries of answers.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::answer::{Basis, DisclosedTable, Groups, HiddenCounting, NotAdjustedReason, UnknownReasons};
use crate::count::RawCell;
use crate::dimension::{GroupKey, GroupName};
use crate::disclosure::DisclosedCount;
use crate::disclosure::cell_key::PerturbationTable;
use crate::disclosure::disclose;
use crate::index::AsOf;
use crate::predicate::{
    Comparison, FundingTermTest, InitiativePredicate, InitiativeTest, NamedReference, Quantifier,
};
use crate::query::{RecordScope, Viewpoint};
use crate::visibility::Reader;
use uuid::Uuid;
use wayin_vocabulary::{Challenge, ChallengeStep};

fn short_funding_predicate() -> InitiativePredicate {
    let term = Predicate::Test(FundingTermTest::DurationMonths(Comparison::AtMost(18)));
    Predicate::Test(InitiativeTest::FundingTerms(Quantifier::Some, term))
}

fn skipped_predicate() -> InitiativePredicate {
    let step = Comparison::OneOf(vec![ChallengeStep::Skipped]);
    Predicate::Test(InitiativeTest::Step(Challenge::DefiningAmbitions, step))
}

fn pattern_query(
    when: InitiativePredicate,
    then: InitiativePredicate,
    among: InitiativePredicate,
) -> PatternQuery {
    PatternQuery {
        when,
        then,
        among,
        by: None,
        viewpoint: Viewpoint {
            reader: Reader::Steward,
            scope: RecordScope::All,
        },
    }
}

fn place_in(name: &str) -> InitiativePredicate {
    let place = NamedReference {
        id: Uuid::nil(),
        name: name.into(),
    };
    Predicate::Test(InitiativeTest::PlaceWithin(place))
}

fn default_query() -> PatternQuery {
    pattern_query(
        short_funding_predicate(),
        skipped_predicate(),
        Predicate::ALWAYS_TRUE,
    )
}

fn pattern_answer(table: &DisclosedTable, illustrative: DisclosedCount) -> PatternAnswer {
    PatternAnswer {
        table: *table,
        illustrative,
        groups: None,
        concentration: None,
        unknown_reasons: UnknownReasons::default(),
        basis: Basis {
            scope: RecordScope::All,
            hidden: if table.counts().any(|count| count.count != Some(count.visible)) {
                HiddenCounting::Perturbed
            } else {
                HiddenCounting::NotControlled
            },
            as_of: AsOf::default(),
            hidden_as_of: AsOf::default(),
            has_illustrative: illustrative.count != Some(0),
            rests_on_few_hidden: false,
        },
    }
}

/// A table of both, when only, then only, neither and unknown.
fn build_table(counts: [u64; 5], disclose: impl Fn(u64) -> DisclosedCount) -> DisclosedTable {
    let [both, when_only, then_only, neither, unknown] = counts;
    let population = counts.iter().sum();
    DisclosedTable::new(
        [
            population, both, when_only, then_only, neither, unknown, unknown, unknown,
        ]
        .map(disclose),
    )
}

/// An answer about records that everybody can read.
fn exact_answer(counts: [u64; 5]) -> PatternAnswer {
    pattern_answer(
        &build_table(counts, DisclosedCount::exact),
        DisclosedCount::exact(0),
    )
}

/// What is published of some visible initiatives and some hidden ones, without noise but as if there were some.
fn disclosed_count(visible: u64, hidden: u64) -> DisclosedCount {
    let noise = PerturbationTable::from_key_values([0; 256]);
    let count = disclose(
        &RawCell {
            visible,
            hidden,
            key: 0,
        },
        &noise,
    );
    DisclosedCount {
        variance: if count.count.is_some() { 6.0 } else { 0.0 },
        ..count
    }
}

fn render_parts(summary: &Summary) -> String {
    let mut text = String::new();
    let parts = [
        ("headline", Some(&summary.headline)),
        ("basis", summary.basis.as_ref()),
        ("certainty", summary.certainty.as_ref()),
        ("unknowns", summary.unknowns.as_ref()),
        ("where", summary.where_different.as_ref()),
        ("cautions", summary.cautions.as_ref()),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            let _ = writeln!(text, "  {name}: {part}");
        }
    }
    text
}

/// Answers about exact counts, with what they show.
#[test]
fn every_verdict_is_put_in_words() {
    let mut text = String::new();
    for (what, counts) in [
        ("a clear difference", [131, 83, 90, 318, 40]),
        ("a clear difference the other way", [40, 160, 90, 110, 0]),
        ("no clear difference", [26, 74, 30, 70, 5]),
        ("no clear difference in equal rates", [26, 74, 52, 148, 0]),
        ("it depends on unknowns", [60, 40, 25, 75, 250]),
        ("too much unknown", [60, 40, 25, 75, 2_000]),
        ("few with the first condition", [3, 1, 10, 20, 0]),
        ("one of each", [1, 0, 0, 1, 1]),
        ("one that does not", [0, 1, 1, 0, 0]),
        ("no others", [2, 0, 0, 0, 0]),
        ("none with the first condition", [0, 0, 10, 20, 0]),
        ("nothing known", [0, 0, 0, 0, 3]),
        ("nothing at all", [0, 0, 0, 0, 0]),
        ("all and none", [50, 0, 0, 50, 0]),
        ("large numbers", [131_000, 83_000, 1_900, 318_000, 12_345]),
    ] {
        let summary = render(&default_query(), &exact_answer(counts));
        let _ = write!(text, "{what} {counts:?}\n{}", render_parts(&summary));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn population_and_negative_conditions_are_put_in_words() {
    let negated = skipped_predicate().negated();
    let asks_missing = Predicate::Test(InitiativeTest::FundingTermsRecorded(false));
    let mut text = String::new();
    for query in [
        pattern_query(short_funding_predicate(), skipped_predicate(), place_in("Wales")),
        pattern_query(short_funding_predicate(), negated, Predicate::ALWAYS_TRUE),
        pattern_query(asks_missing, skipped_predicate(), Predicate::ALWAYS_TRUE),
    ] {
        for counts in [[60, 40, 0, 100, 0], [3, 1, 0, 6, 0], [0, 0, 0, 0, 0]] {
            let summary = render(&query, &exact_answer(counts));
            let _ = write!(text, "{counts:?}\n{}", render_parts(&summary));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn perturbed_counts_read_as_rounded() {
    let table = DisclosedTable::new(
        [
            (36, 430),
            (12, 150),
            (8, 85),
            (5, 95),
            (11, 100),
            (0, 40),
            (0, 40),
            (0, 3),
        ]
        .map(|(visible, hidden)| disclosed_count(visible, hidden)),
    );
    let summary = render(
        &default_query(),
        &pattern_answer(&table, disclosed_count(36, 430)),
    );
    insta::assert_snapshot!(render_parts(&summary));
}

#[test]
fn suppressed_counts_give_the_visible_figures() {
    let tables = [
        // The example: 53 records can be read, and too few others have only the first condition.
        [
            (53, 60),
            (36, 30),
            (6, 3),
            (4, 20),
            (7, 7),
            (0, 0),
            (0, 0),
            (0, 0),
        ],
        [
            (530, 60),
            (360, 30),
            (60, 3),
            (40, 20),
            (70, 7),
            (0, 4),
            (0, 4),
            (0, 0),
        ],
        [(0, 60), (0, 3), (0, 3), (0, 20), (0, 30), (0, 0), (0, 0), (0, 0)],
        [(0, 9), (0, 3), (0, 3), (0, 3), (0, 0), (0, 0), (0, 0), (0, 0)],
    ];
    let mut text = String::new();
    for cells in tables {
        let table = DisclosedTable::new(cells.map(|(visible, hidden)| disclosed_count(visible, hidden)));
        let answer = pattern_answer(&table, DisclosedCount::exact(0));
        assert_eq!(answer.finding().verdict, Verdict::Suppressed);
        let summary = render(&default_query(), &answer);
        let _ = write!(text, "{cells:?}\n{}", render_parts(&summary));
    }
    insta::assert_snapshot!(text);
}

fn answer_with_groups(groups: &[(&str, [u64; 5])], basis: RecordScope) -> PatternAnswer {
    let sum = |cell: usize| groups.iter().map(|(_, counts)| counts[cell]).sum();
    let tables = groups.iter().map(|(label, counts)| {
        let name = GroupName {
            key: GroupKey::Code((*label).into()),
            label: (*label).into(),
        };
        (name, build_table(*counts, DisclosedCount::exact))
    });
    PatternAnswer {
        groups: Some(Groups {
            overlap: false,
            basis,
            tables: tables.collect(),
            adjusted: Err(NotAdjustedReason::Overlapping),
        }),
        ..exact_answer(std::array::from_fn(sum))
    }
}

#[test]
fn groups_that_differ_are_named() {
    let same = [50, 50, 30, 70, 0];
    let (high, higher, low) = ([80, 20, 30, 70, 0], [90, 10, 30, 70, 0], [10, 90, 30, 70, 0]);
    let tiny = [2, 1, 0, 3, 0];
    let mut text = String::new();
    let one = [("London", higher), ("Wales", same), ("North West", same)];
    for (groups, basis) in [
        (&one[..], RecordScope::All),
        (&one[..], RecordScope::Visible),
        (
            &[
                ("London", high),
                ("Wales", low),
                ("North West", higher),
                ("East", low),
            ],
            RecordScope::All,
        ),
        (&[("London", same), ("Wales", same)], RecordScope::All),
        (&[("London", tiny), ("Wales", tiny)], RecordScope::All),
        (
            &[
                ("A", high),
                ("B", high),
                ("C", high),
                ("D", high),
                ("E", high),
                ("F", high),
                ("G", low),
                ("H", low),
                ("I", low),
                ("J", low),
                ("K", low),
            ],
            RecordScope::All,
        ),
    ] {
        let summary = render(&default_query(), &answer_with_groups(groups, basis));
        let _ = writeln!(text, "{}", summary.where_different.unwrap_or_default());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn cause_is_denied_only_where_a_difference_is_claimed() {
    let denies_cause = |query: &PatternQuery, counts| {
        let cautions = render(query, &exact_answer(counts)).cautions.unwrap_or_default();
        cautions.contains("does not show that one causes the other")
    };
    assert!(denies_cause(&default_query(), [131, 83, 90, 318, 0]));
    assert!(denies_cause(&default_query(), [60, 40, 25, 75, 250]));
    assert!(!denies_cause(&default_query(), [26, 74, 26, 74, 0]));
    assert!(!denies_cause(&default_query(), [3, 1, 1, 3, 0]));
    let missing = Predicate::Test(InitiativeTest::StartedOn(Comparison::Known(false)));
    let query = pattern_query(missing, skipped_predicate(), Predicate::ALWAYS_TRUE);
    assert!(!denies_cause(&query, [131, 83, 90, 318, 0]));
}

#[test]
fn sentences_are_short() {
    let mut random = StdRng::seed_from_u64(21);
    let mut draw = |most| random.random_range(0..most);
    for round in 0..500 {
        let most = [3, 12, 300, 20_000][round % 4];
        let counts = std::array::from_fn(|_| draw(most));
        let among = if round % 2 == 0 {
            Predicate::ALWAYS_TRUE
        } else {
            place_in("the North West")
        };
        let query = pattern_query(short_funding_predicate(), skipped_predicate(), among);
        let answers = [
            exact_answer(counts),
            pattern_answer(
                &build_table(counts, |count| disclosed_count(count / 2, count - count / 2)),
                disclosed_count(0, 40),
            ),
        ];
        for answer in answers {
            let text = render(&query, &answer).text();
            for sentence in text.split_inclusive(['.', '?']) {
                let words = sentence.split_whitespace().count();
                assert!(words < 25, "{words} words: {sentence}");
            }
            assert!(!text.contains("  ") && !text.contains("none did not"), "{text}");
        }
    }
}

#[test]
fn words_never_give_an_unrounded_perturbed_count() {
    for count in 10..2_000 {
        let shown = DisclosedCount {
            variance: 6.0,
            ..DisclosedCount::exact(count)
        };
        let text = format_approximate(&shown, count);
        let number: u64 = text.replace("about ", "").replace(',', "").parse().unwrap();
        let unit = if number < 100 { 5 } else { 10 };
        assert!(
            number.is_multiple_of(unit) && number.abs_diff(count) <= 5,
            "{count}: {text}"
        );
    }
}

#[test]
fn counts_have_thousands_separators() {
    for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(format_count(n), text);
    }
}

#[test]
fn measures_need_all_their_counts() {
    let mut table = build_table([60, 60, 40, 40, 0], |count| disclosed_count(0, count));
    assert!(Measures::from_table(&table).odds_ratio.is_some());
    table.both = disclosed_count(30, 0);
    let figures = Measures::from_table(&table);
    assert_eq!((figures.rate_when, figures.odds_ratio), (None, None));
    assert!(
        figures.rate_otherwise.is_some(),
        "both of its counts are published"
    );
    assert_eq!(table.basis(RecordScope::All), RecordScope::Visible);
    assert!(Measures::from_table(&table.visible_only()).rate_when.is_some());
}

#[test]
fn unknowns_name_their_main_reason() {
    let render_with = |given: [DisclosedCount; 4]| {
        let answer = PatternAnswer {
            unknown_reasons: UnknownReasons {
                given,
                not_said: DisclosedCount::exact(5),
            },
            ..exact_answer([30, 20, 20, 30, 40])
        };
        let unknowns = render(&default_query(), &answer).unknowns.unwrap();
        let (_, after) = unknowns.split_once("unknown answers.").unwrap();
        after.split_once(" Whatever").unwrap().0.trim().to_owned()
    };
    let none = DisclosedCount::exact(0);
    let perturbed = |count| DisclosedCount {
        variance: 6.0,
        ..DisclosedCount::exact(count)
    };
    for (given, expected) in [
        ([none; 4], ""),
        ([DisclosedCount::default(); 4], ""),
        (
            [DisclosedCount::exact(30), DisclosedCount::exact(9), none, none],
            "Of these, 30 were not asked about it.",
        ),
        (
            [none, DisclosedCount::exact(1), none, none],
            "Of these, 1 was asked and did not reply.",
        ),
        (
            [DisclosedCount::exact(7), none, DisclosedCount::exact(7), none],
            "Of these, 7 were not asked about it.",
        ),
        (
            [none, none, perturbed(25), none],
            "Of these, about 25 withhold the answer.",
        ),
        // Noise can make a reason exceed the number of unknown initiatives.
        ([none, none, none, perturbed(45)], ""),
    ] {
        assert_eq!(render_with(given), expected, "{given:?}");
    }
}
