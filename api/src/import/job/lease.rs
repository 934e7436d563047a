//! The leases of workers on imports. If a worker does not renew its lease in time, another worker continues the import.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, EntityTrait, ExprTrait as _, PaginatorTrait, QueryFilter,
    QueryOrder, UpdateMany, sea_query::Expr,
};
use uuid::Uuid;
use wayin_entity::{ImportState, import};

use crate::clock::Clock;
use crate::error::Result;

const LEASE: TimeDelta = TimeDelta::seconds(10);
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);

/// The lease of a worker on an import.
pub(super) struct Lease<'a> {
    pub(super) db: &'a DatabaseConnection,
    pub(super) clock: &'a dyn Clock,
    pub(super) worker: Uuid,
    pub(super) import: Uuid,
}

/// The imports that are queued, or whose lease has run out.
fn is_waiting(now: DateTime<Utc>) -> Condition {
    let abandoned = Condition::all()
        .add(import::Column::State.eq(ImportState::Running))
        .add(import::Column::RunnerUntil.lt(now));
    Condition::any()
        .add(import::Column::State.eq(ImportState::Queued))
        .add(abandoned)
}

/// Whether any import is waiting for a worker.
pub(in crate::import) async fn is_any_waiting(db: &DatabaseConnection, now: DateTime<Utc>) -> Result<bool> {
    let waiting = import::Entity::find().filter(is_waiting(now));
    Ok(waiting.count(db).await? > 0)
}

/// Claims the import that has waited longest. None if no import is waiting.
pub(super) async fn claim(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    worker: Uuid,
) -> Result<Option<import::Model>> {
    let now = clock.now();
    loop {
        let next = import::Entity::find()
            .filter(is_waiting(now))
            // The import whose last turn was longest ago comes first.
            .order_by_asc(import::Column::UpdatedAt)
            .order_by_asc(import::Column::Id)
            .one(db)
            .await?;
        let Some(next) = next else {
            return Ok(None);
        };
        let claimed = import::Entity::update_many()
            .filter(import::Column::Id.eq(next.id))
            .filter(is_waiting(now))
            .col_expr(import::Column::State, Expr::value(ImportState::Running))
            .col_expr(import::Column::Runner, Expr::value(worker))
            .col_expr(import::Column::RunnerUntil, Expr::value(now + LEASE))
            .col_expr(
                import::Column::Attempts,
                Expr::col(import::Column::Attempts).add(1),
            )
            .col_expr(import::Column::UpdatedAt, Expr::value(now))
            .exec(db)
            .await?;
        if claimed.rows_affected == 1 {
            return Ok(import::Entity::find_by_id(next.id).one(db).await?);
        }
    }
}

impl Lease<'_> {
    /// An update of the import that changes nothing if another worker has it.
    fn update(&self) -> UpdateMany<import::Entity> {
        import::Entity::update_many()
            .filter(import::Column::Id.eq(self.import))
            .filter(import::Column::Runner.eq(self.worker))
    }

    /// Puts the import back at the end of the queue.
    pub(super) async fn release(&self) -> Result<()> {
        self.update()
            .col_expr(import::Column::State, Expr::value(ImportState::Queued))
            .col_expr(import::Column::Runner, Expr::value(None::<Uuid>))
            .col_expr(import::Column::UpdatedAt, Expr::value(self.clock.now()))
            .exec(self.db)
            .await?;
        Ok(())
    }

    /// Ends the import. `failure` is the reason if it failed.
    pub(super) async fn end(&self, failure: Option<String>) -> Result<()> {
        let state = if failure.is_some() {
            ImportState::Failed
        } else {
            ImportState::Completed
        };
        let now = self.clock.now();
        self.update()
            .col_expr(import::Column::State, Expr::value(state))
            .col_expr(import::Column::FailureReason, Expr::value(failure))
            .col_expr(import::Column::Runner, Expr::value(None::<Uuid>))
            .col_expr(import::Column::RunnerUntil, Expr::value(None::<DateTime<Utc>>))
            .col_expr(import::Column::EndedAt, Expr::value(now))
            .col_expr(import::Column::UpdatedAt, Expr::value(now))
            .exec(self.db)
            .await?;
        Ok(())
    }

    /// Stores the notes about how the file was read.
    pub(super) async fn store_notes(&self, notes: &[String]) -> Result<()> {
        if !notes.is_empty() {
            self.update()
                .col_expr(import::Column::Notes, Expr::value(notes.join("\n")))
                .exec(self.db)
                .await?;
        }
        Ok(())
    }

    /// Renews the lease until another worker takes over the import.
    pub(super) async fn heartbeat(&self) {
        loop {
            tokio::time::sleep(HEARTBEAT_INTERVAL).await;
            let until = self.clock.now() + LEASE;
            let renewed = self
                .update()
                .col_expr(import::Column::RunnerUntil, Expr::value(until))
                .exec(self.db)
                .await;
            match renewed {
                Ok(renewed) if renewed.rows_affected == 0 => return,
                Ok(_) => {}
                // If the database is down, the current batch fails too.
                Err(cause) => tracing::warn!(%cause, "a worker could not renew its lease"),
            }
        }
    }
}
