//! Places: where each leads, by what it lies within and by who took over.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use wayin_entity::{place, place_within};

use super::{Checking, Invariant};
use crate::error::Result;

pub(super) async fn check(db: &impl ConnectionTrait, checking: &mut Checking<'_>) -> Result<()> {
    // Of every place no more than two ids a link are held.
    let mut links: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let within: Vec<(Uuid, Uuid)> = place_within::Entity::find()
        .select_only()
        .columns([place_within::Column::PlaceId, place_within::Column::ParentId])
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
    for circle in circles(&links) {
        let by_way_of: Vec<String> = circle.iter().map(Uuid::to_string).collect();
        let sentence = format!("Places lead to each other in a circle: {}.", by_way_of.join(", "));
        checking.found(Invariant::Places, sentence);
    }
    Ok(())
}

/// The circles that links close, each once, as far as walking along the links once closes them.
fn circles(links: &HashMap<Uuid, Vec<Uuid>>) -> Vec<Vec<Uuid>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        OnTheWay,
        Done,
    }
    let mut starts: Vec<Uuid> = links.keys().copied().collect();
    starts.sort_unstable();
    let mut seen: HashMap<Uuid, Seen> = HashMap::new();
    let mut circles = Vec::new();
    for start in starts {
        if seen.contains_key(&start) {
            continue;
        }
        seen.insert(start, Seen::OnTheWay);
        // The way from the start to here, each with how many of its links were gone.
        let mut way = vec![(start, 0)];
        while let Some((here, gone)) = way.last_mut() {
            let next = links.get(here).and_then(|to| to.get(*gone)).copied();
            *gone += 1;
            let Some(next) = next else {
                seen.insert(*here, Seen::Done);
                way.pop();
                continue;
            };
            match seen.get(&next) {
                Some(Seen::Done) => {}
                Some(Seen::OnTheWay) => {
                    let from = way.iter().position(|(id, _)| *id == next).unwrap_or_default();
                    circles.push(way[from..].iter().map(|(id, _)| *id).collect());
                }
                None => {
                    seen.insert(next, Seen::OnTheWay);
                    way.push((next, 0));
                }
            }
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(u128, u128)]) -> HashMap<Uuid, Vec<Uuid>> {
        let mut links: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (from, to) in pairs {
            let to = Uuid::from_u128(*to);
            links.entry(Uuid::from_u128(*from)).or_default().push(to);
        }
        links
    }

    fn found(pairs: &[(u128, u128)]) -> Vec<Vec<u128>> {
        let circles = circles(&links(pairs));
        let numbers = circles
            .into_iter()
            .map(|circle| circle.into_iter().map(|id| id.as_u128()).collect());
        numbers.collect()
    }

    #[test]
    fn a_circle_is_found_and_a_diamond_is_none() {
        assert_eq!(found(&[(1, 2), (1, 3), (2, 4), (3, 4)]), [[0; 0]; 0]);
        assert_eq!(found(&[(1, 1)]), [[1]]);
        assert_eq!(found(&[(1, 2), (2, 3), (3, 2), (4, 1)]), [[2, 3]]);
        assert_eq!(found(&[(1, 2), (2, 1), (3, 4), (4, 5), (5, 3)]).len(), 2);
    }

    #[test]
    fn a_long_chain_takes_no_deep_stack() {
        let pairs: Vec<(u128, u128)> = (0..200_000).map(|at| (at, at + 1)).collect();
        assert_eq!(found(&pairs), [[0; 0]; 0]);
    }
}
