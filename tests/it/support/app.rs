//! A running service over the database of a test, and clients of it.

use std::io::Write as _;
use std::sync::Arc;

use async_graphql::{Request, Variables};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sea_orm::{DatabaseConnection, DatabaseTransaction};
use serde_json::Value;
use wayin::app::App;
use wayin::auth::issued_token::TokenIssuer;
use wayin::auth::jwt::{TokenSigner, TokenSubject, TokenVerifier};
use wayin::auth::member;
use wayin::auth::permission::Permissions;
use wayin::change_log::ActionContext;
use wayin::clock::{Clock, SystemClock};
use wayin::graphql::operation::cost;
use wayin::graphql::operation::cost::{RateLimit, RateLimits};
use wayin::import::job::outcomes::load_remarks;
use wayin::import::job::worker::{Worker, run_until_ended};
use wayin::import::job::{self, ImportSender, ImportSettings, NewImport};
use wayin::import::{self, Remark, Tally};
use wayin::instance;
use wayin::integrity::{Violation, check_integrity};
use wayin::organisation;
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::schema::execute::OperationExecutor;
use wayin::subscriptions::ConnectionLimits;
use wayin_entity::{FileFormat, ImportKind, Role};

use super::Database;

/// The issuer of the tokens.
pub const ISSUER: &str = "https://issuer.example.org";
/// The audience of the tokens.
pub const AUDIENCE: &str = "wayin-tests";
/// The secret that signs the tokens.
pub const SECRET: &[u8] = b"a secret that is known to stories alone";

/// The identifier of the organisation of [`TestApp::partner`].
pub const PARTNER_ORGANISATION: &str = "GB-CHC-500";

/// A service over the database of a test.
pub struct TestApp {
    /// The service.
    pub app: Arc<App>,
    /// Its GraphQL schema.
    pub executor: OperationExecutor,
    /// The address of its database.
    pub database: Database,
}

impl TestApp {
    /// A service over an empty database, which its engine has read.
    pub async fn start(database: Database) -> Self {
        let connection = database.connection.clone();
        Self::start_on_connection(database, connection).await
    }

    /// A service on a given connection.
    pub async fn start_on_connection(database: Database, connection: DatabaseConnection) -> Self {
        Self::with_settings(database, connection, EngineSettings::default()).await
    }

    /// A service with other settings of the engine.
    pub async fn with_settings(
        database: Database,
        connection: DatabaseConnection,
        settings: EngineSettings,
    ) -> Self {
        Self::build(database, connection, settings, |app| app).await
    }

    /// A service with other limits of connections.
    pub async fn with_limits(database: Database, limits: ConnectionLimits) -> Self {
        let connection = database.connection.clone();
        Self::build(database, connection, EngineSettings::default(), |app| {
            app.with_limits(limits)
        })
        .await
    }

    /// A service that is modified before it starts.
    pub async fn start_with(database: Database, change: impl FnOnce(App) -> App) -> Self {
        let connection = database.connection.clone();
        Self::build(database, connection, EngineSettings::default(), change).await
    }

    /// A service with other permissions.
    pub async fn with_permissions(database: Database, permissions: Permissions) -> Self {
        let connection = database.connection.clone();
        Self::build(database, connection, EngineSettings::default(), |app| {
            app.with_permissions(permissions)
        })
        .await
    }

    async fn build(
        database: Database,
        connection: DatabaseConnection,
        settings: EngineSettings,
        change: impl FnOnce(App) -> App,
    ) -> Self {
        Self::build_with_clock(database, connection, settings, Arc::new(SystemClock), |app| {
            change(app.with_cost_settings(unlimited_cost_settings()))
        })
        .await
    }

    /// A service that reports costs, with the clock of the test.
    pub async fn with_costs(database: Database, costs: cost::CostSettings, clock: Arc<dyn Clock>) -> Self {
        let connection = database.connection.clone();
        Self::build_with_clock(database, connection, EngineSettings::default(), clock, |app| {
            app.with_cost_settings(costs)
        })
        .await
    }

    async fn build_with_clock(
        database: Database,
        connection: DatabaseConnection,
        settings: EngineSettings,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(App) -> App,
    ) -> Self {
        instance::ensure_instance(&connection, &SystemClock)
            .await
            .expect("the instance settings are created");
        let verifier = TokenVerifier::new(
            Algorithm::HS256,
            DecodingKey::from_secret(SECRET),
            ISSUER,
            AUDIENCE,
        );
        let engine = Arc::new(PatternEngine::new(settings).expect("the engine starts"));
        let app = App::new(connection, verifier, clock, engine);
        let app = Arc::new(change(app.with_token_issuer(Some(token_issuer()))));
        app.engine
            .catch_up(&app.db, &|_| ())
            .await
            .expect("the engine reads the database");
        Self {
            executor: OperationExecutor::new(Arc::clone(&app)),
            app,
            database,
        }
    }

    /// The context of actions of the test.
    pub const fn action() -> ActionContext<'static> {
        ActionContext {
            clock: &SystemClock,
            member: None,
            reason: "a story",
        }
    }

    /// Imports places from CSV and refreshes the engine.
    pub async fn import_places(&self, csv: &str) -> Tally {
        let mut remarks = Vec::new();
        let tally = import::places::import(&self.app.db, &Self::action(), csv.as_bytes(), &mut |remark| {
            if matches!(remark, Remark::Refused(_)) {
                remarks.push(remark);
            }
        })
        .await
        .expect("the import succeeds");
        assert!(remarks.is_empty(), "every place is imported: {remarks:?}");
        self.catch_up().await;
        tally
    }

    /// Imports records, each a JSON document, and refreshes the engine. All must be published.
    pub async fn publish(&self, records: &[Value]) -> Tally {
        let (tally, remarks) = self.try_publish(records).await;
        let refused: Vec<_> = remarks
            .iter()
            .filter(|remark| matches!(remark, Remark::Refused(_)))
            .collect();
        assert!(refused.is_empty(), "every record is imported: {refused:?}");
        tally
    }

    /// Imports records as [`publish`](Self::publish) does; returns the problems of the rows.
    pub async fn try_publish(&self, records: &[Value]) -> (Tally, Vec<Remark>) {
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        let file = (ImportKind::Records, FileFormat::JsonLines);
        let published = self.publish_file(file, None, lines.join("\n")).await;
        let published = published.expect("the import succeeds");
        self.catch_up().await;
        published
    }

    /// Publishes a file as the command line does; returns the tally and the remarks, or why the import failed.
    pub async fn publish_file(
        &self,
        (kind, format): (ImportKind, FileFormat),
        licence: Option<String>,
        content: impl AsRef<[u8]>,
    ) -> Result<(Tally, Vec<Remark>), String> {
        let db = &self.app.db;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content.as_ref()).unwrap();
        let new = NewImport {
            kind,
            organisation: None,
            licence,
            file_name: "file".into(),
            format,
            bytes: content.as_ref().len() as u64,
        };
        let transaction = wayin::database::begin_write(db).await.unwrap();
        let (act, sender) = (Self::action(), ImportSender::CommandLine);
        let queued = job::enqueue(&transaction, &act, sender, new, file).await;
        let queued = queued.unwrap().unwrap();
        wayin::database::commit(transaction).await.unwrap();
        let worker = Worker::new(db, &SystemClock, ImportSettings::default());
        let import = run_until_ended(&worker, queued.id).await.unwrap().unwrap();
        let mut remarks = load_remarks(db, import.id, &mut 0, u64::MAX >> 1).await.unwrap();
        let notes = import.notes.iter().flat_map(|notes| notes.lines());
        remarks.extend(notes.map(|note| Remark::Note(note.to_owned())));
        match import.failure_reason {
            Some(reason) => Err(reason),
            None => Ok((Tally::from(&import), remarks)),
        }
    }

    /// The violations that the integrity check finds.
    pub async fn violations(&self) -> Vec<Violation> {
        let moment = wayin::database::begin_read(&self.app.db)
            .await
            .expect("the database can be read");
        let found = list_violations(&moment).await;
        moment.rollback().await.expect("the transaction ends");
        found
    }

    /// Asserts that the integrity check finds no violation.
    pub async fn assert_no_violations(&self) {
        let found = self.violations().await;
        assert!(found.is_empty(), "there are no violations: {found:#?}");
    }

    /// Refreshes the engine.
    pub async fn catch_up(&self) {
        self.app
            .engine
            .catch_up(&self.app.db, &|_| ())
            .await
            .expect("the engine reads the changes");
    }

    /// Adds a member of an organisation, which its identifier names; returns a client.
    pub async fn create_member(&self, subject: &str, role: Role, organisation: Option<&str>) -> Client<'_> {
        let organisation = match organisation {
            Some(named) => {
                let found = organisation::find_or_create(
                    &self.app.db,
                    &Self::action(),
                    Some(named),
                    Some(named),
                    None,
                )
                .await;
                Some(found.expect("the organisation is there").id)
            }
            None => None,
        };
        let named = TokenSubject {
            issuer: ISSUER.into(),
            subject: subject.into(),
        };
        member::add_or_update_member(&self.app.db, &Self::action(), named, role, organisation)
            .await
            .expect("the member is added");
        self.client(subject)
    }

    /// A client with a token of a member that the database already has.
    pub fn client(&self, subject: &str) -> Client<'_> {
        Client {
            app: self,
            authorization: Some(format!("Bearer {}", sign_token(subject))),
        }
    }

    /// A partner of [`PARTNER_ORGANISATION`].
    pub async fn partner(&self) -> Client<'_> {
        self.create_member("partner", Role::Partner, Some(PARTNER_ORGANISATION))
            .await
    }

    /// A steward.
    pub async fn steward(&self) -> Client<'_> {
        self.create_member("steward", Role::Steward, None).await
    }

    /// A client without a token.
    pub const fn anonymous(&self) -> Client<'_> {
        Client {
            app: self,
            authorization: None,
        }
    }
}

/// Rate limits that no test reaches.
pub fn unlimited_cost_settings() -> cost::CostSettings {
    let rate = RateLimit {
        capacity: 1_000_000_000,
        per_minute: 1_000_000_000,
    };
    cost::CostSettings {
        rates: RateLimits {
            token: rate,
            address: rate,
        },
        ..cost::CostSettings::default()
    }
}

/// The violations that the integrity check finds in a transaction.
pub async fn list_violations(moment: &DatabaseTransaction) -> Vec<Violation> {
    let mut found = Vec::new();
    let summary = check_integrity(moment, &mut |violation| found.push(violation), &|_| ())
        .await
        .expect("the check succeeds");
    assert_eq!(
        summary.violation_count(),
        found.len() as u64,
        "each violation is counted"
    );
    found
}

/// A valid token for a subject.
pub fn sign_token(subject: &str) -> String {
    sign_token_until(subject, SystemClock.now() + TimeDelta::hours(1))
}

/// The issuer of the service of a test.
pub fn token_issuer() -> TokenIssuer {
    TokenIssuer {
        signer: TokenSigner::new(
            Algorithm::HS256,
            EncodingKey::from_secret(SECRET),
            AUDIENCE.into(),
        ),
        issuer: ISSUER.into(),
    }
}

/// A token for a subject that expires at a given time and is not listed.
pub fn sign_token_until(subject: &str, until: DateTime<Utc>) -> String {
    let signer = token_issuer().signer;
    let now = SystemClock.now();
    let subject = TokenSubject {
        issuer: ISSUER.into(),
        subject: subject.into(),
    };
    signer
        .sign(&subject, now, until - now)
        .expect("the token is signed")
}

/// A client of the service.
pub struct Client<'a> {
    app: &'a TestApp,
    /// The `Authorization` header.
    pub authorization: Option<String>,
}

impl Client<'_> {
    /// The response to a query, as JSON.
    pub async fn execute(&self, query: &str) -> Value {
        self.execute_with(query, Value::Null).await
    }

    /// The response to a query with variables, as JSON.
    pub async fn execute_with(&self, query: &str, variables: Value) -> Value {
        let app = &self.app.app;
        let requester = member::authenticate(&app.db, &app.verifier, self.authorization.as_deref())
            .await
            .expect("the requester is identified");
        let request = Request::new(query).variables(Variables::from_json(variables));
        let mut response = self.app.executor.execute(request, requester).await.response;
        // Other tests check the cost.
        response.extensions.remove("cost");
        serde_json::to_value(response).expect("a response is JSON")
    }

    /// The responses of a subscription, as JSON.
    pub async fn subscribe(&self, subscription: &str, variables: Value) -> BoxStream<'static, Value> {
        let app = &self.app.app;
        let requester = member::authenticate(&app.db, &app.verifier, self.authorization.as_deref())
            .await
            .expect("the requester is identified");
        let request = Request::new(subscription).variables(Variables::from_json(variables));
        let requester = std::future::ready(Ok(requester));
        let output = self
            .app
            .executor
            .execute_stream(request, requester, Arc::default());
        output
            .map(|answer| serde_json::to_value(answer.response).expect("a response is JSON"))
            .boxed()
    }

    /// The first response of a subscription.
    pub async fn subscribe_first(&self, subscription: &str) -> Value {
        let mut output = self.subscribe(subscription, Value::Null).await;
        output.next().await.expect("there is a response")
    }

    /// The data of the first response of a subscription, which must succeed.
    pub async fn subscribe_first_data(&self, subscription: &str) -> Value {
        let mut first = self.subscribe_first(subscription).await;
        assert_eq!(first.get("errors"), None, "{subscription}");
        first["data"].take()
    }

    /// The data of a query that must succeed.
    pub async fn query(&self, query: &str) -> Value {
        let mut response = self.execute(query).await;
        assert_eq!(response.get("errors"), None, "{query}");
        response["data"].take()
    }

    /// The message and code of the first error of a query that must fail.
    pub async fn query_error(&self, query: &str) -> (String, String) {
        let response = self.execute(query).await;
        let error = &response["errors"][0];
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("no error in {response}"))
                .to_owned()
        };
        (text(&error["message"]), text(&error["extensions"]["code"]))
    }
}
