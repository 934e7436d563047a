//! What initiatives are told apart by: a dimension's whole domain, and which of
//! its strata an initiative stands in.

use chrono::Datelike;
use uuid::Uuid;
use wayin_entity::{Challenge, Dimension, EntryPoint, Perspective, PlaceKind, ReportingBasis, Step};

use super::evaluate::ways_in;
use super::index::{Bits, Chunk, Snapshot};
use crate::vocabulary::{Labelled, heading};

/// The upper edges, in months, of the closed bands of funding durations; above the last is a band of its own.
pub const DURATION_EDGES: [i32; 6] = [6, 12, 18, 24, 36, 60];

/// What a stratum stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StratumKey {
    /// A code of a vocabulary, a band or a year.
    Code(String),
    /// A place, by its id.
    Place(Uuid),
    /// An organisation, by its id.
    Organisation(Uuid),
    /// Those that do not say.
    NotKnown,
}

/// One value of a dimension, and those that do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StratumName {
    /// What it stands for.
    pub key: StratumKey,
    /// The words for it.
    pub label: String,
}

/// A dimension over one snapshot: its strata, the one of those that do not say last.
pub struct Domain {
    dimension: Dimension,
    strata: Vec<StratumName>,
    /// The stratum of a place or an organisation, by its number, or of a year, counted from the first.
    of_number: Vec<Option<u32>>,
    first_year: i32,
}

impl Domain {
    /// The whole domain of a dimension: every place, code or band, whatever was found;
    /// the organisations and the span of years of the records that are `readable`.
    pub fn new(dimension: Dimension, snapshot: &Snapshot, readable: &dyn Fn(&Chunk) -> Bits) -> Self {
        let mut domain = Self {
            dimension,
            strata: Vec::new(),
            of_number: Vec::new(),
            first_year: 0,
        };
        match dimension {
            Dimension::Place | Dimension::Region => domain.list_places(snapshot),
            Dimension::LeadOrganisation | Dimension::Funder => domain.list_organisations(snapshot, readable),
            Dimension::PlaceKind => domain.list_codes(PlaceKind::ALL, |kind| (kind.code(), kind.label())),
            Dimension::WayIn | Dimension::WayInOfFunder | Dimension::IntendedFocus => {
                domain.list_codes(EntryPoint::ALL, |code| (code.code(), code.label()));
            }
            Dimension::ChallengeUnderstanding
            | Dimension::ChallengeAmbitions
            | Dimension::ChallengeConditions => {
                domain.list_codes(Step::ALL, |code| (code.code(), code.label()));
            }
            Dimension::ReportingBasis => {
                domain.list_codes(ReportingBasis::ALL, |code| (code.code(), code.label()));
            }
            Dimension::FundingResearch => domain.list_codes(
                &[
                    ("PAID_FOR", "research paid for"),
                    ("NOT_PAID_FOR", "research not paid for"),
                ],
                |pair| pair,
            ),
            Dimension::FundingDurationBand => domain.list_bands(),
            Dimension::YearStarted => domain.list_years(snapshot, readable),
        }
        domain.strata.push(StratumName {
            key: StratumKey::NotKnown,
            label: "Not known".into(),
        });
        domain
    }

    /// The strata, in the dimension's own order.
    pub fn strata(&self) -> &[StratumName] {
        &self.strata
    }

    /// Whether an initiative may stand in several strata.
    pub fn overlaps(&self, snapshot: &Snapshot) -> bool {
        match self.dimension {
            Dimension::Funder
            | Dimension::WayIn
            | Dimension::FundingDurationBand
            | Dimension::FundingResearch
            | Dimension::ReportingBasis
            | Dimension::IntendedFocus => true,
            // Only where a place lies within several regions.
            Dimension::Region => snapshot.places.all().iter().any(|place| place.regions.len() > 1),
            Dimension::Place
            | Dimension::PlaceKind
            | Dimension::LeadOrganisation
            | Dimension::WayInOfFunder
            | Dimension::ChallengeUnderstanding
            | Dimension::ChallengeAmbitions
            | Dimension::ChallengeConditions
            | Dimension::YearStarted => false,
        }
    }

    fn list_codes<T: Copy>(&mut self, codes: &[T], words: impl Fn(T) -> (&'static str, &'static str)) {
        self.strata.extend(codes.iter().map(|code| {
            let (code, label) = words(*code);
            StratumName {
                key: StratumKey::Code(code.into()),
                label: heading(label),
            }
        }));
    }

    fn list_bands(&mut self) {
        let mut after = 0;
        for edge in DURATION_EDGES {
            let (key, label) = if after == 0 {
                (format!("UP_TO_{edge}"), format!("Up to {edge} months"))
            } else {
                (
                    format!("FROM_{}_TO_{edge}", after + 1),
                    format!("{} to {edge} months", after + 1),
                )
            };
            self.strata.push(StratumName {
                key: StratumKey::Code(key),
                label,
            });
            after = edge;
        }
        self.strata.push(StratumName {
            key: StratumKey::Code(format!("OVER_{after}")),
            label: format!("Over {after} months"),
        });
    }

    fn list_places(&mut self, snapshot: &Snapshot) {
        let places = &snapshot.places;
        let current = |number: &u32| places.get(*number).current == *number;
        let all = 0..u32::try_from(places.all().len()).unwrap_or(u32::MAX);
        let listed: Vec<u32> = match self.dimension {
            Dimension::Region => places.regions().to_vec(),
            _ => all.filter(current).collect(),
        };
        self.of_number = vec![None; places.all().len()];
        for number in listed {
            let place = places.get(number);
            self.of_number[number as usize] = u32::try_from(self.strata.len()).ok();
            self.strata.push(StratumName {
                key: StratumKey::Place(place.id),
                label: place.name.clone(),
            });
        }
    }

    fn list_organisations(&mut self, snapshot: &Snapshot, readable: &dyn Fn(&Chunk) -> Bits) {
        let organisations = snapshot.organisations.all();
        let mut found = vec![false; organisations.len()];
        for chunk in &snapshot.chunks {
            for row in readable(chunk).rows() {
                match self.dimension {
                    Dimension::Funder => {
                        chunk
                            .terms_of(row)
                            .for_each(|term| found[chunk.funder(term) as usize] = true);
                    }
                    _ => found[chunk.lead(row) as usize] = true,
                }
            }
        }
        self.of_number = vec![None; organisations.len()];
        for (number, organisation) in organisations
            .iter()
            .enumerate()
            .filter(|(number, _)| found[*number])
        {
            self.of_number[number] = u32::try_from(self.strata.len()).ok();
            self.strata.push(StratumName {
                key: StratumKey::Organisation(organisation.id),
                label: organisation.name.clone(),
            });
        }
    }

    fn list_years(&mut self, snapshot: &Snapshot, readable: &dyn Fn(&Chunk) -> Bits) {
        let mut span: Option<(i32, i32)> = None;
        for chunk in &snapshot.chunks {
            for year in readable(chunk)
                .rows()
                .filter_map(|row| chunk.started_on(row))
                .map(|day| day.year())
            {
                span = Some(span.map_or((year, year), |(first, last)| (first.min(year), last.max(year))));
            }
        }
        let Some((first, last)) = span else {
            return;
        };
        self.first_year = first;
        for year in first..=last {
            self.of_number.push(u32::try_from(self.strata.len()).ok());
            self.strata.push(StratumName {
                key: StratumKey::Code(year.to_string()),
                label: year.to_string(),
            });
        }
    }

    /// Puts the strata of one initiative into `found`, each once: one, several, or that of those that do not say.
    pub fn strata_of(&self, snapshot: &Snapshot, chunk: &Chunk, row: usize, found: &mut Vec<usize>) {
        found.clear();
        let mut put = |stratum: usize| {
            if !found.contains(&stratum) {
                found.push(stratum);
            }
        };
        let numbered = |number: u32| {
            self.of_number
                .get(number as usize)
                .copied()
                .flatten()
                .map(|stratum| stratum as usize)
        };
        let terms = || chunk.terms_of(row);
        match self.dimension {
            Dimension::Place => {
                let current = chunk.place(row).map(|place| snapshot.places.get(place).current);
                current.and_then(numbered).into_iter().for_each(put);
            }
            Dimension::Region => {
                let regions = chunk
                    .place(row)
                    .map_or(&[][..], |place| &snapshot.places.get(place).regions);
                regions
                    .iter()
                    .filter_map(|region| numbered(*region))
                    .for_each(put);
            }
            Dimension::PlaceKind => {
                let kind = chunk.place(row).map(|place| {
                    let places = &snapshot.places;
                    places.get(places.get(place).current).kind as usize
                });
                kind.into_iter().for_each(put);
            }
            Dimension::LeadOrganisation => numbered(chunk.lead(row)).into_iter().for_each(put),
            Dimension::Funder => terms()
                .filter_map(|term| numbered(chunk.funder(term)))
                .for_each(put),
            Dimension::WayIn => {
                let recorded = ways_in(None, chunk, row);
                (0..EntryPoint::ALL.len())
                    .filter(|code| recorded >> code & 1 == 1)
                    .for_each(put);
            }
            Dimension::WayInOfFunder => {
                let way_in = chunk.entry_points(Perspective::Funder, row).way_in;
                way_in.into_iter().for_each(|code| put(code as usize));
            }
            Dimension::ChallengeUnderstanding => {
                let step = chunk.step(Challenge::UnderstandingLocalSystem, row);
                step.into_iter().for_each(|code| put(code as usize));
            }
            Dimension::ChallengeAmbitions => {
                chunk
                    .step(Challenge::DefiningAmbitions, row)
                    .into_iter()
                    .for_each(|code| put(code as usize));
            }
            Dimension::ChallengeConditions => {
                chunk
                    .step(Challenge::FosteringConditions, row)
                    .into_iter()
                    .for_each(|code| put(code as usize));
            }
            Dimension::FundingDurationBand => {
                terms()
                    .filter_map(|term| chunk.duration_months(term))
                    .for_each(|months| put(duration_band(months)));
            }
            Dimension::FundingResearch => terms()
                .filter_map(|term| chunk.upfront_research(term))
                .for_each(|paid| put(usize::from(!paid))),
            Dimension::ReportingBasis => {
                terms()
                    .filter_map(|term| chunk.reporting_basis(term))
                    .for_each(|code| put(code as usize));
            }
            Dimension::IntendedFocus => {
                terms()
                    .filter_map(|term| chunk.intended_focus(term))
                    .for_each(|code| put(code as usize));
            }
            Dimension::YearStarted => {
                let offset = chunk
                    .started_on(row)
                    .and_then(|day| u32::try_from(day.year() - self.first_year).ok());
                offset.and_then(numbered).into_iter().for_each(put);
            }
        }
        if found.is_empty() {
            found.push(self.strata.len() - 1);
        }
    }
}

/// The band that a funding duration falls in, counted from the shortest.
pub fn duration_band(months: i32) -> usize {
    DURATION_EDGES.partition_point(|edge| *edge < months)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_closed_above() {
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
            assert_eq!(duration_band(months), band, "{months} months");
        }
    }
}
