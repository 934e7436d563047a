//! Polls for changes of any process while there are subscribers: after a change in this process, after a
//! notification of the database, and every half second.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::time::Instant;
use uuid::Uuid;
use wayin_entity::{Role, member, submission};

use super::{PollContext, SubmissionChanged};
use crate::auth::issued_token;
use crate::auth::requester::AuthenticatedMember;
use crate::error::{Result, TokenError};

/// The longest time between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long a poll waits for further changes, to report them together.
const COALESCE_DELAY: Duration = Duration::from_millis(10);
/// Rows can become visible this long after their timestamp: their transaction was longer than that of the
/// newest row, or the clock of their server is slow.
const OVERLAP_WINDOW: TimeDelta = TimeDelta::seconds(10);
/// The overlap is read at intervals of this many times as long as reading it took: reading takes at most a
/// tenth of the time.
const OVERLAP_INTERVAL_FACTOR: u32 = 10;
/// The longest interval between two reads of the overlap.
const MAX_OVERLAP_INTERVAL: Duration = Duration::from_secs(5);
const ROWS_PER_PAGE: u64 = 1_000;
const MEMBERS_PER_QUERY: usize = 500;

/// Polls until there are no subscribers.
pub async fn run_poller(context: PollContext) {
    let mut notifications = context.engine.notifier().subscribe();
    let mut submissions = SubmissionPoller::default();
    while context.live.has_followers() {
        notifications.mark_unchanged();
        match poll_once(&context, &mut submissions).await {
            Ok(()) => {
                context.live.has_polled.send_replace(true);
            }
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "changes could not be read; trying again");
            }
        }
        tokio::select! {
            _ = notifications.changed() => tokio::time::sleep(COALESCE_DELAY).await,
            () = context.live.follower_joined.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}

async fn poll_once(context: &PollContext, submissions: &mut SubmissionPoller) -> Result<()> {
    poll_members(context).await?;
    submissions
        .poll(&context.db, context.clock.now(), |moved| {
            // Sending fails only if there are no subscribers.
            let _ = context.live.submissions.send(moved);
        })
        .await
}

/// Notifies the connections of members whose access changed or whose token was revoked.
async fn poll_members(context: &PollContext) -> Result<()> {
    let followed: Vec<AuthenticatedMember> = context.live.lock_followers().members.keys().cloned().collect();
    for members in followed.chunks(MEMBERS_PER_QUERY) {
        let current: HashMap<Uuid, (Role, Option<Uuid>)> = member::Entity::find()
            .filter(member::Column::Id.is_in(members.iter().map(|member| member.id)))
            .filter(member::Column::RevokedAt.is_null())
            .all(&context.db)
            .await?
            .into_iter()
            .map(|row| (row.id, (row.role, row.organisation_id)))
            .collect();
        let tokens = members.iter().filter_map(|member| member.token).collect();
        let revoked: HashSet<Uuid> = issued_token::filter_revoked(&context.db, tokens)
            .await?
            .into_iter()
            .collect();
        for member in members {
            let reason = match current.get(&member.id) {
                Some(_) if member.token.is_some_and(|token| revoked.contains(&token)) => {
                    TokenError::TokenRevoked
                }
                Some(current) if *current == (member.role, member.organisation) => continue,
                Some(_) => TokenError::MemberChanged,
                None => TokenError::MemberRevoked,
            };
            if let Some(watched) = context.live.lock_followers().members.get(member) {
                watched.wait_for_access_loss.send_replace(Some(reason));
            }
        }
    }
    Ok(())
}

/// Finds changed submissions.
///
/// Most polls read only rows that are newer than the newest one seen. Rows that become visible later than
/// their timestamp are found by reading the overlap again: at every poll while there are few changes, and
/// every few seconds during a large import. They are reported late, but not missed: each read begins an
/// [`OVERLAP_WINDOW`] before the start of the previous one, and so includes rows that were not visible then.
#[derive(Default)]
struct SubmissionPoller {
    /// The newest position that has been seen.
    newest: SubmissionPosition,
    /// The last read of the overlap. None before the first poll.
    overlap: Option<OverlapRead>,
    /// The seen positions within the overlap.
    seen: HashSet<SubmissionPosition>,
}

/// The time of the last change of a submission, with its id. Submissions are read in this order.
type SubmissionPosition = (DateTime<Utc>, Uuid);

/// A read of the overlap.
struct OverlapRead {
    /// The start of the next read.
    next_from: DateTime<Utc>,
    /// The time of the next read.
    next: Instant,
}

impl SubmissionPoller {
    /// Reports the submissions that have changed since the last poll, with their current state, in the order
    /// of their times. The first poll reports none and sets the start.
    async fn poll(
        &mut self,
        db: &impl ConnectionTrait,
        now: DateTime<Utc>,
        tell: impl Fn(Arc<[SubmissionChanged]>),
    ) -> Result<()> {
        let begun = Instant::now();
        match &self.overlap {
            Some(overlap) if begun < overlap.next => return self.read_since(db, self.newest, tell).await,
            Some(overlap) => {
                let from = (overlap.next_from, Uuid::nil());
                self.read_since(db, from, tell).await?;
            }
            None => {
                self.newest = find_newest(db).await?;
                let from = (self.overlap_start(now), Uuid::nil());
                self.read_since(db, from, |_| ()).await?;
            }
        }
        let next_from = self.overlap_start(now);
        self.seen.retain(|(at, _)| *at >= next_from);
        self.overlap = Some(OverlapRead {
            next_from,
            next: Instant::now() + (begun.elapsed() * OVERLAP_INTERVAL_FACTOR).min(MAX_OVERLAP_INTERVAL),
        });
        Ok(())
    }

    /// The earliest time of rows that can still become visible. A server whose clock is fast does not hide
    /// rows of servers whose clocks are right.
    fn overlap_start(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.newest.0.min(now) - OVERLAP_WINDOW
    }

    /// Reports unseen submissions after a time.
    async fn read_since(
        &mut self,
        db: &impl ConnectionTrait,
        mut after: SubmissionPosition,
        tell: impl Fn(Arc<[SubmissionChanged]>),
    ) -> Result<()> {
        use submission::Column;
        loop {
            let later = Condition::any().add(Column::UpdatedAt.gt(after.0)).add(
                Condition::all()
                    .add(Column::UpdatedAt.eq(after.0))
                    .add(Column::Id.gt(after.1)),
            );
            let rows = submission::Entity::find()
                .filter(Column::UpdatedAt.gte(after.0))
                .filter(later)
                .order_by_asc(Column::UpdatedAt)
                .order_by_asc(Column::Id)
                .limit(ROWS_PER_PAGE)
                .select_only()
                .columns([Column::UpdatedAt, Column::Id, Column::OrganisationId])
                .into_tuple::<(DateTime<Utc>, Uuid, Uuid)>()
                .all(db)
                .await?;
            let whole = rows.len() as u64 == ROWS_PER_PAGE;
            let mut moved = Vec::new();
            for (at, id, organisation) in rows {
                after = (at, id);
                if self.seen.insert(after) {
                    moved.push(SubmissionChanged { id, organisation, at });
                }
            }
            self.newest = self.newest.max(after);
            if !moved.is_empty() {
                tell(moved.into());
            }
            if !whole {
                return Ok(());
            }
        }
    }
}

/// Finds the submission that changed last.
async fn find_newest(db: &impl ConnectionTrait) -> Result<SubmissionPosition> {
    use submission::Column;
    let newest = submission::Entity::find()
        .order_by_desc(Column::UpdatedAt)
        .order_by_desc(Column::Id)
        .select_only()
        .columns([Column::UpdatedAt, Column::Id])
        .into_tuple()
        .one(db)
        .await?;
    Ok(newest.unwrap_or_default())
}
