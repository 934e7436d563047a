//! If several rows of a file have the same reference, all of them are rejected, in every format and every kind of import.

use sea_orm::EntityTrait;
use serde_json::{Value, json};
use wayin::import::Tally;
use wayin_entity::{FileFormat, Role, initiative};
use wayin_records::workbook::RecordWorkbook;
use wayin_records::workbook::csv::{CsvRecordWriter, ListLengths};

use crate::support::exports::import_records_as;
use crate::support::imports::{file_record, import_file, json_lines, load_rows};
use crate::support::places::start_with_places;
use crate::support::records::minimal_record;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    rows_with_a_shared_reference_are_rejected,
    same_reference_of_two_organisations_is_allowed,
    partner_import_rejects_both_records_with_one_reference,
    references_are_compared_in_normal_form,
];

/// Writes the records in a format.
fn write_records(format: FileFormat, records: &[Value]) -> Vec<u8> {
    let mut written = Vec::new();
    match format {
        FileFormat::JsonLines => return json_lines(records).into_bytes(),
        FileFormat::Csv => {
            let mut widths = ListLengths::default();
            records.iter().for_each(|record| widths.extend_for(record));
            let mut table = CsvRecordWriter::new(&mut written, widths).unwrap();
            records
                .iter()
                .for_each(|record| table.write_record(record).unwrap());
            table.finish().unwrap();
        }
        _ => {
            let mut book = RecordWorkbook::for_export().unwrap();
            records
                .iter()
                .for_each(|record| book.add_record(record, &[]).unwrap());
            book.finish(&mut written).unwrap();
        }
    }
    written
}

const FORMATS: [FileFormat; 3] = [FileFormat::JsonLines, FileFormat::Csv, FileFormat::Xlsx];

async fn rows_with_a_shared_reference_are_rejected(database: Database) {
    let app = start_with_places(database).await;
    app.publish(&[minimal_record("twice", json!({"title": "As it was before"}))])
        .await;
    // The rows with the same reference are further apart than one batch.
    let mut records = vec![
        minimal_record("twice", json!({"title": "First"})),
        minimal_record("alone", json!({})),
        minimal_record("by name", json!({})),
    ];
    records.extend((0..1_200).map(|at| minimal_record(&format!("r{at}"), json!({}))));
    records.push(minimal_record("twice", json!({"title": "Second"})));
    records.push(minimal_record(
        " twice ",
        json!({"title": "Third", "startedOn": "2021-04-01"}),
    ));
    records.push(minimal_record(
        "by name",
        json!({"leadOrganisation": {"name": "A CHARITY"}}),
    ));
    for format in FORMATS {
        let (tally, said) = import_records_as(&app, format, write_records(format, &records)).await;
        assert_eq!(tally.refused, 5, "{format:?}: {said:#?}");
        assert_eq!(tally.added + tally.unchanged, 1_201, "{format:?}");
        assert_eq!(tally.altered, 0, "{format:?}");
        // Lines are counted from 1. In tables and sheets, row 1 is the header.
        let header = u64::from(format != FileFormat::JsonLines);
        let pairs = [(1, 1_204), (3, 1_206), (1_204, 1), (1_205, 1), (1_206, 3)];
        let mut expected = pairs.map(|(row, other)| {
            let (row, other) = (row + header, other + header);
            let place = match format {
                FileFormat::Xlsx => format!("sheet Initiatives, row {row}, Your reference"),
                _ => format!("row {row}, externalRef"),
            };
            format!("{place}: is the reference of row {other} too; each record needs a reference of its own")
        });
        let mut said = said;
        said.sort();
        expected.sort();
        assert_eq!(said, expected, "{format:?}");
    }
    let kept = initiative::Entity::find().all(&app.app.db).await.unwrap();
    let is_called = |title: &str| kept.iter().any(|one| one.title == title);
    assert!(is_called("As it was before"), "the published record is unchanged");
    assert!(!["First", "Second", "Third"].into_iter().any(is_called));
    app.assert_no_violations().await;
}

async fn references_are_compared_in_normal_form(database: Database) {
    let app = start_with_places(database).await;
    let records = ["Caf\u{e9}", "Cafe\u{301}"].map(|reference| minimal_record(reference, json!({})));
    for format in FORMATS {
        let (tally, said) = import_records_as(&app, format, write_records(format, &records)).await;
        assert_eq!((tally.refused, tally.added), (2, 0), "{format:?}: {said:#?}");
    }
}

async fn same_reference_of_two_organisations_is_allowed(database: Database) {
    let app = start_with_places(database).await;
    let led = |identifier: &str, title: &str| {
        let lead = json!({"identifier": identifier, "name": format!("Charity {identifier}")});
        minimal_record("2021-1", json!({"title": title, "leadOrganisation": lead}))
    };
    let records = [
        led("GB-CHC-1", "One"),
        led("GB-CHC-2", "Two"),
        led("GB-CHC-3", "Three"),
        minimal_record(
            "2021-1",
            json!({"title": "Three again", "leadOrganisation": {"name": "charity gb-chc-3"}}),
        ),
    ];
    for format in FORMATS {
        let (tally, said) = import_records_as(&app, format, write_records(format, &records)).await;
        assert_eq!(
            (tally.added + tally.unchanged, tally.altered),
            (2, 0),
            "{format:?}"
        );
        assert_eq!(
            (tally.refused, said.len()),
            (2, 2),
            "the last two rows name the same organisation: {format:?}: {said:#?}"
        );
    }
    let first = Tally {
        added: 1,
        ..Tally::default()
    };
    assert_eq!(
        app.try_publish(&records[2..3]).await.0,
        first,
        "neither of its records was imported"
    );
    let (tally, said) =
        import_records_as(&app, FileFormat::Csv, write_records(FileFormat::Csv, &records)).await;
    assert_eq!(
        (tally.unchanged, tally.refused),
        (2, 2),
        "the same if the organisation exists: {said:#?}"
    );
}

async fn partner_import_rejects_both_records_with_one_reference(database: Database) {
    let app = start_with_places(database).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-500"))
        .await;
    let mut records: Vec<Value> = ["a", "b", "a"].map(file_record).to_vec();
    records[2]["title"] = "Quite another".into();
    for (format, name) in FORMATS
        .into_iter()
        .zip(["return.jsonl", "return.csv", "return.xlsx"])
    {
        let import = import_file(&app, &partner, name, &write_records(format, &records)).await;
        assert_eq!(
            (
                &import["state"],
                &import["rejectedCount"],
                &import["invalidCount"]
            ),
            (&json!("COMPLETED"), &json!(2), &json!(0)),
            "{import}"
        );
        let found = load_rows(&partner, &import).await;
        let repeated = found
            .iter()
            .filter(|row| row.contains("REJECTED DUPLICATE"))
            .count();
        assert_eq!(repeated, 2, "{found:#?}");
        assert!(
            import["correctionsUrl"].is_string(),
            "both are in the corrections: {import}"
        );
    }
    let kept = partner.query("{ submissions { nodes { record } } }").await;
    let kept = kept["submissions"]["nodes"].as_array().unwrap();
    assert_eq!(kept.len(), 1, "{kept:#?}");
    assert_eq!(kept[0]["record"]["externalRef"], "b");
}
