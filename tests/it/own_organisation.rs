//! The filters `fundedByMe`, `ledByMe` and `isMe`, which ask about the organisation of the member who asks.

use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::clock::{Clock, SystemClock};
use wayin::graphql::filter::{AskerOrganisation, FilterContext};
use wayin::id;
use wayin::initiative::filter_input::InitiativeFilter;
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::visibility::Reader;
use wayin_entity::{Role, claim};

use crate::support::app::{Client, PARTNER_ORGANISATION, TestApp};
use crate::support::builders::{DEFAULT_LEAD, organisation, record};
use crate::support::http::{export_address, get, send};
use crate::support::reference_data::send_mutation;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    own_filters_select_what_the_organisation_funds_or_leads,
    own_filters_equal_filters_by_id,
    own_organisation_is_listed,
    members_of_different_organisations_get_different_answers,
    files_accept_own_filters,
    members_of_every_role_with_an_organisation_can_use_own_filters,
    members_without_an_organisation_are_refused,
    claims_with_own_filters_are_refused,
    merged_organisation_is_followed,
];

const FUNDER: &str = "GB-CHC-8";
const OTHER_FUNDER: &str = "GB-CHC-9";

/// A record with its visibility, its lead organisation, and the funder and the months of each of its terms.
fn build_record(reference: &str, visibility: &str, lead: &str, terms: &[(&str, i32)]) -> Value {
    let terms: Vec<Value> = terms
        .iter()
        .map(|(funder, months)| json!({"funder": organisation(funder), "durationMonths": months}))
        .collect();
    record(reference)
        .with("visibility", visibility)
        // Only the record `d` is shared.
        .with("sharedWithFunders", reference == "d")
        .with("startedOn", "2020-01-01")
        .with(
            "challengesFaced",
            json!([{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED"}]),
        )
        .led_by(lead)
        .with("fundingTerms", terms)
        .build()
}

/// Records from `a` to `g`. Both funders and the partner can read `a`, `b`, `c` and `f`. [`FUNDER`] can also read
/// `d`, and the partner `g`.
async fn start_with_records(database: Database) -> TestApp {
    const PARTNER: &str = PARTNER_ORGANISATION;
    let app = TestApp::start(database).await;
    app.publish(&[
        build_record("a", "OPEN", DEFAULT_LEAD, &[(FUNDER, 12)]),
        build_record("b", "OPEN", PARTNER, &[(FUNDER, 36), (OTHER_FUNDER, 12)]),
        build_record("c", "MEMBERS", DEFAULT_LEAD, &[(OTHER_FUNDER, 12)]),
        build_record("d", "AGGREGATE_ONLY", DEFAULT_LEAD, &[(FUNDER, 12)]),
        build_record("e", "AGGREGATE_ONLY", DEFAULT_LEAD, &[(FUNDER, 12)]),
        build_record("f", "OPEN", PARTNER, &[]),
        build_record("g", "AGGREGATE_ONLY", PARTNER, &[(OTHER_FUNDER, 12)]),
    ])
    .await;
    app
}

async fn create_funder<'a>(app: &'a TestApp, identifier: &str) -> Client<'a> {
    let subject = format!("funder of {identifier}");
    app.create_member(&subject, Role::Funder, Some(identifier)).await
}

/// The references of the records for which a filter is TRUE, in order.
async fn list_references(client: &Client<'_>, filter: &str) -> String {
    let query = format!(
        "{{ initiatives(filter: {filter}, orderBy: {{field: TITLE}}) {{ totalCount nodes {{ title }} }} }}"
    );
    let found = client.query(&query).await;
    let nodes = found["initiatives"]["nodes"].as_array().unwrap();
    assert_eq!(found["initiatives"]["totalCount"], nodes.len(), "{filter}");
    let titles = nodes.iter().map(|node| node["title"].as_str().unwrap());
    let references: Vec<&str> = titles
        .map(|title| title.strip_prefix("Initiative ").unwrap())
        .collect();
    references.join(" ")
}

/// The id and the name of the organisation of a member.
async fn find_own_organisation(client: &Client<'_>) -> (String, String) {
    let found = client.query("{ viewer { organisation { id name } } }").await;
    let own = &found["viewer"]["organisation"];
    let text = |field: &str| own[field].as_str().unwrap().to_owned();
    (text("id"), text("name"))
}

async fn own_filters_select_what_the_organisation_funds_or_leads(database: Database) {
    let app = start_with_records(database).await;
    let (funder, partner) = (create_funder(&app, FUNDER).await, app.partner().await);
    // Without a condition, records that the funder may read in part are listed too.
    assert_eq!(
        list_references(&funder, "{fundedByMe: null}").await,
        "a b c d e f"
    );
    for (client, filter, expected) in [
        (&funder, "{fundedByMe: true}", "a b d"),
        // No funding term of `f` is recorded.
        (&funder, "{fundedByMe: false}", "c"),
        (&funder, "{not: {fundedByMe: true}}", "c"),
        (&funder, "{ledByMe: true}", ""),
        (&funder, "{or: [{fundedByMe: true}, {ledByMe: true}]}", "a b d"),
        (
            &funder,
            "{fundingTerms: {some: {funder: {isMe: true}, durationMonths: {lte: 18}}}}",
            "a d",
        ),
        (&funder, "{fundingTerms: {some: {funder: {isMe: false}}}}", "b c"),
        (&funder, "{fundingTerms: {every: {funder: {isMe: true}}}}", "a d"),
        (&funder, "{fundingTerms: {none: {funder: {isMe: true}}}}", "c"),
        (&partner, "{ledByMe: true}", "b f g"),
        (&partner, "{ledByMe: false}", "a c"),
        (&partner, "{leadOrganisation: {isMe: true}}", "b f g"),
        (&partner, "{leadOrganisation: {isMe: false}}", "a c"),
        (&partner, "{fundedByMe: true}", ""),
        (&partner, "{fundedByMe: false, ledByMe: true}", "b g"),
    ] {
        assert_eq!(list_references(client, filter).await, expected, "{filter}");
        let query = format!(
            "{{ pattern(among: {filter}, when: {{}}, then: {{}}, scope: VISIBLE) {{ table {{ population }} }} }}"
        );
        let counted = client.query(&query).await;
        assert_eq!(
            counted["pattern"]["table"]["population"],
            expected.split_whitespace().count(),
            "{filter}"
        );
    }
}

/// Questions with a filter in place of `FILTER`.
const QUESTIONS: [&str; 7] = [
    "{ pattern(among: FILTER, when: {fundingTerms: {some: {durationMonths: {lte: 18}}}},
        then: {challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}, by: FUNDER, scope: VISIBLE) {
        summary { text } table { population both whenOnly thenOnly neither unknown }
        groups(first: 20) { nodes { label table { population } } } } }",
    "{ pattern(when: FILTER, then: {fundingTerms: {isRecorded: true}}, scope: ALL) {
        summary { text } table { population both whenOnly thenOnly neither unknown }
        disclosure { suppressed { count rule } } } }",
    "{ patternGrid(rows: FUNDER, columns: YEAR_STARTED, among: FILTER, scope: VISIBLE) { cells { count } } }",
    "{ distribution(of: FUNDER, among: FILTER, scope: VISIBLE) { bins { label count } } }",
    "{ entryPointFlows(among: FILTER, scope: VISIBLE) { flows { count } } }",
    "{ associations(conditions: [{name: \"own\", condition: FILTER}, {name: \"all\", condition: {}}],
        scope: VISIBLE) { pairs { table { population both unknown } } } }",
    "{ initiatives(filter: FILTER, orderBy: {field: TITLE}) { totalCount nodes { title } } }",
];

async fn answer_questions(client: &Client<'_>, filter: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        answers.push(client.query(&question.replace("FILTER", filter)).await);
    }
    answers
}

async fn own_filters_equal_filters_by_id(database: Database) {
    let app = start_with_records(database).await;
    for client in [create_funder(&app, FUNDER).await, app.partner().await] {
        let (own_id, _) = find_own_organisation(&client).await;
        for (own, by_id) in [
            (
                "{fundedByMe: true}",
                "{fundingTerms: {some: {funder: {id: {eq: OWN_ID}}}}}",
            ),
            (
                "{fundedByMe: false}",
                "{not: {fundingTerms: {some: {funder: {id: {eq: OWN_ID}}}}}}",
            ),
            ("{ledByMe: true}", "{leadOrganisation: {id: {eq: OWN_ID}}}"),
            (
                "{ledByMe: false}",
                "{not: {leadOrganisation: {id: {eq: OWN_ID}}}}",
            ),
            (
                "{leadOrganisation: {isMe: false}}",
                "{leadOrganisation: {id: {ne: OWN_ID}}}",
            ),
            (
                "{fundingTerms: {some: {funder: {isMe: true}, durationMonths: {lte: 18}}}}",
                "{fundingTerms: {some: {funder: {id: {eq: OWN_ID}}, durationMonths: {lte: 18}}}}",
            ),
            (
                "{fundingTerms: {every: {or: [{funder: {isMe: true}}, {renewable: {eq: true}}]}}}",
                "{fundingTerms: {every: {or: [{funder: {id: {eq: OWN_ID}}}, {renewable: {eq: true}}]}}}",
            ),
            (
                "{fundingTerms: {none: {funder: {isMe: true}}}}",
                "{fundingTerms: {none: {funder: {id: {eq: OWN_ID}}}}}",
            ),
        ] {
            let by_id = by_id.replace("OWN_ID", &format!("{own_id:?}"));
            assert_eq!(
                answer_questions(&client, own).await,
                answer_questions(&client, &by_id).await,
                "{own}"
            );
        }
    }
}

async fn own_organisation_is_listed(database: Database) {
    let app = start_with_records(database).await;
    let funder = create_funder(&app, FUNDER).await;
    let (_, name) = find_own_organisation(&funder).await;
    let found = funder
        .query(
            "{ own: organisations(filter: {isMe: true}) { nodes { name } }
               others: organisations(filter: {isMe: false}) { nodes { name } } }",
        )
        .await;
    assert_eq!(found["own"]["nodes"], json!([{"name": name}]));
    let others = found["others"]["nodes"].as_array().unwrap();
    assert!(!others.is_empty(), "{found}");
    assert!(!others.contains(&json!({"name": name})), "{found}");
}

async fn members_of_different_organisations_get_different_answers(database: Database) {
    let app = start_with_records(database).await;
    let funders = [
        (create_funder(&app, FUNDER).await, 3),
        (create_funder(&app, OTHER_FUNDER).await, 2),
    ];
    let question = "{ pattern(among: {fundedByMe: true}, when: {}, then: {fundingTerms: {isRecorded: true}},
        scope: VISIBLE) { summary { text } table { population } } }";
    // Both ask again, so that the answers come from the cache.
    for _ in 0..2 {
        for (funder, population) in &funders {
            let (_, name) = find_own_organisation(funder).await;
            let answer = &funder.query(question).await["pattern"];
            assert_eq!(answer["table"]["population"], *population, "{answer}");
            let summary = answer["summary"]["text"].as_str().unwrap();
            assert!(summary.contains(&name), "{summary}");
        }
    }
}

async fn files_accept_own_filters(database: Database) {
    let app = start_with_records(database).await;
    let funder = create_funder(&app, FUNDER).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let (own_id, _) = find_own_organisation(&funder).await;
    let download = async |client: &Client<'_>, among: Value| {
        let parameters = json!({"of": "FUNDER", "among": among, "scope": "VISIBLE"});
        let address = export_address("distribution", &parameters);
        let (status, _, body) = send(&app.app, get(&address, client.authorization.as_deref())).await;
        (status, String::from_utf8(body).unwrap())
    };
    let (status, own) = download(&funder, json!({"fundedByMe": true})).await;
    assert_eq!(status, StatusCode::OK, "{own}");
    let by_id = json!({"fundingTerms": {"some": {"funder": {"id": {"eq": own_id}}}}});
    let (_, by_id) = download(&funder, by_id).await;
    assert_eq!(own, by_id);
    let (status, body) = download(&dashboard, json!({"ledByMe": true})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body.contains("among.ledByMe: You do not belong to an organisation"),
        "{body}"
    );
}

async fn members_of_every_role_with_an_organisation_can_use_own_filters(database: Database) {
    let app = start_with_records(database).await;
    for (role, identifier, expected) in [
        (Role::Dashboard, FUNDER, "a b"),
        (Role::Steward, OTHER_FUNDER, "b c g"),
        (Role::Partner, OTHER_FUNDER, "b c"),
    ] {
        let subject = format!("{role:?} of {identifier}");
        let client = app.create_member(&subject, role, Some(identifier)).await;
        assert_eq!(
            list_references(&client, "{fundedByMe: true}").await,
            expected,
            "{subject}"
        );
    }
}

async fn members_without_an_organisation_are_refused(database: Database) {
    let app = start_with_records(database).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    for client in [dashboard, app.steward().await] {
        for (query, path) in [
            (
                "{ initiatives(filter: {fundedByMe: true}) { totalCount } }",
                "filter.fundedByMe",
            ),
            (
                "{ initiatives(filter: {or: [{}, {not: {ledByMe: false}}]}) { totalCount } }",
                "filter.or.1.not.ledByMe",
            ),
            (
                "{ organisations(filter: {isMe: true}) { totalCount } }",
                "filter.isMe",
            ),
            (
                "{ pattern(when: {}, then: {}, among: {fundedByMe: true}) { summary { text } } }",
                "among.fundedByMe",
            ),
            (
                "{ distribution(of: REGION, among: {fundingTerms: {none: {funder: {isMe: true}}}}) { scope } }",
                "among.fundingTerms.none.funder.isMe",
            ),
            (
                "{ associations(conditions: [{name: \"a\", condition: {}}, {name: \"b\",
                    condition: {leadOrganisation: {isMe: false}}}]) { scope } }",
                "conditions.1.leadOrganisation.isMe",
            ),
        ] {
            let (message, code) = client.query_error(query).await;
            assert_eq!(
                (message, code.as_str()),
                (describe_refusal(path), "BAD_USER_INPUT")
            );
        }
        let subscription =
            "subscription { patternChanged(when: {fundedByMe: true}, then: {}) { summary { text } } }";
        let response = client.subscribe_first(subscription).await;
        assert_eq!(
            response["errors"][0]["message"],
            describe_refusal("when.fundedByMe"),
            "{response}"
        );
        client
            .query("{ initiatives(filter: {fundedByMe: null, ledByMe: null}) { totalCount } }")
            .await;
    }
}

/// The error for a member without an organisation.
fn describe_refusal(path: &str) -> String {
    let field = path.rsplit('.').next().unwrap();
    format!(
        "{path}: You do not belong to an organisation, so `{field}` cannot be answered. Filter by an \
         organisation's id instead."
    )
}

async fn claims_with_own_filters_are_refused(database: Database) {
    let app = start_with_records(database).await;
    // The organisation of the steward who saves a claim is not meant either.
    let steward = app
        .create_member("steward", Role::Steward, Some(OTHER_FUNDER))
        .await;
    let funder = create_funder(&app, FUNDER).await;
    for (part, filter, steps) in [
        ("when", json!({"fundedByMe": true}), vec!["fundedByMe"]),
        (
            "then",
            json!({"fundingTerms": {"some": {"funder": {"isMe": true}}}}),
            vec!["fundingTerms", "some", "funder", "isMe"],
        ),
        (
            "among",
            json!({"or": [{}, {"ledByMe": false}]}),
            vec!["or", "1", "ledByMe"],
        ),
    ] {
        let mut input =
            json!({"slug": "a-claim", "statement": "One goes with the other", "when": {}, "then": {}});
        input[part] = filter;
        let payload = send_mutation(&steward, "saveClaim", input).await;
        assert_eq!(payload["claim"], Value::Null, "{payload}");
        let field = steps[steps.len() - 1];
        let path: Vec<&str> = std::iter::once(part).chain(steps.iter().copied()).collect();
        let message = format!(
            "A claim is read by everybody, so `{field}` cannot be answered in it. Filter by an organisation's \
             id instead."
        );
        assert_eq!(
            payload["problems"],
            json!([{"code": "INVALID_FORMAT", "path": path, "message": message}])
        );
    }
    store_claim(&app).await;
    for (client, scope) in [(&funder, "VISIBLE"), (&app.anonymous(), "ALL")] {
        let query =
            format!("{{ claim(slug: \"a-claim\") {{ pattern(scope: {scope}) {{ summary {{ text }} }} }} }}");
        let (message, code) = client.query_error(&query).await;
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(
            message.starts_with("when.fundedByMe: A claim is read by everybody"),
            "{message}"
        );
    }
}

/// Stores a claim that `saveClaim` refuses.
async fn store_claim(app: &TestApp) {
    let now = SystemClock.now();
    let row = claim::Model {
        id: SystemClock.new_id(),
        slug: "a-claim".into(),
        statement: "One thing goes with another.".into(),
        position: 1,
        reflection_id: None,
        pattern_when: json!({"fundedByMe": true}),
        pattern_then: json!({}),
        pattern_among: None,
        pattern_by: None,
        created_at: now,
        updated_at: now,
    };
    row.into_active_model().insert(&app.app.db).await.unwrap();
}

async fn merged_organisation_is_followed(database: Database) {
    let app = start_with_records(database).await;
    let (funder, other) = (
        create_funder(&app, FUNDER).await,
        create_funder(&app, OTHER_FUNDER).await,
    );
    let ((former, _), (current, _)) = (
        find_own_organisation(&funder).await,
        find_own_organisation(&other).await,
    );
    let input = json!({"target": current, "source": former, "reason": "One and the same"});
    let payload = send_mutation(&app.steward().await, "mergeOrganisations", input).await;
    assert_eq!(payload["problems"], json!([]), "{payload}");
    app.catch_up().await;
    for client in [&funder, &other] {
        assert_eq!(list_references(client, "{fundedByMe: true}").await, "a b c d");
    }
    // A subscription that began before the merge keeps the former id.
    let [former, current] = [former, current].map(|text| id::decode(&text).unwrap().1);
    assert_eq!(
        build_own_portfolio(&app, former).await,
        build_own_portfolio(&app, current).await
    );
}

/// The predicate of `fundedByMe` for a member with this organisation.
async fn build_own_portfolio(app: &TestApp, organisation: Uuid) -> InitiativePredicate {
    let filter = InitiativeFilter {
        funded_by_me: Some(true),
        ..InitiativeFilter::default()
    };
    let asker = AskerOrganisation::Known(organisation);
    let lookup = FilterContext::new(&app.app.db, Reader::Member { organisation }, asker);
    filter.into_predicate(lookup, "filter".into()).await.unwrap()
}
