//! A field of a record's document as a cell shows it: what [`super::parse_cell`] reads back as the
//! same.

use serde_json::Value;

use super::columns::{SHEETS, Sheet};
use super::vocabulary::Vocabulary;
use super::writer::MOST_UNITS;
use super::{formula_escape, layout, parse_cell};
use crate::fields::column::{Column, Kind};
use crate::money::{self, DecimalSign};

/// What a cell shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// Words, as they are.
    Words(String),
    /// A number.
    Number(f64),
    /// A day, as the number that a workbook counts it by.
    Day(f64),
    /// An amount of money.
    Money(f64),
}

impl Shown {
    /// Words as they were before they were escaped.
    #[must_use]
    pub fn unescaped(self) -> Self {
        match self {
            Self::Words(text) => Self::Words(formula_escape::undo(text)),
            other => other,
        }
    }

    /// How many lines it takes in a cell of `width` characters. Only words are wrapped.
    pub(super) fn lines(&self, width: u16) -> u32 {
        match self {
            Self::Words(text) => layout::wrapped_lines(text, width),
            _ => 1,
        }
    }
}

/// How words of vocabularies, days and amounts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// To people in a workbook: labels, days and numbers that sort.
    Workbook,
    /// In a flat file: codes, and text alone.
    Flat,
}

impl Manner {
    fn words(self, text: &str) -> Shown {
        Shown::Words(match self {
            Self::Workbook => formula_escape::in_words(text),
            Self::Flat => formula_escape::in_a_flat_file(text),
        })
    }

    fn word(self, vocabulary: Vocabulary, text: &str) -> String {
        let known = vocabulary.words().iter().find(|word| word.code == text);
        match (known, self) {
            (Some(word), Self::Workbook) => word.shown(),
            (Some(word), Self::Flat) => word.code.to_owned(),
            (None, _) => text.to_owned(),
        }
    }
}

/// What the column of a sheet shows of a record, or of the item of its list.
pub fn show(sheet: &Sheet, column: &Column, part: &Value, manner: Manner) -> Shown {
    let value = column
        .path
        .split('/')
        .try_fold(part, |value, step| value.get(step));
    let shown = match value {
        None | Some(Value::Null) => Shown::Nothing,
        Some(value) => show_value(column, value, part, manner),
    };
    // A flat table has the amount in its minor unit alone.
    let is_there = |other: &&Column| manner == Manner::Workbook || other.kind != Kind::Money;
    let first = || {
        sheet
            .columns
            .iter()
            .filter(is_there)
            .find(|other| other.field() == column.field())
    };
    let why = part
        .get("missing")
        .and_then(|missing| missing.get(column.field()));
    match (shown, why) {
        // In the first of the columns that make up the field.
        (Shown::Nothing, Some(Value::String(why)))
            if column.may_be_missing && first().is_some_and(|first| first.header == column.header) =>
        {
            Shown::Words(manner.word(Vocabulary::MissingReason, why))
        }
        (shown, _) => shown,
    }
}

/// What a record's document holds that no column of a workbook shows, or not all of it, each with its path.
pub fn not_shown(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Value::Object(fields) = document else {
        return vec![(String::new(), document.to_string())];
    };
    for (name, value) in fields {
        let sheet = SHEETS.iter().find(|sheet| sheet.list == Some(name));
        match (sheet, value) {
            (Some(sheet), Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    find_not_shown(sheet, item, item, "", &format!("{name}/{at}"), &mut found);
                }
            }
            _ => find_not_shown(&SHEETS[0], document, value, name, name, &mut found),
        }
    }
    found
}

/// Finds the values within `value` that the sheet does not show of `part`. `within` leads to it from the part, `path`
/// from the record.
fn find_not_shown(
    sheet: &Sheet,
    part: &Value,
    value: &Value,
    within: &str,
    path: &str,
    found: &mut Vec<(String, String)>,
) {
    let is_long = |text: &str| text.len() > MOST_UNITS && text.encode_utf16().count() > MOST_UNITS;
    if is_shown(sheet, part, within) && !value.as_str().is_some_and(is_long) {
        return;
    }
    let step = |to: &str, step: &str| {
        if to.is_empty() {
            step.to_owned()
        } else {
            format!("{to}/{step}")
        }
    };
    let mut inner = |name: &str, value| {
        find_not_shown(sheet, part, value, &step(within, name), &step(path, name), found);
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.iter().for_each(|(name, value)| inner(name, value)),
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                inner(&at.to_string(), value);
            }
        }
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        other => found.push((path.to_owned(), other.to_string())),
    }
}

/// Whether a column of a sheet shows the field of a part at a path.
fn is_shown(sheet: &Sheet, part: &Value, path: &str) -> bool {
    let shows = |column: &Column| {
        let field = path
            .strip_prefix("missing/")
            .filter(|field| *field == column.field());
        let is_its_own =
            column.path == path || (path.strip_prefix(column.path)).is_some_and(|rest| rest.starts_with('/'));
        let value = column
            .path
            .split('/')
            .try_fold(part, |value, step| value.get(step));
        let is_there = value.is_some_and(|value| !value.is_null());
        (is_its_own && is_there || field.is_some() && !is_there)
            && show(sheet, column, part, Manner::Workbook) != Shown::Nothing
    };
    sheet.columns.iter().any(shows)
}

fn show_value(column: &Column, value: &Value, part: &Value, manner: Manner) -> Shown {
    let is_answer = column.kind == Kind::Text && (column.may_be_not_known() || column.is_needed_name());
    let as_typed = || match value {
        Value::String(text) => match formula_escape::in_a_column_of_answers(text).filter(|_| is_answer) {
            Some(text) => Shown::Words(text),
            None => manner.words(text),
        },
        other => manner.words(&other.to_string()),
    };
    match (column.kind, value) {
        (Kind::Date, Value::String(text)) if manner == Manner::Workbook => {
            day(text).map_or_else(as_typed, Shown::Day)
        }
        (Kind::Whole, Value::Number(_)) if column.path == "amountMinor" && manner == Manner::Workbook => {
            let in_main = value.as_i64().and_then(|minor| in_main_unit(minor, part));
            match in_main {
                Some(_) => Shown::Nothing,
                None => number(value, manner),
            }
        }
        // What was typed as words stands in the column that people fill in.
        (Kind::Whole, _) if column.path == "amountMinor" && manner == Manner::Workbook => Shown::Nothing,
        (Kind::Money, _) if manner == Manner::Flat => Shown::Nothing,
        (Kind::Whole, Value::Number(_)) => number(value, manner),
        (Kind::Money, Value::Number(_)) => {
            let Some(amount) = value.as_i64().and_then(|minor| in_main_unit(minor, part)) else {
                return Shown::Nothing;
            };
            match amount.parse::<f64>() {
                // Only where the number that the workbook keeps is that very amount.
                Ok(number)
                    if parse_cell::amount(&number.to_string(), currency(part), DecimalSign::Point).0
                        == *value =>
                {
                    Shown::Money(number)
                }
                _ => Shown::Words(amount),
            }
        }
        (Kind::YesNo, Value::Bool(is)) => Shown::Words(
            match (manner, is) {
                (Manner::Workbook, true) => "Yes",
                (Manner::Workbook, false) => "No",
                (Manner::Flat, true) => "true",
                (Manner::Flat, false) => "false",
            }
            .into(),
        ),
        (Kind::Code(vocabulary), Value::String(text)) => known_or_typed(manner, vocabulary, text),
        (Kind::WhyNone, Value::String(text)) => Shown::Words(manner.word(Vocabulary::MissingReason, text)),
        (Kind::Codes(vocabulary), Value::Array(items)) if items.iter().all(Value::is_string) => {
            let words: Vec<_> = items
                .iter()
                .filter_map(Value::as_str)
                .map(|word| manner.word(vocabulary, word))
                .collect();
            match words.as_slice() {
                [] => Shown::Nothing,
                words => known_or_typed(manner, vocabulary, &words.join("; ")),
            }
        }
        _ => as_typed(),
    }
}

/// A word of a vocabulary, or whatever was typed in its place.
fn known_or_typed(manner: Manner, vocabulary: Vocabulary, text: &str) -> Shown {
    let word = manner.word(vocabulary, text);
    if word == text {
        manner.words(text)
    } else {
        Shown::Words(word)
    }
}

fn number(value: &Value, manner: Manner) -> Shown {
    /// Up to so many digits a workbook keeps every number as it is.
    const MOST: u64 = 999_999_999_999_999;
    match (value.as_i64(), manner) {
        (Some(whole), Manner::Workbook) if whole.unsigned_abs() > MOST => Shown::Words(whole.to_string()),
        (None, Manner::Workbook) => value.as_f64().map_or(Shown::Nothing, Shown::Number),
        #[expect(clippy::cast_precision_loss, reason = "looked at above")]
        (Some(whole), Manner::Workbook) => Shown::Number(whole as f64),
        (_, Manner::Flat) => Shown::Words(value.to_string()),
    }
}

fn currency(part: &Value) -> Option<&str> {
    part.get("currency").and_then(Value::as_str)
}

/// An amount in its currency's main unit, where it has one and can be read back.
fn in_main_unit(minor: i64, part: &Value) -> Option<String> {
    let currency = currency(part)?;
    let amount = money::in_main_unit(minor, &currency.trim().to_ascii_uppercase())?;
    (parse_cell::amount(&amount, Some(currency), DecimalSign::Point).0 == minor).then_some(amount)
}

/// The number by which a workbook counts a day, where every program counts it alike.
fn day(text: &str) -> Option<f64> {
    let date: chrono::NaiveDate = text.parse().ok()?;
    let epoch = chrono::NaiveDate::from_ymd_opt(1899, 12, 30)?;
    let days = i32::try_from((date - epoch).num_days()).ok()?;
    ((61..=2_958_465).contains(&days) && date.to_string() == text).then_some(f64::from(days))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workbook::columns::SHEETS;

    fn shown(sheet: usize, header: &str, part: &Value) -> [Shown; 2] {
        let sheet = &SHEETS[sheet];
        let column = &sheet.columns[sheet.column(header).unwrap()];
        [Manner::Workbook, Manner::Flat].map(|manner| show(sheet, column, part, manner))
    }

    fn words(text: &str) -> Shown {
        Shown::Words(text.into())
    }

    #[test]
    fn an_amount_stands_where_it_can_be_read_back() {
        let term = |minor: i64, currency: &str| json!({"amountMinor": minor, "currency": currency});
        let cases = [
            (term(1_500_050, "GBP"), Shown::Money(15_000.5)),
            (term(7, "GBP"), Shown::Money(0.07)),
            (term(1_500, "JPY"), Shown::Money(1_500.0)),
            (term(9_007_199_254_740_993, "GBP"), words("90071992547409.93")),
        ];
        for (term, workbook) in cases {
            assert_eq!(shown(4, "Amount", &term), [workbook, Shown::Nothing], "{term}");
            let minor = words(&term["amountMinor"].to_string());
            assert_eq!(shown(4, "Amount in minor units", &term), [Shown::Nothing, minor]);
        }
        for term in [json!({"amountMinor": 5}), term(-5, "GBP")] {
            assert_eq!(shown(4, "Amount", &term)[0], Shown::Nothing);
            assert!(matches!(
                shown(4, "Amount in minor units", &term)[0],
                Shown::Number(_)
            ));
        }
        assert_eq!(shown(4, "Amount", &json!({"amountMinor": "£5"}))[0], words("£5"));
    }

    #[test]
    fn what_is_missing_says_why_once() {
        let record =
            json!({"missing": {"place": "NOT_ASKED", "challengesFaced": "NO_REPLY", "endedOn": "Z"}});
        assert_eq!(
            shown(0, "Place", &record),
            [words("Not asked"), words("NOT_ASKED")]
        );
        assert_eq!(shown(0, "Place code", &record)[0], Shown::Nothing);
        assert_eq!(shown(0, "Why no challenges", &record)[0], words("No reply"));
        assert_eq!(shown(0, "Ended on", &record)[0], words("Z"));
    }

    #[test]
    fn days_are_numbers_where_every_program_agrees() {
        let on = |day: &str| shown(0, "Started on", &json!({"startedOn": day}));
        assert_eq!(on("2021-04-01"), [Shown::Day(44_287.0), words("2021-04-01")]);
        for text in ["1899-12-31", "1900-02-28", "1/4/2021", "+12021-04-01", "2021-4-1"] {
            assert!(matches!(&on(text)[0], Shown::Words(_)), "{text}");
        }
    }
}
