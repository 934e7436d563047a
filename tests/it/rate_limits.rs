//! The cost of operations, rate limits, and their errors.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use wayin::graphql::operation::cost::{CostSettings, Introspection, RateLimit, RateLimits};
use wayin::server;
use wayin_entity::Role;

use crate::support::app::{TestApp, sign_token};
use crate::support::builders::record;
use crate::support::clock::ManualClock;
use crate::support::socket::{TestServer, wait_until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    response_reports_cost_and_remaining_points,
    exhausted_limit_is_restored_over_time,
    each_token_and_address_has_its_own_limit,
    too_expensive_operation_is_rejected_before_execution,
    invalid_requests_cost_points,
    rate_limits_apply_over_websockets,
    persisted_query_is_found_by_hash,
    closed_introspection_reveals_nothing,
    csv_files_cost_the_same_as_their_queries,
];

/// A token has 100 points and gains one a second. An address has 10 and gains one a minute.
const SMALL_SETTINGS: CostSettings = CostSettings {
    max_points: 90,
    rates: RateLimits {
        token: RateLimit {
            capacity: 100,
            per_minute: 60,
        },
        address: RateLimit {
            capacity: 10,
            per_minute: 1,
        },
    },
    trusted_hops: 1,
    introspection: Introspection::Open,
};

/// A service with low limits, a steward and a clock.
async fn start_with_limits(database: Database, settings: CostSettings) -> (TestApp, Arc<ManualClock>) {
    let clock = ManualClock::new();
    let app = TestApp::with_costs(database, settings, Arc::<ManualClock>::clone(&clock)).await;
    app.steward().await;
    (app, clock)
}

/// A member, or a client at an address without a token.
#[derive(Clone, Copy)]
enum Caller {
    Member(&'static str),
    At(&'static str),
}

/// A response over HTTP.
#[derive(Debug)]
struct HttpAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl HttpAnswer {
    fn header_number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.parse().ok()
    }

    fn error_code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_default()
    }

    fn remaining_points(&self) -> u64 {
        let remaining = &self.body["extensions"]["cost"]["rateLimit"]["remaining"];
        remaining
            .as_u64()
            .unwrap_or_else(|| panic!("there are no remaining points: {self:?}"))
    }
}

async fn send_request(app: &TestApp, mut request: Request<Body>, by: Caller) -> HttpAnswer {
    let headers = request.headers_mut();
    match by {
        Caller::Member(subject) => {
            let said = format!("Bearer {}", sign_token(subject)).parse().unwrap();
            headers.insert(header::AUTHORIZATION, said);
        }
        Caller::At(address) => {
            headers.insert("x-forwarded-for", address.parse().unwrap());
        }
    }
    let response = server::build_router(Arc::clone(&app.app))
        .oneshot(request)
        .await
        .unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    HttpAnswer {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

async fn post_query(app: &TestApp, body: &Value, accept: &'static str, by: Caller) -> HttpAnswer {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, accept)
        .body(Body::from(body.to_string()))
        .unwrap();
    send_request(app, request, by).await
}

async fn query_as(app: &TestApp, query: &str, by: Caller) -> HttpAnswer {
    post_query(app, &json!({"query": query}), "application/json", by).await
}

const GRAPHQL_RESPONSE_MEDIA_TYPE: &str = "application/graphql-response+json";
const STEWARD: Caller = Caller::Member("steward");
/// Costs nine points: five for the search, one for the list and three for its rows.
const NINE_POINT_QUERY: &str = "{ initiatives(first: 3) { nodes { title } } }";
/// Costs sixty points.
const SIXTY_POINT_QUERY: &str = "{ a: pattern(when: {}, then: {}) { summary { text } } b: pattern(when: {}, then: {}) { summary { text } } }";
/// A query that is open to everybody. Costs one point.
const PUBLIC_QUERY: &str = "{ vocabulary { roles { code } } }";

async fn response_reports_cost_and_remaining_points(database: Database) {
    let (app, clock) = start_with_limits(database, SMALL_SETTINGS).await;
    let answer = query_as(&app, NINE_POINT_QUERY, STEWARD).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let budget = |remaining| json!({"capacity": 100, "remaining": remaining, "restoreRate": 1.0});
    assert_eq!(
        answer.body,
        json!({
            "data": {"initiatives": {"nodes": []}},
            "extensions": {"cost": {"requested": 9, "rateLimit": budget(91)}},
        })
    );
    for (header, expected) in [
        ("query-cost", 9),
        ("ratelimit-limit", 100),
        ("ratelimit-remaining", 91),
        ("ratelimit-reset", 9),
    ] {
        assert_eq!(answer.header_number(header), Some(expected), "{header}");
    }
    clock.advance_seconds(4);
    let query = "query%20Q%7Bviewer%7BrateLimit%7Bcapacity%20remaining%20restoreRate%7D%7D%7D";
    let get = Request::get(format!("/graphql?query={query}"))
        .body(Body::empty())
        .unwrap();
    let answer = send_request(&app, get, STEWARD).await;
    assert_eq!(
        answer.body["data"]["viewer"]["rateLimit"],
        budget(94),
        "{answer:?}"
    );
    assert_eq!(answer.remaining_points(), 94);
    // Mutations of stewards cost points too: fifty, plus the response and its possible problems.
    let saves = "mutation { saveClaim(input: {slug: \"a\", statement: \"b\", when: {}, then: {}}) \
                 { problems { message } } }";
    let answer = query_as(&app, saves, STEWARD).await;
    assert_eq!(
        answer.body["data"]["saveClaim"]["problems"],
        json!([]),
        "{answer:?}"
    );
    assert_eq!(answer.body["extensions"]["cost"]["requested"], 56);
    assert_eq!(answer.remaining_points(), 38);
}

async fn exhausted_limit_is_restored_over_time(database: Database) {
    let (app, clock) = start_with_limits(database, SMALL_SETTINGS).await;
    assert_eq!(
        query_as(&app, SIXTY_POINT_QUERY, STEWARD)
            .await
            .remaining_points(),
        40
    );
    for accept in ["application/json", GRAPHQL_RESPONSE_MEDIA_TYPE] {
        let refused = post_query(&app, &json!({"query": SIXTY_POINT_QUERY}), accept, STEWARD).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
        assert_eq!(refused.error_code(), "RATE_LIMITED");
        assert_eq!(refused.body.get("data"), None, "nothing was executed");
        let wait = &refused.body["errors"][0]["extensions"]["retryAfterSeconds"];
        assert_eq!(wait.as_u64(), refused.header_number("retry-after"), "{refused:?}");
        assert!(wait.as_u64() >= Some(21), "{refused:?}");
        assert_eq!(refused.body["extensions"]["cost"]["requested"], 60);
    }
    // The query lacked twenty points. Each of the three refusals cost one more.
    let refused = query_as(&app, SIXTY_POINT_QUERY, STEWARD).await;
    let wait = refused.header_number("retry-after").unwrap();
    assert_eq!(wait, 23, "{refused:?}");
    clock.advance_seconds(i64::try_from(wait).unwrap());
    let served = query_as(&app, SIXTY_POINT_QUERY, STEWARD).await;
    assert_eq!(
        (served.status, served.remaining_points()),
        (StatusCode::OK, 0),
        "{served:?}"
    );
    let refused = query_as(&app, PUBLIC_QUERY, STEWARD).await;
    assert_eq!(
        (refused.error_code(), refused.header_number("retry-after")),
        ("RATE_LIMITED", Some(1))
    );
    clock.advance_seconds(1_000);
    assert_eq!(query_as(&app, PUBLIC_QUERY, STEWARD).await.remaining_points(), 99);
}

async fn each_token_and_address_has_its_own_limit(database: Database) {
    let (app, clock) = start_with_limits(database, SMALL_SETTINGS).await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    assert_eq!(
        query_as(&app, SIXTY_POINT_QUERY, STEWARD)
            .await
            .remaining_points(),
        40
    );
    assert_eq!(
        query_as(&app, SIXTY_POINT_QUERY, Caller::Member("dashboard"))
            .await
            .remaining_points(),
        40
    );
    let (one, other) = (
        Caller::At("203.0.113.9, 192.0.2.1"),
        Caller::At("203.0.113.9, 192.0.2.2"),
    );
    for left in (0..10).rev() {
        assert_eq!(query_as(&app, PUBLIC_QUERY, one).await.remaining_points(), left);
    }
    let refused = query_as(&app, PUBLIC_QUERY, one).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    assert_eq!(refused.header_number("retry-after"), Some(60));
    // The address that the client states itself is ignored.
    let pretended = query_as(&app, PUBLIC_QUERY, Caller::At("198.51.100.1, 192.0.2.1")).await;
    assert_eq!(pretended.error_code(), "RATE_LIMITED");
    assert_eq!(query_as(&app, PUBLIC_QUERY, other).await.remaining_points(), 9);
    // All addresses in the same half (/64) of an IPv6 address share one limit.
    assert_eq!(
        query_as(&app, PUBLIC_QUERY, Caller::At("2001:db8::1"))
            .await
            .remaining_points(),
        9
    );
    assert_eq!(
        query_as(&app, PUBLIC_QUERY, Caller::At("2001:db8::2:1"))
            .await
            .remaining_points(),
        8
    );
    assert_eq!(
        query_as(&app, PUBLIC_QUERY, Caller::At("2001:db8:0:1::1"))
            .await
            .remaining_points(),
        9
    );
    clock.advance_seconds(60);
    assert_eq!(query_as(&app, PUBLIC_QUERY, one).await.remaining_points(), 0);
}

async fn too_expensive_operation_is_rejected_before_execution(database: Database) {
    let (app, _) = start_with_limits(database, SMALL_SETTINGS).await;
    let dear = "{ initiatives(first: 100) { nodes { title } } }";
    let refused = post_query(
        &app,
        &json!({"query": dear}),
        GRAPHQL_RESPONSE_MEDIA_TYPE,
        STEWARD,
    )
    .await;
    assert_eq!(
        (refused.status, refused.error_code()),
        (StatusCode::BAD_REQUEST, "QUERY_TOO_EXPENSIVE"),
        "{refused:?}"
    );
    assert_eq!(
        refused.body["errors"][0]["message"],
        "the operation costs 106 points, and the maximum is 90; request less at once"
    );
    assert_eq!(
        refused.remaining_points(),
        99,
        "it was not executed, and cost the minimum"
    );
    // If an address can never pay for a query, the response does not ask it to wait.
    let claims = "{ claims { nodes { slug statement } } }";
    let refused = query_as(&app, claims, Caller::At("192.0.2.1")).await;
    assert_eq!(refused.error_code(), "QUERY_TOO_EXPENSIVE", "{refused:?}");
    assert!(
        refused.body["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("the maximum is 10"),
        "{refused:?}"
    );
}

async fn invalid_requests_cost_points(database: Database) {
    let (app, _) = start_with_limits(database, SMALL_SETTINGS).await;
    let mut left = 100;
    for wrong in [
        "{",
        "{ nothing }",
        "{ initiatives(first: $none) { totalCount } }",
        "query A { viewer { id } } query B { viewer { id } }",
    ] {
        let answer = query_as(&app, wrong, STEWARD).await;
        left -= 1;
        assert_eq!(
            (answer.error_code(), answer.remaining_points()),
            ("BAD_USER_INPUT", left),
            "{answer:?}"
        );
    }
}

async fn rate_limits_apply_over_websockets(database: Database) {
    let (app, _) = start_with_limits(database, SMALL_SETTINGS).await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    socket.subscribe("1", NINE_POINT_QUERY).await;
    let mut output = socket.receive().await;
    let cost = output["payload"]["extensions"]["cost"].take();
    assert_eq!(
        (&cost["requested"], &cost["rateLimit"]["remaining"]),
        (&json!(9), &json!(91)),
        "{output}"
    );
    assert_eq!(socket.receive().await["type"], "complete");
    // A subscription is charged for its first response when it starts, and for each later response.
    let subscription =
        "subscription { patternChanged(when: {}, then: {}, scope: VISIBLE) { table { population } } }";
    socket.subscribe("2", subscription).await;
    let output = socket.receive().await;
    let cost = &output["payload"]["extensions"]["cost"];
    assert_eq!(
        (&cost["requested"], &cost["rateLimit"]["remaining"]),
        (&json!(30), &json!(61)),
        "{output}"
    );
    app.publish(&[record("1").build()]).await;
    let output = socket.receive().await;
    assert_eq!(
        output["payload"]["data"]["patternChanged"]["table"]["population"], 1,
        "{output}"
    );
    assert_eq!(
        output["payload"]["extensions"]["cost"]["rateLimit"]["remaining"], 31,
        "{output}"
    );
    // An exceeded limit is an error of the operation, not of the connection.
    socket.subscribe("3", SIXTY_POINT_QUERY).await;
    let output = socket.receive().await;
    assert_eq!(
        (&output["type"], &output["id"]),
        (&json!("error"), &json!("3")),
        "{output}"
    );
    assert_eq!(
        output["payload"][0]["extensions"],
        json!({"code": "RATE_LIMITED", "retryAfterSeconds": 30}),
        "{output}"
    );
    // The subscription continues, whatever points remain.
    app.publish(&[record("2").build()]).await;
    let output = socket.receive().await;
    assert_eq!(
        output["payload"]["data"]["patternChanged"]["table"]["population"], 2,
        "{output}"
    );
    assert_eq!(
        output["payload"]["extensions"]["cost"]["rateLimit"]["remaining"], 0,
        "{output}"
    );
    socket.complete("2").await;
    wait_until("it has ended", || app.app.subscriptions.follower_count() == 0).await;
}

fn persisted_query_extension(document: &str) -> Value {
    let hash = hex::encode(Sha256::digest(document.as_bytes()));
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

async fn persisted_query_is_found_by_hash(database: Database) {
    let (app, _) = start_with_limits(database, SMALL_SETTINGS).await;
    let document = "query First($first: Int) { initiatives(first: $first) { nodes { title } } }";
    let named = json!({"extensions": persisted_query_extension(document), "variables": {"first": 1}});
    let mut with_document = named.clone();
    with_document["query"] = document.into();
    for (accept, status) in [
        ("application/json", StatusCode::OK),
        (GRAPHQL_RESPONSE_MEDIA_TYPE, StatusCode::BAD_REQUEST),
    ] {
        let unknown = post_query(&app, &named, accept, STEWARD).await;
        assert_eq!(
            (unknown.status, unknown.error_code()),
            (status, "PERSISTED_QUERY_NOT_FOUND"),
            "{unknown:?}"
        );
        assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    }
    let expected = json!({"initiatives": {"nodes": []}});
    let answer = post_query(&app, &with_document, GRAPHQL_RESPONSE_MEDIA_TYPE, STEWARD).await;
    assert_eq!(
        (answer.status, &answer.body["data"]),
        (StatusCode::OK, &expected),
        "{answer:?}"
    );
    let answer = post_query(&app, &named, GRAPHQL_RESPONSE_MEDIA_TYPE, STEWARD).await;
    assert_eq!(answer.body["data"], expected, "{answer:?}");
    // Over GET, the hash alone is enough.
    let mut address = String::from("/graphql?extensions=");
    for byte in persisted_query_extension(document).to_string().bytes() {
        write!(address, "%{byte:02X}").unwrap();
    }
    let get = Request::get(address).body(Body::empty()).unwrap();
    let answer = send_request(&app, get, STEWARD).await;
    assert_eq!(answer.body["data"], expected, "{answer:?}");
    // The same over a WebSocket.
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    socket
        .send(json!({"id": "1", "type": "subscribe", "payload": {"extensions": persisted_query_extension(document)}}))
        .await;
    assert_eq!(socket.receive().await["payload"]["data"], expected);
    drop(listening);

    let mut wrong = with_document.clone();
    wrong["query"] = NINE_POINT_QUERY.into();
    let answer = post_query(&app, &wrong, GRAPHQL_RESPONSE_MEDIA_TYPE, STEWARD).await;
    assert_eq!(
        (answer.status, answer.error_code()),
        (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"),
        "{answer:?}"
    );
    // Invalid documents are not stored. A request without a document or a hash is invalid.
    for wrong in ["{", "{ nothing }"] {
        let sent = json!({"query": wrong, "extensions": persisted_query_extension(wrong)});
        assert_eq!(
            post_query(&app, &sent, GRAPHQL_RESPONSE_MEDIA_TYPE, STEWARD)
                .await
                .error_code(),
            "BAD_USER_INPUT"
        );
        let named = json!({"extensions": persisted_query_extension(wrong)});
        assert_eq!(
            post_query(&app, &named, GRAPHQL_RESPONSE_MEDIA_TYPE, STEWARD)
                .await
                .error_code(),
            "PERSISTED_QUERY_NOT_FOUND"
        );
    }
    for none in [json!({}), json!({"extensions": {}}), json!({"query": null})] {
        let answer = post_query(&app, &none, "application/json", STEWARD).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{none}: {answer:?}");
    }
    // Over GET, a persisted mutation is not accepted either.
    let mutation = "mutation { discardSubmission(input: {id: \"x\"}) { problems { code } } }";
    app.app.cost_control.persisted_queries.store(
        persisted_query_extension(mutation)["persistedQuery"]["sha256Hash"]
            .as_str()
            .unwrap()
            .to_owned(),
        mutation,
    );
    let mut address = String::from("/graphql?extensions=");
    for byte in persisted_query_extension(mutation).to_string().bytes() {
        write!(address, "%{byte:02X}").unwrap();
    }
    let get = Request::get(address).body(Body::empty()).unwrap();
    assert_eq!(
        send_request(&app, get, STEWARD).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

async fn closed_introspection_reveals_nothing(database: Database) {
    let open = CostSettings {
        max_points: 1_000,
        ..SMALL_SETTINGS
    };
    let schema = "{ __schema { queryType { name } } }";
    let one = "{ __type(name: \"Place\") { name } }";
    let (app, _) = start_with_limits(database.clone(), open).await;
    assert_eq!(
        query_as(&app, schema, STEWARD).await.body["data"]["__schema"]["queryType"]["name"],
        "Query"
    );
    let hinted = query_as(&app, "{ initiative { id } } ", STEWARD).await;
    assert_eq!(hinted.error_code(), "BAD_USER_INPUT");
    let hinted = query_as(&app, "{ viewr { id } }", STEWARD).await;
    let message = hinted.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("Did you mean"), "{message}");

    let closed = CostSettings {
        introspection: Introspection::Closed,
        ..open
    };
    let (app, _) = start_with_limits(database, closed).await;
    for asked in [
        schema,
        one,
        "query A { ...S } fragment S on Query { __schema { types { name } } }",
    ] {
        let refused = post_query(
            &app,
            &json!({"query": asked}),
            GRAPHQL_RESPONSE_MEDIA_TYPE,
            STEWARD,
        )
        .await;
        assert_eq!(
            (refused.status, refused.error_code()),
            (StatusCode::FORBIDDEN, "FORBIDDEN"),
            "{refused:?}"
        );
    }
    let answer = query_as(&app, "{ __typename viewer { __typename } }", STEWARD).await;
    assert_eq!(answer.body["data"]["viewer"]["__typename"], "Viewer");
    for wrong in [
        "{ viewr { id } }",
        "{ viewer { idd } }",
        "{ initiatives(frst: 1) { totalCount } }",
        "{ viewer @skip(iff: true) { id } }",
        "{ vocabulary { roles { cod } } }",
    ] {
        let answer = query_as(&app, wrong, STEWARD).await;
        assert!(!answer.body.to_string().contains("Did you mean"), "{answer:?}");
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{answer:?}");
    }
}

async fn csv_files_cost_the_same_as_their_queries(database: Database) {
    let (app, clock) = start_with_limits(database, SMALL_SETTINGS).await;
    let get = async |path: &str, by| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        send_request(&app, request, by).await
    };
    let pattern = "/export/pattern.csv?when=%7B%7D&then=%7B%7D";
    let file = get(pattern, STEWARD).await;
    assert_eq!(file.status, StatusCode::OK, "{file:?}");
    assert_eq!(
        (
            file.header_number("query-cost"),
            file.header_number("ratelimit-remaining")
        ),
        (Some(30), Some(70))
    );
    get(pattern, STEWARD).await;
    get(pattern, STEWARD).await;
    let refused = get(pattern, STEWARD).await;
    assert_eq!(
        (refused.status, refused.error_code()),
        (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
        "{refused:?}"
    );
    assert_eq!(refused.header_number("retry-after"), Some(21));
    clock.advance_seconds(21);
    assert_eq!(get(pattern, STEWARD).await.status, StatusCode::OK);
    clock.advance_seconds(1_000);
    let dear = get("/export/grid.csv?rows=STEP&columns=CHALLENGE", STEWARD).await;
    assert_eq!(
        (dear.status, dear.error_code()),
        (StatusCode::BAD_REQUEST, "QUERY_TOO_EXPENSIVE"),
        "{dear:?}"
    );
    for _ in 0..10 {
        let unknown = get(pattern, Caller::At("192.0.2.1")).await;
        assert_eq!(unknown.status, StatusCode::UNAUTHORIZED, "{unknown:?}");
    }
    let refused = get(pattern, Caller::At("192.0.2.1")).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
}
