//! Counts every pair of several predicates from bitmaps alone: hundreds of tables at once.

use std::borrow::Cow;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::bit_sliced_sum::CountAndKeySum;
use super::contingency::{Counts3x3, fill_from_margins, sum_published};
use super::{PopulationCounter, RawCell};
use crate::cancellation::Cancelled;
use crate::evaluate::PreparedPredicate;
use crate::index::{Bitmap, TruthBitmaps};

const PUBLISHED_CELLS_PER_TABLE: usize = 8;

/// The indexes of each pair of `count` items, the lower index first.
pub fn list_pairs(count: usize) -> Vec<(usize, usize)> {
    (0..count)
        .flat_map(|first| (first + 1..count).map(move |second| (first, second)))
        .collect()
}

impl<'a> PopulationCounter<'a> {
    /// Counts the tables of each pair of predicates, in the order of the pairs: eight cells for each. Each pair is decided
    /// for hidden initiatives as a question of its own.
    pub fn count_pairs(&self, predicates: &[&PreparedPredicate<'a>]) -> Result<Vec<RawCell>, Cancelled> {
        let pairs = list_pairs(predicates.len());
        let visible = self.count_visible_pairs(predicates, &pairs)?;
        let counts = visible.iter().flat_map(Counts3x3::published_counts);
        let mut cells: Vec<RawCell> = counts
            .map(|visible| RawCell {
                visible,
                ..RawCell::default()
            })
            .collect();
        if self.is_controlled() {
            let hidden: Vec<HiddenPart<'_, 'a>> =
                predicates.iter().map(|one| self.new_hidden_part(one)).collect();
            let tables = cells.par_chunks_mut(PUBLISHED_CELLS_PER_TABLE).zip(&pairs);
            tables.try_for_each(|(cells, (when, then))| {
                let counter = self.decide(&[predicates[*when], predicates[*then]], &[])?;
                let hidden = counter.count_hidden_pair([&hidden[*when], &hidden[*then]])?;
                for (cell, sums) in cells.iter_mut().zip(hidden) {
                    cell.hidden = sums.count();
                    cell.key = sums.key();
                }
                Ok(())
            })?;
        }
        Ok(cells)
    }

    fn count_visible_pairs(
        &self,
        predicates: &[&PreparedPredicate<'_>],
        pairs: &[(usize, usize)],
    ) -> Result<Vec<Counts3x3>, Cancelled> {
        self.map_reduce_chunks(
            || vec![Counts3x3::default(); pairs.len()],
            |tables, position, chunk| {
                let population = self.find_visible_population(position);
                let truths: Vec<TruthBitmaps> = predicates
                    .iter()
                    .map(|predicate| predicate.evaluate(position, chunk).restrict_to(&population))
                    .collect();
                let population = population.count();
                let margins: Vec<(u64, u64)> = truths
                    .iter()
                    .map(|truths| (truths.true_rows.count(), truths.false_rows.count()))
                    .collect();
                for (table, (when, then)) in tables.iter_mut().zip(pairs) {
                    *table += Counts3x3::from_margins(
                        population,
                        &truths[*when],
                        margins[*when],
                        &truths[*then],
                        margins[*then],
                    );
                }
            },
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(sum, more)| *sum += more);
                a
            },
        )
    }

    /// Whether at least two of the predicates are TRUE for a visible initiative of the population.
    pub fn has_visible_overlap(&self, predicates: &[&PreparedPredicate<'_>]) -> Result<bool, Cancelled> {
        self.map_reduce_chunks(
            || false,
            |overlap, position, chunk| {
                let mut counted = Bitmap::empty(chunk.len());
                let population = self.find_visible_population(position);
                for predicate in predicates {
                    let rows = predicate
                        .evaluate(position, chunk)
                        .true_rows
                        .intersection(&population);
                    *overlap |= counted.intersection(&rows).count() > 0;
                    counted.insert_all(&rows);
                }
            },
            |a, b| a || b,
        )
    }

    fn new_hidden_part<'p>(&self, predicate: &'p PreparedPredicate<'a>) -> HiddenPart<'p, 'a> {
        let chunk_count = self.context().newest.chunks.len();
        HiddenPart {
            predicate,
            own_truths: std::iter::repeat_with(OnceLock::new).take(chunk_count).collect(),
        }
    }

    /// Counts the hidden initiatives in each published cell of two predicates, and adds their keys.
    fn count_hidden_pair(
        &self,
        parts: [&HiddenPart<'_, 'a>; 2],
    ) -> Result<[CountAndKeySum; PUBLISHED_CELLS_PER_TABLE], Cancelled> {
        let has_own_population = !self.decides(&self.base.among);
        let has_own_truths = parts.map(|part| has_own_population && !self.decides(part.predicate));
        self.map_reduce_chunks(
            || [CountAndKeySum::default(); PUBLISHED_CELLS_PER_TABLE],
            |sums, position, chunk| {
                let evaluate = |part: usize| {
                    let HiddenPart {
                        predicate,
                        own_truths,
                    } = parts[part];
                    let evaluate = || HiddenTruths::evaluate(self, predicate, position);
                    if has_own_truths[part] {
                        Cow::Borrowed(own_truths[position].get_or_init(evaluate))
                    } else {
                        Cow::Owned(evaluate())
                    }
                };
                let (when, then) = (evaluate(0), evaluate(1));
                let sum = |one: &Bitmap, other: &Bitmap| CountAndKeySum::of_intersection(chunk, one, other);
                let known = [
                    sum(&when.truths.true_rows, &then.truths.true_rows),
                    sum(&when.truths.true_rows, &then.truths.false_rows),
                    sum(&when.truths.false_rows, &then.truths.true_rows),
                    sum(&when.truths.false_rows, &then.truths.false_rows),
                ];
                let nine = fill_from_margins(when.population, when.sums, then.sums, known);
                sums.iter_mut()
                    .zip(sum_published(nine))
                    .for_each(|(sum, more)| *sum += more);
            },
            |a, b| std::array::from_fn(|cell| a[cell] + b[cell]),
        )
    }
}

/// A predicate of several pairs, with its own values for the hidden initiatives of each chunk. Pairs for which nothing else
/// is decided share them.
struct HiddenPart<'p, 'a> {
    predicate: &'p PreparedPredicate<'a>,
    own_truths: Box<[OnceLock<HiddenTruths>]>,
}

/// The values of a predicate for the hidden initiatives of a chunk that count.
#[derive(Clone)]
struct HiddenTruths {
    truths: TruthBitmaps,
    /// The sum over all of them.
    population: CountAndKeySum,
    /// The sums over those for which the predicate is TRUE, and FALSE.
    sums: (CountAndKeySum, CountAndKeySum),
}

impl HiddenTruths {
    fn evaluate(counter: &PopulationCounter<'_>, predicate: &PreparedPredicate<'_>, position: usize) -> Self {
        let chunk = &counter.context().newest.chunks[position];
        let population = counter.find_hidden_population(position);
        let truths = counter
            .evaluate_hidden(predicate, position)
            .restrict_to(&population);
        let sum = |rows: &Bitmap| CountAndKeySum::of_intersection(chunk, rows, rows);
        Self {
            population: sum(&population),
            sums: (sum(&truths.true_rows), sum(&truths.false_rows)),
            truths,
        }
    }
}
