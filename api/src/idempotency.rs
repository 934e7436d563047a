//! What every mutation has in common: one transaction, an event for the audit trail, and,
//! where the client gives a key, the first answer for whoever sends it again.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection,
    DatabaseTransaction, EntityTrait, QueryFilter, sea_query::OnConflict,
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use wayin_entity::idempotency_key;

pub use crate::audit::AuditRecord;
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::{self, ActionContext, ChangeNotifier};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::{audit, database};
use wayin_records::diff::Difference;
use wayin_records::normalisation::is_storable;
use wayin_records::problem::{Problem, ProblemCode};

/// How long a mutation is known again by its key.
const IDEMPOTENCY_KEY_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// The most characters of a key.
const MAX_KEY_CHARACTERS: usize = 200;

/// The parts of the service that a mutation needs.
#[derive(Clone, Copy)]
pub struct MutationContext<'a> {
    /// The database.
    pub db: &'a DatabaseConnection,
    /// Gives times and ids.
    pub clock: &'a dyn Clock,
    /// Notified after the commit.
    pub notifier: &'a ChangeNotifier,
}

/// A mutation as it is sent.
#[derive(Clone, Debug)]
pub struct MutationRequest<'a> {
    /// The member who sends it.
    pub member: &'a AuthenticatedMember,
    /// Its name in the schema.
    pub name: &'static str,
    /// The client's key; none where it is not to be known again.
    pub key: Option<&'a str>,
    /// Its input without the key, written always alike.
    pub input: String,
}

/// A mutation that is under way. Dropped before it is [finished](Self::finish), it has done nothing.
pub struct RunningMutation<'a> {
    context: MutationContext<'a>,
    request: MutationRequest<'a>,
    transaction: DatabaseTransaction,
}

/// What is to be done with a mutation that was sent.
pub enum MutationStart<'a, A> {
    /// It is to be done.
    New(Box<RunningMutation<'a>>),
    /// It was done before, with this answer.
    Replayed(A),
    /// It cannot be done.
    Rejected(Problem),
}

/// Why a mutation was not done: nothing was changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rejection {
    /// What stands against it, each with the path into the input.
    pub problems: Vec<Problem>,
    /// For one that was written against a version that stands no more, what changed in between.
    pub conflicts: Vec<Difference>,
}

impl Rejection {
    /// One thing that stands against it.
    pub fn from_problem(code: ProblemCode, path: &str, reason: impl Into<String>) -> Self {
        Problem::new(code, path, reason).into()
    }
}

impl From<Problem> for Rejection {
    fn from(finding: Problem) -> Self {
        vec![finding].into()
    }
}

impl From<Vec<Problem>> for Rejection {
    fn from(findings: Vec<Problem>) -> Self {
        Self {
            problems: findings,
            conflicts: Vec::new(),
        }
    }
}

/// Begins a mutation. Two that are sent at once under one key, also to two servers, wait for each
/// other: the key's row is written first, and the second finds it.
pub async fn begin_mutation<'a, A: DeserializeOwned>(
    context: MutationContext<'a>,
    sent: MutationRequest<'a>,
) -> Result<MutationStart<'a, A>> {
    let transaction = database::begin_write(context.db).await?;
    begin_in_transaction(context, sent, transaction).await
}

/// Begins a mutation beside which nothing is written, as [`begin_mutation`] does.
pub async fn begin_exclusive_mutation<'a, A: DeserializeOwned>(
    context: MutationContext<'a>,
    sent: MutationRequest<'a>,
) -> Result<MutationStart<'a, A>> {
    let transaction = database::begin_exclusive_write(context.db).await?;
    begin_in_transaction(context, sent, transaction).await
}

async fn begin_in_transaction<'a, A: DeserializeOwned>(
    context: MutationContext<'a>,
    sent: MutationRequest<'a>,
    transaction: DatabaseTransaction,
) -> Result<MutationStart<'a, A>> {
    if let Some(key) = sent.key {
        if let Some(reason) = describe_invalid_key(key) {
            let finding = Problem::new(ProblemCode::InvalidFormat, "idempotencyKey", reason);
            return Ok(MutationStart::Rejected(finding));
        }
        let now = context.clock.now();
        delete_expired_keys(&transaction, now).await?;
        let row = idempotency_key::ActiveModel {
            member_id: Set(sent.member.id),
            key: Set(key.to_owned()),
            input_digest: Set(digest_request(&sent)),
            answer: Set(None),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let unless_there =
            OnConflict::columns([idempotency_key::Column::MemberId, idempotency_key::Column::Key])
                .do_nothing()
                .to_owned();
        let written = idempotency_key::Entity::insert(row)
            .on_conflict(unless_there)
            .exec_without_returning(&transaction)
            .await?;
        if written == 0 {
            return find_replay(&transaction, &sent, key).await;
        }
    }
    Ok(MutationStart::New(Box::new(RunningMutation {
        context,
        request: sent,
        transaction,
    })))
}

/// Deletes the answers that are given again no more; answers how many went.
pub async fn delete_expired_keys(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64> {
    let forgotten = idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::CreatedAt.lt(now - IDEMPOTENCY_KEY_LIFETIME))
        .exec(db)
        .await?;
    Ok(forgotten.rows_affected)
}

async fn find_replay<'a, A: DeserializeOwned>(
    transaction: &DatabaseTransaction,
    sent: &MutationRequest<'_>,
    key: &str,
) -> Result<MutationStart<'a, A>> {
    let known = idempotency_key::Entity::find_by_id((sent.member.id, key.to_owned()))
        .one(transaction)
        .await?;
    let known = known.ok_or_else(|| Error::Internal("a key is there and cannot be found".into()))?;
    if known.input_digest != digest_request(sent) {
        let reason = "was used for another mutation or another input within the last 24 hours";
        let finding = Problem::new(ProblemCode::IdempotencyKeyReused, "idempotencyKey", reason);
        return Ok(MutationStart::Rejected(finding));
    }
    let answer = known.answer.unwrap_or_default();
    let answer = serde_json::from_value(answer).map_err(|cause| Error::Internal(cause.to_string()))?;
    Ok(MutationStart::Replayed(answer))
}

fn describe_invalid_key(key: &str) -> Option<&'static str> {
    if key.is_empty() || key.chars().count() > MAX_KEY_CHARACTERS {
        Some("has from 1 to 200 characters")
    } else if is_storable(key) {
        None
    } else {
        Some("holds the character NUL (U+0000), which no base can keep")
    }
}

fn digest_request(sent: &MutationRequest<'_>) -> String {
    let mut digest = Sha256::new();
    digest.update(sent.name);
    digest.update([0]);
    digest.update(&sent.input);
    hex::encode(digest.finalize())
}

impl RunningMutation<'_> {
    /// The transaction that everything is done in.
    pub const fn db(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Who acts, and why.
    pub fn action<'b>(&'b self, reason: &'b str) -> ActionContext<'b> {
        ActionContext {
            clock: self.context.clock,
            member: Some(self.request.member.id),
            reason,
        }
    }

    /// The newest change of the log: the one that has been made last in here, where one was made.
    pub async fn newest_change(&self) -> Result<i64> {
        Ok(change_log::newest_change_number(&self.transaction).await?)
    }

    /// Writes the event and the result, and commits.
    ///
    /// The result holds rows, not the GraphQL answer: it is committed with the change, before the fields of the answer
    /// are resolved, and a repeat may select other fields, with the permissions that its member has by then.
    pub async fn finish(self, event: AuditRecord, answer: &impl Serialize) -> Result<()> {
        audit::append_event(&self.transaction, &self.action(""), self.request.name, event).await?;
        if let Some(key) = self.request.key {
            let answer = serde_json::to_value(answer).map_err(|cause| Error::Internal(cause.to_string()))?;
            let row = idempotency_key::ActiveModel {
                member_id: Set(self.request.member.id),
                key: Set(key.to_owned()),
                answer: Set(Some(answer)),
                updated_at: Set(self.context.clock.now()),
                ..Default::default()
            };
            row.update(&self.transaction).await?;
        }
        change_log::notify_listeners(&self.transaction).await?;
        database::commit(self.transaction).await?;
        self.context.notifier.notify();
        Ok(())
    }
}
