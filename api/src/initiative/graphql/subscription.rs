//! Subscriptions to published and changed initiatives.

use std::sync::Arc;

use async_graphql::{Context, Result, Subscription};
use futures_util::{Stream, StreamExt, stream};
use wayin_engine::list::{ListQuery, required_part, select_listed};
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::visibility::Reader;

use super::lists::NEWEST_FIRST;
use super::loaders::read_visible;
use super::{Initiative, parse_condition};
use crate::app::App;
use crate::error::Error;
use crate::graphql::{app_from_context, require_reader};
use crate::initiative::filter_input::InitiativeFilter;
use crate::pattern::engine::AlteredEvent;
use crate::subscriptions::broadcast::{EventStream, LaggedFlag};

#[derive(Default)]
pub struct InitiativeSubscription;

#[Subscription]
impl InitiativeSubscription {
    /// Sends an initiative each time it is published or changed, if you can read it and the filter is TRUE.
    /// A record that a funder can read only in part is included if the filter uses only that part. Names in
    /// the filter are resolved once, when you subscribe.
    async fn initiative_published(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which initiatives to return. By default, all that you can see.")] filter: Option<
            InitiativeFilter,
        >,
    ) -> Result<impl Stream<Item = Result<Initiative>> + use<>> {
        let app = Arc::clone(app_from_context(ctx));
        let behind = ctx.data_opt::<Arc<LaggedFlag>>().cloned();
        let altered = EventStream::new(app.engine.subscribe_altered(), None).into_stream(behind.clone());
        let reader = require_reader(ctx)?;
        let condition = parse_condition(ctx, filter).await?;
        Ok(altered
            .then(move |altered| {
                let (app, behind, condition) = (Arc::clone(&app), behind.clone(), condition.clone());
                async move { load_listed(&app, behind, reader, condition, altered).await }
            })
            .take_while(|read| std::future::ready(read.is_some()))
            .flat_map(|read| stream::iter(read.into_iter().flatten())))
    }
}

/// Loads the changed initiatives that the reader can see and for which a condition is TRUE. None if that cannot be
/// determined.
async fn load_listed(
    app: &App,
    behind: Option<Arc<LaggedFlag>>,
    reader: Reader,
    condition: InitiativePredicate,
    altered: AlteredEvent,
) -> Option<Vec<Result<Initiative>>> {
    let ids = match altered {
        AlteredEvent::Initiatives(ids) => ids,
        AlteredEvent::Everything => {
            if let Some(behind) = behind {
                behind.mark();
            }
            return None;
        }
    };
    let query = ListQuery {
        required: required_part(&condition, NEWEST_FIRST),
        reader,
        condition,
    };
    let rows = async {
        let (required, view) = (query.required, app.engine.view()?);
        let listed = view
            .run_query(move |context| select_listed(context, &query, &ids))
            .await?;
        let rows = read_visible(&app.db, reader, required, &listed).await?;
        Ok::<_, Error>(
            listed
                .into_iter()
                .filter_map(|id| rows.get(&id).cloned())
                .collect::<Vec<_>>(),
        )
    };
    Some(match rows.await {
        Ok(rows) => rows
            .into_iter()
            .map(|row| Ok(Initiative::new(row.into())))
            .collect(),
        Err(cause) => vec![Err(cause.into())],
    })
}
