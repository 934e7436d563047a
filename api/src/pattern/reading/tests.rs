//! Readings as a trustee would read them.

use super::*;
use crate::condition::InitiativeCondition;
use crate::condition::{Comparison, InitiativeTest, Named, Quantifier, TermTest};
use crate::pattern::index::AsOf;
use crate::pattern::table::Nine;
use crate::truth::Truth::{self, False, True, Unknown};
use uuid::Uuid;
use wayin_entity::{Challenge, EntryPoint, Perspective, Step};

fn short_funding() -> InitiativeCondition {
    let term = Condition::Test(TermTest::DurationMonths(Comparison::AtMost(18)));
    Condition::Test(InitiativeTest::FundingTerms(Quantifier::Some, term))
}

fn skipped() -> InitiativeCondition {
    let step = Comparison::OneOf(vec![Step::Skipped]);
    Condition::Test(InitiativeTest::Step(Challenge::DefiningAmbitions, step))
}

fn read(when: InitiativeCondition, then: InitiativeCondition, counts: &[(Truth, Truth, u32)]) -> String {
    let mut nine = Nine::default();
    for (when, then, count) in counts {
        (0..*count).for_each(|_| nine.add(*when, *then));
    }
    let question = Question {
        when,
        then,
        among: Condition::EVERYTHING,
        by: None,
    };
    let answer = Answer {
        counts: nine,
        strata: None,
        illustrative: 0,
        as_of: AsOf::default(),
    };
    reading(&question, &answer)
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
        let comparison = crate::condition::WayInComparison::OneOf(vec![code]);
        Condition::Test(InitiativeTest::WayIn(Some(Perspective::Funder), comparison))
    };
    let place = Condition::Test(InitiativeTest::PlaceWithin(Named {
        id: Uuid::nil(),
        name: "Wales".into(),
    }));
    let either = Condition::Any(vec![way_in(EntryPoint::RootCauses), place]);
    let both = Condition::All(vec![either, skipped().negated()]);
    assert_eq!(
        phrase(&both).text,
        "(started from root causes (as funders saw it) or worked in Wales) and did not skip defining their ambitions"
    );
}

#[test]
fn counts_set_their_thousands_apart() {
    for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(count(n), text);
    }
}
