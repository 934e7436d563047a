//! One connection, from its first request to its end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::{Builder, UpgradeableConnection};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::activity::{ConnectionActivity, HandledRequest, ResponseBody};
use super::open_connections::OpenConnection;
use super::settings::HttpSettings;

/// The interval of HTTP/2 pings, and the time limit for the response.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(20);
/// When the service stops, a connection is shut down after this time without a request. Requests that were
/// already sent are answered.
const QUIET_BEFORE_SHUTDOWN: Duration = Duration::from_millis(250);

/// A stream that records the activity of its connection. The connection counts as open while the stream
/// exists, also as a WebSocket.
struct WatchedStream {
    stream: TcpStream,
    open: OpenConnection,
}

impl WatchedStream {
    fn record_sent(&self, sent: &Poll<io::Result<usize>>) {
        match sent {
            Poll::Ready(Ok(bytes)) => self.open.activity.record_sent(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.open.activity.record_blocked(),
        }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.open.activity.record_received();
        }
        read
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.record_sent(&sent);
        sent
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.record_sent(&sent);
        sent
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What all connections are served with.
pub struct ServeContext {
    pub router: Router,
    pub settings: Arc<HttpSettings>,
    pub stopping: watch::Receiver<bool>,
}

pub async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    open: OpenConnection,
    served: ServeContext,
) {
    let ServeContext {
        router,
        settings,
        stopping,
    } = served;
    // Responses are written in one piece, so there is no reason to delay packets.
    let _ = stream.set_nodelay(true);
    let activity = Arc::clone(&open.activity);
    let router = TowerToHyperService::new(router);
    let service = service_fn({
        let activity = Arc::clone(&activity);
        let close_after = settings.stop_timeout / 4;
        move |request| handle_request(request, peer, &router, &activity, close_after)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    // [`ConnectionWatch`] applies the limit: it distinguishes an incomplete head from an unused connection.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_INTERVAL)
        // WebSockets over HTTP/2 begin with CONNECT.
        .enable_connect_protocol();
    let io = TokioIo::new(WatchedStream { stream, open });
    let connection = pin!(builder.serve_connection_with_upgrades(io, service));
    let watch = ConnectionWatch {
        activity,
        settings,
        stopping,
    };
    match watch
        .drive(connection, UpgradeableConnection::graceful_shutdown)
        .await
    {
        Some(Ok(())) => {}
        Some(Err(cause)) => tracing::debug!(%peer, %cause, "a connection failed"),
        None => tracing::debug!(%peer, "a connection was closed: its client took too long"),
    }
}

/// Handles a request, until its handler or its WebSocket ends.
///
/// Once the service has been stopping for `close_after`, the response closes the connection. Before, all
/// pipelined requests are answered.
fn handle_request(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    router: &TowerToHyperService<Router>,
    activity: &Arc<ConnectionActivity>,
    close_after: Duration,
) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + Send + use<> {
    let is_http2 = request.version() == Version::HTTP_2;
    let handled = HandledRequest::new(activity.begin_request(is_http2));
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(handled.clone());
    let answering = router.call(request);
    let activity = Arc::clone(activity);
    async move {
        let mut answer = answering.await?;
        let is_closing = activity.stopping_for().is_some_and(|time| time >= close_after);
        if is_closing && !is_http2 && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(header::CONNECTION, close);
        }
        let answer = answer.map(|body: Body| ResponseBody::new(body, &activity));
        drop(handled);
        Ok(answer)
    }
}

/// Closes a connection whose client takes too long, and every connection when the service stops.
struct ConnectionWatch {
    activity: Arc<ConnectionActivity>,
    settings: Arc<HttpSettings>,
    stopping: watch::Receiver<bool>,
}

impl ConnectionWatch {
    /// Drives a connection to its end. None if its client took too long. When the service stops, requests
    /// that have arrived are answered before the connection is shut down.
    async fn drive<C: Future>(
        &self,
        mut connection: Pin<&mut C>,
        shut_down: impl Fn(Pin<&mut C>),
    ) -> Option<C::Output> {
        let mut stopping = self.stopping.clone();
        let mut stopping_since = None;
        let mut is_shut_down = false;
        loop {
            let now = Instant::now();
            let deadline = self.activity.deadline(&self.settings);
            if deadline.is_some_and(|deadline| deadline <= now) {
                return None;
            }
            let shutdown_at = stopping_since
                .filter(|_| !is_shut_down)
                .map(|since| self.shutdown_at(since));
            if shutdown_at.is_some_and(|shutdown_at| shutdown_at <= now) {
                is_shut_down = true;
                shut_down(connection.as_mut());
                continue;
            }
            tokio::select! {
                ended = &mut connection => return Some(ended),
                () = self.activity.changed.notified() => {}
                () = wait_until(deadline) => {}
                () = wait_until(shutdown_at) => {}
                _ = stopping.wait_for(|stopping| *stopping), if stopping_since.is_none() => {
                    stopping_since = Some(Instant::now());
                    self.activity.begin_stop();
                }
            }
        }
    }

    /// When to shut down the connection: after a short time without a request, and at the latest after half
    /// of the time to stop.
    fn shutdown_at(&self, stopping_since: Instant) -> Instant {
        let latest = stopping_since + self.settings.stop_timeout / 2;
        let quiet = self.activity.unused_since();
        quiet.map_or(latest, |since| {
            latest.min(since.max(stopping_since) + QUIET_BEFORE_SHUTDOWN)
        })
    }
}

/// Waits until a moment, or forever if there is none.
async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
