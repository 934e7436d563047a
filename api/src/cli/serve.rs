//! Serves a base until a signal says to stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::error::CliError;
use super::opening::open;
use super::output::print_note;
use crate::app::App;
use crate::cause::describe_io;
use crate::clock::SystemClock;
use crate::config::{self, ConfigError, TokenConfig, environment};
use crate::pattern::engine::Engine;
use crate::server;

/// Waits for the signal to stop, and logs it. From then on the process ends within `limit`.
pub(super) async fn stop_signal(limit: Duration) {
    server::asked_to_end().await;
    tracing::info!("stopping");
    // A thread of its own ends the process even if the runtime is held up.
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        print_note!("The service did not stop within STOP_SECONDS, and is ended.");
        std::process::exit(1);
    });
}

/// Serves the base that the settings name.
pub(super) async fn serve() -> Result<(), CliError> {
    // Every setting is checked before anything is opened.
    let tokens = TokenConfig::read(&environment)?;
    let verifier = tokens.verifier()?;
    let issuing = tokens.issuing()?;
    let bind = config::bind(&environment)?;
    let engine = Arc::new(Engine::new(config::engine(&environment)?)?);
    let imports = config::imports(&environment)?;
    let expiry = config::expiry(&environment)?;
    let origins = config::origins(&environment)?;
    let costs = config::costs(&environment)?;
    let http = config::http(&environment)?;
    let stop_within = http.stop;
    let db = open().await?;
    // An issuer that does not answer holds nothing up for long.
    verifier.follow().await;
    let app = App::new(db, verifier, Arc::new(SystemClock), engine)
        .with_issuing(issuing)
        .with_imports(imports)
        .with_expiry(expiry)
        .with_origins(origins)
        .with_costs(costs)
        .with_http(http);
    let app = Arc::new(app);
    let listener = server::bind(bind, false).await.map_err(|cause| {
        CliError::Config(ConfigError::Malformed(
            "BIND",
            format!("{bind}: {}", describe_io(Path::new(""), &cause)),
        ))
    })?;
    tracing::info!("serving on http://{bind}/graphql");
    // Shown on a terminal alone.
    let reading = ProgressBar::new_spinner().with_message("initiatives read");
    reading.set_style(
        ProgressStyle::with_template("{spinner} {human_pos} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let progress = move |read: usize| reading.set_position(read as u64);
    server::serve(app, listener, stop_signal(stop_within), progress)
        .await
        .map_err(|cause| CliError::Io(bind.to_string(), cause))
}
