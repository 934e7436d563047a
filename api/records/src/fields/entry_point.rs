//! The fields of an entry point.

use super::column::{Column, ColumnKind, column};
use crate::record::EntryPointTaken;
use crate::workbook::vocabulary::Vocabulary as V;

fields! {
    /// The fields of an entry point that may be missing.
    EntryPointField of EntryPointTaken {
        TakenOn "takenOn": |taken| taken.taken_on.is_some(),
        Motivation "motivation": |taken| taken.motivation.is_some(),
    }
}

/// The columns of the sheet, in order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 4] = [
    column("Entry point", "entryPoint", ColumnKind::Code(V::EntryPoint), 24, "Where the work began, and what it took on later. Needed."),
    column("Whose view", "perspective", ColumnKind::Code(V::Perspective), 20, "Who sees it so. Needed. The first row of each view is the way in."),
    column("Taken on", "takenOn", ColumnKind::Date, 13, "The day it was taken.").or_missing_reason(),
    column("Why it was taken", "motivation", ColumnKind::Text, 50, "At most 2,000 characters.").or_missing_reason(),
];
