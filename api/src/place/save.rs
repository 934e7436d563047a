//! Putting places into the base.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, KeptSubject, PlaceKind, place, place_within};

use super::match_drafts::{FullPlace, Meant, lost, meant};
use super::{Gazetteer, PlaceKey, Unclear};
use crate::change::{self, Act, Entry};
use crate::database::insert_all;
use crate::error::{Error, Result};
use crate::keeping::{self, Save, Target, document};
use crate::locks::{AdvisoryLock, LockMode, lock};
use crate::mutation::Refusal;
use wayin_records::finding::{FindingCode, Findings};
use wayin_records::gss;
use wayin_records::place_draft::PlaceDraft;
use wayin_records::spelling;
use wayin_records::spelling::fold;

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

/// What became of a draft, and what of the place as it was known is not so any more.
pub type SavedDraft = Result<(Saved, Vec<String>), String>;

/// Puts places into the base, in any order; of several drafts of one place the last
/// counts. A draft that names a place that is neither in the base nor among the drafts
/// that are taken, or that would close a circle, is refused with the reason and leaves
/// the others as they are.
pub async fn save_all(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    drafts: &[PlaceDraft],
) -> Result<Vec<SavedDraft>> {
    let places = Gazetteer::read(db).await?;
    let links = links_of(db, &places).await?;
    let meant = meant(act, &places, &links, drafts);
    let refused = refused(&links, drafts, &meant);
    let mut then = links.clone();
    for (one, refused) in meant.iter().zip(&refused) {
        if let (None, Ok(full)) = (refused, &one.full) {
            then.insert(one.id, full.up.clone());
        }
    }
    let mut standing = Standing {
        places: places.places,
        links,
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
        let before = standing.places.get(&meant.id).zip(standing.links.get(&meant.id));
        let lost = before.map_or_else(Vec::new, |before| lost(&standing.places, &then, before, &full));
        let before = standing.kept(meant.id);
        let saved = standing.put(act, draft.code.clone(), meant.id, full);
        if saved != Saved::Unchanged {
            stood.entry(meant.id).or_insert(before);
            written.push((meant.id, saved));
        }
        outcomes.push(Ok((saved, lost)));
    }
    standing.write(db, act, written, stood).await?;
    Ok(outcomes)
}

/// What every place leads to.
async fn links_of(db: &impl ConnectionTrait, places: &Gazetteer) -> Result<Links> {
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
            .insert(link.parent_id);
    }
    Ok(links)
}

/// The most places that may lie around one another.
pub const DEEPEST: usize = 12;

/// A place as a steward writes it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The place that is there, and the version that it was written from.
    pub target: Target,
    /// The name in use.
    pub name: String,
    /// What sort of place it is.
    pub kind: PlaceKind,
    /// The GSS code.
    pub code: Option<String>,
    /// The places that it lies directly within.
    pub within: Vec<PlaceKey>,
    /// The place that took over when this one's code was retired.
    pub successor: Option<PlaceKey>,
}

/// Adds a place, or writes one that is there anew, with the log.
pub async fn save(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    draft: Draft,
) -> Result<Result<place::Model, Refusal>> {
    lock(db, LockMode::Exclusive, AdvisoryLock::PlaceLinks).await?;
    let places = Gazetteer::read(db).await?;
    let links = links_of(db, &places).await?;
    let before = draft.target.id.and_then(|id| places.places.get(&id)).cloned();
    let id = before
        .as_ref()
        .map_or_else(|| act.clock.new_id(), |before| before.id);
    let mut found = Findings::default();
    let mut up = Up::default();
    for (at, key) in draft.within.iter().enumerate() {
        let path = format!("parents/{at}");
        up.within
            .extend(super::named_at(db, &mut found, &path, key).await?);
    }
    if let Some(key) = &draft.successor {
        up.successor = super::named_at(db, &mut found, "successor", key).await?;
    }
    let code = keeping::tidy(draft.code).and_then(|code| match gss::code(&code) {
        Ok(code) => Some(code),
        Err(reason) => {
            found.error(FindingCode::InvalidFormat, "code", reason);
            None
        }
    });
    let of_code = code.as_deref().and_then(gss::kind_of_code);
    if let Some(of_code) = of_code.filter(|of_code| *of_code != draft.kind) {
        let reason = format!("its code is that of a {}", of_code.code());
        found.error(FindingCode::Contradictory, "kind", reason);
    }
    let full = FullPlace::new(spelling::name(&draft.name), draft.kind, up);
    found.required("name", &full.name, 200);
    if !found.errors.iter().any(|error| error.path == "code") {
        check_code(&mut found, &places, before.as_ref(), code.as_deref());
    }
    check_links(&mut found, &links, id, &full.up);
    let mut standing = Standing {
        places: places.places,
        links,
    };
    let stood = standing.kept(id);
    let document = stood.as_ref().map(|stood| &stood.document);
    if let Some(refusal) = keeping::refusal(db, draft.target, document, "place", found).await? {
        return Ok(Err(refusal));
    }
    // A save is one also where it says what stood already: its version counts it.
    let saved = match standing.put(act, code, id, full) {
        Saved::Added => Saved::Added,
        Saved::Altered | Saved::Unchanged => Saved::Altered,
    };
    standing
        .write(db, act, vec![(id, saved)], HashMap::from([(id, stood)]))
        .await?;
    let row = place::Entity::find_by_id(id).one(db).await?;
    row.map(Ok)
        .ok_or_else(|| Error::Internal("a place that was saved cannot be found".into()))
}

/// A code is that of one place, and stays: records name their places by it.
fn check_code(found: &mut Findings, places: &Gazetteer, before: Option<&place::Model>, code: Option<&str>) {
    let own = before.map(|before| before.id);
    let holder = code.and_then(|code| places.by_code.get(code));
    if let Some(holder) = holder.filter(|holder| Some(**holder) != own) {
        let name = places
            .places
            .get(holder)
            .map_or("another place", |holder| &holder.name);
        found.error(FindingCode::Conflict, "code", format!("is that of {name}"));
    }
    let stood = before.and_then(|before| before.code.as_deref());
    if stood.is_some() && stood != code {
        let reason = "stays as it is, as records name the place by it: add the place of the new code, and name \
                      it as the successor of this one";
        found.error(FindingCode::NotAllowed, "code", reason);
    }
}

/// No place lies within itself, however many lie between, and no more lie around one another than may.
fn check_links(found: &mut Findings, links: &Links, id: Uuid, up: &Up) {
    let mut then = links.clone();
    then.insert(id, up.clone());
    let within = Up {
        successor: None,
        ..up.clone()
    };
    let reason = "it would lie within itself, or be its own successor";
    if leads_to(&then, &within, id) {
        found.error(FindingCode::Contradictory, "parents", reason);
    } else if leads_to(&then, up, id) {
        found.error(FindingCode::Contradictory, "successor", reason);
    } else {
        let mut below: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (child, up) in &then {
            for parent in &up.within {
                below.entry(*parent).or_default().push(*child);
            }
        }
        let above = |id: Uuid| {
            then.get(&id)
                .map(|up| up.within.iter().copied().collect())
                .unwrap_or_default()
        };
        let around = farthest(id, &above);
        let inside = farthest(id, &|id| below.get(&id).cloned().unwrap_or_default());
        if around + inside + 1 > DEEPEST {
            let reason = format!("more than {DEEPEST} places would lie around one another");
            found.error(FindingCode::OutOfRange, "parents", reason);
        }
    }
}

/// How many steps lead away from a place at most. There are no circles, and no more steps than [`DEEPEST`]
/// are counted.
fn farthest(from: Uuid, next: &dyn Fn(Uuid) -> Vec<Uuid>) -> usize {
    let mut here = HashSet::from([from]);
    for steps in 0..=DEEPEST {
        here = here.into_iter().flat_map(next).collect();
        if here.is_empty() {
            return steps;
        }
    }
    DEEPEST + 1
}

/// Where a place leads: to those that it lies within, and to the one that took over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Up {
    pub(super) within: BTreeSet<Uuid>,
    pub(super) successor: Option<Uuid>,
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
pub(super) type Links = HashMap<Uuid, Up>;

/// Why each draft cannot be taken, if it cannot. What names a newcomer that is refused
/// is refused in turn, so that the drafts are gone through until no more are.
fn refused(links: &Links, drafts: &[PlaceDraft], meant: &[Meant]) -> Vec<Option<String>> {
    let mut refused: Vec<Option<String>> = meant.iter().map(|one| one.full.as_ref().err().cloned()).collect();
    loop {
        let left: Vec<(usize, Uuid, &Up)> = (0..)
            .zip(meant)
            .filter(|(index, _)| refused[*index].is_none())
            .filter_map(|(index, one)| Some((index, one.id, &one.full.as_ref().ok()?.up)))
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

pub(super) fn leads_to(links: &Links, from: &Up, to: Uuid) -> bool {
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
    /// A place as it is kept, where it is there.
    fn kept(&self, id: Uuid) -> Option<keeping::Standing> {
        let (place, up) = (self.places.get(&id)?, self.links.get(&id)?);
        let document = document::of_place(place, &up.within);
        Some(keeping::Standing::new(document, place.updated_at))
    }

    fn put(&mut self, act: &Act<'_>, code: Option<String>, id: Uuid, full: FullPlace) -> Saved {
        let before = self.places.get(&id);
        let saved = before.map_or(Saved::Added, |_| Saved::Altered);
        let row = place::Model {
            id,
            name_folded: fold(&full.name),
            name: full.name,
            kind: full.kind,
            code,
            successor_id: full.up.successor,
            created_at: before.map_or_else(|| act.now(), |before| before.created_at),
            updated_at: before.map_or_else(|| act.now(), |before| before.updated_at),
        };
        if before == Some(&row) && self.links.get(&id) == Some(&full.up) {
            return Saved::Unchanged;
        }
        self.places.insert(id, row);
        self.links.insert(id, full.up);
        saved
    }

    /// Writes places as they stand now, with their revisions and the log; each may be named several times.
    /// `stood` tells how each stood before.
    async fn write(
        &self,
        db: &impl ConnectionTrait,
        act: &Act<'_>,
        written: Vec<(Uuid, Saved)>,
        mut stood: HashMap<Uuid, Option<keeping::Standing>>,
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
            links.extend(up.within.iter().map(|parent_id| {
                place_within::Model {
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
            let ours = place_within::Column::PlaceId.is_in(piece.iter().map(|(id, _)| *id));
            place_within::Entity::delete_many().filter(ours).exec(db).await?;
        }
        insert_all(db, links).await?;
        let (mut entries, mut saves) = (Vec::new(), Vec::new());
        for (id, saved) in written {
            let kind = match saved {
                Saved::Added => ChangeKind::Published,
                _ => ChangeKind::Altered,
            };
            entries.push(Entry::new(kind, ChangeSubject::Place, id));
            saves.extend(self.kept(id).map(|now| Save {
                subject: KeptSubject::Place,
                id,
                before: stood.remove(&id).flatten(),
                after: now.document,
            }));
        }
        change::append(db, act, &entries).await?;
        keeping::write(db, act, saves).await
    }
}
