//! The order of a chunk's rows by a field. A chunk keeps it, so a change sorts only the chunks that it affects.

use std::cmp::Ordering;
use std::sync::OnceLock;

use uuid::Uuid;

use crate::index::Chunk;

/// A field that lists can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortField {
    /// When the initiative was first published.
    Published,
    /// The title in lower case, by the numbers of its characters.
    Title,
    /// The day it started.
    StartedOn,
    /// The day it ended.
    EndedOn,
    /// When the record last changed.
    Updated,
}

impl SortField {
    /// Every field.
    pub const ALL: [Self; 5] = [
        Self::Published,
        Self::Title,
        Self::StartedOn,
        Self::EndedOn,
        Self::Updated,
    ];
}

/// The order of a list. Rows with equal values are in the order of their ids, in the same direction. Rows whose value
/// is not known come last in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListOrder {
    /// The field to sort by.
    pub field: SortField,
    /// From last to first.
    pub descending: bool,
}

/// The value of a row that a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortKey<T = String> {
    /// Not known.
    NotKnown,
    /// A day as [`crate::index::to_day_number`], or a moment in microseconds since 1970.
    Number(i64),
    /// A text in lower case.
    Text(T),
}

impl SortKey<&str> {
    /// The key with a text of its own.
    pub fn to_owned(self) -> SortKey {
        match self {
            Self::NotKnown => SortKey::NotKnown,
            Self::Number(number) => SortKey::Number(number),
            Self::Text(text) => SortKey::Text(text.to_owned()),
        }
    }
}

impl SortKey {
    /// The key without a text of its own.
    pub fn borrow(&self) -> SortKey<&str> {
        match self {
            Self::NotKnown => SortKey::NotKnown,
            Self::Number(number) => SortKey::Number(*number),
            Self::Text(text) => SortKey::Text(text),
        }
    }
}

impl From<Option<i64>> for SortKey<&str> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NotKnown, Self::Number)
    }
}

/// Compares known keys. Keys of one field have one type.
fn compare_known(one: SortKey<&str>, other: SortKey<&str>) -> Ordering {
    match (one, other) {
        (SortKey::Number(one), SortKey::Number(other)) => one.cmp(&other),
        (SortKey::Text(one), SortKey::Text(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}

/// The key and the id of a row.
pub(super) type RowPosition<'a> = (SortKey<&'a str>, Uuid);

/// Compares two rows in a list.
pub(super) fn compare_in_list(
    descending: bool,
    (one, one_id): RowPosition<'_>,
    (other, other_id): RowPosition<'_>,
) -> Ordering {
    let by_value = compare_known(one, other).then(one_id.cmp(&other_id));
    let by_value = if descending { by_value.reverse() } else { by_value };
    let is_unknown = |key| key == SortKey::NotKnown;
    is_unknown(one).cmp(&is_unknown(other)).then(by_value)
}

/// The rows of a chunk, sorted by each field when it is first needed.
#[derive(Clone, Debug, Default)]
pub struct RowOrders([OnceLock<RowOrder>; SortField::ALL.len()]);

/// The rows of a chunk sorted by one field, ascending.
#[derive(Clone, Debug)]
struct RowOrder {
    rows: Box<[u16]>,
    /// How many of them have a known value. The others follow.
    known_count: usize,
}

impl RowOrders {
    /// The rows of a chunk in the order of a list.
    pub(super) fn list<'a>(&'a self, chunk: &Chunk, order: ListOrder, backward: bool) -> OrderedRows<'a> {
        let sorted = self.0[order.field as usize].get_or_init(|| RowOrder::sort(chunk, order.field));
        let (known, unknown) = sorted.rows.split_at(sorted.known_count);
        let (first, second) = if backward {
            (unknown, known)
        } else {
            (known, unknown)
        };
        OrderedRows {
            first,
            second,
            reversed: order.descending != backward,
            start: 0,
        }
    }

    /// The size in bytes.
    pub fn size_in_bytes(&self) -> usize {
        let sorted = self.0.iter().filter_map(OnceLock::get);
        sorted.map(|order| size_of_val(&*order.rows)).sum()
    }
}

impl RowOrder {
    fn sort(chunk: &Chunk, field: SortField) -> Self {
        // A chunk has at most 4,096 rows.
        let mut rows: Vec<u16> = (0..chunk.len())
            .filter_map(|row| u16::try_from(row).ok())
            .collect();
        let key = |row: u16| (chunk.sort_key(field, row.into()), chunk.ids()[usize::from(row)]);
        rows.sort_unstable_by(|one, other| compare_in_list(false, key(*one), key(*other)));
        let is_known = |row: &u16| key(*row).0 != SortKey::NotKnown;
        Self {
            known_count: rows.partition_point(is_known),
            rows: rows.into(),
        }
    }
}

/// The rows of a chunk in the order of a list, or in the reverse order, from a start.
#[derive(Clone, Copy)]
pub(super) struct OrderedRows<'a> {
    first: &'a [u16],
    second: &'a [u16],
    reversed: bool,
    start: usize,
}

impl OrderedRows<'_> {
    fn get(&self, position: usize) -> usize {
        let (part, position) = match position.checked_sub(self.first.len()) {
            None => (self.first, position),
            Some(position) => (self.second, position),
        };
        let position = if self.reversed {
            part.len() - 1 - position
        } else {
            position
        };
        part[position].into()
    }

    const fn end(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// The rows without the first ones, for which `is_skipped` is true. It is false for all others.
    pub(super) fn skip_while(self, is_skipped: impl Fn(usize) -> bool) -> Self {
        let (mut start, mut end) = (self.start, self.end());
        while start < end {
            let middle = start.midpoint(end);
            if is_skipped(self.get(middle)) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        Self { start, ..self }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        (self.start..self.end()).map(|position| self.get(position))
    }
}
