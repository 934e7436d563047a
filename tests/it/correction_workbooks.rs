//! A charity sends a workbook with mistakes, corrects the corrections workbook, and sends it again.

use std::io::Cursor;

use axum::http::StatusCode;
use calamine::{Reader as _, Xlsx};
use serde_json::{Value, json};
use wayin_entity::{FileFormat, Role};
use wayin_records::workbook::RecordWorkbook;
use wayin_records::workbook::formula_escape;

use crate::support::http::download;
use crate::support::imports::{file_record, import_file, load_rows};
use crate::support::places::start_with_places;
use crate::support::submissions::mutate_ok;
use crate::support::workbooks::read_typed_records;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    corrections_workbook_can_be_corrected_and_sent_again,
    csv_is_imported_like_a_workbook,
    requested_changes_can_be_downloaded_as_a_workbook,
];

/// A workbook of these records, as typed.
fn build_workbook(records: &[Value]) -> Vec<u8> {
    let mut book = RecordWorkbook::for_corrections().unwrap();
    for record in records {
        book.add_record(record, &[]).unwrap();
    }
    let mut written = Vec::new();
    book.finish(&mut written).unwrap();
    written
}

async fn corrections_workbook_can_be_corrected_and_sent_again(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    app.create_member("other", Role::Partner, Some("GB-CHC-2")).await;
    let mut records: Vec<Value> = ["good", "day", "place", "step", "note", "basis"]
        .map(file_record)
        .to_vec();
    let right = records.clone();
    records[1]["startedOn"] = "last spring".into();
    records[2]["place"]["name"] = "Hartlepol".into();
    records[3]["challengesFaced"][0]["step"] = "left out a bit".into();
    records[4]["summary"] = "Ask jo@example.org about it".into();
    records[5]["sharing"].as_object_mut().unwrap().remove("basis");

    let import = import_file(&app, &partner, "return.xlsx", &build_workbook(&records)).await;
    assert_eq!(
        (
            &import["state"],
            &import["format"],
            &import["submittedCount"],
            &import["invalidCount"]
        ),
        (&json!("COMPLETED"), &json!("XLSX"), &json!(1), &json!(5)),
        "{import}"
    );
    let output = load_rows(&partner, &import).await;
    assert_eq!(output.len(), 6, "one message for each row: {output:#?}");
    for (output, column) in output[1..].iter().zip([
        "Started on",
        "Place",
        "What became of the step",
        "Summary",
        "Why it may be shared",
    ]) {
        assert!(output.contains("INVALID") && output.contains(column), "{output}");
    }

    let path = import["correctionsUrl"].as_str().unwrap();
    assert_eq!(download(&app, path, None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(download(&app, path, Some("other")).await.0, StatusCode::NOT_FOUND);
    let (status, book) = download(&app, path, Some("partner")).await;
    assert_eq!(status, StatusCode::OK);
    let mut back = read_typed_records(FileFormat::Xlsx, &book);
    assert_eq!(back.len(), 5, "valid records are not in it");
    for (back, sent) in back.iter().zip(&records[1..]) {
        assert_eq!(back["externalRef"], sent["externalRef"]);
    }
    assert_eq!(back[0]["startedOn"], "last spring", "as it was typed");

    for (back, right) in back.iter_mut().zip(&right[1..]) {
        back.clone_from(right);
    }
    let import = import_file(&app, &partner, "corrections.xlsx", &build_workbook(&back)).await;
    assert_eq!(
        (&import["submittedCount"], &import["invalidCount"]),
        (&json!(5), &json!(0)),
        "{import}"
    );
    assert_eq!(import["correctionsUrl"], Value::Null);
    let states = partner
        .query("{ submissions { totalCount nodes { state } } }")
        .await;
    assert_eq!(states["submissions"]["totalCount"], 6, "there are no duplicates");
    for node in states["submissions"]["nodes"].as_array().unwrap() {
        assert_eq!(node["state"], "SUBMITTED");
    }
}

async fn csv_is_imported_like_a_workbook(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let table = format!(
        "externalRef,title,summary,place.name,visibility,source.kind,source.title,sharing.basis,sharing.licence\n\
         a,Initiative a,{},Hartlepool,OPEN,SELF_REPORT,Our return,Agreed,CC-BY-4.0\n\
         b,Initiative b,,Hartlepool,everybody,SELF_REPORT,Our return,Agreed,CC-BY-4.0\n",
        formula_escape::escape_csv("=1+1")
    );
    let import = import_file(&app, &partner, "return.csv", table.as_bytes()).await;
    assert_eq!(
        (
            &import["format"],
            &import["submittedCount"],
            &import["invalidCount"]
        ),
        (&json!("CSV"), &json!(1), &json!(1)),
        "{import}"
    );
    let output = load_rows(&partner, &import).await;
    assert!(output[1].contains("visibility"), "{output:#?}");
    let (status, book) = download(&app, import["correctionsUrl"].as_str().unwrap(), Some("partner")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        read_typed_records(FileFormat::Xlsx, &book)[0]["visibility"],
        "everybody"
    );
    let found = partner
        .query("{ submissions(filter: {states: [SUBMITTED]}) { nodes { record } } }")
        .await;
    assert_eq!(found["submissions"]["nodes"][0]["record"]["summary"], "=1+1");
}

async fn requested_changes_can_be_downloaded_as_a_workbook(database: Database) {
    const CORRECTIONS_PATH: &str = "/submissions/corrections.xlsx";
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    assert_eq!(
        download(&app, CORRECTIONS_PATH, None).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        download(&app, CORRECTIONS_PATH, Some("partner")).await.0,
        StatusCode::NOT_FOUND
    );
    app.create_member("other", Role::Partner, Some("GB-CHC-2")).await;
    let records = ["a", "b", "c"].map(file_record);
    import_file(&app, &partner, "return.xlsx", &build_workbook(&records)).await;
    let steward = app.create_member("steward", Role::Steward, None).await;
    let waiting = steward
        .query("{ submissions { nodes { id record organisation { id } } } }")
        .await;
    let waiting = waiting["submissions"]["nodes"].as_array().unwrap();
    for one in waiting.iter().filter(|one| one["record"]["externalRef"] != "c") {
        let note = format!("Who pays for {}?\n=1+1", one["record"]["externalRef"]);
        let input = json!({"id": one["id"], "note": note});
        let returned = mutate_ok(&steward, "requestChanges", input).await;
        assert_eq!(returned["state"], "CHANGES_REQUESTED", "{returned}");
    }

    let (status, book) = download(&app, CORRECTIONS_PATH, Some("partner")).await;
    assert_eq!(status, StatusCode::OK);
    let notes = list_corrections(&book);
    assert_eq!(notes.len(), 2, "{notes:?}");
    for (reference, note) in &notes {
        assert_eq!(
            note,
            &format!("The steward's note: Who pays for \"{reference}\"?\n=1+1")
        );
    }
    let mut back = read_typed_records(FileFormat::Xlsx, &book);
    back.sort_by_key(|record| record["externalRef"].to_string());
    assert_eq!(back, records[..2], "as they were typed");

    assert_eq!(
        download(&app, CORRECTIONS_PATH, Some("other")).await.0,
        StatusCode::NOT_FOUND,
        "another organisation has no corrections"
    );
    let of = waiting[0]["organisation"]["id"].as_str().unwrap();
    let (status, of_one) = download(
        &app,
        &format!("{CORRECTIONS_PATH}?organisation={of}"),
        Some("steward"),
    )
    .await;
    assert_eq!(
        (status, read_typed_records(FileFormat::Xlsx, &of_one).len()),
        (StatusCode::OK, 2)
    );
    for wrong in ["organisation=x", "organization=x"] {
        let path = format!("{CORRECTIONS_PATH}?{wrong}");
        assert_eq!(
            download(&app, &path, Some("steward")).await.0,
            StatusCode::BAD_REQUEST,
            "{wrong}"
        );
    }

    // The corrected records are in review again.
    let import = import_file(&app, &partner, "corrections.xlsx", &book).await;
    assert_eq!(
        (&import["submittedCount"], &import["invalidCount"]),
        (&json!(2), &json!(0)),
        "{import}"
    );
    assert_eq!(
        download(&app, CORRECTIONS_PATH, Some("partner")).await.0,
        StatusCode::NOT_FOUND
    );
}

/// The cells of the column "What to fix" in the first sheet, each with the reference of its row.
fn list_corrections(book: &[u8]) -> Vec<(String, String)> {
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(book)).unwrap();
    let cells = book.worksheet_range("Initiatives").unwrap();
    let titles = cells.headers().unwrap();
    let at = |title: &str| titles.iter().position(|one| one == title).unwrap();
    let (reference, note) = (at("Your reference"), at("What to fix"));
    let rows = cells.rows().skip(1);
    rows.map(|row| (row[reference].to_string(), row[note].to_string()))
        .collect()
}
