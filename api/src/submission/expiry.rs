//! Deletes submissions that nobody has changed for a long time: drafts, those with requested changes, and
//! discarded ones. Submissions in review and published ones stay.

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

/// The states in which a submission expires.
const EXPIRING_STATES: [SubmissionState; 3] = [
    SubmissionState::Draft,
    SubmissionState::ChangesRequested,
    SubmissionState::Discarded,
];

/// The action of the audit event.
const EXPIRE_ACTION: &str = "expireSubmission";

/// Whether a submission in this state expires.
pub fn can_expire(state: SubmissionState) -> bool {
    EXPIRING_STATES.contains(&state)
}

/// Deletes a number of submissions that have not changed since a time, the oldest first, with an audit event
/// for each. Returns how many it deleted.
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
    // Usually nothing has expired, so other writers need not wait.
    if expired().one(db).await?.is_none() {
        return Ok(0);
    }
    let transaction = database::begin_write(db).await?;
    // A submission that another transaction saves or deletes first is not selected any more.
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
