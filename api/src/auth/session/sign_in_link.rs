//! Links that sign a member in once. A steward or the command line creates them.
//!
//! Opening the address of a link consumes nothing, so programs that look at links in messages cannot use them up. Sending
//! the form on its page does.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::Expr,
};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{Role, member, organisation, sign_in_link};

use super::begin::begin_session;
use super::{CreatedSession, load_member_name};
use crate::audit::AuditRecord;
use crate::change_log::ActionContext;
use crate::database;
use crate::error::Result;
use crate::id::NodeKind;
use crate::idempotency::{MutationContext, Rejection};
use crate::secret::{SecretKind, digest_secret};
use wayin_records::problem::ProblemCode;

/// How long a link can be used.
pub const SIGN_IN_LINK_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// How long a link of the demonstration can be used. No other link lasts longer.
pub const DEMONSTRATION_LINK_LIFETIME: TimeDelta = TimeDelta::days(1);
/// The path of a link without its code.
pub const SIGN_IN_PATH: &str = "/sign-in/";

const SIGN_IN_CODE: SecretKind = SecretKind::new("wayin_sign_in_");

/// A link with its code, which only its creator gets.
#[derive(Clone)]
pub struct CreatedSignInLink {
    pub code: String,
    pub expires_at: DateTime<Utc>,
}

impl CreatedSignInLink {
    /// The path that opens the page of the link.
    pub fn path(&self) -> String {
        format!("{SIGN_IN_PATH}{}", self.code)
    }
}

/// Whether a text could be the code of a link.
pub fn is_sign_in_code(text: &str) -> bool {
    SIGN_IN_CODE.matches(text)
}

/// Whom a link signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInOffer {
    /// The name of the member for the pages.
    pub name: String,
    pub role: Role,
    /// The name of the organisation that the member acts for.
    pub organisation: Option<String>,
}

/// Creates a link that signs a member in.
pub async fn create_sign_in_link(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    member_id: Uuid,
    lifetime: TimeDelta,
) -> Result<Result<CreatedSignInLink, Rejection>> {
    let refused = |code, reason| Ok(Err(Rejection::from_problem(code, "member", reason)));
    let Some(owner) = member::Entity::find_by_id(member_id).one(db).await? else {
        return refused(ProblemCode::NotFound, "there is no such member");
    };
    if owner.revoked_at.is_some() {
        return refused(ProblemCode::WrongState, "was revoked");
    }
    let code = SIGN_IN_CODE.generate()?;
    let now = act.now();
    let row = sign_in_link::Model {
        id: act.clock.new_id(),
        member_id: owner.id,
        code_digest: digest_secret(&code),
        created_by: act.member,
        expires_at: now + lifetime,
        used_at: None,
        created_at: now,
        updated_at: now,
    };
    let expires_at = row.expires_at;
    sign_in_link::Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(Ok(CreatedSignInLink { code, expires_at }))
}

/// The event of a link in the audit trail. It is about the member, and has nothing of the code.
pub fn sign_in_link_event(member_id: Uuid, reason: Option<&str>, expires_at: DateTime<Utc>) -> AuditRecord {
    AuditRecord {
        kind: NodeKind::Member,
        id: member_id,
        before: None,
        after: None,
        detail: json!({"reason": reason, "expiresAt": expires_at}),
    }
}

/// Finds whom a link signs in. None if there is no such link, if it was used or has ended, or if its member is revoked.
pub async fn find_sign_in_link(
    db: &impl ConnectionTrait,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Option<SignInOffer>> {
    use sign_in_link::Column;
    if !SIGN_IN_CODE.matches(code) {
        return Ok(None);
    }
    let found = sign_in_link::Entity::find()
        .filter(Column::CodeDigest.eq(digest_secret(code)))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let found = member::Entity::find_by_id(row.member_id)
        .find_also_related(organisation::Entity)
        .one(db)
        .await?;
    let Some((member, organisation)) = found.filter(|(member, _)| member.revoked_at.is_none()) else {
        return Ok(None);
    };
    Ok(Some(SignInOffer {
        name: load_member_name(db, &member).await?,
        role: member.role,
        organisation: organisation.map(|organisation| organisation.name),
    }))
}

/// Uses a link up, creates a session, and ends `earlier`, the session that the browser had. None if [`find_sign_in_link`] finds
/// nothing. Of two requests with one link, one gets a session.
pub async fn redeem_sign_in_link(
    context: MutationContext<'_>,
    code: &str,
    earlier: Option<Uuid>,
) -> Result<Option<CreatedSession>> {
    use sign_in_link::Column;
    let now = context.clock.now();
    // Nothing is written for a link that has ended.
    if find_sign_in_link(context.db, code, now).await?.is_none() {
        return Ok(None);
    }
    let transaction = database::begin_write(context.db).await?;
    let digest = digest_secret(code);
    let used = sign_in_link::Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::CodeDigest.eq(digest.as_str()))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .exec(&transaction)
        .await?;
    if used.rows_affected != 1 {
        return Ok(None);
    }
    let row = sign_in_link::Entity::find()
        .filter(Column::CodeDigest.eq(digest))
        .one(&transaction)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let reason = "signed in with a link";
    let created = begin_session(&transaction, context.clock, row.member_id, earlier, reason).await?;
    database::commit(transaction).await?;
    Ok(Some(created))
}

/// Deletes the links that have ended, used or not. Returns their number.
pub async fn delete_expired(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64> {
    let deleted = sign_in_link::Entity::delete_many()
        .filter(sign_in_link::Column::ExpiresAt.lte(now))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}
