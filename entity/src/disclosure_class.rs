//! Classes of the records that are hidden from an audience. Disclosure control decides from what all records of a class
//! share what an outsider may know of them.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::Audience;

/// A class. It never changes: a record that has changed is counted as it was, until another class replaces this one.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "disclosure_class")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The release with which it was formed.
    pub release_id: Uuid,
    /// The audience that the records are hidden from.
    pub audience: Audience,
    /// For each record, 25 bytes: its id (16), when it was last updated before the class was formed (8: the microseconds
    /// since 1970, the lowest byte first), and its cell key then (1).
    pub members: Vec<u8>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC): never.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
