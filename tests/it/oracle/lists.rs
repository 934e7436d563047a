//! Lists of initiatives agree with the naive evaluator and with SQL: for random filters, orders, page sizes and readers,
//! and while records change.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use sea_orm::{EntityTrait, QueryFilter};
use serde_json::{Value, json};
use wayin::initiative::select_visible;
use wayin_entity::{Role, initiative};

use super::{RandomRecords, can_view_fully, parse_predicate, scale_cases, start_with_random_records};
use crate::support::app::Client;
use crate::support::oracle::evaluator::as_list;
use crate::support::oracle::sql::initiative_condition;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![random_lists_agree_with_sql_and_oracle];

const ORDER_FIELDS: [&str; 5] = ["PUBLISHED", "TITLE", "STARTED_ON", "ENDED_ON", "UPDATED"];

/// Whether a reader sees a part of a record, if not all of it.
fn can_view_part(reader: &str, record: &Value) -> bool {
    as_list(&record["fundingTerms"])
        .iter()
        .any(|term| term["funder"]["name"] == reader)
}

/// Whether a filter reads only what a funder sees of a record.
fn uses_only_a_part(filter: &Value) -> bool {
    filter
        .as_object()
        .unwrap()
        .iter()
        .all(|(field, value)| match field.as_str() {
            "title" | "place" | "id" => true,
            "and" | "or" => as_list(value).iter().all(uses_only_a_part),
            "not" => uses_only_a_part(value),
            _ => false,
        })
}

/// The value that a row is sorted by. Unknown values come last in both directions.
fn sort_key(row: &initiative::Model, field: &str) -> (bool, String) {
    let key = match field {
        "PUBLISHED" => Some(format!("{:020}", row.published_at.timestamp_micros())),
        "TITLE" => Some(row.title_folded.clone()),
        "UPDATED" => Some(format!("{:020}", row.updated_at.timestamp_micros())),
        "STARTED_ON" => row.started_on.map(|day| day.to_string()),
        _ => row.ended_on.map(|day| day.to_string()),
    };
    (key.is_none(), key.unwrap_or_default())
}

fn compare_rows(
    one: &initiative::Model,
    other: &initiative::Model,
    field: &str,
    descending: bool,
) -> Ordering {
    let ((one_unknown, one_key), (other_unknown, other_key)) = (sort_key(one, field), sort_key(other, field));
    let by_key = if descending {
        (Reverse(one_key), Reverse(one.id)).cmp(&(Reverse(other_key), Reverse(other.id)))
    } else {
        (one_key, one.id).cmp(&(other_key, other.id))
    };
    one_unknown.cmp(&other_unknown).then(by_key)
}

/// All rows of a list, read page by page in either direction, and the total.
async fn read_pages(
    client: &Client<'_>,
    filter: &Value,
    order: &str,
    size: usize,
    backward: bool,
) -> (Vec<String>, u64) {
    let filter = async_graphql::Value::from_json(filter.clone()).unwrap();
    let (mut rows, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let cursor_argument = |name: &str| {
            cursor
                .as_ref()
                .map_or(String::new(), |cursor| format!(", {name}: \"{cursor}\""))
        };
        let page = if backward {
            format!("last: {size}{}", cursor_argument("before"))
        } else {
            format!("first: {size}{}", cursor_argument("after"))
        };
        let query = format!(
            "{{ initiatives(filter: {filter}, orderBy: {order}, {page}) {{
                totalCount
                nodes {{ id }}
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        let found = client.query(&query).await["initiatives"].take();
        let mut ids: Vec<String> = as_list(&found["nodes"])
            .iter()
            .map(|node| node["id"].as_str().unwrap().to_owned())
            .collect();
        let (end, more) = if backward {
            ids.reverse();
            ("startCursor", "hasPreviousPage")
        } else {
            ("endCursor", "hasNextPage")
        };
        rows.extend(ids);
        if found["pageInfo"][more] == false {
            if backward {
                rows.reverse();
            }
            return (rows, found["totalCount"].as_u64().unwrap());
        }
        cursor = Some(found["pageInfo"][end].as_str().unwrap().to_owned());
    }
}

impl RandomRecords {
    /// Publishes one record again with other answers, and lets the index read it.
    async fn change_a_record(&mut self) {
        let number = self.chance.number_below(self.records.len());
        let mut changed = self.chance.random_record(number);
        // The lead organisation and its reference identify the record.
        changed["leadOrganisation"] = self.records[number]["leadOrganisation"].clone();
        self.app.publish(&[changed.clone()]).await;
        self.records[number] = changed;
    }
}

async fn random_lists_agree_with_sql_and_oracle(database: Database) {
    let mut random = start_with_random_records(database, 19).await;
    let readers = random.readers.clone();
    for case in 0..scale_cases(150) {
        if case % 5 == 4 {
            random.change_a_record().await;
        }
        let filter = if random.chance.maybe(20) {
            json!({})
        } else {
            random.chance.random_filter(1)
        };
        let (name, reader) = random.chance.choose(&readers);
        let (field, descending) = (random.chance.choose(&ORDER_FIELDS), random.chance.maybe(50));
        let (size, backward) = (1 + random.chance.number_below(60), random.chance.maybe(50));
        let order = format!(
            "{{field: {field}, direction: {}}}",
            if descending { "DESC" } else { "ASC" }
        );

        let app = &random.app;
        let rows = initiative::Entity::find().all(&app.app.db).await.unwrap();
        // The naive evaluator knows only what records say, not when they changed.
        let is_recent = random.chance.maybe(20);
        let since = rows[random.chance.number_below(rows.len())].updated_at;
        let is_selected = |row: &initiative::Model| !is_recent || row.updated_at >= since;
        let in_records = filter.clone();
        let filter = if is_recent {
            json!({"and": [filter, {"updatedAt": {"gte": since}}]})
        } else {
            filter
        };
        let parts_too = uses_only_a_part(&filter) && matches!(field, "PUBLISHED" | "TITLE");
        let by_reference: BTreeMap<&str, &initiative::Model> = rows
            .iter()
            .map(|row| (row.external_ref.as_deref().unwrap(), row))
            .collect();
        let is_listed = |record: &&Value| {
            let is_visible = can_view_fully(name, record) || (parts_too && can_view_part(name, record));
            is_visible && random.world.evaluate(&in_records, record) == Some(true)
        };
        let listed = random.records.iter().filter(is_listed);
        let mut expected: Vec<&initiative::Model> = listed
            .map(|record| by_reference[record["externalRef"].as_str().unwrap()])
            .filter(|row| is_selected(row))
            .collect();
        expected.sort_by(|one, other| compare_rows(one, other, field, descending));
        let asked =
            format!("case {case}: {filter} by {order} for {name}, {size} at once, backward: {backward}");

        let condition = parse_predicate(app, &filter).await;
        let by_sql = select_visible(reader, parts_too).filter(initiative_condition(&condition, true));
        let mut by_sql = by_sql.all(&app.app.db).await.unwrap();
        by_sql.sort_by(|one, other| compare_rows(one, other, field, descending));
        assert!(
            by_sql.iter().eq(expected.iter().copied()),
            "SQL and the naive evaluator, {asked}"
        );

        let client = match name {
            "steward" => app.steward().await,
            "dashboard" => app.create_member("dashboard", Role::Dashboard, None).await,
            "Dogwood Fund" => app.create_member("funder", Role::Funder, Some("GB-CHC-3")).await,
            _ => app.create_member("lead", Role::Partner, Some("GB-CHC-2")).await,
        };
        let (listed, total) = read_pages(&client, &filter, &order, size, backward).await;
        let ids: Vec<String> = expected
            .iter()
            .map(|row| wayin::id::NodeKind::Initiative.encode_id(row.id))
            .collect();
        assert_eq!(listed, ids, "{asked}");
        assert_eq!(total, ids.len() as u64, "{asked}");
    }
}
