//! The settings of tokens: which are accepted, and how the service signs its own.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Deserialize;

use super::{ConfigError, SettingSource, read_integer};
use crate::auth::issued_token::TokenIssuer;
use crate::auth::issuer::{IssuerKeys, TrustedIssuer};
use crate::auth::issuer_url::IssuerUrl;
use crate::auth::jwks::{CachedKeys, KeySource, RefreshPolicy};
use crate::auth::jwt::{TokenSigner, TokenVerifier};
use crate::auth::keys::KeySet;
use crate::describe_failure::describe_io;

const ALGORITHM: &str = "TOKEN_ALGORITHM";
const PUBLIC_KEY: &str = "TOKEN_PUBLIC_KEY_FILE";
const JWKS_URL: &str = "TOKEN_JWKS_URL";
const JWKS_FILE: &str = "TOKEN_JWKS_FILE";
const JWKS_SECONDS: &str = "TOKEN_JWKS_SECONDS";
const PRIVATE_KEY: &str = "TOKEN_PRIVATE_KEY_FILE";
const KEY_ID: &str = "TOKEN_KEY_ID";
const SECRET: &str = "TOKEN_SECRET";
const ISSUER: &str = "TOKEN_ISSUER";
const AUDIENCE: &str = "TOKEN_AUDIENCE";
const ISSUERS: &str = "TOKEN_ISSUERS_FILE";

/// The minimum length of an HS256 secret, in bytes.
const MIN_SECRET_BYTES: usize = 32;

pub struct TokenConfig {
    /// At least one. HS256 is never combined with others.
    algorithms: Vec<Algorithm>,
    /// `TOKEN_ISSUER`.
    pub issuer: String,
    audience: String,
    public_key: Option<PathBuf>,
    jwks_url: Option<String>,
    jwks_file: Option<PathBuf>,
    private_key: Option<PathBuf>,
    key_id: Option<String>,
    secret: Option<String>,
    issuers: Option<PathBuf>,
    pub refresh_policy: RefreshPolicy,
}

/// `TOKEN_ISSUER`: the issuer of the members' tokens.
pub fn read_issuer(source: SettingSource<'_>) -> Result<String, ConfigError> {
    source(ISSUER).ok_or(ConfigError::Missing(
        ISSUER,
        "it is the iss of the tokens that are accepted",
    ))
}

/// Parses the name of an algorithm as token headers have it.
fn parse_algorithm(name: &str) -> Result<Algorithm, String> {
    Ok(match name {
        "EdDSA" => Algorithm::EdDSA,
        "ES256" => Algorithm::ES256,
        "RS256" => Algorithm::RS256,
        "HS256" => Algorithm::HS256,
        other => return Err(format!("{other} is not one of EdDSA, ES256, RS256 and HS256")),
    })
}

/// An entry of the file that `TOKEN_ISSUERS_FILE` names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IssuerEntry {
    issuer: String,
    audience: Option<String>,
    algorithms: Vec<String>,
    jwks_url: Option<String>,
    jwks_file: Option<PathBuf>,
    public_key_file: Option<PathBuf>,
}

impl TokenConfig {
    /// Reads the settings of tokens. No key is built in: without a configured key, no token is accepted.
    pub fn read(source: SettingSource<'_>) -> Result<Self, ConfigError> {
        let algorithms = source(ALGORITHM).ok_or(ConfigError::Missing(
            ALGORITHM,
            "it is one of EdDSA, ES256, RS256 and HS256",
        ))?;
        let algorithms: Vec<Algorithm> = algorithms
            .split(',')
            .map(|name| {
                parse_algorithm(name.trim()).map_err(|reason| ConfigError::Malformed(ALGORITHM, reason))
            })
            .collect::<Result<_, _>>()?;
        let has_secret = algorithms.contains(&Algorithm::HS256);
        if has_secret && algorithms.len() > 1 {
            let reason = "HS256 cannot be combined with other algorithms, as a public key must never be used as a secret".into();
            return Err(ConfigError::Malformed(ALGORITHM, reason));
        }
        let every = read_integer(
            source,
            JWKS_SECONDS,
            RefreshPolicy::default().interval.as_secs(),
            10..=86_400,
        )?;
        let config = Self {
            algorithms,
            issuer: read_issuer(source)?,
            audience: source(AUDIENCE).ok_or(ConfigError::Missing(
                AUDIENCE,
                "it is the aud of the tokens that are accepted",
            ))?,
            public_key: source(PUBLIC_KEY).map(PathBuf::from),
            jwks_url: source(JWKS_URL),
            jwks_file: source(JWKS_FILE).map(PathBuf::from),
            private_key: source(PRIVATE_KEY).map(PathBuf::from),
            key_id: source(KEY_ID),
            secret: source(SECRET),
            issuers: source(ISSUERS).map(PathBuf::from),
            refresh_policy: RefreshPolicy {
                interval: Duration::from_secs(every),
                ..RefreshPolicy::default()
            },
        };
        if !has_secret && config.secret.is_some() {
            let reason = format!("it is only for HS256, and {ALGORITHM} is not HS256");
            return Err(ConfigError::Malformed(SECRET, reason));
        }
        let of_documents = [
            (JWKS_URL, config.jwks_url.is_some()),
            (JWKS_FILE, config.jwks_file.is_some()),
        ];
        let mut named = of_documents.iter().filter(|(_, is_set)| *is_set);
        if let Some((setting, _)) = named.next() {
            let reason = if has_secret {
                format!("it cannot be used with HS256, which {ALGORITHM} is")
            } else if config.public_key.is_some() {
                format!("{PUBLIC_KEY} is set too, and only one of them can be set")
            } else if named.next().is_some() {
                format!("{JWKS_FILE} is set too, and only one of them can be set")
            } else {
                return Ok(config);
            };
            return Err(ConfigError::Malformed(setting, reason));
        }
        if config.algorithms.len() > 1 {
            let reason = "it lists several, and only a JWKS document can contain keys for several".into();
            return Err(ConfigError::Malformed(ALGORITHM, reason));
        }
        Ok(config)
    }

    /// Whether the algorithm uses one secret to sign and verify.
    fn has_secret(&self) -> bool {
        self.algorithms.contains(&Algorithm::HS256)
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithms.first().copied().unwrap_or(Algorithm::EdDSA)
    }

    fn secret(&self) -> Result<&[u8], ConfigError> {
        let secret = self.secret.as_ref().ok_or(ConfigError::Missing(
            SECRET,
            "HS256 needs a secret of at least 32 bytes",
        ))?;
        if secret.len() < MIN_SECRET_BYTES {
            let reason = format!(
                "it has {} bytes, and HS256 needs at least {MIN_SECRET_BYTES}",
                secret.len()
            );
            return Err(ConfigError::Malformed(SECRET, reason));
        }
        Ok(secret.as_bytes())
    }

    /// Builds the verifier. It reads JWKS documents once [`refresh_keys`](TokenVerifier::refresh_keys) runs.
    pub fn build_verifier(&self) -> Result<TokenVerifier, ConfigError> {
        let mut issuers = vec![TrustedIssuer {
            name: self.issuer.clone(),
            audiences: vec![self.audience.clone()],
            algorithms: self.algorithms.clone(),
            keys: self.build_keys()?,
            is_own: true,
        }];
        if let Some(file) = &self.issuers {
            let malformed = |reason| ConfigError::Malformed(ISSUERS, format!("{}: {reason}", file.display()));
            let text = std::fs::read(file).map_err(|cause| malformed(describe_io(file, &cause)))?;
            let listed: Vec<IssuerEntry> =
                serde_json::from_slice(&text).map_err(|cause| malformed(cause.to_string()))?;
            let folder = file.parent().unwrap_or(Path::new(""));
            for one in listed {
                let name = one.issuer.clone();
                if issuers.iter().any(|issuer| issuer.name == name) {
                    return Err(malformed(format!("{name} is listed twice, or is {ISSUER}")));
                }
                let issuer = self.build_other_issuer(one, folder);
                issuers.push(issuer.map_err(|reason| malformed(format!("{name}: {reason}")))?);
            }
        }
        Ok(TokenVerifier::from_issuers(issuers))
    }

    /// The keys of `TOKEN_ISSUER`.
    fn build_keys(&self) -> Result<IssuerKeys, ConfigError> {
        if self.has_secret() {
            return Ok(IssuerKeys::Single(DecodingKey::from_secret(self.secret()?)));
        }
        if let Some(address) = &self.jwks_url {
            let place = IssuerUrl::new(address, self.refresh_policy.timeout)
                .map_err(|reason| ConfigError::Malformed(JWKS_URL, reason.to_string()))?;
            return Ok(self.cached_keys(&self.issuer, KeySource::Address(place), &self.algorithms));
        }
        if let Some(file) = &self.jwks_file {
            validate_jwks_file(file, &self.algorithms)
                .map_err(|reason| ConfigError::Malformed(JWKS_FILE, reason))?;
            return Ok(self.cached_keys(&self.issuer, KeySource::File(file.clone()), &self.algorithms));
        }
        let pem = read_key(
            PUBLIC_KEY,
            self.public_key.as_ref(),
            "it names the file of the issuer's public key",
        )?;
        let key = parse_public_key(self.algorithm(), &pem);
        Ok(IssuerKeys::Single(key.ok_or_else(|| {
            invalid_key_error(PUBLIC_KEY, self.algorithm())
        })?))
    }

    fn cached_keys(&self, issuer: &str, place: KeySource, algorithms: &[Algorithm]) -> IssuerKeys {
        let followed = CachedKeys::new(issuer, place, algorithms.to_vec(), self.refresh_policy.clone());
        IssuerKeys::CachedKeys(Arc::new(followed))
    }

    /// Builds one of the other issuers, or describes what is wrong with its entry.
    fn build_other_issuer(&self, listed: IssuerEntry, folder: &Path) -> Result<TrustedIssuer, String> {
        let names = listed.algorithms.iter();
        let algorithms: Vec<Algorithm> = names
            .map(|name| parse_algorithm(name))
            .collect::<Result<_, _>>()?;
        if algorithms.is_empty() || algorithms.contains(&Algorithm::HS256) {
            return Err("its algorithms must be EdDSA, ES256 or RS256".into());
        }
        let keys = match (listed.jwks_url, listed.jwks_file, listed.public_key_file) {
            (Some(address), None, None) => {
                let address = IssuerUrl::new(&address, self.refresh_policy.timeout)
                    .map_err(|reason| format!("jwksUrl: {reason}"))?;
                self.cached_keys(&listed.issuer, KeySource::Address(address), &algorithms)
            }
            (None, Some(file), None) => {
                let file = folder.join(file);
                validate_jwks_file(&file, &algorithms)?;
                self.cached_keys(&listed.issuer, KeySource::File(file), &algorithms)
            }
            (None, None, Some(file)) => {
                let &[one] = algorithms.as_slice() else {
                    return Err("a public key needs exactly one algorithm".into());
                };
                let file = folder.join(file);
                let pem = std::fs::read(&file)
                    .map_err(|cause| format!("{}: {}", file.display(), describe_io(&file, &cause)))?;
                let key = parse_public_key(one, &pem);
                IssuerKeys::Single(
                    key.ok_or_else(|| format!("publicKeyFile contains no {one:?} key in PEM format"))?,
                )
            }
            _ => return Err("it needs exactly one of jwksUrl, jwksFile and publicKeyFile".into()),
        };
        Ok(TrustedIssuer {
            name: listed.issuer,
            audiences: vec![listed.audience.unwrap_or_else(|| self.audience.clone())],
            algorithms,
            keys,
            is_own: false,
        })
    }

    pub fn build_signer(&self) -> Result<TokenSigner, ConfigError> {
        let (algorithm, key) = if self.has_secret() {
            (Algorithm::HS256, EncodingKey::from_secret(self.secret()?))
        } else {
            let pem = read_key(
                PRIVATE_KEY,
                self.private_key.as_ref(),
                "it names the file of the private key",
            )?;
            let fitting = self.algorithms.iter().find_map(|algorithm| {
                let key = match algorithm {
                    Algorithm::EdDSA => EncodingKey::from_ed_pem(&pem),
                    Algorithm::ES256 => EncodingKey::from_ec_pem(&pem),
                    _ => EncodingKey::from_rsa_pem(&pem),
                };
                Some((*algorithm, key.ok()?))
            });
            fitting.ok_or_else(|| invalid_key_error(PRIVATE_KEY, self.algorithm()))?
        };
        let signer = TokenSigner::new(algorithm, key, self.audience.clone());
        Ok(signer.with_key_id(self.key_id.clone()))
    }

    /// Builds the issuer of tokens. None if there is no key to sign with.
    pub fn build_token_issuer(&self) -> Result<Option<TokenIssuer>, ConfigError> {
        if !self.has_secret() && self.private_key.is_none() {
            return Ok(None);
        }
        Ok(Some(TokenIssuer {
            signer: self.build_signer()?,
            issuer: self.issuer.clone(),
        }))
    }
}

/// Parses a public key in PEM format. None if it is not a key of the algorithm.
fn parse_public_key(algorithm: Algorithm, pem: &[u8]) -> Option<DecodingKey> {
    match algorithm {
        Algorithm::EdDSA => DecodingKey::from_ed_pem(pem),
        Algorithm::ES256 => DecodingKey::from_ec_pem(pem),
        _ => DecodingKey::from_rsa_pem(pem),
    }
    .ok()
}

/// Validates a JWKS file at start: the file is part of the configuration.
fn validate_jwks_file(file: &Path, algorithms: &[Algorithm]) -> Result<(), String> {
    let describe = |reason: &dyn Display| format!("{}: {reason}", file.display());
    let document = std::fs::read(file).map_err(|cause| describe(&describe_io(file, &cause)))?;
    let keys = KeySet::parse(&document, algorithms).map_err(|cause| describe(&cause))?;
    if keys.is_empty() {
        return Err(describe(&"it has no key for these algorithms"));
    }
    Ok(())
}

fn read_key(
    setting: &'static str,
    file: Option<&PathBuf>,
    why: &'static str,
) -> Result<Vec<u8>, ConfigError> {
    let file = file.ok_or(ConfigError::Missing(setting, why))?;
    std::fs::read(file).map_err(|cause| {
        ConfigError::Malformed(
            setting,
            format!("{}: {}", file.display(), describe_io(file, &cause)),
        )
    })
}

fn invalid_key_error(setting: &'static str, algorithm: Algorithm) -> ConfigError {
    ConfigError::Malformed(
        setting,
        format!("the file contains no {algorithm:?} key in PEM format"),
    )
}
