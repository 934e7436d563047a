//! A distribution over GraphQL.

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::parts::{
    AsOf, Caution, DisclosureControl, encode_group_key, find_organisation, find_place, to_graphql_count,
};
use crate::graphql::app_from_context;
use crate::initiative::graphql::{Organisation, Place};
use wayin_engine::answer::{Basis, Bin, Distribution};
use wayin_engine::cautions;
use wayin_engine::query::RecordScope;

/// The number of initiatives with one value of a dimension.
pub struct DistributionBin {
    bin: Bin,
    overlap: bool,
    basis: Arc<Basis>,
}

/// The number of initiatives with one value of a dimension.
#[Object]
impl DistributionBin {
    /// The code, year or global ID of the value. `OTHERS` groups all organisations that you cannot see.
    /// Null for initiatives with no recorded value.
    async fn key(&self) -> Option<String> {
        encode_group_key(&self.bin.group.key)
    }

    /// The label in plain words.
    async fn label(&self) -> &str {
        &self.bin.group.label
    }

    /// The number of initiatives with this value. Null if suppressed. An initiative with several values
    /// counts once for each.
    async fn count(&self) -> Option<i64> {
        to_graphql_count(&self.bin.count)
    }

    /// The number of these initiatives that are illustrative: made up to show how Wayin works. Null if
    /// suppressed.
    async fn illustrative(&self) -> Option<i64> {
        to_graphql_count(&self.bin.illustrative)
    }

    /// The place, if the value is a place. Otherwise null.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        find_place(ctx, &self.bin.group.key).await
    }

    /// The organisation, if the value is an organisation. Otherwise null.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        find_organisation(ctx, &self.bin.group.key).await
    }

    /// Cautions to consider before you use this answer.
    async fn cautions(&self) -> Vec<Caution> {
        let marked = std::iter::once((&self.bin.count, &self.bin.illustrative));
        cautions::list_marked_count_cautions(&self.basis, self.overlap, marked)
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
                ("count", &self.bin.count),
                ("illustrative", &self.bin.illustrative),
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

/// The bins of a distribution: places and organisations by name, others in their own
/// order, those that do not say last.
pub fn list_bins(distribution: Distribution) -> Vec<DistributionBin> {
    let basis = Arc::new(distribution.basis);
    let mut bins = distribution.bins;
    bins.sort_by_cached_key(|bin| bin.group.rank());
    bins.into_iter()
        .map(|bin| DistributionBin {
            bin,
            overlap: distribution.bins_overlap,
            basis: Arc::clone(&basis),
        })
        .collect()
}
