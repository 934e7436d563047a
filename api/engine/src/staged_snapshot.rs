//! The snapshot from which hidden records are counted. It lags behind the newest snapshot. Otherwise a reader could
//! compare controlled answers before and after one publication, and learn what was published. It moves on when enough
//! hidden records of enough organisations have changed to conceal each of them.
//!
//! Each audience has a staged snapshot of its own, because each sees different records: a member who can see nine of ten
//! changed records would otherwise learn the tenth. A member also knows the records of their own organisation, so the
//! changes must be enough without those of any one organisation.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::DateTime;
use uuid::Uuid;

use super::count::dominance::MIN_ORGANISATIONS;
use super::disclosure::MIN_CELL_COUNT;
use super::index::{IndexedInitiative, Snapshot};
use crate::visibility::Audience;

/// The staged snapshot of one audience, and the changes that are not in it.
#[derive(Debug)]
pub struct StagedSnapshot {
    audience: Audience,
    snapshot: Arc<Snapshot>,
    pending: HashMap<Uuid, InformedOrganisations>,
}

/// The organisations that know a record that is hidden from the audience.
#[derive(Debug)]
struct InformedOrganisations {
    lead: u32,
    /// The lead organisation and the funders.
    organisations: BTreeSet<u32>,
}

impl StagedSnapshot {
    /// Starts from a snapshot without pending changes.
    pub fn new(audience: Audience, snapshot: &Arc<Snapshot>) -> Self {
        Self {
            audience,
            snapshot: Arc::clone(snapshot),
            pending: HashMap::new(),
        }
    }

    /// The snapshot from which hidden records are counted.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Adds initiatives to the pending changes, and moves on to the newest snapshot if there are enough of them.
    pub fn stage_changes(&mut self, newest: &Arc<Snapshot>, changed: &[Uuid]) {
        for id in changed {
            let (before, after) = (self.snapshot.find_row(*id), newest.find_row(*id));
            match self.find_informed_organisations(before.as_ref(), after.as_ref()) {
                Some(informed) => self.pending.insert(*id, informed),
                None => self.pending.remove(id),
            };
        }
        if self.can_publish() {
            self.snapshot = Arc::clone(newest);
            self.pending.clear();
        }
    }

    /// The organisations that know a record. None if its change cannot conceal others: if the audience can see it before
    /// or after the change, or if no field that is counted changed.
    fn find_informed_organisations(
        &self,
        before: Option<&IndexedInitiative>,
        after: Option<&IndexedInitiative>,
    ) -> Option<InformedOrganisations> {
        let hidden = |row: &IndexedInitiative| !self.audience.can_view_fully(row.visibility);
        let rows = || before.into_iter().chain(after);
        if !rows().all(hidden) || before.map(without_uncounted_fields) == after.map(without_uncounted_fields)
        {
            return None;
        }
        let lead = rows().last()?.lead;
        let funders = rows().flat_map(|row| row.terms.iter().map(|term| term.funder));
        let organisations = rows().map(|row| row.lead).chain(funders).collect();
        Some(InformedOrganisations { lead, organisations })
    }

    /// Whether there are enough pending records of enough organisations, without those that any one organisation knows.
    fn can_publish(&self) -> bool {
        let count_by_lead = |records: &mut dyn Iterator<Item = &InformedOrganisations>| {
            let mut counts: HashMap<u32, usize> = HashMap::new();
            records.for_each(|record| *counts.entry(record.lead).or_default() += 1);
            counts
        };
        let all = count_by_lead(&mut self.pending.values());
        let is_enough = |records: usize, leads: usize| {
            records >= usize::from(MIN_CELL_COUNT) && leads >= usize::from(MIN_ORGANISATIONS)
        };
        if !is_enough(self.pending.len(), all.len()) {
            return false;
        }
        let mut known: HashMap<u32, Vec<&InformedOrganisations>> = HashMap::new();
        for record in self.pending.values() {
            for organisation in &record.organisations {
                known.entry(*organisation).or_default().push(record);
            }
        }
        known.values().all(|known| {
            let known_by_lead = count_by_lead(&mut known.iter().copied());
            let known_completely = known_by_lead
                .iter()
                .filter(|(lead, count)| all.get(lead) == Some(count));
            is_enough(
                self.pending.len() - known.len(),
                all.len() - known_completely.count(),
            )
        })
    }
}

/// The fields that controlled answers can depend on. Controlled queries cannot filter by title, and no answer counts
/// publications.
fn without_uncounted_fields(row: &IndexedInitiative) -> IndexedInitiative {
    IndexedInitiative {
        title: Box::default(),
        published_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
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

    /// The newest snapshot, and the staged one that follows it record by record.
    struct StagedBase(Arc<Snapshot>, StagedSnapshot);

    impl StagedBase {
        fn new(audience: Audience, rows: Vec<IndexedInitiative>) -> Self {
            let mut snapshot = Snapshot::default();
            snapshot.apply(rows, Vec::new());
            let snapshot = Arc::new(snapshot);
            let release = StagedSnapshot::new(audience, &snapshot);
            Self(snapshot, release)
        }

        /// Changes a record. Returns whether the staged snapshot moves on with it.
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
