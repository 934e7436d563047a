//! What operations cost, and who pays for it: a static [weight](estimate_cost) in points, worked out before anything is
//! executed, and a [budget](RateLimiter) for each who asks. `docs/cost.md` tells it to those who write dashboards.
//!
//! Every request pays a point first, so that garbage is not free, and the rest of its points once its document is found
//! right. An operation that weighs more than any may is refused, whoever asks. Budgets are kept by each server process
//! for itself: what several of them allow is the sum.

mod estimate;
pub mod graphql;
pub mod weights;

use std::borrow::Cow;

use async_graphql::Request;
use axum::http::{HeaderMap, HeaderName};
use chrono::{DateTime, Utc};

pub use self::estimate::{CostEstimate, FieldTypes, count_comparisons, estimate_cost};
use super::client_ip::ClientIp;
use crate::error::{Error, RetryAfter};
use crate::graphql::operation::document_limits::escapes;
use crate::graphql::operation::persisted_queries::PersistedQueries;
pub use crate::graphql::operation::rate_limit::{
    Balance, BudgetExceeded, RateLimit, RateLimitKey, RateLimiter, RateLimits, network_prefix,
};

/// What a service charges, and what it answers about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostSettings {
    /// The most points that one operation may weigh.
    pub max_points: u32,
    /// How much may be spent.
    pub rates: RateLimits,
    /// How many proxies of ours a request passes: so many addresses from the right of `X-Forwarded-For` are believed.
    pub trusted_hops: usize,
    /// Whether the schema can be asked for.
    pub introspection: Introspection,
}

/// Whether the schema can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspection {
    /// By everybody: it is published.
    Open,
    /// By nobody, and no error hints at it.
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
                    capacity: 3_000,
                    per_minute: 6_000,
                },
            },
            trusted_hops: 0,
            introspection: Introspection::Open,
        }
    }
}

/// What a server process keeps of costs.
pub struct CostControl {
    /// The settings.
    pub settings: CostSettings,
    /// The budgets.
    pub rate_limiter: RateLimiter,
    /// The documents that are known by their hash.
    pub persisted_queries: PersistedQueries,
}

impl CostControl {
    /// Nothing is spent yet, and no document known.
    pub fn new(settings: CostSettings) -> Self {
        Self {
            settings,
            rate_limiter: RateLimiter::new(settings.rates),
            persisted_queries: PersistedQueries::default(),
        }
    }

    /// A request as it is asked by somebody, with the document that it names.
    #[must_use]
    pub fn prepare_request(&self, caller: ClientIp, request: Request) -> Request {
        let mut request = request.data(caller);
        self.persisted_queries.resolve(&mut request);
        // An escape that stands for no character is refused when the document is parsed.
        if let Ok(Cow::Owned(resolved)) = escapes::resolve_escapes(&request.query) {
            request.query = resolved;
        }
        request
    }

    /// Has somebody pay for asking at all.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where they cannot now.
    pub fn reserve(&self, payer: RateLimitKey, now: DateTime<Utc>) -> Result<Balance, Error> {
        let paid = self.rate_limiter.spend(payer, weights::MIN_POINTS, now);
        paid.map_err(|spent| Error::RateLimited(RetryAfter(spent.seconds)))
    }

    /// Has somebody who paid [the least](weights::MIN_POINTS) pay the rest of what something costs.
    ///
    /// # Errors
    /// [`Error::CostLimitExceeded`] where it is more than they can ever pay, and [`Error::RateLimited`] where it is more than
    /// they can pay now.
    pub fn settle(&self, payer: RateLimitKey, points: u32, now: DateTime<Utc>) -> Result<Balance, Error> {
        self.require_affordable(payer, points)?;
        let rest = points.saturating_sub(weights::MIN_POINTS);
        self.rate_limiter.spend(payer, rest, now).map_err(|_| {
            // Who asks again pays the least again.
            Error::RateLimited(RetryAfter(
                self.rate_limiter.seconds_until_available(payer, points, now),
            ))
        })
    }

    /// Whether somebody can pay for something at all.
    ///
    /// # Errors
    /// [`Error::CostLimitExceeded`] where they can never.
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

/// What an operation weighs.
pub const COST_HEADER: HeaderName = HeaderName::from_static("query-cost");
/// What the budget holds.
pub const LIMIT_HEADER: HeaderName = HeaderName::from_static("ratelimit-limit");
/// What is left of it.
pub const REMAINING_HEADER: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// In how many seconds all of it is there again.
pub const RESET_HEADER: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The headers that tell what something cost, and how the budget stands.
pub fn cost_headers(cost: u32, balance: &Balance) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(COST_HEADER, cost.into());
    headers.insert(LIMIT_HEADER, balance.rate.capacity.into());
    headers.insert(REMAINING_HEADER, balance.remaining.into());
    headers.insert(RESET_HEADER, balance.full_in().into());
    headers
}
