//! Moves between entry points over GraphQL.

use async_graphql::{Context, Object};
use wayin_entity::{EntryPoint, Perspective};

use super::parts::{AsOf, Caution, DisclosureControl, number};
use crate::graphql::app;
use wayin_engine::answer::{Basis, FLOWS_OVERLAP, Flow};
use wayin_engine::cautions;
use wayin_engine::query::RecordScope;

/// How many initiatives moved from their way in to a later entry point, or stayed with it.
pub struct EntryPointFlow {
    /// The move.
    pub flow: Flow,
    /// Which records it is from.
    pub basis: Basis,
}

/// How many initiatives moved from their way in to a later entry point, or stayed with it.
#[Object]
impl EntryPointFlow {
    /// In whose view.
    async fn perspective(&self) -> Perspective {
        self.flow.perspective
    }

    /// The way in.
    async fn from(&self) -> EntryPoint {
        self.flow.from
    }

    /// The later entry point; null for those that stayed with their way in.
    async fn to(&self) -> Option<EntryPoint> {
        self.flow.to
    }

    /// How many; null where that is suppressed. One with several later entry points counts once for each.
    async fn count(&self) -> Option<i64> {
        number(&self.flow.count)
    }

    /// How many of them were made up to show how Wayin works; null where that is suppressed.
    async fn illustrative(&self) -> Option<i64> {
        number(&self.flow.illustrative)
    }

    /// What to mind when reading it.
    async fn cautions(&self) -> Vec<Caution> {
        let marked = std::iter::once((&self.flow.count, &self.flow.illustrative));
        cautions::of_marked_counts(&self.basis, FLOWS_OVERLAP, marked)
            .into_iter()
            .map(Caution::from)
            .collect()
    }

    /// Which records were counted.
    async fn scope(&self) -> RecordScope {
        self.basis.scope
    }

    /// What disclosure control did to its counts.
    async fn disclosure(&self) -> DisclosureControl {
        DisclosureControl::of(
            &self.basis,
            [
                ("count", &self.flow.count),
                ("illustrative", &self.flow.illustrative),
            ],
        )
    }

    /// The newest change that this answer has seen.
    async fn as_of(&self) -> AsOf {
        self.basis.as_of.into()
    }

    /// The licence under which this answer may be used again.
    async fn licence<'a>(&self, ctx: &Context<'a>) -> &'a str {
        app(ctx).engine.licence()
    }
}
