//! The index: the published initiatives in memory, as immutable snapshots. Readers hold a snapshot without a lock. A
//! change repacks the chunks that it affects, and shares the rest with the snapshot before.

pub mod bitmap;
pub mod chunk;
pub mod column;
pub mod dictionary;

pub mod code_bitmaps;
pub mod missing_column;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::bitmap::{Bitmap, TruthBitmaps};
pub(crate) use self::chunk::from_day_number;
pub use self::chunk::{
    CHUNK_ROWS, Chunk, IndexedFundingTerm, IndexedInitiative, PerspectiveEntryPoints, to_day_number,
};
pub use self::code_bitmaps::{CodeBitmaps, CodeSet};
pub use self::column::{Column, MAX_COMPARED_VALUES};
pub use self::dictionary::{
    IndexedOrganisation, IndexedPlace, OrganisationDictionary, PlaceDictionary, StoredPlace,
};
pub use self::missing_column::{IndexedField, MissingColumn};

/// The newest change that an answer includes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsOf {
    /// The number of the change; 0 before the first.
    pub change_number: i64,
    /// When the change was made (UTC); none before the first.
    pub changed_at: Option<DateTime<Utc>>,
}

/// The index at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The initiatives in the order of their ids. No chunk is empty.
    pub chunks: Vec<Arc<Chunk>>,
    /// The places.
    pub places: Arc<PlaceDictionary>,
    /// The organisations.
    pub organisations: Arc<OrganisationDictionary>,
    /// The newest change that it includes.
    pub as_of: AsOf,
    /// The change at which places or organisations were last read. It invalidates cached results.
    pub dictionary_version: i64,
}

impl Snapshot {
    /// The number of initiatives.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// Whether there are no initiatives.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The position of the chunk of an initiative, and its row; none if it is not published.
    pub fn find_row(&self, id: Uuid) -> Option<(usize, usize)> {
        let next = self.chunks.partition_point(|chunk| chunk.ids()[0] <= id);
        let position = next.checked_sub(1)?;
        let row = self.chunks.get(position)?.ids().binary_search(&id).ok()?;
        Some((position, row))
    }

    /// The approximate size of the initiatives in bytes.
    pub fn size_in_bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.size_in_bytes()).sum()
    }

    /// Inserts or replaces initiatives, and removes others.
    pub fn apply(&mut self, mut upserted: Vec<IndexedInitiative>, mut removed: Vec<Uuid>) {
        upserted.sort_unstable_by_key(|row| row.id);
        removed.sort_unstable();
        let (mut upserted, mut removed) = (upserted.into_iter().peekable(), removed.into_iter().peekable());
        let mut chunks = Vec::with_capacity(self.chunks.len() + upserted.len().div_ceil(CHUNK_ROWS));
        let old = std::mem::take(&mut self.chunks);
        for (index, chunk) in old.iter().enumerate() {
            // The ids of a chunk reach to the first id of the next one.
            let next = old.get(index + 1).map(|next| next.ids()[0]);
            let is_in_chunk = |id: Uuid| next.is_none_or(|next| id < next);
            let upserted: Vec<_> =
                std::iter::from_fn(|| upserted.next_if(|row| is_in_chunk(row.id))).collect();
            let removed: Vec<_> = std::iter::from_fn(|| removed.next_if(|id| is_in_chunk(*id))).collect();
            if upserted.is_empty() && removed.is_empty() {
                chunks.push(Arc::clone(chunk));
                continue;
            }
            let mut rows = chunk.unpack();
            rows.retain(|row| {
                upserted.binary_search_by_key(&row.id, |new| new.id).is_err()
                    && removed.binary_search(&row.id).is_err()
            });
            rows.extend(upserted);
            rows.sort_unstable_by_key(|row| row.id);
            push_chunks(&mut chunks, &rows);
        }
        push_chunks(&mut chunks, &upserted.collect::<Vec<_>>());
        self.chunks = chunks;
    }
}

fn push_chunks(chunks: &mut Vec<Arc<Chunk>>, rows: &[IndexedInitiative]) {
    chunks.extend(rows.chunks(CHUNK_ROWS).map(|rows| Arc::new(Chunk::pack(rows))));
}
