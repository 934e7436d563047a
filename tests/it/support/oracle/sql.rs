//! Predicates on initiatives in SQL: an evaluator that shares nothing with the index.

use chrono::NaiveDate;
use sea_orm::{
    EntityTrait, ExprTrait, IntoSimpleExpr, Value,
    sea_query::{Expr, Query, SelectStatement},
};
use uuid::Uuid;
use wayin::organisation::filter::organisation_condition;
use wayin::place::hierarchy;
use wayin::store::funding_terms::{choice_column, choice_values};
use wayin::store::predicate_sql::{
    comparison_condition, join_all, join_any, known_condition, lower_case, predicate_condition,
    text_condition,
};
use wayin_engine::predicate::{
    Comparison, CrisisPeriod, FundingTermPredicate, FundingTermTest, InitiativePredicate, InitiativeTest,
    OrganisationPredicate, Predicate, Quantifier, SetComparison, WayInComparison,
};
use wayin_entity::{
    challenge_faced, challenge_reason, condition_changed, entry_point_taken, funding_term, initiative,
    organisation,
};

/// Where a predicate on initiatives is TRUE or FALSE. Refers to the table `initiative`.
pub fn initiative_condition(condition: &InitiativePredicate, wanted: bool) -> Expr {
    predicate_condition(condition, wanted, &initiative_test_condition)
}

fn place_membership_condition(column: Expr, place: Uuid, and_within: bool, wanted: bool) -> Expr {
    let ids = if and_within {
        hierarchy::select_descendant_ids(place)
    } else {
        hierarchy::select_predecessor_ids(place)
    };
    if wanted {
        column.in_subquery(ids)
    } else {
        column.not_in_subquery(ids)
    }
}

fn initiative_column(column: initiative::Column) -> Expr {
    Expr::col((initiative::Entity, column))
}

/// Selects the rows of a part's table that belong to the current initiative.
fn select_parts<E: EntityTrait + Default>(table: E, initiative_id: E::Column) -> SelectStatement {
    let mut rows = Query::select();
    rows.expr(Expr::cust("1")).from(table).and_where(
        initiative_id
            .into_simple_expr()
            .equals((initiative::Entity, initiative::Column::Id)),
    );
    rows
}

fn exists_where(mut rows: SelectStatement, matching: impl IntoIterator<Item = Expr>) -> Expr {
    for condition in matching {
        rows.and_where(condition);
    }
    Expr::exists(rows)
}

fn not_exists_where(mut rows: SelectStatement, matching: impl IntoIterator<Item = Expr>) -> Expr {
    for condition in matching {
        rows.and_where(condition);
    }
    Expr::not_exists(rows)
}

#[expect(clippy::too_many_lines, reason = "one arm for each test")]
fn initiative_test_condition(test: &InitiativeTest, wanted: bool) -> Expr {
    use initiative::Column;
    match test {
        InitiativeTest::Id(ids) if wanted => initiative_column(Column::Id).is_in(ids.iter().copied()),
        InitiativeTest::Id(ids) => initiative_column(Column::Id).is_not_in(ids.iter().copied()),
        InitiativeTest::Title(comparison) => {
            text_condition(&initiative_column(Column::TitleFolded), comparison, wanted)
        }
        InitiativeTest::PlaceIs(place) => {
            place_membership_condition(initiative_column(Column::PlaceId), place.id, false, wanted)
        }
        InitiativeTest::PlaceWithin(place) => {
            place_membership_condition(initiative_column(Column::PlaceId), place.id, true, wanted)
        }
        InitiativeTest::PlaceKnown(known) => {
            known_condition(initiative_column(Column::PlaceId), *known == wanted)
        }
        InitiativeTest::LeadOrganisation(condition) => initiative_column(Column::LeadOrganisationId)
            .in_subquery(select_organisation_ids(condition, wanted)),
        InitiativeTest::StartedOn(day) => {
            comparison_condition(&initiative_column(Column::StartedOn), day, wanted)
        }
        InitiativeTest::EndedOn(day) => {
            comparison_condition(&initiative_column(Column::EndedOn), day, wanted)
        }
        InitiativeTest::UpdatedAt(moment) => {
            comparison_condition(&initiative_column(Column::UpdatedAt), moment, wanted)
        }
        InitiativeTest::ActiveDuring(crisis) => active_during(crisis, wanted),
        InitiativeTest::StartedDuring(crisis) => {
            let started = initiative_column(Column::StartedOn);
            let started = list_period_bounds(crisis)
                .iter()
                .map(|bound| comparison_condition(&started, bound, wanted))
                .collect();
            join_with_affected_places(crisis, started, wanted)
        }
        InitiativeTest::FundedDuring(crisis) => {
            let bounds = list_period_bounds(crisis).into_iter();
            let starts = bounds.map(|bound| Predicate::Test(FundingTermTest::StartsOn(bound)));
            let starts = Predicate::All(starts.collect());
            let funded = funding_terms_condition(Quantifier::Some, &starts, wanted);
            join_with_affected_places(crisis, vec![funded], wanted)
        }
        InitiativeTest::WayIn(perspective, comparison) => {
            way_in_condition(perspective.as_ref().map(|one| one.code()), comparison, wanted)
        }
        InitiativeTest::EntryPoints(perspective, comparison) => {
            let recorded = || {
                let mut rows =
                    select_parts(entry_point_taken::Entity, entry_point_taken::Column::InitiativeId);
                if let Some(perspective) = perspective {
                    rows.and_where(
                        Expr::col((entry_point_taken::Entity, entry_point_taken::Column::Perspective))
                            .eq(*perspective),
                    );
                }
                rows
            };
            set_condition(comparison, wanted, recorded, |code| {
                Expr::col((entry_point_taken::Entity, entry_point_taken::Column::EntryPoint)).eq(*code)
            })
        }
        InitiativeTest::Step(challenge, comparison) => part_condition(
            || {
                let mut rows = select_parts(challenge_faced::Entity, challenge_faced::Column::InitiativeId);
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
                let mut rows = select_parts(challenge_faced::Entity, challenge_faced::Column::InitiativeId);
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
            set_condition(comparison, wanted, recorded, |code| {
                Expr::col((challenge_reason::Entity, challenge_reason::Column::Reason)).eq(*code)
            })
        }
        InitiativeTest::Change(condition, comparison) => part_condition(
            || {
                let mut rows =
                    select_parts(condition_changed::Entity, condition_changed::Column::InitiativeId);
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
        InitiativeTest::FundingTerms(quantifier, condition) => {
            funding_terms_condition(*quantifier, condition, wanted)
        }
        InitiativeTest::FundingTermsRecorded(recorded) if *recorded == wanted => {
            exists_where(select_funding_terms(), [])
        }
        InitiativeTest::FundingTermsRecorded(_) => not_exists_where(select_funding_terms(), []),
    }
}

/// The comparison concerns one row of a part, which may not exist. The result is then UNKNOWN.
fn part_condition<T: Clone + Into<Value>>(
    rows: impl Fn() -> SelectStatement,
    value: &Expr,
    comparison: &Comparison<T>,
    wanted: bool,
) -> Expr {
    match comparison {
        Comparison::Known(known) if *known == wanted => exists_where(rows(), [value.clone().is_not_null()]),
        Comparison::Known(_) => not_exists_where(rows(), [value.clone().is_not_null()]),
        comparison => exists_where(rows(), [comparison_condition(value, comparison, wanted)]),
    }
}

fn set_condition<T>(
    comparison: &SetComparison<T>,
    wanted: bool,
    recorded: impl Fn() -> SelectStatement,
    is: impl Fn(&T) -> Expr,
) -> Expr {
    let includes = |code: &T| exists_where(recorded(), [is(code)]);
    let lacks = |code: &T| not_exists_where(recorded(), [is(code)]);
    match comparison {
        SetComparison::IncludesAll(codes) if wanted => join_all(codes.iter().map(includes)),
        SetComparison::IncludesAll(codes) => {
            exists_where(recorded(), []).and(join_any(codes.iter().map(lacks)))
        }
        SetComparison::IncludesAny(codes) if wanted => join_any(codes.iter().map(includes)),
        SetComparison::IncludesAny(codes) => {
            exists_where(recorded(), []).and(join_all(codes.iter().map(lacks)))
        }
        SetComparison::Known(known) if *known == wanted => exists_where(recorded(), []),
        SetComparison::Known(_) => not_exists_where(recorded(), []),
    }
}

fn way_in_condition(perspective: Option<&'static str>, comparison: &WayInComparison, wanted: bool) -> Expr {
    let recorded = || {
        let mut rows = select_parts(entry_point_taken::Entity, entry_point_taken::Column::InitiativeId);
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
                exists_where(recorded(), [listed()])
            } else {
                exists_where(recorded(), []).and(not_exists_where(recorded(), [listed()]))
            }
        }
        WayInComparison::Known(known) if *known == wanted => exists_where(recorded(), []),
        WayInComparison::Known(_) => not_exists_where(recorded(), []),
    }
}

/// The initiative had not ended when the crisis began, and had started before the crisis was over. A start on
/// or after the first day of the crisis decides the first condition, an end on or before its last day the
/// second, as no initiative ends before it starts.
fn active_during(crisis: &CrisisPeriod, wanted: bool) -> Expr {
    use initiative::Column;
    let (started, ended) = (
        || initiative_column(Column::StartedOn),
        || initiative_column(Column::EndedOn),
    );
    let mut parts = Vec::new();
    if wanted {
        parts.push(
            ended()
                .gte(crisis.from)
                .or(started().gte(crisis.from))
                .or(initiative_column(Column::Ongoing).eq(true)),
        );
        parts.extend(crisis.to.map(|to| started().lte(to).or(ended().lte(to))));
    } else {
        parts.push(ended().lt(crisis.from));
        parts.extend(crisis.to.map(|to| started().gt(to)));
    }
    join_with_affected_places(crisis, parts, wanted)
}

/// The comparisons that hold for the days of a crisis.
fn list_period_bounds(crisis: &CrisisPeriod) -> Vec<Comparison<NaiveDate>> {
    let mut bounds = vec![Comparison::AtLeast(crisis.from)];
    bounds.extend(crisis.to.map(Comparison::AtMost));
    bounds
}

/// All parts hold and the place is affected, or, if not wanted, any part does not hold or the place is not affected.
fn join_with_affected_places(crisis: &CrisisPeriod, mut parts: Vec<Expr>, wanted: bool) -> Expr {
    if !crisis.places.is_empty() {
        let places = crisis.places.iter().map(|place| {
            let column = initiative_column(initiative::Column::PlaceId);
            place_membership_condition(column, *place, true, wanted)
        });
        parts.push(if wanted {
            join_any(places)
        } else {
            join_all(places)
        });
    }
    if wanted { join_all(parts) } else { join_any(parts) }
}

fn select_funding_terms() -> SelectStatement {
    select_parts(funding_term::Entity, funding_term::Column::InitiativeId)
}

fn funding_terms_condition(quantifier: Quantifier, condition: &FundingTermPredicate, wanted: bool) -> Expr {
    // `every P` is `not some (not P)`, `none P` is `not some P`.
    let (met, wanted) = match quantifier {
        Quantifier::Some => (true, wanted),
        Quantifier::None => (true, !wanted),
        Quantifier::Every => (false, !wanted),
    };
    if wanted {
        exists_where(
            select_funding_terms(),
            [predicate_condition(condition, met, &funding_term_test_condition)],
        )
    } else {
        let surely_not = predicate_condition(condition, !met, &funding_term_test_condition);
        exists_where(select_funding_terms(), []).and(not_exists_where(
            select_funding_terms(),
            [Expr::case(surely_not, 0).finally(1).eq(1)],
        ))
    }
}

fn funding_term_test_condition(test: &FundingTermTest, wanted: bool) -> Expr {
    use funding_term::Column;
    let column = |column: Column| Expr::col((funding_term::Entity, column));
    match test {
        FundingTermTest::Funder(condition) => {
            column(Column::FunderId).in_subquery(select_organisation_ids(condition, wanted))
        }
        FundingTermTest::DurationMonths(comparison) => {
            comparison_condition(&column(Column::DurationMonths), comparison, wanted)
        }
        FundingTermTest::AmountMinor(comparison) => {
            comparison_condition(&column(Column::AmountMinor), comparison, wanted)
        }
        FundingTermTest::Currency(comparison) => {
            text_condition(&lower_case(column(Column::Currency)), comparison, wanted)
        }
        FundingTermTest::StartsOn(comparison) => {
            comparison_condition(&column(Column::StartsOn), comparison, wanted)
        }
        FundingTermTest::Choice(choice, comparison) => {
            let values = choice_values(*choice);
            // A number without an answer matches nothing, like NULL.
            let stored = comparison.map(|number| {
                let value = values.get(usize::from(*number)).cloned();
                value.unwrap_or(Value::Bool(None))
            });
            comparison_condition(&column(choice_column(*choice)), &stored, wanted)
        }
    }
}

fn select_organisation_ids(condition: &OrganisationPredicate, wanted: bool) -> SelectStatement {
    let mut ids = Query::select();
    ids.column((organisation::Entity, organisation::Column::Id))
        .from(organisation::Entity)
        .and_where(organisation_condition(condition, wanted));
    ids
}
