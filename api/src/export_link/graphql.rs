//! Links over GraphQL, for members.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{CreatedLink, LINK_PATH, create_link};
use crate::auth::requester::Requester;
use crate::error::Error;
use crate::graphql::{app_from_context, mutation, problem::InputProblem, require_member};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, MutationStart, Rejection};
use crate::pattern::files::question::{FileAddress, parse_address};
use wayin_records::problem::ProblemCode;

/// Input to create a link. There is no idempotency key, as the service does not store the link: if you lose the answer,
/// create another link.
#[derive(Clone, Debug, InputObject)]
pub struct CreateExportLinkInput {
    /// The path and the parameters of the file on this server, as you would request it with your token, such as
    /// `/export/distribution.csv?of=REGION`.
    address: String,
}

/// The result of creating a link.
#[derive(SimpleObject)]
pub struct CreateExportLinkPayload {
    /// The path on this server that opens the file without a token, until `expiresAt`. Anyone who has it can read the file. It is
    /// shown only once. Null if the input was rejected.
    url: Option<String>,
    /// When the link ends (UTC). Null if the input was rejected.
    expires_at: Option<DateTime<Utc>>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

impl CreateExportLinkPayload {
    fn from_rejection(refusal: Rejection) -> Self {
        Self {
            url: None,
            expires_at: None,
            problems: refusal.problems.into_iter().map(Into::into).collect(),
        }
    }
}

#[derive(Default)]
pub struct ExportLinkMutation;

#[Object]
impl ExportLinkMutation {
    /// Creates a link that opens a file of `/export` in a browser or a spreadsheet, without a token, for 15 minutes. Each time
    /// it is opened, the service sends the file as you could read it then, and you pay for it.
    async fn create_export_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file.")] input: CreateExportLinkInput,
    ) -> Result<CreateExportLinkPayload> {
        let (app, member) = (app_from_context(ctx), require_member(ctx)?);
        let FileAddress { path, address } =
            match parse_address(app, ctx.data_unchecked::<Requester>(), &input.address) {
                Ok(checked) => checked,
                Err(Error::BadInput(reason)) => {
                    return Ok(CreateExportLinkPayload::from_rejection(Rejection::from_problem(
                        ProblemCode::InvalidFormat,
                        "address",
                        reason,
                    )));
                }
                Err(other) => return Err(other.into()),
            };
        // The result has no key, so it is never stored and never replayed.
        let running = match mutation::begin_mutation::<()>(ctx, "createExportLink", None, &input).await? {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(CreateExportLinkPayload::from_rejection(problem.into()));
            }
            MutationStart::Replayed(()) => {
                return Err(Error::Internal("a mutation without a key was replayed".into()).into());
            }
        };
        let created = create_link(running.db(), &running.action(""), member, address).await?;
        let CreatedLink { secret, row } = match created {
            Ok(created) => created,
            Err(refusal) => return Ok(CreateExportLinkPayload::from_rejection(refusal)),
        };
        // The event is about the member whose rights the link uses. It does not say what the member asks.
        let event = AuditRecord {
            kind: NodeKind::Member,
            id: row.member_id,
            before: None,
            after: None,
            detail: json!({"file": path, "expiresAt": row.expires_at}),
        };
        running.finish(event, &()).await?;
        Ok(CreateExportLinkPayload {
            url: Some(format!("{LINK_PATH}{secret}")),
            expires_at: Some(row.expires_at),
            problems: Vec::new(),
        })
    }
}
