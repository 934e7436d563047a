//! The data of the fragments in `pattern.graphql` and `group.graphql`.

use serde::{Deserialize, Serialize};

use super::wording::CountPrecision;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PatternData {
    pub summary: SummaryData,
    pub conditions: ConditionsData,
    pub verdict: String,
    pub basis: String,
    pub scope: String,
    pub table: TableData,
    pub visible_table: TableData,
    pub rate_when: ShareData,
    pub rate_otherwise: ShareData,
    pub risk_ratio: Option<EstimateData>,
    pub adjusted: Option<AdjustedData>,
    pub cautions: Vec<CautionData>,
    pub as_of: AsOfData,
    pub licence: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SummaryData {
    pub headline: String,
    pub certainty: Option<String>,
    pub unknowns: Option<String>,
    #[serde(rename = "where")]
    pub where_different: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ConditionsData {
    pub when: String,
    pub then: String,
    pub among: Option<String>,
}

/// The counts of a table. None if suppressed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableData {
    pub population: Option<u64>,
    pub both: Option<u64>,
    pub when_only: Option<u64>,
    pub then_only: Option<u64>,
    pub neither: Option<u64>,
    pub unknown: Option<u64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ShareData {
    pub numerator: Option<u64>,
    pub denominator: Option<u64>,
    pub value: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct EstimateData {
    pub value: f64,
    pub lower: f64,
    pub upper: f64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdjustedData {
    pub risk_ratio: Option<EstimateData>,
    pub groups_left_out: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CautionData {
    pub code: String,
    pub text: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AsOfData {
    pub change_number: i64,
    pub changed_at: Option<chrono::DateTime<chrono::Utc>>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupData {
    pub key: Option<String>,
    pub label: String,
    pub basis: String,
    pub rate_when: ShareData,
    pub rate_otherwise: ShareData,
}

impl PatternData {
    /// The counts from which the shares are computed.
    pub fn measured_table(&self) -> &TableData {
        choose_table(&self.basis, &self.table, &self.visible_table)
    }

    /// Whether some of the records that the answer counts are illustrative.
    pub fn is_illustrative(&self) -> bool {
        has_caution(&self.cautions, "ILLUSTRATIVE")
    }

    /// How the counts of this pattern are written.
    pub fn precision(&self) -> CountPrecision {
        CountPrecision::of(&self.basis, &self.cautions)
    }
}

/// The counts of a basis, a code of the enum `RecordScope`.
pub fn choose_table<'a>(basis: &str, all: &'a TableData, visible: &'a TableData) -> &'a TableData {
    if basis == "VISIBLE" { visible } else { all }
}

/// Whether one of the cautions has a code of the enum `CautionCode`.
pub fn has_caution(cautions: &[CautionData], code: &str) -> bool {
    cautions.iter().any(|caution| caution.code == code)
}
