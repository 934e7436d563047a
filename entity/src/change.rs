//! The change log: what was published, updated or withdrawn, in strict order.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::{ChangeKind, ChangeSubject};

/// A change.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_log")]
pub struct Model {
    /// Increases with every change. Changes become visible in this order.
    #[sea_orm(primary_key)]
    pub number: i64,
    /// What happened.
    pub kind: ChangeKind,
    /// The type of the subject.
    pub subject: ChangeSubject,
    /// The id of the subject.
    pub subject_id: Uuid,
    /// The version of the initiative after the transaction that made the change. Null for other subjects.
    pub version: Option<i32>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC): never.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
