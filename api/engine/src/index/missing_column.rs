//! Why answers are missing, as the index keeps it: of the fields that conditions look at,
//! in one list for a chunk, which takes nothing where nobody says why.

use wayin_vocabulary::{Challenge, Condition, MissingReason};

use super::chunk::IndexedInitiative;
use wayin_records::fields::{ChallengeField, ConditionField, FundingTermField, RecordField};
use wayin_records::missing::MissingReasons;

/// A field of a record, or of one of its challenges and conditions, that conditions look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexedField {
    /// One of the record itself.
    Record(RecordField),
    /// What became of a challenge's step.
    Step(Challenge),
    /// Why a challenge's step went as it did.
    Reasons(Challenge),
    /// What became of a condition for change.
    Change(Condition),
}

/// A field without an answer, and why.
pub type MissingField<F> = (F, MissingReason);

/// What a record says of those of its own fields that conditions look at.
pub fn list_missing_in_record(
    missing: &MissingReasons<RecordField>,
) -> impl Iterator<Item = MissingField<IndexedField>> {
    let said = missing.iter();
    said.filter(|(field, _)| *field != RecordField::Summary)
        .map(|(field, why)| (IndexedField::Record(field), why))
}

/// What a record says of those fields of a challenge that conditions look at.
pub fn list_missing_in_challenge(
    challenge: Challenge,
    missing: &MissingReasons<ChallengeField>,
) -> impl Iterator<Item = MissingField<IndexedField>> {
    let fields = [
        (ChallengeField::Step, IndexedField::Step(challenge)),
        (ChallengeField::Reasons, IndexedField::Reasons(challenge)),
    ];
    fields
        .into_iter()
        .filter_map(|(field, of_row)| Some((of_row, missing.get(field)?)))
}

/// What a record says of a condition for change.
pub fn find_missing_in_condition(
    condition: Condition,
    missing: &MissingReasons<ConditionField>,
) -> Option<MissingField<IndexedField>> {
    let why = missing.get(ConditionField::Change)?;
    Some((IndexedField::Change(condition), why))
}

/// What a record says of those fields of a funding term that conditions look at.
pub fn list_missing_in_term(
    missing: &MissingReasons<FundingTermField>,
) -> impl Iterator<Item = MissingField<FundingTermField>> {
    use FundingTermField::{AwardedOn, EndsOn, GrantIdentifier, Programme, UpfrontResearchMonths};
    missing.iter().filter(|(field, _)| {
        !matches!(
            field,
            GrantIdentifier | Programme | AwardedOn | EndsOn | UpfrontResearchMonths
        )
    })
}

/// What the rows of a chunk say, by field, then by reason, then by row.
#[derive(Clone, Debug)]
pub struct MissingColumn<F>(Box<[(F, MissingReason, u32)]>);

impl<F: Copy + Ord> MissingColumn<F> {
    /// Packs what rows say, each with the row's number.
    pub fn pack(said: impl Iterator<Item = (usize, MissingField<F>)>) -> Self {
        let numbered = said.map(|(row, (field, why))| (field, why, u32::try_from(row).unwrap_or(u32::MAX)));
        let mut all: Vec<_> = numbered.collect();
        all.sort_unstable();
        Self(all.into())
    }

    /// Whether no row says anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is said, each with its row's number.
    pub fn iter(&self) -> impl Iterator<Item = (usize, MissingField<F>)> + '_ {
        self.0
            .iter()
            .map(|(field, why, row)| (*row as usize, (*field, *why)))
    }

    /// The rows that lack an answer for a reason, in order.
    pub fn rows(&self, field: F, why: MissingReason) -> impl Iterator<Item = usize> + '_ {
        let from = self.0.partition_point(|said| (said.0, said.1) < (field, why));
        self.0[from..]
            .iter()
            .take_while(move |said| (said.0, said.1) == (field, why))
            .map(|said| said.2 as usize)
    }

    /// How many bytes it takes.
    pub fn size_in_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// What rows say of their own fields.
pub fn pack_rows(rows: &[IndexedInitiative]) -> MissingColumn<IndexedField> {
    let said = rows.iter().enumerate();
    MissingColumn::pack(said.flat_map(|(at, row)| row.missing.iter().map(move |said| (at, *said))))
}

/// What rows say of their funding terms, which are numbered through.
pub fn pack_terms(rows: &[IndexedInitiative]) -> MissingColumn<FundingTermField> {
    let mut first = 0;
    let mut said = Vec::new();
    for row in rows {
        let of_row = row.missing_in_terms.iter();
        said.extend(of_row.map(|(term, field, why)| (first + *term as usize, (*field, *why))));
        first += row.terms.len();
    }
    MissingColumn::pack(said.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Chunk, IndexedFundingTerm};

    #[test]
    fn missing_reasons_survive_packing() {
        let step = IndexedField::Step(Challenge::DefiningAmbitions);
        let place = IndexedField::Record(RecordField::Place);
        let says = |id: u128, missing: &[MissingField<IndexedField>], terms: usize| IndexedInitiative {
            missing: missing.to_vec(),
            terms: vec![IndexedFundingTerm::default(); terms],
            ..IndexedInitiative::open_without_answers(id)
        };
        let mut rows = vec![
            says(
                1,
                &[(place, MissingReason::Withheld), (step, MissingReason::NotAsked)],
                2,
            ),
            says(2, &[], 0),
            says(3, &[(step, MissingReason::NotAsked)], 3),
            says(4, &[(step, MissingReason::NoReply)], 1),
        ];
        rows[2].missing_in_terms = vec![
            (1, FundingTermField::Renewable, MissingReason::NotAsked),
            (2, FundingTermField::DurationMonths, MissingReason::NotAsked),
        ];
        let chunk = Chunk::pack(&rows);
        assert_eq!(chunk.unpack(), rows);
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(chunk.unpack_row(at), *row);
        }
        let found = |why| chunk.missing.rows(step, why).collect::<Vec<_>>();
        assert_eq!(found(MissingReason::NotAsked), [0, 2]);
        assert_eq!(found(MissingReason::NoReply), [3]);
        assert!(found(MissingReason::Withheld).is_empty());
        let terms = chunk
            .missing_in_terms
            .rows(FundingTermField::DurationMonths, MissingReason::NotAsked);
        let terms: Vec<usize> = terms.collect();
        assert_eq!(terms, [4]);
        assert_eq!(chunk.find_row_of_term(4), 2);
        let of_terms: Vec<usize> = (0..6).map(|term| chunk.find_row_of_term(term)).collect();
        assert_eq!(of_terms, [0, 0, 2, 2, 2, 3]);
    }

    #[test]
    fn empty_missing_column_takes_no_memory() {
        let rows: Vec<IndexedInitiative> = (0..500).map(IndexedInitiative::open_without_answers).collect();
        let chunk = Chunk::pack(&rows);
        assert_eq!(
            chunk.missing.size_in_bytes() + chunk.missing_in_terms.size_in_bytes(),
            0
        );
    }
}
