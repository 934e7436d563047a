//! The sources of records.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wayin_vocabulary::SourceKind;

/// A source of one or more initiatives.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "source", model_attrs(derive(Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The kind of source.
    pub kind: SourceKind,
    /// The title, at most 300 characters.
    pub title: String,
    /// The address of the source.
    pub url: Option<String>,
    /// The date of the source.
    pub dated_on: Option<Date>,
    /// The licence for reuse; null if it states none.
    pub licence: Option<String>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
