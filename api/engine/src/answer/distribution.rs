//! How many initiatives have each value of a dimension.

use wayin_vocabulary::Dimension;

use super::super::cancellation::Cancelled;
use super::super::count::layout::IllustrativeApartLayout;
use super::super::count::{EvaluationContext, PopulationCounter};
use super::super::dimension::GroupName;
use super::super::disclosure::DisclosedCount;
use super::super::query::Viewpoint;
use super::{Basis, disclose_cells};
use crate::predicate::InitiativePredicate;

/// How many initiatives have each value of a dimension?
#[derive(Clone, Debug)]
pub struct DistributionQuery {
    /// The dimension.
    pub dimension: Dimension,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativePredicate,
    /// Who asks.
    pub viewpoint: Viewpoint,
}

/// How many initiatives stand in each group of a dimension.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// Every group of the domain: places and organisations by name, others in their own order, the one without a value last.
    pub bins: Vec<Bin>,
    /// Whether an initiative may stand in several.
    pub bins_overlap: bool,
    /// Which records the answer is from.
    pub basis: Basis,
}

/// How many initiatives stand in one group.
#[derive(Clone, Debug)]
pub struct Bin {
    /// The group.
    pub group: GroupName,
    /// How many stand in it.
    pub count: DisclosedCount,
    /// How many of them were made up.
    pub illustrative: DisclosedCount,
}

/// Answers a question.
pub fn compute_distribution(
    base: EvaluationContext<'_>,
    question: &DistributionQuery,
) -> Result<Distribution, Cancelled> {
    let counting = PopulationCounter::new(base, question.viewpoint, &question.among);
    let domain = counting.domain(question.dimension);
    let cells = disclose_cells(
        &counting.count_layout(&IllustrativeApartLayout { by: Some(&domain) })?,
        &counting,
        base,
    );
    counting.cache_results(&[]);
    let mut bins: Vec<Bin> = domain
        .groups()
        .iter()
        .zip(cells.chunks_exact(2))
        .map(|(name, cells)| Bin {
            group: name.clone(),
            count: cells[0],
            illustrative: cells[1],
        })
        .collect();
    bins.sort_by_cached_key(|bin| bin.group.rank());
    Ok(Distribution {
        bins,
        bins_overlap: domain.has_overlap(),
        basis: Basis::from_context(base, question.viewpoint),
    })
}
