//! Predicates on organisations in SQL.

use sea_orm::sea_query::{Expr, ExprTrait as _};
use wayin_engine::predicate::{OrganisationPredicate, OrganisationTest};
use wayin_entity::organisation;

use crate::store::predicate_sql::{comparison_condition, lower_case, predicate_condition, text_condition};

/// Where a predicate on organisations is TRUE or FALSE. Refers to the table `organisation`.
pub fn organisation_condition(condition: &OrganisationPredicate, wanted: bool) -> Expr {
    predicate_condition(condition, wanted, &organisation_test_condition)
}

fn organisation_test_condition(test: &OrganisationTest, wanted: bool) -> Expr {
    use organisation::Column;
    match test {
        OrganisationTest::Id(named) => {
            let ids = named.iter().map(|one| one.id);
            if wanted {
                organisation_column(Column::Id).is_in(ids)
            } else {
                organisation_column(Column::Id).is_not_in(ids)
            }
        }
        OrganisationTest::Name(comparison) => {
            text_condition(&organisation_column(Column::NameFolded), comparison, wanted)
        }
        OrganisationTest::Identifier(comparison) => text_condition(
            &lower_case(organisation_column(Column::Identifier)),
            comparison,
            wanted,
        ),
        OrganisationTest::Kind(comparison) => {
            comparison_condition(&organisation_column(Column::Kind), comparison, wanted)
        }
    }
}

fn organisation_column(column: organisation::Column) -> Expr {
    Expr::col((organisation::Entity, column))
}
