//! The closed vocabularies of the field and of the service: each value with its code, its definition and, where people
//! read it in a sentence, its label.
//!
//! A value is stored, sent and read as its code in `SCREAMING_SNAKE_CASE`. Its doc comment is its definition, and becomes
//! its description in the GraphQL schema.
//!
//! The feature `sea-orm` makes each vocabulary a type of a database column, and `async-graphql` makes it an enum of a
//! schema.

/// A vocabulary, whose values have a label: the words for them in the middle of a sentence.
pub trait Labelled: Copy {
    /// The label, which starts with a lower-case letter.
    fn label(self) -> &'static str;
}

/// A label as a heading: its first letter is upper case.
pub fn to_heading(label: &str) -> String {
    let mut letters = label.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A value of a closed choice: a value of a vocabulary, or yes or no.
pub trait Choice: Copy + PartialEq + 'static {
    /// Every value, in the order of their numbers.
    const ALL: &'static [Self];

    /// The number of the value, counted from 0.
    fn number(self) -> u8;
}

impl Choice for bool {
    const ALL: &'static [Self] = &[false, true];

    fn number(self) -> u8 {
        u8::from(self)
    }
}

/// Declares an enum of codes: each variant with its definition and its code.
macro_rules! codes {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $definition:literal])+ $variant:ident = $code:literal;)+ }) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "async-graphql", derive(async_graphql::Enum))]
        #[cfg_attr(
            feature = "sea-orm",
            derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum),
            sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(32))")
        )]
        pub enum $name {
            $(
                $(#[doc = $definition])+
                #[serde(rename = $code)]
                #[cfg_attr(feature = "async-graphql", graphql(name = $code))]
                #[cfg_attr(feature = "sea-orm", sea_orm(string_value = $code))]
                $variant,
            )+
        }

        impl crate::Choice for $name {
            const ALL: &'static [Self] = Self::ALL;

            fn number(self) -> u8 {
                self as u8
            }
        }

        impl $name {
            /// Every value, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code under which the value is stored, sent and read.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The definition of the value.
            pub const fn definition(self) -> &'static str {
                match self { $(Self::$variant => concat!($($definition,)+).trim_ascii(),)+ }
            }
        }
    };
}

/// Declares an enum as [`codes`] does, with a label after each code.
macro_rules! labelled_codes {
    ($(#[doc = $about:literal])+ $name:ident {
        $($(#[doc = $definition:literal])+ $variant:ident = $code:literal, $label:literal;)+
    }) => {
        codes! { $(#[doc = $about])+ $name { $($(#[doc = $definition])+ $variant = $code;)+ } }

        impl crate::Labelled for $name {
            fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }
        }
    };
}

mod capability;
mod challenge;
mod change_log;
mod condition;
mod dimension;
mod entry_point;
mod funding;
mod import;
mod organisation;
mod place;
mod record;
mod role;
mod submission;

pub use capability::Capability;
pub use challenge::{Challenge, ChallengeReason, ChallengeStep};
pub use change_log::{ChangeKind, ChangeSubject, ReferenceKind};
pub use condition::{ChangeExtent, Condition};
pub use dimension::Dimension;
pub use entry_point::{EntryPoint, Perspective};
pub use funding::{DeliveryTimeline, ReportingBasis, ReportingFrequency, Restriction};
pub use import::{FileFormat, ImportKind, ImportMode, ImportState, RowOutcome};
pub use organisation::OrganisationKind;
pub use place::PlaceKind;
pub use record::{Audience, MissingReason, SourceKind, Visibility};
pub use role::Role;
pub use submission::SubmissionState;
