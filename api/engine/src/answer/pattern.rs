//! The answer to how often two conditions coincide.

use wayin_vocabulary::{Dimension, MissingReason};

use super::super::cancellation::Stopped;
use super::super::count::layout::{ByStratum, Marked};
use super::super::count::{Base, Counting, RawCell};
use super::super::dimension::GroupName;
use super::super::disclosure::Shown;
use super::super::evaluate::{Prepared, WHYS};
use super::super::index::Bits;
use super::super::query::Question;
use super::super::statistics::stratified::{self, CmhTest, Homogeneity, HomogeneitySuppressed, LeftOut};
use super::super::statistics::{Estimate, FourCounts};
use super::{Basis, Table, illustrative, shown_cell, shown_cells, tables};

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub struct PatternAnswer {
    /// The question's table.
    pub table: Table,
    /// The least and the most that the rate of `then` among `when` can be, whatever the
    /// unknowns are; none where there may be no `when` at all, or too much is suppressed.
    pub bounds: Option<(f64, f64)>,
    /// Why those are not known that are not.
    pub unknown_reasons: UnknownReasons,
    /// How many of those counted were made up to show how Wayin works.
    pub illustrative: Shown,
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
    pub fn says_the_same(&self, other: &Self) -> bool {
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
    pub given: [Shown; WHYS],
    /// Those that give none.
    pub not_said: Shown,
}

impl UnknownReasons {
    /// Each count with its reason, those that give none last.
    pub fn each(&self) -> impl Iterator<Item = (Option<MissingReason>, &Shown)> {
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
    pub tables: Vec<(GroupName, Table)>,
    /// The estimates over all groups, or why there are none.
    pub adjusted: Result<Adjusted, NotAdjusted>,
}

/// What is found over all groups, each compared only within itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjusted {
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
    pub left_out_of_odds_ratio: LeftOut,
    /// Those of them that carry no information for the risk ratio.
    pub left_out_of_risk_ratio: LeftOut,
    /// How many groups no estimate uses, as a count of theirs is suppressed.
    pub left_out: usize,
    /// How many initiatives those hold, as far as the published counts show.
    pub initiatives_left_out: u64,
}

/// Why there are no estimates over all groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdjusted {
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
const MOST_LEFT_OUT: u64 = 20;

/// Where what was found comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concentration {
    /// The most of `both` that one place has.
    pub both_in_one_place: u64,
    /// The most of the population that one organisation leads; none under disclosure
    /// control, as organisations are not told apart there.
    pub led_by_one: Option<u64>,
}

/// Answers a question. Where what was found comes from is looked for when `concentration` is asked for.
pub fn pattern(base: Base<'_>, question: &Question, concentration: bool) -> Result<PatternAnswer, Stopped> {
    let counting = Counting::new(base, question.viewpoint, &question.among);
    let (when, then) = (counting.prepare(&question.when), counting.prepare(&question.then));
    let Whole {
        table,
        bounds,
        illustrative,
    } = overall(base, &counting, &when, &then)?;
    let unknown_reasons = unknown_reasons(base, &counting, &when, &then, table.unknown)?;
    let by = |dimension: Dimension| -> Result<Groups, Stopped> {
        let domain = counting.domain(dimension);
        let layout = ByStratum {
            when: &when,
            then: &then,
            by: &domain,
        };
        let tables = tables(&shown_cells(&counting.cells(&layout)?, &counting, base));
        let overlap = domain.overlaps();
        Ok(Groups {
            overlap,
            adjusted: adjusted(&tables, overlap, counting.is_controlled()),
            tables: domain.groups().iter().cloned().zip(tables).collect(),
        })
    };
    let groups = question.by.map(by).transpose()?;
    let concentration = if concentration {
        let by_place = match (&groups, question.by) {
            (Some(groups), Some(Dimension::Place)) => groups.clone(),
            _ => by(Dimension::Place)?,
        };
        Some(concentration_of(&counting, &by_place)?)
    } else {
        None
    };
    counting.keep(&[&when, &then]);
    Ok(PatternAnswer {
        table,
        bounds,
        unknown_reasons,
        illustrative,
        groups,
        concentration,
        basis: Basis::of(base, question.viewpoint),
    })
}

/// What is answered over all groups at once.
#[derive(Default)]
struct Whole {
    table: Table,
    bounds: Option<(f64, f64)>,
    illustrative: Shown,
}

fn overall(
    base: Base<'_>,
    counting: &Counting<'_>,
    when: &Prepared<'_>,
    then: &Prepared<'_>,
) -> Result<Whole, Stopped> {
    if !counting.is_controlled() {
        let (nine, illustrative) = counting.nine(when, then)?;
        let table = Table::new(nine.published().map(Shown::exact));
        return Ok(Whole {
            table,
            bounds: nine.bounds(),
            illustrative: Shown::exact(illustrative),
        });
    }
    let cells = shown_cells(&counting.pairs(&[when, then])?, counting, base);
    let table = tables(&cells).first().copied().unwrap_or_default();
    Ok(Whole {
        table,
        bounds: bounds(&table),
        illustrative: illustrative(base, counting)?,
    })
}

fn unknown_reasons(
    base: Base<'_>,
    counting: &Counting<'_>,
    when: &Prepared<'_>,
    then: &Prepared<'_>,
    unknown: Shown,
) -> Result<UnknownReasons, Stopped> {
    if !counting.any_says_why() {
        // Empty cells, and one that holds the same initiatives as `unknown`, come to the same.
        return Ok(UnknownReasons {
            given: [shown_cell(&RawCell::default(), counting, base); WHYS],
            not_said: unknown,
        });
    }
    let cells = counting.sets(|position, chunk| {
        let known = |one: &Prepared<'_>| {
            let truths = one.of(position, chunk);
            truths.yes.or(&truths.no)
        };
        let mut because = when.because(position, chunk);
        for (set, more) in because.iter_mut().zip(then.because(position, chunk)) {
            set.put_all(&more);
        }
        let both_known = known(when).and(&known(then));
        let said = because.iter().fold(both_known, |said, set| said.or(set));
        let not_said = Bits::all(chunk.len()).without(&said);
        because.into_iter().chain([not_said]).collect()
    })?;
    let shown = shown_cells(&cells, counting, base);
    let mut shown = shown.into_iter();
    Ok(UnknownReasons {
        given: std::array::from_fn(|_| shown.next().unwrap_or_default()),
        not_said: shown.next().unwrap_or_default(),
    })
}

/// The bounds of the rate from what is shown alone: any of the unknown may be on either side.
fn bounds(table: &Table) -> Option<(f64, f64)> {
    let (both, when_only) = (table.both.count?, table.when_only.count?);
    let all = both + when_only + table.unknown.count?;
    (all > 0).then(|| (both as f64 / all as f64, (all - when_only) as f64 / all as f64))
}

fn adjusted(tables: &[Table], overlap: bool, controlled: bool) -> Result<Adjusted, NotAdjusted> {
    if overlap {
        return Err(NotAdjusted::Overlapping);
    }
    let known = |table: &Table| {
        [table.both, table.when_only, table.then_only, table.neither]
            .iter()
            .filter_map(|cell| cell.count)
            .sum::<u64>()
    };
    let (whole, partial): (Vec<&Table>, Vec<&Table>) =
        tables.iter().partition(|table| table.four().is_some());
    // Of a group that is left out, the population tells how many it holds, where that is shown.
    let held = |table: &&Table| table.population.count.unwrap_or(0).max(known(table));
    let initiatives: u64 = partial.iter().map(held).sum();
    let all: u64 = whole.iter().map(|table| known(table)).sum::<u64>() + initiatives;
    // Nothing at all is shown of the groups that are suppressed whole; where there is nothing else either, there is no estimate.
    if !partial.is_empty() && (initiatives * 100 > all * MOST_LEFT_OUT || all == 0) {
        return Err(NotAdjusted::Suppressed {
            groups: partial.len(),
            initiatives,
        });
    }
    let groups: Vec<FourCounts> = whole.iter().filter_map(|table| table.four()).collect();
    Ok(Adjusted {
        odds_ratio: stratified::mantel_haenszel_odds_ratio(&groups),
        risk_ratio: stratified::mantel_haenszel_risk_ratio(&groups),
        test: if controlled {
            None
        } else {
            stratified::cochran_mantel_haenszel(&groups)
        },
        homogeneity: (!controlled).then(|| stratified::homogeneity(&groups)),
        groups: groups.iter().filter(|counts| counts.total() > 0).count(),
        left_out_of_odds_ratio: LeftOut::count(&groups, stratified::informs_odds_ratio),
        left_out_of_risk_ratio: LeftOut::count(&groups, stratified::informs_risk_ratio),
        left_out: partial.len(),
        initiatives_left_out: initiatives,
    })
}

fn concentration_of(counting: &Counting<'_>, by_place: &Groups) -> Result<Concentration, Stopped> {
    use super::super::dimension::GroupKey;
    let of_places = by_place
        .tables
        .iter()
        .filter(|(name, _)| name.key != GroupKey::NotKnown);
    let led_by_one = if counting.is_controlled() {
        None
    } else {
        let domain = counting.domain(Dimension::LeadOrganisation);
        let cells = counting.cells(&Marked { by: Some(&domain) })?;
        let led = cells.chunks_exact(2).map(|cells| cells[0].readable);
        Some(led.max().unwrap_or(0))
    };
    Ok(Concentration {
        both_in_one_place: of_places
            .filter_map(|(_, table)| table.both.count)
            .max()
            .unwrap_or(0),
        led_by_one,
    })
}
