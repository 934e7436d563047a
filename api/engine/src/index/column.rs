//! Columns of integers that may be unknown, in the narrowest width that fits the values of a chunk.

use std::ops::RangeInclusive;

use super::bitmap::{TruthBitmaps, WORD_BITS, pack_flags};
use crate::three_valued_logic::Truth;

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

/// The bits of the values for which `matches` is true.
#[inline]
fn match_word<W: Copy>(values: &[W; WORD_BITS], matches: impl Fn(W) -> bool) -> u64 {
    let mut flags = [0; WORD_BITS];
    for (flag, value) in flags.iter_mut().zip(values) {
        *flag = u8::from(matches(*value));
    }
    pack_flags(&flags)
}

/// Collects whether a predicate is TRUE, and whether it is FALSE, of each value.
fn match_values<W: ColumnWidth>(values: &[W], matches: impl Fn(W) -> [bool; 2]) -> TruthBitmaps {
    let word_count = values.len().div_ceil(WORD_BITS);
    let (mut true_words, mut false_words) = (vec![0; word_count], vec![0; word_count]);
    let (blocks, rest) = values.as_chunks::<WORD_BITS>();
    let mut last = [W::UNKNOWN; WORD_BITS];
    last[..rest.len()].copy_from_slice(rest);
    let blocks = blocks.iter().chain([&last]);
    // The compiler vectorises a loop for each word, but not one loop for both.
    for ((block, trues), falses) in blocks.zip(&mut true_words).zip(&mut false_words) {
        *trues = match_word(block, |value| matches(value)[0]);
        *falses = match_word(block, |value| matches(value)[1]);
    }
    TruthBitmaps::from_words(values.len(), true_words, false_words)
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
    match_values(values, |value| {
        let is_inside = (value >= lower) & (value <= upper) & is_possible;
        [is_inside, (value != W::UNKNOWN) & !is_inside]
    })
}

#[allow(
    clippy::needless_bitwise_bool,
    reason = "without branches the loop is vectorised"
)]
fn match_few<W: ColumnWidth>(values: &[W], few: &[i64]) -> TruthBitmaps {
    let mut listed = [W::UNKNOWN; MAX_COMPARED_VALUES];
    for (listed, value) in listed.iter_mut().zip(few) {
        *listed = W::try_from(*value).unwrap_or(W::UNKNOWN);
    }
    match_values(values, |value| {
        let is_listed = listed.iter().fold(false, |found, one| found | (value == *one));
        let is_known = value != W::UNKNOWN;
        [is_listed & is_known, is_known & !is_listed]
    })
}

fn look_up_truths<W: ColumnWidth>(values: &[W], truths: &[Truth]) -> TruthBitmaps {
    match_values(values, |value| {
        // An unknown value is negative, and so beyond the end of the table.
        let index: i64 = value.into();
        let truth = usize::try_from(index).ok().and_then(|index| truths.get(index));
        [truth == Some(&Truth::True), truth == Some(&Truth::False)]
    })
}

/// The most values that [`Column::match_few`] compares one by one with each row. The compiler vectorises these
/// comparisons, but not look-ups in a table.
pub const MAX_COMPARED_VALUES: usize = 8;

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

    /// Whether the value of each row is one of at most [`MAX_COMPARED_VALUES`].
    pub fn match_few(&self, few: &[i64]) -> TruthBitmaps {
        debug_assert!(few.len() <= MAX_COMPARED_VALUES, "{} values", few.len());
        match self {
            Self::Narrow(values) => match_few(values, few),
            Self::Medium(values) => match_few(values, few),
            Self::Wide(values) => match_few(values, few),
        }
    }

    /// Looks up the truth of each value in a table. An unknown value, or one beyond the table, is UNKNOWN.
    pub fn look_up_truths(&self, truths: &[Truth]) -> TruthBitmaps {
        match self {
            Self::Narrow(values) => look_up_truths(values, truths),
            Self::Medium(values) => look_up_truths(values, truths),
            Self::Wide(values) => look_up_truths(values, truths),
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
                        let expected = Truth::from(value.map(|value| (from..=to).contains(&value)));
                        assert_eq!(found.get(row), expected, "{value:?} in {from} to {to}");
                    }
                }
            }
        }
    }

    #[test]
    fn values_are_found_by_comparison_and_in_a_table() {
        let mut random = StdRng::seed_from_u64(9);
        for most in [40_i64, 40_000, 1 << 40] {
            for row_count in [0, 1, 63, 64, 65, 300] {
                let any = |random: &mut StdRng| random.random_range(0..most.min(20)) * (most / 20);
                let values: Vec<Option<i64>> = (0..row_count)
                    .map(|_| random.random_ratio(3, 4).then(|| any(&mut random)))
                    .collect();
                let column = Column::pack(values.iter().copied());
                let few: Vec<i64> = (0..random.random_range(0..=MAX_COMPARED_VALUES))
                    .map(|_| any(&mut random))
                    .collect();
                let truths: Vec<Truth> = (0..random.random_range(0..100))
                    .map(|_| [Truth::True, Truth::False, Truth::Unknown][random.random_range(0..3)])
                    .collect();
                let (listed, looked_up) = (column.match_few(&few), column.look_up_truths(&truths));
                for (row, value) in values.iter().enumerate() {
                    let expected = Truth::from(value.map(|value| few.contains(&value)));
                    assert_eq!(listed.get(row), expected, "{value:?} in {few:?}");
                    let expected = value.and_then(|value| truths.get(usize::try_from(value).ok()?).copied());
                    let expected = expected.unwrap_or(Truth::Unknown);
                    assert_eq!(looked_up.get(row), expected, "{value:?} in {truths:?}");
                }
            }
        }
    }
}
