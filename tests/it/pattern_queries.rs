//! The headline question, on a small database.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::builders;
use crate::support::places::start_with_places;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    short_funding_is_compared_with_skipped_ambitions,
    every_answer_has_the_fields_of_the_interface,
    competition_for_resources_can_be_filtered,
    year_with_only_skipped_steps_counts_in_the_adjusted_risk_ratio,
    oversized_filter_is_rejected,
];

async fn short_funding_is_compared_with_skipped_ambitions(database: Database) {
    let app = start_with_places(database).await;
    let record = |reference: &str, months: Option<i32>, step: Option<&str>| {
        json!({
            "externalRef": reference, "title": format!("Initiative {reference}"), "visibility": "OPEN",
            "place": {"code": "E06000001"},
            "leadOrganisation": {"identifier": "GB-CHC-1", "name": "A charity"},
            "fundingTerms": [{"funder": {"name": "A funder"}, "durationMonths": months}],
            "challengesFaced": step.map(|step| json!({"challenge": "DEFINING_AMBITIONS", "step": step})).into_iter().collect::<Vec<_>>(),
            "source": {"kind": "SELF_REPORT", "title": "A return"},
        })
    };
    app.publish(&[
        record("1", Some(12), Some("SKIPPED")),
        record("2", Some(18), Some("TAKEN")),
        record("3", Some(36), Some("SKIPPED")),
        record("4", Some(36), Some("RUSHED")),
        record("5", None, Some("SKIPPED")),
        record("6", Some(6), None),
    ])
    .await;
    let steward = app.steward().await;
    let answer = steward
        .query(
            "{ pattern(
                when: { fundingTerms: { some: { durationMonths: { lte: 18 } } } }
                then: { challenge: { on: DEFINING_AMBITIONS, step: { in: [SKIPPED] } } }
                by: REGION) {
              summary { text }
              table { population both whenOnly thenOnly neither unknown whenUnknown thenUnknown }
              groups(first: 20) { nodes { label table { population both } } } } }",
        )
        .await;
    assert_eq!(
        answer["pattern"]["table"],
        json!({"population": 6, "both": 1, "whenOnly": 1, "thenOnly": 1, "neither": 1, "unknown": 2, "whenUnknown": 1, "thenUnknown": 1})
    );
    assert_eq!(
        answer["pattern"]["groups"]["nodes"],
        json!([
            {"label": "North East", "table": {"population": 6, "both": 1}},
            {"label": "North West", "table": {"population": 0, "both": 0}},
            {"label": "West Midlands", "table": {"population": 0, "both": 0}},
            {"label": "Not known", "table": {"population": 0, "both": 0}},
        ])
    );
}

async fn every_answer_has_the_fields_of_the_interface(database: Database) {
    let app = start_with_places(database).await;
    app.publish(&[builders::record("1").in_place("E06000001").build()])
        .await;
    let answers = app
        .steward()
        .await
        .query(
            "query {
               pattern(when: {}, then: {}, scope: VISIBLE) { ...answer }
               patternGrid(rows: REGION, columns: WAY_IN, scope: VISIBLE) { ...answer }
               distribution(of: REGION, scope: VISIBLE) { ...answer bins { key suppressed { count } } }
               associations(conditions: [{name: \"a\", condition: {}}, {name: \"b\", condition: {}}], scope: VISIBLE) {
                 ...answer illustrative pairs { when then cautions { code } } }
               compare(groups: [{label: \"a\", filter: {}}], then: {}, scope: VISIBLE) { ...answer groups { label } }
               entryPointFlows(scope: VISIBLE) { ...answer flows { count } }
             }
             fragment answer on Answer {
               __typename cautions { code } scope disclosure { applied suppressed { count } } asOf { changeNumber } licence
             }",
        )
        .await;
    for (field, type_name) in [
        ("pattern", "Pattern"),
        ("patternGrid", "PatternGrid"),
        ("distribution", "Distribution"),
        ("associations", "Associations"),
        ("compare", "Comparison"),
        ("entryPointFlows", "EntryPointFlows"),
    ] {
        let answer = &answers[field];
        assert_eq!(answer["__typename"], type_name);
        assert_eq!(answer["scope"], "VISIBLE", "{field}");
        assert_eq!(answer["licence"], "CC-BY-4.0", "{field}");
        assert_eq!(
            answer["disclosure"],
            json!({"applied": false, "suppressed": []}),
            "{field}"
        );
        assert!(answer["asOf"]["changeNumber"].is_i64(), "{field}: {answer}");
        let cautions = answer["cautions"].as_array().unwrap();
        assert!(
            cautions.contains(&json!({"code": "NOT_A_SAMPLE"})),
            "{field}: {answer}"
        );
    }
    let pair = &answers["associations"]["pairs"][0];
    assert_eq!((&pair["when"], &pair["then"]), (&json!("a"), &json!("b")));
    assert!(
        pair["cautions"]
            .as_array()
            .unwrap()
            .contains(&json!({"code": "SMALL_NUMBERS"})),
        "{pair}"
    );
}

async fn competition_for_resources_can_be_filtered(database: Database) {
    let app = start_with_places(database).await;
    let record = |reference: &str, reasons: &[&str]| {
        let step = json!({"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": reasons});
        builders::record(reference)
            .with("challengesFaced", json!([step]))
            .build()
    };
    app.publish(&[
        record("1", &["CRISIS_RESPONSE", "COMPETITION_FOR_RESOURCES"]),
        record("2", &["OTHER"]),
        record("3", &["COMPETITION_FOR_RESOURCES", "OTHER"]),
        record("4", &[]),
    ])
    .await;
    let steward = app.steward().await;
    let competed =
        "{ challenge: { on: DEFINING_AMBITIONS, reasons: { includes: [COMPETITION_FOR_RESOURCES] } } }";
    let other = "{ challenge: { on: DEFINING_AMBITIONS, reasons: { includes: [OTHER] } } }";
    let answer = steward
        .query(&format!(
            "{{ initiatives(filter: {competed}) {{ nodes {{ externalRef challengesFaced {{ reasons }} }} }}
              pattern(when: {competed}, then: {other}, scope: VISIBLE) {{
                summary {{ text }} table {{ both whenOnly thenOnly neither unknown }} }}
              vocabulary {{ reasons {{ code label definition }} }} }}"
        ))
        .await;
    let mut found = answer["initiatives"]["nodes"].as_array().unwrap().clone();
    found.sort_by_key(|one| one["externalRef"].to_string());
    assert_eq!(
        found,
        [
            json!({"externalRef": "1", "challengesFaced": [{"reasons": ["CRISIS_RESPONSE", "COMPETITION_FOR_RESOURCES"]}]}),
            json!({"externalRef": "3", "challengesFaced": [{"reasons": ["COMPETITION_FOR_RESOURCES", "OTHER"]}]}),
        ]
    );
    assert_eq!(
        answer["pattern"]["table"],
        json!({"both": 1, "whenOnly": 1, "thenOnly": 1, "neither": 0, "unknown": 1})
    );
    let sentence = answer["pattern"]["summary"]["text"].as_str().unwrap();
    assert!(
        sentence.contains("gave “competition for resources” as a reason"),
        "{sentence}"
    );
    let listed = answer["vocabulary"]["reasons"].as_array().unwrap();
    assert!(
        listed.contains(&json!({
            "code": "COMPETITION_FOR_RESOURCES", "label": "Competition for resources",
            "definition": "A crisis or scarce money made organisations compete for resources and protect their own.",
        })),
        "{listed:?}"
    );
}

/// The numbers of initiatives that skipped and took the step, for short and for longer funding, in two years.
const COUNTS_BY_YEAR: [(&str, [u32; 4]); 2] = [("2001-05-01", [8, 5, 5, 12]), ("2002-05-01", [5, 0, 4, 0])];

async fn year_with_only_skipped_steps_counts_in_the_adjusted_risk_ratio(database: Database) {
    let app = TestApp::start(database).await;
    let mut records = Vec::new();
    for (started, [short_skipped, short_taken, long_skipped, long_taken]) in COUNTS_BY_YEAR {
        for (count, months, step) in [
            (short_skipped, 12, "SKIPPED"),
            (short_taken, 12, "TAKEN"),
            (long_skipped, 36, "SKIPPED"),
            (long_taken, 36, "TAKEN"),
        ] {
            for _ in 0..count {
                let record = builders::record(&records.len().to_string())
                    .with("startedOn", started)
                    .with(
                        "fundingTerms",
                        json!([{"funder": {"name": "A funder"}, "durationMonths": months}]),
                    )
                    .with(
                        "challengesFaced",
                        json!([{"challenge": "DEFINING_AMBITIONS", "step": step}]),
                    );
                records.push(record.build());
            }
        }
    }
    app.publish(&records).await;
    let steward = app.steward().await;
    let question = |among: &str| {
        format!(
            "{{ pattern(when: {{ fundingTerms: {{ some: {{ durationMonths: {{ lte: 18 }} }} }} }}
                then: {{ challenge: {{ on: DEFINING_AMBITIONS, step: {{ in: [SKIPPED] }} }} }}
                {among} by: YEAR_STARTED, scope: VISIBLE) {{
              pValue
              adjusted {{ riskRatio {{ value }} oddsRatio {{ value }} groupCount groupsLeftOut initiativesLeftOut
                oddsRatioGroupsLeftOut oddsRatioInitiativesLeftOut
                riskRatioGroupsLeftOut riskRatioInitiativesLeftOut }} }} }}"
        )
    };
    let answer = steward.query(&question("")).await;
    let adjusted = &answer["pattern"]["adjusted"];
    // (8 * 17 / 30 + 5 * 4 / 9) / (5 * 13 / 30 + 4 * 5 / 9), the estimator of Mantel and Haenszel.
    let risk_ratio = adjusted["riskRatio"]["value"].as_f64().unwrap();
    let expected = (8.0 * 17.0 / 30.0 + 20.0 / 9.0) / (5.0 * 13.0 / 30.0 + 20.0 / 9.0);
    assert!(
        (risk_ratio - expected).abs() < 1e-12,
        "{risk_ratio} is not {expected}"
    );
    assert_eq!(
        [
            &adjusted["groupCount"],
            &adjusted["groupsLeftOut"],
            &adjusted["initiativesLeftOut"],
            &adjusted["oddsRatioGroupsLeftOut"],
            &adjusted["oddsRatioInitiativesLeftOut"],
            &adjusted["riskRatioGroupsLeftOut"],
            &adjusted["riskRatioInitiativesLeftOut"],
        ],
        [
            &json!(2),
            &json!(0),
            &json!(0),
            &json!(1),
            &json!(9),
            &json!(0),
            &json!(0)
        ],
        "{adjusted}"
    );
    let answer = steward
        .query(&question("among: { title: { eq: \"No such title\" } }"))
        .await;
    assert!(answer["pattern"]["pValue"].is_null(), "{answer}");
}

async fn oversized_filter_is_rejected(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let asked = |many: usize| {
        let conditions = r#"{startedOn: {lte: "2020-01-01"}}, "#.repeat(many);
        format!("{{ initiatives(filter: {{or: [{conditions}]}}) {{ totalCount }} }}")
    };
    let (message, code) = steward.query_error(&asked(300)).await;
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(message.starts_with("filter: holds "), "{message}");
    let (message, code) = steward.query_error(&asked(5_000)).await;
    assert_eq!(code, "QUERY_TOO_EXPENSIVE");
    assert!(message.contains("too many bytes"), "{message}");
    let months = (0..2_000)
        .map(|months| months.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let listed = format!(
        "{{ initiatives(filter: {{fundingTerms: {{some: {{durationMonths: {{in: [{months}]}}}}}}}}) {{ totalCount }} }}"
    );
    let (message, code) = steward.query_error(&listed).await;
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(message.contains("in lists 2000 values"), "{message}");
    assert_eq!(steward.query(&asked(200)).await["initiatives"]["totalCount"], 0);
}
