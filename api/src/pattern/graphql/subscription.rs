//! The subscription to a pattern.

use std::time::Duration;

use async_graphql::{Context, Result, Subscription};
use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use wayin_entity::Dimension;

use super::super::service::{PatternInput, PatternService};
use super::{Pattern, new_service, selects_cautions};
use crate::error::Error;
use crate::graphql::app_from_context;
use crate::initiative::filter_input::InitiativeFilter;
use wayin_engine::query::RecordScope;

/// The least time between two answers that are sent to the client.
const MIN_SEND_INTERVAL: Duration = Duration::from_secs(1);
/// The least time between two queries to the engine.
const MIN_QUERY_INTERVAL: Duration = Duration::from_millis(200);

/// The subscription fields for patterns.
#[derive(Default)]
pub struct PatternSubscription;

#[Subscription]
impl PatternSubscription {
    /// How often two conditions coincide. Sends the current answer at once, and then a new one each time
    /// the answer changes, at most once a second. A change of `asOf` alone is not sent.
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn pattern_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first condition.")] when: InitiativeFilter,
        #[graphql(desc = "The second condition.")] then: InitiativeFilter,
        #[graphql(desc = "Only count initiatives for which this filter is TRUE; all by default.")]
        among: Option<InitiativeFilter>,
        #[graphql(desc = "The dimension to group by.")] by: Option<Dimension>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
    ) -> Result<impl Stream<Item = Result<Pattern>> + use<>> {
        let input = PatternInput {
            when,
            then,
            among,
            by,
            concentration: selects_cautions(ctx),
        };
        let newest = app_from_context(ctx).engine.subscribe_newest();
        Box::pin(LivePattern::subscribe(
            new_service(ctx, scope, None)?,
            input,
            newest,
        ))
        .await
    }
}

/// A pattern that is queried again after each change.
struct LivePattern {
    service: PatternService,
    input: PatternInput,
    newest: watch::Receiver<i64>,
    last: Pattern,
    last_queried: Instant,
    last_sent: Option<Instant>,
}

impl LivePattern {
    /// Sends the current answer, and then each one that differs from the last.
    async fn subscribe(
        asker: PatternService,
        input: PatternInput,
        mut newest: watch::Receiver<i64>,
    ) -> Result<impl Stream<Item = Result<Pattern>> + use<>> {
        newest.mark_unchanged();
        let last = Box::pin(Pattern::load(&asker, input.clone())).await?;
        let changing = Self {
            service: asker,
            input,
            newest,
            last,
            last_queried: Instant::now(),
            last_sent: None,
        };
        Ok(stream::unfold(Some(changing), async |changing| {
            let mut changing = changing?;
            match changing.next_change().await {
                Ok(Some(pattern)) => Some((Ok(pattern), Some(changing))),
                Ok(None) => None,
                // An error ends the subscription.
                Err(cause) => Some((Err(cause.into()), None)),
            }
        }))
    }

    /// The next answer that differs from the last one. None if no more can come.
    async fn next_change(&mut self) -> Result<Option<Pattern>, Error> {
        let Some(sent) = self.last_sent else {
            self.last_sent = Some(Instant::now());
            return Ok(Some(self.last.clone()));
        };
        loop {
            if self.newest.changed().await.is_err() {
                return Ok(None);
            }
            sleep_until((sent + MIN_SEND_INTERVAL).max(self.last_queried + MIN_QUERY_INTERVAL)).await;
            self.newest.mark_unchanged();
            self.last_queried = Instant::now();
            match Box::pin(Pattern::load(&self.service, self.input.clone())).await {
                Ok(answer) if answer.is_same_result(&self.last) => {}
                Ok(answer) => {
                    self.last = answer.clone();
                    self.last_sent = Some(Instant::now());
                    return Ok(Some(answer));
                }
                // The engine is busy or not ready: query again after a pause.
                Err(Error::QueryTimeout | Error::NotReady | Error::Unavailable { .. }) => {
                    tokio::time::sleep(MIN_SEND_INTERVAL).await;
                    self.newest.mark_changed();
                }
                Err(cause) => return Err(cause),
            }
        }
    }
}
