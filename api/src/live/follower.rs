//! Looks for what was changed, by whichever process, while anybody is to be told: when this
//! process changed something, when the database says that another did, and every half second.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;
use wayin_entity::{Role, member, submission};

use super::SubmissionMoved;
use crate::app::App;
use crate::auth::issued;
use crate::auth::requester::Member;
use crate::auth::token::Trouble;
use crate::error::Result;

/// How long it waits before it looks for what nobody has told it of.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long it lets changes gather that come one upon the other.
const GATHER: Duration = Duration::from_millis(10);
/// Rows that were dated so long before the newest may still come to be seen: their transaction
/// was longer than that of the newest, or the clock of its server is late.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);
/// How many rows are read at once.
const ROWS_AT_ONCE: u64 = 1_000;
/// How many members are asked for at once.
const MEMBERS_AT_ONCE: usize = 500;

/// Follows, until there is nobody to follow for.
pub async fn follow(app: Arc<App>) {
    let mut told = app.engine.told();
    let mut submissions = Submissions::default();
    while app.live.goes_on() {
        told.mark_unchanged();
        match look(&app, &mut submissions).await {
            Ok(()) => {
                app.live.looked.send_replace(true);
            }
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "what was changed could not be read; trying again");
            }
        }
        tokio::select! {
            _ = told.changed() => tokio::time::sleep(GATHER).await,
            () = app.live.joined.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn look(app: &App, submissions: &mut Submissions) -> Result<()> {
    look_at_members(app).await?;
    for moved in submissions.look(&app.db, app.clock.now()).await? {
        // Nobody may be there to be told.
        let _ = app.live.submissions.send(moved);
    }
    Ok(())
}

/// Tells the connections of members who are no longer who they were, or whose token was revoked.
async fn look_at_members(app: &App) -> Result<()> {
    let followed: Vec<Member> = app.live.following().members.keys().cloned().collect();
    for members in followed.chunks(MEMBERS_AT_ONCE) {
        let standing: HashMap<Uuid, (Role, Option<Uuid>)> = member::Entity::find()
            .filter(member::Column::Id.is_in(members.iter().map(|member| member.id)))
            .filter(member::Column::RevokedAt.is_null())
            .all(&app.db)
            .await?
            .into_iter()
            .map(|row| (row.id, (row.role, row.organisation_id)))
            .collect();
        let tokens = members.iter().filter_map(|member| member.token).collect();
        let revoked: HashSet<Uuid> = issued::revoked_of(&app.db, tokens).await?.into_iter().collect();
        for member in members {
            let trouble = match standing.get(&member.id) {
                Some(_) if member.token.is_some_and(|token| revoked.contains(&token)) => {
                    Trouble::TokenRevoked
                }
                Some(standing) if *standing == (member.role, member.organisation) => continue,
                Some(_) => Trouble::Altered,
                None => Trouble::Revoked,
            };
            if let Some(watched) = app.live.following().members.get(member) {
                watched.lost.send_replace(Some(trouble));
            }
        }
    }
    Ok(())
}

/// How far the submissions were read.
#[derive(Default)]
struct Submissions {
    /// The newest that was seen; none before the first look.
    newest: Option<(DateTime<Utc>, Uuid)>,
    /// What was seen of those that are dated within the overlap.
    seen: HashSet<(DateTime<Utc>, Uuid)>,
}

impl Submissions {
    /// Those that were saved or moved since the last look, each as it stands now. The first look
    /// finds none: it says from where on.
    async fn look(&mut self, db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Vec<SubmissionMoved>> {
        use submission::Column;
        let Some((newest, _)) = self.newest else {
            let newest = submission::Entity::find()
                .order_by_desc(Column::UpdatedAt)
                .order_by_desc(Column::Id)
                .select_only()
                .columns([Column::UpdatedAt, Column::Id])
                .into_tuple::<(DateTime<Utc>, Uuid)>()
                .one(db)
                .await?;
            let (at, id) = newest.unwrap_or_default();
            self.read(db, at.min(now) - OVERLAP).await?;
            self.newest = Some((at, id));
            return Ok(Vec::new());
        };
        // A server whose clock is ahead does not hide what those write whose clocks are right.
        self.read(db, newest.min(now) - OVERLAP).await
    }

    /// Those from a moment on that were not seen yet.
    async fn read(&mut self, db: &impl ConnectionTrait, from: DateTime<Utc>) -> Result<Vec<SubmissionMoved>> {
        use submission::Column;
        let mut after = (from, Uuid::nil());
        let mut found = Vec::new();
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
            for (at, id, organisation) in rows {
                after = (at, id);
                if self.seen.insert(after) {
                    found.push(SubmissionMoved { id, organisation, at });
                }
            }
            if !whole {
                break;
            }
        }
        if let Some(newest) = &mut self.newest {
            *newest = after.max(*newest);
            self.seen.retain(|(at, _)| *at >= from);
        }
        Ok(found)
    }
}
