//! Why conditions are not known of initiatives: the reasons that are given for the fields
//! which they look at.
//!
//! Of a condition that joins others, those count that are UNKNOWN where the whole of it is;
//! of a condition on funding terms, the tests that are UNKNOWN of a term of which all of it
//! is, or that no term is recorded. A challenge that has no row lacks its step for the
//! reason that the whole list is missing for. An initiative can give several reasons.

use std::borrow::Cow;

use wayin_vocabulary::MissingReason;

use super::{Leaf, Prepared, PreparedTermTest, PreparedTest, term_truths};
use crate::index::{Bits, Chunk, IndexedField, Truths, Whys};
use crate::predicate::{Condition, InitiativeTest, TermTest};
use wayin_records::fields::{FundingTermField, RecordField};

/// How many reasons there are.
pub const WHYS: usize = MissingReason::ALL.len();

/// For each reason, in the vocabulary's order, the rows that give it.
pub type Because = [Bits; WHYS];

impl Prepared<'_> {
    /// For each reason, of which initiatives of the chunk at a position the condition is
    /// UNKNOWN because of it.
    pub fn because(&self, position: usize, chunk: &Chunk) -> Because {
        if chunk.missing.is_empty() && chunk.terms_missing.is_empty() {
            return nowhere(chunk.len());
        }
        let of_leaf = |leaf: &Leaf<'_>| of_test(&leaf.test, chunk);
        joined(
            &self.condition,
            chunk.len(),
            &|leaf| leaf.of(position, chunk),
            &of_leaf,
        )
        .1
    }
}

fn nowhere(rows: usize) -> Because {
    std::array::from_fn(|_| Bits::none(rows))
}

/// What a condition says of rows, and of those of which it is UNKNOWN why.
fn joined<'p, T>(
    condition: &'p Condition<T>,
    rows: usize,
    truths: &impl Fn(&'p T) -> Cow<'p, Truths>,
    because: &impl Fn(&'p T) -> Because,
) -> (Cow<'p, Truths>, Because) {
    let parts = |parts: &'p [Condition<T>], start: bool, join: fn(&Truths, &Truths) -> Truths| {
        let (mut all, mut found) = (Truths::everywhere(rows, start), nowhere(rows));
        for part in parts {
            let (of_part, more) = joined(part, rows, truths, because);
            all = join(&all, &of_part);
            found
                .iter_mut()
                .zip(&more)
                .for_each(|(set, more)| set.put_all(more));
        }
        (Cow::Owned(all), found)
    };
    let (truths, mut found) = match condition {
        Condition::All(all) => parts(all, true, Truths::and),
        Condition::Any(any) => parts(any, false, Truths::or),
        Condition::Not(part) => {
            let (truths, found) = joined(part, rows, truths, because);
            (Cow::Owned(!truths.into_owned()), found)
        }
        Condition::Test(one) => (truths(one), because(one)),
    };
    let known = truths.yes.or(&truths.no);
    for set in &mut found {
        *set = set.without(&known);
    }
    (truths, found)
}

/// The rows that give reasons for a field, added to others.
fn put<F: Copy + Ord>(found: &mut Because, whys: &Whys<F>, field: F) {
    for (set, why) in found.iter_mut().zip(MissingReason::ALL) {
        whys.rows(field, *why).for_each(|row| set.put(row));
    }
}

/// For each reason, the initiatives that give it for a field which the test looks at.
fn of_test(test: &PreparedTest<'_>, chunk: &Chunk) -> Because {
    let mut found = nowhere(chunk.len());
    fields_of(test)
        .into_iter()
        .for_each(|field| put(&mut found, &chunk.missing, field));
    if let PreparedTest::FundingTerms(_, condition) = test
        && !chunk.terms_missing.is_empty()
    {
        let (_, of_terms) = joined(
            condition,
            chunk.term_count(),
            &|test| Cow::Owned(term_truths(test, chunk)),
            &|test| {
                let mut found = nowhere(chunk.term_count());
                field_of(test)
                    .into_iter()
                    .for_each(|field| put(&mut found, &chunk.terms_missing, field));
                found
            },
        );
        for (set, terms) in found.iter_mut().zip(&of_terms) {
            terms.each(|term| set.put(chunk.row_of_term(term)));
        }
    }
    found
}

fn fields_of(test: &PreparedTest<'_>) -> Vec<IndexedField> {
    use RecordField::{
        ChallengesFaced, ConditionsChanged, EndedOn, EntryPoints, FundingTerms, Ongoing, Place, StartedOn,
    };
    let record = |fields: &[RecordField]| fields.iter().copied().map(IndexedField::Record).collect();
    match test {
        PreparedTest::Place(_) => record(&[Place]),
        PreparedTest::ActiveDuring(_, None) => record(&[StartedOn, EndedOn, Ongoing]),
        PreparedTest::ActiveDuring(_, Some(_)) => record(&[StartedOn, EndedOn, Ongoing, Place]),
        PreparedTest::FundingTerms(..) => record(&[FundingTerms]),
        PreparedTest::Plain(test) => match test {
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
        | PreparedTest::ReadableBy(..) => Vec::new(),
    }
}

fn field_of(test: &PreparedTermTest<'_>) -> Option<FundingTermField> {
    let PreparedTermTest::Plain(test) = test else {
        return None;
    };
    Some(match test {
        TermTest::Funder(_) => return None,
        TermTest::DurationMonths(_) => FundingTermField::DurationMonths,
        TermTest::AmountMinor(_) => FundingTermField::AmountMinor,
        TermTest::Currency(_) => FundingTermField::Currency,
        TermTest::StartsOn(_) => FundingTermField::StartsOn,
        TermTest::Choice(choice, _) => choice.field(),
    })
}
