//! The questions that a portfolio is asked.

use serde_json::{Value, json};
use wayin_engine::query::RecordScope;

use super::operations::{PortfolioAnswer, PortfolioOperation};
use crate::pages::answer::address::{build_address, scope_code};
use crate::pages::answer::pictures::name_picture_files;

/// The addresses and names of the files of a picture of the portfolio.
pub fn list_picture_files(picture: &str, scope: RecordScope) -> Vec<(String, String)> {
    name_picture_files("bars", |ending| {
        let parameters = [
            ("picture", picture.to_owned()),
            ("scope", scope_code(scope).to_owned()),
        ];
        build_address(&format!("/portfolio/download.{ending}"), &parameters)
    })
}

/// A question about the portfolio, which its answer compares with the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortfolioQuestion {
    Ambitions,
    Understanding,
    Conditions,
    Governance,
    ShortFunding,
    Research,
}

impl PortfolioQuestion {
    pub const ALL: [Self; 6] = [
        Self::Ambitions,
        Self::Understanding,
        Self::Conditions,
        Self::Governance,
        Self::ShortFunding,
        Self::Research,
    ];

    /// The name in addresses, and of the variable and the field of the operation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ambitions => "ambitions",
            Self::Understanding => "understanding",
            Self::Conditions => "conditions",
            Self::Governance => "governance",
            Self::ShortFunding => "shortFunding",
            Self::Research => "research",
        }
    }

    /// Parses a name in an address.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|question| question.name() == name)
    }

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ambitions => "Rushed or skipped defining ambitions",
            Self::Understanding => "Took time to understand the local system",
            Self::Conditions => "Skipped fostering the conditions for change",
            Self::Governance => "Changed governance, at least in part",
            Self::ShortFunding => "Had some funding of 18 months or less",
            Self::Research => "Had research before the work paid for",
        }
    }

    /// The question in plain words. `owner` is the name of the organisation.
    pub fn describe(self, owner: &str) -> String {
        let condition = self.title().to_lowercase();
        format!(
            "Of the initiatives that {owner} funds or leads, and of the rest, how many {condition}? Initiatives \
             whose funders are not known are left out."
        )
    }

    /// What to know about the question. None if its heading says all.
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::ShortFunding | Self::Research => {
                Some("The funding of every funder of an initiative counts, not only yours.")
            }
            _ => None,
        }
    }

    /// The condition, as an `InitiativeFilter`.
    pub fn filter(self) -> Value {
        match self {
            Self::Ambitions => {
                json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["RUSHED", "SKIPPED"]}}})
            }
            Self::Understanding => {
                json!({"challenge": {"on": "UNDERSTANDING_LOCAL_SYSTEM", "step": {"eq": "TAKEN"}}})
            }
            Self::Conditions => {
                json!({"challenge": {"on": "FOSTERING_CONDITIONS", "step": {"eq": "SKIPPED"}}})
            }
            Self::Governance => {
                json!({"condition": {"on": "GOVERNANCE", "change": {"in": ["ALTERED", "PARTLY"]}}})
            }
            Self::ShortFunding => json!({"fundingTerms": {"some": {"durationMonths": {"lte": 18}}}}),
            Self::Research => json!({"fundingTerms": {"some": {"upfrontResearch": {"eq": true}}}}),
        }
    }

    /// The answer among those of the operation.
    pub const fn find_answer(self, found: &PortfolioOperation) -> &PortfolioAnswer {
        match self {
            Self::Ambitions => &found.ambitions,
            Self::Understanding => &found.understanding,
            Self::Conditions => &found.conditions,
            Self::Governance => &found.governance,
            Self::ShortFunding => &found.short_funding,
            Self::Research => &found.research,
        }
    }

    /// The address of the answer as a file with this ending, on this page.
    pub fn download_address(self, scope: RecordScope, ending: &str) -> String {
        let parameters = [
            ("question", self.name().to_owned()),
            ("scope", scope_code(scope).to_owned()),
        ];
        build_address(&format!("/portfolio/download.{ending}"), &parameters)
    }

    /// The address of the same file under `/export`. A CSV file begins with where its figures are from.
    pub fn export_address(self, scope: RecordScope, ending: &str) -> String {
        let mut parameters = vec![
            ("portfolio", "true".to_owned()),
            ("then", self.filter().to_string()),
            ("scope", scope_code(scope).to_owned()),
        ];
        if ending == "csv" {
            parameters.push(("preamble", "true".to_owned()));
        }
        build_address(&format!("/export/compare.{ending}"), &parameters)
    }
}

/// The variables of [`PortfolioOperation`].
pub fn list_variables(scope: RecordScope) -> Value {
    let mut variables = json!({ "scope": scope_code(scope) });
    for question in PortfolioQuestion::ALL {
        variables[question.name()] = question.filter();
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::operation::PageOperation as _;

    #[test]
    fn each_question_is_a_variable_and_a_field_of_the_operation() {
        let variables = list_variables(RecordScope::All);
        assert_eq!(variables["scope"], "ALL");
        for question in PortfolioQuestion::ALL {
            let name = question.name();
            assert!(variables[name].is_object(), "{name}");
            let field = format!("  {name}: compare(portfolio: true, then: ${name}, scope: $scope)");
            assert!(PortfolioOperation::DOCUMENT.contains(&field), "{name}");
            assert_eq!(PortfolioQuestion::from_name(name), Some(question));
        }
        assert_eq!(PortfolioQuestion::from_name("other"), None);
    }

    #[test]
    fn question_is_a_sentence() {
        assert_eq!(
            PortfolioQuestion::ShortFunding.describe("Mersey Foundation"),
            "Of the initiatives that Mersey Foundation funds or leads, and of the rest, how many had some funding of 18 months \
             or less? Initiatives whose funders are not known are left out."
        );
    }

    #[test]
    fn files_have_the_question_and_the_scope() {
        let address = PortfolioQuestion::ShortFunding.export_address(RecordScope::Visible, "xlsx");
        assert!(
            address.starts_with("/export/compare.xlsx?portfolio=true&then=%7B"),
            "{address}"
        );
        assert!(address.ends_with("%7D&scope=VISIBLE"), "{address}");
    }
}
