//! Issued tokens over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::issued_token;

use super::{DEFAULT_VALID_DAYS, TokenDraft, TokenExpiry, issue_token, revoke};
use crate::auth::member::graphql::{Member, load_member};
use crate::error::Error;
use crate::graphql::{
    app_from_context, connection::NodeConnection, decode_argument, list::load_connection, mutation,
    problem::InputProblem,
};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, MutationStart, Rejection};
use crate::note;
use crate::paging::PageArguments;
use wayin_records::problem::{Problem, ProblemCode};

/// A token that this service issued. Its text is shown only once, when it is issued, and is not stored.
#[derive(Clone, Debug)]
pub struct IssuedToken(pub issued_token::Model);

/// A token that this service issued. Its text is shown only once, when it is issued, and is not stored.
#[Object]
impl IssuedToken {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::IssuedToken.encode_id(self.0.id).into()
    }

    /// The member that the token is for.
    async fn member(&self, ctx: &Context<'_>) -> Result<Member> {
        let found = load_member(ctx, Some(self.0.member_id)).await?;
        Ok(found.ok_or_else(|| Error::Internal("the member of a token does not exist".into()))?)
    }

    /// The name that was given to the token.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// When the token was issued (UTC).
    async fn issued_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The member who issued the token; null if it was issued on the command line.
    async fn issued_by(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.created_by).await
    }

    /// When the token expires (UTC).
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// When the token was last used (UTC), accurate to about a minute. Null if it was never used.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_used_at
    }

    /// When the token was revoked (UTC). Null if it is not revoked.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }

    /// The member who revoked the token; null if it is not revoked, or was revoked on the command line.
    async fn revoked_by(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.revoked_by).await
    }
}

/// Filters tokens.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IssuedTokenFilter {
    /// Only tokens of this member.
    member: Option<ID>,
    /// True for tokens that are revoked, false for tokens that are not.
    revoked: Option<bool>,
}

#[derive(Default)]
pub struct TokenQuery;

#[Object]
impl TokenQuery {
    /// The tokens that this service issued, latest first, including expired and revoked ones. For stewards.
    async fn tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tokens to return. By default, all that you can see.")] filter: Option<
            IssuedTokenFilter,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<IssuedToken>> {
        let filter = filter.unwrap_or_default();
        let mut select = issued_token::Entity::find();
        if let Some(id) = filter.member {
            let id = decode_argument(NodeKind::Member, "filter.member", &id)?;
            select = select.filter(issued_token::Column::MemberId.eq(id));
        }
        if let Some(revoked) = filter.revoked {
            let since = issued_token::Column::RevokedAt;
            select = select.filter(if revoked {
                since.is_not_null()
            } else {
                since.is_null()
            });
        }
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, (), page, IssuedToken).await
    }
}

/// Input to issue a token.
#[derive(Clone, Debug, InputObject)]
pub struct IssueTokenInput {
    /// The member that the token is for. This service must be the issuer of the member's tokens.
    member: ID,
    /// A label for the token, shown in the list of tokens. Say what the token is for. Do not name a person.
    name: String,
    /// The number of days until the token expires, from 1 to 366. The default is 90 if you do not give
    /// `expiresAt`.
    days: Option<i32>,
    /// When the token expires (UTC), at most one year ahead. Use instead of `days`.
    expires_at: Option<DateTime<Utc>>,
    /// The reason, for the audit trail.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the same
    /// token.
    idempotency_key: Option<String>,
}

/// Input to revoke a token.
#[derive(Clone, Debug, InputObject)]
pub struct RevokeTokenInput {
    /// The global ID of the token.
    id: ID,
    /// The reason, for the audit trail.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// The result of issuing a token.
#[derive(SimpleObject)]
pub struct IssueTokenPayload {
    /// The text of the token, to send as `Authorization: Bearer <token>`. It is shown only once and is not
    /// stored. Null if the input was rejected.
    token: Option<String>,
    /// The token as it appears in the list. Null if the input was rejected.
    issued_token: Option<IssuedToken>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

/// The result of revoking a token.
#[derive(SimpleObject)]
pub struct RevokeTokenPayload {
    /// The token as it appears in the list. Null if the input was rejected.
    issued_token: Option<IssuedToken>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

impl IssueTokenPayload {
    fn from_rejection(refusal: Rejection) -> Self {
        Self {
            token: None,
            issued_token: None,
            problems: refusal.problems.into_iter().map(Into::into).collect(),
        }
    }
}

impl RevokeTokenPayload {
    fn from_rejection(refusal: Rejection) -> Self {
        Self {
            issued_token: None,
            problems: refusal.problems.into_iter().map(Into::into).collect(),
        }
    }

    const fn from_row(row: issued_token::Model) -> Self {
        Self {
            issued_token: Some(IssuedToken(row)),
            problems: Vec::new(),
        }
    }
}

/// The stored result of a mutation, for a repeat under its key. The token's text is not stored: a repeat signs it
/// from the row again, so that a client that lost the first answer still receives its token.
#[derive(Serialize, Deserialize)]
struct TokenResult {
    row: issued_token::Model,
}

/// Returns the reason with the problems of its text.
pub fn parse_reason(reason: Option<&str>) -> (Option<String>, Vec<Problem>) {
    match reason.map(|reason| note::validate_note("reason", reason)) {
        None => (None, Vec::new()),
        Some(Ok(reason)) => (Some(reason), Vec::new()),
        Some(Err(refusal)) => (None, refusal.problems),
    }
}

#[derive(Default)]
pub struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Issues a token for a member, signed with the key of this service. The response shows the text of the
    /// token only once. For stewards.
    async fn issue_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member that the token is for, a label, and when the token expires.")]
        mut input: IssueTokenInput,
    ) -> Result<IssueTokenPayload> {
        let app = app_from_context(ctx);
        let Some(issuing) = &app.token_issuer else {
            let reason = "this service has no key to sign tokens with; ask the issuer of your tokens for one";
            return Ok(IssueTokenPayload::from_rejection(Rejection::from_problem(
                ProblemCode::NotAllowed,
                "",
                reason,
            )));
        };
        let key = input.idempotency_key.take();
        let running = match mutation::begin_mutation::<TokenResult>(ctx, "issueToken", key.as_deref(), &input)
            .await?
        {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => return Ok(IssueTokenPayload::from_rejection(problem.into())),
            MutationStart::Replayed(answer) => {
                let row = answer.row;
                let owner = crate::auth::member::find_by_id(&app.db, row.member_id).await?;
                let missing = || Error::Internal("the member of a token does not exist".into());
                return Ok(IssueTokenPayload {
                    token: Some(issuing.encode_token(&row, owner.ok_or_else(missing)?.subject)?),
                    issued_token: Some(IssuedToken(row)),
                    problems: Vec::new(),
                });
            }
        };
        let (reason, mut wrong) = parse_reason(input.reason.as_deref());
        let until = match (input.days, input.expires_at) {
            (None, None) => TokenExpiry::AfterDays(DEFAULT_VALID_DAYS),
            (Some(days), None) => TokenExpiry::AfterDays(days.into()),
            (None, Some(until)) => TokenExpiry::At(until),
            (Some(days), Some(_)) => {
                let reason = "cannot be combined with `days`";
                wrong.push(Problem::new(ProblemCode::Contradictory, "expiresAt", reason));
                TokenExpiry::AfterDays(days.into())
            }
        };
        let draft = TokenDraft {
            member: decode_argument(NodeKind::Member, "input.member", &input.member)?,
            name: input.name.trim().to_owned(),
            expiry: until,
        };
        let issued = issue_token(running.db(), &running.action(""), &issuing.issuer, draft).await?;
        let (row, owner) = match issued {
            Ok(issued) if wrong.is_empty() => issued,
            // The transaction is not committed, so that nothing is stored.
            Ok(_) => return Ok(IssueTokenPayload::from_rejection(wrong.into())),
            Err(mut refusal) => {
                refusal.problems.extend(wrong);
                return Ok(IssueTokenPayload::from_rejection(refusal));
            }
        };
        let token = issuing.encode_token(&row, owner.subject)?;
        let event = AuditRecord {
            kind: NodeKind::IssuedToken,
            id: row.id,
            before: None,
            after: None,
            detail: json!({
                "reason": reason,
                "member": NodeKind::Member.encode_id(row.member_id),
                "expiresAt": row.expires_at,
            }),
        };
        let answer = TokenResult { row };
        running.finish(event, &answer).await?;
        Ok(IssueTokenPayload {
            token: Some(token),
            issued_token: Some(IssuedToken(answer.row)),
            problems: Vec::new(),
        })
    }

    /// Revokes a token. Requests with it are rejected, and its WebSocket operations end. For stewards.
    async fn revoke_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token and the reason.")] mut input: RevokeTokenInput,
    ) -> Result<RevokeTokenPayload> {
        let key = input.idempotency_key.take();
        let running = match mutation::begin_mutation::<TokenResult>(
            ctx,
            "revokeToken",
            key.as_deref(),
            &input,
        )
        .await?
        {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(RevokeTokenPayload::from_rejection(problem.into()));
            }
            MutationStart::Replayed(answer) => return Ok(RevokeTokenPayload::from_row(answer.row)),
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let id = decode_argument(NodeKind::IssuedToken, "input.id", &input.id)?;
        let row = match revoke(running.db(), &running.action(""), id).await? {
            Ok(row) if wrong.is_empty() => row,
            Ok(_) => return Ok(RevokeTokenPayload::from_rejection(wrong.into())),
            Err(mut refusal) => {
                refusal.problems.extend(wrong);
                return Ok(RevokeTokenPayload::from_rejection(refusal));
            }
        };
        let event = AuditRecord {
            kind: NodeKind::IssuedToken,
            id: row.id,
            before: None,
            after: None,
            detail: json!({"reason": reason, "member": NodeKind::Member.encode_id(row.member_id)}),
        };
        let answer = TokenResult { row };
        running.finish(event, &answer).await?;
        Ok(RevokeTokenPayload::from_row(answer.row))
    }
}
