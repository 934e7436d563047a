//! Lists as connections: top-level lists, and child lists, which are loaded for all objects of a page at
//! once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::{Context, OutputType, Result, connection::Edge};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoSimpleExpr, Select,
    sea_query::{Query, SelectStatement},
};
use uuid::Uuid;

use super::app_from_context;
use super::connection::{NodeConnection, TotalCount};
use super::error::SharedError;
use super::loader::{self, LoaderContext, LoaderKey};
use crate::paging::{self, Cursor, Page, PageArguments, PageRequest, Paged};

/// Loads a page of the rows that `select` selects. Each row becomes a node.
pub async fn load_connection<E: Paged, N: OutputType>(
    ctx: &Context<'_>,
    select: Select<E>,
    order: E::Order,
    arguments: PageArguments,
    node: impl Fn(E::Model) -> N,
) -> Result<NodeConnection<N>> {
    let request = PageRequest::new::<E>(order, &arguments)?;
    let db = app_from_context(ctx).db.clone();
    let page = paging::load_page(&db, select.clone(), &request).await?;
    let total = TotalCount::new(move || {
        let (db, select) = (db.clone(), select.clone());
        async move { paging::count_rows(&db, select).await }
    });
    Ok(build_connection::<E, _>(page, order, total, node))
}

/// A list that each object of a page has.
pub trait ChildList: Send + Sync + Hash + Eq + Copy + 'static {
    /// The table of the listed rows.
    type Row: Paged;

    /// Selects all rows that can be in the lists.
    fn select_rows(self, loads: &LoaderContext) -> std::result::Result<Select<Self::Row>, SharedError>;
    /// Selects the rows in the lists of these parents, as the columns `parent` and `child`.
    fn select_links(self, parents: &[Uuid]) -> SelectStatement;
}

/// Selects the links from a table in which each row has the id of its parent.
pub fn select_parent_links<E: EntityTrait>(
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

type ChildListOrder<L> = <<L as ChildList>::Row as Paged>::Order;
type ChildListRow<L> = <<L as ChildList>::Row as EntityTrait>::Model;

/// Loads a page of the list of one parent. Each row becomes a node.
pub async fn load_child_connection<L: ChildList, N: OutputType>(
    ctx: &Context<'_>,
    list: L,
    parent: Uuid,
    order: ChildListOrder<L>,
    arguments: PageArguments,
    node: impl Fn(ChildListRow<L>) -> N,
) -> Result<NodeConnection<N>> {
    let loads = Arc::clone(loader::operation_loader(ctx));
    let request = Arc::new(PageRequest::new::<L::Row>(order, &arguments)?);
    let key = ChildListPage {
        list,
        parent,
        request: Arc::clone(&request),
    };
    let page = loads
        .load_one(key)
        .await?
        .unwrap_or_else(|| paging::empty_page(&request));
    let total = TotalCount::new(move || {
        let loads = Arc::clone(&loads);
        async move {
            Ok(loads
                .load_one(ChildListCount { list, parent })
                .await?
                .unwrap_or(0))
        }
    });
    Ok(build_connection::<L::Row, _>(page, order, total, node))
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct ChildListPage<L: ChildList> {
    list: L,
    parent: Uuid,
    request: Arc<PageRequest<ChildListOrder<L>>>,
}

impl<L: ChildList> LoaderKey for ChildListPage<L> {
    type Value = Page<ChildListRow<L>>;

    async fn load(
        context: &LoaderContext,
        keys: &[ChildListPage<L>],
    ) -> std::result::Result<HashMap<ChildListPage<L>, Page<ChildListRow<L>>>, SharedError> {
        let mut groups: HashMap<_, Vec<Uuid>> = HashMap::new();
        for key in keys {
            groups
                .entry((key.list, &key.request))
                .or_default()
                .push(key.parent);
        }
        let mut loaded = HashMap::new();
        for ((list, request), parents) in groups {
            let (rows, links) = (list.select_rows(context)?, list.select_links(&parents));
            let pages = paging::load_pages_by_parent(&context.db, rows, links, request).await?;
            loaded.extend(pages.into_iter().map(|(parent, page)| {
                let request = Arc::clone(request);
                (
                    ChildListPage {
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
struct ChildListCount<L: ChildList> {
    list: L,
    parent: Uuid,
}

impl<L: ChildList> LoaderKey for ChildListCount<L> {
    type Value = u64;

    async fn load(
        context: &LoaderContext,
        keys: &[ChildListCount<L>],
    ) -> std::result::Result<HashMap<ChildListCount<L>, u64>, SharedError> {
        let mut groups: HashMap<L, Vec<Uuid>> = HashMap::new();
        for key in keys {
            groups.entry(key.list).or_default().push(key.parent);
        }
        let mut counted = HashMap::new();
        for (list, parents) in groups {
            let counts = paging::count_by_parent(
                &context.db,
                list.select_rows(context)?,
                list.select_links(&parents),
            )
            .await?;
            counted.extend(
                counts
                    .into_iter()
                    .map(|(parent, count)| (ChildListCount { list, parent }, count)),
            );
        }
        Ok(counted)
    }
}

fn build_connection<E: Paged, N: OutputType>(
    page: Page<E::Model>,
    order: E::Order,
    total: TotalCount,
    node: impl Fn(E::Model) -> N,
) -> NodeConnection<N> {
    let mut connection = NodeConnection::with_additional_fields(page.has_previous, page.has_next, total);
    connection.edges.extend(page.rows.into_iter().map(|row| {
        let cursor = Cursor::encode::<E>(order, &row);
        Edge::new(cursor, node(row))
    }));
    connection
}
