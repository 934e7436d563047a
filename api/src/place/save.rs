//! Putting places into the base, with what lies within what.

use std::collections::{HashMap, HashSet};

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

/// Puts places into the base, in any order. A draft that names a place that is
/// neither in the base nor taken from the drafts, or that would lie within itself,
/// is refused with the reason and leaves the others as they are.
pub async fn save_all(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    drafts: &[PlaceDraft],
) -> Result<Vec<Result<Saved, String>>> {
    let start = Saving::start(db).await?;
    // A new place that turns out to close a circle is not there for those that name
    // it: they are looked over again without it, until nothing more falls away.
    let mut circular: HashMap<usize, String> = HashMap::new();
    let (saving, outcomes) = loop {
        let mut saving = start.clone();
        let ids = saving.identify(act, drafts);
        let refused = saving.refuse_the_unresolved(drafts, &ids, &circular);
        let mut outcomes = Vec::with_capacity(drafts.len());
        let before = circular.len();
        for (index, ((draft, id), refused)) in drafts.iter().zip(ids).zip(refused).enumerate() {
            let outcome = refused.map_or_else(
                || saving.put(act, draft, id).map_err(|reason| (reason, true)),
                |reason| Err((reason, false)),
            );
            outcomes.push(outcome.map_err(|(reason, closes_circle)| {
                if closes_circle {
                    circular.insert(index, reason.clone());
                }
                reason
            }));
        }
        if circular.len() == before {
            break (saving, outcomes);
        }
    };
    saving.write(db, act).await?;
    Ok(outcomes)
}

/// The places and their links while drafts are put among them.
#[derive(Clone)]
struct Saving {
    places: Gazetteer,
    links: HashMap<Uuid, HashSet<Uuid>>,
    /// The ids that drafts were given, and that are in no table yet.
    new: HashSet<Uuid>,
    rows: Vec<(place::Model, bool)>,
    rewritten: Vec<(Uuid, HashSet<Uuid>)>,
    entries: Vec<Entry>,
}

impl Saving {
    async fn start(db: &impl ConnectionTrait) -> Result<Self> {
        let mut links: HashMap<Uuid, HashSet<Uuid>> = HashMap::new();
        for link in place_within::Entity::find().all(db).await? {
            links.entry(link.place_id).or_default().insert(link.within_id);
        }
        Ok(Self {
            places: Gazetteer::read(db).await?,
            links,
            new: HashSet::new(),
            rows: Vec::new(),
            rewritten: Vec::new(),
            entries: Vec::new(),
        })
    }

    /// The id of each draft: that of the place it is known as, or a new one. Codes
    /// come first, so that drafts may name each other in any order.
    fn identify(&mut self, act: &Act<'_>, drafts: &[PlaceDraft]) -> Vec<Uuid> {
        for code in drafts.iter().filter_map(|draft| draft.code.as_ref()) {
            self.places.by_code.entry(code.clone()).or_insert_with(|| {
                let id = act.clock.new_id();
                self.new.insert(id);
                id
            });
        }
        let mut uncoded: HashMap<(String, PlaceKind, Vec<Uuid>), Uuid> = HashMap::new();
        for place in self.places.places.values().filter(|place| place.code.is_none()) {
            let within = self.links.get(&place.id).into_iter().flatten().copied().collect();
            uncoded.insert((place.name_folded.clone(), place.kind, sorted(within)), place.id);
        }
        let id = |draft: &PlaceDraft| {
            if let Some(code) = &draft.code {
                self.places.by_code[code]
            } else {
                let within = draft
                    .within
                    .iter()
                    .filter_map(|code| self.places.by_code.get(code))
                    .copied()
                    .collect();
                *uncoded
                    .entry((fold(&draft.name), draft.kind, sorted(within)))
                    .or_insert_with(|| {
                        let id = act.clock.new_id();
                        self.new.insert(id);
                        id
                    })
            }
        };
        drafts.iter().map(id).collect()
    }

    /// Why a draft cannot be taken: it is `circular`, or names a place that is not there.
    /// One that is new and refused itself is not there either.
    fn refuse_the_unresolved(
        &self,
        drafts: &[PlaceDraft],
        ids: &[Uuid],
        circular: &HashMap<usize, String>,
    ) -> Vec<Option<String>> {
        let mut refused: Vec<Option<String>> = (0..drafts.len())
            .map(|index| circular.get(&index).cloned())
            .collect();
        let mut missing: HashSet<Uuid> = circular
            .keys()
            .map(|index| ids[*index])
            .filter(|id| self.new.contains(id))
            .collect();
        loop {
            let before = missing.len();
            for ((draft, id), refusal) in drafts
                .iter()
                .zip(ids)
                .zip(&mut refused)
                .filter(|(_, refusal)| refusal.is_none())
            {
                let not_there = |code: &&String| {
                    self.places
                        .by_code
                        .get(*code)
                        .is_none_or(|id| missing.contains(id))
                };
                let Some(code) = draft.within.iter().chain(&draft.successor).find(not_there) else {
                    continue;
                };
                *refusal = Some(Unclear::NoSuchCode(code.clone()).to_string());
                if self.new.contains(id) {
                    missing.insert(*id);
                }
            }
            if missing.len() == before {
                return refused;
            }
        }
    }

    /// Puts a draft among the places, of which all that it names is there.
    fn put(&mut self, act: &Act<'_>, draft: &PlaceDraft, id: Uuid) -> Result<Saved, String> {
        let named = |code: &String| self.places.by_code.get(code).copied();
        let within: HashSet<Uuid> = draft.within.iter().filter_map(named).collect();
        let successor_id = draft.successor.as_ref().and_then(named);
        if within
            .iter()
            .chain(&successor_id)
            .any(|larger| self.leads_to(*larger, id))
        {
            return Err(format!("{} would lie within itself", draft.name));
        }
        let before = self.places.places.get(&id);
        let row = place::Model {
            id,
            name: draft.name.clone(),
            name_folded: fold(&draft.name),
            kind: draft.kind,
            code: draft.code.clone(),
            successor_id,
            created_at: before.map_or_else(|| act.now(), |before| before.created_at),
            updated_at: before.map_or_else(|| act.now(), |before| before.updated_at),
        };
        let same_links = self
            .links
            .get(&id)
            .map_or(within.is_empty(), |links| *links == within);
        if before == Some(&row) && same_links {
            return Ok(Saved::Unchanged);
        }
        let added = self.new.remove(&id);
        let kind = if added {
            ChangeKind::Published
        } else {
            ChangeKind::Altered
        };
        self.entries.push(Entry::new(kind, ChangeSubject::Place, id));
        self.links.insert(id, within.clone());
        self.rewritten.push((id, within));
        self.rows.push((row.clone(), added));
        self.places.places.insert(id, row);
        Ok(if added { Saved::Added } else { Saved::Altered })
    }

    /// Whether one place is another, lies within it, or was taken over by it, at any remove.
    fn leads_to(&self, from: Uuid, to: Uuid) -> bool {
        let mut seen = HashSet::from([from]);
        let mut ahead = vec![from];
        while let Some(here) = ahead.pop() {
            if here == to {
                return true;
            }
            let larger = self.links.get(&here).into_iter().flatten();
            let successor = self.places.places.get(&here).and_then(|place| place.successor_id);
            ahead.extend(larger.copied().chain(successor).filter(|next| seen.insert(*next)));
        }
        false
    }

    async fn write(self, db: &impl ConnectionTrait, act: &Act<'_>) -> Result<()> {
        write(db, act, self.rows, self.rewritten).await?;
        change::append(db, act, &self.entries).await?;
        Ok(())
    }
}

fn sorted(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort_unstable();
    ids
}

async fn write(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    rows: Vec<(place::Model, bool)>,
    rewritten: Vec<(Uuid, HashSet<Uuid>)>,
) -> Result<()> {
    // A place may name a successor that stands after it: all are put in first, the successors then.
    let successors: Vec<place::Model> = rows
        .iter()
        .filter(|(place, _)| place.successor_id.is_some())
        .map(|(place, _)| place.clone())
        .collect();
    let (added, altered): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, added)| *added);
    let added: Vec<_> = added
        .into_iter()
        .map(|(place, _)| {
            place::Model {
                successor_id: None,
                ..place
            }
            .into_active_model()
        })
        .collect();
    for piece in added.chunks(1_000) {
        place::Entity::insert_many(piece.to_vec())
            .exec_without_returning(db)
            .await?;
    }
    for place in altered.into_iter().map(|(place, _)| place).chain(successors) {
        let place = place::Model {
            updated_at: act.now(),
            ..place
        };
        place.into_active_model().reset_all().update(db).await?;
    }
    let ids: Vec<Uuid> = rewritten.iter().map(|(id, _)| *id).collect();
    for piece in ids.chunks(1_000) {
        let ours = place_within::Column::PlaceId.is_in(piece.iter().copied());
        place_within::Entity::delete_many().filter(ours).exec(db).await?;
    }
    let now = act.now();
    let links: Vec<_> = rewritten
        .into_iter()
        .flat_map(|(place_id, within)| within.into_iter().map(move |within_id| (place_id, within_id)))
        .map(|(place_id, within_id)| {
            place_within::Model {
                place_id,
                within_id,
                created_at: now,
                updated_at: now,
            }
            .into_active_model()
        })
        .collect();
    for piece in links.chunks(1_000) {
        place_within::Entity::insert_many(piece.to_vec())
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}
