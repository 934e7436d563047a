//! The lists of initiatives and funding terms that other objects hold, each read for
//! all the objects of a page at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Enum, InputObject, Result, dataloader::Loader};
use sea_orm::{
    ColumnTrait,
    sea_query::{Expr, Query, SelectStatement},
};
use uuid::Uuid;
use wayin_entity::{funding_term, initiative};

use super::{FundingTerm, Initiative};
use crate::graphql::order::Direction;
use crate::graphql::{
    connection::{Connection, TotalCount, connection},
    error::Shared,
    loader::{self, Loads},
};
use crate::initiative::{InitiativeOrdering, SortedBy, terms_visible_to, visible_to};
use crate::paging::{self, Page, PageArguments, PageRequest};
use crate::place::within::initiatives_in;

/// What initiatives are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InitiativeOrderField {
    /// When it was first published.
    Published,
    /// The title.
    Title,
    /// The day it started.
    StartedOn,
    /// The day it ended.
    EndedOn,
}

/// The order of a list of initiatives.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct InitiativeOrder {
    /// What they are sorted by.
    pub field: InitiativeOrderField,
    /// In which direction.
    #[graphql(default)]
    pub direction: Direction,
}

impl InitiativeOrdering {
    pub(super) fn of(order: Option<InitiativeOrder>) -> Self {
        let Some(order) = order else {
            return Self {
                by: SortedBy::Published,
                descending: true,
            };
        };
        let by = match order.field {
            InitiativeOrderField::Published => SortedBy::Published,
            InitiativeOrderField::Title => SortedBy::Title,
            InitiativeOrderField::StartedOn => SortedBy::StartedOn,
            InitiativeOrderField::EndedOn => SortedBy::EndedOn,
        };
        Self {
            by,
            descending: order.direction == Direction::Descending,
        }
    }
}

/// The initiatives that something else lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InitiativeList {
    /// Those in a place, or within it.
    InPlace(Uuid),
    /// Those that an organisation leads.
    LedBy(Uuid),
}

impl InitiativeList {
    const fn parent(self) -> Uuid {
        match self {
            Self::InPlace(id) | Self::LedBy(id) => id,
        }
    }

    /// Who leads a record is not among the parts that its funders read.
    const fn parts_too(self) -> bool {
        matches!(self, Self::InPlace(_))
    }

    const fn with_parent(self, id: Uuid) -> Self {
        match self {
            Self::InPlace(_) => Self::InPlace(id),
            Self::LedBy(_) => Self::LedBy(id),
        }
    }

    fn links(self, parents: &[Uuid]) -> SelectStatement {
        match self {
            Self::InPlace(_) => initiatives_in(parents),
            Self::LedBy(_) => {
                let mut links = Query::select();
                links
                    .expr_as(Expr::col(initiative::Column::LeadOrganisationId), "parent")
                    .expr_as(Expr::col(initiative::Column::Id), "child")
                    .from(initiative::Entity)
                    .and_where(initiative::Column::LeadOrganisationId.is_in(parents.iter().copied()));
                links
            }
        }
    }
}

/// Loads a page of a list of initiatives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InitiativesOf {
    list: InitiativeList,
    request: Arc<PageRequest<InitiativeOrdering>>,
}

impl InitiativesOf {
    /// A page of a list as a connection.
    pub async fn connection(
        ctx: &Context<'_>,
        list: InitiativeList,
        order: Option<InitiativeOrder>,
        arguments: PageArguments,
    ) -> Result<Connection<Initiative>> {
        let order = InitiativeOrdering::of(order);
        let request = PageRequest::new::<initiative::Entity>(order, &arguments)?;
        let key = Self {
            list,
            request: Arc::new(request.clone()),
        };
        let page = loader::of(ctx)
            .load_one(key)
            .await?
            .unwrap_or_else(|| paging::nothing(&request));
        let loads = Arc::clone(loader::of(ctx));
        let total = TotalCount::new(move || {
            let loads = Arc::clone(&loads);
            async move {
                Ok(loads
                    .load_one(CountOfInitiatives { list, order })
                    .await?
                    .unwrap_or(0))
            }
        });
        Ok(connection::<initiative::Entity, _>(
            page, order, total, Initiative,
        ))
    }
}

impl Loader<InitiativesOf> for Loads {
    type Value = Page<initiative::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[InitiativesOf],
    ) -> Result<HashMap<InitiativesOf, Page<initiative::Model>>, Shared> {
        let reader = self.reader()?;
        let mut loaded = HashMap::new();
        for places in [true, false] {
            let of_kind = keys
                .iter()
                .filter(|key| matches!(key.list, InitiativeList::InPlace(_)) == places);
            let Some(kind) = of_kind.clone().next().map(|key| key.list) else {
                continue;
            };
            for (request, parents) in loader::by_request(of_kind.map(|key| (&key.request, key.list.parent())))
            {
                let order: InitiativeOrdering = request.order();
                let select = visible_to(reader, kind.parts_too() && order.shows_no_more_than_a_part());
                let pages = paging::pages_by_parent(&self.db, select, kind.links(&parents), &request).await?;
                for (parent, page) in pages {
                    let list = kind.with_parent(parent);
                    loaded.insert(
                        InitiativesOf {
                            list,
                            request: Arc::clone(&request),
                        },
                        page,
                    );
                }
            }
        }
        Ok(loaded)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CountOfInitiatives {
    list: InitiativeList,
    order: InitiativeOrdering,
}

impl Loader<CountOfInitiatives> for Loads {
    type Value = u64;
    type Error = Shared;

    async fn load(&self, keys: &[CountOfInitiatives]) -> Result<HashMap<CountOfInitiatives, u64>, Shared> {
        let reader = self.reader()?;
        let mut groups: HashMap<(bool, bool), Vec<CountOfInitiatives>> = HashMap::new();
        for key in keys {
            let places = matches!(key.list, InitiativeList::InPlace(_));
            let parts_too = key.list.parts_too() && key.order.shows_no_more_than_a_part();
            groups.entry((places, parts_too)).or_default().push(*key);
        }
        let mut counted = HashMap::new();
        for ((_, parts_too), keys) in groups {
            let parents: Vec<Uuid> = keys.iter().map(|key| key.list.parent()).collect();
            let links = keys[0].list.links(&parents);
            let counts = paging::counts_by_parent(&self.db, visible_to(reader, parts_too), links).await?;
            counted.extend(
                keys.iter()
                    .filter_map(|key| Some((*key, *counts.get(&key.list.parent())?))),
            );
        }
        Ok(counted)
    }
}

/// Loads a page of the funding terms that an organisation gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FundingTermsOf {
    funder: Uuid,
    request: Arc<PageRequest<()>>,
}

impl FundingTermsOf {
    /// A page of them as a connection.
    pub async fn connection(
        ctx: &Context<'_>,
        funder: Uuid,
        arguments: PageArguments,
    ) -> Result<Connection<FundingTerm>> {
        let request = PageRequest::new::<funding_term::Entity>((), &arguments)?;
        let key = Self {
            funder,
            request: Arc::new(request.clone()),
        };
        let page = loader::of(ctx)
            .load_one(key)
            .await?
            .unwrap_or_else(|| paging::nothing(&request));
        let loads = Arc::clone(loader::of(ctx));
        let total = TotalCount::new(move || {
            let loads = Arc::clone(&loads);
            async move { Ok(loads.load_one(CountOfFundingTerms(funder)).await?.unwrap_or(0)) }
        });
        Ok(connection::<funding_term::Entity, _>(
            page,
            (),
            total,
            FundingTerm,
        ))
    }
}

fn given_by(funders: &[Uuid]) -> SelectStatement {
    let mut links = Query::select();
    links
        .expr_as(Expr::col(funding_term::Column::FunderId), "parent")
        .expr_as(Expr::col(funding_term::Column::Id), "child")
        .from(funding_term::Entity)
        .and_where(funding_term::Column::FunderId.is_in(funders.iter().copied()));
    links
}

impl Loader<FundingTermsOf> for Loads {
    type Value = Page<funding_term::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[FundingTermsOf],
    ) -> Result<HashMap<FundingTermsOf, Page<funding_term::Model>>, Shared> {
        let reader = self.reader()?;
        let mut loaded = HashMap::new();
        for (request, funders) in loader::by_request(keys.iter().map(|key| (&key.request, key.funder))) {
            let select = terms_visible_to(reader);
            for (funder, page) in
                paging::pages_by_parent(&self.db, select, given_by(&funders), &request).await?
            {
                loaded.insert(
                    FundingTermsOf {
                        funder,
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
struct CountOfFundingTerms(Uuid);

impl Loader<CountOfFundingTerms> for Loads {
    type Value = u64;
    type Error = Shared;

    async fn load(&self, keys: &[CountOfFundingTerms]) -> Result<HashMap<CountOfFundingTerms, u64>, Shared> {
        let reader = self.reader()?;
        let funders: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let select = terms_visible_to(reader);
        let counts = paging::counts_by_parent(&self.db, select, given_by(&funders)).await?;
        Ok(counts
            .into_iter()
            .map(|(funder, count)| (CountOfFundingTerms(funder), count))
            .collect())
    }
}
