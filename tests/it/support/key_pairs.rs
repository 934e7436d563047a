//! Key pairs of issuers, and the tokens that they sign.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::tokens::encode_pem;

/// A key pair, and its public key as the document lists it.
pub struct TestKeyPair {
    /// The `kid`.
    pub id: &'static str,
    /// The algorithm of the tokens that it signs.
    pub algorithm: Algorithm,
    /// The private key.
    pub signs: EncodingKey,
    /// The public key as a JWKS document lists it.
    pub listed: Value,
    /// The bytes of the public key.
    pub public: Vec<u8>,
}

impl TestKeyPair {
    /// Generates a key pair.
    pub fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let (private, public, mut listed) = match algorithm {
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let public = pair.public_key().as_ref().to_vec();
                let listed = json!({"kty": "OKP", "crv": "Ed25519", "x": part(&public)});
                (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), public, listed)
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                let public = pair.public_key().as_ref().to_vec();
                let (x, y) = (part(&public[1..33]), part(&public[33..]));
                let listed = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
                (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), public, listed)
            }
            _ => {
                let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
                let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                let key = pair.public_key();
                let listed = json!({"kty": "RSA", "n": part(key.modulus().big_endian_without_leading_zero()),
                    "e": part(key.exponent().big_endian_without_leading_zero())});
                (private.as_ref().to_vec(), key.as_ref().to_vec(), listed)
            }
        };
        let private = encode_pem("PRIVATE", &private);
        let signs = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_pem(&private),
            Algorithm::ES256 => EncodingKey::from_ec_pem(&private),
            _ => EncodingKey::from_rsa_pem(&private),
        };
        listed["kid"] = id.into();
        Self {
            id,
            algorithm,
            signs: signs.unwrap(),
            listed,
            public,
        }
    }

    /// A token with these claims.
    pub fn token_as(&self, key_id: Option<&str>, claims: &Value) -> String {
        encode_token(self.algorithm, key_id, &self.signs, claims)
    }
}

/// A token that a key signs.
pub fn encode_token(algorithm: Algorithm, key_id: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
    let header = Header {
        kid: key_id.map(ToOwned::to_owned),
        ..Header::new(algorithm)
    };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// A JWKS document.
pub fn jwks_document(pairs: &[&TestKeyPair]) -> String {
    let keys: Vec<&Value> = pairs.iter().map(|pair| &pair.listed).collect();
    json!({"keys": keys}).to_string()
}
