//! Asks questions as one reader does. Only disclosed counts leave this module.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use wayin_engine::answer::{
    DistributionQuery, GridQuery, compute_distribution, compute_grid, compute_pattern,
};
use wayin_engine::cancellation::CancellationToken;
use wayin_engine::count::EvaluationContext;
use wayin_engine::disclosure::DisclosedCount;
use wayin_engine::disclosure::cell_key::PerturbationTable;
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::predicate_cache::TruthCache;
use wayin_engine::query::{PatternQuery, RecordScope, Viewpoint};
use wayin_engine::visibility::Reader;
use wayin_entity::Dimension;

use crate::bases::Release;
use crate::conditions::{VALUE_COUNT, Values, everyone, subtract};

/// What every question needs besides the records.
#[derive(Default)]
pub struct Tools {
    pub truth_cache: TruthCache,
    noise: PerturbationTable,
    cancellation: CancellationToken,
}

/// A question, without who asks it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Question {
    /// The counts of each value of a dimension.
    Distribution(Dimension, InitiativePredicate),
    /// The eight counts of two conditions.
    Pattern {
        when: InitiativePredicate,
        then: InitiativePredicate,
        among: InitiativePredicate,
    },
    /// The secret against a dimension: for each of its values, the total and the cells.
    Grid(Dimension, InitiativePredicate),
}

/// Asks as one reader, and remembers the answers.
pub struct Asker<'a> {
    release: &'a Release,
    tools: &'a Tools,
    reader: Reader,
    answers: RefCell<HashMap<Question, Vec<i64>>>,
    asked: Cell<usize>,
}

impl<'a> Asker<'a> {
    pub fn new(release: &'a Release, tools: &'a Tools, reader: Reader) -> Self {
        Self {
            release,
            tools,
            reader,
            answers: RefCell::default(),
            asked: Cell::default(),
        }
    }

    pub fn reader(&self) -> Reader {
        self.reader
    }

    /// The number of questions since the last call, repeated ones included.
    pub fn take_asked(&self) -> usize {
        self.asked.take()
    }

    /// The disclosed hidden records for each value of a dimension of four values.
    pub fn count_by(&self, dimension: Dimension, among: InitiativePredicate) -> Values {
        let counts = self.ask_for_hidden(Question::Distribution(dimension, among));
        to_values(&counts)
    }

    /// The disclosed hidden records for each value of the secret.
    pub fn count_values(&self, among: InitiativePredicate) -> Values {
        self.count_by(Dimension::ChallengeAmbitions, among)
    }

    /// How the counts of the secret differ between two populations.
    pub fn find_differences(&self, of: InitiativePredicate, without: InitiativePredicate) -> Values {
        subtract(self.count_values(of), self.count_values(without))
    }

    /// The records for each value of the secret that the reader can read. They are known exactly.
    pub fn count_visible_values(&self, among: InitiativePredicate) -> Values {
        let question = Question::Distribution(Dimension::ChallengeAmbitions, among);
        to_values(&self.compute_counts(&question, RecordScope::Visible))
    }

    /// The disclosed hidden records for which both conditions are TRUE.
    pub fn count_both(
        &self,
        when: InitiativePredicate,
        then: InitiativePredicate,
        among: InitiativePredicate,
    ) -> i64 {
        self.ask_for_hidden(Question::Pattern { when, then, among })[1]
    }

    /// The disclosed hidden records for which a condition is TRUE.
    pub fn count_where(&self, condition: InitiativePredicate, among: InitiativePredicate) -> i64 {
        self.count_both(condition, everyone(), among)
    }

    /// For each value of the secret, the disclosed total and cells of a grid, with the records that the reader can read.
    /// Empty if the grid would be too large.
    pub fn count_grid(&self, columns: Dimension, among: InitiativePredicate) -> Vec<Vec<i64>> {
        let counts = self.remember(Question::Grid(columns, among), |question| {
            self.compute_counts(question, RecordScope::All)
        });
        let width = (counts.len() / VALUE_COUNT).max(1);
        counts.chunks(width).map(<[i64]>::to_vec).collect()
    }

    /// The published counts less the visible ones beside them: what an asker learns of hidden records from both tables of an
    /// answer. 0 if a count is suppressed.
    fn ask_for_hidden(&self, question: Question) -> Vec<i64> {
        self.remember(question, |question| {
            let counts = self.compute(question, RecordScope::All);
            counts
                .iter()
                .map(|count| read_count(*count) - count.visible.cast_signed())
                .collect()
        })
    }

    fn remember(&self, question: Question, compute: impl FnOnce(&Question) -> Vec<i64>) -> Vec<i64> {
        self.asked.set(self.asked.get() + 1);
        if let Some(answer) = self.answers.borrow().get(&question) {
            return answer.clone();
        }
        let answer = compute(&question);
        self.answers.borrow_mut().insert(question, answer.clone());
        answer
    }

    fn compute_counts(&self, question: &Question, scope: RecordScope) -> Vec<i64> {
        self.compute(question, scope)
            .into_iter()
            .map(read_count)
            .collect()
    }

    fn compute(&self, question: &Question, scope: RecordScope) -> Vec<DisclosedCount> {
        let viewpoint = Viewpoint {
            reader: self.reader,
            scope,
        };
        match question {
            Question::Distribution(dimension, among) => {
                let query = DistributionQuery {
                    dimension: *dimension,
                    among: among.clone(),
                    viewpoint,
                };
                let answer = compute_distribution(self.context(), &query).unwrap();
                answer.bins.iter().map(|bin| bin.count).collect()
            }
            Question::Pattern { when, then, among } => {
                let query = PatternQuery {
                    when: when.clone(),
                    then: then.clone(),
                    among: among.clone(),
                    by: None,
                    viewpoint,
                };
                let answer = compute_pattern(self.context(), &query, false).unwrap();
                answer.table.counts().collect()
            }
            Question::Grid(columns, among) => {
                let query = GridQuery {
                    rows: Dimension::ChallengeAmbitions,
                    columns: *columns,
                    among: among.clone(),
                    viewpoint,
                };
                let Some(grid) = compute_grid(self.context(), &query).unwrap() else {
                    return Vec::new();
                };
                let cells = grid.cells.chunks(grid.columns.len());
                let rows = grid.rows.iter().zip(cells);
                rows.flat_map(|((_, total), cells)| std::iter::once(total).chain(cells).copied())
                    .collect()
            }
        }
    }

    fn context(&self) -> EvaluationContext<'_> {
        EvaluationContext {
            newest: &self.release.snapshot,
            classes: self.release.classes.each_ref().map(|classes| &**classes),
            truth_cache: &self.tools.truth_cache,
            noise: &self.tools.noise,
            cancellation: &self.tools.cancellation,
        }
    }
}

/// A count that is suppressed completely is 0: the reader can read none of the records.
/// A published count, or the visible one if it is suppressed.
fn read_count(count: DisclosedCount) -> i64 {
    count.count.unwrap_or(count.visible).cast_signed()
}

fn to_values(counts: &[i64]) -> Values {
    std::array::from_fn(|value| counts[value])
}
