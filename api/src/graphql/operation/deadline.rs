//! The deadline of an operation, whatever makes it slow.

use std::future::Future;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Error as GraphQlError, Pos, Response};

use crate::error::Error;

/// The deadline of a mutation as a multiple of the deadline of a query. A mutation that changes many rows
/// takes long, and if it is cancelled it changes nothing.
const MUTATION_FACTOR: u32 = 12;

/// Returns how long an operation may take. `of_query` is how long a query may take.
pub fn operation_deadline(operation_type: Option<OperationType>, of_query: Duration) -> Duration {
    match operation_type {
        Some(OperationType::Mutation) => of_query * MUTATION_FACTOR,
        Some(OperationType::Query | OperationType::Subscription) | None => of_query,
    }
}

/// Returns the response, or `QUERY_TIMEOUT` if it takes longer than the deadline. The unfinished work is then
/// cancelled.
pub async fn respond_within(deadline: Duration, response: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(deadline, response).await {
        Ok(response) => response,
        Err(_) => Response::from_errors(vec![
            GraphQlError::from(Error::QueryTimeout).into_server_error(Pos::default()),
        ]),
    }
}
