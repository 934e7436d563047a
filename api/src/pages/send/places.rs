//! The places that the form of a record offers.

use wayin_entity::{Labelled as _, PlaceKind};

use super::data::{FoundPlace, SendPlaceOperation, SendPlacesOperation};
use super::views::ChoiceView;
use crate::pages::error::PageError;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// The choice of a place: the one that is chosen, and those that were found.
#[derive(Clone, Debug, Default)]
pub struct PlaceView {
    /// The text that was searched for.
    pub search: String,
    pub choices: Vec<ChoiceView>,
    /// Whether the search found nothing.
    pub is_without_match: bool,
}

/// Finds the chosen place and the places whose names have a text.
///
/// # Errors
/// A page, if the places cannot be read.
pub async fn find_places(
    service: &PageService,
    visitor: &Visitor,
    chosen: &str,
    search: &str,
) -> Result<PlaceView, PageError> {
    let mut choices = Vec::new();
    if !chosen.is_empty() {
        let known = find_chosen(service, visitor, chosen).await?;
        choices.push(match known {
            Some(place) => ChoiceView {
                value: chosen.to_owned(),
                ..show_place_choice(&place, true)
            },
            None => ChoiceView {
                value: chosen.to_owned(),
                label: chosen.split_once(':').map_or(chosen, |(_, text)| text).to_owned(),
                hint: "Wayin looks for the place by what you wrote.".into(),
                is_chosen: true,
            },
        });
    }
    let search = search.trim();
    let mut found = Vec::new();
    if !search.is_empty() {
        let variables = serde_json::json!({ "search": search });
        let places: SendPlacesOperation = service.execute(visitor, variables).await?;
        found = places.places.nodes;
    }
    let is_without_match = !search.is_empty() && found.is_empty();
    for place in &found {
        let offered = show_place_choice(place, false);
        if offered.value != chosen {
            choices.push(offered);
        }
    }
    if !choices.is_empty() {
        choices.push(ChoiceView {
            value: String::new(),
            label: "Another place, or not known".into(),
            hint: String::new(),
            is_chosen: chosen.is_empty(),
        });
    }
    Ok(PlaceView {
        search: search.to_owned(),
        choices,
        is_without_match,
    })
}

async fn find_chosen(
    service: &PageService,
    visitor: &Visitor,
    chosen: &str,
) -> Result<Option<FoundPlace>, PageError> {
    let variables = match chosen.split_once(':') {
        Some(("code", code)) => serde_json::json!({ "id": null, "code": code }),
        // An id that is not one is for the check of the record to report.
        Some(("id", id)) if crate::id::decode(id).is_some() => serde_json::json!({ "id": id, "code": null }),
        _ => return Ok(None),
    };
    let found: SendPlaceOperation = service.execute(visitor, variables).await?;
    Ok(found.place)
}

fn show_place_choice(place: &FoundPlace, is_chosen: bool) -> ChoiceView {
    let kind = PlaceKind::ALL.iter().find(|kind| kind.code() == place.kind);
    let kind = kind.map_or_else(String::new, |kind| wayin_entity::to_heading(kind.label()));
    let parents: Vec<&str> = place.parents.iter().map(|parent| parent.name.as_str()).collect();
    ChoiceView {
        value: match &place.code {
            Some(code) => format!("code:{code}"),
            None => format!("id:{}", place.id),
        },
        label: place.name.clone(),
        hint: if parents.is_empty() {
            kind
        } else {
            format!("{kind} in {}", parents.join(", "))
        },
        is_chosen,
    }
}
