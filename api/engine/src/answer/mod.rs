//! Answers: what of the counts may be shown, and the figures that are worked out from
//! what is shown. Nothing leaves the engine but by way of here.

mod associations;
mod distribution;
mod flows;
mod grid;
mod pattern;

pub use self::associations::{Association, AssociationsQuestion, associations};
pub use self::distribution::{Bin, Distribution, DistributionQuestion, distribution};
pub use self::flows::{FLOWS_OVERLAP, Flow, Flows, FlowsQuestion, flows};
pub use self::grid::{Grid, GridQuestion, MOST_CELLS, grid};
pub use self::pattern::{
    Adjusted, Concentration, Groups, NotAdjusted, PatternAnswer, UnknownReasons, pattern,
};

use super::cancellation::Stopped;
use super::count::{Base, Counting, RawCell};
use super::disclosure::{Shown, shown};
use super::index::AsOf;
use super::query::{RecordScope, Viewpoint};
use super::statistics::FourCounts;

/// Which records an answer is from, and how it may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Which records were counted.
    pub scope: RecordScope,
    /// Whether disclosure control was applied.
    pub controlled: bool,
    /// How far the answer has read the change log.
    pub as_of: AsOf,
    /// How far it has read it as to hidden records: they are taken up in batches.
    pub hidden_as_of: AsOf,
    /// Whether the base holds any record that was made up to show how Wayin works; as to hidden
    /// records, as far as they are taken up.
    pub any_illustrative: bool,
}

impl Basis {
    fn of(base: Base<'_>, viewpoint: Viewpoint) -> Self {
        let hidden_from = base.hidden_from(viewpoint);
        Self {
            scope: viewpoint.scope,
            controlled: viewpoint.is_controlled(),
            as_of: base.live.as_of,
            hidden_as_of: hidden_from.as_of,
            any_illustrative: hidden_from.any_illustrative(),
        }
    }
}

/// The two-by-two table of what is known, and how many are not, as it may be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Table {
    /// All that were asked about.
    pub population: Shown,
    /// Both conditions are TRUE.
    pub both: Shown,
    /// `when` is TRUE and `then` FALSE.
    pub when_only: Shown,
    /// `when` is FALSE and `then` TRUE.
    pub then_only: Shown,
    /// Both are FALSE.
    pub neither: Shown,
    /// One of them or both are UNKNOWN.
    pub unknown: Shown,
    /// `when` is UNKNOWN.
    pub when_unknown: Shown,
    /// `then` is UNKNOWN.
    pub then_unknown: Shown,
}

impl Table {
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
        ]: [Shown; 8],
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
    pub fn named(&self) -> [(&'static str, &Shown); 8] {
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
    pub fn four(&self) -> Option<FourCounts> {
        comparable(&[self.both, self.when_only, self.then_only, self.neither])?;
        Some(FourCounts {
            both: self.both.known()?,
            when_only: self.when_only.known()?,
            then_only: self.then_only.known()?,
            neither: self.neither.known()?,
        })
    }

    /// How many have `when`, of those of which both are known; none where that cannot be told.
    pub fn when(&self) -> Option<u64> {
        comparable(&[self.both, self.when_only])?;
        Some(self.both.count? + self.when_only.count?)
    }

    /// How many have not, of those of which both are known; none where that cannot be told.
    pub fn otherwise(&self) -> Option<u64> {
        comparable(&[self.then_only, self.neither])?;
        Some(self.then_only.count? + self.neither.count?)
    }
}

/// Whether counts can be set against each other: none is suppressed, and hidden records are in
/// all of them or in none. A share of what is readable in what is everything would mislead.
pub(super) fn comparable(counts: &[Shown]) -> Option<()> {
    let shown = counts.iter().all(|shown| shown.count.is_some());
    let hidden_left_out = counts.iter().filter(|shown| shown.suppressed.is_some()).count();
    (shown && (hidden_left_out == 0 || hidden_left_out == counts.len())).then_some(())
}

/// What may be shown of cells that were counted.
fn shown_cells(cells: &[RawCell], counting: &Counting<'_>, base: Base<'_>) -> Vec<Shown> {
    cells
        .iter()
        .map(|cell| shown_cell(cell, counting, base))
        .collect()
}

fn shown_cell(cell: &RawCell, counting: &Counting<'_>, base: Base<'_>) -> Shown {
    if counting.is_controlled() {
        shown(cell, base.noise)
    } else {
        Shown::exact(cell.readable)
    }
}

/// How many of those counted were made up. Where the base holds no hidden one, everybody may know.
fn illustrative(base: Base<'_>, counting: &Counting<'_>) -> Result<Shown, Stopped> {
    let may_be_hidden = counting.hidden_from().any_illustrative();
    if !may_be_hidden && !base.live.any_illustrative() {
        return Ok(Shown::exact(0));
    }
    let [marked] = counting.sets(|_, chunk| vec![chunk.illustrative.clone()])?[..] else {
        return Ok(Shown::default());
    };
    if may_be_hidden {
        Ok(shown_cell(&marked, counting, base))
    } else {
        Ok(Shown::exact(marked.readable))
    }
}

/// Tables out of eight cells each, in the order in which they are published.
fn tables(cells: &[Shown]) -> Vec<Table> {
    let (tables, _) = cells.as_chunks::<8>();
    tables.iter().map(|cells| Table::new(*cells)).collect()
}
