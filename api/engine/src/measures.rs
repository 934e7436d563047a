//! The figures that are worked out from a table as it is shown.

use super::answer::DisclosedTable;
use super::statistics::{self, Estimate, fisher};

/// Figures of one table; none where a count that they need is suppressed, or zero where it must not be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// The share of `then` among those with `when`.
    pub rate_when: Option<Estimate>,
    /// The share of `then` among the others.
    pub rate_otherwise: Option<Estimate>,
    /// How much greater the first share is than the second.
    pub risk_difference: Option<Estimate>,
    /// How many times as great.
    pub risk_ratio: Option<Estimate>,
    /// How many times as great the odds are.
    pub odds_ratio: Option<Estimate>,
    /// How closely the two go together, from -1 to 1.
    pub phi: Option<f64>,
}

impl Measures {
    /// The figures of a table.
    pub fn from_table(table: &DisclosedTable) -> Self {
        let share = |part: super::disclosure::DisclosedCount, rest: super::disclosure::DisclosedCount| {
            super::answer::require_comparable(&[part, rest])?;
            statistics::proportion(part.count_with_variance()?, rest.count_with_variance()?)
        };
        let four = table.known_cells();
        Self {
            rate_when: share(table.both, table.when_only),
            rate_otherwise: share(table.then_only, table.neither),
            risk_difference: four.and_then(|four| statistics::risk_difference(&four)),
            risk_ratio: four.and_then(|four| statistics::risk_ratio(&four)),
            odds_ratio: four.and_then(|four| statistics::odds_ratio(&four)),
            phi: four.and_then(|four| statistics::phi(&four)),
        }
    }

    /// The figures that could not be worked out, by their names.
    pub fn missing_names(&self) -> Vec<&'static str> {
        let named = [
            ("the rate with the condition", self.rate_when.is_none()),
            ("the rate without it", self.rate_otherwise.is_none()),
            ("the difference", self.risk_difference.is_none()),
            ("the risk ratio", self.risk_ratio.is_none()),
            ("the odds ratio", self.odds_ratio.is_none()),
            ("phi", self.phi.is_none()),
        ];
        named
            .into_iter()
            .filter_map(|(name, missing)| missing.then_some(name))
            .collect()
    }
}

/// The p-value of Fisher's exact test. `None` if a count is not exact, or if all four counts are 0.
pub fn compute_p_value(table: &DisclosedTable) -> Option<f64> {
    let four = require_exact(table).filter(|four| four.total() > 0)?;
    Some(fisher::two_sided_p_value(&four))
}

/// The conditional odds ratio of a table whose counts are exact.
pub fn compute_conditional_odds_ratio(table: &DisclosedTable) -> Option<f64> {
    require_exact(table).and_then(|four| fisher::conditional_odds_ratio(&four))
}

fn require_exact(table: &DisclosedTable) -> Option<statistics::TwoByTwoCounts> {
    let cells = [table.both, table.when_only, table.then_only, table.neither];
    let exact = cells
        .iter()
        .all(|cell| cell.suppressed.is_none() && cell.variance <= 0.0);
    table.known_cells().filter(|_| exact)
}
