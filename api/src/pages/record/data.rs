//! Data about records that several operations select.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::labels::label_field;
use super::wording::write_british_dates;

/// A problem of a record or of an input.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ProblemData {
    pub code: String,
    pub message: String,
    pub path: Vec<String>,
}

/// A field that differs between two versions of a record.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ChangeData {
    pub path: Vec<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NamedOrganisation {
    pub id: String,
    pub name: String,
}

impl ProblemData {
    /// The path in the record, joined by `/`. Mutations put `record` before it.
    pub fn record_path(&self) -> String {
        let steps = match self.path.first() {
            Some(first) if first == "record" => &self.path[1..],
            _ => &self.path[..],
        };
        steps.join("/")
    }

    /// The message as a sentence of its own, with the field that it is about.
    pub fn sentence(&self) -> String {
        let message = write_british_dates(self.message.trim_end_matches('.'));
        match self.record_path().as_str() {
            "" | "id" => format!("{}.", wayin_entity::to_heading(&message)),
            path => format!("{}: {message}.", label_field(path).words()),
        }
    }
}
