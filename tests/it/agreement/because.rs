//! Why initiatives are not known: patterns count for each reason what the naive evaluator counts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wayin_engine::answer;
use wayin_engine::answer::PatternAnswer;
use wayin_engine::query::Question;

use super::{Counted, Populated, condition, populated, told};
use crate::support::app::TestApp;
use crate::support::oracle::evaluator::{World, list};
use crate::support::oracle::random::Chance;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![reasons_count_what_is_given_and_change_nothing_else];

const WHYS: [&str; 4] = ["NOT_ASKED", "NO_REPLY", "WITHHELD", "NOT_APPLICABLE"];

impl Chance {
    /// Has a record, and each part of it, say of most fields that it lacks why it does.
    fn say_why(&mut self, record: &mut Value) {
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
        self.say_why_of(record, &of_record);
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
                self.say_why_of(part, fields);
            }
        }
    }

    fn say_why_of(&mut self, part: &mut Value, fields: &[&str]) {
        part.as_object_mut().expect("it is an object").remove("missing");
        for field in fields {
            let is_missing = part[*field].is_null() || part[*field] == json!([]);
            if is_missing && self.below(3) > 0 {
                part["missing"][*field] = WHYS[self.below(WHYS.len())].into();
            }
        }
    }
}

fn why(part: &Value, field: &str) -> Option<String> {
    part["missing"][field].as_str().map(ToOwned::to_owned)
}

impl World {
    /// The reasons for which a filter is UNKNOWN of a record.
    fn because(&self, filter: &Value, record: &Value) -> BTreeSet<String> {
        if self.holds(filter, record).is_some() {
            return BTreeSet::new();
        }
        let parts = filter.as_object().unwrap().iter();
        parts
            .flat_map(|(field, part)| self.part_because(field, part, record))
            .collect()
    }

    fn part_because(&self, field: &str, part: &Value, record: &Value) -> BTreeSet<String> {
        let alone = json!({field: part});
        if self.holds(&alone, record).is_some() {
            return BTreeSet::new();
        }
        let own = |fields: &[&str]| fields.iter().filter_map(|field| why(record, field)).collect();
        let of_row = |rows: &str, on: &str, field: &str| {
            let row = list(&record[rows]).iter().find(|row| row[on] == part["on"]);
            row.and_then(|row| why(row, field)).or_else(|| why(record, rows))
        };
        match field {
            "and" | "or" => list(part)
                .iter()
                .flat_map(|one| self.because(one, record))
                .collect(),
            "not" => self.because(part, record),
            "startedOn" | "endedOn" | "place" => own(&[field]),
            "activeDuring" if self.crises[part["crisis"].as_str().unwrap()].2.is_empty() => {
                own(&["startedOn", "endedOn", "ongoing"])
            }
            "activeDuring" => own(&["startedOn", "endedOn", "ongoing", "place"]),
            "wayIn" | "entryPoints" => own(&["entryPoints"]),
            "challenge" => ["step", "reasons"]
                .into_iter()
                .filter(|field| {
                    let Some(wanted) = part.get(field) else {
                        return false;
                    };
                    let alone = json!({"challenge": {"on": part["on"], *field: wanted}});
                    self.holds(&alone, record).is_none()
                })
                .filter_map(|field| of_row("challengesFaced", "challenge", field))
                .collect(),
            "condition" => of_row("conditionsChanged", "condition", "change")
                .into_iter()
                .collect(),
            "fundingTerms" => {
                let terms = list(&record["fundingTerms"]);
                if terms.is_empty() {
                    return own(&["fundingTerms"]);
                }
                let asked = part.as_object().unwrap().iter();
                asked
                    .filter(|(how, filter)| {
                        self.holds(&json!({"fundingTerms": {*how: filter}}), record)
                            .is_none()
                    })
                    .flat_map(|(_, filter)| terms.iter().flat_map(|term| self.term_because(filter, term)))
                    .collect()
            }
            // What is not known of an organisation is no field of the record.
            _ => BTreeSet::new(),
        }
    }

    fn term_because(&self, filter: &Value, term: &Value) -> BTreeSet<String> {
        if self.term_holds(filter, term).is_some() {
            return BTreeSet::new();
        }
        let parts = filter.as_object().unwrap().iter();
        parts
            .filter(|(field, part)| self.term_holds(&json!({*field: part}), term).is_none())
            .flat_map(|(field, part)| match field.as_str() {
                "and" | "or" => list(part)
                    .iter()
                    .flat_map(|one| self.term_because(one, term))
                    .collect(),
                "not" => self.term_because(part, term),
                "funder" => BTreeSet::new(),
                field => why(term, field).into_iter().collect::<BTreeSet<String>>(),
            })
            .collect()
    }
}

/// How many are not known for each reason, and, under no name, for none.
type Reasons = BTreeMap<Option<String>, u64>;

fn reasons_told(answer: &PatternAnswer) -> Reasons {
    let told = answer.unknown_reasons.each().map(|(because, shown)| {
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
    told.collect()
}

impl Populated {
    /// Asks so many patterns, and holds the answers to what the naive evaluator says. Answers how
    /// many initiatives it saw of each reason.
    async fn ask_why(&mut self, patterns: usize) -> Reasons {
        let mut seen = Reasons::new();
        for number in 0..patterns {
            let [when, then] = [self.chance.filter(2), self.chance.filter(1)];
            let among = self.among();
            let (name, viewpoint) = self.viewpoint();
            let question = Question {
                when: condition(&self.app, &when).await,
                then: condition(&self.app, &then).await,
                among: condition(&self.app, &among).await,
                by: None,
                viewpoint,
            };
            let mut expected: Reasons = WHYS.iter().map(|why| (Some((*why).to_owned()), 0)).collect();
            expected.insert(None, 0);
            let mut counted = Counted::default();
            for record in self.counted(name, &among) {
                let truths = (self.world.holds(&when, record), self.world.holds(&then, record));
                counted.add(truths.0, truths.1);
                if truths.0.is_some() && truths.1.is_some() {
                    continue;
                }
                let mut because = self.world.because(&when, record);
                because.extend(self.world.because(&then, record));
                if because.is_empty() {
                    *expected.entry(None).or_default() += 1;
                }
                for why in because {
                    *expected.entry(Some(why)).or_default() += 1;
                }
            }
            let answered = self
                .ask(move |base| answer::pattern(base, &question, false))
                .await;
            let asked = format!("{number}: {when} with {then} among {among} for {name}");
            assert_eq!(told(&answered.table), counted.0, "{asked}");
            assert_eq!(reasons_told(&answered), expected, "{asked}");
            for (why, many) in expected {
                *seen.entry(why).or_default() += many;
            }
        }
        seen
    }
}

async fn reasons_count_what_is_given_and_change_nothing_else(database: Database) {
    let mut base = populated(database.clone(), 47).await;
    // Nobody says why.
    let seen = base.ask_why(50).await;
    let (none, given): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(why, _)| why.is_none());
    assert!(
        none[0].1 > 0 && given.iter().all(|(_, many)| *many == 0),
        "{given:?}"
    );
    // Most say it, then some say another thing, and the index follows.
    let mut records = base.records.clone();
    records.iter_mut().for_each(|record| base.chance.say_why(record));
    assert_eq!(base.app.publish(&records).await.refused, 0);
    base.records = records;
    let seen = base.ask_why(300).await;
    assert!(
        seen.len() == 5 && seen.values().all(|many| *many > 100),
        "{seen:?}"
    );
    let mut altered: Vec<Value> = base.records[..40].to_vec();
    altered.iter_mut().for_each(|record| base.chance.say_why(record));
    base.app.publish(&altered).await;
    base.records[..40].clone_from_slice(&altered);
    base.ask_why(100).await;
    // And an index that is made anew says the same.
    base.app = TestApp::start(database).await;
    base.ask_why(100).await;
}
