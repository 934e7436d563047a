//! Counts every pair of several predicates from bitmaps alone: hundreds of tables at once.

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
            let tables = cells.par_chunks_mut(PUBLISHED_CELLS_PER_TABLE).zip(&pairs);
            tables.try_for_each(|(cells, (when, then))| {
                let pair = [predicates[*when], predicates[*then]];
                let hidden = self.decide(&pair, &[])?.count_hidden_pair(pair)?;
                for (cell, sums) in cells.iter_mut().zip(hidden) {
                    cell.hidden = sums.count;
                    cell.key = sums.key.0;
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

    /// Counts the hidden initiatives in each published cell of two predicates, and adds their keys.
    fn count_hidden_pair(
        &self,
        [when, then]: [&PreparedPredicate<'_>; 2],
    ) -> Result<[CountAndKeySum; PUBLISHED_CELLS_PER_TABLE], Cancelled> {
        self.map_reduce_chunks(
            || [CountAndKeySum::default(); PUBLISHED_CELLS_PER_TABLE],
            |sums, position, chunk| {
                let hidden = self.find_hidden_population(position);
                let [when, then] = [when, then].map(|one| self.evaluate(one, position).restrict_to(&hidden));
                let sum = |one: &Bitmap, other: &Bitmap| {
                    CountAndKeySum::from_intersections(std::iter::once((chunk, one, other)))
                };
                let margin = |truths: &TruthBitmaps| {
                    [&truths.true_rows, &truths.false_rows].map(|rows| sum(rows, rows))
                };
                let known = [
                    sum(&when.true_rows, &then.true_rows),
                    sum(&when.true_rows, &then.false_rows),
                    sum(&when.false_rows, &then.true_rows),
                    sum(&when.false_rows, &then.false_rows),
                ];
                let cells = sum_published_cells(sum(&hidden, &hidden), margin(&when), margin(&then), known);
                sums.iter_mut()
                    .zip(cells)
                    .for_each(|(sum, more)| *sum = sum.add(more));
            },
            |a, b| std::array::from_fn(|cell| a[cell].add(b[cell])),
        )
    }
}

/// The published counts and keys of a pair. Both are sums over rows, so the five combinations with an unknown
/// condition follow from the four known ones and the margins.
fn sum_published_cells(
    all: CountAndKeySum,
    when: [CountAndKeySum; 2],
    then: [CountAndKeySum; 2],
    known: [CountAndKeySum; 4],
) -> [CountAndKeySum; PUBLISHED_CELLS_PER_TABLE] {
    let counts = fill_from_margins(
        all.count,
        when.map(|sums| sums.count).into(),
        then.map(|sums| sums.count).into(),
        known.map(|sums| sums.count),
    );
    let keys = fill_from_margins(
        all.key,
        when.map(|sums| sums.key).into(),
        then.map(|sums| sums.key).into(),
        known.map(|sums| sums.key),
    );
    let (counts, keys) = (sum_published(counts), sum_published(keys));
    std::array::from_fn(|cell| CountAndKeySum {
        count: counts[cell],
        key: keys[cell],
    })
}
