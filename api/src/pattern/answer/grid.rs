//! Every value of one dimension against every value of another.

use wayin_entity::Dimension;

use super::super::count::cells::{Crossed, Layout, Marked};
use super::super::count::{Base, Counting};
use super::super::dimension::StratumName;
use super::super::disclosure::Shown;
use super::super::question::Viewpoint;
use super::super::run::Stopped;
use super::super::statistics::independence;
use super::{Basis, shown_cells};
use crate::condition::InitiativeCondition;

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
    pub rows: Vec<(StratumName, Shown)>,
    /// The columns, each with how many stand in it.
    pub columns: Vec<(StratumName, Shown)>,
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
    if rows.strata().len() * columns.strata().len() > MOST_CELLS {
        return Ok(None);
    }
    let count =
        |layout: &dyn Layout| Ok::<_, Stopped>(shown_cells(&counting.cells(layout)?, &counting, base));
    let totals = |domain| -> Result<Vec<Shown>, Stopped> {
        Ok(count(&Marked { by: Some(domain) })?
            .chunks_exact(2)
            .map(|cells| cells[0])
            .collect())
    };
    let cells = count(&Crossed {
        rows: &rows,
        columns: &columns,
    })?;
    let (of_rows, of_columns) = (totals(&rows)?, totals(&columns)?);
    let all = count(&Marked { by: None })?;
    counting.keep(&[]);
    Ok(Some(Grid {
        rows: rows.strata().iter().cloned().zip(of_rows).collect(),
        columns: columns.strata().iter().cloned().zip(of_columns).collect(),
        cells,
        population: all.first().copied().unwrap_or_default(),
        illustrative: all.get(1).copied().unwrap_or_default(),
        overlap: rows.overlaps() || columns.overlaps(),
        basis: Basis::of(base, question.viewpoint),
    }))
}

impl Grid {
    /// A cell against chance, from what is shown; none where a margin or the whole is withheld or zero.
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
