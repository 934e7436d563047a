//! Flows between entry points over GraphQL.

use async_graphql::{Context, Object};
use wayin_entity::{EntryPoint, Perspective};

use super::parts::{Caution, DisclosureControl, Suppression, to_graphql_count, to_visible_count};
use crate::graphql::app_from_context;
use crate::graphql::as_of::AsOf;
use wayin_engine::query::RecordScope;
use wayin_engine::{answer, cautions};

/// How many initiatives moved from each way in to each later entry point, or stayed, by perspective.
pub struct EntryPointFlows(pub answer::FlowCounts);

/// How many initiatives moved from each way in to each later entry point, or stayed, by perspective.
#[Object]
impl EntryPointFlows {
    /// Every possible move.
    async fn flows(&self) -> Vec<EntryPointFlow> {
        self.0.flows.iter().copied().map(EntryPointFlow).collect()
    }

    /// Cautions to consider before you use this answer.
    pub(super) async fn cautions(&self) -> Vec<Caution> {
        Caution::list(cautions::list_flow_cautions(&self.0))
    }

    /// Which counts you can compare. VISIBLE if too many counts of scope ALL are suppressed.
    pub(super) async fn basis(&self) -> RecordScope {
        self.0.figures_basis
    }

    /// Which records were counted.
    pub(super) async fn scope(&self) -> RecordScope {
        self.0.basis.scope
    }

    /// How disclosure control changed the answer. For a move, see its `suppressed`.
    pub(super) async fn disclosure(&self) -> DisclosureControl {
        DisclosureControl::of(&self.0.basis, [])
    }

    /// The newest change that this answer includes.
    pub(super) async fn as_of(&self) -> AsOf {
        self.0.basis.as_of.into()
    }

    /// The licence under which you can reuse the answer.
    pub(super) async fn licence<'a>(&self, ctx: &Context<'a>) -> &'a str {
        app_from_context(ctx).engine.licence()
    }
}

/// The number of initiatives that moved from one way in to one later entry point, or took no later one.
pub struct EntryPointFlow(answer::FlowCount);

/// The number of initiatives that moved from one way in to one later entry point, or took no later one.
#[Object]
impl EntryPointFlow {
    /// The perspective from which the entry points were recorded.
    async fn perspective(&self) -> Perspective {
        self.0.perspective
    }

    /// The way in: the first entry point.
    async fn from(&self) -> EntryPoint {
        self.0.from
    }

    /// The later entry point. Null for initiatives that stayed with their way in.
    async fn to(&self) -> Option<EntryPoint> {
        self.0.to
    }

    /// The number of initiatives. Null if suppressed. An initiative with several later entry points counts
    /// once for each.
    async fn count(&self) -> Option<i64> {
        to_graphql_count(&self.0.count)
    }

    /// The exact number of these initiatives that you can read in full.
    async fn visible_count(&self) -> i64 {
        to_visible_count(&self.0.count)
    }

    /// The number of these initiatives that are illustrative: made up to show how Wayin works. Null if
    /// suppressed.
    async fn illustrative(&self) -> Option<i64> {
        to_graphql_count(&self.0.illustrative)
    }

    /// The suppressed counts, with the rule.
    async fn suppressed(&self) -> Vec<Suppression> {
        Suppression::list([("count", &self.0.count), ("illustrative", &self.0.illustrative)])
    }
}
