//! The member who sends the request, over GraphQL.

use async_graphql::{Context, ID, Object, Result};
use wayin_entity::Role;

use super::requester::AuthenticatedMember;
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
