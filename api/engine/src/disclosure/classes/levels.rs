//! Levels: how classes are merged into larger and larger groups, neighbours first.
//!
//! Level 0 has each class alone. Each group of a level is made of whole groups of the level below. Classes that share the
//! value of a key variable are merged before they are merged with others, the first key variable last.

use super::key_variables::{ClassKey, KEY_LEVEL_COUNT};

/// The groups of classes at each level.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    /// The classes in the order in which they are merged.
    order: Vec<u32>,
    /// For each level, where its groups start in `order`.
    starts: Vec<Vec<usize>>,
}

impl Levels {
    /// The levels of some classes, given by their numbers and keys. Among those with equal keys, neighbours are merged in
    /// the given order. Illustrative classes are never merged with others.
    pub fn new(mut classes: Vec<(u32, ClassKey)>) -> Self {
        classes.sort_by_key(|(_, key)| *key);
        let keys: Vec<ClassKey> = classes.iter().map(|(_, key)| *key).collect();
        let first_illustrative = keys.partition_point(|key| !key.is_illustrative);
        let parts = [0..first_illustrative, first_illustrative..keys.len()];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        Self {
            order: classes.into_iter().map(|(number, _)| number).collect(),
            starts: join_levels(parts.map(|part| list_levels(&keys, part, 0)).collect()),
        }
    }

    /// The classes in the order in which they are merged.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// For each level, where its groups start in [`order`](Self::order).
    pub fn starts(&self) -> &[Vec<usize>] {
        &self.starts
    }
}

/// The levels of the classes in a range, which have equal values of the first `depth` key variables. The last level has
/// one group.
fn list_levels(keys: &[ClassKey], range: std::ops::Range<usize>, depth: usize) -> Vec<Vec<usize>> {
    if range.len() == 1 {
        return vec![vec![range.start]];
    }
    let parts: Vec<Vec<Vec<usize>>> = if depth < KEY_LEVEL_COUNT {
        let values = keys[range.clone()].chunk_by(|a, b| a.values[depth] == b.values[depth]);
        let mut start = range.start;
        let list_part = |part: &[ClassKey]| {
            let from = start;
            start += part.len();
            list_levels(keys, from..start, depth + 1)
        };
        values.map(list_part).collect()
    } else {
        range.map(|class| vec![vec![class]]).collect()
    };
    let mut levels = join_levels(parts);
    while let Some(last) = levels.last().filter(|last| last.len() > 1) {
        let mut pairs: Vec<usize> = last.iter().copied().step_by(2).collect();
        if last.len() % 2 == 1 {
            // The last one joins the pair before it.
            pairs.pop();
        }
        levels.push(pairs);
    }
    levels
}

/// The levels of several parts side by side. A part without a level has its last one.
fn join_levels(parts: Vec<Vec<Vec<usize>>>) -> Vec<Vec<usize>> {
    let height = parts.iter().map(Vec::len).max().unwrap_or(0);
    let join = |level: usize| {
        let of_part = |part: &Vec<Vec<usize>>| part[level.min(part.len() - 1)].clone();
        parts.iter().flat_map(of_part).collect()
    };
    (0..height).map(join).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn groups_are_made_of_whole_groups_of_the_level_below() {
        let mut random = StdRng::seed_from_u64(31);
        for count in [1, 2, 3, 7, 40, 500] {
            let classes: Vec<(u32, ClassKey)> = (0..count)
                .map(|number| {
                    let key = ClassKey {
                        is_illustrative: random.random_ratio(1, 5),
                        values: std::array::from_fn(|_| random.random_range(0..4)),
                    };
                    (number, key)
                })
                .collect();
            let levels = Levels::new(classes.clone());
            let (first, last) = (&levels.starts()[0], levels.starts().last().unwrap());
            assert_eq!(first.len(), classes.len(), "level 0 has each class alone");
            let kinds = classes
                .iter()
                .map(|(_, key)| key.is_illustrative)
                .collect::<BTreeSet<_>>();
            assert_eq!(last.len(), kinds.len(), "real and illustrative classes: {last:?}");
            for pair in levels.starts().windows(2) {
                assert!(pair[1].iter().all(|start| pair[0].contains(start)), "{pair:?}");
                assert!(pair[1].len() < pair[0].len(), "each level merges groups");
            }
            let is_illustrative = |at: usize| classes[levels.order()[at] as usize].1.is_illustrative;
            for at in 1..classes.len() {
                if is_illustrative(at - 1) != is_illustrative(at) {
                    let is_start = |starts: &Vec<usize>| starts.contains(&at);
                    assert!(levels.starts().iter().all(is_start), "a group has both kinds");
                }
            }
        }
    }
}
