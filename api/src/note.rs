//! Notes that give the reason for an action.

use crate::idempotency::Rejection;
use wayin_records::normalisation;
use wayin_records::normalisation::is_storable;
use wayin_records::problem::ProblemCode;

const MAX_NOTE_CHARACTERS: usize = 2_000;

/// Validates and trims a note. `path` names the field of the input.
pub fn validate_note(path: &str, note: &str) -> Result<String, Rejection> {
    let note = normalisation::normalise_prose(note);
    let length = note.chars().count();
    if note.is_empty() {
        return Err(Rejection::from_problem(
            ProblemCode::Required,
            path,
            "is required",
        ));
    }
    if length > MAX_NOTE_CHARACTERS {
        let reason = format!("has {length} characters; the maximum is {MAX_NOTE_CHARACTERS}");
        return Err(Rejection::from_problem(ProblemCode::TooLong, path, reason));
    }
    if !is_storable(&note) {
        let reason = "contains the character NUL (U+0000), which cannot be stored";
        return Err(Rejection::from_problem(ProblemCode::InvalidFormat, path, reason));
    }
    Ok(note.into_owned())
}
