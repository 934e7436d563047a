//! The HTTP service: GraphQL over POST, GET and WebSocket, answers as files, the template
//! for records, the explorer, health.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::http::parse_query_string;
use async_graphql::parser::types::OperationType;
use async_graphql::{ErrorExtensionValues, Request, Response, ServerError};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, RawQuery, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::get,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_http::{compression::CompressionLayer, trace::TraceLayer};
use wayin_entity::ImportKind;

use crate::app::App;
use crate::auth::member;
use crate::auth::requester::Requester;
use crate::expiry;
use crate::import::job;
use crate::live::operation;
use crate::live::socket::{self, PROTOCOL};
use crate::multipart::{self, MultipartError};
use crate::schema::{Schema, schema};

/// The most bytes of a request's body.
const MOST_BYTES: usize = 256 * 1024;
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
    let service = Service {
        schema: schema(Arc::clone(&app)),
        app,
    };
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/graphiql") }))
        .route("/graphql", get(graphql_get).post(graphql_post))
        .route("/graphql/ws", get(graphql_ws))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .merge(crate::graphiql::router())
        .merge(files)
        .merge(crate::workbook::http::router())
        .merge(to_mend)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(service)
}

/// Serves until `stop` is over, and then ends the requests that are under way. `progress`
/// is told how many initiatives were read so far, while the base is read.
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
        async move { job::run::run(&app).await }
    });
    beside.spawn({
        let app = Arc::clone(&app);
        async move { expiry::follow(&app).await }
    });
    let ending = {
        let app = Arc::clone(&app);
        async move {
            stop.await;
            app.live.end();
        }
    };
    axum::serve(listener, router(app))
        .with_graceful_shutdown(ending)
        .await
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
    headers: HeaderMap,
    body: Body,
) -> axum::response::Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" => {}
        "multipart/form-data" => return graphql_multipart(&service, &headers, kind, body).await,
        _ => {
            return refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send the request as application/json, or with a file as multipart/form-data",
            );
        }
    }
    let Ok(body) = axum::body::to_bytes(body, MOST_BYTES).await else {
        return refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request's body is too long, or ended early",
        );
    };
    match serde_json::from_slice::<Request>(&body) {
        Ok(mut request) => {
            if operation::kind(&mut request) == Some(OperationType::Subscription) {
                return refused(StatusCode::BAD_REQUEST, NO_SUBSCRIPTIONS);
            }
            execute(&service, &headers, request).await
        }
        Err(cause) => refused(
            StatusCode::BAD_REQUEST,
            &format!("the body is not a GraphQL request: {cause}"),
        ),
    }
}

/// A GraphQL multipart request: an operation with a file. Only those who may send files in are read at all,
/// and their token, which no page of another origin has, shows that it was meant.
async fn graphql_multipart(
    service: &Service,
    headers: &HeaderMap,
    kind: &str,
    body: Body,
) -> axum::response::Response {
    let requester = match requester(service, headers).await {
        Ok(requester) => requester,
        Err(refused) => return refused,
    };
    let may = requester.member().map(|member| {
        ImportKind::ALL
            .iter()
            .any(|kind| job::may_import(member.role, *kind))
    });
    match may {
        Ok(true) => {}
        Ok(false) => return refused(StatusCode::FORBIDDEN, "your role sends no files in"),
        Err(unknown) => {
            return answered(
                StatusCode::UNAUTHORIZED,
                &crate::graphql::error::response(unknown),
            );
        }
    }
    let most = service.app.imports.settings.limits.bytes;
    let limits = multipart::Limits {
        operation: MOST_BYTES,
        // What is a little too long is told by the mutation itself.
        file: most.saturating_add(MOST_BYTES as u64),
    };
    match multipart::read(kind, body, limits).await {
        Ok(request) => answered(
            StatusCode::OK,
            &service.schema.execute(request.data(requester)).await,
        ),
        Err(MultipartError::LongFile) => refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the file is too long: at most {most} bytes can be sent at once"),
        ),
        Err(long @ MultipartError::LongPart { .. }) => {
            refused(StatusCode::PAYLOAD_TOO_LARGE, &long.to_string())
        }
        Err(malformed @ MultipartError::Malformed(_)) => {
            refused(StatusCode::BAD_REQUEST, &malformed.to_string())
        }
        Err(MultipartError::Unkept(cause)) => {
            tracing::error!(%cause, "a file that is sent could not be kept");
            refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "the file cannot be kept; try again shortly",
            )
        }
    }
}

async fn graphql_get(
    State(service): State<Service>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> axum::response::Response {
    let mut request = match parse_query_string(query.as_deref().unwrap_or_default()) {
        Ok(request) => request,
        Err(cause) => {
            return refused(
                StatusCode::BAD_REQUEST,
                &format!("not a GraphQL request: {cause}"),
            );
        }
    };
    if operation::kind(&mut request) == Some(OperationType::Subscription) {
        return refused(StatusCode::METHOD_NOT_ALLOWED, NO_SUBSCRIPTIONS);
    }
    let name = request.operation_name.clone();
    let only_queries = operation::document(&mut request).is_none_or(|document| {
        let asked = |operation: &&str| name.as_deref().is_none_or(|name| name == *operation);
        document
            .operations
            .iter()
            .filter(|(operation, _)| operation.is_none_or(|one| asked(&one.as_str())))
            .all(|(_, operation)| operation.node.ty == OperationType::Query)
    });
    if !only_queries {
        return refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "only queries can be sent by GET; send this by POST",
        );
    }
    execute(&service, &headers, request).await
}

async fn execute(service: &Service, headers: &HeaderMap, request: Request) -> axum::response::Response {
    match requester(service, headers).await {
        Ok(requester) => answered(
            StatusCode::OK,
            &service.schema.execute(request.data(requester)).await,
        ),
        Err(refused) => refused,
    }
}

/// Who asks, or the answer where that cannot be told.
async fn requester(service: &Service, headers: &HeaderMap) -> Result<Requester, axum::response::Response> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let requester = member::requester(&service.app.db, &service.app.verifier, authorization).await;
    requester.map_err(|cause| {
        tracing::error!(%cause, "it could not be told who is asking");
        refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "it cannot be told who is asking; try again shortly",
        )
    })
}

/// An answer as JSON, which nobody on the way may keep.
fn answered(status: StatusCode, response: &Response) -> axum::response::Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    match serde_json::to_vec(response) {
        Ok(body) => (status, headers, body).into_response(),
        Err(cause) => {
            tracing::error!(%cause, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn refused(status: StatusCode, reason: &str) -> axum::response::Response {
    let mut error = ServerError::new(reason, None);
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set(
            "code",
            if status.is_server_error() {
                "INTERNAL"
            } else {
                "BAD_USER_INPUT"
            },
        );
    answered(status, &Response::from_errors(vec![error]))
}

/// Operations over a WebSocket. The token comes with `connection_init`, as
/// `{"authorization": "Bearer <token>"}`, or in the header of the upgrade.
async fn graphql_ws(
    State(service): State<Service>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    let upgrade = upgrade
        .max_message_size(socket::MOST_TAKEN_IN)
        .max_frame_size(socket::MOST_TAKEN_IN)
        .protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return refused(
            StatusCode::BAD_REQUEST,
            "this WebSocket speaks graphql-transport-ws alone",
        );
    }
    let header = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default().to_owned());
    let Service { app, schema } = service;
    let service = socket::Service {
        app,
        schema,
        most_bytes: MOST_BYTES,
    };
    upgrade.on_upgrade(move |socket| socket::serve(socket, service, header))
}
