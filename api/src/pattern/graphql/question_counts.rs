//! How many questions members ask, over GraphQL, for stewards.

use async_graphql::{Context, Object, Result};

use super::super::question_audit::{self, MAX_DAYS, MemberQuestions};
use crate::auth::member::graphql::{Member, load_member};
use crate::error::Error;
use crate::graphql::app_from_context;
use crate::graphql::comparison::Date;

/// How many questions a member has asked under disclosure control.
pub struct QuestionCount(MemberQuestions);

/// How many questions a member has asked under disclosure control.
#[Object]
impl QuestionCount {
    /// The member.
    async fn member(&self, ctx: &Context<'_>) -> Result<Member> {
        let found = load_member(ctx, Some(self.0.member_id)).await?;
        Ok(found.ok_or_else(|| Error::Internal("the member of a count does not exist".into()))?)
    }

    /// How many questions the member has asked with scope ALL and received an answer to. Repeated questions count again.
    async fn questions(&self) -> i64 {
        self.0.questions
    }

    /// How many of these questions rested on few hidden records: a count over all initiatives of the answer included some
    /// hidden records, but fewer than 30.
    async fn questions_on_few_hidden_records(&self) -> i64 {
        self.0.on_few_hidden
    }

    /// The last day on which the member asked (UTC).
    async fn last_asked_on(&self) -> Date {
        Date(self.0.last_asked_on)
    }
}

/// The query fields for the audit of questions.
#[derive(Default)]
pub struct QuestionCountQuery;

#[Object]
impl QuestionCountQuery {
    /// How many questions each member has asked under disclosure control, and how many of these rested on few hidden
    /// records. Those with the most of the latter first, at most 100 members. For stewards.
    async fn question_counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only questions of the last days, today included: from 1 to 366.",
            default = 30
        )]
        days: i32,
    ) -> Result<Vec<QuestionCount>> {
        let valid = u32::try_from(days)
            .ok()
            .filter(|days| (1..=MAX_DAYS).contains(days));
        let days = valid.ok_or_else(|| {
            Error::bad_input(
                "days",
                format!("is {days}; counts can be listed for 1 to {MAX_DAYS} days"),
            )
        })?;
        let app = app_from_context(ctx);
        app.question_audit.store(&app.db, &*app.clock).await?;
        let today = app.clock.now().date_naive();
        let counts = question_audit::list_by_member(&app.db, today, days).await?;
        Ok(counts.into_iter().map(QuestionCount).collect())
    }
}
