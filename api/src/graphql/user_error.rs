//! What a mutation says of its input: what was wrong, and what changed meanwhile.

use async_graphql::{Json, SimpleObject};
use serde_json::Value;

use wayin_records::diff::Difference;
use wayin_records::finding::{Finding, FindingCode};

/// Something that was wrong with the input. A refused input changes nothing.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// What kind of thing is wrong.
    code: FindingCode,
    /// What is wrong, in plain words.
    message: String,
    /// Where: it leads into the input, as `["record", "fundingTerms", "0", "endsOn"]`.
    path: Vec<String>,
}

impl From<Finding> for UserError {
    fn from(finding: Finding) -> Self {
        Self {
            code: finding.code,
            message: finding.reason,
            path: steps(&finding.path),
        }
    }
}

/// A field of a record that is not the same in two versions.
#[derive(Clone, Debug, SimpleObject)]
pub struct FieldChange {
    /// Where: it leads into the record, as `["fundingTerms", "0", "endsOn"]`.
    path: Vec<String>,
    /// What it was; null where it was not there.
    before: Option<Json<Value>>,
    /// What it is; null where it is not there any more.
    after: Option<Json<Value>>,
}

impl From<Difference> for FieldChange {
    fn from(difference: Difference) -> Self {
        Self {
            path: steps(&difference.path),
            before: difference.before.map(Json),
            after: difference.after.map(Json),
        }
    }
}

fn steps(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|step| !step.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}
