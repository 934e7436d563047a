//! Issuers with a JWKS document: rotated keys, unreachable issuers, and keys that are used for another purpose.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use wayin::app::App;
use wayin::auth::jwks::RefreshPolicy;
use wayin::auth::jwt::{TokenSubject, TokenVerifier};
use wayin::auth::member;
use wayin::clock::{Clock, SystemClock};
use wayin::config::TokenConfig;
use wayin::error::TokenError;
use wayin::schema::execute::OperationExecutor;
use wayin_entity::Role;

use crate::support::app::{AUDIENCE, ISSUER, TestApp};
use crate::support::key_pairs::{TestKeyPair, encode_token, jwks_document};
use crate::support::tokens::encode_pem;
use crate::support::{Database, tests_on_both_databases, tests_without_database};

tests_on_both_databases![
    rotated_keys_are_picked_up,
    each_issuer_is_verified_with_its_own_keys,
];
tests_without_database![
    unknown_key_triggers_one_fetch,
    unreachable_issuer_keeps_cached_keys,
    issuer_unreachable_at_start_is_retried,
    known_key_is_verified_without_a_fetch,
    keys_are_used_only_with_their_own_algorithm,
    key_file_is_reloaded,
];

const NOT_ACCEPTED: TokenError = TokenError::NotAccepted;

impl TestKeyPair {
    /// A valid token.
    fn token(&self) -> String {
        self.token_as(Some(self.id), &valid_claims(ISSUER))
    }
}

fn valid_claims(issuer: &str) -> Value {
    let now = SystemClock.now().timestamp();
    json!({"iss": issuer, "sub": "dashboard", "aud": AUDIENCE, "iat": now, "exp": now + 3600})
}

/// The response of an issuer to a request for its keys.
#[derive(Clone, Debug)]
enum JwksResponse {
    With(StatusCode, String),
    /// The response after a delay.
    After(Duration, String),
    /// A redirect to another URL.
    Elsewhere(String),
    Never,
}

/// A server with a JWKS document.
struct JwksServer {
    url: String,
    answers: Arc<(Mutex<JwksResponse>, AtomicUsize)>,
    serving: JoinHandle<()>,
}

impl Drop for JwksServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl JwksServer {
    async fn start(answers: JwksResponse) -> Self {
        async fn serve_jwks(State(said): State<Arc<(Mutex<JwksResponse>, AtomicUsize)>>) -> Response {
            said.1.fetch_add(1, Ordering::SeqCst);
            let answers = said.0.lock().unwrap().clone();
            match answers {
                JwksResponse::With(status, text) => (status, text).into_response(),
                JwksResponse::After(time, text) => {
                    sleep(time).await;
                    text.into_response()
                }
                JwksResponse::Elsewhere(url) => {
                    (StatusCode::FOUND, [(header::LOCATION, url)]).into_response()
                }
                JwksResponse::Never => std::future::pending().await,
            }
        }
        let answers = Arc::new((Mutex::new(answers), AtomicUsize::new(0)));
        let router = Router::new()
            .route("/keys", get(serve_jwks))
            .with_state(Arc::clone(&answers));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            answers,
            serving,
        }
    }

    async fn with_keys(pairs: &[&TestKeyPair]) -> Self {
        Self::start(JwksResponse::With(StatusCode::OK, jwks_document(pairs))).await
    }

    fn publish(&self, pairs: &[&TestKeyPair]) {
        self.set_response(JwksResponse::With(StatusCode::OK, jwks_document(pairs)));
    }

    fn set_response(&self, answers: JwksResponse) {
        *self.answers.0.lock().unwrap() = answers;
    }

    /// The number of requests so far.
    fn request_count(&self) -> usize {
        self.answers.1.load(Ordering::SeqCst)
    }
}

/// Reads the document once, and again only because of an unknown key.
fn slow_refresh_policy() -> RefreshPolicy {
    let hour = Duration::from_hours(1);
    RefreshPolicy {
        interval: hour,
        retry_after: hour,
        unknown_key_interval: hour,
        timeout: Duration::from_secs(20),
    }
}

/// Reads the document often enough for a test.
fn fast_refresh_policy() -> RefreshPolicy {
    RefreshPolicy {
        interval: Duration::from_millis(20),
        retry_after: Duration::from_millis(20),
        unknown_key_interval: Duration::from_hours(1),
        timeout: Duration::from_secs(20),
    }
}

fn build_verifier(settings: &[(&str, &str)], pace: RefreshPolicy) -> TokenVerifier {
    let mut all = BTreeMap::from([
        ("TOKEN_ALGORITHM", "EdDSA, ES256, RS256"),
        ("TOKEN_ISSUER", ISSUER),
        ("TOKEN_AUDIENCE", AUDIENCE),
    ]);
    all.extend(settings.iter().copied());
    let mut config = TokenConfig::read(&|name| all.get(name).map(|value| (*value).to_owned())).unwrap();
    config.refresh_policy = pace;
    config.build_verifier().unwrap()
}

async fn start_following(issuer: &JwksServer, pace: RefreshPolicy) -> TokenVerifier {
    let verifier = build_verifier(&[("TOKEN_JWKS_URL", &issuer.url)], pace);
    verifier.refresh_keys().await;
    verifier
}

/// The subject of a token, or why it is invalid.
async fn verify_subject(verifier: &TokenVerifier, token: &str) -> Result<String, TokenError> {
    verifier
        .verify(token)
        .await
        .map(|verified| verified.subject.subject)
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a good token comes to")]
fn valid_result() -> Result<String, TokenError> {
    Ok("dashboard".into())
}

/// Waits until verifying a token has the expected result.
async fn wait_for_result(verifier: &TokenVerifier, token: &str, expected: &Result<String, TokenError>) {
    let since = Instant::now();
    while verify_subject(verifier, token).await != *expected {
        assert!(since.elapsed() < Duration::from_secs(20), "in time: {expected:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn rotated_keys_are_picked_up(database: Database) {
    let (old, new) = (
        TestKeyPair::new("1", Algorithm::EdDSA),
        TestKeyPair::new("2", Algorithm::ES256),
    );
    let issuer = JwksServer::with_keys(&[&old]).await;
    let verifier = start_following(&issuer, slow_refresh_policy()).await;
    let started = TestApp::start(database).await;
    let app = Arc::new(App::new(
        started.app.db.clone(),
        verifier.clone(),
        Arc::new(SystemClock),
        Arc::clone(&started.app.engine),
    ));
    let app = TestApp {
        executor: OperationExecutor::new(Arc::clone(&app)),
        app,
        database: started.database.clone(),
    };
    let mut client = app.create_member("dashboard", Role::Dashboard, None).await;
    client.authorization = Some(format!("Bearer {}", old.token()));
    client.query("{ viewer { subject } }").await;
    assert_eq!(issuer.request_count(), 1);
    // An unknown key causes one more request.
    issuer.publish(&[&old, &new]);
    client.authorization = Some(format!("Bearer {}", new.token()));
    client.query("{ viewer { subject } }").await;
    assert_eq!(issuer.request_count(), 2);
    // After that there are no more requests for a while, whatever keys are named.
    for unknown in ["3", "4", "", "🦀"] {
        let token = new.token_as(Some(unknown), &valid_claims(ISSUER));
        assert_eq!(
            verify_subject(&verifier, &token).await,
            Err(NOT_ACCEPTED),
            "{unknown}"
        );
    }
    for known in [&old, &new] {
        assert_eq!(verify_subject(&verifier, &known.token()).await, valid_result());
    }
    // An algorithm that is not accepted causes no request.
    let secret = EncodingKey::from_secret(b"a secret that nobody has agreed upon");
    let token = encode_token(Algorithm::HS256, Some("5"), &secret, &valid_claims(ISSUER));
    assert_eq!(verify_subject(&verifier, &token).await, Err(NOT_ACCEPTED));
    assert_eq!(issuer.request_count(), 2);
}

async fn unknown_key_triggers_one_fetch() {
    let (old, new) = (
        TestKeyPair::new("1", Algorithm::EdDSA),
        TestKeyPair::new("2", Algorithm::EdDSA),
    );
    let issuer = JwksServer::with_keys(&[&old]).await;
    let verifier = start_following(&issuer, slow_refresh_policy()).await;
    issuer.set_response(JwksResponse::After(
        Duration::from_millis(300),
        jwks_document(&[&old, &new]),
    ));
    let token = new.token();
    let all = (0..50).map(|_| verify_subject(&verifier, &token));
    for one in futures_util::future::join_all(all).await {
        assert_eq!(one, valid_result());
    }
    assert_eq!(issuer.request_count(), 2);
}

async fn unreachable_issuer_keeps_cached_keys() {
    let (old, new) = (
        TestKeyPair::new("1", Algorithm::RS256),
        TestKeyPair::new("2", Algorithm::RS256),
    );
    let issuer = JwksServer::with_keys(&[&old]).await;
    let other = JwksServer::with_keys(&[&new]).await;
    let verifier = start_following(&issuer, fast_refresh_policy()).await;
    let (of_old, of_new) = (old.token(), new.token());
    let too_large = format!("{}{}", jwks_document(&[&new]), " ".repeat(300 * 1024));
    for trouble in [
        JwksResponse::With(StatusCode::INTERNAL_SERVER_ERROR, jwks_document(&[&new])),
        JwksResponse::With(StatusCode::OK, "<html>We are back soon</html>".into()),
        JwksResponse::With(StatusCode::OK, "{}".into()),
        JwksResponse::With(StatusCode::OK, too_large),
        JwksResponse::With(StatusCode::NO_CONTENT, String::new()),
        JwksResponse::Elsewhere(other.url.clone()),
    ] {
        issuer.set_response(trouble.clone());
        let before = issuer.request_count();
        let since = Instant::now();
        while issuer.request_count() < before + 3 {
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "the document is requested again: {trouble:?}"
            );
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(
            verify_subject(&verifier, &of_old).await,
            valid_result(),
            "{trouble:?}"
        );
        assert_eq!(
            verify_subject(&verifier, &of_new).await,
            Err(NOT_ACCEPTED),
            "{trouble:?}"
        );
    }
    assert_eq!(other.request_count(), 0, "redirects are not followed");
    // The issuer is available again, with a new key and without the old one.
    issuer.publish(&[&new]);
    wait_for_result(&verifier, &of_new, &valid_result()).await;
    assert_eq!(verify_subject(&verifier, &of_old).await, Err(NOT_ACCEPTED));
}

async fn issuer_unreachable_at_start_is_retried() {
    let pair = TestKeyPair::new("1", Algorithm::EdDSA);
    let issuer = JwksServer::start(JwksResponse::With(StatusCode::BAD_GATEWAY, String::new())).await;
    let verifier = start_following(&issuer, fast_refresh_policy()).await;
    let token = pair.token();
    assert_eq!(
        verify_subject(&verifier, &token).await,
        Err(TokenError::KeysUnavailable)
    );
    issuer.publish(&[&pair]);
    wait_for_result(&verifier, &token, &valid_result()).await;
}

async fn known_key_is_verified_without_a_fetch() {
    let pair = TestKeyPair::new("1", Algorithm::EdDSA);
    let issuer = JwksServer::with_keys(&[&pair]).await;
    let verifier = start_following(&issuer, slow_refresh_policy()).await;
    issuer.set_response(JwksResponse::Never);
    let unknown = pair.token_as(Some("2"), &valid_claims(ISSUER));
    let waits = tokio::spawn({
        let verifier = verifier.clone();
        async move { verifier.verify(&unknown).await }
    });
    let since = Instant::now();
    while issuer.request_count() < 2 {
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "the issuer gets a request"
        );
        sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..100 {
        assert_eq!(verify_subject(&verifier, &pair.token()).await, valid_result());
    }
    assert!(!waits.is_finished(), "the issuer has not answered meanwhile");
    waits.abort();
}

#[expect(clippy::too_many_lines, reason = "one scenario from start to end")]
async fn keys_are_used_only_with_their_own_algorithm() {
    let (one, two, three) = (
        TestKeyPair::new("1", Algorithm::EdDSA),
        TestKeyPair::new("2", Algorithm::ES256),
        TestKeyPair::new("3", Algorithm::RS256),
    );
    let (twin, mut sealing) = (
        TestKeyPair::new("4", Algorithm::EdDSA),
        TestKeyPair::new("5", Algorithm::ES256),
    );
    sealing.listed["use"] = "enc".into();
    let secret = b"a secret that everybody may read, of more than 32 bytes";
    let mut keys: Vec<Value> = [&one, &two, &three, &twin, &sealing]
        .iter()
        .map(|pair| pair.listed.clone())
        .collect();
    keys.push(json!({"kty": "oct", "kid": "6", "k": BASE64_URL_SAFE_NO_PAD.encode(secret)}));
    let listed = json!({"keys": keys}).to_string();
    let issuer = JwksServer::start(JwksResponse::With(StatusCode::OK, listed)).await;
    let verifier = start_following(&issuer, slow_refresh_policy()).await;
    let refused = async |token: String, what: &str| {
        assert_eq!(
            verify_subject(&verifier, &token).await,
            Err(NOT_ACCEPTED),
            "{what}"
        );
    };
    for pair in [&one, &two, &three, &twin] {
        assert_eq!(
            verify_subject(&verifier, &pair.token()).await,
            valid_result(),
            "{}",
            pair.id
        );
    }
    // A public key in any form, or a listed symmetric key, is not accepted as a secret.
    for pair in [&one, &two, &three] {
        let texts = [
            pair.public.clone(),
            encode_pem("PUBLIC", &pair.public),
            pair.listed.to_string().into_bytes(),
            BASE64_URL_SAFE_NO_PAD.encode(&pair.public).into_bytes(),
            Vec::new(),
        ];
        for text in texts {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let key = EncodingKey::from_secret(&text);
                refused(
                    encode_token(algorithm, Some(pair.id), &key, &valid_claims(ISSUER)),
                    "confused",
                )
                .await;
            }
        }
    }
    let key = EncodingKey::from_secret(secret);
    refused(
        encode_token(Algorithm::HS256, Some("6"), &key, &valid_claims(ISSUER)),
        "oct",
    )
    .await;
    // A key id of another key, and a key for another purpose.
    refused(
        one.token_as(Some("4"), &valid_claims(ISSUER)),
        "the key id of its twin",
    )
    .await;
    refused(
        one.token_as(Some("2"), &valid_claims(ISSUER)),
        "the key id of another key",
    )
    .await;
    refused(sealing.token(), "a key for another purpose").await;
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = encode_token(algorithm, Some("3"), &three.signs, &valid_claims(ISSUER));
        refused(token, "another algorithm of the same key").await;
    }
    // A token without a key id is only accepted if exactly one key fits.
    for (pair, expected) in [
        (&one, Err(NOT_ACCEPTED)),
        (&twin, Err(NOT_ACCEPTED)),
        (&two, valid_result()),
        (&three, valid_result()),
    ] {
        let token = pair.token_as(None, &valid_claims(ISSUER));
        assert_eq!(verify_subject(&verifier, &token).await, expected, "{}", pair.id);
    }
    // No signature, with any header.
    for header in [
        json!({"alg": "none", "kid": "1"}),
        json!({"alg": "None"}),
        json!({"alg": "EdDSA", "kid": "1"}),
        json!({"kid": "1"}),
        json!({"alg": "EdDSA", "kid": "1", "crit": ["b64"], "b64": false}),
    ] {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        refused(
            format!("{}.{}.", part(&header), part(&valid_claims(ISSUER))),
            "no signature",
        )
        .await;
    }
    // A key in the header of a token is ignored.
    let stranger = TestKeyPair::new("1", Algorithm::ES256);
    let mut header = Header::new(Algorithm::ES256);
    header.jwk = serde_json::from_value(stranger.listed.clone()).ok();
    header.jku = Some(issuer.url.clone());
    header.kid = Some("2".into());
    let token = jsonwebtoken::encode(&header, &valid_claims(ISSUER), &stranger.signs).unwrap();
    refused(token, "a key that comes along").await;
    // Every claim is validated, even with a valid signature.
    for (claim, value, trouble) in [
        (
            "exp",
            json!("never"),
            TokenError::WrongClaimType("exp", "a number"),
        ),
        ("nbf", json!("now"), TokenError::WrongClaimType("nbf", "a number")),
        ("aud", json!("elsewhere"), TokenError::WrongAudience),
        ("sub", json!(7), TokenError::WrongClaimType("sub", "a text")),
        // The library rejects tokens whose subject is a list.
        ("sub", json!(["dashboard"]), NOT_ACCEPTED),
        (
            "iss",
            json!("https://another.example.org"),
            TokenError::UnknownIssuer,
        ),
    ] {
        let mut claims = valid_claims(ISSUER);
        claims[claim] = value;
        let token = two.token_as(Some("2"), &claims);
        assert_eq!(verify_subject(&verifier, &token).await, Err(trouble), "{claim}");
    }
}

async fn each_issuer_is_verified_with_its_own_keys(database: Database) {
    const OTHER_ISSUER: &str = "https://id.example.org/realms/council";
    let (ours, theirs) = (
        TestKeyPair::new("1", Algorithm::EdDSA),
        TestKeyPair::new("1", Algorithm::RS256),
    );
    let issuer = JwksServer::with_keys(&[&ours]).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys.json"), jwks_document(&[&theirs])).unwrap();
    let file = folder.path().join("issuers.json");
    let list = json!([{"issuer": OTHER_ISSUER, "audience": "wayin-of-theirs", "algorithms": ["RS256"], "jwksFile": "keys.json"}]);
    std::fs::write(&file, list.to_string()).unwrap();
    let file = file.display().to_string();
    let verifier = build_verifier(
        &[("TOKEN_JWKS_URL", &issuer.url), ("TOKEN_ISSUERS_FILE", &file)],
        slow_refresh_policy(),
    );
    verifier.refresh_keys().await;
    let mut of_theirs = valid_claims(OTHER_ISSUER);
    of_theirs["aud"] = json!(["something", "wayin-of-theirs"]);
    assert_eq!(verify_subject(&verifier, &ours.token()).await, valid_result());
    assert_eq!(
        verify_subject(&verifier, &theirs.token_as(Some("1"), &of_theirs)).await,
        valid_result()
    );
    // Each issuer has its own audiences.
    assert_eq!(
        verify_subject(
            &verifier,
            &theirs.token_as(Some("1"), &valid_claims(OTHER_ISSUER))
        )
        .await,
        Err(TokenError::WrongAudience)
    );
    // An issuer's key is not valid for tokens of the other issuer.
    for (pair, claims) in [(&theirs, &valid_claims(ISSUER)), (&ours, &of_theirs)] {
        assert_eq!(
            verify_subject(&verifier, &pair.token_as(Some("1"), claims)).await,
            Err(NOT_ACCEPTED)
        );
    }
    let nobody = valid_claims("https://nobody.example.org");
    assert_eq!(
        verify_subject(&verifier, &ours.token_as(Some("1"), &nobody)).await,
        Err(TokenError::UnknownIssuer)
    );
    // A member is known by its issuer and subject. Only tokens of this service are listed.
    let app = TestApp::start(database).await;
    let subject = TokenSubject {
        issuer: OTHER_ISSUER.into(),
        subject: "dashboard".into(),
    };
    let authorization = format!("Bearer {}", theirs.token_as(Some("1"), &of_theirs));
    let asks = async |authorization: &str| {
        let requester = member::authenticate(&app.app.db, &verifier, Some(authorization)).await;
        requester.unwrap().member().cloned()
    };
    assert!(
        asks(&authorization).await.is_err(),
        "the subject is not a member yet"
    );
    member::add_or_update_member(&app.app.db, &TestApp::action(), subject, Role::Dashboard, None)
        .await
        .unwrap();
    assert_eq!(asks(&authorization).await.unwrap().role, Role::Dashboard);
    let mut with_id = of_theirs.clone();
    with_id["jti"] = SystemClock.new_id().to_string().into();
    let token = theirs.token_as(Some("1"), &with_id);
    assert_eq!(verifier.verify(&token).await.unwrap().token, None);
    let authorization = format!("Bearer {token}");
    assert_eq!(asks(&authorization).await.unwrap().token, None);
}

async fn key_file_is_reloaded() {
    let (old, new) = (
        TestKeyPair::new("1", Algorithm::ES256),
        TestKeyPair::new("2", Algorithm::ES256),
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, jwks_document(&[&old])).unwrap();
    let name = file.display().to_string();
    let verifier = build_verifier(&[("TOKEN_JWKS_FILE", &name)], fast_refresh_policy());
    verifier.refresh_keys().await;
    assert_eq!(verify_subject(&verifier, &old.token()).await, valid_result());
    std::fs::write(&file, "half a docu").unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(verify_subject(&verifier, &old.token()).await, valid_result());
    std::fs::write(&file, jwks_document(&[&new])).unwrap();
    wait_for_result(&verifier, &new.token(), &valid_result()).await;
    assert_eq!(verify_subject(&verifier, &old.token()).await, Err(NOT_ACCEPTED));
}
