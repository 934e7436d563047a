//! The advisory locks that transactions on `PostgreSQL` take. On SQLite one transaction writes at a time, and none is needed.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// A lock, by what it protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvisoryLock {
    /// The numbering of changes: two transactions do not number at once.
    ChangeLog,
    /// What lies within what: two transactions do not close a circle of places together.
    PlaceLinks,
    /// All writing: shared by those who write, and exclusive for one who must write alone.
    Writing,
    /// Sources: two publications do not add the same one twice.
    Sources,
    /// A batch of an import, by a key that the import chooses.
    ImportBatch(i64),
}

impl AdvisoryLock {
    /// The number by which every process knows the lock. Servers of different versions share it: it never changes.
    const fn lock_number(self) -> i64 {
        match self {
            Self::ChangeLog => 0x7761_7969_6e00_0001,
            Self::PlaceLinks => 0x7761_7969_6e00_0002,
            Self::Writing => 0x7761_7969_6e00_0003,
            Self::Sources => 0x7761_7969_6e00_0004,
            Self::ImportBatch(key) => key,
        }
    }
}

/// Whether a lock is shared.
#[derive(Clone, Copy, Debug)]
pub enum LockMode {
    /// With others who share it.
    Shared,
    /// With nobody.
    Exclusive,
}

/// Waits for a lock, and holds it until the transaction ends.
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
