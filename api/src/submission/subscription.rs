//! Submissions as they are saved and moved.

use std::sync::Arc;

use async_graphql::{Context, Result, Subscription};
use futures_util::{Stream, StreamExt};

use super::find;
use super::graphql::Submission;
use crate::auth::permission::Subscribing;
use crate::graphql::{app, member};
use crate::live::Live;
use crate::live::feed::Behind;

/// The submissions in hand, as they change.
#[derive(Default)]
pub struct SubmissionSubscription;

#[Subscription(guard = "Subscribing")]
impl SubmissionSubscription {
    /// Each submission that is saved or moved from now on, as it stands then: those of your organisation,
    /// to stewards everybody's. What happens to one within a moment may come as one. For partners and stewards.
    async fn submission_changed(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<Submission>> + use<>> {
        let (app, member) = (Arc::clone(app(ctx)), member(ctx)?.clone());
        let behind = ctx.data_opt::<Arc<Behind>>().cloned();
        let moved = Live::submissions(&app).await?.events(behind);
        Ok(moved.filter_map(move |moved| {
            let (app, member) = (Arc::clone(&app), member.clone());
            async move {
                // What somebody may not see is not even looked for where that is plain.
                if member
                    .reader()
                    .organisation()
                    .is_some_and(|own| own != moved.organisation)
                {
                    return None;
                }
                match find(&app.db, &member, moved.id).await {
                    // One that was moved again since is told of again.
                    Ok(row) => row
                        .filter(|row| row.updated_at == moved.at)
                        .map(|row| Ok(Submission(row))),
                    Err(cause) => Some(Err(cause.into())),
                }
            }
        }))
    }
}
