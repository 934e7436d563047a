//! The columns of files: the title, the field and the content of each.

use crate::workbook::vocabulary::Vocabulary as V;

/// The kind of content of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// A date.
    Date,
    /// A whole number.
    Whole,
    /// An amount of money in the currency's main unit, such as pounds. Documents have the minor unit.
    Money,
    /// Yes or no.
    YesNo,
    /// A term of a vocabulary.
    Code(V),
    /// Terms of a vocabulary, separated by semicolons.
    Codes(V),
    /// The reason why a list of the record is empty.
    MissingReason,
}

/// The layout of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLayout {
    /// Sheets, whose columns have titles.
    Workbook,
    /// One table, whose columns have the paths of the fields.
    Table,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The title.
    pub header: &'static str,
    /// The path of the field in the record or in the item of its list, such as `place/code`.
    pub path: &'static str,
    /// The kind of content.
    pub kind: ColumnKind,
    /// What to write in the column, in plain words.
    pub note: &'static str,
    /// The width in characters.
    pub width: u16,
    /// Whether the template has the column. If not, only exports have it.
    pub is_in_template: bool,
    /// Whether a cell may have a missing reason in place of an answer.
    pub accepts_missing_reason: bool,
    /// Whether a placeholder such as "unknown" counts as no answer, in a column of texts or codes.
    pub may_be_unknown: bool,
}

impl Column {
    /// The field of the record or item, such as `place` for `place/code`.
    pub fn field_name(&self) -> &'static str {
        self.path.split('/').next().unwrap_or(self.path)
    }

    /// The path with dots, as in a table, such as `place.code`.
    pub fn dotted_path(&self) -> String {
        self.path.replace('/', ".")
    }

    /// The title in a file with a layout.
    pub fn title_in(&self, layout: FileLayout) -> String {
        match layout {
            FileLayout::Workbook => self.header.to_owned(),
            FileLayout::Table => self.dotted_path(),
        }
    }

    /// Returns whether a placeholder such as "unknown" counts as no answer. It does not in free texts, and not in
    /// required columns.
    pub fn accepts_placeholder(&self) -> bool {
        match self.kind {
            ColumnKind::Text => self.may_be_unknown,
            ColumnKind::Code(_) => self.may_be_unknown || self.accepts_missing_reason,
            _ => self.path != VERSION_PATH,
        }
    }

    /// Returns whether the column has a name or reference that every record or item needs.
    pub fn is_required_name(&self) -> bool {
        matches!(
            self.path,
            REFERENCE_PATH | "leadOrganisation/name" | "funder/name"
        )
    }

    pub(super) const fn export_only(self) -> Self {
        Self {
            is_in_template: false,
            ..self
        }
    }

    pub(super) const fn or_unknown(self) -> Self {
        Self {
            may_be_unknown: true,
            ..self
        }
    }

    pub(super) const fn or_missing_reason(self) -> Self {
        Self {
            accepts_missing_reason: true,
            ..self
        }
    }
}

pub(super) const fn column(
    header: &'static str,
    path: &'static str,
    kind: ColumnKind,
    width: u16,
    note: &'static str,
) -> Column {
    Column {
        header,
        path,
        kind,
        note,
        width,
        is_in_template: true,
        accepts_missing_reason: false,
        may_be_unknown: false,
    }
}

/// The title of the column that shows on every sheet which record a row belongs to.
pub const REFERENCE: &str = "Your reference";
/// The path of that column on the first sheet.
pub const REFERENCE_PATH: &str = "externalRef";
/// The path of the version of the published record from which a row was written. It is not a field of the record.
pub const VERSION_PATH: &str = "version";
/// The title of the column that identifies records in an exported workbook, because several organisations may use the
/// same reference, and a record made from a grant has none.
pub const RECORD: &str = "Record";
/// The title of the column of a corrections workbook that lists the problems of a row. Imports ignore it.
pub const CORRECTIONS_COLUMN: &str = "What to fix";
/// The reference of the example rows of the template.
pub const EXAMPLE: &str = "EXAMPLE-1";
/// The sheet that explains the workbook.
pub const GUIDANCE: &str = "Guidance";
/// The sheet of a corrections workbook that lists cells that were not read. Imports ignore it.
pub const UNREAD: &str = "Not read";
/// The sheet with the words of the drop-downs.
pub const LISTS: &str = "Lists";

/// The note of the column of references.
pub const REFERENCE_NOTE: &str = "Your own name or number for the record: by it a record is known again when you send it again. \
     Write the same reference on the other sheets, in every row that belongs to the record.";
