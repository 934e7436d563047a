//! Loads what the rows of a page refer to in batches: each relation of a whole page takes one or two
//! statements, whatever the number of rows.
//!
//! An operation runs until it can do nothing more without the database. All keys that it has requested by
//! then are loaded together, in one wave. So the number of statements depends only on the shape of the query,
//! not on timing.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use async_graphql::{Context, Response};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::AtomicWaker;
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, ModelTrait, QueryFilter, Select, sea_query::ValueType,
};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::SharedError;
use crate::app::App;
use crate::auth::requester::{AuthenticatedMember, Requester};
use crate::error::{Error, TokenError};
use crate::pattern::view::OperationView;
use crate::store::record_cache::CachedRow;
use crate::store::whole_records::load_by_id;
use wayin_engine::visibility::Reader;

/// What the loaders need: a database and a reader. Each domain defines what its own keys load.
pub struct LoaderContext {
    /// The database.
    pub db: DatabaseConnection,
    /// The reader. Without one, only public data is loaded.
    pub reader: Option<Reader>,
    /// The index as the operation sees it.
    pub view: Arc<OperationView>,
}

impl LoaderContext {
    /// Returns the reader.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if there is none.
    pub fn reader(&self) -> Result<Reader, SharedError> {
        self.reader
            .ok_or_else(|| Error::Unauthenticated(TokenError::Missing).into())
    }

    /// A row of the cache. None if it must be loaded.
    pub fn find_cached_row<R: CachedRow>(&self, id: Uuid) -> Option<Arc<R>> {
        let session = self.view.started_cache_session()?;
        self.view.record_cache().get(&session, id)
    }

    /// Loads rows by their ids, through the cache.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn load_cached_rows<E>(
        &self,
        ids: impl IntoIterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, Arc<E::Model>>, SharedError>
    where
        E: EntityTrait<Model: CachedRow + DeserializeOwned>,
    {
        let load = async |ids: &[Uuid]| Ok(load_by_id::<E>(&self.db, ids.iter().copied()).await?);
        self.load_through_cache(ids, |_| true, load).await
    }

    /// Loads rows by their ids: from the cache if they are there and `is_usable`, and the others with `load`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn load_through_cache<R: CachedRow>(
        &self,
        ids: impl IntoIterator<Item = Uuid>,
        is_usable: impl Fn(&R) -> bool,
        load: impl AsyncFnOnce(&[Uuid]) -> Result<HashMap<Uuid, R>, Error>,
    ) -> Result<HashMap<Uuid, Arc<R>>, SharedError> {
        let ids: BTreeSet<Uuid> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let (cache, session) = (self.view.record_cache(), self.view.cache_session().await?);
        let cached = |id: &Uuid| cache.get::<R>(&session, *id).filter(|row| is_usable(row));
        let mut rows: HashMap<Uuid, Arc<R>> = ids.iter().filter_map(|id| Some((*id, cached(id)?))).collect();
        let missing: Vec<Uuid> = ids.into_iter().filter(|id| !rows.contains_key(id)).collect();
        if !missing.is_empty() {
            let loaded = load(&missing).await?;
            let loaded: Vec<(Uuid, Arc<R>)> =
                loaded.into_iter().map(|(id, row)| (id, Arc::new(row))).collect();
            cache.insert(&session, loaded.iter().map(|(id, row)| (*id, row)));
            rows.extend(loaded);
        }
        Ok(rows)
    }
}

/// A key whose value is loaded in one batch with the other keys of its type.
pub trait LoaderKey: Send + Sync + Hash + Eq + Clone + 'static {
    /// What is loaded.
    type Value: Clone + Send + Sync + 'static;

    /// The value, if it is in memory.
    fn find_cached(&self, _: &LoaderContext) -> Option<Self::Value> {
        None
    }

    /// Loads the values of keys. Omits keys that have no value.
    fn load(
        context: &LoaderContext,
        keys: &[Self],
    ) -> impl Future<Output = Result<HashMap<Self, Self::Value>, SharedError>> + Send;
}

/// A key that loads the row with an id, if it is one of the rows that the reader may see.
pub trait RowLoaderKey: Send + Sync + Hash + Eq + Copy + 'static {
    /// The table.
    type Table: EntityTrait<Model: Sync>;
    /// The column of the id.
    const ID: <Self::Table as EntityTrait>::Column;

    /// The id.
    fn id(self) -> Uuid;
    /// Selects the rows that the reader may see. The default is all rows.
    fn select_rows(_: &LoaderContext) -> Result<Select<Self::Table>, SharedError> {
        Ok(Self::Table::find())
    }
}

impl<K: RowLoaderKey> LoaderKey for K {
    type Value = <K::Table as EntityTrait>::Model;

    async fn load(context: &LoaderContext, keys: &[K]) -> Result<HashMap<K, Self::Value>, SharedError> {
        let rows = K::select_rows(context)?.filter(K::ID.is_in(keys.iter().map(|key| key.id())));
        let mut found = HashMap::new();
        for row in rows.all(&context.db).await? {
            let id = <Uuid as ValueType>::try_from(row.get(K::ID));
            found.insert(id.map_err(|_| Error::Internal("a row has no id".into()))?, row);
        }
        let with_row = |key: &K| Some((*key, found.get(&key.id())?.clone()));
        Ok(keys.iter().filter_map(with_row).collect())
    }
}

/// The keys that one operation has requested, by their type.
pub struct PendingKeys {
    context: Arc<LoaderContext>,
    batches: Mutex<HashMap<TypeId, Box<dyn PendingBatch>>>,
}

impl PendingKeys {
    /// No keys yet, of an operation of this requester.
    pub fn new(app: &App, requester: &Requester) -> Self {
        let context = LoaderContext {
            db: app.db.clone(),
            view: Arc::new(OperationView::new(Arc::clone(&app.engine), app.db.clone())),
            reader: requester.member().ok().map(AuthenticatedMember::reader),
        };
        Self {
            context: Arc::new(context),
            batches: Mutex::default(),
        }
    }

    /// Executes the operation, and loads what it requests in waves.
    pub async fn load_during(self: Arc<Self>, work: impl Future<Output = Response> + Send) -> Response {
        BatchedExecution {
            work: Box::pin(work),
            wake_flag: Arc::default(),
            pending: self,
            loading: FuturesUnordered::new(),
        }
        .await
    }

    /// The index as the operation sees it.
    pub fn view(&self) -> &Arc<OperationView> {
        &self.context.view
    }

    /// Loads the value of a key: from memory if it is there, or else in one batch with the other keys of the wave. None
    /// if the key has no value.
    pub async fn load_one<K: LoaderKey>(&self, key: K) -> Result<Option<K::Value>, SharedError> {
        if let Some(value) = key.find_cached(&self.context) {
            return Ok(Some(value));
        }
        let (answer, answered) = oneshot::channel();
        self.request(key, answer);
        answered.await.unwrap_or_else(|_| {
            let gone = "an operation ended before what it asked for was loaded";
            Err(Error::Internal(gone.into()).into())
        })
    }

    /// Loads the values of several keys. Omits keys that have no value.
    pub async fn load_many<K: LoaderKey>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<HashMap<K, K::Value>, SharedError> {
        let each = keys
            .into_iter()
            .map(async |key| Ok::<_, SharedError>((key.clone(), self.load_one(key).await?)));
        let found = futures_util::future::try_join_all(each).await?;
        Ok(found
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect())
    }

    fn request<K: LoaderKey>(&self, key: K, answer: LoadSender<K>) {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let batch: &mut dyn Any = &mut **batches
            .entry(TypeId::of::<K>())
            .or_insert_with(|| Box::new(RequestedKeys::<K>(Vec::new())));
        if let Some(RequestedKeys(keys)) = batch.downcast_mut() {
            keys.push((key, answer));
        }
    }

    /// Takes the keys that were requested since the last wave.
    fn take_batches(&self) -> Vec<BoxFuture<'static, ()>> {
        let batches = std::mem::take(&mut *self.batches.lock().unwrap_or_else(PoisonError::into_inner));
        batches
            .into_values()
            .map(|batch| batch.load(Arc::clone(&self.context)))
            .collect()
    }
}

/// The requested keys of one type.
trait PendingBatch: Any + Send {
    fn load(self: Box<Self>, context: Arc<LoaderContext>) -> BoxFuture<'static, ()>;
}

type LoadSender<K> = oneshot::Sender<Result<Option<<K as LoaderKey>::Value>, SharedError>>;

struct RequestedKeys<K: LoaderKey>(Vec<(K, LoadSender<K>)>);

impl<K: LoaderKey> PendingBatch for RequestedKeys<K> {
    fn load(self: Box<Self>, context: Arc<LoaderContext>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let keys: HashSet<K> = self.0.iter().map(|(key, _)| key.clone()).collect();
            let keys: Vec<K> = keys.into_iter().collect();
            let loaded = K::load(&context, &keys).await;
            for (key, answer) in self.0 {
                let value = loaded
                    .as_ref()
                    .map(|values| values.get(&key).cloned())
                    .map_err(SharedError::clone);
                // The receiver may be gone by now.
                let _ = answer.send(value);
            }
        })
    }
}

/// Returns the loader of the operation.
pub fn operation_loader<'a>(ctx: &Context<'a>) -> &'a Arc<PendingKeys> {
    ctx.data_unchecked::<Arc<PendingKeys>>()
}

/// An operation and the batches that it waits for.
struct BatchedExecution<'a> {
    work: BoxFuture<'a, Response>,
    wake_flag: Arc<WakeFlag>,
    pending: Arc<PendingKeys>,
    loading: FuturesUnordered<BoxFuture<'static, ()>>,
}

/// Whether an operation can continue.
#[derive(Default)]
struct WakeFlag {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}

impl Future for BatchedExecution<'_> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Response> {
        let this = &mut *self;
        let waker = Waker::from(Arc::clone(&this.wake_flag));
        this.wake_flag.task.register(task.waker());
        loop {
            while let Poll::Ready(Some(())) = this.loading.poll_next_unpin(task) {}
            this.wake_flag.woken.store(false, Ordering::SeqCst);
            if let Poll::Ready(response) = this.work.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
                return Poll::Ready(response);
            }
            // The operation can continue now, or when the current batches are loaded.
            if this.wake_flag.woken.load(Ordering::SeqCst) || !this.loading.is_empty() {
                return Poll::Pending;
            }
            let wave = this.pending.take_batches();
            if wave.is_empty() {
                return Poll::Pending;
            }
            this.loading.extend(wave);
        }
    }
}
