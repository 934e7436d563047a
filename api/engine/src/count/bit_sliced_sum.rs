//! Counts hidden initiatives and adds their keys, 64 rows or more at a time.
//!
//! Keys are added modulo 256. A chunk stores them bit-sliced: as eight bitmaps, one for each bit. Each bit position of a
//! register has its own 8-bit sum, to which the keys of the next word are added bit by bit with a carry (a ripple-carry
//! adder). The sums are joined at the end.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use pulp::{Arch, Simd, WithSimd};

use crate::index::{Bitmap, Chunk};

const KEY_BITS: usize = 8;
/// The bits of the count. Those above have the sum of the keys, which wraps.
const COUNT_BITS: u32 = u64::BITS - u8::BITS;

/// The number of rows in some sets, and the sum of their keys, in one number: so both are added at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CountAndKeySum(u64);

impl CountAndKeySum {
    /// A number of rows with the sum of their keys.
    fn new(count: u64, key: u8) -> Self {
        Self(u64::from(key) << COUNT_BITS | count)
    }

    /// One row with its key.
    pub fn of_row(key: u8) -> Self {
        Self::new(1, key)
    }

    /// Counts the rows of a chunk in the intersection of two sets.
    pub fn of_intersection(chunk: &Chunk, one: &Bitmap, other: &Bitmap) -> Self {
        Arch::new().dispatch(KeySummer { chunk, one, other })
    }

    /// The number of rows.
    pub fn count(self) -> u64 {
        self.0 & ((1 << COUNT_BITS) - 1)
    }

    /// The sum of the keys, modulo 256.
    pub fn key(self) -> u8 {
        self.0.to_be_bytes()[0]
    }
}

impl Add for CountAndKeySum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

impl AddAssign for CountAndKeySum {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for CountAndKeySum {
    type Output = Self;

    /// The sum over a set without a subset.
    fn sub(self, subset: Self) -> Self {
        Self(self.0.wrapping_sub(subset.0))
    }
}

impl Sum for CountAndKeySum {
    fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
        sums.fold(Self::default(), Self::add)
    }
}

struct KeySummer<'a> {
    chunk: &'a Chunk,
    one: &'a Bitmap,
    other: &'a Bitmap,
}

impl WithSimd for KeySummer<'_> {
    type Output = CountAndKeySum;

    #[allow(
        clippy::inline_always,
        reason = "must be compiled for the processor that it is dispatched to"
    )]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> CountAndKeySum {
        let Self { chunk, one, other } = self;
        let words = one.words().iter().zip(other.words());
        let count = words
            .map(|(one, other)| u64::from((one & other).count_ones()))
            .sum();
        let mut sums = [simd.splat_u64s(0); KEY_BITS];
        let (one, last_of_one) = S::as_simd_u64s(one.words());
        let (other, last_of_other) = S::as_simd_u64s(other.words());
        // Loops, because the compiler does not always inline the functions of arrays here.
        let mut keys: [(&[S::u64s], &[u64]); KEY_BITS] = [(&[], &[]); KEY_BITS];
        for (words, bits) in keys.iter_mut().zip(chunk.cell_key_bits.all()) {
            *words = S::as_simd_u64s(bits.words());
        }
        for (index, (one, other)) in one.iter().zip(other).enumerate() {
            let set = simd.and_u64s(*one, *other);
            let mut carry = simd.splat_u64s(0);
            for (sum, (words, _)) in sums.iter_mut().zip(&keys) {
                carry = add_bits(simd, sum, simd.and_u64s(set, words[index]), carry);
            }
        }
        if !last_of_one.is_empty() {
            let [one, other] = [last_of_one, last_of_other].map(|last| simd.partial_load_u64s(last));
            let set = simd.and_u64s(one, other);
            let mut carry = simd.splat_u64s(0);
            for (sum, (_, last)) in sums.iter_mut().zip(&keys) {
                carry = add_bits(simd, sum, simd.and_u64s(set, simd.partial_load_u64s(last)), carry);
            }
        }
        let mut key = 0_u64;
        for (bit, sum) in sums.iter().enumerate() {
            let lanes: &[u64] = pulp::bytemuck::cast_slice(std::slice::from_ref(sum));
            let ones: u64 = lanes.iter().map(|lane| u64::from(lane.count_ones())).sum();
            key += ones << bit;
        }
        CountAndKeySum::new(count, key.to_le_bytes()[0])
    }
}

/// Adds bits and a carry to the sums at one bit position. Returns the carry to the next position.
#[allow(
    clippy::inline_always,
    reason = "must be compiled for the processor that it is dispatched to"
)]
#[inline(always)]
fn add_bits<S: Simd>(simd: S, sum: &mut S::u64s, bits: S::u64s, carry: S::u64s) -> S::u64s {
    let differ = simd.xor_u64s(*sum, bits);
    let both = simd.and_u64s(*sum, bits);
    *sum = simd.xor_u64s(differ, carry);
    simd.or_u64s(both, simd.and_u64s(differ, carry))
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::index::IndexedInitiative;

    #[test]
    fn bit_sliced_sums_match_row_by_row_sums() {
        let mut random = StdRng::seed_from_u64(21);
        for rows in [0, 1, 63, 64, 65, 500, 4_096] {
            let chunks: Vec<Chunk> = (0..3)
                .map(|_| {
                    let rows = (0..rows as u128).map(|id| IndexedInitiative {
                        cell_key: random.random(),
                        ..IndexedInitiative::open_without_answers(id)
                    });
                    Chunk::pack(&rows.collect::<Vec<_>>())
                })
                .collect();
            let mut sets = || -> Vec<Bitmap> {
                let dense = random.random_range(0.0..1.0);
                (0..3)
                    .map(|_| Bitmap::from_fn(rows, |_| random.random_bool(dense)))
                    .collect()
            };
            let (ones, others) = (sets(), sets());
            for ((chunk, one), other) in chunks.iter().zip(&ones).zip(&others) {
                let mut expected = CountAndKeySum::default();
                let mut key = 0_u8;
                for row in one.intersection(other).iter() {
                    key = key.wrapping_add(chunk.cell_keys()[row]);
                    expected += CountAndKeySum::of_row(chunk.cell_keys()[row]);
                }
                let found = CountAndKeySum::of_intersection(chunk, one, other);
                assert_eq!(found, expected, "{rows} rows");
                assert_eq!(found.count(), one.intersection(other).count(), "{rows} rows");
                assert_eq!(found.key(), key, "{rows} rows");
            }
        }
    }
}
