//! Accepts connections, and closes them when the service stops.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::connection::{self, ServeContext};
use super::open_connections::{ConnectionLimitReached, OpenConnections};
use super::settings::HttpSettings;

/// The minimum number of open files that are reserved for the database, uploads and logs.
const RESERVED_FILES: u64 = 64;
/// The first and the longest wait after a failure to accept.
const ACCEPT_BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// How often refused connections and failures are logged.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// The part of the time to stop that is reserved for other tasks and for closing the database.
const RESERVED_STOP_TIME: Duration = Duration::from_millis(1_500);
/// How long aborted tasks can take to end.
const ABORT_TIMEOUT: Duration = Duration::from_millis(250);
/// The maximum number of queued connections that are accepted when the service stops.
const MAX_QUEUED_CONNECTIONS: usize = 4_096;

/// Raises the limit of open files as far as the process can. Returns the number of connections that fit. None
/// if the system does not report the limit.
pub fn raise_file_limit() -> Option<usize> {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => {
            let connections = files.saturating_sub((files / 8).max(RESERVED_FILES)).max(16);
            tracing::info!(
                "up to {files} files can be open, which leaves room for {connections} connections"
            );
            usize::try_from(connections).ok()
        }
        Err(cause) => {
            tracing::warn!(%cause, "the limit of open files could not be raised");
            None
        }
    }
}

/// Limits how often something is logged.
struct LogThrottle(Option<Instant>);

impl LogThrottle {
    fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if is_due {
            self.0 = Some(Instant::now());
        }
        is_due
    }
}

/// Describes why a connection is refused.
const fn describe_limit(crowded: ConnectionLimitReached) -> &'static str {
    match crowded {
        ConnectionLimitReached::Address => "this address has too many connections, each with a request",
        ConnectionLimitReached::Service => "the service has too many connections, each with a request",
    }
}

/// The response to a refused connection.
fn rejection_response(crowded: ConnectionLimitReached) -> String {
    let status = match crowded {
        ConnectionLimitReached::Address => "429 Too Many Requests",
        ConnectionLimitReached::Service => "503 Service Unavailable",
    };
    let text = describe_limit(crowded);
    format!(
        "HTTP/1.1 {status}\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n{text}\n",
        text.len() + 1
    )
}

/// Accepts connections within the limits.
struct ConnectionAcceptor {
    router: Router,
    settings: Arc<HttpSettings>,
    max_connections: Option<usize>,
    open: Arc<OpenConnections>,
    stopping: watch::Receiver<bool>,
    tasks: JoinSet<()>,
    rejected_log: LogThrottle,
    failed_log: LogThrottle,
    backoff: Duration,
}

impl ConnectionAcceptor {
    fn accept(&mut self, stream: TcpStream, peer: SocketAddr) {
        self.backoff = ACCEPT_BACKOFF.0;
        let (of_address, most) = (self.settings.max_connections_per_address, self.max_connections);
        let open = match self.open.register(peer.ip(), of_address, most) {
            Ok(open) => open,
            Err(crowded) => {
                if self.rejected_log.is_due() {
                    tracing::warn!(%peer, open = self.open.count(), "a connection was refused: {}", describe_limit(crowded));
                }
                let _ = stream.try_write(rejection_response(crowded).as_bytes());
                return;
            }
        };
        let served = ServeContext {
            router: self.router.clone(),
            settings: Arc::clone(&self.settings),
            stopping: self.stopping.clone(),
        };
        self.tasks
            .spawn(connection::serve_connection(stream, peer, open, served));
    }

    /// Waits after a failure to accept. A connection that its client reset is not a failure.
    async fn recover_from_error(&mut self, cause: io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        if matches!(
            cause.kind(),
            ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
        ) {
            return;
        }
        if self.failed_log.is_due() {
            tracing::error!(%cause, open = self.open.count(), "a connection could not be accepted; trying again");
        }
        self.open.evict_waiting();
        sleep(self.backoff).await;
        self.backoff = (self.backoff * 2).min(ACCEPT_BACKOFF.1);
    }
}

/// Serves connections until `stop` completes, and then answers requests that arrived before, as long as
/// `settings` allow. Calls `stopped` when no more connections are accepted.
pub async fn serve_connections(
    listener: TcpListener,
    router: Router,
    settings: HttpSettings,
    stop: impl Future<Output = ()>,
    stopped: impl FnOnce(),
) -> io::Result<()> {
    let (stopping_sender, stopping) = watch::channel(false);
    let stop_within = settings.stop_timeout;
    let mut door = ConnectionAcceptor {
        max_connections: settings.max_connections.or_else(raise_file_limit),
        router,
        settings: Arc::new(settings),
        open: Arc::default(),
        stopping,
        tasks: JoinSet::new(),
        rejected_log: LogThrottle(None),
        failed_log: LogThrottle(None),
        backoff: ACCEPT_BACKOFF.0,
    };
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => door.accept(stream, peer),
                Err(cause) => tokio::select! {
                    () = &mut stop => break,
                    () = door.recover_from_error(cause) => {}
                },
            },
            Some(_) = door.tasks.join_next() => {}
        }
    }
    let until = Instant::now() + stop_within.saturating_sub(RESERVED_STOP_TIME.min(stop_within / 4));
    // Connections that clients opened before are in the listener's queue.
    let queue = listener.into_std()?;
    for _ in 0..MAX_QUEUED_CONNECTIONS {
        let Ok((stream, peer)) = queue.accept() else {
            break;
        };
        stream.set_nonblocking(true)?;
        door.accept(TcpStream::from_std(stream)?, peer);
    }
    drop(queue);
    tracing::info!(open = door.open.count(), "no further connections are accepted");
    stopping_sender.send_replace(true);
    stopped();
    if timeout_at(until, door.open.wait_until_empty()).await.is_err() {
        tracing::warn!(
            open = door.open.count(),
            "connections did not end in time and are closed"
        );
    }
    door.tasks.abort_all();
    let _ = timeout(ABORT_TIMEOUT, async {
        while door.tasks.join_next().await.is_some() {}
    })
    .await;
    Ok(())
}
