//! Notices over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use wayin_entity::notice;

use super::acknowledge_notice;
use crate::audit::graphql::{AuditEvent, AuditEventById};
use crate::auth::member::graphql::{Member, load_member};
use crate::error::Error;
use crate::graphql::{
    connection::NodeConnection, decode_argument, list::load_connection, loader, mutation,
    problem::InputProblem,
};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, MutationStart};
use crate::paging::PageArguments;
use wayin_records::problem::Problem;

/// A notice for stewards that a partner withdrew a published record, or narrowed who may read it, without review.
#[derive(Clone, Debug)]
pub struct Notice(pub notice::Model);

/// A notice for stewards that a partner withdrew a published record, or narrowed who may read it, without review.
#[Object]
impl Notice {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Notice.encode_id(self.0.id).into()
    }

    /// What was done, by whom, to which record and why.
    async fn event(&self, ctx: &Context<'_>) -> Result<AuditEvent> {
        let found = loader::operation_loader(ctx)
            .load_one(AuditEventById(self.0.audit_event_id))
            .await?;
        let missing = || Error::Internal(format!("the event of notice {} does not exist", self.0.id));
        Ok(AuditEvent(found.ok_or_else(missing)?))
    }

    /// When it was done (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When a steward acknowledged the notice (UTC). Null if it is open.
    async fn acknowledged_at(&self) -> Option<DateTime<Utc>> {
        self.0.acknowledged_at
    }

    /// The steward who acknowledged the notice. Null if it is open.
    async fn acknowledged_by(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.acknowledged_by).await
    }
}

/// Filters notices.
#[derive(Clone, Debug, Default, InputObject)]
pub struct NoticeFilter {
    /// True for notices that a steward acknowledged, false for open ones.
    acknowledged: Option<bool>,
}

#[derive(Default)]
pub struct NoticeQuery;

#[Object]
impl NoticeQuery {
    /// The notices of what partners did with published records without review, latest first. For stewards.
    async fn notices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which notices to return. By default, all that you can see.")] filter: Option<
            NoticeFilter,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Notice>> {
        let mut select = notice::Entity::find();
        if let Some(acknowledged) = filter.unwrap_or_default().acknowledged {
            let since = notice::Column::AcknowledgedAt;
            select = select.filter(if acknowledged {
                since.is_not_null()
            } else {
                since.is_null()
            });
        }
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, (), page, Notice).await
    }
}

/// Input to acknowledge a notice.
#[derive(Clone, Debug, InputObject)]
pub struct AcknowledgeNoticeInput {
    /// The notice.
    id: ID,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// The result of acknowledging a notice.
#[derive(SimpleObject)]
pub struct AcknowledgeNoticePayload {
    /// The acknowledged notice. Null if the input was rejected.
    notice: Option<Notice>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

impl AcknowledgeNoticePayload {
    fn from_problem(problem: Problem) -> Self {
        Self {
            notice: None,
            problems: vec![problem.into()],
        }
    }

    const fn from_row(row: notice::Model) -> Self {
        Self {
            notice: Some(Notice(row)),
            problems: Vec::new(),
        }
    }
}

#[derive(Default)]
pub struct NoticeMutation;

#[Object]
impl NoticeMutation {
    /// Marks a notice as seen, so that it is no longer among the open ones. For stewards.
    async fn acknowledge_notice(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The notice.")] mut input: AcknowledgeNoticeInput,
    ) -> Result<AcknowledgeNoticePayload> {
        let key = input.idempotency_key.take();
        let begun =
            mutation::begin_mutation::<notice::Model>(ctx, "acknowledgeNotice", key.as_deref(), &input)
                .await?;
        let running = match begun {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => return Ok(AcknowledgeNoticePayload::from_problem(problem)),
            MutationStart::Replayed(row) => return Ok(AcknowledgeNoticePayload::from_row(row)),
        };
        let id = decode_argument(NodeKind::Notice, "input.id", &input.id)?;
        let row = match acknowledge_notice(running.db(), &running.action(""), id).await? {
            Ok(row) => row,
            Err(problem) => return Ok(AcknowledgeNoticePayload::from_problem(problem)),
        };
        let event = AuditRecord {
            kind: NodeKind::Notice,
            id,
            before: None,
            after: None,
            detail: json!({"event": NodeKind::AuditEvent.encode_id(row.audit_event_id)}),
        };
        running.finish(event, &row).await?;
        Ok(AcknowledgeNoticePayload::from_row(row))
    }
}
