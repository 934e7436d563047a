//! Concurrent batches: shared references are created once, no write is lost, and the batches of an import are
//! in the order of its file.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryOrder, Statement, TransactionTrait,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::clock::{Clock, SystemClock};
use wayin::error::Error;
use wayin::import::{ROWS_PER_BATCH, job::worker};
use wayin::organisation::{AlteredOrganisations, OrganisationLookup};
use wayin_entity::{
    OrganisationKind, change, entity_revision, import_outcome, initiative, organisation, revision, source,
    submission,
};
use wayin_records::record::OrganisationReference;

use crate::support::app::TestApp;
use crate::support::database::Kind;
use crate::support::imports::{allow_auto_publish, file_record, json_lines, load_import, send_file};
use crate::support::places::start_with_places;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    funder_new_to_several_batches_is_added_once,
    source_new_to_several_batches_is_added_once,
    batch_waits_for_the_previous_one_and_rolls_back_with_it,
    concurrent_organisation_updates_are_not_lost,
];

/// Generates records that fill a few batches.
fn generate_records() -> Vec<Value> {
    (0..ROWS_PER_BATCH * 3 + 50)
        .map(|number| file_record(&number.to_string()))
        .collect()
}

/// Runs an import of a trusted organisation; returns the finished import.
async fn run_trusted_import(app: &TestApp, records: &[Value]) -> Value {
    let partner = app.partner().await;
    allow_auto_publish(app).await;
    let sent = send_file(
        app,
        &partner,
        "return.jsonl",
        json_lines(records),
        json!({"mode": "SUBMIT"}),
    )
    .await;
    worker::run_queued(&app.app).await.unwrap();
    load_import(&partner, &sent["data"]["importRecords"]["import"]["id"]).await
}

/// Asserts that every record was published once, in the order of the file.
async fn assert_published_in_order(app: &TestApp, import: &Value, records: &[Value]) {
    let db = &app.app.db;
    let many = u64::try_from(records.len()).unwrap();
    assert_eq!(
        (
            &import["state"],
            &import["rowsProcessed"],
            &import["publishedCount"]
        ),
        (&json!("COMPLETED"), &json!(many), &json!(many)),
        "{import}"
    );
    for (table, rows) in [
        ("submission", submission::Entity::find().count(db).await),
        ("revision", revision::Entity::find().count(db).await),
        ("import_outcome", import_outcome::Entity::find().count(db).await),
    ] {
        assert_eq!(rows.unwrap(), many, "rows of {table}");
    }
    let references: HashMap<Uuid, Option<String>> = initiative::Entity::find()
        .all(db)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.id, row.external_ref))
        .collect();
    let log = change::Entity::find()
        .order_by_asc(change::Column::Number)
        .all(db)
        .await
        .unwrap();
    let published: Vec<&str> = log
        .iter()
        .filter_map(|row| references.get(&row.subject_id)?.as_deref())
        .collect();
    let sent: Vec<&str> = records
        .iter()
        .filter_map(|record| record["externalRef"].as_str())
        .collect();
    assert_eq!(published, sent, "in the order of the file");
}

/// The number of funders that all later batches refer to, each in another order.
const OTHER_FUNDERS: usize = 200;

async fn funder_new_to_several_batches_is_added_once(database: Database) {
    let app = start_with_places(database).await;
    let mut records = generate_records();
    for (number, record) in records.iter_mut().enumerate().skip(ROWS_PER_BATCH) {
        let other = number * 7 % OTHER_FUNDERS;
        record["fundingTerms"][0]["funder"] =
            json!({"identifier": format!("GB-CHC-{}", 7_000 + other), "name": format!("Funder {other}")});
    }
    let import = run_trusted_import(&app, &records).await;
    assert_published_in_order(&app, &import, &records).await;
    let organisations = organisation::Entity::find().all(&app.app.db).await.unwrap();
    let added = organisations.iter().filter(|one| one.name.starts_with("Funder "));
    assert_eq!(added.count(), OTHER_FUNDERS, "each funder once");
}

async fn source_new_to_several_batches_is_added_once(database: Database) {
    let app = start_with_places(database).await;
    let mut records = generate_records();
    for (number, record) in records.iter_mut().enumerate().skip(ROWS_PER_BATCH) {
        record["source"]["title"] = format!("Return {}", number * 7 % OTHER_FUNDERS).into();
    }
    let import = run_trusted_import(&app, &records).await;
    assert_published_in_order(&app, &import, &records).await;
    let sources = source::Entity::find().all(&app.app.db).await.unwrap();
    let added = sources.iter().filter(|one| one.title.starts_with("Return "));
    assert_eq!(added.count(), OTHER_FUNDERS, "each source once");
}

async fn batch_waits_for_the_previous_one_and_rolls_back_with_it(database: Database) {
    let kind = database.kind;
    let app = start_with_places(database).await;
    let mut records = generate_records();
    // The second batch names a funder that a concurrent transaction adds.
    let funder = json!({"identifier": "GB-CHC-7777", "name": "The other funder"});
    records[ROWS_PER_BATCH + 5]["fundingTerms"][0]["funder"] = funder;
    let other = async {
        // SQLite has one writer, so there is no concurrent transaction.
        if kind != Kind::Postgres {
            return;
        }
        let transaction = app.app.db.begin().await.unwrap();
        let now = SystemClock.now();
        let row = organisation::Model {
            id: SystemClock.new_id(),
            name: "The other funder".into(),
            name_folded: "the other funder".into(),
            kind: None,
            identifier: Some("GB-CHC-7777".into()),
            auto_publish: false,
            created_at: now,
            updated_at: now,
        };
        organisation::Entity::insert(row.into_active_model())
            .exec_without_returning(&transaction)
            .await
            .unwrap();
        let waiting = "SELECT count(*) AS waiting FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let both_wait = async {
            loop {
                let statement = Statement::from_string(app.app.db.get_database_backend(), waiting);
                let row = app.app.db.query_one_raw(statement).await.unwrap().unwrap();
                // The second batch waits for the funder, and the third waits for the second.
                if row.try_get::<i64>("", "waiting").unwrap() == 2 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), both_wait)
            .await
            .expect("the second batch waits for the funder, and the third for the second");
        transaction.commit().await.unwrap();
    };
    let (import, ()) = tokio::join!(run_trusted_import(&app, &records), other);
    assert_published_in_order(&app, &import, &records).await;
    let funders = organisation::Entity::find().all(&app.app.db).await.unwrap();
    let named = funders.iter().filter(|one| one.name == "The other funder");
    assert_eq!(named.count(), 1, "{funders:?}");
}

async fn concurrent_organisation_updates_are_not_lost(database: Database) {
    let db = &database.connection;
    let act = TestApp::action();
    let named = |kind| OrganisationReference {
        identifier: Some("GB-CHC-7".into()),
        name: Some("A charity".into()),
        kind,
    };
    wayin::organisation::find_or_create(db, &act, Some("GB-CHC-7"), Some("A charity"), None)
        .await
        .unwrap();
    // Both read the organisation before either writes it.
    let mut learnt = Vec::new();
    for kind in [OrganisationKind::Funder, OrganisationKind::PublicBody] {
        let reference = named(Some(kind));
        let mut altered = AlteredOrganisations::default();
        let mut found = OrganisationLookup::load(db, std::iter::once(&reference))
            .await
            .unwrap();
        found.resolve(&reference, &act, &mut altered).unwrap();
        learnt.push(altered);
    }
    let [one, another] = <[AlteredOrganisations; 2]>::try_from(learnt).unwrap();
    one.write(db, &act).await.unwrap();
    let refused = another.write(db, &act).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Conflict(output) if output.contains("A charity")),
        "{refused:?}"
    );
    let kept = organisation::Entity::find().one(db).await.unwrap().unwrap();
    assert_eq!(kept.kind, Some(OrganisationKind::Funder), "as the first wrote it");
    let versions = entity_revision::Entity::find().count(db).await.unwrap();
    assert_eq!(versions, 2, "as it was added, and as the first wrote it");
}
