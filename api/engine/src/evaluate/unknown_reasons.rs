//! Why conditions are not known of initiatives: the reasons that are given for the fields
//! which they look at.
//!
//! Of a condition that joins others, those count that are UNKNOWN where the whole of it is;
//! of a condition on funding terms, the tests that are UNKNOWN of a term of which all of it
//! is, or that no term is recorded. A challenge that has no row lacks its step for the
//! reason that the whole list is missing for. An initiative can give several reasons.

use std::borrow::Cow;

use wayin_vocabulary::MissingReason;

use super::{
    CachedTest, PreparedFundingTermTest, PreparedPredicate, PreparedTest, evaluate_prepared_term_test,
};
use crate::index::{Bitmap, Chunk, IndexedField, MissingColumn, TruthBitmaps};
use crate::predicate::{FundingTermTest, InitiativeTest, Predicate};
use wayin_records::fields::{FundingTermField, RecordField};

/// How many reasons there are.
pub const MISSING_REASON_COUNT: usize = MissingReason::ALL.len();

/// For each reason, in the vocabulary's order, the rows that give it.
pub type ReasonBitmaps = [Bitmap; MISSING_REASON_COUNT];

impl PreparedPredicate<'_> {
    /// For each reason, of which initiatives of the chunk at a position the condition is
    /// UNKNOWN because of it.
    pub fn find_unknown_reasons(&self, position: usize, chunk: &Chunk) -> ReasonBitmaps {
        if chunk.missing.is_empty() && chunk.missing_in_terms.is_empty() {
            return empty_reasons(chunk.len());
        }
        let of_leaf = |leaf: &CachedTest<'_>| find_test_reasons(&leaf.test, chunk);
        evaluate_with_reasons(
            &self.predicate,
            chunk.len(),
            &|leaf| leaf.evaluate(position, chunk),
            &of_leaf,
        )
        .1
    }
}

fn empty_reasons(rows: usize) -> ReasonBitmaps {
    std::array::from_fn(|_| Bitmap::empty(rows))
}

/// What a condition says of rows, and of those of which it is UNKNOWN why.
fn evaluate_with_reasons<'p, T>(
    condition: &'p Predicate<T>,
    rows: usize,
    truths: &impl Fn(&'p T) -> Cow<'p, TruthBitmaps>,
    because: &impl Fn(&'p T) -> ReasonBitmaps,
) -> (Cow<'p, TruthBitmaps>, ReasonBitmaps) {
    let parts =
        |parts: &'p [Predicate<T>], start: bool, join: fn(&TruthBitmaps, &TruthBitmaps) -> TruthBitmaps| {
            let (mut all, mut found) = (TruthBitmaps::constant(rows, start), empty_reasons(rows));
            for part in parts {
                let (of_part, more) = evaluate_with_reasons(part, rows, truths, because);
                all = join(&all, &of_part);
                found
                    .iter_mut()
                    .zip(&more)
                    .for_each(|(set, more)| set.insert_all(more));
            }
            (Cow::Owned(all), found)
        };
    let (truths, mut found) = match condition {
        Predicate::All(all) => parts(all, true, TruthBitmaps::and),
        Predicate::Any(any) => parts(any, false, TruthBitmaps::or),
        Predicate::Not(part) => {
            let (truths, found) = evaluate_with_reasons(part, rows, truths, because);
            (Cow::Owned(!truths.into_owned()), found)
        }
        Predicate::Test(one) => (truths(one), because(one)),
    };
    let known = truths.true_rows.union(&truths.false_rows);
    for set in &mut found {
        *set = set.difference(&known);
    }
    (truths, found)
}

/// The rows that give reasons for a field, added to others.
fn add_reason_rows<F: Copy + Ord>(found: &mut ReasonBitmaps, whys: &MissingColumn<F>, field: F) {
    for (set, why) in found.iter_mut().zip(MissingReason::ALL) {
        whys.rows(field, *why).for_each(|row| set.insert(row));
    }
}

/// For each reason, the initiatives that give it for a field which the test looks at.
fn find_test_reasons(test: &PreparedTest<'_>, chunk: &Chunk) -> ReasonBitmaps {
    let mut found = empty_reasons(chunk.len());
    list_tested_fields(test)
        .into_iter()
        .for_each(|field| add_reason_rows(&mut found, &chunk.missing, field));
    if let PreparedTest::FundingTerms(_, condition) = test
        && !chunk.missing_in_terms.is_empty()
    {
        let (_, of_terms) = evaluate_with_reasons(
            condition,
            chunk.term_count(),
            &|test| Cow::Owned(evaluate_prepared_term_test(test, chunk)),
            &|test| {
                let mut found = empty_reasons(chunk.term_count());
                find_tested_term_field(test)
                    .into_iter()
                    .for_each(|field| add_reason_rows(&mut found, &chunk.missing_in_terms, field));
                found
            },
        );
        for (set, terms) in found.iter_mut().zip(&of_terms) {
            terms.for_each(|term| set.insert(chunk.find_row_of_term(term)));
        }
    }
    found
}

fn list_tested_fields(test: &PreparedTest<'_>) -> Vec<IndexedField> {
    use RecordField::{
        ChallengesFaced, ConditionsChanged, EndedOn, EntryPoints, FundingTerms, Ongoing, Place, StartedOn,
    };
    let record = |fields: &[RecordField]| fields.iter().copied().map(IndexedField::Record).collect();
    match test {
        PreparedTest::Place(_) => record(&[Place]),
        PreparedTest::ActiveDuring(_, None) => record(&[StartedOn, EndedOn, Ongoing]),
        PreparedTest::ActiveDuring(_, Some(_)) => record(&[StartedOn, EndedOn, Ongoing, Place]),
        PreparedTest::FundingTerms(..) => record(&[FundingTerms]),
        PreparedTest::Unprepared(test) => match test {
            InitiativeTest::StartedOn(_) => record(&[StartedOn]),
            InitiativeTest::EndedOn(_) => record(&[EndedOn]),
            InitiativeTest::WayIn(..) | InitiativeTest::EntryPoints(..) => record(&[EntryPoints]),
            InitiativeTest::Step(challenge, _) => {
                vec![
                    IndexedField::Step(*challenge),
                    IndexedField::Record(ChallengesFaced),
                ]
            }
            InitiativeTest::Reasons(challenge, _) => {
                vec![
                    IndexedField::Reasons(*challenge),
                    IndexedField::Record(ChallengesFaced),
                ]
            }
            InitiativeTest::Change(condition, _) => {
                vec![
                    IndexedField::Change(*condition),
                    IndexedField::Record(ConditionsChanged),
                ]
            }
            // These are always known, or prepared against the dictionaries.
            _ => Vec::new(),
        },
        // What is not known of an organisation is no field of the record.
        PreparedTest::Id(_)
        | PreparedTest::Lead(_)
        | PreparedTest::Title(_)
        | PreparedTest::VisibleTo(..) => Vec::new(),
    }
}

fn find_tested_term_field(test: &PreparedFundingTermTest<'_>) -> Option<FundingTermField> {
    let PreparedFundingTermTest::Unprepared(test) = test else {
        return None;
    };
    Some(match test {
        FundingTermTest::Funder(_) => return None,
        FundingTermTest::DurationMonths(_) => FundingTermField::DurationMonths,
        FundingTermTest::AmountMinor(_) => FundingTermField::AmountMinor,
        FundingTermTest::Currency(_) => FundingTermField::Currency,
        FundingTermTest::StartsOn(_) => FundingTermField::StartsOn,
        FundingTermTest::Choice(choice, _) => choice.field(),
    })
}
