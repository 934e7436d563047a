//! A small issuer of OpenID Connect on a loopback port, which can misbehave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::{Client, Url, redirect};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wayin::clock::{Clock, SystemClock};

use super::key_pairs::{TestKeyPair, encode_token, jwks_document};

/// The client that the issuer knows.
pub const CLIENT_ID: &str = "wayin pages";
/// The secret of the client, if it has one. It has characters that a header encodes.
pub const CLIENT_SECRET: &str = "a secret: + that the issuer knows";

/// What is wrong with the ID tokens of the issuer, or with what comes with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Misbehaviour {
    #[default]
    None,
    WrongNonce,
    NoNonce,
    WrongAudience,
    OtherClient,
    Expired,
    WrongIssuer,
    /// Signed by another key with the same `kid`.
    WrongKey,
    /// Signed with the secret of the client.
    SymmetricKey,
    NotSigned,
    NoSubject,
    NoIdToken,
    /// The issuer has no answer but errors of its server.
    IsDown,
}

impl Misbehaviour {
    /// Those that make an ID token invalid.
    pub const OF_TOKENS: [Self; 11] = [
        Self::WrongNonce,
        Self::NoNonce,
        Self::WrongAudience,
        Self::OtherClient,
        Self::Expired,
        Self::WrongIssuer,
        Self::WrongKey,
        Self::SymmetricKey,
        Self::NotSigned,
        Self::NoSubject,
        Self::NoIdToken,
    ];
}

/// How the client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// By nothing but PKCE.
    None,
    /// By its secret in a header.
    Basic,
    /// By its secret in the form.
    Post,
}

/// What a code was given for.
struct GrantedCode {
    subject: String,
    nonce: String,
    code_challenge: String,
    redirect_uri: String,
}

struct IssuerState {
    url: String,
    redirect_uri: String,
    authentication: ClientAuthentication,
    key: TestKeyPair,
    misbehaviour: Misbehaviour,
    /// Who is signed in at the issuer; None for someone who does not want to be.
    subject: Option<String>,
    codes: BTreeMap<String, GrantedCode>,
    code_count: usize,
}

type SharedState = Arc<Mutex<IssuerState>>;

/// A running issuer.
pub struct TestIssuer {
    pub url: String,
    state: SharedState,
    serving: JoinHandle<()>,
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TestIssuer {
    /// Starts an issuer that sends browsers back to one address.
    pub async fn start(redirect_uri: &str, authentication: ClientAuthentication) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/realms/council", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(IssuerState {
            url: url.clone(),
            redirect_uri: redirect_uri.to_owned(),
            authentication,
            key: TestKeyPair::new("1", Algorithm::ES256),
            misbehaviour: Misbehaviour::None,
            subject: None,
            codes: BTreeMap::new(),
            code_count: 0,
        }));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(serve_configuration))
            .route("/keys", get(serve_keys))
            .route("/authorize", get(authorise))
            .route("/token", post(issue_token));
        let router = Router::new()
            .nest("/realms/council", routes)
            .with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, serving }
    }

    fn state(&self) -> MutexGuard<'_, IssuerState> {
        self.state.lock().unwrap()
    }

    /// Who signs in from now on; None for someone who stops.
    pub fn set_subject(&self, subject: Option<&str>) {
        self.state().subject = subject.map(ToOwned::to_owned);
    }

    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        self.state().misbehaviour = misbehaviour;
    }

    /// Signs with a new key from now on.
    pub fn rotate_key(&self) {
        self.state().key = TestKeyPair::new("2", Algorithm::ES256);
    }

    /// Opens the address to which the service sent the browser. Returns the one to which the issuer sends it back.
    pub async fn visit(&self, address: &str) -> Url {
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        let answer = client.get(address).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        assert_eq!(status, StatusCode::FOUND, "{text}");
        Url::parse(headers[header::LOCATION].to_str().unwrap()).unwrap()
    }
}

async fn serve_configuration(State(state): State<SharedState>) -> Response {
    let state = state.lock().unwrap();
    if state.misbehaviour == Misbehaviour::IsDown {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let url = &state.url;
    let mut document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize?prompt=none"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256"],
    });
    if state.authentication == ClientAuthentication::Post {
        document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    }
    Json(document).into_response()
}

async fn serve_keys(State(state): State<SharedState>) -> String {
    let state = state.lock().unwrap();
    jwks_document(&[&state.key])
}

async fn authorise(
    State(state): State<SharedState>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Response {
    let mut state = state.lock().unwrap();
    for (name, value) in [
        ("prompt", "none"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", state.redirect_uri.as_str()),
        ("code_challenge_method", "S256"),
    ] {
        if asked.get(name).map(String::as_str) != Some(value) {
            return (StatusCode::BAD_REQUEST, format!("the {name} is wrong: {asked:?}")).into_response();
        }
    }
    let mut back = Url::parse(&state.redirect_uri).unwrap();
    back.query_pairs_mut()
        .append_pair("state", &asked["state"])
        .append_pair("iss", &state.url);
    match state.subject.clone() {
        None => {
            back.query_pairs_mut().append_pair("error", "access_denied");
        }
        Some(subject) => {
            state.code_count += 1;
            let code = format!("code-{}", state.code_count);
            let granted = GrantedCode {
                subject,
                nonce: asked["nonce"].clone(),
                code_challenge: asked["code_challenge"].clone(),
                redirect_uri: asked["redirect_uri"].clone(),
            };
            back.query_pairs_mut().append_pair("code", &code);
            state.codes.insert(code, granted);
        }
    }
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

async fn issue_token(State(state): State<SharedState>, headers: HeaderMap, body: String) -> Response {
    let mut state = state.lock().unwrap();
    if state.misbehaviour == Misbehaviour::IsDown {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let fields = parse_form(&body);
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    if !is_client(state.authentication, &headers, &fields) {
        return refuse("invalid_client");
    }
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "authorization_code" {
        return refuse("unsupported_grant_type");
    }
    // A code is good once, whatever comes of it.
    let Some(granted) = state.codes.remove(field("code")) else {
        return refuse("invalid_grant");
    };
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
    if challenge != granted.code_challenge || field("redirect_uri") != granted.redirect_uri {
        return refuse("invalid_grant");
    }
    let mut answer = json!({"access_token": "an access token", "token_type": "Bearer"});
    if state.misbehaviour != Misbehaviour::NoIdToken {
        answer["id_token"] = sign_id_token(&state, &granted).into();
    }
    Json(answer).into_response()
}

fn is_client(
    authentication: ClientAuthentication,
    headers: &HeaderMap,
    fields: &BTreeMap<String, String>,
) -> bool {
    let field = |name: &str| fields.get(name).map(String::as_str);
    match authentication {
        ClientAuthentication::None => {
            field("client_id") == Some(CLIENT_ID) && !headers.contains_key(header::AUTHORIZATION)
        }
        ClientAuthentication::Post => {
            field("client_id") == Some(CLIENT_ID) && field("client_secret") == Some(CLIENT_SECRET)
        }
        ClientAuthentication::Basic => {
            let sent = headers
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
                .and_then(|encoded| String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok());
            let Some((id, secret)) = sent.as_ref().and_then(|sent| sent.split_once(':')) else {
                return false;
            };
            // Both are encoded as the values of a form.
            let read = parse_form(&format!("id={id}&secret={secret}"));
            read["id"] == CLIENT_ID && read["secret"] == CLIENT_SECRET && field("client_secret").is_none()
        }
    }
}

fn parse_form(body: &str) -> BTreeMap<String, String> {
    let address = Url::parse(&format!("http://127.0.0.1/?{body}")).unwrap();
    address.query_pairs().into_owned().collect()
}

fn sign_id_token(state: &IssuerState, granted: &GrantedCode) -> String {
    let now = SystemClock.now().timestamp();
    let mut claims = json!({
        "iss": state.url,
        "sub": granted.subject,
        "aud": [CLIENT_ID],
        "iat": now,
        "exp": now + 300,
        "nonce": granted.nonce,
        "email": "steward@example.org",
        "email_verified": true,
    });
    let (mut algorithm, mut key) = (state.key.algorithm, state.key.signs.clone());
    match state.misbehaviour {
        Misbehaviour::WrongNonce => claims["nonce"] = "another".into(),
        Misbehaviour::NoNonce => claims["nonce"] = Value::Null,
        Misbehaviour::WrongAudience => claims["aud"] = "another client".into(),
        Misbehaviour::OtherClient => claims["azp"] = "another client".into(),
        Misbehaviour::Expired => claims["exp"] = (now - 60).into(),
        Misbehaviour::WrongIssuer => claims["iss"] = "https://id.example.org".into(),
        Misbehaviour::NoSubject => claims["sub"] = Value::Null,
        Misbehaviour::WrongKey => key = TestKeyPair::new("1", Algorithm::ES256).signs,
        Misbehaviour::SymmetricKey => {
            algorithm = Algorithm::HS256;
            key = EncodingKey::from_secret(CLIENT_SECRET.as_bytes());
        }
        Misbehaviour::NotSigned => {
            let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
            return format!("{}.{}.", part(json!({"alg": "none", "typ": "JWT"})), part(claims));
        }
        Misbehaviour::None | Misbehaviour::NoIdToken | Misbehaviour::IsDown => {}
    }
    encode_token(algorithm, Some(state.key.id), &key, &claims)
}
