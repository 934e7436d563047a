//! Classes of hidden records: the records that an audience may count but not read.
//!
//! A class has at least 10 records of at least 5 lead organisations, also without those that any one organisation leads
//! or funds. What an outsider may know of a record (its key variables) is decided from what is published about its class,
//! so two populations always differ by whole classes, and nobody learns whether a certain record is there. Censuses
//! protect records before counting in the same way: see the chapter on frequency tables of A. Hundepool et al., "Handbook
//! on Statistical Disclosure Control" (sdcTools). H. J. Asghar and D. Kaafar, "Averaging attacks on bounded noise-based
//! disclosure control algorithms" (PETS 2020) show that noise alone does not withstand comparisons.
//!
//! A class never changes. If one of its records changes, it is counted as it was, until enough records that fit the class
//! have changed. Then a new class (`formation`) replaces it. So nobody can compare two answers and learn what changed in one
//! record.

pub mod decision_cache;
pub mod description;
mod editor;
mod formation;
pub mod key_variables;
pub mod levels;
pub mod membership;
pub mod partition;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use uuid::Uuid;
use wayin_vocabulary::Visibility;

use self::decision_cache::DecisionCache;
use self::editor::ClassEditor;
use self::formation::FormationPlan;
use self::key_variables::{ClassDescription, ClassKey, KeyPriority};
use self::levels::Levels;
use self::partition::RowPosition;
use crate::index::{AsOf, Bitmap, Chunk, IndexedInitiative, Snapshot};
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
    /// Its cell key then, which decides the noise.
    pub cell_key: u8,
}

/// Classes after new ones were formed.
pub struct Formation {
    /// The classes of each audience.
    pub classes: BothClasses,
    /// The new ones, which are to be stored.
    pub new: Vec<StoredClass>,
    /// The ids of those that they replace.
    pub replaced: Vec<Uuid>,
}

/// The classes of the records that are hidden from one audience, for one snapshot.
#[derive(Clone, Debug)]
pub struct HiddenClasses {
    audience: Audience,
    priority: KeyPriority,
    /// The newest records, and after them those that are counted as they were.
    counted: Arc<Snapshot>,
    /// The number of the chunks of the newest records.
    base_chunk_count: usize,
    /// For each chunk that is counted, the number of the class of each row. It can be a dissolved class.
    class_of_row: Vec<Arc<[u32]>>,
    /// By class number.
    ids: Vec<Uuid>,
    /// By class number; none if the class is dissolved: others have replaced it, or the version of one of its records is not
    /// available.
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
        let counted = Arc::new(snapshot.clone());
        let empty = |audience| Self {
            audience,
            priority,
            class_of_row: snapshot.chunks.iter().map(of_chunk).collect(),
            base_chunk_count: snapshot.chunks.len(),
            counted: Arc::clone(&counted),
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
        Self::form(&none, new_id).map_or(none, |formation| formation.classes)
    }

    /// The classes after some initiatives have changed. Those that are in a class are counted as they were.
    pub fn follow(
        classes: &BothClasses,
        before: &Snapshot,
        after: &Snapshot,
        changed: &[Uuid],
    ) -> BothClasses {
        ClassEditor::follow(classes, before, after, changed).finish(None)
    }

    /// Forms classes of the hidden records that are in none: those of members, and then those of dashboards from them, as
    /// one person can be both. None if there are no new ones.
    pub fn form(classes: &BothClasses, mut new_id: impl FnMut() -> Uuid) -> Option<Formation> {
        let (mut new, mut replaced) = (Vec::new(), Vec::new());
        let mut apply = |classes: &BothClasses, audience: Audience, plan: FormationPlan| {
            if plan.formed.is_empty() {
                return classes.clone();
            }
            let before = &classes[audience as usize];
            let mut without: BTreeSet<u32> = plan.replaced;
            for at in plan.formed.iter().flat_map(|unit| &unit.rows) {
                without.insert(before.class_of_row[at.chunk as usize][at.row as usize]);
            }
            without.remove(&NO_CLASS);
            replaced.extend(without.iter().map(|class| before.ids[*class as usize]));
            let mut editor = ClassEditor::new(classes);
            editor.dissolve(audience, without);
            for unit in &plan.formed {
                let class = StoredClass {
                    id: new_id(),
                    audience,
                    members: before.list_stored_members(unit),
                };
                editor.add(&class);
                new.push(class);
            }
            editor.finish(Some(before.counted.as_of))
        };
        let [_, members] = classes;
        let with_members = apply(classes, Audience::Members, members.plan_for_members());
        let [dashboards, members] = &with_members;
        let plan = dashboards.plan_for_dashboards(members)?;
        let classes = apply(&with_members, Audience::Dashboards, plan);
        (!new.is_empty()).then_some(Formation {
            classes,
            new,
            replaced,
        })
    }

    /// Adds classes that were stored, unless they are known, and dissolves those that are not stored any more. A class of
    /// which the version of a record is neither the newest one nor among `old_rows` is dissolved. `formed_at` is the change
    /// at which the newest of them were stored.
    pub fn add_stored(
        classes: &BothClasses,
        stored: &[StoredClass],
        all_stored_ids: &HashSet<Uuid>,
        old_rows: Vec<IndexedInitiative>,
        formed_at: AsOf,
    ) -> BothClasses {
        let known: HashSet<Uuid> = classes.iter().flat_map(|classes| &classes.ids).copied().collect();
        let mut editor = ClassEditor::new(classes);
        editor.keep_only(all_stored_ids);
        editor.add_old_rows(old_rows);
        for class in stored.iter().filter(|class| !known.contains(&class.id)) {
            editor.add(class);
        }
        editor.finish(Some(formed_at))
    }

    /// The members of stored classes that are not known, and whose version is not the newest one.
    pub fn list_old_members(
        classes: &BothClasses,
        newest: &Snapshot,
        stored: &[StoredClass],
    ) -> Vec<ClassMember> {
        let known: HashSet<Uuid> = classes.iter().flat_map(|classes| &classes.ids).copied().collect();
        let mut old = Vec::new();
        for class in stored.iter().filter(|class| !known.contains(&class.id)) {
            let is_old = |member: &&ClassMember| {
                find_version(class.audience, newest, member.id) != Some(member.updated_at)
            };
            old.extend(class.members.iter().filter(is_old).copied());
        }
        old.sort_unstable_by_key(|member| (member.id, member.updated_at));
        old.dedup();
        old
    }

    /// The newest records, and after them those that are counted as they were. Only the former are in the order of their ids.
    pub fn counted(&self) -> &Snapshot {
        &self.counted
    }

    /// The chunks of the records that are counted as they were.
    pub fn list_frozen_chunks(&self) -> &[Arc<Chunk>] {
        &self.counted.chunks[self.base_chunk_count..]
    }

    /// The number of the chunks of the newest records.
    pub fn base_chunk_count(&self) -> usize {
        self.base_chunk_count
    }

    /// The number of hidden records that are in no class.
    pub fn count_waiting(&self) -> usize {
        let counts = (0..self.base_chunk_count).map(|position| self.find_waiting_rows(position).count());
        usize::try_from(counts.sum::<u64>()).unwrap_or(usize::MAX)
    }

    /// The newest change at which classes were formed.
    pub fn formed_at(&self) -> AsOf {
        self.formed_at
    }

    /// Whether the records of a class are illustrative; none if it is dissolved.
    pub fn is_illustrative(&self, class: u32) -> Option<bool> {
        self.keys[class as usize].map(|key| key.is_illustrative)
    }

    /// Whether there are no classes, so that no hidden record is counted.
    pub fn is_empty(&self) -> bool {
        self.keys.iter().all(Option::is_none)
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
        // Records that are counted as they were take the place of the newest ones, so that nothing else differs.
        let find_id = |at: &RowPosition| self.counted.chunks[at.chunk as usize].ids()[at.row as usize];
        for bounds in ends.windows(2) {
            let of_class = &mut rows[bounds[0] as usize..bounds[1] as usize];
            if of_class
                .last()
                .is_some_and(|at| at.chunk as usize >= self.base_chunk_count)
            {
                of_class.sort_unstable_by_key(find_id);
            }
        }
        Members { starts: ends, rows }
    }

    /// Whether a class exists and is not dissolved.
    fn is_formed(&self, class: u32) -> bool {
        matches!(self.keys.get(class as usize), Some(Some(_)))
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
}

/// When an initiative was last updated, in microseconds since 1970; none if it is not hidden from the audience.
fn find_version(audience: Audience, snapshot: &Snapshot, id: Uuid) -> Option<i64> {
    let (chunk, row) = snapshot.find_row(id)?;
    let chunk = &snapshot.chunks[chunk];
    let updated_at = chunk.updated_at.get(row);
    updated_at.filter(|_| is_hidden(audience, chunk, row))
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
