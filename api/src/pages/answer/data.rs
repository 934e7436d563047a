//! The data of the fragments in `pattern.graphql` and `group.graphql`.

use serde::{Deserialize, Serialize};

use super::wording::CountPrecision;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PatternData {
    pub summary: SummaryData,
    pub conditions: ConditionsData,
    pub verdict: String,
    pub visible_verdict: String,
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
    pub basis: Option<String>,
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

    /// The verdict on the figures that are shown. If counts of all records are suppressed, these are of the records that the
    /// visitor can read.
    pub fn shown_verdict(&self) -> &str {
        if self.has_no_figures() {
            return &self.verdict;
        }
        choose_verdict(&self.scope, &self.basis, &self.verdict, &self.visible_verdict)
    }

    /// The cautions about the figures that are shown, of the answer and of its groups.
    pub fn list_shown_cautions(&self, groups: &[GroupData]) -> Vec<CautionData> {
        let are_groups_visible = !groups.is_empty() && groups.iter().all(|group| group.basis == "VISIBLE");
        if self.has_no_figures() {
            return self.cautions.clone();
        }
        let mut cautions = list_shown_cautions(&self.cautions, &self.scope, &self.basis);
        if are_groups_visible {
            cautions.retain(|caution| caution.code != "GROUPS_SUPPRESSED");
        }
        cautions
    }

    /// Whether counts of all records are suppressed, and there are no readable ones to show instead.
    fn has_no_figures(&self) -> bool {
        self.scope != self.basis && self.visible_table.population == Some(0)
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

/// The verdict on the figures of a basis: the one on readable records if counts of all records are suppressed.
pub fn choose_verdict<'a>(scope: &str, basis: &str, all: &'a str, visible: &'a str) -> &'a str {
    if scope == basis { all } else { visible }
}

/// The cautions that are about the figures of a basis. If counts of all records are suppressed, readable records are counted
/// exactly in their place, so what is to be said of the counts of all does not apply.
pub fn list_shown_cautions(cautions: &[CautionData], scope: &str, basis: &str) -> Vec<CautionData> {
    let is_about_all = |code: &str| matches!(code, "PERTURBED" | "COUNTS_SUPPRESSED" | "GROUPS_SUPPRESSED");
    let shown = cautions
        .iter()
        .filter(|caution| scope == basis || !is_about_all(&caution.code));
    shown.cloned().collect()
}

/// Whether one of the cautions has a code of the enum `CautionCode`.
pub fn has_caution(cautions: &[CautionData], code: &str) -> bool {
    cautions.iter().any(|caution| caution.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_codes(scope: &str, basis: &str) -> Vec<String> {
        let cautions = [
            "NOT_A_SAMPLE",
            "GROUPS_SUPPRESSED",
            "PERTURBED",
            "COUNTS_SUPPRESSED",
        ]
        .map(|code| CautionData {
            code: code.into(),
            text: String::new(),
        });
        let shown = list_shown_cautions(&cautions, scope, basis);
        shown.into_iter().map(|caution| caution.code).collect()
    }

    #[test]
    fn cautions_about_counts_of_all_records_are_shown_beside_these_counts_alone() {
        assert_eq!(list_codes("ALL", "ALL").len(), 4);
        assert_eq!(list_codes("ALL", "VISIBLE"), ["NOT_A_SAMPLE"]);
    }

    #[test]
    fn readable_records_have_their_own_verdict() {
        let choose = |basis| choose_verdict("ALL", basis, "SUPPRESSED", "CLEAR_DIFFERENCE");
        assert_eq!(choose("ALL"), "SUPPRESSED");
        assert_eq!(choose("VISIBLE"), "CLEAR_DIFFERENCE");
    }
}
