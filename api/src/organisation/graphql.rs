//! Queries of organisations, and their order.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use sea_orm::{ColumnTrait, QueryFilter};
use wayin_entity::organisation;

use super::filter::organisation_condition;
use super::filter_input::OrganisationFilter;
use super::{OrganisationLookup, OrganisationOrdering, alias};
use crate::error::Error;
use crate::graphql::{
    app_from_context, connection::NodeConnection, decode_argument, filter::FilterContext,
    list::load_connection, order::Direction, require_member, require_reader,
};
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::initiative::select_visible_organisations;
use crate::paging::PageArguments;
use wayin_records::record::OrganisationReference;

/// The fields by which organisations can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrganisationOrderField {
    /// The name.
    Name,
}

/// The order of a list of organisations.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct OrganisationOrder {
    /// The field to sort by.
    pub field: OrganisationOrderField,
    /// The direction of the order.
    #[graphql(default)]
    pub direction: Direction,
}

#[derive(Default)]
pub struct OrganisationQuery;

#[Object]
impl OrganisationQuery {
    /// Your own organisation, and the organisations that lead or fund a record that you can read.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn organisations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which organisations to return. By default, all that you can see.")] filter: Option<
            OrganisationFilter,
        >,
        #[graphql(desc = "The sort order. By default, names are in alphabetical order.")] order_by: Option<
            OrganisationOrder,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Organisation>> {
        let db = app_from_context(ctx).db.clone();
        let descending = order_by.is_some_and(|order| order.direction == Direction::Desc);
        let order = OrganisationOrdering { descending };
        let condition = filter
            .unwrap_or_default()
            .into_predicate(
                FilterContext::for_member(&db, require_member(ctx)?),
                "filter".into(),
            )
            .await?;
        let select = select_visible_organisations(require_reader(ctx)?)
            .filter(organisation_condition(&condition, true));
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, order, page, |row| Organisation(row.into())).await
    }

    /// Returns one organisation. Give its ID or its org-id identifier, but not both. If the organisation
    /// was merged, both lead to the organisation that remains. Null if it does not exist or you cannot see
    /// it.
    async fn organisation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID of the organisation.")] id: Option<ID>,
        #[graphql(desc = "The org-id identifier, such as GB-CHC-1164883.")] identifier: Option<String>,
    ) -> Result<Option<Organisation>> {
        let known = select_visible_organisations(require_reader(ctx)?);
        let found = match (id, identifier) {
            (Some(id), None) => {
                let id = decode_argument(NodeKind::Organisation, "id", &id)?;
                let id = alias::resolve_id(&app_from_context(ctx).db, id).await?;
                known.filter(organisation::Column::Id.eq(id))
            }
            (None, Some(identifier)) => {
                let reference = OrganisationReference {
                    identifier: Some(identifier),
                    name: Some(String::new()),
                    kind: None,
                };
                let found =
                    OrganisationLookup::load(&app_from_context(ctx).db, std::iter::once(&reference)).await?;
                let Some(id) = found.find_id(&reference) else {
                    return Ok(None);
                };
                known.filter(organisation::Column::Id.eq(id))
            }
            _ => return Err(Error::bad_input("organisation", "give either id or identifier").into()),
        };
        Ok(found
            .one(&app_from_context(ctx).db)
            .await
            .map_err(Error::from)?
            .map(|row| Organisation(row.into())))
    }
}
