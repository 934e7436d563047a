//! Links that open a file without a token.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{DateTime, Utc};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use wayin::auth::jwt::TokenSubject;
use wayin::auth::member;
use wayin::clock::{Clock, SystemClock};
use wayin::expiry::{ExpiryPolicy, delete_expired};
use wayin::export_link::{LIFETIME, LINK_PATH, MAX_LIVE_LINKS};
use wayin::graphql::operation::cost::{CostSettings, Introspection, RateLimit, RateLimits};
use wayin_entity::{Role, export_link};

use crate::support::app::{Client, ISSUER, TestApp, unlimited_cost_settings};
use crate::support::builders::record;
use crate::support::clock::ManualClock;
use crate::support::http::{export_address, get, send};
use crate::support::places::PLACES;
use crate::support::redaction::{read_all_text, redact};
use crate::support::tokens::{find_member_id, issue_token, revoke_token};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    link_sends_the_file_of_its_member_without_a_token,
    link_ends_after_its_lifetime,
    link_follows_the_present_rights_of_its_member,
    link_ends_with_the_token_that_created_it,
    link_is_not_stored_and_opens_nothing_else,
    link_is_charged_to_its_member,
    wrong_addresses_are_refused_at_once,
    live_links_of_a_member_are_limited,
    redaction_ends_all_links,
];

const REGIONS: &str = "/export/distribution.csv?of=REGION";
const VISIBLE_PLACES: &str = "/export/distribution.csv?of=PLACE&scope=VISIBLE";
const FUNDER: &str = "GB-CHC-20";

/// A service with an open record and one for members, and the clock of the service.
async fn start_with_records(database: Database, costs: CostSettings) -> (TestApp, Arc<ManualClock>) {
    let clock = ManualClock::new();
    let app = TestApp::with_costs(database, costs, Arc::<ManualClock>::clone(&clock)).await;
    app.import_places(PLACES).await;
    let records = [
        record("open").in_place("E06000001").build(),
        record("members")
            .with("visibility", "MEMBERS")
            .in_place("E06000002")
            .build(),
    ];
    app.publish(&records).await;
    (app, clock)
}

/// Runs `createExportLink`; returns its payload.
async fn create_link(client: &Client<'_>, address: &str) -> Value {
    let query = "mutation($input: CreateExportLinkInput!) { createExportLink(input: $input) {
        url expiresAt problems { code message path } } }";
    let input = json!({"input": {"address": address}});
    let mut response = client.execute_with(query, input).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"]["createExportLink"].take()
}

/// Creates a link; returns its path.
async fn create_url(client: &Client<'_>, address: &str) -> String {
    let created = create_link(client, address).await;
    assert_eq!(created["problems"], json!([]), "{created}");
    created["url"].as_str().unwrap().to_owned()
}

/// Opens a path without a token.
async fn open(app: &TestApp, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    send(&app.app, get(path, None)).await
}

/// Asserts that a path opens no file, and does not say why.
async fn assert_ended(app: &TestApp, path: &str) {
    let (status, headers, body) = open(app, path).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    assert_eq!(
        body["errors"][0]["message"],
        "this link has ended; ask for a new one"
    );
    assert_eq!(body["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
}

/// The body of a file that a request without a token or with one gets.
async fn read_file(app: &TestApp, path: &str, reader: Option<&Client<'_>>) -> Vec<u8> {
    let authorization = reader.and_then(|reader| reader.authorization.as_deref());
    let (status, _, body) = send(&app.app, get(path, authorization)).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "{path}: {}",
        String::from_utf8_lossy(&body)
    );
    body
}

async fn link_sends_the_file_of_its_member_without_a_token(database: Database) {
    let (app, clock) = start_with_records(database, unlimited_cost_settings()).await;
    let steward = app.steward().await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let among = json!({"of": "REGION", "among": {"title": {"contains": "Initiative"}}});
    for address in [
        REGIONS.to_owned(),
        export_address("distribution", &among),
        "/export/pattern.csv?when=%7B%7D&then=%7B%7D&by=REGION".to_owned(),
    ] {
        let created = create_link(&dashboard, &address).await;
        let url = created["url"].as_str().unwrap();
        assert!(url.starts_with("/export/link/wayin_link_"), "{url}");
        let until: DateTime<Utc> = created["expiresAt"].as_str().unwrap().parse().unwrap();
        assert_eq!(until, clock.now() + LIFETIME);
        let (status, headers, body) = open(&app, url).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        let direct = get(&address, dashboard.authorization.as_deref());
        let (_, expected_headers, expected) = send(&app.app, direct).await;
        assert_eq!(body, expected, "{address}");
        for name in [header::CONTENT_TYPE, header::CONTENT_DISPOSITION] {
            assert_eq!(headers[&name], expected_headers[&name]);
        }
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        // A spreadsheet may ask for the headers first, and more than once.
        let head = Request::head(url).body(Body::empty()).unwrap();
        let (status, _, body) = send(&app.app, head).await;
        assert_eq!((status, body), (StatusCode::OK, Vec::new()));
    }
    let counts = steward
        .query("{ questionCounts { member { subject } questions } }")
        .await;
    assert_eq!(
        counts["questionCounts"],
        json!([{"member": {"subject": "dashboard"}, "questions": 9}])
    );
    let events = steward
        .query("{ auditEvents(filter: {action: \"createExportLink\"}) { nodes { actor { subject } subjectType detail } } }")
        .await;
    let event = &events["auditEvents"]["nodes"][2];
    assert_eq!(event["actor"]["subject"], "dashboard");
    assert_eq!(event["subjectType"], "Member");
    assert_eq!(
        event["detail"]["file"], "/export/distribution.csv",
        "the event does not say what was asked"
    );
    assert!(!events.to_string().contains("REGION"), "{events}");
    app.assert_no_violations().await;
}

async fn link_ends_after_its_lifetime(database: Database) {
    let (app, clock) = start_with_records(database, unlimited_cost_settings()).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let url = create_url(&dashboard, REGIONS).await;
    let sweep = async || {
        delete_expired(&app.app.db, &SystemClock, &ExpiryPolicy::default(), clock.now())
            .await
            .unwrap()
            .export_links
    };
    clock.advance_seconds(LIFETIME.num_seconds() - 1);
    assert_eq!(sweep().await, 0);
    read_file(&app, &url, None).await;
    clock.advance_seconds(1);
    assert_ended(&app, &url).await;
    assert_eq!(sweep().await, 1);
    assert_ended(&app, &url).await;
    assert!(
        export_link::Entity::find()
            .all(&app.app.db)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn link_follows_the_present_rights_of_its_member(database: Database) {
    let (app, _) = start_with_records(database, unlimited_cost_settings()).await;
    let ada = app.create_member("ada", Role::Funder, Some(FUNDER)).await;
    let bo = app.create_member("bo", Role::Dashboard, None).await;
    app.catch_up().await;
    let url = create_url(&ada, VISIBLE_PLACES).await;
    let as_funder = read_file(&app, &url, None).await;
    assert_eq!(as_funder, read_file(&app, VISIBLE_PLACES, Some(&ada)).await);
    let as_dashboard = read_file(&app, VISIBLE_PLACES, Some(&bo)).await;
    assert_ne!(as_funder, as_dashboard);
    app.create_member("ada", Role::Dashboard, None).await;
    assert_eq!(read_file(&app, &url, None).await, as_dashboard);
    let named = TokenSubject {
        issuer: ISSUER.into(),
        subject: "ada".into(),
    };
    member::revoke(&app.app.db, &TestApp::action(), &named)
        .await
        .unwrap();
    assert_ended(&app, &url).await;
    // The links of others are not affected.
    read_file(&app, &create_url(&bo, VISIBLE_PLACES).await, None).await;
}

async fn link_ends_with_the_token_that_created_it(database: Database) {
    let (app, _) = start_with_records(database, unlimited_cost_settings()).await;
    let steward = app.steward().await;
    let mut dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let with_other_token = create_url(&dashboard, REGIONS).await;
    let owner = find_member_id(&steward, "dashboard").await;
    let issued = issue_token(&steward, json!({"member": owner, "name": "A spreadsheet"})).await;
    dashboard.authorization = Some(format!("Bearer {}", issued["token"].as_str().unwrap()));
    let url = create_url(&dashboard, REGIONS).await;
    read_file(&app, &url, None).await;
    revoke_token(&steward, &issued["issuedToken"]["id"]).await;
    assert_ended(&app, &url).await;
    read_file(&app, &with_other_token, None).await;
}

async fn link_is_not_stored_and_opens_nothing_else(database: Database) {
    let (app, _) = start_with_records(database, unlimited_cost_settings()).await;
    let mut client = app.create_member("dashboard", Role::Dashboard, None).await;
    let url = create_url(&client, REGIONS).await;
    let secret = url.strip_prefix(LINK_PATH).unwrap().to_owned();
    let all = read_all_text(&app).await;
    assert!(all.contains(REGIONS), "the address is kept");
    assert!(!all.contains(&secret), "the secret is kept nowhere");
    assert!(!all.contains(secret.trim_start_matches("wayin_link_")));
    client.authorization = Some(format!("Bearer {secret}"));
    assert_eq!(
        client.query_error("{ viewer { subject } }").await.1,
        "UNAUTHENTICATED"
    );
    let direct = get(REGIONS, client.authorization.as_deref());
    assert_eq!(send(&app.app, direct).await.0, StatusCode::UNAUTHORIZED);
    // A path below the link, another method and other parameters change nothing.
    let (status, ..) = open(&app, &format!("{url}/graphql")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let post = Request::post(&url).body(Body::from("{}")).unwrap();
    assert_eq!(send(&app.app, post).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let plain = read_file(&app, &url, None).await;
    assert_eq!(
        read_file(&app, &format!("{url}?of=PLACE"), None).await,
        plain,
        "the link is for one question"
    );
    for wrong in ["wayin_link_", "x", &secret[1..], &format!("{secret}A")] {
        assert_ended(&app, &format!("{LINK_PATH}{wrong}")).await;
    }
    // Nobody without a token can create a link.
    let mutation = format!("mutation {{ createExportLink(input: {{address: \"{REGIONS}\"}}) {{ url }} }}");
    assert_eq!(app.anonymous().query_error(&mutation).await.1, "UNAUTHENTICATED");
}

/// A member has 1,000 points and an address has 3.
const SMALL_SETTINGS: CostSettings = CostSettings {
    max_points: 900,
    rates: RateLimits {
        token: RateLimit {
            capacity: 1_000,
            per_minute: 60,
        },
        address: RateLimit {
            capacity: 3,
            per_minute: 1,
        },
    },
    trusted_hops: 0,
    introspection: Introspection::Open,
};

async fn link_is_charged_to_its_member(database: Database) {
    let (app, _) = start_with_records(database, SMALL_SETTINGS).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let address = "/export/pattern.csv?when=%7B%7D&then=%7B%7D";
    let url = create_url(&dashboard, address).await;
    let read_number = |headers: &HeaderMap, name: &str| -> u64 {
        let value = headers.get(name).unwrap_or_else(|| panic!("{headers:?}"));
        value.to_str().unwrap().parse().unwrap()
    };
    let (_, direct, _) = send(&app.app, get(address, dashboard.authorization.as_deref())).await;
    // The limit of addresses does not apply to a link that opens a file.
    for used in 1..=5 {
        let (status, headers, _) = open(&app, &url).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(read_number(&headers, "query-cost"), 30);
        assert_eq!(
            read_number(&headers, "ratelimit-remaining"),
            read_number(&direct, "ratelimit-remaining") - 30 * used
        );
    }
    // Guesses are charged to the address.
    let guess = format!("{LINK_PATH}wayin_link_{}", "A".repeat(43));
    for _ in 0..3 {
        assert_ended(&app, &guess).await;
    }
    let (status, headers, _) = open(&app, &guess).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(headers.contains_key(header::RETRY_AFTER));
    let mut status = StatusCode::OK;
    while status == StatusCode::OK {
        status = open(&app, &url).await.0;
    }
    assert_eq!(
        status,
        StatusCode::TOO_MANY_REQUESTS,
        "the member's points are spent"
    );
}

async fn wrong_addresses_are_refused_at_once(database: Database) {
    let (app, _) = start_with_records(database, unlimited_cost_settings()).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    for (address, reason) in [
        ("", "is not the address of a file"),
        ("/graphql?query=%7B__typename%7D", "is not the address of a file"),
        ("/export/link/wayin_link_x", "is not the address of a file"),
        ("/imports/x/corrections.xlsx", "is not the address of a file"),
        (
            "https://example.org/export/distribution.csv?of=REGION",
            "is not the address of a file",
        ),
        (
            "//example.org/export/distribution.csv?of=REGION",
            "is not the address of a file",
        ),
        ("/export/distribution.csv", "of: is needed"),
        ("/export/distribution.csv?of=TOWN", "of: "),
        (
            "/export/distribution.csv?of=REGION&first=1",
            "first: this file has no such parameter",
        ),
        ("/export/distribution.csv?of=REGION&scope=NONE", "scope: "),
        ("/export/distribution.csv?of=REGION&among=%7B", "among: "),
        (
            "/export/distribution.csv?of=REGION&minChangeNumber=x",
            "minChangeNumber: is not a whole number",
        ),
    ] {
        let refused = create_link(&dashboard, address).await;
        assert_eq!(
            (&refused["url"], &refused["expiresAt"]),
            (&Value::Null, &Value::Null)
        );
        let [problem] = refused["problems"].as_array().unwrap().as_slice() else {
            panic!("{address}: {refused}");
        };
        assert_eq!(problem["code"], "INVALID_FORMAT", "{address}");
        assert_eq!(problem["path"], json!(["address"]), "{address}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.starts_with(reason), "{address}: {message}");
    }
    let long = format!("{REGIONS}&among={}", "a".repeat(32_000));
    let refused = create_link(&dashboard, &long).await;
    assert_eq!(refused["problems"][0]["path"], json!(["address"]));
    assert!(
        export_link::Entity::find()
            .all(&app.app.db)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn live_links_of_a_member_are_limited(database: Database) {
    let (app, clock) = start_with_records(database, unlimited_cost_settings()).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let other = app.create_member("other", Role::Dashboard, None).await;
    for _ in 0..MAX_LIVE_LINKS {
        create_url(&dashboard, REGIONS).await;
    }
    let refused = create_link(&dashboard, REGIONS).await;
    assert_eq!(refused["url"], Value::Null);
    assert_eq!(refused["problems"][0]["code"], "NOT_ALLOWED", "{refused}");
    create_url(&other, REGIONS).await;
    clock.advance_seconds(LIFETIME.num_seconds());
    create_url(&dashboard, REGIONS).await;
}

async fn redaction_ends_all_links(database: Database) {
    let (app, _) = start_with_records(database, unlimited_cost_settings()).await;
    let steward = app.steward().await;
    let among = json!({"of": "REGION", "among": {"title": {"contains": "Initiative open"}}});
    let url = create_url(&steward, &export_address("distribution", &among)).await;
    read_file(&app, &url, None).await;
    redact(&steward, "Initiative open", "They asked").await;
    assert_ended(&app, &url).await;
}
