//! Connections as Relay defines them: pages with cursors, and a total that is counted only if it is
//! requested.

use std::pin::Pin;

use async_graphql::{
    Object, Result,
    connection::{Connection as RelayConnection, EmptyFields},
};

use super::as_of::AsOf;
use crate::error::Error;

/// A page of nodes with the total number of nodes.
pub type NodeConnection<N> = RelayConnection<String, N, TotalCount, EmptyFields>;

type CountFuture = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send>>;

/// A page of a list that the index finds, with its total and its `asOf`.
pub type IndexedConnection<N> = RelayConnection<String, N, IndexedListFields, EmptyFields>;

/// The total number of items of a list, counted on request.
pub struct TotalCount(Box<dyn Fn() -> CountFuture + Send + Sync>);

impl TotalCount {
    /// A total that `count` computes.
    pub fn new<F>(count: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<u64, Error>> + Send + 'static,
    {
        Self(Box::new(move || Box::pin(count())))
    }

    /// A total that is already known.
    pub fn from_known(count: usize) -> Self {
        Self::new(move || std::future::ready(Ok(count as u64)))
    }

    async fn count(&self) -> Result<i32> {
        Ok(i32::try_from((self.0)().await?).unwrap_or(i32::MAX))
    }
}

#[Object]
impl TotalCount {
    /// The total number of items on all pages. Counted only if you request this field.
    async fn total_count(&self) -> Result<i32> {
        self.count().await
    }
}

/// The additional fields of a list that the index finds.
pub struct IndexedListFields {
    /// The total number of items.
    pub total: TotalCount,
    /// The newest change that the list includes.
    pub as_of: AsOf,
}

#[Object]
impl IndexedListFields {
    /// The total number of items on all pages. Counted only if you request this field.
    async fn total_count(&self) -> Result<i32> {
        self.total.count().await
    }

    /// The newest change that the list includes. All lists and answers of one operation include the same changes, unless
    /// `minChangeNumber` asks for later ones.
    async fn as_of(&self) -> AsOf {
        self.as_of
    }
}
