//! Stewards maintain places, organisations, terms, meetings, reflections, crises, claims and members. Every
//! save creates a version, an audit event and a result for replays.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use wayin_entity::{ReferenceKind, Role, entity_revision};

use crate::support::app::{Client, ISSUER, TestApp};
use crate::support::builders::record;
use crate::support::places::{PLACES, start_with_places};
use crate::support::reference_data::{
    build_valid_inputs, find_payload_field, save_reference_data, send_mutation,
};
use crate::support::{Database, tests_on_both_databases};

mod organisation_merge;

tests_on_both_databases![
    every_save_is_versioned_audited_and_idempotent,
    replayed_save_returns_the_original_state,
    all_problems_are_reported_together,
    first_save_records_the_initial_version,
    imports_create_versions,
    moved_place_keeps_its_records,
    place_hierarchy_has_no_cycles_and_a_depth_limit,
    place_code_cannot_change,
    reflections_keep_their_order,
    changed_crisis_changes_answers,
    unanswerable_claim_is_rejected,
    revoked_member_has_no_access,
    last_steward_cannot_be_revoked,
    concurrent_revocations_leave_one_steward,
    only_stewards_save_reference_data,
];

/// The codes and paths of the problems, sorted by path.
async fn list_rejections(client: &Client<'_>, name: &str, input: Value) -> Vec<String> {
    let payload = send_mutation(client, name, input.clone()).await;
    let (field, _) = find_payload_field(name);
    assert_eq!(payload[field], Value::Null, "{name} {input}: {payload}");
    list_problems(&payload)
}

fn list_problems(payload: &Value) -> Vec<String> {
    let mut all: Vec<String> = payload["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            let steps: Vec<&str> = error["path"]
                .as_array()
                .unwrap()
                .iter()
                .map(|step| step.as_str().unwrap())
                .collect();
            format!("{} {}", steps.join("/"), error["code"].as_str().unwrap())
        })
        .collect();
    all.sort();
    all
}

/// Every version of an object, the newest first.
async fn list_versions(client: &Client<'_>, id: &str) -> Vec<Value> {
    let query = format!(
        "{{ revisions(id: {id:?}) {{ totalCount nodes {{ version createdAt actorId reason document changes {{ path before after }} }} }} }}"
    );
    match client.query(&query).await["revisions"]["nodes"].take() {
        Value::Array(nodes) => nodes,
        _ => Vec::new(),
    }
}

async fn every_save_is_versioned_audited_and_idempotent(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let me = steward.query("{ viewer { id } }").await["viewer"]["id"].take();
    for (name, input, field, value) in build_valid_inputs(&steward).await {
        let with = |pairs: &[(&str, Value)]| {
            let mut input = input.clone();
            for (field, value) in pairs {
                input[*field] = value.clone();
            }
            input
        };
        let keyed = with(&[
            ("idempotencyKey", json!(name)),
            ("reason", json!("It was asked for")),
        ]);
        let first = send_mutation(&steward, name, keyed.clone()).await;
        assert_eq!(first["problems"], json!([]), "{name}: {first}");
        assert_eq!(
            send_mutation(&steward, name, keyed.clone()).await,
            first,
            "{name}: again"
        );
        let mut other = keyed;
        other[field] = value.clone();
        assert_eq!(
            list_rejections(&steward, name, other).await,
            ["idempotencyKey IDEMPOTENCY_KEY_REUSED"],
            "{name}"
        );
        let (what, _) = find_payload_field(name);
        let id = first[what]["id"].as_str().unwrap();
        assert_eq!(first[what]["version"], 1, "{name}");
        // Members are identified by their subject, all others by their id.
        let own = if name == "saveMember" {
            vec![]
        } else {
            vec![("id", json!(id))]
        };
        let save = |version: i64, more: &[(&str, Value)]| {
            with(&[own.as_slice(), &[("version", json!(version))], more].concat())
        };
        let (_, version) = save_reference_data(&steward, name, save(1, &[(field, value.clone())])).await;
        assert_eq!(version, 2, "{name}");
        let stale = send_mutation(&steward, name, save(1, &[])).await;
        assert_eq!(list_problems(&stale), ["version STALE_VERSION"], "{name}");
        let changed = stale["conflicts"].as_array().unwrap();
        assert_eq!(changed.len(), 1, "{name}: {stale}");
        assert_eq!(changed[0]["path"], json!([field]), "{name}");
        assert_eq!(changed[0]["after"], value, "{name}");
        assert_eq!(
            list_rejections(&steward, name, save(9, &[])).await,
            ["version NOT_FOUND"],
            "{name}"
        );
        let output = list_versions(&steward, id).await;
        let versions: Vec<&Value> = output.iter().map(|one| &one["version"]).collect();
        assert_eq!(versions, [2, 1], "{name}");
        assert_eq!(output[0]["changes"], stale["conflicts"], "{name}");
        assert_eq!(output[0]["document"][field], value, "{name}");
        assert_eq!(output[1]["reason"], "It was asked for", "{name}");
        assert_eq!(
            (&output[0]["actorId"], &output[1]["actorId"]),
            (&me, &me),
            "{name}"
        );
        let events = steward
            .query(&format!(
                "{{ auditEvents(filter: {{subject: {id:?}}}) {{ nodes {{ action subjectType subjectId actor {{ id }} versionBefore versionAfter }} }} }}"
            ))
            .await;
        let event = |before: Value, after: i32| {
            let subject = format!("{}{}", what[..1].to_uppercase(), &what[1..]);
            json!({"action": name, "subjectType": subject, "subjectId": id, "actor": {"id": me},
                   "versionBefore": before, "versionAfter": after})
        };
        assert_eq!(
            events["auditEvents"]["nodes"],
            json!([event(json!(1), 2), event(Value::Null, 1)]),
            "{name}"
        );
        // Each object can be found by its id.
        let node = steward
            .query(&format!("{{ node(id: {id:?}) {{ __typename id }} }}"))
            .await;
        assert_eq!(node["node"]["id"], id, "{name}");
    }
    let (_, code) = steward
        .query_error("{ revisions(id: \"nothing\") { totalCount } }")
        .await;
    assert_eq!(code, "BAD_USER_INPUT");
}

async fn replayed_save_returns_the_original_state(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    for (name, input, field, value) in build_valid_inputs(&steward).await {
        let mut keyed = input.clone();
        keyed["idempotencyKey"] = json!(name);
        let first = send_mutation(&steward, name, keyed.clone()).await;
        assert_eq!(first["problems"], json!([]), "{name}: {first}");
        let (what, _) = find_payload_field(name);
        let mut later = input;
        if name != "saveMember" {
            later["id"] = first[what]["id"].clone();
        }
        later[field] = value;
        let (_, version) = save_reference_data(&steward, name, later).await;
        assert_eq!(version, 2, "{name}");
        assert_eq!(send_mutation(&steward, name, keyed).await, first, "{name}: again");
    }
    // A replay returns the objects that were referred to at that time.
    let ask = "mutation($place: SavePlaceInput!, $crisis: SaveCrisisInput!) {
        savePlace(input: $place) { changeNumber place { id version name parents { name } } }
        saveCrisis(input: $crisis) { changeNumber crisis { id version name places { name } } } }";
    let both = json!([{"code": "E06000002"}, {"code": "E06000001"}]);
    let variables = json!({
        "place": {"name": "Here", "kind": "NEIGHBOURHOOD", "parents": both, "idempotencyKey": "place"},
        "crisis": {"slug": "a-storm", "name": "A storm", "from": "2020-01-01", "places": both, "idempotencyKey": "crisis"},
    });
    let first = steward.execute_with(ask, variables.clone()).await;
    assert_eq!(first.get("errors"), None, "{first}");
    let (place, crisis) = (
        &first["data"]["savePlace"]["place"],
        &first["data"]["saveCrisis"]["crisis"],
    );
    assert_eq!(
        place["parents"],
        json!([{"name": "Hartlepool"}, {"name": "Middlesbrough"}])
    );
    let moved = json!({"id": place["id"], "name": "There", "kind": "WARD", "parents": []});
    save_reference_data(&steward, "savePlace", moved).await;
    let spread =
        json!({"id": crisis["id"], "slug": "a-storm", "name": "Storms", "from": "2020-01-01", "places": []});
    save_reference_data(&steward, "saveCrisis", spread).await;
    assert_eq!(steward.execute_with(ask, variables).await, first);
    let now = format!(
        "{{ node(id: {}) {{ ... on Place {{ version name parents {{ name }} }} }} }}",
        place["id"]
    );
    assert_eq!(
        steward.query(&now).await["node"],
        json!({"version": 2, "name": "There", "parents": []})
    );
}

#[expect(clippy::too_many_lines, reason = "one line for each mistake that can be made")]
async fn all_problems_are_reported_together(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let (meeting, _) = save_reference_data(
        &steward,
        "saveMeeting",
        json!({"title": "The first", "heldOn": "2024-05-01"}),
    )
    .await;
    save_reference_data(
        &steward,
        "saveTerm",
        json!({"slug": "taken", "name": "W", "definition": "D"}),
    )
    .await;
    let missing = steward.query("{ place(code: \"E06000001\") { id } }").await["place"]["id"].take();
    let no_such = |kind: u8| {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
        let mut bytes = BASE64.decode(missing.as_str().unwrap()).unwrap();
        bytes[0] = kind;
        bytes[16] ^= 1;
        BASE64.encode(bytes)
    };
    let long = |most: usize| "x".repeat(most + 1);
    let cases = [
        (
            "savePlace",
            json!({"name": " ", "kind": "REGION", "code": "E06000001", "parents": [{"code": "E99"}, {"id": no_such(b'P')}],
                   "successor": {"code": "E98"}, "version": 1, "reason": " "}),
            vec![
                "code CONFLICT",
                "kind CONTRADICTORY",
                "name REQUIRED",
                "parents/0 NOT_FOUND",
                "parents/1 NOT_FOUND",
                "reason REQUIRED",
                "successor NOT_FOUND",
                "version CONTRADICTORY",
            ],
        ),
        (
            "savePlace",
            json!({"name": long(200), "kind": "REGION", "code": "nine"}),
            vec!["code INVALID_FORMAT", "name TOO_LONG"],
        ),
        (
            "saveTerm",
            json!({"slug": "taken", "name": long(100), "definition": "Ask jo@example.org",
                   "synonyms": ["a", "a", ""], "usageNote": "Ring 020 7946 0018", "code": "NO_SUCH_CODE"}),
            vec![
                "code NOT_FOUND",
                "definition PERSONAL_DATA",
                "name TOO_LONG",
                "slug CONFLICT",
                "synonyms/1 DUPLICATE",
                "synonyms/2 REQUIRED",
                "usageNote PERSONAL_DATA",
            ],
        ),
        (
            "saveTerm",
            json!({"slug": "Not a slug", "name": "", "definition": long(2000), "id": no_such(b'T')}),
            vec![
                "definition TOO_LONG",
                "id NOT_FOUND",
                "name REQUIRED",
                "slug INVALID_FORMAT",
            ],
        ),
        (
            "saveMeeting",
            json!({"title": "The first", "theme": "With jo@example.org", "heldOn": "0001-01-01",
                   "registrationUrl": "javascript:alert(1)"}),
            vec![
                "heldOn OUT_OF_RANGE",
                "registrationUrl INVALID_FORMAT",
                "theme PERSONAL_DATA",
                "title CONFLICT",
            ],
        ),
        (
            "saveReflection",
            json!({"meeting": no_such(b'M'), "perspective": "FUNDER", "challenge": "DEFINING_AMBITIONS",
                   "entryPoint": "COMPLEXITY", "place": {"code": "E99"}, "text": "She lives at LS1 4AP",
                   "position": 0}),
            vec![
                " CONTRADICTORY",
                "meeting NOT_FOUND",
                "place NOT_FOUND",
                "position OUT_OF_RANGE",
                "text PERSONAL_DATA",
            ],
        ),
        (
            "saveReflection",
            json!({"meeting": meeting, "perspective": "FUNDER", "text": "A NUL: \u{0}"}),
            vec!["text INVALID_FORMAT"],
        ),
        (
            "saveCrisis",
            json!({"slug": "-", "name": long(200), "from": "2020-01-02", "to": "2020-01-01", "places": [{"code": "E99"}]}),
            vec![
                "name TOO_LONG",
                "places/0 NOT_FOUND",
                "slug INVALID_FORMAT",
                "to OUT_OF_ORDER",
            ],
        ),
        (
            "saveClaim",
            json!({"slug": "", "statement": long(500), "position": 0, "reflection": no_such(b'R'),
                   "when": {"titel": {"eq": "x"}}, "then": {"not": {"steps": 1}}}),
            vec![
                "position OUT_OF_RANGE",
                "reflection NOT_FOUND",
                "slug REQUIRED",
                "statement TOO_LONG",
                "then/not/steps INVALID_FORMAT",
                "when/titel INVALID_FORMAT",
            ],
        ),
        (
            "saveMember",
            json!({"issuer": ISSUER, "subject": "x", "role": "PARTNER", "version": 2}),
            vec!["organisation REQUIRED", "version CONTRADICTORY"],
        ),
        (
            "saveMember",
            json!({"issuer": " ", "subject": "", "role": "PARTNER"}),
            vec!["issuer REQUIRED", "subject REQUIRED"],
        ),
        (
            "saveMember",
            json!({"issuer": ISSUER, "subject": "x", "role": "FUNDER", "organisation": no_such(b'O')}),
            vec!["organisation NOT_FOUND"],
        ),
        ("revokeMember", json!({"id": no_such(b'U')}), vec!["id NOT_FOUND"]),
    ];
    let before = entity_revision::Entity::find().all(&app.app.db).await.unwrap();
    for (name, input, expected) in cases {
        assert_eq!(
            list_rejections(&steward, name, input.clone()).await,
            expected,
            "{name} {input}"
        );
    }
    let after = entity_revision::Entity::find().all(&app.app.db).await.unwrap();
    assert_eq!(after, before, "a rejected mutation changes nothing");
}

/// The number of versions of a kind of object.
async fn count_versions(app: &TestApp, subject: ReferenceKind) -> usize {
    entity_revision::Entity::find()
        .filter(entity_revision::Column::Subject.eq(subject))
        .all(&app.app.db)
        .await
        .unwrap()
        .len()
}

async fn first_save_records_the_initial_version(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    // As in a database that is older than the versions.
    entity_revision::Entity::delete_many()
        .exec(&app.app.db)
        .await
        .unwrap();
    let query = "{ place(code: \"E06000001\") { id version } }";
    let place = steward.query(query).await["place"].take();
    let id = place["id"].as_str().unwrap();
    assert_eq!(place["version"], 1);
    assert_eq!(list_versions(&steward, id).await, Vec::<Value>::new());
    let within = json!([{"code": "E12000001"}]);
    let input = json!({"id": id, "version": 1, "name": "Hartlepool Borough", "kind": "LOCAL_AUTHORITY",
                       "code": "E06000001", "parents": within});
    assert_eq!(
        save_reference_data(&steward, "savePlace", input.clone()).await.1,
        2
    );
    let output = list_versions(&steward, id).await;
    assert_eq!(output.len(), 2);
    assert_eq!(output[1]["document"]["name"], "Hartlepool");
    assert_eq!(
        output[0]["changes"],
        json!([{"path": ["name"], "before": "Hartlepool", "after": "Hartlepool Borough"}])
    );
    assert_eq!(steward.query(query).await["place"]["version"], 2);
    assert_eq!(
        list_rejections(&steward, "savePlace", input).await,
        ["version STALE_VERSION"]
    );
}

async fn imports_create_versions(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let places = PLACES.lines().skip(1).count();
    assert_eq!(
        count_versions(&app, ReferenceKind::Place).await,
        places,
        "one for each place"
    );
    app.import_places("code,name,parents\nE06000001,Hartlepool,\n")
        .await;
    app.import_places(
        "code,name,parents\nE06000001,Hartlepool,E12000002\nE06000002,Middlesbrough,E12000001\n",
    )
    .await;
    assert_eq!(
        count_versions(&app, ReferenceKind::Place).await,
        places + 2,
        "one more version if it changed, none if it did not"
    );
    let id = steward.query("{ place(code: \"E06000001\") { id } }").await["place"]["id"].take();
    let output = list_versions(&steward, id.as_str().unwrap()).await;
    assert_eq!(output.len(), 3);
    assert_eq!(output[0]["actorId"], Value::Null);
    app.publish(&[
        record("a").funded_by(&["GB-CHC-2"]).build(),
        record("b").funded_by(&["GB-CHC-2"]).build(),
    ])
    .await;
    assert_eq!(count_versions(&app, ReferenceKind::Organisation).await, 2);
    // The import adds the kind of the funder.
    let term =
        json!({"funder": {"identifier": "GB-CHC-2", "name": "Organisation GB-CHC-2", "kind": "FUNDER"}});
    app.publish(&[record("c").with("fundingTerms", json!([term])).build()])
        .await;
    let found = steward
        .query("{ organisation(identifier: \"GB-CHC-2\") { id version kind } }")
        .await;
    let found = &found["organisation"];
    assert_eq!((&found["version"], &found["kind"]), (&json!(2), &json!("FUNDER")));
    let output = list_versions(&steward, found["id"].as_str().unwrap()).await;
    assert_eq!(
        output[0]["changes"],
        json!([{"path": ["kind"], "before": null, "after": "FUNDER"}])
    );
}

/// The number of records in each region, as a steward counts them.
async fn count_by_region(client: &Client<'_>, min_change_number: i64) -> Vec<(String, i64)> {
    let query = format!(
        "{{ distribution(of: REGION, minChangeNumber: {min_change_number}) {{ bins {{ label count }} }} }}"
    );
    let output = client.query(&query).await;
    let bins = output["distribution"]["bins"].as_array().unwrap().iter();
    bins.map(|bin| {
        (
            bin["label"].as_str().unwrap().to_owned(),
            bin["count"].as_i64().unwrap(),
        )
    })
    .filter(|(_, count)| *count > 0)
    .collect()
}

async fn moved_place_keeps_its_records(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    app.publish(&[
        record("a").in_place("E06000001").build(),
        record("b").in_place("E06000002").build(),
    ])
    .await;
    assert_eq!(count_by_region(&steward, 0).await, [("North East".to_owned(), 2)]);
    let id = steward.query("{ place(code: \"E06000001\") { id } }").await["place"]["id"].take();
    let moved = json!({"id": id, "name": "Hartlepool", "kind": "LOCAL_AUTHORITY", "code": "E06000001",
                       "parents": [{"code": "E12000002"}]});
    let payload = send_mutation(&steward, "savePlace", moved).await;
    app.catch_up().await;
    assert_eq!(
        count_by_region(&steward, payload["changeNumber"].as_i64().unwrap()).await,
        [("North East".to_owned(), 1), ("North West".to_owned(), 1)],
        "{payload}"
    );
    let listed = steward
        .query("{ initiatives(filter: {place: {within: {code: \"E12000002\"}}}) { totalCount } }")
        .await;
    assert_eq!(listed["initiatives"]["totalCount"], 1);
    // The code of a retired place resolves to its successor.
    let retired = json!({"id": id, "name": "Hartlepool", "kind": "LOCAL_AUTHORITY", "code": "E06000001",
                         "parents": [{"code": "E12000002"}], "successor": {"code": "E06000002"}});
    save_reference_data(&steward, "savePlace", retired).await;
    let found = steward
        .query(&format!(
            "{{ place(code: \"E06000001\") {{ name }} node(id: {id}) {{ ... on Place {{ name successor {{ name }} }} }} }}"
        ))
        .await;
    assert_eq!(
        found,
        json!({"place": {"name": "Middlesbrough"},
               "node": {"name": "Hartlepool", "successor": {"name": "Middlesbrough"}}})
    );
}

async fn place_hierarchy_has_no_cycles_and_a_depth_limit(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let england = steward.query("{ place(code: \"E92000001\") { id } }").await["place"]["id"].take();
    let circle = json!({"id": england, "name": "England", "kind": "NATION", "code": "E92000001",
                        "parents": [{"code": "E06000001"}]});
    assert_eq!(
        list_rejections(&steward, "savePlace", circle).await,
        ["parents CONTRADICTORY"]
    );
    let itself = json!({"id": england, "name": "England", "kind": "NATION", "code": "E92000001",
                        "parents": [{"id": england}]});
    assert_eq!(
        list_rejections(&steward, "savePlace", itself).await,
        ["parents CONTRADICTORY"]
    );
    let own = json!({"id": england, "name": "England", "kind": "NATION", "code": "E92000001",
                     "successor": {"id": england}});
    assert_eq!(
        list_rejections(&steward, "savePlace", own).await,
        ["successor CONTRADICTORY"]
    );
    let neighbourhood =
        |within: Value| json!({"name": "Inner", "kind": "NEIGHBOURHOOD", "parents": [within]});
    let mut inner = json!({"code": "E06000001"});
    // England, the North East and Hartlepool are the first three levels.
    for _ in 3..12 {
        let (id, _) = save_reference_data(&steward, "savePlace", neighbourhood(inner)).await;
        inner = json!({"id": id});
    }
    assert_eq!(
        list_rejections(&steward, "savePlace", neighbourhood(inner)).await,
        ["parents OUT_OF_RANGE"]
    );
    // The limit also applies if a place is added above.
    let (kingdom, _) = save_reference_data(
        &steward,
        "savePlace",
        json!({"name": "The Kingdom", "kind": "COUNTRY"}),
    )
    .await;
    let deeper = json!({"id": england, "name": "England", "kind": "NATION", "code": "E92000001",
                        "parents": [{"id": kingdom}]});
    assert_eq!(
        list_rejections(&steward, "savePlace", deeper).await,
        ["parents OUT_OF_RANGE"]
    );
}

async fn place_code_cannot_change(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let id = steward.query("{ place(code: \"E06000001\") { id } }").await["place"]["id"].take();
    for code in [json!("E06000099"), Value::Null] {
        let other = json!({"id": id, "name": "Hartlepool", "kind": "LOCAL_AUTHORITY", "code": code});
        assert_eq!(
            list_rejections(&steward, "savePlace", other).await,
            ["code NOT_ALLOWED"]
        );
    }
    let bare = json!({"name": "Stockton", "kind": "LOCAL_AUTHORITY"});
    let (id, _) = save_reference_data(&steward, "savePlace", bare).await;
    let coded = json!({"id": id, "name": "Stockton", "kind": "LOCAL_AUTHORITY", "code": "e06000004"});
    save_reference_data(&steward, "savePlace", coded).await;
    let found = steward.query("{ place(code: \"E06000004\") { id } }").await;
    assert_eq!(found["place"]["id"], id);
}

async fn reflections_keep_their_order(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let meeting = json!({"title": "The first", "heldOn": "2024-05-01"});
    let (meeting, _) = save_reference_data(&steward, "saveMeeting", meeting).await;
    let said = |text: &str| json!({"meeting": meeting, "perspective": "COMMUNITY", "text": text});
    let (first, _) = save_reference_data(&steward, "saveReflection", said("First")).await;
    save_reference_data(&steward, "saveReflection", said("Second")).await;
    let mut clash = said("Third");
    clash["position"] = json!(2);
    assert_eq!(
        list_rejections(&steward, "saveReflection", clash).await,
        ["position CONFLICT"]
    );
    let mut last = said("First");
    (last["id"], last["position"]) = (json!(first), json!(3));
    save_reference_data(&steward, "saveReflection", last).await;
    // Without a position the reflection keeps its own.
    let mut about = said("Third");
    (about["id"], about["place"]) = (json!(first), json!({"code": "E06000001"}));
    save_reference_data(&steward, "saveReflection", about).await;
    let output = steward
        .query("{ meetings { nodes { reflections { text place { name } } } } }")
        .await;
    assert_eq!(
        output["meetings"]["nodes"][0]["reflections"],
        json!([{"text": "Second", "place": null}, {"text": "Third", "place": {"name": "Hartlepool"}}])
    );
}

async fn changed_crisis_changes_answers(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let during = |reference: &str, place: &str| {
        record(reference)
            .in_place(place)
            .with("startedOn", "2020-01-01")
            .with("endedOn", "2020-12-31")
            .build()
    };
    app.publish(&[during("a", "E06000001"), during("b", "E06000002")])
        .await;
    let crisis = |id: Option<&str>, from: &str, to: Value, places: Value| {
        json!({"id": id, "slug": "a-flood",
        "name": "A flood", "from": from, "to": to, "places": places})
    };
    let touched = async |payload: Value| {
        assert_eq!(payload["problems"], json!([]), "{payload}");
        app.catch_up().await;
        let change = payload["changeNumber"].as_i64().unwrap();
        let query = format!(
            "{{ pattern(when: {{}}, then: {{activeDuring: {{crisis: \"a-flood\"}}}}, minChangeNumber: {change}) {{ table {{ both }} }}
                initiatives(filter: {{activeDuring: {{crisis: \"a-flood\"}}}}) {{ totalCount }} }}"
        );
        // The second query uses the stored result.
        let output = steward.query(&query).await;
        assert_eq!(steward.query(&query).await, output);
        let counted = output["pattern"]["table"]["both"].as_i64().unwrap();
        assert_eq!(output["initiatives"]["totalCount"], counted, "{output}");
        counted
    };
    let everywhere = send_mutation(
        &steward,
        "saveCrisis",
        crisis(None, "2020-06-01", Value::Null, json!([])),
    )
    .await;
    let id = everywhere["crisis"]["id"].as_str().unwrap().to_owned();
    assert_eq!(touched(everywhere).await, 2);
    let id = Some(id.as_str());
    let in_one = crisis(id, "2020-06-01", Value::Null, json!([{"code": "E06000001"}]));
    assert_eq!(
        touched(send_mutation(&steward, "saveCrisis", in_one).await).await,
        1
    );
    let later = crisis(id, "2021-06-01", json!("2021-07-01"), json!([]));
    assert_eq!(
        touched(send_mutation(&steward, "saveCrisis", later).await).await,
        0
    );
    let in_region = crisis(
        id,
        "2020-06-01",
        json!("2020-07-01"),
        json!([{"code": "E12000001"}]),
    );
    assert_eq!(
        touched(send_mutation(&steward, "saveCrisis", in_region).await).await,
        2
    );
    let output = steward
        .query("{ crises { nodes { to places { name } version } } }")
        .await;
    assert_eq!(
        output["crises"]["nodes"][0],
        json!({"to": "2020-07-01", "places": [{"name": "North East"}], "version": 4})
    );
    let public = "{ crises { totalCount nodes { slug name from to } } }";
    assert_eq!(
        app.anonymous().query(public).await["crises"],
        json!({"totalCount": 1, "nodes": [
            {"slug": "a-flood", "name": "A flood", "from": "2020-06-01", "to": "2020-07-01"}]})
    );
    for refused in ["places { name }", "version"] {
        let query = format!("{{ crises {{ nodes {{ {refused} }} }} }}");
        assert_eq!(
            app.anonymous().query_error(&query).await.1,
            "UNAUTHENTICATED",
            "{query}"
        );
    }
}

async fn unanswerable_claim_is_rejected(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let claim = |when: Value, then: Value, among: Value, by: Value| {
        json!({"slug": "a-claim", "statement": "One goes with the other",
               "when": when, "then": then, "among": among, "by": by})
    };
    let step = |of: &str| json!({"challenge": {"on": of, "step": {"in": ["SKIPPED"]}}});
    let four_answers = [
        step("DEFINING_AMBITIONS"),
        step("UNDERSTANDING_LOCAL_SYSTEM"),
        step("FOSTERING_CONDITIONS"),
        json!({"condition": {"on": "GOVERNANCE", "change": {"eq": "ALTERED"}}}),
    ];
    for (input, expected) in [
        // Too many answers of one record must not be combined.
        (
            claim(json!({"and": four_answers}), json!({}), Value::Null, Value::Null),
            "when NOT_ALLOWED",
        ),
        (
            claim(
                json!({}),
                json!({}),
                json!({"activeDuring": {"crisis": "nothing"}}),
                Value::Null,
            ),
            "among/activeDuring/crisis INVALID_FORMAT",
        ),
        (
            claim(
                json!({}),
                json!({"place": {"within": {"code": "E99"}}}),
                Value::Null,
                Value::Null,
            ),
            "then/place/within INVALID_FORMAT",
        ),
        (
            claim(json!({"wayIn": {"in": []}}), json!({}), Value::Null, Value::Null),
            "when/wayIn INVALID_FORMAT",
        ),
        (
            claim(
                json!({"and": [{}, {"title": {"eq": "a\u{0}"}}]}),
                json!({}),
                Value::Null,
                Value::Null,
            ),
            "when INVALID_FORMAT",
        ),
        (
            claim(
                json!({"title": {"contains": "x".repeat(20_001)}}),
                json!({}),
                Value::Null,
                Value::Null,
            ),
            "when TOO_LONG",
        ),
    ] {
        assert_eq!(
            list_rejections(&steward, "saveClaim", input.clone()).await,
            [expected],
            "{input}"
        );
    }
    let good = claim(
        json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}}),
        json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}}),
        json!({"place": {"within": {"code": "E12000001"}}}),
        json!("REGION"),
    );
    save_reference_data(&steward, "saveClaim", good.clone()).await;
    // The answer is available at once: overall without a token, and with groups to members.
    let overall =
        "{ claim(slug: \"a-claim\") { statement pattern { summary { text } table { population } } } }";
    let output = app.anonymous().query(overall).await;
    assert_eq!(output["claim"]["statement"], "One goes with the other");
    let groups = "{ claim(slug: \"a-claim\") { pattern { groups { nodes { label } } } } }";
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    assert!(dashboard.query(groups).await["claim"]["pattern"]["groups"]["nodes"].is_array());
}

async fn revoked_member_has_no_access(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let (own, _) = save_reference_data(
        &steward,
        "saveOrganisation",
        json!({"name": "A trust", "identifier": "GB-CHC-500"}),
    )
    .await;
    // A new member can use the service at once.
    let input = json!({"issuer": ISSUER, "subject": "somebody", "role": "PARTNER", "organisation": own});
    let (id, _) = save_reference_data(&steward, "saveMember", input.clone()).await;
    let mut somebody = app.anonymous();
    somebody.authorization = Some(format!("Bearer {}", crate::support::app::sign_token("somebody")));
    let viewer = "{ viewer { role organisation { identifier } } }";
    assert_eq!(
        somebody.query(viewer).await["viewer"],
        json!({"role": "PARTNER", "organisation": {"identifier": "GB-CHC-500"}})
    );
    save_reference_data(&steward, "revokeMember", json!({"id": id, "reason": "Left"})).await;
    let (_, code) = somebody.query_error(viewer).await;
    assert_eq!(code, "UNAUTHENTICATED");
    assert_eq!(
        list_rejections(&steward, "revokeMember", json!({"id": id})).await,
        ["id WRONG_STATE"]
    );
    let listed = async |filter: &str| {
        let query = format!(
            "{{ members(filter: {filter}) {{ totalCount nodes {{ subject role revokedAt organisation {{ name }} }} }} }}"
        );
        steward.query(&query).await["members"].take()
    };
    let revoked = listed("{revoked: true}").await;
    assert_eq!(revoked["totalCount"], 1);
    assert_eq!(revoked["nodes"][0]["subject"], "somebody");
    assert!(revoked["nodes"][0]["revokedAt"].is_string());
    // A revoked member who is saved again can use the service with the new role.
    let input = json!({"issuer": ISSUER, "subject": "somebody", "role": "DASHBOARD", "organisation": null});
    assert_eq!(
        save_reference_data(&steward, "saveMember", input).await,
        (id.clone(), 3)
    );
    assert_eq!(
        somebody.query(viewer).await["viewer"],
        json!({"role": "DASHBOARD", "organisation": null})
    );
    assert_eq!(listed("{role: DASHBOARD, revoked: false}").await["totalCount"], 1);
    assert_eq!(
        listed(&format!("{{organisation: {own:?}}}")).await["totalCount"],
        0
    );
    let output = list_versions(&steward, &id).await;
    assert_eq!(output[1]["reason"], "Left");
    assert_eq!(output[0]["document"]["revokedAt"], Value::Null);
    // Only stewards see members.
    let node = somebody.query(&format!("{{ node(id: {id:?}) {{ id }} }}")).await;
    assert_eq!(node["node"], Value::Null);
}

async fn last_steward_cannot_be_revoked(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let me = steward.query("{ viewer { id } }").await["viewer"]["id"].take();
    let demoted = json!({"issuer": ISSUER, "subject": "steward", "role": "DASHBOARD"});
    assert_eq!(
        list_rejections(&steward, "revokeMember", json!({"id": me})).await,
        ["id NOT_ALLOWED"]
    );
    assert_eq!(
        list_rejections(&steward, "saveMember", demoted.clone()).await,
        ["role NOT_ALLOWED"]
    );
    let other = json!({"issuer": ISSUER, "subject": "other", "role": "STEWARD"});
    let (other_id, _) = save_reference_data(&steward, "saveMember", other.clone()).await;
    save_reference_data(&steward, "revokeMember", json!({"id": other_id})).await;
    assert_eq!(
        list_rejections(&steward, "saveMember", demoted.clone()).await,
        ["role NOT_ALLOWED"],
        "a revoked member is not counted"
    );
    save_reference_data(&steward, "saveMember", other).await;
    save_reference_data(&steward, "saveMember", demoted).await;
    let (_, code) = steward.query_error("{ members { totalCount } }").await;
    assert_eq!(code, "FORBIDDEN");
}

async fn concurrent_revocations_leave_one_steward(database: Database) {
    let app = start_with_places(database).await;
    for round in 0..4 {
        let (one, other) = (
            app.steward().await,
            app.create_member("other", Role::Steward, None).await,
        );
        let id = async |client: &Client<'_>| client.query("{ viewer { id } }").await["viewer"]["id"].take();
        let (first, second) = (id(&one).await, id(&other).await);
        // The later of the two revocations fails: its sender is no longer a steward, or the target is the last
        // steward.
        let revoke = async |client: &Client<'_>, id: &Value| {
            let query = format!("mutation {{ revokeMember(input: {{id: {id}}}) {{ problems {{ code }} }} }}");
            client.execute(&query).await
        };
        let (a, b) = tokio::join!(revoke(&one, &second), revoke(&other, &first));
        let done = [&a, &b]
            .into_iter()
            .filter(|answer| answer["data"]["revokeMember"]["problems"] == json!([]))
            .count();
        assert_eq!(done, 1, "{round}: {a} {b}");
    }
}

async fn only_stewards_save_reference_data(database: Database) {
    let app = start_with_places(database).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-500"))
        .await;
    for query in [
        "mutation { saveCrisis(input: {slug: \"a\", name: \"A\", from: \"2020-01-01\"}) { changeNumber } }",
        "mutation { saveTerm(input: {slug: \"a\", name: \"A\", definition: \"A\"}) { term { id } } }",
        "mutation { saveMember(input: {issuer: \"a\", subject: \"a\", role: STEWARD}) { member { id } } }",
        "{ members { totalCount } }",
        "{ place(code: \"E06000001\") { version } }",
    ] {
        let (_, code) = partner.query_error(query).await;
        assert_eq!(code, "FORBIDDEN", "{query}");
    }
}
