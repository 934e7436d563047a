//! Words of the pages to send records.

use wayin_engine::summary::format_count;
use wayin_entity::{Labelled as _, SubmissionState, Visibility};

/// The state of a submission, and the kind of its tag.
pub const fn describe_state(state: SubmissionState) -> (&'static str, &'static str) {
    match state {
        SubmissionState::Draft => ("Draft", ""),
        SubmissionState::Submitted => ("Waiting for a steward", "info"),
        SubmissionState::ChangesRequested => ("Changes requested", "warn"),
        SubmissionState::Published => ("Published", "good"),
        SubmissionState::Discarded => ("Discarded", ""),
    }
}

/// A count in words, such as "1,234".
pub fn show_count(count: i64) -> String {
    format_count(u64::try_from(count).unwrap_or_default())
}

/// What became of a row.
pub fn describe_outcome(outcome: &str) -> &'static str {
    match outcome {
        "DRAFTED" => "Saved as a draft",
        "SUBMITTED" => "Waits for a steward",
        "PUBLISHED" => "Published",
        "UNCHANGED" => "The same as before",
        "INVALID" => "Has problems, saved as a draft",
        _ => "Not saved",
    }
}

/// Who may read a record.
pub fn describe_visibility(code: &str) -> String {
    let found = Visibility::ALL.iter().find(|known| known.code() == code);
    found.map_or_else(
        || code.to_owned(),
        |known| wayin_entity::to_heading(known.label()),
    )
}
