//! The change that an answer or a list includes.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use wayin_engine::index;

/// The newest change that an answer includes.
#[derive(Clone, Copy, SimpleObject)]
pub struct AsOf {
    /// The number of the newest change that the answer includes. 0 if there is none.
    change_number: i64,
    /// When that change was made (UTC). Null if there is none.
    changed_at: Option<DateTime<Utc>>,
}

impl From<index::AsOf> for AsOf {
    fn from(as_of: index::AsOf) -> Self {
        Self {
            change_number: as_of.change_number,
            changed_at: as_of.changed_at,
        }
    }
}
