//! Those who issue tokens that this service trusts: whose keys are good, with which algorithms,
//! and for whom their tokens have to be meant. All of it is the configuration's.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::jwks::CachedKeys;
use super::jwt::claims::VerifiedClaims;
use crate::error::TokenError;

/// Where the keys of an issuer come from.
#[derive(Clone, Debug)]
pub enum IssuerKeys {
    /// One key that is configured: a public one, or a secret. A token's `kid` says nothing then.
    Single(DecodingKey),
    /// A JWKS document.
    CachedKeys(Arc<CachedKeys>),
}

/// Somebody who issues tokens.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// Their name, as the `iss` of their tokens says it.
    pub name: String,
    /// For whom their tokens are meant, as `aud` says it: one of these.
    pub audiences: Vec<String>,
    /// With what they sign.
    pub algorithms: Vec<Algorithm>,
    /// Their keys.
    pub keys: IssuerKeys,
    /// Whether tokens that were issued here are theirs: those that are listed, and can be revoked.
    pub is_own: bool,
}

/// Why a token was not found good.
pub(super) enum VerificationError {
    /// It is not.
    Rejected(TokenError),
    /// It may be, by a key that was not seen yet.
    UnknownKey(Arc<CachedKeys>),
}

impl From<TokenError> for VerificationError {
    fn from(reason: TokenError) -> Self {
        Self::Rejected(reason)
    }
}

impl TrustedIssuer {
    /// What a token says, if it is good.
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
        let said = match &self.keys {
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
        let said = said.ok_or(TokenError::NotAccepted)?;
        Ok(VerifiedClaims::validate(&said, &self.name, &self.audiences, now)?)
    }
}

/// What a token says, where this key signed it. What it says is looked over afterwards.
fn verify_signature(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Option<Map<String, Value>> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let token = jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation).ok()?;
    Some(token.claims)
}
