//! Partners submit records, stewards review them, and no input is lost.

use serde_json::{Value, json};
use wayin_entity::Role;

use crate::support::app::Client;
use crate::support::app::PARTNER_ORGANISATION;
use crate::support::builders::record as standing;
use crate::support::places::start_with_places;
use crate::support::submissions::{
    allow_auto_publish_as_steward, draft_record, list_problems, mutate, mutate_ok, publish_draft, save_draft,
    save_organisation, to_owned_pairs,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    draft_stores_input_unchanged_and_lists_all_problems,
    record_is_submitted_corrected_and_published,
    second_correction_of_one_version_gets_the_conflicts,
    unchanged_data_gives_no_changes,
    concurrent_draft_save_is_a_conflict,
    decision_on_another_version_is_refused,
    roles_limit_actions_and_visibility,
    trusted_organisation_publishes_by_submitting,
    stewards_save_organisations,
    concurrent_publications_succeed_once,
    withdrawn_record_keeps_its_revisions,
    personal_data_blocks_submission_but_not_drafts,
    unknown_names_get_suggestions,
];

async fn draft_stores_input_unchanged_and_lists_all_problems(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let typed = json!({
        "title": "  Two  spaces ",
        "colour": "red",
        "startedOn": "31/01/2020",
        "endedOn": "2019-01-01",
        "place": {"code": "E99"},
        "entryPoints": [7, {"entryPoint": "LUCK", "perspective": "FUNDER"}],
        "challengesFaced": [
            {"challenge": "DEFINING_AMBITIONS"}, {"challenge": "DEFINING_AMBITIONS", "step": "TAKEN"},
        ],
        "fundingTerms": [
            "some money",
            {"funder": {"name": "A funder"}, "amountMinor": -1, "startsOn": "2020-01-01", "endsOn": "2019-01-01"},
        ],
        "source": {"kind": "SELF_REPORT", "title": "Our return"},
        "sharing": {"basis": "ring 020 7946 0018"},
    });
    let submission = mutate_ok(&partner, "saveSubmission", json!({"record": typed})).await;
    assert_eq!(
        submission["record"], typed,
        "the record is stored as it was typed"
    );
    assert_eq!(submission["state"], "DRAFT");
    assert_eq!(submission["organisation"]["identifier"], PARTNER_ORGANISATION);
    let expected = to_owned_pairs(&[
        ("DUPLICATE", "challengesFaced/1/challenge"),
        ("INVALID_FORMAT", "colour"),
        ("INVALID_FORMAT", "entryPoints/0"),
        ("INVALID_FORMAT", "entryPoints/1/entryPoint"),
        ("REQUIRED", "externalRef"),
        ("INVALID_FORMAT", "fundingTerms/0"),
        ("OUT_OF_RANGE", "fundingTerms/1/amountMinor"),
        ("REQUIRED", "fundingTerms/1/currency"),
        ("OUT_OF_ORDER", "fundingTerms/1/endsOn"),
        ("NOT_FOUND", "fundingTerms/1/funder"),
        ("NOT_FOUND", "place"),
        ("PERSONAL_DATA", "sharing/basis"),
        ("REQUIRED", "sharing/licence"),
        ("INVALID_FORMAT", "startedOn"),
    ]);
    assert_eq!(list_problems(&submission["problems"]), expected, "{submission:#}");
    // Submitting returns the same problems, with paths inside the input, and changes nothing.
    let refused = mutate(&partner, "submitForReview", json!({"id": submission["id"]})).await;
    assert_eq!(refused["submission"], Value::Null);
    let within: Vec<(String, String)> = expected
        .into_iter()
        .map(|(code, path)| (code, format!("record/{path}")))
        .collect();
    assert_eq!(list_problems(&refused["problems"]), within);
    let found = partner
        .query(&format!(
            "{{ submission(id: {}) {{ state record submittedAt }} }}",
            submission["id"]
        ))
        .await;
    assert_eq!(
        found["submission"],
        json!({"state": "DRAFT", "record": typed, "submittedAt": null})
    );
    // An object with unusual values is saved too, although it is not a valid record.
    let odd =
        json!({"title": "a backslash, as in \\u0000, and “quotes” \"\\\"", "nested": [[{"deep": null}]]});
    let submission = mutate_ok(&partner, "saveSubmission", json!({"record": odd})).await;
    assert_eq!(submission["record"], odd);
    // A value that is not a record cannot be saved.
    for (nothing, code) in [
        (json!([]), "INVALID_FORMAT"),
        (json!({"title": "\u{0}"}), "INVALID_FORMAT"),
        (json!({"a\u{0}": 1}), "INVALID_FORMAT"),
        (json!({"title": "x".repeat(200_001)}), "TOO_LONG"),
    ] {
        let refused = mutate(&partner, "saveSubmission", json!({"record": nothing})).await;
        assert_eq!(
            list_problems(&refused["problems"]),
            to_owned_pairs(&[(code, "record")])
        );
    }
}

async fn query_skipped(client: &Client<'_>, min_change_number: i64) -> Value {
    let query = format!(
        "{{ pattern(when: {{}}, then: {{challenge: {{on: DEFINING_AMBITIONS, step: {{in: [SKIPPED]}}}}}},
             scope: VISIBLE, minChangeNumber: {min_change_number}) {{ table {{ both }} asOf {{ changeNumber }} }} }}"
    );
    client.query(&query).await["pattern"]["table"]["both"].clone()
}

async fn record_is_submitted_corrected_and_published(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let id = save_draft(&partner, draft_record("a")).await;
    let sent = mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
    assert_eq!(sent["state"], "SUBMITTED");
    assert_eq!(sent["problems"], json!([]));
    // A submission in review cannot be changed.
    let refused = mutate(
        &partner,
        "saveSubmission",
        json!({"id": id, "record": draft_record("b")}),
    )
    .await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("WRONG_STATE", "id")])
    );
    let refused = mutate(&steward, "requestChanges", json!({"id": id, "note": "  "})).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("REQUIRED", "note")])
    );
    let returned = mutate_ok(
        &steward,
        "requestChanges",
        json!({"id": id, "note": "Which school?"}),
    )
    .await;
    assert_eq!(
        (&returned["state"], &returned["reviewNote"]),
        (&json!("CHANGES_REQUESTED"), &json!("Which school?"))
    );
    assert_eq!(returned["record"], draft_record("a"), "nothing is lost");
    let refused = mutate(&steward, "publishSubmission", json!({"id": id})).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("WRONG_STATE", "id")])
    );
    let mut corrected = draft_record("a");
    corrected["summary"] = "The school".into();
    mutate_ok(&partner, "saveSubmission", json!({"id": id, "record": corrected})).await;
    let sent = mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
    assert_eq!(sent["reviewNote"], Value::Null);
    assert_eq!(query_skipped(&partner, 0).await, 0);
    let payload = mutate(
        &steward,
        "publishSubmission",
        json!({"id": id, "reason": "looked over"}),
    )
    .await;
    assert_eq!(payload["problems"], json!([]), "{payload}");
    assert_eq!(payload["submission"]["state"], "PUBLISHED");
    assert_eq!(payload["submission"]["initiative"]["title"], "Initiative a");
    app.catch_up().await;
    let change = payload["changeNumber"].as_i64().unwrap();
    assert_eq!(
        query_skipped(&partner, change).await,
        1,
        "the published record is counted"
    );
    for (name, input) in [
        ("saveSubmission", json!({"id": id, "record": draft_record("a")})),
        ("submitForReview", json!({"id": id})),
        ("discardSubmission", json!({"id": id})),
    ] {
        let refused = mutate(&partner, name, input).await;
        assert_eq!(
            list_problems(&refused["problems"]),
            to_owned_pairs(&[("WRONG_STATE", "id")]),
            "{name}"
        );
    }
    let revisions = list_revisions(&partner, &payload["submission"]["initiative"]["id"]).await;
    assert_eq!(revisions[0]["reason"], "looked over");
    assert_eq!(revisions[0]["document"]["summary"], "The school");
    assert_eq!(
        revisions[0]["document"]["leadOrganisation"]["identifier"],
        PARTNER_ORGANISATION
    );
}

async fn list_revisions(client: &Client<'_>, initiative: &Value) -> Vec<Value> {
    let query = format!(
        "{{ revisions(id: {initiative}) {{ nodes {{ version createdAt actorId reason document changes {{ path before after }} }} }} }}"
    );
    let mut answer = client.query(&query).await;
    match answer["revisions"]["nodes"].take() {
        Value::Array(nodes) => nodes,
        _ => Vec::new(),
    }
}

async fn second_correction_of_one_version_gets_the_conflicts(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let (first, _) = publish_draft(&app, &partner, draft_record("a")).await;
    let initiative = &first["initiative"]["id"];
    let correction = |field: &str, value: &str| {
        let mut corrected = draft_record("a");
        corrected[field] = value.into();
        corrected
    };
    // One submission names the initiative that it corrects. The other is matched by its reference.
    let one =
        json!({"record": correction("summary", "One"), "initiative": initiative, "initiativeVersion": 1});
    let one = mutate_ok(&partner, "saveSubmission", one).await;
    let other = mutate_ok(
        &partner,
        "saveSubmission",
        json!({"record": correction("title", "Other")}),
    )
    .await;
    assert_eq!(
        (&one["initiativeVersion"], &other["initiativeVersion"]),
        (&json!(1), &json!(1))
    );
    let paths: Vec<&Value> = one["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["path"])
        .collect();
    assert!(paths.contains(&&json!(["summary"])), "{one}");
    for submission in [&one, &other] {
        mutate_ok(&partner, "submitForReview", json!({"id": submission["id"]})).await;
    }
    let standing = |about: &str| format!("{{ initiative(id: {initiative}) {{ {about} }} }}");
    assert_eq!(
        partner.query(&standing("version summary")).await["initiative"],
        json!({"version": 1, "summary": null})
    );
    mutate_ok(&steward, "publishSubmission", json!({"id": one["id"]})).await;
    assert_eq!(
        partner.query(&standing("version summary")).await["initiative"],
        json!({"version": 2, "summary": "One"})
    );
    let refused = mutate(&steward, "publishSubmission", json!({"id": other["id"]})).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("STALE_VERSION", "id")])
    );
    assert_eq!(
        refused["conflicts"],
        json!([{"path": ["summary"], "before": null, "after": "One"}])
    );
    let kept = steward
        .query(&format!(
            "{{ submission(id: {}) {{ state record }} }}",
            other["id"]
        ))
        .await;
    assert_eq!(
        kept["submission"],
        json!({"state": "SUBMITTED", "record": correction("title", "Other")}),
        "nothing is lost"
    );
    // The submission is returned, updated to the current version, and published.
    mutate_ok(
        &steward,
        "requestChanges",
        json!({"id": other["id"], "note": "See what changed"}),
    )
    .await;
    let mut both = correction("summary", "One");
    both["title"] = "Other".into();
    let again = json!({"id": other["id"], "record": both, "initiative": initiative, "initiativeVersion": 2});
    mutate_ok(&partner, "saveSubmission", again).await;
    mutate_ok(&partner, "submitForReview", json!({"id": other["id"]})).await;
    mutate_ok(&steward, "publishSubmission", json!({"id": other["id"]})).await;
    let history = list_revisions(&partner, initiative).await;
    let versions: Vec<&Value> = history.iter().map(|one| &one["version"]).collect();
    assert_eq!(versions, [3, 2, 1]);
    assert_eq!(
        history[0]["changes"],
        json!([{"path": ["title"], "before": "Initiative a", "after": "Other"}])
    );
    // An unknown version, and the record of another organisation.
    let never = json!({"record": draft_record("a"), "initiative": initiative, "initiativeVersion": 4});
    let refused = mutate(&partner, "saveSubmission", never).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("OUT_OF_RANGE", "initiativeVersion")])
    );
    let stranger = app
        .create_member("stranger", Role::Partner, Some("GB-CHC-501"))
        .await;
    let others = json!({"record": draft_record("a"), "initiative": initiative, "initiativeVersion": 3});
    let refused = mutate(&stranger, "saveSubmission", others).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("NOT_FOUND", "initiative")])
    );
}

/// A record with items in each list, in an order in which the service does not list them.
fn record_with_lists() -> Value {
    let funder = json!({"identifier": "GB-CHC-900", "name": "The Ash Trust"});
    let mut record = draft_record("a");
    record["entryPoints"] = json!([
        {"entryPoint": "COMPLEXITY", "perspective": "FUNDER"},
        {"entryPoint": "COLLABORATION", "perspective": "COMMUNITY"},
    ]);
    record["challengesFaced"] = json!([
        {"challenge": "FOSTERING_CONDITIONS", "note": "No time"},
        {"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["STAFF_CAPACITY", "SHORT_FUNDING"]},
    ]);
    record["conditionsChanged"] = json!([
        {"condition": "INCENTIVES", "change": "PARTLY"},
        {"condition": "GOVERNANCE", "change": "ALTERED"},
    ]);
    record["fundingTerms"] = json!([
        {"funder": funder, "startsOn": "2020-01-01", "endsOn": "2020-12-31", "currency": "GBP", "amountMinor": 500_000},
        {"funder": funder, "startsOn": "2021-01-01"},
    ]);
    record
}

/// [`record_with_lists`] as another program could write it.
fn respelled_record() -> Value {
    let mut record = record_with_lists();
    record["title"] = " Initiative a ".into();
    record["summary"] = Value::Null;
    record["place"] = json!({"name": "HARTLEPOOL"});
    record["leadOrganisation"] = json!({"identifier": "gb-chc 500"});
    record["sharedWithFunders"] = false.into();
    record["challengesFaced"][1]["reasons"] = json!(["SHORT_FUNDING", "STAFF_CAPACITY"]);
    let term = &mut record["fundingTerms"][0];
    term["funder"] = json!({"name": "the ash trust"});
    term["currency"] = "gbp".into();
    term["programme"] = "".into();
    term["durationMonths"] = json!(12);
    // Publication keeps the name of an organisation that is known.
    record["fundingTerms"][1]["funder"]["name"] = "Ash".into();
    for list in [
        "entryPoints",
        "challengesFaced",
        "conditionsChanged",
        "fundingTerms",
    ] {
        record[list].as_array_mut().unwrap().reverse();
    }
    record
}

async fn unchanged_data_gives_no_changes(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let (published, _) = publish_draft(&app, &partner, record_with_lists()).await;
    let history = list_revisions(&partner, &published["initiative"]["id"]).await;
    for (what, record) in [
        ("as published", history[0]["document"].clone()),
        ("as sent", record_with_lists()),
        ("in other words", respelled_record()),
    ] {
        let saved = mutate_ok(&partner, "saveSubmission", json!({"record": record})).await;
        assert_eq!(saved["initiativeVersion"], 1, "{what}");
        assert_eq!(saved["changes"], json!([]), "{what}");
    }
    let mut changed = respelled_record();
    changed["visibility"] = "MEMBERS".into();
    changed["challengesFaced"].as_array_mut().unwrap().remove(0);
    changed["fundingTerms"][1]["endsOn"] = "2021-01-31".into();
    let saved = mutate_ok(&partner, "saveSubmission", json!({"record": changed})).await;
    assert_eq!(
        saved["changes"],
        json!([
            {
                "path": ["challengesFaced", "1"],
                "before": {
                    "challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING", "STAFF_CAPACITY"],
                },
                "after": null,
            },
            {"path": ["fundingTerms", "1", "endsOn"], "before": "2020-12-31", "after": "2021-01-31"},
            {"path": ["visibility"], "before": "OPEN", "after": "MEMBERS"},
        ])
    );
    // A value that cannot be read is shown as it was typed.
    let mut unreadable = respelled_record();
    unreadable["startedOn"] = "last year".into();
    let saved = mutate_ok(&partner, "saveSubmission", json!({"record": unreadable})).await;
    let changes = saved["changes"].as_array().unwrap();
    let typed = json!({"path": ["startedOn"], "before": null, "after": "last year"});
    assert!(changes.contains(&typed), "{changes:?}");
}

async fn concurrent_draft_save_is_a_conflict(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let id = save_draft(&partner, draft_record("a")).await;
    let mut mine = draft_record("a");
    mine["title"] = "Mine".into();
    mutate_ok(
        &partner,
        "saveSubmission",
        json!({"id": id, "version": 1, "record": mine}),
    )
    .await;
    let refused = mutate(
        &partner,
        "saveSubmission",
        json!({"id": id, "version": 1, "record": draft_record("a")}),
    )
    .await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("STALE_VERSION", "version")])
    );
    assert_eq!(
        refused["conflicts"],
        json!([{"path": ["title"], "before": "Mine", "after": "Initiative a"}])
    );
    let said = refused["problems"][0]["message"].as_str().unwrap();
    assert!(
        said.contains("Older versions of drafts are not stored"),
        "the message explains the comparison: {said}"
    );
    let kept = partner
        .query(&format!("{{ submission(id: \"{id}\") {{ version record }} }}"))
        .await;
    assert_eq!(kept["submission"], json!({"version": 2, "record": mine}));
}

async fn decision_on_another_version_is_refused(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let id = save_draft(&partner, draft_record("a")).await;
    mutate_ok(
        &partner,
        "saveSubmission",
        json!({"id": id, "record": draft_record("b")}),
    )
    .await;
    let stale = to_owned_pairs(&[("STALE_VERSION", "version")]);
    let refused = mutate(&partner, "submitForReview", json!({"id": id, "version": 1})).await;
    assert_eq!(list_problems(&refused["problems"]), stale);
    let submit = json!({"id": id, "version": 2});
    mutate_ok(&partner, "submitForReview", submit).await;
    for (name, note) in [
        ("publishSubmission", json!({})),
        ("requestChanges", json!({"note": "Which school?"})),
        ("discardSubmission", json!({})),
    ] {
        let mut input = json!({"id": id, "version": 1});
        input
            .as_object_mut()
            .unwrap()
            .extend(note.as_object().unwrap().clone());
        let refused = mutate(&steward, name, input).await;
        assert_eq!(list_problems(&refused["problems"]), stale, "{name}");
        assert_eq!(
            (&refused["submission"], &refused["conflicts"]),
            (&Value::Null, &json!([]))
        );
    }
    let found = steward
        .query(&format!("{{ submission(id: \"{id}\") {{ state }} }}"))
        .await;
    assert_eq!(found["submission"]["state"], "SUBMITTED");
    // The present version can be decided on, and a repeat has the same result.
    let publish = json!({"id": id, "version": 2, "idempotencyKey": "publish"});
    let published = mutate_ok(&steward, "publishSubmission", publish.clone()).await;
    assert_eq!(published["state"], "PUBLISHED");
    let repeated = mutate_ok(&steward, "publishSubmission", publish).await;
    assert_eq!(repeated["state"], "PUBLISHED");
    // The state is reported first: another version of what is decided on is of no use.
    let late = mutate(&steward, "discardSubmission", json!({"id": id, "version": 1})).await;
    assert_eq!(
        list_problems(&late["problems"]),
        to_owned_pairs(&[("WRONG_STATE", "id")])
    );
}

async fn roles_limit_actions_and_visibility(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let stranger = app
        .create_member("stranger", Role::Partner, Some("GB-CHC-501"))
        .await;
    let id = save_draft(&partner, draft_record("a")).await;
    let of_one = format!("{{ submission(id: \"{id}\") {{ id }} submissions {{ totalCount }} }}");
    let of = async |client: &Client<'_>| client.query(&of_one).await;
    assert_eq!(of(&partner).await["submissions"]["totalCount"], 1);
    assert_eq!(of(&steward).await["submissions"]["totalCount"], 1);
    assert_eq!(
        of(&stranger).await,
        json!({"submission": null, "submissions": {"totalCount": 0}})
    );
    for (name, input) in [
        ("saveSubmission", json!({"id": id, "record": draft_record("a")})),
        ("submitForReview", json!({"id": id})),
        ("discardSubmission", json!({"id": id})),
    ] {
        let refused = mutate(&stranger, name, input).await;
        assert_eq!(
            list_problems(&refused["problems"]),
            to_owned_pairs(&[("NOT_FOUND", "id")]),
            "{name}"
        );
    }
    // A partner cannot submit a record of another organisation.
    let mut theirs = draft_record("b");
    theirs["leadOrganisation"] = json!({"identifier": PARTNER_ORGANISATION});
    let foreign = save_draft(&stranger, theirs).await;
    let refused = mutate(&stranger, "submitForReview", json!({"id": foreign})).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("NOT_ALLOWED", "record/leadOrganisation")])
    );
    // Permission is checked before the input is validated.
    let funder = app
        .create_member("funder", Role::Funder, Some("GB-CHC-900"))
        .await;
    for (client, mutation) in [
        (
            &partner,
            format!("publishSubmission(input: {{id: \"{id}\"}}) {{ changeNumber }}"),
        ),
        (
            &partner,
            format!("requestChanges(input: {{id: \"{id}\", note: \"No\"}}) {{ changeNumber }}"),
        ),
        (
            &funder,
            "saveSubmission(input: {record: {}}) { changeNumber }".to_owned(),
        ),
        (
            &funder,
            format!("submitForReview(input: {{id: \"{id}\"}}) {{ changeNumber }}"),
        ),
    ] {
        let (message, code) = client.query_error(&format!("mutation {{ {mutation} }}")).await;
        assert_eq!(code, "FORBIDDEN", "{mutation}: {message}");
    }
    // A steward acts for no organisation, so the input must name it.
    let refused = mutate(&steward, "saveSubmission", json!({"record": draft_record("c")})).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("REQUIRED", "organisation")])
    );
    let organisation =
        partner.query("{ viewer { organisation { id } } }").await["viewer"]["organisation"]["id"].take();
    let for_partner = json!({"record": draft_record("c"), "organisation": organisation});
    mutate_ok(&steward, "saveSubmission", for_partner).await;
    assert_eq!(of(&partner).await["submissions"]["totalCount"], 2);
}

async fn stewards_save_organisations(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    publish_draft(&app, &partner, draft_record("a")).await;
    let new = json!({"name": " A new one ", "kind": "PUBLIC_BODY", "identifier": "GB-LAE-1", "idempotencyKey": "o"});
    let saved = save_organisation(&steward, new.clone()).await;
    assert_eq!(saved["organisation"]["name"], "A new one", "{saved}");
    assert_eq!(
        save_organisation(&steward, new).await,
        saved,
        "a replay with the same key"
    );
    for (input, expected) in [
        (json!({"name": " "}), ("REQUIRED", "name")),
        (json!({"name": "x".repeat(201)}), ("TOO_LONG", "name")),
        (
            json!({"name": "Another", "identifier": "GB-LAE-1"}),
            ("CONFLICT", "identifier"),
        ),
    ] {
        let refused = save_organisation(&steward, input).await;
        assert_eq!(list_problems(&refused["problems"]), to_owned_pairs(&[expected]));
        assert_eq!(refused["changeNumber"], Value::Null);
    }
    // Groups use the new name after the organisation is renamed.
    let own = partner
        .query("{ viewer { organisation { id identifier } } }")
        .await["viewer"]["organisation"]
        .take();
    let renamed = json!({"id": own["id"], "identifier": own["identifier"], "name": "Renamed"});
    let change = save_organisation(&steward, renamed).await["changeNumber"]
        .as_i64()
        .unwrap();
    app.catch_up().await;
    let output = steward
        .query(&format!(
            "{{ distribution(of: LEAD_ORGANISATION, minChangeNumber: {change}) {{ bins {{ label count }} }} }}"
        ))
        .await;
    assert_eq!(
        output["distribution"]["bins"][0],
        json!({"label": "Renamed", "count": 1})
    );
    let (_, code) = partner
        .query_error("mutation { saveOrganisation(input: {name: \"Mine\"}) { changeNumber } }")
        .await;
    assert_eq!(code, "FORBIDDEN");
}

async fn trusted_organisation_publishes_by_submitting(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    allow_auto_publish_as_steward(&app, &partner).await;
    let id = save_draft(&partner, draft_record("a")).await;
    let payload = mutate(&partner, "submitForReview", json!({"id": id})).await;
    assert_eq!(payload["submission"]["state"], "PUBLISHED", "{payload}");
    app.catch_up().await;
    assert_eq!(
        query_skipped(&partner, payload["changeNumber"].as_i64().unwrap()).await,
        1
    );
    // An incomplete draft cannot be submitted either.
    let id = save_draft(&partner, json!({"title": "No more than that"})).await;
    let refused = mutate(&partner, "submitForReview", json!({"id": id})).await;
    assert_eq!(refused["submission"], Value::Null);
}

/// Six stewards publish one submission concurrently. Then two corrections of one version are published
/// concurrently.
async fn concurrent_publications_succeed_once(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let id = save_draft(&partner, draft_record("a")).await;
    mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
    let all = (0..6).map(|_| mutate(&steward, "publishSubmission", json!({"id": id})));
    let output = futures_util::future::join_all(all).await;
    let refused: Vec<&Value> = output
        .iter()
        .filter(|answer| answer["submission"].is_null())
        .collect();
    assert_eq!(refused.len(), 5, "{output:?}");
    for answer in refused {
        assert_eq!(
            list_problems(&answer["problems"]),
            to_owned_pairs(&[("WRONG_STATE", "id")])
        );
    }
    let mut corrections = Vec::new();
    for title in ["One", "Other"] {
        let mut corrected = draft_record("a");
        corrected["title"] = title.into();
        let id = save_draft(&partner, corrected).await;
        mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
        corrections.push(id);
    }
    let both = corrections
        .iter()
        .map(|id| mutate(&steward, "publishSubmission", json!({"id": id})));
    let output = futures_util::future::join_all(both).await;
    let stale: Vec<&Value> = output
        .iter()
        .filter(|answer| answer["submission"].is_null())
        .collect();
    assert_eq!(stale.len(), 1, "{output:?}");
    assert_eq!(
        list_problems(&stale[0]["problems"]),
        to_owned_pairs(&[("STALE_VERSION", "id")])
    );
    assert_ne!(stale[0]["conflicts"], json!([]));
}

async fn withdrawn_record_keeps_its_revisions(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let (submission, change) = publish_draft(&app, &partner, draft_record("a")).await;
    let initiative = &submission["initiative"]["id"];
    assert_eq!(query_skipped(&partner, change).await, 1);
    let withdraw = |reason: &str| {
        format!(
            "mutation {{ withdrawInitiative(input: {{id: {initiative}, reason: {reason:?}, idempotencyKey: \"w\"}}) {{
               revision {{ version reason }} changeNumber problems {{ code path message }} }} }}"
        )
    };
    let refused = steward.query(&withdraw(" ")).await;
    assert_eq!(
        list_problems(&refused["withdrawInitiative"]["problems"]),
        to_owned_pairs(&[("REQUIRED", "reason")])
    );
    let done_once = steward.query(&withdraw("It was another's")).await;
    let withdrawn = &done_once["withdrawInitiative"];
    assert_eq!(
        withdrawn["revision"],
        json!({"version": 2, "reason": "It was another's"}),
        "{withdrawn}"
    );
    assert_eq!(
        steward.query(&withdraw("It was another's")).await,
        done_once,
        "a replay with the same key"
    );
    app.catch_up().await;
    assert_eq!(
        query_skipped(&partner, withdrawn["changeNumber"].as_i64().unwrap()).await,
        0,
        "it is no longer counted"
    );
    let listed = partner
        .query(&format!(
            "{{ initiative(id: {initiative}) {{ id }} initiatives {{ totalCount }} }}"
        ))
        .await;
    assert_eq!(
        listed,
        json!({"initiative": null, "initiatives": {"totalCount": 0}})
    );
    for client in [&partner, &steward] {
        let history = list_revisions(client, initiative).await;
        assert_eq!(history.len(), 2);
        assert_eq!(history[1]["document"]["title"], "Initiative a");
    }
    let stranger = app
        .create_member("stranger", Role::Partner, Some("GB-CHC-501"))
        .await;
    assert_eq!(list_revisions(&stranger, initiative).await, Vec::<Value>::new());
    // After submitting it again, it is the same record with its history.
    let (again, _) = publish_draft(&app, &partner, draft_record("a")).await;
    assert_eq!(&again["initiative"]["id"], initiative);
    assert_eq!(again["initiative"]["version"], 3);
}

async fn personal_data_blocks_submission_but_not_drafts(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let mut personal = draft_record("a");
    personal["summary"] = "Write to jo@example.org".into();
    personal["challengesFaced"][0]["note"] = "She lives at LS1 4AP".into();
    let submission = mutate_ok(&partner, "saveSubmission", json!({"record": personal})).await;
    assert_eq!(submission["record"], personal);
    let refused = mutate(&partner, "submitForReview", json!({"id": submission["id"]})).await;
    let expected = [
        ("PERSONAL_DATA", "record/challengesFaced/0/note"),
        ("PERSONAL_DATA", "record/summary"),
    ];
    assert_eq!(list_problems(&refused["problems"]), to_owned_pairs(&expected));
    personal["summary"] = "With Free@Last".into();
    personal["challengesFaced"][0]["note"] = "In LS1".into();
    mutate_ok(
        &partner,
        "saveSubmission",
        json!({"id": submission["id"], "record": personal}),
    )
    .await;
    mutate_ok(&partner, "submitForReview", json!({"id": submission["id"]})).await;
}

async fn unknown_names_get_suggestions(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    // The error does not suggest an organisation that leads only records hidden from the partner.
    let lead = |name: &str| json!({"identifier": name, "name": name});
    app.publish(&[
        standing("1")
            .with("leadOrganisation", lead("The Northern Rock Foundation"))
            .build(),
        standing("2")
            .with("leadOrganisation", lead("The Northern Rock Fundations"))
            .with("visibility", "AGGREGATE_ONLY")
            .build(),
    ])
    .await;
    let messages = async |place: Value, funder: Value| {
        let mut record = draft_record("a");
        record["place"] = place;
        record["fundingTerms"] = json!([{"funder": funder}]);
        let submission = mutate_ok(&partner, "saveSubmission", json!({"record": record})).await;
        let problems = submission["problems"].as_array().unwrap().iter();
        problems
            .map(|problem| problem["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let known = json!({"identifier": "GB-CHC-901", "name": "A new funder"});
    assert_eq!(
        messages(json!({"name": "hartlepool "}), known.clone()).await,
        Vec::<String>::new()
    );
    let of_both = messages(
        json!({"name": "Hartelpool"}),
        json!({"name": "Northern Rock Fundation"}),
    )
    .await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(of_both.join("\n"), @"
        no organisation is called Northern Rock Fundation; the nearest are The Northern Rock Foundation (The Northern Rock Foundation); give its identifier to add it
        no place is called Hartelpool; the nearest are Hartlepool (E06000001)
        ");
    }
    assert_eq!(
        messages(json!({"name": "Atlantis"}), json!({"name": "Nobody's money"})).await,
        [
            "no organisation is called Nobody's money; give its identifier to add it",
            "no place is called Atlantis",
        ]
    );
    assert_eq!(
        messages(json!({"name": "Hartlepool", "code": "E06000001"}), known).await,
        ["give exactly one of the code, the id and the name of a place"]
    );
}
