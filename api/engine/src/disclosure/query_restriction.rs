//! Which questions are refused under disclosure control. The decision depends on the question and the reader, never on the
//! records.

use wayin_vocabulary::Dimension;

use super::coarsening::MAX_PROTECTED_ANSWERS;
use super::protected::ProtectedAnswer;
use crate::predicate::{InitiativePredicate, InitiativeTest};

/// A question was refused because its answer could reveal single records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RestrictedQuery(pub String);

/// What a question tests and counts, each with the name of its argument.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'q> {
    /// The predicates.
    pub predicates: &'q [(&'q str, &'q InitiativePredicate)],
    /// The dimensions.
    pub dimensions: &'q [(&'q str, Dimension)],
    /// The number of protected answers that it counts besides.
    pub counted_answers: usize,
}

/// Refuses a question that could tell whether one record is hidden, or that is about more than
/// [`MAX_PROTECTED_ANSWERS`] protected answers.
///
/// # Errors
/// [`RestrictedQuery`], with the arguments.
pub fn check_question(question: Question<'_>) -> Result<(), RestrictedQuery> {
    let mut answers: Vec<(&str, ProtectedAnswer)> = Vec::new();
    for (argument, predicate) in question.predicates {
        let mut identifying = None;
        predicate.for_each_test(&mut |test| {
            identifying = identifying.or(find_identifying_field(test));
            answers.extend(ProtectedAnswer::of_test(test).map(|answer| (*argument, answer)));
        });
        if let Some(field) = identifying {
            let reason =
                "cannot be asked with scope ALL, as the answer would tell whether one record is there";
            return Err(restrict(&format!("{argument}.{field}"), reason));
        }
    }
    for (argument, dimension) in question.dimensions {
        if *dimension == Dimension::LeadOrganisation {
            let reason = "initiatives cannot be grouped by the organisation that leads them with scope ALL, as the answer \
                          would tell whether it has a hidden record";
            return Err(restrict(argument, reason));
        }
        answers.extend(ProtectedAnswer::of_dimension(*dimension).map(|answer| (*argument, answer)));
    }
    check_answer_count(&answers, question.counted_answers)
}

/// The field of a test by which one record is found; none if there is no such field.
fn find_identifying_field(test: &InitiativeTest) -> Option<&'static str> {
    match test {
        InitiativeTest::Id(_) => Some("id"),
        InitiativeTest::Title(_) => Some("title"),
        InitiativeTest::LeadOrganisation(_) => Some("leadOrganisation"),
        InitiativeTest::UpdatedAt(_) => Some("updatedAt"),
        _ => None,
    }
}

fn check_answer_count(answers: &[(&str, ProtectedAnswer)], counted: usize) -> Result<(), RestrictedQuery> {
    let (mut arguments, mut different) = (Vec::new(), Vec::new());
    for (argument, answer) in answers {
        if !arguments.contains(argument) {
            arguments.push(*argument);
        }
        if !different.contains(answer) {
            different.push(*answer);
        }
    }
    let count = different.len() + counted;
    if count <= MAX_PROTECTED_ANSWERS {
        return Ok(());
    }
    let reason = format!(
        "the question is about {count} answers of partners; with scope ALL it can be about {MAX_PROTECTED_ANSWERS}, as more \
         could reveal single records"
    );
    Err(restrict(&arguments.join(", "), &reason))
}

fn restrict(arguments: &str, reason: &str) -> RestrictedQuery {
    RestrictedQuery(format!(
        "{arguments}: {reason}. Ask with scope VISIBLE for exact answers from the records that you may read whole."
    ))
}
