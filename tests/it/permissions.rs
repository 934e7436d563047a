//! Permissions of fields.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value, json};
use wayin::auth::permission::field_usage::{self, ANY, FIELD_USAGE, USES_NO_FIELD};
use wayin::auth::permission::{AccessRequirement, AccessRule, Exposure, Permissions, PolicyRow, TABLE};
use wayin::clock::{Clock, SystemClock};
use wayin::schema::schema_sdl;
use wayin_entity::{Capability, Dimension, Role, claim};

use crate::support::app::{Client, TestApp};
use crate::support::builders::full_record;
use crate::support::http::{export_address, get, send};
use crate::support::schema::list_types_with_fields;
use crate::support::{Database, tests_on_both_databases, tests_without_database};

tests_on_both_databases![
    unreadable_fields_cannot_be_filtered_by,
    claim_uses_only_fields_dashboards_can_read,
    only_public_fields_answer_without_a_token,
    claim_is_answered_without_a_token_as_for_a_dashboard,
];
tests_without_database![
    policy_lists_every_schema_field_once,
    every_argument_declares_its_field_usage,
];

async fn policy_lists_every_schema_field_once() {
    let of_schema: Vec<(String, String)> = list_types_with_fields()
        .into_iter()
        .flat_map(|(object, fields)| fields.into_iter().map(move |(field, _)| (object.clone(), field)))
        .collect();
    let of_table: Vec<(String, String)> = TABLE
        .iter()
        .flat_map(|(object, fields, _)| {
            fields
                .split(' ')
                .map(|field| ((*object).to_owned(), field.to_owned()))
        })
        .collect();
    assert!(of_schema.len() > 100, "the schema is read: {of_schema:?}");
    for field in &of_schema {
        let named = of_table.iter().filter(|one| *one == field).count();
        assert_eq!(named, 1, "the permission table names {field:?} {named} times");
    }
    for field in &of_table {
        assert!(
            of_schema.contains(field),
            "the permission table names {field:?}, which the schema does not have"
        );
    }
}

/// The input types and enums of the schema. Each has its parts with their types.
type InputTypeParts = BTreeMap<String, Vec<(String, Option<String>)>>;

/// Every input type and enum of the schema.
fn list_input_types() -> InputTypeParts {
    let document = parse_schema(schema_sdl()).expect("the schema is well formed");
    let types = document.definitions.into_iter().filter_map(|definition| {
        let TypeSystemDefinition::Type(definition) = definition else {
            return None;
        };
        let parts = match definition.node.kind {
            TypeKind::InputObject(object) => object
                .fields
                .into_iter()
                .map(|field| {
                    (
                        field.node.name.node.to_string(),
                        Some(type_name(&field.node.ty.node)),
                    )
                })
                .collect(),
            TypeKind::Enum(of) => of
                .values
                .into_iter()
                .map(|value| (value.node.value.node.to_string(), None))
                .collect(),
            _ => return None,
        };
        Some((definition.node.name.node.to_string(), parts))
    });
    types.collect()
}

/// The name of a type, without the list and non-null markers.
fn type_name(of: &async_graphql::parser::types::Type) -> String {
    of.to_string().trim_matches(['[', ']', '!']).to_owned()
}

/// Every field with arguments except mutations, as `Type.field`, with the type of each argument.
fn list_field_arguments() -> InputTypeParts {
    let document = parse_schema(schema_sdl()).expect("the schema is well formed");
    let mut all = InputTypeParts::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let of = definition.node.name.node.to_string();
        let TypeKind::Object(object) = definition.node.kind else {
            continue;
        };
        for field in object.fields.into_iter().filter(|_| of != "Mutation") {
            let arguments = field.node.arguments.into_iter().map(|argument| {
                let argument = argument.node;
                (argument.name.node.to_string(), Some(type_name(&argument.ty.node)))
            });
            all.insert(format!("{of}.{}", field.node.name.node), arguments.collect());
        }
    }
    all
}

async fn every_argument_declares_its_field_usage() {
    let (inputs, asked) = (list_input_types(), list_field_arguments());
    let every_value_is_compared = |of: &str| field_usage::uses_no_field(of, ANY);
    let mut seen = BTreeSet::new();
    let mut to_see: Vec<(String, String, Option<String>)> = asked
        .iter()
        .flat_map(|(of, parts)| {
            parts
                .iter()
                .map(move |(part, leads_to)| (of.clone(), part.clone(), leads_to.clone()))
        })
        .collect();
    assert!(to_see.len() > 100, "the arguments are read: {to_see:?}");
    while let Some((of, part, leads_to)) = to_see.pop() {
        if !seen.insert((of.clone(), part.clone())) {
            continue;
        }
        let row = FIELD_USAGE
            .iter()
            .find(|row| row.owner == of && row.parts.contains(&part.as_str()));
        assert!(
            row.is_some() || field_usage::uses_no_field(&of, &part),
            "{part} of {of} is an argument, but FIELD_USAGE does not say which fields it reads, nor \
             USES_NO_FIELD why it reads none"
        );
        let Some(leads_to) = leads_to.filter(|leads_to| inputs.contains_key(leads_to)) else {
            continue;
        };
        if every_value_is_compared(&leads_to) {
            continue;
        }
        if let Some(row) = row {
            assert_eq!(
                row.nested_type,
                Some(leads_to.as_str()),
                "the nested type of {part} of {of}"
            );
        } else {
            panic!("{part} of {of} uses no field, but contains a {leads_to}, which may");
        }
        let parts = inputs[&leads_to].iter();
        to_see.extend(parts.map(|(part, of)| (leads_to.clone(), part.clone(), of.clone())));
    }
    // A field that always uses certain fields, whatever its arguments, must be a root field.
    for field_usage::FieldUsageRow { owner: of, .. } in
        FIELD_USAGE.iter().filter(|row| row.parts.contains(&""))
    {
        assert!(
            of.starts_with("Query."),
            "{of} must be a root field, because it always uses certain fields"
        );
    }
    // The table has no entry for parts that do not exist.
    for field_usage::FieldUsageRow { owner: of, parts, .. } in FIELD_USAGE {
        for part in parts.iter().filter(|part| !part.is_empty()) {
            let there = seen.contains(&((*of).to_owned(), (*part).to_owned()));
            assert!(there, "FIELD_USAGE names {part} of {of}, which does not exist");
        }
    }
    let known: BTreeSet<(&str, &str)> = TABLE
        .iter()
        .flat_map(|(of, fields, _)| fields.split(' ').map(move |field| (*of, field)))
        .collect();
    for field_usage::FieldUsageRow { owner: of, parts, .. } in FIELD_USAGE {
        for part in *parts {
            for field in field_usage::find_used_fields(of, part).unwrap() {
                assert!(
                    known.contains(&field),
                    "{part} of {of} reads {field:?}, which does not exist"
                );
            }
        }
    }
    for (of, parts, why) in USES_NO_FIELD {
        let of_any = |part: &str| {
            let every = inputs.values().chain(asked.values()).flatten();
            every.clone().any(|(name, _)| name == part)
        };
        assert!(*of == ANY || inputs.contains_key(*of), "there is no {of}");
        assert!(
            parts.iter().all(|part| *part == ANY || of_any(part)),
            "{parts:?} of {of}"
        );
        assert!(!why.is_empty());
    }
}

/// The permission table with some fields restricted to stewards.
fn stricter_permissions() -> Permissions {
    let stewards = AccessRule {
        allowed: AccessRequirement::HasCapability(Capability::ManageMembers),
        exposure: Exposure::All,
    };
    let more: [PolicyRow; 4] = [
        ("FundingTerm", "amountMinor durationMonths", stewards),
        ("Initiative", "startedOn", stewards),
        ("EntryPointTaken", "position", stewards),
        ("Organisation", "kind", stewards),
    ];
    Permissions::from_rows(TABLE.iter().copied().chain(more))
}

/// Queries of the restricted fields, with the error that other members get.
fn list_restricted_queries() -> Vec<(&'static str, Value, &'static str)> {
    let amount = json!({"fundingTerms": {"some": {"amountMinor": {"gt": 5}}}});
    let filtered = "query($f: InitiativeFilter) { initiatives(filter: $f) { totalCount } }";
    vec![
        // Selected fields.
        (
            "{ initiatives { nodes { fundingTerms { amountMinor } } } }",
            json!({}),
            "FundingTerm.amountMinor is for stewards",
        ),
        (
            "{ initiatives { nodes { startedOn } } }",
            json!({}),
            "Initiative.startedOn is for stewards",
        ),
        // Fields of a filter: as a literal, as a variable for all or part of it, and as the default of a
        // variable.
        (
            "{ initiatives(filter: {not: {or: [{title: {eq: \"x\"}}, {fundingTerms: {every: {amountMinor: {isKnown: true}}}}]}}) { totalCount } }",
            json!({}),
            "filter.not.or.1.fundingTerms.every.amountMinor: uses FundingTerm.amountMinor, which is for stewards",
        ),
        (
            filtered,
            json!({"f": amount}),
            "filter.fundingTerms.some.amountMinor: uses",
        ),
        (
            filtered,
            json!({"f": {"and": {"startedOn": {"isKnown": false}}}}),
            "filter.and.startedOn: uses",
        ),
        (
            "query($m: BigInt = 5) { initiatives(filter: {fundingTerms: {some: {amountMinor: {gt: $m}}}}) { totalCount } }",
            json!({}),
            "filter.fundingTerms.some.amountMinor: uses",
        ),
        (
            "query($f: InitiativeFilter = {startedOn: {isKnown: true}}) { initiatives(filter: $f) { totalCount } }",
            json!({}),
            "filter.startedOn: uses",
        ),
        (
            "query { ...asked } fragment asked on Query { ... on Query { initiatives(filter: {activeDuring: {crisis: \"x\"}}) { totalCount } } }",
            json!({}),
            "filter.activeDuring: uses Initiative.startedOn",
        ),
        (
            "query($f: OrganisationFilter) { organisations(filter: $f) { totalCount } }",
            json!({"f": {"kind": {"isKnown": true}}}),
            "filter.kind: uses Organisation.kind",
        ),
        // Fields of an order, on the root and in nested lists.
        (
            "{ initiatives(orderBy: {field: STARTED_ON}) { nodes { id } } }",
            json!({}),
            "orderBy.field: uses Initiative.startedOn",
        ),
        (
            "query($o: InitiativeOrder) { organisations { nodes { initiatives(orderBy: $o) { nodes { id } } } } }",
            json!({"o": {"field": "STARTED_ON", "direction": "DESC"}}),
            "orderBy.field: uses",
        ),
    ]
}

/// Likewise, queries of patterns.
fn list_restricted_patterns() -> Vec<(&'static str, Value, &'static str)> {
    let amount = json!({"fundingTerms": {"some": {"amountMinor": {"gt": 5}}}});
    vec![
        (
            "query($w: InitiativeFilter!) { pattern(when: $w, then: {}) { summary { text } } }",
            json!({"w": amount}),
            "when.fundingTerms.some.amountMinor: uses",
        ),
        (
            "{ pattern(when: {}, then: {}, by: YEAR_STARTED) { summary { text } } }",
            json!({}),
            "by: uses",
        ),
        (
            "{ distribution(of: LEAD_ORGANISATION_KIND) { scope } }",
            json!({}),
            "of: uses Organisation.kind",
        ),
        (
            "{ patternGrid(rows: REGION, columns: FUNDING_DURATION_BAND) { population } }",
            json!({}),
            "columns: uses FundingTerm.durationMonths",
        ),
        (
            "query($d: Dimension!) { distribution(of: $d) { scope } }",
            json!({"d": "FUNDING_DURATION_BAND"}),
            "of: uses",
        ),
        (
            "query($a: InitiativeFilter) { distribution(of: REGION, among: $a) { scope } }",
            json!({"a": amount}),
            "among.fundingTerms.some.amountMinor: uses",
        ),
        (
            "query($c: [NamedCondition!]!) { associations(conditions: $c) { scope } }",
            json!({"c": [{"name": "a", "condition": {}}, {"name": "b", "condition": amount}]}),
            "conditions.1.condition.fundingTerms.some.amountMinor: uses",
        ),
        (
            "query($g: [ComparisonGroupInput!]!) { compare(groups: $g, then: {}) { scope } }",
            json!({"g": [{"label": "a", "filter": {}}, {"label": "b", "filter": amount}]}),
            "groups.1.filter.fundingTerms.some.amountMinor: uses",
        ),
        (
            "{ entryPointFlows { scope } }",
            json!({}),
            "Query.entryPointFlows: uses EntryPointTaken.position",
        ),
    ]
}

async fn unreadable_fields_cannot_be_filtered_by(database: Database) {
    let app = TestApp::with_permissions(database, stricter_permissions()).await;
    app.publish(&[full_record("1").funded_by(&["GB-CHC-9"]).build()])
        .await;
    let steward = app.steward().await;
    let others = [
        app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await,
        app.create_member("partner", Role::Partner, Some("GB-CHC-1"))
            .await,
        app.create_member("dashboard", Role::Dashboard, None).await,
    ];
    for (query, variables, reason) in list_restricted_queries()
        .into_iter()
        .chain(list_restricted_patterns())
    {
        let response = steward.execute_with(query, variables.clone()).await;
        let refused = response["errors"][0]["extensions"]["code"] == "FORBIDDEN";
        assert!(!refused, "a steward is allowed: {query} {variables}: {response}");
        for other in &others {
            let response = other.execute_with(query, variables.clone()).await;
            let error = &response["errors"][0];
            assert_eq!(
                error["extensions"]["code"], "FORBIDDEN",
                "{query} {variables}: {response}"
            );
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(reason), "{query} {variables}: {message}");
            assert!(message.contains("; your role is "), "{message}");
        }
    }
    let may = "{ initiatives(filter: {fundingTerms: {some: {currency: {eq: \"GBP\"}}}}, orderBy: {field: TITLE}) { totalCount } }";
    for other in &others {
        other.query(may).await;
    }
    assert_subscriptions_rejected(&steward, &others).await;
    assert_files_rejected(&app, &steward, &others).await;
}

async fn assert_subscriptions_rejected(steward: &Client<'_>, others: &[Client<'_>]) {
    for (subscription, reason) in [
        (
            "subscription { initiativePublished(filter: {startedOn: {isKnown: true}}) { id } }",
            "filter.startedOn: uses Initiative.startedOn, which is for stewards",
        ),
        (
            "subscription { patternChanged(when: {fundingTerms: {some: {amountMinor: {gt: 5}}}}, then: {}) { summary { text } } }",
            "when.fundingTerms.some.amountMinor: uses",
        ),
        (
            "subscription { patternChanged(when: {}, then: {}, by: YEAR_STARTED) { summary { text } } }",
            "by: uses",
        ),
    ] {
        for other in others {
            let response = other.subscribe_first(subscription).await;
            assert_eq!(
                response["errors"][0]["extensions"]["code"], "FORBIDDEN",
                "{response}"
            );
            let message = response["errors"][0]["message"].as_str().unwrap();
            assert!(message.starts_with(reason), "{subscription}: {message}");
        }
    }
    steward
        .subscribe_first_data("subscription { patternChanged(when: {fundingTerms: {some: {amountMinor: {gt: 5}}}}, then: {}, by: YEAR_STARTED) { summary { text } } }")
        .await;
}

async fn assert_files_rejected(app: &TestApp, steward: &Client<'_>, others: &[Client<'_>]) {
    let amount = json!({"fundingTerms": {"some": {"amountMinor": {"gt": 5}}}});
    let other_condition = json!({"name": "b", "condition": {"title": {"isKnown": true}}});
    for (file, parameters, reason) in [
        (
            "pattern",
            json!({"when": amount, "then": {}}),
            "when.fundingTerms.some.amountMinor: uses",
        ),
        (
            "pattern",
            json!({"when": {}, "then": {}, "by": "YEAR_STARTED"}),
            "by: uses",
        ),
        (
            "grid",
            json!({"rows": "FUNDING_DURATION_BAND", "columns": "REGION"}),
            "rows: uses",
        ),
        ("distribution", json!({"of": "YEAR_STARTED"}), "of: uses"),
        (
            "distribution",
            json!({"of": "REGION", "among": amount}),
            "among.fundingTerms.some.amountMinor: uses",
        ),
        (
            "flows",
            json!({}),
            "Query.entryPointFlows: uses EntryPointTaken.position",
        ),
        (
            "associations",
            json!({"conditions": [{"name": "a", "condition": amount}, other_condition]}),
            "conditions.0.fundingTerms.some.amountMinor: uses",
        ),
    ] {
        let address = export_address(file, &parameters);
        for other in others {
            let (status, _, body) = send(&app.app, get(&address, other.authorization.as_deref())).await;
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(status, StatusCode::FORBIDDEN, "{file} {parameters}: {body}");
            let message = body["errors"][0]["message"].as_str().unwrap();
            assert!(message.starts_with(reason), "{file} {parameters}: {message}");
        }
        let (status, ..) = send(&app.app, get(&address, steward.authorization.as_deref())).await;
        assert_ne!(
            status,
            StatusCode::FORBIDDEN,
            "a steward is allowed: {file} {parameters}"
        );
    }
}

async fn claim_uses_only_fields_dashboards_can_read(database: Database) {
    let app = TestApp::with_permissions(database, stricter_permissions()).await;
    let steward = app.steward().await;
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    let save = "mutation($input: SaveClaimInput!) { saveClaim(input: $input) { claim { slug } problems { code message path } } }";
    let amount = json!({"fundingTerms": {"some": {"amountMinor": {"gt": 5}}}});
    let input = json!({"slug": "money", "statement": "Money matters.", "when": amount, "then": {}});
    let saved = steward.execute_with(save, json!({"input": input})).await;
    let error = &saved["data"]["saveClaim"]["problems"][0];
    assert_eq!(error["code"], "NOT_ALLOWED", "{saved}");
    assert_eq!(
        error["path"],
        json!(["when", "fundingTerms", "some", "amountMinor"]),
        "{saved}"
    );
    // The claim was saved before the permissions became stricter.
    let now = SystemClock.now();
    let claim = claim::Model {
        id: SystemClock.new_id(),
        slug: "money".into(),
        statement: "Money matters.".into(),
        position: 1,
        reflection_id: None,
        pattern_when: amount,
        pattern_then: json!({}),
        pattern_among: None,
        pattern_by: None,
        created_at: now,
        updated_at: now,
    };
    claim.into_active_model().insert(&app.app.db).await.unwrap();
    let output = "{ claim(slug: \"money\") { pattern { summary { text } } } }";
    for other in [&app.anonymous(), &funder] {
        let (message, code) = other.query_error(output).await;
        assert_eq!(code, "FORBIDDEN", "{message}");
        assert!(message.contains("FundingTerm.amountMinor"), "{message}");
    }
    steward.query(output).await;
}

/// The required arguments of a root field.
fn required_arguments(field: &str) -> &'static str {
    match field {
        "nodes" => "(ids: [])",
        "node" | "initiative" | "place" | "organisation" | "submission" | "import" | "revisions" => {
            "(id: \"x\")"
        }
        "claim" => "(slug: \"x\")",
        "changes" => "(sinceNumber: 0)",
        "pattern" => "(when: {}, then: {})",
        "patternGrid" => "(rows: REGION, columns: WAY_IN)",
        "associations" => "(conditions: [])",
        "compare" => "(groups: [], then: {})",
        "distribution" => "(of: REGION)",
        _ => "",
    }
}

async fn only_public_fields_answer_without_a_token(database: Database) {
    let app = TestApp::start(database).await;
    let anonymous = app.anonymous();
    let words = ["vocabulary", "terms", "crises", "claims", "claim"];
    for (field, selects) in &list_types_with_fields()["Query"] {
        let selection = if *selects { "{ __typename }" } else { "" };
        let query = format!("{{ {field}{} {selection} }}", required_arguments(field));
        let response = anonymous.execute(&query).await;
        if words.contains(&field.as_str()) {
            assert_eq!(response.get("errors"), None, "{query}");
        } else {
            assert_eq!(
                response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
                "{query}: {response}"
            );
            assert_eq!(
                response["errors"][0]["message"],
                "this requires a token: send it as `Authorization: Bearer <token>`",
                "{query}"
            );
            assert_eq!(response["errors"].as_array().map(Vec::len), Some(1), "{response}");
            let nothing = [Value::Null, json!({ field: null })];
            assert!(nothing.contains(&response["data"]), "{query}: {response}");
        }
    }
    assert_eq!(
        anonymous.query("{ __typename }").await,
        json!({"__typename": "Query"})
    );
    let introspected = anonymous
        .query("{ __schema { queryType { name } } __type(name: \"Place\") { fields { name } } }")
        .await;
    assert_eq!(introspected["__schema"]["queryType"]["name"], "Query");
    assert_ne!(introspected["__type"]["fields"], json!([]));
    // A refused field refuses the operation, before anything of it is executed.
    let response = anonymous
        .execute("{ place(id: \"x\") { name } vocabulary { roles { code } } }")
        .await;
    assert_eq!(response["data"], Value::Null);
    assert_eq!(
        response["errors"],
        json!([{
            "message": "this requires a token: send it as `Authorization: Bearer <token>`",
            "locations": [{"line": 1, "column": 3}],
            "extensions": {"code": "UNAUTHENTICATED"},
        }])
    );
}

async fn claim_is_answered_without_a_token_as_for_a_dashboard(database: Database) {
    let app = TestApp::start(database).await;
    let now = SystemClock.now();
    let claim = claim::Model {
        id: SystemClock.new_id(),
        slug: "a-claim".into(),
        statement: "One thing goes with another.".into(),
        position: 1,
        reflection_id: None,
        pattern_when: json!({}),
        pattern_then: json!({}),
        pattern_among: None,
        pattern_by: Some(Dimension::Region),
        created_at: now,
        updated_at: now,
    };
    claim.into_active_model().insert(&app.app.db).await.unwrap();
    let words = "{ claims { totalCount nodes { slug statement } } claim(slug: \"a-claim\") { id slug } }";
    let overall = "{ claim(slug: \"a-claim\") { pattern { summary { text } table { population } rateWhen { value } cautions { code text }
        scope disclosure { applied } asOf { changeNumber } licence } } }";
    let by_groups =
        "{ claim(slug: \"a-claim\") { pattern { groups { nodes { label } } adjusted { groupCount } }
            trend { groups { nodes { label } } } reflection { text } } }";
    let anonymous = app.anonymous();
    let read = anonymous.query(words).await;
    assert_eq!(
        read["claims"],
        json!({"totalCount": 1, "nodes": [{"slug": "a-claim", "statement": "One thing goes with another."}]})
    );
    let output = anonymous.query(overall).await;
    let pattern = &output["claim"]["pattern"];
    assert_eq!(pattern["scope"], "ALL");
    assert_eq!(pattern["disclosure"]["applied"], true);
    assert_eq!(
        pattern["table"]["population"], 0,
        "there are no records, and so none that are hidden"
    );
    let groups = &anonymous.query(by_groups).await["claim"];
    assert_eq!(
        groups["pattern"]["groups"]["nodes"],
        json!([{"label": "Not known"}]),
        "{groups}"
    );
    let years = groups["trend"]["groups"]["nodes"].as_array().unwrap();
    assert!(years.contains(&json!({"label": "Before 2000"})), "{groups}");
    assert_eq!(groups["reflection"], Value::Null);
    for query in [
        "{ claims { nodes { pattern(scope: VISIBLE) { summary { text } } } } }",
        "{ claim(slug: \"a-claim\") { trend(scope: VISIBLE) { verdict } } }",
        "{ claim(slug: \"a-claim\") { pattern { groups { nodes { place { name } } } } } }",
        "{ claim(slug: \"a-claim\") { reflection { meeting { title } } } }",
        "{ reflections { totalCount } }",
    ] {
        let response = anonymous.execute(query).await;
        assert_eq!(
            response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{query}: {response}"
        );
        assert!(
            !response["data"].to_string().contains("summary"),
            "{query}: {response}"
        );
    }
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let readable = "{ claim(slug: \"a-claim\") { pattern(scope: VISIBLE) { table { population } groups { nodes { label } } } } }";
    let read = dashboard.query(readable).await;
    assert_eq!(read["claim"]["pattern"]["table"]["population"], 0);
    assert_eq!(
        read["claim"]["pattern"]["groups"]["nodes"],
        json!([{"label": "Not known"}])
    );
}
