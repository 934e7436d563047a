//! Putting places into the base.

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
use wayin_records::gss;
use wayin_records::normalisation;
use wayin_records::normalisation::fold_name;
use wayin_records::place_draft::PlaceDraft;
use wayin_records::problem::{ProblemCode, Problems};

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceSaveOutcome {
    /// It is new.
    Created,
    /// It was altered.
    Updated,
    /// It stood so already.
    Unchanged,
}

/// What became of a draft, and what of the place as it was known is not so any more.
pub type SavedPlaceResult = Result<(PlaceSaveOutcome, Vec<String>), String>;

/// Puts places into the base, in any order; of several drafts of one place the last
/// counts. A draft that names a place that is neither in the base nor among the drafts
/// that are taken, or that would close a circle, is refused with the reason and leaves
/// the others as they are.
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
    let mut standing = PlaceState {
        places: places.places,
        relations: links,
    };
    let (mut outcomes, mut written) = (Vec::with_capacity(drafts.len()), Vec::new());
    let mut stood = HashMap::new();
    for ((draft, meant), refused) in drafts.iter().zip(meant).zip(refused) {
        let full = match (refused, meant.full) {
            (None, Ok(full)) => full,
            (Some(reason), _) | (None, Err(reason)) => {
                outcomes.push(Err(reason));
                continue;
            }
        };
        let before = standing
            .places
            .get(&meant.id)
            .zip(standing.relations.get(&meant.id));
        let lost = before.map_or_else(Vec::new, |before| {
            describe_lost_details(&standing.places, &then, before, &full)
        });
        let before = standing.current_document(meant.id);
        let saved = standing.apply(act, draft.code.clone(), meant.id, full);
        if saved != PlaceSaveOutcome::Unchanged {
            stood.entry(meant.id).or_insert(before);
            written.push((meant.id, saved));
        }
        outcomes.push(Ok((saved, lost)));
    }
    standing.write_places(db, act, written, stood).await?;
    Ok(outcomes)
}

/// What every place leads to.
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

/// The most places that may lie around one another.
pub const MAX_HIERARCHY_DEPTH: usize = 12;

/// A place as a steward writes it.
#[derive(Clone, Debug)]
pub struct PlaceInput {
    /// The place that is there, and the version that it was written from.
    pub target: SaveTarget,
    /// The name in use.
    pub name: String,
    /// What sort of place it is.
    pub kind: PlaceKind,
    /// The GSS code.
    pub code: Option<String>,
    /// The places that it lies directly within.
    pub parents: Vec<PlaceKey>,
    /// The place that took over when this one's code was retired.
    pub successor: Option<PlaceKey>,
}

/// Adds a place, or writes one that is there anew, with the log.
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
    let code = reference_data::trim_text(draft.code).and_then(|code| match gss::parse_code(&code) {
        Ok(code) => Some(code),
        Err(reason) => {
            found.add_error(ProblemCode::InvalidFormat, "code", reason);
            None
        }
    });
    let of_code = code.as_deref().and_then(gss::find_kind);
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
    let mut standing = PlaceState {
        places: places.places,
        relations: links,
    };
    let stood = standing.current_document(id);
    let document = stood.as_ref().map(|stood| &stood.document);
    if let Some(refusal) = reference_data::find_save_error(db, draft.target, document, "place", found).await?
    {
        return Ok(Err(refusal));
    }
    // A save is one also where it says what stood already: its version counts it.
    let saved = match standing.apply(act, code, id, full) {
        PlaceSaveOutcome::Created => PlaceSaveOutcome::Created,
        PlaceSaveOutcome::Updated | PlaceSaveOutcome::Unchanged => PlaceSaveOutcome::Updated,
    };
    standing
        .write_places(db, act, vec![(id, saved)], HashMap::from([(id, stood)]))
        .await?;
    let row = place::Entity::find_by_id(id).one(db).await?;
    row.map(Ok)
        .ok_or_else(|| Error::Internal("a place that was saved cannot be found".into()))
}

/// A code is that of one place, and stays: records name their places by it.
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
    let stood = before.and_then(|before| before.code.as_deref());
    if stood.is_some() && stood != code {
        let reason = "stays as it is, as records name the place by it: add the place of the new code, and name \
                      it as the successor of this one";
        found.add_error(ProblemCode::NotAllowed, "code", reason);
    }
}

/// No place lies within itself, however many lie between, and no more lie around one another than may.
fn check_relations(found: &mut Problems, links: &RelationsByPlace, id: Uuid, up: &PlaceRelations) {
    let mut then = links.clone();
    then.insert(id, up.clone());
    let within = PlaceRelations {
        successor: None,
        ..up.clone()
    };
    let reason = "it would lie within itself, or be its own successor";
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
            let reason = format!("more than {MAX_HIERARCHY_DEPTH} places would lie around one another");
            found.add_error(ProblemCode::OutOfRange, "parents", reason);
        }
    }
}

/// How many steps lead away from a place at most. There are no circles, and no more steps than [`MAX_HIERARCHY_DEPTH`]
/// are counted.
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

/// Where a place leads: to those that it lies within, and to the one that took over.
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

/// Where each place leads.
pub(super) type RelationsByPlace = HashMap<Uuid, PlaceRelations>;

/// Why each draft cannot be taken, if it cannot. What names a newcomer that is refused
/// is refused in turn, so that the drafts are gone through until no more are.
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
                // One that leads nowhere new did not close the circle that it is on.
                let closes = links.get(id) != Some(up) && is_reachable(&then, up, *id);
                let name = meant[*index].full.as_ref().map_or("it", |full| &full.name);
                closes.then(|| (*index, format!("{name} would lie within itself")))
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

/// The places as they stand while drafts are put in.
struct PlaceState {
    places: HashMap<Uuid, place::Model>,
    relations: RelationsByPlace,
}

impl PlaceState {
    /// A place as it is kept, where it is there.
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

    /// Writes places as they stand now, with their revisions and the log; each may be named several times.
    /// `stood` tells how each stood before.
    async fn write_places(
        &self,
        db: &impl ConnectionTrait,
        act: &ActionContext<'_>,
        written: Vec<(Uuid, PlaceSaveOutcome)>,
        mut stood: HashMap<Uuid, Option<reference_data::CurrentDocument>>,
    ) -> Result<()> {
        let now = act.now();
        let mut seen = HashSet::new();
        let (mut added, mut later, mut links) = (Vec::new(), Vec::new(), Vec::new());
        let written: Vec<_> = written.into_iter().filter(|(id, _)| seen.insert(*id)).collect();
        for (id, saved) in &written {
            let (Some(place), Some(up)) = (self.places.get(id), self.relations.get(id)) else {
                continue;
            };
            // A place may name a successor that stands after it: all are put in first, the successors then.
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
                before: stood.remove(&id).flatten(),
                after: now.document,
            }));
        }
        change_log::append_changes(db, act, &entries).await?;
        reference_data::write_revisions(db, act, saves).await
    }
}
