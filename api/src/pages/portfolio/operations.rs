//! The operations of the portfolio, and their data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pages::answer::data::{AsOfData, CautionData, ShareData, has_caution};
use crate::pages::answer::wording::CountPrecision;
use crate::pages::operation::PageOperation;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioOperation {
    pub viewer: PortfolioViewer,
    pub ambitions: PortfolioAnswer,
    pub understanding: PortfolioAnswer,
    pub conditions: PortfolioAnswer,
    pub governance: PortfolioAnswer,
    pub short_funding: PortfolioAnswer,
    pub research: PortfolioAnswer,
}

impl PageOperation for PortfolioOperation {
    const DOCUMENT: &'static str = include_str!("portfolio.graphql");
}

impl PortfolioOperation {
    /// The name of the member's organisation.
    pub fn owner(&self) -> &str {
        let organisation = self.viewer.organisation.as_ref();
        organisation.map_or("your organisation", |organisation| organisation.name.as_str())
    }
}

#[derive(Debug, Deserialize, Serialize)]
pub struct PortfolioViewer {
    pub organisation: Option<PortfolioOwner>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct PortfolioOwner {
    pub name: String,
}

/// The portfolio, compared with the rest.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortfolioAnswer {
    pub summary: ComparisonSummaryData,
    /// One: the portfolio.
    pub groups: Vec<ComparedGroupData>,
    pub cautions: Vec<CautionData>,
    pub basis: String,
    pub scope: String,
    pub as_of: AsOfData,
    pub licence: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonSummaryData {
    pub headline: String,
    pub by_group: Vec<String>,
    pub certainty: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparedGroupData {
    pub verdict: String,
    pub visible_verdict: String,
    pub table: UnknownCount,
    pub visible_table: UnknownCount,
    pub rate: ShareData,
    pub rate_of_rest: ShareData,
}

/// How many answers are unknown. None if suppressed.
#[derive(Debug, Deserialize, Serialize)]
pub struct UnknownCount {
    pub unknown: Option<u64>,
}

/// The initiatives that the member's organisation funds, by what its own grants say.
#[derive(Debug, Deserialize, Serialize)]
pub struct OwnGrantsOperation {
    pub funded: FundedInitiatives,
    /// The number of initiatives for each other field of the operation.
    #[serde(flatten)]
    pub counts: BTreeMap<String, GrantCount>,
}

impl PageOperation for OwnGrantsOperation {
    const DOCUMENT: &'static str = include_str!("grants.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FundedInitiatives {
    pub total_count: u64,
    pub nodes: Vec<FundedInitiative>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FundedInitiative {
    pub id: String,
    pub title: String,
    pub is_illustrative: bool,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantCount {
    pub total_count: u64,
}

impl PortfolioAnswer {
    /// Whether some of the records that the answer counts are illustrative.
    pub fn is_illustrative(&self) -> bool {
        has_caution(&self.cautions, "ILLUSTRATIVE")
    }

    /// How its counts are written.
    pub fn precision(&self) -> CountPrecision {
        CountPrecision::of(&self.basis, &self.cautions)
    }
}
