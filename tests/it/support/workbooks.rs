//! Spreadsheets that tests write and read.

use std::io::{Cursor, Write as _};
use std::ops::ControlFlow;

use serde_json::Value;
use wayin_entity::FileFormat;
use wayin_records::formats::Notes;
use wayin_records::formats::file_record::FileItem;
use wayin_records::formats::records::{FileLimits, UnreadCells, read_unvalidated};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The records of a file, as the author entered them.
pub fn read_typed_records(format: FileFormat, file: &[u8]) -> Vec<Value> {
    let mut records = Vec::new();
    read_unvalidated(
        format,
        Cursor::new(file),
        &FileLimits::default(),
        UnreadCells::Skip,
        &mut Notes::default(),
        |item| {
            match item {
                FileItem::Record(record) => records.push(record.into_document()),
                FileItem::Unread(cells) => panic!("unexpected cells {cells:?}"),
                FileItem::Stray(stray) => panic!("{stray:?}"),
            }
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    records
}

/// An OpenDocument spreadsheet of one sheet.
pub fn build_open_document(sheet: &str, table: &[&[&str]]) -> Vec<u8> {
    let cell = |text: &&str| match *text {
        "" => "<table:table-cell/>".to_owned(),
        text => format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        ),
    };
    let row = |cells: &&[&str]| {
        let cells: String = cells.iter().map(cell).collect();
        format!("<table:table-row>{cells}</table:table-row>")
    };
    let table: String = table.iter().map(row).collect();
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content xmlns:office=\"o\" xmlns:table=\"t\" \
         xmlns:text=\"x\"><office:body><office:spreadsheet><table:table table:name=\"{sheet}\">\
         <table:table-column/>{table}</table:table></office:spreadsheet></office:body></office:document-content>"
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file("mimetype", stored).unwrap();
    let kind: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
    writer.write_all(kind).unwrap();
    for (name, text) in [
        ("content.xml", content.as_str()),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
    ] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
