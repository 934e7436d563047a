//! Finds references that several records of a file share, before any record is imported, so that all of these records are
//! rejected, including the first.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::ops::ControlFlow;

use super::FileError;
use crate::fields::column::REFERENCE_PATH;
use crate::normalisation;
use crate::problem::{Problem, ProblemCode};
use crate::record::OrganisationReference;
use crate::workbook::placeholder;

/// The reference of a record and the organisation that leads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordReference<'a> {
    pub(super) row: u64,
    pub(super) text: &'a str,
    pub(super) lead_identifier: Option<&'a str>,
    pub(super) lead_name: Option<&'a str>,
}

/// A function that receives each reference of a file.
pub(super) type ReferenceCallback<'a> = dyn FnMut(RecordReference<'_>) -> ControlFlow<()> + 'a;

/// A record that shares its reference with another record.
#[derive(Clone, Copy, Debug)]
struct RecordSharingReference {
    /// Two hashes of the reference. A collision of both is not expected.
    reference: [u64; 2],
    /// The index of the lead organisation.
    lead: usize,
    row: u64,
}

/// The records of a file that share a reference, of all lead organisations.
#[derive(Debug, Default)]
pub struct SharedReferences {
    records: Vec<RecordSharingReference>,
    leads: Vec<OrganisationReference>,
}

impl SharedReferences {
    /// Finds the records. `read` reads the references of the file: once for their hashes (about 20 bytes of memory each),
    /// and if any are equal, a second time for their records.
    ///
    /// Errors are ignored, because they occur again when the records are read.
    pub(super) fn find(
        mut read: impl FnMut(&mut ReferenceCallback<'_>) -> Result<(), FileError>,
        most_rows: u64,
    ) -> Self {
        let hashed_by = [RandomState::new(), RandomState::new()];
        let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
        let mut left = most_rows;
        let _ = read(&mut |RecordReference { text, .. }| {
            let text = normalisation::normalise_prose(text);
            let hash = hashed_by[0].hash_one(&*text);
            if !text.is_empty() && !seen.insert(hash) {
                shared.insert(hash);
            }
            decrement_remaining(&mut left)
        });
        drop(seen);
        let mut found = Self::default();
        if shared.is_empty() {
            return found;
        }
        let mut leads: HashMap<_, usize> = HashMap::new();
        left = most_rows;
        let _ = read(&mut |one| {
            let text = normalisation::normalise_prose(one.text);
            let reference = hashed_by.each_ref().map(|by| by.hash_one(&*text));
            if shared.contains(&reference[0]) {
                let spelt = |text: Option<&str>, spell: fn(&str) -> String| {
                    text.map(spell).filter(|text| !text.is_empty())
                };
                let identifier = spelt(
                    // Placeholders identify no organisation.
                    one.lead_identifier
                        .filter(|text| placeholder::parse_placeholder(text).is_none()),
                    normalisation::normalise_org_id,
                );
                let name = spelt(one.lead_name, normalisation::normalise_name);
                let next = leads.len();
                let lead = *leads.entry((identifier, name)).or_insert(next);
                let row = one.row;
                found
                    .records
                    .push(RecordSharingReference { reference, lead, row });
            }
            decrement_remaining(&mut left)
        });
        let mut leads: Vec<_> = leads.into_iter().collect();
        leads.sort_unstable_by_key(|(_, at)| *at);
        let lead = |((identifier, name), _)| OrganisationReference {
            identifier,
            name,
            kind: None,
        };
        found.leads = leads.into_iter().map(lead).collect();
        found
    }

    /// The lead organisations of the records, each once.
    pub fn leads(&self) -> &[OrganisationReference] {
        &self.leads
    }

    /// Finds the records that share a reference with another record of the same organisation. `organisation` returns the
    /// key of the organisation at an index of [`Self::leads`].
    pub fn find_repeated<K: Eq + Hash>(&self, organisation: impl Fn(usize) -> K) -> RepeatedReferences {
        let mut first_rows = HashMap::new();
        let mut others = HashMap::new();
        for record in &self.records {
            match first_rows.entry((record.reference, organisation(record.lead))) {
                Entry::Vacant(free) => {
                    free.insert(record.row);
                }
                Entry::Occupied(first) => {
                    others.insert(record.row, *first.get());
                    others.entry(*first.get()).or_insert(record.row);
                }
            }
        }
        RepeatedReferences(others)
    }
}

fn decrement_remaining(left: &mut u64) -> ControlFlow<()> {
    *left = left.saturating_sub(1);
    if *left == 0 {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// The rows of records with a repeated reference, each with another row that has it.
#[derive(Debug, Default)]
pub struct RepeatedReferences(HashMap<u64, u64>);

impl RepeatedReferences {
    pub(super) fn contains(&self, row: u64) -> bool {
        self.0.contains_key(&row)
    }

    /// Returns the problem of the record in a row, if its reference is repeated.
    pub(super) fn problem_for(&self, row: u64) -> Option<Problem> {
        let other = self.0.get(&row)?;
        let reason = format!("is the reference of row {other} too; each record needs a reference of its own");
        Some(Problem::new(ProblemCode::Duplicate, REFERENCE_PATH, reason))
    }
}
