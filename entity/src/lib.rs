//! The tables of a Wayin base, one per file, with the closed vocabularies that
//! belong to each. Entities hold no rules: those live in the domains of `wayin`.
//!
//! Every enum's variant is stored, sent and read as its SCREAMING_SNAKE_CASE
//! code; its doc comment is its plain definition, in the GraphQL schema too.

/// Declares a closed vocabulary: stored as text, an enum in GraphQL and in
/// records, with [`ALL`](Perspective::ALL) its values in order and
/// [`code`](Perspective::code) the text that stands for one.
macro_rules! codes {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $means:literal])+ $variant:ident = $code:literal,)+ }) => {
        $(#[doc = $about])+
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            sea_orm::EnumIter, sea_orm::DeriveActiveEnum,
            async_graphql::Enum, serde::Serialize, serde::Deserialize,
        )]
        #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))")]
        pub enum $name {
            $($(#[doc = $means])+ #[sea_orm(string_value = $code)] #[serde(rename = $code)] #[graphql(name = $code)] $variant,)+
        }

        impl $name {
            /// Every value, in the vocabulary's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code under which the value is stored, sent and read.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The value's plain definition.
            pub const fn definition(self) -> &'static str {
                match self { $(Self::$variant => concat!($($means,)+).trim_ascii(),)+ }
            }
        }
    };
}

pub mod audit_event;
pub mod base;
pub mod challenge_faced;
pub mod challenge_reason;
pub mod change;
pub mod claim;
pub mod condition_changed;
pub mod crisis;
pub mod crisis_place;
pub mod entry_point_taken;
pub mod former_organisation;
pub mod funding_term;
pub mod grant_detail;
pub mod import;
pub mod import_outcome;
pub mod import_piece;
pub mod initiative;
pub mod initiative_source;
pub mod issued_token;
pub mod kept_revision;
pub mod meeting;
pub mod member;
pub mod organisation;
pub mod place;
pub mod place_within;
pub mod reflection;
pub mod repeatable;
pub mod revision;
pub mod small_area;
pub mod source;
pub mod submission;
pub mod term;

pub use challenge_faced::{Challenge, Step};
pub use challenge_reason::Reason;
pub use change::{ChangeKind, ChangeSubject};
pub use claim::Dimension;
pub use condition_changed::{Change, Condition};
pub use entry_point_taken::{EntryPoint, Perspective};
pub use funding_term::{DeliveryTimeline, ReportingBasis, ReportingFrequency, Restriction};
pub use import::{FileFormat, ImportAs, ImportKind, ImportState, RowOutcome};
pub use initiative::{Visibility, WhyMissing};
pub use kept_revision::KeptSubject;
pub use member::Role;
pub use organisation::OrganisationKind;
pub use place::PlaceKind;
pub use source::SourceKind;
pub use submission::SubmissionState;
