//! `wayin member` and `wayin token`.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use sea_orm::ConnectionTrait;
use serde_json::json;
use wayin_entity::{Capability, OrganisationKind, Role};

use super::error::CliError;
use super::open_database::open_database;
use super::output::{print_line, print_note};
use crate::audit::{self, AuditRecord};
use crate::auth::issued_token::{self, TokenDraft, TokenExpiry, TokenIssuer};
use crate::auth::session::sign_in_link::{SIGN_IN_LINK_LIFETIME, create_sign_in_link, sign_in_link_event};
use crate::auth::{jwt::TokenSubject, member};
use crate::change_log::ActionContext;
use crate::clock::{Clock, SystemClock};
use crate::config::{TokenConfig, read_bind_address, read_environment, read_issuer, read_public_url};
use crate::database::{begin_write, commit};
use crate::error::Error;
use crate::id::{self, NodeKind};
use crate::idempotency::Rejection;
use crate::{organisation, reference_data};

/// Parses the code of a role.
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
pub enum MemberCommand {
    /// Add a member, or change a member's role. This also restores a revoked member.
    #[command(
        after_help = "Example:\n  wayin member add --subject ada --role FUNDER \\\n    --organisation GB-CHC-327114 --organisation-name \"Lloyds Bank Foundation for England and Wales\""
    )]
    Add {
        /// The `sub` of the member's tokens.
        #[arg(long)]
        subject: String,
        /// The `iss` of the member's tokens. The default is TOKEN_ISSUER.
        #[arg(long)]
        issuer: Option<String>,
        /// The role, which decides what the member can do.
        #[arg(long, ignore_case = true, value_parser = parse_role())]
        role: Role,
        /// The org-id identifier of the organisation that the member acts for. Required for funders and partners.
        #[arg(long)]
        organisation: Option<String>,
        /// The name of the organisation, if it is new to the database.
        #[arg(long)]
        organisation_name: Option<String>,
    },
    /// List the members.
    #[command(after_help = "Example:\n  wayin member list")]
    List,
    /// Revoke a member. This takes effect at once.
    #[command(after_help = "Example:\n  wayin member revoke --subject ada")]
    Revoke {
        /// The `sub` of the member's tokens.
        #[arg(long)]
        subject: String,
        /// The `iss` of the member's tokens. The default is TOKEN_ISSUER.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// Print a link that signs a member in with a browser, once, within 15 minutes.
    ///
    /// The link begins with `PUBLIC_URL`, or else with the address of this machine. Send it to nobody but the member.
    #[command(after_help = "Example:\n  wayin member sign-in-link --subject ada")]
    SignInLink {
        /// The `sub` of the member's tokens.
        #[arg(long)]
        subject: String,
        /// The `iss` of the member's tokens. The default is TOKEN_ISSUER.
        #[arg(long)]
        issuer: Option<String>,
    },
}

/// Resolves the subject of a member. The issuer is the given one, or else the configured one.
pub(super) fn resolve_subject(subject: String, given: Option<String>) -> Result<TokenSubject, CliError> {
    let issuer = match given {
        Some(issuer) => issuer,
        None => read_issuer(&read_environment)?,
    };
    Ok(TokenSubject { issuer, subject })
}

impl MemberCommand {
    pub async fn run(self) -> Result<(), CliError> {
        let act = ActionContext {
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
                let subject = resolve_subject(named, issuer)?;
                let db = open_database().await?;
                let transaction = begin_write(&db).await?;
                let organisation = if organisation.is_some() || organisation_name.is_some() {
                    let is_funder =
                        role.can(Capability::ActForOrganisation) && role.can(Capability::ImportGrants);
                    let kind = is_funder.then_some(OrganisationKind::Funder);
                    let (identifier, name) = (organisation.as_deref(), organisation_name.as_deref());
                    Some(
                        organisation::find_or_create(&transaction, &act, identifier, name, kind)
                            .await?
                            .id,
                    )
                } else {
                    None
                };
                let added =
                    member::add_or_update_member(&transaction, &act, subject, role, organisation).await?;
                record_member_event(&transaction, &act, "saveMember", &added).await?;
                commit(transaction).await?;
                print_line!("{} may now act as {}.", added.subject, role.code());
            }
            Self::List => {
                for (member, organisation) in member::list(&open_database().await?).await? {
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
                let subject = resolve_subject(named, issuer)?;
                let db = open_database().await?;
                let transaction = begin_write(&db).await?;
                let revoked = member::revoke(&transaction, &act, &subject).await?;
                if let Some(member) = &revoked {
                    record_member_event(&transaction, &act, "revokeMember", member).await?;
                }
                commit(transaction).await?;
                let Some(member) = revoked else {
                    let TokenSubject { issuer, subject } = subject;
                    return Err(CliError::InvalidArguments(format!(
                        "No member has the subject {subject} from {issuer}."
                    )));
                };
                print_line!("{} is revoked.", member.subject);
            }
            Self::SignInLink { subject, issuer } => {
                print_sign_in_link(&act, resolve_subject(subject, issuer)?).await?;
            }
        }
        Ok(())
    }
}

async fn print_sign_in_link(act: &ActionContext<'_>, named: TokenSubject) -> Result<(), CliError> {
    let public_url = read_public_url(&read_environment)?;
    let bind = read_bind_address(&read_environment)?;
    let db = open_database().await?;
    let transaction = begin_write(&db).await?;
    let known = member::find_by_subject(&transaction, &named).await?;
    let Some(known) = known.filter(|member| member.revoked_at.is_none()) else {
        let TokenSubject { issuer, subject } = named;
        return Err(CliError::InvalidArguments(format!(
            "No member has the subject {subject} from {issuer}: add one with `wayin member add`."
        )));
    };
    let created = create_sign_in_link(&transaction, act, known.id, SIGN_IN_LINK_LIFETIME)
        .await?
        .map_err(error_from_rejection)?;
    let event = sign_in_link_event(known.id, Some(act.reason), created.expires_at);
    audit::append_event(&transaction, act, "createSignInLink", event).await?;
    commit(transaction).await?;
    let path = created.path();
    match public_url {
        Some(url) => print_line!("{}", url.join(&path)),
        None if bind.ip().is_loopback() => print_line!("http://{bind}{path}"),
        None => {
            print_line!("{path}");
            print_note!("Set PUBLIC_URL to print the whole address of the link.");
        }
    }
    Ok(())
}

/// Records an audit event, as the mutation of that name does.
async fn record_member_event(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    name: &str,
    member: &wayin_entity::member::Model,
) -> Result<(), Error> {
    let version = reference_data::load_version(db, member.id).await?;
    let event = AuditRecord {
        kind: NodeKind::Member,
        id: member.id,
        before: (version > 1).then_some(version - 1),
        after: Some(version),
        detail: json!({
            "reason": act.reason,
            "organisation": member.organisation_id.map(|id| NodeKind::Organisation.encode_id(id)),
        }),
    };
    audit::append_event(db, act, name, event).await?;
    Ok(())
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Print a token for a member, signed with the configured key.
    ///
    /// The token is listed under its name, so that you can revoke it. The token itself is not stored.
    #[command(
        after_help = "Example:\n  wayin token issue --subject ada --name \"Ada's dashboard\" --days 30"
    )]
    Issue {
        /// The `sub` of a member whose issuer is TOKEN_ISSUER.
        #[arg(long)]
        subject: String,
        /// The name of the token in the list. Say what the token is for.
        #[arg(long, default_value = "issued on the command line", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: String,
        /// The number of days for which the token is valid.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: u16,
    },
    /// List the issued tokens, one on each line: the id, the member's subject, when the token expires, when it
    /// was last used, its state, and its name.
    #[command(after_help = "Example:\n  wayin token list")]
    List,
    /// Revoke a token. This takes effect at once.
    #[command(after_help = "Example:\n  wayin token revoke SwGQsLCwsHAAgAAAAAAA3q0")]
    Revoke {
        /// The id of the token. `wayin token list` shows it.
        id: String,
    },
}

impl TokenCommand {
    pub async fn run(self) -> Result<(), CliError> {
        let act = ActionContext {
            clock: &SystemClock,
            member: None,
            reason: "on the command line",
        };
        match self {
            Self::Issue { subject, name, days } => issue_token(&act, subject, name, days).await,
            Self::List => list_tokens().await,
            Self::Revoke { id } => revoke_token(&act, &id).await,
        }
    }
}

async fn issue_token(
    act: &ActionContext<'_>,
    named: String,
    name: String,
    days: u16,
) -> Result<(), CliError> {
    let tokens = TokenConfig::read(&read_environment)?;
    let issuing = TokenIssuer {
        signer: tokens.build_signer()?,
        issuer: tokens.issuer,
    };
    let subject = TokenSubject {
        issuer: issuing.issuer.clone(),
        subject: named,
    };
    let db = open_database().await?;
    let transaction = begin_write(&db).await?;
    let known = member::find_by_subject(&transaction, &subject).await?;
    let Some(known) = known.filter(|member| member.revoked_at.is_none()) else {
        let TokenSubject { issuer, subject } = subject;
        return Err(CliError::InvalidArguments(format!(
            "No member has the subject {subject} from {issuer}: add one with `wayin member add`."
        )));
    };
    let draft = TokenDraft {
        member: known.id,
        name: name.trim().to_owned(),
        expiry: TokenExpiry::AfterDays(days.into()),
    };
    let issued = issued_token::issue_token(&transaction, act, &issuing.issuer, draft).await?;
    let (row, owner) = issued.map_err(error_from_rejection)?;
    let token = issuing.encode_token(&row, owner.subject)?;
    record_token_event(&transaction, act, "issueToken", &row).await?;
    commit(transaction).await?;
    print_line!("{token}");
    Ok(())
}

async fn list_tokens() -> Result<(), CliError> {
    let moment = |at: Option<DateTime<Utc>>| {
        at.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
    };
    for (token, owner) in issued_token::list(&open_database().await?).await? {
        let state = if token.revoked_at.is_some() {
            "revoked"
        } else if token.expires_at < SystemClock.now() {
            "expired"
        } else {
            "good"
        };
        print_line!(
            "{}\t{}\t{}\t{}\t{state}\t{}",
            NodeKind::IssuedToken.encode_id(token.id),
            owner.map_or_else(String::new, |owner| owner.subject),
            moment(Some(token.expires_at)),
            moment(token.last_used_at),
            token.name
        );
    }
    Ok(())
}

async fn revoke_token(act: &ActionContext<'_>, id: &str) -> Result<(), CliError> {
    let Some(token) = id::decode_as(NodeKind::IssuedToken, id) else {
        return Err(CliError::InvalidArguments(format!(
            "{id} is not the id of a token: `wayin token list` tells them."
        )));
    };
    let db = open_database().await?;
    let transaction = begin_write(&db).await?;
    let row = issued_token::revoke(&transaction, act, token)
        .await?
        .map_err(error_from_rejection)?;
    record_token_event(&transaction, act, "revokeToken", &row).await?;
    commit(transaction).await?;
    print_line!("The token {} is revoked.", row.name);
    Ok(())
}

/// Converts a rejection to an error with all problems in one sentence.
pub(super) fn error_from_rejection(refusal: Rejection) -> CliError {
    let reasons: Vec<String> = refusal.problems.iter().map(ToString::to_string).collect();
    CliError::InvalidArguments(format!("Nothing was changed: {}.", reasons.join(", ")))
}

/// Records an audit event, as the mutation of that name does.
async fn record_token_event(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    name: &str,
    token: &wayin_entity::issued_token::Model,
) -> Result<(), Error> {
    let event = AuditRecord {
        kind: NodeKind::IssuedToken,
        id: token.id,
        before: None,
        after: None,
        detail: json!({
            "reason": act.reason,
            "member": NodeKind::Member.encode_id(token.member_id),
            "expiresAt": token.expires_at,
        }),
    };
    audit::append_event(db, act, name, event).await?;
    Ok(())
}
