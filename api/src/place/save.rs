//! Putting places into the base.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, PlaceKind, place, place_within};

use super::{Gazetteer, Unclear};
use crate::change::{self, Act, Entry};
use crate::condition::fold;
use crate::error::Result;

/// A place as it is to stand in the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceDraft {
    /// The GSS code; without one a place is known again by its name, its kind and what it lies within.
    pub code: Option<String>,
    /// The name.
    pub name: String,
    /// What sort of place it is.
    pub kind: PlaceKind,
    /// The codes of the places that it lies directly within.
    pub within: Vec<String>,
    /// The code of the place that took over when this one's was retired.
    pub successor: Option<String>,
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is new.
    Added,
    /// It was altered.
    Altered,
    /// It stood so already.
    Unchanged,
}

/// Puts places into the base, in any order; of several drafts of one place the last
/// stands. A draft that names a place that is neither in the base nor among the drafts
/// that are taken, or that would close a circle, is refused with the reason and leaves
/// the others as they are.
pub async fn save_all(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    drafts: &[PlaceDraft],
) -> Result<Vec<Result<Saved, String>>> {
    let places = Gazetteer::read(db).await?;
    let mut links: Links = places
        .places
        .values()
        .map(|place| (place.id, Up::to_successor(place.successor_id)))
        .collect();
    for link in place_within::Entity::find().all(db).await? {
        links
            .entry(link.place_id)
            .or_default()
            .within
            .insert(link.within_id);
    }
    let meant = meant(act, &places, &links, drafts);
    let refused = refused(&links, drafts, &meant);
    let mut standing = Standing {
        places: places.places,
        links,
    };
    let (mut outcomes, mut entries) = (Vec::with_capacity(drafts.len()), Vec::new());
    let mut written = Vec::new();
    for ((draft, meant), refused) in drafts.iter().zip(meant).zip(refused) {
        let up = match (refused, meant.up) {
            (None, Ok(up)) => up,
            (Some(reason), _) | (None, Err(reason)) => {
                outcomes.push(Err(reason));
                continue;
            }
        };
        let saved = standing.put(act, draft, meant.id, up);
        if saved != Saved::Unchanged {
            let kind = match saved {
                Saved::Added => ChangeKind::Published,
                _ => ChangeKind::Altered,
            };
            entries.push(Entry::new(kind, ChangeSubject::Place, meant.id));
            written.push((meant.id, saved));
        }
        outcomes.push(Ok(saved));
    }
    standing.write(db, act, written).await?;
    change::append(db, act, &entries).await?;
    Ok(outcomes)
}

/// Where a place leads: to those that it lies within, and to the one that took over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Up {
    within: BTreeSet<Uuid>,
    successor: Option<Uuid>,
}

impl Up {
    fn to_successor(successor: Option<Uuid>) -> Self {
        Self {
            within: BTreeSet::new(),
            successor,
        }
    }

    fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.within.iter().copied().chain(self.successor)
    }
}

/// Where each place leads.
type Links = HashMap<Uuid, Up>;

/// The place that a draft means, and where it says that it leads.
struct Meant {
    id: Uuid,
    up: Result<Up, String>,
}

/// Finds the place that each draft means: its id in the base, or a new one. All codes
/// come first, so that drafts may name each other in any order.
fn meant(act: &Act<'_>, places: &Gazetteer, links: &Links, drafts: &[PlaceDraft]) -> Vec<Meant> {
    let mut by_code = places.by_code.clone();
    for code in drafts.iter().filter_map(|draft| draft.code.as_ref()) {
        by_code.entry(code.clone()).or_insert_with(|| act.clock.new_id());
    }
    let mut without_code: HashMap<(String, PlaceKind, BTreeSet<Uuid>), Uuid> = places
        .places
        .values()
        .filter(|place| place.code.is_none())
        .map(|place| {
            let within = links.get(&place.id).map(|up| up.within.clone());
            let key = (place.name_folded.clone(), place.kind, within.unwrap_or_default());
            (key, place.id)
        })
        .collect();
    let named = |code: &String| {
        by_code
            .get(code)
            .copied()
            .ok_or_else(|| Unclear::NoSuchCode(code.clone()).to_string())
    };
    let up = |draft: &PlaceDraft| {
        Ok(Up {
            within: draft.within.iter().map(named).collect::<Result<_, _>>()?,
            successor: draft.successor.as_ref().map(named).transpose()?,
        })
    };
    let meant = |draft: &PlaceDraft| {
        let up = up(draft);
        let id = match (&draft.code, &up) {
            (Some(code), _) => by_code.get(code).copied(),
            (None, Ok(up)) => {
                let key = (fold(&draft.name), draft.kind, up.within.clone());
                Some(*without_code.entry(key).or_insert_with(|| act.clock.new_id()))
            }
            (None, Err(_)) => None,
        };
        let id = id.unwrap_or_else(|| act.clock.new_id());
        Meant { id, up }
    };
    drafts.iter().map(meant).collect()
}

/// Why each draft cannot be taken, if it cannot. What names a newcomer that is refused
/// is refused in turn, so that the drafts are gone through until no more are.
fn refused(links: &Links, drafts: &[PlaceDraft], meant: &[Meant]) -> Vec<Option<String>> {
    let mut refused: Vec<Option<String>> = meant.iter().map(|one| one.up.clone().err()).collect();
    loop {
        let left: Vec<(usize, Uuid, &Up)> = (0..)
            .zip(meant)
            .filter(|(index, _)| refused[*index].is_none())
            .filter_map(|(index, one)| Some((index, one.id, one.up.as_ref().ok()?)))
            .collect();
        let mut then = links.clone();
        then.extend(left.iter().map(|(_, id, up)| (*id, (*up).clone())));
        let found: Vec<(usize, String)> = left
            .iter()
            .filter_map(|(index, id, up)| {
                if let Some(missing) = up.ids().find(|id| !then.contains_key(id)) {
                    let newcomer = meant.iter().position(|one| one.id == missing);
                    let code = newcomer.and_then(|newcomer| drafts[newcomer].code.clone());
                    let reason = Unclear::NoSuchCode(code.unwrap_or_default());
                    return Some((*index, reason.to_string()));
                }
                // One that leads nowhere new did not close the circle that it is on.
                let closes = links.get(id) != Some(up) && leads_to(&then, up, *id);
                closes.then(|| (*index, format!("{} would lie within itself", drafts[*index].name)))
            })
            .collect();
        if found.is_empty() {
            return refused;
        }
        for (index, reason) in found {
            refused[index] = Some(reason);
        }
    }
}

fn leads_to(links: &Links, from: &Up, to: Uuid) -> bool {
    let mut ahead: Vec<Uuid> = from.ids().collect();
    let mut seen: HashSet<Uuid> = ahead.iter().copied().collect();
    while let Some(here) = ahead.pop() {
        if here == to {
            return true;
        }
        let further = links.get(&here).into_iter().flat_map(Up::ids);
        ahead.extend(further.filter(|next| seen.insert(*next)));
    }
    false
}

/// The places as they stand while drafts are put in.
struct Standing {
    places: HashMap<Uuid, place::Model>,
    links: Links,
}

impl Standing {
    fn put(&mut self, act: &Act<'_>, draft: &PlaceDraft, id: Uuid, up: Up) -> Saved {
        let before = self.places.get(&id);
        let saved = before.map_or(Saved::Added, |_| Saved::Altered);
        let row = place::Model {
            id,
            name: draft.name.clone(),
            name_folded: fold(&draft.name),
            kind: draft.kind,
            code: draft.code.clone(),
            successor_id: up.successor,
            created_at: before.map_or_else(|| act.now(), |before| before.created_at),
            updated_at: before.map_or_else(|| act.now(), |before| before.updated_at),
        };
        if before == Some(&row) && self.links.get(&id) == Some(&up) {
            return Saved::Unchanged;
        }
        self.places.insert(id, row);
        self.links.insert(id, up);
        saved
    }

    /// Writes places as they stand now; each may be named several times.
    async fn write(
        &self,
        db: &impl ConnectionTrait,
        act: &Act<'_>,
        written: Vec<(Uuid, Saved)>,
    ) -> Result<()> {
        let now = act.now();
        let mut seen = HashSet::new();
        let (mut added, mut later, mut links) = (Vec::new(), Vec::new(), Vec::new());
        let written: Vec<_> = written.into_iter().filter(|(id, _)| seen.insert(*id)).collect();
        for (id, saved) in &written {
            let (Some(place), Some(up)) = (self.places.get(id), self.links.get(id)) else {
                continue;
            };
            // A place may name a successor that stands after it: all are put in first, the successors then.
            if *saved == Saved::Added {
                let alone = place::Model {
                    successor_id: None,
                    ..place.clone()
                };
                added.push(alone.into_active_model());
            }
            if *saved == Saved::Altered || up.successor.is_some() {
                later.push(place.clone());
            }
            links.extend(up.within.iter().map(|within_id| {
                place_within::Model {
                    place_id: *id,
                    within_id: *within_id,
                    created_at: now,
                    updated_at: now,
                }
                .into_active_model()
            }));
        }
        for piece in added.chunks(1_000) {
            place::Entity::insert_many(piece.to_vec())
                .exec_without_returning(db)
                .await?;
        }
        for place in later {
            let place = place::Model {
                updated_at: now,
                ..place
            };
            place.into_active_model().reset_all().update(db).await?;
        }
        for piece in written.chunks(1_000) {
            let ours = place_within::Column::PlaceId.is_in(piece.iter().map(|(id, _)| *id));
            place_within::Entity::delete_many().filter(ours).exec(db).await?;
        }
        for piece in links.chunks(1_000) {
            place_within::Entity::insert_many(piece.to_vec())
                .exec_without_returning(db)
                .await?;
        }
        Ok(())
    }
}
