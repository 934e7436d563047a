//! One batch of an import's rows: what each came to, written beside the count of the rows that are done.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{RowOutcome, import, import_outcome};

use crate::change::{Act, Entry};
use crate::database::insert_all;
use crate::error::Result;
use crate::submission::look::ByItself;
use wayin_records::finding::{Finding, FindingCode};
use wayin_records::formats::file_record::{Cell, Item};
use wayin_records::formats::grants::Grant;

/// A row of a file, as it is read.
#[derive(Clone, Debug)]
pub(super) enum Unit {
    /// A record, or a row that is none.
    Record {
        item: Item,
        /// The record as it reads by itself, where that was looked at.
        alone: Option<Box<ByItself>>,
    },
    /// A published grant.
    Grant {
        /// The row that it begins with.
        at: Cell,
        grant: Box<Grant>,
        /// What of it could not be taken as it is written.
        warnings: Vec<(Cell, Finding)>,
    },
    /// A row of a file of grants that is none.
    NoGrant(Cell, Vec<(Cell, Finding)>),
}

/// Something that was found in a row.
#[derive(Debug)]
pub(super) struct Remark {
    pub(super) cell: Cell,
    pub(super) finding: Finding,
    pub(super) is_warning: bool,
}

/// What a row came to.
#[derive(Debug)]
pub(super) struct Came {
    /// Counts the rows of the file, from 1.
    pub(super) position: i64,
    pub(super) at: Cell,
    pub(super) outcome: RowOutcome,
    pub(super) remarks: Vec<Remark>,
    pub(super) submission: Option<Uuid>,
    pub(super) initiative: Option<Uuid>,
}

impl Came {
    pub(super) fn to(position: i64, at: Cell, outcome: RowOutcome) -> Self {
        Self {
            position,
            at,
            outcome,
            remarks: Vec::new(),
            submission: None,
            initiative: None,
        }
    }

    /// A row that could not be kept.
    pub(super) fn refused(
        position: i64,
        at: Cell,
        findings: impl IntoIterator<Item = (Cell, Finding)>,
    ) -> Self {
        let remarks = findings.into_iter().map(|(cell, finding)| Remark {
            cell,
            finding,
            is_warning: false,
        });
        Self {
            remarks: remarks.collect(),
            ..Self::to(position, at, RowOutcome::Refused)
        }
    }
}

/// A batch that was taken in.
pub(super) struct Taken {
    /// What each row came to.
    pub(super) came: Vec<Came>,
    /// What is to be appended to the log.
    pub(super) changes: Vec<Entry>,
}

/// Counts what the rows came to, as the runner that has the import in hand; answers false, for everything to be
/// taken back, where another has it by now.
pub(super) async fn count(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    import: Uuid,
    runner: Uuid,
    came: &[Came],
) -> Result<bool> {
    let mut update = import::Entity::update_many()
        .filter(import::Column::Id.eq(import))
        .filter(import::Column::Runner.eq(runner))
        .col_expr(import::Column::UpdatedAt, Expr::value(act.now()));
    let count = |wanted: &dyn Fn(&Came) -> bool| {
        i64::try_from(came.iter().filter(|one| wanted(one)).count()).unwrap_or(i64::MAX)
    };
    let mut counts = vec![
        (import::Column::RowsDone, count(&|_| true)),
        (
            import::Column::Warned,
            count(&|one| one.outcome != RowOutcome::Refused && one.remarks.iter().any(|it| it.is_warning)),
        ),
    ];
    for (column, outcome) in [
        (import::Column::Drafted, RowOutcome::Drafted),
        (import::Column::Sent, RowOutcome::Sent),
        (import::Column::Published, RowOutcome::Published),
        (import::Column::Unchanged, RowOutcome::Unchanged),
        (import::Column::NotRight, RowOutcome::NotRight),
        (import::Column::Refused, RowOutcome::Refused),
    ] {
        counts.push((column, count(&|one| one.outcome == outcome)));
    }
    update = update.col_expr(import::Column::Attempts, Expr::value(0));
    for (column, more) in counts {
        update = update.col_expr(column, Expr::col(column).add(more));
    }
    Ok(update.exec(db).await?.rows_affected > 0)
}

/// Writes what the rows came to.
pub(super) async fn write(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    import: Uuid,
    came: &[Came],
) -> Result<()> {
    let rows = came.iter().flat_map(|one| rows(act, import, one));
    Ok(insert_all(db, rows).await?)
}

/// The rows that tell of one row of the file: one for each thing that was found, or one in all.
fn rows(act: &Act<'_>, import: Uuid, came: &Came) -> Vec<import_outcome::ActiveModel> {
    let row = |cell: &Cell, said: Option<(Finding, bool)>| {
        let (finding, is_warning) = said.unzip();
        let now = act.now();
        let mut row = import_outcome::Model {
            id: act.clock.new_id(),
            import_id: import,
            position: came.position,
            sheet: cell.sheet.as_deref().map(without_nul),
            row: i64::try_from(cell.row).unwrap_or(i64::MAX),
            column: cell.column.as_deref().map(without_nul),
            outcome: came.outcome,
            code: None,
            message: None,
            path: None,
            is_warning: is_warning.unwrap_or(false),
            submission_id: came.submission,
            initiative_id: came.initiative,
            created_at: now,
            updated_at: now,
        }
        .into_active_model();
        if let Some(finding) = finding {
            row.code = Set(Some(code(finding.code)));
            row.message = Set(Some(without_nul(&finding.reason)));
            row.path = Set(Some(without_nul(&finding.path)));
        }
        row
    };
    if came.remarks.is_empty() {
        return vec![row(&came.at, None)];
    }
    came.remarks
        .iter()
        .map(|remark| row(&remark.cell, Some((remark.finding.clone(), remark.is_warning))))
        .collect()
}

/// What is said of a file quotes it, and no base can keep the character NUL.
pub(super) fn without_nul(said: &str) -> String {
    said.replace('\0', "\u{fffd}")
}

/// The code that a finding is kept under.
fn code(code: FindingCode) -> String {
    match serde_json::to_value(code) {
        Ok(Value::String(code)) => code,
        // A code is always a text.
        _ => String::new(),
    }
}
