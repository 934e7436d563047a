//! Tokens: JSON Web Tokens, verified and, where a private key is configured, signed.
//! The algorithm is the configuration's, never the token's.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};

/// Why a request has no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No token was sent.
    #[error("this needs a token: send it as `Authorization: Bearer <token>`")]
    Missing,
    /// The header is not `Bearer <token>`.
    #[error("the Authorization header is not `Bearer <token>`")]
    NotBearer,
    /// The token is not one that this service accepts.
    #[error("the token is not one that this service accepts")]
    NotAccepted,
    /// The token is past its `exp`.
    #[error("the token has expired; ask for a new one")]
    Expired,
    /// The token's `nbf` lies ahead.
    #[error("the token is not good yet")]
    NotYet,
    /// The token's `iss` is not the one that this service trusts.
    #[error("the token is good, but its issuer is not the one that this service trusts")]
    OtherIssuer,
    /// The token's `aud` names another service.
    #[error("the token is good, but it is meant for another service")]
    OtherAudience,
    /// The token has no `exp`, or no `aud`.
    #[error("the token does not say until when it is good, or for whom it is meant")]
    Incomplete,
    /// Nobody is a member under the token's issuer and subject.
    #[error("the token is good, but its subject is no member here")]
    NoMember,
    /// The member was revoked.
    #[error("the token is good, but its member was revoked")]
    Revoked,
    /// The member's role or organisation is another than when they connected.
    #[error("what you may do here was changed; connect anew")]
    Altered,
}

/// Whom a token names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Who issued the token.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Whom it was issued to.
    #[serde(rename = "sub")]
    pub subject: String,
}

#[derive(Deserialize)]
struct Until {
    exp: f64,
}

#[derive(Serialize)]
struct Signed<'a> {
    #[serde(flatten)]
    subject: &'a Subject,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// Verifies tokens.
#[derive(Clone)]
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    /// Accepts tokens of one algorithm and key, from one issuer, for one audience.
    pub fn new(algorithm: Algorithm, key: DecodingKey, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = 30;
        Self { key, validation }
    }

    /// Until when a good token is taken: so long after its `exp` as clocks may differ. None where that
    /// is further off than can be told.
    pub fn taken_until(&self, token: &str) -> Option<DateTime<Utc>> {
        let token = jsonwebtoken::decode::<Until>(token, &self.key, &self.validation).ok()?;
        let leeway = TimeDelta::seconds(i64::try_from(self.validation.leeway).ok()?);
        // A number so large that it is cut off is of no moment that can be told either.
        #[allow(clippy::cast_possible_truncation)]
        let until = DateTime::from_timestamp(token.claims.exp.ceil() as i64, 0)?;
        until.checked_add_signed(leeway)
    }

    /// Whom a token names, if it is good.
    pub fn verify(&self, token: &str) -> Result<Subject, Trouble> {
        jsonwebtoken::decode::<Subject>(token, &self.key, &self.validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => Trouble::Expired,
                ErrorKind::ImmatureSignature => Trouble::NotYet,
                ErrorKind::InvalidIssuer => Trouble::OtherIssuer,
                ErrorKind::InvalidAudience => Trouble::OtherAudience,
                ErrorKind::MissingRequiredClaim(_) => Trouble::Incomplete,
                _ => Trouble::NotAccepted,
            })
    }
}

/// Signs tokens.
pub struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
    audience: String,
}

impl Signer {
    /// Signs with one algorithm and key, for one audience.
    pub const fn new(algorithm: Algorithm, key: EncodingKey, audience: String) -> Self {
        Self {
            algorithm,
            key,
            audience,
        }
    }

    /// A token for a subject, good for so long.
    pub fn sign(
        &self,
        subject: &Subject,
        now: DateTime<Utc>,
        good_for: TimeDelta,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Signed {
            subject,
            aud: &self.audience,
            iat: now.timestamp(),
            exp: (now + good_for).timestamp(),
        };
        jsonwebtoken::encode(&Header::new(self.algorithm), &claims, &self.key)
    }
}
