//! Which questions are refused under disclosure control. The decision depends on the question and the reader, never on the
//! records.

use wayin_vocabulary::Dimension;

use super::coarsening::MAX_PROTECTED_ANSWERS;
use super::protected::ProtectedAnswer;
use crate::predicate::InitiativePredicate;

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

/// Refuses a question that is about more than [`MAX_PROTECTED_ANSWERS`] protected answers.
///
/// # Errors
/// [`RestrictedQuery`], with the arguments.
pub fn check_question(question: Question<'_>) -> Result<(), RestrictedQuery> {
    let mut answers: Vec<(&str, ProtectedAnswer)> = Vec::new();
    for (argument, predicate) in question.predicates {
        predicate.for_each_test(&mut |test| {
            answers.extend(ProtectedAnswer::of_test(test).map(|answer| (*argument, answer)));
        });
    }
    for (argument, dimension) in question.dimensions {
        answers.extend(ProtectedAnswer::of_dimension(*dimension).map(|answer| (*argument, answer)));
    }
    check_answer_count(&answers, question.counted_answers)
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
    let arguments = arguments.join(", ");
    Err(RestrictedQuery(format!(
        "{arguments}: {reason}. Ask with scope VISIBLE for exact answers from the records that you may read whole."
    )))
}
