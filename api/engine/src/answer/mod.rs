//! Answers: the disclosed counts of each query, and the measures that follow from them. Counts leave the engine only
//! through this module.

mod associations;
mod distribution;
mod flows;
mod grid;
mod pattern;

pub use self::associations::{Association, Associations, AssociationsQuery, compute_associations};
pub use self::distribution::{Bin, Distribution, DistributionQuery, compute_distribution};
pub use self::flows::{FlowCount, FlowCounts, FlowsQuery, compute_flows};
pub use self::grid::{Grid, GridQuery, MAX_GRID_CELLS, compute_grid};
pub use self::pattern::{
    AdjustedResults, Concentration, Groups, NotAdjustedReason, PatternAnswer, UnknownReasons, compute_pattern,
};

use crate::cancellation::Cancelled;
use crate::count::{PopulationCounter, RawCell};
use crate::disclosure::classes::HiddenClasses;
use crate::disclosure::{DisclosedCount, disclose};
use crate::index::{AsOf, Bitmap};
use crate::query::RecordScope;
use crate::statistics::TwoByTwoCounts;

/// A count rests on few hidden records if it has fewer of them than this.
pub const FEW_HIDDEN_RECORDS: u64 = 30;

/// Which records an answer is based on, and how it was disclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Which records were counted.
    pub scope: RecordScope,
    /// Whether disclosure control was applied.
    pub disclosure_controlled: bool,
    /// The newest change that the answer includes.
    pub as_of: AsOf,
    /// The newest change that an answer can include of hidden records. They are included in batches.
    pub hidden_as_of: AsOf,
    /// Whether any record that is counted, in any population, is illustrative.
    pub has_illustrative: bool,
    /// Whether a count over the whole population rests on some hidden records, but on fewer than
    /// [`FEW_HIDDEN_RECORDS`]. It is for the audit of stewards alone, and no part of an answer that a client gets.
    pub rests_on_few_hidden: bool,
}

impl Basis {
    /// The basis of an answer. `cells` are the counts over the whole population, before disclosure control.
    fn from_counter(counter: &PopulationCounter<'_>, cells: &[RawCell]) -> Self {
        let newest = counter.context().newest;
        Self {
            scope: counter.viewpoint().scope,
            disclosure_controlled: counter.is_controlled(),
            as_of: newest.as_of,
            hidden_as_of: counter.classes().map_or(newest.as_of, HiddenClasses::formed_at),
            has_illustrative: counter.has_illustrative(),
            rests_on_few_hidden: rests_on_few_hidden(cells),
        }
    }
}

fn rests_on_few_hidden(cells: &[RawCell]) -> bool {
    let is_few = |cell: &RawCell| (1..FEW_HIDDEN_RECORDS).contains(&cell.hidden);
    cells.iter().any(is_few)
}

/// The disclosed contingency table of two conditions, with the number of initiatives for which one is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DisclosedTable {
    /// The initiatives that `among` selects.
    pub population: DisclosedCount,
    /// Both conditions are TRUE.
    pub both: DisclosedCount,
    /// `when` is TRUE and `then` is FALSE.
    pub when_only: DisclosedCount,
    /// `when` is FALSE and `then` is TRUE.
    pub then_only: DisclosedCount,
    /// Both are FALSE.
    pub neither: DisclosedCount,
    /// At least one is UNKNOWN.
    pub unknown: DisclosedCount,
    /// `when` is UNKNOWN.
    pub when_unknown: DisclosedCount,
    /// `then` is UNKNOWN.
    pub then_unknown: DisclosedCount,
}

impl DisclosedTable {
    /// A table from its counts, in the order of the fields.
    pub fn new(counts: [DisclosedCount; 8]) -> Self {
        Self {
            population: counts[0],
            both: counts[1],
            when_only: counts[2],
            then_only: counts[3],
            neither: counts[4],
            unknown: counts[5],
            when_unknown: counts[6],
            then_unknown: counts[7],
        }
    }

    /// The counts with their names, in the order of the fields.
    pub fn named_counts(&self) -> [(&'static str, &DisclosedCount); 8] {
        [
            ("population", &self.population),
            ("both", &self.both),
            ("whenOnly", &self.when_only),
            ("thenOnly", &self.then_only),
            ("neither", &self.neither),
            ("unknown", &self.unknown),
            ("whenUnknown", &self.when_unknown),
            ("thenUnknown", &self.then_unknown),
        ]
    }

    /// The counts, in the order of the fields.
    pub fn counts(&self) -> impl Iterator<Item = DisclosedCount> {
        self.named_counts().into_iter().map(|(_, count)| *count)
    }

    /// `both`, `when_only`, `then_only` and `neither`.
    pub fn four_cells(&self) -> [DisclosedCount; 4] {
        [self.both, self.when_only, self.then_only, self.neither]
    }

    /// The four cells as numbers; none if they are not comparable.
    pub fn known_cells(&self) -> Option<TwoByTwoCounts> {
        require_comparable(&self.four_cells())?;
        Some(TwoByTwoCounts {
            both: self.both.count_with_variance()?,
            when_only: self.when_only.count_with_variance()?,
            then_only: self.then_only.count_with_variance()?,
            neither: self.neither.count_with_variance()?,
        })
    }

    /// `both` and `when_only` together; none if they are not comparable.
    pub fn known_when_count(&self) -> Option<u64> {
        require_comparable(&[self.both, self.when_only])?;
        Some(self.both.count? + self.when_only.count?)
    }

    /// `then_only` and `neither` together; none if they are not comparable.
    pub fn known_otherwise_count(&self) -> Option<u64> {
        require_comparable(&[self.then_only, self.neither])?;
        Some(self.then_only.count? + self.neither.count?)
    }
}

/// Returns none if a count is suppressed completely, or if only some of the counts leave out hidden records: a share
/// of visible records among all records would mislead.
pub(super) fn require_comparable(counts: &[DisclosedCount]) -> Option<()> {
    let disclosed = counts.iter().all(|count| count.count.is_some());
    let suppressed = counts.iter().filter(|count| count.suppressed.is_some()).count();
    (disclosed && (suppressed == 0 || suppressed == counts.len())).then_some(())
}

fn disclose_cells(cells: &[RawCell], counter: &PopulationCounter<'_>) -> Vec<DisclosedCount> {
    cells.iter().map(|cell| disclose_cell(cell, counter)).collect()
}

fn disclose_cell(cell: &RawCell, counter: &PopulationCounter<'_>) -> DisclosedCount {
    if counter.is_controlled() {
        disclose(cell, counter.context().noise)
    } else {
        DisclosedCount::exact(cell.visible)
    }
}

/// Counts the population, for an answer that does not have this count. Counts nothing without disclosure control, as then
/// no record is hidden.
fn count_population(counter: &PopulationCounter<'_>) -> Result<Vec<RawCell>, Cancelled> {
    if !counter.is_controlled() {
        return Ok(Vec::new());
    }
    counter.count_row_sets(1, |_, chunk| vec![Bitmap::full(chunk.len())])
}

/// The number of illustrative records in the population. The records of a class are all illustrative or all real, so
/// classes decide nothing here.
fn count_illustrative(counter: &PopulationCounter<'_>) -> Result<DisclosedCount, Cancelled> {
    if !counter.has_illustrative() {
        return Ok(DisclosedCount::exact(0));
    }
    let counter = counter.decide(&[], &[])?;
    let [cell] = counter.count_row_sets(1, |_, chunk| vec![chunk.illustrative.clone()])?[..] else {
        return Ok(DisclosedCount::default());
    };
    Ok(disclose_cell(&cell, &counter))
}

/// Builds a table from every eight counts.
fn build_tables(counts: &[DisclosedCount]) -> Vec<DisclosedTable> {
    let (tables, _) = counts.as_chunks::<8>();
    tables.iter().map(|counts| DisclosedTable::new(*counts)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(visible: u64, hidden: u64) -> RawCell {
        RawCell {
            visible,
            hidden,
            key: 0,
        }
    }

    #[test]
    fn only_some_hidden_records_are_few() {
        for (hidden, is_few) in [(0, false), (1, true), (29, true), (30, false), (1_000, false)] {
            assert_eq!(rests_on_few_hidden(&[cell(5, hidden)]), is_few, "{hidden}");
        }
        assert!(rests_on_few_hidden(&[cell(0, 500), cell(0, 7)]));
        assert!(!rests_on_few_hidden(&[]));
    }
}
