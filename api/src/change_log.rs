//! The change log: everything that was published, changed or withdrawn, in strict order. A change is appended
//! in its own transaction. The pattern index and the subscriptions follow the log.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryOrder, Statement,
};
use tokio::sync::{Notify, watch};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, change, initiative};

use crate::clock::Clock;
use crate::database::json_rows::TupleQuery;
use crate::database::{IDS_PER_STATEMENT, insert_all, is_one_of_ids};
use crate::locks::{AdvisoryLock, LockMode, acquire_lock};

/// Who changes the database, when and why.
pub struct ActionContext<'a> {
    pub clock: &'a dyn Clock,
    /// The member who acts. None on the command line.
    pub member: Option<Uuid>,
    /// The reason, in a few words.
    pub reason: &'a str,
}

impl ActionContext<'_> {
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct ChangeEntry {
    pub kind: ChangeKind,
    pub subject: ChangeSubject,
    pub id: Uuid,
}

impl ChangeEntry {
    pub const fn new(kind: ChangeKind, subject: ChangeSubject, id: Uuid) -> Self {
        Self { kind, subject, id }
    }
}

/// Wakes everything in this process that follows the change log.
#[derive(Debug)]
pub struct ChangeNotifier {
    engine: Notify,
    subscribers: watch::Sender<()>,
    /// How many times this process has committed changes.
    commits: AtomicU64,
}

impl Default for ChangeNotifier {
    fn default() -> Self {
        Self {
            engine: Notify::new(),
            subscribers: watch::Sender::new(()),
            commits: AtomicU64::new(0),
        }
    }
}

impl ChangeNotifier {
    /// Notifies of a commit when the guard is dropped. Create it before the commit: if its future is dropped meanwhile,
    /// nobody knows whether the database committed.
    pub const fn guard_commit(&self) -> CommitGuard<'_> {
        CommitGuard(self)
    }

    /// Notifies of changes that this process has committed.
    pub fn notify_of_commit(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.notify();
    }

    /// How many times this process has committed changes. Only what is read after this call is sure to include them.
    pub fn commit_count(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// Notifies of changes that others may have made.
    pub fn notify(&self) {
        self.engine.notify_one();
        self.subscribers.send_replace(());
    }

    /// Waits for the next notification, for the pattern engine.
    pub async fn notified(&self) {
        self.engine.notified().await;
    }

    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.subscribers.subscribe()
    }
}

/// Notifies of a commit when it is dropped.
pub struct CommitGuard<'a>(&'a ChangeNotifier);

impl Drop for CommitGuard<'_> {
    fn drop(&mut self) {
        self.0.notify_of_commit();
    }
}

/// The PostgreSQL channel that announces changes.
pub const NOTIFICATION_CHANNEL: &str = "wayin_change";

/// Appends to the log. Numbers become visible in order: on PostgreSQL, numbering waits for the transaction
/// that numbered before. SQLite has one writer.
///
/// The caller has written what the entries describe. An entry of an initiative gets the version that the initiative has
/// now. If a transaction saves an initiative twice, others only ever see the last version, and both entries have it.
pub async fn append_changes(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    entries: &[ChangeEntry],
) -> Result<(), DbErr> {
    if entries.is_empty() {
        return Ok(());
    }
    let versions = load_versions(db, entries).await?;
    acquire_lock(db, LockMode::Exclusive, AdvisoryLock::ChangeLog).await?;
    notify_listeners(db).await?;
    let now = act.now();
    let rows = entries.iter().map(|entry| change::ActiveModel {
        kind: Set(entry.kind),
        subject: Set(entry.subject),
        subject_id: Set(entry.id),
        version: Set(versions.get(&entry.id).copied()),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    });
    insert_all(db, rows).await
}

/// Loads the versions of the initiatives among the subjects of entries.
async fn load_versions(
    db: &impl ConnectionTrait,
    entries: &[ChangeEntry],
) -> Result<HashMap<Uuid, i32>, DbErr> {
    use initiative::{Column, Entity};
    let initiatives = entries
        .iter()
        .filter(|entry| entry.subject == ChangeSubject::Initiative);
    let ids: BTreeSet<Uuid> = initiatives.map(|entry| entry.id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut versions = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let these = is_one_of_ids(db, Column::Id.into_expr(), ids);
        let rows: Vec<(Uuid, i32)> = TupleQuery::new(Entity::find(), &[Column::Id, Column::Version], [])
            .filter(these)
            .load(db)
            .await?;
        versions.extend(rows);
    }
    Ok(versions)
}

/// Notifies all servers through PostgreSQL when the transaction commits.
pub async fn notify_listeners(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let notify = format!("NOTIFY {NOTIFICATION_CHANNEL}");
        db.execute_raw(Statement::from_string(DbBackend::Postgres, notify))
            .await?;
    }
    Ok(())
}

/// The number of the newest change. 0 if there is none.
pub async fn newest_change_number(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let newest = change::Entity::find()
        .order_by_desc(change::Column::Number)
        .one(db)
        .await?;
    Ok(newest.map_or(0, |change| change.number))
}
