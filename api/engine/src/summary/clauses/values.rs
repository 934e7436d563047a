//! The values in clauses: codes, texts, dates, durations and amounts, and lists of them.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Timelike, Utc};
use wayin_records::money::format_all_decimals;
use wayin_vocabulary::Labelled;

use super::super::{format_count, format_plural, join_list};
use super::grammar::Conjunction;
use super::normal_form::SignedTest;
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

/// Values that follow each other one by one.
pub trait Successive: Copy + PartialOrd {
    fn next(self) -> Option<Self>;
    fn previous(self) -> Option<Self>;
}

impl Successive for NaiveDate {
    fn next(self) -> Option<Self> {
        self.succ_opt()
    }

    fn previous(self) -> Option<Self> {
        self.pred_opt()
    }
}

impl Successive for i32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

/// Takes the tests of a field out of the list if they are a lower and an upper bound, and returns the first and the
/// last value between them. Tests that "or" joins say that the value is not in the range.
pub fn take_range<T, V: Successive>(
    conjunction: Conjunction,
    tests: &mut Vec<SignedTest<T>>,
    find_comparison: impl Fn(&T) -> Option<&Comparison<V>>,
) -> Option<RangeInclusive<V>> {
    let (mut first, mut last) = (None, None);
    for (test, positive) in tests.iter() {
        let Some(comparison) = find_comparison(test) else {
            continue;
        };
        let is_within = *positive == (conjunction == Conjunction::And);
        let (bound, value) = match remove_negation(comparison, is_within).0 {
            Comparison::AtLeast(value) => (&mut first, Some(value)),
            Comparison::More(value) => (&mut first, value.next()),
            Comparison::AtMost(value) => (&mut last, Some(value)),
            Comparison::Less(value) => (&mut last, value.previous()),
            Comparison::OneOf(_) | Comparison::Known(_) => return None,
        };
        if bound.is_some() {
            return None;
        }
        *bound = Some(value?);
    }
    let range = first?..=last?;
    if range.is_empty() {
        return None;
    }
    tests.retain(|(test, _)| find_comparison(test).is_none());
    Some(range)
}

fn format_day(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

pub fn render_dates(comparison: &Comparison<NaiveDate>) -> String {
    match comparison {
        Comparison::OneOf(days) => format!(
            "on {}",
            join_or_counting(days.iter().copied().map(format_day), "other days")
        ),
        Comparison::Less(bound) => format!("before {}", format_day(*bound)),
        Comparison::AtMost(bound) => format!("on or before {}", format_day(*bound)),
        Comparison::More(bound) => format!("after {}", format_day(*bound)),
        Comparison::AtLeast(bound) => format!("on or after {}", format_day(*bound)),
        Comparison::Known(_) => "on a known day".into(),
    }
}

/// "in 2020", "in April 2020", "on 1 April 2020" or "between 1 April 2020 and 31 March 2021".
pub fn render_date_range(range: &RangeInclusive<NaiveDate>) -> String {
    let (first, last) = (*range.start(), *range.end());
    if first == last {
        return format!("on {}", format_day(first));
    }
    let after = last.succ_opt();
    let ends_before = |end: Option<NaiveDate>| end.is_some() && end == after;
    if first.day() == 1 && ends_before(first.checked_add_months(Months::new(1))) {
        return format!("in {}", first.format("%B %Y"));
    }
    if first.ordinal() == 1 && ends_before(first.checked_add_months(Months::new(12))) {
        return format!("in {}", first.year());
    }
    format!("between {} and {}", format_day(first), format_day(last))
}

/// The time of day is left out where a day says as much: "before 1 April 2020".
pub fn render_moments(comparison: &Comparison<DateTime<Utc>>) -> String {
    let moment = |moment: &DateTime<Utc>| {
        let has_seconds = moment.second() != 0 || moment.nanosecond() != 0;
        let format = if has_seconds { "%H:%M:%S%.f" } else { "%H:%M" };
        format!(
            "{} UTC on {}",
            moment.format(format),
            format_day(moment.date_naive())
        )
    };
    let is_midnight = |moment: &DateTime<Utc>| moment.time() == NaiveTime::MIN;
    match comparison {
        Comparison::OneOf(moments) => {
            format!(
                "at {}",
                join_or_counting(moments.iter().map(moment), "other times")
            )
        }
        Comparison::Less(bound) if is_midnight(bound) => {
            format!("before {}", format_day(bound.date_naive()))
        }
        Comparison::AtLeast(bound) if is_midnight(bound) => {
            format!("on or after {}", format_day(bound.date_naive()))
        }
        Comparison::Less(bound) => format!("before {}", moment(bound)),
        Comparison::AtMost(bound) => format!("at or before {}", moment(bound)),
        Comparison::More(bound) => format!("after {}", moment(bound)),
        Comparison::AtLeast(bound) => format!("at or after {}", moment(bound)),
        Comparison::Known(_) => "at a known time".into(),
    }
}

pub fn render_months(comparison: &Comparison<i32>) -> String {
    match comparison {
        Comparison::OneOf(lengths) if lengths.iter().any(|length| *length != 1) => {
            let (numbers, others) = truncate_list(
                lengths.iter().map(|length| format_signed(*length)),
                "other lengths",
            );
            let months = format!("{} months", join_list(numbers, "or"));
            match others {
                None => months,
                Some(others) => format!("{months}, or {others}"),
            }
        }
        Comparison::OneOf(lengths) => join_or(lengths.iter().map(|length| format_months(*length))),
        Comparison::Less(bound) => format!("less than {}", format_months(*bound)),
        Comparison::AtMost(bound) => format!("{} or less", format_months(*bound)),
        Comparison::More(bound) => format!("more than {}", format_months(*bound)),
        Comparison::AtLeast(bound) => format!("{} or more", format_months(*bound)),
        Comparison::Known(_) => "a known number of months".into(),
    }
}

/// "12 to 24 months".
pub fn render_month_range(range: &RangeInclusive<i32>) -> String {
    let (first, last) = (*range.start(), *range.end());
    if first == last {
        format_months(first)
    } else {
        format!("{} to {}", format_signed(first), format_months(last))
    }
}

fn format_months(months: i32) -> String {
    let unit = if months == 1 { "month" } else { "months" };
    format!("{} {unit}", format_signed(months))
}

fn format_signed(number: i32) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", format_count(number.unsigned_abs().into()))
}

/// An amount in a comparison: "under £10,000". Without a currency, the amount is said to be in the funding's own
/// currency. The test compares minor units whatever the currency, so one of the few currencies whose minor unit is not
/// a hundredth is compared with another amount than the one in these words.
///
/// Also says whether "of" comes before it after a noun: "funding of £10,000 or more".
pub fn render_amounts(comparison: &Comparison<i64>, currency: Option<&str>) -> (String, bool) {
    let amount = |minor: &i64| format_amount(*minor, currency);
    let (text, takes_of) = match comparison {
        Comparison::OneOf(amounts) => (
            join_or_counting(amounts.iter().map(amount), "other amounts"),
            true,
        ),
        Comparison::Less(bound) => (format!("under {}", amount(bound)), false),
        Comparison::AtMost(bound) => (format!("{} or less", amount(bound)), true),
        Comparison::More(bound) => (format!("over {}", amount(bound)), false),
        Comparison::AtLeast(bound) => (format!("{} or more", amount(bound)), true),
        Comparison::Known(_) => ("a known amount".into(), true),
    };
    let own_currency = if currency.is_none() {
        " in its own currency"
    } else {
        ""
    };
    (text + own_currency, takes_of)
}

/// "£10,000", "CHF 0.50"; a number alone without a currency.
fn format_amount(minor: i64, currency: Option<&str>) -> String {
    let symbol = match currency {
        None => String::new(),
        Some("GBP") => "£".into(),
        Some("EUR") => "€".into(),
        Some("USD") => "$".into(),
        Some(code) => format!("{code} "),
    };
    // A code that is not known has hundredths.
    let number = format_all_decimals(minor, currency.unwrap_or_default());
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number.as_str()),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), format_count);
    if decimals.trim_end_matches('0').is_empty() {
        format!("{sign}{symbol}{whole}")
    } else {
        format!("{sign}{symbol}{whole}.{decimals}")
    }
}

/// "pounds", "CHF".
pub fn format_currency(code: &str) -> String {
    match code {
        "GBP" => "pounds".into(),
        "EUR" => "euros".into(),
        "USD" => "US dollars".into(),
        code => code.into(),
    }
}

/// A place after "in". Some names take an article: "the North West".
pub fn format_place(name: &str) -> String {
    const NAMES: [&str; 13] = [
        "East Midlands",
        "East of England",
        "Midlands",
        "North East",
        "North West",
        "Republic of Ireland",
        "Scottish Borders",
        "South East",
        "South West",
        "United Kingdom",
        "West Midlands",
        "Western Isles",
        "Wrekin",
    ];
    const STARTS: [&str; 5] = ["City of ", "Forest of ", "Isle of ", "Isles of ", "Vale of "];
    let takes_article = NAMES.contains(&name)
        || name.ends_with(" Islands")
        || STARTS.iter().any(|start| name.starts_with(start));
    if takes_article {
        format!("the {name}")
    } else {
        name.to_owned()
    }
}

/// What something has, and whether the clause is positive: "“trust” in its name", "a name starting with “trust”".
pub fn render_attribute(
    noun: &str,
    possessive: &str,
    comparison: &TextComparison,
    positive: bool,
) -> (bool, String) {
    let text = match comparison {
        TextComparison::OneOf(texts) => {
            format!("the {noun} {}", join_or(texts.iter().map(|text| quote(text))))
        }
        TextComparison::Contains(part) => format!("{} in {possessive} {noun}", quote(part)),
        TextComparison::StartsWith(start) => format!("{} starting with {}", add_article(noun), quote(start)),
        TextComparison::Known(known) => return (positive == *known, format!("a known {noun}")),
    };
    (positive, text)
}

pub const fn describe_known(is_known: bool) -> &'static str {
    if is_known { "a known" } else { "an unknown" }
}

pub fn to_upper_case(comparison: &TextComparison) -> TextComparison {
    match comparison {
        TextComparison::OneOf(texts) => {
            TextComparison::OneOf(texts.iter().map(|text| text.to_uppercase()).collect())
        }
        TextComparison::Contains(part) => TextComparison::Contains(part.to_uppercase()),
        TextComparison::StartsWith(start) => TextComparison::StartsWith(start.to_uppercase()),
        TextComparison::Known(known) => TextComparison::Known(*known),
    }
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

/// Whether a test allows all values, or none; `None` if it depends on the value.
pub fn find_constant<T: Copy>(all: &[T], is_allowed: impl Fn(T) -> bool) -> Option<bool> {
    let allows_first = is_allowed(*all.first()?);
    all.iter()
        .all(|value| is_allowed(*value) == allows_first)
        .then_some(allows_first)
}

/// The codes that a clause names, and whether it is positive. If fewer codes are excluded than remain, the clause is a
/// negation and names those that are excluded.
pub fn list_shorter<T: Copy>(all: &[T], matches: impl Fn(T) -> bool, positive: bool) -> (Vec<T>, bool) {
    let (remaining, excluded): (Vec<T>, Vec<T>) =
        all.iter().copied().partition(|code| matches(*code) == positive);
    if remaining.is_empty() || (!excluded.is_empty() && excluded.len() < remaining.len()) {
        (excluded, false)
    } else {
        (remaining, true)
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
    let (mut words, others) = truncate_list(words, others);
    words.extend(others);
    join_list(&words, "or")
}

/// The words that a list names, and "one of 12 others" for the rest of a long list.
fn truncate_list(words: impl IntoIterator<Item = String>, others: &str) -> (Vec<String>, Option<String>) {
    let mut words = deduplicate(words);
    if words.len() <= MAX_LISTED_WORDS {
        return (words, None);
    }
    let others = format_plural((words.len() - LISTED_WORDS_WHEN_TRUNCATED) as u64, others, others);
    words.truncate(LISTED_WORDS_WHEN_TRUNCATED);
    (words, Some(format!("one of {others}")))
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
