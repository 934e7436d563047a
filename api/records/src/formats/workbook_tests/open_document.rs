//! OpenDocument spreadsheets.

use std::io::{Cursor, Write as _};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use wayin_vocabulary::FileFormat;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::super::FileError;
use super::super::records::FileLimits;
use super::{list_problems, read_all, read_documents, read_within, replace_archive_parts};

/// An OpenDocument spreadsheet with these sheets.
pub(super) fn open_document(tables: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\" \
         xmlns:calcext=\"c\"><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file("mimetype", stored).unwrap();
    writer
        .write_all(b"application/vnd.oasis.opendocument.spreadsheet")
        .unwrap();
    writer
        .start_file("content.xml", SimpleFileOptions::default())
        .unwrap();
    writer.write_all(content.as_bytes()).unwrap();
    writer
        .start_file("META-INF/manifest.xml", SimpleFileOptions::default())
        .unwrap();
    writer.write_all(b"<manifest:manifest/>").unwrap();
    writer.finish().unwrap().into_inner()
}

pub(super) fn open_row(cells: &[&str]) -> String {
    let cells = cells.iter().map(|text| match *text {
        "" => "<table:table-cell/>".to_owned(),
        text if text.starts_with('<') => text.to_owned(),
        text => format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        ),
    });
    format!("<table:table-row>{}</table:table-row>", cells.collect::<String>())
}

pub(super) fn open_table(name: &str, rows: &[String]) -> String {
    format!(
        "<table:table table:name=\"{name}\"><table:table-column/>{}</table:table>",
        rows.concat()
    )
}

#[test]
fn open_document_is_read_like_xlsx() {
    let initiatives = open_table(
        "Initiatives",
        &[
            open_row(&["Your reference", "Title", "Started on", "Goes on", "Summary", "Place"]),
            "<table:table-row table:number-rows-repeated=\"3\"><table:table-cell table:number-columns-repeated=\"1024\"/></table:table-row>".into(),
            open_row(&[
                "<table:table-cell office:value-type=\"float\" office:value=\"7\"><text:p>7</text:p></table:table-cell>",
                "A &amp; B<text:s text:c=\"2\"/>&#233;<text:line-break/>C</text:p><text:p>D",
                "<table:table-cell office:value-type=\"date\" office:date-value=\"2021-04-01T00:00:00\"><text:p>1 April</text:p></table:table-cell>",
                "<table:table-cell office:value-type=\"boolean\" office:boolean-value=\"true\"><text:p>TRUE</text:p></table:table-cell>",
                "<table:table-cell office:value-type=\"string\"><office:annotation><text:p>a note</text:p></office:annotation><text:p>words</text:p></table:table-cell>",
                "<table:table-cell office:value-type=\"string\" table:number-rows-spanned=\"2\"><text:p>Leeds</text:p></table:table-cell>",
            ]),
            open_row(&[
                "b",
                "<table:table-cell table:formula=\"of:=[.Z1]\" office:value-type=\"string\" office:string-value=\"\" calcext:value-type=\"error\"><text:p>#REF!</text:p></table:table-cell>",
                "<table:table-cell table:formula=\"of:=1+1\" office:value-type=\"float\" office:value=\"2\"/>",
                "", "", "<table:covered-table-cell/>",
            ]),
            "<table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>".into(),
        ],
    );
    let conditions = open_table(
        "Conditions",
        &[
            open_row(&["Your reference", "Condition"]),
            open_row(&["7", "Governance"]),
        ],
    );
    let book = open_document(&(initiatives + &conditions));
    let (records, _) = read_all(&book).unwrap();
    assert_eq!(records[0].position.row, 5);
    assert_eq!(
        records[0].document,
        json!({"externalRef": "7", "title": "A & B  é\nC\nD", "startedOn": "2021-04-01", "ongoing": true, "summary": "words",
            "place": {"name": "Leeds"}, "conditionsChanged": [{"condition": "GOVERNANCE"}]})
    );
    assert_eq!(
        records[1].document,
        json!({"externalRef": "b", "title": "#REF!", "startedOn": 2})
    );
    let problems = list_problems(&book);
    assert!(
        problems[0].starts_with("Initiatives 6 Title: holds the error #REF!"),
        "{problems:?}"
    );
    assert!(
        problems[1]
            .starts_with("Initiatives 6 Started on: \"2\" is a number and not a date; write the date as"),
        "{problems:?}"
    );
    assert!(
        problems[2].starts_with("Initiatives 6 Place: is merged with the cell in row 5"),
        "{problems:?}"
    );
}

#[test]
fn repeated_cells_are_not_expanded() {
    let header = open_row(&["Your reference", "Title"]);
    let cell = "<table:table-cell table:number-columns-repeated=\"16384\" office:value-type=\"string\"><text:p>a</text:p></table:table-cell>";
    let repeated =
        format!("<table:table-row table:number-rows-repeated=\"1048570\">{cell}</table:table-row>");
    let limits = FileLimits {
        rows: 100,
        ..FileLimits::default()
    };
    let book = open_document(&open_table("Initiatives", &[header.clone(), repeated.clone()]));
    assert!(matches!(
        read_within(FileFormat::Ods, &book, limits),
        Err(FileError::TooManyRows(100))
    ));
    let spaces = "a<text:s text:c=\"99999999999\"/>".repeat(200);
    let book = open_document(&open_table(
        "Initiatives",
        &[header.clone(), open_row(&[&spaces])],
    ));
    assert!(matches!(read_all(&book), Err(FileError::EndlessCell)));
    // Of an unknown sheet, only the first text is read.
    let book = open_document(
        &(open_table("Scribbles", &[repeated])
            + &open_table("Initiatives", &[header, open_row(&["a", "A"])])),
    );
    let (records, strays) = read_all(&book).unwrap();
    assert_eq!((records.len(), strays.len()), (1, 1));
}

#[test]
fn locked_or_damaged_open_document_is_rejected() {
    let book = open_document(&open_table(
        "Initiatives",
        &[open_row(&["Your reference"]), open_row(&["a"])],
    ));
    assert_eq!(read_documents(&book).len(), 1);
    let locked = replace_archive_parts(
        &book,
        &[
            (
                "META-INF/manifest.xml",
                b"<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>",
            ),
            ("content.xml", &[0xff; 64]),
        ],
    );
    assert!(matches!(
        read_within(FileFormat::Ods, &locked, FileLimits::default()),
        Err(FileError::Locked)
    ));
    for end in [10, book.len() / 2, book.len() - 1] {
        let error = read_within(FileFormat::Ods, &book[..end], FileLimits::default()).unwrap_err();
        assert!(matches!(error, FileError::Damaged), "{end}: {error:?}");
    }
    for content in [
        "<table:table table:name=\"Initiatives\"><table:table-row>",
        "<table:table table:name=\"Initiatives\">&nope;<table:table-row><table:table-cell office:value-type=\"string\"><text:p>&nope;</text:p></table:table-cell></table:table-row></table:table>",
    ] {
        assert!(read_all(&open_document(content)).is_err());
    }
    let mut random = StdRng::seed_from_u64(9);
    let table = open_table(
        "Initiatives",
        &[
            open_row(&["Your reference", "Title"]),
            open_row(&["a", "A<text:s/>b"]),
        ],
    );
    for _ in 0..300 {
        let mut bytes = table.clone().into_bytes();
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..bytes.len());
            bytes[place] = *b"<>/\"=0129AZz &;:!-".choose(&mut random).unwrap();
        }
        let _ = read_all(&open_document(&String::from_utf8_lossy(&bytes)));
    }
}
