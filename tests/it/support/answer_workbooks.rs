//! Answers as workbooks, and their parts.

use std::io::{Cursor, Read as _};

use axum::http::{HeaderMap, StatusCode};
use calamine::{Data, Reader as _, Xlsx};
use serde_json::Value;
use zip::ZipArchive;

use super::app::{Client, TestApp};
use super::http::{export_address, get, send, workbook_address};

/// Downloads a file as a reader.
pub async fn download_file(app: &TestApp, reader: &Client<'_>, address: &str) -> (HeaderMap, Vec<u8>) {
    let (status, headers, body) = send(&app.app, get(address, reader.authorization.as_deref())).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "{address}: {}",
        String::from_utf8_lossy(&body)
    );
    (headers, body)
}

/// Downloads a workbook as a reader.
pub async fn download_workbook(
    app: &TestApp,
    reader: &Client<'_>,
    name: &str,
    parameters: &Value,
) -> Vec<u8> {
    let (headers, body) = download_file(app, reader, &workbook_address(name, parameters)).await;
    for (header, expected) in [
        (
            "content-type",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned(),
        ),
        (
            "content-disposition",
            format!("attachment; filename=\"wayin-{name}.xlsx\""),
        ),
        ("cache-control", "no-store".to_owned()),
    ] {
        assert_eq!(headers[header], expected);
    }
    body
}

/// The cells of a sheet, row by row.
pub fn read_sheet(book: &[u8], sheet: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(book)).unwrap();
    assert_eq!(book.sheet_names(), ["Summary", "Data"]);
    let cells = book.worksheet_range(sheet).unwrap();
    cells.rows().map(<[Data]>::to_vec).collect()
}

/// The texts and numbers of the summary sheet, from the top to the bottom.
pub fn list_summary_texts(book: &[u8]) -> Vec<String> {
    let cells = read_sheet(book, "Summary").into_iter().flatten();
    cells
        .filter(|cell| *cell != Data::Empty)
        .map(|cell| cell.to_string())
        .collect()
}

/// The parts of the package whose names begin with `folder`, as names and XML.
pub fn list_parts(book: &[u8], folder: &str) -> Vec<(String, String)> {
    let mut archive = ZipArchive::new(Cursor::new(book)).unwrap();
    let names = archive.file_names().map(|name| name.unwrap().into_owned());
    let names: Vec<String> = names.collect();
    let names = names.into_iter().filter(|name| name.starts_with(folder));
    names
        .map(|name| {
            let mut text = String::new();
            archive.by_name(&name).unwrap().read_to_string(&mut text).unwrap();
            (name, text)
        })
        .collect()
}

/// Asserts that a cell of the workbook has the text or the number of a field of the CSV file.
fn assert_same_cell(cell: &Data, field: &str, place: &str) {
    match cell {
        Data::Empty => assert_eq!(field, "", "{place}"),
        Data::String(text) => {
            let field = field
                .strip_prefix('\'')
                .filter(|inner| inner.starts_with('='))
                .unwrap_or(field);
            assert_eq!(text, field, "{place}");
        }
        Data::Float(number) => assert_eq!(field.parse(), Ok(*number), "{place}"),
        other => panic!("{other:?} is neither text nor number: {place}"),
    }
}

/// Asserts that the sheet of data has the rows of the CSV file. Returns its cells.
pub async fn assert_data_sheet(
    app: &TestApp,
    reader: &Client<'_>,
    name: &str,
    parameters: &Value,
) -> Vec<Vec<Data>> {
    let (_, file) = download_file(app, reader, &export_address(name, parameters)).await;
    let text = std::str::from_utf8(&file).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let fields: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>().unwrap();
    let book = download_workbook(app, reader, name, parameters).await;
    let rows = read_sheet(&book, "Data");
    assert_eq!(rows.len(), fields.len(), "{name}");
    for (row, fields) in rows.iter().zip(&fields) {
        assert_eq!(row.len(), fields.len(), "{name}: {row:?}");
        for (cell, field) in row.iter().zip(fields) {
            assert_same_cell(cell, field, &format!("{name}: {row:?}"));
        }
    }
    rows
}
