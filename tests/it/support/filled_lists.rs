//! A database with rows in every list.

use std::fmt::Write as _;

use chrono::{Days, NaiveDate, TimeDelta};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::change_log::{ChangeEntry, append_changes};
use wayin::clock::{Clock, SystemClock};
use wayin_entity::{
    ChangeKind, ChangeSubject, Perspective, claim, crisis, initiative, meeting, reflection, term,
};

use super::Database;
use super::app::TestApp;
use super::builders::{organisation, record};

fn parse_day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn draw_day(random: &mut StdRng) -> Option<NaiveDate> {
    random
        .random_ratio(2, 3)
        .then(|| parse_day("2020-01-01") + Days::new(random.random_range(0..6) * 30))
}

const NAMES: [&str; 8] = ["Ash", "ash", "Élan", "Zed", "a b", "A-b", "Ōtley", "10 Mill Lane"];

/// A service over a database with tens of rows in every list. Many have the same sort key.
pub async fn start_with_filled_lists(database: Database, seed: u64) -> TestApp {
    let random = &mut StdRng::seed_from_u64(seed);
    let app = TestApp::start(database).await;
    let mut places = String::from(
        "code,name,kind,parents,successor\nE92000001,England,NATION,,\nE12000001,North East,REGION,E92000001,\n\
         E12000002,North West,REGION,E92000001,\nE07000900,Old Town,LOCAL_AUTHORITY,,E06000001\n",
    );
    for number in 1..=30 {
        let name = NAMES.choose(random).unwrap();
        let region = 1 + usize::from(number % 5 == 0);
        writeln!(
            places,
            "E0600{number:04},{name},LOCAL_AUTHORITY,E1200000{region},"
        )
        .unwrap();
    }
    app.import_places(&places).await;
    let records: Vec<Value> = (0..60)
        .map(|number: usize| {
            let started = draw_day(random);
            let ended = draw_day(random).map(|day| day + TimeDelta::days(400));
            let starts = draw_day(random);
            let lead = if number.is_multiple_of(2) { 1 } else { 10 + number };
            let place = random.random_range(1..=30);
            record(&number.to_string())
                .led_by(&format!("GB-CHC-{lead}"))
                .with("title", *NAMES.choose(random).unwrap())
                .with("startedOn", json!(started))
                .with("endedOn", json!(ended))
                .with("place", json!({"code": format!("E0600{place:04}")}))
                .with(
                    "fundingTerms",
                    json!([{"funder": organisation("GB-CHC-9"), "startsOn": starts}]),
                )
                .build()
        })
        .collect();
    app.publish(&records).await;
    let now = SystemClock.now();
    for (remainder, hours) in [("1", 1), ("2", 2)] {
        initiative::Entity::update_many()
            .col_expr(
                initiative::Column::PublishedAt,
                Expr::value(now - TimeDelta::hours(hours)),
            )
            .filter(initiative::Column::ExternalRef.ends_with(remainder))
            .exec(&app.app.db)
            .await
            .unwrap();
    }
    let ids: Vec<Uuid> = initiative::Entity::find()
        .select_only()
        .column(initiative::Column::Id)
        .into_tuple()
        .all(&app.app.db)
        .await
        .unwrap();
    let changes: Vec<ChangeEntry> = ids
        .into_iter()
        .map(|id| ChangeEntry::new(ChangeKind::Altered, ChangeSubject::Initiative, id))
        .collect();
    append_changes(&app.app.db, &TestApp::action(), &changes)
        .await
        .unwrap();
    app.catch_up().await;
    for number in 0..25 {
        add_reference_data(&app, number, random).await;
    }
    app
}

/// A term, a claim, a meeting with a reflection and a crisis.
async fn add_reference_data(app: &TestApp, number: i32, random: &mut StdRng) {
    let now = SystemClock.now();
    let db = &app.app.db;
    let word = format!("{} {number}", NAMES.choose(random).unwrap());
    let term = term::Model {
        id: SystemClock.new_id(),
        slug: format!("word-{number}"),
        name_folded: format!("{word}\nsynonym {number}").to_lowercase(),
        name: word,
        definition: "What it means".into(),
        synonyms: json!([format!("Synonym {number}")]),
        usage_note: None,
        code: None,
        created_at: now,
        updated_at: now,
    };
    let claim = claim::Model {
        id: SystemClock.new_id(),
        slug: format!("claim-{number}"),
        statement: "Something goes with something.".into(),
        position: 1 + number / 3,
        reflection_id: None,
        pattern_when: json!({}),
        pattern_then: json!({}),
        pattern_among: None,
        pattern_by: None,
        created_at: now,
        updated_at: now,
    };
    let meeting = meeting::Model {
        id: SystemClock.new_id(),
        title: format!("Meeting {number}"),
        theme: None,
        held_on: parse_day("2022-11-17") + Days::new(u64::from(number.unsigned_abs() / 4)),
        registration_url: None,
        created_at: now,
        updated_at: now,
    };
    let reflection = reflection::Model {
        id: SystemClock.new_id(),
        meeting_id: meeting.id,
        position: 1,
        perspective: Perspective::Community,
        entry_point: None,
        challenge: None,
        place_id: None,
        text: "Something was said.".into(),
        created_at: now,
        updated_at: now,
    };
    let crisis = crisis::Model {
        id: SystemClock.new_id(),
        slug: format!("crisis-{number}"),
        name: format!("Crisis {number}"),
        from_on: parse_day("2020-03-01") + Days::new(u64::from(number.unsigned_abs() / 4)),
        to_on: None,
        created_at: now,
        updated_at: now,
    };
    term.into_active_model().insert(db).await.unwrap();
    claim.into_active_model().insert(db).await.unwrap();
    meeting.into_active_model().insert(db).await.unwrap();
    reflection.into_active_model().insert(db).await.unwrap();
    crisis.into_active_model().insert(db).await.unwrap();
}
