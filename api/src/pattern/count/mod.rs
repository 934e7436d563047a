//! Counting: how many initiatives fall into which cells, told apart into those that
//! the reader may read whole, which are counted exactly, and the hidden ones, of which
//! what [disclosure control](super::disclosure) needs is gathered too.
//!
//! Chunks are counted side by side; nothing in here is shown to anybody before
//! disclosure control has seen it.

pub mod cells;
pub mod contributors;
pub mod nine;

use std::collections::HashSet;

use rayon::prelude::*;
use wayin_entity::Dimension;

use self::cells::{CellsOfRows, Layout, NO_CELL};
use self::contributors::Contributors;
use self::nine::Nine;
use super::dimension::Domain;
use super::disclosure::noise::Noise;
use super::evaluate::Prepared;
use super::index::{Bits, Chunk, Snapshot, Truths};
use super::kept::Kept;
use super::question::Viewpoint;
use super::run::{Run, Stopped};
use crate::condition::InitiativeCondition;

/// What a question is answered from: the newest snapshot, and the one that hidden
/// records are counted by.
#[derive(Clone, Copy)]
pub struct Base<'a> {
    /// The newest.
    pub live: &'a Snapshot,
    /// The one that hidden records are counted by.
    pub released: &'a Snapshot,
    /// What was worked out before.
    pub kept: &'a Kept,
    /// How protected counts are moved.
    pub noise: &'a Noise,
    /// Whether to go on.
    pub run: &'a Run,
}

/// What was counted of one cell, not to be shown as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawCell {
    /// How many that the reader may read whole, or all where nothing is hidden from them.
    pub readable: u64,
    /// How many hidden ones.
    pub hidden: u64,
    /// The sum of the hidden ones' keys, modulo 256.
    pub key: u8,
    /// How many organisations lead the hidden ones; 5 stands for 5 or more.
    pub organisations: u8,
    /// How many of the hidden ones the organisation leads that leads more than half of them; 0 where none does.
    pub largest: u64,
}

/// A chunk that is counted, and which part of it.
struct Job<'a> {
    chunk: &'a Chunk,
    /// It stands in the newest snapshot: what is readable of it is counted.
    live: bool,
    /// It stands in the released snapshot: what is hidden of it is counted.
    released: bool,
}

/// Counts the initiatives of a population.
pub struct Counting<'a> {
    base: Base<'a>,
    jobs: Vec<Job<'a>>,
    controlled: bool,
    among: Prepared<'a>,
    readable: Option<Prepared<'static>>,
}

/// The initiatives of one chunk that are counted.
struct Population {
    exactly: Bits,
    hidden: Bits,
}

impl<'a> Counting<'a> {
    /// Counts those of which `among` is TRUE, as one who asks may.
    pub fn new(base: Base<'a>, viewpoint: Viewpoint, among: &'a InitiativeCondition) -> Self {
        let controlled = viewpoint.is_controlled();
        let jobs = if controlled {
            jobs(base.live, base.released)
        } else {
            base.live
                .chunks
                .iter()
                .map(|chunk| Job {
                    chunk,
                    live: true,
                    released: false,
                })
                .collect()
        };
        let chunks = jobs.len();
        let readable = (!viewpoint.reads_everything())
            .then(|| Prepared::readable_by(viewpoint.reader, base.live, base.kept, chunks));
        Self {
            among: Prepared::new(among, base.live, base.kept, chunks),
            readable,
            jobs,
            controlled,
            base,
        }
    }

    /// Prepares a condition for the chunks that are counted.
    pub fn prepare(&self, condition: &'a InitiativeCondition) -> Prepared<'a> {
        Prepared::new(condition, self.base.live, self.base.kept, self.jobs.len())
    }

    /// The domain of a dimension, as one who asks may know it.
    pub fn domain(&self, dimension: Dimension) -> Domain {
        // The chunks of the newest snapshot are the first that are counted.
        let readable = |position: usize, chunk: &Chunk| match &self.readable {
            Some(readable) => readable.of(position, chunk).yes.clone(),
            None => Bits::all(chunk.len()),
        };
        Domain::new(dimension, self.base.live, &readable, self.controlled)
    }

    /// Keeps what was worked out of conditions that were prepared for this.
    pub fn keep(&self, prepared: &[&Prepared<'_>]) {
        let chunks: Vec<&Chunk> = self.jobs.iter().map(|job| job.chunk).collect();
        let own = std::iter::once(&self.among).chain(&self.readable);
        prepared
            .iter()
            .copied()
            .chain(own)
            .for_each(|one| one.keep(&chunks, self.base.kept));
    }

    /// Whether what is counted has to go through disclosure control.
    pub fn is_controlled(&self) -> bool {
        self.controlled
    }

    fn population(&self, position: usize) -> Population {
        let job = &self.jobs[position];
        let rows = job.chunk.len();
        let asked = &self.among.of(position, job.chunk).yes;
        let Some(readable) = &self.readable else {
            return Population {
                exactly: asked.clone(),
                hidden: Bits::none(rows),
            };
        };
        let readable = readable.of(position, job.chunk);
        let part = |counted: bool, of: &Bits| if counted { asked.and(of) } else { Bits::none(rows) };
        Population {
            exactly: part(job.live, &readable.yes),
            hidden: part(job.released, &readable.no),
        }
    }

    /// Works on every chunk, in pieces side by side, and joins what came of them.
    fn over<T: Send>(
        &self,
        start: impl Fn() -> T + Sync,
        count: impl Fn(&mut T, usize, &Chunk) + Sync,
        join: impl Fn(T, T) -> T,
    ) -> Result<T, Stopped> {
        let pieces = rayon::current_num_threads().clamp(1, self.jobs.len().max(1));
        let size = self.jobs.len().div_ceil(pieces).max(1);
        let counted: Vec<T> = self
            .jobs
            .par_chunks(size)
            .enumerate()
            .map(|(piece, jobs)| {
                let mut counts = start();
                for (at, job) in jobs.iter().enumerate() {
                    self.base.run.check()?;
                    count(&mut counts, piece * size + at, job.chunk);
                }
                Ok(counts)
            })
            .collect::<Result<_, Stopped>>()?;
        Ok(counted.into_iter().reduce(join).unwrap_or_else(start))
    }

    /// Counts the nine combinations of two conditions, and how many of all are
    /// illustrative, where nothing is hidden.
    pub fn nine(&self, when: &Prepared<'_>, then: &Prepared<'_>) -> Result<(Nine, u64), Stopped> {
        debug_assert!(!self.controlled, "hidden records are counted by cells");
        self.over(
            || (Nine::default(), 0),
            |(nine, illustrative), position, chunk| {
                let counted = self.population(position).exactly;
                *nine += Nine::count(&when.of(position, chunk), &then.of(position, chunk), &counted);
                *illustrative += counted.and(&chunk.illustrative).count();
            },
            |mut a, b| {
                a.0 += b.0;
                (a.0, a.1 + b.1)
            },
        )
    }

    /// Counts the 2x2 tables of every pair out of some conditions, where nothing is hidden:
    /// the nine cells of each `(i, j)` with `i < j`, in that order.
    pub fn pairs(&self, conditions: &[Prepared<'_>]) -> Result<Vec<Nine>, Stopped> {
        debug_assert!(!self.controlled, "hidden records are counted by cells");
        let count = conditions.len() * conditions.len().saturating_sub(1) / 2;
        self.over(
            || vec![Nine::default(); count],
            |nines, position, chunk| {
                let counted = self.population(position).exactly;
                let truths: Vec<Truths> = conditions
                    .iter()
                    .map(|one| one.of(position, chunk).within(&counted))
                    .collect();
                let pairs = truths
                    .iter()
                    .enumerate()
                    .flat_map(|(at, one)| truths[at + 1..].iter().map(move |other| (one, other)));
                let population = counted.count();
                let margins: Vec<(u64, u64)> =
                    truths.iter().map(|of| (of.yes.count(), of.no.count())).collect();
                let of_pairs =
                    (0..margins.len()).flat_map(|at| (at + 1..margins.len()).map(move |other| (at, other)));
                for ((nine, (one, other)), (a, b)) in nines.iter_mut().zip(pairs).zip(of_pairs) {
                    *nine += Nine::of_margins(population, one, margins[a], other, margins[b]);
                }
            },
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(mine, more)| *mine += more);
                a
            },
        )
    }

    /// Counts the cells of a layout.
    pub fn cells(&self, layout: &dyn Layout) -> Result<Vec<RawCell>, Stopped> {
        let shape = layout.shape();
        let raw = layout.groups() * shape.raw;
        let tallies = self.over(
            || Tallies::new(raw, self.controlled),
            |tallies, position, chunk| tallies.count(&self.population(position), layout, position, chunk),
            Tallies::join,
        )?;
        let mut published = vec![Published::default(); layout.groups() * shape.published];
        for (at, cell) in tallies.exact.iter().enumerate() {
            for into in shape.published_of(at) {
                published[into].exact += cell;
            }
        }
        for (at, cell) in tallies.hidden.iter().enumerate() {
            for into in shape.published_of(at) {
                published[into].hidden.add(*cell);
                published[into].contributors = published[into].contributors.merged(&tallies.contributors[at]);
            }
        }
        let largest = if self.controlled {
            self.largest(layout, &published)?
        } else {
            vec![0; published.len()]
        };
        Ok(published
            .iter()
            .zip(largest)
            .map(|(cell, largest)| RawCell {
                readable: cell.exact,
                hidden: cell.hidden.count.into(),
                key: cell.hidden.key.to_le_bytes()[0],
                organisations: cell.contributors.organisations(),
                largest,
            })
            .collect())
    }

    /// How many of each cell's hidden initiatives its only possible majority leads: the
    /// second pass, as the first gives a candidate and not yet its count. It is made for
    /// every cell alike, whatever is then shown of it.
    fn largest(&self, layout: &dyn Layout, published: &[Published]) -> Result<Vec<u64>, Stopped> {
        let shape = layout.shape();
        let candidates: Vec<u32> = published
            .iter()
            .map(|cell| cell.contributors.candidate())
            .collect();
        let counts = self.over(
            || vec![0_u32; published.len()],
            |counts, position, chunk| {
                let hidden = self.population(position).hidden;
                let leads = leads(chunk);
                let mut cells = CellsOfRows::default();
                layout.cells(position, chunk, &mut cells);
                hidden.each(|row| {
                    for cell in cells.of(row) {
                        for into in shape.published_of(*cell as usize) {
                            counts[into] += u32::from(candidates[into] == leads[row]);
                        }
                    }
                });
            },
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(mine, more)| *mine += more);
                a
            },
        )?;
        Ok(counts.into_iter().map(u64::from).collect())
    }
}

/// Every chunk of either snapshot, those that both share once.
fn jobs<'a>(live: &'a Snapshot, released: &'a Snapshot) -> Vec<Job<'a>> {
    let serials = |of: &Snapshot| {
        of.chunks
            .iter()
            .map(|chunk| chunk.serial)
            .collect::<HashSet<u64>>()
    };
    let (in_live, in_released) = (serials(live), serials(released));
    let of_live = live.chunks.iter().map(|chunk| Job {
        chunk,
        live: true,
        released: in_released.contains(&chunk.serial),
    });
    let of_released = released
        .chunks
        .iter()
        .filter(|chunk| !in_live.contains(&chunk.serial))
        .map(|chunk| Job {
            chunk,
            live: false,
            released: true,
        });
    of_live.chain(of_released).collect()
}

fn leads(chunk: &Chunk) -> Vec<u32> {
    let mut leads = vec![0; chunk.len()];
    chunk.leads.each(|row, number| {
        leads[row] = number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(u32::MAX);
    });
    leads
}

/// A count of hidden initiatives, with the sum of their keys (its low byte counts).
#[derive(Clone, Copy, Debug, Default)]
struct Hidden {
    count: u32,
    key: u32,
}

impl Hidden {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.key = self.key.wrapping_add(other.key);
    }
}

#[derive(Clone, Copy, Default)]
struct Published {
    exact: u64,
    hidden: Hidden,
    contributors: Contributors,
}

/// What one piece has counted.
struct Tallies {
    exact: Vec<u64>,
    hidden: Vec<Hidden>,
    contributors: Vec<Contributors>,
}

impl Tallies {
    fn new(cells: usize, controlled: bool) -> Self {
        let of_hidden = if controlled { cells } else { 0 };
        Self {
            exact: vec![0; cells],
            hidden: vec![Hidden::default(); of_hidden],
            contributors: vec![Contributors::default(); of_hidden],
        }
    }

    fn count(&mut self, population: &Population, layout: &dyn Layout, position: usize, chunk: &Chunk) {
        let mut cells = CellsOfRows::default();
        layout.cells(position, chunk, &mut cells);
        if let Some(one) = cells.one_each() {
            population.exactly.each(|row| {
                if one[row] != NO_CELL {
                    self.exact[one[row] as usize] += 1;
                }
            });
        } else {
            population.exactly.each(|row| {
                cells
                    .of(row)
                    .iter()
                    .for_each(|cell| self.exact[*cell as usize] += 1);
            });
        }
        if self.hidden.is_empty() {
            return;
        }
        let (leads, keys) = (leads(chunk), chunk.keys());
        population.hidden.each(|row| {
            for cell in cells.of(row) {
                let cell = *cell as usize;
                self.hidden[cell].count += 1;
                self.hidden[cell].key = self.hidden[cell].key.wrapping_add(keys[row].into());
                self.contributors[cell].add(leads[row]);
            }
        });
    }

    fn join(mut self, other: Self) -> Self {
        self.exact
            .iter_mut()
            .zip(other.exact)
            .for_each(|(mine, more)| *mine += more);
        self.hidden
            .iter_mut()
            .zip(other.hidden)
            .for_each(|(mine, more)| mine.add(more));
        for (mine, more) in self.contributors.iter_mut().zip(&other.contributors) {
            *mine = mine.merged(more);
        }
        self
    }
}
