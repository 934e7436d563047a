//! The guard at the schema's door.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{ServerError, ServerResult, Variables};

use super::{Limits, escapes, measure, measure_value};
use crate::error::Error;

/// Measures each document before it is parsed, whichever way it came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guard;

impl ExtensionFactory for Guard {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Guard {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        if let Err(refused) = escapes::resolve(query) {
            return Err(ServerError::new(refused.to_string(), Some(refused.position)));
        }
        let limits = Limits::default();
        let measured = measure(query, &limits).map(drop);
        let measured = measured.and_then(|()| {
            let mut values = variables.values();
            values.try_for_each(|value| measure_value(value, &limits))
        });
        if let Err(excess) = measured {
            let mut error = ServerError::new(excess.to_string(), None);
            error.source = Some(Arc::new(Error::from(excess)));
            return Err(error);
        }
        next.run(ctx, query, variables).await
    }
}
