//! Moves between entry points over GraphQL.

use async_graphql::{Context, Object};
use wayin_entity::{EntryPoint, Perspective};

use super::parts::{AsOf, Caution, DisclosureControl, to_graphql_count};
use crate::graphql::app_from_context;
use wayin_engine::answer::{Basis, FLOWS_OVERLAP, FlowCount};
use wayin_engine::cautions;
use wayin_engine::query::RecordScope;

/// The number of initiatives that moved from one way in to one later entry point, or took no later one.
pub struct EntryPointFlow {
    /// The move.
    pub flow: FlowCount,
    /// Which records it is from.
    pub basis: Basis,
}

/// The number of initiatives that moved from one way in to one later entry point, or took no later one.
#[Object]
impl EntryPointFlow {
    /// The perspective from which the entry points were recorded.
    async fn perspective(&self) -> Perspective {
        self.flow.perspective
    }

    /// The way in: the first entry point.
    async fn from(&self) -> EntryPoint {
        self.flow.from
    }

    /// The later entry point. Null for initiatives that stayed with their way in.
    async fn to(&self) -> Option<EntryPoint> {
        self.flow.to
    }

    /// The number of initiatives. Null if suppressed. An initiative with several later entry points counts
    /// once for each.
    async fn count(&self) -> Option<i64> {
        to_graphql_count(&self.flow.count)
    }

    /// The number of these initiatives that are illustrative: made up to show how Wayin works. Null if
    /// suppressed.
    async fn illustrative(&self) -> Option<i64> {
        to_graphql_count(&self.flow.illustrative)
    }

    /// Cautions to consider before you use this answer.
    async fn cautions(&self) -> Vec<Caution> {
        let marked = std::iter::once((&self.flow.count, &self.flow.illustrative));
        cautions::list_marked_count_cautions(&self.basis, FLOWS_OVERLAP, marked)
            .into_iter()
            .map(Caution::from)
            .collect()
    }

    /// Which records were counted.
    async fn scope(&self) -> RecordScope {
        self.basis.scope
    }

    /// How disclosure control changed the counts.
    async fn disclosure(&self) -> DisclosureControl {
        DisclosureControl::of(
            &self.basis,
            [
                ("count", &self.flow.count),
                ("illustrative", &self.flow.illustrative),
            ],
        )
    }

    /// The newest change that this answer includes.
    async fn as_of(&self) -> AsOf {
        self.basis.as_of.into()
    }

    /// The licence under which you can reuse the answer.
    async fn licence<'a>(&self, ctx: &Context<'a>) -> &'a str {
        app_from_context(ctx).engine.licence()
    }
}
