//! The problems of a record: beside which field each is shown, and in which words.

use serde_json::Value;
use wayin_records::fields::column::ColumnKind;
use wayin_records::formats::file_record::translate_reason;

use super::amounts::{AmountError, read_amount};
use super::questions::{RecordQuestion, RecordStep, list_required_parts};
use super::record_form::{PLACE, PLACE_SEARCH, find_position, list_items};
use crate::pages::record::data::ProblemData;
use crate::pages::record::wording::write_british_dates;

/// The field after which `record.html` asks for the place.
const BEFORE_PLACE: &str = "summary";

/// The part of a record about the organisation that leads the work.
const LEAD_ORGANISATION: &str = "leadOrganisation";

/// A problem or a warning, with the field of the form that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordProblem {
    /// The step with the field. None if no step asks for it.
    pub step: Option<RecordStep>,
    /// The name and the id of the field. Empty if the form has none.
    pub field: String,
    /// A sentence that begins with the name of the field.
    pub message: String,
    /// Whether something is missing that the record needs before it is sent.
    pub is_missing: bool,
}

impl RecordProblem {
    /// The id of the control to which a link to the problem leads. Empty if the form has none.
    pub fn anchor(&self) -> &str {
        // There are places to choose from only after a search.
        if self.field == PLACE {
            PLACE_SEARCH
        } else {
            &self.field
        }
    }
}

/// The place of a problem in the form.
struct Located {
    step: Option<RecordStep>,
    field: String,
    /// What the field is called, with the item that it belongs to.
    label: String,
    question: Option<RecordQuestion>,
}

/// Describes the problems of a record, in the order of the form.
pub fn describe_problems(record: &Value, found: &[ProblemData]) -> Vec<RecordProblem> {
    let mut described: Vec<RecordProblem> = found
        .iter()
        .flat_map(split_missing)
        .map(|problem| describe_problem(record, &problem))
        .collect();
    if described.len() > 1 {
        let fields = RecordStep::ALL.map(|step| list_fields(record, step));
        described.sort_by_cached_key(|problem| find_place_in_form(&fields, problem));
    }
    described
}

/// A part of a record that is missing is one problem, also if several answers make it. In the form, each of them is missing.
fn split_missing(problem: &ProblemData) -> Vec<ProblemData> {
    let parts = match problem.code.as_str() {
        "REQUIRED" => list_required_parts(&problem.record_path()),
        _ => Vec::new(),
    };
    if parts.is_empty() {
        return vec![problem.clone()];
    }
    let of_part = |path: &str| ProblemData {
        path: path.split('/').map(ToOwned::to_owned).collect(),
        ..problem.clone()
    };
    parts.into_iter().map(of_part).collect()
}

/// The names of the fields of a step, in order.
fn list_fields(record: &Value, step: RecordStep) -> Vec<String> {
    let questions = step.questions();
    let mut fields = Vec::new();
    if let Some(list) = step.list() {
        for item in list_items(record, list, true) {
            fields.push(item.name.clone());
            let of_item = questions
                .iter()
                .map(|question| format!("{}.{}", item.name, question.name()));
            fields.extend(of_item);
        }
        return fields;
    }
    for question in questions {
        fields.push(question.name());
        if question.name() == BEFORE_PLACE {
            fields.push(PLACE.to_owned());
        }
    }
    fields
}

/// The positions of the step and of the field of a problem. What the form does not ask for comes last.
fn find_place_in_form(fields: &[Vec<String>], problem: &RecordProblem) -> (usize, usize) {
    let step = problem
        .step
        .and_then(|step| RecordStep::ALL.iter().position(|known| *known == step));
    let Some(step) = step else {
        return (usize::MAX, usize::MAX);
    };
    // Why there is no answer is asked beside the answer.
    let name = problem.field.replace("missing.", "");
    let field = fields[step].iter().position(|field| *field == name);
    (step, field.unwrap_or(usize::MAX))
}

fn describe_problem(record: &Value, problem: &ProblemData) -> RecordProblem {
    // A rejected input names the record first.
    let path = match problem.path.split_first() {
        Some((first, rest)) if first == "record" => rest,
        _ => problem.path.as_slice(),
    };
    let located = locate(record, path);
    let joined = path.join("/");
    let value = record.pointer(&format!("/{joined}"));
    let is_part = matches!(path, [_, position, _, ..] if position.parse::<usize>().is_ok());
    // What an item of a list needs is missing as soon as there is the item, and the rest of an answer as soon as there is a
    // part of it.
    let is_missing = problem.code == "REQUIRED" && !is_part && is_blank(value);
    RecordProblem {
        message: if is_missing && located.step.is_some() && joined != LEAD_ORGANISATION {
            format!("“{}” needs an answer.", located.label)
        } else {
            describe(&located, &joined, value, record, problem)
        },
        step: located.step,
        field: located.field,
        is_missing,
    }
}

fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}

fn describe(
    located: &Located,
    path: &str,
    value: Option<&Value>,
    record: &Value,
    problem: &ProblemData,
) -> String {
    let label = &located.label;
    let kind = located.question.map(|question| question.column.kind);
    if let (Some(kind), Some(Value::String(typed)), "INVALID_FORMAT") = (kind, value, problem.code.as_str())
        && let Some(advice) = describe_mistake(kind, typed, path, record)
    {
        return format!("{label}: {advice}.");
    }
    let reason = write_british_dates(&translate_reason(path, &problem.message));
    let reason = reason.trim_end_matches('.');
    if path == LEAD_ORGANISATION {
        return match problem.code.as_str() {
            "REQUIRED" => format!(
                "{label}: write its name too. If your own organisation leads the work, choose “Not known” as its kind."
            ),
            "NOT_ALLOWED" => format!(
                "{label} {reason}. Leave it empty: you can send only what your own organisation leads."
            ),
            _ => format!("{label}: {reason}."),
        };
    }
    if path.ends_with("/funder")
        && let Some(advice) = describe_funder(&problem.code, value)
    {
        return format!("{label}: {advice}.");
    }
    if label.is_empty() {
        return format!("{}.", wayin_entity::to_heading(reason));
    }
    if problem.code == "CONTRADICTORY" && is_about_reason(path) {
        return format!(
            "“{label}” is given, or follows from other answers, so it needs no reason for a missing answer. Remove the reason."
        );
    }
    match reason.split(' ').next() {
        // A label that is a question is no subject of a sentence.
        _ if label.ends_with('?') => format!("{label} The answer {reason}."),
        Some("is" | "has" | "must" | "cannot" | "lies" | "needs" | "says" | "contains" | "are") => {
            format!("{label} {reason}.")
        }
        _ => format!("{label}: {reason}."),
    }
}

/// What is wrong with a text that is not what its field asks for, and what to write. None if the reason of the problem says it.
fn describe_mistake(kind: ColumnKind, typed: &str, path: &str, record: &Value) -> Option<String> {
    let (part, field) = path.rsplit_once('/').unwrap_or(("", path));
    Some(match kind {
        ColumnKind::Whole => {
            format!("“{typed}” is not a whole number. Write the number in digits, such as 12")
        }
        ColumnKind::Money => {
            let currency = record.pointer(&format!("/{part}/currency"));
            let error = match read_amount(typed, currency.and_then(Value::as_str)) {
                Err(error) => error,
                // A program sent the amount as a text.
                Ok(_) => AmountError::NotNumber(typed.to_owned()),
            };
            error.to_string()
        }
        ColumnKind::Date => format!("“{typed}” is not a date. Enter a day that exists, such as 1 March 2024"),
        ColumnKind::Text if field == "currency" => {
            format!(
                "“{typed}” is not the code of a currency. Write its three letters, such as GBP for pounds"
            )
        }
        _ => return None,
    })
}

/// What is wrong with the organisation that gave the money, and what to do. None if the reason of the problem says it.
fn describe_funder(code: &str, funder: Option<&Value>) -> Option<String> {
    let text = |field: &str| {
        let text = funder?.get(field)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    };
    Some(match (code, text("name"), text("identifier")) {
        ("REQUIRED", ..) => "write who gave the money".to_owned(),
        ("NOT_FOUND", Some(name), None) => format!(
            "Wayin knows no organisation called “{name}”. Choose one that the form offers, or correct the name. If the funder is \
             new here, write its identifier too"
        ),
        ("NOT_FOUND", None, Some(identifier)) => format!(
            "Wayin knows no organisation with the identifier “{identifier}”. Write its name too, so that it can be added"
        ),
        ("AMBIGUOUS", Some(name), _) => format!(
            "several organisations are called “{name}”. Choose the one that you mean, or write its identifier"
        ),
        _ => return None,
    })
}

/// Whether a path leads to the reason why there is no answer.
fn is_about_reason(path: &str) -> bool {
    path.split('/').any(|part| part == "missing")
}

/// Finds the field of the form for a path in the record.
fn locate(record: &Value, path: &[String]) -> Located {
    let list_step = path.first().and_then(|first| RecordStep::of_list(first));
    if let (Some(step), [_, position, rest @ ..]) = (list_step, path) {
        return locate_in_item(record, step, position, &rest.join("/"));
    }
    let path = path.join("/");
    let (is_reason, field) = match path.strip_prefix("missing/") {
        Some(field) => (true, field),
        None => (false, path.as_str()),
    };
    if field == PLACE || field.starts_with("place/") {
        return Located {
            step: Some(RecordStep::About),
            field: name_of(is_reason, PLACE),
            label: "Place".into(),
            question: None,
        };
    }
    if let Some(step) = RecordStep::of_list(field) {
        return Located {
            step: Some(step),
            field: format!("missing.{field}"),
            label: step.label().into(),
            question: None,
        };
    }
    for step in [RecordStep::About, RecordStep::Sharing] {
        if let Some(question) = find_question(step, field) {
            return Located {
                step: Some(step),
                field: name_of(is_reason, &question.name()),
                label: question.label.into(),
                question: Some(question),
            };
        }
    }
    Located {
        step: None,
        field: String::new(),
        label: field.replace('/', "."),
        question: None,
    }
}

fn locate_in_item(record: &Value, step: RecordStep, position: &str, rest: &str) -> Located {
    let nowhere = |label: String| Located {
        step: Some(step),
        field: String::new(),
        label,
        question: None,
    };
    let (Some(list), Ok(at)) = (step.list(), position.parse::<usize>()) else {
        return nowhere(step.label().into());
    };
    let items = record.get(list.field).and_then(Value::as_array);
    let items = items.map_or(&[][..], Vec::as_slice);
    let heading = format!("{} {}", list.item, at + 1);
    let (name, heading) = if list.key.is_none() {
        (format!("{}.{at}", list.field), heading)
    } else {
        let codes = list.codes();
        let own = codes
            .iter()
            .find(|(code, _)| find_position(items, list, code) == Some(at));
        let Some((code, heading)) = own else {
            // Another item has the same code, or it has none.
            return located_item(step, format!("{}.{at}", list.field), heading);
        };
        (format!("{}.{code}", list.field), heading.clone())
    };
    if rest.is_empty() || !items.get(at).is_some_and(Value::is_object) {
        return located_item(step, name, heading);
    }
    let (is_reason, field) = match rest.strip_prefix("missing/") {
        Some(field) => (true, field),
        None => (false, rest),
    };
    match find_question(step, field) {
        Some(question) => Located {
            step: Some(step),
            field: format!("{name}.{}", name_of(is_reason, &question.name())),
            label: format!("{heading}: {}", question.label),
            question: Some(question),
        },
        None => nowhere(format!("{heading}: {}", field.replace('/', "."))),
    }
}

/// The place of a problem with a whole item.
fn located_item(step: RecordStep, field: String, label: String) -> Located {
    Located {
        step: Some(step),
        field,
        label,
        question: None,
    }
}

fn name_of(is_reason: bool, field: &str) -> String {
    if is_reason {
        format!("missing.{field}")
    } else {
        field.to_owned()
    }
}

/// Finds the question about a field, about what contains it, or about a part of it.
fn find_question(step: RecordStep, field: &str) -> Option<RecordQuestion> {
    let mut questions = step.questions().into_iter();
    questions.find(|question| question.asks_for(field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(code: &str, path: &str, message: &str) -> ProblemData {
        ProblemData {
            code: code.into(),
            message: message.into(),
            path: path.split('/').map(ToOwned::to_owned).collect(),
        }
    }

    /// A record with mistakes.
    fn mistaken_record() -> Value {
        json!({
            "challengesFaced": [
                {"challenge": "DEFINING_AMBITIONS"}, {"challenge": "DEFINING_AMBITIONS", "step": "TAKEN"},
            ],
            "fundingTerms": [
                "some money", {"durationMonths": "a year", "amountMinor": "15", "endsOn": "2019-01-01"},
                {"funder": {"name": "Lotery"}, "currency": "GBP", "amountMinor": "€15,000"}, {"currency": "£"},
            ],
        })
    }

    /// Checks the fields and the messages of problems of the record with mistakes.
    fn assert_described(expected: &[(ProblemData, &str, &str)]) {
        let record = mistaken_record();
        for (problem, field, message) in expected {
            let found = describe_problem(&record, problem);
            assert_eq!((found.field.as_str(), found.message.as_str()), (*field, *message));
            assert!(found.step.is_some(), "{found:?}");
        }
    }

    #[test]
    fn each_problem_is_beside_its_field_in_plain_words() {
        assert_described(&[
            (
                problem("REQUIRED", "title", "is needed"),
                "title",
                "“Title” needs an answer.",
            ),
            (
                problem("REQUIRED", "record/sharing/basis", "is required: the basis"),
                "sharing.basis",
                "“Why it may be shared” needs an answer.",
            ),
            (
                problem("NOT_FOUND", "place", "no place is called X"),
                "place",
                "Place: no place is called X.",
            ),
            (
                problem("REQUIRED", "source", "is missing"),
                "source.kind",
                "“Where your answers come from” needs an answer.",
            ),
            (
                problem(
                    "DUPLICATE",
                    "challengesFaced/1/challenge",
                    "DEFINING_AMBITIONS is named twice",
                ),
                "challengesFaced.1",
                "Challenge 2: Defining their ambitions is named twice.",
            ),
            (
                problem(
                    "INVALID_FORMAT",
                    "challengesFaced/0/reasons/0",
                    "is none of the choices",
                ),
                "challengesFaced.DEFINING_AMBITIONS.reasons",
                "Defining their ambitions: Reasons is none of the choices.",
            ),
            (
                problem("REQUIRED", "leadOrganisation", "needs an identifier or a name"),
                "leadOrganisation.name",
                "Lead organisation: write its name too. If your own organisation leads the work, choose “Not known” as its kind.",
            ),
            (
                problem("INVALID_FORMAT", "fundingTerms/0", "is a text, and not an object"),
                "fundingTerms.0",
                "Funding 1 is a text, and not an object.",
            ),
            (
                problem(
                    "CONTRADICTORY",
                    "missing/startedOn",
                    "says why startedOn is missing, but it is given",
                ),
                "missing.startedOn",
                "“Started on” is given, or follows from other answers, so it needs no reason for a missing answer. Remove the reason.",
            ),
            (
                problem(
                    "PERSONAL_DATA",
                    "summary",
                    "has an e-mail address in it; remove it, so that nobody can be recognised",
                ),
                "summary",
                "Summary has an e-mail address in it; remove it, so that nobody can be recognised.",
            ),
        ]);
    }

    #[test]
    fn problems_with_funding_say_what_to_write() {
        assert_described(&[
            (
                problem("INVALID_FORMAT", "fundingTerms/1/durationMonths", "is the text"),
                "fundingTerms.1.durationMonths",
                "Funding 2: Length in months: “a year” is not a whole number. Write the number in digits, such as 12.",
            ),
            (
                problem("INVALID_FORMAT", "fundingTerms/1/amountMinor", "is the text"),
                "fundingTerms.1.amountMinor",
                "Funding 2: Amount: write the currency too, such as GBP for pounds.",
            ),
            (
                problem("INVALID_FORMAT", "fundingTerms/2/amountMinor", "is the text"),
                "fundingTerms.2.amountMinor",
                "Funding 3: Amount: “€15,000” says €, but the currency is GBP. Correct one of the two.",
            ),
            (
                problem(
                    "INVALID_FORMAT",
                    "fundingTerms/3/currency",
                    "is not an ISO 4217 code",
                ),
                "fundingTerms.3.currency",
                "Funding 4: Currency: “£” is not the code of a currency. Write its three letters, such as GBP for pounds.",
            ),
            (
                problem(
                    "OUT_OF_ORDER",
                    "fundingTerms/1/endsOn",
                    "2019-01-01 is before startsOn, 2020-01-01",
                ),
                "fundingTerms.1.endsOn",
                "Funding 2: Last day: 1 January 2019 is before First day, 1 January 2020.",
            ),
            (
                problem(
                    "REQUIRED",
                    "fundingTerms/1/funder",
                    "needs an identifier or a name",
                ),
                "fundingTerms.1.funder.name",
                "Funding 2: Funder: write who gave the money.",
            ),
            (
                problem(
                    "NOT_FOUND",
                    "record/fundingTerms/2/funder",
                    "no organisation is called Lotery",
                ),
                "fundingTerms.2.funder.name",
                "Funding 3: Funder: Wayin knows no organisation called “Lotery”. Choose one that the form offers, or correct the \
                 name. If the funder is new here, write its identifier too.",
            ),
            (
                problem(
                    "AMBIGUOUS",
                    "fundingTerms/2/funder",
                    "2 organisations are called Lotery",
                ),
                "fundingTerms.2.funder.name",
                "Funding 3: Funder: several organisations are called “Lotery”. Choose the one that you mean, or write its identifier.",
            ),
        ]);
    }

    #[test]
    fn a_part_of_an_answer_is_a_problem_before_the_record_is_checked() {
        let record = json!({"leadOrganisation": {"kind": "FUNDER"}, "title": " "});
        for (path, is_missing) in [
            ("leadOrganisation", false),
            ("title", true),
            ("sharing/basis", true),
        ] {
            let found = describe_problem(&record, &problem("REQUIRED", path, "is needed"));
            assert_eq!(found.is_missing, is_missing, "{path}");
        }
        let place = describe_problem(&record, &problem("REQUIRED", "place", "is needed"));
        assert_eq!((place.field.as_str(), place.anchor()), ("place", "place.search"));
    }

    #[test]
    fn problems_are_in_the_order_of_the_form() {
        let record = json!({"fundingTerms": [{"durationMonths": "a year", "missing": {"renewable": "x"}}]});
        let found = [
            problem("REQUIRED", "externalRef", "is needed"),
            problem("INVALID_FORMAT", "fundingTerms/0/durationMonths", "is the text"),
            problem("REQUIRED", "fundingTerms/0/funder", "is missing"),
            problem(
                "INVALID_FORMAT",
                "fundingTerms/0/missing/renewable",
                "is none of the choices",
            ),
            problem("CONTRADICTORY", "missing/fundingTerms", "says why"),
            problem("CONFLICT", "of another kind", "is not right"),
            problem("REQUIRED", "place", "is required"),
            problem("REQUIRED", "sharing/basis", "is required"),
            problem("REQUIRED", "source", "is missing"),
            problem("INVALID_FORMAT", "startedOn", "is the text"),
            problem("REQUIRED", "title", "is missing"),
        ];
        let fields: Vec<String> = describe_problems(&record, &found)
            .into_iter()
            .map(|problem| problem.field)
            .collect();
        assert_eq!(
            fields,
            [
                "title",
                "externalRef",
                "place",
                "startedOn",
                "fundingTerms.0.funder.name",
                "fundingTerms.0.durationMonths",
                "fundingTerms.0.missing.renewable",
                "missing.fundingTerms",
                "sharing.basis",
                "source.kind",
                "source.title",
                "",
            ]
        );
    }
}
