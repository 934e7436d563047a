//! Merging organisations over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result};
use serde_json::json;
use wayin_entity::organisation;

use super::{OrganisationMerge, merge_organisations};
use crate::graphql::decode_argument;
use crate::id::NodeKind;
use crate::initiative::graphql::Organisation;
use crate::instance::DisclosureKeys;
use crate::note;
use crate::reference_data::graphql::{
    ChangeLogging, SaveOutcome, begin_save, finish_save, reference_payload,
};

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

reference_payload! {
    /// The result of merging organisations, with the organisation that remains.
    MergeOrganisationsPayload { organisation: Organisation of organisation::Model } logged
}

#[derive(Default)]
pub struct OrganisationMergeMutation;

#[Object]
impl OrganisationMergeMutation {
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
            match begin_save::<organisation::Model>(ctx, "mergeOrganisations", key.as_deref(), &input).await?
            {
                Ok(running) => running,
                Err(done) => return Ok(done.into()),
            };
        let draft = OrganisationMerge {
            target: decode_argument(NodeKind::Organisation, "input.target", &input.target)?,
            target_version: input.target_version,
            source: decode_argument(NodeKind::Organisation, "input.source", &input.source)?,
            source_version: input.source_version,
        };
        let (reason, wrong) = match note::validate_note("reason", &input.reason) {
            Ok(reason) => (reason, Vec::new()),
            Err(refusal) => (String::new(), refusal.problems),
        };
        let keys = DisclosureKeys::load(running.db()).await?;
        let merged = match merge_organisations(running.db(), &running.action(&reason), &keys, draft).await? {
            Ok(merged) => merged,
            Err(mut refusal) => {
                refusal.problems.extend(wrong);
                return Ok(SaveOutcome::Rejected(refusal).into());
            }
        };
        let detail = json!({
            "reason": reason,
            "merged": {
                "id": NodeKind::Organisation.encode_id(merged.source.id),
                "name": merged.source.name,
                "identifier": merged.source.identifier,
            },
            "initiatives": merged.initiatives,
            "submissions": merged.submissions,
            "members": merged.members,
        });
        Ok(
            finish_save(*running, Ok(merged.target), wrong, ChangeLogging::Logged, detail)
                .await?
                .into(),
        )
    }
}
