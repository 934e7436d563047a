//! Rows that nobody changes expire, and the API returns the time in advance.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, PaginatorTrait};
use serde_json::{Value, json};
use wayin::clock::{Clock, SystemClock};
use wayin::expiry::{DEFAULT_IMPORT_EXPIRY_DAYS, ExpiryPolicy, delete_expired};
use wayin::id;
use wayin_entity::{Role, SubmissionState, audit_event, submission};

use crate::support::app::TestApp;
use crate::support::places::start_with_places;
use crate::support::submissions::{draft_record, mutate_ok, save_draft};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    untouched_drafts_expire_after_a_year,
    concurrent_sweeps_delete_each_row_once,
];

/// The time in a number of days.
fn days_from_now(days: u64) -> DateTime<Utc> {
    SystemClock.now() + Days::new(days)
}

async fn untouched_drafts_expire_after_a_year(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let mut ids = BTreeMap::new();
    for name in ["draft", "sent", "returned", "discarded", "published", "touched"] {
        let id = save_draft(&partner, draft_record(name)).await;
        if ["sent", "returned", "published"].contains(&name) {
            mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
        }
        match name {
            "returned" => {
                mutate_ok(
                    &steward,
                    "requestChanges",
                    json!({"id": id, "note": "Which year?"}),
                )
                .await
            }
            "discarded" => mutate_ok(&partner, "discardSubmission", json!({"id": id})).await,
            "published" => mutate_ok(&steward, "publishSubmission", json!({"id": id})).await,
            _ => Value::Null,
        };
        ids.insert(name, id);
    }
    let mut touched = submission::Entity::find_by_id(id::decode(&ids["touched"]).unwrap().1)
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap()
        .into_active_model();
    touched.updated_at = Set(days_from_now(30));
    touched.update(&app.app.db).await.unwrap();

    let output = async || {
        let query = "{ submissions { nodes { id updatedAt expiresAt } } }";
        let found = partner.query(query).await;
        let found = found["submissions"]["nodes"].as_array().unwrap().clone();
        let name = |id: &Value| *ids.iter().find(|(_, one)| id == one.as_str()).unwrap().0;
        found
            .iter()
            .map(|one| {
                let moment = |field: &str| one[field].as_str()?.parse::<DateTime<Utc>>().ok();
                let days = moment("expiresAt").map(|at| (at - moment("updatedAt").unwrap()).num_days());
                (name(&one["id"]), days)
            })
            .collect::<BTreeMap<&str, Option<i64>>>()
    };
    let mut expected: BTreeMap<&str, Option<i64>> = ids.keys().map(|name| (*name, Some(365))).collect();
    expected.insert("sent", None);
    expected.insert("published", None);
    assert_eq!(output().await, expected);

    let (db, expiry) = (&app.app.db, ExpiryPolicy::default());
    let gone = async |expiry: &ExpiryPolicy, days| {
        let gone = delete_expired(db, &SystemClock, expiry, days_from_now(days))
            .await
            .unwrap();
        assert_eq!(gone.imports, 0);
        gone.submissions
    };
    assert_eq!(gone(&expiry, 364).await, 0);
    assert_eq!(
        gone(&ExpiryPolicy::from_days(0, DEFAULT_IMPORT_EXPIRY_DAYS), 40_000).await,
        0
    );
    assert_eq!(gone(&expiry, 366).await, 3);
    for gone in ["draft", "returned", "discarded"] {
        expected.remove(gone);
    }
    assert_eq!(
        output().await,
        expected,
        "changed, submitted and published ones stay"
    );
    assert_eq!(gone(&expiry, 366).await, 0);

    let query = "{ auditEvents(filter: {action: \"expireSubmission\"}) { totalCount nodes { actor { id } subjectId versionBefore versionAfter detail } } }";
    let events = steward.query(query).await["auditEvents"].take();
    assert_eq!(events["totalCount"], 3);
    let returned = events["nodes"].as_array().unwrap();
    let returned = returned
        .iter()
        .find(|event| event["detail"]["state"] == "CHANGES_REQUESTED")
        .unwrap();
    assert_eq!(
        (
            &returned["subjectId"],
            &returned["actor"],
            &returned["versionBefore"],
            &returned["versionAfter"]
        ),
        (&json!(ids["returned"]), &Value::Null, &json!(1), &Value::Null)
    );
}

async fn concurrent_sweeps_delete_each_row_once(database: Database) {
    let app = start_with_places(database.clone()).await;
    let partner = app.partner().await;
    let first = save_draft(&partner, draft_record("0")).await;
    let (_, first) = id::decode(&first).unwrap();
    let like = submission::Entity::find_by_id(first)
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();
    let more = (1..330).map(|number| {
        let state = [
            SubmissionState::Draft,
            SubmissionState::Discarded,
            SubmissionState::Submitted,
        ][number % 3];
        submission::Model {
            id: SystemClock.new_id(),
            state,
            ..like.clone()
        }
        .into_active_model()
    });
    submission::Entity::insert_many(more)
        .exec_without_returning(&app.app.db)
        .await
        .unwrap();
    let other = TestApp::start(database).await;
    let (expiry, now) = (ExpiryPolicy::default(), days_from_now(400));
    let (one, two) = tokio::join!(
        delete_expired(&app.app.db, &SystemClock, &expiry, now),
        delete_expired(&other.app.db, &SystemClock, &expiry, now),
    );
    assert_eq!(one.unwrap().submissions + two.unwrap().submissions, 220);
    let events = audit_event::Entity::find().all(&app.app.db).await.unwrap();
    let events: BTreeSet<_> = events
        .iter()
        .filter(|event| event.action == "expireSubmission")
        .map(|event| event.subject_id)
        .collect();
    assert_eq!(events.len(), 220);
    assert_eq!(submission::Entity::find().count(&app.app.db).await.unwrap(), 110);
    let left = app
        .create_member("another", Role::Partner, Some("GB-CHC-500"))
        .await;
    let left = left
        .query("{ submissions(filter: {states: [DRAFT]}) { totalCount } }")
        .await;
    assert_eq!(left["submissions"]["totalCount"], 0);
}
