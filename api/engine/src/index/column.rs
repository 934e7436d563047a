//! Columns of integers that may be unknown, in the narrowest width that fits the values of a chunk.

use std::ops::RangeInclusive;

use super::bitmap::TruthBitmaps;

/// Integers that may be unknown. The lowest value of the width means "unknown", so a column cannot hold `i64::MIN`.
#[derive(Clone, Debug)]
pub enum Column {
    /// All values fit 16 bits.
    Narrow(Box<[i16]>),
    /// All values fit 32 bits.
    Medium(Box<[i32]>),
    /// A value needs 64 bits.
    Wide(Box<[i64]>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Narrow(Box::default())
    }
}

trait ColumnWidth: Copy + PartialEq + PartialOrd + Into<i64> + TryFrom<i64> {
    const UNKNOWN: Self;
    const MAX_VALUE: Self;
}

impl ColumnWidth for i16 {
    const UNKNOWN: Self = Self::MIN;
    const MAX_VALUE: Self = Self::MAX;
}

impl ColumnWidth for i32 {
    const UNKNOWN: Self = Self::MIN;
    const MAX_VALUE: Self = Self::MAX;
}

impl ColumnWidth for i64 {
    const UNKNOWN: Self = Self::MIN;
    const MAX_VALUE: Self = Self::MAX;
}

fn pack_values<W: ColumnWidth>(values: &[Option<i64>]) -> Box<[W]> {
    let pack = |value: &Option<i64>| {
        value
            .and_then(|value| W::try_from(value).ok())
            .unwrap_or(W::UNKNOWN)
    };
    values.iter().map(pack).collect()
}

fn is_within_width<W: ColumnWidth>(min: i64, max: i64) -> bool {
    min > W::UNKNOWN.into() && max <= W::MAX_VALUE.into()
}

fn to_value<W: ColumnWidth>(value: W) -> Option<i64> {
    (value != W::UNKNOWN).then(|| value.into())
}

fn for_each_value<W: ColumnWidth>(values: &[W], mut visit: impl FnMut(usize, Option<i64>)) {
    for (row, value) in values.iter().enumerate() {
        visit(row, to_value(*value));
    }
}

fn map_values<W: ColumnWidth>(values: &[W], table: &[u32], default: u32, into: &mut [u32]) {
    for (result, value) in into.iter_mut().zip(values) {
        // An unknown value is negative, and so beyond the end of every table.
        let index: i64 = (*value).into();
        let index = usize::try_from(index.cast_unsigned()).unwrap_or(usize::MAX);
        *result = table.get(index).copied().unwrap_or(default);
    }
}

#[allow(
    clippy::needless_bitwise_bool,
    reason = "without branches the loop is vectorised"
)]
fn match_range<W: ColumnWidth>(values: &[W], range: &RangeInclusive<i64>) -> TruthBitmaps {
    // Clamped to the known values of the width.
    let unknown: i64 = W::UNKNOWN.into();
    let lower = W::try_from((*range.start()).max(unknown.saturating_add(1))).unwrap_or(W::MAX_VALUE);
    let upper = W::try_from((*range.end()).min(W::MAX_VALUE.into())).unwrap_or(W::UNKNOWN);
    let is_possible = *range.start() <= W::MAX_VALUE.into();
    let (mut true_words, mut false_words) = (Vec::new(), Vec::new());
    for block in values.chunks(64) {
        let (mut inside, mut known) = (0_u64, 0_u64);
        for (bit, value) in block.iter().enumerate() {
            inside |= u64::from((*value >= lower) & (*value <= upper) & is_possible) << bit;
            known |= u64::from(*value != W::UNKNOWN) << bit;
        }
        true_words.push(inside);
        false_words.push(known & !inside);
    }
    TruthBitmaps::from_words(values.len(), true_words, false_words)
}

impl Column {
    /// Packs values. None means unknown.
    pub fn pack(values: impl Iterator<Item = Option<i64>>) -> Self {
        let values: Vec<Option<i64>> = values.collect();
        let known = || values.iter().flatten().copied();
        let (min, max) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
        if is_within_width::<i16>(min, max) {
            Self::Narrow(pack_values(&values))
        } else if is_within_width::<i32>(min, max) {
            Self::Medium(pack_values(&values))
        } else {
            Self::Wide(pack_values(&values))
        }
    }

    /// The value of a row; none if it is unknown.
    pub fn get(&self, row: usize) -> Option<i64> {
        match self {
            Self::Narrow(values) => to_value(values[row]),
            Self::Medium(values) => to_value(values[row]),
            Self::Wide(values) => to_value(values[row]),
        }
    }

    /// Calls `visit` with each row and its value.
    pub fn for_each(&self, visit: impl FnMut(usize, Option<i64>)) {
        match self {
            Self::Narrow(values) => for_each_value(values, visit),
            Self::Medium(values) => for_each_value(values, visit),
            Self::Wide(values) => for_each_value(values, visit),
        }
    }

    /// Looks up each value in a table. An unknown value, or one beyond the table, maps to `default`.
    pub fn map_through(&self, table: &[u32], default: u32, into: &mut [u32]) {
        match self {
            Self::Narrow(values) => map_values(values, table, default, into),
            Self::Medium(values) => map_values(values, table, default, into),
            Self::Wide(values) => map_values(values, table, default, into),
        }
    }

    /// Whether the value of each row is in a range.
    pub fn match_range(&self, range: &RangeInclusive<i64>) -> TruthBitmaps {
        match self {
            Self::Narrow(values) => match_range(values, range),
            Self::Medium(values) => match_range(values, range),
            Self::Wide(values) => match_range(values, range),
        }
    }

    /// The size of the values in bytes.
    pub fn size_in_bytes(&self) -> usize {
        match self {
            Self::Narrow(values) => size_of_val(&**values),
            Self::Medium(values) => size_of_val(&**values),
            Self::Wide(values) => size_of_val(&**values),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn column_uses_the_narrowest_width_that_fits() {
        let narrow = Column::pack([Some(1), None, Some(-32_767)].into_iter());
        assert!(matches!(narrow, Column::Narrow(_)), "{narrow:?}");
        // The lowest value of a width means "unknown".
        let medium = Column::pack([Some(-32_768)].into_iter());
        assert!(matches!(medium, Column::Medium(_)), "{medium:?}");
        assert_eq!(medium.get(0), Some(-32_768));
        let wide = Column::pack([Some(i64::MAX), None].into_iter());
        assert_eq!((wide.get(0), wide.get(1)), (Some(i64::MAX), None));
    }

    #[test]
    fn range_matching_works_for_every_width() {
        let mut random = StdRng::seed_from_u64(8);
        for most in [50_i64, 1_000_000, i64::MAX - 1] {
            let values: Vec<Option<i64>> = (0..300)
                .map(|_| {
                    random
                        .random_ratio(3, 4)
                        .then(|| random.random_range(-most..=most))
                })
                .collect();
            let column = Column::pack(values.iter().copied());
            let one = || [i64::MIN, i64::MAX, -40_000, 40_000, 0];
            for from in one() {
                for to in one() {
                    let found = column.match_range(&(from..=to));
                    for (row, value) in values.iter().enumerate() {
                        let expected = crate::three_valued_logic::Truth::from(
                            value.map(|value| (from..=to).contains(&value)),
                        );
                        assert_eq!(found.get(row), expected, "{value:?} in {from} to {to}");
                    }
                }
            }
        }
    }
}
