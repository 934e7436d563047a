//! From which way in to which later entry points initiatives move.

use std::borrow::Cow;

use wayin_vocabulary::{EntryPoint, Perspective};

use super::super::cancellation::Cancelled;
use super::super::count::layout;
use super::super::count::layout::FLOWS_PER_WAY_IN;
use super::super::count::{EvaluationContext, PopulationCounter};
use super::super::disclosure::DisclosedCount;
use super::super::query::Viewpoint;
use super::{Basis, disclose_cells};
use crate::predicate::InitiativePredicate;

/// From which way in to which later entry points do initiatives move?
#[derive(Clone, Debug)]
pub struct FlowsQuery {
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativePredicate,
    /// In whose view; in everybody's, one after the other, where nothing is said.
    pub perspective: Option<Perspective>,
    /// Who asks.
    pub viewpoint: Viewpoint,
}

/// Every move that there can be.
#[derive(Clone, Debug)]
pub struct FlowCounts {
    /// The moves, by perspective and way in, those that stayed last.
    pub flows: Vec<FlowCount>,
    /// Which records the answer is from.
    pub basis: Basis,
}

/// How many initiatives moved from one entry point to another, or stayed.
#[derive(Clone, Copy, Debug)]
pub struct FlowCount {
    /// In whose view.
    pub perspective: Perspective,
    /// The way in.
    pub from: EntryPoint,
    /// The later entry point; none for those that stayed with their way in.
    pub to: Option<EntryPoint>,
    /// How many.
    pub count: DisclosedCount,
    /// How many of them were made up.
    pub illustrative: DisclosedCount,
}

/// Answers a question.
pub fn compute_flows(base: EvaluationContext<'_>, question: &FlowsQuery) -> Result<FlowCounts, Cancelled> {
    let counting = PopulationCounter::new(base, question.viewpoint, &question.among);
    let perspectives = match question.perspective {
        Some(one) => Cow::Owned(vec![one]),
        None => Cow::Borrowed(Perspective::ALL),
    };
    let layout = layout::FlowsLayout {
        perspectives: perspectives.clone(),
    };
    let counted = disclose_cells(&counting.count_layout(&layout)?, &counting, base);
    counting.cache_results(&[]);
    let moves = perspectives.iter().flat_map(|perspective| {
        EntryPoint::ALL.iter().flat_map(move |from| {
            (0..FLOWS_PER_WAY_IN).map(move |to| (*perspective, *from, EntryPoint::ALL.get(to).copied()))
        })
    });
    let flows = moves
        .zip(counted.chunks_exact(2))
        .map(|((perspective, from, to), cells)| FlowCount {
            perspective,
            from,
            to,
            count: cells[0],
            illustrative: cells[1],
        });
    Ok(FlowCounts {
        flows: flows.collect(),
        basis: Basis::from_context(base, question.viewpoint),
    })
}
