//! The running service: what every request is given.

use std::sync::Arc;

use sea_orm::DatabaseConnection;

use crate::auth::issued_token::Issuing;
use crate::auth::jwt::Verifier;
use crate::auth::permission::Permissions;
use crate::clock::Clock;
use crate::expiry::Expiry;
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::Costs;
use crate::import::job::{ImportQueue, ImportSettings};
use crate::live::{FollowContext, Limits, Live};
use crate::mutation::MutationContext;
use crate::origins::Origins;
use crate::pattern::engine::Engine;
use crate::server::settings::HttpSettings;

/// The parts of a running service.
pub struct App {
    /// The base.
    pub db: DatabaseConnection,
    /// The pattern engine over it.
    pub engine: Arc<Engine>,
    /// Verifies tokens.
    pub verifier: Verifier,
    /// Issues tokens; none where this service has no key to sign them with.
    pub issuing: Option<Issuing>,
    /// Says who may ask for what.
    pub permissions: Permissions,
    /// Tells the time and makes ids.
    pub clock: Arc<dyn Clock>,
    /// What imports share.
    pub imports: ImportQueue,
    /// What is told as it happens.
    pub live: Arc<Live>,
    /// After how long what lies untouched goes.
    pub expiry: Expiry,
    /// The origins whose pages may ask.
    pub origins: Origins,
    /// What operations cost, and who has how much to spend.
    pub costs: Costs,
    /// How long clients may take, and how many connections they have.
    pub http: HttpSettings,
}

impl App {
    /// A service over a base, whose engine has read nothing yet.
    pub fn new(
        db: DatabaseConnection,
        verifier: Verifier,
        clock: Arc<dyn Clock>,
        engine: Arc<Engine>,
    ) -> Self {
        Self {
            db,
            engine,
            verifier,
            issuing: None,
            permissions: Permissions::default(),
            clock,
            imports: ImportQueue::default(),
            live: Arc::new(Live::new(Limits::default())),
            expiry: Expiry::default(),
            origins: Origins::default(),
            costs: Costs::default(),
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
    pub fn with_limits(self, limits: Limits) -> Self {
        Self {
            live: Arc::new(Live::new(limits)),
            ..self
        }
    }

    /// The same service, which issues tokens too, where it is told how.
    #[must_use]
    pub fn with_issuing(self, issuing: Option<Issuing>) -> Self {
        Self { issuing, ..self }
    }

    /// The same service, with other settings for what operations cost.
    #[must_use]
    pub fn with_costs(self, settings: cost::Settings) -> Self {
        Self {
            costs: Costs::new(settings),
            ..self
        }
    }

    /// The same service, with other settings of HTTP.
    #[must_use]
    pub fn with_http(self, http: HttpSettings) -> Self {
        Self { http, ..self }
    }

    /// The same service, with another time after which what lies untouched goes.
    #[must_use]
    pub fn with_expiry(self, expiry: Expiry) -> Self {
        Self { expiry, ..self }
    }

    /// The same service, asked by pages of other origins too.
    #[must_use]
    pub fn with_origins(self, origins: Origins) -> Self {
        Self { origins, ..self }
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
    pub fn follow_context(&self) -> FollowContext {
        FollowContext {
            db: self.db.clone(),
            engine: Arc::clone(&self.engine),
            clock: Arc::clone(&self.clock),
            live: Arc::clone(&self.live),
        }
    }
}
