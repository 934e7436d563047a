//! The index: what the base publishes, in memory, in snapshots that never change.
//! Readers hold one without a lock; a change packs the chunks that it touches anew
//! and shares the rest.

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
pub use self::chunk::{
    CHUNK_ROWS, Chunk, IndexedFundingTerm, IndexedInitiative, PerspectiveEntryPoints, to_day_number,
};
pub use self::code_bitmaps::CodeBitmaps;
pub use self::column::Column;
pub use self::dictionary::{
    IndexedOrganisation, IndexedPlace, OrganisationDictionary, PlaceDictionary, StoredPlace,
};
pub use self::missing_column::{IndexedField, MissingColumn};

/// How far an answer has read the change log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsOf {
    /// The number of the newest change that it has seen; 0 before the first.
    pub change_number: i64,
    /// When that change was made (UTC); none before the first.
    pub changed_at: Option<DateTime<Utc>>,
}

/// The base at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The initiatives, in chunks that are in the order of their ids and none empty.
    pub chunks: Vec<Arc<Chunk>>,
    /// The places.
    pub places: Arc<PlaceDictionary>,
    /// The organisations.
    pub organisations: Arc<OrganisationDictionary>,
    /// How far it has read the change log.
    pub as_of: AsOf,
    /// The change that places or organisations were last read at, so that what was
    /// worked out from older ones can be told.
    pub dictionary_version: i64,
}

impl Snapshot {
    /// How many initiatives it holds.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// What is known of an initiative; none where it is not published.
    pub fn find_row(&self, id: Uuid) -> Option<IndexedInitiative> {
        let next = self.chunks.partition_point(|chunk| chunk.ids()[0] <= id);
        let chunk = self.chunks.get(next.checked_sub(1)?)?;
        chunk
            .ids()
            .binary_search(&id)
            .ok()
            .map(|row| chunk.unpack_row(row))
    }

    /// Whether any of its initiatives was made up to show how Wayin works.
    pub fn has_illustrative(&self) -> bool {
        self.chunks
            .iter()
            .any(|chunk| chunk.illustrative.words().iter().any(|word| *word != 0))
    }

    /// How many bytes the initiatives take, about.
    pub fn size_in_bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.size_in_bytes()).sum()
    }

    /// Puts rows in the place of what was known of them, and takes `gone` out.
    pub fn apply(&mut self, mut rows: Vec<IndexedInitiative>, mut gone: Vec<Uuid>) {
        rows.sort_unstable_by_key(|row| row.id);
        gone.sort_unstable();
        let (mut rows, mut gone) = (rows.into_iter().peekable(), gone.into_iter().peekable());
        let mut chunks = Vec::with_capacity(self.chunks.len() + rows.len().div_ceil(CHUNK_ROWS));
        let old = std::mem::take(&mut self.chunks);
        for (index, chunk) in old.iter().enumerate() {
            // A chunk's share reaches to where the next chunk begins.
            let next = old.get(index + 1).map(|next| next.ids()[0]);
            let ours = |id: Uuid| next.is_none_or(|next| id < next);
            let put: Vec<IndexedInitiative> =
                std::iter::from_fn(|| rows.next_if(|row| ours(row.id))).collect();
            let taken: Vec<Uuid> = std::iter::from_fn(|| gone.next_if(|id| ours(*id))).collect();
            if put.is_empty() && taken.is_empty() {
                chunks.push(Arc::clone(chunk));
                continue;
            }
            push_chunks(&mut chunks, &merge_rows(chunk.unpack(), put, &taken));
        }
        push_chunks(&mut chunks, &rows.collect::<Vec<_>>());
        self.chunks = chunks;
    }
}

fn merge_rows(
    old: Vec<IndexedInitiative>,
    put: Vec<IndexedInitiative>,
    taken: &[Uuid],
) -> Vec<IndexedInitiative> {
    let replaced =
        |id: Uuid| put.binary_search_by_key(&id, |row| row.id).is_ok() || taken.binary_search(&id).is_ok();
    let mut rows: Vec<IndexedInitiative> = old.into_iter().filter(|row| !replaced(row.id)).collect();
    rows.extend(put);
    rows.sort_unstable_by_key(|row| row.id);
    rows
}

fn push_chunks(chunks: &mut Vec<Arc<Chunk>>, rows: &[IndexedInitiative]) {
    chunks.extend(rows.chunks(CHUNK_ROWS).map(|rows| Arc::new(Chunk::pack(rows))));
}
