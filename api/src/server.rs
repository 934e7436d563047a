//! The HTTP service: GraphQL over POST, GET and WebSocket, answers as files, the template
//! for records, the explorer, health.

mod activity;
mod answer;
pub mod body;
mod browsers;
mod connection;
mod listen;
mod open;
pub mod settings;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_graphql::http::parse_query_string;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response};
use axum::{
    Extension, Router,
    body::Body,
    extract::{DefaultBodyLimit, RawQuery, State, ws::WebSocketUpgrade},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Redirect},
    routing::get,
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, decompression::RequestDecompressionLayer,
    trace::TraceLayer,
};
use wayin_entity::Capability;

use self::activity::HandledRequest;
use self::answer::{MediaType, answered, failed, panicked, public_cacheable};
use crate::app::App;
use crate::auth::requester::Requester;
use crate::error::{BodyError, Error, TokenError};
use crate::etag::ETag;
use crate::expiry;
use crate::graphql::operation::client_ip;
use crate::graphql::operation::client_ip::{Caller, TrustedHops};
use crate::graphql::operation::cost::{Introspection, Payer};
use crate::graphql::operation::document;
use crate::graphql::operation::subscription::Begun;
use crate::graphql::request;
use crate::http::requester::Authorization;
use crate::import::job;
use crate::live::socket::{self, PROTOCOL};
use crate::multipart::{self, MultipartError};
use crate::schema::{Schema, schema, sdl};
/// What is said to one who subscribes over plain HTTP.
const NO_SUBSCRIPTIONS: &str =
    "subscriptions are not answered here: ask over a WebSocket, at /graphql/ws, in graphql-transport-ws";

#[derive(Clone)]
struct Service {
    app: Arc<App>,
    schema: Schema,
}

/// Every route of the service.
pub fn router(app: Arc<App>) -> Router {
    let files = crate::pattern::csv::http::router(Arc::clone(&app));
    let to_mend = crate::import::http::router(Arc::clone(&app));
    let returned = crate::submission::http::router(Arc::clone(&app));
    let trusted_hops = TrustedHops(app.costs.settings.trusted_hops);
    let noting = middleware::from_fn_with_state(trusted_hops, client_ip::note);
    let service = Service {
        schema: schema(Arc::clone(&app)),
        app,
    };
    let (origins, http) = (service.app.origins.clone(), service.app.http.clone());
    let routes = Router::new()
        .route("/", get(|| async { Redirect::temporary("/graphiql") }))
        .route("/graphql", get(graphql_get).post(graphql_post))
        .route("/graphql/ws", get(graphql_ws))
        .route("/schema.graphql", get(schema_text))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .merge(crate::graphiql::router(service.app.costs.settings.introspection))
        .merge(files)
        .merge(crate::workbook_http::router())
        .merge(to_mend)
        .merge(returned)
        .layer(DefaultBodyLimit::max(body::MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(noting)
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(service);
    // What is added later is around what was added before.
    let routes = routes
        .layer(RequestDecompressionLayer::new())
        .layer(middleware::from_fn(body::check_coding))
        .layer(middleware::from_fn_with_state(
            http.body.as_secs(),
            body::limit_and_drain,
        ));
    browsers::layer(routes, &origins, &http.cors_headers)
}

/// Serves until `stop` is over, and then answers the requests that are under way, for at most `STOP_SECONDS`. `progress`
/// is called with how many initiatives were read so far, while the base is read.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
    progress: impl Fn(usize) + Send + Sync + 'static,
) -> std::io::Result<()> {
    // They end with this function, however that ends.
    let mut beside = JoinSet::new();
    beside.spawn({
        let app = Arc::clone(&app);
        async move { app.engine.follow(&app.db, &progress).await }
    });
    beside.spawn({
        let app = Arc::clone(&app);
        async move { job::worker::run(&app).await }
    });
    beside.spawn({
        let app = Arc::clone(&app);
        async move { expiry::follow(&app.db, &*app.clock, &app.expiry).await }
    });
    let (router, http) = (router(Arc::clone(&app)), app.http.clone());
    let served = listen::serve(listener, router, http, stop, || app.live.end()).await;
    beside.abort_all();
    // What runs on the processor alone ends with the process.
    let ended = async { while beside.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(Duration::from_millis(500), ended).await;
    served
}

/// Over when the process is asked to end.
pub async fn asked_to_end() {
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or(()) };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

/// Binds an address, or, where `else_next`, the next port of it that is free.
pub async fn bind(address: SocketAddr, else_next: bool) -> std::io::Result<TcpListener> {
    let mut address = address;
    loop {
        match TcpListener::bind(address).await {
            Err(error)
                if else_next
                    && error.kind() == std::io::ErrorKind::AddrInUse
                    && address.port() < u16::MAX =>
            {
                address.set_port(address.port() + 1);
            }
            bound => return bound,
        }
    }
}

async fn ready(State(service): State<Service>) -> (StatusCode, &'static str) {
    let asked = tokio::time::timeout(Duration::from_secs(2), service.app.db.ping()).await;
    match asked {
        Ok(Ok(())) if service.app.engine.is_ready() => (StatusCode::OK, "ready\n"),
        Ok(Ok(())) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the evidence base is being read\n",
        ),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

async fn graphql_post(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    authorization: Authorization,
    headers: HeaderMap,
    body: Body,
) -> axum::response::Response {
    let Some(of) = MediaType::accepted(&headers) else {
        return unacceptable();
    };
    match body::media_type(&headers).as_deref() {
        Ok(body::JSON) => {}
        Ok(body::MULTIPART) => {
            return graphql_multipart(&service, caller, &authorization, &headers, of, body).await;
        }
        Ok(_) => {
            let reason = "send the request as application/json, or with a file as multipart/form-data";
            return failed(of, BodyError::Unsupported(reason.into()).into());
        }
        Err(unsupported) => return failed(of, unsupported.clone().into()),
    }
    let body = match body::read(&headers, body, body::MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(unread) => return failed(of, unread.into()),
    };
    let request = match read(&body) {
        Ok(request) => request,
        Err(reason) => return failed(of, Error::BadInput(reason)),
    };
    let mut request = service.app.costs.asked_by(caller, request);
    if document::operation_type(&mut request) == Some(OperationType::Subscription) {
        return failed(of, Error::BadInput(NO_SUBSCRIPTIONS.into()));
    }
    execute(&service, &authorization, of, request).await
}

/// A GraphQL multipart request: an operation with a file. Only those who may send files in are read at all,
/// and their token, which no page of another origin has, shows that it was meant.
async fn graphql_multipart(
    service: &Service,
    caller: Caller,
    authorization: &Authorization,
    headers: &HeaderMap,
    of: MediaType,
    body: Body,
) -> axum::response::Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let requester = match authorization.requester(&service.app).await {
        Ok(requester) => requester,
        Err(error) => return failed(of, error),
    };
    let may = requester
        .member()
        .map(|member| member.role.can(Capability::ImportFiles));
    match may {
        Ok(true) => {}
        Ok(false) => return failed(of, Error::Forbidden("your role cannot send files".into())),
        Err(unknown) => return failed(of, unknown),
    }
    let most = service.app.imports.settings.limits.bytes;
    let limits = multipart::Limits {
        operation: body::MAX_BODY_BYTES,
        // What is a little too long is told by the mutation itself.
        file: most.saturating_add(body::MAX_BODY_BYTES as u64),
    };
    match multipart::read(kind, body, limits).await {
        Ok(request) => {
            asked(
                service,
                of,
                service.app.costs.asked_by(caller, request),
                requester,
            )
            .await
        }
        Err(MultipartError::LongFile) => failed(of, BodyError::FileTooLong { most }.into()),
        Err(malformed @ MultipartError::Malformed(_)) => failed(of, Error::BadInput(malformed.to_string())),
        Err(MultipartError::Body(unread)) => failed(of, unread.into()),
        Err(MultipartError::Unkept(cause)) => {
            let unavailable = Error::Unavailable {
                message: "the file cannot be kept; try again shortly",
                cause: cause.to_string(),
            };
            failed(of, unavailable)
        }
    }
}

async fn graphql_get(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    authorization: Authorization,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> axum::response::Response {
    let Some(of) = MediaType::accepted(&headers) else {
        return unacceptable();
    };
    let query = request::without_empty(query.as_deref().unwrap_or_default());
    let request = match parse_query_string(&query) {
        Ok(request) => request,
        Err(cause) => {
            return failed(of, Error::BadInput(format!("not a GraphQL request: {cause}")));
        }
    };
    let mut request = service.app.costs.asked_by(caller, request);
    if document::operation_type(&mut request) == Some(OperationType::Subscription) {
        return failed(of, Error::MethodNotAllowed(NO_SUBSCRIPTIONS));
    }
    let name = request.operation_name.clone();
    let only_queries = document::document(&mut request).is_none_or(|document| {
        let asked = |operation: &&str| name.as_deref().is_none_or(|name| name == *operation);
        document
            .operations
            .iter()
            .filter(|(operation, _)| operation.is_none_or(|one| asked(&one.as_str())))
            .all(|(_, operation)| operation.node.ty == OperationType::Query)
    });
    if !only_queries {
        return failed(
            of,
            Error::MethodNotAllowed("only queries can be sent by GET; send this by POST"),
        );
    }
    if authorization.is_given() {
        return execute(&service, &authorization, of, request).await;
    }
    // What is answered to nobody in particular is the same for everybody.
    let (response, was_executed) = run(&service, request, Requester::Anonymous(TokenError::Missing)).await;
    if was_executed && response.is_ok() {
        public_cacheable(of, response, &headers)
    } else {
        answered(of, &response, was_executed)
    }
}

/// Reads the request in a body. Several in one are not taken.
fn read(body: &[u8]) -> Result<Request, String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(sent)) => {
            request::of_json(sent).map_err(|reason| format!("the body is not a GraphQL request: {reason}"))
        }
        Ok(Value::Array(_)) => Err("the body is a list: send requests one by one".into()),
        Ok(_) => Err("the body is not a GraphQL request: it is not a JSON object".into()),
        Err(cause) => {
            let reason = request::describe_json_error(body, &cause);
            Err(format!("the body is not JSON: {reason}"))
        }
    }
}

async fn execute(
    service: &Service,
    authorization: &Authorization,
    of: MediaType,
    request: Request,
) -> axum::response::Response {
    match authorization.requester(&service.app).await {
        Ok(requester) => asked(service, of, request, requester).await,
        Err(error) => failed(of, error),
    }
}

/// The answer to a request, executed or not.
async fn asked(
    service: &Service,
    of: MediaType,
    request: Request,
    requester: Requester,
) -> axum::response::Response {
    let (response, was_executed) = run(service, request, requester).await;
    answered(of, &response, was_executed)
}

/// What a request comes to, and whether it was executed.
async fn run(service: &Service, request: Request, requester: Requester) -> (Response, bool) {
    let begun = Arc::<Begun>::default();
    let request = request.data(requester).data(Arc::clone(&begun));
    let response = service.schema.execute(request).await;
    (response, begun.is_noted())
}

/// The answer to a client that takes no media type of ours.
fn unacceptable() -> axum::response::Response {
    failed(MediaType::Json, Error::NotAcceptable)
}

/// Operations over a WebSocket. The token comes with `connection_init`, as
/// `{"authorization": "Bearer <token>"}`, or in the header of the upgrade.
async fn graphql_ws(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    handled: Option<Extension<HandledRequest>>,
    uri: Uri,
    authorization: Authorization,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    if !service.app.origins.allows(&uri, &headers) {
        let reason = "pages of this origin may not connect; the operator can add it to the setting ORIGINS";
        return failed(MediaType::Json, Error::Forbidden(reason.into()));
    }
    let upgrade = upgrade
        .max_message_size(socket::MOST_TAKEN_IN)
        .max_frame_size(socket::MOST_TAKEN_IN)
        .protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return failed(
            MediaType::Json,
            Error::BadInput("this WebSocket speaks graphql-transport-ws alone".into()),
        );
    }
    let Service { app, schema } = service;
    let most = app.live.limits.most_unnamed;
    let Some(place) = app.live.connections.enter(Payer::of(None, Some(&caller)), most) else {
        return failed(MediaType::Json, Error::TooManyConnections);
    };
    let service = socket::Service {
        app,
        schema,
        caller,
        most_bytes: body::MAX_BODY_BYTES,
    };
    upgrade.on_upgrade(async move |socket| {
        socket::serve(socket, service, authorization, place).await;
        // The connection has a request for as long as its WebSocket is open.
        drop(handled);
    })
}

/// The tag of the schema in GraphQL's own language.
static SCHEMA_TAG: LazyLock<ETag> = LazyLock::new(|| ETag::of(sdl().as_bytes()));

/// The schema in GraphQL's own language.
async fn schema_text(State(service): State<Service>, headers: HeaderMap) -> axum::response::Response {
    if service.app.costs.settings.introspection == Introspection::Closed {
        return StatusCode::NOT_FOUND.into_response();
    }
    let said = [
        (header::CACHE_CONTROL, answer::KEPT_A_WHILE),
        (header::ETAG, SCHEMA_TAG.header()),
    ];
    if SCHEMA_TAG.is_held(&headers) {
        (StatusCode::NOT_MODIFIED, said).into_response()
    } else {
        (said, sdl()).into_response()
    }
}
