//! Meetings of the community of practice, and what members said there.

pub mod filter_input;
pub mod graphql;
pub mod mutations;
mod save;

use wayin_entity::{meeting, reflection};

use crate::paging::{Paged, SortOrder};

impl Paged for meeting::Entity {
    type Order = ();
    const ID: Self::Column = meeting::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "held-",
            column: meeting::Column::HeldOn,
            descending: true,
        }
    }
}

impl Paged for reflection::Entity {
    type Order = ();
    const ID: Self::Column = reflection::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "added-",
            column: reflection::Column::CreatedAt,
            descending: true,
        }
    }
}
