//! Opens the configured database, and closes it when the command ends.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sqlx::{
    self, ConnectOptions as _, Connection as _, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;
use wayin_migration::Migrator;

use super::error::CliError;
use super::migrate::migrate_up;
use super::output::format_count;
use crate::clock::SystemClock;
use crate::config::{ConfigError, DatabaseConfig, read_environment};
use crate::database;
use crate::describe_failure::{describe_database, describe_driver};

/// How long to wait for a server that does not answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// The databases that the command has opened.
static OPEN_CONNECTIONS: Mutex<Vec<DatabaseConnection>> = Mutex::new(Vec::new());

/// Opens the configured database. Applies pending migrations if `MIGRATE_ON_START` is true. Otherwise, pending
/// migrations are an error.
pub(super) async fn open_database() -> Result<DatabaseConnection, CliError> {
    let config = DatabaseConfig::read(&read_environment)?;
    let db = connect_database(&config).await?;
    // `migrate_up` reads all stored names, so it only runs if there is something to migrate.
    if config.migrate_on_start && !Migrator::get_pending_migrations(&db).await?.is_empty() {
        let respelt = migrate_up(&db, &SystemClock).await?;
        for clash in respelt.conflicts {
            tracing::warn!("{clash}");
        }
    }
    let pending = Migrator::get_pending_migrations(&db).await?;
    if !pending.is_empty() {
        return Err(CliError::InvalidArguments(format!(
            "The base lacks {}: run `wayin migrate up`, or set MIGRATE_ON_START=true.",
            format_count(pending.len(), "migration")
        )));
    }
    Ok(db)
}

/// Opens a database, even if migrations are pending. It is an error if a newer version has migrated the database.
pub(super) async fn connect_database(config: &DatabaseConfig) -> Result<DatabaseConnection, CliError> {
    let refused = |reason| CliError::Config(ConfigError::Malformed("DATABASE_URL", reason));
    if !config.url.starts_with("sqlite:") {
        try_postgres(&config.url).await.map_err(refused)?;
    }
    let db = database::connect(&config.url)
        .await
        .map_err(|cause| refused(describe_sqlite_failure(&config.url, &cause)))?;
    register_connection(db.clone());
    let known = Migrator::get_migration_files();
    let applied = Migrator::get_migration_models(&db).await?;
    let unknown = applied
        .iter()
        .filter(|applied| !known.iter().any(|known| known.name() == applied.version))
        .count();
    if unknown > 0 {
        return Err(CliError::InvalidArguments(format!(
            "The base was migrated by a newer version of Wayin than this one, {}: it has {} that this version does \
             not know. Use that version.",
            env!("CARGO_PKG_VERSION"),
            format_count(unknown, "migration")
        )));
    }
    Ok(db)
}

/// Registers a database to close when the command ends.
fn register_connection(db: DatabaseConnection) {
    OPEN_CONNECTIONS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(db);
}

/// Closes all databases that the command has opened.
pub(super) async fn close_all() {
    let opened = std::mem::take(&mut *OPEN_CONNECTIONS.lock().unwrap_or_else(PoisonError::into_inner));
    for db in &opened {
        database::close(db).await;
    }
}

/// Connects to `PostgreSQL` once, to describe in plain words why a connection fails. The pool would try again until its
/// timeout, and then report only the timeout.
async fn try_postgres(url: &str) -> Result<(), String> {
    let options: PgConnectOptions = url.parse().map_err(|cause: sqlx::Error| {
        tracing::debug!(%cause, "DATABASE_URL cannot be read");
        "it is not an address of a database; write postgres://user:password@host:5432/database"
    })?;
    let at = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let failed = |cause: sqlx::Error| describe_postgres_failure(&options, &at, &cause);
    match tokio::time::timeout(ANSWER_DEADLINE, options.connect()).await {
        Ok(Ok(connection)) => connection.close().await.map_err(failed),
        Ok(Err(cause)) => Err(failed(cause)),
        Err(_) => Err(format!(
            "{at} does not answer within {} seconds",
            ANSWER_DEADLINE.as_secs()
        )),
    }
}

fn describe_postgres_failure(options: &PgConnectOptions, at: &str, cause: &sqlx::Error) -> String {
    tracing::debug!(%cause, "PostgreSQL cannot be used");
    let user = options.get_username();
    let code = cause
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match (code.as_deref(), cause) {
        (Some("28P01"), _) => format!("PostgreSQL at {at} refuses the password of the user {user}"),
        (Some("3D000"), _) => format!(
            "PostgreSQL at {at} has no database {}; create it first",
            options.get_database().unwrap_or(user)
        ),
        (_, sqlx::Error::Io(cause)) if cause.kind() == std::io::ErrorKind::ConnectionRefused => {
            format!("no PostgreSQL runs at {at}: the connection was refused")
        }
        (_, sqlx::Error::Io(cause)) if cause.to_string().contains("lookup") => {
            format!("the host {} is not known", options.get_host())
        }
        _ => format!("PostgreSQL at {at} cannot be used: {}", describe_driver(cause)),
    }
}

fn describe_sqlite_failure(url: &str, cause: &DbErr) -> String {
    let file = url
        .parse::<SqliteConnectOptions>()
        .map(|options| options.get_filename().to_owned());
    if let Ok(file) = file {
        let name = file.display();
        if file.is_dir() {
            return format!("{name} is a folder, not a file");
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return format!("the folder {} of the base does not exist", folder.display());
        }
        if !file.exists() {
            return if url.contains("mode=rwc") {
                format!("the file {name} cannot be created; check that you may write into its folder")
            } else {
                format!("the file {name} does not exist; with ?mode=rwc at its end it is created")
            };
        }
        return format!("the base {name} cannot be opened: {}", describe_database(cause));
    }
    "it is not an address of a database; write sqlite:path/of/the/file.db".into()
}
