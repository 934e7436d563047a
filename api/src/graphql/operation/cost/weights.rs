//! What each field weighs, in points, and why. `docs/cost.md` shows the same table; a test holds the two together.
//!
//! A point is about a twentieth of a millisecond of a processor, over a base of a million records: what it takes to
//! read a row and write it into an answer. What questions take was measured (`docs/performance.md`), under disclosure
//! control and by what has many values, as these are what dashboards ask.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::paging;
use wayin_engine::query::MAX_PAIRED_CONDITIONS;

/// How often what a field holds is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once; or, where the field is a list, [a few](FEW) times.
    AsDeclared,
    /// So many times at most.
    AtMost(u64),
    /// As many times as an argument has values, up to a most.
    Values(&'static str, u64),
    /// As many times as there are pairs of an argument's values, of which there are up to a most.
    Pairs(&'static str, u64),
}

/// What some fields of a type weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The type; [`CONNECTION`] is all connections.
    pub of: &'static str,
    /// The fields; [`EVERY_OTHER`] is those that no other row of the type names.
    pub fields: &'static [&'static str],
    /// The points of the field itself.
    pub points: u64,
    /// The argument that multiplies these where it is given, and by how much.
    pub with: Option<(&'static str, u64)>,
    /// How often what it holds is there.
    pub times: Times,
    /// The points of each of these, beside those of its type.
    pub each: u64,
    /// Why.
    pub why: &'static str,
}

/// The elements that are reckoned with in a list whose length nothing says.
pub const FEW: u64 = 5;
/// What the names of connections end in.
pub const CONNECTION: &str = "Connection";
/// What the names of edges end in.
pub const EDGE: &str = "Edge";
/// The fields of a type that no row names.
pub const EVERY_OTHER: &str = "*";

/// A row without anything special.
const PLAIN: Weight = Weight {
    of: "",
    fields: &[],
    points: 0,
    with: None,
    times: Times::AsDeclared,
    each: 0,
    why: "",
};

/// The table. What it does not name weighs nothing itself.
pub const FIELDS: &[Weight] = &[
    Weight {
        of: "Query",
        fields: &["pattern"],
        points: 30,
        with: Some(("by", 8)),
        why: "1.6 ms overall, 13 ms by 400 places",
        ..PLAIN
    },
    Weight {
        of: "Claim",
        fields: &["pattern"],
        points: 30,
        why: "a pattern overall",
        ..PLAIN
    },
    Weight {
        of: "Subscription",
        fields: &["patternChanged"],
        points: 30,
        with: Some(("by", 8)),
        why: "a pattern, for each answer",
        ..PLAIN
    },
    Weight {
        of: "Query",
        fields: &["patternGrid"],
        points: 500,
        why: "19 to 25 ms, and a cell for each pair of values",
        ..PLAIN
    },
    Weight {
        of: "PatternGrid",
        fields: &["rows", "columns"],
        times: Times::AtMost(50),
        why: "a heading for each value",
        ..PLAIN
    },
    Weight {
        of: "Query",
        fields: &["associations"],
        points: 20,
        times: Times::Pairs("conditions", MAX_PAIRED_CONDITIONS as u64),
        each: 3,
        why: "100 ms for 780 pairs",
        ..PLAIN
    },
    Weight {
        of: "Query",
        fields: &["distribution"],
        points: 100,
        times: Times::AtMost(50),
        why: "one side of a grid",
        ..PLAIN
    },
    Weight {
        of: "Query",
        fields: &["entryPointFlows"],
        points: 100,
        times: Times::AtMost(50),
        why: "a small grid",
        ..PLAIN
    },
    Weight {
        of: "Query",
        fields: &["nodes"],
        times: Times::Values("ids", paging::MOST),
        why: "one for each id",
        ..PLAIN
    },
    Weight {
        of: "Query",
        fields: &[
            "initiatives",
            "organisations",
            "places",
            "submissions",
            "revisions",
            "imports",
            "auditEvents",
            "history",
        ],
        points: 5,
        why: "a search through a whole table, whatever the page",
        ..PLAIN
    },
    Weight {
        of: CONNECTION,
        fields: &["totalCount"],
        points: 20,
        why: "counts the whole list, beyond the page",
        ..PLAIN
    },
    Weight {
        of: "Crisis",
        fields: &["places"],
        times: Times::AtMost(20),
        why: "a crisis may be in many places",
        ..PLAIN
    },
    Weight {
        of: "Submission",
        fields: &["problems", "warnings", "changes"],
        points: 5,
        why: "looks a whole document over",
        ..PLAIN
    },
    Weight {
        of: "Revision",
        fields: &["changes"],
        points: 5,
        why: "compares two documents",
        ..PLAIN
    },
    Weight {
        of: "KeptRevision",
        fields: &["changes"],
        points: 5,
        why: "compares two documents",
        ..PLAIN
    },
    Weight {
        of: "Mutation",
        fields: &["redactText"],
        points: 1_000,
        why: "goes through everything that is kept",
        ..PLAIN
    },
    Weight {
        of: "Mutation",
        fields: &["importRecords", "mergeOrganisations"],
        points: 500,
        why: "has many rows written",
        ..PLAIN
    },
    Weight {
        of: "Mutation",
        fields: &[EVERY_OTHER],
        points: 50,
        why: "2.5 ms: a record, its version, its change, and what follows them",
        ..PLAIN
    },
];

/// Types whose objects weigh nothing, and why; every other object weighs [`OBJECT`].
pub const WEIGHTLESS: &[(&[&str], &str)] = &[
    (
        &["PageInfo", "VocabularyEntry", "Vocabulary", "Viewer", "RateLimit"],
        "known already",
    ),
    (
        &[
            "Pattern",
            "PatternGrid",
            "GridHeading",
            "GridCell",
            "SuppressedCell",
            "Association",
            "EntryPointFlow",
            "DistributionBin",
            "PatternGroup",
            "ContingencyTable",
            "UnknownReasonCount",
            "Proportion",
            "Estimate",
            "AdjustedEstimates",
            "AdjustedTest",
            "Homogeneity",
            "Caution",
            "AsOf",
            "DisclosureControl",
            "Suppression",
        ],
        "part of an answer that its question paid for",
    ),
];

/// An object, such as a row of the base.
pub const OBJECT: u64 = 1;
/// A question to the schema itself.
pub const INTROSPECTION: u64 = 20;
/// How many objects of the schema itself weigh a point: they are compiled in.
pub const SCHEMA_OBJECTS_PER_POINT: u64 = 200;
/// How long the lists of the schema's own objects are reckoned to be.
pub const SCHEMA_LISTS: &[(&str, u64)] = &[
    ("types", 300),
    ("fields", 10),
    ("args", 3),
    ("inputFields", 8),
    ("enumValues", 8),
    ("possibleTypes", 12),
    ("interfaces", 1),
    ("directives", 6),
];
/// What each request costs at least, also one that is refused.
pub const LEAST: u32 = 1;

/// The arguments whose values are compared with what each record has.
pub const FILTERS: [&str; 5] = ["filter", "when", "then", "among", "conditions"];
/// A value within one of these.
pub const COMPARISON: u64 = 2;
/// A workbook of what is to be mended of an import: its rows are read and written anew.
pub const WORKBOOK: u32 = 500;

type Table = HashMap<(&'static str, &'static str), &'static Weight>;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    FIELDS
        .iter()
        .flat_map(|weight| {
            weight
                .fields
                .iter()
                .map(move |field| ((weight.of, *field), weight))
        })
        .collect()
});

/// What the table says of a field.
pub fn of_field(of: &str, field: &str) -> &'static Weight {
    let of = if of.ends_with(CONNECTION) { CONNECTION } else { of };
    let found = TABLE.get(&(of, field)).or_else(|| TABLE.get(&(of, EVERY_OTHER)));
    found.copied().unwrap_or(&PLAIN)
}

/// What an object of a type weighs.
pub fn of_object(of: &str) -> u64 {
    let is_weightless = of.ends_with(EDGE) || WEIGHTLESS.iter().any(|(types, _)| types.contains(&of));
    if is_weightless { 0 } else { OBJECT }
}

impl Weight {
    /// The points of the field itself, by how many values its arguments have: none where one is not given.
    pub fn itself(&self, values: &dyn Fn(&str) -> Option<u64>) -> u64 {
        match self.with {
            Some((argument, times)) if values(argument).is_some() => self.points.saturating_mul(times),
            _ => self.points,
        }
    }

    /// How often what it holds is there.
    pub fn times(&self, is_list: bool, values: &dyn Fn(&str) -> Option<u64>) -> u64 {
        // What has more values than it may is refused where it is looked at.
        let given = |argument, most: u64| values(argument).unwrap_or(0).min(most + 1);
        match self.times {
            Times::AsDeclared if is_list => FEW,
            Times::AsDeclared => 1,
            Times::AtMost(most) => most,
            Times::Values(argument, most) => given(argument, most),
            Times::Pairs(argument, most) => {
                let values = given(argument, most);
                values * values.saturating_sub(1) / 2
            }
        }
    }
}

/// What a question to the engine weighs that comes another way than as a field of a document, by how many values its
/// arguments have, and how many are compared with.
pub fn of_question(field: &str, values: &dyn Fn(&str) -> Option<u64>, comparisons: u64) -> u32 {
    let weight = of_field("Query", field);
    let held = weight.times(false, values).saturating_mul(weight.each);
    let compared = comparisons.saturating_mul(COMPARISON);
    let points = weight
        .itself(values)
        .saturating_add(held)
        .saturating_add(compared);
    u32::try_from(points).unwrap_or(u32::MAX).max(LEAST)
}

/// The table as `docs/cost.md` shows it.
#[cfg(test)]
pub fn shown() -> String {
    use std::fmt::Write as _;

    let mut shown = String::from("| what | points | times what it holds | why |\n|---|---|---|---|\n");
    for weight in FIELDS {
        let what: Vec<String> = weight
            .fields
            .iter()
            .map(|field| match (weight.of, *field) {
                (CONNECTION, field) => format!("`{field}` of any connection"),
                ("Mutation", EVERY_OTHER) => "every other mutation".into(),
                (of, field) => format!("`{of}.{field}`"),
            })
            .collect();
        let mut points = weight.points.to_string();
        if let Some((argument, times)) = weight.with {
            write!(points, "; {} with `{argument}`", weight.points * times).unwrap();
        }
        let mut times = match weight.times {
            Times::AsDeclared => String::new(),
            Times::AtMost(most) => most.to_string(),
            Times::Values(argument, _) => format!("the number of `{argument}`"),
            Times::Pairs(argument, _) => format!("the pairs of `{argument}`"),
        };
        if weight.each > 0 {
            write!(times, ", {} points for each", weight.each).unwrap();
        }
        writeln!(
            shown,
            "| {} | {points} | {times} | {} |",
            what.join(", "),
            weight.why
        )
        .unwrap();
    }
    for (types, why) in WEIGHTLESS {
        let types: Vec<String> = types.iter().map(|of| format!("`{of}`")).collect();
        writeln!(shown, "| an object of {} | 0 | | {why} |", types.join(", ")).unwrap();
    }
    writeln!(shown, "| any other object | {OBJECT} | | a row of the base |").unwrap();
    let filters: Vec<String> = FILTERS.iter().map(|name| format!("`{name}`")).collect();
    writeln!(
        shown,
        "| a value within {} | {COMPARISON} | | compared with what each record has |",
        filters.join(", ")
    )
    .unwrap();
    writeln!(shown, "| a figure, a text, a code | 0 | | part of its object |").unwrap();
    writeln!(
        shown,
        "| `__schema`, `__type` | {INTROSPECTION} | a point for {SCHEMA_OBJECTS_PER_POINT} objects | compiled in |"
    )
    .unwrap();
    writeln!(
        shown,
        "| a download of an import's `correctionsUrl`, or of the records that were returned | {WORKBOOK} | | a workbook is written |"
    )
    .unwrap();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_shows_this_table() {
        let document = include_str!("../../../../../docs/cost.md");
        let shown = shown();
        assert!(
            document.contains(&shown),
            "docs/cost.md is to hold this:\n{shown}"
        );
    }

    #[test]
    fn a_question_weighs_the_same_as_its_field() {
        assert_eq!(of_question("pattern", &|_| None, 0), 30);
        assert_eq!(of_question("pattern", &|_| None, 3), 36);
        assert_eq!(
            of_question("pattern", &|name| (name == "by").then_some(1), 0),
            240
        );
        assert_eq!(of_question("associations", &|_| Some(40), 0), 20 + 780 * 3);
    }
}
