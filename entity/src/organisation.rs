//! Organisations: funders, and those that lead initiatives.

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
    /// The name in use, at most 200 characters.
    pub name: String,
    /// The name in lower case, for searching and sorting alike on every database.
    pub name_folded: String,
    /// What sort of organisation it is; null where not known.
    pub kind: Option<OrganisationKind>,
    /// The org-id identifier, such as GB-CHC-1164883; unique where given.
    #[sea_orm(unique)]
    pub identifier: Option<String>,
    /// Whether what its members send in is published without review.
    pub auto_publish: bool,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
