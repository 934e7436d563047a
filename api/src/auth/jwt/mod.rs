//! Tokens: JSON Web Tokens, verified and, where a private key is configured, signed.
//! The algorithm is the configuration's, never the token's.

pub mod claims;

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::claims::Claims;
use super::issued_token::last_use::Uses;
use super::issuer::{Issuer, Keys, NotGood};
use crate::clock::{Clock, SystemClock};
use crate::error::TokenError;

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

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

/// What a good token tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whom it names.
    pub subject: Subject,
    /// Its `jti`, where it may be that of a token that was issued here.
    pub token: Option<Uuid>,
}

#[derive(Serialize)]
struct Signed<'a> {
    #[serde(flatten)]
    subject: &'a Subject,
    aud: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<Uuid>,
}

/// A token as it was sent, with what it says of itself before anything of it is proved.
struct UnverifiedToken<'a> {
    token: &'a str,
    algorithm: Algorithm,
    key_id: Option<String>,
    issuer: String,
}

impl<'a> UnverifiedToken<'a> {
    fn read(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::NotAccepted);
        }
        let mut parts = token.split('.').skip(1);
        let (Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TokenError::NotAccepted);
        };
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::NotAccepted)?;
        // What a sender says has to be understood, and is not.
        if header.crit.is_some() {
            return Err(TokenError::NotAccepted);
        }
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok();
        let said: Map<String, Value> = payload
            .and_then(|payload| serde_json::from_slice(&payload).ok())
            .ok_or(TokenError::NotAccepted)?;
        Ok(Self {
            token,
            algorithm: header.alg,
            key_id: header.kid,
            issuer: claims::issuer(&said)?.to_owned(),
        })
    }
}

/// Verifies tokens.
#[derive(Clone, Debug)]
pub struct Verifier {
    issuers: Arc<[Issuer]>,
    /// When the uses of issued tokens were last written.
    pub(super) uses: Arc<Uses>,
}

impl Verifier {
    /// Accepts tokens of one algorithm and key, from one issuer, for one audience.
    pub fn new(algorithm: Algorithm, key: DecodingKey, issuer: &str, audience: &str) -> Self {
        Self::of(vec![Issuer {
            name: issuer.to_owned(),
            audiences: vec![audience.to_owned()],
            algorithms: vec![algorithm],
            keys: Keys::One(key),
            is_own: true,
        }])
    }

    /// Accepts the tokens of some issuers.
    pub fn of(issuers: Vec<Issuer>) -> Self {
        Self {
            issuers: issuers.into(),
            uses: Arc::default(),
        }
    }

    /// Reads the keys of those issuers whose keys are listed in a document, and keeps them up to date from
    /// then on, for as long as anybody has this verifier.
    pub async fn follow(&self) {
        let documents = self.issuers.iter().filter_map(|issuer| match &issuer.keys {
            Keys::CachedKeys(followed) => Some(followed.follow()),
            Keys::One(_) => None,
        });
        futures_util::future::join_all(documents).await;
    }

    /// Whom a token names, if it is good. Waits for the keys of its issuer to be read again where it names
    /// one that is not known, and for nothing else.
    pub async fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        let token_sent = UnverifiedToken::read(token)?;
        let issuer = self.issuer(&token_sent)?;
        let claims = match self.claims(issuer, &token_sent) {
            Err(NotGood::UnknownKey(followed)) => {
                followed.look_again().await;
                self.claims(issuer, &token_sent)
                    .map_err(|not_good| match not_good {
                        NotGood::UnknownKey(followed) if followed.keys().is_none() => TokenError::NoKeys,
                        NotGood::UnknownKey(_) => TokenError::NotAccepted,
                        NotGood::Refused(reason) => reason,
                    })?
            }
            Err(NotGood::Refused(reason)) => return Err(reason),
            Ok(claims) => claims,
        };
        let token = claims.id.as_deref().filter(|_| issuer.is_own);
        Ok(Verified {
            token: token.and_then(|id| Uuid::parse_str(id).ok()),
            subject: claims.subject,
        })
    }

    /// Until when a good token is taken: so long after its `exp` as clocks may differ. None where that
    /// is further off than can be told.
    pub fn taken_until(&self, token: &str) -> Option<DateTime<Utc>> {
        let token_sent = UnverifiedToken::read(token).ok()?;
        let issuer = self.issuer(&token_sent).ok()?;
        self.claims(issuer, &token_sent).ok()?.taken_until()
    }

    fn issuer(&self, token_sent: &UnverifiedToken<'_>) -> Result<&Issuer, TokenError> {
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| issuer.name == token_sent.issuer);
        issuer.ok_or(TokenError::OtherIssuer)
    }

    fn claims(&self, issuer: &Issuer, token_sent: &UnverifiedToken<'_>) -> Result<Claims, NotGood> {
        let key_id = token_sent.key_id.as_deref();
        issuer.claims(token_sent.token, token_sent.algorithm, key_id, SystemClock.now())
    }
}

/// Signs tokens.
pub struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
    key_id: Option<String>,
    audience: String,
}

impl Signer {
    /// Signs with one algorithm and key, for one audience.
    pub const fn new(algorithm: Algorithm, key: EncodingKey, audience: String) -> Self {
        Self {
            algorithm,
            key,
            key_id: None,
            audience,
        }
    }

    /// The same, which says in each token which key of a JWKS document it is.
    #[must_use]
    pub fn with_key_id(self, key_id: Option<String>) -> Self {
        Self { key_id, ..self }
    }

    /// A token for a subject, good for so long, which is listed nowhere.
    pub fn sign(
        &self,
        subject: &Subject,
        now: DateTime<Utc>,
        good_for: TimeDelta,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.signed(subject, None, now, now + good_for)
    }

    /// The token of an id that is listed, for a subject.
    pub fn sign_listed(
        &self,
        subject: &Subject,
        id: Uuid,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.signed(subject, Some(id), from, until)
    }

    fn signed(
        &self,
        subject: &Subject,
        id: Option<Uuid>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Signed {
            subject,
            aud: &self.audience,
            iat: from.timestamp(),
            exp: until.timestamp(),
            jti: id,
        };
        let header = Header {
            kid: self.key_id.clone(),
            ..Header::new(self.algorithm)
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
    }
}
