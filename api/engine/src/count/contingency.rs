//! The nine counts of two three-valued predicates, and the published counts that they add up to.

use std::iter::Sum;
use std::ops::{AddAssign, Sub};

use pulp::Arch;

use crate::index::{Bitmap, TruthBitmaps};
use crate::three_valued_logic::Truth;

/// How many initiatives have each of the nine combinations of two predicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts3x3([u64; 9]);

const fn cell_index(when: Truth, then: Truth) -> usize {
    when as usize * 3 + then as usize
}

/// For each of the nine combinations, the published counts that it is part of: 0 all, 1 both, 2 `when` only, 3 `then`
/// only, 4 neither, 5 at least one unknown, 6 `when` unknown, 7 `then` unknown.
pub const PUBLISHED_CELLS_BY_RAW_CELL: &[&[u8]] = &[
    &[0, 1],
    &[0, 2],
    &[0, 5, 7],
    &[0, 3],
    &[0, 4],
    &[0, 5, 7],
    &[0, 5, 6],
    &[0, 5, 6],
    &[0, 5, 6, 7],
];

/// For each byte, its bits as eight bytes, the lowest first.
const BYTE_TO_BIT_LANES: [u64; 256] = {
    let mut spread = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            spread[byte] |= ((byte as u64 >> bit) & 1) << (8 * bit);
            bit += 1;
        }
        byte += 1;
    }
    spread
};

/// The combination of each row of a chunk, numbered as in [`PUBLISHED_CELLS_BY_RAW_CELL`].
pub fn compute_cell_codes(when: &TruthBitmaps, then: &TruthBitmaps, rows: usize) -> Vec<u8> {
    let sets = [
        &when.true_rows,
        &when.false_rows,
        &then.true_rows,
        &then.false_rows,
    ];
    let mut codes = Vec::with_capacity(rows.div_ceil(64) * 64);
    for word in 0..rows.div_ceil(64) {
        let [when_true, when_false, then_true, then_false] =
            sets.map(|rows| rows.words()[word].to_le_bytes());
        for byte in 0..8 {
            let spread = |bytes: [u8; 8]| BYTE_TO_BIT_LANES[usize::from(bytes[byte])];
            // Each byte is 8 if both are unknown, and less if one is known. No byte falls below 0.
            let code = 0x0808_0808_0808_0808
                - 6 * spread(when_true)
                - 3 * spread(when_false)
                - 2 * spread(then_true)
                - spread(then_false);
            codes.extend_from_slice(&code.to_le_bytes());
        }
    }
    codes.truncate(rows);
    codes
}

impl Counts3x3 {
    /// Counts the rows of a chunk that are in `among`.
    pub fn count(when: &TruthBitmaps, then: &TruthBitmaps, among: &Bitmap) -> Self {
        // Uses the processor's instruction to count bits, which portable machine code does without.
        Arch::new().dispatch(|| {
            let words = among.words().iter();
            let whens = when.true_rows.words().iter().zip(when.false_rows.words());
            let thens = then.true_rows.words().iter().zip(then.false_rows.words());
            let mut sums = [0_u64; 9];
            for (among, ((w, not_w), (t, not_t))) in words.zip(whens.zip(thens)) {
                let (w, not_w) = (w & among, not_w & among);
                let sets = [
                    *among,
                    w,
                    not_w,
                    t & among,
                    not_t & among,
                    w & t,
                    w & not_t,
                    not_w & t,
                    not_w & not_t,
                ];
                for (sum, set) in sums.iter_mut().zip(sets) {
                    *sum += u64::from(set.count_ones());
                }
            }
            let [population, w, not_w, t, not_t, four @ ..] = sums;
            Self(fill_from_margins(population, (w, not_w), (t, not_t), four))
        })
    }

    /// Counts the rows of a chunk, given its population and how often each predicate is TRUE and FALSE. The bitmaps
    /// have rows of the population only.
    pub fn from_margins(
        population: u64,
        when: &TruthBitmaps,
        when_counts: (u64, u64),
        then: &TruthBitmaps,
        then_counts: (u64, u64),
    ) -> Self {
        Arch::new().dispatch(|| {
            let whens = when.true_rows.words().iter().zip(when.false_rows.words());
            let thens = then.true_rows.words().iter().zip(then.false_rows.words());
            let mut four = [0_u64; 4];
            for ((w, not_w), (t, not_t)) in whens.zip(thens) {
                for (sum, set) in four.iter_mut().zip([w & t, w & not_t, not_w & t, not_w & not_t]) {
                    *sum += u64::from(set.count_ones());
                }
            }
            Self(fill_from_margins(population, when_counts, then_counts, four))
        })
    }

    /// Counts one more initiative.
    pub fn add(&mut self, when: Truth, then: Truth) {
        self.0[cell_index(when, then)] += 1;
    }

    /// The count of one combination.
    pub const fn get(&self, when: Truth, then: Truth) -> u64 {
        self.0[cell_index(when, then)]
    }

    /// The published counts, in the order of [`PUBLISHED_CELLS_BY_RAW_CELL`].
    pub fn published_counts(&self) -> [u64; 8] {
        sum_published(self.0)
    }
}

/// The sums of the nine combinations, from the sums of the four known ones and the margins. `when` and `then` are the
/// sums of the rows for which each predicate is TRUE and FALSE.
pub(super) fn fill_from_margins<N>(all: N, when: (N, N), then: (N, N), four: [N; 4]) -> [N; 9]
where
    N: Copy + Sub<Output = N> + Sum,
{
    let [both, when_only, then_only, neither] = four;
    let then_unknown = [when.0 - both - when_only, when.1 - then_only - neither];
    let when_unknown = [then.0 - both - then_only, then.1 - when_only - neither];
    let known: N = four.into_iter().chain(then_unknown).chain(when_unknown).sum();
    [
        both,
        when_only,
        then_unknown[0],
        then_only,
        neither,
        then_unknown[1],
        when_unknown[0],
        when_unknown[1],
        all - known,
    ]
}

/// The sums of the published cells, in the order of [`PUBLISHED_CELLS_BY_RAW_CELL`].
pub(super) fn sum_published<N: Copy + Default + AddAssign>(nine: [N; 9]) -> [N; 8] {
    let mut published = [N::default(); 8];
    for (sum, cells) in nine.into_iter().zip(PUBLISHED_CELLS_BY_RAW_CELL) {
        cells.iter().for_each(|cell| published[usize::from(*cell)] += sum);
    }
    published
}

impl AddAssign for Counts3x3 {
    fn add_assign(&mut self, other: Self) {
        self.0
            .iter_mut()
            .zip(other.0)
            .for_each(|(sum, more)| *sum += more);
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    const TRUTHS: [Truth; 3] = [Truth::True, Truth::False, Truth::Unknown];

    #[test]
    fn published_counts_add_up_to_the_population() {
        let mut counts = Counts3x3::default();
        for (index, (when, then)) in TRUTHS
            .iter()
            .flat_map(|when| TRUTHS.map(|then| (*when, then)))
            .enumerate()
        {
            (0..=index).for_each(|_| counts.add(when, then));
        }
        let unknown = 45 - 12;
        assert_eq!(
            counts.published_counts(),
            [45, 1, 2, 4, 5, unknown, 7 + 8 + 9, 3 + 6 + 9]
        );
    }

    #[test]
    fn bitmap_and_code_counts_match_row_by_row_counts() {
        let mut random = StdRng::seed_from_u64(4);
        for rows in [0, 1, 63, 64, 65, 500] {
            let mut truths = || TruthBitmaps::from_fn(rows, |_| TRUTHS[random.random_range(0..3)]);
            let (when, then, asked) = (truths(), truths(), truths().true_rows);
            let mut expected = Counts3x3::default();
            for row in asked.iter() {
                expected.add(when.get(row), then.get(row));
            }
            assert_eq!(Counts3x3::count(&when, &then, &asked), expected, "{rows} rows");
            let (w, t) = (when.restrict_to(&asked), then.restrict_to(&asked));
            let counts = |of: &TruthBitmaps| (of.true_rows.count(), of.false_rows.count());
            assert_eq!(
                Counts3x3::from_margins(asked.count(), &w, counts(&w), &t, counts(&t)),
                expected,
                "{rows} rows by their margins"
            );
            let of_rows = compute_cell_codes(&when, &then, rows);
            assert_eq!(of_rows.len(), rows);
            for (row, code) in of_rows.iter().enumerate() {
                assert_eq!(
                    usize::from(*code),
                    cell_index(when.get(row), then.get(row)),
                    "row {row}"
                );
            }
        }
    }
}
