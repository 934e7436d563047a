//! Questions about two conditions that members save to ask again. Only their members can read them.

pub mod graphql;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect, Select,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{Dimension, member, saved_question};

use crate::auth::requester::AuthenticatedMember;
use crate::change_log::ActionContext;
use crate::error::{Error, Result};
use crate::graphql::input;
use crate::idempotency::Rejection;
use crate::initiative::filter_input::InitiativeFilter;
use crate::paging::{Paged, SortOrder};
use crate::reference_data::check_text;
use wayin_engine::query::RecordScope;
use wayin_records::problem::{ProblemCode, Problems};

/// The most questions that a member can save.
pub const MAX_SAVED_QUESTIONS: u64 = 100;
const LONGEST_NAME: usize = 200;
/// The most bytes of each filter as JSON.
const MAX_FILTER_BYTES: usize = 20_000;

/// The arguments of `pattern`, with the filters as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct QuestionArguments {
    pub when: Value,
    pub then: Value,
    pub among: Option<Value>,
    pub by: Option<Dimension>,
    pub scope: StoredScope,
}

/// A scope as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum StoredScope {
    #[serde(rename = "ALL")]
    All,
    #[serde(rename = "VISIBLE")]
    Visible,
}

impl From<RecordScope> for StoredScope {
    fn from(scope: RecordScope) -> Self {
        match scope {
            RecordScope::All => Self::All,
            RecordScope::Visible => Self::Visible,
        }
    }
}

impl From<StoredScope> for RecordScope {
    fn from(scope: StoredScope) -> Self {
        match scope {
            StoredScope::All => Self::All,
            StoredScope::Visible => Self::Visible,
        }
    }
}

impl QuestionArguments {
    /// Reads a stored question.
    ///
    /// # Errors
    /// [`Error::Internal`] if the row has no question.
    pub fn from_row(row: &saved_question::Model) -> Result<Self> {
        serde_json::from_value(row.question.clone()).map_err(|cause| {
            Error::Internal(format!("the saved question {} cannot be read: {cause}", row.id))
        })
    }

    fn list_filters(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let among = self.among.as_ref().map(|among| ("among", among));
        [("when", &self.when), ("then", &self.then)]
            .into_iter()
            .chain(among)
    }
}

/// Saves a question of a member.
pub async fn save_question(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    owner: &AuthenticatedMember,
    name: String,
    question: &QuestionArguments,
) -> Result<Result<saved_question::Model, Rejection>> {
    let problems = find_problems(&name, question);
    if !problems.errors.is_empty() {
        return Ok(Err(problems.errors.into()));
    }
    // Locked, so that the questions of one member are counted by one mutation at a time.
    member::Entity::find_by_id(owner.id)
        .lock_exclusive()
        .one(db)
        .await?;
    let saved = select_own(owner).count(db).await?;
    if saved >= MAX_SAVED_QUESTIONS {
        let reason = format!("you have {saved} saved questions, which is the maximum; delete one first");
        return Ok(Err(Rejection::from_problem(ProblemCode::NotAllowed, "", reason)));
    }
    let now = act.now();
    let row = saved_question::Model {
        id: act.clock.new_id(),
        member_id: owner.id,
        name: name.trim().to_owned(),
        question: serde_json::to_value(question)
            .map_err(|cause| Error::Internal(format!("a question cannot be stored: {cause}")))?,
        created_at: now,
        updated_at: now,
    };
    saved_question::Entity::insert(row.clone().into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(Ok(row))
}

/// Deletes a question of a member. Returns it, or that there is none.
pub async fn delete_question(
    db: &impl ConnectionTrait,
    owner: &AuthenticatedMember,
    id: Uuid,
) -> Result<Result<saved_question::Model, Rejection>> {
    let Some(row) = find_question(db, owner, id).await? else {
        let reason = "you have no such saved question";
        return Ok(Err(Rejection::from_problem(ProblemCode::NotFound, "id", reason)));
    };
    saved_question::Entity::delete_by_id(row.id).exec(db).await?;
    Ok(Ok(row))
}

/// Finds a question of a member. None if it is another's.
pub async fn find_question(
    db: &impl ConnectionTrait,
    owner: &AuthenticatedMember,
    id: Uuid,
) -> Result<Option<saved_question::Model>> {
    let found = select_own(owner).filter(saved_question::Column::Id.eq(id));
    Ok(found.one(db).await?)
}

/// Selects the questions of a member.
pub fn select_own(owner: &AuthenticatedMember) -> Select<saved_question::Entity> {
    saved_question::Entity::find().filter(saved_question::Column::MemberId.eq(owner.id))
}

fn find_problems(name: &str, question: &QuestionArguments) -> Problems {
    let mut found = Problems::default();
    check_text(&mut found, "name", name, LONGEST_NAME);
    for (part, filter) in question.list_filters() {
        if filter.to_string().len() > MAX_FILTER_BYTES {
            let reason = format!("has more than {MAX_FILTER_BYTES} bytes as JSON");
            found.add_error(ProblemCode::TooLong, part, reason);
        } else if let Err(cause) = input::parse_input::<InitiativeFilter>(part, filter.clone()) {
            found.add_error(ProblemCode::InvalidFormat, part, cause.to_string());
        }
    }
    found
}

impl Paged for saved_question::Entity {
    type Order = ();
    const ID: Self::Column = saved_question::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "question-saved-",
            column: saved_question::Column::CreatedAt,
            descending: true,
        }
    }
}
