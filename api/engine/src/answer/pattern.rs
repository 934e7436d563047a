//! The answer to how often two conditions coincide.

use wayin_vocabulary::{Dimension, MissingReason};

use super::super::cancellation::Cancelled;
use super::super::count::layout::{ByGroupLayout, IllustrativeApartLayout};
use super::super::count::{EvaluationContext, PopulationCounter, RawCell};
use super::super::dimension::GroupName;
use super::super::disclosure::DisclosedCount;
use super::super::evaluate::{MISSING_REASON_COUNT, PreparedPredicate};
use super::super::index::Bitmap;
use super::super::query::PatternQuery;
use super::super::statistics::stratified::{
    self, CmhTest, ExcludedStrata, Homogeneity, HomogeneitySuppressed,
};
use super::super::statistics::{Estimate, TwoByTwoCounts};
use super::{Basis, DisclosedTable, build_tables, count_illustrative, disclose_cell, disclose_cells};

/// The answer to a [`PatternQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct PatternAnswer {
    /// The question's table.
    pub table: DisclosedTable,
    /// The least and the most that the rate of `then` among `when` can be, whatever the
    /// unknowns are; none where there may be no `when` at all, or too much is suppressed.
    pub bounds: Option<(f64, f64)>,
    /// Why those are not known that are not.
    pub unknown_reasons: UnknownReasons,
    /// How many of those counted were made up to show how Wayin works.
    pub illustrative: DisclosedCount,
    /// The table of each group, where the question tells them apart.
    pub groups: Option<Groups>,
    /// Where what was found comes from, where that was asked for.
    pub concentration: Option<Concentration>,
    /// Which records the answer is from.
    pub basis: Basis,
}

impl PatternAnswer {
    /// Whether it says the same as another answer to the same question. How far the change log was read
    /// for it is no part of what it says: nothing else hangs on that.
    pub fn is_same_result(&self, other: &Self) -> bool {
        let dated_as_this = Self {
            basis: Basis {
                as_of: self.basis.as_of,
                hidden_as_of: self.basis.hidden_as_of,
                ..other.basis
            },
            ..other.clone()
        };
        *self == dated_as_this
    }
}

/// How many of those of which one condition or both are not known are so for each reason.
/// An initiative that gives several counts under each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnknownReasons {
    /// For each reason, in the vocabulary's order.
    pub given: [DisclosedCount; MISSING_REASON_COUNT],
    /// Those that give none.
    pub not_said: DisclosedCount,
}

impl UnknownReasons {
    /// Each count with its reason, those that give none last.
    pub fn each(&self) -> impl Iterator<Item = (Option<MissingReason>, &DisclosedCount)> {
        let given = MissingReason::ALL.iter().copied().map(Some).zip(&self.given);
        given.chain(std::iter::once((None, &self.not_said)))
    }
}

/// The tables of the groups of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// Whether an initiative may stand in several.
    pub overlap: bool,
    /// Every group of the dimension's domain, with its table.
    pub tables: Vec<(GroupName, DisclosedTable)>,
    /// The estimates over all groups, or why there are none.
    pub adjusted: Result<AdjustedResults, NotAdjustedReason>,
}

/// What is found over all groups, each compared only within itself.
#[derive(Clone, Debug, PartialEq)]
pub struct AdjustedResults {
    /// The Mantel-Haenszel odds ratio.
    pub odds_ratio: Option<Estimate>,
    /// The Mantel-Haenszel risk ratio.
    pub risk_ratio: Option<Estimate>,
    /// The Cochran-Mantel-Haenszel test; none under disclosure control.
    pub test: Option<CmhTest>,
    /// Whether the groups agree; none under disclosure control.
    pub homogeneity: Option<Result<Homogeneity, HomogeneitySuppressed>>,
    /// How many groups hold any initiative of which both conditions are known.
    pub groups: usize,
    /// Those of them that carry no information for the odds ratio.
    pub excluded_from_odds_ratio: ExcludedStrata,
    /// Those of them that carry no information for the risk ratio.
    pub excluded_from_risk_ratio: ExcludedStrata,
    /// How many groups no estimate uses, as a count of theirs is suppressed.
    pub suppressed_groups: usize,
    /// How many initiatives those hold, as far as the published counts show.
    pub suppressed_initiatives: u64,
}

/// Why there are no estimates over all groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdjustedReason {
    /// An initiative may stand in several groups, and would be counted several times.
    Overlapping,
    /// Groups that are suppressed hold over 20% of the initiatives.
    Suppressed {
        /// How many groups are left out.
        groups: usize,
        /// How many initiatives those hold, as far as that can be told from what is shown.
        initiatives: u64,
    },
}

/// The share of the initiatives, in 100, that suppressed groups may hold before there is no estimate.
const MAX_SUPPRESSED_PERCENT: u64 = 20;

/// Where what was found comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concentration {
    /// The most of `both` that one place has.
    pub largest_place_count: u64,
    /// The most of the population that one organisation leads; none under disclosure
    /// control, as organisations are not told apart there.
    pub largest_lead_count: Option<u64>,
}

/// Answers a question. Where what was found comes from is looked for when `concentration` is asked for.
pub fn compute_pattern(
    base: EvaluationContext<'_>,
    question: &PatternQuery,
    concentration: bool,
) -> Result<PatternAnswer, Cancelled> {
    let counting = PopulationCounter::new(base, question.viewpoint, &question.among);
    let (when, then) = (counting.prepare(&question.when), counting.prepare(&question.then));
    let OverallResult {
        table,
        bounds,
        illustrative,
    } = compute_overall(base, &counting, &when, &then)?;
    let unknown_reasons = unknown_reasons(base, &counting, &when, &then, table.unknown)?;
    let by = |dimension: Dimension| -> Result<Groups, Cancelled> {
        let domain = counting.domain(dimension);
        let layout = ByGroupLayout {
            when: &when,
            then: &then,
            by: &domain,
        };
        let tables = build_tables(&disclose_cells(&counting.count_layout(&layout)?, &counting, base));
        let overlap = domain.has_overlap();
        Ok(Groups {
            overlap,
            adjusted: compute_adjusted(&tables, overlap, counting.is_controlled()),
            tables: domain.groups().iter().cloned().zip(tables).collect(),
        })
    };
    let groups = question.by.map(by).transpose()?;
    let concentration = if concentration {
        let by_place = match (&groups, question.by) {
            (Some(groups), Some(Dimension::Place)) => groups.clone(),
            _ => by(Dimension::Place)?,
        };
        Some(compute_concentration(&counting, &by_place)?)
    } else {
        None
    };
    counting.cache_results(&[&when, &then]);
    Ok(PatternAnswer {
        table,
        bounds,
        unknown_reasons,
        illustrative,
        groups,
        concentration,
        basis: Basis::from_context(base, question.viewpoint),
    })
}

/// What is answered over all groups at once.
#[derive(Default)]
struct OverallResult {
    table: DisclosedTable,
    bounds: Option<(f64, f64)>,
    illustrative: DisclosedCount,
}

fn compute_overall(
    base: EvaluationContext<'_>,
    counting: &PopulationCounter<'_>,
    when: &PreparedPredicate<'_>,
    then: &PreparedPredicate<'_>,
) -> Result<OverallResult, Cancelled> {
    if !counting.is_controlled() {
        let (nine, illustrative) = counting.count_3x3(when, then)?;
        let table = DisclosedTable::new(nine.published_counts().map(DisclosedCount::exact));
        return Ok(OverallResult {
            table,
            bounds: nine.rate_bounds(),
            illustrative: DisclosedCount::exact(illustrative),
        });
    }
    let cells = disclose_cells(&counting.count_pairs(&[when, then])?, counting, base);
    let table = build_tables(&cells).first().copied().unwrap_or_default();
    Ok(OverallResult {
        table,
        bounds: compute_rate_bounds(&table),
        illustrative: count_illustrative(base, counting)?,
    })
}

fn unknown_reasons(
    base: EvaluationContext<'_>,
    counting: &PopulationCounter<'_>,
    when: &PreparedPredicate<'_>,
    then: &PreparedPredicate<'_>,
    unknown: DisclosedCount,
) -> Result<UnknownReasons, Cancelled> {
    if !counting.has_missing_reasons() {
        // Empty cells, and one that holds the same initiatives as `unknown`, come to the same.
        return Ok(UnknownReasons {
            given: [disclose_cell(&RawCell::default(), counting, base); MISSING_REASON_COUNT],
            not_said: unknown,
        });
    }
    let cells = counting.count_row_sets(|position, chunk| {
        let known = |one: &PreparedPredicate<'_>| {
            let truths = one.evaluate(position, chunk);
            truths.true_rows.union(&truths.false_rows)
        };
        let mut because = when.find_unknown_reasons(position, chunk);
        for (set, more) in because.iter_mut().zip(then.find_unknown_reasons(position, chunk)) {
            set.insert_all(&more);
        }
        let both_known = known(when).intersection(&known(then));
        let said = because.iter().fold(both_known, |said, set| said.union(set));
        let not_said = Bitmap::full(chunk.len()).difference(&said);
        because.into_iter().chain([not_said]).collect()
    })?;
    let shown = disclose_cells(&cells, counting, base);
    let mut shown = shown.into_iter();
    Ok(UnknownReasons {
        given: std::array::from_fn(|_| shown.next().unwrap_or_default()),
        not_said: shown.next().unwrap_or_default(),
    })
}

/// The bounds of the rate from what is shown alone: any of the unknown may be on either side.
fn compute_rate_bounds(table: &DisclosedTable) -> Option<(f64, f64)> {
    let (both, when_only) = (table.both.count?, table.when_only.count?);
    let all = both + when_only + table.unknown.count?;
    (all > 0).then(|| (both as f64 / all as f64, (all - when_only) as f64 / all as f64))
}

fn compute_adjusted(
    tables: &[DisclosedTable],
    overlap: bool,
    controlled: bool,
) -> Result<AdjustedResults, NotAdjustedReason> {
    if overlap {
        return Err(NotAdjustedReason::Overlapping);
    }
    let known = |table: &DisclosedTable| {
        [table.both, table.when_only, table.then_only, table.neither]
            .iter()
            .filter_map(|cell| cell.count)
            .sum::<u64>()
    };
    let (whole, partial): (Vec<&DisclosedTable>, Vec<&DisclosedTable>) =
        tables.iter().partition(|table| table.known_cells().is_some());
    // Of a group that is left out, the population tells how many it holds, where that is shown.
    let held = |table: &&DisclosedTable| table.population.count.unwrap_or(0).max(known(table));
    let initiatives: u64 = partial.iter().map(held).sum();
    let all: u64 = whole.iter().map(|table| known(table)).sum::<u64>() + initiatives;
    // Nothing at all is shown of the groups that are suppressed whole; where there is nothing else either, there is no estimate.
    if !partial.is_empty() && (initiatives * 100 > all * MAX_SUPPRESSED_PERCENT || all == 0) {
        return Err(NotAdjustedReason::Suppressed {
            groups: partial.len(),
            initiatives,
        });
    }
    let groups: Vec<TwoByTwoCounts> = whole.iter().filter_map(|table| table.known_cells()).collect();
    Ok(AdjustedResults {
        odds_ratio: stratified::mantel_haenszel_odds_ratio(&groups),
        risk_ratio: stratified::mantel_haenszel_risk_ratio(&groups),
        test: if controlled {
            None
        } else {
            stratified::cochran_mantel_haenszel(&groups)
        },
        homogeneity: (!controlled).then(|| stratified::homogeneity(&groups)),
        groups: groups.iter().filter(|counts| counts.total() > 0).count(),
        excluded_from_odds_ratio: ExcludedStrata::count(&groups, stratified::is_informative_for_odds_ratio),
        excluded_from_risk_ratio: ExcludedStrata::count(&groups, stratified::is_informative_for_risk_ratio),
        suppressed_groups: partial.len(),
        suppressed_initiatives: initiatives,
    })
}

fn compute_concentration(
    counting: &PopulationCounter<'_>,
    by_place: &Groups,
) -> Result<Concentration, Cancelled> {
    use super::super::dimension::GroupKey;
    let of_places = by_place
        .tables
        .iter()
        .filter(|(name, _)| name.key != GroupKey::NotKnown);
    let led_by_one = if counting.is_controlled() {
        None
    } else {
        let domain = counting.domain(Dimension::LeadOrganisation);
        let cells = counting.count_layout(&IllustrativeApartLayout { by: Some(&domain) })?;
        let led = cells.chunks_exact(2).map(|cells| cells[0].visible);
        Some(led.max().unwrap_or(0))
    };
    Ok(Concentration {
        largest_place_count: of_places
            .filter_map(|(_, table)| table.both.count)
            .max()
            .unwrap_or(0),
        largest_lead_count: led_by_one,
    })
}
