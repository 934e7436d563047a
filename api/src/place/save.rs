//! Saves places.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, PlaceKind, ReferenceKind, place, place_parent};

use super::match_drafts::{CompletePlace, MatchedDraft, describe_lost_details, match_drafts};
use super::{Gazetteer, PlaceKey, PlaceReferenceError};
use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::database::insert_all;
use crate::error::{Error, Result};
use crate::idempotency::Rejection;
use crate::locks::{AdvisoryLock, LockMode, acquire_lock};
use crate::reference_data::{self, SaveTarget, SavedChange, document};
use wayin_records::gss_code;
use wayin_records::normalisation;
use wayin_records::normalisation::fold_name;
use wayin_records::place_draft::PlaceDraft;
use wayin_records::problem::{ProblemCode, Problems};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceSaveOutcome {
    Created,
    Updated,
    Unchanged,
}

/// The outcome of a draft with the stored details that it changed, or why it was rejected.
pub type SavedPlaceResult = Result<(PlaceSaveOutcome, Vec<String>), String>;

/// Saves places in any order. If several drafts describe one place, the last one counts. A draft that refers
/// to an unknown place, or would create a cycle, is rejected with the reason and does not affect the others.
pub async fn save_places(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    drafts: &[PlaceDraft],
) -> Result<Vec<SavedPlaceResult>> {
    let places = Gazetteer::load(db).await?;
    let links = load_relations(db, &places).await?;
    let meant = match_drafts(act, &places, &links, drafts);
    let refused = find_rejected(&links, drafts, &meant);
    let mut then = links.clone();
    for (one, refused) in meant.iter().zip(&refused) {
        if let (None, Ok(full)) = (refused, &one.full) {
            then.insert(one.id, full.relations.clone());
        }
    }
    let mut current = PlaceState {
        places: places.places,
        relations: links,
    };
    let (mut outcomes, mut written) = (Vec::with_capacity(drafts.len()), Vec::new());
    let mut previous = HashMap::new();
    for ((draft, meant), refused) in drafts.iter().zip(meant).zip(refused) {
        let full = match (refused, meant.full) {
            (None, Ok(full)) => full,
            (Some(reason), _) | (None, Err(reason)) => {
                outcomes.push(Err(reason));
                continue;
            }
        };
        let before = current
            .places
            .get(&meant.id)
            .zip(current.relations.get(&meant.id));
        let lost = before.map_or_else(Vec::new, |before| {
            describe_lost_details(&current.places, &then, before, &full)
        });
        let before = current.current_document(meant.id);
        let saved = current.apply(act, draft.code.clone(), meant.id, full);
        if saved != PlaceSaveOutcome::Unchanged {
            previous.entry(meant.id).or_insert(before);
            written.push((meant.id, saved));
        }
        outcomes.push(Ok((saved, lost)));
    }
    current.write_places(db, act, written, previous).await?;
    Ok(outcomes)
}

/// Loads the parents and the successor of every place.
async fn load_relations(db: &impl ConnectionTrait, places: &Gazetteer) -> Result<RelationsByPlace> {
    let mut links: RelationsByPlace = places
        .places
        .values()
        .map(|place| (place.id, PlaceRelations::to_successor(place.successor_id)))
        .collect();
    for link in place_parent::Entity::find().all(db).await? {
        links
            .entry(link.place_id)
            .or_default()
            .parents
            .insert(link.parent_id);
    }
    Ok(links)
}

/// The maximum number of levels.
pub const MAX_HIERARCHY_DEPTH: usize = 12;

#[derive(Clone, Debug)]
pub struct PlaceInput {
    pub target: SaveTarget,
    pub name: String,
    pub kind: PlaceKind,
    pub code: Option<String>,
    pub parents: Vec<PlaceKey>,
    pub successor: Option<PlaceKey>,
}

/// Adds or changes a place, with the log.
pub async fn save_place(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: PlaceInput,
) -> Result<Result<place::Model, Rejection>> {
    acquire_lock(db, LockMode::Exclusive, AdvisoryLock::PlaceLinks).await?;
    let places = Gazetteer::load(db).await?;
    let links = load_relations(db, &places).await?;
    let before = draft.target.id.and_then(|id| places.places.get(&id)).cloned();
    let id = before
        .as_ref()
        .map_or_else(|| act.clock.new_id(), |before| before.id);
    let mut found = Problems::default();
    let mut up = PlaceRelations::default();
    for (at, key) in draft.parents.iter().enumerate() {
        let path = format!("parents/{at}");
        up.parents
            .extend(super::find_id_at_path(db, &mut found, &path, key).await?);
    }
    if let Some(key) = &draft.successor {
        up.successor = super::find_id_at_path(db, &mut found, "successor", key).await?;
    }
    let code = reference_data::trim_text(draft.code).and_then(|code| match gss_code::parse_code(&code) {
        Ok(code) => Some(code),
        Err(reason) => {
            found.add_error(ProblemCode::InvalidFormat, "code", reason);
            None
        }
    });
    let of_code = code.as_deref().and_then(gss_code::find_kind);
    if let Some(of_code) = of_code.filter(|of_code| *of_code != draft.kind) {
        let reason = format!("its code is that of a {}", of_code.code());
        found.add_error(ProblemCode::Contradictory, "kind", reason);
    }
    let full = CompletePlace::new(normalisation::normalise_name(&draft.name), draft.kind, up);
    found.check_required("name", &full.name, 200);
    if !found.errors.iter().any(|error| error.path == "code") {
        check_code(&mut found, &places, before.as_ref(), code.as_deref());
    }
    check_relations(&mut found, &links, id, &full.relations);
    let mut current = PlaceState {
        places: places.places,
        relations: links,
    };
    let previous = current.current_document(id);
    let document = previous.as_ref().map(|previous| &previous.document);
    if let Some(refusal) = reference_data::find_save_error(db, draft.target, document, "place", found).await?
    {
        return Ok(Err(refusal));
    }
    // A save without changes still creates a version.
    let saved = match current.apply(act, code, id, full) {
        PlaceSaveOutcome::Created => PlaceSaveOutcome::Created,
        PlaceSaveOutcome::Updated | PlaceSaveOutcome::Unchanged => PlaceSaveOutcome::Updated,
    };
    current
        .write_places(db, act, vec![(id, saved)], HashMap::from([(id, previous)]))
        .await?;
    let row = place::Entity::find_by_id(id).one(db).await?;
    row.map(Ok)
        .ok_or_else(|| Error::Internal("a place that was saved cannot be found".into()))
}

/// A code belongs to one place and does not change, as records refer to places by it.
fn check_code(found: &mut Problems, places: &Gazetteer, before: Option<&place::Model>, code: Option<&str>) {
    let own = before.map(|before| before.id);
    let holder = code.and_then(|code| places.by_code.get(code));
    if let Some(holder) = holder.filter(|holder| Some(**holder) != own) {
        let name = places
            .places
            .get(holder)
            .map_or("another place", |holder| &holder.name);
        found.add_error(ProblemCode::Conflict, "code", format!("is that of {name}"));
    }
    let previous = before.and_then(|before| before.code.as_deref());
    if previous.is_some() && previous != code {
        let reason = "cannot change, as records refer to the place by it; add a place with the new code as the successor of this one";
        found.add_error(ProblemCode::NotAllowed, "code", reason);
    }
}

/// Checks that the hierarchy has no cycle and not too many levels.
fn check_relations(found: &mut Problems, links: &RelationsByPlace, id: Uuid, up: &PlaceRelations) {
    let mut then = links.clone();
    then.insert(id, up.clone());
    let within = PlaceRelations {
        successor: None,
        ..up.clone()
    };
    let reason = "it would be within itself, or be its own successor";
    if is_reachable(&then, &within, id) {
        found.add_error(ProblemCode::Contradictory, "parents", reason);
    } else if is_reachable(&then, up, id) {
        found.add_error(ProblemCode::Contradictory, "successor", reason);
    } else {
        let mut below: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (child, up) in &then {
            for parent in &up.parents {
                below.entry(*parent).or_default().push(*child);
            }
        }
        let above = |id: Uuid| {
            then.get(&id)
                .map(|up| up.parents.iter().copied().collect())
                .unwrap_or_default()
        };
        let around = longest_path(id, &above);
        let inside = longest_path(id, &|id| below.get(&id).cloned().unwrap_or_default());
        if around + inside + 1 > MAX_HIERARCHY_DEPTH {
            let reason = format!("there would be more than {MAX_HIERARCHY_DEPTH} levels");
            found.add_error(ProblemCode::OutOfRange, "parents", reason);
        }
    }
}

/// The length of the longest path from a place, counted up to [`MAX_HIERARCHY_DEPTH`]. There are no cycles.
fn longest_path(from: Uuid, next: &dyn Fn(Uuid) -> Vec<Uuid>) -> usize {
    let mut here = HashSet::from([from]);
    for steps in 0..=MAX_HIERARCHY_DEPTH {
        here = here.into_iter().flat_map(next).collect();
        if here.is_empty() {
            return steps;
        }
    }
    MAX_HIERARCHY_DEPTH + 1
}

/// The parents and the successor of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlaceRelations {
    pub(super) parents: BTreeSet<Uuid>,
    pub(super) successor: Option<Uuid>,
}

impl PlaceRelations {
    fn to_successor(successor: Option<Uuid>) -> Self {
        Self {
            parents: BTreeSet::new(),
            successor,
        }
    }

    fn iter(&self) -> impl Iterator<Item = Uuid> {
        self.parents.iter().copied().chain(self.successor)
    }
}

pub(super) type RelationsByPlace = HashMap<Uuid, PlaceRelations>;

/// Finds the drafts to reject, with the reason. A draft that refers to a rejected new place is rejected too,
/// so the drafts are checked until nothing changes.
fn find_rejected(
    links: &RelationsByPlace,
    drafts: &[PlaceDraft],
    meant: &[MatchedDraft],
) -> Vec<Option<String>> {
    let mut refused: Vec<Option<String>> = meant.iter().map(|one| one.full.as_ref().err().cloned()).collect();
    loop {
        let left: Vec<(usize, Uuid, &PlaceRelations)> = (0..)
            .zip(meant)
            .filter(|(index, _)| refused[*index].is_none())
            .filter_map(|(index, one)| Some((index, one.id, &one.full.as_ref().ok()?.relations)))
            .collect();
        let mut then = links.clone();
        then.extend(left.iter().map(|(_, id, up)| (*id, (*up).clone())));
        let found: Vec<(usize, String)> = left
            .iter()
            .filter_map(|(index, id, up)| {
                if let Some(missing) = up.iter().find(|id| !then.contains_key(id)) {
                    let newcomer = meant.iter().position(|one| one.id == missing);
                    let code = newcomer.and_then(|newcomer| drafts[newcomer].code.clone());
                    let reason = PlaceReferenceError::UnknownCode(code.unwrap_or_default());
                    return Some((*index, reason.to_string()));
                }
                // A place without new relations did not create the cycle.
                let closes = links.get(id) != Some(up) && is_reachable(&then, up, *id);
                let name = meant[*index].full.as_ref().map_or("it", |full| &full.name);
                closes.then(|| (*index, format!("{name} would be within itself")))
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

pub(super) fn is_reachable(links: &RelationsByPlace, from: &PlaceRelations, to: Uuid) -> bool {
    let mut ahead: Vec<Uuid> = from.iter().collect();
    let mut seen: HashSet<Uuid> = ahead.iter().copied().collect();
    while let Some(here) = ahead.pop() {
        if here == to {
            return true;
        }
        let further = links.get(&here).into_iter().flat_map(PlaceRelations::iter);
        ahead.extend(further.filter(|next| seen.insert(*next)));
    }
    false
}

/// The state of the places while drafts are applied.
struct PlaceState {
    places: HashMap<Uuid, place::Model>,
    relations: RelationsByPlace,
}

impl PlaceState {
    /// The current state of a place, if it exists.
    fn current_document(&self, id: Uuid) -> Option<reference_data::CurrentDocument> {
        let (place, up) = (self.places.get(&id)?, self.relations.get(&id)?);
        let document = document::place_document(place, &up.parents);
        Some(reference_data::CurrentDocument::new(document, place.updated_at))
    }

    fn apply(
        &mut self,
        act: &ActionContext<'_>,
        code: Option<String>,
        id: Uuid,
        full: CompletePlace,
    ) -> PlaceSaveOutcome {
        let before = self.places.get(&id);
        let saved = before.map_or(PlaceSaveOutcome::Created, |_| PlaceSaveOutcome::Updated);
        let row = place::Model {
            id,
            name_folded: fold_name(&full.name),
            name: full.name,
            kind: full.kind,
            code,
            successor_id: full.relations.successor,
            created_at: before.map_or_else(|| act.now(), |before| before.created_at),
            updated_at: before.map_or_else(|| act.now(), |before| before.updated_at),
        };
        if before == Some(&row) && self.relations.get(&id) == Some(&full.relations) {
            return PlaceSaveOutcome::Unchanged;
        }
        self.places.insert(id, row);
        self.relations.insert(id, full.relations);
        saved
    }

    /// Writes places with their revisions and the log. A place can be listed several times. `stood` contains
    /// the states before.
    async fn write_places(
        &self,
        db: &impl ConnectionTrait,
        act: &ActionContext<'_>,
        written: Vec<(Uuid, PlaceSaveOutcome)>,
        mut previous: HashMap<Uuid, Option<reference_data::CurrentDocument>>,
    ) -> Result<()> {
        let now = act.now();
        let mut seen = HashSet::new();
        let (mut added, mut later, mut links) = (Vec::new(), Vec::new(), Vec::new());
        let written: Vec<_> = written.into_iter().filter(|(id, _)| seen.insert(*id)).collect();
        for (id, saved) in &written {
            let (Some(place), Some(up)) = (self.places.get(id), self.relations.get(id)) else {
                continue;
            };
            // A place can refer to a successor that is inserted later, so all are inserted first.
            if *saved == PlaceSaveOutcome::Created {
                let alone = place::Model {
                    successor_id: None,
                    ..place.clone()
                };
                added.push(alone.into_active_model());
            }
            if *saved == PlaceSaveOutcome::Updated || up.successor.is_some() {
                later.push(place.clone());
            }
            links.extend(up.parents.iter().map(|parent_id| {
                place_parent::Model {
                    place_id: *id,
                    parent_id: *parent_id,
                    created_at: now,
                    updated_at: now,
                }
                .into_active_model()
            }));
        }
        insert_all(db, added).await?;
        for place in later {
            let place = place::Model {
                updated_at: now,
                ..place
            };
            place.into_active_model().reset_all().update(db).await?;
        }
        for piece in written.chunks(1_000) {
            let ours = place_parent::Column::PlaceId.is_in(piece.iter().map(|(id, _)| *id));
            place_parent::Entity::delete_many().filter(ours).exec(db).await?;
        }
        insert_all(db, links).await?;
        let (mut entries, mut saves) = (Vec::new(), Vec::new());
        for (id, saved) in written {
            let kind = match saved {
                PlaceSaveOutcome::Created => ChangeKind::Published,
                _ => ChangeKind::Altered,
            };
            entries.push(ChangeEntry::new(kind, ChangeSubject::Place, id));
            saves.extend(self.current_document(id).map(|now| SavedChange {
                subject: ReferenceKind::Place,
                id,
                before: previous.remove(&id).flatten(),
                after: now.document,
            }));
        }
        change_log::append_changes(db, act, &entries).await?;
        reference_data::write_revisions(db, act, saves).await
    }
}
