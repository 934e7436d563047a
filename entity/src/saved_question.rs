//! Questions that members save.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A question about two conditions that a member saved to ask again.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "saved_question", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member who saved it, and who alone can read it.
    pub member_id: Uuid,
    /// The name that the member gave it, at most 200 characters.
    pub name: String,
    /// The arguments of `pattern`: `when`, `then`, `among`, `by` and `scope`.
    pub question: Json,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
