//! What was worked out of single tests, kept by (test, chunk) for the next who asks:
//! a chunk never changes, so what holds of it holds for as long as it is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::index::Truths;
use crate::predicate::InitiativeTest;
use crate::visibility::Reader;

/// Something that is worked out of every initiative.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// Whether a test holds.
    Test(InitiativeTest),
    /// Whether a reader may read it whole.
    ReadableBy(Reader),
}

/// What was worked out, by the chunks' serial numbers.
#[derive(Debug, Default)]
pub struct WorkedOut {
    /// The change at which the dictionaries that it was worked out from were read; 0 where it needs none.
    pub dictionaries: i64,
    /// Chunk by chunk.
    pub chunks: HashMap<u64, Arc<Truths>>,
}

impl WorkedOut {
    fn bytes(&self) -> usize {
        // Two sets each, with their headers and what the map itself takes.
        let chunk = |truths: &Arc<Truths>| 2 * size_of_val(truths.yes.words()) + size_of::<Truths>() + 64;
        self.chunks.values().map(chunk).sum()
    }
}

/// Keeps the latest of what was worked out, up to a number of bytes.
pub struct Kept {
    most: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    entries: LruCache<Asked, Arc<WorkedOut>>,
    bytes: usize,
}

impl Kept {
    /// Keeps at most so many bytes.
    pub fn new(most: usize) -> Self {
        let inner = Inner {
            entries: LruCache::unbounded(),
            bytes: 0,
        };
        Self {
            most,
            inner: Mutex::new(inner),
        }
    }

    /// What was worked out of this, from dictionaries as new as these.
    pub fn get(&self, asked: &Asked, dictionaries: i64) -> Option<Arc<WorkedOut>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let found = inner.entries.get(asked)?;
        (found.dictionaries == dictionaries).then(|| Arc::clone(found))
    }

    /// Keeps what was worked out; what was not asked for the longest goes.
    pub fn put(&self, asked: Asked, worked_out: WorkedOut) {
        let bytes = worked_out.bytes();
        if bytes > self.most {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes += bytes;
        if let Some(before) = inner.entries.put(asked, Arc::new(worked_out)) {
            inner.bytes -= before.bytes();
        }
        while inner.bytes > self.most {
            let Some((_, oldest)) = inner.entries.pop_lru() else {
                break;
            };
            inner.bytes -= oldest.bytes();
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.entries.clear();
        inner.bytes = 0;
    }
}

impl Default for Kept {
    /// Enough for about 120 tests of a million initiatives.
    fn default() -> Self {
        Self::new(32 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Truths;

    fn worked_out(chunks: u64) -> WorkedOut {
        WorkedOut {
            dictionaries: 0,
            chunks: (0..chunks)
                .map(|serial| (serial, Arc::new(Truths::everywhere(4096, true))))
                .collect(),
        }
    }

    fn asked(known: bool) -> Asked {
        Asked::Test(InitiativeTest::PlaceKnown(known))
    }

    #[test]
    fn the_least_recently_asked_for_goes_first() {
        let kept = Kept::new(worked_out(10).bytes() * 2);
        kept.put(asked(true), worked_out(10));
        kept.put(asked(false), worked_out(10));
        assert!(kept.get(&asked(true), 0).is_some());
        kept.put(Asked::ReadableBy(Reader::Dashboard), worked_out(10));
        assert!(kept.get(&asked(true), 0).is_some(), "it was asked for since");
        assert!(kept.get(&asked(false), 0).is_none(), "it was not");
        kept.put(asked(false), worked_out(100));
        assert!(
            kept.get(&asked(false), 0).is_none(),
            "it is more than may be kept"
        );
    }

    #[test]
    fn older_dictionaries_answer_nothing() {
        let kept = Kept::default();
        kept.put(asked(true), worked_out(1));
        assert!(kept.get(&asked(true), 7).is_none());
    }
}
