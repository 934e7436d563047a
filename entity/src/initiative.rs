//! Initiatives: the work of a place to change its system, as published.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::Visibility;

/// An initiative, as it is published.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "initiative")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The place it works in; null where not known, as for many published grants.
    pub place_id: Option<Uuid>,
    /// The organisation that leads it.
    pub lead_organisation_id: Uuid,
    /// What it is called, at most 300 characters.
    pub title: String,
    /// The title in lower case, for searching and sorting alike on every database.
    pub title_folded: String,
    /// What it does, at most 10,000 characters.
    pub summary: Option<String>,
    /// The day it started; null where not known.
    pub started_on: Option<Date>,
    /// The day it ended; null where not known, or where it goes on.
    pub ended_on: Option<Date>,
    /// Whether it goes on, for one without an end; null where not known.
    pub ongoing: Option<bool>,
    /// Who may read the record.
    pub visibility: Visibility,
    /// Whether the partner lets its funders read the whole of a record that others only count.
    pub shared_with_funders: bool,
    /// Whether the record was made up to show how Wayin works.
    pub illustrative: bool,
    /// Whether nothing but a published grant is known of it.
    pub made_from_grant: bool,
    /// The lead organisation's own id for it, unique within that organisation.
    pub external_ref: Option<String>,
    /// Counts the publications of the record, from 1.
    pub version: i32,
    /// When it was first published (UTC).
    pub published_at: DateTimeUtc,
    /// When it was withdrawn (UTC); null while it stands.
    pub withdrawn_at: Option<DateTimeUtc>,
    /// 32 bits of an HMAC-SHA-256 under the base's secret; never shown.
    pub disclosure_key: i64,
    /// Who confirmed that the record may be shared.
    pub sharing_confirmed_by: Option<String>,
    /// When that was confirmed.
    pub sharing_confirmed_on: Option<Date>,
    /// On what basis it may be shared.
    pub sharing_basis: Option<String>,
    /// Under which licence it may be reused.
    pub sharing_licence: Option<String>,
    /// Why answers of the record itself are missing, by field; null where nothing says why.
    pub missing: Option<Json>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The place it works in.
    #[sea_orm(belongs_to, from = "place_id", to = "id")]
    pub place: BelongsTo<Option<super::place::Entity>>,
    /// The organisation that leads it.
    #[sea_orm(belongs_to, from = "lead_organisation_id", to = "id")]
    pub lead_organisation: BelongsTo<super::organisation::Entity>,
    /// The entry points it took.
    #[sea_orm(has_many)]
    pub entry_points: HasMany<super::entry_point_taken::Entity>,
    /// The challenges it met.
    #[sea_orm(has_many)]
    pub challenges_faced: HasMany<super::challenge_faced::Entity>,
    /// The conditions it changed, or did not.
    #[sea_orm(has_many)]
    pub conditions_changed: HasMany<super::condition_changed::Entity>,
    /// The terms its money came with.
    #[sea_orm(has_many)]
    pub funding_terms: HasMany<super::funding_term::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
