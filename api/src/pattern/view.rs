//! Views of the index: the snapshots at one moment.

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio::sync::{Mutex, oneshot};
use wayin_engine::cancellation::{CancellationToken, Cancelled};
use wayin_engine::count::EvaluationContext;
use wayin_engine::index::AsOf;

use super::answer_cache::{CachedAnswer, Question};
use super::engine::{EngineState, PatternEngine};
use crate::error::{Error, Result};
use crate::store::record_cache::{CacheSession, RecordCache};

/// The snapshots at one moment. Everything that is read from one view agrees.
#[derive(Clone)]
pub struct IndexView {
    engine: Arc<PatternEngine>,
    state: Arc<EngineState>,
}

impl IndexView {
    pub(super) const fn new(engine: Arc<PatternEngine>, state: Arc<EngineState>) -> Self {
        Self { engine, state }
    }

    /// Runs a query on a thread of the engine. Cancels the query if the caller drops the future.
    ///
    /// # Errors
    /// [`Error::QueryTimeout`] if it takes longer than the deadline.
    pub async fn run_query<T: Send + 'static>(
        &self,
        work: impl FnOnce(EvaluationContext<'_>) -> Result<T, Cancelled> + Send + 'static,
    ) -> Result<T> {
        let settings = &self.engine.settings;
        let (cancellation, cancel_on_drop) = CancellationToken::with_timeout(settings.deadline);
        let permit = tokio::time::timeout(settings.deadline, self.engine.query_permits.acquire());
        let permit = permit.await.map_err(|_| Error::QueryTimeout)?;
        let (sender, receiver) = oneshot::channel();
        let view = self.clone();
        self.engine.pool.spawn(move || {
            let context = EvaluationContext {
                newest: &view.state.newest,
                classes: view.state.classes.each_ref().map(|classes| &**classes),
                truth_cache: &view.engine.truth_cache,
                noise: &view.engine.settings.perturbation,
                cancellation: &cancellation,
            };
            // Fails if the caller no longer waits.
            let _ = sender.send(work(context));
        });
        let answer = receiver.await;
        drop((permit, cancel_on_drop));
        match answer {
            Ok(answer) => answer.map_err(|cancelled| match cancelled {
                Cancelled::DeadlineExceeded => Error::QueryTimeout,
                Cancelled::Abandoned => Error::Internal("a query was abandoned while it was awaited".into()),
            }),
            Err(_) => Err(Error::Internal("a query panicked".into())),
        }
    }

    /// Answers a question with `work`, unless it was answered from the same snapshots before.
    ///
    /// # Errors
    /// As [`run_query`](Self::run_query).
    pub async fn answer<A: CachedAnswer>(
        &self,
        question: Question,
        work: impl FnOnce(EvaluationContext<'_>) -> Result<A, Cancelled> + Send + 'static,
    ) -> Result<A> {
        let (cache, question) = (&self.engine.answer_cache, Arc::new(question));
        if let Some(answer) = cache.get(self.state.serial, &question) {
            return Ok(answer);
        }
        let answer = self.run_query(work).await?;
        cache.insert(self.state.serial, question, answer.clone());
        Ok(answer)
    }

    /// The newest change that the view includes.
    pub fn as_of(&self) -> AsOf {
        self.state.newest.as_of
    }
}

/// The index as one operation sees it. The operation keeps the view that it reads first, so that all its lists and
/// answers agree.
pub struct OperationView {
    engine: Arc<PatternEngine>,
    db: DatabaseConnection,
    view: Mutex<Option<IndexView>>,
    cache_session: Mutex<Option<Arc<CacheSession>>>,
}

impl OperationView {
    /// The view of an operation that has read nothing yet.
    pub fn new(engine: Arc<PatternEngine>, db: DatabaseConnection) -> Self {
        Self {
            engine,
            db,
            view: Mutex::default(),
            cache_session: Mutex::default(),
        }
    }

    /// Forgets the view, as the operation is about to change what it has read.
    pub async fn forget(&self) {
        *self.view.lock().await = None;
        *self.cache_session.lock().await = None;
    }

    /// The cache of rows.
    pub fn record_cache(&self) -> &RecordCache {
        &self.engine.record_cache
    }

    /// The session of the cache. None if the operation has not started it, or is starting it now.
    pub fn started_cache_session(&self) -> Option<Arc<CacheSession>> {
        self.cache_session.try_lock().ok()?.clone()
    }

    /// The session of the cache that the operation reads rows in.
    ///
    /// # Errors
    /// If the change log cannot be read.
    pub async fn cache_session(&self) -> Result<Arc<CacheSession>> {
        let mut session = self.cache_session.lock().await;
        if let Some(session) = &*session {
            return Ok(Arc::clone(session));
        }
        let started = Arc::new(self.record_cache().start_session(&self.db).await?);
        *session = Some(Arc::clone(&started));
        Ok(started)
    }

    /// The view, which includes every change that this process has committed. If it does not include the change
    /// `min_change_number`, it is replaced by one that does.
    ///
    /// # Errors
    /// [`Error::NotReady`] until the records are loaded. [`Error::Unavailable`] if this process has not read its own
    /// changes within the deadline. [`Error::BadInput`] if the change does not come.
    pub async fn get(&self, min_change_number: Option<i64>) -> Result<IndexView> {
        let mut view = self.view.lock().await;
        let min_change_number = min_change_number.unwrap_or(0);
        if let Some(view) = &*view
            && view.as_of().change_number >= min_change_number
        {
            return Ok(view.clone());
        }
        self.engine.wait_for_own_changes(&self.db).await?;
        self.engine.wait_for_change(min_change_number).await?;
        let newest = self.engine.view()?;
        *view = Some(newest.clone());
        Ok(newest)
    }
}
