//! The page of a member: the role and the organisation, the forms for a link and a token, and the end of access.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::{Capability, Role};

use super::data::{RevocationPayload, list_form_problems};
use super::members::{describe_organisation, list_roles, member_address, parse_role};
use super::organisations::read_organisation;
use super::paging::non_empty;
use super::tokens::{TokenDates, TokenRow, build_token_row};
use super::wording::describe_role;
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::Layout;
use crate::pages::layout::parts::{Choice, FormProblems};
use crate::pages::operation::PageOperation;
use crate::pages::record::data::{NamedOrganisation, ProblemData};
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/review/members/{id}", get(show_member))
        .route("/review/members/{id}/change", post(change_member))
        .route("/review/members/{id}/revoke", post(revoke_member))
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ReviewMemberOperation {
    node: Option<MemberNode>,
    tokens: MemberTokens,
}

/// Any object. Only a member has more than its type here.
#[derive(Debug, Deserialize, Serialize)]
struct MemberNode {
    #[serde(rename = "__typename")]
    type_name: String,
    #[serde(flatten)]
    member: Option<ReviewedMember>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewedMember {
    id: String,
    version: i32,
    issuer: String,
    subject: String,
    name: Option<String>,
    role: Role,
    organisation: Option<NamedOrganisation>,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberTokens {
    total_count: usize,
    nodes: Vec<TokenDates>,
}

impl PageOperation for ReviewMemberOperation {
    const DOCUMENT: &'static str = include_str!("member.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeReviewedMemberOperation {
    save_member: ChangePayload,
}

#[derive(Debug, Deserialize, Serialize)]
struct ChangePayload {
    problems: Vec<ProblemData>,
}

impl PageOperation for ChangeReviewedMemberOperation {
    const DOCUMENT: &'static str = include_str!("change_member.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeReviewedMemberOperation {
    revoke_member: RevocationPayload,
}

impl PageOperation for RevokeReviewedMemberOperation {
    const DOCUMENT: &'static str = include_str!("revoke_member.graphql");
}

#[derive(Template)]
#[template(path = "review/member.html")]
pub struct MemberTemplate {
    layout: Layout,
    problems: FormProblems,
    id: String,
    version: i32,
    /// The idempotency key of the forms.
    key: String,
    /// The name, or else the subject of the tokens.
    name: String,
    /// What was just done. Empty if nothing was.
    message: &'static str,
    facts: Vec<(String, String)>,
    roles: Vec<Choice>,
    organisation: String,
    /// The organisations among which to choose. Empty if the name is enough.
    organisations: Vec<Choice>,
    change_reason: String,
    /// The day on which access ended. Empty if the member is active.
    revoked: String,
    tokens: Vec<TokenRow>,
    has_older_tokens: bool,
    entered: TokenFields,
    reason: String,
    /// Whether the problems are about ending access.
    is_revocation: bool,
}

#[derive(Debug, Default, Deserialize)]
struct MemberPageParameters {
    /// What was just done.
    #[serde(default)]
    done: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct TokenFields {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub days: String,
    #[serde(default)]
    pub key: String,
}

#[derive(Debug, Deserialize)]
pub struct ChangeMemberFields {
    version: i32,
    key: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    organisation: String,
    #[serde(default)]
    organisation_id: String,
    #[serde(default)]
    change_reason: String,
}

#[derive(Debug, Deserialize)]
struct RevokeMemberFields {
    version: i32,
    key: String,
    #[serde(default)]
    reason: String,
}

/// What was typed in a form that could not be carried out.
#[derive(Default)]
pub struct FailedMemberForm {
    pub problems: FormProblems,
    /// The form that changes the member, with the organisations among which to choose.
    pub change: Option<(ChangeMemberFields, Vec<Choice>)>,
    pub entered: TokenFields,
    pub reason: String,
    pub is_revocation: bool,
}

async fn show_member(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
    Query(parameters): Query<MemberPageParameters>,
) -> Result<Page<MemberTemplate>, PageError> {
    visitor.require(Capability::ManageMembers)?;
    let template = build_member(&service, &visitor, &id, FailedMemberForm::default()).await?;
    let message = match parameters.done.as_deref() {
        Some("changed") => "The member is changed. It applies within a second.",
        _ => "",
    };
    Ok(Page::new(MemberTemplate { message, ..template }))
}

/// Loads a member with the latest tokens.
async fn load_member(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
) -> Result<(ReviewedMember, MemberTokens), PageError> {
    let found: ReviewMemberOperation = service.execute(visitor, json!({ "id": id })).await?;
    match found.node.and_then(|node| node.member) {
        Some(member) => Ok((member, found.tokens)),
        None => Err(visitor.not_found("There is no such member. Go back to Members.")),
    }
}

async fn build_member(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
    failed: FailedMemberForm,
) -> Result<MemberTemplate, PageError> {
    let (member, tokens) = load_member(service, visitor, id).await?;
    let now = service.app.clock.now();
    let facts = vec![
        ("Role".to_owned(), describe_role(member.role)),
        (
            "Organisation".to_owned(),
            describe_organisation(member.organisation.as_ref()),
        ),
        ("Since".to_owned(), format_day(member.created_at)),
        ("Subject of the tokens".to_owned(), member.subject.clone()),
        ("Issuer of the tokens".to_owned(), member.issuer),
    ];
    let name = member.name.unwrap_or(member.subject);
    let layout =
        visitor
            .layout(format!("Member {name}"), "/review")
            .with_query(PageService::graphiql_address(
                ReviewMemberOperation::DOCUMENT,
                &json!({ "id": id }),
            ));
    let (change, organisations) = failed.change.unzip();
    let change = change.unwrap_or_else(|| ChangeMemberFields {
        version: member.version,
        key: String::new(),
        role: member.role.code().to_owned(),
        organisation: member
            .organisation
            .map_or_else(String::new, |organisation| organisation.name),
        organisation_id: String::new(),
        change_reason: String::new(),
    });
    Ok(MemberTemplate {
        layout,
        problems: failed.problems,
        id: member.id,
        version: member.version,
        key: service.app.clock.new_id().to_string(),
        name,
        message: "",
        facts,
        roles: list_roles(&change.role),
        organisation: change.organisation,
        organisations: organisations.unwrap_or_default(),
        change_reason: change.change_reason,
        revoked: member.revoked_at.map_or_else(String::new, format_day),
        has_older_tokens: tokens.nodes.len() < tokens.total_count,
        tokens: tokens
            .nodes
            .into_iter()
            .map(|token| build_token_row(token, now))
            .collect(),
        entered: failed.entered,
        reason: failed.reason,
        is_revocation: failed.is_revocation,
    })
}

/// Changes the role or the organisation of a member.
async fn change_member(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<ChangeMemberFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ManageMembers)?;
    let (member, _) = load_member(&service, &visitor, &id).await?;
    let mut problems = FormProblems::default();
    let role = parse_role(&fields.role);
    if role.is_none() {
        problems.push("role", "Choose a role.");
    }
    let current = member
        .organisation
        .filter(|current| current.name == fields.organisation.trim());
    // The present organisation stays, even if another one has the same name.
    let chosen = match &current {
        Some(current) if fields.organisation_id.is_empty() => current.id.as_str(),
        _ => fields.organisation_id.as_str(),
    };
    let typed = (fields.organisation.as_str(), chosen);
    let organisation = read_organisation(&service, &visitor, typed, role, &mut problems).await?;
    if problems.is_empty() {
        let input = json!({
            "issuer": member.issuer, "subject": member.subject, "version": fields.version, "role": role,
            "organisation": organisation.id, "reason": non_empty(Some(fields.change_reason.clone())),
            "idempotencyKey": fields.key,
        });
        let done: ChangeReviewedMemberOperation =
            service.execute(&visitor, json!({ "input": input })).await?;
        problems = list_form_problems(&done.save_member.problems, |step| match step {
            "role" => "role",
            "organisation" => "organisation",
            "reason" => "change_reason",
            _ => "",
        });
        if problems.is_empty() {
            let address = format!("{}?done=changed", member_address(&id));
            return Ok(Redirect::to(&address).into_response());
        }
    }
    let failed = FailedMemberForm {
        problems,
        change: Some((fields, organisation.choices)),
        ..FailedMemberForm::default()
    };
    refuse(&service, &visitor, &id, failed).await
}

async fn revoke_member(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<RevokeMemberFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ManageMembers)?;
    let reason = Some(fields.reason.trim()).filter(|reason| !reason.is_empty());
    let input = json!({
        "id": id, "version": fields.version, "reason": reason, "idempotencyKey": fields.key,
    });
    let done: RevokeReviewedMemberOperation = service.execute(&visitor, json!({ "input": input })).await?;
    let problems = done.revoke_member.problems;
    if problems.is_empty() {
        return Ok(Redirect::to(&member_address(&id)).into_response());
    }
    let failed = FailedMemberForm {
        problems: list_form_problems(&problems, |step| if step == "reason" { "reason" } else { "" }),
        reason: fields.reason,
        is_revocation: true,
        ..FailedMemberForm::default()
    };
    refuse(&service, &visitor, &id, failed).await
}

/// Shows the page of the member again, with what is wrong.
pub async fn refuse(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
    failed: FailedMemberForm,
) -> Result<Response, PageError> {
    let template = build_member(service, visitor, id, failed).await?;
    Ok(Page::with_status(StatusCode::UNPROCESSABLE_ENTITY, template).into_response())
}
