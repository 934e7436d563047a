//! The rows of the builder: a condition with its inputs, as the template shows them.

use crate::pages::explore::conditions::{
    ChosenCondition, ConditionInput, ConditionKind, InputKind, TEMPLATE,
};
use crate::pages::explore::form::NEGATED;
use crate::pages::explore::operations::ExploreChoicesOperation;
use crate::pages::explore::question::QuestionPart;
use crate::pages::explore::tree::{Row, RowContent, RowTrouble};
use crate::pages::layout::parts::Choice;

pub struct RowView {
    /// The path, such as "when.1.0".
    pub place: String,
    pub label: &'static str,
    pub meaning: &'static str,
    /// The id of the meaning.
    pub meaning_id: String,
    /// The id and the name of the control for whether the condition is to be true, and its choices.
    pub truth_id: String,
    pub truth: Vec<Choice>,
    /// The key of the kind. Empty for a condition in the query language.
    pub kind: &'static str,
    /// The template that the condition was written with. Empty for the usual one.
    pub written_with: String,
    /// A condition in the query language. Empty for others.
    pub filter: String,
    pub inputs: Vec<InputView>,
    /// The choices of this row with their definitions.
    pub definitions: Vec<(String, &'static str)>,
    /// What is the matter with the whole row. Empty if nothing is.
    pub error: String,
}

pub struct InputView {
    /// The id and the name of the control.
    pub id: String,
    pub label: String,
    pub control: Control,
    pub value: String,
    pub choices: Vec<Choice>,
    pub hint: &'static str,
    pub error: String,
    /// The choice of nothing in a list. Empty if there is none.
    pub empty_label: &'static str,
}

impl InputView {
    pub fn is(&self, control: &str) -> bool {
        self.control.name() == control
    }
}

/// The control of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Select,
    Checkboxes,
    Number,
    Date,
    Text,
}

impl Control {
    /// The name in templates.
    const fn name(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Checkboxes => "checkboxes",
            Self::Number => "number",
            Self::Date => "date",
            Self::Text => "text",
        }
    }
}

/// What the rows of a part need.
pub(super) struct RowContext<'a> {
    pub(super) troubles: &'a [RowTrouble],
    pub(super) choices: &'a ExploreChoicesOperation,
    pub(super) part: QuestionPart,
    pub(super) legend: &'static str,
}

impl RowContext<'_> {
    pub(super) fn build_row(&self, path: &str, row: &Row) -> RowView {
        let place = format!("{}.{path}", self.part.name());
        let meaning_id = format!("{place}.meaning");
        let truth_id = format!("{place}.not");
        let error = self.find_error(path, "");
        match &row.content {
            RowContent::Written(filter) => RowView {
                place,
                label: "A condition that this form has no fields for",
                meaning: "It is kept as it was written in the query language. You can remove it.",
                meaning_id,
                truth_id,
                truth: list_truth(row),
                kind: "",
                written_with: String::new(),
                filter: filter.to_string(),
                inputs: Vec::new(),
                definitions: Vec::new(),
                error,
            },
            RowContent::Chosen(condition) => RowView {
                label: condition.kind.label,
                meaning: condition.kind.meaning,
                meaning_id,
                truth_id,
                truth: list_truth(row),
                kind: condition.kind.key,
                written_with: first_value(condition, TEMPLATE),
                filter: String::new(),
                inputs: condition
                    .kind
                    .inputs
                    .iter()
                    .map(|input| self.build_input(path, &place, condition, input))
                    .collect(),
                definitions: list_definitions(condition.kind),
                place,
                error,
            },
        }
    }

    fn build_input(
        &self,
        path: &str,
        place: &str,
        condition: &ChosenCondition,
        input: &ConditionInput,
    ) -> InputView {
        let value = first_value(condition, input.name);
        let is_chosen = |code: &str| {
            let given = condition.values.get(input.name);
            given.map_or(code.is_empty(), |given| given.iter().any(|one| one == code))
        };
        let (control, choices) = match &input.kind {
            InputKind::OneOf(choices) | InputKind::ManyOf(choices) => {
                let control = if matches!(input.kind, InputKind::OneOf(_)) {
                    Control::Select
                } else {
                    Control::Checkboxes
                };
                let choices = choices
                    .iter()
                    .map(|choice| Choice::new(choice.code, choice.label.clone(), is_chosen(choice.code)));
                (control, choices.collect())
            }
            InputKind::YesOrNo { yes, no } => {
                let choices = [("true", *yes), ("false", *no)];
                let choices = choices.map(|(code, label)| Choice::new(code, label, is_chosen(code)));
                (Control::Select, Vec::from(choices))
            }
            InputKind::Region => (Control::Select, list_regions(self.choices, &value)),
            InputKind::Crisis => (Control::Select, list_crises(self.choices, &value)),
            InputKind::Number(_) | InputKind::Pounds => (Control::Number, Vec::new()),
            InputKind::Date => (Control::Date, Vec::new()),
            InputKind::Text(_) => (Control::Text, Vec::new()),
        };
        InputView {
            id: format!("{place}.{}", input.name),
            label: input.label.to_owned(),
            // A visitor without a session gets no list of regions, but can give a code.
            control: if matches!(input.kind, InputKind::Region) && self.choices.places.is_none() {
                Control::Text
            } else {
                control
            },
            value,
            choices,
            hint: match input.kind {
                InputKind::Text(hint) => hint,
                InputKind::Region if self.choices.places.is_none() => {
                    "The GSS code, such as E12000002 for the North West"
                }
                _ => "",
            },
            error: self.find_error(path, input.name),
            empty_label: if input.starts_empty() { "Choose one" } else { "" },
        }
    }

    fn find_error(&self, path: &str, input: &str) -> String {
        let found = self
            .troubles
            .iter()
            .find(|trouble| trouble.place == path && trouble.input == input);
        found.map(|trouble| trouble.message.clone()).unwrap_or_default()
    }
}

/// The choices of whether a condition is to be true. Empty if the answers of the condition say it.
fn list_truth(row: &Row) -> Vec<Choice> {
    let is_answer = match &row.content {
        RowContent::Chosen(condition) => condition.kind.has_yes_or_no(),
        RowContent::Written(_) => false,
    };
    if is_answer && !row.is_negated {
        return Vec::new();
    }
    vec![
        Choice::new("", "where this is true", !row.is_negated),
        Choice::new(NEGATED, "where this is not true", row.is_negated),
    ]
}

fn first_value(condition: &ChosenCondition, input: &str) -> String {
    let first = condition.values.get(input).and_then(|values| values.first());
    first.cloned().unwrap_or_default()
}

fn list_definitions(kind: &ConditionKind) -> Vec<(String, &'static str)> {
    let choices = kind.inputs.iter().flat_map(|input| match &input.kind {
        InputKind::OneOf(choices) | InputKind::ManyOf(choices) => choices.as_slice(),
        _ => &[],
    });
    choices
        .filter(|choice| !choice.definition.is_empty())
        .map(|choice| (choice.label.clone(), choice.definition))
        .collect()
}

fn list_regions(choices: &ExploreChoicesOperation, chosen: &str) -> Vec<Choice> {
    let places = choices.places.iter().flat_map(|places| &places.nodes);
    let regions = places.filter_map(|place| Some((place.code.clone()?, place.name.clone())));
    list_named(regions, chosen, "Another place")
}

fn list_crises(choices: &ExploreChoicesOperation, chosen: &str) -> Vec<Choice> {
    let crises = choices.crises.nodes.iter();
    let crises = crises.map(|crisis| (crisis.slug.clone(), crisis.name.clone()));
    list_named(crises, chosen, "Another crisis")
}

/// The choices of a list, with the chosen one if the list does not have it.
fn list_named(listed: impl Iterator<Item = (String, String)>, chosen: &str, other: &str) -> Vec<Choice> {
    let mut choices: Vec<Choice> = listed
        .map(|(code, name)| {
            let is_chosen = code == chosen;
            Choice::new(code, name, is_chosen)
        })
        .collect();
    if !chosen.is_empty() && !choices.iter().any(|choice| choice.is_chosen) {
        choices.push(Choice::new(chosen, format!("{other} ({chosen})"), true));
    }
    choices
}
