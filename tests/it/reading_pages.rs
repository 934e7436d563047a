//! The pages that people read: claims, words, crises and the portfolio.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use wayin::auth::session::create_session;
use wayin::clock::SystemClock;
use wayin::graphql::operation::cost::CostSettings;
use wayin_entity::{Role, member};

use crate::support::app::{PARTNER_ORGANISATION, TestApp};
use crate::support::builders::{DEFAULT_LEAD, organisation, record};
use crate::support::clock::ManualClock;
use crate::support::http::{export_address, get, send};
use crate::support::places::PLACES;
use crate::support::reference_data::save_reference_data;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    visitors_read_claims,
    claim_has_its_evidence_and_where_it_is_from,
    pictures_of_a_claim_are_files,
    a_page_of_claims_fits_the_rate_limit_of_a_visitor,
    words_are_explained_and_searched,
    crises_have_dates_and_for_members_places,
    portfolio_is_for_those_who_act_for_an_organisation,
    funder_sees_the_portfolio_against_the_rest,
    answers_of_the_portfolio_are_files,
    pictures_of_the_portfolio_are_files,
    board_paper_is_a_pdf_of_one_page,
];

const FUNDER: &str = "GB-CHC-8";
const OTHER_FUNDER: &str = "GB-CHC-9";
const HIDDEN_LEAD: &str = "GB-CHC-777";

/// Opens an address with the cookie of a session or without one.
async fn open(app: &TestApp, address: &str, cookie: Option<&str>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::get(address);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    send(&app.app, request.body(Body::empty()).unwrap()).await
}

/// Opens a page that must exist; returns its HTML.
async fn read_page(app: &TestApp, address: &str, cookie: Option<&str>) -> String {
    let (status, headers, body) = open(app, address, cookie).await;
    let html = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::OK, "{address}: {html}");
    assert_is_a_page(&headers, &html);
    html
}

/// Asserts what is so of every page: its headers, and that it loads nothing from elsewhere.
fn assert_is_a_page(headers: &HeaderMap, html: &str) {
    assert_eq!(headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(html.contains("<html lang=\"en-GB\">"), "{html}");
    assert_eq!(html.matches("<h1").count(), 1, "{html}");
    for (start, attribute) in [("<script", "src=\""), ("<link", "href=\""), ("<img", "src=\"")] {
        for element in html.split(start).skip(1) {
            let element = element.split('>').next().unwrap();
            let address = element.split(attribute).nth(1).unwrap();
            assert!(address.starts_with("/assets/"), "{start}{element}");
        }
    }
    assert!(!html.contains(" style=\""), "{html}");
    assert!(!html.contains(" onclick="), "{html}");
}

fn assert_contains(html: &str, text: &str) {
    assert!(html.contains(text), "{text} is not in {html}");
}

/// Signs a member in; returns the cookie of the session.
async fn sign_in(app: &TestApp, subject: &str) -> String {
    let db = &app.app.db;
    let found = member::Entity::find().filter(member::Column::Subject.eq(subject));
    let member = found.one(db).await.unwrap().unwrap();
    let created = create_session(db, &SystemClock, member.id).await.unwrap();
    format!("wayin-session={}", created.secret)
}

/// Records that are alike, apart from their step.
fn build_records(name: &str, term: &Value, lead: &str, (skipped, taken): (usize, usize)) -> Vec<Value> {
    (0..skipped + taken)
        .map(|at| {
            let step = if at < skipped { "SKIPPED" } else { "TAKEN" };
            record(&format!("{name}-{at}"))
                .led_by(lead)
                .with("startedOn", format!("20{:02}-04-01", 18 + at % 4))
                .with(
                    "challengesFaced",
                    json!([{"challenge": "DEFINING_AMBITIONS", "step": step}]),
                )
                .with("fundingTerms", json!([term]))
                .build()
        })
        .collect()
}

/// Of the records with short funding, which [`FUNDER`] gives, most skipped the step; of the others, few did.
async fn start_with_records(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    publish_records(&app).await;
    app
}

async fn publish_records(app: &TestApp) {
    let short =
        json!({"funder": organisation(FUNDER), "durationMonths": 12, "reportingFrequency": "MONTHLY"});
    let long = json!({"funder": organisation(OTHER_FUNDER), "durationMonths": 36});
    let mut records = build_records("own", &short, DEFAULT_LEAD, (30, 10));
    records.extend(build_records("other", &long, PARTNER_ORGANISATION, (8, 32)));
    app.publish(&records).await;
}

/// Publishes a record that is counted and that nobody but its organisation can read.
async fn publish_hidden_record(app: &TestApp) {
    let term = json!({"funder": organisation(OTHER_FUNDER), "durationMonths": 36});
    let mut records = build_records("hidden", &term, HIDDEN_LEAD, (1, 0));
    records[0]["visibility"] = json!("AGGREGATE_ONLY");
    app.publish(&records).await;
}

fn build_claim(slug: &str) -> Value {
    json!({
        "slug": slug,
        "statement": "Short funding makes people skip <the talk>",
        "when": {"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}},
        "then": {"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}},
        "by": "LEAD_ORGANISATION_KIND",
    })
}

/// Saves a claim that comes from a reflection.
async fn save_claim(app: &TestApp) {
    let steward = app.steward().await;
    let meeting = json!({"title": "The first meeting", "heldOn": "2024-05-01"});
    let (meeting, _) = save_reference_data(&steward, "saveMeeting", meeting).await;
    let reflection = json!({"meeting": meeting, "perspective": "FUNDER", "text": "We had one year."});
    let (reflection, _) = save_reference_data(&steward, "saveReflection", reflection).await;
    let mut claim = build_claim("short-funding");
    claim["reflection"] = json!(reflection);
    save_reference_data(&steward, "saveClaim", claim).await;
}

const STATEMENT: &str = "Short funding makes people skip &#60;the talk&#62;";

async fn visitors_read_claims(database: Database) {
    let app = start_with_records(database).await;
    let html = read_page(&app, "/", None).await;
    assert_contains(&html, "There are no claims yet");
    save_claim(&app).await;
    let query = "{ claims { nodes { pattern { summary { headline } table { unknown population } } } } }";
    let found = app.anonymous().query(query).await;
    let pattern = &found["claims"]["nodes"][0]["pattern"];
    let html = read_page(&app, "/", None).await;
    assert_contains(&html, STATEMENT);
    assert_contains(&html, pattern["summary"]["headline"].as_str().unwrap());
    assert_contains(&html, "Clear difference");
    assert_contains(
        &html,
        &format!(
            "{} of {} initiatives have an answer that is not known.",
            pattern["table"]["unknown"], pattern["table"]["population"]
        ),
    );
    assert_contains(&html, "<svg");
    assert_contains(&html, "href=\"/claims/short-funding\"");
    assert_contains(&html, "href=\"/explore?when=%7B%22fundingTerms%22");
    assert!(!html.contains("The first meeting"), "{html}");
    let cookie = sign_in(&app, "steward").await;
    let html = read_page(&app, "/", Some(&cookie)).await;
    assert_contains(&html, "“The first meeting”, 1 May 2024");
}

async fn claim_has_its_evidence_and_where_it_is_from(database: Database) {
    let app = start_with_records(database).await;
    save_claim(&app).await;
    let html = read_page(&app, "/claims/short-funding", None).await;
    assert_contains(&html, STATEMENT);
    for id in ["id=\"bars\"", "id=\"groups\"", "id=\"trend\""] {
        assert_contains(&html, id);
    }
    assert_contains(&html, "We had one year.");
    assert_contains(&html, "The view of funders");
    assert_contains(&html, "Cite this");
    let change = app
        .anonymous()
        .query("{ claims { nodes { pattern { asOf { changeNumber } } } } }")
        .await;
    let change = &change["claims"]["nodes"][0]["pattern"]["asOf"]["changeNumber"];
    assert_contains(&html, &format!("(change {change})"));
    assert_contains(&html, "href=\"/explore/download.csv?when=");
    assert!(!html.contains("The first meeting"), "{html}");
    app.create_member("dashboard", Role::Dashboard, None).await;
    let cookie = sign_in(&app, "dashboard").await;
    let html = read_page(&app, "/claims/short-funding", Some(&cookie)).await;
    assert_contains(&html, "The view of funders at “The first meeting”, 1 May 2024");
    let (status, headers, body) = open(&app, "/claims/nothing", None).await;
    let html = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_is_a_page(&headers, &html);
    assert_contains(&html, "There is no claim at this address.");
}

async fn pictures_of_a_claim_are_files(database: Database) {
    let app = start_with_records(database).await;
    save_claim(&app).await;
    for (file, media_type, start) in [
        ("bars.svg", "image/svg+xml", &b"<svg"[..]),
        ("groups.svg", "image/svg+xml", b"<svg"),
        ("trend.svg", "image/svg+xml", b"<svg"),
        ("bars.png", "image/png", b"\x89PNG"),
    ] {
        let (status, headers, body) = open(&app, &format!("/claims/short-funding/{file}"), None).await;
        assert_eq!(
            status,
            StatusCode::OK,
            "{file}: {}",
            String::from_utf8_lossy(&body)
        );
        assert_eq!(headers[header::CONTENT_TYPE], media_type);
        let disposition = headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert_eq!(
            disposition,
            format!("attachment; filename=\"short-funding-{file}\"")
        );
        assert!(body.starts_with(start), "{file}");
        if media_type == "image/svg+xml" {
            let svg = String::from_utf8(body).unwrap();
            assert_contains(&svg, "Question: Of the initiatives that");
            assert_contains(&svg, "CC-BY-4.0");
            assert_contains(&svg, "/claims/short-funding");
        }
    }
    for wrong in [
        "short-funding/other.svg",
        "short-funding/bars.gif",
        "nothing/bars.svg",
    ] {
        let (status, headers, body) = open(&app, &format!("/claims/{wrong}"), None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{wrong}");
        assert_is_a_page(&headers, &String::from_utf8(body).unwrap());
    }
}

async fn a_page_of_claims_fits_the_rate_limit_of_a_visitor(database: Database) {
    let app = TestApp::with_costs(database, CostSettings::default(), ManualClock::new()).await;
    publish_records(&app).await;
    let steward = app.steward().await;
    for number in 1..=11 {
        save_reference_data(&steward, "saveClaim", build_claim(&format!("claim-{number}"))).await;
    }
    let first = read_page(&app, "/", None).await;
    assert_eq!(first.matches("class=\"claim-card\"").count(), 10);
    let next = first
        .split("href=\"/?after=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let last = read_page(&app, &format!("/?after={next}"), None).await;
    assert_eq!(last.matches("class=\"claim-card\"").count(), 1);
    read_page(&app, "/claims/claim-1", None).await;
    // Other people behind the same address, such as those in a library.
    for _ in 0..8 {
        read_page(&app, "/", None).await;
    }
}

async fn words_are_explained_and_searched(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let term = json!({"slug": "way-in", "name": "Way in", "definition": "Where one starts",
                      "synonyms": ["beginning", "start"], "usageNote": "Not a door"});
    save_reference_data(&steward, "saveTerm", term).await;
    let html = read_page(&app, "/words", None).await;
    for text in [
        "id=\"term-way-in\"",
        "Where one starts",
        "Also called: beginning, start.",
        "Not a door",
        "How decisions are made and who makes them.",
        "About the figures",
    ] {
        assert_contains(&html, text);
    }
    let html = read_page(&app, "/words?search=beginning", None).await;
    assert_contains(&html, "id=\"term-way-in\"");
    assert!(!html.contains("How decisions are made"), "{html}");
    let html = read_page(&app, "/words?search=GOVERNANCE", None).await;
    assert_contains(&html, "No word in the glossary matches");
    assert_contains(&html, "How decisions are made and who makes them.");
    let html = read_page(&app, "/words?search=%3Cscript%3E", None).await;
    assert!(!html.contains("<script>"), "{html}");
}

async fn crises_have_dates_and_for_members_places(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(PLACES).await;
    let steward = app.steward().await;
    let storm = json!({"slug": "a-storm", "name": "A storm", "from": "2020-03-01", "to": "2021-07-19",
                       "places": [{"code": "E06000001"}]});
    let prices = json!({"slug": "prices", "name": "High prices", "from": "2022-01-02"});
    for crisis in [storm, prices] {
        save_reference_data(&steward, "saveCrisis", crisis).await;
    }
    let name = steward.query("{ place(code: \"E06000001\") { name } }").await["place"]["name"].take();
    let name = name.as_str().unwrap();
    let html = read_page(&app, "/crises", None).await;
    assert_contains(&html, "1 March 2020 to 19 July 2021");
    assert_contains(&html, "Since 2 January 2022, and continuing");
    assert_contains(
        &html,
        "href=\"/explore?among=%7B%22activeDuring%22%3A%7B%22crisis%22%3A%22a-storm%22%7D%7D\"",
    );
    assert!(!html.contains(name), "{html}");
    let cookie = sign_in(&app, "steward").await;
    let html = read_page(&app, "/crises", Some(&cookie)).await;
    assert_contains(&html, name);
    assert_contains(&html, "National: all places");
}

async fn portfolio_is_for_those_who_act_for_an_organisation(database: Database) {
    let app = TestApp::start(database).await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    let cookie = sign_in(&app, "dashboard").await;
    for address in [
        "/portfolio",
        "/portfolio/board-paper",
        "/portfolio/board-paper.pdf?scope=VISIBLE",
        "/portfolio/download.xlsx?question=ambitions",
        "/portfolio/download.svg?picture=ambitions",
        "/portfolio/download.png?picture=grants-by-length",
    ] {
        let (status, headers, _) = open(&app, address, None).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{address}");
        let target = headers[header::LOCATION].to_str().unwrap();
        assert!(target.starts_with("/sign-in?next=%2Fportfolio"), "{target}");
        let (status, headers, body) = open(&app, address, Some(&cookie)).await;
        let html = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::FORBIDDEN, "{address}");
        assert_is_a_page(&headers, &html);
        assert_contains(&html, "Only a funder or a partner site can open it.");
    }
}

async fn funder_sees_the_portfolio_against_the_rest(database: Database) {
    let app = start_with_records(database).await;
    publish_hidden_record(&app).await;
    let funder = app.create_member("funder", Role::Funder, Some(FUNDER)).await;
    let cookie = sign_in(&app, "funder").await;
    let then = "{challenge: {on: DEFINING_AMBITIONS, step: {in: [RUSHED, SKIPPED]}}}";
    for scope in ["VISIBLE", "ALL"] {
        let query = format!(
            "{{ compare(portfolio: true, then: {then}, scope: {scope}) {{ summary {{ byGroup }} }} }}"
        );
        let compared = funder.query(&query).await;
        let sentence = compared["compare"]["summary"]["byGroup"][0]
            .as_str()
            .unwrap()
            .to_owned();
        let address = format!("/portfolio?scope={scope}");
        let html = read_page(&app, &address, Some(&cookie)).await;
        assert_contains(&html, &sentence);
        assert_contains(&html, "<svg");
        // One of the records is hidden from the funder, with its organisation.
        for hidden in [
            format!("Organisation {HIDDEN_LEAD}"),
            "Initiative hidden-0".into(),
        ] {
            assert!(!html.contains(&hidden), "{html}");
        }
    }
    let html = read_page(&app, "/portfolio", Some(&cookie)).await;
    assert_contains(&html, "Clear difference");
    assert_contains(&html, "Too little is known");
    assert_contains(&html, &format!("Organisation {FUNDER} funds 40 initiatives"));
    for row in [
        "<th scope=\"row\">12 months or less</th><td class=\"number\">40</td>",
        "<th scope=\"row\">25 to 36 months</th><td class=\"number\">0</td>",
        "<th scope=\"row\">Every month</th><td class=\"number\">40</td>",
    ] {
        assert_contains(&html, row);
    }
    for file in [
        "png?picture=ambitions",
        "svg?picture=shortFunding",
        "svg?picture=grants-by-research",
    ] {
        // The template escapes the sign between the parameters.
        let start = format!("href=\"/portfolio/download.{file}&");
        assert_contains(&html, &start);
    }
    let html = read_page(&app, "/portfolio/board-paper", Some(&cookie)).await;
    assert_contains(&html, "class=\"board-paper\"");
    assert_contains(&html, "Clear difference");
    assert_contains(&html, "data-print");
    assert_contains(&html, "href=\"/portfolio/board-paper.pdf?scope=VISIBLE\"");
    app.partner().await;
    let cookie = sign_in(&app, "partner").await;
    let html = read_page(&app, "/portfolio", Some(&cookie)).await;
    assert!(!html.contains("Your grants"), "{html}");
}

async fn answers_of_the_portfolio_are_files(database: Database) {
    let app = start_with_records(database).await;
    let funder = app.create_member("funder", Role::Funder, Some(FUNDER)).await;
    let cookie = sign_in(&app, "funder").await;
    let direct = export_address(
        "compare",
        &json!({
            "portfolio": true,
            "then": {"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["RUSHED", "SKIPPED"]}}},
            "scope": "VISIBLE",
            "preamble": true,
        }),
    );
    let address = "/portfolio/download.csv?question=ambitions&scope=VISIBLE";
    let (status, headers, body) = open(&app, address, Some(&cookie)).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let (_, expected_headers, expected) = send(&app.app, get(&direct, funder.authorization.as_deref())).await;
    assert_eq!(String::from_utf8(body), String::from_utf8(expected));
    for name in [header::CONTENT_TYPE, header::CONTENT_DISPOSITION] {
        assert_eq!(headers[&name], expected_headers[&name]);
    }
    let address = "/portfolio/download.xlsx?question=shortFunding";
    let (status, _, body) = open(&app, address, Some(&cookie)).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    assert!(body.starts_with(b"PK"), "a workbook is a ZIP file");
    let (status, headers, body) = open(&app, "/portfolio/download.csv?question=other", Some(&cookie)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_is_a_page(&headers, &String::from_utf8(body).unwrap());
}

async fn pictures_of_the_portfolio_are_files(database: Database) {
    let app = start_with_records(database).await;
    app.create_member("funder", Role::Funder, Some(FUNDER)).await;
    let cookie = sign_in(&app, "funder").await;
    for (name, ending, media_type, start) in [
        ("ambitions", "svg", "image/svg+xml", &b"<svg"[..]),
        ("ambitions", "png", "image/png", b"\x89PNG"),
        ("grants-by-length", "svg", "image/svg+xml", b"<svg"),
    ] {
        let address = format!("/portfolio/download.{ending}?picture={name}&scope=VISIBLE");
        let (status, headers, body) = open(&app, &address, Some(&cookie)).await;
        assert_eq!(
            status,
            StatusCode::OK,
            "{address}: {}",
            String::from_utf8_lossy(&body)
        );
        assert_eq!(headers[header::CONTENT_TYPE], media_type);
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(
            headers[header::CONTENT_DISPOSITION],
            format!("attachment; filename=\"portfolio-{name}.{ending}\"")
        );
        assert!(body.starts_with(start), "{address}");
        if ending == "svg" {
            let svg = String::from_utf8(body).unwrap();
            for part in [
                "Question: Of the initiatives that Organisation",
                "Source: Wayin",
                "Basis: ",
                "Licence: CC-BY-4.0",
                "Date: ",
                "/portfolio?scope=VISIBLE",
            ] {
                assert_contains(&svg, part);
            }
        }
    }
    let wrong = "/portfolio/download.svg?picture=other";
    let (status, headers, body) = open(&app, wrong, Some(&cookie)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_is_a_page(&headers, &String::from_utf8(body).unwrap());
    // A partner site gives no grants.
    app.partner().await;
    let cookie = sign_in(&app, "partner").await;
    let grants = "/portfolio/download.svg?picture=grants-by-length";
    let (status, _, _) = open(&app, grants, Some(&cookie)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

async fn board_paper_is_a_pdf_of_one_page(database: Database) {
    let app = start_with_records(database).await;
    app.create_member("funder", Role::Funder, Some(FUNDER)).await;
    let cookie = sign_in(&app, "funder").await;
    for scope in ["VISIBLE", "ALL"] {
        let address = format!("/portfolio/board-paper.pdf?scope={scope}");
        let (status, headers, pdf) = open(&app, &address, Some(&cookie)).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&pdf));
        assert_eq!(headers[header::CONTENT_TYPE], "application/pdf");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        let disposition = headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert!(
            disposition.starts_with("attachment; filename=\"board-paper-"),
            "{disposition}"
        );
        assert!(disposition.ends_with(".pdf\""), "{disposition}");
        assert!(pdf.starts_with(b"%PDF-"), "a PDF has its version at the start");
        for text in [
            "/Type/Pages/Count 1/".to_owned(),
            format!("/Title(How the initiatives of Organisation {FUNDER} compare)"),
            "/Lang(en-GB)".into(),
            "pdfuaid:part".into(),
        ] {
            assert!(
                pdf.windows(text.len()).any(|part| part == text.as_bytes()),
                "{text}"
            );
        }
    }
}
