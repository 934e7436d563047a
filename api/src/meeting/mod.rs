//! Meetings of the community of practice, and what members said there.

pub mod graphql;
pub mod mutations;
mod save;

use uuid::Uuid;
use wayin_entity::meeting;

use crate::paging::{Key, Paged, Sort};

impl Paged for meeting::Entity {
    type Order = ();
    const ID: Self::Column = meeting::Column::Id;

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "held-",
            column: Some(meeting::Column::HeldOn),
            looks: |key| matches!(key, Key::Day(_)),
            descending: true,
        }
    }

    fn key((): (), row: &Self::Model) -> Key {
        Key::Day(row.held_on)
    }

    fn id(row: &Self::Model) -> Uuid {
        row.id
    }
}
