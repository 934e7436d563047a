//! The entries of the glossary.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// An entry of the glossary.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "term", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The name in addresses; unique.
    #[sea_orm(unique)]
    pub slug: String,
    /// The name, at most 100 characters.
    pub name: String,
    /// The name and its synonyms in lower case, for the same search and sort order on both databases.
    pub name_folded: String,
    /// The definition, at most 2,000 characters.
    pub definition: String,
    /// The synonyms, as a list of texts.
    pub synonyms: Json,
    /// The usage note, if the word can exclude people.
    pub usage_note: Option<String>,
    /// The vocabulary code that it explains.
    pub code: Option<String>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
