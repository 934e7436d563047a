//! How a question is decided for hidden records.
//!
//! A test of key variables is decided from what is [published](crate::disclosure::classes::description) about the
//! [class](crate::disclosure::classes) of a record. Likewise, a record is in a group of a dimension if all records with
//! that description are. Protected answers are those of each record, over classes that are [merged](Coarsening) until the
//! answers are diverse. A merged group has a value only if all its classes have it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;
use wayin_vocabulary::{Dimension, Perspective, Visibility};

use super::layout::RowCells;
use crate::cancellation::{CancellationToken, Cancelled};
use crate::dimension::Domain;
use crate::disclosure::classes::HiddenClasses;
use crate::disclosure::classes::decision_cache::{GroupsOfClasses, ProtectedKey};
use crate::disclosure::classes::description::{DescribedDomain, DescribedTest};
use crate::disclosure::classes::partition::RowPosition;
use crate::disclosure::coarsening::{
    AnswerKind, Coarsening, MAX_PROTECTED_ANSWERS, NO_ANSWER, Profile, Profiles,
};
use crate::disclosure::protected::ProtectedAnswer;
use crate::evaluate::{CachedTest, PreparedPredicate};
use crate::index::{Bitmap, Chunk, Snapshot, TruthBitmaps};
use crate::predicate::InitiativeTest;
use crate::three_valued_logic::Truth;

/// The decisions of one question, for the records that are hidden from one audience.
pub(crate) struct HiddenDecisions<'a> {
    classes: &'a HiddenClasses,
    pub(super) coarsening: Arc<Coarsening>,
    /// For each test of key variables and each chunk, its values for the rows in classes.
    truths: HashMap<u64, Arc<[TruthBitmaps]>>,
    /// For each dimension that is a key variable, the groups of each class.
    groups: HashMap<u64, Arc<GroupsOfClasses>>,
}

/// What a question tests and groups by.
#[derive(Clone, Copy)]
pub(crate) struct QuestionParts<'q, 'a> {
    pub predicates: &'q [&'q PreparedPredicate<'a>],
    pub domains: &'q [&'q Domain],
    /// The perspective whose ways in and later entry points are counted; none if these are not.
    pub flows: Option<Perspective>,
}

/// A part of a question that is about a protected answer.
enum ProtectedPart<'q, 'a> {
    Test(&'q CachedTest<'a>),
    Domain(&'q Domain),
    WayIn(Perspective),
    LaterEntryPoints(Perspective),
}

/// A protected answer, with the parts of a question that are about it.
type AnswerParts<'q, 'a> = (ProtectedAnswer, Vec<ProtectedPart<'q, 'a>>);

/// How many rows of a chunk are looked at for each profile, if all classes are looked at together.
const ROWS_PER_PROFILE_AND_CHUNK: usize = 16;

/// The snapshot and the classes that decisions are made from.
#[derive(Clone, Copy)]
pub(crate) struct DecisionBase<'a> {
    pub snapshot: &'a Snapshot,
    pub classes: &'a HiddenClasses,
    pub cancellation: &'a CancellationToken,
}

impl<'a> DecisionBase<'a> {
    /// Decides the parts of a question.
    pub fn decide(self, parts: QuestionParts<'_, '_>) -> Result<HiddenDecisions<'a>, Cancelled> {
        let coarsening = self.find_coarsening(parts)?;
        let mut truths = HashMap::new();
        for test in list_tests(parts) {
            if let Some(source) = test.source()
                && ProtectedAnswer::of_test(source).is_none()
            {
                truths.insert(test.serial(), self.find_row_truths(source, &coarsening)?);
            }
        }
        let mut groups = HashMap::new();
        for domain in parts.domains {
            if ProtectedAnswer::of_dimension(domain.dimension()).is_none() {
                groups.insert(domain.serial(), self.find_class_groups(domain, &coarsening)?);
            }
        }
        Ok(HiddenDecisions {
            classes: self.classes,
            coarsening,
            truths,
            groups,
        })
    }

    /// Maps each chunk of the snapshot to a value, in parallel.
    fn map_chunks<T: Send>(self, map: impl Fn(usize, &Chunk) -> T + Sync) -> Result<Vec<T>, Cancelled> {
        let chunks = self.snapshot.chunks.par_iter().enumerate();
        chunks
            .map(|(position, chunk)| {
                self.cancellation.check()?;
                Ok(map(position, chunk))
            })
            .collect()
    }

    /// For each chunk, the decided values of a test for the rows in classes.
    fn find_row_truths(
        self,
        source: &InitiativeTest,
        coarsening: &Coarsening,
    ) -> Result<Arc<[TruthBitmaps]>, Cancelled> {
        let find = || {
            let of_classes = self.find_class_truths(source, coarsening);
            let of_rows = || Ok(self.map_class_truths_to_rows(&of_classes)?.into());
            let cache = &self.classes.cache().truths_by_class_values;
            cache.get_or_find(of_classes.clone(), of_rows)
        };
        let key = (source.clone(), coarsening.serial());
        self.classes.cache().row_truths.get_or_find(key, find)
    }

    /// For each chunk, the values of the rows in classes, given those of the classes.
    fn map_class_truths_to_rows(self, of_classes: &[Truth]) -> Result<Vec<TruthBitmaps>, Cancelled> {
        self.map_chunks(|position, chunk| {
            let classes = self.classes.class_of_rows(position);
            TruthBitmaps::from_fn(chunk.len(), |row| {
                let truth = of_classes.get(classes[row] as usize);
                truth.copied().unwrap_or(Truth::Unknown)
            })
        })
    }

    /// The values of a test by class number.
    fn find_class_truths(self, source: &InitiativeTest, coarsening: &Coarsening) -> Vec<Truth> {
        let test = DescribedTest::new(source, &self.snapshot.places);
        let of_descriptions: Vec<Truth> = self
            .classes
            .descriptions()
            .iter()
            .map(|described| test.decide(described))
            .collect();
        let join = |one: &mut Truth, other: Truth| {
            if *one != other {
                *one = Truth::Unknown;
            }
        };
        let of_groups = self.join_values(coarsening, &of_descriptions, join);
        let truth = |group: Option<Truth>| group.unwrap_or(Truth::Unknown);
        of_groups.into_iter().map(truth).collect()
    }

    /// For each class number, the value of its group of merged classes; none for dissolved classes.
    fn join_values<T: Clone>(
        self,
        coarsening: &Coarsening,
        of_descriptions: &[T],
        join: impl Fn(&mut T, T),
    ) -> Vec<Option<T>> {
        let class_count = self.classes.class_count();
        let mut of_groups: Vec<Option<T>> = vec![None; class_count];
        let numbers = || (0..).take(class_count);
        for class in numbers() {
            let Some(description) = self.classes.description_of(class) else {
                continue;
            };
            let value = of_descriptions[description].clone();
            match &mut of_groups[coarsening.group_of(class) as usize] {
                Some(joined) => join(joined, value),
                none => *none = Some(value),
            }
        }
        let of_class = |class| of_groups[coarsening.group_of(class) as usize].clone();
        numbers().map(of_class).collect()
    }

    /// For each class, the groups that all records with the descriptions of its merged class are in.
    fn find_class_groups(
        self,
        domain: &Domain,
        coarsening: &Coarsening,
    ) -> Result<Arc<GroupsOfClasses>, Cancelled> {
        let find = || Ok(Arc::new(self.find_shared_groups(domain, coarsening)));
        if matches!(
            domain.dimension(),
            Dimension::Funder | Dimension::LeadOrganisation
        ) {
            // How many groups there are depends on which organisations the reader can see.
            return find();
        }
        let key = (domain.dimension(), coarsening.serial());
        self.classes.cache().groups.get_or_find(key, find)
    }

    fn find_shared_groups(self, domain: &Domain, coarsening: &Coarsening) -> GroupsOfClasses {
        let described = DescribedDomain::new(domain, &self.snapshot.places);
        let of_descriptions: Vec<Vec<u32>> = self
            .classes
            .descriptions()
            .iter()
            .map(|one| described.decide(one))
            .collect();
        let join = |one: &mut Vec<u32>, other: Vec<u32>| one.retain(|group| other.contains(group));
        let of_classes = self.join_values(coarsening, &of_descriptions, join);
        let not_known = [domain.not_known()];
        let find = |groups: &Option<Vec<u32>>| match groups {
            Some(groups) if !groups.is_empty() => groups.clone(),
            _ => not_known.to_vec(),
        };
        GroupsOfClasses::new(of_classes.iter().map(find))
    }

    /// Merges classes until the protected answers of the question are diverse.
    fn find_coarsening(self, parts: QuestionParts<'_, '_>) -> Result<Arc<Coarsening>, Cancelled> {
        let mut answers: Vec<AnswerParts<'_, '_>> = Vec::new();
        let mut key: Vec<ProtectedKey> = Vec::new();
        let mut add = |answer, part| match answers.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, parts)) => parts.push(part),
            None => answers.push((answer, vec![part])),
        };
        for test in list_tests(parts) {
            if let Some(source) = test.source()
                && let Some(answer) = ProtectedAnswer::of_test(source)
            {
                add(answer, ProtectedPart::Test(test));
                key.push(ProtectedKey::Test(source.clone()));
            }
        }
        for domain in parts.domains {
            if let Some(answer) = ProtectedAnswer::of_dimension(domain.dimension()) {
                add(answer, ProtectedPart::Domain(domain));
                key.push(ProtectedKey::Dimension(domain.dimension()));
            }
        }
        if let Some(perspective) = parts.flows {
            let way_in = ProtectedAnswer::WayIn(Some(perspective));
            add(way_in, ProtectedPart::WayIn(perspective));
            let later = ProtectedAnswer::LaterEntryPoints(perspective);
            add(later, ProtectedPart::LaterEntryPoints(perspective));
            key.push(ProtectedKey::Flows(perspective));
        }
        if answers.is_empty() {
            return Ok(Arc::new(Coarsening::Finest));
        }
        // Crossed with itself, a set of values counts two of them together, which are concealed one by one.
        let is_crossed =
            |(answer, parts): &AnswerParts<'_, '_>| answer.list_alternatives().is_some() && parts.len() > 1;
        if answers.len() > MAX_PROTECTED_ANSWERS || answers.iter().any(is_crossed) {
            return Ok(Arc::new(Coarsening::leave_out(self.classes, true, true)));
        }
        let tests = list_only_tests(&answers).filter(|_| !has_key_variables(parts));
        let cache = self.classes.cache();
        if let Some(tests) = tests {
            let find = || Ok(Arc::new(self.check_whole(&tests)?));
            cache.whole_checks.get_or_find(key, find)
        } else {
            let find = || Ok(Arc::new(self.merge_classes(&answers)?));
            cache.coarsenings.get_or_find(key, find)
        }
    }

    /// Checks whether the answers of all classes together are diverse. Without key variables, this decides the same as
    /// [`merge_classes`](Self::merge_classes), which would leave out all classes or none. Chunks are looked at until more
    /// records cannot change the result.
    fn check_whole(self, tests: &[&CachedTest<'_>]) -> Result<Coarsening, Cancelled> {
        let kinds = vec![AnswerKind::Single; tests.len()];
        let possible = list_possible_profiles(tests.len());
        let is_diverse = |is_illustrative: bool| {
            let mut profiles = Profiles::default();
            for (position, chunk) in self.snapshot.chunks.iter().enumerate() {
                self.cancellation.check()?;
                let classed = self.classes.find_classed_rows(position);
                let rows = if is_illustrative {
                    classed.intersection(&chunk.illustrative)
                } else {
                    classed.difference(&chunk.illustrative)
                };
                if !rows.is_empty() {
                    let unknown = [NO_ANSWER; MAX_PROTECTED_ANSWERS];
                    self.add_cells(&mut profiles, tests, position, unknown, 0, rows);
                    if profiles.conceal_all(&possible, &kinds) {
                        return Ok(true);
                    }
                }
            }
            Ok(profiles.is_diverse(&kinds))
        };
        let [real, illustrative] = [is_diverse(false)?, is_diverse(true)?].map(|is_diverse| !is_diverse);
        Ok(Coarsening::leave_out(self.classes, real, illustrative))
    }

    /// Adds the rows of a chunk to their profiles, of which the values before `answer` are known. Of each profile, a few
    /// rows are enough.
    fn add_cells(
        self,
        profiles: &mut Profiles,
        tests: &[&CachedTest<'_>],
        position: usize,
        profile: Profile,
        answer: usize,
        rows: Bitmap,
    ) {
        let chunk = &self.snapshot.chunks[position];
        let Some(test) = tests.get(answer) else {
            let hidden_from_members =
                rows.intersection(chunk.visibility.get(Visibility::AggregateOnly as u8));
            for rows in [rows, hidden_from_members] {
                for row in rows.iter().take(ROWS_PER_PROFILE_AND_CHUNK) {
                    profiles.add(self.snapshot, profile, RowPosition::new(position, row));
                }
            }
            return;
        };
        let truths = test.evaluate(position, chunk);
        let known = truths.true_rows.union(&truths.false_rows);
        let values = [
            (Some(Truth::True), rows.intersection(&truths.true_rows)),
            (Some(Truth::False), rows.intersection(&truths.false_rows)),
            (None, rows.difference(&known)),
        ];
        for (value, rows) in values {
            let mut profile = profile;
            profile[answer] = AnswerCode::of_truth(value);
            self.add_cells(profiles, tests, position, profile, answer + 1, rows);
        }
    }

    fn merge_classes(self, answers: &[AnswerParts<'_, '_>]) -> Result<Coarsening, Cancelled> {
        let codes = self.map_chunks(|position, chunk| {
            let code = |(answer, parts): &AnswerParts<'_, '_>| match answer.find_value_sets(chunk) {
                Some(sets) => sets.into_iter().map(u64::from).collect(),
                None => self.code_answer(parts, position, chunk),
            };
            answers.iter().map(code).collect::<Vec<_>>()
        })?;
        let list_profiles = |class| {
            let mut profiles = Profiles::default();
            for row in self.classes.list_members(class) {
                let codes = &codes[row.chunk as usize];
                let profile: Profile = std::array::from_fn(|answer| {
                    codes.get(answer).map_or(0, |codes| codes[row.row as usize])
                });
                profiles.add(self.snapshot, profile, *row);
            }
            profiles
        };
        let kind = |(answer, _): &AnswerParts<'_, '_>| match answer.list_alternatives() {
            Some(alternatives) => AnswerKind::Set(alternatives),
            None => AnswerKind::Single,
        };
        let kinds: Vec<AnswerKind> = answers.iter().map(kind).collect();
        Ok(Coarsening::find(self.classes, list_profiles, &kinds))
    }

    /// A number for each row: rows with equal numbers have the same values of all parts, and rows without an answer have
    /// [`NO_ANSWER`].
    fn code_answer(self, parts: &[ProtectedPart<'_, '_>], position: usize, chunk: &Chunk) -> Vec<u64> {
        let mut codes = vec![AnswerCode::default(); chunk.len()];
        let mut add = |value: &dyn Fn(usize) -> Option<u64>| {
            codes
                .iter_mut()
                .enumerate()
                .for_each(|(row, code)| code.add(value(row)));
        };
        for part in parts {
            match part {
                ProtectedPart::Test(test) => {
                    let truths = test.evaluate(position, chunk);
                    add(&|row| match truths.get(row) {
                        Truth::Unknown => None,
                        known => Some(known as u64),
                    });
                }
                ProtectedPart::Domain(domain) => {
                    let mut cells = RowCells::default();
                    domain.groups_of_rows(chunk, &mut cells);
                    add(&|row| match cells.get(row) {
                        [] => None,
                        [one] if *one == domain.not_known() => None,
                        // Dimensions of protected answers have few groups.
                        groups => Some(groups.iter().fold(0, |all, group| all | 1 << (group % 64))),
                    });
                }
                ProtectedPart::WayIn(perspective) => {
                    let ways_in = &chunk.ways_in[*perspective as usize];
                    add(&|row| ways_in.code_at(row).map(u64::from));
                }
                ProtectedPart::LaterEntryPoints(perspective) => {
                    let later = &chunk.later[*perspective as usize];
                    add(&|row| Some(later.set_at(row).into()));
                }
            }
        }
        codes.into_iter().map(AnswerCode::finish).collect()
    }
}

/// A number for the values of several parts of a question.
#[derive(Clone, Copy, Default)]
struct AnswerCode {
    hash: u64,
    is_known: bool,
}

impl AnswerCode {
    /// The number for the value of one test; none if it is not known.
    fn of_truth(value: Option<Truth>) -> u64 {
        let mut code = Self::default();
        code.add(value.map(|truth| truth as u64));
        code.finish()
    }

    fn add(&mut self, value: Option<u64>) {
        // Mixes all bits of the values before into the hash, as the finaliser of MurmurHash3 does.
        let mixed = (self.hash ^ value.map_or(0, |value| value + 1)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.hash = mixed ^ (mixed >> 33) ^ 1;
        self.is_known |= value.is_some();
    }

    fn finish(self) -> u64 {
        if self.is_known { self.hash | 1 } else { NO_ANSWER }
    }
}

/// The profiles that records can have for a number of tests.
fn list_possible_profiles(test_count: usize) -> Vec<Profile> {
    let mut profiles = vec![[NO_ANSWER; MAX_PROTECTED_ANSWERS]];
    for test in 0..test_count {
        let with_value = |value: Option<Truth>| {
            let code = AnswerCode::of_truth(value);
            profiles.iter().map(move |profile| {
                let mut profile = *profile;
                profile[test] = code;
                profile
            })
        };
        profiles = [Some(Truth::True), Some(Truth::False), None]
            .into_iter()
            .flat_map(with_value)
            .collect();
    }
    profiles
}

/// The tests of the answers, if each answer is tested once and nothing else is asked about it.
fn list_only_tests<'q, 'a>(answers: &[AnswerParts<'q, 'a>]) -> Option<Vec<&'q CachedTest<'a>>> {
    let find_only_test = |(_, parts): &AnswerParts<'q, 'a>| match parts[..] {
        [ProtectedPart::Test(test)] => Some(test),
        _ => None,
    };
    answers.iter().map(find_only_test).collect()
}

/// Whether a question tests or groups by anything that is decided for classes.
fn has_key_variables(parts: QuestionParts<'_, '_>) -> bool {
    let is_key = |test: &CachedTest<'_>| {
        let source = test.source();
        source.is_some_and(|source| ProtectedAnswer::of_test(source).is_none())
    };
    let is_key_dimension = |domain: &&Domain| ProtectedAnswer::of_dimension(domain.dimension()).is_none();
    list_tests(parts).into_iter().any(is_key) || parts.domains.iter().any(is_key_dimension)
}

fn list_tests<'q, 'a>(parts: QuestionParts<'q, 'a>) -> Vec<&'q CachedTest<'a>> {
    let mut tests = Vec::new();
    for predicate in parts.predicates {
        predicate.for_each_test(&mut |test| tests.push(test));
    }
    tests
}

impl HiddenDecisions<'_> {
    /// Whether the values of a test for hidden rows are not simply its own.
    pub fn decides(&self, test: &CachedTest<'_>) -> bool {
        self.truths.contains_key(&test.serial()) || self.coarsening.leaves_out_any()
    }

    /// The values of a test for the hidden rows of the chunk at a position. Those of other rows are not specified.
    pub fn evaluate_test<'p>(
        &'p self,
        test: &'p CachedTest<'_>,
        position: usize,
        chunk: &Chunk,
    ) -> Cow<'p, TruthBitmaps> {
        if let Some(decided) = self.truths.get(&test.serial()) {
            return Cow::Borrowed(&decided[position]);
        }
        let truths = test.evaluate(position, chunk);
        if !self.coarsening.leaves_out_any() {
            return truths;
        }
        let classes = self.classes.class_of_rows(position);
        let counted = Bitmap::from_fn(classes.len(), |row| !self.coarsening.leaves_out(classes[row]));
        Cow::Owned(truths.restrict_to(&counted))
    }

    /// Removes the cells of the hidden rows whose protected answers are left out.
    pub fn clear_left_out(&self, cells: &mut RowCells, position: usize, hidden: &Bitmap) {
        if self.coarsening.leaves_out_any() {
            let classes = self.classes.class_of_rows(position);
            cells.replace(hidden, |row| {
                self.coarsening.leaves_out(classes[row]).then_some(&[][..])
            });
        }
    }

    /// Replaces the groups of the hidden rows by those that are decided.
    pub fn decide_groups(&self, domain: &Domain, groups: &mut RowCells, position: usize, hidden: &Bitmap) {
        let classes = self.classes.class_of_rows(position);
        let not_known = [domain.not_known()];
        if let Some(decided) = self.groups.get(&domain.serial()) {
            groups.replace(hidden, |row| Some(decided.get(classes[row])));
        } else if self.coarsening.leaves_out_any() {
            groups.replace(hidden, |row| {
                self.coarsening.leaves_out(classes[row]).then_some(&not_known[..])
            });
        }
    }
}
