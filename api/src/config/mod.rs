//! Reads and validates the settings once, before the service starts. `.env.example` lists all of them.

mod names;

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

pub use self::names::{list_log_filter_warnings, list_warnings as name_warnings};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Deserialize;

use crate::auth::issued_token::TokenIssuer;
use crate::auth::issuer::{IssuerKeys, TrustedIssuer};
use crate::auth::jwks::{CachedKeys, JwksUrl, KeySource, RefreshPolicy};
use crate::auth::jwt::{TokenSigner, TokenVerifier};
use crate::auth::keys::KeySet;
use crate::cors::AllowedOrigins;
use crate::describe_failure::describe_io;
use crate::expiry::{DEFAULT_DRAFT_EXPIRY_DAYS, DEFAULT_IMPORT_EXPIRY_DAYS, ExpiryPolicy};
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::{Introspection, RateLimit, RateLimits};
use crate::import::job;
use crate::pattern::engine::EngineSettings;
use crate::server::settings::{AllowedCorsHeaders, HttpSettings};
use wayin_engine::disclosure::cell_key::PerturbationTable;
use wayin_records::formats::records::FileLimits;

/// The default of `DATABASE_URL`.
const DEFAULT_DATABASE_URL: &str = "sqlite://wayin.db?mode=rwc";

/// A problem with a setting, in one sentence that names the setting.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("The setting {0} is missing: {1}.")]
    Missing(&'static str, &'static str),
    #[error("The setting {0} cannot be used: {1}.")]
    Malformed(&'static str, String),
}

/// Returns the value of a setting, from the environment or from a test.
pub type SettingSource<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the process environment. An empty variable counts as not set.
pub fn read_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseConfig {
    pub url: String,
    /// `MIGRATE_ON_START`: whether `serve` migrates before it starts.
    pub migrate_on_start: bool,
}

impl DatabaseConfig {
    pub fn read(source: SettingSource<'_>) -> Result<Self, ConfigError> {
        const URL: &str = "DATABASE_URL";
        const MIGRATE: &str = "MIGRATE_ON_START";
        let url = source(URL).unwrap_or_else(|| DEFAULT_DATABASE_URL.into());
        let sqlite = url.starts_with("sqlite:");
        if !sqlite && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(ConfigError::Malformed(
                URL,
                "it does not start with sqlite: or postgres://".into(),
            ));
        }
        let migrate_on_start = match source(MIGRATE).as_deref() {
            None => sqlite,
            Some("true") => true,
            Some("false") => false,
            Some(other) => {
                return Err(ConfigError::Malformed(
                    MIGRATE,
                    format!("it is {other}, not true or false"),
                ));
            }
        };
        Ok(Self {
            url,
            migrate_on_start,
        })
    }
}

/// `BIND`: the address and port of `serve`.
pub fn read_bind_address(source: SettingSource<'_>) -> Result<SocketAddr, ConfigError> {
    const BIND: &str = "BIND";
    let bind = source(BIND).unwrap_or_else(|| "127.0.0.1:8000".into());
    bind.parse().map_err(|_| {
        ConfigError::Malformed(
            BIND,
            format!("{bind} is not an address and port, such as 127.0.0.1:8000"),
        )
    })
}

/// `LOG`: a filter of the crate `tracing_subscriber`.
pub fn read_log_filter(source: SettingSource<'_>) -> Result<tracing_subscriber::EnvFilter, ConfigError> {
    const LOG: &str = "LOG";
    let log = source(LOG).unwrap_or_else(|| "warn,wayin=info".into());
    tracing_subscriber::EnvFilter::try_new(&log)
        .map_err(|cause| ConfigError::Malformed(LOG, cause.to_string()))
}

/// `QUERY_SECONDS`, `DISCLOSURE_TABLE_FILE`, `ANSWER_LICENCE` and `RECORD_CACHE_MEGABYTES`.
pub fn read_engine_settings(source: SettingSource<'_>) -> Result<EngineSettings, ConfigError> {
    const SECONDS: &str = "QUERY_SECONDS";
    const TABLE: &str = "DISCLOSURE_TABLE_FILE";
    const LICENCE: &str = "ANSWER_LICENCE";
    let mut settings = EngineSettings::default();
    let seconds = read_integer(source, SECONDS, settings.deadline.as_secs(), 1..=300)?;
    settings.deadline = Duration::from_secs(seconds);
    if let Some(file) = source(TABLE) {
        let malformed =
            |cause: &dyn std::fmt::Display| ConfigError::Malformed(TABLE, format!("{file}: {cause}"));
        let path = Path::new(&file);
        let table = std::fs::File::open(path).map_err(|cause| malformed(&describe_io(path, &cause)))?;
        settings.perturbation =
            PerturbationTable::parse(std::io::BufReader::new(table)).map_err(|cause| malformed(&cause))?;
    }
    if let Some(licence) = source(LICENCE) {
        settings.licence = licence;
    }
    let megabytes = settings.record_cache_bytes >> 20;
    settings.record_cache_bytes =
        read_integer(source, "RECORD_CACHE_MEGABYTES", megabytes, 0..=10_000)? << 20;
    Ok(settings)
}

/// `IMPORT_MEGABYTES` and `IMPORT_ROWS`.
pub fn read_import_settings(source: SettingSource<'_>) -> Result<job::ImportSettings, ConfigError> {
    let limits = FileLimits {
        bytes: read_integer(source, "IMPORT_MEGABYTES", 50, 1..=1_000)? * 1024 * 1024,
        rows: read_integer(source, "IMPORT_ROWS", 1_000_000, 1..=10_000_000)?,
    };
    Ok(job::ImportSettings {
        limits,
        ..job::ImportSettings::default()
    })
}

/// `ORIGINS`: the origins that can send requests from a browser.
pub fn read_allowed_origins(source: SettingSource<'_>) -> Result<AllowedOrigins, ConfigError> {
    const ORIGINS: &str = "ORIGINS";
    let list = source(ORIGINS).unwrap_or_default();
    AllowedOrigins::parse(&list).map_err(|reason| ConfigError::Malformed(ORIGINS, reason))
}

/// `HEADER_SECONDS`, `BODY_SECONDS`, `IDLE_SECONDS`, `STOP_SECONDS`, `CONNECTIONS_PER_ADDRESS` and
/// `CORS_HEADERS`. Behind proxies, all connections come from the address of a proxy, so that the number for
/// each address has no default limit.
pub fn read_http_settings(source: SettingSource<'_>) -> Result<HttpSettings, ConfigError> {
    const CORS: &str = "CORS_HEADERS";
    let default = HttpSettings::default();
    let seconds = |name, default: Duration, range| {
        read_integer(source, name, default.as_secs(), range).map(Duration::from_secs)
    };
    let per_address = read_integer(
        source,
        "CONNECTIONS_PER_ADDRESS",
        default.max_connections_per_address.unwrap_or(0),
        0..=1_000_000,
    )?;
    let is_direct = read_cost_settings(source)?.trusted_hops == 0;
    Ok(HttpSettings {
        header_timeout: seconds("HEADER_SECONDS", default.header_timeout, 1..=3_600)?,
        body_timeout: seconds("BODY_SECONDS", default.body_timeout, 1..=3_600)?,
        idle_timeout: seconds("IDLE_SECONDS", default.idle_timeout, 1..=3_600)?,
        stop_timeout: seconds("STOP_SECONDS", default.stop_timeout, 1..=3_600)?,
        max_connections_per_address: Some(per_address).filter(|most| is_direct && *most > 0),
        max_connections: default.max_connections,
        cors_headers: match source(CORS) {
            None => default.cors_headers,
            Some(list) => {
                AllowedCorsHeaders::parse(&list).map_err(|reason| ConfigError::Malformed(CORS, reason))?
            }
        },
    })
}

/// The settings of costs, rate limits, trusted proxies and introspection.
pub fn read_cost_settings(source: SettingSource<'_>) -> Result<cost::CostSettings, ConfigError> {
    const INTROSPECTION: &str = "INTROSPECTION";
    let default = cost::CostSettings::default();
    let rate = |default: RateLimit, capacity, per_minute| {
        let points = 1..=1_000_000_000;
        Ok(RateLimit {
            capacity: read_integer(source, capacity, default.capacity, points.clone())?,
            per_minute: read_integer(source, per_minute, default.per_minute, points)?,
        })
    };
    Ok(cost::CostSettings {
        max_points: read_integer(source, "COST_LIMIT", default.max_points, 1..=1_000_000_000)?,
        rates: RateLimits {
            token: rate(
                default.rates.token,
                "RATE_LIMIT_MEMBER_CAPACITY",
                "RATE_LIMIT_MEMBER_PER_MINUTE",
            )?,
            address: rate(
                default.rates.address,
                "RATE_LIMIT_ADDRESS_CAPACITY",
                "RATE_LIMIT_ADDRESS_PER_MINUTE",
            )?,
        },
        trusted_hops: read_integer(source, "TRUSTED_PROXY_HOPS", default.trusted_hops, 0..=10)?,
        introspection: match source(INTROSPECTION).as_deref() {
            None | Some("open") => Introspection::Open,
            Some("closed") => Introspection::Closed,
            Some(other) => {
                let reason = format!("it is {other}, not open or closed");
                return Err(ConfigError::Malformed(INTROSPECTION, reason));
            }
        },
    })
}

/// `DRAFT_DAYS` and `IMPORT_DAYS`.
pub fn read_expiry_policy(source: SettingSource<'_>) -> Result<ExpiryPolicy, ConfigError> {
    Ok(ExpiryPolicy::from_days(
        read_integer(source, "DRAFT_DAYS", DEFAULT_DRAFT_EXPIRY_DAYS, 0..=36_500)?,
        read_integer(source, "IMPORT_DAYS", DEFAULT_IMPORT_EXPIRY_DAYS, 1..=36_500)?,
    ))
}

/// Reads a whole number within a range, or returns the default.
fn read_integer<N: Copy + FromStr + PartialOrd + Display>(
    source: SettingSource<'_>,
    name: &'static str,
    default: N,
    range: RangeInclusive<N>,
) -> Result<N, ConfigError> {
    let Some(given) = source(name) else {
        return Ok(default);
    };
    let read = given.parse().ok().filter(|number| range.contains(number));
    read.ok_or_else(|| {
        let reason = format!(
            "{given} is not a whole number from {} to {}",
            range.start(),
            range.end()
        );
        ConfigError::Malformed(name, reason)
    })
}

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
            let place = JwksUrl::new(address, &self.refresh_policy)
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
                let address = JwksUrl::new(&address, &self.refresh_policy)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `.env.example` shows the default cost settings.
    #[test]
    fn example_file_has_the_default_cost_settings() {
        let example = include_str!("../../../.env.example");
        let read_example = |name: &str| {
            let line = example
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            Some(
                line.unwrap_or_else(|| panic!("{name} is in .env.example"))
                    .to_owned(),
            )
        };
        assert_eq!(
            read_cost_settings(&read_example),
            Ok(cost::CostSettings::default())
        );
        assert_eq!(read_cost_settings(&|_| None), Ok(cost::CostSettings::default()));
        let closed = read_cost_settings(&|name| (name == "INTROSPECTION").then(|| "closed".into())).unwrap();
        assert_eq!(closed.introspection, Introspection::Closed);
        for (setting, value, reason) in [
            ("INTROSPECTION", "shut", "it is shut, not open or closed"),
            ("COST_LIMIT", "0", "0 is not a whole number from 1 to 1000000000"),
            (
                "TRUSTED_PROXY_HOPS",
                "all",
                "all is not a whole number from 0 to 10",
            ),
        ] {
            let error = read_cost_settings(&|name| (name == setting).then(|| value.into())).unwrap_err();
            assert_eq!(error, ConfigError::Malformed(setting, reason.into()));
        }
    }

    /// `.env.example` shows the default HTTP settings.
    #[test]
    fn example_file_has_the_default_http_settings() {
        let example = include_str!("../../../.env.example");
        let read_example = |name: &str| {
            let line = example
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.map(ToOwned::to_owned)
        };
        assert_eq!(read_http_settings(&read_example), Ok(HttpSettings::default()));
        assert_eq!(read_http_settings(&|_| None), Ok(HttpSettings::default()));
        for name in [
            "HEADER_SECONDS",
            "BODY_SECONDS",
            "IDLE_SECONDS",
            "STOP_SECONDS",
            "CONNECTIONS_PER_ADDRESS",
            "CORS_HEADERS",
        ] {
            assert!(read_example(name).is_some(), "{name} is in .env.example");
            assert!(
                read_http_settings(&|one| (one == name).then(|| "a b".into())).is_err(),
                "{name}"
            );
        }
        let set = |name: &'static str, value: &'static str| {
            read_http_settings(&move |one| (one == name).then(|| value.to_owned())).unwrap()
        };
        assert_eq!(
            set("CONNECTIONS_PER_ADDRESS", "0").max_connections_per_address,
            None
        );
        assert_eq!(set("TRUSTED_PROXY_HOPS", "1").max_connections_per_address, None);
        assert_eq!(set("CORS_HEADERS", "*").cors_headers, AllowedCorsHeaders::Any);
    }

    #[test]
    fn draft_expiry_follows_the_setting() {
        let read_policy = |days: &'static str| {
            read_expiry_policy(&move |name| (name == "DRAFT_DAYS").then(|| days.to_owned()))
        };
        assert_eq!(
            read_expiry_policy(&|_| None),
            Ok(ExpiryPolicy::from_days(
                DEFAULT_DRAFT_EXPIRY_DAYS,
                DEFAULT_IMPORT_EXPIRY_DAYS
            ))
        );
        assert_eq!(
            read_policy("30"),
            Ok(ExpiryPolicy::from_days(30, DEFAULT_IMPORT_EXPIRY_DAYS))
        );
        assert_eq!(
            read_policy("0"),
            Ok(ExpiryPolicy::from_days(0, DEFAULT_IMPORT_EXPIRY_DAYS))
        );
        for wrong in ["-1", "a year", "36501"] {
            assert_eq!(
                read_policy(wrong).unwrap_err().to_string(),
                format!(
                    "The setting DRAFT_DAYS cannot be used: {wrong} is not a whole number from 0 to 36500."
                )
            );
        }
    }
}
