//! From answers to files: the same figures, under the names that they have in GraphQL.

use async_graphql::{InputType, Value};
use wayin_entity::MissingReason;

use super::super::graphql::parts::{key_text, number};
use super::{Cell, File, with_interval};
use wayin_engine::answer::{
    Adjusted, Association, Basis, Distribution, FLOWS_OVERLAP, Flows, Grid, PatternAnswer, Table,
};
use wayin_engine::cautions;
use wayin_engine::cautions::{Caution, CautionCode};
use wayin_engine::dimension::GroupName;
use wayin_engine::disclosure::Shown;
use wayin_engine::measures;
use wayin_engine::measures::Figures;
use wayin_engine::query::Question;
use wayin_engine::summary;
use wayin_entity::{Labelled, heading};

/// What a file says of itself, whatever the answer is.
pub struct Frame<'a> {
    /// What kind of answer it holds, in words.
    pub about: &'a str,
    /// From where it was sent, as a path of the service.
    pub path: &'a str,
    /// What was asked, by parameter.
    pub asked: Vec<(&'static str, String)>,
    /// The licence under which it may be used again.
    pub licence: &'a str,
}

/// The figures of a table that come with an interval.
const ESTIMATES: [&str; 5] = [
    "rateWhen",
    "rateOtherwise",
    "riskDifference",
    "riskRatio",
    "oddsRatio",
];

/// A pattern: one row over all, one for each group, what is found over all groups together,
/// and one for each reason of those that are not known.
pub fn pattern(frame: Frame<'_>, question: &Question, answer: &PatternAnswer) -> File {
    let mut head = frame.head(&answer.basis, cautions::of_pattern(answer));
    head.own = illustrative(&answer.illustrative, &answer.basis);
    head.summary = Some(summary::render(question, answer));
    let mut groups: Vec<&(GroupName, Table)> =
        answer.groups.iter().flat_map(|groups| &groups.tables).collect();
    groups.sort_by_cached_key(|(name, _)| name.rank());
    let row = |named: [Cell; 3], table: &Table, [p_value, odds_ratio]: [Option<f64>; 2]| {
        let mut row = named.to_vec();
        row.extend(of_table(table));
        row.extend([p_value.into(), odds_ratio.into(), suppressed(table.named())]);
        row
    };
    let overall = row(
        [Cell::text("overall"), Cell::text("All"), Cell::Empty],
        &answer.table,
        [
            measures::p_value(&answer.table),
            measures::conditional_odds_ratio(&answer.table),
        ],
    );
    let of_groups = groups.into_iter().map(|(name, table)| {
        let [label, key] = label_and_key(name);
        // Groups are not tested one by one: of many, some are striking by chance.
        row([Cell::text("group"), label, key], table, [None, None])
    });
    let adjusted = answer
        .groups
        .iter()
        .filter_map(|groups| groups.adjusted.as_ref().ok());
    File {
        head: head.lines(),
        columns: columns(
            &["part", "label", "key"],
            true,
            &["pValue", "conditionalOddsRatio", "suppressed"],
        ),
        rows: std::iter::once(overall)
            .chain(of_groups)
            .chain(adjusted.map(of_adjusted))
            .chain(answer.unknown_reasons.each().map(of_unknown))
            .collect(),
    }
}

/// The row of those that are not known for one reason; their count stands under `unknown`.
fn of_unknown((why, shown): (Option<MissingReason>, &Shown)) -> Vec<Cell> {
    let label = why.map_or_else(|| "Not said".into(), |why| heading(why.label()));
    let key = why.map_or(Cell::Empty, |why| Cell::text(why.code()));
    let mut row = vec![Cell::text("unknownReasons"), Cell::text(label), key];
    let names = Table::default().named().map(|(name, _)| name);
    row.extend(names.map(|name| {
        if name == "unknown" {
            count(shown)
        } else {
            Cell::Empty
        }
    }));
    row.extend(of_figures(&Figures::default()));
    row.extend([Cell::Empty, Cell::Empty, suppressed([("unknown", shown)])]);
    row
}

/// The row of what is found over all groups: the Mantel-Haenszel ratios, and the p-value of the
/// Cochran-Mantel-Haenszel test without continuity correction.
fn of_adjusted(adjusted: &Adjusted) -> Vec<Cell> {
    let figures = Figures {
        risk_ratio: adjusted.risk_ratio,
        odds_ratio: adjusted.odds_ratio,
        ..Figures::default()
    };
    let mut row = vec![Cell::text("adjusted"), Cell::text("Over all groups"), Cell::Empty];
    row.resize(row.len() + Table::default().named().len(), Cell::Empty);
    row.extend(of_figures(&figures));
    row.extend([
        adjusted.test.as_ref().map(|test| test.p_value).into(),
        Cell::Empty,
        Cell::Empty,
    ]);
    row
}

/// A grid: one row for each cell, empty ones too.
pub fn grid(frame: Frame<'_>, grid: &Grid) -> File {
    let cautions = cautions::of_counts(&grid.basis, &grid.illustrative, grid.overlap, grid.cells.iter());
    let mut head = frame.head(&grid.basis, cautions);
    head.own = number_of("population", &grid.population);
    head.own.extend(illustrative(&grid.illustrative, &grid.basis));
    let cells = grid.rows.iter().enumerate().flat_map(|(at, (row, _))| {
        let crossed = grid.columns.iter().enumerate();
        crossed.map(move |(across, (column, _))| (at, row, across, column))
    });
    let rows = cells.zip(&grid.cells).map(|((at, row, across, column), shown)| {
        let against_chance = grid.against_chance(at, across);
        let [row_label, row_key] = label_and_key(row);
        let [column_label, column_key] = label_and_key(column);
        vec![
            row_label,
            row_key,
            column_label,
            column_key,
            count(shown),
            against_chance.map(|found| found.expected).into(),
            against_chance.and_then(|found| found.residual).into(),
            suppressed([("count", shown)]),
        ]
    });
    let names = [
        "row",
        "rowKey",
        "column",
        "columnKey",
        "count",
        "expected",
        "residual",
        "suppressed",
    ];
    File {
        head: head.lines(),
        columns: columns(&names, false, &[]),
        rows: rows.collect(),
    }
}

/// A distribution: one row for each value.
pub fn distribution(frame: Frame<'_>, distribution: &Distribution) -> File {
    let mut bins: Vec<_> = distribution.bins.iter().collect();
    bins.sort_by_cached_key(|bin| bin.name.rank());
    let marked = bins.iter().map(|bin| (&bin.count, &bin.illustrative));
    let cautions = cautions::of_marked_counts(&distribution.basis, distribution.overlap, marked);
    let rows = bins.iter().map(|bin| {
        let mut row = label_and_key(&bin.name).to_vec();
        row.extend(of_marked(&bin.count, &bin.illustrative));
        row
    });
    File {
        head: frame.head(&distribution.basis, cautions).lines(),
        columns: columns(
            &["label", "key", "count", "illustrative", "suppressed"],
            false,
            &[],
        ),
        rows: rows.collect(),
    }
}

/// Moves: one row for each that there can be.
pub fn flows(frame: Frame<'_>, flows: &Flows) -> File {
    let marked = flows.flows.iter().map(|flow| (&flow.count, &flow.illustrative));
    let cautions = cautions::of_marked_counts(&flows.basis, FLOWS_OVERLAP, marked);
    let rows = flows.flows.iter().map(|flow| {
        let mut row = vec![
            Cell::text(flow.perspective.code()),
            Cell::text(flow.from.code()),
            Cell::text(flow.to.map_or(STAYED, |to| to.code())),
        ];
        row.extend(of_marked(&flow.count, &flow.illustrative));
        row
    });
    let names = ["perspective", "from", "to", "count", "illustrative", "suppressed"];
    File {
        head: frame.head(&flows.basis, cautions).lines(),
        columns: columns(&names, false, &[]),
        rows: rows.collect(),
    }
}

/// Where those moved to that stayed with their way in: an empty cell would look like one that is suppressed.
const STAYED: &str = "STAYED";

/// Pairs: one row for each. What there is to mind of a single pair stands in its row.
pub fn associations(frame: Frame<'_>, names: &[String], found: &[Association]) -> File {
    let of_one_pair = |caution: &Caution| {
        matches!(
            caution.code,
            CautionCode::SmallNumbers | CautionCode::MuchUnknown | CautionCode::NotComputable
        )
    };
    let mut of_all: Vec<Caution> = Vec::new();
    let mut rows = Vec::with_capacity(found.len());
    for pair in found {
        let (own, shared): (Vec<Caution>, Vec<Caution>) =
            cautions::of_pair(pair).into_iter().partition(of_one_pair);
        for caution in shared {
            if !of_all.contains(&caution) {
                of_all.push(caution);
            }
        }
        let own: Vec<String> = own.into_iter().map(|caution| caution.text).collect();
        let name = |at: usize| names.get(at).cloned().map_or(Cell::Empty, Cell::Text);
        let mut row = vec![name(pair.when), name(pair.then)];
        row.extend(of_table(&pair.table));
        row.extend([
            pair.p_value.into(),
            pair.q_value.into(),
            suppressed(pair.table.named()),
            Cell::Text(own.join(" ")),
        ]);
        rows.push(row);
    }
    let head = found.first().map(|pair| {
        let mut head = frame.head(&pair.basis, of_all);
        head.own = illustrative(&pair.illustrative, &pair.basis);
        head.lines()
    });
    File {
        head: head.unwrap_or_default(),
        columns: columns(
            &["when", "then"],
            true,
            &["pValue", "qValue", "suppressed", "cautions"],
        ),
        rows,
    }
}

/// The head of a file.
struct Head<'a> {
    frame: Frame<'a>,
    basis: &'a Basis,
    /// The answer in plain words, where it has them.
    summary: Option<String>,
    /// What this kind of answer has beside what all have.
    own: Vec<Line>,
    cautions: Vec<Caution>,
}

/// A line of the head: a name and what it stands for.
type Line = (&'static str, Cell);

impl<'a> Frame<'a> {
    fn head(self, basis: &'a Basis, cautions: Vec<Caution>) -> Head<'a> {
        Head {
            frame: self,
            basis,
            summary: None,
            own: Vec::new(),
            cautions,
        }
    }
}

impl Head<'_> {
    fn lines(self) -> Vec<Line> {
        let Self { frame, basis, .. } = self;
        let mut lines = vec![("about", Cell::text(frame.about))];
        lines.extend(self.summary.map(|summary| ("summary", Cell::Text(summary))));
        let asked = frame.asked.into_iter();
        lines.extend(asked.map(|(name, text)| (name, Cell::Text(text))));
        let disclosure = if basis.controlled { CONTROLLED } else { EXACT };
        lines.extend([
            ("scope", Cell::Text(code(&basis.scope))),
            ("disclosure", Cell::text(disclosure)),
            ("as of change", Cell::Whole(basis.as_of.change)),
            ("as of date", date(basis.as_of.at)),
        ]);
        if basis.controlled {
            let change = Cell::Whole(basis.hidden_as_of.change);
            lines.push(("hidden records as of change", change));
            lines.push(("hidden records as of date", date(basis.hidden_as_of.at)));
        }
        lines.extend(self.own);
        let cautions = self.cautions.into_iter();
        lines.extend(cautions.map(|caution| ("caution", Cell::Text(caution.text))));
        let source = format!(
            "Wayin {}, {}: initiatives as this base publishes them",
            env!("CARGO_PKG_VERSION"),
            frame.path
        );
        lines.push(("source", Cell::Text(source)));
        lines.push(("licence", Cell::text(frame.licence)));
        lines
    }
}

const EXACT: &str = "Counts are exact.";
const CONTROLLED: &str = "Under disclosure control: of records that may only be counted, counts are moved a little \
    and rounded to the nearest 5, or suppressed. The column `withheld` names such a count and the rule; where it is \
    not empty all the same, it is of the records that you may read whole alone, and the figures of its row with it.";

fn date(at: Option<chrono::DateTime<chrono::Utc>>) -> Cell {
    at.map_or(Cell::Empty, |at| Cell::Text(at.to_rfc3339()))
}

/// How many were made up; no line where it is known that none were.
fn illustrative(shown: &Shown, basis: &Basis) -> Vec<Line> {
    match shown.count {
        Some(0) => Vec::new(),
        None if !basis.any_illustrative => Vec::new(),
        _ => number_of("illustrative", shown),
    }
}

/// A count in the head; where it is suppressed the rule follows in a line of its own, as in the tables' column.
fn number_of(name: &'static str, shown: &Shown) -> Vec<Line> {
    let mut lines = vec![(name, count(shown))];
    if shown.suppressed.is_some() {
        lines.push(("suppressed", suppressed([(name, shown)])));
    }
    lines
}

fn count(shown: &Shown) -> Cell {
    number(shown).into()
}

fn label_and_key(name: &GroupName) -> [Cell; 2] {
    [
        Cell::text(name.label.as_str()),
        key_text(&name.key).map_or(Cell::Empty, Cell::Text),
    ]
}

/// The names of columns: some, where there are tables those of [`of_table`], and more.
fn columns(before: &[&str], table: bool, after: &[&str]) -> Vec<String> {
    let mut columns: Vec<String> = before.iter().map(ToString::to_string).collect();
    if table {
        columns.extend(Table::default().named().map(|(name, _)| name.to_owned()));
        columns.extend(
            ESTIMATES
                .iter()
                .flat_map(|name| [(*name).to_owned(), format!("{name}Lower"), format!("{name}Upper")]),
        );
        columns.push("phi".to_owned());
    }
    columns.extend(after.iter().map(ToString::to_string));
    columns
}

/// The eight counts, and the figures that are worked out from them.
fn of_table(table: &Table) -> Vec<Cell> {
    let counts = table.named().map(|(_, shown)| count(shown));
    counts
        .into_iter()
        .chain(of_figures(&Figures::of(table)))
        .collect()
}

/// Figures under the columns of [`ESTIMATES`], and phi.
fn of_figures(figures: &Figures) -> impl Iterator<Item = Cell> + use<> {
    let estimates = [
        figures.rate_when,
        figures.rate_otherwise,
        figures.risk_difference,
        figures.risk_ratio,
        figures.odds_ratio,
    ];
    estimates
        .into_iter()
        .flat_map(with_interval)
        .chain(std::iter::once(figures.phi.into()))
}

fn of_marked(counted: &Shown, illustrative: &Shown) -> [Cell; 3] {
    [
        count(counted),
        count(illustrative),
        suppressed([("count", counted), ("illustrative", illustrative)]),
    ]
}

/// The counts that do not hold the records that may only be counted, each with the rule.
fn suppressed<'a>(counts: impl IntoIterator<Item = (&'static str, &'a Shown)>) -> Cell {
    let rules: Vec<String> = counts
        .into_iter()
        .filter_map(|(name, shown)| Some(format!("{name}: {}", code(&shown.suppressed?))))
        .collect();
    if rules.is_empty() {
        Cell::Empty
    } else {
        Cell::Text(rules.join("; "))
    }
}

/// A code as GraphQL writes it.
fn code(one: &impl InputType) -> String {
    match one.to_value() {
        Value::Enum(name) => name.to_string(),
        other => other.to_string(),
    }
}
