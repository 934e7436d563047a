//! Patterns count the same missing reasons as the naive evaluator.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wayin_engine::answer;
use wayin_engine::answer::PatternAnswer;
use wayin_engine::query::PatternQuery;

use super::{
    NaiveCounts, RandomRecords, parse_predicate, published_counts, scale_cases, start_with_random_records,
};
use crate::support::app::TestApp;
use crate::support::oracle::evaluator::{World, as_list};
use crate::support::oracle::random::RandomSource;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![unknown_reasons_are_counted_and_change_nothing_else];

const MISSING_REASONS: [&str; 4] = ["NOT_ASKED", "NO_REPLY", "WITHHELD", "NOT_APPLICABLE"];

impl RandomSource {
    /// Removes most fields of a record and its parts, and adds a missing reason to each.
    fn add_missing_reasons(&mut self, record: &mut Value) {
        let of_record = [
            "place",
            "startedOn",
            "endedOn",
            "ongoing",
            "entryPoints",
            "challengesFaced",
            "conditionsChanged",
            "fundingTerms",
        ];
        self.add_missing_reasons_to(record, &of_record);
        let of_term = [
            "durationMonths",
            "amountMinor",
            "currency",
            "startsOn",
            "upfrontResearch",
            "collaborationResourced",
            "renewable",
            "multiSite",
            "intendedFocus",
            "restriction",
            "reportingFrequency",
            "reportingBasis",
            "deliveryTimeline",
            "endsOn",
        ];
        for (parts, fields) in [
            ("challengesFaced", ["step", "reasons"].as_slice()),
            ("conditionsChanged", &["change"]),
            ("fundingTerms", &of_term),
        ] {
            for part in record
                .get_mut(parts)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                self.add_missing_reasons_to(part, fields);
            }
        }
    }

    fn add_missing_reasons_to(&mut self, part: &mut Value, fields: &[&str]) {
        part.as_object_mut().expect("it is an object").remove("missing");
        for field in fields {
            let is_missing = part[*field].is_null() || part[*field] == json!([]);
            if is_missing && self.number_below(3) > 0 {
                part["missing"][*field] = MISSING_REASONS[self.number_below(MISSING_REASONS.len())].into();
            }
        }
    }
}

fn missing_reason(part: &Value, field: &str) -> Option<String> {
    part["missing"][field].as_str().map(ToOwned::to_owned)
}

impl World {
    /// The missing reasons for which a filter is UNKNOWN for a record.
    fn unknown_reasons(&self, filter: &Value, record: &Value) -> BTreeSet<String> {
        if self.evaluate(filter, record).is_some() {
            return BTreeSet::new();
        }
        let parts = filter.as_object().unwrap().iter();
        parts
            .flat_map(|(field, part)| self.part_unknown_reasons(field, part, record))
            .collect()
    }

    fn part_unknown_reasons(&self, field: &str, part: &Value, record: &Value) -> BTreeSet<String> {
        let alone = json!({field: part});
        if self.evaluate(&alone, record).is_some() {
            return BTreeSet::new();
        }
        let own = |fields: &[&str]| {
            fields
                .iter()
                .filter_map(|field| missing_reason(record, field))
                .collect()
        };
        let of_row = |rows: &str, on: &str, field: &str| {
            let row = as_list(&record[rows]).iter().find(|row| row[on] == part["on"]);
            row.and_then(|row| missing_reason(row, field))
                .or_else(|| missing_reason(record, rows))
        };
        match field {
            "and" | "or" => as_list(part)
                .iter()
                .flat_map(|one| self.unknown_reasons(one, record))
                .collect(),
            "not" => self.unknown_reasons(part, record),
            "startedOn" | "endedOn" | "place" => own(&[field]),
            "activeDuring" if self.crises[part["crisis"].as_str().unwrap()].2.is_empty() => {
                own(&["startedOn", "endedOn", "ongoing"])
            }
            "activeDuring" => own(&["startedOn", "endedOn", "ongoing", "place"]),
            "startedDuring" | "fundedDuring" => {
                let mut reasons: BTreeSet<String> = BTreeSet::new();
                if field == "startedDuring" {
                    reasons.extend(missing_reason(record, "startedOn"));
                } else {
                    reasons.extend(missing_reason(record, "fundingTerms"));
                    let terms = as_list(&record["fundingTerms"]).iter();
                    reasons.extend(terms.filter_map(|term| missing_reason(term, "startsOn")));
                }
                if !self.crises[part["crisis"].as_str().unwrap()].2.is_empty() {
                    reasons.extend(missing_reason(record, "place"));
                }
                reasons
            }
            "wayIn" | "entryPoints" => own(&["entryPoints"]),
            "challenge" => ["step", "reasons"]
                .into_iter()
                .filter(|field| {
                    let Some(wanted) = part.get(field) else {
                        return false;
                    };
                    let alone = json!({"challenge": {"on": part["on"], *field: wanted}});
                    self.evaluate(&alone, record).is_none()
                })
                .filter_map(|field| of_row("challengesFaced", "challenge", field))
                .collect(),
            "condition" => of_row("conditionsChanged", "condition", "change")
                .into_iter()
                .collect(),
            "fundingTerms" => {
                let terms = as_list(&record["fundingTerms"]);
                if terms.is_empty() {
                    return own(&["fundingTerms"]);
                }
                let asked = part.as_object().unwrap().iter();
                asked
                    .filter(|(how, filter)| {
                        self.evaluate(&json!({"fundingTerms": {*how: filter}}), record)
                            .is_none()
                    })
                    .flat_map(|(_, filter)| {
                        terms
                            .iter()
                            .flat_map(|term| self.term_unknown_reasons(filter, term))
                    })
                    .collect()
            }
            // A field of an organisation is not a field of the record, so it has no missing reason.
            _ => BTreeSet::new(),
        }
    }

    fn term_unknown_reasons(&self, filter: &Value, term: &Value) -> BTreeSet<String> {
        if self.evaluate_term(filter, term).is_some() {
            return BTreeSet::new();
        }
        let parts = filter.as_object().unwrap().iter();
        parts
            .filter(|(field, part)| self.evaluate_term(&json!({*field: part}), term).is_none())
            .flat_map(|(field, part)| match field.as_str() {
                "and" | "or" => as_list(part)
                    .iter()
                    .flat_map(|one| self.term_unknown_reasons(one, term))
                    .collect(),
                "not" => self.term_unknown_reasons(part, term),
                "funder" => BTreeSet::new(),
                field => missing_reason(term, field)
                    .into_iter()
                    .collect::<BTreeSet<String>>(),
            })
            .collect()
    }
}

/// The number of unknown initiatives for each reason. The key None is for those without a reason.
type Reasons = BTreeMap<Option<String>, u64>;

fn reported_reasons(answer: &PatternAnswer) -> Reasons {
    let output = answer.unknown_reasons.each().map(|(because, shown)| {
        assert_eq!(
            (shown.suppressed, shown.variance),
            (None, 0.0),
            "{shown:?} is exact"
        );
        (
            because.map(|because| because.code().to_owned()),
            shown.count.unwrap(),
        )
    });
    output.collect()
}

impl RandomRecords {
    /// Compares random patterns with the naive evaluator. Returns how many initiatives had each reason.
    async fn check_unknown_reasons(&mut self, patterns: usize) -> Reasons {
        let mut seen = Reasons::new();
        for number in 0..patterns {
            let [when, then] = [self.chance.random_filter(2), self.chance.random_filter(1)];
            let among = self.random_population_filter();
            let (name, viewpoint) = self.random_viewpoint();
            let question = PatternQuery {
                when: parse_predicate(&self.app, &when).await,
                then: parse_predicate(&self.app, &then).await,
                among: parse_predicate(&self.app, &among).await,
                by: None,
                viewpoint,
            };
            let mut expected: Reasons = MISSING_REASONS
                .iter()
                .map(|why| (Some((*why).to_owned()), 0))
                .collect();
            expected.insert(None, 0);
            let mut counted = NaiveCounts::default();
            for record in self.list_counted(name, &among) {
                let truths = (
                    self.world.evaluate(&when, record),
                    self.world.evaluate(&then, record),
                );
                counted.add(truths.0, truths.1);
                if truths.0.is_some() && truths.1.is_some() {
                    continue;
                }
                let mut because = self.world.unknown_reasons(&when, record);
                because.extend(self.world.unknown_reasons(&then, record));
                if because.is_empty() {
                    *expected.entry(None).or_default() += 1;
                }
                for why in because {
                    *expected.entry(Some(why)).or_default() += 1;
                }
            }
            let answered = self
                .run_query(move |base| answer::compute_pattern(base, &question, false))
                .await;
            let asked = format!("{number}: {when} with {then} among {among} for {name}");
            assert_eq!(published_counts(&answered.table), counted.0, "{asked}");
            assert_eq!(reported_reasons(&answered), expected, "{asked}");
            for (why, many) in expected {
                *seen.entry(why).or_default() += many;
            }
        }
        seen
    }
}

async fn unknown_reasons_are_counted_and_change_nothing_else(database: Database) {
    let mut base = start_with_random_records(database.clone(), 47).await;
    // No record has a reason.
    let seen = base.check_unknown_reasons(scale_cases(50)).await;
    let (none, given): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(why, _)| why.is_none());
    assert!(
        none[0].1 > 0 && given.iter().all(|(_, many)| *many == 0),
        "{given:?}"
    );
    // Most fields get a reason. Then some records change, and the index follows.
    let mut records = base.records.clone();
    records
        .iter_mut()
        .for_each(|record| base.chance.add_missing_reasons(record));
    assert_eq!(base.app.publish(&records).await.refused, 0);
    base.records = records;
    let seen = base.check_unknown_reasons(scale_cases(300)).await;
    assert!(
        seen.len() == 5 && seen.values().all(|many| *many > 100),
        "{seen:?}"
    );
    let mut altered: Vec<Value> = base.records[..40].to_vec();
    altered
        .iter_mut()
        .for_each(|record| base.chance.add_missing_reasons(record));
    base.app.publish(&altered).await;
    base.records[..40].clone_from_slice(&altered);
    base.check_unknown_reasons(scale_cases(100)).await;
    // A rebuilt index returns the same.
    base.app = TestApp::start(database).await;
    base.check_unknown_reasons(scale_cases(100)).await;
}
