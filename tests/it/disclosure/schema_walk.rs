//! Queries every field of the engine's answers. None may reveal an exact hidden count, or a figure that is
//! computed from one.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value, json};
use wayin::clock::{Clock, SystemClock};
use wayin::schema::schema_sdl;
use wayin_engine::answer::DisclosedTable;
use wayin_engine::disclosure::{DisclosedCount, SuppressionRule};
use wayin_engine::measures::Measures;
use wayin_engine::statistics::Estimate;
use wayin_engine::summary::round_for_words;
use wayin_entity::{Dimension, claim};

use super::fixture::{RecordGenerator, SEED, create_clients, large_place, start_empty, start_with_records};
use crate::support::app::{Client, TestApp};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    no_field_reveals_a_hidden_exact_count,
    groups_and_refusals_do_not_depend_on_hidden_records,
];

/// A field of the schema and the name of its type.
struct SchemaField {
    name: String,
    type_name: String,
}

/// The object types of the schema that the answers of the engine need.
struct SchemaTypes {
    fields: BTreeMap<String, Vec<SchemaField>>,
    /// The types that have an id, such as places and organisations.
    nodes: BTreeSet<String>,
}

impl SchemaTypes {
    fn load() -> Self {
        let document = parse_schema(schema_sdl()).expect("the schema is well formed");
        let mut types = Self {
            fields: BTreeMap::new(),
            nodes: BTreeSet::new(),
        };
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node.to_string();
            let TypeKind::Object(object) = definition.node.kind else {
                continue;
            };
            if object.implements.iter().any(|one| one.node == "Node") {
                types.nodes.insert(name.clone());
            }
            let fields = object.fields.iter().map(|field| SchemaField {
                name: field.node.name.node.to_string(),
                type_name: field
                    .node
                    .ty
                    .node
                    .to_string()
                    .trim_matches(['[', ']', '!'])
                    .to_owned(),
            });
            types.fields.insert(name, fields.collect());
        }
        types
    }

    /// Whether this type is an answer of the engine or contains one.
    fn contains_engine_answer(&self, of: &str, seen: &mut BTreeSet<String>) -> bool {
        if of == "DisclosureControl" {
            return true;
        }
        seen.insert(of.to_owned())
            && self.fields.get(of).is_some_and(|fields| {
                fields
                    .iter()
                    .any(|field| self.contains_engine_answer(&field.type_name, seen))
            })
    }

    /// Selects all fields of a type. Selects only the id and the name of types with an id, because they are not
    /// answers of the engine.
    fn select_everything(&self, of: &str) -> String {
        let Some(fields) = self.fields.get(of) else {
            return String::new();
        };
        if self.nodes.contains(of) {
            return "{ id name }".into();
        }
        let each = fields.iter().map(|field| {
            let arguments = if field.name == "groups" && field.type_name.ends_with("Connection") {
                "(first: 100, orderBy: {field: NAME})"
            } else {
                ""
            };
            format!(
                "{}{arguments} {}",
                field.name,
                self.select_everything(&field.type_name)
            )
        });
        format!("{{ {} }}", each.collect::<Vec<_>>().join(" "))
    }

    /// All selected fields of a type and of the types that it contains, as `Type.field`.
    fn collect_walked_fields(&self, of: &str, into: &mut BTreeSet<String>) {
        if self.nodes.contains(of) {
            return;
        }
        for field in self.fields.get(of).into_iter().flatten() {
            if into.insert(format!("{of}.{}", field.name)) {
                self.collect_walked_fields(&field.type_name, into);
            }
        }
    }
}

/// A value in an answer, with its path. The path names a list item by its label, if it has one.
#[derive(Clone, Debug)]
struct AnswerLeaf {
    path: String,
    field: String,
    value: Value,
}

fn collect_leaves(path: &str, field: &str, value: &Value, into: &mut Vec<AnswerLeaf>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect_leaves(&format!("{path}.{name}"), name, value, into);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let label = item["label"].as_str().or_else(|| item["node"]["label"].as_str());
                let named = label.map_or_else(|| at.to_string(), str::to_owned);
                collect_leaves(&format!("{path}[{named}]"), field, item, into);
            }
        }
        value => into.push(AnswerLeaf {
            path: path.to_owned(),
            field: field.to_owned(),
            value: value.clone(),
        }),
    }
}

/// Counts of initiatives. Their hidden parts must be protected.
const COUNT_FIELDS: [&str; 14] = [
    "population",
    "both",
    "whenOnly",
    "thenOnly",
    "neither",
    "unknown",
    "whenUnknown",
    "thenUnknown",
    "numerator",
    "denominator",
    "count",
    "illustrative",
    "visibleCount",
    "visiblePopulation",
];

/// Integers that are not counts of initiatives: positions in a list, numbers of groups, change numbers. The
/// fields that end in `LeftOut` are sums of disclosed counts and have their own assertion.
const OTHER_INTEGER_FIELDS: [&str; 12] = [
    "row",
    "column",
    "totalCount",
    "groupCount",
    "groupsLeftOut",
    "initiativesLeftOut",
    "oddsRatioGroupsLeftOut",
    "oddsRatioInitiativesLeftOut",
    "riskRatioGroupsLeftOut",
    "riskRatioInitiativesLeftOut",
    "changeNumber",
    "degrees",
];

/// The counts of a group that its figures are computed from.
fn measured_table(group: &Value) -> &Value {
    match group["basis"].as_str() {
        Some("ALL") => &group["table"],
        _ => &group["visibleTable"],
    }
}

/// Asserts that what each estimate leaves out follows from the counts of the groups that are not suppressed.
fn assert_excluded_counts_follow<'a>(
    question: &str,
    adjusted: &Value,
    whole: impl Iterator<Item = &'a Value>,
) {
    let (mut odds_ratio, mut risk_ratio) = ([0, 0], [0, 0]);
    for group in whole {
        let [both, when_only, then_only, neither] = ["both", "whenOnly", "thenOnly", "neither"]
            .map(|name| measured_table(group)[name].as_i64().unwrap_or(0));
        let held = both + when_only + then_only + neither;
        let no_group_is_empty = both + when_only > 0 && then_only + neither > 0;
        let informs_risk_ratio = no_group_is_empty && both + then_only > 0;
        let informs_odds_ratio = informs_risk_ratio && when_only + neither > 0;
        for (left_out, informs) in [
            (&mut odds_ratio, informs_odds_ratio),
            (&mut risk_ratio, informs_risk_ratio),
        ] {
            if held > 0 && !informs {
                left_out[0] += 1;
                left_out[1] += held;
            }
        }
    }
    let reported = |estimate: &str| {
        ["Groups", "Initiatives"].map(|what| {
            adjusted[format!("{estimate}{what}LeftOut")]
                .as_i64()
                .unwrap_or(-1)
        })
    };
    assert_eq!(reported("oddsRatio"), odds_ratio, "{question}: {adjusted}");
    assert_eq!(reported("riskRatio"), risk_ratio, "{question}: {adjusted}");
}

/// Fields that are null in every answer of the walk.
const NULL_UNDER_CONTROL: [&str; 7] = [
    "Association.pValue",
    "Association.qValue",
    // The groups of these records are too small for the test.
    "AdjustedEstimates.homogeneity",
    "Homogeneity",
    // Each move has fewer than 10 hidden records here.
    "EntryPointFlow.count",
    "EntryPointFlow.illustrative",
    // These records have no clear difference.
    "Pattern.direction",
];

/// The queries of the walk: each field that the engine answers, with its arguments except `over`.
fn list_queries() -> Vec<(&'static str, String)> {
    let when = "{fundingTerms: {some: {durationMonths: {lte: 18}}}}";
    let then = "{challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}";
    let mut asked = vec![
        ("pattern", format!("when: {when}, then: {then}")),
        ("pattern", format!("when: {when}, then: {{}}")),
        (
            "pattern",
            format!(
                "when: {{challenge: {{on: DEFINING_AMBITIONS, reasons: {{includes: [COMPETITION_FOR_RESOURCES]}}}}}}, then: {then}"
            ),
        ),
        (
            "pattern",
            format!("when: {when}, then: {then}, among: {{place: {{is: {{code: \"{}\"}}}}}}", large_place(0)),
        ),
        (
            "associations",
            format!(
                "conditions: [{{name: \"one\", condition: {when}}}, {{name: \"other\", condition: {then}}},
                    {{name: \"third\", condition: {{condition: {{on: GOVERNANCE, change: {{eq: ALTERED}}}}}}}}]"
            ),
        ),
        // As groups, these make the same tables as two of the pairs.
        (
            "compare",
            format!(
                "groups: [{{label: \"one\", filter: {when}}}, {{label: \"other\", filter: {then}}}],
                    then: {{condition: {{on: GOVERNANCE, change: {{eq: ALTERED}}}}}}"
            ),
        ),
        (
            "compare",
            format!("groups: [{{label: \"one\", filter: {when}}}], then: {then}"),
        ),
        ("entryPointFlows", "perspective: FUNDER".into()),
    ];
    for dimension in Dimension::ALL {
        if *dimension == Dimension::LeadOrganisation {
            continue;
        }
        let code = dimension.code();
        asked.push(("pattern", format!("when: {when}, then: {then}, by: {code}")));
        asked.push(("distribution", format!("of: {code}")));
        asked.push((
            "patternGrid",
            format!("rows: {code}, columns: CHALLENGE_AMBITIONS"),
        ));
    }
    asked
}

/// Publishes illustrative records, most of them hidden.
async fn publish_illustrative_records(app: &TestApp) {
    let mut chance = RecordGenerator::new(SEED + 4);
    let mut records: Vec<Value> = Vec::new();
    for number in 0..73 {
        let (reference, place) = (format!("illustrative-{number}"), large_place(1));
        let record = if number < 4 {
            chance.open_record(&reference, &place)
        } else {
            chance.hidden_record(&reference, &place)
        };
        let moved = json!([
            {"entryPoint": "COLLABORATION", "perspective": "FUNDER"},
            {"entryPoint": "COMPLEXITY", "perspective": "FUNDER"},
        ]);
        records.push(
            record
                .with("illustrative", true)
                .with("entryPoints", moved)
                .build(),
        );
    }
    app.publish(&records).await;
}

/// Creates a claim. Its pattern is another path to the engine.
async fn create_claim(app: &TestApp) {
    let now = SystemClock.now();
    let row = claim::Model {
        id: SystemClock.new_id(),
        slug: "a-claim".into(),
        statement: "One thing goes with another.".into(),
        position: 1,
        reflection_id: None,
        pattern_when: json!({"challenge": {"on": "UNDERSTANDING_LOCAL_SYSTEM", "step": {"in": ["SKIPPED"]}}}),
        pattern_then: json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}}),
        pattern_among: None,
        pattern_by: Some(Dimension::Region),
        created_at: now,
        updated_at: now,
    };
    row.into_active_model().insert(&app.app.db).await.unwrap();
}

/// One client's answers to all queries of the walk.
async fn query_answers(types: &SchemaTypes, client: &Client<'_>, over: &str) -> Vec<(String, Value)> {
    let of = |field: &str| {
        let found = types.fields["Query"].iter().find(|one| one.name == field);
        &found.expect("there is such a field").type_name
    };
    let mut answers = Vec::new();
    for (field, arguments) in list_queries() {
        let selected = types.select_everything(of(field));
        let query = format!("{{ {field}({arguments}, scope: {over}) {selected} }}");
        let mut output = client.query(&query).await;
        answers.push((format!("{field}({arguments})"), output[field].take()));
        if field == "pattern" {
            let live = format!("subscription {{ patternChanged({arguments}, scope: {over}) {selected} }}");
            let mut output = client.subscribe_first_data(&live).await;
            answers.push((
                format!("patternChanged({arguments})"),
                output["patternChanged"].take(),
            ));
        }
    }
    let selected = types.select_everything("Pattern");
    let mut output = client
        .query(&format!(
            "{{ claim(slug: \"a-claim\") {{ pattern(scope: {over}) {selected} }} }}"
        ))
        .await;
    answers.push(("claim".into(), output["claim"]["pattern"].take()));
    answers
}

/// The numbers in a text.
fn extract_numbers(text: &str) -> Vec<String> {
    text.replace(',', "")
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Queries every field under the engine's types as a dashboard with scope ALL, as a dashboard with scope
/// VISIBLE, and as a steward with exact answers. For the dashboard:
///
/// - each count is the visible count, plus nothing or a multiple of 5 that is at least 10
/// - no other integer is a count
/// - each figure follows from the disclosed counts
/// - each number in a text is a disclosed count, follows from the disclosed counts, or belongs to a rule
/// - only a few figures equal the exact ones, by chance.
///
/// The walk includes fields that are added to the schema later.
async fn no_field_reveals_a_hidden_exact_count(database: Database) {
    let types = SchemaTypes::load();
    let app = start_with_records(database).await;
    publish_illustrative_records(&app).await;
    create_claim(&app).await;
    let (steward, dashboard) = create_clients(&app).await;
    assert_every_engine_field_is_walked(&types);
    let exact = query_answers(&types, &steward, "ALL").await;
    let readable = query_answers(&types, &dashboard, "VISIBLE").await;
    let controlled = query_answers(&types, &dashboard, "ALL").await;
    let mut seen = WalkFindings::default();
    // The answer to a pattern contains this only as text. The answer to a grid contains it as a count too.
    let grid = controlled
        .iter()
        .find(|(question, _)| question.starts_with("patternGrid"));
    let illustrative = grid.and_then(|(_, grid)| grid["illustrative"].as_i64());
    let illustrative = illustrative.expect("there are enough illustrative ones to tell of");
    assert_eq!(illustrative % 5, 4, "four of them may be read; seed {SEED}");
    for (((question, output), (_, exact)), (_, readable)) in controlled.iter().zip(&exact).zip(&readable) {
        let [told_leaves, exact, readable] = [output, exact, readable].map(|answer| {
            let mut found = Vec::new();
            collect_leaves("", "", answer, &mut found);
            found
        });
        seen.check_leaves(
            question,
            &told_leaves,
            &index_by_path(&exact),
            &index_by_path(&readable),
        );
        assert_measures_follow(question, output);
        assert_texts_follow(question, output, illustrative);
    }
    println!(
        "the walk: {} counts, {} of them with a hidden part that is shown, {} figures, {} of them as exact counts have them, {} texts",
        seen.counts,
        seen.protected,
        seen.figures,
        seen.as_exact.len(),
        seen.texts
    );
    assert!(
        seen.protected > 200,
        "only {} counts show a hidden part",
        seen.protected
    );
    assert!(seen.figures > 200, "only {} figures are shown", seen.figures);
    // A protected count can equal the exact one by chance, and so can a rate, such as 41 of 80.
    assert!(
        seen.as_exact.len() * 50 < seen.figures,
        "{} of {} figures equal those of exact counts: {:?}",
        seen.as_exact.len(),
        seen.figures,
        seen.as_exact
    );
    assert!(seen.texts > 20, "only {} texts were checked", seen.texts);
    assert_every_field_was_answered(&types, &controlled);
}

fn index_by_path(leaves: &[AnswerLeaf]) -> BTreeMap<&str, &Value> {
    leaves
        .iter()
        .map(|leaf| (leaf.path.as_str(), &leaf.value))
        .collect()
}

/// Asserts that the walk queries all root fields with answers of the engine.
fn assert_every_engine_field_is_walked(types: &SchemaTypes) {
    let mut ways = BTreeSet::new();
    for root in ["Query", "Mutation", "Subscription"] {
        for field in types.fields.get(root).into_iter().flatten() {
            // Fields that are reached through an object with an id are listed under the type of that object.
            if types.contains_engine_answer(&field.type_name, &mut BTreeSet::new()) {
                ways.insert(format!("{root}.{}", field.name));
            }
        }
    }
    for node in &types.nodes {
        for field in &types.fields[node] {
            if !types.nodes.contains(&field.type_name)
                && types.contains_engine_answer(&field.type_name, &mut types.nodes.clone())
            {
                ways.insert(format!("{node}.{}", field.name));
            }
        }
    }
    let walked = [
        "Claim.pattern",
        // A pattern, like the one before.
        "Claim.trend",
        // Returns the saved claim.
        "Mutation.saveClaim",
        "Query.associations",
        "Query.claim",
        "Query.claims",
        "Query.compare",
        "Query.distribution",
        "Query.entryPointFlows",
        "Query.pattern",
        "Query.patternGrid",
        "Subscription.patternChanged",
    ];
    let expected: BTreeSet<String> = walked.into_iter().map(str::to_owned).collect();
    assert_eq!(
        ways, expected,
        "the walk must include every field that returns an answer of the engine"
    );
}

/// What the walk found.
#[derive(Default)]
struct WalkFindings {
    counts: usize,
    protected: usize,
    /// The number of figures with a hidden part.
    figures: usize,
    /// The figures that equal the exact ones by chance.
    as_exact: Vec<String>,
    texts: usize,
}

impl WalkFindings {
    /// Compares each value of an answer with the exact and the visible ones.
    fn check_leaves(
        &mut self,
        question: &str,
        output: &[AnswerLeaf],
        exact: &BTreeMap<&str, &Value>,
        readable: &BTreeMap<&str, &Value>,
    ) {
        for leaf in output {
            let at = format!("{question} at {}: {}; seed {SEED}", leaf.path, leaf.value);
            let field = leaf.field.as_str();
            match &leaf.value {
                Value::Number(number) if number.is_i64() || number.is_u64() => {
                    let number = number.as_i64().expect("counts are small");
                    if COUNT_FIELDS.contains(&field) {
                        let readable = readable
                            .get(leaf.path.as_str())
                            .and_then(|value| value.as_i64())
                            // Organisations without hidden records have no group.
                            .unwrap_or(0);
                        let beyond = number - readable;
                        // The sum of two counts.
                        assert!(
                            beyond == 0 || (beyond >= 10 && beyond % 5 == 0),
                            "the count is {readable} visible and {beyond} more: {at}"
                        );
                        self.counts += 1;
                        self.protected += usize::from(beyond > 0);
                    } else {
                        assert!(
                            OTHER_INTEGER_FIELDS.contains(&field),
                            "the walk does not know what this number counts: {at}"
                        );
                    }
                }
                Value::Number(_) => {
                    let of_exact = exact.get(leaf.path.as_str()).copied();
                    let of_readable = readable.get(leaf.path.as_str()).copied();
                    if of_exact != of_readable {
                        self.figures += 1;
                        self.as_exact
                            .extend((of_exact == Some(&leaf.value)).then_some(at));
                    }
                }
                Value::String(_) if ["summary", "text"].contains(&field) => self.texts += 1,
                _ => {}
            }
        }
    }
}

/// Asserts that the measures beside each table follow from the disclosed table alone.
fn assert_measures_follow(question: &str, output: &Value) {
    match output {
        Value::Object(fields) => {
            let suppressed = fields
                .get("suppressed")
                .or_else(|| fields.get("disclosure")?.get("suppressed"));
            if let (Some(table), Some(visible), Some(suppressed)) =
                (fields.get("table"), fields.get("visibleTable"), suppressed)
            {
                let table = match fields["basis"].as_str() {
                    Some("ALL") => to_disclosed_table(table, visible, suppressed),
                    _ => to_disclosed_table(table, visible, suppressed).visible_only(),
                };
                let figures = Measures::from_table(&table);
                let estimate = |found: Option<Estimate>| {
                    found.map_or(
                        Value::Null,
                        |found| json!({"value": found.value, "lower": found.lower, "upper": found.upper}),
                    )
                };
                let share = |part: Option<u64>, whole: Option<u64>, found: Option<Estimate>| {
                    let mut share = json!({"numerator": part, "denominator": whole, "value": null, "lower": null, "upper": null});
                    if let (Some(share), Value::Object(found)) = (share.as_object_mut(), estimate(found)) {
                        share.extend(found);
                    }
                    share
                };
                let mut follow = vec![
                    (
                        "rateWhen",
                        share(table.both.count, table.known_when_count(), figures.rate_when),
                    ),
                    (
                        "rateOtherwise",
                        share(
                            table.then_only.count,
                            table.known_otherwise_count(),
                            figures.rate_otherwise,
                        ),
                    ),
                    ("riskDifference", estimate(figures.risk_difference)),
                    ("riskRatio", estimate(figures.risk_ratio)),
                    ("oddsRatio", estimate(figures.odds_ratio)),
                ];
                // A group of a comparison has the first three, with other names.
                if fields.contains_key("rateOfRest") {
                    follow.truncate(3);
                    for ((name, _), of_group) in follow.iter_mut().zip(["rate", "rateOfRest", "difference"]) {
                        *name = of_group;
                    }
                }
                if fields.contains_key("phi") {
                    follow.push(("phi", json!(figures.phi)));
                }
                for (name, expected) in follow {
                    assert_eq!(
                        fields[name], expected,
                        "{question}: {name} does not follow from {table:?}; seed {SEED}"
                    );
                }
            }
            if let (Some(cells), Some(rows), Some(columns)) =
                (fields.get("cells"), fields.get("rows"), fields.get("columns"))
            {
                let (count, population) = match fields["basis"].as_str() {
                    Some("ALL") => ("count", "population"),
                    _ => ("visibleCount", "visiblePopulation"),
                };
                assert_expected_counts_follow(question, cells, [rows, columns], count, &fields[population]);
            }
            fields
                .values()
                .for_each(|value| assert_measures_follow(question, value));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| assert_measures_follow(question, item)),
        _ => {}
    }
}

/// The disclosed counts of a table. The variance of protection is the same for every count, so it reveals
/// nothing: 4 for the noise and 2 for the rounding.
fn to_disclosed_table(table: &Value, visible: &Value, suppressed: &Value) -> DisclosedTable {
    let names = COUNT_FIELDS[..8].iter();
    let shown = names.map(|name| {
        let is_suppressed = suppressed
            .as_array()
            .expect("it is a list")
            .iter()
            .any(|one| one["count"] == *name);
        DisclosedCount {
            count: table[*name].as_u64(),
            visible: visible[*name]
                .as_u64()
                .expect("visible records are counted exactly"),
            // Measures do not depend on which rule suppressed a count.
            suppressed: is_suppressed.then_some(SuppressionRule::SmallCount),
            variance: if is_suppressed { 0.0 } else { 6.0 },
        }
    });
    DisclosedTable::new(shown.collect::<Vec<_>>().try_into().expect("there are eight"))
}

/// Asserts that the expected count of each cell of a grid follows from its disclosed totals. `count` is the field with the
/// counts of the basis.
fn assert_expected_counts_follow(
    question: &str,
    cells: &Value,
    headings: [&Value; 2],
    count: &str,
    population: &Value,
) {
    for cell in cells.as_array().expect("it is a list") {
        let of = |headings: &Value, at: &str| {
            let at = cell[at]
                .as_u64()
                .and_then(|at| usize::try_from(at).ok())
                .expect("it is a place");
            headings[at][count].as_f64()
        };
        let (row, column) = (of(headings[0], "row"), of(headings[1], "column"));
        let all = population.as_f64().filter(|all| *all > 0.0);
        let expected = match (row, column, all) {
            (Some(row), Some(column), Some(all)) => Some(row * column / all),
            _ => None,
        };
        let output = cell["expected"].as_f64();
        let agrees = match (expected, output) {
            (Some(expected), Some(output)) => (expected - output).abs() < 1e-9,
            (expected, output) => expected == output,
        };
        assert!(
            agrees,
            "{question}: {cell} does not follow from {row:?} and {column:?} of {all:?}"
        );
        assert!(
            cell["residual"].is_null() || !(cell[count].is_null() || output.is_none()),
            "{question}: {cell} shows by how much a suppressed count is off"
        );
    }
}

/// Asserts that the numbers in texts are from the query, from the rules, or from the disclosed counts.
fn assert_texts_follow(question: &str, output: &Value, illustrative: i64) {
    // The groups of a pattern are a connection, without texts.
    let parts = ["pairs", "groups"].map(|name| output[name].as_array().into_iter().flatten());
    for answer in std::iter::once(output).chain(parts.into_iter().flatten()) {
        let mut found = Vec::new();
        collect_leaves("", "", answer, &mut found);
        // Numbers of the rules: below 10, rounded to 5, 95% intervals, out of 100, 20% unknown, one and none.
        let own = ["0", "1", "5", "10", "20", "95", "99", "100"];
        let mut may: BTreeSet<String> = own.map(str::to_owned).into();
        may.extend(extract_numbers(question));
        may.insert(illustrative.to_string());
        // Four illustrative records may be read.
        may.insert("4".into());
        may.insert(round_for_words(illustrative.unsigned_abs()).replace(',', ""));
        for leaf in &found {
            let of_groups = ["totalCount", "groupCount", "groupsLeftOut"].contains(&leaf.field.as_str());
            let counts = of_groups || COUNT_FIELDS.contains(&leaf.field.as_str());
            if let Some(count) = leaf.value.as_u64().filter(|_| counts) {
                may.insert(count.to_string());
                may.insert(round_for_words(count).replace(',', ""));
            }
            if ["value", "lower", "upper"].contains(&leaf.field.as_str()) {
                // Texts give a share out of 100.
                may.extend(
                    leaf.value
                        .as_f64()
                        .map(|share| format!("{:.0}", (share * 100.0).round().abs())),
                );
            }
        }
        for table in ["table", "visibleTable"] {
            may.extend(list_bounds(&answer[table], &answer["visibleTable"]));
            for group in answer["groups"].as_array().into_iter().flatten() {
                may.extend(list_bounds(&group[table], &group["visibleTable"]));
            }
        }
        if let Some(groups) = answer["groups"].as_array() {
            // The numbers of groups that are compared, and that have a suppressed count.
            may.extend((0..=groups.len()).map(|count| count.to_string()));
        }
        if let Some(groups) = answer["groups"]["nodes"].as_array() {
            let is_suppressed = |group: &&Value| {
                let four = ["both", "whenOnly", "thenOnly", "neither"];
                four.iter().any(|name| group["table"][*name].is_null())
            };
            let partial = |group: &&Value| is_suppressed(group) && group["basis"] == "ALL";
            let left_out: Vec<&Value> = groups.iter().filter(partial).collect();
            // The number of suppressed groups, and the numbers of groups that are compared and that differ.
            may.insert(groups.iter().filter(is_suppressed).count().to_string());
            may.extend((0..=groups.len()).map(|count| count.to_string()));
            let held = left_out.iter().map(|group| {
                let table = &group["table"];
                let count = |name: &str| table[name].as_i64().unwrap_or(0);
                let known: i64 = ["both", "whenOnly", "thenOnly", "neither"]
                    .map(count)
                    .iter()
                    .sum();
                count("population").max(known)
            });
            let held: i64 = held.sum();
            may.insert(held.to_string());
            let adjusted = &answer["adjusted"];
            assert!(
                adjusted.is_null() || adjusted["initiativesLeftOut"] == held,
                "{question}: {adjusted} does not follow from the groups, which hold {held}"
            );
            if !adjusted.is_null() {
                assert_excluded_counts_follow(question, adjusted, groups.iter().filter(|one| !partial(one)));
            }
        }
        for leaf in found
            .iter()
            .filter(|leaf| TEXT_FIELDS.contains(&leaf.field.as_str()))
        {
            let text = leaf.value.as_str().unwrap_or_default();
            for number in extract_numbers(text) {
                assert!(
                    may.contains(&number),
                    "{question} at {}: {number} in \"{text}\" does not follow from the published figures; seed {SEED}",
                    leaf.path
                );
            }
        }
    }
}

/// Out of 100, the bounds of the two rates of a table. With noise and rounding, the number of unknown initiatives is at most 14
/// more than are visible if it is suppressed, and at most 7 more than published if it is not.
fn list_bounds(table: &Value, visible: &Value) -> Vec<String> {
    let count = |name: &str| table[name].as_f64();
    let noise = if table == visible { 0.0 } else { 7.0 };
    let unknown = match count("unknown") {
        Some(unknown) => Some(unknown + noise),
        None => visible["unknown"].as_f64().map(|unknown| unknown + 14.0),
    };
    let pairs = [("both", "whenOnly"), ("thenOnly", "neither")];
    let bounds = pairs.into_iter().filter_map(|(part, rest)| {
        let (part, rest, unknown) = (count(part)?, count(rest)?, unknown?);
        let all = part + rest + unknown;
        Some([
            (part / all * 100.0).floor().to_string(),
            ((part + unknown) / all * 100.0).ceil().to_string(),
        ])
    });
    bounds.flatten().collect()
}

/// The fields with sentences. Their numbers must follow from published figures.
const TEXT_FIELDS: [&str; 8] = [
    "text",
    "headline",
    "byGroup",
    "certainty",
    "unknowns",
    "where",
    "cautions",
    "homogeneitySuppressed",
];

/// Asserts that every field of the engine's types had a value at least once, or is always null under control.
fn assert_every_field_was_answered(types: &SchemaTypes, answers: &[(String, Value)]) {
    let mut expected = BTreeSet::new();
    for root in [
        "Pattern",
        "PatternGrid",
        "Associations",
        "Comparison",
        "EntryPointFlows",
        "Distribution",
    ] {
        types.collect_walked_fields(root, &mut expected);
    }
    let mut output = BTreeSet::new();
    for (question, answer) in answers {
        let root = match question
            .split('(')
            .next()
            .expect("a question starts with its field")
        {
            "patternGrid" => "PatternGrid",
            "associations" => "Associations",
            "compare" => "Comparison",
            "entryPointFlows" => "EntryPointFlows",
            "distribution" => "Distribution",
            _ => "Pattern",
        };
        collect_answered_fields(types, root, answer, &mut output);
    }
    for field in &expected {
        let never = NULL_UNDER_CONTROL
            .iter()
            .any(|never| field == never || field.starts_with(&format!("{never}.")));
        assert_eq!(
            output.contains(field),
            !never,
            "{field}: {}",
            if never {
                "it is shown under control"
            } else {
                "the walk never came by a value"
            }
        );
    }
}

fn collect_answered_fields(types: &SchemaTypes, of: &str, value: &Value, output: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_answered_fields(types, of, item, output)),
        Value::Object(fields) if !types.nodes.contains(of) => {
            for (name, value) in fields {
                if !value.is_null() {
                    output.insert(format!("{of}.{name}"));
                }
                let field = types.fields[of].iter().find(|field| field.name == *name);
                collect_answered_fields(types, &field.expect("it was selected").type_name, value, output);
            }
        }
        _ => {}
    }
}

/// The domain of an answer: keys, labels, cursors, totals and pages.
fn collect_domain(answer: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    collect_leaves("", "", answer, &mut found);
    let of_domain = [
        "key",
        "label",
        "cursor",
        "totalCount",
        "hasNextPage",
        "hasPreviousPage",
        "startCursor",
        "endCursor",
        "overlap",
        "row",
        "column",
        "id",
        "name",
        "perspective",
        "from",
        "to",
        "when",
        "then",
    ];
    found
        .into_iter()
        .filter(|leaf| of_domain.contains(&leaf.field.as_str()))
        .map(|leaf| (leaf.path, leaf.value))
        .collect()
}

/// Queries that are rejected, some of them close to permitted ones.
const RESTRICTED_QUERIES: [&str; 2] = [
    "entryPointFlows(among: {and: [{wayIn: {isKnown: true}}, {condition: {on: GOVERNANCE, change: {eq: ALTERED}}}]}) { scope }",
    "entryPointFlows(among: {not: {and: [{wayIn: {isKnown: true}}, {condition: {on: GOVERNANCE, change: {eq: ALTERED}}}]}}) { scope }",
];

/// Compares the same database before and after hidden records are added: in new places, of new organisations,
/// with new funders, in other years. The domains and the rejections that a dashboard sees must not change.
async fn groups_and_refusals_do_not_depend_on_hidden_records(database: Database) {
    let types = SchemaTypes::load();
    let app = start_empty(database).await;
    let mut chance = RecordGenerator::new(SEED);
    let open: Vec<Value> = (0..30)
        .map(|at| {
            chance
                .open_record(&format!("open-{at}"), &large_place(at % 3))
                .build()
        })
        .collect();
    app.publish(&open).await;
    create_claim(&app).await;
    let (_, dashboard) = create_clients(&app).await;
    let seen = async || {
        let answers: Vec<_> = query_answers(&types, &dashboard, "ALL").await;
        let domains: Vec<_> = answers
            .into_iter()
            .map(|(question, answer)| (question, collect_domain(&answer)))
            .collect();
        let mut refusals = Vec::new();
        for query in RESTRICTED_QUERIES {
            refusals.push(dashboard.query_error(&format!("{{ {query} }}")).await);
        }
        (domains, refusals)
    };
    let before = seen().await;
    let hidden: Vec<Value> = (0..300)
        .map(|at| {
            chance
                .hidden_record(&format!("hidden-{at}"), &large_place(at % 8))
                .led_by(&format!("GB-CHC-{}", 3_000 + at % 60))
                .funded_by(&[&format!("GB-CHC-{}", 4_000 + at % 20)])
                .with("startedOn", format!("{}-05-01", 1990 + at % 30))
                .build()
        })
        .collect();
    app.publish(&hidden).await;
    let steward = app
        .create_member("another steward", wayin_entity::Role::Steward, None)
        .await;
    let all = steward.query("{ initiatives { totalCount } }").await;
    assert_eq!(
        all["initiatives"]["totalCount"], 330,
        "the hidden records are there"
    );
    let population = "{ pattern(when: {}, then: {}) { table { population } } }";
    assert_ne!(
        dashboard.query(population).await["pattern"]["table"]["population"],
        30,
        "and are counted"
    );
    let after = seen().await;
    for ((question, before), (_, after)) in before.0.iter().zip(&after.0) {
        assert_eq!(
            before, after,
            "{question} tells by its domain what is hidden; seed {SEED}"
        );
    }
    assert_eq!(before.1, after.1, "what is refused depends on what is hidden");
}
