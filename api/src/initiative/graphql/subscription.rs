//! Subscriptions to published and changed initiatives.

use std::sync::Arc;

use async_graphql::{Context, Result, Subscription};
use futures_util::{Stream, StreamExt, stream};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, Select};
use wayin_entity::initiative;

use super::{Initiative, select_listed};
use crate::app::App;
use crate::auth::permission::SubscriptionGuard;
use crate::error::Error;
use crate::graphql::app_from_context;
use crate::initiative::filter_input::InitiativeFilter;
use crate::pattern::engine::AlteredEvent;
use crate::subscriptions::broadcast::{EventStream, LaggedFlag};

#[derive(Default)]
pub struct InitiativeSubscription;

#[Subscription(guard = "SubscriptionGuard")]
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
        let select = select_listed(ctx, filter, true).await?;
        Ok(altered
            .then(move |altered| {
                let (app, behind, select) = (Arc::clone(&app), behind.clone(), select.clone());
                async move { load_listed(&app, behind, select, altered).await }
            })
            .take_while(|read| std::future::ready(read.is_some()))
            .flat_map(|read| stream::iter(read.into_iter().flatten())))
    }
}

/// Loads the changed initiatives that are in the list. None if that cannot be determined.
async fn load_listed(
    app: &App,
    behind: Option<Arc<LaggedFlag>>,
    select: Select<initiative::Entity>,
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
    let rows = select
        .filter(initiative::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(initiative::Column::Id)
        .all(&app.db)
        .await;
    Some(match rows {
        Ok(rows) => rows.into_iter().map(|row| Ok(Initiative(row))).collect(),
        Err(cause) => vec![Err(Error::from(cause).into())],
    })
}
