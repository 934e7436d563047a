//! Begins the session of a member who signs in.

use sea_orm::DatabaseTransaction;
use serde_json::json;
use uuid::Uuid;

use super::{CreatedSession, create_session, end_session};
use crate::audit::{self, AuditRecord};
use crate::change_log::ActionContext;
use crate::clock::Clock;
use crate::error::Result;
use crate::id::NodeKind;

/// Creates a session of a member, ends `earlier`, the session that the browser had, and records the event.
pub async fn begin_session(
    transaction: &DatabaseTransaction,
    clock: &dyn Clock,
    member_id: Uuid,
    earlier: Option<Uuid>,
    reason: &str,
) -> Result<CreatedSession> {
    let created = create_session(transaction, clock, member_id).await?;
    if let Some(earlier) = earlier {
        end_session(transaction, clock, earlier).await?;
    }
    let act = ActionContext {
        clock,
        member: Some(member_id),
        reason,
    };
    let event = AuditRecord {
        kind: NodeKind::Member,
        id: member_id,
        before: None,
        after: None,
        detail: json!({"reason": reason}),
    };
    audit::append_event(transaction, &act, "signIn", event).await?;
    Ok(created)
}
