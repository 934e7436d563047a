//! The cost of each field in points. `docs/cost.md` shows the same table, and a test compares the two.
//!
//! A point is about a twentieth of a millisecond of one processor with a database of a million records: the time
//! to read a row and write it into a response. The costs of patterns were measured (`docs/performance.md`) under
//! disclosure control and with dimensions of many values, as dashboards send them.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::paging;
use wayin_engine::query::MAX_PAIRED_CONDITIONS;

/// How often what a field holds is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplier {
    /// Once; or, where the field is a list, [a few](ASSUMED_LIST_LENGTH) times.
    Declared,
    /// So many times at most.
    AtMost(u64),
    /// As many times as an argument has values, up to a most.
    ArgumentValues(&'static str, u64),
    /// As many times as there are pairs of an argument's values, of which there are up to a most.
    ArgumentPairs(&'static str, u64),
}

/// What some fields of a type weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldWeight {
    /// The type; [`CONNECTION_SUFFIX`] is all connections.
    pub type_name: &'static str,
    /// The fields; [`ANY_OTHER_FIELD`] is those that no other row of the type names.
    pub fields: &'static [&'static str],
    /// The points of the field itself.
    pub points: u64,
    /// The argument that multiplies these where it is given, and by how much.
    pub with: Option<(&'static str, u64)>,
    /// How often what it holds is there.
    pub times: Multiplier,
    /// The points of each of these, beside those of its type.
    pub each: u64,
    /// Why.
    pub reason: &'static str,
}

/// The elements that are reckoned with in a list whose length nothing says.
pub const ASSUMED_LIST_LENGTH: u64 = 5;
/// What the names of connections end in.
pub const CONNECTION_SUFFIX: &str = "Connection";
/// What the names of edges end in.
pub const EDGE_SUFFIX: &str = "Edge";
/// The fields of a type that no row names.
pub const ANY_OTHER_FIELD: &str = "*";

/// A row without anything special.
const DEFAULT_WEIGHT: FieldWeight = FieldWeight {
    type_name: "",
    fields: &[],
    points: 0,
    with: None,
    times: Multiplier::Declared,
    each: 0,
    reason: "",
};

/// The table. What it does not name weighs nothing itself.
pub const FIELD_WEIGHTS: &[FieldWeight] = &[
    FieldWeight {
        type_name: "Query",
        fields: &["pattern"],
        points: 30,
        with: Some(("by", 8)),
        reason: "1.6 ms without groups, 13 ms with 400 places",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Claim",
        fields: &["pattern"],
        points: 30,
        reason: "a pattern without groups",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Subscription",
        fields: &["patternChanged"],
        points: 30,
        with: Some(("by", 8)),
        reason: "a pattern, for each result",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &["patternGrid"],
        points: 500,
        reason: "19 to 25 ms, and a cell for each pair of values",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "PatternGrid",
        fields: &["rows", "columns"],
        times: Multiplier::AtMost(50),
        reason: "a heading for each value",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &["associations"],
        points: 20,
        times: Multiplier::ArgumentPairs("conditions", MAX_PAIRED_CONDITIONS as u64),
        each: 3,
        reason: "100 ms for 780 pairs",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Associations",
        fields: &["pairs"],
        times: Multiplier::AtMost(1),
        reason: "the field that holds them counts the pairs",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &["distribution"],
        points: 100,
        reason: "one side of a grid",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Distribution",
        fields: &["bins"],
        times: Multiplier::AtMost(50),
        reason: "a bin for each value",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &["entryPointFlows"],
        points: 100,
        reason: "a small grid",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &["nodes"],
        times: Multiplier::ArgumentValues("ids", paging::MAX_PAGE_ROWS),
        reason: "one object for each id",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &[
            "initiatives",
            "organisations",
            "places",
            "submissions",
            "revisions",
            "imports",
            "auditEvents",
        ],
        points: 5,
        reason: "searches a whole table, whatever the page",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: CONNECTION_SUFFIX,
        fields: &["totalCount"],
        points: 20,
        reason: "counts the whole list",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Crisis",
        fields: &["places"],
        times: Multiplier::AtMost(20),
        reason: "a crisis can affect many places",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Submission",
        fields: &["problems", "warnings", "changes"],
        points: 5,
        reason: "validates or compares a whole document",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Revision",
        fields: &["changes"],
        points: 5,
        reason: "compares two documents",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Mutation",
        fields: &["redactText"],
        points: 1_000,
        reason: "searches everything that is stored",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Mutation",
        fields: &["importRecords", "mergeOrganisations"],
        points: 500,
        reason: "writes many rows",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Mutation",
        fields: &[ANY_OTHER_FIELD],
        points: 50,
        reason: "2.5 ms: a record, its revision, its change, and the updates that follow",
        ..DEFAULT_WEIGHT
    },
];

/// Types whose objects weigh nothing, and why; every other object weighs [`OBJECT_POINTS`].
pub const WEIGHTLESS_TYPES: &[(&[&str], &str)] = &[
    (
        &["PageInfo", "VocabularyEntry", "Vocabulary", "Viewer", "RateLimit"],
        "needs no query",
    ),
    (
        &[
            "Pattern",
            "PatternGrid",
            "GridHeading",
            "GridCell",
            "SuppressedCell",
            "Associations",
            "Association",
            "EntryPointFlows",
            "EntryPointFlow",
            "Distribution",
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
        "included in the cost of the query",
    ),
];

/// An object, such as a row of the database.
pub const OBJECT_POINTS: u64 = 1;
/// A question to the schema itself.
pub const INTROSPECTION_POINTS: u64 = 20;
/// How many objects of the schema itself weigh a point: they are compiled in.
pub const SCHEMA_OBJECTS_PER_POINT: u64 = 200;
/// How long the lists of the schema's own objects are reckoned to be.
pub const SCHEMA_LIST_LENGTHS: &[(&str, u64)] = &[
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
pub const MIN_POINTS: u32 = 1;

/// The arguments whose values are compared with what each record has.
pub const FILTER_ARGUMENTS: [&str; 5] = ["filter", "when", "then", "among", "conditions"];
/// A value within one of these.
pub const COMPARISON_POINTS: u64 = 2;
/// A workbook of what is to be mended of an import: its rows are read and written anew.
pub const WORKBOOK_POINTS: u32 = 500;

type WeightsByField = HashMap<(&'static str, &'static str), &'static FieldWeight>;

static WEIGHTS_BY_FIELD: LazyLock<WeightsByField> = LazyLock::new(|| {
    FIELD_WEIGHTS
        .iter()
        .flat_map(|weight| {
            weight
                .fields
                .iter()
                .map(move |field| ((weight.type_name, *field), weight))
        })
        .collect()
});

/// What the table says of a field.
pub fn find_field_weight(of: &str, field: &str) -> &'static FieldWeight {
    let of = if of.ends_with(CONNECTION_SUFFIX) {
        CONNECTION_SUFFIX
    } else {
        of
    };
    let found = WEIGHTS_BY_FIELD
        .get(&(of, field))
        .or_else(|| WEIGHTS_BY_FIELD.get(&(of, ANY_OTHER_FIELD)));
    found.copied().unwrap_or(&DEFAULT_WEIGHT)
}

/// What an object of a type weighs.
pub fn object_points(of: &str) -> u64 {
    let is_weightless =
        of.ends_with(EDGE_SUFFIX) || WEIGHTLESS_TYPES.iter().any(|(types, _)| types.contains(&of));
    if is_weightless { 0 } else { OBJECT_POINTS }
}

impl FieldWeight {
    /// The points of the field itself, by how many values its arguments have: none where one is not given.
    pub fn field_points(&self, values: &dyn Fn(&str) -> Option<u64>) -> u64 {
        match self.with {
            Some((argument, times)) if values(argument).is_some() => self.points.saturating_mul(times),
            _ => self.points,
        }
    }

    /// How often what it holds is there.
    pub fn multiplier_value(&self, is_list: bool, values: &dyn Fn(&str) -> Option<u64>) -> u64 {
        // What has more values than it may is refused where it is looked at.
        let given = |argument, most: u64| values(argument).unwrap_or(0).min(most + 1);
        match self.times {
            Multiplier::Declared if is_list => ASSUMED_LIST_LENGTH,
            Multiplier::Declared => 1,
            Multiplier::AtMost(most) => most,
            Multiplier::ArgumentValues(argument, most) => given(argument, most),
            Multiplier::ArgumentPairs(argument, most) => {
                let values = given(argument, most);
                values * values.saturating_sub(1) / 2
            }
        }
    }
}

/// What a question to the engine weighs that comes another way than as a field of a document, by how many values its
/// arguments have, and how many are compared with.
pub fn pattern_query_points(field: &str, values: &dyn Fn(&str) -> Option<u64>, comparisons: u64) -> u32 {
    let weight = find_field_weight("Query", field);
    let held = weight.multiplier_value(false, values).saturating_mul(weight.each);
    let compared = comparisons.saturating_mul(COMPARISON_POINTS);
    let points = weight
        .field_points(values)
        .saturating_add(held)
        .saturating_add(compared);
    u32::try_from(points).unwrap_or(u32::MAX).max(MIN_POINTS)
}

/// The table as `docs/cost.md` shows it.
#[cfg(test)]
pub fn render_weights() -> String {
    use std::fmt::Write as _;

    let mut shown = String::from(
        "| field or object | points | multiplies its content by | reason |\n|---|---|---|---|\n",
    );
    for weight in FIELD_WEIGHTS {
        let what: Vec<String> = weight
            .fields
            .iter()
            .map(|field| match (weight.type_name, *field) {
                (CONNECTION_SUFFIX, field) => format!("`{field}` of any connection"),
                ("Mutation", ANY_OTHER_FIELD) => "every other mutation".into(),
                (of, field) => format!("`{of}.{field}`"),
            })
            .collect();
        let mut points = weight.points.to_string();
        if let Some((argument, times)) = weight.with {
            write!(points, "; {} with `{argument}`", weight.points * times).unwrap();
        }
        let mut times = match weight.times {
            Multiplier::Declared => String::new(),
            Multiplier::AtMost(most) => most.to_string(),
            Multiplier::ArgumentValues(argument, _) => format!("the number of `{argument}`"),
            Multiplier::ArgumentPairs(argument, _) => format!("the pairs of `{argument}`"),
        };
        if weight.each > 0 {
            write!(times, ", {} points for each", weight.each).unwrap();
        }
        writeln!(
            shown,
            "| {} | {points} | {times} | {} |",
            what.join(", "),
            weight.reason
        )
        .unwrap();
    }
    for (types, why) in WEIGHTLESS_TYPES {
        let types: Vec<String> = types.iter().map(|of| format!("`{of}`")).collect();
        writeln!(shown, "| an object of {} | 0 | | {why} |", types.join(", ")).unwrap();
    }
    writeln!(
        shown,
        "| any other object | {OBJECT_POINTS} | | a row of the database |"
    )
    .unwrap();
    let filters: Vec<String> = FILTER_ARGUMENTS.iter().map(|name| format!("`{name}`")).collect();
    writeln!(
        shown,
        "| a value within {} | {COMPARISON_POINTS} | | compared with what each record has |",
        filters.join(", ")
    )
    .unwrap();
    writeln!(shown, "| a figure, a text, a code | 0 | | part of its object |").unwrap();
    writeln!(
        shown,
        "| `__schema`, `__type` | {INTROSPECTION_POINTS} | a point for {SCHEMA_OBJECTS_PER_POINT} objects | compiled in |"
    )
    .unwrap();
    writeln!(
        shown,
        "| a download of an import's `correctionsUrl`, or of `/submissions/corrections.xlsx` | {WORKBOOK_POINTS} | | a workbook is written |"
    )
    .unwrap();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_document_matches_the_weights() {
        let document = include_str!("../../../../../docs/cost.md");
        let shown = render_weights();
        assert!(document.contains(&shown), "docs/cost.md must contain:\n{shown}");
    }

    #[test]
    fn csv_queries_cost_the_same_as_their_field() {
        assert_eq!(pattern_query_points("pattern", &|_| None, 0), 30);
        assert_eq!(pattern_query_points("pattern", &|_| None, 3), 36);
        assert_eq!(
            pattern_query_points("pattern", &|name| (name == "by").then_some(1), 0),
            240
        );
        assert_eq!(
            pattern_query_points("associations", &|_| Some(40), 0),
            20 + 780 * 3
        );
    }
}
