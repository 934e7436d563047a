//! Which place each draft means, and what it comes to beside what is known already.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;
use wayin_entity::{PlaceKind, place};
use wayin_records::formats::ColumnValue;

use super::save::{Links, Up, leads_to};
use super::{Gazetteer, Unclear, shown};
use crate::change::Act;
use wayin_records::gss;
use wayin_records::place_draft::{PlaceDraft, StatedParents};
use wayin_records::spelling::fold;

/// The place that a draft means, and what it comes to.
pub(super) struct Meant {
    pub(super) id: Uuid,
    pub(super) full: Result<FullPlace, String>,
}

/// All of a place.
#[derive(Clone, Debug)]
pub(super) struct FullPlace {
    pub(super) name: String,
    pub(super) kind: PlaceKind,
    pub(super) up: Up,
    /// The parents that the file names as the nearest.
    nearest: BTreeSet<Uuid>,
}

impl FullPlace {
    pub(super) const fn new(name: String, kind: PlaceKind, up: Up) -> Self {
        Self {
            name,
            kind,
            up,
            nearest: BTreeSet::new(),
        }
    }
}

/// By name and kind, the places without a code: what each lies within, and its id.
type WithoutCode = HashMap<(String, PlaceKind), Vec<(BTreeSet<Uuid>, Uuid)>>;

/// Finds the place that each draft means: its id in the base, or a new one. All codes
/// come first, so that drafts may name each other in any order.
pub(super) fn meant(act: &Act<'_>, places: &Gazetteer, links: &Links, drafts: &[PlaceDraft]) -> Vec<Meant> {
    let mut by_code = places.by_code.clone();
    for code in drafts.iter().filter_map(|draft| draft.code.as_ref()) {
        by_code.entry(code.clone()).or_insert_with(|| act.clock.new_id());
    }
    let mut without_code: WithoutCode = HashMap::new();
    for place in places.places.values().filter(|place| place.code.is_none()) {
        let within = links.get(&place.id).map(|up| up.within.clone());
        let key = (place.name_folded.clone(), place.kind);
        let of_name = without_code.entry(key).or_default();
        of_name.push((within.unwrap_or_default(), place.id));
    }
    let mut found = Vec::with_capacity(drafts.len());
    for draft in drafts {
        found.push(match &draft.code {
            Some(code) => {
                let id = by_code.get(code).copied().unwrap_or_else(|| act.clock.new_id());
                let full = full(draft, id, places, links, &by_code);
                Meant { id, full }
            }
            None => meant_without_code(act, draft, places, links, &by_code, &mut without_code),
        });
    }
    keep_nearest(links, drafts, &mut found);
    found
}

fn meant_without_code(
    act: &Act<'_>,
    draft: &PlaceDraft,
    places: &Gazetteer,
    links: &Links,
    by_code: &HashMap<String, Uuid>,
    without_code: &mut WithoutCode,
) -> Meant {
    let new = act.clock.new_id();
    let mut within = BTreeSet::new();
    for code in &draft.within {
        match named(by_code, code) {
            Ok(id) => within.insert(id),
            Err(reason) => {
                return Meant {
                    id: new,
                    full: Err(reason),
                };
            }
        };
    }
    let (Some(name), Some(kind)) = (&draft.name, draft.kind) else {
        let reason = "has neither a code nor a name and a kind to know it by".to_owned();
        return Meant {
            id: new,
            full: Err(reason),
        };
    };
    let of_name = without_code.entry((fold(name), kind)).or_default();
    let says_where = draft.stated != StatedParents::Nothing;
    let alike: Vec<Uuid> = of_name
        .iter()
        .filter(|(known, _)| !says_where || *known == within)
        .map(|(_, id)| *id)
        .collect();
    let id = match alike.as_slice() {
        [] => {
            of_name.push((within, new));
            new
        }
        [id] => *id,
        several => {
            let count = several.len();
            let reason = format!(
                "{count} places without a code are called {name}; say where it lies in a column within"
            );
            return Meant {
                id: new,
                full: Err(reason),
            };
        }
    };
    let full = full(draft, id, places, links, by_code);
    Meant { id, full }
}

fn named(by_code: &HashMap<String, Uuid>, code: &str) -> Result<Uuid, String> {
    let id = by_code.get(code).copied();
    id.ok_or_else(|| Unclear::NoSuchCode(code.to_owned()).to_string())
}

/// A draft with all that it does not say as it is known.
fn full(
    draft: &PlaceDraft,
    id: Uuid,
    places: &Gazetteer,
    links: &Links,
    by_code: &HashMap<String, Uuid>,
) -> Result<FullPlace, String> {
    let known = places.places.get(&id);
    let name = draft
        .name
        .clone()
        .or_else(|| known.map(|known| known.name.clone()));
    let kind = draft.kind.or_else(|| known.map(|known| known.kind));
    let before = links.get(&id).cloned().unwrap_or_default();
    let nearest: BTreeSet<Uuid> = draft
        .within
        .iter()
        .map(|code| named(by_code, code))
        .collect::<Result<_, _>>()?;
    let mut within = nearest.clone();
    within.extend(before.within.iter().copied().filter(|id| match &draft.stated {
        StatedParents::All => false,
        StatedParents::Nothing => true,
        StatedParents::Kinds { kinds, codes } => places.places.get(id).is_some_and(|parent| {
            !kinds.contains(&parent.kind) || parent.code.as_ref().is_some_and(|code| codes.contains(code))
        }),
    }));
    let successor = match &draft.successor {
        ColumnValue::Absent => before.successor,
        ColumnValue::Empty => None,
        ColumnValue::Given(code) => Some(named(by_code, code)?),
    };
    Ok(FullPlace {
        name: name.ok_or("is not known yet, and the file has no column for its name")?,
        kind: kind.ok_or_else(|| gss::unknown_kind(draft.code.as_deref().unwrap_or_default()))?,
        up: Up { within, successor },
        nearest,
    })
}

/// Of the larger places that a lookup file names, and of those that are known beside it, leaves only the nearest:
/// a region that a place's county lies in is no parent of its own.
fn keep_nearest(links: &Links, drafts: &[PlaceDraft], meant: &mut [Meant]) {
    let mut then = links.clone();
    let ups = meant
        .iter()
        .filter_map(|one| Some((one.id, one.full.as_ref().ok()?.up.clone())));
    then.extend(ups);
    let reaches =
        |from: &Uuid, to: &Uuid| from != to && then.get(from).is_some_and(|up| leads_to(&then, up, *to));
    for (draft, one) in drafts.iter().zip(meant) {
        let (StatedParents::Kinds { .. }, Ok(full)) = (&draft.stated, &mut one.full) else {
            continue;
        };
        let (nearest, within) = (&full.nearest, &mut full.up.within);
        let known: Vec<Uuid> = within.difference(nearest).copied().collect();
        if known.is_empty() {
            continue;
        }
        for id in &known {
            if nearest.iter().any(|near| reaches(near, id)) {
                within.remove(id);
            }
        }
        let before = links.get(&one.id).map(|up| &up.within);
        for id in nearest {
            let was_known = before.is_some_and(|before| before.contains(id));
            if !was_known
                && known
                    .iter()
                    .any(|known| within.contains(known) && reaches(known, id))
            {
                within.remove(id);
            }
        }
    }
}

/// What of a place as it was known is not so any more, in words that follow its name.
pub(super) fn lost(
    places: &HashMap<Uuid, place::Model>,
    then: &Links,
    (before, up): (&place::Model, &Up),
    full: &FullPlace,
) -> Vec<String> {
    let called = |id: Uuid| places.get(&id).map(shown).unwrap_or_default();
    let mut lost = Vec::new();
    if before.name != full.name {
        lost.push(format!("was called {} until now", before.name));
    }
    if before.kind != full.kind {
        lost.push(format!("was a {} until now", before.kind.code()));
    }
    for id in up.within.difference(&full.up.within) {
        if !leads_to(then, &full.up, *id) {
            lost.push(format!("lay within {} until now", called(*id)));
        }
    }
    if let Some(successor) = up.successor.filter(|_| up.successor != full.up.successor) {
        lost.push(format!("led to its successor {} until now", called(successor)));
    }
    lost
}
