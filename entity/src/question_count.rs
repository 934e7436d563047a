//! How many questions members ask under disclosure control, for the audit of stewards.

use sea_orm::entity::prelude::*;

/// The questions of one member on one day.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "question_count")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member who asked.
    pub member_id: Uuid,
    /// The day (UTC); unique for the member.
    pub day: Date,
    /// How many questions, from 1.
    pub question_count: i64,
    /// How many of them rested on few hidden records.
    pub few_hidden_count: i64,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
