//! Questions to begin with.

use serde_json::{Value, json};
use wayin_entity::Dimension;

use super::question::Question;

/// A question in plain words.
pub struct ExampleQuestion {
    pub text: &'static str,
    pub href: String,
}

/// Three questions of the kind that the claims ask.
pub fn list_examples() -> Vec<ExampleQuestion> {
    let step = |challenge: &str, step: &str| json!({"challenge": {"on": challenge, "step": {"in": [step]}}});
    let term = |part: Value| json!({"fundingTerms": {"some": part}});
    vec![
        build_example(
            "Where some of the funding lasts 18 months or less, is agreeing on ambitions skipped more often?",
            term(json!({"durationMonths": {"lte": 18}})),
            step("DEFINING_AMBITIONS", "SKIPPED"),
        ),
        build_example(
            "Where research before the work is paid for, do more initiatives find out how the local system works?",
            term(json!({"upfrontResearch": {"eq": true}})),
            step("UNDERSTANDING_LOCAL_SYSTEM", "TAKEN"),
        ),
        build_example(
            "Where the money can be used for anything, does the way decisions are made change more often?",
            term(json!({"restriction": {"in": ["UNRESTRICTED"]}})),
            json!({"condition": {"on": "GOVERNANCE", "change": {"in": ["ALTERED"]}}}),
        ),
    ]
}

fn build_example(text: &'static str, when: Value, then: Value) -> ExampleQuestion {
    let question = Question {
        when: Some(when),
        then: Some(then),
        by: Some(Dimension::Region),
        ..Question::default()
    };
    ExampleQuestion {
        text,
        href: question.address(),
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;
    use axum::http::Uri;

    use super::list_examples;
    use crate::pages::explore::form::Draft;
    use crate::pages::explore::question::Question;
    use crate::pages::explore::tree::{RowContent, TreeItem};

    #[test]
    fn examples_are_rows_of_the_builder() {
        for example in list_examples() {
            let uri: Uri = example.href.parse().unwrap();
            let Query(parameters) = Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap();
            let (question, troubles) = Question::from_parameters(&parameters);
            assert!(
                troubles.is_empty() && question.conditions().is_some(),
                "{}",
                example.text
            );
            let draft = Draft::from_question(question, troubles);
            let items = draft.trees.iter().flat_map(|tree| &tree.items);
            for item in items {
                let is_chosen =
                    matches!(item, TreeItem::Row(row) if matches!(row.content, RowContent::Chosen(_)));
                assert!(is_chosen, "{item:?}");
            }
        }
    }
}
