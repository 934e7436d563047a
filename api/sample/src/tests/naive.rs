//! Conditions worked out plainly over the records themselves, as far as the
//! example claims use them. What it does not know is a mistake of the test's.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::ExampleCrisis;
use wayin_engine::three_valued::Truth;
use wayin_records::record::{FundingTerm, InitiativeRecord};

pub(super) fn truth(filter: &Value, record: &InitiativeRecord, periods: &[ExampleCrisis]) -> Truth {
    Truth::all(object(filter).iter().map(|(key, value)| match key.as_str() {
        "and" => Truth::all(list(value).iter().map(|part| truth(part, record, periods))),
        "not" => !truth(value, record, periods),
        "startedOn" => compared(value, record.started_on.map(|day| day.to_string())),
        "activeDuring" => active_during(text(&value["crisis"]), record, periods),
        "wayIn" => {
            let first = taken(record, &value["perspective"]).into_iter().next();
            first.map(|way_in| holds(&value["in"], &way_in)).into()
        }
        "entryPoints" => entry_points(value, &taken(record, &value["perspective"])),
        "challenge" => challenge(value, record),
        "condition" => {
            let row = record
                .conditions_changed
                .iter()
                .find(|row| row.condition.code() == value["on"]);
            let change = row.and_then(|row| row.change);
            change
                .map(|change| holds(&value["change"]["in"], change.code()))
                .into()
        }
        "fundingTerms" => {
            let some = Truth::any(
                record
                    .funding_terms
                    .iter()
                    .map(|term| of_term(&value["some"], term)),
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

fn challenge(scope: &Value, record: &InitiativeRecord) -> Truth {
    let row = record
        .challenges_faced
        .iter()
        .find(|row| row.challenge.code() == scope["on"]);
    Truth::all(
        object(scope)
            .iter()
            .filter(|(key, _)| *key != "on")
            .map(|(key, value)| match key.as_str() {
                "step" => row
                    .and_then(|row| row.step)
                    .map(|step| holds(&value["in"], step.code()))
                    .into(),
                "reasons" => {
                    let given = row.map(|row| &row.reasons).filter(|reasons| !reasons.is_empty());
                    let given =
                        given.map(|reasons| reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>());
                    given
                        .map(|given| {
                            list(&value["includes"])
                                .iter()
                                .all(|one| given.contains(&text(one)))
                        })
                        .into()
                }
                other => panic!("no such part of a challenge: {other}"),
            }),
    )
}

fn entry_points(scope: &Value, taken: &[String]) -> Truth {
    let has = |one: &Value| taken.iter().any(|code| code == text(one));
    let known = (!taken.is_empty()).then(|| {
        scope.get("includes").is_none_or(|all| list(all).iter().all(has))
            && scope
                .get("includesAny")
                .is_none_or(|any| list(any).iter().any(has))
    });
    known.into()
}

fn taken(record: &InitiativeRecord, perspective: &Value) -> Vec<String> {
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
    let (began_late, ended_early) = (
        record.started_on.map(|day| day > to_on),
        ended.map(|day| day < crisis.from_on),
    );
    // A start within the period settles it, whatever the end; an end within it, whatever the start.
    let within = |day: Option<NaiveDate>| day.is_some_and(|day| day >= crisis.from_on && day <= to_on);
    if within(record.started_on) || within(record.ended_on) {
        return Truth::True;
    }
    !Truth::from(began_late).or(ended_early.into())
}

fn of_term(filter: &Value, term: &FundingTerm) -> Truth {
    let term = serde_json::to_value(term).unwrap();
    Truth::all(
        object(filter)
            .iter()
            .map(|(key, comparison)| match term.get(key) {
                Some(Value::Number(number)) => {
                    let bound = comparison["lte"].as_i64().unwrap();
                    (number.as_i64().unwrap() <= bound).into()
                }
                Some(known @ Value::Bool(_)) => (*known == comparison["eq"]).into(),
                Some(known) => holds(&comparison["in"], text(known)).into(),
                None => Truth::Unknown,
            }),
    )
}

fn compared(comparison: &Value, known: Option<String>) -> Truth {
    known.map(|known| known.as_str() > text(&comparison["gt"])).into()
}

fn holds(listed: &Value, code: &str) -> bool {
    list(listed).iter().any(|one| one == code)
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
