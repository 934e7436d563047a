//! Classes of hidden records: the records that an audience may count but not read.
//!
//! A class has at least 10 records of at least 5 lead organisations, also without those that any one organisation leads
//! or funds. What an outsider may know of a record (its key variables) is decided from what is published about its class, so
//! two populations always differ by whole classes, and nobody learns whether a certain record is there. Censuses protect records before counting in the same way: see the chapter
//! on frequency tables of A. Hundepool et al., "Handbook on Statistical Disclosure Control" (sdcTools). H. J. Asghar and
//! D. Kaafar, "Averaging attacks on bounded noise-based disclosure control algorithms" (PETS 2020) show that noise alone
//! does not withstand comparisons.
//!
//! A class never changes. If one of its records changes, the class is dissolved, and its records are not counted until
//! they are in a new class. Each new class has enough records that are new or have changed, so nobody can compare two
//! answers and learn what changed in one record.

pub mod decision_cache;
pub mod description;
pub mod key_variables;
pub mod levels;
pub mod membership;
pub mod partition;
#[cfg(test)]
mod tests;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use uuid::Uuid;
use wayin_vocabulary::Visibility;

use self::decision_cache::DecisionCache;
use self::key_variables::{ClassDescription, ClassKey, KeyPriority};
use self::levels::Levels;
use self::partition::{RowPosition, Unit, form_classes};
use crate::index::{AsOf, Bitmap, Chunk, Snapshot};
use crate::visibility::Audience;

/// The class number of a record that was in no class before. Records that an audience can read have it too.
const NO_CLASS: u32 = u32::MAX;

/// The classes of each audience.
pub type BothClasses = [Arc<HiddenClasses>; Audience::COUNT];

/// A class as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredClass {
    /// Its id.
    pub id: Uuid,
    /// The audience that the records are hidden from.
    pub audience: Audience,
    /// The records.
    pub members: Vec<ClassMember>,
}

/// A record of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassMember {
    /// The initiative.
    pub id: Uuid,
    /// When it was last updated before the class was formed, in microseconds since 1970.
    pub updated_at: i64,
}

/// The classes of the records that are hidden from one audience, for one snapshot.
#[derive(Clone, Debug)]
pub struct HiddenClasses {
    audience: Audience,
    priority: KeyPriority,
    /// For each chunk of the snapshot, the number of the class of each row. It can be a dissolved class.
    class_of_row: Vec<Arc<[u32]>>,
    /// By class number.
    ids: Vec<Uuid>,
    /// By class number; none if the class is dissolved.
    keys: Vec<Option<ClassKey>>,
    levels: Arc<Levels>,
    formed_at: AsOf,
    derived: Derived,
}

/// What follows from the classes, worked out when it is first needed.
#[derive(Debug, Default)]
struct Derived {
    /// For each chunk, the rows that are in a class.
    classed_rows: OnceLock<Vec<Bitmap>>,
    members: OnceLock<Members>,
    descriptions: OnceLock<Descriptions>,
    cache: DecisionCache,
}

impl Clone for Derived {
    /// Nothing: a clone is made to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What is published about the classes.
#[derive(Debug)]
struct Descriptions {
    /// Each description once.
    all: Vec<ClassDescription>,
    /// By class number, the position of its description in `all`; none if the class is dissolved.
    of_class: Vec<Option<usize>>,
}

/// The records of each class.
#[derive(Debug)]
struct Members {
    /// By class number, where its records start in `rows`, and then the number of all.
    starts: Vec<u32>,
    rows: Vec<RowPosition>,
}

impl HiddenClasses {
    /// No classes for any audience.
    pub fn none(snapshot: &Snapshot, priority: KeyPriority) -> BothClasses {
        let of_chunk = |chunk: &Arc<Chunk>| std::iter::repeat_n(NO_CLASS, chunk.len()).collect();
        let empty = |audience| Self {
            audience,
            priority,
            class_of_row: snapshot.chunks.iter().map(of_chunk).collect(),
            ids: Vec::new(),
            keys: Vec::new(),
            levels: Arc::default(),
            formed_at: AsOf::default(),
            derived: Derived::default(),
        };
        [Audience::Dashboards, Audience::Members].map(|audience| Arc::new(empty(audience)))
    }

    /// Classes of all hidden records, with the default priority and ids that are not random.
    pub fn form_all(snapshot: &Snapshot) -> BothClasses {
        let mut number = 0;
        let new_id = || {
            number += 1;
            Uuid::from_u128(number)
        };
        let none = Self::none(snapshot, KeyPriority::default());
        Self::form(&none, snapshot, new_id).map_or(none, |(classes, _)| classes)
    }

    /// The classes after some initiatives have changed: those of these initiatives are dissolved.
    pub fn follow(
        classes: &BothClasses,
        before: &Snapshot,
        after: &Snapshot,
        changed: &[Uuid],
    ) -> BothClasses {
        classes
            .each_ref()
            .map(|classes| Arc::new(classes.dissolve_changed(before, after, changed)))
    }

    /// Forms classes of the hidden records that are in none: those of members, and then those of dashboards from them, as
    /// one person can be both. Returns them with the new ones, which are to be stored. None if there are no new ones.
    pub fn form(
        classes: &BothClasses,
        snapshot: &Snapshot,
        mut new_id: impl FnMut() -> Uuid,
    ) -> Option<(BothClasses, Vec<StoredClass>)> {
        let [dashboards, members] = classes;
        let of_members = members.list_new_classes(snapshot, None, &mut new_id);
        let members = members.add(snapshot, &of_members);
        let of_dashboards = dashboards.list_new_classes(snapshot, Some(&members), &mut new_id);
        let dashboards = dashboards.add(snapshot, &of_dashboards);
        let new: Vec<StoredClass> = of_members.into_iter().chain(of_dashboards).collect();
        (!new.is_empty()).then(|| ([dashboards, members].map(Arc::new), new))
    }

    /// Adds classes that were stored, unless they are known. A class of which a record has changed since is dissolved.
    /// `formed_at` is the change at which the newest of them were stored.
    pub fn add_stored(
        classes: &BothClasses,
        snapshot: &Snapshot,
        stored: &[StoredClass],
        formed_at: AsOf,
    ) -> BothClasses {
        classes.each_ref().map(|classes| {
            let known: HashSet<Uuid> = classes.ids.iter().copied().collect();
            let of_audience: Vec<StoredClass> = stored
                .iter()
                .filter(|class| class.audience == classes.audience && !known.contains(&class.id))
                .cloned()
                .collect();
            Arc::new(Self {
                formed_at,
                ..classes.add(snapshot, &of_audience)
            })
        })
    }

    /// The number of hidden records that are in no class.
    pub fn count_waiting(&self, snapshot: &Snapshot) -> usize {
        let chunks = snapshot.chunks.iter().enumerate();
        let counts = chunks.map(|(position, chunk)| self.find_waiting_rows(position, chunk).count());
        usize::try_from(counts.sum::<u64>()).unwrap_or(usize::MAX)
    }

    /// The hidden rows of the chunk at a position that are in no class.
    fn find_waiting_rows(&self, position: usize, chunk: &Chunk) -> Bitmap {
        find_hidden_rows(self.audience, chunk).difference(self.find_classed_rows(position))
    }

    /// The ids of the dissolved classes of which no record waits for a new class.
    pub fn list_obsolete(&self) -> Vec<Uuid> {
        let mut is_used = vec![false; self.ids.len()];
        for class in self.class_of_row.iter().flat_map(|classes| classes.iter()) {
            if let Some(is_used) = is_used.get_mut(*class as usize) {
                *is_used = true;
            }
        }
        let classes = self.ids.iter().zip(&self.keys).zip(is_used);
        classes
            .filter(|((_, key), is_used)| key.is_none() && !is_used)
            .map(|((id, _), _)| *id)
            .collect()
    }

    /// The newest change at which classes were formed.
    pub fn formed_at(&self) -> AsOf {
        self.formed_at
    }

    /// Whether the records of a class are illustrative; none if it is dissolved.
    pub fn is_illustrative(&self, class: u32) -> Option<bool> {
        self.keys[class as usize].map(|key| key.is_illustrative)
    }

    /// Whether any class has illustrative records.
    pub fn has_illustrative(&self) -> bool {
        self.keys.iter().flatten().any(|key| key.is_illustrative)
    }

    /// The number of classes, dissolved ones included.
    pub fn class_count(&self) -> usize {
        self.keys.len()
    }

    /// What is published about the classes, each description once.
    pub fn descriptions(&self) -> &[ClassDescription] {
        &self.find_descriptions().all
    }

    /// The position of the description of a class in [`descriptions`](Self::descriptions); none if it is dissolved.
    pub fn description_of(&self, class: u32) -> Option<usize> {
        self.find_descriptions().of_class[class as usize]
    }

    fn find_descriptions(&self) -> &Descriptions {
        self.derived.descriptions.get_or_init(|| {
            let mut positions: HashMap<ClassDescription, usize> = HashMap::new();
            let mut all = Vec::new();
            let mut find = |key: &Option<ClassKey>| {
                let description = (*key)?.describe(self.priority);
                let next = all.len();
                let position = *positions.entry(description).or_insert_with_key(|new| {
                    all.push(new.clone());
                    next
                });
                Some(position)
            };
            let of_class = self.keys.iter().map(&mut find).collect();
            Descriptions { all, of_class }
        })
    }

    /// How the classes are merged into groups.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// The class of each row of the chunk at a position.
    pub fn class_of_rows(&self, position: usize) -> &[u32] {
        &self.class_of_row[position]
    }

    /// The rows of the chunk at a position that are in a class.
    pub fn find_classed_rows(&self, position: usize) -> &Bitmap {
        let find = |classes: &Arc<[u32]>| Bitmap::from_fn(classes.len(), |row| self.is_formed(classes[row]));
        let of_chunks = || self.class_of_row.iter().map(find).collect();
        &self.derived.classed_rows.get_or_init(of_chunks)[position]
    }

    /// The records of a class; none if it is dissolved.
    pub fn list_members(&self, class: u32) -> &[RowPosition] {
        let members = self.derived.members.get_or_init(|| self.find_members());
        let [start, end] = [class, class + 1].map(|class| members.starts[class as usize] as usize);
        &members.rows[start..end]
    }

    /// Decisions that were made for these classes.
    pub fn cache(&self) -> &DecisionCache {
        &self.derived.cache
    }

    fn find_members(&self) -> Members {
        let mut ends = vec![0_u32; self.keys.len() + 1];
        let formed = |class: u32| self.is_formed(class).then_some(class as usize);
        for class in self.class_of_row.iter().flat_map(|classes| classes.iter()) {
            if let Some(class) = formed(*class) {
                ends[class] += 1;
            }
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        // Filled from the end: each end becomes the start of its class.
        let mut rows = vec![RowPosition::new(0, 0); total as usize];
        for (position, classes) in self.class_of_row.iter().enumerate().rev() {
            for (row, class) in classes.iter().enumerate().rev() {
                if let Some(class) = formed(*class) {
                    ends[class] -= 1;
                    rows[ends[class] as usize] = RowPosition::new(position, row);
                }
            }
        }
        Members { starts: ends, rows }
    }

    /// Whether a class exists and is not dissolved.
    fn is_formed(&self, class: u32) -> bool {
        matches!(self.keys.get(class as usize), Some(Some(_)))
    }

    /// Dissolves the classes of the initiatives that changed, and numbers the rows of the new snapshot.
    fn dissolve_changed(&self, before: &Snapshot, after: &Snapshot, changed: &[Uuid]) -> Self {
        let mut next = Self {
            class_of_row: Vec::with_capacity(after.chunks.len()),
            ..self.clone()
        };
        let mut altered: HashSet<Uuid> = HashSet::new();
        for id in changed {
            if self.find_version(before, *id) == self.find_version(after, *id) {
                continue;
            }
            altered.insert(*id);
            if let Some((chunk, row)) = before.find_row(*id)
                && let Some(key) = next.keys.get_mut(self.class_of_row[chunk][row] as usize)
            {
                *key = None;
            }
        }
        let known: HashMap<u64, &Arc<[u32]>> = before
            .chunks
            .iter()
            .map(|chunk| chunk.serial)
            .zip(&self.class_of_row)
            .collect();
        let find_class = |id: &Uuid| {
            let found = before.find_row(*id).filter(|_| !altered.contains(id));
            found.map_or(NO_CLASS, |(chunk, row)| self.class_of_row[chunk][row])
        };
        next.class_of_row
            .extend(after.chunks.iter().map(|chunk| match known.get(&chunk.serial) {
                Some(classes) => Arc::clone(classes),
                None => chunk.ids().iter().map(find_class).collect(),
            }));
        if !Arc::ptr_eq(&before.places, &after.places) {
            next.find_keys(after);
        }
        next.update_levels();
        next
    }

    /// Finds the keys of the classes again, after places have changed.
    fn find_keys(&mut self, snapshot: &Snapshot) {
        let list_keys = |class: u32| {
            let of_record = |row: &RowPosition| {
                let (chunk, row) = row.find(snapshot);
                ClassKey::of_record(chunk, row, &snapshot.places, self.priority)
            };
            self.list_members(class)
                .iter()
                .map(of_record)
                .reduce(ClassKey::merge)
        };
        let keys: Vec<Option<ClassKey>> = (0..).take(self.keys.len()).map(list_keys).collect();
        // The order of the classes depends on their keys.
        self.levels = Arc::default();
        self.keys = keys;
    }

    /// When an initiative was last updated, in microseconds since 1970; none if it is not hidden from the audience.
    fn find_version(&self, snapshot: &Snapshot, id: Uuid) -> Option<i64> {
        let (chunk, row) = snapshot.find_row(id)?;
        let chunk = &snapshot.chunks[chunk];
        let updated_at = chunk.updated_at.get(row);
        updated_at.filter(|_| is_hidden(self.audience, chunk, row))
    }

    /// Adds classes. A class of which a record has changed since is added as dissolved.
    fn add(&self, snapshot: &Snapshot, new: &[StoredClass]) -> Self {
        let mut next = self.clone();
        if new.is_empty() {
            return next;
        }
        let mut class_of_row: Vec<Vec<u32>> =
            self.class_of_row.iter().map(|classes| classes.to_vec()).collect();
        for class in new {
            let number = u32::try_from(next.ids.len()).unwrap_or(NO_CLASS);
            let mut key = None;
            let mut is_whole = true;
            for member in &class.members {
                if self.find_version(snapshot, member.id) != Some(member.updated_at) {
                    is_whole = false;
                    continue;
                }
                let Some((chunk, row)) = snapshot.find_row(member.id) else {
                    continue;
                };
                class_of_row[chunk][row] = number;
                let of_record =
                    ClassKey::of_record(&snapshot.chunks[chunk], row, &snapshot.places, self.priority);
                key = Some(key.map_or(of_record, |key: ClassKey| key.merge(of_record)));
            }
            next.ids.push(class.id);
            next.keys.push(key.filter(|_| is_whole));
        }
        next.class_of_row = class_of_row.into_iter().map(Arc::from).collect();
        next.formed_at = snapshot.as_of;
        next.update_levels();
        next
    }

    fn update_levels(&mut self) {
        let mut formed: Vec<(u32, ClassKey)> = (0..)
            .zip(&self.keys)
            .filter_map(|(number, key)| Some((number, (*key)?)))
            .collect();
        // Numbers are given by each server, and ids are the same for all.
        formed.sort_unstable_by_key(|(number, _)| self.ids[*number as usize]);
        let known: HashSet<u32> = self.levels.order().iter().copied().collect();
        let is_same = formed.len() == known.len() && formed.iter().all(|(number, _)| known.contains(number));
        if !is_same {
            self.levels = Arc::new(Levels::new(formed));
        }
    }

    /// The hidden records that are in no class, as units of which classes are formed. Without classes within, each record
    /// is one. Otherwise each of these classes is one, and so is each record that the other audience can read. Records
    /// that are in no class within are left out.
    fn list_units(&self, snapshot: &Snapshot, within: Option<&Self>) -> Vec<Unit> {
        let mut units = Vec::new();
        let mut of_classes: BTreeMap<u32, Unit> = BTreeMap::new();
        for (position, chunk) in snapshot.chunks.iter().enumerate() {
            let classes = &self.class_of_row[position];
            self.find_waiting_rows(position, chunk).for_each(|row| {
                let at = RowPosition::new(position, row);
                let unit = Unit {
                    rows: vec![at],
                    altered: if classes[row] == NO_CLASS {
                        vec![at]
                    } else {
                        Vec::new()
                    },
                    key: ClassKey::of_record(chunk, row, &snapshot.places, self.priority),
                };
                let Some(within) = within else {
                    units.push(unit);
                    return;
                };
                let class = within.class_of_rows(position)[row];
                if within.is_formed(class) {
                    match of_classes.entry(class) {
                        Entry::Occupied(mut of_class) => of_class.get_mut().merge(unit),
                        Entry::Vacant(free) => {
                            free.insert(unit);
                        }
                    }
                } else if !is_hidden(within.audience, chunk, row) {
                    units.push(unit);
                }
            });
        }
        units.extend(of_classes.into_values());
        units
    }

    /// New classes of the hidden records that are in none, if enough of these are new or have changed. If there are classes
    /// of another audience within, each of them stays whole.
    fn list_new_classes(
        &self,
        snapshot: &Snapshot,
        within: Option<&Self>,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Vec<StoredClass> {
        let member = |row: &RowPosition| {
            let (chunk, row) = row.find(snapshot);
            ClassMember {
                id: chunk.ids()[row],
                updated_at: chunk.updated_at.get(row).unwrap_or_default(),
            }
        };
        let formed = form_classes(snapshot, self.list_units(snapshot, within));
        let to_stored = |class: &Unit| StoredClass {
            id: new_id(),
            audience: self.audience,
            members: class.rows.iter().map(member).collect(),
        };
        formed.iter().map(to_stored).collect()
    }
}

fn find_hidden_rows(audience: Audience, chunk: &Chunk) -> Bitmap {
    let hidden = Visibility::ALL
        .iter()
        .filter(|one| !audience.can_view_fully(**one));
    hidden.fold(Bitmap::empty(chunk.len()), |rows, one| {
        rows.union(chunk.visibility.get(*one as u8))
    })
}

fn is_hidden(audience: Audience, chunk: &Chunk, row: usize) -> bool {
    let mut hidden = Visibility::ALL
        .iter()
        .filter(|one| !audience.can_view_fully(**one));
    hidden.any(|one| chunk.visibility.get(*one as u8).contains(row))
}
