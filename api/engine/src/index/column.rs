//! A column of whole numbers that may not be known, in the narrowest width that
//! holds what one chunk has of it.

use std::ops::RangeInclusive;

use super::bitmap::{Bitmap, TruthBitmaps};

/// Whole numbers, each of which may not be known. The least value of the width
/// stands for "not known", so a column holds no `i64::MIN`.
#[derive(Clone, Debug)]
pub enum Column {
    /// All of them fit 16 bits.
    Narrow(Box<[i16]>),
    /// All of them fit 32 bits.
    Medium(Box<[i32]>),
    /// They need 64 bits.
    Wide(Box<[i64]>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Narrow(Box::default())
    }
}

/// A width that a column can have.
trait ColumnWidth: Copy + PartialEq + PartialOrd + Into<i64> + TryFrom<i64> {
    const NOT_KNOWN: Self;
    const MAX_VALUE: Self;
}

impl ColumnWidth for i16 {
    const NOT_KNOWN: Self = Self::MIN;
    const MAX_VALUE: Self = Self::MAX;
}

impl ColumnWidth for i32 {
    const NOT_KNOWN: Self = Self::MIN;
    const MAX_VALUE: Self = Self::MAX;
}

impl ColumnWidth for i64 {
    const NOT_KNOWN: Self = Self::MIN;
    const MAX_VALUE: Self = Self::MAX;
}

fn pack_values<W: ColumnWidth>(values: &[Option<i64>]) -> Box<[W]> {
    let pack = |value: &Option<i64>| {
        value
            .and_then(|value| W::try_from(value).ok())
            .unwrap_or(W::NOT_KNOWN)
    };
    values.iter().map(pack).collect()
}

fn is_within_width<W: ColumnWidth>(least: i64, most: i64) -> bool {
    least > W::NOT_KNOWN.into() && most <= W::MAX_VALUE.into()
}

fn for_each_value<W: ColumnWidth>(values: &[W], mut see: impl FnMut(usize, Option<i64>)) {
    for (at, value) in values.iter().enumerate() {
        see(at, (*value != W::NOT_KNOWN).then(|| (*value).into()));
    }
}

fn map_values<W: ColumnWidth>(values: &[W], table: &[u32], otherwise: u32, into: &mut [u32]) {
    for (found, value) in into.iter_mut().zip(values) {
        // What is not known is below zero, and so beyond every table.
        let at: i64 = (*value).into();
        let at = usize::try_from(at.cast_unsigned()).unwrap_or(usize::MAX);
        *found = table.get(at).copied().unwrap_or(otherwise);
    }
}

#[allow(
    clippy::needless_bitwise_bool,
    reason = "without branches it is worked out for several values at once"
)]
fn match_range<W: ColumnWidth>(values: &[W], range: &RangeInclusive<i64>) -> TruthBitmaps {
    // Clamped to what the width holds, "not known" left out.
    let least: i64 = W::NOT_KNOWN.into();
    let lower = W::try_from((*range.start()).max(least.saturating_add(1))).unwrap_or(W::MAX_VALUE);
    let upper = W::try_from((*range.end()).min(W::MAX_VALUE.into())).unwrap_or(W::NOT_KNOWN);
    let possible = *range.start() <= W::MAX_VALUE.into();
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for block in values.chunks(64) {
        let (mut inside, mut known) = (0_u64, 0_u64);
        for (bit, value) in block.iter().enumerate() {
            inside |= u64::from((*value >= lower) & (*value <= upper) & possible) << bit;
            known |= u64::from(*value != W::NOT_KNOWN) << bit;
        }
        yes.push(inside);
        no.push(known & !inside);
    }
    TruthBitmaps {
        true_rows: Bitmap::from_words(values.len(), yes.into_iter()),
        false_rows: Bitmap::from_words(values.len(), no.into_iter()),
    }
}

impl Column {
    /// Packs values; none where one is not known.
    pub fn pack(values: impl Iterator<Item = Option<i64>>) -> Self {
        let values: Vec<Option<i64>> = values.collect();
        let known = || values.iter().flatten().copied();
        let (least, most) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
        if is_within_width::<i16>(least, most) {
            Self::Narrow(pack_values(&values))
        } else if is_within_width::<i32>(least, most) {
            Self::Medium(pack_values(&values))
        } else {
            Self::Wide(pack_values(&values))
        }
    }

    /// The value at a row; none where it is not known.
    pub fn get(&self, row: usize) -> Option<i64> {
        let value = match self {
            Self::Narrow(values) => return (values[row] != i16::NOT_KNOWN).then(|| values[row].into()),
            Self::Medium(values) => return (values[row] != i32::NOT_KNOWN).then(|| values[row].into()),
            Self::Wide(values) => values[row],
        };
        (value != i64::NOT_KNOWN).then_some(value)
    }

    /// Shows each row's value to `see`.
    pub fn for_each(&self, see: impl FnMut(usize, Option<i64>)) {
        match self {
            Self::Narrow(values) => for_each_value(values, see),
            Self::Medium(values) => for_each_value(values, see),
            Self::Wide(values) => for_each_value(values, see),
        }
    }

    /// For each row what a table has at its value; `otherwise` where it has nothing, or the value is not known.
    pub fn map_through(&self, table: &[u32], otherwise: u32, into: &mut [u32]) {
        match self {
            Self::Narrow(values) => map_values(values, table, otherwise, into),
            Self::Medium(values) => map_values(values, table, otherwise, into),
            Self::Wide(values) => map_values(values, table, otherwise, into),
        }
    }

    /// Where the value lies in a range: TRUE or FALSE where it is known.
    pub fn match_range(&self, range: &RangeInclusive<i64>) -> TruthBitmaps {
        match self {
            Self::Narrow(values) => match_range(values, range),
            Self::Medium(values) => match_range(values, range),
            Self::Wide(values) => match_range(values, range),
        }
    }

    /// How many bytes the values take.
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
        // The least value of a width stands for "not known".
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
                        let expected =
                            crate::three_valued::Truth::from(value.map(|value| (from..=to).contains(&value)));
                        assert_eq!(found.get(row), expected, "{value:?} in {from} to {to}");
                    }
                }
            }
        }
    }
}
