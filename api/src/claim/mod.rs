//! Claims: reflections made testable, each with the pattern that answers it.

pub mod graphql;
pub mod mutations;
mod save;

use uuid::Uuid;
use wayin_entity::claim;

use crate::paging::{Key, Paged, Sort};

impl Paged for claim::Entity {
    type Order = ();
    const ID: Self::Column = claim::Column::Id;

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "position",
            column: Some(claim::Column::Position),
            looks: |key| matches!(key, Key::Number(_)),
            descending: false,
        }
    }

    fn key((): (), row: &Self::Model) -> Key {
        Key::Number(i64::from(row.position))
    }

    fn id(row: &Self::Model) -> Uuid {
        row.id
    }
}
