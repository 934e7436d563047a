//! Files are read back exactly as they were written.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::{export_csv, export_workbook, random_record, read_all, read_archive_part, read_documents};
use crate::fields::column::VERSION_PATH;
use crate::formats::FileError;
use crate::problem::{Problem, ProblemCode};
use crate::workbook::RecordWorkbook;
use crate::workbook::columns::SHEETS;
use crate::workbook::template;
use crate::{json_reader, record};

#[test]
fn template_contains_only_its_example() {
    let bytes = template::template_bytes().unwrap();
    assert!(matches!(read_all(bytes), Err(FileError::NoRecords)));
    assert!(
        template::write_template().unwrap() == bytes,
        "the template is always the same"
    );
    let mut example = template::example_record();
    // The exported example is a valid record.
    assert_eq!(
        read_documents(&export_workbook(std::slice::from_ref(&example))),
        std::slice::from_ref(&example)
    );
    assert_eq!(
        read_documents(&export_csv(&[json!({"externalRef": "1"})])).len(),
        1
    );
    example["missing"].take();
    example.as_object_mut().unwrap().remove("missing");
    example["fundingTerms"][0]
        .as_object_mut()
        .unwrap()
        .remove("missing");
    let reading = json_reader::read_document(example);
    assert_eq!(reading.problems, []);
}

#[test]
fn random_records_round_trip_through_workbook_and_csv() {
    let mut random = StdRng::seed_from_u64(41);
    for _ in 0..60 {
        let mut records: Vec<_> = (0..random.random_range(1..8))
            .map(|_| random_record(&mut random))
            .collect();
        // Records of several organisations, with the same reference or without one.
        for record in &mut records {
            match random.random_range(0..4) {
                0 => drop(record.as_object_mut().unwrap().remove("externalRef")),
                1 => record["externalRef"] = json!("the same"),
                _ => {}
            }
        }
        assert_eq!(read_documents(&export_workbook(&records)), records);
        let read = read_documents(&export_csv(&records));
        assert_eq!(read, records);
    }
}

#[test]
fn texts_of_any_length_round_trip() {
    let long = "Ein Text, der lang ist. ".repeat(420).trim().to_owned();
    let record = json!({"externalRef": "1", "title": "T", "summary": long});
    assert_eq!(
        read_documents(&export_workbook(std::slice::from_ref(&record))),
        std::slice::from_ref(&record)
    );
    assert_eq!(
        read_documents(&export_csv(std::slice::from_ref(&record))),
        [record]
    );
}

#[test]
fn base_version_round_trips() {
    let typed = |version| json!({"externalRef": "1", "title": "T", "version": version});
    for (version, said) in [
        (json!(3), None),
        (json!(0), Some("0")),
        (json!("the last"), Some("\"the last\"")),
        (json!(1.5), Some("1.5")),
    ] {
        let typed = typed(version.clone());
        let mut book = RecordWorkbook::for_corrections().unwrap();
        book.add_record(&typed, &[]).unwrap();
        let mut corrected = Vec::new();
        book.finish(&mut corrected).unwrap();
        let alike = std::slice::from_ref(&typed);
        for file in [
            export_workbook(alike),
            corrected,
            export_csv(alike),
            typed.to_string().into_bytes(),
        ] {
            let (records, strays) = read_all(&file).unwrap();
            assert_eq!((records.len(), strays), (1, vec![]));
            let found: Vec<_> = records[0]
                .problems
                .iter()
                .map(|problem| (problem.path.as_str(), problem.reason.clone()))
                .collect();
            let wrong = said.map(|said| {
                let reason = format!("{said} is not the number of a version, a whole number from 1 on");
                ("version", reason)
            });
            // In a CSV file, a number with a fraction is text.
            let is_told = |(found, wrong): (&(&str, String), &(&str, String))| {
                found == wrong || (found.0 == wrong.0 && version == json!(1.5))
            };
            assert!(
                found.len() == usize::from(wrong.is_some()) && found.iter().zip(&wrong).all(is_told),
                "{found:?}"
            );
            assert_eq!(records[0].document.get("version"), None);
            assert_eq!(records[0].base_version(), said.is_none().then_some(3));
        }
    }
}

#[test]
fn text_is_never_written_as_a_formula() {
    let record = json!({"externalRef": "=1+1", "title": "@SUM(A1)", "summary": "-2"});
    let book = export_workbook(std::slice::from_ref(&record));
    let sheet = read_archive_part(&book, "xl/worksheets/sheet1.xml");
    assert!(!sheet.contains("<f>") && sheet.contains("<t>=1+1</t>"), "{sheet}");
    let styles = read_archive_part(&book, "xl/styles.xml");
    assert!(styles.contains("quotePrefix=\"1\""));
    let table = String::from_utf8(export_csv(std::slice::from_ref(&record))).unwrap();
    let row = table.lines().nth(1).unwrap();
    assert!(row.starts_with("'=1+1,'@SUM(A1),'-2,"), "{row}");
}

#[test]
fn rejected_rows_are_written_with_corrections() {
    let first = json!({"externalRef": "a", "title": "A", "ongoing": "maybe", "colour": "red",
        "fundingTerms": [{"funder": {"name": "F"}, "durationMonths": "long"}, {"funder": {}, "amountMinor": 5, "renewable": true, "missing": {"renewable": "WITHHELD"}}]});
    let second = json!({"title": "=B", "conditionsChanged": "none", "summary": "s".repeat(40_000)});
    let problem = |path: &str, reason: &str| Problem::new(ProblemCode::InvalidFormat, path, reason);
    let mut book = RecordWorkbook::for_corrections().unwrap();
    book.add_record(
        &first,
        &[
            problem("ongoing", "is no yes and no no"),
            problem("colour", "unknown field"),
            problem("fundingTerms/0/durationMonths", "is not a number"),
            problem("fundingTerms/1/funder", "needs a name"),
            problem("fundingTerms/1/missing/renewable", "is given"),
        ],
    )
    .unwrap();
    book.add_record(
        &second,
        &[
            problem("externalRef", "is needed"),
            problem("conditionsChanged", "is not a list"),
            problem("fundingTerms/7/x", "is nowhere"),
        ],
    )
    .unwrap();
    let mut bytes = Vec::new();
    book.finish(&mut bytes).unwrap();
    // The reasons are in their own column, under the names of the columns that they are about.
    let mut read_back: calamine::Xlsx<_> = calamine::Reader::new(Cursor::new(&bytes)).unwrap();
    let mut reasons = BTreeMap::new();
    for sheet in ["Initiatives", "Funding terms"] {
        let range = calamine::Reader::worksheet_range(&mut read_back, sheet).unwrap();
        let place = range
            .rows()
            .next()
            .unwrap()
            .iter()
            .position(|cell| *cell == "What to fix")
            .unwrap();
        for (row, cells) in range.rows().enumerate().skip(1) {
            reasons.insert((sheet, row + 1), cells[place].to_string());
        }
    }
    let expected = [
        (("Funding terms", 2), "Length in months: is not a number"),
        (
            ("Funding terms", 3),
            "Funder: needs a name\nMay be renewed: is given",
        ),
        (
            ("Initiatives", 2),
            "Goes on: is no yes and no no\ncolour: unknown field",
        ),
        (
            ("Initiatives", 3),
            "Your reference: is needed\nconditionsChanged: is not a list\nfundingTerms/7/x: is nowhere\nSummary: is longer than a cell can hold, and cut here",
        ),
    ];
    assert_eq!(reasons, expected.map(|(at, said)| (at, said.to_owned())).into());
    // The reader ignores the reasons. It returns what was typed, where a column exists for it.
    let (records, strays) = read_all(&bytes).unwrap();
    assert_eq!(strays, []);
    let mut typed = first;
    typed.as_object_mut().unwrap().remove("colour");
    typed["fundingTerms"][1] = json!({"amountMinor": 5, "renewable": true});
    assert_eq!(records[0].document, typed);
    assert_eq!(records[1].document["title"], "=B");
    assert_eq!(
        records[1].document["summary"].as_str().map(str::len),
        Some(32_767)
    );
}

/// The names of a type's fields, as its reader lists them.
fn field_names<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let Err(error) = serde_json::from_value::<T>(json!({"no such field": 1})) else {
        panic!("the type accepts every field");
    };
    let said = error.to_string();
    let (_, names) = said.split_once("expected").unwrap();
    names
        .split('`')
        .skip(1)
        .step_by(2)
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn every_field_of_a_record_has_a_column() {
    let named = [
        field_names::<record::InitiativeRecord>(),
        field_names::<record::EntryPointTaken>(),
        field_names::<record::ChallengeFaced>(),
        field_names::<record::ConditionChanged>(),
        field_names::<record::FundingTerm>(),
    ];
    for (sheet, fields_of) in SHEETS.iter().zip(named) {
        let mut expected = BTreeSet::new();
        for field in fields_of {
            let inner = match field.as_str() {
                "place" => field_names::<record::PlaceReference>(),
                "leadOrganisation" | "funder" => field_names::<record::OrganisationReference>(),
                "source" => field_names::<record::Source>(),
                "sharing" => field_names::<record::SharingConsent>(),
                list if SHEETS.iter().any(|sheet| sheet.list == Some(list)) => continue,
                "missing" => continue,
                _ => {
                    expected.insert(field);
                    continue;
                }
            };
            expected.extend(inner.into_iter().map(|inner| format!("{field}/{inner}")));
        }
        let mut columns = sheet.columns.iter().collect::<Vec<_>>();
        columns.retain(|column| !["missing", VERSION_PATH].contains(&column.field_name()));
        let columns = columns.into_iter();
        let columns: BTreeSet<_> = columns.map(|column| column.path.to_owned()).collect();
        assert_eq!(columns, expected, "{}", sheet.name);
    }
}
