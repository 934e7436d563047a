//! Tokens that are issued here over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::issued_token;

use super::{Draft, USUAL_DAYS, Until, issue, revoke};
use crate::auth::member::graphql::{Member, load_member};
use crate::error::Error;
use crate::graphql::{app, connection::Connection, decode, list::list, mutating, user_error::UserError};
use crate::id::NodeKind;
use crate::mutation::{Begun, Event, Refusal};
use crate::note;
use crate::paging::PageArguments;
use wayin_records::finding::{Finding, FindingCode};

/// A token that was issued here. Its text is told once, to whoever issued it, and kept nowhere.
#[derive(Clone, Debug)]
pub struct IssuedToken(pub issued_token::Model);

/// A token that was issued here. Its text is told once, to whoever issued it, and kept nowhere.
#[Object]
impl IssuedToken {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::IssuedToken.id(self.0.id).into()
    }

    /// The member whose token it is.
    async fn member(&self, ctx: &Context<'_>) -> Result<Member> {
        let found = load_member(ctx, Some(self.0.member_id)).await?;
        Ok(found.ok_or_else(|| Error::Internal("a token's member is not there".into()))?)
    }

    /// What whoever issued it calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// When it was issued (UTC).
    async fn issued_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The member who issued the token; null if it was issued on the command line.
    async fn issued_by(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.created_by).await
    }

    /// Until when it is good (UTC).
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// When it was last used (UTC), to within a minute or so; null while it never was.
    async fn last_used_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_used_at
    }

    /// When it was revoked (UTC); null while it was not.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }

    /// The member who revoked the token; null if it is not revoked, or was revoked on the command line.
    async fn revoked_by(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.revoked_by).await
    }
}

/// Which tokens.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IssuedTokenFilter {
    /// Those of a member.
    member: Option<ID>,
    /// Those that were revoked, or those that were not.
    revoked: Option<bool>,
}

/// The tokens.
#[derive(Default)]
pub struct TokenQuery;

#[Object]
impl TokenQuery {
    /// The tokens that were issued here, the latest first, also those that have expired or were revoked. For stewards.
    async fn tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<IssuedTokenFilter>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<IssuedToken>> {
        let filter = filter.unwrap_or_default();
        let mut select = issued_token::Entity::find();
        if let Some(id) = filter.member {
            let id = decode(NodeKind::Member, "filter.member", &id)?;
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
        list(ctx, select, (), page, IssuedToken).await
    }
}

/// A token that is to be issued.
#[derive(Clone, Debug, InputObject)]
pub struct IssueTokenInput {
    /// The member whose token it will be: one whose tokens are issued here.
    member: ID,
    /// What to call it, by which it will be known in the list: what it is for, and not who somebody is.
    name: String,
    /// For how many days it is good, from 1 to 366; for 90 where neither this nor `expiresAt` is said.
    days: Option<i32>,
    /// Until when it is good (UTC), a year ahead at most; instead of `days`.
    expires_at: Option<DateTime<Utc>>,
    /// Why, in a few words, for the audit trail.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours: sent again, it answers the
    /// same token.
    idempotency_key: Option<String>,
}

/// A token that is to be good no more.
#[derive(Clone, Debug, InputObject)]
pub struct RevokeTokenInput {
    /// The token's global id.
    id: ID,
    /// Why, in a few words, for the audit trail.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// What came of issuing a token.
#[derive(SimpleObject)]
pub struct IssueTokenPayload {
    /// The text of the token, to be sent as `Authorization: Bearer <token>`. It is told this once, and kept nowhere;
    /// null where the input was refused.
    token: Option<String>,
    /// The token as it is listed; null where the input was refused.
    issued_token: Option<IssuedToken>,
    /// Everything that was wrong with the input; empty where it was done.
    user_errors: Vec<UserError>,
}

/// What came of revoking a token.
#[derive(SimpleObject)]
pub struct RevokeTokenPayload {
    /// The token as it is listed; null where the input was refused.
    issued_token: Option<IssuedToken>,
    /// Everything that was wrong with the input; empty where it was done.
    user_errors: Vec<UserError>,
}

impl IssueTokenPayload {
    fn refused(refusal: Refusal) -> Self {
        Self {
            token: None,
            issued_token: None,
            user_errors: refusal.findings.into_iter().map(Into::into).collect(),
        }
    }
}

impl RevokeTokenPayload {
    fn refused(refusal: Refusal) -> Self {
        Self {
            issued_token: None,
            user_errors: refusal.findings.into_iter().map(Into::into).collect(),
        }
    }

    const fn done(row: issued_token::Model) -> Self {
        Self {
            issued_token: Some(IssuedToken(row)),
            user_errors: Vec::new(),
        }
    }
}

/// The stored result of a mutation, for a repeat under its key. The token's text is not stored: a repeat signs it
/// from the row again, so that a client that lost the first answer still receives its token.
#[derive(Serialize, Deserialize)]
struct Answer {
    row: issued_token::Model,
}

/// Why something is done, where it is said, and what is wrong with that.
fn why(reason: Option<&str>) -> (Option<String>, Vec<Finding>) {
    match reason.map(|reason| note::validate("reason", reason)) {
        None => (None, Vec::new()),
        Some(Ok(reason)) => (Some(reason), Vec::new()),
        Some(Err(refusal)) => (None, refusal.findings),
    }
}

/// The mutations of tokens.
#[derive(Default)]
pub struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Issues a token for a member, signed with this service's own key. Its text is told in the answer, this once.
    /// For stewards.
    async fn issue_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose token, its name, and until when it is good.")] mut input: IssueTokenInput,
    ) -> Result<IssueTokenPayload> {
        let app = app(ctx);
        let Some(issuing) = &app.issuing else {
            let reason =
                "this service has no key of its own to sign with; ask the issuer of your tokens for one";
            return Ok(IssueTokenPayload::refused(Refusal::of(
                FindingCode::NotAllowed,
                "",
                reason,
            )));
        };
        let key = input.idempotency_key.take();
        let running = match mutating::begin::<Answer>(ctx, "issueToken", key.as_deref(), &input).await? {
            Begun::Fresh(running) => running,
            Begun::Refused(finding) => return Ok(IssueTokenPayload::refused(finding.into())),
            Begun::Repeated(answer) => {
                let row = answer.row;
                let owner = crate::auth::member::by_id(&app.db, row.member_id).await?;
                let missing = || Error::Internal("a token's member is not there".into());
                return Ok(IssueTokenPayload {
                    token: Some(issuing.text(&row, owner.ok_or_else(missing)?.subject)?),
                    issued_token: Some(IssuedToken(row)),
                    user_errors: Vec::new(),
                });
            }
        };
        let (reason, mut wrong) = why(input.reason.as_deref());
        let until = match (input.days, input.expires_at) {
            (None, None) => Until::Days(USUAL_DAYS),
            (Some(days), None) => Until::Days(days.into()),
            (None, Some(until)) => Until::Moment(until),
            (Some(days), Some(_)) => {
                let reason = "is said beside `days`; say one of them";
                wrong.push(Finding::new(FindingCode::Contradictory, "expiresAt", reason));
                Until::Days(days.into())
            }
        };
        let draft = Draft {
            member: decode(NodeKind::Member, "input.member", &input.member)?,
            name: input.name.trim().to_owned(),
            until,
        };
        let issued = issue(running.db(), &running.act(""), &issuing.issuer, draft).await?;
        let (row, owner) = match issued {
            Ok(issued) if wrong.is_empty() => issued,
            // What was written is undone with the transaction.
            Ok(_) => return Ok(IssueTokenPayload::refused(wrong.into())),
            Err(mut refusal) => {
                refusal.findings.extend(wrong);
                return Ok(IssueTokenPayload::refused(refusal));
            }
        };
        let token = issuing.text(&row, owner.subject)?;
        let event = Event {
            kind: NodeKind::IssuedToken,
            id: row.id,
            before: None,
            after: None,
            detail: json!({
                "reason": reason,
                "member": NodeKind::Member.id(row.member_id),
                "expiresAt": row.expires_at,
            }),
        };
        let answer = Answer { row };
        running.finish(event, &answer).await?;
        Ok(IssueTokenPayload {
            token: Some(token),
            issued_token: Some(IssuedToken(answer.row)),
            user_errors: Vec::new(),
        })
    }

    /// Revokes a token: it is refused from the next request on, and what was begun with it over a WebSocket ends.
    /// For stewards.
    async fn revoke_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which token, and why.")] mut input: RevokeTokenInput,
    ) -> Result<RevokeTokenPayload> {
        let key = input.idempotency_key.take();
        let running = match mutating::begin::<Answer>(ctx, "revokeToken", key.as_deref(), &input).await? {
            Begun::Fresh(running) => running,
            Begun::Refused(finding) => return Ok(RevokeTokenPayload::refused(finding.into())),
            Begun::Repeated(answer) => return Ok(RevokeTokenPayload::done(answer.row)),
        };
        let (reason, wrong) = why(input.reason.as_deref());
        let id = decode(NodeKind::IssuedToken, "input.id", &input.id)?;
        let row = match revoke(running.db(), &running.act(""), id).await? {
            Ok(row) if wrong.is_empty() => row,
            Ok(_) => return Ok(RevokeTokenPayload::refused(wrong.into())),
            Err(mut refusal) => {
                refusal.findings.extend(wrong);
                return Ok(RevokeTokenPayload::refused(refusal));
            }
        };
        let event = Event {
            kind: NodeKind::IssuedToken,
            id: row.id,
            before: None,
            after: None,
            detail: json!({"reason": reason, "member": NodeKind::Member.id(row.member_id)}),
        };
        let answer = Answer { row };
        running.finish(event, &answer).await?;
        Ok(RevokeTokenPayload::done(answer.row))
    }
}
