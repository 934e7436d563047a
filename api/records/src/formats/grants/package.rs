//! The JSON form: a package, or its list of grants alone, a grant at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufReader, Read, Seek};
use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::encoding::{self, TextKind};
use super::super::stream::{ByteAllowance, MeteredReader};
use super::super::{FileError, MAX_ROW_BYTES, Notes, RowProblems, describe_json_error, require_rows};
use super::row_parser::{GrantRow, GrantRowDraft, LocationDraft, PartyDraft, PeriodDraft, RawField, path};
use super::{PackageInfo, ReadDepth, WayinTerms};
use crate::money::DecimalSign;
use crate::text;
use crate::text::quote;

/// Reads a package and hands each grant with its position to `each`.
pub(super) fn read_package(
    input: impl Read + Seek,
    depth: ReadDepth,
    notes: &mut Notes,
    mut each: impl FnMut(u64, GrantRow) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let read = |row, json: &str| {
        let grant = match depth {
            ReadDepth::Identifier => parse_identifier_only(json),
            ReadDepth::All => parse_grant(row, json),
        };
        each(row, grant)
    };
    parse_package(input, notes, Some(read))
}

/// Reads what the package says about itself and passes over its grants.
pub(super) fn read_package_info(input: impl Read + Seek) -> Result<PackageInfo, FileError> {
    parse_package(
        input,
        &mut Notes::default(),
        None::<fn(u64, &str) -> ControlFlow<()>>,
    )
}

fn parse_package<F>(
    input: impl Read + Seek,
    notes: &mut Notes,
    each: Option<F>,
) -> Result<PackageInfo, FileError>
where
    F: FnMut(u64, &str) -> ControlFlow<()>,
{
    let allowance = ByteAllowance::unlimited();
    let metered = MeteredReader::new(encoding::open_as_utf8(input, TextKind::Json, notes)?, &allowance);
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, metered));
    let mut walk = PackageReader {
        allowance: &allowance,
        each,
        row: 0,
        stopped: false,
        info: PackageInfo::default(),
    };
    let outcome = json.deserialize_any(Package(&mut walk)).and_then(|()| json.end());
    match outcome {
        Err(_) if walk.stopped => Ok(walk.info),
        Err(_) if allowance.is_spent() => Err(FileError::EndlessRow { row: walk.row + 1 }),
        Err(error) => Err(file_error_from_json(&error)),
        Ok(()) => {
            let is_passed_over = walk.each.is_none();
            require_rows(is_passed_over || walk.row > 0).map(|()| walk.info)
        }
    }
}

fn file_error_from_json(error: &serde_json::Error) -> FileError {
    match error.classify() {
        Category::Io => FileError::Unreadable(std::io::Error::other(error.to_string())),
        Category::Data => FileError::NotGrants(describe_json_error(error)),
        Category::Syntax | Category::Eof => FileError::InvalidJson {
            line: error.line(),
            column: error.column(),
            reason: describe_json_error(error),
        },
    }
}

struct PackageReader<'a, F> {
    allowance: &'a ByteAllowance,
    /// What the text of each grant is handed to; nothing where grants are passed over.
    each: Option<F>,
    row: u64,
    stopped: bool,
    info: PackageInfo,
}

/// The whole file.
struct Package<'w, 'a, F>(&'w mut PackageReader<'a, F>);

impl<'de, F> Visitor<'de> for Package<'_, '_, F>
where
    F: FnMut(u64, &str) -> ControlFlow<()>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list `grants`, or that list alone")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_grants = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "grants" {
                has_grants = true;
                map.next_value_seed(Grants(&mut *self.0))?;
                continue;
            }
            let info = &mut self.0.info;
            match key.as_str() {
                "license" => info.license = parse_value_line(&map.next_value()?),
                "title" => info.title = parse_value_line(&map.next_value()?),
                "downloadURL" => info.download_url = parse_value_line(&map.next_value()?),
                "publisher" => info.publisher = parse_value_line(&map.next_value::<Value>()?["name"]),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if has_grants {
            Ok(())
        } else {
            Err(A::Error::custom("it has no list `grants`"))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        Grants(self.0).visit_seq(seq)
    }
}

/// The list of grants.
struct Grants<'w, 'a, F>(&'w mut PackageReader<'a, F>);

impl<'de, F> DeserializeSeed<'de> for Grants<'_, '_, F>
where
    F: FnMut(u64, &str) -> ControlFlow<()>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F> Visitor<'de> for Grants<'_, '_, F>
where
    F: FnMut(u64, &str) -> ControlFlow<()>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of grants")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let walk = self.0;
        let Some(each) = &mut walk.each else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        loop {
            walk.allowance.limit(MAX_ROW_BYTES);
            // The text alone is taken here, so that a grant of the wrong shape
            // is one row refused and not the end of the file.
            let Some(raw) = seq.next_element::<Box<RawValue>>()? else {
                break;
            };
            walk.row += 1;
            if walk.row == 1 && !raw.get().starts_with('{') {
                return Err(A::Error::custom("its list does not hold objects"));
            }
            if each(walk.row, raw.get()).is_break() {
                walk.stopped = true;
                return Err(A::Error::custom("stopped"));
            }
        }
        walk.allowance.lift();
        Ok(())
    }
}

fn parse_identifier_only(json: &str) -> GrantRow {
    let object = Some(json).filter(|json| json.starts_with('{'));
    let object: Option<IdentifierObject> = object.and_then(|json| serde_json::from_str(json).ok());
    GrantRow::identifier_only(&object.unwrap_or_default().id)
}

fn parse_grant(row: u64, json: &str) -> GrantRow {
    let mut refusals = RowProblems::for_row(row);
    if !json.starts_with('{') {
        refusals.add_error("", "is not an object");
        return GrantRow::rejected(None, refusals.errors);
    }
    let object: GrantObject = match serde_json::from_str(json) {
        Ok(object) => object,
        Err(error) => {
            refusals.add_error("", describe_json_error(&error));
            return GrantRow::rejected(None, refusals.errors);
        }
    };
    let lists = [
        (path::STARTS_ON, object.planned_dates.is_wrong),
        (path::PROGRAMME, object.grant_programme.is_wrong),
        (path::RECIPIENT_NAME, object.recipient_organization.is_wrong),
        (path::FUNDER_NAME, object.funding_organization.is_wrong),
        (path::LOCATION_NAME, object.beneficiary_location.is_wrong),
    ];
    for (path, _) in lists.into_iter().filter(|(_, is_wrong)| *is_wrong) {
        let reason = "is not a list of objects";
        if matches!(path, path::RECIPIENT_NAME | path::FUNDER_NAME) {
            refusals.add_error(path::list_of_path(path), reason);
        } else {
            refusals.warn_omitted(path::list_of_path(path), reason);
        }
    }
    let own = object
        .wayin
        .and_then(|own| parse_wayin_terms(own.get(), &mut refusals));
    let draft = GrantRowDraft {
        wayin_terms: own,
        ..object.into_draft()
    };
    draft.parse(refusals)
}

/// The terms that an export of Wayin writes, without those that cannot be read.
fn parse_wayin_terms(json: &str, refusals: &mut RowProblems) -> Option<WayinTerms> {
    if let Ok(own) = serde_json::from_str(json) {
        return own;
    }
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(json) else {
        refusals.warn_omitted("wayin", "is not an object");
        return None;
    };
    let mut kept = Map::new();
    for (name, value) in fields {
        let alone = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
        if WayinTerms::deserialize(&alone).is_ok() {
            kept.insert(name, value);
        } else {
            let reason = format!("{} is not a value that Wayin writes", quote(&value.to_string()));
            refusals.warn_omitted(&format!("wayin/{name}"), &reason);
        }
    }
    WayinTerms::deserialize(Value::Object(kept)).ok()
}

/// A grant of which nothing but the identifier is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct IdentifierObject {
    id: RawField,
}

/// A grant as JSON has it; whatever else it holds is passed over unread.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct GrantObject<'a> {
    id: RawField,
    title: RawField,
    description: RawField,
    currency: RawField,
    amount_awarded: RawField,
    award_date: RawField,
    data_source: RawField,
    planned_dates: ObjectList<PlannedDatesObject>,
    grant_programme: ObjectList<ProgrammeObject>,
    recipient_organization: ObjectList<OrganizationObject>,
    funding_organization: ObjectList<OrganizationObject>,
    beneficiary_location: ObjectList<LocationObject>,
    recipient_individual: Option<IgnoredAny>,
    to_individuals_details: Option<IgnoredAny>,
    wayin: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PlannedDatesObject {
    start_date: RawField,
    end_date: RawField,
    duration: RawField,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProgrammeObject {
    title: RawField,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OrganizationObject {
    id: RawField,
    name: RawField,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LocationObject {
    name: RawField,
    geo_code: RawField,
    geo_code_type: RawField,
}

impl GrantObject<'_> {
    fn into_draft(self) -> GrantRowDraft {
        let periods = self.planned_dates.into_numbered(|event| PeriodDraft {
            starts_on: event.start_date,
            ends_on: event.end_date,
            duration: event.duration,
        });
        let party = |organization: OrganizationObject| PartyDraft {
            id: organization.id,
            name: organization.name,
        };
        let person = [
            (path::RECIPIENT_INDIVIDUAL, self.recipient_individual.is_some()),
            (
                path::TO_INDIVIDUALS_DETAILS,
                self.to_individuals_details.is_some(),
            ),
        ];
        GrantRowDraft {
            id: self.id,
            title: self.title,
            description: self.description,
            currency: self.currency,
            amount: self.amount_awarded,
            awarded_on: self.award_date,
            data_source: self.data_source,
            periods,
            programmes: self.grant_programme.into_numbered(|programme| programme.title),
            recipients: self.recipient_organization.into_numbered(party),
            funders: self.funding_organization.into_numbered(party),
            locations: self.beneficiary_location.into_numbered(|place| LocationDraft {
                name: place.name,
                code: place.geo_code,
                code_type: place.geo_code_type,
            }),
            wayin_terms: None,
            person: person
                .into_iter()
                .find_map(|(path, is_there)| is_there.then_some(path)),
            sign: DecimalSign::Point,
        }
    }
}

/// A list of objects, or the fact that something else stands there.
#[derive(Default)]
struct ObjectList<T> {
    items: Vec<T>,
    is_wrong: bool,
}

impl<T> ObjectList<T> {
    /// The items by their numbers, counted from 0.
    fn into_numbered<D>(self, draft: impl FnMut(T) -> D) -> BTreeMap<u32, D> {
        (0..).zip(self.items.into_iter().map(draft)).collect()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ObjectList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let items = if json == "null" {
            Some(Vec::new())
        } else {
            parse_objects(json)
        };
        Ok(Self {
            is_wrong: items.is_none(),
            items: items.unwrap_or_default(),
        })
    }
}

fn parse_objects<'de, T: Deserialize<'de>>(json: &'de str) -> Option<Vec<T>> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    // A struct would also be read from a list of its fields' values.
    let objects = items.iter().map(|item| {
        let json = item.get();
        json.starts_with('{').then(|| serde_json::from_str(json).ok())?
    });
    objects.collect()
}

impl<'de> Deserialize<'de> for RawField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        Ok(match json.as_bytes().first() {
            Some(b'"') => match serde_json::from_str(json) {
                Ok(text) => Self::Text(text),
                // An escape such as \ud800, which alone stands for no character.
                Err(_) => Self::Other("text with a broken character"),
            },
            Some(b'-' | b'0'..=b'9') => Self::Text(json.to_owned()),
            Some(b'[') => Self::Other("a list"),
            Some(b'{') => Self::Other("an object"),
            Some(b't' | b'f') => Self::Other("true or false"),
            _ => Self::Nothing,
        })
    }
}

fn parse_value_line(value: &Value) -> Option<String> {
    value.as_str().and_then(text::clean_line)
}
