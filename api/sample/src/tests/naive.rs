//! Evaluates the filters of the claims directly on records. It supports only what the claims use, and panics on anything
//! else.

use chrono::NaiveDate;
use serde_json::{Map, Value};
use wayin_engine::three_valued_logic::Truth;
use wayin_records::record::{FundingTerm, InitiativeRecord};

use crate::ExampleCrisis;
pub(super) fn evaluate(filter: &Value, record: &InitiativeRecord, periods: &[ExampleCrisis]) -> Truth {
    Truth::all(as_object(filter).iter().map(|(key, value)| match key.as_str() {
        "and" => Truth::all(as_list(value).iter().map(|part| evaluate(part, record, periods))),
        "not" => !evaluate(value, record, periods),
        "startedOn" => compare(value, record.started_on.map(|day| day.to_string())),
        "activeDuring" => active_during(as_text(&value["crisis"]), record, periods),
        "wayIn" => {
            let first = list_taken(record, &value["perspective"]).into_iter().next();
            first.map(|way_in| is_listed(&value["in"], &way_in)).into()
        }
        "entryPoints" => evaluate_entry_points(value, &list_taken(record, &value["perspective"])),
        "challenge" => evaluate_challenge(value, record),
        "condition" => {
            let row = record
                .conditions_changed
                .iter()
                .find(|row| row.condition.code() == value["on"]);
            let change = row.and_then(|row| row.change);
            change
                .map(|change| is_listed(&value["change"]["in"], change.code()))
                .into()
        }
        "fundingTerms" => {
            let some = Truth::any(
                record
                    .funding_terms
                    .iter()
                    .map(|term| evaluate_term(&value["some"], term)),
            );
            if record.funding_terms.is_empty() {
                Truth::Unknown
            } else {
                some
            }
        }
        other => panic!("no such condition: {other}"),
    }))
}

fn evaluate_challenge(scope: &Value, record: &InitiativeRecord) -> Truth {
    let row = record
        .challenges_faced
        .iter()
        .find(|row| row.challenge.code() == scope["on"]);
    Truth::all(
        as_object(scope)
            .iter()
            .filter(|(key, _)| *key != "on")
            .map(|(key, value)| match key.as_str() {
                "step" => row
                    .and_then(|row| row.step)
                    .map(|step| is_listed(&value["in"], step.code()))
                    .into(),
                "reasons" => {
                    let given = row.map(|row| &row.reasons).filter(|reasons| !reasons.is_empty());
                    let given =
                        given.map(|reasons| reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>());
                    given
                        .map(|given| {
                            as_list(&value["includes"])
                                .iter()
                                .all(|one| given.contains(&as_text(one)))
                        })
                        .into()
                }
                other => panic!("no such part of a challenge: {other}"),
            }),
    )
}

fn evaluate_entry_points(scope: &Value, taken: &[String]) -> Truth {
    let has = |one: &Value| taken.iter().any(|code| code == as_text(one));
    let known = (!taken.is_empty()).then(|| {
        scope
            .get("includes")
            .is_none_or(|all| as_list(all).iter().all(has))
            && scope
                .get("includesAny")
                .is_none_or(|any| as_list(any).iter().any(has))
    });
    known.into()
}

fn list_taken(record: &InitiativeRecord, perspective: &Value) -> Vec<String> {
    let of_perspective = record
        .entry_points
        .iter()
        .filter(|row| row.perspective.code() == perspective);
    of_perspective.map(|row| row.entry_point.code().into()).collect()
}

fn active_during(slug: &str, record: &InitiativeRecord, periods: &[ExampleCrisis]) -> Truth {
    let crisis = periods.iter().find(|crisis| crisis.slug == slug).unwrap();
    let to_on = crisis.to_on.unwrap_or(NaiveDate::MAX);
    let ended = if record.ongoing == Some(true) {
        Some(NaiveDate::MAX)
    } else {
        record.ended_on
    };
    let (started_after, ended_before) = (
        record.started_on.map(|day| day > to_on),
        ended.map(|day| day < crisis.from_on),
    );
    // A start or an end within the crisis decides, whatever the other date is.
    let is_within = |day: Option<NaiveDate>| day.is_some_and(|day| day >= crisis.from_on && day <= to_on);
    if is_within(record.started_on) || is_within(record.ended_on) {
        return Truth::True;
    }
    !Truth::from(started_after).or(ended_before.into())
}

fn evaluate_term(filter: &Value, term: &FundingTerm) -> Truth {
    let term = serde_json::to_value(term).unwrap();
    Truth::all(
        as_object(filter)
            .iter()
            .map(|(key, comparison)| match term.get(key) {
                Some(Value::Number(number)) => {
                    let bound = comparison["lte"].as_i64().unwrap();
                    (number.as_i64().unwrap() <= bound).into()
                }
                Some(known @ Value::Bool(_)) => (*known == comparison["eq"]).into(),
                Some(known) => is_listed(&comparison["in"], as_text(known)).into(),
                None => Truth::Unknown,
            }),
    )
}

fn compare(comparison: &Value, known: Option<String>) -> Truth {
    known
        .map(|known| known.as_str() > as_text(&comparison["gt"]))
        .into()
}

fn is_listed(listed: &Value, code: &str) -> bool {
    as_list(listed).iter().any(|one| one == code)
}

fn as_object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn as_list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn as_text(value: &Value) -> &str {
    value.as_str().unwrap()
}
