//! Dimensions: the groups of each, and which groups an initiative is in.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;
use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition, Dimension, EntryPoint, Labelled,
    OrganisationKind, Perspective, PlaceKind, to_heading,
};

use super::count::layout::RowCells;
use super::evaluate::select_perspective;
use super::index::{Bitmap, Chunk, CodeBitmaps, CodeSet, Column, IndexedPlace, Snapshot, to_day_number};

/// The upper edges, in months, of the bands of funding durations. A last band is above them.
pub const DURATION_BAND_EDGES_MONTHS: [i32; 6] = [6, 12, 18, 24, 36, 60];

/// The upper edges, in months, of the bands of research before the work. A last band is above them.
pub const RESEARCH_BAND_EDGES_MONTHS: [i32; 3] = [3, 6, 12];

const STEP_COUNT: usize = ChallengeStep::ALL.len();

/// The group of initiatives of which all conditions on record are unchanged.
const UNCHANGED_GROUP: usize = Condition::ALL.len();

/// The group of initiatives with funding that paid for no research before the work.
const NO_RESEARCH_GROUP: usize = RESEARCH_BAND_EDGES_MONTHS.len() + 1;

/// What a group represents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupKey {
    /// A code of a vocabulary, a band or a year.
    Code(String),
    /// A place, by its id.
    Place(Uuid),
    /// An organisation, by its id.
    Organisation(Uuid),
    /// Initiatives for which the value is not known.
    NotKnown,
}

/// One group of a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    /// What the group represents.
    pub key: GroupKey,
    /// Its name for readers.
    pub label: String,
}

impl GroupName {
    /// The sort key for a stable sort: codes, bands and years keep their order, places and organisations are sorted by
    /// name, and `NotKnown` comes last.
    pub fn rank(&self) -> (u8, Option<String>) {
        match self.key {
            GroupKey::Code(_) => (0, None),
            GroupKey::Place(_) | GroupKey::Organisation(_) => (0, Some(self.label.to_lowercase())),
            GroupKey::NotKnown => (1, None),
        }
    }
}

/// The groups of a dimension over one snapshot. The last group is `NotKnown`.
pub struct Domain {
    /// Unique in the process.
    serial: u64,
    dimension: Dimension,
    groups: Vec<GroupName>,
    /// The groups of each place, by place number; empty if none is known.
    groups_by_place: Vec<Vec<u32>>,
    /// The first group of each place, which is the only one if groups do not overlap.
    first_group_by_place: Vec<u32>,
    /// The group of each organisation, by organisation number; `NO_GROUP` for none.
    group_by_organisation: Vec<u32>,
    /// The first day of each year with a group of its own, and of the year after the last one.
    year_starts: Vec<i64>,
    has_overlap: bool,
}

/// Instead of the number of a group.
const NO_GROUP: u32 = u32::MAX;

/// The first year with a group of its own. Earlier years share one.
const FIRST_SINGLE_YEAR: i32 = 2000;

impl Domain {
    /// All groups of a dimension, including empty ones. Only the organisations of `visible` rows have groups.
    pub fn new(dimension: Dimension, snapshot: &Snapshot, visible: &dyn Fn(usize, &Chunk) -> Bitmap) -> Self {
        static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);
        let mut domain = Self {
            serial: NEXT_SERIAL.fetch_add(1, Ordering::Relaxed),
            dimension,
            groups: Vec::new(),
            groups_by_place: Vec::new(),
            first_group_by_place: Vec::new(),
            group_by_organisation: Vec::new(),
            year_starts: Vec::new(),
            has_overlap: matches!(
                dimension,
                Dimension::Funder
                    | Dimension::WayIn
                    | Dimension::Challenge
                    | Dimension::Reason
                    | Dimension::ConditionChanged
                    | Dimension::FundingDurationBand
                    | Dimension::UpfrontResearchMonthsBand
            ) || FundingChoice::find_for_dimension(dimension).is_some(),
        };
        let places = &snapshot.places;
        match dimension {
            Dimension::Place => {
                let all = 0..u32::try_from(places.all().len()).unwrap_or(u32::MAX);
                let current: Vec<u32> = all
                    .filter(|number| places.get(*number).current == *number)
                    .collect();
                domain.push_place_groups(snapshot, &current, |place| vec![place.current]);
            }
            Dimension::Region => {
                domain.push_place_groups(snapshot, places.regions(), |place| place.regions.clone());
                domain.has_overlap = domain.groups_by_place.iter().any(|groups| groups.len() > 1);
            }
            Dimension::PlaceKind => {
                domain.push_code_groups(PlaceKind::ALL, |kind| (kind.code(), kind.label()));
                let kind = |place: &IndexedPlace| vec![places.get(place.current).kind as u32];
                domain.groups_by_place = places.all().iter().map(kind).collect();
            }
            Dimension::LeadOrganisation | Dimension::Funder => {
                domain.push_organisation_groups(snapshot, visible);
            }
            Dimension::LeadOrganisationKind => {
                domain.push_code_groups(OrganisationKind::ALL, |kind| (kind.code(), kind.label()));
                let organisations = snapshot.organisations.all().iter();
                let kinds = organisations.map(|one| one.kind.map_or(NO_GROUP, |kind| kind as u32));
                domain.group_by_organisation = kinds.collect();
            }
            Dimension::WayIn
            | Dimension::WayInOfPractitioner
            | Dimension::WayInOfFunder
            | Dimension::WayInOfNationalCharity
            | Dimension::WayInOfCommunity => {
                domain.push_code_groups(EntryPoint::ALL, |code| (code.code(), code.label()));
            }
            Dimension::Challenge => domain.push_step_groups(),
            Dimension::Reason => {
                domain.push_code_groups(ChallengeReason::ALL, |code| (code.code(), code.label()));
            }
            Dimension::ConditionChanged => {
                domain.push_code_groups(Condition::ALL, |code| (code.code(), code.label()));
                domain.push_group(GroupKey::Code("UNCHANGED".into()), "All on record unchanged");
            }
            Dimension::ChallengeUnderstanding
            | Dimension::ChallengeAmbitions
            | Dimension::ChallengeConditions => {
                domain.push_code_groups(ChallengeStep::ALL, |code| (code.code(), code.label()));
            }
            Dimension::FundingDurationBand => domain.push_month_bands(&DURATION_BAND_EDGES_MONTHS),
            Dimension::UpfrontResearchMonthsBand => {
                domain.push_month_bands(&RESEARCH_BAND_EDGES_MONTHS);
                domain.push_group(GroupKey::Code("NONE".into()), "No research paid for");
            }
            Dimension::YearStarted => domain.push_year_groups(snapshot),
            dimension => match FundingChoice::find_for_dimension(dimension).map(FundingChoice::kind) {
                Some(ChoiceKind::YesNo(words)) => domain.push_code_groups(&words.groups, |group| group),
                Some(ChoiceKind::Code(code)) => {
                    domain.push_code_groups(code.vocabulary().words(), |word| (word.code, word.label));
                }
                None => {}
            },
        }
        let not_known = domain.push_group(GroupKey::NotKnown, "Not known");
        let first = |groups: &Vec<u32>| groups.first().copied().unwrap_or(not_known);
        domain.first_group_by_place = domain.groups_by_place.iter().map(first).collect();
        domain
    }

    /// The groups, in the order of the dimension.
    pub fn groups(&self) -> &[GroupName] {
        &self.groups
    }

    /// A number that no other domain of the process has.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The dimension.
    pub fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// The number of the group of initiatives for which the value is not known.
    pub fn not_known(&self) -> u32 {
        u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX)
    }

    /// Whether an initiative can be in several groups.
    pub fn has_overlap(&self) -> bool {
        self.has_overlap
    }

    /// Adds a group and returns its number.
    fn push_group(&mut self, key: GroupKey, label: impl Into<String>) -> u32 {
        let label = label.into();
        self.groups.push(GroupName { key, label });
        u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX)
    }

    fn push_code_groups<T: Copy>(
        &mut self,
        codes: &[T],
        code_and_label: impl Fn(T) -> (&'static str, &'static str),
    ) {
        for (code, label) in codes.iter().copied().map(code_and_label) {
            self.push_group(GroupKey::Code(code.into()), to_heading(label));
        }
    }

    /// Adds a group for each step of each challenge.
    fn push_step_groups(&mut self) {
        for challenge in Challenge::ALL {
            for step in ChallengeStep::ALL {
                let code = format!("{}_{}", challenge.code(), step.code());
                let label = format!("{}: {}", to_heading(challenge.label()), step.label());
                self.push_group(GroupKey::Code(code), label);
            }
        }
    }

    /// Adds a group for each band of months up to an edge, and one above the last edge.
    fn push_month_bands(&mut self, edges: &[i32]) {
        let mut from = 1;
        for edge in edges {
            let (key, label) = if from == 1 {
                (format!("UP_TO_{edge}"), format!("Up to {edge} months"))
            } else {
                (
                    format!("FROM_{from}_TO_{edge}"),
                    format!("{from} to {edge} months"),
                )
            };
            self.push_group(GroupKey::Code(key), label);
            from = edge + 1;
        }
        let last = from - 1;
        self.push_group(
            GroupKey::Code(format!("OVER_{last}")),
            format!("Over {last} months"),
        );
    }

    /// Adds a group for each of some places. `list_groups` returns the places in whose groups a place is.
    fn push_place_groups(
        &mut self,
        snapshot: &Snapshot,
        numbers: &[u32],
        list_groups: impl Fn(&IndexedPlace) -> Vec<u32>,
    ) {
        let places = &snapshot.places;
        let mut group_of = vec![None; places.all().len()];
        for number in numbers {
            let place = places.get(*number);
            group_of[*number as usize] = Some(self.push_group(GroupKey::Place(place.id), &place.name));
        }
        let groups = |place: &IndexedPlace| {
            let numbers = list_groups(place).into_iter();
            numbers.filter_map(|number| group_of[number as usize]).collect()
        };
        self.groups_by_place = places.all().iter().map(groups).collect();
    }

    fn push_organisation_groups(&mut self, snapshot: &Snapshot, visible: &dyn Fn(usize, &Chunk) -> Bitmap) {
        let organisations = snapshot.organisations.all();
        let mut is_found = vec![false; organisations.len()];
        let mut mark = |number: Option<i64>| {
            if let Some(found) = number.and_then(|number| is_found.get_mut(usize::try_from(number).ok()?)) {
                *found = true;
            }
        };
        for (position, chunk) in snapshot.chunks.iter().enumerate() {
            visible(position, chunk).for_each(|row| {
                if self.dimension == Dimension::Funder {
                    chunk
                        .term_range(row)
                        .for_each(|term| mark(chunk.funders.get(term)));
                } else {
                    mark(Some(chunk.leads[row].into()));
                }
            });
        }
        let mut groups = vec![NO_GROUP; organisations.len()];
        for ((group, organisation), _) in groups
            .iter_mut()
            .zip(organisations)
            .zip(&is_found)
            .filter(|(_, found)| **found)
        {
            *group = self.push_group(GroupKey::Organisation(organisation.id), &organisation.name);
        }
        self.group_by_organisation = groups;
    }

    /// Adds a group for each year up to that of the newest change, one for earlier years and one for later ones.
    fn push_year_groups(&mut self, snapshot: &Snapshot) {
        let newest = snapshot
            .as_of
            .changed_at
            .map_or(FIRST_SINGLE_YEAR, |at| at.year());
        let last = newest.max(FIRST_SINGLE_YEAR);
        let first_day = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1).map(to_day_number);
        self.year_starts = (FIRST_SINGLE_YEAR..=last + 1).filter_map(first_day).collect();
        self.push_group(
            GroupKey::Code(format!("BEFORE_{FIRST_SINGLE_YEAR}")),
            format!("Before {FIRST_SINGLE_YEAR}"),
        );
        for year in FIRST_SINGLE_YEAR..=last {
            self.push_group(GroupKey::Code(year.to_string()), year.to_string());
        }
        self.push_group(GroupKey::Code(format!("AFTER_{last}")), format!("After {last}"));
    }

    /// Writes the groups of each row of a chunk: one, or several if groups overlap. A row without a group is in
    /// `NotKnown`.
    pub fn groups_of_rows(&self, chunk: &Chunk, into: &mut RowCells) {
        let not_known = self.not_known();
        if let Some(codes) = self.single_codes(chunk) {
            let groups = into.reset_single(chunk.len());
            groups.fill(not_known);
            for (code, rows) in (0..).zip(codes.all()) {
                rows.for_each(|row| groups[row] = code);
            }
            return;
        }
        match self.dimension {
            Dimension::Place | Dimension::Region | Dimension::PlaceKind => {
                self.groups_of_places(chunk, not_known, into);
            }
            Dimension::LeadOrganisation | Dimension::LeadOrganisationKind => {
                let groups = into.reset_single(chunk.len());
                for (group, lead) in groups.iter_mut().zip(&chunk.leads) {
                    *group = self
                        .find_organisation_group(Some((*lead).into()))
                        .unwrap_or(not_known);
                }
            }
            Dimension::Funder => {
                into.reset_multiple();
                let mut found: Vec<u32> = Vec::new();
                for row in 0..chunk.len() {
                    found.clear();
                    for term in chunk.term_range(row) {
                        let group = self.find_organisation_group(chunk.funders.get(term));
                        found.extend(group.filter(|group| !found.contains(group)));
                    }
                    if found.is_empty() {
                        found.push(not_known);
                    }
                    into.push(found.iter().copied());
                }
            }
            Dimension::YearStarted => {
                let groups = into.reset_single(chunk.len());
                chunk.started_on.for_each(|row, day| {
                    groups[row] = day.map_or(not_known, |day| self.find_year_group(day));
                });
            }
            _ => {
                into.reset_multiple();
                for set in self.code_sets_by_row(chunk).unwrap_or_default() {
                    match set {
                        0 => into.push([not_known]),
                        set => into.push(iter_set_bits(set)),
                    }
                }
            }
        }
    }

    /// The codes of a dimension with at most one code for each row.
    fn single_codes<'c>(&self, chunk: &'c Chunk) -> Option<&'c CodeBitmaps> {
        let way_in = |perspective: Perspective| Some(&chunk.ways_in[perspective as usize]);
        let step = |challenge: Challenge| Some(&chunk.steps[challenge as usize]);
        match self.dimension {
            Dimension::WayInOfPractitioner => way_in(Perspective::Practitioner),
            Dimension::WayInOfFunder => way_in(Perspective::Funder),
            Dimension::WayInOfNationalCharity => way_in(Perspective::NationalCharity),
            Dimension::WayInOfCommunity => way_in(Perspective::Community),
            Dimension::ChallengeUnderstanding => step(Challenge::UnderstandingLocalSystem),
            Dimension::ChallengeAmbitions => step(Challenge::DefiningAmbitions),
            Dimension::ChallengeConditions => step(Challenge::FosteringConditions),
            _ => None,
        }
    }

    /// For a dimension with a few values, of which a row can have several: the values of each row, as bits.
    fn code_sets_by_row(&self, chunk: &Chunk) -> Option<Vec<CodeSet>> {
        match self.dimension {
            Dimension::WayIn => Some(code_sets(chunk.len(), &select_perspective(&chunk.ways_in, None))),
            Dimension::Challenge => Some(find_steps(chunk)),
            Dimension::Reason => Some(find_reasons(chunk)),
            Dimension::ConditionChanged => Some(find_changed_conditions(chunk)),
            Dimension::FundingDurationBand => {
                let bands = find_bands(
                    &chunk.duration_months,
                    chunk.term_count(),
                    &DURATION_BAND_EDGES_MONTHS,
                );
                Some(join_sets_of_terms(chunk, &bands))
            }
            Dimension::UpfrontResearchMonthsBand => Some(find_research_bands(chunk)),
            dimension => {
                let choice = FundingChoice::find_for_dimension(dimension)?;
                let answers = code_sets(chunk.term_count(), &chunk.choices[choice as usize]);
                let mut answers = join_sets_of_terms(chunk, &answers);
                if matches!(choice.kind(), ChoiceKind::YesNo(_)) {
                    // The group of yes comes before the group of no.
                    answers
                        .iter_mut()
                        .for_each(|set| *set = (*set >> 1 & 1) | (*set & 1) << 1);
                }
                Some(answers)
            }
        }
    }

    /// The rows of a chunk in each group.
    pub fn group_bitmaps(&self, chunk: &Chunk) -> Vec<Bitmap> {
        if let Some(sets) = self.code_sets_by_row(chunk) {
            let values = 0..self.groups.len() - 1;
            let known = values.map(|value| select_rows(&sets, |set| set >> value & 1 == 1));
            return known.chain([select_rows(&sets, |set| set == 0)]).collect();
        }
        let mut sets = vec![Bitmap::empty(chunk.len()); self.groups.len()];
        let mut groups = RowCells::default();
        self.groups_of_rows(chunk, &mut groups);
        groups.for_each(&Bitmap::full(chunk.len()), |row, group| sets[group].insert(row));
        sets
    }

    /// The groups of each place, by place number; empty if places have none.
    pub fn groups_by_place(&self) -> &[Vec<u32>] {
        &self.groups_by_place
    }

    /// The group of the initiatives that started on a day, given by its number. Only of a dimension of years.
    pub fn find_year_group(&self, day: i64) -> u32 {
        let group = self.year_starts.partition_point(|start| *start <= day);
        u32::try_from(group).unwrap_or_else(|_| self.not_known())
    }

    fn find_organisation_group(&self, number: Option<i64>) -> Option<u32> {
        let group = *self.group_by_organisation.get(usize::try_from(number?).ok()?)?;
        (group != NO_GROUP).then_some(group)
    }

    fn groups_of_places(&self, chunk: &Chunk, not_known: u32, into: &mut RowCells) {
        if !self.has_overlap {
            let groups = into.reset_single(chunk.len());
            chunk
                .places
                .map_through(&self.first_group_by_place, not_known, groups);
            return;
        }
        into.reset_multiple();
        chunk.places.for_each(|_, number| {
            let number = number.and_then(|number| usize::try_from(number).ok());
            match number
                .and_then(|number| self.groups_by_place.get(number))
                .map(Vec::as_slice)
            {
                None | Some([]) => into.push([not_known]),
                Some(groups) => into.push(groups.iter().copied()),
            }
        });
    }
}

/// The rows whose set of codes matches.
fn select_rows(sets: &[CodeSet], matches: impl Fn(CodeSet) -> bool) -> Bitmap {
    let to_word = |sets: &[CodeSet]| {
        let bits = sets.iter().enumerate();
        bits.fold(0, |word, (bit, set)| word | u64::from(matches(*set)) << bit)
    };
    Bitmap::from_words(sets.len(), sets.chunks(64).map(to_word))
}

/// The codes of each of `count` rows or terms, as bits.
fn code_sets(count: usize, codes: &CodeBitmaps) -> Vec<CodeSet> {
    let mut sets = vec![0; count];
    add_codes(&mut sets, codes, 0);
    sets
}

/// Adds the codes of each row or term as bits, from bit `first` on.
fn add_codes(sets: &mut [CodeSet], codes: &CodeBitmaps, first: usize) {
    for (code, rows) in codes.all().iter().enumerate() {
        rows.for_each(|row| sets[row] |= 1 << (first + code));
    }
}

/// The union, for each row, of the sets of its funding terms.
fn join_sets_of_terms(chunk: &Chunk, sets: &[CodeSet]) -> Vec<CodeSet> {
    let join = |row| sets[chunk.term_range(row)].iter().fold(0, |all, set| all | set);
    (0..chunk.len()).map(join).collect()
}

/// The steps of all challenges of each row: one bit for each challenge with each step.
pub(crate) fn find_steps(chunk: &Chunk) -> Vec<CodeSet> {
    let mut steps = vec![0; chunk.len()];
    for (challenge, of_challenge) in chunk.steps.iter().enumerate() {
        add_codes(&mut steps, of_challenge, challenge * STEP_COUNT);
    }
    steps
}

/// The reasons of each row for the steps of all challenges, as bits.
pub(crate) fn find_reasons(chunk: &Chunk) -> Vec<CodeSet> {
    let mut reasons = vec![0; chunk.len()];
    for of_challenge in &chunk.reasons {
        add_codes(&mut reasons, of_challenge, 0);
    }
    reasons
}

/// The bands of research before the work of each row, as bits, with [`NO_RESEARCH_GROUP`] if a term paid for none.
pub(crate) fn find_research_bands(chunk: &Chunk) -> Vec<CodeSet> {
    let mut bands = find_bands(
        &chunk.research_months,
        chunk.term_count(),
        &RESEARCH_BAND_EDGES_MONTHS,
    );
    let paid_for_none = chunk.choices[FundingChoice::UpfrontResearch as usize].get(0);
    paid_for_none.for_each(|term| bands[term] |= 1 << NO_RESEARCH_GROUP);
    join_sets_of_terms(chunk, &bands)
}

/// The conditions of each row that changed at least in part, as bits, with [`UNCHANGED_GROUP`] if all on record are
/// unchanged.
fn find_changed_conditions(chunk: &Chunk) -> Vec<CodeSet> {
    let mut changed: Vec<CodeSet> = vec![0; chunk.len()];
    let mut is_any_unchanged = Bitmap::empty(chunk.len());
    for (condition, extents) in chunk.changes.iter().enumerate() {
        for extent in ChangeExtent::ALL {
            let rows = extents.get(*extent as u8);
            match extent {
                ChangeExtent::Altered | ChangeExtent::Partly => {
                    rows.for_each(|row| changed[row] |= 1 << condition);
                }
                ChangeExtent::Unchanged => is_any_unchanged.insert_all(rows),
            }
        }
    }
    is_any_unchanged.for_each(|row| {
        if changed[row] == 0 {
            changed[row] = 1 << UNCHANGED_GROUP;
        }
    });
    changed
}

/// The band of each of `count` terms as a bit; no bit if the months are not known.
fn find_bands(months: &Column, count: usize, edges: &[i32]) -> Vec<CodeSet> {
    let mut bands = vec![0; count];
    months.for_each(|term, months| {
        bands[term] = months.map_or(0, |months| 1 << find_month_band(months, edges));
    });
    bands
}

const _: () = {
    let bits = CodeSet::BITS as usize;
    assert!(Challenge::ALL.len() * STEP_COUNT <= bits && UNCHANGED_GROUP < bits && NO_RESEARCH_GROUP < bits);
};

/// The numbers of the bits that are set.
pub fn iter_set_bits(set: CodeSet) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(set), |left| Some(left & left.wrapping_sub(1)))
        .take_while(|left| *left != 0)
        .map(CodeSet::trailing_zeros)
}

/// The band of a number of months, given the upper edges of all bands but the last; 0 is the shortest.
fn find_month_band(months: i64, edges: &[i32]) -> usize {
    // Comparing with every edge is faster than an unpredictable branch.
    let is_above = |edge: &i32| usize::from(i64::from(*edge) < months);
    edges.iter().map(is_above).sum()
}

#[cfg(test)]
mod tests {
    use wayin_vocabulary::Visibility;

    use super::*;
    use crate::disclosure::protected::ProtectedAnswer;
    use crate::index::{IndexedFundingTerm, IndexedInitiative, IndexedOrganisation, OrganisationDictionary};

    fn first_record() -> IndexedInitiative {
        let term = |research_months, is_paid: bool| {
            let mut term = IndexedFundingTerm {
                research_months,
                ..IndexedFundingTerm::default()
            };
            term.choices[FundingChoice::UpfrontResearch as usize] = Some(is_paid.into());
            term.choices[FundingChoice::ReportingFrequency as usize] = Some(0);
            term
        };
        let mut record = IndexedInitiative {
            steps: [None, Some(ChallengeStep::Skipped), Some(ChallengeStep::Taken)],
            reasons: [1, 0, 1 | 1 << (ChallengeReason::Other as u8)],
            changes: [
                Some(ChangeExtent::Partly),
                Some(ChangeExtent::Altered),
                Some(ChangeExtent::Unchanged),
                None,
                None,
            ],
            terms: vec![term(Some(4), true), term(None, false), term(None, true)],
            ..IndexedInitiative::open_without_answers(1)
        };
        record.entry_points[Perspective::Community as usize].way_in = Some(EntryPoint::RootCauses);
        record
    }

    /// The labels of the groups of each record of a snapshot, in the order of the ids.
    fn list_labels(snapshot: &Snapshot, dimension: Dimension) -> Vec<Vec<String>> {
        let domain = Domain::new(dimension, snapshot, &|_, chunk| Bitmap::full(chunk.len()));
        let chunk = &snapshot.chunks[0];
        let mut groups = RowCells::default();
        domain.groups_of_rows(chunk, &mut groups);
        let label = |group: &u32| domain.groups()[*group as usize].label.clone();
        let rows = 0..chunk.len();
        rows.map(|row| groups.get(row).iter().map(label).collect())
            .collect()
    }

    #[test]
    fn records_are_in_the_groups_of_their_answers() {
        let second = IndexedInitiative {
            lead: 1,
            changes: [None, Some(ChangeExtent::Unchanged), None, None, None],
            visibility: Visibility::AggregateOnly,
            ..IndexedInitiative::open_without_answers(2)
        };
        let mut organisations = OrganisationDictionary::default();
        for (number, kind) in [(0, Some(OrganisationKind::PublicBody)), (1, None)] {
            organisations.upsert(IndexedOrganisation {
                id: Uuid::from_u128(number),
                name: String::new(),
                name_folded: String::new(),
                identifier_folded: None,
                kind,
            });
        }
        let mut snapshot = Snapshot {
            organisations: organisations.into(),
            ..Snapshot::default()
        };
        snapshot.apply(vec![first_record(), second], Vec::new());
        for (dimension, [first, second]) in [
            (
                Dimension::LeadOrganisationKind,
                [&["Public body"][..], &["Not known"]],
            ),
            (Dimension::WayInOfCommunity, [&["Root causes"], &["Not known"]]),
            (Dimension::WayInOfPractitioner, [&["Not known"], &["Not known"]]),
            (
                Dimension::Challenge,
                [
                    &[
                        "Defining their ambitions: skipped",
                        "Fostering the conditions for change: taken",
                    ],
                    &["Not known"],
                ],
            ),
            (
                Dimension::Reason,
                [&["Short funding", "Another reason"], &["Not known"]],
            ),
            (
                Dimension::ConditionChanged,
                [
                    &["Governance", "The delivery timeline"],
                    &["All on record unchanged"],
                ],
            ),
            (
                Dimension::UpfrontResearchMonthsBand,
                [&["4 to 6 months", "No research paid for"], &["Not known"]],
            ),
            (Dimension::ReportingFrequency, [&["Every month"], &["Not known"]]),
        ] {
            let found = list_labels(&snapshot, dimension);
            assert_eq!(found, [first, second], "{dimension:?}");
        }
    }

    #[test]
    fn dimensions_of_protected_answers_have_fewer_groups_than_bits() {
        for dimension in Dimension::ALL {
            let domain = Domain::new(*dimension, &Snapshot::default(), &|_, chunk| {
                Bitmap::full(chunk.len())
            });
            if ProtectedAnswer::of_dimension(*dimension).is_some() {
                assert!(domain.groups().len() < 64, "{dimension:?}");
            }
        }
    }

    #[test]
    fn duration_bands_include_their_upper_edge() {
        let bands = [
            (1, 0),
            (6, 0),
            (7, 1),
            (12, 1),
            (13, 2),
            (18, 2),
            (19, 3),
            (24, 3),
            (36, 4),
            (37, 5),
            (60, 5),
            (61, 6),
        ];
        for (months, band) in bands {
            let found = find_month_band(months, &DURATION_BAND_EDGES_MONTHS);
            assert_eq!(found, band, "{months} months");
        }
    }
}
