//! The names of the settings, and warnings about misspelt names.

use super::ConfigError;

const EXAMPLE_FILE: &str = include_str!("../../../.env.example");

fn list_setting_names() -> impl Iterator<Item = &'static str> {
    EXAMPLE_FILE
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
}

/// The prefixes of the log targets of Wayin and its libraries.
const LOG_TARGETS: &[&str] = &[
    "async_graphql",
    "axum",
    "h2",
    "hyper",
    "hyper_util",
    "log",
    "reqwest",
    "rustls",
    "sea_orm",
    "sea_orm_migration",
    "sqlx",
    "tokio",
    "tower",
    "tower_http",
    "tungstenite",
    "wayin",
    "wayin_migration",
];

const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// Returns a warning for each name in `.env` that is not a setting, for each name in the environment that
/// resembles a setting, and for an empty `DATABASE_URL`.
pub fn list_warnings(
    environment: impl IntoIterator<Item = (String, String)>,
    in_file: &[String],
) -> Vec<String> {
    let mut warnings = Vec::new();
    for name in in_file.iter().filter(|name| !is_setting(name)) {
        warnings.push(format!(
            "{name} in the file .env is not a setting of Wayin; the nearest is {}.",
            nearest_setting(name)
        ));
    }
    for (name, value) in environment {
        if name == "DATABASE_URL" && value.trim().is_empty() {
            warnings.push(format!(
                "DATABASE_URL is empty; {} is used.",
                super::DEFAULT_DATABASE_URL
            ));
        }
        let near = nearest_setting(&name);
        if !is_setting(&name) && !in_file.contains(&name) && is_similar(&name, near) {
            warnings.push(format!("{name} is not a setting of Wayin; did you mean {near}?"));
        }
    }
    warnings
}

fn is_setting(name: &str) -> bool {
    list_setting_names().any(|known| known == name)
}

fn nearest_setting(name: &str) -> &'static str {
    let name = name.to_uppercase();
    list_setting_names()
        .min_by_key(|known| strsim::damerau_levenshtein(&name, known))
        .unwrap_or_default()
}

/// Whether a name differs from a setting's name in at most three letters, and in at most a third of them.
fn is_similar(name: &str, setting: &str) -> bool {
    let most = (setting.len() / 3).min(3);
    name.len() > 3 && strsim::damerau_levenshtein(&name.to_uppercase(), setting) <= most
}

/// Returns a warning for each part of a log filter that matches no log target.
pub fn list_log_filter_warnings(filter: &str) -> Vec<String> {
    let directives = filter.split(',').map(str::trim).filter(|part| !part.is_empty());
    let target = |directive: &str| {
        let target = directive
            .split(['=', '['])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let is_level = !directive.contains('=')
            && (LEVELS.contains(&target.to_lowercase().as_str()) || target.parse::<u8>().is_ok());
        (!is_level && !target.is_empty()).then_some(target)
    };
    let matches = |target: &String| {
        let root = target.split("::").next().unwrap_or_default();
        LOG_TARGETS.contains(&root)
    };
    directives
        .filter_map(target)
        .filter(|target| !matches(target))
        .map(|target| {
            ConfigError::Malformed(
                "LOG",
                format!(
                    "nothing is logged with the target {target}; use a level such as info, or wayin=info"
                ),
            )
            .to_string()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_names_come_from_the_example_file() {
        for name in ["DATABASE_URL", "ORIGINS", "MIGRATE_ON_START", "COST_LIMIT", "LOG"] {
            assert_eq!(
                list_setting_names().filter(|known| *known == name).count(),
                1,
                "{name}"
            );
        }
        assert!(list_setting_names().count() >= 30);
    }

    #[test]
    fn misspelt_settings_are_reported() {
        let environment = [
            "COST_LIMITS",
            "HOME",
            "PATH",
            "LANG",
            "POSTGRES_PASSWORD",
            "PORT",
            "import_days",
            "LOG",
        ];
        let environment = environment.map(|name| (name.to_owned(), "1".to_owned()));
        assert_eq!(
            list_warnings(environment, &[]),
            [
                "COST_LIMITS is not a setting of Wayin; did you mean COST_LIMIT?",
                "import_days is not a setting of Wayin; did you mean IMPORT_DAYS?",
            ]
        );
        assert_eq!(
            list_warnings(
                [("DATABASE_URL".to_owned(), String::new())],
                &["QUERY_TIMEOUT".to_owned(), "LOG".to_owned()]
            ),
            [
                "QUERY_TIMEOUT in the file .env is not a setting of Wayin; the nearest is QUERY_SECONDS.",
                "DATABASE_URL is empty; sqlite://wayin.db?mode=rwc is used.",
            ]
        );
    }

    #[test]
    fn log_filter_parts_without_a_match_are_reported() {
        for good in [
            "warn,wayin=info",
            "OFF",
            "wayin::import=debug,sqlx",
            "3",
            "wayin[span]=trace",
            "",
        ] {
            assert_eq!(list_log_filter_warnings(good), [""; 0], "{good}");
        }
        assert_eq!(
            list_log_filter_warnings("verbose,wayn=info"),
            [
                "The setting LOG cannot be used: nothing is logged with the target verbose; use a level such as info, or wayin=info.",
                "The setting LOG cannot be used: nothing is logged with the target wayn; use a level such as info, or wayin=info.",
            ]
        );
    }
}
