//! Cautions about an answer. They depend only on what the answer discloses.

use super::answer::{
    Association, Associations, Basis, ComparisonAnswer, DisclosedTable, Distribution, FlowCounts, Grid,
    Groups, HiddenCounting, NotAdjustedReason, PatternAnswer,
};
use super::disclosure::DisclosedCount;
use super::measures::Measures;
use super::query::RecordScope;
use super::summary::{format_approximate, format_count, join_list, round_for_words};

/// A known cell below this is a small number.
pub const SMALL_CELL_COUNT: u64 = 10;
/// The percentage of the population that can be unknown without a caution.
pub const MUCH_UNKNOWN_PERCENT: u64 = 20;
/// The percentage of `both` that can be in one place without a caution.
const MAX_ONE_PLACE_PERCENT: u64 = 50;
/// The percentage of the population that one organisation can lead without a caution.
const MAX_ONE_LEAD_PERCENT: u64 = 20;
/// The p-value of the test of homogeneity below which groups differ.
const GROUPS_DIFFER_BELOW: f64 = 0.05;

/// What a caution is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "async-graphql", derive(async_graphql::Enum))]
pub enum CautionCode {
    /// The counts include illustrative records, made up to show how Wayin works.
    Illustrative,
    /// The records are not a random sample. They are the ones that were submitted or published.
    NotASample,
    /// At least one of the four known counts is under 10.
    SmallNumbers,
    /// For over 20% of initiatives, a condition is not known.
    MuchUnknown,
    /// A measure cannot be computed.
    NotComputable,
    /// The overall comparison points one way, and the comparison within groups points the other way.
    ReversesWithinGroups,
    /// The association differs between groups.
    GroupsDiffer,
    /// Over half of the initiatives with both conditions are in one place.
    FewPlaces,
    /// One organisation leads over 20% of the initiatives.
    Clustered,
    /// An initiative can be in several groups.
    GroupsOverlap,
    /// Counts of some groups are suppressed.
    GroupsSuppressed,
    /// Counts are perturbed: changed slightly, and rounded.
    Perturbed,
    /// Records that you can count but not read in full are left out, because they are too few to protect.
    /// There may be none.
    HiddenNotCounted,
    /// A count is suppressed, because it would include too few hidden records.
    CountsSuppressed,
}

/// Something to consider before you use an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caution {
    /// What the caution is about.
    pub code: CautionCode,
    /// The caution as a sentence.
    pub text: String,
}

fn new_caution(code: CautionCode, text: impl Into<String>) -> Caution {
    let text = text.into();
    Caution { code, text }
}

/// The cautions about a pattern.
pub fn list_pattern_cautions(answer: &PatternAnswer) -> Vec<Caution> {
    let table = answer.measured_table();
    let mut cautions = Vec::from_iter(caution_illustrative(
        &answer.illustrative.of_basis(answer.figures_basis()),
        &table.population,
        &answer.basis,
    ));
    cautions.extend(list_table_cautions(&table));
    cautions.extend(caution_not_computable(&table));
    if let Some(groups) = &answer.groups {
        cautions.extend(list_group_cautions(answer, groups));
    }
    cautions.extend(list_concentration_cautions(answer));
    cautions.extend(list_shared_cautions(&answer.basis, false, answer.table.counts()));
    cautions
}

/// The cautions about one table: small numbers, and many unknown.
pub fn list_table_cautions(table: &DisclosedTable) -> Vec<Caution> {
    let mut cautions = Vec::new();
    let is_small = |cell: &DisclosedCount| cell.count.is_some_and(|count| count < SMALL_CELL_COUNT);
    if table.four_cells().iter().any(is_small) {
        cautions.push(new_caution(
            CautionCode::SmallNumbers,
            format!("At least one of the four counts is under {SMALL_CELL_COUNT}. A few more initiatives could change the answer."),
        ));
    }
    if let (Some(unknown), Some(population)) = (table.unknown.count, table.population.count)
        && unknown * 100 > population * MUCH_UNKNOWN_PERCENT
    {
        let unknown = format_approximate(&table.unknown, unknown);
        let population = format_approximate(&table.population, population);
        cautions.push(new_caution(
            CautionCode::MuchUnknown,
            format!("A condition is not known for {unknown} of {population} initiatives."),
        ));
    }
    cautions
}

/// The cautions about associations, apart from those about [one pair](list_pair_cautions).
pub fn list_association_cautions(answer: &Associations) -> Vec<Caution> {
    let population = answer.pairs.first().map(|pair| pair.table.population);
    let mut cautions = Vec::from_iter(caution_illustrative(
        &answer.illustrative,
        &population.unwrap_or_default(),
        &answer.basis,
    ));
    let counts = answer.pairs.iter().flat_map(|pair| pair.table.counts());
    cautions.extend(list_shared_cautions(&answer.basis, false, counts));
    cautions
}

/// The cautions about one pair of conditions.
pub fn list_pair_cautions(pair: &Association) -> Vec<Caution> {
    let table = pair.table.of_basis(pair.basis);
    let mut cautions = list_table_cautions(&table);
    cautions.extend(caution_not_computable(&table));
    cautions
}

/// The cautions about a comparison, apart from those about [one table](list_table_cautions).
pub fn list_comparison_cautions(answer: &ComparisonAnswer) -> Vec<Caution> {
    let population = answer.tables.first().map(|table| table.population);
    let mut cautions = Vec::from_iter(caution_illustrative(
        &answer.illustrative.of_basis(answer.figures_basis),
        &population.unwrap_or_default().of_basis(answer.figures_basis),
        &answer.basis,
    ));
    cautions.extend(caution_groups_suppressed(&answer.tables, answer.basis.scope, ""));
    let counts = answer.tables.iter().flat_map(DisclosedTable::counts);
    cautions.extend(list_shared_cautions(&answer.basis, answer.overlap, counts));
    cautions
}

/// The cautions about a grid.
pub fn list_grid_cautions(grid: &Grid) -> Vec<Caution> {
    let mut cautions = Vec::from_iter(caution_illustrative(
        &grid.illustrative.of_basis(grid.figures_basis),
        &grid.population.of_basis(grid.figures_basis),
        &grid.basis,
    ));
    let counts = grid.cells.iter().copied();
    cautions.extend(list_shared_cautions(&grid.basis, grid.cells_overlap, counts));
    cautions
}

/// The cautions about a distribution.
pub fn list_distribution_cautions(distribution: &Distribution) -> Vec<Caution> {
    let bins = distribution.bins.iter();
    list_marked_count_cautions(
        &distribution.basis,
        distribution.bins_overlap,
        bins.map(|bin| (bin.count, bin.illustrative)),
    )
}

/// The cautions about flows. An initiative counts once for each later entry point and each perspective.
pub fn list_flow_cautions(answer: &FlowCounts) -> Vec<Caution> {
    let flows = answer.flows.iter();
    list_marked_count_cautions(
        &answer.basis,
        true,
        flows.map(|flow| (flow.count, flow.illustrative)),
    )
}

/// The cautions about counts that each come with the number of illustrative records in them.
fn list_marked_count_cautions(
    basis: &Basis,
    overlap: bool,
    counts: impl Iterator<Item = (DisclosedCount, DisclosedCount)> + Clone,
) -> Vec<Caution> {
    let mut marks = counts.clone().map(|(_, illustrative)| illustrative.count);
    let mut cautions = Vec::new();
    if marks.clone().any(|mark| mark.is_some_and(|count| count > 0)) {
        let is_whole = |(count, illustrative): (DisclosedCount, DisclosedCount)| {
            (count.count, count.visible) == (illustrative.count, illustrative.visible)
        };
        let subject = if counts.clone().all(is_whole) {
            "All"
        } else {
            "Some"
        };
        let text = format!("{subject} of these records are {MADE_UP_RECORDS}");
        cautions.push(new_caution(CautionCode::Illustrative, text));
    } else if basis.has_illustrative && marks.any(|mark| mark.is_none()) {
        cautions.push(new_caution(CautionCode::Illustrative, MAYBE_MADE_UP));
    }
    cautions.extend(list_shared_cautions(
        basis,
        overlap,
        counts.map(|(count, _)| count),
    ));
    cautions
}

/// The cautions that every answer can have: overlap, sampling and disclosure control.
fn list_shared_cautions(
    basis: &Basis,
    overlap: bool,
    mut counts: impl Iterator<Item = DisclosedCount>,
) -> Vec<Caution> {
    let mut cautions = Vec::new();
    if overlap {
        cautions.push(caution_groups_overlap());
    }
    cautions.push(new_caution(
        CautionCode::NotASample,
        "The records were sent in or published; they are not a random sample. Intervals say nothing about initiatives that \
         are missing.",
    ));
    match basis.hidden {
        HiddenCounting::NotControlled => return cautions,
        HiddenCounting::NoneCounted => {
            cautions.push(new_caution(
                CautionCode::HiddenNotCounted,
                "Only records that can be read in full are counted. If there are others, they are too few to protect.",
            ));
            return cautions;
        }
        HiddenCounting::Perturbed => {}
    }
    cautions.push(new_caution(
        CautionCode::Perturbed,
        "Counts that include hidden records are changed a little and rounded. They need not add up, and small differences \
         mean nothing.",
    ));
    if counts.any(|shown| shown.suppressed.is_some()) {
        cautions.push(new_caution(
            CautionCode::CountsSuppressed,
            "Some counts are suppressed, because they would include too few hidden records.",
        ));
    }
    cautions
}

fn caution_not_computable(table: &DisclosedTable) -> Option<Caution> {
    let missing = Measures::from_table(table).missing_names();
    if missing.is_empty() {
        return None;
    }
    let reason = if table.known_cells().is_none() {
        "a count that they need is suppressed"
    } else {
        "a count that they need is zero"
    };
    let measures = join_list(missing, "and");
    Some(new_caution(
        CautionCode::NotComputable,
        format!("These cannot be computed, because {reason}: {measures}."),
    ))
}

const MADE_UP_RECORDS: &str =
    "illustrative: made up to show how Wayin works. They say nothing about real places.";
const MAYBE_MADE_UP: &str = "Some of these records may be illustrative: made up to show how Wayin works.";

fn caution_illustrative(
    shown: &DisclosedCount,
    population: &DisclosedCount,
    basis: &Basis,
) -> Option<Caution> {
    let subject = match shown.count {
        Some(0) => return None,
        // The count is suppressed. Readers may know that the database has no illustrative records.
        None if !basis.has_illustrative => return None,
        None => return Some(new_caution(CautionCode::Illustrative, MAYBE_MADE_UP)),
        count if count == population.count => "All of these records are".to_owned(),
        Some(1) => {
            let text = "One of these records is illustrative: made up to show how Wayin works. It says nothing about real places.";
            return Some(new_caution(CautionCode::Illustrative, text));
        }
        Some(count) if shown.variance > 0.0 => {
            format!("About {} of these records are", round_for_words(count))
        }
        Some(count) => format!("{} of these records are", format_count(count)),
    };
    let text = format!("{subject} {MADE_UP_RECORDS}");
    Some(new_caution(CautionCode::Illustrative, text))
}

fn caution_groups_overlap() -> Caution {
    new_caution(
        CautionCode::GroupsOverlap,
        "An initiative counts once in each of its groups, so the groups add up to more than the total.",
    )
}

/// None if no group has a suppressed count. `consequence` is a sentence to add, or empty.
fn caution_groups_suppressed(
    tables: &[DisclosedTable],
    scope: RecordScope,
    consequence: &str,
) -> Option<Caution> {
    let suppressed = tables.iter().filter(|table| table.basis(scope) != scope).count();
    if suppressed == 0 {
        return None;
    }
    let text = format!(
        "{} of {} groups {} a count that is suppressed, because it would include too few hidden records.{consequence}",
        format_count(suppressed as u64),
        format_count(tables.len() as u64),
        if suppressed == 1 { "has" } else { "have" },
    );
    Some(new_caution(CautionCode::GroupsSuppressed, text))
}

fn list_group_cautions(answer: &PatternAnswer, groups: &Groups) -> Vec<Caution> {
    let mut cautions = Vec::new();
    if groups.overlap {
        cautions.push(caution_groups_overlap());
    }
    let not_adjusted = match groups.adjusted {
        Err(NotAdjustedReason::Suppressed { initiatives, .. }) => format!(
            " They have at least {} of the initiatives, too many for adjusted figures.",
            format_count(initiatives)
        ),
        _ => String::new(),
    };
    let tables: Vec<DisclosedTable> = groups.tables.iter().map(|(_, table)| *table).collect();
    cautions.extend(caution_groups_suppressed(
        &tables,
        answer.basis.scope,
        &not_adjusted,
    ));
    let Ok(adjusted) = &groups.adjusted else {
        return cautions;
    };
    let crude = Measures::from_table(&answer.table.of_basis(groups.basis)).odds_ratio;
    if let (Some(crude), Some(adjusted)) = (crude, adjusted.odds_ratio)
        && (crude.value - 1.0) * (adjusted.value - 1.0) < 0.0
    {
        cautions.push(new_caution(
            CautionCode::ReversesWithinGroups,
            "Within the groups, the difference has the opposite direction. The groups themselves may explain the \
             overall difference.",
        ));
    }
    if let Some(Ok(homogeneity)) = &adjusted.homogeneity
        && homogeneity.p_value < GROUPS_DIFFER_BELOW
    {
        cautions.push(new_caution(
            CautionCode::GroupsDiffer,
            "The groups differ from each other, which one figure over all of them hides.",
        ));
    }
    cautions
}

fn list_concentration_cautions(answer: &PatternAnswer) -> Vec<Caution> {
    let Some(concentration) = answer.concentration else {
        return Vec::new();
    };
    let mut cautions = Vec::new();
    let both = answer.table.both.visible;
    if both > 0 && concentration.largest_place_count * 100 > both * MAX_ONE_PLACE_PERCENT {
        let which = if answer.basis.hidden.is_controlled() {
            "readable initiatives with both"
        } else {
            "initiatives with both"
        };
        cautions.push(new_caution(
            CautionCode::FewPlaces,
            format!("Over half of the {which} are in one place. The answer may be about that place alone."),
        ));
    }
    if let (Some(led), Some(population)) = (concentration.largest_lead_count, answer.table.population.count)
        && led * 100 > population * MAX_ONE_LEAD_PERCENT
        && led > 1
    {
        let (led, population) = (format_count(led), format_count(population));
        cautions.push(new_caution(
            CautionCode::Clustered,
            format!(
                "One organisation leads {led} of the {population} initiatives. They are less independent of each other \
                 than the intervals assume."
            ),
        ));
    }
    cautions
}
