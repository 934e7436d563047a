//! Counts cells that are given as bitmaps.

use rayon::prelude::*;

use super::bit_sliced_sum::CountAndKeySum;
use super::dominance::{DistinctOrganisations, MIN_ORGANISATIONS, MajorityCandidate};
use super::{PopulationCounter, RawCell};
use crate::cancellation::Cancelled;
use crate::index::{Bitmap, Chunk};

/// The number of hidden initiatives that the organisation with the most of them leads.
pub(super) fn count_largest_lead<'a>(hidden: impl Iterator<Item = (&'a Chunk, &'a Bitmap)>) -> u64 {
    let mut counts: Vec<u32> = Vec::new();
    for (chunk, hidden) in hidden {
        hidden.for_each(|row| {
            let lead = chunk.leads[row] as usize;
            if lead >= counts.len() {
                counts.resize(lead + 1, 0);
            }
            counts[lead] += 1;
        });
    }
    counts.into_iter().max().unwrap_or(0).into()
}

/// How many organisations lead the hidden initiatives of a cell, and how many initiatives the organisation leads that
/// leads more than half of them.
///
/// `count` is the size of the cell, and `largest_lead` the most that one organisation leads in the whole population.
/// If they show that no organisation can lead too many, the leads are not visited. `for_each_lead` visits the lead of
/// each initiative.
pub(super) fn count_leads(
    count: u64,
    largest_lead: u64,
    for_each_lead: impl FnOnce(&mut dyn FnMut(u32)),
) -> (u8, u64) {
    if count > largest_lead * u64::from(MIN_ORGANISATIONS) {
        return (MIN_ORGANISATIONS, 0);
    }
    let (mut majority, mut distinct) = (MajorityCandidate::default(), DistinctOrganisations::default());
    let mut leads = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    for_each_lead(&mut |lead| {
        majority.add(lead);
        distinct.add(lead);
        leads.push(lead);
    });
    let largest = leads
        .into_iter()
        .filter(|lead| *lead == majority.candidate())
        .count();
    (distinct.organisation_count(), largest as u64)
}

/// The counts of one chunk, by set.
struct ChunkSets<'a> {
    chunk: &'a Chunk,
    visible: Vec<u64>,
    hidden: Bitmap,
    hidden_sets: Vec<Bitmap>,
    sums: Vec<CountAndKeySum>,
}

impl PopulationCounter<'_> {
    /// Counts cells that are sets of rows. `list_sets` returns the sets of the chunk at a position, always the same
    /// number of them.
    pub fn count_row_sets(
        &self,
        list_sets: impl Fn(usize, &Chunk) -> Vec<Bitmap> + Sync,
    ) -> Result<Vec<RawCell>, Cancelled> {
        let chunks = self.map_chunks(|position, chunk| {
            let population = self.compute_population(position);
            let sets = list_sets(position, chunk);
            let hidden = sets.iter().filter(|_| self.controlled);
            let hidden_sets: Vec<Bitmap> = hidden.map(|set| set.intersection(&population.hidden)).collect();
            let sums = hidden_sets
                .iter()
                .map(|set| CountAndKeySum::from_bitmaps([(chunk, set)].into_iter()));
            ChunkSets {
                chunk,
                visible: sets
                    .iter()
                    .map(|set| set.intersection(&population.visible).count())
                    .collect(),
                sums: sums.collect(),
                hidden: population.hidden,
                hidden_sets,
            }
        })?;
        let set_count = match chunks.first() {
            Some(chunk) => chunk.visible.len(),
            None => list_sets(0, &Chunk::pack(&[])).len(),
        };
        let largest_lead = count_largest_lead(chunks.iter().map(|of| (of.chunk, &of.hidden)));
        let count_cell = |set: usize| {
            self.context.cancellation.check()?;
            let mut cell = RawCell {
                visible: chunks.iter().map(|of| of.visible[set]).sum(),
                ..RawCell::default()
            };
            if self.controlled {
                let sums = chunks
                    .iter()
                    .map(|of| of.sums[set])
                    .fold(CountAndKeySum::default(), CountAndKeySum::add);
                cell.hidden = sums.count;
                cell.key = sums.key.0;
                (cell.organisations, cell.largest_lead_count) =
                    count_leads(sums.count, largest_lead, |visit| {
                        for of in &chunks {
                            of.hidden_sets[set].for_each(|row| visit(of.chunk.leads[row]));
                        }
                    });
            }
            Ok(cell)
        };
        (0..set_count).into_par_iter().map(count_cell).collect()
    }
}
