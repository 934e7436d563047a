//! What the rows of imports came to, and what was found in them.

use sea_orm::entity::prelude::*;

use wayin_vocabulary::RowOutcome;

/// What one row came to, or one thing that was found in it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_outcome")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The import.
    pub import_id: Uuid,
    /// Counts the records of the file, from 1: all that is said of one has its position.
    pub position: i64,
    /// The sheet of a workbook; null in other files.
    pub sheet: Option<String>,
    /// The row as a spreadsheet shows it, or the line.
    pub row: i64,
    /// The column's header, or the path into a JSON document; null where the whole row is meant.
    pub column: Option<String>,
    /// What the row came to.
    pub outcome: RowOutcome,
    /// What kind of thing was found; null where nothing was.
    pub code: Option<String>,
    /// What was found, in plain words; null where nothing was.
    pub message: Option<String>,
    /// Where in the record it was found, such as `fundingTerms/0/endsOn`; null where nothing was.
    pub path: Option<String>,
    /// Whether what was found kept the record from nothing, and is only worth a look.
    pub is_warning: bool,
    /// The submission that the row went into; null where there is none.
    pub submission_id: Option<Uuid>,
    /// The initiative that it is published as; null where it is not.
    pub initiative_id: Option<Uuid>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
