//! What happens on one connection: whether it has a request, since when it has none, and by when it is to be closed.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::settings::HttpSettings;

/// How many bytes of answers a client has to read for the connection to count as used. Answers to its pings are shorter.
const PROGRESS_BYTES: u64 = 1024;
/// How long a request that is not complete may keep a service from stopping.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// After how long a client that does not go on with its body or its answer may be cut off to make room for another.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// What happens on one connection.
#[derive(Debug)]
pub struct Activity {
    now: Mutex<Now>,
    /// Something changed that may bring the deadline nearer.
    pub changed: Notify,
}

#[derive(Debug)]
struct Now {
    /// Requests whose answer is being made, and open `WebSocket`s.
    handled: usize,
    /// Handled requests whose client has not sent the next bytes of a body.
    awaited: usize,
    /// Since when the last of these is awaited.
    awaited_since: Instant,
    /// Answers that are being sent.
    answered: usize,
    /// Whether the client does not read what was sent.
    is_blocked: bool,
    /// Bodies of which a rest is read after the answer.
    drained: usize,
    /// Whether the connection speaks HTTP/2, whose frames are not the beginning of a request.
    is_http2: bool,
    /// When the connection was opened, or the first byte of a further request arrived, whose head is not complete.
    head_since: Option<Instant>,
    /// When the connection was opened, or last used.
    used: Instant,
    /// The bytes that were sent since then.
    sent: u64,
    /// When the service began to stop.
    stopping_since: Option<Instant>,
    is_evicted: bool,
}

impl Now {
    fn is_answered(&self) -> bool {
        self.answered > 0 || self.is_blocked
    }
}

impl Activity {
    /// Of a connection that was just opened.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            now: Mutex::new(Now {
                handled: 0,
                awaited: 0,
                awaited_since: Instant::now(),
                answered: 0,
                is_blocked: false,
                drained: 0,
                is_http2: false,
                head_since: Some(Instant::now()),
                used: Instant::now(),
                sent: 0,
                stopping_since: None,
                is_evicted: false,
            }),
            changed: Notify::new(),
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By when the connection is to be closed; none while a request is handled.
    pub fn deadline(&self, settings: &HttpSettings) -> Option<Instant> {
        let now = self.now();
        if now.is_evicted {
            return Some(now.used);
        }
        if now.handled > 0 {
            // The body has a time limit of its own, which may be longer than a service takes to stop.
            let stopping = now.stopping_since.filter(|_| now.awaited >= now.handled);
            return stopping.map(|since| since.max(now.awaited_since) + STOP_GRACE);
        }
        if now.is_answered() {
            return Some(now.used + settings.idle);
        }
        let stopping = now.stopping_since.map(|since| since.max(now.used) + STOP_GRACE);
        if now.drained > 0 {
            return stopping;
        }
        let waits = match now.head_since {
            Some(since) => since + settings.head,
            None => now.used + settings.idle,
        };
        Some(stopping.map_or(waits, |stopping| stopping.min(waits)))
    }

    /// Since when the connection has no complete request and no answer; none where it has.
    pub fn unused_since(&self) -> Option<Instant> {
        let now = self.now();
        let is_unused = now.handled == 0 && !now.is_answered();
        is_unused.then(|| now.head_since.unwrap_or(now.used))
    }

    /// Since when the client keeps the connection waiting: for a request, for the rest of a body, or for an answer to be
    /// read; none where it does not.
    pub fn waits_since(&self) -> Option<Instant> {
        let now = self.now();
        let has_body = now.handled > 0 || now.drained > 0;
        if has_body && (now.awaited == 0 || now.awaited < now.handled) {
            return None;
        }
        let stalled = if has_body {
            now.awaited_since
        } else if now.is_answered() {
            now.used
        } else {
            return Some(now.head_since.unwrap_or(now.used));
        };
        (stalled.elapsed() >= STALLED_AFTER).then_some(stalled)
    }

    /// Has the connection closed, to make room for another.
    pub fn evict(&self) {
        self.now().is_evicted = true;
        self.changed.notify_one();
    }

    /// For how long the service has been stopping.
    pub fn stops_for(&self) -> Option<Duration> {
        Some(self.now().stopping_since?.elapsed())
    }

    /// The service begins to stop.
    pub fn stop(&self) {
        self.now().stopping_since.get_or_insert_with(Instant::now);
    }

    /// Bytes arrived.
    pub fn received(&self) {
        let mut now = self.now();
        if now.handled == 0 && now.drained == 0 && !now.is_http2 && now.head_since.is_none() {
            now.head_since = Some(Instant::now());
            drop(now);
            self.changed.notify_one();
        }
    }

    /// Bytes were sent.
    pub fn sent(&self, bytes: usize) {
        let mut now = self.now();
        now.sent += bytes as u64;
        if now.sent >= PROGRESS_BYTES {
            (now.sent, now.used) = (0, Instant::now());
        }
        if std::mem::take(&mut now.is_blocked) {
            drop(now);
            self.changed.notify_one();
        }
    }

    /// The client has to read before more can be sent.
    pub fn cannot_send(&self) {
        let mut now = self.now();
        if !std::mem::replace(&mut now.is_blocked, true) {
            drop(now);
            self.changed.notify_one();
        }
    }

    /// The head of a request is complete: it is handled for as long as what this answers lives.
    pub fn handle(self: &Arc<Self>, is_http2: bool) -> Handled {
        let mut now = self.now();
        now.handled += 1;
        now.is_http2 = is_http2;
        now.head_since = None;
        drop(now);
        Handled(Arc::clone(self))
    }
}

/// A request that is handled, or a WebSocket.
#[derive(Debug)]
pub struct Handled(Arc<Activity>);

impl Activity {
    /// Ends a part of what the connection does, and counts the connection as used.
    fn end(&self, part: impl FnOnce(&mut Now)) {
        let mut now = self.now();
        part(&mut now);
        (now.used, now.sent) = (Instant::now(), 0);
        drop(now);
        self.changed.notify_one();
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        self.0.end(|now| now.handled -= 1);
    }
}

/// A body whose next bytes the client has not sent.
#[derive(Debug)]
pub struct AwaitedBody(Arc<Activity>);

impl Drop for AwaitedBody {
    fn drop(&mut self) {
        self.0.now().awaited -= 1;
        self.0.changed.notify_one();
    }
}

impl Activity {
    /// The client has not sent the next bytes of a body, for as long as what this answers lives.
    pub fn await_body(self: &Arc<Self>) -> AwaitedBody {
        let mut now = self.now();
        now.awaited += 1;
        now.awaited_since = Instant::now();
        drop(now);
        self.changed.notify_one();
        AwaitedBody(Arc::clone(self))
    }
}

/// The rest of a body, while it is read after the answer.
#[derive(Debug)]
pub struct Drained(Arc<Activity>);

impl Drop for Drained {
    fn drop(&mut self) {
        self.0.end(|now| now.drained -= 1);
    }
}

/// The request of a handler, for one that goes on after its answer.
#[derive(Clone, Debug)]
pub struct HandledRequest(Arc<Handled>);

impl HandledRequest {
    /// Keeps a request handled for as long as any copy of this lives.
    pub fn new(handled: Handled) -> Self {
        Self(Arc::new(handled))
    }

    /// What happens on its connection.
    pub fn activity(&self) -> Arc<Activity> {
        let Handled(activity) = &*self.0;
        Arc::clone(activity)
    }

    /// The rest of the request's body is read from now on. The connection no longer counts as having a request for it.
    pub fn drain(&self) -> Drained {
        let Handled(activity) = &*self.0;
        activity.now().drained += 1;
        Drained(Arc::clone(activity))
    }
}

/// The body of an answer while it is sent.
pub struct AnswerBody {
    body: Body,
    activity: Arc<Activity>,
}

impl AnswerBody {
    /// The body of an answer on a connection.
    pub fn new(body: Body, activity: &Arc<Activity>) -> Self {
        activity.now().answered += 1;
        Self {
            body,
            activity: Arc::clone(activity),
        }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.activity.end(|now| now.answered -= 1);
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_as_long_as_what_it_does_may_take() {
        let settings = HttpSettings::default();
        // Between a moment before something happened and one after it.
        let check = |deadline: Option<Instant>, before: Instant, span: Duration| {
            let deadline = deadline.expect("there is a deadline");
            assert!(deadline >= before + span && deadline <= Instant::now() + span);
        };
        let opened = Instant::now();
        let activity = Activity::new();
        let of_head = activity.deadline(&settings);
        check(of_head, opened, settings.head);
        // Bytes of it give no more time.
        activity.received();
        assert_eq!(activity.deadline(&settings), of_head);
        let handled = activity.handle(false);
        activity.received();
        assert_eq!(activity.deadline(&settings), None);
        let body = AnswerBody::new(Body::from("answer"), &activity);
        let answered = Instant::now();
        drop(handled);
        let of_answer = activity.deadline(&settings);
        check(of_answer, answered, settings.idle);
        // A few bytes, such as an answer to a ping, give no more time.
        activity.sent(20);
        assert_eq!(activity.deadline(&settings), of_answer);
        let read = Instant::now();
        activity.sent(10_000);
        check(activity.deadline(&settings), read, settings.idle);
        assert_eq!(activity.waits_since(), None);
        assert_eq!(activity.unused_since(), None);
        // The rest of a body is no head of another request.
        let draining = HandledRequest::new(activity.handle(false)).drain();
        activity.received();
        let idle = Instant::now();
        drop(body);
        assert_eq!(activity.deadline(&settings), None);
        drop(draining);
        assert!(activity.waits_since().is_some_and(|since| since >= idle));
        check(activity.deadline(&settings), idle, settings.idle);
        let stopping = Instant::now();
        activity.stop();
        check(activity.deadline(&settings), stopping, STOP_GRACE);
        activity.evict();
        assert!(activity.deadline(&settings).unwrap() <= Instant::now());
    }
    #[test]
    fn a_client_that_does_not_go_on_holds_up_no_stop() {
        let settings = HttpSettings::default();
        let activity = Activity::new();
        let handled = activity.handle(false);
        activity.stop();
        assert_eq!(activity.deadline(&settings), None, "the request is answered");
        let awaited_from = Instant::now();
        let awaited = activity.await_body();
        let deadline = activity.deadline(&settings).unwrap();
        assert!(deadline >= awaited_from + STOP_GRACE && deadline <= Instant::now() + STOP_GRACE);
        assert_eq!(activity.waits_since(), None, "it has just begun to wait");
        drop(awaited);
        assert_eq!(activity.deadline(&settings), None, "the client went on");
        drop(handled);
        assert!(activity.unused_since().is_some());
        activity.cannot_send();
        assert_eq!(activity.unused_since(), None, "its answer is not read");
        assert!(activity.deadline(&settings).unwrap() > Instant::now() + STOP_GRACE);
        activity.sent(1);
        assert!(activity.unused_since().is_some());
    }
}
