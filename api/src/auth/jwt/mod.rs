//! Verifies JSON Web Tokens, and signs them if a private key is configured. The configuration chooses the
//! algorithm, never the token.

pub mod token_claims;

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::token_claims::VerifiedClaims;
use super::issued_token::last_use::TokenUseTracker;
use super::issuer::{IssuerKeys, TrustedIssuer, VerificationError};
use crate::clock::{Clock, SystemClock};
use crate::error::TokenError;

/// The maximum length of a token, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The member that a token identifies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenSubject {
    #[serde(rename = "iss")]
    pub issuer: String,
    #[serde(rename = "sub")]
    pub subject: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerifiedToken {
    pub subject: TokenSubject,
    /// The `jti`, if this service may have issued the token.
    pub token: Option<Uuid>,
}

#[derive(Serialize)]
struct ClaimsToSign<'a> {
    #[serde(flatten)]
    subject: &'a TokenSubject,
    aud: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<Uuid>,
}

/// A token with its header and claims, before its signature is verified.
struct UnverifiedToken<'a> {
    token: &'a str,
    algorithm: Algorithm,
    key_id: Option<String>,
    issuer: String,
}

impl<'a> UnverifiedToken<'a> {
    fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::NotAccepted);
        }
        let mut parts = token.split('.').skip(1);
        let (Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TokenError::NotAccepted);
        };
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::NotAccepted)?;
        // RFC 7515 requires the recipient to reject extensions that it does not support.
        if header.crit.is_some() {
            return Err(TokenError::NotAccepted);
        }
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok();
        let claims: Map<String, Value> = payload
            .and_then(|payload| serde_json::from_slice(&payload).ok())
            .ok_or(TokenError::NotAccepted)?;
        Ok(Self {
            token,
            algorithm: header.alg,
            key_id: header.kid,
            issuer: token_claims::read_issuer(&claims)?.to_owned(),
        })
    }
}

#[derive(Clone, Debug)]
pub struct TokenVerifier {
    issuers: Arc<[TrustedIssuer]>,
    /// When the uses of issued tokens were last written.
    pub(super) uses: Arc<TokenUseTracker>,
}

impl TokenVerifier {
    /// Accepts tokens of one issuer, for one audience, with one algorithm and key.
    pub fn new(algorithm: Algorithm, key: DecodingKey, issuer: &str, audience: &str) -> Self {
        Self::from_issuers(vec![TrustedIssuer {
            name: issuer.to_owned(),
            audiences: vec![audience.to_owned()],
            algorithms: vec![algorithm],
            keys: IssuerKeys::Single(key),
            is_own: true,
        }])
    }

    pub fn from_issuers(issuers: Vec<TrustedIssuer>) -> Self {
        Self {
            issuers: issuers.into(),
            uses: Arc::default(),
        }
    }

    /// Reads the JWKS documents of the issuers and keeps them up to date as long as this verifier exists.
    pub async fn refresh_keys(&self) {
        let documents = self.issuers.iter().filter_map(|issuer| match &issuer.keys {
            IssuerKeys::CachedKeys(followed) => Some(followed.refresh_periodically()),
            IssuerKeys::Single(_) => None,
        });
        futures_util::future::join_all(documents).await;
    }

    /// Returns whom a valid token identifies. Waits only if the token names an unknown key and the keys of
    /// its issuer are read again.
    pub async fn verify(&self, token: &str) -> Result<VerifiedToken, TokenError> {
        let token_sent = UnverifiedToken::parse(token)?;
        let issuer = self.find_issuer(&token_sent)?;
        let claims = self.verify_with_current_keys(issuer, &token_sent).await?;
        let token = claims.id.as_deref().filter(|_| issuer.is_own);
        Ok(VerifiedToken {
            token: token.and_then(|id| Uuid::parse_str(id).ok()),
            subject: claims.subject,
        })
    }

    /// Returns the claims of a valid ID token. Waits as [`verify`](Self::verify) does.
    pub async fn verify_id_token(&self, token: &str) -> Result<VerifiedClaims, TokenError> {
        let token_sent = UnverifiedToken::parse(token)?;
        let issuer = self.find_issuer(&token_sent)?;
        self.verify_with_current_keys(issuer, &token_sent).await
    }

    /// Verifies the claims. If the token names an unknown key, the keys are read again first.
    async fn verify_with_current_keys(
        &self,
        issuer: &TrustedIssuer,
        token_sent: &UnverifiedToken<'_>,
    ) -> Result<VerifiedClaims, TokenError> {
        match self.verify_claims(issuer, token_sent) {
            Err(VerificationError::UnknownKey(followed)) => {
                followed.refresh_for_unknown_key().await;
                self.verify_claims(issuer, token_sent)
                    .map_err(|not_good| match not_good {
                        VerificationError::UnknownKey(followed) if followed.keys().is_none() => {
                            TokenError::KeysUnavailable
                        }
                        VerificationError::UnknownKey(_) => TokenError::NotAccepted,
                        VerificationError::Rejected(reason) => reason,
                    })
            }
            Err(VerificationError::Rejected(reason)) => Err(reason),
            Ok(claims) => Ok(claims),
        }
    }

    /// When the service stops accepting the token: `exp` plus the allowed clock difference. None if the token
    /// is invalid or `chrono` cannot represent the time.
    pub fn accepted_until(&self, token: &str) -> Option<DateTime<Utc>> {
        let token_sent = UnverifiedToken::parse(token).ok()?;
        let issuer = self.find_issuer(&token_sent).ok()?;
        self.verify_claims(issuer, &token_sent).ok()?.accepted_until()
    }

    fn find_issuer(&self, token_sent: &UnverifiedToken<'_>) -> Result<&TrustedIssuer, TokenError> {
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| issuer.name == token_sent.issuer);
        issuer.ok_or(TokenError::UnknownIssuer)
    }

    fn verify_claims(
        &self,
        issuer: &TrustedIssuer,
        token_sent: &UnverifiedToken<'_>,
    ) -> Result<VerifiedClaims, VerificationError> {
        let key_id = token_sent.key_id.as_deref();
        issuer.verify_claims(token_sent.token, token_sent.algorithm, key_id, SystemClock.now())
    }
}

pub struct TokenSigner {
    algorithm: Algorithm,
    key: EncodingKey,
    key_id: Option<String>,
    audience: String,
}

impl TokenSigner {
    pub const fn new(algorithm: Algorithm, key: EncodingKey, audience: String) -> Self {
        Self {
            algorithm,
            key,
            key_id: None,
            audience,
        }
    }

    /// Adds a `kid` to the tokens, for verifiers that use a JWKS document.
    #[must_use]
    pub fn with_key_id(self, key_id: Option<String>) -> Self {
        Self { key_id, ..self }
    }

    /// Signs a token that is not listed.
    pub fn sign(
        &self,
        subject: &TokenSubject,
        now: DateTime<Utc>,
        good_for: TimeDelta,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.encode(subject, None, now, now + good_for)
    }

    /// Signs a listed token.
    pub fn sign_listed(
        &self,
        subject: &TokenSubject,
        id: Uuid,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.encode(subject, Some(id), from, until)
    }

    fn encode(
        &self,
        subject: &TokenSubject,
        id: Option<Uuid>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = ClaimsToSign {
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
