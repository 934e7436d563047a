//! Answers as CSV files: a database to ask about, and the parts of a file to compare with GraphQL.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use wayin_entity::Role;

use super::Database;
use super::app::{Client, TestApp};
use super::builders::{organisation, record};
use super::http::{export_address, get, send};
use super::places::places_with;

/// A table of places. The name of one region looks like a formula.
pub fn places_csv() -> String {
    let more =
        "E06000008,Blackburn,LOCAL_AUTHORITY,E12000002,\nE06000009,Blackpool,LOCAL_AUTHORITY,E12000002,\n";
    places_with(more).replace(",North East,", ",=North East,")
}

/// The organisation of the funder who reads.
const FUNDER: &str = "GB-CHC-20";

/// A service over the records of [`publish_mixed_visibility`].
pub async fn start_with_mixed_visibility(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    publish_mixed_visibility(&app).await;
    app
}

/// Publishes open records, records for members and records that are only counted, of eight organisations. Some cells
/// have enough hidden records to be counted, and others have too few.
pub async fn publish_mixed_visibility(app: &TestApp) {
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
}

/// A steward, a funder and a dashboard member.
pub async fn create_readers(app: &TestApp) -> [Client<'_>; 3] {
    [
        app.steward().await,
        app.create_member("funder", Role::Funder, Some(FUNDER)).await,
        app.create_member("dashboard", Role::Dashboard, None).await,
    ]
}

/// Selects initiatives with some funding of 18 months or less.
pub fn short_funding_filter() -> Value {
    json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}})
}

/// Selects initiatives that skipped defining their ambitions.
pub fn skipped_ambitions_filter() -> Value {
    json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}})
}

/// A row of a table, by the headers of its columns.
pub type Row = BTreeMap<String, String>;

/// A parsed file with a preamble.
#[derive(Debug)]
pub struct ParsedCsvFile {
    /// The lines of the preamble.
    pub head: Vec<(String, String)>,
    /// The rows of the table.
    pub rows: Vec<Row>,
}

impl ParsedCsvFile {
    /// Parses a file.
    pub fn parse(written: &[u8]) -> Self {
        let text = std::str::from_utf8(written).unwrap();
        let text = text
            .strip_prefix('\u{feff}')
            .expect("the file begins with a UTF-8 byte order mark");
        let (head, table) = text.split_once("\r\n\r\n").expect("a preamble and a table");
        let head = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(head.as_bytes())
            .deserialize()
            .collect::<Result<_, _>>()
            .expect("each line of the preamble is a name and a value");
        let rows = csv::Reader::from_reader(table.as_bytes())
            .deserialize()
            .collect::<Result<_, _>>()
            .expect("each row is as wide as the header");
        Self { head, rows }
    }

    /// The values of the lines of the preamble with a name.
    pub fn head_values(&self, name: &str) -> Vec<&str> {
        let lines = self.head.iter().filter(|(one, _)| one == name);
        lines.map(|(_, text)| text.as_str()).collect()
    }

    /// The value of the only line of the preamble with a name.
    pub fn head_value(&self, name: &str) -> &str {
        match self.head_values(name)[..] {
            [text] => text,
            ref other => panic!("{name}: {other:?} in {:?}", self.head),
        }
    }
}

/// Downloads and parses a file with its preamble as a reader.
pub async fn download_csv(
    app: &TestApp,
    reader: &Client<'_>,
    name: &str,
    parameters: &Value,
) -> ParsedCsvFile {
    let mut parameters = parameters.clone();
    parameters["preamble"] = json!(true);
    let parameters = &parameters;
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
pub fn assert_cell(row: &Row, column: &str, expected: &Value) {
    assert_rounded(row, column, expected, |number| number);
}

/// Asserts that a cell has the same value as GraphQL, if a number is rounded.
pub fn assert_rounded(row: &Row, column: &str, expected: &Value, round: fn(f64) -> f64) {
    assert_same(&row[column], expected, round, &format!("{column} of {row:?}"));
}

/// Asserts that a text has the value of GraphQL, if a number is rounded.
pub fn assert_same(cell: &str, expected: &Value, round: fn(f64) -> f64, place: &str) {
    let same = match expected {
        Value::Null => cell.is_empty(),
        Value::Number(number) => cell.parse().ok() == number.as_f64().map(round),
        Value::String(text) => cell == text || (text.starts_with('=') && *cell == format!("'{text}")),
        other => panic!("{other} has no cell"),
    };
    assert!(same, "{cell:?} is not {expected}: {place}");
}

/// A share as a rounded percentage.
pub fn round_percent(share: f64) -> f64 {
    format!("{:.1}", share * 100.0).parse().unwrap()
}

/// The counts of a table: the fields of GraphQL, and the columns.
pub const COUNTS: [(&str, &str); 8] = [
    ("population", "initiatives"),
    ("both", "both"),
    ("whenOnly", "first only"),
    ("thenOnly", "second only"),
    ("neither", "neither"),
    ("unknown", "unknown"),
    ("whenUnknown", "first unknown"),
    ("thenUnknown", "second unknown"),
];

/// The kinds of records that an answer has rows of.
pub fn list_records(answer: &Value) -> &'static [&'static str] {
    if answer["scope"] == "VISIBLE" {
        &["readable"]
    } else if answer["disclosure"]["applied"] == true {
        &["all", "readable"]
    } else {
        &["all"]
    }
}

/// Asserts what the row of a kind of records says of itself. Returns whether the answer is computed from it.
pub fn assert_records(row: &Row, records: &str, basis: &Value) -> bool {
    assert_eq!(row["records"], records, "{row:?}");
    let is_compared = (records == "all") == (basis == "ALL");
    assert_eq!(
        row["use for comparison"],
        if is_compared { "yes" } else { "no" },
        "{row:?}"
    );
    is_compared
}

/// Asserts that a row names the suppressed counts. GraphQL lists them with their rule.
pub fn assert_suppressed(row: &Row, suppressed: &Value) {
    let none = Vec::new();
    let output: Vec<&str> = suppressed
        .as_array()
        .unwrap_or(&none)
        .iter()
        .map(|one| {
            let count = one["count"].as_str().unwrap();
            let named = COUNTS.iter().find(|(field, _)| *field == count);
            let column = match named {
                Some((_, column)) => *column,
                None if count == "count" => "initiatives",
                None => count,
            };
            assert_eq!(row[column], "", "{row:?}");
            column
        })
        .collect();
    assert_eq!(row["suppressed"], output.join("; "), "{row:?}");
}

/// Asserts that the preamble of the file matches the whole answer over GraphQL.
pub fn assert_head(file: &ParsedCsvFile, expected: &Value) {
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
                .starts_with("The table has rows of all records and"),
            controlled
        );
    }
    if let Some(cautions) = expected["cautions"].as_array() {
        let texts: Vec<&str> = cautions.iter().map(|one| one["text"].as_str().unwrap()).collect();
        assert_eq!(file.head_values("caution"), texts);
    }
}

/// The fields of an answer that a preamble cites.
pub const CITATION_FIELDS: &str = "scope asOf { changeNumber changedAt } licence";
/// The suppressed counts of a group.
pub const SUPPRESSED_FIELDS: &str = "suppressed { count rule }";
/// How disclosure control changed an answer.
pub const DISCLOSURE_FIELDS: &str = "disclosure { applied suppressed { count rule } }";

/// The answer over GraphQL to the same parameters.
pub async fn query_graphql(reader: &Client<'_>, query: &str, parameters: &Value) -> Value {
    let mut response = reader.execute_with(query, parameters.clone()).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"].take()
}

/// The parameters with a scope.
pub fn with_scope(parameters: &Value, over: &str) -> Value {
    let mut parameters = parameters.clone();
    parameters["scope"] = json!(over);
    parameters
}
