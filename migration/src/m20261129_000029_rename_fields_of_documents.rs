//! Renames fields in stored filters and documents, as the schema renames them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::prelude::Uuid;
use sea_orm_migration::sea_orm::{DatabaseBackend, JsonValue, Statement, Value};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (subject, before, after) in FIELDS {
            rename_field(manager, subject, before, after).await?;
        }
        rename_conditions(manager, |name| {
            find_new_name(name, |(before, after)| (before, after))
        })
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (subject, before, after) in FIELDS {
            rename_field(manager, subject, after, before).await?;
        }
        rename_conditions(manager, |name| {
            find_new_name(name, |(before, after)| (after, before))
        })
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// The subject of a revision, a field of its document, and the new name of the field.
const FIELDS: [(&str, &str, &str); 4] = [
    ("TERM", "word", "name"),
    ("TERM", "otherWords", "synonyms"),
    ("TERM", "caution", "usageNote"),
    ("PLACE", "within", "parents"),
];

/// The conditions of filters whose names change.
const CONDITIONS: [(&str, &str); 2] = [("overlaps", "activeDuring"), ("anyRecorded", "isRecorded")];

/// Where filters are stored: a table, its key, and a column with a filter or a document that has filters.
const FILTERS: [(&str, &[&str], &str); 5] = [
    ("claim", &["id"], "pattern_when"),
    ("claim", &["id"], "pattern_then"),
    ("claim", &["id"], "pattern_among"),
    ("kept_revision", &["id"], "document"),
    ("repeatable", &["member_id", "key"], "answer"),
];

/// The fields that hold a filter in a revision of a claim, and in the stored result of a mutation of one.
const FIELDS_WITH_FILTERS: [&str; 6] = [
    "when",
    "then",
    "among",
    "pattern_when",
    "pattern_then",
    "pattern_among",
];

async fn rename_field(
    manager: &SchemaManager<'_>,
    subject: &str,
    before: &str,
    after: &str,
) -> Result<(), DbErr> {
    let sql = match manager.get_database_backend() {
        DatabaseBackend::Sqlite => format!(
            "UPDATE kept_revision SET document = json_remove(json_set(document, '$.{after}', \
             json_extract(document, '$.{before}')), '$.{before}') \
             WHERE subject = '{subject}' AND json_type(document, '$.{before}') IS NOT NULL"
        ),
        _ => format!(
            "UPDATE kept_revision SET document = (document - '{before}') || \
             jsonb_build_object('{after}', document -> '{before}') \
             WHERE subject = '{subject}' AND document -> '{before}' IS NOT NULL"
        ),
    };
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}

fn find_new_name(
    name: &str,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> Option<&'static str> {
    let (_, to) = CONDITIONS
        .into_iter()
        .map(direction)
        .find(|(from, _)| *from == name)?;
    Some(to)
}

async fn rename_conditions(
    manager: &SchemaManager<'_>,
    renamed: impl Fn(&str) -> Option<&'static str> + Copy + Send + Sync,
) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let backend = manager.get_database_backend();
    for (table, key, column) in FILTERS {
        let is_filter = table == "claim";
        let keys = key.join(r#"", ""#);
        let of_claims = if table == "kept_revision" {
            "subject = 'CLAIM' AND "
        } else {
            ""
        };
        let select =
            format!(r#"SELECT "{keys}", "{column}" FROM "{table}" WHERE {of_claims}"{column}" IS NOT NULL"#);
        for row in db.query_all_raw(Statement::from_string(backend, select)).await? {
            let mut stored: JsonValue = row.try_get("", column)?;
            if !rename(&mut stored, is_filter, renamed) {
                continue;
            }
            let mut values: Vec<Value> = vec![stored.into()];
            for name in key {
                values.push(match *name {
                    "key" => row.try_get::<String>("", name)?.into(),
                    _ => row.try_get::<Uuid>("", name)?.into(),
                });
            }
            let mut update = Query::update();
            update
                .table(Alias::new(table))
                .value(Alias::new(column), Expr::val(values.remove(0)));
            for (name, value) in key.iter().zip(values) {
                update.and_where(Expr::col(Alias::new(*name)).eq(value));
            }
            db.execute(&update).await?;
        }
    }
    Ok(())
}

/// Renames the conditions in a filter, or in the filters within a document. Returns whether any was renamed.
fn rename(
    value: &mut JsonValue,
    is_filter: bool,
    renamed: impl Fn(&str) -> Option<&'static str> + Copy,
) -> bool {
    match value {
        JsonValue::Array(items) => {
            let mut any = false;
            for item in items {
                any |= rename(item, is_filter, renamed);
            }
            any
        }
        JsonValue::Object(fields) => {
            let mut any = false;
            for (name, mut inner) in std::mem::take(fields) {
                any |= rename(
                    &mut inner,
                    is_filter || FIELDS_WITH_FILTERS.contains(&&*name),
                    renamed,
                );
                let name = match renamed(&name) {
                    Some(to) if is_filter => {
                        any = true;
                        to.to_owned()
                    }
                    _ => name,
                };
                fields.insert(name, inner);
            }
            any
        }
        _ => false,
    }
}
