//! Renames tables, columns and codes as in the schema, and in stored results.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::prelude::Uuid;
use sea_orm_migration::sea_orm::{DatabaseBackend, JsonValue, Statement};

use crate::vocabulary::WidenedVocabulary;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for codes in &CODES {
            codes.rename(manager, codes.before, codes.after).await?;
        }
        for (before, after) in PROBLEM_CODES {
            update_code(manager, "import_outcome", "code", before, after).await?;
        }
        for (before, after) in ACTIONS {
            update_code(manager, "audit_event", "act", before, after).await?;
        }
        rename_in_details(manager, Direction::Up).await?;
        for (table, before, after) in COLUMNS {
            rename_column(manager, table, before, after).await?;
        }
        for (before, after) in TABLES {
            rename_table(manager, before, after).await?;
        }
        rename_in_results(manager, Direction::Up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rename_in_results(manager, Direction::Down).await?;
        for (before, after) in TABLES {
            rename_table(manager, after, before).await?;
        }
        for (table, before, after) in COLUMNS {
            rename_column(manager, table, after, before).await?;
        }
        rename_in_details(manager, Direction::Down).await?;
        for (before, after) in ACTIONS {
            update_code(manager, "audit_event", "act", after, before).await?;
        }
        for (before, after) in PROBLEM_CODES {
            update_code(manager, "import_outcome", "code", after, before).await?;
        }
        for codes in &CODES {
            codes.rename(manager, codes.after, codes.before).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// The old and the new codes of a column with a CHECK constraint, in the same order.
struct RenamedCodes {
    table: &'static str,
    column: &'static str,
    before: &'static [&'static str],
    after: &'static [&'static str],
}

const CODES: [RenamedCodes; 4] = [
    RenamedCodes {
        table: "submission",
        column: "state",
        before: &["DRAFT", "SUBMITTED", "RETURNED", "PUBLISHED", "DISCARDED"],
        after: &[
            "DRAFT",
            "SUBMITTED",
            "CHANGES_REQUESTED",
            "PUBLISHED",
            "DISCARDED",
        ],
    },
    RenamedCodes {
        table: "import",
        column: "intent",
        before: &["DRAFTS", "SENT"],
        after: &["DRAFT", "SUBMIT"],
    },
    RenamedCodes {
        table: "import",
        column: "state",
        before: &["WAITING", "RUNNING", "DONE", "REFUSED"],
        after: &["QUEUED", "RUNNING", "COMPLETED", "FAILED"],
    },
    RenamedCodes {
        table: "import_outcome",
        column: "outcome",
        before: &[
            "DRAFTED",
            "SENT",
            "PUBLISHED",
            "UNCHANGED",
            "NOT_RIGHT",
            "REFUSED",
        ],
        after: &[
            "DRAFTED",
            "SUBMITTED",
            "PUBLISHED",
            "UNCHANGED",
            "INVALID",
            "REJECTED",
        ],
    },
];

/// The codes of problems. They have no constraint.
const PROBLEM_CODES: [(&str, &str); 4] = [
    ("CLASH", "CONFLICT"),
    ("KEY_REUSED", "IDEMPOTENCY_KEY_REUSED"),
    ("MALFORMED", "INVALID_FORMAT"),
    ("REPEATED", "DUPLICATE"),
];

/// The mutations in the audit trail.
const ACTIONS: [(&str, &str); 3] = [
    ("sendSubmission", "submitForReview"),
    ("returnSubmission", "requestChanges"),
    ("redact", "redactText"),
];

/// Fields of the details in the audit trail, with the old and the new codes: the subject, then field and code before and
/// after.
const DETAILS: [(&str, [&str; 2], [&str; 2]); 3] = [
    (
        "Submission",
        ["state", "RETURNED"],
        ["state", "CHANGES_REQUESTED"],
    ),
    ("Import", ["as", "DRAFTS"], ["mode", "DRAFT"]),
    ("Import", ["as", "SENT"], ["mode", "SUBMIT"]),
];

/// The fields that a save can clear, as the details in the audit trail list them.
const CLEARED_FIELDS: [(&str, &str, &str); 3] = [
    ("Place", "within", "parents"),
    ("Term", "otherWords", "synonyms"),
    ("Term", "caution", "usageNote"),
];

const COLUMNS: [(&str, &str, &str); 17] = [
    ("audit_event", "act", "action"),
    ("import", "intent", "mode"),
    ("import", "refusal", "failure_reason"),
    ("import", "rows_done", "rows_processed"),
    ("import", "drafted", "draft_count"),
    ("import", "sent", "submitted_count"),
    ("import", "published", "published_count"),
    ("import", "unchanged", "unchanged_count"),
    ("import", "not_right", "invalid_count"),
    ("import", "refused", "rejected_count"),
    ("import", "warned", "warning_count"),
    ("place_within", "within_id", "parent_id"),
    ("submission", "sent_at", "submitted_at"),
    ("term", "word", "name"),
    ("term", "word_folded", "name_folded"),
    ("term", "other_words", "synonyms"),
    ("term", "caution", "usage_note"),
];

const TABLES: [(&str, &str); 7] = [
    ("base", "instance_settings"),
    ("change", "change_log"),
    ("former_organisation", "organisation_alias"),
    ("import_piece", "import_chunk"),
    ("kept_revision", "entity_revision"),
    ("place_within", "place_parent"),
    ("repeatable", "idempotency_key"),
];

/// For each table, the field of a stored result that has the columns of a row.
const ROWS_IN_RESULTS: [(&str, &str); 3] = [
    ("import", "import"),
    ("submission", "submission"),
    ("row", "term"),
];

impl RenamedCodes {
    /// Allows the codes of both lists, changes the rows, and then allows only the new codes.
    async fn rename(
        &self,
        manager: &SchemaManager<'_>,
        from: &[&'static str],
        to: &[&'static str],
    ) -> Result<(), DbErr> {
        let added = to.iter().filter(|code| !from.contains(code));
        let both: Vec<&'static str> = from.iter().chain(added).copied().collect();
        let Self { table, column, .. } = *self;
        let widened_from = |before| WidenedVocabulary {
            table,
            column,
            before,
            after: &both,
        };
        widened_from(from).widen(manager).await?;
        for (from, to) in from.iter().zip(to).filter(|(from, to)| from != to) {
            update_code(manager, table, column, from, to).await?;
        }
        widened_from(to).narrow(manager).await
    }
}

async fn update_code(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
    from: &str,
    to: &str,
) -> Result<(), DbErr> {
    let sql = format!(r#"UPDATE "{table}" SET "{column}" = '{to}' WHERE "{column}" = '{from}'"#);
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}

async fn rename_column(
    manager: &SchemaManager<'_>,
    table: &'static str,
    from: &'static str,
    to: &'static str,
) -> Result<(), DbErr> {
    let table = Table::alter().table(table).rename_column(from, to).take();
    manager.alter_table(table).await
}

async fn rename_table(
    manager: &SchemaManager<'_>,
    from: &'static str,
    to: &'static str,
) -> Result<(), DbErr> {
    manager
        .rename_table(Table::rename().table(from, to).to_owned())
        .await
}

/// Renames codes and fields in the details of events.
async fn rename_in_details(manager: &SchemaManager<'_>, direction: Direction) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let is_sqlite = manager.get_database_backend() == DatabaseBackend::Sqlite;
    for (subject, before, after) in DETAILS {
        let ([from, from_code], [to, to_code]) = direction.order((before, after));
        let sql = if is_sqlite {
            format!(
                "UPDATE audit_event SET detail = json_set(json_remove(detail, '$.{from}'), '$.{to}', '{to_code}') \
                 WHERE subject = '{subject}' AND json_extract(detail, '$.{from}') = '{from_code}'"
            )
        } else {
            format!(
                "UPDATE audit_event SET detail = (detail - '{from}') || jsonb_build_object('{to}', '{to_code}') \
                 WHERE subject = '{subject}' AND detail ->> '{from}' = '{from_code}'"
            )
        };
        db.execute_unprepared(&sql).await?;
    }
    for (subject, before, after) in CLEARED_FIELDS {
        let (from, to) = direction.order((before, after));
        // Strings in JSON are quoted, so that only whole names match.
        let sql = if is_sqlite {
            format!(
                "UPDATE audit_event SET detail = json_set(detail, '$.cleared', \
                 json(replace(json_extract(detail, '$.cleared'), '\"{from}\"', '\"{to}\"'))) \
                 WHERE subject = '{subject}' AND json_type(detail, '$.cleared') = 'array'"
            )
        } else {
            format!(
                "UPDATE audit_event SET detail = jsonb_set(detail, '{{cleared}}', \
                 replace(detail ->> 'cleared', '\"{from}\"', '\"{to}\"')::jsonb) \
                 WHERE subject = '{subject}' AND jsonb_typeof(detail -> 'cleared') = 'array'"
            )
        };
        db.execute_unprepared(&sql).await?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

impl Direction {
    const fn order<T: Copy>(self, (before, after): (T, T)) -> (T, T) {
        match self {
            Self::Up => (before, after),
            Self::Down => (after, before),
        }
    }
}

/// The table of stored results already has its new name.
async fn rename_in_results(manager: &SchemaManager<'_>, direction: Direction) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let backend = manager.get_database_backend();
    let select = r#"SELECT "member_id", "key", "answer" FROM "idempotency_key" WHERE "answer" IS NOT NULL"#;
    for row in db.query_all_raw(Statement::from_string(backend, select)).await? {
        let mut answer: JsonValue = row.try_get("", "answer")?;
        if !rename_in_result(&mut answer, direction) {
            continue;
        }
        let mut update = Query::update();
        update
            .table("idempotency_key")
            .value("answer", Expr::val(answer))
            .and_where(Expr::col("member_id").eq(row.try_get::<Uuid>("", "member_id")?))
            .and_where(Expr::col("key").eq(row.try_get::<String>("", "key")?));
        db.execute(&update).await?;
    }
    Ok(())
}

/// Renames the columns and the codes of the row in a result. Returns whether there is such a row.
fn rename_in_result(answer: &mut JsonValue, direction: Direction) -> bool {
    let mut is_renamed = false;
    for (field, table) in ROWS_IN_RESULTS {
        let Some(row) = answer.get_mut(field).and_then(JsonValue::as_object_mut) else {
            continue;
        };
        let (term_column, _) = direction.order(("other_words", "synonyms"));
        if table == "term" && !row.contains_key(term_column) {
            continue;
        }
        for codes in CODES.iter().filter(|codes| codes.table == table) {
            let column = COLUMNS
                .iter()
                .find(|(of, before, _)| *of == table && *before == codes.column)
                .map_or((codes.column, codes.column), |(_, before, after)| {
                    (*before, *after)
                });
            let (column, _) = direction.order(column);
            let (from, to) = direction.order((codes.before, codes.after));
            if let Some(JsonValue::String(code)) = row.get_mut(column)
                && let Some(at) = from.iter().position(|one| one == code)
            {
                to[at].clone_into(code);
            }
        }
        for (_, before, after) in COLUMNS.iter().filter(|(of, ..)| *of == table) {
            let (from, to) = direction.order((*before, *after));
            if let Some(value) = row.remove(from) {
                row.insert(to.to_owned(), value);
            }
        }
        is_renamed = true;
    }
    is_renamed
}
