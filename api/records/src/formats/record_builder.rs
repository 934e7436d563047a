//! Builds the document of a record from cells, and stores the position of each cell.

use serde_json::{Map, Value, json};

use super::file_record::{CellPosition, FileRecord};
use crate::fields::column::{Column, ColumnKind, FileLayout, REFERENCE_PATH};
use crate::money::DecimalSign;
use crate::paths;
use crate::problem::{Problem, ProblemCode};
use crate::text;
use crate::text::{ParsedDate, quote};
use crate::workbook::columns::Sheet;
use crate::workbook::parse_cell;
use crate::workbook::parse_cell::{ParsedCell, RawValue};

/// A record or an item of one of its lists that is being built.
pub(super) struct PartBuilder<'a> {
    record: &'a mut FileRecord,
    sheet: &'static Sheet,
    item: usize,
    document: Map<String, Value>,
    amount: Option<String>,
    sign: DecimalSign,
    /// Fields that do not apply, with the code of the missing reason.
    not_applicable: Vec<(&'static str, &'static str)>,
}

impl<'a> PartBuilder<'a> {
    /// Starts the record.
    pub(super) fn for_record(record: &'a mut FileRecord, sheet: &'static Sheet) -> Self {
        let document = match record.document.take() {
            Value::Object(document) => document,
            _ => Map::new(),
        };
        Self::new(record, sheet, 0, document)
    }

    /// Starts the next item of the list of a sheet.
    pub(super) fn for_item(record: &'a mut FileRecord, sheet: &'static Sheet, at: CellPosition) -> Self {
        let list = sheet.list.unwrap_or_default();
        let items = record.document.get(list).and_then(Value::as_array);
        let item = items.map_or(0, Vec::len);
        record.cells.insert(format!("{list}/{item}"), at);
        Self::new(record, sheet, item, Map::new())
    }

    fn new(
        record: &'a mut FileRecord,
        sheet: &'static Sheet,
        item: usize,
        document: Map<String, Value>,
    ) -> Self {
        Self {
            record,
            sheet,
            item,
            document,
            amount: None,
            sign: DecimalSign::default(),
            not_applicable: Vec::new(),
        }
    }

    /// Sets the decimal sign of the file.
    pub(super) fn with_decimal_sign(self, sign: DecimalSign) -> Self {
        Self { sign, ..self }
    }

    /// Sets the value of a cell.
    pub(super) fn set_cell(&mut self, column: &Column, raw: RawValue, at: CellPosition) {
        let raw = match raw {
            RawValue::Text(text) | RawValue::Moment(text) if column.kind == ColumnKind::Date => {
                self.parse_date_cell(column, text)
            }
            raw => raw,
        };
        let layout = if at.sheet.is_some() {
            FileLayout::Workbook
        } else {
            FileLayout::Table
        };
        let shown = quote(raw.to_text().trim());
        let (parsed, wrong) = parse_cell::parse_cell(column, raw, self.sign, layout);
        let mut path = self.sheet.field_path(self.item, column.path);
        match parsed {
            ParsedCell::Value(value) => {
                // The amount may be in either of two columns, but not in both.
                let is_twice = column.path == "amountMinor" && self.amount.is_some();
                if is_twice {
                    self.add_problem(ProblemCode::Contradictory, &path, "is given in two columns");
                } else {
                    paths::set(&mut self.document, column.path, value);
                }
            }
            ParsedCell::MissingReason(code) => {
                let within = format!("missing/{}", column.field_name());
                path = self.sheet.field_path(self.item, &within);
                paths::set(&mut self.document, &within, code.into());
            }
            ParsedCell::Placeholder(why) => {
                let taken_as = if why.is_some() {
                    "not applicable"
                } else {
                    "not known"
                };
                let reason = format!("{shown} is taken as {taken_as}");
                let warning = Problem::new(ProblemCode::InvalidFormat, &path, reason);
                self.record.warnings.push(warning);
                self.record.cells.insert(path.clone(), at.clone());
                if let Some(code) = why {
                    self.not_applicable.push((column.field_name(), code));
                    return;
                }
            }
            ParsedCell::Amount(text) => {
                if self.document.contains_key(column.path) {
                    self.add_problem(ProblemCode::Contradictory, &path, "is given in two columns");
                } else {
                    self.amount = Some(text);
                }
            }
        }
        if let Some((code, reason)) = wrong {
            self.record.problems.push(Problem::new(code, &path, reason));
        }
        self.record.cells.insert(path, at);
    }

    /// Adds a problem for a cell that is empty because it is part of a merged range.
    pub(super) fn warn_merged_cell(&mut self, column: &Column, from: u32, at: CellPosition) {
        let path = self.sheet.field_path(self.item, column.path);
        let reason = format!(
            "is merged with the cell in row {from}, and holds nothing itself; unmerge it, and write in each row what holds for it"
        );
        self.add_problem(ProblemCode::InvalidFormat, &path, &reason);
        self.record.cells.insert(path, at);
    }

    /// Parses a date in any format, or returns the text if it is not a date.
    fn parse_date_cell(&mut self, column: &Column, text: String) -> RawValue {
        let Ok(ParsedDate { date, is_ambiguous }) = text::parse_any_date(&text) else {
            return RawValue::Text(text);
        };
        if is_ambiguous {
            let path = self.sheet.field_path(self.item, column.path);
            let reason = text::describe_day_first(&text, date);
            let warning = Problem::new(ProblemCode::Ambiguous, path, reason);
            self.record.warnings.push(warning);
        }
        RawValue::Moment(date.to_string())
    }

    fn add_problem(&mut self, code: ProblemCode, path: &str, reason: &str) {
        self.record.problems.push(Problem::new(code, path, reason));
    }

    /// Adds the part to the record.
    pub(super) fn finish(mut self) {
        if let Some(text) = self.amount.take() {
            let currency = self.document.get("currency").and_then(Value::as_str);
            let (value, wrong) = parse_cell::parse_amount(&text, currency, self.sign);
            if let Some((code, reason)) = wrong {
                let path = self.sheet.field_path(self.item, "amountMinor");
                self.record.problems.push(Problem::new(code, path, reason));
            }
            self.document.insert("amountMinor".into(), value);
        }
        for (field, code) in std::mem::take(&mut self.not_applicable) {
            // Another column may have the value, or it follows from other values.
            let dates = ["startsOn", "endsOn"];
            let follows =
                field == "durationMonths" && dates.iter().all(|date| self.document.contains_key(*date));
            if !self.document.contains_key(field) && !follows {
                paths::set(&mut self.document, &format!("missing/{field}"), code.into());
            }
        }
        match self.sheet.list {
            None => self.record.document = Value::Object(self.document),
            Some(list) => {
                if !self.record.document.is_object() {
                    self.record.document = json!({});
                }
                let lists = self.record.document.as_object_mut();
                let items = lists.map(|lists| lists.entry(list).or_insert_with(|| json!([])));
                if let Some(Value::Array(items)) = items {
                    items.push(Value::Object(self.document));
                }
            }
        }
    }
}

/// Returns whether a column has the reference of the record.
pub(super) fn is_reference_column(column: &Column) -> bool {
    column.path == REFERENCE_PATH && column.kind == ColumnKind::Text
}
