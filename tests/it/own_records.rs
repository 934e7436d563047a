//! Partners withdraw their own records, and narrow who may read them, without review. Stewards get a notice.

use serde_json::{Value, json};
use wayin::id::NodeKind;
use wayin_entity::Role;

use crate::support::app::{Client, PARTNER_ORGANISATION, TestApp};
use crate::support::builders::full_record;
use crate::support::grants::{grant, package, try_grants};
use crate::support::places::start_with_places;
use crate::support::redaction::{read_all_text, redact};
use crate::support::submissions::{
    draft_record, list_problems, mutate, mutate_ok, publish_draft, save_draft, save_organisation,
    to_owned_pairs,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    partner_withdraws_its_own_record,
    partner_narrows_who_may_read_its_own_record,
    sharing_with_funders_can_be_ended,
    readers_can_only_be_taken_away,
    records_of_others_cannot_be_withdrawn_or_narrowed,
    records_made_from_grants_need_a_steward,
    repeated_changes_are_made_once,
    stewards_acknowledge_notices,
    text_of_a_notice_is_redacted,
];

/// Runs `withdrawInitiative` or `narrowVisibility`; returns its payload.
async fn send_change(client: &Client<'_>, name: &str, input: Value) -> Value {
    let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let conflicts = match name {
        "narrowVisibility" => "conflicts { path before after }",
        _ => "",
    };
    let query = format!(
        "mutation($input: {input_type}!) {{ {name}(input: $input) {{
           revision {{ version reason changes {{ path before after }} }} changeNumber {conflicts}
           problems {{ code path message }} }} }}"
    );
    let mut response = client.execute_with(&query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{name} {input}: {response}");
    response["data"][name].take()
}

/// Runs a change that must succeed; returns its payload.
async fn send_change_ok(client: &Client<'_>, name: &str, input: Value) -> Value {
    let payload = send_change(client, name, input.clone()).await;
    assert_eq!(payload["problems"], json!([]), "{name} {input}: {payload}");
    payload
}

/// Runs a change that must be refused with one problem.
async fn assert_refused(client: &Client<'_>, name: &str, input: Value, problem: (&str, &str)) -> Value {
    let payload = send_change(client, name, input.clone()).await;
    assert_eq!(
        list_problems(&payload["problems"]),
        to_owned_pairs(&[problem]),
        "{name} {input}: {payload}"
    );
    assert_eq!(payload["revision"], Value::Null, "{name} {input}: {payload}");
    payload
}

/// Whether a client can read the only record, by its id and in the list.
async fn can_read(client: &Client<'_>, initiative: &Value) -> bool {
    let query = format!("{{ initiative(id: {initiative}) {{ title }} initiatives {{ totalCount }} }}");
    let answer = client.query(&query).await;
    let is_found = !answer["initiative"].is_null();
    assert_eq!(
        answer["initiatives"]["totalCount"],
        i32::from(is_found),
        "{answer}"
    );
    is_found
}

/// The number of records that a client can read, as a pattern counts them.
async fn count_visible(client: &Client<'_>, min_change_number: &Value) -> Value {
    let query = format!(
        "{{ pattern(when: {{}}, then: {{}}, scope: VISIBLE, minChangeNumber: {min_change_number}) {{
             table {{ population }} }} }}"
    );
    client.query(&query).await["pattern"]["table"]["population"].take()
}

/// The open notices, latest first.
async fn list_open_notices(steward: &Client<'_>) -> Vec<Value> {
    let query = "{ notices(filter: {acknowledged: false}) { totalCount nodes { id acknowledgedAt acknowledgedBy { id }
        event { id action actor { subject } subjectType subjectId versionBefore versionAfter detail } } } }";
    let mut answer = steward.query(query).await;
    let Value::Array(nodes) = answer["notices"]["nodes"].take() else {
        panic!("notices are listed: {answer}");
    };
    assert_eq!(answer["notices"]["totalCount"], nodes.len());
    nodes
}

/// Publishes the record `a` of the partner; returns its id.
async fn publish_own_record(app: &TestApp, partner: &Client<'_>) -> Value {
    let (mut published, _) = publish_draft(app, partner, draft_record("a")).await;
    published["initiative"]["id"].take()
}

async fn partner_withdraws_its_own_record(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let stranger = app
        .create_member("stranger", Role::Partner, Some("GB-CHC-501"))
        .await;
    let id = publish_own_record(&app, &partner).await;
    // A correction waits for a steward.
    let mut corrected = draft_record("a");
    corrected["summary"] = "What it does".into();
    let correction = save_draft(&partner, corrected).await;
    mutate_ok(&partner, "submitForReview", json!({"id": correction})).await;

    assert_refused(
        &partner,
        "withdrawInitiative",
        json!({"id": id, "reason": " "}),
        ("REQUIRED", "reason"),
    )
    .await;
    assert!(can_read(&stranger, &id).await);
    let input = json!({"id": id, "reason": "Our board no longer agrees"});
    let withdrawn = send_change_ok(&partner, "withdrawInitiative", input.clone()).await;
    assert_eq!(
        withdrawn["revision"],
        json!({"version": 2, "reason": "Our board no longer agrees", "changes": []})
    );
    for client in [&partner, &stranger, &steward] {
        assert!(!can_read(client, &id).await);
        assert_eq!(count_visible(client, &withdrawn["changeNumber"]).await, 0);
    }
    assert_refused(&partner, "withdrawInitiative", input, ("NOT_FOUND", "id")).await;
    // The history stays, for the partner too.
    let history = format!("{{ revisions(id: {id}) {{ totalCount }} }}");
    assert_eq!(partner.query(&history).await["revisions"]["totalCount"], 2);

    let notices = list_open_notices(&steward).await;
    assert_eq!(notices.len(), 1, "{notices:?}");
    let mut event = notices[0]["event"].clone();
    let event_id = event["id"].take();
    assert_eq!(
        event,
        json!({
            "id": null, "action": "withdrawInitiative", "actor": {"subject": "partner"}, "subjectType": "Initiative",
            "subjectId": id, "versionBefore": 1, "versionAfter": 2, "detail": {"reason": "Our board no longer agrees"},
        })
    );
    let events = format!("{{ auditEvents(filter: {{subject: {id}}}) {{ nodes {{ id }} }} }}");
    assert_eq!(
        steward.query(&events).await["auditEvents"]["nodes"],
        json!([{"id": event_id}]),
        "the notice names the event of the audit trail"
    );

    // The correction stays as it was, and a steward cannot publish it.
    let refused = mutate(&steward, "publishSubmission", json!({"id": correction})).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("STALE_VERSION", "id")])
    );
    let state = format!("{{ submission(id: \"{correction}\") {{ state }} }}");
    assert_eq!(partner.query(&state).await["submission"]["state"], "SUBMITTED");
    app.assert_no_violations().await;
    let (again, _) = publish_draft(&app, &partner, draft_record("a")).await;
    assert_eq!(
        (&again["initiative"]["id"], &again["initiative"]["version"]),
        (&id, &json!(3)),
        "submitted again, it is the same record"
    );
}

async fn partner_narrows_who_may_read_its_own_record(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let stranger = app
        .create_member("stranger", Role::Partner, Some("GB-CHC-501"))
        .await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let id = publish_own_record(&app, &partner).await;
    let mut corrected = draft_record("a");
    corrected["summary"] = "What it does".into();
    let correction = save_draft(&partner, corrected).await;
    mutate_ok(&partner, "submitForReview", json!({"id": correction})).await;
    assert!(can_read(&dashboard, &id).await);

    let narrowed = send_change_ok(
        &partner,
        "narrowVisibility",
        json!({"id": id, "version": 1, "visibility": "MEMBERS", "reason": "They asked us"}),
    )
    .await;
    let to_members = json!([{"path": ["visibility"], "before": "OPEN", "after": "MEMBERS"}]);
    assert_eq!(
        narrowed["revision"],
        json!({"version": 2, "reason": "They asked us", "changes": to_members})
    );
    assert!(!can_read(&dashboard, &id).await);
    assert_eq!(count_visible(&dashboard, &narrowed["changeNumber"]).await, 0);
    assert!(can_read(&stranger, &id).await);
    // A correction of the earlier version would let the readers in again.
    let refused = mutate(&steward, "publishSubmission", json!({"id": correction})).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("STALE_VERSION", "id")])
    );
    assert_eq!(refused["conflicts"], to_members);

    // The new version names the organisation as it is called now.
    let viewer = partner.query("{ viewer { organisation { id } } }").await;
    let renamed = json!({"id": viewer["viewer"]["organisation"]["id"], "name": "Quite Another"});
    let renamed = save_organisation(&steward, renamed).await;
    assert_eq!(renamed["problems"], json!([]));
    let input = json!({"id": id, "visibility": "AGGREGATE_ONLY"});
    let narrowed = send_change_ok(&partner, "narrowVisibility", input).await;
    assert_eq!(narrowed["revision"]["version"], 3);
    assert_eq!(narrowed["revision"]["reason"], "visibility narrowed");
    for client in [&dashboard, &stranger] {
        assert!(!can_read(client, &id).await);
        assert_eq!(count_visible(client, &narrowed["changeNumber"]).await, 0);
    }
    for client in [&partner, &steward] {
        assert!(can_read(client, &id).await);
        assert_eq!(count_visible(client, &narrowed["changeNumber"]).await, 1);
    }
    let details: Vec<Value> = list_open_notices(&steward)
        .await
        .into_iter()
        .map(|notice| {
            let detail = &notice["event"]["detail"];
            json!([detail["reason"], detail["visibility"]])
        })
        .collect();
    assert_eq!(
        details,
        [
            json!([null, {"before": "MEMBERS", "after": "AGGREGATE_ONLY"}]),
            json!(["They asked us", {"before": "OPEN", "after": "MEMBERS"}]),
        ]
    );
    app.assert_no_violations().await;
}

async fn sharing_with_funders_can_be_ended(database: Database) {
    let app = start_with_places(database).await;
    let record = full_record("a")
        .led_by(PARTNER_ORGANISATION)
        .funded_by(&["GB-CHC-900"])
        .with("visibility", "MEMBERS");
    app.publish(&[record.build()]).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let stranger = app
        .create_member("stranger", Role::Partner, Some("GB-CHC-501"))
        .await;
    let funder = app
        .create_member("funder", Role::Funder, Some("GB-CHC-900"))
        .await;
    let found = partner.query("{ initiatives { nodes { id } } }").await;
    let id = &found["initiatives"]["nodes"][0]["id"];
    let is_whole = async || {
        let query = format!("{{ initiative(id: {id}) {{ isFullyVisible }} }}");
        funder.query(&query).await["initiative"]["isFullyVisible"].take()
    };
    // Funders could read it as members before.
    let input = json!({"id": id, "visibility": "AGGREGATE_ONLY", "sharedWithFunders": true});
    send_change_ok(&partner, "narrowVisibility", input.clone()).await;
    assert_eq!(is_whole().await, true);
    assert!(!can_read(&stranger, id).await);
    assert_refused(&partner, "narrowVisibility", input, ("NOT_ALLOWED", "visibility")).await;
    let input = json!({"id": id, "sharedWithFunders": false});
    send_change_ok(&partner, "narrowVisibility", input).await;
    assert_eq!(is_whole().await, false, "a funder reads a part of what it funds");
    let input = json!({"id": id, "sharedWithFunders": true});
    assert_refused(
        &partner,
        "narrowVisibility",
        input,
        ("NOT_ALLOWED", "sharedWithFunders"),
    )
    .await;
    assert_eq!(list_open_notices(&steward).await.len(), 2);
    app.assert_no_violations().await;
}

async fn readers_can_only_be_taken_away(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let id = publish_own_record(&app, &partner).await;
    let input = json!({"id": id, "visibility": "MEMBERS"});
    send_change_ok(&partner, "narrowVisibility", input).await;
    for client in [&partner, &steward] {
        for (more, problem) in [
            (json!({"visibility": "OPEN"}), ("NOT_ALLOWED", "visibility")),
            (json!({"visibility": "MEMBERS"}), ("NOT_ALLOWED", "visibility")),
            (json!({}), ("NOT_ALLOWED", "visibility")),
            (
                json!({"sharedWithFunders": true}),
                ("NOT_ALLOWED", "sharedWithFunders"),
            ),
            (
                json!({"visibility": "AGGREGATE_ONLY", "reason": " "}),
                ("REQUIRED", "reason"),
            ),
            (
                json!({"visibility": "AGGREGATE_ONLY", "version": 3}),
                ("OUT_OF_RANGE", "version"),
            ),
        ] {
            let mut input = more;
            input["id"] = id.clone();
            let refused = assert_refused(client, "narrowVisibility", input, problem).await;
            let said = refused["problems"][0]["message"].as_str().unwrap();
            assert!(
                problem.0 != "NOT_ALLOWED" || said.contains("submit a correction"),
                "the message says what is needed instead: {said}"
            );
        }
        let stale = json!({"id": id, "visibility": "AGGREGATE_ONLY", "version": 1});
        let refused = assert_refused(client, "narrowVisibility", stale, ("STALE_VERSION", "version")).await;
        assert_eq!(
            refused["conflicts"],
            json!([{"path": ["visibility"], "before": "OPEN", "after": "MEMBERS"}])
        );
    }
    let standing = format!("{{ initiative(id: {id}) {{ version visibility }} }}");
    assert_eq!(
        partner.query(&standing).await["initiative"],
        json!({"version": 2, "visibility": "MEMBERS"})
    );
    // What a steward does is in the audit trail, without a notice.
    let input = json!({"id": id, "visibility": "AGGREGATE_ONLY"});
    send_change_ok(&steward, "narrowVisibility", input).await;
    assert_eq!(list_open_notices(&steward).await.len(), 1);
    let events = "{ auditEvents(filter: {action: \"narrowVisibility\"}) { nodes { actor { subject } } } }";
    assert_eq!(
        steward.query(events).await["auditEvents"]["nodes"],
        json!([{"actor": {"subject": "steward"}}, {"actor": {"subject": "partner"}}])
    );
}

async fn records_of_others_cannot_be_withdrawn_or_narrowed(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let of = |visibility: &str| {
        full_record(visibility)
            .led_by(PARTNER_ORGANISATION)
            .with("visibility", visibility)
            .funded_by(&["GB-CHC-900"])
            .build()
    };
    app.publish(&[of("OPEN"), of("MEMBERS"), of("AGGREGATE_ONLY")])
        .await;
    let stranger = app
        .create_member("stranger", Role::Partner, Some("GB-CHC-501"))
        .await;
    let funder = app
        .create_member("funder", Role::Funder, Some("GB-CHC-900"))
        .await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let found = steward.query("{ initiatives { nodes { id } } }").await;
    let ids = found["initiatives"]["nodes"].as_array().unwrap();
    let missing = json!({"id": NodeKind::Initiative.encode_id(uuid::Uuid::nil())});
    let mut answers = Vec::new();
    for node in ids.iter().chain([&missing]) {
        let id = &node["id"];
        for (name, input) in [
            ("withdrawInitiative", json!({"id": id, "reason": "It is wrong"})),
            (
                "narrowVisibility",
                json!({"id": id, "visibility": "AGGREGATE_ONLY"}),
            ),
        ] {
            let refused = assert_refused(&stranger, name, input, ("NOT_FOUND", "id")).await;
            answers.push(refused["problems"].clone());
        }
        for client in [&funder, &dashboard] {
            for mutation in [
                format!(
                    "withdrawInitiative(input: {{id: {id}, reason: \"It is wrong\"}}) {{ changeNumber }}"
                ),
                format!(
                    "narrowVisibility(input: {{id: {id}, visibility: AGGREGATE_ONLY}}) {{ changeNumber }}"
                ),
            ] {
                let (message, code) = client.query_error(&format!("mutation {{ {mutation} }}")).await;
                assert_eq!(code, "FORBIDDEN", "{mutation}: {message}");
                assert!(message.contains("for partners and stewards"), "{message}");
            }
        }
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "the answer does not show which records there are: {answers:?}"
    );
    let standing = steward.query("{ initiatives { nodes { version } } }").await;
    assert_eq!(
        standing["initiatives"]["nodes"],
        json!([{"version": 1}, {"version": 1}, {"version": 1}])
    );
    assert_eq!(list_open_notices(&steward).await, Vec::<Value>::new());
}

async fn records_made_from_grants_need_a_steward(database: Database) {
    let app = start_with_places(database).await;
    try_grants(&app, &package(&[grant("360G-a-1", &json!({}))])).await;
    let steward = app.steward().await;
    let recipient = app
        .create_member("recipient", Role::Partner, Some("GB-CHC-100"))
        .await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let found = steward.query("{ initiatives { nodes { id } } }").await;
    let id = &found["initiatives"]["nodes"][0]["id"];
    for (name, input) in [
        ("withdrawInitiative", json!({"id": id, "reason": "It is wrong"})),
        ("narrowVisibility", json!({"id": id, "visibility": "MEMBERS"})),
    ] {
        assert_refused(&recipient, name, input, ("NOT_ALLOWED", "id")).await;
    }
    let input = json!({"id": id, "visibility": "MEMBERS"});
    send_change_ok(&steward, "narrowVisibility", input).await;
    assert!(!can_read(&dashboard, id).await);
    // The next import of the grant updates its term, and leaves the visibility.
    let changed = grant("360G-a-1", &json!({"amountAwarded": 2000}));
    let (imported, _) = try_grants(&app, &package(&[changed])).await;
    assert_eq!(imported.refused, 0, "{imported:?}");
    let query = format!("{{ initiative(id: {id}) {{ visibility fundingTerms {{ amountMinor }} }} }}");
    assert_eq!(
        steward.query(&query).await["initiative"],
        json!({"visibility": "MEMBERS", "fundingTerms": [{"amountMinor": 200_000}]})
    );
    assert!(!can_read(&dashboard, id).await);
    app.assert_no_violations().await;
}

async fn repeated_changes_are_made_once(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let id = publish_own_record(&app, &partner).await;
    let narrow = json!({"id": id, "visibility": "MEMBERS", "idempotencyKey": "n"});
    let narrowed = send_change_ok(&partner, "narrowVisibility", narrow.clone()).await;
    assert_eq!(
        send_change(&partner, "narrowVisibility", narrow.clone()).await,
        narrowed
    );
    let withdraw = json!({"id": id, "reason": "It is wrong", "idempotencyKey": "w"});
    let withdrawn = send_change_ok(&partner, "withdrawInitiative", withdraw.clone()).await;
    assert_eq!(withdrawn["revision"]["version"], 3);
    assert_eq!(
        send_change(&partner, "withdrawInitiative", withdraw.clone()).await,
        withdrawn
    );
    assert_eq!(
        send_change(&partner, "narrowVisibility", narrow).await,
        narrowed,
        "also after the withdrawal"
    );
    let other = json!({"id": id, "reason": "Another reason", "idempotencyKey": "w"});
    assert_refused(
        &partner,
        "withdrawInitiative",
        other,
        ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey"),
    )
    .await;
    assert_eq!(list_open_notices(&steward).await.len(), 2, "one for each change");
    // A member who acts for another organisation gets no replay.
    app.create_member("partner", Role::Partner, Some("GB-CHC-501"))
        .await;
    assert_refused(&partner, "withdrawInitiative", withdraw, ("NOT_FOUND", "id")).await;
}

async fn stewards_acknowledge_notices(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let id = publish_own_record(&app, &partner).await;
    let input = json!({"id": id, "visibility": "MEMBERS"});
    send_change_ok(&partner, "narrowVisibility", input).await;
    send_change_ok(
        &partner,
        "withdrawInitiative",
        json!({"id": id, "reason": "It is wrong"}),
    )
    .await;
    let open = list_open_notices(&steward).await;
    let actions: Vec<&Value> = open.iter().map(|notice| &notice["event"]["action"]).collect();
    assert_eq!(
        actions,
        ["withdrawInitiative", "narrowVisibility"],
        "latest first"
    );
    let notice = &open[0]["id"];
    let acknowledge = |key: &str| {
        format!(
            "mutation {{ acknowledgeNotice(input: {{id: {notice}{key}}}) {{
               notice {{ id acknowledgedAt acknowledgedBy {{ subject }} }} problems {{ code path }} }} }}"
        )
    };
    let read_one = format!("{{ node(id: {notice}) {{ __typename id }} }}");
    for query in [acknowledge("").as_str(), "{ notices { totalCount } }"] {
        let (message, code) = partner.query_error(query).await;
        assert_eq!(code, "FORBIDDEN", "{message}");
    }
    assert_eq!(partner.query(&read_one).await["node"], Value::Null);
    assert_eq!(
        steward.query(&read_one).await["node"],
        json!({"__typename": "Notice", "id": notice})
    );

    let with_key = acknowledge(", idempotencyKey: \"k\"");
    let done = steward.query(&with_key).await;
    let acknowledged = &done["acknowledgeNotice"];
    assert_eq!(acknowledged["problems"], json!([]));
    assert_eq!(acknowledged["notice"]["acknowledgedBy"]["subject"], "steward");
    assert!(
        acknowledged["notice"]["acknowledgedAt"].is_string(),
        "{acknowledged}"
    );
    assert_eq!(
        steward.query(&with_key).await,
        done,
        "a repeat returns the first result"
    );
    let refused = steward.query(&acknowledge("")).await;
    assert_eq!(
        refused["acknowledgeNotice"],
        json!({"notice": null, "problems": [{"code": "WRONG_STATE", "path": ["id"]}]})
    );
    let still_open = list_open_notices(&steward).await;
    assert_eq!(still_open, [open[1].clone()]);
    let listed = steward
        .query("{ all: notices { totalCount } seen: notices(filter: {acknowledged: true}) { nodes { id } } }")
        .await;
    assert_eq!(
        listed,
        json!({"all": {"totalCount": 2}, "seen": {"nodes": [{"id": notice}]}})
    );
    let events = format!(
        "{{ auditEvents(filter: {{subject: {notice}}}) {{ nodes {{ action actor {{ subject }} subjectType detail }} }} }}"
    );
    assert_eq!(
        steward.query(&events).await["auditEvents"]["nodes"],
        json!([{
            "action": "acknowledgeNotice", "actor": {"subject": "steward"}, "subjectType": "Notice",
            "detail": {"event": open[0]["event"]["id"]},
        }])
    );
    app.assert_no_violations().await;
}

async fn text_of_a_notice_is_redacted(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let id = publish_own_record(&app, &partner).await;
    let narrow = json!({"id": id, "visibility": "MEMBERS", "reason": "Zelda asked", "idempotencyKey": "n"});
    send_change_ok(&partner, "narrowVisibility", narrow).await;
    let withdraw = json!({"id": id, "reason": "Zelda asked again", "idempotencyKey": "w"});
    send_change_ok(&partner, "withdrawInitiative", withdraw).await;
    let redacted = redact(&steward, "Zelda", "They asked").await;
    assert_eq!(redacted["problems"], json!([]));
    let reasons: Vec<Value> = list_open_notices(&steward)
        .await
        .into_iter()
        .map(|notice| notice["event"]["detail"]["reason"].clone())
        .collect();
    assert_eq!(reasons, ["[redacted] asked again", "[redacted] asked"]);
    assert!(!read_all_text(&app).await.contains("Zelda"));
    app.assert_no_violations().await;
}
