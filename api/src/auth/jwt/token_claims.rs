//! Validates the claims of a token: which are required, their types, the audience and the time.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::TokenSubject;
use crate::error::TokenError;

/// The allowed difference between the clocks of an issuer and this service, in seconds.
const CLOCK_SKEW_SECONDS: i32 = 30;

#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedClaims {
    pub subject: TokenSubject,
    /// The `jti`.
    pub id: Option<String>,
    /// The `nonce` of an ID token, which ties it to a sign-in. None if it is not a text.
    pub nonce: Option<String>,
    /// The `azp`: the client for which an ID token was issued. None if it is not a text.
    pub authorised_party: Option<String>,
    /// The `exp`, in seconds.
    expires: f64,
}

impl VerifiedClaims {
    /// Validates the claims of a token whose signature is valid.
    pub fn validate(
        claims: &Map<String, Value>,
        issuer: &str,
        audiences: &[String],
        now: DateTime<Utc>,
    ) -> Result<Self, TokenError> {
        let expires = read_number(claims, "exp")?.ok_or(TokenError::Incomplete)?;
        let not_before = read_number(claims, "nbf")?;
        read_number(claims, "iat")?;
        let issuer_claim = read_text(claims, "iss")?.ok_or(TokenError::Incomplete)?;
        let intended_audiences = read_audiences(claims)?;
        let subject = read_text(claims, "sub")?.ok_or(TokenError::Incomplete)?;
        let id = read_text(claims, "jti")?.map(ToOwned::to_owned);
        let now = now.timestamp() as f64;
        if expires < now - f64::from(CLOCK_SKEW_SECONDS) {
            return Err(TokenError::Expired);
        }
        if not_before.is_some_and(|from| from > now + f64::from(CLOCK_SKEW_SECONDS)) {
            return Err(TokenError::NotYetValid);
        }
        if issuer_claim != issuer {
            return Err(TokenError::UnknownIssuer);
        }
        if !intended_audiences
            .iter()
            .any(|one| audiences.iter().any(|ours| ours == one))
        {
            return Err(TokenError::WrongAudience);
        }
        Ok(Self {
            subject: TokenSubject {
                issuer: issuer_claim.to_owned(),
                subject: subject.to_owned(),
            },
            id,
            nonce: find_text(claims, "nonce"),
            authorised_party: find_text(claims, "azp"),
            expires,
        })
    }

    /// When the service stops accepting the token: `exp` plus the allowed clock difference. None if `chrono`
    /// cannot represent the time.
    pub fn accepted_until(&self) -> Option<DateTime<Utc>> {
        // The conversion saturates. A saturated number is out of chrono's range too.
        #[allow(clippy::cast_possible_truncation)]
        let until = DateTime::from_timestamp(self.expires.ceil() as i64, 0)?;
        until.checked_add_signed(TimeDelta::seconds(CLOCK_SKEW_SECONDS.into()))
    }
}

/// Reads the `iss` of a token.
pub fn read_issuer(claims: &Map<String, Value>) -> Result<&str, TokenError> {
    read_text(claims, "iss")?.ok_or(TokenError::Incomplete)
}

fn read_number(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<f64>, TokenError> {
    claims
        .get(claim)
        .map(|value| {
            value
                .as_f64()
                .ok_or(TokenError::WrongClaimType(claim, "a number"))
        })
        .transpose()
}

/// Reads a claim that must be a non-empty text.
fn read_text<'a>(claims: &'a Map<String, Value>, claim: &'static str) -> Result<Option<&'a str>, TokenError> {
    claims
        .get(claim)
        .map(|value| {
            let text = value.as_str().filter(|text| !text.is_empty());
            text.ok_or(TokenError::WrongClaimType(claim, "a text"))
        })
        .transpose()
}

/// Reads a claim that only ID tokens have, so that no other token is refused because of it.
fn find_text(claims: &Map<String, Value>, claim: &str) -> Option<String> {
    claims.get(claim)?.as_str().map(ToOwned::to_owned)
}

/// Reads `aud`, which is one text or a list of texts.
fn read_audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, TokenError> {
    let mistyped = TokenError::WrongClaimType("aud", "a text or a list of texts");
    match claims.get("aud") {
        None => Err(TokenError::Incomplete),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => {
            let texts = several.iter().map(|one| one.as_str().ok_or(mistyped));
            texts.collect()
        }
        Some(_) => Err(mistyped),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn validate_claims(claims: &Value) -> Result<VerifiedClaims, TokenError> {
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        VerifiedClaims::validate(claims.as_object().unwrap(), "us", &["here".to_owned()], now)
    }

    fn valid_claims() -> Value {
        json!({"iss": "us", "sub": "ada", "aud": "here", "exp": NOW + 60})
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = valid_claims();
        claims[claim] = value;
        claims
    }

    #[test]
    fn required_claims_are_enforced() {
        assert!(validate_claims(&valid_claims()).is_ok());
        for claim in ["iss", "sub", "aud", "exp"] {
            let mut claims = valid_claims();
            claims.as_object_mut().unwrap().remove(claim);
            assert_eq!(validate_claims(&claims), Err(TokenError::Incomplete), "{claim}");
        }
    }

    #[test]
    fn claims_of_the_wrong_type_are_rejected() {
        let number = |claim| TokenError::WrongClaimType(claim, "a number");
        let text = |claim| TokenError::WrongClaimType(claim, "a text");
        let audience = TokenError::WrongClaimType("aud", "a text or a list of texts");
        for (claim, value, reason) in [
            ("exp", json!((NOW + 60).to_string()), number("exp")),
            ("exp", json!(null), number("exp")),
            ("exp", json!([NOW + 60]), number("exp")),
            ("exp", json!(true), number("exp")),
            ("nbf", json!("0"), number("nbf")),
            ("nbf", json!(null), number("nbf")),
            ("iat", json!("yesterday"), number("iat")),
            ("iss", json!(["us"]), text("iss")),
            ("iss", json!(7), text("iss")),
            ("sub", json!(7), text("sub")),
            ("sub", json!(""), text("sub")),
            ("sub", json!(["ada"]), text("sub")),
            ("jti", json!(7), text("jti")),
            ("aud", json!(7), audience),
            ("aud", json!(null), audience),
            ("aud", json!({"here": true}), audience),
            ("aud", json!(["here", 7]), audience),
            ("aud", json!([]), TokenError::WrongAudience),
            ("aud", json!("elsewhere"), TokenError::WrongAudience),
            ("iss", json!("them"), TokenError::UnknownIssuer),
        ] {
            assert_eq!(
                validate_claims(&with(claim, value.clone())),
                Err(reason),
                "{claim} {value}"
            );
        }
        for (claim, value) in [
            ("aud", json!(["elsewhere", "here"])),
            ("nbf", json!(NOW)),
            ("iat", json!(NOW)),
            ("exp", json!(1e18)),
        ] {
            assert!(
                validate_claims(&with(claim, value.clone())).is_ok(),
                "{claim} {value}"
            );
        }
    }

    #[test]
    fn clock_skew_of_half_a_minute_is_tolerated() {
        assert!(validate_claims(&with("exp", json!(NOW - 30))).is_ok());
        assert_eq!(
            validate_claims(&with("exp", json!(NOW - 31))),
            Err(TokenError::Expired)
        );
        assert!(validate_claims(&with("nbf", json!(NOW + 30))).is_ok());
        assert_eq!(
            validate_claims(&with("nbf", json!(NOW + 31))),
            Err(TokenError::NotYetValid)
        );
        let until = |claims: &Value| {
            validate_claims(claims)
                .unwrap()
                .accepted_until()
                .map(|until| until.timestamp())
        };
        assert_eq!(until(&valid_claims()), Some(NOW + 90));
        assert_eq!(until(&with("exp", json!(NOW as f64 + 0.5))), Some(NOW + 31));
        assert_eq!(until(&with("exp", json!(1e300))), None);
    }
}
