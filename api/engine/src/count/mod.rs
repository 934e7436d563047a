//! Counting: how many initiatives fall into which cells, told apart into those that
//! the reader may read whole, which are counted exactly, and the hidden ones, of which
//! what [disclosure control](super::disclosure) needs is gathered too.
//!
//! Chunks are counted side by side; nothing in here is shown to anybody before
//! disclosure control has seen it.

mod bit_sliced_sum;
pub mod contingency;
pub mod dominance;
pub mod layout;
mod pairwise;
mod row_sets;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::num::Wrapping;

use rayon::prelude::*;
use wayin_vocabulary::Dimension;

use self::contingency::Nine;
use self::dominance::{Distinct, ENOUGH, Majority};
use self::layout::{CellsOfRows, Layout, Shape};
use super::cancellation::{Run, Stopped};
use super::dimension::Domain;
use super::disclosure::cell_key::Noise;
use super::evaluate::Prepared;
use super::index::{Bits, Chunk, Snapshot};
use super::query::Viewpoint;
use super::truth_cache::Kept;
use crate::predicate::InitiativeCondition;

/// What a question is answered from: the newest snapshot, and those that hidden records
/// are counted by.
#[derive(Clone, Copy)]
pub struct Base<'a> {
    /// The newest.
    pub live: &'a Snapshot,
    /// For each audience, the one that the records hidden from it are counted by.
    pub released: [&'a Snapshot; 2],
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

    /// Whether any record at all, of the population or not, says why an answer of it is missing.
    pub fn any_says_why(&self) -> bool {
        let says_why = |chunk: &Chunk| !(chunk.missing.is_empty() && chunk.terms_missing.is_empty());
        self.jobs.iter().any(|job| says_why(job.chunk))
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
        let raw = layout.groups() * shape.raw();
        let tallies = self.over(
            || Tallies::new(raw, self.controlled),
            |tallies, position, chunk| tallies.count(&self.population(position), layout, position, chunk),
            Tallies::join,
        )?;
        let mut published = vec![Published::default(); layout.groups() * shape.published()];
        for (at, cell) in tallies.exact.iter().enumerate() {
            for into in shape.published_of(at) {
                published[into].exact += cell;
            }
        }
        for (at, (hidden, distinct)) in tallies.hidden.iter().zip(&tallies.distinct).enumerate() {
            for into in shape.published_of(at) {
                let cell = &mut published[into];
                cell.hidden = cell.hidden.merged(*hidden);
                cell.distinct = cell.distinct.merged(distinct);
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
                key: cell.hidden.key.0,
                organisations: cell.distinct.organisations(),
                largest,
            })
            .collect())
    }

    /// How many of each cell's hidden initiatives its only possible majority leads: the
    /// second pass, as the first gives a candidate and not yet its count. It is made for
    /// every cell alike, whatever is then shown of it.
    fn largest(&self, layout: &dyn Layout, published: &[Published]) -> Result<Vec<u64>, Stopped> {
        match layout.shape() {
            Shape::Plain => self.largest_of_groups::<1, 1>(layout, published),
            Shape::Marked => self.largest_of_groups::<2, 2>(layout, published),
            Shape::Nine => self.largest_of_groups::<9, 8>(layout, published),
        }
    }

    /// An initiative is held against the candidates of all published cells of its group at once,
    /// rather than of each that it is part of in turn: as many for each, so that there is no
    /// branch that could not be foretold.
    fn largest_of_groups<const RAW: usize, const PUBLISHED: usize>(
        &self,
        layout: &dyn Layout,
        published: &[Published],
    ) -> Result<Vec<u64>, Stopped> {
        let mut is_part = [[0_u32; PUBLISHED]; RAW];
        for (of, parts) in is_part.iter_mut().zip(layout.shape().part_of()) {
            parts.iter().for_each(|part| of[usize::from(*part)] = 1);
        }
        let candidates: Vec<[u32; PUBLISHED]> = published
            .as_chunks::<PUBLISHED>()
            .0
            .iter()
            .map(|group| group.each_ref().map(|cell| cell.hidden.majority.candidate()))
            .collect();
        let found = self.over(
            || vec![[0_u32; PUBLISHED]; candidates.len()],
            |found, position, chunk| {
                let mut cells = CellsOfRows::default();
                layout.cells(position, chunk, &mut cells);
                cells.each(&self.population(position).hidden, |row, cell| {
                    let (group, place) = (cell / RAW, cell % RAW);
                    let lead = chunk.leads[row];
                    let of_group = found[group].iter_mut().zip(&candidates[group]);
                    for ((count, candidate), is_part) in of_group.zip(&is_part[place]) {
                        *count += is_part & u32::from(*candidate == lead);
                    }
                });
            },
            |mut a, b| {
                let all = a.as_flattened_mut().iter_mut();
                all.zip(b.as_flattened()).for_each(|(mine, more)| *mine += more);
                a
            },
        )?;
        Ok(found
            .as_flattened()
            .iter()
            .map(|count| u64::from(*count))
            .collect())
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

/// The hidden initiatives of a cell, in few bytes, as cells are many and looked up at random.
#[derive(Clone, Copy, Debug, Default)]
struct HiddenCell {
    count: u32,
    key: Wrapping<u8>,
    /// Enough organisations were seen; who they are need not be looked up any more.
    enough: bool,
    majority: Majority,
}

impl HiddenCell {
    #[must_use]
    fn merged(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            key: self.key + other.key,
            enough: self.enough || other.enough,
            majority: self.majority.merged(other.majority),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Published {
    exact: u64,
    hidden: HiddenCell,
    distinct: Distinct,
}

/// What one piece has counted.
struct Tallies {
    exact: Vec<u64>,
    hidden: Vec<HiddenCell>,
    distinct: Vec<Distinct>,
}

impl Tallies {
    fn new(cells: usize, controlled: bool) -> Self {
        let hidden = if controlled { cells } else { 0 };
        Self {
            exact: vec![0; cells],
            hidden: vec![HiddenCell::default(); hidden],
            distinct: vec![Distinct::default(); hidden],
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
        cells.each(&population.hidden, |row, at| {
            let cell = &mut self.hidden[at];
            cell.count += 1;
            cell.key += keys[row];
            cell.majority.add(leads[row]);
            if !cell.enough {
                let distinct = &mut self.distinct[at];
                distinct.add(leads[row]);
                cell.enough = distinct.organisations() == ENOUGH;
            }
        });
    }

    fn join(mut self, other: Self) -> Self {
        self.exact
            .iter_mut()
            .zip(other.exact)
            .for_each(|(mine, more)| *mine += more);
        for (mine, more) in self.hidden.iter_mut().zip(&other.hidden) {
            *mine = mine.merged(*more);
        }
        for (mine, more) in self.distinct.iter_mut().zip(&other.distinct) {
            *mine = mine.merged(more);
        }
        self
    }
}
