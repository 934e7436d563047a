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
    app_from_context,
    connection::NodeConnection,
    decode_argument,
    list::load_connection,
    mutation, require_member,
    user_error::{FieldChange, UserError},
};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, MutationStart};
use crate::initiative::publish;
use crate::note;
use crate::paging::PageArguments;
use crate::store::revisions;
use wayin_records::diff;
use wayin_records::problem::{Problem, ProblemCode};

/// One version of a record.
#[derive(Clone, Debug)]
pub struct Revision(pub revision::Model);

/// One version of a record.
#[Object]
impl Revision {
    /// The version number, which starts at 1 and increases with every publication and with a withdrawal.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was published or withdrawn (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The global ID of the member who published or withdrew it; null for the command line.
    async fn actor_id(&self) -> Option<ID> {
        self.0.member_id.map(|id| NodeKind::Member.encode_id(id).into())
    }

    /// The reason that was given.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The whole record, with the fields listed in `docs/sending-in.md`.
    async fn record(&self) -> Json<&Value> {
        Json(&self.0.document)
    }

    /// The differences from another version, field by field. The default is the version before this one.
    /// For the first version, all fields are listed.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The version to compare with.")] since: Option<i32>,
    ) -> Result<Vec<FieldChange>> {
        let version = since.unwrap_or(self.0.version - 1);
        let before =
            revisions::find_document(&app_from_context(ctx).db, self.0.initiative_id, version).await?;
        let before = match (before, since) {
            (Some(before), _) => before,
            (None, None) => json!({}),
            (None, Some(since)) => {
                return Err(Error::bad_input("since", format!("there is no version {since}")).into());
            }
        };
        Ok(diff::find_differences(&before, &self.0.document)
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
    /// All versions of a record, newest first, including a record that was withdrawn. Null if it does not
    /// exist or you cannot see it. For partners of the lead organisation, and stewards.
    async fn revisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The initiative.")] initiative: ID,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<Option<NodeConnection<Revision>>> {
        let member = require_member(ctx)?;
        let id = decode_argument(NodeKind::Initiative, "initiative", &initiative)?;
        let db = app_from_context(ctx).db.clone();
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
        Ok(Some(load_connection(ctx, select, (), page, Revision).await?))
    }
}

/// Input to withdraw a published record.
#[derive(Clone, Debug, InputObject)]
pub struct WithdrawInitiativeInput {
    /// The initiative.
    id: ID,
    /// The reason, at most 2,000 characters. It is stored with the last version of the record.
    reason: String,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// The result of withdrawing a record.
#[derive(SimpleObject)]
pub struct WithdrawInitiativePayload {
    /// The last version of the record, with the reason for the withdrawal. Null if the input was rejected.
    revision: Option<Revision>,
    /// The number of the change. Pass it as `minChangeNumber` to get patterns that include the change.
    change_number: Option<i64>,
    /// The problems with the input. Empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

impl WithdrawInitiativePayload {
    fn from_problem(finding: Problem) -> Self {
        Self {
            revision: None,
            change_number: None,
            user_errors: vec![finding.into()],
        }
    }
}

#[derive(Serialize, Deserialize)]
struct WithdrawalResult {
    initiative: Uuid,
    version: i32,
    change: i64,
}

/// The mutations of published records.
#[derive(Default)]
pub struct InitiativeMutation;

#[Object]
impl InitiativeMutation {
    /// Withdraws a published record. Lists and counts leave it out at once. Its revisions stay. For
    /// stewards.
    async fn withdraw_initiative(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The initiative and the reason.")] mut input: WithdrawInitiativeInput,
    ) -> Result<WithdrawInitiativePayload> {
        let (app, key) = (app_from_context(ctx), input.idempotency_key.take());
        let begun =
            mutation::begin_mutation::<WithdrawalResult>(ctx, "withdrawInitiative", key.as_deref(), &input)
                .await?;
        let running = match begun {
            MutationStart::New(running) => running,
            MutationStart::Rejected(finding) => return Ok(WithdrawInitiativePayload::from_problem(finding)),
            MutationStart::Replayed(answer) => {
                let revision = revisions::find_revision(&app.db, answer.initiative, answer.version).await?;
                return Ok(WithdrawInitiativePayload {
                    revision: revision.map(Revision),
                    change_number: Some(answer.change),
                    user_errors: Vec::new(),
                });
            }
        };
        let id = decode_argument(NodeKind::Initiative, "input.id", &input.id)?;
        let reason = match note::validate_note("reason", &input.reason) {
            Ok(reason) => reason,
            Err(refusal) => {
                return Ok(WithdrawInitiativePayload {
                    revision: None,
                    change_number: None,
                    user_errors: refusal.problems.into_iter().map(UserError::from).collect(),
                });
            }
        };
        let withdrawn = publish::withdraw_initiative(running.db(), &running.action(&reason), id).await?;
        let Some((before, after)) = withdrawn else {
            let reason = "there is no such published record";
            return Ok(WithdrawInitiativePayload::from_problem(Problem::new(
                ProblemCode::NotFound,
                "id",
                reason,
            )));
        };
        let revision = revisions::find_revision(running.db(), id, after).await?;
        let answer = WithdrawalResult {
            initiative: id,
            version: after,
            change: running.newest_change().await?,
        };
        let event = AuditRecord {
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
