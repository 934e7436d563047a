//! Parses cells into values of a record's document. A value that does not fit its column stays as typed, so that messages
//! can quote it.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use wayin_vocabulary::MissingReason;

use super::columns::SHEETS;
use super::formula_escape;
use super::formula_escape::parse_missing_reason;
use super::placeholder::{self, Placeholder};
use super::vocabulary::Vocabulary;
use crate::fields::column::{Column, ColumnKind, FileLayout, REFERENCE_PATH, VERSION_PATH};
use crate::money::{self, Amount, DecimalSign};
use crate::problem::ProblemCode;
use crate::text;
use crate::text::quote;
use crate::whole_number;

/// The content of a cell of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RawValue {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// A date, or a date and time, in ISO 8601.
    Moment(String),
    /// The error of a formula, such as `#REF!`.
    Error(String),
    /// A formula without a result in the file.
    Formula(String),
}

impl RawValue {
    /// Returns whether the cell has nothing but white space.
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    /// Estimates the memory of the cell in bytes.
    pub const fn size_in_bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Moment(text) | Self::Error(text) | Self::Formula(text) => {
                text.len() + 32
            }
            Self::Number(_) | Self::Bool(_) => 32,
        }
    }

    /// Returns the content as text.
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) | Self::Moment(text) | Self::Error(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(true) => "TRUE".into(),
            Self::Bool(false) => "FALSE".into(),
            Self::Formula(formula) => format!("={formula}"),
        }
    }
}

/// A problem with a cell.
pub type CellProblem = (ProblemCode, String);

/// The meaning of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum ParsedCell {
    /// The value of the field.
    Value(Value),
    /// The code of the reason why there is no value.
    MissingReason(&'static str),
    /// A placeholder, with the code of a missing reason if the column accepts one.
    Placeholder(Option<&'static str>),
    /// An amount in the main unit of a currency that is not known yet.
    Amount(String),
}

/// Parses a cell that is not blank.
pub fn parse_cell(
    column: &Column,
    raw: RawValue,
    sign: DecimalSign,
    layout: FileLayout,
) -> (ParsedCell, Option<CellProblem>) {
    let raw = match raw {
        RawValue::Error(error) => {
            let reason = format!("holds the error {error}, which a formula has left; type the value itself");
            return (ParsedCell::Value(error.into()), invalid_format(reason));
        }
        RawValue::Formula(_) => {
            let reason = "holds a formula whose result is not in the file; open the file in a spreadsheet \
                          program and save it again, or type the value itself";
            return (ParsedCell::Value(raw.to_text().into()), invalid_format(reason));
        }
        RawValue::Text(text) => {
            if let Some(code) = parse_missing_reason(&text)
                && (column.accepts_missing_reason || column.kind == ColumnKind::MissingReason)
            {
                return match column.kind {
                    ColumnKind::MissingReason => (ParsedCell::Value(code.into()), None),
                    _ => (ParsedCell::MissingReason(code), None),
                };
            }
            let is_escaped = text.starts_with('\'');
            let text = formula_escape::unescape(text);
            let is_read = column.accepts_placeholder() || column.is_required_name();
            match parse_placeholder_cell(column, &text).filter(|_| is_read && !is_escaped) {
                Some(read) => return read,
                None => RawValue::Text(text),
            }
        }
        other => other,
    };
    let mut wrong = None;
    if column.kind == ColumnKind::Text && matches!(raw, RawValue::Moment(_)) {
        let reason = "holds a date where words are expected; a spreadsheet makes a date of what is typed like one: \
                      format the cell as text, and type it again";
        wrong = invalid_format(reason);
    }
    let value = match (column.kind, raw) {
        (ColumnKind::Money, raw) => return (ParsedCell::Amount(raw.to_text()), None),
        (ColumnKind::Text | ColumnKind::MissingReason, raw) => raw.to_text().into(),
        (ColumnKind::Date | ColumnKind::YesNo | ColumnKind::Whole, RawValue::Number(number)) => {
            let value = number_to_json(number);
            if column.kind == ColumnKind::YesNo && (value == 0 || value == 1) {
                return (ParsedCell::Value((value == 1).into()), None);
            }
            if column.kind != ColumnKind::Whole || !value.is_i64() {
                wrong = describe_wrong_kind(column, &number.to_string(), layout);
            }
            value
        }
        (ColumnKind::Date, raw) => {
            let text = raw.to_text().trim().to_owned();
            // The validation of the record checks the year.
            if text.parse::<NaiveDate>().is_err() {
                wrong = describe_wrong_kind(column, &text, layout);
            }
            text.into()
        }
        (ColumnKind::Whole, raw) => {
            let text = raw.to_text();
            money::parse_integer(&text, sign).map_or_else(
                || {
                    wrong = describe_wrong_kind(column, &text, layout);
                    text.clone().into()
                },
                Value::from,
            )
        }
        (ColumnKind::YesNo, RawValue::Bool(is)) => is.into(),
        (ColumnKind::YesNo, raw) => {
            let text = raw.to_text();
            match text.trim().to_lowercase().as_str() {
                "yes" | "y" | "true" | "1" | "1.0" => true.into(),
                "no" | "n" | "false" | "0" | "0.0" => false.into(),
                _ => {
                    wrong = describe_wrong_kind(column, &text, layout);
                    text.into()
                }
            }
        }
        (ColumnKind::Code(vocabulary), raw) => {
            let text = raw.to_text();
            let wrong = describe_unknown_choice(vocabulary, std::iter::once(text.trim()));
            return (ParsedCell::Value(parse_code(vocabulary, &text).into()), wrong);
        }
        (ColumnKind::Codes(vocabulary), raw) => {
            let text = raw.to_text();
            let wrong = describe_unknown_choice(vocabulary, split_choices(&text));
            return (ParsedCell::Value(parse_codes(vocabulary, &text)), wrong);
        }
    };
    (ParsedCell::Value(value), wrong)
}

/// Creates the problem of a cell with a wrong value.
#[expect(clippy::unnecessary_wraps, reason = "callers return an optional problem")]
fn invalid_format(reason: impl Into<String>) -> Option<CellProblem> {
    Some((ProblemCode::InvalidFormat, reason.into()))
}

/// Parses a placeholder. Returns `None` for other texts, and in columns where a placeholder can be an answer.
fn parse_placeholder_cell(column: &Column, text: &str) -> Option<(ParsedCell, Option<CellProblem>)> {
    let meant = placeholder::parse_placeholder(text)?;
    let is_choice = match column.kind {
        ColumnKind::Code(vocabulary) | ColumnKind::Codes(vocabulary) => vocabulary.find_term(text).is_some(),
        _ => false,
    };
    // In a column of numbers, it may mean zero.
    let may_be_zero = matches!(
        column.kind,
        ColumnKind::Whole | ColumnKind::Money | ColumnKind::YesNo
    ) && matches!(text.trim().to_lowercase().as_str(), "none" | "nil");
    if column.accepts_placeholder() && !is_choice && !may_be_zero {
        let is_not_applicable = meant == Placeholder::NotApplicable && column.accepts_missing_reason;
        let why = is_not_applicable.then_some(MissingReason::NotApplicable.code());
        return Some((ParsedCell::Placeholder(why), None));
    }
    let advice = match column.path {
        REFERENCE_PATH => "give each record a name or number of your own",
        "leadOrganisation/name" => {
            "write the name of the organisation, or leave the cell empty where it is your own"
        }
        "funder/name" => "write the name of the funder or its identifier, or leave out the row",
        _ => return None,
    };
    let reason = format!("{} is not a name; {advice}", quote(text.trim()));
    Some((ParsedCell::Value(text.into()), invalid_format(reason)))
}

/// Describes a value of the wrong kind in a column of dates, numbers, or yes and no. The column of versions has a message
/// of its own.
fn describe_wrong_kind(column: &Column, text: &str, layout: FileLayout) -> Option<CellProblem> {
    let shown = quote(text.trim());
    let reason = match column.kind {
        _ if column.path == VERSION_PATH => return None,
        ColumnKind::Date if column.path == "endedOn" && placeholder::is_ongoing(text) => {
            let ongoing = SHEETS[0].columns.iter().find(|column| column.path == "ongoing");
            let ongoing = ongoing.map_or_else(String::new, |column| column.title_in(layout));
            format!("{shown} is not a date; leave this cell empty, and write Yes in the column {ongoing}")
        }
        ColumnKind::Date if text.trim().parse::<f64>().is_ok() => {
            format!("{shown} is a number and not a date; write the date as YYYY-MM-DD, such as 2014-06-25")
        }
        ColumnKind::Date => match text::parse_any_date(text) {
            Err(reason) => reason,
            Ok(written) => format!("{shown} is not a date; write it as {}", written.date),
        },
        ColumnKind::YesNo => {
            format!("{shown} is neither yes nor no; write Yes or No, or leave the cell empty")
        }
        _ if column.path.ends_with("onths") => {
            format!("{shown} is not a whole number of months; write months as a number, such as 12")
        }
        _ => format!("{shown} is not a whole number; write the number alone, such as 1500"),
    };
    invalid_format(reason)
}

/// Returns the code of a term, or the text if it is not a term.
fn parse_code(vocabulary: Vocabulary, text: &str) -> String {
    vocabulary
        .find_term(text)
        .map_or_else(|| text.trim().to_owned(), |word| word.code.to_owned())
}

/// Describes texts that are not choices of a column, in the words of its drop-down.
fn describe_unknown_choice<'a>(
    vocabulary: Vocabulary,
    texts: impl Iterator<Item = &'a str>,
) -> Option<CellProblem> {
    let unknown: Vec<String> = texts
        .filter(|text| vocabulary.find_term(text).is_none())
        .map(quote)
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let choices: Vec<_> = vocabulary
        .words()
        .iter()
        .map(|word| word.display_text())
        .collect();
    let (unknown, choices) = (unknown.join(", "), choices.join(", "));
    invalid_format(format!("{unknown} is none of the choices; they are {choices}"))
}

/// Splits a text at semicolons, commas and line ends.
fn split_choices(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', ',', '\n'])
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// Returns the codes of several terms.
fn parse_codes(vocabulary: Vocabulary, text: &str) -> Value {
    split_choices(text)
        .map(|word| Value::from(parse_code(vocabulary, word)))
        .collect()
}

/// Converts a number to JSON: a whole number without a fraction.
fn number_to_json(number: f64) -> Value {
    let float = || Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number);
    whole_number::from_float(number).map_or_else(float, Value::from)
}

/// Parses an amount in the main unit of a currency and converts it to the minor unit. On an error, returns the text and
/// the problem.
pub fn parse_amount(text: &str, currency: Option<&str>, sign: DecimalSign) -> (Value, Option<CellProblem>) {
    let Some(currency) = currency.map(str::trim).filter(|currency| !currency.is_empty()) else {
        return (
            json!(text),
            invalid_format("cannot be taken without the currency that it is in"),
        );
    };
    let read =
        Amount::parse(text, sign).and_then(|amount| amount.minor_units(&currency.to_ascii_uppercase()));
    match read {
        Ok(minor) => (minor.into(), None),
        Err(reason) => (json!(text), invalid_format(reason)),
    }
}

/// Converts the serial number of a spreadsheet to a date: days since the epoch of the workbook. With the epoch of 1900,
/// 1 March 1900 is day 61, because spreadsheets count a 29 February 1900 that did not exist.
pub fn serial_to_iso_date(serial: f64, is_1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&serial) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above"
    )]
    let (days, seconds) = (serial.floor() as u64, (serial.fract() * 86_400.0).round() as i64);
    let (year, month, day) = match (is_1904, days) {
        (true, _) => (1904, 1, 1),
        (false, 60) => return (seconds == 0).then(|| "1900-02-29".to_owned()),
        (false, ..60) => (1899, 12, 31),
        (false, _) => (1899, 12, 30),
    };
    let date = NaiveDate::from_ymd_opt(year, month, day)?.checked_add_days(Days::new(days))?;
    if seconds == 0 {
        return Some(date.to_string());
    }
    let moment = date
        .and_time(NaiveTime::MIN)
        .checked_add_signed(TimeDelta::seconds(seconds))?;
    Some(moment.format("%Y-%m-%dT%H:%M:%S").to_string())
}

/// Removes the time from a date and time if it is midnight.
pub fn strip_midnight(text: &str) -> String {
    let is_midnight = |time: &str| time.trim_end_matches(['0', '.', ':', 'Z']).is_empty();
    let day = text.split_once('T').filter(|(_, time)| is_midnight(time));
    day.map_or(text, |(day, _)| day).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbook::columns::SHEETS;

    fn find_test_column(sheet: usize, header: &str) -> &'static Column {
        let sheet = &SHEETS[sheet];
        &sheet.columns[sheet.find_column(header).unwrap()]
    }

    fn parse_test_cell(sheet: usize, header: &str, raw: RawValue) -> Value {
        match parse_cell(
            find_test_column(sheet, header),
            raw,
            DecimalSign::Point,
            FileLayout::Workbook,
        ) {
            (ParsedCell::Value(value), None) => value,
            other => panic!("{other:?}"),
        }
    }

    fn text_value(text: &str) -> RawValue {
        RawValue::Text(text.into())
    }

    #[test]
    fn valid_cells_are_parsed_and_invalid_text_is_kept() {
        assert_eq!(
            parse_test_cell(0, "Your reference", RawValue::Number(7.0)),
            json!("7")
        );
        assert_eq!(parse_test_cell(0, "Title", text_value(" A ")), json!(" A "));
        assert_eq!(parse_test_cell(0, "Goes on", text_value("Y")), json!(true));
        assert_eq!(parse_test_cell(0, "Goes on", RawValue::Bool(false)), json!(false));
        for yes in [
            text_value("1"),
            text_value("Y"),
            text_value("TRUE"),
            RawValue::Number(1.0),
        ] {
            assert_eq!(parse_test_cell(0, "Goes on", yes), json!(true));
        }
        assert_eq!(parse_test_cell(0, "Goes on", RawValue::Number(0.0)), json!(false));
        assert_eq!(
            parse_test_cell(0, "Started on", RawValue::Moment("2021-04-01".into())),
            json!("2021-04-01")
        );
        assert_eq!(
            parse_test_cell(4, "Length in months", text_value("18")),
            json!(18)
        );
        assert_eq!(
            parse_test_cell(4, "Length in months", text_value("18.0")),
            json!(18)
        );
        assert_eq!(
            parse_test_cell(1, "Entry point", text_value("Root causes")),
            json!("ROOT_CAUSES")
        );
        assert_eq!(
            parse_test_cell(2, "Reasons", text_value("short funding; STAFF_CAPACITY;;")),
            json!(["SHORT_FUNDING", "STAFF_CAPACITY"])
        );
        for (sheet, header, typed, kept, reason) in [
            (
                0,
                "Goes on",
                "perhaps",
                json!("perhaps"),
                "\"perhaps\" is neither yes nor no; write Yes or No",
            ),
            (
                0,
                "Ended on",
                "Ongoing",
                json!("Ongoing"),
                "\"Ongoing\" is not a date; leave this cell empty, and write Yes in the column Goes on",
            ),
            (
                4,
                "Length in months",
                "1 year",
                json!("1 year"),
                "\"1 year\" is not a whole number of months; write months as a number, such as 12",
            ),
            (
                4,
                "Funder",
                "Unknown",
                json!("Unknown"),
                "\"Unknown\" is not a name; write the name of the funder",
            ),
            (
                1,
                "Entry point",
                "luck ",
                json!("luck"),
                "\"luck\" is none of the choices; they are Collaboration, Complexity, Root causes, A single organisation",
            ),
            (
                2,
                "Reasons",
                "no idea; short funding, none",
                json!(["no idea", "SHORT_FUNDING", "none"]),
                "\"no idea\", \"none\" is none of the choices; they are ",
            ),
        ] {
            let (said, wrong) = parse_cell(
                find_test_column(sheet, header),
                text_value(typed),
                DecimalSign::Point,
                FileLayout::Workbook,
            );
            assert_eq!(said, ParsedCell::Value(kept));
            let (code, message) = wrong.unwrap();
            assert!(
                code == ProblemCode::InvalidFormat && message.starts_with(reason),
                "{message}"
            );
        }
    }

    #[test]
    fn cell_may_hold_a_missing_reason() {
        let missing = parse_cell(
            find_test_column(4, "Length in months"),
            text_value("not asked"),
            DecimalSign::Point,
            FileLayout::Workbook,
        );
        assert_eq!(missing, (ParsedCell::MissingReason("NOT_ASKED"), None));
        assert_eq!(
            parse_test_cell(0, "Why no challenges", text_value("No reply")),
            json!("NO_REPLY")
        );
        // Not of what every record needs, and not where it is escaped.
        assert_eq!(
            parse_test_cell(0, "Title", text_value("Withheld")),
            json!("Withheld")
        );
        assert_eq!(
            parse_test_cell(0, "Summary", text_value("'Withheld")),
            json!("Withheld")
        );
    }

    #[test]
    fn placeholders_are_not_answers() {
        let read = |sheet, header, words| {
            parse_cell(
                find_test_column(sheet, header),
                text_value(words),
                DecimalSign::Point,
                FileLayout::Workbook,
            )
        };
        let unknown = (ParsedCell::Placeholder(None), None);
        for (sheet, header) in [
            (0, "Started on"),
            (0, "Goes on"),
            (0, "Place"),
            (0, "Who may read it"),
            (2, "What became of the step"),
            (2, "Reasons"),
            (4, "Length in months"),
            (4, "Amount"),
            (4, "Currency"),
            (0, "Why no challenges"),
        ] {
            assert_eq!(read(sheet, header, "Don\u{2019}t know"), unknown, "{header}");
            let why = find_test_column(sheet, header)
                .accepts_missing_reason
                .then_some("NOT_APPLICABLE");
            assert_eq!(
                read(sheet, header, "N/A").0,
                ParsedCell::Placeholder(why),
                "{header}"
            );
        }
        for header in ["Title", "Summary", "Source title"] {
            assert_eq!(read(0, header, "N/A"), (ParsedCell::Value(json!("N/A")), None));
        }
        // It may mean that there was no money, or no month.
        assert!(read(4, "Length in months", "None").1.is_some());
        assert_eq!(read(0, "Ended on", "None"), unknown);
        // What is needed is none of the choices.
        assert!(read(2, "Challenge", "Unknown").1.is_some());
    }

    #[test]
    fn errors_formulas_and_unexpected_dates_are_reported() {
        for (raw, kept) in [
            (RawValue::Error("#REF!".into()), "#REF!"),
            (RawValue::Formula("A1+B1".into()), "=A1+B1"),
            (RawValue::Moment("2021-07-01".into()), "2021-07-01"),
        ] {
            let (said, wrong) = parse_cell(
                find_test_column(0, "Title"),
                raw,
                DecimalSign::Point,
                FileLayout::Workbook,
            );
            assert_eq!(said, ParsedCell::Value(json!(kept)));
            assert_eq!(wrong.unwrap().0, ProblemCode::InvalidFormat);
        }
    }

    #[test]
    fn an_amount_needs_its_currency() {
        assert_eq!(
            parse_amount("15000.5", Some("gbp"), DecimalSign::Point),
            (json!(1_500_050), None)
        );
        assert_eq!(
            parse_amount("1500", Some("JPY"), DecimalSign::Point),
            (json!(1_500), None)
        );
        for (text, currency) in [
            ("15", None),
            ("15", Some(" ")),
            ("£15", Some("GBP")),
            ("-1", Some("GBP")),
        ] {
            let (kept, wrong) = parse_amount(text, currency, DecimalSign::Point);
            assert_eq!(kept, json!(text));
            assert!(wrong.is_some());
        }
    }

    #[test]
    fn dates_use_either_epoch() {
        for (serial, is_1904, day) in [
            (1.0, false, "1900-01-01"),
            (59.0, false, "1900-02-28"),
            (60.0, false, "1900-02-29"),
            (61.0, false, "1900-03-01"),
            (44_287.0, false, "2021-04-01"),
            (2_958_465.0, false, "9999-12-31"),
            (0.0, true, "1904-01-01"),
            (42_825.0, true, "2021-04-01"),
            (44_287.437_5, false, "2021-04-01T10:30:00"),
        ] {
            assert_eq!(serial_to_iso_date(serial, is_1904).as_deref(), Some(day));
        }
        assert_eq!(serial_to_iso_date(-1.0, false), None);
        assert_eq!(serial_to_iso_date(f64::NAN, false), None);
        assert_eq!(strip_midnight("2021-04-01T00:00:00"), "2021-04-01");
        assert_eq!(strip_midnight("2021-04-01T00:00:00.000Z"), "2021-04-01");
        assert_eq!(strip_midnight("2021-04-01T10:00:00"), "2021-04-01T10:00:00");
        assert_eq!(strip_midnight("2021-04-01"), "2021-04-01");
    }
}
