//! Sessions of browsers: the links that begin them, invitations, how they end, and what they cannot do.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use wayin::auth::jwt::TokenSubject;
use wayin::auth::session::invitation::{
    AcceptingIdentity, INVITATION_PATH, accept_invitation, find_invitation,
};
use wayin::auth::session::sign_in_link::{
    SIGN_IN_LINK_LIFETIME, SIGN_IN_PATH, find_sign_in_link, redeem_sign_in_link,
};
use wayin::auth::session::{
    BrowserSession, CreatedSession, SESSION_IDLE_LIFETIME, SESSION_LIFETIME, end_session, find_session,
};
use wayin::clock::{Clock, SystemClock};
use wayin::expiry::{ExpiryPolicy, delete_expired};
use wayin::graphql::operation::cost::{CostSettings, RateLimit, RateLimits};
use wayin::public_url::PublicUrl;
use wayin_entity::{Role, browser_session};

use crate::support::app::{Client, ISSUER, TestApp, unlimited_cost_settings};
use crate::support::browser::Browser;
use crate::support::clock::ManualClock;
use crate::support::http::{get, send};
use crate::support::redaction::{read_all_text, redact};
use crate::support::socket::TestServer;
use crate::support::tokens::find_member_id;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    sign_in_link_works_once,
    sign_in_link_ends_after_its_lifetime,
    concurrent_uses_of_a_link_give_one_session,
    session_ends_when_nobody_uses_it,
    session_ends_with_its_member,
    session_follows_the_present_role_of_its_member,
    invitation_is_accepted_once,
    concurrent_acceptances_add_one_member,
    invitation_links_the_identity_of_another_issuer,
    invitation_does_not_demote_the_last_steward,
    revoked_and_ended_invitations_are_refused,
    wrong_invitations_and_links_are_refused,
    link_is_created_once_under_a_key,
    session_authenticates_no_api,
    secrets_are_not_stored,
    what_has_ended_is_deleted,
    addresses_are_absolute_with_a_public_url,
    pages_sign_a_browser_in_and_out,
    pages_accept_an_invitation,
    member_who_asked_too_much_can_sign_out,
];

const ORGANISATION: &str = "GB-CHC-20";

async fn start(database: Database) -> (TestApp, Arc<ManualClock>) {
    let clock = ManualClock::new();
    let app = TestApp::with_costs(
        database,
        unlimited_cost_settings(),
        Arc::<ManualClock>::clone(&clock),
    )
    .await;
    (app, clock)
}

/// Runs a mutation with an input; returns its payload.
async fn mutate(client: &Client<'_>, field: &str, kind: &str, selection: &str, input: Value) -> Value {
    let query = format!(
        "mutation($input: {kind}!) {{ {field}(input: $input) {{ {selection} problems {{ code message path }} }} }}"
    );
    let mut response = client.execute_with(&query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"][field].take()
}

async fn create_sign_in_link(steward: &Client<'_>, member: Value) -> Value {
    let input = json!({"member": member, "reason": "A new laptop"});
    mutate(
        steward,
        "createSignInLink",
        "CreateSignInLinkInput",
        "url expiresAt",
        input,
    )
    .await
}

/// Creates a link for a member; returns its code.
async fn create_code(steward: &Client<'_>, subject: &str) -> String {
    let created = create_sign_in_link(steward, find_member_id(steward, subject).await).await;
    assert_eq!(created["problems"], json!([]), "{created}");
    read_code(&created["url"], SIGN_IN_PATH)
}

fn read_code(url: &Value, path: &str) -> String {
    url.as_str().unwrap().strip_prefix(path).unwrap().to_owned()
}

async fn invite(steward: &Client<'_>, input: Value) -> Value {
    let selection = "url invitation { id name role organisation { name } createdBy { subject } expiresAt acceptedAt \
                     member { id } revokedAt }";
    mutate(steward, "inviteMember", "InviteMemberInput", selection, input).await
}

/// Invites a steward; returns the id and the code of the invitation.
async fn invite_steward(steward: &Client<'_>) -> (Value, String) {
    let invited = invite(steward, json!({"role": "STEWARD", "name": "Grace"})).await;
    assert_eq!(invited["problems"], json!([]), "{invited}");
    let code = read_code(&invited["url"], INVITATION_PATH);
    (invited["invitation"]["id"].clone(), code)
}

async fn revoke_invitation(steward: &Client<'_>, id: &Value, key: Option<&str>) -> Value {
    let input = json!({"id": id, "reason": "It went astray", "idempotencyKey": key});
    let selection = "invitation { id revokedAt }";
    mutate(
        steward,
        "revokeInvitation",
        "RevokeInvitationInput",
        selection,
        input,
    )
    .await
}

async fn redeem(app: &TestApp, code: &str) -> Option<CreatedSession> {
    redeem_sign_in_link(app.app.mutation_context(), code, None)
        .await
        .unwrap()
}

async fn accept(app: &TestApp, code: &str) -> Option<CreatedSession> {
    let identity = AcceptingIdentity::OwnIssuer(app.app.invited_issuer().to_owned());
    accept_invitation(app.app.mutation_context(), code, identity, None)
        .await
        .unwrap()
}

async fn find(app: &TestApp, created: &CreatedSession) -> Option<BrowserSession> {
    find_session(&app.app.db, &created.secret, app.app.clock.now())
        .await
        .unwrap()
}

async fn sign_in(app: &TestApp, steward: &Client<'_>, subject: &str) -> CreatedSession {
    let code = create_code(steward, subject).await;
    redeem(app, &code).await.expect("the link works")
}

fn codes(payload: &Value) -> Vec<(&str, &str)> {
    let problems = payload["problems"].as_array().unwrap();
    problems
        .iter()
        .map(|problem| {
            let path = problem["path"][0].as_str().unwrap_or_default();
            (problem["code"].as_str().unwrap(), path)
        })
        .collect()
}

async fn sign_in_link_works_once(database: Database) {
    let (app, clock) = start(database).await;
    let steward = app.steward().await;
    app.create_member("ada", Role::Funder, Some(ORGANISATION)).await;
    let created = create_sign_in_link(&steward, find_member_id(&steward, "ada").await).await;
    let until: DateTime<Utc> = created["expiresAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(until, clock.now() + SIGN_IN_LINK_LIFETIME);
    let code = read_code(&created["url"], SIGN_IN_PATH);
    // Looking at the link does not use it up.
    for _ in 0..3 {
        let offer = find_sign_in_link(&app.app.db, &code, clock.now())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (offer.name.as_str(), offer.role, offer.organisation.as_deref()),
            ("ada", Role::Funder, Some(ORGANISATION))
        );
    }
    let session = redeem(&app, &code).await.expect("the link works");
    assert_eq!(session.session.name, "ada");
    assert!(redeem(&app, &code).await.is_none(), "it works once");
    let found = find_sign_in_link(&app.app.db, &code, clock.now()).await.unwrap();
    assert_eq!(found, None);
    let found = find(&app, &session).await.expect("the session is there");
    assert_eq!(found.id, session.session.id);
    assert_eq!(
        (
            found.member.subject.as_str(),
            found.member.role,
            found.member.token
        ),
        ("ada", Role::Funder, None)
    );
    assert_eq!(found.csrf_token, session.session.csrf_token);
    // Another link gives another session, and ends the one that the browser had.
    let code = create_code(&steward, "ada").await;
    let other = redeem_sign_in_link(app.app.mutation_context(), &code, Some(session.session.id)).await;
    let other = other.unwrap().unwrap();
    assert_ne!(other.secret, session.secret);
    assert_ne!(other.session.csrf_token, session.session.csrf_token);
    assert!(find(&app, &session).await.is_none());
    assert!(find(&app, &other).await.is_some());
    end_session(&app.app.db, &*app.app.clock, other.session.id)
        .await
        .unwrap();
    assert!(find(&app, &other).await.is_none(), "signing out ends it");
    let events = steward
        .query("{ auditEvents(filter: {action: \"signIn\"}) { nodes { actor { subject } subjectType detail } } }")
        .await;
    let events = events["auditEvents"]["nodes"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["actor"]["subject"], "ada");
    let created = steward
        .query("{ auditEvents(filter: {action: \"createSignInLink\"}) { nodes { actor { subject } subjectType detail } } }")
        .await;
    let created = &created["auditEvents"]["nodes"][0];
    assert_eq!(created["actor"]["subject"], "steward");
    assert_eq!(created["detail"]["reason"], "A new laptop");
    app.assert_no_violations().await;
}

async fn sign_in_link_ends_after_its_lifetime(database: Database) {
    let (app, clock) = start(database).await;
    let steward = app.steward().await;
    let code = create_code(&steward, "steward").await;
    clock.advance_seconds(SIGN_IN_LINK_LIFETIME.num_seconds() - 1);
    assert!(
        find_sign_in_link(&app.app.db, &code, clock.now())
            .await
            .unwrap()
            .is_some()
    );
    clock.advance_seconds(1);
    assert!(
        find_sign_in_link(&app.app.db, &code, clock.now())
            .await
            .unwrap()
            .is_none()
    );
    assert!(redeem(&app, &code).await.is_none());
    for wrong in ["", "wayin_sign_in_", &code[1..], &format!("{code}A")] {
        assert!(redeem(&app, wrong).await.is_none(), "{wrong}");
    }
}

async fn concurrent_uses_of_a_link_give_one_session(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let code = create_code(&steward, "steward").await;
    let tries = (0..8).map(|_| redeem(&app, &code));
    let created = futures_util::future::join_all(tries).await;
    assert_eq!(created.iter().flatten().count(), 1);
    assert_eq!(
        browser_session::Entity::find().count(&app.app.db).await.unwrap(),
        1
    );
}

/// Waits until the last use of the only session is stored.
async fn wait_for_last_use(app: &TestApp, at: DateTime<Utc>) {
    let since = Instant::now();
    loop {
        let row = browser_session::Entity::find()
            .one(&app.app.db)
            .await
            .unwrap()
            .unwrap();
        if row.last_used_at == at {
            return;
        }
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "the last use is stored"
        );
        sleep(Duration::from_millis(10)).await;
    }
}

async fn session_ends_when_nobody_uses_it(database: Database) {
    let (app, clock) = start(database).await;
    let steward = app.steward().await;
    let session = sign_in(&app, &steward, "steward").await;
    let begun = clock.now();
    let idle = SESSION_IDLE_LIFETIME.num_seconds();
    // A use within a minute is not stored.
    clock.advance_seconds(59);
    assert!(find(&app, &session).await.is_some());
    sleep(Duration::from_millis(200)).await;
    wait_for_last_use(&app, begun).await;
    clock.advance_seconds(idle - 60);
    assert!(find(&app, &session).await.is_some());
    wait_for_last_use(&app, clock.now()).await;
    clock.advance_seconds(idle - 1);
    assert!(find(&app, &session).await.is_some(), "each use extends it");
    wait_for_last_use(&app, clock.now()).await;
    clock.advance_seconds(idle);
    assert!(find(&app, &session).await.is_none(), "nobody used it");
    // It ends after its lifetime, however often it is used.
    let session = sign_in(&app, &steward, "steward").await;
    let use_now = async || {
        browser_session::Entity::update_many()
            .col_expr(browser_session::Column::LastUsedAt, Expr::value(clock.now()))
            .exec(&app.app.db)
            .await
            .unwrap();
    };
    clock.advance_seconds(SESSION_LIFETIME.num_seconds() - 1);
    use_now().await;
    assert!(find(&app, &session).await.is_some());
    clock.advance_seconds(1);
    use_now().await;
    assert!(find(&app, &session).await.is_none());
}

async fn session_ends_with_its_member(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    app.create_member("ada", Role::Dashboard, None).await;
    let (one, other) = (
        sign_in(&app, &steward, "ada").await,
        sign_in(&app, &steward, "steward").await,
    );
    let unused = create_code(&steward, "ada").await;
    let ada = find_member_id(&steward, "ada").await;
    let revoked = mutate(
        &steward,
        "revokeMember",
        "RevokeMemberInput",
        "member { id }",
        json!({"id": ada}),
    )
    .await;
    assert_eq!(revoked["problems"], json!([]));
    assert!(find(&app, &one).await.is_none(), "at once");
    assert!(redeem(&app, &unused).await.is_none());
    assert!(find(&app, &other).await.is_some(), "other members stay signed in");
    // A member who becomes active again signs in again.
    app.create_member("ada", Role::Dashboard, None).await;
    assert!(find(&app, &one).await.is_none());
    assert!(redeem(&app, &unused).await.is_none());
    assert!(find(&app, &sign_in(&app, &steward, "ada").await).await.is_some());
}

async fn session_follows_the_present_role_of_its_member(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    app.create_member("ada", Role::Dashboard, None).await;
    let session = sign_in(&app, &steward, "ada").await;
    app.create_member("ada", Role::Funder, Some(ORGANISATION)).await;
    let found = find(&app, &session).await.unwrap();
    assert_eq!(found.member.role, Role::Funder);
    assert!(found.member.organisation.is_some());
}

async fn invitation_is_accepted_once(database: Database) {
    let (app, clock) = start(database).await;
    let steward = app.steward().await;
    app.create_member("partner", Role::Partner, Some(ORGANISATION))
        .await;
    let organisations = steward.query("{ organisations { nodes { id } } }").await;
    let organisation = &organisations["organisations"]["nodes"][0]["id"];
    let input = json!({"role": "PARTNER", "organisation": organisation, "name": " Ada Lovelace ", "days": 3});
    let invited = invite(&steward, input).await;
    assert_eq!(invited["problems"], json!([]), "{invited}");
    let invitation = &invited["invitation"];
    assert_eq!(invitation["name"], "Ada Lovelace");
    assert_eq!(invitation["createdBy"]["subject"], "steward");
    assert_eq!(invitation["acceptedAt"], Value::Null);
    let until: DateTime<Utc> = invitation["expiresAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(until, clock.now() + TimeDelta::days(3));
    let code = read_code(&invited["url"], INVITATION_PATH);
    let offer = find_invitation(&app.app.db, &code, clock.now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (offer.name.as_str(), offer.role, offer.organisation.as_deref()),
        ("Ada Lovelace", Role::Partner, Some(ORGANISATION))
    );
    let session = accept(&app, &code).await.expect("it can be accepted");
    assert_eq!(session.session.name, "Ada Lovelace");
    assert_eq!(session.session.member.role, Role::Partner);
    assert!(session.session.member.organisation.is_some());
    assert!(session.session.member.subject.starts_with("invited-"));
    assert!(accept(&app, &code).await.is_none(), "once");
    assert!(
        find_invitation(&app.app.db, &code, clock.now())
            .await
            .unwrap()
            .is_none()
    );
    let listed = steward
        .query("{ invitations { totalCount nodes { name role acceptedAt revokedAt member { id issuer role organisation { id } } } } }")
        .await;
    let listed = &listed["invitations"];
    assert_eq!(listed["totalCount"], 1);
    let node = &listed["nodes"][0];
    assert_ne!(node["acceptedAt"], Value::Null);
    assert_eq!(node["member"]["issuer"], ISSUER);
    assert_eq!(node["member"]["role"], "PARTNER");
    assert_eq!(&node["member"]["organisation"]["id"], organisation);
    // The member can sign in again, under the same name.
    let created = create_sign_in_link(&steward, node["member"]["id"].clone()).await;
    let again = redeem(&app, &read_code(&created["url"], SIGN_IN_PATH))
        .await
        .unwrap();
    assert_eq!(again.session.name, "Ada Lovelace");
    assert_eq!(again.session.member.id, session.session.member.id);
    let events = steward
        .query(
            "{ auditEvents(filter: {action: \"acceptInvitation\"}) { nodes { actor { id } subjectId versionAfter detail } } }",
        )
        .await;
    let event = &events["auditEvents"]["nodes"][0];
    assert_eq!(event["actor"]["id"], node["member"]["id"]);
    assert_eq!(event["subjectId"], node["member"]["id"]);
    assert_eq!(event["versionAfter"], 1);
    assert_eq!(event["detail"]["invitation"], invitation["id"]);
    let refused = revoke_invitation(&steward, &invitation["id"], None).await;
    assert_eq!(codes(&refused), [("WRONG_STATE", "id")]);
    // The name of a person can be redacted.
    redact(&steward, "Ada Lovelace", "They asked").await;
    assert_eq!(find(&app, &again).await.unwrap().name, "[redacted]");
    app.assert_no_violations().await;
}

async fn concurrent_acceptances_add_one_member(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let (_, code) = invite_steward(&steward).await;
    let tries = (0..8).map(|_| accept(&app, &code));
    let accepted = futures_util::future::join_all(tries).await;
    assert_eq!(accepted.iter().flatten().count(), 1);
    let members = steward.query("{ members { totalCount } }").await;
    assert_eq!(members["members"]["totalCount"], 2);
}

async fn invitation_links_the_identity_of_another_issuer(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let (_, code) = invite_steward(&steward).await;
    let subject = TokenSubject {
        issuer: "https://id.example.org".into(),
        subject: "1234".into(),
    };
    let identity = AcceptingIdentity::Subject(subject);
    let session = accept_invitation(app.app.mutation_context(), &code, identity.clone(), None).await;
    let session = session.unwrap().expect("it can be accepted");
    assert_eq!(session.session.member.subject, "1234");
    // The same person accepts another invitation, and is the same member with another role.
    let invited = invite(&steward, json!({"role": "DASHBOARD", "name": "Grace's screen"})).await;
    let code = read_code(&invited["url"], INVITATION_PATH);
    let again = accept_invitation(
        app.app.mutation_context(),
        &code,
        identity,
        Some(session.session.id),
    )
    .await;
    let again = again.unwrap().expect("it can be accepted");
    assert_eq!(again.session.member.id, session.session.member.id);
    assert_eq!(again.session.member.role, Role::Dashboard);
    assert_eq!(again.session.name, "Grace's screen");
    // Stewards find the member by either name and by the subject, and see the latest name.
    for (text, found) in [
        ("grace", 1),
        ("SCREEN", 1),
        ("123", 1),
        ("stew", 1),
        ("Grace_s", 0),
        ("%", 0),
    ] {
        let query = "query($text: String) { members(filter: {search: $text}) { nodes { subject name } } }";
        let listed = steward.execute_with(query, json!({ "text": text })).await;
        let nodes = listed["data"]["members"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), found, "{text}: {listed}");
        let name = match text {
            "stew" => Value::Null,
            _ => "Grace's screen".into(),
        };
        assert!(nodes.iter().all(|member| member["name"] == name), "{listed}");
    }
    assert!(
        find(&app, &session).await.is_none(),
        "the earlier session has ended"
    );
    app.assert_no_violations().await;
}

async fn invitation_does_not_demote_the_last_steward(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let invited = invite(&steward, json!({"role": "DASHBOARD", "name": "Grace"})).await;
    let code = read_code(&invited["url"], INVITATION_PATH);
    let identity = AcceptingIdentity::Subject(TokenSubject {
        issuer: ISSUER.into(),
        subject: "steward".into(),
    });
    let refused = accept_invitation(app.app.mutation_context(), &code, identity, None).await;
    let Err(refused) = refused else {
        panic!("the last steward keeps the role");
    };
    assert!(refused.to_string().contains("is the last steward"), "{refused}");
    assert!(accept(&app, &code).await.is_some(), "somebody else can accept it");
}

async fn revoked_and_ended_invitations_are_refused(database: Database) {
    let (app, clock) = start(database).await;
    let steward = app.steward().await;
    let (id, code) = invite_steward(&steward).await;
    let (_, later) = invite_steward(&steward).await;
    let revoked = revoke_invitation(&steward, &id, Some("1")).await;
    assert_ne!(revoked["invitation"]["revokedAt"], Value::Null, "{revoked}");
    assert_eq!(revoke_invitation(&steward, &id, Some("1")).await, revoked);
    let again = revoke_invitation(&steward, &id, None).await;
    assert_eq!(codes(&again), [("WRONG_STATE", "id")]);
    assert!(
        find_invitation(&app.app.db, &code, clock.now())
            .await
            .unwrap()
            .is_none()
    );
    assert!(accept(&app, &code).await.is_none());
    clock.advance_seconds(TimeDelta::days(7).num_seconds());
    assert!(
        find_invitation(&app.app.db, &later, clock.now())
            .await
            .unwrap()
            .is_none()
    );
    assert!(accept(&app, &later).await.is_none());
    assert_eq!(
        steward.query("{ members { totalCount } }").await["members"]["totalCount"],
        1
    );
}

async fn wrong_invitations_and_links_are_refused(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    for (input, problem) in [
        (
            json!({"role": "FUNDER", "name": "Ada"}),
            ("REQUIRED", "organisation"),
        ),
        (json!({"role": "STEWARD", "name": " "}), ("REQUIRED", "name")),
        (
            json!({"role": "STEWARD", "name": "Ada", "days": 0}),
            ("OUT_OF_RANGE", "days"),
        ),
        (
            json!({"role": "STEWARD", "name": "Ada", "days": 31}),
            ("OUT_OF_RANGE", "days"),
        ),
    ] {
        let refused = invite(&steward, input).await;
        assert_eq!(codes(&refused), [problem]);
        assert_eq!(
            (&refused["url"], &refused["invitation"]),
            (&Value::Null, &Value::Null)
        );
    }
    let member = find_member_id(&steward, "dashboard").await;
    mutate(
        &steward,
        "revokeMember",
        "RevokeMemberInput",
        "member { id }",
        json!({"id": member}),
    )
    .await;
    let refused = create_sign_in_link(&steward, member).await;
    assert_eq!(codes(&refused), [("WRONG_STATE", "member")]);
    assert_eq!(refused["url"], Value::Null);
    app.create_member("dashboard", Role::Dashboard, None).await;
    for query in [
        "{ invitations { totalCount } }",
        "mutation { inviteMember(input: {role: STEWARD, name: \"Me\"}) { url } }",
        "mutation { createSignInLink(input: {member: \"x\"}) { url } }",
        "mutation { revokeInvitation(input: {id: \"x\"}) { invitation { id } } }",
    ] {
        assert_eq!(dashboard.query_error(query).await.1, "FORBIDDEN", "{query}");
    }
}

async fn link_is_created_once_under_a_key(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let member = find_member_id(&steward, "steward").await;
    for (field, kind, input) in [
        (
            "inviteMember",
            "InviteMemberInput",
            json!({"role": "STEWARD", "name": "Grace", "idempotencyKey": "invitation"}),
        ),
        (
            "createSignInLink",
            "CreateSignInLinkInput",
            json!({"member": member, "idempotencyKey": "link"}),
        ),
    ] {
        let created = mutate(&steward, field, kind, "url", input.clone()).await;
        assert_eq!(created["problems"], json!([]), "{created}");
        assert_ne!(created["url"], Value::Null);
        let again = mutate(&steward, field, kind, "url", input).await;
        assert_eq!(
            codes(&again),
            [("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")],
            "{field}"
        );
        assert_eq!(again["url"], Value::Null, "{field}");
        let events = format!("{{ auditEvents(filter: {{action: \"{field}\"}}) {{ nodes {{ id }} }} }}");
        let events = steward.query(&events).await;
        assert_eq!(
            events["auditEvents"]["nodes"].as_array().map(Vec::len),
            Some(1),
            "{field}"
        );
    }
    app.assert_no_violations().await;
}

fn with_cookie(mut request: Request<Body>, secret: &str) -> Request<Body> {
    let cookies = format!("wayin-session={secret}; __Host-wayin-session={secret}");
    request
        .headers_mut()
        .insert(header::COOKIE, cookies.parse().unwrap());
    request
}

async fn session_authenticates_no_api(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let session = sign_in(&app, &steward, "steward").await;
    assert!(find(&app, &session).await.is_some());
    let post = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({"query": "{ viewer { subject } }"}).to_string()))
        .unwrap();
    let bearer = format!("Bearer {}", session.secret);
    for request in [
        with_cookie(post, &session.secret),
        with_cookie(
            get("/graphql?query=%7Bviewer%7Bsubject%7D%7D", None),
            &session.secret,
        ),
        get("/graphql?query=%7Bviewer%7Bsubject%7D%7D", Some(&bearer)),
    ] {
        let (_, _, body) = send(&app.app, request).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{body}"
        );
    }
    for path in [
        "/export/distribution.csv?of=REGION",
        "/imports/x/corrections.xlsx",
        "/submissions/corrections.xlsx",
    ] {
        let file = with_cookie(get(path, None), &session.secret);
        assert_eq!(send(&app.app, file).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    let listening = TestServer::start(&app).await;
    let cookies = format!("wayin-session={0}; __Host-wayin-session={0}", session.secret);
    let mut socket = listening.connect_with_cookies(&cookies).await;
    socket.subscribe("1", "{ viewer { subject } }").await;
    let answer = socket.receive().await;
    assert_eq!(
        answer["payload"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{answer}"
    );
}

async fn secrets_are_not_stored(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let code = create_code(&steward, "steward").await;
    let (_, invitation) = invite_steward(&steward).await;
    let signed_in = redeem(&app, &code).await.unwrap();
    let accepted = accept(&app, &invitation).await.unwrap();
    let all = read_all_text(&app).await;
    assert!(all.contains("Grace"), "the name is kept");
    for secret in [
        &code,
        &invitation,
        &signed_in.secret,
        &accepted.secret,
        &signed_in.session.csrf_token,
        &accepted.session.csrf_token,
    ] {
        let random = ["wayin_sign_in_", "wayin_invitation_", "wayin_session_"]
            .iter()
            .find_map(|prefix| secret.strip_prefix(prefix));
        assert!(!all.contains(random.unwrap_or(secret)), "{secret}");
    }
}

async fn what_has_ended_is_deleted(database: Database) {
    let (app, clock) = start(database).await;
    let steward = app.steward().await;
    let sweep = async || {
        let swept = delete_expired(&app.app.db, &SystemClock, &ExpiryPolicy::default(), clock.now())
            .await
            .unwrap();
        (swept.browser_sessions, swept.sign_in_links)
    };
    let (first, second) = (
        sign_in(&app, &steward, "steward").await,
        sign_in(&app, &steward, "steward").await,
    );
    assert_eq!(sweep().await, (0, 0));
    end_session(&app.app.db, &*app.app.clock, first.session.id)
        .await
        .unwrap();
    assert_eq!(sweep().await, (1, 0));
    clock.advance_seconds(SIGN_IN_LINK_LIFETIME.num_seconds());
    assert_eq!(sweep().await, (0, 2));
    assert!(find(&app, &second).await.is_some());
    clock.advance_seconds(SESSION_LIFETIME.num_seconds());
    assert_eq!(sweep().await, (1, 0));
}

async fn addresses_are_absolute_with_a_public_url(database: Database) {
    let url = PublicUrl::parse("https://wayin.example.org").unwrap();
    let app = TestApp::start_with(database, |app| app.with_public_url(Some(url))).await;
    let steward = app.steward().await;
    let created = create_sign_in_link(&steward, find_member_id(&steward, "steward").await).await;
    let invited = invite(&steward, json!({"role": "STEWARD", "name": "Grace"})).await;
    for (payload, path) in [
        (&created, "https://wayin.example.org/sign-in/wayin_sign_in_"),
        (&invited, "https://wayin.example.org/invitation/wayin_invitation_"),
    ] {
        assert!(payload["url"].as_str().unwrap().starts_with(path), "{payload}");
    }
}

/// Sends a form from a page of the service, which is at `wayin.example.org`.
fn form(path: &str, fields: &'static str, cookie: Option<&str>) -> Request<Body> {
    let mut request = Request::post(path)
        .header(header::HOST, "wayin.example.org")
        .header(header::ORIGIN, "http://wayin.example.org")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    request.body(Body::from(fields)).unwrap()
}

/// The cookie that a response sets, as the browser sends it, and the address of the redirect.
fn read_redirect(headers: &HeaderMap) -> (String, &str) {
    let set = headers[header::SET_COOKIE].to_str().unwrap();
    let cookie = set.split(';').next().unwrap().to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
    (cookie, headers[header::LOCATION].to_str().unwrap())
}

async fn open(app: &TestApp, path: &str, cookie: Option<&str>) -> (StatusCode, String) {
    let mut request = get(path, None);
    if let Some(cookie) = cookie {
        request
            .headers_mut()
            .insert(header::COOKIE, cookie.parse().unwrap());
    }
    let (status, _, body) = send(&app.app, request).await;
    (status, String::from_utf8(body).unwrap())
}

async fn pages_sign_a_browser_in_and_out(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    app.create_member("ada", Role::Funder, Some(ORGANISATION)).await;
    let path = format!("{SIGN_IN_PATH}{}", create_code(&steward, "ada").await);
    let (status, page) = open(&app, &path, None).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(
        page.contains(&format!("You will sign in as ada, a funder at {ORGANISATION}")),
        "{page}"
    );
    // A page of another origin cannot send the form.
    let mut foreign = form(&path, "", None);
    foreign
        .headers_mut()
        .insert(header::ORIGIN, "https://evil.example".parse().unwrap());
    assert_eq!(send(&app.app, foreign).await.0, StatusCode::FORBIDDEN);
    let (status, headers, _) = send(&app.app, form(&path, "next=%2F%2Fevil.example", None)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (first, next) = read_redirect(&headers);
    assert_eq!(next, "/portfolio");
    for request in [get(&path, None), form(&path, "", None)] {
        let (status, _, body) = send(&app.app, request).await;
        let body = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::GONE, "{body}");
        assert!(body.contains("Ask a steward for another link"), "{body}");
    }
    // Signing in again rotates the session.
    let path = format!("{SIGN_IN_PATH}{}", create_code(&steward, "ada").await);
    let (_, headers, _) = send(&app.app, form(&path, "next=%2Fwords", Some(&first))).await;
    let (second, next) = read_redirect(&headers);
    assert_eq!(next, "/words");
    assert_ne!(first, second);
    let is_signed_in = async |cookie: &str| open(&app, "/sign-in", Some(cookie)).await.1.contains("Sign out");
    assert!(!is_signed_in(&first).await);
    assert!(is_signed_in(&second).await);
    // Signing out needs the token of the session.
    let (status, ..) = send(&app.app, form("/sign-out", "csrf=wrong", Some(&second))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let secret = second.split_once('=').unwrap().1;
    let session = find_session(&app.app.db, secret, app.app.clock.now())
        .await
        .unwrap();
    let fields = format!("csrf={}", session.unwrap().csrf_token);
    let request = form("/sign-out", "", Some(&second)).map(|_| Body::from(fields));
    let (status, headers, _) = send(&app.app, request).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (cookie, address) = read_redirect(&headers);
    assert_eq!(
        (cookie.as_str(), address),
        ("wayin-session=", "/sign-in?done=signed-out")
    );
    let (_, page) = open(&app, address, None).await;
    assert!(page.contains("You have signed out."), "{page}");
    let (_, page) = open(&app, "/sign-in", None).await;
    assert!(!page.contains("You have signed out."), "{page}");
    assert!(!is_signed_in(&second).await);
}

async fn pages_accept_an_invitation(database: Database) {
    let (app, _) = start(database).await;
    let steward = app.steward().await;
    let (_, code) = invite_steward(&steward).await;
    let path = format!("{INVITATION_PATH}{code}");
    // The visitor pastes the link.
    let pasted = format!("link=http%3A%2F%2Fwayin.example.org%2Finvitation%2F{code}");
    let request = form("/sign-in", "", None).map(|_| Body::from(pasted));
    let (status, headers, _) = send(&app.app, request).await;
    assert_eq!(
        (status, headers[header::LOCATION].to_str().unwrap()),
        (StatusCode::SEE_OTHER, path.as_str())
    );
    let (status, page) = open(&app, &path, None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("Grace, you are invited to Wayin as a steward"),
        "{page}"
    );
    let (status, headers, _) = send(&app.app, form(&path, "", None)).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(read_redirect(&headers).1, "/review");
    assert_eq!(open(&app, &path, None).await.0, StatusCode::GONE);
    let (status, _, body) = send(&app.app, form("/sign-in", "link=nothing", None)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(String::from_utf8(body).unwrap().contains("Enter the whole link"));
}

async fn member_who_asked_too_much_can_sign_out(database: Database) {
    let unlimited = unlimited_cost_settings();
    let costs = CostSettings {
        rates: RateLimits {
            token: RateLimit {
                capacity: 3_000,
                per_minute: 60,
            },
            ..unlimited.rates
        },
        ..unlimited
    };
    let app = TestApp::with_costs(database, costs, ManualClock::new()).await;
    app.steward().await;
    let browser = Browser::sign_in(&app, "steward").await;
    let mut page = browser.open("/review").await;
    for _ in 0..100 {
        if page.status != StatusCode::OK {
            break;
        }
        page = browser.open("/review").await;
    }
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.text);
    let seconds = page.headers[header::RETRY_AFTER].to_str().unwrap();
    assert!(
        page.text.contains(&format!("Try again in {seconds} second")),
        "{}",
        page.text
    );
    assert!(page.text.contains("Sign out"), "{}", page.text);
    // A page that asks nothing is shown, without the counts of what waits.
    assert!(browser.open_ok("/sign-in").await.contains("You are signed in as"));
    let left = browser.post("/sign-out", &[]).await;
    assert_eq!(left.location(), "/sign-in?done=signed-out");
    assert!(!browser.open_ok("/sign-in").await.contains("Sign out"));
}
