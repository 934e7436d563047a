//! Filters, look-ups by code and by id, and errors of invalid filters.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use wayin::id::NodeKind;
use wayin_entity::{Role, place};

use crate::support::app::{Client, TestApp};
use crate::support::builders::record;
use crate::support::filled_lists::start_with_filled_lists;
use crate::support::imports::send_file;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    places_are_filtered_by_kind_and_parents,
    organisations_are_filtered,
    terms_are_found_by_synonyms,
    every_node_type_is_found_by_id,
    invalid_id_is_rejected_with_its_argument,
    invalid_filter_is_rejected_with_its_path,
    filter_depth_is_limited_to_twelve,
    nul_in_text_is_rejected,
];

async fn list_names(client: &Client<'_>, query: &str, list: &str) -> Vec<String> {
    let found = client.query(query).await;
    let nodes = found[list]["nodes"].as_array().unwrap();
    assert_eq!(found[list]["totalCount"], nodes.len(), "{query}");
    nodes
        .iter()
        .map(|node| node["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn places_are_filtered_by_kind_and_parents(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(
        "code,name,kind,parents,successor\nE12000001,North East,REGION,,\nE47000001,Tees Valley,COMBINED_AUTHORITY,,\n\
         E06000001,Hartlepool,LOCAL_AUTHORITY,E12000001,\nE06000002,Middlesbrough,LOCAL_AUTHORITY,E12000001,\n\
         E05000001,Harbour 100%,WARD,E06000001,\nE07000900,Old Hartlepool,LOCAL_AUTHORITY,E12000001,E06000001\n\
         W06000001,Ynys Môn,LOCAL_AUTHORITY,,\n",
    )
    .await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    for (filter, expected) in [
        (
            "{}",
            "Harbour 100%, Hartlepool, Middlesbrough, North East, Old Hartlepool, Tees Valley, Ynys Môn",
        ),
        (
            "{within: {code: \"E12000001\"}}",
            "Harbour 100%, Hartlepool, Middlesbrough, North East, Old Hartlepool",
        ),
        (
            "{within: {code: \"E12000001\"}, current: true, kind: {eq: LOCAL_AUTHORITY}}",
            "Hartlepool, Middlesbrough",
        ),
        (
            "{within: {code: \"E07000900\"}}",
            "Harbour 100%, Hartlepool, Old Hartlepool",
        ),
        ("{current: false}", "Old Hartlepool"),
        ("{kind: {in: [REGION, WARD]}}", "Harbour 100%, North East"),
        (
            "{kind: {ne: LOCAL_AUTHORITY}}",
            "Harbour 100%, North East, Tees Valley",
        ),
        ("{name: {contains: \"HARTLE\"}}", "Hartlepool, Old Hartlepool"),
        ("{name: {contains: \"YNYS MÔN\"}}", "Ynys Môn"),
        ("{name: {contains: \"%\"}}", "Harbour 100%"),
        ("{name: {contains: \"_\"}}", ""),
        ("{name: {startsWith: \"h\"}}", "Harbour 100%, Hartlepool"),
        ("{code: {startsWith: \"e06\"}}", "Hartlepool, Middlesbrough"),
        ("{not: {within: {code: \"E12000001\"}}}", "Tees Valley, Ynys Môn"),
        (
            "{or: [{name: {eq: \"hartlepool\"}}, {kind: {eq: REGION}}]}",
            "Hartlepool, North East",
        ),
        (
            "{and: []}",
            "Harbour 100%, Hartlepool, Middlesbrough, North East, Old Hartlepool, Tees Valley, Ynys Môn",
        ),
        ("{or: []}", ""),
    ] {
        let query = format!("{{ places(filter: {filter}) {{ totalCount nodes {{ name }} }} }}");
        assert_eq!(
            list_names(&dashboard, &query, "places").await.join(", "),
            expected,
            "{filter}"
        );
    }
    let found = dashboard
        .query(
            "{ retired: place(code: \"E07000900\") { name successor { name } children { nodes { name } } }
               current: place(code: \" E06000001 \") { name successor { name } parents { name } }
               nowhere: place(code: \"E99999999\") { name } }",
        )
        .await;
    assert_eq!(
        found,
        json!({
            "retired": {"name": "Hartlepool", "successor": null, "children": {"nodes": [{"name": "Harbour 100%"}]}},
            "current": {"name": "Hartlepool", "successor": null, "parents": [{"name": "North East"}]},
            "nowhere": null,
        })
    );
    let old = place::Entity::find()
        .filter(place::Column::Name.eq("Old Hartlepool"))
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();
    let id = NodeKind::Place.encode_id(old.id);
    let query = format!("{{ place(id: \"{id}\") {{ name successor {{ name }} }} }}");
    assert_eq!(
        dashboard.query(&query).await["place"],
        json!({"name": "Old Hartlepool", "successor": {"name": "Hartlepool"}}),
        "an id returns exactly that place"
    );
}

async fn organisations_are_filtered(database: Database) {
    let app = TestApp::start(database).await;
    let led = |reference: &str, lead: Value| record(reference).with("leadOrganisation", lead).build();
    app.publish(&[
        led(
            "1",
            json!({"identifier": "GB-CHC-1", "name": "Ash Trust", "kind": "NATIONAL_CHARITY"}),
        ),
        led("2", json!({"identifier": "GB-COH-2", "name": "Élan Works"})),
        led("3", json!({"name": "Beech Group", "kind": "COMMUNITY_GROUP"})),
    ])
    .await;
    let steward = app.steward().await;
    for (filter, expected) in [
        ("{}", "Ash Trust, Beech Group, Élan Works"),
        ("{kind: {eq: COMMUNITY_GROUP}}", "Beech Group"),
        ("{kind: {ne: COMMUNITY_GROUP}}", "Ash Trust"),
        ("{kind: {isKnown: false}}", "Élan Works"),
        ("{identifier: {isKnown: false}}", "Beech Group"),
        ("{identifier: {startsWith: \"gb-c\"}}", "Ash Trust, Élan Works"),
        ("{name: {contains: \"éLAN\"}}", "Élan Works"),
        ("{not: {identifier: {eq: \"GB-CHC-1\"}}}", "Élan Works"),
    ] {
        let query = format!("{{ organisations(filter: {filter}) {{ totalCount nodes {{ name }} }} }}");
        assert_eq!(
            list_names(&steward, &query, "organisations").await.join(", "),
            expected,
            "{filter}"
        );
    }
    let found = steward
        .query("{ a: organisation(identifier: \"GB-CHC-1\") { name } b: organisation(identifier: \"GB-CHC-7\") { name } }")
        .await;
    assert_eq!(found, json!({"a": {"name": "Ash Trust"}, "b": null}));
}

async fn terms_are_found_by_synonyms(database: Database) {
    let app = start_with_filled_lists(database, 5).await;
    let anonymous = app.anonymous();
    let found = async |search: &str| {
        let query = format!("{{ terms(search: \"{search}\", first: 100) {{ totalCount }} }}");
        anonymous.query(&query).await["terms"]["totalCount"].clone()
    };
    assert_eq!(found("").await, 25);
    assert_eq!(found("SYNONYM 24").await, 1);
    assert_eq!(found("synonym").await, 25);
    assert_eq!(found("%").await, 0);
    assert_eq!(found("nobody says this").await, 0);
}

/// Narrows an initiative as its lead does, and returns the ID of the notice to stewards.
async fn create_notice(app: &TestApp, steward: &Client<'_>, id: &Value) -> Value {
    let lead = steward
        .query(&format!(
            "{{ initiative(id: {id}) {{ leadOrganisation {{ identifier }} }} }}"
        ))
        .await;
    let lead = lead["initiative"]["leadOrganisation"]["identifier"].as_str();
    app.create_member("lead", Role::Partner, lead)
        .await
        .query(&format!(
            "mutation {{ narrowVisibility(input: {{id: {id}, visibility: MEMBERS}}) {{ changeNumber }} }}"
        ))
        .await;
    let mut notices = steward.query("{ notices { nodes { id } } }").await;
    notices["notices"]["nodes"][0]["id"].take()
}

async fn every_node_type_is_found_by_id(database: Database) {
    let app = start_with_filled_lists(database, 6).await;
    let steward = app.steward().await;
    let one = "first: 1";
    let found = steward
        .query(&format!(
            "{{ places({one}) {{ nodes {{ id }} }} organisations({one}) {{ nodes {{ id }} }} terms({one}) {{ nodes {{ id }} }}
                initiatives({one}) {{ nodes {{ id fundingTerms {{ id }} sources {{ id }} }} }} claims({one}) {{ nodes {{ id }} }}
                members({one}) {{ nodes {{ id }} }} crises({one}) {{ nodes {{ id }} }} meetings({one}) {{ nodes {{ id reflections {{ id }} }} }} }}"
        ))
        .await;
    let organisation = &found["organisations"]["nodes"][0]["id"];
    let saved = steward
        .query(&format!(
            "mutation {{ saveSubmission(input: {{organisation: {organisation}, record: {{}}}}) {{ submission {{ id }} }} }}"
        ))
        .await;
    let input = json!({"organisation": organisation});
    let sent = send_file(&app, &steward, "return.jsonl", "{}", input).await;
    let member = &found["members"]["nodes"][0]["id"];
    let issued = steward
        .query(&format!(
            "mutation {{ issueToken(input: {{member: {member}, name: \"a dashboard\", days: 1}}) {{ issuedToken {{ id }} }} }}"
        ))
        .await;
    let invited = steward
        .query("mutation { inviteMember(input: {role: STEWARD, name: \"Grace\"}) { invitation { id } } }")
        .await;
    let events = steward
        .query(&format!("{{ auditEvents({one}) {{ nodes {{ id }} }} }}"))
        .await;
    let initiative = &found["initiatives"]["nodes"][0];
    let notice = create_notice(&app, &steward, &initiative["id"]).await;
    let question = steward
        .query(
            "mutation { saveQuestion(input: {name: \"Mine\", when: {}, then: {}}) { savedQuestion { id } } }",
        )
        .await;
    let meeting = &found["meetings"]["nodes"][0];
    let all = [
        ("Place", &found["places"]["nodes"][0]["id"]),
        ("Organisation", organisation),
        ("Initiative", &initiative["id"]),
        ("FundingTerm", &initiative["fundingTerms"][0]["id"]),
        ("Source", &initiative["sources"][0]["id"]),
        ("Crisis", &found["crises"]["nodes"][0]["id"]),
        ("Meeting", &meeting["id"]),
        ("Reflection", &meeting["reflections"][0]["id"]),
        ("Claim", &found["claims"]["nodes"][0]["id"]),
        ("Term", &found["terms"]["nodes"][0]["id"]),
        ("Submission", &saved["saveSubmission"]["submission"]["id"]),
        ("Import", &sent["data"]["importRecords"]["import"]["id"]),
        ("Member", member),
        ("IssuedToken", &issued["issueToken"]["issuedToken"]["id"]),
        ("AuditEvent", &events["auditEvents"]["nodes"][0]["id"]),
        ("Notice", &notice),
        ("Invitation", &invited["inviteMember"]["invitation"]["id"]),
        ("SavedQuestion", &question["saveQuestion"]["savedQuestion"]["id"]),
    ];
    for (name, id) in all {
        let query = format!("{{ node(id: {id}) {{ __typename id ... on {name} {{ again: id }} }} }}");
        assert_eq!(
            steward.query(&query).await["node"],
            json!({"__typename": name, "id": id, "again": id}),
            "{query}"
        );
    }
    let schema = steward
        .query("{ __type(name: \"Node\") { possibleTypes { name } } }")
        .await;
    assert_eq!(
        schema["__type"]["possibleTypes"].as_array().map(Vec::len),
        Some(all.len()),
        "{schema}"
    );
    let ids: Vec<&Value> = all.iter().map(|(_, id)| *id).collect();
    let nobody = NodeKind::Place.encode_id(uuid::Uuid::nil());
    let query = format!(
        "{{ nodes(ids: [\"{nobody}\", {}, {}]) {{ id }} }}",
        ids[2], ids[0]
    );
    assert_eq!(
        steward.query(&query).await["nodes"],
        json!([null, {"id": ids[2]}, {"id": ids[0]}]),
        "in the order of the argument"
    );
}

async fn invalid_id_is_rejected_with_its_argument(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let place = NodeKind::Place.encode_id(uuid::Uuid::nil());
    let many = vec!["\"x\""; 101].join(", ");
    for (query, argument) in [
        ("node(id: \"x\") { id }".to_owned(), "id"),
        ("node(id: \"\") { id }".to_owned(), "id"),
        ("node(id: \"🦀\") { id }".to_owned(), "id"),
        ("nodes(ids: [\"x\"]) { id }".to_owned(), "ids"),
        (format!("nodes(ids: [{many}]) {{ id }}"), "ids"),
        (format!("initiative(id: \"{place}\") {{ id }}"), "id"),
        (format!("organisation(id: \"{place}\") {{ id }}"), "id"),
        ("place(id: \"x\") { id }".to_owned(), "id"),
        ("place { id }".to_owned(), "place"),
        (
            format!("place(id: \"{place}\", code: \"E12000001\") {{ id }}"),
            "place",
        ),
        ("organisation { id }".to_owned(), "organisation"),
        (
            format!("initiatives(filter: {{id: {{eq: \"{place}\"}}}}) {{ nodes {{ id }} }}"),
            "filter.id",
        ),
        (
            "initiatives(filter: {place: {within: {id: \"x\"}}}) { nodes { id } }".to_owned(),
            "filter.place.within",
        ),
    ] {
        let (message, code) = steward.query_error(&format!("{{ {query} }}")).await;
        assert_eq!(code, "BAD_USER_INPUT", "{query}");
        assert!(
            message.starts_with(&format!("{argument}: ")),
            "{query}: {message}"
        );
    }
    let nobody = format!("{{ place(id: \"{place}\") {{ id }} node(id: \"{place}\") {{ id }} }}");
    assert_eq!(steward.query(&nobody).await, json!({"place": null, "node": null}));
}

#[expect(clippy::too_many_lines, reason = "one line for each mistake that can be made")]
async fn invalid_filter_is_rejected_with_its_path(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    for (filter, path) in [
        ("{title: {in: []}}", "title"),
        ("{title: {}}", "title"),
        ("{title: {contains: \"\"}}", "title"),
        ("{title: {startsWith: \"\"}}", "title"),
        ("{startedOn: {}}", "startedOn"),
        ("{endedOn: {in: []}}", "endedOn"),
        ("{id: {in: []}}", "id"),
        ("{id: {}}", "id"),
        ("{wayIn: {}}", "wayIn"),
        ("{wayIn: {in: []}}", "wayIn"),
        ("{entryPoints: {perspective: FUNDER}}", "entryPoints"),
        ("{entryPoints: {includes: []}}", "entryPoints"),
        ("{entryPoints: {includesAny: []}}", "entryPoints"),
        ("{challenge: {on: DEFINING_AMBITIONS}}", "challenge"),
        (
            "{challenge: {on: DEFINING_AMBITIONS, step: {in: []}}}",
            "challenge.step",
        ),
        (
            "{challenge: {on: DEFINING_AMBITIONS, step: {}}}",
            "challenge.step",
        ),
        (
            "{challenge: {on: DEFINING_AMBITIONS, reasons: {includes: []}}}",
            "challenge.reasons",
        ),
        ("{condition: {on: GOVERNANCE, change: {}}}", "condition.change"),
        ("{fundingTerms: {}}", "fundingTerms"),
        (
            "{fundingTerms: {some: {durationMonths: {}}}}",
            "fundingTerms.some.durationMonths",
        ),
        (
            "{fundingTerms: {none: {or: [{}, {currency: {in: []}}]}}}",
            "fundingTerms.none.or.1.currency",
        ),
        (
            "{fundingTerms: {every: {not: {renewable: {}}}}}",
            "fundingTerms.every.not.renewable",
        ),
        (
            "{fundingTerms: {some: {funder: {kind: {in: []}}}}}",
            "fundingTerms.some.funder.kind",
        ),
        ("{leadOrganisation: {name: {}}}", "leadOrganisation.name"),
        ("{place: {}}", "place"),
        ("{place: {is: {code: \"E99999999\"}}}", "place.is"),
        ("{place: {within: {code: \"E99999999\"}}}", "place.within"),
        (
            "{activeDuring: {crisis: \"nobody-knows-it\"}}",
            "activeDuring.crisis",
        ),
        (
            "{startedDuring: {crisis: \"nobody-knows-it\"}}",
            "startedDuring.crisis",
        ),
        (
            "{fundedDuring: {crisis: \"nobody-knows-it\"}}",
            "fundedDuring.crisis",
        ),
        (
            "{and: [{}, {or: [{not: {startedOn: {in: []}}}]}]}",
            "and.1.or.0.not.startedOn",
        ),
    ] {
        for (query, argument) in [
            (
                format!("{{ initiatives(filter: {filter}) {{ totalCount }} }}"),
                "filter",
            ),
            (
                format!("{{ pattern(when: {filter}, then: {{}}) {{ summary {{ text }} }} }}"),
                "when",
            ),
            (
                format!("{{ pattern(when: {{}}, then: {filter}) {{ summary {{ text }} }} }}"),
                "then",
            ),
            (
                format!("{{ distribution(of: REGION, among: {filter}) {{ scope }} }}"),
                "among",
            ),
        ] {
            let (message, code) = steward.query_error(&query).await;
            assert_eq!(code, "BAD_USER_INPUT", "{query}");
            assert!(
                message.starts_with(&format!("{argument}.{path}: ")),
                "{query}: {message}"
            );
        }
    }
    for (list, filter, path) in [
        ("places", "{kind: {in: []}}", "filter.kind"),
        ("places", "{within: {code: \"E99999999\"}}", "filter.within"),
        ("places", "{or: [{name: {}}]}", "filter.or.0.name"),
        (
            "organisations",
            "{and: [{identifier: {in: []}}]}",
            "filter.and.0.identifier",
        ),
        ("organisations", "{id: {eq: \"x\"}}", "filter.id"),
    ] {
        let (message, code) = steward
            .query_error(&format!("{{ {list}(filter: {filter}) {{ totalCount }} }}"))
            .await;
        assert_eq!(code, "BAD_USER_INPUT", "{filter}");
        assert!(message.starts_with(&format!("{path}: ")), "{filter}: {message}");
    }
    // The schema rejects other invalid inputs with the same code.
    for query in [
        "{ initiatives(filter: {nothing: 1}) { totalCount } }",
        "{ initiatives(filter: {startedOn: {eq: \"2021-02-30\"}}) { totalCount } }",
        "{ initiatives(filter: {place: {is: {code: \"a\", id: \"b\"}}}) { totalCount } }",
        "{ initiatives(filter: {challenge: {on: SLEEP}}) { totalCount } }",
        "{ initiatives(first: \"1\") { totalCount } }",
        "{ initiatives(first: 99999999999) { totalCount } }",
        "{ nothing }",
        "{ initiatives }",
        "{",
        "",
    ] {
        assert_eq!(steward.query_error(query).await.1, "BAD_USER_INPUT", "{query}");
    }
}

async fn filter_depth_is_limited_to_twelve(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let nested = |depth: usize| {
        let filter = format!("{}{{}}{}", "{not: ".repeat(depth), "}".repeat(depth));
        format!("{{ initiatives(filter: {filter}) {{ totalCount }} }}")
    };
    steward.query(&nested(11)).await;
    let (message, code) = steward.query_error(&nested(12)).await;
    assert_eq!(code, "BAD_USER_INPUT");
    let expected = format!(
        "filter{}: filters are nested more than 12 deep",
        ".not".repeat(12)
    );
    assert_eq!(message, expected);
}

/// PostgreSQL cannot store NUL in texts. This is an error of the request and not of the database.
async fn nul_in_text_is_rejected(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    for query in [
        "{ claim(slug: \"\\u0000\") { id } }",
        "{ place(code: \"E\\u0000\") { id } }",
        "{ organisation(identifier: \"\\u0000\") { id } }",
        "{ terms(search: \"\\u0000\") { nodes { id } } }",
        "{ places(filter: {name: {contains: \"\\u0000\"}}) { nodes { id } } }",
        "{ initiatives(filter: {title: {eq: \"\\u0000\"}}) { nodes { id } } }",
        "{ initiatives(filter: {title: {startsWith: \"\\u0000\"}}) { totalCount } }",
        "query($c: String = \"a\\u0000\") { initiatives(filter: {title: {contains: $c}}) { totalCount } }",
        "{ initiatives(filter: {activeDuring: {crisis: \"\\u0000\"}}) { nodes { id } } }",
    ] {
        let (message, code) = steward.query_error(query).await;
        assert_eq!(code, "BAD_USER_INPUT", "{query}");
        assert_eq!(
            message, "a text contains a character that cannot be stored",
            "{query}"
        );
    }
}
