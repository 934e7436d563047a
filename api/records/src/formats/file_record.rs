//! A record of a file as typed, before validation, with the positions of its cells.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::base_version;
use crate::fields::column::{Column, FileLayout, REFERENCE_PATH, VERSION_PATH};
use crate::omitted::OmittedFields;
use crate::paths;
use crate::problem::{Problem, ProblemCode};
use crate::workbook::columns::{SHEETS, Sheet};
use crate::workbook::vocabulary::Vocabulary;

/// A position in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellPosition {
    /// The sheet of a workbook. `None` in other files.
    pub sheet: Option<String>,
    /// The row as a spreadsheet shows it, or the line, counted from 1.
    pub row: u64,
    /// The title of the column, or the path in a JSON document. `None` for the whole row.
    pub column: Option<String>,
}

impl CellPosition {
    /// Creates the position of a whole row in a file without sheets.
    pub const fn row(row: u64) -> Self {
        Self {
            sheet: None,
            row,
            column: None,
        }
    }

    pub(super) fn in_sheet(mut self, sheet: &str) -> Self {
        self.sheet = Some(sheet.to_owned());
        self
    }

    pub(super) fn in_column(mut self, title: impl Into<String>) -> Self {
        self.column = Some(title.into());
        self
    }
}

/// The titles of columns in a file, by the dotted paths of their fields: `place.code`, and for an item of a list
/// `fundingTerms.funder.name` in a workbook and `fundingTerms.1.funder.name` in a table.
pub type ColumnTitles = BTreeMap<String, String>;

/// A record of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileRecord {
    /// The position of the first row.
    pub position: CellPosition,
    /// The record as typed. It may have any content.
    pub document: Value,
    /// The version of the published record on which it is based, as typed.
    pub version: Option<Value>,
    /// The positions of the fields, by path, such as `fundingTerms/0/endsOn`. Empty for JSON, where the paths are the
    /// positions.
    pub cells: BTreeMap<String, CellPosition>,
    /// The problems of cells, such as a formula with an error.
    pub problems: Vec<Problem>,
    /// The values that were changed or left out.
    pub warnings: Vec<Problem>,
    /// The fields for which the file has no column or sheet. `None` for JSON.
    pub omitted: Option<OmittedFields>,
    /// The titles of the columns. Empty for JSON.
    pub titles: Arc<ColumnTitles>,
    /// The cells in columns that are not known, if they are wanted.
    pub unread: Vec<UnreadCell>,
}

/// A cell that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadCell {
    /// The position.
    pub position: CellPosition,
    /// The content.
    pub text: String,
    /// The reason why it is not read.
    pub reason: String,
}

impl FileRecord {
    /// Returns the version of the published record on which it is based, if it has a valid one.
    pub fn base_version(&self) -> Option<i32> {
        base_version::parse_version(self.version.as_ref()?).ok()
    }

    /// Returns whether another record of the file has the same reference.
    pub fn has_duplicate_reference(&self) -> bool {
        let is_repeated =
            |found: &Problem| found.code == ProblemCode::Duplicate && found.path == REFERENCE_PATH;
        self.problems.iter().any(is_repeated)
    }

    /// Converts to the document as typed, with the version among its fields.
    pub fn into_document(self) -> Value {
        let mut document = self.document;
        if let (Some(fields), Some(version)) = (document.as_object_mut(), self.version) {
            fields.insert(VERSION_PATH.into(), version);
        }
        document
    }

    /// Adds other problems to those of cells. A problem of a field that has a problem of its cell is left out, because the
    /// latter is more specific.
    pub fn merge_file_problems(&self, found: impl IntoIterator<Item = Problem>) -> Vec<Problem> {
        let mut all = self.problems.clone();
        let is_reported = |path: &str| self.problems.iter().any(|own| paths::is_within(path, &own.path));
        all.extend(found.into_iter().filter(|found| !is_reported(&found.path)));
        all
    }

    /// Rewrites a problem in the words of the file: with the titles of columns and the labels of codes, if the file has
    /// columns.
    pub fn translate_problem(&self, problem: Problem) -> Problem {
        if self.cells.is_empty() {
            return problem;
        }
        let (sheet, within) = find_sheet_for_path(&problem.path);
        let word = |word: &str| {
            if let Some(label) = find_label(word) {
                return Some(label);
            }
            if !word.contains(char::is_uppercase) {
                return None;
            }
            if let Some(list) = SHEETS.iter().find(|sheet| sheet.list == Some(word)) {
                return Some(list.name.to_owned());
            }
            let column = sheet.columns.iter().find(|column| column.path == word)?;
            let cell = self.cells.get(&format!("{within}{word}"));
            let title = cell.and_then(|cell| cell.column.clone());
            Some(title.unwrap_or_else(|| self.column_name(sheet, &within, column)))
        };
        // The position names the field.
        let own = problem.reason.strip_prefix(&problem.path);
        let own = own.and_then(|rest| rest.strip_prefix(' '));
        let own = own.filter(|_| self.find_cell(&problem.path).column.is_some());
        Problem {
            reason: replace_words(own.unwrap_or(&problem.reason), word),
            ..problem
        }
    }

    /// Rewrites problems in the words of the file, each with its position.
    pub fn locate(&self, problems: impl IntoIterator<Item = Problem>) -> Vec<(CellPosition, Problem)> {
        let located = problems.into_iter().map(|problem| {
            let cell = self.find_cell(&problem.path);
            (cell, self.translate_problem(problem))
        });
        located.collect()
    }

    /// Finds the position of the field at a path: that of its cell, or the row of the nearest part of the record that
    /// contains it or is part of it.
    pub fn find_cell(&self, path: &str) -> CellPosition {
        if self.cells.is_empty() {
            let column = (!path.is_empty()).then(|| path.to_owned());
            return CellPosition {
                column,
                ..self.position.clone()
            };
        }
        let mut part = path;
        loop {
            if let Some(cell) = self.cells.get(part) {
                // An item has a row, in which each of its fields has a column.
                let is_field_of_item =
                    part != path && find_sheet_for_path(path).1.trim_end_matches('/') == part;
                return if is_field_of_item {
                    self.with_column(cell.clone(), path)
                } else {
                    cell.clone()
                };
            }
            let within = format!("{part}/");
            let mut cells = self.cells.range(within.clone()..);
            let mut next = || cells.next().filter(|(found, _)| found.starts_with(&within));
            if !part.is_empty()
                && let Some((_, cell)) = next()
            {
                let mut named = self.with_column(cell.clone(), path);
                // If only one cell has a part of the value, the problem is with that cell.
                let is_list = SHEETS.iter().any(|sheet| sheet.list == Some(path));
                if part == path && !is_list && named.column.is_some() && next().is_none() {
                    named.column.clone_from(&cell.column);
                }
                return named;
            }
            match part.rsplit_once('/') {
                Some((parent, _)) => part = parent,
                None => return self.with_column(self.position.clone(), path),
            }
        }
    }

    /// Returns the position in the same row and in the column of a field. For a field with several columns, such as a
    /// place, that is the first that the file has. In a workbook, a list has no column.
    fn with_column(&self, cell: CellPosition, path: &str) -> CellPosition {
        let (sheet, within) = find_sheet_for_path(path);
        let field = path.get(within.len()..).unwrap_or_default();
        let of_field = |field: &str| {
            let matches = |column: &&Column| {
                paths::is_within(column.path, field) || paths::is_within(field, column.path)
            };
            let columns: Vec<_> = sheet.columns.iter().filter(matches).collect();
            let is_there =
                |column: &&Column| self.titles.contains_key(&self.title_key(sheet, &within, column));
            let found = columns.iter().copied().find(is_there);
            found.or_else(|| columns.first().copied())
        };
        let column = Some(field).filter(|field| !field.is_empty()).and_then(|field| {
            let answered = field.strip_prefix("missing/");
            of_field(field).or_else(|| of_field(answered?))
        });
        let column = match column {
            Some(column) => Some(self.column_name(sheet, &within, column)),
            None if self.position.sheet.is_some() || path.is_empty() => None,
            None => Some(path.replace('/', ".")),
        };
        CellPosition { column, ..cell }
    }

    /// Returns the title of a column in the file, or its title in the layout of the file.
    fn column_name(&self, sheet: &Sheet, within: &str, column: &Column) -> String {
        let key = self.title_key(sheet, within, column);
        let title = self.titles.get(&key).cloned();
        title.unwrap_or_else(|| match self.position.sheet {
            Some(_) => column.title_in(FileLayout::Workbook),
            None => key,
        })
    }

    /// Returns the key of a column in the titles.
    fn title_key(&self, sheet: &Sheet, within: &str, column: &Column) -> String {
        let field = column.dotted_path();
        let Some(list) = sheet.list else {
            return field;
        };
        if self.position.sheet.is_some() {
            return format!("{list}.{field}");
        }
        let item = within.trim_end_matches('/');
        let named = self.cells.get(item).and_then(|cell| cell.column.as_deref());
        let counted = || {
            let position = item.rsplit('/').next().and_then(|at| at.parse::<usize>().ok());
            format!("{list}.{}", position.map_or(1, |at| at.saturating_add(1)))
        };
        format!("{}.{field}", named.map_or_else(counted, str::to_owned))
    }
}

/// Finds the sheet of the part of a record that contains a path, and the path of that part.
fn find_sheet_for_path(path: &str) -> (&'static Sheet, String) {
    let mut steps = path.splitn(3, '/');
    let (list, item) = (steps.next().unwrap_or_default(), steps.next());
    match SHEETS.iter().find(|sheet| sheet.list == Some(list)) {
        Some(sheet) => (sheet, format!("{list}/{}/", item.unwrap_or_default())),
        None => (&SHEETS[0], String::new()),
    }
}

/// Rewrites the reason of a problem with a record: with the titles of columns and the labels of codes.
pub fn translate_reason(path: &str, reason: &str) -> String {
    let (sheet, _) = find_sheet_for_path(path);
    replace_words(reason, |word| {
        if let Some(label) = find_label(word) {
            return Some(label);
        }
        if !word.contains(char::is_uppercase) {
            return None;
        }
        if let Some(list) = SHEETS.iter().find(|sheet| sheet.list == Some(word)) {
            return Some(list.name.to_owned());
        }
        let column = sheet.columns.iter().find(|column| column.path == word)?;
        Some(column.header.to_owned())
    })
}

/// Finds the label of a code.
fn find_label(code: &str) -> Option<String> {
    let is_code = code.len() > 2 && !code.contains(char::is_lowercase);
    let words = Vocabulary::ALL.iter().flat_map(|vocabulary| vocabulary.words());
    let mut words = words.filter(|word| is_code && word.code == code);
    words.next().map(|word| word.display_text())
}

/// Replaces words of a sentence outside of quotation marks.
fn replace_words(sentence: &str, word: impl Fn(&str) -> Option<String>) -> String {
    let (mut text, mut rest, mut is_quoted) = (String::new(), sentence, false);
    while let Some(next) = rest.chars().next() {
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        if length == 0 {
            is_quoted = match next {
                '"' => !is_quoted,
                '“' => true,
                '”' => false,
                _ => is_quoted,
            };
            text.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        }
        let replaced = if is_quoted { None } else { word(&rest[..length]) };
        text.push_str(replaced.as_deref().unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    text
}

/// A row that belongs to no record.
#[derive(Clone, Debug, PartialEq)]
pub struct StrayRow {
    /// The position.
    pub position: CellPosition,
    /// The kind of problem.
    pub code: ProblemCode,
    /// The reason.
    pub reason: String,
    /// Whether this is a row with content. Otherwise, it is a note about a column or sheet.
    pub is_row: bool,
    /// The item, if it is a row of a list.
    pub item: Option<StrayItem>,
    /// The cells that are not read, if they are wanted.
    pub unread: Vec<UnreadCell>,
}

/// A row of a list that belongs to no record.
#[derive(Clone, Debug, PartialEq)]
pub struct StrayItem {
    /// The index of the sheet in [`SHEETS`].
    pub sheet: usize,
    /// The reference in the row.
    pub reference: Option<String>,
    /// The item as typed.
    pub document: Value,
    /// The problems of cells. Paths begin at the item.
    pub problems: Vec<Problem>,
}

/// An item of a file of records.
#[derive(Clone, Debug, PartialEq)]
pub enum FileItem {
    /// A record.
    Record(FileRecord),
    /// A row that is not a record or a part of one.
    Stray(StrayRow),
    /// Cells of a row without any content of a record, if they are wanted.
    Unread(Vec<UnreadCell>),
}

impl StrayRow {
    /// Creates the note about a column or a sheet that is not known.
    pub(super) fn for_unknown_column_or_sheet(at: CellPosition, reason: &str) -> Self {
        Self {
            is_row: false,
            ..Self::new(at, ProblemCode::NotFound, reason)
        }
    }

    /// Creates a row without content.
    pub fn new(at: CellPosition, code: ProblemCode, reason: impl Into<String>) -> Self {
        Self {
            position: at,
            code,
            reason: reason.into(),
            is_row: true,
            item: None,
            unread: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell_position(row: u64, column: &str) -> CellPosition {
        CellPosition {
            sheet: Some("Funding terms".into()),
            row,
            column: Some(column.into()),
        }
    }

    #[test]
    fn field_without_a_cell_uses_the_column_title() {
        let item = CellPosition {
            column: Some("fundingTerms.3".into()),
            ..CellPosition::row(2)
        };
        let of_table = FileRecord {
            position: CellPosition::row(2),
            cells: BTreeMap::from([
                ("externalRef".into(), CellPosition::row(2)),
                ("fundingTerms/0".into(), item),
            ]),
            titles: Arc::new(BTreeMap::from([
                ("title".into(), "Title".into()),
                ("place.code".into(), "Place code".into()),
                ("fundingTerms.3.endsOn".into(), "Funding terms.3.Last day".into()),
            ])),
            ..FileRecord::default()
        };
        for (path, column) in [
            ("title", "Title"),
            ("place", "Place code"),
            ("summary", "summary"),
            ("source", "source.kind"),
            ("sharing/basis", "sharing.basis"),
            ("missing/startedOn", "startedOn"),
            ("fundingTerms", "fundingTerms"),
            ("fundingTerms/0", "fundingTerms.3"),
            ("fundingTerms/0/funder", "fundingTerms.3.funder.name"),
            ("fundingTerms/0/endsOn", "Funding terms.3.Last day"),
            ("fundingTerms/0/missing/endsOn", "Funding terms.3.Last day"),
            ("challengesFaced/1/step", "challengesFaced.2.step"),
        ] {
            let cell = of_table.find_cell(path);
            assert_eq!((cell.row, cell.column.as_deref()), (2, Some(column)), "{path}");
        }
        assert_eq!(of_table.find_cell("").column, None);
        let cleared = |path: &str| {
            let problem = Problem::new(ProblemCode::Cleared, path, format!("{path} is cleared"));
            of_table.translate_problem(problem).reason
        };
        assert_eq!(cleared("fundingTerms/0/endsOn"), "is cleared");
        assert_eq!(cleared("place"), "is cleared");
    }

    #[test]
    fn required_cell_uses_the_sheet_header() {
        let mut row = cell_position(4, "");
        row.column = None;
        let of_workbook = |titles: &[(&str, &str)]| FileRecord {
            position: CellPosition {
                sheet: Some("Initiatives".into()),
                ..CellPosition::row(2)
            },
            cells: BTreeMap::from([("fundingTerms/0".into(), row.clone())]),
            titles: Arc::new(
                titles
                    .iter()
                    .map(|(key, title)| ((*key).into(), (*title).into()))
                    .collect(),
            ),
            ..FileRecord::default()
        };
        let absent = of_workbook(&[]);
        assert_eq!(
            absent.find_cell("fundingTerms/0/funder"),
            cell_position(4, "Funder")
        );
        assert_eq!(absent.find_cell("fundingTerms/0"), row);
        assert_eq!(absent.find_cell("fundingTerms").column, None);
        assert_eq!(absent.find_cell("title").column.as_deref(), Some("Title"));
        let other = of_workbook(&[("fundingTerms.funder.identifier", "FUNDER ID")]);
        assert_eq!(
            other.find_cell("fundingTerms/0/funder"),
            cell_position(4, "FUNDER ID")
        );
    }

    #[test]
    fn problems_use_the_titles_of_the_file() {
        let reworded = |record: &FileRecord, path: &str, reason: &str| {
            let problem = Problem::new(ProblemCode::Duplicate, path, reason);
            record.translate_problem(problem).reason
        };
        let of_workbook = FileRecord {
            position: cell_position(3, "Title"),
            cells: BTreeMap::from([("fundingTerms/0/startsOn".into(), cell_position(7, "first  day"))]),
            ..FileRecord::default()
        };
        for (path, reason, expected) in [
            (
                "challengesFaced/1/challenge",
                "DEFINING_AMBITIONS is named twice",
                "Defining their ambitions is named twice",
            ),
            (
                "fundingTerms/0/endsOn",
                "2020-01-01 is before startsOn, 2021",
                "2020-01-01 is before first  day, 2021",
            ),
            (
                "endedOn",
                "2020-01-01 is before startedOn",
                "2020-01-01 is before Started on",
            ),
            (
                "title",
                "\"startedOn\" and “startedOn” are GBP",
                "\"startedOn\" and “startedOn” are GBP",
            ),
            (
                "missing/entryPoints",
                "says why entryPoints is missing",
                "says why Entry points is missing",
            ),
        ] {
            assert_eq!(reworded(&of_workbook, path, reason), expected);
        }
        let of_lines = FileRecord::default();
        assert_eq!(
            reworded(&of_lines, "endedOn", "is before startedOn"),
            "is before startedOn"
        );
    }

    #[test]
    fn fields_are_located_in_their_own_or_nearest_cell() {
        let start = CellPosition {
            sheet: Some("Initiatives".into()),
            ..CellPosition::row(3)
        };
        let record = FileRecord {
            position: start.clone(),
            cells: BTreeMap::from([
                ("title".into(), cell_position(3, "Title")),
                ("fundingTerms/0/endsOn".into(), cell_position(7, "Last day")),
                ("fundingTerms/2/funder/name".into(), cell_position(9, "Funder")),
                ("fundingTerms/10/endsOn".into(), cell_position(8, "Last day")),
            ]),
            ..FileRecord::default()
        };
        assert_eq!(record.find_cell("title"), cell_position(3, "Title"));
        assert_eq!(
            record.find_cell("fundingTerms/0/endsOn"),
            cell_position(7, "Last day")
        );
        assert_eq!(
            record.find_cell("fundingTerms/2/funder"),
            cell_position(9, "Funder")
        );
        for (path, row, column) in [
            ("fundingTerms/0/funder", 7, Some("Funder")),
            ("fundingTerms/0", 7, None),
            ("fundingTerms/10/funder/name", 8, Some("Funder")),
        ] {
            let expected = CellPosition {
                column: column.map(str::to_owned),
                ..cell_position(row, "")
            };
            assert_eq!(record.find_cell(path), expected, "{path}");
        }
        let place = CellPosition {
            column: Some("Place".into()),
            ..start
        };
        assert_eq!(record.find_cell("place"), place);
        let line = FileRecord {
            position: CellPosition::row(5),
            ..FileRecord::default()
        };
        let expected = CellPosition {
            column: Some("place/code".into()),
            ..CellPosition::row(5)
        };
        assert_eq!(line.find_cell("place/code"), expected);
    }
}
