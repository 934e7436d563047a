//! Sessions of members who signed in with a browser: by a [one-time link](sign_in_link), by accepting an [invitation], or with
//! an [issuer](super::oidc).
//!
//! A session authenticates pages alone. The API reads no cookie: it takes a token or a link to a file. The browser has the
//! secret of the session in a cookie, and the database has only a digest of it. The member, the role and the organisation
//! are looked up on each use, so a change or a revocation takes effect at once.

pub mod begin;
pub mod graphql;
pub mod invitation;
pub mod sign_in_link;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, sea_query::Expr,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wayin_entity::{browser_session, member, sign_in_link as link_row};

use super::member::names::load_member_names;
use super::requester::AuthenticatedMember;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::secret::{SecretKind, digest_secret};

/// How long a session lasts that nobody uses.
pub const SESSION_IDLE_LIFETIME: TimeDelta = TimeDelta::hours(8);
/// How long a session lasts at most.
pub const SESSION_LIFETIME: TimeDelta = TimeDelta::days(7);
/// The shortest time between two writes of the last use of a session.
const MIN_WRITE_INTERVAL: TimeDelta = TimeDelta::minutes(1);

const SESSION_SECRET: SecretKind = SecretKind::new("wayin_session_");

/// A session that has not ended, as the database has it at the moment of a request.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    pub id: Uuid,
    /// The member, with the present role and organisation.
    pub member: AuthenticatedMember,
    /// The token that the forms of this session must carry.
    pub csrf_token: String,
    /// The name of the member for the pages.
    pub name: String,
}

/// A session with its secret, which only the browser gets.
#[derive(Clone)]
pub struct CreatedSession {
    pub secret: String,
    pub session: BrowserSession,
}

/// Creates a session of a member.
///
/// # Errors
/// [`Error::Forbidden`] if the member is revoked or does not exist.
pub async fn create_session(
    db: &impl ConnectionTrait,
    clock: &dyn Clock,
    member_id: Uuid,
) -> Result<CreatedSession> {
    let member = member::Entity::find_by_id(member_id).one(db).await?;
    let Some(member) = member.filter(|member| member.revoked_at.is_none()) else {
        let reason = "you are not a member any more; ask a steward to invite you again";
        return Err(Error::Forbidden(reason.into()));
    };
    let secret = SESSION_SECRET.generate()?;
    let now = clock.now();
    let row = browser_session::Model {
        id: clock.new_id(),
        member_id: member.id,
        secret_digest: digest_secret(&secret),
        last_used_at: now,
        expires_at: now + SESSION_LIFETIME,
        ended_at: None,
        created_at: now,
        updated_at: now,
    };
    let id = row.id;
    browser_session::Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    let session = build_session(db, id, member, &secret).await?;
    Ok(CreatedSession { secret, session })
}

/// Finds the session with a secret, and records its use. None if there is none, if it has ended, or if its member is
/// revoked.
///
/// # Errors
/// [`Error::Unavailable`] if the database cannot be read.
pub async fn find_session(
    db: &DatabaseConnection,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<Option<BrowserSession>> {
    use browser_session::Column;
    if !SESSION_SECRET.matches(secret) {
        return Ok(None);
    }
    let found = browser_session::Entity::find()
        .filter(Column::SecretDigest.eq(digest_secret(secret)))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .filter(Column::LastUsedAt.gt(now - SESSION_IDLE_LIFETIME))
        .find_also_related(member::Entity)
        .one(db)
        .await
        .map_err(|cause| Error::Unavailable {
            message: "you cannot be signed in at present; try again shortly",
            cause: format!("{cause:?}"),
        })?;
    let Some((row, Some(member))) = found else {
        return Ok(None);
    };
    if member.revoked_at.is_some() {
        return Ok(None);
    }
    record_use(db, &row, now);
    Ok(Some(build_session(db, row.id, member, secret).await?))
}

async fn build_session(
    db: &impl ConnectionTrait,
    id: Uuid,
    member: member::Model,
    secret: &str,
) -> Result<BrowserSession> {
    Ok(BrowserSession {
        id,
        csrf_token: derive_csrf_token(secret),
        name: load_member_name(db, &member).await?,
        member: AuthenticatedMember {
            id: member.id,
            subject: member.subject,
            role: member.role,
            organisation: member.organisation_id,
            token: None,
        },
    })
}

/// Derives the token that forms carry from the secret of the session. Pages of other origins know neither, and the secret
/// cannot be derived from the token.
fn derive_csrf_token(secret: &str) -> String {
    hex::encode(Sha256::digest(format!("csrf:{secret}")))
}

/// Loads the name of a member for pages, or else the subject of the member's tokens.
async fn load_member_name(db: &impl ConnectionTrait, member: &member::Model) -> Result<String> {
    let mut names = load_member_names(db, [member.id]).await?;
    Ok(names.remove(&member.id).unwrap_or_else(|| member.subject.clone()))
}

/// Records the use of a session, in a task of its own: the request neither waits for it nor fails with it.
fn record_use(db: &DatabaseConnection, row: &browser_session::Model, now: DateTime<Utc>) {
    let before = now - MIN_WRITE_INTERVAL;
    if row.last_used_at > before {
        return;
    }
    let (db, id) = (db.clone(), row.id);
    tokio::spawn(async move {
        if let Err(cause) = write_use(&db, id, before, now).await {
            tracing::warn!(%cause, "the last use of a session could not be stored");
        }
    });
}

async fn write_use(
    db: &impl ConnectionTrait,
    id: Uuid,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use browser_session::Column;
    browser_session::Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        // Another request may have written it in the meantime.
        .filter(Column::LastUsedAt.lte(before))
        .exec(db)
        .await?;
    Ok(())
}

/// Ends a session. The next request with its secret is one of a visitor.
pub async fn end_session(db: &impl ConnectionTrait, clock: &dyn Clock, id: Uuid) -> Result<()> {
    end_sessions(db, clock.now(), browser_session::Column::Id.eq(id)).await
}

/// Ends all sessions of a member, and the sign-in links that the member has not used.
pub async fn end_sessions_of_member(
    db: &impl ConnectionTrait,
    clock: &dyn Clock,
    member_id: Uuid,
) -> Result<()> {
    let now = clock.now();
    end_sessions(db, now, browser_session::Column::MemberId.eq(member_id)).await?;
    link_row::Entity::delete_many()
        .filter(link_row::Column::MemberId.eq(member_id))
        .filter(link_row::Column::UsedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

async fn end_sessions(db: &impl ConnectionTrait, now: DateTime<Utc>, which: Expr) -> Result<()> {
    use browser_session::Column;
    browser_session::Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(which)
        .filter(Column::EndedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Deletes the sessions that have ended. Returns their number.
pub async fn delete_expired(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64> {
    use browser_session::Column;
    let has_ended = Condition::any()
        .add(Column::EndedAt.is_not_null())
        .add(Column::ExpiresAt.lte(now))
        .add(Column::LastUsedAt.lte(now - SESSION_IDLE_LIFETIME));
    let deleted = browser_session::Entity::delete_many()
        .filter(has_ended)
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csrf_token_does_not_contain_the_secret() {
        let (one, other) = (
            SESSION_SECRET.generate().unwrap(),
            SESSION_SECRET.generate().unwrap(),
        );
        let token = derive_csrf_token(&one);
        assert_eq!(token.len(), 64);
        assert_eq!(token, derive_csrf_token(&one));
        assert_ne!(token, derive_csrf_token(&other));
        // The digest in the database is not the token either.
        assert_ne!(token, digest_secret(&one));
    }
}
