//! Links that open a file under `/export` in a browser or a spreadsheet, which send no token.
//!
//! A link is for one question, and ends after [`LIFETIME`]. Anyone who has its address gets the file as the member would get
//! it with a token at that moment: the member's rights and rate limit are looked up on each use. The database has only a
//! digest of the secret in the address.

pub mod graphql;
pub mod http;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect,
};
use wayin_entity::{export_link, member};

use crate::auth::member::find_active_member;
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::ActionContext;
use crate::error::Result;
use crate::idempotency::Rejection;
use crate::secret::{SecretKind, digest_secret};
use wayin_records::problem::ProblemCode;

/// How long a link opens its file.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// The most links of one member that have not ended.
pub const MAX_LIVE_LINKS: u64 = 100;
/// The path of a link without its secret.
pub const LINK_PATH: &str = "/export/link/";
const LINK_SECRET: SecretKind = SecretKind::new("wayin_link_");

/// A link with its secret, which only its creator gets.
#[derive(Clone)]
pub struct CreatedLink {
    pub secret: String,
    pub row: export_link::Model,
}

/// The request that a link makes.
#[derive(Clone, Debug)]
pub struct LinkTarget {
    /// The member who created the link, with the present role and organisation, and the token that created it.
    pub member: AuthenticatedMember,
    /// The path and the parameters of the file.
    pub address: String,
}

/// Creates a link of a member to a file, whose address was checked before.
pub async fn create_link(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    owner: &AuthenticatedMember,
    address: String,
) -> Result<Result<CreatedLink, Rejection>> {
    // Locked, so that the links of one member are counted by one mutation at a time.
    member::Entity::find_by_id(owner.id)
        .lock_exclusive()
        .one(db)
        .await?;
    let now = act.now();
    let live = export_link::Entity::find()
        .filter(export_link::Column::MemberId.eq(owner.id))
        .filter(export_link::Column::ExpiresAt.gt(now))
        .count(db)
        .await?;
    if live >= MAX_LIVE_LINKS {
        let reason = format!(
            "you have {live} links that have not ended, and the maximum is {MAX_LIVE_LINKS}; a link ends after {} minutes",
            LIFETIME.num_minutes()
        );
        return Ok(Err(Rejection::from_problem(ProblemCode::NotAllowed, "", reason)));
    }
    let secret = LINK_SECRET.generate()?;
    let row = export_link::Model {
        id: act.clock.new_id(),
        member_id: owner.id,
        token_id: owner.token,
        secret_digest: digest_secret(&secret),
        address,
        expires_at: now + LIFETIME,
        created_at: now,
        updated_at: now,
    };
    let fresh = row.clone().into_active_model().reset_all();
    export_link::Entity::insert(fresh)
        .exec_without_returning(db)
        .await?;
    Ok(Ok(CreatedLink { secret, row }))
}

/// Finds the request that a link makes. None if there is no such link, if it has ended, or if its member or the token that
/// created it is revoked.
pub async fn find_target(
    db: &impl ConnectionTrait,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<Option<LinkTarget>> {
    if !LINK_SECRET.matches(secret) {
        return Ok(None);
    }
    let found = export_link::Entity::find()
        .filter(export_link::Column::SecretDigest.eq(digest_secret(secret)))
        .filter(export_link::Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let member = find_active_member(db, row.member_id, row.token_id, now).await?;
    Ok(member.map(|member| LinkTarget {
        member,
        address: row.address,
    }))
}

/// Deletes the links that have ended. Returns their number.
pub async fn delete_expired(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64> {
    let deleted = export_link::Entity::delete_many()
        .filter(export_link::Column::ExpiresAt.lte(now))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}

/// Deletes all links, also those that have not ended.
pub async fn delete_all(db: &impl ConnectionTrait) -> Result<()> {
    export_link::Entity::delete_many().exec(db).await?;
    Ok(())
}
