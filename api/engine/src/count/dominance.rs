//! Who leads the hidden initiatives of a cell, in a few bytes: whether at least five organisations do, and which one
//! could lead more than half.
//!
//! The candidate is found as in R. S. Boyer and J. S. Moore, "MJRTY: a fast majority vote algorithm" (1991). Parts are
//! merged as in P. K. Agarwal et al., "Mergeable summaries", ACM Transactions on Database Systems 38 (2013): an
//! organisation that leads more than half of the whole is still the candidate.

/// The number of organisations that is enough. More are not counted.
pub const MIN_ORGANISATIONS: u8 = 5;

/// The only organisation that can lead more than half of some initiatives.
#[derive(Clone, Copy, Debug, Default)]
pub struct MajorityCandidate {
    candidate: u32,
    lead_count: u32,
}

impl MajorityCandidate {
    /// Counts one initiative of an organisation: a vote for or against the candidate. At a balance of 0, the organisation
    /// becomes the candidate.
    pub fn add(&mut self, organisation: u32) {
        // Without branches, which would be unpredictable.
        let free = self.lead_count == 0;
        self.candidate = if free { organisation } else { self.candidate };
        let agrees = u32::from(self.candidate == organisation);
        self.lead_count = self.lead_count + 2 * agrees - 1;
    }

    /// Merges two parts that share no initiative.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let (more, less) = if self.lead_count >= other.lead_count {
            (self, other)
        } else {
            (other, self)
        };
        let ahead = if self.candidate == other.candidate {
            more.lead_count + less.lead_count
        } else {
            more.lead_count - less.lead_count
        };
        Self {
            candidate: more.candidate,
            lead_count: ahead,
        }
    }

    /// The organisation that leads more than half, if any does.
    pub fn candidate(self) -> u32 {
        self.candidate
    }
}

/// The organisations that lead some initiatives, up to [`MIN_ORGANISATIONS`].
#[derive(Clone, Copy, Debug, Default)]
pub struct DistinctOrganisations {
    seen: [u32; MIN_ORGANISATIONS as usize - 1],
    count: u8,
}

impl DistinctOrganisations {
    /// Counts one initiative of an organisation.
    pub fn add(&mut self, organisation: u32) {
        if self.count == MIN_ORGANISATIONS || self.seen_organisations().contains(&organisation) {
            return;
        }
        if let Some(free) = self.seen.get_mut(usize::from(self.count)) {
            *free = organisation;
        }
        self.count += 1;
    }

    fn seen_organisations(&self) -> &[u32] {
        &self.seen[..usize::from(self.count).min(self.seen.len())]
    }

    /// Merges two parts.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        if other.count == MIN_ORGANISATIONS {
            self.count = MIN_ORGANISATIONS;
        } else {
            other
                .seen_organisations()
                .iter()
                .for_each(|organisation| self.add(*organisation));
        }
        self
    }

    /// How many organisations there are; [`MIN_ORGANISATIONS`] means that many or more.
    pub fn organisation_count(&self) -> u8 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn merged_parts_find_the_majority_and_count_up_to_five() {
        let mut random = StdRng::seed_from_u64(13);
        for _ in 0..2_000 {
            let organisations = random.random_range(1..9);
            let favoured = random.random_range(0..organisations);
            let parts: Vec<Vec<u32>> = (0..random.random_range(1..5))
                .map(|_| {
                    (0..random.random_range(0..40))
                        .map(|_| {
                            if random.random_ratio(1, 2) {
                                favoured
                            } else {
                                random.random_range(0..organisations)
                            }
                        })
                        .collect()
                })
                .collect();
            let summary = parts
                .iter()
                .map(|part| {
                    let mut summary = (MajorityCandidate::default(), DistinctOrganisations::default());
                    for one in part {
                        summary.0.add(*one);
                        summary.1.add(*one);
                    }
                    summary
                })
                .reduce(|a, b| (a.0.merge(b.0), a.1.merge(&b.1)))
                .unwrap();
            let mut counts: HashMap<u32, usize> = HashMap::new();
            parts
                .iter()
                .flatten()
                .for_each(|one| *counts.entry(*one).or_default() += 1);
            let all: usize = counts.values().sum();
            assert_eq!(
                usize::from(summary.1.organisation_count()),
                counts.len().min(5),
                "{parts:?}"
            );
            if let Some((majority, _)) = counts.iter().find(|(_, count)| **count * 2 > all) {
                assert_eq!(summary.0.candidate(), *majority, "{parts:?}");
            }
        }
    }
}
