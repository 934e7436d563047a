//! The issuers whose tokens this service trusts, with their keys, algorithms and audiences. All come from the
//! configuration.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::jwks::CachedKeys;
use super::jwt::token_claims::VerifiedClaims;
use crate::error::TokenError;

/// The source of an issuer's keys.
#[derive(Clone, Debug)]
pub enum IssuerKeys {
    /// One configured key: a public key or a secret. The `kid` of a token is ignored.
    Single(DecodingKey),
    /// A JWKS document.
    CachedKeys(Arc<CachedKeys>),
}

#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// The `iss` of the issuer's tokens.
    pub name: String,
    /// A token's `aud` must contain one of these.
    pub audiences: Vec<String>,
    pub algorithms: Vec<Algorithm>,
    pub keys: IssuerKeys,
    /// Whether this service issues these tokens, lists them and can revoke them.
    pub is_own: bool,
}

pub(super) enum VerificationError {
    Rejected(TokenError),
    /// The key may be in a newer version of the document.
    UnknownKey(Arc<CachedKeys>),
}

impl From<TokenError> for VerificationError {
    fn from(reason: TokenError) -> Self {
        Self::Rejected(reason)
    }
}

impl TrustedIssuer {
    /// Returns the claims of a valid token.
    pub(super) fn verify_claims(
        &self,
        token: &str,
        algorithm: Algorithm,
        key_id: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<VerifiedClaims, VerificationError> {
        if !self.algorithms.contains(&algorithm) {
            return Err(TokenError::NotAccepted.into());
        }
        let claims = match &self.keys {
            IssuerKeys::Single(key) => verify_signature(token, algorithm, key),
            IssuerKeys::CachedKeys(followed) => {
                let Some(keys) = followed.keys() else {
                    return Err(VerificationError::UnknownKey(Arc::clone(followed)));
                };
                let fitting = keys.find_candidates(key_id, algorithm);
                if fitting.is_empty() && key_id.is_some() {
                    return Err(VerificationError::UnknownKey(Arc::clone(followed)));
                }
                fitting
                    .into_iter()
                    .find_map(|key| verify_signature(token, algorithm, key))
            }
        };
        let claims = claims.ok_or(TokenError::NotAccepted)?;
        Ok(VerifiedClaims::validate(
            &claims,
            &self.name,
            &self.audiences,
            now,
        )?)
    }
}

/// Returns the claims if this key signed the token. The claims are not validated yet.
fn verify_signature(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Option<Map<String, Value>> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let token = jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation).ok()?;
    Some(token.claims)
}
