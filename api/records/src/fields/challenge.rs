//! The fields of a challenge faced.

use super::column::{Column, Kind, column};
use crate::record::ChallengeFaced;
use crate::workbook::vocabulary::Vocabulary as V;

fields! {
    /// The fields of a challenge faced that may be left without an answer.
    ChallengeField of ChallengeFaced {
        Step "step": |faced| faced.step.is_some(),
        Reasons "reasons": |faced| !faced.reasons.is_empty(),
        Note "note": |faced| faced.note.is_some(),
        NoticedOn "noticedOn": |faced| faced.noticed_on.is_some(),
        Perspective "perspective": |faced| faced.perspective.is_some(),
    }
}

/// The columns of its sheet, in order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 6] = [
    column("Challenge", "challenge", Kind::Code(V::Challenge), 34, "Needed."),
    column("What became of the step", "step", Kind::Code(V::ChallengeStep), 18, "Whether the step that meets the challenge was taken, rushed or skipped. Leave it empty where you do not know.").or_why(),
    column("Reasons", "reasons", Kind::Codes(V::ChallengeReason), 34, "Why; several with semicolons between them: Short funding; Staff capacity.").or_why(),
    column("What happened", "note", Kind::Text, 50, "At most 2,000 characters.").or_why(),
    column("Noticed on", "noticedOn", Kind::Date, 13, "The day it was noticed.").or_why(),
    column("Whose view", "perspective", Kind::Code(V::Perspective), 20, "Who sees it so.").or_why(),
];
