//! Every operation has a deadline, whatever it is that takes long.

use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery};
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Error as GraphQlError, Pos, Response, ServerResult, Variables};

use crate::app::App;
use crate::error::Error;

/// How many times as long as a query a mutation may take: one that alters many rows is long at it, and is not
/// done at all where it is dropped.
const MUTATIONS_TAKE: u32 = 12;

/// Answers `QUERY_TIMEOUT` where an operation takes longer than it may; what was still
/// under way of it is dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline;

impl ExtensionFactory for Deadline {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OfOne::default())
    }
}

/// The deadline of one request.
#[derive(Debug, Default)]
struct OfOne {
    /// The names of the mutations in its document.
    mutations: OnceLock<Vec<Option<String>>>,
}

impl OfOne {
    /// Whether the operation that is executed is a mutation.
    fn mutates(&self, operation: Option<&str>) -> bool {
        let mutations = self.mutations.get().map_or(&[][..], Vec::as_slice);
        mutations
            .iter()
            .any(|name| operation.is_none() || name.as_deref() == operation)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for OfOne {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        let operations = document.operations.iter();
        let mutations = operations
            .filter(|(_, operation)| operation.node.ty == OperationType::Mutation)
            .map(|(name, _)| name.map(ToString::to_string));
        // A request is parsed once.
        let _ = self.mutations.set(mutations.collect());
        Ok(document)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let mut deadline = ctx.data_unchecked::<Arc<App>>().engine.deadline();
        if self.mutates(operation_name) {
            deadline *= MUTATIONS_TAKE;
        }
        match tokio::time::timeout(deadline, next.run(ctx, operation_name)).await {
            Ok(response) => response,
            Err(_) => Response::from_errors(vec![
                GraphQlError::from(Error::Late).into_server_error(Pos::default()),
            ]),
        }
    }
}
