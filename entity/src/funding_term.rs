//! The funding terms of initiatives.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wayin_vocabulary::{DeliveryTimeline, ReportingBasis, ReportingFrequency, Restriction};

/// The terms of one sum of money.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "funding_term", model_attrs(derive(Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The funded initiative.
    pub initiative_id: Uuid,
    /// The position within the initiative, from 1, in the order of the record.
    pub position: i32,
    /// The funder.
    pub funder_id: Uuid,
    /// The 360Giving grant identifier; unique if not null.
    #[sea_orm(unique)]
    pub grant_identifier: Option<String>,
    /// The SHA-256 of the grant as it was last imported, in hexadecimal. It shows whether a grant has changed since.
    pub grant_digest: Option<String>,
    /// The funder's programme, at most 300 characters.
    pub programme: Option<String>,
    /// The ISO 4217 code of the currency.
    pub currency: Option<String>,
    /// The amount in the currency's minor unit (pence); null if not known.
    pub amount_minor: Option<i64>,
    /// The day of the decision.
    pub awarded_on: Option<Date>,
    /// The planned first day.
    pub starts_on: Option<Date>,
    /// The planned last day.
    pub ends_on: Option<Date>,
    /// The duration in whole months: as given, or from both dates, inclusive; null if neither is known.
    pub duration_months: Option<i32>,
    /// The entry point that the funder intended to fund; null if not known.
    pub intended_focus: Option<super::EntryPoint>,
    /// Whether it paid for research before the work; null if not known.
    pub upfront_research: Option<bool>,
    /// How many months of research; null if not known or none.
    pub upfront_research_months: Option<i32>,
    /// Whether it paid for the extra time and resources that collaboration takes; null if not known.
    pub collaboration_resourced: Option<bool>,
    /// Whether the money can be used for any purpose; null if not known.
    pub restriction: Option<Restriction>,
    /// How often the funder requires a report; null if not known.
    pub reporting_frequency: Option<ReportingFrequency>,
    /// What the funder requires reports on; null if not known.
    pub reporting_basis: Option<ReportingBasis>,
    /// Whether the delivery timeline can change; null if not known.
    pub delivery_timeline: Option<DeliveryTimeline>,
    /// Whether the funding can be renewed; null if not known.
    pub renewable: Option<bool>,
    /// Whether the money also pays for work in other places; null if not known.
    pub multi_site: Option<bool>,
    /// The missing reasons, by field; null if there are none.
    pub missing: Option<Json>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The funded initiative.
    #[sea_orm(belongs_to, from = "initiative_id", to = "id")]
    pub initiative: BelongsTo<super::initiative::Entity>,
    /// The funder.
    #[sea_orm(belongs_to, from = "funder_id", to = "id")]
    pub funder: BelongsTo<super::organisation::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
