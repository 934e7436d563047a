//! Attacks on disclosure control. Each test documents what the attacker does and when the attack succeeds. Each
//! attack must find every secret in exact answers and must fail against controlled answers.

use rand::Rng;
use rand::seq::IteratorRandom;
use serde_json::{Value, json};

use super::fixture::{
    AttackScore, EMPTY_PLACE, FUNDER_COUNT, LARGE_PLACE_COUNTS, LONE_PLACES, OPEN_PLACES, REGIONS,
    RecordGenerator, SEED, SMALL_PLACE_COUNTS, STEPS, all_of, any_of, assert_attack_fails, create_clients,
    funder_identifier, large_place, lone_place, not_filter, open_place, place_is, place_within,
    query_populations, query_tables, region_of, small_place, start_with_records,
};
use crate::support::app::Client;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    differencing_two_populations_does_not_reveal_a_record,
    paraphrased_queries_have_the_same_answer,
    padding_with_visible_records_does_not_reveal_small_counts,
    adding_visible_records_does_not_reveal_hidden_counts,
    subtracting_visible_counts_does_not_reveal_hidden_counts,
    total_minus_complement_does_not_reveal_the_rest,
    lists_count_only_visible_records,
    nested_groups_do_not_reveal_a_single_initiative,
    grid_margins_do_not_reveal_cells,
    single_publication_does_not_change_controlled_answers,
    known_fields_do_not_reveal_whether_a_record_is_there,
];

/// A pattern that counts the steps of defining ambitions: SKIPPED is `both`, TAKEN is `thenOnly` and an unknown
/// step is `unknown`.
pub fn step_pattern_arguments(among: &str) -> String {
    format!(
        "when: {{challenge: {{on: DEFINING_AMBITIONS, step: {{in: [SKIPPED]}}}}}}, then: {{}}, among: {among}"
    )
}

/// The counts from [`step_pattern_arguments`], in the order of [`STEPS`].
fn step_counts(table: &Value) -> [Option<i64>; 3] {
    ["both", "thenOnly", "unknown"].map(|count| table[count].as_i64())
}

/// Two populations differ by one record. Returns the step of that record if one count differs alone.
pub fn find_differing_step(without: &Value, with: &Value) -> Option<usize> {
    let (without, with) = (step_counts(without), step_counts(with));
    let differ: Vec<usize> = (0..3).filter(|step| without[*step] != with[*step]).collect();
    differ.first().copied().filter(|_| differ.len() == 1)
}

/// The step of defining ambitions in the only record of each lone place.
pub async fn find_lone_steps(steward: &Client<'_>) -> Vec<usize> {
    let asked: Vec<String> = (0..LONE_PLACES)
        .map(|at| step_pattern_arguments(&place_is(&lone_place(at))))
        .collect();
    let output = query_tables(steward, &asked).await;
    output
        .iter()
        .map(|table| {
            let found = step_counts(table).iter().position(|count| *count == Some(1));
            found.expect("there is one record in each lone place")
        })
        .collect()
}

/// A filter on records that are funded by any of a random half of the funders.
pub fn random_funder_filter(chance: &mut RecordGenerator) -> String {
    let names: Vec<String> = (0..FUNDER_COUNT)
        .choose_multiple(&mut chance.0, FUNDER_COUNT / 2)
        .into_iter()
        .map(|at| format!("\"{}\"", funder_identifier(at)))
        .collect();
    format!(
        "{{fundingTerms: {{some: {{funder: {{identifier: {{in: [{}]}}}}}}}}}}",
        names.join(", ")
    )
}

/// Two populations for each lone place: the records that some funders pay for, without and with the place's
/// only initiative. Each place has its own random set of funders, so the pairs are independent of each other.
pub fn random_pairs_around_lone(chance: &mut RecordGenerator) -> Vec<String> {
    (0..LONE_PLACES)
        .flat_map(|at| {
            let (funded, place) = (random_funder_filter(chance), place_is(&lone_place(at)));
            let without = all_of(&[funded.clone(), not_filter(&place)]);
            [
                step_pattern_arguments(&without),
                step_pattern_arguments(&any_of(&[funded, place])),
            ]
        })
        .collect()
}

/// The attacker knows that a place has exactly one hidden initiative. The attacker selects the records that
/// some funders pay for, without that place and with it, and counts how many skipped defining their ambitions,
/// took that step, or have no known step. The count that differs reveals the step of that initiative. If no
/// count differs, the attacker guesses the most frequent step.
///
/// The attack succeeds if it finds the step of the initiative in each lone place. It has ten attempts, each
/// with other funders. Under control, the populations differ by the whole class of the initiative, so several
/// counts differ. None may differ alone.
async fn differencing_two_populations_does_not_reveal_a_record(database: Database) {
    const ATTEMPTS: usize = 10;
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let truth = find_lone_steps(&steward).await;
    let mut chance = RecordGenerator::new(SEED + 11);
    let (mut off, mut on, mut sure) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ATTEMPTS {
        let asked = random_pairs_around_lone(&mut chance);
        let exactly = query_tables(&steward, &asked).await;
        let found = exactly
            .chunks_exact(2)
            .map(|pair| find_differing_step(&pair[0], &pair[1]));
        off.extend(found.zip(&truth).map(|(found, truth)| found == Some(*truth)));
        let output = query_tables(&dashboard, &asked).await;
        let rights: Vec<bool> = output
            .chunks_exact(2)
            .zip(&truth)
            .map(|(pair, truth)| {
                let differs = find_differing_step(&pair[0], &pair[1]);
                sure += usize::from(differs.is_some());
                let mut counts: Vec<(Option<i64>, usize)> =
                    step_counts(&pair[1]).into_iter().zip(0..).collect();
                counts.sort_unstable();
                differs.unwrap_or(counts[2].1) == *truth
            })
            .collect();
        assert!(
            rights.contains(&false),
            "one pair for each target reveals every step; seed {SEED}"
        );
        on.extend(rights);
    }
    assert_eq!(
        sure, 0,
        "pairs of populations reveal steps with certainty; seed {SEED}"
    );
    assert_attack_fails(
        "two populations that differ in one",
        AttackScore::from_results(off),
        AttackScore::from_results(on),
        0.8,
    );
}

/// All ways to count the records for which `a`, `b` and `c` are true, as arguments of a pattern whose `both` is
/// that count: in another order, nested, negated twice, by De Morgan's laws, and divided between `when`, `then`
/// and `among`.
fn list_paraphrases(conditions: &[String; 3]) -> Vec<String> {
    const PERMUTATIONS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut found = Vec::new();
    for order in PERMUTATIONS {
        let [a, b, c] = order.map(|at| conditions[at].clone());
        let twice = |condition: &str| not_filter(&not_filter(condition));
        let nested = all_of(&[a.clone(), all_of(&[b.clone(), c.clone()])]);
        let de_morgan = not_filter(&any_of(&[not_filter(&a), not_filter(&b), not_filter(&c)]));
        for among in [
            all_of(&[a.clone(), b.clone(), c.clone()]),
            all_of(&[all_of(&[a.clone(), b.clone()]), c.clone()]),
            nested.clone(),
            twice(&nested),
            all_of(&[twice(&a), b.clone(), c.clone()]),
            all_of(&[twice(&a), twice(&b), twice(&c)]),
            de_morgan.clone(),
            all_of(&[a.clone(), not_filter(&any_of(&[not_filter(&b), not_filter(&c)]))]),
            all_of(&[a.clone(), a.clone(), b.clone(), c.clone()]),
            any_of(&[nested.clone(), de_morgan]),
        ] {
            found.push(format!("when: {{}}, then: {{}}, among: {among}"));
        }
        for (when, then, among) in [
            (a.clone(), b.clone(), c.clone()),
            (twice(&a), b.clone(), c.clone()),
            (a.clone(), all_of(&[b.clone(), c.clone()]), "{}".into()),
            (nested.clone(), "{}".into(), "{}".into()),
            ("{}".into(), nested.clone(), "{}".into()),
            (nested.clone(), nested.clone(), "{}".into()),
            (
                all_of(&[a.clone(), b.clone()]),
                all_of(&[b.clone(), c.clone()]),
                c.clone(),
            ),
        ] {
            found.push(format!("when: {when}, then: {then}, among: {among}"));
        }
    }
    found
}

/// The attacker asks one question in 102 ways, subtracts the visible count from each answer, and averages the
/// rest. The average would remove noise that is drawn for each query.
///
/// The attack succeeds if the rounded average is the exact hidden count of each of a dozen questions. Under
/// control, all the answers must be equal.
async fn paraphrased_queries_have_the_same_answer(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let mut off = Vec::new();
    let mut on = Vec::new();
    for region in REGIONS {
        for step in ["SKIPPED", "TAKEN"] {
            for change in ["ALTERED", "PARTLY", "UNCHANGED"] {
                let ways = list_paraphrases(&[
                    place_within(region),
                    format!("{{challenge: {{on: DEFINING_AMBITIONS, step: {{in: [{step}]}}}}}}"),
                    format!("{{condition: {{on: GOVERNANCE, change: {{eq: {change}}}}}}}"),
                ]);
                assert!(ways.len() >= 100, "there are {} ways", ways.len());
                let both = |output: Vec<Value>| -> Vec<Option<i64>> {
                    output.iter().map(|table| table["both"].as_i64()).collect()
                };
                let readable =
                    both(query_tables(&dashboard, &[format!("{}, scope: VISIBLE", ways[0])]).await)[0]
                        .expect("visible records are counted exactly");
                let mean = |answers: &[Option<i64>]| {
                    let sum: i64 = answers
                        .iter()
                        .map(|answer| answer.unwrap_or(readable) - readable)
                        .sum();
                    sum as f64 / answers.len() as f64
                };
                let exactly = both(query_tables(&steward, &ways).await);
                let truth = exactly[0].expect("a steward's count is not suppressed") - readable;
                let controlled = both(query_tables(&dashboard, &ways).await);
                assert!(
                    controlled.iter().all(|answer| *answer == controlled[0]),
                    "one question has several answers, {controlled:?}: {ways:?}; seed {SEED}"
                );
                let is_right = |answers: &[Option<i64>]| (mean(answers).round() - truth as f64).abs() < 0.5;
                off.push(is_right(&exactly));
                on.push(is_right(&controlled));
            }
        }
    }
    // A protected count equals the exact count by chance in about a quarter of the cases.
    assert_attack_fails(
        "a hundred paraphrases",
        AttackScore::from_results(off),
        AttackScore::from_results(on),
        0.65,
    );
}

/// All sets of two, three or five open places, which have no hidden records.
fn list_paddings() -> Vec<Vec<String>> {
    (1_u32..1 << OPEN_PLACES)
        .filter(|set| [2, 3, 5].contains(&set.count_ones()))
        .map(|set| {
            (0..OPEN_PLACES)
                .filter(|at| set >> at & 1 == 1)
                .map(open_place)
                .map(|code| place_is(&code))
                .collect()
        })
        .collect()
}

/// The attacker counts a place together with fully visible places, then subtracts those. Without protection,
/// large counts would disclose small ones, and noise that depended on all the records would average away over
/// the many paddings.
///
/// The attack succeeds if the average over all paddings is the exact hidden count of each place. Under control,
/// the result must be the same with every padding: nothing if the place is suppressed alone, and one protected
/// count if it is not.
async fn padding_with_visible_records_does_not_reveal_small_counts(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let paddings = list_paddings();
    assert!(paddings.len() > 100, "there are {} paddings", paddings.len());
    let places: Vec<(String, usize)> = (0..SMALL_PLACE_COUNTS.len())
        .map(|at| (small_place(at), SMALL_PLACE_COUNTS[at]))
        .chain((0..3).map(|at| (large_place(at), LARGE_PLACE_COUNTS[at])))
        .collect();
    let (mut off, mut on) = (Vec::new(), Vec::new());
    for (place, hidden) in &places {
        let among: Vec<String> = paddings
            .iter()
            .map(|padding| any_of(&[padding.clone(), vec![place_is(place)]].concat()))
            .collect();
        let readable = query_populations(&dashboard, &among, "VISIBLE").await;
        let mut rests = Vec::new();
        for client in [&steward, &dashboard] {
            let output = query_populations(client, &among, "ALL").await;
            let rest: Vec<Option<i64>> = output
                .iter()
                .zip(&readable)
                .map(|(output, readable)| Some((*output)? - readable.expect("it is exact")))
                .collect();
            rests.push(rest);
        }
        let is_right = |rest: &[Option<i64>]| {
            let mean = rest.iter().flatten().sum::<i64>() as f64 / rest.len() as f64;
            (mean.round() - *hidden as f64).abs() < 0.5
        };
        assert!(
            rests[1].iter().all(|rest| *rest == rests[1][0]),
            "the count of the {hidden} hidden records of {place} depends on the padding: {:?}; seed {SEED}",
            rests[1]
        );
        if *hidden < 10 {
            assert!(
                rests[1][0].is_none_or(|rest| rest >= 10 && rest % 5 == 0),
                "{:?} of {hidden} in {place}; seed {SEED}",
                rests[1][0]
            );
        }
        off.push(is_right(&rests[0]));
        on.push(is_right(&rests[1]));
    }
    assert_attack_fails(
        "padding with readable records",
        AttackScore::from_results(off),
        AttackScore::from_results(on),
        0.3,
    );
}

/// The attacker publishes open records in places that have a few hidden ones, one at a time, and watches when
/// the answer appears. If a total below 10 is suppressed, the tenth record reveals how many there were.
///
/// Without control, a total is exact, and the attacker applies the suppression below 10. The attack succeeds if
/// it reveals the hidden count of every small place. Under control, the answer must stay suppressed, or each new record must
/// increase it by exactly one.
async fn adding_visible_records_does_not_reveal_hidden_counts(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let mut chance = RecordGenerator::new(SEED + 1);
    let among: Vec<String> = (0..SMALL_PLACE_COUNTS.len())
        .map(|at| place_is(&small_place(at)))
        .collect();
    let mut found_by_threshold = vec![None; SMALL_PLACE_COUNTS.len()];
    // The difference for each place before any record was added; none if the count is suppressed.
    let mut first_rests: Option<Vec<Option<i64>>> = None;
    for step in 0..12 {
        let readable = query_populations(&dashboard, &among, "VISIBLE").await;
        let exact = query_populations(&steward, &among, "ALL").await;
        let controlled = query_populations(&dashboard, &among, "ALL").await;
        let mut rests = Vec::new();
        for at in 0..SMALL_PLACE_COUNTS.len() {
            let readable = readable[at].expect("visible records are counted exactly");
            if exact[at].expect("a steward's count is not suppressed") >= 10
                && found_by_threshold[at].is_none()
            {
                found_by_threshold[at] = Some(10 - readable);
            }
            rests.push(controlled[at].map(|controlled| controlled - readable));
        }
        assert!(
            rests.iter().flatten().all(|rest| *rest >= 10),
            "a count leaves out hidden records, or shows few: {rests:?}; seed {SEED}"
        );
        let first = first_rests.get_or_insert_with(|| rests.clone());
        assert_eq!(
            *first, rests,
            "after {step} more records, the count changed by something else; seed {SEED}"
        );
        let records: Vec<Value> = (0..SMALL_PLACE_COUNTS.len())
            .map(|at| {
                let record = chance.open_record(&format!("added-{at}-{step}"), &small_place(at));
                record.led_by("GB-CHC-1").build()
            })
            .collect();
        app.publish(&records).await;
    }
    let truths = SMALL_PLACE_COUNTS.map(|truth| i64::try_from(truth).ok());
    assert_eq!(found_by_threshold, truths, "the attack succeeds without control");
}

/// The labelled counts of a grid's cells, rows and columns.
struct GridCounts {
    columns: Vec<(String, Option<i64>)>,
    rows: Vec<(String, Option<i64>)>,
    cells: Vec<Option<i64>>,
}

async fn query_grid(client: &Client<'_>, arguments: &str) -> GridCounts {
    let grid = format!(
        "{{ patternGrid({arguments}) {{ rows {{ label count }} columns {{ label count }} cells {{ count }} }} }}"
    );
    let mut output = client.query(&grid).await;
    let output = output["patternGrid"].take();
    let list = |name: &str| output[name].as_array().expect("it is a list").clone();
    let headings = |name: &str| -> Vec<(String, Option<i64>)> {
        list(name)
            .iter()
            .map(|heading| {
                let label = heading["label"].as_str().expect("a heading has a label");
                (label.to_owned(), heading["count"].as_i64())
            })
            .collect()
    };
    GridCounts {
        rows: headings("rows"),
        columns: headings("columns"),
        cells: list("cells").iter().map(|cell| cell["count"].as_i64()).collect(),
    }
}

/// The attacker queries a grid of places and steps with scope ALL and with scope VISIBLE, and subtracts cell by
/// cell.
///
/// The attack succeeds if the difference is the exact hidden count of every cell that has hidden records. Under
/// control, the difference must be nothing, or a multiple of 5 that is at least 10.
async fn subtracting_visible_counts_does_not_reveal_hidden_counts(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let arguments = "rows: PLACE, columns: CHALLENGE_AMBITIONS";
    let exact = query_grid(&steward, arguments).await;
    let readable = query_grid(&dashboard, &format!("{arguments}, scope: VISIBLE")).await;
    let controlled = query_grid(&dashboard, arguments).await;
    let (mut off, mut on) = (Vec::new(), Vec::new());
    let counts = |grid: &GridCounts| -> Vec<Option<i64>> {
        let headings = grid.rows.iter().chain(&grid.columns).map(|(_, count)| *count);
        headings.chain(grid.cells.iter().copied()).collect()
    };
    let (exact, readable, controlled) = (counts(&exact), counts(&readable), counts(&controlled));
    let mut shown = 0;
    for ((exact, readable), controlled) in exact.iter().zip(&readable).zip(&controlled) {
        let readable = readable.expect("visible records are counted exactly");
        let exact = exact.expect("a steward's count is not suppressed");
        let hidden = exact - readable;
        let left = controlled.map_or(0, |count| count - readable);
        assert!(
            controlled.is_none() || (left >= 10 && left % 5 == 0),
            "{left} remain of {controlled:?} after subtracting {readable}; seed {SEED}"
        );
        if hidden > 0 {
            off.push(exact - readable == hidden);
            on.push(left == hidden);
            shown += u32::from(left > 0);
        }
    }
    assert!(shown >= 3, "only {shown} cells are disclosed; seed {SEED}");
    assert_attack_fails(
        "VISIBLE taken from ALL",
        AttackScore::from_results(off),
        AttackScore::from_results(on),
        0.15,
    );
}

/// The attacker counts a region with and without one small place, whose own count is suppressed. The attacker
/// also uses one pattern that counts all records and those outside the place. The difference is the count of
/// the place.
///
/// The attack succeeds if the difference is the exact hidden count of every small place, in both ways.
async fn total_minus_complement_does_not_reveal_the_rest(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let mut asked = Vec::new();
    for at in 0..SMALL_PLACE_COUNTS.len() {
        let (total, place) = (place_within(region_of(at)), place_is(&small_place(at)));
        let complement = all_of(&[total.clone(), not_filter(&place)]);
        asked.push(format!("when: {{}}, then: {{}}, among: {total}"));
        asked.push(format!("when: {{}}, then: {{}}, among: {complement}"));
        asked.push(format!("when: {place}, then: {{}}, among: {total}"));
    }
    let readable_among: Vec<String> = (0..SMALL_PLACE_COUNTS.len())
        .map(|at| place_is(&small_place(at)))
        .collect();
    let readable = query_populations(&dashboard, &readable_among, "VISIBLE").await;
    let mut scores = Vec::new();
    for client in [&steward, &dashboard] {
        let output = query_tables(client, &asked).await;
        let mut rights = Vec::new();
        for (at, output) in output.chunks_exact(3).enumerate() {
            let count = |table: &Value, name: &str| table[name].as_i64().unwrap_or(0);
            let readable = readable[at].expect("visible records are counted exactly");
            let by_two = count(&output[0], "population") - count(&output[1], "population");
            let by_one = count(&output[2], "population") - count(&output[2], "thenOnly");
            for left in [by_two, by_one] {
                rights.push(left - readable == i64::try_from(SMALL_PLACE_COUNTS[at]).expect("it is small"));
            }
        }
        scores.push(AttackScore::from_results(rights));
    }
    assert_attack_fails("complement and total", scores[0], scores[1], 0.2);
}

/// The attacker reads `totalCount` of lists and connections, and subtracts the visible records.
///
/// The attack succeeds if the difference is the exact hidden count of every place, in each way. For a dashboard
/// the difference must be zero.
async fn lists_count_only_visible_records(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let places: Vec<(String, usize)> = (0..SMALL_PLACE_COUNTS.len())
        .map(|at| (small_place(at), SMALL_PLACE_COUNTS[at]))
        .chain((0..LARGE_PLACE_COUNTS.len()).map(|at| (large_place(at), LARGE_PLACE_COUNTS[at])))
        .collect();
    let among: Vec<String> = places.iter().map(|(place, _)| place_is(place)).collect();
    let readable = query_populations(&dashboard, &among, "VISIBLE").await;
    let mut scores = Vec::new();
    for client in [&steward, &dashboard] {
        let mut rights = Vec::new();
        for ((place, hidden), readable) in places.iter().zip(&readable) {
            let readable = readable.expect("visible records are counted exactly");
            let output = client
                .query(&format!(
                    "{{ initiatives(filter: {}, first: 1) {{ totalCount nodes {{ id }} }}
                        place(code: \"{place}\") {{ initiatives(last: 1) {{ totalCount edges {{ cursor }} }} }} }}",
                    place_is(place)
                ))
                .await;
            for counted in [&output["initiatives"], &output["place"]["initiatives"]] {
                let left = counted["totalCount"].as_i64().expect("it is counted") - readable;
                rights.push(left == i64::try_from(*hidden).expect("they are few"));
            }
        }
        scores.push(AttackScore::from_results(rights));
    }
    assert_attack_fails("totalCount", scores[0], scores[1], 0.0);
    let known = "{ organisations { totalCount } initiatives { totalCount } }";
    let output = dashboard.query(known).await;
    let readable = query_populations(&dashboard, &["{}".into()], "VISIBLE").await[0];
    assert_eq!(output["initiatives"]["totalCount"].as_i64(), readable);
    app.publish(&{
        let mut chance = RecordGenerator::new(SEED + 2);
        let hidden = |at: usize| {
            let record = chance.hidden_record(&format!("more-{at}"), &large_place(0));
            record.led_by(&format!("GB-CHC-{}", 2_000 + at)).build()
        };
        (0..20).map(hidden).collect::<Vec<_>>()
    })
    .await;
    assert_eq!(
        dashboard.query(known).await,
        output,
        "twenty hidden records of twenty new organisations change no count of a list"
    );
}

/// The attacker nests groups: the initiatives of one place, by their step of defining ambitions. If a place has
/// one initiative, one group contains exactly that one.
///
/// The attack succeeds if it finds the step of the initiative in each lone place. Under control, the answer for
/// such a place must be the same as for an empty place.
async fn nested_groups_do_not_reveal_a_single_initiative(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let truth = find_lone_steps(&steward).await;
    let groups = async |client: &Client<'_>, place: &str| -> Value {
        let query = format!(
            "{{ pattern(when: {{}}, then: {{}}, among: {}, by: CHALLENGE_AMBITIONS) {{ table {{ population }}
                groups {{ totalCount nodes {{ key table {{ population both unknown }} suppressed {{ count rule }} }} }} }} }}",
            place_is(place)
        );
        client.query(&query).await["pattern"].take()
    };
    let step = |output: &Value| -> Option<usize> {
        let nodes = output["groups"]["nodes"].as_array().expect("it is a list");
        let one = nodes.iter().find(|node| node["table"]["population"] == 1)?;
        STEPS
            .iter()
            .position(|step| step.map_or(Value::Null, Value::from) == one["key"])
    };
    let of_none = groups(&dashboard, EMPTY_PLACE).await;
    let (mut off, mut on) = (Vec::new(), Vec::new());
    for (at, truth) in truth.into_iter().enumerate() {
        off.push(step(&groups(&steward, &lone_place(at)).await) == Some(truth));
        let controlled = groups(&dashboard, &lone_place(at)).await;
        assert_eq!(
            controlled, of_none,
            "the answers differ for a place with one hidden initiative and an empty place; seed {SEED}"
        );
        on.push(step(&controlled) == Some(truth));
    }
    assert_attack_fails(
        "groups of groups",
        AttackScore::from_results(off),
        AttackScore::from_results(on),
        0.0,
    );
}

/// The attacker subtracts the other cells of a grid's row from the row total, and those of a column from the
/// column total. The attacker counts suppressed cells as zero.
///
/// The attack succeeds if the difference is the exact hidden count of every cell in the rows of the large
/// places.
async fn grid_margins_do_not_reveal_cells(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let arguments = "rows: PLACE, columns: CHALLENGE_AMBITIONS";
    let exact = query_grid(&steward, arguments).await;
    let readable = query_grid(&dashboard, &format!("{arguments}, scope: VISIBLE")).await;
    let controlled = query_grid(&dashboard, arguments).await;
    let width = exact.columns.len();
    let left = |grid: &GridCounts, row: usize, column: usize| -> [i64; 2] {
        let others_of_row = (0..width)
            .filter(|other| *other != column)
            .map(|other| row * width + other);
        let others_of_column = (0..grid.rows.len())
            .filter(|other| *other != row)
            .map(|other| other * width + column);
        let sum = |cells: &mut dyn Iterator<Item = usize>| -> i64 {
            cells.map(|cell| grid.cells[cell].unwrap_or(0)).sum()
        };
        [
            grid.rows[row].1.unwrap_or(0) - sum(&mut { others_of_row }),
            grid.columns[column].1.unwrap_or(0) - sum(&mut { others_of_column }),
        ]
    };
    let mut scores = Vec::new();
    for grid in [&exact, &controlled] {
        let mut rights = Vec::new();
        for row in (0..grid.rows.len()).filter(|row| exact.rows[*row].0.starts_with("Large")) {
            for column in 0..width {
                let at = row * width + column;
                let readable = readable.cells[at].expect("visible records are counted exactly");
                let hidden = exact.cells[at].expect("a steward's count is not suppressed") - readable;
                if hidden > 0 {
                    rights.extend(left(grid, row, column).map(|left| left - readable == hidden));
                }
            }
        }
        scores.push(AttackScore::from_results(rights));
    }
    assert_attack_fails("grid margins", scores[0], scores[1], 0.2);
}

/// The dashboard's answers to several queries, without the number of the last change that was read.
async fn query_visible_answers(client: &Client<'_>) -> Value {
    let query = format!(
        "{{ pattern({}, by: REGION) {{ summary {{ text }} table {{ population both thenOnly unknown }} cautions {{ code text }}
              oddsRatio {{ value lower upper }} disclosure {{ suppressed {{ count rule }} hiddenAsOf {{ changeNumber changedAt }} }}
              groups(orderBy: {{field: POPULATION}}) {{ totalCount nodes {{ label table {{ population both thenOnly unknown }} }} }} }}
            patternGrid(rows: PLACE, columns: CHALLENGE_AMBITIONS) {{ population cells {{ count expected residual suppressed }} }}
            associations(conditions: [{{name: \"a\", condition: {{wayIn: {{in: [COLLABORATION]}}}}}}, {{name: \"b\", condition: {{condition: {{on: GOVERNANCE, change: {{eq: ALTERED}}}}}}}}])
              {{ pairs {{ table {{ population both whenOnly thenOnly neither unknown }} }} }}
            entryPointFlows {{ flows {{ count illustrative }} }}
            distribution(of: FUNDER) {{ bins {{ label count illustrative }} }}
            initiatives {{ totalCount }} organisations {{ totalCount }} }}",
        step_pattern_arguments("{}")
    );
    client.query(&query).await
}

/// The attacker queries before and after each publication. The difference is the published record. If there is
/// none, the attacker guesses the most frequent step.
///
/// The attack succeeds if it finds the step of each of nine hidden records that are published one by one. Under
/// control, no answer may change for the first nine. With the tenth record, when at least five organisations
/// are involved, the answers change by all ten at once.
async fn single_publication_does_not_change_controlled_answers(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let mut chance = RecordGenerator::new(SEED + 3);
    let before = query_visible_answers(&dashboard).await;
    let readable_before = query_populations(&dashboard, &["{}".into()], "VISIBLE").await;
    let nation = [step_pattern_arguments("{}")];
    let mut exactly = query_tables(&steward, &nation).await.remove(0);
    let (mut off, mut on) = (Vec::new(), Vec::new());
    let common = {
        let table = query_tables(&dashboard, &nation).await.remove(0);
        let mut counts: Vec<(Option<i64>, usize)> = step_counts(&table).into_iter().zip(0..).collect();
        counts.sort_unstable();
        counts[2].1
    };
    for number in 0..12 {
        let step = chance.0.random_range(0..STEPS.len());
        let mut record = chance
            .hidden_record(
                &format!("new-{number}"),
                &large_place(number % LARGE_PLACE_COUNTS.len()),
            )
            .led_by(&format!("GB-CHC-{}", 100 + number % 6))
            .with("fundingTerms", json!([]));
        record = record.with(
            "challengesFaced",
            STEPS[step]
                .map(|step| json!({"challenge": "DEFINING_AMBITIONS", "step": step}))
                .into_iter()
                .collect::<Vec<_>>(),
        );
        app.publish(&[record.build()]).await;
        let now = query_tables(&steward, &nation).await.remove(0);
        let found = find_differing_step(&exactly, &now);
        assert_eq!(found, Some(step), "the steward sees each publication at once");
        exactly = now;
        let after = query_visible_answers(&dashboard).await;
        if number < 11 {
            assert_eq!(
                after,
                before,
                "after {} hidden publications; seed {SEED}",
                number + 1
            );
            off.push(found == Some(step));
            on.push(common == step);
        } else {
            let output =
                "ten hidden publications, without those that one organisation knows, complete a batch";
            assert!(after != before, "{output}");
        }
    }
    assert_eq!(
        query_populations(&dashboard, &["{}".into()], "VISIBLE").await,
        readable_before
    );
    assert_attack_fails(
        "before and after one publication",
        AttackScore::from_results(off),
        AttackScore::from_results(on),
        0.7,
    );
}

/// The attacker knows the place, the day of the start, the lead organisation, the title and the id of a record, and wants
/// to know whether it is there. Each is asked alone, negated, and together with the place, also for a record that is not
/// there. The attack succeeds if any figure differs.
async fn known_fields_do_not_reveal_whether_a_record_is_there(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    // Of the same region as the empty place.
    let lone: Vec<String> = (0..LONE_PLACES).step_by(2).map(lone_place).collect();
    let list = |code: &str| {
        let filter = place_is(code);
        format!(
            "{{ initiatives(filter: {filter}) {{ nodes {{ id title startedOn leadOrganisation {{ identifier }} }} }} }}"
        )
    };
    let conditions = |place: &str, record: &Value| {
        let of = |field: &str| record[field].as_str().expect("it is a text").to_owned();
        let lead = record["leadOrganisation"]["identifier"]
            .as_str()
            .expect("it has one");
        let place = place_is(place);
        let known = [
            format!("{{startedOn: {{eq: \"{}\"}}}}", of("startedOn")),
            format!("{{leadOrganisation: {{identifier: {{eq: \"{lead}\"}}}}}}"),
            "{fundingTerms: {some: {amountMinor: {isKnown: true}}}}".to_owned(),
            format!("{{title: {{eq: \"{}\"}}}}", of("title")),
            format!("{{id: {{eq: \"{}\"}}}}", of("id")),
        ];
        let mut found = vec![place.clone(), not_filter(&place)];
        // Titles and ids find no record that the dashboard can read.
        found.extend(known[3..].iter().flat_map(|one| [one.clone(), not_filter(one)]));
        for one in &known {
            let both = all_of(&[place.clone(), one.clone()]);
            found.extend([not_filter(&both), both]);
        }
        found.into_iter().map(|among| step_pattern_arguments(&among))
    };
    for place in &lone {
        let record = steward.query(&list(place)).await["initiatives"]["nodes"][0].take();
        let nobody = json!({
            "id": wayin::id::NodeKind::Initiative.encode_id(uuid::Uuid::from_u128(1)),
            "title": "No such title",
            "startedOn": record["startedOn"],
            "leadOrganisation": {"identifier": "GB-CHC-000"},
        });
        let asked: Vec<String> = conditions(place, &record).collect();
        let decoy: Vec<String> = conditions(EMPTY_PLACE, &nobody).collect();
        let found = query_tables(&dashboard, &asked).await;
        let of_decoy = query_tables(&dashboard, &decoy).await;
        for ((asked, found), decoy) in asked.iter().zip(&found).zip(&of_decoy) {
            assert_eq!(found, decoy, "{asked}: tells that {record} is there, seed {SEED}");
        }
        assert!(
            found.iter().any(|table| table["population"].as_i64() > Some(400)),
            "no question has an answer: {found:?}"
        );
        let [exact, exact_of_decoy] = [
            query_tables(&steward, &asked).await,
            query_tables(&steward, &decoy).await,
        ];
        assert_ne!(exact, exact_of_decoy, "{record}");
    }
    let query = "{ distribution(of: PLACE) { bins { label count } } }";
    let bins = dashboard.query(query).await["distribution"]["bins"].take();
    let of_place = |label: &str| {
        let bins = bins.as_array().expect("it is a list");
        let bin = bins.iter().find(|bin| bin["label"] == label);
        bin.expect("each place has a bin")["count"].clone()
    };
    assert_eq!(of_place("Lone place A"), of_place("Empty place"), "{bins}");
}
