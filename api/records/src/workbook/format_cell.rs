//! Formats the fields of a record's document as cells. [`super::parse_cell`] reads the same values from them.

use serde_json::Value;

use super::columns::{SHEETS, Sheet};
use super::layout::MAX_CELL_UTF16_UNITS;
use super::vocabulary::Vocabulary;
use super::{formula_escape, layout, parse_cell};
use crate::fields::column::{Column, ColumnKind};
use crate::money::{self, DecimalSign};
use crate::paths;

/// The content of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum CellValue {
    /// Nothing.
    Empty,
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// A date, as the serial number of workbooks.
    Date(f64),
    /// An amount of money.
    Money(f64),
}

impl CellValue {
    /// Removes the apostrophe of an escaped text.
    #[must_use]
    pub fn unescape(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(formula_escape::unescape(text)),
            other => other,
        }
    }

    /// Counts the lines in a cell of `width` characters. Only text wraps.
    pub(super) fn count_lines(&self, width: u16) -> u32 {
        match self {
            Self::Text(text) => layout::count_wrapped_lines(text, width),
            _ => 1,
        }
    }
}

/// The format of terms, dates and amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellFormat {
    /// For people, in a workbook: labels, dates and numbers.
    Workbook,
    /// For a table: codes, and nothing but text.
    Csv,
}

impl CellFormat {
    fn format_text(self, text: &str) -> CellValue {
        CellValue::Text(match self {
            Self::Workbook => formula_escape::escape_text(text),
            Self::Csv => formula_escape::escape_csv(text),
        })
    }

    fn format_code(self, vocabulary: Vocabulary, text: &str) -> String {
        let known = vocabulary.words().iter().find(|word| word.code == text);
        match (known, self) {
            (Some(word), Self::Workbook) => word.display_text(),
            (Some(word), Self::Csv) => word.code.to_owned(),
            (None, _) => text.to_owned(),
        }
    }
}

/// Formats the cell of a column for a record or an item of its list.
pub fn format_cell(sheet: &Sheet, column: &Column, part: &Value, style: CellFormat) -> CellValue {
    let shown = match paths::find(part, column.path) {
        None | Some(Value::Null) => CellValue::Empty,
        Some(value) => format_value(column, value, part, style),
    };
    // A table has the amount only in the minor unit.
    let is_there = |other: &&Column| style == CellFormat::Workbook || other.kind != ColumnKind::Money;
    let first = || {
        let mut columns = sheet.columns.iter().filter(is_there);
        columns.find(|other| other.field_name() == column.field_name())
    };
    let why = part
        .get("missing")
        .and_then(|missing| missing.get(column.field_name()));
    match (shown, why) {
        // Only the first column of the field shows the missing reason.
        (CellValue::Empty, Some(Value::String(why)))
            if column.accepts_missing_reason
                && first().is_some_and(|first| first.header == column.header) =>
        {
            CellValue::Text(style.format_code(Vocabulary::MissingReason, why))
        }
        (shown, _) => shown,
    }
}

/// Lists the values of a document that the columns of a workbook do not show, or not in full, each with its path.
pub fn list_unrepresented(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Value::Object(fields) = document else {
        return vec![(String::new(), document.to_string())];
    };
    for (name, value) in fields {
        let sheet = SHEETS.iter().find(|sheet| sheet.list == Some(name));
        match (sheet, value) {
            (Some(sheet), Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    find_unrepresented(sheet, item, item, "", &format!("{name}/{at}"), &mut found);
                }
            }
            _ => find_unrepresented(&SHEETS[0], document, value, name, name, &mut found),
        }
    }
    found
}

/// Finds the values in `value` that the sheet does not show. The path `within` leads to it from the part, and `path` from
/// the record.
fn find_unrepresented(
    sheet: &Sheet,
    part: &Value,
    value: &Value,
    within: &str,
    path: &str,
    found: &mut Vec<(String, String)>,
) {
    let is_long =
        |text: &str| text.len() > MAX_CELL_UTF16_UNITS && text.encode_utf16().count() > MAX_CELL_UTF16_UNITS;
    if is_represented(sheet, part, within) && !value.as_str().is_some_and(is_long) {
        return;
    }
    let mut inner = |name: &str, value| {
        let (within, path) = (paths::join(within, name), paths::join(path, name));
        find_unrepresented(sheet, part, value, &within, &path, found);
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

/// Returns whether a column of the sheet shows the value at a path of a part.
fn is_represented(sheet: &Sheet, part: &Value, path: &str) -> bool {
    let shows = |column: &Column| {
        let is_reason = path.strip_prefix("missing/") == Some(column.field_name());
        let is_given = paths::find(part, column.path).is_some_and(|value| !value.is_null());
        (paths::is_within(path, column.path) && is_given || is_reason && !is_given)
            && format_cell(sheet, column, part, CellFormat::Workbook) != CellValue::Empty
    };
    sheet.columns.iter().any(shows)
}

fn format_value(column: &Column, value: &Value, part: &Value, style: CellFormat) -> CellValue {
    let is_answer =
        column.kind == ColumnKind::Text && (column.accepts_placeholder() || column.is_required_name());
    let as_typed = || match value {
        Value::String(text) => match formula_escape::escape_placeholder(text).filter(|_| is_answer) {
            Some(text) => CellValue::Text(text),
            None => style.format_text(text),
        },
        other => style.format_text(&other.to_string()),
    };
    match (column.kind, value) {
        (ColumnKind::Date, Value::String(text)) if style == CellFormat::Workbook => {
            to_day_serial(text).map_or_else(as_typed, CellValue::Date)
        }
        (ColumnKind::Whole, Value::Number(_))
            if column.path == "amountMinor" && style == CellFormat::Workbook =>
        {
            let in_main = value.as_i64().and_then(|minor| format_amount(minor, part));
            match in_main {
                Some(_) => CellValue::Empty,
                None => format_number(value, style),
            }
        }
        // The column in the main unit shows what was typed.
        (ColumnKind::Whole, _) if column.path == "amountMinor" && style == CellFormat::Workbook => {
            CellValue::Empty
        }
        (ColumnKind::Money, _) if style == CellFormat::Csv => CellValue::Empty,
        (ColumnKind::Whole, Value::Number(_)) => format_number(value, style),
        (ColumnKind::Money, Value::Number(_)) => {
            let Some(amount) = value.as_i64().and_then(|minor| format_amount(minor, part)) else {
                return CellValue::Empty;
            };
            match amount.parse::<f64>() {
                // A float is written only if it is exactly the amount.
                Ok(number) if reads_as(&number.to_string(), get_currency(part), value) => {
                    CellValue::Money(number)
                }
                _ => CellValue::Text(amount),
            }
        }
        (ColumnKind::YesNo, Value::Bool(is)) => CellValue::Text(
            match (style, is) {
                (CellFormat::Workbook, true) => "Yes",
                (CellFormat::Workbook, false) => "No",
                (CellFormat::Csv, true) => "true",
                (CellFormat::Csv, false) => "false",
            }
            .into(),
        ),
        (ColumnKind::Code(vocabulary), Value::String(text)) => format_code_or_text(style, vocabulary, text),
        (ColumnKind::MissingReason, Value::String(text)) => {
            CellValue::Text(style.format_code(Vocabulary::MissingReason, text))
        }
        (ColumnKind::Codes(vocabulary), Value::Array(items)) if items.iter().all(Value::is_string) => {
            let words = items.iter().filter_map(Value::as_str);
            let words: Vec<_> = words.map(|word| style.format_code(vocabulary, word)).collect();
            match words.as_slice() {
                [] => CellValue::Empty,
                words => format_code_or_text(style, vocabulary, &words.join("; ")),
            }
        }
        _ => as_typed(),
    }
}

/// Formats the term of a code, or the text if it is not a code.
fn format_code_or_text(style: CellFormat, vocabulary: Vocabulary, text: &str) -> CellValue {
    let word = style.format_code(vocabulary, text);
    if word == text {
        style.format_text(text)
    } else {
        CellValue::Text(word)
    }
}

fn format_number(value: &Value, style: CellFormat) -> CellValue {
    /// The largest whole number that workbooks store exactly.
    const MAX_EXACT_NUMBER: u64 = 999_999_999_999_999;
    match (value.as_i64(), style) {
        (Some(whole), CellFormat::Workbook) if whole.unsigned_abs() > MAX_EXACT_NUMBER => {
            CellValue::Text(whole.to_string())
        }
        (None, CellFormat::Workbook) => value.as_f64().map_or(CellValue::Empty, CellValue::Number),
        #[expect(clippy::cast_precision_loss, reason = "checked above")]
        (Some(whole), CellFormat::Workbook) => CellValue::Number(whole as f64),
        (_, CellFormat::Csv) => CellValue::Text(value.to_string()),
    }
}

fn get_currency(part: &Value) -> Option<&str> {
    part.get("currency").and_then(Value::as_str)
}

/// Formats an amount in its currency's main unit, if reading it back gives the same amount.
fn format_amount(minor: i64, part: &Value) -> Option<String> {
    let currency = get_currency(part)?;
    let amount = money::format_all_decimals(minor, &currency.trim().to_ascii_uppercase());
    reads_as(&amount, Some(currency), &minor.into()).then_some(amount)
}

fn reads_as(amount: &str, currency: Option<&str>, minor: &Value) -> bool {
    parse_cell::parse_amount(amount, currency, DecimalSign::Point).0 == *minor
}

/// Converts a date to the serial number of workbooks, if all programs use the same number for it.
fn to_day_serial(text: &str) -> Option<f64> {
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

    fn format_both(sheet: usize, header: &str, part: &Value) -> [CellValue; 2] {
        let sheet = &SHEETS[sheet];
        let column = &sheet.columns[sheet.find_column(header).unwrap()];
        [CellFormat::Workbook, CellFormat::Csv].map(|style| format_cell(sheet, column, part, style))
    }

    fn text_value(text: &str) -> CellValue {
        CellValue::Text(text.into())
    }

    #[test]
    fn amounts_are_written_only_where_they_round_trip() {
        let term = |minor: i64, currency: &str| json!({"amountMinor": minor, "currency": currency});
        let cases = [
            (term(1_500_050, "GBP"), CellValue::Money(15_000.5)),
            (term(7, "GBP"), CellValue::Money(0.07)),
            (term(1_500, "JPY"), CellValue::Money(1_500.0)),
            (
                term(9_007_199_254_740_993, "GBP"),
                text_value("90071992547409.93"),
            ),
        ];
        for (term, workbook) in cases {
            assert_eq!(
                format_both(4, "Amount", &term),
                [workbook, CellValue::Empty],
                "{term}"
            );
            let minor = text_value(&term["amountMinor"].to_string());
            assert_eq!(
                format_both(4, "Amount in minor units", &term),
                [CellValue::Empty, minor]
            );
        }
        for term in [json!({"amountMinor": 5}), term(-5, "GBP")] {
            assert_eq!(format_both(4, "Amount", &term)[0], CellValue::Empty);
            assert!(matches!(
                format_both(4, "Amount in minor units", &term)[0],
                CellValue::Number(_)
            ));
        }
        assert_eq!(
            format_both(4, "Amount", &json!({"amountMinor": "£5"}))[0],
            text_value("£5")
        );
    }

    #[test]
    fn missing_reason_is_written_once() {
        let record =
            json!({"missing": {"place": "NOT_ASKED", "challengesFaced": "NO_REPLY", "endedOn": "Z"}});
        assert_eq!(
            format_both(0, "Place", &record),
            [text_value("Not asked"), text_value("NOT_ASKED")]
        );
        assert_eq!(format_both(0, "Place code", &record)[0], CellValue::Empty);
        assert_eq!(
            format_both(0, "Why no challenges", &record)[0],
            text_value("No reply")
        );
        assert_eq!(format_both(0, "Ended on", &record)[0], text_value("Z"));
    }

    #[test]
    fn dates_are_serials_where_every_program_agrees() {
        let on = |day: &str| format_both(0, "Started on", &json!({"startedOn": day}));
        assert_eq!(
            on("2021-04-01"),
            [CellValue::Date(44_287.0), text_value("2021-04-01")]
        );
        for text in ["1899-12-31", "1900-02-28", "1/4/2021", "+12021-04-01", "2021-4-1"] {
            assert!(matches!(&on(text)[0], CellValue::Text(_)), "{text}");
        }
    }
}
