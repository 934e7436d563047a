//! The cost of operations and how it is paid: a static [cost](estimate_cost) in points, computed before an
//! operation is executed, and a [rate limit](RateLimiter) for each requester. `docs/cost.md` explains it to
//! authors of dashboards.
//!
//! Each request first pays one point, so that invalid requests are not free. It pays the rest when its
//! document is valid. An operation that costs more than the maximum is rejected for every requester. Each
//! server process has its own rate limits, so with several processes they add up.

mod estimate;
pub mod graphql;
pub mod weights;

use std::borrow::Cow;

use async_graphql::Request;
use axum::http::{HeaderMap, HeaderName};
use chrono::{DateTime, Utc};

pub use self::estimate::{CostEstimate, count_comparisons, estimate_cost};
use super::client_ip::ClientIp;
use crate::error::{Error, RetryAfter};
use crate::graphql::operation::document_limits::escapes;
use crate::graphql::operation::persisted_queries::PersistedQueries;
pub use crate::graphql::operation::rate_limit::{
    Balance, BudgetExceeded, RateLimit, RateLimitKey, RateLimiter, RateLimits, network_prefix,
};

/// The settings for costs, rate limits and introspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostSettings {
    /// The maximum cost of one operation in points.
    pub max_points: u32,
    /// The rate limits.
    pub rates: RateLimits,
    /// The number of trusted proxies that a request passes. This many addresses from the right of
    /// `X-Forwarded-For` are trusted.
    pub trusted_hops: usize,
    /// Whether clients can request the schema.
    pub introspection: Introspection,
}

/// Whether clients can request the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// Everyone can, because the schema is published.
    Open,
    /// Nobody can, and no error reveals parts of the schema.
    Closed,
}

impl Default for CostSettings {
    fn default() -> Self {
        Self {
            max_points: 20_000,
            rates: RateLimits {
                token: RateLimit {
                    capacity: 30_000,
                    per_minute: 60_000,
                },
                address: RateLimit {
                    capacity: 15_000,
                    per_minute: 30_000,
                },
            },
            trusted_hops: 0,
            introspection: Introspection::Open,
        }
    }
}

/// The state of cost control in one server process.
pub struct CostControl {
    /// The settings.
    pub settings: CostSettings,
    /// The rate limiter.
    pub rate_limiter: RateLimiter,
    /// The persisted queries.
    pub persisted_queries: PersistedQueries,
}

impl CostControl {
    /// Creates a state with unused rate limits and no persisted queries.
    pub fn new(settings: CostSettings) -> Self {
        Self {
            settings,
            rate_limiter: RateLimiter::new(settings.rates),
            persisted_queries: PersistedQueries::default(),
        }
    }

    /// Adds the client IP and, for a persisted query, the document to a request.
    #[must_use]
    pub fn prepare_request(&self, caller: ClientIp, request: Request) -> Request {
        let mut request = request.data(caller);
        self.persisted_queries.resolve(&mut request);
        // An invalid escape is rejected when the document is parsed.
        if let Ok(Cow::Owned(resolved)) = escapes::resolve_escapes(&request.query) {
            request.query = resolved;
        }
        request
    }

    /// Charges the [minimum](weights::MIN_POINTS) for a request.
    ///
    /// # Errors
    /// [`Error::RateLimited`] if the payer does not have enough points now.
    pub fn reserve(&self, payer: RateLimitKey, now: DateTime<Utc>) -> Result<Balance, Error> {
        let paid = self.rate_limiter.spend(payer, weights::MIN_POINTS, now);
        paid.map_err(|spent| Error::RateLimited(RetryAfter(spent.seconds)))
    }

    /// Charges the rest of the cost to a payer who has paid the [minimum](weights::MIN_POINTS).
    ///
    /// # Errors
    /// [`Error::CostLimitExceeded`] if the cost is more than the payer can ever pay, and
    /// [`Error::RateLimited`] if it is more than the payer can pay now.
    pub fn settle(&self, payer: RateLimitKey, points: u32, now: DateTime<Utc>) -> Result<Balance, Error> {
        self.require_affordable(payer, points)?;
        let rest = points.saturating_sub(weights::MIN_POINTS);
        self.rate_limiter.spend(payer, rest, now).map_err(|_| {
            // A retry pays the minimum again.
            Error::RateLimited(RetryAfter(
                self.rate_limiter.seconds_until_available(payer, points, now),
            ))
        })
    }

    /// Checks that a payer could ever pay a cost.
    ///
    /// # Errors
    /// [`Error::CostLimitExceeded`] if not.
    pub fn require_affordable(&self, payer: RateLimitKey, points: u32) -> Result<(), Error> {
        let most = self
            .settings
            .max_points
            .min(self.rate_limiter.rate_limit(payer).capacity);
        if points > most {
            return Err(Error::CostLimitExceeded { points, most });
        }
        Ok(())
    }
}

impl Default for CostControl {
    fn default() -> Self {
        Self::new(CostSettings::default())
    }
}

/// The cost of the operation.
pub const COST_HEADER: HeaderName = HeaderName::from_static("query-cost");
/// The capacity of the rate limit.
pub const LIMIT_HEADER: HeaderName = HeaderName::from_static("ratelimit-limit");
/// The number of points left.
pub const REMAINING_HEADER: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// The number of seconds until all points are restored.
pub const RESET_HEADER: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Builds the headers with the cost and the state of the rate limit.
pub fn cost_headers(cost: u32, balance: &Balance) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(COST_HEADER, cost.into());
    headers.insert(LIMIT_HEADER, balance.rate.capacity.into());
    headers.insert(REMAINING_HEADER, balance.remaining.into());
    headers.insert(RESET_HEADER, balance.full_in().into());
    headers
}
