//! What somebody typed into a cell, as the document of a record holds it. What does not fit
//! its column is kept as it was typed, so that whoever looks the record over can name it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use wayin_vocabulary::MissingReason;

use super::columns::SHEETS;
use super::formula_escape;
use super::formula_escape::why_missing;
use super::not_known::{self, NotKnown};
use super::vocabulary::Vocabulary;
use crate::fields::column::{Column, Kind, Layout, REFERENCE_PATH, VERSION_PATH};
use crate::finding::FindingCode;
use crate::money::{self, Amount, DecimalSign};
use crate::text;
use crate::text::quoted;

/// What a cell holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Raw {
    /// Words.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Bool(bool),
    /// A day, or a day with a time, as ISO 8601 writes it.
    Moment(String),
    /// The error that a formula ended in, such as `#REF!`.
    Error(String),
    /// A formula whose result the file does not carry.
    Formula(String),
}

impl Raw {
    /// Whether there is nothing in it but blank space.
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    /// How much it holds, in bytes, with what it takes to hold it.
    pub const fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Moment(text) | Self::Error(text) | Self::Formula(text) => {
                text.len() + 32
            }
            Self::Number(_) | Self::Bool(_) => 32,
        }
    }

    /// What it holds, as text.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Moment(text) | Self::Error(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(true) => "TRUE".into(),
            Self::Bool(false) => "FALSE".into(),
            Self::Formula(formula) => format!("={formula}"),
        }
    }
}

/// Something that is wrong with a cell in itself.
pub type Wrong = (FindingCode, String);

/// What a cell says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The field's value.
    Value(Value),
    /// Why there is none: a code.
    Why(&'static str),
    /// That there is none, in words, with the code of the reason if one can be given.
    NotKnown(Option<&'static str>),
    /// An amount, to be worked out once the currency is known.
    Amount(String),
}

/// Reads a cell that is not blank.
pub fn read(column: &Column, raw: Raw, sign: DecimalSign, layout: Layout) -> (Said, Option<Wrong>) {
    let raw = match raw {
        Raw::Error(error) => {
            let reason = format!("holds the error {error}, which a formula has left; type the value itself");
            return (
                Said::Value(error.into()),
                Some((FindingCode::InvalidFormat, reason)),
            );
        }
        Raw::Formula(_) => {
            let reason = "holds a formula whose result is not in the file; open the file in a spreadsheet \
                          program and save it again, or type the value itself";
            return (
                Said::Value(raw.text().into()),
                Some((FindingCode::InvalidFormat, reason.into())),
            );
        }
        Raw::Text(text) => {
            if let Some(code) = why_missing(&text)
                && (column.may_be_missing || column.kind == Kind::WhyNone)
            {
                return match column.kind {
                    Kind::WhyNone => (Said::Value(code.into()), None),
                    _ => (Said::Why(code), None),
                };
            }
            let is_escaped = text.starts_with('\'');
            let text = formula_escape::undo(text);
            let is_read = column.may_be_not_known() || column.is_needed_name();
            match read_not_known(column, &text).filter(|_| is_read && !is_escaped) {
                Some(read) => return read,
                None => Raw::Text(text),
            }
        }
        other => other,
    };
    let mut wrong = (column.kind == Kind::Text && matches!(raw, Raw::Moment(_))).then(|| {
        let reason = "holds a date where words are expected; a spreadsheet makes a date of what is typed like one: \
                      format the cell as text, and type it again";
        (FindingCode::InvalidFormat, reason.to_owned())
    });
    let value = match (column.kind, raw) {
        (Kind::Money, raw) => return (Said::Amount(raw.text()), None),
        (Kind::Text | Kind::WhyNone, raw) => raw.text().into(),
        (Kind::Date | Kind::YesNo | Kind::Whole, Raw::Number(number)) => {
            let value = of_number(number);
            if column.kind == Kind::YesNo && (value == 0 || value == 1) {
                return (Said::Value((value == 1).into()), None);
            }
            if column.kind != Kind::Whole || !value.is_i64() {
                wrong = wrong_kind(column, &number.to_string(), layout);
            }
            value
        }
        (Kind::Date, raw) => {
            let text = raw.text().trim().to_owned();
            // Whether the year is a likely one is found with the record.
            if text.parse::<NaiveDate>().is_err() {
                wrong = wrong_kind(column, &text, layout);
            }
            text.into()
        }
        (Kind::Whole, raw) => {
            let text = raw.text();
            money::whole(&text, sign).map_or_else(
                || {
                    wrong = wrong_kind(column, &text, layout);
                    text.clone().into()
                },
                Value::from,
            )
        }
        (Kind::YesNo, Raw::Bool(is)) => is.into(),
        (Kind::YesNo, raw) => {
            let text = raw.text();
            match text.trim().to_lowercase().as_str() {
                "yes" | "y" | "true" | "1" | "1.0" => true.into(),
                "no" | "n" | "false" | "0" | "0.0" => false.into(),
                _ => {
                    wrong = wrong_kind(column, &text, layout);
                    text.into()
                }
            }
        }
        (Kind::Code(vocabulary), raw) => {
            let text = raw.text();
            let wrong = no_choice(vocabulary, std::iter::once(text.trim()));
            return (Said::Value(code(vocabulary, &text).into()), wrong);
        }
        (Kind::Codes(vocabulary), raw) => {
            let text = raw.text();
            let wrong = no_choice(vocabulary, several(&text));
            return (Said::Value(codes(vocabulary, &text)), wrong);
        }
    };
    (Said::Value(value), wrong)
}

/// Reads the words of somebody who has no answer; none where a cell holds other words, or may hold these.
fn read_not_known(column: &Column, text: &str) -> Option<(Said, Option<Wrong>)> {
    let meant = not_known::find(text)?;
    let is_choice = match column.kind {
        Kind::Code(vocabulary) | Kind::Codes(vocabulary) => vocabulary.word(text).is_some(),
        _ => false,
    };
    // Of an amount or a number it may mean zero.
    let may_be_zero = matches!(column.kind, Kind::Whole | Kind::Money | Kind::YesNo)
        && matches!(text.trim().to_lowercase().as_str(), "none" | "nil");
    if column.may_be_not_known() && !is_choice && !may_be_zero {
        let is_not_applicable = meant == NotKnown::NotApplicable && column.may_be_missing;
        let why = is_not_applicable.then_some(MissingReason::NotApplicable.code());
        return Some((Said::NotKnown(why), None));
    }
    let advice = match column.path {
        REFERENCE_PATH => "give each record a name or number of your own",
        "leadOrganisation/name" => {
            "write the name of the organisation, or leave the cell empty where it is your own"
        }
        "funder/name" => "write the name of the funder or its identifier, or leave out the row",
        _ => return None,
    };
    let reason = format!("{} is no name; {advice}", quoted(text.trim()));
    Some((
        Said::Value(text.into()),
        Some((FindingCode::InvalidFormat, reason)),
    ))
}

/// What is wrong with something that is no date, number, or yes or no, in a column for that. The version has a message of
/// its own, for every format.
fn wrong_kind(column: &Column, text: &str, layout: Layout) -> Option<Wrong> {
    let shown = quoted(text.trim());
    let reason = match column.kind {
        _ if column.path == VERSION_PATH => return None,
        Kind::Date if column.path == "endedOn" && not_known::is_ongoing(text) => {
            let ongoing = SHEETS[0].columns.iter().find(|column| column.path == "ongoing");
            let ongoing = ongoing.map_or_else(String::new, |column| column.called(layout));
            format!("{shown} is not a date; leave this cell empty, and write Yes in the column {ongoing}")
        }
        Kind::Date if text.trim().parse::<f64>().is_ok() => {
            format!("{shown} is a number and not a date; write the date as YYYY-MM-DD, such as 2014-06-25")
        }
        Kind::Date => match text::any_date(text) {
            Err(reason) => reason,
            Ok(written) => format!("{shown} is not a date; write it as {}", written.date),
        },
        Kind::YesNo => format!("{shown} is neither yes nor no; write Yes or No, or leave the cell empty"),
        _ if column.path.ends_with("onths") => {
            format!("{shown} is not a whole number of months; write months as a number, such as 12")
        }
        _ => format!("{shown} is not a whole number; write the number alone, such as 1500"),
    };
    Some((FindingCode::InvalidFormat, reason))
}

/// The code of a word, or else the text as it is.
fn code(vocabulary: Vocabulary, text: &str) -> String {
    vocabulary
        .word(text)
        .map_or_else(|| text.trim().to_owned(), |word| word.code.to_owned())
}

/// What is wrong where a text is none of a column's choices, in the words of its drop-down.
fn no_choice<'a>(vocabulary: Vocabulary, texts: impl Iterator<Item = &'a str>) -> Option<Wrong> {
    let unknown: Vec<String> = texts
        .filter(|text| vocabulary.word(text).is_none())
        .map(quoted)
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let (unknown, choices) = (
        unknown.join(", "),
        vocabulary.words().iter().map(|word| word.shown()),
    );
    let choices = choices.collect::<Vec<_>>().join(", ");
    let reason = format!("{unknown} is none of the choices; they are {choices}");
    Some((FindingCode::InvalidFormat, reason))
}

/// Words with semicolons, commas or ends of lines between them.
fn several(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', ',', '\n'])
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// The codes of several words.
fn codes(vocabulary: Vocabulary, text: &str) -> Value {
    several(text)
        .map(|word| Value::from(code(vocabulary, word)))
        .collect()
}

/// A number as JSON has it: a whole one without a fraction.
fn of_number(number: f64) -> Value {
    /// Up to here every whole number is one of its own.
    const MOST: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= MOST {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number that an i64 holds")]
        let whole = number as i64;
        return whole.into();
    }
    Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

/// An amount in the minor unit of its currency; where that cannot be told, the text and why.
pub fn amount(text: &str, currency: Option<&str>, sign: DecimalSign) -> (Value, Option<Wrong>) {
    let Some(currency) = currency.map(str::trim).filter(|currency| !currency.is_empty()) else {
        let reason = "cannot be taken without the currency that it is in";
        return (json!(text), Some((FindingCode::InvalidFormat, reason.into())));
    };
    let read =
        Amount::parse(text, sign).and_then(|amount| amount.minor_units(&currency.to_ascii_uppercase()));
    match read {
        Ok(minor) => (minor.into(), None),
        Err(reason) => (json!(text), Some((FindingCode::InvalidFormat, reason))),
    }
}

/// A number that a spreadsheet shows as a day: days since its epoch. The first of March 1900 is
/// day 61 of the one that begins in 1900, which counts a 29th of February that never was.
pub fn moment(serial: f64, is_1904: bool) -> Option<String> {
    use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
    if !(0.0..2_958_466.0).contains(&serial) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "looked at above"
    )]
    let (days, seconds) = (serial.floor() as u64, (serial.fract() * 86_400.0).round() as i64);
    let (year, month, day) = match (is_1904, days) {
        (true, _) => (1904, 1, 1),
        (false, 60) => return (seconds == 0).then(|| "1900-02-29".to_owned()),
        (false, ..60) => (1899, 12, 31),
        (false, _) => (1899, 12, 30),
    };
    let date = NaiveDate::from_ymd_opt(year, month, day)?.checked_add_days(Days::new(days))?;
    let at: NaiveDateTime = date
        .and_hms_opt(0, 0, 0)?
        .checked_add_signed(TimeDelta::seconds(seconds))?;
    Some(if seconds == 0 {
        date.to_string()
    } else {
        at.format("%Y-%m-%dT%H:%M:%S").to_string()
    })
}

/// A date and time as a file writes it, without the time where that is midnight.
pub fn plain_moment(text: &str) -> String {
    let day = text.split_once('T').filter(|(_, time)| {
        let time = time.trim_end_matches(['0', '.', ':', 'Z']);
        time.is_empty()
    });
    day.map_or(text, |(day, _)| day).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbook::columns::SHEETS;

    fn column(sheet: usize, header: &str) -> &'static Column {
        let sheet = &SHEETS[sheet];
        &sheet.columns[sheet.column(header).unwrap()]
    }

    fn said(sheet: usize, header: &str, raw: Raw) -> Value {
        match read(column(sheet, header), raw, DecimalSign::Point, Layout::Workbook) {
            (Said::Value(value), None) => value,
            other => panic!("{other:?}"),
        }
    }

    fn text(text: &str) -> Raw {
        Raw::Text(text.into())
    }

    #[test]
    fn what_fits_is_read_and_what_does_not_is_kept() {
        assert_eq!(said(0, "Your reference", Raw::Number(7.0)), json!("7"));
        assert_eq!(said(0, "Title", text(" A ")), json!(" A "));
        assert_eq!(said(0, "Goes on", text("Y")), json!(true));
        assert_eq!(said(0, "Goes on", Raw::Bool(false)), json!(false));
        for yes in [text("1"), text("Y"), text("TRUE"), Raw::Number(1.0)] {
            assert_eq!(said(0, "Goes on", yes), json!(true));
        }
        assert_eq!(said(0, "Goes on", Raw::Number(0.0)), json!(false));
        assert_eq!(
            said(0, "Started on", Raw::Moment("2021-04-01".into())),
            json!("2021-04-01")
        );
        assert_eq!(said(4, "Length in months", text("18")), json!(18));
        assert_eq!(said(4, "Length in months", text("18.0")), json!(18));
        assert_eq!(said(1, "Entry point", text("Root causes")), json!("ROOT_CAUSES"));
        assert_eq!(
            said(2, "Reasons", text("short funding; STAFF_CAPACITY;;")),
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
                "\"Unknown\" is no name; write the name of the funder",
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
            let (said, wrong) = read(
                column(sheet, header),
                text(typed),
                DecimalSign::Point,
                Layout::Workbook,
            );
            assert_eq!(said, Said::Value(kept));
            let (code, told) = wrong.unwrap();
            assert!(
                code == FindingCode::InvalidFormat && told.starts_with(reason),
                "{told}"
            );
        }
    }

    #[test]
    fn an_answer_may_say_why_it_is_missing() {
        let missing = read(
            column(4, "Length in months"),
            text("not asked"),
            DecimalSign::Point,
            Layout::Workbook,
        );
        assert_eq!(missing, (Said::Why("NOT_ASKED"), None));
        assert_eq!(said(0, "Why no challenges", text("No reply")), json!("NO_REPLY"));
        // Not of what every record needs, and not where it is escaped.
        assert_eq!(said(0, "Title", text("Withheld")), json!("Withheld"));
        assert_eq!(said(0, "Summary", text("'Withheld")), json!("Withheld"));
    }

    #[test]
    fn words_of_somebody_who_does_not_know_are_no_answer() {
        let read = |sheet, header, words| {
            read(
                column(sheet, header),
                text(words),
                DecimalSign::Point,
                Layout::Workbook,
            )
        };
        let unknown = (Said::NotKnown(None), None);
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
            let why = column(sheet, header).may_be_missing.then_some("NOT_APPLICABLE");
            assert_eq!(read(sheet, header, "N/A").0, Said::NotKnown(why), "{header}");
        }
        for header in ["Title", "Summary", "Source title"] {
            assert_eq!(read(0, header, "N/A"), (Said::Value(json!("N/A")), None));
        }
        // It may mean that there was no money, or no month.
        assert!(read(4, "Length in months", "None").1.is_some());
        assert_eq!(read(0, "Ended on", "None"), unknown);
        // What is needed is none of the choices.
        assert!(read(2, "Challenge", "Unknown").1.is_some());
    }

    #[test]
    fn an_error_a_formula_and_a_date_for_words_are_told() {
        for (raw, kept) in [
            (Raw::Error("#REF!".into()), "#REF!"),
            (Raw::Formula("A1+B1".into()), "=A1+B1"),
            (Raw::Moment("2021-07-01".into()), "2021-07-01"),
        ] {
            let (said, wrong) = read(column(0, "Title"), raw, DecimalSign::Point, Layout::Workbook);
            assert_eq!(said, Said::Value(json!(kept)));
            assert_eq!(wrong.unwrap().0, FindingCode::InvalidFormat);
        }
    }

    #[test]
    fn an_amount_needs_its_currency() {
        assert_eq!(
            amount("15000.5", Some("gbp"), DecimalSign::Point),
            (json!(1_500_050), None)
        );
        assert_eq!(
            amount("1500", Some("JPY"), DecimalSign::Point),
            (json!(1_500), None)
        );
        for (text, currency) in [
            ("15", None),
            ("15", Some(" ")),
            ("£15", Some("GBP")),
            ("-1", Some("GBP")),
        ] {
            let (kept, wrong) = amount(text, currency, DecimalSign::Point);
            assert_eq!(kept, json!(text));
            assert!(wrong.is_some());
        }
    }

    #[test]
    fn days_are_counted_from_either_epoch() {
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
            assert_eq!(moment(serial, is_1904).as_deref(), Some(day));
        }
        assert_eq!(moment(-1.0, false), None);
        assert_eq!(moment(f64::NAN, false), None);
        assert_eq!(plain_moment("2021-04-01T00:00:00"), "2021-04-01");
        assert_eq!(plain_moment("2021-04-01T00:00:00.000Z"), "2021-04-01");
        assert_eq!(plain_moment("2021-04-01T10:00:00"), "2021-04-01T10:00:00");
        assert_eq!(plain_moment("2021-04-01"), "2021-04-01");
    }
}
