//! The note in which somebody says why they do something.

use crate::mutation::Refusal;
use wayin_records::finding::FindingCode;
use wayin_records::spelling;
use wayin_records::spelling::is_storable;

/// The most characters of a note.
const MAX_NOTE_CHARACTERS: usize = 2_000;

/// Validates a note that says why something is done, and trims it. `path` names the field of the input.
pub fn validate(path: &str, note: &str) -> Result<String, Refusal> {
    let note = spelling::prose(note);
    let length = note.chars().count();
    if note.is_empty() {
        return Err(Refusal::of(FindingCode::Required, path, "is needed: say why"));
    }
    if length > MAX_NOTE_CHARACTERS {
        let reason = format!("has {length} characters; at most {MAX_NOTE_CHARACTERS} are kept");
        return Err(Refusal::of(FindingCode::TooLong, path, reason));
    }
    if !is_storable(&note) {
        let reason = "holds the character NUL (U+0000), which no base can keep";
        return Err(Refusal::of(FindingCode::InvalidFormat, path, reason));
    }
    Ok(note.into_owned())
}
