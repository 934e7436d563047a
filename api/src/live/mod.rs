//! What is told as it happens: subscriptions, and the connections that carry them.
//!
//! A [connection](socket) speaks the protocol's [messages](message); somebody has
//! [so many](connections) and no more. While anybody
//! subscribes, one `follower` in each server process looks for what was changed, by
//! whichever process, and hands it on in [feeds](feed) that hold so much and no more.
//! What of it somebody may see is decided where it is read, by each domain's own
//! subscription.

pub mod connections;
pub mod feed;
mod follower;
pub mod message;
pub mod socket;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::DatabaseConnection;
use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;

use self::connections::Connections;
use self::feed::Feed;
use crate::auth::requester::Member;
use crate::clock::Clock;
use crate::error::{Error, Result, TokenError};
use crate::pattern::engine::Engine;

/// How much a connection may take, and how long it may take for it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a client has to send its `connection_init`.
    pub init_within: Duration,
    /// How long a client has to take in what it is sent, before it is dropped.
    pub write_within: Duration,
    /// How long a connection that is closed is kept, for the client to hear why.
    pub close_within: Duration,
    /// How often a client is asked whether it is there; one that does not answer until the next but one time is dropped.
    pub ping_every: Duration,
    /// The most operations that one connection may have at once.
    pub most_operations: usize,
    /// The most connections that one token may have at once.
    pub most_connections: usize,
    /// The most that may be open from one address without saying who they are.
    pub most_unnamed: usize,
    /// The most findings that may wait for one who is to be told of them, each of what was changed within a moment:
    /// up to 1,000 submissions.
    pub most_waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            init_within: Duration::from_secs(10),
            write_within: Duration::from_secs(10),
            close_within: Duration::from_secs(30),
            ping_every: Duration::from_secs(20),
            most_operations: 100,
            most_connections: 20,
            most_unnamed: 50,
            most_waiting: 1_024,
        }
    }
}

/// A submission was saved or moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionMoved {
    /// Which one.
    pub id: Uuid,
    /// Of which organisation.
    pub organisation: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

/// The parts of the service that are needed to follow what is changed.
#[derive(Clone)]
pub struct FollowContext {
    /// The database.
    pub db: DatabaseConnection,
    /// Hears first of what is changed.
    pub engine: Arc<Engine>,
    /// Gives the time.
    pub clock: Arc<dyn Clock>,
    /// What follows.
    pub live: Arc<Live>,
}

/// What a server process tells as it happens.
pub struct Live {
    /// What connections are held to.
    pub limits: Limits,
    /// The connections that are open.
    pub connections: Arc<Connections>,
    submissions: broadcast::Sender<Arc<[SubmissionMoved]>>,
    following: Mutex<Following>,
    joined: Notify,
    looked: watch::Sender<bool>,
    ending: watch::Sender<bool>,
}

/// A member who is watched, for so many, and why they are no longer who they were, once they are not.
struct Watched {
    by: usize,
    lost: watch::Sender<Option<TokenError>>,
}

/// Who is followed for.
#[derive(Default)]
struct Following {
    runs: bool,
    followers: usize,
    members: HashMap<Member, Watched>,
}

impl Live {
    /// Tells nobody anything yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            submissions: broadcast::Sender::new(limits.most_waiting),
            following: Mutex::default(),
            joined: Notify::new(),
            looked: watch::Sender::new(false),
            ending: watch::Sender::new(false),
            connections: Arc::default(),
            limits,
        }
    }

    /// The submissions that are saved or moved from now on, of whichever organisation, as many at once as were found
    /// at once.
    pub async fn submissions(context: FollowContext) -> Result<Feed<Arc<[SubmissionMoved]>>> {
        let (live, deadline) = (Arc::clone(&context.live), context.engine.deadline());
        let (receiver, follow) = (live.submissions.subscribe(), Follow::new(context, None));
        // From here on nothing is missed.
        let mut looked = live.looked.subscribe();
        let reached = tokio::time::timeout(deadline, looked.wait_for(|looked| *looked));
        match reached.await {
            Ok(Ok(_)) => Ok(Feed::new(receiver, Some(follow))),
            _ => Err(Error::Late),
        }
    }

    /// How many are told of submissions.
    pub fn submissions_told_to(&self) -> usize {
        self.submissions.receiver_count()
    }

    /// Whether the base was looked at since somebody is followed for: from then on nothing is missed.
    pub fn has_looked(&self) -> bool {
        *self.looked.borrow()
    }

    /// For how many anything is followed.
    pub fn followed_for(&self) -> usize {
        self.following().followers
    }

    /// Closes every connection, as the process is to end.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    fn following(&self) -> MutexGuard<'_, Following> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody is followed for; where not, the follower is to end.
    fn goes_on(&self) -> bool {
        let mut following = self.following();
        if following.followers == 0 {
            following.runs = false;
            self.looked.send_replace(false);
        }
        following.runs
    }
}

/// Held by whom something is followed for; when nobody holds one, nothing is read.
pub struct Follow {
    live: Arc<Live>,
    member: Option<(Member, watch::Receiver<Option<TokenError>>)>,
}

impl Follow {
    /// Has the base followed, and, where a member is given, whether they are still who they were.
    pub fn new(context: FollowContext, member: Option<&Member>) -> Self {
        let live = Arc::clone(&context.live);
        let mut following = live.following();
        following.followers += 1;
        let member = member.map(|member| {
            let watched = following
                .members
                .entry(member.clone())
                .or_insert_with(|| Watched {
                    by: 0,
                    lost: watch::Sender::new(None),
                });
            watched.by += 1;
            (member.clone(), watched.lost.subscribe())
        });
        if !std::mem::replace(&mut following.runs, true) {
            tokio::spawn(follower::follow(context));
        }
        drop(following);
        live.joined.notify_one();
        Self { live, member }
    }

    /// Over when the member was revoked, or may do something else than they could.
    pub async fn lost(&mut self) -> TokenError {
        if let Some((_, lost)) = &mut self.member {
            let lost = lost.wait_for(Option::is_some).await.ok().and_then(|lost| *lost);
            if let Some(lost) = lost {
                return lost;
            }
        }
        std::future::pending().await
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        let mut following = self.live.following();
        following.followers -= 1;
        if let Some((member, _)) = &self.member
            && let Some(watched) = following.members.get_mut(member)
        {
            watched.by -= 1;
            if watched.by == 0 {
                following.members.remove(member);
            }
        }
    }
}
