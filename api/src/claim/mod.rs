//! Claims: reflections made testable, each with the pattern that answers it.

pub mod graphql;
pub mod mutations;
mod save;

use wayin_entity::claim;

use crate::paging::{Paged, Sort};

impl Paged for claim::Entity {
    type Order = ();
    const ID: Self::Column = claim::Column::Id;

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "position",
            column: claim::Column::Position,
            descending: false,
        }
    }
}
