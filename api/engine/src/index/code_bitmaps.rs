//! A closed vocabulary's column, as one set of rows for each of its codes: what is
//! asked of such a column most often stands ready.

use super::bitmap::{Bitmap, TruthBitmaps};

/// A set of the codes of one vocabulary: bit `code as u8`.
pub type CodeSet = u16;

/// For each code of a vocabulary, by its number, the rows that have it. A row has
/// one code, or several where the column is a set; none where nothing is known.
#[derive(Clone, Debug, Default)]
pub struct CodeBitmaps(Box<[Bitmap]>);

impl CodeBitmaps {
    /// Packs columns of one code a row.
    pub fn from_codes(rows: usize, codes: usize, code: impl Fn(usize) -> Option<u8>) -> Self {
        Self::from_sets(rows, codes, |row| code(row).map_or(0, |code| 1 << code))
    }

    /// Packs columns of sets: bit `code` of a row's set.
    pub fn from_sets(rows: usize, codes: usize, set: impl Fn(usize) -> CodeSet) -> Self {
        let mut planes = vec![Bitmap::empty(rows); codes];
        for row in 0..rows {
            let mut left = set(row);
            while left != 0 {
                // A code that the vocabulary has not is nowhere.
                if let Some(plane) = planes.get_mut(left.trailing_zeros() as usize) {
                    plane.insert(row);
                }
                left &= left - 1;
            }
        }
        Self(planes.into())
    }

    /// The rows of one code.
    pub fn get(&self, code: u8) -> &Bitmap {
        &self.0[usize::from(code)]
    }

    /// The planes, by code.
    pub fn all(&self) -> &[Bitmap] {
        &self.0
    }

    /// The codes of a row, bit `code`.
    pub fn set_at(&self, row: usize) -> CodeSet {
        let codes = self.0.iter().enumerate();
        codes.fold(0, |set, (code, plane)| {
            set | CodeSet::from(plane.contains(row)) << code
        })
    }

    /// The code of a row that has one.
    pub fn code_at(&self, row: usize) -> Option<u8> {
        let set = self.set_at(row);
        (set != 0).then(|| u8::try_from(set.trailing_zeros()).unwrap_or(u8::MAX))
    }

    /// The same codes in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a.union(b)).collect())
    }

    /// The rows of which anything is known.
    pub fn known_rows(&self, rows: usize) -> Bitmap {
        let mut known = Bitmap::empty(rows);
        self.0.iter().for_each(|plane| known.insert_all(plane));
        known
    }

    /// Whether a row has one of these codes.
    pub fn match_any(&self, rows: usize, codes: impl Iterator<Item = u8>) -> TruthBitmaps {
        let mut yes = Bitmap::empty(rows);
        codes.for_each(|code| yes.insert_all(self.get(code)));
        let no = self.known_rows(rows).difference(&yes);
        TruthBitmaps {
            true_rows: yes,
            false_rows: no,
        }
    }

    /// Whether a row has all of these codes.
    pub fn match_all(&self, rows: usize, codes: impl Iterator<Item = u8>) -> TruthBitmaps {
        let known = self.known_rows(rows);
        let yes = codes.fold(known.clone(), |yes, code| yes.intersection(self.get(code)));
        let no = known.difference(&yes);
        TruthBitmaps {
            true_rows: yes,
            false_rows: no,
        }
    }

    /// How many bytes the sets take.
    pub fn size_in_bytes(&self) -> usize {
        self.0
            .iter()
            .map(|plane| size_of_val(plane.words()) + size_of::<Bitmap>())
            .sum()
    }
}
