//! The state of the base that hidden records are counted by. It lags behind the newest:
//! whoever compares a controlled answer before and after one publication would else
//! learn what was published. What changed is released when enough hidden records of
//! enough organisations have changed to hide in.
//!
//! What is hidden depends on who asks, and so each audience has a release of its own: a
//! member who reads nine of ten changed records would else see the tenth alone move.
//! Their own organisation's records hide nothing from a member either, so what is left
//! has to be enough whichever one organisation looks.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::count::dominance::MIN_ORGANISATIONS;
use super::disclosure::MIN_CELL_COUNT;
use super::index::{IndexedInitiative, Snapshot};
use crate::visibility::Audience;

/// What one audience's hidden records are counted by, and what waits to be released to it.
#[derive(Debug)]
pub struct StagedSnapshot {
    audience: Audience,
    snapshot: Arc<Snapshot>,
    pending: HashMap<Uuid, InformedOrganisations>,
}

/// Which organisations know of a record that is hidden from the audience.
#[derive(Debug)]
struct InformedOrganisations {
    lead: u32,
    /// The lead and the funders, each once.
    organisations: BTreeSet<u32>,
}

impl StagedSnapshot {
    /// Everything that was read is released.
    pub fn new(audience: Audience, read: &Arc<Snapshot>) -> Self {
        Self {
            audience,
            snapshot: Arc::clone(read),
            pending: HashMap::new(),
        }
    }

    /// The state that hidden records are counted by.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Takes note of the initiatives that changed, and moves on to the newest state where
    /// enough of them wait.
    pub fn stage_changes(&mut self, newest: &Arc<Snapshot>, changed: &[Uuid]) {
        for id in changed {
            let (before, after) = (self.snapshot.find_row(*id), newest.find_row(*id));
            match self.find_informed_organisations(before.as_ref(), after.as_ref()) {
                Some(knowing) => self.pending.insert(*id, knowing),
                None => self.pending.remove(id),
            };
        }
        if self.can_publish() {
            self.snapshot = Arc::clone(newest);
            self.pending.clear();
        }
    }

    /// Who knows of a record, where its change can hide others: none where it was or is open
    /// to the audience, or where nothing is other than before that is ever counted.
    fn find_informed_organisations(
        &self,
        before: Option<&IndexedInitiative>,
        after: Option<&IndexedInitiative>,
    ) -> Option<InformedOrganisations> {
        let hidden = |row: &IndexedInitiative| !self.audience.can_view_fully(row.visibility);
        let of_both = || before.into_iter().chain(after);
        if !of_both().all(hidden)
            || before.map(without_uncounted_fields) == after.map(without_uncounted_fields)
        {
            return None;
        }
        let lead = of_both().last()?.lead;
        let funders = of_both().flat_map(|row| row.terms.iter().map(|term| term.funder));
        let organisations = of_both().map(|row| row.lead).chain(funders).collect();
        Some(InformedOrganisations { lead, organisations })
    }

    /// Whether enough records of enough organisations wait, those aside that any one
    /// organisation knows of.
    fn can_publish(&self) -> bool {
        let of_leads = |waiting: &mut dyn Iterator<Item = &InformedOrganisations>| {
            let mut leads: HashMap<u32, usize> = HashMap::new();
            waiting.for_each(|record| *leads.entry(record.lead).or_default() += 1);
            leads
        };
        let all = of_leads(&mut self.pending.values());
        let enough = |records: usize, leads: usize| {
            records >= usize::from(MIN_CELL_COUNT) && leads >= usize::from(MIN_ORGANISATIONS)
        };
        if !enough(self.pending.len(), all.len()) {
            return false;
        }
        let mut known: HashMap<u32, Vec<&InformedOrganisations>> = HashMap::new();
        for record in self.pending.values() {
            for organisation in &record.organisations {
                known.entry(*organisation).or_default().push(record);
            }
        }
        known.values().all(|known| {
            let leads = of_leads(&mut known.iter().copied());
            let gone = leads
                .iter()
                .filter(|(lead, records)| all.get(lead) == Some(records));
            enough(self.pending.len() - known.len(), all.len() - gone.count())
        })
    }
}

/// What of a record controlled answers can depend on: no condition on a title passes.
fn without_uncounted_fields(row: &IndexedInitiative) -> IndexedInitiative {
    IndexedInitiative {
        title: Box::default(),
        ..row.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wayin_vocabulary::Visibility;

    use crate::index::IndexedFundingTerm;

    const OWN_ORGANISATION: u32 = 99;

    fn hidden_row(number: u128, lead: u32) -> IndexedInitiative {
        IndexedInitiative {
            lead,
            visibility: Visibility::AggregateOnly,
            ..IndexedInitiative::open_without_answers(number)
        }
    }

    /// A base of some records; what is put into it is followed one record at a time.
    struct StagedBase(Arc<Snapshot>, StagedSnapshot);

    impl StagedBase {
        fn new(audience: Audience, rows: Vec<IndexedInitiative>) -> Self {
            let mut snapshot = Snapshot::default();
            snapshot.apply(rows, Vec::new());
            let snapshot = Arc::new(snapshot);
            let release = StagedSnapshot::new(audience, &snapshot);
            Self(snapshot, release)
        }

        /// Whether the record's change is released with it.
        fn publishes(&mut self, row: IndexedInitiative) -> bool {
            let id = row.id;
            let mut next = Snapshot::clone(&self.0);
            next.apply(vec![row], Vec::new());
            self.0 = Arc::new(next);
            self.1.stage_changes(&self.0, &[id]);
            Arc::ptr_eq(self.1.snapshot(), &self.0)
        }

        fn list_published_after(
            audience: Audience,
            rows: impl IntoIterator<Item = IndexedInitiative>,
        ) -> Vec<bool> {
            let mut base = Self::new(audience, Vec::new());
            rows.into_iter().map(|row| base.publishes(row)).collect()
        }
    }

    #[test]
    fn ten_changes_of_six_organisations_are_published_together() {
        // Two of each: without any one of the six organisations ten of the twelve are left.
        let rows = (0..12).map(|number| hidden_row(number, u32::try_from(number % 6).unwrap()));
        let released = StagedBase::list_published_after(Audience::Members, rows);
        assert_eq!(
            released.iter().position(|released| *released),
            Some(11),
            "{released:?}"
        );
    }

    #[test]
    fn changes_known_to_one_organisation_do_not_count() {
        let led = (0..30).map(|number| {
            hidden_row(
                number,
                if number < 20 {
                    OWN_ORGANISATION
                } else {
                    1 + u32::try_from(number % 4).unwrap()
                },
            )
        });
        assert!(
            !StagedBase::list_published_after(Audience::Members, led).contains(&true),
            "twenty are led by one of five"
        );
        let funded = (0..30).map(|number| {
            let mut row = hidden_row(number, u32::try_from(number % 7).unwrap());
            if number >= 9 {
                row.terms = vec![IndexedFundingTerm {
                    funder: OWN_ORGANISATION,
                    ..Default::default()
                }];
            }
            row
        });
        assert!(
            !StagedBase::list_published_after(Audience::Members, funded).contains(&true),
            "all but nine are funded by one"
        );
    }

    #[test]
    fn changes_the_audience_can_read_do_not_count() {
        let rows = || {
            (0..30).map(|number| {
                let visibility = if number % 4 == 0 {
                    Visibility::AggregateOnly
                } else {
                    Visibility::Members
                };
                IndexedInitiative {
                    visibility,
                    ..hidden_row(number, u32::try_from(number % 7).unwrap())
                }
            })
        };
        assert!(StagedBase::list_published_after(Audience::Dashboards, rows()).contains(&true));
        assert!(
            !StagedBase::list_published_after(Audience::Members, rows()).contains(&true),
            "eight are hidden from members"
        );
    }

    #[test]
    fn no_op_and_reverted_edits_do_not_count() {
        let rows: Vec<IndexedInitiative> = (0..40)
            .map(|number| hidden_row(number, u32::try_from(number % 10).unwrap()))
            .collect();
        let mut base = StagedBase::new(Audience::Members, rows.clone());
        for row in &rows {
            assert!(!base.publishes(IndexedInitiative {
                title: "another".into(),
                ..row.clone()
            }));
        }
        for row in &rows {
            assert!(!base.publishes(IndexedInitiative {
                ongoing: Some(true),
                ..row.clone()
            }));
            assert!(!base.publishes(row.clone()), "what it was before");
        }
    }

    #[test]
    fn changes_to_or_from_open_do_not_count() {
        let opened = |row: &IndexedInitiative| IndexedInitiative {
            visibility: Visibility::Open,
            ..row.clone()
        };
        let rows: Vec<IndexedInitiative> = (0..40)
            .map(|number| hidden_row(number, u32::try_from(number % 10).unwrap()))
            .collect();
        let mut base = StagedBase::new(Audience::Members, rows.clone());
        for row in &rows {
            assert!(!base.publishes(opened(row)));
        }
        let mut base = StagedBase::new(Audience::Members, rows.iter().map(opened).collect());
        for row in rows {
            assert!(!base.publishes(row));
        }
    }
}
