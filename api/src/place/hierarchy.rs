//! The hierarchy of places in SQL. A place leads to its parents and to its successor.

use sea_orm::{
    ExprTrait,
    sea_query::{Alias, CommonTableExpression, Expr, Query, SelectStatement, UnionType, WithClause},
};
use uuid::Uuid;
use wayin_entity::{initiative, place, place_parent};

/// Selects the ids of a place, of the places within it, and of its predecessors.
pub fn select_descendant_ids(place: Uuid) -> SelectStatement {
    select_ids(&[place], true)
}

/// Selects the ids of a place and of its predecessors.
pub fn select_predecessor_ids(place: Uuid) -> SelectStatement {
    select_ids(&[place], false)
}

fn select_ids(roots: &[Uuid], and_within: bool) -> SelectStatement {
    let mut ids = Query::select();
    ids.column("id")
        .from("reached")
        .with_cte(reachable_places(roots, and_within));
    ids
}

/// A recursive query of the places that lead to each of several places: the columns `root` and `id` of a
/// table `reached`.
pub fn reachable_places(roots: &[Uuid], and_within: bool) -> WithClause {
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
        .column((reached.clone(), "root"))
        .column((link.clone(), "smaller"))
        .from_subquery(links, link.clone())
        .inner_join(
            reached.clone(),
            Expr::col((link, "larger")).equals((reached.clone(), "id")),
        );
    let mut first = Query::select();
    first
        .expr_as(Expr::col(place::Column::Id), "root")
        .expr_as(Expr::col(place::Column::Id), "id")
        .from(place::Entity)
        .and_where(Expr::col(place::Column::Id).is_in(roots.iter().copied()))
        .union(UnionType::Distinct, steps);
    let table = CommonTableExpression::new()
        .table_name(reached)
        .columns(["root", "id"])
        .query(first)
        .to_owned();
    WithClause::new().recursive(true).cte(table).to_owned()
}

/// Selects the initiatives in several places or within them: the columns `parent` and `child`.
pub fn select_initiatives_in(places: &[Uuid]) -> SelectStatement {
    let mut links = Query::select();
    links
        .distinct()
        .expr_as(Expr::col(("reached", "root")), "parent")
        .expr_as(Expr::col((initiative::Entity, initiative::Column::Id)), "child")
        .from("reached")
        .inner_join(
            initiative::Entity,
            Expr::col((initiative::Entity, initiative::Column::PlaceId)).equals(("reached", "id")),
        )
        .with_cte(reachable_places(places, true));
    links
}
