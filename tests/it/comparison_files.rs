//! Comparisons of groups as files, compared with GraphQL.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::support::answer_tables::{
    CITATION_FIELDS, COUNTS, DISCLOSURE_FIELDS, Row, SUPPRESSED_FIELDS, assert_cell, assert_head,
    assert_records, assert_rounded, assert_same, assert_suppressed, create_readers, download_csv,
    list_records, query_graphql, round_percent, short_funding_filter, skipped_ambitions_filter,
    start_with_mixed_visibility, with_scope,
};
use crate::support::answer_workbooks::{
    assert_data_sheet, download_file, download_workbook, list_parts, list_summary_texts,
};
use crate::support::app::{Client, TestApp};
use crate::support::http::{export_address, get, send, workbook_address};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    comparison_csv_matches_graphql,
    portfolio_files_have_the_portfolio_of_their_reader,
    comparison_workbook_has_the_answer_and_a_chart,
    comparison_files_cost_the_same_as_their_query,
    wrong_comparison_files_are_refused,
    link_opens_a_comparison_file,
];

const QUERY_ARGUMENTS: &str =
    "$groups: [ComparisonGroupInput!], $portfolio: Boolean! = false, $then: InitiativeFilter!,
     $among: InitiativeFilter, $scope: RecordScope! = ALL";
const FIELD_ARGUMENTS: &str =
    "groups: $groups, portfolio: $portfolio, then: $then, among: $among, scope: $scope";
const TABLE: &str = "{ population both whenOnly thenOnly neither unknown whenUnknown thenUnknown }";

/// The answer over GraphQL to the parameters of a file.
async fn compare(reader: &Client<'_>, parameters: &Value) -> Value {
    let query = format!(
        "query({QUERY_ARGUMENTS}) {{ compare({FIELD_ARGUMENTS}) {{
           summary {{ headline byGroup certainty cautions text }} basis cautions {{ code text }} {CITATION_FIELDS} {DISCLOSURE_FIELDS}
           groups {{ label verdict table {TABLE} visibleTable {TABLE} rate {{ value lower upper }}
             rateOfRest {{ value lower upper }} difference {{ value lower upper }} {SUPPRESSED_FIELDS} }} }} }}"
    );
    query_graphql(reader, &query, parameters).await["compare"].take()
}

/// Groups of different sizes. One label looks like a formula.
fn list_groups() -> Value {
    json!([
        {"label": "=short", "filter": short_funding_filter()},
        {"label": "Blackpool", "filter": {"place": {"is": {"code": "E06000009"}}}},
        {"label": "by collaboration", "filter": {"wayIn": {"in": ["COLLABORATION"]}}},
    ])
}

fn comparison_parameters() -> Value {
    json!({"groups": list_groups(), "then": skipped_ambitions_filter()})
}

/// Asserts that the rows of a group have its counts for each kind of records, its verdict, and its figures.
fn assert_group(rows: &[Row], answer: &Value, group: &Value) {
    let verdict = group["verdict"].as_str().unwrap();
    for (row, records) in rows.iter().zip(list_records(answer)) {
        assert_cell(row, "group", &group["label"]);
        assert_eq!(
            row["verdict"],
            verdict.to_lowercase().replace('_', " "),
            "{row:?}"
        );
        let is_readable = *records == "readable";
        let counts = &group[if is_readable { "visibleTable" } else { "table" }];
        for (field, column) in COUNTS {
            assert_cell(row, column, &counts[field]);
        }
        let suppressed = if is_readable {
            &Value::Null
        } else {
            &group["suppressed"]
        };
        assert_suppressed(row, suppressed);
        if assert_records(row, records, &answer["basis"]) {
            for (figure, name, unit) in [
                ("rate", "rate in the group", "%"),
                ("rateOfRest", "rate of the rest", "%"),
                ("difference", "difference", "points"),
            ] {
                for (end, part) in [("", "value"), (" lower", "lower"), (" upper", "upper")] {
                    let column = format!("{name}{end} ({unit})");
                    assert_rounded(row, &column, &group[figure][part], round_percent);
                }
            }
        }
    }
}

async fn comparison_csv_matches_graphql(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    for reader in create_readers(&app).await {
        for over in ["ALL", "VISIBLE"] {
            for among in [Value::Null, json!({"place": {"within": {"code": "E12000001"}}})] {
                let mut parameters = with_scope(&comparison_parameters(), over);
                if among.is_object() {
                    parameters["among"] = among;
                }
                let expected = compare(&reader, &parameters).await;
                let file = download_csv(&app, &reader, "compare", &parameters).await;
                assert_head(&file, &expected);
                let summary = file.head_value("summary");
                assert_same(
                    summary,
                    &expected["summary"]["text"],
                    |number| number,
                    "the summary",
                );
                assert_eq!(file.head_value("groups"), parameters["groups"].to_string());
                let records = list_records(&expected);
                let groups = expected["groups"].as_array().unwrap();
                assert_eq!((file.rows.len(), groups.len()), (3 * records.len(), 3));
                for (rows, group) in file.rows.chunks(records.len()).zip(groups) {
                    assert_group(rows, &expected, group);
                }
            }
        }
    }
}

async fn portfolio_files_have_the_portfolio_of_their_reader(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [steward, funder, _] = create_readers(&app).await;
    for over in ["ALL", "VISIBLE"] {
        let parameters = json!({"portfolio": true, "then": skipped_ambitions_filter(), "scope": over});
        let expected = compare(&funder, &parameters).await;
        let file = download_csv(&app, &funder, "compare", &parameters).await;
        assert_eq!(file.head_value("portfolio"), "true");
        assert_eq!(file.rows[0]["group"], "Your portfolio");
        assert_group(&file.rows, &expected, &expected["groups"][0]);
    }
    let address = export_address(
        "compare",
        &json!({"portfolio": true, "then": skipped_ambitions_filter()}),
    );
    let (status, _, body) = send(&app.app, get(&address, steward.authorization.as_deref())).await;
    let body = String::from_utf8_lossy(&body);
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(
        body.contains("portfolio: You do not belong to an organisation"),
        "{body}"
    );
}

async fn comparison_workbook_has_the_answer_and_a_chart(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let parameters = comparison_parameters();
    for reader in create_readers(&app).await {
        assert_data_sheet(&app, &reader, "compare", &parameters).await;
        let answer = compare(&reader, &parameters).await;
        let book = download_workbook(&app, &reader, "compare", &parameters).await;
        let texts = list_summary_texts(&book);
        let mut wanted = vec![answer["summary"]["headline"].clone(), answer["licence"].clone()];
        wanted.extend(answer["summary"]["byGroup"].as_array().unwrap().iter().cloned());
        wanted.extend(
            answer["cautions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["text"].clone()),
        );
        if answer["summary"]["certainty"].is_string() {
            wanted.push(answer["summary"]["certainty"].clone());
        }
        for text in &wanted {
            let text = text.as_str().unwrap();
            assert!(texts.iter().any(|one| one == text), "{text} is not in {texts:?}");
        }
        let charts = list_parts(&book, "xl/charts/chart");
        let [(_, chart)] = &charts[..] else {
            panic!("the workbook has {} charts", charts.len());
        };
        assert!(chart.contains("<c:errBars>"), "{chart}");
        assert!(chart.contains("How many meet the condition, in 100"), "{chart}");
        for (part, sheet) in list_parts(&book, "xl/worksheets/sheet") {
            assert!(!sheet.contains("<f>"), "{part}: {sheet}");
        }
    }
}

async fn comparison_files_cost_the_same_as_their_query(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let steward = app.steward().await;
    let among = json!({"title": {"contains": "x"}});
    for (parameters, points) in [
        // 30 points, 30 for each group, and 2 for each value.
        (comparison_parameters(), "136"),
        (
            json!({"groups": list_groups(), "then": {}, "among": among, "portfolio": false}),
            "134",
        ),
    ] {
        for address in [
            export_address("compare", &parameters),
            workbook_address("compare", &parameters),
        ] {
            let (headers, _) = download_file(&app, &steward, &address).await;
            assert_eq!(headers["query-cost"], points, "{parameters}");
        }
        let query = format!("query({QUERY_ARGUMENTS}) {{ compare({FIELD_ARGUMENTS}) {{ basis }} }}");
        let request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, steward.authorization.as_deref().unwrap())
            .body(Body::from(
                json!({"query": query, "variables": parameters}).to_string(),
            ))
            .unwrap();
        let (status, headers, body) = send(&app.app, request).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        assert_eq!(headers["query-cost"], points, "{parameters}");
    }
}

async fn wrong_comparison_files_are_refused(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let anonymous = send(&app.app, get("/export/compare.csv", None)).await;
    assert_eq!(anonymous.0, StatusCode::UNAUTHORIZED);
    let group = |label: &str| json!({"label": label, "filter": {}});
    for (parameters, message) in [
        (
            json!({"then": {}}),
            "groups: there is nothing to compare; give either `groups` or `portfolio: true`",
        ),
        (
            json!({"groups": [group("a")], "portfolio": true, "then": {}}),
            "portfolio: groups are given too",
        ),
        (json!({"groups": [], "then": {}}), "groups: 0 are given"),
        (
            json!({"groups": [group("a"), group("a")], "then": {}}),
            "groups.1.label: is the label of another group too",
        ),
        (
            json!({"groups": [{"label": "a", "filter": {"titel": {"eq": "x"}}}], "then": {}}),
            "groups.0.filter.titel: is not a field",
        ),
        (json!({"groups": [group("a")]}), "then: is needed"),
        (
            json!({"portfolio": "yes", "then": {}}),
            "portfolio: is neither true nor false",
        ),
        (
            json!({"groups": "a", "then": {}}),
            "groups: \\\"a\\\" is not JSON",
        ),
        (
            json!({"groups": [group("a")], "then": {}, "by": "REGION"}),
            "by: this file has no such parameter; it has groups, portfolio, then, among, scope, minChangeNumber",
        ),
    ] {
        for address in [
            export_address("compare", &parameters),
            workbook_address("compare", &parameters),
        ] {
            let (status, _, body) = send(&app.app, get(&address, steward.authorization.as_deref())).await;
            let body = String::from_utf8_lossy(&body);
            assert_eq!(status, StatusCode::BAD_REQUEST, "{parameters}: {body}");
            assert!(body.contains(message), "{parameters}: {body}");
        }
    }
}

async fn link_opens_a_comparison_file(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [_, funder, dashboard] = create_readers(&app).await;
    let query = "mutation($input: CreateExportLinkInput!) { createExportLink(input: $input) { url problems { message } } }";
    let create = async |client: &Client<'_>, address: &str| {
        let input = json!({"input": {"address": address}});
        query_graphql(client, query, &input).await["createExportLink"].take()
    };
    let portfolio = json!({"portfolio": true, "then": skipped_ambitions_filter()});
    for parameters in [comparison_parameters(), portfolio.clone()] {
        for address in [
            export_address("compare", &parameters),
            workbook_address("compare", &parameters),
        ] {
            let created = create(&funder, &address).await;
            assert_eq!(created["problems"], json!([]), "{created}");
            let url = created["url"].as_str().unwrap();
            let (status, _, by_link) = send(&app.app, get(url, None)).await;
            assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&by_link));
            let (_, direct) = download_file(&app, &funder, &address).await;
            assert!(by_link == direct, "{address}");
        }
    }
    // Whoever belongs to no organisation has no portfolio.
    let refused = create(&dashboard, &export_address("compare", &portfolio)).await;
    assert_eq!(refused["url"], Value::Null);
    let message = refused["problems"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("You do not belong to an organisation"),
        "{message}"
    );
}
