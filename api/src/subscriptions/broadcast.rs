//! Feeds of events that hold so many and no more: who does not keep up with one is told
//! that they have fallen behind, and by that has to begin anew.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::FollowGuard;

/// Whether somebody has fallen behind with any of what they are told.
#[derive(Debug, Default)]
pub struct LaggedFlag(AtomicBool);

impl LaggedFlag {
    /// Takes note that they have.
    pub fn mark(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether they have.
    pub fn is_marked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Events, from when the feed was taken on.
pub struct EventStream<T> {
    receiver: Receiver<T>,
    follow: Option<FollowGuard>,
}

impl<T: Clone + Send + 'static> EventStream<T> {
    /// What a receiver is sent, for as long as it is followed.
    pub const fn new(receiver: Receiver<T>, follow: Option<FollowGuard>) -> Self {
        Self { receiver, follow }
    }

    /// The events one by one. It ends, and that is noted, where more happened meanwhile than is held.
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
