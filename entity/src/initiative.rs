//! Published initiatives.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wayin_vocabulary::Visibility;

/// A published initiative.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "initiative", model_attrs(derive(Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The place; null if not known, as for many published grants.
    pub place_id: Option<Uuid>,
    /// The lead organisation.
    pub lead_organisation_id: Uuid,
    /// The title, at most 300 characters.
    pub title: String,
    /// The title in lower case, for the same search and sort order on both databases.
    pub title_folded: String,
    /// The summary, at most 10,000 characters.
    pub summary: Option<String>,
    /// The day it started; null if not known.
    pub started_on: Option<Date>,
    /// The day it ended; null if not known or not ended.
    pub ended_on: Option<Date>,
    /// Whether it is ongoing, if it has no end date; null if not known.
    pub ongoing: Option<bool>,
    /// Who can see the record.
    pub visibility: Visibility,
    /// Whether its funders can see all of a record that others can only count.
    pub shared_with_funders: bool,
    /// Whether the record is illustrative.
    pub illustrative: bool,
    /// Whether it is known only from a published grant.
    pub made_from_grant: bool,
    /// The reference that the lead organisation uses for it, unique within that organisation.
    pub external_ref: Option<String>,
    /// The version, which counts the publications from 1.
    pub version: i32,
    /// When it was first published (UTC).
    pub published_at: DateTimeUtc,
    /// When it was withdrawn (UTC); null if it was not.
    pub withdrawn_at: Option<DateTimeUtc>,
    /// 32 bits of an HMAC-SHA-256 under the secret of the instance. Never shown.
    pub disclosure_key: i64,
    /// Who confirmed the sharing consent.
    pub sharing_confirmed_by: Option<String>,
    /// When it was confirmed.
    pub sharing_confirmed_on: Option<Date>,
    /// The basis of the sharing consent.
    pub sharing_basis: Option<String>,
    /// The licence for reuse.
    pub sharing_licence: Option<String>,
    /// The missing reasons of the record's own fields; null if there are none.
    pub missing: Option<Json>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The place.
    #[sea_orm(belongs_to, from = "place_id", to = "id")]
    pub place: BelongsTo<Option<super::place::Entity>>,
    /// The lead organisation.
    #[sea_orm(belongs_to, from = "lead_organisation_id", to = "id")]
    pub lead_organisation: BelongsTo<super::organisation::Entity>,
    /// The entry points taken.
    #[sea_orm(has_many)]
    pub entry_points: HasMany<super::entry_point_taken::Entity>,
    /// The challenges faced.
    #[sea_orm(has_many)]
    pub challenges_faced: HasMany<super::challenge_faced::Entity>,
    /// The conditions for change.
    #[sea_orm(has_many)]
    pub conditions_changed: HasMany<super::condition_changed::Entity>,
    /// The funding terms.
    #[sea_orm(has_many)]
    pub funding_terms: HasMany<super::funding_term::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
