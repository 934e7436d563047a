//! Files of initiative records in any format.

use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use wayin_vocabulary::FileFormat;

use super::base_version;
use super::file_record::{CellPosition, FileItem, FileRecord};
use super::references::{RepeatedReferences, SharedReferences};
use super::spreadsheet::open_workbook;
use super::workbook_records::SpilledWorkbook;
use super::workbook_spiller::spill_workbook;
use super::{FileError, Notes, csv_records, json_lines, require_rows};
use crate::json_reader;
use crate::problem::Problem;
use crate::record::InitiativeRecord;
use crate::validate::remove_unknown_identifiers;

/// The limits of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// The maximum size in bytes.
    pub bytes: u64,
    /// The maximum number of rows, in all sheets together.
    pub rows: u64,
}

impl FileLimits {
    /// No limits except those of the format.
    pub const UNLIMITED: Self = Self {
        bytes: u64::MAX,
        rows: u64::MAX,
    };
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            bytes: 50 * 1024 * 1024,
            rows: 1_000_000,
        }
    }
}

/// Whether cells that are not read are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadCells {
    /// No. A note names each column and sheet that is not read.
    Skip,
    /// Yes, with their rows.
    Keep,
}

/// An open file of records.
pub enum RecordFile<R> {
    /// JSON Lines.
    Lines(R),
    /// A table.
    Table(R),
    /// A workbook, whose rows are in a temporary file.
    Workbook(Box<SpilledWorkbook>),
}

impl<R: Read + Seek> RecordFile<R> {
    /// Opens a file. All rows of a workbook are read and written to a temporary file.
    pub fn open(
        format: FileFormat,
        mut input: R,
        limits: &FileLimits,
        unread: UnreadCells,
    ) -> Result<Self, FileError> {
        let length = input.seek(SeekFrom::End(0))?;
        if length > limits.bytes {
            return Err(FileError::TooLong(limits.bytes));
        }
        input.seek(SeekFrom::Start(0))?;
        Ok(match format {
            FileFormat::JsonLines | FileFormat::Json => Self::Lines(input),
            FileFormat::Csv => Self::Table(input),
            FileFormat::Xlsx | FileFormat::Ods => {
                let mut workbook = open_workbook(format, input, length, limits)?;
                let spilled = spill_workbook(workbook.as_mut(), limits, unread)?;
                Self::Workbook(Box::new(spilled))
            }
        })
    }

    /// Finds the records that share their reference with others, up to the maximum number of rows.
    pub fn find_shared_references(&mut self, limits: &FileLimits) -> SharedReferences {
        let rows = limits.rows;
        match self {
            Self::Lines(input) => {
                SharedReferences::find(|each| json_lines::read_references(&mut *input, each), rows)
            }
            Self::Table(input) => {
                SharedReferences::find(|each| csv_records::read_references(&mut *input, each), rows)
            }
            Self::Workbook(spilled) => SharedReferences::find(|each| spilled.for_each_reference(each), rows),
        }
    }

    /// Reads the records as typed, without validation, and calls `each` with them. `each` may end the reading early.
    pub fn read_unvalidated(
        self,
        limits: &FileLimits,
        repeated: &RepeatedReferences,
        unread: UnreadCells,
        notes: &mut Notes,
        mut each: impl FnMut(FileItem) -> ControlFlow<()>,
    ) -> Result<(), FileError> {
        let mut has_rows = false;
        let mut each = |mut item: FileItem| {
            has_rows |= match &item {
                FileItem::Record(_) => true,
                FileItem::Stray(stray) => stray.is_row,
                FileItem::Unread(_) => false,
            };
            if let FileItem::Record(record) = &mut item {
                base_version::extract_version(record);
                record.problems.extend(repeated.problem_for(record.position.row));
            }
            each(item)
        };
        let may_have_examples = !matches!(self, Self::Lines(_));
        match self {
            Self::Lines(input) => json_lines::read_records(input, limits, unread, notes, &mut each)?,
            Self::Table(input) => csv_records::read_records(input, limits, unread, notes, &mut each)?,
            Self::Workbook(spilled) => spilled.emit_records(repeated, &mut each)?,
        }
        if may_have_examples && !has_rows {
            return Err(FileError::NoRecords);
        }
        require_rows(has_rows)
    }
}

/// Reads the records of one organisation as typed, without validation, and calls `each` with them. `each` may end the
/// reading early. Records that share their reference have a problem.
pub fn read_unvalidated(
    format: FileFormat,
    input: impl Read + Seek,
    limits: &FileLimits,
    unread: UnreadCells,
    notes: &mut Notes,
    each: impl FnMut(FileItem) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let mut file = RecordFile::open(format, input, limits, unread)?;
    let repeated = file.find_shared_references(limits).find_repeated(|_| ());
    file.read_unvalidated(limits, &repeated, unread, notes, each)
}

/// A record that was read, with its position in the file.
#[derive(Clone, Debug)]
pub struct WholeRecord {
    /// The record.
    pub record: InitiativeRecord,
    /// The values that were changed or left out, each with its cell.
    pub warnings: Vec<(CellPosition, Problem)>,
    /// The rows of the file, without the document.
    pub file: FileRecord,
}

/// A record, or all problems of its rows.
pub type ReadRecord = Result<Box<WholeRecord>, Vec<(CellPosition, Problem)>>;

/// Reads a record of any organisation, with the position of its first row. Returns `None` for cells that are not part of
/// a record. The publication checks whether the parts agree with each other and with the database.
pub fn read_whole(item: FileItem) -> Option<(CellPosition, ReadRecord)> {
    let mut file = match item {
        FileItem::Unread(_) => return None,
        FileItem::Stray(stray) => {
            let problem = Problem::new(stray.code, "", stray.reason);
            return Some((stray.position.clone(), Err(vec![(stray.position, problem)])));
        }
        FileItem::Record(file) => file,
    };
    let read = json_reader::read_document(std::mem::take(&mut file.document));
    let problems = file.merge_file_problems(read.problems);
    let position = file.position.clone();
    let outcome = match read.record {
        Some(mut record) if problems.is_empty() => {
            let mut warnings = std::mem::take(&mut file.warnings);
            warnings.extend(remove_unknown_identifiers(&mut record));
            Ok(Box::new(WholeRecord {
                record,
                warnings: file.locate(warnings),
                file,
            }))
        }
        _ => Err(file.locate(problems)),
    };
    Some((position, outcome))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::super::{MAX_ROW_BYTES, ParsedRow, ParsedRowResult, RowProblem};
    use super::*;

    /// A record and the version that it was written from.
    type RecordWithBaseVersion = (InitiativeRecord, Option<i32>);

    const VALID_LINE: &str = r#"{"externalRef": "a-1", "title": "Youth work", "leadOrganisation": {"identifier": "GB-CHC-1"}, "startedOn": "2020-01-31", "entryPoints": [{"entryPoint": "COLLABORATION", "perspective": "PRACTITIONER"}], "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"]}], "fundingTerms": [{"funder": {"name": "F"}, "durationMonths": 18, "upfrontResearch": null}], "source": {"kind": "SELF_REPORT", "title": "Form"}}"#;

    fn read_rows(
        text: impl AsRef<[u8]>,
    ) -> Result<Vec<(u64, ParsedRowResult<RecordWithBaseVersion>)>, FileError> {
        let (repeated, mut notes) = (RepeatedReferences::default(), Notes::default());
        let mut rows = Vec::new();
        let file = RecordFile::Lines(Cursor::new(text));
        file.read_unvalidated(
            &FileLimits::UNLIMITED,
            &repeated,
            UnreadCells::Skip,
            &mut notes,
            |item| {
                let (at, read) = read_whole(item).unwrap();
                let problems =
                    |found: Vec<(CellPosition, Problem)>| found.into_iter().map(RowProblem::from).collect();
                let row = read.map(|whole| {
                    let version = whole.file.base_version();
                    ParsedRow {
                        value: (whole.record, version),
                        warnings: problems(whole.warnings),
                    }
                });
                rows.push((at.row, row.map_err(problems)));
                ControlFlow::Continue(())
            },
        )?;
        Ok(rows)
    }

    fn list_problems(text: impl AsRef<[u8]>) -> Vec<String> {
        let refused = read_rows(text)
            .unwrap()
            .into_iter()
            .filter_map(|(_, row)| row.err());
        refused.flatten().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn one_record_per_line_with_any_line_end() {
        let text = format!("\u{feff}\r\n{VALID_LINE}\r\n\r\n  {VALID_LINE}");
        let rows = read_rows(text).unwrap();
        let lines: Vec<_> = rows.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4]);
        let (record, version) = &rows[0].1.as_ref().unwrap().value;
        assert_eq!((record.title.as_str(), version), ("Youth work", &None));
        assert_eq!(record.funding_terms[0].duration_months, Some(18));
        assert_eq!(record.funding_terms[0].upfront_research, None);
    }

    #[test]
    fn base_version_is_read_from_the_fields_and_removed() {
        let with = |version: &str| VALID_LINE.replacen('{', &format!("{{\"version\": {version}, "), 1);
        let rows = read_rows(format!("{}\n{VALID_LINE}\n{}", with("3"), with("null"))).unwrap();
        let read: Vec<_> = rows.into_iter().map(|(_, row)| row.unwrap().value).collect();
        assert_eq!(read[0].1, Some(3));
        assert_eq!(read[0].0, read[1].0);
        assert_eq!((read[1].1, read[2].1), (None, None));
        let wrong = ["0", "-1", "1.5", "\"new\"", "99999999999"].map(&with);
        let said = list_problems(wrong.join("\n"));
        assert_eq!(said.len(), 5, "{said:?}");
        for (row, said) in (1..).zip(&said) {
            assert!(
                said.starts_with(&format!("row {row}, version: "))
                    && said.ends_with("is not the number of a version, a whole number from 1 on"),
                "{said}"
            );
        }
        assert_eq!(
            list_problems(with("1, \"version\": 2")),
            ["row 1, version: is given twice; one of the two would be lost"]
        );
        let many = with("0").replacen("\"title\"", "\"titel\"", 1);
        let paths: Vec<_> = list_problems(many)
            .into_iter()
            .map(|reason| reason.split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(paths, ["row 1, version", "row 1, titel", "row 1, title"]);
    }

    #[test]
    fn every_problem_is_reported_with_its_path() {
        let text = VALID_LINE.to_owned() + "\n" + &r#"{"colour": "red", "leadOrganisation": {"kind": "SHOP", "size": 3},
            "startedOn": "31/01/2020", "endedOn": "2020-01-31T00:00:00Z",
            "entryPoints": [{"entryPoint": "LUCK"}, 7, {"perspective": "FUNDER"}, {"entryPoint": "COMPLEXITY", "perspective": "EVERYBODY"}],
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "reasons": ["A", "SHORT_FUNDING", "B"]}, {"step": "TAKEN"}],
            "conditionsChanged": {}, "fundingTerms": [{"funder": "F", "durationMonths": 1.5}, {"amountMinor": "12", "renewable": "yes", "upfrontResearchMonths": 99999999999}],
            "source": {"url": 5}}"#.replace('\n', " ") + "\n";
        let said: Vec<_> = list_problems(text)
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
    fn empty_record_lists_every_missing_field() {
        let text = format!(
            "{VALID_LINE}\n{{\"entryPoints\": [{{}}], \"challengesFaced\": [{{}}], \"conditionsChanged\": [{{}}], \"fundingTerms\": [{{}}], \"source\": {{}}}}"
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
        assert_eq!(list_problems(text), expected);
        assert_eq!(
            list_problems(format!("{VALID_LINE}\n{{}}")),
            ["title", "leadOrganisation", "source"].map(|field| format!("row 2, {field}: is missing"))
        );
    }

    #[test]
    fn duplicate_fields_in_the_text_are_reported() {
        let twice = VALID_LINE.replacen('{', "{\"title\": \"T\", ", 1);
        let text = format!(
            "{VALID_LINE}\n{twice}\n{{\"title\": \n{VALID_LINE} {VALID_LINE}\n[1]\n{{\"title\": \"\t\"}}\n"
        );
        assert_eq!(
            list_problems(text),
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
    fn integers_may_have_a_zero_fraction() {
        let written = VALID_LINE.replace(
            "\"durationMonths\": 18",
            "\"durationMonths\": 18.0, \"amountMinor\": 1500000.0",
        );
        let rows = read_rows(written).unwrap();
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
            let said = list_problems(
                VALID_LINE.replace("\"durationMonths\": 18", &format!("\"durationMonths\": {number}")),
            );
            assert_eq!(said, [format!("row 1, fundingTerms/0/durationMonths: {reason}")]);
        }
    }

    #[test]
    fn lines_may_end_in_carriage_returns_and_text_may_be_utf16() {
        let text = format!("{VALID_LINE}\r{VALID_LINE}\r");
        let wide: Vec<u8> = std::iter::once(0xfeff)
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        for bytes in [text.into_bytes(), wide] {
            let rows = read_rows(bytes).unwrap();
            assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2]);
            assert!(rows.iter().all(|(_, row)| row.is_ok()));
        }
    }

    #[test]
    fn undecodable_bytes_reject_only_their_line() {
        let mut bytes = VALID_LINE.replace("Youth", "Y?th").into_bytes();
        let place = bytes.iter().position(|byte| *byte == b'?').unwrap();
        bytes[place] = 0xff;
        bytes.extend(format!("\n{VALID_LINE}\n").bytes());
        let rows = read_rows(bytes).unwrap();
        assert_eq!(
            rows[0].1.as_ref().unwrap_err()[0].reason,
            "is not UTF-8 text; save the file as UTF-8"
        );
        assert!(rows[1].1.is_ok());
    }

    #[test]
    fn overlong_line_is_skipped() {
        let long = format!("{{\"title\": \"{}\"}}", "x".repeat(3 * MAX_ROW_BYTES));
        let text = format!("{long}\n{VALID_LINE}\n{long}");
        let rows = read_rows(text).unwrap();
        let outcomes: Vec<_> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(outcomes, [(1, false), (2, true), (3, false)]);
        assert_eq!(
            rows[2].1.as_ref().unwrap_err()[0].to_string(),
            "row 3: is over 4 MB long"
        );
        let just = VALID_LINE.to_owned() + &" ".repeat(MAX_ROW_BYTES - VALID_LINE.len()) + "\n" + VALID_LINE;
        assert!(
            super::tests::read_rows(just)
                .unwrap()
                .iter()
                .all(|(_, row)| row.is_ok())
        );
    }

    #[test]
    fn file_without_records_is_rejected() {
        for text in ["title,summary\n", "[\n", "\n{\n", "[{}]", "{\"title\": 1,}\n"] {
            let error = read_rows(text).unwrap_err();
            assert!(matches!(error, FileError::NotRecords), "{text}: {error}");
        }
        for text in ["", "\n \r\n"] {
            assert!(matches!(read_rows(text), Err(FileError::Empty)));
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        let mut random = StdRng::seed_from_u64(1122);
        let text = format!("{VALID_LINE}\n{VALID_LINE}\n");
        for _ in 0..5_000 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..random.random_range(1..6) {
                let place = random.random_range(VALID_LINE.len()..bytes.len());
                match random.random_range(0..3) {
                    0 => bytes[place] = random.random(),
                    1 => bytes.insert(place, b"\"{}[],:0-\n"[random.random_range(0..10)]),
                    _ => drop(bytes.remove(place)),
                }
                bytes.push(b' ');
            }
            let rows = read_rows(&bytes);
            let rows = rows.iter().flatten().filter_map(|(_, row)| row.as_ref().err());
            assert!(rows.into_iter().all(|problems| !problems.is_empty()));
        }
    }
}
