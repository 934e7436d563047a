//! Counts cells that are given as bitmaps.

use super::bit_sliced_sum::CountAndKeySum;
use super::{PopulationCounter, RawCell};
use crate::cancellation::Cancelled;
use crate::index::{Bitmap, Chunk};

impl PopulationCounter<'_> {
    /// Counts cells that are sets of rows. `list_sets` returns the `set_count` sets of the chunk at a position.
    pub fn count_row_sets(
        &self,
        set_count: usize,
        list_sets: impl Fn(usize, &Chunk) -> Vec<Bitmap> + Sync,
    ) -> Result<Vec<RawCell>, Cancelled> {
        let chunks = self.map_chunks(|position, chunk| {
            let visible_population = self.find_visible_population(position);
            let hidden_population = self.find_hidden_population(position);
            let sets = list_sets(position, chunk);
            let count_set = |set: &Bitmap| {
                let visible = set.intersection(&visible_population).count();
                let hidden = if self.is_controlled() {
                    CountAndKeySum::of_intersection(chunk, set, &hidden_population)
                } else {
                    CountAndKeySum::default()
                };
                (visible, hidden)
            };
            sets.iter().map(count_set).collect::<Vec<_>>()
        })?;
        let count_cell = |set: usize| {
            let sums = chunks.iter().map(|counts| counts[set]);
            let (visible, hidden) = sums.fold((0, CountAndKeySum::default()), |sum, of_chunk| {
                (sum.0 + of_chunk.0, sum.1 + of_chunk.1)
            });
            RawCell {
                visible,
                hidden: hidden.count(),
                key: hidden.key(),
            }
        };
        Ok((0..set_count).map(count_cell).collect())
    }
}
