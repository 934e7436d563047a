//! Connections as Relay defines them: pages with cursors, and a total that is counted only if it is
//! requested.

use std::pin::Pin;

use async_graphql::{
    Object, Result,
    connection::{Connection as RelayConnection, EmptyFields},
};

use crate::error::Error;

/// A page of nodes with the total number of nodes.
pub type NodeConnection<N> = RelayConnection<String, N, TotalCount, EmptyFields>;

type CountFuture = Pin<Box<dyn Future<Output = Result<u64, Error>> + Send>>;

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
}

#[Object]
impl TotalCount {
    /// The total number of items on all pages. Counted only if you request this field.
    async fn total_count(&self) -> Result<i32> {
        Ok(i32::try_from((self.0)().await?).unwrap_or(i32::MAX))
    }
}
