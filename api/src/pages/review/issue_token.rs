//! The tokens that a steward issues for a member.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::Capability;

use super::data::list_form_problems;
use super::member::{FailedMemberForm, TokenFields, refuse};
use super::members::member_address;
use super::secret::{SCRIPTS, SecretTemplate};
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::parts::FormProblems;
use crate::pages::operation::PageOperation;
use crate::pages::record::data::ProblemData;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

pub fn router() -> Router<PageService> {
    Router::new().route("/review/members/{id}/tokens", post(issue_token))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IssueReviewedTokenOperation {
    issue_token: IssuedTokenPayload,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct IssuedTokenPayload {
    token: Option<String>,
    issued_token: Option<CreatedToken>,
    problems: Vec<ProblemData>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatedToken {
    name: String,
    expires_at: DateTime<Utc>,
}

impl PageOperation for IssueReviewedTokenOperation {
    const DOCUMENT: &'static str = include_str!("issue_token.graphql");
}

async fn issue_token(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<TokenFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ManageMembers)?;
    let mut problems = FormProblems::default();
    if fields.name.trim().is_empty() {
        problems.push("name", "Enter what the token is for.");
    }
    let days = fields.days.trim().parse::<i32>().ok();
    if days.is_none() {
        problems.push("days", "Enter a number of days from 1 to 366.");
    }
    if problems.is_empty() {
        let input = json!({
            "member": id, "name": fields.name.trim(), "days": days, "idempotencyKey": fields.key,
        });
        let done: IssueReviewedTokenOperation = service.execute(&visitor, json!({ "input": input })).await?;
        let payload = done.issue_token;
        if let (Some(token), Some(issued)) = (payload.token, payload.issued_token) {
            return Ok(Page::new(show_token(&visitor, &id, token, &issued)).into_response());
        }
        problems = list_form_problems(&payload.problems, |step| match step {
            "name" => "name",
            "days" | "expiresAt" => "days",
            _ => "",
        });
    }
    let failed = FailedMemberForm {
        problems,
        entered: fields,
        ..FailedMemberForm::default()
    };
    refuse(&service, &visitor, &id, failed).await
}

fn show_token(visitor: &Visitor, id: &str, token: String, issued: &CreatedToken) -> SecretTemplate {
    SecretTemplate {
        layout: visitor
            .layout("Token issued", "/review")
            .with_scripts(SCRIPTS),
        label: "Token",
        secret: token,
        copy_label: "Copy the token",
        advice: vec![
            format!(
                "It is for \u{201c}{}\u{201d}, and works until {}.",
                issued.name,
                format_day(issued.expires_at)
            ),
            "A program sends it in the header Authorization, as: Bearer, a space, and the token.".into(),
            "Give it to the member alone, and not by email. A person who has it can do what the member can do.".into(),
        ],
        back_href: member_address(id),
        back_text: "Back to the member",
    }
}
