//! The hierarchy of places in SQL. A place leads to its parents and to its successor.

use sea_orm::{
    ExprTrait,
    sea_query::{Alias, CommonTableExpression, Expr, Query, SelectStatement, UnionType, WithClause},
};
use uuid::Uuid;
use wayin_entity::{place, place_parent};

/// Selects the ids of a place, of the places within it, and of its predecessors.
pub fn select_descendant_ids(place: Uuid) -> SelectStatement {
    select_ids(place, true)
}

/// Selects the ids of a place and of its predecessors.
pub fn select_predecessor_ids(place: Uuid) -> SelectStatement {
    select_ids(place, false)
}

/// A recursive query of the places that lead to a place.
fn select_ids(root: Uuid, and_within: bool) -> SelectStatement {
    let (reached, link) = (Alias::new("reached"), Alias::new("link"));
    let mut links = Query::select();
    links
        .expr_as(Expr::col(place::Column::SuccessorId), "larger")
        .expr_as(Expr::col(place::Column::Id), "smaller")
        .from(place::Entity)
        .and_where(Expr::col(place::Column::SuccessorId).is_not_null());
    if and_within {
        let mut contained = Query::select();
        contained
            .column(place_parent::Column::ParentId)
            .column(place_parent::Column::PlaceId)
            .from(place_parent::Entity);
        links.union(UnionType::All, contained);
    }
    let mut steps = Query::select();
    steps
        .column((link.clone(), "smaller"))
        .from_subquery(links, link.clone())
        .inner_join(
            reached.clone(),
            Expr::col((link, "larger")).equals((reached.clone(), "id")),
        );
    let mut first = Query::select();
    first
        .expr_as(Expr::col(place::Column::Id), "id")
        .from(place::Entity)
        .and_where(Expr::col(place::Column::Id).eq(root))
        .union(UnionType::Distinct, steps);
    let table = CommonTableExpression::new()
        .table_name(reached.clone())
        .column("id")
        .query(first)
        .to_owned();
    let mut ids = Query::select();
    ids.column("id")
        .from(reached)
        .with_cte(WithClause::new().recursive(true).cte(table).to_owned());
    ids
}
