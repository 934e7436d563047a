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

use super::{FollowContext, SubmissionMoved};
use crate::auth::issued_token;
use crate::auth::requester::Member;
use crate::error::{Result, TokenError};

/// How long it waits before it looks for what nobody has told it of.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long it lets changes gather that come one upon the other.
const GATHER: Duration = Duration::from_millis(10);
/// Rows that were dated so long ago may still come to be seen: their transaction was longer than that
/// of the newest, or the clock of its server is late.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);
/// The overlap is read again after so many times as long as that took: it takes a tenth of the time at most.
const AGAIN_AFTER: u32 = 10;
/// The longest that it waits to read the overlap again.
const AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(5);
/// How many rows are read at once.
const ROWS_AT_ONCE: u64 = 1_000;
/// How many members are asked for at once.
const MEMBERS_AT_ONCE: usize = 500;

/// Follows, until there is nobody to follow for.
pub async fn follow(context: FollowContext) {
    let mut told = context.engine.notifier().subscribe();
    let mut submissions = Submissions::default();
    while context.live.goes_on() {
        told.mark_unchanged();
        match look(&context, &mut submissions).await {
            Ok(()) => {
                context.live.looked.send_replace(true);
            }
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "what was changed could not be read; trying again");
            }
        }
        tokio::select! {
            _ = told.changed() => tokio::time::sleep(GATHER).await,
            () = context.live.joined.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn look(context: &FollowContext, submissions: &mut Submissions) -> Result<()> {
    look_at_members(context).await?;
    submissions
        .look(&context.db, context.clock.now(), |moved| {
            // Nobody may be there to be told.
            let _ = context.live.submissions.send(moved);
        })
        .await
}

/// Tells the connections of members who are no longer who they were, or whose token was revoked.
async fn look_at_members(context: &FollowContext) -> Result<()> {
    let followed: Vec<Member> = context.live.following().members.keys().cloned().collect();
    for members in followed.chunks(MEMBERS_AT_ONCE) {
        let standing: HashMap<Uuid, (Role, Option<Uuid>)> = member::Entity::find()
            .filter(member::Column::Id.is_in(members.iter().map(|member| member.id)))
            .filter(member::Column::RevokedAt.is_null())
            .all(&context.db)
            .await?
            .into_iter()
            .map(|row| (row.id, (row.role, row.organisation_id)))
            .collect();
        let tokens = members.iter().filter_map(|member| member.token).collect();
        let revoked: HashSet<Uuid> = issued_token::revoked_of(&context.db, tokens)
            .await?
            .into_iter()
            .collect();
        for member in members {
            let reason = match standing.get(&member.id) {
                Some(_) if member.token.is_some_and(|token| revoked.contains(&token)) => {
                    TokenError::TokenRevoked
                }
                Some(standing) if *standing == (member.role, member.organisation) => continue,
                Some(_) => TokenError::Altered,
                None => TokenError::Revoked,
            };
            if let Some(watched) = context.live.following().members.get(member) {
                watched.lost.send_replace(Some(reason));
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
/// [`OVERLAP`] before where the one before it ended, so that what was not to be seen then, and
/// is within the overlap when it first is, lies in it.
#[derive(Default)]
struct Submissions {
    /// The newest that was seen.
    newest: Moment,
    /// How the overlap was last read; none before the first look.
    overlap: Option<Overlap>,
    /// What was seen of those that the overlap may be read from on.
    seen: HashSet<Moment>,
}

/// When a submission was altered, with its id: what they are read in the order of.
type Moment = (DateTime<Utc>, Uuid);

/// A reading of the overlap.
struct Overlap {
    /// From when on the next one reads.
    next_from: DateTime<Utc>,
    /// When it is to be.
    next: Instant,
}

impl Submissions {
    /// Tells of those that were saved or moved since the last look, each as it stands now, in the order of their
    /// dates. The first look tells of none: it says from where on.
    async fn look(
        &mut self,
        db: &impl ConnectionTrait,
        now: DateTime<Utc>,
        tell: impl Fn(Arc<[SubmissionMoved]>),
    ) -> Result<()> {
        let begun = Instant::now();
        match &self.overlap {
            Some(overlap) if begun < overlap.next => return self.read(db, self.newest, tell).await,
            Some(overlap) => {
                let from = (overlap.next_from, Uuid::nil());
                self.read(db, from, tell).await?;
            }
            None => {
                self.newest = newest(db).await?;
                let from = (self.before(now), Uuid::nil());
                self.read(db, from, |_| ()).await?;
            }
        }
        let next_from = self.before(now);
        self.seen.retain(|(at, _)| *at >= next_from);
        self.overlap = Some(Overlap {
            next_from,
            next: Instant::now() + (begun.elapsed() * AGAIN_AFTER).min(AGAIN_AFTER_AT_MOST),
        });
        Ok(())
    }

    /// From when on something may still come to be seen that was not by now. A server whose clock is ahead does
    /// not hide what those write whose clocks are right.
    fn before(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.newest.0.min(now) - OVERLAP
    }

    /// Tells of those after a moment that were not seen yet.
    async fn read(
        &mut self,
        db: &impl ConnectionTrait,
        mut after: Moment,
        tell: impl Fn(Arc<[SubmissionMoved]>),
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
                .limit(ROWS_AT_ONCE)
                .select_only()
                .columns([Column::UpdatedAt, Column::Id, Column::OrganisationId])
                .into_tuple::<(DateTime<Utc>, Uuid, Uuid)>()
                .all(db)
                .await?;
            let whole = rows.len() as u64 == ROWS_AT_ONCE;
            let mut moved = Vec::new();
            for (at, id, organisation) in rows {
                after = (at, id);
                if self.seen.insert(after) {
                    moved.push(SubmissionMoved { id, organisation, at });
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
async fn newest(db: &impl ConnectionTrait) -> Result<Moment> {
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
