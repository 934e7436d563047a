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

use self::contingency::Counts3x3;
use self::dominance::{DistinctOrganisations, MIN_ORGANISATIONS, MajorityCandidate};
use self::layout::{BlockShape, Layout, RowCells};
use super::cancellation::{CancellationToken, Cancelled};
use super::dimension::Domain;
use super::disclosure::cell_key::PerturbationTable;
use super::evaluate::PreparedPredicate;
use super::index::{Bitmap, Chunk, Snapshot};
use super::query::Viewpoint;
use super::truth_cache::TruthCache;
use crate::predicate::InitiativePredicate;

/// What a question is answered from: the newest snapshot, and those that hidden records
/// are counted by.
#[derive(Clone, Copy)]
pub struct EvaluationContext<'a> {
    /// The newest.
    pub newest: &'a Snapshot,
    /// For each audience, the one that the records hidden from it are counted by.
    pub staged: [&'a Snapshot; 2],
    /// What was worked out before.
    pub truth_cache: &'a TruthCache,
    /// How protected counts are moved.
    pub noise: &'a PerturbationTable,
    /// Whether to go on.
    pub cancellation: &'a CancellationToken,
}

impl<'a> EvaluationContext<'a> {
    /// The snapshot that hidden records are counted by; where nothing is controlled none are.
    pub fn staged_for(&self, viewpoint: Viewpoint) -> &'a Snapshot {
        match viewpoint.reader.audience() {
            Some(audience) if viewpoint.is_controlled() => self.staged[audience as usize],
            _ => self.newest,
        }
    }
}

/// What was counted of one cell, not to be shown as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawCell {
    /// How many that the reader may read whole, or all where nothing is hidden from them.
    pub visible: u64,
    /// How many hidden ones.
    pub hidden: u64,
    /// The sum of the hidden ones' keys, modulo 256.
    pub key: u8,
    /// How many organisations lead the hidden ones; 5 stands for 5 or more.
    pub organisations: u8,
    /// How many of the hidden ones the organisation leads that leads more than half of them; 0 where none does.
    pub largest_lead_count: u64,
}

/// A chunk that is counted, and which part of it.
struct ChunkTask<'a> {
    chunk: &'a Chunk,
    /// It stands in the newest snapshot: what is readable of it is counted.
    count_visible: bool,
    /// It stands in the released snapshot: what is hidden of it is counted.
    count_hidden: bool,
}

/// Counts the initiatives of a population.
pub struct PopulationCounter<'a> {
    base: EvaluationContext<'a>,
    tasks: Vec<ChunkTask<'a>>,
    controlled: bool,
    staged: &'a Snapshot,
    among: PreparedPredicate<'a>,
    visible: Option<PreparedPredicate<'static>>,
}

/// The initiatives of one chunk that are counted.
struct ChunkPopulation {
    visible: Bitmap,
    hidden: Bitmap,
}

impl<'a> PopulationCounter<'a> {
    /// Counts those of which `among` is TRUE, as one who asks may.
    pub fn new(base: EvaluationContext<'a>, viewpoint: Viewpoint, among: &'a InitiativePredicate) -> Self {
        let controlled = viewpoint.is_controlled();
        let hidden_from = base.staged_for(viewpoint);
        let jobs = if controlled {
            list_tasks(base.newest, hidden_from)
        } else {
            base.newest
                .chunks
                .iter()
                .map(|chunk| ChunkTask {
                    chunk,
                    count_visible: true,
                    count_hidden: false,
                })
                .collect()
        };
        let chunks = jobs.len();
        let readable = (!viewpoint.can_view_all())
            .then(|| PreparedPredicate::visible_to(viewpoint.reader, base.newest, base.truth_cache, chunks));
        Self {
            among: PreparedPredicate::new(among, base.newest, base.truth_cache, chunks),
            visible: readable,
            tasks: jobs,
            controlled,
            staged: hidden_from,
            base,
        }
    }

    /// Prepares a condition for the chunks that are counted.
    pub fn prepare(&self, condition: &'a InitiativePredicate) -> PreparedPredicate<'a> {
        PreparedPredicate::new(
            condition,
            self.base.newest,
            self.base.truth_cache,
            self.tasks.len(),
        )
    }

    /// The domain of a dimension, as one who asks may know it.
    pub fn domain(&self, dimension: Dimension) -> Domain {
        // The chunks of the newest snapshot are the first that are counted.
        let readable = |position: usize, chunk: &Chunk| match &self.visible {
            Some(readable) => readable.evaluate(position, chunk).true_rows.clone(),
            None => Bitmap::full(chunk.len()),
        };
        Domain::new(dimension, self.base.newest, &readable, self.controlled)
    }

    /// Keeps what was worked out of conditions that were prepared for this.
    pub fn cache_results(&self, prepared: &[&PreparedPredicate<'_>]) {
        let chunks: Vec<&Chunk> = self.tasks.iter().map(|job| job.chunk).collect();
        let own = std::iter::once(&self.among).chain(&self.visible);
        prepared
            .iter()
            .copied()
            .chain(own)
            .for_each(|one| one.cache_results(&chunks, self.base.truth_cache));
    }

    /// Whether what is counted has to go through disclosure control.
    pub fn is_controlled(&self) -> bool {
        self.controlled
    }

    /// Whether any record at all, of the population or not, says why an answer of it is missing.
    pub fn has_missing_reasons(&self) -> bool {
        let says_why = |chunk: &Chunk| !(chunk.missing.is_empty() && chunk.missing_in_terms.is_empty());
        self.tasks.iter().any(|job| says_why(job.chunk))
    }

    /// The snapshot that hidden records are counted by.
    pub fn staged_snapshot(&self) -> &'a Snapshot {
        self.staged
    }

    fn compute_population(&self, position: usize) -> ChunkPopulation {
        let job = &self.tasks[position];
        let rows = job.chunk.len();
        let asked = &self.among.evaluate(position, job.chunk).true_rows;
        let Some(readable) = &self.visible else {
            return ChunkPopulation {
                visible: asked.clone(),
                hidden: Bitmap::empty(rows),
            };
        };
        let readable = readable.evaluate(position, job.chunk);
        let part = |counted: bool, of: &Bitmap| {
            if counted {
                asked.intersection(of)
            } else {
                Bitmap::empty(rows)
            }
        };
        ChunkPopulation {
            visible: part(job.count_visible, &readable.true_rows),
            hidden: part(job.count_hidden, &readable.false_rows),
        }
    }

    /// Works on every chunk, in pieces side by side, and joins what came of them.
    fn map_reduce_chunks<T: Send>(
        &self,
        start: impl Fn() -> T + Sync,
        count: impl Fn(&mut T, usize, &Chunk) + Sync,
        join: impl Fn(T, T) -> T,
    ) -> Result<T, Cancelled> {
        let pieces = rayon::current_num_threads().clamp(1, self.tasks.len().max(1));
        let size = self.tasks.len().div_ceil(pieces).max(1);
        let counted: Vec<T> = self
            .tasks
            .par_chunks(size)
            .enumerate()
            .map(|(piece, jobs)| {
                let mut counts = start();
                for (at, job) in jobs.iter().enumerate() {
                    self.base.cancellation.check()?;
                    count(&mut counts, piece * size + at, job.chunk);
                }
                Ok(counts)
            })
            .collect::<Result<_, Cancelled>>()?;
        Ok(counted.into_iter().reduce(join).unwrap_or_else(start))
    }

    /// Counts the nine combinations of two conditions, and how many of all are
    /// illustrative, where nothing is hidden.
    pub fn count_3x3(
        &self,
        when: &PreparedPredicate<'_>,
        then: &PreparedPredicate<'_>,
    ) -> Result<(Counts3x3, u64), Cancelled> {
        debug_assert!(!self.controlled, "hidden records are counted by cells");
        self.map_reduce_chunks(
            || (Counts3x3::default(), 0),
            |(nine, illustrative), position, chunk| {
                let counted = self.compute_population(position).visible;
                *nine += Counts3x3::count(
                    &when.evaluate(position, chunk),
                    &then.evaluate(position, chunk),
                    &counted,
                );
                *illustrative += counted.intersection(&chunk.illustrative).count();
            },
            |mut a, b| {
                a.0 += b.0;
                (a.0, a.1 + b.1)
            },
        )
    }

    /// Counts the cells of a layout.
    pub fn count_layout(&self, layout: &dyn Layout) -> Result<Vec<RawCell>, Cancelled> {
        let shape = layout.shape();
        let raw = layout.block_count() * shape.raw_cell_count();
        let tallies = self.map_reduce_chunks(
            || ChunkTallies::new(raw, self.controlled),
            |tallies, position, chunk| {
                tallies.count(&self.compute_population(position), layout, position, chunk);
            },
            ChunkTallies::merge,
        )?;
        let mut published =
            vec![PublishedCell::default(); layout.block_count() * shape.published_cell_count()];
        for (at, cell) in tallies.visible.iter().enumerate() {
            for into in shape.published_cells_of(at) {
                published[into].visible += cell;
            }
        }
        for (at, (hidden, distinct)) in tallies.hidden.iter().zip(&tallies.distinct).enumerate() {
            for into in shape.published_cells_of(at) {
                let cell = &mut published[into];
                cell.hidden = cell.hidden.merge(*hidden);
                cell.distinct = cell.distinct.merge(distinct);
            }
        }
        let largest = if self.controlled {
            self.count_largest_leads(layout, &published)?
        } else {
            vec![0; published.len()]
        };
        Ok(published
            .iter()
            .zip(largest)
            .map(|(cell, largest)| RawCell {
                visible: cell.visible,
                hidden: cell.hidden.count.into(),
                key: cell.hidden.key.0,
                organisations: cell.distinct.organisation_count(),
                largest_lead_count: largest,
            })
            .collect())
    }

    /// How many of each cell's hidden initiatives its only possible majority leads: the
    /// second pass, as the first gives a candidate and not yet its count. It is made for
    /// every cell alike, whatever is then shown of it.
    fn count_largest_leads(
        &self,
        layout: &dyn Layout,
        published: &[PublishedCell],
    ) -> Result<Vec<u64>, Cancelled> {
        match layout.shape() {
            BlockShape::Plain => self.count_largest_leads_in_blocks::<1, 1>(layout, published),
            BlockShape::IllustrativeApart => self.count_largest_leads_in_blocks::<2, 2>(layout, published),
            BlockShape::Counts3x3 => self.count_largest_leads_in_blocks::<9, 8>(layout, published),
        }
    }

    /// An initiative is held against the candidates of all published cells of its group at once,
    /// rather than of each that it is part of in turn: as many for each, so that there is no
    /// branch that could not be foretold.
    fn count_largest_leads_in_blocks<const RAW: usize, const PUBLISHED: usize>(
        &self,
        layout: &dyn Layout,
        published: &[PublishedCell],
    ) -> Result<Vec<u64>, Cancelled> {
        let mut is_part = [[0_u32; PUBLISHED]; RAW];
        for (of, parts) in is_part
            .iter_mut()
            .zip(layout.shape().published_cells_by_raw_cell())
        {
            parts.iter().for_each(|part| of[usize::from(*part)] = 1);
        }
        let candidates: Vec<[u32; PUBLISHED]> = published
            .as_chunks::<PUBLISHED>()
            .0
            .iter()
            .map(|group| group.each_ref().map(|cell| cell.hidden.majority.candidate()))
            .collect();
        let found = self.map_reduce_chunks(
            || vec![[0_u32; PUBLISHED]; candidates.len()],
            |found, position, chunk| {
                let mut cells = RowCells::default();
                layout.write_cells(position, chunk, &mut cells);
                cells.for_each(&self.compute_population(position).hidden, |row, cell| {
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
fn list_tasks<'a>(live: &'a Snapshot, released: &'a Snapshot) -> Vec<ChunkTask<'a>> {
    let serials = |of: &Snapshot| {
        of.chunks
            .iter()
            .map(|chunk| chunk.serial)
            .collect::<HashSet<u64>>()
    };
    let (in_live, in_released) = (serials(live), serials(released));
    let of_live = live.chunks.iter().map(|chunk| ChunkTask {
        chunk,
        count_visible: true,
        count_hidden: in_released.contains(&chunk.serial),
    });
    let of_released = released
        .chunks
        .iter()
        .filter(|chunk| !in_live.contains(&chunk.serial))
        .map(|chunk| ChunkTask {
            chunk,
            count_visible: false,
            count_hidden: true,
        });
    of_live.chain(of_released).collect()
}

/// The hidden initiatives of a cell, in few bytes, as cells are many and looked up at random.
#[derive(Clone, Copy, Debug, Default)]
struct HiddenCell {
    count: u32,
    key: Wrapping<u8>,
    /// Enough organisations were seen; who they are need not be looked up any more.
    is_saturated: bool,
    majority: MajorityCandidate,
}

impl HiddenCell {
    #[must_use]
    fn merge(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            key: self.key + other.key,
            is_saturated: self.is_saturated || other.is_saturated,
            majority: self.majority.merge(other.majority),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct PublishedCell {
    visible: u64,
    hidden: HiddenCell,
    distinct: DistinctOrganisations,
}

/// What one piece has counted.
struct ChunkTallies {
    visible: Vec<u64>,
    hidden: Vec<HiddenCell>,
    distinct: Vec<DistinctOrganisations>,
}

impl ChunkTallies {
    fn new(cells: usize, controlled: bool) -> Self {
        let hidden = if controlled { cells } else { 0 };
        Self {
            visible: vec![0; cells],
            hidden: vec![HiddenCell::default(); hidden],
            distinct: vec![DistinctOrganisations::default(); hidden],
        }
    }

    fn count(&mut self, population: &ChunkPopulation, layout: &dyn Layout, position: usize, chunk: &Chunk) {
        let mut cells = RowCells::default();
        layout.write_cells(position, chunk, &mut cells);
        cells.for_each(&population.visible, |_, cell| self.visible[cell] += 1);
        if self.hidden.is_empty() {
            return;
        }
        let (leads, keys) = (&chunk.leads, chunk.cell_keys());
        cells.for_each(&population.hidden, |row, at| {
            let cell = &mut self.hidden[at];
            cell.count += 1;
            cell.key += keys[row];
            cell.majority.add(leads[row]);
            if !cell.is_saturated {
                let distinct = &mut self.distinct[at];
                distinct.add(leads[row]);
                cell.is_saturated = distinct.organisation_count() == MIN_ORGANISATIONS;
            }
        });
    }

    fn merge(mut self, other: Self) -> Self {
        self.visible
            .iter_mut()
            .zip(other.visible)
            .for_each(|(mine, more)| *mine += more);
        for (mine, more) in self.hidden.iter_mut().zip(&other.hidden) {
            *mine = mine.merge(*more);
        }
        for (mine, more) in self.distinct.iter_mut().zip(&other.distinct) {
            *mine = mine.merge(more);
        }
        self
    }
}
