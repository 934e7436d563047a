//! Cancels a computation when its deadline passes, or when nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Why a computation was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cancelled {
    /// It took too long.
    #[error("it took too long")]
    DeadlineExceeded,
    /// Nobody waits for it.
    #[error("nobody waits for it")]
    Abandoned,
}

/// Checked regularly by the computation.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken {
    deadline: Option<Instant>,
    abandoned: Arc<AtomicBool>,
}

/// The waiting side holds it. Dropping it cancels the computation.
pub struct CancelOnDrop(Arc<AtomicBool>);

impl CancellationToken {
    /// A token for a computation that may take `timeout`.
    pub fn with_timeout(timeout: Duration) -> (Self, CancelOnDrop) {
        let token = Self {
            deadline: Instant::now().checked_add(timeout),
            abandoned: Arc::default(),
        };
        let guard = CancelOnDrop(Arc::clone(&token.abandoned));
        (token, guard)
    }

    /// Returns an error if the computation is cancelled.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.abandoned.load(Ordering::Relaxed) {
            Err(Cancelled::Abandoned)
        } else if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            Err(Cancelled::DeadlineExceeded)
        } else {
            Ok(())
        }
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
