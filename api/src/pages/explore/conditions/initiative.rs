//! The conditions on the initiative itself: where it started, its challenges, what changed, when and where, and who.

use serde_json::json;
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition as ConditionForChange, EntryPoint,
    OrganisationKind,
};

use super::inputs::{
    compare_days, from_perspective, input, is_known, kind, list_choices, many_codes, one_code, yes_or_no,
};
use super::{ConditionKind, ConditionTopic, InputKind};

pub(super) fn list_ways_in() -> Vec<ConditionKind> {
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
                many_codes::<EntryPoint>("points", "Is one of"),
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
                many_codes::<EntryPoint>("points", "Entry points"),
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

pub(super) fn list_challenges() -> Vec<ConditionKind> {
    const CHALLENGES: ConditionTopic = ConditionTopic::Challenges;
    let challenge = || one_code::<Challenge>("challenge", "Challenge");
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
            vec![challenge(), many_codes::<ChallengeStep>("steps", "The step was")],
        ),
        kind(
            (CHALLENGES, "reasons"),
            "Why a step was rushed or skipped",
            "The reasons that were given for what happened to a step.",
            vec![json!({"challenge": {"on": "$challenge", "reasons": {"$how": ["$reasons"]}}})],
            vec![
                challenge(),
                how(),
                many_codes::<ChallengeReason>("reasons", "Reasons"),
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

pub(super) fn list_changes() -> Vec<ConditionKind> {
    const CHANGES: ConditionTopic = ConditionTopic::Changes;
    let condition = || one_code::<ConditionForChange>("condition", "Condition for change");
    vec![
        kind(
            (CHANGES, "change"),
            "What changed around the work",
            "A condition for change, such as governance or reporting, and how far it was altered.",
            vec![
                json!({"condition": {"on": "$condition", "change": {"in": ["$extents"]}}}),
                json!({"condition": {"on": "$condition", "change": {"eq": "$extents"}}}),
            ],
            vec![condition(), many_codes::<ChangeExtent>("extents", "It was")],
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

pub(super) fn list_times_and_places() -> Vec<ConditionKind> {
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

pub(super) fn list_people() -> Vec<ConditionKind> {
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
            vec![many_codes::<OrganisationKind>("kinds", "Is one of")],
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
