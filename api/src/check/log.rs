//! The change log, against what it tells of.

use futures_util::TryStreamExt as _;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, Statement, prelude::DateTimeUtc,
};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, audit_event, change};

use super::{Checking, Invariant};
use crate::error::Result;

/// An entry beside the initiative that it is of; no entry where it has none.
#[derive(FromQueryResult)]
struct Told {
    id: Uuid,
    version: i32,
    withdrawn_at: Option<DateTimeUtc>,
    number: Option<i64>,
    kind: Option<ChangeKind>,
}

/// What the log tells of one initiative, as far as it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Story {
    stands: bool,
    entries: i64,
}

impl Story {
    /// What comes next; why it cannot have happened, where it cannot.
    fn goes_on(&mut self, kind: ChangeKind) -> Option<&'static str> {
        self.entries += 1;
        let impossible = match (kind, self.stands) {
            (ChangeKind::Published, true) => Some("is published although it was published before"),
            (ChangeKind::Altered, false) => Some("is altered although it is not published"),
            (ChangeKind::Withdrawn, false) => Some("is withdrawn although it is not published"),
            _ => None,
        };
        self.stands = kind != ChangeKind::Withdrawn;
        impossible
    }

    /// What is wrong with it as a whole. `without` is how many alterations may have been told of
    /// that made no version.
    fn end(self, version: i32, withdrawn: bool, without: i64) -> Option<String> {
        let beyond = self.entries - i64::from(version);
        if self.entries == 0 {
            Some("is not in the change log".into())
        } else if self.stands == withdrawn {
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

/// Acts that alter initiatives, and make no version of theirs: a text is taken out of the versions
/// that there are, and a key follows what an organisation is known by.
const WITHOUT_A_VERSION: [&str; 3] = ["redactText", "saveOrganisation", "mergeOrganisations"];

/// The tables that the log tells of.
const SUBJECTS: [(ChangeSubject, &str); 4] = [
    (ChangeSubject::Initiative, "initiative"),
    (ChangeSubject::Place, "place"),
    (ChangeSubject::Organisation, "organisation"),
    (ChangeSubject::Crisis, "crisis"),
];

pub(super) async fn check(db: &DatabaseTransaction, checking: &mut Checking<'_>) -> Result<()> {
    checking.summary.changes = change::Entity::find().count(db).await?;
    initiatives(db, checking).await?;
    for (subject, table) in SUBJECTS {
        not_there(db, subject, table, checking).await?;
        if subject != ChangeSubject::Initiative {
            not_told(db, subject, table, checking).await?;
        }
    }
    Ok(())
}

async fn initiatives(db: &DatabaseTransaction, checking: &mut Checking<'_>) -> Result<()> {
    let without = audit_event::Entity::find()
        .filter(audit_event::Column::Action.is_in(WITHOUT_A_VERSION))
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
    let mut told = Told::find_by_statement(ask).stream(db).await?;
    let mut reading: Option<(Uuid, i32, bool, Story)> = None;
    let end = |(id, version, withdrawn, story): (Uuid, i32, bool, Story), checking: &mut Checking<'_>| {
        if let Some(wrong) = story.end(version, withdrawn, without) {
            checking.found(Invariant::Log, format!("Initiative {id} {wrong}."));
        }
    };
    while let Some(row) = told.try_next().await? {
        if reading.is_none_or(|(id, ..)| id != row.id) {
            if let Some(read) = reading.take() {
                end(read, checking);
            }
            reading = Some((row.id, row.version, row.withdrawn_at.is_some(), Story::default()));
        }
        if let (Some((_, _, _, story)), Some(kind), Some(number)) = (&mut reading, row.kind, row.number)
            && let Some(impossible) = story.goes_on(kind)
        {
            let sentence = format!("Initiative {} {impossible}, in change {number}.", row.id);
            checking.found(Invariant::Log, sentence);
        }
    }
    if let Some(read) = reading {
        end(read, checking);
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct OfNothing {
    number: i64,
    subject_id: Uuid,
}

/// Changes of what is not there. An initiative always is; what else was taken out of the base was
/// told as withdrawn before.
async fn not_there(
    db: &DatabaseTransaction,
    subject: ChangeSubject,
    table: &str,
    checking: &mut Checking<'_>,
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
    let mut found = OfNothing::find_by_statement(ask).stream(db).await?;
    while let Some(OfNothing { number, subject_id }) = found.try_next().await? {
        let sentence = format!("Change {number} names the {table} {subject_id}, which is not there.");
        checking.found(Invariant::Log, sentence);
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct First {
    id: Uuid,
    kind: Option<ChangeKind>,
}

/// What is there and was never told, or not as new at first: whoever follows the log does not know of it.
async fn not_told(
    db: &DatabaseTransaction,
    subject: ChangeSubject,
    table: &str,
    checking: &mut Checking<'_>,
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
    let mut found = First::find_by_statement(ask).stream(db).await?;
    let heading = wayin_entity::heading(table);
    while let Some(First { id, kind }) = found.try_next().await? {
        let sentence = match kind {
            None => format!("{heading} {id} is not in the change log."),
            Some(kind) => format!(
                "{heading} {id} is {} in the change log before it is made.",
                kind.code().to_lowercase()
            ),
        };
        checking.found(Invariant::Log, sentence);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kinds: &[ChangeKind]) -> (Story, Vec<&'static str>) {
        let mut story = Story::default();
        let impossible = kinds.iter().filter_map(|kind| story.goes_on(*kind)).collect();
        (story, impossible)
    }

    #[test]
    fn a_story_that_can_have_happened_is_taken() {
        use ChangeKind::{Altered, Published, Withdrawn};
        for (kinds, version, withdrawn) in [
            (&[Published][..], 1, false),
            (&[Published, Altered, Altered], 3, false),
            (&[Published, Withdrawn], 2, true),
            (&[Published, Withdrawn, Published, Altered], 4, false),
        ] {
            let (story, impossible) = told(kinds);
            assert_eq!(impossible, [""; 0], "{kinds:?}");
            assert_eq!(story.end(version, withdrawn, 0), None, "{kinds:?}");
            assert!(story.end(version, !withdrawn, 0).is_some(), "{kinds:?}");
            assert!(story.end(version + 1, withdrawn, 0).is_some(), "{kinds:?}");
            assert!(story.end(version - 1, withdrawn, 0).is_some(), "{kinds:?}");
            assert_eq!(story.end(version - 1, withdrawn, 1), None, "a text was taken out");
        }
        assert!(Story::default().end(1, false, 0).is_some());
    }

    #[test]
    fn what_cannot_have_happened_is_named() {
        use ChangeKind::{Altered, Published, Withdrawn};
        assert_eq!(
            told(&[Published, Published]).1,
            ["is published although it was published before"]
        );
        assert_eq!(told(&[Altered]).1, ["is altered although it is not published"]);
        assert_eq!(
            told(&[Published, Withdrawn, Withdrawn]).1,
            ["is withdrawn although it is not published"]
        );
    }
}
