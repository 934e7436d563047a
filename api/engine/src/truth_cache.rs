//! What was worked out of single tests, kept by (test, chunk) for the next who asks:
//! a chunk never changes, so what holds of it holds for as long as it is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::index::TruthBitmaps;
use crate::predicate::InitiativeTest;
use crate::visibility::Reader;

/// Something that is worked out of every initiative.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CacheKey {
    /// Whether a test holds.
    Test(InitiativeTest),
    /// Whether a reader may read it whole.
    VisibleTo(Reader),
}

/// What was worked out, by the chunks' serial numbers.
#[derive(Debug, Default)]
pub struct CacheEntry {
    /// The change at which the dictionaries that it was worked out from were read; 0 where it needs none.
    pub dictionary_version: i64,
    /// Chunk by chunk.
    pub chunks: HashMap<u64, Arc<TruthBitmaps>>,
}

impl CacheEntry {
    fn size_in_bytes(&self) -> usize {
        // Two sets each, with their headers and what the map itself takes.
        let chunk = |truths: &Arc<TruthBitmaps>| {
            2 * size_of_val(truths.true_rows.words()) + size_of::<TruthBitmaps>() + 64
        };
        self.chunks.values().map(chunk).sum()
    }
}

/// Keeps the latest of what was worked out, up to a number of bytes.
pub struct TruthCache {
    max_bytes: usize,
    inner: Mutex<CacheState>,
}

struct CacheState {
    entries: LruCache<CacheKey, Arc<CacheEntry>>,
    bytes: usize,
}

impl TruthCache {
    /// Keeps at most so many bytes.
    pub fn new(most: usize) -> Self {
        let inner = CacheState {
            entries: LruCache::unbounded(),
            bytes: 0,
        };
        Self {
            max_bytes: most,
            inner: Mutex::new(inner),
        }
    }

    /// What was worked out of this, from dictionaries as new as these.
    pub fn get(&self, asked: &CacheKey, dictionaries: i64) -> Option<Arc<CacheEntry>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let found = inner.entries.get(asked)?;
        (found.dictionary_version == dictionaries).then(|| Arc::clone(found))
    }

    /// Keeps what was worked out; what was not asked for the longest goes.
    pub fn store(&self, asked: CacheKey, worked_out: CacheEntry) {
        let bytes = worked_out.size_in_bytes();
        if bytes > self.max_bytes {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += bytes;
        if let Some(before) = inner.entries.put(asked, Arc::new(worked_out)) {
            inner.bytes -= before.size_in_bytes();
        }
        while inner.bytes > self.max_bytes {
            let Some((_, oldest)) = inner.entries.pop_lru() else {
                break;
            };
            inner.bytes -= oldest.size_in_bytes();
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.entries.clear();
        inner.bytes = 0;
    }
}

impl Default for TruthCache {
    /// Enough for about 120 tests of a million initiatives.
    fn default() -> Self {
        Self::new(32 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::TruthBitmaps;

    fn cache_entry(chunks: u64) -> CacheEntry {
        CacheEntry {
            dictionary_version: 0,
            chunks: (0..chunks)
                .map(|serial| (serial, Arc::new(TruthBitmaps::constant(4096, true))))
                .collect(),
        }
    }

    fn cache_key(known: bool) -> CacheKey {
        CacheKey::Test(InitiativeTest::PlaceKnown(known))
    }

    #[test]
    fn least_recently_used_entry_is_evicted_first() {
        let kept = TruthCache::new(cache_entry(10).size_in_bytes() * 2);
        kept.store(cache_key(true), cache_entry(10));
        kept.store(cache_key(false), cache_entry(10));
        assert!(kept.get(&cache_key(true), 0).is_some());
        kept.store(CacheKey::VisibleTo(Reader::Dashboard), cache_entry(10));
        assert!(kept.get(&cache_key(true), 0).is_some(), "it was asked for since");
        assert!(kept.get(&cache_key(false), 0).is_none(), "it was not");
        kept.store(cache_key(false), cache_entry(100));
        assert!(
            kept.get(&cache_key(false), 0).is_none(),
            "it is more than may be kept"
        );
    }

    #[test]
    fn entries_of_older_dictionaries_are_ignored() {
        let kept = TruthCache::default();
        kept.store(cache_key(true), cache_entry(1));
        assert!(kept.get(&cache_key(true), 7).is_none());
    }
}
