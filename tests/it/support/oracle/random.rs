//! Records and filters by chance, from a seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

/// Draws records and filters; the same seed gives the same.
pub struct Chance(StdRng);

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
const PLACES: [&str; 5] = ["E06000001", "E06000002", "W06000001", "E12000001", "E92000001"];
const LARGER: [&str; 7] = [
    "E06000001",
    "E06000002",
    "E12000001",
    "E47000006",
    "E92000001",
    "W92000004",
    "K02000001",
];
/// The organisations that lead.
pub const LEADS: [&str; 3] = ["Alder Trust", "Birch Council", "Cedar Group"];
/// The organisations that fund.
pub const FUNDERS: [&str; 2] = ["Dogwood Fund", "Elder Fund"];
const TITLES: [&str; 4] = [
    "Food partnership",
    "100% housing_first",
    "Ärzte im Quartier",
    "Warm spaces",
];
const KINDS: [&str; 2] = ["FUNDER", "PUBLIC_BODY"];

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    pub fn maybe(&mut self, in_100: u32) -> bool {
        self.0.random_ratio(in_100, 100)
    }

    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.0).expect("there are some").clone()
    }

    fn some_of(&mut self, of: &[&'static str]) -> Vec<&'static str> {
        let count = 1 + self.below(2);
        of.choose_multiple(&mut self.0, count).copied().collect()
    }

    fn put(&mut self, into: &mut Value, field: &str, in_100: u32, value: impl FnOnce(&mut Self) -> Value) {
        if self.maybe(in_100) {
            into[field] = value(self);
        }
    }

    /// A record with this reference, its parts sometimes missing.
    pub fn record(&mut self, reference: usize) -> Value {
        let lead = self.below(LEADS.len());
        let mut record = json!({
            "externalRef": reference.to_string(),
            "title": format!("{} {}", self.one(&TITLES), self.below(4)),
            "visibility": self.one(&["OPEN", "MEMBERS", "AGGREGATE_ONLY"]),
            "sharedWithFunders": self.maybe(30),
            "leadOrganisation": {"name": LEADS[lead]},
            "source": {"kind": "SELF_REPORT", "title": "A return"},
        });
        self.put(
            &mut record,
            "place",
            85,
            |chance| json!({"code": chance.one(&PLACES)}),
        );
        let days = [self.one(&DAYS), self.one(&DAYS)];
        self.put(&mut record, "startedOn", 70, |_| {
            (*days.iter().min().unwrap()).into()
        });
        match self.below(4) {
            0 => record["ongoing"] = true.into(),
            1 => record["ongoing"] = false.into(),
            _ => self.put(&mut record, "endedOn", 70, |_| {
                (*days.iter().max().unwrap()).into()
            }),
        }
        let taken = self.below(4);
        self.put(&mut record, "entryPoints", 80, |chance| {
            (0..taken)
                .map(|_| json!({"entryPoint": chance.one(&ENTRY_POINTS), "perspective": chance.one(&PERSPECTIVES[..3])}))
                .collect()
        });
        for challenge in CHALLENGES {
            if self.maybe(60) {
                let mut faced = json!({"challenge": challenge});
                self.put(&mut faced, "step", 75, |chance| chance.one(&STEPS).into());
                self.put(&mut faced, "reasons", 60, |chance| {
                    json!(chance.some_of(&REASONS))
                });
                push(&mut record, "challengesFaced", faced);
            }
        }
        for condition in CONDITIONS {
            if self.maybe(60) {
                let mut changed = json!({"condition": condition});
                self.put(&mut changed, "change", 75, |chance| chance.one(&CHANGES).into());
                push(&mut record, "conditionsChanged", changed);
            }
        }
        for _ in 0..self.below(4) {
            let term = self.term();
            push(&mut record, "fundingTerms", term);
        }
        record
    }

    fn term(&mut self) -> Value {
        let mut term = json!({"funder": {"name": self.one(&FUNDERS)}});
        self.put(&mut term, "durationMonths", 70, |chance| {
            chance.one(&MONTHS).into()
        });
        if self.maybe(60) {
            term["amountMinor"] = self.one(&[100_i64, 5_000_000_000]).into();
            term["currency"] = self.one(&["GBP", "EUR"]).into();
        }
        self.put(&mut term, "startsOn", 60, |chance| chance.one(&DAYS).into());
        for flag in [
            "upfrontResearch",
            "collaborationResourced",
            "renewable",
            "multiSite",
        ] {
            self.put(&mut term, flag, 60, |chance| chance.maybe(50).into());
        }
        for (field, codes) in coded_term_fields() {
            self.put(&mut term, field, 60, |chance| chance.one(codes).into());
        }
        term
    }

    /// A filter on initiatives, nested at most so deep.
    pub fn filter(&mut self, depth: usize) -> Value {
        let mut filter = Map::new();
        for _ in 0..=self.below(2) {
            let (field, part) = self.part(depth);
            filter.insert(field.into(), part);
        }
        filter.into()
    }

    fn part(&mut self, depth: usize) -> (&'static str, Value) {
        if depth > 0 && self.maybe(35) {
            return match self.below(3) {
                0 => (
                    "and",
                    (0..self.below(3)).map(|_| self.filter(depth - 1)).collect(),
                ),
                1 => ("or", (0..self.below(3)).map(|_| self.filter(depth - 1)).collect()),
                _ => ("not", self.filter(depth - 1)),
            };
        }
        match self.below(11) {
            0 => (
                "title",
                self.text(&["food partnership 1", "%", "_first", "ÄRZTE", "warm"]),
            ),
            1 => {
                let mut place = json!({});
                match self.below(4) {
                    0 => place["isKnown"] = self.maybe(50).into(),
                    1 => place["is"] = json!({"code": self.one(&LARGER)}),
                    _ => place["within"] = json!({"code": self.one(&LARGER)}),
                }
                ("place", place)
            }
            2 => ("leadOrganisation", self.organisation(&LEADS, 1)),
            3 => (
                self.one(&["startedOn", "endedOn"]),
                self.ordered(&DAYS.map(Value::from)),
            ),
            4 => (
                "activeDuring",
                json!({"crisis": self.one(&["open", "closed", "local"])}),
            ),
            5 => {
                let mut scope = if self.maybe(80) {
                    json!({"in": self.some_of(&ENTRY_POINTS)})
                } else {
                    json!({"isKnown": self.maybe(50)})
                };
                self.put(&mut scope, "perspective", 60, |chance| {
                    chance.one(&PERSPECTIVES).into()
                });
                ("wayIn", scope)
            }
            6 => {
                let mut scope = self.set(&ENTRY_POINTS);
                self.put(&mut scope, "perspective", 60, |chance| {
                    chance.one(&PERSPECTIVES).into()
                });
                ("entryPoints", scope)
            }
            7 => {
                let mut scope = json!({"on": self.one(&CHALLENGES)});
                if self.maybe(70) {
                    scope["step"] = self.code(&STEPS);
                } else {
                    scope["reasons"] = self.set(&REASONS);
                }
                ("challenge", scope)
            }
            8 => (
                "condition",
                json!({"on": self.one(&CONDITIONS), "change": self.code(&CHANGES)}),
            ),
            _ => {
                let how = self.one(&["some", "some", "every", "none", "isRecorded"]);
                let part = if how == "isRecorded" {
                    self.maybe(50).into()
                } else {
                    self.term_filter(1)
                };
                ("fundingTerms", json!({how: part}))
            }
        }
    }

    fn term_filter(&mut self, depth: usize) -> Value {
        let mut filter = Map::new();
        for _ in 0..=self.below(2) {
            let (field, part) = self.term_part(depth);
            filter.insert(field.into(), part);
        }
        filter.into()
    }

    fn term_part(&mut self, depth: usize) -> (&'static str, Value) {
        if depth > 0 && self.maybe(25) {
            return match self.below(3) {
                0 => (
                    "and",
                    (0..self.below(3)).map(|_| self.term_filter(depth - 1)).collect(),
                ),
                1 => (
                    "or",
                    (0..self.below(3)).map(|_| self.term_filter(depth - 1)).collect(),
                ),
                _ => ("not", self.term_filter(depth - 1)),
            };
        }
        match self.below(7) {
            0 => ("funder", self.organisation(&FUNDERS, 1)),
            1 | 2 => ("durationMonths", self.ordered(&MONTHS.map(Value::from))),
            3 => match self.below(3) {
                0 => (
                    "amountMinor",
                    self.ordered(&[json!(100), json!(4_000_000_000_i64)]),
                ),
                1 => ("currency", self.text(&["gbp", "EUR"])),
                _ => ("startsOn", self.ordered(&DAYS.map(Value::from))),
            },
            4 | 5 => {
                let flag = self.one(&[
                    "upfrontResearch",
                    "collaborationResourced",
                    "renewable",
                    "multiSite",
                ]);
                let how = if self.maybe(75) { "eq" } else { "isKnown" };
                (flag, json!({how: self.maybe(50)}))
            }
            _ => {
                let (field, codes) = self.one(&coded_term_fields());
                (field, self.code(codes))
            }
        }
    }

    fn organisation(&mut self, names: &[&'static str], depth: usize) -> Value {
        if depth > 0 && self.maybe(30) {
            return match self.below(3) {
                0 => json!({"not": self.organisation(names, 0)}),
                1 => json!({"or": [self.organisation(names, 0), self.organisation(names, 0)]}),
                _ => json!({"and": [self.organisation(names, 0), self.organisation(names, 0)]}),
            };
        }
        match self.below(3) {
            0 => json!({"name": self.text(names)}),
            1 => json!({"identifier": self.text(&["GB-CHC-1", "gb-chc-2", "GB"])}),
            _ => json!({"kind": self.code(&KINDS)}),
        }
    }

    fn code(&mut self, codes: &[&'static str]) -> Value {
        match self.below(6) {
            0 => json!({"eq": self.one(codes)}),
            1 => json!({"ne": self.one(codes)}),
            2 => json!({"isKnown": self.maybe(50)}),
            _ => json!({"in": self.some_of(codes)}),
        }
    }

    fn set(&mut self, codes: &[&'static str]) -> Value {
        match self.below(5) {
            0 => json!({"isKnown": self.maybe(50)}),
            1 | 2 => json!({"includes": self.some_of(codes)}),
            _ => json!({"includesAny": self.some_of(codes)}),
        }
    }

    fn text(&mut self, texts: &[&'static str]) -> Value {
        match self.below(6) {
            0 => json!({"eq": self.one(texts)}),
            1 => json!({"ne": self.one(texts)}),
            2 => json!({"in": self.some_of(texts)}),
            3 => json!({"startsWith": self.one(texts)}),
            4 => json!({"isKnown": self.maybe(50)}),
            _ => json!({"contains": self.one(texts)}),
        }
    }

    fn ordered(&mut self, values: &[Value]) -> Value {
        let how = self.one(&["eq", "ne", "in", "lt", "lte", "gt", "gte", "isKnown"]);
        let value = match how {
            "in" => json!([self.one(values), self.one(values)]),
            "isKnown" => self.maybe(50).into(),
            _ => self.one(values),
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
