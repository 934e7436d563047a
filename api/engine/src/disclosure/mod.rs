//! Disclosure control: what answers reveal of hidden records. Hidden records are protected before they are counted, by
//! [`classes`] and their [`coarsening`], and the counts afterwards. Every count passes through [`disclose`].
//!
//! Cell keys follow B. Fraser and J. Wooton, "A proposed method for confidentialising tabular output to protect against
//! differencing" (UNECE work session on statistical data confidentiality, Geneva, 2005). The same set of records always
//! gives the same perturbed count, so a reader cannot average the noise away by repeating or rephrasing a query.

pub mod answer_sets;
pub mod cell_key;
pub mod classes;
pub mod coarsening;
pub mod protected;
pub mod query_restriction;
#[cfg(test)]
mod tests;

use self::cell_key::PerturbationTable;
use super::count::RawCell;
use super::query::RecordScope;
use super::statistics::Count;

/// A perturbed count below this is suppressed.
pub const MIN_CELL_COUNT: u8 = 10;
/// Perturbed counts are rounded to the nearest multiple of this.
const ROUNDING_BASE: i64 = 5;
/// The largest noise of the default perturbation table, in either direction.
pub const MAX_NOISE: u64 = 5;
/// The largest change of a count by rounding.
pub const MAX_ROUNDING: u64 = 2;
/// The variance of rounding to the nearest 5, which adds -2, -1, 0, 1 or 2.
const ROUNDING_VARIANCE: f64 = 2.0;

/// A rule by which a count is suppressed because of hidden records (published records that you can count but not read in
/// full).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "async-graphql",
    derive(async_graphql::Enum),
    graphql(name = "DisclosureRule")
)]
pub enum SuppressionRule {
    /// The count would include fewer than 10 hidden records, or none.
    SmallCount,
}

/// A count as the reader may see it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DisclosedCount {
    /// The published count of all records in scope; none if it is suppressed.
    pub count: Option<u64>,
    /// The exact count of the records that the reader can read in full.
    pub visible: u64,
    /// Why there is no count; none if there is one.
    pub suppressed: Option<SuppressionRule>,
    /// The variance that perturbation added; 0 if the count is exact.
    pub variance: f64,
}

impl DisclosedCount {
    /// A count without perturbation.
    pub const fn exact(count: u64) -> Self {
        Self {
            count: Some(count),
            visible: count,
            suppressed: None,
            variance: 0.0,
        }
    }

    /// The exact count of the records that the reader can read in full, without the others.
    #[must_use]
    pub const fn visible_only(self) -> Self {
        Self::exact(self.visible)
    }

    /// The count of the records of a basis.
    #[must_use]
    pub const fn of_basis(self, basis: RecordScope) -> Self {
        match basis {
            RecordScope::All => self,
            RecordScope::Visible => self.visible_only(),
        }
    }

    /// The count with its variance, for statistics.
    pub fn count_with_variance(&self) -> Option<Count> {
        let variance = self.variance;
        self.count.map(|n| Count { n, variance })
    }
}

/// Discloses a cell: the exact count of visible records plus the perturbed count of hidden ones. Suppression and noise
/// depend only on the hidden records. A suppressed count is not replaced by the visible one, which would look as if there
/// were no hidden records.
pub fn disclose(cell: &RawCell, noise: &PerturbationTable) -> DisclosedCount {
    let hidden = cell.hidden.cast_signed();
    let perturbed = hidden + noise.get(cell.hidden, cell.key);
    if perturbed < i64::from(MIN_CELL_COUNT) {
        return DisclosedCount {
            count: None,
            visible: cell.visible,
            suppressed: Some(SuppressionRule::SmallCount),
            variance: 0.0,
        };
    }
    let rounded = (perturbed + ROUNDING_BASE / 2).div_euclid(ROUNDING_BASE) * ROUNDING_BASE;
    // The variance of the published count, because that of the true count would reveal it.
    let variance = noise.variance(rounded.unsigned_abs()) + ROUNDING_VARIANCE;
    DisclosedCount {
        count: Some(cell.visible + rounded.unsigned_abs()),
        visible: cell.visible,
        suppressed: None,
        variance,
    }
}
