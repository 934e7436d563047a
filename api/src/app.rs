//! The running service: what every request is given.

use std::sync::Arc;

use sea_orm::DatabaseConnection;

use crate::auth::issued_token::TokenIssuer;
use crate::auth::jwt::TokenVerifier;
use crate::auth::permission::Permissions;
use crate::clock::Clock;
use crate::cors::AllowedOrigins;
use crate::expiry::ExpiryPolicy;
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::CostControl;
use crate::idempotency::MutationContext;
use crate::import::job::{ImportQueue, ImportSettings};
use crate::pattern::engine::PatternEngine;
use crate::server::settings::HttpSettings;
use crate::subscriptions::{ConnectionLimits, PollContext, SubscriptionHub};

/// The parts of a running service.
pub struct App {
    /// The base.
    pub db: DatabaseConnection,
    /// The pattern engine over it.
    pub engine: Arc<PatternEngine>,
    /// Verifies tokens.
    pub verifier: TokenVerifier,
    /// Issues tokens; none where this service has no key to sign them with.
    pub token_issuer: Option<TokenIssuer>,
    /// Says who may ask for what.
    pub permissions: Permissions,
    /// Tells the time and makes ids.
    pub clock: Arc<dyn Clock>,
    /// What imports share.
    pub imports: ImportQueue,
    /// What is told as it happens.
    pub subscriptions: Arc<SubscriptionHub>,
    /// After how long what lies untouched goes.
    pub expiry: ExpiryPolicy,
    /// The origins whose pages may ask.
    pub allowed_origins: AllowedOrigins,
    /// What operations cost, and who has how much to spend.
    pub cost_control: CostControl,
    /// How long clients may take, and how many connections they have.
    pub http: HttpSettings,
}

impl App {
    /// A service over a base, whose engine has read nothing yet.
    pub fn new(
        db: DatabaseConnection,
        verifier: TokenVerifier,
        clock: Arc<dyn Clock>,
        engine: Arc<PatternEngine>,
    ) -> Self {
        Self {
            db,
            engine,
            verifier,
            token_issuer: None,
            permissions: Permissions::default(),
            clock,
            imports: ImportQueue::default(),
            subscriptions: Arc::new(SubscriptionHub::new(ConnectionLimits::default())),
            expiry: ExpiryPolicy::default(),
            allowed_origins: AllowedOrigins::default(),
            cost_control: CostControl::default(),
            http: HttpSettings::default(),
        }
    }

    /// The same service, with another table of who may ask for what.
    #[must_use]
    pub fn with_permissions(self, permissions: Permissions) -> Self {
        Self { permissions, ..self }
    }

    /// The same service, with settings for its imports.
    #[must_use]
    pub fn with_imports(self, settings: ImportSettings) -> Self {
        Self {
            imports: ImportQueue::new(settings),
            ..self
        }
    }

    /// The same with other limits of its connections.
    #[must_use]
    pub fn with_limits(self, limits: ConnectionLimits) -> Self {
        Self {
            subscriptions: Arc::new(SubscriptionHub::new(limits)),
            ..self
        }
    }

    /// The same service, which issues tokens too, where it is told how.
    #[must_use]
    pub fn with_token_issuer(self, issuing: Option<TokenIssuer>) -> Self {
        Self {
            token_issuer: issuing,
            ..self
        }
    }

    /// The same service, with other settings for what operations cost.
    #[must_use]
    pub fn with_cost_settings(self, settings: cost::CostSettings) -> Self {
        Self {
            cost_control: CostControl::new(settings),
            ..self
        }
    }

    /// The same service, with other settings of HTTP.
    #[must_use]
    pub fn with_http_settings(self, http: HttpSettings) -> Self {
        Self { http, ..self }
    }

    /// The same service, with another time after which what lies untouched goes.
    #[must_use]
    pub fn with_expiry_policy(self, expiry: ExpiryPolicy) -> Self {
        Self { expiry, ..self }
    }

    /// The same service, asked by pages of other origins too.
    #[must_use]
    pub fn with_allowed_origins(self, origins: AllowedOrigins) -> Self {
        Self {
            allowed_origins: origins,
            ..self
        }
    }

    /// The parts that a mutation needs.
    pub fn mutation_context(&self) -> MutationContext<'_> {
        MutationContext {
            db: &self.db,
            clock: &*self.clock,
            notifier: self.engine.notifier(),
        }
    }

    /// The parts that are needed to follow what is changed.
    pub fn poll_context(&self) -> PollContext {
        PollContext {
            db: self.db.clone(),
            engine: Arc::clone(&self.engine),
            clock: Arc::clone(&self.clock),
            live: Arc::clone(&self.subscriptions),
        }
    }
}
