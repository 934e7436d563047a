//! The entry points that an initiative took, in order, per perspective.

use sea_orm::entity::prelude::*;

codes! {
    /// A place to start changing a system from.
    EntryPoint {
        /// Bringing organisations and people together to work on a shared concern.
        Collaboration = "COLLABORATION",
        /// Recognising that the problem has many moving parts, and learning a way through it.
        Complexity = "COMPLEXITY",
        /// Asking what produces the problem, and working on that.
        RootCauses = "ROOT_CAUSES",
        /// One organisation changing its own ways first.
        SingleOrganisation = "SINGLE_ORGANISATION",
    }
}

codes! {
    /// Whose view it is.
    Perspective {
        /// Those who do the work in the place.
        Practitioner = "PRACTITIONER",
        /// Those who pay for it.
        Funder = "FUNDER",
        /// Charities that work across the whole country.
        NationalCharity = "NATIONAL_CHARITY",
        /// The people who live in the place.
        Community = "COMMUNITY",
    }
}

/// An entry point that an initiative took. Position 1 of a perspective is its way in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entry_point_taken")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The initiative.
    pub initiative_id: Uuid,
    /// Counts from 1 within the initiative and perspective.
    pub position: i32,
    /// The entry point.
    pub entry_point: EntryPoint,
    /// Whose view it is.
    pub perspective: Perspective,
    /// The day it was taken; null where not known.
    pub taken_on: Option<Date>,
    /// Why it was taken, at most 2,000 characters.
    pub motivation: Option<String>,
    /// Why answers of it are missing, by field; null where nothing says why.
    pub missing: Option<Json>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The initiative.
    #[sea_orm(belongs_to, from = "initiative_id", to = "id")]
    pub initiative: BelongsTo<super::initiative::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
