//! The fields of a condition for change.

use super::column::{Column, ColumnKind, column};
use crate::record::ConditionChanged;
use crate::workbook::vocabulary::Vocabulary as V;

fields! {
    /// The fields of a condition for change that may be missing.
    ConditionField of ConditionChanged {
        Change "change": |changed| changed.change.is_some(),
    }
}

/// The columns of the sheet, in order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 2] = [
    column("Condition", "condition", ColumnKind::Code(V::Condition), 26, "Needed."),
    column("What became of it", "change", ColumnKind::Code(V::ChangeExtent), 20, "Leave it empty where you do not know.").or_missing_reason(),
];
