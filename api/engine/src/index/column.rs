//! A column of whole numbers that may not be known, in the narrowest width that
//! holds what one chunk has of it.

use std::ops::RangeInclusive;

use super::bitmap::{Bits, Truths};

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
trait Width: Copy + PartialEq + PartialOrd + Into<i64> + TryFrom<i64> {
    const NOT_KNOWN: Self;
    const MOST: Self;
}

impl Width for i16 {
    const NOT_KNOWN: Self = Self::MIN;
    const MOST: Self = Self::MAX;
}

impl Width for i32 {
    const NOT_KNOWN: Self = Self::MIN;
    const MOST: Self = Self::MAX;
}

impl Width for i64 {
    const NOT_KNOWN: Self = Self::MIN;
    const MOST: Self = Self::MAX;
}

fn packed<W: Width>(values: &[Option<i64>]) -> Box<[W]> {
    let pack = |value: &Option<i64>| {
        value
            .and_then(|value| W::try_from(value).ok())
            .unwrap_or(W::NOT_KNOWN)
    };
    values.iter().map(pack).collect()
}

fn fits<W: Width>(least: i64, most: i64) -> bool {
    least > W::NOT_KNOWN.into() && most <= W::MOST.into()
}

fn each<W: Width>(values: &[W], mut see: impl FnMut(usize, Option<i64>)) {
    for (at, value) in values.iter().enumerate() {
        see(at, (*value != W::NOT_KNOWN).then(|| (*value).into()));
    }
}

fn look_up<W: Width>(values: &[W], table: &[u32], otherwise: u32, into: &mut [u32]) {
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
fn within<W: Width>(values: &[W], range: &RangeInclusive<i64>) -> Truths {
    // Clamped to what the width holds, "not known" left out.
    let least: i64 = W::NOT_KNOWN.into();
    let lower = W::try_from((*range.start()).max(least.saturating_add(1))).unwrap_or(W::MOST);
    let upper = W::try_from((*range.end()).min(W::MOST.into())).unwrap_or(W::NOT_KNOWN);
    let possible = *range.start() <= W::MOST.into();
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
    Truths {
        yes: Bits::from_words(values.len(), yes.into_iter()),
        no: Bits::from_words(values.len(), no.into_iter()),
    }
}

impl Column {
    /// Packs values; none where one is not known.
    pub fn pack(values: impl Iterator<Item = Option<i64>>) -> Self {
        let values: Vec<Option<i64>> = values.collect();
        let known = || values.iter().flatten().copied();
        let (least, most) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
        if fits::<i16>(least, most) {
            Self::Narrow(packed(&values))
        } else if fits::<i32>(least, most) {
            Self::Medium(packed(&values))
        } else {
            Self::Wide(packed(&values))
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
    pub fn each(&self, see: impl FnMut(usize, Option<i64>)) {
        match self {
            Self::Narrow(values) => each(values, see),
            Self::Medium(values) => each(values, see),
            Self::Wide(values) => each(values, see),
        }
    }

    /// For each row what a table has at its value; `otherwise` where it has nothing, or the value is not known.
    pub fn look_up(&self, table: &[u32], otherwise: u32, into: &mut [u32]) {
        match self {
            Self::Narrow(values) => look_up(values, table, otherwise, into),
            Self::Medium(values) => look_up(values, table, otherwise, into),
            Self::Wide(values) => look_up(values, table, otherwise, into),
        }
    }

    /// Where the value lies in a range: TRUE or FALSE where it is known.
    pub fn within(&self, range: &RangeInclusive<i64>) -> Truths {
        match self {
            Self::Narrow(values) => within(values, range),
            Self::Medium(values) => within(values, range),
            Self::Wide(values) => within(values, range),
        }
    }

    /// How many bytes the values take.
    pub fn bytes(&self) -> usize {
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
    fn a_column_keeps_its_values_in_the_width_they_need() {
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
    fn ranges_hold_for_every_width() {
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
                    let found = column.within(&(from..=to));
                    for (row, value) in values.iter().enumerate() {
                        let expected =
                            crate::three_valued::Truth::from(value.map(|value| (from..=to).contains(&value)));
                        assert_eq!(found.at(row), expected, "{value:?} in {from} to {to}");
                    }
                }
            }
        }
    }
}
