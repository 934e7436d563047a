//! Counts hidden initiatives and adds their keys, 64 rows or more at a time.
//!
//! Keys are added modulo 256. A chunk stores them bit-sliced: as eight bitmaps, one for each bit. Each bit position of a
//! register has its own 8-bit sum, to which the keys of the next word are added bit by bit with a carry (a ripple-carry
//! adder). The sums are joined at the end.

use std::num::Wrapping;

use pulp::{Arch, Simd, WithSimd};

use crate::index::{Bitmap, Chunk};

const KEY_BITS: usize = 8;

/// The number of rows in some sets, and the sum of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CountAndKeySum {
    pub count: u64,
    pub key: Wrapping<u8>,
}

impl CountAndKeySum {
    pub fn add(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            key: self.key + other.key,
        }
    }

    /// Counts the rows in the intersection of two sets of each chunk.
    pub fn from_intersections<'a>(parts: impl Iterator<Item = (&'a Chunk, &'a Bitmap, &'a Bitmap)>) -> Self {
        Arch::new().dispatch(KeySummer(parts))
    }
}

struct KeySummer<P>(P);

impl<'a, P: Iterator<Item = (&'a Chunk, &'a Bitmap, &'a Bitmap)>> WithSimd for KeySummer<P> {
    type Output = CountAndKeySum;

    #[allow(
        clippy::inline_always,
        reason = "must be compiled for the processor that it is dispatched to"
    )]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> CountAndKeySum {
        let mut count = 0;
        let mut sums = [simd.splat_u64s(0); KEY_BITS];
        for (chunk, one, other) in self.0 {
            let words = one.words().iter().zip(other.words());
            count += words
                .map(|(one, other)| u64::from((one & other).count_ones()))
                .sum::<u64>();
            let (one, last_of_one) = S::as_simd_u64s(one.words());
            let (other, last_of_other) = S::as_simd_u64s(other.words());
            let Ok(keys): Result<&[Bitmap; KEY_BITS], _> = chunk.cell_key_bits.all().try_into() else {
                continue;
            };
            let keys = keys.each_ref().map(|bits| S::as_simd_u64s(bits.words()));
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                let set = simd.and_u64s(*one, *other);
                add_keys(simd, &mut sums, set, keys.map(|(whole, _)| whole[index]));
            }
            if !last_of_one.is_empty() {
                let [one, other] = [last_of_one, last_of_other].map(|last| simd.partial_load_u64s(last));
                let keys = keys.map(|(_, last)| simd.partial_load_u64s(last));
                add_keys(simd, &mut sums, simd.and_u64s(one, other), keys);
            }
        }
        let mut key = 0_u64;
        for (bit, sum) in sums.iter().enumerate() {
            let lanes: &[u64] = pulp::bytemuck::cast_slice(std::slice::from_ref(sum));
            let ones: u64 = lanes.iter().map(|lane| u64::from(lane.count_ones())).sum();
            key += ones << bit;
        }
        CountAndKeySum {
            count,
            key: Wrapping(key.to_le_bytes()[0]),
        }
    }
}

/// Adds the keys of the rows in `set` to the sums of their bit positions.
#[allow(
    clippy::inline_always,
    reason = "must be compiled for the processor that it is dispatched to"
)]
#[inline(always)]
fn add_keys<S: Simd>(simd: S, sums: &mut [S::u64s; KEY_BITS], set: S::u64s, keys: [S::u64s; KEY_BITS]) {
    let mut carry = simd.splat_u64s(0);
    for (sum, key) in sums.iter_mut().zip(keys) {
        let key = simd.and_u64s(key, set);
        let differ = simd.xor_u64s(*sum, key);
        let both = simd.and_u64s(*sum, key);
        *sum = simd.xor_u64s(differ, carry);
        carry = simd.or_u64s(both, simd.and_u64s(differ, carry));
    }
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
            let mut expected = CountAndKeySum::default();
            for ((chunk, one), other) in chunks.iter().zip(&ones).zip(&others) {
                for row in one.intersection(other).iter() {
                    expected.count += 1;
                    expected.key += chunk.cell_keys()[row];
                }
            }
            let parts = chunks.iter().zip(&ones).zip(&others);
            let found =
                CountAndKeySum::from_intersections(parts.map(|((chunk, one), other)| (chunk, one, other)));
            assert_eq!(found, expected, "{rows} rows");
        }
    }
}
