//! The index, the SQL filter and a naive evaluator agree on every initiative, including UNKNOWN. Patterns count
//! what the naive evaluator counts.

mod lists;
mod unknown_reasons;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_graphql::{InputType, Value as GraphQlValue};
use sea_orm::{EntityTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::graphql::filter::{AskerOrganisation, FilterContext};
use wayin::initiative::filter_input::InitiativeFilter;
use wayin::pattern::find_matching_initiatives;
use wayin_engine::answer;
use wayin_engine::answer::{
    AssociationsQuery, ComparisonQuery, DisclosedTable, DistributionQuery, FlowsQuery, GridQuery,
};
use wayin_engine::cancellation::Cancelled;
use wayin_engine::count::EvaluationContext;
use wayin_engine::disclosure::DisclosedCount;
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::query::{PatternQuery, RecordScope, Viewpoint};
use wayin_engine::visibility::Reader;
use wayin_entity::{Dimension, Perspective, initiative, organisation};

use crate::support::app::TestApp;
use crate::support::oracle::evaluator::{World, as_list, list_entry_points};
use crate::support::oracle::random::{FUNDERS, LEADS, RandomSource};
use crate::support::oracle::sql::initiative_condition;
use crate::support::oracle::{build_world, retire_a_place, start_with_world};
use crate::support::{Database, tests_on_both_databases};

/// How many random cases a test checks: `usual` times `WAYIN_ORACLE_SCALE`, if that is set.
fn scale_cases(usual: usize) -> usize {
    let scale: usize = std::env::var("WAYIN_ORACLE_SCALE").map_or(1, |scale| {
        scale.parse().expect("WAYIN_ORACLE_SCALE is a whole number")
    });
    assert!(scale > 0, "WAYIN_ORACLE_SCALE is at least 1");
    usual * scale
}

tests_on_both_databases![
    documented_truth_table_holds,
    random_filters_agree_in_index_sql_and_oracle,
    patterns_match_the_oracle,
    grids_match_the_oracle,
    flows_match_the_oracle,
    associations_match_the_oracle_and_sql,
    comparisons_match_the_oracle,
    incrementally_updated_index_equals_a_rebuilt_one,
];

async fn parse_predicate(app: &TestApp, document: &Value) -> InitiativePredicate {
    let value = GraphQlValue::from_json(document.clone()).unwrap();
    let filter = match InitiativeFilter::parse(Some(value)) {
        Ok(filter) => filter,
        Err(error) => panic!(
            "{document}: {}",
            error.into_server_error(async_graphql::Pos::default())
        ),
    };
    let lookup = FilterContext::new(&app.app.db, Reader::Steward, AskerOrganisation::Missing);
    let condition = filter.into_predicate(lookup, "filter".into()).await;
    condition.unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// The value of a predicate for each initiative, by external reference, from the index and from SQL.
async fn evaluate_by_index_and_sql(
    app: &TestApp,
    condition: &InitiativePredicate,
) -> [BTreeMap<String, Option<bool>>; 2] {
    let db = &app.app.db;
    let all: HashMap<Uuid, String> = initiative::Entity::find()
        .all(db)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.id, row.external_ref.unwrap()))
        .collect();
    let unknown: BTreeMap<String, Option<bool>> =
        all.values().map(|reference| (reference.clone(), None)).collect();
    let (mut by_index, mut by_sql) = (unknown.clone(), unknown);
    let (yes, no) = find_matching_initiatives(&app.app.engine.snapshot().unwrap(), condition);
    for (ids, truth) in [(yes, true), (no, false)] {
        for id in ids {
            by_index.insert(all[&id].clone(), Some(truth));
        }
        let rows = initiative::Entity::find()
            .filter(initiative_condition(condition, truth))
            .all(db)
            .await
            .unwrap();
        for row in rows {
            let before = by_sql.insert(all[&row.id].clone(), Some(truth));
            assert_eq!(
                before,
                Some(None),
                "{condition:?} is both TRUE and FALSE for a record in SQL"
            );
        }
    }
    [by_index, by_sql]
}

async fn documented_truth_table_holds(database: Database) {
    let world = build_world();
    let app = start_with_world(database, &world).await;
    let rows: Vec<Value> = serde_json::from_str(include_str!("../../data/truth-table.json")).unwrap();
    let mut records = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let mut record = row["record"].clone();
        record["externalRef"] = index.to_string().into();
        record["title"] = "A row of the truth table".into();
        record["leadOrganisation"] = json!({"name": LEADS[0]});
        record["source"] = json!({"kind": "SELF_REPORT", "title": "The truth table"});
        for term in record
            .get_mut("fundingTerms")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            term["funder"] = json!({"name": FUNDERS[0]});
        }
        records.push(record);
    }
    app.publish(&records).await;
    for (index, row) in rows.iter().enumerate() {
        let literal = row["filter"].as_str().unwrap();
        let document = async_graphql::parser::parse_query(format!(
            "{{ initiatives(filter: {literal}) {{ totalCount }} }}"
        ));
        let document = document.unwrap();
        let operation = document.operations.iter().next().unwrap().1;
        let async_graphql::parser::types::Selection::Field(field) =
            &operation.node.selection_set.node.items[0].node
        else {
            panic!("{literal} is not a filter");
        };
        let argument = field
            .node
            .get_argument("filter")
            .unwrap()
            .node
            .clone()
            .into_const()
            .unwrap();
        let filter = argument.into_json().unwrap();
        let expected = match row["truth"].as_str().unwrap() {
            "TRUE" => Some(true),
            "FALSE" => Some(false),
            _ => None,
        };
        let [by_index, by_sql] = evaluate_by_index_and_sql(&app, &parse_predicate(&app, &filter).await).await;
        let reference = index.to_string();
        assert_eq!(by_index[&reference], expected, "row {index} by the index: {row}");
        assert_eq!(by_sql[&reference], expected, "row {index} in SQL: {row}");
        assert_eq!(
            world.evaluate(&filter, &records[index]),
            expected,
            "row {index} naively: {row}"
        );
    }
}

async fn random_filters_agree_in_index_sql_and_oracle(database: Database) {
    let seed = 20_261_123;
    let world = build_world();
    let app = start_with_world(database, &world).await;
    let mut chance = RandomSource::new(seed);
    let records: Vec<Value> = (0..150)
        .map(|reference| chance.random_record(reference))
        .collect();
    app.publish(&records).await;
    retire_a_place(&app).await;
    let mut decided: BTreeMap<String, BTreeSet<Option<bool>>> = BTreeMap::new();
    for number in 0..scale_cases(400) {
        let filter = chance.random_filter(2);
        let [by_index, by_sql] = evaluate_by_index_and_sql(&app, &parse_predicate(&app, &filter).await).await;
        for record in &records {
            let reference = record["externalRef"].as_str().unwrap();
            let naively = world.evaluate(&filter, record);
            let output = || format!("seed {seed}, filter {number}: {filter}\nof {record}");
            assert_eq!(
                by_index[reference],
                naively,
                "the index and the naive evaluator, {}",
                output()
            );
            assert_eq!(
                by_sql[reference],
                naively,
                "SQL and the naive evaluator, {}",
                output()
            );
            let fields = filter.as_object().unwrap();
            if fields.len() == 1 {
                decided
                    .entry(fields.keys().next().unwrap().clone())
                    .or_default()
                    .insert(naively);
            }
        }
    }
    // Each field was used alone often enough to have all three values.
    for field in [
        "place",
        "startedOn",
        "activeDuring",
        "startedDuring",
        "fundedDuring",
        "wayIn",
        "entryPoints",
        "challenge",
        "condition",
        "fundingTerms",
    ] {
        assert_eq!(
            decided.get(field).map_or(0, BTreeSet::len),
            3,
            "{field} must be TRUE, FALSE and UNKNOWN for some records"
        );
    }
}

/// The label of a code.
fn heading(code: &str) -> String {
    let label = match code {
        "SINGLE_ORGANISATION" => "A single organisation",
        "FIXED_TARGETS" => "Fixed targets",
        "ADAPTABLE" => "Reporting that may adapt",
        "DEFINING_AMBITIONS" => "Defining their ambitions",
        "UNDERSTANDING_LOCAL_SYSTEM" => "Understanding the local system",
        "FOSTERING_CONDITIONS" => "Fostering the conditions for change",
        "OTHER" => "Another reason",
        "MONTHLY" => "Every month",
        "YEARLY" => "Every year",
        "NONE" => "Never",
        code => {
            let words = code.to_lowercase().replace('_', " ");
            return words[..1].to_uppercase() + &words[1..];
        }
    };
    label.to_owned()
}

/// The labels of the groups of a dimension of places that contain a record.
fn place_labels(world: &World, dimension: Dimension, record: &Value) -> BTreeSet<String> {
    let Some(place) = record["place"]["code"].as_str() else {
        return BTreeSet::new();
    };
    let current = world.places[place].3.unwrap_or(place);
    match dimension {
        Dimension::Place => [world.places[current].0.to_owned()].into(),
        Dimension::PlaceKind => [heading(world.places[current].1)].into(),
        _ => ["E12000001", "W92000004"]
            .into_iter()
            .filter(|region| world.is_within(place, region))
            .map(|region| world.places[region].0.to_owned())
            .collect(),
    }
}

/// The labels of the groups of a dimension of challenges or conditions that contain a record.
fn challenge_labels(dimension: Dimension, record: &Value) -> BTreeSet<String> {
    let faced = as_list(&record["challengesFaced"]);
    let step = |challenge: &str| {
        let row = faced.iter().find(|row| row["challenge"] == challenge);
        row.and_then(|row| row["step"].as_str())
            .map(heading)
            .into_iter()
            .collect()
    };
    match dimension {
        Dimension::Challenge => faced
            .iter()
            .filter_map(|row| Some((row["challenge"].as_str()?, row["step"].as_str()?)))
            .map(|(challenge, step)| format!("{}: {}", heading(challenge), step.to_lowercase()))
            .collect(),
        Dimension::ChallengeUnderstanding => step("UNDERSTANDING_LOCAL_SYSTEM"),
        Dimension::ChallengeAmbitions => step("DEFINING_AMBITIONS"),
        Dimension::ChallengeConditions => step("FOSTERING_CONDITIONS"),
        Dimension::Reason => faced
            .iter()
            .flat_map(|row| as_list(&row["reasons"]))
            .map(|reason| heading(reason.as_str().unwrap()))
            .collect(),
        _ => {
            let known = as_list(&record["conditionsChanged"]).iter();
            let known: Vec<&Value> = known.filter(|row| row["change"].is_string()).collect();
            let changed = known.iter().filter(|row| row["change"] != "UNCHANGED");
            let changed: BTreeSet<String> = changed
                .map(|row| heading(row["condition"].as_str().unwrap()))
                .collect();
            if changed.is_empty() && !known.is_empty() {
                ["All on record unchanged".to_owned()].into()
            } else {
                changed
            }
        }
    }
}

/// The labels of the groups of a dimension of funding terms that contain a record.
fn funding_labels(dimension: Dimension, record: &Value) -> BTreeSet<String> {
    let terms = as_list(&record["fundingTerms"]);
    let of_terms = |field: &str| {
        terms
            .iter()
            .filter_map(|term| term[field].as_str())
            .map(heading)
            .collect()
    };
    let yes_or_no = |field: &str, [yes, no]: [&str; 2]| {
        terms
            .iter()
            .filter_map(|term| term[field].as_bool())
            .map(|answer| if answer { yes } else { no }.to_owned())
            .collect()
    };
    let months = |field: &str, band: fn(i64) -> &'static str| -> BTreeSet<String> {
        terms
            .iter()
            .filter_map(|term| term[field].as_i64())
            .map(|months| band(months).to_owned())
            .collect()
    };
    match dimension {
        Dimension::Funder => terms
            .iter()
            .map(|term| term["funder"]["name"].as_str().unwrap().to_owned())
            .collect(),
        Dimension::FundingDurationBand => months("durationMonths", |months| match months {
            ..=6 => "Up to 6 months",
            7..=12 => "7 to 12 months",
            13..=18 => "13 to 18 months",
            19..=24 => "19 to 24 months",
            _ => "25 to 36 months",
        }),
        Dimension::UpfrontResearchMonthsBand => {
            let mut bands = months("upfrontResearchMonths", |months| match months {
                ..=3 => "Up to 3 months",
                4..=6 => "4 to 6 months",
                7..=12 => "7 to 12 months",
                _ => "Over 12 months",
            });
            if terms.iter().any(|term| term["upfrontResearch"] == false) {
                bands.insert("No research paid for".to_owned());
            }
            bands
        }
        Dimension::FundingResearch => {
            yes_or_no("upfrontResearch", ["Research paid for", "Research not paid for"])
        }
        Dimension::MultiSiteFunding => {
            let headings = ["Other places paid for too", "No other places paid for"];
            yes_or_no("multiSite", headings)
        }
        Dimension::ReportingFrequency => of_terms("reportingFrequency"),
        Dimension::ReportingBasis => of_terms("reportingBasis"),
        _ => of_terms("intendedFocus"),
    }
}

/// The labels of the groups that contain a record.
fn group_labels(world: &World, dimension: Dimension, record: &Value) -> BTreeSet<String> {
    let way_in = |perspective: &str| {
        let taken = list_entry_points(record, perspective);
        taken.first().map(|code| heading(code))
    };
    let lead = record["leadOrganisation"]["name"].as_str().unwrap();
    let mut found: BTreeSet<String> = match dimension {
        Dimension::Place | Dimension::Region | Dimension::PlaceKind => place_labels(world, dimension, record),
        Dimension::LeadOrganisation => [lead.to_owned()].into(),
        Dimension::LeadOrganisationKind => world.organisations[lead].1.map(heading).into_iter().collect(),
        Dimension::WayIn => ["PRACTITIONER", "FUNDER", "NATIONAL_CHARITY", "COMMUNITY"]
            .into_iter()
            .filter_map(way_in)
            .collect(),
        Dimension::WayInOfPractitioner => way_in("PRACTITIONER").into_iter().collect(),
        Dimension::WayInOfFunder => way_in("FUNDER").into_iter().collect(),
        Dimension::WayInOfNationalCharity => way_in("NATIONAL_CHARITY").into_iter().collect(),
        Dimension::WayInOfCommunity => way_in("COMMUNITY").into_iter().collect(),
        Dimension::Challenge
        | Dimension::ChallengeUnderstanding
        | Dimension::ChallengeAmbitions
        | Dimension::ChallengeConditions
        | Dimension::Reason
        | Dimension::ConditionChanged => challenge_labels(dimension, record),
        Dimension::Funder
        | Dimension::FundingDurationBand
        | Dimension::FundingResearch
        | Dimension::UpfrontResearchMonthsBand
        | Dimension::ReportingFrequency
        | Dimension::ReportingBasis
        | Dimension::IntendedFocus
        | Dimension::MultiSiteFunding => funding_labels(dimension, record),
        Dimension::YearStarted => record["startedOn"]
            .as_str()
            .map(|day| day[..4].to_owned())
            .into_iter()
            .collect(),
    };
    if found.is_empty() {
        found.insert("Not known".into());
    }
    found
}

/// Whether a reader can read all of a record, according to `docs/access.md`.
fn can_view_fully(reader: &str, record: &Value) -> bool {
    let visibility = record["visibility"].as_str().unwrap();
    let funds = || {
        as_list(&record["fundingTerms"])
            .iter()
            .any(|term| term["funder"]["name"] == reader)
    };
    match reader {
        "steward" => true,
        "dashboard" => visibility == "OPEN",
        member => {
            visibility != "AGGREGATE_ONLY"
                || record["leadOrganisation"]["name"] == member
                || (record["sharedWithFunders"] == true && funds())
        }
    }
}

/// The counts of a table as published. They are exact for a steward and with scope VISIBLE.
fn published_counts(table: &DisclosedTable) -> Vec<u64> {
    let exact = |shown: &DisclosedCount| {
        assert_eq!(
            (shown.suppressed, shown.variance),
            (None, 0.0),
            "{table:?} is exact"
        );
        shown.count.unwrap()
    };
    table
        .named_counts()
        .into_iter()
        .map(|(_, shown)| exact(shown))
        .collect()
}

/// The published counts, counted one pair of truth values at a time.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct NaiveCounts([u64; 8]);

impl NaiveCounts {
    fn add(&mut self, when: Option<bool>, then: Option<bool>) {
        let counts = &mut self.0;
        counts[0] += 1;
        match (when, then) {
            (Some(true), Some(true)) => counts[1] += 1,
            (Some(true), Some(false)) => counts[2] += 1,
            (Some(false), Some(true)) => counts[3] += 1,
            (Some(false), Some(false)) => counts[4] += 1,
            _ => counts[5] += 1,
        }
        counts[6] += u64::from(when.is_none());
        counts[7] += u64::from(then.is_none());
    }
}

/// A database of random records, and its readers.
struct RandomRecords {
    world: World,
    app: TestApp,
    records: Vec<Value>,
    readers: Vec<(&'static str, Reader)>,
    chance: RandomSource,
}

async fn start_with_random_records(database: Database, seed: u64) -> RandomRecords {
    let world = build_world();
    let app = start_with_world(database, &world).await;
    let mut chance = RandomSource::new(seed);
    let records: Vec<Value> = (0..200)
        .map(|reference| chance.random_record(reference))
        .collect();
    app.publish(&records).await;
    retire_a_place(&app).await;
    let organisations = organisation::Entity::find().all(&app.app.db).await.unwrap();
    let member = |name: &str| Reader::Member {
        organisation: organisations.iter().find(|one| one.name == name).unwrap().id,
    };
    let readers = vec![
        ("steward", Reader::Steward),
        ("dashboard", Reader::Dashboard),
        (FUNDERS[0], member(FUNDERS[0])),
        (LEADS[1], member(LEADS[1])),
    ];
    RandomRecords {
        world,
        app,
        records,
        readers,
        chance,
    }
}

impl RandomRecords {
    fn random_viewpoint(&mut self) -> (&'static str, Viewpoint) {
        let (name, reader) = self.readers[self.chance.number_below(self.readers.len())];
        let scope = RecordScope::Visible;
        (name, Viewpoint { reader, scope })
    }

    fn random_population_filter(&mut self) -> Value {
        let among = self.chance.random_filter(1);
        if self.chance.number_below(2) == 0 {
            json!({})
        } else {
            among
        }
    }

    /// The fully visible records for a reader for which a filter is TRUE.
    fn list_counted<'a>(&'a self, name: &'a str, among: &'a Value) -> impl Iterator<Item = &'a Value> {
        self.records.iter().filter(move |record| {
            can_view_fully(name, record) && self.world.evaluate(among, record) == Some(true)
        })
    }

    async fn run_query<T: Send + 'static>(
        &self,
        work: impl FnOnce(EvaluationContext<'_>) -> Result<T, Cancelled> + Send + 'static,
    ) -> T {
        self.app.app.engine.view().unwrap().run_query(work).await.unwrap()
    }
}

async fn patterns_match_the_oracle(database: Database) {
    let seed = 7;
    let mut base = start_with_random_records(database, seed).await;
    for number in 0..scale_cases(600) {
        let [when, then] = [base.chance.random_filter(1), base.chance.random_filter(1)];
        let by = Dimension::ALL[number % Dimension::ALL.len()];
        let among = base.random_population_filter();
        let (name, viewpoint) = base.random_viewpoint();
        let question = PatternQuery {
            when: parse_predicate(&base.app, &when).await,
            then: parse_predicate(&base.app, &then).await,
            among: parse_predicate(&base.app, &among).await,
            by: Some(by),
            viewpoint,
        };
        let mut expected = NaiveCounts::default();
        let mut groups: BTreeMap<String, NaiveCounts> = BTreeMap::new();
        for record in base.list_counted(name, &among) {
            let (when, then) = (
                base.world.evaluate(&when, record),
                base.world.evaluate(&then, record),
            );
            expected.add(when, then);
            for label in group_labels(&base.world, by, record) {
                groups.entry(label).or_default().add(when, then);
            }
        }
        let asked = format!("seed {seed}, {number}: {when} with {then} among {among} by {by:?} for {name}");
        let of_whom = question.among.clone();
        let answered = base
            .run_query(move |base| answer::compute_pattern(base, &question, true))
            .await;
        assert_eq!(published_counts(&answered.table), expected.0, "{asked}");
        let mut found: BTreeMap<String, NaiveCounts> = BTreeMap::new();
        for (group, table) in &answered.groups.as_ref().unwrap().tables {
            let counts = NaiveCounts(published_counts(table).try_into().unwrap());
            assert!(
                found.insert(group.label.clone(), counts).is_none(),
                "{asked}: two of {}",
                group.label
            );
        }
        found.retain(|_, counts| counts.0[0] > 0);
        assert_eq!(found, groups, "{asked}");
        let of = DistributionQuery {
            dimension: by,
            among: of_whom,
            viewpoint,
        };
        let binned = base
            .run_query(move |base| answer::compute_distribution(base, &of))
            .await;
        let binned: BTreeMap<String, u64> = binned
            .bins
            .into_iter()
            .map(|bin| (bin.group.label, bin.count.count.unwrap()))
            .filter(|(_, count)| *count > 0)
            .collect();
        let totals = groups
            .into_iter()
            .map(|(label, counts)| (label, counts.0[0]))
            .collect();
        assert_eq!(binned, totals, "{asked}: the distribution");
    }
}

async fn grids_match_the_oracle(database: Database) {
    let seed = 17;
    let mut base = start_with_random_records(database, seed).await;
    for number in 0..scale_cases(300) {
        let [rows, columns] =
            [0; 2].map(|_: usize| Dimension::ALL[base.chance.number_below(Dimension::ALL.len())]);
        let among = base.random_population_filter();
        let (name, viewpoint) = base.random_viewpoint();
        let asked = format!("seed {seed}, {number}: {rows:?} and {columns:?} among {among} for {name}");
        let mut cells: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut totals: [BTreeMap<String, u64>; 2] = Default::default();
        for record in base.list_counted(name, &among) {
            let (of_rows, of_columns) = (
                group_labels(&base.world, rows, record),
                group_labels(&base.world, columns, record),
            );
            for row in &of_rows {
                *totals[0].entry(row.clone()).or_default() += 1;
                for column in &of_columns {
                    *cells.entry((row.clone(), column.clone())).or_default() += 1;
                }
            }
            for column in of_columns {
                *totals[1].entry(column).or_default() += 1;
            }
        }
        let population = base.list_counted(name, &among).count() as u64;
        let question = GridQuery {
            rows,
            columns,
            among: parse_predicate(&base.app, &among).await,
            viewpoint,
        };
        let grid = base
            .run_query(move |base| answer::compute_grid(base, &question))
            .await
            .unwrap();
        assert_eq!(grid.population.count, Some(population), "{asked}");
        assert_eq!(
            grid.cells.len(),
            grid.rows.len() * grid.columns.len(),
            "{asked}: empty cells are included"
        );
        let mut found = BTreeMap::new();
        for (at, cell) in grid.cells.iter().enumerate() {
            let (row, column) = (at / grid.columns.len(), at % grid.columns.len());
            if let Some(found) = grid.compare_with_chance(row, column) {
                let [of_row, of_column] =
                    [grid.rows[row].1, grid.columns[column].1].map(|one| one.count.unwrap() as f64);
                assert!(
                    (found.expected - of_row * of_column / population as f64).abs() < 1e-9,
                    "{asked}"
                );
            }
            if cell.count != Some(0) {
                let labels = (
                    grid.rows[row].0.label.clone(),
                    grid.columns[column].0.label.clone(),
                );
                found.insert(labels, cell.count.unwrap());
            }
        }
        assert_eq!(found, cells, "{asked}");
        for (headings, totals) in [&grid.rows, &grid.columns].into_iter().zip(totals) {
            let found: BTreeMap<String, u64> = headings
                .iter()
                .map(|(name, count)| (name.label.clone(), count.count.unwrap()))
                .filter(|(_, count)| *count > 0)
                .collect();
            assert_eq!(found, totals, "{asked}: the totals");
        }
    }
}

async fn flows_match_the_oracle(database: Database) {
    let seed = 27;
    let mut base = start_with_random_records(database, seed).await;
    for number in 0..scale_cases(300) {
        let among = base.random_population_filter();
        let (name, viewpoint) = base.random_viewpoint();
        let perspective = Perspective::ALL
            .get(base.chance.number_below(Perspective::ALL.len() + 1))
            .copied();
        let asked = format!("seed {seed}, {number}: {perspective:?} among {among} for {name}");
        let mut expected: BTreeMap<(String, String, Option<String>), u64> = BTreeMap::new();
        for record in base.list_counted(name, &among) {
            for one in Perspective::ALL
                .iter()
                .filter(|one| perspective.is_none_or(|asked| asked == **one))
            {
                let taken = list_entry_points(record, one.code());
                let Some((from, later)) = taken.split_first() else {
                    continue;
                };
                let mut to: BTreeSet<Option<String>> = later.iter().cloned().map(Some).collect();
                if to.is_empty() {
                    to.insert(None);
                }
                for to in to {
                    *expected
                        .entry((one.code().to_owned(), from.clone(), to))
                        .or_default() += 1;
                }
            }
        }
        let question = FlowsQuery {
            among: parse_predicate(&base.app, &among).await,
            perspective,
            viewpoint,
        };
        let flows = base
            .run_query(move |base| answer::compute_flows(base, &question))
            .await
            .flows;
        assert_eq!(
            flows.len(),
            if perspective.is_some() { 20 } else { 80 },
            "{asked}: every flow is included"
        );
        let found: BTreeMap<_, u64> = flows
            .iter()
            .map(|flow| {
                let to = flow.to.map(|to| to.code().to_owned());
                (
                    (
                        flow.perspective.code().to_owned(),
                        flow.from.code().to_owned(),
                        to,
                    ),
                    flow.count.count.unwrap(),
                )
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(found, expected, "{asked}");
    }
}

async fn associations_match_the_oracle_and_sql(database: Database) {
    let seed = 37;
    let mut base = start_with_random_records(database, seed).await;
    for number in 0..scale_cases(40) {
        let filters: Vec<Value> = (0..4).map(|_| base.chance.random_filter(1)).collect();
        let mut conditions = Vec::new();
        let mut in_sql = Vec::new();
        for filter in &filters {
            let condition = parse_predicate(&base.app, filter).await;
            in_sql.push(evaluate_by_index_and_sql(&base.app, &condition).await[1].clone());
            conditions.push(condition);
        }
        let question = AssociationsQuery {
            conditions,
            among: parse_predicate(&base.app, &json!({})).await,
            viewpoint: Viewpoint {
                reader: Reader::Steward,
                scope: RecordScope::All,
            },
        };
        let pairs = base
            .run_query(move |base| answer::compute_associations(base, &question))
            .await
            .pairs;
        assert_eq!(pairs.len(), 6, "every pair once");
        for pair in &pairs {
            let (mut naively, mut by_sql) = (NaiveCounts::default(), NaiveCounts::default());
            for record in &base.records {
                let truth = |which: usize| base.world.evaluate(&filters[which], record);
                naively.add(truth(pair.when_index), truth(pair.then_index));
                let reference = record["externalRef"].as_str().unwrap();
                by_sql.add(
                    in_sql[pair.when_index][reference],
                    in_sql[pair.then_index][reference],
                );
            }
            let asked = format!(
                "seed {seed}, {number}: {} with {}",
                filters[pair.when_index], filters[pair.then_index]
            );
            assert_eq!(published_counts(&pair.table), naively.0, "{asked}");
            assert_eq!(by_sql, naively, "SQL, {asked}");
            assert!(pair.p_value <= pair.q_value, "{asked}: {pair:?}");
        }
    }
}

async fn comparisons_match_the_oracle(database: Database) {
    let seed = 41;
    let mut base = start_with_random_records(database, seed).await;
    for number in 0..scale_cases(40) {
        let filters: Vec<Value> = (0..3).map(|_| base.chance.random_filter(1)).collect();
        let [then, among] = [base.chance.random_filter(1), base.chance.random_filter(0)];
        let mut groups = Vec::new();
        for filter in &filters {
            groups.push(parse_predicate(&base.app, filter).await);
        }
        let question = ComparisonQuery {
            groups,
            then: parse_predicate(&base.app, &then).await,
            among: parse_predicate(&base.app, &among).await,
            viewpoint: Viewpoint {
                reader: Reader::Steward,
                scope: RecordScope::All,
            },
        };
        let found = base
            .run_query(move |base| answer::compute_comparison(base, &question))
            .await;
        let asked = format!("seed {seed}, {number}: {filters:?}, then {then}, among {among}");
        let mut expected = vec![NaiveCounts::default(); filters.len()];
        let mut overlap = false;
        for record in &base.records {
            let truth = |filter: &Value| base.world.evaluate(filter, record);
            if truth(&among) != Some(true) {
                continue;
            }
            let groups: Vec<Option<bool>> = filters.iter().map(truth).collect();
            for (counts, group) in expected.iter_mut().zip(&groups) {
                counts.add(*group, truth(&then));
            }
            overlap |= groups.iter().filter(|group| **group == Some(true)).count() > 1;
        }
        assert_eq!(found.tables.len(), filters.len(), "{asked}");
        for (table, expected) in found.tables.iter().zip(&expected) {
            assert_eq!(published_counts(table), expected.0, "{asked}");
        }
        assert_eq!(found.overlap, overlap, "{asked}");
    }
}

async fn incrementally_updated_index_equals_a_rebuilt_one(database: Database) {
    let world = build_world();
    let app = start_with_world(database.clone(), &world).await;
    retire_a_place(&app).await;
    let mut chance = RandomSource::new(11);
    let mut records: Vec<Value> = (0..80).map(|reference| chance.random_record(reference)).collect();
    app.publish(&records).await;
    for round in 0..scale_cases(8) {
        let mut changed = BTreeMap::new();
        for _ in 0..12 {
            let reference = chance.number_below(100);
            let mut record = chance.random_record(reference);
            if let Some(before) = records
                .iter()
                .find(|one| one["externalRef"] == record["externalRef"])
            {
                // The lead organisation is part of the key.
                record["leadOrganisation"] = before["leadOrganisation"].clone();
            }
            changed.insert(reference, record);
        }
        for record in changed.into_values() {
            app.publish(std::slice::from_ref(&record)).await;
            match records
                .iter_mut()
                .find(|one| one["externalRef"] == record["externalRef"])
            {
                Some(before) => *before = record,
                None => records.push(record),
            }
        }
        let restarted = TestApp::start(database.clone()).await;
        for _ in 0..10 {
            let filter = chance.random_filter(1);
            let condition = parse_predicate(&app, &filter).await;
            let (mut yes, mut no) = (0, 0);
            for record in &records {
                match world.evaluate(&filter, record) {
                    Some(true) => yes += 1,
                    Some(false) => no += 1,
                    None => {}
                }
            }
            let followed = find_matching_initiatives(&app.app.engine.snapshot().unwrap(), &condition);
            let read = find_matching_initiatives(&restarted.app.engine.snapshot().unwrap(), &condition);
            assert_eq!(followed, read, "round {round}: {filter}");
            assert_eq!(
                (followed.0.len(), followed.1.len()),
                (yes, no),
                "round {round}, naively: {filter}"
            );
        }
    }
}
