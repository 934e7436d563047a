//! The inputs of conditions, and how they are written down.

use serde_json::Value;
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Choice, Condition as ConditionForChange,
    DeliveryTimeline, EntryPoint, Labelled, OrganisationKind, Perspective, ReportingBasis,
    ReportingFrequency, Restriction, to_heading,
};

use super::{ConditionInput, ConditionKind, ConditionTopic, InputChoice, InputKind};

/// The codes of a vocabulary.
pub(super) trait Coded: Choice + Labelled {
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

pub(super) fn list_codes<T: Coded>() -> Vec<InputChoice> {
    let describe = |one: &T| InputChoice {
        code: one.code_of(),
        label: to_heading(one.label()),
        definition: one.definition_of(),
    };
    T::ALL.iter().map(describe).collect()
}

pub(super) fn list_choices(choices: &[(&'static str, &'static str)]) -> Vec<InputChoice> {
    let choices = choices.iter().map(|&(code, label)| InputChoice {
        code,
        label: label.to_owned(),
        definition: "",
    });
    choices.collect()
}

pub(super) const fn input(
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

/// One code of a vocabulary. Nothing is chosen at first.
pub(super) fn one_code<T: Coded>(name: &'static str, label: &'static str) -> ConditionInput {
    input(name, label, InputKind::OneOf(list_codes::<T>()), "")
}

/// Some codes of a vocabulary. Nothing is chosen at first.
pub(super) fn many_codes<T: Coded>(name: &'static str, label: &'static str) -> ConditionInput {
    input(name, label, InputKind::ManyOf(list_codes::<T>()), "")
}

pub(super) fn yes_or_no(
    name: &'static str,
    label: &'static str,
    yes: &'static str,
    no: &'static str,
) -> ConditionInput {
    input(name, label, InputKind::YesOrNo { yes, no }, "true")
}

/// Whether something is on record.
pub(super) fn is_known() -> ConditionInput {
    yes_or_no("known", "On record", "is on record", "is not on record")
}

pub(super) fn compare_numbers(default: &'static str) -> ConditionInput {
    let choices = list_choices(&[
        ("lte", "at most"),
        ("gte", "at least"),
        ("lt", "less than"),
        ("gt", "more than"),
        ("eq", "exactly"),
    ]);
    input("compare", "Compare", InputKind::OneOf(choices), default)
}

pub(super) fn compare_days() -> ConditionInput {
    let choices = list_choices(&[
        ("gte", "on or after"),
        ("gt", "after"),
        ("lte", "on or before"),
        ("lt", "before"),
        ("eq", "on"),
    ]);
    input("compare", "Compare", InputKind::OneOf(choices), "gte")
}

pub(super) fn from_perspective() -> ConditionInput {
    // Nothing chosen means any perspective.
    let mut choices = list_choices(&[("", "Anyone")]);
    choices.extend(list_codes::<Perspective>());
    input("whose", "In whose view", InputKind::OneOf(choices), "")
}

pub(super) fn kind(
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
