//! Conditions compiled to SQL, with their three-valued meaning.
//!
//! [`initiatives`], [`organisations`] and [`places`] give an expression that is
//! true exactly where the condition is TRUE (`wanted`), or exactly where it is
//! FALSE (not `wanted`); where it is UNKNOWN neither is. SQL's own `NOT` is
//! never used on an expression, so its NULLs cannot leak into an answer: what is
//! negated is the condition, down to its tests.

use sea_orm::{
    EntityTrait, ExprTrait, IntoSimpleExpr, Value,
    sea_query::{Expr, LikeExpr, Query, SelectStatement},
};
use uuid::Uuid;
use wayin_entity::{
    challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term, initiative,
    organisation, place,
};

use crate::database::escape_like;
use crate::place::within;
use crate::store::funding_terms::{choice_column, choice_values};
use wayin_engine::predicate::{
    Comparison, Condition, CrisisPeriod, InitiativeCondition, InitiativeTest, OrganisationCondition,
    OrganisationTest, PlaceCondition, PlaceTest, Quantifier, SetComparison, TermCondition, TermTest,
    TextComparison, WayInComparison,
};

/// Where a condition on initiatives is TRUE, or FALSE. Speaks of the table `initiative`.
pub fn initiatives(condition: &InitiativeCondition, wanted: bool) -> Expr {
    joined(condition, wanted, &initiative_test)
}

/// Where a condition on organisations is TRUE, or FALSE. Speaks of the table `organisation`.
pub fn organisations(condition: &OrganisationCondition, wanted: bool) -> Expr {
    joined(condition, wanted, &organisation_test)
}

/// Where a condition on places is TRUE, or FALSE. Speaks of the table `place`.
pub fn places(condition: &PlaceCondition, wanted: bool) -> Expr {
    joined(condition, wanted, &place_test)
}

fn joined<T>(condition: &Condition<T>, wanted: bool, test: &impl Fn(&T, bool) -> Expr) -> Expr {
    match condition {
        Condition::All(parts) if wanted => all(parts.iter().map(|part| joined(part, true, test))),
        Condition::All(parts) => any(parts.iter().map(|part| joined(part, false, test))),
        Condition::Any(parts) if wanted => any(parts.iter().map(|part| joined(part, true, test))),
        Condition::Any(parts) => all(parts.iter().map(|part| joined(part, false, test))),
        Condition::Not(part) => joined(part, !wanted, test),
        Condition::Test(one) => test(one, wanted),
    }
}

fn all(parts: impl IntoIterator<Item = Expr>) -> Expr {
    balanced(parts.into_iter().collect(), ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"))
}

fn any(parts: impl IntoIterator<Item = Expr>) -> Expr {
    balanced(parts.into_iter().collect(), ExprTrait::or).unwrap_or_else(|| Expr::cust("1 = 0"))
}

/// Joins expressions as a tree that is no deeper than it must be: databases, and the
/// stack that writes the SQL, bear only so much depth.
fn balanced(mut parts: Vec<Expr>, join: fn(Expr, Expr) -> Expr) -> Option<Expr> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let later = parts.split_off(parts.len() / 2);
    balanced(parts, join)
        .into_iter()
        .chain(balanced(later, join))
        .reduce(join)
}

fn compared<T: Clone + Into<Value>>(column: &Expr, comparison: &Comparison<T>, wanted: bool) -> Expr {
    let column = column.clone();
    match (comparison, wanted) {
        (Comparison::OneOf(listed), true) => column.is_in(listed.iter().cloned()),
        (Comparison::OneOf(listed), false) => column.is_not_in(listed.iter().cloned()),
        (Comparison::Less(bound), true) | (Comparison::AtLeast(bound), false) => column.lt(bound.clone()),
        (Comparison::AtMost(bound), true) | (Comparison::More(bound), false) => column.lte(bound.clone()),
        (Comparison::More(bound), true) | (Comparison::AtMost(bound), false) => column.gt(bound.clone()),
        (Comparison::AtLeast(bound), true) | (Comparison::Less(bound), false) => column.gte(bound.clone()),
        (Comparison::Known(known), wanted) => is_known(column, *known == wanted),
    }
}

fn is_known(column: Expr, known: bool) -> Expr {
    if known {
        column.is_not_null()
    } else {
        column.is_null()
    }
}

/// `column` holds text in lower case.
fn text_compared(column: &Expr, comparison: &TextComparison, wanted: bool) -> Expr {
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
        TextComparison::Known(known) => is_known(column, *known == wanted),
    }
}

fn lower(column: Expr) -> Expr {
    sea_orm::sea_query::Func::lower(column).into()
}

fn organisation_test(test: &OrganisationTest, wanted: bool) -> Expr {
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
            text_compared(&organisation_column(Column::NameFolded), comparison, wanted)
        }
        OrganisationTest::Identifier(comparison) => text_compared(
            &lower(organisation_column(Column::Identifier)),
            comparison,
            wanted,
        ),
        OrganisationTest::Kind(comparison) => {
            compared(&organisation_column(Column::Kind), comparison, wanted)
        }
    }
}

fn organisation_column(column: organisation::Column) -> Expr {
    Expr::col((organisation::Entity, column))
}

fn place_test(test: &PlaceTest, wanted: bool) -> Expr {
    use place::Column;
    let column = |column: Column| Expr::col((place::Entity, column));
    match test {
        PlaceTest::Id(ids) if wanted => column(Column::Id).is_in(ids.iter().copied()),
        PlaceTest::Id(ids) => column(Column::Id).is_not_in(ids.iter().copied()),
        PlaceTest::Name(comparison) => text_compared(&column(Column::NameFolded), comparison, wanted),
        PlaceTest::Code(comparison) => text_compared(&lower(column(Column::Code)), comparison, wanted),
        PlaceTest::Kind(comparison) => compared(&column(Column::Kind), comparison, wanted),
        PlaceTest::Within(within) => among_places(column(Column::Id), within.id, true, wanted),
        PlaceTest::Current(current) => is_known(column(Column::SuccessorId), *current != wanted),
    }
}

fn among_places(column: Expr, place: Uuid, and_within: bool, wanted: bool) -> Expr {
    let ids = if and_within {
        within::ids_within(place)
    } else {
        within::ids_leading_to(place)
    };
    if wanted {
        column.in_subquery(ids)
    } else {
        column.not_in_subquery(ids)
    }
}

fn column(column: initiative::Column) -> Expr {
    Expr::col((initiative::Entity, column))
}

/// The rows of a part's table that belong to the initiative at hand.
fn parts_of<E: EntityTrait + Default>(table: E, initiative_id: E::Column) -> SelectStatement {
    let mut rows = Query::select();
    rows.expr(Expr::cust("1")).from(table).and_where(
        initiative_id
            .into_simple_expr()
            .equals((initiative::Entity, initiative::Column::Id)),
    );
    rows
}

fn has(mut rows: SelectStatement, matching: impl IntoIterator<Item = Expr>) -> Expr {
    for condition in matching {
        rows.and_where(condition);
    }
    Expr::exists(rows)
}

fn has_no(mut rows: SelectStatement, matching: impl IntoIterator<Item = Expr>) -> Expr {
    for condition in matching {
        rows.and_where(condition);
    }
    Expr::not_exists(rows)
}

fn initiative_test(test: &InitiativeTest, wanted: bool) -> Expr {
    use initiative::Column;
    match test {
        InitiativeTest::Id(ids) if wanted => column(Column::Id).is_in(ids.iter().copied()),
        InitiativeTest::Id(ids) => column(Column::Id).is_not_in(ids.iter().copied()),
        InitiativeTest::Title(comparison) => text_compared(&column(Column::TitleFolded), comparison, wanted),
        InitiativeTest::PlaceIs(place) => among_places(column(Column::PlaceId), place.id, false, wanted),
        InitiativeTest::PlaceWithin(place) => among_places(column(Column::PlaceId), place.id, true, wanted),
        InitiativeTest::PlaceKnown(known) => is_known(column(Column::PlaceId), *known == wanted),
        InitiativeTest::LeadOrganisation(condition) => {
            column(Column::LeadOrganisationId).in_subquery(organisation_ids(condition, wanted))
        }
        InitiativeTest::StartedOn(comparison) => compared(&column(Column::StartedOn), comparison, wanted),
        InitiativeTest::EndedOn(comparison) => compared(&column(Column::EndedOn), comparison, wanted),
        InitiativeTest::ActiveDuring(crisis) => active_during(crisis, wanted),
        InitiativeTest::WayIn(perspective, comparison) => {
            way_in(perspective.as_ref().map(|one| one.code()), comparison, wanted)
        }
        InitiativeTest::EntryPoints(perspective, comparison) => {
            let recorded = || {
                let mut rows = parts_of(entry_point_taken::Entity, entry_point_taken::Column::InitiativeId);
                if let Some(perspective) = perspective {
                    rows.and_where(
                        Expr::col((entry_point_taken::Entity, entry_point_taken::Column::Perspective))
                            .eq(*perspective),
                    );
                }
                rows
            };
            set_compared(comparison, wanted, recorded, |code| {
                Expr::col((entry_point_taken::Entity, entry_point_taken::Column::EntryPoint)).eq(*code)
            })
        }
        InitiativeTest::Step(challenge, comparison) => part_compared(
            || {
                let mut rows = parts_of(challenge_faced::Entity, challenge_faced::Column::InitiativeId);
                rows.and_where(
                    Expr::col((challenge_faced::Entity, challenge_faced::Column::Challenge)).eq(*challenge),
                );
                rows
            },
            &Expr::col((challenge_faced::Entity, challenge_faced::Column::Step)),
            comparison,
            wanted,
        ),
        InitiativeTest::Reasons(challenge, comparison) => {
            let recorded = || {
                let mut rows = parts_of(challenge_faced::Entity, challenge_faced::Column::InitiativeId);
                rows.inner_join(
                    challenge_reason::Entity,
                    Expr::col((
                        challenge_reason::Entity,
                        challenge_reason::Column::ChallengeFacedId,
                    ))
                    .equals((challenge_faced::Entity, challenge_faced::Column::Id)),
                )
                .and_where(
                    Expr::col((challenge_faced::Entity, challenge_faced::Column::Challenge)).eq(*challenge),
                );
                rows
            };
            set_compared(comparison, wanted, recorded, |code| {
                Expr::col((challenge_reason::Entity, challenge_reason::Column::Reason)).eq(*code)
            })
        }
        InitiativeTest::Change(condition, comparison) => part_compared(
            || {
                let mut rows = parts_of(condition_changed::Entity, condition_changed::Column::InitiativeId);
                rows.and_where(
                    Expr::col((condition_changed::Entity, condition_changed::Column::Condition))
                        .eq(*condition),
                );
                rows
            },
            &Expr::col((condition_changed::Entity, condition_changed::Column::Change)),
            comparison,
            wanted,
        ),
        InitiativeTest::FundingTerms(quantifier, condition) => funding_terms(*quantifier, condition, wanted),
        InitiativeTest::AnyTermRecorded(recorded) if *recorded == wanted => has(terms(), []),
        InitiativeTest::AnyTermRecorded(_) => has_no(terms(), []),
    }
}

/// The one row of a part that the comparison is about may not be there: then nothing is known.
fn part_compared<T: Clone + Into<Value>>(
    rows: impl Fn() -> SelectStatement,
    value: &Expr,
    comparison: &Comparison<T>,
    wanted: bool,
) -> Expr {
    match comparison {
        Comparison::Known(known) if *known == wanted => has(rows(), [value.clone().is_not_null()]),
        Comparison::Known(_) => has_no(rows(), [value.clone().is_not_null()]),
        comparison => has(rows(), [compared(value, comparison, wanted)]),
    }
}

fn set_compared<T>(
    comparison: &SetComparison<T>,
    wanted: bool,
    recorded: impl Fn() -> SelectStatement,
    is: impl Fn(&T) -> Expr,
) -> Expr {
    let includes = |code: &T| has(recorded(), [is(code)]);
    let lacks = |code: &T| has_no(recorded(), [is(code)]);
    match comparison {
        SetComparison::IncludesAll(codes) if wanted => all(codes.iter().map(includes)),
        SetComparison::IncludesAll(codes) => has(recorded(), []).and(any(codes.iter().map(lacks))),
        SetComparison::IncludesAny(codes) if wanted => any(codes.iter().map(includes)),
        SetComparison::IncludesAny(codes) => has(recorded(), []).and(all(codes.iter().map(lacks))),
        SetComparison::Known(known) if *known == wanted => has(recorded(), []),
        SetComparison::Known(_) => has_no(recorded(), []),
    }
}

fn way_in(perspective: Option<&'static str>, comparison: &WayInComparison, wanted: bool) -> Expr {
    let recorded = || {
        let mut rows = parts_of(entry_point_taken::Entity, entry_point_taken::Column::InitiativeId);
        rows.and_where(Expr::col((entry_point_taken::Entity, entry_point_taken::Column::Position)).eq(1));
        if let Some(perspective) = perspective {
            rows.and_where(
                Expr::col((entry_point_taken::Entity, entry_point_taken::Column::Perspective))
                    .eq(perspective),
            );
        }
        rows
    };
    match comparison {
        WayInComparison::OneOf(listed) => {
            let listed = || {
                Expr::col((entry_point_taken::Entity, entry_point_taken::Column::EntryPoint))
                    .is_in(listed.iter().copied())
            };
            if wanted {
                has(recorded(), [listed()])
            } else {
                has(recorded(), []).and(has_no(recorded(), [listed()]))
            }
        }
        WayInComparison::Known(known) if *known == wanted => has(recorded(), []),
        WayInComparison::Known(_) => has_no(recorded(), []),
    }
}

/// It had not ended when the crisis began, and had started before it was over.
/// A start on or after the crisis's first day decides the one, an end on or
/// before its last day the other, as no initiative ends before it starts.
fn active_during(crisis: &CrisisPeriod, wanted: bool) -> Expr {
    use initiative::Column;
    let (started, ended) = (|| column(Column::StartedOn), || column(Column::EndedOn));
    let mut parts = Vec::new();
    if wanted {
        parts.push(
            ended()
                .gte(crisis.from)
                .or(started().gte(crisis.from))
                .or(column(Column::Ongoing).eq(true)),
        );
        parts.extend(crisis.to.map(|to| started().lte(to).or(ended().lte(to))));
    } else {
        parts.push(ended().lt(crisis.from));
        parts.extend(crisis.to.map(|to| started().gt(to)));
    }
    if !crisis.places.is_empty() {
        let places = crisis
            .places
            .iter()
            .map(|place| among_places(column(Column::PlaceId), *place, true, wanted));
        parts.push(if wanted { any(places) } else { all(places) });
    }
    if wanted { all(parts) } else { any(parts) }
}

fn terms() -> SelectStatement {
    parts_of(funding_term::Entity, funding_term::Column::InitiativeId)
}

fn funding_terms(quantifier: Quantifier, condition: &TermCondition, wanted: bool) -> Expr {
    // `every P` is `not some (not P)`, `none P` is `not some P`.
    let (met, wanted) = match quantifier {
        Quantifier::Some => (true, wanted),
        Quantifier::None => (true, !wanted),
        Quantifier::Every => (false, !wanted),
    };
    if wanted {
        has(terms(), [joined(condition, met, &term_test)])
    } else {
        let surely_not = joined(condition, !met, &term_test);
        has(terms(), []).and(has_no(terms(), [Expr::case(surely_not, 0).finally(1).eq(1)]))
    }
}

fn term_test(test: &TermTest, wanted: bool) -> Expr {
    use funding_term::Column;
    let column = |column: Column| Expr::col((funding_term::Entity, column));
    match test {
        TermTest::Funder(condition) => {
            column(Column::FunderId).in_subquery(organisation_ids(condition, wanted))
        }
        TermTest::DurationMonths(comparison) => compared(&column(Column::DurationMonths), comparison, wanted),
        TermTest::AmountMinor(comparison) => compared(&column(Column::AmountMinor), comparison, wanted),
        TermTest::Currency(comparison) => text_compared(&lower(column(Column::Currency)), comparison, wanted),
        TermTest::StartsOn(comparison) => compared(&column(Column::StartsOn), comparison, wanted),
        TermTest::Choice(choice, comparison) => {
            let values = choice_values(*choice);
            // A number without an answer equals nothing, as null does.
            let stored = comparison.map(|number| {
                let value = values.get(usize::from(*number)).cloned();
                value.unwrap_or(Value::Bool(None))
            });
            compared(&column(choice_column(*choice)), &stored, wanted)
        }
    }
}

fn organisation_ids(condition: &OrganisationCondition, wanted: bool) -> SelectStatement {
    let mut ids = Query::select();
    ids.column((organisation::Entity, organisation::Column::Id))
        .from(organisation::Entity)
        .and_where(organisations(condition, wanted));
    ids
}
