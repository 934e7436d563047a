//! Patterns over GraphQL.

mod answer;
mod associations;
mod comparison;
mod distribution;
mod flows;
mod grid;
mod groups;
pub mod parts;
mod pattern;
mod question_counts;
mod subscription;

use async_graphql::{Context, Object, Result};
use wayin_entity::{Dimension, Perspective};

pub use self::answer::Answer;
pub use self::associations::{Associations, NamedCondition};
pub use self::comparison::{Comparison, ComparisonGroupInput, list_compared_groups};
pub use self::distribution::Distribution;
pub use self::flows::EntryPointFlows;
pub use self::grid::PatternGrid;
pub use self::pattern::Pattern;
pub use self::question_counts::QuestionCountQuery;
pub use self::subscription::PatternSubscription;
use super::asker::Asker;
use super::service::{ComparisonInput, PatternInput, PatternService};
use crate::auth::requester::Requester;
use crate::graphql::app_from_context;
use crate::graphql::loader::operation_loader;
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::query::RecordScope;

/// The query fields for patterns.
#[derive(Default)]
pub struct PatternQuery;

/// A service that answers the fields of one operation from one view.
fn operation_service(
    ctx: &Context<'_>,
    scope: RecordScope,
    min_change_number: Option<i64>,
) -> Result<PatternService> {
    let service = new_service(ctx, scope, min_change_number)?;
    Ok(service.within_operation(operation_loader(ctx).view()))
}

fn new_service(
    ctx: &Context<'_>,
    scope: RecordScope,
    min_change_number: Option<i64>,
) -> Result<PatternService> {
    let app = app_from_context(ctx);
    let asker = Asker::from_requester(&app.permissions, ctx.data_unchecked::<Requester>(), scope)?;
    Ok(PatternService::new(app, asker, scope, min_change_number).already_authorised())
}

/// Whether the operation selects the cautions or the summary of a pattern. Only they need its concentration.
pub fn selects_cautions(ctx: &Context<'_>) -> bool {
    ["cautions", "summary"]
        .iter()
        .any(|field| ctx.look_ahead().field(field).exists())
}

#[Object]
impl PatternQuery {
    /// How often two conditions coincide. You can combine any two conditions.
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn pattern(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first condition.")] when: InitiativeFilter,
        #[graphql(desc = "The second condition.")] then: InitiativeFilter,
        #[graphql(desc = "Only count initiatives for which this filter is TRUE; all by default.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "The dimension to group by.")] by: Option<Dimension>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Pattern> {
        let input = PatternInput {
            when,
            then,
            among,
            by,
            concentration: selects_cautions(ctx),
        };
        Ok(Box::pin(Pattern::load(
            &operation_service(ctx, scope, min_change_number)?,
            input,
        ))
        .await?)
    }

    /// The number of initiatives for every combination of two dimensions: an evidence map, whose empty
    /// cells are the gaps.
    async fn pattern_grid(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The dimension of the rows.")] rows: Dimension,
        #[graphql(desc = "The dimension of the columns.")] columns: Dimension,
        #[graphql(desc = "Only count initiatives for which this filter is TRUE; all by default.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<PatternGrid> {
        let asker = operation_service(ctx, scope, min_change_number)?;
        Ok(PatternGrid::new(
            Box::pin(asker.query_grid(rows, columns, among)).await?,
        ))
    }

    /// How often the conditions in each pair from a list coincide. `qValue` corrects the p-value for the
    /// number of pairs.
    async fn associations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conditions to compare, each with every other. Give 2 to 40.")] conditions: Vec<
            NamedCondition,
        >,
        #[graphql(desc = "Only count initiatives for which this filter is TRUE; all by default.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Associations> {
        let (names, conditions): (Vec<String>, Vec<InitiativeFilter>) = conditions
            .into_iter()
            .map(|named| (named.name, named.condition))
            .unzip();
        let asker = operation_service(ctx, scope, min_change_number)?;
        let found = Box::pin(asker.query_associations(conditions, among)).await?;
        Ok(Associations::new(names.into(), found))
    }

    /// How the share of initiatives that have `then` differs between each group and the rest. Give either
    /// `groups` or `portfolio: true`.
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn compare(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The groups, each compared with the rest. Give 1 to 10.")] groups: Option<
            Vec<ComparisonGroupInput>,
        >,
        #[graphql(
            desc = "Compares one group: the initiatives that your organisation funds or leads. An error if you belong to no organisation.",
            default
        )]
        portfolio: bool,
        #[graphql(desc = "The condition whose share is compared.")] then: InitiativeFilter,
        #[graphql(desc = "Only count initiatives for which this filter is TRUE; all by default.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Comparison> {
        let service = operation_service(ctx, scope, min_change_number)?;
        let input = ComparisonInput {
            groups: list_compared_groups(groups, portfolio, service.asker().organisation)?,
            then,
            among,
        };
        Ok(Box::pin(Comparison::load(&service, input)).await?)
    }

    /// How many initiatives moved from each way in to each later entry point, or stayed, by perspective.
    /// Includes every possible move.
    async fn entry_point_flows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only count initiatives for which this filter is TRUE; all by default.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "Only this perspective. By default, all perspectives, one after the other.")]
        perspective: Option<Perspective>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<EntryPointFlows> {
        let asker = operation_service(ctx, scope, min_change_number)?;
        Ok(EntryPointFlows(
            Box::pin(asker.query_flows(among, perspective)).await?,
        ))
    }

    /// The number of initiatives with each value of a dimension. Includes every possible value. Initiatives
    /// without a recorded value come last.
    async fn distribution(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The dimension.")] of: Dimension,
        #[graphql(desc = "Only count initiatives for which this filter is TRUE; all by default.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Distribution> {
        let asker = operation_service(ctx, scope, min_change_number)?;
        Ok(Distribution(Box::pin(asker.query_distribution(of, among)).await?))
    }
}
