//! Grants in the 360Giving Data Standard, and the initiatives that they become.

use std::collections::BTreeMap;

use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};
use serde_json::{Value, json};
use wayin::import::{Remark, Tally};
use wayin_entity::{FileFormat, ImportKind, change, funding_term, initiative, revision};

use super::app::{Client, TestApp};

/// The licence under which [`try_grants`] imports grants.
pub const LICENCE: &str = "https://creativecommons.org/licenses/by/4.0/";

/// The tally of an import without warnings.
pub fn tally(added: u64, altered: u64, unchanged: u64, refused: u64) -> Tally {
    Tally {
        added,
        altered,
        unchanged,
        refused,
        warned: 0,
    }
}

/// Imports grants as the command line does; returns the tally and the messages, without those about unknown places.
pub async fn try_grants(app: &TestApp, file: &str) -> (Tally, Vec<String>) {
    let (tally, mut messages) = try_grants_and_places(app, file).await;
    messages.retain(|line| !line.contains(" known place: "));
    (tally, messages)
}

/// Imports grants as the command line does; returns the tally and all messages.
pub async fn try_grants_and_places(app: &TestApp, file: &str) -> (Tally, Vec<String>) {
    let format = if file.trim_start().starts_with(['{', '[']) {
        FileFormat::Json
    } else {
        FileFormat::Csv
    };
    let licence = Some(LICENCE.to_owned());
    let published = app.publish_file((ImportKind::Grants360Giving, format), licence, file);
    let (tally, remarks) = published.await.expect("the import succeeds");
    let said = remarks.into_iter().map(|remark| match remark {
        Remark::Refused(refusal) => refusal.to_string(),
        Remark::Warning(warning) => format!("warning: {warning}"),
        Remark::Note(note) => format!("note: {note}"),
    });
    app.catch_up().await;
    (tally, said.collect())
}

/// A grant with every field that the standard requires, and the fields of `more`.
pub fn grant(id: &str, more: &Value) -> Value {
    let mut grant = json!({
        "id": id, "title": format!("Grant {id}"), "description": "For the work.",
        "currency": "GBP", "amountAwarded": 1000, "awardDate": "2020-01-02",
        "recipientOrganization": [{"id": "GB-CHC-100", "name": "A charity"}],
        "fundingOrganization": [{"id": "GB-CHC-200", "name": "A funder"}],
    });
    let fields = grant.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        fields.insert(name.clone(), value.clone());
    }
    grant
}

/// A file of grants.
pub fn package(grants: &[Value]) -> String {
    json!({ "grants": grants }).to_string()
}

/// The rows that an import of grants could change, and the number of revisions.
pub async fn load_state(
    app: &TestApp,
) -> (
    Vec<initiative::Model>,
    Vec<funding_term::Model>,
    Vec<change::Model>,
    u64,
) {
    let db = &app.app.db;
    let initiatives = initiative::Entity::find().order_by_asc(initiative::Column::Id);
    let terms = funding_term::Entity::find().order_by_asc(funding_term::Column::Id);
    let changes = change::Entity::find().order_by_asc(change::Column::Number);
    (
        initiatives.all(db).await.unwrap(),
        terms.all(db).await.unwrap(),
        changes.all(db).await.unwrap(),
        revision::Entity::find().count(db).await.unwrap(),
    )
}

/// Every initiative that the client can see, by title.
pub async fn list_initiatives_by_title(client: &Client<'_>, fields: &str) -> BTreeMap<String, Value> {
    let query = format!("{{ initiatives(first: 100) {{ nodes {{ title {fields} }} }} }}");
    let mut answer = client.query(&query).await;
    let Value::Array(nodes) = answer["initiatives"]["nodes"].take() else {
        panic!("initiatives are listed");
    };
    let titled = |mut node: Value| {
        let fields = node.as_object_mut().unwrap();
        let title = fields.remove("title").unwrap();
        (title.as_str().unwrap().to_owned(), node)
    };
    nodes.into_iter().map(titled).collect()
}

/// The number of initiatives for each value of a dimension, by its label. Empty groups are left out.
pub async fn query_distribution(client: &Client<'_>, of: &str) -> BTreeMap<String, i64> {
    let answer = client
        .query(&format!(
            "{{ distribution(of: {of}) {{ bins {{ label count }} }} }}"
        ))
        .await;
    let bins = answer["distribution"]["bins"].as_array().unwrap();
    bins.iter()
        .map(|bin| {
            let label = bin["label"].as_str().unwrap().to_owned();
            (label, bin["count"].as_i64().unwrap())
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}
