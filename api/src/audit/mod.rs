//! The audit trail: who did what to what. Rows are added by [`crate::mutation`], and by
//! [`crate::expiry`] where nobody acts, in the transaction of the act, and are never altered.

pub mod graphql;

use uuid::Uuid;
use wayin_entity::audit_event;

use crate::paging::{Key, Paged, Sort};

impl Paged for audit_event::Entity {
    type Order = ();
    const ID: Self::Column = audit_event::Column::Id;

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "at-",
            column: Some(audit_event::Column::CreatedAt),
            looks: |key| matches!(key, Key::Moment(_)),
            descending: true,
        }
    }

    fn key((): (), row: &Self::Model) -> Key {
        Key::Moment(row.created_at)
    }

    fn id(row: &Self::Model) -> Uuid {
        row.id
    }
}
