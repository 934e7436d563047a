//! The corrections workbook has every cell that was sent and not imported, whatever is wrong with the file.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Value, json};
use wayin_entity::FileFormat;

use crate::support::app::{Client, TestApp};
use crate::support::http::download;
use crate::support::imports::{file_record, import_file, load_rows};
use crate::support::places::start_with_places;
use crate::support::workbooks::read_typed_records;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    child_rows_are_matched_without_case_or_returned,
    every_rejected_cell_is_in_the_corrections,
    json_lines_and_csv_rows_are_returned_complete,
];

type SheetRows = (String, Vec<Vec<String>>);
/// Merged cells: sheet, first row, last row and column.
type MergedCells = (usize, u32, u32, u16);

/// A workbook with these rows, and with some cells merged.
fn build_workbook(sheets: &[SheetRows], merged: &[MergedCells]) -> Vec<u8> {
    let mut book = Workbook::new();
    for (at, (name, rows)) in sheets.iter().enumerate() {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        for (row, cells) in (0_u32..).zip(rows) {
            for (column, cell) in (0_u16..).zip(cells) {
                if !cell.is_empty() {
                    sheet.write_string(row, column, cell).unwrap();
                }
            }
        }
        for (_, first, last, column) in merged.iter().filter(|merged| merged.0 == at) {
            let text = &rows[*first as usize][usize::from(*column)];
            sheet
                .merge_range(*first, *column, *last, *column, text, &Format::new())
                .unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

/// Every text of a workbook, by sheet.
fn list_texts(book: &[u8]) -> Vec<(String, Vec<String>)> {
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(book)).unwrap();
    let sheets = book.worksheets().into_iter();
    let texts = sheets.map(|(name, cells)| {
        let filled = cells.used_cells().filter(|(.., cell)| **cell != Data::Empty);
        (name, filled.map(|(.., cell)| cell.to_string()).collect())
    });
    texts.collect()
}

/// Downloads the corrections of an import. None if there is nothing to correct.
async fn download_corrections(app: &TestApp, import: &Value) -> Option<Vec<u8>> {
    let (status, book) = download(app, import["correctionsUrl"].as_str()?, Some("partner")).await;
    assert_eq!(status, 200);
    Some(book)
}

fn new_sheet(name: &str, rows: &[&[&str]]) -> SheetRows {
    let row = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
    (name.to_owned(), rows.iter().map(row).collect())
}

const REQUIRED_COLUMNS: [&str; 8] = [
    "Your reference",
    "Title",
    "Place",
    "Started on",
    "Source kind",
    "Source title",
    "Why it may be shared",
    "Sharing licence",
];

fn valid_row(reference: &str) -> Vec<String> {
    let cells = [
        reference,
        "T",
        "Hartlepool",
        "2021-04-01",
        "Self report",
        "Our return",
        "Agreed",
        "CC-BY-4.0",
    ];
    cells.map(str::to_owned).to_vec()
}

fn initiatives_sheet(rows: impl IntoIterator<Item = Vec<String>>) -> SheetRows {
    let header = REQUIRED_COLUMNS.map(str::to_owned).to_vec();
    (
        "Initiatives".into(),
        std::iter::once(header).chain(rows).collect(),
    )
}

async fn child_rows_are_matched_without_case_or_returned(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let challenges = new_sheet(
        "Challenges",
        &[
            &["Your reference", "Challenge", "What happened", "Mine"],
            &["aw-12 ", "Defining ambitions", "in small letters", ""],
            &["AW-99", "Defining ambitions", "of nobody", "my own remark"],
            &["AW12", "Defining ambitions", "without its hyphen", ""],
            &["two", "Defining ambitions", "of which of both", ""],
        ],
    );
    let file = build_workbook(
        &[
            initiatives_sheet(["AW-12", "Two", "TWO"].map(valid_row)),
            challenges,
        ],
        &[],
    );
    let import = import_file(&app, &partner, "return.xlsx", &file).await;
    assert_eq!(
        (&import["submittedCount"], &import["rejectedCount"]),
        (&json!(3), &json!(4)),
        "{import}"
    );
    let kept = partner
        .query("{ submissions { nodes { record } } }")
        .await
        .to_string();
    assert!(kept.contains("in small letters"), "{kept}");

    let query = format!(
        "{{ import(id: {}) {{ rows(first: 9, filter: {{outcomes: [REJECTED]}}) {{ nodes {{ message }} }} }} }}",
        import["id"]
    );
    let output = partner.query(&query).await.to_string();
    for question in [
        r#"has the reference \"AW-99\"""#,
        r#"has the reference \"AW12\"; did you mean \"AW-12\"?"#,
        r#"has the reference \"two\"; did you mean \"Two\" or \"TWO\"?"#,
    ] {
        let question = question.replace("\\\"", "\\\\\\\"");
        assert!(
            output.contains(&question.replace("\\\\\\\"", "\\\"")),
            "{question}: {output}"
        );
    }
    let book = download_corrections(&app, &import).await.unwrap();
    let sheets = list_texts(&book);
    let of = |name: &str| {
        sheets
            .iter()
            .find(|(sheet, _)| sheet == name)
            .map(|(_, texts)| texts.join("|"))
    };
    let challenges = of("Challenges").unwrap();
    for text in [
        "AW-99",
        "of nobody",
        "without its hyphen",
        "of which of both",
        "did you mean",
    ] {
        assert!(challenges.contains(text), "{text}: {challenges}");
    }
    assert!(!challenges.contains("in small letters"), "{challenges}");
    assert!(of("Not read").unwrap().contains("my own remark"), "{sheets:?}");
    // The sheet of unread cells is ignored when the workbook is imported again.
    let again = import_file(&app, &partner, "corrections.xlsx", &book).await;
    assert_eq!(
        again["rejectedCount"],
        3,
        "{again}: {:?}",
        load_rows(&partner, &again).await
    );
}

/// A file with a unique token in every cell, and mistakes of every kind.
struct RandomWorkbook {
    random: StdRng,
    tokens: Vec<String>,
}

impl RandomWorkbook {
    fn new_token(&mut self, words: &str) -> String {
        let token = format!("token{}.", self.tokens.len());
        self.tokens.push(token.clone());
        format!("{words} {token}")
    }

    fn happens(&mut self, of_ten: u32) -> bool {
        self.random.random_ratio(of_ten, 10)
    }

    /// A valid or an invalid cell.
    fn random_cell(&mut self, right: &str) -> String {
        match self.random.random_range(0..10) {
            0 => self.new_token("wrong"),
            1 => String::new(),
            _ => right.to_owned(),
        }
    }

    /// Adds unknown columns, rows and a sheet.
    fn add_unknown(&mut self, sheets: &mut Vec<SheetRows>) {
        // Unknown columns with and without a title.
        for title in ["Mine", ""] {
            let sheet = self.random.random_range(0..sheets.len());
            let width = sheets[sheet].1.iter().map(Vec::len).max().unwrap_or(0);
            for at in 0..sheets[sheet].1.len() {
                let cell = match at {
                    0 => title.to_owned(),
                    _ if self.happens(5) => self.new_token("own"),
                    _ => String::new(),
                };
                sheets[sheet].1[at].resize(width, String::new());
                sheets[sheet].1[at].push(cell);
            }
        }
        // A row with nothing but an unknown cell, and an unknown sheet.
        let alone = self.new_token("alone");
        let width = sheets[0].1[0].len();
        let mut row = vec![String::new(); width];
        row[width - 1] = alone;
        if sheets[0].1[0][width - 1] == "Mine" || width > REQUIRED_COLUMNS.len() {
            sheets[0].1.push(row);
        } else {
            self.tokens.pop();
        }
        if self.happens(5) {
            let scribbles =
                (0..4).map(|_| vec![self.new_token("note"), String::new(), self.new_token("note")]);
            let scribbles = scribbles.collect();
            sheets.push(("Scribbles".into(), scribbles));
        }
    }

    fn build_sheets(&mut self) -> (Vec<SheetRows>, Vec<MergedCells>) {
        let mut references: Vec<String> = (0..6).map(|at| format!("Ref-{at}")).collect();
        if self.happens(5) {
            references.push("Ref-1".into());
        }
        let mut first = Vec::new();
        for reference in references.clone() {
            let mut row = valid_row(&reference);
            row[1] = self.new_token("Title");
            for at in [2, 3, 4, 6] {
                row[at] = self.random_cell(&row[at].clone());
            }
            first.push(row);
        }
        let mut sheets = vec![initiatives_sheet(first)];
        let named = [
            "Ref-0", "ref-1", " REF-2 ", "Ref-3", "Ref-77", "Ref3", "", "Ref-1",
        ];
        let lists: [(&str, &[(&str, &str)]); 3] = [
            (
                "Entry points",
                &[
                    ("Entry point", "Collaboration"),
                    ("Whose view", "Practitioner"),
                    ("Taken on", "2021-04-01"),
                ],
            ),
            (
                "Challenges",
                &[
                    ("Challenge", "Defining ambitions"),
                    ("Reasons", "Short funding"),
                    ("Noticed on", "2021-04-01"),
                ],
            ),
            (
                "Funding terms",
                &[
                    ("Funder identifier", "GB-CHC-9"),
                    ("Currency", "GBP"),
                    ("Amount", "15000.50"),
                    ("Length in months", "12"),
                ],
            ),
        ];
        for (name, columns) in lists {
            let mut header = vec!["Your reference".to_owned()];
            header.extend(columns.iter().map(|(title, _)| (*title).to_owned()));
            header.push(
                if name == "Entry points" {
                    "Why it was taken"
                } else {
                    "What happened"
                }
                .into(),
            );
            let mut rows = vec![header];
            for _ in 0..self.random.random_range(0..8) {
                let mut row = vec![(*named.choose(&mut self.random).unwrap()).to_owned()];
                for (_, right) in columns {
                    row.push(self.random_cell(right));
                }
                row.push(self.new_token("words"));
                rows.push(row);
            }
            sheets.push((name.to_owned(), rows));
        }
        self.add_unknown(&mut sheets);
        let merged = if self.happens(3) {
            vec![(0, 1, 2, 6)]
        } else {
            Vec::new()
        };
        for (sheet, first, last, column) in &merged {
            for row in first + 1..=*last {
                // Only the first of the merged cells keeps its value.
                let gone = std::mem::take(&mut sheets[*sheet].1[row as usize][usize::from(*column)]);
                self.tokens.retain(|token| !gone.ends_with(token));
            }
        }
        (sheets, merged)
    }
}

/// Asserts that each token is in an imported submission or in the corrections.
async fn assert_tokens_survive(
    app: &TestApp,
    partner: &Client<'_>,
    name: &str,
    file: &[u8],
    tokens: &[String],
    seed: u64,
) {
    let import = import_file(app, partner, name, file).await;
    assert_eq!(import["state"], "COMPLETED", "seed {seed}: {import}");
    let states = "{ submissions(first: 100, filter: {states: [SUBMITTED]}) { nodes { record } } }";
    let taken = partner.query(states).await.to_string();
    let back = match download_corrections(app, &import).await {
        Some(book) => format!("{:?}", list_texts(&book)),
        None => String::new(),
    };
    for token in tokens {
        assert!(
            taken.contains(token) || back.contains(token),
            "seed {seed}: {token} of {name} is nowhere: {:#?}\n{back}",
            load_rows(partner, &import).await
        );
    }
}

async fn every_rejected_cell_is_in_the_corrections(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    for seed in 0..25 {
        let mut made = RandomWorkbook {
            random: StdRng::seed_from_u64(seed),
            // The existing tokens make the new tokens of each file unique.
            tokens: vec![format!("file{seed}"); usize::try_from(seed).unwrap() * 1_000],
        };
        let (sheets, merged) = made.build_sheets();
        let tokens = made.tokens.split_off(usize::try_from(seed).unwrap() * 1_000);
        assert_tokens_survive(
            &app,
            &partner,
            "return.xlsx",
            &build_workbook(&sheets, &merged),
            &tokens,
            seed,
        )
        .await;
    }
}

async fn json_lines_and_csv_rows_are_returned_complete(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let table = "externalRef,title,place.name,startedOn,source.kind,source.title,mine,,sharing.basis,sharing.licence\n\
                 a,token1.,Hartlepool,token2.,SELF_REPORT,token3.,token4.,token5.,Agreed,CC-BY-4.0\n\
                 b,token6.,Hartlepool,2021-04-01,SELF_REPORT,token7.,token8.,,Agreed,CC-BY-4.0,token9.\n\
                 c,Taken,Hartlepool,2021-04-01,SELF_REPORT,Return,token10.,,Agreed,CC-BY-4.0\n\
                 ,,,,,,token11.,,,\n\
                 d,token12.,Hartlepool,2021-04-01,SELF_REPORT,token13.,,,Agreed,CC-BY-4.0\n\
                 d,token14.,Hartlepool,2021-04-01,SELF_REPORT,token15.,,,Agreed,CC-BY-4.0\n";
    let tokens =
        |range: std::ops::RangeInclusive<u32>| range.map(|at| format!("token{at}.")).collect::<Vec<_>>();
    assert_tokens_survive(&app, &partner, "return.csv", table.as_bytes(), &tokens(1..=15), 0).await;

    let mut strange = file_record("strange");
    strange["colour"] = json!({"of": ["token21.", 7], "token22.": "token23."});
    strange["entryPoints"] =
        json!(["token24.", {"entryPoint": "COLLABORATION", "perspective": ["token25."]}]);
    strange["conditionsChanged"] = json!({"condition": "token26."});
    strange["place"] = "token27.".into();
    strange["startedOn"] = json!(["token28."]);
    let long = format!("token29.{}token30.", "x".repeat(40_000));
    let mut endless = file_record("long");
    endless["summary"] = long.into();
    let mut both = file_record("both");
    both["startedOn"] = "token31.".into();
    both["missing"] = json!({"startedOn": "token32."});
    let lines = format!(
        "{}\n{strange}\n{{\"title\": \"token33.\", broken\n[\"token34.\"]\n{endless}\n{both}\n",
        file_record("good")
    );
    let mut expected = tokens(21..=34);
    expected.retain(|token| token != "token22.");
    assert_tokens_survive(&app, &partner, "return.jsonl", lines.as_bytes(), &expected, 0).await;
    assert_eq!(
        read_typed_records(FileFormat::JsonLines, file_record("good").to_string().as_bytes()).len(),
        1
    );
}
