//! What the mutations share that change a published record without review.

use async_graphql::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::Capability;

use crate::auth::requester::AuthenticatedMember;
use crate::error::Result;
use crate::graphql::{app_from_context, require_member, revision::Revision};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, Rejection, RunningMutation};
use crate::initiative::own_records::acts_for_record;
use crate::store::revisions;
use wayin_records::problem::ProblemCode;

/// The stored result of a mutation, for a repeat under its key.
#[derive(Serialize, Deserialize)]
pub struct DirectChangeResult {
    initiative: Uuid,
    version: i32,
    change: i64,
}

/// A change of a published record that was made without review.
pub struct DirectChange {
    /// The new version of the record.
    pub revision: Option<Revision>,
    /// The number of the change in the change log.
    pub change_number: i64,
}

/// Loads the result of a repeat, if the member still acts for the organisation of the record.
pub async fn load_replay(
    ctx: &Context<'_>,
    answer: DirectChangeResult,
) -> Result<Result<DirectChange, Rejection>> {
    let db = &app_from_context(ctx).db;
    if !acts_for_record(db, require_member(ctx)?, answer.initiative).await? {
        let reason = "your organisation has no such record";
        return Ok(Err(Rejection::from_problem(ProblemCode::NotFound, "id", reason)));
    }
    let revision = revisions::find_revision(db, answer.initiative, answer.version).await?;
    Ok(Ok(DirectChange {
        revision: revision.map(Revision::from),
        change_number: answer.change,
    }))
}

/// Finishes a mutation that gave an initiative a new version. Stewards get a notice of what a partner did.
pub async fn finish_change(
    running: RunningMutation<'_>,
    member: &AuthenticatedMember,
    initiative: Uuid,
    (before, after): (i32, i32),
    detail: Value,
) -> Result<DirectChange> {
    let revision = revisions::find_revision(running.db(), initiative, after).await?;
    let answer = DirectChangeResult {
        initiative,
        version: after,
        change: running.newest_change().await?,
    };
    let event = AuditRecord {
        kind: NodeKind::Initiative,
        id: initiative,
        before: Some(before),
        after: Some(after),
        detail,
    };
    if member.role.can(Capability::ReviewSubmissions) {
        running.finish(event, &answer).await?;
    } else {
        running.finish_with_notice(event, &answer).await?;
    }
    Ok(DirectChange {
        revision: revision.map(Revision::from),
        change_number: answer.change,
    })
}
