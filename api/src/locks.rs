//! Advisory locks of PostgreSQL, held until the transaction ends. SQLite needs none, as it has one writer at
//! a time.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvisoryLock {
    /// Numbering changes, so that two transactions do not use the same numbers.
    ChangeLog,
    /// The hierarchy of places, so that two transactions do not create a cycle together.
    PlaceLinks,
    /// All writes. Writers share it. A transaction without concurrent writers holds it exclusively.
    Writing,
    /// Sources, so that two publications do not add the same source twice.
    Sources,
    /// The imports of the command line, so that two commands do not store the same file twice.
    CommandLineImports,
    /// A batch of an import. The import chooses the key.
    ImportBatch(i64),
}

impl AdvisoryLock {
    /// The number of the lock. It never changes, as servers of different versions share it.
    const fn lock_number(self) -> i64 {
        match self {
            Self::ChangeLog => 0x7761_7969_6e00_0001,
            Self::PlaceLinks => 0x7761_7969_6e00_0002,
            Self::Writing => 0x7761_7969_6e00_0003,
            Self::Sources => 0x7761_7969_6e00_0004,
            Self::CommandLineImports => 0x7761_7969_6e00_0005,
            Self::ImportBatch(key) => key,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum LockMode {
    Shared,
    Exclusive,
}

pub async fn acquire_lock(
    db: &impl ConnectionTrait,
    mode: LockMode,
    lock: AdvisoryLock,
) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let function = match mode {
            LockMode::Shared => "pg_advisory_xact_lock_shared",
            LockMode::Exclusive => "pg_advisory_xact_lock",
        };
        let key = lock.lock_number();
        let statement = Statement::from_string(DbBackend::Postgres, format!("SELECT {function}({key})"));
        db.execute_raw(statement).await?;
    }
    Ok(())
}
