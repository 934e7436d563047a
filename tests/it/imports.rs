//! The import of places from the files in which their codes are published.

use std::fmt::Write as _;

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};
use serde_json::json;
use wayin::import::{self, ImportError, Remark, Tally};
use wayin_entity::{ChangeKind, ChangeSubject, change, place, place_parent};
use wayin_records::formats::FileError;

use crate::support::app::TestApp;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    lookup_file_builds_the_place_hierarchy,
    reimporting_places_changes_nothing,
    changed_places_are_updated,
    row_order_does_not_matter,
    unknown_parent_rejects_its_row_and_dependent_rows,
    cycle_of_places_is_rejected,
    contradicting_rows_are_rejected,
    random_rows_never_leave_cycles_or_dangling_references,
    places_without_a_code_are_distinguished_by_parents,
    every_lookup_file_format_is_read,
    file_without_places_is_rejected,
];

const EXCERPT: &str = include_str!("../data/places/area_codes_excerpt.csv");

/// Imports places; returns the tally and the messages as the command line prints them.
async fn import_places(app: &TestApp, csv: &str) -> (Tally, Vec<String>) {
    let mut said = Vec::new();
    let mut remarks = |remark| match remark {
        Remark::Refused(refusal) => said.push(refusal.to_string()),
        // Other tests check what a file replaces.
        Remark::Warning(_) | Remark::Note(_) => {}
    };
    let tally = import::places::import(&app.app.db, &TestApp::action(), csv.as_bytes(), &mut remarks)
        .await
        .expect("the import succeeds");
    app.catch_up().await;
    (tally, said)
}

/// Every place with its name, kind, parents and successor, by its code, or by its name if it has none.
async fn load_place_tree(
    app: &TestApp,
) -> BTreeMap<String, (String, &'static str, BTreeSet<String>, Option<String>)> {
    let db = &app.app.db;
    let places = place::Entity::find().all(db).await.unwrap();
    let named: BTreeMap<_, _> = places
        .iter()
        .map(|place| (place.id, place.code.clone().unwrap_or_else(|| place.name.clone())))
        .collect();
    let mut within: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for link in place_parent::Entity::find().all(db).await.unwrap() {
        let larger = named[&link.parent_id].clone();
        within.entry(link.place_id).or_default().insert(larger);
    }
    let tree: BTreeMap<_, _> = places
        .iter()
        .map(|place| {
            let within = within.get(&place.id).cloned().unwrap_or_default();
            let successor = place.successor_id.map(|id| named[&id].clone());
            (
                named[&place.id].clone(),
                (place.name.clone(), place.kind.code(), within, successor),
            )
        })
        .collect();
    assert_eq!(tree.len(), places.len(), "every place has its own key");
    tree
}

async fn list_changes(app: &TestApp) -> Vec<change::Model> {
    let changes = change::Entity::find().order_by_asc(change::Column::Number);
    changes.all(&app.app.db).await.unwrap()
}

fn tally_added(added: u64) -> Tally {
    Tally {
        added,
        ..Tally::default()
    }
}

async fn lookup_file_builds_the_place_hierarchy(database: Database) {
    let app = TestApp::start(database).await;
    assert_eq!(app.import_places(EXCERPT).await, tally_added(35));
    let steward = app.steward().await;
    let answer = steward
        .query(
            r#"{
              birmingham: place(code: "E08000025") { name kind parents { code kind name } successor { code } }
              cambridge: place(code: "E07000012") { parents { code kind } }
              cardiff: place(code: "W06000015") { parents { code kind } }
              england: place(code: "E92000001") { kind parents { code kind } }
              belfast: place(code: "N92000002") { kind parents { code } }
              kingdom: place(code: "K02000001") { kind parents { code } }
              glasgow: place(code: "S12000046") { code name }
              allerdale: place(code: "E07000026") { code name }
              retired: places(filter: {current: false}) { nodes { name code successor { name code } } totalCount }
              north: place(code: "E12000002") { children { nodes { name } } }
            }"#,
        )
        .await;
    // A combined authority is a second parent besides the region, whatever the order of the rows.
    let mut beside = answer["birmingham"]["parents"].as_array().unwrap().clone();
    beside.sort_by_key(|place| place["code"].as_str().map(ToOwned::to_owned));
    assert_eq!(
        beside,
        [
            json!({"code": "E12000005", "kind": "REGION", "name": "West Midlands"}),
            json!({"code": "E47000007", "kind": "COMBINED_AUTHORITY", "name": "West Midlands"}),
        ]
    );
    assert_eq!(answer["birmingham"]["kind"], "LOCAL_AUTHORITY");
    assert_eq!(answer["birmingham"]["successor"], json!(null));
    let codes = |place: &str| {
        let within = answer[place]["parents"].as_array().unwrap();
        let codes = within
            .iter()
            .map(|place| place["code"].as_str().unwrap().to_owned());
        codes.collect::<BTreeSet<_>>()
    };
    let are = |codes: &[&str]| {
        codes
            .iter()
            .copied()
            .map(ToOwned::to_owned)
            .collect::<BTreeSet<_>>()
    };
    // A district is in its county, and the county is in the region.
    assert_eq!(codes("cambridge"), are(&["E10000003", "E47000008"]));
    // Wales has no regions.
    assert_eq!(codes("cardiff"), are(&["W92000004"]));
    assert_eq!(answer["england"]["kind"], "NATION");
    assert_eq!(codes("england"), are(&["K04000001"]));
    assert_eq!(codes("belfast"), are(&["K02000001"]));
    assert_eq!(answer["kingdom"], json!({"kind": "COUNTRY", "parents": []}));
    // A retired code resolves to its successor.
    assert_eq!(
        answer["glasgow"],
        json!({"code": "S12000049", "name": "Glasgow City"})
    );
    assert_eq!(
        answer["allerdale"],
        json!({"code": "E06000063", "name": "Cumberland"})
    );
    assert_eq!(answer["retired"]["totalCount"], 3);
    assert_eq!(
        answer["retired"]["nodes"],
        json!([
            {"name": "Allerdale", "code": "E07000026", "successor": {"name": "Cumberland", "code": "E06000063"}},
            {"name": "Barrow-in-Furness", "code": "E07000027", "successor": {"name": "Westmorland and Furness", "code": "E06000064"}},
            {"name": "Glasgow City", "code": "S12000046", "successor": {"name": "Glasgow City", "code": "S12000049"}},
        ])
    );
    // Retired places are not among the children of a region.
    let north = &answer["north"]["children"]["nodes"];
    let names = ["Cumberland", "Manchester", "Westmorland and Furness"];
    assert_eq!(*north, json!(names.map(|name| json!({"name": name}))));
}

async fn reimporting_places_changes_nothing(database: Database) {
    let app = TestApp::start(database).await;
    app.import_places(EXCERPT).await;
    let log = list_changes(&app).await;
    assert_eq!(log.len(), 35, "each place is logged once");
    let places = place::Entity::find().order_by_asc(place::Column::Id);
    let before = places.clone().all(&app.app.db).await.unwrap();
    let tally = app.import_places(EXCERPT).await;
    assert_eq!(
        tally,
        Tally {
            unchanged: 35,
            ..Tally::default()
        }
    );
    assert_eq!(list_changes(&app).await, log, "nothing is logged");
    assert_eq!(
        places.all(&app.app.db).await.unwrap(),
        before,
        "no row was changed"
    );
}

async fn changed_places_are_updated(database: Database) {
    let app = TestApp::start(database).await;
    let header = "code,name,kind,parents,successor\n";
    app.import_places(&format!(
        "{header}E12000001,North East,,,\nE12000002,North West,,,\nE06000001,Hartlepool,,E12000001,\nE06000002,Middlesbrough,,E12000001,\n"
    ))
    .await;
    let (known, log) = (
        place::Entity::find().all(&app.app.db).await.unwrap(),
        list_changes(&app).await,
    );
    // One place is renamed, one is moved, one is unchanged and one is new.
    let tally = app
        .import_places(&format!(
            "{header}E12000002,North West,,,\nE06000001,Hartlepool Borough,,E12000001,\nE06000002,Middlesbrough,,E12000002,\nE06000003,Redcar and Cleveland,,E12000001,\n"
        ))
        .await;
    assert_eq!(
        tally,
        Tally {
            added: 1,
            altered: 2,
            unchanged: 1,
            warned: 2,
            ..Tally::default()
        }
    );
    let tree = load_place_tree(&app).await;
    assert_eq!(tree["E06000001"].0, "Hartlepool Borough");
    assert_eq!(
        tree["E06000002"].2,
        BTreeSet::from(["E12000002".into()]),
        "it left the other region"
    );
    let id = |code: &str| {
        let place = known.iter().find(|place| place.code.as_deref() == Some(code));
        place.unwrap().id
    };
    let new: Vec<_> = list_changes(&app).await.split_off(log.len());
    let new: Vec<_> = new
        .iter()
        .map(|change| (change.kind, change.subject, change.subject_id))
        .collect();
    assert_eq!(
        new[..2],
        [
            (ChangeKind::Altered, ChangeSubject::Place, id("E06000001")),
            (ChangeKind::Altered, ChangeSubject::Place, id("E06000002")),
        ]
    );
    assert_eq!(
        (new.len(), new[2].0, new[2].1),
        (3, ChangeKind::Published, ChangeSubject::Place)
    );
    // One code is retired later, and one comes back into use.
    let retired = format!("{header}E06000001,Hartlepool Borough,,E12000001,E06000002\n");
    assert_eq!(app.import_places(&retired).await.altered, 1);
    let steward = app.steward().await;
    let found = steward.query("{ place(code: \"E06000001\") { name } }").await;
    assert_eq!(found["place"]["name"], "Middlesbrough");
    let back = format!("{header}E06000001,Hartlepool Borough,,E12000001,\n");
    assert_eq!(app.import_places(&back).await.altered, 1);
    let found = steward.query("{ place(code: \"E06000001\") { name } }").await;
    assert_eq!(found["place"]["name"], "Hartlepool Borough");
}

async fn row_order_does_not_matter(database: Database) {
    let app = TestApp::start(database).await;
    let (header, rows) = EXCERPT.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    // Parents and successors are in later rows.
    rows.reverse();
    let file = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n"));
    assert_eq!(app.import_places(&file(&rows)).await, tally_added(35));
    let expected = load_place_tree(&app).await;
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..5 {
        rows.shuffle(&mut random);
        let tally = app.import_places(&file(&rows)).await;
        assert_eq!(tally.unchanged, 35, "{tally:?} of {rows:#?}");
    }
    assert_eq!(load_place_tree(&app).await, expected);
    assert_eq!(expected["S12000046"].3.as_deref(), Some("S12000049"));
}

async fn unknown_parent_rejects_its_row_and_dependent_rows(database: Database) {
    let app = TestApp::start(database).await;
    let (tally, said) = import_places(
        &app,
        "code,name,kind,parents,successor\n\
         E05000003,A ward,,E06000002,\n\
         E06000001,Hartlepool,,E12000001,\n\
         E06000002,Middlesbrough,,E12000009,\n\
         E12000001,North East,,,\n\
         E07000001,Mid Bedfordshire,,,E06000099\n\
         E06000004,Stockton-on-Tees,,north,\n",
    )
    .await;
    assert_eq!((tally.added, tally.refused), (2, 4), "{tally:?}: {said:?}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(said.join("\n"), @r#"
        row 7, parents: "north" is not a GSS code; one is a letter and eight digits, such as E08000025
        row 2: no place has the code E06000002
        row 4: no place has the code E12000009
        row 6: no place has the code E06000099
        "#);
    }
    let kept: Vec<_> = load_place_tree(&app).await.into_keys().collect();
    assert_eq!(kept, ["E06000001", "E12000001"]);
}

async fn cycle_of_places_is_rejected(database: Database) {
    let app = TestApp::start(database).await;
    let header = "code,name,kind,parents,successor\n";
    // Two new places are within each other, so neither can be added.
    let (tally, said) = import_places(
        &app,
        &format!("{header}E06000001,Here,,E06000002,\nE06000002,There,,E06000001,\nE06000003,Elsewhere,,,\n"),
    )
    .await;
    assert_eq!((tally.added, tally.refused), (1, 2), "{tally:?}: {said:?}");
    assert!(
        said.iter().any(|said| said.contains("would be within itself")),
        "{said:?}"
    );
    // If a row would close a cycle of three places, the existing place keeps its parents.
    app.import_places(&format!(
        "{header}E12000001,Region,,,\nE10000001,County,,E12000001,\nE07000001,District,,E10000001,\n"
    ))
    .await;
    let before = load_place_tree(&app).await;
    let (tally, said) = import_places(&app, &format!("{header}E12000001,Region,,E07000001,\n")).await;
    assert_eq!((tally.refused, tally.altered), (1, 0));
    assert_eq!(said, ["row 2: Region would be within itself"]);
    // The successor of a place must not lead back to it.
    let (tally, _) = import_places(&app, &format!("{header}E12000001,Region,,,E10000001\n")).await;
    assert_eq!(tally.refused, 1);
    let (tally, said) = import_places(&app, &format!("{header}E12000001,Region,,E12000001,\n")).await;
    assert_eq!(
        (tally.refused, said),
        (1, vec!["row 2, parents: names the place itself".into()])
    );
    assert_eq!(load_place_tree(&app).await, before);
}

async fn contradicting_rows_are_rejected(database: Database) {
    let app = TestApp::start(database).await;
    let header = "code,name,kind,parents,successor\n";
    let (tally, said) = import_places(
        &app,
        &format!(
            "{header}E12000001,North East,,,\nE12000002,North West,,,\n\
             E06000001,Hartlepool,,E12000001,\nE06000002,Middlesbrough,,E12000001,\nE06000001,Hartlepool Borough,,E12000001,\n\
             E06000001,Hartlepool,,E12000002,\nE06000002,Middlesbrough,,E12000001,\n"
        ),
    )
    .await;
    let refused = |row, other| {
        format!("row {row}: E06000001 is the code of row {other} too, which says something else of it")
    };
    assert_eq!(said, [refused(4, 6), refused(6, 4), refused(7, 4)]);
    assert_eq!(
        (tally.added, tally.unchanged, tally.refused),
        (3, 1, 3),
        "two identical rows count as one: {tally:?}"
    );
    let tree = load_place_tree(&app).await;
    assert!(!tree.contains_key("E06000001"), "its rows contradict each other");
    assert_eq!(tree["E06000002"].2, BTreeSet::from(["E12000001".into()]));
}

async fn random_rows_never_leave_cycles_or_dangling_references(database: Database) {
    let app = TestApp::start(database).await;
    let mut random = StdRng::seed_from_u64(11);
    let code = |number: u32| format!("E0600000{number}");
    for _ in 0..60 {
        let mut file = "code,name,kind,parents,successor\n".to_owned();
        for _ in 0..random.random_range(1..7) {
            let own = random.random_range(0..8);
            let mut others = || {
                let other = random.random_range(0..10);
                if other == own { String::new() } else { code(other) }
            };
            let (first, second) = (others(), others());
            let successor = if random.random_ratio(1, 5) {
                (random.random_range(0..8) + own + 1) % 8
            } else {
                own
            };
            let successor = if successor == own {
                String::new()
            } else {
                code(successor)
            };
            let name = random.random_range(0..3);
            writeln!(file, "{},Name {name},,{first};{second},{successor}", code(own)).unwrap();
        }
        let rows = file.lines().count() as u64 - 1;
        let (tally, said) = import_places(&app, &file).await;
        let output = tally.added + tally.altered + tally.unchanged + tally.refused;
        assert_eq!(output, rows, "every row is reported: {tally:?} of\n{file}");
        let tree = load_place_tree(&app).await;
        for start in tree.keys() {
            let (mut seen, mut ahead) = (BTreeSet::new(), vec![start]);
            while let Some(here) = ahead.pop() {
                let (_, _, within, successor) = &tree[here];
                for next in within.iter().chain(successor) {
                    assert_ne!(next, start, "{start} leads to itself after\n{file}{said:?}");
                    if seen.insert(next) {
                        ahead.push(next);
                    }
                }
            }
        }
        // Importing the same file again adds nothing, unless a code is in several rows.
        let again = import_places(&app, &file).await.0;
        assert_eq!(again.added, 0, "{file}");
    }
    assert!(
        !load_place_tree(&app).await.is_empty(),
        "some places were imported"
    );
}

async fn places_without_a_code_are_distinguished_by_parents(database: Database) {
    let app = TestApp::start(database).await;
    let file = "code,name,kind,parents,successor\n\
        E06000001,Here,,,\nE06000002,There,,,\n\
        ,High Town,NEIGHBOURHOOD,E06000001,\n,High Town,NEIGHBOURHOOD,E06000002,\n,High Town,TOWN,E06000002,\n";
    assert_eq!(app.import_places(file).await, tally_added(5));
    let again = app.import_places(file).await;
    assert_eq!(again.unchanged, 5, "{again:?}");
    assert_eq!(place::Entity::find().count(&app.app.db).await.unwrap(), 5);
    let answer = app
        .steward()
        .await
        .query("{ places(filter: {name: {eq: \"High Town\"}}) { nodes { kind parents { name } } } }")
        .await;
    let mut found: Vec<_> = answer["places"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            r#"{"kind":"NEIGHBOURHOOD","parents":[{"name":"Here"}]}"#,
            r#"{"kind":"NEIGHBOURHOOD","parents":[{"name":"There"}]}"#,
            r#"{"kind":"TOWN","parents":[{"name":"There"}]}"#,
        ]
    );
}

/// The other lookup files, one row of each. Every row names all larger places.
async fn every_lookup_file_format_is_read(database: Database) {
    const LARGER_PLACE_CELLS: &str =
        "E92000001,England,K04000001,England and Wales,K03000001,Great Britain,K02000001,United Kingdom";
    const LARGER_PLACE_COLUMNS: &str = "CTRYCD,CTRYNM,EWCD,EWNM,GBCD,GBNM,UKCD,UKNM";
    let app = TestApp::start(database).await;
    let files = [
        (
            format!("{LARGER_PLACE_COLUMNS}\n{LARGER_PLACE_CELLS}\n"),
            vec!["E92000001", "K04000001", "K03000001", "K02000001"],
        ),
        (
            format!("RGNCD,RGNNM,{LARGER_PLACE_COLUMNS}\nE12000001,North East,{LARGER_PLACE_CELLS}\n"),
            vec!["E12000001"],
        ),
        (
            format!(
                "CAUTHCD,CAUTHNM,RGNCD,RGNNM,{LARGER_PLACE_COLUMNS}\nE47000006,Tees Valley,E12000001,North East,{LARGER_PLACE_CELLS}\n"
            ),
            vec!["E47000006"],
        ),
        (
            format!(
                "UTLACD,UTLANM,CAUTHCD,CAUTHNM,RGNCD,RGNNM,{LARGER_PLACE_COLUMNS}\nE06000001,Hartlepool,E47000006,Tees Valley,E12000001,North East,{LARGER_PLACE_CELLS}\n"
            ),
            vec!["E06000001"],
        ),
        (
            format!(
                "LADCD,LADNM,LADCD_ACTIVE,LADNM_ACTIVE,UTLACD,UTLANM,CAUTHCD,CAUTHNM,RGNCD,RGNNM,{LARGER_PLACE_COLUMNS},Current,LAD20CD,LAD20NM\n\
                 E06000002,Middlesbrough,E06000002,Middlesbrough,E06000002,Middlesbrough,E47000006,Tees Valley,E12000001,North East,{LARGER_PLACE_CELLS},TRUE,E06000002,Middlesbrough\n"
            ),
            vec!["E06000002"],
        ),
    ];
    for (file, new) in files {
        let tally = app.import_places(&file).await;
        assert_eq!(tally.added, new.len() as u64, "{tally:?} of\n{file}");
        let tree = load_place_tree(&app).await;
        assert!(
            new.iter().all(|code| tree.contains_key(*code)),
            "{new:?} of {tree:?}"
        );
        assert_eq!(app.import_places(&file).await.altered, 0, "again:\n{file}");
    }
    let tree = load_place_tree(&app).await;
    for code in ["E06000001", "E06000002"] {
        let both = BTreeSet::from(["E12000001".into(), "E47000006".into()]);
        assert_eq!(tree[code].2, both, "{code}");
    }
}

async fn file_without_places_is_rejected(database: Database) {
    let app = TestApp::start(database).await;
    // A list of councils with their identifiers. It names places, but only as attributes.
    let councils = "\u{feff}org_id,name,normalised_name,gss_code,area_name,area_type,active\n\
        GB-LAE-ADU,Adur District Council,Adur,E07000223,Adur,E07,TRUE\n";
    for (file, reason) in [
        (councils, "The file is not a list of places: "),
        ("{\"grants\": []}", "The file is not a list of places: "),
        ("", "The file is empty."),
        (
            "PK\u{3}\u{4}\u{14}\u{0}",
            "The file is a spreadsheet or an archive",
        ),
    ] {
        let outcome =
            import::places::import(&app.app.db, &TestApp::action(), file.as_bytes(), &mut |_| {}).await;
        let Err(ImportError::File(error)) = outcome else {
            panic!("{outcome:?} of {file:?}");
        };
        assert!(error.to_string().starts_with(reason), "{error} of {file:?}");
        if file == councils {
            assert!(matches!(error, FileError::NotPlaces(_)), "{error}");
        }
    }
    assert_eq!(place::Entity::find().count(&app.app.db).await.unwrap(), 0);
    assert!(list_changes(&app).await.is_empty(), "nothing is logged");
}
