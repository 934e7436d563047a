//! The measures that follow from a disclosed table.

use crate::answer::DisclosedTable;
use crate::disclosure::DisclosedCount;
use crate::statistics::{self, Estimate, TwoByTwoCounts, fisher};

/// The measures of one table. A measure is none if a count that it needs is suppressed, or if it would divide by 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// The rate of `then` among initiatives with `when`.
    pub rate_when: Option<Estimate>,
    /// The rate of `then` among the other initiatives.
    pub rate_otherwise: Option<Estimate>,
    /// The first rate minus the second.
    pub risk_difference: Option<Estimate>,
    /// The first rate divided by the second.
    pub risk_ratio: Option<Estimate>,
    /// The odds with `when` divided by the odds without.
    pub odds_ratio: Option<Estimate>,
    /// The phi coefficient, from -1 to 1.
    pub phi: Option<f64>,
}

impl Measures {
    /// Computes the measures of a table.
    pub fn from_table(table: &DisclosedTable) -> Self {
        let rate = |part: DisclosedCount, rest: DisclosedCount| {
            statistics::proportion(part.count_with_variance()?, rest.count_with_variance()?)
        };
        let cells = table.known_cells();
        let cells = cells.as_ref();
        Self {
            rate_when: rate(table.both, table.when_only),
            rate_otherwise: rate(table.then_only, table.neither),
            risk_difference: cells.and_then(statistics::risk_difference),
            risk_ratio: cells.and_then(statistics::risk_ratio),
            odds_ratio: cells.and_then(statistics::odds_ratio),
            phi: cells.and_then(statistics::phi),
        }
    }

    /// The names of the measures that are none.
    pub fn missing_names(&self) -> Vec<&'static str> {
        let is_missing = [
            ("the rate with the condition", self.rate_when.is_none()),
            ("the rate without it", self.rate_otherwise.is_none()),
            ("the difference", self.risk_difference.is_none()),
            ("the risk ratio", self.risk_ratio.is_none()),
            ("the odds ratio", self.odds_ratio.is_none()),
            ("phi", self.phi.is_none()),
        ];
        let missing = is_missing.into_iter().filter(|(_, is_missing)| *is_missing);
        missing.map(|(name, _)| name).collect()
    }
}

/// The p-value of Fisher's exact test. None if a count is not exact, or if all four counts are 0.
pub fn compute_p_value(table: &DisclosedTable) -> Option<f64> {
    let cells = require_exact(table).filter(|cells| cells.total() > 0)?;
    Some(fisher::two_sided_p_value(&cells))
}

/// The conditional odds ratio. None if a count is not exact.
pub fn compute_conditional_odds_ratio(table: &DisclosedTable) -> Option<f64> {
    fisher::conditional_odds_ratio(&require_exact(table)?)
}

fn require_exact(table: &DisclosedTable) -> Option<TwoByTwoCounts> {
    let is_exact = |cell: &DisclosedCount| cell.variance <= 0.0;
    table
        .known_cells()
        .filter(|_| table.four_cells().iter().all(is_exact))
}
