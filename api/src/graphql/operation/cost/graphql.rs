//! The rate limit of the requester over GraphQL.

use async_graphql::SimpleObject;

use super::Balance;

/// Your rate limit, in points. `docs/cost.md` lists what each operation costs.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct RateLimit {
    /// The maximum number of points that you can spend at once.
    capacity: u32,
    /// The number of points left after this operation.
    remaining: u32,
    /// The number of points restored per second, up to the capacity.
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
