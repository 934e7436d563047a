//! What a mutation says of its input: what was wrong, and what changed meanwhile.

use async_graphql::{Json, SimpleObject};
use serde_json::Value;

use wayin_records::diff::Difference;
use wayin_records::finding::{Finding, FindingCode};

/// A problem with the input. Rejected input changes nothing.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// The kind of problem.
    code: FindingCode,
    /// The problem in plain words.
    message: String,
    /// The path of the value in the input, such as `["record", "fundingTerms", "0", "endsOn"]`.
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

/// A field whose value differs between two versions.
#[derive(Clone, Debug, SimpleObject)]
pub struct FieldChange {
    /// The path of the field in the document, such as `["fundingTerms", "0", "endsOn"]`.
    path: Vec<String>,
    /// The value before. Null if the field had no value.
    before: Option<Json<Value>>,
    /// The value after. Null if the field has no value any more.
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
