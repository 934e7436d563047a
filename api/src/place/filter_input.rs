//! Filters of places, and references to places in inputs.

use async_graphql::{ID, InputObject, OneofObject};
use futures_util::future::BoxFuture;

use super::PlaceKey;
use crate::error::{Error, Result};
use crate::graphql::{
    comparison::{IdComparison, PlaceKindComparison, TextComparisonInput},
    decode_argument,
    filter::{FilterContext, all_of, field_path, require_condition_count},
};
use crate::id::NodeKind;
use wayin_engine::predicate::{NamedReference, PlacePredicate, PlaceTest, Predicate};
use wayin_records::normalisation;

/// A reference to a place, by its ID or its GSS code. Give exactly one of them.
#[derive(Clone, Debug, OneofObject)]
pub enum PlaceRef {
    /// The global ID.
    Id(ID),
    /// The GSS code. A retired code leads to the place that replaced it.
    Code(String),
}

impl PlaceRef {
    /// Converts the input to the key of a place.
    pub fn into_key(self, path: &str) -> Result<PlaceKey> {
        Ok(match self {
            Self::Code(code) => PlaceKey::Code(code),
            Self::Id(id) => PlaceKey::Id(decode_argument(NodeKind::Place, path, &id)?),
        })
    }

    /// Finds the place, with its name for summaries.
    pub async fn find_reference(self, lookup: FilterContext<'_>, path: &str) -> Result<NamedReference> {
        let key = self.into_key(path)?;
        let place = super::find_place(lookup.db, &key)
            .await?
            .ok_or_else(|| super::not_found_error(path, &key))?;
        Ok(NamedReference {
            id: place.id,
            name: place.name,
        })
    }
}

/// Converts a list of references to the keys of places.
pub fn into_place_keys(argument: &str, places: Vec<PlaceRef>) -> Result<Vec<PlaceKey>> {
    let places = places.into_iter().enumerate();
    places
        .map(|(at, place)| place.into_key(&format!("input.{argument}.{at}")))
        .collect()
}

/// Filters places. All parts must hold. An empty filter matches every place.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PlaceFilter {
    /// All of these filters hold. An empty list is TRUE.
    pub and: Option<Vec<PlaceFilter>>,
    /// At least one of these filters holds. An empty list is FALSE.
    pub or: Option<Vec<PlaceFilter>>,
    /// This filter does not hold.
    pub not: Option<Box<PlaceFilter>>,
    /// The global ID of the place.
    pub id: Option<IdComparison>,
    /// The name.
    pub name: Option<TextComparisonInput>,
    /// The GSS code.
    pub code: Option<TextComparisonInput>,
    /// The kind of place.
    pub kind: Option<PlaceKindComparison>,
    /// The place is this place or lies within it.
    pub within: Option<PlaceRef>,
    /// Whether the code is current: true for current codes, false for retired ones.
    pub current: Option<bool>,
}

impl PlaceFilter {
    /// Converts the filter to a predicate. `path` names the argument in errors.
    pub fn into_predicate(
        self,
        lookup: FilterContext<'_>,
        path: String,
    ) -> BoxFuture<'_, Result<PlacePredicate, Error>> {
        Box::pin(async move {
            let lookup = lookup.nested(&path)?;
            let mut all = Vec::new();
            for (index, part) in self.and.into_iter().flatten().enumerate() {
                all.push(part.into_predicate(lookup, format!("{path}.and.{index}")).await?);
            }
            if let Some(or) = self.or {
                let mut any = Vec::with_capacity(or.len());
                for (index, part) in or.into_iter().enumerate() {
                    any.push(part.into_predicate(lookup, format!("{path}.or.{index}")).await?);
                }
                all.push(Predicate::Any(any));
            }
            if let Some(not) = self.not {
                all.push(
                    not.into_predicate(lookup, field_path(&path, "not"))
                        .await?
                        .negated(),
                );
            }
            if let Some(id) = self.id {
                all.push(id.into_predicate(&field_path(&path, "id"), NodeKind::Place, PlaceTest::Id)?);
            }
            if let Some(name) = self.name {
                all.push(name.into_predicate(&field_path(&path, "name"), PlaceTest::Name)?);
            }
            if let Some(code) = self.code {
                let fold = |code: &str| normalisation::normalise_gss_code(code).to_lowercase();
                all.push(code.into_folded_predicate(&field_path(&path, "code"), fold, PlaceTest::Code)?);
            }
            if let Some(kind) = self.kind {
                all.push(kind.into_predicate(&field_path(&path, "kind"), PlaceTest::Kind)?);
            }
            if let Some(within) = self.within {
                all.push(Predicate::Test(PlaceTest::Within(
                    within
                        .find_reference(lookup, &field_path(&path, "within"))
                        .await?,
                )));
            }
            all.extend(
                self.current
                    .map(|current| Predicate::Test(PlaceTest::Current(current))),
            );
            require_condition_count(&path, all_of(all), |_| 0)
        })
    }
}
