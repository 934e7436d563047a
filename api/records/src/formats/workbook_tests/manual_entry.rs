//! What people type into workbooks and tables.

use rust_xlsxwriter::{Format, Formula, Workbook};
use serde_json::json;
use wayin_vocabulary::FileFormat;

use super::super::file_record::CellPosition;
use super::super::records::FileLimits;
use super::{
    HEADER, SheetContent, fill, list_problems, read_all, read_archive_part, read_documents, read_within,
    replace_archive_parts, typed_workbook, with_sheet,
};
use crate::json_reader;

#[test]
fn filled_in_template_is_read() {
    let book = typed_workbook(&[
        (
            "Funding terms",
            &[
                &[
                    "Your reference",
                    "Funder",
                    "Currency",
                    "Amount",
                    "LENGTH IN MONTHS",
                    "last day",
                ],
                &["b", "F", "GBP", "15000.50", "18", "31/3/2022"],
                &["a", "G", "JPY", "7", "", "not asked"],
            ],
        ),
        (
            "Initiatives",
            &[
                &["externalRef", " title", "Place code", "Goes on", "Started on"],
                &[],
                &["EXAMPLE-1", "An example"],
                &["a", "A", "E1", "yes", "2021-04-01"],
                &["b", "B", "", "maybe"],
            ],
        ),
        (
            "Challenges",
            &[
                &["Your reference", "Challenge", "Reasons"],
                &["example-1", "Defining their ambitions"],
                &[
                    "b",
                    "Defining their ambitions",
                    "short funding; STAFF_CAPACITY; luck",
                ],
            ],
        ),
        (
            "entry points",
            &[
                &["Your reference", "Entry point", "Whose view"],
                &["a", "Root causes", "FUNDER"],
                &["b", "COMPLEXITY", "practitioners"],
                &["a", "luck", "Funders"],
            ],
        ),
        ("Guidance", &[&["Anything"]]),
    ]);
    let (records, strays) = read_all(&book).unwrap();
    assert_eq!(strays, []);
    assert_eq!(
        records[0].document,
        json!({"externalRef": "a", "title": "A", "place": {"code": "E1"}, "ongoing": true, "startedOn": "2021-04-01",
            "entryPoints": [{"entryPoint": "ROOT_CAUSES", "perspective": "FUNDER"}, {"entryPoint": "luck", "perspective": "FUNDER"}],
            "fundingTerms": [{"funder": {"name": "G"}, "currency": "JPY", "amountMinor": 7, "missing": {"endsOn": "NOT_ASKED"}}]})
    );
    assert_eq!(
        records[1].document,
        json!({"externalRef": "b", "title": "B", "ongoing": "maybe",
            "entryPoints": [{"entryPoint": "COMPLEXITY", "perspective": "PRACTITIONER"}],
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "reasons": ["SHORT_FUNDING", "STAFF_CAPACITY", "luck"]}],
            "fundingTerms": [{"funder": {"name": "F"}, "currency": "GBP", "amountMinor": 1_500_050, "durationMonths": 18, "endsOn": "2022-03-31"}]})
    );
    assert_eq!(records.len(), 2);
    let cell = |sheet: &str, row, column: &str| CellPosition {
        sheet: Some(sheet.into()),
        row,
        column: Some(column.into()),
    };
    assert_eq!(records[1].position.row, 5);
    assert_eq!(records[1].find_cell("ongoing"), cell("Initiatives", 5, "Goes on"));
    assert_eq!(
        records[1].find_cell("fundingTerms/0/endsOn"),
        cell("Funding terms", 2, "last day")
    );
    assert_eq!(
        records[1].find_cell("challengesFaced/0/reasons/2"),
        cell("Challenges", 3, "Reasons")
    );
    assert_eq!(
        records[0].find_cell("entryPoints/1/entryPoint"),
        cell("entry points", 4, "Entry point")
    );
    assert_eq!(
        records[0].find_cell("fundingTerms/0/missing/endsOn"),
        cell("Funding terms", 3, "last day")
    );
    assert_eq!(records[0].find_cell("fundingTerms/0/currency/x").row, 3);
}

#[test]
fn numbers_dates_and_booleans_are_read() {
    let mut workbook = Workbook::new();
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let sheet = workbook.add_worksheet();
    sheet.set_name("Initiatives").unwrap();
    fill(
        sheet,
        &[&[
            "Your reference",
            "Title",
            "Started on",
            "Ended on",
            "Goes on",
            "Summary",
        ]],
    );
    sheet.write_number(1, 0, 7).unwrap();
    sheet.write_number(1, 1, 2021.5).unwrap();
    sheet.write_number_with_format(1, 2, 44_287, &day).unwrap();
    sheet.write_number(1, 3, 44_288).unwrap();
    sheet.write_boolean(1, 4, false).unwrap();
    sheet
        .write_formula(1, 5, Formula::new("=1+1").set_result("a sum"))
        .unwrap();
    sheet.write_string(2, 0, "8").unwrap();
    sheet.write_number_with_format(2, 1, 44_378, &day).unwrap();
    sheet.write_number_with_format(2, 2, 60, &day).unwrap();
    sheet
        .write_formula(2, 5, Formula::new("=A9").set_result("#REF!"))
        .unwrap();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Funding terms").unwrap();
    fill(
        sheet,
        &[&[
            "Your reference",
            "Amount",
            "Currency",
            "Length in months",
            "Last day",
        ]],
    );
    sheet.write_number(1, 0, 7).unwrap();
    sheet.write_number(1, 1, 41_133.770_000_000_004).unwrap();
    sheet.write_string(1, 2, "gbp").unwrap();
    sheet.write_number(1, 3, 17.5).unwrap();
    sheet.write_string(2, 0, "7").unwrap();
    sheet.write_number(2, 1, 15_000).unwrap();
    sheet.write_string(3, 0, "7").unwrap();
    sheet.write_string(3, 1, "£15,000").unwrap();
    sheet.write_string(3, 2, "GBP").unwrap();
    let book = workbook.save_to_buffer().unwrap();
    let (records, _) = read_all(&book).unwrap();
    assert_eq!(
        records[0].document,
        json!({"externalRef": "7", "title": "2021.5", "startedOn": "2021-04-01", "endedOn": 44_288, "ongoing": false, "summary": "a sum",
            "fundingTerms": [{"amountMinor": 4_113_377, "currency": "gbp", "durationMonths": 17.5}, {"amountMinor": "15000"}, {"amountMinor": "£15,000", "currency": "GBP"}]})
    );
    assert_eq!(
        records[1].document,
        json!({"externalRef": "8", "title": "2021-07-01", "startedOn": "1900-02-29", "summary": "#REF!"})
    );
    let problems = list_problems(&book);
    let expected = [
        "Initiatives 2 Ended on: \"44288\" is a number and not a date; write the date as YYYY-MM-DD, such as 2014-06-25",
        "Funding terms 2 Length in months: \"17.5\" is not a whole number of months; write months as a number, such as 12",
        "Funding terms 3 Amount: cannot be taken without the currency that it is in",
        "Funding terms 4 Amount: \"£15,000\" is not an amount; write the number alone, without a currency sign",
        "Initiatives 3 Title: holds a date where words are expected; a spreadsheet makes a date of what is typed like one: \
         format the cell as text, and type it again",
        "Initiatives 3 Started on: \"1900-02-29\" is not a date; write it as YYYY-MM-DD, such as 2014-06-25",
        "Initiatives 3 Summary: holds the error #REF!, which a formula has left; type the value itself",
    ];
    assert_eq!(problems, expected);
    // Other problems of such a field are not reported as well.
    let found = json_reader::read_document(records[1].document.clone()).problems;
    let all = records[1].merge_file_problems(found);
    assert_eq!(all.iter().filter(|problem| problem.path == "summary").count(), 1);
    assert!(all.iter().any(|problem| problem.path == "startedOn"));
}

#[test]
fn unassigned_rows_are_reported() {
    let initiatives: &[&[&str]] = &[
        &["Your reference", "Title", "Mine", "Empty"],
        &["a", "A", "note"],
        &["b", "B"],
        &["b", "C"],
    ];
    let book = typed_workbook(&[
        ("Initiatives", initiatives),
        (
            "Challenges",
            &[
                &["Your reference", "Challenge"],
                &["a", "DEFINING_AMBITIONS"],
                &["z", "DEFINING_AMBITIONS"],
                &["", "DEFINING_AMBITIONS"],
                &["b", "DEFINING_AMBITIONS"],
            ],
        ),
        ("Scribbles", &[&["x"]]),
        ("Blank", &[]),
    ]);
    insta::assert_snapshot!(list_problems(&book).join("\n"), @r#"
    Initiatives 3 Your reference: is the reference of row 4 too; each record needs a reference of its own
    Initiatives 4 Your reference: is the reference of row 3 too; each record needs a reference of its own
    Scribbles 1 : is not a sheet that is known, and nothing in it was read
    Initiatives 1 Mine: is not a column that is known, and nothing in it was read
    Challenges 3 Your reference: no row of the sheet Initiatives has the reference "z"
    Challenges 4 Your reference: is needed, so that it is known which record the row belongs to
    "#);
    let (records, _) = read_all(&book).unwrap();
    let challenges: Vec<_> = records
        .iter()
        .map(|record| record.document["challengesFaced"].as_array().map(Vec::len))
        .collect();
    assert_eq!(challenges, [Some(1), Some(1), None]);
}

#[test]
fn merged_cells_have_a_value_only_in_the_first() {
    let mut workbook = Workbook::new();
    let plain = Format::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Initiatives").unwrap();
    fill(
        sheet,
        &[&["Your reference", "Title", "Place"], &["a", "A"], &["b", "B"]],
    );
    sheet.merge_range(1, 2, 2, 2, "Leeds", &plain).unwrap();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Conditions").unwrap();
    fill(
        sheet,
        &[
            &["Your reference", "Condition"],
            &["", "GOVERNANCE"],
            &["", "INCENTIVES"],
        ],
    );
    sheet.merge_range(1, 0, 2, 0, "a", &plain).unwrap();
    let book = workbook.save_to_buffer().unwrap();
    insta::assert_snapshot!(list_problems(&book).join("\n"), @"
    Initiatives 3 Place: is merged with the cell in row 2, and holds nothing itself; unmerge it, and write in each row what holds for it
    Conditions 3 Your reference: is merged with the cell in row 2, and holds nothing itself; unmerge it, and write the reference in every row
    ");
    let (records, _) = read_all(&book).unwrap();
    assert_eq!(
        records[0].document["conditionsChanged"],
        json!([{"condition": "GOVERNANCE"}])
    );
}

#[test]
fn workbook_without_records_is_rejected() {
    let cases: [(&[SheetContent<'_>], &str); 5] = [
        (&[("Sheet1", &[&["a"]])], "has no sheet \"Initiatives\""),
        (
            &[("Initiatives", &[])],
            "has no sheet \"Initiatives\" with anything in it",
        ),
        (
            &[("Initiatives", &[&["Title"]])],
            "\"Initiatives\" has no column \"Your reference\"",
        ),
        (
            &[("Initiatives", &[&["Your reference", "Title", "title"]])],
            "the sheet \"Initiatives\", the column \"title\" is there twice",
        ),
        (
            &[
                ("Initiatives", &[&["Your reference"]]),
                ("Conditions", &[&["Condition"]]),
            ],
            "\"Conditions\" has no column",
        ),
    ];
    for (sheets, said) in cases {
        let error = read_all(&typed_workbook(sheets)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn csv_is_read_as_spreadsheets_write_it() {
    let text = "externalRef,title,fundingTerms.2.Amount,fundingTerms.2.currency,place.name,challengesFaced.1.challenge,Notes\r\n\
                a,\"A, \"\"B\"\"\",15.5,GBP,Leeds,,\r\nEXAMPLE-1,E,,,,,\r\n\r\nb,'=1,,,not asked,luck,mine\r\n";
    let expected = [
        json!({"externalRef": "a", "title": "A, \"B\"", "place": {"name": "Leeds"}, "fundingTerms": [{"amountMinor": 1_550, "currency": "GBP"}]}),
        json!({"externalRef": "b", "title": "=1", "missing": {"place": "NOT_ASKED"}, "challengesFaced": [{"challenge": "luck"}]}),
    ];
    let semicolons = text.replace("A, ", "A@ ").replace(',', ";").replace("A@ ", "A, ");
    let tabs = text
        .replace("A, ", "A@ ")
        .replace(',', "\t")
        .replace("A@ ", "A, ");
    let wide = |text: &str, unit: fn(u16) -> [u8; 2], mark: [u8; 2]| {
        let mut bytes = mark.to_vec();
        text.encode_utf16().for_each(|one| bytes.extend(unit(one)));
        bytes
    };
    for (bytes, first) in [
        (text.as_bytes().to_vec(), 2),
        (format!("\u{feff}{text}").into_bytes(), 2),
        (semicolons.clone().into_bytes(), 2),
        (format!("sep=;\r\n{semicolons}").into_bytes(), 2),
        (tabs.clone().into_bytes(), 2),
        (wide(&tabs, u16::to_le_bytes, [0xff, 0xfe]), 2),
        (wide(text, u16::to_be_bytes, [0xfe, 0xff]), 2),
    ] {
        let (records, strays) = read_all(&bytes).unwrap();
        let documents: Vec<_> = records.iter().map(|record| record.document.clone()).collect();
        assert_eq!(documents, expected);
        assert_eq!(records[0].position.row, first);
        assert_eq!(
            records[0].find_cell("fundingTerms/0/amountMinor"),
            CellPosition {
                column: Some("fundingTerms.2.Amount".into()),
                ..CellPosition::row(first)
            }
        );
        assert_eq!(records[1].position.row, first + 3);
        assert_eq!(strays.len(), 1);
        assert_eq!(strays[0].position.column.as_deref(), Some("Notes"));
    }
}

#[test]
fn csv_without_records_is_rejected() {
    for (bytes, said) in [
        (&b"name,kind\n1,2\n"[..], "is not a table of records"),
        (b"title,t\x81,externalRef\n", "neither UTF-8 nor"),
        (b"title,Title\n", "is there twice"),
        (b"\n\n", "empty"),
    ] {
        let error = read_within(FileFormat::Csv, bytes, FileLimits::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }
    insta::assert_snapshot!(list_problems(b"title,place.code\n\"Caf\x81\",E1\na,b,c\nb,E2\nc\n").join("\n"), @r#"
    2 title: is not UTF-8 text; save the file again as "CSV UTF-8"
    3 : has 3 cells, and the header has 2; put a cell that contains the separator in quotation marks
    "#);
}

#[test]
fn csv_numbers_are_read_as_spreadsheets_write_them() {
    let header = "externalRef;fundingTerms.1.amount;fundingTerms.1.currency;fundingTerms.1.durationMonths";
    for (amount, months) in [("15000,50", "12"), ("15 000,50", "12,0"), ("15.000,50", "12.0")] {
        for (between, quote) in [(";", ""), ("\t", ""), (",", "\"")] {
            let row = format!("a{between}{quote}{amount}{quote}{between}GBP{between}{quote}{months}{quote}");
            let text = format!("{}\r{row}\r", header.replace(';', between));
            let (records, strays) =
                read_within(FileFormat::Csv, text.as_bytes(), FileLimits::default()).unwrap();
            assert_eq!(strays.len(), 0, "{text}");
            assert_eq!(
                records[0].document["fundingTerms"],
                json!([{"amountMinor": 1_500_050, "currency": "GBP", "durationMonths": 12}]),
                "{text}"
            );
        }
    }
    let said = list_problems(format!("{header}\na;1.500;GBP;12\n").as_bytes());
    assert!(
        said[0].starts_with("2 fundingTerms.1.amount: \"1.500\" may mean 1500 or 1.500;"),
        "{said:?}"
    );
}

#[test]
fn formula_cells_use_their_cached_result() {
    let row = "<row r=\"2\"><c r=\"A2\"><f>B1</f><v>7</v></c><c r=\"B2\"><f>A1&amp;\"x\"</f></c></row>";
    let book = with_sheet(&format!("<sheetData>{HEADER}{row}</sheetData>"));
    let (records, _) = read_all(&book).unwrap();
    assert_eq!(
        records[0].document,
        json!({"externalRef": "7", "title": "=A1&\"x\""})
    );
    assert!(
        list_problems(&book)[0]
            .starts_with("Initiatives 2 Title: holds a formula whose result is not in the file")
    );
}

#[test]
fn dates_use_the_epoch_of_the_workbook() {
    let workbook = |is_1904: &str| {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.set_name("Initiatives").unwrap();
        fill(sheet, &[&["Your reference", "Started on"], &["a"]]);
        sheet
            .write_number_with_format(1, 1, 42_825, &Format::new().set_num_format("yyyy-mm-dd"))
            .unwrap();
        let book = book.save_to_buffer().unwrap();
        let part = read_archive_part(&book, "xl/workbook.xml")
            .replace("<workbookPr ", &format!("<workbookPr {is_1904} "));
        replace_archive_parts(&book, &[("xl/workbook.xml", part.as_bytes())])
    };
    assert_eq!(read_documents(&workbook(""))[0]["startedOn"], "2017-03-31");
    assert_eq!(
        read_documents(&workbook("date1904=\"1\""))[0]["startedOn"],
        "2021-04-01"
    );
}

#[test]
fn references_match_by_case_and_spaces_among_many_similar_ones() {
    let references: Vec<String> = (1..=150)
        .map(|dashes| format!("A{}b", "-".repeat(dashes)))
        .collect();
    let mut records: Vec<[&str; 2]> = references.iter().map(|one| [one.as_str(), "Similar"]).collect();
    records.push(["ΑΣ", "Ends with a sigma"]);
    records.insert(0, ["Your reference", "Title"]);
    let records: Vec<&[&str]> = records.iter().map(<[&str; 2]>::as_slice).collect();
    let terms: &[&[&str]] = &[
        &["Your reference", "Funder"],
        &["a-B", "Another case"],
        &["ας", "A final sigma"],
        &["ab", "No such reference"],
    ];
    let (records, strays) = read_all(&typed_workbook(&[
        ("Initiatives", &records),
        ("Funding terms", terms),
    ]))
    .unwrap();
    let funders: Vec<_> = records
        .iter()
        .filter_map(|record| {
            let term = record.document["fundingTerms"].get(0)?;
            Some((
                record.document["externalRef"].as_str()?,
                term["funder"]["name"].as_str()?,
            ))
        })
        .collect();
    assert_eq!(funders, [("A-b", "Another case"), ("ΑΣ", "A final sigma")]);
    let [stray] = strays.as_slice() else {
        panic!("{strays:?}")
    };
    let names = stray.reason.split_once("did you mean ").unwrap().1;
    assert_eq!(names.split(" or ").count(), 3, "{}", stray.reason);
}
