//! A browser with a session of a member, which opens pages and sends their forms.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use wayin::auth::session::{CreatedSession, create_session};
use wayin_entity::member;

use super::app::TestApp;
use super::http::send;

/// The host of the service, as the browser names it.
pub const HOST: &str = "wayin.example.org";

/// A browser.
pub struct Browser<'a> {
    app: &'a TestApp,
    session: CreatedSession,
}

/// A response to a browser.
#[derive(Debug)]
pub struct PageResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl<'a> Browser<'a> {
    /// A browser in which a member has signed in.
    pub async fn sign_in(app: &'a TestApp, subject: &str) -> Self {
        let found = member::Entity::find()
            .filter(member::Column::Subject.eq(subject))
            .one(&app.app.db)
            .await
            .expect("the database can be read");
        let found = found.unwrap_or_else(|| panic!("{subject} is a member"));
        let session = create_session(&app.app.db, &*app.app.clock, found.id)
            .await
            .expect("the session is created");
        Self { app, session }
    }

    /// Opens a page.
    pub async fn open(&self, path: &str) -> PageResponse {
        let request = Request::get(path).header(header::COOKIE, self.cookie());
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Opens a page, which must be there; returns its HTML.
    pub async fn open_ok(&self, path: &str) -> String {
        let page = self.open(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        page.text
    }

    /// Sends a form with the token of the session.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> PageResponse {
        let csrf = self.session.session.csrf_token.clone();
        self.post_with_csrf(path, fields, &csrf).await
    }

    /// Sends a form with a token.
    pub async fn post_with_csrf(&self, path: &str, fields: &[(&str, &str)], csrf: &str) -> PageResponse {
        let body = encode_form(fields.iter().copied().chain([("csrf", csrf)]));
        let request = Request::post(path)
            .header(header::HOST, HOST)
            .header(header::ORIGIN, format!("http://{HOST}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, self.cookie());
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// The token that the forms of the session carry.
    pub fn csrf_token(&self) -> &str {
        &self.session.session.csrf_token
    }

    /// The header `Cookie`.
    pub fn cookie(&self) -> String {
        format!("wayin-session={}", self.session.secret)
    }

    async fn send(&self, request: Request<Body>) -> PageResponse {
        let (status, headers, body) = send(&self.app.app, request).await;
        let text = String::from_utf8(body).expect("a page is text");
        PageResponse {
            status,
            headers,
            text,
        }
    }
}

impl PageResponse {
    /// The address of a redirect.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers[header::LOCATION].to_str().unwrap()
    }
}

/// The value of the first attribute of an HTML text after a marker, such as that of a hidden field after its name.
pub fn read_value<'a>(html: &'a str, marker: &str) -> &'a str {
    let (_, after) = html
        .split_once(marker)
        .unwrap_or_else(|| panic!("{marker} is in {html}"));
    let (_, value) = after.split_once("value=\"").unwrap();
    value.split_once('"').unwrap().0
}

fn encode_form<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        for (text, end) in [(name, "="), (value, "")] {
            for byte in text.bytes() {
                write!(body, "%{byte:02X}").unwrap();
            }
            body.push_str(end);
        }
    }
    body
}
