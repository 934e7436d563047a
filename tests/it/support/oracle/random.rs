//! Random records and filters, from a seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

/// Draws records and filters. The same seed draws the same.
pub struct RandomSource(StdRng);

const ENTRY_POINTS: [&str; 4] = [
    "COLLABORATION",
    "COMPLEXITY",
    "ROOT_CAUSES",
    "SINGLE_ORGANISATION",
];
const PERSPECTIVES: [&str; 4] = ["PRACTITIONER", "FUNDER", "NATIONAL_CHARITY", "COMMUNITY"];
const CHALLENGES: [&str; 3] = [
    "UNDERSTANDING_LOCAL_SYSTEM",
    "DEFINING_AMBITIONS",
    "FOSTERING_CONDITIONS",
];
const STEPS: [&str; 3] = ["TAKEN", "RUSHED", "SKIPPED"];
const REASONS: [&str; 3] = ["SHORT_FUNDING", "COMPETITION_FOR_RESOURCES", "OTHER"];
const CONDITIONS: [&str; 2] = ["GOVERNANCE", "INCENTIVES"];
const CHANGES: [&str; 3] = ["ALTERED", "PARTLY", "UNCHANGED"];
const RESTRICTIONS: [&str; 2] = ["UNRESTRICTED", "RESTRICTED"];
const FREQUENCIES: [&str; 3] = ["MONTHLY", "YEARLY", "NONE"];
const BASES: [&str; 2] = ["ADAPTABLE", "FIXED_TARGETS"];
const TIMELINES: [&str; 2] = ["ADAPTABLE", "FIXED"];
const DAYS: [&str; 6] = [
    "2018-05-01",
    "2019-12-31",
    "2020-01-01",
    "2021-04-01",
    "2022-06-30",
    "2023-03-31",
];
const MONTHS: [i64; 5] = [6, 12, 18, 24, 36];
const RESEARCH_MONTHS: [i64; 5] = [1, 3, 4, 12, 13];
const PLACES: [&str; 5] = ["E06000001", "E06000002", "W06000001", "E12000001", "E92000001"];
const LARGER_PLACES: [&str; 7] = [
    "E06000001",
    "E06000002",
    "E12000001",
    "E47000006",
    "E92000001",
    "W92000004",
    "K02000001",
];
/// The lead organisations.
pub const LEADS: [&str; 3] = ["Alder Trust", "Birch Council", "Cedar Group"];
/// The funders.
pub const FUNDERS: [&str; 2] = ["Dogwood Fund", "Elder Fund"];
const TITLES: [&str; 4] = [
    "Food partnership",
    "100% housing_first",
    "Ärzte im Quartier",
    "Warm spaces",
];
const KINDS: [&str; 2] = ["FUNDER", "PUBLIC_BODY"];

impl RandomSource {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    pub fn number_below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    pub fn maybe(&mut self, in_100: u32) -> bool {
        self.0.random_ratio(in_100, 100)
    }

    pub fn choose<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.0).expect("there are some").clone()
    }

    fn choose_some(&mut self, of: &[&'static str]) -> Vec<&'static str> {
        let count = 1 + self.number_below(2);
        of.choose_multiple(&mut self.0, count).copied().collect()
    }

    fn maybe_set(
        &mut self,
        into: &mut Value,
        field: &str,
        in_100: u32,
        value: impl FnOnce(&mut Self) -> Value,
    ) {
        if self.maybe(in_100) {
            into[field] = value(self);
        }
    }

    /// A record with this reference. Some of its parts are missing.
    pub fn random_record(&mut self, reference: usize) -> Value {
        let lead = self.number_below(LEADS.len());
        let mut record = json!({
            "externalRef": reference.to_string(),
            "title": format!("{} {}", self.choose(&TITLES), self.number_below(4)),
            "visibility": self.choose(&["OPEN", "MEMBERS", "AGGREGATE_ONLY"]),
            "sharedWithFunders": self.maybe(30),
            "leadOrganisation": {"name": LEADS[lead]},
            "source": {"kind": "SELF_REPORT", "title": "A return"},
        });
        self.maybe_set(
            &mut record,
            "place",
            85,
            |chance| json!({"code": chance.choose(&PLACES)}),
        );
        let days = [self.choose(&DAYS), self.choose(&DAYS)];
        self.maybe_set(&mut record, "startedOn", 70, |_| {
            (*days.iter().min().unwrap()).into()
        });
        match self.number_below(4) {
            0 => record["ongoing"] = true.into(),
            1 => record["ongoing"] = false.into(),
            _ => self.maybe_set(&mut record, "endedOn", 70, |_| {
                (*days.iter().max().unwrap()).into()
            }),
        }
        let taken = self.number_below(4);
        self.maybe_set(&mut record, "entryPoints", 80, |chance| {
            (0..taken)
                .map(|_| json!({"entryPoint": chance.choose(&ENTRY_POINTS), "perspective": chance.choose(&PERSPECTIVES[..3])}))
                .collect()
        });
        for challenge in CHALLENGES {
            if self.maybe(60) {
                let mut faced = json!({"challenge": challenge});
                self.maybe_set(&mut faced, "step", 75, |chance| chance.choose(&STEPS).into());
                self.maybe_set(&mut faced, "reasons", 60, |chance| {
                    json!(chance.choose_some(&REASONS))
                });
                push(&mut record, "challengesFaced", faced);
            }
        }
        for condition in CONDITIONS {
            if self.maybe(60) {
                let mut changed = json!({"condition": condition});
                self.maybe_set(&mut changed, "change", 75, |chance| {
                    chance.choose(&CHANGES).into()
                });
                push(&mut record, "conditionsChanged", changed);
            }
        }
        for _ in 0..self.number_below(4) {
            let term = self.random_term();
            push(&mut record, "fundingTerms", term);
        }
        record
    }

    fn random_term(&mut self) -> Value {
        let mut term = json!({"funder": {"name": self.choose(&FUNDERS)}});
        self.maybe_set(&mut term, "durationMonths", 70, |chance| {
            chance.choose(&MONTHS).into()
        });
        if self.maybe(60) {
            term["amountMinor"] = self.choose(&[100_i64, 5_000_000_000]).into();
            term["currency"] = self.choose(&["GBP", "EUR"]).into();
        }
        self.maybe_set(&mut term, "startsOn", 60, |chance| chance.choose(&DAYS).into());
        for flag in [
            "upfrontResearch",
            "collaborationResourced",
            "renewable",
            "multiSite",
        ] {
            self.maybe_set(&mut term, flag, 60, |chance| chance.maybe(50).into());
        }
        if term["upfrontResearch"] != false {
            self.maybe_set(&mut term, "upfrontResearchMonths", 60, |chance| {
                chance.choose(&RESEARCH_MONTHS).into()
            });
        }
        for (field, codes) in coded_term_fields() {
            self.maybe_set(&mut term, field, 60, |chance| chance.choose(codes).into());
        }
        term
    }

    /// A filter on initiatives of limited depth.
    pub fn random_filter(&mut self, depth: usize) -> Value {
        let mut filter = Map::new();
        for _ in 0..=self.number_below(2) {
            let (field, part) = self.random_filter_part(depth);
            filter.insert(field.into(), part);
        }
        filter.into()
    }

    fn random_filter_part(&mut self, depth: usize) -> (&'static str, Value) {
        if depth > 0 && self.maybe(35) {
            return match self.number_below(3) {
                0 => (
                    "and",
                    (0..self.number_below(3))
                        .map(|_| self.random_filter(depth - 1))
                        .collect(),
                ),
                1 => (
                    "or",
                    (0..self.number_below(3))
                        .map(|_| self.random_filter(depth - 1))
                        .collect(),
                ),
                _ => ("not", self.random_filter(depth - 1)),
            };
        }
        match self.number_below(12) {
            0 => (
                "title",
                self.random_text_comparison(&["food partnership 1", "%", "_first", "ÄRZTE", "warm"]),
            ),
            1 => {
                let mut place = json!({});
                match self.number_below(4) {
                    0 => place["isKnown"] = self.maybe(50).into(),
                    1 => place["is"] = json!({"code": self.choose(&LARGER_PLACES)}),
                    _ => place["within"] = json!({"code": self.choose(&LARGER_PLACES)}),
                }
                ("place", place)
            }
            2 => ("leadOrganisation", self.random_organisation_filter(&LEADS, 1)),
            3 => (
                self.choose(&["startedOn", "endedOn"]),
                self.random_ordered_comparison(&DAYS.map(Value::from)),
            ),
            4 | 9 => (
                self.choose(&["activeDuring", "startedDuring", "fundedDuring"]),
                json!({"crisis": self.choose(&["open", "closed", "local"])}),
            ),
            5 => {
                let mut scope = if self.maybe(80) {
                    json!({"in": self.choose_some(&ENTRY_POINTS)})
                } else {
                    json!({"isKnown": self.maybe(50)})
                };
                self.maybe_set(&mut scope, "perspective", 60, |chance| {
                    chance.choose(&PERSPECTIVES).into()
                });
                ("wayIn", scope)
            }
            6 => {
                let mut scope = self.random_set_comparison(&ENTRY_POINTS);
                self.maybe_set(&mut scope, "perspective", 60, |chance| {
                    chance.choose(&PERSPECTIVES).into()
                });
                ("entryPoints", scope)
            }
            7 => {
                let mut scope = json!({"on": self.choose(&CHALLENGES)});
                if self.maybe(70) {
                    scope["step"] = self.random_code_comparison(&STEPS);
                } else {
                    scope["reasons"] = self.random_set_comparison(&REASONS);
                }
                ("challenge", scope)
            }
            8 => (
                "condition",
                json!({"on": self.choose(&CONDITIONS), "change": self.random_code_comparison(&CHANGES)}),
            ),
            _ => {
                let how = self.choose(&["some", "some", "every", "none", "isRecorded"]);
                let part = if how == "isRecorded" {
                    self.maybe(50).into()
                } else {
                    self.random_term_filter(1)
                };
                ("fundingTerms", json!({how: part}))
            }
        }
    }

    fn random_term_filter(&mut self, depth: usize) -> Value {
        let mut filter = Map::new();
        for _ in 0..=self.number_below(2) {
            let (field, part) = self.random_term_filter_part(depth);
            filter.insert(field.into(), part);
        }
        filter.into()
    }

    fn random_term_filter_part(&mut self, depth: usize) -> (&'static str, Value) {
        if depth > 0 && self.maybe(25) {
            return match self.number_below(3) {
                0 => (
                    "and",
                    (0..self.number_below(3))
                        .map(|_| self.random_term_filter(depth - 1))
                        .collect(),
                ),
                1 => (
                    "or",
                    (0..self.number_below(3))
                        .map(|_| self.random_term_filter(depth - 1))
                        .collect(),
                ),
                _ => ("not", self.random_term_filter(depth - 1)),
            };
        }
        match self.number_below(7) {
            0 => ("funder", self.random_organisation_filter(&FUNDERS, 1)),
            1 | 2 => (
                "durationMonths",
                self.random_ordered_comparison(&MONTHS.map(Value::from)),
            ),
            3 => match self.number_below(3) {
                0 => (
                    "amountMinor",
                    self.random_ordered_comparison(&[json!(100), json!(4_000_000_000_i64)]),
                ),
                1 => ("currency", self.random_text_comparison(&["gbp", "EUR"])),
                _ => ("startsOn", self.random_ordered_comparison(&DAYS.map(Value::from))),
            },
            4 | 5 => {
                let flag = self.choose(&[
                    "upfrontResearch",
                    "collaborationResourced",
                    "renewable",
                    "multiSite",
                ]);
                let how = if self.maybe(75) { "eq" } else { "isKnown" };
                (flag, json!({how: self.maybe(50)}))
            }
            _ => {
                let (field, codes) = self.choose(&coded_term_fields());
                (field, self.random_code_comparison(codes))
            }
        }
    }

    fn random_organisation_filter(&mut self, names: &[&'static str], depth: usize) -> Value {
        if depth > 0 && self.maybe(30) {
            return match self.number_below(3) {
                0 => json!({"not": self.random_organisation_filter(names, 0)}),
                1 => {
                    json!({"or": [self.random_organisation_filter(names, 0), self.random_organisation_filter(names, 0)]})
                }
                _ => {
                    json!({"and": [self.random_organisation_filter(names, 0), self.random_organisation_filter(names, 0)]})
                }
            };
        }
        match self.number_below(3) {
            0 => json!({"name": self.random_text_comparison(names)}),
            1 => json!({"identifier": self.random_text_comparison(&["GB-CHC-1", "gb-chc-2", "GB"])}),
            _ => json!({"kind": self.random_code_comparison(&KINDS)}),
        }
    }

    fn random_code_comparison(&mut self, codes: &[&'static str]) -> Value {
        match self.number_below(6) {
            0 => json!({"eq": self.choose(codes)}),
            1 => json!({"ne": self.choose(codes)}),
            2 => json!({"isKnown": self.maybe(50)}),
            _ => json!({"in": self.choose_some(codes)}),
        }
    }

    fn random_set_comparison(&mut self, codes: &[&'static str]) -> Value {
        match self.number_below(5) {
            0 => json!({"isKnown": self.maybe(50)}),
            1 | 2 => json!({"includes": self.choose_some(codes)}),
            _ => json!({"includesAny": self.choose_some(codes)}),
        }
    }

    fn random_text_comparison(&mut self, texts: &[&'static str]) -> Value {
        match self.number_below(6) {
            0 => json!({"eq": self.choose(texts)}),
            1 => json!({"ne": self.choose(texts)}),
            2 => json!({"in": self.choose_some(texts)}),
            3 => json!({"startsWith": self.choose(texts)}),
            4 => json!({"isKnown": self.maybe(50)}),
            _ => json!({"contains": self.choose(texts)}),
        }
    }

    fn random_ordered_comparison(&mut self, values: &[Value]) -> Value {
        let how = self.choose(&["eq", "ne", "in", "lt", "lte", "gt", "gte", "isKnown"]);
        let value = match how {
            "in" => json!([self.choose(values), self.choose(values)]),
            "isKnown" => self.maybe(50).into(),
            _ => self.choose(values),
        };
        json!({how: value})
    }
}

fn coded_term_fields() -> [(&'static str, &'static [&'static str]); 5] {
    [
        ("intendedFocus", &ENTRY_POINTS),
        ("restriction", &RESTRICTIONS),
        ("reportingFrequency", &FREQUENCIES),
        ("reportingBasis", &BASES),
        ("deliveryTimeline", &TIMELINES),
    ]
}

fn push(record: &mut Value, list: &str, part: Value) {
    if record.get(list).is_none() {
        record[list] = json!([]);
    }
    record[list].as_array_mut().expect("it is a list").push(part);
}
