//! The migrations: up and down, with the rows of the entities, and constraints that reject invalid rows.

use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter,
    QueryOrder, QuerySelect, Statement,
};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::clock::{Clock, FixedClock};
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, ChangeKind, ChangeSubject, Condition,
    DeliveryTimeline, Dimension, EntryPoint, FileFormat, ImportKind, ImportState, OrganisationKind,
    Perspective, PlaceKind, ReferenceKind, ReportingBasis, ReportingFrequency, Restriction, Role, RowOutcome,
    SourceKind, SubmissionState, Visibility, challenge_reason, change, entity_revision, idempotency_key,
    place,
};
use wayin_migration::Migrator;

use crate::support::constraints::assert_constraint_violation;
use crate::support::database::Kind;
use crate::support::{Database, complete_base, tests_on_both_databases};

tests_on_both_databases![
    migrations_go_down_and_up_again,
    rows_survive_migrations,
    added_reason_can_be_removed_unless_used,
    stored_filters_and_documents_are_renamed_and_back,
    codes_and_columns_of_imports_and_submissions_are_renamed_and_back,
    only_vocabulary_codes_are_accepted,
    constraints_reject_invalid_rows,
    deleting_an_initiative_deletes_its_parts_but_not_its_place,
    change_numbers_increase_and_are_never_reused,
    changes_get_the_versions_that_they_led_to,
    folded_names_sort_alike_on_every_database,
];

async fn migrations_go_down_and_up_again(database: Database) {
    let db = &database.connection;
    let steps = Migrator::migrations().len();
    assert!(Migrator::get_pending_migrations(db).await.unwrap().is_empty());
    assert!(list_tables(&database).await.len() > steps);

    for applied in (0..steps).rev() {
        Migrator::down(db, Some(1)).await.unwrap();
        let left = Migrator::get_applied_migrations(db).await.unwrap();
        assert_eq!(left.len(), applied);
    }
    assert_eq!(list_tables(&database).await, ["seaql_migrations"]);

    Migrator::up(db, None).await.unwrap();
    assert!(Migrator::get_pending_migrations(db).await.unwrap().is_empty());
    complete_base::insert_complete_base(db).await;
    Migrator::down(db, None).await.unwrap();
    assert_eq!(list_tables(&database).await, ["seaql_migrations"]);
}

async fn rows_survive_migrations(database: Database) {
    complete_base::insert_complete_base(&database.connection).await;
    for table in list_tables(&database).await {
        let counted = format!(r#"SELECT COUNT(*) FROM "{table}""#);
        let rows: i64 = query_value(&database.connection, &counted).await;
        assert!(rows > 0, "{table} has a row");
    }
}

async fn added_reason_can_be_removed_unless_used(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    let steps = steps_to_undo("m20261129_000027_add_reason_for_competition");
    let given = async || challenge_reason::Entity::find().all(db).await.unwrap();
    let before = given().await;
    assert!(!before.is_empty());
    let compete = "UPDATE challenge_reason SET reason = 'COMPETITION_FOR_RESOURCES'";

    Migrator::down(db, Some(steps)).await.unwrap();
    assert_eq!(given().await, before);
    assert_constraint_violation(db, "check", compete).await;

    Migrator::up(db, None).await.unwrap();
    assert_eq!(given().await, before);
    db.execute_unprepared(compete).await.unwrap();
    assert_constraint_violation(db, "check", "UPDATE challenge_reason SET reason = 'GREED'").await;
    assert_eq!(given().await[0].reason, ChallengeReason::CompetitionForResources);

    let refusal = Migrator::down(db, Some(steps)).await.unwrap_err().to_string();
    assert!(
        refusal.contains("The code COMPETITION_FOR_RESOURCES cannot be removed: 1 row(s)"),
        "{refusal}"
    );
    assert_eq!(given().await[0].reason, ChallengeReason::CompetitionForResources);
    Migrator::up(db, None).await.unwrap();
}

/// The number of migrations to undo, back to the named one and including it.
fn steps_to_undo(name: &str) -> u32 {
    let migrations = Migrator::migrations();
    let position = migrations.iter().rev().position(|one| one.name() == name);
    u32::try_from(position.unwrap() + 1).unwrap()
}

const NAMES_BEFORE: [&str; 6] = [
    "word",
    "otherWords",
    "caution",
    "within",
    "overlaps",
    "anyRecorded",
];

const NAMES_AFTER: [&str; 6] = [
    "name",
    "synonyms",
    "usageNote",
    "parents",
    "activeDuring",
    "isRecorded",
];

async fn stored_filters_and_documents_are_renamed_and_back(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    let kept = entity_revision::Entity::find().one(db).await.unwrap().unwrap();
    for subject in [ReferenceKind::Term, ReferenceKind::Place, ReferenceKind::Claim] {
        let id = Uuid::from_u128(u128::from(subject as u8) + 1);
        let one = entity_revision::Model {
            subject_id: id,
            id,
            subject,
            ..kept.clone()
        };
        entity_revision::Entity::insert(one.into_active_model())
            .exec(db)
            .await
            .unwrap();
    }
    let steps = steps_to_undo("m20261129_000029_rename_fields_of_documents");
    let filter = |overlaps: &str, any: &str| json!({"and": [{"not": {overlaps: {"crisis": "overlaps"}}}, {"fundingTerms": {any: true}}]});
    let documents = |[revisions, results]: [&'static str; 2],
                     [word, other, caution, within, overlaps, any]: [&str; 6]| {
        let filter = filter(overlaps, any);
        [
            ("claim", "pattern_when", "1 = 1", filter.clone()),
            ("claim", "pattern_among", "1 = 1", filter.clone()),
            (
                revisions,
                "document",
                "subject = 'TERM'",
                json!({"slug": "word", word: "a word", other: ["caution"], caution: null}),
            ),
            (
                revisions,
                "document",
                "subject = 'PLACE'",
                json!({"name": "within", within: ["a", "b"]}),
            ),
            (
                revisions,
                "document",
                "subject = 'CLAIM'",
                json!({"statement": "overlaps", "overlaps": 1, "when": filter.clone(), "then": {}, "among": null}),
            ),
            (
                results,
                "answer",
                "1 = 1",
                json!({"row": {"pattern_then": filter, "overlaps": 1}, "version": 1}),
            ),
        ]
    };
    let before = documents(["kept_revision", "repeatable"], NAMES_BEFORE);
    let after = documents(["entity_revision", "idempotency_key"], NAMES_AFTER);
    let stored = async |documents: &[(&str, &str, &str, Value)]| {
        for (table, column, condition, document) in documents {
            let sql = format!(r#"SELECT "{column}" FROM "{table}" WHERE {condition}"#);
            let rows = db
                .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
                .await
                .unwrap();
            assert!(!rows.is_empty(), "{table} {condition}");
            for row in rows {
                assert_eq!(
                    row.try_get_by_index::<Value>(0).unwrap(),
                    *document,
                    "{table} {column}"
                );
            }
        }
    };

    Migrator::down(db, Some(steps)).await.unwrap();
    for (table, column, condition, document) in &before {
        let sql = format!(r#"UPDATE "{table}" SET "{column}" = '{document}' WHERE {condition}"#);
        db.execute_unprepared(&sql).await.unwrap();
    }
    Migrator::up(db, None).await.unwrap();
    stored(&after).await;
    Migrator::down(db, Some(steps)).await.unwrap();
    stored(&before).await;
    Migrator::up(db, None).await.unwrap();
    stored(&after).await;
}

async fn codes_and_columns_of_imports_and_submissions_are_renamed_and_back(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    let steps = steps_to_undo("m20261129_000030_rename_tables_columns_and_codes");
    for sql in [
        "UPDATE submission SET state = 'CHANGES_REQUESTED', review_note = 'Which year?'",
        "UPDATE import_outcome SET outcome = 'INVALID', code = 'DUPLICATE'",
        "UPDATE audit_event SET action = 'requestChanges'",
    ] {
        db.execute_unprepared(sql).await.unwrap();
    }
    let read = async |sql: &str| -> Vec<String> {
        let query = Statement::from_string(db.get_database_backend(), sql);
        let rows = db.query_all_raw(query).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    };
    for (before, after) in stored_results() {
        let sql = format!("UPDATE idempotency_key SET answer = '{after}'");
        db.execute_unprepared(&sql).await.unwrap();
        Migrator::down(db, Some(steps)).await.unwrap();
        assert_eq!(read("SELECT DISTINCT state FROM submission").await, ["RETURNED"]);
        assert_eq!(
            read("SELECT DISTINCT outcome FROM import_outcome").await,
            ["NOT_RIGHT"]
        );
        assert_eq!(
            read("SELECT DISTINCT code FROM import_outcome").await,
            ["REPEATED"]
        );
        assert_eq!(
            read("SELECT DISTINCT act FROM audit_event").await,
            ["returnSubmission"]
        );
        let [stored] = &*db
            .query_all_raw(Statement::from_string(
                db.get_database_backend(),
                "SELECT answer FROM repeatable",
            ))
            .await
            .unwrap()
        else {
            panic!("There is one stored result.")
        };
        assert_eq!(stored.try_get_by_index::<Value>(0).unwrap(), before);
        Migrator::up(db, None).await.unwrap();
        assert_eq!(
            read("SELECT DISTINCT state FROM submission").await,
            ["CHANGES_REQUESTED"]
        );
        assert_eq!(
            read("SELECT DISTINCT outcome FROM import_outcome").await,
            ["INVALID"]
        );
        assert_eq!(
            read("SELECT DISTINCT code FROM import_outcome").await,
            ["DUPLICATE"]
        );
        assert_eq!(
            read("SELECT DISTINCT action FROM audit_event").await,
            ["requestChanges"]
        );
        let stored = idempotency_key::Entity::find().one(db).await.unwrap().unwrap();
        assert_eq!(stored.answer.unwrap(), after);
    }
}

/// Stored results of mutations, before and after the migration.
fn stored_results() -> [(Value, Value); 4] {
    let import = |mode: &str, state: &str, [mode_column, reason, counts @ ..]: [&str; 10]| {
        let mut row = json!({"id": "1", mode_column: mode, "state": state, reason: null, "kind": "RECORDS"});
        for (number, column) in counts.into_iter().enumerate() {
            row[column] = number.into();
        }
        json!({"import": row})
    };
    [
        (
            import(
                "DRAFTS",
                "WAITING",
                [
                    "intent",
                    "refusal",
                    "rows_done",
                    "drafted",
                    "sent",
                    "published",
                    "unchanged",
                    "not_right",
                    "refused",
                    "warned",
                ],
            ),
            import(
                "DRAFT",
                "QUEUED",
                [
                    "mode",
                    "failure_reason",
                    "rows_processed",
                    "draft_count",
                    "submitted_count",
                    "published_count",
                    "unchanged_count",
                    "invalid_count",
                    "rejected_count",
                    "warning_count",
                ],
            ),
        ),
        (
            json!({"submission": {"state": "RETURNED", "sent_at": null, "document": {"sent_at": 1}}, "change": null}),
            json!({"submission": {"state": "CHANGES_REQUESTED", "submitted_at": null, "document": {"sent_at": 1}},
                   "change": null}),
        ),
        (
            json!({"row": {"word": "a", "word_folded": "a", "other_words": [], "caution": null}, "version": 1}),
            json!({"row": {"name": "a", "name_folded": "a", "synonyms": [], "usage_note": null}, "version": 1}),
        ),
        (
            json!({"row": {"name": "A place", "caution": "a"}, "version": 1}),
            json!({"row": {"name": "A place", "caution": "a"}, "version": 1}),
        ),
    ]
}

async fn only_vocabulary_codes_are_accepted(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    macro_rules! codes {
        ($vocabulary:ty) => {
            <$vocabulary>::ALL
                .iter()
                .map(|value| value.code())
                .collect::<Vec<_>>()
        };
    }
    let vocabularies = [
        ("place", "kind", codes!(PlaceKind)),
        ("organisation", "kind", codes!(OrganisationKind)),
        ("member", "role", codes!(Role)),
        ("invitation", "role", codes!(Role)),
        ("source", "kind", codes!(SourceKind)),
        ("initiative", "visibility", codes!(Visibility)),
        ("entry_point_taken", "entry_point", codes!(EntryPoint)),
        ("entry_point_taken", "perspective", codes!(Perspective)),
        ("challenge_faced", "challenge", codes!(Challenge)),
        ("challenge_faced", "step", codes!(ChallengeStep)),
        ("challenge_faced", "perspective", codes!(Perspective)),
        ("challenge_reason", "reason", codes!(ChallengeReason)),
        ("condition_changed", "condition", codes!(Condition)),
        ("condition_changed", "change", codes!(ChangeExtent)),
        ("funding_term", "intended_focus", codes!(EntryPoint)),
        ("funding_term", "restriction", codes!(Restriction)),
        ("funding_term", "reporting_frequency", codes!(ReportingFrequency)),
        ("funding_term", "reporting_basis", codes!(ReportingBasis)),
        ("funding_term", "delivery_timeline", codes!(DeliveryTimeline)),
        ("reflection", "perspective", codes!(Perspective)),
        ("reflection", "entry_point", codes!(EntryPoint)),
        ("reflection", "challenge", codes!(Challenge)),
        ("claim", "pattern_by", codes!(Dimension)),
        ("submission", "state", codes!(SubmissionState)),
        ("import", "kind", codes!(ImportKind)),
        // PUBLISH is only valid for imports without a member.
        ("import", "mode", vec!["DRAFT", "SUBMIT"]),
        ("import", "format", codes!(FileFormat)),
        ("import", "state", codes!(ImportState)),
        ("import_outcome", "outcome", codes!(RowOutcome)),
        ("change_log", "kind", codes!(ChangeKind)),
        ("change_log", "subject", codes!(ChangeSubject)),
        ("entity_revision", "subject", codes!(ReferenceKind)),
    ];
    for (table, column, codes) in vocabularies {
        for code in codes {
            let accepted = format!(r#"UPDATE "{table}" SET "{column}" = '{code}'"#);
            let outcome = db.execute_unprepared(&accepted).await;
            assert!(outcome.is_ok(), "{accepted}: {outcome:?}");
        }
        let refused = format!(r#"UPDATE "{table}" SET "{column}" = 'NO_SUCH_CODE'"#);
        assert_constraint_violation(db, "check", &refused).await;
    }
}

async fn constraints_reject_invalid_rows(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    let refusals = [
        // Two rows with the same unique value.
        ("unique", "UPDATE place SET code = 'E08000025'"),
        (
            "unique",
            "INSERT INTO member SELECT lead_organisation_id, issuer, subject, organisation_id, role, \
             revoked_at, member.created_at, member.updated_at FROM member, initiative",
        ),
        // Dates and numbers out of order.
        ("check", "UPDATE initiative SET ended_on = '2001-01-01'"),
        ("check", "UPDATE initiative SET ongoing = TRUE"),
        ("check", "UPDATE initiative SET version = 0"),
        ("check", "UPDATE initiative SET disclosure_key = -1"),
        ("check", "UPDATE initiative SET disclosure_key = 4294967296"),
        ("check", "UPDATE entry_point_taken SET position = 0"),
        ("check", "UPDATE funding_term SET position = 0"),
        ("check", "UPDATE funding_term SET amount_minor = -1"),
        ("check", "UPDATE funding_term SET duration_months = 0"),
        ("check", "UPDATE funding_term SET ends_on = '2001-01-01'"),
        ("check", "UPDATE funding_term SET currency = 'gbp'"),
        ("check", "UPDATE funding_term SET currency = 'POUND'"),
        ("check", "UPDATE reflection SET position = 0"),
        ("check", "UPDATE claim SET position = 0"),
        ("check", "UPDATE crisis SET to_on = '2001-01-01'"),
        ("check", "UPDATE submission SET initiative_version = 0"),
        ("check", "UPDATE import SET rows_processed = 22"),
        ("check", "UPDATE import SET draft_count = -1, rows_processed = 19"),
        ("check", "UPDATE import SET organisation_id = NULL"),
        ("check", "UPDATE import SET member_id = NULL"),
        ("check", "UPDATE import SET mode = 'PUBLISH'"),
        ("check", "UPDATE import SET added_count = 4"),
        ("check", "UPDATE import_outcome SET position = 0"),
        (
            "check",
            "UPDATE question_count SET question_count = 0, few_hidden_count = 0",
        ),
        ("check", "UPDATE question_count SET few_hidden_count = -1"),
        ("check", "UPDATE question_count SET few_hidden_count = 13"),
        ("check", "UPDATE revision SET version = 0"),
        ("check", "UPDATE entity_revision SET version = 0"),
        // Rows that refer to themselves, and a second row of instance settings.
        ("check", "UPDATE place SET successor_id = id"),
        ("check", "UPDATE place_parent SET parent_id = place_id"),
        ("check", "UPDATE instance_settings SET id = 2"),
        ("check", "UPDATE member SET organisation_id = NULL"),
        ("check", "UPDATE issued_token SET revoked_at = NULL"),
        ("check", "UPDATE export_link SET secret_digest = 'secret'"),
        ("check", "UPDATE browser_session SET secret_digest = 'secret'"),
        ("check", "UPDATE sign_in_link SET code_digest = 'code'"),
        ("check", "UPDATE sign_in_attempt SET state_digest = 'state'"),
        ("check", "UPDATE sign_in_attempt SET browser_digest = 'secret'"),
        ("check", "UPDATE invitation SET code_digest = 'code'"),
        ("check", "UPDATE invitation SET organisation_id = NULL"),
        ("check", "UPDATE invitation SET accepted_at = NULL"),
        ("check", "UPDATE invitation SET member_id = NULL"),
        ("check", "UPDATE invitation SET revoked_at = accepted_at"),
        ("check", "UPDATE notice SET acknowledged_at = NULL"),
        // References to a row of another table, or to no row.
        (
            "foreign key",
            "UPDATE initiative SET place_id = lead_organisation_id",
        ),
        ("foreign key", "UPDATE initiative SET lead_organisation_id = id"),
        ("foreign key", "UPDATE funding_term SET initiative_id = funder_id"),
        (
            "foreign key",
            "UPDATE challenge_reason SET challenge_faced_id = \
             (SELECT id FROM initiative)",
        ),
        ("foreign key", "UPDATE crisis_place SET place_id = crisis_id"),
        ("foreign key", "UPDATE notice SET audit_event_id = id"),
        ("foreign key", "UPDATE export_link SET token_id = member_id"),
        ("foreign key", "UPDATE browser_session SET member_id = id"),
        ("foreign key", "UPDATE sign_in_link SET created_by = id"),
        ("foreign key", "UPDATE saved_question SET member_id = id"),
        ("foreign key", "UPDATE sign_in_attempt SET invitation_id = id"),
        ("foreign key", "UPDATE invitation SET organisation_id = member_id"),
        // Columns that cannot be null.
        ("not null", "UPDATE initiative SET title = NULL"),
        ("not null", "UPDATE funding_term SET funder_id = NULL"),
        ("not null", "UPDATE term SET synonyms = NULL"),
        ("not null", "UPDATE saved_question SET question = NULL"),
    ];
    for (kind, statement) in refusals {
        assert_constraint_violation(db, kind, statement).await;
    }
}

async fn deleting_an_initiative_deletes_its_parts_but_not_its_place(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    for table in ["place", "organisation", "source", "member", "initiative"] {
        assert_constraint_violation(db, "foreign key", &format!("DELETE FROM {table}")).await;
    }

    for table in ["submission", "revision", "initiative"] {
        let delete = format!("DELETE FROM {table}");
        db.execute_unprepared(&delete).await.unwrap();
    }
    for part in [
        "entry_point_taken",
        "challenge_faced",
        "challenge_reason",
        "condition_changed",
        "funding_term",
        "initiative_source",
    ] {
        let rows: i64 = query_value(db, &format!("SELECT COUNT(*) FROM {part}")).await;
        assert_eq!(rows, 0, "{part} is deleted with the initiative");
    }
}

async fn change_numbers_increase_and_are_never_reused(database: Database) {
    let db = &database.connection;
    let now = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let clock = FixedClock::at(now);
    let log = async || {
        let change = change::ActiveModel {
            number: NotSet,
            kind: Set(ChangeKind::Altered),
            subject: Set(ChangeSubject::Place),
            subject_id: Set(clock.new_id()),
            version: Set(None),
            created_at: Set(now),
            updated_at: Set(now),
        };
        change::Entity::insert(change)
            .exec(db)
            .await
            .unwrap()
            .last_insert_id
    };
    let first = log().await;
    let second = log().await;
    assert!(first < second);

    let newest = change::Entity::find_by_id(second).one(db).await.unwrap();
    newest.unwrap().delete(db).await.unwrap();
    assert!(second < log().await, "a number is not reused");
}

async fn changes_get_the_versions_that_they_led_to(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    let load_versions = async || {
        let versions = change::Entity::find()
            .select_only()
            .column(change::Column::Version);
        let versions: Vec<Option<i32>> = versions.into_tuple().all(db).await.unwrap();
        versions
    };
    assert_eq!(load_versions().await, [Some(1)]);
    let steps = steps_to_undo("m20261130_000037_add_versions_to_changes");
    Migrator::down(db, Some(steps)).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    assert_eq!(load_versions().await, [Some(1)]);
}

async fn folded_names_sort_alike_on_every_database(database: Database) {
    let db = &database.connection;
    let now = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let clock = FixedClock::at(now);
    // An English collation sorts é next to e and ignores spaces and hyphens. A byte order does not.
    let names = ["a b", "a-b", "ab", "east", "zebra", "éclair"];
    let places = names.iter().rev().map(|name| place::ActiveModel {
        id: Set(clock.new_id()),
        name: Set((*name).to_owned()),
        name_folded: Set((*name).to_owned()),
        kind: Set(PlaceKind::Neighbourhood),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    });
    place::Entity::insert_many(places).exec(db).await.unwrap();

    let select = || {
        place::Entity::find()
            .select_only()
            .column(place::Column::NameFolded)
            .order_by_asc(place::Column::NameFolded)
            .into_tuple::<String>()
    };
    assert_eq!(select().all(db).await.unwrap(), names);
    let after = place::Entity::find()
        .filter(place::Column::NameFolded.gt("ab"))
        .order_by_asc(place::Column::NameFolded)
        .all(db)
        .await
        .unwrap();
    let after: Vec<_> = after.iter().map(|place| place.name.as_str()).collect();
    assert_eq!(after, names[3..]);
}

/// The names of all tables, except the internal tables of the database.
async fn list_tables(database: &Database) -> Vec<String> {
    let sql = match database.kind {
        Kind::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
             ORDER BY name"
        }
        Kind::Postgres => "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY name",
    };
    let db = &database.connection;
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// The single value that a query returns.
async fn query_value<T: sea_orm::TryGetable>(db: &DatabaseConnection, sql: &str) -> T {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
