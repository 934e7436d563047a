//! How a budget looks in GraphQL.

use async_graphql::SimpleObject;

use super::Standing;

/// What you may spend on operations, in points: `docs/cost.md` says what each costs.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Budget {
    /// The most points that can be spent at once.
    capacity: u32,
    /// The points that are left, this operation paid.
    remaining: u32,
    /// The points that come back in a second, up to the capacity.
    restores_per_second: f64,
}

impl From<Standing> for Budget {
    fn from(standing: Standing) -> Self {
        Self {
            capacity: standing.rate.capacity,
            remaining: standing.remaining,
            restores_per_second: standing.restores_per_second(),
        }
    }
}
