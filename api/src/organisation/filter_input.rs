//! Filters of organisations.

use async_graphql::InputObject;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::organisation;

use super::former;
use crate::error::{Error, Result};
use crate::graphql::{
    comparison::{IdComparison, OrganisationKindComparison, TextComparisonInput},
    filter::{Lookup, at, not_too_many, only_or_all},
};
use crate::id::NodeKind;
use crate::initiative::organisations_visible_to;
use wayin_engine::predicate::{Condition, Named, OrganisationCondition, OrganisationTest, TextComparison};
use wayin_records::spelling;

/// Filters organisations. All parts must hold. An empty filter matches every organisation.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OrganisationFilter {
    /// All of these filters hold. An empty list is TRUE.
    pub and: Option<Vec<OrganisationFilter>>,
    /// At least one of these filters holds. An empty list is FALSE.
    pub or: Option<Vec<OrganisationFilter>>,
    /// This filter does not hold. UNKNOWN if the filter is UNKNOWN.
    pub not: Option<Box<OrganisationFilter>>,
    /// The global ID of the organisation.
    pub id: Option<IdComparison>,
    /// The name.
    pub name: Option<TextComparisonInput>,
    /// The org-id identifier. UNKNOWN if there is none.
    pub identifier: Option<TextComparisonInput>,
    /// The kind of organisation. UNKNOWN if not known.
    pub kind: Option<OrganisationKindComparison>,
}

impl OrganisationFilter {
    /// The filter as a condition. `path` names the argument in complaints.
    pub fn condition(
        self,
        lookup: Lookup<'_>,
        path: String,
    ) -> BoxFuture<'_, Result<OrganisationCondition, Error>> {
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
                let ids = id.condition(&at(&path, "id"), NodeKind::Organisation, |ids| ids)?;
                let ids = led_on(lookup, ids).await?;
                all.push(with_names(lookup, ids).await?);
            }
            if let Some(name) = self.name {
                all.push(name.condition(&at(&path, "name"), OrganisationTest::Name)?);
            }
            if let Some(identifier) = self.identifier {
                let texts = identifier.spelt(&at(&path, "identifier"), fold_identifier, |text| text)?;
                all.push(with_former_identifiers(lookup, texts).await?);
            }
            if let Some(kind) = self.kind {
                all.push(kind.condition(&at(&path, "kind"), OrganisationTest::Kind)?);
            }
            not_too_many(&path, only_or_all(all), |_| 0)
        })
    }
}

/// An identifier as filters compare it.
fn fold_identifier(text: &str) -> String {
    spelling::fold(&spelling::org_id(text))
}

/// Has the ids of organisations that were merged lead to those that they were merged into.
async fn led_on(lookup: Lookup<'_>, ids: Condition<Vec<Uuid>>) -> Result<Condition<Vec<Uuid>>, Error> {
    let mut wanted = Vec::new();
    ids.each_test(&mut |ids| wanted.extend(ids.iter().copied()));
    let led_on = former::led_on(lookup.db, wanted).await?;
    if led_on.is_empty() {
        return Ok(ids);
    }
    let current = |id: Uuid| led_on.get(&id).copied().unwrap_or(id);
    Ok(ids.map(&|ids| ids.into_iter().map(current).collect()))
}

/// Has an identifier that was in use before stand for the one that is in use now too.
async fn with_former_identifiers(
    lookup: Lookup<'_>,
    texts: Condition<TextComparison>,
) -> Result<OrganisationCondition, Error> {
    let mut wanted = Vec::new();
    texts.each_test(&mut |text| {
        if let TextComparison::OneOf(listed) = text {
            wanted.extend(listed.iter().cloned());
        }
    });
    let current = former::identifiers_now(lookup.db, wanted).await?;
    let and_now = |mut listed: Vec<String>| {
        let more: Vec<String> = listed
            .iter()
            .filter_map(|one| current.get(one))
            .flatten()
            .cloned()
            .collect();
        listed.extend(more);
        listed
    };
    Ok(texts.map(&|text| {
        OrganisationTest::Identifier(match text {
            TextComparison::OneOf(listed) => TextComparison::OneOf(and_now(listed)),
            other => other,
        })
    }))
}

/// Gives the ids of a condition the names that plain words use for them.
async fn with_names(lookup: Lookup<'_>, ids: Condition<Vec<Uuid>>) -> Result<OrganisationCondition, Error> {
    let mut wanted = Vec::new();
    ids.each_test(&mut |ids| wanted.extend(ids.iter().copied()));
    let these = organisation::Column::Id.is_in(wanted);
    let found = organisations_visible_to(lookup.reader)
        .filter(these)
        .all(lookup.db)
        .await?;
    let named = |id: Uuid| Named {
        id,
        name: found.iter().find(|one| one.id == id).map_or_else(
            || "an organisation that you may not know of".into(),
            |one| one.name.clone(),
        ),
    };
    Ok(ids.map(&|ids| OrganisationTest::Id(ids.into_iter().map(named).collect())))
}
