//! Which cells an initiative falls into: the layouts that patterns, grids, flows and
//! distributions are counted by.

use std::borrow::Cow;

use wayin_vocabulary::{EntryPoint, Perspective};

use super::super::dimension::{Domain, iter_set_bits};
use super::super::evaluate::PreparedPredicate;
use super::super::index::{Bitmap, Chunk};
use super::contingency;

/// Stands for no cell.
pub const NO_CELL: u32 = u32::MAX;

/// How the cells that are counted make those that are published. Cells come in groups;
/// the published cells of a group are sums of some of the counted ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockShape {
    /// Each counted cell is published as it is.
    Plain,
    /// Those that are illustrative are counted apart: the published cells are all, and those.
    IllustrativeApart,
    /// The nine combinations of two conditions; what is published of them is told by [`contingency::PUBLISHED_CELLS_BY_RAW_CELL`].
    Counts3x3,
}

impl BlockShape {
    /// How many cells of a group are counted.
    pub fn raw_cell_count(self) -> usize {
        self.published_cells_by_raw_cell().len()
    }

    /// How many cells of a group are published.
    pub fn published_cell_count(self) -> usize {
        match self {
            Self::Plain => 1,
            Self::IllustrativeApart => 2,
            Self::Counts3x3 => 8,
        }
    }

    /// For each counted cell of a group, the published ones that it is part of.
    pub fn published_cells_by_raw_cell(self) -> &'static [&'static [u8]] {
        match self {
            Self::Plain => &[&[0]],
            Self::IllustrativeApart => &[&[0], &[0, 1]],
            Self::Counts3x3 => contingency::PUBLISHED_CELLS_BY_RAW_CELL,
        }
    }

    /// The published cells, by their place in the whole layout, that a counted one is part of.
    pub fn published_cells_of(self, raw: usize) -> impl Iterator<Item = usize> {
        let first = raw / self.raw_cell_count() * self.published_cell_count();
        self.published_cells_by_raw_cell()[raw % self.raw_cell_count()]
            .iter()
            .map(move |part| first + usize::from(*part))
    }
}

/// The cells of each row of a chunk: one or none, or several.
#[derive(Debug, Default)]
pub struct RowCells {
    /// Where each row's cells end; empty where every row has one entry.
    ends: Vec<u32>,
    cells: Vec<u32>,
}

impl RowCells {
    /// Starts anew with no cell for each of some rows.
    pub fn reset_single(&mut self, rows: usize) -> &mut [u32] {
        self.ends.clear();
        self.cells.clear();
        self.cells.resize(rows, NO_CELL);
        &mut self.cells
    }

    /// Starts anew; [`push`](Self::push) gives each row its cells.
    pub fn reset_multiple(&mut self) {
        self.ends.clear();
        self.cells.clear();
    }

    /// Gives the next row its cells.
    pub fn push(&mut self, cells: impl IntoIterator<Item = u32>) {
        self.cells.extend(cells);
        self.end_row();
    }

    fn end_row(&mut self) {
        self.ends
            .push(u32::try_from(self.cells.len()).unwrap_or(u32::MAX));
    }

    /// Shows each cell of the rows of a set to `see`, with its row.
    pub fn for_each(&self, rows: &Bitmap, mut see: impl FnMut(usize, usize)) {
        if self.ends.is_empty() {
            rows.for_each(|row| {
                if self.cells[row] != NO_CELL {
                    see(row, self.cells[row] as usize);
                }
            });
        } else {
            rows.for_each(|row| self.get(row).iter().for_each(|cell| see(row, *cell as usize)));
        }
    }

    /// The one cell of each row, [`NO_CELL`] for none; none where rows have several.
    pub fn single_cells(&self) -> Option<&[u32]> {
        self.ends.is_empty().then_some(&self.cells)
    }

    /// The cells of a row.
    pub fn get(&self, row: usize) -> &[u32] {
        if self.ends.is_empty() {
            let cells = &self.cells[row..=row];
            return if cells[0] == NO_CELL { &[] } else { cells };
        }
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.cells[start as usize..self.ends[row] as usize]
    }

    /// The same cells, each turned into another by its row.
    fn map(&mut self, to: impl Fn(usize, u32) -> u32) {
        if self.ends.is_empty() {
            for (row, cell) in self.cells.iter_mut().enumerate() {
                if *cell != NO_CELL {
                    *cell = to(row, *cell);
                }
            }
            return;
        }
        let mut start = 0;
        for (row, end) in self.ends.iter().enumerate() {
            for cell in &mut self.cells[start..*end as usize] {
                *cell = to(row, *cell);
            }
            start = *end as usize;
        }
    }
}

/// Says which cells the initiatives of a chunk fall into.
pub trait Layout: Sync {
    /// How counted cells make published ones.
    fn shape(&self) -> BlockShape;
    /// How many groups of cells there are.
    fn block_count(&self) -> usize;
    /// Puts down the cells of every row of the chunk at a position.
    fn write_cells(&self, position: usize, chunk: &Chunk, into: &mut RowCells);
}

/// Two conditions group by group.
pub struct ByGroupLayout<'a> {
    /// The one condition.
    pub when: &'a PreparedPredicate<'a>,
    /// The other.
    pub then: &'a PreparedPredicate<'a>,
    /// What initiatives are told apart by.
    pub by: &'a Domain,
}

impl Layout for ByGroupLayout<'_> {
    fn shape(&self) -> BlockShape {
        BlockShape::Counts3x3
    }

    fn block_count(&self) -> usize {
        self.by.groups().len()
    }

    fn write_cells(&self, position: usize, chunk: &Chunk, into: &mut RowCells) {
        let when = self.when.evaluate(position, chunk);
        let codes = contingency::compute_cell_codes(&when, &self.then.evaluate(position, chunk), chunk.len());
        self.by.groups_of_rows(chunk, into);
        into.map(|row, group| group * 9 + u32::from(codes[row]));
    }
}

/// All initiatives, or the groups of a dimension; the illustrative ones counted apart.
pub struct IllustrativeApartLayout<'a> {
    /// What initiatives are told apart by.
    pub by: Option<&'a Domain>,
}

impl Layout for IllustrativeApartLayout<'_> {
    fn shape(&self) -> BlockShape {
        BlockShape::IllustrativeApart
    }

    fn block_count(&self) -> usize {
        self.by.map_or(1, |domain| domain.groups().len())
    }

    fn write_cells(&self, _position: usize, chunk: &Chunk, into: &mut RowCells) {
        match self.by {
            Some(domain) => domain.groups_of_rows(chunk, into),
            None => into.reset_single(chunk.len()).fill(0),
        }
        into.map(|row, group| group * 2 + u32::from(chunk.illustrative.contains(row)));
    }
}

/// Every group of one dimension against every one of another: row by row.
pub struct CrossedLayout<'a> {
    /// The dimension of the rows.
    pub rows: &'a Domain,
    /// The dimension of the columns.
    pub columns: &'a Domain,
}

impl Layout for CrossedLayout<'_> {
    fn shape(&self) -> BlockShape {
        BlockShape::Plain
    }

    fn block_count(&self) -> usize {
        self.rows.groups().len() * self.columns.groups().len()
    }

    fn write_cells(&self, _position: usize, chunk: &Chunk, into: &mut RowCells) {
        let (mut rows, mut columns) = (RowCells::default(), RowCells::default());
        self.rows.groups_of_rows(chunk, &mut rows);
        self.columns.groups_of_rows(chunk, &mut columns);
        let width = u32::try_from(self.columns.groups().len()).unwrap_or(u32::MAX);
        if let (Some(rows), Some(columns)) = (rows.single_cells(), columns.single_cells()) {
            let cells = into.reset_single(chunk.len());
            for ((cell, row), column) in cells.iter_mut().zip(rows).zip(columns) {
                *cell = row * width + column;
            }
            return;
        }
        into.reset_multiple();
        for at in 0..chunk.len() {
            for row in rows.get(at) {
                into.cells
                    .extend(columns.get(at).iter().map(|column| row * width + column));
            }
            into.end_row();
        }
    }
}

/// How many entry points there are.
const ENTRY_POINT_COUNT: usize = EntryPoint::ALL.len();
/// For each way in: where initiatives went from it, each entry point in turn, and those that stayed.
pub const FLOWS_PER_WAY_IN: usize = ENTRY_POINT_COUNT + 1;
/// The cell, of those of one way in, of the initiatives that stayed; as many entry points come before it.
const STAYED_CELL: u32 = 4;
const _: () = assert!(ENTRY_POINT_COUNT == STAYED_CELL as usize);

/// Moves from the way in to each later entry point, by perspective: first the
/// perspectives, in each the ways in, in each [`FLOWS_PER_WAY_IN`] cells.
pub struct FlowsLayout<'a> {
    /// The perspectives.
    pub perspectives: Cow<'a, [Perspective]>,
}

impl Layout for FlowsLayout<'_> {
    fn shape(&self) -> BlockShape {
        BlockShape::IllustrativeApart
    }

    fn block_count(&self) -> usize {
        self.perspectives.len() * ENTRY_POINT_COUNT * FLOWS_PER_WAY_IN
    }

    fn write_cells(&self, _position: usize, chunk: &Chunk, into: &mut RowCells) {
        // For each perspective: the first cell of each row's way in, and where it went, as bits.
        let of_perspectives: Vec<(Vec<u32>, Vec<u8>)> = (0..)
            .zip(self.perspectives.iter())
            .map(|(at, perspective): (u32, _)| {
                let (mut first, mut went) = (vec![NO_CELL; chunk.len()], vec![0_u8; chunk.len()]);
                for (from, plane) in (0..).zip(chunk.ways_in[*perspective as usize].all()) {
                    plane.for_each(|row| first[row] = (at * STAYED_CELL + from) * (STAYED_CELL + 1));
                }
                for (to, plane) in chunk.later[*perspective as usize].all().iter().enumerate() {
                    plane.for_each(|row| went[row] |= 1 << to);
                }
                (first, went)
            })
            .collect();
        into.reset_multiple();
        for row in 0..chunk.len() {
            let illustrative = u32::from(chunk.illustrative.contains(row));
            for (first, went) in &of_perspectives {
                if first[row] != NO_CELL {
                    let to = if went[row] == 0 {
                        1 << STAYED_CELL
                    } else {
                        went[row]
                    };
                    into.cells
                        .extend(iter_set_bits(to).map(|to| (first[row] + to) * 2 + illustrative));
                }
            }
            into.end_row();
        }
    }
}
