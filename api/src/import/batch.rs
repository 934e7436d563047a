//! Batches of rows from a file, and the result of each row.

use uuid::Uuid;
use wayin_entity::RowOutcome;

use crate::change_log::ChangeEntry;
use crate::submission::validate::ParsedSubmission;
use wayin_records::formats::file_record::{CellPosition, FileRecord, StrayRow};
use wayin_records::formats::grants::Grant;
use wayin_records::formats::records::WholeRecord;
use wayin_records::problem::Problem;

/// The number of rows that one transaction writes. On `SQLite`, each row takes a fifth longer in batches of half the
/// size, but other writers have to wait while a batch is written.
pub const ROWS_PER_BATCH: usize = 1_024;

/// A row of a file as it was read.
#[derive(Clone, Debug)]
pub(super) enum FileRow {
    /// A record that is submitted. It may have problems.
    Submitted {
        record: Box<FileRecord>,
        /// The record as it was parsed on its own, if the producer parsed it.
        alone: Option<Box<ParsedSubmission>>,
    },
    /// A row of a submitted file that belongs to no record.
    Stray(StrayRow),
    /// A record that is published at once.
    Record(Box<WholeRecord>),
    /// A published grant.
    Grant {
        /// The first row of the grant.
        at: CellPosition,
        grant: Box<Grant>,
        /// The values that were changed or left out.
        warnings: Vec<(CellPosition, Problem)>,
    },
    Invalid(CellPosition, Vec<(CellPosition, Problem)>),
}

/// Rows with their positions in the file, counted from 1.
pub(super) type Batch = Vec<(i64, FileRow)>;

/// A problem or warning in a row.
#[derive(Debug)]
pub(super) struct LocatedProblem {
    pub(super) cell: CellPosition,
    pub(super) problem: Problem,
    pub(super) is_warning: bool,
}

impl LocatedProblem {
    pub(super) fn warnings(
        found: impl IntoIterator<Item = (CellPosition, Problem)>,
    ) -> impl Iterator<Item = Self> {
        found.into_iter().map(|(cell, problem)| Self {
            cell,
            problem,
            is_warning: true,
        })
    }
}

/// The result of a row.
#[derive(Debug)]
pub(super) struct RowResult {
    /// The position in the file, counted from 1.
    pub(super) position: i64,
    pub(super) at: CellPosition,
    pub(super) outcome: RowOutcome,
    /// Whether the row was published as a new initiative.
    pub(super) is_new: bool,
    pub(super) problems: Vec<LocatedProblem>,
    pub(super) submission: Option<Uuid>,
    pub(super) initiative: Option<Uuid>,
}

impl RowResult {
    pub(super) const fn new(position: i64, at: CellPosition, outcome: RowOutcome) -> Self {
        Self {
            position,
            at,
            outcome,
            is_new: false,
            problems: Vec::new(),
            submission: None,
            initiative: None,
        }
    }

    pub(super) fn rejected(
        position: i64,
        at: CellPosition,
        problems: impl IntoIterator<Item = (CellPosition, Problem)>,
    ) -> Self {
        let problems = problems.into_iter().map(|(cell, problem)| LocatedProblem {
            cell,
            problem,
            is_warning: false,
        });
        Self {
            problems: problems.collect(),
            ..Self::new(position, at, RowOutcome::Rejected)
        }
    }

    pub(super) fn has_warnings(&self) -> bool {
        self.problems.iter().any(|found| found.is_warning)
    }
}

/// The result of a batch.
#[derive(Default)]
pub(super) struct BatchResult {
    /// In the order of the file.
    pub(super) rows: Vec<RowResult>,
    pub(super) changes: Vec<ChangeEntry>,
}
