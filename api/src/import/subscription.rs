//! The progress of an import, as a GraphQL subscription.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;
use wayin_entity::import;

use super::graphql::Import;
use super::job;
use crate::app::App;
use crate::auth::requester::AuthenticatedMember;
use crate::error::Error;
use crate::graphql::{app_from_context, decode_argument, require_member};
use crate::id::NodeKind;

/// The shortest time between two checks of an import.
const MIN_CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// How long it waits for a notification before it checks anyway.
const MAX_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The subscription to the progress of an import.
#[derive(Default)]
pub struct ImportSubscription;

#[Subscription]
impl ImportSubscription {
    /// Sends an import at once, and then as its rows are processed, at most five times a second. Ends when
    /// the import ends. For funders, partners and stewards.
    async fn import_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID of the import.")] id: ID,
    ) -> Result<impl Stream<Item = Result<Import>> + use<>> {
        let id = decode_argument(NodeKind::Import, "id", &id)?;
        let (app, member) = (Arc::clone(app_from_context(ctx)), require_member(ctx)?.clone());
        let notifications = app.engine.notifier().subscribe();
        let Some(import) = job::find(&app.db, &member, id).await? else {
            return Err(Error::bad_input("id", "there is no such import that you may see").into());
        };
        let progress = Progress {
            app,
            member,
            id,
            notifications,
            last: import,
            checked: None,
        };
        Ok(stream::unfold(Some(progress), async |progress| {
            let mut progress = progress?;
            match progress.next().await {
                Ok(Some(import)) => {
                    let more = import.ended_at.is_none();
                    Some((Ok(Import(import)), more.then_some(progress)))
                }
                Ok(None) => None,
                Err(cause) => Some((Err(cause.into()), None)),
            }
        }))
    }
}

/// An import that is checked again and again.
struct Progress {
    app: Arc<App>,
    member: AuthenticatedMember,
    id: Uuid,
    /// Notifies of changes in the database.
    notifications: watch::Receiver<()>,
    /// The import as it was sent last.
    last: import::Model,
    /// The time of the last check. None before the first result is sent.
    checked: Option<Instant>,
}

impl Progress {
    /// Waits until the import has progressed, and returns it. None if the member can no longer see it.
    async fn next(&mut self) -> Result<Option<import::Model>, Error> {
        let Some(mut checked) = self.checked else {
            self.checked = Some(Instant::now());
            return Ok(Some(self.last.clone()));
        };
        loop {
            tokio::select! {
                _ = self.notifications.changed() => {}
                () = tokio::time::sleep(MAX_CHECK_INTERVAL) => {}
            }
            sleep_until(checked + MIN_CHECK_INTERVAL).await;
            self.notifications.mark_unchanged();
            checked = Instant::now();
            self.checked = Some(checked);
            let Some(import) = job::find(&self.app.db, &self.member, self.id).await? else {
                return Ok(None);
            };
            if has_progressed(&import, &self.last) {
                self.last = import.clone();
                return Ok(Some(import));
            }
        }
    }
}

/// Whether an import has progressed. The renewal of a lease is not progress.
fn has_progressed(now: &import::Model, before: &import::Model) -> bool {
    now.state != before.state
        || now.rows_processed != before.rows_processed
        || now.ended_at != before.ended_at
}
