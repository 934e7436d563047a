//! Filters of places, and places that an input names.

use async_graphql::{ID, InputObject, OneofObject};
use futures_util::future::BoxFuture;

use super::PlaceKey;
use crate::error::{Error, Result};
use crate::graphql::{
    comparison::{IdComparison, PlaceKindComparison, TextComparisonInput},
    decode,
    filter::{Lookup, at, not_too_many, only_or_all},
};
use crate::id::NodeKind;
use wayin_engine::predicate::{Condition, Named, PlaceCondition, PlaceTest};
use wayin_records::spelling;

/// A reference to a place, by its ID or its GSS code. Give exactly one of them.
#[derive(Clone, Debug, OneofObject)]
pub enum PlaceRef {
    /// The global ID.
    Id(ID),
    /// The GSS code. A retired code leads to the place that replaced it.
    Code(String),
}

impl PlaceRef {
    /// What the place is asked for by.
    pub fn key(self, path: &str) -> Result<PlaceKey> {
        Ok(match self {
            Self::Code(code) => PlaceKey::Code(code),
            Self::Id(id) => PlaceKey::Id(decode(NodeKind::Place, path, &id)?),
        })
    }

    /// The place that is meant.
    pub async fn named(self, lookup: Lookup<'_>, path: &str) -> Result<Named> {
        let key = self.key(path)?;
        let place = super::find(lookup.db, &key)
            .await?
            .ok_or_else(|| super::not_found(path, &key))?;
        Ok(Named {
            id: place.id,
            name: place.name,
        })
    }
}

/// What the places of a list in the input are asked for by.
pub fn place_keys(argument: &str, places: Vec<PlaceRef>) -> Result<Vec<PlaceKey>> {
    let places = places.into_iter().enumerate();
    places
        .map(|(at, place)| place.key(&format!("input.{argument}.{at}")))
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
    /// The filter as a condition. `path` names the argument in complaints.
    pub fn condition(self, lookup: Lookup<'_>, path: String) -> BoxFuture<'_, Result<PlaceCondition, Error>> {
        Box::pin(async move {
            let lookup = lookup.deeper(&path)?;
            let mut all = Vec::new();
            for (index, part) in self.and.into_iter().flatten().enumerate() {
                all.push(part.condition(lookup, format!("{path}.and.{index}")).await?);
            }
            if let Some(or) = self.or {
                let mut any = Vec::with_capacity(or.len());
                for (index, part) in or.into_iter().enumerate() {
                    any.push(part.condition(lookup, format!("{path}.or.{index}")).await?);
                }
                all.push(Condition::Any(any));
            }
            if let Some(not) = self.not {
                all.push(not.condition(lookup, at(&path, "not")).await?.negated());
            }
            if let Some(id) = self.id {
                all.push(id.condition(&at(&path, "id"), NodeKind::Place, PlaceTest::Id)?);
            }
            if let Some(name) = self.name {
                all.push(name.condition(&at(&path, "name"), PlaceTest::Name)?);
            }
            if let Some(code) = self.code {
                let fold = |code: &str| spelling::gss_code(code).to_lowercase();
                all.push(code.spelt(&at(&path, "code"), fold, PlaceTest::Code)?);
            }
            if let Some(kind) = self.kind {
                all.push(kind.condition(&at(&path, "kind"), PlaceTest::Kind)?);
            }
            if let Some(within) = self.within {
                all.push(Condition::Test(PlaceTest::Within(
                    within.named(lookup, &at(&path, "within")).await?,
                )));
            }
            all.extend(
                self.current
                    .map(|current| Condition::Test(PlaceTest::Current(current))),
            );
            not_too_many(&path, only_or_all(all), |_| 0)
        })
    }
}
