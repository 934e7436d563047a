//! Who the token says one is, over GraphQL.

use async_graphql::{Context, ID, Object, Result};
use wayin_entity::Role;

use super::requester::Member;
use crate::graphql::{loader, member};
use crate::id::NodeKind;
use crate::organisation::graphql::{Organisation, OrganisationById};

/// Who you are here.
pub struct Viewer(Member);

#[Object]
impl Viewer {
    /// The member's global id.
    pub async fn id(&self) -> ID {
        NodeKind::Member.id(self.0.id).into()
    }

    /// The subject of your tokens.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// What you may do.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// The organisation that you act for; null where you act for none.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation else {
            return Ok(None);
        };
        Ok(loader::of(ctx)
            .load_one(OrganisationById(id))
            .await?
            .map(Organisation))
    }
}

/// Who asks.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who the token says you are, and what you may do.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer(member(ctx)?.clone()))
    }
}
