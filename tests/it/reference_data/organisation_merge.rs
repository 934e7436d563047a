//! Merging organisations: everything moves to the target, and the former names and identifiers resolve to it.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use wayin::import::job::worker;
use wayin::instance::DisclosureKeys;
use wayin_entity::{Role, initiative, organisation_alias, revision};

use super::{list_problems, list_rejections, list_versions};
use crate::support::app::{Client, TestApp};
use crate::support::builders::{record, term};
use crate::support::imports::send_file;
use crate::support::places::start_with_places;
use crate::support::reference_data::{save_reference_data, send_mutation};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    merge_updates_every_reference,
    merged_names_resolve_to_the_target,
    conflicting_references_block_the_merge,
    missing_or_changed_organisations_are_not_merged,
    chained_merges_resolve_to_the_last_target,
    former_identifier_still_resolves,
];

const TARGET_IDENTIFIER: &str = "GB-CHC-10";
const SOURCE_IDENTIFIER: &str = "GB-COH-20";

/// A database in which two organisations lead and fund records.
async fn start_with_two_organisations(database: Database) -> TestApp {
    let app = start_with_places(database).await;
    app.publish(&[
        record("a")
            .led_by(TARGET_IDENTIFIER)
            .in_place("E06000001")
            .build(),
        record("b")
            .led_by(SOURCE_IDENTIFIER)
            .in_place("E06000001")
            .build(),
        record("c")
            .led_by(SOURCE_IDENTIFIER)
            .in_place("E06000002")
            .funded_by(&["GB-CHC-1", SOURCE_IDENTIFIER])
            .build(),
        record("d")
            .funded_by(&[SOURCE_IDENTIFIER, TARGET_IDENTIFIER])
            .build(),
        record("e").funded_by(&["GB-CHC-1"]).build(),
    ])
    .await;
    app
}

async fn find_organisation_id(client: &Client<'_>, identifier: &str) -> String {
    let query = format!("{{ organisation(identifier: {identifier:?}) {{ id }} }}");
    let found = client.query(&query).await;
    found["organisation"]["id"].as_str().unwrap().to_owned()
}

async fn merge_organisations(client: &Client<'_>, keep_id: &str, merge_id: &str) -> Value {
    let input = json!({"target": keep_id, "source": merge_id, "reason": "One and the same"});
    send_mutation(client, "mergeOrganisations", input).await
}

async fn merge_both(app: &TestApp, client: &Client<'_>) -> (String, String) {
    let (keep_id, merge_id) = (
        find_organisation_id(client, TARGET_IDENTIFIER).await,
        find_organisation_id(client, SOURCE_IDENTIFIER).await,
    );
    let payload = merge_organisations(client, &keep_id, &merge_id).await;
    assert_eq!(payload["problems"], json!([]), "{payload}");
    app.catch_up().await;
    (keep_id, merge_id)
}

/// The number of records of each organisation in a dimension, as a steward counts them.
async fn count_by_dimension(client: &Client<'_>, dimension: &str) -> BTreeMap<String, i64> {
    let query = format!(
        "{{ distribution(of: {dimension}) {{ bins {{ label count }} }}
            pattern(when: {{}}, then: {{}}, by: {dimension}) {{ groups(first: 100) {{ nodes {{ label table {{ both }} }} }} }} }}"
    );
    let output = client.query(&query).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let counts: BTreeMap<String, i64> = output["distribution"]["bins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bin| (text(&bin["label"]), bin["count"].as_i64().unwrap()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let groups: BTreeMap<String, i64> = output["pattern"]["groups"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(&one["label"]), one["table"]["both"].as_i64().unwrap()))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(counts, groups, "{dimension}");
    counts
}

fn expected_counts(expected: &[(&str, i64)]) -> BTreeMap<String, i64> {
    expected
        .iter()
        .map(|(label, count)| ((*label).to_owned(), *count))
        .collect()
}

/// Every record by its reference, with its lead organisation, its funders, its version and the reason for that
/// version.
async fn list_records(client: &Client<'_>) -> BTreeMap<String, Value> {
    let query = "{ initiatives { nodes { id externalRef version leadOrganisation { identifier }
        fundingTerms { funder { identifier } } } } }";
    let output = client.query(query).await;
    let mut records = BTreeMap::new();
    for node in output["initiatives"]["nodes"].as_array().unwrap() {
        let revisions = format!(
            "{{ revisions(id: {}) {{ nodes {{ version reason document }} }} }}",
            node["id"]
        );
        let newest = client.query(&revisions).await["revisions"]["nodes"][0].take();
        let document = &newest["document"];
        assert_eq!(newest["version"], node["version"]);
        assert_eq!(
            document["leadOrganisation"]["identifier"],
            node["leadOrganisation"]["identifier"]
        );
        let funders = |terms: &Value| -> Vec<Value> {
            let terms = terms.as_array().into_iter().flatten();
            terms.map(|term| term["funder"]["identifier"].clone()).collect()
        };
        assert_eq!(funders(&document["fundingTerms"]), funders(&node["fundingTerms"]));
        let output = json!({
            "lead": node["leadOrganisation"]["identifier"],
            "funders": funders(&node["fundingTerms"]),
            "version": node["version"],
            "reason": newest["reason"],
        });
        records.insert(node["externalRef"].as_str().unwrap().to_owned(), output);
    }
    records
}

/// Creates pending work of the source: a draft, whose id is returned, and an import with another draft.
async fn create_pending_work(app: &TestApp, partner: &Client<'_>) -> Value {
    let draft = json!({"record": {"externalRef": "f", "title": "A draft", "leadOrganisation": {"identifier": SOURCE_IDENTIFIER},
        "place": {"code": "E06000001"}, "visibility": "OPEN", "source": {"kind": "SELF_REPORT", "title": "Return"},
        "sharing": {"basis": "Agreed", "licence": "CC-BY-4.0"}}});
    let save =
        "mutation($input: SaveSubmissionInput!) { saveSubmission(input: $input) { submission { id } } }";
    let draft = partner.execute_with(save, json!({"input": draft})).await;
    let draft = draft["data"]["saveSubmission"]["submission"]["id"].clone();
    let file = json!({"externalRef": "g", "title": "Of a file"}).to_string();
    let sent = send_file(app, partner, "return.jsonl", &file, json!({})).await;
    assert_eq!(sent["data"]["importRecords"]["problems"], json!([]), "{sent}");
    worker::run_queued(&app.app).await.unwrap();
    draft
}

#[expect(clippy::too_many_lines, reason = "one scenario from start to end")]
async fn merge_updates_every_reference(database: Database) {
    let app = start_with_two_organisations(database).await;
    let steward = app.steward().await;
    let partner = app
        .create_member("partner", Role::Partner, Some(SOURCE_IDENTIFIER))
        .await;
    let draft = create_pending_work(&app, &partner).await;
    let (one, other) = (
        format!("Organisation {TARGET_IDENTIFIER}"),
        format!("Organisation {SOURCE_IDENTIFIER}"),
    );
    let lead = "Organisation GB-CHC-1";
    assert_eq!(
        count_by_dimension(&steward, "LEAD_ORGANISATION").await,
        expected_counts(&[(&one, 1), (&other, 2), (lead, 2)])
    );
    assert_eq!(
        count_by_dimension(&steward, "FUNDER").await,
        expected_counts(&[(&one, 1), (&other, 2), (lead, 2), ("Not known", 2)])
    );
    let before = list_records(&steward).await;
    let merged_row = initiative::Entity::find()
        .filter(initiative::Column::ExternalRef.eq("b"))
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();

    let (keep_id, merge_id) = merge_both(&app, &steward).await;

    assert_eq!(
        count_by_dimension(&steward, "LEAD_ORGANISATION").await,
        expected_counts(&[(&one, 3), (lead, 2)])
    );
    assert_eq!(
        count_by_dimension(&steward, "FUNDER").await,
        expected_counts(&[(&one, 2), (lead, 2), ("Not known", 2)]),
        "once for each record, even if both fund it"
    );
    let after = list_records(&steward).await;
    assert_eq!((&after["a"], &after["e"]), (&before["a"], &before["e"]));
    let written_anew = |lead: &str, funders: &[&str]| json!({"lead": lead, "funders": funders, "version": 2, "reason": "organisations merged: One and the same"});
    assert_eq!(after["b"], written_anew(TARGET_IDENTIFIER, &[]));
    assert_eq!(
        after["c"],
        written_anew(TARGET_IDENTIFIER, &["GB-CHC-1", TARGET_IDENTIFIER])
    );
    assert_eq!(
        after["d"],
        written_anew("GB-CHC-1", &[TARGET_IDENTIFIER, TARGET_IDENTIFIER])
    );
    // Lists, and the fields of the organisation.
    let lists = format!(
        "{{ organisations {{ nodes {{ identifier }} }}
           organisation(id: {keep_id:?}) {{ initiatives {{ totalCount }} fundingTerms {{ totalCount }} }}
           initiatives(filter: {{leadOrganisation: {{id: {{eq: {merge_id:?}}}}}}}) {{ totalCount }}
           pattern(when: {{leadOrganisation: {{identifier: {{eq: {SOURCE_IDENTIFIER:?}}}}}}}, then: {{}}) {{ table {{ both }} }} }}"
    );
    let output = steward.query(&lists).await;
    assert_eq!(
        output,
        json!({
            "organisations": {"nodes": [{"identifier": "GB-CHC-1"}, {"identifier": TARGET_IDENTIFIER}]},
            "organisation": {"initiatives": {"totalCount": 3}, "fundingTerms": {"totalCount": 3}},
            "initiatives": {"totalCount": 3},
            "pattern": {"table": {"both": 3}},
        })
    );
    // The member now acts for the target, and can submit the pending draft under the old identifier.
    let viewer = partner.query("{ viewer { id organisation { id } } }").await["viewer"].take();
    assert_eq!(viewer["organisation"]["id"], keep_id);
    assert_eq!(
        partner
            .query("{ imports { nodes { organisation { id } draftCount } } }")
            .await,
        json!({"imports": {"nodes": [{"organisation": {"id": keep_id}, "draftCount": 1}]}})
    );
    let send = format!(
        "mutation {{ submitForReview(input: {{id: {draft}}}) {{ submission {{ state organisation {{ id }} }} problems {{ message }} }} }}"
    );
    assert_eq!(
        partner.query(&send).await["submitForReview"],
        json!({"submission": {"state": "SUBMITTED", "organisation": {"id": keep_id}}, "problems": []})
    );
    let of_member = list_versions(&steward, viewer["id"].as_str().unwrap()).await;
    assert_eq!(
        of_member[0]["changes"],
        json!([{"path": ["organisation"], "before": merge_id, "after": keep_id}])
    );
    // The disclosure key is the one that a restored database would derive.
    let row = initiative::Entity::find_by_id(merged_row.id)
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();
    let keys = DisclosureKeys::load(&app.app.db).await.unwrap();
    assert_eq!(
        row.disclosure_key,
        keys.derive_key(TARGET_IDENTIFIER, "b").unwrap()
    );
    assert_eq!(
        merged_row.disclosure_key,
        keys.derive_key(SOURCE_IDENTIFIER, "b").unwrap()
    );
    // A rebuilt index returns the same.
    app.app.engine.notifier().notify();
    let restarted = TestApp::start(app.database.clone()).await;
    let other_steward = restarted.steward().await;
    for dimension in ["LEAD_ORGANISATION", "FUNDER"] {
        assert_eq!(
            count_by_dimension(&steward, dimension).await,
            count_by_dimension(&other_steward, dimension).await
        );
    }
    let events = "{ auditEvents(filter: {action: \"mergeOrganisations\"}) {
        nodes { subjectId versionBefore versionAfter detail } } }";
    let event = steward.query(events).await["auditEvents"]["nodes"][0].take();
    assert_eq!(
        event,
        json!({"subjectId": keep_id, "versionBefore": 1, "versionAfter": 2, "detail": {
            "reason": "One and the same", "initiatives": 3, "submissions": 2, "members": 1,
            "merged": {"id": merge_id, "name": other, "identifier": SOURCE_IDENTIFIER}}})
    );
}

async fn merged_names_resolve_to_the_target(database: Database) {
    let app = start_with_two_organisations(database).await;
    let steward = app.steward().await;
    let (keep_id, merge_id) = merge_both(&app, &steward).await;
    let query = format!(
        "{{ byId: organisation(id: {merge_id:?}) {{ id }} byIdentifier: organisation(identifier: {SOURCE_IDENTIFIER:?}) {{ id }}
           node(id: {merge_id:?}) {{ id }} nodes(ids: [{merge_id:?}, {keep_id:?}]) {{ id }}
           organisations(filter: {{identifier: {{in: [{SOURCE_IDENTIFIER:?}]}}}}) {{ nodes {{ id }} }} }}"
    );
    let id = json!({"id": keep_id});
    assert_eq!(
        steward.query(&query).await,
        json!({"byId": id, "byIdentifier": id, "node": id, "nodes": [id, id], "organisations": {"nodes": [id]}})
    );
    // An import under the old identifier or name finds the same record and adds no organisation.
    let again = app
        .publish(&[record("b")
            .led_by(SOURCE_IDENTIFIER)
            .in_place("E06000001")
            .build()])
        .await;
    assert_eq!(
        (again.added, again.altered, again.unchanged),
        (0, 0, 1),
        "{again:?}"
    );
    let by_name = json!({"name": format!("organisation {SOURCE_IDENTIFIER}")});
    let again = app
        .publish(&[record("b")
            .with("leadOrganisation", by_name)
            .in_place("E06000001")
            .build()])
        .await;
    assert_eq!(
        (again.added, again.altered, again.unchanged),
        (0, 0, 1),
        "{again:?}"
    );
    // The old and the new identifier name one organisation, so a file cannot have the same reference under
    // both.
    let by_old = record("g").led_by(SOURCE_IDENTIFIER).build();
    let by_new = record("g")
        .led_by(TARGET_IDENTIFIER)
        .with("fundingTerms", json!([term(SOURCE_IDENTIFIER)]))
        .build();
    let (both, _) = app.try_publish(&[by_old.clone(), by_new.clone()]).await;
    assert_eq!((both.added, both.refused), (0, 2), "{both:?}");
    assert_eq!(app.publish(&[by_old]).await.added, 1);
    assert_eq!(app.publish(&[by_new]).await.altered, 1);
    let total = steward.query("{ organisations { totalCount } }").await;
    assert_eq!(total["organisations"]["totalCount"], 2);
    // The history of both organisations stays.
    let output = list_versions(&steward, &merge_id).await;
    assert_eq!(output[0]["reason"], "One and the same");
    assert_eq!(
        output[0]["changes"],
        json!([{"path": ["mergedInto"], "before": null, "after": keep_id}])
    );
    // If a reader cannot know of the target, the source's id does not resolve.
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    assert_eq!(
        dashboard
            .query(&format!("{{ node(id: {merge_id:?}) {{ id }} }}"))
            .await["node"]["id"],
        keep_id
    );
}

async fn conflicting_references_block_the_merge(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    app.publish(&[
        record("a").led_by(TARGET_IDENTIFIER).build(),
        record("a").led_by(SOURCE_IDENTIFIER).build(),
        record("b").led_by(TARGET_IDENTIFIER).build(),
        record("b").led_by(SOURCE_IDENTIFIER).build(),
        record("c").led_by(SOURCE_IDENTIFIER).build(),
    ])
    .await;
    let before = revision::Entity::find().all(&app.app.db).await.unwrap();
    let (keep_id, merge_id) = (
        find_organisation_id(&steward, TARGET_IDENTIFIER).await,
        find_organisation_id(&steward, SOURCE_IDENTIFIER).await,
    );
    let payload = merge_organisations(&steward, &keep_id, &merge_id).await;
    assert_eq!(
        list_problems(&payload),
        ["source CONFLICT", "source CONFLICT"],
        "{payload}"
    );
    for (error, reference) in payload["problems"].as_array().unwrap().iter().zip(["a", "b"]) {
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("the externalRef {reference}, ")),
            "{message}"
        );
    }
    assert_eq!(payload["organisation"], Value::Null);
    assert_eq!(revision::Entity::find().all(&app.app.db).await.unwrap(), before);
    let standing = steward
        .query(&format!("{{ node(id: {merge_id:?}) {{ id }} }}"))
        .await;
    assert_eq!(standing["node"]["id"], merge_id, "the organisation is unchanged");
}

async fn missing_or_changed_organisations_are_not_merged(database: Database) {
    let app = start_with_two_organisations(database).await;
    let steward = app.steward().await;
    let (keep_id, merge_id) = (
        find_organisation_id(&steward, TARGET_IDENTIFIER).await,
        find_organisation_id(&steward, SOURCE_IDENTIFIER).await,
    );
    let both = |keep: &str, merge: &str| json!({"target": keep, "source": merge, "reason": "Why not"});
    assert_eq!(
        list_rejections(&steward, "mergeOrganisations", both(&keep_id, &keep_id)).await,
        ["source CONTRADICTORY"]
    );
    let mut silent = both(&keep_id, &merge_id);
    silent["reason"] = json!(" ");
    assert_eq!(
        list_rejections(&steward, "mergeOrganisations", silent).await,
        ["reason REQUIRED"]
    );
    let renamed = json!({"id": merge_id, "name": "Renamed", "identifier": SOURCE_IDENTIFIER});
    save_reference_data(&steward, "saveOrganisation", renamed).await;
    let mut looked_at = both(&keep_id, &merge_id);
    (looked_at["targetVersion"], looked_at["sourceVersion"]) = (json!(1), json!(1));
    let stale = send_mutation(&steward, "mergeOrganisations", looked_at.clone()).await;
    assert_eq!(list_problems(&stale), ["sourceVersion STALE_VERSION"]);
    assert_eq!(stale["conflicts"][0]["path"], json!(["name"]));
    looked_at["sourceVersion"] = json!(2);
    looked_at["idempotencyKey"] = json!("once");
    let done = send_mutation(&steward, "mergeOrganisations", looked_at.clone()).await;
    assert_eq!(done["problems"], json!([]), "{done}");
    assert_eq!(
        send_mutation(&steward, "mergeOrganisations", looked_at).await,
        done
    );
    assert_eq!(
        list_rejections(&steward, "mergeOrganisations", both(&keep_id, &merge_id)).await,
        ["source NOT_FOUND"]
    );
}

async fn chained_merges_resolve_to_the_last_target(database: Database) {
    let app = start_with_two_organisations(database).await;
    let steward = app.steward().await;
    let (keep_id, merge_id) = merge_both(&app, &steward).await;
    // A target without an identifier takes that of the source.
    let (last, _) = save_reference_data(&steward, "saveOrganisation", json!({"name": "The last"})).await;
    app.publish(&[record("z")
        .with("leadOrganisation", json!({"name": "The last"}))
        .build()])
        .await;
    let payload = merge_organisations(&steward, &last, &keep_id).await;
    assert_eq!(payload["problems"], json!([]), "{payload}");
    app.catch_up().await;
    let query = format!(
        "{{ nodes(ids: [{merge_id:?}, {keep_id:?}]) {{ id }} organisation(identifier: {SOURCE_IDENTIFIER:?}) {{ name identifier }} }}"
    );
    assert_eq!(
        steward.query(&query).await,
        json!({"nodes": [{"id": last}, {"id": last}], "organisation": {"name": "The last", "identifier": TARGET_IDENTIFIER}})
    );
    let keys = DisclosureKeys::load(&app.app.db).await.unwrap();
    for (reference, version) in [("a", 2), ("b", 3), ("z", 1)] {
        let row = initiative::Entity::find()
            .filter(initiative::Column::ExternalRef.eq(reference))
            .one(&app.app.db)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.version, version, "{reference}");
        assert_eq!(
            row.disclosure_key,
            keys.derive_key(TARGET_IDENTIFIER, reference).unwrap(),
            "{reference}"
        );
    }
    let former = organisation_alias::Entity::find().all(&app.app.db).await.unwrap();
    assert_eq!(former.len(), 2);
}

async fn former_identifier_still_resolves(database: Database) {
    let app = start_with_two_organisations(database).await;
    let steward = app.steward().await;
    let id = find_organisation_id(&steward, SOURCE_IDENTIFIER).await;
    let right =
        json!({"id": id, "name": format!("Organisation {SOURCE_IDENTIFIER}"), "identifier": "GB-COH-21"});
    save_reference_data(&steward, "saveOrganisation", right).await;
    assert_eq!(find_organisation_id(&steward, SOURCE_IDENTIFIER).await, id);
    assert_eq!(find_organisation_id(&steward, "GB-COH-21").await, id);
    let again = app
        .publish(&[record("b")
            .led_by(SOURCE_IDENTIFIER)
            .in_place("E06000001")
            .build()])
        .await;
    assert_eq!((again.added, again.refused), (0, 0), "{again:?}");
    let keys = DisclosureKeys::load(&app.app.db).await.unwrap();
    let row = initiative::Entity::find()
        .filter(initiative::Column::ExternalRef.eq("c"))
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.disclosure_key, keys.derive_key("GB-COH-21", "c").unwrap());
    // The current owner of the identifier takes precedence.
    let (other, _) = save_reference_data(
        &steward,
        "saveOrganisation",
        json!({"name": "Another", "identifier": SOURCE_IDENTIFIER}),
    )
    .await;
    assert_eq!(find_organisation_id(&steward, SOURCE_IDENTIFIER).await, other);
}
