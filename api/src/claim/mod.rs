//! Claims: testable statements, each with the pattern that answers it.

pub mod graphql;
pub mod mutations;
mod save;

use wayin_entity::claim;

use crate::paging::{Paged, SortOrder};

impl Paged for claim::Entity {
    type Order = ();
    const ID: Self::Column = claim::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "position",
            column: claim::Column::Position,
            descending: false,
        }
    }
}
