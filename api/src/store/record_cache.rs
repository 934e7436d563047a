//! A cache of the rows that responses are made from, by their ids.
//!
//! The cache includes the change log up to some change. A [session](CacheSession) first asks the log which rows have
//! changed since, and reads those from the database. So a withdrawal or a redaction takes effect in every session that
//! starts afterwards, whichever server made it.

use std::any::Any;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use moka::sync::Cache;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{change, initiative, organisation, place};

/// The most changes that a session reads from the log. If there are more, it does not use the cache.
const MAX_SESSION_CHANGES: u64 = 1_000;

/// The size of an entry besides its row: its key, and what the cache stores about it.
const ENTRY_BYTES: usize = 200;

/// The types of rows in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKind {
    Initiative,
    InitiativeParts,
    Organisation,
    Place,
}

impl RowKind {
    const ALL: [Self; 4] = [
        Self::Initiative,
        Self::InitiativeParts,
        Self::Organisation,
        Self::Place,
    ];
}

/// A type of rows that the cache keeps. Whatever changes such a row also logs a change of the subject with its id.
pub trait CachedRow: Any + Send + Sync {
    /// The type.
    const KIND: RowKind;

    /// The approximate size in bytes.
    fn size_in_bytes(&self) -> usize;
}

#[derive(Clone)]
struct CacheEntry {
    row: Arc<dyn Any + Send + Sync>,
    bytes: u32,
}

/// The rows that were read last, up to a size in bytes.
pub struct RecordCache {
    rows: Cache<(RowKind, Uuid), CacheEntry>,
    /// The newest change that the rows include. None if the log is not followed yet; the cache is then not used.
    /// Locked while rows are added or removed.
    newest_change: Mutex<Option<i64>>,
    max_bytes: u64,
}

/// What one reader of the cache knows about it.
#[derive(Debug)]
pub struct CacheSession {
    /// The newest change that the cache included at the start. None if the session does not use the cache.
    newest_change: Option<i64>,
    /// The subjects that had changed since.
    changed: HashSet<Uuid>,
}

impl RecordCache {
    /// An empty cache of at most `max_bytes`. It remembers nothing if that is 0.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            rows: Cache::builder()
                .max_capacity(max_bytes)
                .weigher(|_, entry: &CacheEntry| entry.bytes)
                .build(),
            newest_change: Mutex::default(),
            max_bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<i64>> {
        self.newest_change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a session, which sees every change that is committed by now.
    pub async fn start_session(&self, db: &impl ConnectionTrait) -> Result<CacheSession, DbErr> {
        let position = self.lock().filter(|_| self.max_bytes > 0);
        let mut session = CacheSession {
            newest_change: None,
            changed: HashSet::new(),
        };
        if let Some(position) = position {
            let changed: Vec<Uuid> = change::Entity::find()
                .select_only()
                .column(change::Column::SubjectId)
                .filter(change::Column::Number.gt(position))
                .limit(MAX_SESSION_CHANGES + 1)
                .into_tuple()
                .all(db)
                .await?;
            if changed.len() as u64 <= MAX_SESSION_CHANGES {
                session.newest_change = Some(position);
                session.changed = changed.into_iter().collect();
            }
        }
        Ok(session)
    }

    /// The row with an id, as it is now. None if it must be read from the database.
    pub fn get<R: CachedRow>(&self, session: &CacheSession, id: Uuid) -> Option<Arc<R>> {
        if session.newest_change.is_none() || session.changed.contains(&id) {
            return None;
        }
        self.rows.get(&(R::KIND, id))?.row.downcast().ok()
    }

    /// Adds rows that were read from the database after the session started.
    pub fn insert<'a, R: CachedRow>(
        &self,
        session: &CacheSession,
        rows: impl IntoIterator<Item = (Uuid, &'a Arc<R>)>,
    ) {
        let position = self.lock();
        // If changes were applied since, they may be missing from the rows.
        if position.is_none() || *position != session.newest_change {
            return;
        }
        for (id, row) in rows {
            let entry = CacheEntry {
                bytes: u32::try_from(ENTRY_BYTES + row.size_in_bytes()).unwrap_or(u32::MAX),
                row: Arc::clone(row) as Arc<dyn Any + Send + Sync>,
            };
            self.rows.insert((R::KIND, id), entry);
        }
    }

    /// Forgets rows that have changed. `newest_change` is the newest change that the cache includes then.
    pub fn apply_changes(&self, newest_change: i64, changed: impl IntoIterator<Item = Uuid>) {
        let mut position = self.lock();
        for id in changed {
            for kind in RowKind::ALL {
                self.rows.invalidate(&(kind, id));
            }
        }
        *position = Some(newest_change);
    }

    /// Forgets all rows, and follows the log from a change on.
    pub fn restart(&self, newest_change: i64) {
        let mut position = self.lock();
        self.rows.invalidate_all();
        *position = Some(newest_change);
    }
}

/// The size of a value that is stored outside its row.
pub(super) trait HeapSize {
    fn heap_size(&self) -> usize;
}

impl HeapSize for String {
    fn heap_size(&self) -> usize {
        self.capacity()
    }
}

impl HeapSize for Value {
    fn heap_size(&self) -> usize {
        /// A field of an object: its name, its value and its place in the tree.
        const FIELD_BYTES: usize = 64;
        match self {
            Self::String(text) => text.capacity(),
            Self::Array(values) => values
                .iter()
                .map(|value| size_of::<Self>() + value.heap_size())
                .sum(),
            Self::Object(fields) => fields
                .iter()
                .map(|(name, value)| FIELD_BYTES + name.len() + value.heap_size())
                .sum(),
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
        }
    }
}

impl<T: HeapSize> HeapSize for Option<T> {
    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, HeapSize::heap_size)
    }
}

/// Sums the sizes of fields.
macro_rules! heap_size {
    ($row:ident: $($field:ident)+) => {
        0 $(+ $crate::store::record_cache::HeapSize::heap_size(&$row.$field))+
    };
}
pub(super) use heap_size;

impl CachedRow for initiative::Model {
    const KIND: RowKind = RowKind::Initiative;

    fn size_in_bytes(&self) -> usize {
        let heap = heap_size!(self: title title_folded summary external_ref sharing_confirmed_by sharing_basis
            sharing_licence missing);
        size_of::<Self>() + heap
    }
}

impl CachedRow for organisation::Model {
    const KIND: RowKind = RowKind::Organisation;

    fn size_in_bytes(&self) -> usize {
        size_of::<Self>() + heap_size!(self: name name_folded identifier)
    }
}

impl CachedRow for place::Model {
    const KIND: RowKind = RowKind::Place;

    fn size_in_bytes(&self) -> usize {
        size_of::<Self>() + heap_size!(self: name name_folded code)
    }
}
