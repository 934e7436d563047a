//! The settings, read and checked once, before anything starts. `.env.example`
//! lists every one of them.

mod names;

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

pub use self::names::{log_warnings, warnings as name_warnings};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Deserialize;

use crate::auth::issued_token::Issuing;
use crate::auth::issuer::{Issuer, Keys};
use crate::auth::jwks::{Address, CachedKeys, Pace, Place};
use crate::auth::jwt::{Signer, Verifier};
use crate::auth::keys::KeySet;
use crate::cause::describe_io;
use crate::expiry::{DRAFT_DAYS, Expiry, IMPORT_DAYS};
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::{Introspection, Rate, Rates};
use crate::import::job;
use crate::origins::Origins;
use crate::pattern::engine::Settings;
use crate::server::settings::{CorsHeaders, HttpSettings};
use wayin_engine::disclosure::cell_key::Noise;
use wayin_records::formats::records::Limits;

/// The base where `DATABASE_URL` names none.
const DEFAULT_DATABASE_URL: &str = "sqlite://wayin.db?mode=rwc";

/// Something wrong with a setting, in one plain sentence that names it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is needed and not there.
    #[error("The setting {0} is missing: {1}.")]
    Missing(&'static str, &'static str),
    /// It is there and makes no sense.
    #[error("The setting {0} cannot be used: {1}.")]
    Malformed(&'static str, String),
}

/// Where settings come from: the environment, or what a test says.
pub type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's environment; what is set to nothing is not set.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The base that commands work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`.
    pub url: String,
    /// `MIGRATE_ON_START`: whether `serve` migrates before it starts.
    pub migrate_on_start: bool,
}

impl DatabaseConfig {
    /// Reads the settings of the base.
    pub fn read(source: Source<'_>) -> Result<Self, ConfigError> {
        const URL: &str = "DATABASE_URL";
        const MIGRATE: &str = "MIGRATE_ON_START";
        let url = source(URL).unwrap_or_else(|| DEFAULT_DATABASE_URL.into());
        let sqlite = url.starts_with("sqlite:");
        if !sqlite && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(ConfigError::Malformed(
                URL,
                "it starts with neither sqlite: nor postgres://".into(),
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

/// `BIND`: the address and port that `serve` listens on.
pub fn bind(source: Source<'_>) -> Result<SocketAddr, ConfigError> {
    const BIND: &str = "BIND";
    let bind = source(BIND).unwrap_or_else(|| "127.0.0.1:8000".into());
    bind.parse().map_err(|_| {
        ConfigError::Malformed(
            BIND,
            format!("{bind} is not an address and port, such as 127.0.0.1:8000"),
        )
    })
}

/// `LOG`: what is logged, as tracing's filters write it.
pub fn log(source: Source<'_>) -> Result<tracing_subscriber::EnvFilter, ConfigError> {
    const LOG: &str = "LOG";
    let log = source(LOG).unwrap_or_else(|| "warn,wayin=info".into());
    tracing_subscriber::EnvFilter::try_new(&log)
        .map_err(|cause| ConfigError::Malformed(LOG, cause.to_string()))
}

/// `QUERY_SECONDS`, `DISCLOSURE_TABLE_FILE` and `ANSWER_LICENCE`: how questions are answered.
pub fn engine(source: Source<'_>) -> Result<Settings, ConfigError> {
    const SECONDS: &str = "QUERY_SECONDS";
    const TABLE: &str = "DISCLOSURE_TABLE_FILE";
    const LICENCE: &str = "ANSWER_LICENCE";
    let mut settings = Settings::default();
    let seconds = whole(source, SECONDS, settings.deadline.as_secs(), 1..=300)?;
    settings.deadline = Duration::from_secs(seconds);
    if let Some(file) = source(TABLE) {
        let malformed =
            |cause: &dyn std::fmt::Display| ConfigError::Malformed(TABLE, format!("{file}: {cause}"));
        let path = Path::new(&file);
        let table = std::fs::File::open(path).map_err(|cause| malformed(&describe_io(path, &cause)))?;
        settings.noise = Noise::read(std::io::BufReader::new(table)).map_err(|cause| malformed(&cause))?;
    }
    if let Some(licence) = source(LICENCE) {
        settings.licence = licence;
    }
    Ok(settings)
}

/// `IMPORT_MEGABYTES` and `IMPORT_ROWS`: what files may hold.
pub fn imports(source: Source<'_>) -> Result<job::ImportSettings, ConfigError> {
    let limits = Limits {
        bytes: whole(source, "IMPORT_MEGABYTES", 50, 1..=1_000)? * 1024 * 1024,
        rows: whole(source, "IMPORT_ROWS", 1_000_000, 1..=10_000_000)?,
    };
    Ok(job::ImportSettings {
        limits,
        ..job::ImportSettings::default()
    })
}

/// `ORIGINS`: the origins whose pages may ask from a browser.
pub fn origins(source: Source<'_>) -> Result<Origins, ConfigError> {
    const ORIGINS: &str = "ORIGINS";
    let list = source(ORIGINS).unwrap_or_default();
    Origins::read(&list).map_err(|reason| ConfigError::Malformed(ORIGINS, reason))
}

/// The settings of HTTP: `HEADER_SECONDS`, `BODY_SECONDS`, `IDLE_SECONDS`, `STOP_SECONDS`, `CONNECTIONS_PER_ADDRESS` and
/// `CORS_HEADERS`. Behind proxies every connection comes from the address of one, which has no limit.
pub fn http(source: Source<'_>) -> Result<HttpSettings, ConfigError> {
    const CORS: &str = "CORS_HEADERS";
    let usual = HttpSettings::default();
    let seconds =
        |name, usual: Duration, range| whole(source, name, usual.as_secs(), range).map(Duration::from_secs);
    let per_address = whole(
        source,
        "CONNECTIONS_PER_ADDRESS",
        usual.per_address.unwrap_or(0),
        0..=1_000_000,
    )?;
    let is_direct = costs(source)?.trusted_hops == 0;
    Ok(HttpSettings {
        head: seconds("HEADER_SECONDS", usual.head, 1..=3_600)?,
        body: seconds("BODY_SECONDS", usual.body, 1..=3_600)?,
        idle: seconds("IDLE_SECONDS", usual.idle, 1..=3_600)?,
        stop: seconds("STOP_SECONDS", usual.stop, 1..=3_600)?,
        per_address: Some(per_address).filter(|most| is_direct && *most > 0),
        connections: usual.connections,
        cors_headers: match source(CORS) {
            None => usual.cors_headers,
            Some(list) => CorsHeaders::read(&list).map_err(|reason| ConfigError::Malformed(CORS, reason))?,
        },
    })
}

/// What operations may cost, how much may be spent on them, whom a proxy is believed, and whether the schema can be
/// asked for.
pub fn costs(source: Source<'_>) -> Result<cost::Settings, ConfigError> {
    const INTROSPECTION: &str = "INTROSPECTION";
    let usual = cost::Settings::default();
    let rate = |usual: Rate, capacity, per_minute| {
        let points = 1..=1_000_000_000;
        Ok(Rate {
            capacity: whole(source, capacity, usual.capacity, points.clone())?,
            per_minute: whole(source, per_minute, usual.per_minute, points)?,
        })
    };
    Ok(cost::Settings {
        most: whole(source, "COST_MOST", usual.most, 1..=1_000_000_000)?,
        rates: Rates {
            token: rate(
                usual.rates.token,
                "BUDGET_TOKEN_CAPACITY",
                "BUDGET_TOKEN_PER_MINUTE",
            )?,
            address: rate(
                usual.rates.address,
                "BUDGET_ADDRESS_CAPACITY",
                "BUDGET_ADDRESS_PER_MINUTE",
            )?,
        },
        trusted_hops: whole(source, "TRUSTED_PROXY_HOPS", usual.trusted_hops, 0..=10)?,
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

/// `DRAFT_DAYS` and `IMPORT_DAYS`: after how long what lies untouched goes.
pub fn expiry(source: Source<'_>) -> Result<Expiry, ConfigError> {
    Ok(Expiry::of(
        whole(source, "DRAFT_DAYS", DRAFT_DAYS, 0..=36_500)?,
        whole(source, "IMPORT_DAYS", IMPORT_DAYS, 1..=36_500)?,
    ))
}

/// A setting that is a whole number within a range; the usual one where it is not set.
fn whole<N: Copy + FromStr + PartialOrd + Display>(
    source: Source<'_>,
    name: &'static str,
    usual: N,
    range: RangeInclusive<N>,
) -> Result<N, ConfigError> {
    let Some(given) = source(name) else {
        return Ok(usual);
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

/// The least length of an HS256 secret, in bytes.
const SECRET_BYTES: usize = 32;

/// How tokens are verified and signed.
pub struct TokenConfig {
    /// One at least; HS256 alone.
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
    /// How often JWKS documents are read: `TOKEN_JWKS_SECONDS`.
    pub pace: Pace,
}

/// `TOKEN_ISSUER`: who the members' tokens are issued by.
pub fn issuer(source: Source<'_>) -> Result<String, ConfigError> {
    source(ISSUER).ok_or(ConfigError::Missing(
        ISSUER,
        "it says whose tokens are accepted, as in their iss",
    ))
}

/// An algorithm by its name in the header of tokens.
fn algorithm(name: &str) -> Result<Algorithm, String> {
    Ok(match name {
        "EdDSA" => Algorithm::EdDSA,
        "ES256" => Algorithm::ES256,
        "RS256" => Algorithm::RS256,
        "HS256" => Algorithm::HS256,
        other => return Err(format!("{other} is not one of EdDSA, ES256, RS256 and HS256")),
    })
}

/// Another issuer, as the file that `TOKEN_ISSUERS_FILE` names lists it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Listed {
    issuer: String,
    audience: Option<String>,
    algorithms: Vec<String>,
    jwks_url: Option<String>,
    jwks_file: Option<PathBuf>,
    public_key_file: Option<PathBuf>,
}

impl TokenConfig {
    /// Reads the settings of tokens. Nothing is built in: without a key no token is accepted.
    pub fn read(source: Source<'_>) -> Result<Self, ConfigError> {
        let algorithms = source(ALGORITHM).ok_or(ConfigError::Missing(
            ALGORITHM,
            "it is one of EdDSA, ES256, RS256 and HS256",
        ))?;
        let algorithms: Vec<Algorithm> = algorithms
            .split(',')
            .map(|name| algorithm(name.trim()).map_err(|reason| ConfigError::Malformed(ALGORITHM, reason)))
            .collect::<Result<_, _>>()?;
        let has_secret = algorithms.contains(&Algorithm::HS256);
        if has_secret && algorithms.len() > 1 {
            let reason = "HS256 cannot be combined with other algorithms, as a public key must never be used as a secret".into();
            return Err(ConfigError::Malformed(ALGORITHM, reason));
        }
        let every = whole(source, JWKS_SECONDS, Pace::default().every.as_secs(), 10..=86_400)?;
        let config = Self {
            algorithms,
            issuer: issuer(source)?,
            audience: source(AUDIENCE).ok_or(ConfigError::Missing(
                AUDIENCE,
                "it says for whom tokens are meant, as in their aud",
            ))?,
            public_key: source(PUBLIC_KEY).map(PathBuf::from),
            jwks_url: source(JWKS_URL),
            jwks_file: source(JWKS_FILE).map(PathBuf::from),
            private_key: source(PRIVATE_KEY).map(PathBuf::from),
            key_id: source(KEY_ID),
            secret: source(SECRET),
            issuers: source(ISSUERS).map(PathBuf::from),
            pace: Pace {
                every: Duration::from_secs(every),
                ..Pace::default()
            },
        };
        if !has_secret && config.secret.is_some() {
            let reason = format!("it is only for HS256, and {ALGORITHM} is another");
            return Err(ConfigError::Malformed(SECRET, reason));
        }
        let of_documents = [
            (JWKS_URL, config.jwks_url.is_some()),
            (JWKS_FILE, config.jwks_file.is_some()),
        ];
        let mut named = of_documents.iter().filter(|(_, is_set)| *is_set);
        if let Some((setting, _)) = named.next() {
            let reason = if has_secret {
                format!("it is not for HS256, which {ALGORITHM} is")
            } else if config.public_key.is_some() {
                format!("{PUBLIC_KEY} is set too, and only one of them can say whose keys are good")
            } else if named.next().is_some() {
                format!("{JWKS_FILE} is set too, and only one of them can say whose keys are good")
            } else {
                return Ok(config);
            };
            return Err(ConfigError::Malformed(setting, reason));
        }
        if config.algorithms.len() > 1 {
            let reason = "it lists several, and only a JWKS document can hold the keys of several".into();
            return Err(ConfigError::Malformed(ALGORITHM, reason));
        }
        Ok(config)
    }

    /// Whether a secret both signs and verifies.
    fn has_secret(&self) -> bool {
        self.algorithms.contains(&Algorithm::HS256)
    }

    /// The algorithm that is named first.
    fn algorithm(&self) -> Algorithm {
        self.algorithms.first().copied().unwrap_or(Algorithm::EdDSA)
    }

    fn secret(&self) -> Result<&[u8], ConfigError> {
        let secret = self.secret.as_ref().ok_or(ConfigError::Missing(
            SECRET,
            "HS256 needs one of at least 32 bytes",
        ))?;
        if secret.len() < SECRET_BYTES {
            let reason = format!(
                "it has {} bytes, and HS256 needs at least {SECRET_BYTES}",
                secret.len()
            );
            return Err(ConfigError::Malformed(SECRET, reason));
        }
        Ok(secret.as_bytes())
    }

    /// What verifies tokens. Documents with keys are read once it is told to [follow](Verifier::follow) them.
    pub fn verifier(&self) -> Result<Verifier, ConfigError> {
        let mut issuers = vec![Issuer {
            name: self.issuer.clone(),
            audiences: vec![self.audience.clone()],
            algorithms: self.algorithms.clone(),
            keys: self.keys()?,
            is_own: true,
        }];
        if let Some(file) = &self.issuers {
            let malformed = |reason| ConfigError::Malformed(ISSUERS, format!("{}: {reason}", file.display()));
            let text = std::fs::read(file).map_err(|cause| malformed(describe_io(file, &cause)))?;
            let listed: Vec<Listed> =
                serde_json::from_slice(&text).map_err(|cause| malformed(cause.to_string()))?;
            let folder = file.parent().unwrap_or(Path::new(""));
            for one in listed {
                let name = one.issuer.clone();
                if issuers.iter().any(|issuer| issuer.name == name) {
                    return Err(malformed(format!(
                        "{name} is there twice, or is {ISSUER} already"
                    )));
                }
                let issuer = self.other(one, folder);
                issuers.push(issuer.map_err(|reason| malformed(format!("{name}: {reason}")))?);
            }
        }
        Ok(Verifier::of(issuers))
    }

    /// The keys of `TOKEN_ISSUER`.
    fn keys(&self) -> Result<Keys, ConfigError> {
        if self.has_secret() {
            return Ok(Keys::One(DecodingKey::from_secret(self.secret()?)));
        }
        if let Some(address) = &self.jwks_url {
            let place = Address::new(address, &self.pace)
                .map_err(|reason| ConfigError::Malformed(JWKS_URL, reason.to_string()))?;
            return Ok(self.followed(&self.issuer, Place::Address(place), &self.algorithms));
        }
        if let Some(file) = &self.jwks_file {
            read_keys(file, &self.algorithms).map_err(|reason| ConfigError::Malformed(JWKS_FILE, reason))?;
            return Ok(self.followed(&self.issuer, Place::File(file.clone()), &self.algorithms));
        }
        let pem = read_key(
            PUBLIC_KEY,
            self.public_key.as_ref(),
            "it names the file of the issuer's public key",
        )?;
        let key = public_key(self.algorithm(), &pem);
        Ok(Keys::One(
            key.ok_or_else(|| not_a_key(PUBLIC_KEY, self.algorithm()))?,
        ))
    }

    fn followed(&self, issuer: &str, place: Place, algorithms: &[Algorithm]) -> Keys {
        let followed = CachedKeys::new(issuer, place, algorithms.to_vec(), self.pace.clone());
        Keys::CachedKeys(Arc::new(followed))
    }

    /// One of the other issuers; or what is wrong with it.
    fn other(&self, listed: Listed, folder: &Path) -> Result<Issuer, String> {
        let names = listed.algorithms.iter();
        let algorithms: Vec<Algorithm> = names.map(|name| algorithm(name)).collect::<Result<_, _>>()?;
        if algorithms.is_empty() || algorithms.contains(&Algorithm::HS256) {
            return Err("its algorithms are some of EdDSA, ES256 and RS256".into());
        }
        let keys = match (listed.jwks_url, listed.jwks_file, listed.public_key_file) {
            (Some(address), None, None) => {
                let address =
                    Address::new(&address, &self.pace).map_err(|reason| format!("jwksUrl: {reason}"))?;
                self.followed(&listed.issuer, Place::Address(address), &algorithms)
            }
            (None, Some(file), None) => {
                let file = folder.join(file);
                read_keys(&file, &algorithms)?;
                self.followed(&listed.issuer, Place::File(file), &algorithms)
            }
            (None, None, Some(file)) => {
                let &[one] = algorithms.as_slice() else {
                    return Err("a public key is of one algorithm".into());
                };
                let file = folder.join(file);
                let pem = std::fs::read(&file)
                    .map_err(|cause| format!("{}: {}", file.display(), describe_io(&file, &cause)))?;
                let key = public_key(one, &pem);
                Keys::One(key.ok_or_else(|| format!("publicKeyFile holds no {one:?} key in PEM form"))?)
            }
            _ => return Err("it has one of jwksUrl, jwksFile and publicKeyFile".into()),
        };
        Ok(Issuer {
            name: listed.issuer,
            audiences: vec![listed.audience.unwrap_or_else(|| self.audience.clone())],
            algorithms,
            keys,
            is_own: false,
        })
    }

    /// What signs tokens.
    pub fn signer(&self) -> Result<Signer, ConfigError> {
        let (algorithm, key) = if self.has_secret() {
            (Algorithm::HS256, EncodingKey::from_secret(self.secret()?))
        } else {
            let pem = read_key(
                PRIVATE_KEY,
                self.private_key.as_ref(),
                "it names the file of the key that signs",
            )?;
            let fitting = self.algorithms.iter().find_map(|algorithm| {
                let key = match algorithm {
                    Algorithm::EdDSA => EncodingKey::from_ed_pem(&pem),
                    Algorithm::ES256 => EncodingKey::from_ec_pem(&pem),
                    _ => EncodingKey::from_rsa_pem(&pem),
                };
                Some((*algorithm, key.ok()?))
            });
            fitting.ok_or_else(|| not_a_key(PRIVATE_KEY, self.algorithm()))?
        };
        let signer = Signer::new(algorithm, key, self.audience.clone());
        Ok(signer.with_key_id(self.key_id.clone()))
    }

    /// How tokens are issued here; none where there is no key to sign them with.
    pub fn issuing(&self) -> Result<Option<Issuing>, ConfigError> {
        if !self.has_secret() && self.private_key.is_none() {
            return Ok(None);
        }
        Ok(Some(Issuing {
            signer: self.signer()?,
            issuer: self.issuer.clone(),
        }))
    }
}

/// A public key in PEM form; none where it is not one of the algorithm.
fn public_key(algorithm: Algorithm, pem: &[u8]) -> Option<DecodingKey> {
    match algorithm {
        Algorithm::EdDSA => DecodingKey::from_ed_pem(pem),
        Algorithm::ES256 => DecodingKey::from_ec_pem(pem),
        _ => DecodingKey::from_rsa_pem(pem),
    }
    .ok()
}

/// Makes sure of a JWKS document in a file before it is followed: it is the configuration's own.
fn read_keys(file: &Path, algorithms: &[Algorithm]) -> Result<(), String> {
    let said = |reason: &dyn Display| format!("{}: {reason}", file.display());
    let document = std::fs::read(file).map_err(|cause| said(&describe_io(file, &cause)))?;
    let keys = KeySet::read(&document, algorithms).map_err(|cause| said(&cause))?;
    if keys.is_empty() {
        return Err(said(&"it lists no key that can be used with these algorithms"));
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

fn not_a_key(setting: &'static str, algorithm: Algorithm) -> ConfigError {
    ConfigError::Malformed(
        setting,
        format!("the file holds no {algorithm:?} key in PEM form"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `.env.example` says of costs is what holds where nothing is set.
    #[test]
    fn the_example_says_what_holds_of_costs_where_nothing_is_set() {
        let example = include_str!("../../.env.example");
        let said = |name: &str| {
            let line = example
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            Some(
                line.unwrap_or_else(|| panic!("{name} is in .env.example"))
                    .to_owned(),
            )
        };
        assert_eq!(costs(&said), Ok(cost::Settings::default()));
        assert_eq!(costs(&|_| None), Ok(cost::Settings::default()));
        let closed = costs(&|name| (name == "INTROSPECTION").then(|| "closed".into())).unwrap();
        assert_eq!(closed.introspection, Introspection::Closed);
        for (setting, value, reason) in [
            ("INTROSPECTION", "shut", "it is shut, not open or closed"),
            ("COST_MOST", "0", "0 is not a whole number from 1 to 1000000000"),
            (
                "TRUSTED_PROXY_HOPS",
                "all",
                "all is not a whole number from 0 to 10",
            ),
        ] {
            let told = costs(&|name| (name == setting).then(|| value.into())).unwrap_err();
            assert_eq!(told, ConfigError::Malformed(setting, reason.into()));
        }
    }

    /// What `.env.example` says of HTTP is what holds where nothing is set.
    #[test]
    fn the_example_has_the_defaults_of_http() {
        let example = include_str!("../../.env.example");
        let said = |name: &str| {
            let line = example
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.map(ToOwned::to_owned)
        };
        assert_eq!(http(&said), Ok(HttpSettings::default()));
        assert_eq!(http(&|_| None), Ok(HttpSettings::default()));
        for name in [
            "HEADER_SECONDS",
            "BODY_SECONDS",
            "IDLE_SECONDS",
            "STOP_SECONDS",
            "CONNECTIONS_PER_ADDRESS",
            "CORS_HEADERS",
        ] {
            assert!(said(name).is_some(), "{name} is in .env.example");
            assert!(
                http(&|one| (one == name).then(|| "a b".into())).is_err(),
                "{name}"
            );
        }
        let set = |name: &'static str, value: &'static str| {
            http(&move |one| (one == name).then(|| value.to_owned())).unwrap()
        };
        assert_eq!(set("CONNECTIONS_PER_ADDRESS", "0").per_address, None);
        assert_eq!(set("TRUSTED_PROXY_HOPS", "1").per_address, None);
        assert_eq!(set("CORS_HEADERS", "*").cors_headers, CorsHeaders::Any);
    }

    #[test]
    fn drafts_are_kept_for_as_long_as_is_set() {
        let said = |days: &'static str| expiry(&move |name| (name == "DRAFT_DAYS").then(|| days.to_owned()));
        assert_eq!(expiry(&|_| None), Ok(Expiry::of(DRAFT_DAYS, IMPORT_DAYS)));
        assert_eq!(said("30"), Ok(Expiry::of(30, IMPORT_DAYS)));
        assert_eq!(said("0"), Ok(Expiry::of(0, IMPORT_DAYS)));
        for wrong in ["-1", "a year", "36501"] {
            assert_eq!(
                said(wrong).unwrap_err().to_string(),
                format!(
                    "The setting DRAFT_DAYS cannot be used: {wrong} is not a whole number from 0 to 36500."
                )
            );
        }
    }
}
