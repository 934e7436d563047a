//! What operations cost, who pays for them, and what those are told who ask too much.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;
use uuid::Uuid;
use wayin::clock::{Clock, SystemClock};
use wayin::graphql::operation::cost::{Introspection, Rate, Rates, Settings};
use wayin::server;
use wayin_entity::Role;

use crate::support::app::{TestApp, token};
use crate::support::builders::record;
use crate::support::socket::{Listening, until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    an_answer_says_what_it_cost_and_what_is_left,
    who_asks_too_much_waits_and_is_served_again,
    each_token_and_each_address_has_a_budget_of_its_own,
    an_operation_that_is_too_dear_is_refused_before_it_begins,
    what_is_wrong_is_not_free,
    over_a_websocket_a_budget_is_told_and_spent_too,
    a_document_is_sent_once_and_then_named_by_its_hash,
    a_schema_that_is_closed_is_hinted_at_nowhere,
    files_are_paid_for_as_the_questions_they_answer,
];

/// A clock that goes on when it is told to.
#[derive(Debug)]
struct Turned {
    since: DateTime<Utc>,
    by: AtomicI64,
}

impl Turned {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            since: SystemClock.now(),
            by: AtomicI64::new(0),
        })
    }

    fn turn(&self, seconds: i64) {
        self.by.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Turned {
    fn now(&self) -> DateTime<Utc> {
        self.since + TimeDelta::seconds(self.by.load(Ordering::SeqCst))
    }

    fn new_id(&self) -> Uuid {
        SystemClock.new_id()
    }
}

/// A hundred points at once and one a second for a token, and ten and one a minute for an address.
const SMALL: Settings = Settings {
    most: 90,
    rates: Rates {
        token: Rate {
            capacity: 100,
            per_minute: 60,
        },
        address: Rate {
            capacity: 10,
            per_minute: 1,
        },
    },
    trusted_hops: 1,
    introspection: Introspection::Open,
};

/// A service with small budgets, a steward and a clock.
async fn service(database: Database, settings: Settings) -> (TestApp, Arc<Turned>) {
    let clock = Turned::new();
    let app = TestApp::with_costs(database, settings, Arc::<Turned>::clone(&clock)).await;
    app.steward().await;
    (app, clock)
}

/// Who asks: a member, or somebody at an address.
#[derive(Clone, Copy)]
enum As {
    Member(&'static str),
    At(&'static str),
}

/// An answer over HTTP.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.parse().ok()
    }

    fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_default()
    }

    fn remaining(&self) -> u64 {
        let remaining = &self.body["extensions"]["cost"]["rateLimit"]["remaining"];
        remaining
            .as_u64()
            .unwrap_or_else(|| panic!("nothing is told: {self:?}"))
    }
}

async fn send(app: &TestApp, mut request: Request<Body>, by: As) -> Answer {
    let headers = request.headers_mut();
    match by {
        As::Member(subject) => {
            let said = format!("Bearer {}", token(subject)).parse().unwrap();
            headers.insert(header::AUTHORIZATION, said);
        }
        As::At(address) => {
            headers.insert("x-forwarded-for", address.parse().unwrap());
        }
    }
    let response = server::router(Arc::clone(&app.app))
        .oneshot(request)
        .await
        .unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

async fn post(app: &TestApp, body: &Value, accept: &'static str, by: As) -> Answer {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, accept)
        .body(Body::from(body.to_string()))
        .unwrap();
    send(app, request, by).await
}

async fn ask(app: &TestApp, query: &str, by: As) -> Answer {
    post(app, &json!({"query": query}), "application/json", by).await
}

const NEW: &str = "application/graphql-response+json";
const STEWARD: As = As::Member("steward");
/// What weighs nine points: five for the search, one for the list and three for its rows.
const NINE: &str = "{ initiatives(first: 3) { nodes { title } } }";
/// What weighs sixty.
const SIXTY: &str =
    "{ a: pattern(when: {}, then: {}) { summary } b: pattern(when: {}, then: {}) { summary } }";
/// What anybody may ask, for a point.
const ANYBODY: &str = "{ vocabulary { roles { code } } }";

async fn an_answer_says_what_it_cost_and_what_is_left(database: Database) {
    let (app, clock) = service(database, SMALL).await;
    let answer = ask(&app, NINE, STEWARD).await;
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
        assert_eq!(answer.number(header), Some(expected), "{header}");
    }
    clock.turn(4);
    let query = "query%20Q%7Bviewer%7BrateLimit%7Bcapacity%20remaining%20restoreRate%7D%7D%7D";
    let get = Request::get(format!("/graphql?query={query}"))
        .body(Body::empty())
        .unwrap();
    let answer = send(&app, get, STEWARD).await;
    assert_eq!(
        answer.body["data"]["viewer"]["rateLimit"],
        budget(94),
        "{answer:?}"
    );
    assert_eq!(answer.remaining(), 94);
    // What stewards write is paid for as well: fifty points, the answer, and the errors that there may be.
    let saves = "mutation { saveClaim(input: {slug: \"a\", statement: \"b\", when: {}, then: {}}) \
                 { userErrors { message } } }";
    let answer = ask(&app, saves, STEWARD).await;
    assert_eq!(
        answer.body["data"]["saveClaim"]["userErrors"],
        json!([]),
        "{answer:?}"
    );
    assert_eq!(answer.body["extensions"]["cost"]["requested"], 56);
    assert_eq!(answer.remaining(), 38);
}

async fn who_asks_too_much_waits_and_is_served_again(database: Database) {
    let (app, clock) = service(database, SMALL).await;
    assert_eq!(ask(&app, SIXTY, STEWARD).await.remaining(), 40);
    for accept in ["application/json", NEW] {
        let refused = post(&app, &json!({"query": SIXTY}), accept, STEWARD).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
        assert_eq!(refused.code(), "RATE_LIMITED");
        assert_eq!(refused.body.get("data"), None, "nothing of it was executed");
        let wait = &refused.body["errors"][0]["extensions"]["retryAfterSeconds"];
        assert_eq!(wait.as_u64(), refused.number("retry-after"), "{refused:?}");
        assert!(wait.as_u64() >= Some(21), "{refused:?}");
        assert_eq!(refused.body["extensions"]["cost"]["requested"], 60);
    }
    // Each refusal cost a point: twenty were missing, and three are more.
    let refused = ask(&app, SIXTY, STEWARD).await;
    let wait = refused.number("retry-after").unwrap();
    assert_eq!(wait, 23, "{refused:?}");
    clock.turn(i64::try_from(wait).unwrap());
    let served = ask(&app, SIXTY, STEWARD).await;
    assert_eq!(
        (served.status, served.remaining()),
        (StatusCode::OK, 0),
        "{served:?}"
    );
    let refused = ask(&app, ANYBODY, STEWARD).await;
    assert_eq!(
        (refused.code(), refused.number("retry-after")),
        ("RATE_LIMITED", Some(1))
    );
    clock.turn(1_000);
    assert_eq!(ask(&app, ANYBODY, STEWARD).await.remaining(), 99);
}

async fn each_token_and_each_address_has_a_budget_of_its_own(database: Database) {
    let (app, clock) = service(database, SMALL).await;
    app.member("dashboard", Role::Dashboard, None).await;
    assert_eq!(ask(&app, SIXTY, STEWARD).await.remaining(), 40);
    assert_eq!(ask(&app, SIXTY, As::Member("dashboard")).await.remaining(), 40);
    let (one, other) = (As::At("203.0.113.9, 192.0.2.1"), As::At("203.0.113.9, 192.0.2.2"));
    for left in (0..10).rev() {
        assert_eq!(ask(&app, ANYBODY, one).await.remaining(), left);
    }
    let refused = ask(&app, ANYBODY, one).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
    assert_eq!(refused.number("retry-after"), Some(60));
    // What the client itself says of where it is counts for nothing.
    let pretended = ask(&app, ANYBODY, As::At("198.51.100.1, 192.0.2.1")).await;
    assert_eq!(pretended.code(), "RATE_LIMITED");
    assert_eq!(ask(&app, ANYBODY, other).await.remaining(), 9);
    // Half an address of version 6 is one.
    assert_eq!(ask(&app, ANYBODY, As::At("2001:db8::1")).await.remaining(), 9);
    assert_eq!(ask(&app, ANYBODY, As::At("2001:db8::2:1")).await.remaining(), 8);
    assert_eq!(ask(&app, ANYBODY, As::At("2001:db8:0:1::1")).await.remaining(), 9);
    clock.turn(60);
    assert_eq!(ask(&app, ANYBODY, one).await.remaining(), 0);
}

async fn an_operation_that_is_too_dear_is_refused_before_it_begins(database: Database) {
    let (app, _) = service(database, SMALL).await;
    let dear = "{ initiatives(first: 100) { nodes { title } } }";
    let refused = post(&app, &json!({"query": dear}), NEW, STEWARD).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::BAD_REQUEST, "QUERY_TOO_EXPENSIVE"),
        "{refused:?}"
    );
    assert_eq!(
        refused.body["errors"][0]["message"],
        "the operation costs 106 points, and at most 90 can be spent on one; ask for less at once"
    );
    assert_eq!(refused.remaining(), 99, "it was not executed, and cost the least");
    // What an address can never pay is not put off for ever.
    let claims = "{ claims { nodes { slug statement } } }";
    let refused = ask(&app, claims, As::At("192.0.2.1")).await;
    assert_eq!(refused.code(), "QUERY_TOO_EXPENSIVE", "{refused:?}");
    assert!(
        refused.body["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("at most 10"),
        "{refused:?}"
    );
}

async fn what_is_wrong_is_not_free(database: Database) {
    let (app, _) = service(database, SMALL).await;
    let mut left = 100;
    for wrong in [
        "{",
        "{ nothing }",
        "{ initiatives(first: $none) { totalCount } }",
        "query A { viewer { id } } query B { viewer { id } }",
    ] {
        let answer = ask(&app, wrong, STEWARD).await;
        left -= 1;
        assert_eq!(
            (answer.code(), answer.remaining()),
            ("BAD_USER_INPUT", left),
            "{answer:?}"
        );
    }
}

async fn over_a_websocket_a_budget_is_told_and_spent_too(database: Database) {
    let (app, _) = service(database, SMALL).await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    socket.subscribe("1", NINE).await;
    let mut told = socket.hear().await;
    let cost = told["payload"]["extensions"]["cost"].take();
    assert_eq!(
        (&cost["requested"], &cost["rateLimit"]["remaining"]),
        (&json!(9), &json!(91)),
        "{told}"
    );
    assert_eq!(socket.hear().await["type"], "complete");
    // A subscription pays for its first answer when it begins, and for each answer after it.
    let subscription =
        "subscription { patternChanged(when: {}, then: {}, scope: VISIBLE) { table { population } } }";
    socket.subscribe("2", subscription).await;
    let told = socket.hear().await;
    let cost = &told["payload"]["extensions"]["cost"];
    assert_eq!(
        (&cost["requested"], &cost["rateLimit"]["remaining"]),
        (&json!(30), &json!(61)),
        "{told}"
    );
    app.publish(&[record("1").json()]).await;
    let told = socket.hear().await;
    assert_eq!(
        told["payload"]["data"]["patternChanged"]["table"]["population"], 1,
        "{told}"
    );
    assert_eq!(
        told["payload"]["extensions"]["cost"]["rateLimit"]["remaining"], 31,
        "{told}"
    );
    // What is refused is told as an error of the operation.
    socket.subscribe("3", SIXTY).await;
    let told = socket.hear().await;
    assert_eq!(
        (&told["type"], &told["id"]),
        (&json!("error"), &json!("3")),
        "{told}"
    );
    assert_eq!(
        told["payload"][0]["extensions"],
        json!({"code": "RATE_LIMITED", "retryAfterSeconds": 30}),
        "{told}"
    );
    // The subscription goes on, whatever is left.
    app.publish(&[record("2").json()]).await;
    let told = socket.hear().await;
    assert_eq!(
        told["payload"]["data"]["patternChanged"]["table"]["population"], 2,
        "{told}"
    );
    assert_eq!(
        told["payload"]["extensions"]["cost"]["rateLimit"]["remaining"], 0,
        "{told}"
    );
    socket.complete("2").await;
    until("it has ended", || app.app.live.followed_for() == 0).await;
}

fn persisted(document: &str) -> Value {
    let hash = hex::encode(Sha256::digest(document.as_bytes()));
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

async fn a_document_is_sent_once_and_then_named_by_its_hash(database: Database) {
    let (app, _) = service(database, SMALL).await;
    let document = "query First($first: Int) { initiatives(first: $first) { nodes { title } } }";
    let named = json!({"extensions": persisted(document), "variables": {"first": 1}});
    let mut with_document = named.clone();
    with_document["query"] = document.into();
    for (accept, status) in [
        ("application/json", StatusCode::OK),
        (NEW, StatusCode::BAD_REQUEST),
    ] {
        let unknown = post(&app, &named, accept, STEWARD).await;
        assert_eq!(
            (unknown.status, unknown.code()),
            (status, "PERSISTED_QUERY_NOT_FOUND"),
            "{unknown:?}"
        );
        assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    }
    let expected = json!({"initiatives": {"nodes": []}});
    let answer = post(&app, &with_document, NEW, STEWARD).await;
    assert_eq!(
        (answer.status, &answer.body["data"]),
        (StatusCode::OK, &expected),
        "{answer:?}"
    );
    let answer = post(&app, &named, NEW, STEWARD).await;
    assert_eq!(answer.body["data"], expected, "{answer:?}");
    // By GET, an address with nothing but the hash is enough.
    let mut address = String::from("/graphql?extensions=");
    for byte in persisted(document).to_string().bytes() {
        write!(address, "%{byte:02X}").unwrap();
    }
    let get = Request::get(address).body(Body::empty()).unwrap();
    let answer = send(&app, get, STEWARD).await;
    assert_eq!(answer.body["data"], expected, "{answer:?}");
    // And over a WebSocket.
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    socket
        .say(json!({"id": "1", "type": "subscribe", "payload": {"extensions": persisted(document)}}))
        .await;
    assert_eq!(socket.hear().await["payload"]["data"], expected);
    drop(listening);

    let mut wrong = with_document.clone();
    wrong["query"] = NINE.into();
    let answer = post(&app, &wrong, NEW, STEWARD).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"),
        "{answer:?}"
    );
    // What is not right is not kept, and what is neither sent nor named is no request.
    for wrong in ["{", "{ nothing }"] {
        let sent = json!({"query": wrong, "extensions": persisted(wrong)});
        assert_eq!(post(&app, &sent, NEW, STEWARD).await.code(), "BAD_USER_INPUT");
        let named = json!({"extensions": persisted(wrong)});
        assert_eq!(
            post(&app, &named, NEW, STEWARD).await.code(),
            "PERSISTED_QUERY_NOT_FOUND"
        );
    }
    for none in [json!({}), json!({"extensions": {}}), json!({"query": null})] {
        let answer = post(&app, &none, "application/json", STEWARD).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{none}: {answer:?}");
    }
    // A mutation that is named is no query by GET either.
    let mutation = "mutation { discardSubmission(input: {id: \"x\"}) { userErrors { code } } }";
    app.app.costs.persisted.keep(
        persisted(mutation)["persistedQuery"]["sha256Hash"]
            .as_str()
            .unwrap()
            .to_owned(),
        mutation,
    );
    let mut address = String::from("/graphql?extensions=");
    for byte in persisted(mutation).to_string().bytes() {
        write!(address, "%{byte:02X}").unwrap();
    }
    let get = Request::get(address).body(Body::empty()).unwrap();
    assert_eq!(
        send(&app, get, STEWARD).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

async fn a_schema_that_is_closed_is_hinted_at_nowhere(database: Database) {
    let open = Settings { most: 1_000, ..SMALL };
    let schema = "{ __schema { queryType { name } } }";
    let one = "{ __type(name: \"Place\") { name } }";
    let (app, _) = service(database.clone(), open).await;
    assert_eq!(
        ask(&app, schema, STEWARD).await.body["data"]["__schema"]["queryType"]["name"],
        "Query"
    );
    let hinted = ask(&app, "{ initiative { id } } ", STEWARD).await;
    assert_eq!(hinted.code(), "BAD_USER_INPUT");
    let hinted = ask(&app, "{ viewr { id } }", STEWARD).await;
    let message = hinted.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("Did you mean"), "{message}");

    let closed = Settings {
        introspection: Introspection::Closed,
        ..open
    };
    let (app, _) = service(database, closed).await;
    for asked in [
        schema,
        one,
        "query A { ...S } fragment S on Query { __schema { types { name } } }",
    ] {
        let refused = post(&app, &json!({"query": asked}), NEW, STEWARD).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::FORBIDDEN, "FORBIDDEN"),
            "{refused:?}"
        );
    }
    let answer = ask(&app, "{ __typename viewer { __typename } }", STEWARD).await;
    assert_eq!(answer.body["data"]["viewer"]["__typename"], "Viewer");
    for wrong in [
        "{ viewr { id } }",
        "{ viewer { idd } }",
        "{ initiatives(frst: 1) { totalCount } }",
        "{ viewer @skip(iff: true) { id } }",
        "{ vocabulary { roles { cod } } }",
    ] {
        let answer = ask(&app, wrong, STEWARD).await;
        assert!(!answer.body.to_string().contains("Did you mean"), "{answer:?}");
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{answer:?}");
    }
}

async fn files_are_paid_for_as_the_questions_they_answer(database: Database) {
    let (app, clock) = service(database, SMALL).await;
    let get = async |path: &str, by| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        send(&app, request, by).await
    };
    let pattern = "/export/pattern.csv?when=%7B%7D&then=%7B%7D";
    let file = get(pattern, STEWARD).await;
    assert_eq!(file.status, StatusCode::OK, "{file:?}");
    assert_eq!(
        (file.number("query-cost"), file.number("ratelimit-remaining")),
        (Some(30), Some(70))
    );
    get(pattern, STEWARD).await;
    get(pattern, STEWARD).await;
    let refused = get(pattern, STEWARD).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
        "{refused:?}"
    );
    assert_eq!(refused.number("retry-after"), Some(21));
    clock.turn(21);
    assert_eq!(get(pattern, STEWARD).await.status, StatusCode::OK);
    clock.turn(1_000);
    let dear = get("/export/grid.csv?rows=STEP&columns=CHALLENGE", STEWARD).await;
    assert_eq!(
        (dear.status, dear.code()),
        (StatusCode::BAD_REQUEST, "QUERY_TOO_EXPENSIVE"),
        "{dear:?}"
    );
    for _ in 0..10 {
        let unknown = get(pattern, As::At("192.0.2.1")).await;
        assert_eq!(unknown.status, StatusCode::UNAUTHORIZED, "{unknown:?}");
    }
    let refused = get(pattern, As::At("192.0.2.1")).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused:?}");
}
