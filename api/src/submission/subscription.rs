//! Submissions as they are saved and moved.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::{Context, Result, Subscription};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use uuid::Uuid;

use super::find_all;
use super::graphql::Submission;
use crate::app::App;
use crate::auth::permission::SubscriptionGuard;
use crate::auth::requester::Member;
use crate::graphql::{app, member};
use crate::live::feed::Behind;
use crate::live::{Live, SubmissionMoved};

/// How many looks are taken at once of those that wait: what they found of one submission comes as one.
const LOOKS_AT_ONCE: usize = 16;
/// How many submissions are read at once. They are whole records, and kept until they are told.
const ROWS_AT_ONCE: usize = 128;

/// The submissions in hand, as they change.
#[derive(Default)]
pub struct SubmissionSubscription;

#[Subscription(guard = "SubscriptionGuard")]
impl SubmissionSubscription {
    /// Sends a submission each time it is saved or changes state. You get the submissions of your
    /// organisation, or of all organisations for stewards. Changes in quick succession can be sent as one.
    /// For partners and stewards.
    async fn submission_changed(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<Submission>> + use<>> {
        let (app, member) = (Arc::clone(app(ctx)), member(ctx)?.clone());
        let behind = ctx.data_opt::<Arc<Behind>>().cloned();
        let found = Live::submissions(app.follow_context()).await?.events(behind);
        // What somebody may not see is not even looked for where that is plain.
        let own = member.reader().organisation();
        Ok(found
            .ready_chunks(LOOKS_AT_ONCE)
            .flat_map(move |found| {
                let moved = found.iter().flat_map(|moved| moved.iter().copied());
                let moved =
                    last_of_each(moved.filter(|moved| own.is_none_or(|own| own == moved.organisation)));
                stream::iter(moved).chunks(ROWS_AT_ONCE)
            })
            .then(move |moved| {
                let (app, member) = (Arc::clone(&app), member.clone());
                async move { read(&app, &member, &moved).await }
            })
            .flat_map(stream::iter))
    }
}

/// The last of what happened to each submission, in order.
fn last_of_each(moved: impl DoubleEndedIterator<Item = SubmissionMoved>) -> Vec<SubmissionMoved> {
    let mut later = HashSet::new();
    let mut last: Vec<_> = moved.rev().filter(|moved| later.insert(moved.id)).collect();
    last.reverse();
    last
}

/// What was moved, as far as a member may see it.
async fn read(app: &App, member: &Member, moved: &[SubmissionMoved]) -> Vec<Result<Submission>> {
    let rows = match find_all(&app.db, member, moved.iter().map(|moved| moved.id)).await {
        Ok(rows) => rows,
        Err(cause) => return vec![Err(cause.into())],
    };
    let told: HashMap<Uuid, DateTime<Utc>> = moved.iter().map(|moved| (moved.id, moved.at)).collect();
    rows.into_iter()
        // One that was moved again since is told of again.
        .filter(|row| told.get(&row.id) == Some(&row.updated_at))
        .map(|row| Ok(Submission(row)))
        .collect()
}
