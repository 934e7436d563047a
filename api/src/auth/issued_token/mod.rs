//! Tokens that this service issues. Each has a row with its `jti`, so that it can be listed and revoked. The
//! text of a token is not stored.

pub mod graphql;
pub mod last_use;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;
use wayin_entity::{issued_token, member};

use super::jwt::{TokenSigner, TokenSubject};
use crate::change_log::{self, ActionContext};
use crate::error::{Error, Result};
use crate::idempotency::Rejection;
use crate::paging::{Paged, SortOrder};
use crate::reference_data::check_text;
use wayin_records::problem::{ProblemCode, Problems};

/// A year, including a leap year.
pub const MAX_VALID_DAYS: i64 = 366;
pub const DEFAULT_VALID_DAYS: i64 = 90;
const LONGEST_NAME: usize = 200;

pub struct TokenIssuer {
    pub signer: TokenSigner,
    /// The `iss` of the tokens.
    pub issuer: String,
}

impl TokenIssuer {
    /// Encodes a listed token. The text is the same each time, unless the algorithm has a random part.
    pub fn encode_token(&self, row: &issued_token::Model, subject: String) -> Result<String> {
        let subject = TokenSubject {
            issuer: self.issuer.clone(),
            subject,
        };
        self.signer
            .sign_listed(&subject, row.id, row.created_at, row.expires_at)
            .map_err(|cause| Error::Internal(format!("a token could not be signed: {cause}")))
    }
}

#[derive(Clone, Debug)]
pub struct TokenDraft {
    pub member: Uuid,
    pub name: String,
    pub expiry: TokenExpiry,
}

#[derive(Clone, Copy, Debug)]
pub enum TokenExpiry {
    AfterDays(i64),
    At(DateTime<Utc>),
}

/// Lists a token of a member. Returns the subject of the token too.
pub async fn issue_token(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    issuer: &str,
    draft: TokenDraft,
) -> Result<Result<(issued_token::Model, member::Model), Rejection>> {
    let mut found = Problems::default();
    check_text(&mut found, "name", &draft.name, LONGEST_NAME);
    // JWT times are whole seconds.
    let now = act.now().trunc_subsecs(0);
    let latest = now + TimeDelta::days(MAX_VALID_DAYS);
    let (path, until) = match draft.expiry {
        TokenExpiry::AfterDays(days) if (1..=MAX_VALID_DAYS).contains(&days) => {
            ("days", now + TimeDelta::days(days))
        }
        TokenExpiry::AfterDays(days) => {
            let reason = format!("is {days}; a token can be valid for 1 to {MAX_VALID_DAYS} days");
            found.add_error(ProblemCode::OutOfRange, "days", reason);
            ("days", latest)
        }
        TokenExpiry::At(until) => ("expiresAt", until.trunc_subsecs(0)),
    };
    if until <= now {
        found.add_error(ProblemCode::OutOfRange, path, "is in the past");
    } else if until > latest {
        let reason =
            format!("is more than {MAX_VALID_DAYS} days ahead; a token can be valid for a year at most");
        found.add_error(ProblemCode::OutOfRange, path, reason);
    }
    let owner = member::Entity::find_by_id(draft.member).one(db).await?;
    match &owner {
        None => found.add_error(ProblemCode::NotFound, "member", "there is no such member"),
        Some(owner) if owner.revoked_at.is_some() => {
            found.add_error(ProblemCode::WrongState, "member", "was revoked");
        }
        Some(owner) if owner.issuer != issuer => {
            let reason = format!(
                "has tokens of {}; this service only issues those of {issuer}",
                owner.issuer
            );
            found.add_error(ProblemCode::NotAllowed, "member", reason);
        }
        Some(_) => {}
    }
    let owner = match owner {
        Some(owner) if found.errors.is_empty() => owner,
        _ => return Ok(Err(found.errors.into())),
    };
    let row = issued_token::Model {
        id: act.clock.new_id(),
        member_id: owner.id,
        name: draft.name,
        created_by: act.member,
        expires_at: until,
        last_used_at: None,
        revoked_at: None,
        revoked_by: None,
        created_at: now,
        updated_at: act.now(),
    };
    let fresh = row.clone().into_active_model().reset_all();
    issued_token::Entity::insert(fresh)
        .exec_without_returning(db)
        .await?;
    Ok(Ok((row, owner)))
}

/// Revokes a token. Other processes refuse it within a second.
pub async fn revoke(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    id: Uuid,
) -> Result<Result<issued_token::Model, Rejection>> {
    let row = issued_token::Entity::find_by_id(id)
        .lock_exclusive()
        .one(db)
        .await?;
    let refused = |code, reason| Ok(Err(Rejection::from_problem(code, "id", reason)));
    let Some(mut row) = row else {
        return refused(ProblemCode::NotFound, "there is no such token");
    };
    if row.revoked_at.is_some() {
        return refused(ProblemCode::WrongState, "is revoked already");
    }
    row.revoked_at = Some(act.now());
    row.revoked_by = act.member;
    row.updated_at = act.now();
    let revoked = issued_token::ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(row.id),
        revoked_at: sea_orm::ActiveValue::Set(row.revoked_at),
        revoked_by: sea_orm::ActiveValue::Set(row.revoked_by),
        updated_at: sea_orm::ActiveValue::Set(row.updated_at),
        ..Default::default()
    };
    revoked.update(db).await?;
    // Other processes end the subscriptions of this token.
    change_log::notify_listeners(db).await?;
    Ok(Ok(row))
}

pub async fn find_by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<issued_token::Model>> {
    Ok(issued_token::Entity::find_by_id(id).one(db).await?)
}

/// Lists all tokens with their members, in the order in which they were issued.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<(issued_token::Model, Option<member::Model>)>> {
    Ok(issued_token::Entity::find()
        .find_also_related(member::Entity)
        .order_by_asc(issued_token::Column::CreatedAt)
        .order_by_asc(issued_token::Column::Id)
        .all(db)
        .await?)
}

pub async fn filter_revoked(db: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<Vec<Uuid>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(issued_token::Entity::find()
        .select_only()
        .column(issued_token::Column::Id)
        .filter(issued_token::Column::Id.is_in(ids))
        .filter(issued_token::Column::RevokedAt.is_not_null())
        .into_tuple()
        .all(db)
        .await?)
}

impl Paged for issued_token::Entity {
    type Order = ();
    const ID: Self::Column = issued_token::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "issued-",
            column: issued_token::Column::CreatedAt,
            descending: true,
        }
    }
}
