//! A text is redacted everywhere, and the redacted data stays valid.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::clock::{Clock, SystemClock};
use wayin::database::begin_write;
use wayin::import::job::worker;
use wayin_entity::{
    Role, audit_event, change, claim, crisis, funding_term, idempotency_key, import_chunk, initiative,
    meeting, member, organisation, organisation_alias, revision, submission,
};

use crate::support::app::{Client, PARTNER_ORGANISATION, TestApp};
use crate::support::builders;
use crate::support::imports::send_file;
use crate::support::places::start_with_places;
use crate::support::redaction::{read_all_text, redact};
use crate::support::reference_data::save_reference_data;
use crate::support::submissions::{
    draft_record, list_problems, mutate_ok, publish_draft, save_draft, to_owned_pairs,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    text_is_redacted_everywhere,
    redaction_of_a_part_changes_when_the_record_was_updated,
    text_is_found_in_csv_of_any_encoding,
    redacted_identifiers_stay_distinct,
    active_member_cannot_be_redacted,
    redaction_covers_more_rows_than_a_statement_binds,
    rows_written_during_the_search_are_redacted,
];

/// A text that was redacted earlier.
const EARLIER_TEXT: &str = "bob-roe";
/// The text to redact.
const SECRET_TEXT: &str = "ann-lee";

/// Saves reference data of every kind with the secret in each text.
async fn save_reference_data_containing(steward: &Client<'_>, output: &dyn Fn(&str) -> String) {
    let place = json!({"name": output("place"), "kind": "NEIGHBOURHOOD"});
    save_reference_data(steward, "savePlace", place).await;
    let organisation = json!({"name": output("organisation"), "reason": output("reason")});
    let (merged, _) = save_reference_data(steward, "saveOrganisation", organisation).await;
    let into = json!({"name": "Another trust"});
    let (into, _) = save_reference_data(steward, "saveOrganisation", into).await;
    let one = json!({"target": into, "source": merged, "reason": "One and the same"});
    save_reference_data(steward, "mergeOrganisations", one).await;
    let term = json!({"slug": "a-word", "name": output("word"), "definition": output("definition"),
                      "synonyms": [output("other")], "usageNote": output("caution")});
    save_reference_data(steward, "saveTerm", term).await;
    let meeting = json!({"title": output("meeting"), "theme": output("theme"), "heldOn": "2024-05-01"});
    let (meeting, _) = save_reference_data(steward, "saveMeeting", meeting).await;
    let reflection = json!({"meeting": meeting, "perspective": "FUNDER", "text": output("reflection")});
    save_reference_data(steward, "saveReflection", reflection).await;
    let crisis = json!({"slug": "a-crisis", "name": output("crisis"), "from": "2024-05-01"});
    save_reference_data(steward, "saveCrisis", crisis).await;
    let claim = json!({"slug": "a-claim", "statement": output("claim"), "when": {}, "then": {}});
    save_reference_data(steward, "saveClaim", claim).await;
}

/// Sends two files, one of which contains the secret. The redaction is refused until that import has ended.
async fn send_files_containing(
    app: &TestApp,
    partner: &Client<'_>,
    steward: &Client<'_>,
    secret: &str,
    output: &impl Fn(&str) -> String,
) {
    let telling = json!({"externalRef": "d", "title": output("file"), "place": {"name": output("place")}});
    let files = [telling.to_string(), draft_record("e").to_string()];
    for (name, file) in [output("name"), "return.jsonl".into()].iter().zip(&files) {
        let sent = send_file(app, partner, name, file, json!({"mode": "SUBMIT"})).await;
        assert_eq!(sent["data"]["importRecords"]["problems"], json!([]), "{sent}");
    }
    let refused = redact(steward, secret, "Asked for").await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("WRONG_STATE", "text")]),
        "while the import is queued"
    );
    worker::run_queued(&app.app).await.unwrap();
}

async fn text_is_redacted_everywhere(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let secret = "Ann \"Q\" O'Hara";
    let output = |what: &str| format!("{what} by {secret} herself");
    let mut telling = draft_record("a");
    for field in ["title", "summary"] {
        telling[field] = output(field).into();
    }
    telling["challengesFaced"][0]["note"] = output("note").into();
    telling["entryPoints"] =
        json!([{"entryPoint": "COLLABORATION", "perspective": "FUNDER", "motivation": output("motivation")}]);
    telling["fundingTerms"] =
        json!([{"funder": {"identifier": "GB-CHC-9", "name": "A funder"}, "programme": output("programme")}]);
    telling["source"]["title"] = output("source").into();
    telling["sharing"]["basis"] = output("basis").into();
    let (submission, _) = publish_draft(&app, &partner, telling.clone()).await;
    telling["externalRef"] = output("reference").into();
    let second = save_draft(&partner, telling).await;
    let sending = json!({"id": second, "idempotencyKey": "k"});
    mutate_ok(&partner, "submitForReview", sending).await;
    let returning = json!({"id": second, "note": output("note")});
    mutate_ok(&steward, "requestChanges", returning).await;
    save_reference_data_containing(&steward, &output).await;
    let innocent = save_draft(&partner, draft_record("c")).await;
    send_files_containing(&app, &partner, &steward, secret, &output).await;
    let before = read_all_text(&app).await;
    assert!(before.contains("O'Hara"), "{before}");
    for (text, code) in [
        ("Ann", "OUT_OF_RANGE"),
        ("   \" \" ", "OUT_OF_RANGE"),
        ("redacted", "OUT_OF_RANGE"),
        (&"x".repeat(2_001), "TOO_LONG"),
    ] {
        let refused = redact(&steward, text, "Asked for").await;
        assert_eq!(
            list_problems(&refused["problems"]),
            to_owned_pairs(&[(code, "text")]),
            "{text}"
        );
    }
    let refused = redact(&steward, secret, "").await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("REQUIRED", "reason")])
    );
    assert_eq!(
        read_all_text(&app).await,
        before,
        "a rejected redaction changes nothing"
    );
    let answer = redact(&steward, secret, &format!("{secret} asked for it")).await;
    assert_eq!(
        answer,
        json!({"initiatives": 1, "revisions": 9, "submissions": 3, "auditEvents": 4,
               "imports": 1, "problems": []})
    );
    let after = read_all_text(&app).await;
    assert!(
        !after.contains("O'Hara") && !after.to_lowercase().contains("o'hara"),
        "{after}"
    );
    assert!(after.contains("note by [redacted] herself"), "{after}");
    let kept = partner
        .query(&format!("{{ submission(id: \"{innocent}\") {{ record }} }}"))
        .await;
    assert_eq!(
        kept["submission"]["record"],
        draft_record("c"),
        "a draft without the text stays"
    );
    let files = import_chunk::Entity::find().all(&app.app.db).await.unwrap();
    assert_eq!(files.len(), 1, "only the file that contained the text is deleted");
    assert_eq!(files[0].bytes, draft_record("e").to_string().into_bytes());
    app.assert_no_violations().await;
    // The engine does not return the text either.
    app.catch_up().await;
    let initiative = &submission["initiative"]["id"];
    let found = partner
        .query(&format!(
            "{{ initiative(id: {initiative}) {{ title fundingTerms {{ programme }} }}
            initiatives(filter: {{title: {{contains: \"hara\"}}}}) {{ totalCount }} }}"
        ))
        .await;
    assert_eq!(found["initiative"]["title"], "title by [redacted] herself");
    assert_eq!(
        found["initiative"]["fundingTerms"][0]["programme"],
        "programme by [redacted] herself"
    );
    assert_eq!(found["initiatives"]["totalCount"], 0);
    // The names of fields are not redacted.
    let answer = redact(&steward, "externalRef", "A field's name").await;
    assert_eq!(answer["submissions"], 0);
}

async fn redaction_of_a_part_changes_when_the_record_was_updated(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let mut parts = draft_record("a");
    parts["challengesFaced"][0]["note"] = "the text to remove".into();
    publish_draft(&app, &partner, parts).await;
    publish_draft(&app, &partner, draft_record("b")).await;
    let query = "{ initiatives(first: 10) { nodes { externalRef updatedAt } } }";
    let read_times = async || -> BTreeMap<String, String> {
        let listed = steward.query(query).await["initiatives"]["nodes"].take();
        let rows = listed.as_array().unwrap().iter();
        rows.map(|row| (row["externalRef"].to_string(), row["updatedAt"].to_string()))
            .collect()
    };
    let before = read_times().await;
    assert_eq!(before.len(), 2, "{before:?}");
    let redacted = redact(&steward, "the text to remove", "Asked for").await;
    assert_eq!(redacted["problems"], json!([]), "{redacted}");
    let after = read_times().await;
    assert!(after["\"a\""] > before["\"a\""], "{before:?} {after:?}");
    assert_eq!(
        after["\"b\""], before["\"b\""],
        "only the record with the text changed"
    );
}

async fn text_is_found_in_csv_of_any_encoding(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let secret = "Zoë O'Hara";
    let table = |mark: &str, reference: &str, title: &str| {
        format!("{mark}externalRef,title\r\n{reference},{title}\r\n")
    };
    let bytes =
        |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(unit).collect() };
    let western = |text: &str| -> Vec<u8> { text.chars().map(|one| u8::try_from(one).unwrap()).collect() };
    let telling = format!("by {secret} herself");
    let innocent = bytes(&table("\u{feff}", "none", "by nobody"), u16::to_le_bytes);
    for (name, content) in [
        (
            "little.csv",
            bytes(&table("\u{feff}", "le", &telling), u16::to_le_bytes),
        ),
        (
            "big.csv",
            bytes(&table("\u{feff}", "be", &telling), u16::to_be_bytes),
        ),
        // The file is unreadable, and is stored as it was sent.
        (
            "unmarked.jsonl",
            bytes(&table("", "no", &telling), u16::to_le_bytes),
        ),
        // A CSV file in Windows-1252 is readable. A JSON file in it is not.
        (
            "western.csv",
            western(&table("", "we", &telling).replace("title", "title,né")),
        ),
        (
            "western.jsonl",
            western(&format!("{{\"title\": \"{telling}\"}}\n")),
        ),
        ("innocent.csv", innocent.clone()),
    ] {
        let sent = send_file(&app, &partner, name, &content, json!({"mode": "DRAFT"})).await;
        assert_eq!(
            sent["data"]["importRecords"]["problems"],
            json!([]),
            "{name}: {sent}"
        );
    }
    worker::run_queued(&app.app).await.unwrap();
    let answer = redact(&steward, secret, "Asked for").await;
    assert_eq!(answer["problems"], json!([]));
    assert_eq!(answer["imports"], 5, "{answer}");
    assert_eq!(answer["submissions"], 3, "only of the readable files: {answer}");
    let files = import_chunk::Entity::find().all(&app.app.db).await.unwrap();
    assert_eq!(files.len(), 1, "the files that contained the text are deleted");
    assert_eq!(files[0].bytes, innocent);
    app.assert_no_violations().await;
}

/// A record whose identifiers and references all contain a text.
fn record_identified_by(text: &str) -> Value {
    let mut record = builders::record(text)
        .led_by(PARTNER_ORGANISATION)
        .with(
            "fundingTerms",
            json!([{"funder": builders::organisation(&format!("XM-ID-{text}")), "grantIdentifier": text}]),
        )
        .with(
            "sharing",
            json!({"basis": "The board agreed", "licence": format!("CC {text}")}),
        )
        .build();
    record["source"]["licence"] = format!("CC {text}").into();
    record
}

/// Saves reference data whose names, identifiers and slugs contain a text.
async fn save_reference_data_identified_by(steward: &Client<'_>, text: &str) {
    let named = json!({"name": format!("{text} trust"), "identifier": format!("XI-ID-{text}")});
    let (id, _) = save_reference_data(steward, "saveOrganisation", named).await;
    let put_right = json!({"id": id, "name": format!("{text} trust"), "identifier": format!("XJ-ID-{text}")});
    save_reference_data(steward, "saveOrganisation", put_right).await;
    let title = json!({"title": text, "heldOn": "2024-05-01"});
    save_reference_data(steward, "saveMeeting", title).await;
    let slug = format!("{text}-floods");
    let floods = json!({"slug": slug, "name": "Floods", "from": "2024-05-01"});
    save_reference_data(steward, "saveCrisis", floods).await;
    let filter = json!({"activeDuring": {"crisis": slug}});
    let asked =
        json!({"slug": format!("{text}-asked"), "statement": "Floods matter.", "when": filter, "then": {}});
    save_reference_data(steward, "saveClaim", asked).await;
    let word = json!({"slug": text, "name": format!("{text} flood"), "definition": "Too much water."});
    save_reference_data(steward, "saveTerm", word).await;
}

/// The record of a submission, as it was typed.
async fn typed_record(client: &Client<'_>, id: &Value) -> Value {
    let query = format!("{{ submission(id: {id}) {{ record }} }}");
    client.query(&query).await["submission"]["record"].take()
}

/// The redacted values of a field, sorted by a column.
macro_rules! all_of {
    ($app:expr, $table:ident::$column:ident, $field:ident) => {{
        let rows = $table::Entity::find()
            .filter($table::Column::$column.contains("redacted"))
            .order_by_asc($table::Column::$column)
            .all(&$app.app.db)
            .await
            .unwrap();
        let known: Vec<Value> = rows.into_iter().map(|row| json!(row.$field)).collect();
        known
    }};
}

async fn redacted_identifiers_stay_distinct(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    app.publish(&[
        record_identified_by(EARLIER_TEXT),
        record_identified_by(SECRET_TEXT),
    ])
    .await;
    // An organisation that got this name only after its record was published.
    let called = |identifier: &str| json!({"name": "Lately", "identifier": identifier});
    let (lately, _) = save_reference_data(&steward, "saveOrganisation", called("GB-CHC-77")).await;
    app.publish(&[builders::record("of another").led_by("GB-CHC-77").build()])
        .await;
    let mut update = called(&format!("GB-ID-{SECRET_TEXT}"));
    update["id"] = lately.into();
    save_reference_data(&steward, "saveOrganisation", update).await;
    for text in [EARLIER_TEXT, SECRET_TEXT] {
        save_reference_data_identified_by(&steward, text).await;
    }
    let mut correction = draft_record(SECRET_TEXT);
    correction["title"] = "A correction".into();
    let correction = save_draft(&partner, correction).await;
    let notes = json!({"externalRef": "notes", format!("{SECRET_TEXT} said"): {SECRET_TEXT: 1}, "[redacted] said": 2});
    let input = json!({"record": notes, "idempotencyKey": format!("by {SECRET_TEXT}")});
    let notes = mutate_ok(&partner, "saveSubmission", input).await["id"].take();
    for text in [EARLIER_TEXT, SECRET_TEXT] {
        let answer = redact(&steward, text, "Asked for").await;
        assert_eq!(answer["problems"], json!([]), "{text}");
        assert_eq!(answer["initiatives"], 1, "{text}: {answer}");
        let all = read_all_text(&app).await;
        assert!(!all.contains(text), "{all}");
        app.assert_no_violations().await;
        app.catch_up().await;
    }
    let twice = [json!("[redacted]"), json!("[redacted] 2")];
    assert_eq!(all_of!(app, initiative::ExternalRef, external_ref), twice);
    assert_eq!(
        all_of!(app, funding_term::GrantIdentifier, grant_identifier),
        twice
    );
    assert_eq!(all_of!(app, meeting::Title, title), twice);
    assert_eq!(
        all_of!(app, organisation::Identifier, identifier),
        [
            "GB-ID-[redacted]",
            "XJ-ID-[redacted]",
            "XJ-ID-[redacted] 2",
            "XM-ID-[redacted]",
            "XM-ID-[redacted] 2"
        ]
    );
    assert_eq!(
        all_of!(app, organisation_alias::Identifier, identifier),
        ["XI-ID-[redacted]", "XI-ID-[redacted] 2"]
    );
    let slugs = all_of!(app, crisis::Slug, slug);
    assert_eq!(slugs, ["redacted-floods", "redacted-floods-2"]);
    for claim in claim::Entity::find().all(&app.app.db).await.unwrap() {
        let slug = &claim.pattern_when["activeDuring"]["crisis"];
        assert!(slugs.contains(slug), "a claim still refers to its crisis: {slug}");
    }
    assert_eq!(
        typed_record(&partner, &notes).await,
        json!({"externalRef": "notes", "[redacted] said 2": {"[redacted]": 1}, "[redacted] said": 2})
    );
    let keys = idempotency_key::Entity::find().count(&app.app.db).await.unwrap();
    assert_eq!(keys, 0, "the idempotency key that contained the text is deleted");
    // The open correction still belongs to its own record.
    let corrected = typed_record(&partner, &json!(correction)).await;
    assert_eq!(corrected["externalRef"], "[redacted] 2");
    mutate_ok(&partner, "submitForReview", json!({"id": correction})).await;
    let published = mutate_ok(&steward, "publishSubmission", json!({"id": correction})).await;
    assert_eq!(published["initiative"]["version"], 2, "{published}");
    app.assert_no_violations().await;
}

async fn active_member_cannot_be_redacted(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    for subject in [EARLIER_TEXT, SECRET_TEXT] {
        let theirs = app.create_member(subject, Role::Dashboard, None).await;
        theirs.query("{ viewer { id } }").await;
        let members = steward
            .query("{ members(first: 100) { nodes { id subject } } }")
            .await;
        let members = members["members"]["nodes"].as_array().unwrap();
        let of = members.iter().find(|one| one["subject"] == subject).unwrap();
        let before = read_all_text(&app).await;
        let refused = redact(&steward, subject, "Asked for").await;
        assert_eq!(
            list_problems(&refused["problems"]),
            to_owned_pairs(&[("WRONG_STATE", "text")])
        );
        assert_eq!(read_all_text(&app).await, before);
        save_reference_data(&steward, "revokeMember", json!({"id": of["id"]})).await;
        let answer = redact(&steward, subject, "Asked for").await;
        assert_eq!(answer["problems"], json!([]));
        let all = read_all_text(&app).await;
        assert!(!all.contains(subject), "{all}");
        let (_, code) = theirs.query_error("{ viewer { id } }").await;
        assert_eq!(code, "UNAUTHENTICATED");
        app.assert_no_violations().await;
    }
    assert_eq!(
        all_of!(app, member::Subject, subject),
        ["[redacted]", "[redacted] 2"]
    );
    // The redaction itself does not store the text.
    let input = json!({"text": "a secret", "reason": "Asked for", "idempotencyKey": "for a secret"});
    let query = "mutation($input: RedactTextInput!) { redactText(input: $input) { problems { code path } } }";
    let refused = steward.execute_with(query, json!({"input": input})).await;
    assert_eq!(
        list_problems(&refused["data"]["redactText"]["problems"]),
        to_owned_pairs(&[("INVALID_FORMAT", "idempotencyKey")])
    );
}

/// Inserts copies of a published record, each with the secret in its title.
async fn duplicate_records(app: &TestApp, records: usize) {
    let db = &app.app.db;
    let one = initiative::Entity::find().one(db).await.unwrap().unwrap();
    let version = revision::Entity::find().one(db).await.unwrap().unwrap();
    let mut document = version.document.clone();
    document["title"] = format!("by {SECRET_TEXT} herself").into();
    let numbers: Vec<usize> = (0..records).collect();
    for numbers in numbers.chunks(500) {
        let ids: Vec<(Uuid, usize)> = numbers
            .iter()
            .map(|number| (SystemClock.new_id(), *number))
            .collect();
        let rows = ids.iter().map(|(id, number)| {
            initiative::Model {
                id: *id,
                external_ref: Some(format!("{SECRET_TEXT} {number}")),
                title: format!("by {SECRET_TEXT} herself"),
                ..one.clone()
            }
            .into_active_model()
        });
        initiative::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await
            .unwrap();
        let rows = ids.iter().map(|(id, number)| {
            let mut document = document.clone();
            document["externalRef"] = format!("{SECRET_TEXT} {number}").into();
            revision::Model {
                id: SystemClock.new_id(),
                initiative_id: *id,
                document,
                ..version.clone()
            }
            .into_active_model()
        });
        revision::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await
            .unwrap();
    }
}

async fn redaction_covers_more_rows_than_a_statement_binds(database: Database) {
    // SQLite binds at most 32,766 values.
    const RECORD_COUNT: usize = 33_000;
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    app.publish(&[builders::record("innocent").build()]).await;
    duplicate_records(&app, RECORD_COUNT).await;
    let before = change::Entity::find().count(&app.app.db).await.unwrap();
    let answer = redact(&steward, SECRET_TEXT, "Asked for").await;
    assert_eq!(answer["problems"], json!([]));
    assert_eq!(
        (&answer["initiatives"], &answer["revisions"]),
        (&json!(RECORD_COUNT), &json!(RECORD_COUNT))
    );
    let all = read_all_text(&app).await;
    assert!(!all.contains(SECRET_TEXT), "the text is in no row");
    let titles = initiative::Entity::find()
        .filter(initiative::Column::Title.eq("by [redacted] herself"))
        .count(&app.app.db)
        .await
        .unwrap();
    assert_eq!(titles, RECORD_COUNT as u64);
    let after = change::Entity::find().count(&app.app.db).await.unwrap();
    assert_eq!(
        after - before,
        RECORD_COUNT as u64,
        "the change log has an entry for each record"
    );
}

async fn rows_written_during_the_search_are_redacted(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let id = save_draft(&partner, draft_record("a")).await;
    let writing = begin_write(&app.app.db).await.unwrap();
    let row = submission::Entity::find().one(&writing).await.unwrap().unwrap();
    let mut document = row.document.clone();
    document["summary"] = format!("by {SECRET_TEXT} herself").into();
    let mut row = row.into_active_model();
    row.document = Set(document);
    row.updated_at = Set(SystemClock.now());
    row.update(&writing).await.unwrap();
    let event = audit_event::Model {
        id: SystemClock.new_id(),
        member_id: None,
        action: "saveSubmission".into(),
        subject: "Submission".into(),
        subject_id: SystemClock.new_id(),
        version_before: None,
        version_after: None,
        detail: json!({"note": SECRET_TEXT}),
        created_at: SystemClock.now(),
        updated_at: SystemClock.now(),
    };
    event.into_active_model().insert(&writing).await.unwrap();
    // The search begins before the row is visible, and the redaction follows after.
    let written = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        writing.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(redact(&steward, SECRET_TEXT, "Asked for"), written);
    assert_eq!(
        (&answer["submissions"], &answer["auditEvents"]),
        (&json!(1), &json!(1)),
        "{answer}"
    );
    let all = read_all_text(&app).await;
    assert!(!all.contains(SECRET_TEXT), "{all}");
    let record = typed_record(&partner, &json!(id)).await;
    assert_eq!(record["summary"], "by [redacted] herself");
}
