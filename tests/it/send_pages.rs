//! Partners send records with a browser: the form in steps, workbooks, and what they may do with published records.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use wayin::auth::session::create_session;
use wayin::clock::SystemClock;
use wayin::import::job::worker;
use wayin_entity::{FileFormat, Role, member};
use wayin_records::workbook::RecordWorkbook;

use crate::support::app::{Client, TestApp};
use crate::support::http::send;
use crate::support::imports::file_record;
use crate::support::places::start_with_places;
use crate::support::submissions::{draft_record, mutate_ok, publish_draft, save_draft};
use crate::support::workbooks::read_typed_records;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    record_is_written_step_by_step_and_submitted,
    mistake_is_kept_and_explained_beside_its_field,
    links_of_the_check_page_end_at_fields_with_messages,
    check_page_lists_all_problems_in_the_order_of_the_form,
    funders_are_offered_for_a_name_that_is_not_clear,
    background_save_answers_with_a_fragment,
    new_record_is_made_once,
    second_editor_sees_both_answers,
    steward_asks_for_changes_and_the_partner_finds_them,
    workbook_with_mistakes_shows_outcomes_and_corrections,
    file_of_another_kind_is_refused_with_the_kinds_to_send,
    published_record_is_changed_narrowed_and_withdrawn,
    other_organisations_and_other_origins_are_refused,
    steward_without_an_organisation_adds_no_records,
];

const HOST: &str = "wayin.example.org";
const ORIGIN: &str = "https://wayin.example.org";

/// A member's browser with a session.
struct Browser<'a> {
    app: &'a TestApp,
    cookie: String,
    csrf: String,
}

/// The answer to a request of a browser.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The address to which the answer leads.
    fn location(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text());
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    fn assert_shows(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.text().contains(text), "{text} is not in {}", self.text());
        }
    }
}

impl<'a> Browser<'a> {
    /// Signs a member in.
    async fn sign_in(app: &'a TestApp, subject: &str) -> Self {
        let found = member::Entity::find()
            .filter(member::Column::Subject.eq(subject))
            .one(&app.app.db)
            .await
            .unwrap();
        let created = create_session(&app.app.db, &SystemClock, found.unwrap().id)
            .await
            .unwrap();
        Self {
            app,
            cookie: format!("wayin-session={}", created.secret),
            csrf: created.session.csrf_token,
        }
    }

    fn request(&self, method: Method, address: &str) -> axum::http::request::Builder {
        let address = address.split('#').next().unwrap();
        Request::builder()
            .method(method)
            .uri(address)
            .header(header::HOST, HOST)
            .header(header::COOKIE, &self.cookie)
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (status, headers, body) = send(&self.app.app, request).await;
        Answer {
            status,
            headers,
            body,
        }
    }

    async fn get(&self, address: &str) -> Answer {
        let request = self.request(Method::GET, address).body(Body::empty()).unwrap();
        self.send(request).await
    }

    /// Opens a page, which must be there.
    async fn open(&self, address: &str) -> Answer {
        let answer = self.get(address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}: {}", answer.text());
        answer
    }

    /// Sends a form with its hidden field.
    async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = [("csrf", self.csrf.as_str())];
        self.post_from(ORIGIN, address, &[&csrf[..], fields].concat(), "text/html")
            .await
    }

    /// Sends the fields as a module does.
    async fn save(&self, address: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = [("csrf", self.csrf.as_str())];
        let accepted = "text/vnd.wayin.fragment+html";
        self.post_from(ORIGIN, address, &[&csrf[..], fields].concat(), accepted)
            .await
    }

    async fn post_from(
        &self,
        origin: &str,
        address: &str,
        fields: &[(&str, &str)],
        accepted: &str,
    ) -> Answer {
        let request = self
            .request(Method::POST, address)
            .header(header::ORIGIN, origin)
            .header(header::ACCEPT, accepted)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(encode_form(fields)))
            .unwrap();
        self.send(request).await
    }

    /// Sends a file of records.
    async fn upload(&self, csrf: &str, mode: &str, name: &str, content: &[u8]) -> Answer {
        let mut body = Vec::new();
        for (field, value) in [("csrf", csrf), ("mode", mode)] {
            let part =
                format!("--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        let part =
            format!("--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend(part.into_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = self
            .request(Method::POST, "/send/workbooks")
            .header(header::ORIGIN, ORIGIN)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }
}

fn encode_form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            write!(encoded, "%{byte:02X}").unwrap();
            encoded
        })
    };
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

/// The address of a record without its step, and the global id in it.
fn split_record_address(address: &str) -> (String, String) {
    let record = address.rsplit_once('/').unwrap().0;
    let id = record.rsplit_once('/').unwrap().1;
    (record.to_owned(), decode_address(id))
}

fn decode_address(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, others)) = rest.split_first() {
        if let (b'%', Some(digits)) = (first, others.get(..2)) {
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    String::from_utf8(bytes).unwrap()
}

async fn load_submission(client: &Client<'_>, id: &str) -> Value {
    let query = "query($id: ID!) { submission(id: $id) { state version record initiativeVersion } }";
    let mut response = client.execute_with(query, json!({ "id": id })).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"]["submission"].take()
}

/// Presses the button twice, which sends the record once.
async fn submit_twice(browser: &Browser<'_>, record: &str) {
    let fields = [("version", "5"), ("key", "a")];
    for _ in 0..2 {
        let sent = browser
            .post(&format!("{record}/submit"), &fields)
            .await
            .location();
        assert!(sent.starts_with("/send?done=submitted&record="), "{sent}");
        browser.open(&sent).await.assert_shows(&[
            "Waiting for a steward",
            "What happens next",
            "Food partnership</a> waits for a steward",
        ]);
    }
}

/// Checks that the record has the answers of each step.
async fn assert_is_submitted(partner: &Client<'_>, id: &str) {
    let submission = load_submission(partner, id).await;
    assert_eq!(submission["state"], "SUBMITTED");
    assert_eq!(
        submission["record"],
        json!({
            "title": "Food partnership", "externalRef": "2021-07", "startedOn": "2021-04-01",
            "place": {"code": "E06000001"}, "ongoing": true, "visibility": "OPEN",
            "fundingTerms": [{"funder": {"name": "A funder", "identifier": "GB-CHC-9"}, "currency": "GBP",
                "amountMinor": 1_500_050, "durationMonths": 12, "missing": {"renewable": "NOT_ASKED"}}],
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"]}],
            "source": {"kind": "SELF_REPORT", "title": "Our return"},
            "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"},
        })
    );
}

async fn record_is_written_step_by_step_and_submitted(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    browser
        .open("/send")
        .await
        .assert_shows(&["Add a record", "Send a workbook"]);
    browser.open("/send/records/new").await.assert_shows(&[
        "name=\"title\"",
        "name=\"externalRef\"",
        "name=\"key\"",
        "<strong>Needed to send it.</strong> What the initiative is called.",
        "<strong>Needed to send it.</strong> Where the initiative works.",
    ]);
    let fields = [
        ("title", "Food partnership"),
        ("externalRef", "2021-07"),
        ("startedOn", "2021-04-01"),
        ("place.search", "Hartle"),
        ("action", "find-place"),
    ];
    let address = browser.post("/send/records/new", &fields).await.location();
    browser
        .open(&address)
        .await
        .assert_shows(&["code:E06000001", "Local authority in North East"]);
    let (record, id) = split_record_address(address.split('?').next().unwrap());
    let about = format!("{record}/about");
    let fields = [("version", "1"), ("place", "code:E06000001"), ("ongoing", "true")];
    let next = browser.post(&about, &fields).await.location();
    assert_eq!(next, format!("{record}/funding"));
    browser.open(&next).await.assert_shows(&[
        "fundingTerms.0.durationMonths",
        "<li class=\"done\">",
        "About</a><span class=\"visually-hidden\"> (complete)</span>",
        "Funding</a><span class=\"visually-hidden\"> (you are here, no answers yet)</span>",
        "Sharing</a><span class=\"visually-hidden\"> (not complete)</span>",
    ]);
    let fields = [
        ("version", "2"),
        ("fundingTerms.0.funder.name", "A funder"),
        ("fundingTerms.0.funder.identifier", "GB-CHC-9"),
        ("fundingTerms.0.currency", "GBP"),
        ("fundingTerms.0.amountMinor", "£15,000.50"),
        ("fundingTerms.0.durationMonths", "12"),
        ("fundingTerms.0.missing.renewable", "NOT_ASKED"),
    ];
    assert_eq!(
        browser.post(&next, &fields).await.location(),
        format!("{record}/ways-in")
    );
    let fields = [
        ("version", "3"),
        ("challengesFaced.DEFINING_AMBITIONS.step", "SKIPPED"),
        ("challengesFaced.DEFINING_AMBITIONS.reasons", ""),
        ("challengesFaced.DEFINING_AMBITIONS.reasons", "SHORT_FUNDING"),
    ];
    let challenges = format!("{record}/challenges");
    assert_eq!(
        browser.post(&challenges, &fields).await.location(),
        format!("{record}/changes")
    );
    let refused = browser.post(&format!("{record}/submit"), &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_shows(&["sharing?check=1#sharing.basis", "sharing?check=1#source.kind"]);
    let fields = [
        ("version", "4"),
        ("visibility", "OPEN"),
        ("source.kind", "SELF_REPORT"),
        ("source.title", "Our return"),
        ("sharing.basis", "The board agreed"),
        ("sharing.licence", "CC-BY-4.0"),
    ];
    let sharing = format!("{record}/sharing");
    let check = browser.post(&sharing, &fields).await.location();
    assert_eq!(check, format!("{record}/check"));
    browser.open(&check).await.assert_shows(&[
        "Hartlepool",
        "15,000.50 GBP",
        "1 April 2021",
        "Short funding",
    ]);
    let stale = browser
        .post(&format!("{record}/submit"), &[("version", "4")])
        .await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    stale.assert_shows(&["Somebody else has changed this record"]);
    submit_twice(&browser, &record).await;
    assert_is_submitted(&partner, &id).await;
    // A record in review opens with its answers, and can only be taken back.
    assert_eq!(browser.get(&about).await.location(), check);
    assert_eq!(
        browser.post(&format!("{record}/discard"), &[]).await.location(),
        "/send?done=discarded"
    );
}

async fn mistake_is_kept_and_explained_beside_its_field(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    let id = save_draft(&partner, draft_record("a")).await;
    let funding = format!("/send/records/{id}/funding");
    let fields = [
        ("version", "1"),
        ("fundingTerms.0.funder.identifier", "GB-CHC-9"),
        ("fundingTerms.0.funder.name", "A funder"),
        ("fundingTerms.0.durationMonths", "about a year"),
    ];
    let answer = browser.post(&funding, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.assert_shows(&[
        "href=\"#fundingTerms.0.durationMonths\"",
        "value=\"about a year\"",
        "is not a whole number",
        "Saved at",
    ]);
    let submission = load_submission(&partner, &id).await;
    assert_eq!(
        submission["record"]["fundingTerms"][0]["durationMonths"],
        "about a year"
    );
    assert_eq!(
        submission["record"]["challengesFaced"],
        draft_record("a")["challengesFaced"]
    );
    // The item can be removed again.
    let fields = [("version", "2"), ("action", "remove:fundingTerms.0")];
    browser.post(&funding, &fields).await.location();
    let submission = load_submission(&partner, &id).await;
    assert_eq!(submission["record"], draft_record("a"));
}

async fn links_of_the_check_page_end_at_fields_with_messages(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    let mut record = draft_record("a");
    record["leadOrganisation"] = json!({"kind": "FUNDER"});
    record.as_object_mut().unwrap().remove("place");
    let id = save_draft(&partner, record).await;
    let record = format!("/send/records/{id}");
    let about = format!("{record}/about");
    let check = browser.open(&format!("{record}/check")).await;
    for field in ["leadOrganisation.name", "place.search"] {
        check.assert_shows(&[&format!("/about?check=1#{field}\"")]);
    }
    let page = browser.open(&format!("{about}?check=1")).await;
    page.assert_shows(&[
        "id=\"leadOrganisation.name\"",
        "id=\"leadOrganisation.name-messages\" data-swap data-problems=\"1\"",
        "Lead organisation: write its name too.",
        "id=\"place.search\"",
        "id=\"place-messages\" data-swap data-problems=\"1\"",
    ]);
    assert!(!page.text().contains("identifier or a name"), "{}", page.text());
    // What is missing stays there while one types.
    page.assert_shows(&["name=\"check\" value=\"1\""]);
    let fields = [("version", "1"), ("check", "1"), ("title", "Food")];
    let saved = browser.save(&about, &fields).await;
    saved.assert_shows(&["id=\"place-messages\" data-swap data-problems=\"1\""]);
    // A kind alone is half an answer, so it is explained before the record is checked. A place is only missing.
    let page = browser.open(&about).await;
    page.assert_shows(&[
        "id=\"leadOrganisation.name-messages\" data-swap data-problems=\"1\"",
        "id=\"place-messages\" data-swap data-problems=\"0\"",
    ]);
}

async fn check_page_lists_all_problems_in_the_order_of_the_form(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    let record = json!({
        "title": "Food", "startedOn": "last spring", "fundingTerms": [{"currency": "GBP", "amountMinor": "a lot"}],
    });
    let id = save_draft(&partner, record).await;
    let page = browser.open(&format!("/send/records/{id}/check")).await.text();
    let links: Vec<&str> = page
        .split("?check=1#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(
        links,
        [
            "externalRef",
            "place.search",
            "startedOn",
            "fundingTerms.0.funder.name",
            "fundingTerms.0.amountMinor",
            "sharing.basis",
            "sharing.licence",
            "source.kind",
            "source.title",
        ]
    );
}

async fn funders_are_offered_for_a_name_that_is_not_clear(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    let mut known = draft_record("known");
    known["fundingTerms"] = json!([
        {"funder": {"name": "The National Lottery Community Fund", "identifier": "GB-GOR-PC390"}},
        {"funder": {"name": "Hill Trust", "identifier": "GB-CHC-7"}},
        {"funder": {"name": "Hill Trust", "identifier": "GB-CHC-8"}},
    ]);
    publish_draft(&app, &partner, known).await;
    let id = save_draft(&partner, draft_record("a")).await;
    let funding = format!("/send/records/{id}/funding");
    browser.open(&funding).await.assert_shows(&[
        "list=\"funder-names\"",
        "<option value=\"The National Lottery Community Fund\">",
    ]);
    let names = browser.open("/send/funders?name=hill").await;
    names.assert_shows(&["<option value=\"Hill Trust\">"]);
    assert!(!names.text().contains("Lottery"), "{}", names.text());
    let fields = [
        ("version", "1"),
        ("fundingTerms.0.funder.name", "National Lotery Fund"),
        ("fundingTerms.1.funder.name", "Hill trust"),
    ];
    let answer = browser.save(&funding, &fields).await;
    answer.assert_shows(&[
        "Wayin knows no organisation called “National Lotery Fund”",
        "The National Lottery Community Fund (GB-GOR-PC390)</button>",
        "several organisations are called “Hill trust”",
        "Hill Trust (GB-CHC-7)</button>",
        "Hill Trust (GB-CHC-8)</button>",
    ]);
    let page = browser.open(&funding).await.text();
    let before = page.split("Choose </span>The National").next().unwrap();
    let action = before
        .rsplit_once("value=\"")
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap();
    let fields = [("version", "2"), ("action", action)];
    let next = browser.post(&funding, &fields).await.location();
    assert!(next.ends_with("#fundingTerms.0.funder.name"), "{next}");
    let submission = load_submission(&partner, &id).await;
    assert_eq!(
        submission["record"]["fundingTerms"],
        json!([
            {"funder": {"name": "The National Lottery Community Fund", "identifier": "GB-GOR-PC390"}},
            {"funder": {"name": "Hill trust"}},
        ])
    );
}

async fn background_save_answers_with_a_fragment(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    // An empty form saves nothing.
    let answer = browser.save("/send/records/new", &[("title", "")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("title", "Food partnership"), ("startedOn", "last spring")];
    let answer = browser.save("/send/records/new", &fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.assert_shows(&[
        "data-state=\"saved\"",
        "data-version=\"1\"",
        "id=\"startedOn-messages\"",
        "is not a date",
        // The record has steps now that it is saved.
        "id=\"record-steps\" data-swap",
        "/funding\">Funding</a>",
    ]);
    assert!(!answer.text().contains("<html"), "{}", answer.text());
    let text = answer.text();
    let address = text.split_once("data-address=\"").unwrap().1;
    let address = address.split_once('"').unwrap().0;
    let fields = [
        ("version", "1"),
        ("title", "Food partnership"),
        ("startedOn", "2021-04-01"),
    ];
    browser
        .save(address, &fields)
        .await
        .assert_shows(&["data-version=\"2\""]);
    // The same again is no new version.
    let fields = [
        ("version", "2"),
        ("title", "Food partnership"),
        ("startedOn", "2021-04-01"),
    ];
    browser
        .save(address, &fields)
        .await
        .assert_shows(&["data-version=\"2\""]);
    let (_, id) = split_record_address(address);
    assert_eq!(
        load_submission(&partner, &id).await["record"],
        json!({"title": "Food partnership", "startedOn": "2021-04-01"})
    );
    // A date is shown as it is written in Britain.
    browser
        .open(address)
        .await
        .assert_shows(&["value=\"1 April 2021\""]);
    let places = browser.open("/send/places?place=Middles&chosen=").await;
    places.assert_shows(&["code:E06000002"]);
}

async fn new_record_is_made_once(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    let new = "/send/records/new";
    let fields = [("key", "a"), ("title", "Food partnership")];
    let first = browser.save(new, &fields).await;
    first.assert_shows(&["data-state=\"saved\""]);
    // The answer was lost, so the same is sent again.
    let again = browser.save(new, &fields).await;
    let address = |answer: &Answer| {
        let text = answer.text();
        let (_, address) = text.split_once("data-address=\"").unwrap();
        address.split_once('"').unwrap().0.to_owned()
    };
    assert_eq!(address(&again), address(&first));
    // Somebody goes back to the form and writes something else in it.
    let fields = [("key", "a"), ("title", "Food network")];
    let other = browser.post(new, &fields).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    other.assert_shows(&["made a draft already", "value=\"Food network\""]);
    assert!(!other.text().contains("name=\"key\" value=\"a\""));
    let listed = partner.query("{ submissions { totalCount } }").await;
    assert_eq!(listed["submissions"]["totalCount"], 1);
}

async fn second_editor_sees_both_answers(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    let id = save_draft(&partner, draft_record("a")).await;
    let about = format!("/send/records/{id}/about");
    browser
        .save(&about, &[("version", "1"), ("title", "The first title")])
        .await
        .assert_shows(&["data-state=\"saved\""]);
    let fields = [("version", "1"), ("title", "The second title")];
    let answer = browser.save(&about, &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    answer.assert_shows(&["data-state=\"conflict\"", "data-version=\"1\""]);
    let answer = browser.post(&about, &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    answer.assert_shows(&["The first title", "The second title", "load the record again"]);
    assert_eq!(
        load_submission(&partner, &id).await["record"]["title"],
        "The first title"
    );
    // The page has the present version, so that the second can be kept on purpose.
    answer.assert_shows(&["name=\"version\" value=\"2\""]);
    let fields = [("version", "2"), ("title", "The second title")];
    browser.post(&about, &fields).await.location();
    assert_eq!(
        load_submission(&partner, &id).await["record"]["title"],
        "The second title"
    );
}

async fn steward_asks_for_changes_and_the_partner_finds_them(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let browser = Browser::sign_in(&app, "partner").await;
    let id = save_draft(&partner, draft_record("a")).await;
    mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
    let input = json!({"id": id, "note": "Which school is it?"});
    mutate_ok(&steward, "requestChanges", input).await;
    let page = browser.open("/send").await;
    page.assert_shows(&[
        "A steward asked for changes",
        "Which school is it?",
        "Initiative a",
    ]);
    browser
        .open(&format!("/send/records/{id}/about"))
        .await
        .assert_shows(&["Which school is it?"]);
    let book = browser.open("/send/corrections.xlsx").await;
    assert_eq!(read_typed_records(FileFormat::Xlsx, &book.body).len(), 1);
}

async fn workbook_with_mistakes_shows_outcomes_and_corrections(database: Database) {
    let app = start_with_places(database).await;
    app.partner().await;
    app.create_member("other", Role::Partner, Some("GB-CHC-2")).await;
    let browser = Browser::sign_in(&app, "partner").await;
    let mut records: Vec<Value> = ["good", "day", "place"].map(file_record).to_vec();
    records[1]["startedOn"] = "last spring".into();
    records[2]["place"]["name"] = "Hartlepol".into();
    let mut book = RecordWorkbook::for_corrections().unwrap();
    for record in &records {
        book.add_record(record, &[]).unwrap();
    }
    let mut content = Vec::new();
    book.finish(&mut content).unwrap();
    let empty = browser.upload(&browser.csrf, "SUBMIT", "", b"").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    empty.assert_shows(&["Choose a workbook"]);
    let address = browser
        .upload(&browser.csrf, "SUBMIT", "return.xlsx", &content)
        .await
        .location();
    browser
        .open(&address)
        .await
        .assert_shows(&["data-running=\"true\"", "Refresh"]);
    worker::run_queued(&app.app).await.unwrap();
    let page = browser.open(&address).await;
    page.assert_shows(&[
        "return.xlsx",
        "The whole file was read. Records: 3.",
        "Waiting for a steward",
        "With problems, saved as drafts",
        "Started on",
        "Open the draft",
    ]);
    let fragment = browser.open(&format!("{address}?fragment=1")).await;
    fragment.assert_shows(&["id=\"import-progress\"", "data-running=\"false\""]);
    assert!(!fragment.text().contains("<html"), "{}", fragment.text());
    let corrections = browser.open(&format!("{address}/corrections.xlsx")).await;
    assert_eq!(read_typed_records(FileFormat::Xlsx, &corrections.body).len(), 2);
    browser
        .open("/send/workbooks")
        .await
        .assert_shows(&["return.xlsx"]);
    let other = Browser::sign_in(&app, "other").await;
    for address in [address.clone(), format!("{address}/corrections.xlsx")] {
        assert_eq!(other.get(&address).await.status, StatusCode::NOT_FOUND);
    }
    // Drafts can be sent for review later.
    let drafts = [file_record("draft")].map(|record| record.to_string()).join("\n");
    let address = browser
        .upload(&browser.csrf, "DRAFT", "drafts.jsonl", drafts.as_bytes())
        .await
        .location();
    worker::run_queued(&app.app).await.unwrap();
    browser
        .open(&address)
        .await
        .assert_shows(&["Send the drafts for review"]);
    let sent = browser.post(&format!("{address}/submit"), &[]).await.location();
    browser
        .open(&sent)
        .await
        .assert_shows(&["Drafts sent for review: 1."]);
}

async fn file_of_another_kind_is_refused_with_the_kinds_to_send(database: Database) {
    let app = start_with_places(database).await;
    app.partner().await;
    let browser = Browser::sign_in(&app, "partner").await;
    let kinds = "Send a workbook (.xlsx or .ods), a table (.csv) or JSON Lines (.jsonl).";
    let refused = browser
        .upload(&browser.csrf, "SUBMIT", "poster.pdf", b"%PDF-1.7")
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_shows(&[
        "“poster.pdf” is not a workbook or a table that can be read",
        kinds,
        "The file is a PDF",
    ]);
    // A text may be a table. That it is none is known when it is read.
    let address = browser
        .upload(
            &browser.csrf,
            "SUBMIT",
            "notes.txt",
            b"We met on Monday.\nNobody came.\n",
        )
        .await
        .location();
    worker::run_queued(&app.app).await.unwrap();
    browser.open(&address).await.assert_shows(&[
        "The file could not be read",
        "Nothing of it is saved",
        kinds,
    ]);
}

async fn published_record_is_changed_narrowed_and_withdrawn(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    app.create_member("other", Role::Partner, Some("GB-CHC-2")).await;
    let browser = Browser::sign_in(&app, "partner").await;
    let (published, _) = publish_draft(&app, &partner, draft_record("a")).await;
    let id = published["initiative"]["id"].as_str().unwrap();
    let record = format!("/send/published/{id}");
    browser
        .open("/send")
        .await
        .assert_shows(&["Initiative a", "Published records"]);
    let change = browser.post(&format!("{record}/change"), &[]).await.location();
    browser.open(&change).await.assert_shows(&["Initiative a"]);
    let (_, correction) = split_record_address(&change);
    assert_eq!(
        load_submission(&partner, &correction).await["initiativeVersion"],
        1
    );
    // The open correction is opened again.
    assert_eq!(
        browser.post(&format!("{record}/change"), &[]).await.location(),
        change
    );

    let readers = format!("{record}/readers");
    browser
        .open(&readers)
        .await
        .assert_shows(&["value=\"MEMBERS\"", "value=\"AGGREGATE_ONLY\""]);
    let refused = browser.post(&readers, &[("version", "1")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [
        ("version", "1"),
        ("visibility", "MEMBERS"),
        ("reason", "The board decided"),
    ];
    assert_eq!(
        browser.post(&readers, &fields).await.location(),
        "/send?done=narrowed"
    );
    app.catch_up().await;
    browser.open("/send").await.assert_shows(&["For members"]);

    let other = Browser::sign_in(&app, "other").await;
    let withdraw = format!("{record}/withdraw");
    assert_eq!(other.get(&withdraw).await.status, StatusCode::NOT_FOUND);
    let fields = [("reason", "It was never ours")];
    assert_eq!(other.post(&withdraw, &fields).await.status, StatusCode::NOT_FOUND);
    let refused = browser.post(&withdraw, &[("reason", " ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_shows(&["id=\"reason-error\""]);
    let fields = [("reason", "The partners asked for it")];
    assert_eq!(
        browser.post(&withdraw, &fields).await.location(),
        "/send?done=withdrawn"
    );
    app.catch_up().await;
    assert_eq!(browser.get(&withdraw).await.status, StatusCode::NOT_FOUND);
}

async fn other_organisations_and_other_origins_are_refused(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    app.create_member("other", Role::Partner, Some("GB-CHC-2")).await;
    app.create_member("funder", Role::Funder, Some("GB-CHC-3")).await;
    let (browser, other) = (
        Browser::sign_in(&app, "partner").await,
        Browser::sign_in(&app, "other").await,
    );
    let id = save_draft(&partner, draft_record("a")).await;
    let about = format!("/send/records/{id}/about");
    let fields = [("version", "1"), ("title", "Another title")];
    assert_eq!(other.get(&about).await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.post(&about, &fields).await.status, StatusCode::NOT_FOUND);
    for step in ["check", "discard"] {
        let address = format!("/send/records/{id}/{step}");
        assert_eq!(other.get(&address).await.status, StatusCode::NOT_FOUND, "{step}");
    }
    // Without the hidden field, or from a page of another website.
    let without = browser.post_from(ORIGIN, &about, &fields, "text/html").await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    let csrf = ("csrf", browser.csrf.as_str());
    let foreign = [csrf, fields[0], fields[1]];
    let foreign = browser
        .post_from("https://example.com", &about, &foreign, "text/html")
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let upload = browser.upload("", "SUBMIT", "records.jsonl", b"{}").await;
    assert_eq!(upload.status, StatusCode::FORBIDDEN);
    assert_eq!(load_submission(&partner, &id).await["version"], 1);
    // Others sign in first, or have another role.
    let funder = Browser::sign_in(&app, "funder").await;
    assert_eq!(funder.get("/send").await.status, StatusCode::FORBIDDEN);
    let visitor = Browser {
        app: &app,
        cookie: String::new(),
        csrf: String::new(),
    };
    let address = visitor.get(&about).await.location();
    assert!(address.starts_with("/sign-in?next="), "{address}");
}

async fn steward_without_an_organisation_adds_no_records(database: Database) {
    let app = start_with_places(database).await;
    app.steward().await;
    let browser = Browser::sign_in(&app, "steward").await;
    let page = browser.open("/send").await;
    assert!(!page.text().contains("/send/records/new"), "{}", page.text());
    let form = browser.get("/send/records/new").await;
    let saved = browser.post("/send/records/new", &[("title", "Food")]).await;
    let workbooks = browser.get("/send/workbooks").await;
    let uploaded = browser
        .upload(&browser.csrf, "DRAFT", "records.jsonl", b"{}")
        .await;
    for refused in [form, saved, workbooks, uploaded] {
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        refused.assert_shows(&["you act for none", "Ask a partner of the organisation"]);
    }
}
