//! Submissions: proposed records, in hand until published.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::SubmissionState;

/// A whole proposed initiative record.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "submission", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organisation whose record it is.
    pub organisation_id: Uuid,
    /// Who wrote it.
    pub author_id: Uuid,
    /// Where it stands.
    pub state: SubmissionState,
    /// The record, as it was typed.
    pub document: Json,
    /// The organisation's own reference for the record, as far as the document has one.
    pub external_ref: Option<String>,
    /// The import that last wrote it; null where none did.
    pub import_id: Option<Uuid>,
    /// The initiative that it would replace.
    pub initiative_id: Option<Uuid>,
    /// The version of that initiative that it was written against.
    pub initiative_version: Option<i32>,
    /// What the reviewing steward said.
    pub review_note: Option<String>,
    /// Counts the saves, from 1.
    pub version: i32,
    /// When it was last sent in (UTC).
    pub submitted_at: Option<DateTimeUtc>,
    /// When it was last returned, published or discarded (UTC).
    pub decided_at: Option<DateTimeUtc>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
