//! Merging organisations over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result};
use serde_json::json;
use wayin_entity::organisation;

use super::{Draft, merge};
use crate::base::DisclosureKeys;
use crate::graphql::decode;
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::keeping::graphql::{Done, Log, begin, finish, kept_payload};
use crate::note;

/// Input to merge one organisation into another.
#[derive(Clone, Debug, InputObject)]
pub struct MergeOrganisationsInput {
    /// The organisation that remains. It keeps its name, identifier and kind. If it has no identifier or
    /// kind, it takes those of the source.
    target: ID,
    /// The version of the target that your decision is based on. If the target has changed since, the input
    /// is rejected.
    target_version: Option<i32>,
    /// The organisation to merge into the target. Afterwards, its ID, name and identifier lead to the
    /// target.
    source: ID,
    /// The version of the source that your decision is based on. If the source has changed since, the input
    /// is rejected.
    source_version: Option<i32>,
    /// The reason, at most 2,000 characters. It is stored in the revisions of both organisations and of
    /// every record that names the source.
    reason: String,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

kept_payload! {
    /// The result of merging organisations, with the organisation that remains.
    MergeOrganisationsPayload { organisation: Organisation of organisation::Model } logged
}

/// The mutation.
#[derive(Default)]
pub struct MergingMutation;

#[Object]
impl MergingMutation {
    /// Merges one organisation into another. The records, funding terms, submissions, imports and members
    /// of the source move to the target. Each published record that names the source gets a new version.
    /// You cannot undo this. For stewards.
    async fn merge_organisations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The two organisations and the reason.")] mut input: MergeOrganisationsInput,
    ) -> Result<MergeOrganisationsPayload> {
        let key = input.idempotency_key.take();
        let running =
            match begin::<organisation::Model>(ctx, "mergeOrganisations", key.as_deref(), &input).await? {
                Ok(running) => running,
                Err(done) => return Ok(done.into()),
            };
        let draft = Draft {
            keep: decode(NodeKind::Organisation, "input.target", &input.target)?,
            keep_version: input.target_version,
            merge: decode(NodeKind::Organisation, "input.source", &input.source)?,
            merge_version: input.source_version,
        };
        let (reason, wrong) = match note::validate("reason", &input.reason) {
            Ok(reason) => (reason, Vec::new()),
            Err(refusal) => (String::new(), refusal.findings),
        };
        let keys = DisclosureKeys::of(running.db()).await?;
        let merged = match merge(running.db(), &running.act(&reason), &keys, draft).await? {
            Ok(merged) => merged,
            Err(mut refusal) => {
                refusal.findings.extend(wrong);
                return Ok(Done::Refused(refusal).into());
            }
        };
        let detail = json!({
            "reason": reason,
            "merged": {
                "id": NodeKind::Organisation.id(merged.merged.id),
                "name": merged.merged.name,
                "identifier": merged.merged.identifier,
            },
            "initiatives": merged.initiatives,
            "submissions": merged.submissions,
            "members": merged.members,
        });
        Ok(finish(*running, Ok(merged.kept), wrong, Log::Grows, detail)
            .await?
            .into())
    }
}
