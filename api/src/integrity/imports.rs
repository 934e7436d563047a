//! Compares the counts of imports with the outcomes of their rows, and checks their stored files.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait as _, FromQueryResult, QueryFilter, QuerySelect,
    sea_query::Expr,
};
use uuid::Uuid;
use wayin_entity::{ImportState, RowOutcome, import, import_chunk, import_outcome};

use super::{IntegrityChecker, Invariant};
use crate::error::Result;
use crate::paging::KeysetScan;

const IMPORTS_PER_BATCH: u64 = 100;

/// The number of rows of an import with one outcome.
#[derive(FromQueryResult)]
struct OutcomeCountRow {
    import_id: Uuid,
    outcome: RowOutcome,
    counted: i64,
    furthest: i64,
}

/// A summary of the stored chunks of a file.
#[derive(FromQueryResult)]
struct ChunkSummaryRow {
    import_id: Uuid,
    counted: i64,
    last: i32,
    bytes: i64,
}

pub(super) async fn check_imports(
    db: &impl ConnectionTrait,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    let mut walk = KeysetScan::new(import::Entity::find(), import::Column::Id, IMPORTS_PER_BATCH);
    while let Some(page) = walk.next_rows(db).await? {
        let ids: Vec<Uuid> = page.iter().map(|one| one.id).collect();
        let mut rows: HashMap<Uuid, Vec<OutcomeCountRow>> = HashMap::new();
        for of in count_outcomes(db, &ids).await? {
            rows.entry(of.import_id).or_default().push(of);
        }
        let pieces = summarise_chunks(db, &ids).await?;
        for import in &page {
            let of = rows.get(&import.id).map_or(&[][..], Vec::as_slice);
            for wrong in find_problems(import, of, pieces.get(&import.id)) {
                let sentence = format!("Import {}, which is {}, {wrong}.", import.id, import.state.code());
                checking.report(Invariant::Imports, sentence);
            }
        }
        checking.summary.imports += page.len() as u64;
    }
    Ok(())
}

async fn count_outcomes(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<OutcomeCountRow>> {
    use import_outcome::Column;
    Ok(import_outcome::Entity::find()
        .select_only()
        .columns([Column::ImportId, Column::Outcome])
        .column_as(Expr::col(Column::Position).count_distinct(), "counted")
        .column_as(Expr::col(Column::Position).max(), "furthest")
        .filter(Column::ImportId.is_in(ids.iter().copied()))
        .group_by(Column::ImportId)
        .group_by(Column::Outcome)
        .into_model()
        .all(db)
        .await?)
}

async fn summarise_chunks(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, ChunkSummaryRow>> {
    use import_chunk::Column;
    let pieces: Vec<ChunkSummaryRow> = import_chunk::Entity::find()
        .select_only()
        .column(Column::ImportId)
        .column_as(Expr::col(Column::Position).count(), "counted")
        .column_as(Expr::col(Column::Position).max(), "last")
        .column_as(Expr::cust(r#"CAST(SUM(LENGTH("bytes")) AS BIGINT)"#), "bytes")
        .filter(Column::ImportId.is_in(ids.iter().copied()))
        .group_by(Column::ImportId)
        .into_model()
        .all(db)
        .await?;
    Ok(pieces.into_iter().map(|one| (one.import_id, one)).collect())
}

/// Finds the problems of an import.
fn find_problems(
    import: &import::Model,
    rows: &[OutcomeCountRow],
    pieces: Option<&ChunkSummaryRow>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let has_ended = matches!(import.state, ImportState::Completed | ImportState::Failed);
    if has_ended != import.ended_at.is_some() {
        wrong.push("does not say when it ended, or says so too early".to_owned());
    }
    if (import.state == ImportState::Failed) != import.failure_reason.is_some() {
        wrong.push("does not say why it failed, or gives a reason without having failed".to_owned());
    }
    if import.state == ImportState::Queued && import.rows_processed != 0 {
        wrong.push(format!(
            "is queued, and has processed {} rows",
            import.rows_processed
        ));
    }
    // An expired import is deleted in steps.
    if import.expired_at.is_some() {
        return wrong;
    }
    match pieces {
        Some(pieces) if pieces.counted != i64::from(pieces.last) || pieces.bytes != import.bytes => {
            wrong.push(format!(
                "has a file of {} bytes, of which {} are stored, in {} of {} pieces",
                import.bytes, pieces.bytes, pieces.counted, pieces.last
            ));
        }
        None if !has_ended && import.bytes > 0 => {
            wrong.push("has not ended, and its file is missing".to_owned());
        }
        _ => {}
    }
    for (outcome, counted) in [
        (RowOutcome::Drafted, import.draft_count),
        (RowOutcome::Submitted, import.submitted_count),
        (RowOutcome::Published, import.published_count),
        (RowOutcome::Unchanged, import.unchanged_count),
        (RowOutcome::Invalid, import.invalid_count),
        (RowOutcome::Rejected, import.rejected_count),
    ] {
        let listed = rows
            .iter()
            .find(|one| one.outcome == outcome)
            .map_or(0, |one| one.counted);
        if listed != counted {
            wrong.push(format!(
                "counts {counted} rows as {}, and lists {listed}",
                outcome.code()
            ));
        }
    }
    let furthest = rows.iter().map(|one| one.furthest).max().unwrap_or_default();
    if furthest != import.rows_processed {
        wrong.push(format!(
            "has processed {} rows, and lists row {furthest}",
            import.rows_processed
        ));
    }
    wrong
}
