//! Files that exceed limits, damaged files, and malicious files.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use wayin_vocabulary::FileFormat;

use super::super::FileError;
use super::super::records::FileLimits;
use super::{
    HEADER, export_csv, export_workbook, random_record, read_all, read_within, replace_archive_parts,
    typed_workbook, with_sheet,
};

#[test]
fn limits_apply_while_reading() {
    let records: Vec<_> = (0..5)
        .map(|number| json!({"externalRef": number.to_string(), "title": "T"}))
        .collect();
    let jsonl: String = records.iter().map(|record| record.to_string() + "\n").collect();
    for (format, bytes) in [
        (FileFormat::JsonLines, jsonl.into_bytes()),
        (FileFormat::Csv, export_csv(&records)),
        (FileFormat::Xlsx, export_workbook(&records)),
    ] {
        let read = |bytes_, rows| read_within(format, &bytes, FileLimits { bytes: bytes_, rows });
        assert_eq!(read(bytes.len() as u64, 5).unwrap().0.len(), 5);
        assert!(
            matches!(read(bytes.len() as u64, 4), Err(FileError::TooManyRows(4))),
            "{format:?}"
        );
        assert!(
            matches!(read(bytes.len() as u64 - 1, 5), Err(FileError::TooLong(_))),
            "{format:?}"
        );
    }
}

#[test]
fn decompression_bomb_is_rejected_before_opening() {
    let book = typed_workbook(&[("Initiatives", &[&["Your reference"], &["a"]])]);
    let spaced = format!("<a/>{}", " ".repeat(1 << 20)).repeat(80).into_bytes();
    let bomb = replace_archive_parts(&book, &[("xl/worksheets/sheet9.xml", &spaced)]);
    assert!(bomb.len() < 200_000);
    assert!(matches!(read_all(&bomb), Err(FileError::DecompressionBomb(_))));
    // The limit applies to every part of the archive.
    let bomb = replace_archive_parts(&book, &[("xl/media/image1.png", &spaced)]);
    assert!(matches!(read_all(&bomb), Err(FileError::DecompressionBomb(_))));
    // One cell in several pieces.
    for between in ["&amp;", "<!-- </c> -->", "<![CDATA[</c>]]>", "</t><t>"] {
        let cell = format!("{}{between}", "x".repeat(1 << 19)).repeat(9);
        let endless = with_sheet(&format!(
            "<sheetData>{HEADER}<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>{cell}</t></is></c></row></sheetData>"
        ));
        assert!(
            matches!(read_all(&endless), Err(FileError::EndlessCell)),
            "{between}"
        );
    }
    // The declared number of shared strings is impossible.
    for texts in [
        "<sst count=\"9\" uniqueCount=\"99999999999\"></sst>",
        "<sst uniqueCount=\"99999999999\"><si/><sst uniqueCount=\"0\"/></sst>",
        "<sst x:uniqueCount=\"1\" uniqueCount=\"99999999999\"></sst>",
        "<sst uniqueCount=\"99999999999999999999999\"></sst>",
    ] {
        let counted = replace_archive_parts(&book, &[("xl/sharedStrings.xml", texts.as_bytes())]);
        assert!(matches!(read_all(&counted), Err(FileError::Damaged)), "{texts}");
    }
    let declared = replace_archive_parts(
        &book,
        &[(
            "xl/sharedStrings.xml",
            b"<!DOCTYPE a [<!ENTITY b \"c\">]><sst></sst>",
        )],
    );
    assert!(matches!(read_all(&declared), Err(FileError::Damaged)));
}

#[test]
fn a_million_empty_rows_are_skipped() {
    let book = typed_workbook(&[("Initiatives", &[])]);
    let mut sheet =
        format!("<worksheet><sheetData>{HEADER}<row r=\"2\"><c r=\"A2\" t=\"str\"><v>a</v></c></row>");
    for row in 3..=1_000_000 {
        write!(sheet, "<row r=\"{row}\" s=\"1\"><c r=\"A{row}\" s=\"1\"/></row>").unwrap();
    }
    sheet.push_str(
        "<row r=\"1000001\"><c r=\"A1000001\" t=\"str\"><v>b</v></c></row></sheetData></worksheet>",
    );
    let book = replace_archive_parts(&book, &[("xl/worksheets/sheet1.xml", sheet.as_bytes())]);
    let limits = FileLimits {
        rows: 2,
        ..FileLimits::default()
    };
    let (records, _) = read_within(FileFormat::Xlsx, &book, limits).unwrap();
    assert_eq!(
        records
            .iter()
            .map(|record| record.position.row)
            .collect::<Vec<_>>(),
        [2, 1_000_001]
    );
}

#[test]
fn merged_cells_are_counted_before_they_are_read() {
    let book = typed_workbook(&[
        ("Notes & more", &[]),
        ("Initiatives", &[&["Your reference"], &["a"]]),
    ]);
    let merged = |times: usize, each: &str| {
        let sheet = format!(
            "<worksheet><sheetData/><mergeCells>{}</mergeCells></worksheet>",
            each.repeat(times)
        );
        replace_archive_parts(&book, &[("xl/worksheets/sheet1.xml", sheet.as_bytes())])
    };
    for each in [
        "<mergeCell ref=\"A1:B1\"/>",
        "<x:mergeCell ref=\"A1:B1\"></x:mergeCell>",
    ] {
        let (records, _) = read_all(&merged(10_000, each)).unwrap();
        assert_eq!(records.len(), 1, "{each}");
        let refused = read_all(&merged(10_001, each)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "The sheet \"Notes & more\" has thousands of merged cells; unmerge them."
        );
    }
}

#[test]
fn damaged_workbook_is_rejected_with_one_message() {
    let records: Vec<_> = (0..50)
        .map(|number| json!({"externalRef": number.to_string(), "title": "T".repeat(number + 1)}))
        .collect();
    let book = export_workbook(&records);
    for end in [5, 100, book.len() / 2, book.len() - 30, book.len() - 1] {
        let error = read_within(FileFormat::Xlsx, &book[..end], FileLimits::default()).unwrap_err();
        assert!(matches!(error, FileError::Damaged), "{end}: {error:?}");
    }
    for content in [
        "<sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>99</v></c></row></sheetData>",
        "<sheetData><row r=\"99999999999999\"><c r=\"A99999999999999\"><v>1</v></c></row></sheetData>",
        "<sheetData><row r=\"1\"><c r=\"ZZZZZZZZZZZZZZ1\"><v>1</v></c></row></sheetData>",
        "<sheetData><row r=\"1\"><c r=\"A1\" t=\"z\"><v>1</v></c></row></sheetData>",
        "<sheetData><row r=\"1\"><c r=\"A1\"",
        "<mergeCells><mergeCell ref=\"B2:A1\"/></mergeCells>",
    ] {
        assert!(read_all(&with_sheet(content)).is_err(), "{content}");
    }
}

#[test]
fn arbitrary_bytes_do_not_panic() {
    let mut random = StdRng::seed_from_u64(7);
    let records = [random_record(&mut random), random_record(&mut random)];
    let files = [export_workbook(&records), export_csv(&records)];
    for (file, format) in files.iter().zip([FileFormat::Xlsx, FileFormat::Csv]) {
        for _ in 0..150 {
            let mut bytes = file.clone();
            for _ in 0..random.random_range(1..5) {
                let place = random.random_range(0..bytes.len());
                bytes[place] = random.random();
            }
            let _ = read_within(format, &bytes, FileLimits::default());
        }
    }
    // Damage inside the parts, which no checksum detects.
    let sheet = format!(
        "<sheetData>{HEADER}<row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>a</t></is></c><c r=\"B2\" s=\"0\"><f t=\"shared\" si=\"0\" ref=\"B2:B3\">1</f><v>5</v></c></row></sheetData><mergeCells count=\"1\"><mergeCell ref=\"A2:A3\"/></mergeCells>"
    );
    for _ in 0..400 {
        let mut bytes = sheet.clone().into_bytes();
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..bytes.len());
            bytes[place] = *b"<>/\"=0129AZz &;:!-".choose(&mut random).unwrap();
        }
        let _ = read_all(&with_sheet(&String::from_utf8_lossy(&bytes)));
    }
}
