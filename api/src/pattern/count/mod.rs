//! Counting: how many initiatives fall into which cells, told apart into those that
//! the reader may read whole, which are counted exactly, and the hidden ones, of which
//! what [disclosure control](super::disclosure) needs is gathered too.
//!
//! Chunks are counted side by side; nothing in here is shown to anybody before
//! disclosure control has seen it.

pub mod cells;
pub mod contributors;
pub mod nine;
mod pairs;
mod sets;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use rayon::prelude::*;
use wayin_entity::Dimension;

use self::cells::{CellsOfRows, Layout};
use self::contributors::Contributors;
use self::nine::Nine;
use super::dimension::Domain;
use super::disclosure::noise::Noise;
use super::evaluate::Prepared;
use super::index::{Bits, Chunk, Snapshot};
use super::kept::Kept;
use super::question::Viewpoint;
use super::run::{Run, Stopped};
use crate::auth::visibility::Audience;
use crate::condition::InitiativeCondition;

/// What a question is answered from: the newest snapshot, and those that hidden records
/// are counted by.
#[derive(Clone, Copy)]
pub struct Base<'a> {
    /// The newest.
    pub live: &'a Snapshot,
    /// For each audience, the one that the records hidden from it are counted by.
    pub released: [&'a Snapshot; Audience::ALL.len()],
    /// What was worked out before.
    pub kept: &'a Kept,
    /// How protected counts are moved.
    pub noise: &'a Noise,
    /// Whether to go on.
    pub run: &'a Run,
}

impl<'a> Base<'a> {
    /// The snapshot that hidden records are counted by; where nothing is controlled none are.
    pub fn hidden_from(&self, viewpoint: Viewpoint) -> &'a Snapshot {
        match viewpoint.reader.audience() {
            Some(audience) if viewpoint.is_controlled() => self.released[audience as usize],
            _ => self.live,
        }
    }
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
    hidden_from: &'a Snapshot,
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
        let hidden_from = base.hidden_from(viewpoint);
        let jobs = if controlled {
            jobs(base.live, hidden_from)
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
            hidden_from,
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

    /// The snapshot that hidden records are counted by.
    pub fn hidden_from(&self) -> &'a Snapshot {
        self.hidden_from
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
                published[into].hidden.add(cell.hidden);
                published[into].contributors = published[into].contributors.merged(&cell.contributors);
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
        // For each counted cell: its group's first published cell, and its place in the group. The
        // published cells of a group lie side by side, as every initiative is looked for in several.
        let group: Vec<(u32, u32)> = (0..layout.groups() * shape.raw)
            .map(|cell| (cell / shape.raw * shape.published, cell % shape.raw))
            .map(|(first, place)| {
                (
                    u32::try_from(first).unwrap_or(u32::MAX),
                    u32::try_from(place).unwrap_or(0),
                )
            })
            .collect();
        let looked_for: Vec<(u32, u32)> = published
            .iter()
            .map(|cell| (cell.contributors.candidate(), 0))
            .collect();
        let found = self.over(
            || looked_for.clone(),
            |found, position, chunk| {
                let mut cells = CellsOfRows::default();
                layout.cells(position, chunk, &mut cells);
                cells.each(&self.population(position).hidden, |row, cell| {
                    let (first, place) = group[cell];
                    let of_group = &mut found[first as usize..first as usize + shape.published];
                    for part in shape.parts(place as usize) {
                        let (candidate, count) = &mut of_group[usize::from(*part)];
                        *count += u32::from(*candidate == chunk.leads[row]);
                    }
                });
            },
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(mine, more)| mine.1 += more.1);
                a
            },
        )?;
        Ok(found.into_iter().map(|(_, count)| count.into()).collect())
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
    hidden: Vec<HiddenCell>,
}

#[derive(Clone, Copy, Default)]
struct HiddenCell {
    hidden: Hidden,
    contributors: Contributors,
}

impl Tallies {
    fn new(cells: usize, controlled: bool) -> Self {
        Self {
            exact: vec![0; cells],
            hidden: vec![HiddenCell::default(); if controlled { cells } else { 0 }],
        }
    }

    fn count(&mut self, population: &Population, layout: &dyn Layout, position: usize, chunk: &Chunk) {
        let mut cells = CellsOfRows::default();
        layout.cells(position, chunk, &mut cells);
        cells.each(&population.exactly, |_, cell| self.exact[cell] += 1);
        if self.hidden.is_empty() {
            return;
        }
        let (leads, keys) = (&chunk.leads, chunk.keys());
        cells.each(&population.hidden, |row, cell| {
            let cell = &mut self.hidden[cell];
            cell.hidden.add(Hidden {
                count: 1,
                key: keys[row].into(),
            });
            cell.contributors.add(leads[row]);
        });
    }

    fn join(mut self, other: Self) -> Self {
        self.exact
            .iter_mut()
            .zip(other.exact)
            .for_each(|(mine, more)| *mine += more);
        for (mine, more) in self.hidden.iter_mut().zip(&other.hidden) {
            mine.hidden.add(more.hidden);
            mine.contributors = mine.contributors.merged(&more.contributors);
        }
        self
    }
}
