//! Missing reasons in records, over GraphQL and in files.

use serde_json::{Value, json};
use wayin_entity::Role;

use crate::support::app::TestApp;
use crate::support::exports::export_json_lines;
use crate::support::grants::{grant, try_grants};
use crate::support::places::start_with_places;
use crate::support::records::{EVERY_FIELD, list_initiatives, minimal_record};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    record_reports_missing_reasons,
    funder_sees_missing_reasons_of_its_own_terms_only,
    missing_reason_for_a_given_or_unknown_field_is_rejected,
    grant_answers_replace_missing_reasons,
];

/// A record with missing answers in every part, and their reasons.
fn record_with_missing_answers(reference: &str) -> Value {
    minimal_record(
        reference,
        json!({
            "missing": {"place": "WITHHELD", "endedOn": "NOT_APPLICABLE"},
            "entryPoints": [{"entryPoint": "COMPLEXITY", "perspective": "FUNDER", "missing": {"motivation": "NO_REPLY"}}],
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "missing": {"reasons": "NO_REPLY", "step": "NOT_ASKED"}}],
            "conditionsChanged": [{"condition": "GOVERNANCE", "missing": {"change": "NO_REPLY"}}],
            "fundingTerms": [
                {"funder": {"identifier": "GB-CHC-9", "name": "A funder"}, "durationMonths": 12, "missing": {"renewable": "WITHHELD"}},
                {"funder": {"identifier": "GB-CHC-8", "name": "Another"}, "missing": {"durationMonths": "NOT_ASKED"}},
            ],
        }),
    )
}

const MISSING_SELECTION: &str = "missing { field reason }
    entryPoints { missing { field reason } }
    challengesFaced { challenge step missing { field reason } }
    conditionsChanged { change missing { field reason } }
    fundingTerms { durationMonths missing { field reason } }";

fn missing(field: &str, reason: &str) -> Value {
    json!({"field": field, "reason": reason})
}

async fn record_reports_missing_reasons(database: Database) {
    let app = start_with_places(database).await;
    let sent = record_with_missing_answers("1");
    assert_eq!(app.publish(std::slice::from_ref(&sent)).await.added, 1);
    assert_eq!(
        list_initiatives(&app, MISSING_SELECTION).await[0],
        json!({
            "missing": [missing("place", "WITHHELD"), missing("endedOn", "NOT_APPLICABLE")],
            "entryPoints": [{"missing": [missing("motivation", "NO_REPLY")]}],
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": null,
                "missing": [missing("step", "NOT_ASKED"), missing("reasons", "NO_REPLY")]}],
            "conditionsChanged": [{"change": null, "missing": [missing("change", "NO_REPLY")]}],
            "fundingTerms": [
                {"durationMonths": 12, "missing": [missing("renewable", "WITHHELD")]},
                {"durationMonths": null, "missing": [missing("durationMonths", "NOT_ASKED")]},
            ],
        })
    );
    // The reasons are part of the record: importing it again changes nothing, and an export contains them.
    assert_eq!(app.publish(std::slice::from_ref(&sent)).await.unchanged, 1);
    let exported: Value = serde_json::from_str(&export_json_lines(&app).await).unwrap();
    assert_eq!(exported["missing"], sent["missing"]);
    assert_eq!(exported["challengesFaced"], sent["challengesFaced"]);
    assert_eq!(
        exported["fundingTerms"][1]["missing"],
        sent["fundingTerms"][1]["missing"]
    );

    // Another reason is a new version. An answer replaces the reason.
    let mut corrected = sent.clone();
    corrected["missing"] = json!({"endedOn": "NOT_APPLICABLE", "place": null});
    corrected["challengesFaced"] = json!([{"challenge": "DEFINING_AMBITIONS", "step": "TAKEN"}]);
    corrected["fundingTerms"][1] =
        json!({"funder": {"identifier": "GB-CHC-8"}, "missing": {"durationMonths": "NO_REPLY"}});
    assert_eq!(app.publish(&[corrected]).await.altered, 1);
    let found = &list_initiatives(&app, MISSING_SELECTION).await[0];
    assert_eq!(found["missing"], json!([missing("endedOn", "NOT_APPLICABLE")]));
    assert_eq!(found["challengesFaced"][0]["missing"], json!([]));
    assert_eq!(
        found["fundingTerms"][1]["missing"],
        json!([missing("durationMonths", "NO_REPLY")])
    );
    let codes = app
        .anonymous()
        .query("{ vocabulary { missing { code label definition } } }")
        .await;
    assert_eq!(
        codes["vocabulary"]["missing"][0],
        json!({"code": "NOT_ASKED", "label": "Not asked", "definition": "The question was not asked."})
    );
}

async fn funder_sees_missing_reasons_of_its_own_terms_only(database: Database) {
    let app = TestApp::start(database).await;
    let mut hidden = record_with_missing_answers("1");
    hidden["visibility"] = "AGGREGATE_ONLY".into();
    app.publish(&[hidden]).await;
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    let read = funder
        .query(&format!(
            "{{ initiatives {{ nodes {{ {MISSING_SELECTION} }} }} }}"
        ))
        .await;
    assert_eq!(
        read["initiatives"]["nodes"],
        json!([{
            "missing": [], "entryPoints": [], "challengesFaced": [], "conditionsChanged": [],
            "fundingTerms": [{"durationMonths": 12, "missing": [missing("renewable", "WITHHELD")]}],
        }])
    );
}

async fn missing_reason_for_a_given_or_unknown_field_is_rejected(database: Database) {
    let app = TestApp::start(database).await;
    let mut wrong = record_with_missing_answers("1");
    wrong["startedOn"] = "2020-01-01".into();
    wrong["missing"]["startedOn"] = "NOT_ASKED".into();
    wrong["fundingTerms"][0]["missing"] = json!({"durationMonths": "NOT_ASKED", "renewable": "WITHHELD"});
    wrong["fundingTerms"][1]["missing"] = json!({"length": "NOT_ASKED"});
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-100"))
        .await;
    let save = "mutation($record: JSON!) { saveSubmission(input: {record: $record}) { submission { problems { code path message } } } }";
    let answer = partner.execute_with(save, json!({"record": wrong})).await;
    let problems = answer["data"]["saveSubmission"]["submission"]["problems"]
        .as_array()
        .unwrap();
    let about_missing: Vec<&Value> = problems
        .iter()
        .filter(|problem| problem["path"].as_array().unwrap().contains(&"missing".into()))
        .collect();
    let given =
        |field: &str| format!("says why {field} is missing, but it is given, or follows from what is given");
    assert_eq!(about_missing.len(), 3, "{problems:#?}");
    let expected = [
        (
            "CONTRADICTORY",
            json!(["fundingTerms", "0", "missing", "durationMonths"]),
            Some(given("durationMonths")),
        ),
        (
            "INVALID_FORMAT",
            json!(["fundingTerms", "1", "missing", "length"]),
            None,
        ),
        (
            "CONTRADICTORY",
            json!(["missing", "startedOn"]),
            Some(given("startedOn")),
        ),
    ];
    for (problem, (code, path, message)) in about_missing.into_iter().zip(expected) {
        assert_eq!(
            (&problem["code"], &problem["path"]),
            (&json!(code), &path),
            "{problem}"
        );
        if let Some(message) = message {
            assert_eq!(problem["message"], message);
        }
    }
}

async fn grant_answers_replace_missing_reasons(database: Database) {
    let app = TestApp::start(database).await;
    let grants = json!({"grants": [grant("360G-story-1", &json!({}))]});
    let (_, said) = try_grants(&app, &grants.to_string()).await;
    assert_eq!(said, Vec::<String>::new());
    let term = json!({"funder": {"identifier": "GB-CHC-200"}, "grantIdentifier": "360G-story-1",
        "missing": {"amountMinor": "NOT_ASKED", "awardedOn": "NO_REPLY", "renewable": "NOT_ASKED"}});
    app.publish(&[minimal_record("1", json!({"fundingTerms": [term]}))])
        .await;
    let found = list_initiatives(
        &app,
        &format!("{EVERY_FIELD} fundingTerms {{ missing {{ field reason }} }}"),
    )
    .await;
    let term = &found[0]["fundingTerms"][0];
    assert_eq!(
        (&term["amountMinor"], &term["awardedOn"]),
        (&json!(100_000), &json!("2020-01-02"))
    );
    assert_eq!(term["missing"], json!([missing("renewable", "NOT_ASKED")]));
}
