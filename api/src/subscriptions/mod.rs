//! What is told as it happens: subscriptions, and the connections that carry them.
//!
//! A [connection](socket) speaks the protocol's [messages](protocol); somebody has
//! [so many](registry) and no more. While anybody
//! subscribes, one `follower` in each server process looks for what was changed, by
//! whichever process, and hands it on in [feeds](broadcast) that hold so much and no more.
//! What of it somebody may see is decided where it is read, by each domain's own
//! subscription.

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

/// How much a connection may take, and how long it may take for it.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// How long a client has to send its `connection_init`.
    pub init_timeout: Duration,
    /// How long a client has to take in what it is sent, before it is dropped.
    pub write_timeout: Duration,
    /// How long a connection that is closed is kept, for the client to hear why.
    pub close_timeout: Duration,
    /// How often a client is asked whether it is there; one that does not answer until the next but one time is dropped.
    pub ping_interval: Duration,
    /// The most operations that one connection may have at once.
    pub max_operations: usize,
    /// The most connections that one token may have at once.
    pub max_connections_per_token: usize,
    /// The most that may be open from one address without saying who they are.
    pub max_anonymous_per_address: usize,
    /// The most findings that may wait for one who is to be told of them, each of what was changed within a moment:
    /// up to 1,000 submissions.
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

/// A submission was saved or moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionChanged {
    /// Which one.
    pub id: Uuid,
    /// Of which organisation.
    pub organisation: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

/// The parts of the service that are needed to follow what is changed.
#[derive(Clone)]
pub struct PollContext {
    /// The database.
    pub db: DatabaseConnection,
    /// Hears first of what is changed.
    pub engine: Arc<PatternEngine>,
    /// Gives the time.
    pub clock: Arc<dyn Clock>,
    /// What follows.
    pub live: Arc<SubscriptionHub>,
}

/// What a server process tells as it happens.
pub struct SubscriptionHub {
    /// What connections are held to.
    pub limits: ConnectionLimits,
    /// The connections that are open.
    pub connections: Arc<ConnectionRegistry>,
    submissions: channel::Sender<Arc<[SubmissionChanged]>>,
    followers: Mutex<Followers>,
    follower_joined: Notify,
    has_polled: watch::Sender<bool>,
    shutting_down: watch::Sender<bool>,
}

/// A member who is watched, for so many, and why they are no longer who they were, once they are not.
struct WatchedMember {
    watcher_count: usize,
    access_lost: watch::Sender<Option<TokenError>>,
}

/// Who is followed for.
#[derive(Default)]
struct Followers {
    is_running: bool,
    count: usize,
    members: HashMap<AuthenticatedMember, WatchedMember>,
}

impl SubscriptionHub {
    /// Tells nobody anything yet.
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

    /// The submissions that are saved or moved from now on, of whichever organisation, as many at once as were found
    /// at once.
    pub async fn subscribe_to_submissions(
        context: PollContext,
    ) -> Result<EventStream<Arc<[SubmissionChanged]>>> {
        let (live, deadline) = (Arc::clone(&context.live), context.engine.deadline());
        let (receiver, follow) = (live.submissions.subscribe(), FollowGuard::new(context, None));
        // From here on nothing is missed.
        let mut looked = live.has_polled.subscribe();
        let reached = tokio::time::timeout(deadline, looked.wait_for(|looked| *looked));
        match reached.await {
            Ok(Ok(_)) => Ok(EventStream::new(receiver, Some(follow))),
            _ => Err(Error::QueryTimeout),
        }
    }

    /// How many are told of submissions.
    pub fn submission_subscriber_count(&self) -> usize {
        self.submissions.receiver_count()
    }

    /// Whether the base was looked at since somebody is followed for: from then on nothing is missed.
    pub fn has_polled(&self) -> bool {
        *self.has_polled.borrow()
    }

    /// For how many anything is followed.
    pub fn follower_count(&self) -> usize {
        self.lock_followers().count
    }

    /// Closes every connection, as the process is to end.
    pub fn close_all(&self) {
        self.shutting_down.send_replace(true);
    }

    fn lock_followers(&self) -> MutexGuard<'_, Followers> {
        self.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody is followed for; where not, the follower is to end.
    fn has_followers(&self) -> bool {
        let mut following = self.lock_followers();
        if following.count == 0 {
            following.is_running = false;
            self.has_polled.send_replace(false);
        }
        following.is_running
    }
}

/// Held by whom something is followed for; when nobody holds one, nothing is read.
pub struct FollowGuard {
    live: Arc<SubscriptionHub>,
    member: Option<(AuthenticatedMember, watch::Receiver<Option<TokenError>>)>,
}

impl FollowGuard {
    /// Has the base followed, and, where a member is given, whether they are still who they were.
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
                    access_lost: watch::Sender::new(None),
                });
            watched.watcher_count += 1;
            (member.clone(), watched.access_lost.subscribe())
        });
        if !std::mem::replace(&mut following.is_running, true) {
            tokio::spawn(poller::run_poller(context));
        }
        drop(following);
        live.follower_joined.notify_one();
        Self { live, member }
    }

    /// Over when the member was revoked, or may do something else than they could.
    pub async fn access_lost(&mut self) -> TokenError {
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
