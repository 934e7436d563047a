//! The engine: keeps the index up to date with the change log, and answers questions
//! from it on threads of its own.
//!
//! Beside the newest snapshot one is held for each audience, which the records that are
//! hidden from it are counted by: see [`release`](wayin_engine::staged_snapshot).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::change_log::{ChangeNotifier, NOTIFICATION_CHANNEL};
use crate::database;
use crate::error::{Error, Result};
use crate::pattern::loader;
use crate::pattern::loader::{ChangeSummary, LogUpdate};
use arc_swap::ArcSwapOption;
use rayon::{ThreadPool, ThreadPoolBuilder};
use sea_orm::{DatabaseConnection, DbBackend, sqlx::postgres::PgListener};
use tokio::sync::{Mutex, Semaphore, broadcast, oneshot, watch};
use uuid::Uuid;
use wayin_engine::cancellation::{CancellationToken, Cancelled};
use wayin_engine::count::EvaluationContext;
use wayin_engine::disclosure::cell_key::PerturbationTable;
use wayin_engine::index::Snapshot;
use wayin_engine::predicate_cache::TruthCache;
use wayin_engine::staged_snapshot::StagedSnapshot;
use wayin_engine::visibility::Audience;

/// How long the engine waits before it looks for changes of which nobody has told it.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// The same on SQLite, which tells nobody: the look is one row by its key.
const SQLITE_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long a question may wait for a change.
const CHANGE_WAIT_TIMEOUT: Duration = Duration::from_secs(2);
/// After so long, a number that the log does not hold was rolled back.
const LOG_GAP_TIMEOUT: Duration = Duration::from_mins(10);
/// How many initiatives are told of at once as altered, and how many such tellings may wait.
const INITIATIVES_PER_EVENT: usize = 1_000;
const MAX_PENDING_EVENTS: usize = 256;

/// What the engine can be told.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// How long a question may take.
    pub deadline: Duration,
    /// How protected counts are moved.
    pub perturbation: PerturbationTable,
    /// The licence under which answers may be used again, as SPDX names it.
    pub licence: String,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            perturbation: PerturbationTable::default(),
            licence: "CC-BY-4.0".into(),
        }
    }
}

/// What a reading of the change log found.
#[derive(Clone, Debug)]
pub enum AlteredEvent {
    /// Some initiatives were published, altered or withdrawn.
    Initiatives(Arc<[Uuid]>),
    /// The base was read anew: what of it is other than before, nobody can tell.
    Everything,
}

/// The base as questions see it.
struct EngineState {
    newest: Arc<Snapshot>,
    /// What is released to each audience.
    staged: [Arc<Snapshot>; Audience::ALL.len()],
}

/// The index of one base, read by many and followed by one.
pub struct PatternEngine {
    state: ArcSwapOption<EngineState>,
    follow_state: Mutex<FollowState>,
    newest: watch::Sender<i64>,
    notifier: ChangeNotifier,
    altered: broadcast::Sender<AlteredEvent>,
    truth_cache: TruthCache,
    settings: EngineSettings,
    pool: ThreadPool,
    /// As many questions as there are threads are worked on at once; the others wait.
    query_permits: Semaphore,
}

/// What is remembered from one reading of the log to the next.
#[derive(Default)]
struct FollowState {
    log_gaps: HashMap<i64, Instant>,
    /// What is released to each audience; none before the base was read.
    staged: Option<[StagedSnapshot; Audience::ALL.len()]>,
}

impl PatternEngine {
    /// An engine that has read nothing yet.
    ///
    /// # Errors
    /// [`Error::Internal`] where its threads cannot be started.
    pub fn new(settings: EngineSettings) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("engine-{number}"))
            // Who waits for the answer is told that there is none; the service goes on.
            .panic_handler(|_| tracing::error!("a question could not be worked out: the engine panicked"))
            .build()
            .map_err(|cause| Error::Internal(format!("the engine's threads cannot be started: {cause}")))?;
        Ok(Self {
            state: ArcSwapOption::empty(),
            follow_state: Mutex::default(),
            newest: watch::Sender::new(0),
            notifier: ChangeNotifier::default(),
            altered: broadcast::Sender::new(MAX_PENDING_EVENTS),
            truth_cache: TruthCache::default(),
            settings,
            pool,
            query_permits: Semaphore::new(threads),
        })
    }

    /// The base as it was last read, without waiting for anything.
    ///
    /// # Errors
    /// [`Error::NotReady`] until the base was read for the first time.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>> {
        Ok(Arc::clone(&self.current_state()?.newest))
    }

    fn current_state(&self) -> Result<Arc<EngineState>> {
        self.state.load_full().ok_or(Error::NotReady)
    }

    /// Whether the base was read.
    pub fn is_ready(&self) -> bool {
        self.state.load().is_some()
    }

    /// How long a question may take.
    pub fn deadline(&self) -> Duration {
        self.settings.deadline
    }

    /// The licence under which answers may be used again.
    pub fn licence(&self) -> &str {
        &self.settings.licence
    }

    /// Answers a question on a thread of the engine's own. When nobody waits for the
    /// answer any more, the work ends.
    ///
    /// # Errors
    /// [`Error::QueryTimeout`] where it takes longer than the deadline, [`Error::NotReady`] until
    /// the base was read.
    pub async fn run_query<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(EvaluationContext<'_>) -> Result<T, Cancelled> + Send + 'static,
    ) -> Result<T> {
        let held = self.current_state()?;
        let (run, waiting) = CancellationToken::with_timeout(self.settings.deadline);
        let turn = tokio::time::timeout(self.settings.deadline, self.query_permits.acquire());
        let turn = turn.await.map_err(|_| Error::QueryTimeout)?;
        let (tell, told) = oneshot::channel();
        let engine = Arc::clone(self);
        self.pool.spawn(move || {
            let base = EvaluationContext {
                newest: &held.newest,
                staged: held.staged.each_ref().map(|snapshot| &**snapshot),
                truth_cache: &engine.truth_cache,
                noise: &engine.settings.perturbation,
                cancellation: &run,
            };
            // Nobody may be there to be told any more.
            let _ = tell.send(work(base));
        });
        let answer = told.await;
        drop((turn, waiting));
        match answer {
            Ok(answer) => answer.map_err(|stopped| match stopped {
                Cancelled::DeadlineExceeded => Error::QueryTimeout,
                Cancelled::Abandoned => {
                    Error::Internal("a question that was waited for was abandoned".into())
                }
            }),
            Err(_) => Err(Error::Internal("a question could not be worked out".into())),
        }
    }

    /// Waits until the base is read up to a change.
    ///
    /// # Errors
    /// [`Error::BadInput`] where that takes too long.
    pub async fn wait_for_change(&self, change: i64) -> Result<()> {
        let mut newest = self.newest.subscribe();
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

    /// Reads the base, or what was changed since it was read. `progress` is told how many
    /// initiatives were read so far, where the base is read whole.
    pub async fn catch_up(&self, db: &DatabaseConnection, progress: &(dyn Fn(usize) + Sync)) -> Result<()> {
        let mut following = self.follow_state.lock().await;
        let held = self.state.load_full();
        if let Some(held) = &held
            && following.log_gaps.is_empty()
            && loader::load_newest_change(db).await? == held.newest.as_of
        {
            return Ok(());
        }
        let moment = database::begin_read(db).await?;
        let followed = match &held {
            Some(held) => {
                let holes: Vec<i64> = following.log_gaps.keys().copied().collect();
                loader::load_changes(&moment, &held.newest, &holes).await?
            }
            None => LogUpdate::ReloadRequired,
        };
        let mut altered = Vec::new();
        let newer = match followed {
            LogUpdate::UpToDate => None,
            LogUpdate::Updated(live, changed) => {
                let some = changed.initiatives.chunks(INITIATIVES_PER_EVENT);
                altered.extend(some.map(|ids| AlteredEvent::Initiatives(ids.into())));
                Some(following.apply_changes(live, &changed))
            }
            LogUpdate::ReloadRequired => {
                let read = Arc::new(loader::load_snapshot(&moment, progress).await?);
                tracing::info!(
                    initiatives = read.len(),
                    change = read.as_of.change_number,
                    "the evidence base is read"
                );
                // Its numbers of places and organisations are others.
                self.truth_cache.clear();
                *following = FollowState::default();
                altered.extend(held.is_some().then_some(AlteredEvent::Everything));
                Some(following.build_state(read))
            }
        };
        moment.commit().await?;
        following
            .log_gaps
            .retain(|_, since| since.elapsed() < LOG_GAP_TIMEOUT);
        if let Some(newer) = newer {
            let change = newer.newest.as_of.change_number;
            self.state.store(Some(Arc::new(newer)));
            self.newest.send_replace(change);
        }
        for one in altered {
            // Nobody may be there to be told.
            let _ = self.altered.send(one);
        }
        Ok(())
    }

    /// Notifies the engine, and all others in this process that follow the change log.
    pub const fn notifier(&self) -> &ChangeNotifier {
        &self.notifier
    }

    /// Hears the number of the newest change that was read.
    pub fn subscribe_newest(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }

    /// Hears of the initiatives that are altered from now on, once the engine has read it.
    pub fn subscribe_altered(&self) -> broadcast::Receiver<AlteredEvent> {
        self.altered.subscribe()
    }

    /// Follows the change log for as long as the process lives.
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
                // Either a change that we were told of, or time to look for those that we were not.
                let wait = if failed { POLL_INTERVAL } else { look_every };
                let _ = tokio::time::timeout(wait, self.notifier.notified()).await;
            }
        };
        tokio::join!(looking, self.listen_for_notifications(db));
    }

    /// Hears of changes that other processes make, where the database tells.
    async fn listen_for_notifications(&self, db: &DatabaseConnection) {
        if db.get_database_backend() != DbBackend::Postgres {
            return;
        }
        loop {
            let heard: Result<(), sea_orm::sqlx::Error> = async {
                let mut listener = PgListener::connect_with(db.get_postgres_connection_pool()).await?;
                listener.listen(NOTIFICATION_CHANNEL).await?;
                loop {
                    // None where the connection was lost and made anew: something may have been missed.
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

impl FollowState {
    /// Takes up what changed.
    fn apply_changes(&mut self, live: Snapshot, changed: &ChangeSummary) -> EngineState {
        let now = Instant::now();
        self.log_gaps = changed
            .log_gaps
            .iter()
            .map(|number| (*number, self.log_gaps.get(number).copied().unwrap_or(now)))
            .collect();
        let live = Arc::new(live);
        for release in self.staged.iter_mut().flatten() {
            release.stage_changes(&live, &changed.initiatives);
        }
        self.build_state(live)
    }

    /// What questions see from now on. What was just read for the first time is released.
    fn build_state(&mut self, live: Arc<Snapshot>) -> EngineState {
        let releases = self
            .staged
            .get_or_insert_with(|| Audience::ALL.map(|audience| StagedSnapshot::new(audience, &live)));
        EngineState {
            staged: releases.each_ref().map(|release| Arc::clone(release.snapshot())),
            newest: live,
        }
    }
}
