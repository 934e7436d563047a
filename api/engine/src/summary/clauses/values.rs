//! The values in clauses: codes, texts, dates, durations and amounts, and lists of them.

use chrono::{DateTime, NaiveDate, Utc};
use wayin_vocabulary::Labelled;

use super::super::{format_count, format_plural, join_list};
use crate::predicate::{Comparison, TextComparison};

/// The opposite comparison of a negated one, if there is one: "more than 18 months" for "not 18 months or less".
pub fn remove_negation<T: Copy>(comparison: &Comparison<T>, positive: bool) -> (Comparison<T>, bool) {
    let opposite = match comparison {
        Comparison::Less(bound) => Comparison::AtLeast(*bound),
        Comparison::AtMost(bound) => Comparison::More(*bound),
        Comparison::More(bound) => Comparison::AtMost(*bound),
        Comparison::AtLeast(bound) => Comparison::Less(*bound),
        Comparison::OneOf(_) | Comparison::Known(_) => return (comparison.clone(), positive),
    };
    (if positive { comparison.clone() } else { opposite }, true)
}

pub fn render_dates(comparison: &Comparison<NaiveDate>) -> String {
    let day = |day: &NaiveDate| day.format("%-d %B %Y").to_string();
    match comparison {
        Comparison::OneOf(days) => format!("on {}", join_or_counting(days.iter().map(day), "other days")),
        Comparison::Less(bound) => format!("before {}", day(bound)),
        Comparison::AtMost(bound) => format!("on or before {}", day(bound)),
        Comparison::More(bound) => format!("after {}", day(bound)),
        Comparison::AtLeast(bound) => format!("on or after {}", day(bound)),
        Comparison::Known(_) => "on a known day".into(),
    }
}

pub fn render_moments(comparison: &Comparison<DateTime<Utc>>) -> String {
    let moment = |moment: &DateTime<Utc>| moment.format("%-d %B %Y, %H:%M:%S%.f UTC").to_string();
    match comparison {
        Comparison::OneOf(moments) => {
            format!(
                "at {}",
                join_or_counting(moments.iter().map(moment), "other times")
            )
        }
        Comparison::Less(bound) => format!("before {}", moment(bound)),
        Comparison::AtMost(bound) => format!("at or before {}", moment(bound)),
        Comparison::More(bound) => format!("after {}", moment(bound)),
        Comparison::AtLeast(bound) => format!("at or after {}", moment(bound)),
        Comparison::Known(_) => "at a known time".into(),
    }
}

pub fn render_months(comparison: &Comparison<i32>) -> String {
    let number = |months: &i32| render_signed((*months).into(), format_count);
    match comparison {
        Comparison::OneOf(lengths) if lengths.iter().any(|length| *length != 1) => {
            let numbers = lengths.iter().map(number);
            format!("{} months", join_or_counting(numbers, "other numbers of"))
        }
        _ => render_comparison(comparison, |months| {
            let unit = if *months == 1 { "month" } else { "months" };
            format!("{} {unit}", number(months))
        }),
    }
}

/// Says both the number of minor units and its usual meaning, because the minor unit is not a hundredth in every
/// currency, and another test may name the currency.
pub fn render_amounts(comparison: &Comparison<i64>) -> String {
    let major = |minor: u64| format!("{}.{:02}", format_count(minor / 100), minor % 100);
    let usual = join_or(
        comparison
            .values()
            .iter()
            .map(|amount| render_signed(*amount, major)),
    );
    format!(
        "{} in its currency's smallest unit ({usual} in pounds or euros)",
        render_comparison(comparison, |amount| render_signed(*amount, format_count))
    )
}

fn render_comparison<T>(comparison: &Comparison<T>, format: impl Fn(&T) -> String) -> String {
    match comparison {
        Comparison::OneOf(values) => join_or(values.iter().map(format)),
        Comparison::Less(bound) => format!("less than {}", format(bound)),
        Comparison::AtMost(bound) => format!("{} or less", format(bound)),
        Comparison::More(bound) => format!("more than {}", format(bound)),
        Comparison::AtLeast(bound) => format!("{} or more", format(bound)),
        Comparison::Known(_) => "a known size".into(),
    }
}

fn render_signed(number: i64, format: impl Fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", format(number.unsigned_abs()))
}

/// "a name containing ...", and whether the clause is positive.
pub fn render_attribute(noun: &str, comparison: &TextComparison, positive: bool) -> (bool, String) {
    let text = match comparison {
        TextComparison::OneOf(texts) => {
            format!("the {noun} {}", join_or(texts.iter().map(|text| quote(text))))
        }
        TextComparison::Contains(part) => format!("{} containing {}", add_article(noun), quote(part)),
        TextComparison::StartsWith(start) => format!("{} starting with {}", add_article(noun), quote(start)),
        TextComparison::Known(known) => return (positive == *known, format!("a known {noun}")),
    };
    (positive, text)
}

pub fn quote(text: &str) -> String {
    format!("“{text}”")
}

pub fn add_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// The codes for which `matches` is true, and whether the clause is positive. If no code matches, every code is
/// listed and the clause is inverted, which means the same.
pub fn list_matching<T: Copy>(all: &[T], matches: impl Fn(T) -> bool, positive: bool) -> (Vec<T>, bool) {
    let matching: Vec<T> = all.iter().copied().filter(|code| matches(*code)).collect();
    if matching.is_empty() {
        (all.to_vec(), !positive)
    } else {
        (matching, positive)
    }
}

pub fn join_labels<T: Labelled>(codes: &[T]) -> String {
    join_or(codes.iter().map(|code| code.label().to_owned()))
}

/// The most words that a list names one by one.
const MAX_LISTED_WORDS: usize = 10;
/// How many words a longer list names before it counts the rest.
const LISTED_WORDS_WHEN_TRUNCATED: usize = 8;

/// "a, b or c". A long list ends in "or one of 12 others".
pub fn join_or(words: impl IntoIterator<Item = String>) -> String {
    join_or_counting(words, "others")
}

/// As [`join_or`]; `others` names the words that a long list leaves out.
pub fn join_or_counting(words: impl IntoIterator<Item = String>, others: &str) -> String {
    let mut words = deduplicate(words);
    if words.len() > MAX_LISTED_WORDS {
        let others = format_plural((words.len() - LISTED_WORDS_WHEN_TRUNCATED) as u64, others, others);
        words.truncate(LISTED_WORDS_WHEN_TRUNCATED);
        words.push(format!("one of {others}"));
    }
    join_list(&words, "or")
}

/// "a and b". After "not" it is "both a and b", because "not a and b" could mean neither.
pub fn join_and(words: impl IntoIterator<Item = String>, positive: bool) -> String {
    let words = deduplicate(words);
    let all = match words.len() {
        0 | 1 => "",
        _ if positive => "",
        2 => "both ",
        _ => "all of ",
    };
    format!("{all}{}", join_list(&words, "and"))
}

/// Whether a list has two different values.
pub fn has_several<T: PartialEq>(codes: &[T]) -> bool {
    codes.iter().any(|code| *code != codes[0])
}

/// The first of each group of equal items, in order.
pub fn deduplicate<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}
