//! How often two conditions coincide.

use wayin_vocabulary::{Dimension, MissingReason};

use super::{
    Basis, DisclosedTable, MAX_SUPPRESSED_PERCENT, build_tables, choose_basis, count_illustrative,
    disclose_cell, disclose_cells,
};
use crate::cancellation::Cancelled;
use crate::count::layout::{ByGroupLayout, IllustrativeApartLayout};
use crate::count::{EvaluationContext, PopulationCounter, RawCell};
use crate::dimension::{GroupKey, GroupName};
use crate::disclosure::DisclosedCount;
use crate::evaluate::{MISSING_REASON_COUNT, PreparedPredicate};
use crate::group_comparison::GroupComparison;
use crate::index::Bitmap;
use crate::query::{PatternQuery, RecordScope};
use crate::statistics::stratified::{
    self, CmhTest, ExcludedStrata, Homogeneity, HomogeneitySuppressed, cochran_mantel_haenszel, homogeneity,
};
use crate::statistics::{Estimate, TwoByTwoCounts};
use crate::verdict::Finding;

/// The answer to a [`PatternQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct PatternAnswer {
    /// The table over all groups.
    pub table: DisclosedTable,
    /// Why conditions are unknown.
    pub unknown_reasons: UnknownReasons,
    /// The number of illustrative records in the population.
    pub illustrative: DisclosedCount,
    /// The table of each group, if the query has a dimension.
    pub groups: Option<Groups>,
    /// How concentrated the initiatives are, if requested.
    pub concentration: Option<Concentration>,
    /// Which records the answer is based on.
    pub basis: Basis,
}

impl PatternAnswer {
    /// Which records the verdict, the rates and the measures are computed from.
    pub fn figures_basis(&self) -> RecordScope {
        self.table.basis(self.basis.scope)
    }

    /// The table that the rates and the measures are computed from.
    pub fn measured_table(&self) -> DisclosedTable {
        self.table.of_basis(self.figures_basis())
    }

    /// The verdict on all records in scope.
    pub fn finding(&self) -> Finding {
        Finding::from_table(&self.table)
    }

    /// Which groups differ from the rest; none without groups.
    pub fn compare_groups(&self) -> Option<GroupComparison> {
        let groups = self.groups.as_ref()?;
        let tables = groups.measured_tables();
        Some(if groups.overlap {
            GroupComparison::compare_overlapping(&self.table.of_basis(groups.basis), &tables)
        } else {
            GroupComparison::compare(&tables)
        })
    }

    /// Whether two answers to the same query are equal for a client, apart from the change numbers that they are based
    /// on.
    pub fn is_same_result(&self, other: &Self) -> bool {
        let redated = Self {
            basis: Basis {
                as_of: self.basis.as_of,
                hidden_as_of: self.basis.hidden_as_of,
                // This is for the audit alone. A subscriber must not notice if only this changes.
                rests_on_few_hidden: self.basis.rests_on_few_hidden,
                ..other.basis
            },
            ..other.clone()
        };
        *self == redated
    }
}

/// How many initiatives have an unknown condition for each missing reason. An initiative counts once for each of its
/// reasons.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnknownReasons {
    /// For each reason, in the vocabulary's order.
    pub given: [DisclosedCount; MISSING_REASON_COUNT],
    /// Initiatives without a reason.
    pub not_said: DisclosedCount,
}

impl UnknownReasons {
    /// Each count with its reason; the count of initiatives without a reason is last.
    pub fn each(&self) -> impl Iterator<Item = (Option<MissingReason>, &DisclosedCount)> {
        let given = MissingReason::ALL.iter().copied().map(Some).zip(&self.given);
        given.chain(std::iter::once((None, &self.not_said)))
    }
}

/// The tables of the groups of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// Whether an initiative can be in several groups.
    pub overlap: bool,
    /// Which records the rates and the measures of every group are computed from, so that groups can be compared.
    pub basis: RecordScope,
    /// Every group of the dimension, with its table.
    pub tables: Vec<(GroupName, DisclosedTable)>,
    /// The estimates adjusted for the groups, or why there are none.
    pub adjusted: Result<AdjustedResults, NotAdjustedReason>,
}

impl Groups {
    /// The groups with the tables that rates and measures are computed from.
    pub fn measured_tables(&self) -> Vec<(GroupName, DisclosedTable)> {
        let measured =
            |(name, table): &(GroupName, DisclosedTable)| (name.clone(), table.of_basis(self.basis));
        self.tables.iter().map(measured).collect()
    }
}

/// Estimates that compare initiatives only within each group.
#[derive(Clone, Debug, PartialEq)]
pub struct AdjustedResults {
    /// The Mantel-Haenszel odds ratio.
    pub odds_ratio: Option<Estimate>,
    /// The Mantel-Haenszel risk ratio.
    pub risk_ratio: Option<Estimate>,
    /// The Cochran-Mantel-Haenszel test; none if counts are not exact.
    pub test: Option<CmhTest>,
    /// The test of homogeneity of the groups; none if counts are not exact.
    pub homogeneity: Option<Result<Homogeneity, HomogeneitySuppressed>>,
    /// How many groups have an initiative with both conditions known.
    pub groups: usize,
    /// The groups without information for the odds ratio.
    pub excluded_from_odds_ratio: ExcludedStrata,
    /// The groups without information for the risk ratio.
    pub excluded_from_risk_ratio: ExcludedStrata,
    /// How many groups the estimates leave out because a count is suppressed.
    pub suppressed_groups: usize,
    /// How many initiatives those groups have, according to the disclosed counts.
    pub suppressed_initiatives: u64,
}

/// Why there are no adjusted estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdjustedReason {
    /// An initiative can be in several groups and would count several times.
    Overlapping,
    /// Suppressed groups have over 20% of the initiatives.
    Suppressed {
        /// How many groups are suppressed.
        groups: usize,
        /// How many initiatives they have, according to the disclosed counts.
        initiatives: u64,
    },
}

/// How many of the initiatives that the reader can read in full come from one place or one organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concentration {
    /// The largest number of initiatives with both conditions in one place.
    pub largest_place_count: u64,
    /// The largest number of initiatives that one organisation leads; none under disclosure control, which does not
    /// distinguish organisations.
    pub largest_lead_count: Option<u64>,
}

/// Answers a query. Computes the concentration only if `with_concentration` is true.
pub fn compute_pattern(
    context: EvaluationContext<'_>,
    query: &PatternQuery,
    with_concentration: bool,
) -> Result<PatternAnswer, Cancelled> {
    let counter = PopulationCounter::new(context, query.viewpoint, &query.among);
    let (when, then) = (counter.prepare(&query.when), counter.prepare(&query.then));
    let overall = compute_overall(&counter, &when, &then)?;
    let unknown_reasons = count_unknown_reasons(&counter, &when, &then, overall.table.unknown)?;
    let group_by = |dimension: Dimension| -> Result<Groups, Cancelled> {
        let domain = counter.domain(dimension);
        let counter = counter.decide(&[&when, &then], &[&domain])?;
        let layout = ByGroupLayout {
            when: &when,
            then: &then,
            by: &domain,
        };
        let tables = build_tables(&disclose_cells(&counter.count_layout(&layout)?, &counter));
        let tables = domain.groups().iter().cloned().zip(tables).collect();
        Ok(build_groups(tables, domain.has_overlap(), &counter))
    };
    let groups = query.by.map(group_by).transpose()?;
    let concentration = match (&groups, query.by) {
        _ if !with_concentration => None,
        (Some(groups), Some(Dimension::Place)) => Some(compute_concentration(&counter, groups)?),
        _ => Some(compute_concentration(&counter, &group_by(Dimension::Place)?)?),
    };
    counter.cache_results(&[&when, &then]);
    Ok(PatternAnswer {
        table: overall.table,
        unknown_reasons,
        illustrative: overall.illustrative,
        groups,
        concentration,
        basis: Basis::from_counter(&counter, &overall.cells),
    })
}

/// What is counted over all groups.
struct OverallResult {
    table: DisclosedTable,
    /// The counts of the table before disclosure control; none without it.
    cells: Vec<RawCell>,
    /// The number of illustrative records.
    illustrative: DisclosedCount,
}

fn compute_overall<'a>(
    counter: &PopulationCounter<'a>,
    when: &PreparedPredicate<'a>,
    then: &PreparedPredicate<'a>,
) -> Result<OverallResult, Cancelled> {
    if !counter.is_controlled() {
        let (counts, illustrative) = counter.count_3x3(when, then)?;
        return Ok(OverallResult {
            table: DisclosedTable::new(counts.published_counts().map(DisclosedCount::exact)),
            cells: Vec::new(),
            illustrative: DisclosedCount::exact(illustrative),
        });
    }
    let cells = counter.count_pairs(&[when, then])?;
    let tables = build_tables(&disclose_cells(&cells, counter));
    let table = tables.first().copied().unwrap_or_default();
    Ok(OverallResult {
        table,
        cells,
        illustrative: count_illustrative(counter)?,
    })
}

fn count_unknown_reasons(
    counter: &PopulationCounter<'_>,
    when: &PreparedPredicate<'_>,
    then: &PreparedPredicate<'_>,
    unknown: DisclosedCount,
) -> Result<UnknownReasons, Cancelled> {
    if !counter.has_missing_reasons() {
        // The result would be the same: the cells of the reasons are empty, and the last cell has the same initiatives
        // as `unknown`.
        return Ok(UnknownReasons {
            given: [disclose_cell(&RawCell::default(), counter); MISSING_REASON_COUNT],
            not_said: unknown,
        });
    }
    let counter = counter.decide(&[when, then], &[])?;
    let cells = counter.count_row_sets(MISSING_REASON_COUNT + 1, |position, chunk| {
        let known = |predicate: &PreparedPredicate<'_>| {
            let truths = counter.evaluate(predicate, position);
            truths.true_rows.union(&truths.false_rows)
        };
        let hidden = counter.find_hidden_rows(position);
        let mut reasons = when.find_unknown_reasons(position, chunk);
        for (rows, more) in reasons.iter_mut().zip(then.find_unknown_reasons(position, chunk)) {
            rows.insert_all(&more);
            // Only records that the reader can see count with their reasons.
            *rows = rows.difference(hidden);
        }
        let both_known = known(when).intersection(&known(then));
        let explained = reasons
            .iter()
            .fold(both_known, |explained, rows| explained.union(rows));
        let not_said = Bitmap::full(chunk.len()).difference(&explained);
        reasons.into_iter().chain([not_said]).collect()
    })?;
    let mut counts = disclose_cells(&cells, &counter).into_iter();
    Ok(UnknownReasons {
        given: std::array::from_fn(|_| counts.next().unwrap_or_default()),
        not_said: counts.next().unwrap_or_default(),
    })
}

/// Groups with their basis and the adjusted estimates.
fn build_groups(
    tables: Vec<(GroupName, DisclosedTable)>,
    overlap: bool,
    counter: &PopulationCounter<'_>,
) -> Groups {
    let scope = counter.viewpoint().scope;
    let with_value = tables.iter().filter(|(name, _)| name.key != GroupKey::NotKnown);
    let basis = choose_basis(
        scope,
        with_value.map(|(_, table)| (table.population.visible, table.basis(scope) != scope)),
    );
    let measured: Vec<DisclosedTable> = tables.iter().map(|(_, table)| table.of_basis(basis)).collect();
    let is_exact = basis == RecordScope::Visible || !counter.is_controlled();
    Groups {
        overlap,
        basis,
        adjusted: compute_adjusted(&measured, overlap, is_exact),
        tables,
    }
}

fn compute_adjusted(
    tables: &[DisclosedTable],
    overlap: bool,
    is_exact: bool,
) -> Result<AdjustedResults, NotAdjustedReason> {
    if overlap {
        return Err(NotAdjustedReason::Overlapping);
    }
    let known = |table: &DisclosedTable| {
        table
            .four_cells()
            .iter()
            .filter_map(|cell| cell.count)
            .sum::<u64>()
    };
    let (complete, suppressed): (Vec<&DisclosedTable>, Vec<&DisclosedTable>) =
        tables.iter().partition(|table| table.known_cells().is_some());
    // The population of a suppressed group can be disclosed although its cells are not.
    let size = |table: &&DisclosedTable| table.population.count.unwrap_or(0).max(known(table));
    let initiatives: u64 = suppressed.iter().map(size).sum();
    let all = complete.iter().map(|table| known(table)).sum::<u64>() + initiatives;
    // Nothing is known about the size of groups that are suppressed completely. If there is nothing else, there is no
    // estimate.
    if !suppressed.is_empty() && (initiatives * 100 > all * MAX_SUPPRESSED_PERCENT || all == 0) {
        return Err(NotAdjustedReason::Suppressed {
            groups: suppressed.len(),
            initiatives,
        });
    }
    let groups: Vec<TwoByTwoCounts> = complete.iter().filter_map(|table| table.known_cells()).collect();
    Ok(AdjustedResults {
        odds_ratio: stratified::mantel_haenszel_odds_ratio(&groups),
        risk_ratio: stratified::mantel_haenszel_risk_ratio(&groups),
        test: is_exact.then(|| cochran_mantel_haenszel(&groups)).flatten(),
        homogeneity: is_exact.then(|| homogeneity(&groups)),
        groups: groups.iter().filter(|counts| counts.total() > 0).count(),
        excluded_from_odds_ratio: ExcludedStrata::count(&groups, stratified::is_informative_for_odds_ratio),
        excluded_from_risk_ratio: ExcludedStrata::count(&groups, stratified::is_informative_for_risk_ratio),
        suppressed_groups: suppressed.len(),
        suppressed_initiatives: initiatives,
    })
}

fn compute_concentration(
    counter: &PopulationCounter<'_>,
    by_place: &Groups,
) -> Result<Concentration, Cancelled> {
    let places = by_place
        .tables
        .iter()
        .filter(|(group, _)| group.key != GroupKey::NotKnown);
    let both = places.map(|(_, table)| table.both.visible);
    let largest_lead_count = if counter.is_controlled() {
        None
    } else {
        let domain = counter.domain(Dimension::LeadOrganisation);
        let cells = counter.count_layout(&IllustrativeApartLayout { by: Some(&domain) })?;
        let led = cells.chunks_exact(2).map(|cells| cells[0].visible);
        Some(led.max().unwrap_or(0))
    };
    Ok(Concentration {
        largest_place_count: both.max().unwrap_or(0),
        largest_lead_count,
    })
}
