//! The conditions from which people build a question: each with its words, and the filter that it becomes.

mod funding;
mod initiative;
mod inputs;
#[cfg(test)]
pub(super) mod tests;

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde_json::{Value, json};

use self::funding::list_funding_conditions;
use self::initiative::{list_challenges, list_changes, list_people, list_times_and_places, list_ways_in};
use super::template::{self, ChosenValues, InputTrouble, ValueForms};

/// What a condition is about. The lists of conditions have these as headings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionTopic {
    Funding,
    WayIn,
    Challenges,
    Changes,
    WhenAndWhere,
    Who,
}

impl ConditionTopic {
    pub const ALL: [Self; 6] = [
        Self::Funding,
        Self::WayIn,
        Self::Challenges,
        Self::Changes,
        Self::WhenAndWhere,
        Self::Who,
    ];

    pub const fn label(self) -> &'static str {
        match self {
            Self::Funding => "Funding",
            Self::WayIn => "Where it started",
            Self::Challenges => "Challenges",
            Self::Changes => "What changed",
            Self::WhenAndWhere => "When and where",
            Self::Who => "Who",
        }
    }
}

/// A choice of an input, with its definition if it needs one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputChoice {
    pub code: &'static str,
    pub label: String,
    pub definition: &'static str,
}

/// What people give for an input.
#[derive(Clone, Debug)]
pub enum InputKind {
    OneOf(Vec<InputChoice>),
    ManyOf(Vec<InputChoice>),
    /// Yes or no, with the labels of both.
    YesOrNo {
        yes: &'static str,
        no: &'static str,
    },
    /// A whole number, with its unit.
    Number(&'static str),
    /// An amount in whole pounds. Filters have it in pence.
    Pounds,
    Date,
    /// A text, with a hint.
    Text(&'static str),
    /// A region or nation, by its GSS code. The service lists them.
    Region,
    /// A crisis, by its slug. The service lists them.
    Crisis,
}

/// An input of a condition.
#[derive(Clone, Debug)]
pub struct ConditionInput {
    pub name: &'static str,
    pub label: &'static str,
    pub kind: InputKind,
    /// The value of a new condition. Empty if people must give one.
    pub default: &'static str,
}

/// A kind of condition.
#[derive(Debug)]
pub struct ConditionKind {
    pub key: &'static str,
    pub topic: ConditionTopic,
    pub label: &'static str,
    /// What the condition says, in a sentence.
    pub meaning: &'static str,
    pub inputs: Vec<ConditionInput>,
    /// The filters that it can be. New conditions use the first that can say what was chosen.
    templates: Vec<Value>,
}

impl ConditionInput {
    /// Whether it is a list of which nothing is chosen at first. An empty choice is one that people can make.
    pub fn starts_empty(&self) -> bool {
        match &self.kind {
            InputKind::Region | InputKind::Crisis => true,
            InputKind::OneOf(choices) => {
                self.default.is_empty() && choices.iter().all(|choice| !choice.code.is_empty())
            }
            _ => false,
        }
    }
}

/// The kinds of conditions, in the order of the lists.
pub static CATALOGUE: LazyLock<Vec<ConditionKind>> = LazyLock::new(|| {
    let topics = [
        list_funding_conditions(),
        list_ways_in(),
        list_challenges(),
        list_changes(),
        list_times_and_places(),
        list_people(),
    ];
    topics.into_iter().flatten().collect()
});

/// Finds a kind of condition by its key.
pub fn find_kind(key: &str) -> Option<&'static ConditionKind> {
    CATALOGUE.iter().find(|kind| kind.key == key)
}

/// A condition that people chose.
#[derive(Clone, Debug)]
pub struct ChosenCondition {
    pub kind: &'static ConditionKind,
    pub values: ChosenValues,
}

impl PartialEq for ChosenCondition {
    fn eq(&self, other: &Self) -> bool {
        self.kind.key == other.kind.key && self.values == other.values
    }
}

impl ChosenCondition {
    /// A new condition, with the defaults of its inputs.
    pub fn new(kind: &'static ConditionKind) -> Self {
        let given = kind.inputs.iter().filter(|input| !input.default.is_empty());
        Self {
            kind,
            values: given
                .map(|input| (input.name.to_owned(), vec![input.default.to_owned()]))
                .collect(),
        }
    }

    /// Reads a filter. None if no kind of condition can say it.
    pub fn from_filter(filter: &Value) -> Option<Self> {
        CATALOGUE.iter().find_map(|kind| {
            let values = kind.read(filter)?;
            Some(Self { kind, values })
        })
    }

    /// The filter that the condition is.
    ///
    /// # Errors
    /// What is the matter with its inputs.
    pub fn to_filter(&self) -> Result<Value, Vec<InputTrouble>> {
        self.kind.write(&self.values)
    }
}

/// The input of a funding condition that says how many of the funding terms it is about.
pub const QUANTIFIER: &str = "which";
/// The hidden input that keeps the template with which a condition was written.
pub const TEMPLATE: &str = "written";

impl ConditionKind {
    /// Whether the condition can be about the same funding term as others.
    pub fn is_about_one_term(&self) -> bool {
        self.inputs.iter().any(|input| input.name == QUANTIFIER)
    }

    /// Whether it has an answer of yes or no, so that the opposite is an answer too.
    pub fn has_yes_or_no(&self) -> bool {
        let mut inputs = self.inputs.iter();
        inputs.any(|input| matches!(input.kind, InputKind::YesOrNo { .. }))
    }

    /// What the condition and one of its inputs are called, such as "In a region or nation, “Region or nation”".
    pub fn describe_input(&self, name: &str) -> String {
        match self.find_input(name).map(|input| input.label) {
            Some(label) if !label.is_empty() && label != self.label => format!("{}, “{label}”", self.label),
            _ => self.label.to_owned(),
        }
    }

    pub fn find_input(&self, name: &str) -> Option<&ConditionInput> {
        self.inputs.iter().find(|input| input.name == name)
    }

    fn read(&'static self, filter: &Value) -> Option<ChosenValues> {
        self.templates.iter().enumerate().find_map(|(at, one)| {
            let mut values = template::read(one, self, filter)?;
            if at > 0 {
                values.insert(TEMPLATE.to_owned(), vec![at.to_string()]);
            }
            // What is read must be written in the same way, or it would change when the form is sent.
            (self.write(&values).as_ref() == Ok(filter)).then_some(values)
        })
    }

    fn write(&self, values: &ChosenValues) -> Result<Value, Vec<InputTrouble>> {
        let preferred = values
            .get(TEMPLATE)
            .and_then(|given| given.first()?.parse::<usize>().ok())
            .and_then(|at| self.templates.get(at))
            .filter(|one| can_say_all(one, values));
        let first = preferred
            .or_else(|| self.templates.first())
            .unwrap_or(&Value::Null);
        template::fill(first, self, values)
    }
}

/// Whether a template has room for all values: a name outside of a list takes one.
fn can_say_all(one: &Value, values: &ChosenValues) -> bool {
    match one {
        Value::Object(fields) => fields.values().all(|part| can_say_all(part, values)),
        Value::String(text) => text
            .strip_prefix('$')
            .and_then(|input| values.get(input))
            .is_none_or(|given| given.len() < 2),
        _ => true,
    }
}

impl ValueForms for ConditionKind {
    fn write_value(&self, input: &str, value: &str) -> Result<Value, String> {
        let kind = &self.find_input(input).ok_or("There is no such input.")?.kind;
        let value = value.trim();
        match kind {
            InputKind::OneOf(choices) | InputKind::ManyOf(choices) => choices
                .iter()
                .find(|choice| choice.code == value)
                .map(|choice| json!(choice.code))
                .ok_or_else(|| "Choose one.".into()),
            InputKind::YesOrNo { .. } => value
                .parse::<bool>()
                .map(Value::from)
                .map_err(|_| "Choose one.".into()),
            InputKind::Number(unit) => read_number(value)
                .map(Value::from)
                .ok_or_else(|| format!("Enter a whole number of {unit}, such as 18.")),
            InputKind::Pounds => read_pounds(value)
                .map(Value::from)
                .ok_or_else(|| "Enter a whole number of pounds, such as 50000.".into()),
            InputKind::Date => value
                .parse::<NaiveDate>()
                .map(|day| json!(day))
                .map_err(|_| "Enter a date.".into()),
            InputKind::Text(_) if value.is_empty() => Err("Enter a text.".into()),
            InputKind::Region | InputKind::Crisis if value.is_empty() => Err("Choose one.".into()),
            InputKind::Text(_) | InputKind::Region | InputKind::Crisis => Ok(json!(value)),
        }
    }

    fn read_value(&self, input: &str, written: &Value) -> Option<String> {
        match &self.find_input(input)?.kind {
            InputKind::OneOf(choices) | InputKind::ManyOf(choices) => {
                let code = written.as_str()?;
                choices
                    .iter()
                    .any(|choice| choice.code == code)
                    .then(|| code.to_owned())
            }
            InputKind::YesOrNo { .. } => written.as_bool().map(|answer| answer.to_string()),
            InputKind::Number(_) => written.as_i64().map(|number| number.to_string()),
            InputKind::Pounds => {
                let pence = written.as_i64()?;
                (pence % 100 == 0).then(|| (pence / 100).to_string())
            }
            InputKind::Date | InputKind::Text(_) | InputKind::Region | InputKind::Crisis => {
                written.as_str().map(ToOwned::to_owned)
            }
        }
    }

    fn has_key(&self, input: &str, key: &str) -> bool {
        match self.find_input(input).map(|input| &input.kind) {
            Some(InputKind::OneOf(choices)) => choices.iter().any(|choice| choice.code == key),
            _ => false,
        }
    }
}

/// Reads a whole number that a filter can have.
fn read_number(text: &str) -> Option<i32> {
    text.replace(',', "").parse().ok().filter(|number| *number >= 0)
}

/// Reads an amount in pounds as pence.
fn read_pounds(text: &str) -> Option<i64> {
    let pounds: i64 = text.trim_start_matches('£').replace(',', "").parse().ok()?;
    pounds.checked_mul(100).filter(|pence| *pence >= 0)
}
