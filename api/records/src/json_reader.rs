//! Reads a record from a JSON document and reports all problems at once, each with its path.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};
use wayin_vocabulary::{Challenge, Condition, EntryPoint, Perspective, SourceKind};

use crate::fields::column::ColumnKind;
use crate::paths;
use crate::problem::{Problem, ProblemCode};
use crate::record::InitiativeRecord;
use crate::text;
use crate::text::quote;
use crate::workbook::columns::{SHEETS, find_column};
use crate::workbook::placeholder;
use crate::workbook::vocabulary::Vocabulary;

/// What could be read of a document.
#[derive(Clone, Debug)]
pub struct ReadResult {
    /// The record, without values that could not be read and with placeholders for required fields that are missing.
    /// `None` if even that is not possible.
    pub record: Option<InitiativeRecord>,
    /// The values that could not be read and the required fields that are missing. Empty if the whole document was
    /// read.
    pub problems: Vec<Problem>,
    removed: RemovedValues,
}

impl ReadResult {
    fn from_record(record: InitiativeRecord) -> Self {
        Self {
            record: Some(record),
            problems: Vec::new(),
            removed: RemovedValues::default(),
        }
    }

    /// Converts a path in the record to a path in the document. Returns `None` if the value already has a problem.
    pub fn original_path(&self, path: &str) -> Option<String> {
        let parse_step = |step: &str| {
            step.parse()
                .map_or_else(|_| PathStep::Key(step.to_owned()), PathStep::Index)
        };
        let steps: Vec<PathStep> = path.split('/').map(parse_step).collect();
        let original = self.removed.original_path(&steps);
        let is_reported = self
            .problems
            .iter()
            .any(|problem| paths::is_within(&original, &problem.path));
        (!is_reported).then_some(original)
    }
}

/// One step of the path to a value.
#[derive(Clone, Debug)]
enum PathStep {
    Key(String),
    Index(usize),
}

fn collect_steps(path: &Path) -> Vec<PathStep> {
    let step = |segment: &Segment| match segment {
        Segment::Map { key } => Some(PathStep::Key(key.clone())),
        Segment::Seq { index } => Some(PathStep::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(step).collect()
}

/// The maximum number of problems that are reported for one record.
const MAX_PROBLEMS: usize = 50;

/// Reads a record, with `lead` as its lead organisation if the document names none.
pub fn read_with_default_lead(document: &Value, lead: &Value) -> ReadResult {
    let mut document = document.clone();
    if let Value::Object(fields) = &mut document
        && fields.get(LEAD_FIELD).is_none_or(Value::is_null)
    {
        fields.insert(LEAD_FIELD.to_owned(), lead.clone());
    }
    read_document(document)
}

const LEAD_FIELD: &str = "leadOrganisation";

/// Reads a record and finds all problems of the document.
///
/// Serde stops at the first error. After each error, the value is removed, or a placeholder is inserted for a missing
/// field, and the document is read again, until there is no error.
pub fn read_document(mut document: Value) -> ReadResult {
    let mut removed = RemovedValues::default();
    let mut problems = remove_misplaced_lists(&mut document, &mut removed);
    // Most documents are valid, and are read once.
    if problems.is_empty()
        && let Ok(record) = InitiativeRecord::deserialize(&document)
    {
        return ReadResult::from_record(record);
    }
    let mut record = None;
    for _ in 0..MAX_PROBLEMS {
        let error = match serde_path_to_error::deserialize::<_, InitiativeRecord>(&document) {
            Ok(read) => {
                record = Some(read);
                break;
            }
            Err(error) => error,
        };
        let mut steps = collect_steps(error.path());
        let message = error.inner().to_string();
        let is_repaired = if let Some(missing) = text_between(&message, "missing field `", "`") {
            steps.push(PathStep::Key(missing.to_owned()));
            let field = removed.original_path(&steps);
            if !removed.fields.contains(&field) {
                problems.push(Problem::new(ProblemCode::Required, field, "is missing"));
            }
            insert_placeholder(&mut document, &steps)
        } else {
            if let Some(unknown) = text_between(&message, "unknown field `", "`")
                && !matches!(steps.last(), Some(PathStep::Key(key)) if key == unknown)
            {
                steps.push(PathStep::Key(unknown.to_owned()));
            }
            let field = removed.original_path(&steps);
            let value = find_value(&mut document, &steps).map(|value| &*value);
            let reason = describe_serde_error(&message, value, &field);
            problems.push(Problem::new(ProblemCode::InvalidFormat, field, reason));
            removed.remove(&mut document, &steps)
        };
        if !is_repaired {
            break;
        }
    }
    ReadResult {
        record,
        problems,
        removed,
    }
}

/// Removes lists that stand where an object belongs. Serde would read the items of such a list as the fields of the
/// object, in order.
fn remove_misplaced_lists(document: &mut Value, removed: &mut RemovedValues) -> Vec<Problem> {
    let is_list = |value: Option<&Value>| value.is_some_and(Value::is_array);
    let key = |name: &str| PathStep::Key(name.to_owned());
    let mut misplaced: Vec<Vec<PathStep>> = [LEAD_FIELD, "place", "source", "sharing"]
        .into_iter()
        .filter(|field| is_list(document.get(field)))
        .map(|field| vec![key(field)])
        .collect();
    let terms = document.get("fundingTerms").and_then(Value::as_array);
    for (index, term) in terms.into_iter().flatten().enumerate() {
        if is_list(term.get("funder")) {
            misplaced.push(vec![key("fundingTerms"), PathStep::Index(index), key("funder")]);
        }
    }
    let mut remove = |steps: Vec<PathStep>| {
        let path = removed.original_path(&steps);
        removed.remove(document, &steps);
        let reason = "is a list, and not an object with fields of its own";
        Problem::new(ProblemCode::InvalidFormat, path, reason)
    };
    misplaced.into_iter().map(&mut remove).collect()
}

/// Values that were removed from a document, by their places in the original.
#[derive(Clone, Debug, Default)]
struct RemovedValues {
    fields: BTreeSet<String>,
    /// For each list, the original positions of the items that were removed.
    items: BTreeMap<String, BTreeSet<usize>>,
}

impl RemovedValues {
    /// Converts a path in the changed document to one in the original.
    fn original_path(&self, steps: &[PathStep]) -> String {
        let mut path = String::new();
        for step in steps {
            let original = match step {
                PathStep::Key(key) => key.clone(),
                PathStep::Index(index) => self.original_index(&path, *index).to_string(),
            };
            path = paths::join(&path, &original);
        }
        path
    }

    fn original_index(&self, list: &str, index: usize) -> usize {
        let lost = self.items.get(list).into_iter().flatten();
        lost.fold(index, |index, lost| index + usize::from(*lost <= index))
    }

    /// Removes the value from the document. Returns whether there was one.
    fn remove(&mut self, document: &mut Value, steps: &[PathStep]) -> bool {
        let Some((last, parents)) = steps.split_last() else {
            return false;
        };
        let field = self.original_path(steps);
        let is_removed = match (find_value(document, parents), last) {
            (Some(Value::Object(object)), PathStep::Key(key)) => object.remove(key).is_some(),
            (Some(Value::Array(items)), PathStep::Index(index)) if *index < items.len() => {
                items.remove(*index);
                let list = self.original_path(parents);
                let position = self.original_index(&list, *index);
                self.items.entry(list).or_default().insert(position);
                true
            }
            _ => false,
        };
        self.fields.insert(field);
        is_removed
    }
}

fn find_value<'a>(document: &'a mut Value, steps: &[PathStep]) -> Option<&'a mut Value> {
    steps.iter().try_fold(document, |value, step| match step {
        PathStep::Key(key) => value.get_mut(key),
        PathStep::Index(index) => value.get_mut(index),
    })
}

/// Inserts a valid value for a required field that is missing. Returns whether it could.
fn insert_placeholder(document: &mut Value, steps: &[PathStep]) -> bool {
    let Some((PathStep::Key(missing), parents)) = steps.split_last() else {
        return false;
    };
    let placeholder = match missing.as_str() {
        "title" => json!(""),
        "leadOrganisation" | "funder" => json!({}),
        "source" => json!({"kind": SourceKind::SelfReport, "title": ""}),
        "kind" => json!(SourceKind::SelfReport),
        "entryPoint" => json!(EntryPoint::ALL[0]),
        "perspective" => json!(Perspective::ALL[0]),
        "challenge" => json!(Challenge::ALL[0]),
        "condition" => json!(Condition::ALL[0]),
        _ => return false,
    };
    let Some(Value::Object(object)) = find_value(document, parents) else {
        return false;
    };
    object.insert(missing.clone(), placeholder).is_none()
}

/// The text between `start`, with which the text begins, and `end`.
fn text_between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.strip_prefix(start)?.split_once(end)?.0)
}

/// Describes an error of serde, whose own messages are for programmers.
fn describe_serde_error(message: &str, value: Option<&Value>, path: &str) -> String {
    if message.starts_with("unknown field `") {
        let fields = message.split_once(", expected ").map_or("", |(_, fields)| fields);
        let fields: Vec<_> = fields.split('`').skip(1).step_by(2).collect();
        return match fields.as_slice() {
            [] => "is not a field that is known".to_owned(),
            fields => format!(
                "is not a field that is known; the fields are {}",
                fields.join(", ")
            ),
        };
    }
    if message.starts_with("duplicate field `") {
        return "is given twice".to_owned();
    }
    let Some(value) = value else {
        return "cannot be read".to_owned();
    };
    if path == "missing" || path.ends_with("/missing") {
        return "is not an object with fields and why each is missing".to_owned();
    }
    if path.starts_with("missing/") || path.contains("/missing/") {
        return describe_unknown_code(Vocabulary::MissingReason, value);
    }
    let Some((_, column)) = find_column(path) else {
        let is_list_field = SHEETS.iter().any(|sheet| sheet.list == Some(path));
        let expected = if is_list_field {
            "a list of objects"
        } else {
            "an object with fields of its own"
        };
        return format!("is {}, and not {expected}", describe_value(value));
    };
    if let ColumnKind::Codes(vocabulary) = column.kind
        && !path.ends_with(column.path)
    {
        // The value is one of the codes of the list.
        return describe_unknown_code(vocabulary, value);
    }
    let shown = describe_value(value);
    match (column.kind, value) {
        (ColumnKind::Date, Value::String(text)) => match text::parse_date(text) {
            Ok(date) => format!("is more than a date; write it as {date}"),
            Err(reason) => reason,
        },
        (ColumnKind::Date, _) => format!("is {shown}, and not a date; write it as \"2014-06-25\""),
        (ColumnKind::Code(vocabulary), _) => describe_unknown_code(vocabulary, value),
        (ColumnKind::Codes(_), Value::String(text)) => {
            format!(
                "is {shown}, and not a list; write a list, such as [{}]",
                quote(text)
            )
        }
        (ColumnKind::Codes(_), _) => format!("is {shown}, and not a list of codes"),
        (ColumnKind::MissingReason, _) => describe_unknown_code(Vocabulary::MissingReason, value),
        (ColumnKind::YesNo, _) => format!("is {shown}, and neither true nor false"),
        (ColumnKind::Whole | ColumnKind::Money, Value::Number(number)) => {
            match number.as_f64().filter(|number| number.fract() == 0.0) {
                Some(whole) => format!("{whole} is out of range"),
                None => format!("{number} is not a whole number"),
            }
        }
        (ColumnKind::Whole | ColumnKind::Money, _) => {
            let example = if column.path.ends_with("onths") {
                "; write months as a number, such as 12"
            } else {
                "; write the number alone, without quotation marks"
            };
            format!("is {shown}, and not a whole number{example}")
        }
        (ColumnKind::Text, _) => format!("is {shown}, and not a text"),
    }
}

/// Describes a value that is not a code of a vocabulary, and lists the codes.
fn describe_unknown_code(vocabulary: Vocabulary, value: &Value) -> String {
    let codes: Vec<_> = vocabulary.words().iter().map(|word| word.code).collect();
    let codes = codes.join(", ");
    let Value::String(text) = value else {
        let shown = describe_value(value);
        return format!("is {shown}, and none of the choices; they are {codes}");
    };
    let advice = match placeholder::parse_placeholder(text) {
        Some(_) => "; leave the field out where the answer is not known",
        None => "",
    };
    format!("{} is none of the choices; they are {codes}{advice}", quote(text))
}

/// Describes a value in a sentence. Lists and objects are not shown.
fn describe_value(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {}", quote(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
