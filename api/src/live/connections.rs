//! How many connections somebody has at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// Who holds connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A member who has said who they are.
    Member(Uuid),
    /// Whoever has not, by the address that they connect from, where that is known.
    Address(Option<IpAddr>),
}

/// The connections that are open, by who holds them.
#[derive(Debug, Default)]
pub struct Connections(Mutex<HashMap<Holder, usize>>);

/// A place among somebody's connections, for as long as it is held.
#[derive(Debug)]
pub struct Place {
    of: Holder,
    connections: Arc<Connections>,
}

impl Connections {
    /// A place for one more; none where somebody has that many already.
    pub fn enter(self: &Arc<Self>, of: Holder, most: usize) -> Option<Place> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(of.clone()).or_default();
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
