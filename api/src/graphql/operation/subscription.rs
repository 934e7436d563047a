//! Whether a subscription has started, and which subscriptions are allowed.

use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::parser::types::{OperationDefinition, Selection};
use async_graphql::{ServerError, ServerResult};

/// Whether the first event of a subscription has started to execute. Errors before that are reported as errors of
/// the operation itself, later errors as part of its response.
#[derive(Debug, Default)]
pub struct ExecutionStarted(AtomicBool);

impl ExecutionStarted {
    /// Records that the operation is executed.
    pub fn mark(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the operation was executed.
    pub fn is_marked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Checks that a subscription has exactly one field, outside fragments, so that its subject is clear from the
/// start.
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
