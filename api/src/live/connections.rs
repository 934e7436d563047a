//! How many connections somebody has at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::graphql::operation::cost::Payer;

/// The connections that are open, by who would pay for what is asked over them.
#[derive(Debug, Default)]
pub struct Connections(Mutex<HashMap<Payer, usize>>);

/// A place among somebody's connections, for as long as it is held.
#[derive(Debug)]
pub struct Place {
    of: Payer,
    connections: Arc<Connections>,
}

impl Connections {
    /// A place for one more; none where somebody has that many already.
    pub fn enter(self: &Arc<Self>, of: Payer, most: usize) -> Option<Place> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(of).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place {
            of,
            connections: Arc::clone(self),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.of);
            }
        }
    }
}
