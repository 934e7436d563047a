//! Answers as workbooks, compared with the CSV files and with GraphQL.

use axum::http::{StatusCode, header};
use calamine::Data;
use serde_json::{Value, json};
use wayin_entity::Role;

use crate::support::answer_workbooks::{
    assert_data_sheet, download_file, download_workbook, list_parts, list_summary_texts,
};
use crate::support::app::{Client, TestApp};
use crate::support::builders::{organisation, record};
use crate::support::http::{export_address, get, send, workbook_address};
use crate::support::places::places_with;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    data_sheet_has_the_rows_of_the_csv_file,
    summary_sheet_has_the_answer_and_how_to_cite_it,
    workbook_draws_a_chart_and_has_no_formulas,
    workbook_has_the_errors_and_the_cost_of_the_csv_file,
];

/// A database with 160 records that readers see differently. The name of a region looks like a formula.
async fn start_with_records(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    let more = "E06000008,Blackburn,LOCAL_AUTHORITY,E12000002,\n";
    let places = places_with(more).replace(",North East,", ",=North East,");
    app.import_places(&places).await;
    let records: Vec<Value> = (0..160)
        .map(|number: usize| {
            let months = [Some(12), Some(36), Some(18), None][number / 2 % 4];
            let funder = format!("GB-CHC-{}", 40 + number % 12);
            let step = ["SKIPPED", "TAKEN", "SKIPPED", "RUSHED"][number / 3 % 4];
            record(&number.to_string())
                .with(
                    "visibility",
                    ["OPEN", "MEMBERS", "AGGREGATE_ONLY", "AGGREGATE_ONLY"][number % 4],
                )
                .with("illustrative", number % 40 == 4)
                .led_by(&format!("GB-CHC-{}", 1 + number / 4 % 8))
                .in_place(["E06000008", "E06000001", "E06000001"][number % 3])
                .with(
                    "fundingTerms",
                    json!([{"funder": organisation(&funder), "durationMonths": months}]),
                )
                .with(
                    "challengesFaced",
                    json!([{"challenge": "DEFINING_AMBITIONS", "step": step}]),
                )
                .build()
        })
        .collect();
    app.publish(&records).await;
    app
}

async fn create_readers(app: &TestApp) -> [Client<'_>; 2] {
    [
        app.steward().await,
        app.create_member("dashboard", Role::Dashboard, None).await,
    ]
}

fn pattern_parameters() -> Value {
    json!({
        "when": {"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}},
        "then": {"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}},
    })
}

/// One request for each kind of answer that has a workbook, with and without groups.
fn list_requests() -> [(&'static str, Value); 4] {
    let mut by_region = pattern_parameters();
    by_region["by"] = json!("REGION");
    let among = json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}});
    [
        ("pattern", pattern_parameters()),
        ("pattern", by_region),
        (
            "grid",
            json!({"rows": "REGION", "columns": "CHALLENGE_AMBITIONS"}),
        ),
        ("distribution", json!({"of": "REGION", "among": among})),
    ]
}

async fn data_sheet_has_the_rows_of_the_csv_file(database: Database) {
    let app = start_with_records(database).await;
    let mut has_formula_like_text = false;
    for reader in create_readers(&app).await {
        for (name, parameters) in list_requests() {
            let rows = assert_data_sheet(&app, &reader, name, &parameters).await;
            let mut cells = rows.iter().flatten();
            has_formula_like_text |= cells.any(|cell| *cell == Data::String("=North East".into()));
        }
    }
    assert!(has_formula_like_text);
}

async fn summary_sheet_has_the_answer_and_how_to_cite_it(database: Database) {
    let app = start_with_records(database).await;
    let query = "query($when: InitiativeFilter!, $then: InitiativeFilter!, $by: Dimension) {
        pattern(when: $when, then: $then, by: $by) {
          summary { headline certainty unknowns where } cautions { code text } licence asOf { changeNumber } } }";
    let mut parameters = pattern_parameters();
    parameters["by"] = json!("REGION");
    for reader in create_readers(&app).await {
        let response = reader.execute_with(query, parameters.clone()).await;
        let answer = &response["data"]["pattern"];
        let texts = list_summary_texts(&download_workbook(&app, &reader, "pattern", &parameters).await);
        let find = |wanted: &Value| {
            let wanted = wanted
                .as_str()
                .map_or_else(|| wanted.to_string(), ToOwned::to_owned);
            texts
                .iter()
                .position(|text| *text == wanted)
                .unwrap_or_else(|| panic!("{wanted} is not in {texts:?}"))
        };
        let headline = find(&answer["summary"]["headline"]);
        for part in ["certainty", "unknowns", "where"] {
            let text = &answer["summary"][part];
            if text.is_string() {
                find(text);
            }
        }
        let mut is_marked = false;
        for caution in answer["cautions"].as_array().unwrap() {
            let place = find(&caution["text"]);
            if caution["code"] == "ILLUSTRATIVE" {
                is_marked = true;
                assert!(place < headline, "illustrative records are marked at the top");
            }
        }
        assert!(is_marked, "{answer}");
        find(&answer["licence"]);
        find(&answer["asOf"]["changeNumber"]);
        find(&json!("How to cite"));
        find(&json!("initiatives that skipped defining their ambitions"));
        find(&json!("=North East"));
    }
    for (name, parameters) in &list_requests()[2..] {
        let steward = app.client("steward");
        let texts = list_summary_texts(&download_workbook(&app, &steward, name, parameters).await);
        let has = |words: &str| texts.iter().any(|text| text.contains(words));
        assert!(has("with the most initiatives is"), "{texts:?}");
        assert!(
            has("The table counts all records. Counts are exact."),
            "{texts:?}"
        );
        assert!(has("Wayin "), "{texts:?}");
    }
}

async fn workbook_draws_a_chart_and_has_no_formulas(database: Database) {
    let app = start_with_records(database).await;
    for reader in create_readers(&app).await {
        for (name, parameters) in list_requests() {
            let book = download_workbook(&app, &reader, name, &parameters).await;
            let charts = list_parts(&book, "xl/charts/chart");
            let [(part, chart)] = &charts[..] else {
                panic!("{name} has {} charts", charts.len());
            };
            assert_eq!(part, "xl/charts/chart1.xml");
            assert!(chart.contains("Summary!$A$"), "{chart}");
            assert_eq!(chart.contains("<c:errBars>"), name == "pattern", "{chart}");
            let sheets = list_parts(&book, "xl/worksheets/sheet");
            assert_eq!(sheets.len(), 2);
            for (part, sheet) in &sheets {
                assert!(!sheet.contains("<f>"), "{part} of {name}: {sheet}");
            }
            let summary = &sheets
                .iter()
                .find(|(part, _)| part.ends_with("sheet1.xml"))
                .unwrap()
                .1;
            assert_eq!(summary.contains("<colorScale>"), name == "grid", "{summary}");
        }
    }
}

async fn workbook_has_the_errors_and_the_cost_of_the_csv_file(database: Database) {
    let app = start_with_records(database).await;
    let [steward, _] = create_readers(&app).await;
    let anonymous = send(&app.app, get("/export/pattern.xlsx", None)).await;
    assert_eq!(anonymous.0, StatusCode::UNAUTHORIZED);
    for (name, parameters) in list_requests() {
        let mut costs = Vec::new();
        for address in [
            export_address(name, &parameters),
            workbook_address(name, &parameters),
        ] {
            let (headers, _) = download_file(&app, &steward, &address).await;
            costs.push(headers.get("query-cost").cloned());
        }
        assert_eq!(costs[0], costs[1], "{name}");
    }
    for (path, status, reason) in [
        ("pattern.xlsx?then=%7B%7D", 400, "when: is needed"),
        ("grid.xlsx?rows=PLACE", 400, "columns: is needed"),
        (
            "distribution.xlsx?of=PLACE&preamble=true",
            400,
            "preamble: this file has no such parameter; it has of, among, scope, minChangeNumber",
        ),
        ("flows.xlsx", 404, ""),
        ("associations.xlsx", 404, ""),
    ] {
        let request = get(&format!("/export/{path}"), steward.authorization.as_deref());
        let (found, headers, body) = send(&app.app, request).await;
        let body = String::from_utf8_lossy(&body);
        assert_eq!(found.as_u16(), status, "{path}: {body}");
        assert!(body.contains(reason), "{path}: {body}");
        if status == 400 {
            assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        }
    }
}
