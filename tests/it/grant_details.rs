//! The parts of published grants that records cannot hold are stored, exported, used later, and redacted.

use std::fmt::Write as _;

use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use wayin::database;
use wayin::export::grants::{GrantExportOptions, WAYIN_IDENTIFIER_PREFIX, export_grants};
use wayin::import::job::{self, worker};
use wayin_entity::{Role, grant_detail};

use crate::support::app::TestApp;
use crate::support::grants::{
    grant, list_initiatives_by_title, package, tally, try_grants, try_grants_and_places,
};
use crate::support::imports::{
    file_record, json_lines, load_import, restart_with_import_settings, send_file,
};
use crate::support::places::start_with_places;
use crate::support::redaction::{read_all_text, redact};
use crate::support::reference_data::save_reference_data;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    additional_grant_details_round_trip,
    grant_gets_a_place_when_its_code_becomes_known,
    grant_to_a_person_is_not_stored,
    redaction_covers_grant_details,
    grant_details_are_exported_only_with_their_record,
    resumed_import_ends_like_an_uninterrupted_one,
];

async fn load_exported_grants(app: &TestApp, include_hidden: bool) -> Vec<Value> {
    let asked = GrantExportOptions {
        prefix: WAYIN_IDENTIFIER_PREFIX,
        include_hidden,
    };
    let moment = database::begin_read(&app.app.db).await.unwrap();
    let mut written = Vec::new();
    export_grants(&moment, asked, &mut written).await.unwrap();
    moment.commit().await.unwrap();
    if written.is_empty() {
        return Vec::new();
    }
    let mut package: Value = serde_json::from_slice(&written).unwrap();
    serde_json::from_value(package["grants"].take()).unwrap()
}

async fn count_details(app: &TestApp) -> u64 {
    grant_detail::Entity::find().count(&app.app.db).await.unwrap()
}

async fn additional_grant_details_round_trip(database: Database) {
    let app = TestApp::start(database).await;
    let more = json!({
        "recipientOrganization": [{"id": "GB-CHC-100", "name": "A charity"}, {"id": "GB-CHC-101", "name": "Another"}],
        "fundingOrganization": [{"id": "GB-CHC-200", "name": "A funder"}, {"id": "GB-CHC-201", "name": "A co-funder"}],
        "grantProgramme": [{"title": "One"}, {"title": "Two"}],
        "plannedDates": [
            {"startDate": "2020-01-01", "endDate": "2020-12-31", "duration": 12},
            {"startDate": "2021-01-01", "endDate": "2021-06-30", "duration": 6}
        ],
        "beneficiaryLocation": [
            {"name": "Owton", "geoCode": "E05013001", "geoCodeType": "WD"},
            {"geoCode": "S01006506", "geoCodeType": "DZ"}
        ],
    });
    let file = package(&[grant("360G-a", &more), grant("360G-b", &json!({}))]);
    let (output, said) = try_grants(&app, &file).await;
    assert_eq!((output.added, output.refused, output.warned), (2, 0, 1));
    let end = "of the grant; its record has room for one, and an export of grants has all";
    assert_eq!(
        said,
        [
            format!("warning: row 1, recipientOrganization/1/name: \"Another\" is a further recipient {end}"),
            format!("warning: row 1, fundingOrganization/1/name: \"A co-funder\" is a further funder {end}"),
            format!("warning: row 1, grantProgramme/1/title: \"Two\" is a further programme {end}"),
            format!(
                "warning: row 1, plannedDates/1/startDate: \"2021-01-01 to 2021-06-30\" is a further period {end}"
            ),
        ]
    );
    let exported = load_exported_grants(&app, false).await;
    let first = exported.iter().find(|one| one["id"] == "360G-a").unwrap();
    for (field, value) in more.as_object().unwrap() {
        assert_eq!(first[field], *value, "{field}");
    }
    assert_eq!(
        count_details(&app).await,
        1,
        "nothing is stored for a grant without details"
    );
    let (again, _) = try_grants(&app, &package(&exported)).await;
    assert_eq!((again.unchanged, again.altered), (2, 0));
    assert_eq!(load_exported_grants(&app, false).await, exported);
    // A later version of the grant with fewer fields removes the stored details.
    let (less, _) = try_grants(&app, &package(&[grant("360G-a", &json!({}))])).await;
    assert_eq!(less.altered, 1);
    assert_eq!(count_details(&app).await, 0);
    app.assert_no_violations().await;
}

async fn grant_gets_a_place_when_its_code_becomes_known(database: Database) {
    let app = start_with_places(database).await;
    let codes = [
        ("lsoa-2011", "E01011999"),
        ("lsoa-2021", " e01033465 "),
        ("ward", "E05013001"),
        ("zone", "S01006506"),
        ("constituency", "E14000733"),
        ("postcode", "TS24 7BH"),
        ("other", "E06000099"),
    ];
    let file: Vec<Value> = codes
        .iter()
        .map(|(id, code)| grant(id, &json!({"beneficiaryLocation": [{"geoCode": code}]})))
        .collect();
    let (output, said) = try_grants_and_places(&app, &package(&file)).await;
    assert_eq!((output, said.len()), (tally(7, 0, 0, 0), 7), "{said:?}");
    assert!(said.contains(&"note: TS24 7BH is not the code of a known place: 1 grant names it.".to_owned()));

    let steward = app.steward().await;
    let placed = async || -> Vec<String> {
        let all = list_initiatives_by_title(&steward, "place { code }").await;
        let placed = all.into_iter().filter(|(_, one)| !one["place"].is_null());
        placed
            .map(|(title, one)| format!("{title} {}", one["place"]["code"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(placed().await, [""; 0]);
    app.import_places("LSOA11CD,LSOA11NM,LAD20CD,LAD20NM\nE01011999,Hartlepool 009A,E06000001,Hartlepool\n")
        .await;
    assert_eq!(placed().await, ["Grant lsoa-2011 E06000001"]);
    app.import_places(
        "LSOA21CD,LSOA21NM,LAD23CD,LAD23NM\nE01033465,Middlesbrough 014F,E06000002,Middlesbrough\n",
    )
    .await;
    app.import_places("WD24CD,WD24NM,LAD24CD,LAD24NM\nE05013001,Owton,E06000001,Hartlepool\n")
        .await;
    app.import_places("PCON17CD,PCON17NM,LAD17CD,LAD17NM\nE14000733,Hartlepool,E06000001,Hartlepool\n")
        .await;
    let place = json!({"name": "Elsewhere", "kind": "LOCAL_AUTHORITY", "code": "E06000099"});
    save_reference_data(&steward, "savePlace", place).await;
    app.catch_up().await;
    assert_eq!(
        placed().await,
        [
            "Grant constituency E06000001",
            "Grant lsoa-2011 E06000001",
            "Grant lsoa-2021 E06000002",
            "Grant other E06000099",
            "Grant ward E05013001",
        ]
    );
    let (again, said) = try_grants_and_places(&app, &package(&file)).await;
    assert_eq!((again, said.len()), (tally(0, 0, 7, 0), 2), "{said:?}");
    let mut exported: Vec<String> = load_exported_grants(&app, false)
        .await
        .iter()
        .map(|one| {
            one["beneficiaryLocation"][0]["geoCode"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    exported.sort();
    let published = [
        "E01011999",
        "E01033465",
        "E05013001",
        "E06000099",
        "E14000733",
        "S01006506",
        "TS24 7BH",
    ];
    assert_eq!(exported, published);
    app.assert_no_violations().await;
}

async fn grant_to_a_person_is_not_stored(database: Database) {
    let app = TestApp::start(database).await;
    let header = "Identifier,Title,Currency,Amount Awarded,Award Date,Recipient Org:Name,Recipient Org:1:Name,\
        Recipient Ind:Name,Funding Org:Name,Beneficiary Location:Name";
    for marked in 0..3 {
        let mut table = format!("{header}\n");
        for row in 0..3 {
            let person = if row == marked { "Jo Secretperson" } else { "" };
            let _ = writeln!(
                table,
                "360G-p,Help for Secretperson,GBP,1,2020-01-01,Secretperson,Other Secretperson,{person},F,Secretperson Lane {row}"
            );
        }
        table.push_str("360G-q,Sound,GBP,1,2020-01-01,A charity,,,F,\n");
        let (output, said) = try_grants(&app, &table).await;
        assert_eq!(output.refused, 1);
        assert!(
            said[0].ends_with("the grant is to a person, and Wayin keeps no personal data"),
            "{said:?}"
        );
        let all = read_all_text(&app).await;
        assert!(!all.contains("Secretperson"), "{marked}");
        assert!(!said.iter().any(|line| line.contains("Secretperson")), "{said:?}");
    }
    assert_eq!(count_details(&app).await, 0);
}

async fn redaction_covers_grant_details(database: Database) {
    let app = TestApp::start(database).await;
    let more = json!({
        "recipientOrganization": [{"id": "GB-CHC-100", "name": "A charity"}, {"name": "Ann Lee-Secret"}],
        "grantProgramme": [{"title": "One"}, {"title": "For Ann Lee-Secret"}],
        "beneficiaryLocation": [{"name": "The home of Ann Lee-Secret"}],
    });
    try_grants(
        &app,
        &package(&[grant("360G-Ann Lee-Secret-1", &more), grant("360G-b", &more)]),
    )
    .await;
    let steward = app.steward().await;
    let payload = redact(&steward, "Ann Lee-Secret", "A request for erasure").await;
    assert_eq!(payload["problems"], json!([]));
    let all = read_all_text(&app).await;
    assert!(!all.contains("Lee-Secret"));
    let exported = load_exported_grants(&app, false).await;
    assert_eq!(exported.len(), 2);
    for one in &exported {
        assert_eq!(one["recipientOrganization"].as_array().unwrap().len(), 2, "{one}");
        assert_eq!(one["beneficiaryLocation"].as_array().unwrap().len(), 1, "{one}");
        assert!(!one.to_string().contains("Lee-Secret"));
    }
    app.assert_no_violations().await;
}

async fn grant_details_are_exported_only_with_their_record(database: Database) {
    let app = start_with_places(database).await;
    let more = json!({"beneficiaryLocation": [{"name": "Nowhere known"}]});
    try_grants(&app, &package(&[grant("360G-a", &more)])).await;
    assert_eq!(load_exported_grants(&app, false).await.len(), 1);
    // The recipient, a partner, includes the grant in its own record, which is visible to members only.
    let mut own = file_record("own");
    own["leadOrganisation"] = json!({"identifier": "GB-CHC-100", "name": "A charity"});
    own["visibility"] = "MEMBERS".into();
    own["fundingTerms"] = json!([{"funder": {"identifier": "GB-CHC-200"}, "grantIdentifier": "360G-a",
        "currency": "GBP", "amountMinor": 100_000, "awardedOn": "2020-01-02"}]);
    app.publish(&[own]).await;
    assert!(load_exported_grants(&app, false).await.is_empty());
    let hidden = load_exported_grants(&app, true).await;
    assert_eq!(hidden.len(), 1);
    assert_eq!(
        hidden[0]["beneficiaryLocation"][0]["name"], "Hartlepool",
        "the location is that of the record"
    );
    // Places that are added later do not change the place of the partner's record.
    app.import_places("code,name,kind,parents,successor\nE06000088,Nowhere known,LOCAL_AUTHORITY,,\n")
        .await;
    let all = list_initiatives_by_title(&app.steward().await, "version place { code }").await;
    assert_eq!(all["Initiative own"]["place"]["code"], "E06000001");
    app.assert_no_violations().await;
}

async fn resumed_import_ends_like_an_uninterrupted_one(database: Database) {
    let settings = job::ImportSettings {
        rows_per_turn: 500,
        ..job::ImportSettings::default()
    };
    let app = restart_with_import_settings(start_with_places(database).await, settings);
    let steward = app.steward().await;
    let other = app
        .create_member("other", Role::Partner, Some("GB-CHC-502"))
        .await;
    let mut table =
        "Identifier,Title,Currency,Amount Awarded,Award Date,Recipient Org:Name,Funding Org:Name,\
        Beneficiary Location:Geographic Code\n"
            .to_owned();
    let grants = 1_200;
    for number in 0..grants {
        let _ = writeln!(
            table,
            "g-{number},Grant {number},GBP,1,2020-01-01,A charity,F,E06000001"
        );
    }
    // Every third grant has a second row. These rows come last, in another order.
    for number in (0..grants).rev().filter(|number| number % 3 == 0) {
        let _ = writeln!(table, "g-{number},,,,,,,E0100{number:04}");
    }
    let input = json!({"kind": "GRANTS_360GIVING", "licence": "CC-BY-4.0"});
    let sent = send_file(&app, &steward, "grants.csv", table, input).await;
    send_file(
        &app,
        &other,
        "short.jsonl",
        json_lines(&[file_record("a")]),
        json!({}),
    )
    .await;
    assert_eq!(
        worker::run_queued(&app.app).await.unwrap(),
        3,
        "in two runs, with another import between them"
    );
    app.catch_up().await;
    let id = &sent["data"]["importRecords"]["import"]["id"];
    let import = load_import(&steward, id).await;
    assert_eq!(
        (
            &import["state"],
            &import["publishedCount"],
            &import["rowsProcessed"],
            &import["warningCount"]
        ),
        (&json!("COMPLETED"), &json!(1_200), &json!(1_200), &json!(400)),
        "{import}"
    );
    let notes = steward
        .query(&format!("{{ import(id: {id}) {{ notes }} }}"))
        .await;
    let notes: Vec<String> = serde_json::from_value(notes["import"]["notes"].clone()).unwrap();
    assert_eq!(notes.len(), 101, "{notes:?}");
    assert_eq!(
        notes[0],
        "E01000000 is not the code of a known place: 1 grant names it."
    );
    assert_eq!(notes[100], "Other codes and names of unknown places: 300.");
    let exported = load_exported_grants(&app, false).await;
    let of_two = exported
        .iter()
        .filter(|one| one["beneficiaryLocation"].as_array().unwrap().len() == 2);
    assert_eq!((exported.len(), of_two.count()), (1_200, 400));
    let counted = steward
        .query("{ initiatives(first: 1, filter: {place: {is: {code: \"E06000001\"}}}) { totalCount } }")
        .await;
    assert_eq!(counted["initiatives"]["totalCount"], 800);
    app.assert_no_violations().await;
}
