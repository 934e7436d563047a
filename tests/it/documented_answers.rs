//! The figures in the documentation are answers of the demonstration.
//!
//! After a `graphql` block can follow, in any order, a quotation (`> ...`), which is the summary of the answer, and a `json`
//! block, which is a part of its data: fields can be left out, and a number is rounded to the digits that are shown. A
//! block whose first line is a comment `# As a ROLE.` is asked by that member of the demonstration, any other by a
//! steward.

use std::fmt::Write as _;

use sea_orm::EntityTrait as _;
use serde_json::Value;
use wayin::clock::SystemClock;
use wayin::{instance, load_sample};
use wayin_entity::{Audience, Role, disclosure_class};

use crate::support::app::{Client, TestApp};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![documented_answers_match_the_demonstration];

/// The organisation of the demonstration's funder.
const DEMONSTRATION_FUNDER: &str = "XI-WAYIN-F01";

/// The bytes of one record in a stored class.
const MEMBER_BYTES: usize = 25;

const README: &str = include_str!("../../README.md");
const PATTERNS: &str = include_str!("../../docs/patterns.md");
const DISCLOSURE: &str = include_str!("../../docs/disclosure.md");
const CLIENTS: &str = include_str!("../../docs/clients.md");

/// The conditions of the first question in the documentation.
const FIRST_QUESTION: &str = "when: {fundingTerms: {some: {durationMonths: {lte: 18}}}},
    then: {challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}";

/// The members of the demonstration.
struct Members<'a> {
    steward: Client<'a>,
    funder: Client<'a>,
    dashboard: Client<'a>,
}

/// The answer to the first question. `arguments` and `selection` are GraphQL.
async fn ask_first_question(client: &Client<'_>, arguments: &str, selection: &str) -> Value {
    let query = format!("{{ pattern({FIRST_QUESTION} {arguments}) {{ {selection} }} }}");
    client.query(&query).await["pattern"].take()
}

async fn documented_answers_match_the_demonstration(database: Database) {
    instance::ensure_demonstration_instance(&database.connection, &SystemClock)
        .await
        .unwrap();
    let app = TestApp::start(database).await;
    load_sample::load_sample(&app.app.db, &TestApp::action(), wayin_sample::generate_evidence())
        .await
        .unwrap();
    app.catch_up().await;
    let members = Members {
        steward: app.steward().await,
        funder: app
            .create_member("funder", Role::Funder, Some(DEMONSTRATION_FUNDER))
            .await,
        dashboard: app.create_member("dashboard", Role::Dashboard, None).await,
    };
    app.catch_up().await;
    let mut wrong = String::new();
    for (file, text) in [("README.md", README), ("docs/patterns.md", PATTERNS)] {
        let questions = list_questions(text);
        assert!(!questions.is_empty(), "{file} has questions");
        for question in questions {
            for problem in check_answer(&members, &question).await {
                writeln!(wrong, "{file}: {}\n{problem}\n", question.query).unwrap();
            }
        }
    }
    let mut sentences = list_sentences(&members).await;
    sentences.extend(list_class_rows(&app).await);
    for (file, text, sentence) in sentences {
        if !join_lines(text).contains(&sentence) {
            writeln!(wrong, "{file} does not say: {sentence}\n").unwrap();
        }
    }
    check_prefix_in_clients(&members).await;
    check_unknown_reasons(&members).await;
    assert!(wrong.is_empty(), "{wrong}");
}

/// A question in a document, with what the document says of its answer.
#[derive(Default)]
struct Question {
    query: String,
    /// The quoted summary.
    summary: Option<String>,
    /// The quoted part of the data.
    data: Option<Value>,
}

/// The `graphql` blocks of a document, with the quotations and `json` blocks that directly follow them.
fn list_questions(text: &str) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    let mut lines = text.lines();
    let mut is_answer_next = false;
    while let Some(line) = lines.next() {
        if line == "```graphql" {
            questions.push(Question {
                query: take_block(&mut lines),
                ..Question::default()
            });
            is_answer_next = true;
        } else if let Some(question) = questions.last_mut().filter(|_| is_answer_next) {
            if let Some(quoted) = line.strip_prefix("> ") {
                let summary = question.summary.get_or_insert_default();
                if !summary.is_empty() {
                    summary.push(' ');
                }
                summary.push_str(quoted);
            } else if line == "```json" {
                let block = take_block(&mut lines);
                let data = serde_json::from_str(&block);
                question.data = Some(data.unwrap_or_else(|error| panic!("{error} in\n{block}")));
            } else {
                is_answer_next = line.is_empty();
            }
        }
    }
    questions
}

/// The lines up to the end of a block of code.
fn take_block<'a>(lines: &mut impl Iterator<Item = &'a str>) -> String {
    lines
        .take_while(|line| *line != "```")
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a document says wrongly of the answer to a question.
async fn check_answer(members: &Members<'_>, question: &Question) -> Vec<String> {
    let client = match question.query.lines().next() {
        Some("# As a funder.") => &members.funder,
        Some("# As a dashboard.") => &members.dashboard,
        Some(line) if line.starts_with('#') => panic!("no such member: {line}"),
        _ => &members.steward,
    };
    let data = client.query(&question.query).await;
    let mut problems = Vec::new();
    if let Some(quoted) = &question.summary {
        let answers = data.as_object().into_iter().flat_map(|fields| fields.values());
        let summary: String = answers.map(|answer| join_summary(&answer["summary"])).collect();
        if *quoted != summary {
            problems.push(format!("the summary is {summary}"));
        }
    }
    if let Some(shown) = &question.data {
        problems.extend(compare_values("data", shown, &data));
    }
    problems
}

/// The whole text of a summary, or the parts of it that were selected.
fn join_summary(summary: &Value) -> String {
    if let Some(text) = summary["text"].as_str() {
        return text.to_owned();
    }
    let parts = ["headline", "certainty", "unknowns", "where", "cautions"];
    let selected = parts.iter().filter_map(|part| summary[*part].as_str());
    selected.collect::<Vec<_>>().join(" ")
}

/// The differences between a shown part of an answer and the answer. `path` is where the part is.
fn compare_values(path: &str, shown: &Value, actual: &Value) -> Vec<String> {
    match (shown, actual) {
        (Value::Object(fields), Value::Object(_)) => fields
            .iter()
            .flat_map(|(name, shown)| compare_values(&format!("{path}.{name}"), shown, &actual[name]))
            .collect(),
        (Value::Array(shown), Value::Array(actual)) if shown.len() == actual.len() => (0..)
            .zip(shown.iter().zip(actual))
            .flat_map(|(index, (shown, actual)): (usize, _)| {
                compare_values(&format!("{path}[{index}]"), shown, actual)
            })
            .collect(),
        (Value::Number(number), Value::Number(exact)) if number.is_f64() => {
            let (number, exact) = (number.as_f64().unwrap(), exact.as_f64().unwrap());
            let rounded = round_like(number, exact);
            let is_same = (rounded - number).abs() <= f64::EPSILON * number.abs();
            (!is_same)
                .then(|| format!("{path} is {exact}, not {number}"))
                .into_iter()
                .collect()
        }
        _ if shown == actual => Vec::new(),
        _ => vec![format!("{path} is {actual}, not {shown}")],
    }
}

/// Rounds a number to as many decimals as another one has.
fn round_like(model: f64, exact: f64) -> f64 {
    let decimals = model
        .to_string()
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    format!("{exact:.decimals$}").parse().unwrap()
}

/// The text of a document with single spaces instead of line breaks.
fn join_lines(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// A share as a number of 100, rounded.
fn per_hundred(share: &Value) -> String {
    format!("{:.0}", share.as_f64().unwrap() * 100.0)
}

/// The name and the text of a document, and a sentence or a table row that it has.
type Sentence = (&'static str, &'static str, String);

/// The sentences and table rows with figures of answers.
async fn list_sentences(members: &Members<'_>) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = Vec::new();
    let mut add = |(file, text), sentence| sentences.push((file, text, sentence));
    let (readme, patterns, disclosure) = (
        ("README.md", README),
        ("docs/patterns.md", PATTERNS),
        ("docs/disclosure.md", DISCLOSURE),
    );
    let rates = "rateWhen { value } rateOtherwise { value } riskDifference { value }";
    let selection = format!("table {{ both whenOnly thenOnly neither }} {rates}");
    let answer = ask_first_question(&members.steward, "", &selection).await;
    let [when, otherwise, difference] =
        ["rateWhen", "rateOtherwise", "riskDifference"].map(|name| per_hundred(&answer[name]["value"]));
    add(
        readme,
        format!("{when} in 100 with short funding, {otherwise} in 100 without: {difference} in 100 more."),
    );
    let [both, when_only, then_only, neither] =
        ["both", "whenOnly", "thenOnly", "neither"].map(|name| answer["table"][name].as_u64().unwrap());
    add(
        patterns,
        format!(
            "| `both` {both} | `whenOnly` {when_only} | {} |",
            both + when_only
        ),
    );
    add(
        patterns,
        format!(
            "| `thenOnly` {then_only} | `neither` {neither} | {} |",
            then_only + neither
        ),
    );
    add(patterns, describe_moves(members).await);
    add(patterns, describe_north_west(members).await);

    for client in [&members.funder, &members.dashboard] {
        let answer = ask_first_question(client, "", rates).await;
        let shares = ["rateWhen", "rateOtherwise"].map(|name| per_hundred(&answer[name]["value"]));
        assert_eq!(
            shares,
            [when.clone(), otherwise.clone()],
            "docs/disclosure.md says so"
        );
    }
    add(
        disclosure,
        format!("{when} in 100 against {otherwise} in 100 for stewards"),
    );
    let arguments = "by: REGION";
    let selection = "groups(last: 1) { nodes { table { population } } }";
    let mut not_known = Vec::new();
    for client in [&members.dashboard, &members.steward] {
        let answer = ask_first_question(client, arguments, selection).await;
        not_known.push(answer["groups"]["nodes"][0]["table"]["population"].clone());
    }
    add(
        disclosure,
        format!(
            "{} of about 2,000 initiatives are in \"Not known\", of which {} say no region.",
            not_known[0], not_known[1]
        ),
    );
    sentences
}

/// The beginnings of the table rows about the classes of the demonstration: how many records they count, and how many they
/// are.
async fn list_class_rows(app: &TestApp) -> Vec<Sentence> {
    let classes = disclosure_class::Entity::find().all(&app.app.db).await.unwrap();
    let mut rows = Vec::new();
    for (audience, name) in [
        (Audience::Dashboards, "dashboards"),
        (Audience::Members, "members"),
    ] {
        let of_audience = classes.iter().filter(|class| class.audience == audience);
        let records: usize = of_audience
            .clone()
            .map(|class| class.members.len() / MEMBER_BYTES)
            .sum();
        let row = format!("| demonstration | {name} | {records} | {} |", of_audience.count());
        rows.push(("docs/disclosure.md", DISCLOSURE, row));
    }
    rows
}

/// How practitioners' moves from collaboration are described.
async fn describe_moves(members: &Members<'_>) -> String {
    let query = "{ entryPointFlows { flows { perspective from to count } } }";
    let answer = members.steward.query(query).await;
    let flows = answer["entryPointFlows"]["flows"].as_array().unwrap();
    let count = |to: &Value| {
        let is_move = |flow: &&Value| {
            flow["perspective"] == "PRACTITIONER" && flow["from"] == "COLLABORATION" && flow["to"] == *to
        };
        flows.iter().find(is_move).unwrap()["count"].clone()
    };
    format!(
        "{} that started from collaboration went on to complexity, and {} stayed",
        count(&"COMPLEXITY".into()),
        count(&Value::Null)
    )
}

/// How a cell of the grid of regions and steps is described.
async fn describe_north_west(members: &Members<'_>) -> String {
    let query = "{ patternGrid(rows: REGION, columns: CHALLENGE_AMBITIONS) {
        rows { label } columns { key } cells { row column count expected residual } } }";
    let answer = members.steward.query(query).await;
    let grid = &answer["patternGrid"];
    let find = |headings: &Value, field: &str, value: &str| {
        let headings = headings.as_array().unwrap();
        headings
            .iter()
            .position(|heading| heading[field] == value)
            .unwrap()
    };
    let row = find(&grid["rows"], "label", "North West");
    let column = find(&grid["columns"], "key", "SKIPPED");
    let cells = grid["cells"].as_array().unwrap();
    let cell = cells
        .iter()
        .find(|cell| cell["row"] == row && cell["column"] == column);
    let cell = cell.unwrap();
    format!(
        "In the North West, {} skipped where {:.1} were expected, residual {:.1}",
        cell["count"],
        cell["expected"].as_f64().unwrap(),
        cell["residual"].as_f64().unwrap()
    )
}

/// The guide for clients quotes the beginning of the summary that its dashboard gets.
async fn check_prefix_in_clients(members: &Members<'_>) {
    let quoted: Vec<&str> = CLIENTS
        .lines()
        .skip_while(|line| !line.starts_with("> They go together"))
        .map_while(|line| line.strip_prefix("> "))
        .collect();
    let quoted = quoted.join(" ");
    let start = quoted.strip_suffix(" [...]").unwrap();
    let answer = ask_first_question(&members.dashboard, "", "summary { text }").await;
    let summary = answer["summary"]["text"].as_str().unwrap();
    assert!(
        summary.starts_with(start),
        "docs/clients.md quotes {start}, not {summary}"
    );
}

/// Every unknown initiative counts under a reason or under none.
async fn check_unknown_reasons(members: &Members<'_>) {
    let selection = "table { unknown } unknownReasons { count }";
    let answer = ask_first_question(&members.steward, "", selection).await;
    let reasons = answer["unknownReasons"].as_array().unwrap();
    let counts: Vec<u64> = reasons
        .iter()
        .map(|reason| reason["count"].as_u64().unwrap())
        .collect();
    assert_eq!(counts.len(), 5, "{counts:?}");
    assert!(
        counts.iter().sum::<u64>() >= answer["table"]["unknown"].as_u64().unwrap(),
        "{counts:?}"
    );
}
