//! Builds the table and the details of each kind of answer.
//!
//! Each row of a table counts one kind of records, and its figures are computed from its counts. Under disclosure
//! control, a group has a row of all records and a row of readable records; otherwise it has one row. So a column has one
//! meaning, and a filter on `use for comparison` leaves one row for each group.

use wayin_entity::{EntryPoint, Labelled, MissingReason, Perspective, to_heading};

use super::super::graphql::parts::encode_group_key;
use super::details::{DetailLine, ExportDetails, ExportRequest, format_code, to_line};
use super::tables::{ExportCell, ExportTable, list_estimate_cells};
use wayin_engine::answer::{
    AdjustedResults, Associations, Basis, ComparisonAnswer, ComparisonQuery, DisclosedTable, Distribution,
    FlowCounts, Grid, PatternAnswer,
};
use wayin_engine::cautions;
use wayin_engine::dimension::GroupName;
use wayin_engine::disclosure::DisclosedCount;
use wayin_engine::measures;
use wayin_engine::measures::Measures;
use wayin_engine::query::{PatternQuery, RecordScope};
use wayin_engine::statistics::Estimate;
use wayin_engine::summary;
use wayin_engine::summary::comparison;
use wayin_engine::verdict::{Finding, Verdict};

/// The table of an answer, and what a file says about it.
pub type DetailedTable = (ExportDetails, ExportTable);

/// Which records a row counts.
const RECORDS_HEADER: &str = "records";
/// Whether the summary, the cautions and the charts use the row.
const COMPARISON_HEADER: &str = "use for comparison";
const INITIATIVES_HEADER: &str = "initiatives";
const ILLUSTRATIVE_HEADER: &str = "illustrative";
const SUPPRESSED_HEADER: &str = "suppressed";

/// The headers of the counts of a table, in the order of [`DisclosedTable::named_counts`].
const COUNT_HEADERS: [&str; 8] = [
    INITIATIVES_HEADER,
    "both",
    "first only",
    "second only",
    "neither",
    "unknown",
    "first unknown",
    "second unknown",
];

/// The headers of the measures of a group, in the order of [`list_share_cells`].
const GROUP_MEASURE_HEADERS: [&str; 9] = [
    "rate in the group (%)",
    "rate in the group lower (%)",
    "rate in the group upper (%)",
    "rate of the rest (%)",
    "rate of the rest lower (%)",
    "rate of the rest upper (%)",
    "difference (points)",
    "difference lower (points)",
    "difference upper (points)",
];

/// The headers of the measures, in the order of [`list_measure_cells`].
const MEASURE_HEADERS: [&str; 16] = [
    "rate with first (%)",
    "rate with first lower (%)",
    "rate with first upper (%)",
    "rate of the rest (%)",
    "rate of the rest lower (%)",
    "rate of the rest upper (%)",
    "difference (points)",
    "difference lower (points)",
    "difference upper (points)",
    "risk ratio",
    "risk ratio lower",
    "risk ratio upper",
    "odds ratio",
    "odds ratio lower",
    "odds ratio upper",
    "phi",
];

/// A pattern: rows for all initiatives (`total`) and for each group (`group`). The adjusted estimates and the reasons why
/// answers are not known are about no row, and so in the details.
pub fn build_pattern_table(
    request: ExportRequest,
    question: &PatternQuery,
    answer: &PatternAnswer,
) -> DetailedTable {
    let mut details = ExportDetails::new(request, answer.basis, cautions::list_pattern_cautions(answer));
    details.summary = Some(summary::render(question, answer).text());
    details.figures = list_illustrative_lines(&answer.illustrative, &answer.basis);
    let mut groups: Vec<&(GroupName, DisclosedTable)> =
        answer.groups.iter().flat_map(|groups| &groups.tables).collect();
    groups.sort_by_cached_key(|(name, _)| name.rank());
    if let Some(groups) = &answer.groups
        && let Ok(adjusted) = &groups.adjusted
    {
        details.figures.extend(list_adjusted_lines(adjusted));
    }
    let reasons = answer.unknown_reasons.each();
    details
        .figures
        .extend(reasons.flat_map(|reason| list_unknown_reason_lines(reason, &answer.basis)));
    let mut rows = Vec::new();
    for records in list_counted_records(&answer.basis) {
        let counted = answer.table.of_basis(*records);
        let mut row = vec![
            ExportCell::from_text("total"),
            ExportCell::from_text("All"),
            ExportCell::Empty,
        ];
        row.extend(list_table_cells(&counted, *records, answer.figures_basis()));
        row.extend([
            ExportCell::from_p_value(measures::compute_p_value(&counted)),
            ExportCell::from_ratio(measures::compute_conditional_odds_ratio(&counted)),
            list_suppressed(&counted),
        ]);
        rows.push(row);
    }
    let group_basis = answer
        .groups
        .as_ref()
        .map_or(answer.basis.scope, |groups| groups.basis);
    for (name, table) in groups {
        for records in list_counted_records(&answer.basis) {
            let counted = table.of_basis(*records);
            let mut row = vec![ExportCell::from_text("group")];
            row.extend(list_label_cells(name));
            row.extend(list_table_cells(&counted, *records, group_basis));
            // No p-value for a single group: among many groups, some stand out by chance.
            row.extend([ExportCell::Empty, ExportCell::Empty, list_suppressed(&counted)]);
            rows.push(row);
        }
    }
    let columns = list_columns(
        &["part", "group", "key"],
        &["p-value", "conditional odds ratio", SUPPRESSED_HEADER],
    );
    (details, ExportTable { columns, rows })
}

/// How many initiatives have an unknown condition for a reason, or without one.
fn list_unknown_reason_lines(
    (why, shown): (Option<MissingReason>, &DisclosedCount),
    basis: &Basis,
) -> Vec<DetailLine> {
    let reason = why.map_or("not said", Labelled::label);
    let line = |records: RecordScope| {
        let name = format!("unknown because {reason}, {} records", name_records(records));
        (name, ExportCell::from_count(&shown.of_basis(records)))
    };
    list_counted_records(basis).iter().copied().map(line).collect()
}

/// The Mantel-Haenszel ratios, and the p-value of the Cochran-Mantel-Haenszel test without continuity correction.
fn list_adjusted_lines(adjusted: &AdjustedResults) -> Vec<DetailLine> {
    let ratios = [
        ("risk ratio", adjusted.risk_ratio),
        ("odds ratio", adjusted.odds_ratio),
    ];
    let mut lines: Vec<DetailLine> = Vec::new();
    for (name, estimate) in ratios {
        let names = ["", " lower", " upper"].map(|end| format!("adjusted {name}{end}"));
        lines.extend(
            names
                .into_iter()
                .zip(list_estimate_cells(estimate, ExportCell::from_ratio)),
        );
    }
    let p_value = adjusted.test.as_ref().map(|test| test.p_value);
    lines.push(("adjusted p-value".into(), ExportCell::from_p_value(p_value)));
    lines
}

/// A grid: rows for each cell, including empty cells.
pub fn build_grid_table(request: ExportRequest, grid: &Grid) -> DetailedTable {
    let mut details = ExportDetails::new(request, grid.basis, cautions::list_grid_cautions(grid));
    details.figures = list_count_lines("population", &grid.population);
    details
        .figures
        .extend(list_illustrative_lines(&grid.illustrative, &grid.basis));
    let of_records: Vec<Grid> = list_counted_records(&grid.basis)
        .iter()
        .map(|records| Grid {
            figures_basis: *records,
            ..grid.clone()
        })
        .collect();
    let mut rows = Vec::new();
    let mut cells = grid.cells.iter();
    for (at, (row_name, _)) in grid.rows.iter().enumerate() {
        for ((across, (column_name, _)), shown) in grid.columns.iter().enumerate().zip(&mut cells) {
            for counted in &of_records {
                let records = counted.figures_basis;
                let against_chance = counted.compare_with_chance(at, across);
                let count = shown.of_basis(records);
                let mut row = list_label_cells(row_name).to_vec();
                row.extend(list_label_cells(column_name));
                row.extend(list_record_cells(records, grid.figures_basis));
                row.extend([
                    ExportCell::from_count(&count),
                    ExportCell::from_ratio(against_chance.map(|found| found.expected)),
                    ExportCell::from_ratio(against_chance.and_then(|found| found.residual)),
                    join_suppressed([(INITIATIVES_HEADER, &count)]),
                ]);
                rows.push(row);
            }
        }
    }
    let columns = [
        "row",
        "row key",
        "column",
        "column key",
        RECORDS_HEADER,
        COMPARISON_HEADER,
        INITIATIVES_HEADER,
        "expected",
        "residual",
        SUPPRESSED_HEADER,
    ];
    (details, ExportTable::new(columns, rows))
}

/// A distribution: rows for each value.
pub fn build_distribution_table(request: ExportRequest, distribution: &Distribution) -> DetailedTable {
    let cautions = cautions::list_distribution_cautions(distribution);
    let details = ExportDetails::new(request, distribution.basis, cautions);
    let mut rows = Vec::new();
    for bin in &distribution.bins {
        for records in list_counted_records(&distribution.basis) {
            let mut row = list_label_cells(&bin.group).to_vec();
            row.extend(list_record_cells(*records, distribution.figures_basis));
            row.extend(list_count_cells(&bin.count, &bin.illustrative, *records));
            rows.push(row);
        }
    }
    let columns = [
        "group",
        "key",
        RECORDS_HEADER,
        COMPARISON_HEADER,
        INITIATIVES_HEADER,
        ILLUSTRATIVE_HEADER,
        SUPPRESSED_HEADER,
    ];
    (details, ExportTable::new(columns, rows))
}

/// Flows: rows for each possible flow.
pub fn build_flows_table(request: ExportRequest, flows: &FlowCounts) -> DetailedTable {
    let details = ExportDetails::new(request, flows.basis, cautions::list_flow_cautions(flows));
    let mut rows = Vec::new();
    for flow in &flows.flows {
        for records in list_counted_records(&flows.basis) {
            let mut row = vec![
                ExportCell::from_text(to_heading(Perspective::label(flow.perspective))),
                ExportCell::from_text(flow.perspective.code()),
                ExportCell::from_text(to_heading(EntryPoint::label(flow.from))),
                ExportCell::from_text(flow.from.code()),
                ExportCell::from_text(
                    flow.to
                        .map_or_else(|| "Stayed".into(), |to| to_heading(to.label())),
                ),
                ExportCell::from_text(flow.to.map_or(STAYED_KEY, |to| to.code())),
            ];
            row.extend(list_record_cells(*records, flows.figures_basis));
            row.extend(list_count_cells(&flow.count, &flow.illustrative, *records));
            rows.push(row);
        }
    }
    let columns = [
        "perspective",
        "perspective key",
        "from",
        "from key",
        "to",
        "to key",
        RECORDS_HEADER,
        COMPARISON_HEADER,
        INITIATIVES_HEADER,
        ILLUSTRATIVE_HEADER,
        SUPPRESSED_HEADER,
    ];
    (details, ExportTable::new(columns, rows))
}

/// The key for initiatives that stayed with their way in. An empty cell would look suppressed.
const STAYED_KEY: &str = "STAYED";

/// Associations: rows for each pair, with its cautions.
pub fn build_associations_table(
    request: ExportRequest,
    names: &[String],
    associations: &Associations,
) -> DetailedTable {
    let cautions = cautions::list_association_cautions(associations);
    let mut details = ExportDetails::new(request, associations.basis, cautions);
    details.figures = list_illustrative_lines(&associations.illustrative, &associations.basis);
    let name = |at: usize| names.get(at).cloned().map_or(ExportCell::Empty, ExportCell::Text);
    let mut rows = Vec::new();
    for pair in &associations.pairs {
        let cautions: Vec<String> = cautions::list_pair_cautions(pair)
            .into_iter()
            .map(|caution| caution.text)
            .collect();
        for records in list_counted_records(&associations.basis) {
            let counted = pair.table.of_basis(*records);
            let is_compared = *records == pair.basis;
            let mut row = vec![name(pair.when_index), name(pair.then_index)];
            row.extend(list_table_cells(&counted, *records, pair.basis));
            // The cautions and the p-values of a pair are about the records that are compared.
            let of_pair = |p_value: Option<f64>| ExportCell::from_p_value(p_value.filter(|_| is_compared));
            let cautions = if is_compared {
                cautions.join(" ")
            } else {
                String::new()
            };
            row.extend([
                of_pair(pair.p_value),
                of_pair(pair.q_value),
                list_suppressed(&counted),
                ExportCell::Text(cautions),
            ]);
            rows.push(row);
        }
    }
    let columns = list_columns(
        &["first", "second"],
        &["p-value", "q-value", SUPPRESSED_HEADER, "cautions"],
    );
    (details, ExportTable { columns, rows })
}

/// A comparison: rows for each group. The verdict of a group is about the records that were asked about, and so the same in
/// all its rows: a row of readable records says nothing about the others.
pub fn build_comparison_table(
    request: ExportRequest,
    question: &ComparisonQuery,
    labels: &[String],
    answer: &ComparisonAnswer,
) -> DetailedTable {
    let cautions = cautions::list_comparison_cautions(answer);
    let mut details = ExportDetails::new(request, answer.basis, cautions);
    details.summary = Some(comparison::render(question, labels, answer).text());
    details.figures = list_illustrative_lines(&answer.illustrative, &answer.basis);
    let mut rows = Vec::new();
    for (label, table) in labels.iter().zip(&answer.tables) {
        let verdict = describe_verdict(Finding::from_table(table).verdict);
        for records in list_counted_records(&answer.basis) {
            let counted = table.of_basis(*records);
            let mut row = vec![ExportCell::from_text(label.as_str())];
            row.extend(list_record_cells(*records, answer.figures_basis));
            row.extend(counted.counts().map(|count| ExportCell::from_count(&count)));
            row.extend(list_share_cells(&Measures::from_table(&counted)));
            row.extend([ExportCell::from_text(verdict), list_suppressed(&counted)]);
            rows.push(row);
        }
    }
    let columns: [&[&str]; 4] = [
        &["group", RECORDS_HEADER, COMPARISON_HEADER],
        &COUNT_HEADERS,
        &GROUP_MEASURE_HEADERS,
        &["verdict", SUPPRESSED_HEADER],
    ];
    (details, ExportTable::new(columns.concat(), rows))
}

/// A verdict in the words of its code.
const fn describe_verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::ClearDifference => "clear difference",
        Verdict::NoClearDifference => "no clear difference",
        Verdict::DependsOnUnknowns => "depends on unknowns",
        Verdict::TooLittleKnown => "too little known",
        Verdict::Suppressed => "suppressed",
    }
}

/// The kinds of records that an answer has counts of.
fn list_counted_records(basis: &Basis) -> &'static [RecordScope] {
    match basis.scope {
        RecordScope::Visible => &[RecordScope::Visible],
        RecordScope::All if basis.hidden.is_controlled() => &[RecordScope::All, RecordScope::Visible],
        RecordScope::All => &[RecordScope::All],
    }
}

/// The name of a kind of records in a table.
const fn name_records(records: RecordScope) -> &'static str {
    match records {
        RecordScope::All => "all",
        RecordScope::Visible => "readable",
    }
}

/// The kind of records, and whether the answer compares groups by them.
fn list_record_cells(records: RecordScope, compared: RecordScope) -> [ExportCell; 2] {
    [
        ExportCell::from_text(name_records(records)),
        ExportCell::from_bool(records == compared),
    ]
}

/// The number of illustrative initiatives. No line if it is known that there are none.
fn list_illustrative_lines(shown: &DisclosedCount, basis: &Basis) -> Vec<DetailLine> {
    match shown.count {
        Some(0) => Vec::new(),
        None if !basis.has_illustrative => Vec::new(),
        _ => list_count_lines(ILLUSTRATIVE_HEADER, shown),
    }
}

/// A count in the details. If it is suppressed, a second line has the rule.
fn list_count_lines(name: &str, shown: &DisclosedCount) -> Vec<DetailLine> {
    let mut lines = vec![(name.to_owned(), ExportCell::from_count(shown))];
    if let Some(rule) = shown.suppressed {
        lines.push(to_line(
            SUPPRESSED_HEADER,
            format!("{name}: {}", format_code(&rule)),
        ));
    }
    lines
}

/// The label of a group, and its key. The group of unknown values has no key.
fn list_label_cells(name: &GroupName) -> [ExportCell; 2] {
    [
        ExportCell::from_text(name.label.as_str()),
        encode_group_key(&name.key).map_or(ExportCell::Empty, ExportCell::Text),
    ]
}

/// The headers `before`, those of [`list_table_cells`], and `after`.
fn list_columns(before: &[&str], after: &[&str]) -> Vec<String> {
    let parts = [
        before,
        &[RECORDS_HEADER, COMPARISON_HEADER],
        &COUNT_HEADERS,
        &MEASURE_HEADERS,
        after,
    ];
    parts.concat().iter().map(ToString::to_string).collect()
}

/// The kind of records, the eight counts, and the measures that are computed from them.
fn list_table_cells(
    counted: &DisclosedTable,
    records: RecordScope,
    compared: RecordScope,
) -> Vec<ExportCell> {
    let mut cells = list_record_cells(records, compared).to_vec();
    cells.extend(counted.counts().map(|count| ExportCell::from_count(&count)));
    cells.extend(list_measure_cells(&Measures::from_table(counted)));
    cells
}

/// The cells below [`MEASURE_HEADERS`].
fn list_measure_cells(figures: &Measures) -> Vec<ExportCell> {
    let ratios = [figures.risk_ratio, figures.odds_ratio];
    let mut cells = list_share_cells(figures);
    cells.extend(
        ratios
            .into_iter()
            .flat_map(|ratio| list_estimate_cells(ratio, ExportCell::from_ratio)),
    );
    cells.push(ExportCell::from_ratio(figures.phi));
    cells
}

/// The two rates and their difference, each with its interval.
fn list_share_cells(figures: &Measures) -> Vec<ExportCell> {
    let shares = [figures.rate_when, figures.rate_otherwise, figures.risk_difference];
    let to_cells = |share: Option<Estimate>| list_estimate_cells(share, ExportCell::from_share);
    shares.into_iter().flat_map(to_cells).collect()
}

/// The cells of a count of one kind of records: the count, how many are illustrative, and which of both is suppressed.
fn list_count_cells(
    counted: &DisclosedCount,
    illustrative: &DisclosedCount,
    records: RecordScope,
) -> [ExportCell; 3] {
    let [counted, illustrative] = [counted, illustrative].map(|shown| shown.of_basis(records));
    [
        ExportCell::from_count(&counted),
        ExportCell::from_count(&illustrative),
        join_suppressed([
            (INITIATIVES_HEADER, &counted),
            (ILLUSTRATIVE_HEADER, &illustrative),
        ]),
    ]
}

/// The headers of the suppressed counts of a table.
fn list_suppressed(counted: &DisclosedTable) -> ExportCell {
    let counts = counted.named_counts().map(|(_, count)| count);
    join_suppressed(COUNT_HEADERS.into_iter().zip(counts))
}

/// The headers of the suppressed counts, such as "both; first only".
fn join_suppressed<'a>(counts: impl IntoIterator<Item = (&'static str, &'a DisclosedCount)>) -> ExportCell {
    let names: Vec<&str> = counts
        .into_iter()
        .filter(|(_, shown)| shown.suppressed.is_some())
        .map(|(name, _)| name)
        .collect();
    if names.is_empty() {
        ExportCell::Empty
    } else {
        ExportCell::Text(names.join("; "))
    }
}
