//! Grants in workbooks, as 360Giving publishes them.

use std::io::Cursor;
use std::ops::ControlFlow;

use chrono::NaiveDate;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use wayin_vocabulary::FileFormat;

use super::super::grants::{Grant, read_grants};
use super::super::records::FileLimits;
use super::super::{FileError, Notes, ParsedRowResult};
use super::open_document::{open_document, open_row, open_table};
use super::{SheetContent, typed_workbook};

const TITLES: [&str; 7] = [
    "Identifier",
    "Title",
    "Currency",
    "Amount Awarded",
    "Award Date",
    "Recipient Org:Name",
    "Funding Org:Name",
];
const PATHS: [&str; 7] = [
    "id",
    "title",
    "currency",
    "amountAwarded",
    "awardDate",
    "recipientOrganization/0/name",
    "fundingOrganization/0/name",
];

type SheetGrantRows = Vec<(String, ParsedRowResult<Grant>)>;

fn read_workbook_grants(
    format: FileFormat,
    bytes: &[u8],
) -> Result<(SheetGrantRows, Vec<String>), FileError> {
    let (mut rows, mut notes) = (Vec::new(), Notes::default());
    read_grants(
        Cursor::new(bytes),
        format,
        &FileLimits::default(),
        &mut notes,
        |at, row| {
            rows.push((format!("{} {}", at.sheet.unwrap(), at.row), row));
            ControlFlow::Continue(())
        },
    )?;
    Ok((rows, notes.into_iter().collect()))
}

fn grant_cells<'a>(id: &'a str, date: &'a str) -> [&'a str; 7] {
    [id, "T", "GBP", "15000.50", date, "R", "F"]
}

#[test]
fn every_sheet_with_grant_columns_is_read() {
    let sheets: [SheetContent<'_>; 4] = [
        ("Read me", &[&["These are our grants"]]),
        (
            "2020",
            &[
                &TITLES,
                &grant_cells("a-1", "2020-05-01"),
                &[],
                &grant_cells("a-2", "soon"),
            ],
        ),
        (
            "2021",
            &[&[], &PATHS, &["a-3"], &grant_cells("a-4", "01/05/2021")],
        ),
        ("Empty", &[]),
    ];
    let open: String = sheets
        .iter()
        .map(|(name, rows)| {
            let rows: Vec<_> = rows.iter().map(|cells| open_row(cells)).collect();
            open_table(name, &rows)
        })
        .collect();
    for (format, bytes) in [
        (FileFormat::Xlsx, typed_workbook(&sheets)),
        (FileFormat::Ods, open_document(&open)),
    ] {
        let (rows, notes) = read_workbook_grants(format, &bytes).unwrap();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].starts_with("The sheet \"Read me\" is not read"),
            "{notes:?}"
        );
        let places: Vec<_> = rows.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["2020 2", "2020 4", "2021 3", "2021 4"]);
        let first = rows[0].1.as_ref().unwrap();
        assert_eq!(first.warnings, []);
        assert_eq!(first.value.amount_minor, Some(1_500_050));
        assert_eq!(first.value.awarded_on, NaiveDate::from_ymd_opt(2020, 5, 1));
        assert!(
            rows[1].1.as_ref().unwrap().warnings[0]
                .to_string()
                .starts_with("sheet 2020, row 4, Award Date: \"soon\" is not a date")
        );
        let refused = rows[2].1.as_ref().unwrap_err();
        assert_eq!(refused[0].to_string(), "sheet 2021, row 3, title: is missing");
        assert_eq!(
            rows[3].1.as_ref().unwrap().value.awarded_on,
            NaiveDate::from_ymd_opt(2021, 5, 1)
        );
    }
}

#[test]
fn cells_are_read_by_type() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let header = TITLES.iter().chain(&[
        "Planned Dates:Start Date",
        "Planned Dates:Duration (months)",
        "Description",
    ]);
    for (column, title) in (0..).zip(header) {
        sheet.write_string(0, column, *title).unwrap();
    }
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let row = sheet;
    row.write_number(1, 0, 7).unwrap();
    row.write_string(1, 1, "T").unwrap();
    row.write_string(1, 2, "GBP").unwrap();
    row.write_number(1, 3, 41_133.770_000_000_004).unwrap();
    let date = ExcelDateTime::parse_from_str("2020-05-01").unwrap();
    row.write_datetime_with_format(1, 4, &date, &day).unwrap();
    row.write_string(1, 5, "R").unwrap();
    row.write_string(1, 6, "F").unwrap();
    row.write_number(1, 7, 43_952).unwrap();
    row.write_number(1, 8, 12.0).unwrap();
    row.write_formula(1, 9, rust_xlsxwriter::Formula::new("1/0").set_result("#DIV/0!"))
        .unwrap();
    let bytes = book.save_to_buffer().unwrap();
    let (rows, notes) = read_workbook_grants(FileFormat::Xlsx, &bytes).unwrap();
    assert_eq!(notes, Vec::<String>::new());
    let row = rows[0].1.as_ref().unwrap();
    let grant = &row.value;
    assert_eq!(
        (grant.identifier.as_str(), grant.amount_minor),
        ("7", Some(4_113_377))
    );
    assert_eq!(grant.awarded_on, NaiveDate::from_ymd_opt(2020, 5, 1));
    assert_eq!(grant.starts_on, grant.awarded_on);
    assert_eq!(grant.duration_months, Some(12));
    let said: Vec<_> = row.warnings.iter().map(ToString::to_string).collect();
    assert!(
        said[0].ends_with("Start Date: 43952 is read as 2020-05-01, the day that a spreadsheet counts so"),
        "{said:?}"
    );
}

#[test]
fn workbook_without_grants_is_rejected() {
    let without = TITLES.map(|title| {
        if title == "Funding Org:Name" {
            "Notes"
        } else {
            title
        }
    });
    let cases: [(&[SheetContent<'_>], &str); 4] = [
        (
            &[("Read me", &[&["Hello"]])],
            "none of its sheets has the columns of grants",
        ),
        (&[("G", &[&TITLES])], "no rows to import"),
        (
            &[("G", &[&without, &grant_cells("a", "2020-01-01")])],
            "in its sheet \"G\", it has no column Funding Org:Name",
        ),
        (
            &[("G", &[&["Identifier", "id", "Title"], &["a", "b", "c"]])],
            "are the same field",
        ),
    ];
    for (sheets, reason) in cases {
        let error = read_workbook_grants(FileFormat::Xlsx, &typed_workbook(sheets))
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
    let error = read_workbook_grants(FileFormat::Xlsx, b"PK\x03\x04 and no more").unwrap_err();
    assert!(matches!(error, FileError::Damaged), "{error:?}");
}

#[test]
fn reading_stops_within_a_sheet() {
    let bytes = typed_workbook(&[
        (
            "1",
            &[
                &TITLES,
                &grant_cells("a", "2020-01-01"),
                &grant_cells("b", "2020-01-01"),
            ],
        ),
        ("2", &[&TITLES, &grant_cells("c", "2020-01-01")]),
    ]);
    for most in 1..=3 {
        let mut count = 0;
        read_grants(
            Cursor::new(&bytes),
            FileFormat::Xlsx,
            &FileLimits::UNLIMITED,
            &mut Notes::default(),
            |_, _| {
                count += 1;
                if count == most {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        )
        .unwrap();
        assert_eq!(count, most);
    }
}
