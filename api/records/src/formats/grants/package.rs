//! Reads grants from JSON: a package or a list of grants, one grant at a time.

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
use super::row_parser::{GrantRow, GrantRowDraft, ItemList, RawField, path};
use super::{PackageInfo, ReadDepth, WayinTerms};
use crate::text;
use crate::text::quote;

/// Reads a package and calls `each` with the position of each grant and the grant.
pub(super) fn read_package(
    input: impl Read + Seek,
    depth: ReadDepth,
    notes: &mut Notes,
    mut each: impl FnMut(u64, GrantRow) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let mut read = |row, json: &str| {
        let grant = match depth {
            ReadDepth::Identifier => parse_identifier_only(json),
            ReadDepth::All => parse_grant(row, json),
        };
        each(row, grant)
    };
    parse_package(input, notes, Some(&mut read))
}

/// Reads the information about the package and skips its grants.
pub(super) fn read_package_info(input: impl Read + Seek) -> Result<PackageInfo, FileError> {
    parse_package(input, &mut Notes::default(), None)
}

/// A function that receives the position and the text of each grant.
type GrantCallback<'a> = dyn FnMut(u64, &str) -> ControlFlow<()> + 'a;

fn parse_package(
    input: impl Read + Seek,
    notes: &mut Notes,
    each: Option<&mut GrantCallback<'_>>,
) -> Result<PackageInfo, FileError> {
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

struct PackageReader<'a, 'f> {
    allowance: &'a ByteAllowance,
    /// Receives the text of each grant. `None` to skip the grants.
    each: Option<&'a mut GrantCallback<'f>>,
    row: u64,
    stopped: bool,
    info: PackageInfo,
}

/// The whole file.
struct Package<'w, 'a, 'f>(&'w mut PackageReader<'a, 'f>);

impl<'de> Visitor<'de> for Package<'_, '_, '_> {
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
struct Grants<'w, 'a, 'f>(&'w mut PackageReader<'a, 'f>);

impl<'de> DeserializeSeed<'de> for Grants<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Grants<'_, '_, '_> {
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
            // Only the text is read here, so that an invalid grant is one rejected row and not the end of the file.
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
    let mut problems = RowProblems::for_row(row);
    if !json.starts_with('{') {
        problems.add_error("", "is not an object");
        return GrantRow::rejected(None, problems.errors);
    }
    let mut draft: GrantRowDraft = match serde_json::from_str(json) {
        Ok(draft) => draft,
        Err(error) => {
            problems.add_error("", describe_json_error(&error));
            return GrantRow::rejected(None, problems.errors);
        }
    };
    let lists = [
        (path::STARTS_ON, draft.periods.is_wrong),
        (path::PROGRAMME, draft.programmes.is_wrong),
        (path::RECIPIENT_NAME, draft.recipients.is_wrong),
        (path::FUNDER_NAME, draft.funders.is_wrong),
        (path::LOCATION_NAME, draft.locations.is_wrong),
    ];
    for (path, _) in lists.into_iter().filter(|(_, is_wrong)| *is_wrong) {
        let reason = "is not a list of objects";
        if matches!(path, path::RECIPIENT_NAME | path::FUNDER_NAME) {
            problems.add_error(path::list_of_path(path), reason);
        } else {
            problems.warn_omitted(path::list_of_path(path), reason);
        }
    }
    let terms = draft.wayin.take();
    draft.wayin_terms = terms.and_then(|terms| parse_wayin_terms(terms.get(), &mut problems));
    draft.parse(problems)
}

/// Parses the terms of an export of Wayin, without those that are invalid.
fn parse_wayin_terms(json: &str, problems: &mut RowProblems) -> Option<WayinTerms> {
    if let Ok(own) = serde_json::from_str(json) {
        return own;
    }
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(json) else {
        problems.warn_omitted("wayin", "is not an object");
        return None;
    };
    let mut kept = Map::new();
    for (name, value) in fields {
        let alone = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
        if WayinTerms::deserialize(&alone).is_ok() {
            kept.insert(name, value);
        } else {
            let reason = format!("{} is not a value that Wayin writes", quote(&value.to_string()));
            problems.warn_omitted(&format!("wayin/{name}"), &reason);
        }
    }
    WayinTerms::deserialize(Value::Object(kept)).ok()
}

/// A grant of which only the identifier is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct IdentifierObject {
    id: RawField,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ItemList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        let items = if json == "null" {
            Some(Vec::new())
        } else {
            parse_objects(json)
        };
        Ok(Self {
            is_wrong: items.is_none(),
            items: (0..).zip(items.unwrap_or_default()).collect(),
        })
    }
}

fn parse_objects<'de, T: Deserialize<'de>>(json: &'de str) -> Option<Vec<T>> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    // Serde would also read a struct from a list of the values of its fields.
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
                // A lone surrogate escape, such as \ud800, is not a character.
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
