//! Every value of one dimension against every value of another.

use wayin_vocabulary::Dimension;

use super::super::cancellation::Cancelled;
use super::super::count::layout::{CrossedLayout, IllustrativeApartLayout, Layout};
use super::super::count::{EvaluationContext, PopulationCounter};
use super::super::dimension::{Domain, GroupName};
use super::super::disclosure::DisclosedCount;
use super::super::index::Bitmap;
use super::super::query::Viewpoint;
use super::super::statistics::independence;
use super::{Basis, disclose_cells};
use crate::predicate::InitiativePredicate;

/// How many initiatives have each value of one dimension and each of another?
#[derive(Clone, Debug)]
pub struct GridQuery {
    /// The dimension of the rows.
    pub rows: Dimension,
    /// The dimension of the columns.
    pub columns: Dimension,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativePredicate,
    /// Who asks.
    pub viewpoint: Viewpoint,
}

/// Two dimensions crossed, empty cells included.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The rows, each with how many stand in it.
    pub rows: Vec<(GroupName, DisclosedCount)>,
    /// The columns, each with how many stand in it.
    pub columns: Vec<(GroupName, DisclosedCount)>,
    /// The cells, row by row.
    pub cells: Vec<DisclosedCount>,
    /// All that were asked about.
    pub population: DisclosedCount,
    /// How many of them were made up.
    pub illustrative: DisclosedCount,
    /// Whether an initiative may stand in several cells.
    pub cells_overlap: bool,
    /// Which records the answer is from.
    pub basis: Basis,
}

/// A cell against what chance alone would put there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChanceComparison {
    /// How many there would be if rows and columns were independent.
    pub expected: f64,
    /// How far the count is from that, in standard errors.
    pub residual: Option<f64>,
}

/// The most cells that a grid has.
pub const MAX_GRID_CELLS: usize = 10_000;

/// Answers a question; none where the grid would have more than [`MAX_GRID_CELLS`] cells.
pub fn compute_grid(base: EvaluationContext<'_>, question: &GridQuery) -> Result<Option<Grid>, Cancelled> {
    let counting = PopulationCounter::new(base, question.viewpoint, &question.among);
    let (rows, columns) = (counting.domain(question.rows), counting.domain(question.columns));
    if rows.groups().len() * columns.groups().len() > MAX_GRID_CELLS {
        return Ok(None);
    }
    let counted = if rows.groups().len() * columns.groups().len() <= MAX_CELLS_COUNTED_BY_BITMAP {
        count_by_bitmaps(base, &counting, &rows, &columns)?
    } else {
        count_by_rows(base, &counting, &rows, &columns)?
    };
    counting.cache_results(&[]);
    Ok(Some(Grid {
        rows: rows.groups().iter().cloned().zip(counted.rows).collect(),
        columns: columns.groups().iter().cloned().zip(counted.columns).collect(),
        cells: counted.cells,
        population: counted.population,
        illustrative: counted.illustrative,
        cells_overlap: rows.has_overlap() || columns.has_overlap(),
        basis: Basis::from_context(base, question.viewpoint),
    }))
}

/// Up to so many cells are counted as sets of rows; more of them initiative by initiative.
const MAX_CELLS_COUNTED_BY_BITMAP: usize = 512;

/// The counts of a grid.
struct GridCounts {
    cells: Vec<DisclosedCount>,
    rows: Vec<DisclosedCount>,
    columns: Vec<DisclosedCount>,
    population: DisclosedCount,
    illustrative: DisclosedCount,
}

fn count_by_bitmaps(
    base: EvaluationContext<'_>,
    counting: &PopulationCounter<'_>,
    rows: &Domain,
    columns: &Domain,
) -> Result<GridCounts, Cancelled> {
    let (high, wide) = (rows.groups().len(), columns.groups().len());
    let sets = counting.count_row_sets(|_, chunk| {
        let (of_rows, of_columns) = (rows.group_bitmaps(chunk), columns.group_bitmaps(chunk));
        let across = |row: &Bitmap| {
            of_columns
                .iter()
                .map(|column| row.intersection(column))
                .collect::<Vec<Bitmap>>()
        };
        let mut sets: Vec<Bitmap> = of_rows.iter().flat_map(across).collect();
        sets.extend(of_rows);
        sets.extend(of_columns);
        sets.extend([Bitmap::full(chunk.len()), chunk.illustrative.clone()]);
        sets
    })?;
    let mut shown = disclose_cells(&sets, counting, base).into_iter();
    let mut next = |count: usize| shown.by_ref().take(count).collect::<Vec<DisclosedCount>>();
    Ok(GridCounts {
        cells: next(high * wide),
        rows: next(high),
        columns: next(wide),
        population: next(1).first().copied().unwrap_or_default(),
        illustrative: next(1).first().copied().unwrap_or_default(),
    })
}

fn count_by_rows(
    base: EvaluationContext<'_>,
    counting: &PopulationCounter<'_>,
    rows: &Domain,
    columns: &Domain,
) -> Result<GridCounts, Cancelled> {
    let count = |layout: &dyn Layout| {
        Ok::<_, Cancelled>(disclose_cells(&counting.count_layout(layout)?, counting, base))
    };
    let totals = |domain| -> Result<Vec<DisclosedCount>, Cancelled> {
        Ok(count(&IllustrativeApartLayout { by: Some(domain) })?
            .chunks_exact(2)
            .map(|cells| cells[0])
            .collect())
    };
    let all = count(&IllustrativeApartLayout { by: None })?;
    Ok(GridCounts {
        cells: count(&CrossedLayout { rows, columns })?,
        rows: totals(rows)?,
        columns: totals(columns)?,
        population: all.first().copied().unwrap_or_default(),
        illustrative: all.get(1).copied().unwrap_or_default(),
    })
}

impl Grid {
    /// A cell against chance, from what is shown; none where a margin or the whole is suppressed or zero.
    pub fn compare_with_chance(&self, row: usize, column: usize) -> Option<ChanceComparison> {
        let (of_row, of_column) = (self.rows.get(row)?.1.count?, self.columns.get(column)?.1.count?);
        let all = self.population.count?;
        let count = self.cells.get(row * self.columns.len() + column)?.count;
        Some(ChanceComparison {
            expected: independence::expected(of_row, of_column, all)?,
            residual: count
                .and_then(|count| independence::standardised_residual(count, of_row, of_column, all)),
        })
    }
}
