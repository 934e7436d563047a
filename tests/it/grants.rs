//! The import of published grants.

use std::collections::BTreeMap;

use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use wayin_entity::{initiative, organisation};

use crate::support::app::TestApp;
use crate::support::grants::{
    LICENCE, grant, list_initiatives_by_title, load_state, package, query_distribution, tally, try_grants,
    try_grants_and_places,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    grant_becomes_a_funding_term_only,
    grant_gets_the_single_place_it_names,
    reimporting_grants_changes_nothing,
    json_and_csv_give_the_same_grants,
    changed_grant_updates_its_term_and_keeps_ids,
    invalid_row_is_rejected_and_valid_rows_are_imported,
    unstorable_grant_values_are_omitted,
    rows_with_one_identifier_are_one_grant,
    duration_bands_match_the_file,
];

const PLACES: &str = include_str!("../data/places/area_codes_excerpt.csv");
const LLOYDS: &str = include_str!("../data/grants/lloyds-bank-foundation.json");
const LLOYD_WEBBER: &str = include_str!("../data/grants/andrew-lloyd-webber-foundation.json");
const CHARITABLE_TRUST: &str = include_str!("../data/grants/ab-charitable-trust.json");
const WOLFSON: &str = include_str!("../data/grants/wolfson.json");
const TWO_FUNDERS: &str = include_str!("../data/grants/two-funders.csv");

async fn grant_becomes_a_funding_term_only(database: Database) {
    let app = TestApp::start(database).await;
    let (output, said) = try_grants(&app, LLOYDS).await;
    assert_eq!((output, said), (tally(22, 0, 0, 0), vec![]));
    let steward = app.steward().await;
    let all = list_initiatives_by_title(
        &steward,
        "summary externalRef startedOn endedOn ongoing visibility sharedWithFunders isIllustrative version
         place { code } leadOrganisation { name identifier kind }
         entryPoints { entryPoint } challengesFaced { challenge } conditionsChanged { condition }
         sources { kind title url datedOn licence } sharing { basis }
         fundingTerms { funder { name identifier kind } grantIdentifier programme currency amountMinor awardedOn
           startsOn endsOn durationMonths intendedFocus upfrontResearch upfrontResearchMonths
           collaborationResourced restriction reportingFrequency reportingBasis deliveryTimeline renewable }",
    )
    .await;
    assert_eq!(all.len(), 22, "one initiative for each grant");
    assert_eq!(
        all["Grant to Key Steps"],
        json!({
            "summary": "WDGB supports homeless people in North Somerset. This grant will provide additional hours for the Support Worker to help homeless people to secure and keep private tenancies.",
            "externalRef": null, "startedOn": null, "endedOn": null, "ongoing": null, "visibility": "OPEN",
            "sharedWithFunders": false, "isIllustrative": false, "version": 1, "place": null,
            "leadOrganisation": {"name": "Key Steps", "identifier": "GB-CHC-1146111", "kind": null},
            "entryPoints": [], "challengesFaced": [], "conditionsChanged": [],
            "sources": [{"kind": "GRANT_DATA", "title": "Grants published by Lloyds Bank Foundation for England and Wales",
                "url": null, "datedOn": null, "licence": LICENCE}],
            "sharing": null,
            "fundingTerms": [{
                "funder": {"name": "Lloyds Bank Foundation for England and Wales", "identifier": "GB-CHC-327114", "kind": "FUNDER"},
                "grantIdentifier": "360G-LBFEW-102820", "programme": "XA12 - Community",
                "currency": "GBP", "amountMinor": 1_775_996, "awardedOn": "2013-08-28",
                "startsOn": "2013-10-01", "endsOn": "2015-09-30", "durationMonths": 24,
                "intendedFocus": null, "upfrontResearch": null, "upfrontResearchMonths": null,
                "collaborationResourced": null, "restriction": null, "reportingFrequency": null,
                "reportingBasis": null, "deliveryTimeline": null, "renewable": null,
            }],
        })
    );
    assert_eq!(all["Grant to Small Charities Coalition"]["summary"], json!(null));
    // The stated duration is kept, even if the dates give one month more.
    let term = &all["Grant to Avon Club for Young People"]["fundingTerms"][0];
    assert_eq!(
        (&term["endsOn"], &term["durationMonths"]),
        (&json!("2016-05-31"), &json!(24))
    );
    // The funder and the source are added only once.
    let sources = list_initiatives_by_title(&steward, "sources { id } fundingTerms { funder { id } }").await;
    let first = sources.values().next().unwrap();
    assert!(
        sources.values().all(|one| one == first),
        "one source and one funder: {sources:?}"
    );
    // A field that the grant does not have is unknown, not false.
    let pattern = steward
        .query(
            "{ pattern(
                when: {fundingTerms: {some: {upfrontResearch: {eq: true}}}}
                then: {challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}) {
              table { population both whenOnly thenOnly neither unknown whenUnknown thenUnknown } } }",
        )
        .await;
    assert_eq!(
        pattern["pattern"]["table"],
        json!({"population": 22, "both": 0, "whenOnly": 0, "thenOnly": 0, "neither": 0,
            "unknown": 22, "whenUnknown": 22, "thenUnknown": 22})
    );
}

async fn grant_gets_the_single_place_it_names(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(PLACES).await;
    let located = [
        (
            "by code",
            json!([{"geoCode": "E08000025", "name": "Somewhere"}]),
            Some("E08000025"),
        ),
        (
            "by a code in small letters",
            json!([{"geoCode": " e08000025"}]),
            Some("E08000025"),
        ),
        (
            "by a retired code",
            json!([{"geoCode": "S12000046"}]),
            Some("S12000049"),
        ),
        (
            "by the code of the kingdom",
            json!([{"name": "UK Wide", "geoCode": "K02000001"}]),
            Some("K02000001"),
        ),
        ("by name", json!([{"name": "camden "}]), Some("E09000007")),
        (
            "by the name where the code is unknown",
            json!([{"name": "Manchester", "geoCode": "E08000099"}]),
            Some("E08000003"),
        ),
        (
            "by a name that a retired place has too",
            json!([{"name": "Glasgow City"}]),
            Some("S12000049"),
        ),
        ("by a retired name", json!([{"name": "Allerdale"}]), None),
        ("by a name of two", json!([{"name": "West Midlands"}]), None),
        ("by a name of none", json!([{"name": "UK Wide"}]), None),
        (
            "twice the same",
            json!([{"name": "Camden"}, {"geoCode": "E09000007"}]),
            Some("E09000007"),
        ),
        (
            "two places",
            json!([{"name": "Camden"}, {"name": "Manchester"}]),
            None,
        ),
        ("nowhere", json!([]), None),
    ];
    let grants: Vec<_> = located
        .iter()
        .map(|(title, location, _)| grant(title, &json!({"title": title, "beneficiaryLocation": location})))
        .collect();
    let (output, said) = try_grants_and_places(&app, &package(&grants)).await;
    let mut unknown = vec!["note: E08000099 is not the code of a known place: 1 grant names it.".to_owned()];
    unknown.extend(["Allerdale", "UK Wide", "West Midlands"].map(|name| {
        format!("note: \"{name}\" is not the name of exactly one known place: 1 grant names it.")
    }));
    assert_eq!((output, said), (tally(13, 0, 0, 0), unknown));
    let all = list_initiatives_by_title(&app.steward().await, "place { code }").await;
    for (title, location, code) in located {
        assert_eq!(
            all[title]["place"]["code"],
            json!(code),
            "{title}, for {location}"
        );
    }
}

async fn reimporting_grants_changes_nothing(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(PLACES).await;
    let files = [(LLOYDS, 22), (LLOYD_WEBBER, 22), (CHARITABLE_TRUST, 20)];
    for (file, rows) in files {
        let (output, said) = try_grants(&app, file).await;
        assert_eq!((output.added, output.refused), (rows, 0), "{said:?}");
    }
    let before = load_state(&app).await;
    for (file, rows) in files {
        assert_eq!(try_grants(&app, file).await, (tally(0, 0, rows, 0), vec![]));
    }
    assert_eq!(load_state(&app).await, before);
    assert!(before.0.iter().all(|initiative| initiative.version == 1));
}

async fn json_and_csv_give_the_same_grants(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(PLACES).await;
    assert_eq!(try_grants(&app, TWO_FUNDERS).await.0, tally(10, 0, 0, 0));
    let before = load_state(&app).await;
    let ours: Vec<_> = before
        .1
        .iter()
        .map(|term| term.grant_identifier.clone().unwrap())
        .collect();
    let mut same = Vec::new();
    for file in [LLOYDS, LLOYD_WEBBER] {
        let mut package: Value = serde_json::from_str(file).unwrap();
        let Value::Array(grants) = package["grants"].take() else {
            panic!("a package has grants");
        };
        let is_ours = |grant: &Value| ours.iter().any(|id| grant["id"] == **id);
        same.extend(grants.into_iter().filter(is_ours));
    }
    assert_eq!(
        try_grants(&app, &package(&same)).await,
        (tally(0, 0, 10, 0), vec![])
    );
    assert_eq!(load_state(&app).await, before);
}

async fn changed_grant_updates_its_term_and_keeps_ids(database: Database) {
    let app = TestApp::start(database).await;
    let (one, other) = (grant("360G-a-1", &json!({})), grant("360G-a-2", &json!({})));
    try_grants(&app, &package(&[one, other.clone()])).await;
    let steward = app.steward().await;
    let fields = "id version fundingTerms { id amountMinor durationMonths } leadOrganisation { name }";
    let before = list_initiatives_by_title(&steward, fields).await;
    let untouched = load_state(&app).await.0;
    let changed = grant(
        "360G-a-1",
        &json!({"amountAwarded": 2500.5, "plannedDates": [{"duration": 18}],
            "recipientOrganization": [{"id": "GB-CHC-101", "name": "Another charity"}]}),
    );
    assert_eq!(
        try_grants(&app, &package(&[changed.clone(), other])).await,
        (tally(0, 1, 1, 0), vec![])
    );
    let after = list_initiatives_by_title(&steward, fields).await;
    let (was, is) = (&before["Grant 360G-a-1"], &after["Grant 360G-a-1"]);
    assert_eq!(is["id"], was["id"]);
    assert_eq!(is["version"], 2);
    assert_eq!(is["leadOrganisation"]["name"], "Another charity");
    assert_eq!(
        is["fundingTerms"],
        json!([{"id": was["fundingTerms"][0]["id"], "amountMinor": 250_050, "durationMonths": 18}])
    );
    assert_eq!(after["Grant 360G-a-2"], before["Grant 360G-a-2"]);
    let other = |rows: &[initiative::Model]| {
        rows.iter()
            .find(|row| row.version == 1 && row.title == "Grant 360G-a-2")
            .cloned()
    };
    assert_eq!(other(&load_state(&app).await.0), other(&untouched));
    // Its id still resolves to the same node, and importing the changed grant again changes nothing.
    let id = was["fundingTerms"][0]["id"].as_str().unwrap();
    let node = steward
        .query(&format!(
            "{{ node(id: \"{id}\") {{ ... on FundingTerm {{ grantIdentifier }} }} }}"
        ))
        .await;
    assert_eq!(node["node"]["grantIdentifier"], "360G-a-1");
    assert_eq!(
        try_grants(&app, &package(&[changed])).await,
        (tally(0, 0, 1, 0), vec![])
    );
}

async fn invalid_row_is_rejected_and_valid_rows_are_imported(database: Database) {
    let app = TestApp::start(database).await;
    let mut bad: Value = serde_json::from_str(WOLFSON).unwrap();
    for grant in bad["grants"].as_array_mut().unwrap() {
        grant["title"] = json!(" ");
    }
    let (output, said) = try_grants(&app, &bad.to_string()).await;
    assert_eq!(output, tally(0, 0, 0, 20));
    assert_eq!(said.len(), 20, "{said:?}");
    assert_eq!(said[0], "row 1, title: is missing");
    assert_eq!(load_state(&app).await.3, 0, "nothing was imported");
    assert_eq!(organisation::Entity::find().count(&app.app.db).await.unwrap(), 0);
    // Valid grants of the same file are imported. Every problem of an invalid one is reported, with the file's
    // own field names.
    bad["grants"][3]["title"] = json!("A good one");
    bad["grants"][4]["id"] = json!(null);
    let (output, said) = try_grants(&app, &bad.to_string()).await;
    assert_eq!((output.added, output.refused, output.warned), (1, 19, 1));
    let of_row = |row: &str| said.iter().filter(|said| said.contains(row)).collect::<Vec<_>>();
    assert_eq!(
        of_row("row 4,"),
        ["warning: row 4, awardDate: \"05/06/2014\" is read as 2014-06-05, with the day first"]
    );
    assert_eq!(of_row("row 5,").len(), 2, "{said:?}");
    let all = list_initiatives_by_title(&app.steward().await, "fundingTerms { awardedOn }").await;
    assert_eq!(
        all.into_iter().collect::<Vec<_>>(),
        [(
            "A good one".to_owned(),
            json!({"fundingTerms": [{"awardedOn": "2014-06-05"}]})
        )]
    );
}

async fn unstorable_grant_values_are_omitted(database: Database) {
    let app = TestApp::start(database).await;
    let long = format!("GB-CHC-{}", "9".repeat(120));
    let rows = [
        grant("360G-a-1", &json!({"amountAwarded": -500, "awardDate": "N/A"})),
        grant(
            "360G-a-2",
            &json!({"plannedDates": [{"startDate": "2018-09-01", "endDate": "2018-08-31", "duration": 0.5}]}),
        ),
        grant(
            "360G-a-3",
            &json!({"recipientOrganization": [{"id": long, "name": "A charity"}]}),
        ),
        grant("360G-a-4", &json!({"amountAwarded": 41666.6667})),
    ];
    let (output, said) = try_grants(&app, &package(&rows)).await;
    assert_eq!(
        (output.added, output.refused, output.warned),
        (4, 0, 4),
        "{said:?}"
    );
    let place: Vec<_> = said.iter().map(|said| said.split(": ").nth(1).unwrap()).collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(place.join("\n"), @"
        row 1, amountAwarded
        row 1, awardDate
        row 2, plannedDates/0/endDate
        row 2, plannedDates/0/duration
        row 3, recipientOrganization/0/id
        row 4, amountAwarded
        ");
    }
    let fields = "fundingTerms { grantIdentifier amountMinor awardedOn startsOn endsOn durationMonths }";
    let all = list_initiatives_by_title(&app.steward().await, fields).await;
    let term = |id: &str| all[&format!("Grant {id}")]["fundingTerms"][0].clone();
    assert_eq!(
        term("360G-a-1"),
        json!({"grantIdentifier": "360G-a-1", "amountMinor": null, "awardedOn": null, "startsOn": null, "endsOn": null, "durationMonths": null})
    );
    assert_eq!(term("360G-a-2")["startsOn"], "2018-09-01");
    assert_eq!(term("360G-a-2")["endsOn"], Value::Null);
    assert_eq!(term("360G-a-4")["amountMinor"], 4_166_667);
    // Importing the same file again changes nothing and returns the same warnings.
    let (output, again) = try_grants(&app, &package(&rows)).await;
    assert_eq!((output.unchanged, output.warned, again), (4, 4, said));
}

async fn rows_with_one_identifier_are_one_grant(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(PLACES).await;
    let table = "Identifier,Title,Description,Currency,Amount Awarded,Award Date,Recipient Org:Identifier,\
        Recipient Org:Name,Funding Org:Identifier,Funding Org:Name,Beneficiary Location:Geographic Code\n\
        360G-a,Two places,D,GBP,1,2020-01-01,GB-CHC-1,R,GB-CHC-2,F,E09000007\n\
        360G-b,One place,D,GBP,1,2020-01-01,GB-CHC-1,R,GB-CHC-2,F,E09000007\n\
        360G-a,,,,,,,,,,E08000003\n\
        360G-b,One place,D,GBP,2,2020-01-01,GB-CHC-3,S,GB-CHC-2,F,E09000007\n\
        360G-c,,,,,,,,,,E08000003\n";
    let (output, said) = try_grants(&app, table).await;
    assert_eq!(
        (output.added, output.altered, output.refused, output.warned),
        (2, 0, 1, 1)
    );
    assert!(said.contains(&"row 6, Title: is missing".to_owned()), "{said:?}");
    let clash =
        "row 5, Amount Awarded: is \"2\", and \"1\" in row 3, which has the same identifier; \"1\" is kept";
    assert!(said.iter().any(|line| line.ends_with(clash)), "{said:?}");
    assert!(
        said.iter()
            .any(|line| line.contains("\"S\" is a further recipient")),
        "{said:?}"
    );
    let all = list_initiatives_by_title(
        &app.steward().await,
        "version place { code } fundingTerms { amountMinor }",
    )
    .await;
    let terms = json!([{"amountMinor": 100}]);
    assert_eq!(
        all["Two places"],
        json!({"version": 1, "place": null, "fundingTerms": terms})
    );
    assert_eq!(
        all["One place"],
        json!({"version": 1, "place": {"code": "E09000007"}, "fundingTerms": terms})
    );
    let (again, _) = try_grants(&app, table).await;
    assert_eq!((again.unchanged, again.altered, again.refused), (2, 0, 1));
}

async fn duration_bands_match_the_file(database: Database) {
    let app = TestApp::start(database).await;
    let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
    for file in [LLOYDS, LLOYD_WEBBER, CHARITABLE_TRUST] {
        let package: Value = serde_json::from_str(file).unwrap();
        for grant in package["grants"].as_array().unwrap() {
            let band = match grant["plannedDates"][0]["duration"].as_i64() {
                None => "Not known",
                Some(..=6) => "Up to 6 months",
                Some(7..=12) => "7 to 12 months",
                Some(13..=18) => "13 to 18 months",
                Some(19..=24) => "19 to 24 months",
                Some(25..=36) => "25 to 36 months",
                Some(37..=60) => "37 to 60 months",
                Some(_) => "Over 60 months",
            };
            *expected.entry(band).or_default() += 1;
        }
        try_grants(&app, file).await;
    }
    let found = query_distribution(&app.steward().await, "FUNDING_DURATION_BAND").await;
    let found: BTreeMap<&str, i64> = found
        .iter()
        .map(|(label, count)| (label.as_str(), *count))
        .collect();
    assert_eq!(found, expected);
}
