//! Counts every pair of several predicates from bitmaps alone: hundreds of tables at once.

use rayon::prelude::*;

use super::bit_sliced_sum::CountAndKeySum;
use super::contingency::{Counts3x3, fill_from_margins, sum_published};
use super::row_sets::{count_largest_lead, count_leads};
use super::{PopulationCounter, RawCell};
use crate::cancellation::Cancelled;
use crate::evaluate::PreparedPredicate;
use crate::index::{Bitmap, Chunk, TruthBitmaps};

const PUBLISHED_CELLS_PER_TABLE: usize = 8;

/// The indexes of each pair of `count` items, the lower index first.
pub fn list_pairs(count: usize) -> Vec<(usize, usize)> {
    (0..count)
        .flat_map(|first| (first + 1..count).map(move |second| (first, second)))
        .collect()
}

/// The hidden initiatives of a chunk, and the predicates within them.
struct HiddenChunk<'a> {
    chunk: &'a Chunk,
    hidden: Bitmap,
    truths: Vec<TruthBitmaps>,
}

impl PopulationCounter<'_> {
    /// Counts the tables of each pair of predicates, in the order of the pairs: eight cells for each.
    pub fn count_pairs(&self, predicates: &[&PreparedPredicate<'_>]) -> Result<Vec<RawCell>, Cancelled> {
        let pairs = list_pairs(predicates.len());
        let visible = self.count_visible_pairs(predicates, &pairs)?;
        let counts = visible.iter().flat_map(Counts3x3::published_counts);
        let mut cells: Vec<RawCell> = counts
            .map(|visible| RawCell {
                visible,
                ..RawCell::default()
            })
            .collect();
        if self.controlled {
            let hidden = self.map_chunks(|position, chunk| {
                let hidden = self.compute_population(position).hidden;
                HiddenChunk {
                    chunk,
                    truths: evaluate_within(predicates, position, chunk, &hidden),
                    hidden,
                }
            })?;
            self.add_hidden_counts(&mut cells, &hidden, &pairs)?;
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
                let population = self.compute_population(position).visible;
                let truths = evaluate_within(predicates, position, chunk, &population);
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

    fn add_hidden_counts(
        &self,
        cells: &mut [RawCell],
        hidden: &[HiddenChunk<'_>],
        pairs: &[(usize, usize)],
    ) -> Result<(), Cancelled> {
        let predicate_count = hidden.first().map_or(0, |chunk| chunk.truths.len());
        let sums = hidden
            .par_chunks(CHUNKS_PER_BLOCK)
            .map(|block| {
                self.context.cancellation.check()?;
                Ok(PairSums::new(block, predicate_count, pairs))
            })
            .try_reduce(PairSums::default, |a, b| Ok(a.add(b)))?;
        let largest_lead = count_largest_lead(hidden.iter().map(|of| (of.chunk, &of.hidden)));
        let tables = cells
            .par_chunks_mut(PUBLISHED_CELLS_PER_TABLE)
            .zip(pairs)
            .zip(&sums.known);
        tables.try_for_each(|((cells, (when, then)), known)| {
            self.context.cancellation.check()?;
            let published = sum_published_cells(sums.all, sums.margins[*when], sums.margins[*then], *known);
            for (index, (cell, sums)) in cells.iter_mut().zip(published).enumerate() {
                cell.hidden = sums.count;
                cell.key = sums.key.0;
                (cell.organisations, cell.largest_lead_count) =
                    count_leads(sums.count, largest_lead, |visit| {
                        for of in hidden {
                            for_each_row(of, *when, *then, index, |row| visit(of.chunk.leads[row]));
                        }
                    });
            }
            Ok(())
        })
    }
}

fn evaluate_within(
    predicates: &[&PreparedPredicate<'_>],
    position: usize,
    chunk: &Chunk,
    rows: &Bitmap,
) -> Vec<TruthBitmaps> {
    let truths = predicates
        .iter()
        .map(|predicate| predicate.evaluate(position, chunk));
    truths.map(|truths| truths.restrict_to(rows)).collect()
}

/// How many chunks are counted for every pair before the next ones: their bitmaps fit the processor's cache.
const CHUNKS_PER_BLOCK: usize = 16;

/// The sums over the hidden initiatives of some chunks.
#[derive(Default)]
struct PairSums {
    all: CountAndKeySum,
    /// For each predicate, the rows for which it is TRUE and those for which it is FALSE.
    margins: Vec<[CountAndKeySum; 2]>,
    /// For each pair, its four known combinations.
    known: Vec<[CountAndKeySum; 4]>,
}

impl PairSums {
    fn new(block: &[HiddenChunk<'_>], predicate_count: usize, pairs: &[(usize, usize)]) -> Self {
        let sum = |predicate: usize, truth: bool| {
            let rows = |of| select_bitmap(of, predicate, truth);
            CountAndKeySum::from_bitmaps(block.iter().map(|of| (of.chunk, rows(of))))
        };
        let sum_both = |(when, then): (usize, usize), when_truth: bool, then_truth: bool| {
            CountAndKeySum::from_intersections(block.iter().map(|of| {
                let (when, then) = (
                    select_bitmap(of, when, when_truth),
                    select_bitmap(of, then, then_truth),
                );
                (of.chunk, when, then)
            }))
        };
        let known = pairs.iter().map(|pair| {
            [(true, true), (true, false), (false, true), (false, false)]
                .map(|(when, then)| sum_both(*pair, when, then))
        });
        Self {
            all: CountAndKeySum::from_bitmaps(block.iter().map(|of| (of.chunk, &of.hidden))),
            margins: (0..predicate_count)
                .map(|predicate| [true, false].map(|truth| sum(predicate, truth)))
                .collect(),
            known: known.collect(),
        }
    }

    fn add(mut self, other: Self) -> Self {
        if self.margins.is_empty() {
            return other;
        }
        self.all = self.all.add(other.all);
        add_sums(self.margins.as_flattened_mut(), other.margins.as_flattened());
        add_sums(self.known.as_flattened_mut(), other.known.as_flattened());
        self
    }
}

fn select_bitmap<'a>(of: &'a HiddenChunk<'_>, predicate: usize, truth: bool) -> &'a Bitmap {
    let truths = &of.truths[predicate];
    if truth {
        &truths.true_rows
    } else {
        &truths.false_rows
    }
}

fn add_sums(sums: &mut [CountAndKeySum], more: &[CountAndKeySum]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum = sum.add(*more);
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

/// Calls `visit` with the rows of a published cell of two predicates. The cells are numbered as in
/// [`PUBLISHED_CELLS_BY_RAW_CELL`](super::contingency::PUBLISHED_CELLS_BY_RAW_CELL).
fn for_each_row(of: &HiddenChunk<'_>, when: usize, then: usize, cell: usize, mut visit: impl FnMut(usize)) {
    let (when, then) = (&of.truths[when], &of.truths[then]);
    let sets = [
        &when.true_rows,
        &when.false_rows,
        &then.true_rows,
        &then.false_rows,
    ];
    for (index, all) in of.hidden.words().iter().enumerate() {
        let [w, not_w, t, not_t] = sets.map(|set| set.words()[index]);
        let mut left = match cell {
            0 => *all,
            1 => w & t,
            2 => w & not_t,
            3 => not_w & t,
            4 => not_w & not_t,
            5 => all & !((w | not_w) & (t | not_t)),
            6 => all & !(w | not_w),
            _ => all & !(t | not_t),
        };
        while left != 0 {
            visit(index * 64 + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}
