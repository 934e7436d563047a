//! Words of the field, in plain language.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A word of the field.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "term", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The short name in addresses; unique.
    #[sea_orm(unique)]
    pub slug: String,
    /// The word, at most 100 characters.
    pub name: String,
    /// The word and its other words in lower case, for searching and sorting alike on every database.
    pub name_folded: String,
    /// What it means, plainly, at most 2,000 characters.
    pub definition: String,
    /// Other words that people use for it, as a list of text.
    pub synonyms: Json,
    /// What to mind when using it, where the word shuts people out.
    pub usage_note: Option<String>,
    /// The vocabulary code that it explains.
    pub code: Option<String>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
