//! Keyset pagination: a total order, and cursors with the key and id of a row, which stay valid when rows are
//! inserted. Pages go forward and backward, for one list or for the lists of many parents at once. Also scans
//! of whole tables.

use std::collections::HashMap;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, EntityTrait, ExprTrait, IntoSimpleExpr, ModelTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Alias, Expr, Order, Query, SelectStatement, Value, WindowStatement},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use wayin_records::normalisation::is_storable;

pub const MAX_PAGE_ROWS: u64 = 100;
pub const DEFAULT_PAGE_ROWS: u64 = 20;

/// A value of the column that a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SortKey {
    /// Not known. Such rows come last.
    NotKnown,
    Number(i64),
    Moment(DateTime<Utc>),
    Day(NaiveDate),
    /// A text in lower case.
    Text(String),
}

impl SortKey {
    /// The key of a column's value.
    fn from_value(value: Value) -> Self {
        match value {
            Value::Int(Some(number)) => Self::Number(number.into()),
            Value::BigInt(Some(number)) => Self::Number(number),
            Value::ChronoDateTimeUtc(Some(moment)) => Self::Moment(moment),
            Value::ChronoDate(Some(day)) => Self::Day(day),
            Value::String(Some(text)) => Self::Text(text),
            _ => Self::NotKnown,
        }
    }

    /// Whether the value has the column's type.
    fn matches_column(&self, column: &impl ColumnTrait) -> bool {
        match (self, column.def().get_column_type()) {
            (Self::NotKnown, _) => true,
            (Self::Number(_), of) => matches!(of, ColumnType::Integer | ColumnType::BigInteger),
            (Self::Moment(_), of) => matches!(of, ColumnType::TimestampWithTimeZone),
            (Self::Day(_), of) => matches!(of, ColumnType::Date),
            (Self::Text(text), of) => {
                matches!(of, ColumnType::String(_) | ColumnType::Text) && is_storable(text)
            }
        }
    }
}

impl From<&SortKey> for Value {
    fn from(key: &SortKey) -> Self {
        match key {
            SortKey::NotKnown => Self::Bool(None),
            SortKey::Number(number) => (*number).into(),
            SortKey::Moment(moment) => (*moment).into(),
            SortKey::Day(day) => (*day).into(),
            SortKey::Text(text) => text.clone().into(),
        }
    }
}

/// The order of a list. Rows with equal keys are in the order of their ids.
pub struct SortOrder<C> {
    /// Distinguishes the cursors of different orders.
    pub tag: &'static str,
    pub column: C,
    /// From last to first.
    pub descending: bool,
}

/// A table whose rows are listed in pages.
pub trait Paged: EntityTrait<Model: Sync> {
    /// The orders that the list offers.
    type Order: Copy + Send + Sync + Eq + std::hash::Hash + 'static;
    /// The column of the id.
    const ID: Self::Column;

    /// The column and direction of an order.
    fn sort(order: Self::Order) -> SortOrder<Self::Column>;
    fn id(row: &Self::Model) -> Uuid {
        match row.get(Self::ID) {
            Value::Uuid(Some(id)) => id,
            _ => Uuid::nil(),
        }
    }
}

/// Reads a table in the order of its ids, some rows at a time, so that memory does not grow with the table.
#[derive(Clone, Debug)]
pub struct KeysetScan<E: EntityTrait> {
    rows: Select<E>,
    id: E::Column,
    rows_per_page: u64,
    after: Option<Uuid>,
}

impl<E: EntityTrait> KeysetScan<E> {
    /// Scans the rows of a query by the column of their ids.
    pub const fn new(rows: Select<E>, id: E::Column, at_once: u64) -> Self {
        Self {
            rows,
            id,
            rows_per_page: at_once,
            after: None,
        }
    }

    fn select_remaining(&self) -> Select<E> {
        let rest = self.rows.clone().order_by_asc(self.id).limit(self.rows_per_page);
        match self.after {
            Some(after) => rest.filter(self.id.gt(after)),
            None => rest,
        }
    }

    /// Reads the next rows. None after the last.
    pub async fn next_rows(&mut self, db: &impl ConnectionTrait) -> Result<Option<Vec<E::Model>>> {
        let rows = self.select_remaining().all(db).await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        let last = <Uuid as sea_orm::sea_query::ValueType>::try_from(last.get(self.id));
        self.after = Some(last.map_err(|_| Error::Internal("the column of a scan is not an id".into()))?);
        Ok(Some(rows))
    }

    /// Reads the ids of the next rows. None after the last.
    pub async fn next_ids(&mut self, db: &impl ConnectionTrait) -> Result<Option<Vec<Uuid>>> {
        let ids = self.select_remaining().select_only().column(self.id);
        let ids: Vec<Uuid> = ids.into_tuple().all(db).await?;
        self.after = ids.last().copied().or(self.after);
        Ok((!ids.is_empty()).then_some(ids))
    }
}

/// The position of a row in a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The value that the list is sorted by.
    pub key: SortKey,
    /// The id of the row.
    pub id: Uuid,
}

/// The error for a text that is not a cursor of the list in its order.
pub fn invalid_cursor(argument: &str) -> Error {
    Error::bad_input(argument, "is not a cursor of this list in this order")
}

impl Cursor {
    /// Encodes the cursor for a list in an order. Orders of different lists can have the same tag.
    pub fn encode_for(&self, list: &str, tag: &str) -> String {
        // A tuple of texts, a plain value and an id always serialises.
        let bytes = serde_json::to_vec(&(list, tag, &self.key, self.id)).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Decodes a cursor of a list in an order. The caller checks the type of its key.
    pub fn decode_for(list: &str, tag: &str, argument: &str, text: &str) -> Result<Self> {
        BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<(String, String, SortKey, Uuid)>(&bytes).ok())
            .filter(|(of_list, of_tag, ..)| of_list == list && of_tag == tag)
            .map(|(_, _, key, id)| Self { key, id })
            .ok_or_else(|| invalid_cursor(argument))
    }

    /// Encodes the cursor of a row.
    pub fn encode<E: Paged>(order: E::Order, row: &E::Model) -> String {
        let SortOrder { tag, column, .. } = E::sort(order);
        let key = SortKey::from_value(row.get(column));
        Self { key, id: E::id(row) }.encode_for(E::default().table_name(), tag)
    }

    fn decode<E: Paged>(order: E::Order, argument: &str, text: &str) -> Result<Self> {
        let sort = E::sort(order);
        let cursor = Self::decode_for(E::default().table_name(), sort.tag, argument, text)?;
        if cursor.key.matches_column(&sort.column) {
            Ok(cursor)
        } else {
            Err(invalid_cursor(argument))
        }
    }
}

/// The arguments of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PageArguments {
    /// The number of rows from the start or after `after`.
    pub first: Option<i32>,
    /// A cursor.
    pub after: Option<String>,
    /// The number of rows from the end or before `before`.
    pub last: Option<i32>,
    /// A cursor.
    pub before: Option<String>,
}

impl PageArguments {
    pub const fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Self {
        Self {
            first,
            after,
            last,
            before,
        }
    }
}

/// Validated arguments of a page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest<O> {
    order: O,
    size: u64,
    backward: bool,
    after: Option<Cursor>,
    before: Option<Cursor>,
}

impl<O: Copy> PageRequest<O> {
    /// Validates the arguments of a list.
    pub fn new<E: Paged<Order = O>>(order: O, arguments: &PageArguments) -> Result<Self> {
        let (size, backward) = parse_page_size(arguments)?;
        let cursor = |name, text: &Option<String>| {
            text.as_deref()
                .map(|text| Cursor::decode::<E>(order, name, text))
                .transpose()
        };
        let (after, before) = (
            cursor("after", &arguments.after)?,
            cursor("before", &arguments.before)?,
        );
        Ok(Self {
            order,
            size,
            backward,
            after,
            before,
        })
    }
}

/// Returns the number of rows, and whether they are counted from the end.
pub fn parse_page_size(arguments: &PageArguments) -> Result<(u64, bool)> {
    let size = |name: &str, number: i32| {
        u64::try_from(number)
            .ok()
            .filter(|size| *size <= MAX_PAGE_ROWS)
            .ok_or_else(|| Error::bad_input(name, format!("{number} is not from 0 to {MAX_PAGE_ROWS}")))
    };
    match (arguments.first, arguments.last) {
        (Some(_), Some(_)) => Err(Error::bad_input("last", "cannot be combined with first")),
        (Some(first), None) => Ok((size("first", first)?, false)),
        (None, Some(last)) => Ok((size("last", last)?, true)),
        (None, None) => Ok((DEFAULT_PAGE_ROWS, false)),
    }
}

#[derive(Clone, Debug)]
pub struct Page<M> {
    pub rows: Vec<M>,
    /// Whether rows precede this page.
    pub has_previous: bool,
    /// Whether rows follow this page.
    pub has_next: bool,
}

impl<M> Page<M> {
    /// Builds the page from rows that were read with one extra row.
    fn from_rows<O>(mut rows: Vec<M>, request: &PageRequest<O>) -> Self {
        let more = rows.len() as u64 > request.size;
        rows.truncate(usize::try_from(request.size).unwrap_or(usize::MAX));
        if request.backward {
            rows.reverse();
            Self {
                rows,
                has_previous: more,
                has_next: request.before.is_some(),
            }
        } else {
            Self {
                rows,
                has_previous: request.after.is_some(),
                has_next: more,
            }
        }
    }
}

pub fn empty_page<M, O>(request: &PageRequest<O>) -> Page<M> {
    Page::from_rows(Vec::new(), request)
}

/// Loads one page of a query.
pub async fn load_page<E: Paged>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    request: &PageRequest<E::Order>,
) -> Result<Page<E::Model>> {
    let mut select = select
        .filter(window_condition::<E>(request))
        .limit(request.size + 1);
    for (expression, direction) in order_expressions::<E>(request) {
        select = QueryOrder::order_by(select, expression, direction);
    }
    Ok(Page::from_rows(select.all(db).await?, request))
}

/// Counts the rows of a query.
pub async fn count_rows<E: Paged>(db: &impl ConnectionTrait, select: Select<E>) -> Result<u64> {
    Ok(PaginatorTrait::count(select, db).await?)
}

/// Loads the same page of the lists of many parents, in two statements. `links` has the columns `parent` and
/// `child`, which say which rows are in which list.
pub async fn load_pages_by_parent<E: Paged>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    links: SelectStatement,
    request: &PageRequest<E::Order>,
) -> Result<HashMap<Uuid, Page<E::Model>>> {
    let (link, parent, child, rank) = (
        Alias::new("link"),
        Alias::new("parent"),
        Alias::new("child"),
        Alias::new("rank"),
    );
    let mut within_parent = WindowStatement::new();
    sea_orm::sea_query::OverStatement::partition_by(&mut within_parent, (link.clone(), parent.clone()));
    for (expression, direction) in order_expressions::<E>(request) {
        sea_orm::sea_query::OrderedStatement::order_by_expr(&mut within_parent, expression, direction);
    }
    let mut ranked = select.filter(window_condition::<E>(request)).into_query();
    ranked
        .clear_selects()
        .expr_as(Expr::col((link.clone(), parent.clone())), parent.clone())
        .expr_as(E::ID.into_simple_expr(), child.clone())
        .expr_window_as(Expr::cust("ROW_NUMBER()"), within_parent, rank.clone())
        .join_subquery(
            sea_orm::JoinType::InnerJoin,
            links,
            link.clone(),
            Expr::col((link, child.clone())).eq(E::ID.into_simple_expr()),
        );
    let mut chosen = Query::select();
    chosen
        .columns([parent, child])
        .from_subquery(ranked, Alias::new("ranked"))
        .and_where(Expr::col(rank.clone()).lte(i64::try_from(request.size + 1).unwrap_or(i64::MAX)))
        .order_by(rank, Order::Asc);
    let mut children: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for row in db.query_all(&chosen).await? {
        children
            .entry(row.try_get_by_index(0)?)
            .or_default()
            .push(row.try_get_by_index(1)?);
    }
    let ids: Vec<Uuid> = children.values().flatten().copied().collect();
    let rows: HashMap<Uuid, E::Model> = E::find()
        .filter(E::ID.is_in(ids))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (E::id(&row), row))
        .collect();
    let page = |ids: Vec<Uuid>| {
        let rows = ids.iter().filter_map(|id| rows.get(id).cloned()).collect();
        Page::from_rows(rows, request)
    };
    Ok(children
        .into_iter()
        .map(|(parent, ids)| (parent, page(ids)))
        .collect())
}

/// Counts the lists of many parents.
pub async fn count_by_parent<E: Paged>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    links: SelectStatement,
) -> Result<HashMap<Uuid, u64>> {
    let (link, parent, child) = (Alias::new("link"), Alias::new("parent"), Alias::new("child"));
    let mut counted = select.into_query();
    counted
        .clear_selects()
        .expr_as(Expr::col((link.clone(), parent.clone())), parent.clone())
        .expr_as(Expr::cust("COUNT(*)"), Alias::new("count"))
        .join_subquery(
            sea_orm::JoinType::InnerJoin,
            links,
            link.clone(),
            Expr::col((link.clone(), child)).eq(E::ID.into_simple_expr()),
        )
        .group_by_col((link, parent));
    let mut counts = HashMap::new();
    for row in db.query_all(&counted).await? {
        let count: i64 = row.try_get_by_index(1)?;
        counts.insert(row.try_get_by_index(0)?, count.cast_unsigned());
    }
    Ok(counts)
}

/// The order of the list, reversed if the page is read from the end.
fn order_expressions<E: Paged>(request: &PageRequest<E::Order>) -> Vec<(Expr, Order)> {
    let sort = E::sort(request.order);
    let direction = |descending: bool| {
        if descending == request.backward {
            Order::Asc
        } else {
            Order::Desc
        }
    };
    let mut by = Vec::with_capacity(3);
    if sort.column.def().is_null() {
        let not_known = Expr::case(sort.column.into_simple_expr().is_null(), 1).finally(0);
        by.push((not_known.into(), direction(false)));
    }
    by.push((sort.column.into_simple_expr(), direction(sort.descending)));
    by.push((E::ID.into_simple_expr(), direction(sort.descending)));
    by
}

/// A condition: the rows after and before the cursors.
fn window_condition<E: Paged>(request: &PageRequest<E::Order>) -> sea_orm::Condition {
    let sort = E::sort(request.order);
    let mut window = sea_orm::Condition::all();
    for (cursor, later) in [(&request.after, true), (&request.before, false)] {
        if let Some(cursor) = cursor {
            window = window.add(beyond_cursor_condition::<E>(&sort, cursor, later));
        }
    }
    window
}

fn beyond_cursor_condition<E: Paged>(sort: &SortOrder<E::Column>, cursor: &Cursor, later: bool) -> Expr {
    let greater = later != sort.descending;
    let past = |column: Expr, value: Value| {
        if greater {
            column.gt(value)
        } else {
            column.lt(value)
        }
    };
    let by_id = || past(E::ID.into_simple_expr(), cursor.id.into());
    let column = sort.column.into_simple_expr();
    let value = Value::from(&cursor.key);
    match (&cursor.key, later) {
        (SortKey::NotKnown, true) => column.is_null().and(by_id()),
        (SortKey::NotKnown, false) => column.clone().is_not_null().or(column.is_null().and(by_id())),
        (_, later) => {
            let past_it =
                past(column.clone(), value.clone()).or(column.clone().eq(value.clone()).and(by_id()));
            // Unknown values come last in either direction.
            if later && sort.column.def().is_null() {
                return past_it.or(column.is_null());
            }
            // With the `OR` alone, the database would read the index from its start.
            let from_it = if greater {
                column.gte(value)
            } else {
                column.lte(value)
            };
            from_it.and(past_it)
        }
    }
}
