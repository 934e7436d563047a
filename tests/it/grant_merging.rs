//! Records of grant recipients are merged with the grants in the database.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use wayin::import::Remark;
use wayin_entity::{initiative, organisation, revision};

use crate::support::app::TestApp;
use crate::support::grants::{
    grant, list_initiatives_by_title, load_state, package, query_distribution, tally, try_grants,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    record_absorbs_the_grant_it_names,
    later_grant_updates_the_term_of_its_record,
    grant_of_another_organisation_is_not_absorbed,
];

/// A record with funding terms for some grants.
fn record_with_grants(reference: &str, lead: &str, grants: &[&str]) -> Value {
    let term = |grant: &&str| {
        json!({"funder": {"identifier": "GB-CHC-200", "name": "A funder"}, "grantIdentifier": grant,
            "durationMonths": 12, "upfrontResearch": true})
    };
    json!({
        "externalRef": reference, "title": format!("Record {reference}"), "visibility": "OPEN",
        "leadOrganisation": {"identifier": lead, "name": format!("Organisation {lead}")},
        "fundingTerms": grants.iter().map(term).collect::<Vec<_>>(),
        "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED"}],
        "source": {"kind": "SELF_REPORT", "title": "A return"},
    })
}

async fn record_absorbs_the_grant_it_names(database: Database) {
    let app = TestApp::start(database).await;
    let grants = [grant("360G-a-1", &json!({})), grant("360G-a-2", &json!({}))];
    try_grants(&app, &package(&grants)).await;
    let steward = app.steward().await;
    let before = list_initiatives_by_title(&steward, "id fundingTerms { id }").await;
    let (grant_only, term) = (
        before["Grant 360G-a-1"]["id"].as_str().unwrap().to_owned(),
        before["Grant 360G-a-1"]["fundingTerms"][0]["id"].clone(),
    );
    assert_eq!(
        app.publish(&[record_with_grants("r-1", "GB-CHC-100", &["360G-a-1"])])
            .await
            .added,
        1
    );
    // The initiative that was made from the grant alone no longer exists: not in lists, not by its id, and not
    // in counts.
    let after = list_initiatives_by_title(
        &steward,
        "id version fundingTerms { id durationMonths upfrontResearch amountMinor }",
    )
    .await;
    assert_eq!(after.keys().collect::<Vec<_>>(), ["Grant 360G-a-2", "Record r-1"]);
    let gone = steward
        .query(&format!("{{ node(id: \"{grant_only}\") {{ id }} }}"))
        .await;
    assert_eq!(gone["node"], json!(null));
    assert_eq!(
        query_distribution(&steward, "FUNDING_DURATION_BAND").await,
        BTreeMap::from([("7 to 12 months".to_owned(), 1), ("Not known".to_owned(), 1)])
    );
    // The term keeps the id of the grant's term. Fields that the record omits keep their published values.
    assert_eq!(
        after["Record r-1"]["fundingTerms"],
        json!([{"id": term, "durationMonths": 12, "upfrontResearch": true, "amountMinor": 100_000}])
    );
    let (withdrawn, reasons) = {
        let db = &app.app.db;
        let withdrawn = initiative::Entity::find()
            .filter(initiative::Column::WithdrawnAt.is_not_null())
            .all(db)
            .await
            .unwrap();
        let revisions = revision::Entity::find()
            .filter(revision::Column::InitiativeId.eq(withdrawn[0].id))
            .order_by_asc(revision::Column::Version);
        let reasons: Vec<_> = revisions.all(db).await.unwrap();
        (withdrawn, reasons)
    };
    assert_eq!((withdrawn.len(), withdrawn[0].version), (1, 2));
    let reasons: Vec<_> = reasons.iter().map(|revision| revision.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "imported from a file",
            "a record of the lead organisation names this grant"
        ]
    );
    // Importing the same grants again changes nothing.
    let stood = load_state(&app).await;
    assert_eq!(
        try_grants(&app, &package(&grants)).await,
        (tally(0, 0, 2, 0), vec![])
    );
    assert_eq!(load_state(&app).await, stood);
    // A change of the grant updates its term, but not the other fields of the record.
    let changed = grant(
        "360G-a-1",
        &json!({"amountAwarded": 7, "title": "Another title", "plannedDates": [{"duration": 30}]}),
    );
    assert_eq!(
        try_grants(&app, &package(std::slice::from_ref(&changed))).await,
        (tally(0, 1, 0, 0), vec![])
    );
    let altered = list_initiatives_by_title(
        &steward,
        "version challengesFaced { step } fundingTerms { id durationMonths upfrontResearch amountMinor }",
    )
    .await;
    assert_eq!(
        altered["Record r-1"],
        json!({"version": 2, "challengesFaced": [{"step": "SKIPPED"}],
            "fundingTerms": [{"id": term, "durationMonths": 30, "upfrontResearch": true, "amountMinor": 700}]})
    );
    assert_eq!(altered.len(), 2);
    assert_eq!(
        try_grants(&app, &package(&[changed])).await,
        (tally(0, 0, 1, 0), vec![])
    );
}

async fn later_grant_updates_the_term_of_its_record(database: Database) {
    let app = TestApp::start(database).await;
    app.publish(&[record_with_grants("r-1", "GB-CHC-100", &["360G-a-1"])])
        .await;
    let steward = app.steward().await;
    let before = list_initiatives_by_title(&steward, "id fundingTerms { id }").await;
    let grants = package(&[grant("360G-a-1", &json!({"plannedDates": [{"duration": 24}]}))]);
    assert_eq!(try_grants(&app, &grants).await, (tally(0, 1, 0, 0), vec![]));
    let after = list_initiatives_by_title(
        &steward,
        "id externalRef fundingTerms { id amountMinor durationMonths upfrontResearch }",
    )
    .await;
    assert_eq!(after.keys().collect::<Vec<_>>(), ["Record r-1"]);
    assert_eq!(
        after["Record r-1"],
        json!({"id": before["Record r-1"]["id"], "externalRef": "r-1", "fundingTerms": [{
            "id": before["Record r-1"]["fundingTerms"][0]["id"],
            "amountMinor": 100_000, "durationMonths": 24, "upfrontResearch": true}]})
    );
    assert_eq!(try_grants(&app, &grants).await, (tally(0, 0, 1, 0), vec![]));
}

async fn grant_of_another_organisation_is_not_absorbed(database: Database) {
    let app = TestApp::start(database).await;
    try_grants(&app, &package(&[grant("360G-a-1", &json!({}))])).await;
    let stood = load_state(&app).await;
    // The grant has another recipient, so a steward must decide. Nothing changes, and the organisation is not
    // added.
    let (output, remarks) = app
        .try_publish(&[record_with_grants("r-1", "GB-CHC-300", &["360G-a-1"])])
        .await;
    assert_eq!(output, tally(0, 0, 0, 1));
    let Remark::Refused(refusal) = &remarks[0] else {
        panic!("expected a rejection: {remarks:?}");
    };
    assert_eq!(
        refusal.to_string(),
        "row 1, fundingTerms/0/grantIdentifier: is a grant to another organisation; \
         a steward must decide which of the two leads"
    );
    assert_eq!(load_state(&app).await, stood);
    let known = organisation::Entity::find().all(&app.app.db).await.unwrap();
    let known: Vec<_> = known.iter().filter_map(|one| one.identifier.as_deref()).collect();
    assert!(!known.contains(&"GB-CHC-300"), "{known:?}");
    // A record that is rejected for another reason does not reserve the grant.
    let mut bad = record_with_grants("r-0", "GB-CHC-100", &["360G-a-1"]);
    bad["title"] = json!("");
    let (output, _) = app
        .try_publish(&[bad, record_with_grants("r-1", "GB-CHC-100", &["360G-a-1"])])
        .await;
    assert_eq!(output, tally(1, 0, 0, 1));
    // A term belongs to one record, within a file and across files.
    let (output, remarks) = app
        .try_publish(&[
            record_with_grants("r-2", "GB-CHC-100", &["360G-a-1"]),
            record_with_grants("r-3", "GB-CHC-100", &["360G-a-5"]),
            record_with_grants("r-4", "GB-CHC-100", &["360G-a-6", "360G-a-5"]),
        ])
        .await;
    assert_eq!(output, tally(1, 0, 0, 2));
    let said: Vec<_> = remarks
        .into_iter()
        .map(|remark| match remark {
            Remark::Refused(refusal) => refusal.to_string(),
            Remark::Warning(warning) => panic!("{warning}"),
            Remark::Note(note) => panic!("{note}"),
        })
        .collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(said.join("\n"), @"
        row 1, fundingTerms/0/grantIdentifier: is already a funding term of another record
        row 3, fundingTerms/1/grantIdentifier: is already a funding term of another record
        ");
    }
    // The recipient of the grant is not the lead organisation of the record that names it.
    let elsewhere = grant(
        "360G-a-5",
        &json!({"recipientOrganization": [{"id": "GB-CHC-9", "name": "Another"}]}),
    );
    let stood = load_state(&app).await;
    let (output, said) = try_grants(&app, &package(&[elsewhere])).await;
    assert_eq!(output, tally(0, 0, 0, 1));
    assert_eq!(
        said,
        [
            "row 1, recipientOrganization/0: is not the organisation whose record names this grant; \
          a steward must decide which of the two leads"
        ]
    );
    assert_eq!(load_state(&app).await, stood);
}
