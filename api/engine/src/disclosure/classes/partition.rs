//! Forms classes of records that are as alike as possible in their key variables.
//!
//! Records are divided by the first key variable, each part by the second, and so on, as long as each part is
//! [enough](Membership) for a class. Parts that are not enough are merged with others. What is left is divided as finely
//! as possible, in the order of the keys.
//!
//! Only altered records make a class. Those of a replaced class that have not changed join: if they could form the same
//! class again, a comparison of both would show what changed in one record.

use std::collections::BTreeMap;

use super::key_variables::{ClassKey, KEY_LEVEL_COUNT};
use super::membership::Membership;
use crate::index::{Chunk, Snapshot};

/// A record, by the position of its chunk in the snapshot and its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowPosition {
    /// The position of the chunk.
    pub chunk: u32,
    /// The row of the chunk.
    pub row: u32,
}

impl RowPosition {
    /// The position of a row.
    pub fn new(chunk: usize, row: usize) -> Self {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            chunk: narrow(chunk),
            row: narrow(row),
        }
    }

    /// The chunk and the row.
    pub fn find(self, snapshot: &Snapshot) -> (&Chunk, usize) {
        (&snapshot.chunks[self.chunk as usize], self.row as usize)
    }
}

/// Records that stay together: a single one, or a class of another audience.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The records.
    pub rows: Vec<RowPosition>,
    /// Those of the records that are new or have changed since they were in a class.
    pub altered: Vec<RowPosition>,
    /// The values of the key variables that they share.
    pub key: ClassKey,
}

/// The funders of a record, one for each funding term that has one.
pub fn list_funders(chunk: &Chunk, row: usize) -> impl Iterator<Item = u32> + '_ {
    let funders = chunk.term_range(row).filter_map(|term| chunk.funders.get(term));
    funders.filter_map(|number| u32::try_from(number).ok())
}

/// Forms classes. Records that are not enough for a class are left out. Illustrative records and others are never in one
/// class.
pub fn form_classes(snapshot: &Snapshot, units: Vec<Unit>) -> Vec<Unit> {
    let (illustrative, real): (Vec<Unit>, Vec<Unit>) =
        units.into_iter().partition(|unit| unit.key.is_illustrative);
    let mut classes = Vec::new();
    for units in [real, illustrative] {
        if is_enough(snapshot, &units) {
            divide(snapshot, units, 0, &mut classes);
        }
    }
    classes
}

/// Whether enough records of some units are new or have changed to form a class.
pub fn is_enough<'u>(snapshot: &Snapshot, units: impl IntoIterator<Item = &'u Unit>) -> bool {
    let mut membership = Membership::default();
    let mut rows = units.into_iter().flat_map(|unit| &unit.altered);
    rows.any(|row| add_row(snapshot, &mut membership, *row)) || membership.is_enough()
}

/// Up to this many records, each new one is checked. Then only when their number doubles.
const MAX_COUNT_ALWAYS_CHECKED: usize = 64;

/// Adds a record. Returns whether there are enough then, as far as is known.
fn add_row(snapshot: &Snapshot, membership: &mut Membership, row: RowPosition) -> bool {
    let (chunk, row) = row.find(snapshot);
    membership.add(chunk.leads[row], list_funders(chunk, row));
    let count = membership.record_count();
    // More records are never fewer than enough. If one organisation knows nearly all of many, each look takes long.
    (count <= MAX_COUNT_ALWAYS_CHECKED || count.is_power_of_two()) && membership.is_enough()
}

/// Divides units that are enough for a class by the key variable at `depth` and the later ones.
fn divide(snapshot: &Snapshot, units: Vec<Unit>, depth: usize, classes: &mut Vec<Unit>) {
    if depth == KEY_LEVEL_COUNT {
        divide_finely(snapshot, units, classes);
        return;
    }
    let mut by_value: BTreeMap<u32, Vec<Unit>> = BTreeMap::new();
    for unit in units {
        by_value.entry(unit.key.values[depth]).or_default().push(unit);
    }
    for part in merge_small_parts(snapshot, by_value.into_values()) {
        divide(snapshot, part, depth + 1, classes);
    }
}

/// Parts that are not enough for a class are merged with the next such part, so that ordered values form bands. What is
/// left at the end joins the last merged part, or else the smallest part.
fn merge_small_parts(snapshot: &Snapshot, parts: impl Iterator<Item = Vec<Unit>>) -> Vec<Vec<Unit>> {
    let (mut whole, mut merged): (Vec<Vec<Unit>>, Vec<Vec<Unit>>) = (Vec::new(), Vec::new());
    let mut waiting: Vec<Unit> = Vec::new();
    for part in parts {
        if is_enough(snapshot, &part) {
            whole.push(part);
            continue;
        }
        waiting.extend(part);
        if is_enough(snapshot, &waiting) {
            merged.push(std::mem::take(&mut waiting));
        }
    }
    let count_rows = |part: &&mut Vec<Unit>| part.iter().map(|unit| unit.rows.len()).sum::<usize>();
    let joined = match merged.last_mut() {
        Some(last) => Some(last),
        None => whole.iter_mut().min_by_key(count_rows),
    };
    match joined {
        Some(part) => part.extend(waiting),
        None => merged.push(waiting),
    }
    whole.extend(merged);
    whole
}

/// Divides units into the smallest classes, in the order of their keys.
fn divide_finely(snapshot: &Snapshot, mut units: Vec<Unit>, classes: &mut Vec<Unit>) {
    units.sort_by_cached_key(|unit| {
        let (chunk, row) = unit.rows[0].find(snapshot);
        (unit.key, chunk.ids()[row])
    });
    let mut membership = Membership::default();
    let mut class: Option<Unit> = None;
    let first_class = classes.len();
    for unit in units {
        let mut enough = false;
        for row in &unit.altered {
            enough |= add_row(snapshot, &mut membership, *row);
        }
        match &mut class {
            Some(class) => class.merge(unit),
            None => class = Some(unit),
        }
        if enough {
            classes.extend(class.take());
            membership = Membership::default();
        }
    }
    if let Some(left) = class {
        match classes[first_class..].last_mut() {
            Some(last) => last.merge(left),
            None => classes.push(left),
        }
    }
}

impl Unit {
    /// A unit without records, for those that have changed and are not hidden any more; none if there are none.
    pub fn of_gone(altered: &[RowPosition]) -> Option<Self> {
        (!altered.is_empty()).then(|| Self {
            rows: Vec::new(),
            altered: altered.to_vec(),
            key: ClassKey::default(),
        })
    }

    /// The same records, as if all had changed.
    #[must_use]
    pub fn as_altered(&self) -> Self {
        Self {
            altered: self.rows.clone(),
            ..self.clone()
        }
    }

    /// Adds the records of another unit.
    pub fn merge(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.altered.extend(other.altered);
        self.key = self.key.merge(other.key);
    }
}
