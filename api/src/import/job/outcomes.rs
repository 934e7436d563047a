//! Stores and counts the outcomes of an import's rows.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{RowOutcome, import, import_outcome};

use crate::change_log::ActionContext;
use crate::database::insert_all;
use crate::error::Result;
use crate::import::Remark;
use crate::import::batch::RowResult;
use wayin_records::formats::RowProblem;
use wayin_records::formats::file_record::CellPosition;
use wayin_records::problem::{Problem, ProblemCode};

/// Adds the rows of a batch to the counts of an import. Returns false if another worker has the import. The caller then
/// rolls the transaction back.
pub(in crate::import) async fn add_to_counts(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    import: Uuid,
    worker: Uuid,
    results: &[RowResult],
) -> Result<bool> {
    let mut update = import::Entity::update_many()
        .filter(import::Column::Id.eq(import))
        .filter(import::Column::Runner.eq(worker))
        .col_expr(import::Column::UpdatedAt, Expr::value(act.now()));
    let count = |wanted: &dyn Fn(&RowResult) -> bool| {
        i64::try_from(results.iter().filter(|one| wanted(one)).count()).unwrap_or(i64::MAX)
    };
    let mut counts = vec![
        (import::Column::RowsProcessed, count(&|_| true)),
        (import::Column::AddedCount, count(&|one| one.is_new)),
        (
            import::Column::WarningCount,
            count(&|one| one.outcome != RowOutcome::Rejected && one.has_warnings()),
        ),
    ];
    for (column, outcome) in [
        (import::Column::DraftCount, RowOutcome::Drafted),
        (import::Column::SubmittedCount, RowOutcome::Submitted),
        (import::Column::PublishedCount, RowOutcome::Published),
        (import::Column::UnchangedCount, RowOutcome::Unchanged),
        (import::Column::InvalidCount, RowOutcome::Invalid),
        (import::Column::RejectedCount, RowOutcome::Rejected),
    ] {
        counts.push((column, count(&|one| one.outcome == outcome)));
    }
    update = update.col_expr(import::Column::Attempts, Expr::value(0));
    for (column, more) in counts {
        update = update.col_expr(column, Expr::col(column).add(more));
    }
    Ok(update.exec(db).await?.rows_affected > 0)
}

pub(in crate::import) async fn insert_outcomes(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    import: Uuid,
    results: &[RowResult],
) -> Result<()> {
    let rows = results.iter().flat_map(|one| rows(act, import, one));
    Ok(insert_all(db, rows).await?)
}

/// The outcomes to store for one row of the file: one for each problem or warning, or one if there is none.
fn rows(act: &ActionContext<'_>, import: Uuid, result: &RowResult) -> Vec<import_outcome::ActiveModel> {
    let row = |cell: &CellPosition, found: Option<(Problem, bool)>| {
        let (problem, is_warning) = found.unzip();
        let now = act.now();
        let mut row = import_outcome::Model {
            id: act.clock.new_id(),
            import_id: import,
            position: result.position,
            sheet: cell.sheet.as_deref().map(without_nul),
            row: i64::try_from(cell.row).unwrap_or(i64::MAX),
            column: cell.column.as_deref().map(without_nul),
            outcome: result.outcome,
            code: None,
            message: None,
            path: None,
            is_warning: is_warning.unwrap_or(false),
            submission_id: result.submission,
            initiative_id: result.initiative,
            created_at: now,
            updated_at: now,
        }
        .into_active_model();
        if let Some(problem) = problem {
            row.code = Set(Some(code(problem.code)));
            row.message = Set(Some(without_nul(&problem.reason)));
            row.path = Set(Some(without_nul(&problem.path)));
        }
        row
    };
    if result.problems.is_empty() {
        return vec![row(&result.at, None)];
    }
    result
        .problems
        .iter()
        .map(|found| row(&found.cell, Some((found.problem.clone(), found.is_warning))))
        .collect()
}

/// Loads the problems and warnings of at most `max_rows` rows after a position, in the order of the file. Moves the
/// position to the last of these rows.
pub async fn load_remarks(
    db: &impl ConnectionTrait,
    import: Uuid,
    after: &mut i64,
    max_rows: u64,
) -> Result<Vec<Remark>> {
    use import_outcome::Column;
    let found = || {
        import_outcome::Entity::find()
            .filter(Column::ImportId.eq(import))
            .filter(Column::Code.is_not_null())
            .filter(Column::Position.gt(*after))
            .order_by_asc(Column::Position)
    };
    // All problems of one row have the same position.
    let positions = found().select_only().column(Column::Position).distinct();
    let positions: Vec<i64> = positions.limit(max_rows).into_tuple().all(db).await?;
    let Some(last) = positions.last() else {
        return Ok(Vec::new());
    };
    let rows = found()
        .filter(Column::Position.lte(*last))
        .order_by_asc(Column::Id);
    let rows = rows.all(db).await?;
    *after = *last;
    Ok(rows.into_iter().map(remark).collect())
}

fn remark(row: import_outcome::Model) -> Remark {
    let problem = RowProblem {
        sheet: row.sheet,
        row: row.row.unsigned_abs(),
        field: row.column.unwrap_or_default(),
        reason: row.message.unwrap_or_default(),
    };
    if row.is_warning {
        Remark::Warning(problem)
    } else {
        Remark::Refused(problem)
    }
}

/// Replaces NUL characters, which no database can store. Messages can contain text from the file.
pub(super) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The code of a problem in the form in which it is stored.
fn code(code: ProblemCode) -> String {
    match serde_json::to_value(code) {
        Ok(Value::String(code)) => code,
        // Every code serialises to a string.
        _ => String::new(),
    }
}
