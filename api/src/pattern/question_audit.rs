//! Counts for stewards how many questions each member asks under disclosure control, and how many of these rest on few
//! hidden records.
//!
//! A server counts in memory, so that no question waits for the database, and adds its counts to the table at short
//! intervals.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, ExprTrait as _, OnConflict},
};
use uuid::Uuid;
use wayin_entity::question_count;

use crate::clock::Clock;
use crate::database;
use crate::error::Result;

/// The most days that can be listed, and for how many days counts are kept.
pub const MAX_DAYS: u32 = 366;
/// The most members that are listed.
pub const MAX_LISTED_MEMBERS: u64 = 100;

/// How often the counts of a server are stored.
const STORE_INTERVAL: Duration = Duration::from_secs(10);
/// The most rows in one statement. SQLite binds at most 32,766 values.
const ROWS_PER_STATEMENT: usize = 1_000;

/// The questions of one member on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct QuestionTally {
    questions: i64,
    on_few_hidden: i64,
}

impl QuestionTally {
    const fn add(&mut self, other: Self) {
        self.questions += other.questions;
        self.on_few_hidden += other.on_few_hidden;
    }
}

/// In the order of members and days. As every server writes its rows in this order, no two servers wait for each other.
type QuestionTallies = BTreeMap<(Uuid, NaiveDate), QuestionTally>;

/// The counts of this server that are not stored yet.
#[derive(Debug, Default)]
pub struct QuestionAudit {
    held: Mutex<QuestionTallies>,
    /// Locked while counts are stored, so that a read of the table after a store includes them.
    storing: tokio::sync::Mutex<()>,
}

/// Counts that are being stored. They are held again if that fails or is given up.
struct TakenTallies<'a> {
    audit: &'a QuestionAudit,
    tallies: QuestionTallies,
}

impl Drop for TakenTallies<'_> {
    fn drop(&mut self) {
        let tallies = std::mem::take(&mut self.tallies);
        let mut held = self.audit.lock_held();
        for (key, tally) in tallies {
            held.entry(key).or_default().add(tally);
        }
    }
}

impl QuestionAudit {
    /// Counts a question of a member.
    pub fn add(&self, member: Uuid, day: NaiveDate, rests_on_few_hidden: bool) {
        self.lock_held()
            .entry((member, day))
            .or_default()
            .add(QuestionTally {
                questions: 1,
                on_few_hidden: i64::from(rests_on_few_hidden),
            });
    }

    /// Adds the counts to the table. If this fails, they are stored the next time.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn store(&self, db: &DatabaseConnection, clock: &dyn Clock) -> Result<()> {
        let _storing = self.storing.lock().await;
        let mut taken = TakenTallies {
            audit: self,
            tallies: std::mem::take(&mut *self.lock_held()),
        };
        if taken.tallies.is_empty() {
            return Ok(());
        }
        let transaction = database::begin_write(db).await?;
        add_to_table(&transaction, clock, &taken.tallies).await?;
        database::commit(transaction).await?;
        taken.tallies.clear();
        Ok(())
    }

    /// Stores the counts at intervals. Never returns.
    pub async fn run(&self, db: &DatabaseConnection, clock: &dyn Clock) {
        loop {
            tokio::time::sleep(STORE_INTERVAL).await;
            if let Err(error) = self.store(db, clock).await {
                tracing::error!(error = %error, cause = ?error, "counts of questions could not be stored; trying again");
            }
        }
    }

    fn lock_held(&self) -> MutexGuard<'_, QuestionTallies> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn add_to_table(db: &impl ConnectionTrait, clock: &dyn Clock, tallies: &QuestionTallies) -> Result<()> {
    use question_count::Column;
    let now = clock.now();
    let rows: Vec<question_count::ActiveModel> = tallies
        .iter()
        .map(|((member, day), tally)| question_count::ActiveModel {
            id: Set(clock.new_id()),
            member_id: Set(*member),
            day: Set(*day),
            question_count: Set(tally.questions),
            few_hidden_count: Set(tally.on_few_hidden),
            created_at: Set(now),
            updated_at: Set(now),
        })
        .collect();
    let add = |column: &str| Expr::cust(format!(r#""question_count"."{column}" + "excluded"."{column}""#));
    let add_to_row = OnConflict::columns([Column::MemberId, Column::Day])
        .value(Column::QuestionCount, add("question_count"))
        .value(Column::FewHiddenCount, add("few_hidden_count"))
        .update_column(Column::UpdatedAt)
        .to_owned();
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        question_count::Entity::insert_many(rows.iter().cloned())
            .on_conflict(add_to_row.clone())
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// The questions of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct MemberQuestions {
    /// The member.
    pub member_id: Uuid,
    /// How many questions.
    pub questions: i64,
    /// How many of them rested on few hidden records.
    pub on_few_hidden: i64,
    /// The last day with a question (UTC).
    pub last_asked_on: NaiveDate,
}

/// Lists the questions that are stored of each member, of a number of days up to today. Those with the most questions on
/// few hidden records come first.
///
/// # Errors
/// If the database cannot be read.
pub async fn list_by_member(
    db: &impl ConnectionTrait,
    today: NaiveDate,
    days: u32,
) -> Result<Vec<MemberQuestions>> {
    use question_count::Column;
    let first_day = today - Days::new(u64::from(days.saturating_sub(1)));
    // Without the cast, the sum is a decimal number on PostgreSQL.
    let sum = |column: &str| Expr::cust(format!(r#"CAST(SUM("{column}") AS BIGINT)"#));
    let (questions, on_few_hidden) = (sum("question_count"), sum("few_hidden_count"));
    Ok(question_count::Entity::find()
        .select_only()
        .column(Column::MemberId)
        .column_as(questions.clone(), "questions")
        .column_as(on_few_hidden.clone(), "on_few_hidden")
        .column_as(Expr::col(Column::Day).max(), "last_asked_on")
        .filter(Column::Day.gte(first_day))
        .group_by(Column::MemberId)
        .order_by_desc(on_few_hidden)
        .order_by_desc(questions)
        .order_by_asc(Column::MemberId)
        .limit(MAX_LISTED_MEMBERS)
        .into_model()
        .all(db)
        .await?)
}

/// Deletes the counts of days that can no longer be listed. Returns their number.
///
/// # Errors
/// If the database cannot be written.
pub async fn delete_expired(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64> {
    let before = now.date_naive() - Days::new(u64::from(MAX_DAYS));
    let deleted = question_count::Entity::delete_many()
        .filter(question_count::Column::Day.lt(before))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}
