//! Submissions that nobody touches for long: those that are with a partner, and those that
//! were given up. What waits for a steward stays, and so does what was published.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{SubmissionState, audit_event, submission};

use crate::clock::Clock;
use crate::database;
use crate::error::Result;
use crate::id::NodeKind;

/// Where a submission stands that can expire.
const EXPIRING_STATES: [SubmissionState; 3] = [
    SubmissionState::Draft,
    SubmissionState::ChangesRequested,
    SubmissionState::Discarded,
];

/// What the audit trail calls it.
const EXPIRE_ACTION: &str = "expireSubmission";

/// Whether a submission that stands so can expire.
pub fn can_expire(state: SubmissionState) -> bool {
    EXPIRING_STATES.contains(&state)
}

/// Deletes at most so many that were not touched since a moment, the longest untouched first,
/// with an event in the audit trail for each; answers how many.
pub async fn delete_expired(
    db: &DatabaseConnection,
    clock: &dyn Clock,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
    at_most: u64,
) -> Result<u64> {
    let expired = || {
        submission::Entity::find()
            .filter(submission::Column::State.is_in(EXPIRING_STATES))
            .filter(submission::Column::UpdatedAt.lt(before))
            .order_by_asc(submission::Column::UpdatedAt)
            .order_by_asc(submission::Column::Id)
            .limit(at_most)
    };
    // Mostly there is nothing to keep other writers waiting for.
    if expired().one(db).await?.is_none() {
        return Ok(0);
    }
    let transaction = database::begin_write(db).await?;
    // Whoever saves one meanwhile, or takes it out on another node, goes first; then it is not there any more.
    let rows = expired().lock_exclusive().all(&transaction).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let events = rows
        .iter()
        .map(|row| build_event(clock, row, now).into_active_model());
    database::insert_all(&transaction, events).await?;
    let deleted = submission::Entity::delete_many()
        .filter(submission::Column::Id.is_in(ids))
        .exec(&transaction)
        .await?;
    database::commit(transaction).await?;
    Ok(deleted.rows_affected)
}

fn build_event(clock: &dyn Clock, row: &submission::Model, now: DateTime<Utc>) -> audit_event::Model {
    audit_event::Model {
        id: clock.new_id(),
        member_id: None,
        action: EXPIRE_ACTION.to_owned(),
        subject: NodeKind::Submission.name().to_owned(),
        subject_id: row.id,
        version_before: Some(row.version),
        version_after: None,
        detail: json!({
            "state": row.state,
            "organisation": NodeKind::Organisation.encode_id(row.organisation_id),
            "untouchedSince": row.updated_at,
        }),
        created_at: now,
        updated_at: now,
    }
}
