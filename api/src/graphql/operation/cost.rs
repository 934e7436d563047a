//! What operations cost, and who pays for it: a static [weight](weigh) in points, worked out before anything is
//! executed, and a [budget](Budgets) for each who asks. `docs/cost.md` tells it to those who write dashboards.
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

pub use self::estimate::{Types, Weighed, comparisons, weigh};
use super::client_ip::Caller;
use crate::error::{Error, RetryAfter};
use crate::graphql::operation::limits::escapes;
use crate::graphql::operation::persisted_queries::Persisted;
pub use crate::graphql::operation::rate_limit::{
    Balance, BudgetExceeded, Budgets, Payer, Rate, Rates, network,
};

/// What a service charges, and what it answers about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most points that one operation may weigh.
    pub most: u32,
    /// How much may be spent.
    pub rates: Rates,
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

impl Default for Settings {
    fn default() -> Self {
        Self {
            most: 20_000,
            rates: Rates {
                token: Rate {
                    capacity: 30_000,
                    per_minute: 60_000,
                },
                address: Rate {
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
pub struct Costs {
    /// The settings.
    pub settings: Settings,
    /// The budgets.
    pub budgets: Budgets,
    /// The documents that are known by their hash.
    pub persisted: Persisted,
}

impl Costs {
    /// Nothing is spent yet, and no document known.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            budgets: Budgets::new(settings.rates),
            persisted: Persisted::default(),
        }
    }

    /// A request as it is asked by somebody, with the document that it names.
    #[must_use]
    pub fn asked_by(&self, caller: Caller, request: Request) -> Request {
        let mut request = request.data(caller);
        self.persisted.resolve(&mut request);
        // An escape that stands for no character is refused when the document is parsed.
        if let Ok(Cow::Owned(resolved)) = escapes::resolve(&request.query) {
            request.query = resolved;
        }
        request
    }

    /// Has somebody pay for asking at all.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where they cannot now.
    pub fn charge_least(&self, payer: Payer, now: DateTime<Utc>) -> Result<Balance, Error> {
        let paid = self.budgets.spend(payer, weights::LEAST, now);
        paid.map_err(|spent| Error::RateLimited(RetryAfter(spent.seconds)))
    }

    /// Has somebody who paid [the least](weights::LEAST) pay the rest of what something costs.
    ///
    /// # Errors
    /// [`Error::TooDear`] where it is more than they can ever pay, and [`Error::RateLimited`] where it is more than
    /// they can pay now.
    pub fn charge_rest(&self, payer: Payer, points: u32, now: DateTime<Utc>) -> Result<Balance, Error> {
        self.affordable(payer, points)?;
        let rest = points.saturating_sub(weights::LEAST);
        self.budgets.spend(payer, rest, now).map_err(|_| {
            // Who asks again pays the least again.
            Error::RateLimited(RetryAfter(self.budgets.wait(payer, points, now)))
        })
    }

    /// Whether somebody can pay for something at all.
    ///
    /// # Errors
    /// [`Error::TooDear`] where they can never.
    pub fn affordable(&self, payer: Payer, points: u32) -> Result<(), Error> {
        let most = self.settings.most.min(self.budgets.rate(payer).capacity);
        if points > most {
            return Err(Error::TooDear { points, most });
        }
        Ok(())
    }
}

impl Default for Costs {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

/// What an operation weighs.
pub const COST: HeaderName = HeaderName::from_static("query-cost");
/// What the budget holds.
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// What is left of it.
pub const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// In how many seconds all of it is there again.
pub const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The headers that tell what something cost, and how the budget stands.
pub fn headers(cost: u32, balance: &Balance) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(COST, cost.into());
    headers.insert(LIMIT, balance.rate.capacity.into());
    headers.insert(REMAINING, balance.remaining.into());
    headers.insert(RESET, balance.full_in().into());
    headers
}
