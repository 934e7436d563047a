//! Protected answers that are sets of values, such as the steps of all challenges. Counts of the single values are
//! published, so it is not enough if the sets of records differ: all could have the same value among others.

use super::protected::ProtectedAnswer;
use crate::dimension::{RESEARCH_BAND_EDGES_MONTHS, find_reasons, find_research_bands, find_steps};
use crate::index::{Chunk, CodeSet};
use wayin_vocabulary::{ChallengeReason, ChangeExtent};

/// The values that are alternatives to each other: a record is only known not to have one of them if it has another one
/// of them. A value can be in several lists of alternatives.
pub type Alternatives = CodeSet;

const STEPS: [Alternatives; 3] = [0b111, 0b111 << 3, 0b111 << 6];
const REASONS: [Alternatives; 1] = [(1 << ChallengeReason::ALL.len()) - 1];
/// For each condition, that it changed and that it did not.
const CHANGES: [Alternatives; 5] = [0b11, 0b11 << 2, 0b11 << 4, 0b11 << 6, 0b11 << 8];

const BAND_COUNT: usize = RESEARCH_BAND_EDGES_MONTHS.len() + 1;
const NO_RESEARCH: CodeSet = 1 << BAND_COUNT;
/// That research was paid for, whatever the months.
const SOME_RESEARCH: CodeSet = NO_RESEARCH << 1;
const RESEARCH_MONTHS: [Alternatives; 2] = [SOME_RESEARCH - 1, NO_RESEARCH | SOME_RESEARCH];

impl ProtectedAnswer {
    /// For an answer that is a set of values: which values are alternatives to each other. None for all other answers.
    pub const fn list_alternatives(self) -> Option<&'static [Alternatives]> {
        match self {
            Self::AllSteps => Some(&STEPS),
            Self::AllReasons => Some(&REASONS),
            Self::AllChanges => Some(&CHANGES),
            Self::ResearchMonths => Some(&RESEARCH_MONTHS),
            Self::WayIn(_)
            | Self::EntryPoints(_)
            | Self::LaterEntryPoints(_)
            | Self::Step(_)
            | Self::Reasons(_)
            | Self::Change(_)
            | Self::Required(_) => None,
        }
    }

    /// For an answer that is a set of values: the values of each row of a chunk, as bits; 0 if none is known. None for
    /// all other answers.
    pub fn find_value_sets(self, chunk: &Chunk) -> Option<Vec<CodeSet>> {
        match self {
            Self::AllSteps => Some(find_steps(chunk)),
            Self::AllReasons => Some(find_reasons(chunk)),
            Self::AllChanges => Some(find_changes(chunk)),
            Self::ResearchMonths => {
                let mut bands = find_research_bands(chunk);
                for set in bands.iter_mut().filter(|set| **set & (NO_RESEARCH - 1) != 0) {
                    *set |= SOME_RESEARCH;
                }
                Some(bands)
            }
            _ => None,
        }
    }
}

/// For each row, two bits for each condition: that it changed at least in part, and that it did not.
fn find_changes(chunk: &Chunk) -> Vec<CodeSet> {
    let mut changes = vec![0; chunk.len()];
    for (condition, extents) in chunk.changes.iter().enumerate() {
        for extent in ChangeExtent::ALL {
            let bit = condition * 2 + usize::from(*extent == ChangeExtent::Unchanged);
            let rows = extents.get(*extent as u8);
            rows.for_each(|row| changes[row] |= 1 << bit);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use wayin_records::fields::funding_term::FundingChoice;
    use wayin_vocabulary::{Challenge, ChallengeStep, Condition};

    use super::*;
    use crate::index::{IndexedFundingTerm, IndexedInitiative};

    #[test]
    fn values_have_alternatives() {
        let all = |lists: &[Alternatives]| lists.iter().fold(0, |all, list| all | list);
        let count = |bits: usize| (1 << bits) - 1;
        assert_eq!(
            all(&STEPS),
            count(Challenge::ALL.len() * ChallengeStep::ALL.len())
        );
        assert_eq!(all(&CHANGES), count(Condition::ALL.len() * 2));
        assert_eq!(all(&REASONS), count(ChallengeReason::ALL.len()));
        assert_eq!(all(&RESEARCH_MONTHS), count(BAND_COUNT + 2));
    }

    #[test]
    fn sets_hold_the_values_of_a_record() {
        let term = |research_months, answer| {
            let mut term = IndexedFundingTerm {
                research_months,
                ..IndexedFundingTerm::default()
            };
            term.choices[FundingChoice::UpfrontResearch as usize] = answer;
            term
        };
        let record = IndexedInitiative {
            steps: [None, Some(ChallengeStep::Skipped), Some(ChallengeStep::Taken)],
            reasons: [1, 0, 0b101],
            changes: [
                Some(ChangeExtent::Partly),
                None,
                Some(ChangeExtent::Unchanged),
                None,
                None,
            ],
            terms: vec![term(Some(4), Some(1)), term(None, Some(0)), term(None, Some(1))],
            ..IndexedInitiative::open_without_answers(1)
        };
        let chunk = Chunk::pack(&[record, IndexedInitiative::open_without_answers(2)]);
        for (answer, found) in [
            (ProtectedAnswer::AllSteps, 0b001_100_000),
            (ProtectedAnswer::AllReasons, 0b101),
            (ProtectedAnswer::AllChanges, 0b10_00_01),
            (ProtectedAnswer::ResearchMonths, 0b11_0010),
        ] {
            assert_eq!(answer.find_value_sets(&chunk), Some(vec![found, 0]), "{answer:?}");
        }
    }
}
