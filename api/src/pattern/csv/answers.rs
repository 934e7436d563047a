//! Builds CSV files from answers. The columns have the names of the GraphQL fields.

use async_graphql::{InputType, Value};
use wayin_entity::MissingReason;

use super::super::graphql::parts::{encode_group_key, to_graphql_count, to_visible_count};
use super::{CsvCell, CsvFile, estimate_cells};
use wayin_engine::answer::{
    AdjustedResults, Associations, Basis, DisclosedTable, Distribution, FlowCounts, Grid, PatternAnswer,
};
use wayin_engine::cautions;
use wayin_engine::cautions::Caution;
use wayin_engine::dimension::GroupName;
use wayin_engine::disclosure::DisclosedCount;
use wayin_engine::measures;
use wayin_engine::measures::Measures;
use wayin_engine::query::{PatternQuery, RecordScope};
use wayin_engine::summary;
use wayin_entity::{Labelled, to_heading};

/// What the head of every file contains.
pub struct CsvHeader<'a> {
    /// The kind of answer, in words.
    pub title: &'a str,
    /// The path of the route.
    pub path: &'a str,
    /// The parameters of the request, as name and text.
    pub parameters: Vec<(&'static str, String)>,
    /// The licence under which the file may be reused.
    pub licence: &'a str,
}

/// The measures that have a confidence interval.
const ESTIMATES: [&str; 5] = [
    "rateWhen",
    "rateOtherwise",
    "riskDifference",
    "riskRatio",
    "oddsRatio",
];

/// A pattern: one row for all initiatives, one for each group, one for the adjusted estimates, and one for each unknown
/// reason.
pub fn pattern_file(frame: CsvHeader<'_>, question: &PatternQuery, answer: &PatternAnswer) -> CsvFile {
    let mut head = frame.into_head(&answer.basis, cautions::list_pattern_cautions(answer));
    head.extra_lines = illustrative_lines(&answer.illustrative, &answer.basis);
    head.summary = Some(summary::render(question, answer).text());
    let mut groups: Vec<&(GroupName, DisclosedTable)> =
        answer.groups.iter().flat_map(|groups| &groups.tables).collect();
    groups.sort_by_cached_key(|(name, _)| name.rank());
    let row = |named: [CsvCell; 3],
               (table, basis): (&DisclosedTable, RecordScope),
               [p_value, odds_ratio]: [Option<f64>; 2]| {
        let mut row = named.to_vec();
        row.extend(table_cells(table, basis));
        row.extend([
            p_value.into(),
            odds_ratio.into(),
            suppressed(table.named_counts()),
        ]);
        row
    };
    let measured = answer.measured_table();
    let overall = row(
        [
            CsvCell::from_text("overall"),
            CsvCell::from_text("All"),
            CsvCell::Empty,
        ],
        (&answer.table, answer.figures_basis()),
        [
            measures::compute_p_value(&measured),
            measures::compute_conditional_odds_ratio(&measured),
        ],
    );
    let group_basis = answer
        .groups
        .as_ref()
        .map_or(answer.basis.scope, |groups| groups.basis);
    let of_groups = groups.into_iter().map(|(name, table)| {
        let [label, key] = label_and_key_cells(name);
        // No p-value for a single group: among many groups, some stand out by chance.
        row(
            [CsvCell::from_text("group"), label, key],
            (table, group_basis),
            [None, None],
        )
    });
    let adjusted = answer
        .groups
        .iter()
        .filter_map(|groups| groups.adjusted.as_ref().ok());
    CsvFile {
        head: head.into_lines(),
        columns: column_names(
            &["part", "label", "key"],
            true,
            &["pValue", "conditionalOddsRatio", "suppressed"],
        ),
        rows: std::iter::once(overall)
            .chain(of_groups)
            .chain(adjusted.map(|adjusted| adjusted_row(adjusted, group_basis)))
            .chain(answer.unknown_reasons.each().map(unknown_reason_row))
            .collect(),
    }
}

/// The row of one unknown reason. Its count is in the column `unknown`.
fn unknown_reason_row((why, shown): (Option<MissingReason>, &DisclosedCount)) -> Vec<CsvCell> {
    let label = why.map_or_else(|| "Not said".into(), |why| to_heading(why.label()));
    let key = why.map_or(CsvCell::Empty, |why| CsvCell::from_text(why.code()));
    let mut row = vec![
        CsvCell::from_text("unknownReasons"),
        CsvCell::from_text(label),
        key,
    ];
    let unknown = DisclosedTable {
        unknown: *shown,
        ..DisclosedTable::default()
    };
    let is_unknown = |(name, _): &(&str, &DisclosedCount)| *name == "unknown";
    let cells = unknown.named_counts().map(|count| {
        if is_unknown(&count) {
            [count_cell(count.1), visible_cell(count.1)]
        } else {
            [CsvCell::Empty, CsvCell::Empty]
        }
    });
    row.extend(cells.iter().map(|[count, _]| count.clone()));
    row.extend(cells.iter().map(|[_, visible]| visible.clone()));
    row.push(CsvCell::Empty);
    row.extend(measure_cells(&Measures::default()));
    row.extend([CsvCell::Empty, CsvCell::Empty, suppressed([("unknown", shown)])]);
    row
}

/// The row of the adjusted estimates: the Mantel-Haenszel ratios, and the p-value of the Cochran-Mantel-Haenszel test
/// without continuity correction.
fn adjusted_row(adjusted: &AdjustedResults, basis: RecordScope) -> Vec<CsvCell> {
    let figures = Measures {
        risk_ratio: adjusted.risk_ratio,
        odds_ratio: adjusted.odds_ratio,
        ..Measures::default()
    };
    let mut row = vec![
        CsvCell::from_text("adjusted"),
        CsvCell::from_text("Over all groups"),
        CsvCell::Empty,
    ];
    row.resize(
        row.len() + 2 * DisclosedTable::default().named_counts().len(),
        CsvCell::Empty,
    );
    row.push(CsvCell::Text(graphql_code(&basis)));
    row.extend(measure_cells(&figures));
    row.extend([
        adjusted.test.as_ref().map(|test| test.p_value).into(),
        CsvCell::Empty,
        CsvCell::Empty,
    ]);
    row
}

/// A grid: one row for each cell, including empty cells.
pub fn grid_file(frame: CsvHeader<'_>, grid: &Grid) -> CsvFile {
    let mut head = frame.into_head(&grid.basis, cautions::list_grid_cautions(grid));
    head.extra_lines = count_lines("population", &grid.population);
    head.extra_lines
        .extend(illustrative_lines(&grid.illustrative, &grid.basis));
    let cells = grid.rows.iter().enumerate().flat_map(|(at, (row, _))| {
        let crossed = grid.columns.iter().enumerate();
        crossed.map(move |(across, (column, _))| (at, row, across, column))
    });
    let rows = cells.zip(&grid.cells).map(|((at, row, across, column), shown)| {
        let against_chance = grid.compare_with_chance(at, across);
        let [row_label, row_key] = label_and_key_cells(row);
        let [column_label, column_key] = label_and_key_cells(column);
        vec![
            row_label,
            row_key,
            column_label,
            column_key,
            count_cell(shown),
            visible_cell(shown),
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
        "visibleCount",
        "expected",
        "residual",
        "suppressed",
    ];
    CsvFile {
        head: head.into_lines(),
        columns: column_names(&names, false, &[]),
        rows: rows.collect(),
    }
}

/// A distribution: one row for each value.
pub fn distribution_file(frame: CsvHeader<'_>, distribution: &Distribution) -> CsvFile {
    let cautions = cautions::list_distribution_cautions(distribution);
    let rows = distribution.bins.iter().map(|bin| {
        let mut row = label_and_key_cells(&bin.group).to_vec();
        row.extend(count_and_illustrative_cells(&bin.count, &bin.illustrative));
        row
    });
    CsvFile {
        head: frame.into_head(&distribution.basis, cautions).into_lines(),
        columns: column_names(
            &[
                "label",
                "key",
                "count",
                "visibleCount",
                "illustrative",
                "suppressed",
            ],
            false,
            &[],
        ),
        rows: rows.collect(),
    }
}

/// Flows: one row for each possible flow.
pub fn flows_file(frame: CsvHeader<'_>, flows: &FlowCounts) -> CsvFile {
    let cautions = cautions::list_flow_cautions(flows);
    let rows = flows.flows.iter().map(|flow| {
        let mut row = vec![
            CsvCell::from_text(flow.perspective.code()),
            CsvCell::from_text(flow.from.code()),
            CsvCell::from_text(flow.to.map_or(STAYED_LABEL, |to| to.code())),
        ];
        row.extend(count_and_illustrative_cells(&flow.count, &flow.illustrative));
        row
    });
    let names = [
        "perspective",
        "from",
        "to",
        "count",
        "visibleCount",
        "illustrative",
        "suppressed",
    ];
    CsvFile {
        head: frame.into_head(&flows.basis, cautions).into_lines(),
        columns: column_names(&names, false, &[]),
        rows: rows.collect(),
    }
}

/// The `to` of initiatives that stayed with their way in. An empty cell would look suppressed.
const STAYED_LABEL: &str = "STAYED";

/// Associations: one row for each pair, with its cautions.
pub fn associations_file(frame: CsvHeader<'_>, names: &[String], associations: &Associations) -> CsvFile {
    let rows = associations.pairs.iter().map(|pair| {
        let name = |at: usize| names.get(at).cloned().map_or(CsvCell::Empty, CsvCell::Text);
        let cautions: Vec<String> = cautions::list_pair_cautions(pair)
            .into_iter()
            .map(|caution| caution.text)
            .collect();
        let mut row = vec![name(pair.when_index), name(pair.then_index)];
        row.extend(table_cells(&pair.table, pair.basis));
        row.extend([
            pair.p_value.into(),
            pair.q_value.into(),
            suppressed(pair.table.named_counts()),
            CsvCell::Text(cautions.join(" ")),
        ]);
        row
    });
    let cautions = cautions::list_association_cautions(associations);
    let mut head = frame.into_head(&associations.basis, cautions);
    head.extra_lines = illustrative_lines(&associations.illustrative, &associations.basis);
    CsvFile {
        head: head.into_lines(),
        columns: column_names(
            &["when", "then"],
            true,
            &["pValue", "qValue", "suppressed", "cautions"],
        ),
        rows: rows.collect(),
    }
}

struct CsvHead<'a> {
    frame: CsvHeader<'a>,
    basis: &'a Basis,
    /// The answer in plain words. None for an answer without a summary.
    summary: Option<String>,
    /// The lines that only this kind of answer has.
    extra_lines: Vec<HeadLine>,
    cautions: Vec<Caution>,
}

/// A name and its value.
type HeadLine = (&'static str, CsvCell);

impl<'a> CsvHeader<'a> {
    fn into_head(self, basis: &'a Basis, cautions: Vec<Caution>) -> CsvHead<'a> {
        CsvHead {
            frame: self,
            basis,
            summary: None,
            extra_lines: Vec::new(),
            cautions,
        }
    }
}

impl CsvHead<'_> {
    fn into_lines(self) -> Vec<HeadLine> {
        let Self { frame, basis, .. } = self;
        let mut lines = vec![("about", CsvCell::from_text(frame.title))];
        lines.extend(self.summary.map(|summary| ("summary", CsvCell::Text(summary))));
        let parameters = frame.parameters.into_iter();
        lines.extend(parameters.map(|(name, text)| (name, CsvCell::Text(text))));
        let disclosure = if basis.hidden.is_controlled() {
            DISCLOSURE_CONTROL_NOTE
        } else {
            EXACT_NOTE
        };
        lines.extend([
            ("scope", CsvCell::Text(graphql_code(&basis.scope))),
            ("disclosure", CsvCell::from_text(disclosure)),
            ("as of change", CsvCell::Integer(basis.as_of.change_number)),
            ("as of date", date_cell(basis.as_of.changed_at)),
        ]);
        if basis.hidden.is_controlled() {
            let change = CsvCell::Integer(basis.hidden_as_of.change_number);
            lines.push(("hidden records as of change", change));
            lines.push((
                "hidden records as of date",
                date_cell(basis.hidden_as_of.changed_at),
            ));
        }
        lines.extend(self.extra_lines);
        let cautions = self.cautions.into_iter();
        lines.extend(cautions.map(|caution| ("caution", CsvCell::Text(caution.text))));
        let source = format!(
            "Wayin {}, {}: initiatives as this base publishes them",
            env!("CARGO_PKG_VERSION"),
            frame.path
        );
        lines.push(("source", CsvCell::Text(source)));
        lines.push(("licence", CsvCell::from_text(frame.licence)));
        lines
    }
}

const EXACT_NOTE: &str = "Counts are exact.";
const DISCLOSURE_CONTROL_NOTE: &str = "Counts that include hidden records are changed a little and rounded, or empty if they \
    would include too few hidden records. The columns that start with `visible` have exact counts of the records that you \
    can read in full. `basis` says from which records the measures of a row are computed.";

fn date_cell(at: Option<chrono::DateTime<chrono::Utc>>) -> CsvCell {
    at.map_or(CsvCell::Empty, |at| CsvCell::Text(at.to_rfc3339()))
}

/// The number of illustrative initiatives. No line if it is known that there are none.
fn illustrative_lines(shown: &DisclosedCount, basis: &Basis) -> Vec<HeadLine> {
    match shown.count {
        Some(0) => Vec::new(),
        None if !basis.has_illustrative => Vec::new(),
        _ => count_lines("illustrative", shown),
    }
}

/// A count in the head. If it is suppressed, a second line has the rule, in the form of the column `suppressed`.
fn count_lines(name: &'static str, shown: &DisclosedCount) -> Vec<HeadLine> {
    let mut lines = vec![(name, count_cell(shown))];
    if shown.suppressed.is_some() {
        lines.push(("suppressed", suppressed([(name, shown)])));
    }
    lines
}

fn count_cell(shown: &DisclosedCount) -> CsvCell {
    to_graphql_count(shown).into()
}

/// The exact count of the records that the requester can read in full.
fn visible_cell(shown: &DisclosedCount) -> CsvCell {
    CsvCell::Integer(to_visible_count(shown))
}

/// The column of the visible count of `name`: "visibleBoth" for "both".
fn name_visible_column(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("visible{}{rest}", first.to_uppercase())
}

fn label_and_key_cells(name: &GroupName) -> [CsvCell; 2] {
    [
        CsvCell::from_text(name.label.as_str()),
        encode_group_key(&name.key).map_or(CsvCell::Empty, CsvCell::Text),
    ]
}

/// The names of the columns: `before`, those of [`table_cells`] if `table` is true, and `after`.
fn column_names(before: &[&str], table: bool, after: &[&str]) -> Vec<String> {
    let mut columns: Vec<String> = before.iter().map(ToString::to_string).collect();
    if table {
        let counts = DisclosedTable::default().named_counts().map(|(name, _)| name);
        columns.extend(counts.map(ToOwned::to_owned));
        columns.extend(counts.map(name_visible_column));
        columns.push("basis".to_owned());
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

/// The eight counts, the same counts of visible records, the basis, and the measures that are computed from the counts of the
/// basis.
fn table_cells(table: &DisclosedTable, basis: RecordScope) -> Vec<CsvCell> {
    let counts = table.named_counts();
    let disclosed = counts.iter().map(|(_, shown)| count_cell(shown));
    let visible = counts.iter().map(|(_, shown)| visible_cell(shown));
    disclosed
        .chain(visible)
        .chain([CsvCell::Text(graphql_code(&basis))])
        .chain(measure_cells(&Measures::from_table(&table.of_basis(basis))))
        .collect()
}

/// The cells for [`ESTIMATES`], and phi.
fn measure_cells(figures: &Measures) -> impl Iterator<Item = CsvCell> + use<> {
    let estimates = [
        figures.rate_when,
        figures.rate_otherwise,
        figures.risk_difference,
        figures.risk_ratio,
        figures.odds_ratio,
    ];
    estimates
        .into_iter()
        .flat_map(estimate_cells)
        .chain(std::iter::once(figures.phi.into()))
}

fn count_and_illustrative_cells(counted: &DisclosedCount, illustrative: &DisclosedCount) -> [CsvCell; 4] {
    [
        count_cell(counted),
        visible_cell(counted),
        count_cell(illustrative),
        suppressed([("count", counted), ("illustrative", illustrative)]),
    ]
}

/// The suppressed counts, each with its rule.
fn suppressed<'a>(counts: impl IntoIterator<Item = (&'static str, &'a DisclosedCount)>) -> CsvCell {
    let rules: Vec<String> = counts
        .into_iter()
        .filter_map(|(name, shown)| Some(format!("{name}: {}", graphql_code(&shown.suppressed?))))
        .collect();
    if rules.is_empty() {
        CsvCell::Empty
    } else {
        CsvCell::Text(rules.join("; "))
    }
}

/// A code, as it is written in GraphQL.
fn graphql_code(one: &impl InputType) -> String {
    match one.to_value() {
        Value::Enum(name) => name.to_string(),
        other => other.to_string(),
    }
}
