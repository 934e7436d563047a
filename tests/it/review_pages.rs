//! Stewards review on pages what partners sent in, and look after members, invitations and tokens.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use wayin::public_url::PublicUrl;
use wayin_entity::Role;

use crate::support::app::{Client, TestApp};
use crate::support::browser::{Browser, read_value};
use crate::support::imports::{file_record, import_file, json_lines};
use crate::support::places::start_with_places;
use crate::support::submissions::{draft_record, mutate_ok, publish_draft, save_draft};
use crate::support::tokens::find_member_id;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    queue_lists_the_oldest_first,
    queue_is_limited_to_an_organisation,
    differences_are_shown_field_by_field,
    submission_is_published,
    changes_are_requested_with_a_note,
    submission_is_discarded,
    decision_on_another_version_is_refused,
    newer_published_record_is_a_conflict,
    form_of_another_session_is_refused,
    partner_cannot_open_review,
    import_is_published_in_bulk,
    invitation_link_is_shown_once,
    invitation_says_what_is_wrong,
    links_are_whole_and_created_once,
    member_is_found_and_changed,
    revoked_member_is_signed_out,
    token_is_shown_once_and_revoked,
    notices_are_acknowledged,
];

/// Saves and submits a record; returns the id of its submission.
async fn submit(partner: &Client<'_>, record: Value) -> String {
    let id = save_draft(partner, record).await;
    mutate_ok(partner, "submitForReview", json!({"id": id})).await;
    id
}

/// A service with a partner and a steward who has signed in on a page.
async fn sign_in_steward(app: &TestApp) -> Browser<'_> {
    app.steward().await;
    Browser::sign_in(app, "steward").await
}

/// The fields that the form of a decision carries.
fn decision<'a>(page: &'a str, action: &str) -> [(&'static str, &'a str); 2] {
    let form = page
        .split_once(&format!("/{action}\""))
        .expect("the form is there")
        .1;
    [
        ("version", read_value(form, "name=\"version\"")),
        ("key", read_value(form, "name=\"key\"")),
    ]
}

async fn find_state(client: &Client<'_>, id: &str) -> Value {
    let query = format!("{{ submission(id: \"{id}\") {{ state }} }}");
    client.query(&query).await["submission"]["state"].take()
}

async fn queue_lists_the_oldest_first(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    for reference in ["a", "b", "c"] {
        submit(&partner, draft_record(reference)).await;
    }
    let steward = sign_in_steward(&app).await;
    let page = steward.open_ok("/review").await;
    let positions: Vec<usize> = ["Initiative a", "Initiative b", "Initiative c"]
        .iter()
        .map(|title| page.find(title).unwrap_or_else(|| panic!("{title} in {page}")))
        .collect();
    assert!(positions.is_sorted(), "{page}");
    for text in [
        "3 records wait for review",
        "Hartlepool",
        "less than an hour",
        "New record",
        "No problems",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
}

async fn queue_is_limited_to_an_organisation(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let other = app
        .create_member("other", Role::Partner, Some("GB-CHC-501"))
        .await;
    submit(&partner, draft_record("a")).await;
    submit(&other, draft_record("b")).await;
    let steward = sign_in_steward(&app).await;
    let page = steward.open_ok("/review?find=GB-CHC-501").await;
    assert!(page.contains("1 record waits for review"), "{page}");
    assert!(
        page.contains("Initiative b") && !page.contains("Initiative a"),
        "{page}"
    );
    let page = steward.open_ok("/review?find=GB-CHC-50").await;
    assert!(page.contains("Which organisation do you mean?"), "{page}");
    let page = steward.open_ok("/review?find=nobody").await;
    assert!(page.contains("No organisation has this in its name"), "{page}");
}

async fn differences_are_shown_field_by_field(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    publish_draft(&app, &partner, draft_record("a")).await;
    let mut corrected = draft_record("a");
    corrected["title"] = "Food & <care>".into();
    corrected["startedOn"] = "2020-04-01".into();
    corrected["challengesFaced"] = json!([]);
    let id = submit(&partner, corrected).await;
    let steward = Browser::sign_in(&app, "steward").await;
    let page = steward.open_ok(&format!("/review/submissions/{id}")).await;
    let (_, changes) = page.split_once("What changes").unwrap();
    let (changes, _) = changes.split_once("The whole record").unwrap();
    for text in [
        "<del><span>Initiative a</span></del>",
        "<ins><span>Food &#38; &#60;care&#62;</span></ins>",
        "<ins><span>1 April 2020</span></ins>",
        "<del><span>Defining their ambitions</span></del>",
        "Started on",
        "Challenge 1: what became of the step",
        "+ Added",
        "\u{2212} Removed",
        "\u{b1} Changed",
    ] {
        assert!(changes.contains(text), "{text} in {changes}");
    }
    assert!(page.contains("partner, of "), "{page}");
    assert!(page.contains("Change of a published record"), "{page}");
}

async fn submission_is_published(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let id = submit(&partner, draft_record("a")).await;
    submit(&partner, draft_record("b")).await;
    let steward = sign_in_steward(&app).await;
    let path = format!("/review/submissions/{id}");
    let page = steward.open_ok(&path).await;
    assert!(
        page.contains("Open: any member or dashboard can read the record."),
        "{page}"
    );
    let fields = decision(&page, "publish");
    let sent = steward.post(&format!("{path}/publish"), &fields).await;
    assert_eq!(sent.location(), format!("/review?done={id}"));
    assert_eq!(find_state(&partner, &id).await, "PUBLISHED");
    let page = steward.open_ok(sent.location()).await;
    assert!(page.contains("is published. Open:"), "{page}");
    assert!(page.contains("Next: <a"), "{page}");
    // A second press of the button does no harm.
    let again = steward.post(&format!("{path}/publish"), &fields).await;
    assert_eq!(again.location(), sent.location());
}

async fn changes_are_requested_with_a_note(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let id = submit(&partner, draft_record("a")).await;
    let steward = sign_in_steward(&app).await;
    let path = format!("/review/submissions/{id}");
    let page = steward.open_ok(&path).await;
    let [version, key] = decision(&page, "return");
    let action = format!("{path}/return");
    let refused = steward.post(&action, &[version, key, ("note", "  ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .text
            .contains("href=\"#note\">Say what the partner should change."),
        "{}",
        refused.text
    );
    let long = "a".repeat(2_001);
    let refused = steward
        .post(&action, &[version, key, ("note", long.as_str())])
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains(&long), "what was typed stays");
    let sent = steward
        .post(&action, &[version, key, ("note", "Which school?")])
        .await;
    let page = steward.open_ok(sent.location()).await;
    assert!(page.contains("You asked"), "{page}");
    assert_eq!(find_state(&partner, &id).await, "CHANGES_REQUESTED");

    // Who decides on the record that comes back sees what was asked.
    mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
    let page = steward.open_ok(&path).await;
    for part in ["Sent in again", "Which school?"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}

async fn submission_is_discarded(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let id = submit(&partner, draft_record("a")).await;
    let steward = sign_in_steward(&app).await;
    let path = format!("/review/submissions/{id}");
    let page = steward.open_ok(&path).await;
    let sent = steward
        .post(&format!("{path}/discard"), &decision(&page, "discard"))
        .await;
    let page = steward.open_ok(sent.location()).await;
    assert!(page.contains("is discarded."), "{page}");
    assert_eq!(find_state(&partner, &id).await, "DISCARDED");
}

async fn decision_on_another_version_is_refused(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let id = submit(&partner, draft_record("a")).await;
    let steward = sign_in_steward(&app).await;
    let path = format!("/review/submissions/{id}");
    let page = steward.open_ok(&path).await;
    // Another steward returns it, and the partner sends it again.
    let other = app.client("steward");
    mutate_ok(
        &other,
        "requestChanges",
        json!({"id": id, "note": "Which school?"}),
    )
    .await;
    mutate_ok(
        &partner,
        "saveSubmission",
        json!({"id": id, "record": draft_record("b")}),
    )
    .await;
    mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
    let fields = decision(&page, "publish");
    let refused = steward.post(&format!("{path}/publish"), &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.text.contains("The partner has changed this record"),
        "{}",
        refused.text
    );
    assert_eq!(find_state(&partner, &id).await, "SUBMITTED");
    mutate_ok(&other, "publishSubmission", json!({"id": id})).await;
    let late = steward
        .post(&format!("{path}/discard"), &decision(&refused.text, "discard"))
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("decided on already"), "{}", late.text);
}

async fn newer_published_record_is_a_conflict(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let (published, _) = publish_draft(&app, &partner, draft_record("a")).await;
    let correct = |title: &str| {
        let mut record = draft_record("a");
        record["title"] = title.into();
        json!({"record": record, "initiative": published["initiative"]["id"], "initiativeVersion": 1})
    };
    let mut ids = Vec::new();
    for title in ["First", "Second"] {
        let saved = mutate_ok(&partner, "saveSubmission", correct(title)).await;
        mutate_ok(&partner, "submitForReview", json!({"id": saved["id"]})).await;
        ids.push(saved["id"].as_str().unwrap().to_owned());
    }
    let steward = Browser::sign_in(&app, "steward").await;
    for (id, status) in ids.iter().zip([StatusCode::SEE_OTHER, StatusCode::CONFLICT]) {
        let path = format!("/review/submissions/{id}");
        let page = steward.open_ok(&path).await;
        assert_eq!(
            page.contains("The published record is newer"),
            status == StatusCode::CONFLICT
        );
        let sent = steward
            .post(&format!("{path}/publish"), &decision(&page, "publish"))
            .await;
        assert_eq!(sent.status, status, "{}", sent.text);
        if status == StatusCode::CONFLICT {
            let (_, since) = sent
                .text
                .split_once("What has changed in the published record since")
                .unwrap();
            assert!(since.contains("<ins><span>First</span></ins>"), "{since}");
        }
    }
}

async fn form_of_another_session_is_refused(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let id = submit(&partner, draft_record("a")).await;
    let steward = sign_in_steward(&app).await;
    let path = format!("/review/submissions/{id}");
    let page = steward.open_ok(&path).await;
    let fields = decision(&page, "publish");
    let refused = steward
        .post_with_csrf(&format!("{path}/publish"), &fields, "another")
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(find_state(&partner, &id).await, "SUBMITTED");
}

async fn partner_cannot_open_review(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let id = submit(&partner, draft_record("a")).await;
    let browser = Browser::sign_in(&app, "partner").await;
    let submission = format!("/review/submissions/{id}");
    for path in [
        "/review",
        "/review/members",
        "/review/tokens",
        submission.as_str(),
    ] {
        let page = browser.open(path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.text.contains("Only a steward can open it"), "{}", page.text);
    }
    let fields = [("version", "1"), ("key", "k")];
    let refused = browser.post(&format!("{submission}/publish"), &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(find_state(&partner, &id).await, "SUBMITTED");
}

async fn import_is_published_in_bulk(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let records = ["a", "b", "c"].map(file_record);
    let file = json_lines(&records);
    let import = import_file(&app, &partner, "return.jsonl", file.as_bytes()).await;
    assert_eq!(import["submittedCount"], 3, "{import}");
    let steward = sign_in_steward(&app).await;
    let path = format!("/review/imports/{}", import["id"].as_str().unwrap());
    let page = steward.open_ok(&path).await;
    let chosen: Vec<&str> = page
        .split("name=\"chosen\"")
        .skip(1)
        .map(|field| read_value(field, ""))
        .collect();
    assert_eq!(chosen.len(), 3, "{page}");
    assert_eq!(page.matches(" checked").count(), 3, "{page}");
    // Another steward returns the second in the meantime.
    let (second, _) = chosen[1].rsplit_once('.').unwrap();
    let other = app.client("steward");
    mutate_ok(&other, "requestChanges", json!({"id": second, "note": "Why?"})).await;
    let key = read_value(&page, "name=\"key\"");
    let fields: Vec<(&str, &str)> = chosen
        .iter()
        .map(|value| ("chosen", *value))
        .chain([("key", key)])
        .collect();
    let action = format!("{path}/publish");
    // Sending the form again reports the same, and publishes nothing twice.
    for _ in 0..2 {
        let done = steward.post(&action, &fields).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        for text in [
            "2 records are published.",
            "1 record is not published.",
            "Initiative a",
            "Initiative b",
            "Initiative c",
        ] {
            assert!(done.text.contains(text), "{text} in {}", done.text);
        }
    }
    let none = steward.post(&action, &[("key", key)]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.text.contains("Choose at least one record"), "{}", none.text);
    assert!(
        none.text
            .contains("3 records of this page are decided on already"),
        "{}",
        none.text
    );
}

async fn invitation_link_is_shown_once(database: Database) {
    let app = start_with_places(database).await;
    app.partner().await;
    let steward = sign_in_steward(&app).await;
    let fields = [
        ("role", "PARTNER"),
        ("name", "Amina"),
        ("organisation", "GB-CHC-500"),
        ("days", "7"),
    ];
    let created = steward.post("/review/invitations", &fields).await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.text);
    assert_eq!(created.headers[header::CACHE_CONTROL], "no-store");
    let link = read_value(&created.text, "id=\"secret\"");
    assert!(link.starts_with("/invitation/wayin_invitation_"), "{link}");
    assert!(
        created.text.contains("whoever runs it must set PUBLIC_URL"),
        "{}",
        created.text
    );
    assert!(
        created.text.contains("a partner site of GB-CHC-500"),
        "{}",
        created.text
    );
    let page = steward.open_ok("/review/members").await;
    assert!(page.contains("Amina") && page.contains("Open until"), "{page}");
    assert!(!page.contains("wayin_invitation_"), "{page}");
    let (_, form) = page.split_once("/review/invitations/").unwrap();
    let (id, _) = form.split_once("/revoke").unwrap();
    let revoked = steward
        .post(&format!("/review/invitations/{id}/revoke"), &[])
        .await;
    let page = steward.open_ok(revoked.location()).await;
    assert!(page.contains("Revoked on"), "{page}");
    let again = steward
        .post(&format!("/review/invitations/{id}/revoke"), &[])
        .await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

async fn invitation_says_what_is_wrong(database: Database) {
    let app = start_with_places(database).await;
    app.partner().await;
    app.create_member("other", Role::Partner, Some("GB-CHC-501"))
        .await;
    let steward = sign_in_steward(&app).await;
    let empty = steward.post("/review/invitations", &[]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    for text in ["href=\"#role\"", "href=\"#name\"", "href=\"#days\""] {
        assert!(empty.text.contains(text), "{text} in {}", empty.text);
    }
    let fields = [
        ("role", "PARTNER"),
        ("name", "Amina"),
        ("organisation", "GB-CHC-50"),
        ("days", "7"),
    ];
    let several = steward.post("/review/invitations", &fields).await;
    assert_eq!(several.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        several.text.contains("Choose which organisation you mean"),
        "{}",
        several.text
    );
    let chosen = read_value(&several.text, "id=\"organisation_id\"");
    let fields: Vec<(&str, &str)> = fields.into_iter().chain([("organisation_id", chosen)]).collect();
    let created = steward.post("/review/invitations", &fields).await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.text);
}

async fn links_are_whole_and_created_once(database: Database) {
    let app = TestApp::start_with(database, |app| {
        app.with_public_url(Some(PublicUrl::on_this_machine(8000)))
    })
    .await;
    let client = app.steward().await;
    let steward = Browser::sign_in(&app, "steward").await;
    let id = find_member_id(&client, "steward").await;
    let member = format!("/review/members/{}", id.as_str().unwrap());
    let read_key = async |page: &str, action: &str| {
        let page = steward.open_ok(page).await;
        let (_, form) = page.split_once(&format!("action=\"{action}\"")).unwrap();
        read_value(form, "name=\"key\"").to_owned()
    };
    let create_link = format!("{member}/sign-in-link");
    for (page, action, start) in [
        (
            "/review/members",
            "/review/invitations",
            "/invitation/wayin_invitation_",
        ),
        (member.as_str(), create_link.as_str(), "/sign-in/wayin_sign_in_"),
    ] {
        let key = read_key(page, action).await;
        let fields = [
            ("role", "STEWARD"),
            ("name", "Amina"),
            ("days", "7"),
            ("key", key.as_str()),
        ];
        let created = steward.post(action, &fields).await;
        assert_eq!(created.status, StatusCode::OK, "{action}: {}", created.text);
        let link = read_value(&created.text, "id=\"secret\"");
        assert!(
            link.starts_with(&format!("http://127.0.0.1:8000{start}")),
            "{link}"
        );
        assert!(created.text.contains("data-copy=\"Copy the link\""), "{action}");
        assert!(!created.text.contains("PUBLIC_URL"), "{action}");
        // The answer is loaded again.
        let again = steward.post(action, &fields).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{action}");
        assert!(
            again.text.contains("This form was sent before"),
            "{action}: {}",
            again.text
        );
        assert!(!again.text.contains("id=\"secret\""), "{action}: {}", again.text);
        assert_ne!(read_key(page, action).await, key, "{action}");
    }
    let made = client
        .query(
            "{ invitations { totalCount } auditEvents(filter: {action: \"createSignInLink\"}) { nodes { id } } }",
        )
        .await;
    assert_eq!(made["invitations"]["totalCount"], 1);
    assert_eq!(made["auditEvents"]["nodes"].as_array().map(Vec::len), Some(1));
}

async fn member_is_found_and_changed(database: Database) {
    let app = start_with_places(database).await;
    app.partner().await;
    app.create_member("other", Role::Partner, Some("GB-CHC-501"))
        .await;
    let client = app.steward().await;
    let steward = Browser::sign_in(&app, "steward").await;
    let page = steward.open_ok("/review/members?filter-search=PART").await;
    assert!(
        page.contains("1 member") && page.contains(">partner</a>"),
        "{page}"
    );
    let page = steward.open_ok("/review/members?filter-search=nobody").await;
    assert!(page.contains("No member matches"), "{page}");
    let id = find_member_id(&client, "partner").await;
    let path = format!("/review/members/{}", id.as_str().unwrap());
    let page = steward.open_ok(&path).await;
    let [version, key] = decision(&page, "change");
    let action = format!("{path}/change");
    let change = |role, organisation| [version, key, ("role", role), ("organisation", organisation)];
    for (role, organisation, link) in [
        ("", "GB-CHC-501", "href=\"#role\""),
        ("FUNDER", " ", "href=\"#organisation\""),
        ("FUNDER", "nobody", "href=\"#organisation\""),
        ("FUNDER", "GB-CHC-50", "href=\"#organisation_id\""),
    ] {
        let refused = steward.post(&action, &change(role, organisation)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(link), "{link} in {}", refused.text);
    }
    let changed = steward.post(&action, &change("FUNDER", "GB-CHC-501")).await;
    let page = steward.open_ok(changed.location()).await;
    assert!(page.contains("The member is changed."), "{page}");
    let member = "{ viewer { role organisation { identifier } } }";
    assert_eq!(
        app.client("partner").query(member).await["viewer"],
        json!({"role": "FUNDER", "organisation": {"identifier": "GB-CHC-501"}})
    );
    // A form that was opened before the change is refused.
    let fields = [version, ("key", "another"), ("role", "DASHBOARD")];
    let refused = steward.post(&action, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("Somebody else has changed this"),
        "{}",
        refused.text
    );
    // The last steward stays one.
    let id = find_member_id(&client, "steward").await;
    let path = format!("/review/members/{}", id.as_str().unwrap());
    let page = steward.open_ok(&path).await;
    let [version, key] = decision(&page, "change");
    let fields = [version, key, ("role", "DASHBOARD")];
    let refused = steward.post(&format!("{path}/change"), &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("is the last steward"), "{}", refused.text);
}

async fn revoked_member_is_signed_out(database: Database) {
    let app = start_with_places(database).await;
    app.partner().await;
    let client = app.steward().await;
    let (steward, partner) = (
        Browser::sign_in(&app, "steward").await,
        Browser::sign_in(&app, "partner").await,
    );
    assert!(partner.open_ok("/").await.contains("Sign out"));
    let id = find_member_id(&client, "partner").await;
    let path = format!("/review/members/{}", id.as_str().unwrap());
    let link = steward.post(&format!("{path}/sign-in-link"), &[]).await;
    assert_eq!(link.status, StatusCode::OK, "{}", link.text);
    let url = read_value(&link.text, "id=\"secret\"");
    assert!(url.starts_with("/sign-in/wayin_sign_in_"), "{url}");
    let page = steward.open_ok(&path).await;
    let fields = decision(&page, "revoke");
    let revoked = steward.post(&format!("{path}/revoke"), &fields).await;
    assert_eq!(revoked.location(), path);
    assert!(steward.open_ok(&path).await.contains("has had no access since"));
    assert!(!partner.open_ok("/").await.contains("Sign out"));
    // The last steward stays.
    let id = find_member_id(&client, "steward").await;
    let path = format!("/review/members/{}", id.as_str().unwrap());
    let page = steward.open_ok(&path).await;
    let refused = steward
        .post(&format!("{path}/revoke"), &decision(&page, "revoke"))
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("There is a problem"), "{}", refused.text);
}

async fn token_is_shown_once_and_revoked(database: Database) {
    let app = start_with_places(database).await;
    app.partner().await;
    let client = app.steward().await;
    let steward = Browser::sign_in(&app, "steward").await;
    let id = find_member_id(&client, "partner").await;
    let path = format!("/review/members/{}", id.as_str().unwrap());
    let page = steward.open_ok(&path).await;
    let key = read_value(&page, "name=\"key\"").to_owned();
    let fields = [
        ("name", "The council's dashboard"),
        ("days", "30"),
        ("key", key.as_str()),
    ];
    let issued = steward.post(&format!("{path}/tokens"), &fields).await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text);
    let token = read_value(&issued.text, "id=\"secret\"").to_owned();
    // Loading the page again shows the same token.
    let again = steward.post(&format!("{path}/tokens"), &fields).await;
    assert_eq!(read_value(&again.text, "id=\"secret\""), token);
    let page = steward.open_ok("/review/tokens").await;
    assert!(page.contains("1 token") && page.contains("Never"), "{page}");
    assert!(!page.contains(&token));
    let (_, form) = page.split_once("/review/tokens/").unwrap();
    let (token_id, _) = form.split_once("/revoke").unwrap();
    let revoked = steward
        .post(&format!("/review/tokens/{token_id}/revoke"), &[])
        .await;
    assert_eq!(revoked.location(), "/review/tokens");
    assert!(steward.open_ok("/review/tokens").await.contains("Revoked on"));
    let wrong = steward
        .post(
            &format!("{path}/tokens"),
            &[("name", ""), ("days", "x"), ("key", key.as_str())],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("href=\"#days\""), "{}", wrong.text);
}

async fn notices_are_acknowledged(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let (published, _) = publish_draft(&app, &partner, draft_record("a")).await;
    // A partner need not say why fewer people may read a record.
    let input = json!({"id": published["initiative"]["id"], "visibility": "MEMBERS"});
    let query = "mutation($input: NarrowVisibilityInput!) {
        narrowVisibility(input: $input) { problems { message } } }";
    let narrowed = partner.execute_with(query, json!({ "input": input })).await;
    assert_eq!(
        narrowed["data"]["narrowVisibility"]["problems"],
        json!([]),
        "{narrowed}"
    );
    let steward = Browser::sign_in(&app, "steward").await;
    let page = steward.open_ok("/review").await;
    assert!(page.contains("No reason given"), "{page}");
    assert!(!page.contains("Their reason"), "{page}");
    let (id, _) = page
        .split_once("/review/notices/")
        .and_then(|(_, form)| form.split_once("/acknowledge"))
        .unwrap();
    let seen = steward
        .post(&format!("/review/notices/{id}/acknowledge"), &[])
        .await;
    assert_eq!(seen.location(), "/review#notices");
    let input = json!({"id": published["initiative"]["id"], "reason": "Our board decided"});
    let query = "mutation($input: WithdrawInitiativeInput!) {
        withdrawInitiative(input: $input) { problems { message } } }";
    let withdrawn = partner.execute_with(query, json!({ "input": input })).await;
    assert_eq!(
        withdrawn["data"]["withdrawInitiative"]["problems"],
        json!([]),
        "{withdrawn}"
    );
    let page = steward.open_ok("/review").await;
    for text in [
        "withdrew \u{201c}Initiative a\u{201d}",
        "Their reason: Our board decided",
        "I have seen it",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let (_, form) = page.split_once("/review/notices/").unwrap();
    let (id, _) = form.split_once("/acknowledge").unwrap();
    let action = format!("/review/notices/{id}/acknowledge");
    // Two stewards may press the button.
    for _ in 0..2 {
        let seen = steward.post(&action, &[]).await;
        assert_eq!(seen.location(), "/review#notices");
    }
    let page = steward.open_ok("/review").await;
    assert!(!page.contains("I have seen it"), "{page}");
}
