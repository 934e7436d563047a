//! One connection of graphql-transport-ws. It holds no queue: an operation's next answer is
//! worked out once the last one was taken in, and a client that does not take it in is dropped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Data, Request, Response, ServerError};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::{self, BoxStream, SelectAll, StreamExt};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::Follow;
use super::connections::Place;
use super::feed::Behind;
use super::message::{Close, FromClient, FromService};
use crate::app::App;
use crate::auth::graphql::Session;
use crate::auth::member;
use crate::auth::requester::{Member, Requester};
use crate::error::{Error, TokenError};
use crate::graphql::error;
use crate::graphql::operation::client_ip::Caller;
use crate::graphql::operation::cost::Payer;
use crate::graphql::operation::document;
use crate::graphql::operation::subscription::Begun;
use crate::http::requester::Authorization;
use crate::schema::Schema;

/// The protocol's name.
pub const PROTOCOL: &str = "graphql-transport-ws";
/// The most bytes that the WebSocket takes in for one message. One that is longer than a request may be,
/// and shorter than this, is told so.
pub const MOST_TAKEN_IN: usize = 1 << 20;
/// No token is good for longer than a timer can wait.
const FURTHEST: Duration = Duration::from_hours(24 * 365);

/// What a connection is to.
pub struct Service {
    /// The service.
    pub app: Arc<App>,
    /// Its schema.
    pub schema: Schema,
    /// Where its client is.
    pub caller: Caller,
    /// The most bytes of a message.
    pub most_bytes: usize,
}

/// Serves a connection until it ends. `authorization` came with the upgrade, and `place` the connection's
/// own among those of its address.
pub async fn serve(socket: WebSocket, service: Service, authorization: Authorization, place: Place) {
    let limits = &service.app.live.limits;
    let now = Instant::now();
    let mut pings = interval_at(now + limits.ping_every, limits.ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let connection = Connection {
        ending: service.app.live.ending.subscribe(),
        init_by: Some(now + limits.init_within),
        asker: None,
        running: HashMap::new(),
        answers: SelectAll::new(),
        follow: None,
        pings,
        unanswered: 0,
        authorization,
        place,
        socket,
        service,
    };
    connection.run().await;
}

/// What becomes of a connection.
enum Ended {
    /// The client has gone.
    Left,
    /// The service closes it.
    Closed(Close),
}

/// Who asks, once that was said.
struct Asker {
    member: Option<Member>,
    until: Option<Instant>,
    data: Arc<Data>,
    behind: Arc<Behind>,
}

/// An operation that is under way.
struct Running {
    abort: AbortHandle,
    begun: Arc<Begun>,
    subscribes: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// What an operation comes to: its answers, and then nothing more.
type Answers = BoxStream<'static, (Arc<str>, Option<Response>)>;

struct Connection {
    socket: WebSocket,
    service: Service,
    authorization: Authorization,
    /// By when the client has to begin; none once it has.
    init_by: Option<Instant>,
    asker: Option<Asker>,
    running: HashMap<Arc<str>, Running>,
    answers: SelectAll<Answers>,
    /// Held while anything is subscribed to.
    follow: Option<Follow>,
    ending: watch::Receiver<bool>,
    pings: Interval,
    unanswered: u8,
    /// Its place among the connections of its address, or, once that was said, of its token.
    place: Place,
}

impl Connection {
    async fn run(mut self) {
        let close = loop {
            match self.step().await {
                Ok(()) => {}
                Err(Ended::Left) => return,
                Err(Ended::Closed(close)) => break close,
            }
        };
        if matches!(close, Close::Behind) {
            tracing::warn!("a client was disconnected: it does not read what it is sent");
        }
        self.close(close).await;
    }

    /// One thing that happens.
    async fn step(&mut self) -> Result<(), Ended> {
        let until = self.asker.as_ref().and_then(|asker| asker.until);
        tokio::select! {
            why = lost(self.follow.as_mut()) => self.refuse(why).await,
            () = at(until) => self.refuse(TokenError::Expired).await,
            () = at(self.init_by) => Err(Ended::Closed(Close::InitTimeout)),
            () = ended(&mut self.ending) => Err(Ended::Closed(Close::GoingAway)),
            _ = self.pings.tick() => self.ping().await,
            Some((id, answer)) = self.answers.next() => self.answer(&id, answer).await,
            message = self.socket.recv() => match message {
                Some(Ok(message)) => self.take(message).await,
                _ => Err(Ended::Left),
            },
        }
    }

    async fn take(&mut self, message: Message) -> Result<(), Ended> {
        self.unanswered = 0;
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                let reason = "Messages are text";
                return Err(Ended::Closed(Close::BadRequest(reason.into())));
            }
            // The WebSocket answers these itself.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
        };
        if text.len() > self.service.most_bytes {
            return Err(Ended::Closed(Close::TooBig));
        }
        match FromClient::read(&text).map_err(Ended::Closed)? {
            FromClient::ConnectionInit(payload) => self.begin(payload).await,
            FromClient::Ping(payload) => self.say(&FromService::Pong { payload }).await,
            FromClient::Pong => Ok(()),
            FromClient::Subscribe { id, request } => self.subscribe(id, *request).await,
            FromClient::Complete(id) => {
                // One that is not there has ended meanwhile.
                self.over(&id);
                Ok(())
            }
        }
    }

    /// Who begins a connection says who they are, in its first message or in the upgrade's header.
    async fn begin(&mut self, payload: Map<String, Value>) -> Result<(), Ended> {
        if self.init_by.take().is_none() {
            return Err(Ended::Closed(Close::SecondInit));
        }
        let authorization = ["authorization", "Authorization"]
            .iter()
            .find_map(|name| payload.get(*name)?.as_str().map(ToOwned::to_owned))
            .or_else(|| self.authorization.take());
        let app = &self.service.app;
        let (member, until) = match &authorization {
            None => (None, None),
            Some(said) => match Authorization::new(said.clone()).requester(app).await {
                Ok(Requester::Member(member)) => {
                    let until = member::bearer(said).and_then(|token| app.verifier.taken_until(token));
                    let left = until.map(|until| (until - app.clock.now()).to_std().unwrap_or_default());
                    (Some(member), left.map(|left| Instant::now() + left.min(FURTHEST)))
                }
                Ok(Requester::Anonymous(reason)) => {
                    return Err(Ended::Closed(Close::Forbidden(reason.to_string())));
                }
                Err(cause) => {
                    tracing::error!(%cause, "the client could not be identified");
                    return Err(Ended::Closed(Close::TryLater));
                }
            },
        };
        if let Some(member) = &member {
            let most = app.live.limits.most_connections;
            let place = app.live.connections.enter(Payer::of_member(member), most);
            self.place = place.ok_or(Ended::Closed(Close::TooMany(most)))?;
        }
        let behind = Arc::<Behind>::default();
        let mut data = Data::default();
        data.insert(Session(authorization));
        data.insert(Arc::clone(&behind));
        self.asker = Some(Asker {
            member,
            until,
            data: Arc::new(data),
            behind,
        });
        self.say(&FromService::ConnectionAck).await
    }

    async fn subscribe(&mut self, id: String, request: Request) -> Result<(), Ended> {
        let Some(asker) = &self.asker else {
            return Err(Ended::Closed(Close::Unauthorized));
        };
        if self.running.contains_key(id.as_str()) {
            return Err(Ended::Closed(Close::Duplicate(id)));
        }
        let most = self.service.app.live.limits.most_operations;
        if self.running.len() >= most {
            let reason = format!("{most} operations are under way; a connection can have no more at once");
            let refused = error::response(Error::BadInput(reason));
            let payload = &refused.errors;
            return self.say(&FromService::Error { id: &id, payload }).await;
        }
        let mut request = self.service.app.costs.asked_by(self.service.caller, request);
        let subscribes = document::operation_type(&mut request) == Some(OperationType::Subscription);
        if subscribes && self.follow.is_none() {
            self.follow = Some(Follow::new(
                self.service.app.follow_context(),
                asker.member.as_ref(),
            ));
        }
        let id = Arc::<str>::from(id);
        let begun = Arc::<Begun>::default();
        let answers = self
            .service
            .schema
            .execute_stream_with_session_data(request.data(Arc::clone(&begun)), Arc::clone(&asker.data));
        let answers = answers.map(Some).chain(stream::iter([None]));
        let named = {
            let id = Arc::clone(&id);
            answers.map(move |answer| (Arc::clone(&id), answer))
        };
        let (abort, registration) = AbortHandle::new_pair();
        self.answers.push(Abortable::new(named, registration).boxed());
        let running = Running {
            abort,
            begun,
            subscribes,
        };
        self.running.insert(id, running);
        Ok(())
    }

    async fn answer(&mut self, id: &str, answer: Option<Response>) -> Result<(), Ended> {
        let begun = self.running.get(id).map(|running| running.begun.is_noted());
        match (begun, answer) {
            (None, _) => Ok(()),
            (Some(false), Some(answer)) if answer.is_err() => {
                self.over(id);
                let payload = &answer.errors;
                self.say(&FromService::Error { id, payload }).await
            }
            (Some(_), Some(answer)) => self.say(&FromService::Next { id, payload: &answer }).await,
            (Some(_), None) => {
                self.over(id);
                if self.asker.as_ref().is_some_and(|asker| asker.behind.is_noted()) {
                    return Err(Ended::Closed(Close::Behind));
                }
                self.say(&FromService::Complete { id }).await
            }
        }
    }

    /// An operation is under way no more.
    fn over(&mut self, id: &str) {
        self.running.remove(id);
        if !self.running.values().any(|running| running.subscribes) {
            self.follow = None;
        }
    }

    /// Ends everything for somebody who may not be here any more.
    async fn refuse(&mut self, why: TokenError) -> Result<(), Ended> {
        let refused = error::response(Error::Unauthenticated(why));
        self.follow = None;
        self.asker = None;
        for id in std::mem::take(&mut self.running).into_keys() {
            let payload: &[ServerError] = &refused.errors;
            self.say(&FromService::Error { id: &id, payload }).await?;
        }
        Err(Ended::Closed(Close::Forbidden(why.to_string())))
    }

    async fn ping(&mut self) -> Result<(), Ended> {
        if self.unanswered > 1 {
            return Err(Ended::Closed(Close::Behind));
        }
        self.unanswered += 1;
        self.send(Message::Ping(Bytes::default())).await
    }

    async fn say(&mut self, message: &FromService<'_>) -> Result<(), Ended> {
        match serde_json::to_string(message) {
            Ok(text) => self.send(Message::Text(text.into())).await,
            Err(cause) => {
                tracing::error!(%cause, "a message could not be written");
                Err(Ended::Closed(Close::Internal))
            }
        }
    }

    /// Sends a message, and waits until it has left: for so long, and while the client may be here.
    async fn send(&mut self, message: Message) -> Result<(), Ended> {
        let within = self.service.app.live.limits.write_within;
        tokio::select! {
            sent = timeout(within, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(Ended::Left),
                Err(_) => Err(Ended::Closed(Close::Behind)),
            },
            why = lost(self.follow.as_mut()) => Err(Ended::Closed(Close::Forbidden(why.to_string()))),
        }
    }

    /// Says why, and waits for the client to hear it. What was under way is dropped first.
    async fn close(self, close: Close) {
        let Self {
            mut socket,
            service,
            running,
            answers,
            follow,
            asker,
            place,
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
        // One that does not hear it in time finds the connection gone.
        let _ = timeout(service.app.live.limits.close_within, heard).await;
        drop(place);
    }
}

/// Over when the member is no longer who they were.
async fn lost(follow: Option<&mut Follow>) -> TokenError {
    match follow {
        Some(follow) => follow.lost().await,
        None => std::future::pending().await,
    }
}

/// Over when the process is to end.
async fn ended(ending: &mut watch::Receiver<bool>) {
    if ending.wait_for(|ending| *ending).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Over at a moment, where there is one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
