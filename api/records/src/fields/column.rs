//! The columns of files: what each is called, which field of a record it stands for, and what may be written in it.

use crate::workbook::vocabulary::Vocabulary as V;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Words.
    Text,
    /// A day.
    Date,
    /// A whole number.
    Whole,
    /// An amount of money in the currency's main unit, such as pounds, where the document has
    /// its minor unit.
    Money,
    /// Yes or no.
    YesNo,
    /// A word of a vocabulary.
    Code(V),
    /// Any number of them, with semicolons between.
    Codes(V),
    /// Why a list of the record has nothing in it.
    MissingReason,
}

/// How a file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLayout {
    /// In sheets, whose columns have titles.
    Workbook,
    /// In one table, whose columns are called by the paths of the fields.
    Table,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// What it is called.
    pub header: &'static str,
    /// The field that it stands for, within the record or the item of its list: `place/code`.
    pub path: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// What to write there, in plain words.
    pub note: &'static str,
    /// How wide it is, in characters.
    pub width: u16,
    /// Whether people are asked for it: the others are there for what is exported.
    pub is_in_template: bool,
    /// Whether, in place of an answer, it may say why there is none.
    pub accepts_missing_reason: bool,
}

impl Column {
    /// The field of the record or item that the column belongs to: `place` for `place/code`.
    pub fn field_name(&self) -> &'static str {
        self.path.split('/').next().unwrap_or(self.path)
    }

    /// The path that a flat file calls it by, with points: `place.code`.
    pub fn dotted_path(&self) -> String {
        self.path.replace('/', ".")
    }

    /// What a file calls it, in which a sheet has it, or the columns of a flat table.
    pub fn title_in(&self, layout: FileLayout) -> String {
        match layout {
            FileLayout::Workbook => self.header.to_owned(),
            FileLayout::Table => self.dotted_path(),
        }
    }

    /// Whether the words of somebody who has no answer are taken for none: not in texts that may hold any words, and not
    /// where an answer is needed.
    pub fn accepts_placeholder(&self) -> bool {
        match self.kind {
            ColumnKind::Text => matches!(
                self.path,
                "place/name"
                    | "place/code"
                    | "leadOrganisation/identifier"
                    | "funder/identifier"
                    | "grantIdentifier"
                    | "programme"
                    | "currency"
                    | "source/url"
                    | "source/licence"
                    | "sharing/confirmedBy"
                    | "sharing/basis"
                    | "sharing/licence"
            ),
            ColumnKind::Code(_) => {
                self.accepts_missing_reason
                    || matches!(self.path, "visibility" | "leadOrganisation/kind" | "funder/kind")
            }
            ColumnKind::Date
            | ColumnKind::Whole
            | ColumnKind::Money
            | ColumnKind::YesNo
            | ColumnKind::Codes(_)
            | ColumnKind::MissingReason => self.path != VERSION_PATH,
        }
    }

    /// Whether it asks for a name without which a record, or an item of a list, cannot be kept.
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
    }
}

/// The column by which every sheet says which record a row belongs to.
pub const REFERENCE: &str = "Your reference";
/// The field that it stands for on the first sheet.
pub const REFERENCE_PATH: &str = "externalRef";
/// What says which version of the published record a row was written from. No field of the record itself.
pub const VERSION_PATH: &str = "version";
/// What an exported workbook tells records apart by: several organisations may use the same
/// reference, and a record that was made from a grant has none.
pub const RECORD: &str = "Record";
/// The column of a corrected workbook that says what is wrong with a row; nobody reads it again.
pub const CORRECTIONS_COLUMN: &str = "What to fix";
/// The reference of the row that shows how the template is filled in.
pub const EXAMPLE: &str = "EXAMPLE-1";
/// The sheet that explains the others.
pub const GUIDANCE: &str = "Guidance";
/// The sheet of a corrections workbook that lists what could not be read; nobody reads it again.
pub const UNREAD: &str = "Not read";
/// The sheet that the drop-downs take their words from.
pub const LISTS: &str = "Lists";

/// What the references of a row are called in its note.
pub const REFERENCE_NOTE: &str = "Your own name or number for the record: by it a record is known again when you send it again. \
     Write the same reference on the other sheets, in every row that belongs to the record.";
