//! Databases for tests, each a copy of one that was migrated once.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Failed;
use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use wayin_migration::Migrator;

use super::postgres::{Cluster, Programs};

/// A kind of database that tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file of its own.
    Sqlite,
    /// A database of its own in the cluster of the run.
    Postgres,
}

impl Kind {
    /// Both kinds, in the order of the list of tests.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

/// The database of a test, migrated and without rows.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its kind.
    pub kind: Kind,
    /// Its address, for another connection.
    pub url: String,
    /// A connection to it.
    pub connection: DatabaseConnection,
}

impl Database {
    fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }
}

/// Connects to the database at `url`, as the service does.
pub async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    wayin::database::connect(url).await
}

/// Creates the databases of tests. Each kind is prepared when it is first needed.
pub struct Databases {
    taken: AtomicU32,
    files: OnceCell<Result<SqliteFiles, Failed>>,
    programs: Option<Programs>,
    cluster: OnceCell<Result<Cluster, Failed>>,
}

impl Databases {
    /// With `PostgreSQL` if the programs of the server are installed.
    pub fn new(programs: Option<Programs>) -> Self {
        Self {
            taken: AtomicU32::new(0),
            files: OnceCell::new(),
            programs,
            cluster: OnceCell::new(),
        }
    }

    /// Whether a kind of database is available.
    pub const fn has(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Sqlite) || self.programs.is_some()
    }

    /// Creates a database.
    pub async fn create(&self, kind: Kind) -> Result<Database, Failed> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("t_{number}");
        let url = match kind {
            Kind::Sqlite => self.files().await?.copy(&name)?,
            Kind::Postgres => self.cluster().await?.copy(&name).await?,
        };
        Ok(Database {
            kind,
            connection: connect(&url).await?,
            url,
        })
    }

    /// Removes the database of a test that has ended.
    pub async fn remove(&self, database: Database) -> Result<(), Failed> {
        database.connection.close_by_ref().await?;
        match database.kind {
            Kind::Sqlite => Ok(self.files().await?.remove(database.name())?),
            Kind::Postgres => Ok(self.cluster().await?.remove(database.name()).await?),
        }
    }

    async fn files(&self) -> Result<&SqliteFiles, Failed> {
        let files = self.files.get_or_init(SqliteFiles::start).await;
        files.as_ref().map_err(Failed::clone)
    }

    async fn cluster(&self) -> Result<&Cluster, Failed> {
        let start = async || match &self.programs {
            Some(programs) => Cluster::start(programs).await,
            None => Err("PostgreSQL is not here".into()),
        };
        let cluster = self.cluster.get_or_init(start).await;
        cluster.as_ref().map_err(Failed::clone)
    }
}

/// The `SQLite` files of the run, in a folder that is deleted at its end.
struct SqliteFiles {
    folder: TempDir,
}

impl SqliteFiles {
    const TEMPLATE: &str = "template";

    async fn start() -> Result<Self, Failed> {
        let files = Self {
            folder: TempDir::with_prefix("wayin-sqlite-")?,
        };
        let template = connect(&format!("{}?mode=rwc", files.url(Self::TEMPLATE))).await?;
        Migrator::up(&template, None).await?;
        // Closing moves the content of the write-ahead log to the file, so that the file alone is complete.
        template.close().await?;
        Ok(files)
    }

    fn copy(&self, name: &str) -> Result<String, std::io::Error> {
        fs::copy(self.path(Self::TEMPLATE), self.path(name))?;
        Ok(self.url(name))
    }

    fn remove(&self, name: &str) -> Result<(), std::io::Error> {
        fs::remove_file(self.path(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.path(name).display())
    }
}
