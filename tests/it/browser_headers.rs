//! Headers for browsers: CORS, caching and security headers.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;
use tower::ServiceExt;
use wayin::cors::AllowedOrigins;
use wayin::server;
use wayin::server::settings::{AllowedCorsHeaders, HttpSettings};
use wayin_entity::Role;

use crate::support::app::{TestApp, sign_token};
use crate::support::socket::TestServer;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    response_media_type_is_negotiated,
    cross_site_simple_requests_are_rejected,
    listed_origins_are_allowed,
    listed_cors_headers_are_allowed,
    public_responses_are_cacheable,
    security_headers_are_on_every_response,
    pages_let_their_own_origin_know_where_forms_come_from,
    browsers_get_errors_as_pages,
];

async fn send_request(app: &TestApp, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let response = server::build_router(Arc::clone(&app.app))
        .oneshot(request)
        .await
        .unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 4 << 20).await.unwrap();
    (status, headers, String::from_utf8_lossy(&body).into_owned())
}

fn parse_json(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"))
}

async fn response_media_type_is_negotiated(database: Database) {
    const GRAPHQL_RESPONSE_MEDIA_TYPE: &str = "application/graphql-response+json";
    const JSON_MEDIA_TYPE: &str = "application/json";
    let app = TestApp::start(database).await;
    let ask = async |accept: Option<&str>, body: Value| {
        let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        if let Some(accept) = accept {
            request = request.header(header::ACCEPT, accept);
        }
        send_request(&app, request.body(Body::from(body.to_string())).unwrap()).await
    };
    let query = json!({"query": "{ vocabulary { roles { code } } }"});
    let unparsed = json!({"query": "{"});
    let unknown = json!({"query": "{ nothing }"});
    let of_another_type = json!({
        "query": "query($slug: String!) { claim(slug: $slug) { slug } }", "variables": {"slug": 3},
    });
    let members_only = json!({"query": "{ viewer { role } }"});
    for (accept, kind, of_bad_request, without_token) in [
        (None, JSON_MEDIA_TYPE, StatusCode::OK, StatusCode::OK),
        (Some("*/*"), JSON_MEDIA_TYPE, StatusCode::OK, StatusCode::OK),
        (
            Some(JSON_MEDIA_TYPE),
            JSON_MEDIA_TYPE,
            StatusCode::OK,
            StatusCode::OK,
        ),
        (
            Some(GRAPHQL_RESPONSE_MEDIA_TYPE),
            GRAPHQL_RESPONSE_MEDIA_TYPE,
            StatusCode::BAD_REQUEST,
            StatusCode::UNAUTHORIZED,
        ),
        (
            Some("application/graphql-response+json, application/json;q=0.9"),
            GRAPHQL_RESPONSE_MEDIA_TYPE,
            StatusCode::BAD_REQUEST,
            StatusCode::UNAUTHORIZED,
        ),
        (
            Some("application/json, application/graphql-response+json;q=0.5"),
            JSON_MEDIA_TYPE,
            StatusCode::OK,
            StatusCode::OK,
        ),
    ] {
        for (body, expected, data) in [
            (&query, StatusCode::OK, true),
            (&unparsed, of_bad_request, false),
            (&unknown, of_bad_request, false),
            (&of_another_type, of_bad_request, false),
            (&members_only, without_token, false),
        ] {
            let (status, headers, answer) = ask(accept, body.clone()).await;
            assert_eq!(status, expected, "{accept:?} {body}: {answer}");
            let said = headers[header::CONTENT_TYPE].to_str().unwrap();
            assert_eq!(said, format!("{kind}; charset=utf-8"), "{accept:?} {body}");
            assert_eq!(headers[header::CACHE_CONTROL], "no-store");
            if *body == members_only {
                assert_eq!(headers[header::WWW_AUTHENTICATE], "Bearer", "{answer}");
            }
            assert_eq!(
                parse_json(&answer).get("data").is_some(),
                data,
                "{body}: {answer}"
            );
        }
    }
    let (status, _, answer) = ask(Some("text/html"), query).await;
    assert_eq!(status, StatusCode::NOT_ACCEPTABLE, "{answer}");
}

async fn cross_site_simple_requests_are_rejected(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let query = json!({"query": "{ __typename }"}).to_string();
    let part = "--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{\"query\": \"{ __typename }\"}\r\n\
         --x\r\ncontent-disposition: form-data; name=\"map\"\r\n\r\n{}\r\n--x--\r\n";
    for (kind, body, expected) in [
        (None, query.as_str(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            Some("text/plain"),
            query.as_str(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            Some("text/plain; application/json"),
            query.as_str(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            Some("application/x-www-form-urlencoded"),
            "query={__typename}",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            Some("multipart/form-data; boundary=x"),
            part,
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        let mut request = Request::post("/graphql").header(header::ORIGIN, "https://evil.example.org");
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let (status, headers, answer) =
            send_request(&app, request.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(status, expected, "{kind:?}: {answer}");
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}

async fn listed_origins_are_allowed(database: Database) {
    let dashboard = "https://dashboard.example.org";
    let alone = TestApp::start(database.clone()).await;
    let named = TestApp::start_with(database, |app| {
        app.with_allowed_origins(AllowedOrigins::parse("https://dashboard.example.org").unwrap())
    })
    .await;
    let preflight = |origin: &str| {
        Request::options("/graphql")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(
                header::ACCESS_CONTROL_REQUEST_HEADERS,
                "authorization,content-type",
            )
            .body(Body::empty())
            .unwrap()
    };
    let (status, headers, _) = send_request(&named, preflight(dashboard)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], dashboard);
    let allowed = headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    assert!(
        allowed.contains("authorization") && allowed.contains("content-type"),
        "{allowed}"
    );
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    for (app, origin) in [
        (&named, "https://evil.example.org"),
        (&named, "https://dashboard.example.org.evil.example"),
        (&alone, dashboard),
    ] {
        let (_, headers, _) = send_request(app, preflight(origin)).await;
        assert!(
            !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            "{origin}"
        );
    }
    // A WebSocket has no preflight request. Its origin is checked when it connects.
    named.create_member("reader", Role::Dashboard, None).await;
    let listening = TestServer::start(&named).await;
    let own = listening.origin();
    for (origin, is_welcome) in [
        (None, true),
        (Some(own.as_str()), true),
        (Some(dashboard), true),
        (Some("https://evil.example.org"), false),
        (Some("null"), false),
    ] {
        match listening.connect_from(origin).await {
            Ok(mut socket) => {
                assert!(is_welcome, "{origin:?} must be allowed");
                socket
                    .init(Some(&format!("Bearer {}", sign_token("reader"))))
                    .await;
                let answer = socket.query("1", "{ viewer { role } }").await;
                assert_eq!(answer["data"]["viewer"]["role"], "DASHBOARD", "{answer}");
            }
            Err(Error::Http(response)) => {
                assert!(!is_welcome, "{origin:?} must be refused");
                assert_eq!(response.status(), StatusCode::FORBIDDEN);
            }
            Err(other) => panic!("{origin:?}: {other}"),
        }
    }
}

async fn listed_cors_headers_are_allowed(database: Database) {
    let allowed = async |database: Database, setting: Option<&str>, asked: &str| {
        let app = TestApp::start_with(database, |app| {
            let http = HttpSettings {
                cors_headers: setting.map_or_else(AllowedCorsHeaders::default, |list| {
                    AllowedCorsHeaders::parse(list).unwrap()
                }),
                ..HttpSettings::default()
            };
            app.with_http_settings(http)
                .with_allowed_origins(AllowedOrigins::parse("https://dashboard.example.org").unwrap())
        })
        .await;
        let preflight = Request::options("/graphql")
            .header(header::ORIGIN, "https://dashboard.example.org")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, asked)
            .body(Body::empty());
        let (status, headers, _) = send_request(&app, preflight.unwrap()).await;
        assert_eq!(status, StatusCode::OK);
        let named = headers.get(header::ACCESS_CONTROL_ALLOW_HEADERS);
        named.map_or_else(String::new, |named| named.to_str().unwrap().to_owned())
    };
    for (setting, asked, expected) in [
        // The headers of Apollo Client with a name, and with a file upload; of Sentry and W3C Trace Context; of
        // urql and Relay.
        (
            None,
            "apollographql-client-name,apollographql-client-version,authorization,content-type",
            "apollographql-client-name,apollographql-client-version,authorization,content-type",
        ),
        (
            None,
            "Apollo-Require-Preflight, Content-Type",
            "Apollo-Require-Preflight,Content-Type",
        ),
        (
            None,
            "baggage,sentry-trace,traceparent,tracestate",
            "baggage,sentry-trace,traceparent,tracestate",
        ),
        (
            None,
            "accept,authorization,content-type",
            "accept,authorization,content-type",
        ),
        (None, "authorization,x-of-nobody,cookie", "authorization"),
        (None, "x-of-nobody", ""),
        (
            Some("x-ours, authorization"),
            "x-ours,authorization,traceparent",
            "x-ours,authorization",
        ),
        (
            Some("*"),
            "x-of-nobody,authorization",
            "x-of-nobody,authorization",
        ),
        (Some(""), "authorization", ""),
    ] {
        assert_eq!(
            allowed(database.clone(), setting, asked).await,
            expected,
            "{setting:?} {asked}"
        );
    }
}

async fn public_responses_are_cacheable(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let get = async |path: &str, held: Option<&str>, authorization: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(held) = held {
            request = request.header(header::IF_NONE_MATCH, held);
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        send_request(&app, request.body(Body::empty()).unwrap()).await
    };
    for path in [
        "/schema.graphql",
        "/graphql?query=%7Bvocabulary%7Broles%7Bcode%7D%7D%7D",
        "/graphql?query=%7Bterms%7Bnodes%7Bname%7D%7D%7D",
        "/graphql?query=%7Bclaims%7Bnodes%7Bstatement%7D%7D%7D",
        "/graphql?query=%7B__schema%7Btypes%7Bname%7D%7D%7D",
    ] {
        let (status, headers, first) = get(path, None, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {first}");
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=60", "{path}");
        let tag = headers[header::ETAG].to_str().unwrap().to_owned();
        let (status, headers, again) = get(path, Some(&tag), None).await;
        assert_eq!((status, again.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        assert_eq!(headers[header::ETAG], tag.as_str());
        let (status, _, other) = get(path, Some("W/\"another\""), None).await;
        assert_eq!((status, other), (StatusCode::OK, first), "{path}");
    }
    // Different content has a different ETag.
    let tag = |headers: &HeaderMap| headers[header::ETAG].to_str().unwrap().to_owned();
    let terms = "/graphql?query=%7Bterms%7BtotalCount%7D%7D";
    let before = tag(&get(terms, None, None).await.1);
    let saved = app
        .steward()
        .await
        .query(
            "mutation { saveTerm(input: {slug: \"lever\", name: \"Lever\", definition: \"What moves a system.\"}) \
             { problems { message } } }",
        )
        .await;
    assert_eq!(saved["saveTerm"]["problems"], json!([]));
    assert_ne!(tag(&get(terms, None, None).await.1), before);
    // Personal responses and errors are not cached.
    let bearer = format!("Bearer {}", sign_token("steward"));
    for (path, authorization) in [
        (terms, Some(bearer.as_str())),
        (terms, Some("Bearer nonsense")),
        ("/graphql?query=%7Bviewer%7Brole%7D%7D", Some(bearer.as_str())),
        ("/graphql?query=%7Bviewer%7Brole%7D%7D", None),
        ("/graphql?query=%7Bnothing%7D", None),
    ] {
        let (_, headers, answer) = get(path, None, authorization).await;
        assert_eq!(
            headers[header::CACHE_CONTROL],
            "no-store",
            "{path} {authorization:?}: {answer}"
        );
        assert!(!headers.contains_key(header::ETAG), "{path}");
    }
}

async fn security_headers_are_on_every_response(database: Database) {
    let app = TestApp::start(database).await;
    for path in [
        "/",
        "/graphiql",
        "/graphiql/assets/boot.js",
        "/graphql",
        "/graphql?query=%7B__typename%7D",
        "/graphql/ws",
        "/schema.graphql",
        "/health/live",
        "/health/ready",
        "/export/pattern.csv",
        "/export/link/x",
        "/export/pattern.xlsx",
        "/template/records.xlsx",
        "/imports/x/corrections.xlsx",
        "/nowhere",
    ] {
        let (_, headers, _) = send_request(&app, Request::get(path).body(Body::empty()).unwrap()).await;
        let said = |name: &str| {
            let said = headers
                .get(name)
                .unwrap_or_else(|| panic!("{path} has no header {name}"));
            said.to_str().unwrap().to_owned()
        };
        assert_eq!(said("x-content-type-options"), "nosniff", "{path}");
        // The forms of the pages need the origin from which they are sent. The pages also answer unknown addresses.
        let is_page = ["/", "/nowhere"].contains(&path);
        let referrer_policy = if is_page { "same-origin" } else { "no-referrer" };
        assert_eq!(said("referrer-policy"), referrer_policy, "{path}");
        assert_eq!(said("x-frame-options"), "DENY", "{path}");
        assert_eq!(said("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(
            said("content-security-policy").contains("frame-ancestors 'none'"),
            "{path}"
        );
        said("cache-control");
    }
}

async fn pages_let_their_own_origin_know_where_forms_come_from(database: Database) {
    let app = TestApp::start(database).await;
    for (method, path, accept, status) in [
        (Method::GET, "/", "text/html", StatusCode::OK),
        (Method::GET, "/send", "text/html", StatusCode::SEE_OTHER),
        (Method::GET, "/review/members", "*/*", StatusCode::SEE_OTHER),
        (Method::POST, "/sign-out", "text/html", StatusCode::FORBIDDEN),
        (Method::POST, "/words", "*/*", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/claims/none", "text/html", StatusCode::NOT_FOUND),
        (Method::GET, "/review/members/abc", "*/*", StatusCode::NOT_FOUND),
        (
            Method::GET,
            "/sign-in?next=a&next=b",
            "*/*",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::ACCEPT, accept);
        let (found, headers, body) = send_request(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(found, status, "{method} {path}: {body}");
        let policies: Vec<&str> = headers
            .get_all(header::REFERRER_POLICY)
            .iter()
            .map(|policy| policy.to_str().unwrap())
            .collect();
        assert_eq!(policies, ["same-origin"], "{method} {path}");
    }
}

async fn browsers_get_errors_as_pages(database: Database) {
    let app = TestApp::start(database).await;
    for (method, path, status, text) in [
        (
            Method::GET,
            "/nowhere",
            StatusCode::NOT_FOUND,
            "There is nothing at this address",
        ),
        (
            Method::POST,
            "/nowhere",
            StatusCode::NOT_FOUND,
            "There is nothing at this address",
        ),
        (
            Method::GET,
            "/graphql/nowhere",
            StatusCode::NOT_FOUND,
            "There is nothing at this address",
        ),
        (
            Method::GET,
            "/assets/none.js",
            StatusCode::NOT_FOUND,
            "There is nothing at this address",
        ),
        (
            Method::GET,
            "/sign-out",
            StatusCode::METHOD_NOT_ALLOWED,
            "Only a form leads to this address",
        ),
        (
            Method::POST,
            "/words",
            StatusCode::METHOD_NOT_ALLOWED,
            "Only a form leads to this address",
        ),
        (
            Method::GET,
            "/sign-in?next=a&next=b",
            StatusCode::BAD_REQUEST,
            "A part of this address",
        ),
    ] {
        let open = async |accept: &str| {
            let request = Request::builder()
                .method(method.clone())
                .uri(path)
                .header(header::ACCEPT, accept);
            send_request(&app, request.body(Body::empty()).unwrap()).await
        };
        let (found, headers, page) = open("text/html,application/xhtml+xml,*/*;q=0.8").await;
        assert_eq!(found, status, "{method} {path}");
        assert!(page.contains(text), "{path}: {page}");
        assert!(
            page.contains("href=\"/crises\""),
            "{path} has the navigation: {page}"
        );
        assert_eq!(
            headers[header::CONTENT_TYPE],
            "text/html; charset=utf-8",
            "{path}"
        );
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self'"), "{path}: {policy}");
        assert_eq!(
            headers.contains_key(header::ALLOW),
            status == StatusCode::METHOD_NOT_ALLOWED,
            "{path}"
        );
        // Programs get the error as it is.
        for accept in ["*/*", "application/json"] {
            let (found, _, body) = open(accept).await;
            assert_eq!(found, status, "{method} {path}");
            assert!(!body.contains("<html"), "{path}: {body}");
        }
    }
}
