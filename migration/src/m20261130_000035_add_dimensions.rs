//! Adds the dimensions of the kind of lead organisation, of each perspective's way in, of all challenges together, of
//! reasons, of conditions that changed, of months of research and of how often is reported.

use sea_orm_migration::prelude::*;

use crate::vocabulary::WidenedVocabulary;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        DIMENSIONS.widen(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        DIMENSIONS.narrow(manager).await
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
        "MULTI_SITE_FUNDING",
        "YEAR_STARTED",
    ],
    after: &[
        "PLACE",
        "REGION",
        "PLACE_KIND",
        "LEAD_ORGANISATION",
        "LEAD_ORGANISATION_KIND",
        "FUNDER",
        "WAY_IN",
        "WAY_IN_OF_PRACTITIONER",
        "WAY_IN_OF_FUNDER",
        "WAY_IN_OF_NATIONAL_CHARITY",
        "WAY_IN_OF_COMMUNITY",
        "CHALLENGE",
        "CHALLENGE_UNDERSTANDING",
        "CHALLENGE_AMBITIONS",
        "CHALLENGE_CONDITIONS",
        "REASON",
        "CONDITION_CHANGED",
        "FUNDING_DURATION_BAND",
        "FUNDING_RESEARCH",
        "UPFRONT_RESEARCH_MONTHS_BAND",
        "REPORTING_FREQUENCY",
        "REPORTING_BASIS",
        "INTENDED_FOCUS",
        "MULTI_SITE_FUNDING",
        "YEAR_STARTED",
    ],
};
