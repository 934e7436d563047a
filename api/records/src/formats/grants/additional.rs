//! What a grant says more than once where a record has room for one.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Party;

/// Each recipient, funder, programme and period of a grant after the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdditionalItems {
    /// Recipients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Party>,
    /// Funders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub funders: Vec<Party>,
    /// Titles of programmes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub programmes: Vec<String>,
    /// Planned dates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<Period>,
}

impl AdditionalItems {
    /// Whether the grant says nothing more than once.
    pub const fn is_empty(&self) -> bool {
        self.recipients.is_empty()
            && self.funders.is_empty()
            && self.programmes.is_empty()
            && self.periods.is_empty()
    }
}

/// When a grant is planned to be used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Period {
    /// The first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
    /// The length in months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_months: Option<i32>,
}
