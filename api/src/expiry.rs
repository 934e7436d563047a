//! What lies untouched for long goes. The running service looks once an hour, in batches; on
//! several nodes at once each takes what is left. Every kind has a setting and a function.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DatabaseConnection;
use wayin_entity::{import, submission};

use crate::clock::Clock;
use crate::error::Result;
use crate::idempotency;
use crate::import::job;
use crate::submission::expiry;

/// How often the service looks.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);
/// How many go in one transaction: other writers wait for no more.
const ROWS_PER_TRANSACTION: u64 = 100;
/// How many days drafts are kept where no setting says it.
pub const DEFAULT_DRAFT_EXPIRY_DAYS: u32 = 365;
/// The same for the files of imports, after they were taken in.
pub const DEFAULT_IMPORT_EXPIRY_DAYS: u32 = 90;

/// After how long what lies untouched goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryPolicy {
    /// Submissions that are with a partner or were given up; none where they are kept for good.
    drafts: Option<TimeDelta>,
    /// The files of imports that have ended, and the lists of what became of their rows.
    imports: TimeDelta,
}

impl Default for ExpiryPolicy {
    fn default() -> Self {
        Self::from_days(DEFAULT_DRAFT_EXPIRY_DAYS, DEFAULT_IMPORT_EXPIRY_DAYS)
    }
}

impl ExpiryPolicy {
    /// Drafts go after so many days, after 0 never; files of imports so many after they were taken in.
    pub fn from_days(draft_days: u32, import_days: u32) -> Self {
        Self {
            drafts: (draft_days > 0).then(|| TimeDelta::days(draft_days.into())),
            imports: TimeDelta::days(import_days.into()),
        }
    }

    /// When a submission goes, if nobody touches it until then; none where it stays.
    pub fn submission_expires_at(&self, row: &submission::Model) -> Option<DateTime<Utc>> {
        let kept_for = self.drafts.filter(|_| expiry::can_expire(row.state))?;
        row.updated_at.checked_add_signed(kept_for)
    }

    /// When the file of an import goes, and the list of what became of its rows, or when they went; none
    /// before it has ended.
    pub fn import_expires_at(&self, row: &import::Model) -> Option<DateTime<Utc>> {
        let goes = row
            .ended_at
            .and_then(|ended| ended.checked_add_signed(self.imports));
        row.expired_at.or(goes)
    }
}

/// Looks for what has expired for as long as the process lives, and has it go.
pub async fn run_sweeps(db: &DatabaseConnection, clock: &dyn Clock, expiry: &ExpiryPolicy) {
    loop {
        match delete_expired(db, clock, expiry, clock.now()).await {
            Ok(ExpiredCounts {
                submissions: 0,
                imports: 0,
                idempotency_keys: 0,
            }) => {}
            Ok(ExpiredCounts {
                submissions,
                imports,
                idempotency_keys: answers,
            }) => {
                tracing::info!(
                    submissions,
                    imports,
                    answers,
                    "what was not touched for long is gone"
                );
            }
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "what has expired could not be taken out; trying again in an hour");
            }
        }
        tokio::time::sleep(SWEEP_INTERVAL).await;
    }
}

/// How much went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiredCounts {
    /// Submissions.
    pub submissions: u64,
    /// Files of imports.
    pub imports: u64,
    /// Answers that were kept for whoever sends the same mutation again.
    pub idempotency_keys: u64,
}

/// Has everything go that has expired by `now`; answers how much did.
pub async fn delete_expired(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    expiry: &ExpiryPolicy,
    now: DateTime<Utc>,
) -> Result<ExpiredCounts> {
    Ok(ExpiredCounts {
        submissions: delete_expired_drafts(db, clock, expiry, now).await?,
        imports: delete_expired_imports(db, clock, expiry, now).await?,
        idempotency_keys: idempotency::delete_expired_keys(db, now).await?,
    })
}

async fn delete_expired_imports(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    expiry: &ExpiryPolicy,
    now: DateTime<Utc>,
) -> Result<u64> {
    let Some(before) = now.checked_sub_signed(expiry.imports) else {
        return Ok(0);
    };
    let mut gone = 0;
    while job::expiry::delete_next(db, clock, before, now).await? {
        gone += 1;
    }
    Ok(gone)
}

async fn delete_expired_drafts(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    expiry: &ExpiryPolicy,
    now: DateTime<Utc>,
) -> Result<u64> {
    let before = expiry
        .drafts
        .and_then(|kept_for| now.checked_sub_signed(kept_for));
    let Some(before) = before else {
        return Ok(0);
    };
    let mut gone = 0;
    loop {
        let batch = expiry::delete_expired(db, clock, before, now, ROWS_PER_TRANSACTION).await?;
        if batch == 0 {
            return Ok(gone);
        }
        gone += batch;
    }
}
