//! `changes`: what programs that keep a copy of the records have to save and to remove. It lists nothing of records that
//! the reader could never read.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::EntityTrait;
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::id::NodeKind;
use wayin_entity::{Role, initiative};

use crate::support::app::{Client, TestApp};
use crate::support::builders::{RecordBuilder, record, withdraw};
use crate::support::redaction::redact;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    hidden_record_never_appears,
    withdrawn_record_is_removed_for_those_who_could_read_it,
    hidden_record_is_removed_at_the_change_that_hid_it,
    partly_visible_record_is_removed,
    partner_follows_its_own_records,
    changed_record_is_listed_once_as_it_is_now,
    changes_are_read_in_pages,
    page_of_hidden_changes_is_empty,
    copy_equals_the_list_after_every_step,
    invalid_arguments_of_changes_are_rejected,
];

const FUNDER: &str = "GB-CHC-9";

/// A record with a visibility. `GB-CHC-1` leads it.
fn of_visibility(reference: &str, visibility: &str) -> RecordBuilder {
    record(reference).with("visibility", visibility)
}

/// Publishes records, whatever they were before.
async fn publish(app: &TestApp, records: &[RecordBuilder]) {
    let records: Vec<Value> = records.iter().cloned().map(RecordBuilder::build).collect();
    app.publish(&records).await;
}

/// The external reference of each initiative, by its global id.
async fn load_references(app: &TestApp) -> BTreeMap<String, String> {
    let rows = initiative::Entity::find().all(&app.app.db).await.unwrap();
    rows.into_iter()
        .map(|row| (NodeKind::Initiative.encode_id(row.id), row.external_ref.unwrap()))
        .collect()
}

/// The id of the initiative with a reference.
async fn find_id(app: &TestApp, reference: &str) -> Uuid {
    let rows = initiative::Entity::find().all(&app.app.db).await.unwrap();
    let found = rows
        .into_iter()
        .find(|row| row.external_ref.as_deref() == Some(reference));
    found.unwrap().id
}

/// A page of changes.
async fn load_page(client: &Client<'_>, since: i64, first: usize) -> Value {
    let query = format!(
        "{{ changes(sinceNumber: {since}, first: {first}) {{
            changes {{ changeNumber changedAt kind initiativeId initiative {{ id externalRef summary isFullyVisible }} }}
            nextNumber hasMore asOf {{ changeNumber changedAt }} }} }}"
    );
    client.query(&query).await["changes"].take()
}

/// All changes after a number, from pages of 100.
async fn load_changes(client: &Client<'_>, since: i64) -> Vec<Value> {
    let (mut changes, mut since) = (Vec::new(), since);
    loop {
        let page = load_page(client, since, 100).await;
        changes.extend(page["changes"].as_array().unwrap().iter().cloned());
        since = page["nextNumber"].as_i64().unwrap();
        if page["hasMore"] == false {
            assert_eq!(page["asOf"]["changeNumber"], since, "{page}");
            return changes;
        }
    }
}

/// The reference and the kind of each change after a number.
async fn list_changes(app: &TestApp, client: &Client<'_>, since: i64) -> Vec<(String, String)> {
    let references = load_references(app).await;
    let changes = load_changes(client, since).await;
    let described = changes.iter().map(|change| {
        let id = change["initiativeId"].as_str().unwrap();
        let (reference, kind) = (references[id].clone(), change["kind"].as_str().unwrap());
        if kind == "SAVED" {
            assert_eq!(change["initiative"]["externalRef"], reference, "{change}");
            assert_eq!(change["initiative"]["id"], id, "{change}");
            assert_eq!(change["initiative"]["isFullyVisible"], true, "{change}");
        } else {
            assert_eq!(change["initiative"], Value::Null, "{change}");
        }
        (reference, kind.to_owned())
    });
    described.collect()
}

/// Expected changes in the form of [`list_changes`].
fn expect(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    changes
        .iter()
        .map(|(reference, kind)| ((*reference).to_owned(), (*kind).to_owned()))
        .collect()
}

/// The number of the newest change.
async fn newest_number(client: &Client<'_>) -> i64 {
    load_page(client, 0, 1).await["asOf"]["changeNumber"]
        .as_i64()
        .unwrap()
}

async fn hidden_record_never_appears(database: Database) {
    let app = TestApp::start(database).await;
    let every = [
        of_visibility("open", "OPEN"),
        of_visibility("members", "MEMBERS"),
        of_visibility("counted", "AGGREGATE_ONLY"),
        of_visibility("shared", "AGGREGATE_ONLY")
            .with("sharedWithFunders", true)
            .funded_by(&[FUNDER]),
    ];
    publish(&app, &every).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let other = app.create_member("other", Role::Partner, Some("GB-CHC-2")).await;
    let changed = every.map(|one| one.with("summary", "Changed"));
    for step in 0..3 {
        match step {
            0 => {}
            1 => publish(&app, &changed).await,
            _ => withdraw(&app, find_id(&app, "counted").await).await,
        }
        assert_eq!(
            list_changes(&app, &dashboard, 0).await,
            expect(&[("open", "SAVED")])
        );
        assert_eq!(
            list_changes(&app, &other, 0).await,
            expect(&[("open", "SAVED"), ("members", "SAVED")])
        );
    }
    // Nothing in the response names another record.
    let response = json!(load_changes(&dashboard, 0).await).to_string();
    for (id, reference) in load_references(&app).await {
        assert_eq!(response.contains(&id), reference == "open", "{reference}");
    }
}

async fn withdrawn_record_is_removed_for_those_who_could_read_it(database: Database) {
    let app = TestApp::start(database).await;
    publish(
        &app,
        &[
            of_visibility("open", "OPEN"),
            of_visibility("members", "MEMBERS"),
            of_visibility("counted", "AGGREGATE_ONLY").funded_by(&[FUNDER]),
            of_visibility("shared", "AGGREGATE_ONLY")
                .with("sharedWithFunders", true)
                .funded_by(&[FUNDER, "GB-CHC-7"]),
        ],
    )
    .await;
    let steward = app.steward().await;
    let before = newest_number(&steward).await;
    for reference in ["shared", "counted", "members", "open"] {
        withdraw(&app, find_id(&app, reference).await).await;
    }
    for (role, organisation, removed) in [
        (Role::Dashboard, None, &["open"][..]),
        (Role::Partner, Some("GB-CHC-2"), &["members", "open"]),
        (Role::Funder, Some(FUNDER), &["shared", "members", "open"]),
        (Role::Funder, Some("GB-CHC-8"), &["members", "open"]),
        (
            Role::Partner,
            Some("GB-CHC-1"),
            &["shared", "counted", "members", "open"],
        ),
        (Role::Steward, None, &["shared", "counted", "members", "open"]),
    ] {
        let name = format!("{role:?} of {organisation:?}");
        let client = app.create_member(&name, role, organisation).await;
        let expected: Vec<(&str, &str)> = removed.iter().map(|one| (*one, "REMOVED")).collect();
        for since in [0, before] {
            assert_eq!(
                list_changes(&app, &client, since).await,
                expect(&expected),
                "{name} since {since}"
            );
        }
    }
}

async fn hidden_record_is_removed_at_the_change_that_hid_it(database: Database) {
    let app = TestApp::start(database).await;
    let (steward, dashboard) = (
        app.steward().await,
        app.create_member("dashboard", Role::Dashboard, None).await,
    );
    let open = of_visibility("one", "OPEN");
    let hidden = of_visibility("one", "AGGREGATE_ONLY");
    publish(&app, std::slice::from_ref(&open)).await;
    let published = newest_number(&steward).await;
    assert_eq!(
        list_changes(&app, &dashboard, 0).await,
        expect(&[("one", "SAVED")])
    );

    publish(&app, std::slice::from_ref(&hidden)).await;
    let hidden_at = newest_number(&steward).await;
    let removal = load_changes(&dashboard, published).await;
    assert_eq!(removal.len(), 1, "{removal:?}");
    assert_eq!(removal[0]["kind"], "REMOVED");
    let number = removal[0]["changeNumber"].as_i64().unwrap();
    assert!(published < number && number <= hidden_at, "{removal:?}");

    // Nothing shows what happens to the record from then on.
    let text = "A summary that nobody may read";
    publish(&app, &[hidden.clone().with("summary", text)]).await;
    let redacted = redact(&steward, text, "Nobody may read it").await;
    assert_eq!(redacted["problems"], json!([]), "{redacted}");
    withdraw(&app, find_id(&app, "one").await).await;
    assert!(load_changes(&dashboard, hidden_at).await.is_empty());
    for since in [0, published] {
        assert_eq!(load_changes(&dashboard, since).await, removal, "since {since}");
    }
    assert_eq!(
        list_changes(&app, &steward, hidden_at).await,
        expect(&[("one", "REMOVED")]),
        "a steward could read it until it was withdrawn"
    );

    publish(&app, &[open]).await;
    for since in [0, hidden_at] {
        assert_eq!(
            list_changes(&app, &dashboard, since).await,
            expect(&[("one", "SAVED")])
        );
    }
}

async fn partly_visible_record_is_removed(database: Database) {
    let app = TestApp::start(database).await;
    let funded = |visibility: &str| of_visibility("one", visibility).funded_by(&[FUNDER]);
    publish(&app, &[funded("AGGREGATE_ONLY")]).await;
    let funder = app.create_member("funder", Role::Funder, Some(FUNDER)).await;
    let visible = funder.query("{ initiatives { nodes { isFullyVisible } } }").await;
    assert_eq!(
        visible["initiatives"]["nodes"],
        json!([{"isFullyVisible": false}])
    );
    assert_eq!(list_changes(&app, &funder, 0).await, expect(&[]));

    publish(&app, &[funded("MEMBERS")]).await;
    assert_eq!(list_changes(&app, &funder, 0).await, expect(&[("one", "SAVED")]));
    publish(&app, &[funded("AGGREGATE_ONLY")]).await;
    assert_eq!(
        list_changes(&app, &funder, 0).await,
        expect(&[("one", "REMOVED")])
    );
}

async fn partner_follows_its_own_records(database: Database) {
    let app = TestApp::start(database).await;
    let own = of_visibility("own", "AGGREGATE_ONLY").led_by("GB-CHC-2");
    publish(&app, &[own.clone(), of_visibility("other", "AGGREGATE_ONLY")]).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-2"))
        .await;
    assert_eq!(list_changes(&app, &partner, 0).await, expect(&[("own", "SAVED")]));
    let before = newest_number(&partner).await;
    publish(&app, &[own.with("summary", "New")]).await;
    let changes = load_changes(&partner, before).await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["initiative"]["summary"], "New");
    withdraw(&app, find_id(&app, "own").await).await;
    withdraw(&app, find_id(&app, "other").await).await;
    assert_eq!(
        list_changes(&app, &partner, before).await,
        expect(&[("own", "REMOVED")])
    );
}

async fn changed_record_is_listed_once_as_it_is_now(database: Database) {
    let app = TestApp::start(database).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    publish(&app, &[of_visibility("a", "OPEN"), of_visibility("b", "OPEN")]).await;
    publish(&app, &[of_visibility("a", "OPEN").with("summary", "Second")]).await;
    let found = load_changes(&dashboard, 0).await;
    let described: Vec<_> = found
        .iter()
        .map(|change| {
            (
                &change["initiative"]["externalRef"],
                &change["initiative"]["summary"],
            )
        })
        .collect();
    assert_eq!(
        described,
        [(&json!("b"), &json!(null)), (&json!("a"), &json!("Second"))]
    );
    assert_eq!(
        load_page(&dashboard, newest_number(&dashboard).await, 100).await["changes"],
        json!([])
    );
}

async fn changes_are_read_in_pages(database: Database) {
    let app = TestApp::start(database).await;
    let records: Vec<RecordBuilder> = (0..30)
        .map(|number| {
            let visibility = if number % 2 == 0 { "OPEN" } else { "MEMBERS" };
            of_visibility(&format!("{number:02}"), visibility)
        })
        .collect();
    publish(&app, &records).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let whole = load_changes(&dashboard, 0).await;
    assert_eq!(whole.len(), 15);
    for size in [1, 4, 15, 100] {
        let (mut walked, mut since): (Vec<Value>, i64) = (Vec::new(), 0);
        loop {
            let page = load_page(&dashboard, since, size).await;
            let changes = page["changes"].as_array().unwrap();
            assert!(changes.len() <= size, "{page}");
            walked.extend(changes.iter().cloned());
            let next = page["nextNumber"].as_i64().unwrap();
            assert_eq!(
                page["hasMore"],
                next < page["asOf"]["changeNumber"].as_i64().unwrap()
            );
            if page["hasMore"] == false {
                break;
            }
            assert!(next > since, "{page}");
            since = next;
        }
        assert_eq!(walked, whole, "in pages of {size}");
    }
    let numbers = whole
        .iter()
        .map(|change| change["changeNumber"].as_i64().unwrap());
    assert!(numbers.is_sorted(), "in the order of the changes: {whole:?}");
}

async fn page_of_hidden_changes_is_empty(database: Database) {
    let app = TestApp::start(database).await;
    let mut records: Vec<RecordBuilder> = (0..520)
        .map(|number| of_visibility(&number.to_string(), "AGGREGATE_ONLY"))
        .collect();
    records.push(of_visibility("open", "OPEN"));
    publish(&app, &records).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let page = load_page(&dashboard, 0, 100).await;
    assert_eq!(page["changes"], json!([]));
    assert_eq!(
        (&page["nextNumber"], &page["hasMore"]),
        (&json!(500), &json!(true))
    );
    assert_eq!(
        list_changes(&app, &dashboard, 0).await,
        expect(&[("open", "SAVED")])
    );
}

/// Applies the changes after a number to a copy: summaries by reference. Returns the number to continue from.
async fn update_copy(client: &Client<'_>, copy: &mut BTreeMap<String, Value>, since: i64) -> i64 {
    let mut since = since;
    loop {
        let page = load_page(client, since, 2).await;
        for change in page["changes"].as_array().unwrap() {
            let id = change["initiativeId"].as_str().unwrap().to_owned();
            if change["initiative"].is_null() {
                copy.remove(&id);
            } else {
                copy.insert(id, change["initiative"]["summary"].clone());
            }
        }
        since = page["nextNumber"].as_i64().unwrap();
        if page["hasMore"] == false {
            return since;
        }
    }
}

async fn copy_equals_the_list_after_every_step(database: Database) {
    const VISIBILITIES: [&str; 3] = ["OPEN", "MEMBERS", "AGGREGATE_ONLY"];
    let app = TestApp::start(database).await;
    let readers = [
        app.steward().await,
        app.create_member("dashboard", Role::Dashboard, None).await,
        app.create_member("partner", Role::Partner, Some("GB-CHC-1"))
            .await,
        app.create_member("other", Role::Partner, Some("GB-CHC-2")).await,
    ];
    let mut copies = vec![(BTreeMap::new(), 0); readers.len()];
    for step in 0..12 {
        let records: Vec<RecordBuilder> = (0..5)
            .filter(|number| (step + number) % 3 != 0)
            .map(|number| {
                let visibility = VISIBILITIES[(step * 2 + number) % 3];
                of_visibility(&number.to_string(), visibility).with("summary", format!("Step {step}"))
            })
            .collect();
        publish(&app, &records).await;
        if step % 4 == 3 {
            let reference = ((step + 1) % 3).to_string();
            withdraw(&app, find_id(&app, &reference).await).await;
        }
        for (reader, (copy, since)) in readers.iter().zip(&mut copies) {
            *since = update_copy(reader, copy, *since).await;
            let listed = reader
                .query("{ initiatives(first: 100) { nodes { id summary } } }")
                .await;
            let listed: BTreeMap<String, Value> = listed["initiatives"]["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|node| (node["id"].as_str().unwrap().to_owned(), node["summary"].clone()))
                .collect();
            assert_eq!(*copy, listed, "after step {step}");
        }
    }
    let sizes: BTreeSet<usize> = copies.iter().map(|(copy, _)| copy.len()).collect();
    assert!(sizes.len() > 1, "the readers see different records: {sizes:?}");
}

async fn invalid_arguments_of_changes_are_rejected(database: Database) {
    let app = TestApp::start(database).await;
    publish(&app, &[of_visibility("one", "OPEN")]).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let newest = newest_number(&dashboard).await;
    let ask = |since: i64, first: i64| {
        format!("{{ changes(sinceNumber: {since}, first: {first}) {{ nextNumber }} }}")
    };
    for since in [-1, newest + 1, i32::MAX.into()] {
        let (message, code) = dashboard.query_error(&ask(since, 1)).await;
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(
            message.starts_with("sinceNumber: ") && message.ends_with("; load everything again"),
            "{message}"
        );
    }
    for first in [-1, 0, 101] {
        let (message, code) = dashboard.query_error(&ask(0, first)).await;
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.starts_with("first: "), "{message}");
    }
    let (_, code) = app.anonymous().query_error(&ask(0, 1)).await;
    assert_eq!(code, "UNAUTHENTICATED");
}
