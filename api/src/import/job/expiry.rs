//! Deletes the files and row outcomes of imports that ended long ago. The imported records and the counts of each
//! import stay.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseConnection, EntityTrait, ExprTrait as _,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait, sea_query::Expr,
};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{audit_event, import, import_chunk, import_outcome};

use crate::clock::Clock;
use crate::database;
use crate::error::Result;
use crate::id::NodeKind;

/// The action of the audit event.
const AUDIT_ACTION: &str = "expireImport";
/// The rows, and the chunks of half a megabyte, that one transaction deletes. Small, so that other writers do not wait.
const ROWS_PER_TRANSACTION: u64 = 2_000;
const CHUNKS_PER_TRANSACTION: u64 = 20;

/// Deletes the file and the row outcomes of the import that ended first, if that was before `before`, and records an
/// audit event. Returns false if there is no such import. If a deletion was interrupted, the next call continues it.
pub async fn delete_next(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let holds_something = Condition::any()
        .add(import::Column::ExpiredAt.is_null())
        .add(
            import::Column::Id
                .in_subquery(imports_of::<import_chunk::Entity>(import_chunk::Column::ImportId)),
        )
        .add(
            import::Column::Id.in_subquery(imports_of::<import_outcome::Entity>(
                import_outcome::Column::ImportId,
            )),
        );
    let ended = import::Entity::find()
        .filter(import::Column::EndedAt.lt(before))
        .filter(holds_something)
        .order_by_asc(import::Column::EndedAt)
        .one(db)
        .await?;
    let Some(ended) = ended else {
        return Ok(false);
    };
    mark_expired(db, clock, ended.id, now).await?;
    while delete_rows(db, ended.id).await? {}
    while delete_chunks(db, ended.id).await? {}
    Ok(true)
}

fn imports_of<E: EntityTrait>(of: E::Column) -> sea_orm::sea_query::SelectStatement {
    E::find().select_only().column(of).into_query()
}

/// Marks an import as expired, which hides its rows and its file at once.
async fn mark_expired(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let transaction = database::begin_write(db).await?;
    let row = import::Entity::find_by_id(id)
        .filter(import::Column::ExpiredAt.is_null())
        .lock_exclusive()
        .one(&transaction)
        .await?;
    // Another server may have marked the import in the meantime.
    let Some(row) = row else {
        return Ok(());
    };
    let event = audit_event::Model {
        id: clock.new_id(),
        member_id: None,
        action: AUDIT_ACTION.to_owned(),
        subject: NodeKind::Import.name().to_owned(),
        subject_id: id,
        version_before: None,
        version_after: None,
        detail: json!({
            "organisation": row.organisation_id.map(|id| NodeKind::Organisation.encode_id(id)),
            "endedAt": row.ended_at,
        }),
        created_at: now,
        updated_at: now,
    };
    event.into_active_model().insert(&transaction).await?;
    let row = import::Model {
        expired_at: Some(now),
        updated_at: now,
        ..row
    };
    row.into_active_model().reset_all().update(&transaction).await?;
    database::commit(transaction).await?;
    Ok(())
}

/// Deletes some of the row outcomes. Returns false if there were none left.
async fn delete_rows(db: &DatabaseConnection, import: Uuid) -> Result<bool> {
    let some = import_outcome::Entity::find()
        .select_only()
        .column(import_outcome::Column::Id)
        .filter(import_outcome::Column::ImportId.eq(import))
        .limit(ROWS_PER_TRANSACTION)
        .into_query();
    let transaction = database::begin_write(db).await?;
    let deleted = import_outcome::Entity::delete_many()
        .filter(Expr::col(import_outcome::Column::Id).in_subquery(some))
        .exec(&transaction)
        .await?;
    database::commit(transaction).await?;
    Ok(deleted.rows_affected > 0)
}

/// Deletes some of the chunks of the file. Returns false if there were none left.
async fn delete_chunks(db: &DatabaseConnection, import: Uuid) -> Result<bool> {
    let some: Vec<i32> = import_chunk::Entity::find()
        .select_only()
        .column(import_chunk::Column::Position)
        .filter(import_chunk::Column::ImportId.eq(import))
        .limit(CHUNKS_PER_TRANSACTION)
        .into_tuple()
        .all(db)
        .await?;
    if some.is_empty() {
        return Ok(false);
    }
    let transaction = database::begin_write(db).await?;
    import_chunk::Entity::delete_many()
        .filter(import_chunk::Column::ImportId.eq(import))
        .filter(import_chunk::Column::Position.is_in(some))
        .exec(&transaction)
        .await?;
    database::commit(transaction).await?;
    Ok(true)
}
