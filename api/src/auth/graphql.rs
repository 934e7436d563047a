//! The member who sends the request, over GraphQL.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::{Context, ID, Object, Pos, Request, Result, ServerResult};
use wayin_entity::Role;

use super::member;
use super::requester::AuthenticatedMember;
use crate::app::App;
use crate::graphql::operation::cost::RateLimitKey;
use crate::graphql::operation::cost::graphql::RateLimit;
use crate::graphql::{self, loader};
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::organisation::loaders::OrganisationById;

/// The member who sends the request.
pub struct Viewer(AuthenticatedMember);

/// The member who sends the request.
#[Object]
impl Viewer {
    /// The global ID of the member.
    pub async fn id(&self) -> ID {
        NodeKind::Member.encode_id(self.0.id).into()
    }

    /// The subject (`sub`) of your tokens.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Your role, which decides what you can do.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// Your rate limit, which all requests with your tokens share.
    async fn rate_limit(&self, ctx: &Context<'_>) -> RateLimit {
        let app = graphql::app_from_context(ctx);
        let payer = RateLimitKey::from_member(&self.0);
        app.cost_control
            .rate_limiter
            .balance(payer, app.clock.now())
            .into()
    }

    /// The organisation that you act for. Null if there is none.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(OrganisationById(id))
            .await?
            .map(Organisation))
    }
}

#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// The member that your token identifies, and what it can do.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer(graphql::require_member(ctx)?.clone()))
    }
}

/// The `Authorization` header, or its equivalent in the first message of a WebSocket.
pub struct SessionAuthorization(pub Option<String>);

/// Authenticates each operation over a WebSocket again, so that an expired token or a revoked member is
/// refused at once, not only at the next connection. The database is read each time, as a subscription keeps the
/// member.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdentifyRequester;

impl ExtensionFactory for IdentifyRequester {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for IdentifyRequester {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let Some(SessionAuthorization(authorization)) = ctx.data_opt::<SessionAuthorization>() else {
            return next.run(ctx, request).await;
        };
        let app = ctx.data_unchecked::<Arc<App>>();
        let requester = member::authenticate(&app.db, &app.verifier, authorization.as_deref())
            .await
            .map_err(|error| async_graphql::Error::from(error).into_server_error(Pos::default()))?;
        next.run(ctx, request.data(requester)).await
    }
}
