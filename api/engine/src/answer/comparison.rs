//! The rate of one condition in groups that a reader chooses, each compared with the rest.

use super::{Basis, DisclosedTable, build_tables, choose_basis, count_illustrative, disclose_cells};
use crate::cancellation::Cancelled;
use crate::count::{EvaluationContext, PopulationCounter};
use crate::disclosure::DisclosedCount;
use crate::evaluate::PreparedPredicate;
use crate::group_comparison::GroupComparison;
use crate::predicate::InitiativePredicate;
use crate::query::{RecordScope, Viewpoint};
use crate::verdict::{Finding, Verdict};

/// How does the rate of `then` in each group differ from that of the rest?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ComparisonQuery {
    /// Selects each group: the initiatives for which it is TRUE. The rest are those for which it is FALSE.
    pub groups: Vec<InitiativePredicate>,
    /// The condition whose rate is compared.
    pub then: InitiativePredicate,
    /// Selects the population: the initiatives for which it is TRUE.
    pub among: InitiativePredicate,
    /// Who asks, over which records.
    pub viewpoint: Viewpoint,
}

/// The answer to a [`ComparisonQuery`].
#[derive(Clone, Debug)]
pub struct ComparisonAnswer {
    /// For each group, in the order of the query, the table of a pattern whose `when` selects the group.
    pub tables: Vec<DisclosedTable>,
    /// Whether an initiative that the reader can read in full is in several groups. Hidden ones say nothing here.
    pub overlap: bool,
    /// The number of illustrative records in the population.
    pub illustrative: DisclosedCount,
    /// Which records the rates and the differences of every group are computed from, so that groups can be compared.
    pub figures_basis: RecordScope,
    /// Which records the answer is based on.
    pub basis: Basis,
}

impl ComparisonAnswer {
    /// The tables that rates and differences are computed from.
    pub fn measured_tables(&self) -> Vec<DisclosedTable> {
        let measured = |table: &DisclosedTable| table.of_basis(self.figures_basis);
        self.tables.iter().map(measured).collect()
    }

    /// The finding on each group, over the records that were asked about.
    pub fn findings(&self) -> Vec<Finding> {
        self.tables.iter().map(Finding::from_table).collect()
    }

    /// Which groups differ clearly from the rest: those whose verdict says so, if it still holds after the correction for the
    /// number of groups. As a verdict, this is about the records that were asked about. A group with a suppressed count is
    /// not compared, even if there are figures of the records that the reader can read.
    pub fn compare_groups(&self) -> GroupComparison {
        let findings = self.findings();
        let mut comparison = GroupComparison::compare_conditions(&self.tables);
        comparison
            .different
            .retain(|one| findings[one.group].verdict == Verdict::ClearDifference);
        comparison
    }
}

/// Answers a query. Each group is a question of its own, which is decided for hidden records as that of a pattern.
pub fn compute_comparison(
    context: EvaluationContext<'_>,
    query: &ComparisonQuery,
) -> Result<ComparisonAnswer, Cancelled> {
    let counter = PopulationCounter::new(context, query.viewpoint, &query.among);
    let then = counter.prepare(&query.then);
    let groups: Vec<PreparedPredicate<'_>> =
        query.groups.iter().map(|group| counter.prepare(group)).collect();
    let groups: Vec<&PreparedPredicate<'_>> = groups.iter().collect();
    let mut cells = Vec::new();
    for group in &groups {
        cells.extend(counter.count_pairs(&[*group, &then])?);
    }
    let tables = build_tables(&disclose_cells(&cells, &counter));
    let overlap = counter.has_visible_overlap(&groups)?;
    let illustrative = count_illustrative(&counter)?;
    counter.cache_results(&groups);
    counter.cache_results(&[&then]);
    Ok(ComparisonAnswer {
        figures_basis: choose_figures_basis(query.viewpoint.scope, &tables),
        overlap,
        illustrative,
        basis: Basis::from_counter(&counter, &cells),
        tables,
    })
}

/// All records in `scope`, or only the visible ones if every group has a suppressed count, or if too many of the visible
/// initiatives in groups are in such groups.
fn choose_figures_basis(scope: RecordScope, tables: &[DisclosedTable]) -> RecordScope {
    let is_suppressed = |table: &DisclosedTable| table.basis(scope) != scope;
    if tables.iter().all(is_suppressed) {
        return RecordScope::Visible;
    }
    let groups = tables
        .iter()
        .map(|table| (table.both.visible + table.when_only.visible, is_suppressed(table)));
    choose_basis(scope, groups)
}
