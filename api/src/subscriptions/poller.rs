//! Looks for what was changed, by whichever process, while anybody is to be told: when this
//! process changed something, when the database says that another did, and every half second.

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

/// How long it waits before it looks for what nobody has told it of.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long it lets changes gather that come one upon the other.
const COALESCE_DELAY: Duration = Duration::from_millis(10);
/// Rows that were dated so long ago may still come to be seen: their transaction was longer than that
/// of the newest, or the clock of its server is late.
const OVERLAP_WINDOW: TimeDelta = TimeDelta::seconds(10);
/// The overlap is read again after so many times as long as that took: it takes a tenth of the time at most.
const OVERLAP_INTERVAL_FACTOR: u32 = 10;
/// The longest that it waits to read the overlap again.
const MAX_OVERLAP_INTERVAL: Duration = Duration::from_secs(5);
/// How many rows are read at once.
const ROWS_PER_PAGE: u64 = 1_000;
/// How many members are asked for at once.
const MEMBERS_PER_QUERY: usize = 500;

/// Follows, until there is nobody to follow for.
pub async fn run_poller(context: PollContext) {
    let mut told = context.engine.notifier().subscribe();
    let mut submissions = SubmissionPoller::default();
    while context.live.has_followers() {
        told.mark_unchanged();
        match poll_once(&context, &mut submissions).await {
            Ok(()) => {
                context.live.has_polled.send_replace(true);
            }
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "what was changed could not be read; trying again");
            }
        }
        tokio::select! {
            _ = told.changed() => tokio::time::sleep(COALESCE_DELAY).await,
            () = context.live.follower_joined.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}

async fn poll_once(context: &PollContext, submissions: &mut SubmissionPoller) -> Result<()> {
    poll_members(context).await?;
    submissions
        .poll(&context.db, context.clock.now(), |moved| {
            // Nobody may be there to be told.
            let _ = context.live.submissions.send(moved);
        })
        .await
}

/// Tells the connections of members who are no longer who they were, or whose token was revoked.
async fn poll_members(context: &PollContext) -> Result<()> {
    let followed: Vec<AuthenticatedMember> = context.live.lock_followers().members.keys().cloned().collect();
    for members in followed.chunks(MEMBERS_PER_QUERY) {
        let standing: HashMap<Uuid, (Role, Option<Uuid>)> = member::Entity::find()
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
            let reason = match standing.get(&member.id) {
                Some(_) if member.token.is_some_and(|token| revoked.contains(&token)) => {
                    TokenError::TokenRevoked
                }
                Some(standing) if *standing == (member.role, member.organisation) => continue,
                Some(_) => TokenError::MemberChanged,
                None => TokenError::MemberRevoked,
            };
            if let Some(watched) = context.live.lock_followers().members.get(member) {
                watched.access_lost.send_replace(Some(reason));
            }
        }
    }
    Ok(())
}

/// How far the submissions were read.
///
/// Most looks read only what is dated later than the newest that was seen. What comes to be seen later
/// than it is dated is found when the overlap is read anew: at every look while little happens, and during a large
/// import at least every few seconds. So it is told that much later, but it is told: each reading begins an
/// [`OVERLAP_WINDOW`] before where the one before it ended, so that what was not to be seen then, and
/// is within the overlap when it first is, lies in it.
#[derive(Default)]
struct SubmissionPoller {
    /// The newest that was seen.
    newest: SubmissionPosition,
    /// How the overlap was last read; none before the first look.
    overlap: Option<OverlapRead>,
    /// What was seen of those that the overlap may be read from on.
    seen: HashSet<SubmissionPosition>,
}

/// When a submission was altered, with its id: what they are read in the order of.
type SubmissionPosition = (DateTime<Utc>, Uuid);

/// A reading of the overlap.
struct OverlapRead {
    /// From when on the next one reads.
    next_from: DateTime<Utc>,
    /// When it is to be.
    next: Instant,
}

impl SubmissionPoller {
    /// Tells of those that were saved or moved since the last look, each as it stands now, in the order of their
    /// dates. The first look tells of none: it says from where on.
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

    /// From when on something may still come to be seen that was not by now. A server whose clock is ahead does
    /// not hide what those write whose clocks are right.
    fn overlap_start(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.newest.0.min(now) - OVERLAP_WINDOW
    }

    /// Tells of those after a moment that were not seen yet.
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

/// The submission that was altered last.
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
