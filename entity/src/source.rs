//! Where a record's content comes from.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::SourceKind;

/// A source that supports one initiative or many.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "source")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What sort of source it is.
    pub kind: SourceKind,
    /// What it is called, at most 300 characters.
    pub title: String,
    /// Where it can be read.
    pub url: Option<String>,
    /// The day it bears.
    pub dated_on: Option<Date>,
    /// The licence it may be reused under; null where it states none.
    pub licence: Option<String>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
