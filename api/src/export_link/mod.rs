//! Links that open a file under `/export` in a browser or a spreadsheet, which send no token.
//!
//! A link is for one question, and ends after [`LIFETIME`]. Anyone who has its address gets the file as the member would get
//! it with a token at that moment: the member's rights and rate limit are looked up on each use. The database has only a
//! digest of the secret in the address.

pub mod graphql;
pub mod http;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect,
};
use sha2::{Digest, Sha256};
use wayin_entity::{export_link, member};

use crate::auth::member::find_active_member;
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::ActionContext;
use crate::error::Result;
use crate::idempotency::Rejection;
use crate::secret::generate_secret;
use wayin_records::problem::ProblemCode;

/// How long a link opens its file.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// The most links of one member that have not ended.
pub const MAX_LIVE_LINKS: u64 = 100;
/// The path of a link without its secret.
pub const LINK_PATH: &str = "/export/link/";
/// Marks a text as the secret of a link, for programs that search files for secrets.
const SECRET_PREFIX: &str = "wayin_link_";
/// 256 bits, which nobody can guess.
const SECRET_BYTES: usize = 32;

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
    let secret = generate_link_secret()?;
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
    if !has_secret_form(secret) {
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

fn generate_link_secret() -> Result<String> {
    let secret: [u8; SECRET_BYTES] = generate_secret()?;
    Ok(format!(
        "{SECRET_PREFIX}{}",
        BASE64_URL_SAFE_NO_PAD.encode(secret)
    ))
}

/// Whether a text could be the secret of a link. Any other text needs no query.
fn has_secret_form(text: &str) -> bool {
    text.strip_prefix(SECRET_PREFIX)
        .and_then(|encoded| BASE64_URL_SAFE_NO_PAD.decode(encoded).ok())
        .is_some_and(|bytes| bytes.len() == SECRET_BYTES)
}

/// The digest that is stored. A secret of 256 random bits needs no salt and no slow function.
fn digest_secret(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_random_and_recognised() {
        let (one, other) = (generate_link_secret().unwrap(), generate_link_secret().unwrap());
        assert_ne!(one, other);
        assert!(has_secret_form(&one) && has_secret_form(&other));
        assert_eq!(one.len(), SECRET_PREFIX.len() + 43);
        for wrong in [
            "",
            "wayin_link_",
            &one[1..],
            &one[..one.len() - 1],
            &format!("{one}A"),
            &one.replace(SECRET_PREFIX, ""),
        ] {
            assert!(!has_secret_form(wrong), "{wrong}");
        }
        assert_eq!(digest_secret(&one).len(), 64);
        assert_ne!(digest_secret(&one), digest_secret(&other));
    }
}
