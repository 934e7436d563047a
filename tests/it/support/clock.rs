//! A clock that tests advance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use wayin::clock::{Clock, SystemClock};

/// A clock that tests advance.
#[derive(Debug)]
pub struct ManualClock {
    since: DateTime<Utc>,
    by: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at the present moment.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            since: SystemClock.now(),
            by: AtomicI64::new(0),
        })
    }

    /// Moves the clock forward.
    pub fn advance_seconds(&self, seconds: i64) {
        self.by.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.since + TimeDelta::seconds(self.by.load(Ordering::SeqCst))
    }

    fn new_id(&self) -> Uuid {
        SystemClock.new_id()
    }
}
