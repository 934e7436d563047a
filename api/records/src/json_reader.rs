//! A record as somebody sent it, as a JSON document: everything that keeps it from being
//! one is named at once, by its path.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};
use wayin_vocabulary::{Challenge, Condition, EntryPoint, Perspective, SourceKind};

use super::record::InitiativeRecord;
use crate::fields::column::ColumnKind;
use crate::problem::{Problem, ProblemCode};
use crate::text;
use crate::text::quote;
use crate::workbook::columns::find_column;
use crate::workbook::placeholder;
use crate::workbook::vocabulary::Vocabulary;

/// A document, as far as it can be read as a record.
#[derive(Clone, Debug)]
pub struct ReadResult {
    /// The record without what could not be read, with stand-ins for what is missing; none
    /// where nothing like a record is left.
    pub record: Option<InitiativeRecord>,
    /// What could not be read, and what is missing. Empty where the record is as it was sent.
    pub problems: Vec<Problem>,
    removed: RemovedValues,
}

impl ReadResult {
    /// That of a document which is a record as it was sent.
    fn from_record(record: InitiativeRecord) -> Self {
        Self {
            record: Some(record),
            problems: Vec::new(),
            removed: RemovedValues::default(),
        }
    }

    /// Where in the document as it was sent something lies that was found in the record.
    /// None where it was found there already.
    pub fn original_path(&self, path: &str) -> Option<String> {
        let steps: Vec<PathStep> = path
            .split('/')
            .map(|step| {
                step.parse()
                    .map_or_else(|_| PathStep::Key(step.to_owned()), PathStep::Index)
            })
            .collect();
        let original = self.removed.original_path(&steps);
        let found = |finding: &Problem| {
            let below = original.strip_prefix(&finding.path);
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        (!self.problems.iter().any(found)).then_some(original)
    }
}

/// One step on the way to a value.
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

/// The most problems of one record that are named.
const MAX_PROBLEMS: usize = 50;

/// Reads the record of somebody who need not say who leads it: where the document does not, `lead` does.
pub fn read_with_default_lead(document: &Value, lead: &Value) -> ReadResult {
    let Value::Object(fields) = document else {
        return read_document(document.clone());
    };
    let said = fields
        .get(LEAD_FIELD)
        .filter(|said| !said.is_null())
        .unwrap_or(lead);
    let others = fields.iter().filter(|(name, _)| *name != LEAD_FIELD);
    let led = others
        .map(|(name, value)| (name.as_str(), value))
        .chain([(LEAD_FIELD, said)]);
    // As in `read`, without a copy of the document.
    if let Ok(record) = InitiativeRecord::deserialize(MapDeserializer::<_, serde_json::Error>::new(led)) {
        return ReadResult::from_record(record);
    }
    let mut fields = fields.clone();
    fields.insert(LEAD_FIELD.to_owned(), said.clone());
    read_document(Value::Object(fields))
}

/// The field that says who leads an initiative.
const LEAD_FIELD: &str = "leadOrganisation";

/// Finds all that keeps the document from being a record. Reading it as one
/// stops at the first problem, so that each is noted and mended, by taking out
/// what is wrong or putting in what is missing, until nothing stops it.
pub fn read_document(mut document: Value) -> ReadResult {
    let mut taken_out = RemovedValues::default();
    let mut findings = remove_misplaced_lists(&mut document, &mut taken_out);
    // Most records are whole, and are read at once.
    if findings.is_empty()
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
        let said = error.inner().to_string();
        if let Some(missing) = text_between(&said, "missing field `", "`") {
            steps.push(PathStep::Key(missing.to_owned()));
            let field = taken_out.original_path(&steps);
            if !taken_out.fields.contains(&field) {
                findings.push(Problem::new(ProblemCode::Required, field, "is missing"));
            }
            if !insert_placeholder(&mut document, &steps) {
                break;
            }
        } else {
            if let Some(unknown) = text_between(&said, "unknown field `", "`")
                && !matches!(steps.last(), Some(PathStep::Key(key)) if key == unknown)
            {
                steps.push(PathStep::Key(unknown.to_owned()));
            }
            let field = taken_out.original_path(&steps);
            let value = value_at(&mut document, &steps).map(|value| &*value);
            let reason = describe_serde_error(&said, value, &field);
            findings.push(Problem::new(ProblemCode::InvalidFormat, field, reason));
            if !taken_out.remove(&mut document, &steps) {
                break;
            }
        }
    }
    ReadResult {
        record,
        problems: findings,
        removed: taken_out,
    }
}

/// Takes the lists out that are given where an object belongs: a reader takes their items for its fields, in order, and
/// an empty one for an object without fields.
fn remove_misplaced_lists(document: &mut Value, taken_out: &mut RemovedValues) -> Vec<Problem> {
    let is_list = |value: Option<&Value>| value.is_some_and(Value::is_array);
    let mut wrong: Vec<Vec<PathStep>> = [LEAD_FIELD, "place", "source", "sharing"]
        .into_iter()
        .filter(|field| is_list(document.get(field)))
        .map(|field| vec![PathStep::Key(field.to_owned())])
        .collect();
    let terms = document.get("fundingTerms").and_then(Value::as_array);
    for (at, item) in terms.into_iter().flatten().enumerate() {
        if is_list(item.get("funder")) {
            let list = PathStep::Key("fundingTerms".to_owned());
            wrong.push(vec![
                list,
                PathStep::Index(at),
                PathStep::Key("funder".to_owned()),
            ]);
        }
    }
    let mut findings = Vec::new();
    for steps in wrong {
        let reason = "is a list, and not an object with fields of its own";
        findings.push(Problem::new(
            ProblemCode::InvalidFormat,
            taken_out.original_path(&steps),
            reason,
        ));
        taken_out.remove(document, &steps);
    }
    findings
}

/// Where in a document a reader stopped, as [`Problem`]s say it.
pub fn format_path(path: &Path) -> String {
    RemovedValues::default().original_path(&collect_steps(path))
}

/// What was taken out of a document, by its place in the document as it came.
#[derive(Clone, Debug, Default)]
struct RemovedValues {
    fields: BTreeSet<String>,
    /// By list, the positions of the items that it has lost, in rising order.
    items: BTreeMap<String, BTreeSet<usize>>,
}

impl RemovedValues {
    /// The path that leads to the value in the document as it came.
    fn original_path(&self, steps: &[PathStep]) -> String {
        let mut path = String::new();
        for step in steps {
            let original = match step {
                PathStep::Key(key) => key.clone(),
                PathStep::Index(index) => {
                    let lost = self.items.get(&path).into_iter().flatten();
                    lost.fold(*index, |index, lost| index + usize::from(*lost <= index))
                        .to_string()
                }
            };
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(&original);
        }
        path
    }

    /// Takes the value out of the document; false where there is none.
    fn remove(&mut self, document: &mut Value, steps: &[PathStep]) -> bool {
        let field = self.original_path(steps);
        let Some((last, parents)) = steps.split_last() else {
            return false;
        };
        let taken = match (value_at(document, parents), last) {
            (Some(Value::Object(object)), PathStep::Key(key)) => object.remove(key).is_some(),
            (Some(Value::Array(items)), PathStep::Index(index)) if *index < items.len() => {
                items.remove(*index);
                let from = self.original_path(parents);
                let position = field
                    .rsplit('/')
                    .next()
                    .and_then(|last| last.parse::<usize>().ok());
                self.items.entry(from).or_default().extend(position);
                true
            }
            _ => false,
        };
        self.fields.insert(field);
        taken
    }
}

fn value_at<'a>(document: &'a mut Value, steps: &[PathStep]) -> Option<&'a mut Value> {
    steps.iter().try_fold(document, |value, step| match step {
        PathStep::Key(key) => value.get_mut(key),
        PathStep::Index(index) => value.get_mut(index),
    })
}

/// Puts something that will do where a field is missing; false where nothing is known that will.
fn insert_placeholder(document: &mut Value, steps: &[PathStep]) -> bool {
    let Some((PathStep::Key(missing), parents)) = steps.split_last() else {
        return false;
    };
    let stand_in = match missing.as_str() {
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
    let Some(Value::Object(object)) = value_at(document, parents) else {
        return false;
    };
    object.insert(missing.clone(), stand_in).is_none()
}

/// What stands between the two marks, where the text begins with the first.
fn text_between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.strip_prefix(start)?.split_once(end)?.0)
}

/// What is wrong with a value, or with a field of which the reader says that it is none. The reader's own words are for
/// programmers and reach nobody.
fn describe_serde_error(said: &str, value: Option<&Value>, path: &str) -> String {
    if said.starts_with("unknown field `") {
        let fields = said.split_once(", expected ").map_or("", |(_, fields)| fields);
        let fields: Vec<_> = fields.split('`').skip(1).step_by(2).collect();
        return match fields.as_slice() {
            [] => "is not a field that is known".to_owned(),
            fields => format!(
                "is not a field that is known; the fields are {}",
                fields.join(", ")
            ),
        };
    }
    if said.starts_with("duplicate field `") {
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
        let lists = [
            "entryPoints",
            "challengesFaced",
            "conditionsChanged",
            "fundingTerms",
        ];
        let wanted = if lists.contains(&path) {
            "a list of objects"
        } else {
            "an object with fields of its own"
        };
        return format!("is {}, and not {wanted}", describe_value(value));
    };
    if let ColumnKind::Codes(vocabulary) = column.kind
        && !path.ends_with(column.path)
    {
        // One of a list.
        return describe_unknown_code(vocabulary, value);
    }
    match (column.kind, value) {
        (ColumnKind::Date, Value::String(text)) => match text::parse_date(text) {
            Ok(date) => format!("is more than a date; write it as {date}"),
            Err(reason) => reason,
        },
        (ColumnKind::Date, _) => format!(
            "is {}, and not a date; write it as \"2014-06-25\"",
            describe_value(value)
        ),
        (ColumnKind::Code(vocabulary), _) => describe_unknown_code(vocabulary, value),
        (ColumnKind::Codes(_), Value::String(text)) => format!(
            "is {}, and not a list; write a list, such as [{}]",
            describe_value(value),
            quote(text)
        ),
        (ColumnKind::Codes(_), _) => format!("is {}, and not a list of codes", describe_value(value)),
        (ColumnKind::MissingReason, _) => describe_unknown_code(Vocabulary::MissingReason, value),
        (ColumnKind::YesNo, _) => format!("is {}, and neither true nor false", describe_value(value)),
        (ColumnKind::Whole | ColumnKind::Money, Value::Number(number)) => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0);
            if let Some(whole) = whole {
                format!("{whole} is out of range")
            } else {
                format!("{number} is not a whole number")
            }
        }
        (ColumnKind::Whole | ColumnKind::Money, _) => {
            let example = if column.path.ends_with("onths") {
                "; write months as a number, such as 12"
            } else {
                "; write the number alone, without quotation marks"
            };
            format!("is {}, and not a whole number{example}", describe_value(value))
        }
        (ColumnKind::Text, _) => format!("is {}, and not a text", describe_value(value)),
    }
}

/// That a value is no code of a vocabulary, with those that are.
fn describe_unknown_code(vocabulary: Vocabulary, value: &Value) -> String {
    let codes: Vec<_> = vocabulary.words().iter().map(|word| word.code).collect();
    let codes = codes.join(", ");
    match value {
        Value::String(text) => {
            let unknown = match placeholder::parse_placeholder(text) {
                Some(_) => "; leave the field out where the answer is not known",
                None => "",
            };
            format!(
                "{} is none of the choices; they are {codes}{unknown}",
                quote(text)
            )
        }
        _ => format!(
            "is {}, and none of the choices; they are {codes}",
            describe_value(value)
        ),
    }
}

/// A value in a sentence: short ones as they are written, others by what they are.
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
