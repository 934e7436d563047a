//! What every mutation has in common: one transaction, an event for the audit trail, and,
//! where the client gives a key, the first answer for whoever sends it again.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection,
    DatabaseTransaction, EntityTrait, QueryFilter, sea_query::OnConflict,
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use wayin_entity::repeatable;

pub use crate::audit::Event;
use crate::auth::requester::Member;
use crate::change::{self, Act, ChangeNotifier};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::{audit, database};
use wayin_records::diff::Difference;
use wayin_records::finding::{Finding, FindingCode};
use wayin_records::spelling::is_storable;

/// How long a mutation is known again by its key.
const KNOWN_FOR: TimeDelta = TimeDelta::hours(24);
/// The most characters of a key.
const LONGEST_KEY: usize = 200;

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
pub struct Sent<'a> {
    /// The member who sends it.
    pub member: &'a Member,
    /// Its name in the schema.
    pub name: &'static str,
    /// The client's key; none where it is not to be known again.
    pub key: Option<&'a str>,
    /// Its input without the key, written always alike.
    pub input: String,
}

/// A mutation that is under way. Dropped before it is [finished](Self::finish), it has done nothing.
pub struct Running<'a> {
    context: MutationContext<'a>,
    sent: Sent<'a>,
    transaction: DatabaseTransaction,
}

/// What is to be done with a mutation that was sent.
pub enum Begun<'a, A> {
    /// It is to be done.
    Fresh(Box<Running<'a>>),
    /// It was done before, with this answer.
    Repeated(A),
    /// It cannot be done.
    Refused(Finding),
}

/// Why a mutation was not done: nothing was changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusal {
    /// What stands against it, each with the path into the input.
    pub findings: Vec<Finding>,
    /// For one that was written against a version that stands no more, what changed in between.
    pub conflicts: Vec<Difference>,
}

impl Refusal {
    /// One thing that stands against it.
    pub fn of(code: FindingCode, path: &str, reason: impl Into<String>) -> Self {
        Finding::new(code, path, reason).into()
    }
}

impl From<Finding> for Refusal {
    fn from(finding: Finding) -> Self {
        vec![finding].into()
    }
}

impl From<Vec<Finding>> for Refusal {
    fn from(findings: Vec<Finding>) -> Self {
        Self {
            findings,
            conflicts: Vec::new(),
        }
    }
}

/// Begins a mutation. Two that are sent at once under one key, also to two servers, wait for each
/// other: the key's row is written first, and the second finds it.
pub async fn begin<'a, A: DeserializeOwned>(
    context: MutationContext<'a>,
    sent: Sent<'a>,
) -> Result<Begun<'a, A>> {
    let transaction = database::begin_writing(context.db).await?;
    begin_in(context, sent, transaction).await
}

/// Begins a mutation beside which nothing is written, as [`begin`] does.
pub async fn begin_alone<'a, A: DeserializeOwned>(
    context: MutationContext<'a>,
    sent: Sent<'a>,
) -> Result<Begun<'a, A>> {
    let transaction = database::begin_writing_alone(context.db).await?;
    begin_in(context, sent, transaction).await
}

async fn begin_in<'a, A: DeserializeOwned>(
    context: MutationContext<'a>,
    sent: Sent<'a>,
    transaction: DatabaseTransaction,
) -> Result<Begun<'a, A>> {
    if let Some(key) = sent.key {
        if let Some(reason) = unusable(key) {
            let finding = Finding::new(FindingCode::InvalidFormat, "idempotencyKey", reason);
            return Ok(Begun::Refused(finding));
        }
        let now = context.clock.now();
        forget(&transaction, now).await?;
        let row = repeatable::ActiveModel {
            member_id: Set(sent.member.id),
            key: Set(key.to_owned()),
            input_digest: Set(digest(&sent)),
            answer: Set(None),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let unless_there = OnConflict::columns([repeatable::Column::MemberId, repeatable::Column::Key])
            .do_nothing()
            .to_owned();
        let written = repeatable::Entity::insert(row)
            .on_conflict(unless_there)
            .exec_without_returning(&transaction)
            .await?;
        if written == 0 {
            return known_again(&transaction, &sent, key).await;
        }
    }
    Ok(Begun::Fresh(Box::new(Running {
        context,
        sent,
        transaction,
    })))
}

/// Deletes the answers that are given again no more; answers how many went.
pub async fn forget(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64> {
    let forgotten = repeatable::Entity::delete_many()
        .filter(repeatable::Column::CreatedAt.lt(now - KNOWN_FOR))
        .exec(db)
        .await?;
    Ok(forgotten.rows_affected)
}

async fn known_again<'a, A: DeserializeOwned>(
    transaction: &DatabaseTransaction,
    sent: &Sent<'_>,
    key: &str,
) -> Result<Begun<'a, A>> {
    let known = repeatable::Entity::find_by_id((sent.member.id, key.to_owned()))
        .one(transaction)
        .await?;
    let known = known.ok_or_else(|| Error::Internal("a key is there and cannot be found".into()))?;
    if known.input_digest != digest(sent) {
        let reason = "was used for another mutation or another input within the last 24 hours";
        let finding = Finding::new(FindingCode::IdempotencyKeyReused, "idempotencyKey", reason);
        return Ok(Begun::Refused(finding));
    }
    let answer = known.answer.unwrap_or_default();
    let answer = serde_json::from_value(answer).map_err(|cause| Error::Internal(cause.to_string()))?;
    Ok(Begun::Repeated(answer))
}

fn unusable(key: &str) -> Option<&'static str> {
    if key.is_empty() || key.chars().count() > LONGEST_KEY {
        Some("has from 1 to 200 characters")
    } else if is_storable(key) {
        None
    } else {
        Some("holds the character NUL (U+0000), which no base can keep")
    }
}

fn digest(sent: &Sent<'_>) -> String {
    let mut digest = Sha256::new();
    digest.update(sent.name);
    digest.update([0]);
    digest.update(&sent.input);
    hex::encode(digest.finalize())
}

impl Running<'_> {
    /// The transaction that everything is done in.
    pub const fn db(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Who acts, and why.
    pub fn act<'b>(&'b self, reason: &'b str) -> Act<'b> {
        Act {
            clock: self.context.clock,
            member: Some(self.sent.member.id),
            reason,
        }
    }

    /// The newest change of the log: the one that has been made last in here, where one was made.
    pub async fn newest_change(&self) -> Result<i64> {
        Ok(change::newest(&self.transaction).await?)
    }

    /// Writes the event and the result, and commits.
    ///
    /// The result holds rows, not the GraphQL answer: it is committed with the change, before the fields of the answer
    /// are resolved, and a repeat may select other fields, with the permissions that its member has by then.
    pub async fn finish(self, event: Event, answer: &impl Serialize) -> Result<()> {
        audit::add(&self.transaction, &self.act(""), self.sent.name, event).await?;
        if let Some(key) = self.sent.key {
            let answer = serde_json::to_value(answer).map_err(|cause| Error::Internal(cause.to_string()))?;
            let row = repeatable::ActiveModel {
                member_id: Set(self.sent.member.id),
                key: Set(key.to_owned()),
                answer: Set(Some(answer)),
                updated_at: Set(self.context.clock.now()),
                ..Default::default()
            };
            row.update(&self.transaction).await?;
        }
        change::tell(&self.transaction).await?;
        database::commit(self.transaction).await?;
        self.context.notifier.notify();
        Ok(())
    }
}
