//! Tables in every encoding that spreadsheet programs use are read the same: grants, places and records.

use serde_json::{Value, json};
use wayin::import::job::worker;
use wayin::import::{self, Remark, Tally};
use wayin_entity::{FileFormat, ImportKind, Role};

use crate::support::app::TestApp;
use crate::support::imports::{load_rows, send_file};
use crate::support::workbooks::build_open_document;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    csv_is_read_in_every_encoding,
    file_notes_are_stored_with_the_import,
    grants_can_be_imported_from_a_spreadsheet,
];

const GRANTS_CSV: &str =
    "Identifier,Title,Currency,Amount Awarded,Award Date,Recipient\u{a0}Org:Name,Funding Org:Name,Data Source
360G-a-1,Caf\u{e9} in town,GBP,1000,2020-05-01,A charity,A funder
";
const PLACES_CSV: &str = "code,name,kind,parents
E06000001,Hartlep\u{f6}\u{f6}l,LOCAL_AUTHORITY
";
const RECORDS_CSV: &str =
    "externalRef,title,place.code,leadOrganisation.name,source.kind,source.title,startedOn,summary
a,Caf\u{e9},E06000001,A charity,SELF_REPORT,Our return,25/06/2020
";

/// Encodes a table in Windows-1252. For the letters used here, the byte is the code point.
fn to_windows_1252(table: &str) -> Vec<u8> {
    table
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap())
        .collect()
}

/// The same table as other programs and other locales save it.
fn list_encodings(table: &str) -> Vec<(&'static str, Vec<u8>)> {
    let wide = |unit: fn(u16) -> [u8; 2]| {
        let units = std::iter::once(0xfeff).chain(table.encode_utf16());
        units.flat_map(unit).collect()
    };
    let table = table.to_owned();
    vec![
        ("plain", table.clone().into_bytes()),
        ("with a mark", format!("\u{feff}{table}").into_bytes()),
        ("semicolons", table.replace(',', ";").into_bytes()),
        ("tabs", table.replace(',', "\t").into_bytes()),
        (
            "named",
            format!("sep=^\n{}", table.replace(',', "^")).into_bytes(),
        ),
        ("CR", table.replace('\n', "\r").into_bytes()),
        ("CRLF", table.replace('\n', "\r\n").into_bytes()),
        ("UTF-16LE", wide(u16::to_le_bytes)),
        ("UTF-16BE", wide(u16::to_be_bytes)),
        ("Windows-1252", to_windows_1252(&table)),
    ]
}

async fn csv_is_read_in_every_encoding(database: Database) {
    let app = TestApp::start(database).await;
    let (db, act) = (&app.app.db, TestApp::action());
    let mut remarks = Vec::new();
    let mut tallies = Vec::new();
    for (how, bytes) in list_encodings(PLACES_CSV) {
        let tally = import::places::import(db, &act, &bytes[..], &mut |remark| remarks.push(remark))
            .await
            .unwrap();
        tallies.push(("places", how, tally));
    }
    for (of, kind, table) in [
        ("grants", ImportKind::Grants360Giving, GRANTS_CSV),
        ("records", ImportKind::Records, RECORDS_CSV),
    ] {
        for (how, bytes) in list_encodings(table) {
            let published = app.publish_file((kind, FileFormat::Csv), None, bytes).await;
            let (tally, said) = published.unwrap();
            tallies.push((of, how, tally));
            remarks.extend(said);
        }
    }
    let refused = remarks
        .iter()
        .filter(|remark| matches!(remark, Remark::Refused(_)));
    assert_eq!(refused.count(), 0, "{remarks:?}");
    for (of, how, tally) in tallies {
        let expected = if how == "plain" { [1, 0, 0] } else { [0, 0, 1] };
        let Tally {
            added,
            altered,
            unchanged,
            ..
        } = tally;
        assert_eq!([added, altered, unchanged], expected, "{of}, {how}");
    }
    app.catch_up().await;
    let query = "{ initiatives(first: 10) { nodes { title startedOn place { name } } } }";
    let mut answer = app.steward().await.query(query).await;
    let mut nodes: Vec<Value> = serde_json::from_value(answer["initiatives"]["nodes"].take()).unwrap();
    nodes.sort_by_key(|node| node["title"].as_str().map(str::to_owned));
    assert_eq!(
        nodes,
        [
            json!({"title": "Caf\u{e9}", "startedOn": "2020-06-25", "place": {"name": "Hartlep\u{f6}\u{f6}l"}}),
            json!({"title": "Caf\u{e9} in town", "startedOn": null, "place": null}),
        ]
    );
}

async fn file_notes_are_stored_with_the_import(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let input = json!({"kind": "GRANTS_360GIVING", "licence": "CC-BY-4.0"});
    let table = GRANTS_CSV
        .replace(',', ";")
        .replace("2020-05-01", "01/05/2020")
        .replace("1000", "1000,50");
    let bytes = to_windows_1252(&table);
    let sent = send_file(&app, &steward, "grants.csv", bytes, input.clone()).await;
    let import = sent["data"]["importRecords"]["import"].clone();
    worker::run_queued(&app.app).await.unwrap();
    app.catch_up().await;
    let query = format!(
        "{{ import(id: {}) {{ state publishedCount warningCount notes }} }}",
        import["id"]
    );
    let output = steward.query(&query).await["import"].take();
    assert_eq!(
        (
            &output["state"],
            &output["publishedCount"],
            &output["warningCount"]
        ),
        (&json!("COMPLETED"), &json!(1), &json!(1))
    );
    let notes: Vec<String> = serde_json::from_value(output["notes"].clone()).unwrap();
    assert!(
        notes[0].contains("Windows-1252") && notes[1].contains("semicolons"),
        "{notes:?}"
    );
    assert_eq!(
        load_rows(&steward, &import).await,
        ["2 PUBLISHED INVALID_FORMAT Award Date (a warning)"]
    );
    let answer = steward
        .query("{ initiatives { nodes { fundingTerms { amountMinor awardedOn } } } }")
        .await;
    assert_eq!(
        answer["initiatives"]["nodes"][0]["fundingTerms"],
        json!([{"amountMinor": 100_050, "awardedOn": "2020-05-01"}])
    );
    // A file with only a header is rejected, unlike a file whose rows have all been processed.
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-500"))
        .await;
    let sent = send_file(
        &app,
        &partner,
        "return.csv",
        "externalRef,title\r",
        json!({"mode": "DRAFT"}),
    )
    .await;
    let import = sent["data"]["importRecords"]["import"].clone();
    worker::run_queued(&app.app).await.unwrap();
    let query = format!(
        "{{ import(id: {}) {{ state failureReason notes }} }}",
        import["id"]
    );
    let output = partner.query(&query).await["import"].take();
    assert_eq!(
        output,
        json!({"state": "FAILED", "failureReason": "The file has no rows to import.", "notes": []})
    );
}

async fn grants_can_be_imported_from_a_spreadsheet(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let titles = [
        "Identifier",
        "Title",
        "Currency",
        "Amount Awarded",
        "Award Date",
        "Recipient Org:Name",
        "Funding Org:Name",
    ];
    let file = build_open_document(
        "Grants 2020",
        &[
            &titles,
            &[
                "360G-a-1",
                "One",
                "GBP",
                "1,500.00",
                "2020-05-01",
                "A charity",
                "A funder",
            ],
            &["360G-a-2", "", "GBP", "10", "2020-05-01", "A charity", "A funder"],
            &["360G-a-3", "Three", "GBP", "10", "TBC", "A charity", "A funder"],
        ],
    );
    let input = json!({"kind": "GRANTS_360GIVING", "licence": "CC-BY-4.0"});
    let sent = send_file(&app, &steward, "grants.ods", file, input).await;
    let import = sent["data"]["importRecords"]["import"].clone();
    assert_eq!(import["format"], "ODS", "{sent}");
    worker::run_queued(&app.app).await.unwrap();
    app.catch_up().await;
    let query = format!(
        "{{ import(id: {}) {{ state publishedCount rejectedCount warningCount notes
            rows(filter: {{hasProblems: true}}) {{ nodes {{ sheet row column message isWarning }} }} }} }}",
        import["id"]
    );
    let output = steward.query(&query).await["import"].take();
    assert_eq!(
        output,
        json!({"state": "COMPLETED", "publishedCount": 2, "rejectedCount": 1, "warningCount": 1, "notes": [], "rows": {"nodes": [
            {"sheet": "Grants 2020", "row": 3, "column": "Title", "message": "is missing", "isWarning": false},
            {"sheet": "Grants 2020", "row": 4, "column": "Award Date", "isWarning": true,
                "message": "\"TBC\" is not a date; write it as YYYY-MM-DD, such as 2014-06-25; the grant is taken without it"},
        ]}})
    );
    let answer = steward
        .query("{ initiatives { nodes { title fundingTerms { amountMinor } } } }")
        .await;
    let nodes = answer["initiatives"]["nodes"].as_array().unwrap();
    let one = nodes.iter().find(|node| node["title"] == "One").unwrap();
    assert_eq!(one["fundingTerms"], json!([{"amountMinor": 150_000}]));
}
