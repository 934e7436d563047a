//! Operations over a connection: whether one has begun, and what a subscription may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery};
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection};
use async_graphql::{Response, ServerError, ServerResult, Variables};

/// Whether an operation was executed: what went wrong before that is told as an error of the
/// operation itself, and what goes wrong after it as a part of its answer.
#[derive(Debug, Default)]
pub struct Begun(AtomicBool);

impl Begun {
    /// Whether it was.
    pub fn is_noted(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Takes note of operations that begin, and refuses subscriptions that are not to one field.
#[derive(Clone, Copy, Debug, Default)]
pub struct Operations;

impl ExtensionFactory for Operations {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Operations {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        for (_, operation) in document.operations.iter() {
            if operation.node.ty == OperationType::Subscription {
                to_one_field(&operation.node)?;
            }
        }
        Ok(document)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let Some(Begun(begun)) = ctx.data_opt::<Arc<Begun>>().map(|begun| &**begun) {
            begun.store(true, Ordering::SeqCst);
        }
        next.run(ctx, operation_name).await
    }
}

/// A subscription has one field, which it names itself: what it is to is then plain from the start.
fn to_one_field(operation: &OperationDefinition) -> ServerResult<()> {
    let items = &operation.selection_set.node.items;
    let reason = match &items[..] {
        [one] => match &one.node {
            Selection::Field(field) if field.node.name.node.starts_with("__") => {
                "a subscription is to a field of its own, and not to what the schema says"
            }
            Selection::Field(_) => return Ok(()),
            _ => "a subscription names its field itself, and not in a fragment",
        },
        _ => "a subscription is to one field alone",
    };
    let at = items.get(1).or(items.first()).map(|item| item.pos);
    Err(ServerError::new(reason, at))
}
