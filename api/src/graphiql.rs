//! The page at `/graphiql`, for asking questions by hand. All that it loads is
//! compiled in: no request leaves the machine that serves it.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};

use crate::etag::ETag;
use crate::graphql::operation::cost::Introspection;

/// What the page may do: load from its own origin, and run nothing that is written
/// into the page. `'self'` covers web sockets to the same host. The one style named
/// by its hash holds the page still behind an open dialog (react-remove-scroll, where
/// the window itself has no scroll bar); the `data:` pictures are the editor's marks,
/// inside its style sheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; \
     style-src 'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='; \
     img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const STYLE: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const PICTURE: HeaderValue = HeaderValue::from_static("image/svg+xml");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

const TEXT_OF_PAGE: &str = include_str!("../assets/graphiql/index.html");

/// Where the page says that the schema is not shown to it; its script looks whether that is said.
const CLOSED: (&str, &str) = (
    "  <body>\n",
    "  <body>\n    <p id=\"closed\">This service shows its schema to nobody, and so not to this page: nothing is completed or \
     explained here. Questions can be asked all the same.</p>\n",
);

static PAGE: LazyLock<File> = LazyLock::new(|| File::new("index.html", HTML, TEXT_OF_PAGE.as_bytes()));

static CLOSED_PAGE: LazyLock<File> = LazyLock::new(|| {
    let page = TEXT_OF_PAGE.replace(CLOSED.0, CLOSED.1);
    File::new("index.html", HTML, page.into_bytes())
});

static ASSETS: LazyLock<[File; 8]> = LazyLock::new(|| {
    macro_rules! file {
        ($name:literal, $content_type:expr) => {
            File::new(
                $name,
                $content_type,
                &include_bytes!(concat!("../assets/graphiql/", $name))[..],
            )
        };
    }
    [
        file!("boot.js", SCRIPT),
        file!("graphiql.min.js", SCRIPT),
        file!("react.production.min.js", SCRIPT),
        file!("react-dom.production.min.js", SCRIPT),
        file!("graphiql.min.css", STYLE),
        file!("page.css", STYLE),
        file!("icon.svg", PICTURE),
        file!("LICENSES.txt", TEXT),
    ]
});

/// Serves the page at `/graphiql` and what it loads at `/graphiql/assets/{file}`. Where the schema cannot be
/// asked for, the page says so.
///
/// The page talks to `/graphql` and, for subscriptions, `/graphql/ws`, which are
/// not part of this router.
pub fn router<S: Clone + Send + Sync + 'static>(introspection: Introspection) -> Router<S> {
    let page = match introspection {
        Introspection::Open => &PAGE,
        Introspection::Closed => &CLOSED_PAGE,
    };
    Router::new()
        .route("/graphiql", get(async |request: HeaderMap| page.answer(&request)))
        .route("/graphiql/assets/{file}", get(asset))
}

async fn asset(Path(name): Path<String>, request: HeaderMap) -> Response {
    match ASSETS.iter().find(|file| file.name == name) {
        Some(file) => file.answer(&request),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A file that is compiled in.
struct File {
    name: &'static str,
    content_type: HeaderValue,
    body: Cow<'static, [u8]>,
    etag: ETag,
}

impl File {
    fn new(name: &'static str, content_type: HeaderValue, body: impl Into<Cow<'static, [u8]>>) -> Self {
        let body = body.into();
        Self {
            name,
            content_type,
            etag: ETag::of(&body),
            body,
        }
    }

    /// The whole file, or `304 Not Modified` to a browser that already holds it.
    fn answer(&'static self, request: &HeaderMap) -> Response {
        let headers: [(HeaderName, HeaderValue); 5] = [
            (CONTENT_TYPE, self.content_type.clone()),
            // Kept, but asked about each time: a new release shows at once.
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        let etag = [(ETAG, self.etag.header())];
        if self.etag.is_held(request) {
            (StatusCode::NOT_MODIFIED, headers, etag).into_response()
        } else {
            (headers, etag, &*self.body).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::{Request, header::IF_NONE_MATCH},
    };
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str, held: Option<&HeaderValue>) -> Response {
        get_of(Introspection::Open, path, held).await
    }

    async fn get_of(introspection: Introspection, path: &str, held: Option<&HeaderValue>) -> Response {
        let mut request = Request::get(path);
        if let Some(etag) = held {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let request = request.body(Body::empty()).unwrap();
        router::<()>(introspection).oneshot(request).await.unwrap()
    }

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_page_is_served_under_a_strict_policy() {
        let response = get("/graphiql", None).await;
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(text(response).await.contains("<title>Wayin</title>"));
    }

    #[tokio::test]
    async fn all_that_the_page_names_is_served_from_here() {
        let page = text(get("/graphiql", None).await).await;
        let named: Vec<_> = page
            .split('"')
            .filter(|part| part.starts_with("graphiql/assets/"))
            .collect();
        assert_eq!(named.len(), 7, "{named:?}");
        assert!(!page.contains("//"), "the page names no other host");
        for path in named {
            let response = get(&format!("/{path}"), None).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }

    #[tokio::test]
    async fn a_page_that_is_not_shown_the_schema_says_so() {
        let open = get("/graphiql", None).await;
        let held = open.headers()[ETAG].clone();
        assert!(!text(open).await.contains("shows its schema to nobody"));
        let closed = get_of(Introspection::Closed, "/graphiql", Some(&held)).await;
        assert_eq!(closed.status(), StatusCode::OK);
        let closed = text(closed).await;
        assert!(
            closed.contains("<p id=\"closed\">This service shows its schema to nobody"),
            "{closed}"
        );
        assert!(
            text(get("/graphiql/assets/boot.js", None).await)
                .await
                .contains("getElementById(\"closed\")")
        );
    }

    #[tokio::test]
    async fn what_a_browser_holds_is_not_sent_again() {
        let first = get("/graphiql/assets/boot.js", None).await;
        assert_eq!(first.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
        let etag = &first.headers()[ETAG];
        let again = get("/graphiql/assets/boot.js", Some(etag)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[ETAG], etag);
        let other = get("/graphiql/assets/page.css", Some(etag)).await;
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn other_names_are_not_found() {
        for path in ["/graphiql/assets/nothing.js", "/graphiql/assets/..%2Findex.html"] {
            assert_eq!(get(path, None).await.status(), StatusCode::NOT_FOUND);
        }
    }
}
