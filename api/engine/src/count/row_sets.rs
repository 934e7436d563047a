//! Cells that are given as sets of rows: few of them, each counted by whole words.

use rayon::prelude::*;

use super::super::cancellation::Stopped;
use super::super::index::{Bits, Chunk};
use super::bit_sliced_sum::Sums;
use super::dominance::{Distinct, ENOUGH, Majority};
use super::{Counting, RawCell};

/// How many of the hidden initiatives the organisation leads that leads most of them.
pub(super) fn most_of_one<'a>(hidden: impl Iterator<Item = (&'a Chunk, &'a Bits)>) -> u64 {
    let mut led: Vec<u32> = Vec::new();
    for (chunk, hidden) in hidden {
        hidden.each(|row| {
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
pub(super) fn led_by(count: u64, most_of_one: u64, leads: impl FnOnce(&mut dyn FnMut(u32))) -> (u8, u64) {
    if count > most_of_one * u64::from(ENOUGH) {
        return (ENOUGH, 0);
    }
    let (mut majority, mut distinct) = (Majority::default(), Distinct::default());
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
    (distinct.organisations(), largest as u64)
}

/// What one chunk has of each set.
struct OfChunk<'a> {
    chunk: &'a Chunk,
    readable: Vec<u64>,
    hidden: Bits,
    hidden_sets: Vec<Bits>,
    sums: Vec<Sums>,
}

impl Counting<'_> {
    /// Counts cells that are given as sets of the rows of a chunk at a position: always as many.
    pub fn sets(&self, sets_of: impl Fn(usize, &Chunk) -> Vec<Bits> + Sync) -> Result<Vec<RawCell>, Stopped> {
        let of_chunks: Vec<OfChunk<'_>> = self
            .jobs
            .par_iter()
            .enumerate()
            .map(|(position, job)| {
                self.base.run.check()?;
                let population = self.population(position);
                let sets = sets_of(position, job.chunk);
                let readable = sets
                    .iter()
                    .map(|set| set.and(&population.exactly).count())
                    .collect();
                let hidden_sets: Vec<Bits> = if self.controlled {
                    sets.iter().map(|set| set.and(&population.hidden)).collect()
                } else {
                    Vec::new()
                };
                let sums = hidden_sets
                    .iter()
                    .map(|set| Sums::of(std::iter::once((job.chunk, set))));
                Ok(OfChunk {
                    chunk: job.chunk,
                    readable,
                    sums: sums.collect(),
                    hidden: population.hidden,
                    hidden_sets,
                })
            })
            .collect::<Result<_, Stopped>>()?;
        let count = match (of_chunks.first(), self.base.live.chunks.is_empty()) {
            (Some(of), _) => of.readable.len(),
            (None, _) => sets_of(0, &Chunk::pack(&[])).len(),
        };
        let most_of_one = most_of_one(of_chunks.iter().map(|of| (of.chunk, &of.hidden)));
        (0..count)
            .into_par_iter()
            .map(|set| {
                self.base.run.check()?;
                let readable = of_chunks.iter().map(|of| of.readable[set]).sum();
                if !self.controlled {
                    return Ok(RawCell {
                        readable,
                        ..RawCell::default()
                    });
                }
                let sums = of_chunks
                    .iter()
                    .map(|of| of.sums[set])
                    .fold(Sums::default(), Sums::plus);
                let (organisations, largest) = led_by(sums.count, most_of_one, |see| {
                    for of in &of_chunks {
                        of.hidden_sets[set].each(|row| see(of.chunk.leads[row]));
                    }
                });
                Ok(RawCell {
                    readable,
                    hidden: sums.count,
                    key: sums.key.0,
                    organisations,
                    largest,
                })
            })
            .collect()
    }
}
