//! A temporary `PostgreSQL` cluster for one run.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use libtest_mimic::Failed;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;
use wayin_migration::Migrator;

use super::database::connect;

/// How to install the server.
pub const INSTALL_HINT: &str = "No PostgreSQL server of version 15 or newer was found; \
     on Debian, get it by `apt-get install postgresql`.";

const MIN_VERSION: u32 = 15;

/// The folder of the programs of the server.
#[derive(Clone, Debug)]
pub struct Programs(PathBuf);

/// Looks for a server in the folder of `pg_config`, in the folders of Debian, and in the path.
pub fn find_programs() -> Option<Programs> {
    let folder = run_program("pg_config", &["--bindir"]).map(PathBuf::from);
    let mut debian: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    debian.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    folder
        .into_iter()
        .chain(debian.into_iter().rev())
        .chain(env::split_paths(&path))
        .map(Programs)
        .find(Programs::can_serve)
}

impl Programs {
    fn can_serve(&self) -> bool {
        let has = |program| self.0.join(program).is_file();
        has("initdb") && has("pg_ctl") && self.version().is_some_and(|version| version >= MIN_VERSION)
    }

    /// The major version, from a text such as `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
    fn version(&self) -> Option<u32> {
        let said = run_program(self.0.join("postgres"), &["--version"])?;
        let version = said.split_whitespace().nth(2)?;
        let major = version.split(|mark: char| !mark.is_ascii_digit()).next()?;
        major.parse().ok()
    }
}

/// A cluster that runs until this value is dropped or the program ends.
pub struct Cluster {
    keeper: Child,
    /// `postgres://user:password@address`, without a database.
    address: String,
    /// A connection to create and drop databases.
    desk: DatabaseConnection,
}

impl Cluster {
    const TEMPLATE: &str = "wayin_template";

    /// Starts a cluster and migrates the database that all others are copied from.
    ///
    /// It blocks the thread until the cluster is ready, so call it from a thread for blocking
    /// tasks.
    pub async fn start(programs: &Programs) -> Result<Self, Failed> {
        // Nothing else is likely to take the port in between.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut keeper = start_keeper(programs, port)?;
        let password = await_ready(&mut keeper)?;
        let address = format!("postgres://wayin:{password}@127.0.0.1:{port}");
        let cluster = Self {
            keeper,
            desk: connect(&format!("{address}/postgres")).await?,
            address,
        };
        cluster
            .desk
            .execute_unprepared(&format!("CREATE DATABASE {}", Self::TEMPLATE))
            .await?;
        let template = connect(&cluster.url(Self::TEMPLATE)).await?;
        Migrator::up(&template, None).await?;
        // A database can only be copied while it has no connections.
        template.close().await?;
        Ok(cluster)
    }

    /// Creates a database; returns its address.
    pub async fn copy(&self, name: &str) -> Result<String, DbErr> {
        let template = Self::TEMPLATE;
        self.desk
            .execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await?;
        Ok(self.url(name))
    }

    /// Drops a database and its connections.
    pub async fn remove(&self, name: &str) -> Result<(), DbErr> {
        self.desk
            .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await?;
        Ok(())
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Waiting closes the standard input of the keeper first, so that it cleans up.
        let _ = self.keeper.wait();
    }
}

/// Starts the script that runs the cluster.
fn start_keeper(programs: &Programs, port: u16) -> Result<Child, Failed> {
    let mut command = Command::new("sh");
    command
        .args(["-c", include_str!("cluster.sh"), "cluster.sh"])
        .arg(&programs.0)
        .arg(port.to_string())
        // Another user may not be able to read the folder that the tests run in.
        .current_dir("/")
        // An interrupt from the keyboard must not reach it before it has cleaned up.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    // The server refuses to run as root.
    if find_user_id(&["-u"]) == Some(0) {
        let (user, group) = ["postgres", "nobody"]
            .iter()
            .find_map(|name| Some((find_user_id(&["-u", name])?, find_user_id(&["-g", name])?)))
            .ok_or("PostgreSQL cannot run as root, and there is no user `postgres` or `nobody`")?;
        command.uid(user).gid(group);
    }
    Ok(command.spawn()?)
}

/// Reads the output of the keeper until the cluster is ready; returns the password.
fn await_ready(keeper: &mut Child) -> Result<String, Failed> {
    let mut said = String::new();
    for line in BufReader::new(keeper.stdout.take().ok_or("the keeper is mute")?).lines() {
        let line = line?;
        if let Some(password) = line.strip_prefix("ready ") {
            return Ok(password.to_owned());
        }
        said.push_str(&line);
        said.push('\n');
    }
    Err(format!("PostgreSQL did not start:\n{said}").into())
}

fn find_user_id(arguments: &[&str]) -> Option<u32> {
    run_program("id", arguments)?.parse().ok()
}

/// The output of a program; none if it cannot run or fails.
fn run_program(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
