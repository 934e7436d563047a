//! Why a challenge's step went as it did.

use sea_orm::entity::prelude::*;

codes! {
    /// Why a step was hurried or left out.
    Reason {
        /// The funding was too short for it.
        ShortFunding = "SHORT_FUNDING",
        /// Nobody paid for work before the work.
        NoUpfrontResource = "NO_UPFRONT_RESOURCE",
        /// The funder took collaboration to be systems change.
        CollaborationExpected = "COLLABORATION_EXPECTED",
        /// Each organisation was rewarded for its own part alone.
        SiloedIncentives = "SILOED_INCENTIVES",
        /// Reporting asked for something else.
        ReportingRequirements = "REPORTING_REQUIREMENTS",
        /// There were too few people, or they had too little time.
        StaffCapacity = "STAFF_CAPACITY",
        /// A crisis came first.
        CrisisResponse = "CRISIS_RESPONSE",
        /// Something else.
        Other = "OTHER",
    }
}

/// One reason for what became of a challenge's step.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "challenge_reason")]
pub struct Model {
    /// The challenge faced.
    #[sea_orm(primary_key, auto_increment = false)]
    pub challenge_faced_id: Uuid,
    /// The reason.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reason: Reason,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The challenge faced.
    #[sea_orm(belongs_to, from = "challenge_faced_id", to = "id")]
    pub challenge_faced: BelongsTo<super::challenge_faced::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
