//! What all mutations share: one transaction, an audit event and, if the client gives an idempotency key, the
//! stored result for a repeat.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection,
    DatabaseTransaction, EntityTrait, QueryFilter, sea_query::OnConflict,
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use wayin_entity::idempotency_key;

pub use crate::audit::AuditRecord;
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::{self, ActionContext, ChangeNotifier};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::{audit, database, notice};
use wayin_records::diff::Difference;
use wayin_records::normalisation::is_storable;
use wayin_records::problem::{Problem, ProblemCode};

const IDEMPOTENCY_KEY_LIFETIME: TimeDelta = TimeDelta::hours(24);
const MAX_KEY_CHARACTERS: usize = 200;

/// The mutations that 0.1 had under another name and with the same input. Their digests are computed with the former
/// name, so that keys of 0.1 stay valid.
const FORMER_NAMES: [(&str, &str); 3] = [
    ("submitForReview", "sendSubmission"),
    ("requestChanges", "returnSubmission"),
    ("redactText", "redact"),
];

#[derive(Clone, Copy)]
pub struct MutationContext<'a> {
    pub db: &'a DatabaseConnection,
    pub clock: &'a dyn Clock,
    /// Notified after the commit.
    pub notifier: &'a ChangeNotifier,
}

#[derive(Clone, Debug)]
pub struct MutationRequest<'a> {
    pub member: &'a AuthenticatedMember,
    /// The name in the schema.
    pub name: &'static str,
    /// The idempotency key. None if a repeat is a new mutation.
    pub key: Option<&'a str>,
    /// The input without the key, always in the same form.
    pub input: String,
}

/// A running mutation. Unless it is [finished](Self::finish), its changes are rolled back.
pub struct RunningMutation<'a> {
    context: MutationContext<'a>,
    request: MutationRequest<'a>,
    transaction: DatabaseTransaction,
}

/// What happens to a mutation.
pub enum MutationStart<'a, A> {
    /// It runs.
    New(Box<RunningMutation<'a>>),
    /// It is a repeat and has this stored result.
    Replayed(A),
    /// It cannot run.
    Rejected(Problem),
}

/// Why a mutation changed nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rejection {
    /// The problems, each with a path of the input.
    pub problems: Vec<Problem>,
    /// The changes since the base version, if the object has a newer version.
    pub conflicts: Vec<Difference>,
}

impl Rejection {
    /// Creates a rejection with one problem.
    pub fn from_problem(code: ProblemCode, path: &str, reason: impl Into<String>) -> Self {
        Problem::new(code, path, reason).into()
    }
}

impl From<Problem> for Rejection {
    fn from(problem: Problem) -> Self {
        vec![problem].into()
    }
}

impl From<Vec<Problem>> for Rejection {
    fn from(problems: Vec<Problem>) -> Self {
        Self {
            problems,
            conflicts: Vec::new(),
        }
    }
}

/// Begins a mutation. Two mutations with the same key wait for each other, also on two servers: the first
/// inserts the row of the key, and the second finds it.
pub async fn begin_mutation<'a, A: DeserializeOwned>(
    context: MutationContext<'a>,
    sent: MutationRequest<'a>,
) -> Result<MutationStart<'a, A>> {
    let transaction = database::begin_write(context.db).await?;
    begin_in_transaction(context, sent, transaction).await
}

/// Begins a mutation like [`begin_mutation`], with no concurrent writers.
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
            let problem = Problem::new(ProblemCode::InvalidFormat, "idempotencyKey", reason);
            return Ok(MutationStart::Rejected(problem));
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

/// Deletes expired keys and their results. Returns their number.
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
    let known =
        known.ok_or_else(|| Error::Internal("an idempotency key exists but cannot be found".into()))?;
    if known.input_digest != digest_request(sent) {
        let reason = "was used for another mutation or another input within the last 24 hours";
        let problem = Problem::new(ProblemCode::IdempotencyKeyReused, "idempotencyKey", reason);
        return Ok(MutationStart::Rejected(problem));
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
        Some("contains the character NUL (U+0000), which cannot be stored")
    }
}

fn digest_request(sent: &MutationRequest<'_>) -> String {
    let former = FORMER_NAMES.iter().find(|(name, _)| *name == sent.name);
    let mut digest = Sha256::new();
    digest.update(former.map_or(sent.name, |(_, former)| former));
    digest.update([0]);
    digest.update(&sent.input);
    hex::encode(digest.finalize())
}

impl RunningMutation<'_> {
    /// The transaction of the mutation.
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

    /// The number of the newest change, which is the last one of this mutation if it has changed anything.
    pub async fn newest_change(&self) -> Result<i64> {
        Ok(change_log::newest_change_number(&self.transaction).await?)
    }

    /// Writes the event and the result, and commits.
    ///
    /// The result contains rows, not the GraphQL response: it is committed with the change, before the
    /// response is resolved. A repeat can select other fields, with the permissions that its member has by
    /// then.
    pub async fn finish(self, event: AuditRecord, answer: &impl Serialize) -> Result<()> {
        self.append_event(event).await?;
        self.store_and_commit(answer).await
    }

    /// [Finishes](Self::finish) the mutation with a notice of it for stewards.
    pub async fn finish_with_notice(self, event: AuditRecord, answer: &impl Serialize) -> Result<()> {
        let event = self.append_event(event).await?;
        notice::add_notice(&self.transaction, &self.action(""), event).await?;
        self.store_and_commit(answer).await
    }

    /// Writes the event. Returns its id.
    async fn append_event(&self, event: AuditRecord) -> Result<Uuid> {
        audit::append_event(&self.transaction, &self.action(""), self.request.name, event).await
    }

    async fn store_and_commit(self, answer: &impl Serialize) -> Result<()> {
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
        let _notifies = self.context.notifier.guard_commit();
        database::commit(self.transaction).await?;
        Ok(())
    }
}
