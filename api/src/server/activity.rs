//! The activity of one connection: whether it has a request, since when it has none, and when it is to be
//! closed.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::settings::HttpSettings;

/// The number of response bytes that a client must read for the connection to count as used. Responses to
/// HTTP/2 pings are shorter.
const PROGRESS_BYTES: u64 = 1024;
/// How long an incomplete request can delay the stop of the service.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// The time without progress after which a client can be disconnected to make room for another.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// The activity of one connection.
#[derive(Debug)]
pub struct ConnectionActivity {
    state: Mutex<ActivityState>,
    /// Notified after a change that may bring the deadline forward.
    pub changed: Notify,
}

#[derive(Debug)]
struct ActivityState {
    /// Requests that are being handled, and open WebSockets.
    handled_requests: usize,
    /// Handled requests that wait for the next bytes of a body.
    awaited_bodies: usize,
    /// When the last of these began to wait.
    awaited_since: Instant,
    /// Responses that are being sent.
    responses_in_progress: usize,
    /// Whether the client does not read what is sent.
    is_blocked: bool,
    /// Request bodies that are read to their end after the response.
    drained_bodies: usize,
    /// Whether the connection uses HTTP/2, whose frames do not start a request.
    is_http2: bool,
    /// When the connection was opened, or the first byte of an incomplete request head arrived.
    head_since: Option<Instant>,
    /// When the connection was opened or last used.
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
    /// The activity of a new connection.
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

    /// When the connection is to be closed. None while a request is handled.
    pub fn deadline(&self, settings: &HttpSettings) -> Option<Instant> {
        let now = self.lock_state();
        if now.is_evicted {
            return Some(now.last_used);
        }
        if now.handled_requests > 0 {
            // The body has its own time limit, which can be longer than the time to stop.
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

    /// Since when the connection has had no complete request and no response. None if it has one.
    pub fn unused_since(&self) -> Option<Instant> {
        let now = self.lock_state();
        let is_unused = now.handled_requests == 0 && !now.is_answered();
        is_unused.then(|| now.head_since.unwrap_or(now.last_used))
    }

    /// Since when the connection has waited for its client: for a request, for the rest of a body, or for the
    /// client to read a response. None if it does not wait.
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

    /// Closes the connection to make room for another.
    pub fn evict(&self) {
        self.lock_state().is_evicted = true;
        self.changed.notify_one();
    }

    /// How long the service has been stopping.
    pub fn stopping_for(&self) -> Option<Duration> {
        Some(self.lock_state().stopping_since?.elapsed())
    }

    /// Records that the service begins to stop.
    pub fn begin_stop(&self) {
        self.lock_state().stopping_since.get_or_insert_with(Instant::now);
    }

    /// Records that bytes arrived.
    pub fn record_received(&self) {
        let mut now = self.lock_state();
        if now.handled_requests == 0 && now.drained_bodies == 0 && !now.is_http2 && now.head_since.is_none() {
            now.head_since = Some(Instant::now());
            drop(now);
            self.changed.notify_one();
        }
    }

    /// Records that bytes were sent.
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

    /// Records that the client must read before more can be sent.
    pub fn record_blocked(&self) {
        let mut now = self.lock_state();
        if !std::mem::replace(&mut now.is_blocked, true) {
            drop(now);
            self.changed.notify_one();
        }
    }

    /// Records that the head of a request is complete. The request is handled until the guard is dropped.
    pub fn begin_request(self: &Arc<Self>, is_http2: bool) -> RequestGuard {
        let mut now = self.lock_state();
        now.handled_requests += 1;
        now.is_http2 = is_http2;
        now.head_since = None;
        drop(now);
        RequestGuard(Arc::clone(self))
    }
}

/// A handled request or a WebSocket.
#[derive(Debug)]
pub struct RequestGuard(Arc<ConnectionActivity>);

impl ConnectionActivity {
    /// Ends a part of the activity, and counts the connection as used.
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

/// A body that waits for the client's next bytes.
#[derive(Debug)]
pub struct AwaitedBodyGuard(Arc<ConnectionActivity>);

impl Drop for AwaitedBodyGuard {
    fn drop(&mut self) {
        self.0.lock_state().awaited_bodies -= 1;
        self.0.changed.notify_one();
    }
}

impl ConnectionActivity {
    /// Records that a body waits for the client, until the guard is dropped.
    pub fn await_body(self: &Arc<Self>) -> AwaitedBodyGuard {
        let mut now = self.lock_state();
        now.awaited_bodies += 1;
        now.awaited_since = Instant::now();
        drop(now);
        self.changed.notify_one();
        AwaitedBodyGuard(Arc::clone(self))
    }
}

/// The rest of a body, which is read after the response.
#[derive(Debug)]
pub struct DrainGuard(Arc<ConnectionActivity>);

impl Drop for DrainGuard {
    fn drop(&mut self) {
        self.0.end_part(|now| now.drained_bodies -= 1);
    }
}

/// The request of a handler, for work that continues after its response.
#[derive(Clone, Debug)]
pub struct HandledRequest(Arc<RequestGuard>);

impl HandledRequest {
    /// Keeps the request handled while any clone exists.
    pub fn new(handled: RequestGuard) -> Self {
        Self(Arc::new(handled))
    }

    /// The activity of the request's connection.
    pub fn activity(&self) -> Arc<ConnectionActivity> {
        let RequestGuard(activity) = &*self.0;
        Arc::clone(activity)
    }

    /// Records that the rest of the request body is read from now on. The request no longer counts as
    /// handled.
    pub fn drain(&self) -> DrainGuard {
        let RequestGuard(activity) = &*self.0;
        activity.lock_state().drained_bodies += 1;
        DrainGuard(Arc::clone(activity))
    }
}

/// The body of a response that is being sent.
pub struct ResponseBody {
    body: Body,
    activity: Arc<ConnectionActivity>,
}

impl ResponseBody {
    /// Wraps the body of a response on a connection.
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
        // The deadline is between a time before the event and a time after it.
        let check = |deadline: Option<Instant>, before: Instant, span: Duration| {
            let deadline = deadline.expect("there is a deadline");
            assert!(deadline >= before + span && deadline <= Instant::now() + span);
        };
        let opened = Instant::now();
        let activity = ConnectionActivity::new();
        let of_head = activity.deadline(&settings);
        check(of_head, opened, settings.header_timeout);
        // Further bytes of the head do not extend the deadline.
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
        // A few bytes, such as the response to a ping, do not extend the deadline.
        activity.record_sent(20);
        assert_eq!(activity.deadline(&settings), of_answer);
        let read = Instant::now();
        activity.record_sent(10_000);
        check(activity.deadline(&settings), read, settings.idle_timeout);
        assert_eq!(activity.waiting_since(), None);
        assert_eq!(activity.unused_since(), None);
        // The rest of a body is not the head of another request.
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
