//! Bitmaps: sets of rows of one chunk, and the three-valued result of a predicate.

use std::ops::Range;

use pulp::Arch;

use crate::three_valued_logic::Truth;

/// A set of rows (or funding terms) of a chunk. Bits after the last row are always clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap {
    words: Box<[u64]>,
    row_count: usize,
}

impl Bitmap {
    /// No rows.
    pub fn empty(row_count: usize) -> Self {
        Self {
            words: vec![0; row_count.div_ceil(64)].into(),
            row_count,
        }
    }

    /// All rows.
    pub fn full(row_count: usize) -> Self {
        Self::from_words(row_count, std::iter::repeat_n(u64::MAX, row_count.div_ceil(64)))
    }

    /// The rows for which `contains` is true.
    pub fn from_fn(row_count: usize, mut contains: impl FnMut(usize) -> bool) -> Self {
        let words = list_words(row_count).map(|rows| {
            let mut flags = [0; WORD_BITS];
            for (flag, row) in flags.iter_mut().zip(rows) {
                *flag = u8::from(contains(row));
            }
            pack_flags(&flags)
        });
        Self {
            words: words.collect(),
            row_count,
        }
    }

    /// The bitmap with these words. Bits after the last row are cleared.
    pub fn from_words(row_count: usize, words: impl Iterator<Item = u64>) -> Self {
        let mut words: Box<[u64]> = words.collect();
        debug_assert_eq!(words.len(), row_count.div_ceil(64), "a word for every 64 rows");
        if let (Some(last), used @ 1..) = (words.last_mut(), row_count % 64) {
            *last &= (1 << used) - 1;
        }
        Self { words, row_count }
    }

    /// The words: bit `i % 64` of word `i / 64` is row `i`.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Adds a row.
    pub fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// Adds all rows of another bitmap.
    pub fn insert_all(&mut self, other: &Self) {
        debug_assert_eq!(self.row_count, other.row_count, "bitmaps of one chunk");
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
    }

    /// Splits the rows into segments, of which `ends` has the last rows. Returns the last rows of the segments that have a
    /// row in this bitmap.
    #[must_use]
    pub fn segments_with_any(&self, ends: &Self) -> Self {
        debug_assert_eq!(self.row_count, ends.row_count, "bitmaps of one chunk");
        let mut carry = false;
        let words = self.words.iter().zip(&ends.words).map(|(word, ends)| {
            // The rows before the end of a segment are all set in `inner`. If one of them is added, the sum overflows into
            // the end, which is clear in both numbers.
            let inner = !ends;
            let (sum, overflows) = (word & inner).overflowing_add(inner);
            let (sum, overflows_with_carry) = sum.overflowing_add(carry.into());
            carry = overflows || overflows_with_carry;
            (sum | word) & ends
        });
        Self {
            words: words.collect(),
            row_count: self.row_count,
        }
    }

    fn zip_words(&self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        debug_assert_eq!(self.row_count, other.row_count, "bitmaps of one chunk");
        let words = self.words.iter().zip(&other.words);
        Self {
            words: words.map(|(a, b)| join(*a, *b)).collect(),
            row_count: self.row_count,
        }
    }

    /// The rows in both bitmaps.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.zip_words(other, |a, b| a & b)
    }

    /// The rows in either bitmap.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.zip_words(other, |a, b| a | b)
    }

    /// The rows in this bitmap and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.zip_words(other, |a, b| a & !b)
    }

    /// Whether no row is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().fold(0, |all, word| all | word) == 0
    }

    /// The number of rows in it.
    pub fn count(&self) -> u64 {
        Arch::new().dispatch(|| self.words.iter().map(|word| u64::from(word.count_ones())).sum())
    }

    /// Calls `visit` with each row in it, in order.
    pub fn for_each(&self, mut visit: impl FnMut(usize)) {
        for (index, word) in self.words.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                visit(index * 64 + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }

    /// Whether a row is in it.
    pub fn contains(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }

    /// The rows in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            std::iter::successors(Some(*word), |left| Some(left & left.wrapping_sub(1)))
                .take_while(|left| *left != 0)
                .map(move |left| index * 64 + left.trailing_zeros() as usize)
        })
    }
}

/// The number of flags that become one word of a bitmap.
pub(super) const WORD_BITS: usize = 64;

/// Packs flags, each 0 or 1, into the bits of a word.
#[inline]
pub(super) fn pack_flags(flags: &[u8; WORD_BITS]) -> u64 {
    /// Moves the lowest bit of byte `i` to bit `56 + i`.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (bytes, _) = flags.as_chunks::<8>();
    let packed = bytes.iter().enumerate().map(|(index, eight)| {
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
        gathered << (8 * index)
    });
    packed.sum()
}

/// The rows of each word.
fn list_words(row_count: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..row_count).step_by(WORD_BITS);
    starts.map(move |start| start..row_count.min(start + WORD_BITS))
}

/// The rows for which a predicate is TRUE and those for which it is FALSE. It is UNKNOWN for the other rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthBitmaps {
    /// The rows for which it is TRUE.
    pub true_rows: Bitmap,
    /// The rows for which it is FALSE.
    pub false_rows: Bitmap,
}

impl TruthBitmaps {
    /// TRUE for some rows and FALSE for all others.
    pub fn from_true_rows(true_rows: Bitmap) -> Self {
        let false_rows = Bitmap::full(true_rows.row_count).difference(&true_rows);
        Self {
            true_rows,
            false_rows,
        }
    }

    /// The bitmaps with these words.
    pub fn from_words(row_count: usize, true_words: Vec<u64>, false_words: Vec<u64>) -> Self {
        Self {
            true_rows: Bitmap::from_words(row_count, true_words.into_iter()),
            false_rows: Bitmap::from_words(row_count, false_words.into_iter()),
        }
    }

    /// TRUE or FALSE for every row.
    pub fn constant(row_count: usize, truth: bool) -> Self {
        let truths = Self {
            true_rows: Bitmap::full(row_count),
            false_rows: Bitmap::empty(row_count),
        };
        if truth { truths } else { !truths }
    }

    /// The value of `truth` for each row.
    pub fn from_fn(row_count: usize, mut truth: impl FnMut(usize) -> Truth) -> Self {
        let words = list_words(row_count).map(|rows| {
            let (mut true_flags, mut false_flags) = ([0; WORD_BITS], [0; WORD_BITS]);
            for ((true_flag, false_flag), row) in true_flags.iter_mut().zip(&mut false_flags).zip(rows) {
                let truth = truth(row);
                *true_flag = u8::from(truth == Truth::True);
                *false_flag = u8::from(truth == Truth::False);
            }
            (pack_flags(&true_flags), pack_flags(&false_flags))
        });
        let (true_words, false_words) = words.unzip();
        Self::from_words(row_count, true_words, false_words)
    }

    /// Kleene's conjunction.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            true_rows: self.true_rows.intersection(&other.true_rows),
            false_rows: self.false_rows.union(&other.false_rows),
        }
    }

    /// Kleene's disjunction.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            true_rows: self.true_rows.union(&other.true_rows),
            false_rows: self.false_rows.intersection(&other.false_rows),
        }
    }

    /// The same for some rows, and UNKNOWN for the others.
    #[must_use]
    pub fn restrict_to(&self, rows: &Bitmap) -> Self {
        Self {
            true_rows: self.true_rows.intersection(rows),
            false_rows: self.false_rows.intersection(rows),
        }
    }

    /// The values of `other` for some rows, and its own for the others.
    #[must_use]
    pub fn replace(&self, rows: &Bitmap, other: &Self) -> Self {
        let select = |own: &Bitmap, other: &Bitmap| {
            let words = own.words.iter().zip(&other.words).zip(&rows.words);
            Bitmap {
                words: words
                    .map(|((own, other), rows)| own & !rows | other & rows)
                    .collect(),
                row_count: own.row_count,
            }
        };
        Self {
            true_rows: select(&self.true_rows, &other.true_rows),
            false_rows: select(&self.false_rows, &other.false_rows),
        }
    }

    /// The value for one row.
    pub fn get(&self, row: usize) -> Truth {
        if self.true_rows.contains(row) {
            Truth::True
        } else if self.false_rows.contains(row) {
            Truth::False
        } else {
            Truth::Unknown
        }
    }
}

impl std::ops::Not for TruthBitmaps {
    type Output = Self;

    fn not(self) -> Self {
        Self {
            true_rows: self.false_rows,
            false_rows: self.true_rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn bitmaps_of_any_size_have_no_bits_beyond_their_rows() {
        for rows in [0, 1, 63, 64, 65, 128, 200] {
            assert_eq!(Bitmap::full(rows).count(), rows as u64, "all of {rows}");
            assert_eq!(
                Bitmap::full(rows).iter().collect::<Vec<_>>(),
                (0..rows).collect::<Vec<_>>()
            );
            let thirds = Bitmap::from_fn(rows, |row| row % 3 == 0);
            assert_eq!(
                Bitmap::full(rows).difference(&thirds).count() + thirds.count(),
                rows as u64
            );
            assert!(thirds.iter().all(|row| row % 3 == 0 && thirds.contains(row)));
        }
    }

    #[test]
    fn segments_are_found_by_any_of_their_rows() {
        let mut random = StdRng::seed_from_u64(5);
        for _ in 0..2_000 {
            let row_count = random.random_range(0..400);
            let (few, longest) = (random.random_range(1..200), random.random_range(1..200));
            let set = Bitmap::from_fn(row_count, |_| random.random_ratio(1, few));
            let mut ends = Bitmap::empty(row_count);
            let mut expected = Bitmap::empty(row_count);
            let mut start = 0;
            while start < row_count {
                let end = (start + random.random_range(1..=longest)).min(row_count) - 1;
                ends.insert(end);
                if (start..=end).any(|row| set.contains(row)) {
                    expected.insert(end);
                }
                start = end + 1;
            }
            assert_eq!(set.segments_with_any(&ends), expected, "{set:?} by {ends:?}");
        }
    }

    #[test]
    fn values_are_those_of_each_row() {
        let mut random = StdRng::seed_from_u64(6);
        let truths = [Truth::True, Truth::False, Truth::Unknown];
        for row_count in [0, 1, 63, 64, 65, 130] {
            let mut values = || -> Vec<Truth> {
                let choose = |_| truths[random.random_range(0..3)];
                (0..row_count).map(choose).collect()
            };
            let (own, other) = (values(), values());
            let rows = Bitmap::from_fn(row_count, |row| own[row] == other[row] || row % 3 == 0);
            let pack = |values: &[Truth]| TruthBitmaps::from_fn(row_count, |row| values[row]);
            let replaced = pack(&own).replace(&rows, &pack(&other));
            for row in 0..row_count {
                assert_eq!(pack(&own).get(row), own[row], "row {row} of {row_count}");
                let expected = if rows.contains(row) { other[row] } else { own[row] };
                assert_eq!(replaced.get(row), expected, "row {row} of {row_count}, replaced");
            }
            assert_eq!(rows.is_empty(), rows.count() == 0, "{row_count} rows");
        }
    }

    #[test]
    fn truth_bitmaps_follow_kleene_logic() {
        let truths = [Truth::True, Truth::False, Truth::Unknown];
        let left = TruthBitmaps::from_fn(9, |row| truths[row / 3]);
        let right = TruthBitmaps::from_fn(9, |row| truths[row % 3]);
        for row in 0..9 {
            let (a, b) = (truths[row / 3], truths[row % 3]);
            assert_eq!(left.and(&right).get(row), a.and(b), "{a:?} and {b:?}");
            assert_eq!(left.or(&right).get(row), a.or(b), "{a:?} or {b:?}");
            assert_eq!((!left.clone()).get(row), !a, "not {a:?}");
        }
    }
}
