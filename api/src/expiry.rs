//! What lies untouched for long goes. The running service looks once an hour, in batches; on
//! several nodes at once each takes what is left. Every kind has a setting and a function.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::DatabaseConnection;
use wayin_entity::submission;

use crate::app::App;
use crate::clock::Clock;
use crate::error::Result;
use crate::submission::expired;

/// How often the service looks.
const LOOK_EVERY: Duration = Duration::from_hours(1);
/// How many go in one transaction: other writers wait for no more.
const AT_ONCE: u64 = 100;
/// How many days drafts are kept where no setting says it.
pub const DRAFT_DAYS: u32 = 365;

/// After how long what lies untouched goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Submissions that are with a partner or were given up; none where they are kept for good.
    drafts: Option<TimeDelta>,
}

impl Default for Expiry {
    fn default() -> Self {
        Self::of_drafts(DRAFT_DAYS)
    }
}

impl Expiry {
    /// Drafts go after so many days; after 0 they never do.
    pub fn of_drafts(days: u32) -> Self {
        Self {
            drafts: (days > 0).then(|| TimeDelta::days(days.into())),
        }
    }

    /// When a submission goes, if nobody touches it until then; none where it stays.
    pub fn of(&self, row: &submission::Model) -> Option<DateTime<Utc>> {
        let kept_for = self.drafts.filter(|_| expired::expires(row.state))?;
        row.updated_at.checked_add_signed(kept_for)
    }
}

/// Looks for what has expired for as long as the process lives, and has it go.
pub async fn follow(app: &App) {
    loop {
        let now = app.clock.now();
        match sweep(&app.db, &*app.clock, &app.expiry, now).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(submissions = gone, "what was not touched for long is gone"),
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "what has expired could not be taken out; trying again in an hour");
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Has everything go that has expired by `now`; answers how many did.
pub async fn sweep(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    expiry: &Expiry,
    now: DateTime<Utc>,
) -> Result<u64> {
    drafts(db, clock, expiry, now).await
}

async fn drafts(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    expiry: &Expiry,
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
        let batch = expired::delete(db, clock, before, now, AT_ONCE).await?;
        if batch == 0 {
            return Ok(gone);
        }
        gone += batch;
    }
}
