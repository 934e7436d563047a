//! The engine: keeps the index up to date with the change log, and lends it out.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use sea_orm::DatabaseConnection;
use tokio::sync::{Mutex, Notify};

use super::index::{Snapshot, load};
use crate::database;
use crate::error::{Error, Result};

/// How long the engine waits before it looks for changes that other processes made.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The index of one base, read by many and followed by one.
#[derive(Default)]
pub struct Engine {
    snapshot: ArcSwapOption<Snapshot>,
    catching_up: Mutex<()>,
    changed: Notify,
}

impl Engine {
    /// The base as it was last read, without waiting for anything.
    ///
    /// # Errors
    /// [`Error::NotReady`] until the base was read for the first time.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>> {
        self.snapshot.load_full().ok_or(Error::NotReady)
    }

    /// Whether the base was read.
    pub fn is_ready(&self) -> bool {
        self.snapshot.load().is_some()
    }

    /// Reads the base, or what was changed since it was read.
    pub async fn catch_up(&self, db: &DatabaseConnection) -> Result<()> {
        let _only_one = self.catching_up.lock().await;
        let moment = database::begin_reading(db).await?;
        let newer = if let Some(snapshot) = self.snapshot.load_full() {
            load::changes(&moment, &snapshot).await?
        } else {
            let progress = |read| tracing::debug!(initiatives = read, "reading the base");
            let read = load::everything(&moment, &progress).await?;
            tracing::info!(
                initiatives = read.len(),
                change = read.as_of.change,
                "the evidence base is read"
            );
            Some(read)
        };
        moment.commit().await?;
        if let Some(newer) = newer {
            self.snapshot.store(Some(Arc::new(newer)));
        }
        Ok(())
    }

    /// Tells the engine that this process has changed the base.
    pub fn tell_changed(&self) {
        self.changed.notify_one();
    }

    /// Follows the change log for as long as the process lives.
    pub async fn follow(&self, db: &DatabaseConnection) {
        loop {
            if let Err(error) = self.catch_up(db).await {
                tracing::error!(error = %error, cause = ?error, "the change log could not be read; trying again");
            }
            // Either a change of our own, or time to look for those of others.
            let _ = tokio::time::timeout(LOOK_EVERY, self.changed.notified()).await;
        }
    }
}
