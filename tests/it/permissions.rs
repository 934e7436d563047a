//! Which fields answer whom.

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value, json};
use wayin::auth::permission::TABLE;
use wayin::clock::{Clock, SystemClock};
use wayin::schema::sdl;
use wayin_entity::{Dimension, Role, claim};

use crate::support::app::TestApp;
use crate::support::{Database, Story, stories};

/// The stories of this file.
pub fn stories() -> Vec<Story> {
    stories![
        the_table_names_every_field_of_the_schema_once_and_nothing_else,
        without_a_token_words_answer_and_nothing_else,
        a_claim_is_told_overall_without_a_token_and_by_strata_with_one,
    ]
}

/// Every object type and interface of the schema with its fields, each with whether it needs a selection.
fn types_with_fields() -> BTreeMap<String, Vec<(String, bool)>> {
    let document = parse_schema(sdl()).expect("the schema is well formed");
    let types: Vec<_> = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        })
        .collect();
    let leaf = |named: &str| {
        ["Int", "Float", "String", "Boolean", "ID"].contains(&named)
            || types
                .iter()
                .any(|one| one.name.node == named && matches!(one.kind, TypeKind::Scalar | TypeKind::Enum(_)))
    };
    types
        .iter()
        .filter_map(|definition| {
            let fields = match &definition.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                _ => return None,
            };
            let fields = fields.iter().map(|field| {
                let of = field.node.ty.node.to_string();
                let selects = !leaf(of.trim_matches(['[', ']', '!']));
                (field.node.name.node.to_string(), selects)
            });
            Some((definition.name.node.to_string(), fields.collect()))
        })
        .collect()
}

async fn the_table_names_every_field_of_the_schema_once_and_nothing_else(_: Database) {
    let of_schema: Vec<(String, String)> = types_with_fields()
        .into_iter()
        .flat_map(|(object, fields)| fields.into_iter().map(move |(field, _)| (object.clone(), field)))
        .collect();
    let of_table: Vec<(String, String)> = TABLE
        .iter()
        .flat_map(|(object, fields, _)| {
            fields
                .iter()
                .map(|field| ((*object).to_owned(), (*field).to_owned()))
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

/// What each root field is asked with, where it needs arguments.
fn arguments(field: &str) -> &'static str {
    match field {
        "nodes" => "(ids: [])",
        "node" | "initiative" | "place" | "organisation" | "submission" | "import" => "(id: \"x\")",
        "revisions" => "(initiative: \"x\")",
        "history" => "(of: \"x\")",
        "claim" => "(slug: \"x\")",
        "pattern" => "(when: {}, then: {})",
        "patternGrid" => "(rows: REGION, columns: WAY_IN)",
        "associations" => "(conditions: [])",
        "distribution" => "(of: REGION)",
        _ => "",
    }
}

async fn without_a_token_words_answer_and_nothing_else(database: Database) {
    let app = TestApp::start(database).await;
    let anonymous = app.anonymous();
    let words = ["vocabulary", "terms", "claims", "claim"];
    for (field, selects) in &types_with_fields()["Query"] {
        let selection = if *selects { "{ __typename }" } else { "" };
        let query = format!("{{ {field}{} {selection} }}", arguments(field));
        let response = anonymous.response(&query).await;
        if words.contains(&field.as_str()) {
            assert_eq!(response.get("errors"), None, "{query}");
        } else {
            assert_eq!(
                response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
                "{query}: {response}"
            );
            assert_eq!(
                response["errors"][0]["message"],
                "this needs a token: send it as `Authorization: Bearer <token>`",
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
    // A field that is refused does not take the open ones beside it with it, where it may be null.
    let response = anonymous
        .response("{ place(id: \"x\") { name } vocabulary { roles { code } } }")
        .await;
    assert_eq!(response["data"]["place"], Value::Null);
    assert_eq!(
        response["data"]["vocabulary"]["roles"].as_array().map(Vec::len),
        Some(4)
    );
}

async fn a_claim_is_told_overall_without_a_token_and_by_strata_with_one(database: Database) {
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
    let overall = "{ claim(slug: \"a-claim\") { pattern { reading table { population } rateWhen { value } cautions { code text }
        coverage disclosure { controlled } asOf { change } licence } } }";
    let by_strata =
        "{ claim(slug: \"a-claim\") { pattern { strata { nodes { label } } adjusted { strata } } } }";
    let anonymous = app.anonymous();
    let read = anonymous.query(words).await;
    assert_eq!(
        read["claims"],
        json!({"totalCount": 1, "nodes": [{"slug": "a-claim", "statement": "One thing goes with another."}]})
    );
    let told = anonymous.query(overall).await;
    let pattern = &told["claim"]["pattern"];
    assert_eq!(pattern["coverage"], "EVERYTHING");
    assert_eq!(pattern["disclosure"]["controlled"], true);
    assert_eq!(
        pattern["table"]["population"],
        Value::Null,
        "nothing is a small count"
    );
    for query in [
        by_strata,
        "{ claims { nodes { pattern(over: READABLE) { reading } } } }",
        "{ claim(slug: \"a-claim\") { reflection { text } } }",
    ] {
        let response = anonymous.response(query).await;
        assert_eq!(
            response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{query}: {response}"
        );
        assert!(
            !response["data"].to_string().contains("reading"),
            "{query}: {response}"
        );
    }
    let dashboard = app.member("dashboard", Role::Dashboard, None).await;
    let readable = "{ claim(slug: \"a-claim\") { pattern(over: READABLE) { table { population } strata { nodes { label } } } } }";
    let read = dashboard.query(readable).await;
    assert_eq!(read["claim"]["pattern"]["table"]["population"], 0);
    assert_eq!(
        read["claim"]["pattern"]["strata"]["nodes"],
        json!([{"label": "Not known"}])
    );
}
