//! Records from workbooks and CSV files, which the tests write as people and programs do.

mod grants;
mod hostile;
mod manual_entry;
mod open_document;
mod round_trip;

use std::io::{Cursor, Read as _, Write as _};
use std::ops::ControlFlow;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rust_xlsxwriter::{Workbook, Worksheet};
use serde_json::{Value, json};
use wayin_vocabulary::FileFormat;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::FileError;
use super::Notes;
use super::file_record::{CellPosition, FileItem, FileRecord, StrayRow};
use super::records::{FileLimits, UnreadCells, read_unvalidated};
use crate::fields::column::{ColumnKind, VERSION_PATH};
use crate::formats::file_format::detect_record_format;
use crate::workbook::RecordWorkbook;
use crate::workbook::columns::SHEETS;
use crate::workbook::csv::{CsvRecordWriter, ListLengths};

fn read_within(
    format: FileFormat,
    bytes: &[u8],
    limits: FileLimits,
) -> Result<(Vec<FileRecord>, Vec<StrayRow>), FileError> {
    let (mut records, mut strays) = (Vec::new(), Vec::new());
    read_unvalidated(
        format,
        Cursor::new(bytes),
        &limits,
        UnreadCells::Skip,
        &mut Notes::default(),
        |item| {
            match item {
                FileItem::Record(record) => records.push(record),
                FileItem::Stray(stray) => strays.push(stray),
                FileItem::Unread(cells) => panic!("unexpected cells {cells:?}"),
            }
            ControlFlow::Continue(())
        },
    )?;
    Ok((records, strays))
}

fn read_all(bytes: &[u8]) -> Result<(Vec<FileRecord>, Vec<StrayRow>), FileError> {
    let format = detect_record_format("records", &bytes[..bytes.len().min(1024)])?;
    read_within(format, bytes, FileLimits::default())
}

fn read_documents(bytes: &[u8]) -> Vec<Value> {
    let (records, strays) = read_all(bytes).unwrap();
    assert_eq!(strays, []);
    let documents = records.into_iter().map(|record| {
        // Records of several organisations can have the same reference.
        let is_shared = record.has_duplicate_reference();
        assert_eq!(
            record.problems.len(),
            usize::from(is_shared),
            "{:?} {}",
            record.problems,
            record.document
        );
        record.document
    });
    documents.collect()
}

/// Stray rows and problems, as messages.
fn list_problems(bytes: &[u8]) -> Vec<String> {
    let (records, strays) = read_all(bytes).unwrap();
    let place = |cell: CellPosition| {
        let sheet = cell.sheet.map(|sheet| format!("{sheet} ")).unwrap_or_default();
        format!("{sheet}{} {}", cell.row, cell.column.unwrap_or_default())
    };
    let found = records.iter().flat_map(|record| {
        let found = record.problems.iter();
        found.map(|problem| format!("{}: {}", place(record.find_cell(&problem.path)), problem.reason))
    });
    let found: Vec<_> = found.collect();
    let strays = strays
        .into_iter()
        .map(|stray| format!("{}: {}", place(stray.position), stray.reason));
    found.into_iter().chain(strays).collect()
}

/// The name of a sheet, and the texts in its rows.
type SheetContent<'a> = (&'a str, &'a [&'a [&'a str]]);
/// The name of a part of an archive, and its content.
type ArchivePart<'a> = (&'a str, &'a [u8]);

/// A workbook of texts, as a person would type it.
fn typed_workbook(sheets: &[SheetContent<'_>]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (name, rows) in sheets {
        let sheet = workbook.add_worksheet();
        sheet.set_name(*name).unwrap();
        fill(sheet, rows);
    }
    workbook.save_to_buffer().unwrap()
}

fn fill(sheet: &mut Worksheet, rows: &[&[&str]]) {
    for (row, cells) in rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let at = (u32::try_from(row).unwrap(), u16::try_from(column).unwrap());
            sheet.write_string(at.0, at.1, *cell).unwrap();
        }
    }
}

fn export_workbook(documents: &[Value]) -> Vec<u8> {
    let mut book = RecordWorkbook::for_export().unwrap();
    documents
        .iter()
        .for_each(|document| book.add_record(document, &[]).unwrap());
    let mut written = Vec::new();
    book.finish(&mut written).unwrap();
    written
}

fn export_csv(documents: &[Value]) -> Vec<u8> {
    let mut widths = ListLengths::default();
    documents.iter().for_each(|document| widths.extend_for(document));
    let mut written = Vec::new();
    let mut table = CsvRecordWriter::new(&mut written, widths).unwrap();
    documents
        .iter()
        .for_each(|document| table.write_record(document).unwrap());
    table.finish().unwrap();
    written
}

/// A record with a random selection of all fields.
fn random_record(random: &mut StdRng) -> Value {
    let mut record = json!({});
    let random = &mut *random;
    for sheet in &SHEETS {
        let items = if sheet.list.is_some() {
            random.random_range(0..4)
        } else {
            1
        };
        let mut list = Vec::new();
        for _ in 0..items {
            let mut part = json!({});
            // The version is not among the fields that the reader returns.
            for column in sheet.columns.iter().filter(|column| column.path != VERSION_PATH) {
                // Each list item has at least one value, because empty items are rejected.
                if random.random_bool(0.4) && column.path != sheet.columns[0].path {
                    if column.accepts_missing_reason
                        && random.random_bool(0.2)
                        && part.get(column.field_name()).is_none()
                    {
                        part["missing"][column.field_name()] = json!("NO_REPLY");
                    }
                    continue;
                }
                if part["missing"].get(column.field_name()).is_some() {
                    continue;
                }
                let value = match column.kind {
                    ColumnKind::Text if column.path == "currency" => {
                        json!(*["GBP", "JPY", "KWD", "XYZ"].choose(random).unwrap())
                    }
                    ColumnKind::Text => json!(random_text(random, 12)),
                    ColumnKind::Date => {
                        let day = chrono::NaiveDate::from_ymd_opt(1800, 1, 1).unwrap()
                            + chrono::Days::new(random.random_range(0..2_900_000));
                        json!(day.to_string())
                    }
                    ColumnKind::Whole if column.path == "amountMinor" => continue,
                    ColumnKind::Whole => json!(random.random::<i32>()),
                    ColumnKind::Money if part.get("currency").is_none() => continue,
                    ColumnKind::Money => {
                        json!(random.random::<i64>().unsigned_abs() >> random.random_range(1..60))
                    }
                    ColumnKind::YesNo => json!(random.random::<bool>()),
                    ColumnKind::Code(vocabulary) => json!(vocabulary.words().choose(random).unwrap().code),
                    ColumnKind::Codes(vocabulary) => vocabulary
                        .words()
                        .iter()
                        .filter(|_| random.random_bool(0.3))
                        .map(|word| json!(word.code))
                        .collect(),
                    ColumnKind::MissingReason => continue,
                };
                if value == json!([]) {
                    continue;
                }
                let mut at = &mut part;
                for step in column.path.split('/') {
                    at = &mut at[step];
                }
                *at = value;
            }
            if part["missing"].is_null() {
                part.as_object_mut().unwrap().remove("missing");
            }
            list.push(part);
        }
        match sheet.list {
            None => record = list.remove(0),
            Some(name) if !list.is_empty() => record[name] = list.into(),
            Some(_) => {}
        }
    }
    record
}

/// An archive of the parts of a workbook, with some parts replaced.
fn replace_archive_parts(book: &[u8], parts: &[ArchivePart<'_>]) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for at in 0..archive.len() {
        let part = archive.by_index(at).unwrap();
        let name = part.name().unwrap().into_owned();
        if parts.iter().all(|(other, _)| *other != name) {
            writer.raw_copy_file(part).unwrap();
        }
    }
    for (name, content) in parts {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn with_sheet(content: &str) -> Vec<u8> {
    let book = typed_workbook(&[("Initiatives", &[])]);
    let sheet = format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">{content}</worksheet>"
    );
    replace_archive_parts(&book, &[("xl/worksheets/sheet1.xml", sheet.as_bytes())])
}

const HEADER: &str = "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>Your reference</v></c><c r=\"B1\" t=\"str\"><v>Title</v></c></row>";

/// A text with characters that are hard to preserve.
fn random_text(random: &mut StdRng, most: usize) -> String {
    const TEXT_PIECES: &[&str] = &[
        "a",
        "B",
        " ",
        "é",
        "=",
        "+",
        "-",
        "@",
        "'",
        "''",
        "\"",
        ",",
        ";",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "0",
        "007",
        "1e5",
        "🙂",
        "👩‍👩‍👧",
        "_x000D_",
        "_x005F_",
        "&amp;",
        "<b>",
        "]]>",
        "\u{1}",
        "\u{b}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\u{fffe}",
        "＝",
        "TRUE",
        "not asked",
        "Unknown",
        "N/A",
        "?",
        "WITHHELD",
        "2021-04-01",
        "1/2",
        "#REF!",
        "\\",
        "\u{7f}",
    ];
    let length = random.random_range(1..=most);
    let text: String = (0..length)
        .map(|_| *TEXT_PIECES.choose(random).unwrap())
        .collect();
    // As publication normalises it.
    match text.trim() {
        "" => "x".into(),
        trimmed => trimmed.to_owned(),
    }
}

/// A part of an archive, as text.
fn read_archive_part(file: &[u8], part: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut text = String::new();
    archive.by_name(part).unwrap().read_to_string(&mut text).unwrap();
    text
}
