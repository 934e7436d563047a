//! Readings as a trustee would read them.

use super::*;
use crate::answer::{Basis, Table, UnknownReasons};
use crate::count::RawCell;
use crate::count::contingency::Nine;
use crate::disclosure::cell_key::Noise;
use crate::disclosure::shown;
use crate::index::AsOf;
use crate::predicate::{Comparison, InitiativeTest, Named, Quantifier, TermTest};
use crate::query::{RecordScope, Viewpoint};
use crate::three_valued::Truth;
use crate::three_valued::Truth::{False, True, Unknown};
use crate::visibility::Reader;
use uuid::Uuid;
use wayin_vocabulary::{Challenge, ChallengeStep, EntryPoint, Perspective};

fn short_funding() -> InitiativeCondition {
    let term = Condition::Test(TermTest::DurationMonths(Comparison::AtMost(18)));
    Condition::Test(InitiativeTest::FundingTerms(Quantifier::Some, term))
}

fn skipped() -> InitiativeCondition {
    let step = Comparison::OneOf(vec![ChallengeStep::Skipped]);
    Condition::Test(InitiativeTest::Step(Challenge::DefiningAmbitions, step))
}

fn question(when: InitiativeCondition, then: InitiativeCondition, among: InitiativeCondition) -> Question {
    Question {
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

fn answer(table: Table, bounds: Option<(f64, f64)>, illustrative: Shown) -> PatternAnswer {
    PatternAnswer {
        table,
        bounds,
        illustrative,
        groups: None,
        concentration: None,
        unknown_reasons: UnknownReasons::default(),
        basis: Basis {
            scope: RecordScope::All,
            controlled: table.population.variance > 0.0,
            as_of: AsOf::default(),
            hidden_as_of: AsOf::default(),
            any_illustrative: illustrative.count != Some(0),
        },
    }
}

fn nine(counts: &[(Truth, Truth, u32)]) -> Nine {
    let mut nine = Nine::default();
    for (when, then, count) in counts {
        (0..*count).for_each(|_| nine.add(*when, *then));
    }
    nine
}

fn read(when: InitiativeCondition, then: InitiativeCondition, counts: &[(Truth, Truth, u32)]) -> String {
    let nine = nine(counts);
    let table = Table::new(nine.published().map(Shown::exact));
    let answer = answer(table, nine.bounds(), Shown::exact(0));
    render(&question(when, then, Condition::EVERYTHING), &answer)
}

const CLOSE: &str = " The two were reported together; that does not show that one causes the other.";

#[test]
fn the_question_is_answered_in_two_sentences() {
    let counts = [
        (True, True, 131),
        (True, False, 83),
        (False, True, 90),
        (False, False, 318),
        (Unknown, True, 95),
    ];
    assert_eq!(
        read(short_funding(), skipped(), &counts),
        format!(
            "Of 214 initiatives that had some funding of 18 months or less, 131 (61 in 100) skipped defining their \
             ambitions; of the 408 others, 90 (22 in 100) did. Of 95 more we do not know enough to say.{CLOSE}"
        )
    );
}

#[test]
fn one_none_and_nothing_read_well() {
    assert_eq!(
        read(short_funding(), skipped(), &[(True, False, 1), (False, True, 1)]),
        format!(
            "Of 1 initiative that had some funding of 18 months or less, none skipped defining their ambitions; the \
             one other did.{CLOSE}"
        )
    );
    assert_eq!(
        read(short_funding(), skipped(), &[(True, True, 2)]),
        format!(
            "Of 2 initiatives that had some funding of 18 months or less, 2 (100 in 100) skipped defining their \
             ambitions; there are no others to compare them with.{CLOSE}"
        )
    );
    assert_eq!(
        read(short_funding(), skipped(), &[]),
        "There are no initiatives to ask about."
    );
    let unknown = read(short_funding(), skipped(), &[(Unknown, Unknown, 3)]);
    assert_eq!(
        unknown,
        "We do not know enough of any of the 3 initiatives to say whether those that had some funding of 18 months or \
         less also skipped defining their ambitions."
    );
}

#[test]
fn much_that_is_not_known_comes_with_the_bounds() {
    let text = read(
        short_funding(),
        skipped(),
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
fn nested_conditions_say_what_belongs_together() {
    let way_in = |code| {
        let comparison = crate::predicate::WayInComparison::OneOf(vec![code]);
        Condition::Test(InitiativeTest::WayIn(Some(Perspective::Funder), comparison))
    };
    let place = Condition::Test(InitiativeTest::PlaceWithin(Named {
        id: Uuid::nil(),
        name: "Wales".into(),
    }));
    let either = Condition::Any(vec![way_in(EntryPoint::RootCauses), place]);
    let both = Condition::All(vec![either, skipped().negated()]);
    assert_eq!(
        phrase(&both, Number::Many).text,
        "(started from root causes (as funders saw it) or worked in Wales) and did not skip defining their ambitions"
    );
}

#[test]
fn counts_set_their_thousands_apart() {
    for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(count(n), text);
    }
}

#[test]
fn among_whom_comes_first_and_the_sentence_goes_on() {
    let counts = [(True, True, 3), (True, False, 1), (False, False, 6)];
    let nine = nine(&counts);
    let table = Table::new(nine.published().map(Shown::exact));
    let wales = Condition::Test(InitiativeTest::PlaceWithin(Named {
        id: Uuid::nil(),
        name: "Wales".into(),
    }));
    let answer = answer(table, nine.bounds(), Shown::exact(10));
    assert_eq!(
        render(&question(short_funding(), skipped(), wales.clone()), &answer),
        format!(
            "Among the 10 initiatives that worked in Wales: of 4 that had some funding of 18 months or less, 3 (75 in \
             100) skipped defining their ambitions; of the 6 others, none did.{CLOSE} These records are illustrative: \
             made up to show how Wayin works."
        )
    );
    let nobody = Table::new([0; 8].map(Shown::exact));
    assert_eq!(
        render(
            &question(short_funding(), skipped(), wales),
            &super::tests::answer(nobody, None, Shown::exact(0))
        ),
        "There are no initiatives that worked in Wales to ask about."
    );
}

/// What may be shown of so many hidden initiatives, led by many organisations.
fn hidden(count: u64) -> Shown {
    let cell = RawCell {
        readable: 0,
        hidden: count,
        key: 0,
        organisations: 5,
        largest: 0,
    };
    let noise = Noise::by_key([0; 256]);
    shown(&cell, &noise)
}

#[test]
fn what_is_protected_is_said_to_be_about_so_many() {
    let table = Table::new([402, 131, 83, 90, 58, 40, 40, 3].map(hidden));
    assert_eq!(
        render(
            &question(short_funding(), skipped(), Condition::EVERYTHING),
            &answer(table, None, Shown::exact(0))
        ),
        format!(
            "Of about 215 initiatives that had some funding of 18 months or less, about 130 (60 in 100) skipped \
             defining their ambitions; of the about 150 others, about 90 (60 in 100) did. Of about 40 more we do not \
             know enough to say.{CLOSE}"
        )
    );
}

#[test]
fn what_is_suppressed_is_said_to_be() {
    let ask = question(short_funding(), skipped(), Condition::EVERYTHING);
    let read = |counts: [u64; 8]| {
        render(
            &ask,
            &answer(Table::new(counts.map(hidden)), None, Shown::exact(0)),
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
             not know enough may not be shown.{CLOSE}"
        )
    );
    assert_eq!(
        read([60, 20, 30, 4, 6, 20, 20, 20]),
        format!(
            "Of about 50 initiatives that had some funding of 18 months or less, about 20 (40 in 100) skipped defining \
             their ambitions; of the others too little may be shown to say. Of about 20 more we do not know enough to \
             say.{CLOSE}"
        )
    );
}

#[test]
fn counts_that_leave_hidden_records_out_are_not_set_against_those_that_hold_them() {
    let alone = Shown {
        count: Some(30),
        suppressed: Some(crate::disclosure::Rule::SmallCount),
        variance: 0.0,
    };
    let mut table = Table::new([200, 60, 60, 40, 40, 0, 0, 0].map(hidden));
    assert!(Figures::of(&table).odds_ratio.is_some());
    table.both = alone;
    let figures = Figures::of(&table);
    assert_eq!(
        (figures.rate_when, figures.odds_ratio, table.when()),
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
        Figures::of(&table).odds_ratio.is_some(),
        "all of them are of readable records alone"
    );
}

#[test]
fn what_is_not_known_says_why_most_of_it_is_not() {
    let cells = [
        (True, True, 30),
        (True, False, 20),
        (False, True, 20),
        (False, False, 30),
        (Unknown, True, 40),
    ];
    let says = |given: [Shown; 4]| {
        let answer = PatternAnswer {
            unknown_reasons: UnknownReasons {
                given,
                not_said: Shown::exact(5),
            },
            ..answer(
                Table::new(nine(&cells).published().map(Shown::exact)),
                None,
                Shown::exact(0),
            )
        };
        let text = render(
            &question(short_funding(), skipped(), Condition::EVERYTHING),
            &answer,
        );
        let (_, after) = text.split_once("we do not know enough to say.").unwrap();
        after.split_once(" The two were").unwrap().0.to_owned()
    };
    let none = Shown::exact(0);
    assert_eq!(says([none; 4]), "");
    assert_eq!(
        says([Shown::default(); 4]),
        "",
        "what is suppressed is not spoken of"
    );
    assert_eq!(
        says([Shown::exact(30), Shown::exact(9), none, none]),
        " Of those, 30 were not asked."
    );
    assert_eq!(
        says([none, Shown::exact(1), none, none]),
        " Of those, 1 was asked and did not reply."
    );
    assert_eq!(
        says([Shown::exact(7), none, Shown::exact(7), none]),
        " Of those, 7 were not asked."
    );
    let moved = |count| Shown {
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
