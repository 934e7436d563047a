//! Organisations over GraphQL.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, dataloader::Loader};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::{OrganisationKind, organisation};

use super::{Found, OrganisationOrdering, former};
use crate::condition::{Condition, Named, OrganisationCondition, OrganisationTest, TextComparison};
use crate::error::Error;
use crate::graphql::{
    app,
    comparison::{IdComparison, OrganisationKindComparison, TextComparisonInput},
    connection::{Connection, TotalCount, connection},
    decode,
    error::Shared,
    loader::Loads,
    reader,
};
use crate::id::NodeKind;
use crate::initiative::filter_input::{Lookup, at, not_too_many, only_or_all};
use crate::initiative::graphql::{
    FundingTerm, FundingTermsOf, Initiative, InitiativeList, InitiativeOrder, InitiativesOf,
};
use crate::initiative::record::OrganisationReference;
use crate::initiative::{filter, organisations_visible_to};
use crate::keeping::graphql::version;
use crate::paging::{self, PageArguments, PageRequest};
use crate::place::graphql::Direction;
use crate::spelling;

/// An organisation that leads or funds initiatives.
#[derive(Clone, Debug)]
pub struct Organisation(pub organisation::Model);

/// An organisation that leads or funds initiatives.
#[Object]
impl Organisation {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Organisation.id(self.0.id).into()
    }

    /// Counts the times that it was saved. For stewards.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        version(ctx, self.0.id).await
    }

    /// The name in use.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What sort of organisation it is; null where not known.
    async fn kind(&self) -> Option<OrganisationKind> {
        self.0.kind
    }

    /// The org-id identifier, such as GB-CHC-1164883; null where none is known.
    async fn identifier(&self) -> Option<&str> {
        self.0.identifier.as_deref()
    }

    /// Whether what its members send in is published without review. For stewards.
    async fn auto_publish(&self) -> bool {
        self.0.auto_publish
    }

    /// The initiatives that it leads, that you may read.
    async fn initiatives(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order; the newest first where nothing is said.")] order_by: Option<
            InitiativeOrder,
        >,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Initiative>> {
        let list = InitiativeList::LedBy(self.0.id);
        InitiativesOf::connection(
            ctx,
            list,
            order_by,
            PageArguments {
                first,
                after,
                last,
                before,
            },
        )
        .await
    }

    /// The funding terms that it gave, of the initiatives that you may read; the latest start first.
    async fn funding_terms(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<FundingTerm>> {
        FundingTermsOf::connection(
            ctx,
            self.0.id,
            PageArguments {
                first,
                after,
                last,
                before,
            },
        )
        .await
    }
}

/// Loads an organisation by its id, where something that the reader may read names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrganisationById(pub Uuid);

impl Loader<OrganisationById> for Loads {
    type Value = organisation::Model;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[OrganisationById],
    ) -> Result<HashMap<OrganisationById, organisation::Model>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = super::by_ids(&self.db, &ids).await?;
        Ok(found
            .into_iter()
            .map(|one| (OrganisationById(one.id), one))
            .collect())
    }
}

/// Loads an organisation by its id, where the reader may know of it; one that was merged leads to the one
/// that it was merged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KnownOrganisation(pub Uuid);

impl Loader<KnownOrganisation> for Loads {
    type Value = organisation::Model;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[KnownOrganisation],
    ) -> Result<HashMap<KnownOrganisation, organisation::Model>, Shared> {
        let led_on = former::led_on(&self.db, keys.iter().map(|key| key.0)).await?;
        let current = |id: Uuid| led_on.get(&id).copied().unwrap_or(id);
        let these = organisation::Column::Id.is_in(keys.iter().map(|key| current(key.0)));
        let found: HashMap<Uuid, organisation::Model> = organisations_visible_to(self.reader()?)
            .filter(these)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|one| (one.id, one))
            .collect();
        Ok(keys
            .iter()
            .filter_map(|key| Some((*key, found.get(&current(key.0))?.clone())))
            .collect())
    }
}

/// Which organisations are meant. All parts must hold; the empty filter holds of all.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OrganisationFilter {
    /// All of these hold; true of an empty list.
    pub and: Option<Vec<OrganisationFilter>>,
    /// Any of these holds; false of an empty list.
    pub or: Option<Vec<OrganisationFilter>>,
    /// This does not hold; UNKNOWN where it is UNKNOWN.
    pub not: Option<Box<OrganisationFilter>>,
    /// The organisation itself.
    pub id: Option<IdComparison>,
    /// Its name.
    pub name: Option<TextComparisonInput>,
    /// Its org-id identifier; UNKNOWN where it has none.
    pub identifier: Option<TextComparisonInput>,
    /// What sort of organisation it is; UNKNOWN where that is not known.
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
    spelling::folded(&spelling::org_id(text))
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

/// What organisations are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrganisationOrderField {
    /// The name.
    Name,
}

/// The order of a list of organisations.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct OrganisationOrder {
    /// What they are sorted by.
    pub field: OrganisationOrderField,
    /// In which direction.
    #[graphql(default)]
    pub direction: Direction,
}

/// The organisations that the base knows.
#[derive(Default)]
pub struct OrganisationQuery;

#[Object]
impl OrganisationQuery {
    /// Organisations: your own, and those that lead or fund a record that you may read.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn organisations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<OrganisationFilter>,
        #[graphql(desc = "The order; by name where nothing is said.")] order_by: Option<OrganisationOrder>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Organisation>> {
        let db = app(ctx).db.clone();
        let descending = order_by.is_some_and(|order| order.direction == Direction::Descending);
        let order = OrganisationOrdering { descending };
        let request = PageRequest::new::<organisation::Entity>(
            order,
            &PageArguments {
                first,
                after,
                last,
                before,
            },
        )?;
        let condition = filter
            .unwrap_or_default()
            .condition(Lookup::new(&db, reader(ctx)?), "filter".into())
            .await?;
        let select = organisations_visible_to(reader(ctx)?).filter(filter::organisations(&condition, true));
        let page = paging::page(&db, select.clone(), &request).await?;
        let total = TotalCount::new(move || {
            let (db, select) = (db.clone(), select.clone());
            async move { paging::count(&db, select).await }
        });
        Ok(connection::<organisation::Entity, _>(
            page,
            order,
            total,
            Organisation,
        ))
    }

    /// One organisation, by its id or its org-id identifier: one of the two. Those of one that was merged lead to
    /// the one that it was merged into. Null where there is none that you may know of.
    async fn organisation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: Option<ID>,
        #[graphql(desc = "The org-id identifier, such as GB-CHC-1164883.")] identifier: Option<String>,
    ) -> Result<Option<Organisation>> {
        let known = organisations_visible_to(reader(ctx)?);
        let found = match (id, identifier) {
            (Some(id), None) => {
                let id = decode(NodeKind::Organisation, "id", &id)?;
                let id = former::current(&app(ctx).db, id).await?;
                known.filter(organisation::Column::Id.eq(id))
            }
            (None, Some(identifier)) => {
                let reference = OrganisationReference {
                    identifier: Some(identifier),
                    name: Some(String::new()),
                    kind: None,
                };
                let found = Found::look_up(&app(ctx).db, std::iter::once(&reference)).await?;
                let Some(id) = found.id_of(&reference) else {
                    return Ok(None);
                };
                known.filter(organisation::Column::Id.eq(id))
            }
            _ => return Err(Error::bad_input("organisation", "give either id or identifier").into()),
        };
        Ok(found
            .one(&app(ctx).db)
            .await
            .map_err(Error::from)?
            .map(Organisation))
    }
}
