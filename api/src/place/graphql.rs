//! Places over GraphQL.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, dataloader::Loader};
use futures_util::future::BoxFuture;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder,
    sea_query::{Expr, Query, SelectStatement},
};
use uuid::Uuid;
use wayin_entity::{PlaceKind, initiative, place, place_within};

use super::{PlaceKey, PlaceOrdering, within};
use crate::condition::{Condition, PlaceCondition, PlaceTest};
use crate::error::Error;
use crate::graphql::{
    app,
    comparison::{IdComparison, PlaceKindComparison, TextComparisonInput},
    connection::{Connection, TotalCount, connection},
    decode,
    error::Shared,
    loader::{self, Loads},
    reader,
};
use crate::id::NodeKind;
use crate::initiative::filter;
use crate::initiative::filter_input::{Lookup, PlaceRef, at, not_too_many, only_or_all};
use crate::initiative::graphql::{Initiative, InitiativeList, InitiativeOrder, InitiativesOf};
use crate::keeping::graphql::{stood_with, version};
use crate::paging::{self, Page, PageArguments, PageRequest};
use crate::spelling;

/// A place, from a neighbourhood to the country.
#[derive(Clone, Debug)]
pub struct Place(pub place::Model);

/// A place, from a neighbourhood to the country.
#[Object]
impl Place {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Place.id(self.0.id).into()
    }

    /// Counts the times that it was saved. For stewards.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        version(ctx, self.0.id).await
    }

    /// The name in use.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What sort of place it is.
    async fn kind(&self) -> PlaceKind {
        self.0.kind
    }

    /// The GSS code, such as E08000025; null where it has none.
    async fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The place that took over when this one's code was retired; null while it is in use.
    async fn successor(&self, ctx: &Context<'_>) -> Result<Option<Self>> {
        let Some(id) = self.0.successor_id else {
            return Ok(None);
        };
        Ok(loader::of(ctx).load_one(PlaceById(id)).await?.map(Self))
    }

    /// The places that it lies directly within: several, as a combined authority stands beside a region.
    async fn within(&self, ctx: &Context<'_>) -> Result<Vec<Self>> {
        if let Some(stood) = stood_with(self.0.id, "within", NodeKind::Place) {
            let places = loader::of(ctx)
                .load_many(stood.into_iter().map(PlaceById))
                .await?;
            let mut places: Vec<place::Model> = places.into_values().collect();
            places.sort_by(|one, other| (&one.name_folded, one.id).cmp(&(&other.name_folded, other.id)));
            return Ok(places.into_iter().map(Self).collect());
        }
        let places = loader::of(ctx)
            .load_one(PlacesAround(self.0.id))
            .await?
            .unwrap_or_default();
        Ok(places.into_iter().map(Self).collect())
    }

    /// The places in use that lie directly within it, by name.
    async fn contains(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Self>> {
        let order = PlaceOrdering { descending: false };
        let request = PageRequest::new::<place::Entity>(
            order,
            &PageArguments {
                first,
                after,
                last,
                before,
            },
        )?;
        let key = PlacesIn {
            place: self.0.id,
            request: Arc::new(request.clone()),
        };
        let page = loader::of(ctx)
            .load_one(key)
            .await?
            .unwrap_or_else(|| paging::nothing(&request));
        let loads = Arc::clone(loader::of(ctx));
        let id = self.0.id;
        let total = TotalCount::new(move || {
            let loads = Arc::clone(&loads);
            async move { Ok(loads.load_one(CountOfPlacesIn(id)).await?.unwrap_or(0)) }
        });
        Ok(connection::<place::Entity, _>(page, order, total, Self))
    }

    /// The initiatives in it, or in any place within it, that you may read.
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
        let list = InitiativeList::InPlace(self.0.id);
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
}

/// Which initiatives are in which of several places, or within them: columns `parent` and `child`.
pub fn initiatives_in(places: &[Uuid]) -> SelectStatement {
    let mut links = Query::select();
    links
        .distinct()
        .expr_as(Expr::col(("reached", "root")), "parent")
        .expr_as(Expr::col((initiative::Entity, initiative::Column::Id)), "child")
        .from("reached")
        .inner_join(
            initiative::Entity,
            Expr::col((initiative::Entity, initiative::Column::PlaceId)).equals(("reached", "id")),
        )
        .with_cte(within::reached(places, true));
    links
}

/// Loads a place by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaceById(pub Uuid);

impl Loader<PlaceById> for Loads {
    type Value = place::Model;
    type Error = Shared;

    async fn load(&self, keys: &[PlaceById]) -> Result<HashMap<PlaceById, place::Model>, Shared> {
        let ids = keys.iter().map(|key| key.0);
        let places = place::Entity::find()
            .filter(place::Column::Id.is_in(ids))
            .all(&self.db)
            .await?;
        Ok(places
            .into_iter()
            .map(|place| (PlaceById(place.id), place))
            .collect())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PlacesAround(Uuid);

impl Loader<PlacesAround> for Loads {
    type Value = Vec<place::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[PlacesAround]) -> Result<HashMap<PlacesAround, Vec<place::Model>>, Shared> {
        let ids = keys.iter().map(|key| key.0);
        let links = place_within::Entity::find()
            .filter(place_within::Column::PlaceId.is_in(ids))
            .all(&self.db)
            .await?;
        let larger = links.iter().map(|link| link.within_id);
        let places = place::Entity::find()
            .filter(place::Column::Id.is_in(larger))
            .order_by_asc(place::Column::NameFolded)
            .order_by_asc(place::Column::Id)
            .all(&self.db)
            .await?;
        let around = |smaller: Uuid| {
            let larger = |place: &&place::Model| {
                links
                    .iter()
                    .any(|link| link.place_id == smaller && link.within_id == place.id)
            };
            places.iter().filter(larger).cloned().collect()
        };
        Ok(keys.iter().map(|key| (*key, around(key.0))).collect())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PlacesIn {
    place: Uuid,
    request: Arc<PageRequest<PlaceOrdering>>,
}

fn current_places() -> sea_orm::Select<place::Entity> {
    place::Entity::find().filter(place::Column::SuccessorId.is_null())
}

fn contained_in(places: impl IntoIterator<Item = Uuid>) -> SelectStatement {
    let mut links = Query::select();
    links
        .expr_as(Expr::col(place_within::Column::WithinId), "parent")
        .expr_as(Expr::col(place_within::Column::PlaceId), "child")
        .from(place_within::Entity)
        .and_where(Expr::col(place_within::Column::WithinId).is_in(places));
    links
}

impl Loader<PlacesIn> for Loads {
    type Value = Page<place::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[PlacesIn]) -> Result<HashMap<PlacesIn, Page<place::Model>>, Shared> {
        let mut loaded = HashMap::new();
        for (request, places) in loader::by_request(keys.iter().map(|key| (&key.request, key.place))) {
            let links = contained_in(places);
            for (place, page) in paging::pages_by_parent(&self.db, current_places(), links, &request).await? {
                loaded.insert(
                    PlacesIn {
                        place,
                        request: Arc::clone(&request),
                    },
                    page,
                );
            }
        }
        Ok(loaded)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CountOfPlacesIn(Uuid);

impl Loader<CountOfPlacesIn> for Loads {
    type Value = u64;
    type Error = Shared;

    async fn load(&self, keys: &[CountOfPlacesIn]) -> Result<HashMap<CountOfPlacesIn, u64>, Shared> {
        let links = contained_in(keys.iter().map(|key| key.0));
        let counts = paging::counts_by_parent(&self.db, current_places(), links).await?;
        Ok(counts
            .into_iter()
            .map(|(place, count)| (CountOfPlacesIn(place), count))
            .collect())
    }
}

/// Which places are meant. All parts must hold; the empty filter holds of all.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PlaceFilter {
    /// All of these hold; true of an empty list.
    pub and: Option<Vec<PlaceFilter>>,
    /// Any of these holds; false of an empty list.
    pub or: Option<Vec<PlaceFilter>>,
    /// This does not hold.
    pub not: Option<Box<PlaceFilter>>,
    /// The place itself.
    pub id: Option<IdComparison>,
    /// Its name.
    pub name: Option<TextComparisonInput>,
    /// Its GSS code.
    pub code: Option<TextComparisonInput>,
    /// What sort of place it is.
    pub kind: Option<PlaceKindComparison>,
    /// It is this place, or lies within it.
    pub within: Option<PlaceRef>,
    /// Whether its code is in use, rather than retired.
    pub current: Option<bool>,
}

impl PlaceFilter {
    fn condition(self, lookup: Lookup<'_>, path: String) -> BoxFuture<'_, Result<PlaceCondition, Error>> {
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

/// What a list is sorted from, and to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Enum)]
pub enum Direction {
    /// From the first letter, the earliest day, the least.
    #[default]
    Ascending,
    /// From the last letter, the latest day, the most. What is not known still comes last.
    Descending,
}

/// What places are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PlaceOrderField {
    /// The name.
    Name,
}

/// The order of a list of places.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct PlaceOrder {
    /// What they are sorted by.
    pub field: PlaceOrderField,
    /// In which direction.
    #[graphql(default)]
    pub direction: Direction,
}

/// The places that the base knows.
#[derive(Default)]
pub struct PlaceQuery;

#[Object]
impl PlaceQuery {
    /// Places, those with retired codes among them unless `current` is asked for.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn places(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<PlaceFilter>,
        #[graphql(desc = "The order; by name where nothing is said.")] order_by: Option<PlaceOrder>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Place>> {
        let db = app(ctx).db.clone();
        let order = PlaceOrdering {
            descending: order_by.is_some_and(|order| order.direction == Direction::Descending),
        };
        let request = PageRequest::new::<place::Entity>(
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
        let select = place::Entity::find().filter(filter::places(&condition, true));
        let page = paging::page(&db, select.clone(), &request).await?;
        let total = TotalCount::new(move || {
            let (db, select) = (db.clone(), select.clone());
            async move { paging::count(&db, select).await }
        });
        Ok(connection::<place::Entity, _>(page, order, total, Place))
    }

    /// One place, by its id or its GSS code: one of the two. A retired code leads to
    /// the place that took over. Null where there is none.
    async fn place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: Option<ID>,
        #[graphql(desc = "The GSS code.")] code: Option<String>,
    ) -> Result<Option<Place>> {
        let key = match (id, code) {
            (Some(id), None) => PlaceKey::Id(decode(NodeKind::Place, "id", &id)?),
            (None, Some(code)) => PlaceKey::Code(code),
            _ => return Err(Error::bad_input("place", "give either id or code").into()),
        };
        Ok(super::find(&app(ctx).db, &key).await?.map(Place))
    }
}
