//! The conditions from which people build a question: each with its words, and the filter that it becomes.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde_json::{Value, json};
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Choice, Condition as ConditionForChange,
    DeliveryTimeline, EntryPoint, Labelled, OrganisationKind, Perspective, ReportingBasis,
    ReportingFrequency, Restriction, to_heading,
};

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

/// The codes of a vocabulary.
trait Coded: Choice + Labelled {
    fn code_of(self) -> &'static str;
    fn definition_of(self) -> &'static str;
}

macro_rules! coded {
    ($($vocabulary:ty),+ $(,)?) => {
        $(impl Coded for $vocabulary {
            fn code_of(self) -> &'static str {
                self.code()
            }

            fn definition_of(self) -> &'static str {
                self.definition()
            }
        })+
    };
}

coded!(
    Challenge,
    ChallengeReason,
    ChallengeStep,
    ChangeExtent,
    ConditionForChange,
    DeliveryTimeline,
    EntryPoint,
    OrganisationKind,
    Perspective,
    ReportingBasis,
    ReportingFrequency,
    Restriction,
);

fn list_codes<T: Coded>() -> Vec<InputChoice> {
    let describe = |one: &T| InputChoice {
        code: one.code_of(),
        label: to_heading(one.label()),
        definition: one.definition_of(),
    };
    T::ALL.iter().map(describe).collect()
}

fn list_choices(choices: &[(&'static str, &'static str)]) -> Vec<InputChoice> {
    let choices = choices.iter().map(|&(code, label)| InputChoice {
        code,
        label: label.to_owned(),
        definition: "",
    });
    choices.collect()
}

const fn input(
    name: &'static str,
    label: &'static str,
    kind: InputKind,
    default: &'static str,
) -> ConditionInput {
    ConditionInput {
        name,
        label,
        kind,
        default,
    }
}

fn one_code<T: Coded>(name: &'static str, label: &'static str, default: &'static str) -> ConditionInput {
    input(name, label, InputKind::OneOf(list_codes::<T>()), default)
}

fn many_codes<T: Coded>(name: &'static str, label: &'static str, default: &'static str) -> ConditionInput {
    input(name, label, InputKind::ManyOf(list_codes::<T>()), default)
}

fn yes_or_no(name: &'static str, label: &'static str, yes: &'static str, no: &'static str) -> ConditionInput {
    input(name, label, InputKind::YesOrNo { yes, no }, "true")
}

/// Whether something is on record.
fn is_known() -> ConditionInput {
    yes_or_no("known", "On record", "is on record", "is not on record")
}

fn which_terms() -> ConditionInput {
    let choices = list_choices(&[
        ("some", "At least one grant or contract"),
        ("every", "Every grant or contract"),
        ("none", "No grant or contract"),
    ]);
    input(QUANTIFIER, "Which funding", InputKind::OneOf(choices), "some")
}

fn compare_numbers(default: &'static str) -> ConditionInput {
    let choices = list_choices(&[
        ("lte", "at most"),
        ("gte", "at least"),
        ("lt", "less than"),
        ("gt", "more than"),
        ("eq", "exactly"),
    ]);
    input("compare", "Compare", InputKind::OneOf(choices), default)
}

fn compare_days() -> ConditionInput {
    let choices = list_choices(&[
        ("gte", "on or after"),
        ("gt", "after"),
        ("lte", "on or before"),
        ("lt", "before"),
        ("eq", "on"),
    ]);
    input("compare", "Compare", InputKind::OneOf(choices), "gte")
}

fn from_perspective() -> ConditionInput {
    // Nothing chosen means any perspective.
    let mut choices = list_choices(&[("", "Anyone")]);
    choices.extend(list_codes::<Perspective>());
    input("whose", "In whose view", InputKind::OneOf(choices), "")
}

/// The template of a condition on funding terms.
fn of_terms(part: Value) -> Value {
    json!({"fundingTerms": {"$which": part}})
}

fn kind(
    (topic, key): (ConditionTopic, &'static str),
    label: &'static str,
    meaning: &'static str,
    templates: Vec<Value>,
    inputs: Vec<ConditionInput>,
) -> ConditionKind {
    ConditionKind {
        key,
        topic,
        label,
        meaning,
        inputs,
        templates,
    }
}

/// A condition on a field of funding terms that has a code.
fn term_codes<T: Coded>(
    (key, field): (&'static str, &'static str),
    label: &'static str,
    meaning: &'static str,
    default: &'static str,
) -> ConditionKind {
    kind(
        (ConditionTopic::Funding, key),
        label,
        meaning,
        vec![
            of_terms(json!({field: {"in": ["$codes"]}})),
            of_terms(json!({field: {"eq": "$codes"}})),
        ],
        vec![which_terms(), many_codes::<T>("codes", "Is one of", default)],
    )
}

/// A condition on a field of funding terms that is yes or no.
fn term_answer(
    (key, field): (&'static str, &'static str),
    label: &'static str,
    meaning: &'static str,
) -> ConditionKind {
    kind(
        (ConditionTopic::Funding, key),
        label,
        meaning,
        vec![of_terms(json!({field: {"eq": "$answer"}}))],
        vec![which_terms(), yes_or_no("answer", "Answer", "Yes", "No")],
    )
}

fn list_funding_conditions() -> Vec<ConditionKind> {
    let mut conditions = list_funding_numbers();
    conditions.extend(list_funding_codes());
    conditions.extend(list_funders());
    conditions
}

fn list_funding_numbers() -> Vec<ConditionKind> {
    const FUNDING: ConditionTopic = ConditionTopic::Funding;
    let months = |name, label, default| input(name, label, InputKind::Number("months"), default);
    vec![
        kind(
            (FUNDING, "funding-months"),
            "Length of the funding",
            "How many whole months the money is for.",
            vec![of_terms(json!({"durationMonths": {"$compare": "$months"}}))],
            vec![
                which_terms(),
                compare_numbers("lte"),
                months("months", "Months", "18"),
            ],
        ),
        kind(
            (FUNDING, "funding-months-between"),
            "Length of the funding, between",
            "How many whole months the money is for. Both numbers are included.",
            vec![of_terms(
                json!({"durationMonths": {"gte": "$from", "lte": "$to"}}),
            )],
            vec![
                which_terms(),
                months("from", "From, in months", "12"),
                months("to", "To, in months", "24"),
            ],
        ),
        kind(
            (FUNDING, "funding-amount"),
            "Amount of the funding",
            "The amount in pounds. Funding in another currency does not match.",
            vec![of_terms(
                json!({"amountMinor": {"$compare": "$pounds"}, "currency": {"eq": "GBP"}}),
            )],
            vec![
                which_terms(),
                compare_numbers("gte"),
                input("pounds", "Pounds", InputKind::Pounds, "50000"),
            ],
        ),
        kind(
            (FUNDING, "funding-start"),
            "First day of the funding",
            "The first day that was planned when the money was given.",
            vec![of_terms(json!({"startsOn": {"$compare": "$day"}}))],
            vec![
                which_terms(),
                compare_days(),
                input("day", "Day", InputKind::Date, ""),
            ],
        ),
    ]
}

fn list_funding_codes() -> Vec<ConditionKind> {
    vec![
        term_answer(
            ("funding-research", "upfrontResearch"),
            "Research before the work is paid for",
            "Whether the money paid for finding out what the issues are before the work starts.",
        ),
        term_answer(
            ("funding-collaboration", "collaborationResourced"),
            "Time for working together is paid for",
            "Whether the money paid for the extra time and resources that collaboration takes.",
        ),
        term_codes::<EntryPoint>(
            ("funding-focus", "intendedFocus"),
            "What the funder meant to fund",
            "The entry point that the funder intended to fund: a way to start changing a system.",
            "COLLABORATION",
        ),
        term_codes::<Restriction>(
            ("funding-restriction", "restriction"),
            "What the money can be used for",
            "Whether the money can be used for any purpose.",
            "UNRESTRICTED",
        ),
        term_codes::<ReportingFrequency>(
            ("funding-reports", "reportingFrequency"),
            "How often reports are due",
            "How often the funder requires a report.",
            "QUARTERLY",
        ),
        term_codes::<ReportingBasis>(
            ("funding-reporting-basis", "reportingBasis"),
            "What reports are about",
            "What the funder requires reports about.",
            "FIXED_TARGETS",
        ),
        term_codes::<DeliveryTimeline>(
            ("funding-timeline", "deliveryTimeline"),
            "Whether the timeline can change",
            "Whether the timeline can change as the work learns.",
            "FIXED",
        ),
        term_answer(
            ("funding-renewable", "renewable"),
            "The funding can be renewed",
            "Whether the funder can extend the money at its end.",
        ),
        term_answer(
            ("funding-multi-site", "multiSite"),
            "The funding also pays for other places",
            "Whether the same money also pays for work in other places.",
        ),
    ]
}

fn list_funders() -> Vec<ConditionKind> {
    const FUNDING: ConditionTopic = ConditionTopic::Funding;
    let known_fields = list_choices(&[
        ("durationMonths", "The length"),
        ("amountMinor", "The amount"),
        ("startsOn", "The first day"),
        ("upfrontResearch", "Whether research before the work is paid for"),
        (
            "collaborationResourced",
            "Whether time for working together is paid for",
        ),
        ("intendedFocus", "What the funder meant to fund"),
        ("restriction", "What the money can be used for"),
        ("reportingFrequency", "How often reports are due"),
        ("reportingBasis", "What reports are about"),
        ("deliveryTimeline", "Whether the timeline can change"),
        ("renewable", "Whether it can be renewed"),
        ("multiSite", "Whether it also pays for other places"),
    ]);
    vec![
        kind(
            (FUNDING, "funder-kind"),
            "Kind of funder",
            "What kind of organisation gave the money.",
            vec![
                of_terms(json!({"funder": {"kind": {"in": ["$kinds"]}}})),
                of_terms(json!({"funder": {"kind": {"eq": "$kinds"}}})),
            ],
            vec![
                which_terms(),
                many_codes::<OrganisationKind>("kinds", "Is one of", "FUNDER"),
            ],
        ),
        kind(
            (FUNDING, "funder-name"),
            "Name of the funder",
            "A part of the name of the organisation that gave the money.",
            vec![of_terms(json!({"funder": {"name": {"contains": "$text"}}}))],
            vec![
                which_terms(),
                input("text", "Contains", InputKind::Text("A part of the name"), ""),
            ],
        ),
        kind(
            (FUNDING, "funder-is-mine"),
            "My organisation gave the money",
            "Your own organisation is the funder. You need to belong to one.",
            vec![of_terms(json!({"funder": {"isMe": "$answer"}}))],
            vec![which_terms(), yes_or_no("answer", "Answer", "Yes", "No")],
        ),
        kind(
            (FUNDING, "funding-known"),
            "What is known about the funding",
            "Whether an answer about the funding is on record. A missing answer does not count as “no”.",
            vec![of_terms(json!({"$field": {"isKnown": "$known"}}))],
            vec![
                which_terms(),
                input("field", "What", InputKind::OneOf(known_fields), "durationMonths"),
                is_known(),
            ],
        ),
        kind(
            (FUNDING, "funding-recorded"),
            "Any funding is on record",
            "Whether any grant or contract of the initiative is on record.",
            vec![json!({"fundingTerms": {"isRecorded": "$known"}})],
            vec![yes_or_no("known", "Funding", "is on record", "is not on record")],
        ),
    ]
}

fn list_ways_in() -> Vec<ConditionKind> {
    const WAY_IN: ConditionTopic = ConditionTopic::WayIn;
    let how = || {
        let choices = list_choices(&[
            ("includesAny", "At least one of these"),
            ("includes", "All of these"),
        ]);
        input("how", "How many", InputKind::OneOf(choices), "includesAny")
    };
    vec![
        kind(
            (WAY_IN, "way-in"),
            "Where it started from",
            "The way in: the first entry point that the initiative took.",
            vec![json!({"wayIn": {"in": ["$points"], "perspective": "?whose"}})],
            vec![
                many_codes::<EntryPoint>("points", "Is one of", "COLLABORATION"),
                from_perspective(),
            ],
        ),
        kind(
            (WAY_IN, "entry-points"),
            "Where it started from, at first or later",
            "Every entry point that the initiative took: a way to start changing a system.",
            vec![json!({"entryPoints": {"$how": ["$points"], "perspective": "?whose"}})],
            vec![
                how(),
                many_codes::<EntryPoint>("points", "Entry points", "ROOT_CAUSES"),
                from_perspective(),
            ],
        ),
        kind(
            (WAY_IN, "way-in-known"),
            "It is known where it started from",
            "Whether the first entry point is on record.",
            vec![json!({"wayIn": {"isKnown": "$known", "perspective": "?whose"}})],
            vec![is_known(), from_perspective()],
        ),
        kind(
            (WAY_IN, "entry-points-known"),
            "It is known where it started from, at first or later",
            "Whether any entry point is on record, the first or a later one.",
            vec![json!({"entryPoints": {"isKnown": "$known", "perspective": "?whose"}})],
            vec![is_known(), from_perspective()],
        ),
    ]
}

fn list_challenges() -> Vec<ConditionKind> {
    const CHALLENGES: ConditionTopic = ConditionTopic::Challenges;
    let challenge = || one_code::<Challenge>("challenge", "Challenge", "DEFINING_AMBITIONS");
    let how = || {
        let choices = list_choices(&[
            ("includesAny", "At least one of these"),
            ("includes", "All of these"),
        ]);
        input("how", "How many", InputKind::OneOf(choices), "includesAny")
    };
    vec![
        kind(
            (CHALLENGES, "step"),
            "A step that was taken, rushed or skipped",
            "Each challenge asks for a step, such as agreeing together what should change.",
            vec![
                json!({"challenge": {"on": "$challenge", "step": {"in": ["$steps"]}}}),
                json!({"challenge": {"on": "$challenge", "step": {"eq": "$steps"}}}),
            ],
            vec![
                challenge(),
                many_codes::<ChallengeStep>("steps", "The step was", "SKIPPED"),
            ],
        ),
        kind(
            (CHALLENGES, "reasons"),
            "Why a step was rushed or skipped",
            "The reasons that were given for what happened to a step.",
            vec![json!({"challenge": {"on": "$challenge", "reasons": {"$how": ["$reasons"]}}})],
            vec![
                challenge(),
                how(),
                many_codes::<ChallengeReason>("reasons", "Reasons", "SHORT_FUNDING"),
            ],
        ),
        kind(
            (CHALLENGES, "step-known"),
            "It is known whether a step was taken",
            "Whether it is on record what happened to the step.",
            vec![json!({"challenge": {"on": "$challenge", "step": {"isKnown": "$known"}}})],
            vec![challenge(), is_known()],
        ),
        kind(
            (CHALLENGES, "reasons-known"),
            "It is known why a step was rushed or skipped",
            "Whether any reason for what happened to the step is on record.",
            vec![json!({"challenge": {"on": "$challenge", "reasons": {"isKnown": "$known"}}})],
            vec![challenge(), is_known()],
        ),
    ]
}

fn list_changes() -> Vec<ConditionKind> {
    const CHANGES: ConditionTopic = ConditionTopic::Changes;
    let condition = || one_code::<ConditionForChange>("condition", "Condition for change", "GOVERNANCE");
    vec![
        kind(
            (CHANGES, "change"),
            "What changed around the work",
            "A condition for change, such as governance or reporting, and how far it was altered.",
            vec![
                json!({"condition": {"on": "$condition", "change": {"in": ["$extents"]}}}),
                json!({"condition": {"on": "$condition", "change": {"eq": "$extents"}}}),
            ],
            vec![
                condition(),
                many_codes::<ChangeExtent>("extents", "It was", "ALTERED"),
            ],
        ),
        kind(
            (CHANGES, "change-known"),
            "It is known what changed around the work",
            "Whether it is on record how far the condition for change was altered.",
            vec![json!({"condition": {"on": "$condition", "change": {"isKnown": "$known"}}})],
            vec![condition(), is_known()],
        ),
    ]
}

fn list_times_and_places() -> Vec<ConditionKind> {
    const TOPIC: ConditionTopic = ConditionTopic::WhenAndWhere;
    let which_day = || {
        let choices = list_choices(&[("startedOn", "The first day"), ("endedOn", "The last day")]);
        input("day_of", "Which day", InputKind::OneOf(choices), "startedOn")
    };
    let during = list_choices(&[
        ("activeDuring", "Was active"),
        ("startedDuring", "Started, in a place that the crisis affects"),
        (
            "fundedDuring",
            "Had funding that started, in a place that the crisis affects",
        ),
    ]);
    let during = input("what", "What", InputKind::OneOf(during), "activeDuring");
    vec![
        kind(
            (TOPIC, "day"),
            "When it started or ended",
            "The day on which the initiative started, or ended.",
            vec![json!({"$day_of": {"$compare": "$day"}})],
            vec![
                which_day(),
                compare_days(),
                input("day", "Day", InputKind::Date, ""),
            ],
        ),
        kind(
            (TOPIC, "day-known"),
            "It is known when it started or ended",
            "Whether the day is on record. The last day of an initiative that still runs is not.",
            vec![json!({"$day_of": {"isKnown": "$known"}})],
            vec![which_day(), is_known()],
        ),
        kind(
            (TOPIC, "crisis"),
            "During a crisis",
            "Whether the initiative was active, started or was funded during a crisis.",
            vec![json!({"$what": {"crisis": "$crisis"}})],
            vec![during, input("crisis", "Crisis", InputKind::Crisis, "")],
        ),
        kind(
            (TOPIC, "region"),
            "In a region or nation",
            "The initiative works in the region or nation, or in a place within it.",
            vec![json!({"place": {"within": {"code": "$region"}}})],
            vec![input("region", "Region or nation", InputKind::Region, "")],
        ),
        kind(
            (TOPIC, "place"),
            "In one place",
            "The initiative works in this place itself, such as a town or a neighbourhood.",
            vec![json!({"place": {"is": {"code": "$code"}}})],
            vec![input(
                "code",
                "Code of the place",
                InputKind::Text("The GSS code, such as E06000001"),
                "",
            )],
        ),
        kind(
            (TOPIC, "place-known"),
            "The place is known",
            "Whether the place is on record.",
            vec![json!({"place": {"isKnown": "$known"}})],
            vec![is_known()],
        ),
    ]
}

fn list_people() -> Vec<ConditionKind> {
    const WHO: ConditionTopic = ConditionTopic::Who;
    let answer = || yes_or_no("answer", "Answer", "Yes", "No");
    vec![
        kind(
            (WHO, "lead-kind"),
            "Kind of lead organisation",
            "What kind of organisation leads the initiative.",
            vec![
                json!({"leadOrganisation": {"kind": {"in": ["$kinds"]}}}),
                json!({"leadOrganisation": {"kind": {"eq": "$kinds"}}}),
            ],
            vec![many_codes::<OrganisationKind>(
                "kinds",
                "Is one of",
                "COMMUNITY_GROUP",
            )],
        ),
        kind(
            (WHO, "lead-kind-known"),
            "The kind of lead organisation is known",
            "Whether the kind of the organisation that leads the initiative is on record.",
            vec![json!({"leadOrganisation": {"kind": {"isKnown": "$known"}}})],
            vec![is_known()],
        ),
        kind(
            (WHO, "lead-name"),
            "Name of the lead organisation",
            "A part of the name of the organisation that leads the initiative.",
            vec![json!({"leadOrganisation": {"name": {"contains": "$text"}}})],
            vec![input(
                "text",
                "Contains",
                InputKind::Text("A part of the name"),
                "",
            )],
        ),
        kind(
            (WHO, "title"),
            "Title of the initiative",
            "A part of the title. Upper and lower case are the same.",
            vec![json!({"title": {"contains": "$text"}})],
            vec![input(
                "text",
                "Contains",
                InputKind::Text("A part of the title"),
                "",
            )],
        ),
        kind(
            (WHO, "funded-by-me"),
            "Funded by my organisation",
            "Your own organisation is the funder of any of its funding. You need to belong to one.",
            vec![json!({"fundedByMe": "$answer"})],
            vec![answer()],
        ),
        kind(
            (WHO, "led-by-me"),
            "Led by my organisation",
            "Your own organisation leads the initiative. You need to belong to one.",
            vec![json!({"ledByMe": "$answer"})],
            vec![answer()],
        ),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::graphql::input::parse_input;
    use crate::initiative::filter_input::InitiativeFilter;

    /// A value that an input accepts.
    fn example_of(input: &ConditionInput) -> String {
        match &input.kind {
            InputKind::OneOf(choices) | InputKind::ManyOf(choices) => choices.last().unwrap().code.to_owned(),
            InputKind::YesOrNo { .. } => "false".into(),
            InputKind::Number(_) => "7".into(),
            InputKind::Pounds => "1250".into(),
            InputKind::Date => "2020-04-01".into(),
            InputKind::Text(_) => "E06000001".into(),
            InputKind::Region => "E12000002".into(),
            InputKind::Crisis => "cost-of-living".into(),
        }
    }

    /// A filter of each kind of condition and of each of its templates, with its defaults and with other values.
    pub fn list_examples() -> Vec<Value> {
        let mut examples = Vec::new();
        for kind in CATALOGUE.iter() {
            for at in 0..kind.templates.len() {
                let mut values = ChosenCondition::new(kind).values;
                values.insert(TEMPLATE.to_owned(), vec![at.to_string()]);
                for input in &kind.inputs {
                    values
                        .entry(input.name.to_owned())
                        .or_insert_with(|| vec![example_of(input)]);
                }
                examples.push(kind.write(&values).unwrap());
                for input in &kind.inputs {
                    values.insert(input.name.to_owned(), vec![example_of(input)]);
                }
                examples.push(kind.write(&values).unwrap());
            }
        }
        examples
    }

    #[test]
    fn every_condition_is_a_filter_and_is_read_again() {
        for filter in list_examples() {
            let read = parse_input::<InitiativeFilter>("when", filter.clone());
            assert!(read.is_ok(), "{filter}: {:?}", read.err());
            let condition = ChosenCondition::from_filter(&filter).unwrap_or_else(|| panic!("{filter}"));
            assert_eq!(condition.to_filter().as_ref(), Ok(&filter));
        }
    }

    #[test]
    fn keys_are_unique_and_conditions_have_words() {
        for (at, kind) in CATALOGUE.iter().enumerate() {
            assert!(
                CATALOGUE[..at].iter().all(|other| other.key != kind.key),
                "{}",
                kind.key
            );
            assert!(
                !kind.label.is_empty() && kind.meaning.ends_with('.'),
                "{}",
                kind.key
            );
            for input in &kind.inputs {
                let fits = input.default.is_empty() || kind.write_value(input.name, input.default).is_ok();
                assert!(fits, "{}: {}", kind.key, input.name);
            }
        }
    }

    #[test]
    fn several_values_use_a_list() {
        let filter = json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"eq": "SKIPPED"}}});
        let mut condition = ChosenCondition::from_filter(&filter).unwrap();
        condition
            .values
            .insert("steps".into(), vec!["SKIPPED".into(), "RUSHED".into()]);
        assert_eq!(
            condition.to_filter().unwrap(),
            json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED", "RUSHED"]}}})
        );
    }

    #[test]
    fn amounts_are_in_pounds() {
        let condition = ChosenCondition::new(find_kind("funding-amount").unwrap());
        let filter = condition.to_filter().unwrap();
        assert_eq!(
            filter["fundingTerms"]["some"]["amountMinor"],
            json!({"gte": 5_000_000})
        );
        for (text, pence) in [("£1,000", Some(100_000)), ("-1", None), ("1.5", None), ("", None)] {
            assert_eq!(read_pounds(text), pence, "{text}");
        }
    }

    #[test]
    fn inputs_say_what_is_the_matter() {
        let mut condition = ChosenCondition::new(find_kind("funding-months").unwrap());
        condition.values.insert("months".into(), vec!["soon".into()]);
        condition.values.remove("compare");
        let troubles = condition.to_filter().unwrap_err();
        let inputs: Vec<&str> = troubles.iter().map(|trouble| trouble.input.as_str()).collect();
        assert_eq!(inputs, ["compare", "months"]);
        assert!(troubles[1].message.contains("whole number of months"));
    }
}
