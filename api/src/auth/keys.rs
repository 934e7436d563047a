//! The keys of an issuer from a JWKS document. A key is only used with an algorithm that fits its type, that
//! the document allows for it, and that the configuration accepts for the issuer.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The number of keys that are read from one document.
const MAX_KEYS: usize = 100;
/// 2,048 bits.
const MIN_RSA_MODULUS_BYTES: usize = 256;

/// The document is not a JWKS document as RFC 7517 defines it.
#[derive(Debug, thiserror::Error)]
#[error("it is no JWKS document: {0}")]
pub struct InvalidJwks(serde_json::Error);

#[derive(Debug, Default)]
pub struct KeySet(Vec<JsonWebKey>);

#[derive(Debug)]
struct JsonWebKey {
    id: Option<String>,
    algorithm: Algorithm,
    decoding_key: DecodingKey,
}

#[derive(Deserialize)]
struct JwksDocument {
    keys: Vec<Value>,
}

/// A key of a JWKS document. Fields that its type does not have are absent.
#[derive(Deserialize)]
struct JwkEntry {
    kty: String,
    #[serde(rename = "use")]
    key_use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Parses a document. Ignores keys of an unknown type, malformed keys, keys that are not for signatures,
    /// and keys of an algorithm that is not accepted, as RFC 7517 recommends.
    pub fn parse(document: &[u8], accepted: &[Algorithm]) -> Result<Self, InvalidJwks> {
        let document: JwksDocument = serde_json::from_slice(document).map_err(InvalidJwks)?;
        let listed = document.keys.into_iter().take(MAX_KEYS);
        let keys = listed.filter_map(|key| JwkEntry::deserialize(key).ok()?.into_key(accepted));
        Ok(Self(keys.collect()))
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the keys that may have signed a token: those with its `kid`, or, without a `kid`, the only key
    /// that fits.
    pub fn find_candidates(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<&DecodingKey> {
        let fitting = self.0.iter().filter(|key| key.algorithm == algorithm);
        let fitting = fitting.filter(|key| id.is_none() || key.id.as_deref() == id);
        let keys: Vec<&DecodingKey> = fitting.map(|key| &key.decoding_key).collect();
        if id.is_none() && keys.len() > 1 {
            return Vec::new();
        }
        keys
    }
}

impl JwkEntry {
    fn into_key(self, accepted: &[Algorithm]) -> Option<JsonWebKey> {
        let is_for_signatures = self.key_use.as_deref().is_none_or(|what| what == "sig")
            && self
                .key_ops
                .as_ref()
                .is_none_or(|ops| ops.iter().any(|one| one == "verify"));
        if !is_for_signatures {
            return None;
        }
        // Symmetric keys (`oct`) are not supported: a published secret is not secret.
        let (algorithm, name) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => (Algorithm::RS256, "RS256"),
            ("EC", Some("P-256")) => (Algorithm::ES256, "ES256"),
            ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, "EdDSA"),
            _ => return None,
        };
        // RFC 9864 has its own name for the algorithm of this curve.
        let is_named = |named: &str| named == name || (named == "Ed25519" && name == "EdDSA");
        if !accepted.contains(&algorithm) || !self.alg.as_deref().is_none_or(is_named) {
            return None;
        }
        let key = match algorithm {
            Algorithm::RS256 => {
                let (n, e) = (self.n?, self.e?);
                let is_strong =
                    count_significant_bytes(&n) >= MIN_RSA_MODULUS_BYTES && count_significant_bytes(&e) > 0;
                is_strong.then(|| DecodingKey::from_rsa_components(&n, &e))?
            }
            Algorithm::ES256 => {
                let (x, y) = (self.x?, self.y?);
                (is_curve_point(&x) && is_curve_point(&y)).then(|| DecodingKey::from_ec_components(&x, &y))?
            }
            _ => {
                let x = self.x?;
                is_curve_point(&x).then(|| DecodingKey::from_ed_components(&x))?
            }
        };
        let key = key.ok()?;
        Some(JsonWebKey {
            id: self.kid,
            algorithm,
            decoding_key: key,
        })
    }
}

/// Decodes a number as RFC 7518 encodes it.
fn decode_number(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}

/// Whether a coordinate has the length of a 256-bit curve.
fn is_curve_point(part: &str) -> bool {
    decode_number(part).is_some_and(|bytes| bytes.len() == 32)
}

/// The number of bytes without leading zeros.
fn count_significant_bytes(part: &str) -> usize {
    decode_number(part).map_or(0, |bytes| bytes.iter().skip_while(|byte| **byte == 0).count())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ALL: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

    fn encode_bytes(bytes: usize) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(vec![0xff; bytes])
    }

    fn ed25519_key(kid: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode_bytes(32)})
    }

    fn p256_key(kid: &str) -> Value {
        json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": encode_bytes(32), "y": encode_bytes(32)})
    }

    fn rsa_key(kid: &str) -> Value {
        json!({"kty": "RSA", "kid": kid, "n": encode_bytes(256), "e": "AQAB"})
    }

    fn with_field(mut key: Value, field: &str, value: Value) -> Value {
        key[field] = value;
        key
    }

    fn parse_keys(keys: &[Value], accepted: &[Algorithm]) -> KeySet {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes(), accepted).unwrap()
    }

    #[test]
    fn keys_are_matched_by_kid_and_type() {
        let set = parse_keys(
            &[ed25519_key("1"), p256_key("2"), rsa_key("3"), ed25519_key("4")],
            &ALL,
        );
        assert_eq!(set.len(), 4);
        let fitting = |id, algorithm| set.find_candidates(id, algorithm).len();
        assert_eq!(fitting(Some("1"), Algorithm::EdDSA), 1);
        assert_eq!(fitting(Some("2"), Algorithm::ES256), 1);
        assert_eq!(fitting(Some("3"), Algorithm::RS256), 1);
        assert_eq!(fitting(Some("5"), Algorithm::RS256), 0);
        for algorithm in [
            Algorithm::HS256,
            Algorithm::HS384,
            Algorithm::HS512,
            Algorithm::ES256,
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::PS256,
        ] {
            assert_eq!(fitting(Some("1"), algorithm), 0, "{algorithm:?}");
        }
        // A token without a `kid` is accepted only if one key fits.
        assert_eq!(fitting(None, Algorithm::ES256), 1);
        assert_eq!(fitting(None, Algorithm::RS256), 1);
        assert_eq!(fitting(None, Algorithm::EdDSA), 0);
        assert_eq!(fitting(None, Algorithm::HS256), 0);
        // Several keys can have the same `kid`. Keys of another type do not fit.
        let set = parse_keys(&[ed25519_key("1"), ed25519_key("1"), p256_key("1")], &ALL);
        assert_eq!(set.find_candidates(Some("1"), Algorithm::EdDSA).len(), 2);
    }

    #[test]
    fn only_accepted_signature_keys_are_read() {
        let secret = json!({"kty": "oct", "kid": "1", "k": encode_bytes(64), "alg": "HS256"});
        for left_out in [
            with_field(ed25519_key("1"), "use", json!("enc")),
            with_field(ed25519_key("1"), "key_ops", json!(["sign"])),
            with_field(ed25519_key("1"), "key_ops", json!([])),
            with_field(ed25519_key("1"), "alg", json!("HS256")),
            with_field(rsa_key("1"), "alg", json!("PS256")),
            with_field(rsa_key("1"), "alg", json!("RSA-OAEP")),
            with_field(rsa_key("1"), "n", json!(encode_bytes(128))),
            with_field(rsa_key("1"), "n", json!("not base64!")),
            with_field(rsa_key("1"), "e", json!("")),
            with_field(p256_key("1"), "crv", json!("P-384")),
            with_field(p256_key("1"), "y", json!(encode_bytes(31))),
            with_field(p256_key("1"), "y", json!(null)),
            with_field(ed25519_key("1"), "crv", json!("X25519")),
            with_field(ed25519_key("1"), "x", json!(encode_bytes(33))),
            with_field(ed25519_key("1"), "kid", json!(7)),
            secret.clone(),
            with_field(secret, "alg", json!("EdDSA")),
            json!({}),
            json!("a key"),
            json!(null),
        ] {
            let set = parse_keys(&[left_out.clone(), p256_key("2")], &ALL);
            assert_eq!(set.len(), 1, "{left_out}");
        }
        for taken in [
            with_field(ed25519_key("1"), "use", json!("sig")),
            with_field(ed25519_key("1"), "key_ops", json!(["verify"])),
            with_field(ed25519_key("1"), "alg", json!("EdDSA")),
            with_field(ed25519_key("1"), "alg", json!("Ed25519")),
            with_field(rsa_key("1"), "alg", json!("RS256")),
            with_field(p256_key("1"), "x5c", json!(["anything"])),
        ] {
            assert_eq!(parse_keys(std::slice::from_ref(&taken), &ALL).len(), 1, "{taken}");
        }
        assert!(parse_keys(&[ed25519_key("1"), p256_key("2")], &[Algorithm::RS256]).is_empty());
        // A document never provides a secret, whatever algorithms are accepted.
        let secret = json!({"kty": "oct", "kid": "1", "k": encode_bytes(64)});
        assert!(parse_keys(&[secret], &[Algorithm::HS256]).is_empty());
    }

    #[test]
    fn invalid_document_is_reported() {
        for document in ["", "{}", "[]", "null", "{\"keys\": {}}", "<html>"] {
            assert!(KeySet::parse(document.as_bytes(), &ALL).is_err(), "{document}");
        }
        assert!(parse_keys(&[], &ALL).is_empty());
        let many: Vec<Value> = (0..200).map(|number| ed25519_key(&number.to_string())).collect();
        assert_eq!(parse_keys(&many, &ALL).len(), MAX_KEYS);
    }
}
