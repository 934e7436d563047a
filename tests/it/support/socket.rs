//! A service that listens, and clients that speak graphql-transport-ws to it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use wayin::app::App;
use wayin::server;

use super::app::{TestApp, token};

/// The protocol that is spoken.
pub const PROTOCOL: &str = "graphql-transport-ws";
/// Longer than anything takes that a story waits for.
const LONG: Duration = Duration::from_secs(20);

/// A service that listens, for as long as the story lasts.
pub struct Listening {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Listening {
    /// Serves, and follows the base as a process of its own does.
    pub async fn start(app: &TestApp) -> Self {
        Self::serve(Arc::clone(&app.app)).await
    }

    /// The same of a service that has no story's client.
    pub async fn serve(app: Arc<App>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}/graphql/ws", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let stopped = async move { drop(stopped.await) };
            server::serve(app, listener, stopped, |_| ()).await.unwrap();
        });
        Self {
            address,
            stop: Some(stop),
            serving,
        }
    }

    /// Asks the service to end.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the service has ended.
    pub async fn ended(mut self) {
        timeout(LONG, &mut self.serving)
            .await
            .expect("the service ends")
            .unwrap();
    }

    /// A socket that has said nothing yet, and the protocol that was chosen.
    pub async fn connect(&self, protocols: Option<&str>) -> Result<(Socket, String), Error> {
        let mut request = self.address.as_str().into_client_request()?;
        if let Some(protocols) = protocols {
            let protocols = protocols.parse().expect("a header");
            request
                .headers_mut()
                .insert(header::SEC_WEBSOCKET_PROTOCOL, protocols);
        }
        let (socket, response) = tokio_tungstenite::connect_async(request).await?;
        let spoken = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        let spoken = spoken.map_or_else(String::new, |one| one.to_str().unwrap().to_owned());
        Ok((Socket(socket), spoken))
    }

    /// The origin of the service's own pages.
    pub fn origin(&self) -> String {
        let host = self.address.trim_start_matches("ws://").split('/').next();
        format!("http://{}", host.unwrap())
    }

    /// A socket that has said nothing yet, of a page of an origin.
    pub async fn connect_from(&self, origin: Option<&str>) -> Result<Socket, Error> {
        let mut request = self.address.as_str().into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Socket(socket))
    }

    /// A socket that has said nothing yet, of a client with so much room for what it was not read yet.
    pub async fn connect_narrowly(&self, bytes: u32) -> Socket {
        let host = self
            .address
            .trim_start_matches("ws://")
            .split('/')
            .next()
            .unwrap();
        let tcp = tokio::net::TcpSocket::new_v4().unwrap();
        tcp.set_recv_buffer_size(bytes).unwrap();
        let stream = tcp.connect(host.parse().unwrap()).await.unwrap();
        let mut request = self.address.as_str().into_client_request().unwrap();
        request
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL.parse().unwrap());
        let (socket, _) = tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream))
            .await
            .unwrap();
        Socket(socket)
    }

    /// A socket that has said who asks.
    pub async fn begin(&self, authorization: Option<&str>) -> Socket {
        let (mut socket, spoken) = self.connect(Some(PROTOCOL)).await.unwrap();
        assert_eq!(spoken, PROTOCOL);
        socket.init(authorization).await;
        socket
    }

    /// A socket of a member.
    pub async fn begin_as(&self, subject: &str) -> Socket {
        self.begin(Some(&format!("Bearer {}", token(subject)))).await
    }
}

/// A client's side of a connection.
#[derive(Debug)]
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Says who asks, and is acknowledged.
    pub async fn init(&mut self, authorization: Option<&str>) {
        let payload = json!({"authorization": authorization});
        self.say(json!({"type": "connection_init", "payload": payload}))
            .await;
        assert_eq!(self.hear().await, json!({"type": "connection_ack"}));
    }

    /// Says something.
    pub async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message that is not about the connection's own health.
    pub async fn hear(&mut self) -> Value {
        match self.next().await {
            Heard::Said(said) => said,
            Heard::Closed(code, reason) => panic!("it was closed: {code} {reason}"),
        }
    }

    /// The next message, or how the connection was closed.
    pub async fn next(&mut self) -> Heard {
        timeout(LONG, self.heard()).await.expect("something is heard")
    }

    async fn heard(&mut self) -> Heard {
        loop {
            match self.0.next().await.expect("it is said why it ends").unwrap() {
                Message::Text(text) => return Heard::Said(serde_json::from_str(&text).unwrap()),
                Message::Close(Some(frame)) => {
                    return Heard::Closed(frame.code.into(), frame.reason.as_str().to_owned());
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// How the connection was closed, whatever was said before.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Heard::Closed(code, reason) = self.next().await {
                return (code, reason);
            }
        }
    }

    /// What is heard within a time, if anything.
    pub async fn within(&mut self, time: Duration) -> Option<Value> {
        match timeout(time, self.heard()).await {
            Ok(Heard::Said(said)) => Some(said),
            Ok(Heard::Closed(code, reason)) => panic!("it was closed: {code} {reason}"),
            Err(_) => None,
        }
    }

    /// Asks for an operation, and waits for nothing.
    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.subscribe_with(id, query, json!({})).await;
    }

    /// The same with variables.
    pub async fn subscribe_with(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({"query": query, "variables": variables});
        self.say(json!({"id": id, "type": "subscribe", "payload": payload}))
            .await;
    }

    /// Asks for an operation, as far as there is room for the question within a time. The socket
    /// goes on with it where it was not sent whole.
    pub async fn try_subscribe(&mut self, id: &str, query: &str, time: Duration) -> bool {
        let message = json!({"id": id, "type": "subscribe", "payload": {"query": query}});
        let sent = self.0.send(Message::text(message.to_string()));
        matches!(timeout(time, sent).await, Ok(Ok(())))
    }

    /// Wants no more of an operation.
    pub async fn complete(&mut self, id: &str) {
        self.say(json!({"id": id, "type": "complete"})).await;
    }

    /// The one answer of a query, or the errors of one that did not begin.
    pub async fn ask(&mut self, id: &str, query: &str) -> Value {
        self.subscribe(id, query).await;
        let mut answer = self.hear().await;
        assert_eq!(answer["id"], id, "{answer}");
        if answer["type"] == "error" {
            return json!({"errors": answer["payload"].take()});
        }
        assert_eq!(answer["type"], "next", "{answer}");
        assert_eq!(self.hear().await, json!({"type": "complete", "id": id}));
        let mut payload = answer["payload"].take();
        // What it cost is a story of its own.
        if let Some(extensions) = payload["extensions"].as_object() {
            assert_eq!(extensions.keys().collect::<Vec<_>>(), ["cost"], "{extensions:?}");
            payload.as_object_mut().unwrap().remove("extensions");
        }
        payload
    }

    /// The data of the next answer of a stream.
    pub async fn told(&mut self, id: &str) -> Value {
        let mut answer = self.hear().await;
        assert_eq!(
            (&answer["type"], &answer["id"]),
            (&json!("next"), &json!(id)),
            "{answer}"
        );
        assert_eq!(answer["payload"].get("errors"), None, "{answer}");
        answer["payload"]["data"].take()
    }
}

/// What a client hears.
#[derive(Debug)]
pub enum Heard {
    /// A message.
    Said(Value),
    /// That the connection is closed, with code and reason.
    Closed(u16, String),
}

/// Waits until something is so.
pub async fn until(what: &str, so: impl Fn() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < LONG, "in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
