//! What lists of initiatives include: the changes of the same server at once, those of other servers when they are read,
//! and the same changes in a whole operation.

use serde_json::{Value, json};

use crate::support::app::{Client, TestApp};
use crate::support::builders::record;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    list_includes_own_changes_at_once,
    list_waits_for_a_change_of_another_server,
    page_leaves_out_rows_that_were_withdrawn_since,
    lists_and_answers_of_one_operation_include_the_same_changes,
    list_fails_until_own_changes_can_be_read,
];

async fn start_with_records(database: &Database, count: usize) -> TestApp {
    let app = TestApp::start(database.clone()).await;
    let records: Vec<Value> = (0..count)
        .map(|number| record(&number.to_string()).build())
        .collect();
    app.publish(&records).await;
    app
}

/// Withdraws the first initiative of a list; returns the number of the change.
async fn withdraw_first(steward: &Client<'_>) -> Value {
    let found = steward.query("{ initiatives(first: 1) { nodes { id } } }").await;
    let input = json!({"id": found["initiatives"]["nodes"][0]["id"], "reason": "It was sent by mistake"});
    let query = "mutation($input: WithdrawInitiativeInput!) {
        withdrawInitiative(input: $input) { changeNumber problems { message } } }";
    let response = steward.execute_with(query, json!({"input": input})).await;
    let number = &response["data"]["withdrawInitiative"]["changeNumber"];
    assert!(number.is_i64(), "{response}");
    number.clone()
}

async fn list_includes_own_changes_at_once(database: Database) {
    // Nothing follows the change log in this test.
    let app = start_with_records(&database, 3).await;
    let steward = app.steward().await;
    for left in [2, 1, 0] {
        let number = withdraw_first(&steward).await;
        let found = steward
            .query("{ initiatives { totalCount nodes { id } asOf { changeNumber } } }")
            .await;
        let list = &found["initiatives"];
        assert_eq!(list["totalCount"], left, "{list}");
        assert_eq!(list["nodes"].as_array().unwrap().len(), left, "{list}");
        assert_eq!(list["asOf"]["changeNumber"], number, "{list}");
    }
}

async fn list_waits_for_a_change_of_another_server(database: Database) {
    let app = start_with_records(&database, 2).await;
    app.import_places("code,name,kind,parents,successor\nE12000001,North East,REGION,,\n")
        .await;
    let other_server = TestApp::start(database).await;
    let number = withdraw_first(&app.steward().await).await;
    let query =
        format!("{{ initiatives(minChangeNumber: {number}) {{ totalCount asOf {{ changeNumber }} }} }}");
    let client = other_server.steward().await;
    let (message, code) = client.query_error(&query).await;
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(message.starts_with("minChangeNumber: "), "{message}");
    // A list beside it does not fail.
    let beside = format!(
        "{{ place(code: \"E12000001\") {{ initiatives(minChangeNumber: {number}) {{ totalCount }} }}
            initiatives {{ totalCount }} }}"
    );
    let response = client.execute(&beside).await;
    assert_eq!(response["data"]["place"], Value::Null, "{response}");
    assert_eq!(response["data"]["initiatives"]["totalCount"], 2, "{response}");
    other_server.catch_up().await;
    let found = client.query(&query).await;
    assert_eq!(
        found["initiatives"],
        json!({"totalCount": 1, "asOf": {"changeNumber": number}})
    );
}

async fn page_leaves_out_rows_that_were_withdrawn_since(database: Database) {
    let app = start_with_records(&database, 3).await;
    let other_server = TestApp::start(database).await;
    withdraw_first(&app.steward().await).await;
    // The index of the other server has not read the change yet.
    let found = other_server
        .steward()
        .await
        .query("{ initiatives { totalCount nodes { id } pageInfo { hasNextPage } } }")
        .await;
    let list = &found["initiatives"];
    assert_eq!(list["totalCount"], 3, "{list}");
    assert_eq!(list["nodes"].as_array().unwrap().len(), 2, "{list}");
    assert_eq!(list["pageInfo"]["hasNextPage"], false, "{list}");
    // A page that would be empty has the rows that follow, so that a client can continue from its cursor.
    for (size, left) in [(0, 0), (1, 1)] {
        let query =
            format!("{{ initiatives(first: {size}) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }}");
        let found = other_server.steward().await.query(&query).await;
        let list = &found["initiatives"];
        assert_eq!(list["nodes"].as_array().unwrap().len(), left, "{list}");
        assert_eq!(list["pageInfo"]["hasNextPage"], true, "{list}");
    }
}

async fn lists_and_answers_of_one_operation_include_the_same_changes(database: Database) {
    let app = start_with_records(&database, 2).await;
    app.import_places("code,name,kind,parents,successor\nE12000001,North East,REGION,,\n")
        .await;
    let steward = app.steward().await;
    withdraw_first(&steward).await;
    let found = steward
        .query(
            "{ initiatives { asOf { changeNumber } }
               places { nodes { initiatives { totalCount asOf { changeNumber } } } }
               pattern(when: {}, then: {}) { table { both } asOf { changeNumber } } }",
        )
        .await;
    let number = &found["initiatives"]["asOf"];
    assert!(number["changeNumber"].as_i64() > Some(0), "{found}");
    assert_eq!(
        &found["places"]["nodes"][0]["initiatives"]["asOf"], number,
        "{found}"
    );
    assert_eq!(&found["pattern"]["asOf"], number, "{found}");
    assert_eq!(found["pattern"]["table"]["both"], 1, "{found}");
}

async fn list_fails_until_own_changes_can_be_read(database: Database) {
    let app = start_with_records(&database, 1).await;
    let steward = app.steward().await;
    steward.query("{ initiatives { totalCount } }").await;
    let db = &app.app.db;
    sea_orm::ConnectionTrait::execute_unprepared(db, "ALTER TABLE change_log RENAME TO hidden_change")
        .await
        .unwrap();
    app.app.engine.notifier().notify_of_commit();
    let response = steward.execute("{ initiatives { totalCount } }").await;
    let error = &response["errors"][0];
    assert_eq!(
        error["message"], "this server has not read its own last change yet; try again shortly",
        "{response}"
    );
    assert_eq!(error["extensions"]["retryAfterSeconds"], 2, "{response}");
    sea_orm::ConnectionTrait::execute_unprepared(db, "ALTER TABLE hidden_change RENAME TO change_log")
        .await
        .unwrap();
    let found = steward.query("{ initiatives { totalCount } }").await;
    assert_eq!(found["initiatives"]["totalCount"], 1);
}
