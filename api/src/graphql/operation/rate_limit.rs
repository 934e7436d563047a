//! Budgets: leaky buckets, one for each payer, in memory that is bounded. Pure but for the moment that it is told.
//!
//! What was spent leaks away at a steady rate, and what has leaked away can be spent again; nobody can ever spend more
//! than the capacity and what leaks away meanwhile. All is counted in whole numbers, so that nothing is lost or won by
//! rounding.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use lru::LruCache;
use uuid::Uuid;

use super::client_ip::ClientIp;
use crate::auth::requester::{AuthenticatedMember, Requester};

/// How many microseconds a minute has: a point is counted in so many parts, so that at one point a minute a part leaks
/// away each microsecond.
const PARTS_PER_POINT: u128 = 60_000_000;
const MICROSECONDS_PER_SECOND: u128 = 1_000_000;

/// The most members whose spending is remembered.
const MAX_TOKENS: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();
/// The most addresses whose spending is remembered. One that is forgotten begins anew, and what they may spend
/// [together](ADDRESSES_TOGETHER) is remembered all the same.
const MAX_ADDRESSES: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();
/// How many addresses' worth all those without a token may spend together: whoever asks from one address after the
/// other gets no further than this, and takes nothing from those who have a token.
const ADDRESSES_TOGETHER: u32 = 50;

/// How much may be spent, and how fast it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The points that can be spent at once.
    pub capacity: u32,
    /// The points that come back in a minute.
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

/// The rates of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// That of each who sends a token.
    pub token: RateLimit,
    /// That of each address from which no token is sent.
    pub address: RateLimit,
}

/// Who pays for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateLimitKey {
    /// Who sends a token.
    Token(Uuid),
    /// Who sends none, by where they ask from; none where that is not known.
    Address(Option<IpAddr>),
}

impl RateLimitKey {
    /// Who pays for what is asked.
    pub fn from_request(requester: Option<&Requester>, caller: Option<&ClientIp>) -> Self {
        match requester {
            Some(Requester::Member(member)) => Self::from_member(member),
            _ => Self::Address(caller.and_then(|caller| caller.0).map(network_prefix)),
        }
    }

    /// Each token that was issued here pays by itself; those of other issuers, which come and go, pay as their member.
    pub fn from_member(member: &AuthenticatedMember) -> Self {
        Self::Token(member.token.unwrap_or(member.id))
    }
}

/// What one customer of a network has: a whole address of version 4, and the first half of one of version 6, as
/// anybody has 2^64 of these.
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

/// How a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The points that are left.
    pub remaining: u32,
    /// What it holds, and how fast it fills.
    pub rate: RateLimit,
}

impl Balance {
    /// How many points come back in a second.
    pub fn restores_per_second(&self) -> f64 {
        f64::from(self.rate.per_minute) / 60.0
    }

    /// In how many seconds all of it is there again, rounded up.
    pub fn full_in(&self) -> u64 {
        let missing = u64::from(self.rate.capacity.saturating_sub(self.remaining));
        (missing * 60).div_ceil(u64::from(self.rate.per_minute.max(1)))
    }
}

/// Why something cannot be paid for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetExceeded {
    /// In how many seconds it can be, at the earliest: at least one.
    pub seconds: u64,
    /// How the budget stands.
    pub balance: Balance,
}

/// What was spent at a rate and has not leaked away.
struct LeakyBucket {
    rate: RateLimit,
    /// In parts of a point.
    spent: u128,
    /// As of when, in microseconds.
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

    /// Lets leak away what does until now.
    fn leak(&mut self, now: i64) {
        let elapsed = u128::try_from(i128::from(now) - i128::from(self.at)).unwrap_or(0);
        self.spent = self
            .spent
            .saturating_sub(elapsed * u128::from(self.rate.per_minute));
        // After a clock is set back, time begins from there.
        self.at = now;
    }

    fn remaining(&self) -> u32 {
        let left =
            (u128::from(self.rate.capacity) * PARTS_PER_POINT).saturating_sub(self.spent) / PARTS_PER_POINT;
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// In how many seconds these points can be spent; none if they can be now.
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
    /// That of all addresses together.
    all_addresses: LeakyBucket,
}

/// The budgets of all who pay, kept by this process alone.
pub struct RateLimiter {
    /// The rates.
    pub rates: RateLimits,
    buckets: Mutex<LeakyBuckets>,
}

impl RateLimiter {
    /// Budgets of which nothing is spent.
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

    /// The rate of a payer.
    pub const fn rate_limit(&self, payer: RateLimitKey) -> RateLimit {
        match payer {
            RateLimitKey::Token(_) => self.rates.token,
            RateLimitKey::Address(_) => self.rates.address,
        }
    }

    /// Uses the buckets that the points of a payer come from, the payer's own first, and answers how that one is then.
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

    /// Spends points, all or none of them. More than the capacity can never be spent: that is for the caller to see.
    ///
    /// # Errors
    /// For how long there is not enough.
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

    /// Spends as much of these points as there is: for what is sent unasked, and cannot be refused.
    pub fn spend_available(&self, payer: RateLimitKey, mut points: u32, now: DateTime<Utc>) -> Balance {
        let ((), balance) = self.use_buckets(payer, now, |buckets| {
            for bucket in buckets {
                points = points.min(bucket.remaining());
                bucket.spend(points);
            }
        });
        balance
    }

    /// In how many seconds these points can be spent, at least one.
    pub fn seconds_until_available(&self, payer: RateLimitKey, points: u32, now: DateTime<Utc>) -> u64 {
        let (wait, _) = self.use_buckets(payer, now, |buckets| {
            buckets
                .iter()
                .filter_map(|bucket| bucket.seconds_until_available(points))
                .max()
        });
        wait.unwrap_or(1)
    }

    /// How a budget stands.
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
        // A clock that is set back gives nothing, and takes nothing.
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

    /// Over any window of time, at most the capacity and what comes back in that time is spent.
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
                        assert!(before.remaining < points, "it was refused with reason");
                        if dice.random_bool(0.1) {
                            now += later;
                            budgets
                                .spend(ADA, points, timestamp(now))
                                .expect("it waited as long as it was told");
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
