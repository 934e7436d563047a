//! Pagination: the same total order forward and backward, and cursors that survive changes.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use wayin_entity::initiative;

use crate::support::app::{Client, TestApp};
use crate::support::builders::{record, withdraw};
use crate::support::filled_lists::start_with_filled_lists;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    lists_are_the_same_forward_and_backward,
    lists_follow_the_requested_order,
    cursors_survive_inserts_and_deletes,
    cursor_of_another_list_is_rejected,
    invalid_page_arguments_are_rejected,
];

/// A list: the query around the arguments of a page, and the field that identifies its rows.
struct ConnectionList {
    before: &'static str,
    after: &'static str,
    pointer: &'static str,
    row: &'static str,
}

const fn root_list(before: &'static str, pointer: &'static str) -> ConnectionList {
    ConnectionList {
        before,
        after: "",
        pointer,
        row: "id",
    }
}

const fn nested_list(before: &'static str, pointer: &'static str) -> ConnectionList {
    ConnectionList {
        before,
        after: " }",
        pointer,
        row: "id",
    }
}

const LISTS: &[ConnectionList] = &[
    root_list("terms(", "/terms"),
    root_list("claims(", "/claims"),
    root_list("meetings(", "/meetings"),
    root_list("reflections(", "/reflections"),
    root_list(
        "reflections(filter: {text: {contains: \"was SAID\"}}, ",
        "/reflections",
    ),
    root_list("crises(", "/crises"),
    root_list("places(", "/places"),
    root_list(
        "places(filter: {current: true}, orderBy: {field: NAME, direction: DESC}, ",
        "/places",
    ),
    root_list("organisations(", "/organisations"),
    root_list(
        "organisations(orderBy: {field: NAME, direction: DESC}, ",
        "/organisations",
    ),
    root_list("initiatives(", "/initiatives"),
    root_list("initiatives(orderBy: {field: PUBLISHED}, ", "/initiatives"),
    root_list("initiatives(orderBy: {field: TITLE}, ", "/initiatives"),
    root_list(
        "initiatives(orderBy: {field: TITLE, direction: DESC}, ",
        "/initiatives",
    ),
    root_list("initiatives(orderBy: {field: STARTED_ON}, ", "/initiatives"),
    root_list(
        "initiatives(orderBy: {field: STARTED_ON, direction: DESC}, ",
        "/initiatives",
    ),
    root_list("initiatives(orderBy: {field: ENDED_ON}, ", "/initiatives"),
    root_list(
        "initiatives(orderBy: {field: ENDED_ON, direction: DESC}, ",
        "/initiatives",
    ),
    root_list(
        "initiatives(filter: {startedOn: {isKnown: true}}, orderBy: {field: ENDED_ON}, ",
        "/initiatives",
    ),
    nested_list("place(code: \"E12000001\") { children(", "/place/children"),
    nested_list("place(code: \"E12000001\") { initiatives(", "/place/initiatives"),
    nested_list(
        "place(code: \"E12000001\") { initiatives(orderBy: {field: STARTED_ON, direction: DESC}, ",
        "/place/initiatives",
    ),
    nested_list(
        "organisation(identifier: \"GB-CHC-1\") { initiatives(",
        "/organisation/initiatives",
    ),
    nested_list(
        "organisation(identifier: \"GB-CHC-1\") { initiatives(orderBy: {field: ENDED_ON}, ",
        "/organisation/initiatives",
    ),
    nested_list(
        "organisation(identifier: \"GB-CHC-9\") { fundingTerms(",
        "/organisation/fundingTerms",
    ),
    ConnectionList {
        row: "key",
        ..nested_list(
            "pattern(when: {}, then: {}, by: PLACE) { groups(",
            "/pattern/groups",
        )
    },
    ConnectionList {
        row: "key",
        ..nested_list(
            "pattern(when: {}, then: {}, by: LEAD_ORGANISATION) { groups(orderBy: {field: POPULATION, direction: DESC}, ",
            "/pattern/groups",
        )
    },
];

impl ConnectionList {
    fn query(&self, page: &str, selection: &str) -> String {
        format!("{{ {}{page}) {{ {selection} }} {} }}", self.before, self.after)
    }

    async fn query_page(&self, client: &Client<'_>, page: &str, selection: &str) -> Value {
        let query = self.query(page, selection);
        let answer = client.query(&query).await;
        answer
            .pointer(self.pointer)
            .unwrap_or_else(|| panic!("{query}: {answer}"))
            .clone()
    }

    /// All rows, from pages of one size.
    async fn walk_pages(&self, client: &Client<'_>, size: usize, backward: bool) -> Vec<Value> {
        let selection = format!(
            "totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
             edges {{ cursor node {{ {} }} }}",
            self.row
        );
        let mut rows: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let (count, from) = if backward {
                ("last", "before")
            } else {
                ("first", "after")
            };
            let from = cursor
                .map(|cursor| format!(", {from}: \"{cursor}\""))
                .unwrap_or_default();
            let page = self
                .query_page(client, &format!("{count}: {size}{from}"), &selection)
                .await;
            let edges = page["edges"].as_array().unwrap();
            let info = &page["pageInfo"];
            assert!(edges.len() <= size, "{}: {page}", self.before);
            assert_eq!(
                info["startCursor"],
                edges.first().map_or(Value::Null, |edge| edge["cursor"].clone())
            );
            assert_eq!(
                info["endCursor"],
                edges.last().map_or(Value::Null, |edge| edge["cursor"].clone())
            );
            let here: Vec<Value> = edges.iter().map(|edge| edge["node"][self.row].clone()).collect();
            if backward {
                rows.splice(0..0, here);
            } else {
                rows.extend(here);
            }
            let (more, next) = if backward {
                ("hasPreviousPage", "startCursor")
            } else {
                ("hasNextPage", "endCursor")
            };
            if info[more] == false {
                assert_eq!(
                    page["totalCount"],
                    rows.len(),
                    "{} in pages of {size}",
                    self.before
                );
                return rows;
            }
            assert_eq!(
                edges.len(),
                size,
                "a page before the end is full: {}",
                self.before
            );
            cursor = Some(info[next].as_str().unwrap().to_owned());
        }
    }
}

async fn lists_are_the_same_forward_and_backward(database: Database) {
    let app = start_with_filled_lists(database, 1).await;
    let steward = app.steward().await;
    for list in LISTS {
        let whole = list.walk_pages(&steward, 100, false).await;
        assert!(whole.len() >= 20, "{} has {} rows", list.before, whole.len());
        for (number, row) in whole.iter().enumerate() {
            assert!(
                !whole[..number].contains(row),
                "{} gives {row} twice",
                list.before
            );
        }
        for size in [1, 7, whole.len()] {
            for backward in [false, true] {
                let walked = list.walk_pages(&steward, size, backward).await;
                assert_eq!(
                    walked, whole,
                    "{} in pages of {size}, backward: {backward}",
                    list.before
                );
            }
        }
        // The default page size is 20, and 0 is allowed.
        let usual = list
            .query_page(&steward, "after: null", "nodes { __typename }")
            .await;
        assert_eq!(
            usual["nodes"].as_array().map(Vec::len),
            Some(20),
            "{}",
            list.before
        );
        let none = list
            .query_page(
                &steward,
                "first: 0",
                "totalCount nodes { __typename } pageInfo { hasNextPage endCursor }",
            )
            .await;
        assert_eq!(
            none,
            json!({"totalCount": whole.len(), "nodes": [], "pageInfo": {"hasNextPage": true, "endCursor": null}}),
            "{}",
            list.before
        );
        let between = rows_between(list, &steward).await;
        assert_eq!(between, whole[4..9], "{} between two cursors", list.before);
    }
}

/// The rows between the fourth and the tenth.
async fn rows_between(list: &ConnectionList, client: &Client<'_>) -> Vec<Value> {
    let cursors = list.query_page(client, "first: 10", "edges { cursor }").await;
    let (after, before) = (&cursors["edges"][3]["cursor"], &cursors["edges"][9]["cursor"]);
    let page = format!("first: 100, after: {after}, before: {before}");
    let found = list
        .query_page(client, &page, &format!("nodes {{ {} }}", list.row))
        .await;
    let nodes = found["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node[list.row].clone()).collect()
}

async fn lists_follow_the_requested_order(database: Database) {
    let app = start_with_filled_lists(database, 2).await;
    let steward = app.steward().await;
    for (list, field, path) in [
        ("initiatives", "TITLE", "title"),
        ("initiatives", "STARTED_ON", "startedOn"),
        ("initiatives", "ENDED_ON", "endedOn"),
        ("initiatives", "PUBLISHED", "publishedAt"),
        ("initiatives", "UPDATED", "updatedAt"),
        ("places", "NAME", "name"),
        ("organisations", "NAME", "name"),
    ] {
        for descending in [false, true] {
            let direction = if descending { "DESC" } else { "ASC" };
            let query = format!(
                "{{ {list}(first: 100, orderBy: {{field: {field}, direction: {direction}}}) {{ nodes {{ {path} }} }} }}"
            );
            let found = steward.query(&query).await;
            let keys: Vec<Option<String>> = found[list]["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|node| Some(node[path].as_str()?.to_lowercase()))
                .collect();
            let known: Vec<&String> = keys.iter().flatten().collect();
            assert!(
                keys[..known.len()].iter().all(Option::is_some),
                "unknown values come last: {keys:?}"
            );
            let mut sorted = known.clone();
            sorted.sort_unstable();
            if descending {
                sorted.reverse();
            }
            assert_eq!(known, sorted, "{query}");
        }
    }
    let found = steward
        .query("{ meetings(first: 100) { nodes { heldOn } } crises(first: 100) { nodes { from } } }")
        .await;
    for (list, field) in [("meetings", "heldOn"), ("crises", "from")] {
        let nodes = found[list]["nodes"].as_array().unwrap();
        assert!(
            nodes.is_sorted_by(|one, next| one[field].as_str() >= next[field].as_str()),
            "the latest first: {nodes:?}"
        );
    }
}

async fn cursors_survive_inserts_and_deletes(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let a_record = |title: &str| record(title).with("title", title).build();
    app.publish(&["b", "d", "f", "h", "k"].map(a_record)).await;
    let page = async |arguments: &str| {
        let query = format!(
            "{{ initiatives(orderBy: {{field: TITLE}}, {arguments}) {{ nodes {{ title }} pageInfo {{ endCursor startCursor }} }} }}"
        );
        let found = steward.query(&query).await["initiatives"].take();
        let titles: Vec<String> = found["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["title"].as_str().unwrap().to_owned())
            .collect();
        (titles.concat(), found["pageInfo"].clone())
    };
    let (titles, first) = page("first: 2").await;
    assert_eq!(titles, "bd");
    // Removes the row of the cursor and then the next row, and adds one before and one after.
    for gone in ["d", "f"] {
        let row = initiative::Entity::find()
            .filter(initiative::Column::Title.eq(gone))
            .one(&app.app.db)
            .await
            .unwrap();
        withdraw(&app, row.unwrap().id).await;
    }
    app.publish(&["a", "e"].map(a_record)).await;
    let (titles, second) = page(&format!("first: 2, after: {}", first["endCursor"])).await;
    assert_eq!(titles, "eh");
    app.publish(&["c", "g", "z"].map(a_record)).await;
    let (titles, _) = page(&format!("first: 9, after: {}", second["endCursor"])).await;
    assert_eq!(titles, "kz");
    let (titles, _) = page(&format!("last: 9, before: {}", second["startCursor"])).await;
    assert_eq!(titles, "abc");
    let (titles, _) = page(&format!("last: 2, before: {}", second["startCursor"])).await;
    assert_eq!(titles, "bc");
}

async fn cursor_of_another_list_is_rejected(database: Database) {
    let app = start_with_filled_lists(database, 3).await;
    let steward = app.steward().await;
    let mut cursors = Vec::new();
    for list in LISTS.iter().filter(|list| list.row == "id") {
        let page = list
            .query_page(
                &steward,
                "first: 1",
                "pageInfo { endCursor } nodes { __typename }",
            )
            .await;
        let order = list.before.split_once("orderBy: ").map_or("", |(_, order)| order);
        let of = page["nodes"][0]["__typename"].clone();
        cursors.push((list, of, order, page["pageInfo"]["endCursor"].clone()));
    }
    for (list, of, order, _) in &cursors {
        for (other, other_of, other_order, cursor) in &cursors {
            for argument in ["after", "before"] {
                let query = list.query(&format!("{argument}: {cursor}"), "nodes { id }");
                if of == other_of && order == other_order {
                    steward.query(&query).await;
                } else {
                    let (message, code) = steward.query_error(&query).await;
                    assert_eq!(code, "BAD_USER_INPUT", "{query}");
                    assert_eq!(
                        message,
                        format!("{argument}: is not a cursor of this list in this order"),
                        "{} with a cursor of {}",
                        list.before,
                        other.before
                    );
                }
            }
        }
    }
}

async fn invalid_page_arguments_are_rejected(database: Database) {
    let app = start_with_filled_lists(database, 4).await;
    let steward = app.steward().await;
    for list in LISTS {
        for (page, argument) in [
            ("first: 101", "first"),
            ("first: -1", "first"),
            ("last: 101", "last"),
            ("last: -1", "last"),
            ("first: 1, last: 1", "last"),
            ("after: \"\"", "after"),
            ("after: \"nonsense\"", "after"),
            ("after: \"WzEsMiwzXQ\"", "after"),
            ("last: 1, before: \"🦀\"", "before"),
        ] {
            // The group of unknown values has the empty cursor.
            if list.row == "key" && page == "after: \"\"" {
                continue;
            }
            let query = list.query(page, "nodes { __typename }");
            let (message, code) = steward.query_error(&query).await;
            assert_eq!(code, "BAD_USER_INPUT", "{query}");
            assert!(
                message.starts_with(&format!("{argument}: ")),
                "{query}: {message}"
            );
        }
    }
}
