//! The number of initiatives for each value of a dimension.

use wayin_vocabulary::Dimension;

use super::{Basis, choose_basis_of_counts, count_population, disclose_cells};
use crate::cancellation::Cancelled;
use crate::count::layout::IllustrativeApartLayout;
use crate::count::{EvaluationContext, PopulationCounter};
use crate::dimension::{GroupKey, GroupName};
use crate::disclosure::DisclosedCount;
use crate::predicate::InitiativePredicate;
use crate::query::{RecordScope, Viewpoint};

/// How many initiatives have each value of a dimension?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DistributionQuery {
    /// The dimension.
    pub dimension: Dimension,
    /// Selects the population: the initiatives for which it is TRUE.
    pub among: InitiativePredicate,
    /// Who asks, over which records.
    pub viewpoint: Viewpoint,
}

/// The answer to a [`DistributionQuery`].
#[derive(Clone, Debug)]
pub struct Distribution {
    /// One bin for each group of the dimension, sorted by [`GroupName::rank`].
    pub bins: Vec<Bin>,
    /// Whether an initiative can be in several bins.
    pub bins_overlap: bool,
    /// Which records a chart should show, so that its counts can be compared.
    pub figures_basis: RecordScope,
    /// Which records the answer is based on.
    pub basis: Basis,
}

/// The number of initiatives in one group.
#[derive(Clone, Debug)]
pub struct Bin {
    /// The group.
    pub group: GroupName,
    /// How many initiatives are in it.
    pub count: DisclosedCount,
    /// How many of them are illustrative.
    pub illustrative: DisclosedCount,
}

/// Answers a query.
pub fn compute_distribution(
    context: EvaluationContext<'_>,
    query: &DistributionQuery,
) -> Result<Distribution, Cancelled> {
    let counter = PopulationCounter::new(context, query.viewpoint, &query.among);
    let domain = counter.domain(query.dimension);
    let counter = counter.decide(&[], &[&domain])?;
    let layout = IllustrativeApartLayout { by: Some(&domain) };
    let counts = disclose_cells(&counter.count_layout(&layout)?, &counter);
    let population = count_population(&counter)?;
    counter.cache_results(&[]);
    let mut bins: Vec<Bin> = domain
        .groups()
        .iter()
        .zip(counts.chunks_exact(2))
        .map(|(group, counts)| Bin {
            group: group.clone(),
            count: counts[0],
            illustrative: counts[1],
        })
        .collect();
    bins.sort_by_cached_key(|bin| bin.group.rank());
    let with_value = bins
        .iter()
        .filter(|bin| bin.group.key != GroupKey::NotKnown)
        .map(|bin| &bin.count);
    Ok(Distribution {
        figures_basis: choose_basis_of_counts(query.viewpoint.scope, with_value),
        bins,
        bins_overlap: domain.has_overlap(),
        basis: Basis::from_counter(&counter, &population),
    })
}
