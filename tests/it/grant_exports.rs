//! Funding terms are exported as grants that conform to the standard, and can be imported again unchanged.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use wayin::database;
use wayin::export::grants::{GrantExportOptions, GrantExportSummary, WAYIN_IDENTIFIER_PREFIX, export_grants};
use wayin::id::{NodeKind, decode_as};
use wayin_migration::Migrator;

use crate::support::app::TestApp;
use crate::support::builders::{organisation, record, withdraw};
use crate::support::database::connect;
use crate::support::grants::{grant, list_initiatives_by_title, package, try_grants, try_grants_and_places};
use crate::support::places::places_with;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    export_is_valid_360giving,
    exported_grants_round_trip,
    hidden_terms_are_not_exported,
    exported_grant_matches_its_funding_term,
    locations_are_exported_as_published_and_placed_once_known,
];

const MORE_PLACES: &str = "W06000015,Cardiff,LOCAL_AUTHORITY,,
,Owton,NEIGHBOURHOOD,E06000001,
";

const REAL_PACKAGES: [&str; 3] = [
    include_str!("../data/grants/lloyds-bank-foundation.json"),
    include_str!("../data/grants/andrew-lloyd-webber-foundation.json"),
    include_str!("../data/grants/ab-charitable-trust.json"),
];

/// Exports grants; returns the package and the summary.
async fn run_grant_export(app: &TestApp, asked: GrantExportOptions<'_>) -> (String, GrantExportSummary) {
    let moment = database::begin_read(&app.app.db).await.unwrap();
    let mut written = Vec::new();
    let exported = export_grants(&moment, asked, &mut written).await.unwrap();
    moment.commit().await.unwrap();
    (String::from_utf8(written).unwrap(), exported)
}

const OPEN_ONLY: GrantExportOptions<'_> = GrantExportOptions {
    prefix: WAYIN_IDENTIFIER_PREFIX,
    include_hidden: false,
};

/// The grants of a package by their identifiers. Asserts that each grant and the package are valid against the
/// schema of the standard.
fn parse_valid_package(package: &str) -> BTreeMap<String, Value> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let of_grant = read(include_str!("../data/360giving-schema/360-giving-schema.json"));
    let mut of_package = read(include_str!(
        "../data/360giving-schema/360-giving-package-schema.json"
    ));
    // The package schema refers to the grant schema by URL. The test replaces that reference.
    let reference = of_package["properties"]["grants"]["items"].take();
    assert!(
        reference["$ref"]
            .as_str()
            .unwrap()
            .ends_with("360-giving-schema.json")
    );
    of_package["properties"]["grants"]["items"] = true.into();
    let validator = |schema: &Value| {
        let options = jsonschema::options().should_validate_formats(true);
        options.build(schema).expect("the schema is valid")
    };
    let (of_grant, of_package) = (validator(&of_grant), validator(&of_package));
    assert!(
        !of_grant.is_valid(&json!({"id": "360G-a"})),
        "the schema requires more than an id"
    );
    let mut package = read(package);
    let complaints: Vec<String> = of_package
        .iter_errors(&package)
        .map(|error| error.to_string())
        .collect();
    assert!(complaints.is_empty(), "the package is valid: {complaints:?}");
    let Value::Array(grants) = package["grants"].take() else {
        panic!("the package has no list of grants");
    };
    let count = grants.len();
    let mut by_id = BTreeMap::new();
    for grant in grants {
        let complaints: Vec<String> = of_grant
            .iter_errors(&grant)
            .map(|error| error.to_string())
            .collect();
        assert!(complaints.is_empty(), "{grant:#} is valid: {complaints:?}");
        by_id.insert(grant["id"].as_str().unwrap().to_owned(), grant);
    }
    assert_eq!(by_id.len(), count, "identifiers are unique");
    by_id
}

/// A term with a random selection of fields.
fn random_term(chance: &mut StdRng, number: usize) -> Value {
    let mut term = json!({"funder": match chance.random_range(0..3) {
        0 => json!({"name": "A funder that has no number"}),
        1 => organisation("GB-CHC-900"),
        _ => organisation("GB-CHC-901"),
    }});
    let pick = |chance: &mut StdRng, codes: &[&str]| codes[chance.random_range(0..codes.len())].to_owned();
    let mut maybe = |field: &str, value: Value| {
        if chance.random_bool(0.7) {
            term[field] = value;
        }
    };
    maybe("programme", "Läden & “Plätze”".into());
    maybe("awardedOn", "2019-12-31".into());
    maybe("startsOn", "2020-01-01".into());
    maybe("endsOn", "2021-06-30".into());
    maybe("durationMonths", 18.into());
    maybe("collaborationResourced", true.into());
    maybe("renewable", false.into());
    maybe("multiSite", true.into());
    if chance.random_bool(0.9) {
        term["currency"] = pick(chance, &["GBP", "EUR", "JPY", "BHD", "CLF"]).into();
        term["amountMinor"] = chance.random_range(0..1_i64 << 50).into();
    }
    if chance.random_bool(0.5) {
        term["upfrontResearch"] = true.into();
        term["upfrontResearchMonths"] = chance.random_range(1..12).into();
        term["restriction"] = pick(chance, &["UNRESTRICTED", "RESTRICTED"]).into();
        term["reportingFrequency"] = pick(chance, &["MONTHLY", "END_ONLY", "NONE"]).into();
        term["reportingBasis"] = pick(chance, &["ADAPTABLE", "FIXED_TARGETS"]).into();
        term["deliveryTimeline"] = pick(chance, &["ADAPTABLE", "FIXED"]).into();
        term["intendedFocus"] = pick(chance, &["COLLABORATION", "ROOT_CAUSES"]).into();
    }
    for (field, why) in [
        ("durationMonths", "NOT_ASKED"),
        ("renewable", "WITHHELD"),
        ("programme", "NOT_APPLICABLE"),
    ] {
        let follows =
            field == "durationMonths" && term.get("startsOn").is_some() && term.get("endsOn").is_some();
        if term.get(field).is_none() && !follows && chance.random_bool(0.5) {
            term["missing"][field] = why.into();
        }
    }
    if chance.random_bool(0.3) {
        term["grantIdentifier"] = format!("360G-chance-{number}-{}", chance.random::<u32>()).into();
    }
    term
}

fn random_records(seed: u64, count: usize) -> Vec<Value> {
    let mut chance = StdRng::seed_from_u64(seed);
    let one = |number: usize| {
        let terms: Vec<Value> = (0..chance.random_range(0..4))
            .map(|_| random_term(&mut chance, number))
            .collect();
        let mut some = record(&format!("chance-{number}")).with("fundingTerms", terms);
        if chance.random_bool(0.5) {
            some = some.with("summary", "What it does,\nin “two” lines.");
        }
        match chance.random_range(0..4) {
            0 => some = some.in_place("E06000001"),
            1 => some = some.in_place("W06000015"),
            2 => some = some.with("place", json!({"name": "Owton"})),
            _ => {}
        }
        if chance.random_bool(0.3) {
            some = some.with("leadOrganisation", json!({"name": "A group without a number"}));
        }
        some.build()
    };
    (0..count).map(one).collect()
}

/// A database with real grants and random records.
async fn start_with_grants_and_records(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    app.import_places(&places_with(MORE_PLACES)).await;
    for file in REAL_PACKAGES {
        try_grants(&app, file).await;
    }
    app.publish(&random_records(7, 200)).await;
    app
}

async fn export_is_valid_360giving(database: Database) {
    let app = start_with_grants_and_records(database).await;
    let (written, exported) = run_grant_export(&app, OPEN_ONLY).await;
    let grants = parse_valid_package(&written);
    assert_eq!(grants.len() as u64, exported.written);
    assert!(exported.incomplete > 50 && exported.written > 150, "{exported:?}");
    assert_eq!((exported.hidden, exported.illustrative), (0, 0));
    // Real grants are exported exactly as they were published.
    let mut again = 0;
    for file in REAL_PACKAGES {
        let before: Value = serde_json::from_str(file).unwrap();
        for before in before["grants"].as_array().unwrap() {
            let Some(after) = grants.get(before["id"].as_str().unwrap()) else {
                continue;
            };
            again += 1;
            let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
            assert_eq!(number(&after["amountAwarded"]), number(&before["amountAwarded"]));
            assert_eq!(after["currency"], before["currency"]);
            for party in ["recipientOrganization", "fundingOrganization"] {
                assert_eq!(after[party][0]["id"], before[party][0]["id"], "{before}");
            }
            let day = |value: &Value| value.as_str().map(|text| text[..10].to_owned());
            assert_eq!(day(&after["awardDate"]), day(&before["awardDate"]));
        }
    }
    assert!(again > 40, "only {again} real grants were exported again");
}

async fn exported_grants_round_trip(database: Database) {
    let app = start_with_grants_and_records(database.clone()).await;
    let (written, exported) = run_grant_export(&app, OPEN_ONLY).await;
    let empty = connect("sqlite::memory:").await.unwrap();
    Migrator::up(&empty, None).await.unwrap();
    let other = TestApp::start_on_connection(database, empty).await;
    other.import_places(&places_with(MORE_PLACES)).await;
    let (tally, said) = try_grants(&other, &written).await;
    assert_eq!((tally.added, tally.refused), (exported.written, 0), "{said:?}");
    let (again, _) = run_grant_export(&other, OPEN_ONLY).await;
    assert_eq!(
        parse_valid_package(&again),
        parse_valid_package(&written),
        "every term is unchanged"
    );
    other.assert_no_violations().await;
    let (tally, _) = try_grants(&other, &written).await;
    assert_eq!(tally.unchanged, exported.written, "{tally:?}");
}

async fn hidden_terms_are_not_exported(database: Database) {
    let app = TestApp::start(database).await;
    let (nothing, exported) = run_grant_export(&app, OPEN_ONLY).await;
    assert_eq!((nothing.as_str(), exported), ("", GrantExportSummary::default()));
    let paid = |reference: &str| {
        let term = json!({"funder": organisation("GB-CHC-900"), "currency": "GBP", "amountMinor": 1,
            "awardedOn": "2020-01-01"});
        record(reference).with("fundingTerms", json!([term]))
    };
    let uncounted = paid("no day").with(
        "fundingTerms",
        json!([
            {"funder": organisation("GB-CHC-900"), "currency": "GBP", "amountMinor": 1},
            {"funder": organisation("GB-CHC-900"), "awardedOn": "2020-01-01"},
        ]),
    );
    app.publish(&[
        paid("open").build(),
        paid("members").with("visibility", "MEMBERS").build(),
        paid("counted").with("visibility", "AGGREGATE_ONLY").build(),
        paid("shared")
            .with("visibility", "AGGREGATE_ONLY")
            .with("sharedWithFunders", true)
            .build(),
        paid("made up").with("illustrative", true).build(),
        paid("withdrawn").build(),
        uncounted.build(),
    ])
    .await;
    let steward = app.steward().await;
    let ids = steward
        .query("{ initiatives(filter: {title: {contains: \"withdrawn\"}}) { nodes { id } } }")
        .await;
    let id = ids["initiatives"]["nodes"][0]["id"].as_str().unwrap();
    let id = decode_as(NodeKind::Initiative, id).unwrap();
    withdraw(&app, id).await;
    let titles = |written: &str| {
        let grants = parse_valid_package(written).into_values();
        let titles = grants.map(|grant| grant["title"].as_str().unwrap().to_owned());
        titles.collect::<BTreeSet<_>>()
    };
    let (written, exported) = run_grant_export(&app, OPEN_ONLY).await;
    assert_eq!(titles(&written), BTreeSet::from(["Initiative open".to_owned()]));
    let left_out = GrantExportSummary {
        written: 1,
        hidden: 3,
        illustrative: 1,
        incomplete: 2,
    };
    assert_eq!(exported, left_out);
    let everything = GrantExportOptions {
        include_hidden: true,
        ..OPEN_ONLY
    };
    let (written, exported) = run_grant_export(&app, everything).await;
    assert_eq!(
        (exported.written, exported.hidden, exported.illustrative),
        (4, 0, 1)
    );
    let all = ["counted", "members", "open", "shared"].map(|one| format!("Initiative {one}"));
    assert_eq!(titles(&written), BTreeSet::from(all));
}

async fn exported_grant_matches_its_funding_term(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(&places_with(MORE_PLACES)).await;
    let mut given = grant(
        "360G-a-1",
        &json!({"wayin": {"renewable": true, "intendedFocus": "COMPLEXITY"}}),
    );
    given["beneficiaryLocation"] = json!([{"geoCode": "E06000001"}]);
    let bad = [
        grant("360G-a-2", &json!({"wayin": {"renewable": "maybe"}})),
        grant("360G-a-3", &json!({"wayin": {"colour": "red"}})),
        grant("360G-a-4", &json!({"wayin": 7})),
        grant(
            "360G-a-5",
            &json!({"wayin": {"missing": {"renewable": "FORGOTTEN"}}}),
        ),
        grant(
            "360G-a-6",
            &json!({"wayin": {"renewable": true, "missing": {"renewable": "NO_REPLY"}}}),
        ),
    ];
    let file: Vec<Value> = std::iter::once(given).chain(bad).collect();
    let (tally, said) = try_grants(&app, &package(&file)).await;
    assert_eq!((tally.added, tally.refused, tally.warned), (5, 1, 4), "{said:?}");
    assert!(said.iter().all(|said| said.contains("wayin")), "{said:?}");
    let term = json!({"funder": {"name": "Nobody’s number"}, "currency": "BHD", "amountMinor": 9_007_199_254_740_993_i64,
        "awardedOn": "2020-02-29", "endsOn": "2021-02-28", "programme": "Places", "renewable": false,
        "missing": {"grantIdentifier": "NO_REPLY", "startsOn": "NOT_ASKED", "reportingBasis": "WITHHELD",
            "upfrontResearchMonths": "NOT_APPLICABLE"}});
    app.publish(&[record("r").with("fundingTerms", json!([term])).build()])
        .await;
    let asked = GrantExportOptions {
        prefix: "360G-ExampleTrust",
        ..OPEN_ONLY
    };
    let (written, _) = run_grant_export(&app, asked).await;
    // All digits are exported, more than a floating-point number can hold.
    assert!(
        written.contains("\"amountAwarded\":9007199254740.993"),
        "{written}"
    );
    let grants = parse_valid_package(&written);
    let made = grants
        .keys()
        .find(|id| id.starts_with("360G-ExampleTrust-WAYIN-ORG-"));
    let made = &grants[made.unwrap_or_else(|| panic!("{written}"))];
    let funder = made["fundingOrganization"][0]["id"].as_str().unwrap();
    assert!(funder.starts_with("WAYIN-ORG-"), "{made}");
    let mut rest = made.clone();
    for (field, expected) in [
        ("title", json!("Initiative r")),
        ("description", json!("Initiative r")),
        ("currency", json!("BHD")),
        ("awardDate", json!("2020-02-29")),
        ("plannedDates", json!([{"endDate": "2021-02-28"}])),
        (
            "recipientOrganization",
            json!([{"id": "GB-CHC-1", "name": "Organisation GB-CHC-1"}]),
        ),
        (
            "fundingOrganization",
            json!([{"id": funder, "name": "Nobody’s number"}]),
        ),
        ("grantProgramme", json!([{"title": "Places"}])),
        // The missing reason of `grantIdentifier` is not exported, because every grant has an identifier.
        (
            "wayin",
            json!({"renewable": false, "missing": {"startsOn": "NOT_ASKED", "reportingBasis": "WITHHELD",
            "upfrontResearchMonths": "NOT_APPLICABLE"}}),
        ),
    ] {
        assert_eq!(rest[field].take(), expected, "{field}");
    }
    let fields: BTreeSet<&str> = rest.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(
        !fields.contains("beneficiaryLocation") && !fields.contains("dataSource"),
        "{made}"
    );
    assert_eq!(
        grants["360G-a-1"]["wayin"],
        json!({"renewable": true, "intendedFocus": "COMPLEXITY"})
    );
    assert_eq!(
        grants["360G-a-1"]["beneficiaryLocation"],
        json!([{"name": "Hartlepool", "geoCode": "E06000001", "geoCodeType": "UA"}])
    );
    // Every export is the same.
    assert_eq!(run_grant_export(&app, asked).await.0, written);
}

async fn locations_are_exported_as_published_and_placed_once_known(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(&places_with(MORE_PLACES)).await;
    let located = [
        (
            "360G-lsoa",
            json!([{"name": "Hartlepool 001A", "geoCode": "E01012018", "geoCodeType": "LSOA"}]),
        ),
        ("360G-lsoa-too", json!([{"geoCode": "E01012018"}])),
        ("360G-two", json!([{"geoCode": "E06000001"}, {"name": "Bristol"}])),
        ("360G-bristol", json!([{"name": "Bristol"}])),
        ("360G-none", json!([])),
    ];
    let file: Vec<Value> = located
        .iter()
        .map(|(id, locations)| grant(id, &json!({"beneficiaryLocation": locations})))
        .collect();
    let (tally, said) = try_grants_and_places(&app, &package(&file)).await;
    assert_eq!((tally.added, tally.refused), (5, 0));
    insta::allow_duplicates! {
        insta::assert_snapshot!(said.join("\n"), @r#"
        note: E01012018 is not the code of a known place: 2 grants name it.
        note: "Bristol" is not the name of exactly one known place: 2 grants name it.
        "#);
    }
    let exported = |written: &str| {
        let grants = parse_valid_package(written);
        let bare = |id: &str| {
            let mut locations = grants[id]
                .get("beneficiaryLocation")
                .cloned()
                .unwrap_or(json!([]));
            for location in locations.as_array_mut().unwrap() {
                let location = location.as_object_mut().unwrap();
                if location.get("name").is_none_or(|name| name != "Hartlepool 001A") {
                    location.remove("geoCodeType");
                }
            }
            locations
        };
        for (id, locations) in &located {
            assert_eq!(bare(id), *locations, "{id} is exported as published");
        }
    };
    exported(&run_grant_export(&app, OPEN_ONLY).await.0);
    let steward = app.steward().await;
    let before = list_initiatives_by_title(&steward, "version place { code }").await;
    assert!(
        before
            .values()
            .all(|one| one["place"].is_null() && one["version"] == 1)
    );
    let (again, _) = try_grants(&app, &package(&file)).await;
    assert_eq!((again.unchanged, again.altered), (5, 0));

    let places = "code,name,kind,parents,successor\nE06000023,Bristol,LOCAL_AUTHORITY,,\n";
    let mut notes = Vec::new();
    wayin::import::places::import(
        &app.app.db,
        &TestApp::action(),
        std::io::Cursor::new(places),
        &mut |remark| notes.push(remark),
    )
    .await
    .unwrap();
    app.catch_up().await;
    let note = "Records of published grants that have their place now that it is known: 1.";
    assert_eq!(notes, [wayin::import::Remark::Note(note.to_owned())]);
    let after = list_initiatives_by_title(&steward, "version place { code }").await;
    for (title, one) in &after {
        let expected = if title == "Grant 360G-bristol" {
            json!({"version": 2, "place": {"code": "E06000023"}})
        } else {
            json!({"version": 1, "place": null})
        };
        assert_eq!(*one, expected, "{title}");
    }
    exported(&run_grant_export(&app, OPEN_ONLY).await.0);
    let (again, _) = try_grants(&app, &package(&file)).await;
    assert_eq!((again.unchanged, again.altered), (5, 0));

    // A new location of the same grant replaces the stored one.
    let moved = json!([{"geoCode": "W02000004"}]);
    let file = [grant("360G-lsoa", &json!({"beneficiaryLocation": moved}))];
    assert_eq!(try_grants(&app, &package(&file)).await.0.altered, 1);
    let (written, _) = run_grant_export(&app, OPEN_ONLY).await;
    let kept = &parse_valid_package(&written)["360G-lsoa"]["beneficiaryLocation"];
    assert_eq!(*kept, json!([{"geoCode": "W02000004", "geoCodeType": "MSOA"}]));
}
