//! The fields of a record and of its parts: each defined once, with its name, its column in files, and whether it may be
//! left without an answer.

/// The fields of a part of a record that may be left without an answer.
pub trait Field: Copy + Ord + 'static {
    /// What they are fields of.
    type Part;
    /// Every one of them, in the order in which the part has them.
    const ALL: &'static [Self];
    /// Their names, in the same order.
    const NAMES: &'static [&'static str];

    /// The field's name in documents.
    fn name(self) -> &'static str;
    /// Whether a part answers it.
    fn is_given(self, part: &Self::Part) -> bool;
}

/// Declares the fields of one part: each with its name in documents and the expression that says whether it is given.
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
            /// The field's name in documents.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The names of all, with spaces between.
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
