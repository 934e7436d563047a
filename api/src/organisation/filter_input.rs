//! Filters of organisations.

use async_graphql::InputObject;
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::organisation;

use super::alias;
use crate::error::{Error, Result};
use crate::graphql::{
    comparison::{IdComparison, OrganisationKindComparison, TextComparisonInput},
    filter::{FilterContext, all_of, field_path, negate_if_false, require_condition_count},
};
use crate::id::NodeKind;
use crate::initiative::select_visible_organisations;
use wayin_engine::predicate::{
    NamedReference, OrganisationPredicate, OrganisationTest, Predicate, TextComparison,
};
use wayin_records::normalisation;

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
    /// Whether it is your own organisation. An error if you belong to none, and in a claim, which everybody
    /// reads.
    pub is_me: Option<bool>,
    /// The name.
    pub name: Option<TextComparisonInput>,
    /// The org-id identifier. UNKNOWN if there is none.
    pub identifier: Option<TextComparisonInput>,
    /// The kind of organisation. UNKNOWN if not known.
    pub kind: Option<OrganisationKindComparison>,
}

impl OrganisationFilter {
    /// Converts the filter to a predicate. `path` names the argument in errors.
    pub fn into_predicate(
        self,
        lookup: FilterContext<'_>,
        path: String,
    ) -> BoxFuture<'_, Result<OrganisationPredicate, Error>> {
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
                let ids = id.into_predicate(&field_path(&path, "id"), NodeKind::Organisation, |ids| ids)?;
                let ids = resolve_alias_ids(lookup, ids).await?;
                all.push(add_names(lookup, ids).await?);
            }
            if let Some(is_me) = self.is_me {
                let own = build_own_predicate(lookup, &field_path(&path, "isMe")).await?;
                all.push(negate_if_false(own, is_me));
            }
            if let Some(name) = self.name {
                all.push(name.into_predicate(&field_path(&path, "name"), OrganisationTest::Name)?);
            }
            if let Some(identifier) = self.identifier {
                let texts = identifier.into_folded_predicate(
                    &field_path(&path, "identifier"),
                    fold_identifier,
                    |text| text,
                )?;
                all.push(include_former_identifiers(lookup, texts).await?);
            }
            if let Some(kind) = self.kind {
                all.push(kind.into_predicate(&field_path(&path, "kind"), OrganisationTest::Kind)?);
            }
            require_condition_count(&path, all_of(all), |_| 0)
        })
    }
}

/// Builds the predicate that is TRUE for the organisation of the member who asks. It equals that of a filter by
/// the id. `path` is the path of the field in the input.
///
/// # Errors
/// [`Error::BadInput`] if the member belongs to no organisation, or if the filter is stored in a claim.
pub async fn build_own_predicate(lookup: FilterContext<'_>, path: &str) -> Result<OrganisationPredicate> {
    // A subscription may have begun before the organisation was merged.
    let id = alias::resolve_id(lookup.db, lookup.asker_organisation.require_id(path)?).await?;
    // Members always know the name of their organisation.
    let own = super::load_by_ids(lookup.db, &[id]).await?.pop();
    let own = own.ok_or_else(|| Error::Internal(format!("the organisation {id} of a member is gone")))?;
    let own = NamedReference { id, name: own.name };
    Ok(Predicate::Test(OrganisationTest::Id(vec![own])))
}

/// Folds an identifier for comparisons.
fn fold_identifier(text: &str) -> String {
    normalisation::fold_name(&normalisation::normalise_org_id(text))
}

/// Replaces the ids of merged organisations by those that they were merged into.
async fn resolve_alias_ids(
    lookup: FilterContext<'_>,
    ids: Predicate<Vec<Uuid>>,
) -> Result<Predicate<Vec<Uuid>>, Error> {
    let mut wanted = Vec::new();
    ids.for_each_test(&mut |ids| wanted.extend(ids.iter().copied()));
    let led_on = alias::resolve_ids(lookup.db, wanted).await?;
    if led_on.is_empty() {
        return Ok(ids);
    }
    let current = |id: Uuid| led_on.get(&id).copied().unwrap_or(id);
    Ok(ids.map(&|ids| ids.into_iter().map(current).collect()))
}

/// Adds the current identifier for each former identifier.
async fn include_former_identifiers(
    lookup: FilterContext<'_>,
    texts: Predicate<TextComparison>,
) -> Result<OrganisationPredicate, Error> {
    let mut wanted = Vec::new();
    texts.for_each_test(&mut |text| {
        if let TextComparison::OneOf(listed) = text {
            wanted.extend(listed.iter().cloned());
        }
    });
    let current = alias::find_current_identifiers(lookup.db, wanted).await?;
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

/// Adds the names of organisations to ids, for summaries.
async fn add_names(
    lookup: FilterContext<'_>,
    ids: Predicate<Vec<Uuid>>,
) -> Result<OrganisationPredicate, Error> {
    let mut wanted = Vec::new();
    ids.for_each_test(&mut |ids| wanted.extend(ids.iter().copied()));
    let these = organisation::Column::Id.is_in(wanted);
    let found = select_visible_organisations(lookup.reader)
        .filter(these)
        .all(lookup.db)
        .await?;
    let named = |id: Uuid| NamedReference {
        id,
        name: found.iter().find(|one| one.id == id).map_or_else(
            || "an organisation that you cannot see".into(),
            |one| one.name.clone(),
        ),
    };
    Ok(ids.map(&|ids| OrganisationTest::Id(ids.into_iter().map(named).collect())))
}
