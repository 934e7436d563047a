//! Classes of the records that are hidden from an audience. Disclosure control decides for a class as a whole what an
//! outsider may know of its records.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::Audience;

/// A class. It never changes. It is dissolved as soon as one of its records changes.
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
    /// For each record, the 16 bytes of its id, and 8 bytes for when it was last updated before the class was formed: the
    /// microseconds since 1970, the lowest byte first.
    pub members: Vec<u8>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC): never.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
