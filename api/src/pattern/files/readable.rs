//! What the first sheet of a workbook shows: the answer in words, a small table and its chart.

use wayin_engine::answer::{
    Basis, ComparisonAnswer, ComparisonQuery, DisclosedTable, Distribution, Grid, Groups, PatternAnswer,
};
use wayin_engine::dimension::{GroupKey, GroupName};
use wayin_engine::disclosure::DisclosedCount;
use wayin_engine::measures::Measures;
use wayin_engine::predicate::{InitiativePredicate, Predicate};
use wayin_engine::query::{PatternQuery, RecordScope};
use wayin_engine::statistics::Estimate;
use wayin_engine::summary;
use wayin_engine::summary::comparison;
use wayin_engine::summary::{format_approximate, format_with_noun, join_list};
use wayin_entity::{Labelled, to_heading};

use super::tables::{ExportCell, ExportTable, list_estimate_cells};

/// What the first sheet of a workbook shows besides the details of the file.
#[derive(Clone, Debug)]
pub struct ReadableAnswer {
    /// The question in words, as names and texts.
    pub question: Vec<(&'static str, String)>,
    /// The answer in a sentence or two.
    pub headline: String,
    /// How sure the answer is, what is unknown, and where it differs.
    pub paragraphs: Vec<String>,
    /// Which records the table counts.
    pub counted: &'static str,
    /// The table. Its first column has names.
    pub table: ExportTable,
    /// How to draw the table.
    pub chart: ChartShape,
    /// What to consider, besides the cautions of the details.
    pub advice: Option<&'static str>,
}

/// How a table is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartShape {
    /// A bar for each row and each of these columns of percentages, with its interval.
    Rates {
        /// The title of the chart.
        title: &'static str,
        /// The columns.
        columns: Vec<RateColumns>,
    },
    /// A column for each row, of the count in the second column.
    Counts,
    /// A colour for each count. A bar for each row, with a part for each column.
    Matrix,
}

/// The columns of a table that have a rate, and how far its interval reaches below and above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateColumns {
    /// The name of the rates in the legend.
    pub name: &'static str,
    /// The column of the rate.
    pub rate: u16,
    /// The column of the distance to the lower end, in percentage points.
    pub below: u16,
    /// The column of the distance to the upper end, in percentage points.
    pub above: u16,
}

const WITH_FIRST: &str = "With the first condition";
const IN_GROUP: &str = "In the group";
const THE_REST: &str = "The rest";
const PATTERN_CHART_TITLE: &str = "How many meet the second condition, in 100, with 95% intervals";
const COMPARISON_CHART_TITLE: &str = "How many meet the condition, in 100, with 95% intervals";

/// A pattern: the two rates, of every group if there are groups.
pub fn describe_pattern(question: &PatternQuery, answer: &PatternAnswer) -> ReadableAnswer {
    let mut asked = vec![
        ("First condition", describe_initiatives(&question.when)),
        ("Second condition", describe_initiatives(&question.then)),
    ];
    if question.among != Predicate::ALWAYS_TRUE {
        asked.push(("Among", describe_initiatives(&question.among)));
    }
    asked.extend(question.by.map(|by| ("Grouped by", by.label().to_owned())));
    let summary = summary::render(question, answer);
    let paragraphs = [summary.certainty, summary.unknowns, summary.where_different];
    let compared = answer
        .groups
        .as_ref()
        .map_or_else(|| answer.figures_basis(), |groups| groups.basis);
    let (table, chart) = if answer.groups.is_some() {
        list_group_rates(answer, compared)
    } else {
        list_two_rates(&answer.table.of_basis(compared))
    };
    ReadableAnswer {
        question: asked,
        headline: summary.headline,
        paragraphs: paragraphs.into_iter().flatten().collect(),
        counted: describe_counted(&answer.basis, compared),
        table,
        chart,
        advice: summary.about_causes,
    }
}

/// "initiatives that .."
fn describe_initiatives(condition: &InitiativePredicate) -> String {
    format!("initiatives that {}", summary::render_condition(condition))
}

/// A comparison: the rate of each group and that of the rest.
pub fn describe_comparison(
    question: &ComparisonQuery,
    labels: &[String],
    answer: &ComparisonAnswer,
) -> ReadableAnswer {
    let groups = labels.iter().zip(&question.groups);
    let mut asked: Vec<(&'static str, String)> = groups
        .map(|(label, group)| ("Group", format!("{label}: {}", describe_initiatives(group))))
        .collect();
    asked.push(("Condition", describe_initiatives(&question.then)));
    if question.among != Predicate::ALWAYS_TRUE {
        asked.push(("Among", describe_initiatives(&question.among)));
    }
    let summary = comparison::render(question, labels, answer);
    let (table, chart) = list_compared_rates(labels, &answer.measured_tables());
    ReadableAnswer {
        question: asked,
        headline: summary.headline,
        paragraphs: summary.by_group.into_iter().chain(summary.certainty).collect(),
        counted: describe_counted(&answer.basis, answer.figures_basis),
        table,
        chart,
        advice: summary.about_causes,
    }
}

/// A table of a row for each group, with its rate and that of the rest.
fn list_compared_rates(labels: &[String], tables: &[DisclosedTable]) -> (ExportTable, ChartShape) {
    let rows = labels.iter().zip(tables).map(|(label, counted)| {
        let measures = Measures::from_table(counted);
        let rates = [measures.rate_when, measures.rate_otherwise];
        let mut row = vec![
            ExportCell::from_text(label.as_str()),
            to_total_cell(counted.known_when_count()),
            to_total_cell(counted.known_otherwise_count()),
            ExportCell::from_count(&counted.unknown),
        ];
        row.extend(
            rates
                .into_iter()
                .flat_map(|rate| list_estimate_cells(rate, ExportCell::from_share)),
        );
        row.extend(rates.into_iter().flat_map(list_margin_cells));
        row
    });
    let headers = [
        "",
        "Initiatives in the group",
        "Initiatives in the rest",
        "Not known",
        "In the group (%)",
        "Lower (%)",
        "Upper (%)",
        "The rest (%)",
        "Lower (%)",
        "Upper (%)",
        "In the group: margin below",
        "In the group: margin above",
        "The rest: margin below",
        "The rest: margin above",
    ];
    let columns = vec![
        RateColumns {
            name: IN_GROUP,
            rate: 4,
            below: 10,
            above: 11,
        },
        RateColumns {
            name: THE_REST,
            rate: 7,
            below: 12,
            above: 13,
        },
    ];
    let shape = ChartShape::Rates {
        title: COMPARISON_CHART_TITLE,
        columns,
    };
    (ExportTable::new(headers, rows.collect()), shape)
}

/// A number of initiatives that is a sum of counts; empty if one of them is suppressed.
fn to_total_cell(total: Option<u64>) -> ExportCell {
    total.map_or(ExportCell::Empty, |total| {
        ExportCell::Integer(total.cast_signed())
    })
}

/// A table of two rows: the initiatives with the first condition, and the rest.
fn list_two_rates(counted: &DisclosedTable) -> (ExportTable, ChartShape) {
    let measures = Measures::from_table(counted);
    let parts = [
        (
            WITH_FIRST,
            counted.known_when_count(),
            &counted.both,
            measures.rate_when,
        ),
        (
            THE_REST,
            counted.known_otherwise_count(),
            &counted.then_only,
            measures.rate_otherwise,
        ),
    ];
    let rows = parts.into_iter().map(|(name, all, with_second, rate)| {
        let mut row = vec![
            ExportCell::from_text(name),
            to_total_cell(all),
            ExportCell::from_count(with_second),
        ];
        row.extend(list_estimate_cells(rate, ExportCell::from_share));
        row.extend(list_margin_cells(rate));
        row
    });
    let headers = [
        "",
        "Initiatives",
        "With the second condition",
        "Rate (%)",
        "Lower (%)",
        "Upper (%)",
        "Margin below (points)",
        "Margin above (points)",
    ];
    let columns = vec![RateColumns {
        name: "Rate of the second condition (%)",
        rate: 3,
        below: 6,
        above: 7,
    }];
    let shape = ChartShape::Rates {
        title: PATTERN_CHART_TITLE,
        columns,
    };
    (ExportTable::new(headers, rows.collect()), shape)
}

/// A table of a row for all initiatives and for each group, each with two rates.
fn list_group_rates(answer: &PatternAnswer, compared: RecordScope) -> (ExportTable, ChartShape) {
    let groups = answer.groups.as_ref();
    let mut groups = groups.map_or_else(Vec::new, Groups::measured_tables);
    groups.sort_by_cached_key(|(name, _)| name.rank());
    let overall = [("All".to_owned(), answer.table.of_basis(compared))];
    let named = groups.into_iter().map(|(name, table)| (name.label, table));
    let rows = overall.into_iter().chain(named).map(|(label, counted)| {
        let measures = Measures::from_table(&counted);
        let rates = [measures.rate_when, measures.rate_otherwise];
        let mut row = vec![
            ExportCell::Text(label),
            ExportCell::from_count(&counted.population),
            ExportCell::from_count(&counted.unknown),
        ];
        row.extend(
            rates
                .into_iter()
                .flat_map(|rate| list_estimate_cells(rate, ExportCell::from_share)),
        );
        row.extend(rates.into_iter().flat_map(list_margin_cells));
        row
    });
    let headers = [
        "",
        "Initiatives",
        "Of these, not known",
        "With the first condition (%)",
        "Lower (%)",
        "Upper (%)",
        "The rest (%)",
        "Lower (%)",
        "Upper (%)",
        "With the first: margin below",
        "With the first: margin above",
        "The rest: margin below",
        "The rest: margin above",
    ];
    let columns = vec![
        RateColumns {
            name: WITH_FIRST,
            rate: 3,
            below: 9,
            above: 10,
        },
        RateColumns {
            name: THE_REST,
            rate: 6,
            below: 11,
            above: 12,
        },
    ];
    let shape = ChartShape::Rates {
        title: PATTERN_CHART_TITLE,
        columns,
    };
    (ExportTable::new(headers, rows.collect()), shape)
}

/// How far the interval of a rate reaches below and above it, which is what error bars are drawn from.
fn list_margin_cells(rate: Option<Estimate>) -> [ExportCell; 2] {
    [
        rate.map(|rate| (rate.value - rate.lower).max(0.0)),
        rate.map(|rate| (rate.upper - rate.value).max(0.0)),
    ]
    .map(ExportCell::from_share)
}

/// A distribution: the count of each value. `among` is the filter of the population, in words.
pub fn describe_distribution(
    dimension: impl Labelled,
    among: Option<String>,
    distribution: &Distribution,
) -> ReadableAnswer {
    let counted = distribution.figures_basis;
    let rows = distribution.bins.iter().map(|bin| {
        vec![
            ExportCell::from_text(bin.group.label.as_str()),
            ExportCell::from_count(&bin.count.of_basis(counted)),
        ]
    });
    let named = distribution
        .bins
        .iter()
        .filter(|bin| bin.group.key != GroupKey::NotKnown)
        .map(|bin| (quote_label(&bin.group), bin.count));
    let mut question = vec![("Values of", dimension.label().to_owned())];
    question.extend(among.map(|among| ("Among", format!("initiatives that {among}"))));
    ReadableAnswer {
        question,
        headline: render_count_headline("value", named.collect(), &distribution.basis),
        paragraphs: Vec::new(),
        counted: describe_counted(&distribution.basis, counted),
        table: ExportTable::new(
            [to_heading(dimension.label()).as_str(), "Initiatives"],
            rows.collect(),
        ),
        chart: ChartShape::Counts,
        advice: None,
    }
}

/// A grid: a row for each value of one dimension, and a column for each value of the other. `among` is the filter of the
/// population, in words.
pub fn describe_grid(dimensions: [impl Labelled; 2], among: Option<String>, grid: &Grid) -> ReadableAnswer {
    let counted = grid.figures_basis;
    let width = grid.columns.len().max(1);
    let rows = grid.rows.iter().zip(grid.cells.chunks(width));
    let named = rows.clone().flat_map(|((row, _), cells)| {
        let crossed = grid.columns.iter().zip(cells);
        crossed
            .filter(|((column, _), _)| ![&row.key, &column.key].contains(&&GroupKey::NotKnown))
            .map(|((column, _), count)| {
                let pair = format!("{} with {}", quote_label(row), quote_label(column));
                (pair, *count)
            })
    });
    let headline = render_count_headline("pair", named.collect(), &grid.basis);
    let [of_rows, of_columns] = dimensions.map(|dimension| dimension.label().to_owned());
    let heading = format!("{} / {of_columns}", to_heading(&of_rows));
    let mut headers = vec![heading.as_str()];
    headers.extend(grid.columns.iter().map(|(name, _)| name.label.as_str()));
    let rows = rows.map(|((name, _), cells)| {
        let counts = cells.iter().map(|shown| shown.of_basis(counted));
        let label = ExportCell::from_text(name.label.as_str());
        std::iter::once(label)
            .chain(counts.map(|count| ExportCell::from_count(&count)))
            .collect()
    });
    let table = ExportTable::new(headers, rows.collect());
    let mut question = vec![("Rows", of_rows), ("Columns", of_columns)];
    question.extend(among.map(|among| ("Among", format!("initiatives that {among}"))));
    ReadableAnswer {
        question,
        headline,
        paragraphs: Vec::new(),
        counted: describe_counted(&grid.basis, counted),
        table,
        chart: ChartShape::Matrix,
        advice: None,
    }
}

fn quote_label(name: &GroupName) -> String {
    format!("\u{201c}{}\u{201d}", name.label)
}

/// The number of names that a headline lists if they share the highest count.
const MAX_TIED_NAMES: usize = 3;

/// "The value with the most initiatives is "North West", with about 120 initiatives." If a count is suppressed, another
/// one cannot be called the highest, so the sentence is about the records that the reader can read.
fn render_count_headline(what: &str, counts: Vec<(String, DisclosedCount)>, basis: &Basis) -> String {
    let is_suppressed = counts.iter().any(|(_, count)| count.suppressed.is_some());
    let (records, among) = match basis.scope {
        RecordScope::All if !is_suppressed => (RecordScope::All, ""),
        _ => (RecordScope::Visible, "Of the records that you can read in full: "),
    };
    let counts: Vec<(String, DisclosedCount)> = counts
        .into_iter()
        .map(|(name, count)| (name, count.of_basis(records)))
        .collect();
    let highest = counts.iter().filter_map(|(_, count)| count.count).max();
    let highest = highest.unwrap_or(0);
    let tied: Vec<&(String, DisclosedCount)> = counts
        .iter()
        .filter(|(_, count)| highest > 0 && count.count == Some(highest))
        .collect();
    let sentence = match tied[..] {
        [] => "no initiative is counted here.".into(),
        [(name, count)] => {
            let count = format_with_noun(count, highest);
            format!("the {what} with the most initiatives is {name}, with {count}.")
        }
        [(_, count), ..] if tied.len() <= MAX_TIED_NAMES => {
            let names = join_list(tied.iter().map(|(name, _)| name), "and");
            let count = format_with_noun(count, highest);
            format!("the {what}s with the most initiatives are {names}, with {count} each.")
        }
        [(_, count), ..] => {
            let count = format_approximate(count, highest);
            format!("{} {what}s share the highest count, {count}.", tied.len())
        }
    };
    if among.is_empty() {
        to_heading(&sentence)
    } else {
        format!("{among}{sentence}")
    }
}

/// Which records a table counts, in a sentence.
fn describe_counted(basis: &Basis, counted: RecordScope) -> &'static str {
    match (basis.scope, counted) {
        (RecordScope::Visible, _) => {
            "The table counts only the records that you can read in full. Counts are exact."
        }
        (RecordScope::All, RecordScope::Visible) => {
            "Too few of the counts of all records may be shown. So the table counts only the records that you can read \
             in full; there may be more. Counts are exact."
        }
        (RecordScope::All, RecordScope::All) if basis.hidden.is_controlled() => {
            "The table counts all records. Counts that include hidden records are changed a little and rounded."
        }
        (RecordScope::All, RecordScope::All) => "The table counts all records. Counts are exact.",
    }
}
