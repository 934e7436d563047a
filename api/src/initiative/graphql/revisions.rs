//! The history of published records over GraphQL, and their withdrawal.

use async_graphql::{Context, ID, InputObject, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{Capability, initiative, revision};

use crate::error::Error;
use crate::graphql::{
    app,
    connection::Connection,
    decode,
    list::list,
    member, mutating,
    user_error::{FieldChange, UserError},
};
use crate::id::NodeKind;
use crate::initiative::publish;
use crate::mutation::{Begun, Event};
use crate::note;
use crate::paging::PageArguments;
use crate::store::revisions;
use wayin_records::diff;
use wayin_records::finding::{Finding, FindingCode};

/// A record as it stood at one version.
#[derive(Clone, Debug)]
pub struct Revision(pub revision::Model);

/// A record as it stood at one version.
#[Object]
impl Revision {
    /// Counts the publications of the record, and its withdrawal, from 1.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was published or withdrawn (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The global id of the member who published or withdrew it; null for the command line.
    async fn actor_id(&self) -> Option<ID> {
        self.0.member_id.map(|id| NodeKind::Member.id(id).into())
    }

    /// Why, in a few words.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The whole record, with the fields of `docs/sending-in.md`.
    async fn record(&self) -> Json<&Value> {
        Json(&self.0.document)
    }

    /// What is different from another version, field by field; from the one before where nothing is said.
    /// Of the first version everything is.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The version to compare with.")] since: Option<i32>,
    ) -> Result<Vec<FieldChange>> {
        let version = since.unwrap_or(self.0.version - 1);
        let before = revisions::document(&app(ctx).db, self.0.initiative_id, version).await?;
        let before = match (before, since) {
            (Some(before), _) => before,
            (None, None) => json!({}),
            (None, Some(since)) => {
                return Err(Error::bad_input("since", format!("there is no version {since}")).into());
            }
        };
        Ok(diff::between(&before, &self.0.document)
            .into_iter()
            .map(FieldChange::from)
            .collect())
    }
}

/// The history of published records.
#[derive(Default)]
pub struct RevisionQuery;

#[Object]
impl RevisionQuery {
    /// Every version of a record, the newest first, of one that was withdrawn too. For partners of the
    /// organisation that leads it, and stewards; null where there is none that you may see.
    async fn revisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The initiative.")] initiative: ID,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Revision>>> {
        let member = member(ctx)?;
        let id = decode(NodeKind::Initiative, "initiative", &initiative)?;
        let db = app(ctx).db.clone();
        let found = initiative::Entity::find_by_id(id)
            .one(&db)
            .await
            .map_err(Error::from)?;
        let may = found.is_some_and(|one| {
            member.role.can(Capability::ReadEveryRecord)
                || member.organisation == Some(one.lead_organisation_id)
        });
        if !may {
            return Ok(None);
        }
        let select = revision::Entity::find().filter(revision::Column::InitiativeId.eq(id));
        let page = PageArguments::new(first, after, last, before);
        Ok(Some(list(ctx, select, (), page, Revision).await?))
    }
}

/// A published record that is to be withdrawn.
#[derive(Clone, Debug, InputObject)]
pub struct WithdrawInitiativeInput {
    /// The initiative.
    id: ID,
    /// Why, for the record's history; at most 2,000 characters.
    reason: String,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

/// What came of withdrawing.
#[derive(SimpleObject)]
pub struct WithdrawInitiativePayload {
    /// The record as it stood last, and why it stands no more; null where the input was refused.
    revision: Option<Revision>,
    /// The number of the change; patterns can be asked for `minChangeNumber` it.
    change_number: Option<i64>,
    /// Everything that was wrong with the input; empty where it was done.
    user_errors: Vec<UserError>,
}

impl WithdrawInitiativePayload {
    fn refused(finding: Finding) -> Self {
        Self {
            revision: None,
            change_number: None,
            user_errors: vec![finding.into()],
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Answer {
    initiative: Uuid,
    version: i32,
    change: i64,
}

/// The mutations of published records.
#[derive(Default)]
pub struct InitiativeMutation;

#[Object]
impl InitiativeMutation {
    /// Withdraws a published record: it leaves lists and counts at once, and keeps its history. For stewards.
    async fn withdraw_initiative(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one, and why.")] mut input: WithdrawInitiativeInput,
    ) -> Result<WithdrawInitiativePayload> {
        let (app, key) = (app(ctx), input.idempotency_key.take());
        let begun = mutating::begin::<Answer>(ctx, "withdrawInitiative", key.as_deref(), &input).await?;
        let running = match begun {
            Begun::Fresh(running) => running,
            Begun::Refused(finding) => return Ok(WithdrawInitiativePayload::refused(finding)),
            Begun::Repeated(answer) => {
                let revision = revisions::at(&app.db, answer.initiative, answer.version).await?;
                return Ok(WithdrawInitiativePayload {
                    revision: revision.map(Revision),
                    change_number: Some(answer.change),
                    user_errors: Vec::new(),
                });
            }
        };
        let id = decode(NodeKind::Initiative, "input.id", &input.id)?;
        let reason = match note::validate("reason", &input.reason) {
            Ok(reason) => reason,
            Err(refusal) => {
                return Ok(WithdrawInitiativePayload {
                    revision: None,
                    change_number: None,
                    user_errors: refusal.findings.into_iter().map(UserError::from).collect(),
                });
            }
        };
        let withdrawn = publish::withdraw(running.db(), &running.act(&reason), id).await?;
        let Some((before, after)) = withdrawn else {
            let reason = "there is no such published record";
            return Ok(WithdrawInitiativePayload::refused(Finding::new(
                FindingCode::NotFound,
                "id",
                reason,
            )));
        };
        let revision = revisions::at(running.db(), id, after).await?;
        let answer = Answer {
            initiative: id,
            version: after,
            change: running.newest_change().await?,
        };
        let event = Event {
            kind: NodeKind::Initiative,
            id,
            before: Some(before),
            after: Some(after),
            detail: json!({"reason": reason}),
        };
        let change_number = Some(answer.change);
        running.finish(event, &answer).await?;
        Ok(WithdrawInitiativePayload {
            revision: revision.map(Revision),
            change_number,
            user_errors: Vec::new(),
        })
    }
}
