//! The conditions on the funding of an initiative.

use serde_json::{Value, json};
use wayin_entity::{
    DeliveryTimeline, EntryPoint, OrganisationKind, ReportingBasis, ReportingFrequency, Restriction,
};

use super::inputs::{
    Coded, compare_days, compare_numbers, input, is_known, kind, list_choices, many_codes, yes_or_no,
};
use super::{ConditionInput, ConditionKind, ConditionTopic, InputKind, QUANTIFIER};

fn which_terms() -> ConditionInput {
    let choices = list_choices(&[
        ("some", "At least one grant or contract"),
        ("every", "Every grant or contract"),
        ("none", "No grant or contract"),
    ]);
    input(QUANTIFIER, "Which funding", InputKind::OneOf(choices), "some")
}

/// The template of a condition on funding terms.
fn of_terms(part: Value) -> Value {
    json!({"fundingTerms": {"$which": part}})
}

/// A condition on a field of funding terms that has a code.
fn term_codes<T: Coded>(
    (key, field): (&'static str, &'static str),
    label: &'static str,
    meaning: &'static str,
) -> ConditionKind {
    kind(
        (ConditionTopic::Funding, key),
        label,
        meaning,
        vec![
            of_terms(json!({field: {"in": ["$codes"]}})),
            of_terms(json!({field: {"eq": "$codes"}})),
        ],
        vec![which_terms(), many_codes::<T>("codes", "Is one of")],
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

pub(super) fn list_funding_conditions() -> Vec<ConditionKind> {
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
        ),
        term_codes::<Restriction>(
            ("funding-restriction", "restriction"),
            "What the money can be used for",
            "Whether the money can be used for any purpose.",
        ),
        term_codes::<ReportingFrequency>(
            ("funding-reports", "reportingFrequency"),
            "How often reports are due",
            "How often the funder requires a report.",
        ),
        term_codes::<ReportingBasis>(
            ("funding-reporting-basis", "reportingBasis"),
            "What reports are about",
            "What the funder requires reports about.",
        ),
        term_codes::<DeliveryTimeline>(
            ("funding-timeline", "deliveryTimeline"),
            "Whether the timeline can change",
            "Whether the timeline can change as the work learns.",
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
                many_codes::<OrganisationKind>("kinds", "Is one of"),
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
