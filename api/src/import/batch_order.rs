//! The order of the batches of one import that are written at the same time. A batch writes most of its rows in
//! parallel with the previous batch, but is counted, logged and committed after it.

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::watch;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::locks::{AdvisoryLock, LockMode, acquire_lock};

/// How many batches are written at the same time. `PostgreSQL` uses a processor for each connection, but `SQLite` has
/// only one writer.
pub(super) fn max_concurrent_batches(db: &impl ConnectionTrait) -> usize {
    match db.get_database_backend() {
        DbBackend::Postgres => 2,
        _ => 1,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The batch waits to begin this attempt, counted from 1.
    Waiting(u32),
    /// The transaction of this attempt is open.
    Begun(u32),
    Committed,
}

/// The position of a batch in the order.
pub(super) struct Ticket {
    import: Uuid,
    /// The position of the first row of the batch.
    first: i64,
    stage: watch::Sender<Stage>,
    before: Option<PreviousBatch>,
}

/// What a batch knows about the previous one.
pub(super) struct PreviousBatch {
    first: i64,
    stage: watch::Receiver<Stage>,
}

impl Ticket {
    /// Creates the ticket of the batch whose first row is at this position.
    pub(super) fn new(import: Uuid, first: i64, before: Option<PreviousBatch>) -> Self {
        Self {
            import,
            first,
            stage: watch::Sender::new(Stage::Waiting(1)),
            before,
        }
    }

    /// This batch, as the ticket of the next batch needs it.
    pub(super) fn previous_of_next(&self) -> PreviousBatch {
        PreviousBatch {
            first: self.first,
            stage: self.stage.subscribe(),
        }
    }

    /// Waits until an attempt can begin. A second attempt waits until the previous batch is committed, because the two
    /// may have blocked each other.
    pub(super) async fn wait_to_begin(&self, attempt: u32) -> Result<()> {
        self.stage.send_replace(Stage::Waiting(attempt));
        let Some(before) = &self.before else {
            return Ok(());
        };
        let can_begin = |stage: &Stage| match stage {
            Stage::Waiting(_) => false,
            Stage::Begun(_) => attempt == 1,
            Stage::Committed => true,
        };
        let mut stage = before.stage.clone();
        let begins = stage.wait_for(can_begin).await;
        begins.map(drop).map_err(|_| self.rolled_back())
    }

    /// Begins the batch in its transaction.
    ///
    /// # Errors
    /// If the previous batch was rolled back in the meantime. The lock of this batch would stop it from beginning
    /// again.
    pub(super) async fn begin(&self, transaction: &impl ConnectionTrait) -> Result<OpenBatch<'_>> {
        // The next batch waits for this lock, so that the database can detect a deadlock between the two.
        acquire_lock(transaction, LockMode::Exclusive, self.lock(self.first)).await?;
        self.stage.send_modify(|stage| {
            if let Stage::Waiting(attempt) = *stage {
                *stage = Stage::Begun(attempt);
            }
        });
        let before = self.before.as_ref();
        let before = before.map(|before| (before, *before.stage.borrow()));
        match before {
            Some((_, Stage::Waiting(_))) => Err(self.rolled_back()),
            _ => Ok(OpenBatch { ticket: self, before }),
        }
    }

    pub(super) fn set_committed(&self) {
        self.stage.send_replace(Stage::Committed);
    }

    fn rolled_back(&self) -> Error {
        let Self { import, first, .. } = self;
        Error::Conflict(format!(
            "the rows before {first} of import {import} were rolled back"
        ))
    }

    /// The lock of a batch. Two batches can have the same lock, which is unlikely. Then one waits for the other.
    fn lock(&self, first: i64) -> AdvisoryLock {
        let (_, import) = self.import.as_u64_pair();
        AdvisoryLock::ImportBatch(import.cast_signed() ^ first)
    }
}

/// A batch whose transaction is open.
pub(super) struct OpenBatch<'a> {
    ticket: &'a Ticket,
    /// The previous batch, and its stage when this one began.
    before: Option<(&'a PreviousBatch, Stage)>,
}

impl OpenBatch<'_> {
    /// Waits until the previous batch is committed.
    ///
    /// # Errors
    /// If the previous batch was rolled back. Then this one has to be rolled back too.
    pub(super) async fn wait_for_previous(self, transaction: &impl ConnectionTrait) -> Result<()> {
        let Some((before, was)) = self.before.filter(|(_, was)| *was != Stage::Committed) else {
            return Ok(());
        };
        acquire_lock(transaction, LockMode::Shared, self.ticket.lock(before.first)).await?;
        let mut stage = before.stage.clone();
        match stage.wait_for(|stage| *stage != was).await.as_deref() {
            Ok(Stage::Committed) => Ok(()),
            _ => Err(self.ticket.rolled_back()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sea_orm::DatabaseConnection;
    use tokio::time::timeout;

    use super::*;

    /// `SQLite` has no advisory locks, so these tests cover only what the batches report to each other.
    async fn base() -> DatabaseConnection {
        crate::database::connect("sqlite::memory:").await.unwrap()
    }

    fn two() -> (Ticket, Ticket) {
        let one = Ticket::new(Uuid::nil(), 1, None);
        let next = Ticket::new(Uuid::nil(), 2, Some(one.previous_of_next()));
        (one, next)
    }

    /// Whether a batch has to wait before it begins.
    async fn waits(batch: &Ticket, attempt: u32) -> bool {
        let begins = timeout(Duration::from_millis(20), batch.wait_to_begin(attempt)).await;
        begins.is_err()
    }

    #[tokio::test]
    async fn a_batch_begins_beside_the_one_before_and_ends_after_it() {
        let (db, (one, next)) = (base().await, two());
        assert!(waits(&next, 1).await, "the one before has no transaction yet");
        one.wait_to_begin(1).await.unwrap();
        one.begin(&db)
            .await
            .unwrap()
            .wait_for_previous(&db)
            .await
            .unwrap();
        assert!(!waits(&next, 1).await, "both are open");
        let open = next.begin(&db).await.unwrap();
        let mut ends = Box::pin(open.wait_for_previous(&db));
        let early = timeout(Duration::from_millis(20), &mut ends).await;
        assert!(early.is_err(), "it ended before the one before: {early:?}");
        one.set_committed();
        ends.await.unwrap();
    }

    #[tokio::test]
    async fn a_batch_is_rolled_back_with_the_one_before_and_then_comes_after_it() {
        let (db, (one, next)) = (base().await, two());
        one.begin(&db).await.unwrap();
        let open = next.begin(&db).await.unwrap();
        one.wait_to_begin(2).await.unwrap();
        // The rollback is reported even if the previous batch has begun again by the time of the check.
        one.begin(&db).await.unwrap();
        assert!(open.wait_for_previous(&db).await.is_err());
        assert!(waits(&next, 2).await, "the one before is not committed yet");
        one.set_committed();
        assert!(!waits(&next, 2).await, "the one before is committed");
        next.begin(&db)
            .await
            .unwrap()
            .wait_for_previous(&db)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_batch_does_not_begin_while_the_one_before_waits_to_be_tried_again() {
        let (db, (one, next)) = (base().await, two());
        one.begin(&db).await.unwrap();
        next.wait_to_begin(1).await.unwrap();
        one.wait_to_begin(2).await.unwrap();
        assert!(
            next.begin(&db).await.is_err(),
            "its lock would keep the one before out"
        );
    }
}
