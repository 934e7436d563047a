//! A service that listens, and its clients over graphql-transport-ws.

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

use super::app::{TestApp, sign_token};

/// The subprotocol.
pub const SUBPROTOCOL: &str = "graphql-transport-ws";
/// Longer than anything that a test waits for.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// A service that listens until the test ends.
pub struct TestServer {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TestServer {
    /// Serves, and polls the database as a server process does.
    pub async fn start(app: &TestApp) -> Self {
        Self::serve(Arc::clone(&app.app)).await
    }

    /// The same for a service without clients of the test.
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

    /// Stops the service.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the service has stopped.
    pub async fn wait_until_stopped(mut self) {
        timeout(READ_TIMEOUT, &mut self.serving)
            .await
            .expect("the service ends")
            .unwrap();
    }

    /// An uninitialised socket, and the subprotocol that the service chose.
    pub async fn connect(&self, protocols: Option<&str>) -> Result<(TestSocket, String), Error> {
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
        Ok((TestSocket(socket), spoken))
    }

    /// The origin of the pages of the service.
    pub fn origin(&self) -> String {
        let host = self.address.trim_start_matches("ws://").split('/').next();
        format!("http://{}", host.unwrap())
    }

    /// An uninitialised socket of a page with an origin.
    pub async fn connect_from(&self, origin: Option<&str>) -> Result<TestSocket, Error> {
        let mut request = self.address.as_str().into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(TestSocket(socket))
    }

    /// A socket of a page of the service, in a browser that has cookies. It is initialised without a token.
    pub async fn connect_with_cookies(&self, cookies: &str) -> TestSocket {
        let mut request = self.address.as_str().into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.parse().unwrap());
        headers.insert(header::ORIGIN, self.origin().parse().unwrap());
        headers.insert(header::COOKIE, cookies.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut socket = TestSocket(socket);
        socket.init(None).await;
        socket
    }

    /// An uninitialised socket with a receive buffer of a given size.
    pub async fn connect_with_small_buffer(&self, bytes: u32) -> TestSocket {
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
            .insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.parse().unwrap());
        let (socket, _) = tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream))
            .await
            .unwrap();
        TestSocket(socket)
    }

    /// A socket that is initialised with a payload.
    pub async fn connect_and_init(&self, authorization: Option<&str>) -> TestSocket {
        let (mut socket, spoken) = self.connect(Some(SUBPROTOCOL)).await.unwrap();
        assert_eq!(spoken, SUBPROTOCOL);
        socket.init(authorization).await;
        socket
    }

    /// An initialised socket of a member.
    pub async fn connect_as(&self, subject: &str) -> TestSocket {
        self.connect_and_init(Some(&format!("Bearer {}", sign_token(subject))))
            .await
    }
}

/// The client side of a connection.
#[derive(Debug)]
pub struct TestSocket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl TestSocket {
    /// Sends `connection_init` and waits for the acknowledgement.
    pub async fn init(&mut self, authorization: Option<&str>) {
        let payload = json!({"authorization": authorization});
        self.send(json!({"type": "connection_init", "payload": payload}))
            .await;
        assert_eq!(self.receive().await, json!({"type": "connection_ack"}));
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message that is not a ping or pong.
    pub async fn receive(&mut self) -> Value {
        match self.receive_event().await {
            SocketEvent::Said(said) => said,
            SocketEvent::Closed(code, reason) => panic!("it was closed: {code} {reason}"),
        }
    }

    /// The next message, or how the connection was closed.
    pub async fn receive_event(&mut self) -> SocketEvent {
        timeout(READ_TIMEOUT, self.receive_raw_event())
            .await
            .expect("an event arrives")
    }

    async fn receive_raw_event(&mut self) -> SocketEvent {
        loop {
            match self.0.next().await.expect("the close has a reason").unwrap() {
                Message::Text(text) => return SocketEvent::Said(serde_json::from_str(&text).unwrap()),
                Message::Close(Some(frame)) => {
                    return SocketEvent::Closed(frame.code.into(), frame.reason.as_str().to_owned());
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// How the connection was closed, ignoring messages before.
    pub async fn wait_for_close(&mut self) -> (u16, String) {
        loop {
            if let SocketEvent::Closed(code, reason) = self.receive_event().await {
                return (code, reason);
            }
        }
    }

    /// The next event within a time; none if there is none.
    pub async fn receive_within(&mut self, time: Duration) -> Option<Value> {
        match timeout(time, self.receive_raw_event()).await {
            Ok(SocketEvent::Said(said)) => Some(said),
            Ok(SocketEvent::Closed(code, reason)) => panic!("it was closed: {code} {reason}"),
            Err(_) => None,
        }
    }

    /// Starts an operation without waiting.
    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.subscribe_with(id, query, json!({})).await;
    }

    /// The same with variables.
    pub async fn subscribe_with(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({"query": query, "variables": variables});
        self.send(json!({"id": id, "type": "subscribe", "payload": payload}))
            .await;
    }

    /// Starts an operation, as far as the buffers take the message within a time. The socket sends
    /// the rest later.
    pub async fn try_subscribe(&mut self, id: &str, query: &str, time: Duration) -> bool {
        let message = json!({"id": id, "type": "subscribe", "payload": {"query": query}});
        let sent = self.0.send(Message::text(message.to_string()));
        matches!(timeout(time, sent).await, Ok(Ok(())))
    }

    /// Completes an operation.
    pub async fn complete(&mut self, id: &str) {
        self.send(json!({"id": id, "type": "complete"})).await;
    }

    /// The response of a query, or the errors of one that did not start.
    pub async fn query(&mut self, id: &str, query: &str) -> Value {
        self.subscribe(id, query).await;
        let mut answer = self.receive().await;
        assert_eq!(answer["id"], id, "{answer}");
        if answer["type"] == "error" {
            return json!({"errors": answer["payload"].take()});
        }
        assert_eq!(answer["type"], "next", "{answer}");
        assert_eq!(self.receive().await, json!({"type": "complete", "id": id}));
        let mut payload = answer["payload"].take();
        // Other tests check the cost.
        if let Some(extensions) = payload["extensions"].as_object() {
            assert_eq!(extensions.keys().collect::<Vec<_>>(), ["cost"], "{extensions:?}");
            payload.as_object_mut().unwrap().remove("extensions");
        }
        payload
    }

    /// The data of the next response of a subscription.
    pub async fn next_data(&mut self, id: &str) -> Value {
        let mut answer = self.receive().await;
        assert_eq!(
            (&answer["type"], &answer["id"]),
            (&json!("next"), &json!(id)),
            "{answer}"
        );
        assert_eq!(answer["payload"].get("errors"), None, "{answer}");
        answer["payload"]["data"].take()
    }
}

/// An event that a client receives.
#[derive(Debug)]
pub enum SocketEvent {
    /// A message.
    Said(Value),
    /// The connection is closed, with a code and a reason.
    Closed(u16, String),
}

/// Waits until a condition is true.
pub async fn wait_until(what: &str, so: impl Fn() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < READ_TIMEOUT, "in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
