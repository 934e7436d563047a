//! The missing reasons of a chunk, for the fields that predicates test. A chunk without reasons needs no memory for them.

use wayin_records::fields::{ChallengeField, ConditionField, FundingTermField, RecordField};
use wayin_records::missing::MissingReasons;
use wayin_vocabulary::{Challenge, Condition, MissingReason};

use super::chunk::IndexedInitiative;

/// A field of a record, or of one of its challenges and conditions, that predicates test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexedField {
    /// A field of the record itself.
    Record(RecordField),
    /// The step of a challenge.
    Step(Challenge),
    /// The reasons for the step of a challenge.
    Reasons(Challenge),
    /// The change of a condition.
    Change(Condition),
}

/// A field without an answer, and the reason.
pub type MissingField<F> = (F, MissingReason);

/// The missing fields of a record that predicates test.
pub fn list_missing_in_record(
    missing: &MissingReasons<RecordField>,
) -> impl Iterator<Item = MissingField<IndexedField>> {
    let tested = missing.iter().filter(|(field, _)| *field != RecordField::Summary);
    tested.map(|(field, reason)| (IndexedField::Record(field), reason))
}

/// The missing fields of a challenge that predicates test.
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
        .filter_map(|(field, indexed)| Some((indexed, missing.get(field)?)))
}

/// The missing change of a condition.
pub fn find_missing_in_condition(
    condition: Condition,
    missing: &MissingReasons<ConditionField>,
) -> Option<MissingField<IndexedField>> {
    let reason = missing.get(ConditionField::Change)?;
    Some((IndexedField::Change(condition), reason))
}

/// The missing fields of a funding term that predicates test.
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

/// The missing fields of a chunk, sorted by field, reason and row.
#[derive(Clone, Debug)]
pub struct MissingColumn<F>(Box<[(F, MissingReason, u32)]>);

impl<F: Copy + Ord> MissingColumn<F> {
    /// Packs missing fields, each with its row.
    pub fn pack(missing: impl Iterator<Item = (usize, MissingField<F>)>) -> Self {
        let to_entry =
            |(row, (field, reason)): (usize, _)| (field, reason, u32::try_from(row).unwrap_or(u32::MAX));
        let mut entries: Vec<_> = missing.map(to_entry).collect();
        entries.sort_unstable();
        Self(entries.into())
    }

    /// Whether no field is missing for a known reason.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The missing fields, each with its row.
    pub fn iter(&self) -> impl Iterator<Item = (usize, MissingField<F>)> + '_ {
        self.0
            .iter()
            .map(|(field, reason, row)| (*row as usize, (*field, *reason)))
    }

    /// The rows for which a field is missing for a reason, in order.
    pub fn rows(&self, field: F, reason: MissingReason) -> impl Iterator<Item = usize> + '_ {
        let start = self
            .0
            .partition_point(|entry| (entry.0, entry.1) < (field, reason));
        let entries = self.0[start..].iter();
        entries
            .take_while(move |entry| (entry.0, entry.1) == (field, reason))
            .map(|entry| entry.2 as usize)
    }

    /// The size in bytes.
    pub fn size_in_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// The missing fields of rows.
pub fn pack_rows(rows: &[IndexedInitiative]) -> MissingColumn<IndexedField> {
    let rows = rows.iter().enumerate();
    MissingColumn::pack(
        rows.flat_map(|(index, row)| row.missing.iter().map(move |missing| (index, *missing))),
    )
}

/// The missing fields of the funding terms of rows. Terms are numbered across rows.
pub fn pack_terms(rows: &[IndexedInitiative]) -> MissingColumn<FundingTermField> {
    let mut first = 0;
    let mut missing = Vec::new();
    for row in rows {
        let fields = row.missing_in_terms.iter();
        missing.extend(fields.map(|(term, field, reason)| (first + *term as usize, (*field, *reason))));
        first += row.terms.len();
    }
    MissingColumn::pack(missing.into_iter())
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
