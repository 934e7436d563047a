//! Sets of rows of one chunk, as bits, and what a condition says of them.

use pulp::Arch;

use crate::three_valued::Truth;

/// A set of the rows (or funding terms) of a chunk: bit `i` of word `i / 64`.
/// Bits beyond the last row are always clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap {
    words: Box<[u64]>,
    row_count: usize,
}

impl Bitmap {
    /// No row of `rows`.
    pub fn empty(rows: usize) -> Self {
        Self {
            words: vec![0; rows.div_ceil(64)].into(),
            row_count: rows,
        }
    }

    /// Every row of `rows`.
    pub fn full(rows: usize) -> Self {
        let mut bits = Self {
            words: vec![u64::MAX; rows.div_ceil(64)].into(),
            row_count: rows,
        };
        bits.clear_unused_bits();
        bits
    }

    /// The rows of which `wanted` is true.
    pub fn from_fn(rows: usize, mut wanted: impl FnMut(usize) -> bool) -> Self {
        let mut bits = Self::empty(rows);
        for row in 0..rows {
            bits.words[row / 64] |= u64::from(wanted(row)) << (row % 64);
        }
        bits
    }

    /// The set whose words are these; bits beyond the last row are cleared.
    pub fn from_words(rows: usize, words: impl Iterator<Item = u64>) -> Self {
        let mut bits = Self {
            words: words.collect(),
            row_count: rows,
        };
        debug_assert_eq!(bits.words.len(), rows.div_ceil(64), "a word for every 64 rows");
        bits.clear_unused_bits();
        bits
    }

    /// The words: bit `i` of word `i / 64` is row `i`.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Puts a row in.
    pub fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    /// Puts every row of another set in.
    pub fn insert_all(&mut self, other: &Self) {
        debug_assert_eq!(self.row_count, other.row_count, "sets of one chunk");
        for (mine, more) in self.words.iter_mut().zip(&other.words) {
            *mine |= more;
        }
    }

    /// Bits `from` to `to`, at most 64 of them, as the low bits of a word.
    pub fn window(&self, from: usize, to: usize) -> u64 {
        debug_assert!(
            from <= to && to - from <= 64 && to <= self.row_count,
            "a window of the set"
        );
        let (word, shift) = (from / 64, from % 64);
        let low = self.words.get(word).map_or(0, |word| word >> shift);
        // Two shifts, as one by 64 would be none.
        let high = self
            .words
            .get(word + 1)
            .map_or(0, |word| (word << 1) << (63 - shift));
        let wanted = u64::MAX
            .checked_shl(u32::try_from(to - from).unwrap_or(64))
            .map_or(u64::MAX, |above| !above);
        (low | high) & wanted
    }

    fn clear_unused_bits(&mut self) {
        if let (Some(last), spare @ 1..) = (self.words.last_mut(), self.row_count % 64) {
            *last &= (1 << spare) - 1;
        }
    }

    fn zip_words(&self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        debug_assert_eq!(self.row_count, other.row_count, "sets of one chunk");
        let words = self
            .words
            .iter()
            .zip(&other.words)
            .map(|(a, b)| join(*a, *b))
            .collect();
        Self {
            words,
            row_count: self.row_count,
        }
    }

    /// The rows in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.zip_words(other, |a, b| a & b)
    }

    /// The rows in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.zip_words(other, |a, b| a | b)
    }

    /// The rows in this one alone.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.zip_words(other, |a, b| a & !b)
    }

    /// How many rows are in it.
    pub fn count(&self) -> u64 {
        Arch::new().dispatch(|| self.words.iter().map(|word| u64::from(word.count_ones())).sum())
    }

    /// Shows each row that is in it to `see`, in order.
    pub fn for_each(&self, mut see: impl FnMut(usize)) {
        for (index, word) in self.words.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                see(index * 64 + left.trailing_zeros() as usize);
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

/// The rows of which a condition is TRUE and those of which it is FALSE; of the rest it is UNKNOWN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruthBitmaps {
    /// Where it is TRUE.
    pub true_rows: Bitmap,
    /// Where it is FALSE; shares no row with `yes`.
    pub false_rows: Bitmap,
}

impl TruthBitmaps {
    /// TRUE where a set says so, FALSE everywhere else.
    pub fn from_true_rows(yes: Bitmap) -> Self {
        let no = Bitmap::full(yes.row_count).difference(&yes);
        Self {
            true_rows: yes,
            false_rows: no,
        }
    }

    /// TRUE of every row, or FALSE of every row.
    pub fn constant(rows: usize, truth: bool) -> Self {
        let (yes, no) = (Bitmap::full(rows), Bitmap::empty(rows));
        if truth {
            Self {
                true_rows: yes,
                false_rows: no,
            }
        } else {
            Self {
                true_rows: no,
                false_rows: yes,
            }
        }
    }

    /// What `truth` says of each row.
    pub fn from_fn(rows: usize, mut truth: impl FnMut(usize) -> Truth) -> Self {
        let (mut yes, mut no) = (Bitmap::empty(rows), Bitmap::empty(rows));
        for row in 0..rows {
            let truth = truth(row);
            yes.words[row / 64] |= u64::from(truth == Truth::True) << (row % 64);
            no.words[row / 64] |= u64::from(truth == Truth::False) << (row % 64);
        }
        Self {
            true_rows: yes,
            false_rows: no,
        }
    }

    /// Both hold.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            true_rows: self.true_rows.intersection(&other.true_rows),
            false_rows: self.false_rows.union(&other.false_rows),
        }
    }

    /// Either holds.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            true_rows: self.true_rows.union(&other.true_rows),
            false_rows: self.false_rows.intersection(&other.false_rows),
        }
    }

    /// What it says of the rows of a set; UNKNOWN of the others.
    #[must_use]
    pub fn restrict_to(&self, rows: &Bitmap) -> Self {
        Self {
            true_rows: self.true_rows.intersection(rows),
            false_rows: self.false_rows.intersection(rows),
        }
    }

    /// What the condition says of one row.
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
    fn window_returns_only_its_own_bits() {
        let set = Bitmap::from_fn(200, |row| row % 3 == 0 || row % 7 == 0);
        for from in 0..200 {
            for to in from..=(from + 64).min(200) {
                let expected =
                    (from..to).fold(0, |word, row| word | u64::from(set.contains(row)) << (row - from));
                assert_eq!(set.window(from, to), expected, "{from} to {to}");
            }
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
