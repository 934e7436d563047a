//! The outcomes of the rows of imports, and their problems.

use sea_orm::entity::prelude::*;

use wayin_vocabulary::RowOutcome;

/// The outcome of a row, or one of its problems.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_outcome")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The import.
    pub import_id: Uuid,
    /// The position of the record in the file, from 1.
    pub position: i64,
    /// The sheet of a workbook; null for other files.
    pub sheet: Option<String>,
    /// The number of the row in the sheet, or of the line.
    pub row: i64,
    /// The header of the column, or the path in a JSON document; null for the whole row.
    pub column: Option<String>,
    /// The outcome of the row.
    pub outcome: RowOutcome,
    /// The code of the problem; null if there is none.
    pub code: Option<String>,
    /// The message of the problem; null if there is none.
    pub message: Option<String>,
    /// The path of the problem in the record, such as `fundingTerms/0/endsOn`; null if there is no problem.
    pub path: Option<String>,
    /// Whether the problem is a warning.
    pub is_warning: bool,
    /// The submission of the record; null if there is none.
    pub submission_id: Option<Uuid>,
    /// The initiative that it was published as; null if it was not.
    pub initiative_id: Option<Uuid>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
