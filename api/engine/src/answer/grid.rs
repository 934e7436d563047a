//! Every value of one dimension against every value of another.

use wayin_vocabulary::Dimension;

use super::super::cancellation::Stopped;
use super::super::count::layout::{Crossed, Layout, Marked};
use super::super::count::{Base, Counting};
use super::super::dimension::{Domain, GroupName};
use super::super::disclosure::Shown;
use super::super::index::Bits;
use super::super::query::Viewpoint;
use super::super::statistics::independence;
use super::{Basis, shown_cells};
use crate::predicate::InitiativeCondition;

/// How many initiatives have each value of one dimension and each of another?
#[derive(Clone, Debug)]
pub struct GridQuestion {
    /// The dimension of the rows.
    pub rows: Dimension,
    /// The dimension of the columns.
    pub columns: Dimension,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativeCondition,
    /// Who asks.
    pub viewpoint: Viewpoint,
}

/// Two dimensions crossed, empty cells included.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The rows, each with how many stand in it.
    pub rows: Vec<(GroupName, Shown)>,
    /// The columns, each with how many stand in it.
    pub columns: Vec<(GroupName, Shown)>,
    /// The cells, row by row.
    pub cells: Vec<Shown>,
    /// All that were asked about.
    pub population: Shown,
    /// How many of them were made up.
    pub illustrative: Shown,
    /// Whether an initiative may stand in several cells.
    pub overlap: bool,
    /// Which records the answer is from.
    pub basis: Basis,
}

/// A cell against what chance alone would put there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgainstChance {
    /// How many there would be if rows and columns were independent.
    pub expected: f64,
    /// How far the count is from that, in standard errors.
    pub residual: Option<f64>,
}

/// The most cells that a grid has.
pub const MOST_CELLS: usize = 10_000;

/// Answers a question; none where the grid would have more than [`MOST_CELLS`] cells.
pub fn grid(base: Base<'_>, question: &GridQuestion) -> Result<Option<Grid>, Stopped> {
    let counting = Counting::new(base, question.viewpoint, &question.among);
    let (rows, columns) = (counting.domain(question.rows), counting.domain(question.columns));
    if rows.groups().len() * columns.groups().len() > MOST_CELLS {
        return Ok(None);
    }
    let counted = if rows.groups().len() * columns.groups().len() <= FEW_CELLS {
        by_sets(base, &counting, &rows, &columns)?
    } else {
        by_rows(base, &counting, &rows, &columns)?
    };
    counting.keep(&[]);
    Ok(Some(Grid {
        rows: rows.groups().iter().cloned().zip(counted.rows).collect(),
        columns: columns.groups().iter().cloned().zip(counted.columns).collect(),
        cells: counted.cells,
        population: counted.population,
        illustrative: counted.illustrative,
        overlap: rows.overlaps() || columns.overlaps(),
        basis: Basis::of(base, question.viewpoint),
    }))
}

/// Up to so many cells are counted as sets of rows; more of them initiative by initiative.
const FEW_CELLS: usize = 512;

/// The counts of a grid.
struct Counted {
    cells: Vec<Shown>,
    rows: Vec<Shown>,
    columns: Vec<Shown>,
    population: Shown,
    illustrative: Shown,
}

fn by_sets(
    base: Base<'_>,
    counting: &Counting<'_>,
    rows: &Domain,
    columns: &Domain,
) -> Result<Counted, Stopped> {
    let (high, wide) = (rows.groups().len(), columns.groups().len());
    let sets = counting.sets(|_, chunk| {
        let (of_rows, of_columns) = (rows.sets(chunk), columns.sets(chunk));
        let across = |row: &Bits| {
            of_columns
                .iter()
                .map(|column| row.and(column))
                .collect::<Vec<Bits>>()
        };
        let mut sets: Vec<Bits> = of_rows.iter().flat_map(across).collect();
        sets.extend(of_rows);
        sets.extend(of_columns);
        sets.extend([Bits::all(chunk.len()), chunk.illustrative.clone()]);
        sets
    })?;
    let mut shown = shown_cells(&sets, counting, base).into_iter();
    let mut next = |count: usize| shown.by_ref().take(count).collect::<Vec<Shown>>();
    Ok(Counted {
        cells: next(high * wide),
        rows: next(high),
        columns: next(wide),
        population: next(1).first().copied().unwrap_or_default(),
        illustrative: next(1).first().copied().unwrap_or_default(),
    })
}

fn by_rows(
    base: Base<'_>,
    counting: &Counting<'_>,
    rows: &Domain,
    columns: &Domain,
) -> Result<Counted, Stopped> {
    let count = |layout: &dyn Layout| Ok::<_, Stopped>(shown_cells(&counting.cells(layout)?, counting, base));
    let totals = |domain| -> Result<Vec<Shown>, Stopped> {
        Ok(count(&Marked { by: Some(domain) })?
            .chunks_exact(2)
            .map(|cells| cells[0])
            .collect())
    };
    let all = count(&Marked { by: None })?;
    Ok(Counted {
        cells: count(&Crossed { rows, columns })?,
        rows: totals(rows)?,
        columns: totals(columns)?,
        population: all.first().copied().unwrap_or_default(),
        illustrative: all.get(1).copied().unwrap_or_default(),
    })
}

impl Grid {
    /// A cell against chance, from what is shown; none where a margin or the whole is suppressed or zero.
    pub fn against_chance(&self, row: usize, column: usize) -> Option<AgainstChance> {
        let (of_row, of_column) = (self.rows.get(row)?.1.count?, self.columns.get(column)?.1.count?);
        let all = self.population.count?;
        let count = self.cells.get(row * self.columns.len() + column)?.count;
        Some(AgainstChance {
            expected: independence::expected(of_row, of_column, all)?,
            residual: count
                .and_then(|count| independence::standardised_residual(count, of_row, of_column, all)),
        })
    }
}
