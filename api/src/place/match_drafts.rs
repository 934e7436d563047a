//! Finds the place of each draft of a file, and combines the draft with what is stored.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;
use wayin_entity::{PlaceKind, place};
use wayin_records::formats::ColumnValue;

use super::save::{PlaceRelations, RelationsByPlace, is_reachable};
use super::{Gazetteer, PlaceReferenceError, describe_place};
use crate::change_log::ActionContext;
use wayin_records::gss_code;
use wayin_records::normalisation::fold_name;
use wayin_records::place_draft::{PlaceDraft, StatedParents};

/// The place of a draft, and the combined result.
pub(super) struct MatchedDraft {
    pub(super) id: Uuid,
    pub(super) full: Result<CompletePlace, String>,
}

/// All fields of a place.
#[derive(Clone, Debug)]
pub(super) struct CompletePlace {
    pub(super) name: String,
    pub(super) kind: PlaceKind,
    pub(super) relations: PlaceRelations,
    /// The nearest parents that the file names.
    nearest: BTreeSet<Uuid>,
}

impl CompletePlace {
    pub(super) const fn new(name: String, kind: PlaceKind, up: PlaceRelations) -> Self {
        Self {
            name,
            kind,
            relations: up,
            nearest: BTreeSet::new(),
        }
    }
}

/// The places without a code by name and kind, with their parents and ids.
type PlacesWithoutCode = HashMap<(String, PlaceKind), Vec<(BTreeSet<Uuid>, Uuid)>>;

/// Finds the place of each draft: an existing id or a new one. Codes are resolved first, so that drafts can
/// refer to each other in any order.
pub(super) fn match_drafts(
    act: &ActionContext<'_>,
    places: &Gazetteer,
    links: &RelationsByPlace,
    drafts: &[PlaceDraft],
) -> Vec<MatchedDraft> {
    let mut by_code = places.by_code.clone();
    for code in drafts.iter().filter_map(|draft| draft.code.as_ref()) {
        by_code.entry(code.clone()).or_insert_with(|| act.clock.new_id());
    }
    let mut without_code: PlacesWithoutCode = HashMap::new();
    for place in places.places.values().filter(|place| place.code.is_none()) {
        let within = links.get(&place.id).map(|up| up.parents.clone());
        let key = (place.name_folded.clone(), place.kind);
        let of_name = without_code.entry(key).or_default();
        of_name.push((within.unwrap_or_default(), place.id));
    }
    let mut found = Vec::with_capacity(drafts.len());
    for draft in drafts {
        found.push(match &draft.code {
            Some(code) => {
                let id = by_code.get(code).copied().unwrap_or_else(|| act.clock.new_id());
                let full = complete_draft(draft, id, places, links, &by_code);
                MatchedDraft { id, full }
            }
            None => match_without_code(act, draft, places, links, &by_code, &mut without_code),
        });
    }
    remove_indirect_parents(links, drafts, &mut found);
    found
}

fn match_without_code(
    act: &ActionContext<'_>,
    draft: &PlaceDraft,
    places: &Gazetteer,
    links: &RelationsByPlace,
    by_code: &HashMap<String, Uuid>,
    without_code: &mut PlacesWithoutCode,
) -> MatchedDraft {
    let new = act.clock.new_id();
    let mut within = BTreeSet::new();
    for code in &draft.parent_codes {
        match find_by_code(by_code, code) {
            Ok(id) => within.insert(id),
            Err(reason) => {
                return MatchedDraft {
                    id: new,
                    full: Err(reason),
                };
            }
        };
    }
    let (Some(name), Some(kind)) = (&draft.name, draft.kind) else {
        let reason = "has no code, and no name and kind to identify it".to_owned();
        return MatchedDraft {
            id: new,
            full: Err(reason),
        };
    };
    let of_name = without_code.entry((fold_name(name), kind)).or_default();
    let says_where = draft.stated_parents != StatedParents::Nothing;
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
                "{count} places without a code are called {name}; add a column within to say where it is"
            );
            return MatchedDraft {
                id: new,
                full: Err(reason),
            };
        }
    };
    let full = complete_draft(draft, id, places, links, by_code);
    MatchedDraft { id, full }
}

fn find_by_code(by_code: &HashMap<String, Uuid>, code: &str) -> Result<Uuid, String> {
    let id = by_code.get(code).copied();
    id.ok_or_else(|| PlaceReferenceError::UnknownCode(code.to_owned()).to_string())
}

/// Completes a draft with the stored values of fields that it leaves out.
fn complete_draft(
    draft: &PlaceDraft,
    id: Uuid,
    places: &Gazetteer,
    links: &RelationsByPlace,
    by_code: &HashMap<String, Uuid>,
) -> Result<CompletePlace, String> {
    let known = places.places.get(&id);
    let name = draft
        .name
        .clone()
        .or_else(|| known.map(|known| known.name.clone()));
    let kind = draft.kind.or_else(|| known.map(|known| known.kind));
    let before = links.get(&id).cloned().unwrap_or_default();
    let nearest: BTreeSet<Uuid> = draft
        .parent_codes
        .iter()
        .map(|code| find_by_code(by_code, code))
        .collect::<Result<_, _>>()?;
    let mut within = nearest.clone();
    within.extend(
        before
            .parents
            .iter()
            .copied()
            .filter(|id| match &draft.stated_parents {
                StatedParents::All => false,
                StatedParents::Nothing => true,
                StatedParents::Kinds { kinds, codes } => places.places.get(id).is_some_and(|parent| {
                    !kinds.contains(&parent.kind)
                        || parent.code.as_ref().is_some_and(|code| codes.contains(code))
                }),
            }),
    );
    let successor = match &draft.successor {
        ColumnValue::Absent => before.successor,
        ColumnValue::Empty => None,
        ColumnValue::Value(code) => Some(find_by_code(by_code, code)?),
    };
    Ok(CompletePlace {
        name: name.ok_or("is new, and the file has no column for its name")?,
        kind: kind
            .ok_or_else(|| gss_code::describe_unknown_kind(draft.code.as_deref().unwrap_or_default()))?,
        relations: PlaceRelations {
            parents: within,
            successor,
        },
        nearest,
    })
}

/// Keeps only the nearest of the larger places that a lookup file names and of the stored ones: the region of
/// a place's county is not its parent.
fn remove_indirect_parents(links: &RelationsByPlace, drafts: &[PlaceDraft], meant: &mut [MatchedDraft]) {
    let mut then = links.clone();
    let ups = meant
        .iter()
        .filter_map(|one| Some((one.id, one.full.as_ref().ok()?.relations.clone())));
    then.extend(ups);
    let reaches =
        |from: &Uuid, to: &Uuid| from != to && then.get(from).is_some_and(|up| is_reachable(&then, up, *to));
    for (draft, one) in drafts.iter().zip(meant) {
        let (StatedParents::Kinds { .. }, Ok(full)) = (&draft.stated_parents, &mut one.full) else {
            continue;
        };
        let (nearest, within) = (&full.nearest, &mut full.relations.parents);
        let known: Vec<Uuid> = within.difference(nearest).copied().collect();
        if known.is_empty() {
            continue;
        }
        for id in &known {
            if nearest.iter().any(|near| reaches(near, id)) {
                within.remove(id);
            }
        }
        let before = links.get(&one.id).map(|up| &up.parents);
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

/// Describes the stored details that a draft changes, in words that follow the place's name.
pub(super) fn describe_lost_details(
    places: &HashMap<Uuid, place::Model>,
    then: &RelationsByPlace,
    (before, up): (&place::Model, &PlaceRelations),
    full: &CompletePlace,
) -> Vec<String> {
    let called = |id: Uuid| places.get(&id).map(describe_place).unwrap_or_default();
    let mut lost = Vec::new();
    if before.name != full.name {
        lost.push(format!("was called {} until now", before.name));
    }
    if before.kind != full.kind {
        lost.push(format!("was a {} until now", before.kind.code()));
    }
    for id in up.parents.difference(&full.relations.parents) {
        if !is_reachable(then, &full.relations, *id) {
            lost.push(format!("lay within {} until now", called(*id)));
        }
    }
    if let Some(successor) = up.successor.filter(|_| up.successor != full.relations.successor) {
        lost.push(format!("led to its successor {} until now", called(successor)));
    }
    lost
}
