//! Every pair out of several conditions, by sets of rows alone: hundreds of tables in one go.

use rayon::prelude::*;

use super::super::cancellation::Cancelled;
use super::super::evaluate::PreparedPredicate;
use super::super::index::{Bitmap, Chunk, TruthBitmaps};
use super::bit_sliced_sum::CountAndKeySum;
use super::contingency::{Counts3x3, fill_from_margins, sum_published};
use super::row_sets::{count_largest_lead, count_leads};
use super::{PopulationCounter, RawCell};

/// How many counts of a table are published.
const PUBLISHED_CELLS_PER_TABLE: usize = 8;

/// What the conditions say of the hidden initiatives of a chunk.
struct HiddenChunk<'a> {
    chunk: &'a Chunk,
    hidden: Bitmap,
    truths: Vec<TruthBitmaps>,
}

impl PopulationCounter<'_> {
    /// Counts the tables of each pair `(i, j)`, `i < j`, in that order: eight cells for each.
    pub fn count_pairs(&self, conditions: &[&PreparedPredicate<'_>]) -> Result<Vec<RawCell>, Cancelled> {
        let pairs: Vec<(usize, usize)> = (0..conditions.len())
            .flat_map(|one| (one + 1..conditions.len()).map(move |other| (one, other)))
            .collect();
        let readable = self.count_visible_pairs(conditions, &pairs)?;
        let mut cells: Vec<RawCell> = readable
            .iter()
            .flat_map(Counts3x3::published_counts)
            .map(|readable| RawCell {
                visible: readable,
                ..RawCell::default()
            })
            .collect();
        if self.controlled {
            let hidden = self.collect_hidden(conditions)?;
            self.add_hidden_counts(&mut cells, &hidden, &pairs)?;
        }
        Ok(cells)
    }

    fn count_visible_pairs(
        &self,
        conditions: &[&PreparedPredicate<'_>],
        pairs: &[(usize, usize)],
    ) -> Result<Vec<Counts3x3>, Cancelled> {
        self.map_reduce_chunks(
            || vec![Counts3x3::default(); pairs.len()],
            |nines, position, chunk| {
                let counted = self.compute_population(position).visible;
                let truths = evaluate_within(conditions, position, chunk, &counted);
                let population = counted.count();
                let margins: Vec<(u64, u64)> = truths
                    .iter()
                    .map(|of| (of.true_rows.count(), of.false_rows.count()))
                    .collect();
                for (nine, (one, other)) in nines.iter_mut().zip(pairs) {
                    *nine += Counts3x3::from_margins(
                        population,
                        &truths[*one],
                        margins[*one],
                        &truths[*other],
                        margins[*other],
                    );
                }
            },
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(mine, more)| *mine += more);
                a
            },
        )
    }

    fn collect_hidden(
        &self,
        conditions: &[&PreparedPredicate<'_>],
    ) -> Result<Vec<HiddenChunk<'_>>, Cancelled> {
        self.tasks
            .par_iter()
            .enumerate()
            .map(|(position, job)| {
                self.base.cancellation.check()?;
                let hidden = self.compute_population(position).hidden;
                Ok(HiddenChunk {
                    chunk: job.chunk,
                    truths: evaluate_within(conditions, position, job.chunk, &hidden),
                    hidden,
                })
            })
            .collect()
    }

    fn add_hidden_counts(
        &self,
        cells: &mut [RawCell],
        hidden: &[HiddenChunk<'_>],
        pairs: &[(usize, usize)],
    ) -> Result<(), Cancelled> {
        let conditions = hidden.first().map_or(0, |of| of.truths.len());
        let sums = hidden
            .par_chunks(CHUNKS_PER_BLOCK)
            .map(|block| {
                self.base.cancellation.check()?;
                Ok(PairSums::new(block, conditions, pairs))
            })
            .try_reduce(PairSums::default, |a, b| Ok(a.add(b)))?;
        let most_of_one = count_largest_lead(hidden.iter().map(|of| (of.chunk, &of.hidden)));
        cells
            .par_chunks_mut(PUBLISHED_CELLS_PER_TABLE)
            .zip(pairs)
            .zip(&sums.known)
            .try_for_each(|((cells, (one, other)), known)| {
                self.base.cancellation.check()?;
                let published =
                    sum_published_cells(sums.all, sums.margins[*one], sums.margins[*other], *known);
                for (at, (cell, sums)) in cells.iter_mut().zip(published).enumerate() {
                    cell.hidden = sums.count;
                    cell.key = sums.key.0;
                    (cell.organisations, cell.largest_lead_count) =
                        count_leads(sums.count, most_of_one, |see| {
                            for of in hidden {
                                for_each_row(of, *one, *other, at, |row| see(of.chunk.leads[row]));
                            }
                        });
                }
                Ok(())
            })
    }
}

fn evaluate_within(
    conditions: &[&PreparedPredicate<'_>],
    position: usize,
    chunk: &Chunk,
    rows: &Bitmap,
) -> Vec<TruthBitmaps> {
    conditions
        .iter()
        .map(|one| one.evaluate(position, chunk).restrict_to(rows))
        .collect()
}

/// So many chunks are gone through for every pair before the next ones: what the conditions
/// say of them fits the processor's cache.
const CHUNKS_PER_BLOCK: usize = 16;

/// The sums over the hidden initiatives of some chunks.
#[derive(Default)]
struct PairSums {
    all: CountAndKeySum,
    /// For each condition: of which it is TRUE, and FALSE.
    margins: Vec<[CountAndKeySum; 2]>,
    /// For each pair: its four known combinations.
    known: Vec<[CountAndKeySum; 4]>,
}

impl PairSums {
    fn new(block: &[HiddenChunk<'_>], conditions: usize, pairs: &[(usize, usize)]) -> Self {
        let of = |condition: usize, yes: bool| {
            let sets = block.iter();
            CountAndKeySum::from_bitmaps(sets.map(|of| (of.chunk, select_bitmap(&of.truths[condition], yes))))
        };
        let of_both = |one: usize, one_yes: bool, other: usize, other_yes: bool| {
            let sets = block.iter();
            CountAndKeySum::from_intersections(sets.map(|of| {
                let (one, other) = (&of.truths[one], &of.truths[other]);
                (
                    of.chunk,
                    select_bitmap(one, one_yes),
                    select_bitmap(other, other_yes),
                )
            }))
        };
        Self {
            all: CountAndKeySum::from_bitmaps(block.iter().map(|of| (of.chunk, &of.hidden))),
            margins: (0..conditions)
                .map(|condition| [of(condition, true), of(condition, false)])
                .collect(),
            known: pairs
                .iter()
                .map(|(one, other)| {
                    [(true, true), (true, false), (false, true), (false, false)]
                        .map(|(one_yes, other_yes)| of_both(*one, one_yes, *other, other_yes))
                })
                .collect(),
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

fn select_bitmap(truths: &TruthBitmaps, yes: bool) -> &Bitmap {
    if yes {
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

/// The published counts and keys of a pair. Both are sums over rows, so that the five
/// combinations with something unknown follow from the four known ones and the margins.
fn sum_published_cells(
    all: CountAndKeySum,
    when: [CountAndKeySum; 2],
    then: [CountAndKeySum; 2],
    four: [CountAndKeySum; 4],
) -> [CountAndKeySum; PUBLISHED_CELLS_PER_TABLE] {
    let pair = |of: [CountAndKeySum; 2]| (of[0], of[1]);
    let (when, then) = (pair(when), pair(then));
    let counts = sum_published(fill_from_margins(
        all.count,
        (when.0.count, when.1.count),
        (then.0.count, then.1.count),
        four.map(|sums| sums.count),
    ));
    let keys = sum_published(fill_from_margins(
        all.key,
        (when.0.key, when.1.key),
        (then.0.key, then.1.key),
        four.map(|sums| sums.key),
    ));
    std::array::from_fn(|at| CountAndKeySum {
        count: counts[at],
        key: keys[at],
    })
}

/// Shows the rows of a published cell of two conditions to `see`; [`PUBLISHED_CELLS_BY_RAW_CELL`](super::contingency::PUBLISHED_CELLS_BY_RAW_CELL) numbers the cells.
fn for_each_row(of: &HiddenChunk<'_>, when: usize, then: usize, cell: usize, mut see: impl FnMut(usize)) {
    let (when, then) = (&of.truths[when], &of.truths[then]);
    for (at, all) in of.hidden.words().iter().enumerate() {
        let [w, not_w, t, not_t] = [
            &when.true_rows,
            &when.false_rows,
            &then.true_rows,
            &then.false_rows,
        ]
        .map(|set| set.words()[at]);
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
            see(at * 64 + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}
