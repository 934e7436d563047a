//! What the templates of the form of a record show.

use serde_json::Value;
use wayin_entity::{Choice as _, Labelled as _, MissingReason};
use wayin_records::fields::column::ColumnKind;
use wayin_records::workbook::vocabulary::Vocabulary;

use super::funders::{FunderMatches, MatchView};
use super::problems::RecordProblem;
use super::questions::{RecordQuestion, RecordStep};
use super::record_form::{
    FormItem, currency_of, find_item, find_value, list_items, show_answer, show_missing_reason,
};
use crate::pages::record::answers::describe_value;

/// A control of the form with its label, its hint and what is wrong with it.
#[derive(Clone, Debug)]
pub struct FieldView {
    /// The id and the name of the control.
    pub id: String,
    pub label: &'static str,
    pub hint: &'static str,
    pub is_required: bool,
    /// Whether it belongs to an item of a list.
    pub is_part: bool,
    /// `text`, `medium`, `short`, `long`, `radio`, `checkbox` or `select`.
    pub control: &'static str,
    pub value: String,
    pub choices: Vec<ChoiceView>,
    /// The id of the list of answers that the field offers. Empty if there is none.
    pub list: &'static str,
    /// Why there is no answer, if the field may say so.
    pub missing: Option<MissingView>,
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
    /// What the answer may mean, if that is not clear.
    pub matches: Vec<MatchView>,
}

#[derive(Clone, Debug)]
pub struct ChoiceView {
    pub value: String,
    pub label: String,
    /// Empty if there is none.
    pub hint: String,
    pub is_chosen: bool,
}

/// The select that says why a field has no answer.
#[derive(Clone, Debug)]
pub struct MissingView {
    pub id: String,
    /// What the answer would be, for screen readers.
    pub label: &'static str,
    /// What leads to the select.
    pub summary: &'static str,
    pub choices: Vec<ChoiceView>,
    pub problems: Vec<String>,
}

impl MissingView {
    /// Whether the page shows the select at once: there is a reason to read, or a problem to correct.
    pub fn is_open(&self) -> bool {
        let has_reason = self
            .choices
            .iter()
            .any(|choice| choice.is_chosen && !choice.value.is_empty());
        has_reason || !self.problems.is_empty()
    }
}

/// The questions of a step, or of an item of its list.
#[derive(Clone, Debug, Default)]
pub struct QuestionsView {
    /// Those that the page shows at once.
    pub first: Vec<FieldView>,
    pub further: Vec<FieldView>,
    /// What leads to the further ones.
    pub further_label: &'static str,
}

impl QuestionsView {
    /// Whether the page shows the further questions at once: one has an answer, or something to read.
    pub fn shows_further(&self) -> bool {
        self.further.iter().any(FieldView::has_content)
    }

    /// The fields, in the order of the page.
    pub fn into_fields(self) -> Vec<FieldView> {
        let mut fields = self.first;
        fields.extend(self.further);
        fields
    }
}

/// The most choices that the form shows beside each other.
const MAX_CHOICES_IN_A_ROW: usize = 4;

impl FieldView {
    /// Whether the choices are beside each other: they are few and short.
    pub fn has_choices_in_a_row(&self) -> bool {
        self.choices.len() <= MAX_CHOICES_IN_A_ROW && self.choices.iter().all(|choice| choice.hint.is_empty())
    }

    fn has_content(&self) -> bool {
        let is_answered = match self.control {
            "radio" | "checkbox" | "select" => {
                let mut chosen = self.choices.iter().filter(|choice| choice.is_chosen);
                chosen.any(|choice| !choice.value.is_empty())
            }
            _ => !self.value.is_empty(),
        };
        is_answered
            || !self.problems.is_empty()
            || !self.warnings.is_empty()
            || self.missing.as_ref().is_some_and(MissingView::is_open)
    }
}

/// An item of a list.
#[derive(Clone, Debug)]
pub struct RecordItemView {
    /// The start of the names of its fields, and its id.
    pub name: String,
    pub heading: String,
    pub hint: &'static str,
    pub questions: QuestionsView,
    /// Problems with the whole item.
    pub problems: Vec<String>,
    pub can_be_removed: bool,
    pub is_readable: bool,
}

/// A step of the form, for the list of steps.
#[derive(Clone, Debug)]
pub struct StepLink {
    pub label: &'static str,
    pub href: String,
    /// Whether it is ticked off: it has answers, and none is wrong or missing.
    pub is_done: bool,
    /// The same in words.
    pub state: &'static str,
    pub is_current: bool,
}

/// The messages beside the fields.
pub struct FieldMessages<'a> {
    pub problems: &'a [RecordProblem],
    pub warnings: &'a [RecordProblem],
    pub matches: &'a [FunderMatches],
}

impl FieldMessages<'_> {
    fn of(found: &[RecordProblem], field: &str) -> Vec<String> {
        let own = found.iter().filter(|problem| problem.field == field);
        own.map(|problem| problem.message.clone()).collect()
    }

    fn problems_of(&self, field: &str) -> Vec<String> {
        Self::of(self.problems, field)
    }

    fn warnings_of(&self, field: &str) -> Vec<String> {
        Self::of(self.warnings, field)
    }

    fn matches_of(&self, field: &str) -> Vec<MatchView> {
        let own = self.matches.iter().find(|found| found.field == field);
        own.map_or_else(Vec::new, |found| found.matches.clone())
    }
}

/// The questions of a step, about the record or about a part of it. `name` is the start of the names of the fields.
pub fn show_questions(
    part: &Value,
    name: &str,
    step: RecordStep,
    messages: &FieldMessages<'_>,
) -> QuestionsView {
    let (further, first): (Vec<_>, Vec<_>) = step
        .questions()
        .into_iter()
        .partition(|question| question.is_further);
    let show = |questions: Vec<RecordQuestion>| {
        let fields = questions.iter();
        fields
            .map(|question| show_field(part, name, question, messages))
            .collect()
    };
    QuestionsView {
        first: show(first),
        further: show(further),
        further_label: step.further_label(),
    }
}

/// The items of the list that a step asks for.
pub fn show_items(
    record: &Value,
    step: RecordStep,
    is_extended: bool,
    messages: &FieldMessages<'_>,
) -> Vec<RecordItemView> {
    let Some(list) = step.list() else {
        return Vec::new();
    };
    let codes = list.codes();
    let show_item = |(at, item): (usize, FormItem)| {
        let part = find_item(record, list, &item);
        let heading = item
            .code
            .and_then(|code| codes.iter().find(|(known, _)| *known == code))
            .map_or_else(
                || format!("{} {}", list.item, at + 1),
                |(_, heading)| heading.clone(),
            );
        let name = format!("{}.", item.name);
        RecordItemView {
            heading,
            hint: item.code.map_or("", |code| list.define(code)),
            questions: if item.is_readable {
                show_questions(part, &name, step, messages)
            } else {
                QuestionsView::default()
            },
            problems: messages.problems_of(&item.name),
            can_be_removed: item.position.is_some() && item.code.is_none(),
            is_readable: item.is_readable,
            name: item.name,
        }
    };
    let items = list_items(record, list, is_extended);
    items.into_iter().enumerate().map(show_item).collect()
}

/// The select that says why a field of the record has no answer.
pub fn show_missing(
    part: &Value,
    name: &str,
    field: &str,
    label: &'static str,
    messages: &FieldMessages<'_>,
) -> MissingView {
    let id = format!("{name}missing.{field}");
    let given = show_missing_reason(part, field);
    let mut choices = vec![choice("", "Choose a reason", "", given.is_empty())];
    choices.extend(MissingReason::ALL.iter().map(|reason| {
        let label = wayin_entity::to_heading(reason.label());
        choice(reason.code(), &label, "", given == reason.code())
    }));
    add_unknown_choices(&mut choices, &[given]);
    MissingView {
        problems: messages.problems_of(&id),
        summary: if RecordStep::of_list(field).is_some() {
            "No answers to these questions? Say why"
        } else {
            "No answer? Say why"
        },
        id,
        label,
        choices,
    }
}

fn show_field(
    part: &Value,
    name: &str,
    question: &RecordQuestion,
    messages: &FieldMessages<'_>,
) -> FieldView {
    let column = question.column;
    let answers = show_answer(part, question);
    let value = answers.first().cloned().unwrap_or_default();
    let may_be_missing = column.accepts_missing_reason;
    let (control, mut choices) = match column.kind {
        ColumnKind::Text if question.is_long() => ("long", Vec::new()),
        ColumnKind::Whole | ColumnKind::Money => ("short", Vec::new()),
        ColumnKind::Date => ("medium", Vec::new()),
        ColumnKind::Text if column.path == "currency" => ("medium", Vec::new()),
        ColumnKind::Text => ("text", Vec::new()),
        ColumnKind::YesNo => ("radio", list_yes_no(&value, may_be_missing)),
        ColumnKind::Code(vocabulary) => {
            let control = match vocabulary {
                Vocabulary::OrganisationKind | Vocabulary::Perspective => "select",
                _ => "radio",
            };
            // An item that was begun by mistake can be emptied again.
            let is_part = !name.is_empty();
            let no_answer = match (question.is_required, control) {
                (true, "select") => "Choose one",
                (true, _) if !is_part => "",
                (true, _) => "No answer yet",
                (false, _) if vocabulary == Vocabulary::Visibility => "Not decided, so it is only counted",
                (false, _) => "Not known",
            };
            (control, list_codes(vocabulary, &answers, no_answer))
        }
        ColumnKind::Codes(vocabulary) => ("checkbox", list_codes(vocabulary, &answers, "")),
        ColumnKind::MissingReason => (
            "select",
            list_codes(Vocabulary::MissingReason, &answers, "Not known"),
        ),
    };
    if !choices.is_empty() {
        add_unknown_choices(&mut choices, &answers);
    }
    let id = format!("{name}{}", question.name());
    FieldView {
        label: question.label,
        hint: question.hint,
        is_required: question.is_required,
        is_part: !name.is_empty(),
        control,
        value,
        choices,
        list: if column.path == "funder/name" {
            "funder-names"
        } else {
            ""
        },
        missing: may_be_missing
            .then(|| show_missing(part, name, column.field_name(), question.label, messages)),
        problems: messages.problems_of(&id),
        warnings: messages.warnings_of(&id),
        matches: messages.matches_of(&id),
        id,
    }
}

fn choice(value: &str, label: &str, hint: &str, is_chosen: bool) -> ChoiceView {
    ChoiceView {
        value: value.to_owned(),
        label: label.to_owned(),
        hint: hint.to_owned(),
        is_chosen,
    }
}

fn list_yes_no(value: &str, may_be_unknown: bool) -> Vec<ChoiceView> {
    let mut choices: Vec<ChoiceView> = bool::ALL
        .iter()
        .rev()
        .map(|is| {
            let (code, label) = if *is { ("true", "Yes") } else { ("false", "No") };
            choice(code, label, "", value == code)
        })
        .collect();
    if may_be_unknown {
        choices.push(choice("", "Not known", "", value.is_empty()));
    }
    choices
}

/// The words of a vocabulary as choices. `no_answer` is the choice of none of them. Empty if there is no such choice.
fn list_codes(vocabulary: Vocabulary, answers: &[String], no_answer: &str) -> Vec<ChoiceView> {
    let is_chosen = |code: &str| answers.iter().any(|answer| answer == code);
    let words = vocabulary.words().iter();
    let mut choices: Vec<ChoiceView> = words
        .map(|word| {
            let label = word.display_text();
            // Some definitions only repeat the label.
            let is_repeated =
                vocabulary == Vocabulary::ChangeExtent || word.definition.trim_end_matches('.') == label;
            let hint = if is_repeated { "" } else { word.definition };
            choice(word.code, &label, hint, is_chosen(word.code))
        })
        .collect();
    if !no_answer.is_empty() {
        let is_empty = answers.iter().all(String::is_empty);
        let none = choice("", no_answer, "", is_empty);
        // A list shows its first choice.
        let at = if no_answer == "Choose one" {
            0
        } else {
            choices.len()
        };
        choices.insert(at, none);
    }
    choices
}

/// Adds what was sent in another way and is none of the choices, so that it is not lost.
fn add_unknown_choices(choices: &mut Vec<ChoiceView>, answers: &[String]) {
    for answer in answers.iter().filter(|answer| !answer.is_empty()) {
        if !choices.iter().any(|choice| choice.value == *answer) {
            choices.push(choice(answer, &format!("“{answer}”, as it was sent"), "", true));
        }
    }
}

/// The answer to a question in words, for reading. Empty if there is none.
pub fn describe_answer(part: &Value, question: &RecordQuestion) -> String {
    let column = question.column;
    let value = find_value(part, column.path).filter(|value| !value.is_null());
    let words = value.map(|value| describe_value(Some(column), value, currency_of(part).as_deref()));
    if let Some(words) = words.filter(|words| !words.is_empty()) {
        return words;
    }
    let reason = show_missing_reason(part, column.field_name());
    let found = MissingReason::ALL.iter().find(|known| known.code() == reason);
    found.map_or(reason, |reason| wayin_entity::to_heading(reason.label()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn select_of_reasons_is_open_with_a_reason_or_a_problem() {
        let is_open = |record: &Value, problems: &[RecordProblem]| {
            let messages = FieldMessages {
                problems,
                warnings: &[],
                matches: &[],
            };
            show_missing(record, "", "summary", "Summary", &messages).is_open()
        };
        assert!(!is_open(&json!({}), &[]));
        assert!(!is_open(&json!({"missing": {"place": "NOT_ASKED"}}), &[]));
        assert!(is_open(&json!({"missing": {"summary": "NOT_ASKED"}}), &[]));
        let problem = RecordProblem {
            step: Some(RecordStep::About),
            field: "missing.summary".into(),
            message: "Summary has an answer.".into(),
            is_missing: false,
        };
        assert!(is_open(&json!({}), &[problem]));
    }
}
