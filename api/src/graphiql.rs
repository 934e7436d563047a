//! The page at `/graphiql`, which sends queries by hand. All of its files are compiled in: the page loads
//! nothing from other servers.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_SECURITY_POLICY},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::graphql::operation::cost::Introspection;
use crate::http::static_file::{
    HTML_CONTENT_TYPE, SCRIPT_CONTENT_TYPE, STYLE_CONTENT_TYPE, SVG_CONTENT_TYPE, StaticFile,
    TEXT_CONTENT_TYPE,
};

/// The page loads only from its own origin and runs no inline script. `'self'` includes WebSockets to the
/// same host. The style with the hash stops the page from scrolling behind an open dialog
/// (react-remove-scroll, if the window has no scroll bar). The editor's style sheet contains `data:` images.
const PAGE_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; \
     style-src 'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='; \
     img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

const PAGE_HTML: &str = include_str!("../assets/graphiql/index.html");

/// The place in the page that says whether introspection is switched off. The page's script reads it.
const INTROSPECTION_CLOSED_NOTICE: (&str, &str) = (
    "  <body>\n",
    "  <body>\n    <p id=\"closed\">Introspection is switched off, so this page cannot complete or explain queries. You can still send them.</p>\n",
);

static PAGE: LazyLock<StaticFile> =
    LazyLock::new(|| StaticFile::new("index.html", HTML_CONTENT_TYPE, PAGE_HTML.as_bytes()));

static PAGE_WITHOUT_INTROSPECTION: LazyLock<StaticFile> = LazyLock::new(|| {
    let page = PAGE_HTML.replace(INTROSPECTION_CLOSED_NOTICE.0, INTROSPECTION_CLOSED_NOTICE.1);
    StaticFile::new("index.html", HTML_CONTENT_TYPE, page.into_bytes())
});

static ASSETS: LazyLock<[StaticFile; 8]> = LazyLock::new(|| {
    macro_rules! file {
        ($name:literal, $content_type:expr) => {
            StaticFile::new(
                $name,
                $content_type,
                &include_bytes!(concat!("../assets/graphiql/", $name))[..],
            )
        };
    }
    [
        file!("boot.js", SCRIPT_CONTENT_TYPE),
        file!("graphiql.min.js", SCRIPT_CONTENT_TYPE),
        file!("react.production.min.js", SCRIPT_CONTENT_TYPE),
        file!("react-dom.production.min.js", SCRIPT_CONTENT_TYPE),
        file!("graphiql.min.css", STYLE_CONTENT_TYPE),
        file!("page.css", STYLE_CONTENT_TYPE),
        file!("icon.svg", SVG_CONTENT_TYPE),
        file!("LICENSES.txt", TEXT_CONTENT_TYPE),
    ]
});

/// Serves the page at `/graphiql` and its files at `/graphiql/assets/{file}`. The page says so if
/// introspection is switched off.
///
/// The page uses `/graphql` and, for subscriptions, `/graphql/ws`, which this router does not serve.
pub fn router<S: Clone + Send + Sync + 'static>(introspection: Introspection) -> Router<S> {
    let page = match introspection {
        Introspection::Open => &PAGE,
        Introspection::Closed => &PAGE_WITHOUT_INTROSPECTION,
    };
    Router::new()
        .route(
            "/graphiql",
            get(async |request: HeaderMap| respond_with(page, &request)),
        )
        .route("/graphiql/assets/{file}", get(serve_asset))
}

async fn serve_asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    match StaticFile::find(ASSETS.as_slice(), &name) {
        Some(file) => respond_with(file, &request),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Responds with a file under the policy of the page.
fn respond_with(file: &'static StaticFile, request: &HeaderMap) -> Response {
    let policy = [(CONTENT_SECURITY_POLICY, PAGE_SECURITY_POLICY)];
    (policy, file.respond(request)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::{
            Request,
            header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
        },
    };
    use tower::ServiceExt;

    use super::*;

    async fn get_default(path: &str, held: Option<&HeaderValue>) -> Response {
        get_with_introspection(Introspection::Open, path, held).await
    }

    async fn get_with_introspection(
        introspection: Introspection,
        path: &str,
        held: Option<&HeaderValue>,
    ) -> Response {
        let mut request = Request::get(path);
        if let Some(etag) = held {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let request = request.body(Body::empty()).unwrap();
        router::<()>(introspection).oneshot(request).await.unwrap()
    }

    async fn response_text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn page_has_a_strict_content_security_policy() {
        let response = get_default("/graphiql", None).await;
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(response_text(response).await.contains("<title>Wayin</title>"));
    }

    #[tokio::test]
    async fn all_page_assets_are_served_locally() {
        let page = response_text(get_default("/graphiql", None).await).await;
        let named: Vec<_> = page
            .split('"')
            .filter(|part| part.starts_with("graphiql/assets/"))
            .collect();
        assert_eq!(named.len(), 7, "{named:?}");
        assert!(!page.contains("//"), "the page names no other host");
        for path in named {
            let response = get_default(&format!("/{path}"), None).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }

    #[tokio::test]
    async fn page_says_when_introspection_is_closed() {
        let open = get_default("/graphiql", None).await;
        let held = open.headers()[ETAG].clone();
        assert!(
            !response_text(open)
                .await
                .contains("Introspection is switched off")
        );
        let closed = get_with_introspection(Introspection::Closed, "/graphiql", Some(&held)).await;
        assert_eq!(closed.status(), StatusCode::OK);
        let closed = response_text(closed).await;
        assert!(
            closed.contains("<p id=\"closed\">Introspection is switched off"),
            "{closed}"
        );
        assert!(
            response_text(get_default("/graphiql/assets/boot.js", None).await)
                .await
                .contains("getElementById(\"closed\")")
        );
    }

    #[tokio::test]
    async fn unchanged_files_answer_304() {
        let first = get_default("/graphiql/assets/boot.js", None).await;
        assert_eq!(first.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
        let etag = &first.headers()[ETAG];
        let again = get_default("/graphiql/assets/boot.js", Some(etag)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[ETAG], etag);
        let other = get_default("/graphiql/assets/page.css", Some(etag)).await;
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn unknown_assets_answer_404() {
        for path in ["/graphiql/assets/nothing.js", "/graphiql/assets/..%2Findex.html"] {
            assert_eq!(get_default(path, None).await.status(), StatusCode::NOT_FOUND);
        }
    }
}
