//! Summaries of answers.

use super::*;
use crate::answer::{Basis, DisclosedTable, UnknownReasons};
use crate::count::RawCell;
use crate::count::contingency::Counts3x3;
use crate::disclosure::cell_key::PerturbationTable;
use crate::disclosure::disclose;
use crate::index::AsOf;
use crate::predicate::{
    Comparison, FundingTermTest, InitiativePredicate, InitiativeTest, NamedReference, Quantifier,
};
use crate::query::{RecordScope, Viewpoint};
use crate::three_valued_logic::Truth;
use crate::three_valued_logic::Truth::{False, True, Unknown};
use crate::visibility::Reader;
use uuid::Uuid;
use wayin_vocabulary::{Challenge, ChallengeStep, EntryPoint, Perspective};

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

fn pattern_answer(
    table: DisclosedTable,
    bounds: Option<(f64, f64)>,
    illustrative: DisclosedCount,
) -> PatternAnswer {
    PatternAnswer {
        table,
        bounds,
        illustrative,
        groups: None,
        concentration: None,
        unknown_reasons: UnknownReasons::default(),
        basis: Basis {
            scope: RecordScope::All,
            disclosure_controlled: table.population.variance > 0.0,
            as_of: AsOf::default(),
            hidden_as_of: AsOf::default(),
            has_illustrative: illustrative.count != Some(0),
            rests_on_few_hidden: false,
        },
    }
}

fn counts_3x3(counts: &[(Truth, Truth, u32)]) -> Counts3x3 {
    let mut nine = Counts3x3::default();
    for (when, then, count) in counts {
        (0..*count).for_each(|_| nine.add(*when, *then));
    }
    nine
}

fn render_answer(
    when: InitiativePredicate,
    then: InitiativePredicate,
    counts: &[(Truth, Truth, u32)],
) -> String {
    let nine = counts_3x3(counts);
    let table = DisclosedTable::new(nine.published_counts().map(DisclosedCount::exact));
    let answer = pattern_answer(table, nine.rate_bounds(), DisclosedCount::exact(0));
    render(&pattern_query(when, then, Predicate::ALWAYS_TRUE), &answer)
}

const CLOSING_SENTENCE: &str =
    " The two were reported together; that does not show that one causes the other.";

#[test]
fn simple_answer_has_two_sentences() {
    let counts = [
        (True, True, 131),
        (True, False, 83),
        (False, True, 90),
        (False, False, 318),
        (Unknown, True, 95),
    ];
    assert_eq!(
        render_answer(short_funding_predicate(), skipped_predicate(), &counts),
        format!(
            "Of 214 initiatives that had some funding of 18 months or less, 131 (61 in 100) skipped defining their \
             ambitions; of the 408 others, 90 (22 in 100) did. Of 95 more we do not know enough to say.{CLOSING_SENTENCE}"
        )
    );
}

#[test]
fn counts_of_one_and_zero_read_well() {
    assert_eq!(
        render_answer(
            short_funding_predicate(),
            skipped_predicate(),
            &[(True, False, 1), (False, True, 1)]
        ),
        format!(
            "Of 1 initiative that had some funding of 18 months or less, none skipped defining their ambitions; the \
             one other did.{CLOSING_SENTENCE}"
        )
    );
    assert_eq!(
        render_answer(short_funding_predicate(), skipped_predicate(), &[(True, True, 2)]),
        format!(
            "Of 2 initiatives that had some funding of 18 months or less, 2 (100 in 100) skipped defining their \
             ambitions; there are no others to compare them with.{CLOSING_SENTENCE}"
        )
    );
    assert_eq!(
        render_answer(short_funding_predicate(), skipped_predicate(), &[]),
        "There are no initiatives to ask about."
    );
    let unknown = render_answer(
        short_funding_predicate(),
        skipped_predicate(),
        &[(Unknown, Unknown, 3)],
    );
    assert_eq!(
        unknown,
        "We do not know enough of any of the 3 initiatives to say whether those that had some funding of 18 months or \
         less also skipped defining their ambitions."
    );
}

#[test]
fn many_unknowns_come_with_bounds() {
    let text = render_answer(
        short_funding_predicate(),
        skipped_predicate(),
        &[(True, True, 5), (True, False, 5), (True, Unknown, 10)],
    );
    assert!(
        text.contains("Of 10 more we do not know enough to say."),
        "{text}"
    );
    assert!(
        text.contains("the first figure lies between 25 and 75 in 100"),
        "{text}"
    );
}

#[test]
fn nested_predicates_keep_their_grouping() {
    let way_in = |code| {
        let comparison = crate::predicate::WayInComparison::OneOf(vec![code]);
        Predicate::Test(InitiativeTest::WayIn(Some(Perspective::Funder), comparison))
    };
    let place = Predicate::Test(InitiativeTest::PlaceWithin(NamedReference {
        id: Uuid::nil(),
        name: "Wales".into(),
    }));
    let either = Predicate::Any(vec![way_in(EntryPoint::RootCauses), place]);
    let both = Predicate::All(vec![either, skipped_predicate().negated()]);
    assert_eq!(
        render_phrase(&both, GrammaticalNumber::Many).text,
        "(started from root causes (as funders saw it) or worked in Wales) and did not skip defining their ambitions"
    );
}

#[test]
fn counts_have_thousands_separators() {
    for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(format_count(n), text);
    }
}

#[test]
fn population_comes_first() {
    let counts = [(True, True, 3), (True, False, 1), (False, False, 6)];
    let nine = counts_3x3(&counts);
    let table = DisclosedTable::new(nine.published_counts().map(DisclosedCount::exact));
    let wales = Predicate::Test(InitiativeTest::PlaceWithin(NamedReference {
        id: Uuid::nil(),
        name: "Wales".into(),
    }));
    let answer = pattern_answer(table, nine.rate_bounds(), DisclosedCount::exact(10));
    assert_eq!(
        render(
            &pattern_query(short_funding_predicate(), skipped_predicate(), wales.clone()),
            &answer
        ),
        format!(
            "Among the 10 initiatives that worked in Wales: of 4 that had some funding of 18 months or less, 3 (75 in \
             100) skipped defining their ambitions; of the 6 others, none did.{CLOSING_SENTENCE} These records are illustrative: \
             made up to show how Wayin works."
        )
    );
    let nobody = DisclosedTable::new([0; 8].map(DisclosedCount::exact));
    assert_eq!(
        render(
            &pattern_query(short_funding_predicate(), skipped_predicate(), wales),
            &super::tests::pattern_answer(nobody, None, DisclosedCount::exact(0))
        ),
        "There are no initiatives that worked in Wales to ask about."
    );
}

/// What may be shown of so many hidden initiatives, led by many organisations.
fn hidden_count(count: u64) -> DisclosedCount {
    let cell = RawCell {
        visible: 0,
        hidden: count,
        key: 0,
    };
    let noise = PerturbationTable::from_key_values([0; 256]);
    disclose(&cell, &noise)
}

#[test]
fn protected_counts_are_called_approximate() {
    let table = DisclosedTable::new([402, 131, 83, 90, 58, 40, 40, 3].map(hidden_count));
    assert_eq!(
        render(
            &pattern_query(
                short_funding_predicate(),
                skipped_predicate(),
                Predicate::ALWAYS_TRUE
            ),
            &pattern_answer(table, None, DisclosedCount::exact(0))
        ),
        format!(
            "Of about 215 initiatives that had some funding of 18 months or less, about 130 (60 in 100) skipped \
             defining their ambitions; of the about 150 others, about 90 (60 in 100) did. Of about 40 more we do not \
             know enough to say.{CLOSING_SENTENCE}"
        )
    );
}

#[test]
fn what_is_suppressed_is_said_to_be() {
    let ask = pattern_query(
        short_funding_predicate(),
        skipped_predicate(),
        Predicate::ALWAYS_TRUE,
    );
    let read = |counts: [u64; 8]| {
        render(
            &ask,
            &pattern_answer(
                DisclosedTable::new(counts.map(hidden_count)),
                None,
                DisclosedCount::exact(0),
            ),
        )
    };
    assert_eq!(
        read([9, 3, 3, 3, 0, 0, 0, 0]),
        "There are too few initiatives that may be counted to say anything about them."
    );
    assert_eq!(
        read([60, 4, 6, 20, 30, 0, 0, 0]),
        format!(
            "Of initiatives that had some funding of 18 months or less, too little may be shown to say how many \
             skipped defining their ambitions; of about 50 others, about 20 (40 in 100) did. Of how many more we do \
             not know enough may not be shown.{CLOSING_SENTENCE}"
        )
    );
    assert_eq!(
        read([60, 20, 30, 4, 6, 20, 20, 20]),
        format!(
            "Of about 50 initiatives that had some funding of 18 months or less, about 20 (40 in 100) skipped defining \
             their ambitions; of the others too little may be shown to say. Of about 20 more we do not know enough to \
             say.{CLOSING_SENTENCE}"
        )
    );
}

#[test]
fn counts_without_hidden_records_are_not_compared_with_counts_that_include_them() {
    let alone = DisclosedCount {
        count: Some(30),
        suppressed: Some(crate::disclosure::SuppressionRule::SmallCount),
        variance: 0.0,
    };
    let mut table = DisclosedTable::new([200, 60, 60, 40, 40, 0, 0, 0].map(hidden_count));
    assert!(Measures::from_table(&table).odds_ratio.is_some());
    table.both = alone;
    let figures = Measures::from_table(&table);
    assert_eq!(
        (figures.rate_when, figures.odds_ratio, table.known_when_count()),
        (None, None, None),
        "mixed"
    );
    assert!(
        figures.rate_otherwise.is_some(),
        "both of its counts hold hidden records"
    );
    for cell in [&mut table.when_only, &mut table.then_only, &mut table.neither] {
        *cell = alone;
    }
    assert!(
        Measures::from_table(&table).odds_ratio.is_some(),
        "all of them are of readable records alone"
    );
}

#[test]
fn unknowns_name_their_main_reason() {
    let cells = [
        (True, True, 30),
        (True, False, 20),
        (False, True, 20),
        (False, False, 30),
        (Unknown, True, 40),
    ];
    let says = |given: [DisclosedCount; 4]| {
        let answer = PatternAnswer {
            unknown_reasons: UnknownReasons {
                given,
                not_said: DisclosedCount::exact(5),
            },
            ..pattern_answer(
                DisclosedTable::new(counts_3x3(&cells).published_counts().map(DisclosedCount::exact)),
                None,
                DisclosedCount::exact(0),
            )
        };
        let text = render(
            &pattern_query(
                short_funding_predicate(),
                skipped_predicate(),
                Predicate::ALWAYS_TRUE,
            ),
            &answer,
        );
        let (_, after) = text.split_once("we do not know enough to say.").unwrap();
        after.split_once(" The two were").unwrap().0.to_owned()
    };
    let none = DisclosedCount::exact(0);
    assert_eq!(says([none; 4]), "");
    assert_eq!(
        says([DisclosedCount::default(); 4]),
        "",
        "what is suppressed is not spoken of"
    );
    assert_eq!(
        says([DisclosedCount::exact(30), DisclosedCount::exact(9), none, none]),
        " Of those, 30 were not asked."
    );
    assert_eq!(
        says([none, DisclosedCount::exact(1), none, none]),
        " Of those, 1 was asked and did not reply."
    );
    assert_eq!(
        says([DisclosedCount::exact(7), none, DisclosedCount::exact(7), none]),
        " Of those, 7 were not asked."
    );
    let moved = |count| DisclosedCount {
        count: Some(count),
        suppressed: None,
        variance: 6.0,
    };
    assert_eq!(
        says([none, none, moved(25), none]),
        " Of those, about 25 withhold it."
    );
    assert_eq!(
        says([none, none, none, moved(45)]),
        "",
        "more than there are is not spoken of"
    );
}
