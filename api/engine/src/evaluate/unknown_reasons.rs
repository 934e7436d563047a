//! Why predicates are UNKNOWN for initiatives: the missing reasons of the fields that they test.
//!
//! A part of a predicate counts only for rows for which both the part and the whole are UNKNOWN. The same holds for the
//! funding terms of a predicate on terms, which is also UNKNOWN if no term is recorded. If a challenge is missing from
//! the list of challenges, the reason is that of the list. An initiative can have several reasons.

use std::borrow::Cow;

use wayin_vocabulary::MissingReason;

use super::{
    CachedTest, PreparedFundingTermTest, PreparedPredicate, PreparedTest, evaluate_prepared_term_test,
};
use crate::index::{Bitmap, Chunk, IndexedField, MissingColumn, TruthBitmaps};
use crate::predicate::{FundingTermTest, InitiativeTest, Predicate};
use wayin_records::fields::{FundingTermField, RecordField};

/// The number of missing reasons.
pub const MISSING_REASON_COUNT: usize = MissingReason::ALL.len();

/// For each missing reason, in the order of the vocabulary, the rows that have it.
pub type ReasonBitmaps = [Bitmap; MISSING_REASON_COUNT];

impl PreparedPredicate<'_> {
    /// For each missing reason, the initiatives of the chunk at a position for which the predicate is UNKNOWN because
    /// of it.
    pub fn find_unknown_reasons(&self, position: usize, chunk: &Chunk) -> ReasonBitmaps {
        if chunk.missing.is_empty() && chunk.missing_in_terms.is_empty() {
            return empty_reasons(chunk.len());
        }
        let (_, reasons) = evaluate_with_reasons(&self.predicate, chunk.len(), &|test: &CachedTest<'_>| {
            (
                test.evaluate(position, chunk),
                find_test_reasons(&test.test, chunk),
            )
        });
        reasons
    }
}

fn empty_reasons(row_count: usize) -> ReasonBitmaps {
    std::array::from_fn(|_| Bitmap::empty(row_count))
}

type TruthsAndReasons<'p> = (Cow<'p, TruthBitmaps>, ReasonBitmaps);

/// Evaluates a predicate, and finds the reasons of the rows for which it is UNKNOWN.
fn evaluate_with_reasons<'p, T>(
    predicate: &'p Predicate<T>,
    row_count: usize,
    evaluate_test: &impl Fn(&'p T) -> TruthsAndReasons<'p>,
) -> TruthsAndReasons<'p> {
    let join =
        |parts: &'p [Predicate<T>], join: fn(&TruthBitmaps, &TruthBitmaps) -> TruthBitmaps, empty: bool| {
            let mut truths = TruthBitmaps::constant(row_count, empty);
            let mut reasons = empty_reasons(row_count);
            for part in parts {
                let (part_truths, part_reasons) = evaluate_with_reasons(part, row_count, evaluate_test);
                truths = join(&truths, &part_truths);
                reasons
                    .iter_mut()
                    .zip(&part_reasons)
                    .for_each(|(rows, more)| rows.insert_all(more));
            }
            (Cow::Owned(truths), reasons)
        };
    let (truths, mut reasons) = match predicate {
        Predicate::All(parts) => join(parts, TruthBitmaps::and, true),
        Predicate::Any(parts) => join(parts, TruthBitmaps::or, false),
        Predicate::Not(part) => {
            let (truths, reasons) = evaluate_with_reasons(part, row_count, evaluate_test);
            (Cow::Owned(!truths.into_owned()), reasons)
        }
        Predicate::Test(test) => evaluate_test(test),
    };
    let known = truths.true_rows.union(&truths.false_rows);
    reasons
        .iter_mut()
        .for_each(|rows| *rows = rows.difference(&known));
    (truths, reasons)
}

/// For each missing reason, the rows that have it for one of some fields.
fn find_reason_rows<F: Copy + Ord>(
    row_count: usize,
    column: &MissingColumn<F>,
    fields: impl IntoIterator<Item = F>,
) -> ReasonBitmaps {
    let mut reasons = empty_reasons(row_count);
    for field in fields {
        for (rows, reason) in reasons.iter_mut().zip(MissingReason::ALL) {
            column.rows(field, *reason).for_each(|row| rows.insert(row));
        }
    }
    reasons
}

/// For each missing reason, the initiatives that have it for a field that is tested.
fn find_test_reasons(test: &PreparedTest<'_>, chunk: &Chunk) -> ReasonBitmaps {
    let mut reasons = find_reason_rows(chunk.len(), &chunk.missing, list_tested_fields(test));
    if let PreparedTest::FundingTerms(_, predicate) = test
        && !chunk.missing_in_terms.is_empty()
    {
        let (_, term_reasons) = evaluate_with_reasons(predicate, chunk.term_count(), &|test| {
            let truths = Cow::Owned(evaluate_prepared_term_test(test, chunk));
            let field = find_tested_term_field(test);
            (
                truths,
                find_reason_rows(chunk.term_count(), &chunk.missing_in_terms, field),
            )
        });
        insert_rows_of_terms(&mut reasons, &term_reasons, chunk);
    }
    if matches!(test, PreparedTest::FundedDuring(..)) {
        let days = [FundingTermField::StartsOn];
        let term_reasons = find_reason_rows(chunk.term_count(), &chunk.missing_in_terms, days);
        insert_rows_of_terms(&mut reasons, &term_reasons, chunk);
    }
    reasons
}

/// Adds the rows of the funding terms that have each missing reason.
fn insert_rows_of_terms(reasons: &mut ReasonBitmaps, term_reasons: &ReasonBitmaps, chunk: &Chunk) {
    for (rows, terms) in reasons.iter_mut().zip(term_reasons) {
        terms.for_each(|term| rows.insert(chunk.find_row_of_term(term)));
    }
}

fn list_tested_fields(test: &PreparedTest<'_>) -> Vec<IndexedField> {
    use RecordField::{
        ChallengesFaced, ConditionsChanged, EndedOn, EntryPoints, FundingTerms, Ongoing, Place, StartedOn,
    };
    let record = |fields: &[RecordField]| fields.iter().copied().map(IndexedField::Record).collect();
    let in_list = |field, list| vec![field, IndexedField::Record(list)];
    match test {
        PreparedTest::Place(_) => record(&[Place]),
        PreparedTest::ActiveDuring(_, None) => record(&[StartedOn, EndedOn, Ongoing]),
        PreparedTest::ActiveDuring(_, Some(_)) => record(&[StartedOn, EndedOn, Ongoing, Place]),
        PreparedTest::StartedDuring(_, None) => record(&[StartedOn]),
        PreparedTest::StartedDuring(_, Some(_)) => record(&[StartedOn, Place]),
        PreparedTest::FundingTerms(..) | PreparedTest::FundedDuring(_, None) => record(&[FundingTerms]),
        PreparedTest::FundedDuring(_, Some(_)) => record(&[FundingTerms, Place]),
        PreparedTest::Unprepared(test) => match test {
            InitiativeTest::StartedOn(_) => record(&[StartedOn]),
            InitiativeTest::EndedOn(_) => record(&[EndedOn]),
            InitiativeTest::WayIn(..) | InitiativeTest::EntryPoints(..) => record(&[EntryPoints]),
            InitiativeTest::Step(challenge, _) => in_list(IndexedField::Step(*challenge), ChallengesFaced),
            InitiativeTest::Reasons(challenge, _) => {
                in_list(IndexedField::Reasons(*challenge), ChallengesFaced)
            }
            InitiativeTest::Change(condition, _) => {
                in_list(IndexedField::Change(*condition), ConditionsChanged)
            }
            // These are always known, or prepared against the dictionaries.
            _ => Vec::new(),
        },
        // The fields of an organisation are not fields of the record.
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
