//! Adds the reason `COMPETITION_FOR_RESOURCES` for rushing or skipping a step.

use sea_orm_migration::prelude::*;

use crate::vocabulary::WidenedVocabulary;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        REASONS.widen(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        REASONS.narrow(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const REASONS: WidenedVocabulary<'static> = WidenedVocabulary {
    table: "challenge_reason",
    column: "reason",
    before: &[
        "SHORT_FUNDING",
        "NO_UPFRONT_RESOURCE",
        "COLLABORATION_EXPECTED",
        "SILOED_INCENTIVES",
        "REPORTING_REQUIREMENTS",
        "STAFF_CAPACITY",
        "CRISIS_RESPONSE",
        "OTHER",
    ],
    after: &[
        "SHORT_FUNDING",
        "NO_UPFRONT_RESOURCE",
        "COLLABORATION_EXPECTED",
        "SILOED_INCENTIVES",
        "REPORTING_REQUIREMENTS",
        "STAFF_CAPACITY",
        "CRISIS_RESPONSE",
        "COMPETITION_FOR_RESOURCES",
        "OTHER",
    ],
};
