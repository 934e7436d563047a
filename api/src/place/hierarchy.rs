//! Which places lead to which, in SQL: a place that lies within another leads to
//! it, and so does one whose code the other took over.

use sea_orm::{
    ExprTrait,
    sea_query::{Alias, CommonTableExpression, Expr, Query, SelectStatement, UnionType, WithClause},
};
use uuid::Uuid;
use wayin_entity::{initiative, place, place_parent};

/// The ids of a place, of those that lie within it, and of those that it took over from.
pub fn select_descendant_ids(place: Uuid) -> SelectStatement {
    select_ids(&[place], true)
}

/// The ids of a place, and of those that it took over from.
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

/// For each of several places, itself and all that lead to it: columns `root` and `id` of a table `reached`.
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

/// Which initiatives are in which of several places, or within them: columns `parent` and `child`.
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
