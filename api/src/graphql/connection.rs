//! Relay's connections: pages with cursors, and a total that is counted only when asked for.

use std::pin::Pin;

use async_graphql::{
    Object, Result,
    connection::{Connection as RelayConnection, EmptyFields},
};

use crate::error::Error;

/// A page of nodes, with the number of them all.
pub type NodeConnection<N> = RelayConnection<String, N, TotalCount, EmptyFields>;

type CountFuture = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send>>;

/// Counts a list when it is asked to.
pub struct TotalCount(Box<dyn Fn() -> CountFuture + Send + Sync>);

impl TotalCount {
    /// A total that `count` works out.
    pub fn new<F>(count: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<u64, Error>> + Send + 'static,
    {
        Self(Box::new(move || Box::pin(count())))
    }

    /// A total that is known already.
    pub fn from_known(count: usize) -> Self {
        Self::new(move || std::future::ready(Ok(count as u64)))
    }
}

#[Object]
impl TotalCount {
    /// The total number of items on all pages. Counted only if you request this field.
    async fn total_count(&self) -> Result<i32> {
        Ok(i32::try_from((self.0)().await?).unwrap_or(i32::MAX))
    }
}
