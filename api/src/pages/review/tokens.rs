//! The tokens that the service issued.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_engine::summary::format_count;
use wayin_entity::{Capability, Role};

use super::data::{RevocationPayload, join_messages};
use super::paging::{ListLinks, ListPosition, ListWindow, non_empty};
use super::wording::describe_role;
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::Layout;
use crate::pages::layout::parts::Choice;
use crate::pages::operation::PageOperation;
use crate::pages::record::data::NamedOrganisation;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

const TOKEN_PAGE_SIZE: u32 = 50;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/review/tokens", get(show_tokens))
        .route("/review/tokens/{id}/revoke", post(revoke_token))
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ReviewTokensOperation {
    tokens: ListedTokens,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedTokens {
    total_count: u64,
    page_info: ListPosition,
    nodes: Vec<ListedToken>,
}

#[derive(Debug, Deserialize, Serialize)]
struct ListedToken {
    #[serde(flatten)]
    dates: TokenDates,
    member: TokenOwner,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenDates {
    id: String,
    name: String,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, Serialize)]
struct TokenOwner {
    id: String,
    subject: String,
    role: Role,
    organisation: Option<NamedOrganisation>,
}

impl PageOperation for ReviewTokensOperation {
    const DOCUMENT: &'static str = include_str!("tokens.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeReviewedTokenOperation {
    revoke_token: RevocationPayload,
}

impl PageOperation for RevokeReviewedTokenOperation {
    const DOCUMENT: &'static str = include_str!("revoke_token.graphql");
}

#[derive(Debug, Default, Deserialize)]
pub struct TokenParameters {
    /// "yes" for those that are revoked, "no" for those that are not.
    revoked: Option<String>,
    after: Option<String>,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "review/tokens.html")]
pub struct TokensTemplate {
    layout: Layout,
    caption: String,
    rows: Vec<OwnedTokenRow>,
    links: ListLinks,
    revoked: Vec<Choice>,
}

/// A token in words.
#[derive(Debug)]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    pub issued: String,
    pub last_used: String,
    pub state: String,
    /// The kind of the tag.
    pub kind: &'static str,
    pub is_active: bool,
}

struct OwnedTokenRow {
    token: TokenRow,
    member: String,
    member_href: String,
    acts_as: String,
}

/// Describes a token.
pub fn build_token_row(token: TokenDates, now: DateTime<Utc>) -> TokenRow {
    let (state, kind) = match (token.revoked_at, token.expires_at) {
        (Some(day), _) => (format!("Revoked on {}", format_day(day)), "bad"),
        (None, until) if until <= now => (format!("Ended on {}", format_day(until)), ""),
        (None, until) => (format!("Works until {}", format_day(until)), "good"),
    };
    TokenRow {
        is_active: kind == "good",
        id: token.id,
        name: token.name,
        issued: format_day(token.issued_at),
        last_used: token.last_used_at.map_or_else(|| "Never".into(), format_day),
        state,
        kind,
    }
}

async fn show_tokens(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<TokenParameters>,
) -> Result<Page<TokensTemplate>, PageError> {
    visitor.require(Capability::ManageMembers)?;
    let stated = parameters.revoked.unwrap_or_default();
    let revoked = match stated.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let window = ListWindow::new(
        TOKEN_PAGE_SIZE,
        non_empty(parameters.after),
        non_empty(parameters.before),
    );
    let mut variables = json!(window);
    variables["revoked"] = json!(revoked);
    let found: ReviewTokensOperation = service.execute(&visitor, &variables).await?;
    let links = found
        .tokens
        .page_info
        .links("/review/tokens", &[("revoked", &stated)]);
    let now = service.app.clock.now();
    let layout = visitor
        .layout("Tokens", "/review")
        .with_query(PageService::graphiql_address(
            ReviewTokensOperation::DOCUMENT,
            &variables,
        ));
    Ok(Page::new(TokensTemplate {
        layout,
        caption: match found.tokens.total_count {
            1 => "1 token".into(),
            count => format!("{} tokens", format_count(count)),
        },
        rows: found
            .tokens
            .nodes
            .into_iter()
            .map(|token| build_owned_row(token, now))
            .collect(),
        links,
        revoked: vec![
            Choice::new("no", "Not revoked", stated == "no"),
            Choice::new("yes", "Revoked", stated == "yes"),
        ],
    }))
}

fn build_owned_row(token: ListedToken, now: DateTime<Utc>) -> OwnedTokenRow {
    let role = describe_role(token.member.role);
    OwnedTokenRow {
        token: build_token_row(token.dates, now),
        member_href: format!("/review/members/{}", token.member.id),
        member: token.member.subject,
        acts_as: match token.member.organisation {
            Some(organisation) => format!("{role}, {}", organisation.name),
            None => role,
        },
    }
}

#[derive(Debug, Deserialize)]
struct RevokeTokenFields {
    /// The id of the member to whose page to return. Empty for the list of tokens.
    #[serde(default)]
    member: String,
}

async fn revoke_token(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<RevokeTokenFields>,
) -> Result<Redirect, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ManageMembers)?;
    let variables = json!({"input": {"id": id}});
    let done: RevokeReviewedTokenOperation = service.execute(&visitor, variables).await?;
    let problems = done.revoke_token.problems;
    if !problems.is_empty() {
        return Err(visitor.failure(StatusCode::CONFLICT, join_messages(&problems)));
    }
    // An id has only letters, digits, hyphens and underscores, so it cannot lead elsewhere.
    let is_id = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|letter| letter.is_ascii_alphanumeric() || b"-_".contains(&letter))
    };
    Ok(if is_id(&fields.member) {
        Redirect::to(&format!("/review/members/{}", fields.member))
    } else {
        Redirect::to("/review/tokens")
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn only_tokens_that_work_can_be_revoked() {
        let day = DateTime::UNIX_EPOCH;
        let token = |revoked_at| TokenDates {
            id: "K1".into(),
            name: "Dashboard".into(),
            issued_at: day,
            expires_at: day + TimeDelta::days(1),
            last_used_at: None,
            revoked_at,
        };
        let works = build_token_row(token(None), day);
        assert!(works.is_active && works.state == "Works until 2 January 1970");
        assert_eq!(works.last_used, "Never");
        assert!(!build_token_row(token(Some(day)), day).is_active);
        assert!(!build_token_row(token(None), day + TimeDelta::days(1)).is_active);
    }
}
