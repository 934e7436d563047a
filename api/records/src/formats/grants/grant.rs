//! A published grant.

use chrono::NaiveDate;
use serde::de::Error as _;
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::additional::AdditionalItems;
use crate::fields::{Field as _, FundingTermField};
use crate::record::FundingTerm;

/// The maximum length of the title of a grant or programme, in characters.
pub(super) const MAX_TITLE_CHARACTERS: usize = 300;
pub(super) const MAX_DESCRIPTION_CHARACTERS: usize = 10_000;
/// The maximum length of the name of an organisation or place.
pub(super) const MAX_NAME_CHARACTERS: usize = 200;
pub(super) const MAX_IDENTIFIER_CHARACTERS: usize = 200;
pub(super) const MAX_ORGANISATION_IDENTIFIER_CHARACTERS: usize = 100;
pub(super) const MAX_URL_CHARACTERS: usize = 2_000;

/// A published grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The 360Giving grant identifier, at most 200 characters.
    pub identifier: String,
    /// The title, at most 300 characters.
    pub title: String,
    /// The purpose of the grant, at most 10,000 characters.
    pub description: Option<String>,
    /// The ISO 4217 code of the currency, in upper case.
    pub currency: Option<String>,
    /// The amount awarded, in the currency's minor unit.
    pub amount_minor: Option<i64>,
    /// The day of the decision.
    pub awarded_on: Option<NaiveDate>,
    /// The planned first day.
    pub starts_on: Option<NaiveDate>,
    /// The planned last day, not before the first.
    pub ends_on: Option<NaiveDate>,
    /// The planned length in whole months, from 1 to 1,200.
    pub duration_months: Option<i32>,
    /// The title of the funder's programme, at most 300 characters.
    pub programme: Option<String>,
    /// The recipient.
    pub recipient: Party,
    /// The funder.
    pub funder: Party,
    /// The locations of the beneficiaries. Each has a name, a code or both.
    pub locations: Vec<Location>,
    /// The web address of the source of the data.
    pub data_source: Option<String>,
    /// The terms that the standard has no fields for. Exports of Wayin have them.
    pub wayin_terms: Option<WayinTerms>,
    /// The additional items.
    pub additional: AdditionalItems,
}

/// The terms in the object `wayin` of a grant, without the funder and the fields of the standard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WayinTerms(pub FundingTerm);

impl Serialize for WayinTerms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = serde_json::to_value(&self.0).map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        for field in FundingTermField::ALL {
            if let Some(value) = all.get(field.name()).filter(|_| !field.is_in_grant_standard()) {
                map.serialize_entry(field.name(), value)?;
            }
        }
        if !self.0.missing.is_empty() {
            map.serialize_entry("missing", &self.0.missing)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for WayinTerms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        for name in fields.keys() {
            if name != "missing" && FundingTermField::find_beyond_grant_standard(name).is_none() {
                return Err(D::Error::custom(format!("unknown field `{name}`")));
            }
        }
        fields.insert("funder".to_owned(), Value::Object(Map::new()));
        let term = serde_json::from_value(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self(term))
    }
}

/// An organisation that takes part in a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The org-id identifier, at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The name, at most 200 characters.
    pub name: String,
}

/// A beneficiary location.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The name, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The geographic code in upper case, usually a GSS code.
    #[serde(rename = "geoCode", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The type of the code as published, such as `LSOA`, at most 200 characters.
    #[serde(rename = "geoCodeType", default, skip_serializing_if = "Option::is_none")]
    pub code_type: Option<String>,
}

/// The information in a JSON package about itself. Tables and workbooks have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageInfo {
    /// The licence for reusing the data, usually a web address.
    pub license: Option<String>,
    /// The title of the package.
    pub title: Option<String>,
    /// The name of the publisher.
    pub publisher: Option<String>,
    /// The web address of the file.
    pub download_url: Option<String>,
}

impl Grant {
    /// Computes the SHA-256 of the grant, in hexadecimal. It is the same for the same grant in JSON and in CSV. It covers
    /// all fields except the types of geographic codes.
    pub fn digest(&self) -> String {
        let Self {
            identifier,
            title,
            description,
            currency,
            amount_minor,
            awarded_on,
            starts_on,
            ends_on,
            duration_months,
            programme,
            recipient,
            funder,
            locations,
            data_source,
            wayin_terms: own,
            additional: further,
        } = self;
        let mut parts = vec![
            Some(identifier.clone()),
            Some(title.clone()),
            description.clone(),
            currency.clone(),
            amount_minor.map(|amount| amount.to_string()),
            awarded_on.map(|date| date.to_string()),
            starts_on.map(|date| date.to_string()),
            ends_on.map(|date| date.to_string()),
            duration_months.map(|months| months.to_string()),
            programme.clone(),
            data_source.clone(),
        ];
        for party in [recipient, funder] {
            parts.extend([party.identifier.clone(), Some(party.name.clone())]);
        }
        for location in locations {
            parts.extend([location.name.clone(), location.code.clone()]);
        }
        // Absent values are left out, so that digests from before these fields existed still match.
        parts.extend(own.as_ref().map(|own| serde_json::to_string(own).ok()));
        if !further.is_empty() {
            parts.push(serde_json::to_string(further).ok());
        }
        let mut hash = Sha256::new();
        for part in parts {
            // The length before each part separates it from the next.
            match part {
                Some(part) => {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part);
                }
                None => hash.update(u64::MAX.to_be_bytes()),
            }
        }
        hex::encode(hash.finalize())
    }
}

/// How much of each row is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadDepth {
    /// Only the identifier.
    Identifier,
    All,
}
