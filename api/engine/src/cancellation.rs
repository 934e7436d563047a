//! One piece of work of the engine: it ends early when it is late, or when nobody
//! waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Why work ended before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cancelled {
    /// It took too long.
    #[error("it took too long")]
    DeadlineExceeded,
    /// Nobody waits for it.
    #[error("nobody waits for it")]
    Abandoned,
}

/// Asked now and then by the work itself.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken {
    deadline: Option<Instant>,
    abandoned: Arc<AtomicBool>,
}

/// Held by who waits for the work; when dropped, nobody does.
pub struct CancelOnDrop(Arc<AtomicBool>);

impl CancellationToken {
    /// Work that may take so long, and who waits for it.
    pub fn with_timeout(time: Duration) -> (Self, CancelOnDrop) {
        let run = Self {
            deadline: Instant::now().checked_add(time),
            abandoned: Arc::default(),
        };
        let waiting = CancelOnDrop(Arc::clone(&run.abandoned));
        (run, waiting)
    }

    /// Whether to go on.
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
