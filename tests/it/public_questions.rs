//! The questions of visitors, who send no token.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use wayin::app::App;
use wayin::auth::permission::{AccessRequirement, AccessRule, Exposure, Permissions, TABLE};
use wayin::graphql::operation::cost::{CostSettings, RateLimit, RateLimits};
use wayin_entity::{Capability, Role};

use crate::support::answer_tables::{
    publish_mixed_visibility, short_funding_filter, skipped_ambitions_filter,
};
use crate::support::app::{Client, TestApp};
use crate::support::http::{export_address, get, send, workbook_address};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    visitors_ask_nothing_by_default,
    visitors_get_the_answer_of_a_dashboard,
    visitors_get_the_files_of_a_dashboard,
    visitors_cannot_ask_about_places_organisations_or_themselves,
    visitors_read_no_records,
    invalid_token_is_not_a_visitors,
    visitors_cannot_filter_by_hidden_fields,
    questions_of_visitors_are_not_counted,
    questions_of_visitors_are_charged_to_the_address,
];

const TABLE_FIELDS: &str = "{ population both whenOnly thenOnly neither unknown whenUnknown thenUnknown }";
const ANSWER_FIELDS: &str = "cautions { code text } basis scope asOf { changeNumber } licence
     disclosure { applied suppressed { count rule } hiddenAsOf { changeNumber } }";

fn let_visitors_ask(app: App) -> App {
    app.with_permissions(Permissions::default().with_public_questions(true))
}

/// Every question, with every field that a visitor can read.
fn write_all_questions() -> String {
    format!(
        "query($when: InitiativeFilter!, $then: InitiativeFilter!) {{
           pattern(when: $when, then: $then, by: REGION) {{ {ANSWER_FIELDS}
             summary {{ headline certainty unknowns where cautions text }} verdict direction
             table {TABLE_FIELDS} visibleTable {TABLE_FIELDS} unknownReasons {{ reason count visibleCount }}
             rateWhen {{ value lower upper }} rateOtherwise {{ value }} riskDifference {{ value }} adjusted {{ groupCount }}
             groups(first: 20) {{ totalCount nodes {{ key label table {TABLE_FIELDS} suppressed {{ count rule }} }} }} }}
           patternGrid(rows: REGION, columns: WAY_IN) {{ {ANSWER_FIELDS} population visiblePopulation illustrative overlap
             rows {{ key label count visibleCount }} columns {{ key label count visibleCount }}
             cells {{ row column count visibleCount expected residual suppressed }} }}
           associations(conditions: [{{name: \"a\", condition: $when}}, {{name: \"b\", condition: $then}}]) {{ {ANSWER_FIELDS}
             illustrative pairs {{ when then verdict table {TABLE_FIELDS} pValue qValue suppressed {{ count }} }} }}
           compare(groups: [{{label: \"short\", filter: $when}}], then: $then) {{ {ANSWER_FIELDS} overlap illustrative
             summary {{ headline byGroup certainty cautions text }}
             groups {{ label verdict direction table {TABLE_FIELDS} rate {{ value }} rateOfRest {{ value }} difference {{ value }} }} }}
           entryPointFlows(perspective: PRACTITIONER) {{ {ANSWER_FIELDS}
             flows {{ perspective from to count visibleCount illustrative suppressed {{ count }} }} }}
           distribution(of: YEAR_STARTED, among: $when) {{ {ANSWER_FIELDS}
             bins {{ key label count visibleCount illustrative suppressed {{ count }} }} }} }}"
    )
}

/// A file of each kind, with its parameters.
fn list_files() -> Vec<(&'static str, Value)> {
    let (when, then) = (short_funding_filter(), skipped_ambitions_filter());
    vec![
        ("pattern", json!({"when": when, "then": then, "by": "REGION"})),
        (
            "compare",
            json!({"groups": [{"label": "short", "filter": when}], "then": then}),
        ),
        ("grid", json!({"rows": "REGION", "columns": "WAY_IN"})),
        ("distribution", json!({"of": "YEAR_STARTED", "among": when})),
        ("flows", json!({})),
        (
            "associations",
            json!({"conditions": [{"name": "a", "condition": when}, {"name": "b", "condition": then}]}),
        ),
    ]
}

async fn download(app: &TestApp, address: &str, authorization: Option<&str>) -> (StatusCode, Vec<u8>) {
    let (status, _, body) = send(&app.app, get(address, authorization)).await;
    (status, body)
}

/// The code and the message of a file that is refused, and its status.
async fn download_error(app: &TestApp, name: &str, parameters: &Value) -> (StatusCode, String, String) {
    let (status, body) = download(app, &export_address(name, parameters), None).await;
    let body: Value = serde_json::from_slice(&body).expect("an error is JSON");
    let error = &body["errors"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        status,
        text(&error["extensions"]["code"]),
        text(&error["message"]),
    )
}

async fn assert_refused(client: &Client<'_>, query: &str, expected_code: &str, expected_start: &str) {
    let (message, code) = client.query_error(query).await;
    assert_eq!(code, expected_code, "{query}: {message}");
    assert!(message.starts_with(expected_start), "{query}: {message}");
}

async fn visitors_ask_nothing_by_default(database: Database) {
    let app = TestApp::start(database).await;
    let variables = json!({"when": short_funding_filter(), "then": skipped_ambitions_filter()});
    let response = app
        .anonymous()
        .execute_with(&write_all_questions(), variables)
        .await;
    let errors = response["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 6, "each question is refused: {response}");
    for error in errors {
        assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED", "{error}");
    }
    for (name, parameters) in list_files() {
        let (status, code, message) = download_error(&app, name, &parameters).await;
        assert_eq!(
            (status, code.as_str()),
            (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            "{name}: {message}"
        );
    }
}

async fn visitors_get_the_answer_of_a_dashboard(database: Database) {
    let app = TestApp::start_with(database, let_visitors_ask).await;
    publish_mixed_visibility(&app).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let query = write_all_questions();
    let variables = json!({"when": short_funding_filter(), "then": skipped_ambitions_filter()});
    let answer = app.anonymous().execute_with(&query, variables.clone()).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(answer, dashboard.execute_with(&query, variables.clone()).await);
    for question in [
        "pattern",
        "patternGrid",
        "associations",
        "compare",
        "entryPointFlows",
        "distribution",
    ] {
        let answered = &answer["data"][question];
        assert_eq!(answered["scope"], "ALL", "{question}");
        assert_eq!(answered["disclosure"]["applied"], true, "{question}");
    }
    let population = &answer["data"]["pattern"]["table"]["population"];
    let visible = &answer["data"]["pattern"]["visibleTable"]["population"];
    assert_eq!(visible, 60, "the open records");
    assert!(
        population.as_i64() > Some(200),
        "hidden records count: {population}"
    );
    let steward = app.steward().await.execute_with(&query, variables).await;
    assert_ne!(answer, steward, "a steward is not under disclosure control");
}

async fn visitors_get_the_files_of_a_dashboard(database: Database) {
    let app = TestApp::start_with(database, let_visitors_ask).await;
    publish_mixed_visibility(&app).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    for (name, mut parameters) in list_files() {
        parameters["preamble"] = json!(true);
        let address = export_address(name, &parameters);
        let (status, file) = download(&app, &address, None).await;
        assert_eq!(
            status,
            StatusCode::OK,
            "{name}: {}",
            String::from_utf8_lossy(&file)
        );
        let (_, expected) = download(&app, &address, dashboard.authorization.as_deref()).await;
        assert_eq!(
            String::from_utf8(file).unwrap(),
            String::from_utf8(expected).unwrap(),
            "{name}"
        );
    }
    for (name, parameters) in list_files().into_iter().take(4) {
        let (status, file) = download(&app, &workbook_address(name, &parameters), None).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        assert!(file.starts_with(b"PK"), "{name} is a workbook");
    }
    let (status, code, message) =
        download_error(&app, "distribution", &json!({"of": "REGION", "scope": "VISIBLE"})).await;
    assert_eq!(
        (status, code.as_str()),
        (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        "{message}"
    );
    for (name, parameters, expected) in [
        (
            "pattern",
            json!({"when": {}, "then": {}, "by": "PLACE"}),
            "by: groups by PLACE name",
        ),
        (
            "grid",
            json!({"rows": "REGION", "columns": "FUNDER"}),
            "columns: groups by FUNDER name",
        ),
        (
            "distribution",
            json!({"of": "LEAD_ORGANISATION"}),
            "of: groups by LEAD_ORGANISATION name",
        ),
    ] {
        let (status, code, message) = download_error(&app, name, &parameters).await;
        assert_eq!(
            (status, code.as_str()),
            (StatusCode::FORBIDDEN, "FORBIDDEN"),
            "{name}: {message}"
        );
        assert!(message.starts_with(expected), "{name}: {message}");
    }
    let portfolio = json!({"portfolio": true, "then": {}});
    let (status, code, message) = download_error(&app, "compare", &portfolio).await;
    assert_eq!(
        (status, code.as_str()),
        (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"),
        "{message}"
    );
    assert!(message.starts_with("portfolio: You sent no token"), "{message}");
}

async fn visitors_cannot_ask_about_places_organisations_or_themselves(database: Database) {
    let app = TestApp::start_with(database, let_visitors_ask).await;
    let (visitor, dashboard) = (
        app.anonymous(),
        app.create_member("dashboard", Role::Dashboard, None).await,
    );
    for (question, argument, dimension) in [
        ("pattern(when: {}, then: {}, by: PLACE)", "by", "PLACE"),
        (
            "patternGrid(rows: LEAD_ORGANISATION, columns: REGION)",
            "rows",
            "LEAD_ORGANISATION",
        ),
        ("patternGrid(rows: REGION, columns: PLACE)", "columns", "PLACE"),
        ("distribution(of: FUNDER)", "of", "FUNDER"),
    ] {
        let query = format!("{{ {question} {{ scope }} }}");
        let message = format!(
            "{argument}: groups by {dimension} name single places or organisations, which needs a token; group by \
             another dimension, such as REGION"
        );
        assert_refused(&visitor, &query, "FORBIDDEN", &message).await;
        dashboard.query(&query).await;
    }
    let by = "query($by: Dimension) { pattern(when: {}, then: {}, by: $by) { scope } }";
    let response = visitor.execute_with(by, json!({"by": "PLACE"})).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"], "FORBIDDEN",
        "{response}"
    );
    for (question, start) in [
        (
            "compare(portfolio: true, then: {})",
            "portfolio: You sent no token",
        ),
        (
            "pattern(when: {fundedByMe: true}, then: {})",
            "when.fundedByMe: You sent no token",
        ),
        (
            "distribution(of: REGION, among: {not: {ledByMe: true}})",
            "among.not.ledByMe: You sent no token",
        ),
        (
            "distribution(of: REGION, among: {leadOrganisation: {isMe: true}})",
            "among.leadOrganisation.isMe: You sent no token",
        ),
    ] {
        let query = format!("{{ {question} {{ scope }} }}");
        assert_refused(&visitor, &query, "BAD_USER_INPUT", start).await;
    }
}

async fn visitors_read_no_records(database: Database) {
    let app = TestApp::start_with(database, let_visitors_ask).await;
    let visitor = app.anonymous();
    let needs_token = "this requires a token";
    for query in [
        "{ pattern(when: {}, then: {}, scope: VISIBLE) { scope } }",
        "{ distribution(of: REGION, scope: VISIBLE) { scope } }",
        "{ pattern(when: {}, then: {}, by: REGION) { groups { nodes { place { name } } } } }",
        "{ patternGrid(rows: REGION, columns: WAY_IN) { rows { organisation { name } } } }",
        "{ distribution(of: REGION) { bins { place { __typename } } } }",
        "{ initiatives { totalCount } }",
        "{ initiatives(filter: {title: {eq: \"x\"}}) { totalCount } }",
        "{ changes(sinceNumber: 0) { hasMore } }",
        "{ places { totalCount } }",
        "{ organisations { totalCount } }",
        "{ reflections { totalCount } }",
        "{ viewer { role } }",
        "{ node(id: \"x\") { id } }",
        "mutation { createExportLink(input: {address: \"/export/distribution.csv?of=REGION\"}) { url } }",
    ] {
        assert_refused(&visitor, query, "UNAUTHENTICATED", needs_token).await;
    }
    let changed = "subscription { patternChanged(when: {}, then: {}) { scope } }";
    let response = visitor.subscribe_first(changed).await;
    assert_eq!(
        response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{response}"
    );
}

async fn invalid_token_is_not_a_visitors(database: Database) {
    let app = TestApp::start_with(database, let_visitors_ask).await;
    let mut client = app.anonymous();
    client.query("{ distribution(of: REGION) { scope } }").await;
    client.authorization = Some("Bearer nonsense".into());
    assert_refused(
        &client,
        "{ distribution(of: REGION) { scope } }",
        "UNAUTHENTICATED",
        "this service does not accept the token",
    )
    .await;
    let address = export_address("distribution", &json!({"of": "REGION"}));
    let (status, _) = download(&app, &address, client.authorization.as_deref()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

async fn visitors_cannot_filter_by_hidden_fields(database: Database) {
    let stewards = AccessRule {
        allowed: AccessRequirement::HasCapability(Capability::ManageMembers),
        exposure: Exposure::All,
    };
    let app = TestApp::start_with(database, |app| {
        let rows = TABLE
            .iter()
            .copied()
            .chain([("FundingTerm", "amountMinor durationMonths", stewards)]);
        app.with_permissions(Permissions::from_rows(rows).with_public_questions(true))
    })
    .await;
    let visitor = app.anonymous();
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let amount = "{fundingTerms: {some: {amountMinor: {gt: 5}}}}";
    for (question, uses) in [
        (
            format!("pattern(when: {amount}, then: {{}})"),
            "when.fundingTerms.some.amountMinor: uses FundingTerm.amountMinor, which is for stewards",
        ),
        (
            "distribution(of: FUNDING_DURATION_BAND)".to_owned(),
            "of: uses FundingTerm.durationMonths, which is for stewards",
        ),
    ] {
        let query = format!("{{ {question} {{ scope }} }}");
        assert_refused(
            &visitor,
            &query,
            "FORBIDDEN",
            &format!("{uses}; you sent no token"),
        )
        .await;
        assert_refused(
            &dashboard,
            &query,
            "FORBIDDEN",
            &format!("{uses}; your role is DASHBOARD"),
        )
        .await;
    }
    let parameters = json!({"of": "FUNDING_DURATION_BAND"});
    let (status, code, message) = download_error(&app, "distribution", &parameters).await;
    assert_eq!(
        (status, code.as_str()),
        (StatusCode::FORBIDDEN, "FORBIDDEN"),
        "{message}"
    );
}

async fn questions_of_visitors_are_not_counted(database: Database) {
    let app = TestApp::start_with(database, let_visitors_ask).await;
    let question = "{ distribution(of: REGION) { scope } }";
    app.anonymous().query(question).await;
    let counts = "{ questionCounts(days: 30) { member { subject } questions } }";
    let steward = app.steward().await;
    assert_eq!(steward.query(counts).await["questionCounts"], json!([]));
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    dashboard.query(question).await;
    assert_eq!(
        steward.query(counts).await["questionCounts"],
        json!([{"member": {"subject": "dashboard"}, "questions": 1}])
    );
}

/// Requests a query by POST from an address, with a token or without.
fn post_query(query: &str, address: &str, authorization: Option<&str>) -> Request<Body> {
    let mut request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-forwarded-for", address);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    request
        .body(Body::from(json!({"query": query}).to_string()))
        .unwrap()
}

fn read_number(headers: &HeaderMap, name: &str) -> u64 {
    headers[name].to_str().unwrap().parse().unwrap()
}

async fn questions_of_visitors_are_charged_to_the_address(database: Database) {
    let rate = |capacity| RateLimit {
        capacity,
        per_minute: 1,
    };
    let app = TestApp::start_with(database, |app| {
        let_visitors_ask(app).with_cost_settings(CostSettings {
            rates: RateLimits {
                token: rate(10_000),
                address: rate(600),
            },
            trusted_hops: 1,
            ..CostSettings::default()
        })
    })
    .await;
    let member = app.create_member("dashboard", Role::Dashboard, None).await;
    let grouped =
        "{ pattern(when: {}, then: {}, by: REGION) { summary { text } groups { nodes { label } } } }";
    let mut remaining = 600;
    for _ in 0..2 {
        let (status, headers, _) = send(&app.app, post_query(grouped, "192.0.2.1", None)).await;
        assert_eq!(status, StatusCode::OK);
        remaining -= read_number(&headers, "query-cost");
        assert_eq!(read_number(&headers, "ratelimit-remaining"), remaining);
        assert_eq!(read_number(&headers, "ratelimit-limit"), 600);
    }
    let (status, headers, body) = send(&app.app, post_query(grouped, "192.0.2.1", None)).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(headers.contains_key(header::RETRY_AFTER));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{body}");
    let file = export_address("grid", &json!({"rows": "REGION", "columns": "WAY_IN"}));
    let mut request = get(&file, None);
    request
        .headers_mut()
        .insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
    let (status, ..) = send(&app.app, request).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "a file is charged too");
    for (address, authorization) in [
        ("192.0.2.2", None),
        ("192.0.2.1", member.authorization.as_deref()),
    ] {
        let (status, ..) = send(&app.app, post_query(grouped, address, authorization)).await;
        assert_eq!(status, StatusCode::OK, "{address}");
    }
    let defaults = CostSettings::default();
    let (_, headers, _) = send(&app.app, post_query(grouped, "192.0.2.3", None)).await;
    assert!(
        10 * read_number(&headers, "query-cost") < u64::from(defaults.rates.address.capacity),
        "with the default settings, a visitor can ask several questions at once"
    );
}
