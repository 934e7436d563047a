//! Authentication: valid and invalid tokens, and the settings of tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use wayin::app::App;
use wayin::auth::jwt::TokenSubject;
use wayin::auth::member;
use wayin::clock::{Clock, SystemClock};
use wayin::config::{self, DatabaseConfig, TokenConfig};
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::schema::execute::OperationExecutor;
use wayin_entity::Role;

use crate::support::app::{AUDIENCE, Client, ISSUER, SECRET, TestApp, sign_token, sign_token_until};
use crate::support::tokens::encode_pem;
use crate::support::{Database, tests_on_both_databases, tests_without_database};

tests_on_both_databases![
    invalid_token_reports_its_reason,
    revoked_member_is_rejected_at_once,
    every_algorithm_signs_and_verifies,
    algorithm_comes_from_settings_not_from_the_token,
];
tests_without_database![invalid_setting_is_reported_by_name];

/// Valid claims, for tests to modify.
fn valid_claims() -> Value {
    let now = SystemClock.now().timestamp();
    json!({"iss": ISSUER, "sub": "dashboard", "aud": AUDIENCE, "iat": now, "exp": now + 3600})
}

fn claims_with(field: &str, value: impl Into<Value>) -> Value {
    let mut claims = valid_claims();
    claims[field] = value.into();
    claims
}

fn claims_without(field: &str) -> Value {
    let mut claims = valid_claims();
    claims.as_object_mut().unwrap().remove(field);
    claims
}

fn encode_token(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap()
}

fn sign_with_secret(claims: &Value) -> String {
    encode_token(Algorithm::HS256, &EncodingKey::from_secret(SECRET), claims)
}

/// A token with any header and any signature.
fn forge_token(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

async fn rejection_reason(client: &mut Client<'_>, authorization: &str) -> String {
    client.authorization = Some(authorization.into());
    let response = client.execute("{ viewer { subject } }").await;
    assert_eq!(response["data"], Value::Null, "{authorization}");
    let (message, code) = client.query_error("{ viewer { subject } }").await;
    assert_eq!(code, "UNAUTHENTICATED", "{authorization}");
    message
}

#[expect(clippy::too_many_lines, reason = "one line for each mistake that can be made")]
async fn invalid_token_reports_its_reason(database: Database) {
    let app = TestApp::start(database).await;
    let mut client = app.create_member("dashboard", Role::Dashboard, None).await;
    assert_eq!(
        client
            .query("{ viewer { subject role organisation { name } } }")
            .await,
        json!({"viewer": {"subject": "dashboard", "role": "DASHBOARD", "organisation": null}})
    );
    let now = SystemClock.now();
    let good = sign_token("dashboard");
    let other_key = encode_token(
        Algorithm::HS256,
        &EncodingKey::from_secret(b"another secret, of more than 32 bytes"),
        &valid_claims(),
    );
    let other_length = encode_token(
        Algorithm::HS512,
        &EncodingKey::from_secret(SECRET),
        &valid_claims(),
    );
    let signature = good.rsplit('.').next().unwrap();
    let not_bearer = "the Authorization header is not `Bearer <token>`";
    let not_accepted = "this service does not accept the token";
    let incomplete = "the token has no `iss`, `sub`, `exp` or `aud`";
    let bearer = |token: &str| format!("Bearer {token}");
    for (authorization, expected) in [
        (String::new(), not_bearer),
        ("Bearer".into(), not_bearer),
        (format!("Basic {good}"), not_bearer),
        (good.clone(), not_bearer),
        (bearer(""), not_accepted),
        (bearer("not.a.token"), not_accepted),
        (bearer("a token of several words"), not_accepted),
        (bearer(&good[..good.len() - 2]), not_accepted),
        (bearer(&other_key), not_accepted),
        (bearer(&other_length), not_accepted),
        (
            bearer(&forge_token(
                &json!({"alg": "none", "typ": "JWT"}),
                &valid_claims(),
                "",
            )),
            not_accepted,
        ),
        (
            bearer(&forge_token(
                &json!({"alg": "HS256"}),
                &claims_with("sub", "steward"),
                signature,
            )),
            not_accepted,
        ),
        (bearer(&format!("{good}.{signature}")), not_accepted),
        (bearer(&"a".repeat(100_000)), not_accepted),
        (
            bearer(&forge_token(
                &json!({"alg": "HS256", "crit": ["exp"], "exp": 1}),
                &valid_claims(),
                signature,
            )),
            not_accepted,
        ),
        (bearer(&sign_with_secret(&claims_without("sub"))), incomplete),
        (bearer(&sign_with_secret(&claims_without("iss"))), incomplete),
        (bearer(&sign_with_secret(&claims_without("exp"))), incomplete),
        (bearer(&sign_with_secret(&claims_without("aud"))), incomplete),
        (
            bearer(&sign_token_until("dashboard", now - TimeDelta::minutes(2))),
            "the token has expired; ask for a new one",
        ),
        (
            bearer(&sign_with_secret(&claims_with("nbf", now.timestamp() + 600))),
            "the token is not valid yet",
        ),
        (
            bearer(&sign_with_secret(&claims_with(
                "iss",
                "https://elsewhere.example.org",
            ))),
            "this service does not trust the token's issuer",
        ),
        (
            bearer(&sign_with_secret(&claims_with("exp", "9999999999"))),
            "the token's `exp` is not a number",
        ),
        (
            bearer(&sign_with_secret(&claims_with("nbf", Value::Null))),
            "the token's `nbf` is not a number",
        ),
        (
            bearer(&sign_with_secret(&claims_with("iss", json!([ISSUER])))),
            "the token's `iss` is not a text",
        ),
        (
            bearer(&sign_with_secret(&claims_with("sub", 7))),
            "the token's `sub` is not a text",
        ),
        (
            bearer(&sign_with_secret(&claims_with(
                "aud",
                json!({"wayin-tests": true}),
            ))),
            "the token's `aud` is not a text or a list of texts",
        ),
        (
            bearer(&sign_with_secret(&claims_with("aud", "another-service"))),
            "the token is for another service",
        ),
        (
            bearer(&sign_token("somebody else")),
            "the token's subject is not a member",
        ),
    ] {
        assert_eq!(
            rejection_reason(&mut client, &authorization).await,
            expected,
            "{authorization}"
        );
    }
    // The scheme is case-insensitive. The vocabulary is available with any token.
    client.authorization = Some(format!("bearer {good}"));
    client.query("{ viewer { subject } }").await;
    client.authorization = Some("Bearer nonsense".into());
    client.query("{ vocabulary { steps { code } } }").await;
}

async fn revoked_member_is_rejected_at_once(database: Database) {
    let app = TestApp::start(database).await;
    let client = app
        .create_member("partner", Role::Partner, Some("GB-CHC-1"))
        .await;
    assert_eq!(
        client.query("{ viewer { role } }").await,
        json!({"viewer": {"role": "PARTNER"}})
    );
    let subject = TokenSubject {
        issuer: ISSUER.into(),
        subject: "partner".into(),
    };
    let revoked = member::revoke(&app.app.db, &TestApp::action(), &subject)
        .await
        .unwrap();
    assert!(revoked.is_some(), "the member exists");
    assert_eq!(
        client.query_error("{ viewer { role } }").await,
        ("the token's member was revoked".into(), "UNAUTHENTICATED".into())
    );
    // Another role takes effect at once.
    let client = app.create_member("partner", Role::Dashboard, None).await;
    assert_eq!(
        client.query("{ viewer { role } }").await,
        json!({"viewer": {"role": "DASHBOARD"}})
    );
}

/// A key pair in files, generated for this run.
struct KeyFiles {
    folder: tempfile::TempDir,
    algorithm: &'static str,
    public: Vec<u8>,
}

impl KeyFiles {
    fn new(algorithm: &'static str) -> Self {
        let (private, public) = match algorithm {
            "EdDSA" => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                (
                    pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
                    public.as_ref().to_vec(),
                )
            }
            "ES256" => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                (
                    pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
                    public.as_ref().to_vec(),
                )
            }
            _ => {
                let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
                let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                (private.as_ref().to_vec(), public.as_ref().to_vec())
            }
        };
        let folder = tempfile::tempdir().unwrap();
        let public = encode_pem("PUBLIC", &public);
        std::fs::write(folder.path().join("private.pem"), encode_pem("PRIVATE", &private)).unwrap();
        std::fs::write(folder.path().join("public.pem"), &public).unwrap();
        Self {
            folder,
            algorithm,
            public,
        }
    }

    fn settings(&self) -> TestSettings {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        TestSettings::for_algorithm(self.algorithm)
            .with("TOKEN_PUBLIC_KEY_FILE", &file("public.pem"))
            .with("TOKEN_PRIVATE_KEY_FILE", &file("private.pem"))
    }
}

/// The settings of a service, by name.
#[derive(Clone)]
struct TestSettings(BTreeMap<String, String>);

impl TestSettings {
    fn for_algorithm(algorithm: &str) -> Self {
        Self(BTreeMap::new())
            .with("TOKEN_ALGORITHM", algorithm)
            .with("TOKEN_ISSUER", ISSUER)
            .with("TOKEN_AUDIENCE", AUDIENCE)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn token_config(&self) -> TokenConfig {
        TokenConfig::read(&|name| self.get(name)).expect("the settings are valid")
    }

    /// The error message for invalid settings.
    fn error_message(&self) -> String {
        let source = |name: &str| self.get(name);
        let refused = match TokenConfig::read(&source) {
            Err(error) => Some(error),
            Ok(config) => config
                .build_verifier()
                .err()
                .or_else(|| config.build_signer().err()),
        };
        refused.expect("the settings are refused").to_string()
    }
}

/// The same database, with these token settings.
async fn start_with_token_settings(database: &Database, settings: &TestSettings) -> TestApp {
    let started = TestApp::start(database.clone()).await;
    let app = Arc::new(App::new(
        database.connection.clone(),
        settings.token_config().build_verifier().unwrap(),
        Arc::new(SystemClock),
        Arc::new(PatternEngine::new(EngineSettings::default()).unwrap()),
    ));
    app.engine.catch_up(&app.db, &|_| ()).await.unwrap();
    TestApp {
        executor: OperationExecutor::new(Arc::clone(&app)),
        app,
        database: started.database,
    }
}

fn issue_token_with(settings: &TestSettings) -> String {
    let subject = TokenSubject {
        issuer: ISSUER.into(),
        subject: "dashboard".into(),
    };
    let signer = settings.token_config().build_signer().unwrap();
    signer
        .sign(&subject, SystemClock.now(), TimeDelta::hours(1))
        .unwrap()
}

async fn every_algorithm_signs_and_verifies(database: Database) {
    let secret =
        TestSettings::for_algorithm("HS256").with("TOKEN_SECRET", "0123456789abcdef0123456789abcdef");
    let keys: Vec<KeyFiles> = ["EdDSA", "ES256", "RS256"].map(KeyFiles::new).into();
    let mut all: Vec<TestSettings> = keys.iter().map(KeyFiles::settings).collect();
    all.push(secret);
    for (number, settings) in all.iter().enumerate() {
        let app = start_with_token_settings(&database, settings).await;
        let mut client = app.create_member("dashboard", Role::Dashboard, None).await;
        for (other_number, other) in all.iter().enumerate() {
            client.authorization = Some(format!("Bearer {}", issue_token_with(other)));
            if number == other_number {
                let viewer = client.query("{ viewer { subject } }").await;
                assert_eq!(
                    viewer,
                    json!({"viewer": {"subject": "dashboard"}}),
                    "{:?}",
                    other.0
                );
            } else {
                let (message, _) = client.query_error("{ viewer { subject } }").await;
                assert_eq!(message, "this service does not accept the token", "{:?}", other.0);
            }
        }
        // Another key of the same algorithm is not accepted.
        if let Some(keys) = keys.get(number) {
            client.authorization = Some(format!(
                "Bearer {}",
                issue_token_with(&KeyFiles::new(keys.algorithm).settings())
            ));
            assert_eq!(
                client.query_error("{ viewer { subject } }").await.1,
                "UNAUTHENTICATED",
                "{:?}",
                settings.0
            );
        }
    }
}

/// The public key is not a secret. A token that is signed with it as an HMAC secret must not be accepted.
async fn algorithm_comes_from_settings_not_from_the_token(database: Database) {
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        let keys = KeyFiles::new(algorithm);
        let app = start_with_token_settings(&database, &keys.settings()).await;
        let mut client = app.create_member("dashboard", Role::Dashboard, None).await;
        let public = String::from_utf8(keys.public.clone()).unwrap();
        let der = BASE64_STANDARD
            .decode(
                public
                    .lines()
                    .filter(|line| !line.starts_with("-----"))
                    .collect::<String>(),
            )
            .unwrap();
        for secret in [keys.public.as_slice(), public.trim_end().as_bytes(), &der] {
            let confused = encode_token(
                Algorithm::HS256,
                &EncodingKey::from_secret(secret),
                &valid_claims(),
            );
            let message = rejection_reason(&mut client, &format!("Bearer {confused}")).await;
            assert_eq!(message, "this service does not accept the token", "{algorithm}");
        }
        let unsigned = forge_token(&json!({"alg": "none"}), &valid_claims(), "");
        rejection_reason(&mut client, &format!("Bearer {unsigned}")).await;
    }
}

/// The error message for an invalid value of another setting.
type SettingErrorCheck = fn(config::SettingSource<'_>) -> String;

#[expect(clippy::too_many_lines, reason = "one line for each mistake that can be made")]
async fn invalid_setting_is_reported_by_name() {
    let keys = KeyFiles::new("ES256");
    let good = keys.settings();
    let secret = TestSettings::for_algorithm("HS256");
    let not_a_key = keys.folder.path().join("not-a-key.pem");
    std::fs::write(&not_a_key, "words").unwrap();
    let not_a_key = not_a_key.display().to_string();
    let listed = |text: &str| {
        let file = keys.folder.path().join("issuers.json");
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let without_key = good.clone().without("TOKEN_PUBLIC_KEY_FILE");
    for text in [
        "",
        "{}",
        r#"[{"issuer": "https://id.example.org"}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": ["RS256"]}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": [], "jwksUrl": "https://id.example.org/keys"}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": ["HS256"], "jwksUrl": "https://id.example.org/keys"}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": ["none"], "jwksUrl": "https://id.example.org/keys"}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": ["RS256"], "jwksUrl": "http://id.example.org/keys"}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": ["RS256"], "jwksFile": "none.json"}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": ["RS256"], "publicKeyFile": "public.pem"}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": ["ES256", "RS256"], "publicKeyFile": "public.pem"}]"#,
        r#"[{"issuer": "https://issuer.example.org", "algorithms": ["ES256"], "publicKeyFile": "public.pem"}]"#,
        r#"[{"issuer": "https://id.example.org", "algorithms": ["ES256"], "publicKeyFile": "public.pem", "secret": "s"}]"#,
    ] {
        let settings = good.clone().with("TOKEN_ISSUERS_FILE", &listed(text));
        assert_named(&settings.error_message(), "TOKEN_ISSUERS_FILE");
    }
    let cases = [
        ("TOKEN_ALGORITHM", good.clone().without("TOKEN_ALGORITHM")),
        ("TOKEN_ALGORITHM", good.clone().with("TOKEN_ALGORITHM", "none")),
        ("TOKEN_ALGORITHM", good.clone().with("TOKEN_ALGORITHM", "hs256")),
        ("TOKEN_ISSUER", good.clone().without("TOKEN_ISSUER")),
        ("TOKEN_AUDIENCE", good.clone().without("TOKEN_AUDIENCE")),
        (
            "TOKEN_PUBLIC_KEY_FILE",
            good.clone().without("TOKEN_PUBLIC_KEY_FILE"),
        ),
        (
            "TOKEN_PUBLIC_KEY_FILE",
            good.clone().with("TOKEN_PUBLIC_KEY_FILE", "/nowhere/key.pem"),
        ),
        (
            "TOKEN_PUBLIC_KEY_FILE",
            good.clone().with("TOKEN_PUBLIC_KEY_FILE", &not_a_key),
        ),
        (
            "TOKEN_PUBLIC_KEY_FILE",
            good.clone().with("TOKEN_ALGORITHM", "RS256"),
        ),
        (
            "TOKEN_ALGORITHM",
            good.clone().with("TOKEN_ALGORITHM", "ES256,RS256"),
        ),
        (
            "TOKEN_ALGORITHM",
            good.clone().with("TOKEN_ALGORITHM", "ES256,HS256"),
        ),
        (
            "TOKEN_JWKS_URL",
            good.clone().with("TOKEN_JWKS_URL", "https://id.example.org/keys"),
        ),
        (
            "TOKEN_JWKS_URL",
            without_key
                .clone()
                .with("TOKEN_JWKS_URL", "http://id.example.org/keys"),
        ),
        (
            "TOKEN_JWKS_URL",
            without_key
                .clone()
                .with("TOKEN_JWKS_URL", "https://id.example.org/keys")
                .with("TOKEN_JWKS_FILE", "keys.json"),
        ),
        (
            "TOKEN_JWKS_URL",
            secret
                .clone()
                .with("TOKEN_JWKS_URL", "https://id.example.org/keys"),
        ),
        (
            "TOKEN_JWKS_FILE",
            without_key.clone().with("TOKEN_JWKS_FILE", "/nowhere/keys.json"),
        ),
        ("TOKEN_JWKS_FILE", without_key.with("TOKEN_JWKS_FILE", &not_a_key)),
        ("TOKEN_JWKS_SECONDS", good.clone().with("TOKEN_JWKS_SECONDS", "1")),
        (
            "TOKEN_PRIVATE_KEY_FILE",
            good.clone().without("TOKEN_PRIVATE_KEY_FILE"),
        ),
        (
            "TOKEN_PRIVATE_KEY_FILE",
            good.clone().with("TOKEN_PRIVATE_KEY_FILE", &not_a_key),
        ),
        (
            "TOKEN_SECRET",
            good.clone()
                .with("TOKEN_SECRET", "0123456789abcdef0123456789abcdef"),
        ),
        ("TOKEN_SECRET", secret.clone()),
        (
            "TOKEN_SECRET",
            secret.with("TOKEN_SECRET", "0123456789abcdef0123456789abcde"),
        ),
    ];
    for (setting, settings) in cases {
        assert_named(&settings.error_message(), setting);
    }
    let others: [(&str, &str, SettingErrorCheck); 5] = [
        ("DATABASE_URL", "mysql://somewhere/base", |source| {
            DatabaseConfig::read(source).unwrap_err().to_string()
        }),
        ("MIGRATE_ON_START", "perhaps", |source| {
            DatabaseConfig::read(source).unwrap_err().to_string()
        }),
        ("BIND", "localhost", |source| {
            config::read_bind_address(source).unwrap_err().to_string()
        }),
        ("BIND", "127.0.0.1:70000", |source| {
            config::read_bind_address(source).unwrap_err().to_string()
        }),
        ("LOG", "wayin=loud", |source| {
            config::read_log_filter(source).unwrap_err().to_string()
        }),
    ];
    for (setting, value, refused) in others {
        let source = |name: &str| (name == setting).then(|| value.to_owned());
        assert_named(&refused(&source), setting);
    }
}

/// Asserts that the message is one sentence that begins with the setting.
fn assert_named(complaint: &str, setting: &str) {
    assert!(
        complaint.starts_with(&format!("The setting {setting} ")),
        "the message must begin with {setting}: {complaint}"
    );
    assert!(
        complaint.ends_with('.') && !complaint.contains(['\n', ';']),
        "the message must be one sentence: {complaint}"
    );
}
