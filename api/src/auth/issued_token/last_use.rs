//! Records when issued tokens were last used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    sea_query::Expr,
};
use tokio::time::Instant;
use uuid::Uuid;
use wayin_entity::issued_token;

use crate::clock::{Clock, SystemClock};

/// The shortest time between two writes for the same token.
const MIN_WRITE_INTERVAL: Duration = Duration::from_mins(1);
/// Above this number, tokens whose interval has passed are forgotten.
const MAX_REMEMBERED_TOKENS: usize = 10_000;

/// When this process last wrote the use of each token. A token that is used all the time is written once a
/// minute.
#[derive(Debug, Default)]
pub struct TokenUseTracker(Mutex<HashMap<Uuid, Instant>>);

impl TokenUseTracker {
    /// Whether the use of a token is due to be written. If it is, the interval starts again.
    fn is_due(&self, token: Uuid) -> bool {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written
            .get(&token)
            .is_some_and(|at| at.elapsed() < MIN_WRITE_INTERVAL)
        {
            return false;
        }
        if written.len() >= MAX_REMEMBERED_TOKENS {
            written.retain(|_, at| at.elapsed() < MIN_WRITE_INTERVAL);
        }
        written.insert(token, Instant::now());
        true
    }
}

/// Records that a token was used, in a task of its own: the request neither waits for it nor fails with it.
pub fn record_use(
    db: &DatabaseConnection,
    uses: &Arc<TokenUseTracker>,
    token: Uuid,
    last: Option<DateTime<Utc>>,
) {
    let now = SystemClock.now();
    let before = now - TimeDelta::seconds(60);
    if last.is_some_and(|last| last > before) || !uses.is_due(token) {
        return;
    }
    let db = db.clone();
    tokio::spawn(async move {
        if let Err(cause) = write_use(&db, token, before, now).await {
            tracing::warn!(%cause, "the last use of a token could not be stored");
        }
    });
}

async fn write_use(
    db: &impl ConnectionTrait,
    token: Uuid,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use issued_token::Column;
    // Another process may have written it in the meantime.
    let is_due = Condition::any()
        .add(Column::LastUsedAt.is_null())
        .add(Column::LastUsedAt.lt(before));
    issued_token::Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(token))
        .filter(is_due)
        .exec(db)
        .await?;
    Ok(())
}
