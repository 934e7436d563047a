//! Every query has a deadline, whatever it is that takes long.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::{Error as GraphQlError, Pos, Response};

use crate::app::App;
use crate::error::Error;

/// Answers `QUERY_TIMEOUT` where an operation takes longer than it may; what was still
/// under way of it is dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline;

impl ExtensionFactory for Deadline {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Deadline {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let deadline = ctx.data_unchecked::<Arc<App>>().engine.deadline();
        match tokio::time::timeout(deadline, next.run(ctx, operation_name)).await {
            Ok(response) => response,
            Err(_) => Response::from_errors(vec![
                GraphQlError::from(Error::Late).into_server_error(Pos::default()),
            ]),
        }
    }
}
