//! Invitations and sign-in links over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use sea_orm::EntityTrait as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::{Role, invitation};

use super::invitation::{
    CreatedInvitation, DEFAULT_INVITATION_DAYS, InvitationDraft, invite_member, revoke_invitation,
};
use super::sign_in_link::{SIGN_IN_LINK_LIFETIME, create_sign_in_link, sign_in_link_event};
use crate::auth::issued_token::graphql::parse_reason;
use crate::auth::member::graphql::{Member, load_member};
use crate::graphql::{
    app_from_context, connection::NodeConnection, decode_argument, list::load_connection, loader, mutation,
    problem::InputProblem,
};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, MutationStart, Rejection};
use crate::initiative::graphql::Organisation;
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;
use wayin_records::problem::ProblemCode;

/// An invitation to become a member. Its address is shown only once, when it is created, and is not stored.
#[derive(Clone, Debug)]
pub struct Invitation(pub invitation::Model);

/// An invitation to become a member. Its address is shown only once, when it is created, and is not stored.
#[Object]
impl Invitation {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Invitation.encode_id(self.0.id).into()
    }

    /// The name that was given to the invitation, which the service also shows to the member.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The role that the member gets.
    async fn role(&self) -> Role {
        self.0.role
    }

    /// The organisation that the member will act for. Null if there is none.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(OrganisationById(id))
            .await?
            .map(Organisation))
    }

    /// When the invitation was created (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The member who invited; null for the command line.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.created_by).await
    }

    /// When the invitation ends (UTC).
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// When the invitation was accepted (UTC). Null if it is not accepted.
    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.0.accepted_at
    }

    /// The member who accepted the invitation. Null if it is not accepted.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.member_id).await
    }

    /// When the invitation was revoked (UTC). Null if it is not revoked.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }
}

#[derive(Default)]
pub struct InvitationQuery;

#[Object]
impl InvitationQuery {
    /// The invitations, latest first, including those that were accepted, were revoked or have ended. For stewards.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Invitation>> {
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, invitation::Entity::find(), (), page, Invitation).await
    }
}

/// Input to invite a person. If you lose the answer, revoke the invitation and create another: the service does not store the
/// address, so it cannot show it again.
#[derive(Clone, Debug, InputObject)]
pub struct InviteMemberInput {
    /// The role that the member gets.
    role: Role,
    /// The organisation that the member will act for. Required for funders and partners.
    organisation: Option<ID>,
    /// A name by which you recognise the person in the list of invitations, and which the service shows to them. It is at most
    /// 200 characters long, without an email address or a telephone number.
    name: String,
    /// The number of days in which the invitation can be accepted, from 1 to 30. The default is 7.
    days: Option<i32>,
    /// The reason, for the audit trail.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours is rejected, so that it creates no second
    /// invitation.
    idempotency_key: Option<String>,
}

/// Input to revoke an invitation.
#[derive(Clone, Debug, InputObject)]
pub struct RevokeInvitationInput {
    /// The global ID of the invitation.
    id: ID,
    /// The reason, for the audit trail.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// Input to create a sign-in link. If you lose the answer, create another link: the service does not store the address, so it
/// cannot show it again.
#[derive(Clone, Debug, InputObject)]
pub struct CreateSignInLinkInput {
    /// The member whom the link signs in.
    member: ID,
    /// The reason, for the audit trail.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours is rejected, so that it creates no second
    /// link.
    idempotency_key: Option<String>,
}

/// The result of inviting a person.
#[derive(SimpleObject)]
pub struct InviteMemberPayload {
    /// The address of the page on which the person accepts. Send it to nobody else: the first who opens it can accept. It is shown
    /// only once. It is a path on this server, unless the setting `PUBLIC_URL` gives the address of the server. Null if the input
    /// was rejected.
    url: Option<String>,
    /// The invitation as it appears in the list. Null if the input was rejected.
    invitation: Option<Invitation>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

/// The result of revoking an invitation.
#[derive(SimpleObject)]
pub struct RevokeInvitationPayload {
    /// The invitation as it appears in the list. Null if the input was rejected.
    invitation: Option<Invitation>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

/// The result of creating a sign-in link.
#[derive(SimpleObject)]
pub struct CreateSignInLinkPayload {
    /// The address of the page on which the member signs in, once, until `expiresAt`. Send it to nobody else. It is shown only
    /// once. It is a path on this server, unless the setting `PUBLIC_URL` gives the address of the server. Null if the input was
    /// rejected.
    url: Option<String>,
    /// When the link ends (UTC). Null if the input was rejected.
    expires_at: Option<DateTime<Utc>>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

impl InviteMemberPayload {
    fn from_rejection(refusal: Rejection) -> Self {
        Self {
            url: None,
            invitation: None,
            problems: refusal.problems.into_iter().map(Into::into).collect(),
        }
    }
}

impl RevokeInvitationPayload {
    fn from_rejection(refusal: Rejection) -> Self {
        Self {
            invitation: None,
            problems: refusal.problems.into_iter().map(Into::into).collect(),
        }
    }

    const fn from_row(row: invitation::Model) -> Self {
        Self {
            invitation: Some(Invitation(row)),
            problems: Vec::new(),
        }
    }
}

impl CreateSignInLinkPayload {
    fn from_rejection(refusal: Rejection) -> Self {
        Self {
            url: None,
            expires_at: None,
            problems: refusal.problems.into_iter().map(Into::into).collect(),
        }
    }
}

/// The stored result of `revokeInvitation`.
#[derive(Deserialize, Serialize)]
struct InvitationResult {
    row: invitation::Model,
}

/// The stored result of a mutation that created a link. The link itself is not stored.
#[derive(Deserialize, Serialize)]
struct LinkCreated {}

/// Why a repeat of a mutation that created a link is rejected.
fn repeated_link() -> Rejection {
    let reason = "was used before to create a link, and the service shows a link only once; send another key to create another";
    Rejection::from_problem(ProblemCode::IdempotencyKeyReused, "idempotencyKey", reason)
}

/// The event of an invitation in the audit trail, which has nothing of the code.
fn invitation_event(row: &invitation::Model, reason: Option<&str>) -> AuditRecord {
    AuditRecord {
        kind: NodeKind::Invitation,
        id: row.id,
        before: None,
        after: None,
        detail: json!({
            "reason": reason,
            "role": row.role.code(),
            "organisation": row.organisation_id.map(|id| NodeKind::Organisation.encode_id(id)),
            "expiresAt": row.expires_at,
        }),
    }
}

#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Invites a person to become a member with a role. The person opens the address and accepts, and is then signed in. For
    /// stewards.
    async fn invite_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role, the organisation and the name of the person.")]
        mut input: InviteMemberInput,
    ) -> Result<InviteMemberPayload> {
        let key = input.idempotency_key.take();
        let started = mutation::begin_mutation::<LinkCreated>(ctx, "inviteMember", key.as_deref(), &input);
        let running = match started.await? {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(InviteMemberPayload::from_rejection(problem.into()));
            }
            MutationStart::Replayed(LinkCreated {}) => {
                return Ok(InviteMemberPayload::from_rejection(repeated_link()));
            }
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let organisation = input
            .organisation
            .as_ref()
            .map(|id| decode_argument(NodeKind::Organisation, "input.organisation", id))
            .transpose()?;
        let draft = InvitationDraft {
            name: input.name.trim().to_owned(),
            role: input.role,
            organisation,
            days: input.days.map_or(DEFAULT_INVITATION_DAYS, Into::into),
        };
        let invited = invite_member(running.db(), &running.action(""), draft).await?;
        let created = match invited {
            Ok(created) if wrong.is_empty() => created,
            // The transaction is not committed, so that nothing is stored.
            Ok(_) => return Ok(InviteMemberPayload::from_rejection(wrong.into())),
            Err(mut refusal) => {
                refusal.problems.extend(wrong);
                return Ok(InviteMemberPayload::from_rejection(refusal));
            }
        };
        let url = app_from_context(ctx).public_address(&created.path());
        let CreatedInvitation { row, .. } = created;
        running
            .finish(invitation_event(&row, reason.as_deref()), &LinkCreated {})
            .await?;
        Ok(InviteMemberPayload {
            url: Some(url),
            invitation: Some(Invitation(row)),
            problems: Vec::new(),
        })
    }

    /// Revokes an invitation that was not accepted. For stewards.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation and the reason.")] mut input: RevokeInvitationInput,
    ) -> Result<RevokeInvitationPayload> {
        let key = input.idempotency_key.take();
        let started =
            mutation::begin_mutation::<InvitationResult>(ctx, "revokeInvitation", key.as_deref(), &input);
        let running = match started.await? {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(RevokeInvitationPayload::from_rejection(problem.into()));
            }
            MutationStart::Replayed(answer) => return Ok(RevokeInvitationPayload::from_row(answer.row)),
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let id = decode_argument(NodeKind::Invitation, "input.id", &input.id)?;
        let row = match revoke_invitation(running.db(), &running.action(""), id).await? {
            Ok(row) if wrong.is_empty() => row,
            Ok(_) => return Ok(RevokeInvitationPayload::from_rejection(wrong.into())),
            Err(mut refusal) => {
                refusal.problems.extend(wrong);
                return Ok(RevokeInvitationPayload::from_rejection(refusal));
            }
        };
        let event = invitation_event(&row, reason.as_deref());
        let answer = InvitationResult { row };
        running.finish(event, &answer).await?;
        Ok(RevokeInvitationPayload::from_row(answer.row))
    }

    /// Creates a link that signs a member in with a browser, once, within 15 minutes. For stewards.
    async fn create_sign_in_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member and the reason.")] mut input: CreateSignInLinkInput,
    ) -> Result<CreateSignInLinkPayload> {
        let key = input.idempotency_key.take();
        let started =
            mutation::begin_mutation::<LinkCreated>(ctx, "createSignInLink", key.as_deref(), &input);
        let running = match started.await? {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(CreateSignInLinkPayload::from_rejection(problem.into()));
            }
            MutationStart::Replayed(LinkCreated {}) => {
                return Ok(CreateSignInLinkPayload::from_rejection(repeated_link()));
            }
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let member_id = decode_argument(NodeKind::Member, "input.member", &input.member)?;
        let created = create_sign_in_link(
            running.db(),
            &running.action(""),
            member_id,
            SIGN_IN_LINK_LIFETIME,
        )
        .await?;
        let created = match created {
            Ok(created) if wrong.is_empty() => created,
            // The transaction is not committed, so that nothing is stored.
            Ok(_) => return Ok(CreateSignInLinkPayload::from_rejection(wrong.into())),
            Err(mut refusal) => {
                refusal.problems.extend(wrong);
                return Ok(CreateSignInLinkPayload::from_rejection(refusal));
            }
        };
        let url = app_from_context(ctx).public_address(&created.path());
        let event = sign_in_link_event(member_id, reason.as_deref(), created.expires_at);
        running.finish(event, &LinkCreated {}).await?;
        Ok(CreateSignInLinkPayload {
            url: Some(url),
            expires_at: Some(created.expires_at),
            problems: Vec::new(),
        })
    }
}
