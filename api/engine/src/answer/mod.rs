//! Answers: the disclosed counts of each query, and the measures that follow from them. Counts leave the engine only
//! through this module.

mod associations;
mod comparison;
mod distribution;
mod flows;
mod grid;
mod pattern;

pub use self::associations::{Association, Associations, AssociationsQuery, compute_associations};
pub use self::comparison::{ComparisonAnswer, ComparisonQuery, compute_comparison};
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

/// How an answer counts records that the reader cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HiddenCounting {
    /// Exactly, or not at all because of the scope: there is no disclosure control.
    NotControlled,
    /// Under disclosure control, but none is in a class: there are none, or too few to protect. Everybody may know that.
    NoneCounted,
    /// Under disclosure control: counts are perturbed or suppressed.
    Perturbed,
}

impl HiddenCounting {
    fn from_counter(counter: &PopulationCounter<'_>) -> Self {
        match counter.classes() {
            None => Self::NotControlled,
            Some(classes) if classes.is_empty() => Self::NoneCounted,
            Some(_) => Self::Perturbed,
        }
    }

    /// Whether disclosure control was applied.
    pub fn is_controlled(self) -> bool {
        self != Self::NotControlled
    }
}

/// Which records an answer is based on, and how it was disclosed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Which records were counted.
    pub scope: RecordScope,
    /// How records that the reader cannot read are counted.
    pub hidden: HiddenCounting,
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
            hidden: HiddenCounting::from_counter(counter),
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

    /// The four cells as numbers; none if one is suppressed.
    pub fn known_cells(&self) -> Option<TwoByTwoCounts> {
        Some(TwoByTwoCounts {
            both: self.both.count_with_variance()?,
            when_only: self.when_only.count_with_variance()?,
            then_only: self.then_only.count_with_variance()?,
            neither: self.neither.count_with_variance()?,
        })
    }

    /// `both` and `when_only` together; none if one is suppressed.
    pub fn known_when_count(&self) -> Option<u64> {
        Some(self.both.count? + self.when_only.count?)
    }

    /// `then_only` and `neither` together; none if one is suppressed.
    pub fn known_otherwise_count(&self) -> Option<u64> {
        Some(self.then_only.count? + self.neither.count?)
    }

    /// The exact counts of the records that the reader can read in full, without the others.
    #[must_use]
    pub fn visible_only(&self) -> Self {
        Self::new(self.named_counts().map(|(_, count)| count.visible_only()))
    }

    /// Which records figures are computed from: those in `scope`, or only the visible ones if one of the four cells is
    /// suppressed.
    pub fn basis(&self, scope: RecordScope) -> RecordScope {
        if self.known_cells().is_some() {
            scope
        } else {
            RecordScope::Visible
        }
    }

    /// The counts of the records of a basis.
    #[must_use]
    pub fn of_basis(&self, basis: RecordScope) -> Self {
        Self::new(self.named_counts().map(|(_, count)| count.of_basis(basis)))
    }
}

/// The percentage of the visible initiatives that can be in suppressed groups before figures are computed from visible
/// records alone.
const MAX_SUPPRESSED_PERCENT: u64 = 20;

/// Which records the figures of several groups or cells are computed from, so that they can be compared: all in `scope`, or
/// only the visible ones if too many of these are in groups with a suppressed count. For each group, `groups` has the number
/// of visible initiatives and whether a count is suppressed.
fn choose_basis(scope: RecordScope, groups: impl Iterator<Item = (u64, bool)>) -> RecordScope {
    let (mut all, mut suppressed) = (0, 0);
    for (visible, is_suppressed) in groups {
        all += visible;
        suppressed += if is_suppressed { visible } else { 0 };
    }
    if suppressed * 100 > all * MAX_SUPPRESSED_PERCENT {
        RecordScope::Visible
    } else {
        scope
    }
}

/// As [`choose_basis`], for single counts.
fn choose_basis_of_counts<'a>(
    scope: RecordScope,
    counts: impl IntoIterator<Item = &'a DisclosedCount>,
) -> RecordScope {
    let counts = counts.into_iter();
    choose_basis(
        scope,
        counts.map(|count| (count.visible, count.suppressed.is_some())),
    )
}

fn disclose_cells(cells: &[RawCell], counter: &PopulationCounter<'_>) -> Vec<DisclosedCount> {
    cells.iter().map(|cell| disclose_cell(cell, counter)).collect()
}

fn disclose_cell(cell: &RawCell, counter: &PopulationCounter<'_>) -> DisclosedCount {
    if HiddenCounting::from_counter(counter) == HiddenCounting::Perturbed {
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
