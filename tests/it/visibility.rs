//! Which records readers see, how much of each, and over which access paths. All paths must agree.

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use wayin::id::NodeKind;
use wayin_entity::{FileFormat, ImportKind, Role};

use crate::support::app::TestApp;
use crate::support::builders::{full_record, record, term, withdraw};
use crate::support::places::{PLACES, start_with_places};
use crate::support::visibility::{
    ExpectedVisibility::{Nothing, Part, Whole},
    HIDDEN_FIELDS, StoredBase, TestReader, assert_visibility, empty_hidden_fields,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    readers_see_what_visibility_allows,
    funder_sees_title_place_and_its_own_terms_of_an_aggregate_only_record,
    hidden_fields_cannot_be_filtered_or_sorted_by,
    records_need_a_token,
    every_access_path_agrees_with_the_visibility_model,
];

const FUNDER: &str = "GB-CHC-9";

/// One record of each visibility. `GB-CHC-1` leads all of them, and [`FUNDER`] funds them.
async fn publish_one_of_each_visibility(app: &TestApp) -> StoredBase {
    app.import_places(PLACES).await;
    let of = |title: &str, visibility: &str| {
        full_record(title)
            .with("visibility", visibility)
            .in_place("E06000001")
            .funded_by(&[FUNDER, "GB-CHC-7"])
    };
    app.publish(&[
        of("open", "OPEN").build(),
        of("members", "MEMBERS").build(),
        of("aggregate", "AGGREGATE_ONLY").build(),
        of("shared", "AGGREGATE_ONLY")
            .with("sharedWithFunders", true)
            .build(),
        of("withdrawn", "OPEN").build(),
    ])
    .await;
    let grants = format!(
        r#"{{"grants": [{{"id": "360G-story-1", "title": "Initiative from a grant", "description": "Words",
            "currency": "GBP", "amountAwarded": 1000, "awardDate": "2021-01-01",
            "recipientOrganization": [{{"id": "GB-CHC-1", "name": "A charity"}}],
            "fundingOrganization": [{{"id": "{FUNDER}", "name": "A funder"}}]}}]}}"#
    );
    let file = (ImportKind::Grants360Giving, FileFormat::Json);
    let licence = Some("CC-BY-4.0".into());
    let (_, remarks) = app.publish_file(file, licence, grants).await.unwrap();
    assert_eq!(remarks, [], "the grant is imported");
    app.catch_up().await;
    let base = StoredBase::load(app).await;
    let withdrawn = base
        .records
        .iter()
        .find(|one| one.row.title == "Initiative withdrawn");
    withdraw(app, withdrawn.unwrap().row.id).await;
    StoredBase::load(app).await
}

async fn readers_see_what_visibility_allows(database: Database) {
    let app = TestApp::start(database).await;
    let base = publish_one_of_each_visibility(&app).await;
    let titles = [
        "open",
        "from a grant",
        "members",
        "aggregate",
        "shared",
        "withdrawn",
    ];
    for (role, organisation, expected) in [
        (
            Role::Dashboard,
            None,
            [Whole, Whole, Nothing, Nothing, Nothing, Nothing],
        ),
        (
            Role::Partner,
            Some("GB-CHC-1"),
            [Whole, Whole, Whole, Whole, Whole, Nothing],
        ),
        (
            Role::Partner,
            Some("GB-CHC-2"),
            [Whole, Whole, Whole, Nothing, Nothing, Nothing],
        ),
        (
            Role::Funder,
            Some(FUNDER),
            [Whole, Whole, Whole, Part, Whole, Nothing],
        ),
        (
            Role::Funder,
            Some("GB-CHC-8"),
            [Whole, Whole, Whole, Nothing, Nothing, Nothing],
        ),
        (Role::Steward, None, [Whole, Whole, Whole, Whole, Whole, Nothing]),
    ] {
        // The table above is written by hand. The visibility model of the tests must agree with it.
        for (title, expected) in titles.iter().zip(expected) {
            let title = format!("Initiative {title}");
            let record = base.records.iter().find(|one| one.row.title == title).unwrap();
            assert_eq!(
                record.visibility_for(role, organisation),
                expected,
                "{role:?} reads {title}"
            );
        }
        let reader = TestReader::new(&app, role, organisation).await;
        // Adding the reader may have added its organisation.
        assert_visibility(&reader, &StoredBase::load(&app).await).await;
    }
}

async fn funder_sees_title_place_and_its_own_terms_of_an_aggregate_only_record(database: Database) {
    let app = TestApp::start(database).await;
    publish_one_of_each_visibility(&app).await;
    let funder = app.create_member("funder", Role::Funder, Some(FUNDER)).await;
    let query = format!(
        "{{ initiatives(filter: {{title: {{eq: \"Initiative aggregate\"}}}}) {{ nodes {{ title isFullyVisible
            place {{ name }} fundingTerms {{ funder {{ identifier }} initiative {{ title summary }} }} {HIDDEN_FIELDS} }} }} }}"
    );
    let found = funder.query(&query).await;
    let mut expected = empty_hidden_fields();
    expected["title"] = json!("Initiative aggregate");
    expected["isFullyVisible"] = json!(false);
    expected["place"] = json!({"name": "Hartlepool"});
    // The initiative of a term shows no more than the record itself.
    expected["fundingTerms"] = json!([
        {"funder": {"identifier": FUNDER}, "initiative": {"title": "Initiative aggregate", "summary": null}}
    ]);
    assert_eq!(found["initiatives"]["nodes"], json!([expected]));
}

async fn hidden_fields_cannot_be_filtered_or_sorted_by(database: Database) {
    let app = TestApp::start(database).await;
    publish_one_of_each_visibility(&app).await;
    let funder = app.create_member("funder", Role::Funder, Some(FUNDER)).await;
    let among = |filter: &str| {
        format!(
            "{{ initiatives(filter: {{and: [{{title: {{eq: \"Initiative aggregate\"}}}}, {filter}]}}) {{ totalCount nodes {{ title }} }} }}"
        )
    };
    let shows = async |filter: &str| funder.query(&among(filter)).await["initiatives"]["totalCount"].clone();
    assert_eq!(
        shows("{place: {isKnown: true}}").await,
        1,
        "the place is visible, and a filter can use it"
    );
    for hidden in [
        "{startedOn: {eq: \"2020-01-01\"}}",
        "{endedOn: {gte: \"2000-01-01\"}}",
        "{leadOrganisation: {identifier: {eq: \"GB-CHC-1\"}}}",
        "{wayIn: {in: [COLLABORATION]}}",
        "{entryPoints: {isKnown: true}}",
        "{challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}",
        "{condition: {on: GOVERNANCE, change: {isKnown: true}}}",
        "{fundingTerms: {isRecorded: true}}",
        "{fundingTerms: {some: {funder: {identifier: {eq: \"GB-CHC-7\"}}}}}",
    ] {
        assert_eq!(shows(hidden).await, 0, "found by {hidden}");
        assert_eq!(
            shows(&format!("{{not: {hidden}}}")).await,
            0,
            "found by not {hidden}"
        );
        assert_eq!(
            shows(&format!("{{or: [{{title: {{isKnown: true}}}}, {hidden}]}}")).await,
            0,
            "found by {hidden} in a disjunction"
        );
    }
}

async fn records_need_a_token(database: Database) {
    let app = TestApp::start(database).await;
    let base = publish_one_of_each_visibility(&app).await;
    let anonymous = app.anonymous();
    for record in &base.records {
        let id = record.id();
        let source = NodeKind::Source.encode_id(record.sources[0]);
        // A withdrawn record has no terms.
        let terms = record.terms.iter().map(|term| {
            let term = NodeKind::FundingTerm.encode_id(term.0);
            format!("{{ node(id: \"{term}\") {{ id }} }}")
        });
        let ways = [
            format!("{{ initiative(id: \"{id}\") {{ title }} }}"),
            format!("{{ node(id: \"{id}\") {{ id }} }}"),
            format!("{{ nodes(ids: [\"{source}\"]) {{ id }} }}"),
        ];
        for query in ways.into_iter().chain(terms) {
            assert_eq!(
                anonymous.query_error(&query).await.1,
                "UNAUTHENTICATED",
                "{query}"
            );
        }
    }
}

/// Random records and readers. Every access path must agree with [`Record::visibility_for`].
async fn every_access_path_agrees_with_the_visibility_model(database: Database) {
    const SEED: u64 = 20_221_117;
    const ORGANISATIONS: [&str; 4] = ["GB-CHC-1", "GB-CHC-2", "GB-CHC-3", "GB-CHC-4"];
    let random = &mut StdRng::seed_from_u64(SEED);
    let app = start_with_places(database).await;
    let mut records = Vec::new();
    for number in 0..30 {
        let funders = ORGANISATIONS.into_iter().choose_multiple(random, number % 4);
        let terms: Vec<Value> = funders.into_iter().map(term).collect();
        let mut drawn = if random.random() {
            full_record(&number.to_string())
        } else {
            record(&number.to_string())
        };
        if let Some(code) = [None, Some("E12000001"), Some("E06000001"), Some("E06000002")]
            .choose(random)
            .unwrap()
        {
            drawn = drawn.in_place(code);
        }
        let visibility = ["OPEN", "MEMBERS", "AGGREGATE_ONLY", "AGGREGATE_ONLY"]
            .choose(random)
            .unwrap();
        // Some sources support several records.
        let source = json!({"kind": "EVALUATION", "title": format!("Report {}", random.random_range(0..12))});
        records.push(
            drawn
                .with("visibility", *visibility)
                .with("sharedWithFunders", random.random::<bool>())
                .with("fundingTerms", terms)
                .with("source", source)
                .led_by(ORGANISATIONS.choose(random).unwrap())
                .build(),
        );
    }
    app.publish(&records).await;
    for record in StoredBase::load(&app).await.records {
        if random.random_ratio(1, 8) {
            withdraw(&app, record.row.id).await;
        }
    }
    let base = StoredBase::load(&app).await;
    let mut readers = vec![
        TestReader::new(&app, Role::Steward, None).await,
        TestReader::new(&app, Role::Dashboard, None).await,
    ];
    for organisation in ORGANISATIONS {
        let role = *[Role::Funder, Role::Partner].choose(random).unwrap();
        readers.push(TestReader::new(&app, role, Some(organisation)).await);
    }
    for reader in &readers {
        assert_visibility(reader, &base).await;
    }
}
