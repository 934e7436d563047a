//! One piece of work of the engine: it ends early when it is late, or when nobody
//! waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Why work ended before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// It took too long.
    #[error("it took too long")]
    Late,
    /// Nobody waits for it.
    #[error("nobody waits for it")]
    Abandoned,
}

/// Asked now and then by the work itself.
#[derive(Clone, Debug, Default)]
pub struct Run {
    deadline: Option<Instant>,
    abandoned: Arc<AtomicBool>,
}

/// Held by who waits for the work; when dropped, nobody does.
pub struct Waiting(Arc<AtomicBool>);

impl Run {
    /// Work that may take so long, and who waits for it.
    pub fn within(time: Duration) -> (Self, Waiting) {
        let run = Self {
            deadline: Instant::now().checked_add(time),
            abandoned: Arc::default(),
        };
        let waiting = Waiting(Arc::clone(&run.abandoned));
        (run, waiting)
    }

    /// Whether to go on.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.abandoned.load(Ordering::Relaxed) {
            Err(Stopped::Abandoned)
        } else if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            Err(Stopped::Late)
        } else {
            Ok(())
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
