//! The change log: what was published, altered or withdrawn, strictly in order.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::{ChangeKind, ChangeSubject};

/// One change.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_log")]
pub struct Model {
    /// Grows with every change; changes become visible in this order.
    #[sea_orm(primary_key)]
    pub number: i64,
    /// What happened.
    pub kind: ChangeKind,
    /// What it happened to.
    pub subject: ChangeSubject,
    /// The id of what it happened to.
    pub subject_id: Uuid,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC): never.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
