//! The page to explore: its builder, its answer and the files of the answer.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use wayin::auth::permission::Permissions;
use wayin::auth::session::create_session;
use wayin::pages::operation::encode_parameter;
use wayin::saved_question::MAX_SAVED_QUESTIONS;
use wayin_engine::summary::round_for_words;
use wayin_entity::member;

use crate::support::answer_tables::{
    create_readers, publish_mixed_visibility, short_funding_filter, skipped_ambitions_filter,
    start_with_mixed_visibility,
};
use crate::support::app::{Client, TestApp};
use crate::support::http::{export_address, get, send, workbook_address};
use crate::support::redaction::{read_all_text, redact};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    builder_turns_rows_into_the_address_of_a_question,
    builder_asks_for_what_is_missing,
    builder_counts_what_matches,
    page_answers_a_question,
    groups_are_in_the_chosen_order,
    files_of_an_answer_are_those_of_the_api,
    visitors_can_build_and_are_asked_to_sign_in,
    visitors_who_can_ask_get_the_files_of_an_answer,
    wrong_questions_are_explained_beside_the_builder,
    builder_shows_what_it_can_and_says_what_it_cannot,
    saved_questions_belong_to_their_member,
    saved_questions_are_checked_and_limited,
    redaction_reaches_saved_questions,
];

/// A session of a member; returns its cookie.
async fn sign_in(app: &TestApp, subject: &str) -> String {
    let found = member::Entity::find()
        .filter(member::Column::Subject.eq(subject))
        .one(&app.app.db)
        .await
        .unwrap();
    let id = found.unwrap_or_else(|| panic!("{subject} is a member")).id;
    let created = create_session(&app.app.db, &*app.app.clock, id).await.unwrap();
    format!("wayin-session={}", created.secret)
}

/// Opens an address with a cookie, or without one if it is empty.
async fn open(app: &TestApp, cookie: &str, address: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = Request::get(address);
    let request = match cookie {
        "" => request,
        cookie => request.header(header::COOKIE, cookie),
    };
    send(&app.app, request.body(Body::empty()).unwrap()).await
}

/// Opens a page; returns its status and its text.
async fn open_page(app: &TestApp, cookie: &str, address: &str) -> (StatusCode, String) {
    let (status, headers, body) = open(app, cookie, address).await;
    assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{address}");
    (status, String::from_utf8(body).unwrap())
}

/// The address of a question on the page.
fn question_address(parameters: &Value) -> String {
    export_address("pattern", parameters).replace("/export/pattern.csv", "/explore")
}

fn readme_question() -> Value {
    json!({"when": short_funding_filter(), "then": skipped_ambitions_filter(), "by": "PLACE"})
}

/// The answer to the question of the README, as a member gets it from the API.
async fn query_answer(client: &Client<'_>, selection: &str) -> Value {
    let query = format!(
        "query($when: InitiativeFilter!, $then: InitiativeFilter!) {{
            pattern(when: $when, then: $then, by: PLACE) {{ {selection} }} }}"
    );
    let variables = json!({"when": short_funding_filter(), "then": skipped_ambitions_filter()});
    let mut response = client.execute_with(&query, variables).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"]["pattern"].take()
}

/// Text as it is in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

async fn builder_turns_rows_into_the_address_of_a_question(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    app.steward().await;
    let cookie = sign_in(&app, "steward").await;
    let add = "/explore?do=add%3Awhen&add.when=funding-months&by=PLACE&scope=ALL";
    let (status, headers, _) = open(&app, &cookie, add).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let location = headers[header::LOCATION].to_str().unwrap().to_owned();
    let expected = question_address(&json!({"when": short_funding_filter(), "by": "PLACE"}));
    assert_eq!(decode(&location), decode(expected.trim_end_matches('&')));

    let (status, html) = open_page(&app, &cookie, &location).await;
    assert_eq!(status, StatusCode::OK, "{html}");
    for part in [
        "name=\"when.0.is\" value=\"funding-months\"",
        "name=\"when.0.months\" value=\"18\"",
        "how often does it also…” to see an answer",
        "initiatives match.",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }

    let remove = "/explore?when.join=all&when.0.is=funding-months&when.0.which=some&when.0.compare=lte\
                  &when.0.months=18&do=remove%3Awhen.0";
    let (status, headers, _) = open(&app, &cookie, remove).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(headers[header::LOCATION], "/explore");
}

/// The parameters of an address, sorted.
fn decode(address: &str) -> Vec<(String, String)> {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let uri: axum::http::Uri = format!("/?{query}").parse().unwrap();
    let mut parameters = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri)
        .unwrap()
        .0;
    parameters.sort();
    parameters
}

async fn builder_asks_for_what_is_missing(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let cookie = sign_in(&app, "steward").await;
    let fresh = "/explore?do=add%3Athen&add.then=title";
    let (status, html) = open_page(&app, &cookie, fresh).await;
    // A new row is not wrong yet.
    assert_eq!(status, StatusCode::OK, "{html}");
    assert!(html.contains("name=\"then.0.text\""), "{html}");

    let asked = "/explore?then.0.is=title&then.0.text=+&do=ask";
    let (status, html) = open_page(&app, &cookie, asked).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["There is a problem", "href=\"#then.0.text\"", "Enter a text."] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

async fn builder_counts_what_matches(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [steward, _, dashboard] = create_readers(&app).await;
    let cookie = sign_in(&app, "steward").await;
    let fields = "/explore/builder?when.0.is=funding-months&when.0.which=some&when.0.compare=lte&when.0.months=18\
                  &do=count";
    let (status, html) = open_page(&app, &cookie, fields).await;
    assert_eq!(status, StatusCode::OK, "{html}");
    let variables = json!({"when": short_funding_filter()});
    let query = "query($when: InitiativeFilter!) { initiatives(filter: $when) { totalCount } }";
    let found = steward.execute_with(query, variables).await;
    let total = &found["data"]["initiatives"]["totalCount"];
    assert!(
        html.contains(&format!("data-matching=\"{total} initiatives match.")),
        "{total}: {html}"
    );
    // A fragment is no page.
    assert!(!html.contains("<html"), "{html}");

    let query = "query($when: InitiativeFilter!) { pattern(when: $when, then: {}) { table { both } } }";
    let counted = dashboard
        .execute_with(query, json!({"when": short_funding_filter()}))
        .await;
    let both = counted["data"]["pattern"]["table"]["both"].as_u64();
    let cookie = sign_in(&app, "dashboard").await;
    let (_, html) = open_page(&app, &cookie, fields).await;
    let expected = match both {
        Some(both) => format!(
            "data-matching=\"About {} initiatives match.",
            round_for_words(both)
        ),
        None => "These are the records that you can read".into(),
    };
    assert!(html.contains(&expected), "{both:?}: {html}");
}

async fn page_answers_a_question(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let readers = create_readers(&app).await;
    for (client, subject) in readers.iter().zip(["steward", "funder", "dashboard"]) {
        let selection = "summary { headline } conditions { when then } licence cautions { code text } basis \
                         groups { nodes { basis } }";
        let answer = query_answer(client, selection).await;
        let cookie = sign_in(&app, subject).await;
        let (status, html) = open_page(&app, &cookie, &question_address(&readme_question())).await;
        assert_eq!(status, StatusCode::OK, "{html}");
        let headline = answer["summary"]["headline"].as_str().unwrap();
        assert!(
            html.contains(&escape(headline)),
            "{subject}: {headline} is not in {html}"
        );
        let [when, then] = ["when", "then"].map(|part| answer["conditions"][part].as_str().unwrap());
        let question = escape(&format!("Of the initiatives that {when}, how many {then}?"));
        assert!(
            html.contains(&format!("<h1>{question}</h1>")),
            "{question} is not in {html}"
        );
        let (title, _) = html.split_once("</title>").unwrap();
        assert!(title.contains(&question), "{title}");
        assert!(
            html.find("id=\"answer\"") < html.find("id=\"builder\""),
            "the answer comes first in {html}"
        );
        let groups = answer["groups"]["nodes"].as_array().unwrap();
        let is_visible = |figures: &Value| figures["basis"] == "VISIBLE";
        for caution in answer["cautions"].as_array().unwrap() {
            let text = escape(caution["text"].as_str().unwrap());
            // A page that shows the counts of readable records has nothing to say about the others.
            let applies = match caution["code"].as_str().unwrap() {
                "GROUPS_SUPPRESSED" => !groups.iter().all(is_visible),
                "PERTURBED" | "COUNTS_SUPPRESSED" => !is_visible(&answer),
                _ => true,
            };
            assert_eq!(html.contains(&text), applies, "{subject}: {text} in {html}");
        }
        for part in [
            "<svg",
            "<table",
            "id=\"groups\"",
            "/explore?when=%7B%22funding",
            "Show the query",
        ] {
            assert!(html.contains(part), "{subject}: {part} is not in {html}");
        }
        assert!(html.contains(answer["licence"].as_str().unwrap()), "{subject}");
    }
}

async fn groups_are_in_the_chosen_order(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [steward, ..] = create_readers(&app).await;
    let cookie = sign_in(&app, "steward").await;
    for (sort, order) in [
        ("name", "{field: NAME, direction: ASC}"),
        ("difference", "{field: DIFFERENCE, direction: DESC}"),
        ("number", "{field: POPULATION, direction: DESC}"),
    ] {
        let selection = format!("groups(orderBy: {order}) {{ nodes {{ label }} }}");
        let answer = query_answer(&steward, &selection).await;
        let mut question = readme_question();
        question["sort"] = json!(sort);
        let (_, html) = open_page(&app, &cookie, &question_address(&question)).await;
        let (_, picture) = html.split_once("id=\"groups\"").unwrap();
        let (_, table) = picture.split_once("<tbody>").unwrap();
        let mut last = 0;
        for group in answer["groups"]["nodes"].as_array().unwrap() {
            let cell = format!("<th scope=\"row\">{}", escape(group["label"].as_str().unwrap()));
            let at = table
                .find(&cell)
                .unwrap_or_else(|| panic!("{cell} is not in {table}"));
            assert!(at >= last, "{sort}: {cell} is out of order in {table}");
            last = at;
        }
    }
}

async fn files_of_an_answer_are_those_of_the_api(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [_, funder, _] = create_readers(&app).await;
    let cookie = sign_in(&app, "funder").await;
    let question = readme_question();
    let mut with_preamble = question.clone();
    with_preamble["preamble"] = json!(true);

    let direct = get(
        &export_address("pattern", &with_preamble),
        funder.authorization.as_deref(),
    );
    let (_, expected_headers, expected) = send(&app.app, direct).await;
    let address =
        export_address("pattern", &question).replace("/export/pattern.csv", "/explore/download.csv");
    let (status, headers, body) = open(&app, &cookie, &address).await;
    assert_eq!((status, &body), (StatusCode::OK, &expected));
    assert_eq!(
        headers[header::CONTENT_TYPE],
        expected_headers[header::CONTENT_TYPE]
    );
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");

    let address =
        workbook_address("pattern", &question).replace("/export/pattern.xlsx", "/explore/download.xlsx");
    let (status, headers, body) = open(&app, &cookie, &address).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        headers[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .contains("spreadsheetml")
    );
    assert!(body.starts_with(b"PK"));

    for picture in ["bars", "mosaic", "groups"] {
        let mut question = readme_question();
        question["picture"] = json!(picture);
        let file = |ending: &str| {
            export_address("pattern", &question)
                .replace("/export/pattern.csv", &format!("/explore/download.{ending}"))
        };
        let (status, headers, svg) = open(&app, &cookie, &file("svg")).await;
        let svg = String::from_utf8(svg).unwrap();
        assert_eq!(status, StatusCode::OK, "{svg}");
        assert_eq!(headers[header::CONTENT_TYPE], "image/svg+xml");
        for part in [
            "<svg",
            "Question: Of the initiatives that",
            // The line of the question may break after this word.
            "Grouped",
            "Source: Wayin",
            "Basis: ",
            "Licence: CC-BY-4.0",
            "Date: ",
            "Address:",
        ] {
            assert!(svg.contains(part), "{picture}: {part} is not in {svg}");
        }
        let (status, headers, png) = open(&app, &cookie, &file("png")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::CONTENT_TYPE], "image/png");
        assert!(png.starts_with(b"\x89PNG"), "{picture}");
    }
    let (status, _, _) = open(&app, &cookie, "/explore/download.csv?when=%7B%7D").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let address =
        question_address(&readme_question()).replace("/explore?", "/explore/download.svg?picture=pie&");
    let (status, _, _) = open(&app, &cookie, &address).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

async fn visitors_can_build_and_are_asked_to_sign_in(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let (status, html) = open_page(&app, "", "/explore").await;
    assert_eq!(status, StatusCode::OK);
    for part in ["Questions to begin with", "name=\"add.when\"", "Sign in"] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    let (status, html) = open_page(&app, "", &question_address(&readme_question())).await;
    assert_eq!(status, StatusCode::OK);
    for part in [
        "Sign in to ask this question",
        "/sign-in?next=%2Fexplore%3F",
        "name=\"when.0.months\" value=\"18\"",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    assert!(!html.contains("id=\"answer\""), "{html}");
    let address =
        export_address("pattern", &readme_question()).replace("/export/pattern.csv", "/explore/download.csv");
    let (status, headers, _) = open(&app, "", &address).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(
        headers[header::LOCATION]
            .to_str()
            .unwrap()
            .starts_with("/sign-in?next=")
    );
}

async fn visitors_who_can_ask_get_the_files_of_an_answer(database: Database) {
    let permissions = Permissions::default().with_public_questions(true);
    let app = TestApp::with_permissions(database, permissions).await;
    publish_mixed_visibility(&app).await;
    let question =
        json!({"when": short_funding_filter(), "then": skipped_ambitions_filter(), "by": "REGION"});
    let mut with_preamble = question.clone();
    with_preamble["preamble"] = json!(true);
    let direct = export_address("pattern", &with_preamble);
    let (status, _, expected) = send(&app.app, get(&direct, None)).await;
    assert_eq!(status, StatusCode::OK);
    let direct = export_address("pattern", &question);
    let address = direct.replace("/export/pattern.csv", "/explore/download.csv");
    let (status, headers, body) = open(&app, "", &address).await;
    assert_eq!((status, body), (StatusCode::OK, expected));
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let (status, html) = open_page(&app, "", &question_address(&question)).await;
    assert_eq!(status, StatusCode::OK);
    for part in [
        "/explore/download.csv?when=",
        "Answer as a table (CSV)",
        "Picture of the bars (PNG)",
    ] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

async fn wrong_questions_are_explained_beside_the_builder(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    create_readers(&app).await;
    let cookie = sign_in(&app, "dashboard").await;
    let step = |on: &str| json!({"challenge": {"on": on, "step": {"in": ["SKIPPED"]}}});
    let change = |on: &str| json!({"condition": {"on": on, "change": {"in": ["ALTERED"]}}});
    for (address, part) in [
        (
            "/explore?when=short&then=%7B%7D".to_owned(),
            "is not a condition in JSON",
        ),
        (
            question_address(&json!({"when": {"titel": {"eq": "x"}}, "then": {}})),
            "This question has no answer",
        ),
        (
            // More answers of partners than one question can be about.
            question_address(&json!({
                "when": {"and": [step("DEFINING_AMBITIONS"), step("FOSTERING_CONDITIONS")]},
                "then": {"and": [change("GOVERNANCE"), change("INCENTIVES")]},
            })),
            "This question has no answer",
        ),
    ] {
        let (status, html) = open_page(&app, &cookie, &address).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        assert!(html.contains(part), "{part} is not in {html}");
        assert!(html.contains("name=\"add.when\""), "{html}");
    }
}

async fn builder_shows_what_it_can_and_says_what_it_cannot(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    app.steward().await;
    let cookie = sign_in(&app, "steward").await;
    let when = json!({"and": [short_funding_filter(), {"title": {"eq": "x"}}]});
    let terms = json!({"durationMonths": {"lte": 18}, "renewable": {"eq": true, "isKnown": true}});
    let same_funding = json!({"fundingTerms": {"some": terms}});
    let then = skipped_ambitions_filter();
    for (question, parts) in [
        (
            json!({"when": when, "then": then}),
            [
                "name=\"when.0.months\" value=\"18\"",
                "name=\"when.1.filter\" value=\"",
                "name=\"then.0.is\" value=\"step\"",
                "no fields for one condition of the question",
            ],
        ),
        (
            json!({"when": same_funding, "among": {"title": {"startsWith": "A"}}}),
            [
                "name=\"when.0.0.months\" value=\"18\"",
                "name=\"when.0.1.filter\" value=\"",
                "name=\"among.0.filter\" value=\"",
                "no fields for 2 conditions of the question",
            ],
        ),
    ] {
        let (status, html) = open_page(&app, &cookie, &question_address(&question)).await;
        assert_eq!(status, StatusCode::OK, "{html}");
        let (_, builder) = html.split_once("id=\"builder-conditions\"").unwrap();
        for part in parts.into_iter().chain(["href=\"/graphiql?query="]) {
            assert!(builder.contains(part), "{part} is not in {builder}");
        }
    }
}

/// Sends a form of a page as a browser does; returns the status and where it leads.
async fn post(app: &TestApp, cookie: &str, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode_parameter(value)))
        .collect();
    let request = Request::post(path)
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(fields.join("&")))
        .unwrap();
    let (status, headers, body) = send(&app.app, request).await;
    let location = headers
        .get(header::LOCATION)
        .map(|location| location.to_str().unwrap());
    let text = location.map_or_else(|| String::from_utf8_lossy(&body).into_owned(), ToOwned::to_owned);
    (status, text)
}

/// The value of a hidden field in a part of a page.
fn read_field(html: &str, name: &str) -> String {
    let (_, rest) = html
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap_or_else(|| panic!("{name} is not in {html}"));
    rest.split('"').next().unwrap().to_owned()
}

async fn saved_questions_belong_to_their_member(database: Database) {
    let app = start_with_mixed_visibility(database).await;
    let [steward, funder, _] = create_readers(&app).await;
    let cookie = sign_in(&app, "steward").await;
    let address = question_address(&readme_question());
    let (_, html) = open_page(&app, &cookie, &address).await;
    let (_, form) = html.split_once("action=\"/explore/save\"").unwrap();
    let csrf = read_field(form, "csrf");
    let (when, then) = (
        short_funding_filter().to_string(),
        skipped_ambitions_filter().to_string(),
    );
    let fields = [
        ("when", &*when),
        ("then", &then),
        ("by", "PLACE"),
        ("name", "Ours <1>"),
    ];
    let (status, _) = post(&app, &cookie, "/explore/save", &fields).await;
    assert_eq!(
        status,
        StatusCode::FORBIDDEN,
        "a form without its token is refused"
    );
    let with_token = [&fields[..], &[("csrf", &*csrf)]].concat();
    let (status, location) = post(&app, &cookie, "/explore/save", &with_token).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{location}");
    let question = location.strip_suffix("&saved=1").unwrap();
    assert_eq!(decode(question), decode(address.trim_end_matches('&')));
    let (_, html) = open_page(&app, &cookie, &location).await;
    assert!(html.contains("<h2>Saved</h2>"), "{html}");

    // A refused name comes back with the answer and the reason.
    for (name, reason) in [
        ("", "Enter a name for the question."),
        ("Call 020 7946 0000", "The name has a telephone number"),
    ] {
        let fields = with_token.iter().map(|&(field, value)| match field {
            "name" => (field, name),
            _ => (field, value),
        });
        let fields: Vec<(&str, &str)> = fields.collect();
        let (status, html) = post(&app, &cookie, "/explore/save", &fields).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{html}");
        for part in [reason, "id=\"answer\"", "has-error", &format!("value=\"{name}\"")] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
    }

    let (_, html) = open_page(&app, &cookie, "/explore").await;
    assert!(html.contains(&escape("Ours <1>")), "{html}");
    let query = "{ savedQuestions { totalCount nodes { id name when then among by scope } } }";
    let saved = steward.query(query).await;
    let saved = &saved["savedQuestions"]["nodes"][0];
    assert_eq!(saved["name"], "Ours <1>");
    assert_eq!(saved["by"], "PLACE");
    let stored: Value = serde_json::from_str(saved["when"].as_str().unwrap()).unwrap();
    assert_eq!(stored, short_funding_filter());

    // Another member neither sees nor deletes it, and nor does anybody without a session.
    let other = sign_in(&app, "funder").await;
    let (_, html) = open_page(&app, &other, &address).await;
    assert!(!html.contains(&escape("Ours <1>")), "{html}");
    let (_, html) = open_page(&app, &other, &location).await;
    assert!(!html.contains("<h2>Saved</h2>"), "{html}");
    assert_eq!(funder.query(query).await["savedQuestions"]["totalCount"], 0);
    let id = saved["id"].as_str().unwrap();
    let node = format!("{{ node(id: \"{id}\") {{ id }} }}");
    assert_eq!(funder.query(&node).await["node"], Value::Null);
    let other_csrf = read_field(&html, "csrf");
    let (status, text) = post(
        &app,
        &other,
        "/explore/delete",
        &[("id", id), ("csrf", &other_csrf)],
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{text}");

    let (status, location) = post(&app, &cookie, "/explore/delete", &[("id", id), ("csrf", &csrf)]).await;
    assert_eq!((status, &*location), (StatusCode::SEE_OTHER, "/explore"));
    assert_eq!(steward.query(query).await["savedQuestions"]["totalCount"], 0);
}

/// Runs `saveQuestion`; returns its payload.
async fn save(client: &Client<'_>, input: Value) -> Value {
    let query = "mutation($input: SaveQuestionInput!) { saveQuestion(input: $input) {
        savedQuestion { id } problems { code path } } }";
    let mut response = client.execute_with(query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"]["saveQuestion"].take()
}

async fn saved_questions_are_checked_and_limited(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    for (input, problem) in [
        (
            json!({"name": " ", "when": {}, "then": {}}),
            json!({"code": "REQUIRED", "path": ["name"]}),
        ),
        (
            json!({"name": "ask jo@example.org", "when": {}, "then": {}}),
            json!({"code": "PERSONAL_DATA", "path": ["name"]}),
        ),
        (
            json!({"name": "x", "when": {}, "then": {"titel": {"eq": "x"}}}),
            json!({"code": "INVALID_FORMAT", "path": ["then"]}),
        ),
    ] {
        let refused = save(&steward, input).await;
        assert_eq!(refused, json!({"savedQuestion": null, "problems": [problem]}));
    }
    let input = json!({"name": "x", "when": {}, "then": {}, "idempotencyKey": "once"});
    let first = save(&steward, input.clone()).await;
    assert_eq!(save(&steward, input).await, first);
    for at in 1..MAX_SAVED_QUESTIONS {
        let saved = save(&steward, json!({"name": at.to_string(), "when": {}, "then": {}})).await;
        assert_eq!(saved["problems"], json!([]));
    }
    let refused = save(&steward, json!({"name": "too many", "when": {}, "then": {}})).await;
    assert_eq!(refused["problems"], json!([{"code": "NOT_ALLOWED", "path": []}]));
}

async fn redaction_reaches_saved_questions(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let named = json!({"title": {"contains": "Jo Bloggs"}});
    save(
        &steward,
        json!({"name": "About Jo Bloggs", "when": named, "then": {}, "by": "REGION"}),
    )
    .await;
    redact(&steward, "Jo Bloggs", "They asked").await;
    assert!(!read_all_text(&app).await.contains("Jo Bloggs"));
    let saved = steward.query("{ savedQuestions { nodes { name by } } }").await;
    assert_eq!(
        saved["savedQuestions"]["nodes"],
        json!([{"name": "About [redacted]", "by": "REGION"}])
    );
}
