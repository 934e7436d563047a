//! Answers: what of the counts may be shown, and the figures that are worked out from
//! what is shown. Nothing leaves the engine but by way of here.

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

use super::cancellation::Cancelled;
use super::count::{EvaluationContext, PopulationCounter, RawCell};
use super::disclosure::{DisclosedCount, disclose};
use super::index::AsOf;
use super::query::{RecordScope, Viewpoint};
use super::statistics::TwoByTwoCounts;

/// Which records an answer is from, and how it may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Which records were counted.
    pub scope: RecordScope,
    /// Whether disclosure control was applied.
    pub disclosure_controlled: bool,
    /// How far the answer has read the change log.
    pub as_of: AsOf,
    /// How far it has read it as to hidden records: they are taken up in batches.
    pub hidden_as_of: AsOf,
    /// Whether the base holds any record that was made up to show how Wayin works; as to hidden
    /// records, as far as they are taken up.
    pub has_illustrative: bool,
}

impl Basis {
    fn from_context(base: EvaluationContext<'_>, viewpoint: Viewpoint) -> Self {
        let hidden_from = base.staged_for(viewpoint);
        Self {
            scope: viewpoint.scope,
            disclosure_controlled: viewpoint.is_controlled(),
            as_of: base.newest.as_of,
            hidden_as_of: hidden_from.as_of,
            has_illustrative: hidden_from.has_illustrative(),
        }
    }
}

/// The two-by-two table of what is known, and how many are not, as it may be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DisclosedTable {
    /// All that were asked about.
    pub population: DisclosedCount,
    /// Both conditions are TRUE.
    pub both: DisclosedCount,
    /// `when` is TRUE and `then` FALSE.
    pub when_only: DisclosedCount,
    /// `when` is FALSE and `then` TRUE.
    pub then_only: DisclosedCount,
    /// Both are FALSE.
    pub neither: DisclosedCount,
    /// One of them or both are UNKNOWN.
    pub unknown: DisclosedCount,
    /// `when` is UNKNOWN.
    pub when_unknown: DisclosedCount,
    /// `then` is UNKNOWN.
    pub then_unknown: DisclosedCount,
}

impl DisclosedTable {
    /// The counts, in the order in which they are published.
    pub fn new(
        [
            population,
            both,
            when_only,
            then_only,
            neither,
            unknown,
            when_unknown,
            then_unknown,
        ]: [DisclosedCount; 8],
    ) -> Self {
        Self {
            population,
            both,
            when_only,
            then_only,
            neither,
            unknown,
            when_unknown,
            then_unknown,
        }
    }

    /// The counts with their names, in the order in which they are published.
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

    /// The four known cells; none where they cannot be set against each other.
    pub fn known_cells(&self) -> Option<TwoByTwoCounts> {
        require_comparable(&[self.both, self.when_only, self.then_only, self.neither])?;
        Some(TwoByTwoCounts {
            both: self.both.count_with_variance()?,
            when_only: self.when_only.count_with_variance()?,
            then_only: self.then_only.count_with_variance()?,
            neither: self.neither.count_with_variance()?,
        })
    }

    /// How many have `when`, of those of which both are known; none where that cannot be told.
    pub fn known_when_count(&self) -> Option<u64> {
        require_comparable(&[self.both, self.when_only])?;
        Some(self.both.count? + self.when_only.count?)
    }

    /// How many have not, of those of which both are known; none where that cannot be told.
    pub fn known_otherwise_count(&self) -> Option<u64> {
        require_comparable(&[self.then_only, self.neither])?;
        Some(self.then_only.count? + self.neither.count?)
    }
}

/// Whether counts can be set against each other: none is suppressed, and hidden records are in
/// all of them or in none. A share of what is readable in what is everything would mislead.
pub(super) fn require_comparable(counts: &[DisclosedCount]) -> Option<()> {
    let shown = counts.iter().all(|shown| shown.count.is_some());
    let hidden_left_out = counts.iter().filter(|shown| shown.suppressed.is_some()).count();
    (shown && (hidden_left_out == 0 || hidden_left_out == counts.len())).then_some(())
}

/// What may be shown of cells that were counted.
fn disclose_cells(
    cells: &[RawCell],
    counting: &PopulationCounter<'_>,
    base: EvaluationContext<'_>,
) -> Vec<DisclosedCount> {
    cells
        .iter()
        .map(|cell| disclose_cell(cell, counting, base))
        .collect()
}

fn disclose_cell(
    cell: &RawCell,
    counting: &PopulationCounter<'_>,
    base: EvaluationContext<'_>,
) -> DisclosedCount {
    if counting.is_controlled() {
        disclose(cell, base.noise)
    } else {
        DisclosedCount::exact(cell.visible)
    }
}

/// How many of those counted were made up. Where the base holds no hidden one, everybody may know.
fn count_illustrative(
    base: EvaluationContext<'_>,
    counting: &PopulationCounter<'_>,
) -> Result<DisclosedCount, Cancelled> {
    let may_be_hidden = counting.staged_snapshot().has_illustrative();
    if !may_be_hidden && !base.newest.has_illustrative() {
        return Ok(DisclosedCount::exact(0));
    }
    let [marked] = counting.count_row_sets(|_, chunk| vec![chunk.illustrative.clone()])?[..] else {
        return Ok(DisclosedCount::default());
    };
    if may_be_hidden {
        Ok(disclose_cell(&marked, counting, base))
    } else {
        Ok(DisclosedCount::exact(marked.visible))
    }
}

/// Tables out of eight cells each, in the order in which they are published.
fn build_tables(cells: &[DisclosedCount]) -> Vec<DisclosedTable> {
    let (tables, _) = cells.as_chunks::<8>();
    tables.iter().map(|cells| DisclosedTable::new(*cells)).collect()
}
