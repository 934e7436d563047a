//! Words of the field, in plain language.

use uuid::Uuid;
use wayin_entity::term;

use crate::paging::{Key, Paged, Sort};

impl Paged for term::Entity {
    type Order = ();
    const ID: Self::Column = term::Column::Id;

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "word",
            column: Some(term::Column::WordFolded),
            looks: |key| matches!(key, Key::Text(_)),
            descending: false,
        }
    }

    fn key((): (), row: &Self::Model) -> Key {
        Key::Text(row.word_folded.clone())
    }

    fn id(row: &Self::Model) -> Uuid {
        row.id
    }
}
