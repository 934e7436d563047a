//! Data that several operations of the review pages select.

use serde::{Deserialize, Serialize};

use crate::pages::layout::parts::FormProblems;
use crate::pages::record::data::{ChangeData, ProblemData};

/// A problem that is only counted.
#[derive(Debug, Deserialize, Serialize)]
pub struct CountedProblem {
    code: String,
}

/// What a mutation of a submission answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct DecisionPayload {
    pub conflicts: Vec<ChangeData>,
    pub problems: Vec<ProblemData>,
}

/// What a mutation that revokes something answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct RevocationPayload {
    pub problems: Vec<ProblemData>,
}

/// Returns the messages of problems as sentences.
pub fn join_messages(problems: &[ProblemData]) -> String {
    let sentences: Vec<String> = problems.iter().map(ProblemData::sentence).collect();
    sentences.join(" ")
}

/// The problems of an input beside the controls that `find_control` names for the last step of their paths.
pub fn list_form_problems(
    problems: &[ProblemData],
    find_control: impl Fn(&str) -> &'static str,
) -> FormProblems {
    let mut found = FormProblems::default();
    for problem in problems {
        if problem.code == "STALE_VERSION" {
            found.push(
                "",
                "Somebody else has changed this since you opened the page. Read it as it is now, and decide again.",
            );
        } else {
            let step = problem.path.last().map_or("", String::as_str);
            found.push(find_control(step), problem.sentence());
        }
    }
    found
}
