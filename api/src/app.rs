//! The running service, which every request is given.

use std::sync::Arc;

use sea_orm::DatabaseConnection;

use crate::auth::issued_token::TokenIssuer;
use crate::auth::jwt::TokenVerifier;
use crate::auth::member::MemberCache;
use crate::auth::oidc::OidcProvider;
use crate::auth::permission::Permissions;
use crate::auth::requester::Requester;
use crate::auth::session::invitation::INVITED_ISSUER;
use crate::clock::Clock;
use crate::cors::AllowedOrigins;
use crate::error::Result;
use crate::expiry::ExpiryPolicy;
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::CostControl;
use crate::idempotency::MutationContext;
use crate::import::job::{ImportQueue, ImportSettings};
use crate::pattern::engine::PatternEngine;
use crate::pattern::question_audit::QuestionAudit;
use crate::public_url::PublicUrl;
use crate::server::settings::HttpSettings;
use crate::subscriptions::{ConnectionLimits, PollContext, SubscriptionHub};

pub struct App {
    pub db: DatabaseConnection,
    /// The pattern engine, which reads `db`.
    pub engine: Arc<PatternEngine>,
    /// Counts the questions that members ask the engine.
    pub question_audit: QuestionAudit,
    pub verifier: TokenVerifier,
    /// The members that recent requests identified.
    pub members: MemberCache,
    /// Issues tokens. None if the service has no key to sign them with.
    pub token_issuer: Option<TokenIssuer>,
    pub permissions: Permissions,
    pub clock: Arc<dyn Clock>,
    pub imports: ImportQueue,
    pub subscriptions: Arc<SubscriptionHub>,
    pub expiry: ExpiryPolicy,
    pub allowed_origins: AllowedOrigins,
    /// The address at which people reach the service. None if it is not set.
    pub public_url: Option<PublicUrl>,
    /// The issuer with which members sign in. None if they sign in with links alone.
    pub oidc: Option<OidcProvider>,
    /// The costs of operations and the rate limits.
    pub cost_control: CostControl,
    pub http: HttpSettings,
}

impl App {
    /// Creates a service whose engine has not read the database yet.
    pub fn new(
        db: DatabaseConnection,
        verifier: TokenVerifier,
        clock: Arc<dyn Clock>,
        engine: Arc<PatternEngine>,
    ) -> Self {
        Self {
            db,
            engine,
            question_audit: QuestionAudit::default(),
            verifier,
            members: MemberCache::default(),
            token_issuer: None,
            permissions: Permissions::default(),
            clock,
            imports: ImportQueue::default(),
            subscriptions: Arc::new(SubscriptionHub::new(ConnectionLimits::default())),
            expiry: ExpiryPolicy::default(),
            allowed_origins: AllowedOrigins::default(),
            public_url: None,
            oidc: None,
            cost_control: CostControl::default(),
            http: HttpSettings::default(),
        }
    }

    #[must_use]
    pub fn with_permissions(self, permissions: Permissions) -> Self {
        Self { permissions, ..self }
    }

    #[must_use]
    pub fn with_imports(self, settings: ImportSettings) -> Self {
        Self {
            imports: ImportQueue::new(settings),
            ..self
        }
    }

    #[must_use]
    pub fn with_limits(self, limits: ConnectionLimits) -> Self {
        Self {
            subscriptions: Arc::new(SubscriptionHub::new(limits)),
            ..self
        }
    }

    #[must_use]
    pub fn with_token_issuer(self, issuing: Option<TokenIssuer>) -> Self {
        Self {
            token_issuer: issuing,
            ..self
        }
    }

    #[must_use]
    pub fn with_cost_settings(self, settings: cost::CostSettings) -> Self {
        Self {
            cost_control: CostControl::new(settings),
            ..self
        }
    }

    #[must_use]
    pub fn with_http_settings(self, http: HttpSettings) -> Self {
        Self { http, ..self }
    }

    #[must_use]
    pub fn with_expiry_policy(self, expiry: ExpiryPolicy) -> Self {
        Self { expiry, ..self }
    }

    #[must_use]
    pub fn with_allowed_origins(self, origins: AllowedOrigins) -> Self {
        Self {
            allowed_origins: origins,
            ..self
        }
    }

    #[must_use]
    pub fn with_public_url(self, url: Option<PublicUrl>) -> Self {
        Self {
            public_url: url,
            ..self
        }
    }

    #[must_use]
    pub fn with_oidc(self, provider: Option<OidcProvider>) -> Self {
        Self {
            oidc: provider,
            ..self
        }
    }

    /// The address of a path of the service: absolute if the address of the service is set, or else the path.
    pub fn public_address(&self, path: &str) -> String {
        self.public_url
            .as_ref()
            .map_or_else(|| path.to_owned(), |url| url.join(path))
    }

    /// Whether browsers reach the service over TLS, so that the cookie of a session is sent over TLS alone.
    pub fn is_public_over_tls(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }

    /// The issuer of members who were invited: that of the tokens that the service issues, if it does.
    pub fn invited_issuer(&self) -> &str {
        self.token_issuer
            .as_ref()
            .map_or(INVITED_ISSUER, |issuing| &issuing.issuer)
    }

    /// Authenticates a request by its `Authorization` header. The member may be as it was up to a second ago, if another
    /// process has changed it.
    ///
    /// # Errors
    /// [`crate::error::Error::Unavailable`] if the database or the keys cannot be read.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Requester> {
        let notifier = self.engine.notifier();
        self.members
            .authenticate(&self.db, &self.verifier, notifier, authorization)
            .await
    }

    pub fn mutation_context(&self) -> MutationContext<'_> {
        MutationContext {
            db: &self.db,
            clock: &*self.clock,
            notifier: self.engine.notifier(),
        }
    }

    pub fn poll_context(&self) -> PollContext {
        PollContext {
            db: self.db.clone(),
            engine: Arc::clone(&self.engine),
            clock: Arc::clone(&self.clock),
            live: Arc::clone(&self.subscriptions),
        }
    }
}
