//! A grant as published, and how much of it is read.

use chrono::NaiveDate;
use serde::de::Error as _;
use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::additional::AdditionalItems;
use crate::fields::{Field as _, FundingTermField};
use crate::record::FundingTerm;

/// The most characters of a title or of a programme's.
pub(super) const MAX_TITLE_CHARACTERS: usize = 300;
/// The most characters of a description.
pub(super) const MAX_DESCRIPTION_CHARACTERS: usize = 10_000;
/// The most characters of an organisation's or a place's name.
pub(super) const MAX_NAME_CHARACTERS: usize = 200;
/// The most characters of an identifier or a code.
pub(super) const MAX_IDENTIFIER_CHARACTERS: usize = 200;
/// The most characters of an organisation's identifier.
pub(super) const MAX_ORGANISATION_IDENTIFIER_CHARACTERS: usize = 100;
/// The most characters of a web address.
pub(super) const MAX_URL_CHARACTERS: usize = 2_000;

/// One grant as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The 360Giving grant identifier, at most 200 characters.
    pub identifier: String,
    /// The title, at most 300 characters.
    pub title: String,
    /// What the grant is for, at most 10,000 characters.
    pub description: Option<String>,
    /// The ISO 4217 code of the money, in upper case.
    pub currency: Option<String>,
    /// The amount awarded, in the currency's minor unit.
    pub amount_minor: Option<i64>,
    /// The day of the decision.
    pub awarded_on: Option<NaiveDate>,
    /// The planned first day.
    pub starts_on: Option<NaiveDate>,
    /// The planned last day, not before the first.
    pub ends_on: Option<NaiveDate>,
    /// The planned length in whole months as given, 1 to 1,200.
    pub duration_months: Option<i32>,
    /// The funder's programme, at most 300 characters.
    pub programme: Option<String>,
    /// Who received the grant.
    pub recipient: Party,
    /// Who gave it.
    pub funder: Party,
    /// Where those live whom it is for; each has a name, a code or both.
    pub locations: Vec<Location>,
    /// The web address that the grant says it comes from.
    pub data_source: Option<String>,
    /// What it says of its terms beyond the standard, as Wayin's own exports do.
    pub wayin_terms: Option<WayinTerms>,
    /// What it says more than once where a record has room for one.
    pub additional: AdditionalItems,
}

/// The terms that the standard has no field for, as they are in a grant's object `wayin`. The funder and the fields of the
/// standard are not part of it.
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
    /// The geographic code in upper case, most often a GSS code.
    #[serde(rename = "geoCode", default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What sort of area the code is of, as published, such as `LSOA`; at most 200 characters.
    #[serde(rename = "geoCodeType", default, skip_serializing_if = "Option::is_none")]
    pub code_type: Option<String>,
}

/// What a JSON package says about itself. Tables and workbooks say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageInfo {
    /// The licence that the data may be reused under, as a rule a web address.
    pub license: Option<String>,
    /// The title of the package.
    pub title: Option<String>,
    /// The publisher's name.
    pub publisher: Option<String>,
    /// The web address at which the file can be downloaded.
    pub download_url: Option<String>,
}

impl Grant {
    /// The SHA-256 of all that was read, in hexadecimal: the same for the same
    /// grant in JSON and in CSV, and another as soon as any part differs. Only the sorts of
    /// its geographic codes have no part in it: the codes say as much.
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
        // Only where there is any, so that other grants are known again as before.
        parts.extend(own.as_ref().map(|own| serde_json::to_string(own).ok()));
        if !further.is_empty() {
            parts.push(serde_json::to_string(further).ok());
        }
        let mut hash = Sha256::new();
        for part in parts {
            // The length before each part keeps neighbours from running together.
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
    /// The identifier alone.
    Identifier,
    All,
}
