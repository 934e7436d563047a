//! Every pair out of several conditions, by sets of rows alone: hundreds of tables in one go.

use rayon::prelude::*;

use super::super::evaluate::Prepared;
use super::super::index::{Bits, Chunk, Truths};
use super::super::run::Stopped;
use super::nine::{Nine, PART_OF};
use super::sets::{Sums, add, led_by, most_of_one};
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
        let most_of_one = most_of_one(hidden.iter().map(|of| (of.chunk, &of.hidden)));
        let all = sums_of_all(hidden);
        let conditions = hidden.first().map_or(0, |of| of.truths.len());
        let margins: Vec<[Sums; 2]> = (0..conditions)
            .into_par_iter()
            .map(|condition| sums_of_condition(hidden, condition))
            .collect();
        cells
            .par_chunks_mut(PUBLISHED)
            .zip(pairs)
            .try_for_each(|(cells, (one, other))| {
                self.base.run.check()?;
                if margins.is_empty() {
                    return Ok(());
                }
                let four = sums_of_pair(hidden, *one, *other);
                let sums = published(all, margins[*one], margins[*other], four);
                for (at, (cell, sums)) in cells.iter_mut().zip(sums).enumerate() {
                    cell.hidden = sums.count;
                    cell.key = sums.key.to_le_bytes()[0];
                    (cell.organisations, cell.largest) = led_by(sums.count, most_of_one, |see| {
                        for of in hidden {
                            let rows = published_rows(&of.truths[*one], &of.truths[*other], &of.hidden, at);
                            rows.each(|row| see(of.chunk.leads[row]));
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

/// All hidden initiatives.
fn sums_of_all(hidden: &[HiddenOf<'_>]) -> Sums {
    let mut sums = [Sums::default()];
    for of in hidden {
        add(&mut sums, of.chunk, |at| [of.hidden.words()[at]]);
    }
    sums[0]
}

/// Those of which a condition is TRUE, and those of which it is FALSE.
fn sums_of_condition(hidden: &[HiddenOf<'_>], condition: usize) -> [Sums; 2] {
    let mut sums = [Sums::default(); 2];
    for of in hidden {
        let Truths { yes, no } = &of.truths[condition];
        add(&mut sums, of.chunk, |at| [yes.words()[at], no.words()[at]]);
    }
    sums
}

/// The four known combinations of two conditions.
fn sums_of_pair(hidden: &[HiddenOf<'_>], one: usize, other: usize) -> [Sums; 4] {
    let mut sums = [Sums::default(); 4];
    for of in hidden {
        let (when, then) = (&of.truths[one], &of.truths[other]);
        let (w, not_w) = (when.yes.words(), when.no.words());
        let (t, not_t) = (then.yes.words(), then.no.words());
        add(&mut sums, of.chunk, |at| {
            [
                w[at] & t[at],
                w[at] & not_t[at],
                not_w[at] & t[at],
                not_w[at] & not_t[at],
            ]
        });
    }
    sums
}

/// The published counts and keys of a pair. Both are sums over rows, so that the five
/// combinations with something unknown follow from the four known ones and the margins.
fn published(all: Sums, when: [Sums; 2], then: [Sums; 2], four: [Sums; 4]) -> [Sums; PUBLISHED] {
    let of = |part: fn(&Sums) -> u64| {
        let pair = |sums: &[Sums; 2]| (part(&sums[0]), part(&sums[1]));
        Nine::from_known(part(&all), pair(&when), pair(&then), four.map(|sums| part(&sums))).published()
    };
    let (counts, keys) = (of(|sums| sums.count), of(|sums| sums.key));
    std::array::from_fn(|at| Sums {
        count: counts[at],
        key: keys[at],
    })
}

/// The rows of a published cell.
fn published_rows(when: &Truths, then: &Truths, all: &Bits, at: usize) -> Bits {
    let three = |of: &Truths| {
        [
            of.yes.clone(),
            of.no.clone(),
            all.without(&of.yes).without(&of.no),
        ]
    };
    let (whens, thens) = (three(when), three(then));
    let mut rows = all.without(all);
    for (combination, parts) in PART_OF.iter().enumerate() {
        if parts.iter().any(|part| usize::from(*part) == at) {
            rows.put_all(&whens[combination / 3].and(&thens[combination % 3]));
        }
    }
    rows
}
