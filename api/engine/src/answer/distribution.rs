//! How many initiatives have each value of a dimension.

use wayin_vocabulary::Dimension;

use super::super::cancellation::Stopped;
use super::super::count::layout::Marked;
use super::super::count::{Base, Counting};
use super::super::dimension::GroupName;
use super::super::disclosure::Shown;
use super::super::query::Viewpoint;
use super::{Basis, shown_cells};
use crate::predicate::InitiativeCondition;

/// How many initiatives have each value of a dimension?
#[derive(Clone, Debug)]
pub struct DistributionQuestion {
    /// The dimension.
    pub of: Dimension,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativeCondition,
    /// Who asks.
    pub viewpoint: Viewpoint,
}

/// How many initiatives stand in each group of a dimension.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// Every group of the domain.
    pub bins: Vec<Bin>,
    /// Whether an initiative may stand in several.
    pub overlap: bool,
    /// Which records the answer is from.
    pub basis: Basis,
}

/// How many initiatives stand in one group.
#[derive(Clone, Debug)]
pub struct Bin {
    /// The group.
    pub name: GroupName,
    /// How many stand in it.
    pub count: Shown,
    /// How many of them were made up.
    pub illustrative: Shown,
}

/// Answers a question.
pub fn distribution(base: Base<'_>, question: &DistributionQuestion) -> Result<Distribution, Stopped> {
    let counting = Counting::new(base, question.viewpoint, &question.among);
    let domain = counting.domain(question.of);
    let cells = shown_cells(&counting.cells(&Marked { by: Some(&domain) })?, &counting, base);
    counting.keep(&[]);
    let bins = domain
        .groups()
        .iter()
        .zip(cells.chunks_exact(2))
        .map(|(name, cells)| Bin {
            name: name.clone(),
            count: cells[0],
            illustrative: cells[1],
        });
    Ok(Distribution {
        bins: bins.collect(),
        overlap: domain.overlaps(),
        basis: Basis::of(base, question.viewpoint),
    })
}
