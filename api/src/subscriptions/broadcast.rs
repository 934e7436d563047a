//! Streams of events with limited buffers. A subscriber that falls behind is disconnected and has to
//! subscribe again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::FollowGuard;

/// Whether a subscriber has fallen behind.
#[derive(Debug, Default)]
pub struct LaggedFlag(AtomicBool);

impl LaggedFlag {
    pub fn mark(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub fn is_marked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The events since a subscription began.
pub struct EventStream<T> {
    receiver: Receiver<T>,
    follow: Option<FollowGuard>,
}

impl<T: Clone + Send + 'static> EventStream<T> {
    /// Creates a stream from a receiver.
    pub const fn new(receiver: Receiver<T>, follow: Option<FollowGuard>) -> Self {
        Self { receiver, follow }
    }

    /// The events one by one. If the buffer overflows, marks `behind` and ends.
    pub fn into_stream(self, behind: Option<Arc<LaggedFlag>>) -> Pin<Box<dyn Stream<Item = T> + Send>> {
        let Self { receiver, follow } = self;
        Box::pin(stream::unfold(
            (receiver, follow, behind),
            async |(mut receiver, follow, behind)| match receiver.recv().await {
                Ok(event) => Some((event, (receiver, follow, behind))),
                Err(RecvError::Closed) => None,
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "a client fell behind with its notifications");
                    if let Some(behind) = behind {
                        behind.mark();
                    }
                    None
                }
            },
        ))
    }
}
