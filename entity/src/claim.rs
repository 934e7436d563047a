//! Claims: reflections made testable.

use sea_orm::entity::prelude::*;

codes! {
    /// What initiatives can be told apart by.
    Dimension {
        /// The place itself.
        Place = "PLACE",
        /// The region, or the nation where there are no regions.
        Region = "REGION",
        /// What sort of place it is.
        PlaceKind = "PLACE_KIND",
        /// The organisation that leads it.
        LeadOrganisation = "LEAD_ORGANISATION",
        /// The organisations that give it money; an initiative counts once for each.
        Funder = "FUNDER",
        /// The first entry point taken, in anybody's view; an initiative counts once for each.
        WayIn = "WAY_IN",
        /// The first entry point taken in its funders' view.
        WayInOfFunder = "WAY_IN_OF_FUNDER",
        /// What became of understanding the local system.
        ChallengeUnderstanding = "CHALLENGE_UNDERSTANDING",
        /// What became of defining the ambitions.
        ChallengeAmbitions = "CHALLENGE_AMBITIONS",
        /// What became of fostering the conditions for change.
        ChallengeConditions = "CHALLENGE_CONDITIONS",
        /// How long its funding lasts, in bands; an initiative counts once for each.
        FundingDurationBand = "FUNDING_DURATION_BAND",
        /// Whether research before the work was paid for; an initiative counts once for each.
        FundingResearch = "FUNDING_RESEARCH",
        /// What its funders have reported to them; an initiative counts once for each.
        ReportingBasis = "REPORTING_BASIS",
        /// The entry point that its funders meant to fund; an initiative counts once for each.
        IntendedFocus = "INTENDED_FOCUS",
        /// The year it started.
        YearStarted = "YEAR_STARTED",
    }
}

/// A sentence in plain words, with the pattern that the base can answer it by.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claim")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The short name in addresses; unique.
    #[sea_orm(unique)]
    pub slug: String,
    /// The claim in plain words, at most 500 characters.
    pub statement: String,
    /// Where it stands in the list of claims, from 1.
    pub position: i32,
    /// The reflection that it comes from.
    pub reflection_id: Option<Uuid>,
    /// The condition, as an `InitiativeFilter` document.
    pub pattern_when: Json,
    /// What it is crossed with, as an `InitiativeFilter` document.
    pub pattern_then: Json,
    /// Among which initiatives, as an `InitiativeFilter` document.
    pub pattern_among: Option<Json>,
    /// The dimension it is told apart by.
    pub pattern_by: Option<Dimension>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The reflection that it comes from.
    #[sea_orm(belongs_to, from = "reflection_id", to = "id")]
    pub reflection: BelongsTo<Option<super::reflection::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
