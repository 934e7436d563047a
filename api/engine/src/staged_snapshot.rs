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

use super::count::dominance::ENOUGH;
use super::disclosure::LEAST;
use super::index::{Row, Snapshot};
use crate::visibility::Audience;

/// What one audience's hidden records are counted by, and what waits to be released to it.
#[derive(Debug)]
pub struct Release {
    audience: Audience,
    snapshot: Arc<Snapshot>,
    waiting: HashMap<Uuid, Knowing>,
}

/// Which organisations know of a record that is hidden from the audience.
#[derive(Debug)]
struct Knowing {
    lead: u32,
    /// The lead and the funders, each once.
    organisations: BTreeSet<u32>,
}

impl Release {
    /// Everything that was read is released.
    pub fn new(audience: Audience, read: &Arc<Snapshot>) -> Self {
        Self {
            audience,
            snapshot: Arc::clone(read),
            waiting: HashMap::new(),
        }
    }

    /// The state that hidden records are counted by.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Takes note of the initiatives that changed, and moves on to the newest state where
    /// enough of them wait.
    pub fn follow(&mut self, newest: &Arc<Snapshot>, changed: &[Uuid]) {
        for id in changed {
            let (before, after) = (self.snapshot.row(*id), newest.row(*id));
            match self.knowing(before.as_ref(), after.as_ref()) {
                Some(knowing) => self.waiting.insert(*id, knowing),
                None => self.waiting.remove(id),
            };
        }
        if self.is_enough() {
            self.snapshot = Arc::clone(newest);
            self.waiting.clear();
        }
    }

    /// Who knows of a record, where its change can hide others: none where it was or is open
    /// to the audience, or where nothing is other than before that is ever counted.
    fn knowing(&self, before: Option<&Row>, after: Option<&Row>) -> Option<Knowing> {
        let hidden = |row: &Row| !self.audience.reads_whole(row.visibility);
        let of_both = || before.into_iter().chain(after);
        if !of_both().all(hidden) || before.map(counted) == after.map(counted) {
            return None;
        }
        let lead = of_both().last()?.lead;
        let funders = of_both().flat_map(|row| row.terms.iter().map(|term| term.funder));
        let organisations = of_both().map(|row| row.lead).chain(funders).collect();
        Some(Knowing { lead, organisations })
    }

    /// Whether enough records of enough organisations wait, those aside that any one
    /// organisation knows of.
    fn is_enough(&self) -> bool {
        let of_leads = |waiting: &mut dyn Iterator<Item = &Knowing>| {
            let mut leads: HashMap<u32, usize> = HashMap::new();
            waiting.for_each(|record| *leads.entry(record.lead).or_default() += 1);
            leads
        };
        let all = of_leads(&mut self.waiting.values());
        let enough =
            |records: usize, leads: usize| records >= usize::from(LEAST) && leads >= usize::from(ENOUGH);
        if !enough(self.waiting.len(), all.len()) {
            return false;
        }
        let mut known: HashMap<u32, Vec<&Knowing>> = HashMap::new();
        for record in self.waiting.values() {
            for organisation in &record.organisations {
                known.entry(*organisation).or_default().push(record);
            }
        }
        known.values().all(|known| {
            let leads = of_leads(&mut known.iter().copied());
            let gone = leads
                .iter()
                .filter(|(lead, records)| all.get(lead) == Some(records));
            enough(self.waiting.len() - known.len(), all.len() - gone.count())
        })
    }
}

/// What of a record controlled answers can depend on: no condition on a title passes.
fn counted(row: &Row) -> Row {
    Row {
        title: Box::default(),
        ..row.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wayin_vocabulary::Visibility;

    use crate::index::Term;

    const MINE: u32 = 99;

    fn hidden(number: u128, lead: u32) -> Row {
        Row {
            lead,
            visibility: Visibility::AggregateOnly,
            ..Row::bare(number)
        }
    }

    /// A base of some records; what is put into it is followed one record at a time.
    struct Base(Arc<Snapshot>, Release);

    impl Base {
        fn of(audience: Audience, rows: Vec<Row>) -> Self {
            let mut snapshot = Snapshot::default();
            snapshot.apply(rows, Vec::new());
            let snapshot = Arc::new(snapshot);
            let release = Release::new(audience, &snapshot);
            Self(snapshot, release)
        }

        /// Whether the record's change is released with it.
        fn releases(&mut self, row: Row) -> bool {
            let id = row.id;
            let mut next = Snapshot::clone(&self.0);
            next.apply(vec![row], Vec::new());
            self.0 = Arc::new(next);
            self.1.follow(&self.0, &[id]);
            Arc::ptr_eq(self.1.snapshot(), &self.0)
        }

        fn released_after(audience: Audience, rows: impl IntoIterator<Item = Row>) -> Vec<bool> {
            let mut base = Self::of(audience, Vec::new());
            rows.into_iter().map(|row| base.releases(row)).collect()
        }
    }

    #[test]
    fn ten_of_six_organisations_release_each_other() {
        // Two of each: without any one of the six organisations ten of the twelve are left.
        let rows = (0..12).map(|number| hidden(number, u32::try_from(number % 6).unwrap()));
        let released = Base::released_after(Audience::Members, rows);
        assert_eq!(
            released.iter().position(|released| *released),
            Some(11),
            "{released:?}"
        );
    }

    #[test]
    fn what_one_organisation_knows_of_hides_nothing() {
        let led = (0..30).map(|number| {
            hidden(
                number,
                if number < 20 {
                    MINE
                } else {
                    1 + u32::try_from(number % 4).unwrap()
                },
            )
        });
        assert!(
            !Base::released_after(Audience::Members, led).contains(&true),
            "twenty are led by one of five"
        );
        let funded = (0..30).map(|number| {
            let mut row = hidden(number, u32::try_from(number % 7).unwrap());
            if number >= 9 {
                row.terms = vec![Term {
                    funder: MINE,
                    ..Default::default()
                }];
            }
            row
        });
        assert!(
            !Base::released_after(Audience::Members, funded).contains(&true),
            "all but nine are funded by one"
        );
    }

    #[test]
    fn what_an_audience_reads_releases_nothing_to_it() {
        let rows = || {
            (0..30).map(|number| {
                let visibility = if number % 4 == 0 {
                    Visibility::AggregateOnly
                } else {
                    Visibility::Members
                };
                Row {
                    visibility,
                    ..hidden(number, u32::try_from(number % 7).unwrap())
                }
            })
        };
        assert!(Base::released_after(Audience::Dashboards, rows()).contains(&true));
        assert!(
            !Base::released_after(Audience::Members, rows()).contains(&true),
            "eight are hidden from members"
        );
    }

    #[test]
    fn edits_that_change_nothing_or_are_taken_back_release_nothing() {
        let rows: Vec<Row> = (0..40)
            .map(|number| hidden(number, u32::try_from(number % 10).unwrap()))
            .collect();
        let mut base = Base::of(Audience::Members, rows.clone());
        for row in &rows {
            assert!(!base.releases(Row {
                title: "another".into(),
                ..row.clone()
            }));
        }
        for row in &rows {
            assert!(!base.releases(Row {
                ongoing: Some(true),
                ..row.clone()
            }));
            assert!(!base.releases(row.clone()), "what it was before");
        }
    }

    #[test]
    fn what_was_or_becomes_open_releases_nothing() {
        let opened = |row: &Row| Row {
            visibility: Visibility::Open,
            ..row.clone()
        };
        let rows: Vec<Row> = (0..40)
            .map(|number| hidden(number, u32::try_from(number % 10).unwrap()))
            .collect();
        let mut base = Base::of(Audience::Members, rows.clone());
        for row in &rows {
            assert!(!base.releases(opened(row)));
        }
        let mut base = Base::of(Audience::Members, rows.iter().map(opened).collect());
        for row in rows {
            assert!(!base.releases(row));
        }
    }
}
