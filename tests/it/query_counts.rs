//! The number of statements for each relation of a page is constant, whatever the number of rows.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::audit;
use wayin::clock::{Clock, SystemClock};
use wayin::id::NodeKind;
use wayin::notice;
use wayin::pattern::engine::EngineSettings;
use wayin_entity::{
    ImportKind, Role, funding_term, initiative, initiative_source, member, notice as notice_table,
    organisation as organisation_table,
};

use crate::support::app::{Client, TestApp};
use crate::support::builders::{full_record, organisation, withdraw};
use crate::support::rows::{build_finished_import, build_returned_submission};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    statement_count_does_not_grow_with_rows,
    cached_page_takes_one_statement,
    total_count_is_computed_only_when_selected,
    hidden_and_missing_ids_take_the_same_statements,
];

/// The statements that a service sends to its database.
#[derive(Clone, Default)]
struct StatementLog(Arc<Mutex<Vec<String>>>);

impl StatementLog {
    /// Starts a service that records every statement.
    async fn start_recording(database: &Database) -> (TestApp, Self) {
        let statements = Self::default();
        let mut connection = database.connection.clone();
        let written = Arc::clone(&statements.0);
        connection.set_metric_callback(move |info| {
            written.lock().unwrap().push(info.statement.sql.clone());
        });
        (
            TestApp::start_on_connection(database.clone(), connection).await,
            statements,
        )
    }

    /// Starts a service without a cache of rows that records every statement.
    async fn start_without_cache(database: &Database) -> (TestApp, Self) {
        let (app, statements) = Self::start_recording(database).await;
        let settings = EngineSettings {
            record_cache_bytes: 0,
            ..EngineSettings::default()
        };
        let connection = app.app.db.clone();
        (
            TestApp::with_settings(database.clone(), connection, settings).await,
            statements,
        )
    }

    /// The statements of a query that must succeed, including those that identify the requester, and its data.
    async fn record_during(&self, client: &Client<'_>, query: &str) -> (Vec<String>, Value) {
        self.0.lock().unwrap().clear();
        let answer = client.query(query).await;
        (self.0.lock().unwrap().clone(), answer)
    }
}

/// The maximum number of statements of [`every_relation_query`] without a cache, including those that identify the
/// requester. For a record that is shared with its funders, a funder's query needs the terms before everything else.
const MAX_STATEMENTS: usize = 52;

const PLACE_FIELDS: &str = "id name kind code";
const ORGANISATION_FIELDS: &str = "id name identifier";

fn every_relation_query(rows: usize) -> String {
    format!(
        "{{ initiatives(first: {rows}, orderBy: {{field: TITLE}}) {{
            totalCount
            pageInfo {{ hasNextPage }}
            nodes {{
                id title isFullyVisible
                place {{ {PLACE_FIELDS}
                    successor {{ {PLACE_FIELDS} }}
                    parents {{ {PLACE_FIELDS} }}
                    children(first: 5) {{ totalCount nodes {{ {PLACE_FIELDS} }} }}
                    initiatives(first: 5) {{ totalCount nodes {{ id title place {{ id }} }} }} }}
                leadOrganisation {{ {ORGANISATION_FIELDS}
                    initiatives(first: 5) {{ totalCount nodes {{ id title sources {{ id }} }} }}
                    fundingTerms(first: 5) {{ totalCount nodes {{ id }} }} }}
                entryPoints {{ entryPoint motivation }}
                challengesFaced {{ challenge step reasons }}
                conditionsChanged {{ condition change }}
                fundingTerms {{ id durationMonths
                    funder {{ {ORGANISATION_FIELDS} fundingTerms(first: 5) {{ totalCount nodes {{ id }} }} }}
                    initiative {{ id title }} }}
                sources {{ id title }}
                sharing {{ confirmedBy }} }} }} }}"
    )
}

/// Publishes fifty records, each with its own place, lead organisation and two funders.
async fn publish_fifty_records(app: &TestApp) {
    let mut places = String::from("code,name,kind,parents,successor\nE12000001,North East,REGION,,\n");
    for number in 1..=50 {
        writeln!(
            places,
            "E0600{number:04},Town {number},LOCAL_AUTHORITY,E12000001,"
        )
        .unwrap();
        writeln!(places, "E0500{number:04},Ward {number},WARD,E0600{number:04},").unwrap();
    }
    app.import_places(&places).await;
    let records: Vec<Value> = (1..=50)
        .map(|number| {
            full_record(&format!("{number:02}"))
                .led_by(&format!("GB-CHC-1{number:02}"))
                .in_place(&format!("E0600{number:04}"))
                .with(
                    "visibility",
                    if number % 2 == 0 { "AGGREGATE_ONLY" } else { "OPEN" },
                )
                .with("sharedWithFunders", true)
                .with(
                    "fundingTerms",
                    json!([
                        {"funder": organisation("GB-CHC-9"), "durationMonths": 12},
                        {"funder": organisation(&format!("GB-CHC-2{number:02}")), "durationMonths": 24},
                    ]),
                )
                .build()
        })
        .collect();
    app.publish(&records).await;
}

async fn statement_count_does_not_grow_with_rows(database: Database) {
    let (app, statements) = StatementLog::start_without_cache(&database).await;
    publish_fifty_records(&app).await;
    for client in [
        app.steward().await,
        app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await,
    ] {
        let (for_five, few) = statements.record_during(&client, &every_relation_query(5)).await;
        let (for_fifty, many) = statements.record_during(&client, &every_relation_query(50)).await;
        assert_eq!(few["initiatives"]["nodes"].as_array().map(Vec::len), Some(5));
        assert_eq!(many["initiatives"]["nodes"].as_array().map(Vec::len), Some(50));
        for node in many["initiatives"]["nodes"].as_array().unwrap() {
            let relations = [
                ("/place/parents/0/name", json!("North East")),
                ("/place/children/totalCount", json!(1)),
                ("/place/initiatives/totalCount", json!(1)),
                ("/leadOrganisation/initiatives/totalCount", json!(1)),
                ("/fundingTerms/0/funder/fundingTerms/totalCount", json!(50)),
                ("/fundingTerms/1/funder/fundingTerms/totalCount", json!(1)),
                ("/fundingTerms/1/initiative/id", node["id"].clone()),
                ("/challengesFaced/0/reasons/0", json!("SHORT_FUNDING")),
                ("/isFullyVisible", json!(true)),
            ];
            for (pointer, expected) in relations {
                assert_eq!(node.pointer(pointer), Some(&expected), "{pointer} of {node}");
            }
        }
        let report = |statements: &[String]| statements.join("\n");
        assert!(
            for_five.len() > 15,
            "the statements are counted: {}",
            report(&for_five)
        );
        assert!(
            for_fifty.len() <= MAX_STATEMENTS,
            "{} statements:\n{}",
            for_fifty.len(),
            report(&for_fifty)
        );
        assert_eq!(
            for_fifty.len(),
            for_five.len(),
            "for fifty rows:\n{}\n\nfor five rows:\n{}",
            report(&for_fifty),
            report(&for_five)
        );
    }
}

async fn cached_page_takes_one_statement(database: Database) {
    let (app, statements) = StatementLog::start_recording(&database).await;
    publish_fifty_records(&app).await;
    let steward = app.steward().await;
    let query = "{ initiatives(first: 50) { totalCount nodes { id title summary place { name } leadOrganisation { name }
        entryPoints { motivation } challengesFaced { reasons } conditionsChanged { change } sources { title }
        fundingTerms { durationMonths funder { name } } } } }";
    let (_, first) = statements.record_during(&steward, query).await;
    let (identifying, _) = statements.record_during(&steward, "{ viewer { id } }").await;
    let (sent, second) = statements.record_during(&steward, query).await;
    assert_eq!(second, first);
    let others: Vec<&String> = sent.iter().filter(|one| !identifying.contains(one)).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(others[0].contains("change_log"), "{others:?}");
}

async fn total_count_is_computed_only_when_selected(database: Database) {
    let (app, statements) = StatementLog::start_without_cache(&database).await;
    publish_fifty_records(&app).await;
    let steward = app.steward().await;
    for list in [
        "places",
        "organisations",
        "terms",
        "claims",
        "meetings",
        "reflections",
        "crises",
    ] {
        let (without, _) = statements
            .record_during(&steward, &format!("{{ {list} {{ nodes {{ id }} }} }}"))
            .await;
        let (with, _) = statements
            .record_during(&steward, &format!("{{ {list} {{ totalCount nodes {{ id }} }} }}"))
            .await;
        assert_eq!(with.len(), without.len() + 1, "{list}: {with:#?} {without:#?}");
        let counts = |statements: &[String]| statements.iter().filter(|sql| sql.contains("COUNT(")).count();
        assert_eq!((counts(&without), counts(&with)), (0, 1), "{list}: {with:#?}");
    }
    // The index counts initiatives.
    for (parent, list, more) in [
        ("place(code: \"E12000001\")", "children", 1),
        ("place(code: \"E12000001\")", "initiatives", 0),
        ("organisation(identifier: \"GB-CHC-9\")", "initiatives", 0),
        ("organisation(identifier: \"GB-CHC-9\")", "fundingTerms", 1),
    ] {
        let query =
            |total: &str| format!("{{ {parent} {{ {list}(first: 2) {{ {total} nodes {{ id }} }} }} }}");
        let (without, _) = statements.record_during(&steward, &query("")).await;
        let (with, _) = statements.record_during(&steward, &query("totalCount")).await;
        assert_eq!(with.len(), without.len() + more, "{list}: {with:#?} {without:#?}");
    }
    let (statements, counted) = statements
        .record_during(
            &steward,
            "{ initiatives(filter: {startedOn: {isKnown: true}}) { totalCount } }",
        )
        .await;
    assert_eq!(counted["initiatives"]["totalCount"], 50);
    assert_eq!(
        statements.len(),
        1,
        "only the requester is looked up: {statements:#?}"
    );
}

/// The id of one object of each kind that only a steward and its lead organisation can see.
async fn list_hidden_ids(app: &TestApp) -> Vec<(NodeKind, Uuid)> {
    let db = &app.app.db;
    let of = |title: &str| {
        full_record(title)
            .with("visibility", "AGGREGATE_ONLY")
            .with(
                "leadOrganisation",
                json!({"identifier": "GB-CHC-8", "name": "Hidden lead"}),
            )
            .funded_by(&["GB-CHC-77"])
    };
    app.publish(&[of("hidden").build(), of("withdrawn").build()])
        .await;
    let of_title = async |title: &str| {
        let these = initiative::Column::Title.eq(format!("Initiative {title}"));
        let found = initiative::Entity::find().filter(these).one(db).await.unwrap();
        found.unwrap()
    };
    let (hidden, withdrawn) = (of_title("hidden").await, of_title("withdrawn").await);
    withdraw(app, withdrawn.id).await;
    let term = funding_term::Entity::find()
        .filter(funding_term::Column::InitiativeId.eq(hidden.id))
        .one(db)
        .await
        .unwrap()
        .unwrap();
    let source = initiative_source::Entity::find()
        .filter(initiative_source::Column::InitiativeId.eq(hidden.id))
        .one(db)
        .await
        .unwrap()
        .unwrap();
    app.create_member("another", Role::Partner, Some("GB-CHC-8"))
        .await;
    let member = member::Entity::find().one(db).await.unwrap().unwrap();
    let lead = organisation_table::Entity::find_by_id(hidden.lead_organisation_id);
    let lead = lead.one(db).await.unwrap().unwrap();
    let import = build_finished_import(member.id, Some(lead.id), ImportKind::Records, "a file");
    let import = import.into_active_model().insert(db).await.unwrap();
    let submission = build_returned_submission(member.id, lead.id, json!({"title": "In hand"}), "Why?");
    let submission = submission.into_active_model().insert(db).await.unwrap();
    let done = audit::AuditRecord {
        kind: NodeKind::Submission,
        id: submission.id,
        before: None,
        after: Some(1),
        detail: json!({}),
    };
    let event = audit::append_event(db, &TestApp::action(), "saveSubmission", done)
        .await
        .unwrap();
    notice::add_notice(db, &TestApp::action(), event).await.unwrap();
    let notice = notice_table::Entity::find().one(db).await.unwrap().unwrap();
    vec![
        (NodeKind::Initiative, hidden.id),
        (NodeKind::Initiative, withdrawn.id),
        (NodeKind::FundingTerm, term.id),
        (NodeKind::Source, source.source_id),
        (NodeKind::Organisation, lead.id),
        (NodeKind::Member, member.id),
        (NodeKind::Import, import.id),
        (NodeKind::Submission, submission.id),
        (NodeKind::AuditEvent, event),
        (NodeKind::Notice, notice.id),
    ]
}

async fn hidden_and_missing_ids_take_the_same_statements(database: Database) {
    let (app, statements) = StatementLog::start_recording(&database).await;
    let hidden = list_hidden_ids(&app).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-2"))
        .await;
    for client in [
        &partner,
        &app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await,
        &app.create_member("dashboard", Role::Dashboard, None).await,
    ] {
        for (kind, id) in &hidden {
            for way in [
                "node(id: \"ID\") { id __typename }",
                "nodes(ids: [\"ID\"]) { id __typename }",
            ] {
                let ask = async |id: Uuid| {
                    let query = format!("{{ it: {} }}", way.replace("ID", &kind.encode_id(id)));
                    let (sent, answer) = statements.record_during(client, &query).await;
                    (sent, answer["it"].clone())
                };
                let (for_hidden, answer) = ask(*id).await;
                let (for_nothing, no_answer) = ask(SystemClock.new_id()).await;
                assert!(
                    answer == Value::Null || answer == json!([null]),
                    "{kind:?}: {answer}"
                );
                assert_eq!(answer, no_answer, "{kind:?}");
                assert_eq!(for_hidden, for_nothing, "{kind:?} by {way}");
            }
        }
    }
    // The root fields of each kind, and the mutations of a partner.
    let own_ways = [
        (NodeKind::Initiative, "{ it: initiative(id: \"ID\") { id } }"),
        (
            NodeKind::Initiative,
            "{ it: revisions(id: \"ID\") { totalCount } }",
        ),
        (NodeKind::Organisation, "{ it: organisation(id: \"ID\") { id } }"),
        (NodeKind::Submission, "{ it: submission(id: \"ID\") { id } }"),
        (NodeKind::Import, "{ it: import(id: \"ID\") { id } }"),
        (
            NodeKind::Submission,
            "mutation { it: submitForReview(input: {id: \"ID\"}) { submission { id } problems { code message path } } }",
        ),
        (
            NodeKind::Submission,
            "mutation { it: discardSubmission(input: {id: \"ID\"}) { submission { id } problems { code message path } } }",
        ),
        (
            NodeKind::Submission,
            "mutation { it: saveSubmission(input: {id: \"ID\", record: {}}) { submission { id } problems { code message path } } }",
        ),
        (
            NodeKind::Organisation,
            "mutation { it: saveSubmission(input: {organisation: \"ID\", record: {}}) { submission { id } problems { code message path } } }",
        ),
        (
            NodeKind::Initiative,
            "mutation { it: saveSubmission(input: {initiative: \"ID\", initiativeVersion: 1, record: {}}) { submission { id } problems { code message path } } }",
        ),
        (
            NodeKind::Initiative,
            "mutation { it: withdrawInitiative(input: {id: \"ID\", reason: \"Why\"}) { changeNumber problems { code path message } } }",
        ),
        (
            NodeKind::Initiative,
            "mutation { it: narrowVisibility(input: {id: \"ID\", visibility: AGGREGATE_ONLY}) { changeNumber problems { code path message } } }",
        ),
    ];
    for (kind, id) in &hidden {
        for (_, way) in own_ways.iter().filter(|(of, _)| of == kind) {
            let ask = async |id: Uuid| {
                let query = way.replace("ID", &kind.encode_id(id));
                let (sent, answer) = statements.record_during(&partner, &query).await;
                (sent, answer["it"].clone())
            };
            let (for_hidden, answer) = ask(*id).await;
            let (for_nothing, no_answer) = ask(SystemClock.new_id()).await;
            assert_eq!(answer, no_answer, "{kind:?} by {way}");
            assert_eq!(for_hidden, for_nothing, "{kind:?} by {way}");
        }
    }
}
