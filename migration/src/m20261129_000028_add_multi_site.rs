//! Adds whether funding also pays for work in other places, and the dimension for it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::boolean_null;

use crate::vocabulary::WidenedVocabulary;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        DIMENSIONS.widen(manager).await?;
        // Last: a connection to SQLite notices only when it reads that another one has removed the column.
        let column = boolean_null("multi_site");
        let table = Table::alter().table("funding_term").add_column(column).take();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        DIMENSIONS.narrow(manager).await?;
        let table = Table::alter()
            .table("funding_term")
            .drop_column("multi_site")
            .take();
        manager.alter_table(table).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const DIMENSIONS: WidenedVocabulary<'static> = WidenedVocabulary {
    table: "claim",
    column: "pattern_by",
    before: &[
        "PLACE",
        "REGION",
        "PLACE_KIND",
        "LEAD_ORGANISATION",
        "FUNDER",
        "WAY_IN",
        "WAY_IN_OF_FUNDER",
        "CHALLENGE_UNDERSTANDING",
        "CHALLENGE_AMBITIONS",
        "CHALLENGE_CONDITIONS",
        "FUNDING_DURATION_BAND",
        "FUNDING_RESEARCH",
        "REPORTING_BASIS",
        "INTENDED_FOCUS",
        "YEAR_STARTED",
    ],
    after: &[
        "PLACE",
        "REGION",
        "PLACE_KIND",
        "LEAD_ORGANISATION",
        "FUNDER",
        "WAY_IN",
        "WAY_IN_OF_FUNDER",
        "CHALLENGE_UNDERSTANDING",
        "CHALLENGE_AMBITIONS",
        "CHALLENGE_CONDITIONS",
        "FUNDING_DURATION_BAND",
        "FUNDING_RESEARCH",
        "REPORTING_BASIS",
        "INTENDED_FOCUS",
        "MULTI_SITE_FUNDING",
        "YEAR_STARTED",
    ],
};
