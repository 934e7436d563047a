//! Rate limits: one leaky bucket for each payer, in a limited amount of memory. Callers pass the current
//! time, so the results depend only on the arguments and earlier calls.
//!
//! Spent points leak away at a constant rate and can then be spent again. Nobody can ever spend more than the
//! capacity plus what leaks away in the meantime. All arithmetic uses whole numbers, so rounding neither
//! loses nor creates points.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use lru::LruCache;
use uuid::Uuid;

use super::client_ip::ClientIp;
use crate::auth::requester::{AuthenticatedMember, Requester};

/// The number of microseconds in a minute. A point is divided into this many parts, so at one point per
/// minute, one part leaks away each microsecond.
const PARTS_PER_POINT: u128 = 60_000_000;
const MICROSECONDS_PER_SECOND: u128 = 1_000_000;

/// The maximum number of tokens whose buckets are stored.
const MAX_TOKENS: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();
/// The maximum number of addresses whose buckets are stored. An address that is removed starts with a full
/// limit again, but the [joint limit](ADDRESSES_TOGETHER) still applies.
const MAX_ADDRESSES: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();
/// The joint limit of all requests without a token, as a multiple of the limit of one address. Someone who
/// changes addresses cannot exceed it, and takes nothing from those who have a token.
const ADDRESSES_TOGETHER: u32 = 50;

/// A rate limit: the maximum number of points, and how fast they are restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The maximum number of points that can be spent at once.
    pub capacity: u32,
    /// The number of points restored per minute.
    pub per_minute: u32,
}

impl RateLimit {
    const fn multiply(self, times: u32) -> Self {
        Self {
            capacity: self.capacity.saturating_mul(times),
            per_minute: self.per_minute.saturating_mul(times),
        }
    }
}

/// The rate limits of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// The limit of each token.
    pub token: RateLimit,
    /// The limit of each address that sends requests without a token.
    pub address: RateLimit,
}

/// The payer of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateLimitKey {
    /// A token, or the member that it identifies.
    Token(Uuid),
    /// The address of a request without a token. None if it is not known.
    Address(Option<IpAddr>),
}

impl RateLimitKey {
    /// Determines the payer of a request.
    pub fn from_request(requester: Option<&Requester>, caller: Option<&ClientIp>) -> Self {
        match requester {
            Some(Requester::Member(member)) => Self::from_member(member),
            _ => Self::Address(caller.and_then(|caller| caller.0).map(network_prefix)),
        }
    }

    /// Each token that this service issued has its own limit. Tokens of other issuers change often, so they
    /// share the limit of their member.
    pub fn from_member(member: &AuthenticatedMember) -> Self {
        Self::Token(member.token.unwrap_or(member.id))
    }
}

/// Returns the part of an address that identifies one customer of a network: all of an IPv4 address, and the
/// first half of an IPv6 address, because one customer has 2^64 of these.
pub fn network_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut segments = address.segments();
            segments[4..].fill(0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The balance of a payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The number of points left.
    pub remaining: u32,
    /// The rate limit.
    pub rate: RateLimit,
}

impl Balance {
    /// The number of points restored per second.
    pub fn restores_per_second(&self) -> f64 {
        f64::from(self.rate.per_minute) / 60.0
    }

    /// The number of seconds until all points are restored, rounded up.
    pub fn full_in(&self) -> u64 {
        let missing = u64::from(self.rate.capacity.saturating_sub(self.remaining));
        (missing * 60).div_ceil(u64::from(self.rate.per_minute.max(1)))
    }
}

/// There are not enough points at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetExceeded {
    /// The number of seconds until there are enough points, at least 1.
    pub seconds: u64,
    /// The balance of the payer.
    pub balance: Balance,
}

/// The spent points that have not leaked away yet.
struct LeakyBucket {
    rate: RateLimit,
    /// In parts of a point (`PARTS_PER_POINT`).
    spent: u128,
    /// The time of the last update, in microseconds since the Unix epoch.
    at: i64,
}

impl LeakyBucket {
    const fn new(rate: RateLimit) -> Self {
        Self {
            rate,
            spent: 0,
            at: 0,
        }
    }

    /// Removes the points that have leaked away by now.
    fn leak(&mut self, now: i64) {
        let elapsed = u128::try_from(i128::from(now) - i128::from(self.at)).unwrap_or(0);
        self.spent = self
            .spent
            .saturating_sub(elapsed * u128::from(self.rate.per_minute));
        // If the clock was set back, time continues from the new time.
        self.at = now;
    }

    fn remaining(&self) -> u32 {
        let left =
            (u128::from(self.rate.capacity) * PARTS_PER_POINT).saturating_sub(self.spent) / PARTS_PER_POINT;
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// The number of seconds until these points can be spent. None if they can be spent now.
    fn seconds_until_available(&self, points: u32) -> Option<u64> {
        let after = self.spent + u128::from(points) * PARTS_PER_POINT;
        let over = after.saturating_sub(u128::from(self.rate.capacity) * PARTS_PER_POINT);
        if over == 0 {
            return None;
        }
        let microseconds = over.div_ceil(u128::from(self.rate.per_minute.max(1)));
        let seconds = microseconds.div_ceil(MICROSECONDS_PER_SECOND);
        Some(u64::try_from(seconds).unwrap_or(u64::MAX).max(1))
    }

    fn spend(&mut self, points: u32) {
        self.spent += u128::from(points) * PARTS_PER_POINT;
    }
}

struct LeakyBuckets {
    tokens: LruCache<Uuid, LeakyBucket>,
    addresses: LruCache<Option<IpAddr>, LeakyBucket>,
    /// The bucket that all addresses share.
    all_addresses: LeakyBucket,
}

/// The rate limiter. Each process has its own buckets.
pub struct RateLimiter {
    /// The rate limits.
    pub rates: RateLimits,
    buckets: Mutex<LeakyBuckets>,
}

impl RateLimiter {
    /// Creates a rate limiter with unused limits.
    pub fn new(rates: RateLimits) -> Self {
        Self {
            rates,
            buckets: Mutex::new(LeakyBuckets {
                tokens: LruCache::new(MAX_TOKENS),
                addresses: LruCache::new(MAX_ADDRESSES),
                all_addresses: LeakyBucket::new(rates.address.multiply(ADDRESSES_TOGETHER)),
            }),
        }
    }

    /// Returns the rate limit of a payer.
    pub const fn rate_limit(&self, payer: RateLimitKey) -> RateLimit {
        match payer {
            RateLimitKey::Token(_) => self.rates.token,
            RateLimitKey::Address(_) => self.rates.address,
        }
    }

    /// Calls `act` with the buckets of a payer, the payer's own first. Returns the balance of that one
    /// afterwards.
    fn use_buckets<T>(
        &self,
        payer: RateLimitKey,
        now: DateTime<Utc>,
        act: impl FnOnce(&mut [&mut LeakyBucket]) -> T,
    ) -> (T, Balance) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let LeakyBuckets {
            tokens,
            addresses,
            all_addresses: together,
        } = &mut *buckets;
        let (rate, now) = (self.rate_limit(payer), now.timestamp_micros());
        let act = |buckets: &mut [&mut LeakyBucket]| {
            buckets.iter_mut().for_each(|bucket| bucket.leak(now));
            let done = act(buckets);
            let remaining = buckets[0].remaining();
            (done, Balance { remaining, rate })
        };
        match payer {
            RateLimitKey::Token(id) => act(&mut [tokens.get_or_insert_mut(id, || LeakyBucket::new(rate))]),
            RateLimitKey::Address(address) => {
                let own = addresses.get_or_insert_mut(address, || LeakyBucket::new(rate));
                act(&mut [own, together])
            }
        }
    }

    /// Spends all of these points or none. Callers check that the number is not above the capacity, because
    /// it could never be spent.
    ///
    /// # Errors
    /// [`BudgetExceeded`] if there are not enough points, with the time to wait.
    pub fn spend(
        &self,
        payer: RateLimitKey,
        points: u32,
        now: DateTime<Utc>,
    ) -> Result<Balance, BudgetExceeded> {
        let (wait, balance) = self.use_buckets(payer, now, |buckets| {
            let wait = buckets
                .iter()
                .filter_map(|bucket| bucket.seconds_until_available(points))
                .max();
            if wait.is_none() {
                buckets.iter_mut().for_each(|bucket| bucket.spend(points));
            }
            wait
        });
        match wait {
            None => Ok(balance),
            Some(seconds) => Err(BudgetExceeded { seconds, balance }),
        }
    }

    /// Spends these points as far as available, for responses that cannot be refused because the server sends
    /// them.
    pub fn spend_available(&self, payer: RateLimitKey, mut points: u32, now: DateTime<Utc>) -> Balance {
        let ((), balance) = self.use_buckets(payer, now, |buckets| {
            for bucket in buckets {
                points = points.min(bucket.remaining());
                bucket.spend(points);
            }
        });
        balance
    }

    /// The number of seconds until these points can be spent, at least 1.
    pub fn seconds_until_available(&self, payer: RateLimitKey, points: u32, now: DateTime<Utc>) -> u64 {
        let (wait, _) = self.use_buckets(payer, now, |buckets| {
            buckets
                .iter()
                .filter_map(|bucket| bucket.seconds_until_available(points))
                .max()
        });
        wait.unwrap_or(1)
    }

    /// Returns the balance of a payer.
    pub fn balance(&self, payer: RateLimitKey, now: DateTime<Utc>) -> Balance {
        self.spend_available(payer, 0, now)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    fn timestamp(microseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_700_000_000_000_000 + microseconds).unwrap()
    }

    fn rate_limiter(capacity: u32, per_minute: u32) -> RateLimiter {
        let rate = RateLimit { capacity, per_minute };
        RateLimiter::new(RateLimits {
            token: rate,
            address: rate,
        })
    }

    const ADA: RateLimitKey = RateLimitKey::Token(Uuid::from_u128(1));
    const BEN: RateLimitKey = RateLimitKey::Token(Uuid::from_u128(2));

    #[test]
    fn spent_points_are_restored() {
        let budgets = rate_limiter(100, 60);
        assert_eq!(budgets.spend(ADA, 70, timestamp(0)).unwrap().remaining, 30);
        let spent = budgets.spend(ADA, 40, timestamp(0)).unwrap_err();
        assert_eq!((spent.seconds, spent.balance.remaining), (10, 30));
        assert_eq!(
            budgets.spend(ADA, 40, timestamp(9_999_999)).unwrap_err().seconds,
            1
        );
        assert_eq!(
            budgets.spend(ADA, 40, timestamp(10_000_000)).unwrap().remaining,
            0
        );
        assert_eq!(budgets.balance(ADA, timestamp(60_000_000)).remaining, 50);
        assert_eq!(budgets.balance(ADA, timestamp(60_000_000)).full_in(), 50);
        assert_eq!(budgets.balance(ADA, timestamp(600_000_000)).remaining, 100);
        // Setting the clock back neither adds nor removes points.
        assert_eq!(budgets.balance(ADA, timestamp(0)).remaining, 100);
    }

    #[test]
    fn rate_limits_are_independent() {
        let budgets = rate_limiter(10, 60);
        assert_eq!(budgets.spend(ADA, 10, timestamp(0)).unwrap().remaining, 0);
        assert_eq!(budgets.spend(BEN, 10, timestamp(0)).unwrap().remaining, 0);
        assert!(budgets.spend(ADA, 1, timestamp(0)).is_err());
    }

    #[test]
    fn spending_available_points_never_goes_below_zero() {
        let budgets = rate_limiter(10, 60);
        assert_eq!(budgets.spend_available(ADA, 7, timestamp(0)).remaining, 3);
        assert_eq!(budgets.spend_available(ADA, 7, timestamp(0)).remaining, 0);
        assert_eq!(budgets.spend(ADA, 1, timestamp(0)).unwrap_err().seconds, 1);
        assert_eq!(budgets.balance(ADA, timestamp(1_000_000)).remaining, 1);
    }

    /// In any period, the points spent are at most the capacity plus the points restored in that period.
    #[test]
    fn spending_in_any_window_is_bounded() {
        let mut dice = StdRng::seed_from_u64(7);
        for _ in 0..50 {
            let (capacity, per_minute) = (dice.random_range(1..1_000), dice.random_range(1..100_000));
            let budgets = rate_limiter(capacity, per_minute);
            let mut now: i64 = 0;
            let mut spent: Vec<(i64, u32)> = Vec::new();
            for _ in 0..300 {
                now += dice.random_range(0..100_000);
                let points = dice.random_range(0..=capacity);
                match budgets.spend(ADA, points, timestamp(now)) {
                    Ok(_) => spent.push((now, points)),
                    Err(wait) => {
                        let later = i64::try_from(wait.seconds).unwrap() * 1_000_000;
                        let before = budgets.balance(ADA, timestamp(now));
                        assert!(
                            before.remaining < points,
                            "it was refused although enough remained"
                        );
                        if dice.random_bool(0.1) {
                            now += later;
                            budgets
                                .spend(ADA, points, timestamp(now))
                                .expect("the wait in the refusal is long enough");
                            spent.push((now, points));
                        }
                    }
                }
            }
            for from in 0..spent.len() {
                let mut sum: i128 = 0;
                for (moment, points) in &spent[from..] {
                    sum += i128::from(*points);
                    let restored = i128::from(moment - spent[from].0) * i128::from(per_minute);
                    assert!(
                        sum * 60_000_000 <= i128::from(capacity) * 60_000_000 + restored,
                        "{capacity} and {per_minute} a minute"
                    );
                }
            }
        }
    }

    #[test]
    fn anonymous_addresses_are_bounded_in_number_and_in_total() {
        let budgets = rate_limiter(10, 60);
        let address = |number: u32| RateLimitKey::Address(Some(Ipv4Addr::from_bits(number).into()));
        for number in 0..ADDRESSES_TOGETHER {
            assert_eq!(
                budgets
                    .spend(address(number), 10, timestamp(0))
                    .unwrap()
                    .remaining,
                0
            );
        }
        let all: u32 = (0..100_000)
            .filter(|number| budgets.spend(address(1_000 + number), 1, timestamp(0)).is_ok())
            .map(|_| 1)
            .sum();
        assert_eq!(all, 0, "no more than fifty addresses' worth");
        let remembered = budgets.buckets.lock().unwrap().addresses.len();
        assert!(remembered <= MAX_ADDRESSES.get());
        assert!(
            budgets.spend(ADA, 10, timestamp(0)).is_ok(),
            "members are not in their way"
        );
    }

    #[test]
    fn addresses_are_grouped_by_customer_network() {
        let of = |text: &str| RateLimitKey::from_request(None, Some(&ClientIp(Some(text.parse().unwrap()))));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
