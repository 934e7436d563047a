//! An oracle for filters: random records and filters, and the value of each filter for each record
//! according to the documentation.

pub mod evaluator;
pub mod random;
pub mod sql;

use std::collections::HashMap;

use chrono::NaiveDate;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use wayin::clock::{Clock, SystemClock};
use wayin_entity::{crisis, crisis_place, place};

use self::evaluator::World;
use self::random::{FUNDERS, LEADS};
use super::Database;
use super::app::TestApp;

const PLACES: &str = "code,name,kind,parents,successor
K02000001,United Kingdom,,,
E92000001,England,,K02000001,
W92000004,Wales,,K02000001,
E12000001,North East,,E92000001,
E47000006,Tees Valley,,E92000001,
E06000001,Hartlepool,,E12000001;E47000006,
W06000001,Anglesey,,W92000004,
";

/// Some places, organisations and crises.
pub fn build_world() -> World {
    World {
        places: HashMap::from([
            ("K02000001", ("United Kingdom", "COUNTRY", vec![], None)),
            ("E92000001", ("England", "NATION", vec!["K02000001"], None)),
            ("W92000004", ("Wales", "NATION", vec!["K02000001"], None)),
            ("E12000001", ("North East", "REGION", vec!["E92000001"], None)),
            (
                "E47000006",
                ("Tees Valley", "COMBINED_AUTHORITY", vec!["E92000001"], None),
            ),
            (
                "E06000001",
                (
                    "Hartlepool",
                    "LOCAL_AUTHORITY",
                    vec!["E12000001", "E47000006"],
                    None,
                ),
            ),
            (
                "E06000002",
                (
                    "Old Borough",
                    "LOCAL_AUTHORITY",
                    vec!["E12000001"],
                    Some("E06000001"),
                ),
            ),
            (
                "W06000001",
                ("Anglesey", "LOCAL_AUTHORITY", vec!["W92000004"], None),
            ),
        ]),
        organisations: HashMap::from([
            (LEADS[0], (Some("GB-CHC-1"), Some("DELIVERY_ORGANISATION"))),
            (LEADS[1], (Some("GB-CHC-2"), Some("PUBLIC_BODY"))),
            (LEADS[2], (None, None)),
            (FUNDERS[0], (Some("GB-CHC-3"), Some("FUNDER"))),
            (FUNDERS[1], (None, None)),
        ]),
        crises: HashMap::from([
            ("open", ("2021-01-01", None, vec![])),
            ("closed", ("2019-06-01", Some("2020-12-31"), vec![])),
            (
                "local",
                ("2019-06-01", Some("2022-12-31"), vec!["E12000001", "W06000001"]),
            ),
        ]),
    }
}

/// A service over a database with the reference data of a world and no records.
pub async fn start_with_world(database: Database, world: &World) -> TestApp {
    let app = TestApp::start(database).await;
    app.import_places(&format!("{PLACES}E06000002,Old Borough,,E12000001,\n"))
        .await;
    let db = &app.app.db;
    let now = SystemClock.now();
    for (name, (identifier, kind)) in &world.organisations {
        let kind = kind.map(|kind| serde_json::from_value(kind.into()).unwrap());
        wayin::organisation::find_or_create(db, &TestApp::action(), *identifier, Some(name), kind)
            .await
            .unwrap();
    }
    for (slug, (from, to, places)) in &world.crises {
        let id = SystemClock.new_id();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (slug, name) = ((*slug).to_owned(), format!("The {slug} crisis"));
        let row = crisis::Model {
            id,
            slug,
            name,
            from_on: day(from),
            to_on: to.map(day),
            created_at: now,
            updated_at: now,
        };
        row.into_active_model().insert(db).await.unwrap();
        for code in places {
            let place = place::Entity::find()
                .filter(place::Column::Code.eq(*code))
                .one(db)
                .await
                .unwrap()
                .unwrap();
            let row = crisis_place::Model {
                crisis_id: id,
                place_id: place.id,
                created_at: now,
                updated_at: now,
            };
            row.into_active_model().insert(db).await.unwrap();
        }
    }
    app
}

/// Adds a successor to a place after the records were published.
pub async fn retire_a_place(app: &TestApp) {
    app.import_places("code,name,kind,parents,successor\nE06000002,Old Borough,,E12000001,E06000001\n")
        .await;
}
