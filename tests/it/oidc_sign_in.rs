//! Signing in with an issuer of OpenID Connect: who becomes which member, and what is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::TimeDelta;
use reqwest::Url;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use wayin::auth::jwks::RefreshPolicy;
use wayin::auth::jwt::TokenSubject;
use wayin::auth::member;
use wayin::auth::oidc::attempt::{ATTEMPT_LIFETIME, delete_expired};
use wayin::auth::oidc::{CALLBACK_PATH, OidcProvider, OidcSettings};
use wayin::auth::session::invitation::{InvitationDraft, invite_member};
use wayin::clock::{Clock, SystemClock};
use wayin::organisation;
use wayin::public_url::PublicUrl;
use wayin_entity::{Role, browser_session, invitation, member as member_row, sign_in_attempt};

use crate::support::app::{PARTNER_ORGANISATION, TestApp};
use crate::support::browser::PageResponse;
use crate::support::http::send;
use crate::support::oidc_issuer::{CLIENT_ID, CLIENT_SECRET, ClientAuthentication, Misbehaviour, TestIssuer};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    first_sign_in_with_an_invitation_makes_a_member,
    somebody_who_is_no_member_is_not_signed_in,
    sign_in_belongs_to_one_browser_and_happens_once,
    code_of_another_sign_in_is_refused,
    answers_that_are_not_valid_are_refused,
    revoked_member_is_not_signed_in,
    active_member_keeps_the_role_with_an_invitation,
    sign_in_replaces_the_session_of_the_browser,
    sign_in_returns_to_local_addresses_alone,
    person_who_stops_can_try_again,
    issuer_that_is_down_stops_nothing_else,
    client_proves_who_it_is_with_its_secret,
    invitation_is_accepted_only_from_its_own_page,
    pages_without_an_issuer_offer_none,
];

const LABEL: &str = "Sign in with your council account";
const PUBLIC_ADDRESS: &str = "http://127.0.0.1:8000";

/// A service, and the issuer with which its members sign in.
struct Fixture {
    app: TestApp,
    issuer: TestIssuer,
}

impl Fixture {
    async fn start(database: Database) -> Self {
        Self::start_as(database, ClientAuthentication::None).await
    }

    async fn start_as(database: Database, authentication: ClientAuthentication) -> Self {
        let public_url = PublicUrl::parse(PUBLIC_ADDRESS).unwrap();
        let issuer = TestIssuer::start(&public_url.join(CALLBACK_PATH), authentication).await;
        let settings = OidcSettings {
            issuer: issuer.url.clone(),
            client_id: CLIENT_ID.into(),
            client_secret: (authentication != ClientAuthentication::None).then(|| CLIENT_SECRET.into()),
            label: LABEL.into(),
            public_url: public_url.clone(),
        };
        let policy = RefreshPolicy {
            retry_after: Duration::ZERO,
            unknown_key_interval: Duration::ZERO,
            ..RefreshPolicy::default()
        };
        let provider = OidcProvider::new(settings, policy).unwrap();
        let app = TestApp::start_with(database, |app| {
            app.with_public_url(Some(public_url)).with_oidc(Some(provider))
        })
        .await;
        Self { app, issuer }
    }

    const fn browser(&self) -> CookieBrowser<'_> {
        CookieBrowser {
            app: &self.app,
            cookies: BTreeMap::new(),
        }
    }

    /// A member whom the issuer knows.
    async fn add_member(&self, subject: &str, role: Role) -> member_row::Model {
        let subject = self.subject(subject);
        member::add_or_update_member(&self.app.app.db, &TestApp::action(), subject, role, None)
            .await
            .unwrap()
    }

    fn subject(&self, subject: &str) -> TokenSubject {
        TokenSubject {
            issuer: self.issuer.url.clone(),
            subject: subject.into(),
        }
    }

    /// Invites a partner; returns the path of the invitation.
    async fn invite_partner(&self, name: &str) -> String {
        let (db, act) = (&self.app.app.db, TestApp::action());
        let named = Some(PARTNER_ORGANISATION);
        let organisation = organisation::find_or_create(db, &act, named, named, None)
            .await
            .unwrap();
        let draft = InvitationDraft {
            name: name.into(),
            role: Role::Partner,
            organisation: Some(organisation.id),
            days: 7,
        };
        invite_member(db, &act, draft).await.unwrap().unwrap().path()
    }

    /// Begins a sign-in and says who one is at the issuer; returns the address to which the issuer sends the browser.
    async fn visit_issuer(&self, browser: &mut CookieBrowser<'_>, address: &str) -> Url {
        let started = browser.open(address).await;
        self.issuer.visit(started.location()).await
    }

    /// Signs in at an address that begins a sign-in.
    async fn sign_in(&self, browser: &mut CookieBrowser<'_>, address: &str) -> PageResponse {
        let back = self.visit_issuer(browser, address).await;
        browser.open(&path_of(&back)).await
    }

    /// Accepts an invitation as whom the issuer knows.
    async fn accept(&self, browser: &mut CookieBrowser<'_>, path: &str) -> PageResponse {
        let sent = browser.post(path).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        let back = self.issuer.visit(read_refresh(&sent)).await;
        browser.open(&path_of(&back)).await
    }

    async fn count_sessions(&self) -> u64 {
        browser_session::Entity::find()
            .filter(browser_session::Column::EndedAt.is_null())
            .count(&self.app.app.db)
            .await
            .unwrap()
    }
}

/// A browser that keeps the cookies that the service sets.
struct CookieBrowser<'a> {
    app: &'a TestApp,
    cookies: BTreeMap<String, String>,
}

impl CookieBrowser<'_> {
    async fn open(&mut self, address: &str) -> PageResponse {
        self.send(Request::get(address).body(Body::empty()).unwrap())
            .await
    }

    /// Sends a form without fields from the page of the same address.
    async fn post(&mut self, address: &str) -> PageResponse {
        self.post_from(address, "same-origin").await
    }

    async fn post_from(&mut self, address: &str, site: &str) -> PageResponse {
        let request = Request::post(address)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> PageResponse {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request
                .headers_mut()
                .insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let (status, headers, body) = send(&self.app.app, request).await;
        self.keep_cookies(&headers);
        PageResponse {
            status,
            headers,
            text: String::from_utf8(body).unwrap(),
        }
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for set in headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(set.contains("; HttpOnly; SameSite=Lax"), "{set}");
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.into(), value.into());
        }
    }

    /// Whom the service knows in this browser; None for a visitor.
    async fn viewer(&mut self) -> Option<String> {
        let page = self.open("/sign-in").await;
        let (_, after) = page.text.split_once("You are signed in as ")?;
        Some(after.split_once(',').unwrap().0.to_owned())
    }

    fn has_session(&self) -> bool {
        self.cookies.contains_key("wayin-session")
    }
}

fn path_of(back: &Url) -> String {
    assert!(back.as_str().starts_with(PUBLIC_ADDRESS), "{back}");
    format!("{}?{}", back.path(), back.query().unwrap())
}

/// The address to which a page goes on by itself.
fn read_refresh(page: &PageResponse) -> &str {
    let refresh = page.headers[header::REFRESH].to_str().unwrap();
    refresh.strip_prefix("0; url=").unwrap()
}

/// An address with another value of a parameter.
fn with_parameter(address: &Url, name: &str, value: &str) -> String {
    let mut changed = address.clone();
    let others = address.query_pairs().filter(|(other, _)| other != name);
    changed
        .query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair(name, value);
    path_of(&changed)
}

fn read_parameter(address: &Url, name: &str) -> String {
    let mut found = address.query_pairs().filter(|(other, _)| other == name);
    found.next().unwrap().1.into_owned()
}

fn assert_refused(page: &PageResponse, status: StatusCode, heading: &str) {
    assert_eq!(page.status, status, "{}", page.text);
    assert!(
        page.text.contains(&format!("<h1>{heading}</h1>")),
        "{heading}: {}",
        page.text
    );
    assert_eq!(page.headers.get(header::SET_COOKIE), None);
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
}

async fn first_sign_in_with_an_invitation_makes_a_member(database: Database) {
    let fixture = Fixture::start(database).await;
    let path = fixture.invite_partner("Grace").await;
    fixture.issuer.set_subject(Some("grace-1"));
    let mut browser = fixture.browser();
    let page = browser.open(&path).await;
    assert!(
        page.text.contains(LABEL) && !page.text.contains(">Accept<"),
        "{}",
        page.text
    );
    let signed_in = fixture.accept(&mut browser, &path).await;
    assert_eq!(signed_in.location(), "/send");
    assert_eq!(browser.viewer().await.as_deref(), Some("Grace"));

    let db = &fixture.app.app.db;
    let found = member::find_by_subject(db, &fixture.subject("grace-1"))
        .await
        .unwrap();
    let found = found.unwrap();
    assert_eq!(found.role, Role::Partner);
    let accepted = invitation::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(accepted.member_id, Some(found.id));
    assert_eq!(browser.open(&path).await.status, StatusCode::GONE);

    // Later, and in another browser, no invitation is needed, also after the issuer has another key.
    fixture.issuer.rotate_key();
    let mut other = fixture.browser();
    let page = other.open("/sign-in?next=/words").await;
    assert!(page.text.contains(LABEL), "{}", page.text);
    let signed_in = fixture.sign_in(&mut other, "/sign-in/oidc?next=/words").await;
    assert_eq!(signed_in.location(), "/words");
    assert_eq!(other.viewer().await.as_deref(), Some("Grace"));
    let attempts = sign_in_attempt::Entity::find().count(db).await.unwrap();
    assert_eq!(attempts, 0, "a finished sign-in is not kept");
    fixture.app.assert_no_violations().await;
}

async fn somebody_who_is_no_member_is_not_signed_in(database: Database) {
    let fixture = Fixture::start(database).await;
    // The email address in the tokens of the issuer is that of a member of another issuer.
    fixture
        .app
        .create_member("steward@example.org", Role::Steward, None)
        .await;
    fixture.issuer.set_subject(Some("stranger"));
    let mut browser = fixture.browser();
    let page = fixture.sign_in(&mut browser, "/sign-in/oidc").await;
    assert_refused(&page, StatusCode::FORBIDDEN, "You are not a member yet");
    assert!(
        page.text.contains("Ask a steward for an invitation"),
        "{}",
        page.text
    );
    assert!(!browser.has_session());
    let db = &fixture.app.app.db;
    assert_eq!(member_row::Entity::find().count(db).await.unwrap(), 1);

    // An invitation that ends while the person is at the issuer makes no member either.
    let path = fixture.invite_partner("Grace").await;
    let sent = browser.post(&path).await;
    let back = fixture.issuer.visit(read_refresh(&sent)).await;
    invitation::Entity::update_many()
        .col_expr(invitation::Column::RevokedAt, Expr::value(SystemClock.now()))
        .exec(db)
        .await
        .unwrap();
    let page = browser.open(&path_of(&back)).await;
    assert_refused(&page, StatusCode::GONE, "This link has ended");
    assert!(!browser.has_session());
    assert_eq!(member_row::Entity::find().count(db).await.unwrap(), 1);
}

async fn sign_in_belongs_to_one_browser_and_happens_once(database: Database) {
    const AGAIN: &str = "Start again to sign in";
    let fixture = Fixture::start(database).await;
    fixture.add_member("ada", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    let mut browser = fixture.browser();
    let back = fixture.visit_issuer(&mut browser, "/sign-in/oidc").await;

    let unknown = format!("wayin_state_{}", "A".repeat(43));
    for state in ["", "state", unknown.as_str()] {
        let page = browser.open(&with_parameter(&back, "state", state)).await;
        assert_refused(&page, StatusCode::BAD_REQUEST, AGAIN);
    }
    let without_state = format!("{CALLBACK_PATH}?code={}", read_parameter(&back, "code"));
    let twice = format!("{}&state=b", path_of(&back));
    for address in [CALLBACK_PATH, without_state.as_str(), twice.as_str()] {
        assert_refused(&browser.open(address).await, StatusCode::BAD_REQUEST, AGAIN);
    }
    // Neither a browser without a sign-in nor one with another can finish it.
    let mut other = fixture.browser();
    let page = other.open(&path_of(&back)).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, AGAIN);
    fixture.visit_issuer(&mut other, "/sign-in/oidc").await;
    let page = other.open(&path_of(&back)).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, AGAIN);
    assert!(!other.has_session());

    // The browser that began it can, once, and also if it began another meanwhile.
    let second = fixture
        .visit_issuer(&mut browser, "/sign-in/oidc?next=/words")
        .await;
    assert_eq!(browser.open(&path_of(&back)).await.location(), "/review");
    let page = browser.open(&path_of(&back)).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, AGAIN);
    assert_eq!(browser.open(&path_of(&second)).await.location(), "/words");

    let db = &fixture.app.app.db;
    let late = fixture.visit_issuer(&mut browser, "/sign-in/oidc").await;
    let now = SystemClock.now();
    sign_in_attempt::Entity::update_many()
        .col_expr(sign_in_attempt::Column::ExpiresAt, Expr::value(now))
        .exec(db)
        .await
        .unwrap();
    let page = browser.open(&path_of(&late)).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, AGAIN);
    let soon = now + TimeDelta::seconds(1);
    assert!(delete_expired(db, soon).await.unwrap() > 0);
    fixture.visit_issuer(&mut browser, "/sign-in/oidc").await;
    assert_eq!(delete_expired(db, soon).await.unwrap(), 0);
    let after = now + ATTEMPT_LIFETIME + TimeDelta::minutes(1);
    assert_eq!(delete_expired(db, after).await.unwrap(), 1);
}

async fn code_of_another_sign_in_is_refused(database: Database) {
    let fixture = Fixture::start(database).await;
    fixture.add_member("ada", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    let (mut attacker, mut browser) = (fixture.browser(), fixture.browser());
    let theirs = fixture.visit_issuer(&mut attacker, "/sign-in/oidc").await;
    let ours = fixture.visit_issuer(&mut browser, "/sign-in/oidc").await;
    let code = read_parameter(&theirs, "code");
    let page = browser.open(&with_parameter(&ours, "code", &code)).await;
    assert_refused(&page, StatusCode::FORBIDDEN, "You are not signed in");

    // A code that was used is good for nothing.
    let first = fixture.visit_issuer(&mut browser, "/sign-in/oidc").await;
    assert_eq!(browser.open(&path_of(&first)).await.location(), "/review");
    browser.cookies.remove("wayin-session");
    let second = fixture.visit_issuer(&mut browser, "/sign-in/oidc").await;
    let code = read_parameter(&first, "code");
    let page = browser.open(&with_parameter(&second, "code", &code)).await;
    assert_refused(&page, StatusCode::FORBIDDEN, "You are not signed in");
    assert!(!browser.has_session());

    // Another issuer answers.
    let third = fixture.visit_issuer(&mut browser, "/sign-in/oidc").await;
    let page = browser
        .open(&with_parameter(&third, "iss", "https://id.example.org"))
        .await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "You are not signed in");
    assert!(!browser.has_session());
}

async fn answers_that_are_not_valid_are_refused(database: Database) {
    let fixture = Fixture::start_as(database, ClientAuthentication::Basic).await;
    fixture.add_member("ada", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    let path = fixture.invite_partner("Grace").await;
    for misbehaviour in Misbehaviour::OF_TOKENS {
        fixture.issuer.misbehave(misbehaviour);
        let mut browser = fixture.browser();
        let page = fixture.sign_in(&mut browser, "/sign-in/oidc?next=/words").await;
        assert_refused(&page, StatusCode::FORBIDDEN, "You are not signed in");
        assert!(
            page.text.contains("/sign-in?next=%2Fwords"),
            "{misbehaviour:?}: {}",
            page.text
        );
        let page = fixture.accept(&mut browser, &path).await;
        assert_refused(&page, StatusCode::FORBIDDEN, "You are not signed in");
        assert!(page.text.contains("open its link again"), "{}", page.text);
        assert_eq!(browser.viewer().await, None, "{misbehaviour:?}");
    }
    assert_eq!(fixture.count_sessions().await, 0);
    // The same issuer is believed as soon as it behaves.
    fixture.issuer.misbehave(Misbehaviour::None);
    let mut browser = fixture.browser();
    let signed_in = fixture.sign_in(&mut browser, "/sign-in/oidc").await;
    assert_eq!(signed_in.location(), "/review");
}

async fn revoked_member_is_not_signed_in(database: Database) {
    let fixture = Fixture::start(database).await;
    fixture.app.steward().await;
    fixture.add_member("ada", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    let mut browser = fixture.browser();
    fixture.sign_in(&mut browser, "/sign-in/oidc").await;
    assert_eq!(browser.viewer().await.as_deref(), Some("ada"));

    let (db, act) = (&fixture.app.app.db, TestApp::action());
    let revoked = member::revoke(db, &act, &fixture.subject("ada")).await.unwrap();
    assert!(revoked.is_some());
    assert_eq!(browser.viewer().await, None);
    let page = fixture.sign_in(&mut browser, "/sign-in/oidc").await;
    assert_refused(&page, StatusCode::FORBIDDEN, "You are no longer a member");
    assert_eq!(browser.viewer().await, None);
    assert_eq!(fixture.count_sessions().await, 0);

    // A steward who invites the person again makes the member active, in the role of the invitation.
    let path = fixture.invite_partner("Ada").await;
    let signed_in = fixture.accept(&mut browser, &path).await;
    assert_eq!(signed_in.location(), "/send");
    let found = member::find_by_subject(db, &fixture.subject("ada"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.role, found.revoked_at), (Role::Partner, None));
}

async fn active_member_keeps_the_role_with_an_invitation(database: Database) {
    let fixture = Fixture::start(database).await;
    let ada = fixture.add_member("ada", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    let path = fixture.invite_partner("Grace").await;
    let mut browser = fixture.browser();
    let page = fixture.accept(&mut browser, &path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("You are a member already"), "{}", page.text);
    assert_eq!(browser.viewer().await.as_deref(), Some("ada"));
    let db = &fixture.app.app.db;
    let same = member_row::Entity::find_by_id(ada.id)
        .one(db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((same.role, same.organisation_id), (Role::Steward, None));
    // The invitation is still open for the person who was meant.
    assert_eq!(fixture.browser().open(&path).await.status, StatusCode::OK);
}

async fn sign_in_replaces_the_session_of_the_browser(database: Database) {
    let fixture = Fixture::start(database).await;
    fixture.add_member("ada", Role::Steward).await;
    fixture.add_member("grace", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    let mut browser = fixture.browser();
    fixture.sign_in(&mut browser, "/sign-in/oidc").await;
    let mut earlier = fixture.browser();
    earlier.cookies = browser.cookies.clone();
    assert_eq!(earlier.viewer().await.as_deref(), Some("ada"));

    fixture.issuer.set_subject(Some("grace"));
    fixture.sign_in(&mut browser, "/sign-in/oidc").await;
    assert_ne!(browser.cookies["wayin-session"], earlier.cookies["wayin-session"]);
    assert_eq!(browser.viewer().await.as_deref(), Some("grace"));
    assert_eq!(earlier.viewer().await, None);
    assert_eq!(fixture.count_sessions().await, 1);
}

async fn sign_in_returns_to_local_addresses_alone(database: Database) {
    let fixture = Fixture::start(database).await;
    fixture.add_member("ada", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    for (next, location) in [
        ("", "/review"),
        ("/words?a=b", "/words?a=b"),
        ("https://example.org/", "/review"),
        ("//example.org/", "/review"),
        ("/\\example.org/", "/review"),
        ("javascript:alert(1)", "/review"),
    ] {
        let mut address = Url::parse("http://127.0.0.1/sign-in/oidc").unwrap();
        address.query_pairs_mut().append_pair("next", next);
        let address = format!("{}?{}", address.path(), address.query().unwrap());
        let mut browser = fixture.browser();
        let signed_in = fixture.sign_in(&mut browser, &address).await;
        assert_eq!(signed_in.location(), location, "{next}");
    }
}

async fn person_who_stops_can_try_again(database: Database) {
    let fixture = Fixture::start(database).await;
    fixture.add_member("ada", Role::Steward).await;
    let mut browser = fixture.browser();
    let page = fixture.sign_in(&mut browser, "/sign-in/oidc?next=/words").await;
    assert_refused(&page, StatusCode::FORBIDDEN, "You are not signed in");
    assert!(page.text.contains("/sign-in?next=%2Fwords"), "{}", page.text);
    fixture.issuer.set_subject(Some("ada"));
    let signed_in = fixture.sign_in(&mut browser, "/sign-in/oidc?next=/words").await;
    assert_eq!(signed_in.location(), "/words");
}

async fn issuer_that_is_down_stops_nothing_else(database: Database) {
    const UNREACHABLE: &str = "cannot be reached at present";
    let fixture = Fixture::start(database).await;
    fixture.add_member("ada", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    fixture.issuer.misbehave(Misbehaviour::IsDown);
    let mut browser = fixture.browser();
    assert_eq!(browser.open("/sign-in").await.status, StatusCode::OK);
    let page = browser.open("/sign-in/oidc").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text.contains(UNREACHABLE), "{}", page.text);

    fixture.issuer.misbehave(Misbehaviour::None);
    let back = fixture.visit_issuer(&mut browser, "/sign-in/oidc").await;
    fixture.issuer.misbehave(Misbehaviour::IsDown);
    let page = browser.open(&path_of(&back)).await;
    assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "You are not signed in");
    assert!(page.text.contains(UNREACHABLE), "{}", page.text);

    fixture.issuer.misbehave(Misbehaviour::None);
    let signed_in = fixture.sign_in(&mut browser, "/sign-in/oidc").await;
    assert_eq!(signed_in.location(), "/review");
}

async fn client_proves_who_it_is_with_its_secret(database: Database) {
    let fixture = Fixture::start_as(database, ClientAuthentication::Post).await;
    fixture.add_member("ada", Role::Steward).await;
    fixture.issuer.set_subject(Some("ada"));
    let mut browser = fixture.browser();
    let signed_in = fixture.sign_in(&mut browser, "/sign-in/oidc").await;
    assert_eq!(signed_in.location(), "/review");
}

async fn invitation_is_accepted_only_from_its_own_page(database: Database) {
    let fixture = Fixture::start(database).await;
    fixture.issuer.set_subject(Some("grace"));
    let path = fixture.invite_partner("Grace").await;
    let mut browser = fixture.browser();
    for site in ["cross-site", "same-site", "none"] {
        let page = browser.post_from(&path, site).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{site}");
        assert_eq!(page.headers.get(header::REFRESH), None);
    }
    let db = &fixture.app.app.db;
    assert_eq!(sign_in_attempt::Entity::find().count(db).await.unwrap(), 0);
    // Opening the page begins nothing, and neither does an invitation that does not exist.
    browser.open(&path).await;
    let unknown = format!("/invitation/wayin_invitation_{}", "A".repeat(43));
    assert_eq!(browser.post(&unknown).await.status, StatusCode::GONE);
    assert_eq!(sign_in_attempt::Entity::find().count(db).await.unwrap(), 0);
}

async fn pages_without_an_issuer_offer_none(database: Database) {
    let app = TestApp::start(database).await;
    let mut browser = CookieBrowser {
        app: &app,
        cookies: BTreeMap::new(),
    };
    let page = browser.open("/sign-in").await;
    assert!(!page.text.contains("/sign-in/oidc"), "{}", page.text);
    for address in ["/sign-in/oidc", CALLBACK_PATH] {
        assert_eq!(browser.open(address).await.status, StatusCode::NOT_FOUND);
    }
}
