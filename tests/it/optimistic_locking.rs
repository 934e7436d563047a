//! A file replaces a published record only if it states the current version as its base version.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use wayin::export::ExportFormat;
use wayin::id::NodeKind;
use wayin::import::Remark;
use wayin_entity::{FileFormat, SubmissionState, submission};
use wayin_records::workbook::RecordWorkbook;
use wayin_records::workbook::csv::{CsvRecordWriter, ListLengths};

use crate::support::app::{Client, TestApp};
use crate::support::exports::export_records_as;
use crate::support::http::download;
use crate::support::imports::{file_record, import_file, json_lines, load_import, load_rows, send_file};
use crate::support::places::start_with_places;
use crate::support::submissions::allow_auto_publish_as_steward;
use crate::support::workbooks::read_typed_records;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    second_edit_of_an_export_gets_the_conflicts,
    irrelevant_base_version_is_ignored_and_invalid_one_reported,
    command_line_import_detects_conflicts,
];

/// Writes a file of these records.
fn write_file(format: ExportFormat, records: &[Value]) -> Vec<u8> {
    let mut written = Vec::new();
    match format {
        ExportFormat::Jsonl => written.extend(json_lines(records).bytes()),
        ExportFormat::Csv => {
            let mut widths = ListLengths::default();
            records.iter().for_each(|one| widths.extend_for(one));
            let mut table = CsvRecordWriter::new(&mut written, widths).unwrap();
            records.iter().for_each(|one| table.write_record(one).unwrap());
            table.finish().unwrap();
        }
        ExportFormat::Xlsx => {
            let mut book = RecordWorkbook::for_export().unwrap();
            records.iter().for_each(|one| book.add_record(one, &[]).unwrap());
            book.finish(&mut written).unwrap();
        }
    }
    written
}

/// The problems of the rows of an import: code, column and message of each.
async fn list_row_problems(client: &Client<'_>, import: &Value) -> Vec<[String; 3]> {
    let query = format!(
        "{{ import(id: {}) {{ rows(first: 100, filter: {{hasProblems: true}}) {{ nodes {{ code column message }} }} }} }}",
        import["id"]
    );
    let output = client.query(&query).await;
    let rows = output["import"]["rows"]["nodes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    rows.iter()
        .map(|row| [text(&row["code"]), text(&row["column"]), text(&row["message"])])
        .collect()
}

fn import_counts(import: &Value) -> Value {
    [
        "submittedCount",
        "publishedCount",
        "draftCount",
        "unchangedCount",
        "invalidCount",
        "rejectedCount",
    ]
    .into_iter()
    .filter(|name| import[*name] != 0)
    .map(|name| (name.to_owned(), import[name].clone()))
    .collect()
}

async fn find_draft(app: &TestApp, reference: &str) -> submission::Model {
    submission::Entity::find()
        .filter(submission::Column::ExternalRef.eq(reference))
        .filter(submission::Column::State.eq(SubmissionState::Draft))
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap()
}

/// The payload of submitting a draft by hand.
async fn submit_draft(client: &Client<'_>, kept: &submission::Model) -> Value {
    let id = NodeKind::Submission.encode_id(kept.id);
    let send = format!(
        "mutation {{ submitForReview(input: {{id: {id:?}}}) {{ problems {{ code }} conflicts {{ path after }} }} }}"
    );
    client.query(&send).await["submitForReview"].take()
}

async fn second_edit_of_an_export_gets_the_conflicts(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    allow_auto_publish_as_steward(&app, &partner).await;
    for (number, (to, from, column)) in [
        (ExportFormat::Jsonl, FileFormat::JsonLines, "version"),
        (ExportFormat::Csv, FileFormat::Csv, "version"),
        (ExportFormat::Xlsx, FileFormat::Xlsx, "Version"),
    ]
    .into_iter()
    .enumerate()
    {
        let reference = format!("edited-{number}");
        let first = write_file(ExportFormat::Jsonl, &[file_record(&reference)]);
        assert_eq!(
            import_counts(&import_file(&app, &partner, "first.jsonl", &first).await),
            json!({"publishedCount": 1})
        );
        let (export, name) = (
            export_records_as(&app, to).await,
            format!("return.{to:?}").to_lowercase(),
        );
        let edit = |field: &str, value: &str| {
            let mut records = read_typed_records(from, &export);
            let edited = records.iter_mut().find(|one| one["externalRef"] == reference);
            let edited = edited.unwrap();
            assert_eq!(edited["version"], 1, "{to:?} contains the version");
            edited[field] = value.into();
            records
        };
        let others = |outcome: &str| match number {
            0 => json!({outcome: 1}),
            others => json!({outcome: 1, "unchangedCount": others}),
        };
        let one = import_file(&app, &partner, &name, &write_file(to, &edit("title", "One"))).await;
        assert_eq!(import_counts(&one), others("publishedCount"), "{to:?}: {one}");

        let other = edit("summary", "Other");
        let output = import_file(&app, &partner, &name, &write_file(to, &other)).await;
        assert_eq!(import_counts(&output), others("invalidCount"), "{to:?}: {output}");
        let told_of = list_row_problems(&partner, &output).await;
        let [code, at, message] = &told_of[0];
        assert_eq!(
            (told_of.len(), code.as_str(), at.as_str()),
            (1, "STALE_VERSION", column)
        );
        for said in [
            "at version 2 now".to_owned(),
            "based on version 1".to_owned(),
            format!("title (from \"Initiative {reference}\" to \"One\")"),
        ] {
            assert!(message.contains(&said), "{to:?}: {message}");
        }
        assert!(
            !message.contains("summary"),
            "only what others changed: {message}"
        );

        // Nothing is lost or published. Submitting the draft by hand returns the same conflicts.
        let kept = find_draft(&app, &reference).await;
        assert_eq!(
            (kept.document["summary"].as_str(), kept.initiative_version),
            (Some("Other"), Some(1))
        );
        assert_eq!(kept.document.get("version"), None);
        assert_eq!(
            submit_draft(&partner, &kept).await,
            json!({"problems": [{"code": "STALE_VERSION"}], "conflicts": [{"path": ["title"], "after": "One"}]})
        );
        let again = import_file(&app, &partner, &name, &write_file(to, &other)).await;
        assert_eq!(
            import_counts(&again),
            others("invalidCount"),
            "{to:?}: the problem is reported again"
        );

        // The corrected record is submitted.
        let (_, book) = download(&app, output["correctionsUrl"].as_str().unwrap(), Some("partner")).await;
        let mut corrected = read_typed_records(FileFormat::Xlsx, &book);
        assert_eq!((corrected.len(), &corrected[0]["version"]), (1, &json!(1)));
        corrected[0]["title"] = "One".into();
        corrected[0]["version"] = 2.into();
        let corrected = write_file(ExportFormat::Xlsx, &corrected);
        let corrected = import_file(&app, &partner, "corrections.xlsx", &corrected).await;
        let counts = import_counts(&corrected);
        assert_eq!(counts, json!({"publishedCount": 1}), "{corrected}");
        let standing = read_typed_records(
            FileFormat::JsonLines,
            &export_records_as(&app, ExportFormat::Jsonl).await,
        );
        let standing = standing
            .iter()
            .find(|one| one["externalRef"] == reference)
            .unwrap();
        assert_eq!(
            (&standing["version"], &standing["title"], &standing["summary"]),
            (&json!(3), &json!("One"), &json!("Other"))
        );
    }
    app.assert_no_violations().await;
}

async fn irrelevant_base_version_is_ignored_and_invalid_one_reported(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    allow_auto_publish_as_steward(&app, &partner).await;
    let with = |reference: &str, version: Value, title: &str| {
        let mut record = file_record(reference);
        record["version"] = version;
        record["title"] = title.into();
        record
    };
    // No record is published under this reference, so the version from elsewhere does not matter.
    let first = ["a", "b", "c", "d", "e"].map(|reference| with(reference, json!(7), "First"));
    let import = import_file(&app, &partner, "first.jsonl", json_lines(&first).as_bytes()).await;
    assert_eq!(import_counts(&import), json!({"publishedCount": 5}));
    // An identical record is unchanged, whatever its base version.
    let import = import_file(&app, &partner, "again.jsonl", json_lines(&first).as_bytes()).await;
    assert_eq!(import_counts(&import), json!({"unchangedCount": 5}));

    let second = [
        with("a", json!("new"), "Second"),
        with("b", json!(0), "Second"),
        with("c", json!(2), "Second"),
        with("d", Value::Null, "Second"),
        with("e", json!(1), "Second"),
    ];
    let import = import_file(&app, &partner, "second.jsonl", json_lines(&second).as_bytes()).await;
    let messages = load_rows(&partner, &import).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(messages.join("\n"), @"
        1 INVALID INVALID_FORMAT version
        2 INVALID INVALID_FORMAT version
        3 INVALID STALE_VERSION version
        4 PUBLISHED - -
        5 PUBLISHED - -
        ");
    }
    let output = list_row_problems(&partner, &import).await;
    assert!(
        output[2][2].contains("There is no such version of it"),
        "{output:?}"
    );
    for reference in ["a", "b", "c"] {
        // Submitting by hand does not replace another version either.
        let kept = find_draft(&app, reference).await;
        assert_eq!(
            submit_draft(&partner, &kept).await["problems"],
            json!([{"code": "STALE_VERSION"}]),
            "{reference}"
        );
    }

    // Each is saved as a draft once, with its conflicts.
    let stale = json_lines(&[with("e", json!(1), "Third")]);
    for outcome in ["DRAFTED", "UNCHANGED"] {
        let import = send_file(&app, &partner, "third.jsonl", &stale, json!({"mode": "DRAFT"})).await;
        wayin::import::job::worker::run_queued(&app.app).await.unwrap();
        let import = load_import(&partner, &import["data"]["importRecords"]["import"]["id"]).await;
        assert_eq!(
            load_rows(&partner, &import).await,
            [format!("1 {outcome} STALE_VERSION version")]
        );
    }
    let kept = find_draft(&app, "e").await;
    assert_eq!((kept.initiative_version, kept.version), (Some(1), 1));
    // With the current version the draft is submitted, even if nothing else changed.
    let import = import_file(
        &app,
        &partner,
        "fourth.jsonl",
        json_lines(&[with("e", json!(2), "Third")]).as_bytes(),
    )
    .await;
    assert_eq!(import_counts(&import), json!({"publishedCount": 1}));
    app.assert_no_violations().await;
}

async fn command_line_import_detects_conflicts(database: Database) {
    let app = start_with_places(database).await;
    let led = |reference: &str, title: &str, version: i32| {
        let mut record = file_record(reference);
        record["leadOrganisation"] = json!({"identifier": "GB-CHC-500", "name": "A charity"});
        record["title"] = title.into();
        record["version"] = version.into();
        record
    };
    app.publish(&[led("a", "First", 1), led("b", "First", 1)]).await;
    app.publish(&[led("a", "Second", 1)]).await;
    let (tally, remarks) = app
        .try_publish(&[led("a", "Third", 1), led("b", "Third", 1)])
        .await;
    assert_eq!((tally.altered, tally.refused), (1, 1));
    let [Remark::Refused(refusal)] = remarks.as_slice() else {
        panic!("{remarks:?}");
    };
    let said = refusal.to_string();
    assert!(
        said.starts_with("row 1, version: the published record is at version 2 now")
            && said.contains("title (from \"First\" to \"Second\")"),
        "{said}"
    );
    app.assert_no_violations().await;
}
