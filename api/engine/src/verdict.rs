//! The verdict on a table: whether the rates of `then` with and without `when` differ. It depends on disclosed counts alone.
//! `docs/patterns.md` has the rules.

use crate::answer::DisclosedTable;
use crate::disclosure::{DisclosedCount, MAX_NOISE, MAX_ROUNDING, MIN_CELL_COUNT};
use crate::measures::Measures;

/// The fewest initiatives of which both conditions are known, in each of the two groups that are compared.
pub const MIN_COMPARED_INITIATIVES: u64 = 10;
/// If a rate could be anywhere in a range as wide as this, almost nothing is known about it.
const ALMOST_ANY_RATE: f64 = 0.9;

/// Whether the shares of initiatives that have `then` differ between those with `when` and the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "async-graphql", derive(async_graphql::Enum))]
pub enum Verdict {
    /// The shares differ. The 95% confidence interval of the difference does not include 0, and either fewer
    /// initiatives are unknown than known, or the direction is the same whatever the unknown answers are.
    ClearDifference,
    /// The 95% confidence interval of the difference includes 0.
    NoClearDifference,
    /// The known answers differ, but at least as many initiatives are unknown, and they could reverse the
    /// difference.
    DependsOnUnknowns,
    /// Fewer than 10 initiatives are known in one of the groups, or so many answers are unknown that a share
    /// could be almost anything.
    TooLittleKnown,
    /// A count that is needed is suppressed.
    Suppressed,
}

impl Verdict {
    /// Whether the known answers differ.
    pub fn is_difference(self) -> bool {
        matches!(self, Self::ClearDifference | Self::DependsOnUnknowns)
    }
}

/// Whether `then` is more or less frequent among initiatives with `when` than among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "async-graphql",
    derive(async_graphql::Enum),
    graphql(name = "DifferenceDirection")
)]
pub enum Direction {
    /// More frequent with `when`.
    More,
    /// Less frequent with `when`.
    Less,
}

impl Direction {
    /// The direction of a difference; none if it is 0.
    pub fn from_difference(difference: f64) -> Option<Self> {
        match difference {
            more if more > 0.0 => Some(Self::More),
            less if less < 0.0 => Some(Self::Less),
            _ => None,
        }
    }
}

/// A verdict with the direction of the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// The direction of the known difference; none unless the verdict is [`Verdict::ClearDifference`] or
    /// [`Verdict::DependsOnUnknowns`].
    pub direction: Option<Direction>,
}

impl Finding {
    /// Finds the verdict on a table.
    pub fn from_table(table: &DisclosedTable) -> Self {
        let without_direction = |verdict| Self {
            verdict,
            direction: None,
        };
        let (Some(with), Some(others)) = (table.known_when_count(), table.known_otherwise_count()) else {
            return without_direction(Verdict::Suppressed);
        };
        let Some(difference) = Measures::from_table(table)
            .risk_difference
            .filter(|_| with.min(others) >= MIN_COMPARED_INITIATIVES)
        else {
            return without_direction(Verdict::TooLittleKnown);
        };
        if RateBounds::of_both(table).is_none_or(|bounds| bounds.iter().any(RateBounds::is_almost_any)) {
            return without_direction(Verdict::TooLittleKnown);
        }
        if difference.lower <= 0.0 && difference.upper >= 0.0 {
            return without_direction(Verdict::NoClearDifference);
        }
        // To cancel the difference, unknown initiatives that are fewer than the known ones would have to differ by more, and
        // in the opposite direction.
        let few_unknown = max_unknown(table) < (with + others) as f64;
        let is_certain = || bound_difference(table).is_some_and(|(least, most)| least > 0.0 || most < 0.0);
        Self {
            verdict: if few_unknown || is_certain() {
                Verdict::ClearDifference
            } else {
                Verdict::DependsOnUnknowns
            },
            direction: Direction::from_difference(difference.value),
        }
    }
}

/// The lowest and the highest possible value of a rate, whatever the unknown answers are. Both are from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateBounds {
    /// The lowest possible rate.
    pub least: f64,
    /// The highest possible rate.
    pub most: f64,
}

impl RateBounds {
    /// The bounds of the rate of `then` with `when`, and of the rate without. An initiative with an unknown condition could be
    /// in any of the four cells. None if a count is suppressed, or if there may be no initiative in a group.
    pub fn of_both(table: &DisclosedTable) -> Option<[Self; 2]> {
        let unknown = max_unknown(table);
        let bound = |part: DisclosedCount, rest: DisclosedCount| {
            let (part, rest) = (part.count? as f64, rest.count? as f64);
            let all = part + rest + unknown;
            (all > 0.0).then(|| Self {
                least: part / all,
                most: (part + unknown) / all,
            })
        };
        Some([
            bound(table.both, table.when_only)?,
            bound(table.then_only, table.neither)?,
        ])
    }

    /// Whether almost nothing is known about the rate.
    pub fn is_almost_any(&self) -> bool {
        self.most - self.least >= ALMOST_ANY_RATE
    }
}

/// The highest number of initiatives with an unknown condition that a table allows, whatever the noise was.
fn max_unknown(table: &DisclosedTable) -> f64 {
    let most = match table.unknown.count {
        // A count is suppressed if it is under the minimum with its noise.
        None => table.unknown.visible + u64::from(MIN_CELL_COUNT) - 1 + MAX_NOISE,
        Some(count) if table.unknown.variance > 0.0 => count + MAX_NOISE + MAX_ROUNDING,
        Some(count) => count,
    };
    most as f64
}

/// The lowest and the highest possible difference of the two rates, whatever the unknown answers are. None if a count is
/// suppressed or a group is empty.
///
/// Source: C. F. Manski, "Nonparametric bounds on treatment effects", American Economic Review 80 (1990), for a binary outcome
/// without assumptions, where here the group of an initiative can be unknown too.
fn bound_difference(table: &DisclosedTable) -> Option<(f64, f64)> {
    let [a, b, c, d] = table.four_cells().map(|cell| cell.count);
    let cells = [a? as f64, b? as f64, c? as f64, d? as f64];
    let [a, b, c, d] = cells;
    if a + b <= 0.0 || c + d <= 0.0 {
        return None;
    }
    let unknown = max_unknown(table);
    // The highest difference is minus the lowest one for the opposite of `then`.
    Some((
        find_lowest_difference(cells, unknown),
        -find_lowest_difference([b, a, d, c], unknown),
    ))
}

/// The difference is lowest if the unknown initiatives are in `when_only` and in `then_only`. How many are in each follows
/// from the derivative, which has one zero.
fn find_lowest_difference([both, when_only, then_only, neither]: [f64; 4], unknown: f64) -> f64 {
    let (with, others) = (both + when_only, then_only + neither);
    let (root, other_root) = (both.sqrt(), neither.sqrt());
    let best = if root + other_root > 0.0 {
        (root * (others + unknown) - other_root * with) / (root + other_root)
    } else {
        0.0
    };
    let added_to_when = best.clamp(0.0, unknown);
    let added_to_others = unknown - added_to_when;
    both / (with + added_to_when) - (then_only + added_to_others) / (others + added_to_others)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// A table of exact counts: both, when only, then only, neither and unknown.
    fn table([both, when_only, then_only, neither, unknown]: [u64; 5]) -> DisclosedTable {
        let population = both + when_only + then_only + neither + unknown;
        let counts = [
            population, both, when_only, then_only, neither, unknown, unknown, unknown,
        ];
        DisclosedTable::new(counts.map(DisclosedCount::exact))
    }

    fn find(counts: [u64; 5]) -> (Verdict, Option<Direction>) {
        let finding = Finding::from_table(&table(counts));
        (finding.verdict, finding.direction)
    }

    #[test]
    fn verdict_follows_from_the_interval_and_the_unknowns() {
        use Direction::{Less, More};
        for (counts, expected) in [
            ([60, 40, 25, 75, 0], (Verdict::ClearDifference, Some(More))),
            ([25, 75, 60, 40, 0], (Verdict::ClearDifference, Some(Less))),
            ([60, 40, 25, 75, 20], (Verdict::ClearDifference, Some(More))),
            ([60, 40, 25, 75, 199], (Verdict::ClearDifference, Some(More))),
            ([60, 40, 25, 75, 200], (Verdict::DependsOnUnknowns, Some(More))),
            ([25, 75, 60, 40, 200], (Verdict::DependsOnUnknowns, Some(Less))),
            ([26, 74, 26, 74, 0], (Verdict::NoClearDifference, None)),
            ([30, 70, 26, 74, 90], (Verdict::NoClearDifference, None)),
            ([9, 0, 0, 100, 0], (Verdict::TooLittleKnown, None)),
            ([100, 0, 0, 9, 0], (Verdict::TooLittleKnown, None)),
            ([60, 40, 25, 75, 1_000], (Verdict::TooLittleKnown, None)),
            ([0, 0, 0, 0, 0], (Verdict::TooLittleKnown, None)),
        ] {
            assert_eq!(find(counts), expected, "{counts:?}");
        }
    }

    #[test]
    fn suppressed_count_gives_no_verdict() {
        for cell in 0..4 {
            let mut table = table([60, 40, 25, 75, 0]);
            let cells = [
                &mut table.both,
                &mut table.when_only,
                &mut table.then_only,
                &mut table.neither,
            ];
            if let Some(cell) = cells.into_iter().nth(cell) {
                cell.count = None;
            }
            assert_eq!(Finding::from_table(&table).verdict, Verdict::Suppressed, "{cell}");
        }
    }

    #[test]
    fn noise_of_the_unknown_count_widens_the_bounds() {
        let mut suppressed = table([60, 40, 25, 75, 5]);
        suppressed.unknown.count = None;
        let expected = RateBounds::of_both(&table([60, 40, 25, 75, 5 + 14]));
        assert_eq!(RateBounds::of_both(&suppressed), expected);
        let mut perturbed = table([60, 40, 25, 75, 50]);
        perturbed.unknown.variance = 6.0;
        let expected = RateBounds::of_both(&table([60, 40, 25, 75, 57]));
        assert_eq!(RateBounds::of_both(&perturbed), expected);
    }

    /// All ways to put the unknown initiatives into the four cells.
    fn list_assignments(unknown: u64) -> impl Iterator<Item = [u64; 4]> {
        (0..=unknown).flat_map(move |a| {
            (0..=unknown - a)
                .flat_map(move |b| (0..=unknown - a - b).map(move |c| [a, b, c, unknown - a - b - c]))
        })
    }

    #[test]
    fn bounds_hold_for_every_assignment_of_the_unknown() {
        let mut random = StdRng::seed_from_u64(21);
        for _ in 0..300 {
            let known: [u64; 4] = std::array::from_fn(|_| random.random_range(0..12));
            let unknown = random.random_range(0..9);
            let counts = [known[0], known[1], known[2], known[3], unknown];
            let table = table(counts);
            let Some((least, most)) = bound_difference(&table) else {
                assert!(known[0] + known[1] == 0 || known[2] + known[3] == 0, "{counts:?}");
                continue;
            };
            let rates = list_assignments(unknown).map(|added| {
                let [a, b, c, d]: [f64; 4] = std::array::from_fn(|cell| (known[cell] + added[cell]) as f64);
                (a / (a + b), c / (c + d))
            });
            let bounds = RateBounds::of_both(&table).unwrap();
            let (mut lowest, mut highest) = (f64::MAX, f64::MIN);
            for (with, otherwise) in rates {
                (lowest, highest) = (lowest.min(with - otherwise), highest.max(with - otherwise));
                for (rate, bounds) in [with, otherwise].into_iter().zip(bounds) {
                    assert!(
                        rate >= bounds.least - 1e-9 && rate <= bounds.most + 1e-9,
                        "{counts:?}: {rate}, {bounds:?}"
                    );
                }
            }
            // The bounds allow parts of an initiative, so they can be a little wider.
            assert!(
                least <= lowest + 1e-9 && lowest - least < 0.02,
                "{counts:?}: {least}, {lowest}"
            );
            assert!(
                most >= highest - 1e-9 && most - highest < 0.02,
                "{counts:?}: {most}, {highest}"
            );
        }
    }
}
