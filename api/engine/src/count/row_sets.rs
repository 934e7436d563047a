//! Cells that are given as sets of rows: few of them, each counted by whole words.

use rayon::prelude::*;

use super::super::cancellation::Cancelled;
use super::super::index::{Bitmap, Chunk};
use super::bit_sliced_sum::CountAndKeySum;
use super::dominance::{DistinctOrganisations, MIN_ORGANISATIONS, MajorityCandidate};
use super::{PopulationCounter, RawCell};

/// How many of the hidden initiatives the organisation leads that leads most of them.
pub(super) fn count_largest_lead<'a>(hidden: impl Iterator<Item = (&'a Chunk, &'a Bitmap)>) -> u64 {
    let mut led: Vec<u32> = Vec::new();
    for (chunk, hidden) in hidden {
        hidden.for_each(|row| {
            let lead = chunk.leads[row] as usize;
            if lead >= led.len() {
                led.resize(lead + 1, 0);
            }
            led[lead] += 1;
        });
    }
    led.into_iter().max().unwrap_or(0).into()
}

/// Who leads the hidden initiatives of a cell: how many organisations, and how many
/// initiatives the one that leads more than half. Where there are so many that no organisation
/// of the population could lead too many of them, nobody is looked for: that follows from how
/// many there are. `leads` shows the lead of each of them.
pub(super) fn count_leads(
    count: u64,
    most_of_one: u64,
    leads: impl FnOnce(&mut dyn FnMut(u32)),
) -> (u8, u64) {
    if count > most_of_one * u64::from(MIN_ORGANISATIONS) {
        return (MIN_ORGANISATIONS, 0);
    }
    let (mut majority, mut distinct) = (MajorityCandidate::default(), DistinctOrganisations::default());
    let mut all = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    leads(&mut |lead| {
        majority.add(lead);
        distinct.add(lead);
        all.push(lead);
    });
    let largest = all
        .into_iter()
        .filter(|lead| *lead == majority.candidate())
        .count();
    (distinct.organisation_count(), largest as u64)
}

/// What one chunk has of each set.
struct ChunkSets<'a> {
    chunk: &'a Chunk,
    readable: Vec<u64>,
    hidden: Bitmap,
    hidden_sets: Vec<Bitmap>,
    sums: Vec<CountAndKeySum>,
}

impl PopulationCounter<'_> {
    /// Counts cells that are given as sets of the rows of a chunk at a position: always as many.
    pub fn count_row_sets(
        &self,
        sets_of: impl Fn(usize, &Chunk) -> Vec<Bitmap> + Sync,
    ) -> Result<Vec<RawCell>, Cancelled> {
        let of_chunks: Vec<ChunkSets<'_>> = self
            .tasks
            .par_iter()
            .enumerate()
            .map(|(position, job)| {
                self.base.cancellation.check()?;
                let population = self.compute_population(position);
                let sets = sets_of(position, job.chunk);
                let readable = sets
                    .iter()
                    .map(|set| set.intersection(&population.visible).count())
                    .collect();
                let hidden_sets: Vec<Bitmap> = if self.controlled {
                    sets.iter()
                        .map(|set| set.intersection(&population.hidden))
                        .collect()
                } else {
                    Vec::new()
                };
                let sums = hidden_sets
                    .iter()
                    .map(|set| CountAndKeySum::from_bitmaps(std::iter::once((job.chunk, set))));
                Ok(ChunkSets {
                    chunk: job.chunk,
                    readable,
                    sums: sums.collect(),
                    hidden: population.hidden,
                    hidden_sets,
                })
            })
            .collect::<Result<_, Cancelled>>()?;
        let count = match (of_chunks.first(), self.base.newest.chunks.is_empty()) {
            (Some(of), _) => of.readable.len(),
            (None, _) => sets_of(0, &Chunk::pack(&[])).len(),
        };
        let most_of_one = count_largest_lead(of_chunks.iter().map(|of| (of.chunk, &of.hidden)));
        (0..count)
            .into_par_iter()
            .map(|set| {
                self.base.cancellation.check()?;
                let readable = of_chunks.iter().map(|of| of.readable[set]).sum();
                if !self.controlled {
                    return Ok(RawCell {
                        visible: readable,
                        ..RawCell::default()
                    });
                }
                let sums = of_chunks
                    .iter()
                    .map(|of| of.sums[set])
                    .fold(CountAndKeySum::default(), CountAndKeySum::add);
                let (organisations, largest) = count_leads(sums.count, most_of_one, |see| {
                    for of in &of_chunks {
                        of.hidden_sets[set].for_each(|row| see(of.chunk.leads[row]));
                    }
                });
                Ok(RawCell {
                    visible: readable,
                    hidden: sums.count,
                    key: sums.key.0,
                    organisations,
                    largest_lead_count: largest,
                })
            })
            .collect()
    }
}
