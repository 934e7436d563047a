//! The changes of the records that a reader can read in full, for readers who keep a copy of these records.
//!
//! A change of a record that the reader can read now says that the copy has to save the record. If the reader cannot read
//! a record now, only one of its changes is listed: the last one before which the reader could read all of the record, and
//! after which not. It says that the copy has to remove the record. What happened to the record after that is left out,
//! and so is everything of records that the reader could never read.
//!
//! The change log has the version after each change, and the revisions say who could read that version.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, QueryResult,
    sea_query::{Expr, ExprTrait as _, Order, Query},
};
use serde::Deserialize as _;
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, Visibility, change, initiative};

use super::publish::list_organisation_references;
use super::visible_condition;
use crate::database::begin_read;
use crate::error::{Error, Result};
use crate::organisation::OrganisationLookup;
use crate::pattern::loader::load_newest_change;
use crate::store::revisions::load_revisions;
use wayin_engine::index::AsOf;
use wayin_engine::visibility::Reader;
use wayin_records::record::{InitiativeRecord, OrganisationReference};

/// How many change numbers one page covers at most, whatever the reader sees of them. So neither the work nor the number
/// of the next page depends on records that the reader cannot read.
const MAX_NUMBERS_PER_PAGE: i64 = 500;

/// A change of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisibleChange {
    pub number: i64,
    pub changed_at: DateTime<Utc>,
    pub initiative_id: Uuid,
    /// Whether the reader can no longer read the record.
    pub is_removal: bool,
}

/// A page of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibleChanges {
    /// In the order of their numbers. No record occurs twice.
    pub changes: Vec<VisibleChange>,
    /// The number after which the next page begins.
    pub next_number: i64,
    /// Whether the log has changes after this number.
    pub has_more: bool,
    /// The newest change of the log.
    pub as_of: AsOf,
}

/// Lists changes after the number `since`, at most `max_count`, as of one moment.
///
/// # Errors
/// [`Error::BadInput`] if the log does not reach up to `since`. Also if the database cannot be read.
pub async fn list_visible_changes(
    db: &DatabaseConnection,
    reader: Reader,
    since: i64,
    max_count: usize,
) -> Result<VisibleChanges> {
    let moment = begin_read(db).await?;
    let listed = Box::pin(list_changes(&moment, reader, since, max_count)).await;
    moment.rollback().await?;
    listed
}

async fn list_changes(
    db: &impl ConnectionTrait,
    reader: Reader,
    since: i64,
    max_count: usize,
) -> Result<VisibleChanges> {
    let as_of = load_newest_change(db).await?;
    let newest = as_of.change_number;
    if !(0..=newest).contains(&since) {
        let reason =
            format!("no change has the number {since}; the newest is {newest}; load everything again");
        return Err(Error::bad_input("sinceNumber", reason));
    }
    let end = Ord::min(newest, since + MAX_NUMBERS_PER_PAGE);
    let entries = load_entries(db, reader, since, end).await?;
    let versions: BTreeSet<(Uuid, i32)> = entries.iter().flat_map(LogEntry::list_versions).collect();
    let readable = find_readable_versions(db, reader, &versions).await?;
    let mut changes = select_visible_changes(&entries, &readable);
    let next_number = if changes.len() > max_count {
        changes.truncate(max_count);
        changes.last().map_or(since, |last| last.number)
    } else {
        end
    };
    Ok(VisibleChanges {
        changes,
        next_number,
        has_more: next_number < newest,
        as_of,
    })
}

/// An entry of the change log about an initiative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LogEntry {
    number: i64,
    changed_at: DateTime<Utc>,
    initiative_id: Uuid,
    kind: ChangeKind,
    /// The version after the change. None if a server of an earlier release logged the change.
    version: Option<i32>,
    /// The version before the change. None if the initiative was not published then, or if the version is not known.
    earlier_version: Option<i32>,
    /// Whether the reader can read the whole initiative now.
    is_visible: bool,
}

/// The version before a change, if the initiative was published then.
const EARLIER_VERSION: &str = "(SELECT CASE WHEN earlier.kind <> 'WITHDRAWN' THEN earlier.version END \
     FROM change_log AS earlier WHERE earlier.subject_id = change_log.subject_id \
     AND earlier.number < change_log.number ORDER BY earlier.number DESC LIMIT 1)";

impl LogEntry {
    /// Reads an entry from a row of [`load_entries`].
    fn from_row(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            number: row.try_get_by_index(0)?,
            changed_at: row.try_get_by_index(1)?,
            initiative_id: row.try_get_by_index(2)?,
            kind: row.try_get_by_index(3)?,
            version: row.try_get_by_index(4)?,
            earlier_version: row.try_get_by_index(5)?,
            is_visible: row.try_get_by_index::<i32>(6)? == 1,
        })
    }

    /// The versions that decide whether the change is a removal. Empty if it cannot be one.
    fn list_versions(&self) -> Vec<(Uuid, i32)> {
        let (Some(earlier), Some(version)) = (self.earlier_version, self.version) else {
            return Vec::new();
        };
        let is_withdrawn = self.kind == ChangeKind::Withdrawn;
        if self.is_visible || (earlier == version && !is_withdrawn) {
            return Vec::new();
        }
        let after = (!is_withdrawn).then_some(version);
        let versions = std::iter::once(earlier).chain(after);
        versions.map(|version| (self.initiative_id, version)).collect()
    }

    /// Whether the reader could read the whole initiative before the change and not after it.
    fn is_removal(&self, readable: &HashSet<(Uuid, i32)>) -> bool {
        match self.list_versions().as_slice() {
            [earlier] => readable.contains(earlier),
            [earlier, later] => readable.contains(earlier) && !readable.contains(later),
            _ => false,
        }
    }
}

/// Loads the entries of initiatives after the number `since` up to the number `end`, in order.
async fn load_entries(
    db: &impl ConnectionTrait,
    reader: Reader,
    since: i64,
    end: i64,
) -> Result<Vec<LogEntry>> {
    use change::Column;
    let column = |column: Column| Expr::col((change::Entity, column));
    let is_visible: Expr = Expr::case(visible_condition(reader, false), 1).finally(0).into();
    let mut select = Query::select();
    select
        .column((change::Entity, Column::Number))
        .column((change::Entity, Column::CreatedAt))
        .column((change::Entity, Column::SubjectId))
        .column((change::Entity, Column::Kind))
        .column((change::Entity, Column::Version))
        .expr_as(Expr::cust(EARLIER_VERSION), "earlier_version")
        .expr_as(is_visible, "is_visible")
        .from(change::Entity)
        .inner_join(
            initiative::Entity,
            Expr::col((initiative::Entity, initiative::Column::Id))
                .equals((change::Entity, Column::SubjectId)),
        )
        .and_where(column(Column::Subject).eq(ChangeSubject::Initiative))
        .and_where(column(Column::Number).gt(since))
        .and_where(column(Column::Number).lte(end))
        .order_by((change::Entity, Column::Number), Order::Asc);
    let rows = db.query_all(&select).await?;
    let entries: Result<Vec<LogEntry>, DbErr> = rows.iter().map(LogEntry::from_row).collect();
    Ok(entries?)
}

/// The changes of entries in order, without those that a later one replaces.
fn select_visible_changes(entries: &[LogEntry], readable: &HashSet<(Uuid, i32)>) -> Vec<VisibleChange> {
    let mut listed = HashSet::new();
    let newest_first = entries.iter().rev();
    let mut changes: Vec<VisibleChange> = newest_first
        .filter(|entry| entry.is_visible || entry.is_removal(readable))
        .filter(|entry| listed.insert(entry.initiative_id))
        .map(|entry| VisibleChange {
            number: entry.number,
            changed_at: entry.changed_at,
            initiative_id: entry.initiative_id,
            is_removal: !entry.is_visible,
        })
        .collect();
    changes.reverse();
    changes
}

/// Finds the versions of which the reader could read everything. A version whose document cannot be read is left out.
async fn find_readable_versions(
    db: &impl ConnectionTrait,
    reader: Reader,
    versions: &BTreeSet<(Uuid, i32)>,
) -> Result<HashSet<(Uuid, i32)>> {
    if reader == Reader::Steward {
        return Ok(versions.iter().copied().collect());
    }
    let initiatives: BTreeSet<Uuid> = versions.iter().map(|(id, _)| *id).collect();
    let numbers: BTreeSet<i32> = versions.iter().map(|(_, version)| *version).collect();
    let revisions = load_revisions(db, initiatives, numbers).await?;
    let records: HashMap<(Uuid, i32), (InitiativeRecord, DateTime<Utc>)> = revisions
        .into_iter()
        .filter(|(key, _)| versions.contains(key))
        .filter_map(|(key, revision)| {
            // A newer release may have written a document that this one does not know.
            let record = InitiativeRecord::deserialize(revision.document).ok()?;
            Some((key, (record, revision.created_at)))
        })
        .collect();
    let own = reader.organisation();
    let mut named: Vec<&OrganisationReference> = Vec::new();
    for (record, _) in records.values() {
        // Only then does it matter who leads and who funds the record.
        if own.is_some() && record.visibility == Visibility::AggregateOnly {
            named.extend(list_organisation_references(record));
        }
    }
    let organisations = OrganisationLookup::load(db, named.into_iter()).await?;
    let is_own = |reference: &OrganisationReference, at: DateTime<Utc>| {
        let found = organisations.find(reference);
        // One that was added later has the same identifier or name now, but the record named another.
        found.is_some_and(|found| Some(found.id) == own && found.created_at <= at)
    };
    let readable = records.into_iter().filter(|(_, (record, at))| {
        let leads = is_own(&record.lead_organisation, *at);
        let funds = record.funding_terms.iter().any(|term| is_own(&term.funder, *at));
        reader.can_view_fully(record.visibility, record.shared_with_funders, leads, funds)
    });
    Ok(readable.map(|(key, _)| key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: Uuid = Uuid::from_u128(1);
    const VISIBLE: Uuid = Uuid::from_u128(2);

    /// An entry with the versions before and after it.
    fn entry(number: i64, initiative_id: Uuid, kind: ChangeKind, versions: (Option<i32>, i32)) -> LogEntry {
        LogEntry {
            number,
            changed_at: DateTime::UNIX_EPOCH,
            initiative_id,
            kind,
            version: Some(versions.1),
            earlier_version: versions.0,
            is_visible: initiative_id == VISIBLE,
        }
    }

    /// The number of each listed change, and whether it is a removal.
    fn select(entries: &[LogEntry], readable_versions: &[i32]) -> Vec<(i64, bool)> {
        let readable = readable_versions.iter().map(|version| (HIDDEN, *version));
        let changes = select_visible_changes(entries, &readable.collect());
        changes
            .iter()
            .map(|change| (change.number, change.is_removal))
            .collect()
    }

    #[test]
    fn hidden_record_is_removed_at_the_change_that_hid_it() {
        use ChangeKind::{Altered, Published, Withdrawn};
        let entries = [
            entry(1, HIDDEN, Published, (None, 1)),
            entry(2, HIDDEN, Altered, (Some(1), 2)),
            entry(3, HIDDEN, Altered, (Some(2), 3)),
            // A redaction adds no version.
            entry(4, HIDDEN, Altered, (Some(3), 3)),
            entry(5, HIDDEN, Withdrawn, (Some(3), 4)),
        ];
        assert!(select(&entries, &[]).is_empty());
        for (readable, number) in [
            (&[1][..], 2),
            (&[1, 2], 3),
            (&[1, 3], 5),
            (&[2], 3),
            (&[1, 2, 3], 5),
        ] {
            assert_eq!(select(&entries, readable), [(number, true)], "{readable:?}");
        }
    }

    #[test]
    fn first_version_removes_nothing() {
        use ChangeKind::{Altered, Published};
        let published = entry(1, HIDDEN, Published, (None, 1));
        assert!(select(&[published], &[1]).is_empty());
        // Published again after a withdrawal.
        let again = entry(7, HIDDEN, Published, (None, 3));
        assert!(select(&[again], &[1, 2]).is_empty());
        // A server of an earlier release logged the change.
        let unknown = LogEntry {
            version: None,
            ..entry(2, HIDDEN, Altered, (Some(1), 2))
        };
        assert!(select(&[unknown], &[1]).is_empty());
    }

    #[test]
    fn each_record_is_listed_at_its_newest_change() {
        use ChangeKind::{Altered, Published, Withdrawn};
        let entries = [
            entry(1, VISIBLE, Published, (None, 1)),
            entry(2, HIDDEN, Withdrawn, (Some(1), 2)),
            entry(3, VISIBLE, Altered, (Some(1), 2)),
            entry(4, HIDDEN, Published, (None, 3)),
            entry(5, HIDDEN, Withdrawn, (Some(3), 4)),
        ];
        assert_eq!(select(&entries, &[1, 3]), [(3, false), (5, true)]);
        assert_eq!(select(&entries[..3], &[1]), [(2, true), (3, false)]);
    }
}
