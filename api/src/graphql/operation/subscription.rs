//! Whether an operation over a connection has begun, and what a subscription may be.

use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::parser::types::{OperationDefinition, Selection};
use async_graphql::{ServerError, ServerResult};

/// Whether an operation was executed: what went wrong before that is told as an error of the
/// operation itself, and what goes wrong after it as a part of its answer.
#[derive(Debug, Default)]
pub struct ExecutionStarted(AtomicBool);

impl ExecutionStarted {
    /// Notes that it is executed.
    pub(super) fn mark(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was.
    pub fn is_marked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A subscription has one field, which it names itself: what it is to is then plain from the start.
pub(super) fn check_single_root_field(operation: &OperationDefinition) -> ServerResult<()> {
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
