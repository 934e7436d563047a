//! The number of initiatives that went from each way in to each later entry point.

use wayin_vocabulary::{EntryPoint, Perspective};

use super::{Basis, choose_basis_of_counts, count_population, disclose_cells};
use crate::cancellation::Cancelled;
use crate::count::layout::{FLOWS_PER_WAY_IN, FlowsLayout};
use crate::count::{EvaluationContext, PopulationCounter};
use crate::disclosure::DisclosedCount;
use crate::predicate::InitiativePredicate;
use crate::query::{RecordScope, Viewpoint};

/// From which way in to which later entry points do initiatives go?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlowsQuery {
    /// Selects the population: the initiatives for which it is TRUE.
    pub among: InitiativePredicate,
    /// The perspective; none for each perspective in turn.
    pub perspective: Option<Perspective>,
    /// Who asks, over which records.
    pub viewpoint: Viewpoint,
}

/// The answer to a [`FlowsQuery`].
#[derive(Clone, Debug)]
pub struct FlowCounts {
    /// Every possible flow, by perspective and way in. Initiatives that stayed with their way in come last.
    pub flows: Vec<FlowCount>,
    /// Which records a chart should show, so that its counts can be compared.
    pub figures_basis: RecordScope,
    /// Which records the answer is based on.
    pub basis: Basis,
}

/// The number of initiatives that went from one entry point to another, or stayed.
#[derive(Clone, Copy, Debug)]
pub struct FlowCount {
    /// Whose view it is.
    pub perspective: Perspective,
    /// The way in.
    pub from: EntryPoint,
    /// The later entry point; none if the initiatives stayed with their way in.
    pub to: Option<EntryPoint>,
    /// How many initiatives.
    pub count: DisclosedCount,
    /// How many of them are illustrative.
    pub illustrative: DisclosedCount,
}

/// Answers a query.
pub fn compute_flows(context: EvaluationContext<'_>, query: &FlowsQuery) -> Result<FlowCounts, Cancelled> {
    let counter = PopulationCounter::new(context, query.viewpoint, &query.among);
    let all = Perspective::ALL.iter().copied();
    let (mut flows, mut populations) = (Vec::new(), Vec::new());
    for perspective in all.filter(|one| query.perspective.is_none_or(|asked| asked == *one)) {
        let counter = counter.decide_flows(perspective)?;
        populations.extend(count_population(&counter)?);
        let counts = disclose_cells(&counter.count_layout(&FlowsLayout { perspective })?, &counter);
        let counted = counts.chunks_exact(2).enumerate();
        flows.extend(counted.map(|(block, counts)| FlowCount {
            perspective,
            from: EntryPoint::ALL[block / FLOWS_PER_WAY_IN],
            to: EntryPoint::ALL.get(block % FLOWS_PER_WAY_IN).copied(),
            count: counts[0],
            illustrative: counts[1],
        }));
    }
    counter.cache_results(&[]);
    let counts = flows.iter().map(|flow| &flow.count);
    Ok(FlowCounts {
        figures_basis: choose_basis_of_counts(query.viewpoint.scope, counts),
        flows,
        basis: Basis::from_counter(&counter, &populations),
    })
}
