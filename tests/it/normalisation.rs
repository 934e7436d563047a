//! Different spellings of a name, code or identifier are treated as the same.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, QueryOrder};
use serde_json::json;
use wayin::clock::{Clock, SystemClock};
use wayin::integrity::{Invariant, Violation};
use wayin::normalise_database::normalise_stored_names;
use wayin_entity::{initiative, organisation};

use crate::support::app::TestApp;
use crate::support::builders::record;
use crate::support::grants::{grant, package, try_grants};
use crate::support::places::start_with_places;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    organisations_match_every_spelling_of_their_name,
    organisations_match_every_spelling_of_their_identifier,
    places_are_found_by_every_spelling_of_their_code,
    filters_find_every_spelling,
    steward_cannot_save_a_second_spelling,
    stored_names_are_normalised_unless_they_conflict,
];

async fn list_names_and_identifiers(app: &TestApp) -> Vec<(String, Option<String>)> {
    let rows = organisation::Entity::find()
        .order_by_asc(organisation::Column::Id)
        .all(&app.app.db)
        .await
        .unwrap();
    rows.into_iter().map(|row| (row.name, row.identifier)).collect()
}

/// Violations about names only, because the rows that a test inserts have no entry in the change log.
async fn list_name_violations(app: &TestApp) -> Vec<Violation> {
    let mut found = app.violations().await;
    found.retain(|violation| violation.invariant == Invariant::Names);
    found
}

async fn organisations_match_every_spelling_of_their_name(database: Database) {
    let app = TestApp::start(database).await;
    let spellings = [
        "Cwmni Café",
        "Cwmni  Café",
        "Cwmni Cafe\u{301}",
        "CWMNI CAFÉ",
        " Cwmni\u{a0}Caf\u{200b}é ",
    ];
    for (at, name) in spellings.into_iter().enumerate() {
        let one = record(&format!("r{at}")).with("leadOrganisation", json!({"name": name}));
        app.publish(&[one.build()]).await;
    }
    assert_eq!(
        list_names_and_identifiers(&app).await,
        [("Cwmni Café".to_owned(), None)]
    );
    app.assert_no_violations().await;
}

async fn organisations_match_every_spelling_of_their_identifier(database: Database) {
    let app = TestApp::start(database).await;
    let spellings = [
        "GB-CHC-1",
        "gb-chc-1",
        "GB CHC 1",
        "GB_CHC_1",
        "GB-CHC 1",
        "GB\u{2011}CHC\u{2011}1",
    ];
    let grants: Vec<_> = spellings
        .iter()
        .enumerate()
        .map(|(at, spelling)| {
            let recipient = json!([{"id": spelling, "name": "R"}]);
            grant(
                &format!("360G-ex-{at}"),
                &json!({"recipientOrganization": recipient}),
            )
        })
        .collect();
    let (tally, said) = try_grants(&app, &package(&grants)).await;
    assert_eq!((tally.added, said), (6, Vec::new()));
    let known = list_names_and_identifiers(&app).await;
    assert!(
        known.contains(&("R".to_owned(), Some("GB-CHC-1".to_owned()))),
        "{known:?}"
    );
    assert_eq!(known.len(), 2, "{known:?}");
    let steward = app.steward().await;
    for spelling in spellings {
        let query = format!("{{ organisation(identifier: \" {spelling} \") {{ name }} }}");
        assert_eq!(
            steward.query(&query).await,
            json!({"organisation": {"name": "R"}})
        );
        let query = format!(
            "{{ organisations(filter: {{identifier: {{eq: \"{spelling}\"}}}}) {{ nodes {{ name }} }}
                initiatives(filter: {{leadOrganisation: {{identifier: {{in: [\"{spelling}\"]}}}}}}) {{ totalCount }} }}"
        );
        let found = steward.query(&query).await;
        assert_eq!(
            found["organisations"]["nodes"],
            json!([{"name": "R"}]),
            "{spelling}"
        );
        assert_eq!(found["initiatives"]["totalCount"], 6, "{spelling}");
    }
    app.assert_no_violations().await;
}

async fn places_are_found_by_every_spelling_of_their_code(database: Database) {
    let app = start_with_places(database).await;
    app.publish(&[record("r1").in_place(" e06000001\u{a0}").build()])
        .await;
    let steward = app.steward().await;
    for spelling in ["E06000001", "e06000001", " E06000001", "\u{a0}e06000001 "] {
        let query = format!(
            "{{ place(code: \"{spelling}\") {{ name }}
                places(filter: {{code: {{eq: \"{spelling}\"}}}}) {{ nodes {{ name }} }}
                initiatives(filter: {{place: {{is: {{code: \"{spelling}\"}}}}}}) {{ totalCount }} }}"
        );
        let expected = json!({
            "place": {"name": "Hartlepool"}, "places": {"nodes": [{"name": "Hartlepool"}]},
            "initiatives": {"totalCount": 1},
        });
        assert_eq!(steward.query(&query).await, expected, "{spelling:?}");
    }
}

async fn filters_find_every_spelling(database: Database) {
    let app = TestApp::start(database).await;
    let title = "Y  Cafe\u{301}\u{a0}Newydd";
    app.publish(&[record("r1").with("title", title).build()]).await;
    let steward = app.steward().await;
    for filter in [
        "contains: \"café newydd\"",
        "contains: \"CAFE\u{301}  NEWYDD \"",
        "startsWith: \"y caf\u{e9}\"",
        "eq: \"Y Café Newydd\"",
        "in: [\" y  cafe\u{301} newydd\"]",
    ] {
        let query = format!("{{ initiatives(filter: {{title: {{{filter}}}}}) {{ totalCount }} }}");
        let found = steward.query(&query).await;
        assert_eq!(found["initiatives"]["totalCount"], 1, "{filter:?}");
    }
    let (message, _) = steward
        .query_error("{ initiatives(filter: {title: {contains: \" \u{a0}\"}}) { totalCount } }")
        .await;
    assert!(message.contains("contains is an empty text"), "{message}");
}

async fn steward_cannot_save_a_second_spelling(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let save = |identifier: &str| {
        format!(
            "mutation {{ saveOrganisation(input: {{name: \"A  name\", identifier: \"{identifier}\"}}) {{
               organisation {{ name identifier }} problems {{ code path }} }} }}"
        )
    };
    let saved = steward.query(&save("gb-chc 7")).await;
    let expected = json!({"name": "A name", "identifier": "GB-CHC-7"});
    assert_eq!(saved["saveOrganisation"]["organisation"], expected, "{saved}");
    let refused = steward.query(&save("GB_CHC_7")).await;
    let codes = &refused["saveOrganisation"]["problems"];
    assert_eq!(codes[0]["code"], "CONFLICT", "{refused}");
}

async fn stored_names_are_normalised_unless_they_conflict(database: Database) {
    let app = TestApp::start(database).await;
    // Published before the test inserts rows. Those have no entry in the change log, so the engine could not
    // follow them.
    app.publish(&[record("r1").with("title", "Caf\u{e9}").build()])
        .await;
    let now = SystemClock.now();
    let rows = [
        ("R", "GB-CHC-11"),
        ("R", "gb-chc-11"),
        ("Cafe\u{301}  S", "gb-chc-12"),
    ]
    .map(|(name, identifier)| organisation::Model {
        id: SystemClock.new_id(),
        name: name.to_owned(),
        name_folded: name.to_lowercase(),
        kind: None,
        identifier: Some(identifier.to_owned()),
        auto_publish: false,
        created_at: now,
        updated_at: now,
    });
    for row in rows {
        organisation::Entity::insert(row.into_active_model())
            .exec_without_returning(&app.app.db)
            .await
            .unwrap();
    }
    let row = initiative::Entity::find()
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();
    let mut row = row.into_active_model();
    row.title_folded = Set("cafe\u{301}".to_owned());
    row.update(&app.app.db).await.unwrap();
    let found = list_name_violations(&app).await;
    assert_eq!(found.len(), 3, "{found:?}");

    let respelt = normalise_stored_names(&app.app.db, &SystemClock).await.unwrap();
    assert_eq!(respelt.rows, 2);
    let said: Vec<String> = respelt.conflicts.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("gb-chc-11") && said[0].contains("the identifier GB-CHC-11"),
        "{said:?}"
    );
    assert!(said[0].contains("mergeOrganisations"), "{said:?}");
    let known = list_names_and_identifiers(&app).await;
    assert!(
        known.contains(&("Café S".to_owned(), Some("GB-CHC-12".to_owned()))),
        "{known:?}"
    );
    assert!(
        known.contains(&("R".to_owned(), Some("gb-chc-11".to_owned()))),
        "{known:?}"
    );

    let found = list_name_violations(&app).await;
    let [one] = found.as_slice() else {
        panic!("expected one conflict: {found:?}");
    };
    assert!(one.message.contains(&said[0]), "{one}");
    let again = normalise_stored_names(&app.app.db, &SystemClock).await.unwrap();
    assert_eq!((again.rows, again.conflicts.len()), (0, 1));
}
