//! The terms that an initiative's money came with.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::{DeliveryTimeline, ReportingBasis, ReportingFrequency, Restriction};

/// The conditions that one sum of money came with.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "funding_term")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The initiative that was paid for.
    pub initiative_id: Uuid,
    /// Counts from 1 within the initiative, in the order of the record.
    pub position: i32,
    /// The organisation that gave the money.
    pub funder_id: Uuid,
    /// The 360Giving grant identifier; unique where given.
    #[sea_orm(unique)]
    pub grant_identifier: Option<String>,
    /// The SHA-256, in hexadecimal, of the grant as it was last imported: tells a changed grant from a repeated one.
    pub grant_digest: Option<String>,
    /// The funder's programme, at most 300 characters.
    pub programme: Option<String>,
    /// The ISO 4217 code of the money.
    pub currency: Option<String>,
    /// The amount in the currency's minor unit (pence); null where not known.
    pub amount_minor: Option<i64>,
    /// The day the decision was made.
    pub awarded_on: Option<Date>,
    /// The planned first day.
    pub starts_on: Option<Date>,
    /// The planned last day.
    pub ends_on: Option<Date>,
    /// The length in whole months: as given, else from both dates, the last day included; null where neither is known.
    pub duration_months: Option<i32>,
    /// The entry point that the funder meant to fund; null where not known.
    pub intended_focus: Option<super::EntryPoint>,
    /// Whether research before the work was paid for; null where not known.
    pub upfront_research: Option<bool>,
    /// How many months of it; null where not known or none.
    pub upfront_research_months: Option<i32>,
    /// Whether the extra time and resource of working together was paid for; null where not known.
    pub collaboration_resourced: Option<bool>,
    /// Whether the money may be used for anything; null where not known.
    pub restriction: Option<Restriction>,
    /// How often the funder asks for a report; null where not known.
    pub reporting_frequency: Option<ReportingFrequency>,
    /// What is reported on; null where not known.
    pub reporting_basis: Option<ReportingBasis>,
    /// Whether the plan may move; null where not known.
    pub delivery_timeline: Option<DeliveryTimeline>,
    /// Whether the funding may be renewed; null where not known.
    pub renewable: Option<bool>,
    /// Whether the money also pays for work in other places; null where not known.
    pub multi_site: Option<bool>,
    /// Why answers of it are missing, by field; null where nothing says why.
    pub missing: Option<Json>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The initiative that was paid for.
    #[sea_orm(belongs_to, from = "initiative_id", to = "id")]
    pub initiative: BelongsTo<super::initiative::Entity>,
    /// The organisation that gave the money.
    #[sea_orm(belongs_to, from = "funder_id", to = "id")]
    pub funder: BelongsTo<super::organisation::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
