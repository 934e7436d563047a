//! Lists of initiatives, which the index finds and the database loads by id, and lists of funding terms in other
//! objects. Each list is loaded for all objects of a page at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::connection::Edge;
use async_graphql::{Context, Enum, InputObject};
use sea_orm::{Select, sea_query::SelectStatement};
use uuid::Uuid;
use wayin_engine::cancellation::Cancelled;
use wayin_engine::count::EvaluationContext;
use wayin_engine::index::AsOf;
use wayin_engine::list;
use wayin_engine::list::{
    ListOrder, ListQuery, PageWindow, Position, SortField, SortKey, count_listed, find_page, required_part,
};
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::visibility::VisiblePart;
use wayin_entity::{funding_term, initiative};

use super::Initiative;
use super::loaders::load_visible;
use crate::error::{Error, Result};
use crate::graphql::connection::{IndexedConnection, IndexedListFields, TotalCount};
use crate::graphql::{
    error::SharedError,
    list::{ChildList, select_parent_links},
    loader::{LoaderContext, LoaderKey, operation_loader},
    order::Direction,
    require_reader,
};
use crate::initiative::select_visible_funding_terms;
use crate::paging::{self, Cursor, PageArguments, parse_page_size};
use crate::pattern::view::IndexView;

/// The list that cursors of initiatives belong to.
const CURSOR_LIST: &str = "initiative";

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
    /// When the record last changed.
    Updated,
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
    let query = ListQuery {
        required: required_part(&condition, order),
        reader: require_reader(ctx)?,
        condition,
    };
    let selection = ctx.look_ahead();
    let selects = |field: &str| selection.field(field).exists();
    let selects_rows = ["nodes", "edges", "pageInfo"].into_iter().any(selects);
    let key = InitiativePageKey {
        query: Arc::new(query),
        window: selects_rows.then(|| window.clone()),
        min_change_number,
        counts_rows: selects("totalCount"),
    };
    let page = operation_loader(ctx).load_one(key).await?;
    let page = page.ok_or_else(|| Error::Internal("a page was not loaded".into()))??;
    let total = page.total;
    let total = TotalCount::new(move || {
        std::future::ready(total.ok_or_else(|| Error::Internal("a list was not counted".into())))
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
            .map(|(position, row)| Edge::new(encode_cursor(order, &position), Initiative::new(row))),
    );
    Ok(connection)
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
        (SortField::Updated, false) => "updated",
        (SortField::Updated, true) => "updated-",
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
            SortField::Published | SortField::Updated | SortField::StartedOn | SortField::EndedOn,
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
    /// None if nothing of the rows is selected.
    window: Option<PageWindow>,
    /// The page includes this change.
    min_change_number: Option<i64>,
    /// Whether `totalCount` is selected.
    counts_rows: bool,
}

/// The rows of a page, with their positions in the list.
#[derive(Clone)]
struct InitiativePage {
    rows: Vec<(Position, Arc<initiative::Model>)>,
    has_more: bool,
    /// The number of rows of the list, if it was counted.
    total: Option<u64>,
    /// The newest change that the page includes.
    as_of: AsOf,
}

/// A page, or why it was not loaded. A page that waits for a change in vain does not fail the others.
type PageResult = Result<InitiativePage, SharedError>;

impl LoaderKey for InitiativePageKey {
    type Value = PageResult;

    async fn load(
        context: &LoaderContext,
        keys: &[InitiativePageKey],
    ) -> Result<HashMap<InitiativePageKey, PageResult>, SharedError> {
        let mut groups: BTreeMap<Option<i64>, Vec<InitiativePageKey>> = BTreeMap::new();
        for key in keys {
            groups.entry(key.min_change_number).or_default().push(key.clone());
        }
        let mut pages = HashMap::with_capacity(keys.len());
        for (min_change_number, keys) in groups {
            let view = context
                .view
                .get(min_change_number)
                .await
                .map_err(SharedError::from);
            match view {
                Ok(view) => {
                    let loaded = load_pages(context, &view, keys).await?;
                    pages.extend(loaded.into_iter().map(|(key, page)| (key, Ok(page))));
                }
                Err(error) => pages.extend(keys.into_iter().map(|key| (key, Err(error.clone())))),
            }
        }
        Ok(pages)
    }
}

/// Loads pages from one view. If all rows of a page were withdrawn or hidden since, the rows after them are its page.
async fn load_pages(
    loader: &LoaderContext,
    view: &IndexView,
    keys: Vec<InitiativePageKey>,
) -> Result<Vec<(InitiativePageKey, InitiativePage)>> {
    let mut loaded = Vec::with_capacity(keys.len());
    let mut pending: Vec<FoundPage> = Vec::with_capacity(keys.len());
    for key in keys {
        let window = key.window.clone();
        pending.push(FoundPage {
            key,
            window,
            page: NO_ROWS,
        });
    }
    while !pending.is_empty() {
        let found = view
            .run_query(move |context| find_pages(context, pending))
            .await?;
        pending = Vec::new();
        let rows = load_rows_of_pages(loader, &found).await?;
        for mut found in found {
            let end = found.last_position();
            let (required, page) = (
                found.key.query.required,
                std::mem::replace(&mut found.page, NO_ROWS),
            );
            let listed = page.rows.into_iter().filter_map(|position| {
                let row = Arc::clone(rows.get(&(required, position.id))?);
                Some((current_position(position, &row), row))
            });
            let listed: Vec<_> = listed.collect();
            // A page without rows has no cursor to continue from.
            if listed.is_empty()
                && page.has_more
                && let (Some(window), Some(end)) = (&mut found.window, end)
            {
                if window.from_end {
                    window.before = Some(end);
                } else {
                    window.after = Some(end);
                }
                pending.push(found);
                continue;
            }
            let page = InitiativePage {
                rows: listed,
                has_more: page.has_more,
                total: page.total,
                as_of: view.as_of(),
            };
            loaded.push((found.key, page));
        }
    }
    Ok(loaded)
}

const NO_ROWS: list::Page = list::Page {
    rows: Vec::new(),
    has_more: false,
    total: None,
};

/// A page that was found in the index.
struct FoundPage {
    key: InitiativePageKey,
    /// Where the page is. It may start later than the key says.
    window: Option<PageWindow>,
    page: list::Page,
}

impl FoundPage {
    /// The position of the row that was read last.
    fn last_position(&self) -> Option<Position> {
        let rows = &self.page.rows;
        let from_end = self.window.as_ref()?.from_end;
        let last = if from_end { rows.first() } else { rows.last() };
        last.cloned()
    }
}

fn find_pages(
    context: EvaluationContext<'_>,
    mut wanted: Vec<FoundPage>,
) -> Result<Vec<FoundPage>, Cancelled> {
    for found in &mut wanted {
        let (query, counts_rows) = (&found.key.query, found.key.counts_rows);
        found.page = match &found.window {
            Some(window) => find_page(context, query, window, counts_rows)?,
            None => list::Page {
                total: counts_rows.then(|| count_listed(context, query)).transpose()?,
                ..NO_ROWS
            },
        };
    }
    Ok(wanted)
}

/// The position of a row. Its title may have been redacted since it was found, and a cursor must not keep it.
fn current_position(found: Position, row: &initiative::Model) -> Position {
    match found.key {
        SortKey::Text(_) => Position {
            key: SortKey::Text(row.title_folded.clone()),
            ..found
        },
        SortKey::Number(_) | SortKey::NotKnown => found,
    }
}

/// Loads the rows of pages, if the reader can still see so much of them as the list requires.
async fn load_rows_of_pages(
    loader: &LoaderContext,
    pages: &[FoundPage],
) -> Result<HashMap<(VisiblePart, Uuid), Arc<initiative::Model>>> {
    let mut rows = HashMap::new();
    for required in [VisiblePart::Whole, VisiblePart::Any] {
        let listed = pages.iter().filter(|found| found.key.query.required == required);
        let ids: Vec<Uuid> = listed
            .flat_map(|found| found.page.rows.iter().map(|row| row.id))
            .collect();
        let loaded = load_visible(loader, required, ids).await?;
        rows.extend(loaded.into_iter().map(|(id, row)| ((required, id), row)));
    }
    Ok(rows)
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
