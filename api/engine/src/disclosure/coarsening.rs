//! Coarsening: which classes of hidden records are merged for a question about protected answers.
//!
//! Protected answers (ways in, steps, reasons, changes, what a funder required) are counted from the records as they are.
//! Someone who knows one of them could use it to single out a record within a class, and then learn another. So classes
//! are merged into [groups](super::classes::levels) until the answers of each group are diverse: among the records that
//! share all answers but one, whatever the value of that one is, at least [`MIN_WITNESSES`] records have another, also
//! without those that any one organisation leads or funds. A record without an answer does not count as different. This is
//! l-diversity with l = 2 (A. Machanavajjhala et al., "l-diversity: privacy beyond k-anonymity", ACM TKDD 2007) for every
//! choice of what is known. Of an answer that is a [set of values](super::answer_sets), each value must be concealed by
//! records that are known not to have it.
//!
//! The groups of a question with more protected answers are made of whole groups of a question with some of them. Groups
//! that stay without diverse answers are left out: their protected answers are UNKNOWN.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use wayin_vocabulary::Visibility;

use super::answer_sets::Alternatives;
use super::classes::HiddenClasses;
use super::classes::partition::{RowPosition, list_funders};
use crate::index::Snapshot;

/// The most protected answers of one question.
pub const MAX_PROTECTED_ANSWERS: usize = 3;

/// How many records, each led by another organisation, must not share a value. Those that any one organisation leads or
/// funds do not count.
pub const MIN_WITNESSES: usize = 2;

/// How many classes are looked at by one task of a thread at least.
const CLASSES_PER_TASK: usize = 256;

/// How many records of a cell are remembered at most.
const MAX_WITNESSES: usize = 8;

/// How many organisations that know these records are remembered at most. A record of which more know is not remembered.
const MAX_KNOWING: usize = 32;

/// How the values of one protected answer differ.
#[derive(Clone, Copy, Debug)]
pub enum AnswerKind {
    /// Any two are different.
    Single,
    /// They are sets of values, as bits. Each mask has the values that are alternatives to each other.
    Set(&'static [Alternatives]),
}

/// The values of one record for each protected answer of a question.
pub type Profile = [u64; MAX_PROTECTED_ANSWERS];

/// The value of a record without an answer.
pub const NO_ANSWER: u64 = 0;

/// The records of one profile within a class or group.
#[derive(Clone, Debug)]
struct ProfileCell {
    profile: Profile,
    witnesses: Witnesses,
}

/// The organisations that lead or fund a record, each once. The one that leads it is the first.
#[derive(Clone, Copy)]
struct KnowingOrganisations {
    organisations: [u32; MAX_KNOWING],
    count: usize,
}

impl KnowingOrganisations {
    /// None if there are too many.
    fn of_record(snapshot: &Snapshot, row: RowPosition) -> Option<Self> {
        let (chunk, row) = row.find(snapshot);
        let mut found = Self {
            organisations: [chunk.leads[row]; MAX_KNOWING],
            count: 1,
        };
        for funder in list_funders(chunk, row) {
            if !found.as_slice().contains(&funder) {
                *found.organisations.get_mut(found.count)? = funder;
                found.count += 1;
            }
        }
        Some(found)
    }

    fn as_slice(&self) -> &[u32] {
        &self.organisations[..self.count]
    }
}

/// Some of the records of a cell, each led by another organisation.
#[derive(Clone, Copy, Debug, Default)]
struct Witnesses {
    /// The organisations that know each record, one record after the other. The one that leads it is the first.
    organisations: [u32; MAX_KNOWING],
    /// For each record, where its organisations end.
    ends: [usize; MAX_WITNESSES],
    count: usize,
    /// The most of these records that one organisation knows.
    most_known: usize,
}

impl Witnesses {
    /// Whether enough records are left without those that any one organisation knows.
    fn is_enough(&self) -> bool {
        self.count - self.most_known >= MIN_WITNESSES
    }

    /// The organisations that know each record.
    fn list(&self) -> impl Iterator<Item = &[u32]> {
        let ends = &self.ends[..self.count];
        let starts = std::iter::once(&0).chain(ends);
        starts
            .zip(ends)
            .map(|(start, end)| &self.organisations[*start..*end])
    }

    /// Adds a record, given by the organisations that know it, unless there are enough, or many, or its lead organisation
    /// leads one of the others.
    fn add(&mut self, knowing: &[u32]) {
        let start = self.ends[..self.count].last().copied().unwrap_or(0);
        let end = start + knowing.len();
        let has_room = self.count < MAX_WITNESSES && end <= MAX_KNOWING;
        if self.is_enough() || !has_room || self.list().any(|other| other.first() == knowing.first()) {
            return;
        }
        for organisation in knowing {
            let others = self.organisations[..start].iter();
            let known = others.filter(|other| *other == organisation).count();
            self.most_known = self.most_known.max(known + 1);
        }
        self.organisations[start..end].copy_from_slice(knowing);
        self.ends[self.count] = end;
        self.count += 1;
    }

    fn add_all(&mut self, other: &Self) {
        if other.is_enough() {
            *self = *other;
        }
        other.list().for_each(|knowing| self.add(knowing));
    }
}

/// The profiles of the records of a class or group.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    of_all: Cells,
    /// Those of the records that are hidden from members too. One person can have the tokens of a dashboard and of a
    /// member, and subtract what members can read.
    of_hidden_from_members: Cells,
}

#[derive(Clone, Debug, Default)]
struct Cells(Vec<ProfileCell>);

impl Profiles {
    /// Adds a record.
    pub fn add(&mut self, snapshot: &Snapshot, profile: Profile, row: RowPosition) {
        let (chunk, at) = row.find(snapshot);
        let is_hidden_from_members = chunk.visibility.get(Visibility::AggregateOnly as u8).contains(at);
        let of_hidden = is_hidden_from_members.then_some(&mut self.of_hidden_from_members);
        let cells = [Some(&mut self.of_all), of_hidden].into_iter().flatten();
        let mut knowing = None;
        for witnesses in cells.map(|cells| cells.find(profile)) {
            if !witnesses.is_enough() {
                let find = || KnowingOrganisations::of_record(snapshot, row);
                if let Some(knowing) = knowing.get_or_insert_with(find) {
                    witnesses.add(knowing.as_slice());
                }
            }
        }
    }

    /// Adds the records of other profiles.
    pub fn add_all(&mut self, other: &Self) {
        self.of_all.add_all(&other.of_all);
        self.of_hidden_from_members.add_all(&other.of_hidden_from_members);
    }

    /// Whether the answers are diverse, given the kinds of the protected answers.
    pub fn is_diverse(&self, answers: &[AnswerKind]) -> bool {
        self.of_all.is_diverse(answers) && self.of_hidden_from_members.is_diverse(answers)
    }

    /// Whether all answers of each of these profiles are concealed, whether or not a record has it. More records do not
    /// change that.
    pub fn conceal_all(&self, profiles: &[Profile], answers: &[AnswerKind]) -> bool {
        [&self.of_all, &self.of_hidden_from_members]
            .into_iter()
            .all(|cells| profiles.iter().all(|profile| cells.conceal(profile, answers)))
    }
}

impl Cells {
    fn add_all(&mut self, other: &Self) {
        for cell in &other.0 {
            self.find(cell.profile).add_all(&cell.witnesses);
        }
    }

    fn find(&mut self, profile: Profile) -> &mut Witnesses {
        let known = self.0.iter().position(|cell| cell.profile == profile);
        let position = known.unwrap_or_else(|| {
            self.0.push(ProfileCell {
                profile,
                witnesses: Witnesses::default(),
            });
            self.0.len() - 1
        });
        &mut self.0[position].witnesses
    }

    fn is_diverse(&self, answers: &[AnswerKind]) -> bool {
        self.0.iter().all(|cell| self.conceal(&cell.profile, answers))
    }

    /// Whether other records conceal each answer of a profile.
    fn conceal(&self, profile: &Profile, answers: &[AnswerKind]) -> bool {
        answers.iter().enumerate().all(|(answer, kind)| {
            let own = profile[answer];
            // The records that agree with these in all other answers, and conceal this one.
            let is_concealed = |conceals: &dyn Fn(u64) -> bool| {
                let agrees = |other: &ProfileCell| {
                    let all = 0..answers.len();
                    all.filter(|one| *one != answer)
                        .all(|one| other.profile[one] == profile[one])
                };
                let mut witnesses = Witnesses::default();
                for other in self.0.iter().filter(|other| conceals(other.profile[answer])) {
                    if agrees(other) {
                        witnesses.add_all(&other.witnesses);
                    }
                    if witnesses.is_enough() {
                        return true;
                    }
                }
                false
            };
            match kind {
                AnswerKind::Set(alternatives) if own != NO_ANSWER => alternatives.iter().all(|mask| {
                    let mask = u64::from(*mask);
                    iter_bits(own & mask)
                        .all(|bit| is_concealed(&|other| other & mask != 0 && other & bit == 0))
                }),
                // Somebody may know that there is an answer, so records without one do not conceal an answer.
                _ => is_concealed(&|other| other != own && (other != NO_ANSWER || own == NO_ANSWER)),
            }
        })
    }
}

/// The bits that are set, each alone.
fn iter_bits(set: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(set), |left| Some(left & left.wrapping_sub(1)))
        .take_while(|left| *left != 0)
        .map(|left| left & left.wrapping_neg())
}

/// How the classes are merged for one question.
#[derive(Clone, Debug)]
pub enum Coarsening {
    /// Each class stays alone.
    Finest,
    /// Classes are merged.
    Merged(ClassGroups),
}

/// Groups of merged classes.
#[derive(Clone, Debug)]
pub struct ClassGroups {
    /// Unique in the process, and not 0.
    serial: u64,
    /// By class number: the number of its group, which is that of one of its classes.
    group_of_class: Vec<u32>,
    /// By class number: whether the protected answers of its group are left out.
    is_left_out: Vec<bool>,
    /// Whether any are.
    leaves_out: bool,
}

fn next_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What is known of a group at one level.
enum GroupState {
    /// It is diverse, or the groups within it are.
    Diverse,
    /// It is not diverse. Its profiles.
    Unresolved(Profiles),
}

/// A group, as its range in the order of the classes, with the groups of the level below that it is made of.
type GroupParts = (Range<usize>, Vec<(Range<usize>, GroupState)>);

/// The ranges between starts, the last of which ends at `end`.
fn list_ranges(starts: &[usize], end: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let ends = starts.iter().copied().skip(1).chain([end]);
    starts.iter().zip(ends).map(|(start, end)| *start..end)
}

impl Coarsening {
    /// Merges classes until the answers of each group are diverse. `list_profiles` returns those of a class, by its number.
    pub fn find(
        classes: &HiddenClasses,
        list_profiles: impl Fn(u32) -> Profiles + Sync,
        answers: &[AnswerKind],
    ) -> Self {
        let order = classes.levels().order();
        let mut groups = ClassGroups {
            serial: next_serial(),
            group_of_class: (0..).take(classes.class_count()).collect(),
            is_left_out: vec![false; classes.class_count()],
            leaves_out: false,
        };
        let resolve = |profiles: Profiles| {
            if profiles.is_diverse(answers) {
                GroupState::Diverse
            } else {
                GroupState::Unresolved(profiles)
            }
        };
        let mut below: Vec<GroupState> = order
            .par_iter()
            .with_min_len(CLASSES_PER_TASK)
            .map(|class| resolve(list_profiles(*class)))
            .collect();
        for levels in classes.levels().starts().windows(2) {
            let mut parts = list_ranges(&levels[0], order.len()).zip(below).peekable();
            let level: Vec<GroupParts> = list_ranges(&levels[1], order.len())
                .map(|range| {
                    let of_group = std::iter::from_fn(|| parts.next_if(|part| part.0.start < range.end));
                    (range.clone(), of_group.collect())
                })
                .collect();
            let merge = |(range, parts): GroupParts| {
                if parts
                    .iter()
                    .all(|(_, state)| matches!(state, GroupState::Diverse))
                {
                    return (range, false, GroupState::Diverse);
                }
                let mut profiles = Profiles::default();
                for (part, state) in parts {
                    match state {
                        GroupState::Unresolved(known) => profiles.add_all(&known),
                        GroupState::Diverse => order[part]
                            .iter()
                            .for_each(|class| profiles.add_all(&list_profiles(*class))),
                    }
                }
                (range, true, resolve(profiles))
            };
            let merged: Vec<_> = level.into_par_iter().with_min_len(16).map(merge).collect();
            for (range, is_merged, _) in &merged {
                if *is_merged {
                    for class in &order[range.clone()] {
                        groups.group_of_class[*class as usize] = order[range.start];
                    }
                }
            }
            below = merged.into_iter().map(|(_, _, state)| state).collect();
        }
        let highest = classes.levels().starts().last().map_or(&[][..], Vec::as_slice);
        for (range, state) in list_ranges(highest, order.len()).zip(&below) {
            if matches!(state, GroupState::Unresolved(_)) {
                groups.leaves_out = true;
                for class in &order[range] {
                    groups.is_left_out[*class as usize] = true;
                }
            }
        }
        Self::Merged(groups)
    }

    /// Leaves out the protected answers of all real classes, or of all illustrative ones.
    pub fn leave_out(classes: &HiddenClasses, real: bool, illustrative: bool) -> Self {
        if !real && !illustrative {
            return Self::Finest;
        }
        let is_left_out = |class| {
            let leaves_out = |is_illustrative| if is_illustrative { illustrative } else { real };
            classes.is_illustrative(class).is_some_and(leaves_out)
        };
        Self::Merged(ClassGroups {
            serial: next_serial(),
            group_of_class: (0..).take(classes.class_count()).collect(),
            is_left_out: (0..).take(classes.class_count()).map(is_left_out).collect(),
            leaves_out: real || illustrative,
        })
    }

    /// A number that no other way to merge classes has in the process.
    pub fn serial(&self) -> u64 {
        match self {
            Self::Finest => 0,
            Self::Merged(groups) => groups.serial,
        }
    }

    /// The group of a class.
    pub fn group_of(&self, class: u32) -> u32 {
        match self {
            Self::Finest => class,
            Self::Merged(groups) => groups.group_of_class[class as usize],
        }
    }

    /// Whether any protected answers are left out.
    pub fn leaves_out_any(&self) -> bool {
        matches!(self, Self::Merged(groups) if groups.leaves_out)
    }

    /// Whether the protected answers of a class are left out. False for a number that no class has.
    pub fn leaves_out(&self, class: u32) -> bool {
        let of_class = |groups: &ClassGroups| groups.is_left_out.get(class as usize).copied();
        matches!(self, Self::Merged(groups) if of_class(groups) == Some(true))
    }
}
