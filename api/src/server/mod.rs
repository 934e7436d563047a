//! The HTTP service: GraphQL over POST, GET and WebSocket, downloads, uploads, the explorer and health
//! checks.

mod activity;
pub mod body;
mod connection;
mod listen;
mod open_connections;
pub mod settings;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_graphql::Request;
use async_graphql::http::parse_query_string;
use async_graphql::parser::types::OperationType;
use axum::{
    Extension, Router,
    body::Body,
    extract::{DefaultBodyLimit, RawQuery, State, ws::WebSocketUpgrade},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware,
    response::IntoResponse,
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
use crate::app::App;
use crate::auth::requester::Requester;
use crate::error::{BodyError, Error, TokenError};
use crate::etag::ETag;
use crate::expiry;
use crate::graphql::operation::client_ip;
use crate::graphql::operation::client_ip::{ClientIp, TrustedHops};
use crate::graphql::operation::cost::{Introspection, RateLimitKey};
use crate::graphql::operation::document;
use crate::graphql::request;
use crate::http::request_span::create_request_span;
use crate::http::requester::Authorization;
use crate::http::response::{
    ResponseMediaType, failed_response, operation_response, panic_response, public_cacheable,
};
use crate::import::job;
use crate::multipart::{self, MultipartError};
use crate::pages::service::PageService;
use crate::schema::execute::OperationExecutor;
use crate::schema::schema_sdl;
use crate::subscriptions::socket::{self, SUBPROTOCOL};

/// How long a server that stops waits until its last counts of questions are stored.
const LAST_STORE_TIMEOUT: Duration = Duration::from_secs(2);
/// The error of a subscription over plain HTTP.
const SUBSCRIPTION_OVER_HTTP_MESSAGE: &str = "subscriptions are only available over a WebSocket at /graphql/ws, with the protocol graphql-transport-ws";

#[derive(Clone)]
struct ServiceState {
    app: Arc<App>,
    executor: OperationExecutor,
}

pub fn build_router(app: Arc<App>) -> Router {
    let files = crate::pattern::files::http::router(Arc::clone(&app));
    let links = crate::export_link::http::router(Arc::clone(&app));
    let to_mend = crate::import::http::router(Arc::clone(&app));
    let returned = crate::submission::http::router(Arc::clone(&app));
    let trusted_hops = TrustedHops(app.cost_control.settings.trusted_hops);
    let noting = middleware::from_fn_with_state(trusted_hops, client_ip::record_client_ip);
    let service = ServiceState {
        executor: OperationExecutor::new(Arc::clone(&app)),
        app,
    };
    let pages = crate::pages::router(PageService {
        app: Arc::clone(&service.app),
        executor: service.executor.clone(),
    });
    let (origins, http) = (service.app.allowed_origins.clone(), service.app.http.clone());
    let routes = Router::new()
        .route("/graphql", get(handle_graphql_get).post(handle_graphql_post))
        .route("/graphql/ws", get(handle_graphql_ws))
        .route("/schema.graphql", get(handle_schema))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(handle_ready))
        .merge(crate::graphiql::router(
            service.app.cost_control.settings.introspection,
        ))
        .merge(files)
        .merge(links)
        .merge(pages)
        .merge(crate::workbook_http::router())
        .merge(to_mend)
        .merge(returned)
        .layer(DefaultBodyLimit::max(body::MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(noting)
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http().make_span_with(create_request_span))
        .with_state(service);
    // Layers that are added later wrap those that were added before.
    let routes = routes
        .layer(RequestDecompressionLayer::new())
        .layer(middleware::from_fn(body::check_coding))
        .layer(middleware::from_fn_with_state(
            http.body_timeout.as_secs(),
            body::limit_and_drain,
        ));
    crate::http::security_headers::add_browser_headers(routes, &origins, &http.cors_headers)
}

/// Serves requests until `stop` completes, and then answers the open requests for at most `STOP_SECONDS`.
/// Calls `progress` with the number of rows that have been read for the index.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
    progress: impl Fn(usize) + Send + Sync + 'static,
) -> std::io::Result<()> {
    // The tasks end with this function.
    let mut beside = JoinSet::new();
    beside.spawn({
        let app = Arc::clone(&app);
        async move { app.engine.follow_change_log(&app.db, &progress).await }
    });
    beside.spawn({
        let app = Arc::clone(&app);
        async move { job::worker::run(&app).await }
    });
    beside.spawn({
        let app = Arc::clone(&app);
        async move { expiry::run_sweeps(&app.db, &*app.clock, &app.expiry).await }
    });
    beside.spawn({
        let app = Arc::clone(&app);
        async move { app.question_audit.run(&app.db, &*app.clock).await }
    });
    let (router, http) = (build_router(Arc::clone(&app)), app.http.clone());
    let served =
        listen::serve_connections(listener, router, http, stop, || app.subscriptions.close_all()).await;
    beside.abort_all();
    // CPU-bound tasks end with the process.
    let ended = async { while beside.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(Duration::from_millis(500), ended).await;
    store_last_question_counts(&app).await;
    served
}

async fn store_last_question_counts(app: &App) {
    let stored = app.question_audit.store(&app.db, &*app.clock);
    match tokio::time::timeout(LAST_STORE_TIMEOUT, stored).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(error = %error, cause = ?error, "the last counts of questions could not be stored");
        }
        Err(_) => tracing::error!("the last counts of questions could not be stored in time"),
    }
}

/// Completes when the process receives a signal to stop.
pub async fn shutdown_signal() {
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

/// Binds an address or, with `else_next`, the next free port.
pub async fn bind_listener(address: SocketAddr, else_next: bool) -> std::io::Result<TcpListener> {
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

async fn handle_ready(State(service): State<ServiceState>) -> (StatusCode, &'static str) {
    let ping = tokio::time::timeout(Duration::from_secs(2), service.app.db.ping()).await;
    match ping {
        Ok(Ok(())) if service.app.engine.is_ready() => (StatusCode::OK, "ready\n"),
        Ok(Ok(())) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the evidence base is being loaded\n",
        ),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

async fn handle_graphql_post(
    State(service): State<ServiceState>,
    Extension(caller): Extension<ClientIp>,
    authorization: Authorization,
    headers: HeaderMap,
    body: Body,
) -> axum::response::Response {
    let Some(of) = ResponseMediaType::negotiate(&headers) else {
        return not_acceptable_response();
    };
    match body::parse_media_type(&headers).as_deref() {
        Ok(body::JSON_MEDIA_TYPE) => {}
        Ok(body::MULTIPART_MEDIA_TYPE) => {
            return handle_graphql_multipart(&service, caller, &authorization, &headers, of, body).await;
        }
        Ok(_) => {
            let reason = "send the request as application/json, or with a file as multipart/form-data";
            return failed_response(of, BodyError::Unsupported(reason.into()).into());
        }
        Err(unsupported) => return failed_response(of, unsupported.clone().into()),
    }
    let body = match body::read_body(&headers, body, body::MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(unread) => return failed_response(of, unread.into()),
    };
    let request = match parse_request(&body) {
        Ok(request) => request,
        Err(reason) => return failed_response(of, Error::BadInput(reason)),
    };
    let mut request = service.app.cost_control.prepare_request(caller, request);
    if document::find_operation_type(&mut request) == Some(OperationType::Subscription) {
        return failed_response(of, Error::BadInput(SUBSCRIPTION_OVER_HTTP_MESSAGE.into()));
    }
    execute_authenticated(&service, &authorization, of, request).await
}

/// A GraphQL multipart request: an operation with a file. Only requests of members who may upload files are
/// read. Their token, which pages of other origins do not have, protects against cross-site request forgery.
async fn handle_graphql_multipart(
    service: &ServiceState,
    caller: ClientIp,
    authorization: &Authorization,
    headers: &HeaderMap,
    of: ResponseMediaType,
    body: Body,
) -> axum::response::Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let requester = match authorization.authenticate(&service.app).await {
        Ok(requester) => requester,
        Err(error) => return failed_response(of, error),
    };
    let may = requester
        .member()
        .map(|member| member.role.can(Capability::ImportFiles));
    match may {
        Ok(true) => {}
        Ok(false) => return failed_response(of, Error::Forbidden("your role cannot send files".into())),
        Err(unknown) => return failed_response(of, unknown),
    }
    let most = service.app.imports.settings.limits.bytes;
    let limits = multipart::MultipartLimits {
        max_operation_bytes: body::MAX_BODY_BYTES,
        // The mutation itself rejects a file that is slightly too large.
        max_file_bytes: most.saturating_add(body::MAX_BODY_BYTES as u64),
    };
    match multipart::read_multipart(kind, body, limits).await {
        Ok(request) => {
            respond_to_operation(
                service,
                of,
                service.app.cost_control.prepare_request(caller, request),
                requester,
            )
            .await
        }
        Err(MultipartError::LongFile) => failed_response(of, BodyError::FileTooLong { most }.into()),
        Err(malformed @ MultipartError::Malformed(_)) => {
            failed_response(of, Error::BadInput(malformed.to_string()))
        }
        Err(MultipartError::Body(unread)) => failed_response(of, unread.into()),
        Err(MultipartError::Storage(cause)) => {
            let unavailable = Error::Unavailable {
                message: "the file cannot be stored; try again shortly",
                cause: cause.to_string(),
            };
            failed_response(of, unavailable)
        }
    }
}

async fn handle_graphql_get(
    State(service): State<ServiceState>,
    Extension(caller): Extension<ClientIp>,
    authorization: Authorization,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> axum::response::Response {
    let Some(of) = ResponseMediaType::negotiate(&headers) else {
        return not_acceptable_response();
    };
    let query = request::remove_empty_parameters(query.as_deref().unwrap_or_default());
    let request = match parse_query_string(&query) {
        Ok(request) => request,
        Err(cause) => {
            return failed_response(of, Error::BadInput(format!("not a GraphQL request: {cause}")));
        }
    };
    let mut request = service.app.cost_control.prepare_request(caller, request);
    if document::find_operation_type(&mut request) == Some(OperationType::Subscription) {
        return failed_response(of, Error::MethodNotAllowed(SUBSCRIPTION_OVER_HTTP_MESSAGE));
    }
    let name = request.operation_name.clone();
    let only_queries = document::parse_document(&mut request).is_none_or(|document| {
        let is_requested = |operation: &&str| name.as_deref().is_none_or(|name| name == *operation);
        document
            .operations
            .iter()
            .filter(|(operation, _)| operation.is_none_or(|one| is_requested(&one.as_str())))
            .all(|(_, operation)| operation.node.ty == OperationType::Query)
    });
    if !only_queries {
        return failed_response(
            of,
            Error::MethodNotAllowed("only queries can be sent by GET; send this by POST"),
        );
    }
    if authorization.is_given() {
        return execute_authenticated(&service, &authorization, of, request).await;
    }
    // A response to a request without a requester is the same for everyone.
    let requester = Requester::Anonymous(TokenError::Missing);
    let answer = service.executor.execute(request, requester).await;
    if answer.was_executed && answer.response.is_ok() {
        public_cacheable(of, answer.response, &headers)
    } else {
        operation_response(of, &answer.response, answer.was_executed)
    }
}

/// Parses one request. Batches are not supported.
fn parse_request(body: &[u8]) -> Result<Request, String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(sent)) => {
            request::from_json(sent).map_err(|reason| format!("the body is not a GraphQL request: {reason}"))
        }
        Ok(Value::Array(_)) => Err("the body is a list: send requests one by one".into()),
        Ok(_) => Err("the body is not a GraphQL request: it is not a JSON object".into()),
        Err(cause) => {
            let reason = request::describe_json_error(body, &cause);
            Err(format!("the body is not JSON: {reason}"))
        }
    }
}

async fn execute_authenticated(
    service: &ServiceState,
    authorization: &Authorization,
    of: ResponseMediaType,
    request: Request,
) -> axum::response::Response {
    match authorization.authenticate(&service.app).await {
        Ok(requester) => respond_to_operation(service, of, request, requester).await,
        Err(error) => failed_response(of, error),
    }
}

/// The response to a request, executed or not.
async fn respond_to_operation(
    service: &ServiceState,
    of: ResponseMediaType,
    request: Request,
    requester: Requester,
) -> axum::response::Response {
    let answer = service.executor.execute(request, requester).await;
    operation_response(of, &answer.response, answer.was_executed)
}

/// The response to a client that accepts no media type of the service.
fn not_acceptable_response() -> axum::response::Response {
    failed_response(ResponseMediaType::Json, Error::NotAcceptable)
}

/// Serves operations over a WebSocket. The token is in `connection_init`, as `{"authorization": "Bearer
/// <token>"}`, or in a header of the upgrade request.
async fn handle_graphql_ws(
    State(service): State<ServiceState>,
    Extension(caller): Extension<ClientIp>,
    handled: Option<Extension<HandledRequest>>,
    uri: Uri,
    authorization: Authorization,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    if !service.app.allowed_origins.allows(&uri, &headers) {
        let reason = "pages of this origin may not connect; the operator can add it to the setting ORIGINS";
        return failed_response(ResponseMediaType::Json, Error::Forbidden(reason.into()));
    }
    let upgrade = upgrade
        .max_message_size(socket::MAX_FRAME_BYTES)
        .max_frame_size(socket::MAX_FRAME_BYTES)
        .protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return failed_response(
            ResponseMediaType::Json,
            Error::BadInput("this WebSocket only supports graphql-transport-ws".into()),
        );
    }
    let ServiceState { app, executor } = service;
    let most = app.subscriptions.limits.max_anonymous_per_address;
    let Some(place) = app
        .subscriptions
        .connections
        .acquire(RateLimitKey::from_request(None, Some(&caller)), most)
    else {
        return failed_response(ResponseMediaType::Json, Error::TooManyConnections);
    };
    let service = socket::ConnectionContext {
        app,
        executor,
        caller,
        max_message_bytes: body::MAX_BODY_BYTES,
    };
    upgrade.on_upgrade(async move |socket| {
        socket::serve_connection(socket, service, authorization, place).await;
        // The connection counts as having a request while its WebSocket is open.
        drop(handled);
    })
}

/// The entity tag of the SDL.
static SCHEMA_ETAG: LazyLock<ETag> = LazyLock::new(|| ETag::from_body(schema_sdl().as_bytes()));

async fn handle_schema(State(service): State<ServiceState>, headers: HeaderMap) -> axum::response::Response {
    if service.app.cost_control.settings.introspection == Introspection::Closed {
        return StatusCode::NOT_FOUND.into_response();
    }
    let caching = [
        (header::CACHE_CONTROL, crate::http::response::PUBLIC_CACHE_CONTROL),
        (header::ETAG, SCHEMA_ETAG.to_header()),
    ];
    if SCHEMA_ETAG.matches_request(&headers) {
        (StatusCode::NOT_MODIFIED, caching).into_response()
    } else {
        (caching, schema_sdl()).into_response()
    }
}
