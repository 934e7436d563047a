//! The additional items of a grant, for which a record has no room.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Party;

/// The recipients, funders, programmes and periods of a grant after the first of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdditionalItems {
    /// The other recipients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Party>,
    /// The other funders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub funders: Vec<Party>,
    /// The titles of the other programmes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub programmes: Vec<String>,
    /// The other periods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<Period>,
}

impl AdditionalItems {
    /// Returns whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.recipients.is_empty()
            && self.funders.is_empty()
            && self.programmes.is_empty()
            && self.periods.is_empty()
    }
}

/// A period for which a grant is planned.
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
