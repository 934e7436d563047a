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
pub struct ConnectionActivity {
    state: Mutex<ActivityState>,
    /// Something changed that may bring the deadline nearer.
    pub changed: Notify,
}

#[derive(Debug)]
struct ActivityState {
    /// Requests whose answer is being made, and open `WebSocket`s.
    handled_requests: usize,
    /// Handled requests whose client has not sent the next bytes of a body.
    awaited_bodies: usize,
    /// Since when the last of these is awaited.
    awaited_since: Instant,
    /// Answers that are being sent.
    responses_in_progress: usize,
    /// Whether the client does not read what was sent.
    is_blocked: bool,
    /// Bodies of which a rest is read after the answer.
    drained_bodies: usize,
    /// Whether the connection speaks HTTP/2, whose frames are not the beginning of a request.
    is_http2: bool,
    /// When the connection was opened, or the first byte of a further request arrived, whose head is not complete.
    head_since: Option<Instant>,
    /// When the connection was opened, or last used.
    last_used: Instant,
    /// The bytes that were sent since then.
    sent: u64,
    /// When the service began to stop.
    stopping_since: Option<Instant>,
    is_evicted: bool,
}

impl ActivityState {
    fn is_answered(&self) -> bool {
        self.responses_in_progress > 0 || self.is_blocked
    }
}

impl ConnectionActivity {
    /// Of a connection that was just opened.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(ActivityState {
                handled_requests: 0,
                awaited_bodies: 0,
                awaited_since: Instant::now(),
                responses_in_progress: 0,
                is_blocked: false,
                drained_bodies: 0,
                is_http2: false,
                head_since: Some(Instant::now()),
                last_used: Instant::now(),
                sent: 0,
                stopping_since: None,
                is_evicted: false,
            }),
            changed: Notify::new(),
        })
    }

    fn lock_state(&self) -> MutexGuard<'_, ActivityState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By when the connection is to be closed; none while a request is handled.
    pub fn deadline(&self, settings: &HttpSettings) -> Option<Instant> {
        let now = self.lock_state();
        if now.is_evicted {
            return Some(now.last_used);
        }
        if now.handled_requests > 0 {
            // The body has a time limit of its own, which may be longer than a service takes to stop.
            let stopping = now
                .stopping_since
                .filter(|_| now.awaited_bodies >= now.handled_requests);
            return stopping.map(|since| since.max(now.awaited_since) + STOP_GRACE);
        }
        if now.is_answered() {
            return Some(now.last_used + settings.idle_timeout);
        }
        let stopping = now
            .stopping_since
            .map(|since| since.max(now.last_used) + STOP_GRACE);
        if now.drained_bodies > 0 {
            return stopping;
        }
        let waits = match now.head_since {
            Some(since) => since + settings.header_timeout,
            None => now.last_used + settings.idle_timeout,
        };
        Some(stopping.map_or(waits, |stopping| stopping.min(waits)))
    }

    /// Since when the connection has no complete request and no answer; none where it has.
    pub fn unused_since(&self) -> Option<Instant> {
        let now = self.lock_state();
        let is_unused = now.handled_requests == 0 && !now.is_answered();
        is_unused.then(|| now.head_since.unwrap_or(now.last_used))
    }

    /// Since when the client keeps the connection waiting: for a request, for the rest of a body, or for an answer to be
    /// read; none where it does not.
    pub fn waiting_since(&self) -> Option<Instant> {
        let now = self.lock_state();
        let has_body = now.handled_requests > 0 || now.drained_bodies > 0;
        if has_body && (now.awaited_bodies == 0 || now.awaited_bodies < now.handled_requests) {
            return None;
        }
        let stalled = if has_body {
            now.awaited_since
        } else if now.is_answered() {
            now.last_used
        } else {
            return Some(now.head_since.unwrap_or(now.last_used));
        };
        (stalled.elapsed() >= STALLED_AFTER).then_some(stalled)
    }

    /// Has the connection closed, to make room for another.
    pub fn evict(&self) {
        self.lock_state().is_evicted = true;
        self.changed.notify_one();
    }

    /// For how long the service has been stopping.
    pub fn stopping_for(&self) -> Option<Duration> {
        Some(self.lock_state().stopping_since?.elapsed())
    }

    /// The service begins to stop.
    pub fn begin_stop(&self) {
        self.lock_state().stopping_since.get_or_insert_with(Instant::now);
    }

    /// Bytes arrived.
    pub fn record_received(&self) {
        let mut now = self.lock_state();
        if now.handled_requests == 0 && now.drained_bodies == 0 && !now.is_http2 && now.head_since.is_none() {
            now.head_since = Some(Instant::now());
            drop(now);
            self.changed.notify_one();
        }
    }

    /// Bytes were sent.
    pub fn record_sent(&self, bytes: usize) {
        let mut now = self.lock_state();
        now.sent += bytes as u64;
        if now.sent >= PROGRESS_BYTES {
            (now.sent, now.last_used) = (0, Instant::now());
        }
        if std::mem::take(&mut now.is_blocked) {
            drop(now);
            self.changed.notify_one();
        }
    }

    /// The client has to read before more can be sent.
    pub fn record_blocked(&self) {
        let mut now = self.lock_state();
        if !std::mem::replace(&mut now.is_blocked, true) {
            drop(now);
            self.changed.notify_one();
        }
    }

    /// The head of a request is complete: it is handled for as long as what this answers lives.
    pub fn begin_request(self: &Arc<Self>, is_http2: bool) -> RequestGuard {
        let mut now = self.lock_state();
        now.handled_requests += 1;
        now.is_http2 = is_http2;
        now.head_since = None;
        drop(now);
        RequestGuard(Arc::clone(self))
    }
}

/// A request that is handled, or a WebSocket.
#[derive(Debug)]
pub struct RequestGuard(Arc<ConnectionActivity>);

impl ConnectionActivity {
    /// Ends a part of what the connection does, and counts the connection as used.
    fn end_part(&self, part: impl FnOnce(&mut ActivityState)) {
        let mut now = self.lock_state();
        part(&mut now);
        (now.last_used, now.sent) = (Instant::now(), 0);
        drop(now);
        self.changed.notify_one();
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.end_part(|now| now.handled_requests -= 1);
    }
}

/// A body whose next bytes the client has not sent.
#[derive(Debug)]
pub struct AwaitedBodyGuard(Arc<ConnectionActivity>);

impl Drop for AwaitedBodyGuard {
    fn drop(&mut self) {
        self.0.lock_state().awaited_bodies -= 1;
        self.0.changed.notify_one();
    }
}

impl ConnectionActivity {
    /// The client has not sent the next bytes of a body, for as long as what this answers lives.
    pub fn await_body(self: &Arc<Self>) -> AwaitedBodyGuard {
        let mut now = self.lock_state();
        now.awaited_bodies += 1;
        now.awaited_since = Instant::now();
        drop(now);
        self.changed.notify_one();
        AwaitedBodyGuard(Arc::clone(self))
    }
}

/// The rest of a body, while it is read after the answer.
#[derive(Debug)]
pub struct DrainGuard(Arc<ConnectionActivity>);

impl Drop for DrainGuard {
    fn drop(&mut self) {
        self.0.end_part(|now| now.drained_bodies -= 1);
    }
}

/// The request of a handler, for one that goes on after its answer.
#[derive(Clone, Debug)]
pub struct HandledRequest(Arc<RequestGuard>);

impl HandledRequest {
    /// Keeps a request handled for as long as any copy of this lives.
    pub fn new(handled: RequestGuard) -> Self {
        Self(Arc::new(handled))
    }

    /// What happens on its connection.
    pub fn activity(&self) -> Arc<ConnectionActivity> {
        let RequestGuard(activity) = &*self.0;
        Arc::clone(activity)
    }

    /// The rest of the request's body is read from now on. The connection no longer counts as having a request for it.
    pub fn drain(&self) -> DrainGuard {
        let RequestGuard(activity) = &*self.0;
        activity.lock_state().drained_bodies += 1;
        DrainGuard(Arc::clone(activity))
    }
}

/// The body of an answer while it is sent.
pub struct ResponseBody {
    body: Body,
    activity: Arc<ConnectionActivity>,
}

impl ResponseBody {
    /// The body of an answer on a connection.
    pub fn new(body: Body, activity: &Arc<ConnectionActivity>) -> Self {
        activity.lock_state().responses_in_progress += 1;
        Self {
            body,
            activity: Arc::clone(activity),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.activity.end_part(|now| now.responses_in_progress -= 1);
    }
}

impl HttpBody for ResponseBody {
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
    fn deadline_follows_the_current_activity() {
        let settings = HttpSettings::default();
        // Between a moment before something happened and one after it.
        let check = |deadline: Option<Instant>, before: Instant, span: Duration| {
            let deadline = deadline.expect("there is a deadline");
            assert!(deadline >= before + span && deadline <= Instant::now() + span);
        };
        let opened = Instant::now();
        let activity = ConnectionActivity::new();
        let of_head = activity.deadline(&settings);
        check(of_head, opened, settings.header_timeout);
        // Bytes of it give no more time.
        activity.record_received();
        assert_eq!(activity.deadline(&settings), of_head);
        let handled = activity.begin_request(false);
        activity.record_received();
        assert_eq!(activity.deadline(&settings), None);
        let body = ResponseBody::new(Body::from("answer"), &activity);
        let answered = Instant::now();
        drop(handled);
        let of_answer = activity.deadline(&settings);
        check(of_answer, answered, settings.idle_timeout);
        // A few bytes, such as an answer to a ping, give no more time.
        activity.record_sent(20);
        assert_eq!(activity.deadline(&settings), of_answer);
        let read = Instant::now();
        activity.record_sent(10_000);
        check(activity.deadline(&settings), read, settings.idle_timeout);
        assert_eq!(activity.waiting_since(), None);
        assert_eq!(activity.unused_since(), None);
        // The rest of a body is no head of another request.
        let draining = HandledRequest::new(activity.begin_request(false)).drain();
        activity.record_received();
        let idle = Instant::now();
        drop(body);
        assert_eq!(activity.deadline(&settings), None);
        drop(draining);
        assert!(activity.waiting_since().is_some_and(|since| since >= idle));
        check(activity.deadline(&settings), idle, settings.idle_timeout);
        let stopping = Instant::now();
        activity.begin_stop();
        check(activity.deadline(&settings), stopping, STOP_GRACE);
        activity.evict();
        assert!(activity.deadline(&settings).unwrap() <= Instant::now());
    }
    #[test]
    fn stalled_clients_do_not_delay_shutdown() {
        let settings = HttpSettings::default();
        let activity = ConnectionActivity::new();
        let handled = activity.begin_request(false);
        activity.begin_stop();
        assert_eq!(activity.deadline(&settings), None, "the request is answered");
        let awaited_from = Instant::now();
        let awaited = activity.await_body();
        let deadline = activity.deadline(&settings).unwrap();
        assert!(deadline >= awaited_from + STOP_GRACE && deadline <= Instant::now() + STOP_GRACE);
        assert_eq!(activity.waiting_since(), None, "it has just begun to wait");
        drop(awaited);
        assert_eq!(activity.deadline(&settings), None, "the client went on");
        drop(handled);
        assert!(activity.unused_since().is_some());
        activity.record_blocked();
        assert_eq!(activity.unused_since(), None, "its answer is not read");
        assert!(activity.deadline(&settings).unwrap() > Instant::now() + STOP_GRACE);
        activity.record_sent(1);
        assert!(activity.unused_since().is_some());
    }
}
