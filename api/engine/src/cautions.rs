//! What to mind when reading an answer, worked out from what is shown of it alone.

use super::answer::{Association, Basis, NotAdjusted, PatternAnswer, Table};
use super::disclosure::Shown;
use super::measures::Figures;
use super::summary::{about, count, listed, plural};

/// A known cell under this is a small number.
pub const SMALL: u64 = 10;
/// The share of the population, in 100, that may be unknown before it is much.
pub const MUCH_UNKNOWN: u64 = 20;
/// The share of `both`, in 100, that one place may have before it is said.
const MOST_IN_ONE_PLACE: u64 = 50;
/// The share of the population, in 100, that one organisation may lead before it is said.
const MOST_LED_BY_ONE: u64 = 20;
/// Groups differ where chance alone would make them differ as much in fewer than 5 of 100 cases.
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

fn caution(code: CautionCode, text: impl Into<String>) -> Caution {
    Caution {
        code,
        text: text.into(),
    }
}

/// The cautions of a pattern.
pub fn of_pattern(answer: &PatternAnswer) -> Vec<Caution> {
    let table = &answer.table;
    let mut cautions: Vec<Caution> = illustrative(&answer.illustrative, &answer.basis)
        .into_iter()
        .collect();
    cautions.extend(of_table(table));
    cautions.extend(not_computable(table));
    if let Some(groups) = &answer.groups {
        cautions.extend(of_groups(answer, groups));
    }
    cautions.extend(concentrated(answer));
    cautions.push(not_a_sample());
    cautions.extend(of_control(
        &answer.basis,
        table.named().into_iter().map(|(_, shown)| shown),
    ));
    cautions
}

/// The cautions of one table: small numbers, and much that is not known.
pub fn of_table(table: &Table) -> Vec<Caution> {
    let mut cautions = Vec::new();
    let known = [table.both, table.when_only, table.then_only, table.neither];
    if known
        .iter()
        .filter_map(|cell| cell.count)
        .any(|count| count < SMALL)
    {
        cautions.push(caution(
            CautionCode::SmallNumbers,
            format!("At least one of the four counts is under {SMALL}: a few initiatives more or less would change the picture."),
        ));
    }
    if let (Some(unknown), Some(population)) = (table.unknown.count, table.population.count)
        && unknown * 100 > population * MUCH_UNKNOWN
    {
        cautions.push(caution(
            CautionCode::MuchUnknown,
            format!(
                "Of {} not enough is known, out of {} in all.",
                about(&table.unknown, unknown),
                about(&table.population, population)
            ),
        ));
    }
    cautions
}

/// The cautions of one pair out of several conditions.
pub fn of_pair(found: &Association) -> Vec<Caution> {
    let mut cautions: Vec<Caution> = illustrative(&found.illustrative, &found.basis)
        .into_iter()
        .collect();
    cautions.extend(of_table(&found.table));
    cautions.extend(not_computable(&found.table));
    cautions.push(not_a_sample());
    cautions.extend(of_control(
        &found.basis,
        found.table.named().into_iter().map(|(_, shown)| shown),
    ));
    cautions
}

/// The cautions of a grid or another answer that is counts alone.
pub fn of_counts<'a>(
    basis: &Basis,
    illustrative_ones: &Shown,
    overlap: bool,
    counts: impl Iterator<Item = &'a Shown>,
) -> Vec<Caution> {
    let mut cautions: Vec<Caution> = illustrative(illustrative_ones, basis).into_iter().collect();
    if overlap {
        cautions.push(overlapping());
    }
    cautions.push(not_a_sample());
    cautions.extend(of_control(basis, counts));
    cautions
}

/// The cautions of counts that each tell how many of them were made up: of a distribution, or of moves.
pub fn of_marked_counts<'a>(
    basis: &Basis,
    overlap: bool,
    counts: impl Iterator<Item = (&'a Shown, &'a Shown)> + Clone,
) -> Vec<Caution> {
    let mut marks = counts.clone().map(|(_, illustrative)| illustrative.count);
    let text = if marks.clone().any(|mark| mark.is_some_and(|many| many > 0)) {
        "Some of the records counted were made up to show how Wayin works: they are no evidence about real places."
    } else if basis.any_illustrative && marks.any(|mark| mark.is_none()) {
        "Some of the records counted may have been made up to show how Wayin works."
    } else {
        ""
    };
    let mut cautions = Vec::new();
    if !text.is_empty() {
        cautions.push(caution(CautionCode::Illustrative, text));
    }
    if overlap {
        cautions.push(overlapping());
    }
    cautions.push(not_a_sample());
    cautions.extend(of_control(basis, counts.map(|(count, _)| count)));
    cautions
}

fn not_computable(table: &Table) -> Option<Caution> {
    let missing = Figures::of(table).missing();
    if missing.is_empty() {
        return None;
    }
    let why = if table.four().is_none() {
        "a count that is needed is suppressed, or leaves out hidden records that another holds"
    } else {
        "a count that is needed is zero"
    };
    let figures = listed(missing.iter().map(ToString::to_string), "and");
    Some(caution(
        CautionCode::NotComputable,
        format!("What is left empty ({figures}) cannot be worked out: {why}."),
    ))
}

fn illustrative(shown: &Shown, basis: &Basis) -> Option<Caution> {
    let text = match shown.count {
        Some(0) => return None,
        // Suppressed: where the base holds none at all, that is known to everybody.
        None if !basis.any_illustrative => return None,
        None => "Some of the records counted may have been made up to show how Wayin works.".to_owned(),
        Some(1) => "One of the records counted was made up to show how Wayin works: it is no evidence about real places.".to_owned(),
        Some(many) => format!(
            "{}{} of the records counted were made up to show how Wayin works: they are no evidence about real places.",
            if shown.variance > 0.0 { "About " } else { "" },
            count(many)
        ),
    };
    Some(caution(CautionCode::Illustrative, text))
}

fn overlapping() -> Caution {
    caution(
        CautionCode::GroupsOverlap,
        "An initiative counts once in each group that it belongs to, so the groups add up to more than the whole.",
    )
}

fn not_a_sample() -> Caution {
    caution(
        CautionCode::NotASample,
        "The records are those that were sent in or published, not drawn at random: intervals tell what chance does to \
         counts of this size, not how well these initiatives stand for others.",
    )
}

fn of_groups(answer: &PatternAnswer, groups: &super::answer::Groups) -> Vec<Caution> {
    let mut cautions = Vec::new();
    if groups.overlap {
        cautions.push(overlapping());
    }
    let suppressed = groups
        .tables
        .iter()
        .filter(|(_, table)| table.four().is_none())
        .count();
    if suppressed > 0 {
        let not_adjusted = match groups.adjusted {
            Err(NotAdjusted::Suppressed { initiatives, .. }) => format!(
                " They hold at least {} of the initiatives, too many for figures over all groups.",
                count(initiatives)
            ),
            _ => String::new(),
        };
        cautions.push(caution(
            CautionCode::GroupsSuppressed,
            format!(
                "Of {} out of {} a count is suppressed, or leaves hidden records out, as too few records or organisations stand \
                 behind it.{not_adjusted}",
                plural(suppressed as u64, "group", "groups"),
                count(groups.tables.len() as u64)
            ),
        ));
    }
    let Ok(adjusted) = &groups.adjusted else {
        return cautions;
    };
    let crude = Figures::of(&answer.table).odds_ratio;
    if let (Some(crude), Some(adjusted)) = (crude, adjusted.odds_ratio)
        && (crude.value - 1.0) * (adjusted.value - 1.0) < 0.0
    {
        cautions.push(caution(
            CautionCode::ReversesWithinGroups,
            "Over all, the second condition goes with the first one way; when like is compared with like within the \
             groups, it goes the other way. What tells the groups apart explains the difference between the two.",
        ));
    }
    if let Some(Ok(homogeneity)) = &adjusted.homogeneity
        && homogeneity.p_value < GROUPS_DIFFER_BELOW
    {
        cautions.push(caution(
            CautionCode::GroupsDiffer,
            "The groups do not tell the same story: one figure over all of them hides that it is different from one to \
             another.",
        ));
    }
    cautions
}

fn concentrated(answer: &PatternAnswer) -> Vec<Caution> {
    let Some(found) = answer.concentration else {
        return Vec::new();
    };
    let mut cautions = Vec::new();
    if let Some(both) = answer.table.both.count
        && both > 0
        && found.both_in_one_place * 100 > both * MOST_IN_ONE_PLACE
    {
        cautions.push(caution(
            CautionCode::FewPlaces,
            "Over half of the initiatives that have both come from one place: it may be that place's story rather than \
             that of the field.",
        ));
    }
    if let (Some(led), Some(population)) = (found.led_by_one, answer.table.population.count)
        && led * 100 > population * MOST_LED_BY_ONE
        && led > 1
    {
        cautions.push(caution(
            CautionCode::Clustered,
            format!(
                "One organisation leads {} of the {} initiatives: they are less independent of each other than the \
                 intervals take them to be.",
                count(led),
                count(population)
            ),
        ));
    }
    cautions
}

fn of_control<'a>(basis: &Basis, counts: impl Iterator<Item = &'a Shown>) -> Vec<Caution> {
    if !basis.controlled {
        return Vec::new();
    }
    let mut cautions = vec![caution(
        CautionCode::Perturbed,
        "Counts of records that may only be counted were moved a little and rounded to the nearest 5, each in its own \
         right: they need not add up, and differences of a few mean nothing.",
    )];
    if counts
        .into_iter()
        .any(|shown| shown.count.is_some() && shown.suppressed.is_some())
    {
        cautions.push(caution(
            CautionCode::HiddenPartSuppressed,
            "Some counts are of the records that you may read whole alone: there may be a few more, or none, that may \
             not be shown.",
        ));
    }
    cautions
}
