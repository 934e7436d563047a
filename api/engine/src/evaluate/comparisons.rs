//! Comparisons of the columns and codes of a chunk.

use chrono::{DateTime, NaiveDate, Utc};
use wayin_vocabulary::Choice;

use crate::index::{Bitmap, CodeBitmaps, Column, TruthBitmaps, to_day_number};
use crate::predicate::{Comparison, SetComparison};

/// Whether a value is known, if `known` is true; whether it is not known otherwise.
pub(super) fn match_known(known_rows: Bitmap, known: bool) -> TruthBitmaps {
    let truths = TruthBitmaps::from_true_rows(known_rows);
    if known { truths } else { !truths }
}

pub(super) fn compare_codes<T: Choice + PartialOrd>(
    codes: &CodeBitmaps,
    row_count: usize,
    comparison: &Comparison<T>,
    all: &[T],
) -> TruthBitmaps {
    match comparison {
        Comparison::Known(known) => match_known(codes.known_rows(row_count), *known),
        comparison => {
            let matching = all.iter().filter(|code| comparison.matches(code));
            codes.match_any(row_count, matching.map(|code| code.number()))
        }
    }
}

pub(super) fn compare_code_sets<T: Choice>(
    codes: &CodeBitmaps,
    row_count: usize,
    comparison: &SetComparison<T>,
) -> TruthBitmaps {
    match comparison {
        SetComparison::Known(known) => match_known(codes.known_rows(row_count), *known),
        SetComparison::IncludesAll(listed) => {
            codes.match_all(row_count, listed.iter().map(|code| code.number()))
        }
        SetComparison::IncludesAny(listed) => {
            codes.match_any(row_count, listed.iter().map(|code| code.number()))
        }
    }
}

pub(super) fn to_day_numbers(comparison: &Comparison<NaiveDate>) -> Comparison<i64> {
    comparison.map(|day| to_day_number(*day))
}

/// In microseconds since 1970, as precise as databases store moments. A bound between two of them is rounded so that it
/// divides the same moments.
pub(super) fn to_microseconds(comparison: &Comparison<DateTime<Utc>>) -> Comparison<i64> {
    let round_down = DateTime::timestamp_micros;
    let round_up = |moment: &DateTime<Utc>| {
        moment.timestamp_micros() + i64::from(!moment.timestamp_subsec_nanos().is_multiple_of(1_000))
    };
    match comparison {
        Comparison::Less(_) | Comparison::AtLeast(_) => comparison.map(round_up),
        _ => comparison.map(round_down),
    }
}

pub(super) fn compare_ordered(
    column: &Column,
    row_count: usize,
    comparison: &Comparison<i64>,
) -> TruthBitmaps {
    let all = i64::MIN..=i64::MAX;
    let range = match comparison {
        Comparison::Known(known) => return match_known(column.match_range(&all).true_rows, *known),
        Comparison::OneOf(listed) => {
            let each = listed.iter().map(|value| column.match_range(&(*value..=*value)));
            let any = each.reduce(|a, b| a.or(&b));
            return any.unwrap_or_else(|| TruthBitmaps::constant(row_count, false));
        }
        Comparison::Less(i64::MIN) | Comparison::More(i64::MAX) => return !column.match_range(&all),
        Comparison::Less(bound) => i64::MIN..=*bound - 1,
        Comparison::AtMost(bound) => i64::MIN..=*bound,
        Comparison::More(bound) => *bound + 1..=i64::MAX,
        Comparison::AtLeast(bound) => *bound..=i64::MAX,
    };
    column.match_range(&range)
}
