//! Lists of initiatives, which the index finds and the database loads by id, and lists of funding terms in other
//! objects. Each list is loaded for all objects of a page at once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_graphql::connection::Edge;
use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, InputObject};
use sea_orm::{ColumnTrait as _, DatabaseConnection, QueryFilter as _, Select, sea_query::SelectStatement};
use uuid::Uuid;
use wayin_engine::index::AsOf;
use wayin_engine::list;
use wayin_engine::list::{
    ListOrder, ListQuery, PageWindow, Position, SortField, SortKey, count_listed, find_page, required_part,
};
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::visibility::{Reader, VisiblePart};
use wayin_entity::{funding_term, initiative};

use super::Initiative;
use crate::database::is_in;
use crate::error::Result;
use crate::graphql::connection::{IndexedConnection, IndexedListFields, TotalCount};
use crate::graphql::{
    error::SharedError,
    list::{ChildList, select_parent_links},
    loader::{LoaderContext, operation_loader},
    order::Direction,
    require_reader,
};
use crate::initiative::{select_visible, select_visible_funding_terms};
use crate::paging::{self, Cursor, PageArguments, parse_page_size};

/// The list that cursors of initiatives belong to.
const CURSOR_LIST: &str = "initiative";
/// The most ids in one statement. SQLite binds at most 32,766 values.
const IDS_PER_STATEMENT: usize = 5_000;

/// The fields by which initiatives can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "SortField")]
pub enum InitiativeOrderField {
    /// When the initiative was first published.
    Published,
    /// The title.
    Title,
    /// The day the initiative started.
    StartedOn,
    /// The day the initiative ended.
    EndedOn,
}

/// The order of a list of initiatives.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct InitiativeOrder {
    /// The field to sort by.
    pub field: InitiativeOrderField,
    /// The direction of the order.
    #[graphql(default)]
    pub direction: Direction,
}

impl From<InitiativeOrder> for ListOrder {
    fn from(order: InitiativeOrder) -> Self {
        Self {
            field: order.field.into(),
            descending: order.direction == Direction::Desc,
        }
    }
}

/// The default order: the newest publication comes first.
pub(super) const NEWEST_FIRST: ListOrder = ListOrder {
    field: SortField::Published,
    descending: true,
};

/// Loads a page of the initiatives that the reader can see and for which a condition is TRUE. Partly visible records
/// are included if the condition and the order use only what the reader sees of them.
pub async fn load_initiatives(
    ctx: &Context<'_>,
    condition: InitiativePredicate,
    order: Option<InitiativeOrder>,
    arguments: PageArguments,
    min_change_number: Option<i64>,
) -> Result<IndexedConnection<Initiative>> {
    let order = order.map_or(NEWEST_FIRST, ListOrder::from);
    let window = parse_window(order, &arguments)?;
    let query = Arc::new(ListQuery {
        required: required_part(&condition, order),
        reader: require_reader(ctx)?,
        condition,
    });
    let loader = Arc::clone(operation_loader(ctx));
    let page = loader
        .load_one(InitiativePageKey {
            query: Arc::clone(&query),
            window: window.clone(),
            min_change_number,
            loads_rows: selects_rows(ctx),
        })
        .await?
        .unwrap_or_default();
    let total = TotalCount::new(move || {
        let (loader, query) = (Arc::clone(&loader), Arc::clone(&query));
        async move { Ok(loader.load_one(InitiativeCountKey(query)).await?.unwrap_or(0)) }
    });
    let (has_previous, has_next) = if window.from_end {
        (page.has_more, window.before.is_some())
    } else {
        (window.after.is_some(), page.has_more)
    };
    let fields = IndexedListFields {
        total,
        as_of: page.as_of.into(),
    };
    let mut connection = IndexedConnection::with_additional_fields(has_previous, has_next, fields);
    connection.edges.extend(
        page.rows
            .into_iter()
            .map(|(position, row)| Edge::new(encode_cursor(order, &position), Initiative(row))),
    );
    Ok(connection)
}

/// Whether the operation selects anything of the rows of a list.
fn selects_rows(ctx: &Context<'_>) -> bool {
    let selection = ctx.look_ahead();
    ["nodes", "edges", "pageInfo"]
        .iter()
        .any(|field| selection.field(field).exists())
}

/// Validates the arguments of a page of initiatives.
pub fn parse_window(order: ListOrder, arguments: &PageArguments) -> Result<PageWindow> {
    let (size, from_end) = parse_page_size(arguments)?;
    let position = |argument: &str, text: &Option<String>| {
        let decode = |text: &String| decode_cursor(order, argument, text);
        text.as_ref().map(decode).transpose()
    };
    Ok(PageWindow {
        order,
        after: position("after", &arguments.after)?,
        before: position("before", &arguments.before)?,
        // At most 100.
        size: usize::try_from(size).unwrap_or(usize::MAX),
        from_end,
    })
}

/// Distinguishes the cursors of different orders.
const fn cursor_tag(order: ListOrder) -> &'static str {
    match (order.field, order.descending) {
        (SortField::Published, false) => "published",
        (SortField::Published, true) => "published-",
        (SortField::Title, false) => "title",
        (SortField::Title, true) => "title-",
        (SortField::StartedOn, false) => "started",
        (SortField::StartedOn, true) => "started-",
        (SortField::EndedOn, false) => "ended",
        (SortField::EndedOn, true) => "ended-",
    }
}

fn encode_cursor(order: ListOrder, position: &Position) -> String {
    let key = match &position.key {
        SortKey::NotKnown => paging::SortKey::NotKnown,
        SortKey::Number(number) => paging::SortKey::Number(*number),
        SortKey::Text(text) => paging::SortKey::Text(text.clone()),
    };
    let cursor = Cursor { key, id: position.id };
    cursor.encode_for(CURSOR_LIST, cursor_tag(order))
}

fn decode_cursor(order: ListOrder, argument: &str, text: &str) -> Result<Position> {
    let cursor = Cursor::decode_for(CURSOR_LIST, cursor_tag(order), argument, text)?;
    let key = match (cursor.key, order.field) {
        (paging::SortKey::Text(text), SortField::Title) => Some(SortKey::Text(text)),
        (paging::SortKey::NotKnown, SortField::StartedOn | SortField::EndedOn) => Some(SortKey::NotKnown),
        (
            paging::SortKey::Number(number),
            SortField::Published | SortField::StartedOn | SortField::EndedOn,
        ) => Some(SortKey::Number(number)),
        _ => None,
    };
    let key = key.ok_or_else(|| paging::invalid_cursor(argument))?;
    Ok(Position { key, id: cursor.id })
}

/// A page of a list of initiatives.
#[derive(Clone, PartialEq, Eq, Hash)]
struct InitiativePageKey {
    query: Arc<ListQuery>,
    window: PageWindow,
    /// The page includes this change.
    min_change_number: Option<i64>,
    /// Whether the rows are selected. If not, only the number of rows or the newest change is.
    loads_rows: bool,
}

/// The rows of a page, with their positions in the list.
#[derive(Clone, Default)]
struct InitiativePage {
    rows: Vec<(Position, initiative::Model)>,
    has_more: bool,
    /// The newest change that the page includes.
    as_of: AsOf,
}

impl Loader<InitiativePageKey> for LoaderContext {
    type Value = InitiativePage;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[InitiativePageKey],
    ) -> Result<HashMap<InitiativePageKey, InitiativePage>, SharedError> {
        let min_change_number = keys.iter().filter_map(|key| key.min_change_number).max();
        let view = self.view.get(min_change_number).await?;
        let as_of = view.as_of();
        let keys = keys.to_vec();
        let pages = view
            .run_query(move |context| {
                let find = |key: InitiativePageKey| {
                    let page = if key.loads_rows {
                        find_page(context, &key.query, &key.window)?
                    } else {
                        list::Page::default()
                    };
                    Ok((key, page))
                };
                keys.into_iter().map(find).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let mut ids: HashMap<(Reader, VisiblePart), BTreeSet<Uuid>> = HashMap::new();
        for (key, page) in &pages {
            let found = page.rows.iter().map(|row| row.position.id);
            ids.entry((key.query.reader, key.query.required))
                .or_default()
                .extend(found);
        }
        let mut rows: HashMap<(Reader, VisiblePart), HashMap<Uuid, initiative::Model>> = HashMap::new();
        for ((reader, required), ids) in ids {
            let rows = rows.entry((reader, required)).or_default();
            let ids: Vec<Uuid> = ids.into_iter().collect();
            rows.extend(load_visible(&self.db, reader, required, &ids).await?);
        }
        let build_page = |(key, page): (InitiativePageKey, list::Page)| {
            let rows = rows.get(&(key.query.reader, key.query.required));
            let listed = page.rows.into_iter().filter_map(|listed| {
                // A row that has been withdrawn or hidden since is left out.
                let row = rows?.get(&listed.position.id)?.clone();
                Some((listed.position, row))
            });
            let page = InitiativePage {
                rows: listed.collect(),
                has_more: page.has_more,
                as_of,
            };
            (key, page)
        };
        Ok(pages.into_iter().map(build_page).collect())
    }
}

/// Loads initiatives by their ids, if the reader can still see so much of them.
pub(super) async fn load_visible(
    db: &DatabaseConnection,
    reader: Reader,
    required: VisiblePart,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, initiative::Model>> {
    let mut rows = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let listed = is_in(db, initiative::Column::Id.into_expr(), ids.iter().copied());
        let select = select_visible(reader, required == VisiblePart::Any).filter(listed);
        rows.extend(select.all(db).await?.into_iter().map(|row| (row.id, row)));
    }
    Ok(rows)
}

/// The number of initiatives in a list.
#[derive(Clone, PartialEq, Eq, Hash)]
struct InitiativeCountKey(Arc<ListQuery>);

impl Loader<InitiativeCountKey> for LoaderContext {
    type Value = u64;
    type Error = SharedError;

    async fn load(
        &self,
        keys: &[InitiativeCountKey],
    ) -> Result<HashMap<InitiativeCountKey, u64>, SharedError> {
        let view = self.view.get(None).await?;
        let keys = keys.to_vec();
        let counts = view
            .run_query(move |context| {
                let count = |key: InitiativeCountKey| {
                    let count = count_listed(context, &key.0)?;
                    Ok((key, count))
                };
                keys.into_iter().map(count).collect::<Result<HashMap<_, _>, _>>()
            })
            .await?;
        Ok(counts)
    }
}

/// The funding terms that an organisation gave.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FundingTermList;

impl ChildList for FundingTermList {
    type Row = funding_term::Entity;

    fn select_rows(self, loads: &LoaderContext) -> Result<Select<funding_term::Entity>, SharedError> {
        Ok(select_visible_funding_terms(loads.reader()?))
    }

    fn select_links(self, funders: &[Uuid]) -> SelectStatement {
        select_parent_links(
            funding_term::Entity,
            funding_term::Column::FunderId,
            funding_term::Column::Id,
            funders,
        )
    }
}
