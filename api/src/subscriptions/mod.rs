//! Subscriptions, and the WebSocket connections that carry them.
//!
//! A [connection](socket) speaks the [protocol], within a [limit](registry) for each client. While
//! anyone subscribes, one poller in each server process looks for changes of any process, and publishes
//! them in [streams](broadcast) with limited buffers. Each domain's own subscription decides what a
//! subscriber can see.

pub mod broadcast;
mod poller;
pub mod protocol;
pub mod registry;
pub mod socket;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::DatabaseConnection;
use tokio::sync::{Notify, broadcast as channel, watch};
use uuid::Uuid;

use self::broadcast::EventStream;
use self::registry::ConnectionRegistry;
use crate::auth::requester::AuthenticatedMember;
use crate::clock::Clock;
use crate::error::{Error, Result, TokenError};
use crate::pattern::engine::PatternEngine;

/// The limits of connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// How long a client has to send `connection_init`.
    pub init_timeout: Duration,
    /// How long a client has to read a message.
    pub write_timeout: Duration,
    /// How long a closing connection waits for the client.
    pub close_timeout: Duration,
    /// The interval of pings. A client that does not answer two in a row is disconnected.
    pub ping_interval: Duration,
    /// The maximum number of operations on one connection.
    pub max_operations: usize,
    /// The maximum number of connections with one token.
    pub max_connections_per_token: usize,
    /// The maximum number of connections from one address that have not sent a token.
    pub max_anonymous_per_address: usize,
    /// The maximum number of polls with changes that can wait for a subscriber. A poll contains up to 1,000
    /// submissions.
    pub max_pending_events: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            init_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(30),
            ping_interval: Duration::from_secs(20),
            max_operations: 100,
            max_connections_per_token: 20,
            max_anonymous_per_address: 50,
            max_pending_events: 1_024,
        }
    }
}

/// A submission was saved or changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionChanged {
    pub id: Uuid,
    pub organisation: Uuid,
    pub at: DateTime<Utc>,
}

/// What the poller needs.
#[derive(Clone)]
pub struct PollContext {
    pub db: DatabaseConnection,
    /// The engine is notified of changes first.
    pub engine: Arc<PatternEngine>,
    pub clock: Arc<dyn Clock>,
    /// The subscribers.
    pub live: Arc<SubscriptionHub>,
}

/// The subscriptions of a server process.
pub struct SubscriptionHub {
    /// The limits of connections.
    pub limits: ConnectionLimits,
    pub connections: Arc<ConnectionRegistry>,
    submissions: channel::Sender<Arc<[SubmissionChanged]>>,
    followers: Mutex<Followers>,
    follower_joined: Notify,
    has_polled: watch::Sender<bool>,
    shutting_down: watch::Sender<bool>,
}

/// A member with open subscriptions: their number and, once it applies, why the member has lost access.
struct WatchedMember {
    watcher_count: usize,
    wait_for_access_loss: watch::Sender<Option<TokenError>>,
}

/// The subscribers that keep the poller running.
#[derive(Default)]
struct Followers {
    is_running: bool,
    count: usize,
    members: HashMap<AuthenticatedMember, WatchedMember>,
}

impl SubscriptionHub {
    /// Creates a hub without subscribers.
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            submissions: channel::Sender::new(limits.max_pending_events),
            followers: Mutex::default(),
            follower_joined: Notify::new(),
            has_polled: watch::Sender::new(false),
            shutting_down: watch::Sender::new(false),
            connections: Arc::default(),
            limits,
        }
    }

    /// Subscribes to all submissions that are saved or change their state from now on. One item contains the
    /// changes of one poll.
    pub async fn subscribe_to_submissions(
        context: PollContext,
    ) -> Result<EventStream<Arc<[SubmissionChanged]>>> {
        let (live, deadline) = (Arc::clone(&context.live), context.engine.deadline());
        let (receiver, follow) = (live.submissions.subscribe(), FollowGuard::new(context, None));
        // After this poll, no change is missed.
        let mut polled = live.has_polled.subscribe();
        let reached = tokio::time::timeout(deadline, polled.wait_for(|polled| *polled));
        match reached.await {
            Ok(Ok(_)) => Ok(EventStream::new(receiver, Some(follow))),
            _ => Err(Error::QueryTimeout),
        }
    }

    /// The number of subscribers to submissions.
    pub fn submission_subscriber_count(&self) -> usize {
        self.submissions.receiver_count()
    }

    /// Whether the poller has polled since the first subscriber: from then on, no change is missed.
    pub fn has_polled(&self) -> bool {
        *self.has_polled.borrow()
    }

    /// The number of subscribers of any kind.
    pub fn follower_count(&self) -> usize {
        self.lock_followers().count
    }

    /// Closes every connection, as the process stops.
    pub fn close_all(&self) {
        self.shutting_down.send_replace(true);
    }

    fn lock_followers(&self) -> MutexGuard<'_, Followers> {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are subscribers. Without any, the poller ends.
    fn has_followers(&self) -> bool {
        let mut following = self.lock_followers();
        if following.count == 0 {
            following.is_running = false;
            self.has_polled.send_replace(false);
        }
        following.is_running
    }
}

/// Keeps the poller running while it exists.
pub struct FollowGuard {
    live: Arc<SubscriptionHub>,
    member: Option<(AuthenticatedMember, watch::Receiver<Option<TokenError>>)>,
}

impl FollowGuard {
    /// Starts the poller if necessary. If a member is given, watches their access too.
    pub fn new(context: PollContext, member: Option<&AuthenticatedMember>) -> Self {
        let live = Arc::clone(&context.live);
        let mut following = live.lock_followers();
        following.count += 1;
        let member = member.map(|member| {
            let watched = following
                .members
                .entry(member.clone())
                .or_insert_with(|| WatchedMember {
                    watcher_count: 0,
                    wait_for_access_loss: watch::Sender::new(None),
                });
            watched.watcher_count += 1;
            (member.clone(), watched.wait_for_access_loss.subscribe())
        });
        if !std::mem::replace(&mut following.is_running, true) {
            tokio::spawn(poller::run_poller(context));
        }
        drop(following);
        live.follower_joined.notify_one();
        Self { live, member }
    }

    /// Completes when the member is revoked or their permissions change.
    pub async fn wait_for_access_loss(&mut self) -> TokenError {
        if let Some((_, lost)) = &mut self.member {
            let lost = lost.wait_for(Option::is_some).await.ok().and_then(|lost| *lost);
            if let Some(lost) = lost {
                return lost;
            }
        }
        std::future::pending().await
    }
}

impl Drop for FollowGuard {
    fn drop(&mut self) {
        let mut following = self.live.lock_followers();
        following.count -= 1;
        if let Some((member, _)) = &self.member
            && let Some(watched) = following.members.get_mut(member)
        {
            watched.watcher_count -= 1;
            if watched.watcher_count == 0 {
                following.members.remove(member);
            }
        }
    }
}
