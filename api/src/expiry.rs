//! Deletes what nobody has changed for a long time. The service sweeps once an hour, in batches. Several
//! servers can sweep at the same time. Each kind of row has its own setting and function.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DatabaseConnection;
use wayin_entity::{import, submission};

use crate::auth::oidc::attempt;
use crate::auth::session::{self, sign_in_link};
use crate::clock::Clock;
use crate::error::Result;
use crate::export_link;
use crate::idempotency;
use crate::import::job;
use crate::pattern::question_audit;
use crate::submission::expiry;

const SWEEP_INTERVAL: Duration = Duration::from_hours(1);
/// Small, so that other writers do not wait long.
const ROWS_PER_TRANSACTION: u64 = 100;
/// The default of `DRAFT_DAYS`.
pub const DEFAULT_DRAFT_EXPIRY_DAYS: u32 = 365;
/// The default of `IMPORT_DAYS`.
pub const DEFAULT_IMPORT_EXPIRY_DAYS: u32 = 90;

/// After which time rows expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryPolicy {
    /// Drafts, returned submissions and discarded submissions. None if they never expire.
    drafts: Option<TimeDelta>,
    /// The files of ended imports and the outcomes of their rows.
    imports: TimeDelta,
}

impl Default for ExpiryPolicy {
    fn default() -> Self {
        Self::from_days(DEFAULT_DRAFT_EXPIRY_DAYS, DEFAULT_IMPORT_EXPIRY_DAYS)
    }
}

impl ExpiryPolicy {
    /// Creates a policy from the numbers of days. Drafts with 0 days never expire.
    pub fn from_days(draft_days: u32, import_days: u32) -> Self {
        Self {
            drafts: (draft_days > 0).then(|| TimeDelta::days(draft_days.into())),
            imports: TimeDelta::days(import_days.into()),
        }
    }

    /// When a submission expires if nobody changes it. None if it never expires.
    pub fn submission_expires_at(&self, row: &submission::Model) -> Option<DateTime<Utc>> {
        let kept_for = self.drafts.filter(|_| expiry::can_expire(row.state))?;
        row.updated_at.checked_add_signed(kept_for)
    }

    /// When the file of an import and the outcomes of its rows expire, or when they expired. None if the
    /// import has not ended.
    pub fn import_expires_at(&self, row: &import::Model) -> Option<DateTime<Utc>> {
        let goes = row
            .ended_at
            .and_then(|ended| ended.checked_add_signed(self.imports));
        row.expired_at.or(goes)
    }
}

pub async fn run_sweeps(db: &DatabaseConnection, clock: &dyn Clock, expiry: &ExpiryPolicy) {
    loop {
        match delete_expired(db, clock, expiry, clock.now()).await {
            Ok(ExpiredCounts {
                submissions: 0,
                imports: 0,
                idempotency_keys: 0,
                question_counts: 0,
                export_links: 0,
                browser_sessions: 0,
                sign_in_links: 0,
                sign_in_attempts: 0,
            }) => {}
            Ok(ExpiredCounts {
                submissions,
                imports,
                idempotency_keys: answers,
                question_counts,
                export_links,
                browser_sessions,
                sign_in_links,
                sign_in_attempts,
            }) => {
                tracing::info!(
                    submissions,
                    imports,
                    answers,
                    question_counts,
                    export_links,
                    browser_sessions,
                    sign_in_links,
                    sign_in_attempts,
                    "expired rows were deleted"
                );
            }
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "expired rows could not be deleted; trying again in an hour");
            }
        }
        tokio::time::sleep(SWEEP_INTERVAL).await;
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiredCounts {
    pub submissions: u64,
    pub imports: u64,
    /// Stored results of mutations.
    pub idempotency_keys: u64,
    /// Counts of the questions of a member on a day.
    pub question_counts: u64,
    /// Links that have ended.
    pub export_links: u64,
    /// Sessions that have ended.
    pub browser_sessions: u64,
    /// Links to sign in that have ended.
    pub sign_in_links: u64,
    /// Sign-ins that were not finished in time.
    pub sign_in_attempts: u64,
}

/// Deletes everything that has expired by `now`.
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
        question_counts: question_audit::delete_expired(db, now).await?,
        export_links: export_link::delete_expired(db, now).await?,
        browser_sessions: session::delete_expired(db, now).await?,
        sign_in_links: sign_in_link::delete_expired(db, now).await?,
        sign_in_attempts: attempt::delete_expired(db, now).await?,
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
    let mut deleted = 0;
    while job::expiry::delete_next(db, clock, before, now).await? {
        deleted += 1;
    }
    Ok(deleted)
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
    let mut deleted = 0;
    loop {
        let batch = expiry::delete_expired(db, clock, before, now, ROWS_PER_TRANSACTION).await?;
        if batch == 0 {
            return Ok(deleted);
        }
        deleted += batch;
    }
}
