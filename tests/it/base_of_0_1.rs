//! Databases that version 0.1 wrote. Migrated, everything in them can be read and continued.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, Statement};
use sea_orm_migration::MigratorTrait;
use serde_json::{Map, Value, json};
use wayin::clock::{FixedClock, SystemClock};
use wayin::export::ExportFormat;
use wayin::export::grants::{GrantExportOptions, WAYIN_IDENTIFIER_PREFIX, export_grants};
use wayin::id::{NodeKind, decode_as};
use wayin::import::job::worker;
use wayin::normalise_database::normalise_stored_names;
use wayin::{database, instance};
use wayin_entity::{FileFormat, idempotency_key, import_chunk};
use wayin_migration::Migrator;

use crate::support::app::{Client, ISSUER, TestApp, unlimited_cost_settings};
use crate::support::database::{Kind, connect};
use crate::support::exports::{export_json_lines, export_records_as, import_records_as};
use crate::support::http::download;
use crate::support::imports::{load_rows, send_file};
use crate::support::redaction::read_all_text;
use crate::support::reference_data::{save_reference_data, send_mutation};
use crate::support::submissions::{list_problems, mutate, mutate_ok, to_owned_pairs};
use crate::support::tokens::issue_token;
use crate::support::workbooks::read_typed_records;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    migrations_can_be_reverted,
    records_are_unchanged,
    exports_can_be_imported_again,
    members_and_their_rights_are_unchanged,
    revisions_are_readable,
    claims_have_the_same_counts,
    reference_data_is_readable,
    reference_data_can_be_edited,
    submissions_can_be_continued,
    mutations_of_submissions_are_replayed,
    mutations_of_reference_data_are_replayed,
    mutations_with_new_names_are_replayed,
    keys_for_input_with_new_names_are_refused,
    imports_are_readable,
    unfinished_imports_continue,
    history_is_readable_under_the_new_names,
];

/// The records as version 0.1 exported them, the same on both databases.
const RECORDS: &str = include_str!("../data/base_of_0_1/records.jsonl");
/// What version 0.1 counted for each claim, the same on both databases.
const CLAIMS: &str = include_str!("../data/base_of_0_1/claims.json");

/// Replaces a database by the one that version 0.1 wrote.
async fn restore_base(database: &mut Database) {
    let db = &database.connection;
    Migrator::down(db, None).await.unwrap();
    db.execute_unprepared("DROP TABLE seaql_migrations")
        .await
        .unwrap();
    db.execute_unprepared(match database.kind {
        Kind::Sqlite => include_str!("../data/base_of_0_1/sqlite.sql"),
        Kind::Postgres => include_str!("../data/base_of_0_1/postgres.sql"),
    })
    .await
    .unwrap();
    // The new connection checks foreign keys.
    database.connection.close_by_ref().await.unwrap();
    database.connection = connect(&database.url).await.unwrap();
}

/// A service over the database that version 0.1 wrote, migrated as `wayin migrate up` does. It is an hour later.
async fn start(mut database: Database) -> TestApp {
    restore_base(&mut database).await;
    let db = &database.connection;
    Migrator::up(db, None).await.unwrap();
    instance::ensure_instance(db, &SystemClock).await.unwrap();
    let normalised = normalise_stored_names(db, &SystemClock).await.unwrap();
    assert_eq!((normalised.rows, normalised.conflicts.len()), (0, 0));

    let newest = idempotency_key::Entity::find().order_by_desc(idempotency_key::Column::CreatedAt);
    let written_at = newest.one(db).await.unwrap().unwrap().created_at;
    let clock = Arc::new(FixedClock::at(written_at + TimeDelta::hours(1)));
    let app = TestApp::with_costs(database, unlimited_cost_settings(), clock).await;
    app.assert_no_violations().await;
    app
}

/// The columns that hold JSON documents, with the key of their table.
const DOCUMENTS: [(&str, &str, &str); 9] = [
    ("audit_event", "id", "detail"),
    ("claim", "id", "pattern_when"),
    ("claim", "id", "pattern_then"),
    ("claim", "id", "pattern_among"),
    ("kept_revision", "id", "document"),
    ("repeatable", "key", "answer"),
    ("revision", "id", "document"),
    ("submission", "id", "document"),
    ("term", "id", "other_words"),
];

async fn migrations_can_be_reverted(mut database: Database) {
    restore_base(&mut database).await;
    let db = &database.connection;
    let pending = Migrator::get_pending_migrations(db).await.unwrap();
    assert_eq!(pending[0].name(), "m20261129_000027_add_reason_for_competition");
    let documents = async || {
        let mut all = Vec::new();
        for (table, key, column) in DOCUMENTS {
            let sql = format!(r#"SELECT "{column}" FROM "{table}" ORDER BY "{key}""#);
            let query = Statement::from_string(db.get_database_backend(), sql);
            for row in db.query_all_raw(query).await.unwrap() {
                all.push((table, row.try_get_by_index::<Option<Value>>(0).unwrap()));
            }
        }
        all
    };
    let before = documents().await;
    assert!(before.len() > 200, "{}", before.len());
    Migrator::up(db, None).await.unwrap();
    Migrator::down(db, Some(u32::try_from(pending.len()).unwrap()))
        .await
        .unwrap();
    assert_eq!(documents().await, before);
}

fn parse_lines(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

const WHOLE_RECORD: &str = "externalRef title summary startedOn endedOn ongoing visibility sharedWithFunders
    illustrative: isIllustrative isFullyVisible version place { code }
    leadOrganisation { identifier name kind } sharing { confirmedBy confirmedOn basis licence }
    sources { kind title url datedOn licence } missing { field reason }
    entryPoints { entryPoint perspective takenOn motivation missing { field reason } }
    challengesFaced { challenge step reasons note noticedOn perspective missing { field reason } }
    conditionsChanged { condition change missing { field reason } }
    fundingTerms { funder { identifier name kind } grantIdentifier programme currency amountMinor awardedOn startsOn
        endsOn durationMonths intendedFocus upfrontResearch upfrontResearchMonths collaborationResourced restriction
        reportingFrequency reportingBasis deliveryTimeline renewable multiSite missing { field reason } }";

/// A record as an export has it: without what is not known, and with its missing reasons as an object.
fn simplify(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(simplify).collect(),
        Value::Object(fields) => {
            let mut simple = Map::new();
            for (name, value) in fields {
                let value = match value {
                    Value::Array(reasons) if name == "missing" => {
                        let pairs = reasons
                            .iter()
                            .map(|one| (one["field"].as_str().unwrap(), &one["reason"]));
                        json!(pairs.collect::<BTreeMap<_, _>>())
                    }
                    other => simplify(other),
                };
                let is_default = value == false && ["illustrative", "sharedWithFunders"].contains(&&**name);
                if !(value.is_null() || value == json!([]) || value == json!({}) || is_default) {
                    simple.insert(name.clone(), value);
                }
            }
            simple.into()
        }
        other => other.clone(),
    }
}

/// Sorts the entry points by perspective. Their order within one stays.
fn sort_entry_points(mut record: Value) -> Value {
    if let Some(entry_points) = record.get_mut("entryPoints") {
        let entry_points = entry_points.as_array_mut().unwrap();
        entry_points.sort_by_key(|one| one["perspective"].to_string());
    }
    record
}

/// The title and the first grant of a record, which no two records share.
fn name_record(record: &Value) -> String {
    format!(
        "{} {}",
        record["title"], record["fundingTerms"][0]["grantIdentifier"]
    )
}

async fn records_are_unchanged(database: Database) {
    let app = start(database).await;
    assert_eq!(parse_lines(&export_json_lines(&app).await), parse_lines(RECORDS));

    let query = format!("{{ initiatives(first: 100) {{ totalCount nodes {{ {WHOLE_RECORD} }} }} }}");
    let output = app.client("steward").query(&query).await;
    let mut read = BTreeMap::new();
    for node in output["initiatives"]["nodes"].as_array().unwrap() {
        let mut record = simplify(node);
        assert_eq!(record["isFullyVisible"].take(), true, "{node}");
        let mut sources = record["sources"].take();
        record["source"] = sources[0].take();
        for removed in ["isFullyVisible", "sources"] {
            record.as_object_mut().unwrap().remove(removed);
        }
        read.insert(name_record(&record), sort_entry_points(record));
    }
    assert_eq!(output["initiatives"]["totalCount"], read.len());
    let exported = parse_lines(RECORDS).into_iter();
    let exported: BTreeMap<_, _> = exported
        .map(|one| (name_record(&one), sort_entry_points(simplify(&one))))
        .collect();
    assert!(read.keys().eq(exported.keys()), "{:?}", read.keys());
    for (name, record) in &exported {
        assert_eq!(&read[name], record, "{name}");
    }
}

async fn exports_can_be_imported_again(database: Database) {
    let app = start(database).await;
    for (format, file) in [
        (FileFormat::JsonLines, RECORDS.into()),
        (
            FileFormat::Xlsx,
            export_records_as(&app, ExportFormat::Xlsx).await,
        ),
        (FileFormat::Csv, export_records_as(&app, ExportFormat::Csv).await),
    ] {
        let (tally, messages) = import_records_as(&app, format, file).await;
        assert_eq!(
            (tally.unchanged, tally.refused),
            (16, 0),
            "{format:?}: {tally:?} {messages:?}"
        );
    }
    let moment = database::begin_read(&app.app.db).await.unwrap();
    let options = GrantExportOptions {
        prefix: WAYIN_IDENTIFIER_PREFIX,
        include_hidden: true,
    };
    let mut package = Vec::new();
    export_grants(&moment, options, &mut package).await.unwrap();
    moment.commit().await.unwrap();
    let package: Value = serde_json::from_slice(&package).unwrap();
    let grants = package["grants"].as_array().unwrap();
    assert!(
        grants
            .iter()
            .all(|grant| grant["recipientOrganization"][1]["id"] == "GB-CHC-709"),
        "{package}"
    );
    let identifiers: Vec<_> = grants.iter().map(|grant| &grant["id"]).collect();
    assert_eq!(
        identifiers,
        [
            "360G-Example-1",
            "360G-Example-2",
            "360G-Example-3",
            "360G-Sent-1",
            "360G-Sent-2",
            "360G-Sent-3"
        ]
    );
}

/// The versions of an object, oldest first: number and document of each.
async fn load_revisions(client: &Client<'_>, id: &Value) -> Vec<(i64, Value)> {
    let query =
        format!("{{ revisions(id: {id}, first: 20) {{ nodes {{ version document changes {{ path }} }} }} }}");
    let output = client.query(&query).await;
    let nodes = output["revisions"]["nodes"].as_array().unwrap();
    let mut revisions: Vec<_> = nodes
        .iter()
        .map(|node| (node["version"].as_i64().unwrap(), node["document"].clone()))
        .collect();
    revisions.sort_by_key(|(version, _)| *version);
    revisions
}

/// The nodes of a connection.
async fn load_nodes(client: &Client<'_>, connection: &str, fields: &str) -> Vec<Value> {
    let query = format!("{{ {connection}(first: 100) {{ nodes {{ {fields} }} }} }}");
    let mut output = client.query(&query).await;
    let Value::Array(nodes) = output[connection]["nodes"].take() else {
        panic!("{connection} is a connection")
    };
    nodes
}

/// The node of a connection with a field of this value.
async fn find_node(client: &Client<'_>, connection: &str, field: &str, value: &str) -> Value {
    let nodes = load_nodes(client, connection, &format!("id version {field}")).await;
    let found = nodes.into_iter().find(|node| node[field] == value);
    found.unwrap_or_else(|| panic!("{connection} has {value}"))
}

async fn revisions_are_readable(database: Database) {
    let app = start(database).await;
    let steward = app.client("steward");
    let initiative = find_node(&steward, "initiatives", "externalRef", "published").await;
    let revisions = load_revisions(&steward, &initiative["id"]).await;
    let summaries: Vec<_> = revisions
        .iter()
        .map(|(version, document)| (*version, &document["summary"]))
        .collect();
    assert_eq!(
        summaries,
        [
            (
                1,
                &json!("It overlaps with others.\nSecond line with an accent: é")
            ),
            (2, &json!("[redacted] Example corrected it.")),
        ]
    );
    for connection in [
        "initiatives",
        "places",
        "organisations",
        "terms",
        "meetings",
        "crises",
        "claims",
        "members",
    ] {
        for node in load_nodes(&steward, connection, "id").await {
            let revisions = load_revisions(&steward, &node["id"]).await;
            assert!(
                revisions.iter().all(|(_, document)| document.is_object()),
                "{revisions:?}"
            );
            let numbers: Vec<_> = revisions.iter().map(|(version, _)| *version).collect();
            assert_eq!(numbers.first(), Some(&1), "{connection}: {revisions:?}");
            assert!(
                numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
                "{connection}: {revisions:?}"
            );
        }
    }
}

async fn claims_have_the_same_counts(database: Database) {
    let app = start(database).await;
    let query = "{ claims(first: 50) { nodes { slug pattern {
        table { population both whenOnly thenOnly neither unknown whenUnknown thenUnknown }
        strata: groups(first: 50) { nodes { label table { both whenOnly thenOnly neither unknown } } } } } } }";
    let counted = app.client("steward").query(query).await;
    let expected: Value = serde_json::from_str(CLAIMS).unwrap();
    assert_eq!(counted["claims"]["nodes"], expected);
    assert_eq!(expected.as_array().unwrap().len(), 6);
}

async fn reference_data_is_readable(database: Database) {
    let app = start(database).await;
    let steward = app.client("steward");
    let terms = load_nodes(
        &steward,
        "terms",
        "slug name synonyms usageNote code definition version",
    )
    .await;
    assert_eq!(
        json!(terms),
        json!([
            {"slug": "ambition", "name": "Word for ambition", "synonyms": [], "usageNote": null, "code": null,
             "definition": "As [redacted] Example says", "version": 2},
            {"slug": "way-in", "name": "Word for way-in", "synonyms": ["word", "within"],
             "usageNote": "Say where, not how well.", "code": "COLLABORATION",
             "definition": "As [redacted] Example says", "version": 1},
        ])
    );
    let term = find_node(&steward, "terms", "slug", "ambition").await;
    let revisions = load_revisions(&steward, &term["id"]).await;
    assert_eq!(revisions[0].1["synonyms"], json!(["word", "within"]));
    assert_eq!(revisions[0].1["usageNote"], "Say where, not how well.");
    assert_eq!(revisions[1].1["name"], "Word for ambition");

    let place = find_node(&steward, "places", "name", "Seaton Example").await;
    let documents = load_revisions(&steward, &place["id"]).await;
    let parent_counts: Vec<_> = documents
        .iter()
        .map(|(_, document)| document["parents"].as_array().unwrap().len())
        .collect();
    assert_eq!(parent_counts, [1, 2]);

    let claim = find_node(&steward, "claims", "slug", "in-a-crisis").await;
    let revisions = load_revisions(&steward, &claim["id"]).await;
    let during = json!({"activeDuring": {"crisis": "example-crisis"}});
    assert_eq!(revisions[0].1["when"], during);
    assert_eq!(revisions[1].1["when"]["and"][0], during);
    assert_eq!(
        revisions[1].1["then"]["and"][0],
        json!({"not": {"not": {"fundingTerms": {"isRecorded": true}}}})
    );
    let query = "{ meetings { nodes { title theme heldOn registrationUrl reflections { perspective challenge text } } }
        crises { nodes { slug from to places { code } } } }";
    assert_eq!(
        steward.query(query).await,
        json!({
            "meetings": {"nodes": [{
                "title": "Example meeting", "theme": "Time", "heldOn": "2024-05-01",
                "registrationUrl": "https://example.org/register",
                "reflections": [{"perspective": "FUNDER", "challenge": "DEFINING_AMBITIONS", "text": "There was no time."}],
            }]},
            "crises": {"nodes": [
                {"slug": "later-crisis", "from": "2024-01-01", "to": null, "places": []},
                {"slug": "example-crisis", "from": "2020-03-01", "to": "2021-03-31",
                 "places": [{"code": "E12000001"}, {"code": "E08000025"}]},
            ]},
        })
    );
    let alias = steward
        .query("{ organisation(identifier: \"GB-CHC-78\") { name } }")
        .await;
    assert_eq!(alias["organisation"]["name"], "Example Group");
}

/// A save that leaves fields out reads the stored ones.
async fn reference_data_can_be_edited(database: Database) {
    let app = start(database).await;
    let steward = app.client("steward");
    for (name, connection, field, value, edit) in [
        (
            "saveClaim",
            "claims",
            "slug",
            "in-a-crisis",
            json!({"statement": "A third version"}),
        ),
        (
            "saveTerm",
            "terms",
            "slug",
            "way-in",
            json!({"definition": "Where one starts"}),
        ),
        (
            "savePlace",
            "places",
            "name",
            "Seaton Example",
            json!({"kind": "WARD"}),
        ),
        (
            "saveCrisis",
            "crises",
            "slug",
            "example-crisis",
            json!({"name": "Another name"}),
        ),
        (
            "saveMeeting",
            "meetings",
            "title",
            "Example meeting",
            json!({"theme": "Money"}),
        ),
        (
            "saveOrganisation",
            "organisations",
            "name",
            "Example Trust",
            json!({"autoPublish": true}),
        ),
    ] {
        let before = find_node(&steward, connection, field, value).await;
        let mut input = edit;
        input["id"] = before["id"].clone();
        input["version"] = before["version"].clone();
        let (_, version) = save_reference_data(&steward, name, input).await;
        assert_eq!(version, before["version"].as_i64().unwrap() + 1, "{name}");
    }
    app.assert_no_violations().await;
}

async fn members_and_their_rights_are_unchanged(database: Database) {
    let app = start(database).await;
    for (subject, role, organisation, initiatives) in [
        ("steward", "STEWARD", Value::Null, 16),
        ("partner", "PARTNER", json!("GB-CHC-500"), 15),
        ("trusted", "PARTNER", json!("GB-CHC-501"), 15),
        ("funder", "FUNDER", json!("GB-CHC-900"), 15),
        ("dashboard", "DASHBOARD", Value::Null, 13),
    ] {
        let query = "{ viewer { role organisation { identifier } } initiatives { totalCount } }";
        let output = app.client(subject).query(query).await;
        assert_eq!(
            json!([
                output["viewer"]["role"],
                output["viewer"]["organisation"]["identifier"],
                output["initiatives"]["totalCount"]
            ]),
            json!([role, organisation, initiatives]),
            "{subject}"
        );
    }
    let steward = app.client("steward");
    let members = load_nodes(&steward, "members", "subject revokedAt").await;
    let revoked = members.iter().filter(|member| !member["revokedAt"].is_null());
    let mut revoked: Vec<_> = revoked.map(|member| &member["subject"]).collect();
    revoked.sort_by_key(ToString::to_string);
    assert_eq!(
        (members.len(), revoked),
        (8, vec![&json!("former"), &json!("left")])
    );
    let tokens = load_nodes(
        &steward,
        "tokens",
        "name revokedAt revokedBy { subject } member { subject }",
    )
    .await;
    let revoked: Vec<_> = tokens
        .iter()
        .filter(|token| !token["revokedAt"].is_null())
        .collect();
    assert_eq!((tokens.len(), revoked.len()), (8, 1), "{tokens:?}");
    assert_eq!(revoked[0]["name"], "An example dashboard");
}

/// The submissions that a client can see, by reference and state. Of several with the same, the newest.
async fn load_submissions(client: &Client<'_>) -> BTreeMap<String, Value> {
    let fields =
        "id state version record reviewNote initiativeVersion submittedAt decidedAt problems { code }";
    let mut submissions = BTreeMap::new();
    for node in load_nodes(client, "submissions", fields).await {
        let (reference, state) = (&node["record"]["externalRef"], &node["state"]);
        let name = format!("{} {}", reference.as_str().unwrap(), state.as_str().unwrap());
        submissions.entry(name).or_insert(node);
    }
    submissions
}

async fn submissions_can_be_continued(database: Database) {
    let app = start(database).await;
    let (partner, steward) = (app.client("partner"), app.client("steward"));
    let all = load_submissions(&partner).await;
    let states: Vec<_> = all.keys().map(String::as_str).collect();
    assert_eq!(
        states,
        [
            "command DRAFT",
            "discarded DISCARDED",
            "draft DRAFT",
            "file-bad-date DRAFT",
            "file-good SUBMITTED",
            "file-no-place DRAFT",
            "file-placeholder DRAFT",
            "published DRAFT",
            "published PUBLISHED",
            "returned CHANGES_REQUESTED",
            "sent SUBMITTED",
            "sent-again SUBMITTED",
            "table-1 DRAFT",
            "table-2 DRAFT",
            "withdrawn PUBLISHED",
        ]
    );
    let returned = &all["returned CHANGES_REQUESTED"];
    assert_eq!(returned["reviewNote"], "Which year did it start?");
    assert!(returned["submittedAt"].is_string() && returned["decidedAt"].is_string());
    assert_eq!(all["sent-again SUBMITTED"]["reviewNote"], Value::Null);
    assert_ne!(all["draft DRAFT"]["problems"], json!([]));
    let refused = mutate(
        &partner,
        "submitForReview",
        json!({"id": all["discarded DISCARDED"]["id"]}),
    )
    .await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("WRONG_STATE", "id")])
    );

    // A draft, a returned one and a correction are edited and submitted; then they are published like the others.
    for (name, version) in [
        ("draft DRAFT", 1),
        ("returned CHANGES_REQUESTED", 1),
        ("published DRAFT", 1),
    ] {
        let before = &all[name];
        assert_eq!(before["version"], version, "{name}");
        let mut record = all["sent SUBMITTED"]["record"].clone();
        record["externalRef"] = before["record"]["externalRef"].clone();
        record["summary"] = "Continued".into();
        let input = json!({"id": before["id"], "version": before["version"], "record": record});
        let saved = mutate_ok(&partner, "saveSubmission", input).await;
        assert_eq!(
            (&saved["version"], &saved["problems"]),
            (&json!(version + 1), &json!([])),
            "{name}"
        );
        mutate_ok(&partner, "submitForReview", json!({"id": before["id"]})).await;
    }
    let given_back = json!({"id": all["sent-again SUBMITTED"]["id"], "note": "And the end?"});
    let given_back = mutate_ok(&steward, "requestChanges", given_back).await;
    assert_eq!(given_back["state"], "CHANGES_REQUESTED");
    for (name, version) in [
        ("draft DRAFT", 1),
        ("returned CHANGES_REQUESTED", 1),
        ("sent SUBMITTED", 1),
        ("file-good SUBMITTED", 1),
        ("published DRAFT", 3),
    ] {
        let payload = mutate(&steward, "publishSubmission", json!({"id": all[name]["id"]})).await;
        assert_eq!(payload["problems"], json!([]), "{name}: {payload}");
        assert_eq!(payload["submission"]["initiative"]["version"], version, "{name}");
    }
    app.catch_up().await;
    app.assert_no_violations().await;
}

/// The number of events and of objects that a repeated mutation would add to.
async fn count_everything(steward: &Client<'_>) -> Value {
    let counts =
        "{ auditEvents { totalCount } submissions { totalCount } imports { totalCount } claims { totalCount }
        organisations { totalCount } members { totalCount } tokens { totalCount } places { totalCount } }";
    steward.query(counts).await
}

async fn mutations_of_submissions_are_replayed(database: Database) {
    let app = start(database).await;
    let (partner, steward) = (app.client("partner"), app.client("steward"));
    let before = count_everything(&steward).await;
    let all = load_submissions(&partner).await;
    for (name, input, state) in [
        (
            "saveSubmission",
            json!({"record": all["draft DRAFT"]["record"], "idempotencyKey": "save draft"}),
            "DRAFT",
        ),
        (
            "saveSubmission",
            json!({"record": all["returned CHANGES_REQUESTED"]["record"], "idempotencyKey": "save returned"}),
            "DRAFT",
        ),
        (
            "discardSubmission",
            json!({"id": all["discarded DISCARDED"]["id"], "idempotencyKey": "discard"}),
            "DISCARDED",
        ),
    ] {
        let replayed = mutate_ok(&partner, name, input).await;
        assert_eq!(
            (&replayed["state"], &replayed["version"]),
            (&json!(state), &json!(1)),
            "{name}"
        );
    }
    // It was corrected later. The stored result is the first version.
    let versions = load_nodes(&steward, "submissions", "id state record initiativeVersion").await;
    let first = versions.iter().find(|one| {
        let is_new = one["initiativeVersion"].is_null() && one["state"] == "PUBLISHED";
        is_new && one["record"]["externalRef"] == "published"
    });
    let publish =
        json!({"id": first.unwrap()["id"], "reason": "Reviewed", "idempotencyKey": "publish published"});
    let payload = mutate(&steward, "publishSubmission", publish).await;
    assert_eq!(payload["problems"], json!([]), "{payload}");
    assert_eq!(payload["submission"]["state"], "PUBLISHED");
    assert_eq!(payload["submission"]["record"], first.unwrap()["record"]);
    assert!(payload["changeNumber"].is_i64(), "{payload}");

    let withdrawn = steward
        .query("{ auditEvents(filter: {action: \"withdrawInitiative\"}) { nodes { subjectId } } }")
        .await;
    let id = &withdrawn["auditEvents"]["nodes"][0]["subjectId"];
    let input = json!({"id": id, "reason": "It was another's", "idempotencyKey": "withdraw"});
    let query = "mutation($input: WithdrawInitiativeInput!) { withdrawInitiative(input: $input) {
        revision { version document } changeNumber problems { code } } }";
    let response = steward.execute_with(query, json!({"input": input})).await;
    let replayed = &response["data"]["withdrawInitiative"];
    assert_eq!(replayed["problems"], json!([]), "{response}");
    assert_eq!(replayed["revision"]["version"], 2);
    assert_eq!(replayed["revision"]["document"]["externalRef"], "withdrawn");
    assert_eq!(count_everything(&steward).await, before, "nothing ran twice");
}

async fn mutations_of_reference_data_are_replayed(database: Database) {
    let app = start(database).await;
    let steward = app.client("steward");
    let before = count_everything(&steward).await;
    let meeting = find_node(&steward, "meetings", "title", "Example meeting").await;
    let members = load_nodes(&steward, "members", "id subject").await;
    let member = |subject: &str| members.iter().find(|one| one["subject"] == subject).unwrap()["id"].clone();
    let short = json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}});
    let skipped = json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}});
    let reflections = steward
        .query("{ meetings { nodes { reflections { id } } } }")
        .await;
    let reflection = &reflections["meetings"]["nodes"][0]["reflections"][0]["id"];
    for (name, key, input) in [
        (
            "saveOrganisation",
            "organisation",
            json!({"name": "Example Trust", "identifier": "GB-CHC-77", "kind": "FUNDER"}),
        ),
        (
            "saveMeeting",
            "meeting",
            json!({"title": "Example meeting", "heldOn": "2024-05-01", "theme": "Time",
                   "registrationUrl": "https://example.org/register"}),
        ),
        (
            "saveReflection",
            "reflection",
            json!({"meeting": meeting["id"], "perspective": "FUNDER", "challenge": "DEFINING_AMBITIONS",
                   "text": "There was no time."}),
        ),
        (
            "saveCrisis",
            "crisis",
            json!({"slug": "example-crisis", "name": "Example crisis", "from": "2020-03-01", "to": "2021-03-31",
                   "places": [{"code": "E12000001"}, {"code": "E08000025"}]}),
        ),
        (
            "saveClaim",
            "claim short-funding",
            json!({"slug": "short-funding", "statement": "Example claim short-funding", "when": short,
                   "then": skipped, "among": null, "by": "REGION", "reflection": reflection}),
        ),
        (
            "saveMember",
            "member",
            json!({"issuer": ISSUER, "subject": "added", "role": "DASHBOARD"}),
        ),
        (
            "revokeMember",
            "revoke member",
            json!({"id": member("left"), "reason": "They left"}),
        ),
    ] {
        let mut input = input;
        input["idempotencyKey"] = key.into();
        let (id, version) = save_reference_data(&steward, name, input).await;
        let expected = if name == "revokeMember" { 2 } else { 1 };
        assert_eq!(version, expected, "{name} {id}");
    }
    let issue = json!({"member": member("added"), "name": "An example dashboard", "days": 366, "idempotencyKey": "token"});
    let issued = issue_token(&steward, issue).await;
    assert_eq!(issued["problems"], json!([]), "{issued}");
    assert_eq!(
        issued["issuedToken"]["revokedAt"],
        Value::Null,
        "it was revoked later"
    );
    assert!(issued["token"].is_string());
    assert_eq!(count_everything(&steward).await, before, "nothing ran twice");
}

async fn mutations_with_new_names_are_replayed(database: Database) {
    let app = start(database).await;
    let (partner, steward) = (app.client("partner"), app.client("steward"));
    let before = count_everything(&steward).await;
    let id = load_submissions(&partner).await["returned CHANGES_REQUESTED"]["id"].clone();
    let submit = json!({"id": id, "idempotencyKey": "send returned"});
    let replayed = mutate_ok(&partner, "submitForReview", submit).await;
    assert_eq!(replayed["state"], "SUBMITTED");
    let give_back =
        json!({"id": id, "note": "Which year did it start?", "idempotencyKey": "return returned"});
    let replayed = mutate_ok(&steward, "requestChanges", give_back).await;
    assert_eq!(replayed["state"], "CHANGES_REQUESTED");
    assert_eq!(replayed["reviewNote"], "Which year did it start?");

    let query = "mutation($input: RedactTextInput!) { redactText(input: $input) {
        initiatives revisions submissions auditEvents imports problems { code } } }";
    let input = json!({"text": "Zelda", "reason": "They asked", "idempotencyKey": "redact"});
    let response = steward.execute_with(query, json!({"input": input})).await;
    assert_eq!(
        response["data"]["redactText"],
        json!({"initiatives": 1, "revisions": 4, "submissions": 2, "auditEvents": 0, "imports": 0, "problems": []}),
        "{response}"
    );

    let imports = load_imports(&steward).await;
    for (subject, name, key, input) in [
        ("partner", "table.csv", "import table", json!({"mode": "DRAFT"})),
        (
            "partner",
            "records.jsonl",
            "import records",
            json!({"mode": "SUBMIT"}),
        ),
        (
            "funder",
            "grants.json",
            "import grants",
            json!({"kind": "GRANTS_360GIVING"}),
        ),
    ] {
        let id = decode_as(NodeKind::Import, imports[name]["id"].as_str().unwrap()).unwrap();
        let chunk = import_chunk::Entity::find_by_id((id, 1))
            .one(&app.app.db)
            .await
            .unwrap();
        let mut input = input;
        input["idempotencyKey"] = key.into();
        let sent = send_file(&app, &app.client(subject), name, chunk.unwrap().bytes, input).await;
        let replayed = &sent["data"]["importRecords"];
        assert_eq!(replayed["problems"], json!([]), "{sent}");
        assert_eq!(replayed["import"]["id"], imports[name]["id"]);
        assert_eq!(replayed["import"]["state"], "QUEUED", "as it was at first");
        assert_eq!(list_counts(&replayed["import"]), [0; 8]);
    }
    assert_eq!(count_everything(&steward).await, before, "nothing ran twice");
}

/// The result under such a key is not returned, because the request cannot be the same. Nothing runs twice.
async fn keys_for_input_with_new_names_are_refused(database: Database) {
    let app = start(database).await;
    let steward = app.client("steward");
    let before = count_everything(&steward).await;
    let reused = to_owned_pairs(&[("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")]);
    for (name, input) in [
        (
            "saveTerm",
            json!({"slug": "ambition", "name": "Word for ambition", "definition": "As Zelda Example says",
                   "synonyms": ["word", "within"], "usageNote": "Say where, not how well.", "code": null,
                   "idempotencyKey": "term ambition"}),
        ),
        (
            "savePlace",
            json!({"name": "Seaton Example", "kind": "NEIGHBOURHOOD", "parents": [{"code": "E06000001"}],
                   "idempotencyKey": "place"}),
        ),
    ] {
        let refused = send_mutation(&steward, name, input).await;
        assert_eq!(list_problems(&refused["problems"]), reused, "{name}");
    }
    assert_eq!(count_everything(&steward).await, before);
}

const IMPORT_FIELDS: &str =
    "id fileName kind mode state failureReason notes rowsProcessed draftCount submittedCount publishedCount
    unchangedCount invalidCount rejectedCount warningCount correctionsUrl createdBy { subject }";

async fn load_imports(client: &Client<'_>) -> BTreeMap<String, Value> {
    let imports = load_nodes(client, "imports", IMPORT_FIELDS).await.into_iter();
    imports
        .map(|import| (import["fileName"].as_str().unwrap().to_owned(), import))
        .collect()
}

/// The counts of an import: of all rows, drafts, submitted, published, unchanged, invalid and rejected ones, warnings.
fn list_counts(import: &Value) -> Vec<i64> {
    let counts = [
        "rowsProcessed",
        "draftCount",
        "submittedCount",
        "publishedCount",
        "unchangedCount",
        "invalidCount",
        "rejectedCount",
        "warningCount",
    ];
    counts.map(|count| import[count].as_i64().unwrap()).to_vec()
}

async fn imports_are_readable(database: Database) {
    let app = start(database).await;
    let (partner, steward) = (app.client("partner"), app.client("steward"));
    let imports = load_imports(&steward).await;
    for (name, kind, mode, state, sender, counts) in [
        (
            "again.jsonl",
            "RECORDS",
            "SUBMIT",
            "COMPLETED",
            "partner",
            [2, 0, 0, 0, 1, 0, 1, 0],
        ),
        (
            "command.jsonl",
            "RECORDS",
            "DRAFT",
            "COMPLETED",
            "partner",
            [1, 1, 0, 0, 0, 0, 0, 0],
        ),
        ("empty.csv", "RECORDS", "DRAFT", "FAILED", "partner", [0; 8]),
        (
            "grants.json",
            "GRANTS_360GIVING",
            "DRAFT",
            "COMPLETED",
            "funder",
            [3, 0, 0, 3, 0, 0, 0, 3],
        ),
        ("queued.jsonl", "RECORDS", "DRAFT", "QUEUED", "partner", [0; 8]),
        (
            "records.jsonl",
            "RECORDS",
            "SUBMIT",
            "COMPLETED",
            "partner",
            [7, 0, 1, 0, 0, 3, 3, 0],
        ),
        ("running.xlsx", "RECORDS", "DRAFT", "RUNNING", "partner", [0; 8]),
        (
            "table.csv",
            "RECORDS",
            "DRAFT",
            "COMPLETED",
            "partner",
            [2, 2, 0, 0, 0, 0, 0, 1],
        ),
        (
            "trusted.jsonl",
            "RECORDS",
            "SUBMIT",
            "COMPLETED",
            "trusted",
            [2, 0, 0, 1, 1, 0, 0, 0],
        ),
    ] {
        let import = &imports[name];
        assert_eq!(
            json!([
                import["kind"],
                import["mode"],
                import["state"],
                import["createdBy"]["subject"]
            ]),
            json!([kind, mode, state, sender]),
            "{name}"
        );
        assert_eq!(list_counts(import), counts, "{name}");
    }
    assert_eq!(imports.len(), 9);
    assert_eq!(
        imports["empty.csv"]["failureReason"],
        "The file has no rows to import."
    );
    assert_eq!(
        imports["table.csv"]["notes"][1],
        "The columns are separated by semicolons."
    );
    assert_eq!(
        load_rows(&partner, &imports["records.jsonl"]).await,
        [
            "1 SUBMITTED - -",
            "2 INVALID REQUIRED place",
            "3 INVALID INVALID_FORMAT startedOn",
            "4 INVALID INVALID_FORMAT startedOn",
            "5 REJECTED DUPLICATE externalRef",
            "6 REJECTED DUPLICATE externalRef",
            "7 REJECTED INVALID_FORMAT -",
        ]
    );
    let url = imports["records.jsonl"]["correctionsUrl"].as_str().unwrap();
    let (status, workbook) = download(&app, url, Some("partner")).await;
    assert!(status.is_success() && workbook.starts_with(b"PK"), "{status}");
    let corrections = read_typed_records(FileFormat::Xlsx, &workbook);
    assert_eq!(corrections.len(), 5, "{corrections:?}");
    let (status, workbook) = download(&app, "/submissions/corrections.xlsx", Some("partner")).await;
    assert!(status.is_success() && workbook.starts_with(b"PK"), "{status}");
}

async fn unfinished_imports_continue(database: Database) {
    let app = start(database).await;
    let (partner, steward) = (app.client("partner"), app.client("steward"));
    assert_eq!(worker::run_queued(&app.app).await.unwrap(), 2);
    let imports = load_imports(&steward).await;
    assert_eq!(imports["running.xlsx"]["state"], "COMPLETED");
    assert_eq!(list_counts(&imports["running.xlsx"]), [16, 10, 0, 0, 0, 0, 6, 0]);
    assert_eq!(imports["queued.jsonl"]["state"], "COMPLETED");
    assert_eq!(list_counts(&imports["queued.jsonl"]), [2, 2, 0, 0, 0, 0, 0, 0]);
    let submissions = load_submissions(&partner).await;
    assert!(submissions.contains_key("queued-1 DRAFT"));
    // The same file can be sent again under another key.
    let sent = send_file(
        &app,
        &partner,
        "more.jsonl",
        r#"{"externalRef": "more"}"#,
        json!({"mode": "SUBMIT"}),
    )
    .await;
    assert_eq!(sent["data"]["importRecords"]["problems"], json!([]), "{sent}");
    assert_eq!(worker::run_queued(&app.app).await.unwrap(), 1);
    let imports = load_imports(&steward).await;
    assert_eq!(list_counts(&imports["more.jsonl"]), [1, 0, 0, 0, 0, 1, 0, 0]);
    app.assert_no_violations().await;
}

async fn history_is_readable_under_the_new_names(database: Database) {
    let app = start(database).await;
    let steward = app.client("steward");
    let fields = "action subjectType subjectId actor { subject } detail";
    let events = async |action: &str| {
        let query = format!(
            "{{ auditEvents(filter: {{action: \"{action}\"}}, first: 50) {{ nodes {{ {fields} }} }} }}"
        );
        let mut output = steward.query(&query).await;
        let Value::Array(events) = output["auditEvents"]["nodes"].take() else {
            panic!("{action} has events")
        };
        events
    };
    for (action, count) in [
        ("submitForReview", 8),
        ("requestChanges", 2),
        ("redactText", 1),
        ("sendSubmission", 0),
        ("returnSubmission", 0),
        ("publishSubmission", 3),
        ("endImport", 4),
    ] {
        assert_eq!(events(action).await.len(), count, "{action}");
    }
    for event in events("requestChanges").await {
        assert_eq!(event["actor"]["subject"], "steward");
        assert_eq!(event["detail"]["state"], "CHANGES_REQUESTED");
        assert_eq!(event["detail"]["of"]["note"], "Which year did it start?");
    }
    let mut modes = Vec::new();
    for event in events("importRecords").await {
        let detail = &event["detail"];
        assert_eq!(detail.get("as"), None, "{event}");
        modes.push(format!(
            "{} {}",
            detail["fileName"].as_str().unwrap(),
            detail["mode"].as_str().unwrap_or("-")
        ));
    }
    modes.sort();
    assert_eq!(
        modes,
        [
            "again.jsonl -",
            "again.jsonl SUBMIT",
            "command.jsonl DRAFT",
            "empty.csv DRAFT",
            "grants.json DRAFT",
            "queued.jsonl DRAFT",
            "records.jsonl -",
            "records.jsonl SUBMIT",
            "running.xlsx DRAFT",
            "table.csv DRAFT",
            "trusted.jsonl SUBMIT",
        ]
    );
    let cleared: Vec<_> = events("saveTerm").await;
    let cleared: Vec<_> = cleared
        .iter()
        .filter_map(|event| event["detail"].get("cleared"))
        .collect();
    assert_eq!(cleared, [&json!(["usageNote", "synonyms"])]);
    let redactions = &read_all_text(&app).await;
    assert!(!redactions.contains("Zelda"));

    let query = "{ initiatives { totalCount } distribution(of: PLACE) { asOf { changeNumber } } }";
    let before = steward.query(query).await["distribution"]["asOf"]["changeNumber"].take();
    let term = find_node(&steward, "initiatives", "externalRef", "b").await;
    let withdrawn = json!({"input": {"id": term["id"], "reason": "It was another's"}});
    let query = "mutation($input: WithdrawInitiativeInput!) { withdrawInitiative(input: $input) { changeNumber problems { code } } }";
    let after = steward.execute_with(query, withdrawn).await;
    let number = &after["data"]["withdrawInitiative"]["changeNumber"];
    assert_eq!(
        number.as_i64(),
        before.as_i64().map(|before| before + 1),
        "{after}"
    );
    app.assert_no_violations().await;
}
