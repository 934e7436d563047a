//! Submissions: proposed records.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::SubmissionState;

/// A proposed record.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "submission", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organisation that owns the record.
    pub organisation_id: Uuid,
    /// The author.
    pub author_id: Uuid,
    /// The state.
    pub state: SubmissionState,
    /// The record, as the author entered it.
    pub document: Json,
    /// The organisation's own reference for the record; null if the document has none.
    pub external_ref: Option<String>,
    /// The import that last wrote it; null if none did.
    pub import_id: Option<Uuid>,
    /// The initiative that it updates; null for a new one.
    pub initiative_id: Option<Uuid>,
    /// The base version.
    pub initiative_version: Option<i32>,
    /// The note of the reviewer.
    pub review_note: Option<String>,
    /// The version, which counts the saves from 1.
    pub version: i32,
    /// When it was last submitted (UTC).
    pub submitted_at: Option<DateTimeUtc>,
    /// When it was last decided: returned, published or discarded (UTC).
    pub decided_at: Option<DateTimeUtc>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
