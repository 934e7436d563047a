//! A grid of two dimensions over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::parts::{
    Caution, DisclosureControl, encode_group_key, find_organisation, find_place, to_graphql_count,
    to_visible_count,
};
use crate::graphql::app_from_context;
use crate::graphql::as_of::AsOf;
use crate::initiative::graphql::{Organisation, Place};
use wayin_engine::answer::Grid;
use wayin_engine::cautions;
use wayin_engine::dimension::GroupName;
use wayin_engine::disclosure::{DisclosedCount, SuppressionRule};
use wayin_engine::query::RecordScope;

/// The number of initiatives for every combination of two dimensions: an evidence map, whose empty cells
/// are the gaps.
pub struct PatternGrid(Arc<Grid>);

impl PatternGrid {
    /// Wraps a grid, which its cells share.
    pub fn new(grid: Grid) -> Self {
        Self(Arc::new(grid))
    }
}

/// The number of initiatives for every combination of two dimensions: an evidence map, whose empty cells
/// are the gaps.
#[Object]
impl PatternGrid {
    /// The values of the row dimension. Initiatives without a recorded value come last.
    async fn rows(&self) -> Vec<GridHeading> {
        self.0.rows.iter().map(GridHeading::from).collect()
    }

    /// The values of the column dimension. Initiatives without a recorded value come last.
    async fn columns(&self) -> Vec<GridHeading> {
        self.0.columns.iter().map(GridHeading::from).collect()
    }

    /// The cells, row by row, including empty ones.
    async fn cells(&self) -> Vec<GridCell> {
        let width = self.0.columns.len();
        let cell = |at: usize| GridCell {
            grid: Arc::clone(&self.0),
            row: at / width,
            column: at % width,
        };
        (0..self.0.cells.len()).map(cell).collect()
    }

    /// The number of initiatives that the question is about: those selected by `among`, or all. Null if
    /// suppressed.
    async fn population(&self) -> Option<i64> {
        to_graphql_count(&self.0.population)
    }

    /// The exact number of these initiatives that you can read in full.
    async fn visible_population(&self) -> i64 {
        to_visible_count(&self.0.population)
    }

    /// The number of these initiatives that are illustrative: made up to show how Wayin works. Null if
    /// suppressed.
    async fn illustrative(&self) -> Option<i64> {
        to_graphql_count(&self.0.illustrative)
    }

    /// Whether an initiative can be in several cells. It counts once in each.
    async fn overlap(&self) -> bool {
        self.0.cells_overlap
    }

    /// Cautions to consider before you use this answer.
    pub(super) async fn cautions(&self) -> Vec<Caution> {
        Caution::list(cautions::list_grid_cautions(&self.0))
    }

    /// Which records the expected numbers and residuals are computed from, and which counts you can compare.
    /// VISIBLE if too many counts are suppressed.
    pub(super) async fn basis(&self) -> RecordScope {
        self.0.figures_basis
    }

    /// Which records were counted.
    pub(super) async fn scope(&self) -> RecordScope {
        self.0.basis.scope
    }

    /// How disclosure control changed the population. For a cell, see `suppressed`.
    pub(super) async fn disclosure(&self) -> DisclosureControl {
        let counts = [
            ("population", &self.0.population),
            ("illustrative", &self.0.illustrative),
        ];
        DisclosureControl::of(&self.0.basis, counts)
    }

    /// The newest change that this answer includes.
    pub(super) async fn as_of(&self) -> AsOf {
        self.0.basis.as_of.into()
    }

    /// The licence under which you can reuse the answer.
    pub(super) async fn licence<'a>(&self, ctx: &Context<'a>) -> &'a str {
        app_from_context(ctx).engine.licence()
    }
}

/// A value of one of the dimensions of a grid.
pub struct GridHeading {
    name: GroupName,
    count: DisclosedCount,
}

impl From<&(GroupName, DisclosedCount)> for GridHeading {
    fn from((name, count): &(GroupName, DisclosedCount)) -> Self {
        Self {
            name: name.clone(),
            count: *count,
        }
    }
}

/// A value of one of the dimensions of a grid.
#[Object]
impl GridHeading {
    /// The code, year or global ID of the value.
    /// Null for initiatives with no recorded value.
    async fn key(&self) -> Option<String> {
        encode_group_key(&self.name.key)
    }

    /// The label in plain words.
    async fn label(&self) -> &str {
        &self.name.label
    }

    /// The number of initiatives with this value. Null if suppressed.
    async fn count(&self) -> Option<i64> {
        to_graphql_count(&self.count)
    }

    /// The exact number of these initiatives that you can read in full.
    async fn visible_count(&self) -> i64 {
        to_visible_count(&self.count)
    }

    /// The place, if the value is a place. Otherwise null.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        find_place(ctx, &self.name.key).await
    }

    /// The organisation, if the value is an organisation. Otherwise null.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        find_organisation(ctx, &self.name.key).await
    }
}

/// The cell for one value of each dimension.
pub struct GridCell {
    grid: Arc<Grid>,
    row: usize,
    column: usize,
}

impl GridCell {
    fn disclosed_count(&self) -> &DisclosedCount {
        &self.grid.cells[self.row * self.grid.columns.len() + self.column]
    }
}

/// The cell for one value of each dimension.
#[Object]
impl GridCell {
    /// The index of the row, from 0.
    async fn row(&self) -> usize {
        self.row
    }

    /// The index of the column, from 0.
    async fn column(&self) -> usize {
        self.column
    }

    /// The number of initiatives with both values. Null if suppressed.
    async fn count(&self) -> Option<i64> {
        to_graphql_count(self.disclosed_count())
    }

    /// The expected number of initiatives if the two dimensions were independent. Null if a total is
    /// suppressed, or there are no initiatives.
    async fn expected(&self) -> Option<f64> {
        self.grid
            .compare_with_chance(self.row, self.column)
            .map(|found| found.expected)
    }

    /// The difference between the count and the expected number, in standard errors (adjusted residual).
    /// Above 2 or below -2, the difference is larger than chance explains in most cells. Null if the
    /// expected number is null, or if one row or column has all initiatives.
    async fn residual(&self) -> Option<f64> {
        self.grid.compare_with_chance(self.row, self.column)?.residual
    }

    /// The exact number of these initiatives that you can read in full.
    async fn visible_count(&self) -> i64 {
        to_visible_count(self.disclosed_count())
    }

    /// The rule that suppresses the count. Null if it is not suppressed.
    async fn suppressed(&self) -> Option<SuppressionRule> {
        self.disclosed_count().suppressed
    }
}
