//! Checks the parents and successors of places.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use wayin_entity::{place, place_parent};

use super::{IntegrityChecker, Invariant};
use crate::error::Result;

pub(super) async fn check_places(
    db: &impl ConnectionTrait,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    // Holds at most two ids for each link.
    let mut links: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let within: Vec<(Uuid, Uuid)> = place_parent::Entity::find()
        .select_only()
        .columns([place_parent::Column::PlaceId, place_parent::Column::ParentId])
        .into_tuple()
        .all(db)
        .await?;
    let successors: Vec<(Uuid, Uuid)> = place::Entity::find()
        .select_only()
        .columns([place::Column::Id, place::Column::SuccessorId])
        .filter(place::Column::SuccessorId.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    for (from, to) in within.into_iter().chain(successors) {
        links.entry(from).or_default().push(to);
    }
    links.values_mut().for_each(|to| to.sort_unstable());
    for cycle in find_cycles(&links) {
        let ids: Vec<String> = cycle.iter().map(Uuid::to_string).collect();
        let sentence = format!("Places form a cycle: {}.", ids.join(", "));
        checking.report(Invariant::Places, sentence);
    }
    Ok(())
}

/// Finds the cycles that one depth-first search closes, each once.
fn find_cycles(links: &HashMap<Uuid, Vec<Uuid>>) -> Vec<Vec<Uuid>> {
    #[derive(Clone, Copy, PartialEq)]
    enum VisitState {
        InProgress,
        Done,
    }
    let mut starts: Vec<Uuid> = links.keys().copied().collect();
    starts.sort_unstable();
    let mut seen: HashMap<Uuid, VisitState> = HashMap::new();
    let mut cycles = Vec::new();
    for start in starts {
        if seen.contains_key(&start) {
            continue;
        }
        seen.insert(start, VisitState::InProgress);
        // The path from the start, with the number of links that have been followed from each place.
        let mut path = vec![(start, 0)];
        while let Some((here, followed)) = path.last_mut() {
            let next = links.get(here).and_then(|to| to.get(*followed)).copied();
            *followed += 1;
            let Some(next) = next else {
                seen.insert(*here, VisitState::Done);
                path.pop();
                continue;
            };
            match seen.get(&next) {
                Some(VisitState::Done) => {}
                Some(VisitState::InProgress) => {
                    let from = path.iter().position(|(id, _)| *id == next).unwrap_or_default();
                    cycles.push(path[from..].iter().map(|(id, _)| *id).collect());
                }
                None => {
                    seen.insert(next, VisitState::InProgress);
                    path.push((next, 0));
                }
            }
        }
    }
    cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_links(pairs: &[(u128, u128)]) -> HashMap<Uuid, Vec<Uuid>> {
        let mut links: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (from, to) in pairs {
            let to = Uuid::from_u128(*to);
            links.entry(Uuid::from_u128(*from)).or_default().push(to);
        }
        links
    }

    fn find_sorted_cycles(pairs: &[(u128, u128)]) -> Vec<Vec<u128>> {
        let cycles = find_cycles(&build_links(pairs));
        let numbers = cycles
            .into_iter()
            .map(|cycle| cycle.into_iter().map(|id| id.as_u128()).collect());
        numbers.collect()
    }

    #[test]
    fn cycles_are_found_and_diamonds_are_not() {
        assert_eq!(find_sorted_cycles(&[(1, 2), (1, 3), (2, 4), (3, 4)]), [[0; 0]; 0]);
        assert_eq!(find_sorted_cycles(&[(1, 1)]), [[1]]);
        assert_eq!(find_sorted_cycles(&[(1, 2), (2, 3), (3, 2), (4, 1)]), [[2, 3]]);
        assert_eq!(
            find_sorted_cycles(&[(1, 2), (2, 1), (3, 4), (4, 5), (5, 3)]).len(),
            2
        );
    }

    #[test]
    fn long_chains_do_not_overflow_the_stack() {
        let pairs: Vec<(u128, u128)> = (0..200_000).map(|at| (at, at + 1)).collect();
        assert_eq!(find_sorted_cycles(&pairs), [[0; 0]; 0]);
    }
}
