//! A database in which most records are hidden from dashboards, and queries of it.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use wayin_entity::{Role, instance_settings};

use crate::support::Database;
use crate::support::app::{Client, TestApp};
use crate::support::builders::{RecordBuilder, organisation, record};

/// The seed of the random records.
pub const SEED: u64 = 20_260_731;

/// The number of hidden records in each large place. None is a multiple of 5.
pub const LARGE_PLACE_COUNTS: [usize; 8] = [47, 53, 41, 59, 43, 61, 37, 46];
/// The number of hidden records in each small place. All are too small to be disclosed.
pub const SMALL_PLACE_COUNTS: [usize; 10] = [2, 3, 4, 6, 7, 8, 9, 3, 4, 7];
/// The number of places with exactly one hidden record. Most attacks target these.
pub const LONE_PLACES: usize = 24;
/// The number of places with only open records.
pub const OPEN_PLACES: usize = 8;
/// The number of organisations that lead records.
const LEAD_COUNT: usize = 40;
/// The number of organisations that fund records.
pub const FUNDER_COUNT: usize = 14;
pub const REGIONS: [&str; 2] = ["E12000001", "E12000002"];
/// A place that has no records.
pub const EMPTY_PLACE: &str = "E06000900";

/// The steps of a challenge. None if the record does not have one.
pub const STEPS: [Option<&str>; 3] = [Some("SKIPPED"), Some("TAKEN"), None];

/// The code of a large place.
pub fn large_place(at: usize) -> String {
    format!("E0600010{at}")
}

/// The code of a small place.
pub fn small_place(at: usize) -> String {
    format!("E060002{at:02}")
}

/// The code of a lone place.
pub fn lone_place(at: usize) -> String {
    format!("E060003{at:02}")
}

/// The code of an open place.
pub fn open_place(at: usize) -> String {
    format!("E0600040{at}")
}

/// The region of a place: the two regions alternate.
pub fn region_of(at: usize) -> &'static str {
    REGIONS[at % 2]
}

fn places_csv() -> String {
    let mut csv = String::from("code,name,kind,parents,successor\nE92000001,England,,,\n");
    for region in REGIONS {
        writeln!(csv, "{region},Region {region},REGION,E92000001,").expect("writing to a string succeeds");
    }
    let all = [
        (
            "Large",
            LARGE_PLACE_COUNTS.len(),
            large_place as fn(usize) -> String,
        ),
        ("Small", SMALL_PLACE_COUNTS.len(), small_place),
        ("Lone", LONE_PLACES, lone_place),
        ("Open", OPEN_PLACES, open_place),
    ];
    for (name, many, code) in all {
        for at in 0..many {
            writeln!(
                csv,
                "{},{name} place {},LOCAL_AUTHORITY,{},",
                code(at),
                number_word(at),
                region_of(at)
            )
            .expect("writing to a string succeeds");
        }
    }
    csv + &format!("{EMPTY_PLACE},Empty place,LOCAL_AUTHORITY,{},\n", REGIONS[0])
}

/// A letter for a number, so that labels contain no digits.
fn number_word(at: usize) -> char {
    char::from(b'A' + u8::try_from(at).expect("there are few places"))
}

/// Generates random records.
pub struct RecordGenerator(pub StdRng);

impl RecordGenerator {
    /// The same seed generates the same records.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    fn choose<T: Copy>(&mut self, of: &[T]) -> T {
        *of.choose(&mut self.0).expect("there are some")
    }

    /// A record in a place that is only counted (`AGGREGATE_ONLY`), with random content.
    pub fn hidden_record(&mut self, reference: &str, place: &str) -> RecordBuilder {
        self.open_record(reference, place)
            .with("visibility", "AGGREGATE_ONLY")
    }

    /// An open record in a place, with random content.
    pub fn open_record(&mut self, reference: &str, place: &str) -> RecordBuilder {
        let lead = self.0.random_range(0..LEAD_COUNT);
        let mut faced = Vec::new();
        for challenge in [
            "UNDERSTANDING_LOCAL_SYSTEM",
            "DEFINING_AMBITIONS",
            "FOSTERING_CONDITIONS",
        ] {
            let step = self.choose(&STEPS);
            if let (None, Some(why)) = (step, missing_reason(reference, challenge)) {
                faced.push(json!({"challenge": challenge, "missing": {"step": why}}));
            }
            if let Some(step) = step {
                faced.push(json!({"challenge": challenge, "step": step, "reasons": [self.choose(&["SHORT_FUNDING", "COMPETITION_FOR_RESOURCES"])]}));
            }
        }
        let funder = self.0.random_range(0..FUNDER_COUNT);
        let mut record = record(reference)
            .led_by(&format!("GB-CHC-{}", 100 + lead))
            .in_place(place)
            .with("challengesFaced", faced)
            .with("startedOn", format!("{}-03-01", self.0.random_range(2017..2023)))
            .with("endedOn", "2023-06-30")
            .with(
                "conditionsChanged",
                json!([{"condition": "GOVERNANCE", "change": self.choose(&["ALTERED", "PARTLY", "UNCHANGED"])}]),
            )
            .with(
                "fundingTerms",
                json!([{
                    "funder": organisation(&funder_identifier(funder)),
                    "durationMonths": self.choose(&[6, 12, 24, 36, 60]),
                    "reportingBasis": self.choose(&["ADAPTABLE", "FIXED_TARGETS"]),
                    "upfrontResearch": self.0.random::<bool>(),
                    "intendedFocus": self.choose(&["COLLABORATION", "COMPLEXITY"]),
                }]),
            );
        let taken = [
            self.choose(&["COLLABORATION", "COMPLEXITY"]),
            self.choose(&["ROOT_CAUSES", "SINGLE_ORGANISATION"]),
        ];
        let taken = &taken[..self.0.random_range(0..=2)];
        let taken: Vec<Value> = taken
            .iter()
            .map(|point| json!({"entryPoint": point, "perspective": "FUNDER"}))
            .collect();
        record = record.with("entryPoints", taken);
        record
    }
}

/// The missing reason of a challenge. It is not random, so that the random values of the other fields stay the
/// same.
fn missing_reason(reference: &str, challenge: &str) -> Option<&'static str> {
    let letters = reference.bytes().chain(challenge.bytes()).map(usize::from);
    match letters.fold(7, |sum, letter| (sum * 31 + letter) % 1_009) % 8 {
        0..=2 => Some("NOT_ASKED"),
        3 | 4 => Some("NO_REPLY"),
        5 => Some("WITHHELD"),
        _ => None,
    }
}

pub fn funder_identifier(at: usize) -> String {
    format!("GB-CHC-{}", 900 + at)
}

/// Starts a service with an empty database and fixed keys.
pub async fn start_empty(database: Database) -> TestApp {
    let app = TestApp::start(database).await;
    let row = instance_settings::Entity::find_by_id(1)
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();
    let mut row = row.into_active_model();
    row.disclosure_secret = Set(SEED.to_be_bytes().repeat(4));
    row.update(&app.app.db).await.unwrap();
    app.import_places(&places_csv()).await;
    app
}

/// Starts a service with the records that the attacks target: about 480 hidden and 40 open ones.
pub async fn start_with_records(database: Database) -> TestApp {
    let app = start_empty(database).await;
    app.publish(&all_records()).await;
    app
}

fn all_records() -> Vec<Value> {
    let mut chance = RecordGenerator::new(SEED);
    let mut records = Vec::new();
    let mut add = |kind: &str, place: String, many: usize, hidden: bool| {
        for number in 0..many {
            let reference = format!("{kind}-{place}-{number}");
            let record = if hidden {
                chance.hidden_record(&reference, &place)
            } else {
                chance.open_record(&reference, &place)
            };
            records.push(record.build());
        }
    };
    for (at, many) in LARGE_PLACE_COUNTS.into_iter().enumerate() {
        add("hidden", large_place(at), many, true);
        add("open", large_place(at), at % 3, false);
    }
    for (at, many) in SMALL_PLACE_COUNTS.into_iter().enumerate() {
        add("hidden", small_place(at), many, true);
        add("open", small_place(at), at % 2, false);
    }
    (0..LONE_PLACES).for_each(|at| add("hidden", lone_place(at), 1, true));
    (0..OPEN_PLACES).for_each(|at| add("open", open_place(at), 2 + at % 3, false));
    records
}

/// A steward, whose answers are exact, and a dashboard member.
pub async fn create_clients(app: &TestApp) -> (Client<'_>, Client<'_>) {
    let steward = app.steward().await;
    (
        steward,
        app.create_member("dashboard", Role::Dashboard, None).await,
    )
}

/// A filter on records in exactly this place.
pub fn place_is(code: &str) -> String {
    format!("{{place: {{is: {{code: \"{code}\"}}}}}}")
}

/// A filter on records in this place or within it.
pub fn place_within(code: &str) -> String {
    format!("{{place: {{within: {{code: \"{code}\"}}}}}}")
}

/// A filter that requires all conditions.
pub fn all_of(conditions: &[String]) -> String {
    format!("{{and: [{}]}}", conditions.join(", "))
}

/// A filter that requires any of the conditions.
pub fn any_of(conditions: &[String]) -> String {
    format!("{{or: [{}]}}", conditions.join(", "))
}

/// A filter that negates a condition.
pub fn not_filter(condition: &str) -> String {
    format!("{{not: {condition}}}")
}

/// Queries the tables of many patterns, given by their arguments.
pub async fn query_tables(client: &Client<'_>, asked: &[String]) -> Vec<Value> {
    let mut output = Vec::with_capacity(asked.len());
    for some in asked.chunks(40) {
        let fields: Vec<String> = some
            .iter()
            .enumerate()
            .map(|(at, arguments)| {
                format!("p{at}: pattern({arguments}) {{ table {{ population both whenOnly thenOnly neither unknown }} }}")
            })
            .collect();
        let mut answer = client.query(&format!("{{ {} }}", fields.join(" "))).await;
        output.extend((0..some.len()).map(|at| answer[format!("p{at}")]["table"].take()));
    }
    output
}

/// Queries the size of each population. None if it is suppressed.
pub async fn query_populations(client: &Client<'_>, among: &[String], over: &str) -> Vec<Option<i64>> {
    let asked: Vec<String> = among
        .iter()
        .map(|among| format!("when: {{}}, then: {{}}, among: {among}, scope: {over}"))
        .collect();
    let output = query_tables(client, &asked).await;
    output.iter().map(|table| table["population"].as_i64()).collect()
}

/// How often an attack was right.
#[derive(Clone, Copy, Debug)]
pub struct AttackScore {
    /// The number of secrets that the attack targeted.
    pub targets: usize,
    /// The number of secrets that the attack found.
    pub right: usize,
}

impl AttackScore {
    /// Counts the results of an attack: whether it was right about each target.
    pub fn from_results(rights: impl IntoIterator<Item = bool>) -> Self {
        let rights: Vec<bool> = rights.into_iter().collect();
        Self {
            targets: rights.len(),
            right: rights.iter().filter(|right| **right).count(),
        }
    }

    fn success_rate(self) -> f64 {
        self.right as f64 / self.targets as f64
    }
}

/// Asserts that an attack finds every secret without control, and at most a given share of them with control,
/// guesses included.
pub fn assert_attack_fails(attack: &str, off: AttackScore, on: AttackScore, most: f64) {
    println!(
        "{attack}: without control {} of {}, with it {} of {} (bound {most})",
        off.right, off.targets, on.right, on.targets
    );
    assert!(
        off.targets >= 8,
        "{attack}: there are too few targets, {off:?}, seed {SEED}"
    );
    assert_eq!(
        off.right, off.targets,
        "{attack}: must succeed without control; seed {SEED}"
    );
    assert!(
        on.right < on.targets && on.success_rate() <= most,
        "{attack}: under control it finds {} of {}, more than {most} of them; seed {SEED}",
        on.right,
        on.targets
    );
}
