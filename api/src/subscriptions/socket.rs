//! One connection of graphql-transport-ws. It has no queue: the next result of an operation is computed once
//! the client has read the last one. A client that does not read is disconnected.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Request, ServerError};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::{self, BoxStream, SelectAll, StreamExt};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::FollowGuard;
use super::broadcast::LaggedFlag;
use super::protocol::{ClientMessage, CloseReason, ServerMessage};
use super::registry::ConnectionSlot;
use crate::app::App;
use crate::auth::member;
use crate::auth::requester::{AuthenticatedMember, Requester};
use crate::error::{Error, TokenError};
use crate::graphql::error;
use crate::graphql::operation::client_ip::ClientIp;
use crate::graphql::operation::cost::RateLimitKey;
use crate::graphql::operation::document;
use crate::http::requester::Authorization;
use crate::schema::execute::{OperationExecutor, OperationResponse};

/// The name of the protocol.
pub const SUBPROTOCOL: &str = "graphql-transport-ws";
/// The maximum length of a frame. Longer messages than a request can be, up to this limit, get a close
/// reason.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// Timers cannot wait longer. No token is valid for longer.
const MAX_TIMER: Duration = Duration::from_hours(24 * 365);

/// What a connection needs.
pub struct ConnectionContext {
    pub app: Arc<App>,
    pub executor: OperationExecutor,
    /// The client's address.
    pub caller: ClientIp,
    /// The maximum length of a message.
    pub max_message_bytes: usize,
}

/// Serves a connection until it ends. `authorization` comes from the upgrade request. `place` counts the
/// connection for its address.
pub async fn serve_connection(
    socket: WebSocket,
    service: ConnectionContext,
    authorization: Authorization,
    place: ConnectionSlot,
) {
    let limits = &service.app.subscriptions.limits;
    let now = Instant::now();
    let mut pings = interval_at(now + limits.ping_interval, limits.ping_interval);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let connection = SocketConnection {
        ending: service.app.subscriptions.shutting_down.subscribe(),
        init_by: Some(now + limits.init_timeout),
        requester: None,
        running: HashMap::new(),
        answers: SelectAll::new(),
        follow: None,
        pings,
        unanswered: 0,
        authorization,
        slot: place,
        socket,
        service,
    };
    connection.run().await;
}

/// How a connection ends.
enum ConnectionEnd {
    /// The client disconnected.
    Disconnected,
    /// The service closes it.
    Closed(CloseReason),
}

/// The requester, once authenticated.
struct SocketRequester {
    member: Option<AuthenticatedMember>,
    until: Option<Instant>,
    /// The `Authorization` header, or its equivalent in the first message.
    authorization: Option<String>,
    data: Arc<Data>,
    behind: Arc<LaggedFlag>,
}

/// A running operation.
struct RunningOperation {
    abort: AbortHandle,
    is_subscription: bool,
}

impl Drop for RunningOperation {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// The results of an operation, and then its end.
type ResponseStream = BoxStream<'static, (Arc<str>, Option<OperationResponse>)>;

struct SocketConnection {
    socket: WebSocket,
    service: ConnectionContext,
    authorization: Authorization,
    /// When the client must have sent `connection_init`. None once it has.
    init_by: Option<Instant>,
    requester: Option<SocketRequester>,
    running: HashMap<Arc<str>, RunningOperation>,
    answers: SelectAll<ResponseStream>,
    /// Held while there is a subscription.
    follow: Option<FollowGuard>,
    ending: watch::Receiver<bool>,
    pings: Interval,
    unanswered: u8,
    /// The count for the address or, after authentication, for the token.
    slot: ConnectionSlot,
}

impl SocketConnection {
    async fn run(mut self) {
        let close = loop {
            match self.handle_event().await {
                Ok(()) => {}
                Err(ConnectionEnd::Disconnected) => return,
                Err(ConnectionEnd::Closed(close)) => break close,
            }
        };
        if matches!(close, CloseReason::Lagged) {
            tracing::warn!("a client was disconnected: it does not read its messages");
        }
        self.close(close).await;
    }

    /// Handles one event.
    async fn handle_event(&mut self) -> Result<(), ConnectionEnd> {
        let until = self.requester.as_ref().and_then(|asker| asker.until);
        tokio::select! {
            why = wait_for_access_loss(self.follow.as_mut()) => self.close_unauthorised(why).await,
            () = wait_until(until) => self.close_unauthorised(TokenError::Expired).await,
            () = wait_until(self.init_by) => Err(ConnectionEnd::Closed(CloseReason::InitTimeout)),
            () = wait_for_shutdown(&mut self.ending) => Err(ConnectionEnd::Closed(CloseReason::GoingAway)),
            _ = self.pings.tick() => self.ping().await,
            Some((id, answer)) = self.answers.next() => self.send_response(&id, answer).await,
            message = self.socket.recv() => match message {
                Some(Ok(message)) => self.handle_message(message).await,
                _ => Err(ConnectionEnd::Disconnected),
            },
        }
    }

    async fn handle_message(&mut self, message: Message) -> Result<(), ConnectionEnd> {
        self.unanswered = 0;
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                let reason = "Messages are text";
                return Err(ConnectionEnd::Closed(CloseReason::BadRequest(reason.into())));
            }
            // The WebSocket library responds to these.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
        };
        if text.len() > self.service.max_message_bytes {
            return Err(ConnectionEnd::Closed(CloseReason::MessageTooBig));
        }
        match ClientMessage::parse(&text).map_err(ConnectionEnd::Closed)? {
            ClientMessage::ConnectionInit(payload) => self.handle_init(payload).await,
            ClientMessage::Ping(payload) => self.send_message(&ServerMessage::Pong { payload }).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, request } => self.subscribe(id, *request).await,
            ClientMessage::Complete(id) => {
                // An unknown operation has already ended.
                self.remove_operation(&id);
                Ok(())
            }
        }
    }

    /// Authenticates the client by its first message or by the header of the upgrade request.
    async fn handle_init(&mut self, payload: Map<String, Value>) -> Result<(), ConnectionEnd> {
        if self.init_by.take().is_none() {
            return Err(ConnectionEnd::Closed(CloseReason::TooManyInitRequests));
        }
        let authorization = ["authorization", "Authorization"]
            .iter()
            .find_map(|name| payload.get(*name)?.as_str().map(ToOwned::to_owned))
            .or_else(|| self.authorization.take());
        let app = &self.service.app;
        let (member, until) = match &authorization {
            None => (None, None),
            Some(authorization) => match Authorization::new(authorization.clone())
                .authenticate_connection(app)
                .await
            {
                Ok(Requester::Member(member)) => {
                    let until = member::parse_bearer(authorization)
                        .and_then(|token| app.verifier.accepted_until(token));
                    let left = until.map(|until| (until - app.clock.now()).to_std().unwrap_or_default());
                    (
                        Some(member),
                        left.map(|left| Instant::now() + left.min(MAX_TIMER)),
                    )
                }
                Ok(Requester::Anonymous(reason)) => {
                    return Err(ConnectionEnd::Closed(CloseReason::Forbidden(reason.to_string())));
                }
                Err(cause) => {
                    tracing::error!(%cause, "the client could not be authenticated");
                    return Err(ConnectionEnd::Closed(CloseReason::Unavailable));
                }
            },
        };
        if let Some(member) = &member {
            let most = app.subscriptions.limits.max_connections_per_token;
            let place = app
                .subscriptions
                .connections
                .acquire(RateLimitKey::from_member(member), most);
            self.slot = place.ok_or(ConnectionEnd::Closed(CloseReason::TooManyConnections(most)))?;
        }
        let behind = Arc::<LaggedFlag>::default();
        let mut data = Data::default();
        data.insert(Arc::clone(&behind));
        self.requester = Some(SocketRequester {
            member,
            until,
            authorization,
            data: Arc::new(data),
            behind,
        });
        self.send_message(&ServerMessage::ConnectionAck).await
    }

    async fn subscribe(&mut self, id: String, request: Request) -> Result<(), ConnectionEnd> {
        let Some(asker) = &self.requester else {
            return Err(ConnectionEnd::Closed(CloseReason::Unauthorized));
        };
        if self.running.contains_key(id.as_str()) {
            return Err(ConnectionEnd::Closed(CloseReason::DuplicateSubscriber(id)));
        }
        let most = self.service.app.subscriptions.limits.max_operations;
        if self.running.len() >= most {
            let reason = format!("{most} operations are running, which is the maximum for one connection");
            let refused = error::error_response(Error::BadInput(reason));
            let payload = &refused.errors;
            return self
                .send_message(&ServerMessage::Error { id: &id, payload })
                .await;
        }
        let mut request = self
            .service
            .app
            .cost_control
            .prepare_request(self.service.caller, request);
        let subscribes = document::find_operation_type(&mut request) == Some(OperationType::Subscription);
        if subscribes && self.follow.is_none() {
            self.follow = Some(FollowGuard::new(
                self.service.app.poll_context(),
                asker.member.as_ref(),
            ));
        }
        let id = Arc::<str>::from(id);
        // Each operation is authenticated again, so that an expired token or a revoked member is refused at once.
        // The database is read each time, as a subscription keeps the member.
        let (app, authorization) = (Arc::clone(&self.service.app), asker.authorization.clone());
        let requester =
            async move { member::authenticate(&app.db, &app.verifier, authorization.as_deref()).await };
        let executor = &self.service.executor;
        let answers = executor.execute_stream(request, requester, Arc::clone(&asker.data));
        let answers = answers.map(Some).chain(stream::iter([None]));
        let named = {
            let id = Arc::clone(&id);
            answers.map(move |answer| (Arc::clone(&id), answer))
        };
        let (abort, registration) = AbortHandle::new_pair();
        self.answers.push(Abortable::new(named, registration).boxed());
        let running = RunningOperation {
            abort,
            is_subscription: subscribes,
        };
        self.running.insert(id, running);
        Ok(())
    }

    async fn send_response(
        &mut self,
        id: &str,
        answer: Option<OperationResponse>,
    ) -> Result<(), ConnectionEnd> {
        if !self.running.contains_key(id) {
            return Ok(());
        }
        match answer {
            Some(answer) if !answer.was_executed && answer.response.is_err() => {
                self.remove_operation(id);
                let payload = &answer.response.errors;
                self.send_message(&ServerMessage::Error { id, payload }).await
            }
            Some(OperationResponse {
                response: payload, ..
            }) => {
                let payload = &payload;
                self.send_message(&ServerMessage::Next { id, payload }).await
            }
            None => {
                self.remove_operation(id);
                if self
                    .requester
                    .as_ref()
                    .is_some_and(|asker| asker.behind.is_marked())
                {
                    return Err(ConnectionEnd::Closed(CloseReason::Lagged));
                }
                self.send_message(&ServerMessage::Complete { id }).await
            }
        }
    }

    /// Removes an operation that has ended.
    fn remove_operation(&mut self, id: &str) {
        self.running.remove(id);
        if !self.running.values().any(|running| running.is_subscription) {
            self.follow = None;
        }
    }

    /// Ends all operations of a client that has lost its access.
    async fn close_unauthorised(&mut self, why: TokenError) -> Result<(), ConnectionEnd> {
        let refused = error::error_response(Error::Unauthenticated(why));
        self.follow = None;
        self.requester = None;
        for id in std::mem::take(&mut self.running).into_keys() {
            let payload: &[ServerError] = &refused.errors;
            self.send_message(&ServerMessage::Error { id: &id, payload })
                .await?;
        }
        Err(ConnectionEnd::Closed(CloseReason::Forbidden(why.to_string())))
    }

    async fn ping(&mut self) -> Result<(), ConnectionEnd> {
        if self.unanswered > 1 {
            return Err(ConnectionEnd::Closed(CloseReason::Lagged));
        }
        self.unanswered += 1;
        self.send_frame(Message::Ping(Bytes::default())).await
    }

    async fn send_message(&mut self, message: &ServerMessage<'_>) -> Result<(), ConnectionEnd> {
        match serde_json::to_string(message) {
            Ok(text) => self.send_frame(Message::Text(text.into())).await,
            Err(cause) => {
                tracing::error!(%cause, "a message could not be written");
                Err(ConnectionEnd::Closed(CloseReason::Internal))
            }
        }
    }

    /// Sends a message and waits until it is sent, within the time limit and while the client has access.
    async fn send_frame(&mut self, message: Message) -> Result<(), ConnectionEnd> {
        let within = self.service.app.subscriptions.limits.write_timeout;
        tokio::select! {
            sent = timeout(within, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(ConnectionEnd::Disconnected),
                Err(_) => Err(ConnectionEnd::Closed(CloseReason::Lagged)),
            },
            why = wait_for_access_loss(self.follow.as_mut()) => Err(ConnectionEnd::Closed(CloseReason::Forbidden(why.to_string()))),
        }
    }

    /// Closes the connection with a reason and waits for the client. Running operations are dropped first.
    async fn close(self, close: CloseReason) {
        let Self {
            mut socket,
            service,
            running,
            answers,
            follow,
            requester: asker,
            slot: place,
            ..
        } = self;
        drop((running, answers, follow, asker));
        let frame = CloseFrame {
            code: close.code(),
            reason: close.reason().into(),
        };
        let heard = async {
            if socket.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = socket.recv().await {}
            }
        };
        // A client that does not respond in time loses the connection.
        let _ = timeout(service.app.subscriptions.limits.close_timeout, heard).await;
        drop(place);
    }
}

/// Completes when the member's access changes.
async fn wait_for_access_loss(follow: Option<&mut FollowGuard>) -> TokenError {
    match follow {
        Some(follow) => follow.wait_for_access_loss().await,
        None => std::future::pending().await,
    }
}

/// Completes when the process stops.
async fn wait_for_shutdown(ending: &mut watch::Receiver<bool>) {
    if ending.wait_for(|ending| *ending).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until a moment, or forever if there is none.
async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
