//! The groups of a pattern over GraphQL: a connection that clients can sort.

use async_graphql::{Context, Enum, InputObject, Object, Result, connection::Edge};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::parts::{Suppression, TableFigures, encode_group_key, find_organisation, find_place};
use crate::error::Error;
use crate::graphql::connection::{NodeConnection, TotalCount};
use crate::graphql::order::Direction;
use crate::initiative::graphql::{Organisation, Place};
use crate::paging::{self, PageArguments};
use wayin_engine::answer::{DisclosedTable, Groups};
use wayin_engine::dimension::GroupName;
use wayin_engine::measures::Measures;
use wayin_engine::query::RecordScope;

/// One value of a dimension, with its counts.
pub struct PatternGroup {
    name: GroupName,
    table: DisclosedTable,
    basis: RecordScope,
    position: usize,
}

impl PatternGroup {
    fn measured_table(&self) -> DisclosedTable {
        self.table.of_basis(self.basis)
    }

    fn measures(&self) -> Measures {
        Measures::from_table(&self.measured_table())
    }
}

/// One value of a dimension, with its counts.
#[Object]
impl PatternGroup {
    /// The code, year or global ID of the value.
    /// Null for initiatives with no recorded value.
    async fn key(&self) -> Option<String> {
        encode_group_key(&self.name.key)
    }

    /// The label in plain words.
    async fn label(&self) -> &str {
        &self.name.label
    }

    /// The place, if the value is a place. Otherwise null.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        find_place(ctx, &self.name.key).await
    }

    /// The organisation, if the value is an organisation. Otherwise null.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        find_organisation(ctx, &self.name.key).await
    }

    /// Which records the shares and measures of all groups are computed from, so that you can compare them.
    /// VISIBLE if counts of too many groups are suppressed.
    async fn basis(&self) -> RecordScope {
        self.basis
    }

    #[graphql(flatten)]
    async fn figures(&self) -> TableFigures {
        TableFigures::new(self.table, self.basis)
    }

    /// The suppressed counts, with the rule.
    async fn suppressed(&self) -> Vec<Suppression> {
        Suppression::list(self.table.named_counts())
    }
}

/// The fields by which groups can be sorted. Initiatives without a recorded value always come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PatternGroupOrderField {
    /// The name. Bands, years and codes have their natural order.
    Name,
    /// The number of initiatives in the group. Groups with a suppressed number come last in either direction.
    Population,
    /// The share of initiatives with `when` that also have `then`. Groups without a share come after the
    /// others.
    Rate,
    /// The share with `when` minus the share without it. Groups without a difference come after the others.
    Difference,
}

/// The order of groups.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct PatternGroupOrder {
    /// The field to sort by.
    pub field: PatternGroupOrderField,
    /// The direction of the order.
    #[graphql(default)]
    pub direction: Direction,
}

/// A page of the groups in an order. A cursor encodes the key of its group, so it stays valid if the order or the
/// counts change.
pub fn load_group_page(
    groups: &Groups,
    order: Option<PatternGroupOrder>,
    arguments: &PageArguments,
) -> Result<NodeConnection<PatternGroup>, Error> {
    let mut listed: Vec<PatternGroup> = groups
        .tables
        .iter()
        .enumerate()
        .map(|(position, (name, table))| PatternGroup {
            name: name.clone(),
            table: *table,
            basis: groups.basis,
            position,
        })
        .collect();
    sort_groups(&mut listed, order);
    paginate(listed, arguments)
}

fn sort_groups(groups: &mut [PatternGroup], order: Option<PatternGroupOrder>) {
    let descending = order.is_some_and(|order| order.direction == Direction::Desc);
    let field = order.map_or(PatternGroupOrderField::Name, |order| order.field);
    let figure = |group: &PatternGroup| {
        let figures = group.measures();
        match field {
            PatternGroupOrderField::Name => None,
            PatternGroupOrderField::Population => {
                group.measured_table().population.count.map(|count| count as f64)
            }
            PatternGroupOrderField::Rate => figures.rate_when.map(|rate| rate.value),
            PatternGroupOrderField::Difference => figures.risk_difference.map(|difference| difference.value),
        }
    };
    groups.sort_by(|a, b| {
        let ((last_a, name_a), (last_b, name_b)) = (a.name.rank(), b.name.rank());
        let (x, y) = (figure(a), figure(b));
        let by_figure = match (x, y) {
            (Some(x), Some(y)) if descending => y.total_cmp(&x),
            (Some(x), Some(y)) => x.total_cmp(&y),
            // Groups without a value come after the others in both directions.
            (x, y) => y.is_some().cmp(&x.is_some()),
        };
        let by_name = name_a.cmp(&name_b).then(a.position.cmp(&b.position));
        let by_name = if descending && field == PatternGroupOrderField::Name {
            by_name.reverse()
        } else {
            by_name
        };
        last_a.cmp(&last_b).then(by_figure).then(by_name)
    });
}

fn paginate(
    groups: Vec<PatternGroup>,
    arguments: &PageArguments,
) -> Result<NodeConnection<PatternGroup>, Error> {
    let (size, backward) = paging::parse_page_size(arguments)?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let cursor = |group: &PatternGroup| {
        BASE64_URL_SAFE_NO_PAD.encode(encode_group_key(&group.name.key).unwrap_or_default())
    };
    let total = groups.len();
    let at = |argument: &str, wanted: &Option<String>| {
        let Some(wanted) = wanted else { return Ok(None) };
        let position = groups.iter().position(|group| cursor(group) == *wanted);
        position
            .map(Some)
            .ok_or_else(|| Error::bad_input(argument, "is not a cursor of these groups"))
    };
    let start = at("after", &arguments.after)?.map_or(0, |after| after + 1);
    let end = at("before", &arguments.before)?.unwrap_or(total).max(start);
    let (start, end) = if backward {
        (end.saturating_sub(size).max(start), end)
    } else {
        (start, end.min(start.saturating_add(size)))
    };
    let mut connection =
        NodeConnection::with_additional_fields(start > 0, end < total, TotalCount::from_known(total));
    connection.edges.extend(
        groups
            .into_iter()
            .skip(start)
            .take(end - start)
            .map(|group| Edge::new(cursor(&group), group)),
    );
    Ok(connection)
}
