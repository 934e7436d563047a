//! Time and new ids, handed to whatever needs them, so that tests and the
//! demonstration can hold both still.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, SubsecRound as _, Utc};
use uuid::Uuid;

/// Tells the time and makes ids.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> DateTime<Utc>;

    /// A UUIDv7 that was never given before, later than all that this clock gave.
    fn new_id(&self) -> Uuid;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        // In microseconds, as every database keeps it.
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

/// A clock that stands at one moment and gives the same ids in the same order each time.
#[derive(Debug)]
pub struct FixedClock {
    now: DateTime<Utc>,
    given: AtomicU64,
}

impl FixedClock {
    /// A clock that stands at `now`.
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
        // The first 12 bits of the ten bytes and the last 62 are the id's own;
        // counting upwards in them keeps the ids in order.
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
