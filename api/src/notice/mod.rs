//! Notices for stewards. Each names the audit event of something that a partner did with a published record without
//! review. It is open until a steward acknowledges it.

pub mod graphql;

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QuerySelect};
use uuid::Uuid;
use wayin_entity::notice;

use crate::change_log::ActionContext;
use crate::error::Result;
use crate::paging::{Paged, SortOrder};
use wayin_records::problem::{Problem, ProblemCode};

/// Adds an open notice of an audit event.
pub async fn add_notice(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    audit_event_id: Uuid,
) -> Result<()> {
    let now = act.now();
    let row = notice::Model {
        id: act.clock.new_id(),
        audit_event_id,
        acknowledged_at: None,
        acknowledged_by: None,
        created_at: now,
        updated_at: now,
    };
    row.into_active_model().insert(db).await?;
    Ok(())
}

pub async fn find_by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<notice::Model>> {
    Ok(notice::Entity::find_by_id(id).one(db).await?)
}

/// Acknowledges an open notice. Returns the notice, or why it cannot be acknowledged.
pub async fn acknowledge_notice(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    id: Uuid,
) -> Result<Result<notice::Model, Problem>> {
    let found = notice::Entity::find_by_id(id).lock_exclusive().one(db).await?;
    let refuse = |code, reason| Ok(Err(Problem::new(code, "id", reason)));
    let Some(row) = found else {
        return refuse(ProblemCode::NotFound, "there is no such notice");
    };
    if row.acknowledged_at.is_some() {
        return refuse(ProblemCode::WrongState, "was acknowledged before");
    }
    let row = notice::Model {
        acknowledged_at: Some(act.now()),
        acknowledged_by: act.member,
        updated_at: act.now(),
        ..row
    };
    Ok(Ok(row.into_active_model().reset_all().update(db).await?))
}

impl Paged for notice::Entity {
    type Order = ();
    const ID: Self::Column = notice::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "noticed-",
            column: notice::Column::CreatedAt,
            descending: true,
        }
    }
}
