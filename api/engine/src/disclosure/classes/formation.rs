//! Which classes are formed of the hidden records that are in none, and which classes they replace.
//!
//! A record that has changed is counted as it was in its class, and waits. Once enough records wait that fit the key of the
//! class, a new class is formed of them and of the unchanged records. So what is published about a class stays as it is,
//! and nobody can compare two answers and learn what changed in one record.

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::key_variables::{ClassKey, KeyMask};
use super::partition::{RowPosition, Unit, form_classes, is_enough};
use super::{ClassMember, HiddenClasses, NO_CLASS, find_hidden_rows, is_hidden};
use crate::index::{Bitmap, Snapshot};
use crate::visibility::Audience;

/// New classes, and the numbers of those that they replace.
#[derive(Default)]
pub struct FormationPlan {
    pub formed: Vec<Unit>,
    pub replaced: BTreeSet<u32>,
}

/// Records of which classes are to be formed.
#[derive(Clone, Default)]
struct Pool {
    units: Vec<Unit>,
    /// Frozen records that no class will count any more, of which the pool has no other version, and that the audience cannot
    /// read now.
    gone: Vec<RowPosition>,
}

/// What waits for a new class with a key, or with a finer one.
#[derive(Default)]
struct KeyGroup {
    units: Vec<Unit>,
    /// The classes with the key that count records as they were.
    stale: BTreeSet<u32>,
    /// These records.
    frozen: Vec<RowPosition>,
}

/// The groups of the classes of one audience.
struct KeyGroups {
    groups: HashMap<ClassKey, KeyGroup>,
    /// Which values of the keys are mixed, the fewest first.
    masks: Vec<KeyMask>,
}

impl KeyGroups {
    fn new(keys: impl Iterator<Item = ClassKey>) -> Self {
        let groups: HashMap<ClassKey, KeyGroup> = keys.map(|key| (key, KeyGroup::default())).collect();
        let masks: BTreeSet<(usize, KeyMask)> = groups
            .keys()
            .map(|key| key.mask())
            .map(|mask| (mask.iter().filter(|is_mixed| **is_mixed).count(), mask))
            .collect();
        Self {
            groups,
            masks: masks.into_iter().map(|(_, mask)| mask).collect(),
        }
    }

    /// The group whose key says most of what a unit has in common; none if no key fits.
    fn find(&mut self, key: ClassKey) -> Option<&mut KeyGroup> {
        let mut masked = self.masks.iter().map(|mask| key.apply_mask(*mask));
        let fitting = masked.find(|key| self.groups.contains_key(key))?;
        self.groups.get_mut(&fitting)
    }

    /// The groups in the order of their keys.
    fn into_sorted(self) -> Vec<KeyGroup> {
        let mut groups: Vec<(ClassKey, KeyGroup)> = self.groups.into_iter().collect();
        groups.sort_unstable_by_key(|(key, _)| *key);
        groups.into_iter().map(|(_, group)| group).collect()
    }
}

impl HiddenClasses {
    /// The classes to form of the records that are hidden from members.
    pub fn plan_for_members(&self) -> FormationPlan {
        let mut plan = FormationPlan::default();
        let mut groups = KeyGroups::new(self.keys.iter().flatten().copied());
        let mut others = Vec::new();
        for unit in self.list_waiting(|_| true) {
            match groups.find(unit.key) {
                Some(group) => group.units.push(unit),
                None => others.push(unit),
            }
        }
        self.add_stale(&mut groups, |_, _| true);
        for group in groups.into_sorted() {
            plan.add_group(self, group, |stale| self.list_unchanged(stale));
        }
        plan.formed.extend(form_classes(&self.counted, others));
        plan
    }

    /// The classes to form of the records that are hidden from dashboards. The classes of members stay whole, as one person
    /// can be both.
    ///
    /// None if the records of a replaced class are not enough for a new one.
    pub fn plan_for_dashboards(&self, members: &Self) -> Option<FormationPlan> {
        let mut plan = FormationPlan::default();
        // The classes of members that no class of dashboards contains.
        let mut new_units = Vec::new();
        for class in (0..).take(members.class_count()) {
            let rows = members.list_members(class);
            if rows.is_empty() || self.is_within_one_class(rows) {
                continue;
            }
            plan.replaced
                .extend(rows.iter().filter_map(|at| self.find_formed_class(*at)));
            if let Some(key) = members.keys[class as usize] {
                new_units.push(self.new_unit_of_rows(rows.to_vec(), key));
            }
        }
        // Those that count records of replaced classes of members.
        for at in self.list_frozen() {
            if self.is_hidden_from_members(at) && members.find_formed_class(at).is_none() {
                plan.replaced.extend(self.find_formed_class(at));
            }
        }
        let waiting = self.list_waiting(|at| !self.is_hidden_from_members(at));
        // What belongs to classes that are replaced in any case.
        let replaced = std::mem::take(&mut plan.replaced);
        let mut of_replaced = KeyGroups::new(replaced.iter().filter_map(|class| self.keys[*class as usize]));
        let mut groups = KeyGroups::new(self.keys.iter().flatten().copied());
        let mut others = Vec::new();
        let unchanged = self.list_unchanged_with_members(&replaced, members);
        for unit in new_units.into_iter().chain(unchanged).chain(waiting) {
            match (of_replaced.find(unit.key), groups.find(unit.key)) {
                (Some(group), _) | (None, Some(group)) => group.units.push(unit),
                (None, None) => others.push(unit),
            }
        }
        for at in self.list_frozen() {
            let class = self
                .find_formed_class(at)
                .filter(|class| replaced.contains(class));
            let key = class.and_then(|class| self.keys[class as usize]);
            if members.find_formed_class(at).is_none()
                && let Some(group) = key.and_then(|key| of_replaced.groups.get_mut(&key))
            {
                group.frozen.push(at);
            }
        }
        let pools = of_replaced.into_sorted().into_iter();
        let pools = pools.map(|group| self.new_pool(group.units, &group.frozen));
        plan.formed = self.form_all_pools(&pools.collect::<Vec<_>>())?;
        // What is hidden from members changes with their classes.
        self.add_stale(&mut groups, |at, class| {
            !self.is_hidden_from_members(at) && !replaced.contains(&class)
        });
        plan.replaced = replaced;
        for group in groups.into_sorted() {
            plan.add_group(self, group, |stale| {
                self.list_unchanged_with_members(stale, members)
            });
        }
        plan.formed.extend(form_classes(&self.counted, others));
        Some(plan)
    }

    /// The hidden records that are in no class, each as a unit.
    fn list_waiting(&self, is_wanted: impl Fn(RowPosition) -> bool) -> Vec<Unit> {
        let mut units = Vec::new();
        for position in 0..self.base_chunk_count {
            self.find_waiting_rows(position).for_each(|row| {
                let at = RowPosition::new(position, row);
                if is_wanted(at) {
                    units.push(self.new_unit(at));
                }
            });
        }
        units
    }

    /// A unit of one record.
    fn new_unit(&self, at: RowPosition) -> Unit {
        let (chunk, row) = at.find(&self.counted);
        let key = ClassKey::of_record(chunk, row, &self.counted.places, self.priority);
        self.new_unit_of_rows(vec![at], key)
    }

    /// A unit of several records, given the key that they share. Those that are in no class, not even in a dissolved one, are
    /// new or have changed.
    fn new_unit_of_rows(&self, rows: Vec<RowPosition>, key: ClassKey) -> Unit {
        let altered = rows.iter().copied().filter(|at| self.find_class(*at) == NO_CLASS);
        Unit {
            altered: altered.collect(),
            key,
            rows,
        }
    }

    /// The records of some classes that have not changed, each as a unit.
    fn list_unchanged(&self, classes: &BTreeSet<u32>) -> Vec<Unit> {
        let rows = classes.iter().flat_map(|class| self.list_members(*class));
        let unchanged = rows.filter(|at| !self.is_frozen(**at));
        unchanged.map(|at| self.new_unit(*at)).collect()
    }

    /// The records of some classes that have not changed, as units: whole classes of members, and single records that
    /// members can read. Classes of members that these classes do not contain as a whole are left out.
    fn list_unchanged_with_members(&self, classes: &BTreeSet<u32>, members: &Self) -> Vec<Unit> {
        let mut units = Vec::new();
        let mut of_members: BTreeSet<u32> = BTreeSet::new();
        for at in classes.iter().flat_map(|class| self.list_members(*class)) {
            of_members.extend(members.find_formed_class(*at));
            if !self.is_hidden_from_members(*at) && !self.is_frozen(*at) {
                units.push(self.new_unit(*at));
            }
        }
        for class in of_members {
            let rows = members.list_members(class);
            if let Some(key) = members.keys[class as usize]
                && self.is_within_one_class(rows)
            {
                units.push(self.new_unit_of_rows(rows.to_vec(), key));
            }
        }
        units
    }

    /// Adds the classes that count records as they were, and those of these records that are gone.
    fn add_stale(&self, groups: &mut KeyGroups, is_wanted: impl Fn(RowPosition, u32) -> bool) {
        for at in self.list_frozen() {
            let Some(class) = self.find_formed_class(at).filter(|class| is_wanted(at, *class)) else {
                continue;
            };
            let group = self.keys[class as usize].and_then(|key| groups.groups.get_mut(&key));
            if let Some(group) = group {
                group.stale.insert(class);
                group.frozen.push(at);
            }
        }
    }

    /// A pool of units, and of frozen records that no class will count any more.
    fn new_pool(&self, units: Vec<Unit>, frozen: &[RowPosition]) -> Pool {
        let altered = units.iter().flat_map(|unit| &unit.altered);
        let altered: HashSet<Uuid> = altered.map(|at| self.find_id(*at)).collect();
        let is_gone = |at: &&RowPosition| {
            let id = self.find_id(**at);
            !altered.contains(&id) && !self.is_readable_now(id)
        };
        Pool {
            gone: frozen.iter().filter(is_gone).copied().collect(),
            units,
        }
    }

    fn find_id(&self, at: RowPosition) -> Uuid {
        let (chunk, row) = at.find(&self.counted);
        chunk.ids()[row]
    }

    /// Whether the audience can read the newest version of a record. Then it conceals nothing from them.
    fn is_readable_now(&self, id: Uuid) -> bool {
        let base = &self.counted.chunks[..self.base_chunk_count];
        let next = base.partition_point(|chunk| chunk.ids()[0] <= id);
        let Some(chunk) = next.checked_sub(1).map(|position| &base[position]) else {
            return false;
        };
        let row = chunk.ids().binary_search(&id);
        row.is_ok_and(|row| !is_hidden(self.audience, chunk, row))
    }

    /// Forms classes of each pool. If one is not enough, it is joined with the others. None if they are not enough together.
    fn form_all_pools(&self, pools: &[Pool]) -> Option<Vec<Unit>> {
        let is_illustrative = |pool: &Pool| pool.units.first().is_some_and(|unit| unit.key.is_illustrative);
        let mut formed = Vec::new();
        for kind in [false, true] {
            let of_kind = pools.iter().filter(|pool| is_illustrative(pool) == kind);
            let of_kind: Vec<&Pool> = of_kind.filter(|pool| !pool.units.is_empty()).collect();
            let forms = of_kind.iter().map(|pool| (*pool).clone().form(&self.counted));
            let classes: Option<Vec<Vec<Unit>>> = forms.collect();
            if let Some(classes) = classes {
                formed.extend(classes.concat());
                continue;
            }
            let units = of_kind.iter().flat_map(|pool| pool.units.iter().cloned());
            let gone = of_kind.iter().flat_map(|pool| pool.gone.iter().copied());
            let joined = self.new_pool(units.collect(), &gone.collect::<Vec<_>>());
            formed.extend(joined.form(&self.counted)?);
        }
        Some(formed)
    }

    /// The records that are counted as they were.
    fn list_frozen(&self) -> impl Iterator<Item = RowPosition> + '_ {
        let chunks = self.counted.chunks.iter().enumerate().skip(self.base_chunk_count);
        chunks.flat_map(|(position, chunk)| (0..chunk.len()).map(move |row| RowPosition::new(position, row)))
    }

    /// Whether some records are all in one class.
    fn is_within_one_class(&self, rows: &[RowPosition]) -> bool {
        let first = rows.first().and_then(|at| self.find_formed_class(*at));
        first.is_some() && rows.iter().all(|at| self.find_formed_class(*at) == first)
    }

    fn is_hidden_from_members(&self, at: RowPosition) -> bool {
        let (chunk, row) = at.find(&self.counted);
        is_hidden(Audience::Members, chunk, row)
    }

    fn is_frozen(&self, at: RowPosition) -> bool {
        at.chunk as usize >= self.base_chunk_count
    }

    fn find_class(&self, at: RowPosition) -> u32 {
        self.class_of_row[at.chunk as usize][at.row as usize]
    }

    fn find_formed_class(&self, at: RowPosition) -> Option<u32> {
        Some(self.find_class(at)).filter(|class| self.is_formed(*class))
    }

    /// The members of a unit, as they are stored.
    pub fn list_stored_members(&self, unit: &Unit) -> Vec<ClassMember> {
        let member = |at: &RowPosition| {
            let (chunk, row) = at.find(&self.counted);
            ClassMember {
                id: chunk.ids()[row],
                updated_at: chunk.updated_at.get(row).unwrap_or_default(),
                cell_key: chunk.cell_keys()[row],
            }
        };
        unit.rows.iter().map(member).collect()
    }

    /// The hidden rows of the chunk at a position that are in no class. Not of chunks of frozen records.
    pub(super) fn find_waiting_rows(&self, position: usize) -> Bitmap {
        find_hidden_rows(self.audience, &self.counted.chunks[position])
            .difference(self.find_classed_rows(position))
    }
}

impl FormationPlan {
    /// Forms classes of a group if enough of it waits. They replace its stale classes.
    fn add_group(
        &mut self,
        classes: &HiddenClasses,
        group: KeyGroup,
        list_unchanged: impl FnOnce(&BTreeSet<u32>) -> Vec<Unit>,
    ) {
        let mut pool = classes.new_pool(group.units, &group.frozen);
        if !pool.is_enough(&classes.counted) {
            return;
        }
        pool.units.extend(list_unchanged(&group.stale));
        if let Some(formed) = pool.form(&classes.counted) {
            self.formed.extend(formed);
            self.replaced.extend(&group.stale);
        }
    }
}

impl Pool {
    /// Whether enough records are new, have changed or are gone.
    fn is_enough(&self, snapshot: &Snapshot) -> bool {
        let gone = Unit::of_gone(&self.gone);
        is_enough(snapshot, self.units.iter().chain(&gone))
    }

    /// Forms classes of all records; none if these are not enough.
    fn form(mut self, snapshot: &Snapshot) -> Option<Vec<Unit>> {
        if !self.is_enough(snapshot) {
            return None;
        }
        let Some(gone) = Unit::of_gone(&self.gone) else {
            return Some(form_classes(snapshot, self.units));
        };
        // The records that are gone count as changed, but are in no class. So there is only one.
        let all_rows: Vec<Unit> = self.units.iter().map(Unit::as_altered).collect();
        if !is_enough(snapshot, &all_rows) {
            return None;
        }
        let mut class = self.units.pop()?;
        self.units.into_iter().for_each(|unit| class.merge(unit));
        class.altered.extend(gone.altered);
        Some(vec![class])
    }
}
