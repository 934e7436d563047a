//! The fields of a record and of its parts. Each is defined once: its name, its column in files, and whether it may be
//! missing.

/// The fields of one part of a record that may be missing.
pub trait Field: Copy + Ord + 'static {
    /// The part that has the fields.
    type Part;
    /// All fields, in the order of the part.
    const ALL: &'static [Self];
    /// The names of all fields, in the same order.
    const NAMES: &'static [&'static str];

    /// The name of the field in documents.
    fn name(self) -> &'static str;
    /// Returns whether a part has an answer for the field.
    fn is_given(self, part: &Self::Part) -> bool;
}

/// Declares the fields of one part: each with its name in documents and an expression for whether it is given.
macro_rules! fields {
    (#[doc = $about:literal] $name:ident of $part:ident {
        $($variant:ident $text:literal: |$one:ident| $given:expr,)+
    }) => {
        #[doc = $about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`.")] $variant,)+
        }

        impl $name {
            /// The name of the field in documents.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The names of all fields, separated by spaces.
            pub const ALL_NAMES: &'static str = concat!($($text, " ",)+).trim_ascii();
        }

        impl crate::fields::Field for $name {
            type Part = $part;
            const ALL: &'static [Self] = &[$(Self::$variant,)+];
            const NAMES: &'static [&'static str] = &[$($text,)+];

            fn name(self) -> &'static str {
                self.name()
            }

            fn is_given(self, part: &$part) -> bool {
                match self { $(Self::$variant => { let $one = part; $given })+ }
            }
        }
    };
}

pub mod challenge;
pub mod column;
pub mod condition;
pub mod entry_point;
pub mod funding_term;
pub mod record;

pub use challenge::ChallengeField;
pub use condition::ConditionField;
pub use entry_point::EntryPointField;
pub use funding_term::FundingTermField;
pub use record::RecordField;
