//! The fields of a funding term. A field with a few possible answers is defined only here: the index, the filters in
//! memory and in SQL, and the summaries handle each [`FundingChoice`] in the same way.

use super::column::{Column, ColumnKind, column};
use crate::fields::Field as _;
use crate::record::FundingTerm;
use crate::workbook::vocabulary::Vocabulary as V;
use wayin_vocabulary::Dimension;

fields! {
    /// The fields of a funding term that may be missing.
    FundingTermField of FundingTerm {
        GrantIdentifier "grantIdentifier": |term| term.grant_identifier.is_some(),
        Programme "programme": |term| term.programme.is_some(),
        Currency "currency": |term| term.currency.is_some(),
        AmountMinor "amountMinor": |term| term.amount_minor.is_some(),
        AwardedOn "awardedOn": |term| term.awarded_on.is_some(),
        StartsOn "startsOn": |term| term.starts_on.is_some(),
        EndsOn "endsOn": |term| term.ends_on.is_some(),
        DurationMonths "durationMonths": |term| term.duration_months.is_some(),
        IntendedFocus "intendedFocus": |term| term.intended_focus.is_some(),
        UpfrontResearch "upfrontResearch": |term| term.upfront_research.is_some(),
        UpfrontResearchMonths "upfrontResearchMonths": |term| term.upfront_research_months.is_some(),
        CollaborationResourced "collaborationResourced": |term| term.collaboration_resourced.is_some(),
        Restriction "restriction": |term| term.restriction.is_some(),
        ReportingFrequency "reportingFrequency": |term| term.reporting_frequency.is_some(),
        ReportingBasis "reportingBasis": |term| term.reporting_basis.is_some(),
        DeliveryTimeline "deliveryTimeline": |term| term.delivery_timeline.is_some(),
        Renewable "renewable": |term| term.renewable.is_some(),
        MultiSite "multiSite": |term| term.multi_site.is_some(),
    }
}

/// The columns of the sheet, in order.
#[rustfmt::skip]
pub const COLUMNS: [Column; 22] = [
    column("Funder", "funder/name", ColumnKind::Text, 28, "Who gave the money. Needed, or its identifier."),
    column("Funder identifier", "funder/identifier", ColumnKind::Text, 20, "Its org-id identifier, such as GB-CHC-1164883.").or_unknown(),
    column("Funder kind", "funder/kind", ColumnKind::Code(V::OrganisationKind), 20, "What sort of organisation it is.").or_unknown(),
    column("Grant identifier", "grantIdentifier", ColumnKind::Text, 24, "The grant's 360Giving identifier, where you know it.").or_missing_reason().or_unknown(),
    column("Programme", "programme", ColumnKind::Text, 24, "The funder's programme, in at most 300 characters.").or_missing_reason().or_unknown(),
    column("Currency", "currency", ColumnKind::Text, 10, "Its three letters, such as GBP. Needed where an amount is given.").or_missing_reason().or_unknown(),
    column("Amount", "amountMinor", ColumnKind::Money, 14, "In pounds, or the currency's main unit: 15000 or 15000.50. The number alone, without a currency sign.").or_missing_reason(),
    column("Amount in minor units", "amountMinor", ColumnKind::Whole, 14, "In pence, or the currency's minor unit, for an amount that cannot be written in its main unit.").or_missing_reason().export_only(),
    column("Awarded on", "awardedOn", ColumnKind::Date, 13, "The day that the decision was made.").or_missing_reason(),
    column("First day", "startsOn", ColumnKind::Date, 13, "The planned first day.").or_missing_reason(),
    column("Last day", "endsOn", ColumnKind::Date, 13, "The planned last day.").or_missing_reason(),
    column("Length in months", "durationMonths", ColumnKind::Whole, 12, "In whole months, as the funder gives it. Worked out from both days where you leave it empty.").or_missing_reason(),
    column("Meant to fund", "intendedFocus", ColumnKind::Code(V::EntryPoint), 22, "The entry point that the funder meant to fund.").or_missing_reason(),
    column("Research up front paid for", "upfrontResearch", ColumnKind::YesNo, 14, "Whether research before the work was paid for.").or_missing_reason(),
    column("Months of research up front", "upfrontResearchMonths", ColumnKind::Whole, 14, "How many months of it.").or_missing_reason(),
    column("Collaboration paid for", "collaborationResourced", ColumnKind::YesNo, 14, "Whether the extra time and resource of working together was paid for.").or_missing_reason(),
    column("Restriction", "restriction", ColumnKind::Code(V::Restriction), 14, "Whether the money may be used for the stated purpose alone.").or_missing_reason(),
    column("How often reported", "reportingFrequency", ColumnKind::Code(V::ReportingFrequency), 20, "How often the funder asks for a report.").or_missing_reason(),
    column("What is reported on", "reportingBasis", ColumnKind::Code(V::ReportingBasis), 24, "Whether what is reported may change as the work learns.").or_missing_reason(),
    column("Timeline", "deliveryTimeline", ColumnKind::Code(V::DeliveryTimeline), 24, "Whether the plan may move.").or_missing_reason(),
    column("May be renewed", "renewable", ColumnKind::YesNo, 12, "Whether the funding may be renewed.").or_missing_reason(),
    column("Also pays for other places", "multiSite", ColumnKind::YesNo, 14, "Whether this money also pays for work in other places.").or_missing_reason(),
];

impl FundingTermField {
    /// Returns whether the 360Giving Data Standard has this field.
    pub const fn is_in_grant_standard(self) -> bool {
        matches!(
            self,
            Self::GrantIdentifier
                | Self::Programme
                | Self::Currency
                | Self::AmountMinor
                | Self::AwardedOn
                | Self::StartsOn
                | Self::EndsOn
                | Self::DurationMonths
        )
    }

    /// Finds a field by name among those that the 360Giving Data Standard does not have.
    pub fn find_beyond_grant_standard(name: &str) -> Option<Self> {
        let mut fields = Self::ALL.iter().copied();
        fields.find(|field| !field.is_in_grant_standard() && field.name() == name)
    }
}

/// The words of a summary for a yes-or-no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YesNoWords {
    /// The question, such as "whether it could be renewed".
    pub question: &'static str,
    /// The words for a yes, in the past tense, such as "could be renewed".
    pub yes: &'static str,
    /// The words for a no.
    pub no: &'static str,
    /// The code and the label of the groups yes and no, for a dimension of this field.
    pub groups: [(&'static str, &'static str); 2],
}

/// The possible answers of a [`FundingChoice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceKind {
    /// No (number 0) or yes (number 1).
    YesNo(YesNoWords),
    /// A code of a vocabulary. Its number is its position.
    Code(FundingCode),
}

/// A [`FundingChoice`] with a vocabulary. Summaries have separate words for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FundingCode {
    /// The entry point that the funder meant to fund.
    IntendedFocus,
    /// Whether the money may be used for any purpose.
    Restriction,
    /// How often the funder requires a report.
    ReportingFrequency,
    /// What the reports are about.
    ReportingBasis,
    /// Whether the plan may change.
    DeliveryTimeline,
}

impl FundingCode {
    /// The vocabulary of the answers.
    pub const fn vocabulary(self) -> V {
        match self {
            Self::IntendedFocus => V::EntryPoint,
            Self::Restriction => V::Restriction,
            Self::ReportingFrequency => V::ReportingFrequency,
            Self::ReportingBasis => V::ReportingBasis,
            Self::DeliveryTimeline => V::DeliveryTimeline,
        }
    }
}

macro_rules! choices {
    ($(#[doc = $about:literal] $variant:ident $name:literal: $kind:expr,)+) => {
        /// A field of a funding term with a few possible answers, numbered as for [`Choice`](wayin_vocabulary::Choice).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FundingChoice {
            $(#[doc = $about] $variant,)+
        }

        impl FundingChoice {
            /// All choices, in the order of their numbers.
            pub const ALL: [Self; [$($name,)+].len()] = [$(Self::$variant,)+];

            /// The names in documents, in the same order.
            pub const NAMES: [&str; Self::ALL.len()] = [$($name,)+];

            /// The field of the record.
            pub const fn field(self) -> FundingTermField {
                match self { $(Self::$variant => FundingTermField::$variant,)+ }
            }

            /// The possible answers.
            pub const fn kind(self) -> ChoiceKind {
                match self { $(Self::$variant => $kind,)+ }
            }
        }
    };
}

choices! {
    /// The entry point that the funder meant to fund.
    IntendedFocus "intendedFocus": ChoiceKind::Code(FundingCode::IntendedFocus),
    /// Whether the funding pays for research before the work.
    UpfrontResearch "upfrontResearch": ChoiceKind::YesNo(YesNoWords {
        question: "whether it paid for research before the work",
        yes: "paid for research before the work",
        no: "did not pay for research before the work",
        groups: [("PAID_FOR", "research paid for"), ("NOT_PAID_FOR", "research not paid for")],
    }),
    /// Whether the funding pays for the extra time and resources of working together.
    CollaborationResourced "collaborationResourced": ChoiceKind::YesNo(YesNoWords {
        question: "whether it paid for the extra time and resource of working together",
        yes: "paid for the extra time and resource of working together",
        no: "did not pay for the extra time and resource of working together",
        groups: [("PAID_FOR", "working together paid for"), ("NOT_PAID_FOR", "working together not paid for")],
    }),
    /// Whether the money may be used for any purpose.
    Restriction "restriction": ChoiceKind::Code(FundingCode::Restriction),
    /// How often the funder requires a report.
    ReportingFrequency "reportingFrequency": ChoiceKind::Code(FundingCode::ReportingFrequency),
    /// What the reports are about.
    ReportingBasis "reportingBasis": ChoiceKind::Code(FundingCode::ReportingBasis),
    /// Whether the plan may change.
    DeliveryTimeline "deliveryTimeline": ChoiceKind::Code(FundingCode::DeliveryTimeline),
    /// Whether the funding may be renewed.
    Renewable "renewable": ChoiceKind::YesNo(YesNoWords {
        question: "whether it could be renewed",
        yes: "could be renewed",
        no: "could not be renewed",
        groups: [("RENEWABLE", "renewable"), ("NOT_RENEWABLE", "not renewable")],
    }),
    /// Whether the money also pays for work in other places.
    MultiSite "multiSite": ChoiceKind::YesNo(YesNoWords {
        question: "whether it also paid for work in other places",
        yes: "also paid for work in other places",
        no: "did not pay for work in other places",
        groups: [("SEVERAL_PLACES", "other places paid for too"), ("ONE_PLACE", "no other places paid for")],
    }),
}

impl FundingChoice {
    /// Finds the choice by which a dimension groups initiatives.
    pub const fn find_for_dimension(dimension: Dimension) -> Option<Self> {
        match dimension {
            Dimension::FundingResearch => Some(Self::UpfrontResearch),
            Dimension::ReportingFrequency => Some(Self::ReportingFrequency),
            Dimension::ReportingBasis => Some(Self::ReportingBasis),
            Dimension::IntendedFocus => Some(Self::IntendedFocus),
            Dimension::MultiSiteFunding => Some(Self::MultiSite),
            _ => None,
        }
    }

    /// Counts the possible answers.
    pub fn count_answers(self) -> usize {
        match self.kind() {
            ChoiceKind::YesNo(_) => 2,
            ChoiceKind::Code(code) => code.vocabulary().words().len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_has_the_name_of_its_field() {
        for (choice, name) in FundingChoice::ALL.iter().zip(FundingChoice::NAMES) {
            assert_eq!(choice.field().name(), name);
        }
    }
}
