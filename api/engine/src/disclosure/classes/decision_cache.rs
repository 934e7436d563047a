//! A cache of what was decided for classes. It is valid as long as the classes.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use wayin_vocabulary::{Dimension, Perspective};

use crate::disclosure::coarsening::Coarsening;
use crate::index::TruthBitmaps;
use crate::predicate::InitiativeTest;
use crate::three_valued_logic::Truth;

/// The most entries with a value for each class.
const MAX_ENTRIES_BY_CLASS: usize = 128;
/// The most entries with a value for each row.
const MAX_ENTRIES_BY_ROW: usize = 32;

/// A part of a question that is about a protected answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProtectedKey {
    /// It is tested.
    Test(InitiativeTest),
    /// Records are grouped by it.
    Dimension(Dimension),
    /// Ways in and later entry points are counted.
    Flows(Perspective),
}

/// What was decided. The serial number of a key is that of the [`Coarsening`].
#[derive(Debug, Default)]
pub struct DecisionCache {
    /// How classes are merged for questions about some protected answers.
    pub coarsenings: Cache<Vec<ProtectedKey>, Arc<Coarsening>, MAX_ENTRIES_BY_CLASS>,
    /// The same for questions about nothing else.
    pub whole_checks: Cache<Vec<ProtectedKey>, Arc<Coarsening>, MAX_ENTRIES_BY_CLASS>,
    /// For each chunk, the decided values of a test for the rows in classes.
    pub row_truths: Cache<(InitiativeTest, u64), Arc<[TruthBitmaps]>, MAX_ENTRIES_BY_ROW>,
    /// The same by the values of the classes: merged in different ways, they often have the same values.
    pub truths_by_class_values: Cache<Vec<Truth>, Arc<[TruthBitmaps]>, MAX_ENTRIES_BY_ROW>,
    /// For each class, its groups of a dimension.
    pub groups: Cache<(Dimension, u64), Arc<GroupsOfClasses>, MAX_ENTRIES_BY_ROW>,
}

/// The groups of each class.
#[derive(Clone, Debug)]
pub struct GroupsOfClasses {
    /// By class number, where its groups start, and then the number of all. Empty if every class has one group.
    starts: Vec<u32>,
    groups: Vec<u32>,
}

impl GroupsOfClasses {
    /// The groups of each class, in the order of the classes.
    pub fn new(of_classes: impl Iterator<Item = Vec<u32>>) -> Self {
        let (mut starts, mut groups) = (vec![0], Vec::new());
        for of_class in of_classes {
            groups.extend(of_class);
            starts.push(u32::try_from(groups.len()).unwrap_or(u32::MAX));
        }
        if (0..).zip(&starts).all(|(class, start)| class == *start) {
            starts.clear();
        }
        Self { starts, groups }
    }

    /// The groups of a class.
    pub fn get(&self, class: u32) -> &[u32] {
        if self.starts.is_empty() {
            return &self.groups[class as usize..=class as usize];
        }
        let [start, end] = [class, class + 1].map(|class| self.starts[class as usize] as usize);
        &self.groups[start..end]
    }
}

/// A cache of up to `MAX_ENTRIES`, and at least one. The least recently used ones are removed.
#[derive(Debug)]
pub struct Cache<K: Hash + Eq, V, const MAX_ENTRIES: usize>(Mutex<LruCache<K, V>>);

impl<K: Hash + Eq, V, const MAX_ENTRIES: usize> Default for Cache<K, V, MAX_ENTRIES> {
    fn default() -> Self {
        let max_entries = NonZeroUsize::new(MAX_ENTRIES).unwrap_or(NonZeroUsize::MIN);
        Self(Mutex::new(LruCache::new(max_entries)))
    }
}

impl<K: Hash + Eq, V: Clone, const MAX_ENTRIES: usize> Cache<K, V, MAX_ENTRIES> {
    fn lock(&self) -> MutexGuard<'_, LruCache<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cached value, or the one that `find` returns, which is stored.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn get_or_find<E>(&self, key: K, find: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        if let Some(known) = self.lock().get(&key) {
            return Ok(known.clone());
        }
        // Without the lock: others may find the same meanwhile.
        let found = find()?;
        self.lock().put(key, found.clone());
        Ok(found)
    }
}
