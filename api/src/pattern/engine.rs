//! The engine: keeps the index up to date with the change log, and answers questions
//! from it on threads of its own.
//!
//! Beside the newest snapshot one is held for each audience, which the records that are
//! hidden from it are counted by: see [`release`](wayin_engine::staged_snapshot).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::change::{CHANNEL, ChangeNotifier};
use crate::database;
use crate::error::{Error, Result};
use crate::pattern::loader;
use crate::pattern::loader::{Changed, Followed};
use arc_swap::ArcSwapOption;
use rayon::{ThreadPool, ThreadPoolBuilder};
use sea_orm::{DatabaseConnection, DbBackend, sqlx::postgres::PgListener};
use tokio::sync::{Mutex, Semaphore, broadcast, oneshot, watch};
use uuid::Uuid;
use wayin_engine::cancellation::{Run, Stopped};
use wayin_engine::count::Base;
use wayin_engine::disclosure::cell_key::Noise;
use wayin_engine::index::Snapshot;
use wayin_engine::staged_snapshot::Release;
use wayin_engine::truth_cache::Kept;
use wayin_engine::visibility::Audience;

/// How long the engine waits before it looks for changes of which nobody has told it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The same on SQLite, which tells nobody: the look is one row by its key.
const LOOK_EVERY_SQLITE: Duration = Duration::from_millis(20);
/// How long a question may wait for a change.
const WAIT_FOR_CHANGE: Duration = Duration::from_secs(2);
/// After so long, a number that the log does not hold was rolled back.
const HOLE_FOR: Duration = Duration::from_mins(10);
/// How many initiatives are told of at once as altered, and how many such tellings may wait.
const TOLD_AT_ONCE: usize = 1_000;
const MOST_TELLINGS: usize = 256;

/// What the engine can be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a question may take.
    pub deadline: Duration,
    /// How protected counts are moved.
    pub noise: Noise,
    /// The licence under which answers may be used again, as SPDX names it.
    pub licence: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            noise: Noise::default(),
            licence: "CC-BY-4.0".into(),
        }
    }
}

/// What a reading of the change log found.
#[derive(Clone, Debug)]
pub enum Altered {
    /// Some initiatives were published, altered or withdrawn.
    Initiatives(Arc<[Uuid]>),
    /// The base was read anew: what of it is other than before, nobody can tell.
    Everything,
}

/// The base as questions see it.
struct Held {
    live: Arc<Snapshot>,
    /// What is released to each audience.
    released: [Arc<Snapshot>; Audience::ALL.len()],
}

/// The index of one base, read by many and followed by one.
pub struct Engine {
    held: ArcSwapOption<Held>,
    following: Mutex<Following>,
    newest: watch::Sender<i64>,
    notifier: ChangeNotifier,
    altered: broadcast::Sender<Altered>,
    kept: Kept,
    settings: Settings,
    pool: ThreadPool,
    /// As many questions as there are threads are worked on at once; the others wait.
    turns: Semaphore,
}

/// What is remembered from one reading of the log to the next.
#[derive(Default)]
struct Following {
    holes: HashMap<i64, Instant>,
    /// What is released to each audience; none before the base was read.
    releases: Option<[Release; Audience::ALL.len()]>,
}

impl Engine {
    /// An engine that has read nothing yet.
    ///
    /// # Errors
    /// [`Error::Internal`] where its threads cannot be started.
    pub fn new(settings: Settings) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("engine-{number}"))
            // Who waits for the answer is told that there is none; the service goes on.
            .panic_handler(|_| tracing::error!("a question could not be worked out: the engine panicked"))
            .build()
            .map_err(|cause| Error::Internal(format!("the engine's threads cannot be started: {cause}")))?;
        Ok(Self {
            held: ArcSwapOption::empty(),
            following: Mutex::default(),
            newest: watch::Sender::new(0),
            notifier: ChangeNotifier::default(),
            altered: broadcast::Sender::new(MOST_TELLINGS),
            kept: Kept::default(),
            settings,
            pool,
            turns: Semaphore::new(threads),
        })
    }

    /// The base as it was last read, without waiting for anything.
    ///
    /// # Errors
    /// [`Error::NotReady`] until the base was read for the first time.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>> {
        Ok(Arc::clone(&self.held()?.live))
    }

    fn held(&self) -> Result<Arc<Held>> {
        self.held.load_full().ok_or(Error::NotReady)
    }

    /// Whether the base was read.
    pub fn is_ready(&self) -> bool {
        self.held.load().is_some()
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
    /// [`Error::Late`] where it takes longer than the deadline, [`Error::NotReady`] until
    /// the base was read.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Base<'_>) -> Result<T, Stopped> + Send + 'static,
    ) -> Result<T> {
        let held = self.held()?;
        let (run, waiting) = Run::within(self.settings.deadline);
        let turn = tokio::time::timeout(self.settings.deadline, self.turns.acquire());
        let turn = turn.await.map_err(|_| Error::Late)?;
        let (tell, told) = oneshot::channel();
        let engine = Arc::clone(self);
        self.pool.spawn(move || {
            let base = Base {
                live: &held.live,
                released: held.released.each_ref().map(|snapshot| &**snapshot),
                kept: &engine.kept,
                noise: &engine.settings.noise,
                run: &run,
            };
            // Nobody may be there to be told any more.
            let _ = tell.send(work(base));
        });
        let answer = told.await;
        drop((turn, waiting));
        match answer {
            Ok(answer) => answer.map_err(|stopped| match stopped {
                Stopped::Late => Error::Late,
                Stopped::Abandoned => Error::Internal("a question that was waited for was abandoned".into()),
            }),
            Err(_) => Err(Error::Internal("a question could not be worked out".into())),
        }
    }

    /// Waits until the base is read up to a change.
    ///
    /// # Errors
    /// [`Error::BadInput`] where that takes too long.
    pub async fn wait_for(&self, change: i64) -> Result<()> {
        let mut newest = self.newest.subscribe();
        self.notifier.notify();
        let reached =
            tokio::time::timeout(WAIT_FOR_CHANGE, newest.wait_for(|number| *number >= change)).await;
        match reached {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::bad_input(
                "minChangeNumber",
                format!(
                    "change {change} was not read within {} seconds; the newest that was is {}",
                    WAIT_FOR_CHANGE.as_secs(),
                    *self.newest.borrow()
                ),
            )),
        }
    }

    /// Reads the base, or what was changed since it was read. `progress` is told how many
    /// initiatives were read so far, where the base is read whole.
    pub async fn catch_up(&self, db: &DatabaseConnection, progress: &(dyn Fn(usize) + Sync)) -> Result<()> {
        let mut following = self.following.lock().await;
        let held = self.held.load_full();
        if let Some(held) = &held
            && following.holes.is_empty()
            && loader::newest_change(db).await? == held.live.as_of
        {
            return Ok(());
        }
        let moment = database::begin_reading(db).await?;
        let followed = match &held {
            Some(held) => {
                let holes: Vec<i64> = following.holes.keys().copied().collect();
                loader::changes(&moment, &held.live, &holes).await?
            }
            None => Followed::Lost,
        };
        let mut altered = Vec::new();
        let newer = match followed {
            Followed::Nothing => None,
            Followed::To(live, changed) => {
                let some = changed.initiatives.chunks(TOLD_AT_ONCE);
                altered.extend(some.map(|ids| Altered::Initiatives(ids.into())));
                Some(following.take_up(live, &changed))
            }
            Followed::Lost => {
                let read = Arc::new(loader::everything(&moment, progress).await?);
                tracing::info!(
                    initiatives = read.len(),
                    change = read.as_of.change,
                    "the evidence base is read"
                );
                // Its numbers of places and organisations are others.
                self.kept.clear();
                *following = Following::default();
                altered.extend(held.is_some().then_some(Altered::Everything));
                Some(following.held(read))
            }
        };
        moment.commit().await?;
        following.holes.retain(|_, since| since.elapsed() < HOLE_FOR);
        if let Some(newer) = newer {
            let change = newer.live.as_of.change;
            self.held.store(Some(Arc::new(newer)));
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
    pub fn newest(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }

    /// Hears of the initiatives that are altered from now on, once the engine has read it.
    pub fn altered(&self) -> broadcast::Receiver<Altered> {
        self.altered.subscribe()
    }

    /// Follows the change log for as long as the process lives.
    pub async fn follow(&self, db: &DatabaseConnection, progress: &(dyn Fn(usize) + Sync)) {
        let look_every = match db.get_database_backend() {
            DbBackend::Sqlite => LOOK_EVERY_SQLITE,
            _ => LOOK_EVERY,
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
                let wait = if failed { LOOK_EVERY } else { look_every };
                let _ = tokio::time::timeout(wait, self.notifier.notified()).await;
            }
        };
        tokio::join!(looking, self.listen(db));
    }

    /// Hears of changes that other processes make, where the database tells.
    async fn listen(&self, db: &DatabaseConnection) {
        if db.get_database_backend() != DbBackend::Postgres {
            return;
        }
        loop {
            let heard: Result<(), sea_orm::sqlx::Error> = async {
                let mut listener = PgListener::connect_with(db.get_postgres_connection_pool()).await?;
                listener.listen(CHANNEL).await?;
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
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Following {
    /// Takes up what changed.
    fn take_up(&mut self, live: Snapshot, changed: &Changed) -> Held {
        let now = Instant::now();
        self.holes = changed
            .holes
            .iter()
            .map(|number| (*number, self.holes.get(number).copied().unwrap_or(now)))
            .collect();
        let live = Arc::new(live);
        for release in self.releases.iter_mut().flatten() {
            release.follow(&live, &changed.initiatives);
        }
        self.held(live)
    }

    /// What questions see from now on. What was just read for the first time is released.
    fn held(&mut self, live: Arc<Snapshot>) -> Held {
        let releases = self
            .releases
            .get_or_insert_with(|| Audience::ALL.map(|audience| Release::new(audience, &live)));
        Held {
            released: releases.each_ref().map(|release| Arc::clone(release.snapshot())),
            live,
        }
    }
}
