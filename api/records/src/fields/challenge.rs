//! The fields of a challenge.

use super::column::{Column, ColumnKind, column};
use crate::record::ChallengeFaced;
use crate::workbook::vocabulary::Vocabulary as V;

fields! {
    /// The fields of a challenge that may be missing.
    ChallengeField of ChallengeFaced {
        Step "step": |faced| faced.step.is_some(),
        Reasons "reasons": |faced| !faced.reasons.is_empty(),
        Note "note": |faced| faced.note.is_some(),
        NoticedOn "noticedOn": |faced| faced.noticed_on.is_some(),
        Perspective "perspective": |faced| faced.perspective.is_some(),
    }
}

/// The columns of the sheet, in order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 6] = [
    column("Challenge", "challenge", ColumnKind::Code(V::Challenge), 34, "Needed."),
    column("What became of the step", "step", ColumnKind::Code(V::ChallengeStep), 18, "Whether the step that meets the challenge was taken, rushed or skipped. Leave it empty where you do not know.").or_missing_reason(),
    column("Reasons", "reasons", ColumnKind::Codes(V::ChallengeReason), 34, "Why; several with semicolons between them: Short funding; Staff capacity.").or_missing_reason(),
    column("What happened", "note", ColumnKind::Text, 50, "At most 2,000 characters.").or_missing_reason(),
    column("Noticed on", "noticedOn", ColumnKind::Date, 13, "The day it was noticed.").or_missing_reason(),
    column("Whose view", "perspective", ColumnKind::Code(V::Perspective), 20, "Who sees it so.").or_missing_reason(),
];
