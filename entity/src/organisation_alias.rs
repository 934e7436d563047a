//! What organisations were known as before: those that were merged into others, and identifiers that were put right.

use sea_orm::entity::prelude::*;

/// A name and an identifier that lead to an organisation which has others now.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation_alias")]
pub struct Model {
    /// UUIDv7: the id of the organisation that was merged, or, for an identifier that was put right, a new one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organisation that it leads to.
    pub organisation_id: Uuid,
    /// The name that was in use.
    pub name: String,
    /// The name in lower case, for searching alike on every database.
    pub name_folded: String,
    /// The identifier that was in use; null where there was none.
    pub identifier: Option<String>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
