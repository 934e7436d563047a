//! A record as people read it: its answers in words, what changes, and the problems beside their fields.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::{Number, Value};
use wayin_engine::summary::format_count;
use wayin_records::fields::column::{Column, ColumnKind};
use wayin_records::money::format_all_decimals;
use wayin_records::workbook::vocabulary::Vocabulary;

use super::data::{ChangeData, ProblemData};
use super::labels::{find_position, is_within, label_field, name_part};
use super::wording::write_british_dates;
use crate::pages::answer::wording::format_date;

static NO_ANSWER: Value = Value::Null;

/// A problem or a warning about a field of a record.
#[derive(Clone, Debug)]
pub struct FieldRemark {
    /// The path of the field, joined by `/`. Empty for the whole record.
    pub path: String,
    pub label: String,
    pub message: String,
    pub is_warning: bool,
    /// What belongs in the field.
    pub note: &'static str,
    /// The id of the row that shows the field.
    pub row_id: String,
}

/// The answers of a record itself, or of an item of its lists.
#[derive(Debug)]
pub struct ReviewedSection {
    pub heading: String,
    pub rows: Vec<ReviewedAnswer>,
}

#[derive(Debug)]
pub struct ReviewedAnswer {
    pub id: String,
    pub label: String,
    /// The answer in words. None if there is no answer.
    pub answer: Option<String>,
    pub remarks: Vec<FieldRemark>,
}

/// A field before and after a change.
#[derive(Debug)]
pub struct ChangeRow {
    pub id: String,
    pub label: String,
    pub sign: &'static str,
    /// The kind of the tag.
    pub kind: &'static str,
    pub before: Option<String>,
    pub after: Option<String>,
    pub remarks: Vec<FieldRemark>,
}

/// Gathers the problems and warnings of a record, in the order of its fields.
pub fn gather_remarks(problems: &[ProblemData], warnings: &[ProblemData]) -> Vec<FieldRemark> {
    let build = |problem: &ProblemData, is_warning| {
        let path = problem.record_path();
        let label = label_field(&path);
        FieldRemark {
            label: label.words(),
            message: write_british_dates(&problem.message),
            is_warning,
            note: label.note.unwrap_or_default(),
            row_id: row_id("field", &path),
            path,
        }
    };
    let problems = problems.iter().map(|problem| build(problem, false));
    let warnings = warnings.iter().map(|problem| build(problem, true));
    let mut remarks: Vec<FieldRemark> = problems.chain(warnings).collect();
    remarks.sort_by_key(|remark| find_position(&remark.path));
    remarks
}

/// Lists all answers of a record by part. A field with a problem is listed even if it has no answer. The remarks then name
/// the rows that show them.
pub fn list_answers(record: &Value, remarks: &mut [FieldRemark]) -> Vec<ReviewedSection> {
    let mut answers = Vec::new();
    collect_answers(String::new(), record, &mut answers);
    for remark in remarks.iter() {
        let is_shown = answers.iter().any(|(path, _)| concerns(remark, path));
        if !is_shown && !remark.path.is_empty() {
            answers.push((remark.path.clone(), &NO_ANSWER));
        }
    }
    answers.sort_by_key(|(path, _)| find_position(path));
    for remark in remarks.iter_mut() {
        if let Some((path, _)) = answers.iter().find(|(path, _)| concerns(remark, path)) {
            remark.row_id = row_id("field", path);
        }
    }
    let remarks: &[FieldRemark] = remarks;
    let parts =
        answers.chunk_by(|(one, _), (other, _)| find_position(one).is_in_same_part(find_position(other)));
    parts
        .map(|part| ReviewedSection {
            heading: name_part(&part[0].0),
            rows: part
                .iter()
                .map(|(path, value)| build_answer(record, path, value, remarks))
                .collect(),
        })
        .collect()
}

/// Lists what changes, field by field, in the order of the fields. `record` is the record after the changes.
pub fn list_changes(changes: &[ChangeData], record: &Value, remarks: &[FieldRemark]) -> Vec<ChangeRow> {
    let mut fields: BTreeMap<String, (Option<&Value>, Option<&Value>)> = BTreeMap::new();
    for change in changes {
        let path = change.path.join("/");
        let mut found = Vec::new();
        if let Some(before) = &change.before {
            collect_answers(path.clone(), before, &mut found);
        }
        for (path, value) in found.drain(..) {
            fields.entry(path).or_default().0 = Some(value);
        }
        if let Some(after) = &change.after {
            collect_answers(path, after, &mut found);
        }
        for (path, value) in found {
            fields.entry(path).or_default().1 = Some(value);
        }
    }
    let currencies_before: BTreeMap<String, Option<&str>> = fields
        .iter()
        .filter(|(path, _)| path.ends_with("/currency"))
        .map(|(path, (before, _))| (path.clone(), before.and_then(Value::as_str)))
        .collect();
    let mut rows: Vec<_> = fields.into_iter().collect();
    rows.sort_by_key(|(path, _)| find_position(path));
    rows.into_iter()
        .map(|(path, (before, after))| {
            let column = label_field(&path).column;
            let currency_after = find_currency(record, &path);
            let currency_before = find_currency_path(&path)
                .and_then(|path| currencies_before.get(&path).copied())
                .unwrap_or(currency_after);
            let (sign, kind) = match (before, after) {
                (None, _) => ("+ Added", "good"),
                (_, None) => ("\u{2212} Removed", "bad"),
                _ => ("\u{b1} Changed", "info"),
            };
            ChangeRow {
                id: row_id("change", &path),
                label: label_field(&path).words(),
                sign,
                kind,
                before: before.map(|value| describe_value(column, value, currency_before)),
                after: after.map(|value| describe_value(column, value, currency_after)),
                remarks: remarks
                    .iter()
                    .filter(|remark| concerns(remark, &path))
                    .cloned()
                    .collect(),
            }
        })
        .collect()
}

/// The id of the row of a field.
pub fn row_id(prefix: &str, path: &str) -> String {
    let mut id = prefix.to_owned();
    for step in path.split('/') {
        id.push('-');
        id.extend(step.chars().filter(char::is_ascii_alphanumeric));
    }
    id
}

/// Whether a remark is about the answer at a path, about something in it, or about the object that has it.
fn concerns(remark: &FieldRemark, path: &str) -> bool {
    !remark.path.is_empty() && (is_within(path, &remark.path) || is_within(&remark.path, path))
}

fn build_answer(record: &Value, path: &str, value: &Value, remarks: &[FieldRemark]) -> ReviewedAnswer {
    let label = label_field(path);
    let id = row_id("field", path);
    ReviewedAnswer {
        label: label.words_in_part(),
        answer: (!value.is_null()).then(|| describe_value(label.column, value, find_currency(record, path))),
        remarks: remarks
            .iter()
            .filter(|remark| remark.row_id == id && concerns(remark, path))
            .cloned()
            .collect(),
        id,
    }
}

/// Collects the answers within a value, each with its path. The codes of one cell of a workbook are one answer.
fn collect_answers<'a>(path: String, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    let join = |step: &str| {
        if path.is_empty() {
            step.to_owned()
        } else {
            format!("{path}/{step}")
        }
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                collect_answers(join(name), value, found);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) if !is_list_of_codes(&path, items) => {
            for (index, item) in items.iter().enumerate() {
                collect_answers(join(&index.to_string()), item, found);
            }
        }
        _ => found.push((path, value)),
    }
}

fn is_list_of_codes(path: &str, items: &[Value]) -> bool {
    let column = label_field(path).column;
    column.is_some_and(|column| matches!(column.kind, ColumnKind::Codes(_)))
        && items.iter().all(Value::is_string)
}

/// An answer in plain words: labels for codes, British dates, amounts in the main unit.
pub fn describe_value(column: Option<&Column>, value: &Value, currency: Option<&str>) -> String {
    match (column.map(|column| column.kind), value) {
        (_, Value::Bool(true)) => "Yes".into(),
        (_, Value::Bool(false)) => "No".into(),
        (Some(ColumnKind::Date), Value::String(text)) => text
            .parse::<NaiveDate>()
            .map_or_else(|_| text.clone(), format_date),
        (Some(ColumnKind::Money), Value::Number(number)) => describe_amount(number, currency),
        (Some(ColumnKind::Code(vocabulary) | ColumnKind::Codes(vocabulary)), Value::String(code)) => {
            describe_code(vocabulary, code)
        }
        (_, Value::String(code)) if is_missing_reason(column, code) => {
            describe_code(Vocabulary::MissingReason, code)
        }
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(items)) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| describe_value(column, item, currency))
                .collect();
            items.join(", ")
        }
        (_, other) => other.to_string(),
    }
}

/// Whether a text is the reason for a missing answer. Columns of whole lists have the reason, and a field without a column
/// is either one or unknown.
fn is_missing_reason(column: Option<&Column>, code: &str) -> bool {
    let may_be_reason = column.is_none_or(|column| column.kind == ColumnKind::MissingReason);
    may_be_reason
        && Vocabulary::MissingReason
            .words()
            .iter()
            .any(|word| word.code == code)
}

fn describe_code(vocabulary: Vocabulary, code: &str) -> String {
    let known = vocabulary.words().iter().find(|word| word.code == code);
    known.map_or_else(|| code.to_owned(), |word| word.display_text())
}

fn describe_amount(number: &Number, currency: Option<&str>) -> String {
    let (Some(minor), Some(currency)) = (number.as_i64(), currency) else {
        return number.to_string();
    };
    let currency = currency.trim().to_ascii_uppercase();
    let amount = format_all_decimals(minor, &currency);
    let (whole, fraction) = amount.split_once('.').unwrap_or((&amount, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), format_count);
    if fraction.bytes().all(|digit| digit == b'0') {
        format!("{whole} {currency}")
    } else {
        format!("{whole}.{fraction} {currency}")
    }
}

/// The currency of the amount at a path.
fn find_currency<'a>(record: &'a Value, path: &str) -> Option<&'a str> {
    record
        .pointer(&format!("/{}", find_currency_path(path)?))?
        .as_str()
}

fn find_currency_path(path: &str) -> Option<String> {
    let part = path.strip_suffix("/amountMinor")?;
    Some(format!("{part}/currency"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(path: &str, before: Value, after: Value) -> ChangeData {
        let given = |value: Value| (!value.is_null()).then_some(value);
        ChangeData {
            path: path.split('/').map(ToOwned::to_owned).collect(),
            before: given(before),
            after: given(after),
        }
    }

    fn problem(path: &str) -> ProblemData {
        ProblemData {
            code: "REQUIRED".into(),
            message: "is missing".into(),
            path: path.split('/').map(ToOwned::to_owned).collect(),
        }
    }

    #[test]
    fn answers_are_in_words_and_in_the_order_of_workbooks() {
        let record = json!({
            "title": "Food", "startedOn": "2020-04-01", "ongoing": true, "visibility": "OPEN", "colour": "red",
            "missing": {"summary": "NOT_ASKED"},
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "reasons": ["SHORT_FUNDING", "STAFF_CAPACITY"]}],
            "fundingTerms": [{"funder": {"name": "A funder"}, "currency": "GBP", "amountMinor": 1_500_050}],
        });
        let sections = list_answers(&record, &mut []);
        let headings: Vec<&str> = sections.iter().map(|section| section.heading.as_str()).collect();
        assert_eq!(headings, ["Initiative", "Challenge 1", "Funding term 1"]);
        let rows: Vec<(&str, &str)> = sections
            .iter()
            .flat_map(|section| &section.rows)
            .map(|row| (row.label.as_str(), row.answer.as_deref().unwrap()))
            .collect();
        assert_eq!(
            rows,
            [
                ("Title", "Food"),
                ("Summary (why there is no answer)", "Not asked"),
                ("Started on", "1 April 2020"),
                ("Goes on", "Yes"),
                ("Who may read it", "Open"),
                ("Colour", "red"),
                ("Challenge", "Defining their ambitions"),
                ("Reasons", "Short funding, Staff capacity"),
                ("Funder", "A funder"),
                ("Currency", "GBP"),
                ("Amount", "15,000.50 GBP"),
            ]
        );
    }

    #[test]
    fn problems_are_beside_their_fields() {
        let record = json!({"title": "Food", "place": {"code": "E99"}});
        let mut remarks = gather_remarks(
            &[problem("place"), problem("record/sharing/licence")],
            &[problem("title")],
        );
        let sections = list_answers(&record, &mut remarks);
        let rows = &sections[0].rows;
        let remarked: Vec<(&str, Option<&str>, usize)> = rows
            .iter()
            .map(|row| (row.label.as_str(), row.answer.as_deref(), row.remarks.len()))
            .collect();
        assert_eq!(
            remarked,
            [
                ("Title", Some("Food"), 1),
                ("Place code", Some("E99"), 1),
                ("Sharing licence", None, 1),
            ]
        );
        assert_eq!(remarks[1].row_id, "field-place-code");
        assert!(remarks[0].is_warning && !remarks[1].is_warning);
    }

    #[test]
    fn changes_show_both_sides_in_words() {
        let record = json!({"title": "B", "fundingTerms": [{"currency": "EUR", "amountMinor": 20_000, "durationMonths": 12}]});
        let changes = [
            change("fundingTerms/0/currency", json!("GBP"), json!("EUR")),
            change("fundingTerms/0/amountMinor", json!(10_000), json!(20_000)),
            change("fundingTerms/0/endsOn", json!("2020-04-01"), Value::Null),
            change("title", json!("A"), json!("B")),
            change(
                "challengesFaced/0",
                Value::Null,
                json!({"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED"}),
            ),
        ];
        let rows = list_changes(&changes, &record, &gather_remarks(&[], &[problem("title")]));
        let shown: Vec<(&str, &str, Option<&str>, Option<&str>)> = rows
            .iter()
            .map(|row| {
                (
                    row.label.as_str(),
                    row.sign,
                    row.before.as_deref(),
                    row.after.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("Title", "\u{b1} Changed", Some("A"), Some("B")),
                (
                    "Challenge 1: challenge",
                    "+ Added",
                    None,
                    Some("Defining their ambitions")
                ),
                (
                    "Challenge 1: what became of the step",
                    "+ Added",
                    None,
                    Some("Skipped")
                ),
                (
                    "Funding term 1: currency",
                    "\u{b1} Changed",
                    Some("GBP"),
                    Some("EUR")
                ),
                (
                    "Funding term 1: amount",
                    "\u{b1} Changed",
                    Some("100 GBP"),
                    Some("200 EUR")
                ),
                (
                    "Funding term 1: last day",
                    "\u{2212} Removed",
                    Some("1 April 2020"),
                    None
                ),
            ]
        );
        assert_eq!(rows[0].remarks.len(), 1);
    }
}
