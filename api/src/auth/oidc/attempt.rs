//! Sign-ins that have begun. One can be finished once, within ten minutes, by the browser that began it.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wayin_entity::sign_in_attempt;

use crate::clock::Clock;
use crate::error::Result;
use crate::secret::{SecretKind, digest_secret, generate_secret};

/// How long the person can take at the issuer.
pub const ATTEMPT_LIFETIME: TimeDelta = TimeDelta::minutes(10);

const STATE: SecretKind = SecretKind::new("wayin_state_");
const BROWSER_SECRET: SecretKind = SecretKind::new("wayin_browser_");

/// What follows a sign-in.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttemptPurpose<'a> {
    /// The local path to return to; empty for the page of the member's role.
    pub next: &'a str,
    /// The invitation that is accepted.
    pub invitation: Option<Uuid>,
}

/// A sign-in that has begun, with its secrets.
#[derive(Clone)]
pub struct StartedAttempt {
    /// Comes back with the code.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// The digest of the verifier, as PKCE sends it.
    pub code_challenge: String,
    /// What the cookie of the browser has.
    pub browser_secret: String,
}

/// Begins a sign-in. `browser_secret` is the one that the browser has from another sign-in, so that both can be finished.
pub async fn start_attempt(
    db: &impl ConnectionTrait,
    clock: &dyn Clock,
    purpose: AttemptPurpose<'_>,
    browser_secret: Option<String>,
) -> Result<StartedAttempt> {
    let browser_secret = match browser_secret.filter(|secret| BROWSER_SECRET.matches(secret)) {
        Some(secret) => secret,
        None => BROWSER_SECRET.generate()?,
    };
    let state = STATE.generate()?;
    let (nonce, code_verifier) = (generate_text()?, generate_text()?);
    let code_challenge = derive_code_challenge(&code_verifier);
    let now = clock.now();
    let row = sign_in_attempt::Model {
        id: clock.new_id(),
        state_digest: digest_secret(&state),
        browser_digest: digest_secret(&browser_secret),
        nonce: nonce.clone(),
        code_verifier,
        next: purpose.next.to_owned(),
        invitation_id: purpose.invitation,
        expires_at: now + ATTEMPT_LIFETIME,
        created_at: now,
        updated_at: now,
    };
    sign_in_attempt::Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(StartedAttempt {
        state,
        nonce,
        code_challenge,
        browser_secret,
    })
}

/// Takes a sign-in, which then cannot be taken again. None if there is none with this state, if another browser began it, or if
/// its time has passed.
pub async fn take_attempt(
    db: &impl ConnectionTrait,
    state: &str,
    browser_secret: &str,
    now: DateTime<Utc>,
) -> Result<Option<sign_in_attempt::Model>> {
    use sign_in_attempt::Column;
    if !STATE.matches(state) || !BROWSER_SECRET.matches(browser_secret) {
        return Ok(None);
    }
    let found = sign_in_attempt::Entity::find()
        .filter(Column::StateDigest.eq(digest_secret(state)))
        .filter(Column::BrowserDigest.eq(digest_secret(browser_secret)))
        .filter(Column::ExpiresAt.gt(now))
        .one(db)
        .await?;
    let Some(attempt) = found else {
        return Ok(None);
    };
    // Of two requests with one state, one deletes the row.
    let deleted = sign_in_attempt::Entity::delete_by_id(attempt.id).exec(db).await?;
    Ok((deleted.rows_affected == 1).then_some(attempt))
}

/// Deletes the sign-ins whose time has passed. Returns their number.
pub async fn delete_expired(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64> {
    let deleted = sign_in_attempt::Entity::delete_many()
        .filter(sign_in_attempt::Column::ExpiresAt.lte(now))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}

/// Generates 256 random bits in the characters that a verifier of PKCE can have.
fn generate_text() -> Result<String> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(generate_secret::<32>()?))
}

/// Derives the challenge from a verifier with the method S256 of RFC 7636.
fn derive_code_challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn challenge_is_that_of_the_standard() {
        assert_eq!(
            derive_code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        assert_eq!(generate_text().unwrap().len(), 43);
    }
}
