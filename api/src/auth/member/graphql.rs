//! Members over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{Role, member};

use super::{Draft, revoke_one, save};
use crate::auth::jwt::Subject;
use crate::graphql::{
    connection::Connection,
    decode,
    list::list,
    loader::{self, RowKey},
    mutating,
};
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::keeping::graphql::{Log, begin, finish, kept_payload, refuse, version, why};
use crate::keeping::partial::Partial;
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;

/// Somebody who may do something here: the issuer and subject of their tokens, and their role.
#[derive(Clone, Debug)]
pub struct Member(pub member::Model);

/// Somebody who may do something here: the issuer and subject of their tokens, and their role.
#[Object]
impl Member {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Member.id(self.0.id).into()
    }

    /// Counts the times that it was saved. For stewards.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        version(ctx, self.0.id).await
    }

    /// The `iss` of the member's tokens.
    async fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The `sub` of the member's tokens.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// What the member may do.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// The organisation that the member acts for; null where they act for none.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else {
            return Ok(None);
        };
        Ok(loader::of(ctx)
            .load_one(OrganisationById(id))
            .await?
            .map(Organisation))
    }

    /// When the member was revoked (UTC); null while they may act.
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

/// Which members.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MemberFilter {
    /// Those of a role.
    role: Option<Role>,
    /// Those who act for an organisation.
    organisation: Option<ID>,
    /// Those who were revoked, or those who were not.
    revoked: Option<bool>,
}

/// The members.
#[derive(Default)]
pub struct MemberQuery;

#[Object]
impl MemberQuery {
    /// Everybody who may do something here, and who could once, in the order they were added. For stewards.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<MemberFilter>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Member>> {
        let filter = filter.unwrap_or_default();
        let mut select = member::Entity::find();
        if let Some(role) = filter.role {
            select = select.filter(member::Column::Role.eq(role));
        }
        if let Some(id) = filter.organisation {
            let id = decode(NodeKind::Organisation, "filter.organisation", &id)?;
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
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, (), page, Member).await
    }
}

/// A member who is to be added or changed. Of one who is there, a field that is left out stays as it is, and null
/// clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveMemberInput {
    /// The `iss` of the member's tokens.
    issuer: String,
    /// The `sub` of the member's tokens; together with the issuer it tells who it is. One who is not there yet
    /// is added, one who was revoked may act again.
    subject: String,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// What the member may do.
    role: MaybeUndefined<Role>,
    /// The organisation that the member acts for; needed for funders and partners.
    organisation: MaybeUndefined<ID>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// A member who may act no more.
#[derive(Clone, Debug, InputObject)]
pub struct RevokeMemberInput {
    /// The member.
    id: ID,
    /// The version that you looked at; where it was saved meanwhile you are told.
    version: Option<i32>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

kept_payload! {
    /// What came of saving a member.
    SaveMemberPayload { member: Member of member::Model }
}

kept_payload! {
    /// What came of revoking a member.
    RevokeMemberPayload { member: Member of member::Model }
}

/// The mutations of members.
#[derive(Default)]
pub struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Adds a member, or gives one that is there another role or organisation; one who was revoked may act
    /// again. It holds from the member's next request on. The last steward stays one. For stewards.
    async fn save_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to keep.")] mut input: SaveMemberInput,
    ) -> Result<SaveMemberPayload> {
        let key = input.idempotency_key.take();
        let running = match begin::<member::Model>(ctx, "saveMember", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = why(input.reason.as_deref());
        let subject = Subject {
            issuer: input.issuer.trim().to_owned(),
            subject: input.subject.trim().to_owned(),
        };
        let mut partial = Partial::load_member(running.db(), &subject.issuer, &subject.subject).await?;
        let role = partial.needed("role", input.role)?;
        let organisation = partial
            .optional("organisation", input.organisation)?
            .map(|id| decode(NodeKind::Organisation, "input.organisation", &id))
            .transpose()?;
        let Some(role) = role else {
            return Ok(refuse(partial.found, wrong).into());
        };
        let draft = Draft {
            subject,
            version: input.version,
            role,
            organisation,
        };
        let saved = save(running.db(), &running.act(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Stays, detail).await?.into())
    }

    /// Revokes a member: from the next request on they may do nothing. The last steward stays one. For stewards.
    async fn revoke_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and why.")] mut input: RevokeMemberInput,
    ) -> Result<RevokeMemberPayload> {
        let key = input.idempotency_key.take();
        let running = match begin::<member::Model>(ctx, "revokeMember", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = why(input.reason.as_deref());
        let target = mutating::target(NodeKind::Member, Some(&input.id), input.version)?;
        let saved = revoke_one(running.db(), &running.act(&reason), target).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Stays, detail).await?.into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct MemberById(Uuid);

impl RowKey for MemberById {
    type Table = member::Entity;
    const ID: member::Column = member::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

/// Loads a member for a field of another object.
pub async fn load_member(ctx: &Context<'_>, id: Option<Uuid>) -> Result<Option<Member>> {
    let Some(id) = id else {
        return Ok(None);
    };
    Ok(loader::of(ctx).load_one(MemberById(id)).await?.map(Member))
}
