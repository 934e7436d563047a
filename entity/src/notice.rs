//! Notices for stewards of what partners did with published records without review.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A notice. Who did what is in its audit event.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The audit event of the action; unique.
    pub audit_event_id: Uuid,
    /// When a steward acknowledged it (UTC); null if it is open.
    pub acknowledged_at: Option<DateTimeUtc>,
    /// The steward who acknowledged it; null if it is open.
    pub acknowledged_by: Option<Uuid>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
