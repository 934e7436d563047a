//! The version that a row of a file says it was written from. It is no part of the record: an export
//! writes it beside the record's fields, and here it is taken from among them.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::file_record::FileRecord;
use crate::fields::column::VERSION_PATH;
use crate::finding::{Finding, FindingCode};
use crate::record::InitiativeRecord;

/// Takes the version from among a document's fields; none where nothing is said.
pub(super) fn taken_from(document: &mut Value) -> Option<Value> {
    let said = document.as_object_mut()?.remove(VERSION_PATH)?;
    Some(said).filter(|said| !said.is_null())
}

/// The number of a version, or what is wrong with it.
pub(super) fn read(said: &Value) -> Result<i32, Finding> {
    let number = said.as_i64().and_then(|number| i32::try_from(number).ok());
    number.filter(|number| *number >= 1).ok_or_else(|| {
        let reason = format!("{said} is not the number of a version, a whole number from 1 on");
        Finding::new(FindingCode::Malformed, VERSION_PATH, reason)
    })
}

/// Sets aside which version a record was written from.
pub(super) fn set_aside(record: &mut FileRecord) {
    record.version = taken_from(&mut record.document);
    if let Some(Err(finding)) = record.version.as_ref().map(read)
        && !record.findings.iter().any(|found| found.path == finding.path)
    {
        record.findings.push(finding);
    }
}

/// A record with the version that stands among its fields.
pub(super) struct Versioned {
    pub(super) record: InitiativeRecord,
    pub(super) version: Option<Value>,
}

impl<'de> Deserialize<'de> for Versioned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Versioned;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct InitiativeRecord")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Versioned, A::Error> {
        let mut version = None;
        let others = Others {
            fields,
            version: &mut version,
        };
        let record = InitiativeRecord::deserialize(MapAccessDeserializer::new(others))?;
        Ok(Versioned {
            record,
            version: version.filter(|said| !said.is_null()),
        })
    }
}

/// The fields but for the version, which is set aside as it is met.
struct Others<'a, A> {
    fields: A,
    version: &'a mut Option<Value>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Others<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.fields.next_key::<String>()? {
            if name != VERSION_PATH {
                return seed.deserialize(StringDeserializer::new(name)).map(Some);
            }
            if self.version.replace(self.fields.next_value()?).is_some() {
                return Err(A::Error::duplicate_field(VERSION_PATH));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}
