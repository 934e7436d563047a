//! What is rejected and withheld under disclosure control, and when changes of hidden records are included.

use std::sync::Arc;

use sea_orm::EntityTrait;
use serde_json::{Value, json};
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin_engine::answer::{PatternAnswer, compute_pattern};
use wayin_engine::predicate::{Comparison, InitiativeTest, Predicate};
use wayin_engine::query::{PatternQuery, RecordScope, Viewpoint};
use wayin_engine::visibility::Reader;
use wayin_entity::{Challenge, ChallengeStep, Dimension, Role, disclosure_class, disclosure_release};

use super::fixture::{
    EMPTY_PLACE, LARGE_PLACE_COUNTS, RecordGenerator, SEED, create_clients, large_place, place_is,
    query_populations, query_tables, start_empty, start_with_records,
};
use crate::support::app::{Client, TestApp};
use crate::support::builders::withdraw;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    questions_about_many_answers_are_rejected_regardless_of_the_data,
    filters_on_key_variables_are_answered,
    p_values_are_not_reported_under_disclosure_control,
    visible_records_count_at_once_and_hidden_ones_in_batches,
    records_visible_to_an_audience_do_not_complete_its_batch,
    changed_records_are_counted_as_they_were_until_enough_have_changed,
    single_hidden_illustrative_record_changes_no_answer,
    publications_of_five_organisations_do_not_complete_a_batch,
    restarted_servers_give_the_same_answers,
    classes_are_formed_while_records_are_published,
];

/// Queries that are rejected, each with the argument that the message names.
fn list_restricted_queries() -> Vec<(String, &'static str)> {
    let known = "{challenge: {on: DEFINING_AMBITIONS, step: {isKnown: true}}}";
    let step = |challenge: &str| format!("{{challenge: {{on: {challenge}, step: {{in: [SKIPPED]}}}}}}");
    let three = format!(
        "{{and: [{}, {}, {}]}}",
        step("DEFINING_AMBITIONS"),
        step("UNDERSTANDING_LOCAL_SYSTEM"),
        step("FOSTERING_CONDITIONS")
    );
    let change = "{condition: {on: GOVERNANCE, change: {eq: ALTERED}}}";
    vec![
        (
            format!("pattern(when: {three}, then: {known}, among: {change}) {{ summary {{ text }} }}"),
            "when, then, among",
        ),
        (
            format!("pattern(when: {{and: [{three}, {change}]}}, then: {{}}) {{ summary {{ text }} }}"),
            "when",
        ),
        (
            format!("pattern(when: {three}, then: {{}}, by: REPORTING_BASIS) {{ summary {{ text }} }}"),
            "when, by",
        ),
        (
            format!("entryPointFlows(among: {{and: [{known}, {change}]}}) {{ scope }}"),
            "among",
        ),
        (
            format!(
                "associations(conditions: [{{name: \"a\", condition: {three}}}, {{name: \"b\", condition: {{}}}}, {{name: \"c\", condition: {known}}}], among: {change}) {{ scope }}"
            ),
            "conditions.0, among",
        ),
        (
            format!(
                "compare(groups: [{{label: \"a\", filter: {{}}}}, {{label: \"b\", filter: {three}}}], then: {known}, among: {change}) {{ scope }}"
            ),
            "groups.1.filter, then, among",
        ),
    ]
}

/// The same query with scope VISIBLE.
fn with_visible_scope(query: &str) -> String {
    query.replacen(") {", ", scope: VISIBLE) {", 1)
}

/// Rejections name the argument, and are the same for an empty database and for one with hundreds of records.
/// The queries are accepted with scope VISIBLE, and from a steward.
async fn questions_about_many_answers_are_rejected_regardless_of_the_data(database: Database) {
    let app = start_empty(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let funder = app
        .create_member("funder", Role::Funder, Some("GB-CHC-900"))
        .await;
    let refused = list_restricted_queries();
    let mut before = Vec::new();
    for (query, argument) in &refused {
        let query = format!("{{ {query} }}");
        let (message, code) = dashboard.query_error(&query).await;
        assert_eq!(code, "DISCLOSURE_CONTROL", "{query}: {message}");
        let named = message.split(": ").next().unwrap_or_default();
        assert!(
            named.contains(argument),
            "{query}: {message} does not name {argument}"
        );
        assert!(message.contains("VISIBLE"), "{message}: suggests another query");
        assert_eq!(
            funder.query_error(&query).await,
            (message.clone(), code),
            "{query}"
        );
        before.push(message);
        steward.query(&query).await;
        dashboard.query(&with_visible_scope(&query)).await;
    }
    let mut chance = RecordGenerator::new(SEED);
    let records: Vec<Value> = (0..200)
        .map(|at| {
            chance
                .hidden_record(&at.to_string(), &large_place(at % LARGE_PLACE_COUNTS.len()))
                .build()
        })
        .collect();
    app.publish(&records).await;
    for ((query, _), before) in refused.iter().zip(before) {
        let (message, _) = dashboard.query_error(&format!("{{ {query} }}")).await;
        assert_eq!(
            message, before,
            "{query} is refused otherwise where there are hidden records"
        );
    }
}

async fn withdraw_initiative(app: &TestApp, id: &str) {
    let (_, uuid) = wayin::id::decode(id).expect("it is an id");
    withdraw(app, uuid).await;
}

async fn filters_on_key_variables_are_answered(database: Database) {
    let app = start_with_records(database).await;
    let (_, dashboard) = create_clients(&app).await;
    let of_terms = |test: &str| format!("{{fundingTerms: {{some: {{{test}}}}}}}");
    let mut answered: Vec<String> = Vec::new();
    for how in ["lte", "gt"] {
        for months in [1, 7, 17, 18, 61] {
            answered.push(of_terms(&format!("durationMonths: {{{how}: {months}}}")));
        }
        for amount in [1, 1_234_567, 100_000_000] {
            answered.push(of_terms(&format!("amountMinor: {{{how}: {amount}}}")));
        }
        answered.push(of_terms(&format!("startsOn: {{{how}: \"2020-06-15\"}}")));
        answered.push(format!("{{startedOn: {{{how}: \"2019-03-02\"}}}}"));
        answered.push(format!("{{endedOn: {{{how}: \"2022-07-09\"}}}}"));
    }
    answered.push("{startedOn: {isKnown: true}}".into());
    answered.push(of_terms("currency: {in: [\"GBP\", \"EUR\"]}"));
    answered.push(place_is(&large_place(0)));
    answered.push(format!("{{and: [{}]}}", answered[..8].join(", ")));
    let asked: Vec<String> = answered
        .iter()
        .map(|condition| format!("when: {condition}, then: {{}}"))
        .collect();
    for (condition, table) in answered.iter().zip(query_tables(&dashboard, &asked).await) {
        assert!(table["population"].as_i64() > Some(400), "{condition}: {table}");
    }
}

async fn p_values_are_not_reported_under_disclosure_control(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let when = "{fundingTerms: {some: {durationMonths: {lte: 18}}}}";
    let then = "{challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}";
    let query = |over: &str| {
        format!(
            "{{ pattern(when: {when}, then: {then}, by: REGION, scope: {over}) {{ pValue conditionalOddsRatio oddsRatio {{ value }}
                  adjusted {{ oddsRatio {{ value }} test {{ pValue statistic }} homogeneity {{ pValue }} }} }}
                associations(conditions: [{{name: \"a\", condition: {when}}}, {{name: \"b\", condition: {then}}}], scope: {over}) {{ pairs {{ pValue qValue }} }} }}"
        )
    };
    let paths = [
        "/pattern/pValue",
        "/pattern/conditionalOddsRatio",
        "/pattern/adjusted/test",
        "/pattern/adjusted/homogeneity",
        "/associations/pairs/0/pValue",
        "/associations/pairs/0/qValue",
    ];
    let controlled = dashboard.query(&query("ALL")).await;
    let exact = steward.query(&query("ALL")).await;
    let readable = dashboard.query(&query("VISIBLE")).await;
    assert!(
        controlled["pattern"]["oddsRatio"]["value"].is_number(),
        "{controlled}"
    );
    for path in paths {
        let at = |answer: &Value| answer.pointer(path).cloned().expect("the query selects it");
        assert!(
            at(&controlled).is_null(),
            "{path} must be null under control: {controlled}"
        );
        assert!(
            !at(&exact).is_null(),
            "{path} must have a value for a steward: {exact}"
        );
        // There are too few visible records to test homogeneity.
        let may_be_null = path.ends_with("homogeneity");
        assert!(
            may_be_null || !at(&readable).is_null(),
            "{path} must have a value for visible records: {readable}"
        );
    }
}

/// The answers for a member, without the number of the last change that was read.
async fn query_all_answers(client: &Client<'_>) -> Value {
    let query = "{ pattern(when: {challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}, then: {condition: {on: GOVERNANCE, change: {eq: ALTERED}}}, by: PLACE) {
            summary { text } table { population both whenOnly thenOnly neither unknown whenUnknown thenUnknown } phi cautions { code text }
            disclosure { suppressed { count rule } hiddenAsOf { changeNumber changedAt } }
            groups(first: 100) { totalCount nodes { label table { population both whenOnly thenOnly neither unknown } suppressed { count rule } } } }
        patternGrid(rows: YEAR_STARTED, columns: REGION) { population illustrative cautions { code text } cells { count suppressed } }
        distribution(of: FUNDER) { bins { label count illustrative } }
        entryPointFlows { flows { count illustrative } } }";
    client.query(query).await
}

/// A hidden record. All of these can be in one class.
fn hidden_record(chance: &mut RecordGenerator, number: usize, lead: usize) -> Value {
    let record = chance.hidden_record(&format!("later-{number}"), &large_place(0));
    let record = record.with("startedOn", "2019-03-01");
    let mut record = record.led_by(&format!("GB-CHC-{lead}")).build();
    record["fundingTerms"][0]["durationMonths"] = 12.into();
    record
}

async fn visible_records_count_at_once_and_hidden_ones_in_batches(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-100"))
        .await;
    let mut chance = RecordGenerator::new(SEED + 5);
    let population = ["{}".to_owned()];
    let at_first = query_all_answers(&dashboard).await;
    let exactly = query_populations(&steward, &population, "ALL").await[0];
    let of_partner = query_populations(&partner, &population, "ALL").await[0];
    for number in 0..9 {
        // All records belong to the partner's organisation: hidden from the dashboard, but not from the
        // partner.
        app.publish(&[hidden_record_without_funding(&mut chance, number, 100)])
            .await;
        let more = i64::try_from(number).ok().map(|number| number + 1);
        let now = query_populations(&steward, &population, "ALL").await[0];
        assert_eq!(
            now,
            exactly.zip(more).map(|(a, b)| a + b),
            "a steward sees each at once"
        );
        let now = query_populations(&partner, &population, "ALL").await[0];
        assert_eq!(
            now,
            of_partner.zip(more).map(|(a, b)| a + b),
            "a partner's own records count at once and exactly"
        );
        assert_eq!(
            query_all_answers(&dashboard).await,
            at_first,
            "the dashboard's answers changed after {} hidden publications; seed {SEED}",
            number + 1
        );
    }
    // An open record counts at once, and does not include the pending hidden records.
    let all = query_populations(&dashboard, &population, "ALL").await[0];
    app.publish(&[chance.open_record("an-open-one", &large_place(0)).build()])
        .await;
    let now = query_populations(&dashboard, &population, "ALL").await[0];
    assert_eq!(now, all.map(|all| all + 1), "an open record counts at once");
    let before = query_all_answers(&dashboard).await;
    // One organisation leads the nine records and can read them, so they do not protect anything from it. Ten
    // more records of other organisations complete the batch: no funder knows so many of those that fewer than
    // ten remain.
    for number in 9..19 {
        assert_eq!(
            query_all_answers(&dashboard).await,
            before,
            "nine and {} others",
            number - 9
        );
        app.publish(&[hidden_record_without_funding(&mut chance, number, 92 + number)])
            .await;
    }
    assert!(
        query_all_answers(&dashboard).await != before,
        "nine and ten others, of eleven organisations, are enough"
    );
}

fn hidden_record_without_funding(chance: &mut RecordGenerator, number: usize, lead: usize) -> Value {
    let mut record = hidden_record(chance, number, lead);
    record["fundingTerms"] = json!([]);
    record
}

/// A member can see the records with visibility MEMBERS, so they are not hidden from members.
async fn records_visible_to_an_audience_do_not_complete_its_batch(database: Database) {
    let app = start_with_records(database).await;
    let (_, dashboard) = create_clients(&app).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-190"))
        .await;
    let asked: Vec<String> = (0..LARGE_PLACE_COUNTS.len())
        .map(|at| place_is(&large_place(at)))
        .collect();
    let exactly_readable = |output: Vec<Option<i64>>| output.into_iter().flatten().sum::<i64>();
    let mut chance = RecordGenerator::new(SEED + 11);
    let (of_dashboard, of_partner) = (
        query_all_answers(&dashboard).await,
        query_populations(&partner, &asked, "ALL").await,
    );
    let readable = exactly_readable(query_populations(&partner, &asked, "VISIBLE").await);
    let mut records: Vec<Value> = (0..19)
        .map(|number| {
            let mut record = hidden_record_without_funding(&mut chance, number, 101 + number % 10);
            record["visibility"] = "MEMBERS".into();
            record
        })
        .collect();
    records.push(hidden_record_without_funding(&mut chance, 20, 120));
    app.publish(&records).await;
    assert!(
        query_all_answers(&dashboard).await != of_dashboard,
        "twenty are hidden from a dashboard"
    );
    assert_eq!(
        exactly_readable(query_populations(&partner, &asked, "VISIBLE").await),
        readable + 19
    );
    assert_eq!(
        query_populations(&partner, &asked, "ALL").await,
        of_partner,
        "a member learns nothing about the twentieth; seed {SEED}"
    );
}

async fn changed_records_are_counted_as_they_were_until_enough_have_changed(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let before = query_all_answers(&dashboard).await;
    let output = steward
        .query("{ initiatives(first: 100) { nodes { id visibility } } }")
        .await;
    let nodes = output["initiatives"]["nodes"].as_array().expect("it is a list");
    let hidden = nodes.iter().filter(|node| node["visibility"] == "AGGREGATE_ONLY");
    for node in hidden.take(3) {
        withdraw_initiative(&app, node["id"].as_str().expect("it has an id")).await;
        assert_eq!(
            query_all_answers(&dashboard).await,
            before,
            "a withdrawal changes what the dashboard sees; seed {SEED}"
        );
    }
    // The same external reference of the same organisation updates the same record.
    let publish_all = async |seed: u64, count: usize| {
        let mut chance = RecordGenerator::new(SEED + seed);
        let records: Vec<Value> = (0..count)
            .map(|number| hidden_record(&mut chance, number, 100 + number))
            .collect();
        app.publish(&records).await;
        query_all_answers(&dashboard).await
    };
    let with_new = publish_all(6, 20).await;
    assert!(with_new != before, "twenty new records are counted; seed {SEED}");
    assert_eq!(
        publish_all(7, 9).await,
        with_new,
        "nine of them have changed; seed {SEED}"
    );
    let exact = steward
        .query("{ pattern(when: {}, then: {}) { table { population } } }")
        .await;
    assert!(
        publish_all(8, 20).await != with_new,
        "all of them have changed; seed {SEED}, {exact}"
    );
}

async fn single_hidden_illustrative_record_changes_no_answer(database: Database) {
    let app = start_with_records(database).await;
    let (_, dashboard) = create_clients(&app).await;
    let before = query_all_answers(&dashboard).await;
    let empty_place = format!(
        "{{ pattern(when: {{}}, then: {{}}, among: {}) {{ summary {{ text }} cautions {{ code text }} }} }}",
        place_is(EMPTY_PLACE)
    );
    let of_nothing = dashboard.query(&empty_place).await;
    let mut record = hidden_record(&mut RecordGenerator::new(SEED + 8), 0, 100);
    record["illustrative"] = true.into();
    app.publish(&[record]).await;
    assert_eq!(query_all_answers(&dashboard).await, before);
    assert_eq!(dashboard.query(&empty_place).await, of_nothing);
}

async fn publications_of_five_organisations_do_not_complete_a_batch(database: Database) {
    let app = start_with_records(database).await;
    let (_, dashboard) = create_clients(&app).await;
    let before = query_all_answers(&dashboard).await;
    let mut chance = RecordGenerator::new(SEED + 10);
    let records: Vec<Value> = (0..30)
        .map(|number| hidden_record(&mut chance, number, 100 + number % 5))
        .collect();
    app.publish(&records).await;
    assert_eq!(
        query_all_answers(&dashboard).await,
        before,
        "thirty of five organisations, one of which may be looking; seed {SEED}"
    );
    app.publish(&[hidden_record(&mut chance, 30, 105)]).await;
    assert!(
        query_all_answers(&dashboard).await != before,
        "and one of a sixth"
    );
}

/// A dashboard's answer from a server: how many initiatives of each region skipped defining their ambitions.
async fn compute_answer(engine: &Arc<PatternEngine>) -> PatternAnswer {
    let skipped = Comparison::OneOf(vec![ChallengeStep::Skipped]);
    let query = PatternQuery {
        when: Predicate::Test(InitiativeTest::Step(Challenge::DefiningAmbitions, skipped)),
        then: Predicate::ALWAYS_TRUE,
        among: Predicate::ALWAYS_TRUE,
        by: Some(Dimension::Region),
        viewpoint: Viewpoint {
            reader: Reader::Dashboard,
            scope: RecordScope::All,
        },
    };
    let view = engine.view().expect("it is ready");
    let answer = view.run_query(move |context| compute_pattern(context, &query, false));
    answer.await.expect("it is answered")
}

async fn start_another_server(app: &TestApp) -> Arc<PatternEngine> {
    let engine = Arc::new(PatternEngine::new(EngineSettings::default()).expect("it starts"));
    engine
        .catch_up(&app.app.db, &|_| ())
        .await
        .expect("it reads the database");
    engine
}

async fn restarted_servers_give_the_same_answers(database: Database) {
    let app = start_with_records(database).await;
    let (steward, _) = create_clients(&app).await;
    let first = compute_answer(&app.app.engine).await;
    let second_server = start_another_server(&app).await;
    assert_eq!(
        compute_answer(&second_server).await,
        first,
        "the classes are stored"
    );
    let mut chance = RecordGenerator::new(SEED + 12);
    app.publish(&[hidden_record(&mut chance, 0, 100)]).await;
    let restarted = compute_answer(&start_another_server(&app).await).await;
    assert!(
        restarted.is_same_result(&first),
        "a restart counts one new record: {first:?}, {restarted:?}"
    );
    let output = steward
        .query("{ initiatives(first: 100) { nodes { id visibility } } }")
        .await;
    let nodes = output["initiatives"]["nodes"].as_array().expect("it is a list");
    let mut hidden = nodes.iter().filter(|node| node["visibility"] == "AGGREGATE_ONLY");
    let id = hidden.nth(20).expect("most are hidden")["id"]
        .as_str()
        .expect("it has an id");
    withdraw_initiative(&app, id).await;
    app.catch_up().await;
    second_server
        .catch_up(&app.app.db, &|_| ())
        .await
        .expect("it reads the database");
    let followed = compute_answer(&app.app.engine).await;
    assert!(
        followed.is_same_result(&first),
        "a withdrawn record is counted as it was: {first:?}, {followed:?}"
    );
    for server in [second_server, start_another_server(&app).await] {
        assert_eq!(
            compute_answer(&server).await,
            followed,
            "the withdrawn record is counted as it was, also after a restart"
        );
    }
}

/// A server with very many hidden records without classes forms these in the background. Nobody waits for it, and
/// publications in the meantime do not prevent it.
async fn classes_are_formed_while_records_are_published(database: Database) {
    let app = start_with_records(database).await;
    let db = &app.app.db;
    disclosure_class::Entity::delete_many().exec(db).await.unwrap();
    disclosure_release::Entity::delete_many().exec(db).await.unwrap();
    let settings = EngineSettings {
        max_records_classed_at_once: 0,
        ..EngineSettings::default()
    };
    let engine = Arc::new(PatternEngine::new(settings).expect("it starts"));
    engine.catch_up(db, &|_| ()).await.expect("it reads the database");
    let without_classes = compute_answer(&engine).await;
    assert_eq!(
        without_classes.basis.hidden_as_of.change_number, 0,
        "no class is formed at once"
    );
    let following = tokio::spawn({
        let (engine, db) = (Arc::clone(&engine), db.clone());
        async move { engine.follow_change_log(&db, &|_| ()).await }
    });
    let mut chance = RecordGenerator::new(SEED + 13);
    let mut published = 0;
    while compute_answer(&engine).await.basis.hidden_as_of.change_number == 0 {
        assert!(
            published < 500,
            "no classes are formed while records are published"
        );
        app.publish(&[hidden_record(&mut chance, published, 100 + published % 20)])
            .await;
        published += 1;
    }
    following.abort();
    engine.catch_up(db, &|_| ()).await.expect("it reads the database");
    let answer = compute_answer(&engine).await;
    let restarted = compute_answer(&start_another_server(&app).await).await;
    assert!(
        restarted.is_same_result(&answer),
        "all servers use the stored classes: {answer:?}, {restarted:?}"
    );
    let population = answer.table.population.count;
    assert!(
        population > Some(400),
        "most of the hidden records are in classes: {answer:?}"
    );
}
