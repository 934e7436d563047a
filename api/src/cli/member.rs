//! `wayin member` and `wayin token`.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use sea_orm::ConnectionTrait;
use serde_json::json;
use wayin_entity::{Capability, OrganisationKind, Role};

use super::error::CliError;
use super::opening::open;
use super::output::print_line;
use crate::audit::{self, Event};
use crate::auth::issued_token::{self, Draft, Issuing, Until};
use crate::auth::{jwt::Subject, member};
use crate::change::Act;
use crate::clock::{Clock, SystemClock};
use crate::config::{TokenConfig, environment, issuer};
use crate::database::{begin_writing, commit};
use crate::error::Error;
use crate::id::{self, NodeKind};
use crate::mutation::Refusal;
use crate::{keeping, organisation};

/// Reads a role by its code.
fn parse_role() -> impl TypedValueParser<Value = Role> {
    let help = |role: &Role| role.definition().trim_end_matches('.');
    let codes = Role::ALL
        .iter()
        .map(move |role| PossibleValue::new(role.code()).help(help(role)));
    PossibleValuesParser::new(codes).try_map(|given| {
        let mut roles = Role::ALL.iter().copied();
        roles
            .find(|role| role.code().eq_ignore_ascii_case(&given))
            .ok_or("there is no such role")
    })
}

#[derive(Debug, Subcommand)]
pub enum Member {
    /// Add a member, or give one another role; one who was revoked may act again.
    #[command(
        after_help = "Example:\n  wayin member add --subject ada --role FUNDER \\\n    --organisation GB-CHC-327114 --organisation-name \"Lloyds Bank Foundation for England and Wales\""
    )]
    Add {
        /// The `sub` of the member's tokens.
        #[arg(long)]
        subject: String,
        /// The `iss` of the member's tokens; TOKEN_ISSUER where it is not said.
        #[arg(long)]
        issuer: Option<String>,
        /// What the member may do.
        #[arg(long, ignore_case = true, value_parser = parse_role())]
        role: Role,
        /// The org-id identifier of the organisation that the member acts for; funders and partners need one.
        #[arg(long)]
        organisation: Option<String>,
        /// The organisation's name, where it is new to the base.
        #[arg(long)]
        organisation_name: Option<String>,
    },
    /// List the members.
    #[command(after_help = "Example:\n  wayin member list")]
    List,
    /// Revoke a member, at once.
    #[command(after_help = "Example:\n  wayin member revoke --subject ada")]
    Revoke {
        /// The `sub` of the member's tokens.
        #[arg(long)]
        subject: String,
        /// The `iss` of the member's tokens; TOKEN_ISSUER where it is not said.
        #[arg(long)]
        issuer: Option<String>,
    },
}

/// A member's subject, with the issuer that is said or set.
pub(super) fn subject(subject: String, said: Option<String>) -> Result<Subject, CliError> {
    let issuer = match said {
        Some(issuer) => issuer,
        None => issuer(&environment)?,
    };
    Ok(Subject { issuer, subject })
}

impl Member {
    /// Does it.
    pub async fn run(self) -> Result<(), CliError> {
        let act = Act {
            clock: &SystemClock,
            member: None,
            reason: "on the command line",
        };
        match self {
            Self::Add {
                subject: named,
                issuer,
                role,
                organisation,
                organisation_name,
            } => {
                let subject = subject(named, issuer)?;
                let db = open().await?;
                let transaction = begin_writing(&db).await?;
                let organisation = if organisation.is_some() || organisation_name.is_some() {
                    let is_funder =
                        role.can(Capability::ActForOrganisation) && role.can(Capability::ImportGrants);
                    let kind = is_funder.then_some(OrganisationKind::Funder);
                    let (identifier, name) = (organisation.as_deref(), organisation_name.as_deref());
                    Some(
                        organisation::ensure(&transaction, &act, identifier, name, kind)
                            .await?
                            .id,
                    )
                } else {
                    None
                };
                let added = member::add(&transaction, &act, subject, role, organisation).await?;
                note(&transaction, &act, "saveMember", &added).await?;
                commit(transaction).await?;
                print_line!("{} may now act as {}.", added.subject, role.code());
            }
            Self::List => {
                for (member, organisation) in member::list(&open().await?).await? {
                    let state = if member.revoked_at.is_some() {
                        "revoked"
                    } else {
                        "active"
                    };
                    let organisation =
                        organisation.map_or_else(String::new, |organisation| organisation.name);
                    print_line!(
                        "{}\t{}\t{}\t{}\t{organisation}",
                        member.subject,
                        member.issuer,
                        member.role.code(),
                        state
                    );
                }
            }
            Self::Revoke {
                subject: named,
                issuer,
            } => {
                let subject = subject(named, issuer)?;
                let db = open().await?;
                let transaction = begin_writing(&db).await?;
                let revoked = member::revoke(&transaction, &act, &subject).await?;
                if let Some(member) = &revoked {
                    note(&transaction, &act, "revokeMember", member).await?;
                }
                commit(transaction).await?;
                let Some(member) = revoked else {
                    let Subject { issuer, subject } = subject;
                    return Err(CliError::Asked(format!(
                        "No member has the subject {subject} from {issuer}."
                    )));
                };
                print_line!("{} is revoked.", member.subject);
            }
        }
        Ok(())
    }
}

/// Leaves an event in the audit trail, as the mutation of that name does.
async fn note(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    name: &str,
    member: &wayin_entity::member::Model,
) -> Result<(), Error> {
    let version = keeping::version(db, member.id).await?;
    let event = Event {
        kind: NodeKind::Member,
        id: member.id,
        before: (version > 1).then_some(version - 1),
        after: Some(version),
        detail: json!({
            "reason": act.reason,
            "organisation": member.organisation_id.map(|id| NodeKind::Organisation.id(id)),
        }),
    };
    audit::add(db, act, name, event).await
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Print a token for a member, signed with the configured key.
    ///
    /// It is listed under its name, so that it can be revoked; its text is kept nowhere.
    #[command(
        after_help = "Example:\n  wayin token issue --subject ada --name \"Ada's dashboard\" --days 30"
    )]
    Issue {
        /// The subject of a member under TOKEN_ISSUER.
        #[arg(long)]
        subject: String,
        /// What to call it in the list: what it is for.
        #[arg(long, default_value = "issued on the command line", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: String,
        /// For how many days the token is good.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// List the tokens that were issued here, one a line: its id, whose it is, until when it is good, when it
    /// was last used, whether it is good, and its name.
    #[command(after_help = "Example:\n  wayin token list")]
    List,
    /// Revoke a token, at once.
    #[command(after_help = "Example:\n  wayin token revoke SwGQsLCwsHAAgAAAAAAA3q0")]
    Revoke {
        /// The token's id, as `wayin token list` tells it.
        id: String,
    },
}

impl Token {
    /// Does it.
    pub async fn run(self) -> Result<(), CliError> {
        let act = Act {
            clock: &SystemClock,
            member: None,
            reason: "on the command line",
        };
        match self {
            Self::Issue { subject, name, days } => issue(&act, subject, name, days).await,
            Self::List => list().await,
            Self::Revoke { id } => revoke(&act, &id).await,
        }
    }
}

async fn issue(act: &Act<'_>, named: String, name: String, days: u16) -> Result<(), CliError> {
    let tokens = TokenConfig::read(&environment)?;
    let issuing = Issuing {
        signer: tokens.signer()?,
        issuer: tokens.issuer,
    };
    let subject = Subject {
        issuer: issuing.issuer.clone(),
        subject: named,
    };
    let db = open().await?;
    let transaction = begin_writing(&db).await?;
    let known = member::named(&transaction, &subject).await?;
    let Some(known) = known.filter(|member| member.revoked_at.is_none()) else {
        let Subject { issuer, subject } = subject;
        return Err(CliError::Asked(format!(
            "No member has the subject {subject} from {issuer}: add one with `wayin member add`."
        )));
    };
    let draft = Draft {
        member: known.id,
        name: name.trim().to_owned(),
        until: Until::Days(days.into()),
    };
    let issued = issued_token::issue(&transaction, act, &issuing.issuer, draft).await?;
    let (row, owner) = issued.map_err(refused)?;
    let token = issuing.text(&row, owner.subject)?;
    note_token(&transaction, act, "issueToken", &row).await?;
    commit(transaction).await?;
    print_line!("{token}");
    Ok(())
}

async fn list() -> Result<(), CliError> {
    let moment = |at: Option<DateTime<Utc>>| {
        at.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
    };
    for (token, owner) in issued_token::list(&open().await?).await? {
        let state = if token.revoked_at.is_some() {
            "revoked"
        } else if token.expires_at < SystemClock.now() {
            "expired"
        } else {
            "good"
        };
        print_line!(
            "{}\t{}\t{}\t{}\t{state}\t{}",
            NodeKind::IssuedToken.id(token.id),
            owner.map_or_else(String::new, |owner| owner.subject),
            moment(Some(token.expires_at)),
            moment(token.last_used_at),
            token.name
        );
    }
    Ok(())
}

async fn revoke(act: &Act<'_>, id: &str) -> Result<(), CliError> {
    let Some(token) = id::decode_as(NodeKind::IssuedToken, id) else {
        return Err(CliError::Asked(format!(
            "{id} is not the id of a token: `wayin token list` tells them."
        )));
    };
    let db = open().await?;
    let transaction = begin_writing(&db).await?;
    let row = issued_token::revoke(&transaction, act, token)
        .await?
        .map_err(refused)?;
    note_token(&transaction, act, "revokeToken", &row).await?;
    commit(transaction).await?;
    print_line!("The token {} is revoked.", row.name);
    Ok(())
}

/// What stands against it, in one sentence.
fn refused(refusal: Refusal) -> CliError {
    let reasons: Vec<String> = refusal.findings.iter().map(ToString::to_string).collect();
    CliError::Asked(format!("Nothing was changed: {}.", reasons.join(", ")))
}

/// Leaves an event in the audit trail, as the mutation of that name does.
async fn note_token(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    name: &str,
    token: &wayin_entity::issued_token::Model,
) -> Result<(), Error> {
    let event = Event {
        kind: NodeKind::IssuedToken,
        id: token.id,
        before: None,
        after: None,
        detail: json!({
            "reason": act.reason,
            "member": NodeKind::Member.id(token.member_id),
            "expiresAt": token.expires_at,
        }),
    };
    audit::add(db, act, name, event).await
}
