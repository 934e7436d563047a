//! Why a mutation rejected its input: problems with the input, and changes by others in the meantime.

use async_graphql::{Json, SimpleObject};
use serde_json::Value;

use wayin_records::diff::Difference;
use wayin_records::problem::{Problem, ProblemCode};

/// A problem with the input. Rejected input changes nothing.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "Problem")]
pub struct InputProblem {
    /// The kind of problem.
    code: ProblemCode,
    /// The problem in plain words.
    message: String,
    /// The path of the value in the input, such as `["record", "fundingTerms", "0", "endsOn"]`.
    path: Vec<String>,
}

impl From<Problem> for InputProblem {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code,
            message: problem.reason,
            path: split_path(&problem.path),
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
            path: split_path(&difference.path),
            before: difference.before.map(Json),
            after: difference.after.map(Json),
        }
    }
}

fn split_path(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|step| !step.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}
