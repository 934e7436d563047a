//! Reads and validates the settings once, before the service starts. `.env.example` lists all of them.

mod names;
mod oidc;
mod tokens;

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

pub use self::names::{list_log_filter_warnings, list_warnings as name_warnings};
pub use self::oidc::read_oidc_provider;
pub use self::tokens::{TokenConfig, read_issuer};
use crate::auth::permission::Permissions;
use crate::cors::AllowedOrigins;
use crate::describe_failure::describe_io;
use crate::expiry::{DEFAULT_DRAFT_EXPIRY_DAYS, DEFAULT_IMPORT_EXPIRY_DAYS, ExpiryPolicy};
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::{Introspection, RateLimit, RateLimits};
use crate::import::job;
use crate::pattern::engine::EngineSettings;
use crate::public_url::PublicUrl;
use crate::server::settings::{AllowedCorsHeaders, HttpSettings};
use wayin_engine::disclosure::cell_key::PerturbationTable;
use wayin_engine::disclosure::classes::key_variables::KeyPriority;
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
        Ok(Self {
            url,
            migrate_on_start: read_boolean(source, MIGRATE, sqlite)?,
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

/// `QUERY_SECONDS`, `DISCLOSURE_TABLE_FILE`, `DISCLOSURE_PRIORITY`, `ANSWER_LICENCE` and `RECORD_CACHE_MEGABYTES`.
pub fn read_engine_settings(source: SettingSource<'_>) -> Result<EngineSettings, ConfigError> {
    const SECONDS: &str = "QUERY_SECONDS";
    const TABLE: &str = "DISCLOSURE_TABLE_FILE";
    const PRIORITY: &str = "DISCLOSURE_PRIORITY";
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
    if let Some(list) = source(PRIORITY) {
        settings.disclosure_priority =
            KeyPriority::parse(&list).map_err(|reason| ConfigError::Malformed(PRIORITY, reason))?;
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

const PUBLIC_URL: &str = "PUBLIC_URL";

/// `PUBLIC_URL`: the address at which people reach the service.
pub fn read_public_url(source: SettingSource<'_>) -> Result<Option<PublicUrl>, ConfigError> {
    source(PUBLIC_URL)
        .map(|address| {
            PublicUrl::parse(&address).map_err(|reason| ConfigError::Malformed(PUBLIC_URL, reason))
        })
        .transpose()
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

/// `PUBLIC_QUESTIONS`: whether visitors can ask the questions that a dashboard can ask.
pub fn read_permissions(source: SettingSource<'_>) -> Result<Permissions, ConfigError> {
    let has_public_questions = read_boolean(source, "PUBLIC_QUESTIONS", false)?;
    Ok(Permissions::default().with_public_questions(has_public_questions))
}

/// `DRAFT_DAYS` and `IMPORT_DAYS`.
pub fn read_expiry_policy(source: SettingSource<'_>) -> Result<ExpiryPolicy, ConfigError> {
    Ok(ExpiryPolicy::from_days(
        read_integer(source, "DRAFT_DAYS", DEFAULT_DRAFT_EXPIRY_DAYS, 0..=36_500)?,
        read_integer(source, "IMPORT_DAYS", DEFAULT_IMPORT_EXPIRY_DAYS, 1..=36_500)?,
    ))
}

fn read_boolean(source: SettingSource<'_>, name: &'static str, default: bool) -> Result<bool, ConfigError> {
    match source(name).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(ConfigError::Malformed(
            name,
            format!("it is {other}, not true or false"),
        )),
    }
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
