//! Disclosure control: what of a count may be shown to those who may not read every
//! record that it counts. Pure functions; every answer passes through [`disclose`].
//!
//! Cell keys follow B. Fraser and J. Wooton, "A proposed method for confidentialising
//! tabular output to protect against differencing" (UNECE work session on statistical
//! data confidentiality, Geneva, 2005): the same set of records always gives the same
//! protected count, so asking again, or in other words, averages nothing away.

pub mod cell_key;
pub mod query_restriction;
#[cfg(test)]
mod tests;

use self::cell_key::PerturbationTable;
use super::count::RawCell;
use super::count::dominance::MIN_ORGANISATIONS;
use super::statistics::Count;

/// A protected count under this is suppressed.
pub const MIN_CELL_COUNT: u8 = 10;
/// Protected counts are rounded to the nearest multiple of this.
const ROUNDING_BASE: i64 = 5;
/// The variance of rounding to the nearest 5: of -2, -1, 0, 1 and 2.
const ROUNDING_VARIANCE: f64 = 2.0;
/// The share of a cell, in 100, that one organisation may lead.
const MAX_DOMINANCE_PERCENT: u64 = 85;

/// A rule by which hidden records (published records that you can count but not read in full) are left out
/// of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "async-graphql",
    derive(async_graphql::Enum),
    graphql(name = "DisclosureRule")
)]
pub enum SuppressionRule {
    /// There are fewer than 10 hidden records, or none.
    SmallCount,
    /// Fewer than 5 organisations lead the hidden records.
    FewOrganisations,
    /// One organisation leads over 85% of the hidden records.
    DominantOrganisation,
}

/// A count as it may be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DisclosedCount {
    /// How many; none where it is suppressed completely.
    pub count: Option<u64>,
    /// Why those that may only be counted are not in it; none where they are.
    pub suppressed: Option<SuppressionRule>,
    /// The variance that protection added: 0 where the count is exact.
    pub variance: f64,
}

impl DisclosedCount {
    /// A count that needs no protection.
    pub const fn exact(count: u64) -> Self {
        Self {
            count: Some(count),
            suppressed: None,
            variance: 0.0,
        }
    }

    /// The count with its variance, for figures that are worked out from it.
    pub fn count_with_variance(&self) -> Option<Count> {
        self.count.map(|n| Count {
            n,
            variance: self.variance,
        })
    }
}

/// What of a cell may be shown: the exact count of what is readable, with the protected
/// count of what is hidden. Whether that is suppressed, and what is added to it, depends on
/// the hidden ones alone; every rule is worked out for every cell.
pub fn disclose(cell: &RawCell, noise: &PerturbationTable) -> DisclosedCount {
    let hidden = cell.hidden.cast_signed();
    let moved = hidden + noise.get(cell.hidden, cell.key);
    let rounded = (moved + ROUNDING_BASE / 2).div_euclid(ROUNDING_BASE) * ROUNDING_BASE;
    // Of what is published: the variance that the true count has would tell of it.
    let variance = noise.variance(rounded.unsigned_abs()) + ROUNDING_VARIANCE;
    let rules = [
        (moved < i64::from(MIN_CELL_COUNT), SuppressionRule::SmallCount),
        (
            cell.organisations < MIN_ORGANISATIONS,
            SuppressionRule::FewOrganisations,
        ),
        (
            cell.largest_lead_count * 100 > cell.hidden * MAX_DOMINANCE_PERCENT,
            SuppressionRule::DominantOrganisation,
        ),
    ];
    let suppressed = rules
        .into_iter()
        .find_map(|(applies, rule)| applies.then_some(rule));
    let readable_alone = DisclosedCount {
        count: (cell.visible > 0).then_some(cell.visible),
        suppressed,
        variance: 0.0,
    };
    let with_hidden = DisclosedCount {
        count: Some(cell.visible + rounded.unsigned_abs()),
        suppressed: None,
        variance,
    };
    if suppressed.is_some() {
        readable_alone
    } else {
        with_hidden
    }
}
