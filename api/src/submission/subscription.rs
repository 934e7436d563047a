//! Subscriptions to submissions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::{Context, Result, Subscription};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use uuid::Uuid;

use super::find_submissions;
use super::graphql::Submission;
use crate::app::App;
use crate::auth::requester::AuthenticatedMember;
use crate::graphql::{app_from_context, require_member};
use crate::subscriptions::broadcast::LaggedFlag;
use crate::subscriptions::{SubmissionChanged, SubscriptionHub};

/// The maximum number of waiting polls that are combined, so that several changes of one submission are
/// reported once.
const POLLS_PER_BATCH: usize = 16;
/// The number of submissions that are loaded together. They contain whole records and stay in memory until
/// they are sent.
const SUBMISSIONS_PER_BATCH: usize = 128;

#[derive(Default)]
pub struct SubmissionSubscription;

#[Subscription]
impl SubmissionSubscription {
    /// Sends a submission each time it is saved or changes state. You get the submissions of your
    /// organisation, or of all organisations for stewards. Changes in quick succession can be sent as one.
    /// For partners and stewards.
    async fn submission_changed(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<Submission>> + use<>> {
        let (app, member) = (Arc::clone(app_from_context(ctx)), require_member(ctx)?.clone());
        let behind = ctx.data_opt::<Arc<LaggedFlag>>().cloned();
        let found = SubscriptionHub::subscribe_to_submissions(app.poll_context())
            .await?
            .into_stream(behind);
        // Submissions of other organisations are not loaded.
        let own = member.reader().organisation();
        Ok(found
            .ready_chunks(POLLS_PER_BATCH)
            .flat_map(move |found| {
                let moved = found.iter().flat_map(|moved| moved.iter().copied());
                let moved =
                    deduplicate_moves(moved.filter(|moved| own.is_none_or(|own| own == moved.organisation)));
                stream::iter(moved).chunks(SUBMISSIONS_PER_BATCH)
            })
            .then(move |moved| {
                let (app, member) = (Arc::clone(&app), member.clone());
                async move { load_submissions(&app, &member, &moved).await }
            })
            .flat_map(stream::iter))
    }
}

/// Keeps the last change of each submission, in order.
fn deduplicate_moves(moved: impl DoubleEndedIterator<Item = SubmissionChanged>) -> Vec<SubmissionChanged> {
    let mut later = HashSet::new();
    let mut last: Vec<_> = moved.rev().filter(|moved| later.insert(moved.id)).collect();
    last.reverse();
    last
}

/// Loads the changed submissions that a member can see.
async fn load_submissions(
    app: &App,
    member: &AuthenticatedMember,
    moved: &[SubmissionChanged],
) -> Vec<Result<Submission>> {
    let rows = match find_submissions(&app.db, member, moved.iter().map(|moved| moved.id)).await {
        Ok(rows) => rows,
        Err(cause) => return vec![Err(cause.into())],
    };
    let changed_at: HashMap<Uuid, DateTime<Utc>> = moved.iter().map(|moved| (moved.id, moved.at)).collect();
    rows.into_iter()
        // A submission that has changed again is reported with its next change.
        .filter(|row| changed_at.get(&row.id) == Some(&row.updated_at))
        .map(|row| Ok(Submission(row)))
        .collect()
}
