//! A column of codes of a vocabulary, as one bitmap for each code. Tests of the column need no scan.

use super::bitmap::{Bitmap, TruthBitmaps};

/// A set of the codes of one vocabulary: bit `code as u8`.
pub type CodeSet = u16;

/// For each code of a vocabulary, by its number, the rows that have it. A row has one code, or several if the column
/// holds sets. It has none if the value is not known.
#[derive(Clone, Debug, Default)]
pub struct CodeBitmaps(Box<[Bitmap]>);

impl CodeBitmaps {
    /// Packs a column of single codes.
    pub fn from_codes(row_count: usize, code_count: usize, code: impl Fn(usize) -> Option<u8>) -> Self {
        Self::from_sets(row_count, code_count, |row| code(row).map_or(0, |code| 1 << code))
    }

    /// Packs a column of sets of codes.
    pub fn from_sets(row_count: usize, code_count: usize, set: impl Fn(usize) -> CodeSet) -> Self {
        let mut bitmaps = vec![Bitmap::empty(row_count); code_count];
        for row in 0..row_count {
            let mut left = set(row);
            while left != 0 {
                // Codes that are not in the vocabulary are ignored.
                if let Some(bitmap) = bitmaps.get_mut(left.trailing_zeros() as usize) {
                    bitmap.insert(row);
                }
                left &= left - 1;
            }
        }
        Self(bitmaps.into())
    }

    /// The rows that have a code.
    pub fn get(&self, code: u8) -> &Bitmap {
        &self.0[usize::from(code)]
    }

    /// The bitmaps, by code.
    pub fn all(&self) -> &[Bitmap] {
        &self.0
    }

    /// The codes of a row.
    pub fn set_at(&self, row: usize) -> CodeSet {
        let bitmaps = self.0.iter().enumerate();
        bitmaps.fold(0, |set, (code, rows)| {
            set | CodeSet::from(rows.contains(row)) << code
        })
    }

    /// The code of a row; the first if it has several.
    pub fn code_at(&self, row: usize) -> Option<u8> {
        let set = self.set_at(row);
        (set != 0).then(|| u8::try_from(set.trailing_zeros()).unwrap_or(u8::MAX))
    }

    /// The codes of both columns together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a.union(b)).collect())
    }

    /// The rows that have any code.
    pub fn known_rows(&self, row_count: usize) -> Bitmap {
        let mut known = Bitmap::empty(row_count);
        self.0.iter().for_each(|rows| known.insert_all(rows));
        known
    }

    /// Whether a row has one of these codes; UNKNOWN if it has no code.
    pub fn match_any(&self, row_count: usize, codes: impl Iterator<Item = u8>) -> TruthBitmaps {
        let mut true_rows = Bitmap::empty(row_count);
        codes.for_each(|code| true_rows.insert_all(self.get(code)));
        let false_rows = self.known_rows(row_count).difference(&true_rows);
        TruthBitmaps {
            true_rows,
            false_rows,
        }
    }

    /// Whether a row has all of these codes; UNKNOWN if it has no code.
    pub fn match_all(&self, row_count: usize, codes: impl Iterator<Item = u8>) -> TruthBitmaps {
        let known = self.known_rows(row_count);
        let true_rows = codes.fold(known.clone(), |rows, code| rows.intersection(self.get(code)));
        let false_rows = known.difference(&true_rows);
        TruthBitmaps {
            true_rows,
            false_rows,
        }
    }

    /// The size of the bitmaps in bytes.
    pub fn size_in_bytes(&self) -> usize {
        let size = |rows: &Bitmap| size_of_val(rows.words()) + size_of::<Bitmap>();
        self.0.iter().map(size).sum()
    }
}
