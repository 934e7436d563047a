//! Which queries are rejected under disclosure control: those so specific that the answer could reveal single records.
//! The decision depends on the query and the reader, never on the records.

use chrono::{Datelike, NaiveDate};
use wayin_vocabulary::Dimension;

use super::super::dimension::DURATION_BAND_EDGES_MONTHS;
use crate::predicate::{
    Comparison, FundingTermPredicate, FundingTermTest, InitiativePredicate, InitiativeTest,
    OrganisationPredicate, TextComparison,
};

/// A query was rejected because its answer could reveal single records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RestrictedQuery(pub String);

type Result<T> = std::result::Result<T, RestrictedQuery>;

/// The most comparisons that the conditions of a query can have together.
pub const MAX_COMPARISONS: usize = 6;

/// The edges of the bands of amounts in the minor unit: 10 thousand, 50 thousand, 100 thousand, 500 thousand and 1 million
/// in the major unit.
pub const AMOUNT_BAND_EDGES_MINOR: [i64; 5] = [1_000_000, 5_000_000, 10_000_000, 50_000_000, 100_000_000];

/// Rejects predicates that are too specific. Each comes with the name of its argument.
pub fn check_predicates(parts: &[(&str, &InitiativePredicate)]) -> Result<()> {
    for (argument, predicate) in parts {
        predicate.try_for_each_test(&mut |test| check_initiative_test(argument, test))?;
    }
    let comparisons: usize = parts
        .iter()
        .map(|(_, predicate)| count_comparisons(predicate))
        .sum();
    if comparisons > MAX_COMPARISONS {
        let arguments: Vec<&str> = parts.iter().map(|(argument, _)| *argument).collect();
        return Err(restricted(
            &arguments.join(", "),
            &format!("hold {comparisons} comparisons together; at most {MAX_COMPARISONS} can be asked"),
        ));
    }
    Ok(())
}

/// Rejects a dimension that is too specific.
pub fn check_dimension(argument: &str, dimension: Dimension) -> Result<()> {
    match dimension {
        Dimension::LeadOrganisation => Err(restricted(
            argument,
            "initiatives cannot be distinguished by the organisation that leads them",
        )),
        _ => Ok(()),
    }
}

/// The number of comparisons of a predicate, including those within tests of funding terms and organisations.
pub fn count_comparisons(predicate: &InitiativePredicate) -> usize {
    let mut count = 0;
    predicate.for_each_test(&mut |test| {
        count += match test {
            InitiativeTest::FundingTerms(_, terms) => count_term_comparisons(terms),
            InitiativeTest::LeadOrganisation(organisation) => count_organisation_comparisons(organisation),
            _ => 1,
        };
    });
    count
}

fn count_term_comparisons(predicate: &FundingTermPredicate) -> usize {
    let mut count = 0;
    predicate.for_each_test(&mut |test| {
        count += match test {
            FundingTermTest::Funder(organisation) => count_organisation_comparisons(organisation),
            _ => 1,
        };
    });
    count.max(1)
}

fn count_organisation_comparisons(predicate: &OrganisationPredicate) -> usize {
    let mut count = 0;
    predicate.for_each_test(&mut |_| count += 1);
    count.max(1)
}

fn restricted(field: &str, reason: &str) -> RestrictedQuery {
    RestrictedQuery(format!(
        "{field}: {reason}, as the answer could reveal single records. Ask with scope VISIBLE for exact answers \
         from the records that you may read whole."
    ))
}

fn check_initiative_test(argument: &str, test: &InitiativeTest) -> Result<()> {
    let never = |field: &str| {
        Err(restricted(
            &format!("{argument}.{field}"),
            "cannot be asked with scope ALL",
        ))
    };
    match test {
        InitiativeTest::Id(_) => never("id"),
        InitiativeTest::Title(_) => never("title"),
        InitiativeTest::LeadOrganisation(_) => never("leadOrganisation"),
        InitiativeTest::UpdatedAt(_) => never("updatedAt"),
        InitiativeTest::StartedOn(comparison) => check_date(&format!("{argument}.startedOn"), comparison),
        InitiativeTest::EndedOn(comparison) => check_date(&format!("{argument}.endedOn"), comparison),
        InitiativeTest::FundingTerms(_, terms) => {
            let field = format!("{argument}.fundingTerms");
            terms.try_for_each_test(&mut |test| check_term_test(&field, test))
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
        | InitiativeTest::FundingTermsRecorded(_) => Ok(()),
    }
}

fn check_term_test(field: &str, test: &FundingTermTest) -> Result<()> {
    match test {
        FundingTermTest::StartsOn(comparison) => check_date(&format!("{field}.startsOn"), comparison),
        FundingTermTest::DurationMonths(comparison) => check_band_edges(
            &format!("{field}.durationMonths"),
            comparison,
            |months| DURATION_BAND_EDGES_MONTHS.contains(months),
            "6, 12, 18, 24, 36 or 60",
        ),
        FundingTermTest::AmountMinor(comparison) => check_band_edges(
            &format!("{field}.amountMinor"),
            comparison,
            |amount| AMOUNT_BAND_EDGES_MINOR.contains(amount),
            "1000000, 5000000, 10000000, 50000000 or 100000000 (10 thousand to 1 million in the major unit)",
        ),
        FundingTermTest::Currency(TextComparison::Contains(_) | TextComparison::StartsWith(_)) => {
            Err(restricted(
                &format!("{field}.currency"),
                "compares with eq, ne, in and isKnown alone with scope ALL",
            ))
        }
        FundingTermTest::Funder(_) | FundingTermTest::Currency(_) | FundingTermTest::Choice(..) => Ok(()),
    }
}

fn check_date(field: &str, comparison: &Comparison<NaiveDate>) -> Result<()> {
    check_band_edges(
        field,
        comparison,
        |day| (day.month(), day.day()) == (12, 31),
        "the last day of a year",
    )
}

fn check_band_edges<T>(
    field: &str,
    comparison: &Comparison<T>,
    is_edge: impl Fn(&T) -> bool,
    edges: &str,
) -> Result<()> {
    match comparison {
        Comparison::Known(_) => Ok(()),
        Comparison::AtMost(bound) | Comparison::More(bound) if is_edge(bound) => Ok(()),
        _ => Err(restricted(
            field,
            &format!("compares only with lte and gt, at {edges}, or with isKnown, with scope ALL"),
        )),
    }
}
