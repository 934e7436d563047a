//! Where a rate differs: the groups whose rate of `then` with `when` is clearly higher or lower than that of all others.

use crate::answer::DisclosedTable;
use crate::dimension::{GroupKey, GroupName};
use crate::disclosure::DisclosedCount;
use crate::statistics::{Count, TwoByTwoCounts, compute_difference_p_value, multiple_testing};
use crate::verdict::{Direction, MIN_COMPARED_INITIATIVES};

/// A group differs clearly if its q-value is below this: of the groups that are said to differ, fewer than 5% are expected
/// not to.
const MAX_Q_VALUE: f64 = 0.05;

/// The comparison of each group with all initiatives that are not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupComparison {
    /// How many groups were compared. The others have too few initiatives, or a suppressed count.
    pub compared: usize,
    /// The groups that differ clearly, in the order of the groups.
    pub different: Vec<DifferentGroup>,
}

/// A group whose rate is clearly higher or lower than that of the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DifferentGroup {
    /// The index of the group.
    pub group: usize,
    /// Whether its rate is higher or lower.
    pub direction: Direction,
    /// Its rate, from 0 to 1.
    pub rate: f64,
}

impl GroupComparison {
    /// Compares each group that has a value with the other groups that have one, and whose counts are not suppressed. The
    /// p-values are corrected for the number of groups.
    pub fn compare(groups: &[(GroupName, DisclosedTable)]) -> Self {
        let cells = |(name, table): &(GroupName, DisclosedTable)| match name.key {
            GroupKey::NotKnown => None,
            _ => Some([
                table.both.count_with_variance()?,
                table.when_only.count_with_variance()?,
            ]),
        };
        let cells: Vec<Option<[Count; 2]>> = groups.iter().map(cells).collect();
        let all = cells.iter().flatten().fold([Count::default(); 2], |sum, cells| {
            std::array::from_fn(|cell| add(sum[cell], cells[cell]))
        });
        let compare = |cells: &Option<[Count; 2]>| {
            let [both, when_only] = (*cells)?;
            compare_rates(&TwoByTwoCounts {
                both,
                when_only,
                then_only: subtract(all[0], both),
                neither: subtract(all[1], when_only),
            })
        };
        Self::from_comparisons(&cells.iter().map(compare).collect::<Vec<_>>())
    }

    /// Compares each group with all initiatives that are not in it, if groups overlap. `overall` is the table over all
    /// groups, of the same basis as `groups`.
    pub fn compare_overlapping(overall: &DisclosedTable, groups: &[(GroupName, DisclosedTable)]) -> Self {
        let compare = |(name, table): &(GroupName, DisclosedTable)| match name.key {
            GroupKey::NotKnown => None,
            _ => compare_with_rest(overall, table),
        };
        Self::from_comparisons(&groups.iter().map(compare).collect::<Vec<_>>())
    }

    /// Compares the rate of `then` with `when` with the rate without it, in each table. The p-values are corrected for the
    /// number of tables.
    pub fn compare_conditions(tables: &[DisclosedTable]) -> Self {
        let compare = |table: &DisclosedTable| compare_rates(&table.known_cells()?);
        Self::from_comparisons(&tables.iter().map(compare).collect::<Vec<_>>())
    }

    /// Corrects the p-values of the comparisons, and keeps those that differ clearly. A group that was not compared is none.
    fn from_comparisons(compared: &[Option<RateComparison>]) -> Self {
        let p_values: Vec<Option<f64>> = compared.iter().map(|one| one.map(|one| one.p_value)).collect();
        let q_values = multiple_testing::benjamini_hochberg(&p_values);
        let different = compared.iter().zip(q_values).enumerate();
        Self {
            compared: p_values.iter().flatten().count(),
            different: different
                .filter_map(|(group, (compared, q_value))| {
                    let compared = (*compared)?;
                    Some(DifferentGroup {
                        group,
                        direction: Direction::from_difference(compared.difference)?,
                        rate: compared.rate,
                    })
                    .filter(|_| q_value.is_some_and(|q_value| q_value < MAX_Q_VALUE))
                })
                .collect(),
        }
    }
}

#[derive(Clone, Copy)]
struct RateComparison {
    rate: f64,
    difference: f64,
    p_value: f64,
}

fn add(one: Count, other: Count) -> Count {
    Count {
        n: one.n + other.n,
        variance: one.variance + other.variance,
    }
}

/// The count without a part that was added to it before.
fn subtract(all: Count, part: Count) -> Count {
    Count {
        n: all.n - part.n,
        variance: (all.variance - part.variance).max(0.0),
    }
}

/// None if a count is suppressed, or if the group or the rest has too few initiatives.
fn compare_with_rest(overall: &DisclosedTable, group: &DisclosedTable) -> Option<RateComparison> {
    // The noise of the group is in both rates, in opposite directions. As (a + b)² is at most 2a² + 2b², its variance
    // counts twice in each.
    let part = |part: DisclosedCount| -> Option<Count> {
        Some(Count {
            n: part.count?,
            variance: 2.0 * part.variance,
        })
    };
    let rest = |all: DisclosedCount, part: DisclosedCount| -> Option<Count> {
        Some(Count {
            // The counts are disclosed each in its own right, so a part can exceed the whole.
            n: all.count?.saturating_sub(part.count?),
            variance: all.variance + 2.0 * part.variance,
        })
    };
    let counts = TwoByTwoCounts {
        both: part(group.both)?,
        when_only: part(group.when_only)?,
        then_only: rest(overall.both, group.both)?,
        neither: rest(overall.when_only, group.when_only)?,
    };
    compare_rates(&counts)
}

/// Compares the rate of `then` with `when` with the rate without it. None if too few initiatives have either.
fn compare_rates(counts: &TwoByTwoCounts) -> Option<RateComparison> {
    let (of_group, of_rest) = (
        counts.both.n + counts.when_only.n,
        counts.then_only.n + counts.neither.n,
    );
    if of_group.min(of_rest) < MIN_COMPARED_INITIATIVES {
        return None;
    }
    let rate = counts.both.n as f64 / of_group as f64;
    Some(RateComparison {
        rate,
        difference: rate - counts.then_only.n as f64 / of_rest as f64,
        // Without variance, both rates are 0 or both are 1.
        p_value: compute_difference_p_value(counts).unwrap_or(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(both: u64, when_only: u64) -> DisclosedTable {
        let counts = [both + when_only, both, when_only, 0, 0, 0, 0, 0];
        DisclosedTable::new(counts.map(DisclosedCount::exact))
    }

    fn compare(counts: &[(u64, u64)]) -> GroupComparison {
        let named = counts.iter().enumerate().map(|(number, (both, when_only))| {
            let key = if number + 1 == counts.len() {
                GroupKey::NotKnown
            } else {
                GroupKey::Code(number.to_string())
            };
            let label = number.to_string();
            (GroupName { key, label }, table(*both, *when_only))
        });
        GroupComparison::compare(&named.collect::<Vec<_>>())
    }

    #[test]
    fn groups_that_stand_out_are_found_with_their_direction() {
        let found = compare(&[(90, 10), (50, 50), (50, 50), (10, 90), (50, 50), (0, 100)]);
        let different: Vec<(usize, Direction)> = found
            .different
            .iter()
            .map(|one| (one.group, one.direction))
            .collect();
        assert_eq!(different, [(0, Direction::More), (3, Direction::Less)]);
        assert_eq!(found.compared, 5, "initiatives without a value are no group");
        assert!((found.different[0].rate - 0.9).abs() < 1e-12);
    }

    #[test]
    fn conditions_are_compared_as_groups_with_their_rest() {
        let groups = [(90, 10), (50, 50), (52, 48), (10, 90), (4, 2), (0, 0)];
        let all = |pick: fn(&(u64, u64)) -> u64| groups.iter().map(pick).sum::<u64>();
        let (both, when_only) = (all(|pair| pair.0), all(|pair| pair.1));
        let with_rest = |pair: &(u64, u64)| {
            let counts = [0, pair.0, pair.1, both - pair.0, when_only - pair.1, 0, 0, 0];
            DisclosedTable::new(counts.map(DisclosedCount::exact))
        };
        // The last group has no value.
        let tables: Vec<DisclosedTable> = groups[..5].iter().map(with_rest).collect();
        assert_eq!(GroupComparison::compare_conditions(&tables), compare(&groups));
        assert_eq!(compare(&groups).different.len(), 2);
    }

    #[test]
    fn small_groups_are_not_compared() {
        let found = compare(&[(9, 0), (50, 50), (50, 50), (0, 0)]);
        assert_eq!((found.compared, found.different.len()), (2, 0));
    }

    #[test]
    fn among_many_groups_a_chance_difference_is_not_clear() {
        let mut groups = vec![(50, 50); 40];
        groups[7] = (61, 39);
        groups.push((0, 0));
        assert_eq!(compare(&groups).different, []);
        assert_eq!(compare(&[(61, 39), (40, 60), (0, 0)]).different.len(), 2);
    }

    #[test]
    fn noise_makes_a_difference_less_clear() {
        let noisy = |both: u64, when_only: u64| {
            let mut table = table(both, when_only);
            table.both.variance = 6.0;
            table.when_only.variance = 6.0;
            table
        };
        let name = |label: &str| GroupName {
            key: GroupKey::Code(label.into()),
            label: label.into(),
        };
        let groups =
            |of: fn(u64, u64) -> DisclosedTable| vec![(name("a"), of(16, 4)), (name("b"), of(9, 11))];
        let exact = GroupComparison::compare(&groups(table));
        assert_eq!(exact.different.len(), 2);
        let perturbed = vec![(name("a"), noisy(16, 4)), (name("b"), noisy(9, 11))];
        assert_eq!(GroupComparison::compare(&perturbed).different, []);
        let overlapping = GroupComparison::compare_overlapping(&noisy(25, 15), &perturbed);
        assert_eq!(overlapping.different, []);
    }

    #[test]
    fn equal_rates_of_nothing_are_compared() {
        let found = compare(&[(0, 50), (0, 50), (0, 50), (0, 0)]);
        assert_eq!((found.compared, found.different.len()), (3, 0));
    }
}
