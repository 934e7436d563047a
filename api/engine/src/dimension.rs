//! What initiatives are told apart by: a dimension's whole domain, and which of
//! its groups an initiative stands in.

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;
use wayin_vocabulary::{Challenge, ChallengeStep, Dimension, EntryPoint, Perspective, PlaceKind};

use super::count::layout::RowCells;
use super::evaluate::select_perspective;
use super::index::{Bitmap, Chunk, CodeBitmaps, IndexedPlace, Snapshot, to_day_number};
use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice};
use wayin_vocabulary::{Labelled, to_heading};

/// The upper edges, in months, of the closed bands of funding durations; above the last is a band of its own.
pub const DURATION_BAND_EDGES_MONTHS: [i32; 6] = [6, 12, 18, 24, 36, 60];

/// What a group stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupKey {
    /// A code of a vocabulary, a band or a year.
    Code(String),
    /// A place, by its id.
    Place(Uuid),
    /// An organisation, by its id.
    Organisation(Uuid),
    /// Organisations that the one who asks may not know of.
    Others,
    /// Those that do not say.
    NotKnown,
}

/// One value of a dimension, and those that do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    /// What it stands for.
    pub key: GroupKey,
    /// The words for it.
    pub label: String,
}

impl GroupName {
    /// What names are listed by: codes, bands and years stay in their own order, places and
    /// organisations go by their names, others and those that do not say come last. To be
    /// sorted by stably.
    pub fn rank(&self) -> (u8, Option<String>) {
        match self.key {
            GroupKey::Code(_) => (0, None),
            GroupKey::Place(_) | GroupKey::Organisation(_) => (0, Some(self.label.to_lowercase())),
            GroupKey::Others => (1, None),
            GroupKey::NotKnown => (2, None),
        }
    }
}

/// A dimension over one snapshot: its groups, the one of those that do not say last.
pub struct Domain {
    dimension: Dimension,
    groups: Vec<GroupName>,
    /// The groups of a place, by its number; empty for those that do not say.
    groups_by_place: Vec<Vec<u32>>,
    /// The first of them, which where groups do not overlap is the only one.
    first_group_by_place: Vec<u32>,
    /// The group of an organisation, by its number.
    group_by_organisation: Vec<u32>,
    /// The first day of each year that has a group of its own, and of the year after the last.
    year_starts: Vec<i64>,
    has_overlap: bool,
}

/// The first year that has a group of its own; those before share one.
const FIRST_SINGLE_YEAR: i32 = 2000;

impl Domain {
    /// The whole domain of a dimension: every place, code, band or year, whatever was
    /// found; the organisations of the records that are `readable`, and where hidden
    /// records are counted too (`with_others`) one group for all others.
    pub fn new(
        dimension: Dimension,
        snapshot: &Snapshot,
        readable: &dyn Fn(usize, &Chunk) -> Bitmap,
        with_others: bool,
    ) -> Self {
        let mut domain = Self {
            dimension,
            groups: Vec::new(),
            groups_by_place: Vec::new(),
            first_group_by_place: Vec::new(),
            group_by_organisation: Vec::new(),
            year_starts: Vec::new(),
            has_overlap: matches!(
                dimension,
                Dimension::Funder | Dimension::WayIn | Dimension::FundingDurationBand
            ) || FundingChoice::find_for_dimension(dimension).is_some(),
        };
        match dimension {
            Dimension::Place => {
                let places = &snapshot.places;
                let current = |number: &u32| places.get(*number).current == *number;
                let all = 0..u32::try_from(places.all().len()).unwrap_or(u32::MAX);
                domain.push_place_groups(snapshot, &all.filter(current).collect::<Vec<_>>(), |place| {
                    vec![place.current]
                });
            }
            Dimension::Region => {
                domain.push_place_groups(snapshot, snapshot.places.regions(), |place| place.regions.clone());
                // Only where a place lies within several regions.
                domain.has_overlap = domain.groups_by_place.iter().any(|groups| groups.len() > 1);
            }
            Dimension::PlaceKind => {
                domain.push_code_groups(PlaceKind::ALL, |kind| (kind.code(), kind.label()));
                let places = &snapshot.places;
                let kind = |place: &IndexedPlace| vec![places.get(place.current).kind as u32];
                domain.groups_by_place = places.all().iter().map(kind).collect();
            }
            Dimension::LeadOrganisation | Dimension::Funder => {
                domain.push_organisation_groups(snapshot, readable, with_others);
            }
            Dimension::WayIn | Dimension::WayInOfFunder => {
                domain.push_code_groups(EntryPoint::ALL, |code| (code.code(), code.label()));
            }
            Dimension::ChallengeUnderstanding
            | Dimension::ChallengeAmbitions
            | Dimension::ChallengeConditions => {
                domain.push_code_groups(ChallengeStep::ALL, |code| (code.code(), code.label()));
            }
            Dimension::FundingDurationBand => domain.push_duration_bands(),
            Dimension::YearStarted => domain.push_year_groups(snapshot),
            dimension => match FundingChoice::find_for_dimension(dimension).map(FundingChoice::kind) {
                Some(ChoiceKind::YesNo(words)) => domain.push_code_groups(&words.groups, |group| group),
                Some(ChoiceKind::Code(code)) => {
                    domain.push_code_groups(code.vocabulary().words(), |word| (word.code, word.label));
                }
                None => {}
            },
        }
        domain.groups.push(GroupName {
            key: GroupKey::NotKnown,
            label: "Not known".into(),
        });
        let not_known = u32::try_from(domain.groups.len() - 1).unwrap_or(u32::MAX);
        let only = |groups: &Vec<u32>| groups.first().copied().unwrap_or(not_known);
        domain.first_group_by_place = domain.groups_by_place.iter().map(only).collect();
        domain
    }

    /// The groups, in the dimension's own order.
    pub fn groups(&self) -> &[GroupName] {
        &self.groups
    }

    /// Whether an initiative may stand in several groups.
    pub fn has_overlap(&self) -> bool {
        self.has_overlap
    }

    fn push_code_groups<T: Copy>(&mut self, codes: &[T], words: impl Fn(T) -> (&'static str, &'static str)) {
        self.groups.extend(codes.iter().map(|code| {
            let (code, label) = words(*code);
            GroupName {
                key: GroupKey::Code(code.into()),
                label: to_heading(label),
            }
        }));
    }

    fn push_duration_bands(&mut self) {
        let mut after = 0;
        for edge in DURATION_BAND_EDGES_MONTHS {
            let (key, label) = if after == 0 {
                (format!("UP_TO_{edge}"), format!("Up to {edge} months"))
            } else {
                (
                    format!("FROM_{}_TO_{edge}", after + 1),
                    format!("{} to {edge} months", after + 1),
                )
            };
            self.groups.push(GroupName {
                key: GroupKey::Code(key),
                label,
            });
            after = edge;
        }
        self.groups.push(GroupName {
            key: GroupKey::Code(format!("OVER_{after}")),
            label: format!("Over {after} months"),
        });
    }

    /// Lists places, by their numbers; each place stands in the groups of those that `of` names.
    fn push_place_groups(
        &mut self,
        snapshot: &Snapshot,
        listed: &[u32],
        of: impl Fn(&IndexedPlace) -> Vec<u32>,
    ) {
        let places = &snapshot.places;
        let mut group_of = vec![None; places.all().len()];
        for number in listed {
            let place = places.get(*number);
            group_of[*number as usize] = u32::try_from(self.groups.len()).ok();
            self.groups.push(GroupName {
                key: GroupKey::Place(place.id),
                label: place.name.clone(),
            });
        }
        let groups = |place: &IndexedPlace| {
            of(place)
                .iter()
                .filter_map(|number| group_of[*number as usize])
                .collect()
        };
        self.groups_by_place = places.all().iter().map(groups).collect();
    }

    fn push_organisation_groups(
        &mut self,
        snapshot: &Snapshot,
        readable: &dyn Fn(usize, &Chunk) -> Bitmap,
        with_others: bool,
    ) {
        let organisations = snapshot.organisations.all();
        let mut found = vec![false; organisations.len()];
        let mut find = |number: Option<i64>| {
            if let Some(found) = number.and_then(|number| found.get_mut(usize::try_from(number).ok()?)) {
                *found = true;
            }
        };
        for (position, chunk) in snapshot.chunks.iter().enumerate() {
            let readable = readable(position, chunk);
            match self.dimension {
                Dimension::Funder => readable.for_each(|row| {
                    chunk
                        .term_range(row)
                        .for_each(|term| find(chunk.funders.get(term)));
                }),
                _ => readable.for_each(|row| find(Some(chunk.leads[row].into()))),
            }
        }
        self.group_by_organisation = vec![u32::MAX; organisations.len()];
        for (number, organisation) in organisations
            .iter()
            .enumerate()
            .filter(|(number, _)| found[*number])
        {
            self.group_by_organisation[number] = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
            self.groups.push(GroupName {
                key: GroupKey::Organisation(organisation.id),
                label: organisation.name.clone(),
            });
        }
        if with_others {
            let others = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
            self.group_by_organisation
                .iter_mut()
                .filter(|group| **group == u32::MAX)
                .for_each(|group| *group = others);
            self.groups.push(GroupName {
                key: GroupKey::Others,
                label: "Others".into(),
            });
        }
    }

    /// Every year from the first to that of the newest change, and what lies before and after.
    fn push_year_groups(&mut self, snapshot: &Snapshot) {
        let last = snapshot
            .as_of
            .changed_at
            .map_or(FIRST_SINGLE_YEAR, |at| at.year().max(FIRST_SINGLE_YEAR));
        let first_day = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1).map(to_day_number);
        self.year_starts = (FIRST_SINGLE_YEAR..=last + 1).filter_map(first_day).collect();
        let mut list = |key: String, label: String| {
            self.groups.push(GroupName {
                key: GroupKey::Code(key),
                label,
            });
        };
        list(
            format!("BEFORE_{FIRST_SINGLE_YEAR}"),
            format!("Before {FIRST_SINGLE_YEAR}"),
        );
        (FIRST_SINGLE_YEAR..=last).for_each(|year| list(year.to_string(), year.to_string()));
        list(format!("AFTER_{last}"), format!("After {last}"));
    }

    /// Puts down the groups of each row of a chunk: one, or, where groups overlap, several;
    /// that of those that do not say where there is no other.
    pub fn groups_of_rows(&self, chunk: &Chunk, into: &mut RowCells) {
        let not_known = u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX);
        match self.dimension {
            Dimension::Place | Dimension::Region | Dimension::PlaceKind => {
                self.groups_of_places(chunk, not_known, into);
            }
            Dimension::LeadOrganisation => {
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
            Dimension::WayInOfFunder => {
                write_single_groups(
                    chunk.len(),
                    not_known,
                    into,
                    &chunk.ways_in[Perspective::Funder as usize],
                );
            }
            Dimension::ChallengeUnderstanding => {
                write_single_groups(
                    chunk.len(),
                    not_known,
                    into,
                    &chunk.steps[Challenge::UnderstandingLocalSystem as usize],
                );
            }
            Dimension::ChallengeAmbitions => {
                write_single_groups(
                    chunk.len(),
                    not_known,
                    into,
                    &chunk.steps[Challenge::DefiningAmbitions as usize],
                );
            }
            Dimension::ChallengeConditions => {
                write_single_groups(
                    chunk.len(),
                    not_known,
                    into,
                    &chunk.steps[Challenge::FosteringConditions as usize],
                );
            }
            Dimension::YearStarted => {
                let groups = into.reset_single(chunk.len());
                chunk.started_on.for_each(|row, day| {
                    let year = |day: i64| self.year_starts.partition_point(|start| *start <= day);
                    groups[row] = day
                        .and_then(|day| u32::try_from(year(day)).ok())
                        .unwrap_or(not_known);
                });
            }
            // A row may have several of a few values.
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

    /// For a dimension of which a row may have several of a few values, the values of each row, bit by bit.
    fn code_sets_by_row(&self, chunk: &Chunk) -> Option<Vec<u8>> {
        let of_terms = |set_of_term: &[u8]| {
            let terms = |row| &set_of_term[chunk.term_range(row)];
            (0..chunk.len())
                .map(|row| terms(row).iter().fold(0, |all, set| all | set))
                .collect()
        };
        let of_planes = |planes: &CodeBitmaps| of_terms(&code_sets(chunk.term_count(), planes));
        match self.dimension {
            Dimension::WayIn => Some(code_sets(chunk.len(), &select_perspective(&chunk.ways_in, None))),
            Dimension::FundingDurationBand => {
                let mut bands = vec![0_u8; chunk.term_count()];
                chunk.duration_months.for_each(|term, months| {
                    bands[term] = months.map_or(0, |months| 1 << find_duration_band(months));
                });
                Some(of_terms(&bands))
            }
            dimension => {
                let choice = FundingChoice::find_for_dimension(dimension)?;
                let mut answers: Vec<u8> = of_planes(&chunk.choices[choice as usize]);
                if matches!(choice.kind(), ChoiceKind::YesNo(_)) {
                    // Yes comes before no.
                    answers
                        .iter_mut()
                        .for_each(|set| *set = (*set >> 1 & 1) | (*set & 1) << 1);
                }
                Some(answers)
            }
        }
    }

    /// The rows of a chunk that stand in each group.
    pub fn group_bitmaps(&self, chunk: &Chunk) -> Vec<Bitmap> {
        if let Some(sets) = self.code_sets_by_row(chunk) {
            // The last group is of those that do not say.
            let of_values =
                (0..self.groups.len() - 1).map(|value| select_rows(&sets, |set| set >> value & 1 == 1));
            return of_values.chain([select_rows(&sets, |set| set == 0)]).collect();
        }
        let mut sets = vec![Bitmap::empty(chunk.len()); self.groups.len()];
        let mut groups = RowCells::default();
        self.groups_of_rows(chunk, &mut groups);
        groups.for_each(&Bitmap::full(chunk.len()), |row, group| sets[group].insert(row));
        sets
    }

    fn find_organisation_group(&self, number: Option<i64>) -> Option<u32> {
        let group = *self.group_by_organisation.get(usize::try_from(number?).ok()?)?;
        (group != u32::MAX).then_some(group)
    }

    fn groups_of_places(&self, chunk: &Chunk, not_known: u32, into: &mut RowCells) {
        let groups_of = |number: Option<i64>| {
            let groups = number.and_then(|number| self.groups_by_place.get(usize::try_from(number).ok()?));
            groups.map_or(&[][..], Vec::as_slice)
        };
        if self.has_overlap {
            into.reset_multiple();
            chunk.places.for_each(|_, number| match groups_of(number) {
                [] => into.push([not_known]),
                groups => into.push(groups.iter().copied()),
            });
            return;
        }
        chunk.places.map_through(
            &self.first_group_by_place,
            not_known,
            into.reset_single(chunk.len()),
        );
    }
}

/// One group a row, by the code that it has.
fn write_single_groups(rows: usize, not_known: u32, into: &mut RowCells, planes: &CodeBitmaps) {
    let groups = into.reset_single(rows);
    groups.fill(not_known);
    for (code, plane) in (0..).zip(planes.all()) {
        plane.for_each(|row| groups[row] = code);
    }
}

/// The rows of whose sets something is so.
fn select_rows(sets: &[u8], wanted: impl Fn(u8) -> bool) -> Bitmap {
    let word = |of_rows: &[u8]| {
        let bits = of_rows.iter().enumerate();
        bits.fold(0, |word, (bit, set)| word | u64::from(wanted(*set)) << bit)
    };
    Bitmap::from_words(sets.len(), sets.chunks(64).map(word))
}

/// The codes of each row or term, bit by bit.
fn code_sets(of: usize, planes: &CodeBitmaps) -> Vec<u8> {
    let mut sets = vec![0; of];
    for (code, plane) in planes.all().iter().enumerate() {
        plane.for_each(|at| sets[at] |= 1 << code);
    }
    sets
}

/// The numbers of the bits that are set.
pub fn iter_set_bits(set: u8) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(set), |left| Some(left & left.wrapping_sub(1)))
        .take_while(|left| *left != 0)
        .map(u8::trailing_zeros)
}

/// The band that a funding duration falls in, counted from the shortest.
pub fn find_duration_band(months: i64) -> usize {
    // Every edge is looked at: that takes less than a branch that cannot be foretold.
    let above = |edge: &i32| usize::from(i64::from(*edge) < months);
    DURATION_BAND_EDGES_MONTHS.iter().map(above).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(find_duration_band(months), band, "{months} months");
        }
    }
}
