//! Cautions about an answer. They depend only on what the answer discloses.

use super::answer::{
    Association, Associations, Basis, DisclosedTable, Distribution, FlowCounts, Grid, Groups,
    NotAdjustedReason, PatternAnswer,
};
use super::disclosure::DisclosedCount;
use super::measures::Measures;
use super::summary::{format_approximate, format_count, format_plural, join_list};

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
    /// Some records that you can count but not read in full are left out of a count.
    HiddenPartSuppressed,
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
    let mut cautions = Vec::from_iter(caution_illustrative(&answer.illustrative, &answer.basis));
    cautions.extend(list_table_cautions(&answer.table));
    cautions.extend(caution_not_computable(&answer.table));
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
            format!("At least one of the four counts is under {SMALL_CELL_COUNT}: a few initiatives more or less would change the picture."),
        ));
    }
    if let (Some(unknown), Some(population)) = (table.unknown.count, table.population.count)
        && unknown * 100 > population * MUCH_UNKNOWN_PERCENT
    {
        let unknown = format_approximate(&table.unknown, unknown);
        let population = format_approximate(&table.population, population);
        cautions.push(new_caution(
            CautionCode::MuchUnknown,
            format!("Of {unknown} not enough is known, out of {population} in all."),
        ));
    }
    cautions
}

/// The cautions about associations, apart from those about [one pair](list_pair_cautions).
pub fn list_association_cautions(answer: &Associations) -> Vec<Caution> {
    let mut cautions = Vec::from_iter(caution_illustrative(&answer.illustrative, &answer.basis));
    let counts = answer.pairs.iter().flat_map(|pair| pair.table.counts());
    cautions.extend(list_shared_cautions(&answer.basis, false, counts));
    cautions
}

/// The cautions about one pair of conditions.
pub fn list_pair_cautions(pair: &Association) -> Vec<Caution> {
    let mut cautions = list_table_cautions(&pair.table);
    cautions.extend(caution_not_computable(&pair.table));
    cautions
}

/// The cautions about a grid.
pub fn list_grid_cautions(grid: &Grid) -> Vec<Caution> {
    let mut cautions = Vec::from_iter(caution_illustrative(&grid.illustrative, &grid.basis));
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
        let text = format!("Some {MADE_UP_RECORDS}");
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
        "The records are those that were sent in or published, not drawn at random: intervals tell what chance does to \
         counts of this size, not how well these initiatives stand for others.",
    ));
    if !basis.disclosure_controlled {
        return cautions;
    }
    cautions.push(new_caution(
        CautionCode::Perturbed,
        "Counts of records that may only be counted were moved a little and rounded to the nearest 5, each in its own \
         right: they need not add up, and differences of a few mean nothing.",
    ));
    if counts.any(|shown| shown.count.is_some() && shown.suppressed.is_some()) {
        cautions.push(new_caution(
            CautionCode::HiddenPartSuppressed,
            "Some counts are of the records that you may read whole alone: there may be a few more, or none, that may \
             not be shown.",
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
        "a count that is needed is suppressed, or leaves out hidden records that another holds"
    } else {
        "a count that is needed is zero"
    };
    let measures = join_list(missing, "and");
    Some(new_caution(
        CautionCode::NotComputable,
        format!("What is left empty ({measures}) cannot be worked out: {reason}."),
    ))
}

const MADE_UP_RECORDS: &str =
    "of the records counted were made up to show how Wayin works: they are no evidence about real places.";
const MAYBE_MADE_UP: &str = "Some of the records counted may have been made up to show how Wayin works.";

fn caution_illustrative(shown: &DisclosedCount, basis: &Basis) -> Option<Caution> {
    let text = match shown.count {
        Some(0) => return None,
        // The count is suppressed. Readers may know that the database has no illustrative records.
        None if !basis.has_illustrative => return None,
        None => MAYBE_MADE_UP.to_owned(),
        Some(1) => "One of the records counted was made up to show how Wayin works: it is no evidence about real places.".to_owned(),
        Some(count) => {
            let about = if shown.variance > 0.0 { "About " } else { "" };
            format!("{about}{} {MADE_UP_RECORDS}", format_count(count))
        }
    };
    Some(new_caution(CautionCode::Illustrative, text))
}

fn caution_groups_overlap() -> Caution {
    new_caution(
        CautionCode::GroupsOverlap,
        "An initiative counts once in each group that it belongs to, so the groups add up to more than the whole.",
    )
}

fn list_group_cautions(answer: &PatternAnswer, groups: &Groups) -> Vec<Caution> {
    let mut cautions = Vec::new();
    if groups.overlap {
        cautions.push(caution_groups_overlap());
    }
    let is_suppressed = |table: &DisclosedTable| table.known_cells().is_none();
    let suppressed = groups
        .tables
        .iter()
        .filter(|(_, table)| is_suppressed(table))
        .count();
    if suppressed > 0 {
        let not_adjusted = match groups.adjusted {
            Err(NotAdjustedReason::Suppressed { initiatives, .. }) => format!(
                " They hold at least {} of the initiatives, too many for figures over all groups.",
                format_count(initiatives)
            ),
            _ => String::new(),
        };
        cautions.push(new_caution(
            CautionCode::GroupsSuppressed,
            format!(
                "Of {} out of {} a count is suppressed, or leaves hidden records out, as too few records or organisations stand \
                 behind it.{not_adjusted}",
                format_plural(suppressed as u64, "group", "groups"),
                format_count(groups.tables.len() as u64)
            ),
        ));
    }
    let Ok(adjusted) = &groups.adjusted else {
        return cautions;
    };
    let crude = Measures::from_table(&answer.table).odds_ratio;
    if let (Some(crude), Some(adjusted)) = (crude, adjusted.odds_ratio)
        && (crude.value - 1.0) * (adjusted.value - 1.0) < 0.0
    {
        cautions.push(new_caution(
            CautionCode::ReversesWithinGroups,
            "Over all, the second condition goes with the first one way; when like is compared with like within the \
             groups, it goes the other way. What tells the groups apart explains the difference between the two.",
        ));
    }
    if let Some(Ok(homogeneity)) = &adjusted.homogeneity
        && homogeneity.p_value < GROUPS_DIFFER_BELOW
    {
        cautions.push(new_caution(
            CautionCode::GroupsDiffer,
            "The groups do not tell the same story: one figure over all of them hides that it is different from one to \
             another.",
        ));
    }
    cautions
}

fn list_concentration_cautions(answer: &PatternAnswer) -> Vec<Caution> {
    let Some(concentration) = answer.concentration else {
        return Vec::new();
    };
    let mut cautions = Vec::new();
    if let Some(both) = answer.table.both.count
        && both > 0
        && concentration.largest_place_count * 100 > both * MAX_ONE_PLACE_PERCENT
    {
        cautions.push(new_caution(
            CautionCode::FewPlaces,
            "Over half of the initiatives that have both come from one place: it may be that place's story rather than \
             that of the field.",
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
                "One organisation leads {led} of the {population} initiatives: they are less independent of each other \
                 than the intervals take them to be."
            ),
        ));
    }
    cautions
}
