//! How many connections somebody has at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::graphql::operation::cost::RateLimitKey;

/// The connections that are open, by who would pay for what is asked over them.
#[derive(Debug, Default)]
pub struct ConnectionRegistry(Mutex<HashMap<RateLimitKey, usize>>);

/// A place among somebody's connections, for as long as it is held.
#[derive(Debug)]
pub struct ConnectionSlot {
    key: RateLimitKey,
    connections: Arc<ConnectionRegistry>,
}

impl ConnectionRegistry {
    /// A place for one more; none where somebody has that many already.
    pub fn acquire(self: &Arc<Self>, of: RateLimitKey, most: usize) -> Option<ConnectionSlot> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(of).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(ConnectionSlot {
            key: of,
            connections: Arc::clone(self),
        })
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut held = self.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}
