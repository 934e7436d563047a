//! A distribution over GraphQL.

use async_graphql::{Context, Object, Result};

use super::parts::{
    Caution, DisclosureControl, Suppression, encode_group_key, find_organisation, find_place,
    to_graphql_count, to_visible_count,
};
use crate::graphql::app_from_context;
use crate::graphql::as_of::AsOf;
use crate::initiative::graphql::{Organisation, Place};
use wayin_engine::query::RecordScope;
use wayin_engine::{answer, cautions};

/// The number of initiatives with each value of a dimension.
pub struct Distribution(pub answer::Distribution);

/// The number of initiatives with each value of a dimension.
#[Object]
impl Distribution {
    /// Every possible value. Initiatives without a recorded value come last.
    async fn bins(&self) -> Vec<DistributionBin> {
        self.0.bins.iter().cloned().map(DistributionBin).collect()
    }

    /// Cautions to consider before you use this answer.
    pub(super) async fn cautions(&self) -> Vec<Caution> {
        Caution::list(cautions::list_distribution_cautions(&self.0))
    }

    /// Which counts you can compare. VISIBLE if too many counts of scope ALL are suppressed.
    pub(super) async fn basis(&self) -> RecordScope {
        self.0.figures_basis
    }

    /// Which records were counted.
    pub(super) async fn scope(&self) -> RecordScope {
        self.0.basis.scope
    }

    /// How disclosure control changed the answer. For a bin, see its `suppressed`.
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

/// The number of initiatives with one value of a dimension.
pub struct DistributionBin(answer::Bin);

/// The number of initiatives with one value of a dimension.
#[Object]
impl DistributionBin {
    /// The code, year or global ID of the value.
    /// Null for initiatives with no recorded value.
    async fn key(&self) -> Option<String> {
        encode_group_key(&self.0.group.key)
    }

    /// The label in plain words.
    async fn label(&self) -> &str {
        &self.0.group.label
    }

    /// The number of initiatives with this value. Null if suppressed. An initiative with several values
    /// counts once for each.
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

    /// The place, if the value is a place. Otherwise null.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        find_place(ctx, &self.0.group.key).await
    }

    /// The organisation, if the value is an organisation. Otherwise null.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        find_organisation(ctx, &self.0.group.key).await
    }

    /// The suppressed counts, with the rule.
    async fn suppressed(&self) -> Vec<Suppression> {
        Suppression::list([("count", &self.0.count), ("illustrative", &self.0.illustrative)])
    }
}
