//! The names of members: those by which stewards invited them.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait as _, LikeExpr},
};
use uuid::Uuid;
use wayin_entity::{invitation, member};

use crate::database::escape_like;
use crate::error::Result;
use crate::store::predicate_sql::lower_case;

/// Loads the names of members: for each, the one in the latest invitation that the member accepted. A member who was never
/// invited has none.
pub async fn load_member_names(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, String>> {
    let accepted: Vec<(Option<Uuid>, String)> = invitation::Entity::find()
        .select_only()
        .columns([invitation::Column::MemberId, invitation::Column::Name])
        .filter(invitation::Column::MemberId.is_in(ids))
        .order_by_asc(invitation::Column::AcceptedAt)
        .order_by_asc(invitation::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    // The last one of a member replaces those before.
    Ok(accepted
        .into_iter()
        .filter_map(|(id, name)| Some((id?, name)))
        .collect())
}

/// The condition that a member's subject, or the name in an invitation that the member accepted, contains a text.
pub fn member_text_condition(text: &str) -> Condition {
    let pattern = format!("%{}%", escape_like(&text.to_lowercase()));
    let contains_text = |column: Expr| lower_case(column).like(LikeExpr::new(pattern.clone()).escape('\\'));
    let invited = invitation::Entity::find()
        .select_only()
        .column(invitation::Column::MemberId)
        .filter(invitation::Column::MemberId.is_not_null())
        .filter(contains_text(Expr::col(invitation::Column::Name)));
    Condition::any()
        .add(contains_text(Expr::col((
            member::Entity,
            member::Column::Subject,
        ))))
        .add(member::Column::Id.in_subquery(QueryTrait::into_query(invited)))
}
