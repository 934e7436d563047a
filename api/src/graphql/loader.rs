//! Loads what the rows of a page refer to, all at once: each relation of a whole
//! page is one or two statements, however many rows there are.
//!
//! An operation is worked on until nothing more of it can be done without the base;
//! what was asked for by then is one wave, and is loaded together. So how often the
//! base is asked hangs on the shape of a query alone, and never on time.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use async_graphql::dataloader::Loader;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::{Context, Data, Response};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::AtomicWaker;
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, ModelTrait, QueryFilter, Select, sea_query::ValueType,
};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::error::Shared;
use crate::app::App;
use crate::auth::requester::{Member, Requester};
use crate::error::{Error, TokenError};
use wayin_engine::visibility::Reader;

/// What loading needs to know: where to read, and for whom. Each domain says for
/// its own keys what is loaded.
pub struct Loads {
    /// The base.
    pub db: DatabaseConnection,
    /// Who reads; none where nobody said, and then only what is public is loaded.
    pub reader: Option<Reader>,
}

impl Loads {
    /// Who reads.
    pub fn reader(&self) -> Result<Reader, Shared> {
        self.reader
            .ok_or_else(|| Error::Unauthenticated(TokenError::Missing).into())
    }
}

/// A key that [`Loads`] knows how to load.
pub trait Key: Send + Sync + Hash + Eq + Clone + 'static {}

impl<K: Send + Sync + Hash + Eq + Clone + 'static> Key for K {}

/// A key that loads the row with an id, if it is one of the rows that the reader may see.
pub trait RowKey: Key + Copy {
    /// The table.
    type Table: EntityTrait<Model: Sync>;
    /// The column of the id.
    const ID: <Self::Table as EntityTrait>::Column;

    /// The id.
    fn id(self) -> Uuid;
    /// The rows that the reader may see: all, unless the key says otherwise.
    fn rows(_: &Loads) -> Result<Select<Self::Table>, Shared> {
        Ok(Self::Table::find())
    }
}

impl<K: RowKey> Loader<K> for Loads {
    type Value = <K::Table as EntityTrait>::Model;
    type Error = Shared;

    async fn load(&self, keys: &[K]) -> Result<HashMap<K, Self::Value>, Shared> {
        let rows = K::rows(self)?.filter(K::ID.is_in(keys.iter().map(|key| key.id())));
        let mut found = HashMap::new();
        for row in rows.all(&self.db).await? {
            let id = <Uuid as ValueType>::try_from(row.get(K::ID));
            found.insert(id.map_err(|_| Error::Internal("a row has no id".into()))?, row);
        }
        let with_row = |key: &K| Some((*key, found.get(&key.id())?.clone()));
        Ok(keys.iter().filter_map(with_row).collect())
    }
}

/// Collects what one operation asks for, by the type of key.
pub struct Wanted {
    loads: Arc<Loads>,
    batches: Mutex<HashMap<TypeId, Box<dyn Batch>>>,
}

impl Wanted {
    fn new(loads: Loads) -> Self {
        Self {
            loads: Arc::new(loads),
            batches: Mutex::default(),
        }
    }

    /// Loads the value of a key, together with whatever else is wanted by then; none where there is none.
    pub async fn load_one<K: Key>(&self, key: K) -> Result<Option<<Loads as Loader<K>>::Value>, Shared>
    where
        Loads: Loader<K, Error = Shared>,
    {
        let (answer, answered) = oneshot::channel();
        self.ask(key, answer);
        answered.await.unwrap_or_else(|_| {
            let gone = "an operation ended before what it asked for was loaded";
            Err(Error::Internal(gone.into()).into())
        })
    }

    /// Loads the values of several keys; those that have none are left out.
    pub async fn load_many<K: Key>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<HashMap<K, <Loads as Loader<K>>::Value>, Shared>
    where
        Loads: Loader<K, Error = Shared>,
    {
        let each = keys
            .into_iter()
            .map(async |key| Ok::<_, Shared>((key.clone(), self.load_one(key).await?)));
        let found = futures_util::future::try_join_all(each).await?;
        Ok(found
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect())
    }

    fn ask<K: Key>(&self, key: K, answer: Answer<K>)
    where
        Loads: Loader<K, Error = Shared>,
    {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let batch: &mut dyn Any = &mut **batches
            .entry(TypeId::of::<K>())
            .or_insert_with(|| Box::new(Asked::<K>(Vec::new())));
        if let Some(Asked(asked)) = batch.downcast_mut() {
            asked.push((key, answer));
        }
    }

    /// What was asked for since the last wave.
    fn wave(&self) -> Vec<BoxFuture<'static, ()>> {
        let batches = std::mem::take(&mut *self.batches.lock().unwrap_or_else(PoisonError::into_inner));
        batches
            .into_values()
            .map(|batch| batch.load(Arc::clone(&self.loads)))
            .collect()
    }
}

/// Everything of one type of key that is asked for.
trait Batch: Any + Send {
    fn load(self: Box<Self>, loads: Arc<Loads>) -> BoxFuture<'static, ()>;
}

type Answer<K> = oneshot::Sender<Result<Option<<Loads as Loader<K>>::Value>, Shared>>;

struct Asked<K: Key>(Vec<(K, Answer<K>)>)
where
    Loads: Loader<K, Error = Shared>;

impl<K: Key> Batch for Asked<K>
where
    Loads: Loader<K, Error = Shared>,
{
    fn load(self: Box<Self>, loads: Arc<Loads>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let keys: HashSet<K> = self.0.iter().map(|(key, _)| key.clone()).collect();
            let keys: Vec<K> = keys.into_iter().collect();
            let loaded = loads.load(&keys).await;
            for (key, answer) in self.0 {
                let value = loaded
                    .as_ref()
                    .map(|values| values.get(&key).cloned())
                    .map_err(Shared::clone);
                // Whoever asked may have ended since.
                let _ = answer.send(value);
            }
        })
    }
}

/// The loader of an operation.
pub fn of<'a>(ctx: &Context<'a>) -> &'a Arc<Wanted> {
    ctx.data_unchecked::<Arc<Wanted>>()
}

/// Gives every operation a loader of its own, and loads what it asks for in waves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waves;

impl ExtensionFactory for Waves {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Waves {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let requester = ctx.data_unchecked::<Requester>();
        let wanted = Arc::new(Wanted::new(Loads {
            db: ctx.data_unchecked::<Arc<App>>().db.clone(),
            reader: requester.member().ok().map(Member::reader),
        }));
        let mut data = Data::default();
        data.insert(Arc::clone(&wanted));
        InWaves {
            work: Box::pin(next.run_with_data(ctx, operation_name, data)),
            woken: Arc::default(),
            wanted,
            loading: FuturesUnordered::new(),
        }
        .await
    }
}

/// An operation, and what it waits for.
struct InWaves<'a> {
    work: BoxFuture<'a, Response>,
    woken: Arc<Woken>,
    wanted: Arc<Wanted>,
    loading: FuturesUnordered<BoxFuture<'static, ()>>,
}

/// Whether an operation can go on.
#[derive(Default)]
struct Woken {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}

impl Future for InWaves<'_> {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Response> {
        let this = &mut *self;
        let waker = Waker::from(Arc::clone(&this.woken));
        this.woken.task.register(task.waker());
        loop {
            while let Poll::Ready(Some(())) = this.loading.poll_next_unpin(task) {}
            this.woken.woken.store(false, Ordering::SeqCst);
            if let Poll::Ready(response) = this.work.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
                return Poll::Ready(response);
            }
            // More can be done at once, or will be when what is being loaded is there.
            if this.woken.woken.load(Ordering::SeqCst) || !this.loading.is_empty() {
                return Poll::Pending;
            }
            let wave = this.wanted.wave();
            if wave.is_empty() {
                return Poll::Pending;
            }
            this.loading.extend(wave);
        }
    }
}
