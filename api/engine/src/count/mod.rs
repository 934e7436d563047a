//! Counting: how many initiatives are in each cell. Visible initiatives are counted exactly. Hidden ones are counted
//! together with what [disclosure control](super::disclosure) needs, as their [classes](super::disclosure::classes) decide.
//!
//! Chunks are counted in parallel. Raw counts must pass disclosure control before anybody sees them.

mod bit_sliced_sum;
pub mod contingency;
mod hidden_rows;
pub mod layout;
mod pairwise;
mod row_sets;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use wayin_vocabulary::{Dimension, Perspective};

use self::bit_sliced_sum::CountAndKeySum;
use self::contingency::Counts3x3;
use self::hidden_rows::{DecisionBase, HiddenDecisions, QuestionParts};
use self::layout::{Layout, RowCells};
pub(crate) use self::pairwise::list_pairs;
use super::cancellation::{CancellationToken, Cancelled};
use super::dimension::Domain;
use super::disclosure::cell_key::PerturbationTable;
use super::disclosure::classes::HiddenClasses;
use super::evaluate::PreparedPredicate;
use super::index::{Bitmap, Chunk, Snapshot, TruthBitmaps};
use super::predicate_cache::TruthCache;
use super::query::Viewpoint;
use crate::predicate::InitiativePredicate;
use crate::visibility::VisiblePart;

/// What a query is answered from.
#[derive(Clone, Copy)]
pub struct EvaluationContext<'a> {
    /// The newest snapshot.
    pub newest: &'a Snapshot,
    /// For each audience, the classes of the records hidden from it.
    pub classes: [&'a HiddenClasses; 2],
    /// Cached results of predicates.
    pub truth_cache: &'a TruthCache,
    /// The noise for hidden counts.
    pub noise: &'a PerturbationTable,
    /// Cancels the computation.
    pub cancellation: &'a CancellationToken,
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
}

/// Counts the initiatives of a population.
pub struct PopulationCounter<'a> {
    base: Arc<CounterBase<'a>>,
    /// How the question is decided for hidden records; none until [`decide`](Self::decide), and without control.
    decisions: Option<HiddenDecisions<'a>>,
}

/// What every question to a counter shares.
struct CounterBase<'a> {
    context: EvaluationContext<'a>,
    viewpoint: Viewpoint,
    among: PreparedPredicate<'a>,
    /// None if everything is visible.
    visible: Option<PreparedPredicate<'static>>,
    /// The classes of the hidden records; none without disclosure control.
    classes: Option<&'a HiddenClasses>,
    /// The number of the chunks of the newest records. After them come hidden records as they are counted.
    base_chunk_count: usize,
    /// For each chunk, the rows that are hidden from the reader and in a class.
    hidden: Box<[OnceLock<Bitmap>]>,
}

impl<'a> PopulationCounter<'a> {
    /// A counter of the initiatives for which `among` is TRUE. Under disclosure control, call [`decide`](Self::decide)
    /// with all that a question tests before anything is counted.
    pub fn new(context: EvaluationContext<'a>, viewpoint: Viewpoint, among: &'a InitiativePredicate) -> Self {
        let audience = viewpoint.reader.audience().filter(|_| viewpoint.is_controlled());
        let classes = audience.map(|audience| context.classes[audience as usize]);
        let base_chunk_count = context.newest.chunks.len();
        let context = EvaluationContext {
            newest: classes.map_or(context.newest, HiddenClasses::counted),
            ..context
        };
        let chunk_count = context.newest.chunks.len();
        let visible = (!viewpoint.can_view_all()).then(|| {
            PreparedPredicate::visible_to(
                viewpoint.reader,
                VisiblePart::Whole,
                context.newest,
                context.truth_cache,
                chunk_count,
            )
        });
        let base = CounterBase {
            among: PreparedPredicate::new(among, context.newest, context.truth_cache, chunk_count),
            visible,
            classes,
            base_chunk_count,
            hidden: std::iter::repeat_with(OnceLock::new).take(chunk_count).collect(),
            context,
            viewpoint,
        };
        Self {
            base: Arc::new(base),
            decisions: None,
        }
    }

    /// Prepares a predicate for the chunks to count.
    pub fn prepare(&self, predicate: &'a InitiativePredicate) -> PreparedPredicate<'a> {
        let context = self.context();
        PreparedPredicate::new(
            predicate,
            context.newest,
            context.truth_cache,
            context.newest.chunks.len(),
        )
    }

    /// A counter that has decided for hidden records what a question tests and groups by, together with the population.
    /// Everything that is counted with it must be among these.
    pub fn decide(
        &self,
        predicates: &[&PreparedPredicate<'_>],
        domains: &[&Domain],
    ) -> Result<Self, Cancelled> {
        self.decide_parts(predicates, domains, None)
    }

    /// A counter that has decided for hidden records which ways in and later entry points one perspective took, together
    /// with the population.
    pub fn decide_flows(&self, perspective: Perspective) -> Result<Self, Cancelled> {
        self.decide_parts(&[], &[], Some(perspective))
    }

    fn decide_parts(
        &self,
        predicates: &[&PreparedPredicate<'_>],
        domains: &[&Domain],
        flows: Option<Perspective>,
    ) -> Result<Self, Cancelled> {
        let context = self.context();
        let predicates: Vec<&PreparedPredicate<'_>> =
            predicates.iter().copied().chain([&self.base.among]).collect();
        let parts = QuestionParts {
            predicates: &predicates,
            domains,
            flows,
        };
        let decide = |classes| {
            let base = DecisionBase {
                snapshot: context.newest,
                classes,
                cancellation: context.cancellation,
            };
            base.decide(parts)
        };
        Ok(Self {
            base: Arc::clone(&self.base),
            decisions: self.base.classes.map(decide).transpose()?,
        })
    }

    /// The domain of a dimension, with the organisations of visible records only.
    pub fn domain(&self, dimension: Dimension) -> Domain {
        let visible_rows = |position: usize, _: &Chunk| self.find_visible_rows(position).into_owned();
        Domain::new(dimension, self.context().newest, &visible_rows)
    }

    /// Caches the results of these predicates and of the population.
    pub fn cache_results(&self, prepared: &[&PreparedPredicate<'_>]) {
        let context = self.context();
        // Frozen records are few, and other questions do not need them.
        let newest = &context.newest.chunks[..self.base.base_chunk_count];
        let chunks: Vec<&Chunk> = newest.iter().map(|chunk| &**chunk).collect();
        let own = std::iter::once(&self.base.among).chain(&self.base.visible);
        for predicate in prepared.iter().copied().chain(own) {
            predicate.cache_results(&chunks, context.truth_cache);
        }
    }

    /// What the query is answered from.
    pub fn context(&self) -> &EvaluationContext<'a> {
        &self.base.context
    }

    /// Who asks, over which records.
    pub fn viewpoint(&self) -> Viewpoint {
        self.base.viewpoint
    }

    /// Whether disclosure control applies.
    pub fn is_controlled(&self) -> bool {
        self.base.classes.is_some()
    }

    /// The classes of the hidden records; none without disclosure control.
    pub fn classes(&self) -> Option<&'a HiddenClasses> {
        self.base.classes
    }

    /// Whether any record, in the population or not, has a missing reason.
    pub fn has_missing_reasons(&self) -> bool {
        let has_reason = |chunk: &Chunk| !(chunk.missing.is_empty() && chunk.missing_in_terms.is_empty());
        self.context().newest.chunks.iter().any(|chunk| has_reason(chunk))
    }

    /// Whether any record that is counted, in the population or not, is illustrative.
    pub fn has_illustrative(&self) -> bool {
        let is_visible = |(position, chunk): (usize, &Arc<Chunk>)| {
            !chunk.illustrative.is_empty()
                && !chunk
                    .illustrative
                    .intersection(&self.find_visible_rows(position))
                    .is_empty()
        };
        self.base.classes.is_some_and(HiddenClasses::has_illustrative)
            || self.context().newest.chunks.iter().enumerate().any(is_visible)
    }

    /// The rows of the chunk at a position that are hidden from the reader and in a class.
    pub fn find_hidden_rows(&self, position: usize) -> &Bitmap {
        self.base.hidden[position].get_or_init(|| {
            let chunk = &self.context().newest.chunks[position];
            match (&self.base.visible, self.base.classes) {
                (Some(visible), Some(classes)) => {
                    let invisible = &visible.evaluate(position, chunk).false_rows;
                    classes.find_classed_rows(position).intersection(invisible)
                }
                _ => Bitmap::empty(chunk.len()),
            }
        })
    }

    /// Evaluates a predicate for every initiative of the chunk at a position, as it is decided for hidden ones.
    pub fn evaluate<'p>(
        &'p self,
        predicate: &'p PreparedPredicate<'_>,
        position: usize,
    ) -> Cow<'p, TruthBitmaps> {
        let truths = predicate.evaluate(position, &self.context().newest.chunks[position]);
        if !self.decides(predicate) {
            return truths;
        }
        let decided = self.evaluate_hidden(predicate, position);
        Cow::Owned(truths.replace(self.find_hidden_rows(position), &decided))
    }

    /// Whether the values of a predicate for hidden initiatives are not simply its own.
    fn decides(&self, predicate: &PreparedPredicate<'_>) -> bool {
        let mut decides = false;
        if let Some(decisions) = &self.decisions {
            predicate.for_each_test(&mut |test| decides |= decisions.decides(test));
        }
        decides
    }

    /// Evaluates a predicate for the hidden initiatives of the chunk at a position. The values of other initiatives are not
    /// specified.
    fn evaluate_hidden<'p>(
        &'p self,
        predicate: &'p PreparedPredicate<'_>,
        position: usize,
    ) -> Cow<'p, TruthBitmaps> {
        let chunk = &self.context().newest.chunks[position];
        match &self.decisions {
            Some(decisions) => predicate.evaluate_with(chunk.len(), &|test| {
                decisions.evaluate_test(test, position, chunk)
            }),
            None => predicate.evaluate(position, chunk),
        }
    }

    /// Writes the groups of each row of the chunk at a position, as they are decided for hidden initiatives.
    pub fn write_groups(&self, domain: &Domain, position: usize, into: &mut RowCells) {
        domain.groups_of_rows(&self.context().newest.chunks[position], into);
        if let Some(decisions) = &self.decisions {
            decisions.decide_groups(domain, into, position, self.find_hidden_rows(position));
        }
    }

    /// Removes the cells of hidden initiatives whose protected answers are left out.
    pub fn clear_left_out(&self, cells: &mut RowCells, position: usize) {
        if let Some(decisions) = &self.decisions {
            decisions.clear_left_out(cells, position, self.find_hidden_rows(position));
        }
    }

    /// The rows of the chunk at a position in each group, as they are decided for hidden initiatives.
    pub fn group_bitmaps(&self, domain: &Domain, position: usize) -> Vec<Bitmap> {
        let chunk = &self.context().newest.chunks[position];
        if self.decisions.is_none() {
            return domain.group_bitmaps(chunk);
        }
        let mut sets = vec![Bitmap::empty(chunk.len()); domain.groups().len()];
        let mut groups = RowCells::default();
        self.write_groups(domain, position, &mut groups);
        groups.for_each(&Bitmap::full(chunk.len()), |row, group| sets[group].insert(row));
        sets
    }

    /// The rows of the chunk at a position that the reader can see. Records that are counted as they were are not among
    /// them.
    fn find_visible_rows(&self, position: usize) -> Cow<'_, Bitmap> {
        let chunk = &self.context().newest.chunks[position];
        if position >= self.base.base_chunk_count {
            return Cow::Owned(Bitmap::empty(chunk.len()));
        }
        match &self.base.visible {
            Some(visible) => get_true_rows(visible.evaluate(position, chunk)),
            None => Cow::Owned(Bitmap::full(chunk.len())),
        }
    }

    /// The visible initiatives of the chunk at a position that count.
    fn find_visible_population(&self, position: usize) -> Cow<'_, Bitmap> {
        let visible = self.find_visible_rows(position);
        if self.base.among.is_always_true() {
            return visible;
        }
        let among = self
            .base
            .among
            .evaluate(position, &self.context().newest.chunks[position]);
        Cow::Owned(among.true_rows.intersection(&visible))
    }

    /// The hidden initiatives of the chunk at a position that count.
    fn find_hidden_population(&self, position: usize) -> Cow<'_, Bitmap> {
        debug_assert!(
            self.decisions.is_some() || !self.is_controlled(),
            "the question is decided for hidden records"
        );
        let hidden = self.find_hidden_rows(position);
        if self.decisions.is_none() {
            return Cow::Owned(Bitmap::empty(self.context().newest.chunks[position].len()));
        }
        if self.base.among.is_always_true() {
            return Cow::Borrowed(hidden);
        }
        let among = self.evaluate_hidden(&self.base.among, position);
        Cow::Owned(among.true_rows.intersection(hidden))
    }

    /// Maps every chunk to a value, in parallel.
    fn map_chunks<'s, T: Send>(
        &'s self,
        map: impl Fn(usize, &'s Chunk) -> T + Sync,
    ) -> Result<Vec<T>, Cancelled> {
        let chunks = self.context().newest.chunks.par_iter().enumerate();
        chunks
            .map(|(position, chunk)| {
                self.context().cancellation.check()?;
                Ok(map(position, chunk))
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
        let chunks = &self.context().newest.chunks;
        let pieces = rayon::current_num_threads().clamp(1, chunks.len().max(1));
        let size = chunks.len().div_ceil(pieces).max(1);
        let count_piece = |(piece, chunks): (usize, &[Arc<Chunk>])| {
            let mut counts = start();
            for (offset, chunk) in chunks.iter().enumerate() {
                self.context().cancellation.check()?;
                count(&mut counts, piece * size + offset, chunk);
            }
            Ok(counts)
        };
        let pieces = chunks.par_chunks(size).enumerate().map(count_piece);
        let counts: Vec<T> = pieces.collect::<Result<_, Cancelled>>()?;
        Ok(counts.into_iter().reduce(join).unwrap_or_else(start))
    }

    /// Counts the nine combinations of two predicates, and the illustrative records. Only without disclosure control.
    pub fn count_3x3(
        &self,
        when: &PreparedPredicate<'_>,
        then: &PreparedPredicate<'_>,
    ) -> Result<(Counts3x3, u64), Cancelled> {
        debug_assert!(!self.is_controlled(), "hidden records are counted by cells");
        self.map_reduce_chunks(
            || (Counts3x3::default(), 0),
            |(counts, illustrative), position, chunk| {
                let population = self.find_visible_population(position);
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
            || ChunkTallies::new(cell_count, self.is_controlled()),
            |tallies, position, chunk| {
                let mut cells = RowCells::default();
                layout.write_cells(self, position, &mut cells);
                tallies.count_visible(&self.find_visible_population(position), &cells);
                if self.is_controlled() {
                    tallies.count_hidden(&self.find_hidden_population(position), &cells, chunk);
                }
            },
            ChunkTallies::merge,
        )?;
        let mut published = vec![RawCell::default(); layout.block_count() * shape.published_cell_count()];
        for (raw, count) in tallies.visible.iter().enumerate() {
            for cell in shape.published_cells_of(raw) {
                published[cell].visible += count;
            }
        }
        for (raw, hidden) in tallies.hidden.iter().enumerate() {
            for cell in shape.published_cells_of(raw) {
                published[cell].hidden += hidden.count();
                published[cell].key = published[cell].key.wrapping_add(hidden.key());
            }
        }
        Ok(published)
    }
}

/// The rows for which a predicate is TRUE.
fn get_true_rows(truths: Cow<'_, TruthBitmaps>) -> Cow<'_, Bitmap> {
    match truths {
        Cow::Borrowed(truths) => Cow::Borrowed(&truths.true_rows),
        Cow::Owned(truths) => Cow::Owned(truths.true_rows),
    }
}

/// The counts of one piece of the chunks.
struct ChunkTallies {
    visible: Vec<u64>,
    hidden: Vec<CountAndKeySum>,
}

impl ChunkTallies {
    fn new(cells: usize, controlled: bool) -> Self {
        Self {
            visible: vec![0; cells],
            hidden: vec![CountAndKeySum::default(); if controlled { cells } else { 0 }],
        }
    }

    fn count_visible(&mut self, population: &Bitmap, cells: &RowCells) {
        cells.for_each(population, |_, cell| self.visible[cell] += 1);
    }

    fn count_hidden(&mut self, population: &Bitmap, cells: &RowCells, chunk: &Chunk) {
        let keys = chunk.cell_keys();
        cells.for_each(population, |row, cell| {
            self.hidden[cell] += CountAndKeySum::of_row(keys[row]);
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
            .for_each(|(sum, more)| *sum += more);
        self
    }
}
