//! Initiative records in each of the formats that they come in. As JSON Lines: one whole
//! record a line.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use wayin_vocabulary::FileFormat;

use super::base_version;
use super::encoding::{self, Form};
use super::file_record::{Cell, FileRecord, Item, Stray, UnreadCell};
use super::references::{EachReference, Reference, RepeatedReferences, SharedReferences};
use super::workbook_records;
use super::workbook_records::Gathered;
use super::{
    FileError, LONGEST_ROW, Notes, csv_records, json_fault, ods, refuse_without_rows, repeated_fields, xlsx,
};
use crate::finding::{Finding, FindingCode};
use crate::json_reader;
use crate::record::InitiativeRecord;
use crate::validate::remove_unknown_identifiers;

/// What a file may hold; what is larger is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of the file.
    pub bytes: u64,
    /// The most rows of it, over all its sheets.
    pub rows: u64,
}

impl Limits {
    /// None but what a format has itself.
    pub const NONE: Self = Self {
        bytes: u64::MAX,
        rows: u64::MAX,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 50 * 1024 * 1024,
            rows: 1_000_000,
        }
    }
}

/// What becomes of cells from which nothing is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// They are left out, but for a word about each column and sheet.
    Skip,
    /// They are handed over with the rows that they stand in.
    Keep,
}

/// A file of records that is open.
pub enum RecordFile<R> {
    /// JSON Lines.
    Lines(R),
    /// A table.
    Table(R),
    /// The rows of a workbook.
    Workbook(Box<Gathered>),
}

impl<R: Read + Seek> RecordFile<R> {
    /// Opens a file. Of a workbook, all rows are read and set aside in a temporary file.
    pub fn open(
        format: FileFormat,
        mut input: R,
        limits: &Limits,
        unread: Unread,
    ) -> Result<Self, FileError> {
        let length = input.seek(SeekFrom::End(0))?;
        if length > limits.bytes {
            return Err(FileError::TooLong(limits.bytes));
        }
        input.seek(SeekFrom::Start(0))?;
        Ok(match format {
            FileFormat::JsonLines | FileFormat::Json => Self::Lines(input),
            FileFormat::Csv => Self::Table(input),
            FileFormat::Xlsx => {
                let mut book = xlsx::Book::open(input, length, limits)?;
                Self::Workbook(Box::new(workbook_records::gather(&mut book, limits, unread)?))
            }
            FileFormat::Ods => {
                let mut book = ods::Book::open(input, length, limits)?;
                Self::Workbook(Box::new(workbook_records::gather(&mut book, limits, unread)?))
            }
        })
    }

    /// Finds the records that share their reference with others, of the first rows of the file that may be taken.
    pub fn shared_references(&mut self, limits: &Limits) -> SharedReferences {
        match self {
            Self::Lines(input) => {
                SharedReferences::find(|each| line_references(&mut *input, each), limits.rows)
            }
            Self::Table(input) => {
                SharedReferences::find(|each| csv_records::references(&mut *input, each), limits.rows)
            }
            Self::Workbook(gathered) => SharedReferences::find(|each| gathered.references(each), limits.rows),
        }
    }

    /// Reads records as they were typed, whatever is wrong in them, and hands each to `each`,
    /// which may end the reading early.
    pub fn read_as_typed(
        self,
        limits: &Limits,
        repeated: &RepeatedReferences,
        unread: Unread,
        notes: &mut Notes,
        mut each: impl FnMut(Item) -> ControlFlow<()>,
    ) -> Result<(), FileError> {
        let mut has_rows = false;
        let mut each = |mut item: Item| {
            has_rows |= match &item {
                Item::Record(_) => true,
                Item::Stray(stray) => stray.is_row,
                Item::Unread(_) => false,
            };
            if let Item::Record(record) = &mut item {
                base_version::set_aside(record);
                record.findings.extend(repeated.finding(record.at.row));
            }
            each(item)
        };
        let has_examples = !matches!(self, Self::Lines(_));
        match self {
            Self::Lines(input) => {
                let mut left = limits.rows;
                let mut outcome = Ok(());
                read_lines(input, notes, |line, row| {
                    if left == 0 {
                        outcome = Err(FileError::TooManyRows(limits.rows));
                        return ControlFlow::Break(());
                    }
                    left -= 1;
                    each(typed_line(line, row, unread))
                })?;
                outcome?;
            }
            Self::Table(input) => csv_records::read(input, limits, unread, notes, &mut each)?,
            Self::Workbook(gathered) => gathered.hand_over(repeated, &mut each)?,
        }
        if has_examples && !has_rows {
            return Err(FileError::NoRecords);
        }
        refuse_without_rows(has_rows)
    }
}

/// Reads the records of one organisation as they were typed, and hands each to `each`, which may end the reading
/// early. Records that share their reference have a finding that says so.
pub fn read_as_typed(
    format: FileFormat,
    input: impl Read + Seek,
    limits: &Limits,
    unread: Unread,
    notes: &mut Notes,
    each: impl FnMut(Item) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let mut file = RecordFile::open(format, input, limits, unread)?;
    let repeated = file.shared_references(limits).repeated(|_| ());
    file.read_as_typed(limits, &repeated, unread, notes, each)
}

/// What tells a record of JSON Lines from the others of its file.
#[derive(Deserialize)]
struct Identity {
    #[serde(rename = "externalRef", default)]
    reference: Option<String>,
    #[serde(rename = "leadOrganisation", default)]
    lead: Option<Lead>,
}

/// What names a lead organisation.
#[derive(Deserialize)]
struct Lead {
    #[serde(default)]
    identifier: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

/// Hands the row, the reference and the lead organisation of each line to `each`.
fn line_references(input: impl Read + Seek, each: &mut EachReference<'_>) -> Result<(), FileError> {
    read_lines(input, &mut Notes::default(), |row, line| {
        let Ok(line) = line else {
            return ControlFlow::Continue(());
        };
        let identity = serde_json::from_str(line).or_else(|_| {
            // A line with mistakes in it may repeat a reference nevertheless.
            let document: Value = serde_json::from_str(line)?;
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(ToOwned::to_owned);
            let lead = document.get("leadOrganisation");
            Ok::<_, serde_json::Error>(Identity {
                reference: text(document.get("externalRef")),
                lead: lead.map(|lead| Lead {
                    identifier: text(lead.get("identifier")),
                    name: text(lead.get("name")),
                }),
            })
        });
        let Ok(Identity {
            reference: Some(reference),
            lead,
        }) = identity
        else {
            return ControlFlow::Continue(());
        };
        let lead = lead.as_ref();
        each(Reference {
            row,
            text: &reference,
            lead_identifier: lead.and_then(|lead| lead.identifier.as_deref()),
            lead_name: lead.and_then(|lead| lead.name.as_deref()),
        })
    })
}

/// A line as the record that it is, as far as it is JSON at all.
fn typed_line(line: u64, row: Result<&str, String>, unread: Unread) -> Item {
    let at = Cell::of_row(line);
    let stray = |reason: String, text: Option<&str>| {
        let cells = text.filter(|_| unread == Unread::Keep).map(|text| UnreadCell {
            at: at.clone(),
            text: text.to_owned(),
            reason: reason.clone(),
        });
        Item::Stray(Stray {
            unread: cells.into_iter().collect(),
            ..Stray::new(at.clone(), FindingCode::InvalidFormat, reason)
        })
    };
    let text = match row {
        Ok(text) => text,
        Err(reason) => return stray(reason, None),
    };
    match serde_json::from_str::<Value>(text) {
        Ok(document) if document.is_object() => {
            let twice = repeated_fields::find(text).into_iter();
            let twice = twice.map(|path| Finding::new(FindingCode::InvalidFormat, path, GIVEN_TWICE));
            Item::Record(FileRecord {
                at,
                document,
                findings: twice.collect(),
                ..FileRecord::default()
            })
        }
        Ok(_) => stray("is not a JSON object".into(), Some(text)),
        Err(error) => stray(format!("is not valid JSON: {}", json_fault(&error)), Some(text)),
    }
}

const GIVEN_TWICE: &str = "is given twice; one of the two would be lost";

/// A record of a file.
#[derive(Clone, Debug)]
pub struct WholeRecord {
    /// The record.
    pub record: InitiativeRecord,
    /// The values that were changed or left out, each with its cell.
    pub warnings: Vec<(Cell, Finding)>,
    /// The rows of the file, without the document.
    pub file: FileRecord,
}

/// A record of a file, or everything that is wrong with its rows.
pub type ReadRecord = Result<Box<WholeRecord>, Vec<(Cell, Finding)>>;

/// Reads a record that any organisation may lead, with the row that it begins with; none where the cells are no part of
/// a record.
///
/// Whether the parts of the record agree with each other and with the database is checked on publication.
pub fn read_whole(item: Item) -> Option<(Cell, ReadRecord)> {
    let mut file = match item {
        Item::Unread(_) => return None,
        Item::Stray(stray) => {
            let finding = Finding::new(stray.code, "", stray.reason);
            return Some((stray.at.clone(), Err(vec![(stray.at, finding)])));
        }
        Item::Record(file) => file,
    };
    let reading = json_reader::read(std::mem::take(&mut file.document));
    let found = file.with_own(reading.findings);
    let at = file.at.clone();
    let read = match reading.record {
        Some(mut record) if found.is_empty() => {
            let mut warnings = std::mem::take(&mut file.warnings);
            warnings.extend(remove_unknown_identifiers(&mut record));
            Ok(Box::new(WholeRecord {
                record,
                warnings: file.locate(warnings),
                file,
            }))
        }
        _ => Err(file.locate(found)),
    };
    Some((at, read))
}

/// Reads the lines that are not blank and hands each with its number to `each`, or why it cannot be read.
fn read_lines(
    input: impl Read + Seek,
    notes: &mut Notes,
    mut each: impl FnMut(u64, Result<&str, String>) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let mut input = BufReader::with_capacity(1 << 16, encoding::open(input, Form::Json, notes)?);
    let mut line = Vec::new();
    let mut number = 0;
    let mut is_first = true;
    while let Some(is_whole) = read_line(&mut input, &mut line)? {
        number += 1;
        let content = line.trim_ascii();
        if content.is_empty() {
            continue;
        }
        if is_first && !is_object(content, is_whole) {
            return Err(FileError::NotRecords);
        }
        is_first = false;
        let row = if is_whole {
            std::str::from_utf8(content).map_err(|_| "is not UTF-8 text; save the file as UTF-8".to_owned())
        } else {
            Err(format!("is over {} MB long", LONGEST_ROW >> 20))
        };
        if each(number, row).is_break() {
            return Ok(());
        }
    }
    if is_first {
        return Err(FileError::Empty);
    }
    Ok(())
}

/// Reads the next line into `line` and says whether that is all of it: what is
/// longer than a row may be is passed over. Nothing at the end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let limit = LONGEST_ROW as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    let is_whole = line.len() <= LONGEST_ROW || line.ends_with(b"\n");
    if !is_whole {
        input.skip_until(b'\n')?;
    }
    Ok(Some(is_whole))
}

fn is_object(content: &[u8], is_whole: bool) -> bool {
    content.starts_with(b"{") && (!is_whole || serde_json::from_slice::<IgnoredAny>(content).is_ok())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::super::{GoodRow, Refusal, Row};
    use super::*;

    /// A record and the version that it was written from.
    type Written = (InitiativeRecord, Option<i32>);

    const GOOD: &str = r#"{"externalRef": "a-1", "title": "Youth work", "leadOrganisation": {"identifier": "GB-CHC-1"}, "startedOn": "2020-01-31", "entryPoints": [{"entryPoint": "COLLABORATION", "perspective": "PRACTITIONER"}], "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"]}], "fundingTerms": [{"funder": {"name": "F"}, "durationMonths": 18, "upfrontResearch": null}], "source": {"kind": "SELF_REPORT", "title": "Form"}}"#;

    fn rows(text: impl AsRef<[u8]>) -> Result<Vec<(u64, Row<Written>)>, FileError> {
        let (repeated, mut notes) = (RepeatedReferences::default(), Notes::default());
        let mut rows = Vec::new();
        let file = RecordFile::Lines(Cursor::new(text));
        file.read_as_typed(&Limits::NONE, &repeated, Unread::Skip, &mut notes, |item| {
            let (at, read) = read_whole(item).unwrap();
            let refusals = |found: Vec<(Cell, Finding)>| found.into_iter().map(Refusal::from).collect();
            let row = read.map(|whole| {
                let version = whole.file.written_from();
                GoodRow {
                    value: (whole.record, version),
                    warnings: refusals(whole.warnings),
                }
            });
            rows.push((at.row, row.map_err(refusals)));
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    fn refusals(text: impl AsRef<[u8]>) -> Vec<String> {
        let refused = rows(text).unwrap().into_iter().filter_map(|(_, row)| row.err());
        refused.flatten().map(|refusal| refusal.to_string()).collect()
    }

    #[test]
    fn a_record_a_line_whatever_ends_it() {
        let text = format!("\u{feff}\r\n{GOOD}\r\n\r\n  {GOOD}");
        let rows = rows(text).unwrap();
        let lines: Vec<_> = rows.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4]);
        let (record, version) = &rows[0].1.as_ref().unwrap().value;
        assert_eq!((record.title.as_str(), version), ("Youth work", &None));
        assert_eq!(record.funding_terms[0].duration_months, Some(18));
        assert_eq!(record.funding_terms[0].upfront_research, None);
    }

    #[test]
    fn the_version_that_a_record_was_written_from_stands_among_its_fields_and_is_none() {
        let with = |version: &str| GOOD.replacen('{', &format!("{{\"version\": {version}, "), 1);
        let rows = rows(format!("{}\n{GOOD}\n{}", with("3"), with("null"))).unwrap();
        let read: Vec<_> = rows.into_iter().map(|(_, row)| row.unwrap().value).collect();
        assert_eq!(read[0].1, Some(3));
        assert_eq!(read[0].0, read[1].0);
        assert_eq!((read[1].1, read[2].1), (None, None));
        let wrong = ["0", "-1", "1.5", "\"new\"", "99999999999"].map(&with);
        let said = refusals(wrong.join("\n"));
        assert_eq!(said.len(), 5, "{said:?}");
        for (row, said) in (1..).zip(&said) {
            assert!(
                said.starts_with(&format!("row {row}, version: "))
                    && said.ends_with("is not the number of a version, a whole number from 1 on"),
                "{said}"
            );
        }
        assert_eq!(
            refusals(with("1, \"version\": 2")),
            ["row 1, version: is given twice; one of the two would be lost"]
        );
        let many = with("0").replacen("\"title\"", "\"titel\"", 1);
        let paths: Vec<_> = refusals(many)
            .into_iter()
            .map(|reason| reason.split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(paths, ["row 1, version", "row 1, titel", "row 1, title"]);
    }

    #[test]
    fn every_problem_of_a_record_is_named_by_its_path() {
        let text = GOOD.to_owned() + "\n" + &r#"{"colour": "red", "leadOrganisation": {"kind": "SHOP", "size": 3},
            "startedOn": "31/01/2020", "endedOn": "2020-01-31T00:00:00Z",
            "entryPoints": [{"entryPoint": "LUCK"}, 7, {"perspective": "FUNDER"}, {"entryPoint": "COMPLEXITY", "perspective": "EVERYBODY"}],
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "reasons": ["A", "SHORT_FUNDING", "B"]}, {"step": "TAKEN"}],
            "conditionsChanged": {}, "fundingTerms": [{"funder": "F", "durationMonths": 1.5}, {"amountMinor": "12", "renewable": "yes", "upfrontResearchMonths": 99999999999}],
            "source": {"url": 5}}"#.replace('\n', " ") + "\n";
        let said: Vec<_> = refusals(text)
            .into_iter()
            .map(|reason| reason.split("; the").next().unwrap().to_owned())
            .collect();
        let expected = [
            "challengesFaced/0/reasons/0: \"A\" is none of the choices",
            "challengesFaced/0/reasons/2: \"B\" is none of the choices",
            "challengesFaced/1/challenge: is missing",
            "colour: is not a field that is known",
            "conditionsChanged: is an object, and not a list of objects",
            "endedOn: is more than a date; write it as 2020-01-31",
            "entryPoints/0/entryPoint: \"LUCK\" is none of the choices",
            "entryPoints/0/perspective: is missing",
            "entryPoints/1: is the number 7, and not an object with fields of its own",
            "entryPoints/2/entryPoint: is missing",
            "entryPoints/3/perspective: \"EVERYBODY\" is none of the choices",
            "fundingTerms/0/durationMonths: 1.5 is not a whole number",
            "fundingTerms/0/funder: is the text \"F\", and not an object with fields of its own",
            "fundingTerms/1/amountMinor: is the text \"12\", and not a whole number; write the number alone, without quotation marks",
            "fundingTerms/1/renewable: is the text \"yes\", and neither true nor false",
            "fundingTerms/1/upfrontResearchMonths: 99999999999 is out of range",
            "fundingTerms/1/funder: is missing",
            "leadOrganisation/kind: \"SHOP\" is none of the choices",
            "leadOrganisation/size: is not a field that is known",
            "source/url: is the number 5, and not a text",
            "source/kind: is missing",
            "source/title: is missing",
            "startedOn: \"31/01/2020\" is not a date; write it as 2020-01-31",
            "title: is missing",
        ];
        let expected: Vec<_> = expected.iter().map(|reason| format!("row 2, {reason}")).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn a_record_of_which_all_is_missing_is_told_so() {
        let text = format!(
            "{GOOD}\n{{\"entryPoints\": [{{}}], \"challengesFaced\": [{{}}], \"conditionsChanged\": [{{}}], \"fundingTerms\": [{{}}], \"source\": {{}}}}"
        );
        let expected = [
            "challengesFaced/0/challenge",
            "conditionsChanged/0/condition",
            "entryPoints/0/entryPoint",
            "entryPoints/0/perspective",
            "fundingTerms/0/funder",
            "source/kind",
            "source/title",
            "title",
            "leadOrganisation",
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|field| format!("row 2, {field}: is missing"))
            .collect();
        assert_eq!(refusals(text), expected);
        assert_eq!(
            refusals(format!("{GOOD}\n{{}}")),
            ["title", "leadOrganisation", "source"].map(|field| format!("row 2, {field}: is missing"))
        );
    }

    #[test]
    fn what_only_the_text_shows_is_named_too() {
        let twice = GOOD.replacen('{', "{\"title\": \"T\", ", 1);
        let text = format!("{GOOD}\n{twice}\n{{\"title\": \n{GOOD} {GOOD}\n[1]\n{{\"title\": \"\t\"}}\n");
        assert_eq!(
            refusals(text),
            [
                "row 2, title: is given twice; one of the two would be lost",
                "row 3: is not valid JSON: it ends in the middle",
                "row 4: is not valid JSON: there is more after its end",
                "row 5: is not a JSON object",
                "row 6: is not valid JSON: a text holds a line end or another control character; write it as \\n or \\u000a",
            ]
        );
    }

    #[test]
    fn a_whole_number_may_have_a_fraction_of_zero() {
        let written = GOOD.replace(
            "\"durationMonths\": 18",
            "\"durationMonths\": 18.0, \"amountMinor\": 1500000.0",
        );
        let rows = rows(written).unwrap();
        let term = &rows[0].1.as_ref().unwrap().value.0.funding_terms[0];
        assert_eq!(
            (term.duration_months, term.amount_minor),
            (Some(18), Some(1_500_000))
        );
        for (number, reason) in [
            ("18.5", "18.5 is not a whole number"),
            ("1e30", "1000000000000000000000000000000 is out of range"),
            ("3e9", "3000000000 is out of range"),
        ] {
            let said =
                refusals(GOOD.replace("\"durationMonths\": 18", &format!("\"durationMonths\": {number}")));
            assert_eq!(said, [format!("row 1, fundingTerms/0/durationMonths: {reason}")]);
        }
    }

    #[test]
    fn lines_may_end_in_carriage_returns_and_text_may_be_utf16() {
        let text = format!("{GOOD}\r{GOOD}\r");
        let wide: Vec<u8> = std::iter::once(0xfeff)
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [text.into_bytes(), wide] {
            let rows = rows(bytes).unwrap();
            assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2]);
            assert!(rows.iter().all(|(_, row)| row.is_ok()));
        }
    }

    #[test]
    fn bytes_that_are_no_text_cost_their_own_line_only() {
        let mut bytes = GOOD.replace("Youth", "Y?th").into_bytes();
        let place = bytes.iter().position(|byte| *byte == b'?').unwrap();
        bytes[place] = 0xff;
        bytes.extend(format!("\n{GOOD}\n").bytes());
        let rows = rows(bytes).unwrap();
        assert_eq!(
            rows[0].1.as_ref().unwrap_err()[0].reason,
            "is not UTF-8 text; save the file as UTF-8"
        );
        assert!(rows[1].1.is_ok());
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let long = format!("{{\"title\": \"{}\"}}", "x".repeat(3 * LONGEST_ROW));
        let text = format!("{long}\n{GOOD}\n{long}");
        let rows = rows(text).unwrap();
        let outcomes: Vec<_> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(outcomes, [(1, false), (2, true), (3, false)]);
        assert_eq!(
            rows[2].1.as_ref().unwrap_err()[0].to_string(),
            "row 3: is over 4 MB long"
        );
        let just = GOOD.to_owned() + &" ".repeat(LONGEST_ROW - GOOD.len()) + "\n" + GOOD;
        assert!(
            super::tests::rows(just)
                .unwrap()
                .iter()
                .all(|(_, row)| row.is_ok())
        );
    }

    #[test]
    fn a_file_of_other_things_is_refused_whole() {
        for text in ["title,summary\n", "[\n", "\n{\n", "[{}]", "{\"title\": 1,}\n"] {
            let error = rows(text).unwrap_err();
            assert!(matches!(error, FileError::NotRecords), "{text}: {error}");
        }
        for text in ["", "\n \r\n"] {
            assert!(matches!(rows(text), Err(FileError::Empty)));
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut random = StdRng::seed_from_u64(1122);
        let text = format!("{GOOD}\n{GOOD}\n");
        for _ in 0..5_000 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..random.random_range(1..6) {
                let place = random.random_range(GOOD.len()..bytes.len());
                match random.random_range(0..3) {
                    0 => bytes[place] = random.random(),
                    1 => bytes.insert(place, b"\"{}[],:0-\n"[random.random_range(0..10)]),
                    _ => drop(bytes.remove(place)),
                }
                bytes.push(b' ');
            }
            let rows = rows(&bytes);
            let rows = rows.iter().flatten().filter_map(|(_, row)| row.as_ref().err());
            assert!(rows.into_iter().all(|refusals| !refusals.is_empty()));
        }
    }
}
