//! Lists as connections: those of the base, and those that the objects of a page have, which are read for all of
//! the objects at once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, OutputType, Result, connection::Edge, dataloader::Loader};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoSimpleExpr, Select,
    sea_query::{Query, SelectStatement},
};
use uuid::Uuid;

use super::app;
use super::connection::{Connection, TotalCount};
use super::error::Shared;
use super::loader::{self, Key, Loads};
use crate::paging::{self, Cursor, Page, PageArguments, PageRequest, Paged};

/// A page of the rows that `select` gives, each as a node.
pub async fn list<E: Paged, N: OutputType>(
    ctx: &Context<'_>,
    select: Select<E>,
    order: E::Order,
    arguments: PageArguments,
    node: impl Fn(E::Model) -> N,
) -> Result<Connection<N>> {
    let request = PageRequest::new::<E>(order, &arguments)?;
    let db = app(ctx).db.clone();
    let page = paging::page(&db, select.clone(), &request).await?;
    let total = TotalCount::new(move || {
        let (db, select) = (db.clone(), select.clone());
        async move { paging::count(&db, select).await }
    });
    Ok(connection::<E, _>(page, order, total, node))
}

/// A list that each object of a page has.
pub trait ChildList: Key + Copy {
    /// The rows that are listed.
    type Row: Paged;

    /// All rows that the lists may have.
    fn rows(self, loads: &Loads) -> std::result::Result<Select<Self::Row>, Shared>;
    /// Which rows are in the lists of these parents, in the columns `parent` and `child`.
    fn links(self, parents: &[Uuid]) -> SelectStatement;
}

/// The links of a table in which each row has the id of its parent.
pub fn links<E: EntityTrait>(
    table: E,
    parent: E::Column,
    child: E::Column,
    parents: &[Uuid],
) -> SelectStatement {
    let mut links = Query::select();
    links
        .expr_as(parent.into_simple_expr(), "parent")
        .expr_as(child.into_simple_expr(), "child")
        .from(table)
        .and_where(parent.is_in(parents.iter().copied()));
    links
}

type Order<L> = <<L as ChildList>::Row as Paged>::Order;
type Row<L> = <<L as ChildList>::Row as EntityTrait>::Model;

/// A page of the list of one parent, each row as a node.
pub async fn child_list<L: ChildList, N: OutputType>(
    ctx: &Context<'_>,
    list: L,
    parent: Uuid,
    order: Order<L>,
    arguments: PageArguments,
    node: impl Fn(Row<L>) -> N,
) -> Result<Connection<N>> {
    let loads = Arc::clone(loader::of(ctx));
    let request = Arc::new(PageRequest::new::<L::Row>(order, &arguments)?);
    let key = PageOf {
        list,
        parent,
        request: Arc::clone(&request),
    };
    let page = loads
        .load_one(key)
        .await?
        .unwrap_or_else(|| paging::nothing(&request));
    let total = TotalCount::new(move || {
        let loads = Arc::clone(&loads);
        async move { Ok(loads.load_one(CountOf { list, parent }).await?.unwrap_or(0)) }
    });
    Ok(connection::<L::Row, _>(page, order, total, node))
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct PageOf<L: ChildList> {
    list: L,
    parent: Uuid,
    request: Arc<PageRequest<Order<L>>>,
}

impl<L: ChildList> Loader<PageOf<L>> for Loads {
    type Value = Page<Row<L>>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[PageOf<L>],
    ) -> std::result::Result<HashMap<PageOf<L>, Page<Row<L>>>, Shared> {
        let mut groups: HashMap<_, Vec<Uuid>> = HashMap::new();
        for key in keys {
            groups
                .entry((key.list, &key.request))
                .or_default()
                .push(key.parent);
        }
        let mut loaded = HashMap::new();
        for ((list, request), parents) in groups {
            let (rows, links) = (list.rows(self)?, list.links(&parents));
            let pages = paging::pages_by_parent(&self.db, rows, links, request).await?;
            loaded.extend(pages.into_iter().map(|(parent, page)| {
                let request = Arc::clone(request);
                (
                    PageOf {
                        list,
                        parent,
                        request,
                    },
                    page,
                )
            }));
        }
        Ok(loaded)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct CountOf<L: ChildList> {
    list: L,
    parent: Uuid,
}

impl<L: ChildList> Loader<CountOf<L>> for Loads {
    type Value = u64;
    type Error = Shared;

    async fn load(&self, keys: &[CountOf<L>]) -> std::result::Result<HashMap<CountOf<L>, u64>, Shared> {
        let mut groups: HashMap<L, Vec<Uuid>> = HashMap::new();
        for key in keys {
            groups.entry(key.list).or_default().push(key.parent);
        }
        let mut counted = HashMap::new();
        for (list, parents) in groups {
            let counts = paging::counts_by_parent(&self.db, list.rows(self)?, list.links(&parents)).await?;
            counted.extend(
                counts
                    .into_iter()
                    .map(|(parent, count)| (CountOf { list, parent }, count)),
            );
        }
        Ok(counted)
    }
}

fn connection<E: Paged, N: OutputType>(
    page: Page<E::Model>,
    order: E::Order,
    total: TotalCount,
    node: impl Fn(E::Model) -> N,
) -> Connection<N> {
    let mut connection = Connection::with_additional_fields(page.has_previous, page.has_next, total);
    connection.edges.extend(page.rows.into_iter().map(|row| {
        let cursor = Cursor::of::<E>(order, &row);
        Edge::new(cursor, node(row))
    }));
    connection
}
