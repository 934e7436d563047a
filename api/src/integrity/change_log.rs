//! Compares the change log with the tables.

use futures_util::TryStreamExt as _;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, Statement, prelude::DateTimeUtc,
};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, audit_event, change};

use super::{IntegrityChecker, Invariant};
use crate::error::Result;

/// An entry of the log with its initiative. The entry is none if the initiative has no entries.
#[derive(FromQueryResult)]
struct LogEntryRow {
    id: Uuid,
    version: i32,
    withdrawn_at: Option<DateTimeUtc>,
    number: Option<i64>,
    kind: Option<ChangeKind>,
}

/// The entries of one initiative that have been read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogHistory {
    is_published: bool,
    entries: i64,
}

impl LogHistory {
    /// Applies the next entry. Returns why it is impossible, if it is.
    fn apply_entry(&mut self, kind: ChangeKind) -> Option<&'static str> {
        self.entries += 1;
        let impossible = match (kind, self.is_published) {
            (ChangeKind::Published, true) => Some("is published although it was published before"),
            (ChangeKind::Altered, false) => Some("is changed although it is not published"),
            (ChangeKind::Withdrawn, false) => Some("is withdrawn although it is not published"),
            _ => None,
        };
        self.is_published = kind != ChangeKind::Withdrawn;
        impossible
    }

    /// Verifies the whole history. `without` is the number of logged changes that created no version.
    fn verify(self, version: i32, withdrawn: bool, without: i64) -> Option<String> {
        let beyond = self.entries - i64::from(version);
        if self.entries == 0 {
            Some("is not in the change log".into())
        } else if self.is_published == withdrawn {
            Some(if withdrawn {
                "is withdrawn, and the change log does not say so".into()
            } else {
                "is published, and the change log has its withdrawal as the last change".into()
            })
        } else if beyond < 0 || beyond > without {
            Some(format!(
                "is at version {version}, and the change log has {} changes",
                self.entries
            ))
        } else {
            None
        }
    }
}

/// Actions that change initiatives without a new version: redaction changes existing versions, and disclosure
/// keys depend on the identifier or name of the lead organisation.
const UNVERSIONED_ACTIONS: [&str; 3] = ["redactText", "saveOrganisation", "mergeOrganisations"];

/// The tables whose changes are logged.
const LOGGED_TABLES: [(ChangeSubject, &str); 4] = [
    (ChangeSubject::Initiative, "initiative"),
    (ChangeSubject::Place, "place"),
    (ChangeSubject::Organisation, "organisation"),
    (ChangeSubject::Crisis, "crisis"),
];

pub(super) async fn check_change_log(
    db: &DatabaseTransaction,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    checking.summary.changes = change::Entity::find().count(db).await?;
    check_initiative_entries(db, checking).await?;
    for (subject, table) in LOGGED_TABLES {
        check_orphan_entries(db, subject, table, checking).await?;
        if subject != ChangeSubject::Initiative {
            check_missing_entries(db, subject, table, checking).await?;
        }
    }
    Ok(())
}

async fn check_initiative_entries(
    db: &DatabaseTransaction,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    let without = audit_event::Entity::find()
        .filter(audit_event::Column::Action.is_in(UNVERSIONED_ACTIONS))
        .count(db)
        .await?;
    let without = i64::try_from(without).unwrap_or(i64::MAX);
    let ask = Statement::from_string(
        db.get_database_backend(),
        r#"SELECT "i"."id", "i"."version", "i"."withdrawn_at", "c"."number", "c"."kind"
           FROM "initiative" AS "i"
           LEFT JOIN "change_log" AS "c" ON "c"."subject" = 'INITIATIVE' AND "c"."subject_id" = "i"."id"
           ORDER BY "i"."id", "c"."number""#,
    );
    let mut entries = LogEntryRow::find_by_statement(ask).stream(db).await?;
    let mut reading: Option<(Uuid, i32, bool, LogHistory)> = None;
    let end = |(id, version, withdrawn, story): (Uuid, i32, bool, LogHistory),
               checking: &mut IntegrityChecker<'_>| {
        if let Some(wrong) = story.verify(version, withdrawn, without) {
            checking.report(Invariant::ChangeLog, format!("Initiative {id} {wrong}."));
        }
    };
    while let Some(row) = entries.try_next().await? {
        if reading.is_none_or(|(id, ..)| id != row.id) {
            if let Some(read) = reading.take() {
                end(read, checking);
            }
            reading = Some((
                row.id,
                row.version,
                row.withdrawn_at.is_some(),
                LogHistory::default(),
            ));
        }
        if let (Some((_, _, _, story)), Some(kind), Some(number)) = (&mut reading, row.kind, row.number)
            && let Some(impossible) = story.apply_entry(kind)
        {
            let sentence = format!("Initiative {} {impossible}, in change {number}.", row.id);
            checking.report(Invariant::ChangeLog, sentence);
        }
    }
    if let Some(read) = reading {
        end(read, checking);
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct OrphanEntryRow {
    number: i64,
    subject_id: Uuid,
}

/// Finds entries of objects that do not exist. Initiatives always exist. Other objects can have been deleted,
/// with a last entry "withdrawn".
async fn check_orphan_entries(
    db: &DatabaseTransaction,
    subject: ChangeSubject,
    table: &str,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    let ask = Statement::from_string(
        db.get_database_backend(),
        format!(
            r#"SELECT "c"."number", "c"."subject_id" FROM "change_log" AS "c" WHERE "c"."subject" = '{}'
               AND NOT EXISTS (SELECT 1 FROM "{table}" AS "t" WHERE "t"."id" = "c"."subject_id")
               AND ("c"."subject" = 'INITIATIVE' OR "c"."subject_id" NOT IN (
                   SELECT "w"."subject_id" FROM "change_log" AS "w"
                   WHERE "w"."subject" = '{}' AND "w"."kind" = 'WITHDRAWN'))
               ORDER BY "c"."number""#,
            subject.code(),
            subject.code()
        ),
    );
    let mut found = OrphanEntryRow::find_by_statement(ask).stream(db).await?;
    while let Some(OrphanEntryRow { number, subject_id }) = found.try_next().await? {
        let sentence = format!("Change {number} names the {table} {subject_id}, which does not exist.");
        checking.report(Invariant::ChangeLog, sentence);
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct FirstEntryRow {
    id: Uuid,
    kind: Option<ChangeKind>,
}

/// Finds objects without a first entry "published". Followers of the log do not know them.
async fn check_missing_entries(
    db: &DatabaseTransaction,
    subject: ChangeSubject,
    table: &str,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    let ask = Statement::from_string(
        db.get_database_backend(),
        format!(
            r#"SELECT "t"."id", "c"."kind" FROM "{table}" AS "t"
               LEFT JOIN (SELECT "subject_id", MIN("number") AS "first" FROM "change_log"
                          WHERE "subject" = '{}' GROUP BY "subject_id") AS "f" ON "f"."subject_id" = "t"."id"
               LEFT JOIN "change_log" AS "c" ON "c"."number" = "f"."first"
               WHERE "c"."kind" IS NULL OR "c"."kind" <> 'PUBLISHED' ORDER BY "t"."id""#,
            subject.code()
        ),
    );
    let mut found = FirstEntryRow::find_by_statement(ask).stream(db).await?;
    let heading = wayin_entity::to_heading(table);
    while let Some(FirstEntryRow { id, kind }) = found.try_next().await? {
        let sentence = match kind {
            None => format!("{heading} {id} is not in the change log."),
            Some(kind) => format!(
                "{heading} {id} is {} in the change log before its first entry.",
                kind.code().to_lowercase()
            ),
        };
        checking.report(Invariant::ChangeLog, sentence);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply_entries(kinds: &[ChangeKind]) -> (LogHistory, Vec<&'static str>) {
        let mut story = LogHistory::default();
        let impossible = kinds.iter().filter_map(|kind| story.apply_entry(*kind)).collect();
        (story, impossible)
    }

    #[test]
    fn possible_histories_are_accepted() {
        use ChangeKind::{Altered, Published, Withdrawn};
        for (kinds, version, withdrawn) in [
            (&[Published][..], 1, false),
            (&[Published, Altered, Altered], 3, false),
            (&[Published, Withdrawn], 2, true),
            (&[Published, Withdrawn, Published, Altered], 4, false),
        ] {
            let (story, impossible) = apply_entries(kinds);
            assert_eq!(impossible, [""; 0], "{kinds:?}");
            assert_eq!(story.verify(version, withdrawn, 0), None, "{kinds:?}");
            assert!(story.verify(version, !withdrawn, 0).is_some(), "{kinds:?}");
            assert!(story.verify(version + 1, withdrawn, 0).is_some(), "{kinds:?}");
            assert!(story.verify(version - 1, withdrawn, 0).is_some(), "{kinds:?}");
            assert_eq!(
                story.verify(version - 1, withdrawn, 1),
                None,
                "a text was taken out"
            );
        }
        assert!(LogHistory::default().verify(1, false, 0).is_some());
    }

    #[test]
    fn impossible_histories_are_reported() {
        use ChangeKind::{Altered, Published, Withdrawn};
        assert_eq!(
            apply_entries(&[Published, Published]).1,
            ["is published although it was published before"]
        );
        assert_eq!(
            apply_entries(&[Altered]).1,
            ["is changed although it is not published"]
        );
        assert_eq!(
            apply_entries(&[Published, Withdrawn, Withdrawn]).1,
            ["is withdrawn although it is not published"]
        );
    }
}
