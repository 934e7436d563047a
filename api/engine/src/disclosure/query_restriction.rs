//! What may not be asked under disclosure control: conditions that slice so finely that
//! one record could be told from the others. It depends on what is asked and by whom,
//! never on what the base holds.

use chrono::{Datelike, NaiveDate};
use wayin_vocabulary::Dimension;

use super::super::dimension::DURATION_EDGES;
use crate::predicate::{
    Comparison, InitiativeCondition, InitiativeTest, OrganisationCondition, TermCondition, TermTest,
    TextComparison,
};

/// A question that is refused, since single records could be told from its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RestrictedQuery(pub String);

type Result<T> = std::result::Result<T, RestrictedQuery>;

/// The most comparisons that the conditions of one question hold together.
pub const MOST_COMPARISONS: usize = 6;

/// The edges of the closed bands of amounts, in the currency's minor unit: 10 thousand,
/// 50 thousand, 100 thousand, 500 thousand and 1 million of the major one.
pub const AMOUNT_EDGES: [i64; 5] = [1_000_000, 5_000_000, 10_000_000, 50_000_000, 100_000_000];

/// Refuses a question that slices too finely. `parts` are its conditions, each with the
/// argument that it was given as.
pub fn check(parts: &[(&str, &InitiativeCondition)]) -> Result<()> {
    for (argument, condition) in parts {
        let mut found = Ok(());
        condition.each_test(&mut |test| {
            if found.is_ok() {
                found = initiative_test(argument, test);
            }
        });
        found?;
    }
    let comparisons: usize = parts.iter().map(|(_, condition)| comparisons(condition)).sum();
    if comparisons > MOST_COMPARISONS {
        let arguments: Vec<&str> = parts.iter().map(|(argument, _)| *argument).collect();
        return Err(refused(
            &arguments.join(", "),
            &format!("hold {comparisons} comparisons together; at most {MOST_COMPARISONS} can be asked"),
        ));
    }
    Ok(())
}

/// Refuses a dimension that slices too finely.
pub fn check_dimension(argument: &str, dimension: Dimension) -> Result<()> {
    match dimension {
        Dimension::LeadOrganisation => Err(refused(
            argument,
            "initiatives cannot be distinguished by the organisation that leads them",
        )),
        _ => Ok(()),
    }
}

/// How many comparisons a condition holds: its tests, those of funding terms and organisations in them.
pub fn comparisons(condition: &InitiativeCondition) -> usize {
    let mut count = 0;
    condition.each_test(&mut |test| {
        count += match test {
            InitiativeTest::FundingTerms(_, terms) => of_terms(terms),
            InitiativeTest::LeadOrganisation(organisation) => of_organisation(organisation),
            _ => 1,
        };
    });
    count
}

fn of_terms(condition: &TermCondition) -> usize {
    let mut count = 0;
    condition.each_test(&mut |test| {
        count += match test {
            TermTest::Funder(organisation) => of_organisation(organisation),
            _ => 1,
        };
    });
    count.max(1)
}

fn of_organisation(condition: &OrganisationCondition) -> usize {
    let mut count = 0;
    condition.each_test(&mut |_| count += 1);
    count.max(1)
}

fn refused(place: &str, reason: &str) -> RestrictedQuery {
    RestrictedQuery(format!(
        "{place}: {reason}, as the answer could reveal single records. Ask with scope VISIBLE for exact answers \
         from the records that you may read whole."
    ))
}

fn initiative_test(argument: &str, test: &InitiativeTest) -> Result<()> {
    let never = |field: &str| {
        Err(refused(
            &format!("{argument}.{field}"),
            "cannot be asked with scope ALL",
        ))
    };
    match test {
        InitiativeTest::Id(_) => never("id"),
        InitiativeTest::Title(_) => never("title"),
        InitiativeTest::LeadOrganisation(_) => never("leadOrganisation"),
        InitiativeTest::StartedOn(comparison) => date(&format!("{argument}.startedOn"), comparison),
        InitiativeTest::EndedOn(comparison) => date(&format!("{argument}.endedOn"), comparison),
        InitiativeTest::FundingTerms(_, terms) => {
            let mut found = Ok(());
            terms.each_test(&mut |test| {
                if found.is_ok() {
                    found = term_test(&format!("{argument}.fundingTerms"), test);
                }
            });
            found
        }
        InitiativeTest::PlaceIs(_)
        | InitiativeTest::PlaceWithin(_)
        | InitiativeTest::PlaceKnown(_)
        | InitiativeTest::ActiveDuring(_)
        | InitiativeTest::WayIn(..)
        | InitiativeTest::EntryPoints(..)
        | InitiativeTest::Step(..)
        | InitiativeTest::Reasons(..)
        | InitiativeTest::Change(..)
        | InitiativeTest::AnyTermRecorded(_) => Ok(()),
    }
}

fn term_test(field: &str, test: &TermTest) -> Result<()> {
    match test {
        TermTest::StartsOn(comparison) => date(&format!("{field}.startsOn"), comparison),
        TermTest::DurationMonths(comparison) => at_edges(
            &format!("{field}.durationMonths"),
            comparison,
            |months| DURATION_EDGES.contains(months),
            "6, 12, 18, 24, 36 or 60",
        ),
        TermTest::AmountMinor(comparison) => at_edges(
            &format!("{field}.amountMinor"),
            comparison,
            |amount| AMOUNT_EDGES.contains(amount),
            "1000000, 5000000, 10000000, 50000000 or 100000000 (10 thousand to 1 million in the major unit)",
        ),
        TermTest::Currency(TextComparison::Contains(_) | TextComparison::StartsWith(_)) => Err(refused(
            &format!("{field}.currency"),
            "compares with eq, ne, in and isKnown alone with scope ALL",
        )),
        TermTest::Funder(_) | TermTest::Currency(_) | TermTest::Choice(..) => Ok(()),
    }
}

fn date(field: &str, comparison: &Comparison<NaiveDate>) -> Result<()> {
    at_edges(
        field,
        comparison,
        |day| (day.month(), day.day()) == (12, 31),
        "the last day of a year",
    )
}

fn at_edges<T>(
    field: &str,
    comparison: &Comparison<T>,
    is_edge: impl Fn(&T) -> bool,
    edges: &str,
) -> Result<()> {
    match comparison {
        Comparison::Known(_) => Ok(()),
        Comparison::AtMost(bound) | Comparison::More(bound) if is_edge(bound) => Ok(()),
        _ => Err(refused(
            field,
            &format!("compares only with lte and gt, at {edges}, or with isKnown, with scope ALL"),
        )),
    }
}
