//! A grid of two dimensions over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::parts::{
    AsOf, Caution, DisclosureControl, SuppressedCell, key_text, number, organisation_of, place_of,
};
use crate::graphql::app;
use crate::initiative::graphql::{Organisation, Place};
use wayin_engine::answer::Grid;
use wayin_engine::cautions;
use wayin_engine::dimension::GroupName;
use wayin_engine::disclosure::Shown;
use wayin_engine::query::RecordScope;

/// Every value of one dimension against every value of another: an evidence map, whose empty cells are the gaps.
pub struct PatternGrid(Arc<Grid>);

impl PatternGrid {
    /// A grid that was counted.
    pub fn new(grid: Grid) -> Self {
        Self(Arc::new(grid))
    }
}

/// Every value of one dimension against every value of another: an evidence map, whose empty cells are the gaps.
#[Object]
impl PatternGrid {
    /// The values of the one dimension, those that do not say last.
    async fn rows(&self) -> Vec<GridHeading> {
        self.0.rows.iter().map(GridHeading::from).collect()
    }

    /// The values of the other, those that do not say last.
    async fn columns(&self) -> Vec<GridHeading> {
        self.0.columns.iter().map(GridHeading::from).collect()
    }

    /// The cells, row by row, empty ones too.
    async fn cells(&self) -> Vec<GridCell> {
        let width = self.0.columns.len();
        let cell = |at: usize| GridCell {
            grid: Arc::clone(&self.0),
            row: at / width,
            column: at % width,
        };
        (0..self.0.cells.len()).map(cell).collect()
    }

    /// All that were asked about; null where that is suppressed.
    async fn population(&self) -> Option<i64> {
        number(&self.0.population)
    }

    /// How many of them were made up to show how Wayin works; null where that is suppressed.
    async fn illustrative(&self) -> Option<i64> {
        number(&self.0.illustrative)
    }

    /// Whether an initiative may stand in several cells: it counts once in each.
    async fn overlap(&self) -> bool {
        self.0.overlap
    }

    /// What to mind when reading it.
    async fn cautions(&self) -> Vec<Caution> {
        let grid = &self.0;
        cautions::of_counts(&grid.basis, &grid.illustrative, grid.overlap, grid.cells.iter())
            .into_iter()
            .map(Caution::from)
            .collect()
    }

    /// Which records were counted.
    async fn scope(&self) -> RecordScope {
        self.0.basis.scope
    }

    /// What disclosure control did to the population; each cell and heading tells its own.
    async fn disclosure(&self) -> DisclosureControl {
        let counts = [
            ("population", &self.0.population),
            ("illustrative", &self.0.illustrative),
        ];
        DisclosureControl::of(&self.0.basis, counts)
    }

    /// The newest change that this answer has seen.
    async fn as_of(&self) -> AsOf {
        self.0.basis.as_of.into()
    }

    /// The licence under which this answer may be used again.
    async fn licence<'a>(&self, ctx: &Context<'a>) -> &'a str {
        app(ctx).engine.licence()
    }
}

/// A value of one of a grid's dimensions.
pub struct GridHeading {
    name: GroupName,
    count: Shown,
}

impl From<&(GroupName, Shown)> for GridHeading {
    fn from((name, count): &(GroupName, Shown)) -> Self {
        Self {
            name: name.clone(),
            count: *count,
        }
    }
}

/// A value of one of a grid's dimensions.
#[Object]
impl GridHeading {
    /// The code, year, or global id that it stands for; null for those that do not say.
    async fn key(&self) -> Option<String> {
        key_text(&self.name.key)
    }

    /// The words for it.
    async fn label(&self) -> &str {
        &self.name.label
    }

    /// How many initiatives have it; null where that is suppressed.
    async fn count(&self) -> Option<i64> {
        number(&self.count)
    }

    /// The place that it stands for; null where it stands for something else.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        place_of(ctx, &self.name.key).await
    }

    /// The organisation that it stands for; null where it stands for something else.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        organisation_of(ctx, &self.name.key).await
    }
}

/// One value of each dimension.
pub struct GridCell {
    grid: Arc<Grid>,
    row: usize,
    column: usize,
}

impl GridCell {
    fn shown(&self) -> &Shown {
        &self.grid.cells[self.row * self.grid.columns.len() + self.column]
    }
}

/// One value of each dimension.
#[Object]
impl GridCell {
    /// The place of its row, from 0.
    async fn row(&self) -> usize {
        self.row
    }

    /// The place of its column, from 0.
    async fn column(&self) -> usize {
        self.column
    }

    /// How many initiatives have both values; null where that is suppressed.
    async fn count(&self) -> Option<i64> {
        number(self.shown())
    }

    /// How many there would be if the two dimensions had nothing to do with each other; null where a total
    /// is suppressed, or there is nothing.
    async fn expected(&self) -> Option<f64> {
        self.grid
            .against_chance(self.row, self.column)
            .map(|found| found.expected)
    }

    /// How far the count is from that, in standard errors: beyond 2 or -2 it is more or less than chance
    /// would make of most cells. Null where the expected count is, or a row or column is everything.
    async fn residual(&self) -> Option<f64> {
        self.grid.against_chance(self.row, self.column)?.residual
    }

    /// The rule by which records that may only be counted are not in the count; null where they are.
    async fn suppressed(&self) -> Option<SuppressedCell> {
        SuppressedCell::of(self.shown())
    }
}
