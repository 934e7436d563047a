//! Compiles predicates to SQL with three-valued logic.
//!
//! The condition of a predicate is true exactly where the predicate is TRUE (if `wanted`) or FALSE (if not `wanted`).
//! Where the predicate is UNKNOWN, neither is true. SQL's `NOT` is never applied to an expression, so its NULLs cannot
//! affect a result: the negation is applied to the predicate, down to its comparisons.

use sea_orm::{
    ExprTrait, Value,
    sea_query::{Expr, LikeExpr},
};
use wayin_engine::predicate::{Comparison, Predicate, TextComparison};

use crate::database::escape_like;

/// The condition of a predicate. `test` returns the condition of a test.
pub fn predicate_condition<T>(
    condition: &Predicate<T>,
    wanted: bool,
    test: &impl Fn(&T, bool) -> Expr,
) -> Expr {
    match condition {
        Predicate::All(parts) if wanted => {
            join_all(parts.iter().map(|part| predicate_condition(part, true, test)))
        }
        Predicate::All(parts) => join_any(parts.iter().map(|part| predicate_condition(part, false, test))),
        Predicate::Any(parts) if wanted => {
            join_any(parts.iter().map(|part| predicate_condition(part, true, test)))
        }
        Predicate::Any(parts) => join_all(parts.iter().map(|part| predicate_condition(part, false, test))),
        Predicate::Not(part) => predicate_condition(part, !wanted, test),
        Predicate::Test(one) => test(one, wanted),
    }
}

/// All parts are true.
pub fn join_all(parts: impl IntoIterator<Item = Expr>) -> Expr {
    balanced_tree(parts.into_iter().collect(), ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"))
}

/// Any part is true.
pub fn join_any(parts: impl IntoIterator<Item = Expr>) -> Expr {
    balanced_tree(parts.into_iter().collect(), ExprTrait::or).unwrap_or_else(|| Expr::cust("1 = 0"))
}

/// Joins expressions to a tree of minimal depth: databases and the SQL writer's stack limit the depth.
fn balanced_tree(mut parts: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let later = parts.split_off(parts.len() / 2);
    balanced_tree(parts, join)
        .into_iter()
        .chain(balanced_tree(later, join))
        .reduce(join)
}

/// The condition of a comparison with a column.
pub fn comparison_condition<T: Clone + Into<Value>>(
    column: &Expr,
    comparison: &Comparison<T>,
    wanted: bool,
) -> Expr {
    let column = column.clone();
    match (comparison, wanted) {
        (Comparison::OneOf(listed), true) => column.is_in(listed.iter().cloned()),
        (Comparison::OneOf(listed), false) => column.is_not_in(listed.iter().cloned()),
        (Comparison::Less(bound), true) | (Comparison::AtLeast(bound), false) => column.lt(bound.clone()),
        (Comparison::AtMost(bound), true) | (Comparison::More(bound), false) => column.lte(bound.clone()),
        (Comparison::More(bound), true) | (Comparison::AtMost(bound), false) => column.gt(bound.clone()),
        (Comparison::AtLeast(bound), true) | (Comparison::Less(bound), false) => column.gte(bound.clone()),
        (Comparison::Known(known), wanted) => known_condition(column, *known == wanted),
    }
}

/// Whether a column is known.
pub fn known_condition(column: Expr, known: bool) -> Expr {
    if known {
        column.is_not_null()
    } else {
        column.is_null()
    }
}

/// The condition of a comparison with a column of text in lower case.
pub fn text_condition(column: &Expr, comparison: &TextComparison, wanted: bool) -> Expr {
    let column = column.clone();
    let like = |column: Expr, pattern: String| {
        let pattern = LikeExpr::new(pattern).escape('\\');
        if wanted {
            column.like(pattern)
        } else {
            column.not_like(pattern)
        }
    };
    match comparison {
        TextComparison::OneOf(listed) if wanted => column.is_in(listed.iter().cloned()),
        TextComparison::OneOf(listed) => column.is_not_in(listed.iter().cloned()),
        TextComparison::Contains(part) => like(column, format!("%{}%", escape_like(part))),
        TextComparison::StartsWith(start) => like(column, format!("{}%", escape_like(start))),
        TextComparison::Known(known) => known_condition(column, *known == wanted),
    }
}

/// The text of a column in lower case.
pub fn lower_case(column: Expr) -> Expr {
    sea_orm::sea_query::Func::lower(column).into()
}
