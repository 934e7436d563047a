//! Funders and lead organisations.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::OrganisationKind;

/// An organisation that leads or funds initiatives.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The name, at most 200 characters.
    pub name: String,
    /// The name in lower case, for the same search and sort order on both databases.
    pub name_folded: String,
    /// The kind of organisation; null if not known.
    pub kind: Option<OrganisationKind>,
    /// The org-id identifier, such as GB-CHC-1164883; unique if not null.
    #[sea_orm(unique)]
    pub identifier: Option<String>,
    /// Whether submissions of its members are published without review.
    pub auto_publish: bool,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
