//! Every operation has a deadline, whatever it is that takes long.

use std::future::Future;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Error as GraphQlError, Pos, Response};

use crate::error::Error;

/// How many times as long as a query a mutation may take: one that alters many rows is long at it, and is not
/// done at all where it is dropped.
const MUTATION_FACTOR: u32 = 12;

/// How long an operation may take, if a query may take `of_query`.
pub fn operation_deadline(operation_type: Option<OperationType>, of_query: Duration) -> Duration {
    match operation_type {
        Some(OperationType::Mutation) => of_query * MUTATION_FACTOR,
        Some(OperationType::Query | OperationType::Subscription) | None => of_query,
    }
}

/// The response, or `QUERY_TIMEOUT` if it takes longer than the deadline; what was still under way is then dropped.
pub async fn respond_within(deadline: Duration, response: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(deadline, response).await {
        Ok(response) => response,
        Err(_) => Response::from_errors(vec![
            GraphQlError::from(Error::QueryTimeout).into_server_error(Pos::default()),
        ]),
    }
}
