//! How a budget looks in GraphQL.

use async_graphql::SimpleObject;

use super::Balance;

/// What you may spend on operations, in points: `docs/cost.md` says what each costs.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct RateLimit {
    /// The most points that can be spent at once.
    capacity: u32,
    /// The points that are left, this operation paid.
    remaining: u32,
    /// The points that come back in a second, up to the capacity.
    restore_rate: f64,
}

impl From<Balance> for RateLimit {
    fn from(balance: Balance) -> Self {
        Self {
            capacity: balance.rate.capacity,
            remaining: balance.remaining,
            restore_rate: balance.restores_per_second(),
        }
    }
}
