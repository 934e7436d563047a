//! Limits the number of connections of each client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::graphql::operation::cost::RateLimitKey;

/// The number of open connections by rate limit key.
#[derive(Debug, Default)]
pub struct ConnectionRegistry(Mutex<HashMap<RateLimitKey, usize>>);

/// A counted connection. It is released when this is dropped.
#[derive(Debug)]
pub struct ConnectionSlot {
    key: RateLimitKey,
    connections: Arc<ConnectionRegistry>,
}

impl ConnectionRegistry {
    /// Counts one more connection. None if the client has the maximum number.
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
