//! The cost of each field in points. `docs/cost.md` shows the same table, and a test compares the two.
//!
//! A point is about 0.05 milliseconds on one processor with a database of a million records: the time to read
//! a row and write it into a response. The costs of patterns were measured (`docs/performance.md`) under
//! disclosure control and with dimensions of many values, as dashboards send them.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::paging;
use crate::pattern::question_audit;
use wayin_engine::query::{MAX_COMPARED_GROUPS, MAX_PAIRED_CONDITIONS};

/// How often the content of a field occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplier {
    /// Once, or, for a list, [`ASSUMED_LIST_LENGTH`] times.
    Declared,
    /// At most this many times.
    AtMost(u64),
    /// Once for each row of a page, whose size is the argument `first`.
    PageRows,
    /// Once for each value of an argument, up to a maximum.
    ArgumentValues(&'static str, u64),
    /// Once for each pair of values of an argument, with up to a maximum number of values.
    ArgumentPairs(&'static str, u64),
}

/// The cost of some fields of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldWeight {
    /// The type. [`CONNECTION_SUFFIX`] means all connections.
    pub type_name: &'static str,
    /// The fields. [`ANY_OTHER_FIELD`] means those that no other row of the type names.
    pub fields: &'static [&'static str],
    /// The points of the field itself.
    pub points: u64,
    /// The argument that multiplies `points` if it is given, and the factor.
    pub with: Option<(&'static str, u64)>,
    /// How often the content of the field occurs.
    pub times: Multiplier,
    /// The points of each occurrence, in addition to those of its type.
    pub each: u64,
    /// The reason for the cost.
    pub reason: &'static str,
}

/// The assumed number of items in a list of unknown length.
pub const ASSUMED_LIST_LENGTH: u64 = 5;
/// The suffix of the names of connections.
pub const CONNECTION_SUFFIX: &str = "Connection";
/// The suffix of the names of edges.
pub const EDGE_SUFFIX: &str = "Edge";
/// Matches the fields of a type that no other row names.
pub const ANY_OTHER_FIELD: &str = "*";

/// The default weight.
const DEFAULT_WEIGHT: FieldWeight = FieldWeight {
    type_name: "",
    fields: &[],
    points: 0,
    with: None,
    times: Multiplier::Declared,
    each: 0,
    reason: "",
};

/// The table. A field that is not in it costs nothing itself.
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
        fields: &["pattern", "trend"],
        points: 30,
        reason: "a stored question: its answer is kept until the evidence changes, and writing the groups costs the most",
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
        reason: "counted by the field that returns them",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &["compare"],
        points: 30,
        times: Multiplier::ArgumentValues("groups", MAX_COMPARED_GROUPS as u64),
        each: 30,
        reason: "a pattern without groups, for each group",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Comparison",
        fields: &["groups"],
        times: Multiplier::AtMost(1),
        reason: "counted by the field that returns them",
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
            "reflections",
            "submissions",
            "revisions",
            "imports",
            "auditEvents",
            "notices",
        ],
        points: 5,
        reason: "searches a whole table, whatever the page",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &["changes"],
        points: 50,
        times: Multiplier::PageRows,
        reason: "reads 500 changes, and earlier versions of what can no longer be read",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "InitiativeChanges",
        fields: &["changes"],
        times: Multiplier::AtMost(1),
        reason: "counted by the field that returns them",
        ..DEFAULT_WEIGHT
    },
    FieldWeight {
        type_name: "Query",
        fields: &["questionCounts"],
        points: 50,
        times: Multiplier::AtMost(question_audit::MAX_LISTED_MEMBERS),
        reason: "stores the counts of the server, adds up those of a year, and lists many members",
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

/// Types whose objects cost nothing, with the reason. Every other object costs [`OBJECT_POINTS`].
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
            "PatternSummary",
            "PatternConditions",
            "Associations",
            "Association",
            "Comparison",
            "ComparedGroup",
            "ComparisonSummary",
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
            "InitiativeChanges",
        ],
        "included in the cost of the query",
    ),
];

/// The cost of an object, such as a row of the database.
pub const OBJECT_POINTS: u64 = 1;
/// The cost of introspection.
pub const INTROSPECTION_POINTS: u64 = 20;
/// The number of introspection objects that cost one point. They are cheap because they are compiled in.
pub const SCHEMA_OBJECTS_PER_POINT: u64 = 200;
/// The assumed lengths of the lists in the introspection schema.
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
/// The minimum cost of a request, including one that is rejected.
pub const MIN_POINTS: u32 = 1;

/// The arguments whose values are compared with each record.
pub const FILTER_ARGUMENTS: [&str; 6] = ["filter", "when", "then", "among", "conditions", "groups"];
/// The cost of each value in one of these arguments.
pub const COMPARISON_POINTS: u64 = 2;
/// The cost of the corrections workbook of an import, for which its rows are read and written again.
pub const WORKBOOK_POINTS: u32 = 500;
/// The cost of a picture of a page as PNG, which is drawn for each download.
pub const PNG_POINTS: u32 = 400;
/// The cost of a board paper as PDF, which is written for each download.
pub const PDF_POINTS: u32 = 200;

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

/// Finds the weight of a field in the table.
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

/// Returns the cost of an object of a type.
pub fn object_points(of: &str) -> u64 {
    let is_weightless =
        of.ends_with(EDGE_SUFFIX) || WEIGHTLESS_TYPES.iter().any(|(types, _)| types.contains(&of));
    if is_weightless { 0 } else { OBJECT_POINTS }
}

impl FieldWeight {
    /// Returns the points of the field itself. `values` returns the number of values of an argument, or None
    /// if it is not given.
    pub fn field_points(&self, values: &dyn Fn(&str) -> Option<u64>) -> u64 {
        match self.with {
            Some((argument, times)) if values(argument).is_some() => self.points.saturating_mul(times),
            _ => self.points,
        }
    }

    /// Returns how often the content of the field occurs.
    pub fn multiplier_value(&self, is_list: bool, values: &dyn Fn(&str) -> Option<u64>) -> u64 {
        // An argument with more values than the maximum is rejected later.
        let given = |argument, most: u64| values(argument).unwrap_or(0).min(most + 1);
        match self.times {
            Multiplier::Declared if is_list => ASSUMED_LIST_LENGTH,
            Multiplier::Declared => 1,
            Multiplier::AtMost(most) => most,
            // The estimate of an operation knows the size of the page.
            Multiplier::PageRows => paging::DEFAULT_PAGE_ROWS,
            Multiplier::ArgumentValues(argument, most) => given(argument, most),
            Multiplier::ArgumentPairs(argument, most) => {
                let values = given(argument, most);
                values * values.saturating_sub(1) / 2
            }
        }
    }
}

/// Computes the cost of a query to the engine that is not a field of a document. `values` returns the number
/// of values of an argument, and `comparisons` is the number of values that are compared.
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

/// Renders the table as `docs/cost.md` shows it.
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
            Multiplier::PageRows => format!("`first`, or {}", paging::DEFAULT_PAGE_ROWS),
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
    writeln!(
        shown,
        "| a picture of a page as PNG | {PNG_POINTS} | | a picture is drawn |"
    )
    .unwrap();
    writeln!(
        shown,
        "| a board paper as PDF | {PDF_POINTS} | | 10 ms: a page is laid out and written |"
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
        assert_eq!(pattern_query_points("compare", &|_| None, 0), 30);
        assert_eq!(
            pattern_query_points("compare", &|name| (name == "groups").then_some(10), 0),
            30 + 10 * 30
        );
    }
}
