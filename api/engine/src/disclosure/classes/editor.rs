//! Changes the classes of both audiences together, as they share the frozen records.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::key_variables::ClassKey;
use super::{BothClasses, Derived, HiddenClasses, NO_CLASS, StoredClass, find_version};
use crate::index::{AsOf, Chunk, IndexedInitiative, Snapshot};
use crate::visibility::Audience;

/// A hidden record as it is counted, though it has changed since.
struct FrozenRecord {
    row: IndexedInitiative,
    /// Its class for each audience.
    classes: [u32; Audience::COUNT],
}

/// An initiative, and when it was last updated, in microseconds since 1970.
type Version = (Uuid, i64);

fn find_row_version(row: &IndexedInitiative) -> Version {
    (row.id, row.updated_at.timestamp_micros())
}

/// Classes that are being changed.
pub struct ClassEditor {
    base: Snapshot,
    audiences: [EditedClasses; Audience::COUNT],
    frozen: BTreeMap<Version, FrozenRecord>,
    /// The chunks of the frozen records before.
    frozen_chunks: Vec<Arc<Chunk>>,
}

/// The classes of one audience that are being changed.
struct EditedClasses {
    classes: HiddenClasses,
    /// The numbers of the formed classes whose keys are still to be found.
    needs_key: HashSet<u32>,
}

impl EditedClasses {
    fn is_formed(&self, class: u32) -> bool {
        self.classes.is_formed(class) || self.needs_key.contains(&class)
    }

    fn dissolve(&mut self, class: u32) {
        self.needs_key.remove(&class);
        if let Some(key) = self.classes.keys.get_mut(class as usize) {
            *key = None;
        }
    }
}

impl ClassEditor {
    /// Changes classes for the same records.
    pub fn new(classes: &BothClasses) -> Self {
        let first = &classes[0];
        let (base, frozen) = first.counted.chunks.split_at(first.base_chunk_count);
        let mut editor = Self {
            base: Snapshot {
                chunks: base.to_vec(),
                ..Snapshot::clone(&first.counted)
            },
            audiences: classes.each_ref().map(|classes| EditedClasses {
                classes: HiddenClasses::clone(classes),
                needs_key: HashSet::new(),
            }),
            frozen: BTreeMap::new(),
            frozen_chunks: frozen.to_vec(),
        };
        for (offset, chunk) in frozen.iter().enumerate() {
            let of_chunk = classes
                .each_ref()
                .map(|classes| &classes.class_of_row[first.base_chunk_count + offset]);
            for (at, row) in chunk.unpack().into_iter().enumerate() {
                let classes = of_chunk.map(|of_chunk| of_chunk[at]);
                editor
                    .frozen
                    .insert(find_row_version(&row), FrozenRecord { row, classes });
            }
        }
        for edited in &mut editor.audiences {
            edited.classes.class_of_row.truncate(first.base_chunk_count);
        }
        editor
    }

    /// Changes classes after some initiatives have changed: those that are in a class are counted as they were.
    pub fn follow(classes: &BothClasses, before: &Snapshot, after: &Snapshot, changed: &[Uuid]) -> Self {
        let mut editor = Self::new(classes);
        editor.base = after.clone();
        let mut altered: HashSet<Uuid> = HashSet::new();
        for id in changed {
            let is_same = |classes: &Arc<HiddenClasses>| {
                find_version(classes.audience, before, *id) == find_version(classes.audience, after, *id)
            };
            if classes.iter().all(is_same) {
                continue;
            }
            altered.insert(*id);
            if let Some((chunk, row)) = before.find_row(*id) {
                let of_row = classes.each_ref().map(|classes| classes.class_of_row[chunk][row]);
                editor.freeze(before.chunks[chunk].unpack_row(row), of_row);
            }
        }
        for (edited, old) in editor.audiences.iter_mut().zip(classes) {
            let known: HashMap<u64, &Arc<[u32]>> = before
                .chunks
                .iter()
                .map(|chunk| chunk.serial)
                .zip(&old.class_of_row)
                .collect();
            let find_class = |id: &Uuid| {
                let found = before.find_row(*id).filter(|_| !altered.contains(id));
                found.map_or(NO_CLASS, |(chunk, row)| old.class_of_row[chunk][row])
            };
            let of_chunk = |chunk: &Arc<Chunk>| match known.get(&chunk.serial) {
                Some(classes) => Arc::clone(classes),
                None => chunk.ids().iter().map(find_class).collect(),
            };
            edited.classes.class_of_row = after.chunks.iter().map(of_chunk).collect();
            if !Arc::ptr_eq(&before.places, &after.places) {
                let formed = (0..).zip(&edited.classes.keys);
                edited.needs_key = formed
                    .filter_map(|(class, key)| key.is_some().then_some(class))
                    .collect();
            }
        }
        editor
    }

    /// Counts a record as it is in its classes.
    fn freeze(&mut self, row: IndexedInitiative, classes: [u32; Audience::COUNT]) {
        let is_formed = |(edited, class): (&EditedClasses, &u32)| edited.is_formed(*class);
        if self.audiences.iter().zip(&classes).any(is_formed) {
            self.frozen
                .insert(find_row_version(&row), FrozenRecord { row, classes });
        }
    }

    /// Adds records as they were before they changed. They are counted if they are members of a class.
    pub fn add_old_rows(&mut self, rows: Vec<IndexedInitiative>) {
        for row in rows {
            self.frozen.entry(find_row_version(&row)).or_insert(FrozenRecord {
                row,
                classes: [NO_CLASS; Audience::COUNT],
            });
        }
    }

    /// Dissolves classes, by their numbers.
    pub fn dissolve(&mut self, audience: Audience, classes: impl IntoIterator<Item = u32>) {
        let edited = &mut self.audiences[audience as usize];
        classes.into_iter().for_each(|class| edited.dissolve(class));
    }

    /// Dissolves the classes whose ids are not among these.
    pub fn keep_only(&mut self, ids: &HashSet<Uuid>) {
        for edited in &mut self.audiences {
            let gone = (0..).zip(&edited.classes.ids).filter(|(_, id)| !ids.contains(id));
            let gone: Vec<u32> = gone.map(|(class, _)| class).collect();
            gone.into_iter().for_each(|class| edited.dissolve(class));
        }
    }

    /// Adds a class that is not known. If the version of one of its members is not available, it is added as dissolved.
    pub fn add(&mut self, class: &StoredClass) {
        let audience = class.audience;
        let edited = &mut self.audiences[audience as usize];
        let number = u32::try_from(edited.classes.ids.len()).unwrap_or(NO_CLASS);
        let mut is_whole = true;
        for member in &class.members {
            if find_version(audience, &self.base, member.id) == Some(member.updated_at) {
                if let Some((chunk, row)) = self.base.find_row(member.id) {
                    Arc::make_mut(&mut edited.classes.class_of_row[chunk])[row] = number;
                }
            } else if let Some(frozen) = self.frozen.get_mut(&(member.id, member.updated_at)) {
                frozen.classes[audience as usize] = number;
                frozen.row.cell_key = member.cell_key;
            } else {
                is_whole = false;
            }
        }
        edited.classes.ids.push(class.id);
        edited.classes.keys.push(None);
        if is_whole {
            edited.needs_key.insert(number);
        }
    }

    /// The changed classes. `formed_at` is the newest change at which classes were formed, if it is a new one.
    pub fn finish(mut self, formed_at: Option<AsOf>) -> BothClasses {
        let audiences = &self.audiences;
        self.frozen.retain(|_, frozen| {
            let mut classes = audiences.iter().zip(frozen.classes);
            classes.any(|(edited, class)| edited.is_formed(class))
        });
        let frozen_chunks = self.pack_frozen();
        let base_chunk_count = self.base.chunks.len();
        self.base.chunks.extend(frozen_chunks.iter().cloned());
        let (counted, frozen) = (Arc::new(self.base), self.frozen);
        self.audiences.map(|edited| {
            let mut next = HiddenClasses {
                counted: Arc::clone(&counted),
                base_chunk_count,
                formed_at: formed_at.unwrap_or(edited.classes.formed_at),
                derived: Derived::default(),
                ..edited.classes
            };
            let audience = next.audience as usize;
            let find_class = |version: Version| {
                frozen
                    .get(&version)
                    .map_or(NO_CLASS, |frozen| frozen.classes[audience])
            };
            let of_chunk = |chunk: &Arc<Chunk>| list_versions(chunk).into_iter().map(find_class).collect();
            next.class_of_row.extend(frozen_chunks.iter().map(of_chunk));
            next.find_keys(&edited.needs_key);
            next.update_levels();
            Arc::new(next)
        })
    }

    /// The chunks of the frozen records: those before, if the records are the same. A chunk has no record twice.
    fn pack_frozen(&mut self) -> Vec<Arc<Chunk>> {
        let before: BTreeSet<Version> = self
            .frozen_chunks
            .iter()
            .flat_map(|chunk| list_versions(chunk))
            .collect();
        if before.iter().eq(self.frozen.keys()) {
            return std::mem::take(&mut self.frozen_chunks);
        }
        let mut layers: Vec<Vec<IndexedInitiative>> = Vec::new();
        let versions: Vec<&FrozenRecord> = self.frozen.values().collect();
        for of_record in versions.chunk_by(|one, other| one.row.id == other.row.id) {
            for (layer, frozen) in of_record.iter().enumerate() {
                if layers.len() <= layer {
                    layers.push(Vec::new());
                }
                layers[layer].push(frozen.row.clone());
            }
        }
        let pack = |rows: Vec<IndexedInitiative>| {
            let mut packed = Snapshot::default();
            packed.apply(rows, Vec::new());
            packed.chunks
        };
        layers.into_iter().flat_map(pack).collect()
    }
}

fn list_versions(chunk: &Chunk) -> Vec<Version> {
    let version = |(row, id): (usize, &Uuid)| (*id, chunk.updated_at.get(row).unwrap_or_default());
    chunk.ids().iter().enumerate().map(version).collect()
}

impl HiddenClasses {
    /// Finds the keys of some classes from their records.
    fn find_keys(&mut self, classes: &HashSet<u32>) {
        if classes.is_empty() {
            return;
        }
        let mut found: HashMap<u32, ClassKey> = HashMap::new();
        for (chunk, of_rows) in self.counted.chunks.iter().zip(&self.class_of_row) {
            for (row, class) in of_rows
                .iter()
                .enumerate()
                .filter(|(_, class)| classes.contains(class))
            {
                let of_record = ClassKey::of_record(chunk, row, &self.counted.places, self.priority);
                found
                    .entry(*class)
                    .and_modify(|key| *key = key.merge(of_record))
                    .or_insert(of_record);
            }
        }
        for class in classes {
            self.keys[*class as usize] = found.get(class).copied();
        }
        // The order of the classes depends on their keys.
        self.levels = Arc::default();
    }
}
