//! Exported records can be imported into another database.

use std::collections::BTreeSet;

use sea_orm::{EntityTrait, QueryOrder};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use wayin::instance::DisclosureKeys;
use wayin_entity::initiative;
use wayin_migration::Migrator;

use crate::support::app::TestApp;
use crate::support::database::connect;
use crate::support::exports::{export_json_lines, remove_versions};
use crate::support::places::PLACES;
use crate::support::records::{EVERY_FIELD, complete_record, list_initiatives, minimal_record};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    exported_records_round_trip,
    disclosure_key_depends_on_lead_and_reference,
];

async fn exported_records_round_trip(database: Database) {
    let app = TestApp::start(database.clone()).await;
    app.import_places(PLACES).await;
    let mut without_kind = complete_record("r-1");
    without_kind["leadOrganisation"]
        .as_object_mut()
        .unwrap()
        .remove("kind");
    let granted = json!({"title": "A grant", "visibility": "OPEN", "leadOrganisation": {"name": "By name"},
        "fundingTerms": [{"funder": {"name": "A funder by name"}, "grantIdentifier": "360G-only"}],
        "source": {"kind": "GRANT_DATA", "title": "Grants"}});
    let rows: Vec<_> =
        [without_kind, complete_record("r-2"), granted]
            .into_iter()
            .chain((0..600).map(|number| {
                minimal_record(&format!("many-{number}"), json!({"place": {"code": "E07000001"}}))
            }))
            .collect();
    app.publish(&rows).await;
    app.publish(&[minimal_record("many-3", json!({"summary": "A second version."}))])
        .await;
    let (written, fields) = (
        export_json_lines(&app).await,
        list_initiatives(&app, EVERY_FIELD).await,
    );
    assert_eq!(written.lines().count(), 603);
    assert!(written.contains("A second version."));
    let empty = connect("sqlite::memory:").await.unwrap();
    Migrator::up(&empty, None).await.unwrap();
    let restored = TestApp::start_on_connection(database, empty).await;
    restored.import_places(PLACES).await;
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(restored.publish(&lines).await.added, 603);
    assert_eq!(
        remove_versions(&export_json_lines(&restored).await),
        remove_versions(&written)
    );
    assert_eq!(list_initiatives(&restored, EVERY_FIELD).await, fields);
    // Importing the export into the same database changes nothing.
    assert_eq!(app.publish(&lines).await.unchanged, 603);
}

async fn disclosure_key_depends_on_lead_and_reference(database: Database) {
    let app = TestApp::start(database).await;
    let led = |reference: &str, lead: &str| {
        minimal_record(
            reference,
            json!({"leadOrganisation": {"identifier": lead, "name": lead}}),
        )
    };
    app.publish(&[
        led("1", "GB-CHC-1"),
        led("2", "GB-CHC-1"),
        led("1", "GB-CHC-2"),
        led("12", "GB-CHC-"),
    ])
    .await;
    let keys = async || {
        let rows = initiative::Entity::find().order_by_asc(initiative::Column::Id);
        let rows = rows.all(&app.app.db).await.unwrap();
        rows.iter().map(|row| row.disclosure_key).collect::<Vec<_>>()
    };
    let first = keys().await;
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 4, "{first:?}");
    // The key does not depend on other fields. A database with the same secret derives the same key.
    app.publish(&[minimal_record(
        "1",
        json!({"title": "Another", "leadOrganisation": {"identifier": "GB-CHC-1"}}),
    )])
    .await;
    assert_eq!(keys().await, first);
    let secret = DisclosureKeys::load(&app.app.db).await.unwrap();
    assert_eq!(secret.derive_key("GB-CHC-1", "2").unwrap(), first[1]);
}
