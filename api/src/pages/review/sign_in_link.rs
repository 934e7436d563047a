//! Links that a steward creates for a member to sign in.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::Capability;

use super::data::list_form_problems;
use super::member::{FailedMemberForm, refuse};
use super::members::member_address;
use super::paging::non_empty;
use super::secret::{SCRIPTS, SecretTemplate, advise_on_path, complete_link, find_repeat};
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::operation::PageOperation;
use crate::pages::record::data::ProblemData;
use crate::pages::service::PageService;

pub fn router() -> Router<PageService> {
    Router::new().route("/review/members/{id}/sign-in-link", post(create_sign_in_link))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateReviewedSignInLinkOperation {
    create_sign_in_link: SignInLinkPayload,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignInLinkPayload {
    url: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    problems: Vec<ProblemData>,
}

impl PageOperation for CreateReviewedSignInLinkOperation {
    const DOCUMENT: &'static str = include_str!("sign_in_link.graphql");
}

#[derive(Debug, Deserialize)]
struct SignInLinkFields {
    #[serde(default)]
    key: String,
}

async fn create_sign_in_link(
    State(service): State<PageService>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: CheckedForm<SignInLinkFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ManageMembers)?;
    let input = json!({"member": id, "idempotencyKey": non_empty(Some(fields.key))});
    let done: CreateReviewedSignInLinkOperation =
        service.execute(&visitor, json!({ "input": input })).await?;
    let payload = done.create_sign_in_link;
    let (Some(url), Some(until)) = (payload.url, payload.expires_at) else {
        let problems =
            find_repeat(&payload.problems).unwrap_or_else(|| list_form_problems(&payload.problems, |_| ""));
        let failed = FailedMemberForm {
            problems,
            ..FailedMemberForm::default()
        };
        return refuse(&service, &visitor, &id, failed).await;
    };
    let link = complete_link(url, &headers);
    let mut advice = vec![
        "Send it to the member alone, in a message that nobody else reads. It signs in the person who opens it.".into(),
        format!("It works once, until {} (UTC) today.", until.format("%H:%M")),
    ];
    advice.extend(advise_on_path(&link));
    let template = SecretTemplate {
        layout: visitor
            .layout("Sign-in link created", "/review")
            .with_scripts(SCRIPTS),
        label: "Link to sign in",
        secret: link,
        copy_label: "Copy the link",
        advice,
        back_href: member_address(&id),
        back_text: "Back to the member",
    };
    Ok(Page::new(template).into_response())
}
