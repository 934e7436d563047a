//! Predicates on places in SQL.

use sea_orm::sea_query::{Expr, ExprTrait as _};
use wayin_engine::predicate::{PlacePredicate, PlaceTest};
use wayin_entity::place;

use super::hierarchy::select_descendant_ids;
use crate::store::predicate_sql::{
    comparison_condition, known_condition, lower_case, predicate_condition, text_condition,
};

/// Where a predicate on places is TRUE or FALSE. Refers to the table `place`.
pub fn place_condition(condition: &PlacePredicate, wanted: bool) -> Expr {
    predicate_condition(condition, wanted, &place_test_condition)
}

fn place_test_condition(test: &PlaceTest, wanted: bool) -> Expr {
    use place::Column;
    let column = |column: Column| Expr::col((place::Entity, column));
    match test {
        PlaceTest::Id(ids) if wanted => column(Column::Id).is_in(ids.iter().copied()),
        PlaceTest::Id(ids) => column(Column::Id).is_not_in(ids.iter().copied()),
        PlaceTest::Name(comparison) => text_condition(&column(Column::NameFolded), comparison, wanted),
        PlaceTest::Code(comparison) => text_condition(&lower_case(column(Column::Code)), comparison, wanted),
        PlaceTest::Kind(comparison) => comparison_condition(&column(Column::Kind), comparison, wanted),
        PlaceTest::Within(within) if wanted => {
            column(Column::Id).in_subquery(select_descendant_ids(within.id))
        }
        PlaceTest::Within(within) => column(Column::Id).not_in_subquery(select_descendant_ids(within.id)),
        PlaceTest::Current(current) => known_condition(column(Column::SuccessorId), *current != wanted),
    }
}
