//! The invitations to become a member.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_entity::{Capability, Role};

use super::data::{RevocationPayload, join_messages, list_form_problems};
use super::members::{
    MemberParameters, build_members, describe_organisation, list_roles, member_address, parse_role,
};
use super::organisations::read_organisation;
use super::paging::non_empty;
use super::secret::{SCRIPTS, SecretTemplate, advise_on_path, complete_link, find_repeat};
use super::wording::describe_role;
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::parts::{Choice, FormProblems};
use crate::pages::operation::PageOperation;
use crate::pages::record::data::{NamedOrganisation, ProblemData};
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/review/invitations", post(invite))
        .route("/review/invitations/{id}/revoke", post(revoke_invitation))
}

/// The invitations on the page of the members.
#[derive(Debug, Deserialize, Serialize)]
pub struct ListedInvitations {
    pub nodes: Vec<ListedInvitation>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedInvitation {
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

impl PageOperation for RevokeReviewedInvitationOperation {
    const DOCUMENT: &'static str = include_str!("revoke_invitation.graphql");
}

/// An invitation in words.
pub struct InvitationRow {
    pub id: String,
    pub name: String,
    /// The address of the member who accepted it. Empty if nobody did.
    pub member_href: String,
    pub role: String,
    pub organisation: String,
    pub state: String,
    pub kind: &'static str,
    pub is_open: bool,
}

/// The form of an invitation.
pub struct InviteForm {
    pub roles: Vec<Choice>,
    pub name: String,
    pub organisation: String,
    /// The organisations among which to choose. Empty if the name is enough.
    pub organisations: Vec<Choice>,
    pub days: String,
    /// The idempotency key of the form.
    pub key: String,
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

/// Describes an invitation.
pub fn build_invitation_row(invitation: ListedInvitation, now: DateTime<Utc>) -> InvitationRow {
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

impl InviteForm {
    pub fn new(service: &PageService, fields: &InviteFields, organisations: Vec<Choice>) -> Self {
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
