//! Filters of reflections.

use async_graphql::InputObject;
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, Select, Value,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;
use wayin_entity::reflection;

use crate::database::is_one_of_ids;
use crate::database::json_rows::TupleQuery;
use crate::error::Result;
use crate::graphql::comparison::{
    ChallengeComparison, EntryPointComparison, IdComparison, PerspectiveComparison, TextComparisonInput,
};
use crate::graphql::filter::field_path;
use crate::id::NodeKind;
use crate::store::predicate_sql::{comparison_condition, predicate_condition};
use wayin_engine::predicate::{Comparison, Predicate, TextComparison};
use wayin_engine::three_valued_logic::Truth;
use wayin_records::normalisation::fold_name;

/// Filters reflections. All parts must hold. An empty filter matches every reflection.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ReflectionFilter {
    /// The global ID of the meeting.
    pub meeting: Option<IdComparison>,
    /// Whose view it is.
    pub perspective: Option<PerspectiveComparison>,
    /// The entry point that the reflection is about. UNKNOWN if it is about something else.
    pub entry_point: Option<EntryPointComparison>,
    /// The challenge that the reflection is about. UNKNOWN if it is about something else.
    pub challenge: Option<ChallengeComparison>,
    /// What was said.
    pub text: Option<TextComparisonInput>,
}

impl ReflectionFilter {
    /// Selects the reflections for which the filter is TRUE. `path` names the argument in errors.
    ///
    /// # Errors
    /// [`Error::BadInput`](crate::error::Error::BadInput) if a part of the filter is not valid. Also if the database
    /// cannot be read.
    pub async fn select_rows(
        self,
        db: &DatabaseConnection,
        path: &str,
    ) -> Result<Select<reflection::Entity>> {
        use reflection::Column;
        let mut select = reflection::Entity::find();
        if let Some(meeting) = self.meeting {
            let ids = meeting.into_predicate(&field_path(path, "meeting"), NodeKind::Meeting, |ids| ids)?;
            select = select.filter(predicate_condition(&ids, true, &|ids: &Vec<Uuid>, wanted| {
                let ids = ids.iter().copied();
                if wanted {
                    reflection_column(Column::MeetingId).is_in(ids)
                } else {
                    reflection_column(Column::MeetingId).is_not_in(ids)
                }
            }));
        }
        if let Some(perspective) = self.perspective {
            let condition =
                perspective.into_predicate(&field_path(path, "perspective"), |comparison| comparison)?;
            select = select_matching(select, Column::Perspective, &condition);
        }
        if let Some(entry_point) = self.entry_point {
            let condition =
                entry_point.into_predicate(&field_path(path, "entryPoint"), |comparison| comparison)?;
            select = select_matching(select, Column::EntryPoint, &condition);
        }
        if let Some(challenge) = self.challenge {
            let condition =
                challenge.into_predicate(&field_path(path, "challenge"), |comparison| comparison)?;
            select = select_matching(select, Column::Challenge, &condition);
        }
        if let Some(text) = self.text {
            let condition = text.into_predicate(&field_path(path, "text"), |comparison| comparison)?;
            let ids = find_ids_by_text(db, select.clone(), &condition).await?;
            select = select.filter(is_one_of_ids(db, Column::Id.into_expr(), &ids));
        }
        Ok(select)
    }
}

/// Selects the reflections for whose column a condition is TRUE.
fn select_matching<T: Clone + Into<Value>>(
    select: Select<reflection::Entity>,
    column: reflection::Column,
    condition: &Predicate<Comparison<T>>,
) -> Select<reflection::Entity> {
    let test = |comparison: &Comparison<T>, wanted| {
        comparison_condition(&reflection_column(column), comparison, wanted)
    };
    select.filter(predicate_condition(condition, true, &test))
}

fn reflection_column(column: reflection::Column) -> Expr {
    Expr::col((reflection::Entity, column))
}

/// Finds the selected reflections for whose text a condition is TRUE.
///
/// The texts are compared here and not in SQL: they are stored as they were said, and the databases do not agree on
/// lower case. A community has few reflections.
async fn find_ids_by_text(
    db: &DatabaseConnection,
    select: Select<reflection::Entity>,
    condition: &Predicate<TextComparison>,
) -> Result<Vec<Uuid>> {
    let columns = [reflection::Column::Id, reflection::Column::Text];
    let rows: Vec<(Uuid, String)> = TupleQuery::new(select, &columns, []).load(db).await?;
    let matches = |text: &str| {
        let folded = fold_name(text);
        condition.evaluate(&mut |test| test.evaluate(Some(&folded))) == Truth::True
    };
    let found = rows.into_iter().filter(|(_, text)| matches(text));
    Ok(found.map(|(id, _)| id).collect())
}
