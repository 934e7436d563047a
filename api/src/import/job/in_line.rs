//! Batches of one import that are under way at once: each writes what it can beside the one before, and is counted,
//! logged and committed after it.

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::watch;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::locks::{AdvisoryLock, LockMode, lock};

/// How many batches are under way at once: `PostgreSQL` writes for each connection on a processor of its own, `SQLite`
/// has one writer.
pub(super) fn at_once(db: &impl ConnectionTrait) -> usize {
    match db.get_database_backend() {
        DbBackend::Postgres => 2,
        _ => 1,
    }
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is to be tried, for so many times by then.
    Waits(u32),
    /// It has a transaction under way, having been tried so many times.
    Begun(u32),
    /// It is committed.
    Stands,
}

/// The place of a batch in the line of those that are under way.
pub(super) struct InLine {
    import: Uuid,
    /// The position of its first row.
    first: i64,
    stage: watch::Sender<Stage>,
    before: Option<Before>,
}

/// What a batch knows of the one before.
pub(super) struct Before {
    first: i64,
    stage: watch::Receiver<Stage>,
}

impl InLine {
    /// The place of the batch that begins at this position of an import.
    pub(super) fn of(import: Uuid, first: i64, before: Option<Before>) -> Self {
        Self {
            import,
            first,
            stage: watch::Sender::new(Stage::Waits(1)),
            before,
        }
    }

    /// What the next batch has to know.
    pub(super) fn before_next(&self) -> Before {
        Before {
            first: self.first,
            stage: self.stage.subscribe(),
        }
    }

    /// Waits until the batch can be tried. One that is tried again waits until the one before stands: the two may have
    /// been in each other's way.
    pub(super) async fn wait_to_begin(&self, tried: u32) -> Result<()> {
        self.stage.send_replace(Stage::Waits(tried));
        let Some(before) = &self.before else {
            return Ok(());
        };
        let can_begin = |stage: &Stage| match stage {
            Stage::Waits(_) => false,
            Stage::Begun(_) => tried == 1,
            Stage::Stands => true,
        };
        let mut stage = before.stage.clone();
        let begins = stage.wait_for(can_begin).await;
        begins.map(drop).map_err(|_| self.taken_back())
    }

    /// Begins in a transaction.
    ///
    /// # Errors
    /// Where the batch before was taken back meanwhile: for this one's lock it could not begin again.
    pub(super) async fn begin(&self, transaction: &impl ConnectionTrait) -> Result<Turn<'_>> {
        // By this lock the next batch waits for the transaction: so the base notices where each waits for the other.
        lock(transaction, LockMode::Exclusive, self.lock(self.first)).await?;
        self.stage.send_modify(|stage| {
            if let Stage::Waits(tried) = *stage {
                *stage = Stage::Begun(tried);
            }
        });
        let before = self.before.as_ref();
        let before = before.map(|before| (before, *before.stage.borrow()));
        match before {
            Some((_, Stage::Waits(_))) => Err(self.taken_back()),
            _ => Ok(Turn {
                in_line: self,
                before,
            }),
        }
    }

    /// Says that the batch is committed.
    pub(super) fn say_stands(&self) {
        self.stage.send_replace(Stage::Stands);
    }

    fn taken_back(&self) -> Error {
        let Self { import, first, .. } = self;
        Error::Conflict(format!(
            "the rows before {first} of import {import} were taken back"
        ))
    }

    /// The lock of a batch. That another batch has the same is as unlikely as harmless: one waits for the other.
    fn lock(&self, first: i64) -> AdvisoryLock {
        let (_, import) = self.import.as_u64_pair();
        AdvisoryLock::ImportBatch(import.cast_signed() ^ first)
    }
}

/// A batch whose transaction is under way.
pub(super) struct Turn<'a> {
    in_line: &'a InLine,
    /// The batch before, and how far it was when this one began.
    before: Option<(&'a Before, Stage)>,
}

impl Turn<'_> {
    /// Waits until the batch before stands.
    ///
    /// # Errors
    /// Where that was taken back: this one has to be too.
    pub(super) async fn wait_for_before(self, transaction: &impl ConnectionTrait) -> Result<()> {
        let Some((before, was)) = self.before.filter(|(_, was)| *was != Stage::Stands) else {
            return Ok(());
        };
        lock(transaction, LockMode::Shared, self.in_line.lock(before.first)).await?;
        let mut stage = before.stage.clone();
        match stage.wait_for(|stage| *stage != was).await.as_deref() {
            Ok(Stage::Stands) => Ok(()),
            _ => Err(self.in_line.taken_back()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sea_orm::DatabaseConnection;
    use tokio::time::timeout;

    use super::*;

    /// On `SQLite` the locks are nobody's: what is left is what the batches tell each other.
    async fn base() -> DatabaseConnection {
        crate::database::connect("sqlite::memory:").await.unwrap()
    }

    fn two() -> (InLine, InLine) {
        let one = InLine::of(Uuid::nil(), 1, None);
        let next = InLine::of(Uuid::nil(), 2, Some(one.before_next()));
        (one, next)
    }

    /// Whether a batch has to wait before it begins.
    async fn waits(batch: &InLine, tried: u32) -> bool {
        let begins = timeout(Duration::from_millis(20), batch.wait_to_begin(tried)).await;
        begins.is_err()
    }

    #[tokio::test]
    async fn a_batch_begins_beside_the_one_before_and_ends_after_it() {
        let (db, (one, next)) = (base().await, two());
        assert!(waits(&next, 1).await, "the one before has no transaction yet");
        one.wait_to_begin(1).await.unwrap();
        one.begin(&db).await.unwrap().wait_for_before(&db).await.unwrap();
        assert!(!waits(&next, 1).await, "both are under way");
        let turn = next.begin(&db).await.unwrap();
        let mut ends = Box::pin(turn.wait_for_before(&db));
        let early = timeout(Duration::from_millis(20), &mut ends).await;
        assert!(early.is_err(), "it ended before the one before: {early:?}");
        one.say_stands();
        ends.await.unwrap();
    }

    #[tokio::test]
    async fn a_batch_is_taken_back_with_the_one_before_and_then_comes_after_it() {
        let (db, (one, next)) = (base().await, two());
        one.begin(&db).await.unwrap();
        let turn = next.begin(&db).await.unwrap();
        one.wait_to_begin(2).await.unwrap();
        // It is told, also where the one before is under way again by the time that it looks.
        one.begin(&db).await.unwrap();
        assert!(turn.wait_for_before(&db).await.is_err());
        assert!(waits(&next, 2).await, "the one before does not stand yet");
        one.say_stands();
        assert!(!waits(&next, 2).await, "the one before stands");
        next.begin(&db).await.unwrap().wait_for_before(&db).await.unwrap();
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
