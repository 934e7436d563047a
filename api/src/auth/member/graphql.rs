//! Members over GraphQL, for stewards.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{Role, member};

use super::names::{load_member_names, member_text_condition};
use super::{MemberDraft, revoke_by_id, save_member};
use crate::auth::jwt::TokenSubject;
use crate::graphql::{
    connection::NodeConnection,
    decode_argument,
    error::SharedError,
    list::load_connection,
    loader::{self, LoaderContext, LoaderKey, RowLoaderKey},
    mutation,
};
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;
use crate::reference_data::graphql::{
    ChangeLogging, begin_save, finish_save, load_version, parse_reason, reference_payload, reject_save,
};
use crate::reference_data::partial::PartialUpdate;

/// A person or program that can use the service. Its tokens identify it by issuer and subject.
#[derive(Clone, Debug)]
pub struct Member(pub member::Model);

/// A person or program that can use the service. Its tokens identify it by issuer and subject.
#[Object]
impl Member {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Member.encode_id(self.0.id).into()
    }

    /// The version number: 1 at first, one more with every save. Only stewards can read it.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        load_version(ctx, self.0.id).await
    }

    /// The issuer (`iss`) of the member's tokens.
    async fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The subject (`sub`) of the member's tokens.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The name in the latest invitation that the member accepted. Null if the member was not invited.
    async fn name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(loader::operation_loader(ctx)
            .load_one(MemberName(self.0.id))
            .await?)
    }

    /// The role, which decides what the member can do.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// The organisation that the member acts for. Null if there is none.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(OrganisationById(id))
            .await?
            .map(Organisation))
    }

    /// When the member was revoked (UTC). Null if the member is active.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }

    /// When the member was added (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the member was last saved or revoked (UTC).
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// Filters members.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MemberFilter {
    /// Only members with this role.
    role: Option<Role>,
    /// Only members who act for this organisation.
    organisation: Option<ID>,
    /// True for members who are revoked, false for members who are not.
    revoked: Option<bool>,
    /// Only members whose subject contains this text, or the name in an invitation that they accepted. Capital letters
    /// from A to Z do not matter.
    search: Option<String>,
}

#[derive(Default)]
pub struct MemberQuery;

#[Object]
impl MemberQuery {
    /// All members, including revoked ones, in the order in which they were added. For stewards.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which members to return. By default, all that you can see.")] filter: Option<
            MemberFilter,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Member>> {
        let filter = filter.unwrap_or_default();
        let mut select = member::Entity::find();
        if let Some(role) = filter.role {
            select = select.filter(member::Column::Role.eq(role));
        }
        if let Some(id) = filter.organisation {
            let id = decode_argument(NodeKind::Organisation, "filter.organisation", &id)?;
            select = select.filter(member::Column::OrganisationId.eq(id));
        }
        if let Some(revoked) = filter.revoked {
            let since = member::Column::RevokedAt;
            select = select.filter(if revoked {
                since.is_not_null()
            } else {
                since.is_null()
            });
        }
        if let Some(search) = filter.search.filter(|search| !search.is_empty()) {
            select = select.filter(member_text_condition(&search));
        }
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, (), page, Member).await
    }
}

/// Input to add or change a member. If you change a member, a field that you leave out stays the same, and
/// null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveMemberInput {
    /// The issuer (`iss`) of the member's tokens.
    issuer: String,
    /// The subject (`sub`) of the member's tokens. Issuer and subject together identify the member. If
    /// there is no such member, one is added. A member who was revoked becomes active again.
    subject: String,
    /// The version that your edit is based on. If the object has been saved since, the input is rejected
    /// and `conflicts` lists the differences. If you leave the version out, your edit replaces whatever is
    /// stored.
    version: Option<i32>,
    /// The role, which decides what the member can do.
    role: MaybeUndefined<Role>,
    /// The organisation that the member acts for. Required for funders and partners.
    organisation: MaybeUndefined<ID>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// Input to revoke a member.
#[derive(Clone, Debug, InputObject)]
pub struct RevokeMemberInput {
    /// The member.
    id: ID,
    /// The version of the member that your decision is based on. If the member has changed since, the input
    /// is rejected.
    version: Option<i32>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

reference_payload! {
    /// The result of saving a member.
    SaveMemberPayload { member: Member of member::Model }
}

reference_payload! {
    /// The result of revoking a member.
    RevokeMemberPayload { member: Member of member::Model }
}

#[derive(Default)]
pub struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Adds a member, or changes the role or organisation of one. A member who was revoked becomes active
    /// again. The change applies within a second on every server. The last steward cannot be given another
    /// role. For stewards.
    async fn save_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SaveMemberInput,
    ) -> Result<SaveMemberPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_save::<member::Model>(ctx, "saveMember", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let subject = TokenSubject {
            issuer: input.issuer.trim().to_owned(),
            subject: input.subject.trim().to_owned(),
        };
        let mut partial = PartialUpdate::load_member(running.db(), &subject.issuer, &subject.subject).await?;
        let role = partial.required_field("role", input.role)?;
        let organisation = partial
            .optional_field("organisation", input.organisation)?
            .map(|id| decode_argument(NodeKind::Organisation, "input.organisation", &id))
            .transpose()?;
        let Some(role) = role else {
            return Ok(reject_save(partial.problems, wrong).into());
        };
        let draft = MemberDraft {
            subject,
            version: input.version,
            role,
            organisation,
        };
        let saved = save_member(running.db(), &running.action(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(
            finish_save(*running, saved, wrong, ChangeLogging::NotLogged, detail)
                .await?
                .into(),
        )
    }

    /// Revokes a member. Within a second, they have no access on any server. The last steward cannot be
    /// revoked. For stewards.
    async fn revoke_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member and the reason.")] mut input: RevokeMemberInput,
    ) -> Result<RevokeMemberPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_save::<member::Model>(ctx, "revokeMember", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let target = mutation::decode_target(NodeKind::Member, Some(&input.id), input.version)?;
        let saved = revoke_by_id(running.db(), &running.action(&reason), target).await?;
        let detail = json!({"reason": reason});
        Ok(
            finish_save(*running, saved, wrong, ChangeLogging::NotLogged, detail)
                .await?
                .into(),
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct MemberById(Uuid);

impl RowLoaderKey for MemberById {
    type Table = member::Entity;
    const ID: member::Column = member::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

/// The name of a member, by the member's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct MemberName(Uuid);

impl LoaderKey for MemberName {
    type Value = String;

    async fn load(context: &LoaderContext, keys: &[Self]) -> Result<HashMap<Self, String>, SharedError> {
        let names = load_member_names(&context.db, keys.iter().map(|key| key.0)).await?;
        Ok(names.into_iter().map(|(id, name)| (Self(id), name)).collect())
    }
}

pub async fn load_member(ctx: &Context<'_>, id: Option<Uuid>) -> Result<Option<Member>> {
    let Some(id) = id else {
        return Ok(None);
    };
    Ok(loader::operation_loader(ctx)
        .load_one(MemberById(id))
        .await?
        .map(Member))
}
