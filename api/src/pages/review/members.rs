//! The page of the members. It also has the invitations to become one.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_engine::summary::format_count;
use wayin_entity::{Capability, Role};

use super::invitations::{InvitationRow, InviteFields, InviteForm, ListedInvitations, build_invitation_row};
use super::organisations::{NO_ORGANISATION, OrganisationMatch, find_organisations};
use super::paging::{ListLinks, ListPosition, ListWindow, non_empty};
use super::wording::describe_role;
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::layout::Layout;
use crate::pages::layout::parts::{Choice, FormProblems};
use crate::pages::operation::PageOperation;
use crate::pages::record::data::NamedOrganisation;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

const MEMBER_PAGE_SIZE: u32 = 50;

pub fn router() -> Router<PageService> {
    Router::new().route("/review/members", get(show_members))
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ReviewMembersOperation {
    members: ListedMembers,
    invitations: ListedInvitations,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedMembers {
    total_count: u64,
    page_info: ListPosition,
    nodes: Vec<ListedMember>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedMember {
    id: String,
    subject: String,
    name: Option<String>,
    role: Role,
    organisation: Option<NamedOrganisation>,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
}

impl PageOperation for ReviewMembersOperation {
    const DOCUMENT: &'static str = include_str!("members.graphql");
}

#[derive(Debug, Default, Deserialize)]
pub struct MemberParameters {
    /// A part of the name or of the subject, as somebody typed it.
    #[serde(rename = "filter-search")]
    search: Option<String>,
    #[serde(rename = "filter-role")]
    role: Option<String>,
    /// The name of an organisation, as somebody typed it.
    #[serde(rename = "filter-organisation")]
    organisation: Option<String>,
    /// "yes" for those who are revoked, "no" for those who are not.
    #[serde(rename = "filter-revoked")]
    revoked: Option<String>,
    after: Option<String>,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "review/members.html")]
pub struct MembersTemplate {
    layout: Layout,
    problems: FormProblems,
    caption: String,
    rows: Vec<MemberRow>,
    links: ListLinks,
    filter: MemberFilterForm,
    invitations: Vec<InvitationRow>,
    invite: InviteForm,
}

struct MemberRow {
    href: String,
    name: String,
    role: String,
    organisation: String,
    since: String,
    /// The day on which the member was revoked. Empty if the member is active.
    revoked: String,
}

struct MemberFilterForm {
    search: String,
    roles: Vec<Choice>,
    organisation: String,
    organisation_error: &'static str,
    revoked: Vec<Choice>,
}

async fn show_members(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<MemberParameters>,
) -> Result<Page<MembersTemplate>, PageError> {
    visitor.require(Capability::ManageMembers)?;
    let invite = InviteForm::new(&service, &InviteFields::default(), Vec::new());
    let template = build_members(&service, &visitor, parameters, invite, FormProblems::default()).await?;
    Ok(Page::new(template))
}

/// Builds the page of the members, with the form of an invitation and what is wrong in it.
pub async fn build_members(
    service: &PageService,
    visitor: &Visitor,
    parameters: MemberParameters,
    invite: InviteForm,
    problems: FormProblems,
) -> Result<MembersTemplate, PageError> {
    let filter = MemberFilterForm::new(&parameters);
    let (organisation, organisation_error) = find_filter(service, visitor, &filter.organisation).await?;
    let revoked = match parameters.revoked.as_deref() {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        _ => None,
    };
    let role = parse_role(parameters.role.as_deref().unwrap_or_default());
    let window = ListWindow::new(
        MEMBER_PAGE_SIZE,
        non_empty(parameters.after),
        non_empty(parameters.before),
    );
    let mut variables = json!(window);
    variables["search"] = json!(non_empty(Some(filter.search.trim().to_owned())));
    variables["role"] = json!(role);
    variables["organisation"] = json!(organisation);
    variables["revoked"] = json!(revoked);
    let found: ReviewMembersOperation = service.execute(visitor, &variables).await?;
    let links = found.members.page_info.links(
        "/review/members",
        &[
            ("filter-search", filter.search.as_str()),
            ("filter-role", parameters.role.as_deref().unwrap_or_default()),
            ("filter-organisation", &filter.organisation),
            (
                "filter-revoked",
                parameters.revoked.as_deref().unwrap_or_default(),
            ),
        ],
    );
    let now = service.app.clock.now();
    let layout = visitor
        .layout("Members", "/review")
        .with_query(PageService::graphiql_address(
            ReviewMembersOperation::DOCUMENT,
            &variables,
        ));
    Ok(MembersTemplate {
        layout,
        problems,
        caption: match found.members.total_count {
            1 => "1 member".into(),
            count => format!("{} members", format_count(count)),
        },
        rows: found.members.nodes.into_iter().map(build_member_row).collect(),
        links,
        filter: MemberFilterForm {
            organisation_error,
            ..filter
        },
        invitations: found
            .invitations
            .nodes
            .into_iter()
            .map(|invitation| build_invitation_row(invitation, now))
            .collect(),
        invite,
    })
}

/// Finds the organisation of a filter. None without one, and if there is not exactly one, with the reason.
async fn find_filter(
    service: &PageService,
    visitor: &Visitor,
    organisation: &str,
) -> Result<(Option<String>, &'static str), PageError> {
    if organisation.trim().is_empty() {
        return Ok((None, ""));
    }
    Ok(match find_organisations(service, visitor, organisation).await? {
        OrganisationMatch::One(found) => (Some(found.id), ""),
        OrganisationMatch::None => (None, NO_ORGANISATION),
        OrganisationMatch::Several(_) => (
            None,
            "Several organisations have this in their name. Enter the whole name, or the identifier.",
        ),
    })
}

fn build_member_row(member: ListedMember) -> MemberRow {
    MemberRow {
        href: member_address(&member.id),
        name: member.name.unwrap_or(member.subject),
        role: describe_role(member.role),
        organisation: describe_organisation(member.organisation.as_ref()),
        since: format_day(member.created_at),
        revoked: member.revoked_at.map_or_else(String::new, format_day),
    }
}

/// The address of the page of a member.
pub fn member_address(id: &str) -> String {
    format!("/review/members/{id}")
}

pub fn describe_organisation(organisation: Option<&NamedOrganisation>) -> String {
    organisation.map_or_else(|| "None".into(), |organisation| organisation.name.clone())
}

pub fn parse_role(code: &str) -> Option<Role> {
    Role::ALL.iter().copied().find(|role| role.code() == code)
}

pub fn list_roles(chosen: &str) -> Vec<Choice> {
    let choice = |role: &Role| {
        Choice::new(role.code(), describe_role(*role), role.code() == chosen).with_hint(role.definition())
    };
    Role::ALL.iter().map(choice).collect()
}

impl MemberFilterForm {
    fn new(parameters: &MemberParameters) -> Self {
        let revoked = parameters.revoked.as_deref().unwrap_or_default();
        Self {
            search: parameters.search.clone().unwrap_or_default(),
            roles: list_roles(parameters.role.as_deref().unwrap_or_default()),
            organisation: parameters.organisation.clone().unwrap_or_default(),
            organisation_error: "",
            revoked: vec![
                Choice::new("no", "Active", revoked == "no"),
                Choice::new("yes", "Revoked", revoked == "yes"),
            ],
        }
    }
}
