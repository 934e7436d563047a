//! Every pair out of several conditions, by sets of rows alone: hundreds of tables in one go.

use rayon::prelude::*;

use super::super::cancellation::Stopped;
use super::super::evaluate::Prepared;
use super::super::index::{Bits, Chunk, Truths};
use super::bit_sliced_sum::Sums;
use super::contingency::{Nine, nine, published};
use super::row_sets::{led_by, most_of_one};
use super::{Counting, RawCell};

/// How many counts of a table are published.
const PUBLISHED: usize = 8;

/// What the conditions say of the hidden initiatives of a chunk.
struct HiddenOf<'a> {
    chunk: &'a Chunk,
    hidden: Bits,
    truths: Vec<Truths>,
}

impl Counting<'_> {
    /// Counts the tables of each pair `(i, j)`, `i < j`, in that order: eight cells for each.
    pub fn pairs(&self, conditions: &[&Prepared<'_>]) -> Result<Vec<RawCell>, Stopped> {
        let pairs: Vec<(usize, usize)> = (0..conditions.len())
            .flat_map(|one| (one + 1..conditions.len()).map(move |other| (one, other)))
            .collect();
        let readable = self.exact_pairs(conditions, &pairs)?;
        let mut cells: Vec<RawCell> = readable
            .iter()
            .flat_map(Nine::published)
            .map(|readable| RawCell {
                readable,
                ..RawCell::default()
            })
            .collect();
        if self.controlled {
            let hidden = self.hidden_of(conditions)?;
            self.add_hidden(&mut cells, &hidden, &pairs)?;
        }
        Ok(cells)
    }

    fn exact_pairs(
        &self,
        conditions: &[&Prepared<'_>],
        pairs: &[(usize, usize)],
    ) -> Result<Vec<Nine>, Stopped> {
        self.over(
            || vec![Nine::default(); pairs.len()],
            |nines, position, chunk| {
                let counted = self.population(position).exactly;
                let truths = truths_within(conditions, position, chunk, &counted);
                let population = counted.count();
                let margins: Vec<(u64, u64)> =
                    truths.iter().map(|of| (of.yes.count(), of.no.count())).collect();
                for (nine, (one, other)) in nines.iter_mut().zip(pairs) {
                    *nine += Nine::of_margins(
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

    fn hidden_of(&self, conditions: &[&Prepared<'_>]) -> Result<Vec<HiddenOf<'_>>, Stopped> {
        self.jobs
            .par_iter()
            .enumerate()
            .map(|(position, job)| {
                self.base.run.check()?;
                let hidden = self.population(position).hidden;
                Ok(HiddenOf {
                    chunk: job.chunk,
                    truths: truths_within(conditions, position, job.chunk, &hidden),
                    hidden,
                })
            })
            .collect()
    }

    fn add_hidden(
        &self,
        cells: &mut [RawCell],
        hidden: &[HiddenOf<'_>],
        pairs: &[(usize, usize)],
    ) -> Result<(), Stopped> {
        let conditions = hidden.first().map_or(0, |of| of.truths.len());
        let sums = hidden
            .par_chunks(CHUNKS_AT_ONCE)
            .map(|block| {
                self.base.run.check()?;
                Ok(SumsOf::new(block, conditions, pairs))
            })
            .try_reduce(SumsOf::default, |a, b| Ok(a.plus(b)))?;
        let most_of_one = most_of_one(hidden.iter().map(|of| (of.chunk, &of.hidden)));
        cells
            .par_chunks_mut(PUBLISHED)
            .zip(pairs)
            .zip(&sums.known)
            .try_for_each(|((cells, (one, other)), known)| {
                self.base.run.check()?;
                let published = published_of(sums.all, sums.margins[*one], sums.margins[*other], *known);
                for (at, (cell, sums)) in cells.iter_mut().zip(published).enumerate() {
                    cell.hidden = sums.count;
                    cell.key = sums.key.0;
                    (cell.organisations, cell.largest) = led_by(sums.count, most_of_one, |see| {
                        for of in hidden {
                            each_row(of, *one, *other, at, |row| see(of.chunk.leads[row]));
                        }
                    });
                }
                Ok(())
            })
    }
}

fn truths_within(conditions: &[&Prepared<'_>], position: usize, chunk: &Chunk, rows: &Bits) -> Vec<Truths> {
    conditions
        .iter()
        .map(|one| one.of(position, chunk).within(rows))
        .collect()
}

/// So many chunks are gone through for every pair before the next ones: what the conditions
/// say of them fits the processor's cache.
const CHUNKS_AT_ONCE: usize = 16;

/// The sums over the hidden initiatives of some chunks.
#[derive(Default)]
struct SumsOf {
    all: Sums,
    /// For each condition: of which it is TRUE, and FALSE.
    margins: Vec<[Sums; 2]>,
    /// For each pair: its four known combinations.
    known: Vec<[Sums; 4]>,
}

impl SumsOf {
    fn new(block: &[HiddenOf<'_>], conditions: usize, pairs: &[(usize, usize)]) -> Self {
        let of = |condition: usize, yes: bool| {
            let sets = block.iter();
            Sums::of(sets.map(|of| (of.chunk, known(&of.truths[condition], yes))))
        };
        let of_both = |one: usize, one_yes: bool, other: usize, other_yes: bool| {
            let sets = block.iter();
            Sums::of_shared(sets.map(|of| {
                let (one, other) = (&of.truths[one], &of.truths[other]);
                (of.chunk, known(one, one_yes), known(other, other_yes))
            }))
        };
        Self {
            all: Sums::of(block.iter().map(|of| (of.chunk, &of.hidden))),
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

    fn plus(mut self, other: Self) -> Self {
        if self.margins.is_empty() {
            return other;
        }
        self.all = self.all.plus(other.all);
        add_all(self.margins.as_flattened_mut(), other.margins.as_flattened());
        add_all(self.known.as_flattened_mut(), other.known.as_flattened());
        self
    }
}

fn known(truths: &Truths, yes: bool) -> &Bits {
    if yes { &truths.yes } else { &truths.no }
}

fn add_all(sums: &mut [Sums], more: &[Sums]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum = sum.plus(*more);
    }
}

/// The published counts and keys of a pair. Both are sums over rows, so that the five
/// combinations with something unknown follow from the four known ones and the margins.
fn published_of(all: Sums, when: [Sums; 2], then: [Sums; 2], four: [Sums; 4]) -> [Sums; PUBLISHED] {
    let pair = |of: [Sums; 2]| (of[0], of[1]);
    let (when, then) = (pair(when), pair(then));
    let counts = published(nine(
        all.count,
        (when.0.count, when.1.count),
        (then.0.count, then.1.count),
        four.map(|sums| sums.count),
    ));
    let keys = published(nine(
        all.key,
        (when.0.key, when.1.key),
        (then.0.key, then.1.key),
        four.map(|sums| sums.key),
    ));
    std::array::from_fn(|at| Sums {
        count: counts[at],
        key: keys[at],
    })
}

/// Shows the rows of a published cell of two conditions to `see`; [`PART_OF`](super::contingency::PART_OF) numbers the cells.
fn each_row(of: &HiddenOf<'_>, when: usize, then: usize, cell: usize, mut see: impl FnMut(usize)) {
    let (when, then) = (&of.truths[when], &of.truths[then]);
    for (at, all) in of.hidden.words().iter().enumerate() {
        let [w, not_w, t, not_t] = [&when.yes, &when.no, &then.yes, &then.no].map(|set| set.words()[at]);
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
