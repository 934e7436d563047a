//! Counting: how many initiatives are in each cell. Visible initiatives are counted exactly. Hidden ones are counted
//! together with what [disclosure control](super::disclosure) needs.
//!
//! Chunks are counted in parallel. Raw counts must pass disclosure control before anybody sees them.

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
pub(crate) use self::pairwise::list_pairs;
use super::cancellation::{CancellationToken, Cancelled};
use super::dimension::Domain;
use super::disclosure::cell_key::PerturbationTable;
use super::evaluate::PreparedPredicate;
use super::index::{Bitmap, Chunk, Snapshot};
use super::predicate_cache::TruthCache;
use super::query::Viewpoint;
use crate::predicate::InitiativePredicate;
use crate::visibility::VisiblePart;

/// What a query is answered from.
#[derive(Clone, Copy)]
pub struct EvaluationContext<'a> {
    /// The newest snapshot.
    pub newest: &'a Snapshot,
    /// For each audience, the snapshot from which the records hidden from it are counted.
    pub staged: [&'a Snapshot; 2],
    /// Cached results of predicates.
    pub truth_cache: &'a TruthCache,
    /// The noise for hidden counts.
    pub noise: &'a PerturbationTable,
    /// Cancels the computation.
    pub cancellation: &'a CancellationToken,
}

impl<'a> EvaluationContext<'a> {
    /// The snapshot from which hidden records are counted. Without disclosure control none are hidden.
    fn staged_for(&self, viewpoint: Viewpoint) -> &'a Snapshot {
        match viewpoint.reader.audience() {
            Some(audience) if viewpoint.is_controlled() => self.staged[audience as usize],
            _ => self.newest,
        }
    }
}

/// The counts of one cell before disclosure control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawCell {
    /// The number of visible initiatives, or of all if none are hidden.
    pub visible: u64,
    /// The number of hidden initiatives.
    pub hidden: u64,
    /// The sum of the keys of the hidden initiatives, modulo 256.
    pub key: u8,
    /// How many organisations lead the hidden initiatives; 5 means 5 or more.
    pub organisations: u8,
    /// How many hidden initiatives are led by the organisation that leads more than half of them; 0 if there is none.
    pub largest_lead_count: u64,
}

/// A chunk to count.
struct ChunkTask<'a> {
    chunk: &'a Chunk,
    /// The chunk is in the newest snapshot, so its visible initiatives count.
    count_visible: bool,
    /// The chunk is in the staged snapshot, so its hidden initiatives count.
    count_hidden: bool,
}

/// Counts the initiatives of a population.
pub struct PopulationCounter<'a> {
    context: EvaluationContext<'a>,
    viewpoint: Viewpoint,
    tasks: Vec<ChunkTask<'a>>,
    controlled: bool,
    staged: &'a Snapshot,
    among: PreparedPredicate<'a>,
    /// None if everything is visible.
    visible: Option<PreparedPredicate<'static>>,
}

/// The initiatives of one chunk that count.
struct ChunkPopulation {
    visible: Bitmap,
    hidden: Bitmap,
}

impl<'a> PopulationCounter<'a> {
    /// A counter of the initiatives for which `among` is TRUE.
    pub fn new(context: EvaluationContext<'a>, viewpoint: Viewpoint, among: &'a InitiativePredicate) -> Self {
        let controlled = viewpoint.is_controlled();
        let staged = context.staged_for(viewpoint);
        let tasks = list_tasks(context.newest, staged, controlled);
        let visible = (!viewpoint.can_view_all()).then(|| {
            PreparedPredicate::visible_to(
                viewpoint.reader,
                VisiblePart::Whole,
                context.newest,
                context.truth_cache,
                tasks.len(),
            )
        });
        Self {
            among: PreparedPredicate::new(among, context.newest, context.truth_cache, tasks.len()),
            visible,
            tasks,
            controlled,
            staged,
            context,
            viewpoint,
        }
    }

    /// Prepares a predicate for the chunks to count.
    pub fn prepare(&self, predicate: &'a InitiativePredicate) -> PreparedPredicate<'a> {
        PreparedPredicate::new(
            predicate,
            self.context.newest,
            self.context.truth_cache,
            self.tasks.len(),
        )
    }

    /// The domain of a dimension, with the organisations of visible records only.
    pub fn domain(&self, dimension: Dimension) -> Domain {
        // The first tasks are the chunks of the newest snapshot, in order.
        let visible_rows = |position: usize, chunk: &Chunk| match &self.visible {
            Some(visible) => visible.evaluate(position, chunk).true_rows.clone(),
            None => Bitmap::full(chunk.len()),
        };
        Domain::new(dimension, self.context.newest, &visible_rows, self.controlled)
    }

    /// Caches the results of these predicates and of the population.
    pub fn cache_results(&self, prepared: &[&PreparedPredicate<'_>]) {
        let chunks: Vec<&Chunk> = self.tasks.iter().map(|task| task.chunk).collect();
        let own = std::iter::once(&self.among).chain(&self.visible);
        for predicate in prepared.iter().copied().chain(own) {
            predicate.cache_results(&chunks, self.context.truth_cache);
        }
    }

    /// What the query is answered from.
    pub fn context(&self) -> &EvaluationContext<'a> {
        &self.context
    }

    /// Who asks, over which records.
    pub fn viewpoint(&self) -> Viewpoint {
        self.viewpoint
    }

    /// Whether disclosure control applies.
    pub fn is_controlled(&self) -> bool {
        self.controlled
    }

    /// Whether any record, in the population or not, has a missing reason.
    pub fn has_missing_reasons(&self) -> bool {
        let has_reason = |chunk: &Chunk| !(chunk.missing.is_empty() && chunk.missing_in_terms.is_empty());
        self.tasks.iter().any(|task| has_reason(task.chunk))
    }

    /// The snapshot from which hidden records are counted.
    pub fn staged_snapshot(&self) -> &'a Snapshot {
        self.staged
    }

    fn compute_population(&self, position: usize) -> ChunkPopulation {
        let task = &self.tasks[position];
        let row_count = task.chunk.len();
        let among = &self.among.evaluate(position, task.chunk).true_rows;
        let Some(visible) = &self.visible else {
            return ChunkPopulation {
                visible: among.clone(),
                hidden: Bitmap::empty(row_count),
            };
        };
        let visible = visible.evaluate(position, task.chunk);
        let select = |counts: bool, rows: &Bitmap| {
            if counts {
                among.intersection(rows)
            } else {
                Bitmap::empty(row_count)
            }
        };
        ChunkPopulation {
            visible: select(task.count_visible, &visible.true_rows),
            hidden: select(task.count_hidden, &visible.false_rows),
        }
    }

    /// Maps every chunk to a value, in parallel.
    fn map_chunks<'s, T: Send>(
        &'s self,
        map: impl Fn(usize, &'s Chunk) -> T + Sync,
    ) -> Result<Vec<T>, Cancelled> {
        let tasks = self.tasks.par_iter().enumerate();
        tasks
            .map(|(position, task)| {
                self.context.cancellation.check()?;
                Ok(map(position, task.chunk))
            })
            .collect()
    }

    /// Folds the chunks in parallel, in one piece for each thread, and joins the results.
    fn map_reduce_chunks<T: Send>(
        &self,
        start: impl Fn() -> T + Sync,
        count: impl Fn(&mut T, usize, &Chunk) + Sync,
        join: impl Fn(T, T) -> T,
    ) -> Result<T, Cancelled> {
        let pieces = rayon::current_num_threads().clamp(1, self.tasks.len().max(1));
        let size = self.tasks.len().div_ceil(pieces).max(1);
        let count_piece = |(piece, tasks): (usize, &[ChunkTask<'_>])| {
            let mut counts = start();
            for (offset, task) in tasks.iter().enumerate() {
                self.context.cancellation.check()?;
                count(&mut counts, piece * size + offset, task.chunk);
            }
            Ok(counts)
        };
        let pieces = self.tasks.par_chunks(size).enumerate().map(count_piece);
        let counts: Vec<T> = pieces.collect::<Result<_, Cancelled>>()?;
        Ok(counts.into_iter().reduce(join).unwrap_or_else(start))
    }

    /// Counts the nine combinations of two predicates, and the illustrative records. Only without disclosure control.
    pub fn count_3x3(
        &self,
        when: &PreparedPredicate<'_>,
        then: &PreparedPredicate<'_>,
    ) -> Result<(Counts3x3, u64), Cancelled> {
        debug_assert!(!self.controlled, "hidden records are counted by cells");
        self.map_reduce_chunks(
            || (Counts3x3::default(), 0),
            |(counts, illustrative), position, chunk| {
                let population = self.compute_population(position).visible;
                *counts += Counts3x3::count(
                    &when.evaluate(position, chunk),
                    &then.evaluate(position, chunk),
                    &population,
                );
                *illustrative += population.intersection(&chunk.illustrative).count();
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
        let cell_count = layout.block_count() * shape.raw_cell_count();
        let tallies = self.map_reduce_chunks(
            || ChunkTallies::new(cell_count, self.controlled),
            |tallies, position, chunk| {
                tallies.count(&self.compute_population(position), layout, position, chunk);
            },
            ChunkTallies::merge,
        )?;
        let mut published =
            vec![PublishedCell::default(); layout.block_count() * shape.published_cell_count()];
        for (raw, count) in tallies.visible.iter().enumerate() {
            for cell in shape.published_cells_of(raw) {
                published[cell].visible += count;
            }
        }
        for (raw, (hidden, distinct)) in tallies.hidden.iter().zip(&tallies.distinct).enumerate() {
            for cell in shape.published_cells_of(raw) {
                let cell = &mut published[cell];
                cell.hidden = cell.hidden.merge(*hidden);
                cell.distinct = cell.distinct.merge(distinct);
            }
        }
        let largest = if self.controlled {
            self.count_largest_leads(layout, &published)?
        } else {
            vec![0; published.len()]
        };
        let cells = published
            .iter()
            .zip(largest)
            .map(|(cell, largest_lead_count)| RawCell {
                visible: cell.visible,
                hidden: cell.hidden.count.into(),
                key: cell.hidden.key.0,
                organisations: cell.distinct.organisation_count(),
                largest_lead_count,
            });
        Ok(cells.collect())
    }

    /// How many hidden initiatives of each cell the majority candidate leads. This is a second pass, because the first
    /// finds only the candidate. It runs for every cell, whatever is disclosed, so that its time reveals nothing.
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

    /// Compares each initiative with the candidates of all published cells of its block, instead of only the cells
    /// that it is part of: a fixed number of comparisons needs no branches, which would be unpredictable.
    fn count_largest_leads_in_blocks<const RAW: usize, const PUBLISHED: usize>(
        &self,
        layout: &dyn Layout,
        published: &[PublishedCell],
    ) -> Result<Vec<u64>, Cancelled> {
        let mut is_part = [[0_u32; PUBLISHED]; RAW];
        for (flags, cells) in is_part
            .iter_mut()
            .zip(layout.shape().published_cells_by_raw_cell())
        {
            cells.iter().for_each(|cell| flags[usize::from(*cell)] = 1);
        }
        let (blocks, _) = published.as_chunks::<PUBLISHED>();
        let candidate = |cell: &PublishedCell| cell.hidden.majority.candidate();
        let candidates: Vec<[u32; PUBLISHED]> = blocks
            .iter()
            .map(|block| block.each_ref().map(candidate))
            .collect();
        let counts = self.map_reduce_chunks(
            || vec![[0_u32; PUBLISHED]; candidates.len()],
            |counts, position, chunk| {
                let mut cells = RowCells::default();
                layout.write_cells(position, chunk, &mut cells);
                cells.for_each(&self.compute_population(position).hidden, |row, cell| {
                    let (block, raw) = (cell / RAW, cell % RAW);
                    let lead = chunk.leads[row];
                    let of_block = counts[block].iter_mut().zip(&candidates[block]);
                    for ((count, candidate), is_part) in of_block.zip(&is_part[raw]) {
                        *count += is_part & u32::from(*candidate == lead);
                    }
                });
            },
            |mut a, b| {
                let sums = a.as_flattened_mut().iter_mut();
                sums.zip(b.as_flattened()).for_each(|(sum, more)| *sum += more);
                a
            },
        )?;
        Ok(counts
            .as_flattened()
            .iter()
            .map(|count| (*count).into())
            .collect())
    }
}

/// The chunks of the newest snapshot and, under disclosure control, those that only the staged snapshot has.
fn list_tasks<'a>(newest: &'a Snapshot, staged: &'a Snapshot, controlled: bool) -> Vec<ChunkTask<'a>> {
    let serials =
        |snapshot: &Snapshot| -> HashSet<u64> { snapshot.chunks.iter().map(|chunk| chunk.serial).collect() };
    let in_staged = if controlled {
        serials(staged)
    } else {
        HashSet::new()
    };
    let in_newest = if controlled {
        serials(newest)
    } else {
        HashSet::new()
    };
    let newest = newest.chunks.iter().map(|chunk| ChunkTask {
        chunk,
        count_visible: true,
        count_hidden: in_staged.contains(&chunk.serial),
    });
    let only_staged = staged
        .chunks
        .iter()
        .filter(|chunk| controlled && !in_newest.contains(&chunk.serial));
    let only_staged = only_staged.map(|chunk| ChunkTask {
        chunk,
        count_visible: false,
        count_hidden: true,
    });
    newest.chain(only_staged).collect()
}

/// The hidden initiatives of a cell, in few bytes: there are many cells, and access to them is random.
#[derive(Clone, Copy, Debug, Default)]
struct HiddenCell {
    count: u32,
    key: Wrapping<u8>,
    /// [`MIN_ORGANISATIONS`] were found, so the search for more has ended.
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

/// The counts of one piece of the chunks.
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
        cells.for_each(&population.hidden, |row, index| {
            let cell = &mut self.hidden[index];
            cell.count += 1;
            cell.key += keys[row];
            cell.majority.add(leads[row]);
            if !cell.is_saturated {
                let distinct = &mut self.distinct[index];
                distinct.add(leads[row]);
                cell.is_saturated = distinct.organisation_count() == MIN_ORGANISATIONS;
            }
        });
    }

    fn merge(mut self, other: Self) -> Self {
        self.visible
            .iter_mut()
            .zip(other.visible)
            .for_each(|(sum, more)| *sum += more);
        self.hidden
            .iter_mut()
            .zip(other.hidden)
            .for_each(|(sum, more)| *sum = sum.merge(more));
        self.distinct
            .iter_mut()
            .zip(&other.distinct)
            .for_each(|(sum, more)| *sum = sum.merge(more));
        self
    }
}
