//! Patterns over GraphQL.

mod associations;
mod distribution;
mod flows;
mod grid;
mod groups;
pub mod parts;
mod pattern;
mod subscription;

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use wayin_entity::{Dimension, Perspective};

pub use self::associations::{Association, NamedCondition};
pub use self::distribution::DistributionBin;
pub use self::flows::EntryPointFlow;
pub use self::grid::PatternGrid;
pub use self::pattern::Pattern;
pub use self::subscription::PatternSubscription;
use super::ask::{Asker, PatternInput};
use crate::graphql::{app, reader};
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::query::RecordScope;

/// Questions across places.
#[derive(Default)]
pub struct PatternQuery;

fn asker(ctx: &Context<'_>, scope: RecordScope, min_change_number: Option<i64>) -> Result<Asker> {
    Ok(Asker::new(app(ctx), None, reader(ctx)?, scope, min_change_number))
}

/// Whether a pattern's cautions are asked for, which take a look at where its records come from.
pub fn asks_for_cautions(ctx: &Context<'_>) -> bool {
    ctx.look_ahead().field("cautions").exists()
}

#[Object]
impl PatternQuery {
    /// How often two conditions coincide. Any condition can be crossed with any other.
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn pattern(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The one condition.")] when: InitiativeFilter,
        #[graphql(desc = "The other condition.")] then: InitiativeFilter,
        #[graphql(desc = "Among which initiatives: those of which this is TRUE; all where nothing is said.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "What they are told apart by.")] by: Option<Dimension>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer has seen this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Pattern> {
        let input = PatternInput {
            when,
            then,
            among,
            by,
            concentration: asks_for_cautions(ctx),
        };
        Ok(Box::pin(Pattern::answer(&asker(ctx, scope, min_change_number)?, input)).await?)
    }

    /// Every value of one dimension against every value of another: an evidence map, whose empty cells
    /// are the gaps.
    async fn pattern_grid(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The dimension of the rows.")] rows: Dimension,
        #[graphql(desc = "The dimension of the columns.")] columns: Dimension,
        #[graphql(desc = "Among which initiatives: those of which this is TRUE; all where nothing is said.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer has seen this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<PatternGrid> {
        let asker = asker(ctx, scope, min_change_number)?;
        Ok(PatternGrid::new(
            Box::pin(asker.grid(rows, columns, among)).await?,
        ))
    }

    /// Which pairs out of a list of conditions coincide more than chance, corrected for how many were tried.
    async fn associations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conditions, from 2 to 40.")] conditions: Vec<NamedCondition>,
        #[graphql(desc = "Among which initiatives: those of which this is TRUE; all where nothing is said.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer has seen this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Vec<Association>> {
        let (names, conditions): (Vec<String>, Vec<InitiativeFilter>) = conditions
            .into_iter()
            .map(|named| (named.name, named.condition))
            .unzip();
        let names: Arc<[String]> = names.into();
        let found = Box::pin(asker(ctx, scope, min_change_number)?.associations(conditions, among)).await?;
        Ok(found
            .into_iter()
            .map(|found| Association {
                names: Arc::clone(&names),
                found,
            })
            .collect())
    }

    /// From which way in to which later entry points initiatives move, by perspective, with those that stay;
    /// every move that there can be.
    async fn entry_point_flows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Among which initiatives: those of which this is TRUE; all where nothing is said.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "In whose view; in everybody's, one after the other, where nothing is said.")]
        perspective: Option<Perspective>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer has seen this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Vec<EntryPointFlow>> {
        let found = Box::pin(asker(ctx, scope, min_change_number)?.flows(among, perspective)).await?;
        let basis = found.basis;
        Ok(found
            .flows
            .into_iter()
            .map(|flow| EntryPointFlow { flow, basis })
            .collect())
    }

    /// How many initiatives have each value of a dimension; every value of its domain, those that do not
    /// say last.
    async fn distribution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The dimension.")] of: Dimension,
        #[graphql(desc = "Among which initiatives: those of which this is TRUE; all where nothing is said.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer has seen this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Vec<DistributionBin>> {
        let found = Box::pin(asker(ctx, scope, min_change_number)?.distribution(of, among)).await?;
        Ok(distribution::bins(found))
    }
}
