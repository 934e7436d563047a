//! The members, and the invitations to become one.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_engine::summary::format_count;
use wayin_entity::{Capability, Role};

use super::data::{join_messages, list_form_problems};
use super::organisations::{NO_ORGANISATION, OrganisationMatch, find_organisations, read_organisation};
use super::paging::{ListLinks, ListPosition, ListWindow, non_empty};
use super::secret::{SCRIPTS, SecretTemplate, advise_on_path, complete_link, find_repeat};
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

const MEMBER_PAGE_SIZE: u32 = 50;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/review/members", get(show_members))
        .route("/review/invitations", post(invite))
        .route("/review/invitations/{id}/revoke", post(revoke_invitation))
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

#[derive(Debug, Deserialize, Serialize)]
struct ListedInvitations {
    nodes: Vec<ListedInvitation>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedInvitation {
    id: String,
    name: String,
    role: Role,
    organisation: Option<NamedOrganisation>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    accepted_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    member: Option<InvitedMember>,
}

#[derive(Debug, Deserialize, Serialize)]
struct InvitedMember {
    id: String,
}

impl PageOperation for ReviewMembersOperation {
    const DOCUMENT: &'static str = include_str!("members.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InviteToReviewOperation {
    invite_member: InvitePayload,
}

#[derive(Debug, Deserialize, Serialize)]
struct InvitePayload {
    url: Option<String>,
    invitation: Option<CreatedInvitationData>,
    problems: Vec<ProblemData>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatedInvitationData {
    name: String,
    role: Role,
    expires_at: DateTime<Utc>,
    organisation: Option<NamedOrganisation>,
}

impl PageOperation for InviteToReviewOperation {
    const DOCUMENT: &'static str = include_str!("invite.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeReviewedInvitationOperation {
    revoke_invitation: RevocationPayload,
}

/// What a mutation that revokes something answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct RevocationPayload {
    pub problems: Vec<ProblemData>,
}

impl PageOperation for RevokeReviewedInvitationOperation {
    const DOCUMENT: &'static str = include_str!("revoke_invitation.graphql");
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

struct InvitationRow {
    id: String,
    name: String,
    /// The address of the member who accepted it. Empty if nobody did.
    member_href: String,
    role: String,
    organisation: String,
    state: String,
    kind: &'static str,
    is_open: bool,
}

struct InviteForm {
    roles: Vec<Choice>,
    name: String,
    organisation: String,
    /// The organisations among which to choose. Empty if the name is enough.
    organisations: Vec<Choice>,
    days: String,
    /// The idempotency key of the form.
    key: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct InviteFields {
    #[serde(default)]
    role: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    organisation: String,
    #[serde(default)]
    organisation_id: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    key: String,
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

async fn build_members(
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

fn build_invitation_row(invitation: ListedInvitation, now: DateTime<Utc>) -> InvitationRow {
    let (state, kind) = match (
        invitation.accepted_at,
        invitation.revoked_at,
        invitation.expires_at,
    ) {
        (Some(day), ..) => (format!("Accepted on {}", format_day(day)), "good"),
        (None, Some(day), _) => (format!("Revoked on {}", format_day(day)), "bad"),
        (None, None, until) if until <= now => (format!("Ended on {}", format_day(until)), ""),
        (None, None, until) => (format!("Open until {}", format_day(until)), "info"),
    };
    InvitationRow {
        is_open: kind == "info",
        member_href: invitation
            .member
            .map_or_else(String::new, |member| member_address(&member.id)),
        id: invitation.id,
        name: invitation.name,
        role: describe_role(invitation.role),
        organisation: describe_organisation(invitation.organisation.as_ref()),
        state,
        kind,
    }
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

impl InviteForm {
    fn new(service: &PageService, fields: &InviteFields, organisations: Vec<Choice>) -> Self {
        Self {
            roles: list_roles(&fields.role),
            name: fields.name.clone(),
            organisation: fields.organisation.clone(),
            organisations,
            days: if fields.days.is_empty() {
                "7".into()
            } else {
                fields.days.clone()
            },
            key: service.app.clock.new_id().to_string(),
        }
    }
}

/// What an invitation needs, if the fields say it, or else what is wrong and the organisations to choose among.
struct CheckedInvitation {
    input: Value,
    problems: FormProblems,
    organisations: Vec<Choice>,
}

async fn check_invitation(
    service: &PageService,
    visitor: &Visitor,
    fields: &InviteFields,
) -> Result<CheckedInvitation, PageError> {
    let mut problems = FormProblems::default();
    let role = parse_role(&fields.role);
    if role.is_none() {
        problems.push("role", "Choose a role.");
    }
    if fields.name.trim().is_empty() {
        problems.push("name", "Enter a name by which you recognise the person.");
    }
    let typed = (fields.organisation.as_str(), fields.organisation_id.as_str());
    let organisation = read_organisation(service, visitor, typed, role, &mut problems).await?;
    let days = fields.days.trim().parse::<i32>().ok();
    if days.is_none() {
        problems.push("days", "Enter a number of days from 1 to 30.");
    }
    Ok(CheckedInvitation {
        input: json!({
            "role": role, "organisation": organisation.id, "name": fields.name.trim(), "days": days,
            "idempotencyKey": non_empty(Some(fields.key.clone())),
        }),
        problems,
        organisations: organisation.choices,
    })
}

async fn invite(
    State(service): State<PageService>,
    headers: HeaderMap,
    form: CheckedForm<InviteFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ManageMembers)?;
    let checked = check_invitation(&service, &visitor, &fields).await?;
    let mut problems = checked.problems;
    if problems.is_empty() {
        let variables = json!({ "input": checked.input });
        let done: InviteToReviewOperation = service.execute(&visitor, variables).await?;
        let payload = done.invite_member;
        if let (Some(url), Some(invitation)) = (payload.url, payload.invitation) {
            let link = complete_link(url, &headers);
            return Ok(Page::new(show_invitation(&visitor, link, invitation)).into_response());
        }
        problems = find_repeat(&payload.problems)
            .unwrap_or_else(|| list_form_problems(&payload.problems, find_invite_control));
    }
    let invite = InviteForm::new(&service, &fields, checked.organisations);
    let parameters = MemberParameters::default();
    let template = build_members(&service, &visitor, parameters, invite, problems).await?;
    Ok(Page::unprocessable(template).into_response())
}

/// The control of a field of the input of an invitation. Empty for a field without one.
fn find_invite_control(field: &str) -> &'static str {
    match field {
        "role" => "role",
        "name" => "name",
        "organisation" => "organisation",
        "days" => "days",
        _ => "",
    }
}

fn show_invitation(visitor: &Visitor, link: String, invitation: CreatedInvitationData) -> SecretTemplate {
    let becomes = match invitation.organisation {
        Some(organisation) => format!(
            "The person who opens it becomes a {} of {}.",
            describe_role(invitation.role).to_lowercase(),
            organisation.name
        ),
        None => format!(
            "The person who opens it becomes a {}.",
            describe_role(invitation.role).to_lowercase()
        ),
    };
    let mut advice = vec![
        format!(
            "Send it to {} alone, in a message that nobody else reads.",
            invitation.name
        ),
        becomes,
        format!(
            "It works once, until {}. If it goes astray, revoke the invitation and create another.",
            format_day(invitation.expires_at)
        ),
    ];
    advice.extend(advise_on_path(&link));
    SecretTemplate {
        layout: visitor
            .layout("Invitation created", "/review")
            .with_scripts(SCRIPTS),
        label: "Link to accept the invitation",
        secret: link,
        copy_label: "Copy the link",
        advice,
        back_href: "/review/members#invitations".into(),
        back_text: "Back to members and invitations",
    }
}

#[derive(Deserialize)]
struct RevokeInvitationFields {}

async fn revoke_invitation(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<RevokeInvitationFields>,
) -> Result<Redirect, PageError> {
    let visitor = form.visitor;
    visitor.require(Capability::ManageMembers)?;
    let variables = json!({"input": {"id": id}});
    let done: RevokeReviewedInvitationOperation = service.execute(&visitor, variables).await?;
    let problems = done.revoke_invitation.problems;
    if problems.is_empty() {
        return Ok(Redirect::to("/review/members#invitations"));
    }
    Err(visitor.failure(StatusCode::CONFLICT, join_messages(&problems)))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn invitation() -> ListedInvitation {
        ListedInvitation {
            id: "V1".into(),
            name: "Amina".into(),
            role: Role::Partner,
            organisation: None,
            created_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH + TimeDelta::days(7),
            accepted_at: None,
            revoked_at: None,
            member: Some(InvitedMember { id: "U1".into() }),
        }
    }

    #[test]
    fn only_open_invitations_can_be_revoked() {
        let day = Some(DateTime::UNIX_EPOCH + TimeDelta::days(1));
        let accepted = ListedInvitation {
            accepted_at: day,
            ..invitation()
        };
        let revoked = ListedInvitation {
            revoked_at: day,
            ..invitation()
        };
        let soon = DateTime::UNIX_EPOCH + TimeDelta::days(2);
        let late = DateTime::UNIX_EPOCH + TimeDelta::days(7);
        for (invitation, now, is_open, state) in [
            (invitation(), soon, true, "Open until 8 January 1970"),
            (invitation(), late, false, "Ended on 8 January 1970"),
            (accepted, soon, false, "Accepted on 2 January 1970"),
            (revoked, soon, false, "Revoked on 2 January 1970"),
        ] {
            let row = build_invitation_row(invitation, now);
            assert_eq!((row.is_open, row.state.as_str()), (is_open, state));
        }
    }
}
