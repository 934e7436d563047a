//! The number of initiatives for each pair of values of two dimensions.

use wayin_vocabulary::Dimension;

use super::{Basis, choose_basis_of_counts, disclose_cells};
use crate::cancellation::Cancelled;
use crate::count::layout::{CrossedLayout, IllustrativeApartLayout};
use crate::count::{EvaluationContext, PopulationCounter, RawCell};
use crate::dimension::{Domain, GroupName};
use crate::disclosure::DisclosedCount;
use crate::index::Bitmap;
use crate::predicate::InitiativePredicate;
use crate::query::{RecordScope, Viewpoint};
use crate::statistics::independence;

/// How many initiatives have each value of one dimension and each value of another?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GridQuery {
    /// The dimension of the rows.
    pub rows: Dimension,
    /// The dimension of the columns.
    pub columns: Dimension,
    /// Selects the population: the initiatives for which it is TRUE.
    pub among: InitiativePredicate,
    /// Who asks, over which records.
    pub viewpoint: Viewpoint,
}

/// The answer to a [`GridQuery`].
#[derive(Clone, Debug)]
pub struct Grid {
    /// The rows, each with its total.
    pub rows: Vec<(GroupName, DisclosedCount)>,
    /// The columns, each with its total.
    pub columns: Vec<(GroupName, DisclosedCount)>,
    /// The cells, row by row, empty cells included.
    pub cells: Vec<DisclosedCount>,
    /// The initiatives that `among` selects.
    pub population: DisclosedCount,
    /// How many of them are illustrative.
    pub illustrative: DisclosedCount,
    /// Whether an initiative can be in several cells.
    pub cells_overlap: bool,
    /// Which records the comparisons with chance are computed from.
    pub figures_basis: RecordScope,
    /// Which records the answer is based on.
    pub basis: Basis,
}

/// A cell compared with independence of rows and columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChanceComparison {
    /// The expected count.
    pub expected: f64,
    /// The difference between the count and the expected count, in standard errors.
    pub residual: Option<f64>,
}

/// The most cells that a grid can have.
pub const MAX_GRID_CELLS: usize = 10_000;

/// Answers a query. Returns none if the grid would have more than [`MAX_GRID_CELLS`] cells.
pub fn compute_grid(context: EvaluationContext<'_>, query: &GridQuery) -> Result<Option<Grid>, Cancelled> {
    let counter = PopulationCounter::new(context, query.viewpoint, &query.among);
    let (rows, columns) = (counter.domain(query.rows), counter.domain(query.columns));
    let cell_count = rows.groups().len() * columns.groups().len();
    if cell_count > MAX_GRID_CELLS {
        return Ok(None);
    }
    let counter = counter.decide(&[], &[&rows, &columns])?;
    let count = if cell_count <= MAX_CELLS_COUNTED_BY_BITMAP {
        count_by_bitmaps
    } else {
        count_by_rows
    };
    let raw = count(&counter, &rows, &columns)?;
    counter.cache_results(&[]);
    // The illustrative records come last, and the population before them.
    let population = raw.iter().rev().nth(1).copied().unwrap_or_default();
    let mut counts = disclose_cells(&raw, &counter).into_iter();
    let cells: Vec<DisclosedCount> = counts.by_ref().take(cell_count).collect();
    let name = |domain: &Domain, counts: &mut dyn Iterator<Item = DisclosedCount>| {
        domain.groups().iter().cloned().zip(counts).collect()
    };
    Ok(Some(Grid {
        figures_basis: choose_basis_of_counts(query.viewpoint.scope, &cells),
        cells,
        rows: name(&rows, &mut counts),
        columns: name(&columns, &mut counts),
        population: counts.next().unwrap_or_default(),
        illustrative: counts.next().unwrap_or_default(),
        cells_overlap: rows.has_overlap() || columns.has_overlap(),
        basis: Basis::from_counter(&counter, &[population]),
    }))
}

/// Grids of up to this many cells are counted as intersections of bitmaps, larger ones row by row.
const MAX_CELLS_COUNTED_BY_BITMAP: usize = 512;

/// Counts the cells, the totals of the rows and of the columns, the population and the illustrative records, in this
/// order.
fn count_by_bitmaps(
    counter: &PopulationCounter<'_>,
    rows: &Domain,
    columns: &Domain,
) -> Result<Vec<RawCell>, Cancelled> {
    let (row_count, column_count) = (rows.groups().len(), columns.groups().len());
    let set_count = row_count * column_count + row_count + column_count + 2;
    counter.count_row_sets(set_count, |position, chunk| {
        let (rows, columns) = (
            counter.group_bitmaps(rows, position),
            counter.group_bitmaps(columns, position),
        );
        let cross = |row: &Bitmap| {
            columns
                .iter()
                .map(|column| row.intersection(column))
                .collect::<Vec<_>>()
        };
        let mut sets: Vec<Bitmap> = rows.iter().flat_map(cross).collect();
        sets.extend(rows);
        sets.extend(columns);
        sets.extend([Bitmap::full(chunk.len()), chunk.illustrative.clone()]);
        sets
    })
}

/// Counts the same as [`count_by_bitmaps`].
fn count_by_rows(
    counter: &PopulationCounter<'_>,
    rows: &Domain,
    columns: &Domain,
) -> Result<Vec<RawCell>, Cancelled> {
    let mut cells = counter.count_layout(&CrossedLayout { rows, columns })?;
    for domain in [rows, columns] {
        let of_domain = counter.count_layout(&IllustrativeApartLayout { by: Some(domain) })?;
        cells.extend(of_domain.into_iter().step_by(2));
    }
    cells.extend(counter.count_layout(&IllustrativeApartLayout { by: None })?);
    Ok(cells)
}

impl Grid {
    /// Compares a cell with chance, from the counts of the basis. Returns none if a total is suppressed, or the population 0.
    pub fn compare_with_chance(&self, row: usize, column: usize) -> Option<ChanceComparison> {
        let count = |disclosed: &DisclosedCount| disclosed.of_basis(self.figures_basis).count;
        let row_total = count(&self.rows.get(row)?.1)?;
        let column_total = count(&self.columns.get(column)?.1)?;
        let population = count(&self.population)?;
        let cell = self.cells.get(row * self.columns.len() + column)?;
        let residual =
            |count| independence::standardised_residual(count, row_total, column_total, population);
        Some(ChanceComparison {
            expected: independence::expected(row_total, column_total, population)?,
            residual: count(cell).and_then(residual),
        })
    }
}
