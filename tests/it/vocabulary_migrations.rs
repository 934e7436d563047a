//! The migration helper that adds codes to a vocabulary.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use sea_orm_migration::SchemaManager;
use wayin_migration::vocabulary::WidenedVocabulary;

use crate::support::constraints::assert_constraint_violation;
use crate::support::database::{self, Kind};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    widened_vocabulary_accepts_only_the_new_codes,
    widened_table_keeps_rows_indexes_and_constraints,
    vocabulary_is_narrowed_unless_the_code_is_used,
    vocabulary_with_other_codes_is_not_replaced,
];

const PET_VOCABULARY: WidenedVocabulary = WidenedVocabulary {
    table: "pet",
    column: "kind",
    before: &["CAT", "DOG"],
    after: &["CAT", "HEN", "DOG"],
};

/// The table `pet` refers to `owner`, and `visit` refers to `pet`. Two columns of `pet` have the same
/// vocabulary.
const TABLES_SQL: &str = r#"
    CREATE TABLE "owner" ("id" integer NOT NULL PRIMARY KEY);
    CREATE TABLE "pet" (
        "id" integer NOT NULL PRIMARY KEY,
        "owner_id" integer NOT NULL,
        "kind" text NOT NULL CHECK ("kind" IN ('CAT', 'DOG')),
        "likes" text CHECK ("likes" IN ('CAT', 'DOG')),
        "legs" integer NOT NULL CHECK ("legs" >= 0),
        "name" text NOT NULL,
        UNIQUE ("owner_id", "name"),
        FOREIGN KEY ("owner_id") REFERENCES "owner" ("id") ON DELETE CASCADE
    );
    CREATE INDEX "pet_by_kind" ON "pet" ("kind", "legs");
    CREATE TABLE "visit" (
        "pet_id" integer NOT NULL,
        FOREIGN KEY ("pet_id") REFERENCES "pet" ("id") ON DELETE CASCADE
    );
    INSERT INTO "owner" VALUES (1), (2);
    INSERT INTO "pet" VALUES (1, 1, 'CAT', 'DOG', 4, 'it''s "CAT"'), (2, 2, 'DOG', NULL, 3, 'b');
    INSERT INTO "visit" VALUES (1), (1), (2);
"#;

async fn widened_vocabulary_accepts_only_the_new_codes(database: Database) {
    // A connection that has cached the former table.
    let other = database::connect(&database.url).await.unwrap();
    let db = &database.connection;
    db.execute_unprepared(TABLES_SQL).await.unwrap();
    let add_hen = "UPDATE pet SET kind = 'HEN' WHERE id = 1";
    assert_constraint_violation(&other, "check", add_hen).await;

    run_migration(db, async |manager| PET_VOCABULARY.widen(manager).await)
        .await
        .unwrap();
    for connection in [db, &other] {
        connection.execute_unprepared(add_hen).await.unwrap();
        assert_constraint_violation(connection, "check", "UPDATE pet SET kind = 'OWL' WHERE id = 1").await;
        assert_constraint_violation(connection, "check", "UPDATE pet SET likes = 'HEN' WHERE id = 1").await;
    }
    other.close().await.unwrap();
}

async fn widened_table_keeps_rows_indexes_and_constraints(database: Database) {
    let db = &database.connection;
    db.execute_unprepared(TABLES_SQL).await.unwrap();
    let rows = "SELECT concat(id, owner_id, kind, likes, legs, name) FROM pet ORDER BY id";
    let indexes = match database.kind {
        Kind::Sqlite => {
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'pet' ORDER BY name"
        }
        Kind::Postgres => "SELECT indexdef FROM pg_indexes WHERE tablename = 'pet' ORDER BY indexdef",
    };
    let constraints = "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint \
                       WHERE conrelid = 'pet'::regclass AND conname <> 'pet_kind_check' ORDER BY conname";
    let mut queries = vec![rows, indexes];
    if database.kind == Kind::Postgres {
        queries.push(constraints);
    }
    let mut before = Vec::new();
    for query in &queries {
        before.push(list_texts(db, query).await);
    }
    assert!(before.iter().all(|found| found.len() >= 2), "{before:?}");

    run_migration(db, async |manager| PET_VOCABULARY.widen(manager).await)
        .await
        .unwrap();
    for (query, before) in queries.iter().zip(&before) {
        assert_eq!(&list_texts(db, query).await, before, "{query}");
    }
    for (kind, statement) in [
        ("check", "UPDATE pet SET legs = -1"),
        ("not null", "UPDATE pet SET kind = NULL"),
        (
            "unique",
            "INSERT INTO pet SELECT 3, owner_id, 'HEN', likes, legs, name FROM pet WHERE id = 1",
        ),
        ("foreign key", "UPDATE pet SET owner_id = 9"),
        ("foreign key", "UPDATE visit SET pet_id = 9"),
    ] {
        assert_constraint_violation(db, kind, statement).await;
    }
    db.execute_unprepared("DELETE FROM owner WHERE id = 1")
        .await
        .unwrap();
    let left = "SELECT 'pet ' || id FROM pet UNION ALL SELECT 'visit ' || pet_id FROM visit";
    assert_eq!(list_texts(db, left).await, ["pet 2", "visit 2"]);
}

async fn vocabulary_is_narrowed_unless_the_code_is_used(database: Database) {
    let db = &database.connection;
    db.execute_unprepared(TABLES_SQL).await.unwrap();
    run_migration(db, async |manager| PET_VOCABULARY.widen(manager).await)
        .await
        .unwrap();
    db.execute_unprepared("UPDATE pet SET kind = 'HEN'")
        .await
        .unwrap();

    let refusal = run_migration(db, async |manager| PET_VOCABULARY.narrow(manager).await)
        .await
        .unwrap_err();
    assert_eq!(
        refusal,
        "The code HEN cannot be removed: 2 row(s) of the table pet have it in the column kind. Change these rows first."
    );
    db.execute_unprepared("UPDATE pet SET kind = 'HEN' WHERE id = 2")
        .await
        .unwrap();

    db.execute_unprepared("UPDATE pet SET kind = 'CAT'")
        .await
        .unwrap();
    run_migration(db, async |manager| PET_VOCABULARY.narrow(manager).await)
        .await
        .unwrap();
    assert_constraint_violation(db, "check", "UPDATE pet SET kind = 'HEN'").await;
    db.execute_unprepared("UPDATE pet SET kind = 'DOG'")
        .await
        .unwrap();
    assert_eq!(
        list_texts(db, "SELECT 'visit ' || pet_id FROM visit").await.len(),
        3
    );
}

async fn vocabulary_with_other_codes_is_not_replaced(database: Database) {
    let db = &database.connection;
    db.execute_unprepared(TABLES_SQL).await.unwrap();
    let others = [
        WidenedVocabulary {
            before: &["CAT"],
            ..PET_VOCABULARY
        },
        WidenedVocabulary {
            before: &["CAT", "DOG", "HEN"],
            ..PET_VOCABULARY
        },
        WidenedVocabulary {
            column: "name",
            ..PET_VOCABULARY
        },
        WidenedVocabulary {
            column: "colour",
            ..PET_VOCABULARY
        },
        WidenedVocabulary {
            table: "fish",
            ..PET_VOCABULARY
        },
    ];
    for vocabulary in others {
        let failure = run_migration(db, async |manager| vocabulary.widen(manager).await)
            .await
            .unwrap_err();
        assert_eq!(
            failure,
            format!(
                "The table {} has no constraint that limits the column {} to the codes expected here.",
                vocabulary.table, vocabulary.column
            )
        );
    }
    assert_constraint_violation(db, "check", "UPDATE pet SET kind = 'HEN'").await;
}

/// Changes the tables in one transaction, as a migration does.
async fn run_migration(
    db: &DatabaseConnection,
    change: impl AsyncFnOnce(&SchemaManager<'_>) -> Result<(), sea_orm::DbErr>,
) -> Result<(), String> {
    let transaction = db.begin().await.unwrap();
    let outcome = change(&SchemaManager::new(&transaction)).await;
    match outcome {
        Ok(()) => transaction.commit().await.unwrap(),
        Err(_) => transaction.rollback().await.unwrap(),
    }
    outcome.map_err(|failure| match failure {
        sea_orm::DbErr::Custom(message) => message,
        other => panic!("{other}"),
    })
}

/// The texts of the first column of a query.
async fn list_texts(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
