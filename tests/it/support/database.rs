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
    /// A database of its own in the run's cluster.
    Postgres,
}

impl Kind {
    /// Both, in the order in which they are listed.
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

/// A test's own database, migrated and without rows.
#[derive(Clone, Debug)]
pub struct Database {
    /// Which kind it is.
    pub kind: Kind,
    /// Where it is, for a further connection.
    pub url: String,
    /// Connections to it.
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

/// Where tests get their databases. Each kind is prepared when it is first asked for.
pub struct Databases {
    taken: AtomicU32,
    files: OnceCell<Result<SqliteFiles, Failed>>,
    programs: Option<Programs>,
    cluster: OnceCell<Result<Cluster, Failed>>,
}

impl Databases {
    /// With `PostgreSQL` where the server's programs were found.
    pub fn new(programs: Option<Programs>) -> Self {
        Self {
            taken: AtomicU32::new(0),
            files: OnceCell::new(),
            programs,
            cluster: OnceCell::new(),
        }
    }

    /// Whether there are databases of a kind.
    pub const fn has(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Sqlite) || self.programs.is_some()
    }

    /// A database that no other test has.
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

    /// Removes a database whose test is over.
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

/// The run's `SQLite` files, in a folder that goes when the run ends.
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
        // Closing moves all that was written out of the write-ahead log, so that the file alone is whole.
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
