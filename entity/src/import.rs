//! Imports: files of records or grants that are taken in, row by row, by the service.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::{FileFormat, ImportKind, ImportMode, ImportState};

/// An import.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who sent the file.
    pub member_id: Uuid,
    /// The organisation whose records or grants they are; null for grants of any funder.
    pub organisation_id: Option<Uuid>,
    /// What the file holds.
    pub kind: ImportKind,
    /// What becomes of its records.
    pub mode: ImportMode,
    /// The file's name, as it was sent.
    pub file_name: String,
    /// Its format.
    pub format: FileFormat,
    /// Its length in bytes.
    pub bytes: i64,
    /// The licence of grants whose file does not say one.
    pub licence: Option<String>,
    /// Where the import stands.
    pub state: ImportState,
    /// Why the file could not be read to its end; null where it could.
    pub failure_reason: Option<String>,
    /// What is to be known of how the file was read, one sentence a line; null where it is plain.
    pub notes: Option<String>,
    /// How many rows came to something: the next one to be taken in is the one after.
    pub rows_processed: i64,
    /// How many rows were kept as drafts.
    pub draft_count: i64,
    /// How many were sent in.
    pub submitted_count: i64,
    /// How many were published.
    pub published_count: i64,
    /// How many stood so already.
    pub unchanged_count: i64,
    /// How many are kept as drafts that are to be mended.
    pub invalid_count: i64,
    /// How many could not be kept.
    pub rejected_count: i64,
    /// How many were taken, but are worth a look.
    pub warning_count: i64,
    /// Which runner has it in hand; null while none has.
    pub runner: Option<Uuid>,
    /// Until when that runner is taken for alive (UTC).
    pub runner_until: Option<DateTimeUtc>,
    /// How often it was begun since it last got on.
    pub attempts: i32,
    /// When it ended (UTC); null until then.
    pub ended_at: Option<DateTimeUtc>,
    /// When its file and the outcomes of its rows were deleted (UTC); null while they are kept.
    pub expired_at: Option<DateTimeUtc>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
