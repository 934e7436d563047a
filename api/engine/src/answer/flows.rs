//! From which way in to which later entry points initiatives move.

use std::borrow::Cow;

use wayin_vocabulary::{EntryPoint, Perspective};

use super::super::cancellation::Stopped;
use super::super::count::layout;
use super::super::count::layout::FLOWS_FROM_ONE;
use super::super::count::{Base, Counting};
use super::super::disclosure::Shown;
use super::super::query::Viewpoint;
use super::{Basis, shown_cells};
use crate::predicate::InitiativeCondition;

/// From which way in to which later entry points do initiatives move?
#[derive(Clone, Debug)]
pub struct FlowsQuestion {
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativeCondition,
    /// In whose view; in everybody's, one after the other, where nothing is said.
    pub perspective: Option<Perspective>,
    /// Who asks.
    pub viewpoint: Viewpoint,
}

/// Every move that there can be.
#[derive(Clone, Debug)]
pub struct Flows {
    /// The moves, by perspective and way in, those that stayed last.
    pub flows: Vec<Flow>,
    /// Which records the answer is from.
    pub basis: Basis,
}

/// How many initiatives moved from one entry point to another, or stayed.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// In whose view.
    pub perspective: Perspective,
    /// The way in.
    pub from: EntryPoint,
    /// The later entry point; none for those that stayed with their way in.
    pub to: Option<EntryPoint>,
    /// How many.
    pub count: Shown,
    /// How many of them were made up.
    pub illustrative: Shown,
}

/// An initiative that moved to several entry points, or is told of by several, counts for each.
pub const FLOWS_OVERLAP: bool = true;

/// Answers a question.
pub fn flows(base: Base<'_>, question: &FlowsQuestion) -> Result<Flows, Stopped> {
    let counting = Counting::new(base, question.viewpoint, &question.among);
    let perspectives = match question.perspective {
        Some(one) => Cow::Owned(vec![one]),
        None => Cow::Borrowed(Perspective::ALL),
    };
    let layout = layout::Flows {
        perspectives: perspectives.clone(),
    };
    let counted = shown_cells(&counting.cells(&layout)?, &counting, base);
    counting.keep(&[]);
    let moves = perspectives.iter().flat_map(|perspective| {
        EntryPoint::ALL.iter().flat_map(move |from| {
            (0..FLOWS_FROM_ONE).map(move |to| (*perspective, *from, EntryPoint::ALL.get(to).copied()))
        })
    });
    let flows = moves
        .zip(counted.chunks_exact(2))
        .map(|((perspective, from, to), cells)| Flow {
            perspective,
            from,
            to,
            count: cells[0],
            illustrative: cells[1],
        });
    Ok(Flows {
        flows: flows.collect(),
        basis: Basis::of(base, question.viewpoint),
    })
}
