//! The engine keeps the index up to date with the change log, and runs queries on its own threads.
//!
//! Besides the newest snapshot, it holds the classes of the records that are hidden from each audience: see
//! [`HiddenClasses`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::change_log::{ChangeNotifier, NOTIFICATION_CHANNEL};
use crate::database;
use crate::error::{Error, Result};
use crate::pattern::answer_cache::AnswerCache;
use crate::pattern::class_formation::{FormationBase, FormationState};
use crate::pattern::loader;
use crate::pattern::loader::{ChangeSummary, LogUpdate};
use crate::pattern::old_rows::load_old_rows;
use crate::pattern::releases::{self, LoadedClasses};
use crate::pattern::view::IndexView;
use crate::store::record_cache::RecordCache;
use arc_swap::ArcSwapOption;
use rayon::{ThreadPool, ThreadPoolBuilder};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, sqlx::postgres::PgListener};
use tokio::sync::{Mutex, Semaphore, broadcast, watch};
use uuid::Uuid;
use wayin_engine::disclosure::cell_key::PerturbationTable;
use wayin_engine::disclosure::classes::key_variables::KeyPriority;
use wayin_engine::disclosure::classes::{BothClasses, HiddenClasses};
use wayin_engine::index::Snapshot;
use wayin_engine::predicate_cache::TruthCache;

/// How long the engine waits for a notification before it polls the change log.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The same on SQLite, which does not notify other processes. A poll reads only one row by its key.
const SQLITE_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The longest that a query waits for a change.
const CHANGE_WAIT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a load of all records waits for its second connection.
const SECOND_CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);
/// A number that is missing from the log for this long belongs to a transaction that was rolled back.
const LOG_GAP_TIMEOUT: Duration = Duration::from_mins(10);
/// The most initiatives in one [`AlteredEvent`].
const INITIATIVES_PER_EVENT: usize = 1_000;
/// The most events that wait for a subscriber. A subscriber that is further behind loses the oldest ones.
const MAX_PENDING_EVENTS: usize = 256;

/// The configuration of the engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The longest that a query may take.
    pub deadline: Duration,
    /// The noise that disclosure control adds to counts.
    pub perturbation: PerturbationTable,
    /// The licence under which answers may be reused, as an SPDX identifier.
    pub licence: String,
    /// The most bytes of the cache of rows.
    pub record_cache_bytes: u64,
    /// The order of the key variables by which classes of hidden records are formed.
    pub disclosure_priority: KeyPriority,
    /// The most hidden records that are put into classes while the change log is read. More are in the background.
    pub max_records_classed_at_once: usize,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            perturbation: PerturbationTable::default(),
            licence: "CC-BY-4.0".into(),
            record_cache_bytes: 32 << 20,
            disclosure_priority: KeyPriority::default(),
            max_records_classed_at_once: 5_000,
        }
    }
}

/// Which initiatives changed since the engine last read the change log.
#[derive(Clone, Debug)]
pub enum AlteredEvent {
    /// These initiatives were published, changed or withdrawn.
    Initiatives(Arc<[Uuid]>),
    /// The engine loaded all records again, and does not know which ones changed.
    Everything,
}

/// The snapshots that queries read.
pub(super) struct EngineState {
    /// Unique in the process.
    pub(super) serial: u64,
    pub(super) newest: Arc<Snapshot>,
    /// The classes of the records that are hidden from each audience.
    pub(super) classes: BothClasses,
    /// The number of the newest release of classes; 0 if there is none.
    pub(super) release_number: i32,
}

/// The index of one instance. Many queries read it, and one task keeps it up to date.
pub struct PatternEngine {
    state: ArcSwapOption<EngineState>,
    follow_state: Mutex<FollowState>,
    pub(super) formation: Mutex<FormationState>,
    newest: watch::Sender<i64>,
    notifier: ChangeNotifier,
    /// The commits of this process that the newest snapshot includes, as [`ChangeNotifier::commit_count`].
    included_commits: AtomicU64,
    altered: broadcast::Sender<AlteredEvent>,
    pub(super) truth_cache: TruthCache,
    pub(super) record_cache: RecordCache,
    pub(super) answer_cache: AnswerCache,
    pub(super) settings: EngineSettings,
    pub(super) pool: ThreadPool,
    /// One permit for each thread. Further queries wait.
    pub(super) query_permits: Semaphore,
}

/// What the engine remembers between two reads of the change log.
#[derive(Default)]
struct FollowState {
    /// The numbers that are missing from the log, with the time when each was first missed.
    log_gaps: HashMap<i64, Instant>,
}

impl PatternEngine {
    /// Creates an engine that has loaded nothing yet.
    ///
    /// # Errors
    /// [`Error::Internal`] if its threads cannot be started.
    pub fn new(settings: EngineSettings) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("engine-{number}"))
            // Without a handler, a panic ends the process. With it, only the query fails, as its channel closes.
            .panic_handler(|_| tracing::error!("a question could not be worked out: the engine panicked"))
            .build()
            .map_err(|cause| Error::Internal(format!("the engine's threads cannot be started: {cause}")))?;
        Ok(Self {
            state: ArcSwapOption::empty(),
            follow_state: Mutex::default(),
            formation: Mutex::default(),
            newest: watch::Sender::new(0),
            notifier: ChangeNotifier::default(),
            included_commits: AtomicU64::new(0),
            altered: broadcast::Sender::new(MAX_PENDING_EVENTS),
            truth_cache: TruthCache::default(),
            record_cache: RecordCache::new(settings.record_cache_bytes),
            answer_cache: AnswerCache::default(),
            settings,
            pool,
            query_permits: Semaphore::new(threads),
        })
    }

    /// The newest snapshot. Does not wait for changes.
    ///
    /// # Errors
    /// [`Error::NotReady`] until the records are loaded.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>> {
        Ok(Arc::clone(&self.current_state()?.newest))
    }

    fn current_state(&self) -> Result<Arc<EngineState>> {
        self.state.load_full().ok_or(Error::NotReady)
    }

    /// Whether the records are loaded.
    pub fn is_ready(&self) -> bool {
        self.state.load().is_some()
    }

    /// The longest that a query may take.
    pub fn deadline(&self) -> Duration {
        self.settings.deadline
    }

    /// The licence under which answers may be reused, as an SPDX identifier.
    pub fn licence(&self) -> &str {
        &self.settings.licence
    }

    /// The newest snapshots. Does not wait for changes.
    ///
    /// # Errors
    /// [`Error::NotReady`] until the records are loaded.
    pub fn view(self: &Arc<Self>) -> Result<IndexView> {
        Ok(IndexView::new(Arc::clone(self), self.current_state()?))
    }

    /// Waits until the newest snapshot includes every change that this process has committed.
    ///
    /// # Errors
    /// [`Error::NotReady`] until the records are loaded. [`Error::Unavailable`] if it takes too long.
    pub async fn wait_for_own_changes(self: &Arc<Self>, db: &DatabaseConnection) -> Result<()> {
        if !self.is_ready() {
            return Err(Error::NotReady);
        }
        let commits = self.notifier.commit_count();
        if self.included_commits.load(Ordering::SeqCst) >= commits {
            return Ok(());
        }
        let unavailable = |cause: String| Error::Unavailable {
            message: "this server has not read its own last change yet; try again shortly",
            cause,
        };
        let (engine, db) = (Arc::clone(self), db.clone());
        // A task of its own: a caller that is dropped does not stop what others wait for.
        let reading = tokio::spawn(async move { engine.include_commits(&db, commits).await });
        match tokio::time::timeout(self.settings.deadline, reading).await {
            Ok(Ok(read)) => read.map_err(|error| unavailable(format!("{error:?}"))),
            Ok(Err(panicked)) => Err(unavailable(panicked.to_string())),
            Err(_) => Err(unavailable(
                "the change log was not read within the deadline".into(),
            )),
        }
    }

    /// Reads the change log, unless another caller has read enough of it by then.
    async fn include_commits(&self, db: &DatabaseConnection, commits: u64) -> Result<()> {
        let mut following = self.follow_state.lock().await;
        if self.included_commits.load(Ordering::SeqCst) >= commits {
            return Ok(());
        }
        self.read_change_log(&mut following, db, &|_| ()).await
    }

    /// Waits until the newest snapshot includes a change.
    ///
    /// # Errors
    /// [`Error::BadInput`] if that takes too long.
    pub async fn wait_for_change(&self, change: i64) -> Result<()> {
        let mut newest = self.newest.subscribe();
        if *newest.borrow() >= change {
            return Ok(());
        }
        self.notifier.notify();
        let reached =
            tokio::time::timeout(CHANGE_WAIT_TIMEOUT, newest.wait_for(|number| *number >= change)).await;
        match reached {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::bad_input(
                "minChangeNumber",
                format!(
                    "change {change} was not read within {} seconds; the newest that was is {}",
                    CHANGE_WAIT_TIMEOUT.as_secs(),
                    *self.newest.borrow()
                ),
            )),
        }
    }

    /// Loads all records the first time, and applies later changes after that. During a full load, `progress` receives
    /// the number of rows read so far.
    pub async fn catch_up(&self, db: &DatabaseConnection, progress: &(dyn Fn(usize) + Sync)) -> Result<()> {
        let mut following = self.follow_state.lock().await;
        self.read_change_log(&mut following, db, progress).await
    }

    /// Reads the change log. If enough hidden records have changed, but not very many, forms classes of them, and reads the
    /// log again.
    async fn read_change_log(
        &self,
        following: &mut FollowState,
        db: &DatabaseConnection,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<()> {
        self.read_changes(following, db, progress).await?;
        while let Some(state) = self.state.load_full() {
            let log_gaps = following.list_log_gaps();
            if !self.form_few_classes(FormationBase { state, log_gaps }, db).await {
                break;
            }
            self.read_changes(following, db, progress).await?;
        }
        Ok(())
    }

    /// What classes can be formed of now; none until the records are loaded.
    pub(super) async fn find_formation_base(&self) -> Option<FormationBase> {
        let following = self.follow_state.lock().await;
        Some(FormationBase {
            state: self.state.load_full()?,
            log_gaps: following.list_log_gaps(),
        })
    }

    async fn read_changes(
        &self,
        following: &mut FollowState,
        db: &DatabaseConnection,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<()> {
        let commits = self.notifier.commit_count();
        let held = self.state.load_full();
        if let Some(held) = &held
            && following.log_gaps.is_empty()
            && loader::load_newest_change(db).await? == held.newest.as_of
        {
            self.included_commits.store(commits, Ordering::SeqCst);
            return Ok(());
        }
        let moment = database::begin_read(db).await?;
        let update = match &held {
            Some(held) => loader::load_changes(&moment, &held.newest, &following.list_log_gaps()).await?,
            None => LogUpdate::ReloadRequired,
        };
        let reloaded = match update {
            LogUpdate::ReloadRequired => {
                // With every connection in use, one has to do.
                let second = tokio::time::timeout(SECOND_CONNECTION_TIMEOUT, database::begin_read(db)).await;
                let second = second.ok().and_then(Result::ok);
                let connections = [&moment, second.as_ref().unwrap_or(&moment)];
                Some(loader::load_snapshot(connections, progress).await?)
            }
            LogUpdate::UpToDate | LogUpdate::Updated(..) => None,
        };
        let new_classes = match &update {
            LogUpdate::Updated(_, changed) if changed.releases.is_empty() => None,
            LogUpdate::Updated(_, changed) => {
                Some(releases::load_classes(&moment, Some(&changed.releases)).await?)
            }
            LogUpdate::ReloadRequired => Some(releases::load_classes(&moment, None).await?),
            LogUpdate::UpToDate => None,
        };
        let (mut newer, changed) = match (update, reloaded) {
            (LogUpdate::Updated(live, changed), _) => (
                held.as_ref().map(|held| held.follow(live, &changed)),
                Some(changed),
            ),
            (_, Some(read)) => (
                Some(EngineState::load(read, self.settings.disclosure_priority)),
                None,
            ),
            (_, None) => (None, None),
        };
        if let (Some(newer), Some(loaded)) = (&mut newer, new_classes) {
            newer.add_classes(&moment, loaded).await?;
        }
        // Nothing below waits, so a caller that is dropped leaves nothing half done.
        moment.commit().await?;
        let mut altered = Vec::new();
        match (&newer, changed) {
            (Some(newer), Some(changed)) => {
                let change = newer.newest.as_of.change_number;
                self.record_cache
                    .apply_changes(change, changed.subjects.iter().copied());
                let some = changed.initiatives.chunks(INITIATIVES_PER_EVENT);
                altered.extend(some.map(|ids| AlteredEvent::Initiatives(ids.into())));
                following.update_log_gaps(&changed);
            }
            (Some(newer), None) => {
                tracing::info!(
                    initiatives = newer.newest.len(),
                    change = newer.newest.as_of.change_number,
                    "the evidence base is read"
                );
                // The new snapshot numbers places and organisations differently.
                self.truth_cache.clear();
                self.record_cache.restart(newer.newest.as_of.change_number);
                *following = FollowState::default();
                altered.extend(held.is_some().then_some(AlteredEvent::Everything));
            }
            (None, _) => {}
        }
        following
            .log_gaps
            .retain(|_, since| since.elapsed() < LOG_GAP_TIMEOUT);
        if let Some(newer) = newer {
            let change = newer.newest.as_of.change_number;
            self.state.store(Some(Arc::new(newer)));
            self.answer_cache.clear();
            self.included_commits.store(commits, Ordering::SeqCst);
            self.newest.send_replace(change);
        }
        self.included_commits.store(commits, Ordering::SeqCst);
        for one in altered {
            // Fails if there is no subscriber.
            let _ = self.altered.send(one);
        }
        Ok(())
    }

    /// Notifies the engine, and everything else in this process that follows the change log.
    pub const fn notifier(&self) -> &ChangeNotifier {
        &self.notifier
    }

    /// Receives the number of the newest change that the newest snapshot includes.
    pub fn subscribe_newest(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }

    /// Receives the initiatives that change from now on, after the newest snapshot includes their changes.
    pub fn subscribe_altered(&self) -> broadcast::Receiver<AlteredEvent> {
        self.altered.subscribe()
    }

    /// Keeps the index up to date with the change log. Never returns.
    pub async fn follow_change_log(&self, db: &DatabaseConnection, progress: &(dyn Fn(usize) + Sync)) {
        let look_every = match db.get_database_backend() {
            DbBackend::Sqlite => SQLITE_POLL_INTERVAL,
            _ => POLL_INTERVAL,
        };
        let looking = async {
            loop {
                let failed = match self.catch_up(db, progress).await {
                    Ok(()) => false,
                    Err(error) => {
                        tracing::error!(error = %error, cause = ?error, "the change log could not be read; trying again");
                        true
                    }
                };
                // A notification ends the wait early.
                let wait = if failed { POLL_INTERVAL } else { look_every };
                let _ = tokio::time::timeout(wait, self.notifier.notified()).await;
            }
        };
        tokio::join!(
            looking,
            self.listen_for_notifications(db),
            Box::pin(self.form_classes_in_background(db))
        );
    }

    /// Listens for changes that other processes make. Only PostgreSQL sends notifications.
    async fn listen_for_notifications(&self, db: &DatabaseConnection) {
        if db.get_database_backend() != DbBackend::Postgres {
            return;
        }
        loop {
            let heard: Result<(), sea_orm::sqlx::Error> = async {
                let mut listener = PgListener::connect_with(db.get_postgres_connection_pool()).await?;
                listener.listen(NOTIFICATION_CHANNEL).await?;
                loop {
                    // None after a lost connection was restored: notifications may have been missed, so poll.
                    listener.try_recv().await?;
                    self.notifier.notify();
                }
            }
            .await;
            if let Err(cause) = heard {
                tracing::warn!(%cause, "the database does not tell of changes; looking for them instead");
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl EngineState {
    fn new(newest: Snapshot, classes: BothClasses, release_number: i32) -> Self {
        static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);
        Self {
            serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
            newest: Arc::new(newest),
            classes,
            release_number,
        }
    }

    /// The state after all records were loaded, without classes.
    fn load(newest: Snapshot, priority: KeyPriority) -> Self {
        let classes = HiddenClasses::none(&newest, priority);
        Self::new(newest, classes, 0)
    }

    /// Adds classes that were stored, and loads the records that they count as they were.
    async fn add_classes(
        &mut self,
        db: &impl ConnectionTrait,
        loaded: LoadedClasses,
    ) -> std::result::Result<(), DbErr> {
        let old = HiddenClasses::list_old_members(&self.classes, &self.newest, &loaded.classes);
        let versions: Vec<(Uuid, i64)> = old.iter().map(|member| (member.id, member.updated_at)).collect();
        let old_rows = load_old_rows(db, &self.newest, &versions).await?;
        self.release_number = loaded.release_number;
        self.classes = HiddenClasses::add_stored(
            &self.classes,
            &loaded.classes,
            &loaded.all_ids,
            old_rows,
            loaded.formed_at,
        );
        Ok(())
    }

    /// The state after some records have changed.
    fn follow(&self, newest: Snapshot, changed: &ChangeSummary) -> Self {
        let classes = HiddenClasses::follow(&self.classes, &self.newest, &newest, &changed.initiatives);
        Self::new(newest, classes, self.release_number)
    }
}

impl FollowState {
    fn list_log_gaps(&self) -> Vec<i64> {
        self.log_gaps.keys().copied().collect()
    }

    fn update_log_gaps(&mut self, changed: &ChangeSummary) {
        let now = Instant::now();
        self.log_gaps = changed
            .log_gaps
            .iter()
            .map(|number| (*number, self.log_gaps.get(number).copied().unwrap_or(now)))
            .collect();
    }
}
