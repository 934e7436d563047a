//! The places of records, by name.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pages::error::PageError;
use crate::pages::operation::PageOperation;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

#[derive(Debug, Deserialize, Serialize)]
pub struct ReviewPlaceNamesOperation {
    places: NamedPlaces,
}

#[derive(Debug, Deserialize, Serialize)]
struct NamedPlaces {
    nodes: Vec<NamedPlace>,
}

#[derive(Debug, Deserialize, Serialize)]
struct NamedPlace {
    code: Option<String>,
    name: String,
}

impl PageOperation for ReviewPlaceNamesOperation {
    const DOCUMENT: &'static str = include_str!("place_names.graphql");
}

/// The names of places by their codes.
pub type PlaceNames = HashMap<String, String>;

/// Finds the names of the places that records give only by their code.
pub async fn find_place_names(
    service: &PageService,
    visitor: &Visitor,
    records: &[&Value],
) -> Result<PlaceNames, PageError> {
    let codes: Vec<&str> = records
        .iter()
        .filter(|record| place_text(record, "name").is_none())
        .filter_map(|record| place_text(record, "code"))
        .collect();
    if codes.is_empty() {
        return Ok(PlaceNames::new());
    }
    let found: ReviewPlaceNamesOperation = service.execute(visitor, json!({ "codes": codes })).await?;
    let places = found.places.nodes.into_iter();
    Ok(places
        .filter_map(|place| Some((place.code?, place.name)))
        .collect())
}

/// The name of the place of a record, or else its code.
pub fn describe_place(record: &Value, names: &PlaceNames) -> String {
    let code = place_text(record, "code").unwrap_or("No place");
    let named = names.get(code).map_or(code, String::as_str);
    place_text(record, "name").unwrap_or(named).to_owned()
}

/// The name or the code of the place of a record, as it was sent.
fn place_text<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    let text = record.get("place")?.get(field)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}
