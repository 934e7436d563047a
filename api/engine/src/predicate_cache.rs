//! A cache of the results of tests, by test and chunk. A chunk never changes, so a result is valid as long as its chunk
//! exists.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use super::index::TruthBitmaps;
use crate::predicate::InitiativeTest;
use crate::visibility::{Reader, VisiblePart};

/// A property that is evaluated for every initiative.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CacheKey {
    /// A test.
    Test(InitiativeTest),
    /// Whether a reader can see so much of the initiative.
    VisibleTo(Reader, VisiblePart),
}

/// The results of one test.
#[derive(Debug, Default)]
pub struct CacheEntry {
    /// The version of the dictionaries that the results depend on; 0 if they depend on none.
    pub dictionary_version: i64,
    /// The results by the serial number of the chunk.
    pub chunks: HashMap<u64, Arc<TruthBitmaps>>,
}

impl CacheEntry {
    fn size_in_bytes(&self) -> usize {
        // Two bitmaps for each chunk, their headers, and an entry of the map.
        let chunk = |truths: &Arc<TruthBitmaps>| {
            2 * size_of_val(truths.true_rows.words()) + size_of::<TruthBitmaps>() + 64
        };
        self.chunks.values().map(chunk).sum()
    }
}

/// A least-recently-used cache, limited by size.
pub struct TruthCache {
    max_bytes: usize,
    state: Mutex<CacheState>,
}

struct CacheState {
    entries: LruCache<CacheKey, Arc<CacheEntry>>,
    bytes: usize,
}

impl TruthCache {
    /// An empty cache of at most `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        let state = CacheState {
            entries: LruCache::unbounded(),
            bytes: 0,
        };
        Self {
            max_bytes,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, CacheState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entry of a key, if it was computed from this version of the dictionaries.
    pub fn get(&self, key: &CacheKey, dictionary_version: i64) -> Option<Arc<CacheEntry>> {
        let mut state = self.lock();
        let entry = state.entries.get(key)?;
        (entry.dictionary_version == dictionary_version).then(|| Arc::clone(entry))
    }

    /// Stores an entry. If the cache is full, the least recently used entries are removed.
    pub fn store(&self, key: CacheKey, entry: CacheEntry) {
        let mut state = self.lock();
        // Another evaluation may have stored more chunks in between.
        let is_smaller = state.entries.peek(&key).is_some_and(|kept| {
            kept.dictionary_version == entry.dictionary_version && kept.chunks.len() > entry.chunks.len()
        });
        let bytes = entry.size_in_bytes();
        if is_smaller || bytes > self.max_bytes {
            return;
        }
        state.bytes += bytes;
        if let Some(replaced) = state.entries.put(key, Arc::new(entry)) {
            state.bytes -= replaced.size_in_bytes();
        }
        while state.bytes > self.max_bytes {
            let Some((_, oldest)) = state.entries.pop_lru() else {
                break;
            };
            state.bytes -= oldest.size_in_bytes();
        }
    }

    /// Removes all entries.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.entries.clear();
        state.bytes = 0;
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
        let cache = TruthCache::new(cache_entry(10).size_in_bytes() * 2);
        cache.store(cache_key(true), cache_entry(10));
        cache.store(cache_key(false), cache_entry(10));
        assert!(cache.get(&cache_key(true), 0).is_some());
        cache.store(
            CacheKey::VisibleTo(Reader::Dashboard, VisiblePart::Whole),
            cache_entry(10),
        );
        assert!(cache.get(&cache_key(true), 0).is_some(), "it was used since");
        assert!(cache.get(&cache_key(false), 0).is_none(), "it was not");
        cache.store(cache_key(false), cache_entry(100));
        assert!(
            cache.get(&cache_key(false), 0).is_none(),
            "it is larger than the cache"
        );
    }

    #[test]
    fn entries_of_older_dictionaries_are_ignored() {
        let cache = TruthCache::default();
        cache.store(cache_key(true), cache_entry(1));
        assert!(cache.get(&cache_key(true), 7).is_none());
    }
}
