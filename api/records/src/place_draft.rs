//! Places as a file gives them.

use crate::formats::ColumnValue;
use wayin_vocabulary::PlaceKind;

/// A place as a file gives it. What the file has no column for stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceDraft {
    /// The GSS code; without one a place is known again by its name, its kind and what it lies within.
    pub code: Option<String>,
    /// The name; none where the file does not give it.
    pub name: Option<String>,
    /// What sort of place it is; none where the file does not say it.
    pub kind: Option<PlaceKind>,
    /// The codes of the places that it lies directly within.
    pub parent_codes: Vec<String>,
    /// Of which larger places the file says whether it lies within them.
    pub stated_parents: StatedParents,
    /// The code of the place that took over when this one's was retired.
    pub successor: ColumnValue<String>,
}

/// Of which larger places a file says whether a place lies within them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatedParents {
    /// Of none: it has no column for them.
    Nothing,
    /// Of all.
    All,
    /// Of some kinds of places, each of which has a column.
    Kinds {
        /// The kinds.
        kinds: Vec<PlaceKind>,
        /// All that the row names, the farther ones too.
        codes: Vec<String>,
    },
}
