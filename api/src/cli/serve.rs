//! `wayin serve`: serves a database until a stop signal arrives.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::error::CliError;
use super::open_database::open_database;
use super::output::print_note;
use crate::app::App;
use crate::clock::SystemClock;
use crate::config::{self, ConfigError, TokenConfig, read_environment};
use crate::describe_failure::describe_io;
use crate::instance;
use crate::pattern::engine::PatternEngine;
use crate::server;

/// Waits for the stop signal, and logs it. The process then ends within `limit`.
pub(super) async fn wait_for_stop_signal(limit: Duration) {
    server::shutdown_signal().await;
    tracing::info!("stopping");
    // A separate thread can end the process even if the async runtime is blocked.
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        print_note!("The service did not stop within STOP_SECONDS, and is ended.");
        std::process::exit(1);
    });
}

/// Serves the configured database.
pub(super) async fn run_serve() -> Result<(), CliError> {
    // All settings are checked before the database is opened.
    let tokens = TokenConfig::read(&read_environment)?;
    let verifier = tokens.build_verifier()?;
    let issuing = tokens.build_token_issuer()?;
    let bind = config::read_bind_address(&read_environment)?;
    let engine = Arc::new(PatternEngine::new(config::read_engine_settings(
        &read_environment,
    )?)?);
    let imports = config::read_import_settings(&read_environment)?;
    let expiry = config::read_expiry_policy(&read_environment)?;
    let origins = config::read_allowed_origins(&read_environment)?;
    let public_url = config::read_public_url(&read_environment)?;
    if public_url.is_none() && !bind.ip().is_loopback() {
        tracing::warn!(
            "PUBLIC_URL is not set, so the cookies of sessions are not limited to TLS; set it to the https address at which \
             people reach the service"
        );
    }
    let oidc = config::read_oidc_provider(&read_environment, public_url.as_ref())?;
    let costs = config::read_cost_settings(&read_environment)?;
    let http = config::read_http_settings(&read_environment)?;
    let permissions = config::read_permissions(&read_environment)?;
    let stop_within = http.stop_timeout;
    let db = open_database().await?;
    if instance::has_demonstration_secret(&db).await? {
        return Err(CliError::InvalidArguments(
            "This is the base of a demonstration. The secret of its disclosure control is public, so it cannot protect \
             records. Name another base in DATABASE_URL."
                .into(),
        ));
    }
    // An issuer that does not answer delays the start only until the timeout.
    verifier.refresh_keys().await;
    let app = App::new(db, verifier, Arc::new(SystemClock), engine)
        .with_token_issuer(issuing)
        .with_permissions(permissions)
        .with_imports(imports)
        .with_expiry_policy(expiry)
        .with_allowed_origins(origins)
        .with_public_url(public_url)
        .with_oidc(oidc)
        .with_cost_settings(costs)
        .with_http_settings(http);
    let app = Arc::new(app);
    let listener = server::bind_listener(bind, false).await.map_err(|cause| {
        CliError::Config(ConfigError::Malformed(
            "BIND",
            format!("{bind}: {}", describe_io(Path::new(""), &cause)),
        ))
    })?;
    tracing::info!("serving on http://{bind}/graphql");
    // Only visible on a terminal.
    let reading = ProgressBar::new_spinner().with_message("rows read");
    reading.set_style(
        ProgressStyle::with_template("{spinner} {human_pos} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let progress = move |read: usize| reading.set_position(read as u64);
    server::serve(app, listener, wait_for_stop_signal(stop_within), progress)
        .await
        .map_err(|cause| CliError::Io(bind.to_string(), cause))
}
