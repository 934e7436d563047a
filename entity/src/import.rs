//! Imports of files with records or grants.

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
    /// Who sent the file; null for the command line, which publishes it.
    pub member_id: Option<Uuid>,
    /// The organisation whose records or grants they are; null for grants of any funder, and for the command line.
    pub organisation_id: Option<Uuid>,
    /// What the file contains.
    pub kind: ImportKind,
    /// What happens to its records.
    pub mode: ImportMode,
    /// The name of the file.
    pub file_name: String,
    /// The format of the file.
    pub format: FileFormat,
    /// The size of the file in bytes.
    pub bytes: i64,
    /// The licence of the grants, if the file does not state one.
    pub licence: Option<String>,
    /// The state of the import.
    pub state: ImportState,
    /// Why the file could not be read to its end; null if it could.
    pub failure_reason: Option<String>,
    /// Notes about how the file was read, one sentence a line; null if there are none.
    pub notes: Option<String>,
    /// How many rows have an outcome. The next row is imported next.
    pub rows_processed: i64,
    /// How many rows were saved as drafts.
    pub draft_count: i64,
    /// How many were submitted.
    pub submitted_count: i64,
    /// How many were published.
    pub published_count: i64,
    /// How many of the published rows are new records; null for imports of 0.1.
    pub added_count: Option<i64>,
    /// How many were already the same.
    pub unchanged_count: i64,
    /// How many were saved as drafts with problems.
    pub invalid_count: i64,
    /// How many could not be saved.
    pub rejected_count: i64,
    /// How many have warnings.
    pub warning_count: i64,
    /// The worker that runs it; null if none does.
    pub runner: Option<Uuid>,
    /// When the lease of that worker ends (UTC).
    pub runner_until: Option<DateTimeUtc>,
    /// How often it was started without progress.
    pub attempts: i32,
    /// When it ended (UTC); null before.
    pub ended_at: Option<DateTimeUtc>,
    /// When its file and the outcomes of its rows were deleted (UTC); null if they were not.
    pub expired_at: Option<DateTimeUtc>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
