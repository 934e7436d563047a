//! Records are exported as workbooks and CSV files, and imported into another database unchanged.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use sea_orm::{EntityTrait, QueryOrder};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use tower::ServiceExt;
use wayin::export::ExportFormat;
use wayin::server;
use wayin_entity::{
    FileFormat, ImportKind, challenge_faced, challenge_reason, condition_changed, entry_point_taken,
    funding_term, initiative, organisation, revision, source,
};
use wayin_migration::Migrator;
use wayin_records::formats::FileError;
use wayin_records::formats::file_format::detect_record_format;
use wayin_records::workbook::RecordWorkbook;

use crate::support::app::TestApp;
use crate::support::database::connect;
use crate::support::exports::{export_records_as, import_records_as, remove_versions};
use crate::support::places::{PLACES, start_with_places};
use crate::support::records::{complete_record, minimal_record};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    records_round_trip_through_every_format,
    workbook_problems_name_sheet_row_and_column,
    template_is_public,
];

/// Every row of the tables of records, without ids and times.
async fn dump_tables(app: &TestApp) -> BTreeMap<&'static str, Vec<String>> {
    macro_rules! tables {
        ($($table:ident)+) => {
            BTreeMap::from([$((stringify!($table), {
                let rows = $table::Entity::find().into_json().all(&app.app.db).await.unwrap();
                let mut rows: Vec<String> = rows.into_iter().map(without_ids).collect();
                rows.sort();
                rows
            })),+])
        };
    }
    tables![
        initiative entry_point_taken challenge_faced challenge_reason condition_changed funding_term source organisation
    ]
}

fn without_ids(mut row: Value) -> String {
    let fields = row.as_object_mut().unwrap();
    // The disclosure key is derived from the secret of the database, and the version from its history.
    fields.retain(|name, _| {
        !name.ends_with("id")
            && !name.ends_with("_at")
            && !["disclosure_key", "version"].contains(&name.as_str())
    });
    row.to_string()
}

/// The current documents, in the order of publication.
async fn list_documents(app: &TestApp) -> Vec<Value> {
    let published = initiative::Entity::find().order_by_asc(initiative::Column::Id);
    let published = published.all(&app.app.db).await.unwrap();
    let revisions = revision::Entity::find().all(&app.app.db).await.unwrap();
    let of = |one: &initiative::Model| {
        let is_current =
            |revision: &&revision::Model| (revision.initiative_id, revision.version) == (one.id, one.version);
        revisions.iter().find(is_current).unwrap().document.clone()
    };
    published.iter().map(of).collect()
}

/// Records of several organisations that have a value in every field, and texts that are hard to preserve.
fn difficult_records() -> Vec<Value> {
    let led = |identifier: &str| json!({"leadOrganisation": {"identifier": identifier, "name": identifier, "kind": "COMMUNITY_GROUP"}});
    let mut records = vec![complete_record("r-1"), complete_record("r-2")];
    // The same reference in several organisations, and no reference.
    for identifier in ["GB-CHC-100", "GB-CHC-101", "GB-CHC-102"] {
        let mut same = minimal_record("the same", led(identifier));
        same["challengesFaced"] = json!([{"challenge": "DEFINING_AMBITIONS", "note": identifier}]);
        records.push(same);
    }
    records.push(
        json!({"title": "A grant", "visibility": "OPEN", "leadOrganisation": {"name": "By name"},
        "fundingTerms": [{"funder": {"name": "A funder by name"}, "grantIdentifier": "360G-only"}],
        "source": {"kind": "GRANT_DATA", "title": "Grants"}, "sharing": {}}),
    );
    let texts = [
        "=1+1",
        "+44",
        "-1",
        "@SUM(A1)",
        "'quoted'",
        "'=1",
        "''",
        "\"a\", \"b\"",
        "a\r\nb\nc\rd",
        "a,b;c\td",
        "007",
        "1e5",
        "TRUE",
        "2021-04-01",
        "not asked",
        "Withheld",
        "'Withheld",
        "🙂 👩‍👩‍👧 e\u{301}",
        "_x000D_ &amp; <b>",
        "\u{1}\u{1f}\u{7f}\u{85}x",
        "#REF!",
    ];
    for (number, text) in texts.iter().enumerate() {
        let mut one = complete_record(&format!("text-{number} {text}"));
        one["title"] = json!(text);
        one["summary"] = json!(format!("{text}\n{text}"));
        one["entryPoints"][0]["motivation"] = json!(text);
        one["challengesFaced"][1]["note"] = json!(text);
        one["fundingTerms"][0]["programme"] = json!(text);
        one["source"]["title"] = json!(text);
        one["sharing"]["basis"] = json!(text);
        records.push(one);
    }
    let long = "Ein Text, der lang ist, und länger. ".repeat(280);
    records.push(minimal_record(
        "long",
        json!({"summary": long.chars().take(9_999).collect::<String>() + "."}),
    ));
    records.push(minimal_record(
        "amounts",
        json!({"startedOn": "1850-01-01", "endedOn": "1900-02-28", "fundingTerms": [
            {"funder": {"name": "F"}, "currency": "JPY", "amountMinor": 1_500},
            {"funder": {"name": "F"}, "currency": "KWD", "amountMinor": i64::MAX, "renewable": false},
            {"funder": {"name": "F"}, "currency": "XYZ", "amountMinor": 0},
        ]}),
    ));
    records
}

async fn records_round_trip_through_every_format(database: Database) {
    let app = TestApp::start(database.clone()).await;
    app.import_places(PLACES).await;
    app.publish(&difficult_records()).await;
    app.publish(&[minimal_record("long", json!({"summary": "A second version."}))])
        .await;
    let (lines, rows, before) = (
        export_records_as(&app, ExportFormat::Jsonl).await,
        dump_tables(&app).await,
        list_documents(&app).await,
    );
    let count = before.len() as u64;
    for (to, from) in [
        (ExportFormat::Jsonl, FileFormat::JsonLines),
        (ExportFormat::Csv, FileFormat::Csv),
        (ExportFormat::Xlsx, FileFormat::Xlsx),
    ] {
        let file = export_records_as(&app, to).await;
        assert_eq!(detect_record_format("records", &file[..1024]).unwrap(), from);
        let empty = connect("sqlite::memory:").await.unwrap();
        Migrator::up(&empty, None).await.unwrap();
        let restored = TestApp::start_on_connection(database.clone(), empty).await;
        restored.import_places(PLACES).await;
        let (tally, said) = import_records_as(&restored, from, file.clone()).await;
        assert_eq!((tally.added, tally.refused), (count, 0), "{from:?}: {said:?}");
        let again = export_records_as(&restored, ExportFormat::Jsonl).await;
        assert!(
            remove_versions(str::from_utf8(&again).unwrap())
                == remove_versions(str::from_utf8(&lines).unwrap()),
            "{from:?}"
        );
        assert_eq!(dump_tables(&restored).await, rows, "{from:?}");
        assert_eq!(list_documents(&restored).await, before, "{from:?}");
        // Importing the export into the same database changes nothing.
        assert_eq!(
            import_records_as(&app, from, file).await.0.unchanged,
            count,
            "{from:?}"
        );
    }
}

async fn workbook_problems_name_sheet_row_and_column(database: Database) {
    let app = start_with_places(database).await;
    let mut book = RecordWorkbook::for_export().unwrap();
    book.add_record(&minimal_record("1", json!({})), &[]).unwrap();
    book.add_record(&minimal_record(
        "2",
        json!({"startedOn": "01/04/2020", "place": {"code": "E08000099"}, "ongoing": "perhaps",
            "fundingTerms": [{"funder": {"name": "F"}}, {"funder": {"name": "F"}, "currency": "GBP", "amountMinor": "£5"}]}),
    ), &[])
    .unwrap();
    book.add_record(&minimal_record(
        "3",
        json!({"place": {"code": "E08000099"}, "challengesFaced": [{"challenge": "DEFINING_AMBITIONS"}, {"challenge": "DEFINING_AMBITIONS"}],
            "fundingTerms": [{"funder": {"name": "F"}, "startsOn": "2021-04-01", "endsOn": "2020-04-01"}]}),
    ), &[])
    .unwrap();
    book.add_record(&minimal_record(
        "4",
        json!({"fundingTerms": [{"funder": {"name": "F"}, "startsOn": "2021-04-01", "endsOn": "2022-03-31", "durationMonths": 36}]}),
    ), &[])
    .unwrap();
    let mut file = Vec::new();
    book.finish(&mut file).unwrap();
    let (tally, mut said) = import_records_as(&app, FileFormat::Xlsx, file).await;
    assert_eq!((tally.added, tally.refused, tally.warned), (2, 2, 1), "{said:?}");
    said.sort();
    assert_eq!(
        said,
        [
            "sheet Challenges, row 3, Challenge: Defining their ambitions is named twice",
            "sheet Funding terms, row 3, Amount: \"£5\" is not an amount; write the number alone, without a currency sign",
            "sheet Funding terms, row 4, Last day: 2020-04-01 is before First day, 2021-04-01",
            "sheet Initiatives, row 3, Goes on: \"perhaps\" is neither yes nor no; write Yes or No, or leave the cell empty",
            "sheet Initiatives, row 4, Place code: no place has the code E08000099",
            "worth a look: sheet Funding terms, row 5, Length in months: 36 months are given, but the dates make 12; what is given is kept",
        ]
    );
}

async fn template_is_public(database: Database) {
    let app = TestApp::start(database).await;
    let get = async |held: Option<&str>| {
        let mut request = Request::get("/template/records.xlsx");
        if let Some(etag) = held {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let request = request.body(Body::empty()).unwrap();
        server::build_router(Arc::clone(&app.app))
            .oneshot(request)
            .await
            .unwrap()
    };
    let response = get(None).await;
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers().clone();
    assert_eq!(
        headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"records.xlsx\""
    );
    assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=3600");
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert_eq!(
        detect_record_format("records.xlsx", &body[..64]).unwrap(),
        FileFormat::Xlsx
    );
    let file = (ImportKind::Records, FileFormat::Xlsx);
    let reason = app.publish_file(file, None, body).await.unwrap_err();
    assert_eq!(
        reason,
        FileError::NoRecords.to_string(),
        "it contains only an example"
    );
    let held = get(Some(headers[header::ETAG].to_str().unwrap())).await;
    assert_eq!(held.status(), StatusCode::NOT_MODIFIED);
}
