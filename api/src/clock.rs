//! The time and new ids. Passed to everything that needs them, so that tests and the demonstration can fix
//! both.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, SubsecRound as _, Utc};
use uuid::Uuid;

pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> DateTime<Utc>;

    /// A new UUIDv7, later than all earlier ones of this clock.
    fn new_id(&self) -> Uuid;
}

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        // Both databases store microseconds.
        Utc::now().trunc_subsecs(6)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that makes ids from the machine's clock"
    )]
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// A clock that always returns the same time, and the same ids in the same order.
#[derive(Debug)]
pub struct FixedClock {
    now: DateTime<Utc>,
    given: AtomicU64,
}

impl FixedClock {
    pub const fn at(now: DateTime<Utc>) -> Self {
        Self {
            now,
            given: AtomicU64::new(0),
        }
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        self.now
    }

    fn new_id(&self) -> Uuid {
        let count = self.given.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(self.now.timestamp_millis()).unwrap_or(0);
        let mut random = [0; 10];
        // A UUIDv7 has 12 bits before and 62 bits after the variant. Counting in them keeps the ids in order.
        random[2..].copy_from_slice(&(count & 0x3fff_ffff_ffff_ffff).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_gives_rising_ids_that_are_the_same_each_time() {
        let moment = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (first, second) = (FixedClock::at(moment), FixedClock::at(moment));
        let ids: Vec<_> = (0..1000).map(|_| first.new_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "ids rise");
        assert!(ids.iter().all(|id| *id == second.new_id()), "and repeat");
        assert_eq!(ids[0].get_version_num(), 7);
    }
}
