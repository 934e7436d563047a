//! What every route keeps to, as the router of the service lists the routes: a new route cannot be forgotten here.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use tower::ServiceExt as _;
use uuid::Uuid;
use wayin::id::NodeKind;
use wayin::pages::address_id::find_id_kind;
use wayin::server;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, HOST};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    forms_of_other_origins_are_refused,
    forms_without_the_token_of_their_session_are_refused,
    pages_take_no_other_methods,
    addresses_with_an_impossible_id_are_no_pages,
    session_changes_no_answer_of_the_api,
];

/// The first steps of the paths of pages.
const PAGES: [&str; 12] = [
    "",
    "assets",
    "claims",
    "crises",
    "explore",
    "invitation",
    "portfolio",
    "review",
    "send",
    "sign-in",
    "sign-out",
    "words",
];
/// The first steps of the paths of the API and of the explorer, which read no cookie.
const API: [&str; 8] = [
    "export",
    "graphiql",
    "graphql",
    "health",
    "imports",
    "schema.graphql",
    "submissions",
    "template",
];
/// The forms that people send before they have a session. Only their origin is checked.
const FORMS_OF_VISITORS: [&str; 3] = ["/invitation/{code}", "/sign-in", "/sign-in/{code}"];
/// The form with a file.
const FILE_FORM: &str = "/send/workbooks";
const OWN_ORIGIN: &str = "http://wayin.example.org";

/// The paths of all routes. Only the text for debugging of axum's router lists them.
fn list_paths(router: &Router) -> BTreeSet<String> {
    let written = format!("{router:?}");
    let paths: BTreeSet<String> = written
        .split("RouteId(")
        .filter_map(|route| {
            let (_, path) = route.split_once("): \"")?;
            Some(path.split_once('"')?.0.to_owned())
        })
        .filter(|path| !path.contains("__private__"))
        .collect();
    for known in [
        "/",
        "/graphql",
        "/export/pattern.csv",
        "/review/members/{id}/revoke",
    ] {
        assert!(paths.contains(known), "{known} is in {paths:?}");
    }
    paths
}

fn is_page(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    let (is_page, is_api) = (PAGES.contains(&first), API.contains(&first));
    assert!(is_page != is_api, "{path} must be a page or a part of the API");
    is_page
}

/// An address with something in place of each parameter. An id is one that an object could have.
fn fill_parameters(path: &str) -> String {
    let id = find_id_kind(path).map(|kind| kind.encode_id(Uuid::nil()));
    fill_with(path, id.as_deref().unwrap_or("x"))
}

/// An address with an id, and something in place of each other parameter.
fn fill_with(path: &str, id: &str) -> String {
    let steps: Vec<&str> = path
        .split('/')
        .map(|step| match step {
            "{id}" => id,
            step if step.starts_with('{') => "x",
            step => step,
        })
        .collect();
    steps.join("/")
}

async fn send(router: &Router, request: Request<Body>) -> (StatusCode, String) {
    let (status, _, text) = send_with_headers(router, request).await;
    (status, text)
}

async fn send_with_headers(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    (status, headers, String::from_utf8_lossy(&body).into_owned())
}

/// The service with a browser in which a steward has signed in. A steward may send each form.
struct Service<'a> {
    router: Router,
    browser: Browser<'a>,
}

impl<'a> Service<'a> {
    async fn start(app: &'a TestApp) -> Self {
        app.steward().await;
        Self {
            router: server::build_router(Arc::clone(&app.app)),
            browser: Browser::sign_in(app, "steward").await,
        }
    }

    fn list_page_paths(&self) -> Vec<String> {
        list_paths(&self.router)
            .into_iter()
            .filter(|path| is_page(path))
            .collect()
    }

    /// Sends the form of a path with a token, or without one, from a page with the given headers.
    async fn send_form(
        &self,
        path: &str,
        csrf: Option<&str>,
        headers: &[(&str, &str)],
    ) -> (StatusCode, String) {
        let (kind, body) = match (path, csrf) {
            (FILE_FORM, csrf) => {
                let field = csrf.map_or_else(String::new, |csrf| {
                    format!("--x\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n")
                });
                let mode = "--x\r\ncontent-disposition: form-data; name=\"mode\"\r\n\r\nDRAFT\r\n";
                (
                    "multipart/form-data; boundary=x",
                    format!("{field}{mode}--x--\r\n"),
                )
            }
            (_, Some(csrf)) => ("application/x-www-form-urlencoded", format!("csrf={csrf}")),
            (_, None) => ("application/x-www-form-urlencoded", String::new()),
        };
        let mut request = Request::post(fill_parameters(path))
            .header(header::HOST, HOST)
            .header(header::COOKIE, self.browser.cookie())
            .header(header::CONTENT_TYPE, kind);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(&self.router, request.body(Body::from(body)).unwrap()).await
    }
}

/// Checks that the paths with forms were found.
fn assert_forms(found: &BTreeSet<String>, paths: &[&str]) {
    assert!(found.len() > 20, "{found:?}");
    for path in paths {
        assert!(found.contains(*path), "{path} is in {found:?}");
    }
}

async fn forms_of_other_origins_are_refused(database: Database) {
    let app = TestApp::start(database).await;
    let service = Service::start(&app).await;
    let csrf = service.browser.csrf_token();
    let mut refused = BTreeSet::new();
    for path in service.list_page_paths() {
        for headers in [
            &[][..],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", OWN_ORIGIN), ("sec-fetch-site", "cross-site")],
            &[("origin", OWN_ORIGIN), ("sec-fetch-site", "same-site")],
        ] {
            let (status, text) = service.send_form(&path, Some(csrf), headers).await;
            match status {
                StatusCode::FORBIDDEN => {
                    assert!(text.contains("from a page of another website"), "{path}: {text}");
                    refused.insert(path.clone());
                }
                // There is no form at this path.
                StatusCode::METHOD_NOT_ALLOWED => {}
                other => panic!("{path} {headers:?}: {other} {text}"),
            }
        }
    }
    assert_forms(&refused, &FORMS_OF_VISITORS);
    assert_forms(&refused, &["/sign-out", FILE_FORM, "/review/members/{id}/revoke"]);
    // The browser is still signed in.
    assert!(service.browser.open_ok("/").await.contains("Sign out"));
}

async fn forms_without_the_token_of_their_session_are_refused(database: Database) {
    let app = TestApp::start(database).await;
    let service = Service::start(&app).await;
    let other = Browser::sign_in(&app, "steward").await;
    let mut refused = BTreeSet::new();
    for path in service.list_page_paths() {
        for csrf in [None, Some(""), Some("wrong"), Some(other.csrf_token())] {
            let (status, text) = service.send_form(&path, csrf, &[("origin", OWN_ORIGIN)]).await;
            let is_of_visitors = FORMS_OF_VISITORS.contains(&path.as_str());
            match status {
                StatusCode::FORBIDDEN => {
                    assert!(!is_of_visitors, "{path} is for visitors: {text}");
                    assert!(text.contains("before you signed in"), "{path}: {text}");
                    refused.insert(path.clone());
                }
                StatusCode::METHOD_NOT_ALLOWED => {
                    assert!(!is_of_visitors, "{path} takes a form: {text}");
                }
                other => assert!(is_of_visitors, "{path} {csrf:?}: {other} {text}"),
            }
        }
    }
    assert_forms(&refused, &["/sign-out", FILE_FORM, "/review/members/{id}/revoke"]);
    assert!(service.browser.open_ok("/").await.contains("Sign out"));
}

async fn pages_take_no_other_methods(database: Database) {
    let app = TestApp::start(database).await;
    let service = Service::start(&app).await;
    for path in service.list_page_paths() {
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let request = Request::builder()
                .method(method.clone())
                .uri(fill_parameters(&path))
                .header(header::HOST, HOST)
                .header(header::ORIGIN, OWN_ORIGIN)
                .header(header::COOKIE, service.browser.cookie())
                .body(Body::empty())
                .unwrap();
            let (status, _) = send(&service.router, request).await;
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}

async fn addresses_with_an_impossible_id_are_no_pages(database: Database) {
    let app = TestApp::start(database).await;
    let service = Service::start(&app).await;
    let other_kind = NodeKind::Place.encode_id(Uuid::nil());
    let mut addresses: Vec<String> = [
        "/claims/%FF",
        "/claims/%00",
        "/claims/x/%FF",
        "/claims/%FF/bars.svg",
    ]
    .map(ToOwned::to_owned)
    .into();
    for path in service.list_page_paths() {
        let has_id = path.contains("{id}");
        assert_eq!(
            find_id_kind(&path).is_some(),
            has_id,
            "the kind of the id in {path}"
        );
        if has_id {
            for id in ["abc", "%20", "%FF", "%00", &other_kind] {
                addresses.push(fill_with(&path, id));
            }
        }
    }
    assert!(addresses.len() > 100, "{addresses:?}");
    for address in addresses {
        // Programs and browsers get the same.
        for (method, accept) in [(Method::GET, "text/html"), (Method::POST, "*/*")] {
            let request = Request::builder()
                .method(method.clone())
                .uri(&address)
                .header(header::HOST, HOST)
                .header(header::ORIGIN, OWN_ORIGIN)
                .header(header::ACCEPT, accept)
                .header(header::COOKIE, service.browser.cookie())
                .body(Body::empty())
                .unwrap();
            let (status, headers, text) = send_with_headers(&service.router, request).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {address}: {text}");
            assert_eq!(
                headers[header::CONTENT_TYPE],
                "text/html; charset=utf-8",
                "{method} {address}"
            );
            assert!(
                text.contains("There is no such page") && text.contains("Sign out"),
                "{method} {address}: {text}"
            );
        }
    }
}

async fn session_changes_no_answer_of_the_api(database: Database) {
    let app = TestApp::start(database).await;
    let service = Service::start(&app).await;
    let paths: Vec<String> = list_paths(&service.router)
        .into_iter()
        .filter(|path| !is_page(path))
        .collect();
    assert!(paths.len() > 15, "{paths:?}");
    let mut unauthenticated = BTreeSet::new();
    for path in paths {
        for method in [Method::GET, Method::POST] {
            let answer = async |cookie: Option<String>| {
                let mut request = Request::builder()
                    .method(method.clone())
                    .uri(fill_parameters(&path))
                    .header(header::HOST, HOST)
                    .header(header::ORIGIN, OWN_ORIGIN);
                if let Some(cookie) = cookie {
                    request = request.header(header::COOKIE, cookie);
                }
                send(&service.router, request.body(Body::empty()).unwrap()).await
            };
            let without = answer(None).await;
            assert_eq!(
                answer(Some(service.browser.cookie())).await,
                without,
                "{method} {path}"
            );
            if without.0 == StatusCode::UNAUTHORIZED {
                unauthenticated.insert(path.clone());
            }
        }
    }
    for path in ["/imports/{id}/corrections.xlsx", "/submissions/corrections.xlsx"] {
        assert!(unauthenticated.contains(path), "{path} is in {unauthenticated:?}");
    }
}
