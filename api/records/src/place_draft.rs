//! Places as a file gives them.

use crate::formats::ColumnValue;
use wayin_vocabulary::PlaceKind;

/// A place as a file gives it. An import changes nothing that the file has no column for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceDraft {
    /// The GSS code. A place without one is identified by its name, its kind and its parents.
    pub code: Option<String>,
    /// The name. `None` if the file does not give it.
    pub name: Option<String>,
    /// The kind of place. `None` if the file does not give it.
    pub kind: Option<PlaceKind>,
    /// The codes of the parents: the places that it lies directly within.
    pub parent_codes: Vec<String>,
    /// The kinds of parents that the file states.
    pub stated_parents: StatedParents,
    /// The code of the place that replaced this one when its code was retired.
    pub successor: ColumnValue<String>,
}

impl PlaceDraft {
    /// Returns whether another draft gives the place the same name, kind, parents and successor.
    pub fn is_same_statement(&self, other: &Self) -> bool {
        let Self {
            name,
            kind,
            parent_codes,
            successor,
            ..
        } = self;
        (name, kind, parent_codes, successor)
            == (&other.name, &other.kind, &other.parent_codes, &other.successor)
    }
}

/// The kinds of parents that a file states. A parent of another kind stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatedParents {
    /// None: the file has no column for parents.
    Nothing,
    /// All kinds.
    All,
    /// The kinds that the file has columns for.
    Kinds {
        /// The kinds.
        kinds: Vec<PlaceKind>,
        /// The codes of all places that the row names, also those that are not direct parents.
        codes: Vec<String>,
    },
}
